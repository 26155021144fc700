"""This machine as a host: what its processes get, how they end, and that none stays."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.contact import Exit, Limits
from netaudit.model.probe import Bundle, Stream
from netaudit.model.target import Become, BecomeMethod, Credentials, Target
from netaudit.transport import local_channel
from netaudit.transport.become import PlainShell, TerminalNeeded, conversation
from netaudit.transport.exchange import Exchange
from netaudit.transport.local import LocalSession, LocalTransport
from netaudit.transport.local_channel import LocalChannel, login_environment

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: becomes another user")


class Keeper:
    """A sink that keeps what it is fed and has enough once its words have come, on whichever stream."""

    def __init__(self, *words: bytes) -> None:
        self.fed = dict.fromkeys(Stream, b"")
        self._words = words

    def feed(self, stream: Stream, data: bytes) -> bool:
        """See ``Sink``."""
        self.fed[stream] += data
        return bool(self._words) and all(any(word in said for said in self.fed.values()) for word in self._words)


class Talk(PlainShell):
    """A shell that is had by another command."""

    def __init__(self, command: str) -> None:
        self.command = command


def listen(command: str, payload: bytes = b"", sink: Keeper | None = None, *, first_byte_s: float = 10) -> Exit:
    """How one command ends."""

    async def once() -> Exit:
        channel = LocalChannel(Exchange(Talk(command), payload, sink or Keeper()))
        try:
            await channel.start()
            return await channel.listen(first_byte_s)
        finally:
            await channel.end()

    return asyncio.run(once())


def bundle(text: str) -> Bundle:
    """A payload without frames."""
    return Bundle("0" * 32, text.encode(), "", (), 30)


def run(text: str, *words: bytes, become: Become | None = None, password: str | None = None) -> Keeper:
    """What a payload says through the transport."""

    class Secrets:
        def for_target(self, target: Target) -> Credentials:
            return Credentials(become_password=password)

    async def once() -> Keeper:
        sink = Keeper(*words)
        transport = LocalTransport(Limits(first_byte_s=10), Secrets())
        session = await transport.open(Target("here", "localhost", become=become))
        await session.run(bundle(text), sink)
        await session.close()
        await transport.close()
        return sink

    return asyncio.run(once())


def test_how_a_command_ends_is_told():
    """By a status, or by a signal."""
    assert listen("exit 3") == Exit(3)
    assert listen("kill -KILL $$") == Exit(None, "KILL")


def test_both_streams_come_apart():
    """And the payload goes to standard input."""
    sink = run("echo out; echo err >&2; exit 0\n")
    assert sink.fed == {Stream.OUT: b"out\n", Stream.ERR: b"err\n"}


def test_once_the_sink_has_all_nobody_waits():
    """The command goes on, standard input is still open, and all of it is ended."""
    started = time.monotonic()
    sink = Keeper(b"enough")
    assert listen("echo enough; sleep 86399", b"", sink) == Exit(None)
    assert time.monotonic() - started < 20


def test_standard_input_stays_open_until_the_sink_has_all():
    """Its end is what tells the guard in a payload that nobody listens."""
    sink = run("echo start; if read -r line; then echo data; else echo gone; fi; exit 0\n", b"start")
    assert sink.fed[Stream.OUT] == b"start\n"


def test_a_silent_command_is_given_up():
    """After the limit of the first byte."""
    with pytest.raises(WorldError) as caught:
        listen("sleep 86398", first_byte_s=0.1)
    assert (caught.value.kind, caught.value.phase) == (ErrorKind.TIMEOUT, Phase.SESSION)


def test_a_sink_that_refuses_ends_the_command():
    """What it raises comes out."""

    class Refusing(Keeper):
        def feed(self, stream: Stream, data: bytes) -> bool:
            raise WorldError(ErrorKind.OUTPUT_TOO_LARGE, "too much", phase=Phase.ANSWER)

    with pytest.raises(WorldError, match="too much"):
        listen("exec yes", b"", Refusing())


def test_streams_held_by_a_child_do_not_hold_us(monkeypatch):
    """The command has ended; what it left in the background has the streams."""
    monkeypatch.setattr(local_channel, "_DRAIN_WITHIN_S", 0.05)
    sink = Keeper()
    assert listen("sleep 86397 & echo here; exit 4", b"", sink) == Exit(4)
    assert sink.fed[Stream.OUT] == b"here\n"
    deadline = time.monotonic() + 10
    while any(b"86397" in line for line in command_lines()):
        assert time.monotonic() < deadline, "left behind"


def test_without_a_shell_there_is_an_error_of_the_host():
    """The machine cannot start a process: a value for this host, no end of the run."""

    async def once() -> None:
        session = LocalSession(None, None, Limits())
        await session.run(bundle("exit\n"), Keeper())

    async def nothing_starts(*_args: object, **_options: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.unix_events._UnixSelectorEventLoop, "subprocess_exec", nothing_starts)
        with pytest.raises(WorldError, match="Resource temporarily unavailable") as caught:
            asyncio.run(once())
    assert caught.value.kind is ErrorKind.NO_SHELL


def test_the_controllers_environment_stays_here(monkeypatch):
    """Secrets in it are nobody's business, and an audit of this machine is that of a login."""
    monkeypatch.setenv("NETAUDIT_TEST_SECRET", "x")
    monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")
    said = run("env; pwd; exit 0\n").fed[Stream.OUT].decode()
    assert "NETAUDIT_TEST_SECRET" not in said
    assert "tr_TR" not in said
    assert said.endswith("\n/\n")
    assert set(login_environment()) == {"PATH", "USER", "LOGNAME", "HOME", "SHELL", "TERM"}


def test_a_user_without_an_entry_has_an_environment_too(monkeypatch):
    """As in many containers."""

    def nobody(_uid: int) -> None:
        raise KeyError

    monkeypatch.setattr(local_channel.pwd, "getpwuid", nobody)
    assert login_environment()["HOME"] == "/"


@needs_root
def test_root_needs_no_tool_to_be_root():
    """Where sudo is not even installed."""
    assert run("id -u; exit 0\n", become=Become(executable="/no/such/tool")).fed[Stream.OUT] == b"0\n"


@needs_root
@pytest.mark.parametrize("method", [BecomeMethod.SUDO, BecomeMethod.SU])
def test_another_user_is_had_by_a_tool(method):
    """The payload runs as that user, and what the tool says is not part of the answer."""
    sink = run("id -un; echo aside >&2; exit 0\n", become=Become(method, user="nobody"))
    assert sink.fed == {Stream.OUT: b"nobody\n", Stream.ERR: b"aside\n"}


@needs_root
def test_a_tool_that_wants_a_terminal_gets_one(monkeypatch):
    """The second try is on a terminal, and both streams come apart there as well."""
    tries = []

    def choosy(become, password, *, terminal=False):
        tries.append(terminal)
        if not terminal:
            raise TerminalNeeded(ErrorKind.BECOME_FAILED, "a terminal", phase=Phase.SESSION)
        return conversation(become, password, terminal=True)

    monkeypatch.setattr("netaudit.transport.shell_session.conversation", choosy)
    sink = run("id -un; echo aside >&2\n", b"nobody", b"aside\n", become=Become(BecomeMethod.SU, user="nobody"))
    assert tries == [False, True]
    assert sink.fed[Stream.OUT].strip() == b"nobody"
    assert sink.fed[Stream.ERR] == b"aside\n"


@needs_root
def test_a_refused_escalation_is_told():
    """The words of the tool, as an error of the host."""
    with pytest.raises(WorldError) as caught:
        run("exit\n", become=Become(BecomeMethod.SU, user="no-such-user"))
    assert caught.value.kind is ErrorKind.BECOME_FAILED


def test_a_terminal_is_the_process_s_own_and_ends_with_it():
    """Whoever opens /dev/tty finds it; when the other side closes, how the process ended is known."""

    class OnTerminal(Talk):
        wants_terminal = True

    async def once() -> tuple[Exit, Keeper]:
        sink = Keeper()
        channel = LocalChannel(Exchange(OnTerminal("stty raw -echo; echo here >/dev/tty; exit 5"), b"", sink))
        try:
            await channel.start()
            return await channel.listen(10), sink
        finally:
            await channel.end()

    ended, sink = asyncio.run(once())
    assert ended == Exit(5)
    assert sink.fed[Stream.OUT].strip() == b"here"


def test_no_process_and_no_descriptor_is_left():
    """After many payloads, ended in every way."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        listen("exit 1")
        run("echo x; sleep 86396\n", b"x")
        with pytest.raises(WorldError):
            listen("sleep 86396", first_byte_s=0.05)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    deadline = time.monotonic() + 10
    while any(b"86396" in line for line in command_lines()):
        assert time.monotonic() < deadline, "left behind"


def command_lines() -> Iterator[bytes]:
    """The command lines of all processes."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield path.read_bytes()
