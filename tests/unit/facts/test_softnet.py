"""The domain ``softnet``."""

from __future__ import annotations

from pathlib import Path

import pytest

from netaudit.facts.softnet import parse_softnet
from netaudit.model.facts import Softnet
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent

CASES = Path(__file__).parents[2] / "cases" / "softnet"


def parse(stdout: bytes) -> Softnet:
    """What the parser makes of some output."""
    return parse_softnet(Section("softnet", SectionStatus.COMPLETE, 0, stdout, b"", 1))


def case(name: str) -> Softnet:
    """What the parser makes of one recorded case."""
    return parse(CASES.joinpath(name, "stdout").read_bytes())


def row(columns: int, index: int) -> str:
    """One row of softnet_stat with so many columns; the thirteenth is the number of the CPU."""
    values = [f"{place:08x}" for place in range(1, columns + 1)]
    if columns > 12:
        values[12] = f"{index:08x}"
    return "proc/net/softnet_stat:" + " ".join(values) + "\n"


@pytest.mark.parametrize("columns", [9, 10, 11, 13, 15])
def test_columns_grew_over_time(columns: int) -> None:
    """Kernels print nine to fifteen columns; those that are not there count as zero, and more do no harm."""
    (cpu,) = parse(f"#@ files\n{row(columns, 3)}".encode()).cpus
    assert (cpu.processed, cpu.dropped, cpu.time_squeeze) == (1, 2, 3)
    assert cpu.received_rps == (10 if columns > 9 else 0)
    assert cpu.flow_limit == (11 if columns > 10 else 0)
    assert cpu.cpu == (3 if columns > 12 else 0)


def test_rows_without_a_number_are_those_of_the_cpus_online() -> None:
    """An old kernel numbers no row: /proc/stat tells which CPUs are online."""
    assert [cpu.cpu for cpu in case("old-kernel").cpus] == [0, 2]


def test_counters_are_hexadecimal() -> None:
    """The numbers of softnet_stat are hexadecimal."""
    assert case("old-kernel").cpus[0].dropped == 0x6283


def test_interrupts_belong_to_interfaces() -> None:
    """By number where sysfs has it, else by the name of the line; shared lines and queues alike."""
    found = {irq.irq: (irq.device, irq.name) for irq in case("old-kernel").irqs}
    assert found == {
        11: ("eno3", "eno3"),
        24: ("eno2", "eno2-TxRx-0"),
        25: ("eno2", "eno2-TxRx-1"),
        57: ("eth0", "eth0"),
    }


def test_interrupt_counts_and_affinity() -> None:
    """Every interrupt has a count for each CPU, and the CPUs it may go to where these could be read."""
    first, second, third, fourth = case("old-kernel").irqs
    assert (second.counts, second.affinity, third.affinity) == ((1200345, 1002), "0", "2,4-7")
    assert isinstance(first.affinity, Absent)
    assert isinstance(fourth.affinity, Absent)


def test_shares_of_time() -> None:
    """Softirq is a share of each CPU's time, steal one of all CPUs' time; guest time is not counted twice."""
    ticks = "10 0 10 60 0 0 10 10 99 99"
    found = parse(f"#@ files\n{row(15, 0)}proc/stat:cpu {ticks}\nproc/stat:cpu0 {ticks}\n".encode())
    assert (found.softirq_ratio_by_cpu, found.steal_ratio) == ((0.1,), 0.1)


def test_host_that_has_just_booted() -> None:
    """A CPU without any time yet has a share of zero, not an error."""
    found = parse(f"#@ files\n{row(15, 0)}proc/stat:cpu 0 0 0 0 0 0 0 0\nproc/stat:cpu0 0 0 0 0 0 0 0 0\n".encode())
    assert found.softirq_ratio_by_cpu == (0.0,)


def test_without_the_backlog_there_is_nothing() -> None:
    """Output without softnet_stat raises."""
    with pytest.raises(KeyError):
        parse(b"#@ files\nproc/stat:cpu 1 1 1 1 1 1 1 1\n")
