"""Exports hold nothing that another program would take for more than a name or a value."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from netaudit.errors import PlanError
from netaudit.model.plan import HostPlan, Plan, Step, StepClass
from netaudit.remedy.export_ansible import ansible_playbook
from netaudit.remedy.export_files import file_name, shell_files, sysctl_files
from netaudit.remedy.plan_file import sealed

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
FILE = "/etc/sysctl.d/99-zz-netaudit-20261120T150000Z-live.conf"
STEP = Step(
    "sysctl", "net.core.somaxconn", {"key": "net.core.somaxconn"}, "128", "4096", StepClass.LIVE, ("c",), "r", "0" * 64,
    file=FILE, undo="write it back",
)  # fmt: skip
RING = Step(
    "ring", "eth0 rx ring", {"device": "eth0", "which": "rx"}, "512", "1024", StepClass.LINK_FLAP, ("n",), "r", "0" * 64
)  # fmt: skip


def plan(*hosts: HostPlan) -> Plan:
    """The plan of some hosts."""
    return sealed(Plan("", NOW, NOW + timedelta(hours=1), "1.0", "b", "0" * 64, hosts))


def host(name: str, *steps: Step) -> HostPlan:
    """One host."""
    return HostPlan(name, "192.0.2.1", "boot", "0" * 64, steps)


class Loader(yaml.SafeLoader):
    """YAML with Ansible's tag for texts that are no templates."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def test_equal_hosts_share_a_play_and_classes_do_not() -> None:
    """As in the batches of a plan; ``serial`` is that of the plan."""
    text = ansible_playbook(plan(host("a", STEP, RING), host("b", STEP), host("c")), ("1", "10%"))
    plays = yaml.load(text, Loader)
    assert [(play["hosts"], play["serial"]) for play in plays] == [("a,b", [1, "10%"]), ("a", [1, "10%"])]
    assert all(play["become"] and play["any_errors_fatal"] for play in plays)
    modules = {key for play in plays for task in play["tasks"] for key in task if key.startswith("ansible.")}
    assert modules == {"ansible.builtin.shell", "ansible.builtin.copy", "ansible.builtin.file"}


def test_nothing_to_do_is_a_playbook_too() -> None:
    """A list with no play in it."""
    assert yaml.load(ansible_playbook(plan(host("a")), ("1",)), Loader) == []


@pytest.mark.parametrize("name", ["a,b", "web*", "!x", "a:b", "-x", "{{ x }}", "a b", "[1]", "@file"])
def test_a_name_that_is_a_pattern(name: str) -> None:
    """Ansible would change other hosts than meant."""
    with pytest.raises(PlanError, match="take for a pattern"):
        ansible_playbook(plan(host(name, STEP)), ("1",))


def test_a_value_that_may_not_stand_in_a_script() -> None:
    """Whatever form a plan is written in, it is looked at again."""
    wrong = host("a", replace(STEP, after="1; reboot"))
    for write in (lambda: ansible_playbook(plan(wrong), ("1",)), lambda: list(shell_files(plan(wrong)))):
        with pytest.raises(PlanError):
            write()
    with pytest.raises(PlanError):
        list(sysctl_files(plan(wrong)))


@given(st.text(min_size=1, max_size=60))
def test_file_names_stay_in_their_folder(name: str) -> None:
    """Whatever a host is called."""
    made = file_name(name, ".sh")
    assert made.endswith(".sh")
    assert "/" not in made
    assert not made.startswith(".")
    assert made.isascii()
    assert len(made) <= 203


def test_two_hosts_two_files() -> None:
    """Names that differ in odd signs alone do not fall together."""
    assert file_name("a/b", "") != file_name("a_b", "") != file_name("a%2fb", "")


@given(st.text(max_size=30))
def test_comments_of_scripts_are_comments(text: str) -> None:
    """A subject that holds line breaks cannot become a command."""
    made = host("a", replace(STEP, subject=f"x{text}", checks=(f"c{text}",), undo=text))
    for _, script in (*shell_files(plan(made)), *sysctl_files(plan(made))):
        for line in script.splitlines():
            if line.startswith("# 1. "):
                assert line.isascii()
    ((_, script),) = shell_files(plan(made))
    assert subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True).returncode == 0
