"""The matrix hosts x checks, taken in a host at a time and kept small.

Hosts that say the same of a check share one *kind* of cell, and texts that are the same are held once; so a fleet
of equal machines costs a number a cell. Texts that differ on every host are kept up to ``MAX_TEXT_CHARS`` in all:
beyond it a cell still has its verdict, severity and value, and loses its evidence and its advice.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from netaudit.fleet.spread import Plain, plain
from netaudit.model.result import FleetFinding, HostReport, Item, Result, Severity, Verdict

MAX_TEXT_CHARS = 3_000_000  # of evidence, advice and reasons, together
MAX_KIND_CHARS = 1_500_000  # of values, and of what refers to texts; beyond it a cell is a verdict alone
_KIND_CHARS = 30  # that a kind takes beside its value
MAX_ITEMS = 40  # subjects of one cell
MAX_ONE_CHARS = 2_000  # of one text

STATES = "chmliwups"  # a failure by severity, waived, unknown, pass, skipped
_OF_SEVERITY = dict(zip(Severity, STATES, strict=False))
_OF_VERDICT = {Verdict.WAIVED: "w", Verdict.UNKNOWN: "u", Verdict.PASS: "p", Verdict.SKIPPED: "s"}
FLEET_LAYER = "fleet"  # of a finding that only several hosts together show
NO_CELL = 0  # the host has no result of this check
NO_TEXT = 0

Value: TypeAlias = tuple[type, Plain]
NO_VALUE: Value = (type(None), None)


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject of a cell; texts by their number."""

    name: int
    state: str
    observed: Value
    expected: int
    evidence: int
    reason: int
    fix: int


@dataclass(frozen=True, slots=True)
class Kind:
    """What a cell says; texts by their number."""

    state: str
    observed: Value
    expected: int
    evidence: int
    reason: int
    fix: int
    waiver: int = NO_TEXT
    subjects: tuple[Subject, ...] = ()
    subjects_left: int = 0


@dataclass(slots=True)
class Column:
    """One check: its kinds, and which of them each host has. ``cells`` may be shorter than there are hosts."""

    check: str
    title: str
    layer: str
    unit: str | None
    kinds: dict[Kind, int] = field(default_factory=dict)  # numbered from 1
    cells: array[int] = field(default_factory=lambda: array("L"))

    def put(self, row: int, kind: Kind) -> None:
        """Set the cell of a row; rows come in order."""
        if len(self.cells) < row:
            self.cells.extend([NO_CELL] * (row - len(self.cells)))
        self.cells.append(self.kinds.setdefault(kind, len(self.kinds) + 1))

    def worsen(self, row: int, kind: Kind) -> None:
        """Set the cell of a row, unless what it says already is as bad."""
        if row >= len(self.cells):
            self.put(row, kind)
            return
        known = {number: each.state for each, number in self.kinds.items()}.get(self.cells[row], STATES[-1])
        if STATES.index(kind.state) < STATES.index(known):
            self.cells[row] = self.kinds.setdefault(kind, len(self.kinds) + 1)


@dataclass(frozen=True, slots=True)
class HostLine:
    """What is said of a host beside its results; texts by their number."""

    name: str
    address: str
    position: int
    status: str
    groups: tuple[str, ...]
    trouble: tuple[str, str, str, str] | None  # kind, message, hint, phase
    duration_s: float
    notes: tuple[str, ...]
    worst: str  # the state that counts: of the worst failure, "p" if nothing failed, "n" without verdict


class Columns:
    """Takes in hosts. ``hosts`` are in the order in which they came; ``texts[0]`` stands for no text."""

    def __init__(self) -> None:
        self.hosts: list[HostLine] = []
        self.by_check: dict[str, Column] = {}
        self.texts: dict[str, int] = {"": NO_TEXT}
        self.cut = 0  # cells without the texts that they had
        self._text_chars = 0
        self._kind_chars = 0

    def add(self, report: HostReport, position: int) -> None:
        """Take in one host."""
        row = len(self.hosts)
        worst = "p" if report.error is None else "n"
        for result in report.results:
            column = self.by_check.get(result.check)
            if column is None:
                column = Column(result.check, result.title, result.layer, result.unit)
                self.by_check[result.check] = column
            if len(column.cells) > row:
                continue  # a second result of one check: the first stands
            kind = self._bounded(column, self._kind(result))
            column.put(row, kind)
            if result.verdict is Verdict.FAIL and (worst == "p" or STATES.index(kind.state) < STATES.index(worst)):
                worst = kind.state
        self.hosts.append(_host_line(report, position, worst))

    def worst_with(self, fleet: Iterable[FleetFinding]) -> dict[str, str]:
        """The worst state of each host, findings counted that only several hosts together show."""
        worst = {host.name: host.worst for host in self.hosts}
        for finding in fleet:
            state = state_of(finding.verdict, finding.severity)
            for name in finding.hosts:
                if finding.verdict is Verdict.FAIL and name in worst and worst[name] != "n":
                    worst[name] = min(worst[name], state, key=STATES.index)
        return worst

    def add_fleet(self, fleet: Iterable[FleetFinding]) -> None:
        """Take in findings that only several hosts together show, once all hosts are known: in the column of the check.

        A host by itself has been told that such a check does not apply to it.
        """
        rows = {host.name: row for row, host in enumerate(self.hosts)}
        by_check: dict[str, tuple[FleetFinding, dict[int, Kind]]] = {}
        for finding in fleet:
            if finding.verdict is not Verdict.FAIL:
                continue
            _, cells = by_check.setdefault(finding.check, (finding, {}))
            texts = (self._text(finding.expected), self._text(finding.evidence), NO_TEXT, self._text(finding.fix))
            kind = Kind(state_of(finding.verdict, finding.severity), NO_VALUE, *texts)
            for name in finding.hosts:
                if name in rows:
                    cells.setdefault(rows[name], kind)
        for check, (finding, cells) in by_check.items():
            column = self.by_check.setdefault(check, Column(check, finding.title, FLEET_LAYER, None))
            for row in sorted(cells):
                column.worsen(row, cells[row])

    def _bounded(self, column: Column, kind: Kind) -> Kind:
        """The kind, or what is left of it when there is no room for further ones."""
        if kind in column.kinds:
            return kind
        if self._kind_chars > MAX_KIND_CHARS:
            self.cut += 1
            return Kind(kind.state, NO_VALUE, NO_TEXT, NO_TEXT, NO_TEXT, NO_TEXT)
        self._kind_chars += _KIND_CHARS * (1 + len(kind.subjects)) + len(str(kind.observed[1]))
        return kind

    def _kind(self, result: Result) -> Kind:
        state = state_of(result.verdict, result.severity)
        observed = _value(result.observed)
        expected = self._text(result.expected)
        if result.verdict is Verdict.PASS:
            return Kind(state, observed, expected, NO_TEXT, NO_TEXT, NO_TEXT)
        if self._text_chars > MAX_TEXT_CHARS:
            self.cut += 1
            return Kind(state, observed, expected, NO_TEXT, NO_TEXT, NO_TEXT)
        waiver = result.waived
        terms = f"{waiver.ticket}, {waiver.approver}, until {waiver.until:%Y-%m-%d}" if waiver else None
        return Kind(
            state=state,
            observed=observed,
            expected=expected,
            evidence=self._text(result.evidence),
            reason=self._text(result.reason),
            fix=self._text(result.fix),
            waiver=self._text(terms),
            subjects=tuple(self._subject(item) for item in result.items[:MAX_ITEMS]),
            subjects_left=max(0, len(result.items) - MAX_ITEMS),
        )

    def _subject(self, item: Item) -> Subject:
        return Subject(
            name=self._text(item.subject),
            state=state_of(item.verdict, item.severity),
            observed=_value(item.observed),
            expected=self._text(item.expected),
            evidence=self._text(item.evidence),
            reason=self._text(item.reason),
            fix=self._text(item.fix),
        )

    def _text(self, text: str | None) -> int:
        """The number of a text."""
        if not text:
            return NO_TEXT
        if len(text) > MAX_ONE_CHARS:
            text = text[:MAX_ONE_CHARS] + "…"
        number = self.texts.get(text)
        if number is None:
            number = self.texts[text] = len(self.texts)
            self._text_chars += len(text) + 4
        return number


def _value(observed: object) -> Value:
    """The value as a key: true is not 1."""
    small = plain(observed)
    return (type(small), small)


def state_of(verdict: Verdict, severity: Severity) -> str:
    """The letter of a cell."""
    return _OF_SEVERITY[severity] if verdict is Verdict.FAIL else _OF_VERDICT[verdict]


def _host_line(report: HostReport, position: int, worst: str) -> HostLine:
    error = report.error
    return HostLine(
        name=report.name,
        address=report.address,
        position=position,
        status=report.status.value,
        groups=report.groups,
        trouble=(error.kind.value, error.message, error.hint, error.phase.value) if error else None,
        duration_s=report.duration_s,
        notes=report.notes,
        worst=worst,
    )


def values_of(column: Column) -> Iterator[tuple[Kind, list[int]]]:
    """Each kind of a column with the rows that have it."""
    rows: list[list[int]] = [[] for _ in range(len(column.kinds) + 1)]
    for row, number in enumerate(column.cells):
        if number != NO_CELL:
            rows[number].append(row)
    for kind, number in column.kinds.items():
        yield kind, rows[number]
