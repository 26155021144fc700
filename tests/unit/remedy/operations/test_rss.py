"""The operation on the indirection table: its shell reads what the facts say, in every shell."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netaudit.errors import PlanError
from netaudit.facts.rss import words_of
from netaudit.model.plan import Step, StepClass
from netaudit.model.reading import Absent
from netaudit.remedy.operations import operation_of

STEP = Step("rss", "it", {"device": "eth0"}, "equal 2", "equal 4", StepClass.LIVE, ("nic.rss",), "nic.rss", "0" * 64)
ETHTOOL = """#!/bin/sh
cat "$(dirname "$0")/answer"
"""
TABLES = st.one_of(
    st.lists(st.integers(0, 3), min_size=1, max_size=24),
    st.lists(st.integers(0, 9), min_size=1, max_size=24).map(sorted),
    st.tuples(st.integers(1, 6), st.integers(0, 3), st.integers(1, 40)).map(
        lambda made: [made[1] + place % made[0] for place in range(made[2])]
    ),
)


def read(folder: Path, table: list[int], shell: str) -> subprocess.CompletedProcess[str]:
    """What the reader prints where ethtool prints a table."""
    program = folder / "ethtool"
    if not program.exists():
        program.write_text(ETHTOOL)
        program.chmod(0o755)
    rows = [
        f"{place:5d}: " + "".join(f" {queue:5d}" for queue in table[place : place + 8])
        for place in range(0, len(table), 8)
    ]
    rows = rows or ["Operation not supported"]
    below = ["RSS hash key:", "    0: 1 2 3", "RSS hash function:", "    toeplitz: on", ""]
    head = "RX flow hash indirection table for eth0 with 4 RX ring(s):"
    (folder / "answer").write_text("\n".join((head, *rows, *below)))
    return subprocess.run(
        [*shell.split(), "-uc", operation_of(STEP).script(STEP).read], text=True, capture_output=True,
        env={"PATH": f"{folder}:/usr/bin:/bin", "LC_ALL": "C"},
    )  # fmt: skip


@pytest.mark.parametrize("shell", ["dash", "bash --posix", "busybox ash"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=TABLES)
def test_the_shell_reads_what_the_facts_say(tmp_path: Path, shell: str, table: list[int]) -> None:
    """The words of a table are the same on the host and in the plan, or the plan would be stale for ever."""
    if shutil.which(shell.split(maxsplit=1)[0]) is None:
        pytest.skip(f"needs {shell}")
    said, words = read(tmp_path, table, shell), words_of(table)
    expected = "a table that has no words" if isinstance(words, Absent) else words
    assert (0, expected, "") == (said.returncode, said.stdout.strip(), said.stderr)


def test_a_device_without_a_table(tmp_path: Path) -> None:
    """There is no value, which is not an error."""
    assert (3, "") == (read(tmp_path, [], "dash").returncode, read(tmp_path, [], "dash").stdout)


def test_what_is_run() -> None:
    """One call each way; what makes it last is a rule of udev with the whole way to the program."""
    script = operation_of(STEP).script(STEP)
    assert ("ethtool -X eth0 equal 4" in script.apply, "ethtool -X eth0 equal 2" in script.undo) == (True, True)
    rule = (
        'ACTION=="add|move", SUBSYSTEM=="net", KERNEL=="eth0", '
        "RUN+=\"/bin/sh -c 'PATH=/usr/sbin:/usr/bin:/sbin:/bin exec ethtool -X eth0 equal 4'\""
    )
    assert list(operation_of(STEP).lines(STEP)) == [rule]


@pytest.mark.parametrize("words", ["equal", "equal 4;id", "weight", "weight 1 x", "default", "equal 4 start", "$(id)"])
def test_other_words_are_refused(words: str) -> None:
    """A plan out of a file brings nothing else to a host."""
    with pytest.raises(PlanError, match="table of queues"):
        operation_of(STEP).script(replace(STEP, after=words))
