"""Recorded answers of probes, and the facts they must give.

A case is a folder ``tests/cases/<probe>/<case>/`` with what one host printed: ``stdout``, optionally ``stderr`` and
``status`` (a word of ``SectionStatus``; default ``complete``), and ``expected.json``: for each domain of the probe
the JSON of its value. A folder is all it takes to add a case. ``UPDATE_CASES=1`` writes ``expected.json`` anew, to
be read before it is committed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from netaudit.facts.domains import DOMAINS, domains_of
from netaudit.facts.snapshot import value_of
from netaudit.facts.view import plain
from netaudit.model.probe import Section, SectionStatus

CASES = Path(__file__).parents[2] / "cases"
FOLDERS = sorted(path.parent for path in CASES.glob("*/*/stdout"))
EXIT_CODES = {"complete": 0, "not applicable": 10, "not present": 11, "not permitted": 12, "failed": 1}


def section_of(folder: Path) -> Section:
    """The section that a case recorded."""

    def read(name: str) -> bytes:
        path = folder / name
        return path.read_bytes() if path.exists() else b""

    status = read("status").decode().strip() or "complete"
    return Section(
        probe_id=folder.parent.name,
        status=SectionStatus(status),
        exit_code=EXIT_CODES.get(status),
        stdout=read("stdout"),
        stderr=read("stderr"),
        elapsed_ms=1,
    )


@pytest.mark.parametrize("folder", FOLDERS, ids=[f"{path.parent.name}/{path.name}" for path in FOLDERS])
def test_case_gives_its_facts(folder: Path) -> None:
    """Every recorded answer is read into exactly the facts that stand beside it."""
    section = section_of(folder)
    domains = domains_of(folder.parent.name)
    assert domains, f"no domain is read from the probe {folder.parent.name}"
    facts = {name: plain(value_of(section, DOMAINS[name].parse)) for name in domains}
    recorded = folder / "expected.json"
    if os.environ.get("UPDATE_CASES"):
        recorded.write_text(json.dumps(facts, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    assert json.loads(json.dumps(facts)) == json.loads(recorded.read_text(encoding="utf-8"))
