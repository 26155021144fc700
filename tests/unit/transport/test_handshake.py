"""Getting connected: what is tried again, what is not, and that nobody who is stuck holds up the others."""

from __future__ import annotations

import asyncio

import pytest

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.contact import Limits
from netaudit.transport import handshake
from netaudit.transport.handshake import Turns, is_transient, no_ssh, other_key_order, silence, with_retries
from netaudit.transport.hostkeys import KnownHosts
from netaudit.transport.known_hosts import read_known_hosts
from netaudit.transport.resolved import Resolved

HOST = Resolved("web1", "web1", "web1.example", 22, "me")
CUT = WorldError(ErrorKind.DISCONNECTED, "cut", phase=Phase.KEY_EXCHANGE)
REFUSED = WorldError(ErrorKind.REFUSED, "refused", phase=Phase.CONNECT)
LATE = WorldError(ErrorKind.CONNECT_TIMEOUT, "late", phase=Phase.CONNECT)
CHANGED = WorldError(ErrorKind.HOST_KEY_MISMATCH, "changed", phase=Phase.KEY_EXCHANGE)


class Attempt:
    """Fails in a given way each time, and then succeeds."""

    def __init__(self, *failures: WorldError, other_keys: bool = False) -> None:
        self.tries = 0
        self._failures = failures
        self._other_keys = other_keys

    async def run(self) -> str:
        """See ``handshake.Attempt``."""
        self.tries += 1
        if self.tries <= len(self._failures):
            raise self._failures[self.tries - 1]
        return "connected"

    def has_other_keys(self, error: WorldError) -> bool:
        """See ``handshake.Attempt``."""
        return self._other_keys and error is CHANGED


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """No pause between tries."""
    monkeypatch.setattr(handshake, "_BACKOFF_S", 0.0)


def tried(attempt: Attempt, seconds: float = 60) -> str:
    """What comes of an attempt within some time."""

    async def run() -> str:
        return await with_retries(attempt, asyncio.get_running_loop().time() + seconds)

    return asyncio.run(run())


def test_a_cut_before_anything_was_refused_is_tried_again():
    """Twice at most."""
    attempt = Attempt(CUT, CUT)
    assert tried(attempt) == "connected"
    hopeless = Attempt(CUT, CUT, CUT, CUT)
    with pytest.raises(WorldError, match="cut"):
        tried(hopeless)
    assert hopeless.tries == 3


@pytest.mark.parametrize("error", [REFUSED, LATE, CHANGED, WorldError(ErrorKind.DISCONNECTED, "x", phase=Phase.AUTH)])
def test_an_answer_is_not_asked_for_again(error):
    """Refused, silent, another key, cut after the login began."""
    attempt = Attempt(error)
    with pytest.raises(WorldError) as caught:
        tried(attempt)
    assert caught.value is error
    assert attempt.tries == 1
    assert not is_transient(error)


def test_another_type_of_host_key_is_another_try():
    """Without a pause."""
    assert tried(Attempt(CHANGED, other_keys=True)) == "connected"


def test_when_no_time_is_left_the_first_reason_is_told():
    """A cut, and then a try that the limit ended, is a cut."""
    with pytest.raises(WorldError, match="cut"):
        tried(Attempt(CUT, LATE))
    late = Attempt(CUT)
    with pytest.raises(WorldError, match="cut"):
        tried(late, seconds=-1)
    assert late.tries == 1


def test_few_at_once_with_one_server():
    """The seventh waits; other servers do not."""

    async def run() -> tuple[int, int]:
        turns, release, inside = Turns(), asyncio.Event(), []

        async def one(resolved: Resolved, jump: str = "") -> None:
            async with turns.of(resolved, jump):
                inside.append(resolved.port)
                await release.wait()

        tasks = [asyncio.create_task(one(HOST)) for _ in range(10)]
        other = Resolved("web2", "web2", "web2.example", 23, "me")
        tasks += [asyncio.create_task(one(other, "bastion")) for _ in range(10)]
        for _ in range(5):
            await asyncio.sleep(0)
        counts = inside.count(22), inside.count(23)
        release.set()
        await asyncio.gather(*tasks)
        return counts

    assert asyncio.run(run()) == (6, 6)


def test_who_is_stuck_holds_up_nobody(monkeypatch):
    """The place is given back after a while, and only once."""
    monkeypatch.setattr(handshake, "_PATIENCE_S", 0.01)

    async def run() -> None:
        turns, release = Turns(), asyncio.Event()

        async def stuck() -> None:
            async with turns.of(HOST):
                await release.wait()

        tasks = [asyncio.create_task(stuck()) for _ in range(6)]
        async with asyncio.timeout(10), turns.of(HOST):
            release.set()
        await asyncio.gather(*tasks)
        assert turns._free[HOST.host, HOST.port]._value == 6

    asyncio.run(run())


def test_other_keys_are_those_that_are_stored(tmp_path):
    """None is asked for where none is stored, where the configuration decides, or where something else went wrong."""
    line = "web1.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8BPlEPhkWPvOW/gs4Tm2QjjRV3LTlIxtV4QVxOUB0R\n"
    (tmp_path / "known_hosts").write_text(line)
    known = KnownHosts([read_known_hosts(tmp_path / "known_hosts", print)])
    assert other_key_order(CHANGED, HOST, known, list) == ["ssh-ed25519"]
    assert other_key_order(CUT, HOST, known, list) == ()
    assert other_key_order(CHANGED, HOST, KnownHosts([]), list) == ()
    decided = Resolved("web1", "web1", "web1.example", 22, "me", host_key_algorithms=("ssh-rsa",))
    assert other_key_order(CHANGED, decided, known, list) == ()


@pytest.mark.parametrize(
    ("phase", "heard", "kind", "words"),
    [
        (Phase.CONNECT, "", ErrorKind.CONNECT_TIMEOUT, "no answer from web1.example port 22 within 10 s"),
        (Phase.CONNECT, "220 mail", ErrorKind.CONNECT_TIMEOUT, "no SSH identification within 10 s, but '220 mail'"),
        (Phase.KEY_EXCHANGE, "", ErrorKind.CONNECT_TIMEOUT, "the key exchange was not finished within 10 s"),
        (Phase.AUTH, "", ErrorKind.TIMEOUT, "the login was not decided within 15 s"),
    ],
)
def test_what_a_silence_means(phase, heard, kind, words):
    """By how far the host had come, with the limit that has passed."""
    told = silence(phase, HOST, Limits(), heard, agent=False)
    assert (told.kind, told.phase, told.message) == (kind, phase, words)


def test_what_is_no_ssh():
    """Quoted; sshd's own word of too many connections is no other protocol."""
    assert no_ssh("HTTP/1.1").kind is ErrorKind.PROTOCOL
    assert no_ssh("Exceeded MaxStartups").kind is ErrorKind.DISCONNECTED
