"""docs/diagnosis.md lists the causes that there are."""

from __future__ import annotations

from pathlib import Path

from netaudit.diagnosis.catalogue import CAUSES


def test_every_cause_stands_in_the_table():
    """Id, title, layer and severity of each, and no others."""
    page = (Path(__file__).parents[3] / "docs" / "diagnosis.md").read_text()
    rows = [line for line in page.split("\n") if line.startswith("| `")]
    assert len(rows) == len(CAUSES)
    for rule, row in zip(CAUSES, rows, strict=True):
        assert row.startswith(f"| `{rule.id}` {rule.title} | {rule.layer} | {rule.severity} |")
