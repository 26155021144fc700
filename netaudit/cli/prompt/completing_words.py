"""Splits an unfinished bash command line into words, as bash does before it expands anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Current:
    """The unfinished word.

    ``text`` is without quotes. ``kept`` is the part of it that bash leaves alone, since it takes what follows one of
    its word breaks (``:``, ``=``, ``@``) for a word of its own. ``quote`` is the quotation mark that is open.
    """

    text: str
    kept: str
    quote: str = ""


def split_line(line: str, breaks: str) -> tuple[Sequence[str], Current]:
    """The finished words after the program, and the one at the end of the line; only the last command counts."""
    words: list[str] = []
    text, quote, kept, begun = "", "", 0, False
    signs = iter(line)
    for sign in signs:
        if quote:
            if sign == quote:
                quote = ""
            elif sign == "\\" and quote == '"':
                text += next(signs, "")
            else:
                text += sign
        elif sign in "'\"":
            quote, begun = sign, True
        elif sign == "\\":
            text, begun = text + next(signs, ""), True
        elif sign in " \t\n":
            if begun:
                words.append(text)
            text, kept, begun = "", 0, False
        elif sign in ";|&(":
            words.clear()
            text, kept, begun = "", 0, False
        else:
            text, begun = text + sign, True
            if sign in breaks:
                kept = len(text)
    return tuple(words[1:]), Current(text, text[:kept], quote)
