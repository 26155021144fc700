"""``netaudit fix``: the guarded remediation. Audit, plan, approve, canary, batches, verify, confirm, persist."""

from __future__ import annotations

import argparse

from netaudit.cli.asking import options
from netaudit.report import formats

FORMATS = formats.OF_REMEDIATIONS


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit fix``."""
    from netaudit.cli.changing.planning import add_planning

    made = options.Parser(
        "Audit hosts, show what would be changed, and change it after approval: a canary first, then growing batches, "
        "each behind a gate. Every host is armed to undo the change by itself before anything is touched; it stays "
        "only after a new connection has verified and confirmed it, and only then is it written for the next boot. "
        "A dead controller, a cut cable or a reboot ends in the old state; `netaudit resume RUN` tells which."
    )
    options.add_inventory(made)
    options.add_baseline(made)
    options.add_connection(made)
    add_planning(made)
    add_guard(made)
    group = made.add_argument_group("output")
    group.add_argument("-o", "--output", action="append", metavar="FORMAT[=PATH]", default=[],
                       help=f"{', '.join(FORMATS)} (repeatable; without a path to standard output)")  # fmt: skip
    options.add_console(made)
    return made


def add_guard(parser: argparse.ArgumentParser) -> None:
    """The options that decide how a plan is applied."""
    group = parser.add_argument_group("guard")
    add = group.add_argument
    add("--plan", metavar="FILE", help="apply just this plan in its batches; `netaudit plan -o plan.json` makes one")
    add("--check", action="store_true", help="stop after the plan")
    add("--yes", action="store_true", help="do not ask for approval")
    add("--max-fail", metavar="N|PERCENT", default="0",
        help="bad outcomes that are allowed in all; one more stops before the next batch (default 0)")  # fmt: skip
    add("--confirm-within", metavar="TIME", type=options.duration, default=60.0,
        help="the host's own timer: without a confirmation it undoes the change (default 60s)")  # fmt: skip
    add("--soak", metavar="TIME", type=options.span, default=30.0,
        help="how long a batch runs with the change before its gate (default 30s; 0s is allowed)")  # fmt: skip
    add("--gate", metavar="CMD",
        help="a command of yours that must succeed at every gate; $NETAUDIT_HOSTS names the hosts")  # fmt: skip
    add("--rollback-all-on-failure", action="store_true",
        help="when a batch fails also undo the batches that were confirmed before")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Plan, ask, apply. Exit 4 when a change failed or was undone, 5 when the state of a host is not known."""
    from netaudit.cli.changing.fixing import fix

    return fix(args, FORMATS)
