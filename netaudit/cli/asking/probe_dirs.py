"""The option that names folders of a user's own probes."""

from __future__ import annotations

import argparse


def add_probe_dir(parser: argparse.ArgumentParser) -> None:
    """``--probe-dir``."""
    parser.add_argument("--probe-dir", dest="probe_dirs", action="append", metavar="DIR", default=[],
                        help="probes of your own, whose answers checks read as facts.own.NAME.KEY (repeatable; "
                             "default: netaudit/probes in $XDG_CONFIG_HOME)")  # fmt: skip
