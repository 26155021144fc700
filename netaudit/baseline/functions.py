"""The functions and filters of the language: what they take, what they give, what they do.

``f(x, y)`` and ``x | f(y)`` are the same. None of them can grow a value without bound, reach an object's methods, or
be given by a user.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from netaudit.baseline import kinds
from netaudit.baseline.kinds import ANY, LIST, NUMBER, TEXT, TRUTH, Kind
from netaudit.baseline.scope import Scope
from netaudit.baseline.unknown import Unknown, decide, not_present, not_understood
from netaudit.baseline.values import as_text, equal, family, shown
from netaudit.model.facts import ProcessLimits
from netaudit.model.reading import Absent, AbsentReason
from netaudit.units import format_bytes, format_duration

MAX_RANGE = 65_536
_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Function:
    """One function. ``takes`` are the kinds of its arguments, ``least`` of which must be given.

    ``gives`` is a kind, or computes it from the kinds of the arguments. ``reads`` are the facts it looks up itself.
    """

    takes: tuple[Kind, ...]
    gives: Kind | Callable[[Sequence[Kind]], Kind]
    run: Callable[..., object]
    least: int = 1
    scoped: bool = False  # the scope is its first argument
    many: bool = False  # any number of arguments of the last kind
    reads: tuple[str, ...] = ()
    summary: str = ""


def numbers(values: object) -> list[float]:
    """A list of numbers. Raises Unknown when it is none, or when one of them is absent."""
    found = known(values)
    for value in found:
        if type(value) is not int and type(value) is not float:
            raise not_understood(f"{shown(value)} is not a number")
    return cast("list[float]", found)


def known(values: object) -> list[object]:
    """The elements of a list. Raises Unknown when one of them is absent."""
    if not isinstance(values, list | tuple):
        raise not_understood(f"{shown(values)} is not a list")
    for value in values:
        if isinstance(value, Absent):
            raise Unknown(value)
    return list(values)


def number(value: object) -> float:
    """A number. Raises Unknown when it is none."""
    if type(value) is not int and type(value) is not float:
        raise not_understood(f"{shown(value)} is not a number")
    return cast("float", value)


def text(value: object) -> str:
    """A text. Raises Unknown when it is none."""
    if not isinstance(value, str):
        raise not_understood(f"{shown(value)} is not a text")
    return value


def _spread(*values: object) -> list[float]:
    found = numbers(values[0] if len(values) == 1 and isinstance(values[0], list | tuple) else values)
    if not found:
        raise not_present("the list is empty")
    return found


def _median(values: object) -> float:
    found = sorted(_spread(values))
    middle = len(found) // 2
    return found[middle] if len(found) % 2 else (found[middle - 1] + found[middle]) / 2


def _whole(value: object) -> int:
    """Of a text of decimal digits, or of a number towards zero."""
    if isinstance(value, str):
        digits = value.strip()
        if not digits.removeprefix("-").isascii() or not digits.removeprefix("-").isdigit() or len(digits) > 20:
            raise not_understood(f"{shown(value)} is not an integer")
        return int(digits)
    return int(number(value))


def _real(value: object) -> float:
    if isinstance(value, str):
        try:
            found = float(value)
        except ValueError:
            raise not_understood(f"{shown(value)} is not a number") from None
        if not math.isfinite(found):
            raise not_understood(f"{shown(value)} is not a number")
        return found
    return float(number(value))


def _round(value: object, digits: object = 0) -> float:
    places = int(number(digits))
    return round(number(value), places) if places else round(number(value))


def _length(value: object) -> int:
    """How long a list is; unknown when it is not known of an element whether it belongs there."""
    if isinstance(value, list):
        return len(known(value))
    if not isinstance(value, list | tuple | str | Mapping):
        raise not_understood(f"{shown(value)} has no length")
    return len(value)


def ceil_pow2(value: object) -> int:
    """The smallest power of two that is at least the value; 1 for everything below."""
    whole = math.ceil(number(value))
    return 1 if whole <= 1 else 1 << (whole - 1).bit_length()


def _truths(values: object) -> list[Callable[[], bool]]:
    if not isinstance(values, list | tuple):
        raise not_understood(f"{shown(values)} is not a list")

    def answer(value: object) -> Callable[[], bool]:
        def run() -> bool:
            if isinstance(value, Absent):
                raise Unknown(value)
            if not isinstance(value, bool):
                raise not_understood(f"{shown(value)} is not true or false")
            return value

        return run

    return [answer(value) for value in values]


def _end(values: object, place: int) -> object:
    if not isinstance(values, list | tuple):
        raise not_understood(f"{shown(values)} is not a list")
    if not values:
        raise not_present("the list is empty")
    if isinstance(values[place], Absent):
        raise Unknown(values[place])
    return values[place]


def _join(values: object, between: object = ", ") -> str:
    return text(between).join(as_text(value) for value in known(values))


def _sorted(values: object) -> list[object]:
    found = known(values)
    if len({family(value) for value in found}) > 1 or any(not isinstance(value, str | int | float) for value in found):
        raise not_understood(f"{shown(found)} has no order")
    return sorted(found, key=lambda value: cast("str", value))


def _unique(values: object) -> list[object]:
    found: list[object] = []
    for value in known(values):
        if not any(family(value) == family(other) and equal(value, other) for other in found):
            found.append(value)
    return found


def ranges(value: object) -> list[int]:
    """The numbers of a list of ranges as the kernel writes them: ``0-3,8``; of a bare number, that number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return [value]
    found: list[int] = []
    for part in text(value).replace(" ", ",").split(","):
        low, _, high = part.partition("-")
        if not part:
            continue
        start, stop = _whole(low), _whole(high or low)
        if stop - start >= MAX_RANGE or len(found) + stop - start >= MAX_RANGE:
            raise not_understood(f"{shown(value)} is too long a list")
        found.extend(range(start, stop + 1))
    return found


def mask_bits(value: object) -> int:
    """How many bits are set in a CPU mask as the kernel prints it: ``ff,ffffffff``."""
    digits = str(value) if isinstance(value, int) else text(value)
    try:
        return int(digits.replace(",", "") or "0", 16).bit_count()
    except ValueError:
        raise not_understood(f"{shown(value)} is not a mask") from None


def _part_of_map(value: object, which: Callable[[Mapping[str, object]], Sequence[object]]) -> list[object]:
    if not isinstance(value, Mapping):
        raise not_understood(f"{shown(value)} is not a mapping")
    return list(which(value))


@dataclass(frozen=True, slots=True)
class Pair:
    """One entry of a mapping."""

    name: str
    value: object


def _items(value: object) -> list[Pair]:
    if not isinstance(value, Mapping):
        raise not_understood(f"{shown(value)} is not a mapping")
    return [Pair(str(name), found) for name, found in value.items()]


def _get(mapping: object, key: object, default: object) -> object:
    if not isinstance(mapping, Mapping):
        raise not_understood(f"{shown(mapping)} is not a mapping")
    value = mapping.get(text(key), default)
    if isinstance(value, Absent):
        raise Unknown(value)
    return value


def _version(value: object) -> list[int]:
    """The numbers that a version begins with: ``[5, 10, 0]`` of ``5.10.0-21-amd64``."""
    found = _VERSION.match(text(value))
    if found is None:
        raise not_understood(f"{shown(value)} is not a version")
    return [int(part) for part in found.group().split(".")]


def _unknown(reason: object) -> object:
    raise Unknown(Absent(AbsentReason.NOT_UNDERSTOOD, text(reason)), in_words=True)


def process_of(scope: Scope, pid: object) -> ProcessLimits:
    """The process of that id among those that listen. Raises Unknown when it was not seen."""
    limits = scope.facts.limits
    if isinstance(limits, Absent):
        raise Unknown(limits, "facts.limits")
    if isinstance(limits.processes, Absent):
        raise Unknown(limits.processes, "facts.limits.processes")
    for process in limits.processes:
        if process.pid == pid:
            return process
    raise not_present(f"no process {shown(pid)} among those that listen")


def usable_ports(scope: Scope) -> int:
    """Ephemeral ports of the namespace: ip_local_port_range less the ip_local_reserved_ports inside it."""
    span = numbers(scope.sysctls.get("net.ipv4.ip_local_port_range"))
    if len(span) != 2:
        raise not_understood("net.ipv4.ip_local_port_range is not two numbers")
    reserved = ranges(scope.sysctls.get("net.ipv4.ip_local_reserved_ports"))
    low, high = int(span[0]), int(span[1])
    return max(0, high - low + 1 - sum(1 for port in reserved if low <= port <= high))


def _element(given: Sequence[Kind]) -> Kind:
    return given[0].element or ANY


def _same(given: Sequence[Kind]) -> Kind:
    return given[0]


_TEXTS = kinds.list_of(TEXT)
_NUMBERS = kinds.list_of(NUMBER)
_LIMITS = kinds.record_of(ProcessLimits)
_PORT_KEYS = ("sysctl:net.ipv4.ip_local_port_range", "sysctl:net.ipv4.ip_local_reserved_ports")

FUNCTIONS: dict[str, Function] = {
    "min": Function((ANY,), NUMBER, lambda *v: min(_spread(*v)), many=True, summary="the smallest number"),
    "max": Function((ANY,), NUMBER, lambda *v: max(_spread(*v)), many=True, summary="the largest number"),
    "sum": Function((_NUMBERS,), NUMBER, lambda v: sum(numbers(v)), summary="the sum of a list; 0 of an empty one"),
    "median": Function((_NUMBERS,), NUMBER, _median, summary="the middle one"),
    "abs": Function((NUMBER,), NUMBER, lambda v: abs(number(v)), summary="without its sign"),
    "round": Function((NUMBER, NUMBER), NUMBER, _round, summary="rounded, to some decimal places if said"),
    "ceil": Function((NUMBER,), NUMBER, lambda v: math.ceil(number(v)), summary="the next whole number up"),
    "floor": Function((NUMBER,), NUMBER, lambda v: math.floor(number(v)), summary="the next whole number down"),
    "ceil_pow2": Function((NUMBER,), NUMBER, ceil_pow2, summary="the next power of two up"),
    "int": Function((ANY,), NUMBER, _whole, summary="a whole number, of a text of digits too"),
    "float": Function((ANY,), NUMBER, _real, summary="a number, of a text too"),
    "length": Function((ANY,), NUMBER, _length, summary="how many elements, keys or characters"),
    "any": Function((LIST,), TRUTH, lambda v: decide(_truths(v), deciding=True), summary="whether one is true"),
    "all": Function((LIST,), TRUTH, lambda v: decide(_truths(v), deciding=False), summary="whether none is false"),
    "first": Function((LIST,), _element, lambda v: _end(v, 0), summary="the first element; unknown if there is none"),
    "last": Function((LIST,), _element, lambda v: _end(v, -1), summary="the last element; unknown if there is none"),
    "join": Function((LIST, TEXT), TEXT, _join, summary="one text, with `, ` or what is said between"),
    "sort": Function((LIST,), _same, _sorted, summary="in ascending order"),
    "unique": Function((LIST,), _same, _unique, summary="without repetitions"),
    "lower": Function((TEXT,), TEXT, lambda v: text(v).lower(), summary="in small letters"),
    "upper": Function((TEXT,), TEXT, lambda v: text(v).upper(), summary="in capitals"),
    "words": Function((TEXT,), _TEXTS, lambda v: text(v).split(), summary="the words of a text"),
    "bytes": Function((NUMBER,), TEXT, lambda v: format_bytes(number(v)), summary="a size as people read it: `6 MiB`"),
    "duration": Function((NUMBER,), TEXT, lambda v: format_duration(number(v)), summary="seconds as people read them"),
    "sysctl_segment": Function(
        (TEXT,), TEXT, lambda v: text(v).replace(".", "/"), summary="an interface name as part of a sysctl name"
    ),
    "ranges": Function((ANY,), _NUMBERS, ranges, summary="the numbers of `0-3,8`"),
    "ports": Function((ANY,), _NUMBERS, ranges, summary="the ports of `8080-8082,9000`"),
    "mask_bits": Function((ANY,), NUMBER, mask_bits, summary="the CPUs in a mask such as `ff,ffffffff`"),
    "keys": Function((kinds.MAP,), _TEXTS, lambda v: _part_of_map(v, list), summary="the keys of a mapping"),
    "values": Function(
        (kinds.MAP,), lambda given: kinds.list_of(given[0].element or ANY),
        lambda v: _part_of_map(v, lambda m: list(m.values())), summary="the values of a mapping",
    ),
    "items": Function(
        (kinds.MAP,), kinds.list_of(kinds.register(Pair)), _items, summary="the entries, each with .name and .value"
    ),
    "get": Function(
        (kinds.MAP, TEXT, ANY), lambda given: given[0].element or ANY, _get, least=3,
        summary="an entry of a mapping, or what is said last when the mapping is known and has none",
    ),
    "version": Function((TEXT,), _NUMBERS, _version, summary="the numbers of a version, to be compared with a list"),
    "unknown": Function((TEXT,), ANY, _unknown, summary="no value, for this reason: the rule draws no conclusion"),
    "process_of": Function(
        (NUMBER,), _LIMITS, process_of, scoped=True, reads=("facts.limits.processes",),
        summary="the process of that id among those that listen: its unit, age, open files and their limit",
    ),
    "usable_ports": Function(
        (), NUMBER, usable_ports, least=0, scoped=True, reads=_PORT_KEYS,
        summary="ephemeral ports of the namespace, reserved ones not counted",
    ),
}  # fmt: skip
FUNCTIONS["len"] = FUNCTIONS["length"]
FUNCTIONS["count"] = FUNCTIONS["length"]
