"""Runs one payload again and again where it stands, and prints what the kernel counts for each run.

A program of its own, so that entering the namespaces of a lab host is no part of what is measured.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


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


def main() -> None:
    """``hosted.py RUNS PAYLOAD DONE COMMAND…``: seconds a line, after one run that warms up."""
    runs, payload, done, *command = sys.argv[1:]
    text = Path(payload).read_bytes()
    once(command, text, done.encode())
    for _ in range(int(runs)):
        print(once(command, text, done.encode()))


if __name__ == "__main__":
    main()
