"""A user's own probes are read strictly: what stands in their folder runs on every host."""

from __future__ import annotations

from pathlib import Path

import pytest

from netaudit.assets.own_probes import load_own_probes
from netaudit.errors import RuleError

HEAD = """#!/bin/sh
# id: {name}
# summary: Says something.
# reads: nothing
# needs: user
# timeout_s: 5
# max_bytes: {size}
# format: key=value
{more}
"""


def _put(folder: Path, name: str, body: str = "echo a=1\n", *, size: str = "4KiB", more: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.sh"
    path.write_text(HEAD.format(name=name, size=size, more=more) + body)
    path.chmod(0o644)
    return path


def test_a_probe_cannot_take_the_place_of_a_shipped_one(tmp_path: Path) -> None:
    """Its id carries a prefix; of two folders the later one counts."""
    _put(tmp_path / "one", "sysctl")
    _put(tmp_path / "two", "sysctl", "echo a=2\n")
    (probe,) = load_own_probes([tmp_path / "one", tmp_path / "two"])
    assert probe.id == "own_sysctl"
    assert "a=2" in probe.text


@pytest.mark.parametrize(
    ("name", "body", "options", "why"),
    [
        ("broken", "if true; then\n", {}, "does not take it"),
        ("large", "echo\n", {"size": "1MiB"}, "256 KiB"),
        ("asking", "echo\n", {"more": "# params: PEERS\n"}, "takes no params"),
        ("a" * 29, "echo\n", {}, "too long"),
    ],
)
def test_what_would_do_harm_is_refused(tmp_path: Path, name: str, body: str, options: dict[str, str], why: str) -> None:
    """Each refusal names the file."""
    path = _put(tmp_path / "probes", name, body, **options)
    with pytest.raises(RuleError, match=why) as caught:
        load_own_probes([tmp_path / "probes"])
    assert str(path) in str(caught.value)


def test_a_file_that_anybody_may_write_to_is_refused(tmp_path: Path) -> None:
    """Whoever can change it could run anything on every host."""
    _put(tmp_path / "probes", "open").chmod(0o666)
    with pytest.raises(RuleError, match="anybody may write"):
        load_own_probes([tmp_path / "probes"])


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A misspelt --probe-dir is no empty one."""
    with pytest.raises(RuleError, match="no such folder"):
        load_own_probes([tmp_path / "nothing"])
