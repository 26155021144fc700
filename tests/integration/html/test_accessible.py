"""axe-core finds nothing to say against any page, in either theme."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

PHONE = {"width": 390, "height": 844}
OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}

FAINT_IN_THE_DARK = """<!doctype html><html lang=en><title>x</title><meta name=color-scheme content='light dark'>
<main><h1 style='color: light-dark(#000, #444); background: light-dark(#fff, #333)'>some words</h1></main>"""


def violations(page, **options) -> list[str]:
    """What axe-core objects to, a line each."""
    found = Axe().run(page, options={**OPTIONS, **options}).response["violations"]
    return [
        f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for each in found
        for node in each["nodes"][:3]
    ]


def in_both_themes(page) -> list[str]:
    """All rules in the theme that the page opened in, and what colours matter to in the other."""
    found = violations(page)
    page.emulate_media(color_scheme="dark")
    return found + violations(page, runOnly=["color-contrast", "link-in-text-block"])


@pytest.mark.parametrize(("hosts", "address"), [(12, "#group=web"), (2000, "")])
def test_an_audit(look, page_of, hosts, address):
    """The page as it opens, and with a filter."""
    assert [] == in_both_themes(look(page_of(hosts), address).page)


def test_a_host_in_its_dialog(look, page_of):
    """The dialog of several hosts, with all that it unfolds."""
    seen = look(page_of(12), "#check=sysctl.persisted")
    seen.page.get_by_role("button", name="web[1,7]").click()
    seen.page.locator("dialog summary").click()
    assert [] == in_both_themes(seen.page)


@pytest.mark.parametrize("kind", ["capacity", "diagnosis", "remediation", "drift"])
def test_the_other_pages(look, kind_page, kind):
    """Unfolded, so that everything is looked at."""
    seen = look(kind_page(kind))
    seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert [] == in_both_themes(seen.page)


def test_on_a_phone(look, page_of):
    """Targets and contrast at phone width."""
    assert [] == violations(look(page_of(12), viewport=PHONE).page)


@pytest.mark.parametrize("kind", ["capacity", "diagnosis", "remediation", "drift"])
def test_the_other_pages_on_a_phone(look, kind_page, kind):
    """Rows that stand as lines are still rows of a table."""
    assert [] == violations(look(kind_page(kind), viewport=PHONE).page)


def test_axe_would_notice(look, tmp_path):
    """A page with faults has violations, and one whose dark theme is faint is caught there."""
    page = tmp_path / "bad.html"
    page.write_text("<title>x</title><p style='color:#ccc;background:#fff'>faint</p><input>")
    assert violations(look(page).page)
    page.write_text(FAINT_IN_THE_DARK)
    assert in_both_themes(look(page).page)
    assert [] == violations(look(page).page)
