"""Sets the blocks of a page into lines of a given width: margins, columns, and the breaking of lines.

No line ends in white space, and none is wider than the page unless the page is too narrow for its margin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, zip_longest

from netaudit.report.page import Block, Line, Pair, Role, Row, Span, Spans, spans_width, width
from netaudit.report.words import GAP, MARGIN, NO_BREAK, Options

_PARTS = re.compile(rf" +|(?:[^ ,]|,(?=[0-9]{{3}}{NO_BREAK}))+,?|,")  # a number such as 2,001 stays whole
_JOINED = re.compile(r"[^/:=@]*[/:=@]|[^/:=@]+")  # parts of a path, of a host pattern, of a setting and its value
_EMPTY: Spans = ()


def page_lines(blocks: Sequence[Block], options: Options) -> Iterator[Spans]:
    """The lines of the page, with an empty one between blocks."""
    for place, block in enumerate(blocks):
        if place:
            yield _EMPTY
        yield from block_lines(block, options)


def block_lines(block: Block, options: Options) -> Iterator[Spans]:
    """The lines of one block."""
    for is_pair, lines in groupby(block, key=lambda line: isinstance(line, Pair)):
        if is_pair:
            yield from _pairs([line for line in lines if isinstance(line, Pair)], options)
        else:
            for line in lines:
                yield from _row(line, options)


def _row(line: Line, options: Options) -> Iterator[Spans]:
    if isinstance(line, Pair):
        yield from _row(Row(line.label, line.left), options)
        yield from _row(Row(Span(""), line.right), options)
    else:
        yield from _labelled(line.label, wrapped(line.body, options.body_columns), options.signs.ellipsis)


def _pairs(pairs: Sequence[Pair], options: Options) -> Iterator[Spans]:
    left_columns = max(spans_width(pair.left) for pair in pairs)
    right_columns = options.body_columns - left_columns - GAP
    narrow = right_columns * 2 < options.body_columns
    if narrow and any(spans_width(pair.right) > right_columns for pair in pairs):
        for pair in pairs:
            yield from _row(pair, options)
        return
    for pair in pairs:
        rights = wrapped(pair.right, max(1, right_columns)) or [_EMPTY]
        both = zip_longest([pair.left], rights, fillvalue=_EMPTY)
        yield from _labelled(
            pair.label, [_beside(left, right, left_columns + GAP) for left, right in both], options.signs.ellipsis
        )


def _beside(left: Spans, right: Spans, start: int) -> Spans:
    if not right:
        return left
    return (*left, Span(" " * (start - spans_width(left))), *right)


def _labelled(label: Span, lines: Iterable[Spans], ellipsis: str) -> Iterator[Spans]:
    """Lines with the label at the right of the margin of the first one."""
    (name,) = cut((label,), MARGIN, ellipsis)
    margin = (Span(" " * (MARGIN - width(name.text))), name, Span(" " * GAP))
    empty = (Span(" " * (MARGIN + GAP)),)
    for place, line in enumerate(lines):
        yield _trimmed((*(empty if place else margin), *line))


def _trimmed(line: Spans) -> Spans:
    """The line without blanks at its end."""
    kept = list(line)
    while kept:
        last = kept.pop()
        if text := last.text.rstrip(" "):
            return (*kept, Span(text, last.role))
    return _EMPTY


def wrapped(spans: Spans, columns: int) -> list[Spans]:
    """The spans on as many lines as it takes, broken at blanks, behind commas, and only then within words.

    A word that is wider than a line is broken behind the signs that join its parts, such as those of a path.

    A no-break space keeps words together, and is set as a blank.
    """
    lines: list[list[Span]] = [[]]
    used = 0
    blank: list[Span] = []
    for word in _words(spans):
        if word[0].text.startswith(" "):
            blank.extend(word)
            continue
        needed = spans_width(tuple(word))
        if used and used + spans_width(tuple(blank)) + needed > columns:
            lines.append([])
            used = 0
        elif used:
            lines[-1].extend(blank)
            used += spans_width(tuple(blank))
        blank = []
        for piece in _parts(word, columns) if needed > columns else [word]:
            if used and used + spans_width(tuple(piece)) > columns:
                lines.append([])
                used = 0
            lines[-1].extend(piece)
            used += spans_width(tuple(piece))
    return [_merged(line) for line in lines if line]


def _words(spans: Spans) -> Iterator[list[Span]]:
    """Blanks and unbreakable parts in turn; a part that goes on in the next span, in another role, stays whole."""
    word: list[Span] = []
    for span in spans:
        for part in _PARTS.findall(span.text):
            if word and (part.startswith(" ") != word[-1].text.startswith(" ") or word[-1].text.endswith(",")):
                yield word
                word = []
            word.append(Span(part, span.role))
    if word:
        yield word


def _parts(word: Sequence[Span], columns: int) -> Iterator[list[Span]]:
    """A word that is wider than a line, part by part, and sign by sign where a part is too wide as well."""
    for span in word:
        for part in _JOINED.findall(span.text):
            for piece in [part] if width(part) <= columns else part:
                yield [Span(piece, span.role)]


def _merged(line: Sequence[Span]) -> Spans:
    """Neighbours of one role joined."""
    return tuple(
        Span("".join(span.text for span in group).replace(NO_BREAK, " "), Role(role))
        for role, group in groupby(line, key=lambda span: span.role)
    )


def cut(spans: Spans, columns: int, ellipsis: str) -> Spans:
    """As many of the spans as fit on one line, and the ellipsis if something is left out."""
    if spans_width(spans) <= columns:
        return spans
    room = columns - width(ellipsis)
    kept: list[Span] = []
    for span in spans:
        text = span.text
        while text and width(text) > room:
            text = text[:-1]
        kept.append(Span(text, span.role))
        room -= width(text)
        if text != span.text:
            break
    last = kept.pop()
    return (*kept, Span(last.text.rstrip() + ellipsis, last.role))
