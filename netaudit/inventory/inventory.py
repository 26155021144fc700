"""The inventory as read: groups, hosts, the variables each host ends up with, and what a pattern selects.

Nothing here changes once an inventory is loaded; variables are combined when a host is asked for, and the part that
hosts of the same groups share is combined once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from netaudit.errors import InventoryError, Where
from netaudit.inventory.graph import LOCAL_NAMES, Graph, breadth_first
from netaudit.inventory.patterns import Matcher, Selection, read_pattern_file
from netaudit.inventory.values import Value, Vars

if TYPE_CHECKING:
    from netaudit.inventory.targets import Overrides, Resolution
    from netaudit.inventory.varsdir import VarsDirs, VarsFile


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """One group: the hosts and children that it lists itself, in order."""

    name: str
    hosts: tuple[str, ...]
    children: tuple[str, ...]


class Inventory:
    """Everything that the sources say. Made by ``load``."""

    def __init__(self, graph: Graph, dirs: VarsDirs | None, extra_vars: Mapping[str, Value]) -> None:
        self._graph = graph
        self._extra_vars = dict(extra_vars)
        self.groups: Mapping[str, GroupEntry] = MappingProxyType(
            {name: GroupEntry(name, tuple(group.hosts), tuple(group.children)) for name, group in graph.groups.items()}
        )
        self.hosts: tuple[str, ...] = tuple(graph.hosts)  # in the order of their first mention
        self._ranks = {name: (depth, graph.groups[name].priority, name) for name, depth in _depths(graph).items()}
        self._above: dict[str, set[str]] = {}
        self._members = _Members(graph)
        self._matcher = Matcher(self._members, graph.hosts, graph.localhost, read_pattern_file)
        self._shared: dict[tuple[str, ...], Vars] = {}
        self._dirs = dirs
        self._group_files: dict[tuple[str, ...], tuple[VarsFile, ...]] = {}
        self._host_files: dict[str, tuple[VarsFile, ...]] = {}
        for host in self.hosts:  # a fault in a file of theirs is found now
            self._files_of_groups(self._ranked_groups(host))
            self._files_of_host(host)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What Ansible would warn of, a line each, with its place."""
        return tuple(self._graph.warnings)

    def selection(self, pattern: str = "all", limit: str | None = None) -> Selection:
        """The hosts of a pattern, each once and in Ansible's order, and a warning for each part without a match."""
        return self._matcher.select(pattern, limit)

    def select(self, pattern: str = "all", limit: str | None = None) -> tuple[str, ...]:
        """The hosts of a pattern that the limit, if any, selects too; each once, in Ansible's order."""
        return self.selection(pattern, limit).hosts

    def matcher(self, pattern: str) -> frozenset[str]:
        """The names of all hosts that a pattern selects; a name that matches nothing is no error."""
        return frozenset(self._matcher.select(pattern).hosts)

    @property
    def all_members(self) -> Mapping[str, Sequence[str]]:
        """All groups, each with all its hosts, those of the groups below it included."""
        return self._members

    def members(self, group: str) -> tuple[str, ...]:
        """All hosts of a group and of the groups below it; none when there is no such group."""
        return self._members.get(group, ())

    def groups_of(self, host: str) -> tuple[str, ...]:
        """The groups that a host is in, directly or through a child group, sorted by name; ``all`` is left out."""
        return tuple(sorted(self._ranked_groups(host)))

    def hostvars(self, host: str) -> Mapping[str, Value]:
        """All variables of a host, the strongest source winning; templates as they were written."""
        variables = dict(self._shared_vars(self._ranked_groups(host)))
        variables.update(self._own_vars(host))
        for file in self._files_of_host(host):
            variables.update(file.vars)
        variables.update(self._extra_vars)
        return MappingProxyType(variables)

    def origin(self, host: str, variable: str) -> Where | None:
        """Where the value that a host ends up with was set; None when the variable or its place is not known."""
        if variable in self._extra_vars:
            return Where("--extra-vars")
        for origins in self._origins(host):
            if variable in origins:
                return origins[variable]
        return None

    def source_of(self, host: str) -> Where:
        """Where a host is first mentioned."""
        entry = self._graph.hosts.get(host)
        return entry.where if entry else Where("")

    def targets(self, names: Iterable[str], overrides: Overrides | None = None) -> Resolution:
        """Where these hosts are and how they are reached, with the passwords apart. Raises InventoryError."""
        from netaudit.inventory.targets import Overrides, resolve

        return resolve(self, names, overrides or Overrides())

    def _ranked_groups(self, host: str) -> tuple[str, ...]:
        """All groups of a host but ``all``, the weakest first: by depth, then priority, then name."""
        entry = self._graph.hosts.get(host)
        if entry is None:
            if host in LOCAL_NAMES:
                return ()
            raise InventoryError(f"there is no host {host!r} in the inventory")
        direct = tuple(entry.groups)
        found = set(direct).union(*map(self._ancestors, direct)) - {"all"}
        return tuple(sorted(found, key=self._ranks.__getitem__))

    def _ancestors(self, group: str) -> set[str]:
        found = self._above.get(group)
        if found is None:
            found = self._above[group] = self._graph.ancestors(group)
        return found

    def _own_vars(self, host: str) -> Mapping[str, Value]:
        entry = self._graph.hosts.get(host)
        return {"ansible_connection": "local"} if entry is None else entry.vars

    def _shared_vars(self, groups: tuple[str, ...]) -> Vars:
        """What all hosts of just these groups have in common: group variables, then the files of ``group_vars``."""
        shared = self._shared.get(groups)
        if shared is None:
            shared = {}
            for name in ("all", *groups):
                shared.update(self._graph.groups[name].vars)
            for file in self._files_of_groups(groups):
                shared.update(file.vars)
            self._shared[groups] = shared
        return shared

    def _files_of_groups(self, groups: tuple[str, ...]) -> tuple[VarsFile, ...]:
        """The vars files of ``all`` and of these groups, the weakest first."""
        found = self._group_files.get(groups)
        if found is None:
            dirs = self._dirs
            found = () if dirs is None else (*dirs.group_vars(("all",)), *dirs.group_vars(groups))
            self._group_files[groups] = found
        return found

    def _files_of_host(self, host: str) -> tuple[VarsFile, ...]:
        found = self._host_files.get(host)
        if found is None:
            found = () if self._dirs is None else tuple(self._dirs.host_vars(host))
            self._host_files[host] = found
        return found

    def _origins(self, host: str) -> Iterator[Mapping[str, Where]]:
        """The places of a host's variables, the strongest source first."""
        for file in reversed(self._files_of_host(host)):
            yield file.origins
        entry = self._graph.hosts.get(host)
        if entry is not None:
            yield entry.origins
        groups = self._ranked_groups(host)
        for file in reversed(self._files_of_groups(groups)):
            yield file.origins
        for name in (*reversed(groups), "all"):
            yield self._graph.groups[name].origins


def _depths(graph: Graph) -> dict[str, int]:
    """How deep each group lies below ``all``, by its longest path."""
    depths = dict.fromkeys(graph.groups, 0)
    waiting = {name: len(group.parents) for name, group in graph.groups.items()}
    ready = [name for name, count in waiting.items() if count == 0]
    while ready:
        name = ready.pop()
        for child in graph.groups[name].children:
            depths[child] = max(depths[child], depths[name] + 1)
            waiting[child] -= 1
            if waiting[child] == 0:
                ready.append(child)
    return depths


class _Members(Mapping[str, tuple[str, ...]]):
    """All hosts of each group, gathered when a group is asked for."""

    def __init__(self, graph: Graph) -> None:
        self._groups = graph.groups
        self._known: dict[str, tuple[str, ...]] = {}

    def __getitem__(self, group: str) -> tuple[str, ...]:
        if group not in self._known:
            hosts: dict[str, None] = {}
            for name in breadth_first(self._groups, group):
                hosts.update(self._groups[name].hosts)
            self._known[group] = tuple(hosts)
        return self._known[group]

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)


def load(sources: Sequence[str], *, extra_vars: Mapping[str, Value] | None = None) -> Inventory:
    """The inventory of all sources, later ones winning. Raises InventoryError with the place of the first fault.

    A source that only Ansible can read is handed, together with all others, to an installed ``ansible-inventory``.
    """
    from netaudit.inventory.sources import NeedsAnsible, expanded, read_sources
    from netaudit.inventory.varsdir import VarsDirs

    given = dict(extra_vars or {})
    sources = [expanded(source) for source in sources if source]
    graph = Graph()
    try:
        read_sources(graph, sources)
        return Inventory(graph, VarsDirs(graph, sources), given)
    except NeedsAnsible as need:
        from netaudit.inventory.handover import read_with_ansible

        return Inventory(read_with_ansible(sources, need), None, given)
    except RecursionError:
        raise InventoryError(f"{', '.join(sources):.200}: is nested too deeply to be read") from None
