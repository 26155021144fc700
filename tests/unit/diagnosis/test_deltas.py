"""Growth of counters: exact over any number of samples, across wraps, and never invented after a reset."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from netaudit.diagnosis.deltas import Moment, deltas_of, growth_of

STEPS = st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=8)


def moments(name, values):
    """Samples of one counter, a second apart."""
    return [Moment(float(place), {name: value}) for place, value in enumerate(values)]


@given(st.integers(0, 2**63), STEPS)
def test_growth_is_the_sum_of_the_steps(start, steps):
    """Whatever the counter began with, its growth is what was added."""
    values = [start]
    for step in steps:
        values.append(values[-1] + step)
    deltas = deltas_of(moments("TcpExt.ListenDrops", values))
    assert deltas.get("TcpExt.ListenDrops") == sum(steps)
    assert deltas.series["TcpExt.ListenDrops"] == tuple(steps)


@given(st.integers(0, 2**32 - 1), STEPS)
def test_narrow_counters_wrap(start, steps):
    """Columns of 32 bits start anew after 2**32, as often as they like."""
    values = [start]
    for step in steps:
        values.append((values[-1] + step) % 2**32)
    for name in ("softnet[0].dropped", "conntrack.drop", "udp 0.0.0.0:53#7.drops"):
        assert deltas_of(moments(name, values)).get(name) == sum(steps)


@given(st.integers(1, 2**31 - 1), st.data())
def test_a_decrease_is_a_reset_and_no_growth(before, data):
    """A counter that was set back is not observable: neither zero nor what it holds now."""
    after = data.draw(st.integers(0, before - 1))
    deltas = deltas_of(moments("Tcp.OutRsts", (before, after)))
    assert deltas.get("Tcp.OutRsts") is None
    assert deltas.reset == ("Tcp.OutRsts",)
    assert deltas.up("Tcp.OutRsts") == 0
    assert not deltas.has("Tcp.OutRsts")


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9)),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(10, 99)),
)
def test_names_must_be_in_every_sample(first, last):
    """What vanished is told, what came later is not taken for growth from zero."""
    deltas = deltas_of([Moment(0.0, first), Moment(1.0, last)])
    assert set(deltas.vanished) == set(first) - set(last)
    for name in first.keys() & last.keys():
        assert deltas.get(name) == last[name] - first[name]
    for name in last.keys() - first.keys():
        assert deltas.get(name) is None


def test_a_long_of_32_bits_wraps_alone():
    """A counter in the upper half that is small now has wrapped if its fellows grew, and was reset if they fell too."""
    before = {"Tcp.OutSegs": 2**32 - 10, "Tcp.InSegs": 500}
    assert deltas_of([Moment(0.0, before), Moment(1.0, {"Tcp.OutSegs": 5, "Tcp.InSegs": 510})]).get("Tcp.OutSegs") == 15
    fallen = deltas_of([Moment(0.0, before), Moment(1.0, {"Tcp.OutSegs": 5, "Tcp.InSegs": 3})])
    assert set(fallen.reset) == {"Tcp.OutSegs", "Tcp.InSegs"}


def test_wide_counters_do_not_wrap_at_32_bits():
    """A large decrease of a 64-bit counter is a reset."""
    assert growth_of(2**40, 5, narrow=False) is None
    assert growth_of(2**40, 5, narrow=True) is None
    assert growth_of(2**32 - 1, 0, narrow=True) == 1


def test_one_moment_tells_nothing():
    """Growth needs two."""
    assert deltas_of(moments("Tcp.OutRsts", (7,))).get("Tcp.OutRsts") is None
    assert deltas_of(()).rate("Tcp.OutRsts") == 0.0


def test_rates_are_by_the_clock_of_the_samples():
    """Growth over five seconds of the host."""
    deltas = deltas_of([Moment(100.0, {"Udp.NoPorts": 10}), Moment(105.0, {"Udp.NoPorts": 60})])
    assert deltas.rate("Udp.NoPorts") == 10.0
    assert str(deltas.change("Udp.NoPorts")) == "Udp.NoPorts +50 (10/s)"
