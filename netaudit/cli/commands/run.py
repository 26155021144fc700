"""``netaudit run PLAYBOOK``: the plays of a playbook, in order."""

from __future__ import annotations

import argparse

from netaudit.cli.asking import options
from netaudit.report import formats


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit run``."""
    made = options.Parser(
        "Run the plays of a playbook in order. A play names its hosts, its baseline and its variables; "
        "what is said here applies to every play, and -l narrows all of them."
    )
    made.add_argument(
        "playbook", metavar="PLAYBOOK", help="a YAML list of plays, or a shipped one by name: audit, launch"
    )
    options.add_inventory(made, pattern=False)
    options.add_source(made)
    options.add_connection(made)
    options.add_output(made, "console", *formats.NAMES)
    group = made.add_argument_group("remediation plays")
    group.add_argument("--yes", action="store_true", help="do not ask for approval of their plans")
    group.add_argument("--check", action="store_true", help="stop after their plans")
    made.set_defaults(fail_on=None)  # a play has its own default: medium of an audit, high of a capacity check
    made.add_argument("--no-history", action="store_true", help="do not keep these runs")
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Run every play; the exit code is the worst of them."""
    from netaudit.cli.playing import play_all

    return play_all(args)
