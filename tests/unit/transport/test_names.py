"""Names and their addresses."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from netaudit.errors import ErrorKind, WorldError
from netaudit.transport.names import Names

ANY = socket.AF_UNSPEC


@pytest.fixture
def resolver(monkeypatch):
    """Stands for getaddrinfo; counts what it is asked, and lets some names hang until the end of the test."""
    asked: list[str] = []
    release = threading.Event()

    def look_up(host, port, family=0, type=0):  # noqa: A002 - the name in the standard library
        asked.append(host)
        if host.startswith("dead"):
            release.wait(20)
        if host.startswith("none"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if host.startswith("odd"):
            raise UnicodeError("label too long")
        both = [(socket.AF_INET6, ("fd00::1", 0, 0, 0)), (socket.AF_INET, ("10.0.0.1", 0))]
        return [(kind, socket.SOCK_STREAM, 6, "", address) for kind, address in both]

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    yield asked
    release.set()


def ask(*hosts: str, port: int = 22):
    """The addresses of some hosts, asked for at once; failures as values."""

    async def together():
        names = Names()
        return await asyncio.gather(*(names.addresses(host, port, ANY) for host in hosts), return_exceptions=True)

    return asyncio.run(together())


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("10.0.0.1", (socket.AF_INET, ("10.0.0.1", 22))),
        ("::1", (socket.AF_INET6, ("::1", 22, 0, 0))),
        ("fe80::1%1", (socket.AF_INET6, ("fe80::1", 22, 0, 1))),
        ("fe80::1%lo", (socket.AF_INET6, ("fe80::1", 22, 0, socket.if_nametoindex("lo")))),
    ],
)
def test_an_address_is_not_looked_up(resolver, host, expected):
    """Neither kind, with and without its zone."""
    assert ask(host) == [[expected]]
    assert resolver == []


def test_a_name_has_its_addresses_with_the_port(resolver):
    """In the order of the resolver."""
    assert ask("web1", port=2222) == [
        [(socket.AF_INET6, ("fd00::1", 2222, 0, 0)), (socket.AF_INET, ("10.0.0.1", 2222))]
    ]


def test_a_name_is_looked_up_once(resolver):
    """Asked for by ten hosts at once."""
    ask(*["web1"] * 10)
    assert resolver == ["web1"]


@pytest.mark.parametrize("host", ["none.example.com", "odd"])
def test_a_name_without_address(resolver, host):
    """The resolver's word, as a dns error."""
    (error,) = ask(host)
    assert isinstance(error, WorldError)
    assert error.kind is ErrorKind.DNS


def test_dead_names_hold_up_nobody(resolver):
    """Fifty names that get no answer, and one that does."""

    async def one_of_many():
        names = Names()
        dead = [asyncio.create_task(names.addresses(f"dead{number}", 22, ANY)) for number in range(50)]
        await asyncio.sleep(0)
        found = await asyncio.wait_for(names.addresses("web1", 22, ANY), 10)
        for task in dead:
            task.cancel()
        await asyncio.gather(*dead, return_exceptions=True)
        names.forget()
        return found

    assert len(asyncio.run(one_of_many())) == 2


def test_an_answer_after_the_end_is_dropped(resolver):
    """The loop is closed while a thread still waits: nothing is raised anywhere."""

    async def leave():
        names = Names()
        task = asyncio.create_task(names.addresses("dead", 22, ANY))
        await asyncio.sleep(0.01)
        task.cancel()
        names.forget()

    asyncio.run(leave())


def test_what_is_old_is_looked_up_again(resolver, monkeypatch):
    """A run that goes on for long follows a name to its new address."""
    monkeypatch.setattr("netaudit.transport.names._KEPT_S", -1.0)

    async def twice():
        names = Names()
        for _ in range(2):
            await names.addresses("web1", 22, ANY)

    asyncio.run(twice())
    assert resolver == ["web1", "web1"]
