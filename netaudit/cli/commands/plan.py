"""``netaudit plan``: what would be changed on which host, as a difference. Changes nothing."""

from __future__ import annotations

import argparse

from netaudit.cli.asking import options


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit plan``."""
    from netaudit.cli.changing.planning import add_planning

    made = options.Parser(
        "Audit hosts and show what a remediation would change on each: running value, boot value, file, class, "
        "undo and why; and what it would leave alone, and why. Changes nothing on any host."
    )
    options.add_inventory(made)
    options.add_baseline(made)
    options.add_source(made)
    options.add_connection(made)
    add_planning(made)
    made.add_argument(
        "-o", "--output", action="append", metavar="FORMAT[=PATH]", default=[],
        help="console, json (or the name of a .json file: the plan, for `fix --plan`), ansible=FILE, sysctl=DIR, "
             "shell=DIR (repeatable)",
    )  # fmt: skip
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Plan; exit 0, or 3 when a host gave no answer."""
    from netaudit.cli.asking.rules import ruleset_of
    from netaudit.cli.asking.run_request import fleet_of
    from netaudit.cli.changing.plan_outputs import plan_outputs, write_plan
    from netaudit.cli.changing.planning import make_plan
    from netaudit.cli.exit_codes import ExitCode
    from netaudit.cli.reading.auditing import warner

    warn = warner(args)
    outputs = plan_outputs(args.output)
    ruleset = ruleset_of(args, warn)
    made = make_plan(args, fleet_of(args, warn), ruleset)
    for output in outputs:
        write_plan(args, made, output)
    if made.run.interrupted:
        return ExitCode.INTERRUPTED
    silent = made.summary.unreachable or made.summary.error
    return ExitCode.NO_VERDICT if silent else ExitCode.DONE
