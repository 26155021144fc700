"""Causes that a plan has a remediation for, held against the remediations that are shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from netaudit.assets.yamlfile import read_yaml
from netaudit.baseline.node import plain
from netaudit.diagnosis.catalogue import CAUSES
from netaudit.diagnosis.remedied import REMEDIED

SHIPPED = Path(__file__).parents[3] / "playbooks" / "remediations"
ANSWERED = {
    check
    for file in SHIPPED.glob("*.yaml")
    for each in plain(read_yaml(file))["remediations"]
    for check in each["checks"]
}


def test_every_check_that_is_named_has_a_remediation():
    """What `netaudit plan --only` is told to look at can be put right."""
    assert REMEDIED
    assert REMEDIED <= ANSWERED


@pytest.mark.parametrize("rule", [rule for rule in CAUSES if rule.remediation], ids=lambda rule: rule.id)
def test_a_cause_with_a_remediation_leads_to_it(rule):
    """None that there is is left out, and a cause that claims to have one has one."""
    assert ANSWERED & set(rule.checks) == REMEDIED & set(rule.checks) != set()
