"""``netaudit inventory list|graph|hosts|host``: what the inventory says, as Ansible's own commands print it."""

from __future__ import annotations

import argparse
import sys

from netaudit.cli.asking.options import Parser, add_console, add_inventory
from netaudit.cli.asking.sources import load_inventory
from netaudit.cli.guard import say


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit inventory``."""
    top = Parser(
        "What the inventory says, as ansible-inventory and --list-hosts would print it.", prog="netaudit inventory"
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="list|graph|hosts|host")
    for name, words, help_text in (
        ("list", None, "all groups, hosts and variables"),
        ("graph", ("group", "?", "all"), "the tree of groups and hosts"),
        ("hosts", ("pattern", "?", "all"), "the hosts of a pattern, one a line"),
        ("host", ("host", None, None), "the variables of one host"),
    ):
        verb = verbs.add_parser(name, help=help_text, description=help_text)
        if words:
            verb.add_argument(words[0], nargs=words[1], default=words[2], metavar=words[0].upper())
        add_inventory(verb, pattern=False)
        verb.add_argument("--format", choices=("json",), default="json", help="default json")
        add_console(verb)
    return top


def run(args: argparse.Namespace) -> int:
    """Print what was asked for."""
    from netaudit.inventory import render

    inventory = load_inventory(args, (lambda _line: None) if args.quiet else say)
    if args.verb == "list":
        text = render.list_text(inventory, args.limit)
    elif args.verb == "graph":
        text = render.graph_text(inventory, args.group)
    elif args.verb == "hosts":
        chosen = inventory.selection(args.pattern, args.limit)
        for warning in chosen.warnings:
            say(warning)
        text = "".join(f"{host}\n" for host in chosen.hosts)
    else:
        text = render.host_text(inventory, args.host)
    sys.stdout.write(text)
    return 0
