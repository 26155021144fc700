"""Before anything is changed or trusted, a person is told what the approval sets off."""

from __future__ import annotations

import io
import sys
from argparse import Namespace
from types import SimpleNamespace

import pytest

from netaudit.cli.changing import fixing
from netaudit.cli.reading import trusting
from netaudit.transport.asyncssh_trust import KeyState


def _plan(*classes):
    return SimpleNamespace(steps=[SimpleNamespace(step_class=each) for each in classes])


@pytest.mark.parametrize(("no_persist", "how_long"), [(False, "for the next boot too"), (True, "until the next boot")])
def test_a_fix_says_how_much_and_how_long(no_persist, how_long):
    """The number of changes by class and of hosts, the host's own timer, whether it lasts, and the way back."""
    args = Namespace(confirm_within=60.0, no_persist=no_persist, color="auto")
    said = fixing.what_would_happen(args, [_plan("live", "new-sockets"), _plan("live")])
    said = " ".join(said.split())
    assert "3 changes (2 live, 1 new-sockets) on 2 hosts" in said
    assert "after 60 s" in said
    assert how_long in said
    assert "rollback last" in said


@pytest.mark.parametrize(("columns", "at_most", "rows"), [("", 80, 3), ("60", 60, 4), ("110", 110, 3), ("400", 120, 2)])
def test_lines_are_as_long_as_those_of_a_report(monkeypatch, columns, at_most, rows):
    """As wide as the terminal and no wider than can be read; eighty columns where there is none."""
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    args = Namespace(confirm_within=60.0, no_persist=False, color="auto")
    trust = trusting.what_would_happen(args, [_keys("/home/somebody/.ssh/known_hosts", KeyState.NEW)], 1)
    fix = fixing.what_would_happen(args, [_plan("live")])
    for said in (trust, fix):
        assert all(len(row) <= at_most for row in said.splitlines())
    assert rows == len(fix.splitlines())


def _keys(file, *states):
    return SimpleNamespace(file=file, keys=[SimpleNamespace(state=each) for each in states])


def test_trust_says_where_and_what_for(monkeypatch):
    """How many keys of how many hosts, in which file, and that changed ones are replaced."""
    monkeypatch.setattr(trusting, "_has", lambda shown, state: any(key.state is state for key in shown.keys))
    args = Namespace(color="auto")
    new = _keys("/h/known_hosts", KeyState.NEW, KeyState.NEW)
    said = trusting.what_would_happen(args, [new], 2).replace("\n", " ")
    assert "records 2 keys of 1 host in /h/known_hosts." in said
    assert "replaced" not in said
    said = trusting.what_would_happen(args, [new, _keys("/h/known_hosts", KeyState.CHANGED)], 3).replace("\n", " ")
    assert "The stored keys of 1 host are replaced." in said
