"""What ``--gate CMD`` makes of the command's end."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from netaudit.cli.changing.gate_command import ask


def asked(command: str) -> str | None:
    """The answer of one command."""
    return asyncio.run(ask(command, "run-1", ["web1", "web2"]))


def test_status_zero_opens_the_gate(tmp_path):
    """And the command knows the run and the hosts."""
    assert asked(f'echo "$NETAUDIT_RUN $NETAUDIT_HOSTS" >{tmp_path}/said') is None
    assert "run-1 web1,web2\n" == (tmp_path / "said").read_text()


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("echo one; echo error rate 7 % >&2; exit 3", "the gate command ended with status 3: error rate 7 %"),
        ("exit 1", "the gate command ended with status 1"),
        ("kill -9 $$", "the gate command was ended by signal 9"),
        ("printf '\\033]0;x\\007'; exit 1", "the gate command ended with status 1: \\x1b]0;x\\x07"),
        ("head -c 3000000 /dev/zero | tr '\\0' '\\n'; echo last; exit 1", "the gate command ended with status 1: last"),
        ("cat; exit 4", "the gate command ended with status 4"),
    ],
)
def test_anything_else_closes_it(command, complaint):
    """One line says how it ended, and the last thing it said."""
    assert complaint == asked(command)


def test_a_gate_that_is_given_up_leaves_no_process(tmp_path):
    """The hosts' own deadline does not wait for a command; what it started is ended with it."""

    async def work():
        asking = asyncio.ensure_future(ask(f"sleep 600 & echo $! >{tmp_path}/pid; wait", "r", []))
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
            await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(work())
    pid = (tmp_path / "pid").read_text().strip()
    until = time.monotonic() + 10
    while _is_alive(Path("/proc", pid, "stat")):
        assert time.monotonic() < until, f"process {pid} is still there"
        time.sleep(0.02)


def test_a_gate_that_is_given_up_at_once_leaves_no_process(tmp_path):
    """It may be given up while its shell is only being started."""

    async def work():
        asking = asyncio.ensure_future(ask(f"echo $$ >{tmp_path}/pid; exec sleep 600", "r", []))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(work())
    time.sleep(0.3)
    text = (tmp_path / "pid").read_text().strip() if (tmp_path / "pid").exists() else ""
    assert not text or not _is_alive(Path("/proc", text, "stat"))


def _is_alive(stat: Path) -> bool:
    try:
        return stat.read_text().rpartition(") ")[2][:1] not in "ZX"
    except OSError:
        return False
