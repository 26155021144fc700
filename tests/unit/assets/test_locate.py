"""The data folders are found whether netaudit is installed or runs from a checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from netaudit.assets import locate as module
from netaudit.assets.locate import locate
from netaudit.errors import AssetsMissing


def folders(root: Path) -> Path:
    """A folder with both data folders in it."""
    (root / "remote_probes").mkdir(parents=True)
    (root / "playbooks").mkdir()
    return root


def test_checkout_is_found() -> None:
    """From a source tree the folders at its top are used."""
    found = locate()
    assert found.probes.is_dir()
    assert found.checks.parent == found.playbooks
    assert (found.schema / "sysctl-names.txt").is_file()
    assert found.baselines.is_dir()


def test_explicit_folder_then_package_then_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order is fixed, and what was named is never replaced by something else."""
    package = tmp_path / "site" / "netaudit"
    package.mkdir(parents=True)
    monkeypatch.setattr(module, "_PACKAGE", package)
    with pytest.raises(AssetsMissing, match="remote_probes and playbooks are not in"):
        locate()
    checkout = folders(package.parent)
    assert locate().probes == checkout / "remote_probes"
    packaged = folders(package / "_data")
    assert locate().probes == packaged / "remote_probes"
    mine = folders(tmp_path / "mine")
    assert locate(mine).playbooks == mine / "playbooks"
    with pytest.raises(AssetsMissing, match="nowhere"):
        locate(tmp_path / "nowhere")


def test_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    """Where the folders are does not matter; moving a byte from one file to another does."""

    def made(name: str, files: dict[str, str]) -> str:
        root = folders(tmp_path / name)
        for path, text in files.items():
            (root / path).write_text(text)
        return locate(root).digest()

    one = made("one", {"remote_probes/a.sh": "1", "playbooks/b.yaml": "2"})
    assert one == made("two", {"playbooks/b.yaml": "2", "remote_probes/a.sh": "1"})
    assert one != made("three", {"remote_probes/a.sh": "12", "playbooks/b.yaml": ""})
    assert one != made("four", {"remote_probes/c.sh": "1", "playbooks/b.yaml": "2"})
