"""Programs as inventory sources: what counts as an answer, and what ends them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from netaudit.errors import InventoryError
from netaudit.inventory import Inventory, load, programs, script

HOSTS = {"web": {"hosts": ["w1"]}, "_meta": {"hostvars": {}}}


def run_script(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inventory:
    """The inventory of a shell script in the current directory."""
    monkeypatch.chdir(tmp_path)
    Path("inv.sh").write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    Path("inv.sh").chmod(0o755)
    return load(["inv.sh"])


def printing(answer: object) -> str:
    """A script that prints JSON whatever it is called with."""
    return f"cat <<'END'\n{json.dumps(answer)}\nEND"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ([], "printed a list instead of a JSON object (--list)"),
        ({"web": "w1"}, "'hosts' of group 'web' must be a list, not a text"),
        ({"web": {"hosts": None}}, "'hosts' of group 'web' must be a list, not nothing"),
        ({"web": {"hosts": [5]}}, "'hosts' of group 'web' must be a list of texts, not a number"),
        ({"web": {"hosts": [""]}}, "a host name is empty"),
        ({"web": {"vars": []}}, "'vars' of group 'web' must be an object, not a list"),
        ({"web": {"children": "db"}}, "'children' of group 'web' must be a list, not a text"),
        ({"web": {"children": ["web"]}}, "group 'web' is a child of itself"),
        ({"web": {"vars": {"ansible_group_priority": "x"}}}, "ansible_group_priority must be an integer, not 'x'"),
        ({"": {"hosts": []}}, "a group name is empty"),
        ({"_meta": None}, "_meta must be an object, not nothing"),
        ({"_meta": {}}, "_meta.hostvars must be an object, not nothing"),
        ({"_meta": {"hostvars": {}, "profile": "odd"}}, "_meta.profile is 'odd' (known: inventory_legacy)"),
        (
            {"web": ["w1"], "_meta": {"hostvars": {"w1": []}}},
            "the variables of host 'w1' must be an object, not a list",
        ),
    ],
)
def test_answer_without_sense_is_refused(
    answer: object, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that Ansible rejects refuses the source as a whole."""
    with pytest.raises(InventoryError) as caught:
        run_script(printing(answer), tmp_path, monkeypatch)
    assert str(caught.value).startswith("inv.sh: ")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("echo broken >&2; exit 3", "ended with exit status 3 when called with --list: broken"),
        ("kill -9 $$", "ended by signal 9 when called with --list"),
        ("echo '{}'; exit 1", "ended with exit status 1"),
        ("echo hello; echo '{}'", "did not print JSON when called with --list"),
        ("printf '\\377'", "printed text that is not UTF-8 (--list)"),
        ("true", "did not print JSON when called with --list"),
    ],
)
def test_failed_program_is_refused(body: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that fails, or prints anything but JSON, refuses the source."""
    with pytest.raises(InventoryError, match=r"^inv\.sh: inventory script ") as caught:
        run_script(body, tmp_path, monkeypatch)
    assert problem in str(caught.value)


def test_program_in_the_current_directory_is_not_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program named without a slash is the file here, not one of that name in PATH."""
    monkeypatch.setenv("PATH", "/nonexistent")
    assert run_script(printing(HOSTS).replace("cat", "/bin/cat"), tmp_path, monkeypatch).hosts == ("w1",)


def test_standard_error_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program that succeeds says on standard error is passed on, its control characters made visible."""
    inventory = run_script(f"printf 'slow \\033[31mcloud\\n' >&2\n{printing(HOSTS)}", tmp_path, monkeypatch)
    assert inventory.warnings == ("inv.sh: inventory script says: slow \N{REPLACEMENT CHARACTER}[31mcloud",)


def lives(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_too_slow_a_program_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When its time is up, a program and what it started are killed."""
    monkeypatch.setattr(script, "LIST_TIMEOUT_S", 0.3)
    with pytest.raises(InventoryError, match=r"gave no answer within 0\.3 s"):
        run_script("sleep 60 & echo $! > child; sleep 60", tmp_path, monkeypatch)
    child = int(Path("child").read_text("utf-8"))
    deadline = time.monotonic() + 10
    while lives(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not lives(child)


def test_too_much_output_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that prints without end is stopped at the bound."""
    monkeypatch.setattr(programs, "MAX_STDOUT_BYTES", 2**20)
    with pytest.raises(InventoryError, match="printed more than 1 MiB"):
        run_script("exec yes", tmp_path, monkeypatch)


def test_failed_host_call_refuses_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ``_meta``, a failure for one host is a failure of the source."""
    body = 'case "$2" in "") echo \'{"web": ["w1", "w2"]}\' ;; w1) echo {} ;; *) exit 4 ;; esac'
    with pytest.raises(InventoryError, match="ended with exit status 4 when called with --host w2"):
        run_script(body, tmp_path, monkeypatch)


def test_standard_error_is_bounded() -> None:
    """Of standard error just the beginning is kept, however much there is."""
    answer = programs.run(["/bin/sh", "-c", "yes | head -c 300000 >&2; echo done"], 10)
    assert (answer.stdout, len(answer.stderr)) == (b"done\n", programs.MAX_STDERR_BYTES)
