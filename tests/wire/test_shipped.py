"""The probes that ship, as they travel: valid in every shell, and doing what they do as files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from netaudit.wire.bundle import build
from netaudit.wire.head import parse_probe
from netaudit.wire.scan import condensed

PROBES = sorted((Path(__file__).parents[2] / "remote_probes").glob("*.sh"))
NONCE = "5a" * 16


@pytest.fixture(scope="module")
def shipped():
    """All probes that ship."""
    return [parse_probe(path.read_text(), str(path)) for path in PROBES]


def test_the_whole_payload_is_valid_shell(shell, shipped):
    """``-n`` reads it to the end and finds nothing to say."""
    params = {name: "10.0.0.1" for probe in shipped for name in probe.params}
    payload = build(shipped, nonce=NONCE, deadline_s=60, params=params).payload
    read = subprocess.run([*shell, "-n"], input=payload, capture_output=True, check=False)
    assert (read.returncode, read.stderr) == (0, b"")


@pytest.mark.parametrize("path", PROBES, ids=lambda path: path.stem)
def test_each_payload_is_valid_shell(shell, path):
    """Every probe alone, as `netaudit probe run` sends it."""
    probe = parse_probe(path.read_text(), str(path))
    payload = build([probe], nonce=NONCE, deadline_s=60, params=dict.fromkeys(probe.params, "x")).payload
    read = subprocess.run([*shell, "-n"], input=payload, capture_output=True, check=False)
    assert (read.returncode, read.stderr) == (0, b"")


def understood(text: str) -> str:
    """The commands of a shell text as bash understands them, without its comments."""
    script = f"f() {{\n{text}\n}}\ndeclare -f f"
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("path", PROBES, ids=lambda path: path.stem)
def test_condensed_a_probe_is_the_same_program(path):
    """What bash makes of the text that travels is what it makes of the file."""
    text = path.read_text()
    assert condensed(text) != text
    assert understood(condensed(text)) == understood(text)
