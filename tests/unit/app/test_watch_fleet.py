"""What a watch tells of hosts as a whole: only what became otherwise for somebody."""

from __future__ import annotations

from datetime import UTC, datetime

from netaudit.app.watch_fleet import Fleet
from netaudit.fleet.events import Event, EventKind
from netaudit.fleet.events_memory import Known
from netaudit.fleet.segments import Membership, SegmentRecord
from netaudit.model.result import HostReport, HostStatus

AT = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)


def known(name: str, mtu: int) -> tuple[str, Known]:
    """A host in the one segment there is."""
    member = Membership("eth0", mtu, "198.18.0.0/20", f"198.18.0.{name[-1]}")
    report = HostReport(name, name, HostStatus.OK, None, 0.1)
    return name, Known(report, AT, answered=True, segment=SegmentRecord(name, "", (), (member,)))


def round_of(fleet: Fleet, number: int, *hosts: tuple[str, Known]) -> list[Event]:
    """What one round tells across hosts, once these are known as well."""
    fleet._known.update(hosts)
    return list(fleet.across(number, AT))


def test_other_hosts_that_are_in_order_do_not_change_a_finding():
    """Who differs is told when it begins and when others differ as well, not when the majority grows."""
    fleet = Fleet()
    assert [] == round_of(fleet, 1, *(known(f"web{number}", 1500) for number in range(1, 5)))
    (new,) = round_of(fleet, 2, known("web5", 1400))
    assert (new.kind, new.subject) == (EventKind.NEW, "web5")
    assert [] == round_of(fleet, 3, known("web6", 1500))
    (more,) = round_of(fleet, 4, known("web7", 1400))
    assert (more.kind, more.subject) == (EventKind.CHANGED, "web5, web7")
