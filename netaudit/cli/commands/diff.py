"""``netaudit diff RUN1 RUN2``: what changed between two past runs."""

from __future__ import annotations

import argparse

from netaudit.cli.asking import options


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit diff``."""
    made = options.Parser(
        "What changed from RUN1 to RUN2: findings that are new, gone or changed, hosts that came or went, and settings "
        "of hosts whose captures both runs still have. RUN is an id, the beginning or the end of one, or `last`. "
        "The exit code is 1 when something new is at or above --fail-on."
    )
    made.add_argument("before", metavar="RUN1", help="the earlier run")
    made.add_argument("after", metavar="RUN2", nargs="?", default="last", help="the later run (default last)")
    made.add_argument("--no-settings", action="store_true", help="compare findings and hosts only")
    options.add_output(made, "console", "html", "json")
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Print what changed."""
    from netaudit.cli.past.comparing import compare

    return compare(args)
