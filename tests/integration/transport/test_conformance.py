"""One suite that every transport passes: asyncssh and paramiko with real servers, this machine, and a replay of it."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.contact import Exit, Limits
from netaudit.model.probe import Capture, HostError, Needs, Probe, Section, SectionStatus
from netaudit.model.result import HostReport, HostStatus, RunInfo, Summary
from netaudit.model.target import Target
from netaudit.transport.asyncssh_transport import AsyncsshTransport
from netaudit.transport.capture_dir import CaptureDirWriter, read_capture_dir
from netaudit.transport.local import LocalTransport
from netaudit.transport.paramiko_transport import ParamikoTransport
from netaudit.transport.replay import ReplayTransport
from netaudit.wire.bundle import build
from netaudit.wire.frame import Decoder

LIMITS = Limits(connect_s=4.0, auth_s=6.0, first_byte_s=6.0, host_s=20.0)
SSH = {"asyncssh": AsyncsshTransport, "paramiko": ParamikoTransport}
_counter = itertools.count()


def probe(probe_id: str, text: str, *, timeout_s: int = 20, max_bytes: int = 2**22) -> Probe:
    """A probe that runs a piece of shell."""
    return Probe(probe_id, text, "", "x", (), Needs.USER, timeout_s, max_bytes, "text")


def bundle_of(*probes: Probe, deadline_s: int = 60):
    """A bundle with a nonce that no other test has."""
    return build(probes, nonce=f"{next(_counter):032x}", deadline_s=deadline_s, params={})


def decoder_for(bundle, max_capture_bytes: int = 2**24) -> Decoder:
    """The decoder of the answer to a bundle."""
    caps = {one.id: one.max_bytes for one in bundle.probes}
    return Decoder(bundle.nonce, [one.id for one in bundle.probes], caps, max_capture_bytes)


@dataclass
class Outcome:
    """What became of one payload."""

    error: WorldError | None = None
    exit: Exit | None = None
    problem: HostError | None = None
    sections: tuple[Section, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> ErrorKind | None:
        """The kind of error, of the transport or of the answer; None when all is well."""
        failed = self.error or self.problem
        return None if failed is None else failed.kind

    @property
    def by_id(self) -> dict[str, Section]:
        """The sections by id."""
        return {section.probe_id: section for section in self.sections}


async def run(session, bundle, max_capture_bytes: int = 2**24) -> Outcome:
    """One payload on an open session."""
    decoder = decoder_for(bundle, max_capture_bytes)
    outcome = Outcome()
    try:
        outcome.exit = await session.run(bundle, decoder)
    except WorldError as error:
        outcome.error = error
    outcome.sections, outcome.problem, outcome.notes = decoder.finish(), decoder.problem(), decoder.notes
    return outcome


async def contact(transport, target: Target, bundle, max_capture_bytes: int = 2**24) -> Outcome:
    """Open, run, close."""
    try:
        async with asyncio.timeout(LIMITS.host_s):
            session = await transport.open(target)
    except WorldError as error:
        return Outcome(error=error)
    try:
        async with asyncio.timeout(LIMITS.host_s):
            return await run(session, bundle, max_capture_bytes)
    finally:
        await session.close()


@dataclass
class Way:
    """One way to reach a host that exists."""

    make: object
    target: Target

    def ask(self, bundle, max_capture_bytes: int = 2**24) -> Outcome:
        """What becomes of one payload."""

        async def once() -> Outcome:
            transport = self.make()
            try:
                return await contact(transport, self.target, bundle, max_capture_bytes)
            finally:
                await transport.close()

        return asyncio.run(once())


@dataclass
class ReplayWay:
    """Asks this machine, keeps the capture in a directory, and gives what the replay of that directory gives."""

    folder: Path
    target: Target = field(default_factory=lambda: Target("web1", "127.0.0.1"))

    def ask(self, bundle, max_capture_bytes: int = 2**24) -> Outcome:
        """What becomes of the replay."""
        outcome = Way(lambda: LocalTransport(LIMITS), self.target).ask(bundle, max_capture_bytes)
        failed = outcome.error or outcome.problem
        error = failed and HostError(failed.kind, failed.message, failed.phase, failed.hint)
        now = datetime.now(UTC)
        capture = Capture("web1", "127.0.0.1", bundle.digest, now, 0.1, outcome.sections, error, outcome.notes)
        folder = self.folder / str(next(_counter))
        writer = CaptureDirWriter(folder, [self.target])
        info = RunInfo("1", "collect", now, "0")
        writer.started(info, ["web1"])
        writer.host_done(0, HostReport("web1", "", HostStatus.OK, None, 0.1), capture)
        writer.finished(info, Summary(), ())
        again = bundle_of(*bundle.probes)
        return Way(lambda: ReplayTransport(read_capture_dir(folder)), self.target).ask(again, max_capture_bytes)


def ssh_way(name: str, client, sshd, *lines: str) -> Way:
    """A way to a server with some lines of configuration."""
    client.to(sshd(*lines)).using(limits=LIMITS)
    return Way(lambda: SSH[name](client.options), client.target)


@pytest.fixture(params=["asyncssh", "paramiko", "local", "replay"])
def way(request, tmp_path):
    """Every way."""
    if request.param == "local":
        return Way(lambda: LocalTransport(LIMITS), Target("web1", "127.0.0.1"))
    if request.param == "replay":
        return ReplayWay(tmp_path)
    return ssh_way(request.param, request.getfixturevalue("client"), request.getfixturevalue("sshd"))


@pytest.fixture(params=["asyncssh", "paramiko", "local"])
def live(request):
    """The ways that start processes."""
    if request.param == "local":
        return Way(lambda: LocalTransport(LIMITS), Target("web1", "127.0.0.1"))
    return ssh_way(request.param, request.getfixturevalue("client"), request.getfixturevalue("sshd"))


@pytest.fixture(params=sorted(SSH))
def ssh(request, client, sshd):
    """The ways over SSH, to a server with lines of configuration of the test's own."""
    return lambda *lines: ssh_way(request.param, client, sshd, *lines)


@pytest.fixture
def witness():
    """A sleep that nobody else would start; whatever is left of it is ended with the test."""
    word = f"86400.{os.getpid()}{next(_counter)}"

    def running() -> list[int]:
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                state = (path.parent / "stat").read_text().rpartition(") ")[2][0]
                if word.encode() in path.read_bytes() and state != "Z":
                    found.append(int(path.parent.name))
        return found

    running.command = f"sleep {word}"
    yield running
    for pid in running():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def eventually(check, within_s: float = 8.0) -> bool:
    """Whether something comes true within a generous time."""
    deadline = time.monotonic() + within_s
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_whole_answer(way):
    """Both streams, every exit code, bytes of any kind, with and without a last newline."""
    bundle = bundle_of(
        probe("a", "echo one; echo aside >&2"),
        probe("b", "printf 'x\\377\\000\\r\\n\\033[31m'; exit 10"),
        probe("c", "exit 11"),
        probe("d", "printf bare >&2; exit 12"),
        probe("e", "echo half; exit 3"),
        probe("f", "exec cat"),
    )
    outcome = way.ask(bundle)
    assert outcome.kind is None
    assert outcome.notes == ()
    found = outcome.by_id
    assert (found["a"].status, found["a"].stdout, found["a"].stderr) == (SectionStatus.COMPLETE, b"one\n", b"aside\n")
    assert (found["b"].status, found["b"].stdout) == (SectionStatus.NOT_APPLICABLE, b"x\xff\x00\r\n\x1b[31m")
    assert found["c"].status is SectionStatus.NOT_PRESENT
    assert (found["d"].status, found["d"].stderr) == (SectionStatus.NOT_PERMITTED, b"bare")
    assert (found["e"].status, found["e"].exit_code, found["e"].stdout) == (SectionStatus.FAILED, 3, b"half\n")
    assert (found["f"].status, found["f"].stdout) == (SectionStatus.COMPLETE, b"")


def test_big_output(way):
    """Megabytes on one stream while the other one has something to say too."""
    text = "head -c 60000 /dev/zero >&2; head -c 3000000 /dev/zero; echo end"
    outcome = way.ask(bundle_of(probe("a", text), probe("b", "echo here")))
    assert outcome.kind is None
    assert len(outcome.by_id["a"].stdout) == 3_000_004
    assert len(outcome.by_id["a"].stderr) == 60_000
    assert outcome.by_id["b"].stdout == b"here\n"


def test_a_section_over_its_bound_is_cut(way):
    """The others are whole."""
    outcome = way.ask(bundle_of(probe("a", "head -c 200000 /dev/zero", max_bytes=1000), probe("b", "echo here")))
    assert outcome.kind is None
    assert (outcome.by_id["a"].status, len(outcome.by_id["a"].stdout)) == (SectionStatus.CUT, 1000)
    assert outcome.by_id["b"].status is SectionStatus.COMPLETE


def test_a_late_section_does_not_take_the_others_along(way, witness):
    """It is ended on the host, with what it has started."""
    outcome = way.ask(
        bundle_of(probe("a", f"echo so far; {witness.command}; echo no", timeout_s=1), probe("b", "echo here"))
    )
    assert outcome.kind is None
    assert (outcome.by_id["a"].status, outcome.by_id["a"].stdout) == (SectionStatus.TIMED_OUT, b"so far\n")
    assert outcome.by_id["b"].stdout == b"here\n"
    assert eventually(lambda: not witness())


@pytest.mark.parametrize("sink", ["", " >&2"], ids=["stdout", "stderr"])
def test_output_without_end(way, witness, sink):
    """The host is given up at the bound, and nothing goes on running there."""
    outcome = way.ask(bundle_of(probe("a", f"{witness.command} & exec yes{sink}"), probe("b", "echo no")), 2**20)
    assert outcome.kind is ErrorKind.OUTPUT_TOO_LARGE
    assert eventually(lambda: not witness())


def test_a_shell_that_is_killed_half_way(way, witness):
    """What came before is kept, what was under way is cut, and nothing goes on running there."""
    text = f"{witness.command} & echo half; sleep 0.1; kill -KILL $$; exec {witness.command}"
    outcome = way.ask(bundle_of(probe("a", "echo whole"), probe("b", text)))
    assert outcome.kind is ErrorKind.DISCONNECTED
    assert (outcome.by_id["a"].status, outcome.by_id["a"].stdout) == (SectionStatus.COMPLETE, b"whole\n")
    assert (outcome.by_id["b"].status, outcome.by_id["b"].stdout) == (SectionStatus.CUT, b"half\n")
    assert eventually(lambda: not witness())


def test_a_child_that_stays_does_not_hold_the_answer(live, witness):
    """A background process keeps the streams of the channel open; the answer ends when it is whole."""
    started = time.monotonic()
    outcome = live.ask(bundle_of(probe("a", f"{witness.command} & echo here")))
    assert outcome.kind is None
    assert time.monotonic() - started < LIMITS.host_s
    assert outcome.by_id["a"].stdout == b"here\n"


def test_an_interruption_ends_everything(live, witness):
    """Whoever waits is cancelled: the wait is over at once, and nothing goes on running on the host."""
    bundle = bundle_of(probe("a", f"({witness.command} & {witness.command})"))

    async def interrupted() -> float:
        transport = live.make()
        task = asyncio.create_task(contact(transport, live.target, bundle))
        assert await asyncio.to_thread(eventually, lambda: len(witness()) >= 2)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await transport.close()
        return time.monotonic() - started

    assert asyncio.run(interrupted()) < 2.0
    assert eventually(lambda: not witness())


def test_an_interrupted_payload_ends_before_its_session_does(live, witness):
    """Cancelling the wait for an answer is enough: the host is told then, not when the connection is closed."""

    async def interrupted() -> bool:
        transport = live.make()
        session = await transport.open(live.target)
        task = asyncio.create_task(run(session, bundle_of(probe("a", f"exec {witness.command}"))))
        assert await asyncio.to_thread(eventually, lambda: bool(witness()))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gone = await asyncio.to_thread(eventually, lambda: not witness())
        await session.close()
        await transport.close()
        return gone

    assert asyncio.run(interrupted())


def test_a_replay_can_be_interrupted(tmp_path):
    """Also when each chunk of it takes its time."""
    bundle = bundle_of(probe("a", "echo"))
    way = ReplayWay(tmp_path)
    way.ask(bundle)
    (folder,) = tmp_path.iterdir()

    async def interrupted() -> None:
        transport = ReplayTransport(read_capture_dir(folder), delay_s=lambda _host: 3600.0)
        task = asyncio.create_task(contact(transport, way.target, bundle))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(interrupted())


def test_a_session_serves_several_payloads_and_closes_twice(live):
    """One after the other over one connection; closing is never an error."""

    async def several() -> list[Outcome]:
        transport = live.make()
        session = await transport.open(live.target)
        outcomes = [await run(session, bundle_of(probe("a", f"echo {number}"))) for number in range(3)]
        await session.close()
        await session.close()
        await transport.close()
        await transport.close()
        return outcomes

    outcomes = asyncio.run(several())
    assert [outcome.kind for outcome in outcomes] == [None, None, None]
    assert [outcome.by_id["a"].stdout for outcome in outcomes] == [b"0\n", b"1\n", b"2\n"]


def test_many_at_once(live):
    """Sessions of one transport do not stand in each other's way, nor mix up their bytes."""

    async def together() -> list[Outcome]:
        transport = live.make()
        try:
            bundles = [bundle_of(probe("a", f"head -c 100000 /dev/zero; echo {number}")) for number in range(12)]
            return await asyncio.gather(*(contact(transport, live.target, bundle) for bundle in bundles))
        finally:
            await transport.close()

    outcomes = asyncio.run(together())
    assert [outcome.kind for outcome in outcomes] == [None] * 12
    assert [outcome.by_id["a"].stdout[100_000:] for outcome in outcomes] == [b"%d\n" % number for number in range(12)]


def test_nothing_is_left_of_a_connection(ssh, sshd, servers):
    """After the answer the server has no child any more, and here no thread or task waits for it."""
    way = ssh()
    assert way.ask(bundle_of(probe("a", "echo"))).kind is None
    assert eventually(lambda: servers[0].sessions() == [])


def test_noise_of_a_profile(ssh, login_shell):
    """What it prints before and after the answer leaves notes and no harm."""
    way = ssh(login_shell("sh", before="echo welcome; echo careful >&2", after="echo bye"))
    outcome = way.ask(bundle_of(probe("a", "echo here")))
    assert outcome.kind is None
    assert outcome.by_id["a"].stdout == b"here\n"
    assert outcome.notes[0] == "8 bytes on stdout before the answer: welcome"
    assert any("careful" in note for note in outcome.notes)


@pytest.mark.parametrize("shell", ["exit 0", "exit 1", "exec /bin/false", "cat >/dev/null & exit 0"])
def test_a_login_shell_that_runs_nothing(ssh, shell, open_folder):
    """It ends without a word: there is no shell for us, whatever its status."""
    script = open_folder / "nothing.sh"
    script.write_text(f"{shell}\n")
    outcome = ssh(f"ForceCommand /bin/sh {script}").ask(bundle_of(probe("a", "echo")))
    assert outcome.kind is ErrorKind.NO_SHELL


def test_a_first_byte_that_never_comes(ssh, client, sshd, witness):
    """The limit ends it, and the process on the host too."""
    way = ssh(f"ForceCommand exec {witness.command}")
    client.using(limits=replace(LIMITS, first_byte_s=0.7))
    outcome = way.ask(bundle_of(probe("a", "echo")))
    assert (outcome.kind, outcome.error.phase) == (ErrorKind.TIMEOUT, Phase.SESSION)


def test_a_connection_that_is_cut(ssh, servers, witness):
    """The server's process dies half-way: what came is kept, and the connection is told to be lost."""
    way = ssh()

    async def cut() -> Outcome:
        transport = way.make()
        bundle = bundle_of(probe("a", "echo whole"), probe("b", f"exec {witness.command}"))
        task = asyncio.create_task(contact(transport, way.target, bundle))
        assert await asyncio.to_thread(eventually, lambda: bool(witness()))
        for pid in servers[0].sessions():
            with suppress(OSError):
                if b"sshd" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
        outcome = await task
        await transport.close()
        return outcome

    outcome = asyncio.run(cut())
    assert (outcome.kind, outcome.error.phase) == (ErrorKind.DISCONNECTED, Phase.ANSWER)
    assert outcome.by_id["a"].stdout == b"whole\n"
    assert outcome.by_id["b"].status is SectionStatus.CUT
    assert eventually(lambda: not witness())


def test_a_port_where_nothing_listens(ssh, kit):
    """Refused, and before there was a session."""
    way = ssh()
    way.target = replace(way.target, ssh=replace(way.target.ssh, port=kit.free_port()))
    outcome = way.ask(bundle_of(probe("a", "echo")))
    assert (outcome.kind, outcome.error.phase) == (ErrorKind.REFUSED, Phase.CONNECT)


def test_an_unknown_host_key(ssh, client):
    """Refused with its fingerprint and the way to trust it; nobody logs in."""
    way = ssh()
    client.options.user_known_hosts[0].write_text("")
    outcome = way.ask(bundle_of(probe("a", "echo")))
    assert (outcome.kind, outcome.error.phase) == (ErrorKind.HOST_KEY_UNKNOWN, Phase.KEY_EXCHANGE)
    assert "SHA256:" in outcome.error.message


def test_a_changed_host_key(ssh, client, servers, keys):
    """Refused with both fingerprints and the line that has the other one."""
    way = ssh()
    client.options.user_known_hosts[0].write_text(servers[0].known(keys.other))
    outcome = way.ask(bundle_of(probe("a", "echo")))
    assert outcome.kind is ErrorKind.HOST_KEY_MISMATCH
    assert outcome.error.message.count("SHA256:") == 2
    assert f"{client.options.user_known_hosts[0]}:1" in outcome.error.message


@pytest.mark.parametrize("kind", ["user", "rsa", "ecdsa"])
def test_every_kind_of_key_logs_in(request, client, sshd, keys, kind):
    """ed25519, RSA and ECDSA, with either library."""
    key = getattr(keys, kind)
    server = sshd(authorized=[key])
    client.to(server, identity_files=(str(key),))
    for make in SSH.values():
        assert (
            Way(lambda make=make: make(client.options), client.target).ask(bundle_of(probe("a", "echo"))).kind is None
        )


def test_a_key_that_the_server_does_not_know(ssh, keys):
    """The login fails, and the message names what was tried."""
    way = ssh()
    way.target = replace(way.target, ssh=replace(way.target.ssh, identity_files=(str(keys.other),)))
    outcome = way.ask(bundle_of(probe("a", "echo")))
    assert (outcome.kind, outcome.error.phase) == (ErrorKind.AUTH_FAILED, Phase.AUTH)
    assert str(keys.other) in outcome.error.message


def test_a_key_that_cannot_be_read(ssh, keys, tmp_path):
    """Encrypted without a passphrase, or no key at all: said with its path."""
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("no key\n")
    rubbish.chmod(0o600)
    for path in (keys.locked, rubbish, tmp_path / "missing"):
        way = ssh()
        way.target = replace(way.target, ssh=replace(way.target.ssh, identity_files=(str(path),)))
        outcome = way.ask(bundle_of(probe("a", "echo")))
        assert outcome.kind is ErrorKind.KEY_UNREADABLE
        assert str(path) in outcome.error.message
