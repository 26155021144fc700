"""Observed and expected values in words: short, with their unit, and never rounded to something else.

A number of bytes or seconds is given in larger units only where that is exact: 131072 bytes are 128 KiB, and 131071
are not. Small numbers of bytes, such as MTUs, stay what they are.
"""

from __future__ import annotations

import re

from netaudit.fleet.spread import Plain, Spread, plain
from netaudit.report.sanitise import ascii_only, printable
from netaudit.report.signs import Signs
from netaudit.units import format_bytes, format_duration, parse_size_bytes

MAX_VALUE_CHARS = 60
_VALUES_NAMED = 3
_READABLE_BYTES = 10 * 1024  # below, bytes are told as they are
_APPROXIMATE_BYTES = 2**20  # from here on, what is not exact is also told in round numbers

_WITH_READABLE = re.compile(r"\b([0-9]+) \(([0-9.]+ (?:[KMGT]iB|B)|[0-9]+ [dhm](?: [0-9]+ [hms])?)\)", re.ASCII)
_BARE = re.compile(r"\A(?:(?:>=|<=|>|<) )?[0-9]+(?:\.[0-9]+)?(?: to [0-9]+(?:\.[0-9]+)?)?\Z", re.ASCII)
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_NO_UNIT = "ratio"
_SCALED = frozenset({"bytes", "seconds"})


def change_texts(
    observed: Spread, expected: Spread, unit: str | None, signs: Signs, *, per_host: bool = True
) -> tuple[str, str]:
    """What was seen and what was expected: ``128 (36 hosts), 511 (1)``, ``≥ 4096 connections``; may be empty."""
    seen = _spread_text(observed, unit, signs, per_host=per_host)
    wanted = _expectations_text(expected, unit, signs)
    trailing = _local(_unit_after(observed, expected, unit), signs)
    if wanted and (_is_bare(expected) or not seen):
        return seen, wanted + trailing
    return seen + trailing, wanted


def value_text(value: object, unit: str | None = None) -> str:
    """One observed value: vectors as the kernel prints them, bytes and seconds in readable form where exact."""
    small = plain(value)
    if isinstance(small, bool):
        return "true" if small else "false"
    if small is None:
        return ""
    if isinstance(small, tuple):
        return printable(" ".join(value_text(each) or "-" for each in small), MAX_VALUE_CHARS)
    if isinstance(small, int) and unit in _SCALED:
        return _scaled(small, unit or "")
    if isinstance(small, float):
        return f"{small:.6g}"
    return printable(str(small), MAX_VALUE_CHARS)


def expected_text(text: str, signs: Signs) -> str:
    """An expectation with readable numbers where exact, and the signs of the terminal."""
    text = _WITH_READABLE.sub(_exact_or_raw, printable(text, 2 * MAX_VALUE_CHARS))
    if signs.plain:
        return ascii_only(text)
    return text.replace(">= ", f"{signs.at_least} ").replace("<= ", f"{signs.at_most} ")


def _scaled(number: int, unit: str) -> str:
    if unit == "bytes":
        return _bytes_text(number)
    readable = format_duration(number)
    return readable if number >= 60 and _is_exact(number, readable) else f"{number} s"


def _bytes_text(number: int) -> str:
    if abs(number) < _READABLE_BYTES:
        return f"{number} B"
    readable = format_bytes(number)
    if _is_exact(number, readable):
        return readable
    return f"{number} B ({readable})" if abs(number) >= _APPROXIMATE_BYTES else f"{number} B"


def _exact_or_raw(match: re.Match[str]) -> str:
    number, readable = int(match[1]), match[2]
    if readable.endswith("B"):
        return _bytes_text(number)
    return readable if _is_exact(number, readable) else match[0]


def _is_exact(number: int, readable: str) -> bool:
    if readable.endswith("B"):
        return parse_size_bytes(readable.removeprefix("-")) == abs(number)
    words = readable.split()
    try:
        return sum(int(count) * _SECONDS[unit] for count, unit in zip(words[::2], words[1::2], strict=True)) == number
    except (ValueError, KeyError):
        return False


def _unit_after(observed: Spread, expected: Spread, unit: str | None) -> str:
    """The unit, where the values do not carry it themselves."""
    if not unit or unit == _NO_UNIT:
        return ""
    numeric = observed.low is not None
    if unit in _SCALED and numeric:
        return ""
    if numeric or _is_bare(expected) or any(isinstance(value, tuple) for value, _ in observed.values):
        return f" {printable(unit, MAX_VALUE_CHARS)}"
    return ""


def _is_bare(expected: Spread) -> bool:
    return all(isinstance(value, str) and _BARE.match(value) for value, _ in expected.values)


def _spread_text(spread: Spread, unit: str | None, signs: Signs, *, per_host: bool) -> str:
    """One value, a few with their counts, or the span of many."""
    distinct = len(spread.values) + (1 if spread.others else 0)
    if distinct <= 1:
        return _local(value_text(spread.values[0][0], unit), signs) if spread.values else ""
    if distinct > _VALUES_NAMED and spread.low is not None and spread.high is not None:
        most, times = spread.values[0]
        span = f"{_number_text(spread.low, unit)} to {_number_text(spread.high, unit)}"
        return f"{span} (mostly {value_text(most, unit)})" if times * 2 > spread.total else span
    named = []
    for place, (value, times) in enumerate(spread.values[:_VALUES_NAMED]):
        what = (" host" if times == 1 else " hosts") if per_host and place == 0 else ""
        named.append(f"{_local(value_text(value, unit), signs) or 'none'} ({times:,}{what})")
    left = spread.total - sum(times for _, times in spread.values[:_VALUES_NAMED])
    if left:
        named.append(f"others ({left:,})")
    return ", ".join(named)


def _number_text(number: float, unit: str | None) -> str:
    return value_text(int(number) if number == int(number) else number, unit)


def _expectations_text(spread: Spread, unit: str | None, signs: Signs) -> str:
    if not spread.values:
        return ""
    first = _expectation(spread.values[0][0], unit, signs)
    others = len(spread.values) - 1
    if not others:
        return first
    more = f"{others}+" if spread.others else str(others)
    return f"{first} (and {more} other value{'' if more == '1' else 's'}, by host)"


def _expectation(value: Plain, unit: str | None, signs: Signs) -> str:
    text = str(value)
    if unit in _SCALED and _BARE.match(text) and "." not in text:
        text = re.sub("[0-9]+", lambda match: _scaled(int(match[0]), unit or ""), text)
    return expected_text(text, signs)


def _local(text: str, signs: Signs) -> str:
    return ascii_only(text) if signs.plain else text


def subjects_text(subjects: Spread, signs: Signs) -> str:
    """``eth0``, or ``0.0.0.0:443, 0.0.0.0:80 and 8 others``."""
    named = [_local(printable(str(value), MAX_VALUE_CHARS), signs) for value, _ in subjects.values[:2]]
    left = len(subjects.values) - len(named)
    if not left:
        return ", ".join(named)
    more = f"{left}+" if subjects.others else str(left)
    return f"{', '.join(named)} and {more} other{'' if more == '1' else 's'}"


def one(value: Plain) -> Spread:
    """The spread of a single value."""
    return Spread(((value, 1),), 0, *((value, value) if type(value) in {int, float} else (None, None)))  # type: ignore[arg-type]  # numbers
