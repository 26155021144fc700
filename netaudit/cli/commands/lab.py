"""``netaudit lab up|status|down|causes|break``: a fleet of real sshd hosts on this machine."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from netaudit.cli.asking.options import Parser, add_console, duration, positive

if TYPE_CHECKING:
    from netaudit.lab import Lab


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit lab``."""
    top = Parser(
        "A fleet of real sshd hosts in network namespaces, some of them misconfigured on purpose. Needs root.",
        prog="netaudit lab",
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="up|status|down|causes|break")
    for name, help_text in (
        ("up", "set the fleet up and write its inventory, key and known_hosts"),
        ("status", "what of it is there"),
        ("down", "remove all of it, also what a crash left"),
        ("causes", "what can be wrong with a host, for break"),
        ("break", "let a host lose packets or connections for one of these causes, or several, for a while"),
    ):
        verb = verbs.add_parser(name, help=help_text, description=help_text)
        verb.add_argument("--dir", type=Path, default=None, metavar="DIR",
                          help="where the lab's files lie (default $XDG_STATE_HOME/netaudit/lab)")  # fmt: skip
        add_console(verb)
        if name == "up":
            verb.add_argument("--hosts", type=positive, default=12, metavar="N", help="how many (default 12)")
            verb.add_argument("--healthy", action="store_true", help="nothing wrong with any of them")
        if name == "break":
            verb.add_argument("host", metavar="HOST", help="a host of the lab")
            verb.add_argument("cause", metavar="CAUSE", nargs="+", help="see netaudit lab causes")
            verb.add_argument("--for", dest="for_s", type=duration, default=30.0, metavar="TIME",
                              help="then everything is taken back (default 30s; Ctrl-C does so at once)")  # fmt: skip
    return top


def run(args: argparse.Namespace) -> int:
    """Do the verb."""
    from netaudit.lab import Lab

    lab = Lab(args.dir or default_directory())
    verbs = {"up": _up, "status": _status, "down": _down, "causes": _causes, "break": _break}
    return verbs[args.verb](lab, args)


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


def _causes(_lab: Lab, args: argparse.Namespace) -> int:
    from netaudit.cli.telling.pages import Pages
    from netaudit.lab.causes import CAUSES
    from netaudit.report.page import Role, Span
    from netaudit.report.tables import Column, Table

    rows = tuple((Span(each.name, Role.HOSTS), Span(each.summary)) for each in CAUSES)
    Pages(args).print_table(Table((Column("CAUSE"), Column("WHAT IS DONE", grows=True)), rows))
    return 0


def _break(lab: Lab, args: argparse.Namespace) -> int:
    import contextlib

    from netaudit.errors import UsageError
    from netaudit.lab.causes_run import Broken, cause_of, host_of

    causes = [cause_of(name) for name in args.cause]
    if len(causes) > 4 or args.for_s > 3600:
        raise UsageError("four causes at once and an hour are the most", hint="see netaudit lab break --help")
    host = host_of(lab, args.host)
    try:
        with contextlib.ExitStack() as stack:
            for number, cause in enumerate(causes):
                stack.enter_context(Broken(host, cause, args.for_s, number))
            if not args.quiet:
                print(f"{host.name}: {', '.join(cause.summary for cause in causes)}; for {args.for_s:g} s")
                print(f"diagnose it: netaudit diagnose {host.name} -i {lab.inventory} --for 5s", flush=True)
            time.sleep(args.for_s)
    except KeyboardInterrupt:
        pass
    if not args.quiet:
        print(f"{host.name} is as it was")
    return 0
