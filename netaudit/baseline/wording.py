"""Templates for a reader who has no host at hand: what will stand in each place, instead of how it is worked out."""

from __future__ import annotations

import re

_HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_CHOICE = re.compile(r"\s+if\s+")
_OTHERWISE = re.compile(r"\s+else\s+")
_KEPT = re.compile("\x00([0-9]+)\x00")  # stands for a text that was taken out
_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"")


def in_words(template: str) -> str:
    """A template with ``<name>`` where a value goes, and with what may stand there where one of several texts does.

    ``at least {{ need }} {{ 'bytes' if exact else 'or so' }}`` is ``at least <need> (bytes | or so)``. Anything else,
    such as arithmetic, keeps its expression between the signs.
    """
    return _HOLE.sub(lambda hole: _hole(hole[1].strip()), template)


def _hole(expression: str) -> str:
    kept: list[str] = []

    def keep(text: re.Match[str]) -> str:
        kept.append(text[0][1:-1])
        return f"\x00{len(kept) - 1}\x00"

    bare = _TEXT.sub(keep, expression)  # words within texts are neither choices nor names
    branches = [_CHOICE.split(branch, maxsplit=1)[0] for branch in _OTHERWISE.split(bare)]
    said = [_joined(branch, kept) for branch in branches]
    if len(said) == 1:
        return said[0]
    filled = [each for each in said if each]
    return f"({' | '.join(dict.fromkeys(filled))})" if len(filled) == len(said) else f"[{' | '.join(filled)}]"


def _joined(branch: str, kept: list[str]) -> str:
    """Texts and values that are put together by ``~``."""
    return "".join(_part(part.strip(), kept) for part in branch.split("~"))


def _part(part: str, kept: list[str]) -> str:
    text = _KEPT.fullmatch(part)
    if text is not None:
        return kept[int(text[1])]
    name = part.partition("|")[0].strip() if re.fullmatch(r"[\w.]+ *\| *\w+", part) else part
    return "<" + _KEPT.sub(lambda found: repr(kept[int(found[1])]), name) + ">"
