"""A made-up fleet, the same on every run: reports of N hosts with findings as a real audit has them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from netaudit.errors import ErrorKind, Phase
from netaudit.model.probe import HostError
from netaudit.model.result import (
    BaselineRef,
    FleetFinding,
    HostReport,
    HostStatus,
    Item,
    Result,
    RunInfo,
    Severity,
    Verdict,
    Waived,
)

STARTED = datetime(2026, 11, 20, 15, 0, 0, tzinfo=UTC)
RUN = RunInfo(
    id="20261120-150000-3f2a",
    command="audit",
    started_at=STARTED,
    version="0.1.0",
    baseline=BaselineRef("linux-server", "5f2c" * 16),
    duration_s=1.9,
    pattern="all",
)
LAYERS = ("listener", "transport", "conntrack", "ip", "qdisc", "nic", "link", "path", "host", "tracing")
WHY = {
    "tcp.accept_queue.somaxconn": (
        "listen() is silently capped at net.core.somaxconn. When the accept queue is full the kernel drops the last "
        "packet of the handshake, and clients see connections that take one, three or seven seconds."
    ),
    "nic.ring.rx": "A ring that is too small overflows in bursts before the kernel can take the packets out.",
}
WAIVER = Waived(
    "asymmetric uplinks until the new routers are in", "j.doe", "NET-1234", datetime(2027, 1, 31, tzinfo=UTC)
)
NO_ROOT = "not permitted: needs root"


def passed(number: int, layer: str) -> Result:
    """One of the many results that pass."""
    return Result(
        check=f"{layer}.setting_{number:02}",
        title=f"Setting number {number} of the {layer} layer is as it should be",
        layer=layer,
        verdict=Verdict.PASS,
        severity=Severity.MEDIUM,
        observed=4096 + number,
        expected=f">= {4096 + number}",
        unit="packets",
        evidence=f"/proc/sys/net/{layer}/setting_{number:02} = {4096 + number}",
    )


def somaxconn(observed: int, expected: int = 4096) -> Result:
    """A short accept queue."""
    return Result(
        check="tcp.accept_queue.somaxconn",
        title="The kernel's cap on every accept queue",
        layer="listener",
        verdict=Verdict.FAIL,
        severity=Severity.CRITICAL if observed <= 128 else Severity.HIGH,
        observed=observed,
        expected=f">= {expected}",
        unit="connections",
        evidence=f"/proc/sys/net/core/somaxconn = {observed}",
        remediation="sysctl.net.core.somaxconn",
        fix=f"Set net.core.somaxconn to at least {expected}, then restart the listeners.",
    )


def backlog(*listeners: tuple[str, int]) -> Result:
    """Listeners that run with the old backlog."""
    items = tuple(
        Item(
            subject=subject,
            verdict=Verdict.FAIL,
            severity=Severity.HIGH,
            observed=observed,
            expected=">= 4096",
            evidence=f"ss: LISTEN {subject} Send-Q {observed} nginx pid 812",
            reason="restart needed: this program was cut by the cap of its start",
            fix="Restart nginx.service: a listening socket keeps the backlog of its start.",
        )
        for subject, observed in listeners
    )
    return Result(
        check="tcp.listener.backlog_in_force",
        title="Listeners run with the backlog they could have",
        layer="listener",
        verdict=Verdict.FAIL,
        severity=Severity.HIGH,
        observed=items[0].observed,
        expected=items[0].expected,
        unit="connections",
        evidence=items[0].evidence,
        fix="Restart nginx.service: a listening socket keeps the backlog of its start.",
        items=items,
        passed_items=3,
    )


def ring(observed: int) -> Result:
    """A small receive ring."""
    return Result(
        check="nic.ring.rx",
        title="Receive ring of the network card",
        layer="nic",
        verdict=Verdict.FAIL,
        severity=Severity.MEDIUM,
        observed=observed,
        expected=">= 2048",
        unit="descriptors",
        evidence=f"ethtool -g eth0: RX {observed}, maximum 4096",
        remediation="nic.ring.rx",
        fix="Set the receive ring of eth0 to 2048 (ethtool -G eth0 rx 2048).",
    )


def rmem(total: int) -> Result:
    """A small receive buffer, in bytes."""
    return Result(
        check="tcp.rmem.max",
        title="Largest receive buffer of a TCP socket",
        layer="transport",
        verdict=Verdict.FAIL,
        severity=Severity.LOW,
        observed=(4096, 131072, total),
        expected="field 2 >= 16777216",
        unit="bytes",
        evidence=f"/proc/sys/net/ipv4/tcp_rmem = 4096 131072 {total}",
        fix="Set the third field of net.ipv4.tcp_rmem to 16777216.",
    )


def lost_at_boot(*names: str) -> Result:
    """Values that the next boot undoes."""
    items = tuple(
        Item(
            subject=name,
            verdict=Verdict.FAIL,
            severity=Severity.MEDIUM,
            observed=1024 * (place + 1),
            expected=f"next boot sets {4096 * (place + 1)}",
            evidence=f"/etc/sysctl.d/99-tuning.conf:{place + 3}: {name} = {1024 * (place + 1)}",
            fix=f"Write {name} = {4096 * (place + 1)} to a file in /etc/sysctl.d.",
        )
        for place, name in enumerate(names)
    )
    return Result(
        check="sysctl.persisted",
        title="Running values survive a reboot",
        layer="host",
        verdict=Verdict.FAIL,
        severity=Severity.MEDIUM,
        observed=items[0].observed,
        expected=items[0].expected,
        evidence=items[0].evidence,
        fix="Write the running values to /etc/sysctl.d.",
        items=items,
    )


def waived() -> Result:
    """A finding that is allowed to stand."""
    return Result(
        check="ip.rp_filter",
        title="Reverse path filter",
        layer="ip",
        verdict=Verdict.WAIVED,
        severity=Severity.MEDIUM,
        observed=0,
        expected="1 or 2",
        evidence="/proc/sys/net/ipv4/conf/all/rp_filter = 0",
        reason=WAIVER.reason,
        waived=WAIVER,
    )


def unknown(number: int) -> Result:
    """A check that could not be decided."""
    return Result(
        check=f"conntrack.entry_{number}",
        title="Memory of the connection table",
        layer="conntrack",
        verdict=Verdict.UNKNOWN,
        severity=Severity.LOW,
        reason=NO_ROOT,
    )


def skipped() -> Result:
    """A check that does not apply."""
    return Result(
        check="nic.bond.members",
        title="All members of a bond are up",
        layer="link",
        verdict=Verdict.SKIPPED,
        severity=Severity.HIGH,
        reason="there is no bond",
    )


def silent(name: str, number: int) -> HostReport:
    """A host that gave no verdict."""
    if number % 3 == 0:
        error = HostError(
            ErrorKind.HOST_KEY_MISMATCH,
            f"the key of {name} is SHA256:{number:043} and not SHA256:{number + 1:043} "
            f"(/home/ops/.ssh/known_hosts:{number + 7})",
            Phase.KEY_EXCHANGE,
            "compare the fingerprints on the host's console; netaudit trust records the new key",
        )
        return HostReport(name, f"198.18.0.{number % 250}", HostStatus.UNREACHABLE, error, 0.1)
    if number % 3 == 1:
        error = HostError(
            ErrorKind.REFUSED,
            f"198.18.0.{number % 250} port 22: connection refused",
            Phase.CONNECT,
            "is sshd running, and does it listen on this port?",
        )
        return HostReport(name, f"198.18.0.{number % 250}", HostStatus.UNREACHABLE, error, 0.02)
    error = HostError(
        ErrorKind.BECOME_FAILED,
        "sudo: a password is required",
        Phase.SESSION,
        "give -K, or allow the user NOPASSWD",
    )
    return HostReport(name, f"198.18.0.{number % 250}", HostStatus.ERROR, error, 0.4)


def host(name: str, number: int, checks: int = 90) -> HostReport:
    """One host that answered, with findings that depend on its number."""
    results = [passed(each, LAYERS[each % len(LAYERS)]) for each in range(checks)]
    if number % 4:
        results.append(somaxconn(511 if number % 9 == 0 else 128))
    if number % 3 == 0:
        results.append(backlog((f"198.18.0.{number % 250}:443", 128), ("0.0.0.0:80", 128)))
    if number % 5 == 0:
        results.append(ring(256 * (1 + number % 4)))
    if number % 2:
        results.append(rmem(6291456))
    if number % 6 == 1:
        results.append(lost_at_boot("net.core.somaxconn", "net.ipv4.tcp_max_syn_backlog"))
    if number % 7 == 2:
        results.append(waived())
    results.extend(unknown(each) for each in range(number % 3))
    results.append(skipped())
    notes = ("the login profile printed 120 bytes before the answer",) if number % 8 == 0 else ()
    return HostReport(
        name, f"198.18.0.{number % 250}", HostStatus.OK, None, 0.25 + number % 10 / 100, tuple(results), notes
    )


def fleet_of(count: int, checks: int = 90) -> Iterator[HostReport]:
    """``count`` hosts, every third of the larger fleets' database servers without a verdict."""
    for number in range(1, count + 1):
        if count > 1 and number % 6 == 0:
            name = f"db{number // 6:02}"
            yield silent(name, number // 6) if number % 5 < 2 else host(name, number, checks)
        else:
            yield host(f"web{number}", number, checks)


def mtu_finding(count: int) -> FleetFinding:
    """One host with another MTU than the others of its segment."""
    return FleetFinding(
        check="path.mtu.segment",
        title="MTU differs within a network segment",
        verdict=Verdict.FAIL,
        severity=Severity.HIGH,
        hosts=("web7",),
        evidence=f"198.18.0.0/24: {count - 1} hosts 1500, web7 eth0 9000",
        expected="mtu 1500",
        fix="Set the MTU of these interfaces to 1500.",
    )
