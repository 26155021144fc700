"""``netaudit resume RUN``: after a crash of the controller, what does each host really have?"""

from __future__ import annotations

import argparse

from netaudit.cli.asking import options


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit resume``."""
    made = options.Parser(
        "After a crash of the controller: ask every host of RUN what became of its change, and finish or undo it. "
        "What has not been confirmed is undone. Exit code 0: all of it is kept; 4: some is undone, and every state is "
        "known; 5: the state of a host is not known."
    )
    made.add_argument("run", metavar="RUN", nargs="?", default="last", help="an id, the beginning of one, or `last`")
    options.add_inventory(made, pattern=False)
    options.add_connection(made)
    made.add_argument("-o", "--output", choices=("console", "json"), default="console", help="default console")
    options.add_console(made)
    made.set_defaults(pattern="all", command_name="resume")
    return made


def run(args: argparse.Namespace) -> int:
    """Resume the run."""
    from netaudit.cli.changing.recovering import resume

    return resume(args)
