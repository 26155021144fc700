"""``netaudit watch``: audit again and again over connections that stay open, and tell what changes."""

from __future__ import annotations

import argparse

from netaudit.cli.asking import options
from netaudit.cli.asking.probe_dirs import add_probe_dir


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit watch``."""
    made = options.Parser(
        "Audit the hosts again and again over connections that stay open, and print what becomes otherwise as it does: "
        "findings, settings, hosts that are lost, come back or reboot. Reads only. Ends with Ctrl-C."
    )
    options.add_inventory(made)
    group = made.add_argument_group("rounds")
    group.add_argument("--every", dest="every_s", type=options.duration, metavar="TIME", default=60.0,
                       help="from the beginning of a round to that of the next (default 60s)")  # fmt: skip
    ends = group.add_mutually_exclusive_group()
    ends.add_argument("--for", dest="for_s", type=options.duration, metavar="TIME",
                      help="end before the first round that would begin later than this (default: never)")  # fmt: skip
    ends.add_argument("--count", type=options.positive, metavar="N", help="end after so many rounds (default: never)")
    group.add_argument("--listen", metavar="ADDR:PORT",
                       help="serve /metrics for Prometheus and /healthz; a port alone is 127.0.0.1's")  # fmt: skip
    made.add_argument("--from", dest="from_dir", metavar="DIR", help=argparse.SUPPRESS)  # refused, in words
    options.add_baseline(made)
    add_probe_dir(made)
    options.add_connection(made)
    options.add_output(made, "console", "jsonl")
    made.add_argument("--no-history", action="store_true", help="keep no round, not even those with changes")
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Watch."""
    from netaudit.cli.watching.watching import watch

    return watch(args)
