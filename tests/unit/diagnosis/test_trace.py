"""What a trace adds: reasons in words, causes that weigh more or less, a timeline, headers that say something."""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest
from types import SimpleNamespace
from typing import cast

import pytest

from netaudit.diagnosis.catalogue import TITLES
from netaudit.diagnosis.headers import headers_of, summed
from netaudit.diagnosis.reasons import ALWAYS_TRACED, REASONS, reason_of
from netaudit.diagnosis.timeline import timeline_of
from netaudit.diagnosis.trace import told, trace_of, weighed
from netaudit.diagnosis.trace_probes import probes_of
from netaudit.diagnosis.window import Window
from netaudit.model.diagnosis import Cause, Confidence, Layer
from netaudit.model.pcap import TcpHeader
from netaudit.model.probe import Capture, Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.result import Severity
from netaudit.model.trace import Drop, Means, Scope, TcpEvent, Trace

from datetime import UTC, datetime  # isort: skip


def _cause(name: str, confidence: Confidence = Confidence.LIKELY) -> Cause:
    return Cause(
        id=name, code="D11", title="t", layer=Layer.TRANSPORT, severity=Severity.HIGH, confidence=confidence,
        summary="s", changes=(), evidence=("e",), ruled_out=(), subjects=(), fix="f", checks=(), remediation=None,
        look=(),
    )  # fmt: skip


def _trace(*drops: Drop, **changes: object) -> Trace:
    made = Trace(Means.BPFTRACE, 8.0, 1000.0, 1_795_000_000.0 - 1000.0, drops)
    return replace(made, **changes)  # type: ignore[arg-type]  # a test's own words


def _window(seconds: float = 10.0) -> Window:
    deltas = SimpleNamespace(seconds=seconds, has=lambda _name: False, up=lambda *_names: 0)
    last = SimpleNamespace(kernel=Absent(AbsentReason.NOT_ASKED))
    return cast(Window, SimpleNamespace(deltas=deltas, last=last))


FULL = Drop("SOCKET_RCVBUFF", "udp_queue_rcv_one_skb", 2048, 1744, Scope.NAMESPACE)
NOISE = Drop("OTHERHOST", "ip_rcv_core", 2048, 3, Scope.NAMESPACE)


def test_every_reason_is_explained_and_tied_to_causes_that_there_are() -> None:
    """The table names no cause that the catalogue does not know."""
    named = {cause for reason in REASONS.values() for cause in reason.causes} | set(ALWAYS_TRACED)
    assert named <= set(TITLES)
    assert all(reason.meaning for reason in REASONS.values())
    assert {name for names in ALWAYS_TRACED.values() for name in names} <= set(REASONS)
    assert reason_of("SOMETHING_NEW").is_loss


def test_every_reason_of_a_recorded_kernel_is_known() -> None:
    """Those of Linux 6.18; MAX is none."""
    from pathlib import Path

    from netaudit.facts.trace import reason_names

    case = Path(__file__).parents[2] / "cases" / "trace" / "trace_events" / "bpftrace" / "stdout"
    assert set(reason_names(case.read_text()).values()) - {"MAX"} <= set(REASONS)


def test_a_drop_of_the_hosts_own_namespace_makes_a_cause_surer() -> None:
    """One step, and it is told with the place."""
    (cause,) = weighed([_cause("udp-receive-buffer")], _trace(FULL), _window())
    assert cause.confidence is Confidence.CERTAIN
    assert cause.evidence[-1] == "traced for 8 s: 1,744 packets freed for SOCKET_RCVBUFF in udp_queue_rcv_one_skb"


def test_a_drop_that_may_be_anybodys_is_told_and_proves_nothing() -> None:
    """Tracepoints are of the whole machine."""
    (cause,) = weighed([_cause("udp-receive-buffer")], _trace(replace(FULL, scope=Scope.MACHINE)), _window())
    assert cause.confidence is Confidence.LIKELY
    assert "on the whole machine" in cause.evidence[-1]


def test_what_would_have_shown_and_did_not_weighs_less() -> None:
    """One step down with the reason, and behind what is likelier then."""
    causes = weighed([_cause("reverse-path-filter"), _cause("port-closed")], _trace(NOISE), _window())
    assert [(cause.id, cause.confidence) for cause in causes] == [
        ("port-closed", Confidence.LIKELY), ("reverse-path-filter", Confidence.POSSIBLE),
    ]  # fmt: skip
    assert "no packet was freed for IP_RPFILTER" in causes[1].evidence[-1]


@pytest.mark.parametrize(
    ("name", "changes", "window_s"),
    [
        ("accept-queue-full", {}, 10.0),  # SYNs that a full queue refuses leave no trace
        ("reverse-path-filter", {"unseen_drops": 5}, 10.0),
        ("reverse-path-filter", {}, 60.0),  # most of the window was not traced
        ("reverse-path-filter", {"drops": (replace(NOISE, reason=""),)}, 10.0),  # the kernel names none
        ("reverse-path-filter", {"drops": ()}, 10.0),
        ("reverse-path-filter", {"means": Means.NONE}, 10.0),
    ],
)
def test_silence_of_a_trace_that_could_not_have_shown_it_says_nothing(
    name: str, changes: dict[str, object], window_s: float
) -> None:
    """What is not observable is never taken for absent."""
    cause = _cause(name)
    assert weighed([cause], _trace(NOISE, **changes), _window(window_s)) == (cause,)


def test_a_trace_is_told_by_reason_losses_first() -> None:
    """Places of one reason are one row; TCP events are told by kind."""
    trace = _trace(
        NOISE, FULL, replace(FULL, place="sock_queue_rcv_skb", packets=6),
        tcp=(
            TcpEvent("tcp_retransmit_skb", 3, {"state": "TCP_SYN_SENT", "peer": "10.0.0.2", "port": "443"}),
            TcpEvent("inet_sock_set_state", 2, {"old": "TCP_SYN_SENT", "new": "TCP_CLOSE", "port": "443"}),
        ),
        unseen_events=4,
    )  # fmt: skip
    shown = told(trace, _window())
    assert [(one.reason, one.packets, one.is_loss) for one in shown.reasons] == [
        ("SOCKET_RCVBUFF", 1750, True), ("OTHERHOST", 3, False),
    ]  # fmt: skip
    assert shown.reasons[0].places == (("udp_queue_rcv_one_skb", 1744), ("sock_queue_rcv_skb", 6))
    assert [(one.event, one.told) for one in shown.tcp] == [
        ("retransmit", (("with 10.0.0.2 port 443 in SYN-SENT", 3),)),
        ("state", (("SYN-SENT to CLOSE port 443", 2),)),
    ]
    assert "4 more events of TCP" in shown.notes[0]


def test_no_trace_says_why() -> None:
    """An absent trace is a line of its own."""
    assert told(Absent(AbsentReason.NOT_PERMITTED, "needs root"), _window()).absent == "not permitted: needs root"


def _header(at_s: float, flags: str, port: int = 40000, *, back: bool = False) -> TcpHeader:
    ends = ("10.0.0.2", 443, "10.0.0.1", port) if back else ("10.0.0.1", port, "10.0.0.2", 443)
    return TcpHeader(at_s, *ends, flags, not back)


def test_syns_are_told_by_what_became_of_them() -> None:
    """Repeated, refused, never answered; a packet seen on two interfaces counts once."""
    shown = summed((
        _header(1.0, "SYN"), _header(1.0001, "SYN"), _header(1.1, "SYN-ACK", back=True),
        _header(2.0, "SYN", 40001), _header(2.1, "RST-ACK", 40001, back=True),
        _header(3.0, "SYN", 40002), _header(4.0, "SYN", 40002), _header(5.0, "FIN"),
        _header(5.5, "SYN", 40003),
    ))  # fmt: skip
    assert dict(shown.counts) == {"SYN": 5, "SYN-ACK": 1, "RST-ACK": 1, "FIN": 1}
    assert shown.findings == (
        "1 of 4 SYNs repeated: to 10.0.0.2 port 443 (1)",
        "1 of 4 SYNs refused by a reset: to 10.0.0.2 port 443 (1)",
        "1 of 4 SYNs never answered: to 10.0.0.2 port 443 (1)",
    )


def _samples(count: int, *late_s: float) -> Window:
    """Samples a second apart, each so late as is said."""
    uptimes = [1000.0 + place + late for place, late in zip_longest(range(count), late_s, fillvalue=0.0)]
    kernels = [SimpleNamespace(uptime_s=at, clock_s=1_795_000_000.0 + at - 1000.0) for at in uptimes]
    samples = tuple(SimpleNamespace(kernel=kernel) for kernel in kernels)
    deltas = SimpleNamespace(
        series={
            "TcpExt.ListenDrops": (0, 7, 0),
            "Ip.InReceives": (5, 5, 5),
            "eth0#2.rx_dropped": (1, 0, 0),
            "rule nft ip f i: tcp dport 9 drop#0": (0, 0, 3),
        }
    )
    return cast(Window, SimpleNamespace(samples=samples, first=samples[0], last=samples[-1], deltas=deltas))


def test_drops_stand_beside_the_lines_of_their_second() -> None:
    """Counters, traced reasons and lines of a log of the same second are one row; what is no loss is left out."""
    log = "#@ log\nline 1002.1 14:03:07 timeout\nmore 1002.1\nline 1003.1 other\nturned 1003.1\nskipped 1003.1 99\n"
    section = Section("log_lines", SectionStatus.COMPLETE, 0, log.encode(), b"", 1)
    capture = Capture("web1", "", "0" * 64, datetime(2026, 11, 20, tzinfo=UTC), 0.1, (section,))
    trace = _trace(
        series={(1_795_000_001, "kfree_skb", "SOCKET_RCVBUFF"): 7, (1_795_000_001, "tcp_send_reset", "x"): 1}
    )
    shown = timeline_of(_samples(4), (), [capture], trace)
    first, second, third = shown.rows
    assert first.changes == (("eth0.rx_dropped", 1),)
    assert second.changes == (("TcpExt.ListenDrops", 7),)
    assert (second.drops, second.lines, second.has_more_lines) == (
        (("SOCKET_RCVBUFF", 7),),
        ("14:03:07 timeout",),
        True,
    )
    assert second.clock_s == 1_795_000_001
    assert third.lines == ("other",)
    assert third.changes == (("rule nft ip f i: tcp dport 9 drop", 3),)
    assert ["turned over" in shown.log[0], "99 bytes" in shown.log[1]] == [True, True]


def test_a_long_rule_is_cut() -> None:
    """It is a host's own text, and a row is a line."""
    window = _samples(2)
    window.deltas.series["rule nft ip f i: " + "x" * 500 + " drop#0"] = (9,)
    ((name, grown),) = [one for one in timeline_of(window, (), [], None).rows[0].changes if one[0].startswith("rule")]
    assert (len(name), grown) == (100, 9)


def test_no_second_stands_there_twice() -> None:
    """Samples come a little early and a little late, and their seconds are those of a clock all the same."""
    shown = timeline_of(_samples(4, 0.51, 0.51, 0.47, 0.53), (), [], None)
    assert [row.clock_s - 1_795_000_000 for row in shown.rows] == [1, 2, 3]
    assert [row.clock_s % 60 for row in timeline_of(_samples(3, 0.0, 4.0, 8.0), (), [], None).rows] == [42, 47]


def test_a_log_that_could_not_be_read_is_said() -> None:
    """The timeline stands without it."""
    section = Section("log_lines", SectionStatus.NOT_PERMITTED, 12, b"", b"it may not be read by this user\n", 1)
    capture = Capture("web1", "", "0" * 64, datetime(2026, 11, 20, tzinfo=UTC), 0.1, (section,))
    shown = timeline_of(_samples(4), (), [capture], None)
    assert len(shown.rows) == 3
    assert shown.log[0].startswith("the log: not permitted")


@pytest.mark.parametrize(
    ("status", "stderr", "said"),
    [
        (SectionStatus.NOT_PERMITTED, b"the kernel is locked down\nx", "not permitted: the kernel is locked down"),
        (SectionStatus.NOT_PRESENT, b"not installed", "not present: not installed"),
        (SectionStatus.NOT_PERMITTED, b"", "not permitted: the probe {} needs root"),
        (SectionStatus.FAILED, b"x: y", "not finished: probe {} failed with exit code 1: x: y"),
    ],
)
def test_why_something_did_not_run_is_said_once(status: SectionStatus, stderr: bytes, said: str) -> None:
    """A trace, headers and a log: in the words of the probe where it knows, which not always wants root."""
    sections = [Section(probe, status, 1, b"", stderr, 1) for probe in ("trace_events", "pcap_headers", "log_lines")]
    capture = Capture("web1", "192.0.2.1", "", datetime(2026, 6, 1, tzinfo=UTC), 0.1, tuple(sections))
    trace, headers = trace_of([capture]), headers_of([capture])
    assert str(trace) == said.format("trace_events")
    assert headers is not None
    assert headers.absent == said.format("pcap_headers")
    assert timeline_of(_samples(4), (), [capture], None).log == (f"the log: {said.format('log_lines')}",)


@pytest.mark.parametrize(
    ("status", "stderr", "said"),
    [
        (SectionStatus.NOT_PRESENT, b"this kernel has no kprobes\nmore", "this kernel has no kprobes"),
        (SectionStatus.NOT_PERMITTED, b"tracing needs root", "tracing needs root"),
        (SectionStatus.NOT_PRESENT, b"", "not present: probe tcp_receive not present"),
        (SectionStatus.FAILED, b"ERROR: x", "not finished: probe tcp_receive failed with exit code 1: ERROR: x"),
    ],
)
def test_a_probe_that_saw_nothing_says_why_in_its_own_words(status: SectionStatus, stderr: bytes, said: str) -> None:
    """Once, and how it ended where it does not say."""
    section = Section("tcp_receive", status, 1, b"", stderr, 1)
    capture = Capture("web1", "192.0.2.1", "", datetime(2026, 6, 1, tzinfo=UTC), 0.1, (section,))
    first = SimpleNamespace(kernel=Absent(AbsentReason.NOT_ASKED))
    (seen,) = probes_of([capture], cast(Window, SimpleNamespace(first=first)))
    assert seen.absent == said
