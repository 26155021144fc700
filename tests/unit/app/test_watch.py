"""Rounds: when they begin, whom they ask, over which connection, and what is told of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from netaudit.app.audit import Job
from netaudit.app.fanout import Width
from netaudit.app.rules import Question
from netaudit.app.watch import Watch
from netaudit.app.watch_clock import Beats, SystemClock
from netaudit.app.watch_line import Backoff
from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.fleet.events import EventKind
from netaudit.model.contact import Limits
from netaudit.model.probe import Capture, Needs, Probe, Section, SectionStatus
from netaudit.model.target import Target
from netaudit.transport.replay import ReplaySession

CASES = Path(__file__).parents[2] / "cases"
EVERY_S = 60.0
IDS = ("sysctl", "system", "nics", "qdisc")
TEXTS = {probe: (CASES / probe / "debian-root" / "stdout").read_bytes() for probe in IDS}
QUESTION = Question(tuple(Probe(each, "", "0" * 64, "", (), Needs.USER, 5, 2**20, "") for each in IDS))


@dataclass
class Host:
    """A host as the test wants it."""

    texts: dict[str, bytes] = field(default_factory=lambda: dict(TEXTS))
    down: WorldError | None = None
    takes_s: float = 0.0
    opened: list[float] = field(default_factory=list)  # when it was connected to
    asked: list[float] = field(default_factory=list)
    open_now: int = 0
    busy: int = 0
    most_busy: int = 0

    def set(self, name: bytes, value: bytes) -> None:
        """Set a sysctl."""
        head, found, rest = self.texts["sysctl"].partition(b"==> %s <==\n" % name)
        assert found
        self.texts["sysctl"] = head + found + value + rest[rest.index(b"\n") :]


class _Session:
    def __init__(self, host, loop, name):
        self.host, self.loop, self.name = host, loop, name
        self.closed = self.dead = False

    async def run(self, bundle, sink):
        self.host.asked.append(self.loop.time())
        if self.dead or self.host.down:
            raise WorldError(ErrorKind.DISCONNECTED, "the connection was lost", phase=Phase.SESSION)
        self.host.busy += 1
        self.host.most_busy = max(self.host.most_busy, self.host.busy)
        try:
            await asyncio.sleep(self.host.takes_s)
            if self.host.down:
                raise WorldError(ErrorKind.DISCONNECTED, "the connection was lost", phase=Phase.SESSION)
            sections = tuple(
                Section(probe, SectionStatus.COMPLETE, 0, text, b"", 1) for probe, text in self.host.texts.items()
            )
            taken = datetime(2026, 11, 20, tzinfo=UTC)
            return await ReplaySession(Capture(self.name, "192.0.2.1", "0" * 64, taken, 0.1, sections)).run(
                bundle, sink
            )
        finally:
            self.host.busy -= 1

    async def close(self):
        if not self.closed:
            self.closed = True
            self.host.open_now -= 1


class Network:
    """Hosts by name; fits ``app.ports.Transport``."""

    def __init__(self, loop, *names):
        self.loop = loop
        self.hosts = {name: Host() for name in names}
        self.sessions = []

    def jobs(self, *names):
        return [Job(Target(name, "192.0.2.1"), QUESTION) for name in names or self.hosts]

    async def open(self, target):
        host = self.hosts[target.name]
        host.opened.append(self.loop.time())
        if host.down:
            raise host.down
        host.open_now += 1
        self.sessions.append(_Session(host, self.loop, target.name))
        return self.sessions[-1]

    async def close(self):
        """Nothing is shared."""


class Heard:
    """Keeps what is told; ``at`` does something when a round is over."""

    def __init__(self):
        self.events, self.rounds, self.at = [], [], {}

    def event(self, event):
        self.events.append(event)

    def answered(self, report, capture):
        pass

    def round_done(self, over):
        self.rounds.append(over)
        self.at.get(over.number, lambda: None)()

    def told(self):
        return [(str(each.kind), each.host, each.name) for each in self.events if each.kind is not EventKind.STARTED]


REFUSED = WorldError(ErrorKind.REFUSED, "nothing listens", phase=Phase.CONNECT)


@pytest.fixture
def watching(skipping):
    """Runs a watch over a network: ``watching(network, heard, count=3)``."""

    def run(network, heard, *, count, stop=None, every_s=EVERY_S, reread=lambda: None, **more):
        watch = Watch(
            network, every_s, heard, more.pop("limits", Limits()), more.pop("width", Width()), clock=skipping,
            chance=lambda: 1.0, reread=reread,
        )  # fmt: skip
        asyncio.set_event_loop(skipping)
        try:
            skipping.run_until_complete(watch.run(network.jobs(), stop or asyncio.Event(), count=count, **more))
        finally:
            asyncio.set_event_loop(None)
        return watch

    return run


def test_one_connection_serves_all_rounds(skipping, watching):
    """Each round is a question over the connection of the first, on the beat; at the end it is closed."""
    network, heard = Network(skipping, "web1", "web2"), Heard()
    watch = watching(network, heard, count=5)
    for host in network.hosts.values():
        assert 1 == len(host.opened)
        assert pytest.approx([0, 60, 120, 180, 240], abs=0.1) == host.asked
        assert 0 == host.open_now
    assert (5, 0, 2) == watch.totals
    assert [True, False, False, False, False] == [over.changed for over in heard.rounds]
    assert [] == heard.told()


def test_a_changed_setting_is_told_once_with_its_moment(skipping, watching):
    """The value before and after, since the round that saw it."""
    network, heard = Network(skipping, "web1", "web2"), Heard()
    heard.at[2] = lambda: network.hosts["web2"].set(b"net/core/somaxconn", b"128")
    watching(network, heard, count=4)
    (event,) = heard.events[1:]
    assert (EventKind.SETTING, "web2", "net.core.somaxconn", "4096", "128") == (
        event.kind, event.host, event.name, event.before, event.after,
    )  # fmt: skip
    assert "14:02:00" == event.since.strftime("%H:%M:%S")
    assert [1, 3] == [over.number for over in heard.rounds if over.changed]


def test_a_lost_connection_is_made_anew_in_the_same_round(skipping, watching):
    """That it died between two rounds says nothing of the host, and nothing is told."""
    network, heard = Network(skipping, "web1"), Heard()

    def cut():
        network.sessions[-1].dead = True

    heard.at[2] = cut
    watch = watching(network, heard, count=4)
    assert pytest.approx([0, 120], abs=0.1) == network.hosts["web1"].opened
    assert [] == heard.told()
    assert 2 == watch.totals[2]


def test_a_host_that_goes_and_comes_is_told_and_asked_less_and_less(skipping, watching):
    """Lost once, back once with how long; between them the pauses double up to their bound."""
    network, heard = Network(skipping, "web1", "web2"), Heard()
    host = network.hosts["web1"]
    heard.at[1] = lambda: setattr(host, "down", REFUSED)
    heard.at[12] = lambda: setattr(host, "down", None)
    watching(network, heard, count=20, every_s=10.0)
    assert [("host-lost", "web1", ""), ("host-back", "web1", "")] == heard.told()
    tries = [moment for moment in host.opened if moment]
    gaps = [after - before for before, after in pairwise(tries)]
    assert pytest.approx([10, 20, 40, 80], abs=0.1) == gaps
    assert 1 == heard.rounds[3].summary.unreachable
    assert (2, 0) == (heard.rounds[-1].summary.ok, heard.rounds[-1].waiting)


def test_a_host_that_is_down_at_the_start_is_seen_when_it_comes(skipping, watching):
    """It is told as lost, and when it answers for the first time as seen, not as a flood of findings."""
    network, heard = Network(skipping, "web1", "web2"), Heard()
    network.hosts["web2"].down = REFUSED
    heard.at[1] = lambda: setattr(network.hosts["web2"], "down", None)
    watching(network, heard, count=3)
    assert [("host-lost", "web2", ""), ("host-seen", "web2", "")] == heard.told()


def test_a_slow_host_holds_up_nobody_and_is_never_asked_twice_at_once(skipping, watching):
    """The others keep their beat; it is counted as late and asked again when it is done."""
    network, heard = Network(skipping, "web1", "slow"), Heard()
    network.hosts["slow"].takes_s = 25.0
    watching(network, heard, count=9, every_s=10.0)
    assert 1 == network.hosts["slow"].most_busy
    beats = network.hosts["web1"].asked[2:]  # the first round waits for everybody
    assert all(9.9 < after - before < 10.1 for before, after in pairwise(beats))
    assert 1 in {over.late for over in heard.rounds}
    assert len(network.hosts["slow"].asked) < len(network.hosts["web1"].asked)
    assert [] == heard.told()


def test_after_a_sleep_there_is_one_round_over_new_connections(skipping, watching):
    """Three hours of sleep in the middle of a pause: told, one round at once, and the next on the grid."""
    network, heard = Network(skipping, "web1"), Heard()
    skipping.sleeps.append((70.0, 3 * 3600.0))
    watching(network, heard, count=5)
    host = network.hosts["web1"]
    assert 2 == len(host.opened)
    assert [EventKind.SLEPT] == [each.kind for each in heard.events[1:]]
    assert pytest.approx(3 * 3600.0, abs=6) == heard.events[1].duration_s
    assert host.asked[2] < 80, "the round after the sleep does not wait for the beat"
    pauses = [after - before for before, after in pairwise(host.asked[2:])]
    assert all(pause >= 29 for pause in pauses), "a burst"


def test_a_sleep_during_a_round_gives_up_what_is_under_way(skipping, watching):
    """What waits for an answer of before the sleep is cancelled, and the host is asked anew."""
    network, heard = Network(skipping, "web1", "slow"), Heard()
    network.hosts["slow"].takes_s = 20.0
    skipping.sleeps.append((65.0, 3600.0))
    watching(network, heard, count=4)
    assert [EventKind.SLEPT] == [each.kind for each in heard.events[1:]]
    assert 1 == network.hosts["slow"].most_busy
    assert 2 == len(network.hosts["slow"].opened)


def test_hosts_join_and_leave_with_the_inventory(skipping, watching):
    """New ones are asked in the next round, removed ones are hung up on, and both are told."""
    network, heard = Network(skipping, "web1", "web2", "web3"), Heard()
    known = iter([None, network.jobs("web1", "web3")])
    inventory = network.jobs("web1", "web2")
    network.jobs = lambda *names: inventory
    watching(network, heard, count=4, reread=lambda: next(known, None))
    assert [("host-left", "web2", ""), ("host-joined", "web3", ""), ("host-seen", "web3", "")] == heard.told()
    assert 2 == len(network.hosts["web2"].asked)
    assert 2 == len(network.hosts["web3"].asked)
    assert ["web1", "web3"] == [report.name for report in heard.rounds[-1].reports]


def test_a_host_with_another_address_is_connected_to_anew(skipping, watching):
    """The old connection is closed; nothing is told, since it is the same host."""
    network, heard = Network(skipping, "web1"), Heard()
    moved = [Job(Target("web1", "192.0.2.77"), QUESTION)]
    known = iter([moved])
    watching(network, heard, count=3, reread=lambda: next(known, None))
    assert 2 == len(network.hosts["web1"].opened)
    assert 0 == network.hosts["web1"].open_now
    assert [] == heard.told()


def test_other_groups_and_variables_keep_the_connection(skipping, watching):
    """Only what says how a host is reached makes another connection."""
    network, heard = Network(skipping, "web1"), Heard()
    regrouped = [Job(Target("web1", "192.0.2.1", groups=("new",), vars={"site": "x"}), QUESTION)]
    known = iter([regrouped])
    watching(network, heard, count=3, reread=lambda: next(known, None))
    assert 1 == len(network.hosts["web1"].opened)
    assert ("new",) == heard.rounds[-1].reports[0].groups


def test_a_reboot_is_seen_by_the_boot_id(skipping, watching):
    """Also when the host was back before anybody missed it."""
    network, heard = Network(skipping, "web1"), Heard()
    host = network.hosts["web1"]

    def reboot():
        head, label, rest = host.texts["system"].partition(b"#@ /proc/sys/kernel/random/boot_id\n")
        host.texts["system"] = head + label + b"11111111-2222-3333-4444-555555555555" + rest[rest.index(b"\n") :]
        network.sessions[-1].dead = True

    heard.at[1] = reboot
    watching(network, heard, count=3)
    assert [("host-rebooted", "web1", "")] == heard.told()


def test_what_could_not_be_read_is_as_it_was(skipping, watching):
    """A probe that fails for a round takes no setting away, and gives none back."""
    network, heard = Network(skipping, "web1"), Heard()
    host = network.hosts["web1"]
    heard.at[1] = lambda: host.texts.update(nics=b"")
    heard.at[2] = lambda: host.texts.update(nics=TEXTS["nics"])
    watching(network, heard, count=4)
    assert [] == heard.told()


def test_stopping_ends_at_once_and_closes_everything(skipping, watching):
    """In the middle of an answer: what is under way is cancelled and no round is made of it."""
    network, heard, stop = Network(skipping, "web1", "slow"), Heard(), asyncio.Event()
    network.hosts["slow"].takes_s = 1000.0
    skipping.call_later(5.0, stop.set)
    watching(network, heard, count=None, stop=stop)
    assert skipping.time() < 8
    assert 0 == sum(host.open_now + host.busy for host in network.hosts.values())
    assert [] == heard.rounds


def test_what_was_told_before_it_was_stopped_is_of_a_round(skipping, watching):
    """So that it is kept: those who had not answered are as they were."""
    network, heard, stop = Network(skipping, "web1", "slow"), Heard(), asyncio.Event()

    def next_is_slow():
        network.hosts["slow"].takes_s = 1000.0
        network.hosts["web1"].set(b"net/core/somaxconn", b"128")

    heard.at[1] = next_is_slow
    skipping.call_later(65.0, stop.set)
    watching(network, heard, count=None, stop=stop)
    assert [False, True] == [over.number == 2 for over in heard.rounds]
    assert (True, 2, 1) == (heard.rounds[-1].changed, heard.rounds[-1].summary.ok, heard.rounds[-1].late)


def test_the_time_ends_it(skipping, watching):
    """No round begins later than that."""
    network, heard = Network(skipping, "web1"), Heard()
    watching(network, heard, count=None, for_s=150.0)
    assert 3 == len(heard.rounds)


def test_more_hosts_than_files_can_be_open(skipping, watching):
    """Those beyond the limit are connected to each time."""
    network, heard = Network(skipping, *(f"web{number}" for number in range(8))), Heard()
    watching(network, heard, count=3, width=Width(forks=2, open_limit=6))
    assert 4 * 1 + 4 * 3 == sum(len(host.opened) for host in network.hosts.values())
    assert [8, 8, 8] == [over.summary.ok for over in heard.rounds]


def test_the_grid_leaves_out_what_was_missed():
    """The next beat after a round, and where to count from after several were missed."""
    beats = Beats(100.0, 60.0)
    assert [160.0, 160.0, 220.0, 220.0] == [beats.after(moment) for moment in (100.0, 125.0, 135.0, 160.0)]
    assert 160.0 == beats.latest(160.0, 161.0)
    assert 400.0 == beats.latest(160.0, 430.0)


def test_pauses_double_up_to_a_bound_and_differ_by_chance():
    """The next round after the first failure; refusals weigh heavier from the start."""
    longest = Backoff(10.0, lambda: 1.0)
    assert [0.0, 20.0, 40.0, 80.0, 120.0, 120.0] == [longest.delay_s(n, ErrorKind.REFUSED) for n in range(1, 7)]
    assert 900.0 == longest.delay_s(20, ErrorKind.AUTH_FAILED)
    assert 10.0 == longest.delay_s(1, ErrorKind.AUTH_FAILED)
    assert 60.0 == Backoff(10.0, lambda: 0.0).delay_s(9, ErrorKind.REFUSED)
    assert 3600.0 == Backoff(3600.0, lambda: 1.0).delay_s(9, ErrorKind.REFUSED)


def test_the_clock_goes_on():
    """Seconds that grow, and a time of day in UTC."""
    clock = SystemClock()
    assert clock.now() <= clock.now()
    assert UTC is clock.wall().tzinfo
