"""Where somebody has said, for some hosts only, what is expected of a check: what a report of a failure points at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from netaudit.baseline.reads import all_reads
from netaudit.baseline.select import CHANGES, VARIABLES, Ruleset
from netaudit.cli.asking.run_request import Fleet
from netaudit.errors import Where
from netaudit.model.context import Decision

_DECIDING = {"expect", "levels", "vars"}  # keys of a change that say what is expected

Near = Callable[[Where], Where]


def decisions_of(ruleset: Ruleset, fleet: Fleet, near: Near) -> tuple[Decision, ...]:
    """What of inventory and overrides says what is expected of which checks on which hosts, the strongest first."""
    said: dict[tuple[Where, frozenset[str]], list[str]] = {}
    weak: dict[tuple[Where, frozenset[str]], list[str]] = {}
    readers = _readers(ruleset)
    ids = [check.id for check in ruleset.rules.checks]
    for target in fleet.targets if fleet.origin else ():
        variables = fleet.variables(target.name)
        for name, found, into in (
            (CHANGES, _changed(variables, ids), said),
            (VARIABLES, _read(variables, readers), weak),
        ):
            where = fleet.origin(target.name, name) if found and fleet.origin else None
            if where is not None and where.line:
                into.setdefault((near(where), found), []).append(target.name)
    return *_made(said), *_overrides(ruleset, fleet, near), *_made(weak)


def _made(found: Mapping[tuple[Where, frozenset[str]], Sequence[str]]) -> Iterable[Decision]:
    return (Decision(where, checks, frozenset(hosts)) for (where, checks), hosts in found.items())


def _overrides(ruleset: Ruleset, fleet: Fleet, near: Near) -> list[Decision]:
    """One for each place, the last one first: it is what counts where several are for the same host."""
    names = frozenset(target.name for target in fleet.targets)
    found: dict[tuple[Where, frozenset[str]], set[str]] = {}
    for made in ruleset.rules.overrides:
        if made.where is None or not (made.expect or made.levels is not None or made.variables):
            continue
        hosts = names if made.hosts is None else names & fleet.matches(made.hosts)
        if hosts:
            found.setdefault((near(made.where), hosts), set()).add(made.check)
    return [Decision(where, frozenset(checks), hosts) for (where, hosts), checks in reversed(found.items())]


def _readers(ruleset: Ruleset) -> Mapping[str, frozenset[str]]:
    """The checks that read each variable of the baseline."""
    found: dict[str, set[str]] = {}
    for check in ruleset.rules.checks:
        for name in all_reads(check):
            if name.startswith("vars."):
                found.setdefault(name.removeprefix("vars."), set()).add(check.id)
    return {name: frozenset(checks) for name, checks in found.items()}


def _changed(variables: Mapping[str, object], ids: Sequence[str]) -> frozenset[str]:
    """The checks of which ``netaudit_checks`` says what is expected."""
    changes = variables.get(CHANGES)
    if not isinstance(changes, Mapping):
        return frozenset()
    globs = [str(glob) for glob, change in changes.items() if isinstance(change, Mapping) and _DECIDING & change.keys()]
    return frozenset(name for name in ids for glob in globs if name == glob or fnmatchcase(name, glob))


def _read(variables: Mapping[str, object], readers: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The checks that read something of what ``netaudit_vars`` sets."""
    said = variables.get(VARIABLES)
    if not isinstance(said, Mapping):
        return frozenset()
    return frozenset(check for name in said for check in readers.get(str(name), ()))
