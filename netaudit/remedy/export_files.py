"""A plan as files, for people who must apply it by other means: sysctl.d files, or a script a host to read and run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from netaudit.model.plan import HostPlan, Plan, Step
from netaudit.remedy.operations import scripts_of
from netaudit.remedy.scripts import FileWrite, HostScripts

_PLAIN = re.compile(r"[^A-Za-z0-9_.-]")


def file_name(host: str, suffix: str) -> str:
    """A file name for a host: what is unusual in its name is written as ``%2f``."""
    plain = _PLAIN.sub(lambda found: "".join(f"%{byte:02x}" for byte in found[0].encode("utf-8", "replace")), host)
    return ("%2e" + plain[1:] if plain.startswith(".") else plain)[:200] + suffix


def sysctl_files(plan: Plan) -> Iterator[tuple[str, str]]:
    """Name and text of a sysctl.d file for each host that has settings to change in its own network namespace."""
    for host in plan.hosts:
        steps = [step for step in host.steps if step.operation == "sysctl" and not step.namespace]
        if steps:
            scripts_of(host)  # looks at every name and value
            yield file_name(host.host, ".conf"), _drop_in(plan, host, steps)


def _drop_in(plan: Plan, host: HostPlan, steps: Sequence[Step]) -> str:
    lines = [f"# {_comment(host.host)}: made by netaudit {plan.version} from plan {plan.digest}."]
    files = dict.fromkeys(step.file for step in steps if step.file)
    lines += [f"# It wins there as {path}" for path in files]
    for step in steps:
        lines.append(f"# {_comment(', '.join(step.checks))}: was {_comment(step.before)}")
        lines.append(f"{step.arguments['key']} = {step.after}")
    return "\n".join(lines) + "\n"


def shell_files(plan: Plan) -> Iterator[tuple[str, str]]:
    """Name and text of a script for each host that has something to do."""
    for host in plan.hosts:
        if host.steps:
            yield file_name(host.host, ".sh"), _script(plan, host, scripts_of(host))


def _script(plan: Plan, host: HostPlan, scripts: HostScripts) -> str:
    """Text for dash, busybox ash and bash: without a word it changes, with ``undo`` it takes back; twice is as once."""
    lines = [
        "#!/bin/sh",
        f"# {_comment(host.host)}: made by netaudit {plan.version} from plan {plan.digest}.",
        "# To be run as root on that host. `sh FILE` makes the changes, `sh FILE undo` takes them back.",
        "# Nothing undoes them by itself: that is what `netaudit fix` is for.",
        "set -u",
        "umask 022",
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C",
        "export PATH LC_ALL",
        "fail() { printf '%s\\n' \"$1\" >&2; exit 1; }",
        "",
    ]
    for place, (step, script) in enumerate(zip(host.steps, scripts.steps, strict=True), 1):
        lines += [
            _comment(f"# {place}. {step.subject}: {step.before} -> {step.after} ({step.step_class})"),
            *_function(f"read_{place}", script.read),
            *_function(f"apply_{place}", script.apply),
            *_function(f"undo_{place}", script.undo),
            *_function(f"persist_{place}", script.persist or ":"),
            *_function(f"unpersist_{place}", script.unpersist or ":"),
            "",
        ]
    lines += ["main() {", *_main(host, scripts), "}", 'main "$@"']
    return "\n".join(lines) + "\n"


def _function(name: str, body: str) -> list[str]:
    return [f"{name}() {{", *(f"    {line}" for line in body.splitlines()), "}"]


def _main(host: HostPlan, scripts: HostScripts) -> list[str]:
    numbers = range(1, len(host.steps) + 1)
    undo = ['    if [ "${1-}" = undo ]; then']
    for place in reversed(numbers):
        undo += [f"        unpersist_{place}; undo_{place} || fail 'step {place} could not be taken back'"]
    undo += [line for file in scripts.files for line in _taken_back(file)]
    undo += ["        exit 0", "    fi"]
    look, change = [], []
    for place, step, script in zip(numbers, host.steps, scripts.steps, strict=True):
        words = "|".join(map(shlex.quote, script.accepts))
        stale = shlex.quote(f"{step.subject} is no longer as it was planned: nothing was changed")
        refused = shlex.quote(f"{step.subject} did not take the new value: take it back with undo")
        look.append(f"    case $(read_{place}) in {shlex.quote(step.before)}|{words}) ;; *) fail {stale} ;; esac")
        if step.operation == "restart":
            change.append(f"    apply_{place} || fail {refused}")
        else:
            change.append(f"    case $(read_{place}) in {words}) ;; *) apply_{place} || fail {refused} ;; esac")
        change.append(f"    case $(read_{place}) in {words}) ;; *) fail {refused} ;; esac")
    keep = [f"    persist_{place}" for place, script in zip(numbers, scripts.steps, strict=True) if script.persist]
    keep += [line for file in scripts.files for line in _written(file)]
    return [*undo, *look, *change, *keep]


def _written(file: FileWrite) -> list[str]:
    """A file put in its place. One that stood there with other words is kept beside it."""
    path, content = shlex.quote(file.path), shlex.quote(file.content)
    return [
        f"    mkdir -p {shlex.quote(file.path.rpartition('/')[0])}",
        f'    if [ "$(cat {path} 2>/dev/null; echo .)" != {content}. ]; then',
        f"        [ ! -e {path} ] || [ -e {path}.before ] || cp -p {path} {path}.before || fail 'cannot keep '{path}",
        f"        printf '%s' {content} >{path}.new || fail 'cannot write '{path}",
        f"        chmod {file.mode:o} {path}.new && mv {path}.new {path} || fail 'cannot write '{path}",
        "    fi",
    ]


def _taken_back(file: FileWrite) -> list[str]:
    path = shlex.quote(file.path)
    return [f"        if [ -e {path}.before ]; then mv {path}.before {path}; else rm -f {path}; fi"]


def _comment(text: str) -> str:
    return re.sub(r"[^ -~]", "?", text)[:200]
