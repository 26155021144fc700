"""What a command that contacts hosts has worked out before it contacts any: targets, secrets, transport, width."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from netaudit.app.fanout import Width
from netaudit.app.parking import Parking
from netaudit.app.ports import Transport
from netaudit.cli.asking import secrets, wiring
from netaudit.cli.asking.sources import load_inventory, select_hosts
from netaudit.errors import UsageError, Where
from netaudit.inventory import parse_jumps
from netaudit.inventory.targets import Overrides
from netaudit.model.contact import Limits
from netaudit.model.target import BecomeMethod, Connection, Target

SITE = "netaudit_site"


@dataclass(frozen=True, slots=True)
class Fleet:
    """The hosts of one command. ``transport`` reaches them; ``matches`` says which hosts a pattern means."""

    targets: tuple[Target, ...]
    transport: Transport
    limits: Limits
    width: Width
    matches: Callable[[str], frozenset[str]]
    variables: Callable[[str], Mapping[str, object]]
    ssh_config: str | None = None  # what ``-F`` in the inventory says of all hosts
    place: Callable[[str], Where] | None = None  # where the inventory mentions a host first
    origin: Callable[[str, str], Where | None] | None = None  # where it sets a variable of a host


async def prepared(transport: Transport, targets: Sequence[Target]) -> None:
    """Let a transport look at its own settings before any host is contacted. Raises OperatorError."""
    if isinstance(transport, Parking):
        transport = transport.transport
    if isinstance(transport, wiring.Routed):
        await transport.prepare(targets)


def fleet_of(args: argparse.Namespace, warn: Callable[[str], None]) -> Fleet:
    """The fleet of the command line: of an inventory, or of stored captures. Raises OperatorError."""
    if getattr(args, "from_dir", None):
        return _stored(args, warn)
    inventory = load_inventory(args, warn)
    asked = secrets.ask(password=args.ask_pass, become_password=args.ask_become_pass)
    resolution = inventory.targets(select_hosts(inventory, args, warn), overrides_of(args))
    for warning in resolution.warnings:
        warn(warning)
    transport = wiring.transport_of(
        args, secrets.AskedSecrets(resolution.secrets, asked), resolution.ssh_config_file, warn
    )
    return Fleet(
        targets=resolution.targets,
        transport=transport,
        limits=wiring.limits_of(args),
        width=wiring.width_of(args, resolution.targets, warn),
        matches=inventory.matcher,
        variables=inventory.hostvars,
        ssh_config=resolution.ssh_config_file,
        place=inventory.source_of,
        origin=inventory.origin,
    )


def _jumps(text: str | None) -> tuple[str, ...]:
    try:
        return parse_jumps(text) if text else ()
    except ValueError as error:
        raise UsageError(f"-J {text}: {error}", hint="[user@]host[:port], several with commas") from None


def overrides_of(args: argparse.Namespace) -> Overrides:
    """What the command line says of every host."""
    return Overrides(
        user=args.user,
        private_key=str(Path(args.private_key).expanduser()) if args.private_key else None,
        jumps=_jumps(args.jump),
        become=args.become,
        become_method=BecomeMethod(args.become_method) if args.become_method else None,
        connection=Connection.LOCAL if args.transport == "local" else None,
    )


def _stored(args: argparse.Namespace, warn: Callable[[str], None]) -> Fleet:
    """The hosts of a capture directory, in its order; groups and variables of an inventory when one is named."""
    from netaudit.inventory.extravars import parse_extra_vars
    from netaudit.inventory.listed import inventory_of
    from netaudit.transport.capture_dir import read_capture_dir
    from netaudit.transport.replay import ReplayTransport

    stored = read_capture_dir(Path(args.from_dir))
    known = {target.name: target for target in stored.targets()}
    variables: Callable[[str], Mapping[str, object]]
    if args.inventory:
        inventory = load_inventory(args, warn)
        chosen = [known[name] for name in select_hosts(inventory, args, warn) if name in known]
        matches, variables = inventory.matcher, inventory.hostvars
        targets = tuple(replace(target, groups=inventory.groups_of(target.name)) for target in chosen)
    else:
        inventory = inventory_of(known.values(), args.from_dir, parse_extra_vars(args.extra_vars))
        matches = inventory.matcher
        targets = tuple(known[name] for name in select_hosts(inventory, args, warn))
        variables = {target.name: target.vars for target in targets}.__getitem__
    if not targets:
        raise UsageError(f"{args.from_dir} holds none of the hosts that were asked for")
    width = Width(forks=1, open_limit=1)  # one processor does the work: more at once would only hold more in memory
    transport = ReplayTransport(stored)
    return Fleet(
        targets, transport, Limits(), width, matches, variables, place=inventory.source_of, origin=inventory.origin
    )
