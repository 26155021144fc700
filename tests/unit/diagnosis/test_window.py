"""Bad days: one sample, a reboot, a clock that jumps, counters that are reset or vanish; each told in a clear line."""

from __future__ import annotations

import pytest

from netaudit.diagnosis import diagnosis_of
from netaudit.diagnosis.window import Sample, window_of
from netaudit.errors import ErrorKind, Phase
from netaudit.model.probe import Capture, HostError
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.result import HostStatus

LOST = HostError(ErrorKind.DISCONNECTED, "the connection was lost", Phase.ANSWER)


def notes(samples):
    """What the window says of its samples, as one text."""
    return "\n".join(window_of(samples).notes)


def test_only_the_first_sample_was_answered(make):
    """States are judged as they stand; what shows in growth is not observable, and that is said."""
    full = make.facts(limits=make.limits(make.process(16, 16)), listeners=(make.listener(queue=9, backlog=8),))
    judged = make.judged([Sample(full), Sample(None, LOST)])
    assert judged.names == ["descriptors-exhausted"]
    assert "sample 2 of 2 failed: disconnected: the connection was lost" in judged.window.notes
    assert any("one sample only" in note for note in judged.window.notes)
    unseen = {one.cause: one.reason for one in judged.unseen}
    assert "one sample only" in unseen["udp-receive-buffer"]
    assert "ports-exhausted" not in unseen


def test_none_was_answered():
    """There is nothing to judge."""
    assert window_of([Sample(None, LOST), Sample(None, LOST)]) is None


def test_a_reboot_in_between(make):
    """Counters of two boots are not compared; the longest run of one boot is."""
    first = make.facts(kernel=make.kernel(900.0, boot="a"))
    later = [
        make.facts(kernel=make.kernel(at, boot="b"), **make.grown({"Udp.NoPorts": 10 * at})) for at in (20, 30, 40)
    ]
    window = window_of([Sample(first), *map(Sample, later)])
    assert len(window.samples) == 3
    assert window.deltas.seconds == 20.0
    assert "rebooted" in "\n".join(window.notes)
    both = window_of([Sample(first), Sample(later[0])])
    assert len(both.samples) == 1
    assert both.last.kernel.boot_id == "b"


def test_a_reboot_after_which_the_host_is_up_for_longer(make):
    """The boot decides, whatever the clocks say."""
    samples = [
        Sample(make.facts(kernel=make.kernel(10.0, boot="a"))),
        Sample(make.facts(kernel=make.kernel(20.0, boot="b"))),
    ]
    assert len(window_of(samples).samples) == 1


def test_the_time_of_day_jumps(make):
    """Rates go by the clock since boot, and the jump is told."""
    later = make.facts(110.0, kernel=make.kernel(110.0, jump_s=3600.0))
    window = window_of([Sample(make.facts(100.0)), Sample(later)])
    assert window.deltas.seconds == pytest.approx(10.0)
    assert "jumped by +3600 s" in "\n".join(window.notes)


def test_the_host_stood_still(make):
    """Ten seconds here and two on the host: it was paused."""
    later = make.facts(110.0, kernel=make.kernel(102.0))
    assert "stood still" in notes([Sample(make.facts(100.0)), Sample(later)])


def test_the_clock_since_boot_runs_backwards(make):
    """Such samples are not compared."""
    said = notes([Sample(make.facts(100.0)), Sample(make.facts(100.0, kernel=make.kernel(50.0)))])
    assert "ran backwards" in said


def test_counters_vanish(make):
    """A module that was unloaded: its counters are named, its causes not observable."""
    judged = make.judge(last={"conntrack": make.absent})
    assert "there in the first sample and gone later: conntrack.drop" in "\n".join(judged.window.notes)
    assert "conntrack-refused" in {one.cause for one in judged.unseen}
    assert judged.names == []


def test_counters_are_set_back(make):
    """A namespace that was made anew: nothing is invented."""
    grown = make.grown({})
    fallen = {**grown["netstat"], "TcpExt.ListenOverflows": 3, "TcpExt.TCPReqQFullDrop": 1}
    judged = make.judge(last={"netstat": fallen})
    assert judged.names == []
    assert "set back between samples" in "\n".join(judged.window.notes)


@pytest.mark.parametrize(
    ("domain", "cause"),
    [
        ("netstat", "syn-queue-full"), ("snmp", "udp-receive-buffer"), ("softnet", "cpu-backlog"),
        ("qdiscs", "egress-queue-drops"), ("nics", "ring-overflow"), ("sockets", "ports-exhausted"),
        ("talkers", "app-not-reading"), ("listeners", "listener-gone"), ("limits", "descriptors-exhausted"),
        ("neighbours", "neighbour-unreachable"),
    ],
)  # fmt: skip
def test_what_was_not_read_is_not_observable(make, domain, cause):
    """A domain that is absent makes its causes not observable with its reason, never absent."""
    judged = make.judge(both={domain: make.absent}, last={domain: make.absent})
    unseen = {one.cause: one.reason for one in judged.unseen}
    assert "not present" in unseen[cause]
    assert judged.names == []


def test_a_counter_this_kernel_lacks_is_not_observable(make):
    """Its cause is told as not observable, and others of the same file are looked for."""
    without = {name: value for name, value in make.grown({})["netstat"].items() if "TimeWaitOverflow" not in name}
    judged = make.judge({"Udp.RcvbufErrors": 5}, both={"netstat": without}, last={"netstat": without})
    unseen = {one.cause: one.reason for one in judged.unseen}
    assert unseen == {"time-wait-overflow": "this kernel does not count TcpExt.TCPTimeWaitOverflow"}
    assert judged.names == ["udp-receive-buffer"]


def test_the_kernel_log_only_counts_within_the_window(make):
    """A line of yesterday is no evidence of today."""
    growth = {"TcpExt.TCPAbortOnMemory": 12}
    assert make.judge(growth, last={"kernel_log": make.log("orphans", 105.0)}).names == ["orphan-limit"]
    assert make.judge(growth, last={"kernel_log": make.log("orphans", 5.0)}).names == []


def test_a_host_without_session_has_its_error(make):
    """Its status is that of the contract."""
    from datetime import UTC, datetime

    error = HostError(ErrorKind.REFUSED, "connection refused", Phase.CONNECT)
    capture = Capture("web9", "192.0.2.9", "", datetime(2026, 6, 1, tzinfo=UTC), 0.1, (), error)
    diagnosis = diagnosis_of((capture,))
    assert (diagnosis.status, diagnosis.error) == (HostStatus.UNREACHABLE, error)
    assert diagnosis.causes == ()


def test_many_samples_find_what_comes_and_goes(make):
    """The growth of each interval is told beside the sum."""
    samples = [
        Sample(make.facts(100.0 + at, **make.grown({"Udp.RcvbufErrors": grown})))
        for at, grown in enumerate((0, 0, 90, 90, 95))
    ]
    judged = make.judged(samples)
    assert judged.first.changes[0].series == (0, 90, 0, 5)


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (Absent(AbsentReason.NOT_PRESENT, "probe talkers not present: ss is not installed"), "ss is not installed"),
        (Absent(AbsentReason.NOT_PRESENT, "no sockstat"), "not present: no sockstat"),
        (
            Absent(AbsentReason.NOT_PERMITTED, "the probe talkers needs root"),
            "not permitted: the probe talkers needs root",
        ),
        (Absent(AbsentReason.NOT_FINISHED, "probe talkers cut: x"), "not finished: probe talkers cut: x"),
    ],
)
def test_what_a_probe_says_of_what_is_missing_is_said_once(make, why, said):
    """In its own words where it knows; else with how it came about."""
    judged = make.judge(both={"talkers": why})
    assert {one.reason for one in judged.unseen if one.cause == "peer-not-reading"} == {said}
