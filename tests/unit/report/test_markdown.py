"""A comment is read by GitHub and GitLab: it says what matters, fits, and holds no markup of hosts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from netaudit.fleet.tally import Tally
from netaudit.model.context import NO_CONTEXT, CheckContext, RunContext
from netaudit.model.result import HostReport, HostStatus, RunInfo
from netaudit.report.markdown import MOST_CHARS, markdown
from netaudit.report.markdown_text import cell, code, in_html, prose

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</summary></details><h1>owned</h1>",
    "[click](javascript:alert(1)) ![x](https://evil.example/x.png)",
    "@everyone please merge !12 and close #34, see GH-56 ~label %milestone &epic",
    "https://evil.example www.evil.example mailto:a@b.example ftp://x",
    "`code` ``more`` | cell | **bold** _it_ ~~no~~ :tada: $x^2$",
    "\x1b[31m\u202e\n\n# heading\n- list\n> quote\n    code\n```\nfence",
    "1. list 2) list + - * = #",
    "`", "``", " ` ", "\\", "|", "<!--", "-->", "&lt;b&gt; &#60;b&#62;",
)  # fmt: skip
GITHUB = MarkdownIt("gfm-like", {"html": True})


def _written(run: RunInfo, hosts: Iterable[HostReport], fleet=(), context: RunContext = NO_CONTEXT) -> str:
    hosts = list(hosts)
    tally = Tally()
    for report in hosts:
        tally.add(report)
    return "".join(markdown(run, tally.summary(fleet), hosts, fleet, context))


def _evil(made_up: ModuleType, evil: str) -> list[HostReport]:
    found = replace(
        made_up.ring(1), title=evil, observed=evil, expected=evil, evidence=evil, reason=evil, fix=evil, unit=evil
    )
    waived = replace(made_up.waived(), reason=evil)
    unknown = replace(made_up.unknown(1), reason=evil)
    error = replace(made_up.silent("db", 1).error, message=evil, hint=evil)
    results = (found, made_up.backlog((evil, 1)), waived, unknown)
    return [
        HostReport(f"{evil}1", evil, HostStatus.OK, None, 0.1, results, (evil,)),
        HostReport(f"{evil}2", evil, HostStatus.UNREACHABLE, error, 0.1),
    ]  # fmt: skip


def test_it_says_what_is_wrong_worst_first(made_up: ModuleType) -> None:
    """Totals, hosts without verdict, then a section a finding with its hosts, values, reason and fix."""
    hosts = list(made_up.fleet_of(12, checks=5))
    context = RunContext({"tcp.accept_queue.somaxconn": CheckContext("", why="Because it is capped.")})
    text = _written(made_up.RUN, hosts, (made_up.mtu_finding(12),), context)
    html = GITHUB.render(text)
    assert html.index("CRITICAL") < html.index("HIGH") < html.index("MEDIUM")
    for said in (
        "web[1-3,5,7,10-11]",
        "Because it is capped.",
        "without verdict",
        "4096 connections",
        "2 findings waived",
    ):
        assert said in html, said
    assert html.count("<details") == html.count("</details>") == text.count("<details")
    assert html.count("<table>") == len(re.findall(r"^\|---", text, re.MULTILINE))


@pytest.mark.parametrize("evil", HOSTILE)
def test_nothing_that_a_host_says_becomes_markup(made_up: ModuleType, evil: str) -> None:
    """No tag, link, picture, heading or list of its own; names of people are not called."""
    tags = re.compile(r"<[a-z]+[0-9]?")
    plain = GITHUB.render(_written(made_up.RUN, _evil(made_up, "harmless")))
    html = GITHUB.render(_written(made_up.RUN, _evil(made_up, evil)))
    assert set(tags.findall(html)) <= set(tags.findall(plain)) | {"<code", "<a"} - {"<a"}
    outside = re.sub(r"<code>.*?</code>", "", html, flags=re.DOTALL)
    assert not re.search(r"(?<![\w/])[@#!](?=\w)", re.sub(r"&#?\w+;|<!?[^>]*>", " ", outside))


@given(st.text(max_size=80))
def test_prose_and_code_come_back_as_they_were(text: str) -> None:
    """What a reader sees is the text, whatever it holds; only what nobody sees is added."""
    for written, tag in ((prose(text), "p"), (code(text), "code")):
        html = GITHUB.renderInline(written)
        if tag == "code" and written:
            assert html.startswith("<code>")
            assert html.count("<code>") == 1
        assert not re.search(r"<(?!/?code>)", html), (written, html)


def test_a_line_that_begins_like_a_list_is_no_list() -> None:
    """Prose stands at the beginning of a paragraph."""
    for text in ("- a", "+ a", "1. a", "1) a", "# a", "> a", "* a", "=== a", "    a", "~~~", "--- a"):
        html = GITHUB.render(prose(text))
        assert html.startswith("<p>"), (text, html)


def test_a_cell_stays_one_cell() -> None:
    """A bar ends a cell even inside code, unless it is escaped."""
    text = f"| a | b |\n|---|---|\n| {cell(code('x | y'))} | {cell(prose('p | q'))} |\n"
    html = GITHUB.render(text)
    assert html.count("<td>") == 2
    assert "x | y" in html
    assert "p | q" in html


def test_html_is_text_inside_a_summary() -> None:
    """Neither HTML nor Markdown is read there."""
    html = GITHUB.render(
        f"<details><summary>{in_html('<b>x</b> `y` **z** [a](b) @you')}</summary>\n\nbody\n\n</details>\n"
    )
    assert "<b>" not in html
    assert "<code>" not in html
    assert "<strong>" not in html
    assert "@you" not in html


def test_a_comment_fits(made_up: ModuleType) -> None:
    """Many hosts with hundreds of findings are cut from the end, and it is told how much is missing."""
    hosts = []
    for number in range(300):
        many = tuple(
            replace(made_up.ring(number), check=f"check.{each}", title=f"Title {each} " + "x" * 200, evidence="e" * 500)
            for each in range(number % 7, 400, 7)
        )
        hosts.append(HostReport(f"web{number}", "", HostStatus.OK, None, 0.1, many))
    text = _written(made_up.RUN, hosts)
    assert len(text) <= MOST_CHARS
    assert len(text) > MOST_CHARS // 2
    assert "more sections are left out" in text
    assert GITHUB.render(text).count("<details") == text.count("</details>")


def test_a_run_without_findings_says_so(made_up: ModuleType) -> None:
    """And what must be known of it stands at the top."""
    host = replace(made_up.host("web1", 1, 2), results=(made_up.passed(1, "ip"),))
    run = replace(made_up.RUN, host_key_checking="off", interrupted=True, notes=("a *note*",))
    text = _written(run, [host])
    assert "Nothing failed." in text
    assert "Host-key checking was off" in text
    assert "interrupted" in text
    assert "a \\*note\\*" in text
