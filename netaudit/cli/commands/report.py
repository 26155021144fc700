"""``netaudit report RUN -o FORMAT=PATH``: any report of a past run."""

from __future__ import annotations

import argparse

from netaudit.cli.asking import options
from netaudit.errors import UsageError
from netaudit.model.result import Severity
from netaudit.report import formats


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit report``."""
    made = options.Parser(
        "Reports of a past run, in any format and as many at once as are asked for: "
        "netaudit report last -o html=run.html -o junit=run.xml. RUN is an id, the beginning or the end of one, or "
        "`last`. The exit code says only whether the reports were written."
    )
    made.add_argument("run", metavar="RUN", nargs="?", default="last", help="default last")
    known = ", ".join(("console", *formats.NAMES))
    made.add_argument(
        "-o", "--output", action="append", metavar="FORMAT[=PATH]", default=[],
        help=f"{known}; of a capacity check also {', '.join(formats.FOR_PLANS)} (repeatable; without a path to "
             "standard output)",
    )  # fmt: skip
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Write the reports."""
    from netaudit.cli.past.showing import show

    if not args.output:
        raise UsageError("no format is asked for", hint=f"-o FORMAT=PATH, one of {', '.join(formats.NAMES)}")
    args.fail_on = str(Severity.CRITICAL)  # what show makes an exit code of is not asked for here
    show(args)
    return 0
