"""The page of an audit, as somebody uses it: with a pointer, with keys alone, on paper and on a phone."""

from __future__ import annotations

import re

import pytest

from netaudit.fleet.names import fold
from netaudit.model.natural import natural_key

PHONE = {"width": 390, "height": 844}
ROWS = "#matrix-table tbody tr:not(.space)"


@pytest.mark.parametrize(("hosts", "headline"), [(1, "This host needs attention"), (12, "9 of 12"), (2000, "of 2,000")])
def test_it_opens_and_says_how_bad_it_is(look, page_of, hosts, headline):
    """The first heading is the answer, and what to do first stands below it."""
    seen = look(page_of(hosts))
    assert headline in seen.text("h1")
    assert 1 == seen.page.locator("h1").count()
    assert "net.core.somaxconn" in seen.text(".first")
    assert "netaudit audit" in seen.page.title()


def test_everything_is_there_without_a_script(look, page_of):
    """Findings, evidence and hosts without verdict are markup: only the matrix and the filter need the script."""
    seen = look(page_of(12), java_script_enabled=False)
    assert seen.page.locator("article.finding").count() == 6
    assert "/proc/sys/net/core/somaxconn = 128" in seen.text("#details")
    assert "connection refused" in seen.text("#silent")
    assert seen.page.locator("#filter").is_hidden()
    assert "switched off" in seen.text("#matrix")


FILTERS = [
    ({"severity": ["critical"]}, "7 of 12 hosts, 1 of 6 findings"),
    ({"severity": ["critical", "low"]}, "8 of 12 hosts, 2 of 6 findings"),
    ({"status": ["silent"]}, "1 of 12 hosts, 0 of 6 findings"),
    ({"status": ["waived"]}, "2 of 12 hosts, 0 of 6 findings"),
    ({"group": "db"}, "2 of 12 hosts, 1 of 6 findings"),
    ({"host": "web[1-3], db*"}, "5 of 12 hosts, 4 of 6 findings"),
    ({"check": "nic.ring.rx"}, "2 of 12 hosts, 1 of 6 findings"),
    ({"q": "nginx 0.0.0.0:80"}, "3 of 12 hosts, 1 of 6 findings"),
    ({"q": "refused"}, "1 of 12 hosts, 0 of 6 findings"),
    ({"q": "no such thing"}, "0 of 12 hosts, 0 of 6 findings"),
]


def choose(page, wanted):
    """Set fields of the filter as a person does."""
    for name, value in wanted.items():
        if name == "group" or name == "check":
            page.locator(f"select[name={name}]").select_option(value)
        elif isinstance(value, list):
            for each in value:
                page.locator(f"input[name={name}][value={each}]").check()
        else:
            page.locator(f"input[name={name}]").fill(value)


def test_a_filter_says_what_it_leaves_and_survives_in_the_address(look, page_of):
    """The count is right, the address holds the filter, and opening that address shows the same."""
    seen, again = look(page_of(12)), look(page_of(12))
    everything = "12 hosts, 6 findings"
    for wanted, left in FILTERS:
        assert seen.outcome() == everything
        choose(seen.page, wanted)
        seen.settle()
        assert seen.outcome() == left
        kept = seen.page.evaluate("location.hash")
        assert all(f"{name}=" in kept for name in wanted)
        again.page.goto("about:blank")
        again.page.goto(page_of(12).as_uri() + kept)
        assert again.outcome() == left
        seen.page.locator("#filter-reset").click()
        assert seen.page.evaluate("location.hash") == ""
    assert seen.outcome() == everything


def test_what_the_filter_leaves_is_what_is_shown(look, page_of):
    """Rows, columns, findings and hosts without verdict follow the filter."""
    seen = look(page_of(12), "#severity=high")
    columns = seen.page.locator("#matrix-table thead th.check").all_inner_texts()
    assert columns == ["tcp.accept_queue.somaxconn", "tcp.listener.backlog_in_force", "path.mtu.segment"]
    shown = [each for each in seen.page.locator("article.finding").all() if each.is_visible()]
    assert {"path.mtu.segment", "tcp.accept_queue.somaxconn", "tcp.listener.backlog_in_force"} == {
        each.get_attribute("data-check") for each in shown
    }
    assert seen.page.locator(".trouble").first.is_hidden()
    assert "1 of 8" in seen.page.locator("tr[data-check='tcp.accept_queue.somaxconn'] .count").inner_text()
    assert "web9" in seen.page.locator("#check-tcp\\.accept_queue\\.somaxconn .matching").inner_text()


def test_the_count_is_announced(look, page_of):
    """What a filter leaves is a live region; the form is a search, and every field has a name."""
    seen = look(page_of(12))
    assert "polite" == seen.page.locator("#outcome").get_attribute("aria-live")
    assert seen.page.get_by_role("search", name="Filter the report").is_visible()
    assert seen.page.get_by_role("searchbox", name="Search").is_visible()
    assert seen.page.get_by_role("checkbox", name="critical").count() == 1


def test_all_of_it_works_from_the_keyboard(look, page_of):
    """A slash goes to the search, keys tick boxes and open a host, Escape goes back."""
    seen = look(page_of(12))
    keys = seen.page.keyboard
    keys.press("/")
    keys.type("somaxconn")
    seen.settle()
    assert "1 of 6 findings" in seen.outcome() or "2 of 6 findings" in seen.outcome()
    keys.press("Escape")
    seen.settle()
    assert seen.outcome() == "12 hosts, 6 findings"
    seen.page.locator("input[name=severity][value=critical]").focus()
    keys.press("Space")
    seen.settle()
    assert "1 of 6 findings" in seen.outcome()
    seen.page.locator(f"{ROWS} button").first.focus()
    keys.press("Enter")
    assert seen.page.locator("dialog").is_visible()
    assert seen.page.evaluate("document.activeElement.closest('dialog') !== null")
    keys.press("Escape")
    assert seen.page.locator("dialog").is_hidden()
    assert seen.page.evaluate("document.activeElement.closest('#matrix-table') !== null")


def test_a_host_tells_everything_of_itself(look, page_of):
    """The dialog of hosts with the same verdicts shows one of them, and the others when asked."""
    seen = look(page_of(12), "#check=sysctl.persisted")
    seen.page.get_by_role("button", name="web[1,7]").click()
    told = seen.text("dialog")
    assert "2 hosts with the same verdicts" in told
    assert "198.18.0.1" in told
    assert "expected ≥ 4096 connections" in told
    assert "/etc/sysctl.d/99-tuning.conf:3: net.core.somaxconn = 1024" in told
    seen.page.get_by_role("button", name="web7", exact=True).click()
    assert "198.18.0.7" in seen.text("dialog")
    seen.page.get_by_role("button", name="Why, and the rest of the fleet").first.click()
    assert seen.page.locator("dialog").is_hidden()
    assert "at=check-tcp.accept_queue.somaxconn" in seen.page.evaluate("location.hash")


def test_a_host_without_verdict_says_why(look, page_of):
    """Kind, message and hint of what kept it from one."""
    seen = look(page_of(12))
    seen.page.get_by_role("button", name="db01").click()
    assert "is sshd running" in seen.text("dialog")


def test_a_cell_opens_its_host_at_its_check(look, page_of):
    """Also one that passed, which is otherwise only counted."""
    seen = look(page_of(12), "#all=yes&fold=no")
    seen.page.locator("td[title^='ip.setting_03: passed']").first.click()
    assert "ip.setting_03" in seen.text("dialog .here")


def test_a_link_goes_to_its_finding_and_keeps_the_filter(look, page_of):
    """The address names both."""
    seen = look(page_of(12), "#group=web")
    seen.page.locator(".first a").first.click()
    kept = seen.page.evaluate("location.hash")
    assert "group=web" in kept
    assert "at=check-tcp.accept_queue.somaxconn" in kept
    assert seen.page.evaluate("document.activeElement.id") == "check-tcp.accept_queue.somaxconn"
    again = look(page_of(12), kept)
    assert again.page.evaluate("document.activeElement.id") == "check-tcp.accept_queue.somaxconn"
    plain = look(page_of(12), "#check-nic.ring.rx")
    assert plain.page.evaluate("document.activeElement.id") == "check-nic.ring.rx"


def test_two_thousand_hosts_are_few_rows_and_few_elements(look, page_of):
    """Hosts with the same verdicts share a row; unfolded, only the rows in sight are in the document."""
    seen = look(page_of(2000))
    assert re.match(r"2,000 hosts in [0-9]{2} rows", seen.text("#matrix-about"))
    seen.page.locator("#fold").uncheck()
    seen.settle()
    assert "2,000 hosts in 2,000 rows" in seen.text("#matrix-about")
    assert seen.page.locator(ROWS).count() < 80
    assert "2001" == seen.page.locator("#matrix-table").get_attribute("aria-rowcount")
    seen.page.evaluate("document.getElementById('matrix-scroll').scrollTop = 1e9")
    seen.settle()
    assert "2001" == seen.page.locator(ROWS).last.get_attribute("aria-rowindex")
    assert seen.page.locator(ROWS).count() < 80


def test_rows_in_sight_are_where_their_numbers_say(look, page_of):
    """Rows are as tall as the script reckons, so that scrolling neither jumps nor skips."""
    seen = look(page_of(2000), "#fold=no")
    heights = seen.page.locator(ROWS).evaluate_all("rows => rows.map(row => row.getBoundingClientRect().height)")
    assert set(heights) == {28}


def test_names_are_folded_as_everywhere_else(look, page_of):
    """The script folds as the terminal does."""
    lists = [
        ["web1", "web2", "web3", "db01", "db02", "db10"],
        ["10.0.0.5", "10.0.0.6", "10.0.1.7"],
        ["a1b1", "a1b2", "a2b1", "a2b2", "a3b3"],
        ["web9", "web10", "web010", "web007", "web08"],
        ["node", "fe80::1", "x y", 'q"uote', "com,ma", ""],
        ["r1-2-3.fra", "r1-2-4.fra", "r1-3-3.fra", "r2-2-3.ams"],
        [f"ip-10-{a}-{b}-{a * b % 7}" for a in range(5) for b in range(9)],
        ["1234567890123456", "1234567890123457", "é1", "é2"],
    ]
    seen = look(page_of(1))
    for names in lists:
        assert seen.page.evaluate("names => netaudit.fold(names)", names) == fold(names)
        ordered = seen.page.evaluate("names => [...names].sort(netaudit.compareNames)", names)
        assert ordered == sorted(names, key=natural_key)


def test_the_colours_can_be_chosen(look, page_of):
    """As the system says, or light, or dark; the choice is kept."""
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = look(page_of(1), fresh=True), look(page_of(1), scheme="dark", fresh=True)
    assert light.page.evaluate(ground) != dark.page.evaluate(ground)
    light.page.get_by_role("button", name="Dark").click()
    assert light.page.evaluate(ground) == dark.page.evaluate(ground)
    assert "true" == light.page.get_by_role("button", name="Dark").get_attribute("aria-pressed")
    light.page.reload()
    assert light.page.evaluate(ground) == dark.page.evaluate(ground)
    light.page.get_by_role("button", name="Auto").click()
    assert light.page.evaluate(ground) != dark.page.evaluate(ground)


def test_it_prints(look, page_of):
    """On paper: dark letters on white, no controls, all rows, everything unfolded, and several pages of it."""
    seen = look(page_of(2000), "#severity=critical", scheme="dark")
    seen.page.emulate_media(media="print")
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert "rgb(255, 255, 255)" == seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert seen.page.locator("select[name=check]").is_hidden()
    assert seen.page.locator(".theme").is_hidden()
    assert seen.page.locator("#outcome").is_visible()
    assert 0 == seen.page.locator("details:not([open])").count()
    box = seen.page.locator("#matrix-scroll").evaluate("each => [each.scrollHeight, each.clientHeight]")
    assert box[0] == box[1]
    assert seen.page.pdf(format="A4").count(b"/Type /Page\n") + 1 > 2
    assert seen.page.locator("details:not([open])").count() > 0


@pytest.mark.parametrize("hosts", [1, 12, 2000])
def test_a_phone_is_wide_enough(look, page_of, hosts):
    """At 390 pixels only the matrix scrolls sideways, in a field of its own."""
    seen = look(page_of(hosts), "#all=yes", viewport=PHONE)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390
    wider = seen.page.evaluate(
        "[...document.querySelectorAll('main *')].filter(each => !each.closest('.matrix-scroll, svg, .vh, dialog')"
        " && each.getBoundingClientRect().right > 391).map(each => each.outerHTML.slice(0, 90))"
    )
    assert [] == wider
    seen.page.locator(f"{ROWS} button").first.click()
    assert seen.page.locator("dialog").bounding_box()["width"] <= 390
