"""A plan as an Ansible playbook, for people who must apply it by other means.

Only modules of ``ansible.builtin`` are used, and each value is looked at before it is changed: a host that no longer is
as it was planned fails before its first change. What Ansible cannot give is the guard: nothing is undone by itself.
All that came from a host stands in ``!unsafe`` texts, which Ansible never takes for a template.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence

from netaudit.errors import PlanError
from netaudit.model.plan import HostPlan, Plan, Step, StepClass
from netaudit.remedy.batches import part_of
from netaudit.remedy.operations import scripts_of
from netaudit.remedy.scripts import FileWrite, StepScript

_VALUE = re.compile(r"[A-Za-z0-9 ,.:_-]*\Z", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z", re.ASCII)


def ansible_playbook(plan: Plan, serial: Sequence[str]) -> str:
    """The playbook: a play for each class and group of equal hosts. Raises PlanError for a name that is a pattern."""
    lines = [
        "---",
        f"# Made by netaudit {plan.version} from plan {plan.digest}, {plan.created_at:%Y-%m-%d %H:%M} UTC.",
        "# It changes what that plan changes, and refuses hosts that are no longer as they were then.",
    ]
    for step_class in StepClass:
        for part, hosts in _alike(part_of(host, step_class) for host in plan.hosts):
            lines += _play(part, hosts, step_class, serial)
    if not any(host.steps for host in plan.hosts):
        lines.append("[]")
    return "\n".join(lines) + "\n"


def _alike(hosts: Iterable[HostPlan]) -> Iterator[tuple[HostPlan, list[str]]]:
    found: dict[str, tuple[HostPlan, list[str]]] = {}
    for host in hosts:
        if host.steps:
            if not _HOST.match(host.host):
                raise PlanError(f"the host {host.host[:80]!r} has a name that Ansible would take for a pattern")
            found.setdefault(repr([_essence(step) for step in host.steps]), (host, []))[1].append(host.host)
    yield from found.values()


def _essence(step: Step) -> tuple[object, ...]:
    return (
        step.operation, sorted(step.arguments.items()), step.namespace, step.before, step.after, step.file, step.checks,
    )  # fmt: skip


def _play(part: HostPlan, hosts: Sequence[str], step_class: StepClass, serial: Sequence[str]) -> list[str]:
    scripts = scripts_of(part)
    lines = [
        "",
        f"- name: {_text(f'{len(part.steps)} changes of class {step_class}')}",
        f"  hosts: {_text(','.join(hosts))}",
        "  gather_facts: false",
        "  become: true",
        f"  serial: [{', '.join(json.dumps(word) if word.endswith('%') else word for word in serial)}]",
        "  any_errors_fatal: true",
        "  tasks:",
    ]
    for step, script in zip(part.steps, scripts.steps, strict=True):
        lines += _look(step, script)
    for step, script in zip(part.steps, scripts.steps, strict=True):
        lines += _change(step, script)
    for file in scripts.files:
        lines += _file(file)
    return lines


def _look(step: Step, script: StepScript) -> list[str]:
    allowed = list(dict.fromkeys((step.before, *script.accepts)))
    return [
        f"    - name: {_unsafe(f'{_subject(step)} is {step.before} or {step.after}')}",
        f"      ansible.builtin.shell: {_unsafe(script.read)}",
        "      register: netaudit_read",
        "      changed_when: false",
        "      check_mode: false",
        "      failed_when: netaudit_read.rc != 0 or netaudit_read.stdout not in netaudit_allowed",
        f"      vars: {{netaudit_allowed: [{', '.join(map(_value, allowed))}]}}",
    ]


def _change(step: Step, script: StepScript) -> list[str]:
    words = "|".join(map(shlex.quote, script.accepts))
    is_so = [f"case $( {script.read} ) in {words}) exit 0 ;; esac"]  # "$((" would be arithmetic
    change = "\n".join((*(is_so if step.operation != "restart" else ()), f"{script.apply} || exit 1", "echo changed"))
    both = [
        f"    - name: {_unsafe(f'{_subject(step)}: {step.before} -> {step.after}')}",
        f"      ansible.builtin.shell: {_unsafe(change)}",
        "      register: netaudit_change",
        "      changed_when: \"'changed' in netaudit_change.stdout\"",
    ]
    back = [
        f"    - name: {_unsafe(f'{_subject(step)} holds')}",
        f"      ansible.builtin.shell: {_unsafe(script.read)}",
        "      register: netaudit_read",
        "      changed_when: false",
        "      failed_when: netaudit_read.rc != 0 or netaudit_read.stdout not in netaudit_allowed",
        f"      vars: {{netaudit_allowed: [{', '.join(map(_value, script.accepts))}]}}",
        "      when: not ansible_check_mode",
    ]
    lasting = []
    if script.persist:
        lasting = [
            f"    - name: {_unsafe(f'{_subject(step)} lasts')}",
            f"      ansible.builtin.shell: {_unsafe(_lasting(step, script))}",
            "      register: netaudit_change",
            "      changed_when: \"'changed' in netaudit_change.stdout\"",
        ]
    return [*both, *back, *lasting]


def _lasting(step: Step, script: StepScript) -> str:
    """The call that keeps a step in a connection, and whether that has become another by it."""
    shown = f"nmcli -g {step.arguments['nm_key']} connection show {step.arguments['nm_uuid']}"
    told = f'[ "$old" = "$({shown})" ] || echo changed'
    return "\n".join((f"old=$({shown}) || exit 1", f"{script.persist} || exit 1", told))


def _file(file: FileWrite) -> list[str]:
    folder = file.path.rpartition("/")[0]
    return [
        f"    - name: {_unsafe(f'{folder} is there')}",
        "      ansible.builtin.file:",
        f"        path: {_unsafe(folder)}",
        "        state: directory",
        f"    - name: {_unsafe(f'{file.path} keeps it')}",
        "      ansible.builtin.copy:",
        f"        dest: {_unsafe(file.path)}",
        f"        content: {_unsafe(file.content)}",
        f'        mode: "{file.mode:04o}"',
    ]


def _subject(step: Step) -> str:
    return f"{step.subject} in netns {step.namespace}" if step.namespace else step.subject


def _value(text: str) -> str:
    """A value as a text. ``!unsafe`` would make a number of ``128``, so a value may hold nothing of a template."""
    if not _VALUE.match(text):
        raise PlanError(f"{text[:80]!r} cannot stand in a playbook")
    return json.dumps(text)


def _text(text: str) -> str:
    return json.dumps(text)


def _unsafe(text: str) -> str:
    return f"!unsafe {json.dumps(text)}"
