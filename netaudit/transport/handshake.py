"""Getting connected, as it is with every SSH library: when to try again, whose turn it is, what a silence means.

A connection that is cut before anything was refused is tried again, at most twice and within the same limit: that is
how a server with too many half-open connections (MaxStartups) looks from here. Nothing else is: a refusal repeated is a
penalty with sshd, and a lock-out with others.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.contact import Limits
from netaudit.transport.hostkeys import KnownHosts
from netaudit.transport.hosttext import one_line
from netaudit.transport.resolved import Resolved

_TRIES = 3
_BACKOFF_S = 0.5
_AT_ONCE = 6  # per jump host and per address: sshd's MaxStartups drops from 10 on, dropbear takes 5
_PATIENCE_S = 2.0

T_co = TypeVar("T_co", covariant=True)


class Attempt(Protocol[T_co]):
    """Something that may be tried several times at one host."""

    async def run(self) -> T_co:
        """One try. Raises WorldError."""
        ...

    def has_other_keys(self, error: WorldError) -> bool:
        """Whether the next try will ask for another type of host key, because of this error."""
        ...


async def with_retries(attempt: Attempt[T_co], deadline: float) -> T_co:
    """What an attempt gives, tried again where that makes sense. Raises the WorldError that says most."""
    loop = asyncio.get_running_loop()
    cut: WorldError | None = None
    for number in range(_TRIES):
        try:
            return await attempt.run()
        except WorldError as error:
            if cut is not None and error.kind is ErrorKind.CONNECT_TIMEOUT:
                raise cut from error  # no time was left for another try: the first says more
            pause = 0.0 if attempt.has_other_keys(error) else _pause(error, number)
            if pause is None or loop.time() + pause >= deadline:
                raise
            cut = error
        await asyncio.sleep(pause)
    raise AssertionError("the last try either returns or raises")


def is_transient(error: WorldError) -> bool:
    """Whether another try may well succeed: the connection was cut before anything was refused.

    A refused port, a name without address or a silence that lasted the whole limit is an answer, and asking again only
    takes time.
    """
    return error.kind is ErrorKind.DISCONNECTED and error.phase in (Phase.CONNECT, Phase.KEY_EXCHANGE)


def _pause(error: WorldError, number: int) -> float | None:
    """How long to wait before another try, with full jitter; None when there is to be none."""
    if not is_transient(error) or number == _TRIES - 1:
        return None
    return random.uniform(0, _BACKOFF_S * 2**number)  # noqa: S311 - spreads retries, guards nothing


@dataclass(slots=True)
class Turns:
    """Few handshakes at once with any one server, so that it does not turn the others away."""

    _free: dict[object, asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: asyncio.Semaphore(_AT_ONCE))
    )

    @asynccontextmanager
    async def of(self, resolved: Resolved, jump: str = "") -> AsyncIterator[None]:
        """One of the places; given back after a while even by one who is not done: who is stuck holds up nobody."""
        free = self._free[jump or (resolved.proxy_command or resolved.host, resolved.port)]
        await free.acquire()
        held = True

        def give_back() -> None:
            nonlocal held
            if held:
                held = False
                free.release()

        timer = asyncio.get_running_loop().call_later(_PATIENCE_S, give_back)
        try:
            yield
        finally:
            timer.cancel()
            give_back()


def other_key_order(
    error: WorldError, resolved: Resolved, known: KnownHosts, order: Callable[[Sequence[str]], Sequence[str]]
) -> Sequence[str]:
    """The order of host key algorithms to ask for instead, when the host has keys stored; else none.

    It may show one of those if asked, when they stand in hashed lines, which are too dear to look through for every
    host beforehand, or when a server shows a certificate of some other authority while its plain key is known.
    """
    doubtful = error.kind in (ErrorKind.HOST_KEY_MISMATCH, ErrorKind.HOST_KEY_UNKNOWN)
    if not doubtful or resolved.host_key_algorithms:
        return ()
    kinds = sorted({entry.key_type for entry in known.stored(resolved.place)})
    return order(kinds) if kinds else ()


def silence(phase: Phase, resolved: Resolved, limits: Limits, heard: str, *, agent: bool) -> WorldError:
    """The error of a limit that has passed. ``heard`` is what the server said before it named itself, if anything."""
    connect_s = resolved.connect_timeout_s or limits.connect_s
    match phase:
        case Phase.AUTH:
            hint = "the agent may wait for a confirmation" if agent else "the server may be overloaded"
            message = f"the login was not decided within {limits.auth_s:g} s"
            return WorldError(ErrorKind.TIMEOUT, message, phase=phase, hint=hint)
        case Phase.KEY_EXCHANGE:
            message = f"the key exchange was not finished within {connect_s:g} s"
            hint = "large packets may be lost on the way: compare the path MTU; or the server is overloaded"
        case _ if heard:
            message = f"no SSH identification within {connect_s:g} s, but {heard!r}"
            hint = "something else than sshd listens there"
        case _:
            place = f"{one_line(resolved.host, 80)} port {resolved.port}"
            message = f"no answer from {place} within {connect_s:g} s"
            hint = "a firewall may drop the packets, or the host is down or overloaded"
    return WorldError(ErrorKind.CONNECT_TIMEOUT, message, phase=phase, hint=hint)


def no_ssh(heard: str) -> WorldError:
    """The error of a server that said something, but never its SSH identification, and hung up."""
    if "MaxStartups" in heard:
        hint = "the server has too many half-open connections (MaxStartups): lower --forks"
        return WorldError(ErrorKind.DISCONNECTED, f"the server hung up: {heard}", phase=Phase.CONNECT, hint=hint)
    hint = "something else than sshd listens there, or sshd turns this address away"
    return WorldError(ErrorKind.PROTOCOL, f"not an SSH-2 server: it says {heard!r}", phase=Phase.CONNECT, hint=hint)
