"""The domain ``qdiscs``."""

from __future__ import annotations

from pathlib import Path

import pytest

from netaudit.facts.qdiscs import MAX_QDISCS, parse_qdiscs
from netaudit.model.facts import Qdisc
from netaudit.model.probe import Section, SectionStatus

CASES = Path(__file__).parents[2] / "cases" / "qdisc"


def parse(stdout: bytes) -> tuple[Qdisc, ...]:
    """What the parser makes of some output."""
    return parse_qdiscs(Section("qdisc", SectionStatus.COMPLETE, 0, stdout, b"", 1))


def test_leaves_know_what_they_hang_on() -> None:
    """The leaves of mq have its handle as parent, mq itself is the root."""
    found = parse(CASES.joinpath("bare-metal", "stdout").read_bytes())
    assert [(one.kind, one.parent) for one in found if one.device == "eno1"] == [
        ("mq", "root"), ("fq", "8001:2"), ("fq_codel", "8001:1"), ("ingress", "ffff:fff1"),
    ]  # fmt: skip


def test_numbers() -> None:
    """What was sent, dropped, delayed and held back is read; numbers that tc shortens are scaled."""
    tbf = parse(CASES.joinpath("bare-metal", "stdout").read_bytes())[4]
    assert tbf == Qdisc("ppp0", "tbf", "8003:", "root", 5005, 50, 3, 77, 0, 15000)


def test_words_of_a_discipline_are_not_counters() -> None:
    """Further lines of a discipline, which also speak of drops, change nothing."""
    (one,) = parse(
        b"qdisc codel 0: dev eth0 root refcnt 2 limit 1000p target 5.0ms\n"
        b" Sent 10 bytes 1 pkt (dropped 4, overlimits 0 requeues 2)\n backlog 0b 0p requeues 2\n"
        b"  count 0 lastcount 0 ldelay 5us drop_next 0us\n  maxpacket 0 ecn_mark 0 drop_overlimit 900\n"
    )
    assert (one.dropped, one.requeues) == (4, 2)


def test_without_statistics() -> None:
    """A discipline of which tc prints one line alone has counters of zero."""
    assert parse(b"qdisc noqueue 0: dev lo root refcnt 2\n")[0].sent_packets == 0


def test_bound() -> None:
    """No host makes the list longer than its bound."""
    assert len(parse(b"qdisc noqueue 0: dev lo root\n" * (MAX_QDISCS + 9))) == MAX_QDISCS


def test_device_must_be_named() -> None:
    """A block without a device raises."""
    with pytest.raises(ValueError):
        parse(b"qdisc pfifo 0: root\n")


@pytest.mark.parametrize(
    "further", [" backlog 0b 7p requeues 0\n", " Sent 9 bytes 2 pkt (dropped 5, overlimits 0 requeues 0)\n"]
)
def test_a_block_with_more_lines_of_numbers_is_read_line_by_line(further: str) -> None:
    """The shape that nearly all blocks have is read at once, and only that one: of two lines the later counts."""
    usual = (
        "qdisc fq 0: dev eth0 root refcnt 2\n Sent 10 bytes 1 pkt (dropped 4, overlimits 0 requeues 2)\n"
        " backlog 0b 3p requeues 2\n"
    )
    (plain,) = parse(usual.encode())
    assert (plain.sent_packets, plain.dropped, plain.backlog_packets) == (1, 4, 3)
    (one,) = parse((usual + "  flows 12\n" + further).encode())
    wanted = (1, 4, 7) if "backlog" in further else (2, 5, 3)
    assert (one.sent_packets, one.dropped, one.backlog_packets) == wanted
