"""An inventory of hosts that are known by other means, such as those of stored captures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from netaudit.errors import Where
from netaudit.inventory.graph import Graph
from netaudit.inventory.inventory import Inventory
from netaudit.inventory.values import Value
from netaudit.model.target import Target


def inventory_of(targets: Iterable[Target], source: str, extra_vars: Mapping[str, Value]) -> Inventory:
    """The targets with their groups and variables, for patterns to match against; ``source`` is named in errors."""
    graph, where = Graph(), Where(source)
    for target in targets:
        graph.add_host(target.name, None, where)
        for group in target.groups:
            graph.add_group(group, where)
            graph.add_host(target.name, group, where)
        graph.hosts[target.name].vars.update(target.vars)
    graph.settle()
    return Inventory(graph, None, dict(extra_vars))
