"""A fleet is told what every host of it is told by an engine that remembers nothing, whatever rules and facts are."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netaudit.baseline import memo, panel, select
from netaudit.baseline.evaluate import evaluate, failures
from netaudit.baseline.saying import say
from netaudit.baseline.select import HostRules, Ruleset
from netaudit.model.facts import (
    Cpu,
    Facts,
    Limits,
    Listener,
    Memory,
    Namespace,
    Nic,
    Persisted,
    PersistedValue,
    ProcessLimits,
    Rings,
    Sysctls,
    Writer,
)
from netaudit.model.reading import Absent, AbsentReason

NOBODY: frozenset[str] = frozenset()
QUEUE, FILTER, DROPS = "net.core.somaxconn", "net.ipv4.conf.{}.rp_filter", "TcpExt.ListenDrops"
NOTHING = Absent(AbsentReason.NOT_PRESENT)
SECRET = Absent(AbsentReason.NOT_PERMITTED, "needs root")
BEFORE, AFTER = datetime(2026, 11, 20, tzinfo=UTC), datetime(2027, 11, 20, tzinfo=UTC)  # a waiver ends in between

# What hosts of a fleet may have. Much differs in little: by type, by number, by what is absent, by what is not shared.


def listener(port: int = 80, pid: int | Absent = 41, **own: object) -> Listener:
    """A listener; some attributes are its process's."""
    pids = (pid,) if isinstance(pid, int) else NOTHING
    made = Listener("tcp", "0.0.0.0", port, 3, 511, "", "nginx", pid, 7, "nginx.service", pids)
    return dataclasses.replace(made, **own)  # type: ignore[arg-type]  # by name


def limits(*open_files: int | Absent, files_max: int = 1000) -> Limits:
    """Limits, with processes from 41 on."""
    processes = tuple(
        ProcessLimits(pid, "nginx", "", "www", 1024, 4096, files, 1.5) for pid, files in enumerate(open_files, 41)
    )
    return Limits(100, files_max, 1024, processes, ())


def nic(name: str, **own: object) -> Nic:
    """An interface of which most is not known."""
    made = Nic(
        name=name, ifindex=2, kind="", driver="virtio_net", mtu=1500, operstate="up", carrier=True, carrier_changes=1,
        speed_mbps=NOTHING, duplex=NOTHING, master="", lower="", txqueuelen=1000, numa_node=NOTHING, rx_queues=1,
        tx_queues=1, rps_cpus=("0",), rings=NOTHING, channels=NOTHING, coalesce=NOTHING, offloads=NOTHING,
        offloads_fixed=NOTHING, counters={"rx_dropped": 0}, driver_counters=NOTHING, addresses=(), bond=NOTHING,
    )  # fmt: skip
    return dataclasses.replace(made, **own)  # type: ignore[arg-type]  # by name


def files(**boot: str) -> Persisted:
    """Files that set something at boot; ``sysctl --system`` sets the queue to what it is by default."""
    settings_of = {"queue": QUEUE, "eth0": FILTER.format("eth0"), "reuse": "net.ipv4.tcp_tw_reuse"}
    entries = {settings_of[name]: PersistedValue(value, "/etc/sysctl.conf", 1) for name, value in boot.items()}
    later = {**entries, QUEUE: PersistedValue("4096", "/etc/sysctl.d/9.conf", 2)}
    return Persisted(entries, later, (), (), (), {}, systemd=True)


RUNNING = {QUEUE: "128", "net.ipv4.tcp_tw_reuse": "1", "net.ipv4.tcp_rmem": "1 2 3", FILTER.format("eth0"): "1"}
POOLS: Mapping[str, list[object]] = {
    "sysctl": [
        Sysctls(RUNNING, {}),
        Sysctls({**RUNNING, QUEUE: "4096"}, {}),
        Sysctls({**RUNNING, FILTER.format("eth0"): "2", FILTER.format("eth1"): "1"}, {}),
        Sysctls({QUEUE: "4096", FILTER.format("eth1"): "0", FILTER.format("eth0/7"): "1"}, {}),
        Sysctls({**RUNNING, "net.ipv4.conf.eth1.forwarding": "1"}, {QUEUE: SECRET}),
        Sysctls({"net.ipv4.tcp_tw_reuse": "x"}, {}),
        SECRET,
    ],
    "listeners": [
        (),
        (listener(),),
        (listener(pid=42),),
        (listener(inode=8, queue=900),),
        (listener(81, 42), listener(82, 43, backlog=NOTHING)),
        (listener(80, 41), listener(81, 43, process="haproxy")),
        (listener(80, 41), listener(81, 42, process=SECRET), listener(82, 43)),
        (listener(80, 44), listener(81, 45, process="haproxy")),
        (listener(80, 51), listener(81, 52, process=SECRET), listener(82, 53)),
        (listener(80, SECRET),),
        SECRET,
    ],
    "limits": [
        limits(),
        limits(12, 13),
        limits(12, 1000, 14),
        limits(12, NOTHING),
        limits(12, 13, files_max=7),
        dataclasses.replace(limits(), processes=SECRET),
        SECRET,
    ],
    "nics": [
        (),
        (nic("eth0"),),
        (nic("eth1"),),
        (nic("eth0", mtu=9000), nic("eth0.7")),
        (nic("eth0", rings=Rings(256, 256, NOTHING, NOTHING), counters={"rx_dropped": 5}),),
        (nic("eth0", rings=Rings(NOTHING, NOTHING, 512, 512), counters={"tx_dropped": 5}),),
        (nic("eth0", speed_mbps=1000), nic("eth1", speed_mbps=SECRET)),
        NOTHING,
    ],
    "netstat": [{DROPS: 1}, {DROPS: 0, "TcpExt.X": 2}, {"TcpExt.X": 2}, {}, SECRET],
    "memory": [Memory(1 << 30, 1 << 29, 4096, NOTHING), Memory(1 << 34, SECRET, 4096, 1), SECRET],
    "cpu": [Cpu(2, "", 1), Cpu(8, "EPYC", 2), NOTHING],
    "own": [
        *[{"raid": {"ok": ok, "pid": pid}} for ok, pid in ((1, 1), (True, 1), (1.0, 1), ("1", 1), (2, 1), (1, 2))],
        {"raid": {"pid": 1}}, {"raid": NOTHING}, {}, NOTHING,
    ],
    "persisted": [files(), files(queue="4096"), files(queue="64", reuse="2"), files(queue="64", eth0="2"), SECRET],
    "writers": [(), (Writer("tuned", "", True, ("net.core.*",)),), (Writer("tuned", "", False, ("net.core.*",)),)],
    "namespaces": [
        (), (), (), SECRET, NOTHING, (Namespace(9, "blue", 1, "x", {QUEUE: "128"}, (listener(90),), {}),),
    ],
}  # fmt: skip

# What rules may say. Every expression is one that a baseline may hold; ``it`` is the subject.

NUMBERS = [
    "facts.cpu.count", "facts.memory.total_bytes // 1024", "facts.memory.available_bytes", "facts.listeners | length",
    "facts.limits.files_max", "facts.limits.processes | length", "facts.netstat['TcpExt.ListenDrops']", "vars.limit",
    "facts.netstat | length", "facts.netstat | get('TcpExt.ListenDrops', 7)", "sysctl['net.core.somaxconn']",
    "sysctl['net.ipv4.tcp_tw_reuse']", "sysctl['net.ipv4.tcp_rmem'] | length", "facts.listeners[0].queue",
    "facts.listeners | map(attribute='queue') | max", "facts.nics | map(attribute='mtu') | sum",
    "facts.listeners | selectattr('port', 'equalto', 80) | length", "(facts.listeners | last).port",
]  # fmt: skip
TRUTHS = [
    "facts.limits is present", "facts.limits.processes is present", "facts.nics is present", "facts.own.raid.ok == 1",
    "facts.own.raid is present", "sysctl['net.core.somaxconn'] is present", "facts.cpu.model == 'EPYC'",
    "'nginx' in (facts.listeners | map(attribute='process'))", "'TcpExt.ListenDrops' in facts.netstat",
]  # fmt: skip
SHOWN = [
    "facts.own.raid.ok", "facts.own.raid.pid", "facts.netstat", "facts.listeners | map(attribute='pid') | join",
    "facts.cpu.model", "vars.shown", "facts.own.raid",
]  # fmt: skip
OF_LISTENER = [
    "it.port", "it.queue", "it.backlog", "it.pid", "process_of(it.pid).open_files", "it.pids | length", "it.inode",
]  # fmt: skip
OF_NIC = [
    "it.mtu", "it.speed_mbps", "it.rings.rx_slots", "it.counters['rx_dropped']", "it.counters | length",
    "sysctl['net.ipv4.conf.' ~ (it.name | sysctl_segment) ~ '.rp_filter']", "it.name | length",
]  # fmt: skip
OF_PROCESS = ["it.open_files", "it.nofile_soft", "it.pid"]
SUBJECTS = {
    "facts.listeners": (OF_LISTENER, ["it.process == 'nginx'", "it.port > 80", "it.backlog is present"]),
    "facts.listeners | rejectattr('process', 'equalto', 'nginx')": (OF_LISTENER, ["it.port > 81"]),
    "facts.nics": (OF_NIC, ["it.rings is present", "it.rings.rx_slots is present", "it.name == 'eth0'"]),
    "facts.limits.processes": (OF_PROCESS, ["it.open_files > 12", "it.nofile_soft is present"]),
    "drift": (["it.running | length", "it.running | int"], ["it.differs_at_boot", "it.lost_at_boot"]),
    "['somaxconn']": (["sysctl['net.core.' ~ it]"], ["it == 'somaxconn'"]),
}  # fmt: skip


# What the rules of an example are about, and hosts differ in, by the domains of the facts; drift is of several.
WRITTEN = {"sysctl": "sysctl[", "drift": "drift"}
ABOUT = [
    ("sysctl",), ("listeners",), ("limits", "listeners"), ("nics", "sysctl"), ("netstat",), ("memory", "cpu"), ("own",),
    ("drift", "sysctl", "persisted", "writers", "memory"), ("namespaces", "listeners", "sysctl"),
]  # fmt: skip


def about(domains: tuple[str, ...], some: Iterable[str]) -> list[str]:
    """The expressions that look at some domains; those that look at none but their subject are for all."""
    others = [WRITTEN.get(name, f"facts.{name}") for name in (*POOLS, "drift") if name not in domains]
    return [each for each in some if not any(name in each for name in others)]


@st.composite
def numbers(draw: st.DrawFn, atoms: list[str]) -> str:
    """A number of a host, or of a subject."""
    one, two = draw(st.sampled_from(atoms)), draw(st.sampled_from(atoms))
    forms = ["{0}", "{0}", "{0}", "({0}) + ({1})", "[{0}, {1}] | max", "[{0}, 9] | min", "({0}) if ({1}) > 1 else 2"]
    return draw(st.sampled_from(forms)).format(one, two)


@st.composite
def truths(draw: st.DrawFn, atoms: list[str], plain: list[str]) -> str:
    """True or false of a host, or of a subject."""
    one, two = draw(st.sampled_from(plain)), draw(st.sampled_from(plain))
    forms = ["{0}", "not {0}", "{0} and {1}", "{0} or {1}", "({2}) > 3", "({2}) > 3 or {0}"]
    return draw(st.sampled_from(forms)).format(one, two, draw(numbers(atoms)))


@st.composite
def checks(draw: st.DrawFn, number: int, domains: tuple[str, ...]) -> dict[str, object]:
    """One check of a host that looks at some domains."""
    made: dict[str, object] = {"id": f"t.n{number}", "title": "T", "layer": "host", "kind": "setting"}
    made |= {"severity": "high", "why": "w"}
    atoms, plain, shown = about(domains, NUMBERS), about(domains, [*TRUTHS, "vars.limit == 2"]), about(domains, SHOWN)
    mine = ["vars.limit"]
    if draw(RARELY):
        made["applies_to"] = [{"when": draw(truths(atoms, plain)), "else": said(draw(st.sampled_from(shown)))}]
    listed = draw(st.sampled_from([None, *about(domains, SUBJECTS)]))
    if listed is not None:
        mine, own_truths = SUBJECTS[listed]
        made["for_each"] = subjects = {"name": "it", "in": listed, "subject": said(draw(st.sampled_from(mine)))}
        if draw(st.booleans()):
            subjects["where"] = draw(truths(mine, [*own_truths, *plain]))
        if draw(st.booleans()):
            subjects["else"] = said(draw(st.sampled_from(shown)))
        atoms, plain = [*mine, *atoms], [*own_truths, *plain]
    if draw(st.booleans()):
        made["let"] = {"named": draw(numbers(atoms))}
        atoms, mine = [*atoms, "named", "named"], [*mine, "named"]
    made["value"] = draw(numbers(atoms))
    if draw(RARELY):
        note, limit = draw(st.sampled_from(shown)), draw(numbers(atoms))
        made["levels"] = [{"severity": "critical", "expect": {"at_most": f"{{{{ {limit} }}}}"}, "note": said(note)}]
    made["expect"] = draw(
        st.one_of(
            st.builds(lambda claim, limit: {claim: f"{{{{ {limit} }}}}"}, st.sampled_from(CLAIMS), numbers(atoms)),
            st.builds(lambda truth: {"holds": truth}, truths(atoms, plain)),
        )
    )
    for word, more in (("evidence", ["value", "expected"]), ("fix", ["value", "expected"]), ("expected", [])):
        if draw(st.booleans()):
            made[word] = said(draw(st.sampled_from([*mine, *shown, *more])))
    if draw(st.booleans()) and not any(f"facts.{domain}" in repr(made) for domain in ("netstat", "nics")):
        made["scope"] = "namespace"  # those are of the host's own namespace, which a baseline says
    return made


def said(expression: str) -> str:
    """A text with an expression in it."""
    return f"a {{{{ {expression} }}}} b"


FORGETFUL = {"_TRIED": 3, "_WORTH": 2}  # what three hosts do not have in common is no longer sought
RARELY = st.integers(0, 2).map(lambda number: number == 2)
CLAIMS = ["at_least", "at_most", "equals"]
WAIVER = {
    "check": "t.n1", "reason": "r", "approver": "a", "ticket": "T-1", "starts": "2026-01-01", "expires": "2027-01-01",
    "value": "any",
}  # fmt: skip


@st.composite
def baselines(draw: st.DrawFn, domains: tuple[str, ...]) -> str:
    """The text of a baseline of some checks."""
    made = [draw(checks(number, domains)) for number in range(draw(st.integers(1, 4)))]
    waivers = [WAIVER] if len(made) > 1 and draw(RARELY) else []
    variables = {"limit": 2, "shown": {"a": 1, "b": 2}}
    return json.dumps({"baseline": "test", "vars": variables, "waivers": waivers, "define": made}, indent=1)


@dataclasses.dataclass(frozen=True)
class Host:
    """One host at one time. ``variables`` are those of its inventory."""

    chosen: Mapping[str, int]
    variables: Mapping[str, object]
    now: datetime


@st.composite
def fleets(draw: st.DrawFn, domains: tuple[str, ...]) -> list[Host]:
    """Hosts in any order that have one of a few things in some domains, and have all else in common."""
    few = {
        name: draw(st.lists(st.integers(0, len(pool) - 1), min_size=2, max_size=4))
        for name, pool in POOLS.items()
        if name in domains
    }
    set_here = draw(
        st.lists(st.sampled_from([{}, {}, {"limit": 2.0}, {"limit": 9}, {"shown": {"b": 1}}]), min_size=1, max_size=2)
    )
    found = []
    for _ in range(draw(st.integers(6, 16))):
        chosen = {name: draw(st.sampled_from(few.get(name, [0]))) for name in POOLS}
        variables = {"netaudit_vars": own} if (own := draw(st.sampled_from(set_here))) else {}
        found.append(Host(chosen, variables, draw(st.sampled_from([BEFORE, BEFORE, AFTER]))))
    return found


def results(rules: HostRules, host: Host, facts: Callable[..., Facts]) -> list[str]:
    """What a host is told, down to the types of what was observed."""
    return list(map(repr, evaluate(rules, facts(**known_of(host)), host.now)))


def failing(rules: HostRules, host: Host, facts: Callable[..., Facts]) -> list[str]:
    """What fails on a host, and what a remedy that is worked out in the scope of each failure would find there."""
    found = []
    for check, subject, outcome in failures(rules, facts(**known_of(host)), host.now):
        said = say(check.compiled, outcome)
        found.append(repr((check.compiled.check.id, subject, outcome.severity, outcome.place, outcome.names, said)))
    return found


def known_of(host: Host) -> dict[str, object]:
    """The facts of a host that differ in a fleet."""
    return {name: POOLS[name][at] for name, at in host.chosen.items()}


@pytest.mark.parametrize("domains", ABOUT, ids=lambda domains: domains[0])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])  # both make values alone
@given(data=st.data())
def test_a_fleet_is_told_what_every_host_of_it_is_told_alone(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts], domains: tuple[str, ...], data: st.DataObject
) -> None:
    """Parts are remembered from the first host on, and checks are in panels after two; alone, nothing is remembered."""
    remembering, fleet = ruleset(data.draw(baselines(domains))), data.draw(fleets(domains))
    with patch.multiple(memo, _FEW=-1, _STEADY=1), patch.object(panel, "_TRIED", 2):
        told = [results(remembering.for_host("h", host.variables, lambda _: NOBODY), host, facts) for host in fleet]
    with patch.object(select, "memo_of", lambda _: None):
        for place, host in enumerate(fleet):
            alone = Ruleset(remembering.rules, "", remembering.lists).for_host("h", host.variables, lambda _: NOBODY)
            assert told[place] == results(alone, host, facts), (place, host)


@pytest.mark.parametrize("domains", ABOUT, ids=lambda domains: domains[0])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])  # both make values alone
@given(data=st.data())
def test_of_a_fleet_fails_what_fails_of_every_host_of_it_alone(
    ruleset: Callable[..., Ruleset], facts: Callable[..., Facts], domains: tuple[str, ...], data: st.DataObject
) -> None:
    """Some hosts are audited first, as before a change, and some are not, as after it: both remember for the others."""
    remembering, fleet = ruleset(data.draw(baselines(domains))), data.draw(fleets(domains))
    audited = data.draw(st.lists(st.booleans(), min_size=len(fleet), max_size=len(fleet)))
    found = []
    with patch.multiple(memo, _FEW=-1, _STEADY=1, **data.draw(st.sampled_from([{}, {"_KEPT": 2}, FORGETFUL]))):
        for host, is_audited in zip(fleet, audited, strict=True):
            rules = remembering.for_host("h", host.variables, lambda _: NOBODY)
            told = results(rules, host, facts) if is_audited else None
            found.append((failing(rules, host, facts), told))
    with patch.object(select, "memo_of", lambda _: None):
        for place, (host, (failed, told)) in enumerate(zip(fleet, found, strict=True)):
            alone = Ruleset(remembering.rules, "", remembering.lists).for_host("h", host.variables, lambda _: NOBODY)
            assert failed == failing(alone, host, facts), (place, host)
            assert told in (None, results(alone, host, facts)), (place, host)
