"""The wheel: whole, and usable where there is no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from this checkout, without the network."""
    directory = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The wheel unpacked as pip does, and an environment that sees it and no checkout."""
    target = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
        str(wheel),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    state = tmp_path_factory.mktemp("state")
    return target, {**os.environ, "PYTHONPATH": str(target), "XDG_STATE_HOME": str(state), "XDG_CACHE_HOME": str(state)}


def test_the_wheel_carries_probes_playbooks_and_schema(wheel):
    """Everything that a run needs is inside, and nothing of the tests is."""
    names = set(zipfile.ZipFile(wheel).namelist())
    probes = {f"netaudit/_data/remote_probes/{path.name}" for path in (ROOT / "remote_probes").glob("*.sh")}
    probes |= {
        f"netaudit/_data/remote_probes/trace/{path.name}" for path in (ROOT / "remote_probes/trace").glob("*.sh")
    }
    checks = {
        f"netaudit/_data/playbooks/{path.relative_to(ROOT / 'playbooks')}"
        for path in (ROOT / "playbooks").rglob("*.yaml")
    }
    assert probes | checks <= names
    assert {"netaudit/py.typed", "netaudit/report/schema/audit-1.json"} <= names
    templates = (ROOT / "netaudit" / "report" / "html" / "templates").iterdir()
    assert {str(path.relative_to(ROOT)) for path in templates} <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


def test_an_installed_netaudit_uses_its_own_copy(installed, tmp_path):
    """An audit of this machine runs from the installed package alone."""
    target, environment = installed
    script = (
        "import netaudit, sys; from netaudit.assets.locate import locate; print(netaudit.__file__, locate().probes)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.split()
    assert all(word.startswith(str(target)) for word in said)
    done = subprocess.run(
        [sys.executable, "-m", "netaudit", "audit", "-i", "localhost,", "--transport", "local", "-o", "json", "-q",
         "-o", f"html={tmp_path}/report.html"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode in {0, 1}, done.stderr
    assert '"status":"ok"' in done.stdout
    assert (tmp_path / "report.html").read_text().endswith("</html>")


def test_the_wheel_brings_the_manual_page_and_completions(wheel):
    """They go where man and the shells look below the prefix of an installation."""
    names = {name.partition(".data/data/")[2]: name for name in zipfile.ZipFile(wheel).namelist() if ".data/" in name}
    sources = {
        "share/man/man1/netaudit.1": "docs/man/netaudit.1",
        "share/bash-completion/completions/netaudit": "netaudit/cli/shells/netaudit.bash",
        "share/zsh/site-functions/_netaudit": "netaudit/cli/shells/netaudit.zsh",
        "share/fish/vendor_completions.d/netaudit.fish": "netaudit/cli/shells/netaudit.fish",
    }
    assert set(sources) <= set(names)
    for place, source in sources.items():
        assert zipfile.ZipFile(wheel).read(names[place]) == (ROOT / source).read_bytes()


def test_an_installed_netaudit_completes(installed, tmp_path):
    """The scripts that ``completion`` prints are in the package as well."""
    _, environment = installed
    for shell in ("bash", "zsh", "fish"):
        done = subprocess.run([sys.executable, "-m", "netaudit", "completion", shell], env=environment, cwd=tmp_path,
                              capture_output=True, text=True, timeout=60)  # fmt: skip
        assert "__complete" in done.stdout
