"""Findings are followed from run to run: since when, until when, how often."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from netaudit.fleet.standing import Standing
from netaudit.fleet.tally import Tally
from netaudit.model.context import RunContext
from netaudit.model.probe import Capture
from netaudit.model.result import BaselineRef, HostReport, HostStatus, Result, RunInfo, Severity, Verdict
from netaudit.store import Store, open_store, run_id
from netaudit.store.choosing import Choice
from netaudit.store.history import KEPT_SPELLS

DAY = timedelta(days=1)
BEGUN = datetime(2026, 11, 1, 12, 0, 0, tzinfo=UTC)


def _run(day: int, tail: str = "3f2a") -> RunInfo:
    started = BEGUN + day * DAY
    return RunInfo(run_id(started, tail), "audit", started, "0.1.0")


def _result(check: str, verdict: Verdict, severity: Severity = Severity.HIGH) -> Result:
    return Result(check, check, "ip", verdict, severity)


def _record(
    store: Store, run: RunInfo, hosts: dict[str, dict[str, Verdict] | None], *, capture: Capture | None = None,
    context: RunContext | None = None,
) -> None:  # fmt: skip
    """A run with these verdicts; a host without any did not answer."""
    store.begin(run, list(hosts), context or RunContext())
    tally = Tally()
    for place, (name, verdicts) in enumerate(hosts.items()):
        results = tuple(_result(check, verdict) for check, verdict in (verdicts or {}).items())
        status = HostStatus.OK if verdicts is not None else HostStatus.UNREACHABLE
        report = HostReport(name, "", status, None, 0.1, results)
        tally.add(report)
        store.add_host(run.id, place, report, capture)
    store.finish(run, tally.summary(), ())


FAIL, PASS, UNKNOWN, WAIVED, SKIPPED = Verdict.FAIL, Verdict.PASS, Verdict.UNKNOWN, Verdict.WAIVED, Verdict.SKIPPED


def _spell(store: Store):
    (found,) = store.spells()
    return found


def test_a_finding_stands_from_its_first_run_to_the_one_that_sees_it_gone(store: Store, second: Store) -> None:
    """First seen, last seen, how often, and fixed by which run."""
    for day, verdict in enumerate((PASS, FAIL, FAIL, FAIL, PASS, PASS)):
        _record(store, _run(day), {"web1": {"a": verdict}})
    spell = _spell(second)
    assert (spell.host, spell.check, spell.severity) == ("web1", "a", Severity.HIGH)
    assert (spell.since_run, spell.since_at) == (_run(1).id, BEGUN + DAY)
    assert (spell.last_run, spell.last_at, spell.times) == (_run(3).id, BEGUN + 3 * DAY, 3)
    assert (spell.fixed_run, spell.fixed_at, spell.stands) == (_run(4).id, BEGUN + 4 * DAY, False)
    assert [each.check for each in second.fixed_by(_run(4).id)] == ["a"]
    assert list(second.fixed_by(_run(5).id)) == []
    assert [each.check for each in second.spells_of_run(_run(2).id)] == ["a"]
    assert list(second.spells_of_run(_run(0).id)) == []


@pytest.mark.parametrize("silence", [{"a": UNKNOWN}, {"a": WAIVED}, {}, None])
def test_what_says_nothing_ends_nothing(store: Store, silence: dict[str, Verdict] | None) -> None:
    """An unreachable host, a check that could not be decided, one that is not asked: the finding stands on."""
    for day, verdicts in enumerate(({"a": FAIL}, silence, {"a": FAIL})):
        _record(store, _run(day), {"web1": verdicts})
    spell = _spell(store)
    assert (spell.since_run, spell.last_run, spell.times) == (_run(0).id, _run(2).id, 2)
    assert spell.stands


def test_what_does_not_apply_any_more_is_gone(store: Store) -> None:
    """A card that was taken out has no ring that is too small."""
    _record(store, _run(0), {"web1": {"a": FAIL}})
    _record(store, _run(1), {"web1": {"a": SKIPPED}})
    assert _spell(store).fixed_run == _run(1).id


def test_a_finding_that_comes_back_is_a_new_spell_and_flaps(store: Store) -> None:
    """Three times within thirty days is flapping; three times in a year is not."""
    for day in range(0, 12, 2):
        _record(store, _run(day), {"web1": {"a": FAIL}, "web2": {"b": FAIL if day == 0 else PASS}})
        _record(store, _run(day + 1), {"web1": {"a": PASS}, "web2": {"b": PASS}})
    spells = list(store.spells(check="a"))
    assert [spell.since_run for spell in spells] == [_run(day).id for day in range(0, 12, 2)]
    assert [spell.recent for spell in spells] == [1, 2, 3, 4, 5, 6]
    assert spells[2].is_flapping
    assert not spells[1].is_flapping
    assert not any(spell.is_flapping for spell in store.spells(host="web2"))
    for day in (100, 200, 300):
        _record(store, _run(day), {"web3": {"c": FAIL}})
        _record(store, _run(day + 1), {"web3": {"c": PASS}})
    assert [spell.recent for spell in store.spells(host="web3")] == [1, 1, 1]


def test_captures_of_the_past_change_nothing(store: Store, capture: Capture) -> None:
    """Judging last week's answers again tells nothing of today; the newest answer counts, also when judged again."""
    now = replace(capture, started_at=BEGUN + 9 * DAY)
    before = replace(capture, started_at=BEGUN + 2 * DAY)
    _record(store, _run(10), {"web1": {"a": FAIL}}, capture=now)
    _record(store, _run(11), {"web1": {"a": PASS, "b": FAIL}}, capture=before)
    spell = _spell(store)
    assert spell.stands
    assert spell.since_at == BEGUN + 9 * DAY
    _record(store, _run(12), {"web1": {"a": FAIL}}, capture=now)
    assert _spell(store).times == 2


def test_each_baseline_has_a_history_of_its_own(store: Store) -> None:
    """Two that disagree about a host do not make its findings flap."""
    for day in range(6):
        strict = day % 2 == 0
        run = replace(_run(day), baseline=BaselineRef("strict" if strict else "mild", "00"))
        _record(store, run, {"web1": {"a": FAIL if strict else PASS}})
    spell = _spell(store)
    assert (spell.rules, spell.times, spell.stands, spell.recent) == ("strict", 3, True, 1)
    assert [each.check for each in store.spells_of_run(_run(2).id)] == ["a"]
    assert list(store.spells_of_run(_run(3).id)) == []


def test_a_host_that_is_new_or_gone_does_not_touch_the_others(store: Store) -> None:
    """Each host is followed by itself."""
    _record(store, _run(0), {"web1": {"a": FAIL}, "web2": {"a": FAIL}})
    _record(store, _run(1), {"web2": {"a": PASS}, "web3": {"a": FAIL}})
    assert {spell.host: spell.stands for spell in store.spells()} == {"web1": True, "web2": False, "web3": True}
    assert [spell.host for spell in store.spells(standing=True)] == ["web1", "web3"]
    assert [spell.host for spell in store.spells(host="web[23]")] == ["web2", "web3"]


def test_since_when_survives_the_run_that_saw_it_first(store: Store) -> None:
    """Runs are forgotten, and what is known of a host that is still audited is not."""
    for day in range(100):
        _record(store, _run(day), {"web1": {"a": FAIL}, "web2": {"b": FAIL if day < 3 else PASS}})
    assert store.older(BEGUN + 95 * DAY) == tuple(_run(day).id for day in range(95))
    assert store.prune(BEGUN + 95 * DAY) == tuple(_run(day).id for day in range(95))
    assert [each.info.id for each in store.runs(10)] == [_run(day).id for day in range(99, 94, -1)]
    assert _spell(store).since_run == _run(0).id  # that of web2 was gone before


def test_pruning_keeps_the_newest_run_and_forgets_hosts_of_long_ago(store: Store) -> None:
    """However old it is: an empty history would be no use."""
    _record(store, _run(0), {"gone": {"a": FAIL}}, context=RunContext(groups={"gone": ("old",)}))
    _record(store, _run(1), {"web1": {"a": FAIL}})
    assert store.prune(BEGUN + 50 * DAY) == (_run(0).id,)
    assert [each.info.id for each in store.runs()] == [_run(1).id]
    assert list(store.spells()) == []
    assert list(store._database.rows("SELECT count(*) FROM contexts")) == [(0,)]


def test_a_finding_that_flaps_for_ever_takes_no_more_room(path: Path) -> None:
    """The latest spells are enough."""
    from netaudit.store import Retention

    with open_store(path, retention=Retention(runs=3)) as store:
        for day in range(3 * KEPT_SPELLS):
            _record(store, _run(day), {"web1": {"a": FAIL if day % 2 else PASS}})
        spells = list(store.spells())
    assert len(spells) <= KEPT_SPELLS
    assert spells[-1].since_run == _run(3 * KEPT_SPELLS - 1).id


def test_two_writers_at_once(store: Store, second: Store) -> None:
    """Two runs over the same hosts that overlap: both are whole, and each finding is one spell."""
    first, later = _run(0), _run(0, "beef")
    for each, run in ((store, first), (second, later)):
        each.begin(run, ["web1", "web2"])
    for place, name in enumerate(("web1", "web2")):
        for each, run in ((store, first), (second, later)):
            report = HostReport(name, "", HostStatus.OK, None, 0.1, (_result("a", FAIL),))
            each.add_host(run.id, place, report, None)
    for each, run in ((second, later), (store, first)):
        each.finish(run, Tally().summary(), ())
    assert [(spell.host, spell.times) for spell in store.spells()] == [("web1", 2), ("web2", 2)]
    assert [len(list(store.reports(run.id))) for run in (first, later)] == [2, 2]


def test_standing_tells_new_from_old(store: Store) -> None:
    """What a page needs: on which hosts a finding is new in this run, and since when it stands on the others."""
    _record(store, _run(0), {"web1": {"a": FAIL}, "web2": {"a": PASS}, "web3": {"b": FAIL}})
    _record(store, _run(1), {"web1": {"a": FAIL}, "web2": {"a": FAIL}, "web3": {"b": PASS}})
    now = _run(1)
    standing = Standing(now, store.spells_of_run(now.id), store.fixed_by(now.id))
    since = standing.since("a", ["web1", "web2"])
    assert since.new == ("web2",)
    assert [spell.since_run for spell in since.older] == [_run(0).id]
    assert standing.has_past
    assert [(spell.host, spell.check) for spell in standing.fixed] == [("web3", "b")]
    first = _run(0)
    assert not Standing(first, store.spells_of_run(first.id), store.fixed_by(first.id)).has_past


# --- choosing


@pytest.fixture
def chosen(store: Store, made_up: ModuleType) -> Store:
    """Four runs over hosts that change, one of another command."""
    context = RunContext(groups={"web1": ("web", "prod"), "web2": ("web",), "db1": ("db",)})
    _record(store, _run(0), {"web1": {"a": FAIL, "b": FAIL}, "web2": {"a": PASS}, "db1": {"a": FAIL}}, context=context)
    _record(store, _run(1), {"web1": {"a": FAIL}, "web2": None}, context=context)
    _record(store, _run(2), {"db1": {"c": FAIL}}, context=context)
    store.begin(replace(_run(3), command="collect"), ["web1"], context)
    return store


def _ids(store: Store, choice: Choice) -> list[int]:
    days = {_run(day).id: day for day in range(4)}
    return [days[each.stored.info.id] for each in store.chosen(choice)]


@pytest.mark.parametrize(
    ("choice", "days"),
    [
        (Choice(), [3, 2, 1, 0]),
        (Choice(limit=2), [3, 2]),
        (Choice(host="web1"), [3, 1, 0]),
        (Choice(host="web*"), [3, 1, 0]),
        (Choice(host="w*1", limit=1), [3]),
        (Choice(host="nobody"), []),
        (Choice(group="db"), [2, 0]),
        (Choice(group="prod", check="b"), [0]),
        (Choice(check="c"), [2]),
        (Choice(check="[ab]"), [1, 0]),
        (Choice(command="audit"), [2, 1, 0]),
        (Choice(since=BEGUN + DAY), [3, 2, 1]),
        (Choice(since=BEGUN + DAY, until=BEGUN + 2 * DAY), [1]),
        (Choice(group="nothing"), []),
    ],
)
def test_runs_are_chosen(chosen: Store, choice: Choice, days: list[int]) -> None:
    """By host, group, check, command and time; the newest first."""
    assert _ids(chosen, choice) == days


def test_totals_are_those_of_the_part(chosen: Store) -> None:
    """One host's failures, one check's hosts."""
    (first,) = [each for each in chosen.chosen(Choice(host="web1")) if each.stored.info.id == _run(0).id]
    assert (first.summary.hosts, first.summary.ok, first.summary.findings[Severity.HIGH]) == (1, 1, 2)
    assert first.stored.summary.findings[Severity.HIGH] == 3
    (by_check,) = [each for each in chosen.chosen(Choice(check="a")) if each.stored.info.id == _run(0).id]
    assert (by_check.summary.hosts, by_check.summary.findings[Severity.HIGH]) == (3, 2)
    (silent,) = [each for each in chosen.chosen(Choice(group="web")) if each.stored.info.id == _run(1).id]
    assert (silent.summary.hosts, silent.summary.ok, silent.summary.unreachable) == (2, 1, 1)


def test_many_hosts_count_as_few_do(store: Store, made_up: ModuleType) -> None:
    """Beyond a few hosts another way of counting is taken, to the same end."""
    reports = [made_up.host(f"web{number}", number, 3) for number in range(60)]
    run = _run(0)
    store.begin(run, [report.name for report in reports], RunContext(groups={"web7": ("g",)}))
    tally = Tally()
    for place, report in enumerate(reports):
        store.add_host(run.id, place, report, None)
        tally.add(report)
    store.finish(run, tally.summary((made_up.mtu_finding(60),)), (made_up.mtu_finding(60),))
    (every,) = store.chosen(Choice(host="web*"))
    assert every.summary.findings == store.run("last").summary.findings
    single = [next(store.chosen(Choice(host=report.name))).summary for report in reports]
    for severity in Severity:
        assert sum(each.findings[severity] for each in single) == every.summary.findings[severity]
    (across,) = store.chosen(Choice(check="path.*"))
    assert across.summary.findings[Severity.HIGH] == 1


def test_the_context_comes_back_and_is_kept_once(store: Store, second: Store) -> None:
    """Runs of the same rules and inventory share it; groups stand in the reports again."""
    from netaudit.errors import Where
    from netaudit.model.context import CheckContext

    check = CheckContext("t", "ip", "high", "why", "derived", "fix", "safe", ("c",), ("s",), Where("a.yaml", 3, 1))
    context = RunContext({"a": check}, {"web1": Where("hosts.ini", 4)}, {"web1": ("prod", "web")})
    for day in (0, 1):
        _record(store, _run(day), {"web1": {"a": FAIL}}, context=context)
    assert second.context(_run(0).id) == context
    assert [report.groups for report in second.reports(_run(1).id)] == [("prod", "web")]
    assert list(second._database.rows("SELECT count(*) FROM contexts")) == [(2,)]
