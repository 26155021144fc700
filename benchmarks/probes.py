"""What a full audit costs a host: CPU, programs started and processes in all, in a namespace with ten listeners."""

from __future__ import annotations

import re
import secrets
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from figures import Figure

from netaudit.app.rules import Questions
from netaudit.assets.catalogue import load_ruleset
from netaudit.assets.locate import locate
from netaudit.assets.probes import load_probes
from netaudit.lab import Lab, network
from netaudit.wire.bundle import build

LISTENERS = 10
_LISTENER = str(Path(__file__).resolve().parents[1] / "netaudit" / "lab" / "listener.py")
_HOSTED = str(Path(__file__).resolve().with_name("hosted.py"))


def payload() -> tuple[bytes, bytes]:
    """The payload of an audit with default settings, and what its answer ends with."""
    ruleset = load_ruleset()
    rules = ruleset.for_host("localhost", {}, lambda _pattern: frozenset())
    question = Questions(load_probes(locate())).of_rules(rules)
    nonce = secrets.token_hex(16)
    bundle = build(question.probes, nonce=nonce, deadline_s=60, params=question.params)
    return bundle.payload, f"@netaudit {nonce} out done".encode()


@contextmanager
def host(scratch: Path) -> Iterator[list[str]]:
    """A lab host with listeners; the command that runs something in its namespaces, processes and mounts included."""
    lab = Lab(scratch / "probed")
    lab.up(1, healthy=True)
    listener = None
    try:
        first = min(network.pids_in(network.namespaces_of(lab.prefix)), key=_is_not_init)
        inside = ["nsenter", "--target", str(first), "--all"]
        ports = [str(20000 + number) for number in range(LISTENERS)]
        command = [*inside, sys.executable, "-I", "-S", _LISTENER, "bench", "4096", *ports]
        listener = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert listener.stdout is not None
        listener.stdout.readline()
        yield inside
    finally:
        lab.down()  # ends all that runs in the host, the listener too
        if listener is not None:
            listener.communicate()


def _is_not_init(pid: int) -> bool:
    """False for the first process of a PID namespace: the last of the numbers it has in all of them is 1."""
    status = Path("/proc", str(pid), "status").read_text()
    return re.search(r"^NSpid:.*\t1$", status, re.MULTILINE) is None


def runs_of(inside: list[str], scratch: Path, text: bytes, done: bytes, *command: str, runs: int) -> list[float]:
    """Seconds of CPU of each run of a payload on the host; how it was entered does not count."""
    payload = scratch / "payload"
    payload.write_bytes(text)
    program = [sys.executable, "-I", "-S", _HOSTED, str(runs), str(payload), done.decode(), *command]
    printed = subprocess.run([*inside, *program], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [float(line) for line in printed.split()]


def started(log: str) -> tuple[int, int]:
    """Programs and processes in a log of strace, where a call that another process interrupts stands in two lines."""
    programs = len(re.findall(r"(?m)(?:execve\(.*|<\.\.\. execve resumed.*)\) += 0$", log))
    forked = r"(?m)(?:(?:clone3?|v?fork)\(.*|<\.\.\. (?:clone3?|v?fork) resumed.*)\) += [0-9]+$"
    return programs, len(re.findall(forked, log))


def figures(scratch: Path, *, quick: bool) -> list[Figure]:
    """CPU as the median of many runs; programs and processes as the kernel's tracer counts them in one."""
    text, done = payload()
    with host(scratch) as inside:
        shell = shutil.which("dash") or "/bin/sh"
        runs = runs_of(inside, scratch, text, done, shell, "-s", runs=3 if quick else 40)
        figures = [
            Figure("full audit on a host, CPU", statistics.median(runs) * 1000, "ms", 40),
            Figure("  the least of these runs", min(runs) * 1000, "ms"),
        ]
        if shutil.which("strace"):
            log = scratch / "strace"
            trace = ["strace", "-f", "-qq", "-e", "trace=execve,clone,clone3,fork,vfork", "-o", str(log)]
            runs_of(inside, scratch, text, done, *trace, shell, "-s", runs=0)
            programs, processes = started(log.read_text(errors="replace"))
            figures.append(Figure("full audit on a host, programs started", programs - 1, "", 20))
            figures.append(Figure("  processes in all, subshells included", processes, ""))
    clock = time.perf_counter()
    load_ruleset()
    figures.append(Figure("loading and checking all rules, uncached", (time.perf_counter() - clock) * 1000, "ms"))
    return figures
