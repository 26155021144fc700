"""Bytes, seconds and rates: parsing what people write, formatting what people read, and nothing else.

Sizes follow IEC 80000-13: ``KiB`` is 1024 bytes and ``kB`` 1000. A bare number has no unit and is taken as it is.
"""

from __future__ import annotations

import re

_SIZE_FACTORS = {
    "": 1, "B": 1,
    "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "K": 2**10, "KiB": 2**10, "M": 2**20, "MiB": 2**20, "G": 2**30, "GiB": 2**30, "T": 2**40, "TiB": 2**40,
}  # fmt: skip
_TIME_FACTORS = {"": 1.0, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_RATE_FACTORS = {"bit/s": 1, "kbit/s": 10**3, "Mbit/s": 10**6, "Gbit/s": 10**9, "Tbit/s": 10**12}
_QUANTITY = re.compile(r"\A\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z/]*)\s*\Z", re.ASCII)


def _split(text: str, factors: dict[str, int] | dict[str, float], kind: str) -> tuple[float, str]:
    match = _QUANTITY.match(text)
    if match is None or match[2] not in factors:
        units = ", ".join(unit for unit in factors if unit)
        raise ValueError(f"{text!r} is not a {kind}: a number followed by one of {units}")
    return float(match[1]), match[2]


def parse_size_bytes(text: str) -> int:
    """Bytes of ``64KiB``, ``1.5 MiB``, ``2GB`` or a plain number. Raises ValueError on anything else."""
    number, unit = _split(text, _SIZE_FACTORS, "size")
    return round(number * _SIZE_FACTORS[unit])


def parse_duration_s(text: str) -> float:
    """Seconds of ``500ms``, ``30s``, ``2m``, ``1h`` or a plain number. Raises ValueError on anything else."""
    number, unit = _split(text, _TIME_FACTORS, "duration")
    return number * _TIME_FACTORS[unit]


def parse_rate_bps(text: str) -> float:
    """Bits per second of ``10Gbit/s`` and its like. Raises ValueError on anything else."""
    number, unit = _split(text, _RATE_FACTORS, "rate")
    return number * _RATE_FACTORS[unit]


def format_bytes(total_bytes: float) -> str:
    """Bytes as a person reads them, in powers of 1024: ``6 MiB``, ``1.5 GiB``, ``512 B``."""
    for unit, factor in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if abs(total_bytes) >= factor:
            return f"{total_bytes / factor:.1f}".removesuffix(".0") + f" {unit}"
    return f"{total_bytes:.0f} B"


def format_duration(seconds: float) -> str:
    """Seconds as a person reads them: ``40 ms``, ``1.9 s``, ``3 m 20 s``, ``5 d 2 h``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for big, big_s, small, small_s in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if whole >= big_s:
            rest = whole % big_s // small_s
            return f"{whole // big_s} {big}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"
