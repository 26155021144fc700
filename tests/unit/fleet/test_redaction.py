"""What leaves this machine holds no secret, and pseudonyms are the same wherever a name stands."""

from __future__ import annotations

import pytest

from netaudit.fleet.pseudonyms import Pseudonyms
from netaudit.fleet.redaction import REMOVED, Redactor, without_secrets

SECRET = "s3cr3t-V4lue_9"


@pytest.mark.parametrize(
    "text",
    [
        f"password={SECRET}", f"PASSWORD: {SECRET}", f"db_password = '{SECRET}'", f'"passphrase": "{SECRET}"',
        f"https://user:{SECRET}@example.com/x", f"Authorization: Bearer {SECRET}{SECRET}", f"api_key={SECRET}",
        f"wpa psk={SECRET} x", f"auth-token={SECRET}", f"community={SECRET}", f"secret: {SECRET};",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}\n-----END OPENSSH PRIVATE KEY-----",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}", f"root:$6$salt${SECRET}{SECRET}:19000",
    ],
)  # fmt: skip
def test_secrets_are_removed(text: str) -> None:
    """By their shape, wherever somebody has put them."""
    clean, removed = without_secrets(text)
    assert SECRET not in clean
    assert REMOVED in clean
    assert removed >= 1


@pytest.mark.parametrize(
    "token",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "glpat-abcdefghij0123456789",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln",
    ],
)
def test_tokens_are_removed_without_a_name(token: str) -> None:
    """Those of well-known makers have a shape of their own."""
    assert without_secrets(f"x {token} y") == (f"x {REMOVED} y", 1)


@pytest.mark.parametrize(
    "text",
    [
        "net.ipv4.tcp_fastopen_key was not read", "ss: LISTEN 0.0.0.0:443 Send-Q 128",
        "/proc/sys/net/core/somaxconn = 128",
        "needs root: password required", "SHA256:abcdef", "the key of web1 is not known", "tcp_max_tw_buckets = 5",
        "http://127.0.0.1:8080/metrics", "bearer of bad news", "tokens per second: 5 of 7",
    ],
)  # fmt: skip
def test_what_is_no_secret_stays(text: str) -> None:
    """A report without its evidence is no use."""
    assert without_secrets(text) == (text, 0)


def test_secrets_are_counted() -> None:
    """So the operator knows that there were some."""
    redactor = Redactor()
    redactor.text("password=a1b2c3 token=d4e5f6")
    redactor.text("nothing")
    assert redactor.removed == 2


@pytest.fixture
def names() -> Pseudonyms:
    """Pseudonyms of a small fleet."""
    return Pseudonyms(b"k" * 32, ["web1.acme.example", "db1", "10.1.2.3", "odd name, with blanks"], ["acme", "all"])


def test_a_name_has_one_pseudonym(names: Pseudonyms) -> None:
    """Long or short, at the end of a sentence, in a list, before a colon."""
    first = names.text("web1.acme.example")
    assert first.startswith("host-")
    text = "web1.acme.example: web1, (web1) web1.acme.example. 'web1'"
    assert names.text(text) == f"{first}: {first}, ({first}) {first}. '{first}'"
    assert names.text("web10 web1x xweb1 web1_2") == "web10 web1x xweb1 web1_2"
    assert "odd name" not in names.text("say odd name, with blanks here")


def test_unknown_names_of_a_known_domain_are_hidden_too(names: Pseudonyms) -> None:
    """A peer that is not in the inventory is a name of the fleet as well; a sysctl is none."""
    assert "acme" not in names.text("gw7.acme.example")
    assert names.text("net.core.somaxconn nginx.service") == "net.core.somaxconn nginx.service"


@pytest.mark.parametrize(
    "text",
    ["127.0.0.1:80", "0.0.0.0:443", "[::]:8443", "::1", "255.255.255.0", "224.0.0.1", "12:30:45", "6.18.0", "1.2.3"],
)
def test_addresses_that_tell_nothing_stay(names: Pseudonyms, text: str) -> None:
    """Everyone has them, and a finding may be about them; versions and times are none."""
    assert names.text(text) == text


@pytest.mark.parametrize(
    "text", ["10.1.2.3", "10.1.2.3:443", "192.0.2.7/24", "2001:db8::1", "[2001:db8::1]:443", "fe80::1%eth0",
             "52:54:00:12:34:56", "ops@10.1.2.3", "/home/jdoe/.ssh/known_hosts:7",
             "SHA256:0123456789012345678901234567890123456789012"]
)  # fmt: skip
def test_addresses_that_tell_something_go(names: Pseudonyms, text: str) -> None:
    """With their port and length, which stay."""
    said = names.text(text)
    for known in ("10.1.2", "192.0.2", "2001", "fe80", "52:54", "ops", "jdoe", "01234567890123"):
        assert known not in said.replace("known_hosts", "")
    for kept in (":443", "/24", "%eth0", ":7"):
        assert (kept in text) == (kept in said)


def test_groups_and_people(names: Pseudonyms) -> None:
    """Group names may tell whose hosts these are; ``all`` is everyone's."""
    assert names.group("acme") == names.text("acme") != "acme"
    assert names.group("all") == "all"
    assert names.person("") == ""
    assert names.person("j.doe") == names.person("j.doe") != names.person("k.doe")
