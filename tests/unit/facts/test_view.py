"""Facts as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from netaudit.facts.snapshot import facts_of
from netaudit.facts.view import as_json
from netaudit.model.probe import Capture, Section, SectionStatus

CONTRACT = {
    "sysctl", "netstat", "snmp", "listeners", "nics", "conntrack", "softnet", "sockstat", "memory", "cpu", "kernel",
    "limits", "persisted", "writers", "namespaces",
}  # fmt: skip


def shown(**answers: str) -> dict[str, object]:
    """The JSON of a host whose probes answered this."""
    sections = tuple(
        Section(probe, SectionStatus.COMPLETE, 0, text.encode(), b"grep: net/x: Permission denied\n", 1)
        for probe, text in answers.items()
    )
    capture = Capture("web1", "192.0.2.1", "", datetime(2026, 11, 20, 15, tzinfo=UTC), 0.1, sections)
    return as_json(facts_of(capture))


def test_keys_of_the_contract_are_there() -> None:
    """Every domain is a key, also when it is absent; the whole is JSON."""
    facts = shown()
    assert facts.keys() >= CONTRACT
    assert facts["host"] == "web1"
    assert facts["taken_at"] == "2026-11-20T15:00:00Z"
    assert facts["memory"] == {"absent": "not asked", "detail": ""}
    json.dumps(facts, allow_nan=False)


def test_settings_are_an_object_of_texts() -> None:
    """A setting is its text under its name; one that could not be read says why, in its place."""
    assert shown(sysctl="==> net/ipv4/tcp_rmem <==\n4096\t1\t2\n")["sysctl"] == {
        "net.ipv4.tcp_rmem": "4096 1 2",
        "net.x": {"absent": "not permitted", "detail": "Permission denied"},
    }


def test_persisted_settings_have_both_values() -> None:
    """Each persisted name has what boot sets and what sysctl --system sets; None where one sets nothing."""
    persisted = (
        "#@ loaders\nsystemd-sysctl /x\n#@ entries\nfile /etc/sysctl.conf\nfile /etc/sysctl.d/a.conf\n"
        "#@ lines\netc/sysctl.conf:3:net.a = 1\netc/sysctl.d/a.conf:1:net.b = 2\n"
    )
    section = Section("persisted", SectionStatus.COMPLETE, 0, persisted.encode(), b"", 1)
    capture = Capture("web1", "", "", datetime(2026, 1, 1, tzinfo=UTC), 0.1, (section,))
    facts = as_json(facts_of(capture))
    second = {"value": "2", "file": "/etc/sysctl.d/a.conf", "line": 1}
    assert facts["persisted"] == {
        "net.a": {"boot": None, "system": {"value": "1", "file": "/etc/sysctl.conf", "line": 3}},
        "net.b": {"boot": second, "system": second},
    }
    assert isinstance(facts["persistence"], dict)
    assert facts["persistence"].keys() == {"files", "problems", "modules_load", "module_options", "systemd"}


def test_records_lists_and_counters() -> None:
    """Records become objects of their fields, tuples lists, counters numbers."""
    facts = shown(counters="snmp:Tcp: ActiveOpens\nsnmp:Tcp: 7\n", writers="#@ services\nhas ufw /usr/sbin/ufw\n")
    assert facts["snmp"] == {"Tcp.ActiveOpens": 7}
    assert facts["writers"] == [
        {"name": "ufw", "detail": "IPT_SYSCTL=", "active": False, "keys": []},
    ]
