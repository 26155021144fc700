"""axe-core finds nothing to say against any page, in either theme."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

PHONE = {"width": 390, "height": 844}
OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}


def violations(page) -> list[str]:
    """What axe-core objects to, a line each."""
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [
        f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for each in found
        for node in each["nodes"][:3]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("hosts", "address"), [(12, "#group=web"), (2000, "")])
def test_an_audit_in_both_themes(look, page_of, scheme, hosts, address):
    """The page as it opens, and with a filter."""
    seen = look(page_of(hosts), address, scheme=scheme)
    assert [] == violations(seen.page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_host_in_its_dialog(look, page_of, scheme):
    """The dialog of several hosts, with all that it unfolds."""
    seen = look(page_of(12), scheme=scheme)
    seen.page.get_by_role("button", name="web[1,7]").click()
    seen.page.locator("dialog summary").click()
    assert [] == violations(seen.page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["capacity", "diagnosis", "remediation", "drift"])
def test_the_other_pages_in_both_themes(look, kind_page, kind, scheme):
    """Unfolded, so that everything is looked at."""
    seen = look(kind_page(kind), scheme=scheme)
    seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert [] == violations(seen.page)


def test_on_a_phone(look, page_of):
    """Targets and contrast at phone width."""
    assert [] == violations(look(page_of(12), viewport=PHONE).page)


def test_axe_would_notice(look, tmp_path):
    """A page with faults has violations."""
    page = tmp_path / "bad.html"
    page.write_text("<title>x</title><p style='color:#ccc;background:#fff'>faint</p><input>")
    assert violations(look(page).page)
