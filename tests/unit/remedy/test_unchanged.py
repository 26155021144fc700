"""What a change must leave as it was: what has gone is an objection, what has come is none."""

from __future__ import annotations

import shutil
import socket
import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from netaudit.assets.locate import locate
from netaudit.assets.probes import load_probes
from netaudit.facts.snapshot import facts_of
from netaudit.model.facts import Facts, InterfaceAddress, Listener, Namespace, Nic, Route, Routing
from netaudit.model.probe import Capture, Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason
from netaudit.remedy import unchanged
from netaudit.remedy.scripts import StepScript
from netaudit.remedy.unchanged import before, watched
from netaudit.remedy.work import WorkStep

UNKNOWN = Absent(AbsentReason.NOT_FINISHED)


def nic(name: str, *addresses: tuple[str, str]) -> Nic:
    """An interface with these addresses and scopes."""
    given = dict.fromkeys(Nic.__dataclass_fields__, UNKNOWN)
    made = tuple(InterfaceAddress("inet", address, 24, "192.0.2.0/24", scope) for address, scope in addresses)
    return Nic(**{**given, "name": name, "addresses": made})


def route(**changes: object) -> Route:
    """A default route."""
    usual = {"family": "inet", "table": "main", "kind": "unicast", "destination": "default", "gateway": "192.0.2.1",
             "device": "eth0"}  # fmt: skip
    return Route(**{**dict.fromkeys(Route.__dataclass_fields__, None), "source": "", **usual, **changes})


def namespace(name: str = "blue", **sysctl: str) -> Namespace:
    """Another network namespace."""
    return Namespace(4026532000, name, 1, "init", sysctl, UNKNOWN, UNKNOWN)


def facts(**changes: object) -> Facts:
    """A host with one interface, one way out, one listener and one namespace."""
    nothing = facts_of(Capture("web1", "192.0.2.9", "", datetime(2026, 6, 1, tzinfo=UTC), 0.0, ()))
    usual = {
        "nics": (nic("eth0", ("192.0.2.9", "global"), ("fe80::1", "link")), nic("veth1", ("fe80::2", "link"))),
        "routing": Routing((route(),), UNKNOWN),
        "listeners": (Listener("tcp", "0.0.0.0", 22, 0, 128),),
        "namespaces": (namespace(somaxconn="128", mem="1"),),
    }
    return replace(nothing, **{**usual, **changes})


def differences(before: Facts, after: Facts, steps=()) -> tuple[str, ...]:
    """What has changed between the facts of two moments."""
    return unchanged.differences(watched(before), watched(after), steps)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_who_listens_is_told_alike_before_and_after(family):
    """The cheaper question before a change gives the name that the whole one gives after it."""
    if not shutil.which("ss"):
        pytest.skip("no ss here")
    (probe,) = (each for each in load_probes(locate()) if each.id == "sockets")
    (cheaper,) = before((probe,))
    with socket.create_server(("", 0), family=family) as server:
        told = []
        for asked in (cheaper, probe):
            said = subprocess.run(["sh", "-s"], input=asked.text.encode(), capture_output=True, timeout=60).stdout
            section = Section("sockets", SectionStatus.COMPLETE, 0, said, b"", 1)
            listeners = facts_of(Capture("web1", "", "", datetime(2026, 6, 1, tzinfo=UTC), 0.0, (section,))).listeners
            told.append({each.endpoint for each in listeners if each.port == server.getsockname()[1]})
    assert told[0] == told[1] != set()


def test_only_the_question_about_sockets_is_another():
    """All other probes are asked as they are."""
    others = tuple(each for each in load_probes(locate()) if each.id != "sockets")
    assert others == before(others)


def test_nothing_has_changed():
    """The same facts give no objection."""
    assert () == differences(facts(), facts())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"routing": Routing((), UNKNOWN)}, "no default route any more: inet 192.0.2.1 dev eth0"),
        ({"routing": Routing((route(gateway="192.0.2.7"),), UNKNOWN)}, "no default route any more"),
        ({"nics": ()}, "no interface any more: eth0"),
        ({"nics": (nic("eth0", ("192.0.2.8", "global")),)}, "no address any more: 192.0.2.9/24 on eth0"),
        ({"listeners": ()}, "nothing listens any more on: 0.0.0.0:22"),
        (
            {"namespaces": (namespace(somaxconn="9", mem="1"),)},
            "settings of the namespace blue have changed: somaxconn",
        ),
        ({"routing": UNKNOWN}, "could not be read again"),
    ],
)
def test_what_has_gone_is_an_objection(changes, said):
    """Each is named."""
    assert any(said in line for line in differences(facts(), facts(**changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"nics": (nic("eth0", ("192.0.2.9", "global"), ("192.0.2.10", "global")), nic("veth7", ("fe80::9", "link")))},
        {"listeners": (Listener("tcp", "0.0.0.0", 22, 5, 128), Listener("tcp", "0.0.0.0", 80, 0, 128))},
        {"listeners": (Listener("tcp", "0.0.0.0", 22, 0, 4096),)},
        {"namespaces": ()},
        {"namespaces": UNKNOWN},
    ],
)
def test_what_has_come_or_comes_and_goes_is_none(changes):
    """Containers start and end; a queue fills; a backlog is the change itself."""
    assert () == differences(facts(), facts(**changes))


def test_what_was_not_read_before_cannot_be_compared():
    """An unknown is no change."""
    assert () == differences(facts(routing=UNKNOWN, nics=UNKNOWN, listeners=UNKNOWN, namespaces=UNKNOWN), facts())


def test_the_namespace_of_a_step_is_its_own_matter():
    """A change that was made there on purpose is no objection."""
    step = WorkStep("somaxconn", "128", StepScript("r", "a", "u", ("9",)), namespace="blue")
    assert () == differences(facts(), facts(namespaces=(namespace(somaxconn="9", mem="1"),)), [step])
