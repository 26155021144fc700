"""The HTML page of 2,000 hosts x 100 checks: its size, its cost, and how soon Chromium shows and filters it.

Usage: html_page.py HOSTS [PATH]      judges made-up hosts; with a path it writes their page there
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import measure
from captures import fleet
from figures import Figure
from judge import CHECKS, question

from netaudit.assets.catalogue import load_ruleset
from netaudit.facts.snapshot import facts_of
from netaudit.fleet.tally import Tally
from netaudit.model.context import CheckContext, RunContext
from netaudit.model.result import BaselineRef, HostReport, HostStatus, RunInfo
from netaudit.report.html import AuditPage

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTS = 2_000
RUNS = 5
_NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
_RUN = RunInfo("20261120-150000-3f2a", "audit", _NOW, "0", BaselineRef("hundred", "0" * 64))
_TRIVIAL = "<!doctype html><html lang=en><meta charset=utf-8><title>x</title><p>x</p>"
_READY = "() => document.documentElement.dataset.ready === 'yes'"
_FILTER = """async value => {
  const field = document.querySelector('input[name=q]');
  const start = performance.now();
  field.value = value;
  field.dispatchEvent(new Event('input', {bubbles: true}));
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
  return (performance.now() - start) / 1000;
}"""


def reports(hosts: int) -> Iterator[HostReport]:
    """Made-up hosts as an audit with a hundred checks judges them, in three groups."""
    asked = question()
    for number, capture in enumerate(fleet(hosts)):
        results = asked.judge(facts_of(capture, asked.domains), _NOW)
        name = f"{('web', 'db', 'nat')[number % 3]}{number + 1:05}"
        yield HostReport(name, capture.address, HostStatus.OK, None, 0.4, results, groups=(name[:2], "prod"))


def unlike(report: HostReport) -> HostReport:
    """The same host with texts of its own in every result: nothing can be told once for all."""
    name = report.name
    own = tuple(
        replace(each, evidence=f"{name}: {each.evidence}", reason=f"{name} {each.reason}", observed=name)
        for each in report.results
    )
    return replace(report, results=own)


def write(path: Path, hosts: Iterator[HostReport]) -> None:
    """Write the page of these hosts."""
    checks = load_ruleset(Path(__file__).with_name("hundred.yaml")).rules.checks
    context = RunContext({check.id: CheckContext(check.title, why=check.why) for check in checks})
    page, tally = AuditPage(context), Tally()
    for report in hosts:
        tally.add(report)
        page.add(report)
    with path.open("w") as stream:
        stream.writelines(page.pieces(_RUN, tally.summary(), ()))


def figures(scratch: Path, *, quick: bool) -> list[Figure]:
    """Size, cost of writing, and times in the browser beside those of a trivial page."""
    hosts = HOSTS // 10 if quick else HOSTS
    path, worst = scratch / "fleet.html", scratch / "worst.html"
    me = [sys.executable, str(Path(__file__)), str(hosts)]
    judged, written = measure.run(me), measure.run([*me, str(path)])
    write(worst, map(unlike, reports(hosts)))
    what = f"{hosts:,} hosts x {CHECKS} checks"
    made = [
        Figure(f"HTML page of {what}", path.stat().st_size / 1e6, "MB", 8),
        Figure("  with texts that differ on every host", worst.stat().st_size / 1e6, "MB", 8),
        Figure("  CPU to write it, a host", max(0.0, written.cpu_s - judged.cpu_s) / hosts * 1000, "ms"),
        Figure("  memory to write it", max(0, written.peak_bytes - judged.peak_bytes) / 2**20, "MiB"),
    ]
    program = shutil.which("chromium")
    if program is None:
        print("html: the browser's part is left out, needs chromium", file=sys.stderr)
        return made
    return made + _in_browser(program, scratch, path, worst, runs=2 if quick else RUNS)


def _in_browser(program: str, scratch: Path, path: Path, worst: Path, *, runs: int) -> list[Figure]:
    from playwright.sync_api import sync_playwright

    trivial = scratch / "trivial.html"
    trivial.write_text(_TRIVIAL)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        _opened(page, path)
        pairs = [(_opened(page, trivial), _opened(page, path)) for _ in range(runs)]
        heavy = statistics.median(_opened(page, worst) for _ in range(runs))
        slow = statistics.median(page.evaluate(_FILTER, word) for word in ("somaxconn 4096", "web00017", ""))
        _opened(page, path)
        filtering = [page.evaluate(_FILTER, word) for word in ("somaxconn 4096", "web00017", "") for _ in range(runs)]
        browser.close()
    base, ours = statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)
    return [
        Figure("HTML page opens", ours, "s", 1),
        Figure("  of a trivial page in the same browser", statistics.median(b / a for a, b in pairs), "×"),
        Figure("  that page opens", base, "s"),
        Figure("  with texts that differ on every host", heavy, "s", 1),
        Figure("HTML page filters", statistics.median(filtering), "s", 1),
        Figure("  of opening a trivial page", statistics.median(filtering) / base, "×"),
        Figure("  with texts that differ on every host", slow, "s", 1),
    ]


def _opened(page: Page, path: Path) -> float:
    """Seconds until a page is there and has drawn its matrix, by the browser's own clock."""
    page.goto("about:blank")
    page.goto(path.as_uri())
    if page.locator("#matrix-data").count():
        page.wait_for_function(_READY)
    return float(
        page.evaluate(
            "async () => { await new Promise(done => requestAnimationFrame(() => setTimeout(done)));"
            " const [entry] = performance.getEntriesByType('navigation');"
            " const painted = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0;"
            " return Math.max(entry.loadEventEnd, painted) / 1000; }"
        )
    )


if __name__ == "__main__":
    count = int(sys.argv[1])
    if len(sys.argv) > 2:
        write(Path(sys.argv[2]), reports(count))
    else:
        for _ in reports(count):
            pass
