"""Inventories in YAML, JSON and TOML: what is refused, what is skipped with a warning."""

from __future__ import annotations

from pathlib import Path

import pytest

from netaudit.errors import InventoryError
from netaudit.inventory import Inventory, load

AS_KEYS = "write each name as a key: the name, then a colon"


def read(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str = "f.yml") -> Inventory:
    """The inventory of one file, named as if it lay in the current directory."""
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(text, "utf-8")
    return load([name])


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("5: {hosts: {a: }}", "1:1: a group name must be a text, not a number (5) (put it in quotes)"),
        ("on: {hosts: {a: }}", "1:1: a group name must be a text, not a boolean (True) (put it in quotes)"),
        ("'': {hosts: {a: }}", "1:1: a group name is empty"),
        ("all:\n  hosts:\n    5:\n", "3:5: a host name must be a text, not a number (5) (put it in quotes)"),
        ("all:\n  hosts:\n    '':\n", "3:5: a host name is empty"),
        ("all:\n  hosts:\n    a: text\n", "3:5: what stands under host 'a' must be a mapping of variables, not a text"),
        ("all:\n  hosts:\n    w[1:x]:\n", "3:5: the range [1:x] is neither of numbers nor of letters"),
        ("all:\n  hosts:\n  - a\n", f"2:3: 'hosts' of group 'all' must be a mapping, not a list ({AS_KEYS})"),
        ("all:\n  vars: [a]\n", f"2:3: 'vars' of group 'all' must be a mapping, not a list ({AS_KEYS})"),
        ("web:\n  children:\n    db: text\n", "3:5: 'db' is neither a group nor a host"),
        ("web:\n  children:\n    web:\n", "3:5: group 'web' is a child of itself"),
        ("web:\n  vars: {ansible_group_priority: [1]}\n", "2:10: ansible_group_priority must be an integer, not [1]"),
        ("- a\n- b\n", "1:1: an inventory in YAML must be a mapping of groups"),
        ("all:\n  hosts: {a: }\n foo\n", "3:2: is not YAML: did not find expected key"),
    ],
)
def test_fault_is_refused_with_its_place(
    text: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every fault that makes Ansible reject a file is one line with file, line and column."""
    with pytest.raises(InventoryError) as caught:
        read(text, tmp_path, monkeypatch)
    assert str(caught.value) == f"f.yml:{error}"


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("all: {hosts: {a: }}\nweb: text\n", "2:1: 'web' is skipped: a group is a mapping of hosts, children and vars"),
        (
            "all:\n  hosts: {a: }\n  host: {b: }\n",
            "3:3: 'host' in group 'all' is skipped: only hosts, children and vars may stand there",
        ),
        ("all:\n  hosts:\n    a:\n    a:\n", "4:5: key 'a' stands here twice; the last one counts"),
        ("all: {hosts: {web: }, children: {web: }}\n", "1:15: 'web' is the name of both a group and a host"),
    ],
)
def test_oddity_is_a_warning(text: str, warning: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Ansible reads with a warning is read with one."""
    assert f"f.yml:{warning}" in read(text, tmp_path, monkeypatch).warnings


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            '{"all": {"hosts": {"a": 5}}}',
            "f.json: what stands under host 'a' must be a mapping of variables, not a number",
        ),
        ('{"all": {"hosts": \n{"a": {}}', "f.json:2:10: is not JSON: Expecting ',' delimiter"),
    ],
)
def test_json_fault_names_the_file(text: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON keeps no places of keys; a fault in its form has one."""
    with pytest.raises(InventoryError) as caught:
        read(text, tmp_path, monkeypatch, "f.json")
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "f.toml: is empty"),
        ("[web", "f.toml: is not TOML"),
        ("plugin = 'x'", "f.toml: configures an inventory plugin"),
        ("[web.children.db]", "f.toml: 'children' must be a list in TOML, not a mapping"),
        ("[web]\nhosts = ['a']", "f.toml: 'hosts' of group 'web' must be a mapping, not a list"),
    ],
)
def test_toml_fault_names_the_file(text: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A TOML inventory that Ansible rejects is refused."""
    with pytest.raises(InventoryError) as caught:
        read(text, tmp_path, monkeypatch, "f.toml")
    assert str(caught.value).startswith(problem)
