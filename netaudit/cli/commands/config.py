"""``netaudit config show``: every setting, and where its value comes from."""

from __future__ import annotations

import argparse

from netaudit.cli.asking import options


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit config``."""
    top = options.Parser(
        "Settings come from the command line, else from NETAUDIT_* variables, else from the nearest netaudit.toml "
        "upwards from here, else from $XDG_CONFIG_HOME/netaudit/config.toml, else they are built in.",
        prog="netaudit config",
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="show")
    shown = verbs.add_parser("show", help="every setting, and where it comes from", description=(
        "The value of every setting, as a command would use it now, and where it comes from."))  # fmt: skip
    shown.add_argument("command", nargs="?", metavar="COMMAND", help="as this command has it (default audit)")
    shown.add_argument("-o", "--output", choices=("console", "json"), default="console", help="default console")
    options.add_console(shown)
    return top


def run(args: argparse.Namespace) -> int:
    """Print the settings."""
    from netaudit.cli.settings.configured import show

    return show(args)
