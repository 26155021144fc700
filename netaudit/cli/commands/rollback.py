"""``netaudit rollback RUN [PATTERN]``: undo a run, on all or some of its hosts."""

from __future__ import annotations

import argparse

from netaudit.cli.asking import options


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit rollback``."""
    made = options.Parser(
        "Undo the confirmed changes of RUN, the latest first, to the values and files before, under the same guard as "
        "they were made. What somebody else has changed since is left alone, unless you say otherwise when asked, or "
        "with --force. Exit code 0: all of it is undone; 4: some stands; 5: the state of a host is not known."
    )
    made.add_argument("run", metavar="RUN", help="an id, the beginning or end of one, or `last`")
    options.add_inventory(made)
    made.add_argument("--force", action="store_true", help="also undo what somebody else has changed since")
    options.add_connection(made)
    made.add_argument("-o", "--output", choices=("console", "json"), default="console", help="default console")
    options.add_console(made)
    made.set_defaults(command_name="rollback")
    return made


def run(args: argparse.Namespace) -> int:
    """Undo the run."""
    from netaudit.cli.changing.recovering import rollback

    return rollback(args)
