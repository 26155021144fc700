"""Host expressions: ``web[01:20:2].example.net:2222`` and the names and the port that it stands for.

A pure reading of text. Ranges are inclusive, numeric with an optional step and zero padding, or alphabetic in
the order a-z A-Z; a name may hold several, the first one varying slowest.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

MAX_EXPANDED = 100_000  # names out of one expression

_BRACKETED_PORT = re.compile(r"\[(.+)\]:([0-9]+)\Z", re.ASCII)
_PORT = re.compile(r"((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)\Z", re.ASCII)
_NAME_RANGE = r"\[(?:[a-zA-Z]:[a-zA-Z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]"
_LABEL = rf"(?:\w|{_NAME_RANGE})(?:[\w-]|{_NAME_RANGE})*(?<![_-])"
_HOSTNAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\Z")
_HEX_RANGE = re.compile(r"\[[0-9a-fA-F]+:[0-9a-fA-F]+(?::[0-9]+)?\]")
_HEX_GROUP = re.compile(r"[0-9a-fA-F]{1,4}\Z")
_WITH_IPV4 = re.compile(
    r"(?:(?:0:){6}|::(?:ffff:)?|(?:0:){5}ffff:)(?:[0-9a-f]{1,4}\.){3}[0-9a-f]{1,4}\Z", re.IGNORECASE
)
_LETTERS = string.ascii_letters


def is_address(text: str) -> bool:
    """Whether the text is a host name, an IPv4 or an IPv6 address, in which ranges may stand."""
    if _HOSTNAME.match(text):
        return True
    return ":" in text and _is_ipv6(_HEX_RANGE.sub("0", text))


def _is_ipv6(text: str) -> bool:
    """Whether the text is an IPv6 address; at either end, ``::`` must stand for two groups or more."""
    if _WITH_IPV4.match(text):
        return True
    head, gap, tail = text.partition("::")
    before, after = (part.split(":") if part else [] for part in (head, tail))
    if not all(_HEX_GROUP.match(group) for group in (*before, *after)):
        return False
    if not gap:
        return len(before) == 8
    return len(before) <= 6 and len(after) <= 6 and len(before) + len(after) <= 7


def split_port(text: str) -> tuple[str, int | None] | None:
    """The address and the port of ``host:22``, ``[2001:db8::1]:22`` or a plain host; None when it is none of them."""
    port = None
    for form in (_BRACKETED_PORT, _PORT):
        found = form.match(text)
        if found:
            text, port = found[1], int(found[2][:9])
    return (text, port) if is_address(text) else None


def expand(expression: str) -> tuple[Sequence[str], int | None]:
    """The names that a host expression stands for, and its port. Raises ValueError with what is wrong."""
    if "[" not in expression and ":" not in expression:
        return (expression,), None
    address, port = split_port(expression) or (expression, None)
    if "[" not in address:
        return (address,), port
    return _expand_ranges(address), port


def _expand_ranges(text: str) -> list[str]:
    names = [text]
    while any("[" in name for name in names):
        longer: list[str] = []
        for name in names:
            longer.extend(_expand_first(name))
            if len(longer) > MAX_EXPANDED:
                raise ValueError(f"the range {text!r} stands for more than {MAX_EXPANDED} hosts")
        names = longer
    return names


def _expand_first(text: str) -> list[str]:
    """All names with the first range of the text written out."""
    head, opened, rest = text.partition("[")
    if not opened:
        return [text]
    inner, closed, tail = rest.partition("]")
    bounds = inner.split(":")
    if not closed or "]" in head or "|" in text:
        raise ValueError(f"{text!r} is no host range: its brackets do not match, or it holds a '|'")
    if len(bounds) not in {2, 3}:
        raise ValueError(f"the range [{inner}] must be [first:last] or [first:last:step]")
    return [f"{head}{item}{tail}" for item in _sequence(*bounds)]


def _sequence(first: str, last: str, step: str = "1") -> Sequence[str]:
    first = first or "0"
    if not last:
        raise ValueError("a range must say where it ends")
    padded = len(first) > 1 and first[0] == "0"
    if padded and len(first) != len(last):
        raise ValueError(f"both ends of the range [{first}:{last}] must be written with the same number of digits")
    if first in _LETTERS and last in _LETTERS:
        return _letters(first, last, step)
    try:
        numbers = range(int(first), int(last) + 1, int(step))
    except ValueError:
        raise ValueError(f"the range [{first:.40}:{last:.40}] is neither of numbers nor of letters") from None
    if len(numbers[: MAX_EXPANDED + 1]) > MAX_EXPANDED:  # a slice, since the length itself may be too long for len()
        raise ValueError(f"the range [{first}:{last}] stands for more than {MAX_EXPANDED} hosts")
    return [str(number).zfill(len(first)) if padded else str(number) for number in numbers]


def _letters(first: str, last: str, step: str) -> Sequence[str]:
    begin, end = _LETTERS.index(first), _LETTERS.index(last)
    if begin > end:
        raise ValueError(f"the range [{first}:{last}] ends before it begins")
    try:
        return _LETTERS[begin : end + 1 : int(step)]
    except ValueError:
        raise ValueError(f"the step {step!r} of a range must be a number other than 0") from None
