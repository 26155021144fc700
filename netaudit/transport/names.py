"""Names turned into addresses, without a slow resolver holding up anybody else.

The event loop's own pool has a handful of threads for everything; some dead names would make all others wait. Here each
name is looked up once a run by a thread of its own, at most so many at a time, and a thread that never comes back
delays nothing, the end of the program included: it is a daemon.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from dataclasses import dataclass, field

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.transport.hosttext import one_line

_AT_ONCE = 256
_KEPT_S = 60.0
_IpAddress = tuple[str, int] | tuple[str, int, int, int]
Address = tuple[socket.AddressFamily, _IpAddress]


@dataclass(slots=True)
class Names:
    """The names of one run. A failure is kept like an answer, neither for longer than a minute."""

    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    _known: dict[tuple[str, socket.AddressFamily], tuple[float, asyncio.Task[list[Address]]]] = field(
        default_factory=dict
    )

    async def addresses(self, host: str, port: int, family: socket.AddressFamily) -> list[Address]:
        """The addresses of a host in the order to try them. Raises WorldError (dns). The caller bounds the wait."""
        if literal := _literal(host, port):
            return [literal]
        key = (host, family)
        now = asyncio.get_running_loop().time()
        asked_at, task = self._known.get(key, (now, None))
        if task is None or (task.done() and now - asked_at > _KEPT_S):
            task = asyncio.create_task(self._look_up(host, family))
            task.add_done_callback(_seen)
            self._known[key] = now, task
        found = await asyncio.shield(task)
        return [(kind, (address[0], port, *address[2:])) for kind, address in found]

    def forget(self) -> None:
        """Drop what is known."""
        for _, task in self._known.values():
            task.cancel()
        self._known.clear()

    async def _look_up(self, host: str, family: socket.AddressFamily) -> list[Address]:
        async with self._free:
            answer: asyncio.Future[list[Address] | OSError | UnicodeError] = asyncio.get_running_loop().create_future()
            threading.Thread(target=_ask, args=(host, family, answer), daemon=True, name="netaudit-dns").start()
            found = await answer
        if isinstance(found, list):
            return found
        reason = found.strerror if isinstance(found, OSError) else "the name is not valid"
        raise WorldError(
            ErrorKind.DNS,
            f"{one_line(host, 80)} has no address: {one_line(str(reason))}",
            phase=Phase.CONNECT,
            hint="ansible_host gives the address of a host whose name is in no DNS",
        )


def _seen(task: asyncio.Task[list[Address]]) -> None:
    """Take note of a failure that nobody waits for any more."""
    if not task.cancelled():
        task.exception()


def _ask(
    host: str, family: socket.AddressFamily, answer: asyncio.Future[list[Address] | OSError | UnicodeError]
) -> None:
    result: list[Address] | OSError | UnicodeError
    try:
        found = socket.getaddrinfo(host, None, family=family, type=socket.SOCK_STREAM)
        result = list(dict.fromkeys((kind, _plain(address)) for kind, _, _, _, address in found))
    except (OSError, UnicodeError) as error:
        result = error

    def deliver() -> None:
        if not answer.done():
            answer.set_result(result)

    try:
        answer.get_loop().call_soon_threadsafe(deliver)
    except RuntimeError:
        return  # the loop has been closed meanwhile: nobody waits any more


def _plain(address: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]) -> _IpAddress:
    """The address as TCP has it; the third form is that of systems without IPv6, which Linux is not."""
    if isinstance(address[0], int):
        raise OSError(f"{address!r} is not an IP address")
    return address


def _literal(host: str, port: int) -> Address | None:
    """The address that a host already is, an IPv6 one possibly with its zone."""
    bare, _, zone = host.partition("%")
    try:
        version = ipaddress.ip_address(bare).version
    except ValueError:
        return None
    if version == 4:
        return (socket.AF_INET, (host, port)) if not zone else None
    try:
        scope = 0 if not zone else int(zone) if zone.isdigit() else socket.if_nametoindex(zone)
    except OSError:
        return None
    return socket.AF_INET6, (bare, port, 0, scope)
