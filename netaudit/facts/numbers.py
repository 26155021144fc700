"""Numbers as the kernel prints them, read strictly.

Python's ``int()`` takes ``1_000``, ``٣`` and five thousand digits; a host could send any of them. Here a number is
one to nineteen ASCII digits, with a sign only where one is allowed. Anything else is a ValueError, which the caller
turns into a reading that was *not understood*.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

_HEX_LENGTH = 16
_WORD_DIGITS = 8  # of a 32-bit number that is filled up with zeros, as in nearly all tables of /proc/net
_HEX_DIGITS = "0123456789abcdefABCDEF"
MAX_DIGITS = 19  # of 2**63 - 1


def natural(text: str) -> int:
    """The number that ``text`` writes in ASCII digits. Raises ValueError."""
    if text.isdigit() and text.isascii() and len(text) <= MAX_DIGITS:
        return int(text)
    raise ValueError(f"{_shown(text)} is not a number")


def integer(text: str) -> int:
    """The number that ``text`` writes in ASCII digits, with a minus sign or without. Raises ValueError."""
    return -natural(text[1:]) if text.startswith("-") else natural(text)


def counter(text: str) -> int:
    """The value of a 64-bit counter, which may need twenty digits. Raises ValueError."""
    if text.isdigit() and text.isascii() and len(text) <= MAX_DIGITS + 1:
        return int(text)
    raise ValueError(f"{_shown(text)} is not a counter")


def naturals(words: Sequence[str]) -> list[int]:
    """The numbers of words, each as ``natural`` reads it; looked at as a whole, in half of the time."""
    joined = "".join(words)
    if joined.isdigit() and joined.isascii() and max(map(len, words)) <= MAX_DIGITS:
        return list(map(int, words))
    return [natural(word) for word in words]


def hexadecimal(text: str) -> int:
    """The number that ``text`` writes in one to sixteen hexadecimal digits, without a prefix. Raises ValueError."""
    if 0 < len(text) <= _HEX_LENGTH and not text.strip(_HEX_DIGITS):
        return int(text, 16)
    raise ValueError(f"{_shown(text)} is not a hexadecimal number")


def hexadecimals(text: str) -> list[int]:
    """The numbers of a row of words, each as ``hexadecimal`` reads it; looked at as a whole, in a third of the time."""
    words = text.split()
    joined, lengths = "".join(words), set(map(len, words))
    if not words or max(lengths) > _HEX_LENGTH or joined.strip(_HEX_DIGITS):
        return [hexadecimal(word) for word in words]
    if lengths == {_WORD_DIGITS}:
        return list(struct.unpack(f">{len(words)}I", bytes.fromhex(joined)))
    return [int(word, 16) for word in words]


def decimal(text: str) -> float:
    """The number that ``text`` writes with a decimal point or without, at most nineteen digits a side."""
    whole, point, rest = text.removeprefix("-").partition(".")
    value = float(natural(whole))
    if point:
        value += natural(rest) / 10 ** len(rest)
    return -value if text.startswith("-") else value


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
