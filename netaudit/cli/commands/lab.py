"""``netaudit lab up|status|down``: a fleet of real sshd hosts on this machine."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from netaudit.cli.options import Parser, add_console, positive

if TYPE_CHECKING:
    from netaudit.lab import Lab


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit lab``."""
    top = Parser(
        "A fleet of real sshd hosts in network namespaces, some of them misconfigured on purpose. Needs root.",
        prog="netaudit lab",
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="up|status|down")
    for name, help_text in (
        ("up", "set the fleet up and write its inventory, key and known_hosts"),
        ("status", "what of it is there"),
        ("down", "remove all of it, also what a crash left"),
    ):
        verb = verbs.add_parser(name, help=help_text, description=help_text)
        verb.add_argument("--dir", type=Path, default=None, metavar="DIR",
                          help="where the lab's files lie (default $XDG_STATE_HOME/netaudit/lab)")  # fmt: skip
        add_console(verb)
        if name == "up":
            verb.add_argument("--hosts", type=positive, default=12, metavar="N", help="how many (default 12)")
            verb.add_argument("--healthy", action="store_true", help="nothing wrong with any of them")
    return top


def run(args: argparse.Namespace) -> int:
    """Do the verb."""
    from netaudit.lab import Lab

    lab = Lab(args.dir or default_directory())
    return {"up": _up, "status": _status, "down": _down}[args.verb](lab, args)


def default_directory() -> Path:
    """The lab's directory where none is named: below the XDG state directory."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
    return Path(state) / "netaudit" / "lab"


def _up(lab: Lab, args: argparse.Namespace) -> int:
    from netaudit.lab import Fault

    clock = time.monotonic()
    hosts = lab.up(args.hosts, healthy=args.healthy)
    elapsed_s = time.monotonic() - clock
    if args.quiet:
        return 0
    print(f"{len(hosts)} hosts in {elapsed_s:.1f} s ({elapsed_s / len(hosts) * 1000:.0f} ms a host)")
    for host in hosts:
        if host.fault is not Fault.NONE:
            print(f"  {host.name:<8} {host.address:<13} {host.fault}")
    print(f"audit it:  netaudit audit -i {lab.inventory} -b {lab.baseline}")
    print(f"remove it: netaudit lab down --dir {lab.directory}")
    return 0


def _status(lab: Lab, _args: argparse.Namespace) -> int:
    status = lab.status()
    print(f"{status.running} of {status.planned} hosts run in {status.network}; inventory {status.inventory}")
    return 0


def _down(lab: Lab, args: argparse.Namespace) -> int:
    found = lab.down()
    if not args.quiet:
        print("the lab is gone" if found else "there was no lab")
    return 0
