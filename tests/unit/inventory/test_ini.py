"""INI inventories: what is refused, with the line, and what a reader keeps."""

from __future__ import annotations

import pytest

from netaudit.errors import InventoryError
from netaudit.inventory.graph import Graph
from netaudit.inventory.ini import read_ini


def read(text: str | bytes) -> Graph:
    """The graph of one file."""
    graph = Graph()
    read_ini(graph, text.encode() if isinstance(text, str) else text, "hosts.ini")
    return graph


KEY_VALUE = "one host a line; after it come key=value words"
HEAD = "a head is [group], [group:children] or [group:vars], without spaces"
COLON = "a colon is followed by a port; is this a YAML file without its ending .yml?"
BELONG = "variables belong into [group:vars], host ranges into [group]"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a\nb c\n", f"2: 'c' is not key=value ({KEY_VALUE})"),
        ("a x='b\n", "1: host line cannot be split into words: No closing quotation"),
        ("all:\n", f"1: host 'all:' ends in a colon ({COLON})"),
        ("---\n", "1: '---' begins a YAML file, not an INI one"),
        ('""\n', "1: a host name is empty"),
        ("w[1:x]\n", "1: the range [1:x] is neither of numbers nor of letters"),
        ("a x={{ 1 }}\n", f"1: '1' is not key=value ({KEY_VALUE})"),
        ("[a b]\n", f"1: '[a b]' is not the head of a section ({HEAD})"),
        ("[a:boys]\n", "1: section [a:boys] is of an unknown kind (use :children or :vars)"),
        (
            "[a:vars]\nx=1\n",
            "1: [a:vars] sets variables of the group 'a', which is declared nowhere (add a section [a])",
        ),
        ("[a:children]\nb\n", "2: [a:children] names the group 'b', which is declared nowhere (add a section [b])"),
        ("[a:children]\nb x=1\n[b]\n", f"2: 'b x=1' is not the name of a group ({BELONG})"),
        ("[a]\n[a:vars]\nx\n", "3: 'x' is not key=value"),
        ("[all:vars]\nansible_group_priority=x\n", "2: ansible_group_priority must be an integer, not 'x'"),
        ("[a:children]\na\n[a]\n", "2: group 'a' is a child of itself"),
        ("[a:children]\nb\n[b:children]\na\n", "4: group 'a' is both above and below group 'b'"),
        ("\ufeff[a]\n", "1: begins with a byte order mark (save it as UTF-8 without one)"),
    ],
)
def test_fault_is_refused_with_its_line(text: str, error: str) -> None:
    """Every fault that makes Ansible reject a file is one line with file and line."""
    with pytest.raises(InventoryError) as caught:
        read(text)
    assert str(caught.value) == f"hosts.ini:{error}"


def test_value_that_python_cannot_take_is_refused() -> None:
    """A braced template of a literal is a set of sets to Python, which Ansible trips over as well."""
    with pytest.raises(InventoryError, match=r"hosts\.ini:2: the value '\{\{ 1 \}\}' looks like a Python literal"):
        read("[all:vars]\nx={{ 1 }}\n")


def test_group_declared_later_keeps_the_order_of_declaration() -> None:
    """Children that are declared after their parent come in the order of their own sections."""
    graph = read("[top:children]\nb\na\n[a]\n[b]\n")
    assert list(graph.groups["top"].children) == ["a", "b"]


def test_bytes_that_are_not_utf8_stay_where_they_are() -> None:
    """Latin-1 in a comment or a value does not keep a file from being read."""
    graph = read(b"# caf\xe9\nweb1 owner=andr\xe9 port=22\n")
    assert graph.hosts["web1"].vars == {"owner": "andr\udce9", "port": 22}


def test_place_of_connection_variables_is_kept() -> None:
    """A variable that decides how a host is reached remembers its line."""
    graph = read("[web]\nw1 x=1 ansible_host=192.0.2.1\n[web:vars]\n\nansible_user=root\n")
    assert str(graph.hosts["w1"].origins["ansible_host"]) == "hosts.ini:2"
    assert str(graph.groups["web"].origins["ansible_user"]) == "hosts.ini:5"
    assert "x" not in graph.hosts["w1"].origins


def test_invalid_group_name_is_kept_with_a_warning() -> None:
    """A group name that is no variable name is warned of once, and kept."""
    graph = read("[web-1]\na\n[web-1]\nb\n")
    assert list(graph.groups["web-1"].hosts) == ["a", "b"]
    assert graph.warnings == [
        "hosts.ini:1: group name 'web-1' has characters that Ansible calls invalid; it is kept as it is"
    ]
