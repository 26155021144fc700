"""How a value is distributed over the fleet: a bar for each value, or for each range of values when there are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from netaudit.fleet.names import fold_within
from netaudit.fleet.spread import Plain
from netaudit.model.natural import natural_key
from netaudit.report.html.charts import Part, bins_of, place_of, strip
from netaudit.report.html.columns import Column, Value, values_of
from netaudit.report.signs import UNICODE
from netaudit.report.values import change_texts, one, value_text

MAX_BARS = 12  # one for each value; numbers with more values than these are put into ranges
NAMED_HOSTS = 20  # of a bar with more than these no names are told: it is the few that matter
NAMES_CHARS = 160
_TONES = {"c": "critical", "h": "high", "m": "medium", "l": "low", "i": "info", "w": "waived", "u": "unknown"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One value, or one range. ``parts`` share the bar between those that fail, by severity, and those that do not.

    ``names`` is empty where there are many.
    """

    label: str
    hosts: int
    names: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Distribution:
    """The values of one check over the hosts that have one."""

    check: str
    title: str
    hosts: int
    bars: tuple[Bar, ...]
    is_ranges: bool


@dataclass(slots=True)
class _Group:
    label: str
    rows: list[int] = field(default_factory=list)
    states: dict[str, int] = field(default_factory=dict)

    def take(self, state: str, rows: Sequence[int]) -> None:
        self.rows.extend(rows)
        self.states[state] = self.states.get(state, 0) + len(rows)


def distribution_of(column: Column, names: Sequence[str]) -> Distribution | None:
    """The distribution of a column, if there are at least two values; ``names`` are those of the rows."""
    typed: dict[tuple[type, Plain], _Group] = {}
    for kind, rows in values_of(column):
        if kind.observed[1] is None or kind.state in "us" or not rows:
            continue
        value = _as_told(kind.observed)
        group = typed.get(value)
        if group is None:
            group = typed[value] = _Group(_label(value[1], column.unit))
        group.take(kind.state, rows)
    if len(typed) < 2:
        return None
    numbers = [value for kind, value in typed if kind in {int, float} and isinstance(value, int | float)]
    is_ranges = len(typed) > MAX_BARS and len(numbers) == len(typed)
    groups = _ranges(typed, numbers, column.unit) if is_ranges else _by_value(typed)
    most = max(len(group.rows) for group in groups)
    bars = tuple(_bar(group, names, most) for group in groups)
    return Distribution(column.check, column.title, sum(len(group.rows) for group in groups), bars, is_ranges)


def _as_told(value: Value) -> Value:
    """A fraction as its label rounds it, so that no two bars have one label."""
    kind, plain = value
    return (kind, float(value_text(plain))) if isinstance(plain, float) else value


def _by_value(typed: dict[tuple[type, Plain], _Group]) -> list[_Group]:
    """A group for each value, in the order of the numbers or with the most frequent first."""
    if all(kind in {int, float} for kind, _ in typed):
        ordered = [typed[key] for key in sorted(typed, key=lambda key: float(str(key[1])))]
    else:
        ordered = sorted(typed.values(), key=lambda group: (-len(group.rows), group.label))
    if len(ordered) <= MAX_BARS:
        return ordered
    ordered.sort(key=lambda group: (-len(group.rows), group.label))
    kept, rest = ordered[: MAX_BARS - 1], ordered[MAX_BARS - 1 :]
    others = _Group(f"{len(rest):,} other values")
    for group in rest:
        others.rows.extend(group.rows)
        for state, number in group.states.items():
            others.states[state] = others.states.get(state, 0) + number
    return [*kept, others]


def _ranges(typed: dict[tuple[type, Plain], _Group], numbers: Sequence[float], unit: str | None) -> list[_Group]:
    whole = all(isinstance(number, int) for number in numbers)
    bins = bins_of(min(numbers), max(numbers), whole=whole)
    groups = [_Group(_range_label(each.low, each.high, unit, whole=whole)) for each in bins]
    for (_, value), group in typed.items():
        if isinstance(value, int | float):
            into = groups[place_of(value, bins)]
            into.rows.extend(group.rows)
            for state, number in group.states.items():
                into.states[state] = into.states.get(state, 0) + number
    return groups


def _range_label(low: float, high: float, unit: str | None, *, whole: bool) -> str:
    return f"{_label(_number(low, whole=whole), unit)} to {_label(_number(high, whole=whole), unit)}"


def _number(value: float, *, whole: bool) -> Plain:
    return int(value) if whole else value


def _label(value: Plain, unit: str | None) -> str:
    seen, _ = change_texts(one(value), one(""), unit if unit in {"bytes", "seconds"} else None, UNICODE, per_host=False)
    return seen


def _bar(group: _Group, names: Sequence[str], most: int) -> Bar:
    states = [(_TONES.get(state, "pass"), number) for state, number in group.states.items()]
    states.sort(key=lambda each: list(_TONES.values()).index(each[0]) if each[0] in _TONES.values() else 99)
    width = 300 * len(group.rows) / most if most else 0
    parts = strip([(tone, number, tone) for tone, number in states], width=max(2, width), least=1)
    few = group.rows if len(group.rows) <= NAMED_HOSTS else ()
    hosts = sorted((names[row] for row in few), key=natural_key)
    return Bar(group.label, len(group.rows), fold_within(hosts, NAMES_CHARS), parts)
