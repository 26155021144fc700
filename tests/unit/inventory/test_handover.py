"""What is handed to an installed Ansible: plugin files, encrypted files, vaulted values.

The programs are stand-ins that print what the real ones print; what matters is when they are called, how, and what
becomes of their answers.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netaudit.errors import InventoryError
from netaudit.inventory import handover, load, render

LISTING = {
    "_meta": {
        "hostvars": {
            "w1": {"ansible_host": "192.0.2.1", "u": {"__ansible_unsafe": "{{ x }}"}, "n": 5},
            "alone": {"x": 1},
        },
        "profile": "inventory_legacy",
    },
    "all": {"children": ["ungrouped", "web", "empty"]},
    "web": {"hosts": ["w2", "w1"], "children": ["cache"]},
    "cache": {"hosts": ["c1"]},
    "ungrouped": {"hosts": ["alone"]},
}


@pytest.fixture(autouse=True)
def _plugin_file_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current directory has a plugin's file, an encrypted one, and an empty folder as PATH."""
    monkeypatch.chdir(tmp_path)
    Path("cloud.yml").write_text("# the cloud\nplugin: amazon.aws.aws_ec2\n", "utf-8")
    Path("plain").write_text("p1\n", "utf-8")
    Path("sealed").write_text("$ANSIBLE_VAULT;1.1;AES256\n3131\n", "utf-8")
    Path("bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    handover.decrypt.cache_clear()


def program(name: str, body: str) -> None:
    """A program in PATH that notes how it was called."""
    path = Path("bin", name)
    path.write_text(
        f'#!/bin/sh\nPATH=/usr/bin:/bin\nprintf "%s\\n" "$*" >> {Path("called").absolute()}\n{body}\n', "utf-8"
    )
    path.chmod(0o755)


def printing(answer: object) -> str:
    """The body of a program that prints JSON."""
    return f"cat <<'END'\n{json.dumps(answer)}\nEND"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("cloud.yml", "cloud.yml:2:1: uses the inventory plugin 'amazon.aws.aws_ec2', which takes the program"),
        ("sealed", "sealed: is encrypted by ansible-vault, which takes the program"),
    ],
)
def test_without_ansible_the_error_says_how_to_get_it(source: str, problem: str) -> None:
    """A source that only Ansible can read names the program, the place and how to install it."""
    with pytest.raises(InventoryError) as caught:
        load(["plain", source])
    assert str(caught.value).startswith(problem)
    assert "pip install ansible-core" in str(caught.value)


def test_answer_is_taken_whole() -> None:
    """All sources go to ansible-inventory together, and groups, order and variables are those of its answer."""
    program("ansible-inventory", printing(LISTING))
    inventory = load(["plain", "a,b", "cloud.yml"], extra_vars={"n": 6})
    here = Path.cwd()
    assert Path("called").read_text("utf-8") == (
        f"--inventory {here}/plain --inventory a,b --inventory {here}/cloud.yml --list\n"
    )
    assert inventory.select("all") == ("alone", "w2", "w1", "c1")
    assert render.as_list(inventory) == {
        "_meta": {
            "hostvars": {
                "alone": {"x": 1, "n": 6},
                "c1": {"n": 6},
                "w1": {"ansible_host": "192.0.2.1", "u": {"__ansible_unsafe": "{{ x }}"}, "n": 6},
                "w2": {"n": 6},
            }
        },
        "all": {"children": ["ungrouped", "web", "empty"]},
        "cache": {"hosts": ["c1"]},
        "ungrouped": {"hosts": ["alone"]},
        "web": {"hosts": ["w2", "w1"], "children": ["cache"]},
    }


def test_encrypted_vars_file_hands_over_too() -> None:
    """An encrypted file in group_vars is Ansible's to read; netaudit's own reading of the rest is dropped."""
    Path("group_vars").mkdir()
    Path("group_vars/all.yml").write_bytes(Path("sealed").read_bytes())
    program("ansible-inventory", printing({"_meta": {"hostvars": {"p1": {"x": "clear"}}}, "all": {"children": []}}))
    assert load(["plain"]).hostvars("p1") == {"x": "clear"}


def test_half_read_inventory_is_asked_to_fail() -> None:
    """Ansible is told to fail on a source that it cannot parse, which it does not by itself."""
    program(
        "ansible-inventory",
        'echo "[WARNING]: Failed to parse inventory" >&2; exit $ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED',
    )
    with pytest.raises(InventoryError, match=r"ended with exit status 1: .*Failed to parse inventory"):
        load(["cloud.yml"])


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("echo no", "did not print JSON"),
        ("echo []", "printed a list"),
        ("exit 4", "no reason given"),
        ("kill -9 $$", "exit status -9"),
    ],
)
def test_answer_without_sense_is_refused(body: str, problem: str) -> None:
    """Whatever ansible-inventory prints besides its list is an error at the place that needed it."""
    program("ansible-inventory", body)
    with pytest.raises(InventoryError, match=problem) as caught:
        load(["cloud.yml"])
    assert str(caught.value).startswith("cloud.yml:2:1: ansible-inventory")


def test_slow_ansible_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible has its time and no more."""
    monkeypatch.setattr(handover, "INVENTORY_TIMEOUT_S", 0.3)
    program("ansible-inventory", "sleep 60")
    with pytest.raises(InventoryError, match=r"ansible-inventory gave no answer within 0\.3 s"):
        load(["cloud.yml"])


def test_plugin_file_needs_its_ending() -> None:
    """A plugin's file is known by .yml or .yaml; under another name Ansible does not take it."""
    Path("cloud.json").write_text('{"plugin": "x"}', "utf-8")
    with pytest.raises(InventoryError, match=r"configures an inventory plugin .*must end in \.yml"):
        load(["cloud.json"])


SECRET = "all:\n  hosts:\n    h:\n      ansible_password: !vault |\n        $ANSIBLE_VAULT;1.1;AES256\n        3131\n"


def test_vaulted_value_is_decrypted_when_it_is_needed() -> None:
    """A vaulted password is listed as it is, decrypted once for a target, by way of standard input."""
    Path("hosts.yml").write_text(SECRET + "    i: {ansible_password: '{{ hostvars.h.ansible_password }}'}\n", "utf-8")
    program("ansible-vault", "tr 13 ab")
    inventory = load(["hosts.yml"])
    assert render.as_host(inventory, "h") == {
        "ansible_password": {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n3131\n"}
    }
    found = inventory.targets(["h", "i"])
    assert [found.secrets.for_target(one).password for one in found.targets] == [
        "$ANSIBLE_VAULT;a.a;AES256\nbaba\n"
    ] * 2
    assert Path("called").read_text("utf-8") == "decrypt --output -\n"


def test_vaulted_value_that_cannot_be_decrypted() -> None:
    """Without ansible-vault, or when it fails, the error names the place of the value and says what to do."""
    Path("hosts.yml").write_text(SECRET, "utf-8")
    inventory = load(["hosts.yml"])
    with pytest.raises(InventoryError, match=r"^hosts\.yml:4:25: is a vaulted value, and there is no ansible-vault"):
        inventory.targets(["h"])
    program("ansible-vault", "echo '[ERROR]: no vault secrets found' >&2; exit 1")
    with pytest.raises(InventoryError, match=r"no vault secrets found \(ANSIBLE_VAULT_PASSWORD_FILE names the file"):
        inventory.targets(["h"])
