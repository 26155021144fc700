"""The matrix of an HTML report: what goes in comes out of the page again, in bounded size."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from netaudit.model.result import FleetFinding, HostReport, HostStatus, Item, Result, Severity, Verdict
from netaudit.report.html import columns as columns_module
from netaudit.report.html.columns import Columns, state_of
from netaudit.report.html.payload import DIGITS, matrix_json, script_json


def result(check: str = "a.b", verdict: Verdict = Verdict.FAIL, observed: object = 1, **texts: object) -> Result:
    """A result of one check."""
    return Result(check, "A title", "ip", verdict, Severity.HIGH, observed, "2", None, **texts)  # type: ignore[arg-type]


def host(name: str, *results: Result) -> HostReport:
    """A host that answered."""
    return HostReport(name, name, HostStatus.OK, None, 0.1, results)


def written(columns: Columns, order: list[int] | None = None) -> dict:
    """The object of the page."""
    order = list(range(len(columns.hosts))) if order is None else order
    return json.loads("".join(matrix_json(columns, order, list(columns.by_check.values()))))


def cells(check: dict) -> list[int]:
    """The numbers of a column."""
    width = check["width"]
    texts = [check["cells"][at : at + width] for at in range(0, len(check["cells"]), width)]
    return [sum(DIGITS.index(sign) * 64**place for place, sign in enumerate(reversed(text))) for text in texts]


def test_hosts_that_say_the_same_share_a_kind():
    """Two thousand equal cells are one kind, and one text of evidence."""
    columns = Columns()
    for number in range(2000):
        columns.add(host(f"web{number}", result(evidence="read here")), number)
    page = written(columns)
    assert 1 == len(page["checks"][0]["kinds"])
    assert [1] * 2000 == cells(page["checks"][0])
    assert 1 == page["texts"].count("read here")


@given(st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 200)), max_size=3), max_size=150))
def test_every_cell_can_be_read_back(rows):
    """Each host has just the values that it brought, whatever other hosts lack."""
    columns = Columns()
    for number, row in enumerate(rows):
        columns.add(host(f"h{number}", *(result(check, observed=value) for check, value in dict(row).items())), number)
    page = written(columns)
    for check in page["checks"]:
        seen = [page["texts"][check["kinds"][cell - 1][1]] if cell else None for cell in cells(check)]
        assert [str(dict(row)[check["id"]]) if check["id"] in dict(row) else None for row in rows] == seen


def test_hosts_are_in_the_order_that_is_asked_for():
    """Whatever the order in which they came."""
    columns = Columns()
    for name, value in (("b", 2), ("a", 1)):
        columns.add(host(name, result(observed=value)), 0)
    page = written(columns, [1, 0])
    assert ["a", "b"] == [each[0] for each in page["hosts"]]
    assert [2, 1] == cells(page["checks"][0])


def test_true_and_one_are_different_values():
    """Values are told apart by type."""
    columns = Columns()
    columns.add(host("a", result(observed=True)), 0)
    columns.add(host("b", result(observed=1)), 1)
    assert 2 == len(columns.by_check["a.b"].kinds)


def test_texts_that_differ_everywhere_are_bounded(monkeypatch):
    """Beyond the bound cells keep verdict and value, and it is counted how many lost their texts."""
    monkeypatch.setattr(columns_module, "MAX_TEXT_CHARS", 2_000)
    columns = Columns()
    for number in range(500):
        columns.add(host(f"h{number}", result(observed=number % 7, evidence=f"{number} " * 20)), number)
    page = written(columns)
    assert sum(map(len, page["texts"])) < 4_000
    assert columns.cut == page["cut"] > 400
    assert all(cell for cell in cells(page["checks"][0]))


def test_values_that_differ_everywhere_are_bounded(monkeypatch):
    """Beyond that bound a cell is a verdict alone."""
    monkeypatch.setattr(columns_module, "MAX_KIND_CHARS", 3_000)
    columns = Columns()
    for number in range(500):
        columns.add(host(f"h{number}", result(verdict=Verdict.PASS, observed=f"value {number}")), number)
    assert len(columns.by_check["a.b"].kinds) < 100


def test_many_subjects_are_bounded():
    """A cell tells of some of its subjects, and of how many it does not."""
    item = Item("eth0", Verdict.FAIL, Severity.LOW, 1, "2", "read")
    columns = Columns()
    columns.add(host("a", result(items=(item,) * 100)), 0)
    (kind,) = columns.by_check["a.b"].kinds
    assert 100 == len(kind.subjects) + kind.subjects_left
    assert len(kind.subjects) < 100


def test_the_worst_of_a_host_counts_what_only_several_show():
    """A finding across hosts makes a host worse, and never one that gave no verdict."""
    columns = Columns()
    columns.add(host("a", result()), 0)
    columns.add(host("b"), 1)
    columns.add(HostReport("c", "c", HostStatus.UNREACHABLE, _refused(), 0.1), 2)
    across = FleetFinding("mtu", "MTU", Verdict.FAIL, Severity.CRITICAL, ("b", "c", "not here"), "")
    assert {"a": "h", "b": "c", "c": "n"} == columns.worst_with([across])
    assert {"a": "h", "b": "p", "c": "n"} == columns.worst_with([])


def test_what_only_several_hosts_show_is_a_column():
    """The hosts that it names fail there; others have no cell, and hosts that the run does not know are left out."""
    columns = Columns()
    for name in ("a", "b", "c"):
        columns.add(host(name), 0)
    columns.add_fleet(
        [
            FleetFinding("mtu", "MTU", Verdict.FAIL, Severity.CRITICAL, ("c", "not here"), "9000"),
            FleetFinding("mtu", "MTU", Verdict.FAIL, Severity.LOW, ("a", "c"), "1400"),
        ]
    )
    (check,) = written(columns)["checks"]
    states = [check["kinds"][cell - 1][0] if cell else "" for cell in cells(check)]
    assert ["l", "", "c"] == states


def _refused():
    from netaudit.errors import ErrorKind, Phase
    from netaudit.model.probe import HostError

    return HostError(ErrorKind.REFUSED, "refused", Phase.CONNECT, "hint")


def test_each_state_has_a_letter():
    """Failures by severity, all else by verdict."""
    assert ["c", "h", "m", "l", "i"] == [state_of(Verdict.FAIL, severity) for severity in Severity]
    rest = (Verdict.WAIVED, Verdict.UNKNOWN, Verdict.PASS, Verdict.SKIPPED)
    assert ["w", "u", "p", "s"] == [state_of(verdict, Severity.LOW) for verdict in rest]


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_in_a_page_cannot_end_its_element(value):
    """Whatever it holds, it is ASCII without angle brackets, and the same value when it is read."""
    text = script_json(value)
    assert text.isascii()
    assert not set("<>&") & set(text)
    assert value == json.loads(text)


def test_what_several_hosts_show_stands_in_the_column_of_its_check():
    """Each host by itself says that the check does not apply to it; a cell that is worse already stays."""
    columns = Columns()
    for number, verdict in enumerate((Verdict.SKIPPED, Verdict.SKIPPED, Verdict.FAIL)):
        columns.add(host(f"web{number}", result("path.mtu.segment", verdict, None, evidence="its own")), number)
    columns.add(host("web3"), 3)
    columns.add_fleet(
        [FleetFinding("path.mtu.segment", "MTU", Verdict.FAIL, Severity.MEDIUM, ("web1", "web2", "web3"), "web1 1400")]
    )
    (check,) = written(columns)["checks"]
    assert ["s", "m", "h", "m"] == [check["kinds"][number - 1][0] for number in cells(check)]
