"""Charts: what is drawn is to scale, and nothing that is there is drawn as nothing."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.model.result import HostReport, HostStatus, Result, Severity, Verdict
from netaudit.report.html.charts import bins_of, gauge, place_of, skyline, strip, ticks
from netaudit.report.html.columns import Columns
from netaudit.report.html.distributions import MAX_BARS, distribution_of

COUNTS = st.lists(st.integers(0, 5000), min_size=1, max_size=9)


@given(COUNTS)
def test_a_strip_is_filled_and_hides_nothing(numbers):
    """Its parts stand side by side over the whole width, one for each number that is not zero."""
    parts = strip([(str(place), number, "x") for place, number in enumerate(numbers)])
    assert [number for number in numbers if number] == [part.number for part in parts]
    if parts:
        assert math.isclose(1000, parts[-1].start + parts[-1].length, abs_tol=1)
        assert all(part.length > 3 for part in parts)
        assert all(math.isclose(a.start + a.length, b.start, abs_tol=0.2) for a, b in pairwise(parts))


@given(st.floats(0.1, 1e9), st.floats(0.1, 1e9))
def test_a_need_reaches_beyond_its_limit_only_when_it_is_larger(required, limit):
    """The bar and the mark of the limit tell the truth, and the bar stays in its field."""
    made = gauge(required, limit)
    assert 0 < made.need <= 100
    if required > limit * 1.01:
        assert made.need > made.full
    if required < limit * 0.99:
        assert made.need < made.full
    assert made.is_beyond == (required / limit * made.full > 100)


def test_no_limit_is_no_fault():
    """Where there is no limit the bar is short; where nothing is allowed it is full."""
    assert gauge(10, math.inf).need < 5
    assert gauge(10, 0).is_beyond
    assert not gauge(0, 0).is_beyond


COLUMN = re.compile(r"M(\S+) 40v-(\S+)h(\S+)v(\S+)z")


@given(st.lists(st.integers(0, 10**12), max_size=600))
def test_a_timeline_has_a_column_a_sample(series):
    """None is drawn where nothing grew, the tallest is where most did; of very many samples neighbours share one."""
    drawn = [tuple(map(float, each)) for each in COLUMN.findall(skyline(series))]
    together = max(1, math.ceil(len(series) / 150))
    sums = [sum(series[place : place + together]) for place in range(0, len(series), together)]
    step = 300 / len(sums) if sums else 0
    assert [pytest.approx(place * step, rel=1e-4) for place, grown in enumerate(sums) if grown] == [
        x for x, *_ in drawn
    ]
    assert all(up == down for _, up, _, down in drawn)
    assert all(x + wide <= 300.01 for x, _, wide, _ in drawn)
    if drawn:
        assert 40 == max(up for _, up, _, _ in drawn)
        assert sums.index(max(sums)) in {round(x / step) for x, up, *_ in drawn if up == 40}  # near ones are as tall


def test_marks_stand_above_the_columns_of_their_samples():
    """In the middle of the column that the same sample has."""
    marks = re.findall(r"M(\S+) 8v24h2", ticks([False, True, False, True]))
    assert [111.5, 261.5] == [float(each) for each in marks]
    assert "" == ticks([])


@given(st.lists(st.integers(-(10**6), 10**9), min_size=2, max_size=300, unique=True))
def test_every_number_has_one_bin(numbers):
    """Bins do not overlap, leave no gap, and hold every number."""
    bins = bins_of(min(numbers), max(numbers), whole=True)
    assert all(a.high == b.low for a, b in pairwise(bins))
    for number in numbers:
        held = bins[place_of(number, bins)]
        assert held.low <= number <= held.high


def distribution(values, verdict=Verdict.PASS):
    """The distribution of these values, one a host."""
    made = Columns()
    for number, value in enumerate(values):
        result = Result("a.b", "A title", "ip", verdict, Severity.HIGH, value, "2", None)
        made.add(HostReport(f"web{number}", "", HostStatus.OK, None, 0.1, (result,)), number)
    return distribution_of(made.by_check["a.b"], [host.name for host in made.hosts])


@given(st.lists(st.integers(0, 100_000) | st.sampled_from(["on", "off"]), min_size=2, max_size=200))
def test_bars_count_every_host_once(values):
    """Few values have a bar each, many numbers a bar a range; the counts add up."""
    found = distribution(values)
    if found is None:
        assert len(set(values)) == 1
        return
    assert len(values) == found.hosts == sum(bar.hosts for bar in found.bars)
    assert len(found.bars) <= 16
    if len(set(values)) <= MAX_BARS:
        assert len(set(values)) == len(found.bars)
        assert not found.is_ranges


def test_one_value_is_no_distribution():
    """Where all hosts agree there is nothing to draw; what was not read counts for nothing."""
    assert distribution([4096] * 9) is None
    assert distribution([4096, None, None]) is None


def test_fractions_that_are_told_alike_share_a_bar():
    """No two bars have one label: what differs only in a place that is not told is one value."""
    found = distribution([35358.41, 35358.43, 35358.52, 35358.48, 12.5])
    assert [("12.5", 1), ("35358.4", 2), ("35358.5", 2)] == [(bar.label, bar.hosts) for bar in found.bars]
    assert distribution([35358.41, 35358.43]) is None


def test_a_bar_names_its_hosts_and_who_fails():
    """The outlier is named, and its part of the bar has the colour of its severity."""
    found = distribution([4096] * 9 + [128], Verdict.FAIL)
    small = found.bars[0]
    assert ("128", 1, "web9") == (small.label, small.hosts, small.names)
    assert ["high"] == [part.tone for part in small.parts]
