"""A headless Chromium, and pages for it to look at. Nothing here reaches beyond this machine."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from netaudit.fleet.tally import Tally
from netaudit.model.context import CheckContext, RunContext
from netaudit.model.result import FleetFinding, HostReport
from netaudit.report.html import audit_html

ROOT = Path(__file__).parents[3]
WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


def pytest_collection_modifyitems(items):
    """One browser at a time is enough for this machine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Closed after each module: while it is driven no other event loop may run in this thread."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs chromium")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        driven = playwright.chromium.launch(executable_path=program, args=arguments)
        yield driven
        driven.close()


@dataclass
class Seen:
    """A page that is open, and everything that it has complained of or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Begin to listen."""
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", self._refuse)

    def _refuse(self, dialog) -> None:
        self.alerts.append(dialog.message)
        dialog.dismiss()

    def text(self, selector: str) -> str:
        """The text of the one element."""
        return self.page.locator(selector).inner_text()

    def outcome(self) -> str:
        """What the filter says that it left."""
        return self.text("#outcome")

    def settle(self) -> None:
        """Wait until the page has drawn what was asked for."""
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


@pytest.fixture(scope="module")
def context_of(browser) -> Callable[..., BrowserContext]:
    """A window of one size and theme, made once: it takes three times as long to make as a page to open in it."""
    made: dict[str, BrowserContext] = {}

    def context(**options) -> BrowserContext:
        key = repr(sorted(options.items()))
        if key not in made:
            made[key] = browser.new_context(**options)
        return made[key]

    return context


@pytest.fixture
def look(browser, context_of) -> Iterator[Callable[..., Seen]]:
    """Opens a file: ``look(path, "#…", viewport=PHONE, scheme="dark")``. A page that complained fails its test.

    What pages store is shared by all tests of a module, but for those that ask for a window that is ``fresh``. A
    window shows one page of a test: those behind the front one would wait for ever until they may draw.
    """
    with contextlib.ExitStack() as stack:
        opened: list[Seen] = []
        taken: list[BrowserContext] = []

        def open_file(
            path: Path, address: str = "", *, viewport=WIDE, scheme="light", quiet=True, fresh=False, **options
        ) -> Seen:
            options |= {"viewport": viewport, "color_scheme": scheme}
            context = context_of(**options)
            is_own = fresh or context in taken
            if is_own:
                context = browser.new_context(**options)
            taken.append(context)
            seen = Seen(context.new_page())
            stack.callback(context.close if is_own else seen.page.close)
            seen.watch()
            seen.page.set_default_timeout(20_000)
            seen.page.goto(path.as_uri() + address)
            if quiet:
                opened.append(seen)
            return seen

        yield open_file
        for seen in opened:
            assert [] == seen.complaints
            asked = {url.partition("#")[0] for url in seen.requests}
            assert asked <= {seen.page.url.partition("#")[0]}


def module_at(path: Path) -> ModuleType:
    """A module of the tests, which are no packages to import from."""
    spec = importlib.util.spec_from_file_location(f"{path.stem}_for_pages", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def made_up() -> ModuleType:
    """The made-up fleet of the golden summaries."""
    return module_at(ROOT / "tests" / "golden" / "synthetic.py")


@pytest.fixture(scope="session")
def kind_page(tmp_path_factory) -> Callable[..., Path]:
    """The page of another kind of report: ``kind_page("capacity")``; with ``evil`` in every text of a host."""
    folder = tmp_path_factory.mktemp("kinds")
    kinds = module_at(Path(__file__).with_name("kinds.py"))
    written: dict[tuple[str, str], Path] = {}

    def page(kind: str, evil: str = "") -> Path:
        if (kind, evil) not in written:
            path = written[kind, evil] = folder / f"{kind}{len(written)}.html"
            with path.open("w") as stream:
                stream.writelines(kinds.PAGES[kind](evil))
        return written[kind, evil]

    return page


def with_groups(report: HostReport) -> HostReport:
    """Servers of two groups, and every host of odd length in a third."""
    groups = ("db",) if report.name.startswith("db") else ("web",)
    return replace(report, groups=(*groups, "prod") if len(report.name) % 2 else groups)


@pytest.fixture(scope="session")
def write_audit(tmp_path_factory, made_up) -> Callable[..., Path]:
    """Writes the page of some hosts: ``write_audit(reports, fleet=(), context=…)``."""
    folder = tmp_path_factory.mktemp("pages")
    numbers = iter(range(1000))
    usual = RunContext(
        {check: CheckContext("", why=why, derived="it is so") for check, why in made_up.WHY.items()},
    )

    def write(reports: Sequence[HostReport], fleet: Sequence[FleetFinding] = (), *, run=None, context=usual) -> Path:
        tally = Tally()
        for report in reports:
            tally.add(report)
        path = folder / f"page{next(numbers)}.html"
        with path.open("w") as stream:
            stream.writelines(audit_html(run or made_up.RUN, tally.summary(fleet), reports, fleet, context))
        return path

    return write


@pytest.fixture(scope="session")
def page_of(write_audit, made_up) -> Callable[[int], Path]:
    """The page of a made-up fleet of so many hosts, written once."""
    written: dict[int, Path] = {}

    def page(count: int) -> Path:
        if count not in written:
            fleet = (made_up.mtu_finding(count),) if count > 6 else ()
            written[count] = write_audit([with_groups(each) for each in made_up.fleet_of(count)], fleet)
        return written[count]

    return page
