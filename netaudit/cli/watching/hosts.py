"""The hosts of a watch: read at the start, and again when a file that says something of them has changed, or on SIGHUP.

Looked at are the sources of the inventory, the variables beside them and the baseline, by size and time of each file.
Programs are not run to see whether they say something else: for those there is SIGHUP. What cannot be read is said, and
the hosts stay as they were.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from netaudit.app.audit import Job
from netaudit.app.ports import Session
from netaudit.app.rules import Question, Questions
from netaudit.baseline.select import HostRules, Ruleset
from netaudit.cli.asking import secrets, wiring
from netaudit.cli.asking.rules import questions, ruleset_of
from netaudit.cli.asking.run_request import Fleet, overrides_of
from netaudit.cli.asking.sources import inventory_sources, load_inventory, select_hosts
from netaudit.cli.reading.auditing import job_of
from netaudit.cli.telling.context import context_of
from netaudit.errors import OperatorError
from netaudit.facts.domains import probes_for
from netaudit.facts.settings import DOMAINS as SETTINGS
from netaudit.model.contact import SecretSource
from netaudit.model.context import RunContext
from netaudit.model.target import Credentials, Target

_MOST_FILES = 20_000


@dataclass(slots=True)
class _Latest:
    """The secrets of the inventory as it was read last. Fits ``SecretSource``."""

    source: SecretSource | None = None

    def for_target(self, target: Target) -> Credentials:
        """The secrets of one target."""
        return self.source.for_target(target) if self.source is not None else Credentials()


class Renewed:
    """A transport that is made anew on demand: keys, known_hosts and ssh_config are read once by each.

    What the earlier ones have open stays so until the end, such as connections to jump hosts.
    """

    def __init__(self, make: Callable[[], wiring.Routed]) -> None:
        self._make = make
        self._earlier: list[wiring.Routed] = []
        self.current = make()

    def renew(self) -> None:
        """Connections that are made from now on are made by another."""
        self._earlier.append(self.current)
        self.current = self._make()

    async def open(self, target: Target) -> Session:
        """See ``app.ports.Transport``."""
        return await self.current.open(target)

    async def close(self) -> None:
        """Close all that were made."""
        for each in (*self._earlier, self.current):
            await each.close()


class WatchedHosts:
    """Reads the hosts and the rules of a command line, as often as it takes. Raises OperatorError the first time."""

    def __init__(self, args: argparse.Namespace, warn: Callable[[str], None]) -> None:
        self._args = args
        self._warn = warn
        self._asked = secrets.ask(password=args.ask_pass, become_password=args.ask_become_pass)
        self._secrets = _Latest()
        self.transport: Renewed | None = None
        self._signature: frozenset[tuple[str, int, int]] = self._files()
        self.must_read = False  # set by SIGHUP
        self.fleet, self.ruleset, self.asked, self.jobs = self._read()

    @property
    def context(self) -> RunContext:
        """What reports say besides results."""
        return context_of(self.ruleset, self.fleet)

    def again(self) -> Sequence[Job] | None:
        """The hosts anew, or None where nothing has changed or it cannot be read."""
        now = self._files()
        if now == self._signature and not self.must_read:
            return None
        if self.must_read and self.transport is not None:
            self.transport.renew()
        self._signature, self.must_read = now, False
        try:
            self.fleet, self.ruleset, self.asked, self.jobs = self._read()
        except (OperatorError, OSError) as error:
            self._warn(f"the hosts stay as they were: {error}")
            return None
        return self.jobs

    def _read(self) -> tuple[Fleet, Ruleset, Questions, list[Job]]:
        args = self._args
        ruleset = ruleset_of(args, self._warn)
        inventory = load_inventory(args, self._warn)
        resolution = inventory.targets(select_hosts(inventory, args, self._warn), overrides_of(args))
        for warning in resolution.warnings:
            self._warn(warning)
        self._secrets.source = secrets.AskedSecrets(resolution.secrets, self._asked)
        if self.transport is None:
            ssh_config = resolution.ssh_config_file
            self.transport = Renewed(lambda: wiring.transport_of(args, self._secrets, ssh_config, self._warn))
        fleet = Fleet(
            targets=resolution.targets,
            transport=self.transport,
            limits=wiring.limits_of(args),
            width=wiring.width_of(args, resolution.targets, self._warn),
            matches=inventory.matcher,
            variables=inventory.hostvars,
            ssh_config=resolution.ssh_config_file,
            place=inventory.source_of,
            origin=inventory.origin,
        )
        asked = questions(args)
        wider = _Wider(asked)
        jobs = [job_of(fleet, ruleset, wider.of_rules, place) for place in range(len(fleet.targets))]
        return fleet, ruleset, asked, jobs

    def _files(self) -> frozenset[tuple[str, int, int]]:
        found = set()
        for path in self._paths():
            try:
                state = path.stat()
            except OSError:
                continue
            found.add((str(path), state.st_mtime_ns, state.st_size))
            if len(found) >= _MOST_FILES:
                break
        return frozenset(found)

    def _paths(self) -> Iterator[Path]:
        args = self._args
        limit = args.limit[1:] if args.limit and args.limit.startswith("@") else None
        files = [args.baseline, limit, *(each[1:] for each in args.extra_vars if each.startswith("@"))]
        yield from (Path(each).expanduser() for each in files if each)
        for source in inventory_sources(args.inventory):
            path = Path(os.path.expandvars(source)).expanduser()
            folder = path if path.is_dir() else path.parent
            yield from path.rglob("*") if path.is_dir() else (path,)
            if not path.is_dir() and path.exists():
                for name in ("group_vars", "host_vars"):
                    yield from (folder / name).rglob("*")


class _Wider:
    """Questions that also ask for the settings which are compared from round to round. Equal ones stay one."""

    def __init__(self, asked: Questions) -> None:
        self._asked = asked
        self._made: dict[int, tuple[Question, Question]] = {}

    def of_rules(self, rules: HostRules) -> Question:
        """The question of these rules and the settings."""
        question = self._asked.of_rules(rules)
        if id(question) not in self._made:
            ids = {probe.id for probe in question.probes} | probes_for(SETTINGS)
            probes = tuple(
                probe for probe in self._asked.probes if probe.id in ids and set(probe.params) <= question.params.keys()
            )
            wider = replace(question, probes=probes, domains=question.domains | SETTINGS)
            self._made[id(question)] = (question, wider)
        return self._made[id(question)][1]
