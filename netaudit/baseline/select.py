"""Chooses what is held against one host: its checks with every change applied, and the facts and probes they need.

Hosts with the same changes share one ``HostRules``; compiled checks are shared by all. What reads changes of an
inventory is imported when an inventory has some.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from netaudit.baseline.compiled import Compiled
from netaudit.baseline.drift import judges
from netaudit.baseline.drift_memo import DriftMemo
from netaudit.baseline.kinds import kind_of_value
from netaudit.baseline.memo import Memo, memo_of
from netaudit.baseline.name_list import Lists
from netaudit.baseline.panel import Panels
from netaudit.baseline.reads import all_reads
from netaudit.baseline.schema import Check, Extent, Level, Override, Rules, Waiver, ranked
from netaudit.errors import Where
from netaudit.model.probe import OWN_PREFIX

Matches = Callable[[str], frozenset[str]]
Origin = Callable[[str, str], Where | None]  # of a host's variable: where the inventory sets it, if that is known

VARIABLES = "netaudit_vars"
CHANGES = "netaudit_checks"


@dataclass(frozen=True, slots=True)
class HostCheck:
    """One check as it is for some hosts."""

    compiled: Compiled
    variables: Mapping[str, object]
    waivers: tuple[Waiver, ...] = ()
    skip: str | None = None
    memo: Memo | None = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Give it a memo of its own, which a changed copy does not inherit."""
        made = memo_of(self.compiled.check) if not self.waivers and self.skip is None else None
        object.__setattr__(self, "memo", made)


@dataclass(frozen=True, slots=True)
class HostRules:
    """What some hosts are held against. ``domains`` are fields of Facts, ``probes`` the ids that answer for them."""

    checks: tuple[HostCheck, ...]
    variables: Mapping[str, object]
    domains: frozenset[str]
    judges: Mapping[str, list[HostCheck]]  # the sysctls that checks of settings judge by name
    drifts: DriftMemo = field(default_factory=DriftMemo, compare=False, repr=False)
    panels: Panels = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Make ready to put panels of the checks together."""
        object.__setattr__(self, "panels", Panels(self.checks))

    @property
    def probes(self) -> frozenset[str]:
        """The ids of the probes whose answers the checks need."""
        from netaudit.facts.domains import DOMAINS, probes_for

        return probes_for(self.domains & DOMAINS.keys()) | {f"{OWN_PREFIX}{name}" for name in self.own}

    @property
    def own(self) -> frozenset[str]:
        """The names of a user's own probes that the checks read."""
        if "own" not in self.domains:
            return frozenset()
        reads = (name for check in self.checks if check.skip is None for name in all_reads(check.compiled.check))
        return frozenset(name.split(".")[2] for name in reads if name.startswith("facts.own."))


class Ruleset:
    """A baseline, ready to be used for a fleet. ``lists`` is asked for when an inventory holds expressions."""

    def __init__(
        self, rules: Rules, sha256: str, lists: Callable[[], Lists], extra: frozenset[str] = frozenset()
    ) -> None:
        self.rules = rules
        self.sha256 = sha256
        self.lists = lists
        self._extra = extra  # variables of the command line: nothing of the inventory outranks them
        self._compiled: dict[int, tuple[Check, Compiled]] = {}
        self._made: dict[object, HostRules] = {}
        self._hosts: dict[str, frozenset[str]] = {}
        self._by_id = {check.id: check for check in rules.checks}

    @property
    def name(self) -> str:
        """The baseline's name."""
        return self.rules.name

    def for_host(
        self, name: str, variables: Mapping[str, object], matches: Matches, origin: Origin | None = None
    ) -> HostRules:
        """The rules of one host. ``variables`` are those of its inventory; ``matches`` resolves a host pattern.

        ``origin`` says for errors where a host's variable was set. Raises RuleError when ``netaudit_vars`` or
        ``netaudit_checks`` are not valid, and what ``matches`` raises.
        """
        overrides = tuple(
            place for place, made in enumerate(self.rules.overrides) if self._meant(made.hosts, name, matches)
        )
        waivers = tuple(
            place for place, made in enumerate(self.rules.waivers) if self._meant(made.hosts, name, matches)
        )
        own = {key: variables[key] for key in (VARIABLES, CHANGES) if variables.get(key)}
        key = (overrides, waivers, repr(own))  # as text: 1 is not true, and mappings are shown in their order
        found = self._made.get(key)
        if found is None:
            places = {each: _place(each, name, origin) for each in own}
            found = self._made[key] = self._make(overrides, waivers, own, places)
        return found

    def _meant(self, hosts: str | None, name: str, matches: Matches) -> bool:
        if hosts is None:
            return True
        found = self._hosts.get(hosts)
        if found is None:
            found = self._hosts[hosts] = matches(hosts)
        return name in found

    def _make(
        self,
        overrides: tuple[int, ...],
        waivers: tuple[int, ...],
        own: Mapping[str, object],
        places: Mapping[str, str],
    ) -> HostRules:
        variables = self._variables(own, places)
        changes = [self.rules.overrides[place] for place in overrides] + self._own_changes(own, places)
        leaves = [self.rules.waivers[place] for place in waivers]
        checks = tuple(self._host_check(check, changes, leaves, variables) for check in self.rules.checks)
        return HostRules(checks, variables, domains_read(checks), judges(checks))

    def _variables(self, own: Mapping[str, object], places: Mapping[str, str]) -> Mapping[str, object]:
        if VARIABLES not in own:
            return self.rules.variables
        from netaudit.baseline.changes import set_variables
        from netaudit.baseline.node import Source, of_plain

        kinds = {each: kind_of_value(value) for each, value in self.rules.variables.items()}
        node = of_plain(own[VARIABLES], Source(places[VARIABLES]))
        said = {each: value for each, value in set_variables(node, kinds).items() if each not in self._extra}
        return {**self.rules.variables, **said}

    def _own_changes(self, own: Mapping[str, object], places: Mapping[str, str]) -> list[Override]:
        if CHANGES not in own:
            return []
        from netaudit.baseline.changes import host_changes
        from netaudit.baseline.node import Source, of_plain
        from netaudit.baseline.static import Names

        lists = self.lists()
        kinds = {each: kind_of_value(value) for each, value in self.rules.variables.items()}
        names = Names(kinds, lists.sysctls.and_also(self.rules.sysctl_names), lists.counters)
        return list(host_changes(of_plain(own[CHANGES], Source(places[CHANGES])), self._by_id, names))

    def _host_check(
        self, check: Check, changes: list[Override], leaves: list[Waiver], variables: Mapping[str, object]
    ) -> HostCheck:
        mine = [change for change in changes if change.check == check.id]
        changed, skip = check, None
        for change in mine:
            changed = _changed(changed, change)
            skip = change.skip or skip
            if change.variables:
                variables = {**variables, **{n: v for n, v in change.variables.items() if n not in self._extra}}
        waivers = tuple(waiver for waiver in leaves if fnmatchcase(check.id, waiver.check))
        return HostCheck(self.compiled(changed), variables, waivers, skip)

    def compiled(self, check: Check) -> Compiled:
        """The compiled form of a check, made once."""
        found = self._compiled.get(id(check))
        if found is None:
            found = self._compiled[id(check)] = (check, Compiled(check))
        return found[1]


def _changed(check: Check, change: Override) -> Check:
    """A check with an override applied."""
    if change.severity is None and change.expect is None and change.levels is None:
        return check
    severity = change.severity or check.severity
    expected = [Level(severity, change.expect, is_expect=True)] if change.expect else []
    before = [level for level in check.levels if level.is_expect and not change.expect]
    front = change.levels if change.levels is not None else [level for level in check.levels if not level.is_expect]
    levels = [*front, *before, *expected]
    if change.severity is not None:
        levels = [replace(level, severity=severity) for level in levels]
    return replace(
        check, severity=severity, levels=ranked(tuple(levels)), expected=None if change.expect else check.expected
    )


def domains_read(checks: tuple[HostCheck, ...]) -> frozenset[str]:
    """The domains of the facts that some checks read. What explains an absent sysctl is always among them."""
    found = {"kernel"}
    for check in checks:
        if check.skip is not None:
            continue
        made = check.compiled.check
        if made.extent is Extent.NAMESPACE:
            found.add("namespaces")
        for name in all_reads(made):
            if name.startswith("sysctl:"):
                found.add("sysctl")
            elif name.startswith("facts."):
                found.add(name.split(".")[1])
    return frozenset(found)


def _place(variable: str, host: str, origin: Origin | None) -> str:
    where = origin(host, variable) if origin is not None else None
    said = f"{variable} of {host}"
    return said if where is None else f"{where}: {said}"
