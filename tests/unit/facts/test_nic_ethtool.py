"""Answers of ethtool, refusals among them."""

from __future__ import annotations

import pytest

from netaudit.facts.nic_ethtool import (
    MAX_COUNTERS,
    answer,
    read_channels,
    read_coalesce,
    read_fixed,
    read_offloads,
    read_rings,
    read_statistics,
)
from netaudit.facts.parts import Parts
from netaudit.model.facts import Rings
from netaudit.model.reading import Absent, AbsentReason

RINGS = """\
Ring parameters for eth0:
Pre-set maximums:
RX:\t\t4096
RX Mini:\tn/a
TX:\t\t2048
Current hardware settings:
RX:\t\t512
RX Mini:\tn/a
TX:\t\tn/a
"""


def test_rings_in_force_and_at_most() -> None:
    """The two halves of the answer are told apart; n/a is not applicable, and never zero."""
    rings = read_rings(RINGS)
    assert (rings.rx_slots, rings.rx_max_slots, rings.tx_max_slots) == (512, 4096, 2048)
    assert isinstance(rings.tx_slots, Absent)
    assert rings.tx_slots.reason is AbsentReason.NOT_APPLICABLE


def test_channels() -> None:
    """Combined and receive queues are read from both halves."""
    channels = read_channels(
        "Pre-set maximums:\nRX:\t\t0\nCombined:\t63\nCurrent hardware settings:\nRX:\t\t0\nCombined:\t8\n"
    )
    assert (channels.combined, channels.combined_max, channels.rx) == (8, 63, 0)


@pytest.mark.parametrize(("text", "adaptive"), [("on  TX: off", True), ("off  TX: on", False)])
def test_coalesce(text: str, adaptive: bool) -> None:
    """Adaptive moderation of the receiving side is not that of the sending side."""
    coalesce = read_coalesce(f"Coalesce parameters for eth0:\nAdaptive RX: {text}\nrx-usecs: 8\nrx-frames: n/a\n")
    assert (coalesce.adaptive_rx, coalesce.rx_usecs) == (adaptive, 8)
    assert isinstance(coalesce.rx_frames, Absent)


def test_offloads() -> None:
    """Features are on or off, whatever is said behind that; fixed ones are listed."""
    text = "Features for eth0:\nrx-checksumming: on [fixed]\n\ttx-checksum-ipv4: off [requested on]\nrx-gro: on\n"
    assert read_offloads(text) == {"rx-checksumming": True, "tx-checksum-ipv4": False, "rx-gro": True}
    assert read_fixed(text) == ("rx-checksumming",)


def test_repeated_statistics_are_summed() -> None:
    """A driver that prints the same names for every queue has them added up."""
    assert read_statistics("NIC statistics:\n  Rx Queue#: 0\n  drops: 3\n  Rx Queue#: 1\n  drops: 4\n") == {"drops": 7}


def test_statistics_are_bounded() -> None:
    """No host makes the table of statistics larger than its bound."""
    text = "".join(f"  name{i}: {i}\n" for i in range(MAX_COUNTERS + 50))
    assert len(read_statistics(text)) == MAX_COUNTERS


@pytest.mark.parametrize("value", ["٣", "1_0", "9" * 5000, "-1", "x"])
def test_statistic_that_is_no_number_is_left_out(value: str) -> None:
    """A value that is not a counter in ASCII digits has no name in the table."""
    assert read_statistics(f"  good: 5\n  bad: {value}\n") == {"good": 5}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("netlink error: Operation not supported\n", AbsentReason.NOT_APPLICABLE),
        (
            "Ring parameters for x:\nCannot get device ring settings\n: Operation not supported\n",
            AbsentReason.NOT_APPLICABLE,
        ),
        ("no stats available\n", AbsentReason.NOT_APPLICABLE),
        ("netlink error: Operation not permitted\n", AbsentReason.NOT_PERMITTED),
        ("netlink error: No such device\n", AbsentReason.NOT_PRESENT),
        ("RX:\t\tmany\n", AbsentReason.NOT_UNDERSTOOD),
    ],
)
def test_refusal(text: str, reason: AbsentReason) -> None:
    """Each way to refuse has its own reason, and one answer that is not understood spoils no other."""
    parts = Parts(
        {"ethtool -g eth0": text + "Current hardware settings:\nRX: many\n" * (reason == "not understood")}, {}
    )
    found = answer(parts, "g", "eth0", read_rings)
    assert isinstance(found, Absent)
    assert found.reason is reason


def test_ethtool_that_is_missing() -> None:
    """Without ethtool every answer is absent for that reason."""
    missing = Absent(AbsentReason.NOT_PRESENT, "ethtool is not installed")
    assert answer(Parts({}, {"ethtool": missing}), "g", "eth0", read_rings) is missing


def test_answer() -> None:
    """An answer is handed to its reader."""
    assert isinstance(answer(Parts({"ethtool -g eth0": RINGS}, {}), "g", "eth0", read_rings), Rings)
