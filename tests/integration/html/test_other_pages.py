"""The pages of capacity, diagnosis, remediation and drift: they say what matters, filter, print, and fit a phone."""

from __future__ import annotations

import pytest

PHONE = {"width": 390, "height": 844}
KINDS = ("capacity", "diagnosis", "remediation", "drift")
EVIL = "\"'><img src=x onerror=window.pwned=1></script><script>window.pwned=1</script>\u202e\x1b[31m{{7*7}}"


@pytest.mark.parametrize(
    ("kind", "headline", "told"),
    [
        ("capacity", "8 of 12 hosts cannot carry this load", "First to break: Accept queue of 0.0.0.0:443"),
        ("diagnosis", "6 of 12 hosts lose traffic", "An accept queue overflows"),
        ("remediation", "The state of 1 of 12 hosts is not known", "the gate said no"),
        ("drift", "4 findings are new", "128, expected ≥ 4096 connections"),
    ],
)
def test_it_opens_and_says_what_matters(look, kind_page, kind, headline, told):
    """The first heading is the answer; the page complains of nothing."""
    seen = look(kind_page(kind))
    assert headline == seen.text("h1")
    assert told in seen.text("main")
    assert f"netaudit {kind}" in seen.page.title()


@pytest.mark.parametrize(
    ("kind", "words", "left"),
    [
        ("capacity", "conntrack_max", "1 of 15 entries"),
        ("diagnosis", "ListenOverflows", "1 of 15 entries"),
        ("remediation", "rolled back", "2 of 25 entries"),
        ("drift", "mtu", "2 of 11 entries"),
    ],
)
def test_a_filter_says_what_it_leaves_and_survives_in_the_address(look, kind_page, kind, words, left):
    """What does not have the words is gone, and the address brings it back."""
    seen = look(kind_page(kind))
    before = seen.outcome()
    seen.page.keyboard.press("/")
    seen.page.keyboard.type(words)
    seen.settle()
    assert left == seen.outcome()
    assert left.split()[0] == str(seen.page.locator("[data-row]:not([hidden])").count())
    again = look(kind_page(kind), seen.page.evaluate("location.hash"))
    assert left == again.outcome()
    again.page.locator("#filter-reset").click()
    again.settle()
    assert before == again.outcome()


def test_a_verdict_can_be_chosen(look, kind_page):
    """Entries of one verdict; what has none stays."""
    seen = look(kind_page("capacity"), "#tone=tight")
    assert seen.page.locator("article.finding:not([hidden])").count() == 1
    assert "Connection table" in seen.page.locator("article.finding:not([hidden])").inner_text()


def test_headroom_is_drawn_to_scale(look, kind_page):
    """The bar of a need ends before the mark of its limit when it fits, and beyond it when it does not."""
    seen = look(kind_page("capacity"))
    for verdict, beyond in (("breaks", True), ("tight", False), ("fits", False)):
        row = seen.page.locator(f".gauges tr[data-tone='{verdict}']").first
        right = row.locator(".headroom [class^=fill]").evaluate("each => each.getBoundingClientRect().right")
        limit = row.locator(".headroom .limit").evaluate("each => each.getBoundingClientRect().left")
        assert (right > limit) is beyond


def test_a_timeline_has_a_column_for_each_sample_that_grew(look, kind_page):
    """As tall as what was counted, and the same numbers are there to read."""
    seen = look(kind_page("diagnosis"))
    track = seen.page.locator(".tracks tbody tr").first
    series = [int(each) for each in track.locator(".vh").inner_text().split(", ")]
    heights = track.locator("rect.grown").evaluate_all("all => all.map(each => Number(each.getAttribute('height')))")
    assert len(series) == len(heights)
    assert series.index(max(series)) == heights.index(max(heights))
    assert all((height == 0) == (grown == 0) for height, grown in zip(heights, series, strict=True))


def test_what_was_read_back_is_told_beside_what_was_wanted(look, kind_page):
    """Before, wanted, and the value after all was done."""
    seen = look(kind_page("remediation"))
    rows = [row.split("\t") for row in seen.text(".changes tbody").split("\n\n")]
    text = seen.text(".changes")
    assert "rolled back" in text
    assert "persisted" in text
    assert rows
    assert seen.page.locator(".changes .wrong").count() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_phone_is_wide_enough(look, kind_page, kind):
    """At 390 pixels nothing is wider than the page."""
    seen = look(kind_page(kind), viewport=PHONE)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_a_host_says_is_markup(look, kind_page, kind):
    """Hostile text in every field: none of it is an element, runs, or turns the text round."""
    seen = look(kind_page(kind, EVIL))
    seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert seen.page.evaluate("window.pwned") is None
    assert 0 == seen.page.locator("img, iframe, [onerror]").count()
    assert 2 == seen.page.locator("script").count()
    text = kind_page(kind, EVIL).read_text()
    assert "&lt;img src=x onerror=window.pwned=1&gt;" in text
    assert not set("\u202e\x1b") & set(text)
    assert ">49" not in text
    assert [] == seen.alerts
