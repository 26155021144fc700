"""The accept queue and half-open connections, with numbers that were measured."""

from __future__ import annotations

import pytest

from netaudit.capacity.rows import ceil_pow2
from netaudit.capacity.syn_queue import residence_s
from netaudit.model.capacity import CapacityVerdict as V
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.workload import LoadKind, Rate


def test_the_need_is_what_arrives_during_a_pause(kit):
    """5,000 a second for half a second are 2,500, and 3,750 with headroom."""
    row = kit.row("accept-queue", kit.W1)
    assert (2500, 3750) == (row.required, row.provision)
    assert "5,000/s × 500 ms = 2,500" in row.formula


@pytest.mark.parametrize("backlog", [4, 64, 500, 65535])
def test_the_queue_holds_one_more_than_the_backlog(kit, backlog):
    """A backlog of 4 held 5 connections."""
    facts = kit.facts(listeners=(kit.replace(kit.NGINX, backlog=backlog),))
    assert backlog + 1 == kit.row("accept-queue", kit.W1, facts=facts).limit


def test_send_q_is_the_limit_and_recv_q_the_fill(kit):
    """On a listener it is so, and not the other way round."""
    row = kit.row("accept-queue", kit.W1)
    assert (512, 3) == (row.limit, row.in_use)


def test_a_raised_cap_does_not_reach_a_listener_that_runs(kit):
    """The backlog in force counts; somaxconn matters when listen() is called again."""
    row = kit.row("accept-queue", kit.W1, facts=kit.facts({"net.core.somaxconn": "65535"}))
    assert 512 == row.limit
    assert V.BREAKS is row.verdict


def test_somaxconn_alone_changes_nothing_where_the_application_asks_for_less(kit):
    """511 of 4096 is the application's own argument."""
    row = kit.row("accept-queue", kit.W1, what_if={"net.core.somaxconn": "65535"})
    assert 512 == row.limit


def test_both_together_make_it_fit(kit):
    """The argument of listen(), and the cap that allows it."""
    row = kit.row("accept-queue", kit.W1, what_if={"net.core.somaxconn": "65535", "listen_backlog": "8192"})
    assert (8193, V.FITS) == (row.limit, row.verdict)


def test_a_listener_at_the_cap_hides_what_its_application_asks_for(kit):
    """Then the figure is asked for, and not guessed; declared, it counts."""
    facts = kit.facts(listeners=(kit.replace(kit.NGINX, backlog=4096),))
    tried = {"net.core.somaxconn": "65535"}
    row = kit.row("accept-queue", kit.W1, facts=facts, what_if=tried)
    assert (V.NEEDS_FIGURE, ["listen_backlog"]) == (row.verdict, [need.figure for need in row.needs])
    declared = kit.replace(kit.W1, listen_backlog=10_000)
    assert 10_001 == kit.row("accept-queue", declared, facts=facts, what_if=tried).limit


def test_a_lowered_cap_cuts_everyone(kit):
    """No argument of listen() needs to be known for that."""
    facts = kit.facts(listeners=(kit.replace(kit.NGINX, backlog=4096),))
    assert 129 == kit.row("accept-queue", kit.W1, facts=facts, what_if={"net.core.somaxconn": "128"}).limit


@pytest.mark.parametrize(("version", "held"), [((3, 10, 0), 1), ((4, 1, 0), 65537)])
def test_65536_was_0_before_4_1(kit, version, held):
    """The backlog had 16 bits."""
    facts = kit.facts(kernel=kit.replace(kit.KERNEL, version=version))
    row = kit.row(
        "accept-queue", kit.W1, facts=facts, what_if={"net.core.somaxconn": "65536", "listen_backlog": "65536"}
    )
    assert held == row.limit


def test_sockets_of_one_port_share_unevenly(kit):
    """Four workers each get a quarter and 30 % more."""
    facts = kit.facts(listeners=tuple(kit.replace(kit.NGINX, inode=number) for number in range(4)))
    assert 2500 * 1.3 / 4 == pytest.approx(kit.row("accept-queue", kit.W1, facts=facts).required)


def test_nothing_listens_yet(kit):
    """Before the launch that is usual: the declared argument stands for the listener."""
    facts = kit.facts(listeners=())
    row = kit.row("accept-queue", kit.W1, facts=facts)
    assert (V.UNKNOWN, 2500) == (row.verdict, row.required)
    assert "nothing listens on port 443" in row.reason
    declared = kit.replace(kit.W1, listen_backlog=65535)
    assert 4097 == kit.row("accept-queue", declared, facts=facts).limit


def test_listeners_that_cannot_be_seen(kit):
    """Without them there is no verdict."""
    row = kit.row("accept-queue", kit.W1, facts=kit.facts(listeners=Absent(AbsentReason.NOT_PERMITTED)))
    assert V.UNKNOWN is row.verdict


def test_loopback_listeners_do_not_count(kit):
    """Clients of the load cannot reach them."""
    facts = kit.facts(listeners=(kit.NGINX, kit.replace(kit.NGINX, address="127.0.0.1", backlog=1)))
    assert 512 == kit.row("accept-queue", kit.W1, facts=facts).limit


def test_what_to_change(kit):
    """Both limits, and the reload."""
    changes = {change.setting: change for change in kit.row("accept-queue", kit.W1).changes}
    assert "4096" == changes["listen_backlog"].value
    assert "nginx" == changes["listen_backlog"].subject
    assert "net.core.somaxconn" not in changes, "the cap of 4096 is enough"


def test_half_open_connections(kit):
    """5,000/s × (0.2 s + 2 % × 1 s + 0.04 % × 2 s) are 1,104."""
    assert 0.2208 == pytest.approx(residence_s(0.2, 0.02))
    assert 1104 == pytest.approx(kit.row("syn-queue", kit.W1).required)


@pytest.mark.parametrize(("maximum", "admitted"), [(32, 25), (256, 193)])
def test_without_cookies_the_last_quarter_is_kept(kit, maximum, admitted):
    """A tcp_max_syn_backlog of 32 admitted 25."""
    facts = kit.facts(
        {"net.ipv4.tcp_syncookies": "0", "net.ipv4.tcp_max_syn_backlog": str(maximum)},
        listeners=(kit.replace(kit.NGINX, backlog=1024),),
    )
    row = kit.row("syn-queue", kit.W1, facts=facts)
    assert (admitted, V.BREAKS) == (row.limit, row.verdict)


def test_with_cookies_the_backlog_is_the_limit(kit):
    """tcp_max_syn_backlog is not looked at: 60 half-open connections were admitted where it was 32."""
    facts = kit.facts({"net.ipv4.tcp_max_syn_backlog": "32"}, listeners=(kit.replace(kit.NGINX, backlog=1024),))
    assert 1025 == kit.row("syn-queue", kit.W1, facts=facts).limit


def test_with_cookies_nothing_breaks(kit):
    """Beyond the limit the kernel answers with cookies: worth knowing, and no loss."""
    row = kit.row("syn-queue", kit.W1)
    assert (V.TIGHT, True) == (row.verdict, row.is_soft)
    assert "cookies" in row.reason


def test_above_half_of_the_backlog_retries_are_cut(kit):
    """1,104 half-open of 2,049 are too many, of 4,097 not."""
    for backlog, verdict in ((2048, V.TIGHT), (4096, V.FITS)):
        facts = kit.facts(listeners=(kit.replace(kit.NGINX, backlog=backlog),))
        assert verdict is kit.row("syn-queue", kit.W1, facts=facts).verdict


def test_half_open_connections_now(kit):
    """They are counted by port."""
    facts = kit.facts(sockets=kit.replace(kit.SOCKETS, syn_recv_by_port=(kit.PortCount(443, 7), kit.PortCount(80, 9))))
    assert 7 == kit.row("syn-queue", kit.W1, facts=facts).in_use


def test_loads_of_one_port_add_up(kit):
    """Two loads come to one queue."""
    other = kit.replace(kit.W1, name="api", new_connections=Rate(1000, 1000))
    assert 3000 == kit.row("accept-queue", kit.W1, other).required


def test_a_load_without_a_port(kit):
    """It says which figure is missing."""
    row = kit.row("accept-queue", kit.replace(kit.W1, ports=()))
    assert ["port"] == [need.figure for need in row.needs]


def test_outbound_connections_meet_no_listener(kit):
    """A client has no queue of this kind."""
    assert not [row for row in kit.rows(kit.OUT) if row.resource in {"accept-queue", "syn-queue"}]
    assert LoadKind.OUTBOUND is kit.OUT.kind


@pytest.mark.parametrize(
    ("value", "power"), [(0, 1), (1, 1), (2, 2), (3, 4), (3750, 4096), (4096, 4096), (4096.2, 8192)]
)
def test_powers_of_two(value, power):
    """Backlogs and tables are asked for in them."""
    assert power == ceil_pow2(value)
