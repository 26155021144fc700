"""The pages of capacity, diagnosis, remediation and drift: they say what matters, filter, print, and fit a phone."""

from __future__ import annotations

import re

import pytest

PHONE = {"width": 390, "height": 844}
UNNAMED = {"Verdict", "Resource", "Headroom", "Outcome", "What", "Change", "Finding", "Setting", "Reason"}
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
        ("diagnosis", "ListenOverflows", "4 of 30 entries"),
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
    columns = columns_of(track)
    assert len(columns) == sum(grown > 0 for grown in series)
    tallest = max(columns, key=columns.get)
    assert series.index(max(series)) == round(tallest / 300 * len(series))


def columns_of(track) -> dict[float, float]:
    """Where each column of a drawn counter begins, and how tall it is."""
    path = track.locator("path.grown").get_attribute("d")
    return {float(x): float(tall) for x, tall in re.findall(r"M(\S+) 40v-([0-9.e+]+)h", path)}


def test_what_was_traced_stands_with_its_place_and_its_meaning(look, kind_page):
    """Loss before what is freed in the ordinary course of things, and a link to the cause that it speaks for."""
    seen = look(kind_page("diagnosis"))
    first, second = (row.inner_text() for row in seen.page.locator("#trace .drops tbody tr").all())
    for word in (
        "160",
        "SOCKET_RCVBUFF the receive buffer of the socket is full",
        "udp_queue_rcv_one_skb 120",
        "web[1,3]",
    ):
        assert word in first
    assert "in the ordinary course of things" in second
    assert "on the whole machine" in second
    assert "tracing needs root" in seen.text("#trace")
    seen.page.get_by_role("link", name="An accept queue overflows").nth(1).click()
    assert seen.page.evaluate("document.activeElement.id").startswith("cause-0-")


def test_log_lines_stand_beside_what_grew_in_the_same_second(look, kind_page):
    """In the row of their second, and as a mark below the columns of the same second."""
    seen = look(kind_page("diagnosis"))
    card = seen.page.locator("#timeline article").first
    row = card.locator(".moments tbody tr", has_text="ERROR upstream timed out").inner_text()
    assert row.startswith("11:06:47")
    assert "TcpExt.ListenOverflows +7" in row
    marks = re.findall(r"M(\S+) 8v", card.locator("path.logged").get_attribute("d"))
    columns = columns_of(card.locator(".tracks tbody tr").first)
    assert len(marks) == 1
    assert any(x < float(marks[0]) < x + 15 for x in columns)
    assert "the log was replaced" in card.inner_text()


def test_captured_headers_are_summed_up(look, kind_page):
    """How many of which kind, what they say, and every one on demand."""
    seen = look(kind_page("diagnosis"))
    text = seen.text("#headers")
    for word in ("there is no tcpdump", "None came on 1 web3", "2 SYN", "1 of 1 SYNs repeated"):
        assert word in text
    seen.page.locator("#headers summary").first.click()
    assert "198.18.0.9 port 40312" in seen.text("#headers")
    assert "tcp_v4_rcv" in seen.text("#probes")


def test_what_was_read_back_is_told_beside_what_was_wanted(look, kind_page):
    """Before, wanted, and the value after all was done."""
    seen = look(kind_page("remediation"))
    found = {}
    for row in seen.page.locator(".changes tbody tr").all():
        outcome, _, *values, hosts = row.locator("td").all_inner_texts()
        found[outcome] = (*values, hosts)
    assert ("128", "4096", "128", "3 web[6,11-12]") == found["rolled back"]
    assert ("128", "4096", "4096", "5 web[1-5]") == found["persisted"]
    assert ("128", "4096", "–", "1 web7") == found["refused"]
    assert seen.page.locator(".changes .wrong").count() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_phone_is_wide_enough(look, kind_page, kind):
    """At 390 pixels nothing is wider than the page."""
    seen = look(kind_page(kind), viewport=PHONE)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("kind", KINDS)
def test_a_phone_says_what_each_value_is(look, kind_page, kind):
    """Where a row stands as lines its values have their names, those that the columns have on a wide screen."""
    path = kind_page(kind)
    wide, phone = look(path), look(path, viewport=PHONE)
    tables, stacks = (seen.page.locator("table.stacked:has([data-label])").all() for seen in (wide, phone))
    assert tables
    for table, stack in zip(tables, stacks, strict=True):
        heads = table.locator("thead th").all_inner_texts()
        for head, cell in zip(heads, stack.locator("tbody tr").first.locator("td").all(), strict=True):
            label = cell.evaluate("each => getComputedStyle(each, '::before').content")
            assert label == ("none" if head in UNNAMED else f'"{head} "')


@pytest.mark.parametrize("kind", KINDS)
def test_it_prints(look, kind_page, kind):
    """On paper: dark letters on white whatever the theme was, no controls, everything unfolded."""
    seen = look(kind_page(kind), scheme="dark")
    folded = seen.page.locator("details:not([open])")
    seen.page.emulate_media(media="print", color_scheme="dark")
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert seen.page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 29, 33)"
    assert seen.page.locator("#filter .fields").is_hidden()
    assert 0 == folded.count()
    assert seen.page.pdf(format="A4").count(b"/Type /Page\n") >= 1


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
