"""``netaudit history``: past runs."""

from __future__ import annotations

import argparse

from netaudit.cli import options


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit history``."""
    made = options.Parser("Past runs, the latest first. `netaudit show RUN` prints one of them again.")
    made.add_argument("-n", "--limit", type=options.positive, default=20, metavar="N", help="how many (default 20)")
    made.add_argument("-o", "--output", choices=("console", "json"), default="console", help="default console")
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Print the runs."""
    import os
    import sys

    from netaudit.cli.pages import Pages
    from netaudit.fleet.jsonable import dumps
    from netaudit.fleet.rows import run_row, summary_row
    from netaudit.report.lists import history_table
    from netaudit.store.location import default_path
    from netaudit.store.runs import open_store

    with open_store(default_path(os.environ)) as store:
        runs = store.runs(args.limit)
    if args.output == "json":
        rows = [{"run": run_row(stored.info), "summary": summary_row(stored.summary)} for stored in runs]
        sys.stdout.write(dumps(rows) + "\n")
        return 0
    pages = Pages(args)
    pages.print_table(history_table([(each.info, each.summary, each.finished) for each in runs], pages.options))
    return 0
