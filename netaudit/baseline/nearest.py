"""What was probably meant: the nearest right name to a misspelt one.

Knows nothing of rules; it turns a wrong name and the right ones into a hint for an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_LISTED = 12  # so many names are listed in full when none is near


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like ``name``, or None when none is near."""
    found = get_close_matches(name, [str(each) for each in known], n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint: the nearest known name, else all of them when they are few, else nothing."""
    names = sorted({str(each) for each in known})
    found = nearest(name, names)
    if found is not None:
        return f"did you mean {found!r}?"
    if 0 < len(names) <= _LISTED:
        return f"known: {', '.join(names)}"
    return ""
