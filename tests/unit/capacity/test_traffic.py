"""Packets and bytes: the link, the ring, and the CPUs behind it."""

from __future__ import annotations

import pytest

from netaudit.capacity.link import line_rate_packets
from netaudit.capacity.ring import absorb_s
from netaudit.model.capacity import CapacityVerdict as V
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.workload import Load, LoadKind, Machine, Rate, Ways

LINE_RATE = Load(
    "burst", "all", LoadKind.TRAFFIC, packets_per_s=Ways(812_744, 0), bandwidth_bps=Ways(1e10, 0)
)  # 10 Gbit/s of full-size packets


def test_the_front_end_on_the_wire(kit):
    """90,000 packets/s and 0.86 Gbit/s go out, 65,000 and 0.13 come in."""
    sent, received = (kit.row("link-bandwidth", kit.W1, subject=f"eth0 {way}") for way in ("out", "in"))
    assert 5000 * (20_000 + 18 * 90) * 8 == pytest.approx(sent.required)
    assert 5000 * (2000 + 13 * 90) * 8 == pytest.approx(received.required)
    assert 90_000 == kit.row("link-packets", kit.W1, subject="eth0 out").required
    assert 65_000 == kit.row("link-packets", kit.W1, subject="eth0 in").required


def test_handshakes_of_tls(kit):
    """Full ones take 5 kB out and 1.5 kB in: 0.2 Gbit/s more."""
    plain = kit.row("link-bandwidth", kit.W1, subject="eth0 out").required
    full = kit.row("link-bandwidth", kit.replace(kit.W1, full_handshakes_ratio=1.0), subject="eth0 out").required
    assert 0.2e9 == pytest.approx(full - plain, rel=0.1)


def test_keep_alive(kit):
    """Twenty requests on a connection are twenty responses, and one handshake."""
    one = kit.row("link-bandwidth", kit.W1, subject="eth0 out").required
    many = kit.row("link-bandwidth", kit.replace(kit.W1, requests_per_connection=20), subject="eth0 out").required
    assert 19 < many / one < 20


def test_a_client_receives_the_responses(kit):
    """Of outgoing connections the directions are swapped."""
    received = kit.row("link-bandwidth", kit.OUT, subject="eth0 in").required
    assert 800 * (20_000 + 18 * 90) * 8 == pytest.approx(received)


def test_a_gateway_sees_both_twice(kit):
    """What it passes on comes in and goes out."""
    load = kit.replace(kit.OUT, kind=LoadKind.FORWARDED, process="")
    both = [kit.row("link-bandwidth", load, subject=f"eth0 {way}").required for way in ("in", "out")]
    assert both[0] == both[1] == pytest.approx(800 * (22_000 + 31 * 90) * 8)


def test_jumbo_frames(kit):
    """Fewer packets for the same bytes."""
    facts = kit.facts(nics=(kit.replace(kit.NIC, mtu=9000),))
    assert 5000 * (3 + 4) == kit.row("link-packets", kit.W1, facts=facts, subject="eth0 out").required


def test_above_70_percent_is_tight(kit):
    """Short bursts do not fit any more."""
    machine = kit.replace(kit.MACHINE, link_bps=1e9)
    row = kit.row("link-bandwidth", kit.W1, machine=machine, subject="eth0 out")
    assert V.TIGHT is row.verdict
    machine = kit.replace(kit.MACHINE, link_bps=8e8)
    assert V.BREAKS is kit.row("link-bandwidth", kit.W1, machine=machine, subject="eth0 out").verdict


def test_the_speed_of_the_interface(kit):
    """It counts where nothing else is declared; where it is not told, the figure is asked for."""
    machine = kit.replace(kit.MACHINE, link_bps=None)
    assert 1e10 == kit.row("link-bandwidth", kit.W1, machine=machine, subject="eth0 out").limit
    silent = kit.facts(nics=(kit.replace(kit.NIC, speed_mbps=Absent(AbsentReason.NOT_APPLICABLE)),))
    row = kit.row("link-bandwidth", kit.W1, machine=machine, facts=silent, subject="eth0 out")
    assert ["link"] == [need.figure for need in row.needs]


def test_a_provider_limits_packets(kit):
    """On a virtual machine the figure is asked for; on bare metal the bandwidth is the limit."""
    machine = kit.replace(kit.MACHINE, packet_limit_per_s=None)
    row = kit.row("link-packets", kit.W1, machine=machine, subject="eth0 in")
    assert ["packet_limit"] == [need.figure for need in row.needs]
    metal = kit.facts(kernel=kit.replace(kit.KERNEL, virtualization="none"))
    row = kit.row("link-packets", kit.W1, machine=machine, facts=metal, subject="eth0 in")
    assert V.NOT_CONCERNED is row.verdict


def test_several_interfaces(kit):
    """Which of them carries the load has to be said."""
    facts = kit.facts(nics=(kit.NIC, kit.replace(kit.NIC, name="eth1")))
    rows = [row for row in kit.rows(kit.W1, facts=facts, machine=Machine()) if row.resource == "link-bandwidth"]
    assert {"interface"} <= {need.figure for row in rows for need in row.needs}
    said = kit.replace(kit.W1, interface="eth1")
    assert 1e10 == kit.row("link-bandwidth", said, facts=facts, subject="eth1 out").limit
    nowhere = kit.replace(kit.W1, interface="eth7")
    assert V.UNKNOWN is kit.row("link-bandwidth", nowhere, facts=facts).verdict


@pytest.mark.parametrize(
    ("speed", "frame", "packets"),
    [(1e9, 64, 1_488_095), (1e10, 64, 14_880_952), (1e9, 1518, 81_274), (1e10, 1518, 812_744), (1e10, 9018, 138_305)],
)
def test_packets_at_line_rate(speed, frame, packets):
    """Preamble and gap are 20 bytes more than the frame with its check sequence."""
    assert packets == round(line_rate_packets(speed, frame))


@pytest.mark.parametrize(("slots", "lasts_us"), [(256, 315), (512, 630), (1024, 1260), (4096, 5040)])
def test_how_long_a_ring_lasts(slots, lasts_us):
    """At 10 Gbit/s of full-size packets in one queue."""
    assert lasts_us == pytest.approx(absorb_s(slots, 812_744) * 1e6, rel=0.01)


def test_the_ring(kit):
    """812,744/s × 2 / 8 queues × 10 ms are 2,032 packets: a ring of 1,024 is too small, 2,048 is not."""
    row = kit.row("rx-ring", LINE_RATE)
    assert (2032, 1024, V.BREAKS) == (round(row.required), row.limit, row.verdict)
    assert [("rx_ring", "2048", "eth0")] == [(c.setting, c.value, c.subject) for c in row.changes]
    assert V.FITS is kit.row("rx-ring", LINE_RATE, what_if={"rx_ring": "2048"}).verdict


def test_one_queue_gets_everything(kit):
    """There is no skew where nothing is shared, and the figure is not asked for."""
    nic = kit.replace(kit.NIC, rx_queues=1, channels=kit.NOT_ASKED)
    machine = kit.replace(kit.MACHINE, queue_skew=None)
    row = kit.row("rx-ring", LINE_RATE, facts=kit.facts(nics=(nic,)), machine=machine)
    assert 8127 == round(row.required)


def test_the_device_has_no_more(kit):
    """What is asked for is never above its maximum."""
    load = kit.replace(LINE_RATE, packets_per_s=Ways(5e6, 0))
    (change,) = kit.row("rx-ring", load).changes
    assert ("4096", "the device has 4096") == (change.value, change.note)


def test_virtual_interfaces_have_no_ring(kit):
    """Their packets take the way of the backlog."""
    nic = kit.replace(kit.NIC, kind="veth", rings=kit.NOT_ASKED, channels=kit.NOT_ASKED, rx_queues=1)
    facts = kit.facts(nics=(nic,))
    assert V.NOT_CONCERNED is kit.row("rx-ring", LINE_RATE, facts=facts).verdict
    assert 1001 == kit.row("softirq-backlog", LINE_RATE, facts=facts).limit, "one more than the setting, as measured"


def test_drivers_that_poll_have_no_backlog(kit):
    """Unless packet steering hands their packets on."""
    assert V.NOT_CONCERNED is kit.row("softirq-backlog", LINE_RATE).verdict
    steered = kit.facts(nics=(kit.replace(kit.NIC, rps_cpus=("01",) + ("0",) * 7),))
    load = kit.replace(LINE_RATE, packets_per_s=Ways(300_000, 0))
    row = kit.row("softirq-backlog", load, facts=steered)
    assert (3000, V.BREAKS) == (row.required, row.verdict)
    assert ["4096"] == [change.value for change in row.changes]


def test_the_budget_delays_and_loses_nothing(kit):
    """Rounds that end early are squeezes, not drops."""
    row = kit.row("softirq-budget", LINE_RATE)
    assert (V.TIGHT, True) == (row.verdict, row.is_soft)


def test_one_cpu(kit):
    """Packets of the busiest of eight queues, against what a CPU is said to handle."""
    row = kit.row("softirq-cpu", LINE_RATE)
    assert (203_186, 500_000, V.FITS) == (row.required, row.limit, row.verdict)


def test_few_cpus_behind_many_queues(kit):
    """Eight queues of two CPUs are no more than two."""
    facts = kit.facts(cpu=kit.replace(kit.facts().cpu, count=2))
    assert 812_744 == kit.row("softirq-cpu", LINE_RATE, facts=facts).required


def test_bursts_count_and_not_the_mean(kit):
    """A link does not remember that it was idle."""
    calm = kit.replace(kit.W1, new_connections=Rate(1000, 5000, 10))
    assert 90_000 == kit.row("link-packets", calm, subject="eth0 out").required
