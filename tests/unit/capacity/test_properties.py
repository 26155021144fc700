"""What holds for every load: more is never less, two are the sum of both, and it breaks where it is said to break."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.capacity.catalogue import SETTINGS
from netaudit.capacity.results import results_of
from netaudit.fleet.jsonable import dumps
from netaudit.model.capacity import Assessment
from netaudit.model.workload import LoadKind, Present, Rate, Ways
from netaudit.report.capacity_json import assessment_row

FACTORS = st.floats(1.0, 1000.0)
SHARES = st.floats(0.0, 1.0)
RATES = st.builds(
    lambda mean, more, lasts: Rate(mean, mean * more, lasts),
    st.floats(0.1, 1e4), st.floats(1.0, 10.0), st.none() | st.floats(0.1, 200.0),
)  # fmt: skip
PRESENT = st.sampled_from(Present)


@pytest.fixture(scope="module")
def loads(kit):
    """Makes loads of every kind out of a few numbers."""

    def make(rate: Rate, concurrent: float, share: float) -> list:
        inbound = replace(
            kit.W1, new_connections=rate, concurrent=concurrent, closes_first_ratio=share, silently_lost_per_s=share,
            unanswered_syn_per_s=share, flow_bps=Ways(1e8, 1e8),
        )  # fmt: skip
        outbound = replace(kit.OUT, new_connections=rate, concurrent=concurrent, closes_first_ratio=share)
        udp = replace(kit.UDP, packets_per_s=Ways(concurrent, 1.0), new_flows_per_s=concurrent)
        nat = replace(kit.OUT, name="nat", kind=LoadKind.FORWARDED, has_nat=True, public_addresses=2.0, process="")
        return [inbound, outbound, udp, nat]

    return make


def keyed(rows: list[Assessment]) -> dict[tuple[str, str], Assessment]:
    """The rows that have a number, by resource and subject."""
    return {(row.resource, row.subject): row for row in rows if row.required is not None}


@given(rate=RATES, concurrent=st.floats(0.0, 1e6), share=SHARES, factor=FACTORS, present=PRESENT)
def test_more_load_never_needs_less(kit, loads, rate, concurrent, share, factor, present):
    """Of any resource, and no verdict gets better."""
    base = loads(rate, concurrent, share)
    before = keyed(kit.rows(*base, present=present))
    after = keyed(kit.rows(*(load.times(factor) for load in base), present=present))
    assert before.keys() == after.keys()
    for key, row in before.items():
        assert after[key].required >= row.required * (1 - 1e-9)
        assert after[key].verdict.rank <= row.verdict.rank


@given(rate=RATES, concurrent=st.floats(0.0, 1e6), share=SHARES)
def test_two_of_a_load_are_twice_the_load(kit, loads, rate, concurrent, share):
    """Several loads on one host add up."""
    base = loads(rate, concurrent, share)
    again = [replace(load, name=f"{load.name} again") for load in base]
    twice = keyed(kit.rows(*(load.times(2) for load in base)))
    summed = keyed(kit.rows(*base, *again))
    for key, row in twice.items():
        if key in summed and row.resource not in {"receive-buffer", "send-buffer", "udp-receive-buffer", "nat-ports"}:
            assert row.required == pytest.approx(summed[key].required)


@given(rate=RATES, concurrent=st.floats(1.0, 1e6), share=SHARES, present=PRESENT)
def test_it_breaks_where_it_is_said_to_break(kit, loads, rate, concurrent, share, present):
    """At that multiple of the load the need is the limit: a little below it fits, a little above it does not."""
    base = loads(rate, concurrent, share)
    for key, row in keyed(kit.rows(*base, present=present)).items():
        if not row.breaks_at or not 1e-6 < row.breaks_at < 1e9:
            continue
        scaled = [load.times(row.breaks_at) for load in base]
        assert row.limit == pytest.approx(keyed(kit.rows(*scaled, present=present))[key].required, rel=1e-6)


@given(rate=RATES, concurrent=st.floats(0.0, 1e6), share=SHARES)
def test_an_additional_load_needs_at_least_as_much(kit, loads, rate, concurrent, share):
    """What the host does now comes on top."""
    base = loads(rate, concurrent, share)
    included = keyed(kit.rows(*base))
    for key, row in keyed(kit.rows(*base, present=Present.ADDITIONAL)).items():
        assert row.required >= included[key].required or row.resource == "process-descriptors"


@given(factor=st.floats(0.01, 100.0), again=st.floats(0.01, 100.0))
def test_scaling_twice_is_scaling_by_the_product(kit, factor, again):
    """The load itself, not only what is made of it."""
    for load in (kit.W1, kit.OUT, kit.UDP):
        once, both = load.times(factor * again), load.times(factor).times(again)
        assert once.new_connections.burst == pytest.approx(both.new_connections.burst)
        assert once.concurrent == pytest.approx(both.concurrent)
        assert (once.rtt_p99_s, once.response_bytes, once.flow_bps) == (
            both.rtt_p99_s,
            both.response_bytes,
            both.flow_bps,
        )


SENT = st.text(max_size=30) | st.sampled_from(
    ["", "0", "-1", "9" * 5000, "1 2 3", "²", "4096 x", "0 0 0", "65535 1024"]
)


@given(data=st.data())
def test_whatever_a_host_sends_there_is_an_answer(kit, data):
    """Settings, masks, sizes: nothing that stands in the facts can end a run."""
    names = data.draw(st.lists(st.sampled_from(sorted(SETTINGS)), max_size=6, unique=True))
    settings = {name: data.draw(SENT) for name in names}
    number = st.integers(-1, 2**63)
    nic = replace(
        kit.NIC, mtu=data.draw(number), rps_cpus=(data.draw(SENT),), rx_queues=data.draw(number),
        speed_mbps=data.draw(number), channels=kit.NOT_ASKED, kind=data.draw(st.sampled_from(["physical", "veth"])),
    )  # fmt: skip
    base = kit.facts(settings)
    facts = replace(
        base, nics=(nic,), memory=replace(base.memory, page_bytes=data.draw(number), available_bytes=data.draw(number)),
        cpu=replace(base.cpu, count=data.draw(number)), listeners=(replace(kit.NGINX, backlog=data.draw(number)),),
        conntrack=replace(base.conntrack, max=data.draw(number), buckets=data.draw(number), count=data.draw(number)),
    )  # fmt: skip
    rows = kit.rows(kit.W1, kit.OUT, kit.UDP, facts=facts, present=data.draw(PRESENT))
    assert all(json.loads(dumps(assessment_row(row))) for row in rows)
    assert results_of(rows)
