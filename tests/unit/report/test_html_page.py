"""The shell of every HTML report: its policy fits its own parts, and its parts ask for nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

import netaudit.report.html
from netaudit.model.context import CheckContext, RunContext
from netaudit.model.result import (
    HostReport,
    HostStatus,
    Result,
    RunInfo,
    Severity,
    Summary,
    Verdict,
)
from netaudit.report.formats import renderer
from netaudit.report.html import AuditPage, audit_html
from netaudit.report.html.page import environment, inline, slug

TEMPLATES = Path(netaudit.report.html.__file__).parent / "templates"
RUN = RunInfo("20261120-150000-3f2a", "audit", datetime(2026, 11, 20, 15, tzinfo=UTC), "0.1.0")


def fails(check: str = "a.b", severity: Severity = Severity.HIGH, **texts: object) -> Result:
    """A failing result."""
    return Result(check, f"Title of {check}", "ip", Verdict.FAIL, severity, 1, ">= 2", None, **texts)  # type: ignore[arg-type]


def host(name: str, *results: Result) -> HostReport:
    """A host that answered."""
    return HostReport(name, name, HostStatus.OK, None, 0.1, results)


def page(*hosts: HostReport, context: RunContext | None = None) -> str:
    """The whole page of these hosts."""
    summary = Summary(hosts=len(hosts), ok=len(hosts))
    return "".join(audit_html(RUN, summary, hosts, (), context or RunContext()))


def test_the_policy_names_just_the_style_and_the_scripts_of_the_page():
    """Each hash is that of a part that is there, and every part has its hash."""
    text = page(host("a", fails()))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1].replace("&#39;", "'")
    parts = re.findall(r"<(?:style|script)>(.*?)</(?:style|script)>", text, re.DOTALL)
    hashes = {base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in parts}
    assert hashes == set(re.findall(r"sha256-([^']+)'", policy.replace("&#43;", "+").replace("&#x2b;", "+")))
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy


@pytest.mark.parametrize("path", sorted(TEMPLATES.iterdir()), ids=lambda path: path.name)
def test_no_template_asks_for_anything_or_goes_round_the_policy(path):
    """No address, no style attribute, no handler, no ``safe`` filter, no text that becomes markup or code."""
    text = path.read_text()
    forbidden = (
        r"https?:|//cdn|style=\"|\son[a-z]+=\"|\|\s*safe|autoescape|innerHTML|outerHTML|insertAdj|eval\(|@import|url\("
    )
    assert [] == re.findall(forbidden, text)


def test_colours_are_said_in_a_way_that_browsers_of_before_2024_know():
    """Custom properties by preference and by choice, the dark ones equal in both, each a pair with a light one."""
    text = inline("page.css").text
    assert [] == re.findall(r"light-dark\(|color-mix\(|oklch\(|@container|@layer|@scope", text)
    light, *dark = (
        dict(re.findall(r"(--[a-z-]+): (#\w+);", block)) for block in re.findall(r":root[^{]*{[^}]*}", text)
    )
    preferred, chosen = dark[:2]
    assert preferred == chosen
    assert light.keys() == preferred.keys()
    assert light.keys() == set(re.findall(r"var\((--[a-z-]+)\)", text)) - {"--sans", "--mono", "--row"}


def test_nothing_of_a_page_is_remote():
    """No address but of the page's own parts."""
    text = page(host("a", fails(fix="see https://example.net/", evidence="<a href='http://x'>")))
    assert [] == re.findall(r"<(?:img|link|iframe|object|embed|base)\b", text)
    assert [] == [each for each in re.findall(r'(?:href|src)="([^"]*)"', text) if not each.startswith("#")]


def test_the_headline_counts_hosts_and_leaves_remarks_aside():
    """What is only worth knowing makes no host bad."""
    text = page(host("a", fails()), host("b", fails("c.d", Severity.INFO)), host("c"))
    assert "1 of 3 hosts needs attention" in text
    assert "1 remark worth knowing, and no fault." in text
    assert "All 2 hosts are in order" in page(host("b", fails("c.d", Severity.INFO)), host("c"))


def test_what_to_do_first_is_the_worst():
    """By severity, and then by the number of hosts; the advice is the check's own."""
    text = page(host("a", fails("a.b", Severity.LOW, fix="later"), fails("c.d", Severity.CRITICAL, fix="at once")))
    assert text.index("at once") < text.index("later")


def test_groups_come_from_the_host_or_from_the_run():
    """A stored run knows the groups of its hosts apart from them."""
    text = page(host("a", fails()), context=RunContext(groups={"a": ("front", "all")}))
    assert "<option>front</option>" in text
    assert "<option>all</option>" not in text


def test_a_section_explains_its_check():
    """Why, how the value comes about, what it does not say, where that is known from."""
    check = CheckContext(
        "", why="because\nof it", derived="so", caveats=("not this",), sources=("man: tcp(7)",), risk="safe"
    )
    text = page(host("a", fails(fix="do it")), context=RunContext({"a.b": check}))
    for said in ("because of it", "so", "not this", "man: tcp(7)", "Risk: safe"):
        assert said in text


def test_hosts_keep_their_places_whenever_they_come():
    """Observers hear of hosts as they finish; the page has them in inventory order."""
    made = AuditPage()
    made.add(host("b", fails()), 1)
    made.add(host("a", fails()), 0)
    text = "".join(made.pieces(RUN, Summary(hosts=2, ok=2), ()))
    assert text.index('["a",') < text.index('["b",')


def test_it_is_a_format_like_the_others():
    """``-o html`` finds it by name."""
    assert renderer("html") is audit_html


def test_a_name_becomes_an_id():
    """Letters, digits, dots, dashes and underscores; anything else is an underscore."""
    assert slug("tcp.accept_queue") == "tcp.accept_queue"
    assert slug('a b"<é') == "a_b___"


def test_every_text_is_made_printable_and_escaped():
    """At one border, for whatever template."""
    template = environment().from_string('<p title="{{ text }}">{{ text }}</p>')
    assert (
        template.render(text='\x1b<b>\u202e"') == '<p title="\\x1b&lt;b&gt;\\u202e&#34;">\\x1b&lt;b&gt;\\u202e&#34;</p>'
    )
