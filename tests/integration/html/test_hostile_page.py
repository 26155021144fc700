"""What a host says cannot become markup, and markup that got in anyway can do nothing."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from dataclasses import replace

import pytest

from netaudit.errors import ErrorKind, Phase
from netaudit.model.context import CheckContext, RunContext
from netaudit.model.probe import HostError
from netaudit.model.result import FleetFinding, HostReport, HostStatus, Item, Result, Severity, Verdict, Waived

EVIL = (
    "<script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    '"><svg onload=window.pwned=1>',
    "' onmouseover='window.pwned=1",
    "</script><script>window.pwned=1</script>",
    "]]><!--<script>",
    "{{ 7 * 7 }}{% for x in range(9) %}z{% endfor %}",
    "javascript:window.pwned=1",
    "</title></style></table></dialog>",
    "\x1b[31m\x9b31m\x00\x07\u202egnp.exe\u2066\ud800",
    "\u2028\u2029\ufeff",
)


def evil_host(number: int, name: str, made_up) -> HostReport:
    """A host whose every text is hostile."""
    evil = EVIL[number % len(EVIL)]
    item = Item(evil, Verdict.FAIL, Severity.HIGH, evil, evil, evil, evil, evil)
    failing = Result(
        f"evil.{number}", evil, "listener", Verdict.FAIL, Severity.CRITICAL, evil, evil, evil, evil, evil, evil, evil
    )
    return HostReport(
        name,
        evil,
        HostStatus.OK,
        None,
        0.1,
        (
            failing,
            replace(failing, check=evil, observed=[evil, {evil: evil}], layer=evil),
            replace(failing, check="evil.items", items=(item, item)),
            replace(failing, check="evil.unknown", verdict=Verdict.UNKNOWN),
            replace(failing, check="evil.skipped", verdict=Verdict.SKIPPED),
            replace(failing, check="evil.pass", verdict=Verdict.PASS),
            replace(
                failing, check="evil.waived", verdict=Verdict.WAIVED, waived=Waived(evil, evil, evil, made_up.STARTED)
            ),
        ),
        (evil,),
        (evil, "all"),
    )


@pytest.fixture(scope="module")
def hostile_page(write_audit, made_up):
    """A page of hosts that are hostile in every way, with a run and rules that are no better."""
    reports = [evil_host(number, f"{evil}{number}", made_up) for number, evil in enumerate(EVIL)]
    for number, evil in enumerate(EVIL):
        error = HostError(ErrorKind.PROTOCOL, evil, Phase.CONNECT, evil)
        reports.append(HostReport(f"silent{number}{evil}", evil, HostStatus.ERROR, error, 0.1))
    run = replace(made_up.RUN, notes=EVIL, pattern=EVIL[0], id=EVIL[2], host_key_checking="off", interrupted=True)
    fleet = [
        FleetFinding(evil, evil, Verdict.FAIL, Severity.HIGH, tuple(each.name for each in reports), evil, evil, evil)
        for evil in EVIL
    ]
    checks = {f"evil.{number}": CheckContext(evil, why=evil, derived=evil, caveats=(evil,), sources=(evil,), risk=evil)
              for number, evil in enumerate(EVIL)}  # fmt: skip
    return write_audit(reports, fleet, run=run, context=RunContext(checks))


def test_nothing_that_a_host_says_is_markup(look, hostile_page):
    """No script of theirs runs, no element of theirs exists, and what they said is there to read."""
    seen = look(hostile_page)
    page = seen.page
    for button in page.locator("#matrix-table tbody tr:not(.space) button").all()[:12]:
        button.click()
        page.keyboard.press("Escape")
    name = f"{EVIL[1]}1"  # of one host; what findings across hosts say is the text without the number
    page.locator("input[name=q]").fill(name)
    seen.settle()
    assert seen.outcome().startswith("1 of 22 hosts")
    assert page.evaluate("window.pwned") is None
    assert 0 == page.locator("img, iframe, object, embed, base, link, [onerror], [onload], [onmouseover]").count()
    assert 6 == page.locator("script").count()
    assert 1 == page.locator("title").count()
    assert page.locator("a:not([href^='#'])").count() == 0
    assert "<script>window.pwned=1</script>" in page.content().replace("&lt;", "<").replace("&gt;", ">")
    assert "49zzz" not in page.content()
    assert [] == seen.alerts


def test_no_sign_turns_the_text_round(look, hostile_page):
    """Control characters, escapes, bidirectional marks and lone surrogates are written out."""
    text = hostile_page.read_text()
    assert not set("\x1b\x9b\x00\x07\u202e\u2066\u2028\u2029\ufeff") & set(text)
    assert "\\u202egnp.exe" in text
    seen = look(hostile_page)
    shown = seen.page.evaluate("document.body.innerText + JSON.stringify(netaudit.model.hosts)")
    assert not set("\x1b\x9b\x07\u202e\u2066\u2028\ufeff") & set(shown)


@contextlib.contextmanager
def listening():
    """A web server on loopback that notes what it is asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


SMUGGLED = """
<img src="{url}/image"><script src="{url}/script"></script><script>window.pwned = "inline"</script>
<link rel="stylesheet" href="{url}/style"><style>h1 {{ display: none }}</style><p id="styled" style="color: red">x</p>
<iframe src="{url}/frame"></iframe><object data="{url}/object"></object><video src="{url}/video"></video>
<a id="lure" href="javascript:window.pwned='link'">x</a><button id="handler" onclick="window.pwned='handler'">x</button>
<form action="{url}/form" id="form"><button id="send">x</button></form>
"""


def test_markup_that_got_in_can_do_nothing(look, page_of, tmp_path):
    """Were a text ever printed as it came: the policy keeps it from loading, running, styling and sending anything."""
    with listening() as (url, asked):
        text = page_of(1).read_text()
        page_file = tmp_path / "smuggled.html"
        page_file.write_text(text.replace("<footer>", SMUGGLED.format(url=url) + "<footer>"))
        seen = look(page_file, quiet=False)
        page = seen.page
        for name in ("lure", "handler"):
            page.evaluate("name => document.getElementById(name).click()", name)
        assert page.locator("h1").is_visible()
        assert "rgb(255, 0, 0)" != page.locator("#styled").evaluate("each => getComputedStyle(each).color")
        assert page.evaluate("window.pwned") is None
        assert [] == asked
        assert len([each for each in seen.complaints if "Content Security Policy" in each]) >= 8
        assert page.evaluate("document.documentElement.dataset.ready") == "yes"
        with page.expect_console_message(lambda message: "form" in message.text):
            page.evaluate("document.getElementById('send').click()")
        assert [] == asked


def test_a_script_that_runs_anyway_reaches_nothing(look, page_of):
    """From inside the page: no request, no remote image, no markup out of text, no code out of text."""
    with listening() as (url, asked):
        seen = look(page_of(1), quiet=False)
        said = seen.page.evaluate(
            """async url => {
                const said = {};
                await fetch(url + '/fetch', {mode: 'no-cors'})
                    .then(() => said.fetch = 1, error => said.fetch = String(error));
                await new Promise(done => {
                    const image = document.createElement('img');
                    image.onload = () => done(said.image = 1); image.onerror = () => done(said.image = 'refused');
                    image.src = url + '/image'; document.body.append(image);
                });
                try { document.body.innerHTML = '<p>x'; said.html = 1; } catch (error) { said.html = error.name; }
                const script = document.createElement('script');
                try { script.textContent = 'window.pwned = 1'; document.body.append(script); }
                catch (error) { said.script = error.name; }
                return said;
            }""",
            url,
        )
        assert "TypeError" in said["fetch"]
        assert said["image"] == "refused"
        assert said["html"] == "TypeError"
        assert seen.page.evaluate("window.pwned") is None
        assert [] == asked


def test_the_tests_would_notice(look, page_of, tmp_path):
    """The same smuggled markup runs where there is no policy: it is the policy that stops it."""
    with listening() as (url, asked):
        page_file = tmp_path / "open.html"
        page_file.write_text(f"<!doctype html><title>x</title>{SMUGGLED.format(url=url)}")
        seen = look(page_file, quiet=False)
        assert seen.page.evaluate("window.pwned") == "inline"
        deadline = time.monotonic() + 30
        while "/image" not in asked and time.monotonic() < deadline:  # the page does not wait for it
            time.sleep(0.05)
        assert "/image" in asked
