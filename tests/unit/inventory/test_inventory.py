"""The inventory as a whole: what it answers beside lists and patterns, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from netaudit.errors import InventoryError
from netaudit.inventory import load, render
from netaudit.inventory.extravars import parse_extra_vars
from netaudit.inventory.graph import LOCAL_NAMES


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test reads from an empty current directory."""
    monkeypatch.chdir(tmp_path)


def test_import_loads_no_parser() -> None:
    """Importing the room brings in neither YAML nor Jinja2, nor what runs programs."""
    heavy = ("yaml", "jinja2", "subprocess", "asyncio")
    code = f"import sys, netaudit.inventory; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_groups_and_members() -> None:
    """Groups know what they list, and all their hosts; a host knows its groups, sorted, without ``all``."""
    Path("hosts").write_text("[z]\na\n[top:children]\nz\nb\n[b]\nc\na\n", "utf-8")
    inventory = load(["hosts"])
    assert inventory.groups["top"].children == ("z", "b")
    assert inventory.members("top") == ("a", "c")
    assert inventory.members("nosuch") == ()
    assert inventory.groups_of("a") == ("b", "top", "z")
    assert str(inventory.source_of("c")) == "hosts:7"


def test_no_source_leaves_this_machine() -> None:
    """Without any source there is no host but the implicit localhost, by each of its names."""
    inventory = load([])
    assert inventory.select("all") == ()
    for name in LOCAL_NAMES:
        assert load([]).select(name) == (name,)
    assert dict(inventory.hostvars("localhost")) == {"ansible_connection": "local"}


def test_variables_cannot_be_changed_by_a_reader() -> None:
    """What ``hostvars`` gives is read-only, and asking twice gives equal answers."""
    inventory = load(["a,"], extra_vars={"x": 1})
    with pytest.raises(TypeError):
        inventory.hostvars("a")["x"] = 2  # type: ignore[index]  # that it cannot is the point
    assert inventory.hostvars("a") == inventory.hostvars("a") == {"x": 1}


def test_two_names_of_this_machine_are_warned_of() -> None:
    """Two hosts that both mean this machine are read with a warning."""
    Path("hosts").write_text("localhost\n127.0.0.1\n", "utf-8")
    assert load(["hosts"]).warnings == ("hosts:2: '127.0.0.1' and 'localhost' both mean this machine",)


def test_loop_through_all_names_its_place() -> None:
    """A group above ``all`` is refused at the line that put it there."""
    Path("hosts").write_text("[x]\na\n[top:children]\nall\n", "utf-8")
    with pytest.raises(InventoryError, match=r"^hosts:4: group 'top' is both above and below group 'all'"):
        load(["hosts"])


def test_host_text_wants_exactly_one_host() -> None:
    """``inventory host`` prints the variables of one host, and refuses none or several."""
    inventory = load(["a,b"], extra_vars={"x": [1]})
    assert render.host_text(inventory, "a") == '{\n    "x": [\n        1\n    ]\n}\n'
    with pytest.raises(InventoryError, match="'all' is 2 hosts"):
        render.host_text(inventory, "all")
    with pytest.raises(InventoryError, match="'nosuch' is 0 hosts"):
        render.host_text(inventory, "nosuch")


def test_limit_narrows_lists() -> None:
    """A limited list has only the hosts that the limit selects."""
    Path("hosts").write_text("[web]\na x=1\nb\n[db]\nc\n", "utf-8")
    inventory = load(["hosts"])
    assert render.as_list(inventory, "a") == {
        "_meta": {"hostvars": {"a": {"x": 1}}},
        "all": {"children": ["ungrouped", "web", "db"]},
        "web": {"hosts": ["a"]},
    }
    assert render.hosts_text(inventory, "all", "!web") == "c\n"


def test_graph_of_a_group() -> None:
    """A tree may start at any group; one that is not there is an error."""
    Path("hosts").write_text("[web]\na\n[top:children]\nweb\n", "utf-8")
    inventory = load(["hosts"])
    assert render.graph_text(inventory, "top") == "@top:\n  |--@web:\n  |  |--a\n"
    with pytest.raises(InventoryError, match="there is no group 'nosuch'"):
        render.graph_text(inventory, "nosuch")


def test_tree_that_branches_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ladder of groups with two parents each stands for more lines than anybody reads."""
    monkeypatch.setattr(render, "MAX_LINES", 10_000)
    rungs = [f"[l{i}:children]\nl{i + 1}\nr{i + 1}\n[r{i}:children]\nl{i + 1}\nr{i + 1}\n" for i in range(20)]
    Path("hosts").write_text("".join(rungs) + "[l20]\n[r20]\na\n", "utf-8")
    with pytest.raises(InventoryError, match="has more than 10000 lines"):
        render.graph_text(load(["hosts"]))


@pytest.mark.parametrize("depth", [500, 3000])
def test_long_chain_of_groups_is_read(depth: int) -> None:
    """Groups may be nested deeper than Python's stack."""
    Path("hosts").write_text(
        "".join(f"[g{i}:children]\ng{i + 1}\n" for i in range(depth)) + f"[g{depth}]\nh\n", "utf-8"
    )
    inventory = load(["hosts"])
    assert inventory.members("g0") == ("h",)
    assert render.graph_text(inventory, f"g{depth - 1}").endswith("--h\n")


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (["a=1 b='x y'", "a=2"], {"a": "2", "b": "x y"}),
        (['{"a": [1, 2.5], "b": null}'], {"a": [1, 2.5], "b": None}),
        (["{a: yes}"], {"a": True}),
        (["@vars.yml", "b=over"], {"a": 5, "b": "over"}),
        (["@empty.yml"], {}),
    ],
)
def test_extra_variables(words: list[str], variables: dict[str, object]) -> None:
    """``-e`` takes words, mappings and files; a later one wins."""
    Path("vars.yml").write_text("a: 5\nb: file\n", "utf-8")
    Path("empty.yml").write_text("", "utf-8")
    assert parse_extra_vars(words) == variables


@pytest.mark.parametrize("word", ["novalue", "1x=2", "[1]", "a='b", "./vars.yml", "@sealed"])
def test_extra_variables_without_sense(word: str) -> None:
    """A word that sets no variable is a usage error."""
    from netaudit.errors import UsageError

    Path("sealed").write_text("$ANSIBLE_VAULT;1.1;AES256\n31\n", "utf-8")
    with pytest.raises(UsageError, match=r"^-e "):
        parse_extra_vars([word])


def test_extra_variables_of_a_broken_file_name_its_place() -> None:
    """A fault in a file of ``-e`` is reported like one in the inventory."""
    Path("vars.yml").write_text("a: [\n", "utf-8")
    with pytest.raises(InventoryError, match=r"^vars\.yml:2:1: is not YAML"):
        parse_extra_vars(["@vars.yml"])
