"""Text inside Markdown, as GitHub and GitLab render it: nothing of it becomes markup, a link, a mention or a reference.

Values and names go into code spans, where neither site looks for anything. Prose is escaped; what both sites find in
finished text (``@name``, ``#12``, ``https://…``) is broken up by a word joiner, which nobody sees.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from netaudit.report.sanitise import printable

_JOINER = "\u2060"
_MARKUP = re.compile(r"([\\`*_{}\[\]()|~^$])")
_REFERENCE = re.compile(r"([@#!%&~$])(?=[\w])")
_ISSUE = re.compile(r"\b(GH|gh)-(?=[0-9])")
_SCHEME = re.compile(r":(?=//)|(?<=www)\.|(?<=mailto):|(?<=xmpp):", re.IGNORECASE)
_EMOJI = re.compile(r":(?=[\w+-]+:)")
_LINE_START = re.compile(r"\A(\s*(?:[0-9]+(?=\.(?:\s|\Z)))?)([#>+=.-])")
_TICKS = re.compile(r"`+")


def prose(text: str, limit: int = 600) -> str:
    """Text as a part of a paragraph."""
    said = _LINE_START.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", _broken(printable(text, limit).lstrip())))
    return said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def in_html(text: str, limit: int = 600) -> str:
    """Text inside an HTML element, such as a summary."""
    said = html.escape(_broken(printable(text, limit)), quote=True)
    return _MARKUP.sub(lambda sign: f"&#{ord(sign[1])};", said)


def code(text: str, limit: int = 300) -> str:
    """Text as a code span, also inside a table."""
    said = printable(text, limit)
    if not said.strip():
        return ""
    fence = "`" * (1 + max((len(run) for run in _TICKS.findall(said)), default=0))
    room = " " if said[0] in "` " or said[-1] in "` " else ""
    return f"{fence}{room}{said}{room}{fence}"


def cell(span: str) -> str:
    """A piece of Markdown as a cell of a table."""
    return span.replace("|", "\\|")


def details(summary: str, body: str, *, is_open: bool = False) -> str:
    """A section that a reader unfolds; the blank line lets what is inside be Markdown."""
    return f"<details{' open' if is_open else ''}><summary>{summary}</summary>\n\n{body}</details>\n\n"


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of pieces of Markdown."""
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    lines += [f"| {' | '.join(cell(span) for span in row)} |" for row in rows]
    return "\n".join(lines) + "\n\n"


def _broken(text: str) -> str:
    """The text with everything broken up that a site would turn into a link."""
    for pattern in (_REFERENCE, _ISSUE, _SCHEME, _EMOJI):
        text = pattern.sub(lambda found: found[0] + _JOINER, text)
    return text
