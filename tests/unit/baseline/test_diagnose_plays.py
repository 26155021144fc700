"""Plays that diagnose."""

from __future__ import annotations

import pytest

from netaudit.assets.yamlfile import read_yaml
from netaudit.baseline.plays import DiagnosePlay, plays_of
from netaudit.errors import RuleError


@pytest.fixture
def plays(tmp_path):
    """The plays of a text."""

    def read(text):
        path = tmp_path / "plays.yaml"
        path.write_text(text)
        return plays_of(read_yaml(path))

    return read


def test_times_are_read(plays):
    """With their units, and ten seconds where nothing is said."""
    (play,) = plays("- {hosts: web, diagnose: {for: 1m, every: 5}}")
    assert play.diagnose == DiagnosePlay(60.0, 5.0)
    (play,) = plays("- {hosts: web, diagnose: {}}")
    assert play.diagnose == DiagnosePlay(10.0, None)


def test_what_runs_beside_the_samples_is_read(plays):
    """Every option of the command that asks hosts for more has its key."""
    (play,) = plays(
        "- {hosts: web, diagnose: {trace: true, timeline: true, log: /var/log/app, match: time.?out,"
        " pcap_headers: 100, trace_probes: [drop_stacks]}}"
    )
    beside = {"log": "/var/log/app", "match": "time.?out", "pcap_headers": 100, "trace_probes": ("drop_stacks",)}
    assert play.diagnose == DiagnosePlay(10.0, None, trace=True, timeline=True, **beside)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {hosts: web, diagnose: {fro: 1m}}", "no key 'fro'"),
        ("- {hosts: web, diagnose: {for: soon}}", "not a duration"),
        ("- {hosts: web, diagnose: {for: 0s}}", "more than zero"),
        ("- {hosts: web, diagnose: {every: [1]}}", "must be a time"),
        ("- {hosts: web, baseline: linux-server, diagnose: {}}", "has no 'baseline'"),
        ("- {hosts: web, diagnose: {trace: 1}}", "'trace' is true or false"),
        ("- {hosts: web, diagnose: {pcap_headers: many}}", "whole number"),
        ("- {hosts: web, diagnose: {pcap_headers: -1}}", "whole number"),
        ("- {hosts: web, diagnose: {trace_probes: drop_stacks}}", "must be a list"),
    ],
)
def test_faults_name_their_place(plays, text, said):
    """Each with file, line and column."""
    with pytest.raises(RuleError, match=said) as told:
        plays(text)
    assert told.value.where is not None
