"""One connection with everything decided."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netaudit.errors import ErrorKind, WorldError
from netaudit.model.target import SshSettings, Target
from netaudit.transport.resolved import checked, from_settings, local_user, merged

GOOD = from_settings(Target("web1", "10.0.0.1"), SshSettings())


def test_defaults():
    """Port 22 and whoever runs this."""
    assert (GOOD.host, GOOD.port, GOOD.user) == ("10.0.0.1", 22, local_user())
    assert GOOD.place.name == "10.0.0.1"


def test_the_inventory_beats_the_command_line():
    """Field by field; a way to the host counts as one word."""
    command_line = SshSettings(
        user="cli", port=1, identity_files=("cli",), jumps=("cli",), options={"a": ("1",), "b": ("1",)}
    )
    said = SshSettings(user="inv", proxy_command="inv %h", options={"a": ("2",)})
    both = merged(Target("web1", "web1", ssh=said), command_line)
    assert (both.user, both.port, both.identity_files) == ("inv", 1, ("cli",))
    assert (both.jumps, both.proxy_command) == ((), "inv %h")
    assert both.options == {"a": ("2",), "b": ("1",)}
    assert merged(Target("web1", "web1"), command_line).jumps == ("cli",)


@pytest.mark.parametrize("host", ["web-1.example.com", "10.0.0.1", "::1", "fe80::1%eth0", "web_1", "1"])
def test_hosts_that_can_be_meant(host):
    """Names and addresses."""
    assert checked(replace(GOOD, host=host)).host == host


@pytest.mark.parametrize("host", ["", "-oProxyCommand=x", "a b", "a;b", "$(a)", "a\nb", "a" * 254, "a'b", "ä"])
def test_hosts_that_cannot(host):
    """Nothing that a shell or ssh would read as more than a name."""
    with pytest.raises(WorldError) as caught:
        checked(replace(GOOD, host=host))
    assert caught.value.kind is ErrorKind.DNS
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("user", ["oper", "o.p-e_r", "DOMAIN\\oper", "oper@example.com", "Jürgen", "host$"])
def test_users_that_can_be_meant(user):
    """Accounts of directories too."""
    assert checked(replace(GOOD, user=user)).user == user


@pytest.mark.parametrize("user", ["", "-l", "a b", "a;b", "a`b`", "a\n", "a'"])
def test_users_that_cannot(user):
    """Options, blanks, and what a shell acts on."""
    with pytest.raises(WorldError) as caught:
        checked(replace(GOOD, user=user))
    assert caught.value.kind is ErrorKind.AUTH_FAILED


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_ports_that_cannot(port):
    """There are 65535."""
    with pytest.raises(WorldError):
        checked(replace(GOOD, port=port))
