"""Causes that a plan has a remediation for, held against the remediations that are shipped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from netaudit.assets.yamlfile import read_yaml
from netaudit.baseline.node import plain
from netaudit.diagnosis.catalogue import CAUSES
from netaudit.diagnosis.remedied import REMEDIED, planned

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


def test_a_cause_that_claims_no_remediation_leads_to_no_plan(make):
    """Also where a check that it names has one, for another reason."""
    cause = make.judge({"TcpExt.ListenOverflows": 28, "TcpExt.ListenDrops": 28}).first
    assert planned(cause)
    assert planned(replace(cause, remediation=None)) == ()
