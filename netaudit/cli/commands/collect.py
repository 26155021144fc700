"""``netaudit collect``: the raw captures alone, to evaluate later or elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path

from netaudit.cli.asking import options
from netaudit.cli.asking.probe_dirs import add_probe_dir


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit collect``."""
    made = options.Parser(
        "Collect from every host and keep what it answered, as received, in a new directory. "
        "Every command that reads takes `--from DIR` then, and contacts no host."
    )
    options.add_inventory(made)
    made.add_argument("-o", "--output", dest="directory", metavar="DIR", required=True, help="a new or empty directory")
    add_probe_dir(made)
    options.add_connection(made)
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Collect into the directory, and say what is there now."""
    from netaudit.app.observers import Observers
    from netaudit.cli.guard import say
    from netaudit.cli.reading.collecting import Totals, collect
    from netaudit.report.words import count
    from netaudit.transport.capture_dir import CaptureDirWriter

    totals = Totals()
    code = collect(
        args, "collect", lambda fleet: Observers(CaptureDirWriter(Path(args.directory), fleet.targets), totals)
    )
    if not args.quiet:
        summary = totals.summary
        silent = (
            f", and why {count(summary.hosts - summary.ok, 'other')} gave none" if summary.ok < summary.hosts else ""
        )
        say(f"{args.directory}: the answers of {count(summary.ok, 'host')}{silent}")
    return code
