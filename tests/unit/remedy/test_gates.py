"""What stops a batch, and what does not."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.model.facts import Facts, Softnet, SoftnetCpu
from netaudit.model.reading import Absent, AbsentReason
from netaudit.remedy.gates import COUNTERS, Sample, failures, gate_rows, sample_of

NOTHING = Absent(AbsentReason.NOT_ASKED)
OVERFLOWS = "TcpExt.ListenOverflows"
RETRANSMITS = "Tcp.RetransSegs"


def facts_with(**domains) -> Facts:
    """Facts that hold these domains and no other."""
    values = {each.name: NOTHING for each in fields(Facts)}
    values.update(host="web1", address="198.18.0.2", taken_at=datetime(2026, 11, 20, tzinfo=UTC))
    return Facts(**{**values, **domains})


def sample(at_s: float, boot_id: str = "one", totals=None, **values) -> Sample:
    """Counters of one moment; every counter that is not named is 0."""
    counters = {counter.name: 0 for counter in COUNTERS}
    counters.update({name.replace("__", "."): value for name, value in values.items()})
    return Sample(boot_id, at_s, counters, totals or {RETRANSMITS: 0})


def row_of(rows, name):
    """The row of one counter."""
    return next(row for row in rows if row.counter == name)


def test_a_quiet_host_passes():
    """Counters that do not move stop nothing."""
    assert () == failures(gate_rows("web1", [sample(0), sample(10), sample(40)]))


def test_new_loss_stops_the_batch():
    """A rate that was zero and is now above the floor fails, and the row says all three numbers."""
    rows = gate_rows("web1", [sample(0), sample(10), sample(20, TcpExt__ListenOverflows=50)])
    bad = row_of(failures(rows), OVERFLOWS)
    assert (0.0, 5.0, 1.0) == (bad.before, bad.now, bad.threshold)


def test_loss_as_before_passes():
    """A host that lost before the change and loses no more now is not held against it."""
    rows = gate_rows(
        "web1",
        [sample(0), sample(10, TcpExt__ListenOverflows=100), sample(20, TcpExt__ListenOverflows=210)],
    )
    assert row_of(rows, OVERFLOWS).passed
    assert 10.0 == row_of(rows, OVERFLOWS).before


def test_a_single_event_in_a_short_window_is_no_rate():
    """Two overflows within a tenth of a second are twenty a second and prove nothing."""
    assert () == failures(gate_rows("web1", [sample(0), sample(10), sample(10.1, TcpExt__ListenOverflows=2)]))


def test_retransmits_are_judged_by_their_share():
    """Five per cent of what was sent is too much where nothing was sent twice before."""
    before = sample(10, totals={RETRANSMITS: 10_000})
    after = sample(20, totals={RETRANSMITS: 11_000}, Tcp__RetransSegs=50)
    bad = row_of(failures(gate_rows("web1", [sample(0), before, after])), RETRANSMITS)
    assert pytest.approx(0.05) == bad.now
    few = sample(20, totals={RETRANSMITS: 20_000}, Tcp__RetransSegs=50)
    assert () == failures(gate_rows("web1", [sample(0), before, few]))


def test_a_boot_in_between_stops_the_batch():
    """Counters that begin anew would look like an improvement."""
    (row,) = gate_rows("web1", [sample(0), sample(10), sample(3, boot_id="two")])
    assert not row.passed
    assert "booted" in row.note


@pytest.mark.parametrize("place", [1, 2])
def test_a_host_that_was_not_sampled_stops_the_batch(place):
    """No numbers are no proof."""
    samples = [sample(0), sample(10), sample(20)]
    samples[place] = None
    (row,) = failures(gate_rows("web1", samples))
    assert "not read" in row.note


def test_without_an_earlier_sample_only_the_floor_is_granted():
    """The audit may be older than the boot; then nothing is known of what was usual."""
    rows = gate_rows("web1", [sample(99, boot_id="zero"), sample(10), sample(20, TcpExt__ListenOverflows=9)])
    assert row_of(rows, OVERFLOWS).passed
    assert row_of(rows, OVERFLOWS).before is None


def test_what_is_not_there_is_not_observable_and_not_zero():
    """A counter that the kernel lacks passes, and says why."""
    lacking = [replace(each, values={}) for each in (sample(0), sample(10), sample(20))]
    rows = gate_rows("web1", lacking)
    assert {"not observable"} == {row.note for row in rows}
    assert all(row.passed and row.now is None for row in rows)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0.1, 1000))
def test_more_loss_never_passes_where_less_did_not(less, more, seconds):
    """The gate is monotone in what was lost after the change."""
    less, more = sorted((less, more))

    def passes(lost: int) -> bool:
        after = sample(10 + seconds, TcpExt__ListenOverflows=lost)
        return row_of(gate_rows("web1", [sample(0), sample(10), after]), OVERFLOWS).passed

    assert passes(less) or not passes(more)


def test_a_sample_is_read_from_the_facts():
    """Counters come from their domains by the kernel's names; those of CPUs are summed."""
    softnet = Softnet(tuple(SoftnetCpu(cpu, 5, 3, 0, 0, 0) for cpu in range(2)), (), (), (), 0.0)
    facts = facts_with(
        kernel=SimpleNamespace(boot_id="one", uptime_s=5.0, is_initial_namespace=True),
        netstat={OVERFLOWS: 7},
        snmp={RETRANSMITS: 2, "Tcp.OutSegs": 100},
        softnet=softnet,
    )
    taken = sample_of(facts)
    assert taken is not None
    assert {OVERFLOWS: 7, RETRANSMITS: 2, "softnet dropped": 6} == dict(taken.values)
    inner = replace(facts, kernel=SimpleNamespace(boot_id="one", uptime_s=3.0, is_initial_namespace=False))
    assert {OVERFLOWS: 7, RETRANSMITS: 2} == dict(sample_of(inner).values)
    assert {RETRANSMITS: 100} == dict(taken.totals)
    assert sample_of(facts_with()) is None
