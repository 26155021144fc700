"""What a watch tells of one host's next answer, and how what flaps is damped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest

from netaudit.errors import ErrorKind, Phase
from netaudit.facts.snapshot import facts_of
from netaudit.fleet.events import Event, EventKind, severities_text
from netaudit.fleet.events_damping import Damper
from netaudit.fleet.events_memory import Answer, failures_only, take
from netaudit.fleet.events_vector import MOST_TOLD, Vector, moved, vector_of
from netaudit.model.facts import Conntrack
from netaudit.model.probe import Capture, HostError
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.result import HostReport, HostStatus, Item, Result, Severity, Verdict

AT = datetime(2026, 11, 20, 14, tzinfo=UTC)
NOTHING = facts_of(Capture("web1", "", "", AT, 0.1, ()))
EVERYTHING = frozenset({"sysctl"})


def _answer(*results: Result, minutes: int = 0) -> Answer:
    report = HostReport("web1", "192.0.2.1", HostStatus.OK, None, 0.1, results)
    return Answer(AT + timedelta(minutes=minutes), report, NOTHING)


def _silent(kind: ErrorKind = ErrorKind.REFUSED, minutes: int = 0) -> Answer:
    error = HostError(kind, "nothing listens", Phase.CONNECT)
    report = HostReport("web1", "192.0.2.1", HostStatus.UNREACHABLE, error, 0.1)
    return Answer(AT + timedelta(minutes=minutes), report)


def _story(*answers: Answer) -> list[tuple[str, str, str, object, object]]:
    known, told = None, []
    for number, answer in enumerate(answers, start=1):
        known, events = take(known, answer, number)
        told += [(str(each.kind), each.name, each.subject, each.before, each.after) for each in events]
    return told


@pytest.fixture
def bad(made_up: ModuleType) -> Result:
    """A finding on the host as a whole."""
    return made_up.somaxconn(128)


def test_findings_are_new_changed_and_fixed(bad: Result) -> None:
    """Against the answer before, with what was seen."""
    other = replace(bad, observed=256)
    good = replace(bad, verdict=Verdict.PASS)
    assert [
        ("finding-new", bad.check, "", None, 128),
        ("finding-changed", bad.check, "", 128, 256),
        ("finding-fixed", bad.check, "", 256, None),
    ] == _story(_answer(good), _answer(bad), _answer(bad), _answer(other), _answer(good))


def test_what_cannot_be_decided_is_kept_until_it_can(bad: Result) -> None:
    """Unknown is neither fixed nor, when it fails again, new."""
    unknown = replace(bad, verdict=Verdict.UNKNOWN, reason="needs root")
    assert [] == _story(_answer(bad), _answer(unknown), _answer(unknown), _answer(bad))
    good = replace(bad, verdict=Verdict.PASS)
    assert ["finding-fixed"] == [each[0] for each in _story(_answer(bad), _answer(unknown), _answer(good))]


def test_a_host_that_was_away_is_compared_with_what_it_was(bad: Result) -> None:
    """Lost once for however many failures; back with how long, and only what is otherwise is told."""
    good = replace(bad, verdict=Verdict.PASS)
    assert ["host-lost", "host-back"] == [
        each[0] for each in _story(_answer(bad), _silent(), _silent(ErrorKind.TIMEOUT), _answer(bad, minutes=7))
    ]
    assert ["host-lost", "host-back", "finding-fixed"] == [
        each[0] for each in _story(_answer(bad), _silent(), _answer(good))
    ]
    known, _ = take(None, _answer(bad), 1)
    known, _ = take(known, _silent(minutes=1), 2)
    _, (back,) = take(known, _answer(bad, minutes=8), 3)
    assert 7 * 60 == back.duration_s


def test_a_host_that_answers_late_is_seen_and_no_flood(bad: Result) -> None:
    """Its failures are told as totals."""
    known, (lost,) = take(None, _silent(), 1)
    assert (EventKind.LOST, "refused: nothing listens") == (lost.kind, lost.detail)
    _, (seen,) = take(known, _answer(bad), 2)
    assert (EventKind.SEEN, f"1 {bad.severity}") == (seen.kind, seen.detail)


def test_little_is_kept_of_a_report(bad: Result) -> None:
    """Failures alone, without evidence, fixes or what passed; of several subjects those that failed."""
    item = Item("0.0.0.0:443", Verdict.FAIL, Severity.HIGH, 128, ">= 4096", "ss: LISTEN 0 128", fix="raise it")
    waived = replace(item, verdict=Verdict.WAIVED)
    passed = replace(bad, check="other", verdict=Verdict.PASS)
    report = failures_only(_answer(replace(bad, items=(item, waived), evidence="x", fix="y"), passed).report)
    (kept,) = report.results
    assert (None, None, bad.check) == (kept.evidence, kept.fix, kept.check)
    assert [("0.0.0.0:443", "", None)] == [(each.subject, each.evidence, each.fix) for each in kept.items]


def _vector(domains: frozenset[str] = EVERYTHING, /, **values: str) -> Vector:
    settings = {name.replace("__", " ").replace("_", "."): value for name, value in values.items()}
    return Vector(tuple(settings), tuple(settings.values()), domains)


def _moves(before: Vector, after: Vector) -> list[tuple[str, str | None, str | None, int]]:
    return [(each.name, each.before, each.after, each.count) for each in moved(before, after)]


def test_settings_that_move_are_told_one_by_one() -> None:
    """Value by value; one that came or went as such."""
    before = _vector(net_core_somaxconn="4096", net_ipv4_gone="1")
    after = _vector(net_core_somaxconn="128", net_ipv4_come="2")
    assert [
        ("net.core.somaxconn", "4096", "128", 1),
        ("net.ipv4.come", None, "2", 1),
        ("net.ipv4.gone", "1", None, 1),
    ] == _moves(before, after)


def test_what_comes_and_goes_together_is_one_line() -> None:
    """An interface with all its settings, a module's sysctls."""
    interface = {f"net.ipv4.conf.eth1.{name}": "0" for name in ("rp_filter", "forwarding", "mtu")}
    interface |= {"eth1 mtu": "1500", "eth1 txqueuelen": "1000"}
    empty, full = Vector((), (), EVERYTHING), Vector(tuple(interface), tuple(interface.values()), EVERYTHING)
    assert [("interface eth1", None, "present", 5)] == _moves(empty, full)
    assert [("interface eth1", "present", None, 5)] == _moves(full, empty)


def test_very_many_changes_are_summed_up() -> None:
    """The first ones by name, and how many more."""
    names = tuple(f"net.a{number}" for number in range(200))
    rows = _moves(Vector(names, ("0",) * 200, EVERYTHING), Vector(names, ("1",) * 200, EVERYTHING))
    assert MOST_TOLD + 1 == len(rows)
    assert 200 - MOST_TOLD == rows[-1][3]


def test_a_domain_that_can_be_read_at_last_is_no_change() -> None:
    """What it says was not known before."""
    before = _vector(frozenset({"sysctl"}), net_core_somaxconn="4096")
    after = _vector(frozenset({"sysctl", "nics"}), net_core_somaxconn="4096", eth0__mtu="1500")
    assert [] == _moves(before, after)


def test_what_can_no_longer_be_read_is_as_it_was() -> None:
    """A file alone, where its domain still answers; a table that is gone with its module is told."""
    refused, gone = (Absent(reason) for reason in (AbsentReason.NOT_PERMITTED, AbsentReason.NOT_PRESENT))
    table = Conntrack(10, 20, 30, 16384, gone, gone)

    def told(then: Conntrack) -> list[tuple[str, str | None, str | None, int]]:
        earlier = vector_of(replace(NOTHING, conntrack=table))
        return _moves(earlier, vector_of(replace(NOTHING, conntrack=then), earlier))

    assert [] == told(replace(table, hashsize=refused))
    assert [("conntrack hashsize", "16384", None, 1)] == told(replace(table, hashsize=gone))


def _setting(number: int, value: str = "1", before: str = "0") -> Event:
    at = AT + timedelta(minutes=number)
    return Event(EventKind.SETTING, at, number, "web1", "net.x", before=before, after=value, since=at, count=1)


def _kinds(damper: Damper, rounds: dict[int, str], last: int) -> list[tuple[int, str]]:
    told = []
    value = "0"
    for number in range(1, last + 1):
        if number in rounds:
            event = damper.admit(_setting(number, rounds[number], value))
            value = rounds[number]
            told += [(number, str(event.kind))] if event else []
        told += [(number, str(event.kind)) for event in damper.settled(number, AT)]
    return told


def test_what_changes_seldom_is_told_each_time() -> None:
    """Every fourth round is not flapping: four changes take more than ten rounds."""
    rounds = {number: str(number) for number in range(1, 40, 4)}
    assert [(number, "setting") for number in rounds] == _kinds(Damper(), rounds, 60)


def test_what_flaps_is_told_once_and_again_when_it_rests() -> None:
    """Three changes, that it flaps, nothing, and after ten quiet rounds what it has come to."""
    damper = Damper()
    rounds = {number: str(number % 2) for number in range(1, 21)}
    expected = [(1, "setting"), (2, "setting"), (3, "setting"), (4, "flapping"), (30, "settled")]
    assert expected == _kinds(damper, rounds, 60)
    assert 0 == len(damper), "what rests is forgotten"


def test_settled_says_from_where_to_where() -> None:
    """The value before it flapped out of sight, the last one, since when, and how many changes there were."""
    damper = Damper()
    for number in range(1, 8):
        damper.admit(_setting(number, str(number), str(number - 1)))
    (event,) = damper.settled(17, AT)
    assert (EventKind.SETTLED, EventKind.SETTING, "3", "7", 7) == (
        event.kind, event.told_as, event.before, event.after, event.count,
    )  # fmt: skip
    assert AT + timedelta(minutes=7) == event.since


def test_things_are_damped_each_for_itself() -> None:
    """Another host, another setting, and a finding of that name; what is no change is never held back."""
    damper = Damper()
    for number in range(1, 9):
        damper.admit(_setting(number))
    assert damper.admit(replace(_setting(9), host="web2"))
    assert damper.admit(replace(_setting(9), name="net.y"))
    assert damper.admit(replace(_setting(9), kind=EventKind.NEW))
    assert all(damper.admit(replace(_setting(9), kind=EventKind.REBOOTED)) for _ in range(9))
    assert damper.admit(_setting(9)) is None
    damper.forget("web1")
    assert damper.admit(_setting(10))


def test_a_host_that_comes_and_goes_is_one_thing() -> None:
    """Lost and back count together."""
    damper = Damper()
    kinds = [EventKind.LOST, EventKind.BACK] * 3
    told = [damper.admit(replace(_setting(place), kind=kind, name="")) for place, kind in enumerate(kinds)]
    assert ["host-lost", "host-back", "host-lost", "flapping", None, None] == [
        str(each.kind) if each else None for each in told
    ]


def test_totals_in_words() -> None:
    """The worst first."""
    assert "2 high, 1,000 info" == severities_text({Severity.INFO: 1000, Severity.HIGH: 2, Severity.LOW: 0})
    assert "no findings" == severities_text({})
