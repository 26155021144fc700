"""Who belongs to whom, before any file is read."""

from __future__ import annotations

import pytest

from netaudit.errors import InventoryError, Where
from netaudit.inventory import graph
from netaudit.inventory.graph import Graph, breadth_first

HERE = Where("hosts", 1)


@pytest.fixture
def diamond() -> Graph:
    """``top`` above ``right`` and ``left``, both of them above ``low``."""
    made = Graph()
    for name in ("top", "right", "left", "low"):
        made.add_group(name, HERE)
    for parent, child in (("top", "right"), ("top", "left"), ("right", "low"), ("left", "low")):
        made.add_child(parent, child, HERE)
    return made


def test_groups_below_come_level_by_level_and_once(diamond: Graph) -> None:
    """In the order in which they were made children, a group with two parents at the first of them."""
    assert list(breadth_first(diamond.groups, "top")) == ["top", "right", "left", "low"]


def test_variables_of_a_name_that_is_a_group_too_are_the_groups(diamond: Graph) -> None:
    """Of a host and a group of one name the group gets them, as with Ansible."""
    diamond.add_host("left", "right", HERE)
    diamond.set_host_vars(["left"], {"x": 1}, HERE)
    assert (diamond.groups["left"].vars, diamond.hosts["left"].vars) == ({"x": 1}, {})


def test_a_rank_is_no_variable(diamond: Graph) -> None:
    """``ansible_group_priority`` ranks the group and is seen by no host."""
    diamond.set_group_var("low", "ansible_group_priority", "7", HERE)
    assert (diamond.groups["low"].priority, diamond.groups["low"].vars) == (7, {})


def test_hosts_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A range that was meant to be narrower stops before the memory does; known hosts may still be named."""
    monkeypatch.setattr(graph, "MAX_HOSTS", 2)
    made = Graph()
    for name in ("a", "b", "a"):
        made.add_host(name, None, HERE)
    with pytest.raises(InventoryError, match="more than 2 hosts"):
        made.add_host("c", None, HERE)
