"""The generated pages are what they describe."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_generated_pages_are_current():
    """docs/probes.md, facts.md and checks.md are what `make docs` would write now."""
    command = [sys.executable, str(ROOT / "tools" / "generate_docs.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert 0 == done.returncode, done.stderr


def test_every_command_is_in_the_readme():
    """A stranger finds every command in the README."""
    from netaudit.cli.catalogue import COMMANDS

    text = (ROOT / "README.md").read_text(encoding="utf-8") + (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert [] == [name for name in COMMANDS if not re.search(rf"\b{name}\b", text)]


def test_links_of_the_documents_lead_somewhere():
    """No document points to a file that is not there."""
    broken = []
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert [] == broken
