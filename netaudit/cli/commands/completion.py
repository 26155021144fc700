"""``netaudit completion bash|zsh|fish``: the completion script of a shell."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from netaudit.cli.asking import options

SHELLS = ("bash", "zsh", "fish")
SCRIPTS = Path(__file__).resolve().parent.parent / "shells"


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit completion``."""
    made = options.Parser(
        "Print what a shell needs to complete netaudit's command lines: commands, options and their values, hosts and "
        "groups of the inventory, checks, baselines, probes and past runs. Inventory programs are never run for it."
    )
    made.add_argument("shell", choices=SHELLS, metavar="SHELL", help="bash, zsh or fish")
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    sys.stdout.write((SCRIPTS / f"netaudit.{args.shell}").read_text(encoding="utf-8"))
    return 0
