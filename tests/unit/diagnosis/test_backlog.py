"""Where a full backlog of a CPU begins to be a cause: both sides of each bound."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netaudit.diagnosis.state import backlog_drops, backlog_share


def _judged(make, lost: int, *, seconds: float = 10.0, taken: int = 1000):
    """A window in which one CPU dropped some packets and took others."""
    softnet = make.softnet(0, lost)
    idle, busy = softnet.cpus
    later = replace(softnet, cpus=(idle, replace(busy, processed=busy.processed + taken)))
    return make.judge(seconds=seconds, last={"softnet": later})


@pytest.mark.parametrize("seconds", [1.0, 5.0, 600.0])
def test_ten_packets_are_a_cause_where_few_came(make, seconds):
    """However long is looked on. Nine are told in a note; one more is the cause."""
    few, many = (_judged(make, lost, seconds=seconds) for lost in (9, 10))
    assert (few.names, many.names) == ([], ["cpu-backlog"])
    assert (backlog_share(few.window), backlog_drops(few.window)) == (9, 0)
    assert backlog_drops(many.window) == 10


@pytest.mark.parametrize(("taken", "names"), [(49_950, ["cpu-backlog"]), (49_951, [])])
def test_one_packet_of_a_thousand_is_a_cause(make, taken, names):
    """Fifty in ten seconds: of fifty thousand packets they count, of more they do not."""
    assert _judged(make, 50, taken=taken).names == names


@pytest.mark.parametrize(
    ("seconds", "most"),
    [
        pytest.param(1.0, 10, id="ten packets a second"),
        pytest.param(5.0, 50, id="whatever the window"),
        pytest.param(10.0, 100, id="of ten seconds"),
        pytest.param(600.0, 100, id="and of no more: a long look hides no burst"),
    ],
)
def test_more_than_ten_a_second_are_a_cause_where_many_came(make, seconds, most):
    """They are less than one of a thousand there. The bound is that of ten seconds at most; one more is the cause."""
    few, many = (_judged(make, lost, seconds=seconds, taken=5000 * most) for lost in (most, most + 1))
    assert (few.names, many.names) == ([], ["cpu-backlog"])
    assert (backlog_share(few.window), backlog_drops(few.window)) == (most, 0)
    assert backlog_drops(many.window) == most + 1


@pytest.mark.parametrize(("taken", "names"), [(1_999_800, ["cpu-backlog"]), (1_999_801, [])])
def test_one_packet_of_ten_thousand_is_a_cause(make, taken, names):
    """Two hundred in ten seconds: of two million packets they count, of more they do not."""
    assert _judged(make, 200, taken=taken).names == names


@pytest.mark.parametrize(
    ("lost", "taken", "names"),
    [
        (10, 9_990, ["cpu-backlog"]),
        (10, 9_991, []),
        (200, 1_999_800, ["cpu-backlog"]),
        (200, 1_999_801, []),
    ],
)
def test_in_a_namespace_the_share_is_of_what_its_interfaces_received(make, lost, taken, names):
    """What the machine took beside it does not make the loss smaller, by either bound."""
    first = {"kernel": make.kernel(100.0, initial=False)}
    last = {
        "kernel": make.kernel(110.0, initial=False),
        "softnet": replace(make.softnet(0, 5000), cpus=tuple(
            replace(cpu, processed=10**9) for cpu in make.softnet(0, 5000).cpus
        )),
        "nics": (make.nic(kind="veth", rx_packets=taken, rx_dropped=lost),),
    }  # fmt: skip
    assert make.judge(first={**first, "nics": (make.nic(kind="veth"),)}, last=last).names == names


def test_in_a_namespace_its_own_loss_is_told_beside_that_of_the_machine(make):
    """What others lost is not called this host's, and all interfaces that lost are told."""
    names = [f"eth{place}" for place in range(7)]
    first, last = (
        tuple(
            replace(make.nic(name, "veth", rx_packets=900 * grown, rx_dropped=8 * grown), ifindex=place + 2)
            for place, name in enumerate(names)
        )
        for grown in (0, 1)
    )
    cause = make.judge(
        first={"kernel": make.kernel(100.0, initial=False), "nics": first},
        last={"kernel": make.kernel(110.0, initial=False), "nics": last, "softnet": make.softnet(0, 5000)},
    ).first
    assert cause.summary == "the backlog of CPU 1 was full: 56 packets dropped, of 5,000 of the whole machine"
    assert cause.subjects == tuple(names)
    assert _judged(make, 5000).first.summary == "the backlog of CPU 1 was full: 5,000 packets dropped"


def test_a_burst_that_is_not_named_is_no_drop_of_the_interface_either(make):
    """The same packets are counted at both places: the few that are a note are not told again as something else."""
    lost = {"softnet": make.softnet(0, 9), "nics": (make.nic(rx_packets=200, rx_dropped=18),)}
    assert make.judge(last=lost).names == []
    assert make.judge(last={**lost, "softnet": make.softnet(0, 0)}).names == ["receive-drops"]
