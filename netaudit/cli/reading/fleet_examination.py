"""What ``netaudit doctor -i INVENTORY`` looks at: whether this controller can reach the hosts of an inventory.

No host is contacted, and nobody is asked for anything but for the passwords of ``-k`` and ``-K``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from netaudit.cli.asking import secrets
from netaudit.cli.asking.openfiles import FILES_A_HOST, FILES_A_PROXY_COMMAND, raise_limit
from netaudit.cli.asking.run_request import overrides_of
from netaudit.cli.asking.sources import load_inventory, select_hosts
from netaudit.cli.asking.wiring import transport_options
from netaudit.errors import OperatorError
from netaudit.fleet.names import fold_within
from netaudit.inventory import default_sources
from netaudit.model.target import Connection, Target
from netaudit.report.lists import DoctorRow, Health
from netaudit.report.words import count
from netaudit.transport.asyncssh_readiness import Readiness, ReadinessSource, Trouble

_NAMES_CHARS = 200
_Pick = Callable[[Readiness], Iterable[Trouble | None]]


def is_asked_for(args: argparse.Namespace) -> bool:
    """Whether there is an inventory to look at: one that is named, or one that every command would use here."""
    return bool(args.inventory or args.pattern != "all" or default_sources(os.environ))


def examine_fleet(args: argparse.Namespace) -> Iterator[DoctorRow]:
    """The rows of an inventory: what it says, open files, host keys, ways to log in."""
    asked = secrets.ask(password=args.ask_pass, become_password=args.ask_become_pass)
    warnings: list[str] = []
    try:
        inventory = load_inventory(args, warnings.append)
        resolution = inventory.targets(select_hosts(inventory, args, warnings.append), overrides_of(args))
    except OperatorError as error:
        yield DoctorRow("inventory", Health.BAD, _message(error), error.hint)
        return
    warnings += resolution.warnings
    said = secrets.AskedSecrets(resolution.secrets, asked)
    remote = [target for target in resolution.targets if target.connection is Connection.SSH]
    yield _inventory(resolution.targets, remote, warnings)
    yield _at_a_time(args, resolution.targets)
    if not remote:
        return
    options = transport_options(args, said, resolution.ssh_config_file, warnings.append)
    try:
        found = asyncio.run(_looked_at(ReadinessSource(replace(options, ask_passphrase=None)), remote))
    except OperatorError as error:
        yield DoctorRow("ssh_config", Health.BAD, _message(error), error.hint)
        return
    yield from _troubles("addresses", found, lambda one: [one.settings])
    reached = [one for one in found if one.settings is None]
    yield _host_keys(args, reached)
    yield from _logins(reached)


def _message(error: OperatorError) -> str:
    """What is wrong and where; the hint has a line of its own."""
    return f"{error.where}: {error.message}" if error.where else error.message


async def _looked_at(source: ReadinessSource, targets: Sequence[Target]) -> list[Readiness]:
    try:
        return [each for target in targets for each in await source.of(target)]
    finally:
        await source.close()


def _inventory(targets: Sequence[Target], remote: Sequence[Target], warnings: Sequence[str]) -> DoctorRow:
    local = len(targets) - len(remote)
    groups = {group for target in targets for group in target.groups} - {"all", "ungrouped"}
    said = f"{count(len(targets), 'host')} in {count(len(groups), 'group')}"
    text = "; ".join([f"{said}, {local} of them this machine" if local else said, *dict.fromkeys(warnings)])
    return DoctorRow("inventory", Health.WARN if warnings else Health.GOOD, text)


def _at_a_time(args: argparse.Namespace, targets: Sequence[Target]) -> DoctorRow:
    """What the limit of open files allows; a watch keeps a connection to every host."""
    files = FILES_A_PROXY_COMMAND if any(target.ssh.proxy_command for target in targets) else FILES_A_HOST
    possible = raise_limit().hosts(files)
    text = f"{min(args.forks, possible, len(targets))} of {count(len(targets), 'host')}"
    if possible < min(args.forks, len(targets)):
        return DoctorRow("at a time", Health.WARN, f"{text}: no more files can be open", "raise it with ulimit -n")
    if possible < len(targets):
        return DoctorRow(
            "at a time", Health.WARN, f"{text}; a watch keeps {possible:,} connections open and makes the others anew",
            "raise the limit with ulimit -n",
        )  # fmt: skip
    return DoctorRow("at a time", Health.GOOD, f"{text}; a watch keeps all of them connected")


def _host_keys(args: argparse.Namespace, found: Sequence[Readiness]) -> DoctorRow:
    without = [one.name for one in found if not one.has_key]
    if not without:
        return DoctorRow("host keys", Health.GOOD, f"known_hosts has keys of {_all(found)}")
    text = f"known_hosts has no key of {count(len(without), 'host')}: {fold_within(without, _NAMES_CHARS)}"
    if args.host_key_checking != "strict":
        return DoctorRow("host keys", Health.WARN, f"{text}; --host-key-checking {args.host_key_checking} takes any")
    return DoctorRow("host keys", Health.BAD, text, "netaudit trust shows their fingerprints and records them")


def _logins(found: Sequence[Readiness]) -> Iterator[DoctorRow]:
    bad = list(_troubles("login", found, lambda one: [one.login]))
    yield from bad
    able = [one for one in found if one.login is None]
    odd = list(_troubles("login", able, lambda one: one.unreadable, Health.WARN))
    yield from odd
    if able and not odd:
        yield DoctorRow("login", Health.GOOD, f"{_all(able)} with a key or a password to try")


def _all(found: Sequence[Readiness]) -> str:
    jumps = sum(one.is_jump for one in found)
    hosts = count(len(found) - jumps, "host")
    return f"{hosts} and {count(jumps, 'jump host')}" if jumps else hosts


def _troubles(name: str, found: Sequence[Readiness], pick: _Pick, health: Health = Health.BAD) -> Iterator[DoctorRow]:
    """A row for each different trouble, with the hosts that have it."""
    hosts: dict[Trouble, list[str]] = {}
    for one in found:
        for trouble in pick(one):
            if trouble is not None:
                hosts.setdefault(trouble, []).append(one.name)
    for trouble, names in hosts.items():
        yield DoctorRow(name, health, f"{fold_within(names, _NAMES_CHARS)}: {trouble.message}", trouble.hint)
