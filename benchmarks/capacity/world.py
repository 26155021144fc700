"""Network namespaces of an experiment, joined by veth pairs, and the facts of one of them as netaudit reads them.

Everything is gone when the experiment is over. Sockets belong to the namespace they were made in, so one process can
hold both ends: ``with world.inside("server")``.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from netaudit.assets.locate import locate
from netaudit.assets.probes import load_probes
from netaudit.capacity.assess import DOMAINS, assess
from netaudit.facts.domains import probes_for
from netaudit.facts.snapshot import facts_of
from netaudit.model.capacity import Assessment
from netaudit.model.facts import Facts
from netaudit.model.probe import Capture, Stream
from netaudit.model.workload import HostLoad, Load, Machine
from netaudit.wire.bundle import build
from netaudit.wire.frame import Decoder

CLIENT, SERVER = "198.18.255.1", "198.18.255.2"
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def ip(*words: str) -> None:
    """Run ip(8)."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class World:
    """A client and a server, each in a namespace of its own."""

    def __init__(self) -> None:
        tag = secrets.token_hex(2)
        self.names = {who: f"netaudit-cap-{tag}-{who}" for who in ("client", "server", "void")}

    def __enter__(self) -> Self:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the namespaces go, whoever ends this
        try:
            for name in self.names.values():
                ip("netns", "add", name)
                ip("-n", name, "link", "set", "lo", "up")
            self.link("client", "server", f"{CLIENT}/30", f"{SERVER}/30")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        for name in self.names.values():
            if Path("/run/netns", name).exists():
                ip("netns", "del", name)

    def link(self, one: str, other: str, address: str, its_address: str, name: str = "eth0") -> None:
        """A veth pair between two namespaces; an end without an address only exists."""
        ip("-n", self.names[one], "link", "add", name, "type", "veth", "peer", "name", name, "netns", self.names[other])
        for who, its in ((one, address), (other, its_address)):
            if its:
                ip("-n", self.names[who], "addr", "add", its, "dev", name)
            ip("-n", self.names[who], "link", "set", name, "up")

    def swallow(self, who: str, network: str) -> None:
        """What this namespace sends to a network vanishes: it goes out, and nobody is there."""
        self.link(who, "void", "", "", name="void0")
        ip("-n", self.names[who], "route", "add", network, "dev", "void0")
        ip("-n", self.names[who], "link", "set", "void0", "arp", "off")

    @contextlib.contextmanager
    def inside(self, who: str) -> Iterator[None]:
        """This process is in the namespace for as long as the body runs."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(f"/run/netns/{self.names[who]}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(there)
            yield
        finally:
            _enter(home)
            os.close(there)
            os.close(home)

    def sysctl(self, who: str, settings: Mapping[str, object]) -> None:
        """Set settings of a namespace."""
        with self.inside(who):
            for name, value in settings.items():
                Path("/proc/sys", *name.split(".")).write_text(str(value))

    def counter(self, who: str, protocol: str, name: str, file: str = "netstat") -> int:
        """A counter of /proc/net/netstat or /proc/net/snmp."""
        with self.inside(who):
            lines = Path(f"/proc/thread-self/net/{file}").read_text().splitlines()
        for head, values in zip(lines[::2], lines[1::2], strict=True):
            if head.startswith(f"{protocol}:"):
                return int(values.split()[head.split().index(name)])
        raise LookupError(f"{protocol}.{name}")

    def command(self, who: str, *words: str, text: str | None = None) -> str:
        """What a program prints inside a namespace."""
        command = ["ip", "netns", "exec", self.names[who], *words]
        return subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout

    def facts(self, who: str | None) -> Facts:
        """The facts of a namespace, or of this machine: the shipped probes in one payload, as an audit runs them."""
        wanted = probes_for(DOMAINS)
        probes = [probe for probe in load_probes(locate()) if probe.id in wanted]
        nonce = secrets.token_hex(16)
        bundle = build(probes, nonce=nonce, deadline_s=60, params={})
        decoder = Decoder(nonce, tuple(p.id for p in probes), {p.id: p.max_bytes for p in probes}, 8 * 2**20)
        command = [*(("ip", "netns", "exec", self.names[who]) if who else ()), "sh", "-s"]
        with tempfile.TemporaryFile() as errors:
            shell = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
            answer = _answer(shell, bundle.payload, f"@netaudit {nonce} out done".encode())
            errors.seek(0)
            decoder.feed(Stream.ERR, errors.read())
        decoder.feed(Stream.OUT, answer)
        sections = decoder.finish()
        return facts_of(Capture(who or "", "", bundle.digest, datetime.now(UTC), 0.0, sections), DOMAINS)

    def rows(self, who: str, load: Load, machine: Machine | None = None) -> tuple[Assessment, ...]:
        """What netaudit says of a namespace under a load."""
        return assess(self.facts(who), HostLoad((load,), machine or Machine()))


def _answer(shell: subprocess.Popen[bytes], payload: bytes, done: bytes) -> bytes:
    """What the shell prints until it is done. Its standard input stays open as long."""
    assert shell.stdin is not None
    assert shell.stdout is not None
    with shell:
        shell.stdin.write(payload)
        shell.stdin.flush()
        answer = b""
        while done not in answer[-4096:]:
            data = os.read(shell.stdout.fileno(), 1 << 16)
            if not data:
                break
            answer += data
        shell.stdin.close()
    return answer


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def row_of(rows: tuple[Assessment, ...], resource: str) -> Assessment:
    """The row of a resource; it must have a number."""
    (found,) = [row for row in rows if row.resource == resource]
    if found.breaks_at is None:
        raise LookupError(f"{resource}: no prediction: {found.reason}")
    return found
