"""Numbers as formulas show them: short, with thousands apart, and never more exact than they are."""

from __future__ import annotations

from netaudit.units import format_bytes


def number(value: float) -> str:
    """``5,000``, ``1.5``, ``0.04``: three digits that count, or all of a whole number."""
    if value == round(value) or abs(value) >= 1000:
        return f"{round(value):,}"
    return f"{value:.3g}"


def per_second(value: float) -> str:
    """``5,000/s``."""
    return f"{number(value)}/s"


def seconds(value: float) -> str:
    """``500 ms``, ``60 s``, ``40 µs``."""
    if value == 0 or value >= 1:
        return f"{number(value)} s"
    return f"{number(value * 1000)} ms" if value >= 0.001 else f"{number(value * 1e6)} µs"


def bits(value: float) -> str:
    """``1 Gbit/s``, ``860 Mbit/s``."""
    for unit, factor in (("Tbit/s", 1e12), ("Gbit/s", 1e9), ("Mbit/s", 1e6), ("kbit/s", 1e3)):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value:.3g} bit/s"


def share(value: float) -> str:
    """``2 %``."""
    return f"{value * 100:.3g} %"


def amount(value: float, unit: str) -> str:
    """A number with its unit: bytes and bit/s as people read them, all else counted."""
    if unit == "bytes":
        return format_bytes(value)
    if unit == "bit/s":
        return bits(value)
    return f"{number(round(value, 9))} {unit}".rstrip()
