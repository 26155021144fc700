"""In which line of a TOML file a key stands: tomllib tells values without their places."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TABLE = re.compile(r"\s*\[\s*(?:\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+))\s*\]\s*(?:#.*)?\Z")
_KEY = re.compile(r"\s*(?:\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+))\s*[.=]")


def places(text: str) -> Mapping[tuple[str, str], int]:
    """The first line, from 1, of each key by its table and name; of a table itself with an empty name."""
    found: dict[tuple[str, str], int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        heading = _TABLE.match(line)
        if heading:
            table = next(filter(None, heading.groups()), "")
            found.setdefault((table, ""), number)
            continue
        key = _KEY.match(line)
        if key:
            found.setdefault((table, next(filter(None, key.groups()), "")), number)
    return found
