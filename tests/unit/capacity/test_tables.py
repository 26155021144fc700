"""Tables that connections stay in after their end: TIME-WAIT, local ports, connection tracking, neighbours."""

from __future__ import annotations

import pytest

from netaudit.capacity.conntrack import NAT_PORTS
from netaudit.model.capacity import CapacityVerdict as V
from netaudit.model.facts import Conntrack, Firewall
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.workload import Load, LoadKind, Present, Rate, Ways


def test_time_wait_is_a_minute_of_closes(kit):
    """4,500 graceful closes a second are 270,000 sockets; the default limit is reached at less than half of that."""
    row = kit.row("time-wait", kit.W1)
    assert (270_000, 131_072, V.BREAKS) == (row.required, row.limit, row.verdict)
    assert 131_072 / 270_000 == pytest.approx(row.breaks_at)
    assert ["524288"] == [change.value for change in row.changes]


@pytest.mark.parametrize("setting", ["net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_tw_reuse"])
def test_no_setting_shortens_time_wait_of_a_server(kit, setting):
    """tcp_fin_timeout ends another state, and tcp_tw_reuse is for the side that connects."""
    assert 270_000 == kit.row("time-wait", kit.W1, facts=kit.facts({setting: "1"})).required


def test_the_side_that_closes_second_keeps_nothing(kit):
    """TIME-WAIT is with the peer then."""
    row = kit.row("time-wait", kit.replace(kit.W1, closes_first_ratio=0.0))
    assert (0, V.FITS, None) == (row.required, row.verdict, row.breaks_at)


def test_ports_towards_one_destination(kit):
    """200 open and 800/s × 60 s are 48,200; the default range has 28,232."""
    row = kit.row("ephemeral-ports", kit.OUT)
    assert (48_200, 28_232, V.BREAKS, "10.0.0.5:8080") == (row.required, row.limit, row.verdict, row.subject)


@pytest.mark.parametrize(("span", "rate"), [("32768 60999", 470), ("10240 65535", 921), ("1024 65535", 1075)])
def test_how_many_connections_a_second_a_range_carries(kit, span, rate):
    """Each port is held for a minute."""
    load = kit.replace(kit.OUT, concurrent=0, new_connections=Rate(1, 1))
    row = kit.row("ephemeral-ports", load, facts=kit.facts({"net.ipv4.ip_local_port_range": span}))
    assert rate == int(row.breaks_at)


def test_reuse_after_a_second(kit):
    """With tcp_tw_reuse=1 the same load needs 1,400 ports, and fits the default range."""
    row = kit.row("ephemeral-ports", kit.OUT, facts=kit.facts({"net.ipv4.tcp_tw_reuse": "1"}))
    assert (1400, V.FITS) == (row.required, row.verdict)


@pytest.mark.parametrize(
    ("settings", "destination"),
    [
        ({"net.ipv4.tcp_tw_reuse": "1", "net.ipv4.tcp_timestamps": "0"}, "10.0.0.5:8080"),
        ({"net.ipv4.tcp_tw_reuse": "2"}, "10.0.0.5:8080"),
        ({"net.ipv4.tcp_fin_timeout": "3"}, "10.0.0.5:8080"),
    ],
)
def test_what_does_not_free_ports(kit, settings, destination):
    """Reuse needs timestamps, 2 is for loopback alone, and tcp_fin_timeout governs another state."""
    load = kit.replace(kit.OUT, destination=destination)
    assert 48_200 == kit.row("ephemeral-ports", load, facts=kit.facts(settings)).required


def test_reuse_on_loopback(kit):
    """That is what 2 is for."""
    row = kit.row("ephemeral-ports", kit.replace(kit.OUT, destination="127.0.0.1:8080"))
    assert 1400 == row.required


def test_each_destination_has_the_range_anew(kit):
    """100 ports gave 100 connections to each of two remote ports."""
    other = kit.replace(kit.OUT, name="cache", destination="10.0.0.6:6379")
    rows = [row for row in kit.rows(kit.OUT, other) if row.resource == "ephemeral-ports"]
    assert [(48_200, 28_232), (48_200, 28_232)] == [(row.required, row.limit) for row in rows]


def test_loads_of_one_destination_add_up(kit):
    """They draw from the same range."""
    other = kit.replace(kit.OUT, name="second", concurrent=100)
    assert 48_200 + 48_100 == kit.row("ephemeral-ports", kit.OUT, other).required


def test_programs_that_bind_first_share_the_range(kit):
    """bind() with port 0 takes the port from all destinations."""
    loads = [kit.replace(kit.OUT, name=name, destination=f"10.0.0.{name}:80", binds_first=True) for name in "56"]
    row = kit.row("ephemeral-ports", *loads)
    assert (96_400, 28_232) == (row.required, row.limit)
    assert "bind" in row.subject


def test_more_addresses_are_more_ports(kit):
    """The range counts for each pair of local address and remote address and port."""
    row = kit.row("ephemeral-ports", kit.replace(kit.OUT, local_addresses=2, destination_tuples=3))
    assert 6 * 28_232 == row.limit


@pytest.mark.parametrize(("reserved", "left"), [("32768-32777,40000", 28_221), ("80,443,1-1000", 28_232), ("", 28_232)])
def test_reserved_ports_are_no_use(kit, reserved, left):
    """Those inside of the range are taken off, others are not."""
    facts = kit.facts({"net.ipv4.ip_local_reserved_ports": reserved})
    assert left == kit.row("ephemeral-ports", kit.OUT, facts=facts).limit


def test_a_server_takes_no_local_ports(kit):
    """For connections that it accepts the range does not matter; for those to its own backend it does."""
    assert not [row for row in kit.rows(kit.W1) if row.resource == "ephemeral-ports"]


def test_ports_in_use_now(kit):
    """As the host tells them, of the busiest destinations; of one that is not among them none."""
    sockets = kit.replace(kit.SOCKETS, busiest_destinations=(kit.Destination("192.0.2.1", "10.0.0.5", 8080, 321),))
    assert 321 == kit.row("ephemeral-ports", kit.OUT, facts=kit.facts(sockets=sockets)).in_use
    assert 0 == kit.row("ephemeral-ports", kit.OUT).in_use
    cut = kit.replace(kit.SOCKETS, truncated=True)
    assert kit.row("ephemeral-ports", kit.OUT, facts=kit.facts(sockets=cut)).in_use is None


def test_what_is_in_use_comes_on_top(kit):
    """Where the workload says so."""
    sockets = kit.replace(kit.SOCKETS, busiest_destinations=(kit.Destination("192.0.2.1", "10.0.0.5", 8080, 321),))
    row = kit.row("ephemeral-ports", kit.OUT, facts=kit.facts(sockets=sockets), present=Present.ADDITIONAL)
    assert 48_521 == row.required
    assert "+ 321 in use now" in row.formula


def test_tracked_connections(kit):
    """100,000 open, 4,500/s × 120 s closed, 500/s × 10 s reset: 645,000."""
    row = kit.row("conntrack-entries", kit.W1)
    assert (645_000, 262_144, V.BREAKS) == (row.required, row.limit, row.verdict)
    assert 860_000 == pytest.approx(row.provision)
    assert {"net.netfilter.nf_conntrack_max": "1048576"}.items() <= {c.setting: c.value for c in row.changes}.items()


def test_the_whole_front_end(kit):
    """With 20 unanswered SYNs a second, and 500 new flows of UDP, it is 662,400 - less the SYNs' shorter stay here."""
    load = kit.replace(kit.W1, unanswered_syn_per_s=20)
    assert 645_000 + 20 * 60 + 500 * 30 == kit.row("conntrack-entries", load, kit.UDP).required


def test_peers_that_vanish_are_what_people_forget(kit):
    """One in ten seconds holds 43,200 entries under the default timeout of five days."""
    load = kit.replace(kit.W1, silently_lost_per_s=0.1)
    assert 43_200 == pytest.approx(kit.row("conntrack-entries", load).required - 645_000)


def test_timeouts_of_the_host_count(kit):
    """A shorter one keeps less."""
    facts = kit.facts({"net.netfilter.nf_conntrack_tcp_timeout_time_wait": "30"})
    assert 100_000 + 4500 * 30 + 5000 == kit.row("conntrack-entries", kit.W1, facts=facts).required


@pytest.mark.parametrize(("lifetime_s", "hold_s"), [(0.0, 30), (1.0, 31), (10.0, 130)])
def test_answered_flows_of_udp_stay_longer(kit, lifetime_s, hold_s):
    """From two seconds on they are streams."""
    row = kit.row("conntrack-entries", kit.replace(kit.UDP, flow_lifetime_s=lifetime_s))
    assert 500 * hold_s == row.required


def test_timeouts_that_the_host_does_not_tell(kit):
    """Those of the kernel stand for them."""
    names = ("udp_timeout", "udp_timeout_stream", "tcp_timeout_time_wait")
    facts = kit.facts({f"net.netfilter.nf_conntrack_{name}": None for name in names})
    assert 500 * 130 == kit.row("conntrack-entries", kit.replace(kit.UDP, flow_lifetime_s=10.0), facts=facts).required
    assert 645_000 == kit.row("conntrack-entries", kit.W1, facts=facts).required


def test_no_limit(kit):
    """0 is unlimited: there is no number at which it breaks."""
    table = Conntrack(1, 0, 65536, 65536, 256, {})
    row = kit.row("conntrack-entries", kit.W1, facts=kit.facts(conntrack=table))
    assert (V.FITS, None, None) == (row.verdict, row.limit, row.breaks_at)


def test_nothing_is_tracked_without_a_rule(kit):
    """200 flows left the table empty until a rule referred to connection tracking."""
    facts = kit.facts(
        conntrack=Conntrack(0, 262144, 262144, 262144, 256, {}), firewall=Firewall(0, False, (), (), (), ())
    )
    row = kit.row("conntrack-entries", kit.W1, facts=facts)
    assert V.NOT_CONCERNED is row.verdict
    tracked = kit.replace(kit.W1, is_tracked=True)
    assert 645_000 == kit.row("conntrack-entries", tracked, facts=facts).required
    exempt = kit.replace(kit.W1, is_tracked=False)
    assert not [row for row in kit.rows(exempt) if row.resource == "conntrack-entries"]


def test_whether_it_is_tracked_may_not_be_known(kit):
    """Without root the rules cannot be read."""
    facts = kit.facts(
        conntrack=Conntrack(0, 262144, 262144, 262144, 256, {}), firewall=Absent(AbsentReason.NOT_PERMITTED)
    )
    assert V.UNKNOWN is kit.row("conntrack-entries", kit.W1, facts=facts).verdict


def test_no_connection_tracking_at_all(kit):
    """The module is not loaded."""
    row = kit.row("conntrack-entries", kit.W1, facts=kit.facts(conntrack=Absent(AbsentReason.NOT_PRESENT, "no module")))
    assert V.NOT_CONCERNED is row.verdict


@pytest.mark.parametrize(("buckets", "verdict"), [(655_360, V.FITS), (262_144, V.TIGHT), (65_536, V.TIGHT)])
def test_chains(kit, buckets, verdict):
    """One entry a bucket is good, four are the most; longer chains cost CPU and lose nothing."""
    table = Conntrack(1, 1_048_576, buckets, buckets, 256, {})
    assert verdict is kit.row("conntrack-buckets", kit.W1, facts=kit.facts(conntrack=table)).verdict


@pytest.mark.parametrize("size", [256, 384])
def test_memory_of_the_table(kit, size):
    """An entry has 256 bytes, with accounting 384; a bucket 8."""
    table = Conntrack(1, 1_048_576, 262_144, 262_144, size, {})
    row = kit.row("conntrack-memory", kit.W1, facts=kit.facts(conntrack=table))
    assert 645_000 * size + 262_144 * 8 == row.required


def test_what_if_the_table_were_larger(kit):
    """The limit that is tried out counts."""
    row = kit.row("conntrack-entries", kit.W1, what_if={"net.netfilter.nf_conntrack_max": "1048576"})
    assert (1_048_576, V.FITS) == (row.limit, row.verdict)


def test_ports_of_source_nat(kit):
    """64,512 ports a public address, each held for 120 s: 537 connections a second to one destination."""
    load = Load(
        "egress", "gw", LoadKind.FORWARDED, new_connections=Rate(1, 1), concurrent=0, reset_ratio=0.0, has_nat=True,
        public_addresses=1, destination="203.0.113.1:443",
    )  # fmt: skip
    row = kit.row("nat-ports", load)
    assert NAT_PORTS == row.limit
    assert 537 == int(row.breaks_at)
    unsaid = kit.row("nat-ports", kit.replace(load, public_addresses=None, destination=""))
    assert {"public_addresses", "destination"} == {need.figure for need in unsaid.needs}


def test_neighbours(kit):
    """300 fit 1,024; 1,300 do not, of which 1,022 got an entry."""
    row = kit.row("neighbours", kit.W1)
    assert (300, 1024, V.FITS, 40, None) == (row.required, row.limit, row.verdict, row.in_use, row.breaks_at)
    many = kit.row("neighbours", kit.W1, machine=kit.replace(kit.MACHINE, neighbours=1300))
    assert V.BREAKS is many.verdict
    assert {"1024", "2048", "4096"} >= {change.value for change in many.changes} - {"512"}


def test_more_neighbours_than_the_second_threshold(kit):
    """Entries are collected from there on."""
    assert V.TIGHT is kit.row("neighbours", kit.W1, machine=kit.replace(kit.MACHINE, neighbours=600)).verdict


def test_orphans(kit):
    """10 % of 5,000/s for 2 s are 1,000; a quarter of the setting is the limit."""
    row = kit.row("orphans", kit.W1)
    assert (1000, 131_072 / 4, V.FITS) == (row.required, row.limit, row.verdict)


def test_the_limit_of_a_namespace_cannot_be_seen(kit):
    """A setting of the whole host is not there inside of a namespace."""
    facts = kit.facts({"net.ipv4.tcp_max_orphans": None}, kernel=kit.replace(kit.KERNEL, is_initial_namespace=False))
    row = kit.row("orphans", kit.W1, facts=facts)
    assert (V.UNKNOWN, 1000) == (row.verdict, row.required)
    assert "set for the whole host" in row.reason


def test_traffic_alone_is_in_no_table(kit):
    """It has no connections."""
    load = Load("bulk", "all", LoadKind.TRAFFIC, packets_per_s=Ways(1, 1), bandwidth_bps=Ways(1, 1))
    assert not [row for row in kit.rows(load) if row.layer in {"conntrack", "transport"}]
