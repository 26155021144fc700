"""``netaudit capacity``: will these hosts carry the launch, and what breaks first."""

from __future__ import annotations

import argparse

from netaudit.cli.asking import options
from netaudit.model.result import Severity
from netaudit.report import formats


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit capacity``."""
    from netaudit.cli.capacity.request import scale

    made = options.Parser(
        "Hold a declared load against every limited resource of each host: what it needs, what there is, and what "
        "breaks first, at which multiple of the load. Every number comes with its formula. Changes nothing on any host."
    )
    options.add_inventory(made)
    made.add_argument(
        "--workload", metavar="FILE", required=True, help="the load: a file, or a shipped one by name: launch"
    )
    made.add_argument("--what-if", metavar="NAME=VALUE", action="append", default=[],
                      help="try out a setting: a sysctl, listen_backlog, nofile or rx_ring (repeatable)")  # fmt: skip
    made.add_argument("--scale", type=scale, metavar="FACTOR", default=1.0, help="so many times the load (default 1)")
    options.add_source(made)
    options.add_connection(made)
    options.add_output(made, "console", *formats.NAMES, *formats.FOR_PLANS, fail_on=Severity.HIGH)
    made.add_argument("--no-history", action="store_true", help="do not keep this run")
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Weigh the hosts."""
    from netaudit.cli.capacity.checking import capacity

    return capacity(args)
