"""Plays that change hosts, and plays that compare them."""

from __future__ import annotations

import pytest

from netaudit.assets.yamlfile import read_yaml
from netaudit.baseline.plays import FixPlay, OutliersPlay, plays_of
from netaudit.errors import RuleError


@pytest.fixture
def plays(tmp_path):
    """The plays of a text."""

    def read(text):
        path = tmp_path / "plays.yaml"
        path.write_text(text)
        return plays_of(read_yaml(path))

    return read


def test_everything_that_a_remediation_takes(plays):
    """In Ansible's words where it has them; times with their units."""
    (play,) = plays("""
- hosts: web
  baseline: web-edge
  fix:
    only: [tcp.*]
    serial: [1, 10%, 50%]
    max_fail: 5%
    confirm_within: 2m
    soak: 0s
    gate: ./smoke.sh
    allow: [link-flap]
    persist: false
    rollback_all_on_failure: true
""")
    assert play.fix == FixPlay(
        ("tcp.*",), "1,10%,50%", "5%", 120.0, 0.0, "./smoke.sh", ("link-flap",), persist=False,
        rollback_all_on_failure=True,
    )  # fmt: skip


def test_a_remediation_with_its_defaults(plays):
    """An empty mapping is enough; one size may stand alone."""
    (play,) = plays("- {hosts: web, fix: {}}")
    assert play.fix == FixPlay()
    (play,) = plays("- {hosts: web, fix: {serial: 3, max_fail: 2}}")
    assert ("3", "2") == (play.fix.serial, play.fix.max_fail)


def test_a_comparison(plays):
    """By group where nothing is said."""
    (play,) = plays("- {hosts: web, outliers: {}}")
    assert play.outliers == OutliersPlay("group", None)
    (play,) = plays("- {hosts: web, outliers: {by: kernel, against: web1}}")
    assert play.outliers == OutliersPlay("kernel", "web1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {hosts: web, fix: {onyl: [a]}}", "no key 'onyl'"),
        ("- {hosts: web, fix: {only: tcp}}", "must be a list"),
        ("- {hosts: web, fix: {persist: 1}}", "'persist' is true or false"),
        ("- {hosts: web, fix: {serial: [true]}}", "a number of hosts or a percentage"),
        ("- {hosts: web, fix: {soak: soon}}", "not a duration"),
        ("- {hosts: web, fix: {confirm_within: 0s}}", "more than zero"),
        ("- {hosts: web, fix: {}, diagnose: {}}", "has no 'diagnose'"),
        ("- {hosts: web, fix: {}, fail_on: low}", "has no 'fail_on'"),
        ("- {hosts: web, outliers: {bye: kernel}}", "no key 'bye'"),
        ("- {hosts: web, outliers: {}, vars: {a: 1}}", "has no 'vars'"),
    ],
)
def test_faults_have_a_place(plays, text, said):
    """File, line and column, and what is wrong there."""
    with pytest.raises(RuleError, match=said) as caught:
        plays(text)
    assert caught.value.where.line == 1
