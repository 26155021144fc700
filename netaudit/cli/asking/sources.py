"""Which inventory a command means, and which hosts of it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from netaudit.errors import UsageError

if TYPE_CHECKING:
    from netaudit.inventory import Inventory


NO_INVENTORY = (
    "name one with -i FILE, -i host1,host2, or $ANSIBLE_INVENTORY; without any, the pattern localhost is this machine"
)


class NoHosts(UsageError):
    """A pattern that matches no host of the inventory."""


def inventory_sources(named: Sequence[str], environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """``-i`` as given; else ``inventory/`` here, else ``$ANSIBLE_INVENTORY``. Raises UsageError when there is none."""
    from netaudit.inventory import default_sources

    sources = tuple(named) or default_sources(os.environ if environment is None else environment)
    if not sources:
        raise UsageError("no inventory", hint=NO_INVENTORY)
    return sources


def load_inventory(args: argparse.Namespace, warn: Callable[[str], None]) -> Inventory:
    """The inventory of the command line, its warnings said. A run on this machine alone needs none."""
    from netaudit.inventory import load
    from netaudit.inventory.extravars import parse_extra_vars

    sources = () if _means_this_machine(args) else inventory_sources(args.inventory)
    inventory = load(sources, extra_vars=parse_extra_vars(args.extra_vars))
    for warning in inventory.warnings:
        warn(warning)
    return inventory


def _means_this_machine(args: argparse.Namespace) -> bool:
    """Whether there is no inventory and the pattern is a name of this machine: Ansible's implicit localhost."""
    from netaudit.inventory import LOCAL_NAMES, default_sources

    return getattr(args, "pattern", None) in LOCAL_NAMES and not (args.inventory or default_sources(os.environ))


def select_hosts(inventory: Inventory, args: argparse.Namespace, warn: Callable[[str], None]) -> tuple[str, ...]:
    """The hosts of the pattern and the limit. Raises NoHosts when there are none."""
    chosen = inventory.selection(args.pattern, args.limit)
    for warning in chosen.warnings if chosen.hosts else ():  # of none at all is said once, below
        warn(warning)
    if not chosen.hosts:
        limited = f" limited to {args.limit!r}" if args.limit else ""
        raise NoHosts(
            f"the pattern {args.pattern!r}{limited} matches no host",
            hint="netaudit inventory graph shows what there is",
        )
    return chosen.hosts
