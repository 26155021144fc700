"""The order of names as people expect it."""

from __future__ import annotations

import re
from typing import TypeAlias

_DIGITS = re.compile(r"([0-9]+)", re.ASCII)

NaturalKey: TypeAlias = tuple[tuple[str | tuple[int, str], ...], str]


def natural_key(name: str) -> NaturalKey:
    """The key by which ``web2`` sorts before ``web10``; total, so that equal keys mean equal names."""
    parts: list[str | tuple[int, str]] = []
    for place, part in enumerate(_DIGITS.split(name)):
        if place % 2:
            digits = part.lstrip("0")
            parts.append((len(digits), digits))
        else:
            parts.append(part.casefold())
    return tuple(parts), name
