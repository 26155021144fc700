"""Settings of real answers are compared by name; what the kernel counts by itself is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netaudit.facts.snapshot import facts_of
from netaudit.fleet.drift_settings import DOMAINS, VALUE_CHARS, changes, differing, settings_of
from netaudit.model.probe import Capture, Section, SectionStatus

CASES = Path(__file__).parents[2] / "cases"
RECORDED = ("sysctl", "nics", "qdisc", "persisted", "writers", "system", "sockets", "counters")


def _capture(edits: dict[str, tuple[bytes, bytes]] | None = None, missing: str = "") -> Capture:
    sections = []
    for probe in RECORDED:
        text = (CASES / probe / "debian-root" / "stdout").read_bytes()
        if edits and probe in edits:
            assert edits[probe][0] in text
            text = text.replace(*edits[probe])
        status = SectionStatus.NOT_PERMITTED if probe == missing else SectionStatus.COMPLETE
        sections.append(Section(probe, status, 0, text, b"", 1))
    return Capture("web1", "192.0.2.1", "0" * 64, datetime(2026, 6, 1, tzinfo=UTC), 0.1, tuple(sections))


def _changes(before: Capture, after: Capture) -> list[tuple[str, str | None, str | None]]:
    found = changes("web1", facts_of(before, DOMAINS), facts_of(after, DOMAINS))
    return [(each.name, each.before, each.after) for each in found]


def test_the_settings_of_a_host_have_names() -> None:
    """Sysctls by their own, everything else by what it belongs to."""
    found = settings_of(facts_of(_capture(), DOMAINS))
    assert found["net.core.somaxconn"] == "4096"
    assert any(name.endswith(" mtu") and name.startswith("nic ") for name in found)
    assert any(name.startswith("qdisc ") for name in found)
    assert any(name.startswith("boot ") for name in found)
    assert "kernel release" in found
    assert not any("nf_conntrack_count" in name or name.startswith("kernel.random.") for name in found)
    assert all(len(value) <= VALUE_CHARS for value in found.values())


def test_equal_answers_are_not_looked_into() -> None:
    """Most of a fleet's answers are the same bytes; counters do not count."""
    first = _capture()
    assert not differing(first, replace(first, started_at=datetime(2026, 7, 1, tzinfo=UTC)))
    assert not differing(first, _capture({"counters": (b"TcpExt:", b"TcpExt: ")}))
    after = _capture({"sysctl": (b"somaxconn <==\n4096", b"somaxconn <==\n128")})
    domains = differing(first, after)
    assert domains == {"sysctl"}
    found = changes("web1", facts_of(first, domains), facts_of(after, domains))
    assert [(each.name, each.before, each.after) for each in found] == [("net.core.somaxconn", "4096", "128")]


def test_a_change_is_told_with_both_values() -> None:
    """Also where no rule looks at it."""
    after = _capture({"sysctl": (b"somaxconn <==\n4096", b"somaxconn <==\n128")})
    assert _changes(_capture(), after) == [("net.core.somaxconn", "4096", "128")]
    assert _changes(after, _capture()) == [("net.core.somaxconn", "128", "4096")]
    assert _changes(after, after) == []


@pytest.mark.parametrize("probe", ["sysctl", "nics", "qdisc", "persisted", "writers", "system"])
def test_what_only_one_capture_could_read_is_no_change(probe: str) -> None:
    """An audit without root has not taken the settings away."""
    assert _changes(_capture(), _capture(missing=probe)) == []
    assert _changes(_capture(missing=probe), _capture()) == []
