"""Every folder under ``cases`` is an inventory with what Ansible makes of it: groups, variables, trees and patterns."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from netaudit.errors import InventoryError
from netaudit.inventory import Inventory, load, render

CASES = sorted((Path(__file__).parent / "cases").iterdir())
# Where several nested groups meet, Ansible's own order of hosts changes from run to run.
ANY_ORDER = {("precedence", "all"), ("yaml_groups", "all")}


def inventory_of(case: Path, monkeypatch: pytest.MonkeyPatch) -> Inventory:
    """The inventory of a case, read as if from its folder."""
    monkeypatch.chdir(case)
    said = json.loads((case / "case.json").read_text("utf-8"))
    return load(said["sources"], extra_vars=said.get("extra_vars"))


def without_wrappers(value: Any) -> Any:
    """The value with infinite numbers as text, which compare with nothing, so that types can be compared as well."""
    if isinstance(value, dict):
        return {key: without_wrappers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_wrappers(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return (type(value).__name__, value)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_list_is_what_ansible_lists(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups, children, hosts and variables are those of ``ansible-inventory --list``, types and order included."""
    listed = json.loads(render.list_text(inventory_of(case, monkeypatch)))
    expected = json.loads((case / "expected.json").read_text("utf-8"))
    assert without_wrappers(listed) == without_wrappers(expected)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_graph_is_what_ansible_draws(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tree is that of ``ansible-inventory --graph``."""
    drawn = render.graph_text(inventory_of(case, monkeypatch))
    assert drawn == (case / "expected_graph.txt").read_text("utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_patterns_select_what_ansible_selects(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pattern, alone and with a limit, selects the hosts of ``ansible --list-hosts`` in their order."""
    inventory = inventory_of(case, monkeypatch)
    different = []
    for row in json.loads((case / "patterns.json").read_text("utf-8")):
        pattern, limit = row["pattern"], row.get("limit")
        try:
            hosts = list(load_again(case, inventory, pattern).select(pattern, limit))
        except InventoryError:
            hosts = ["refused"]
        expected = ["refused"] if row.get("refused") else row["hosts"]
        if (case.name, pattern) in ANY_ORDER:
            hosts, expected = sorted(hosts), sorted(expected)
        if hosts != expected:
            different.append((pattern, limit, hosts, expected))
    assert not different


def load_again(case: Path, inventory: Inventory, pattern: str) -> Inventory:
    """A fresh inventory for patterns with names of this machine, of which the first one used names it from then on."""
    if not any(name in pattern for name in ("localhost", "127.0.0.1", "::1")):
        return inventory
    said = json.loads((case / "case.json").read_text("utf-8"))
    return load(said["sources"], extra_vars=said.get("extra_vars"))
