"""Arguments of ssh as directives, hops of ProxyJump, and ProxyCommands that are jumps."""

from __future__ import annotations

import pytest

from netaudit.inventory.sshargs import is_host, is_user, jumps_of, parse_arguments, parse_jumps


@pytest.mark.parametrize(
    ("text", "directives"),
    [
        ("", []),
        ("-p 22", [("port", "22")]),
        ("-p22 -lroot", [("port", "22"), ("user", "root")]),
        ("-oPort=22 -o 'User root'", [("port", "22"), ("user", "root")]),
        ("-o Port = 22", "-o 'Port' is not Keyword=value"),
        ("-oPort=22 = 22", "'=' is no option of ssh"),
        ("-qAC4", [("forwardagent", "yes"), ("compression", "yes"), ("addressfamily", "inet")]),
        ("-qp 22 -tt", [("port", "22")]),
        ('-o ProxyCommand="ssh -W %h:%p bastion"', [("proxycommand", "ssh -W %h:%p bastion")]),
        ("-o 'IdentityFile=\"/a b\"'", [("identityfile", "/a b")]),
        ("-J a,b -i ~/.ssh/k -F none", [("proxyjump", "a,b"), ("identityfile", "~/.ssh/k"), ("-F", "none")]),
        ('-o \'ProxyCommand="/opt/my ssh" "%h"\'', [("proxycommand", '"/opt/my ssh" "%h"')]),
        ("-E /tmp/log -v -T -n", []),
        ("-q --", []),
        ("-q -- -p 22", "'-p' is no option of ssh"),
        ("-o StrictHostKeyChecking=no", [("stricthostkeychecking", "no")]),
        ("-p", "-p needs a value"),
        ("-o", "-o needs a value"),
        ("-o Port", "-o 'Port' is not Keyword=value"),
        ("-Z", "-Z is no option of ssh"),
        ("host", "'host' is no option of ssh"),
        ("-o 'x", "cannot be split into words: No closing quotation"),
    ],
)
def test_arguments_are_directives(text: str, directives: list[tuple[str, str]] | str) -> None:
    """Every way to write an option gives the same directive; what ssh would refuse is refused."""
    if isinstance(directives, str):
        with pytest.raises(ValueError) as caught:
            parse_arguments(text)
        assert str(caught.value) == directives
    else:
        assert [(found.keyword, found.value) for found in parse_arguments(text)] == directives


@pytest.mark.parametrize(
    ("text", "hops"),
    [
        ("bastion", ("bastion",)),
        ("me@bastion:2222, second", ("me@bastion:2222", "second")),
        ("ssh://me@bastion:22/", ("me@bastion:22",)),
        ("[2001:db8::1]:22", ("[2001:db8::1]:22",)),
        ("first.last@corp.example@bastion", ("first.last@corp.example@bastion",)),
        ("none", ()),
        ("-oProxyCommand=id", None),
        ("a b", None),
        ("a,,b", None),
        ("me;id@bastion", None),
        ("bastion:70000", None),
        ("$(id)", None),
    ],
)
def test_hops_of_a_jump(text: str, hops: tuple[str, ...] | None) -> None:
    """A jump is hosts with commas between; what a shell or ssh could take for something else is refused."""
    if hops is None:
        with pytest.raises(ValueError, match=r"is not|is no"):
            parse_jumps(text)
    else:
        assert parse_jumps(text) == hops


@pytest.mark.parametrize(
    ("command", "hops"),
    [
        ("ssh -W %h:%p bastion", ("bastion",)),
        ("ssh -q -W [%h]:%p -p 2222 -l me bastion", ("me@bastion:2222",)),
        ("ssh bastion -W %h:%p", ("bastion",)),
        ("/usr/bin/ssh -J outer -W %h:%p me@inner", ("outer", "me@inner")),
        ("ssh -W %h:%p -p 99 bastion:22", ("bastion:22",)),
        ("ssh -W %h:%p a b", None),
        ("ssh bastion nc %h %p", None),
        ("nc %h %p", None),
        ("ssh -W other:22 bastion", None),
        ("ssh -W %h:%p $(id)", None),
        ("ssh -W %h:%p 'bastion", None),
        ("", None),
    ],
)
def test_proxy_command_that_is_a_jump(command: str, hops: tuple[str, ...] | None) -> None:
    """``ssh -W %h:%p`` is a jump, with the user and port said for it; any other command stays a command."""
    found = jumps_of(command)
    assert (found[0] if found else None) == hops


@pytest.mark.parametrize("name", ["web1", "web-1.example.net", "2001:db8::1", "fe80::1%eth0", "_dmarc", "a" * 253])
def test_host_name_is_taken(name: str) -> None:
    """Names, addresses and zones may stand for hosts."""
    assert is_host(name)


@pytest.mark.parametrize(
    "name",
    ["", "-oProxyCommand=x", "a b", "a;id", "$(id)", "a\nb", "a/b", "[::1]", "h\u00f6st", "a" * 254, "a'b", "a@b"],
)
def test_host_name_is_refused(name: str) -> None:
    """Nothing that ssh, a shell or a path could take for something else stands for a host."""
    assert not is_host(name)


@pytest.mark.parametrize("name", ["root", "first.last@corp", "Admin_1"])
def test_user_name_is_taken(name: str) -> None:
    """A user name is one plain word."""
    assert is_user(name)


@pytest.mark.parametrize("name", ["", "-x", "a b", "a;b", "a\n", "$(id)", "a" * 65])
def test_user_name_is_refused(name: str) -> None:
    """Nothing that ssh or a shell could take for something else stands for a user."""
    assert not is_user(name)
