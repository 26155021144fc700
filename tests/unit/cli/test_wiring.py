"""Options become limits, widths, secrets and transports."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from dataclasses import replace
from typing import NamedTuple

import pytest

from netaudit.cli.asking import openfiles, secrets, wiring
from netaudit.errors import UsageError
from netaudit.model.contact import Limits
from netaudit.model.target import Connection, Credentials, SshSettings, Target

TARGET = Target("web1", "192.0.2.1")
USUAL = Limits()


def _options(**changed):
    return argparse.Namespace(**{"connect_timeout": 10.0, "timeout": 60.0, "forks": 32, **changed})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, USUAL),
        ({"timeout": 5.0}, Limits(connect_s=5.0, auth_s=5.0, first_byte_s=5.0, host_s=5.0)),
        ({"connect_timeout": 1.0}, Limits(connect_s=1.0)),
        ({"timeout": 120.0}, Limits(10.0, 2 * USUAL.auth_s, 2 * USUAL.first_byte_s, 120.0)),
    ],
    ids=["usual", "short", "quick", "patient"],
)
def test_limits(options, expected):
    """No part of a host lasts longer than the whole; who is patient in all is so in each part."""
    assert expected == wiring.limits_of(_options(**options))


def _width(monkeypatch, soft, forks, *targets):
    said: list[str] = []
    monkeypatch.setattr(wiring, "raise_limit", lambda: openfiles.OpenFiles(soft, soft))
    return wiring.width_of(_options(forks=forks), targets, said.append), said


def test_forks_within_the_open_file_limit(monkeypatch):
    """As asked for, and nothing said."""
    width, said = _width(monkeypatch, 1024, 32, TARGET)
    assert (32, []) == (width.forks, said)
    assert width.open_limit > 500


def test_forks_beyond_the_open_file_limit_are_lowered(monkeypatch):
    """Said once, with the number; a ProxyCommand takes more; one host is always possible."""
    width, said = _width(monkeypatch, 128, 500, TARGET)
    assert width.forks == width.open_limit < 128
    assert [
        f"only {width.forks} hosts at a time: the open-file limit (ulimit -n) leaves no room for --forks 500"
    ] == said
    through = replace(TARGET, ssh=SshSettings(proxy_command="nc %h %p"))
    assert _width(monkeypatch, 128, 500, TARGET, through)[0].forks < width.forks
    assert 1 == _width(monkeypatch, 10, 500, TARGET)[0].forks


class _Transport(NamedTuple):
    """A transport that says its name."""

    name: str
    closed: list

    async def open(self, target):
        return self.name

    async def close(self):
        self.closed.append(self.name)


def test_local_targets_go_their_own_way():
    """Each to its transport, which is made when the first of them comes and closed at the end."""
    closed: list[str] = []
    made: list[str] = []

    def making(name):
        def make():
            made.append(name)
            return _Transport(name, closed)

        return make

    async def contact():
        routed = wiring.Routed(making("ssh"), making("local"))
        opened = [await routed.open(TARGET), await routed.open(TARGET)]
        assert ["ssh"] == made
        opened.append(await routed.open(replace(TARGET, connection=Connection.LOCAL)))
        await routed.close()
        return opened

    assert ["ssh", "ssh", "local"] == asyncio.run(contact())
    assert ["ssh", "local"] == made == closed


class _Inventory(NamedTuple):
    """Secrets of an inventory."""

    own: Credentials

    def for_target(self, target):
        return self.own


def test_the_inventorys_secrets_come_first():
    """What was asked for serves the hosts that have none of their own; an empty password is one."""
    asked = Credentials("asked", "asked too")
    both = secrets.AskedSecrets(_Inventory(Credentials("own", None, "phrase")), asked).for_target(TARGET)
    assert ("own", "asked too", "phrase") == (both.password, both.become_password, both.key_passphrase)
    empty = secrets.AskedSecrets(_Inventory(Credentials("", "")), asked).for_target(TARGET)
    assert ("", "") == (empty.password, empty.become_password)


def test_passwords_are_asked_for_at_a_terminal(monkeypatch):
    """Each once; an empty become password is the login's, as with Ansible."""
    answers = {
        "SSH password: ": "one",
        "become password [defaults to the SSH password]: ": "",
        "become password: ": "two",
    }
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", answers.__getitem__)
    given = secrets.ask(password=True, become_password=True)
    assert ("one", "one") == (given.password, given.become_password)
    assert "two" == secrets.ask(password=False, become_password=True).become_password
    nothing = secrets.ask(password=False, become_password=False)
    assert (None, None) == (nothing.password, nothing.become_password)


def test_passwords_without_a_terminal(monkeypatch):
    """Nobody can be asked: an error, not a hang."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(UsageError, match="-K asks for a password"):
        secrets.ask(password=False, become_password=True)
    assert secrets.ask_passphrase(None) is None


def test_credentials_show_nothing():
    """Neither their repr nor that of who holds them."""
    held = secrets.AskedSecrets(_Inventory(Credentials("hidden1")), Credentials("hidden2", "hidden3"))
    assert "hidden" not in repr(held)
