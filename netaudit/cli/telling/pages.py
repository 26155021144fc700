"""Prints what listing commands show, on standard output."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence

from netaudit.report import terminal
from netaudit.report.page import Block, Role, Row, Span
from netaudit.report.tables import Table
from netaudit.report.words import NO_LABEL, Words, text_row

_PARAGRAPH_CHARS = 10_000


class Pages:
    """The console of one command."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._console = terminal.console_for(sys.stdout, args.color, os.environ)
        self.options = terminal.options_for(self._console, os.environ, verbose=args.verbose > 0)

    def print_table(self, table: Table) -> None:
        """Print a table."""
        terminal.print_text(self._console, terminal.render_table(table, self.options))

    def print_blocks(self, blocks: Sequence[Block]) -> None:
        """Print a page."""
        terminal.print_text(self._console, terminal.render_page(blocks, self.options))

    def print_passages(self, passages: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Print headings, each with the paragraph that stands under it, or with its items where there are several."""
        words = Words(self.options)
        blocks: list[Block] = []
        for heading, items in passages:
            lines = list(items)
            label = "-" if len(lines) > 1 else ""
            rows = [Row(NO_LABEL, (Span(words.say(heading), Role.TITLE),))]
            rows += [text_row(label, words.say(" ".join(line.split()), _PARAGRAPH_CHARS)) for line in lines]
            blocks.append(tuple(rows))
        self.print_blocks(blocks)
