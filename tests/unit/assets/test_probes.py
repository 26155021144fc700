"""The shipped probes are found, read and valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from netaudit.assets.locate import Assets, locate
from netaudit.assets.probes import load_probes
from netaudit.errors import NetauditError


def test_every_shipped_probe_is_loaded_by_name() -> None:
    """One probe a file, in the order of their names, each called like its file."""
    assets = locate()
    probes = load_probes(assets)
    assert [probe.id for probe in probes] == sorted(path.stem for path in assets.probes.glob("*.sh"))
    assert all(probe.summary and probe.text.startswith("#!/bin/sh") for probe in probes)


def test_a_probe_without_a_head_is_an_error(tmp_path: Path) -> None:
    """A file that is no probe is said with its name."""
    (tmp_path / "remote_probes").mkdir()
    (tmp_path / "remote_probes" / "bad.sh").write_text("echo\n")
    with pytest.raises(NetauditError, match=r"bad\.sh"):
        load_probes(Assets(tmp_path / "remote_probes", tmp_path))
