"""Judges every capture of a directory by a hundred checks, and keeps nothing of them.

Usage: judge.py DIRECTORY
"""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from netaudit.app.rules import Question, Questions
from netaudit.assets.catalogue import load_ruleset
from netaudit.assets.locate import locate
from netaudit.assets.probes import load_probes
from netaudit.cli.main import collect_seldom
from netaudit.facts.snapshot import facts_of
from netaudit.model.result import Verdict
from netaudit.transport.capture_dir import read_capture_dir

CHECKS = 100


def question() -> Question:
    """What an audit with the baseline of a hundred checks asks of a host."""
    ruleset = load_ruleset(Path(__file__).with_name("hundred.yaml"))
    if len(ruleset.rules.checks) != CHECKS:
        raise SystemExit(f"the baseline holds {len(ruleset.rules.checks)} checks and not {CHECKS}")
    rules = ruleset.for_host("web00001", {}, lambda _pattern: frozenset())
    return Questions(load_probes(locate())).of_rules(rules)


def judge(directory: Path) -> Counter[Verdict]:
    """How often each verdict was given."""
    asked, now = question(), datetime.now(UTC)
    verdicts: Counter[Verdict] = Counter()
    for capture in read_capture_dir(directory):
        results = asked.judge(facts_of(capture, asked.domains), now)
        verdicts.update([result.verdict for result in results])
    return verdicts


if __name__ == "__main__":
    collect_seldom()  # as the command does
    print(", ".join(f"{count} {verdict}" for verdict, count in judge(Path(sys.argv[1])).items()))
