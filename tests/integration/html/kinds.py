"""Made-up answers of the other kinds of reports. What is given as ``evil`` stands in every text of a host."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from netaudit.errors import ErrorKind, Phase
from netaudit.fleet.drift import Change, Drift, FindingChange, HostChange, Seen
from netaudit.fleet.drift_settings import SettingChange as Set
from netaudit.model.capacity import (
    Assessment,
    CapacityVerdict,
    FigureNeed,
    HostCapacity,
    SettingChange,
    Uncertainty,
    WorkloadRef,
)
from netaudit.model.diagnosis import (
    Cause,
    Confidence,
    HostDiagnosis,
    InterfaceLoad,
    Layer,
    RuledOut,
    StuckQueue,
    Talker,
    Unseen,
)
from netaudit.model.diagnosis import Change as Growth
from netaudit.model.pcap import HostHeaders, TcpHeader
from netaudit.model.plan import Batch, HostOutcome, Outcome, Step, StepClass
from netaudit.model.probe import HostError
from netaudit.model.result import BaselineRef, FleetFinding, HostStatus, RunInfo, Severity, Summary, Verdict
from netaudit.model.timeline import HostTimeline, TimelineRow
from netaudit.model.trace import Delivery, DevicePath, HostTrace, Means, ProbeSeen, Scope, TracedReason, TracedTcp
from netaudit.remedy.gates import GateRow, GateVerdict
from netaudit.remedy.rolled import Rolled
from netaudit.report.diff import Settings
from netaudit.report.html.capacity import capacity_html
from netaudit.report.html.diagnosis import diagnosis_html
from netaudit.report.html.drift import drift_html
from netaudit.report.html.remediation import remediation_html
from netaudit.report.remediation import told

STARTED = datetime(2026, 11, 20, 15, 0, 0, tzinfo=UTC)
HOSTS = tuple(f"web{number}" for number in range(1, 13))


def run(command: str, evil: str = "") -> RunInfo:
    """A run of this command."""
    return RunInfo(
        "20261120-150000-3f2a" + evil,
        command,
        STARTED,
        "0.1.0",
        BaselineRef("web" + evil, "5f" * 32),
        12.4,
        notes=(evil,) if evil else (),
    )


def refused(evil: str = "") -> HostError:
    """Why a host did not answer."""
    return HostError(ErrorKind.REFUSED, f"connection refused{evil}", Phase.CONNECT, f"is sshd running?{evil}")


def accept_queue(number: int, evil: str = "") -> Assessment:
    """A queue that most hosts have too short."""
    breaks = number % 3 != 0
    return Assessment(
        "accept-queue",
        "Accept queue" + evil,
        "listener",
        f"0.0.0.0:443{evil}",
        "connections",
        CapacityVerdict.BREAKS if breaks else CapacityVerdict.FITS,
        required=2500.0,
        provision=3750.0,
        limit=129.0 if breaks else 4097.0,
        in_use=12.0,
        breaks_at=0.0516 if breaks else 1.64,
        formula=f"5,000 new connections/s x 500 ms of stall = 2,500{evil}",
        uncertainty=Uncertainty(0.5, 2.0, "the stall is an estimate" + evil),
        reason="handshakes are dropped, and clients try again after one second" + evil,
        evidence=f"ss: LISTEN 0.0.0.0:443 Send-Q {128 if breaks else 4096}{evil}",
        sources=("kernel: ip-sysctl.rst" + evil,),
        loads=("front" + evil,),
        assumed=("accept_stall_s = 500 ms" + evil,),
        changes=(SettingChange("net.core.somaxconn", "4096", "128", "", "restart nginx" + evil),) if breaks else (),
    )


def resources(number: int, evil: str = "") -> tuple[Assessment, ...]:
    """All that is said of one host."""
    return (
        accept_queue(number, evil),
        Assessment(
            "conntrack",
            "Connection table",
            "conntrack",
            "",
            "entries",
            CapacityVerdict.TIGHT,
            210_000.0,
            315_000.0,
            262_144.0,
            18_500.0,
            1.25,
            "5,000/s x 42 s",
            None,
            "new connections are dropped",
            "nf_conntrack_max = 262144",
        ),
        Assessment(
            "open-files",
            "Open files of the whole host",
            "application",
            "",
            "files",
            CapacityVerdict.FITS,
            103_037.0,
            147_195.0,
            9_223_372_036_854_775_807.0,
            3_385.0,
            8.95e13,
            "100,000 open",
            None,
            "",
            "fs.file-max = 9223372036854775807",
        ),
        Assessment(
            "memory",
            "Socket buffers",
            "transport",
            "",
            "bytes",
            CapacityVerdict.NEEDS_FIGURE,
            needs=(FigureNeed("request_bytes" + evil, "front", "how large a request is" + evil, "8 KiB"),),
        ),
        Assessment(
            "rx-ring", "Receive ring", "nic", "eth0", "packets", CapacityVerdict.UNKNOWN, reason="needs root" + evil
        ),
        Assessment("udp", "UDP buffers", "transport", "", "bytes", CapacityVerdict.NOT_CONCERNED),
    )


def capacity_page(evil: str = "") -> Iterator[str]:
    """A capacity check of twelve hosts, one of which gave no answer."""
    hosts = [
        HostCapacity(name + evil, f"198.18.0.{number}", HostStatus.OK, None, 0.3, resources(number, evil))
        for number, name in enumerate(HOSTS[:-1], 1)
    ]
    hosts.append(HostCapacity(HOSTS[-1] + evil, "198.18.0.12" + evil, HostStatus.UNREACHABLE, refused(evil), 0.1))
    workload = WorkloadRef(
        "launch" + evil, "Launch day" + evil, "launch.yaml" + evil, "ab" * 32, 1.5, what_if={"x": evil or "y"}
    )
    return capacity_html(run("capacity", evil), workload, Summary(12, 11, 1), hosts)


def cause(number: int, evil: str = "") -> Cause:
    """A queue that overflows."""
    series = tuple((number * place * 7) % 53 for place in range(20))
    return Cause(
        "accept-queue-full" + evil,
        "D01",
        "An accept queue overflows" + evil,
        Layer.LISTENER,
        Severity.HIGH,
        Confidence.CERTAIN,
        f"0.0.0.0:443 of nginx dropped {sum(series)} handshakes{evil}",
        (
            Growth("TcpExt.ListenOverflows" + evil, sum(series), sum(series) / 10, series),
            Growth("TcpExt.ListenDrops", sum(series), sum(series) / 10, series),
        ),
        ("ss: Recv-Q 129 of Send-Q 128" + evil,),
        (RuledOut("syn-queue" + evil, "A SYN queue" + evil, "no cookies were sent" + evil),),
        ("nginx (pid 812)" + evil,),
        "Raise net.core.somaxconn and restart nginx." + evil,
        ("tcp.accept_queue.somaxconn",),
        "sysctl",
        ("the accept loop of nginx" + evil,),
        ("retransmitted-syn" + evil,),
    )


def trace_of(number: int, evil: str = "") -> HostTrace:
    """Drops with and without loss, TCP events, driver against stack; of one host none."""
    if number == 2:
        return HostTrace(absent="tracing needs root" + evil)
    reasons = (
        TracedReason(
            "SOCKET_RCVBUFF" + evil, "the receive buffer of the socket is full" + evil, 40 * number,
            (("udp_queue_rcv_one_skb" + evil, 30 * number), ("tcp_add_backlog", 10 * number)), Scope.NAMESPACE, True,
            ("accept-queue-full" + evil,),
        ),
        TracedReason("TCP_CLOSE", "for a socket that is closed", 7, (("tcp_v4_rcv", 7),), Scope.MACHINE, False, ()),
    )  # fmt: skip
    return HostTrace(
        means=Means.BPFTRACE,
        seconds=8.0,
        reasons=reasons if number % 2 else (),
        elsewhere={"NO_SOCKET": 12},
        tcp=(TracedTcp("retransmit", 31, (("to 192.0.2.1 port 443 in ESTABLISHED" + evil, 31),)),),
        paths=(DevicePath("eth0" + evil, "netif_receive_skb", 9000, 10**7, 12, 8800, 10**7, False),),
        delivery=Delivery(9000, 8900, {"TCP": 8000, "UDP": 900}),
        notes=("3 events were lost" + evil,),
    )


def timeline_of(number: int, evil: str = "") -> HostTimeline:
    """Twenty seconds, of which every third was busy and one was logged."""
    rows = [
        TimelineRow(
            1_795_000_000 + second, 1.0,
            (("TcpExt.ListenOverflows" + evil, second * number), ("TcpExt.ListenDrops", second)) if second % 3 else (),
            (("SOCKET_RCVBUFF" + evil, 4),) if second % 3 == 1 else (),
            ("ERROR upstream timed out" + evil,) if second == 7 else (),
            has_more_lines=second == 7,
        )
        for second in range(1, 21)
    ]  # fmt: skip
    return HostTimeline(tuple(rows), ("the log was replaced" + evil,) if number == 1 else ())


def headers_of(number: int, evil: str = "") -> HostHeaders:
    """A SYN that was repeated; of one host none, and of another no packet."""
    if number == 2:
        return HostHeaders(absent="there is no tcpdump" + evil)
    if number == 3:
        return HostHeaders()
    syn = TcpHeader(1_795_000_000.25, "198.18.0.9" + evil, 40312, "198.18.0.1", 443, "SYN", False)
    return HostHeaders(
        headers=(syn, syn), counts=(("SYN", 2),), findings=("1 of 1 SYNs repeated: to 198.18.0.1 port 443" + evil,)
    )


def diagnosis_page(evil: str = "") -> Iterator[str]:
    """A diagnosis of twelve hosts, five of which lose traffic."""
    hosts = []
    for number, name in enumerate(HOSTS[:-1], 1):
        hosts.append(
            HostDiagnosis(
                name + evil,
                "198.18.0.1",
                HostStatus.OK,
                None,
                10.4,
                10.0,
                21,
                causes=(cause(number, evil),) if number % 2 else (),
                unseen=(Unseen("drop-reason", "Why packets are dropped" + evil, Layer.IP, "needs root" + evil),),
                examined={"syn-queue": "A SYN queue overflows" + evil},
                talkers=(
                    Talker("nginx (pid 812)" + evil, "198.18.0.9" + evil, 443, 12, 8.1e8, 2.2e7, 40, number == 3),
                ),
                stuck=(StuckQueue("accept", "0.0.0.0:443" + evil, "", "nginx" + evil, 129, 129, 128),)
                if number % 2
                else (),
                interfaces=(InterfaceLoad("eth0" + evil, 9e8, 3e7, 80000, 40000, 12, 0, 0.9, 0.03, 256, 3.2),),
                notes=("one sample came late" + evil,) if number == 4 else (),
                trace=trace_of(number, evil) if number < 5 else None,
                timeline=timeline_of(number, evil) if number < 4 else None,
                headers=headers_of(number, evil) if number < 5 else None,
                seen=(ProbeSeen("tcp_receive", "", (("tcp_v4_rcv" + evil, 90),)), ProbeSeen("x", "no bpftrace" + evil))
                if number == 1
                else (),
            )
        )
    hosts.append(HostDiagnosis(HOSTS[-1] + evil, "", HostStatus.UNREACHABLE, refused(evil), 0.1))
    return diagnosis_html(run("diagnose", evil), Summary(12, 11, 1), hosts)


def remediation_page(evil: str = "") -> Iterator[str]:
    """A remediation of twelve hosts in two batches, which a gate stopped."""
    step = Step(
        "sysctl",
        "net.core.somaxconn" + evil,
        {},
        "128" + evil,
        "4096" + evil,
        StepClass.LIVE,
        ("tcp.accept_queue.somaxconn",),
        "somaxconn",
        "ab" * 32,
        file="/etc/sysctl.d/90-netaudit.conf" + evil,
    )
    ends = [Outcome.PERSISTED] * 5 + [
        Outcome.ROLLED_BACK,
        Outcome.REFUSED,
        Outcome.UNREACHED,
        Outcome.NOTHING,
        Outcome.LOST,
    ]
    ends += [Outcome.ROLLED_BACK] * 2
    outcomes = []
    for name, outcome in zip(HOSTS, ends, strict=True):
        read = {Outcome.PERSISTED: "4096", Outcome.ROLLED_BACK: "128"}.get(outcome)
        outcomes.append(
            HostOutcome(
                name + evil,
                "198.18.0.1",
                outcome,
                "" if outcome is Outcome.PERSISTED else f"the gate said no{evil}",
                f"look at the listener{evil}" if outcome is Outcome.ROLLED_BACK else "",
                (step,) if outcome is not Outcome.NOTHING else (),
                {step.subject: read + evil} if read else {},
                4.2,
                ("listeners keep their backlog" + evil,),
            )
        )
    names = [name + evil for name in HOSTS]
    batches = (Batch(StepClass.LIVE, tuple(names[:1])), Batch(StepClass.LIVE, tuple(names[1:])))
    rows = tuple(
        GateRow(name, "TcpExt.ListenDrops" + evil, "/s", 0.5, 22.0 if name == names[5] else 0.4, 1.75, name != names[5])
        for name in names[1:]
    )
    verdicts = {1: (GateVerdict(rows[:1]),), 2: (GateVerdict(rows, (f"{names[5]} loses more than before",)),)}
    rolled = Rolled(
        tuple((1 if place == 0 else 2, each) for place, each in enumerate(outcomes)), verdicts, 2, "the gate" + evil
    )
    return remediation_html(told(run("fix", evil), batches, names, rolled))


def drift_page(evil: str = "") -> Iterator[str]:
    """Two runs with something of every kind between them."""
    seen, other = Seen(Severity.HIGH, 128, ">= 4096"), Seen(Severity.HIGH, "511" + evil, ">= 4096")
    pairs = {Change.NEW: (None, seen), Change.FIXED: (seen, None), Change.CHANGED: (seen, other)}
    findings = tuple(
        FindingChange(
            change,
            name + evil,
            "tcp.accept_queue.somaxconn",
            "0.0.0.0:443" + evil,
            "The accept queue" + evil,
            "connections",
            *pairs.get(change, (seen, None)),
            reason="not read" + evil,
        )
        for place, change in enumerate(each for each in Change if each is not Change.UNCHANGED)
        for name in HOSTS[place : place + 3]
    )
    hosts = (
        HostChange("db1" + evil, None, HostStatus.OK),
        HostChange("db2", HostStatus.OK, HostStatus.ERROR, "no" + evil),
    )
    across = FleetFinding(
        "path.mtu.segment", "MTU differs" + evil, Verdict.FAIL, Severity.HIGH, ("web7",), "web7 9000" + evil
    )
    drift = Drift(findings, 40, hosts, ((Change.NEW, across),))
    settings = Settings(
        (
            *(Set(name + evil, "net.core.somaxconn" + evil, "4096", "128" + evil) for name in HOSTS[:4]),
            Set("web9", "eth0 mtu", None, "9000"),
        ),
        11,
        1,
    )
    return drift_html(run("audit", evil), run("audit", evil), drift, settings)


PAGES = {"capacity": capacity_page, "diagnosis": diagnosis_page, "remediation": remediation_page, "drift": drift_page}
