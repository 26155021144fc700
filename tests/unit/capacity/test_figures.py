"""Figures that are missing are named; nothing is taken for granted unless the workload says so."""

from __future__ import annotations

import pytest

from netaudit.capacity.figures import FIGURES
from netaudit.model.capacity import CapacityVerdict as V
from netaudit.model.workload import Load, LoadKind, Machine, Rate

BARE = Load("bare", "all", LoadKind.INBOUND)


def test_a_load_that_says_nothing_is_told_everything_it_lacks(kit):
    """No resource has a number, and none is a pass."""
    rows = [row for row in kit.rows(BARE, machine=Machine()) if row.needs]
    assert {V.NEEDS_FIGURE} == {row.verdict for row in rows}
    assert all(row.required is None and row.breaks_at is None and not row.formula for row in rows)
    asked = {need.figure for row in rows for need in row.needs}
    assert asked >= {
        "port", "process", "new_connections", "concurrent_connections", "closes_first", "request", "response",
        "keep_alive", "tls", "unread", "sending", "slow_close", "drain", "neighbours", "softirq_pause",
    }  # fmt: skip
    assert not [row for row in kit.rows(BARE, machine=Machine()) if row.verdict is V.FITS]


@pytest.mark.parametrize(
    ("without", "resource", "figure"),
    [
        ({"accept_pause_s": None}, "accept-queue", "accept_pause"),
        ({"rtt_p99_s": None}, "syn-queue", "rtt.p99"),
        ({"closes_first_ratio": None}, "time-wait", "closes_first"),
        ({"concurrent": None}, "process-descriptors", "concurrent_connections"),
        ({"concurrent": None}, "system-descriptors", "concurrent_connections"),
        ({"unread_ratio": None}, "tcp-memory", "unread"),
        ({"sending_ratio": None}, "memory", "sending"),
        ({"slow_close_ratio": None}, "orphans", "slow_close"),
        ({"new_connections": Rate()}, "conntrack-entries", "new_connections"),
        ({"new_connections": Rate(mean=9)}, "accept-queue", "new_connections.burst"),
    ],
)
def test_each_resource_asks_for_its_own_figures(kit, without, resource, figure):
    """And for no other of those that are given."""
    row = kit.row(resource, kit.replace(kit.W1, **without))
    assert (V.NEEDS_FIGURE, [figure]) == (row.verdict, [need.figure for need in row.needs])
    assert all(need.load == "https" for need in row.needs)
    assert figure in row.reason


def test_usual_values_stand_in_where_that_is_allowed(kit):
    """Only for planning figures, and the row says so."""
    load = kit.replace(kit.W1, accept_pause_s=None)
    row = kit.row("accept-queue", load, assumes=True)
    assert 2500 == row.required
    assert "accept_pause not declared, 500 ms assumed" in row.assumed
    size = kit.row("link-bandwidth", kit.replace(kit.W1, response_bytes=None), assumes=True, subject="eth0 out")
    assert ["response"] == [need.figure for need in size.needs], "nobody can assume that"


def test_three_times_the_mean_is_assumed_for_a_burst(kit):
    """Where only a mean is known, and assuming is allowed."""
    row = kit.row("accept-queue", kit.replace(kit.W1, new_connections=Rate(mean=1000)), assumes=True)
    assert 1500 == row.required
    assert any("burst not declared" in text for text in row.assumed)


@pytest.mark.parametrize(("virtualization", "pause_s"), [("none", 0.002), ("kvm", 0.010)])
def test_a_virtual_machine_is_late_more_often(kit, virtualization, pause_s):
    """The usual delay depends on what the host is."""
    facts = kit.facts(kernel=kit.replace(kit.KERNEL, virtualization=virtualization))
    machine = kit.replace(kit.MACHINE, softirq_pause_s=None)
    row = kit.row("softirq-budget", kit.W1, facts=facts, machine=machine, assumes=True)
    assert 65_000 * 2 / 8 * pause_s == pytest.approx(row.required)


def test_rare_events_are_taken_as_none_and_that_is_said(kit):
    """A workload need not know of loss and scans; the answer tells that it did not count them."""
    load = kit.replace(kit.W1, loss_ratio=None, silently_lost_per_s=None, unanswered_syn_per_s=None, reset_ratio=None)
    said = kit.row("conntrack-entries", load).assumed
    assert 3 == len(said)
    assert all("taken as none" in text for text in said)
    assert ("loss on the way not declared, taken as none",) == kit.row("syn-queue", load).assumed


def test_a_lifetime_stands_for_a_number(kit):
    """Connections that are open are those that began within the lifetime of one."""
    load = kit.replace(kit.W1, concurrent=None, lifetime_s=20.0)
    assert 100_000 + 30 == kit.row("process-descriptors", load).required


def test_a_short_burst_does_not_fill_a_minute(kit):
    """10 s at 5,000/s and 50 s at 1,000/s are 100,000 closes, not 300,000."""
    load = kit.replace(kit.W1, new_connections=Rate(1000, 5000, 10), reset_ratio=0.0)
    assert 100_000 == kit.row("time-wait", load).required


def test_several_loads_that_lack_it(kit):
    """Each is named."""
    loads = [kit.replace(kit.W1, name=name, closes_first_ratio=None) for name in ("a", "b")]
    assert ["a", "b"] == [need.load for need in kit.row("time-wait", *loads).needs]


def test_every_figure_says_what_it_means():
    """For someone who has never heard of it."""
    assert all(figure.meaning and figure.key for figure in FIGURES.values())
