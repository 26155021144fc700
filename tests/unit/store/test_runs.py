"""Runs are stored as they were and read as they were stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest

from netaudit.errors import ErrorKind, StoreError, UsageError
from netaudit.fleet.rows import host_row
from netaudit.fleet.tally import Tally
from netaudit.model.probe import Capture
from netaudit.model.result import HostReport, HostStatus, RunInfo, Severity, Summary
from netaudit.store import Store, run_id
from netaudit.store.batch import BATCH_HOSTS, BATCH_S


def _lists(value: object) -> object:
    """As JSON gives it back: vectors are lists."""
    if isinstance(value, dict):
        return {key: _lists(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_lists(each) for each in value]
    return value


def _rows(reports: object) -> list[object]:
    return [_lists(host_row(report)) for report in reports]  # type: ignore[attr-defined]  # an iterable of reports


def _run(number: int, day: int = 20) -> RunInfo:
    started = datetime(2026, 11, day, 15, 0, 0, tzinfo=UTC) + timedelta(seconds=number)
    return RunInfo(run_id(started, "3f2a9c"), "audit", started, "0.1.0")


def _store_one(store: Store, run: RunInfo, reports: list[HostReport], capture: Capture | None = None) -> None:
    store.begin(run, [report.name for report in reports])
    tally = Tally()
    for position, report in enumerate(reports):
        store.add_host(run.id, position, report, capture)
        tally.add(report)
    store.finish(run, tally.summary(), ())


def test_a_run_comes_back_as_it_was(store: Store, second: Store, made_up: ModuleType) -> None:
    """Hosts, totals, findings of the fleet and the run itself, whatever the order in which hosts ended."""
    reports = list(made_up.fleet_of(200))
    run = replace(made_up.RUN, notes=("a note",), host_key_checking="off", pattern="web:&prod", interrupted=True)
    fleet = (made_up.mtu_finding(40),)
    tally = Tally()
    store.begin(run, [report.name for report in reports])
    for position in sorted(range(len(reports)), key=lambda place: (place * 7919) % 200):
        tally.add(reports[position])
        store.add_host(run.id, position, reports[position], None)
    store.finish(run, tally.summary(fleet), fleet)

    stored = second.run("last")
    assert stored.info == run
    assert stored.finished
    assert stored.summary == tally.summary(fleet)
    assert second.fleet(run.id) == fleet
    assert _rows(second.reports(run.id)) == _rows(reports)


def test_the_run_is_on_disk_before_any_host(store: Store, second: Store) -> None:
    """A run that is killed at once is still in the history, and its hosts are named."""
    run = _run(0)
    store.begin(run, ["web1", "web2"])
    assert [each.info.id for each in second.runs()] == [run.id]
    assert not second.runs()[0].finished
    names = [(report.name, report.status) for report in second.reports(run.id)]
    assert names == [("web1", HostStatus.UNREACHABLE), ("web2", HostStatus.UNREACHABLE)]
    error = next(second.reports(run.id)).error
    assert error is not None
    assert error.kind is ErrorKind.CANCELLED


def test_hosts_are_written_in_batches(store: Store, second: Store, clock: object, made_up: ModuleType) -> None:
    """By number, by time, and when somebody wants to read them."""
    run = _run(0)
    reports = list(made_up.fleet_of(2 * BATCH_HOSTS, checks=2))
    store.begin(run, [report.name for report in reports])

    def written() -> int:
        return sum(report.error is None or report.error.phase != "connect" or report.duration_s > 0
                   for report in second.reports(run.id))  # fmt: skip

    for position in range(BATCH_HOSTS - 1):
        store.add_host(run.id, position, reports[position], None)
    assert written() == 0
    store.add_host(run.id, BATCH_HOSTS - 1, reports[BATCH_HOSTS - 1], None)
    assert written() == BATCH_HOSTS
    store.add_host(run.id, BATCH_HOSTS, reports[BATCH_HOSTS], None)
    assert written() == BATCH_HOSTS
    clock.now_s += BATCH_S  # type: ignore[attr-defined]  # the fixture's clock
    store.add_host(run.id, BATCH_HOSTS + 1, reports[BATCH_HOSTS + 1], None)
    assert written() == BATCH_HOSTS + 2
    store.add_host(run.id, BATCH_HOSTS + 2, reports[BATCH_HOSTS + 2], None)
    list(store.reports(run.id))
    assert written() == BATCH_HOSTS + 3
    store.add_host(run.id, BATCH_HOSTS + 3, reports[BATCH_HOSTS + 3], None)
    store.close()
    assert written() == BATCH_HOSTS + 4


def test_totals_of_an_unfinished_run_are_those_so_far(store: Store, second: Store, made_up: ModuleType) -> None:
    """The history shows what is known of a run that was killed."""
    run = _run(0)
    reports = list(made_up.fleet_of(12, checks=2))
    store.begin(run, [report.name for report in reports])
    for position, report in enumerate(reports[:6]):
        store.add_host(run.id, position, report, None)
    list(store.reports(run.id))
    summary = second.run("last").summary
    assert (summary.hosts, summary.ok, summary.unreachable, summary.error) == (12, 5, 1, 0)
    assert summary.findings[Severity.CRITICAL] == 4


def test_runs_are_listed_newest_first(store: Store, made_up: ModuleType) -> None:
    """The order is that of time, the number is bounded."""
    for number in (2, 1, 3):
        _store_one(store, _run(number), [made_up.host("web1", 1, 1)])
    assert [each.info.id for each in store.runs()] == [_run(n).id for n in (3, 2, 1)]
    assert [each.info.id for each in store.runs(limit=1)] == [_run(3).id]


def test_a_run_is_found_by_what_is_typed(store: Store, made_up: ModuleType) -> None:
    """The whole id, its beginning, its end, or the word last."""
    for number in (1, 2):
        _store_one(store, _run(number), [made_up.host("web1", 1, 1)])
    _store_one(store, replace(_run(3, day=21), id="20261121-150003-beef"), [made_up.host("web1", 1, 1)])
    assert store.run("20261120-150001-0003").info.id == "20261120-150001-0003"
    assert store.run("20261121").info.id == "20261121-150003-beef"
    assert store.run("beef").info.id == "20261121-150003-beef"
    assert store.run("last").info.id == "20261121-150003-beef"
    with pytest.raises(UsageError, match="may be any of the runs 20261120-150002-0003, 20261120-150001-0003"):
        store.run("20261120")
    for unknown in ("nonsense", "", "%", "2026112_"):
        with pytest.raises(UsageError, match="the last one is 20261121-150003-beef"):
            store.run(unknown)
    with pytest.raises(UsageError):
        list(store.reports("nonsense"))


def test_an_empty_store_says_so(store: Store) -> None:
    """Asking for the last run before there is any is an operator's error."""
    with pytest.raises(UsageError, match="no run has been stored yet"):
        store.run("last")
    assert store.runs() == ()


def test_a_run_is_begun_once(store: Store) -> None:
    """Two runs with one name would be mixed up."""
    store.begin(_run(1), ["web1"])
    with pytest.raises(StoreError, match="is stored already"):
        store.begin(_run(1), ["web1"])


def test_captures_come_back(store: Store, second: Store, made_up: ModuleType, capture: Capture) -> None:
    """Raw captures are kept byte for byte and found by host."""
    run = _run(1)
    _store_one(store, run, [made_up.host("web1", 1, 1), made_up.host("web2", 2, 1)], capture)
    assert list(second.captures(run.id)) == [capture, capture]
    assert list(second.captures(run.id, "web2")) == [capture]
    assert list(second.captures(run.id, "db1")) == []
    assert second.run("last").captures == 2


def test_values_that_json_and_sqlite_cannot_say_are_written_as_text(store: Store, made_up: ModuleType) -> None:
    """A host cannot make its report unstorable."""
    odd = replace(
        made_up.somaxconn(128),
        observed=[float("nan"), float("inf"), 10**5000, b"\xff", {"k": {1}}, "a\ud800b", "\x00"],
        evidence="\udcff",
    )
    report = HostReport("web\udc801", "addr\udc80", HostStatus.OK, None, 0.1, (odd,), ("note \ud800",))
    run = _run(1)
    _store_one(store, run, [report])
    (back,) = store.reports(run.id)
    assert back.name == "web\\udc801"
    assert back.results[0].evidence == "\\udcff"
    assert back.results[0].observed == [
        "nan",
        "inf",
        f"a number of {(10**5000).bit_length()} bits",
        "b'\\xff'",
        {"k": [1]},
        "a\\ud800b",
        "\x00",
    ]
    assert back.notes == ("note \\ud800",)


def test_runs_are_deleted_with_all_that_belongs_to_them(store: Store, made_up: ModuleType, capture: Capture) -> None:
    """Nothing of a deleted run stays behind."""
    for number in (1, 2):
        _store_one(store, _run(number), [made_up.host("web1", 3, 5)], capture)
    store.delete([_run(1).id])
    assert [each.info.id for each in store.runs()] == [_run(2).id]
    for table in ("hosts", "checks", "results", "captures"):
        (left,) = store._database.rows(f"SELECT count(DISTINCT run) FROM {table}")
        assert left == (1,), table


def test_the_summary_does_not_need_every_severity(store: Store) -> None:
    """Totals without findings are totals."""
    run = _run(1)
    store.begin(run, [])
    store.finish(run, Summary(), ())
    assert store.run("last").summary.findings == dict.fromkeys(Severity, 0)
