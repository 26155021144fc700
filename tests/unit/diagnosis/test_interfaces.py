"""Causes of interfaces: of several that are hit, all are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netaudit.model.diagnosis import Confidence
from netaudit.model.facts import KernelLog, KernelLogLine


def _several(make, count: int, *, kind: str = "physical", driver=None, **counters: int):
    """Interfaces eth0, eth1 and so on, all with these counters: each has one more than the one before."""
    names = [f"eth{place}" for place in range(count)]
    return tuple(
        replace(
            make.nic(
                name,
                kind,
                {each: value and value + place for each, value in (driver or {}).items()},
                **{each: value and value + place for each, value in counters.items()},
            ),
            ifindex=place + 2,
        )
        for place, name in enumerate(names)
    )


def _grown(make, count: int, *, kind: str = "physical", driver=None, **counters: int):
    before = _several(make, count, kind=kind, driver=dict.fromkeys(driver or {}, 0))
    return make.judge(
        first={"nics": before}, last={"nics": _several(make, count, kind=kind, driver=driver, **counters)}
    )


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ring-overflow", {"rx_missed_errors": 40, "rx_packets": 9000}),
        ("driver-drops", {"tx_errors": 40}),
        ("link-errors", {"rx_crc_errors": 40}),
        ("link-errors", {"carrier_changes": 40}),
        ("provider-allowance", {"driver": {"pps_allowance_exceeded": 40}}),
        ("receive-drops", {"rx_packets": 900, "rx_dropped": 40}),
        ("frame-too-long", {"kind": "veth", "rx_dropped": 40}),
    ],
)
def test_all_interfaces_are_told(make, name, arguments):
    """One cause, all names in it: each with its own number and its own counters."""
    judged = _grown(make, 3, **arguments)
    assert judged.names == [name]
    cause = judged.first
    assert cause.subjects == ("eth0", "eth1", "eth2")
    assert cause.summary.endswith("; and 2 more interfaces")
    assert [" eth" in f" {text}" for text in cause.evidence[:2]] == [True, True]
    for place, text in enumerate((cause.summary, *cause.evidence[:2])):
        assert (f"eth{place}" in text, str(40 + place) in text) == (True, True), text
    changed = {(change.name.replace("/", ".").partition(".")[0], change.growth) for change in cause.changes}
    assert {("eth0", 40), ("eth1", 41), ("eth2", 42)} <= changed
    assert len(set(cause.evidence)) == len(cause.evidence)


def test_one_interface_is_told_as_before(make):
    """Where one is hit, nothing is said of others."""
    cause = _grown(make, 1, rx_crc_errors=4).first
    assert (cause.summary, cause.evidence, cause.subjects) == ("eth0 received 4 damaged frames", (), ("eth0",))
    two = make.judge(
        last={"nics": (make.nic("eth0"), replace(make.nic("eth1", rx_crc_errors=4), ifindex=3))},
        first={"nics": (make.nic("eth0"), replace(make.nic("eth1"), ifindex=3))},
    )
    assert (two.first.summary, two.first.subjects) == ("eth1 received 4 damaged frames", ("eth1",))


def test_of_very_many_interfaces_the_names_are_told(make):
    """Ten of them with their summaries; the rest by name, in one line."""
    cause = _grown(make, 14, rx_crc_errors=4).first
    assert len(cause.subjects) == 14
    assert (len(cause.evidence), cause.evidence[-1]) == (11, "the same of eth11, eth12, eth13")
    assert len(_grown(make, 11, rx_crc_errors=4).first.evidence) == 10


def _hung(*texts: str):
    return KernelLog(tuple(KernelLogLine("tx-timeout", 105.0, text) for text in texts), {"tx-timeout": len(texts)})


def test_the_surest_comes_first(make):
    """An interface whose queue timed out, before one whose driver only counts errors."""
    log = _hung("NETDEV WATCHDOG: eth1 (e1000e): transmit queue 0 timed out")
    judged = make.judge(
        first={"nics": _several(make, 3)}, last={"nics": (*_several(make, 2, tx_errors=4), *_several(make, 3)[2:])},
        both={"kernel_log": log},
    )  # fmt: skip
    cause = judged.first
    assert (cause.id, cause.confidence, cause.subjects) == ("driver-drops", Confidence.CERTAIN, ("eth1", "eth0"))
    assert cause.summary == "the driver of eth1 counts 5 packets that went wrong; and 1 more interface"
    assert cause.evidence == ("the driver of eth0 counts 4 packets that went wrong", log.lines[0].text)


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ("NETDEV WATCHDOG: eth1 (e1000e): transmit queue 0 timed out", ("eth1",)),
        ("ixgbe 0000:01:00.0 eth2: Detected Tx Unit Hang", ("eth2",)),
        ("NETDEV WATCHDOG: veth1 (veth): transmit queue 0 timed out", ("eth0", "eth1", "eth2")),
        ("NETDEV WATCHDOG: eth11 (e1000e): transmit queue 0 timed out", ("eth0", "eth1", "eth2")),
        ("NETDEV WATCHDOG: eth1.100 (802.1Q): transmit queue 0 timed out", ("eth0", "eth1", "eth2")),
    ],
)
def test_a_queue_that_timed_out_is_that_of_the_interface_it_names(make, text, subjects):
    """Of a line that names no interface of this host, any may be meant."""
    both = {"nics": _several(make, 3), "kernel_log": _hung(text)}
    judged = make.judge(both=both)
    assert (judged.names, judged.first.subjects) == (["driver-drops"], subjects)


def test_what_a_bond_only_sums_is_not_told_twice(make):
    """Its members counted it; what it alone counted is its own."""
    members = [replace(each, master="bond0") for each in _several(make, 2, rx_crc_errors=4)]
    bond = replace(make.nic("bond0", "bond", rx_crc_errors=9), ifindex=9)
    quiet = tuple(replace(each, counters=dict.fromkeys(each.counters, 0)) for each in (bond, *members))
    both = make.judge(first={"nics": quiet}, last={"nics": (bond, *members)})
    assert both.first.subjects == ("eth0", "eth1")
    alone = make.judge(first={"nics": quiet}, last={"nics": (bond, *quiet[1:])})
    assert alone.first.subjects == ("bond0",)
    bridge = replace(bond, kind="bridge")
    other = make.judge(
        first={"nics": (replace(quiet[0], kind="bridge"), *quiet[1:])}, last={"nics": (bridge, *members)}
    )
    assert other.first.subjects == ("bond0", "eth0", "eth1")


def test_all_interfaces_whose_queues_drop_are_told(make):
    """The three worst queues with their numbers, and every interface by name."""
    names = [f"eth{place}" for place in range(7)]
    first, last = (
        tuple(replace(make.qdisc(40 * grown, 1000 + 900 * grown), device=name) for name in names) for grown in (0, 1)
    )
    cause = make.judge({"Tcp.RetransSegs": 280}, first={"qdiscs": first}, last={"qdiscs": last}).first
    assert (cause.id, cause.subjects) == ("egress-queue-drops", tuple(names))
