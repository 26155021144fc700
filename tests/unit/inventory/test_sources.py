"""Sources: what ``-i`` may name, how a file's form is found, and whose fault is reported."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from netaudit.errors import InventoryError
from netaudit.inventory import default_sources, load, sources


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test reads from an empty current directory."""
    monkeypatch.chdir(tmp_path)


def write(files: dict[str, str]) -> None:
    """Files by their path."""
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("files", "error"),
    [
        ({"hosts": "[web]\na b\n"}, "hosts:2: 'b' is not key=value (one host a line; after it come key=value words)"),
        ({"hosts": "all:\n  hosts: [a]\n"}, "hosts:2:3: 'hosts' of group 'all' must be a mapping, not a list"),
        ({"hosts": "all:\n  hosts: {a: }\n b\n"}, "hosts:3:2: is not YAML: did not find expected key"),
        ({"hosts.yml": "[web]\na b\n"}, "hosts.yml:2: 'b' is not key=value"),
        ({"hosts.yml": "web:\n a b\n"}, "hosts.yml:1:1: 'web' is skipped"),
        ({"hosts.ini": "all:\n  hosts:\n"}, "hosts.ini:1: host 'all:' ends in a colon"),
        ({"hosts.yml": "a: {b: "}, "hosts.yml:2:1: is not YAML"),
    ],
)
def test_fault_is_that_of_the_form_that_was_meant(files: dict[str, str], error: str) -> None:
    """A file that fits no form is refused with the fault of the form it looks like."""
    write(files)
    try:
        said = "\n".join(load(list(files)).warnings)
    except InventoryError as caught:
        said = str(caught)
    assert said.startswith(error)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("nowhere", "nowhere: no such inventory file or directory (a host is given as 'nowhere,')"),
        ("empty", "empty: holds no inventory file (names that end in .md, .txt, .cfg, .bak and the like are left out)"),
        ("latin.yml", "latin.yml:2: is not UTF-8: byte 0xe9 (save it as UTF-8)"),
    ],
)
def test_source_that_cannot_be_read(source: str, error: str) -> None:
    """A source that is not there, holds nothing, or is no text, is refused; nothing is read in its place."""
    Path("empty/group_vars").mkdir(parents=True)
    Path("empty/notes.md").write_text("x [", "utf-8")
    Path("latin.yml").write_bytes(b"all:\n  vars: {x: caf\xe9}\n")
    with pytest.raises(InventoryError) as caught:
        load(["localhost,", source])
    assert str(caught.value) == error


def test_empty_file_is_an_inventory_without_hosts() -> None:
    """An empty file, with or without an ending, has no hosts and is no error."""
    write({"hosts": "", "hosts.yml": "# nothing yet\n"})
    assert load(["hosts", "hosts.yml"]).hosts == ()


def test_one_bad_file_refuses_the_whole_directory() -> None:
    """Nothing of a directory is audited when one of its files cannot be read."""
    write({"d/a": "good\n", "d/b": "bad one\n"})
    with pytest.raises(InventoryError, match=r"d/b:1: 'one' is not key=value"):
        load(["d"])


def test_subdirectory_without_inventory_is_a_warning() -> None:
    """A subdirectory that holds nothing to read is passed over with a warning."""
    write({"d/a": "good\n", "d/sub/notes.txt": ""})
    inventory = load(["d"])
    assert (inventory.hosts, inventory.warnings) == (("good",), ("d/sub: holds no inventory file",))


@pytest.mark.parametrize("name", ["a.pyc", "a.pyo", "a.swp", "a.bak", "a.rpm", "a.md", "a.txt", "a.rst", "a.orig",
                                  "a.cfg", "a.retry", "a~", ".a", "vars_plugins"])  # fmt: skip
def test_name_is_left_out_of_a_directory(name: str) -> None:
    """Backups, notes, configuration and hidden files are no inventory."""
    write({"d/hosts": "good\n", f"d/{name}": "not an inventory [\n"})
    assert load(["d"]).hosts == ("good",)


def test_file_over_the_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is never read beyond the bound, an endless one neither."""
    monkeypatch.setattr(sources, "MAX_FILE_BYTES", 2**20)
    with pytest.raises(InventoryError, match="/dev/zero: is larger than 1 MiB"):
        load(["/dev/zero"])


def test_pipe_in_a_directory_does_not_hang() -> None:
    """A pipe among inventory files is refused rather than waited for."""
    write({"d/a": "good\n"})
    os.mkfifo("d/pipe")
    with pytest.raises(InventoryError, match="d/pipe: is not a regular file"):
        load(["d"])


def test_home_and_variables_are_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A source may begin with ``~`` and hold ``$NAME``."""
    write({"fleet/hosts": "a\n"})
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FLEET", "fleet")
    assert load(["~/$FLEET/hosts"]).hosts == ("a",)


def test_default_is_the_inventory_directory_when_it_holds_one() -> None:
    """Without ``-i``, ``inventory/`` counts if there is something in it to read."""
    write({"inventory/README.md": "x", "elsewhere": "a\n"})
    assert default_sources({"ANSIBLE_INVENTORY": "elsewhere"}) == ("elsewhere",)
    write({"inventory/hosts": "a\n"})
    assert default_sources({"ANSIBLE_INVENTORY": "elsewhere"}) == ("inventory",)


@pytest.mark.parametrize(
    ("value", "expected"), [("", ()), ("one", ("one",)), ("one,two", ("one", "two")), ("h1,h2", ("h1,h2",))]
)
def test_environment_names_paths_or_hosts(value: str, expected: tuple[str, ...]) -> None:
    """ANSIBLE_INVENTORY is a path, several of them with commas between, or a list of hosts."""
    write({"one": "", "two": ""})
    assert default_sources({"ANSIBLE_INVENTORY": value}) == expected


def test_examples_are_no_default_inventory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples that lie in ``inventory/`` of the repository are not taken for a fleet, and can be read."""
    root = Path(__file__).parents[3]
    monkeypatch.chdir(root)
    assert default_sources({}) == ()


def test_list_of_many_hosts_is_no_path() -> None:
    """A list of hosts may be longer than any path."""
    names = [f"host{number}.example.net" for number in range(500)]
    assert load([",".join(names)]).hosts == tuple(names)


@pytest.mark.parametrize("example", ["fleet.yaml.txt", "fleet.ini.txt"])
def test_example_says_the_same_in_both_forms(example: str) -> None:
    """Both examples, copied as their README says, are the same fleet."""
    folder = Path(__file__).parents[3] / "inventory" / "examples"
    copy = Path(example.removesuffix(".txt"))
    copy.write_bytes((folder / example).read_bytes())
    shutil.copytree(folder / "group_vars", "group_vars")
    inventory = load([str(copy)])
    assert len(inventory.select("site")) == 16
    found = {target.name: target for target in inventory.targets(inventory.select("all")).targets}
    assert found["probe"].address == "2001:db8::10"
    assert found["web-canary.example.net"].ssh.port == 2222
    assert found["web01.example.net"].vars["netaudit_vars"] == {"new_conn_per_s": 8000}
    assert found["db-a.example.net"].ssh.jumps == ("jump@bastion.example.net",)
    assert all(target.become and target.ssh.user == "audit" for target in found.values())
