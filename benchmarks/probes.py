"""What a full audit costs a host: CPU, programs started and processes in all, in a namespace with ten listeners."""

from __future__ import annotations

import os
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


def once(command: list[str], text: bytes, done: bytes) -> float:
    """Seconds of CPU of the shell and all that it started. Standard input stays open until the answer is whole."""
    shell = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert shell.stdin is not None
    assert shell.stdout is not None
    shell.stdin.write(text)
    shell.stdin.flush()
    answer = b""
    while done not in answer[-4096:]:
        part = os.read(shell.stdout.fileno(), 1 << 16)
        if not part:
            raise SystemExit(f"the payload ended early: {answer[-300:]!r}")
        answer += part
    shell.stdin.close()
    _, _, usage = os.wait4(shell.pid, 0)
    shell.returncode = 0
    shell.stdout.close()
    return usage.ru_utime + usage.ru_stime


def figures(scratch: Path, *, quick: bool) -> list[Figure]:
    """CPU as the median of many runs; programs and processes as the kernel's tracer counts them in one."""
    text, done = payload()
    with host(scratch) as inside:
        shell = shutil.which("dash") or "/bin/sh"
        runs = [once([*inside, shell, "-s"], text, done) for _ in range(3 if quick else 20)]
        figures = [Figure("full audit on a host, CPU", statistics.median(runs) * 1000, "ms", 40)]
        if shutil.which("strace"):
            log = scratch / "strace"
            trace = ["strace", "-f", "-qq", "-e", "trace=execve,clone,clone3,fork,vfork", "-o", str(log)]
            once([*inside, *trace, shell, "-s"], text, done)
            lines = log.read_text(errors="replace").splitlines()
            programs = sum(1 for line in lines if re.search(r"execve\(.*\) = 0$", line)) - 1
            forks = sum(
                1
                for line in lines
                if re.search(r"(clone3?|v?fork)\(.*= [0-9]+$|<\.\.\. (clone3?|v?fork) resumed.*= [0-9]+$", line)
            )
            figures.append(Figure("full audit on a host, programs started", programs, "", 20))
            figures.append(Figure("  processes in all, subshells included", forks, ""))
    clock = time.perf_counter()
    load_ruleset()
    figures.append(Figure("loading and checking all rules, uncached", (time.perf_counter() - clock) * 1000, "ms"))
    return figures
