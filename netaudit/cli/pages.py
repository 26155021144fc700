"""Prints what listing commands show, on standard output."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from netaudit.report import terminal
from netaudit.report.page import Block
from netaudit.report.tables import Table


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
