"""``netaudit audit``: what is wrong with the network tuning of a fleet."""

from __future__ import annotations

import argparse

from netaudit.cli.asking import options
from netaudit.cli.asking.probe_dirs import add_probe_dir
from netaudit.report import formats


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit audit``."""
    made = options.Parser(
        "Collect facts from every host in parallel, hold them against a baseline, and report what is wrong, why it "
        "matters, where it was read and what would fix it. Changes nothing on any host."
    )
    options.add_inventory(made)
    options.add_baseline(made)
    add_probe_dir(made)
    options.add_source(made)
    options.add_connection(made)
    options.add_output(made, "console", *formats.NAMES)
    made.add_argument("--no-history", action="store_true", help="do not keep this run")
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Audit."""
    from netaudit.cli.reading.auditing import audit

    return audit(args)
