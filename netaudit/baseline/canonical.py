"""What the kernel makes of a value that is written to a sysctl, so that what stands in a file and what runs compare.

Measured on Linux 6.18; the rules are those of proc_dointvec and its kin, and of the few keys that round.
"""

from __future__ import annotations

import re
from functools import lru_cache

_NUMBER = re.compile(r"-?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})\Z", re.ASCII)
_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?\Z", re.ASCII)
_REMEMBERED = 4096  # hosts of a fleet are asked about the same values again and again
_BUCKETS_STEP = 512  # conntrack's hash table grows by whole pages of 8-byte heads
_TICK_MS = 10  # the largest step that a time in ms can be rounded by, at HZ=100
_RANGE_LISTS = frozenset({"net.ipv4.ip_local_reserved_ports"})


@lru_cache(maxsize=_REMEMBERED)
def applied(name: str, running: str, written: str) -> str:
    """The value that a key has after ``written`` went into it: what is not written of a vector keeps its old value."""
    old, new = running.split(), written.split()
    if name in _RANGE_LISTS or not new or not all(map(_NUMBER.match, new)) or not all(map(_NUMBER.match, old)):
        return canonical(name, written)
    if len(old) > len(new):
        new += old[len(new) :]
    return canonical(name, " ".join(new[: max(len(old), 1)]))


@lru_cache(maxsize=_REMEMBERED)
def same(name: str, one: str, other: str) -> bool:
    """Whether two values of a key are the same to the kernel."""
    first, second = canonical(name, one), canonical(name, other)
    if first == second:
        return True
    if name.endswith("_ms") and _NUMBER.match(first) and _NUMBER.match(second):
        return abs(int(first) - int(second)) <= _TICK_MS
    return False


def canonical(name: str, text: str) -> str:
    """A value as the kernel prints it after it was written, as far as that is known of the key."""
    if name in _RANGE_LISTS:
        return _ranges(text)
    words = [_decimal(word) for word in text.split()]
    if len(words) == 1 and words[0].isdecimal() and (words[0] == "0" or words[0][0] != "0"):
        words = [str(_rounded(name, int(words[0])))]
    return " ".join(words)


def _decimal(word: str) -> str:
    """A number as the kernel prints it; it reads hexadecimal and octal as C does."""
    if not _NUMBER.match(word):
        return word
    sign, digits = ("-", word[1:]) if word.startswith("-") else ("", word)
    if digits[:2].lower() == "0x":
        return f"{sign}{int(digits, 16)}"
    if digits.startswith("0") and len(digits) > 1:
        return f"{sign}{int(digits, 8)}" if set(digits) <= set("01234567") else word
    return f"{sign}{int(digits)}"


def _rounded(name: str, value: int) -> int:
    if name.endswith("nf_conntrack_buckets"):
        return -(-value // _BUCKETS_STEP) * _BUCKETS_STEP
    if name.endswith("rps_sock_flow_entries") and value > 1:
        return 1 << (value - 1).bit_length()
    return value


def _ranges(text: str) -> str:
    """Ports as the kernel prints them: ranges in order, neighbours joined. A text that is no such list stays."""
    spans = []
    for part in text.replace("\n", ",").replace(" ", ",").split(","):
        if not part:
            continue
        match = _RANGE.match(part)
        if match is None:
            return text.strip()
        spans.append((int(match[1]), int(match[2] or match[1])))
    joined: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in joined)
