"""``netaudit show RUN``: one past run, as it was reported."""

from __future__ import annotations

import argparse

from netaudit.cli.asking import options
from netaudit.report import formats


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit show``."""
    made = options.Parser("One past run: its summary, or its JSON. RUN is an id, the beginning of one, or `last`.")
    made.add_argument("run", metavar="RUN", nargs="?", default="last", help="default last")
    options.add_output(made, "console", *formats.NAMES)
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Print the run; the exit code is the one it ended with."""
    from netaudit.cli.past.showing import show

    return show(args)
