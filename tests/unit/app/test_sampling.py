"""Samples of many hosts at the same moments, each over one connection; failure of one is nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from netaudit.app.diagnose import beat_of
from netaudit.app.fanout import Width
from netaudit.app.sampling import Beat, Sampler, offsets_s
from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.contact import Exit, Limits
from netaudit.model.probe import Section, SectionStatus, Stream
from netaudit.model.target import Target
from netaudit.wire.frame import encode
from netaudit.wire.head import parse_probe

PROBE = parse_probe(
    "#!/bin/sh\n# id: counters\n# summary: A probe.\n# reads: /proc\n# needs: user\n# timeout_s: 5\n# max_bytes: 1KiB\n"
    "# format: text\n# params: SAMPLE\n\necho hello\n",
    "counters.sh",
)
BEAT = Beat((0.0, 0.2), ((PROBE,), (PROBE,)), ({"SAMPLE": "1"}, {"SAMPLE": "2"}))


@dataclass
class Host:
    """What stands for a connection; ``behave`` is asked with the number of the sample."""

    name: str
    log: list[tuple[float, str, int]]
    behave: Callable[[str, int], None]
    asked: int = 0
    closed: bool = False

    async def run(self, bundle, sink):
        """Answer one payload."""
        self.asked += 1
        self.log.append((asyncio.get_running_loop().time(), self.name, self.asked))
        self.behave(self.name, self.asked)
        section = Section("counters", SectionStatus.COMPLETE, 0, b"hello\n", b"", 1)
        for stream, data in zip(Stream, encode([section], bundle.nonce), strict=True):
            sink.feed(stream, data)
        return Exit(None)

    async def close(self):
        """Take note."""
        self.closed = True


@dataclass
class Fleet:
    """A transport to hosts that are made up."""

    slow: dict[str, float] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    behave: Callable[[str, int], None] = lambda _name, _number: None
    hosts: dict[str, Host] = field(default_factory=dict)
    log: list[tuple[float, str, int]] = field(default_factory=list)
    most_open: int = 0

    async def open(self, target):
        """A host, after its time."""
        await asyncio.sleep(self.slow.get(target.name, 0))
        if target.name in self.refused:
            raise WorldError(ErrorKind.REFUSED, "refused", phase=Phase.CONNECT)
        self.hosts[target.name] = Host(target.name, self.log, self.behave)
        self.most_open = max(self.most_open, sum(not host.closed for host in self.hosts.values()))
        return self.hosts[target.name]

    async def close(self):
        """Nothing is shared."""


def sample(fleet, names, *, width=None, stop_after=None, beat=BEAT):
    """The captures of each host by name."""
    found = {}

    async def work():
        stop = asyncio.Event()
        if stop_after is not None:
            asyncio.get_running_loop().call_later(stop_after, stop.set)
        sampler = Sampler(fleet, Limits(host_s=2), width or Width())
        targets = [Target(name, "192.0.2.1") for name in names]
        before = asyncio.all_tasks()
        try:
            await sampler.run(targets, beat, lambda place, captures: found.update({names[place]: captures}), stop)
        finally:
            assert before == asyncio.all_tasks(), "something is still under way"

    asyncio.run(asyncio.wait_for(work(), 60))
    return found


def test_all_hosts_are_sampled_at_once():
    """The first sample waits for the slowest connection; every host has one connection, closed at the end."""
    fleet = Fleet(slow={"web3": 0.3})
    found = sample(fleet, ["web1", "web2", "web3"])
    assert [len(captures) for captures in found.values()] == [2, 2, 2]
    assert all(capture.error is None for captures in found.values() for capture in captures)
    for number in (1, 2):
        moments = [at for at, _, asked in fleet.log if asked == number]
        assert max(moments) - min(moments) < 0.1
    starts = [min(at for at, _, asked in fleet.log if asked == number) for number in (1, 2)]
    assert starts[1] - starts[0] == pytest.approx(0.2, abs=0.15)
    assert all(host.closed for host in fleet.hosts.values())


def test_a_host_that_cannot_be_reached_holds_nobody_up():
    """It has one capture, with its error; the others have their samples."""
    found = sample(Fleet(refused=frozenset({"web2"})), ["web1", "web2"])
    assert [capture.error.kind for capture in found["web2"]] == [ErrorKind.REFUSED]
    assert len(found["web1"]) == 2


def test_a_host_that_answers_the_first_sample_only():
    """The second one carries its error, and the first is kept."""

    def lost(name, number):
        if (name, number) == ("web1", 2):
            raise WorldError(ErrorKind.DISCONNECTED, "lost", phase=Phase.ANSWER)

    found = sample(Fleet(behave=lost), ["web1", "web2"])
    first, second = found["web1"]
    assert first.error is None
    assert first.sections
    assert second.error.kind is ErrorKind.DISCONNECTED
    assert all(capture.error is None for capture in found["web2"])


def test_an_interruption_hands_over_what_there_is():
    """After the first sample; and no connection stays open."""
    fleet = Fleet()
    beat = Beat((0.0, 60.0), BEAT.probes, BEAT.params)
    found = sample(fleet, ["web1", "web2"], stop_after=0.2, beat=beat)
    assert {name: len(captures) for name, captures in found.items()} == {"web1": 1, "web2": 1}
    assert all(host.closed for host in fleet.hosts.values())


def test_no_more_connections_than_the_limit():
    """More hosts than can be open take turns in groups."""
    fleet = Fleet()
    names = [f"web{number}" for number in range(5)]
    found = sample(fleet, names, width=Width(forks=2, open_limit=2))
    assert set(found) == set(names)
    assert fleet.most_open <= 2


def test_a_slot_is_given_back_once_a_host_is_connected():
    """One at a time, and nobody waits for the lease to run out."""
    names = ["web1", "web2", "web3"]
    found = sample(Fleet(), names, width=Width(forks=1, patience_s=3600.0))
    assert set(found) == set(names)


def test_a_defect_ends_the_run():
    """What is not of the world is not swallowed."""

    def broken(name, _number):
        if name == "web1":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        sample(Fleet(behave=broken), ["web1", "web2"])


@pytest.mark.parametrize(
    ("for_s", "every_s", "moments"),
    [(10, None, (0, 10)), (10, 20, (0, 10)), (4, 1, (0, 1, 2, 3, 4)), (10, 3, (0, 10 / 3, 20 / 3, 10))],
)
def test_moments(for_s, every_s, moments):
    """The ends are always among them, the intervals equal."""
    assert offsets_s(for_s, every_s) == pytest.approx(moments)


def test_settings_are_asked_once_and_counters_each_time():
    """Both ends carry everything that grows; what is in between carries less."""
    from netaudit.assets.locate import locate
    from netaudit.assets.probes import load_probes

    beat = beat_of(load_probes(locate()), 3.0, 1.0)
    asked = [{probe.id for probe in probes} for probes in beat.probes]
    assert {"sysctl", "firewall"} <= asked[0]
    assert not {"sysctl", "firewall"} & asked[1] | {"sysctl", "firewall"} & asked[-1]
    assert {"counters", "talkers", "kernel_log"} <= asked[-1]
    assert all("counters" in probes for probes in asked)
    assert [params["SAMPLE"] for params in beat.params] == ["1", "2", "3", "4"]
