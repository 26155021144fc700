"""The house: imports point down, modules stay small, and the four sets of a subsystem match by name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "netaudit").rglob("*.py"))
PROBES = sorted(path.stem for path in (ROOT / "remote_probes").glob("*.sh"))


def test_imports_point_down():
    """Every import contract of pyproject.toml holds."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_can_be_read_in_one_sitting(path):
    """No module is longer than 600 lines, and each says in a docstring why it exists."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 600
    assert text.startswith(('"""', 'r"""'))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_named_for_what_they_hold(path):
    """Drawers for odds and ends do not exist."""
    assert path.stem not in {"utils", "util", "helpers", "common", "manager", "base", "misc"}


@pytest.mark.parametrize("probe", PROBES)
def test_every_probe_has_a_parser_and_recorded_cases(probe):
    """A probe without a domain, or without a recorded answer, cannot land."""
    from netaudit.facts.domains import domains_of

    assert domains_of(probe)
    cases = ROOT / "tests" / "cases" / probe
    assert cases.is_dir()
    assert any(cases.iterdir())


def test_every_parser_has_a_probe():
    """No domain of the facts is left without somebody who reads it."""
    from netaudit.facts.domains import DOMAINS

    assert set(PROBES) == {domain.probe for domain in DOMAINS.values()}


def test_the_package_names_no_place_of_its_making():
    """Nothing in the repository carries an absolute path of a developer's machine or the host of a registry."""
    banned = re.compile(r"/work/|/root/|/home/(?!\w*\*)\w+/\.pyenv|files\.pythonhosted|pypi\.org|deb\.debian\.org")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    guilty = []
    for name in filter(None, listed.decode().split("\0")):
        path = ROOT / name
        if path == Path(__file__) or not path.is_file() or path.is_symlink():
            continue
        if banned.search(path.read_bytes().decode("utf-8", "replace")):
            guilty.append(name)
    assert [] == guilty


def test_the_page_on_architecture_names_every_room():
    """The rooms that it draws are those that there are, and so are the rooms of the command line."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = set(re.findall(r"^      ([a-z]+)/ ", page.partition("    netaudit/\n")[2], re.MULTILINE))
    assert drawn == rooms_of(ROOT / "netaudit")
    told = page.partition("`cli` is large")[2].partition("\n\n")[0]
    assert rooms_of(ROOT / "netaudit" / "cli") <= set(re.findall(r"`([a-z]+)`", told))


def rooms_of(folder: Path) -> set[str]:
    """The packages in a folder."""
    return {path.parent.name for path in folder.glob("*/__init__.py")}
