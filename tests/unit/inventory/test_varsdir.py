"""group_vars and host_vars: faults, and what is never read."""

from __future__ import annotations

from pathlib import Path

import pytest

from netaudit.errors import InventoryError
from netaudit.inventory import load


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test reads from an empty current directory with one host in one group."""
    monkeypatch.chdir(tmp_path)
    Path("i").mkdir()
    Path("i/hosts").write_text("[web]\nw1\n[idle]\n", "utf-8")


def vars_file(name: str, text: str) -> None:
    """A file beside the inventory."""
    Path("i", name).parent.mkdir(parents=True, exist_ok=True)
    Path("i", name).write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("group_vars/web.yml", "- a\n", "1:1: must be a mapping of variables, not a list (write key: value lines)"),
        ("group_vars/all", "a: [\n", "2:1: is not YAML: did not find expected node content"),
        ("host_vars/w1/x.json", '{"a": ]', "1:7: is not JSON: Expecting value"),
        ("host_vars/w1", "a: 1\na b\n", "3:1: is not YAML: could not find expected ':'"),
    ],
)
def test_fault_is_found_when_the_inventory_is_loaded(name: str, text: str, error: str) -> None:
    """A vars file that applies to a host and cannot be read refuses the inventory, with its place."""
    vars_file(name, text)
    with pytest.raises(InventoryError) as caught:
        load(["i/hosts"])
    assert str(caught.value) == f"i/{name}:{error}"


def test_file_of_a_group_without_hosts_is_not_read() -> None:
    """Like Ansible, netaudit leaves alone what applies to nobody."""
    vars_file("group_vars/idle.yml", "a: [\n")
    assert load(["i/hosts"]).hosts == ("w1",)


def test_file_in_place_of_the_directory_is_a_warning() -> None:
    """A file named group_vars is no directory, and says so."""
    vars_file("group_vars", "a: 1\n")
    assert load(["i/hosts"]).warnings == ("i/group_vars: is not a directory, so it is left out",)


def test_host_name_does_not_lead_out_of_the_directory() -> None:
    """A host named after a path upwards has no vars file."""
    vars_file("secret.yml", "x: 1\n")
    Path("i/host_vars").mkdir()
    inventory = load(["i/hosts", "../secret,"])
    assert "x" not in inventory.hostvars("../secret")


def test_directory_of_the_caller_is_not_read() -> None:
    """Variables come from beside the sources; group_vars in the current directory belong to somebody else."""
    Path("group_vars").mkdir()
    Path("group_vars/all.yml").write_text("ansible_ssh_common_args: -o ProxyCommand=evil\n", "utf-8")
    assert dict(load(["i/hosts", "w2,"]).hostvars("w2")) == {}


def test_link_to_an_inventory_counts_where_it_lies() -> None:
    """The directories beside a link count, not those beside the file it leads to."""
    Path("j/group_vars").mkdir(parents=True)
    Path("j/group_vars/web").write_text("x: beside the link\n", "utf-8")
    Path("j/hosts").symlink_to(Path("i/hosts").absolute())
    vars_file("group_vars/web", "x: beside the file\n")
    assert load(["j/hosts"]).hostvars("w1")["x"] == "beside the link"
