"""What became of a remediation, for tickets, spreadsheets and pipelines: read back by a program, whatever hosts say."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped
from markdown_it import MarkdownIt

from netaudit.cli.changing.accounts import of_outcomes
from netaudit.cli.exit_codes import ExitCode
from netaudit.model.plan import Batch, HostOutcome, Outcome, Step, StepClass
from netaudit.model.result import RunInfo
from netaudit.remedy.gates import GateRow, GateVerdict
from netaudit.remedy.rolled import Rolled
from netaudit.report import terminal
from netaudit.report.html.remediation import remediation_html
from netaudit.report.markdown import MOST_CHARS
from netaudit.report.remediation import Told, remediation_page, told
from netaudit.report.remediation_csv import COLUMNS, remediation_csv
from netaudit.report.remediation_junit import remediation_junit
from netaudit.report.remediation_markdown import remediation_markdown
from netaudit.report.signs import UNICODE
from netaudit.report.words import Options

GITHUB = MarkdownIt("gfm-like", {"html": True})
RUN = RunInfo("20261120-150000-ab12", "fix", datetime(2026, 11, 20, 15, tzinfo=UTC), "0.1", duration_s=94.2)
STEP = Step(
    operation="sysctl", subject="net.core.somaxconn", arguments={}, before="128", after="4096",
    step_class=StepClass.LIVE, checks=("tcp.accept_queue.somaxconn",), remediation="somaxconn",
    remediation_sha256="0", file="/etc/sysctl.d/99-zz-netaudit.conf",
)  # fmt: skip
RING = replace(STEP, subject="eth0 rx ring", step_class=StepClass.LINK_FLAP, namespace="blue", file=None)
REASON = "web3: TcpExt.ListenDrops 14.2/s, at most 1.8/s granted"
STOPPED = f"the gate of batch 2 failed: {REASON}"
HOSTILE = (
    "<script>alert(1)</script>", "</summary></details><h1>owned</h1>", "]]><x/>&lt;", "@everyone #12 https://evil.example",
    "| cell | `code` **bold**", "=HYPERLINK(\"https://evil.example\")", "\x1b[31m\u202e\x00\n# heading", "a\tb\r\nc",
)  # fmt: skip


def ended(host: str, outcome: Outcome, reason: str = "", *steps: Step, now: str = "", hint: str = "") -> HostOutcome:
    """What became of one host."""
    steps = steps or (STEP,)
    read = {steps[0].subject: now} if now else {}
    return HostOutcome(host, "198.18.0.2", outcome, reason, hint, steps, read, 3.25, ("a note",))


def account() -> Told:
    """A run with every kind of end, stopped by the gate of its second batch."""
    lost = GateRow("web3", "TcpExt.ListenDrops", "/s", 0.5, 14.25, 1.75, passed=False)
    outcomes = (
        (1, ended("web1", Outcome.PERSISTED, now="4096")),
        (2, ended("web2", Outcome.REFUSED, "locked by ops", hint="wait")),
        (2, ended("web3", Outcome.ROLLED_BACK, f"gate: {REASON}", now="128")),
        (2, ended("web4", Outcome.LOST, "no answer", hint="netaudit resume")),
        (2, ended("web5", Outcome.UNREACHED, "nobody listens")),
        (3, ended("web1", Outcome.UNREACHED, STOPPED, RING)),
    )
    batches = (
        Batch(StepClass.LIVE, ("web1",)),
        Batch(StepClass.LIVE, ("web2", "web3", "web4", "web5")),
        Batch(StepClass.LINK_FLAP, ("web1",)),
    )
    verdicts = {1: (GateVerdict(),), 2: (GateVerdict((lost,), (REASON,)),)}
    return told(RUN, batches, [f"web{number}" for number in range(1, 6)], Rolled(outcomes, verdicts, 2, STOPPED))


def hostile(text: str) -> Told:
    """A run in which everything that a host or a user can name is hostile."""
    step = replace(STEP, subject=text, before=text, after=text, namespace=text, file=text, notes=(text,))
    outcome = HostOutcome(text, text, Outcome.ROLLED_BACK, text, text, (step,), {text: text}, 1.0, (text,))
    row = GateRow(text, text, "/s", None, None, None, passed=False, note=text)
    rolled = Rolled(((1, outcome),), {1: (GateVerdict((row,), (text,)),)}, 1, text)
    return told(replace(RUN, notes=(text,)), (Batch(StepClass.LIVE, (text,)),), [text], rolled)


def table(of: Told) -> list[dict[str, str]]:
    """The rows of the values that are separated by commas."""
    return list(csv.DictReader(io.StringIO("".join(remediation_csv(of)), newline=""), strict=True))


def test_a_row_for_each_change_of_each_host():
    """In inventory order, with the batch; numbers are numbers, and what is not known is empty."""
    rows = table(account())
    assert list(COLUMNS) == list(rows[0])
    assert ["web1", "web1", "web2", "web3", "web4", "web5"] == [row["host"] for row in rows]
    first, second = rows[:2]
    assert ("1", "persisted", "128", "4096", "4096") == tuple(
        first[name] for name in ("batch", "outcome", "before", "after", "reads")
    )
    assert ("3", "unreached", "eth0 rx ring", "blue", "link-flap", "") == tuple(
        second[name] for name in ("batch", "outcome", "key", "namespace", "class", "reads")
    )
    assert ("locked by ops", "wait") == (rows[2]["reason"], rows[2]["hint"])


def test_a_host_without_known_changes_has_a_row():
    """Whoever counts hosts counts all of them."""
    rolled = Rolled(((1, HostOutcome("web1", "", Outcome.UNREACHED, "its turn never came")),), {})
    (row,) = table(told(RUN, (), ["web1"], rolled))
    assert ("web1", "unreached", "") == (row["host"], row["outcome"], row["key"])


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_cells_are_neither_formulas_nor_lines(text):
    """A spreadsheet shows them, and a terminal as well."""
    (row,) = table(hostile(text))
    for cell in row.values():
        assert cell.isprintable()
        assert not cell.startswith(("=", "+", "@", "\t"))


def test_a_pipeline_tells_the_ends_apart():
    """Undone and refused failed; lost and unreached are errors; what never had its turn is skipped; gates are tests."""
    suites = {suite.name: suite for suite in JUnitXml.fromstring("".join(remediation_junit(account())).encode())}
    kinds = {name: [[type(found) for found in case.result] for case in suite] for name, suite in suites.items()}
    assert {
        "web1": [[], [Skipped]], "web2": [[Failure]], "web3": [[Failure]], "web4": [[Error]], "web5": [[Error]],
        "gates": [[], [Failure]],
    } == kinds  # fmt: skip
    assert ["net.core.somaxconn", "eth0 rx ring in blue"] == [case.name for case in suites["web1"]]
    (found,) = next(iter(suites["web3"])).result
    assert ("rolled-back", f"gate: {REASON}") == (found.type, found.message)
    assert "128 -> 4096" in found.text
    root = ET.fromstring("".join(remediation_junit(account())))  # our own
    assert ("3", "2") == (root.get("failures"), root.get("errors"))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_xml_is_xml(text):
    """Of the elements that JUnit has, and of nothing else."""
    root = ET.fromstring("".join(remediation_junit(hostile(text))))  # our own
    known = {"testsuites", "testsuite", "properties", "property", "testcase", "failure", "system-out"}
    assert {element.tag for element in root.iter()} <= known


def test_a_ticket_says_what_became_of_each_host():
    """Totals, why it stopped with the counters, and a row a change, the worst first; what is well is folded away."""
    (text,) = remediation_markdown(account())
    page = GITHUB.render(text)
    assert "| hosts | lost | rolled-back | refused | unreached |" in text
    assert "<strong>Stopped after batch 2:</strong>" in page
    assert "| `web3` | `TcpExt.ListenDrops` | `0.5/s` | `14.2/s` | `1.8/s` |" in text
    assert text.index("LOST") < text.index("UNDONE") < text.index("REFUSED") < text.index("CHANGED")
    assert "<details open><summary><b>UNDONE</b>" in text
    assert "<details><summary><b>CHANGED</b>" in text
    assert "| `web1` | `net.core.somaxconn` | `128` | `4096` | `4096` |  |" in text
    assert "`eth0 rx ring` in `blue`" in text
    assert "| 2 | `live` | `web[2-5]` | failed, 1 counter compared |" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_is_text(text):
    """No element, link or image of it reaches the page."""
    (written,) = remediation_markdown(hostile(text))
    page = re.sub(r"<code>.*?</code>", "", GITHUB.render(written), flags=re.DOTALL)
    for forbidden in ("<script", "<img", "<a ", "<h1", "@everyone", "\x1b", "\u202e"):
        assert forbidden not in page


def test_a_ticket_of_many_hosts_fits():
    """What has no room is left out from the end, and that is said."""
    hosts = [f"a-rather-long-name-of-a-host-{number:04}" for number in range(2000)]
    rolled = Rolled(tuple((1, ended(host, Outcome.PERSISTED, now="4096")) for host in hosts), {})
    (text,) = remediation_markdown(told(RUN, (Batch(StepClass.LIVE, tuple(hosts)),), hosts, rolled))
    assert len(text) <= MOST_CHARS
    assert "sections are left out" in text


def undo() -> Told:
    """A run that took back another one: on one host it could, on two it was refused, on the last it never began."""
    outcomes = (
        (1, ended("web1", Outcome.ROLLED_BACK, "undone on request", now="128")),
        (1, ended("web2", Outcome.REFUSED, "the change stands: no room", now="4096")),
        (1, ended("web3", Outcome.REFUSED, "it is not as it was left", now="512")),
        (1, ended("web4", Outcome.UNREACHED, "nobody listens")),
    )
    return told(replace(RUN, command="rollback"), (), [f"web{n}" for n in range(1, 5)], Rolled(outcomes, {}))


def only(account: Told, host: str) -> Told:
    """The same run, as if it had had one host."""
    return told(account.run, (), [host], Rolled(tuple((1, each) for each in account.rolled.parts(host)), {}))


@pytest.mark.parametrize(
    ("host", "said"),
    [("web1", "128 → 4096 undone, reads 128"), ("web2", "128 → 4096 stands"), ("web3", "128 → 4096, reads 512")],
)
def test_a_change_stands_whose_undo_was_refused(host, said):
    """That is what is said of its value; or what is read now, where somebody else has changed it since."""
    options = Options(signs=UNICODE)
    page = terminal.render_page(remediation_page(only(undo(), host), options), options).plain
    assert any(line.strip() == f"net.core.somaxconn  {said}" for line in page.splitlines()), page
    assert ("nothing was taken back" in page) == (host != "web1")
    assert "nothing was changed" not in page


def test_what_was_taken_back_has_gone_well():
    """For a pipeline, a ticket and a page, as for the exit code; what was refused or not begun has not."""
    suites = {suite.name: suite for suite in JUnitXml.fromstring("".join(remediation_junit(undo())).encode())}
    kinds = {name: [type(found) for case in suite for found in case.result] for name, suite in suites.items()}
    assert {"web1": [], "web2": [Failure], "web3": [Failure], "web4": [Error]} == kinds
    (ticket,) = remediation_markdown(undo())
    assert "<details><summary><b>UNDONE</b>" in ticket
    assert "<details open><summary><b>REFUSED</b> nothing was taken back (2 hosts)" in ticket
    assert "1 host has the values and files of before again" in "".join(remediation_html(only(undo(), "web1")))
    assert "3 of 4 hosts were not taken back" in "".join(remediation_html(undo()))
    assert ExitCode.DONE is of_outcomes(only(undo(), "web1"))
    assert ExitCode.REMEDIATION_FAILED is of_outcomes(undo())


def test_a_value_is_marked_where_it_is_not_what_the_end_says():
    """Taken back: the old one; refused: the new one."""
    page = "".join(remediation_html(undo()))
    marked = re.findall(r'<samp class="(holds|wrong)">([0-9]+)<', page)
    assert sorted(marked) == [("holds", "128"), ("holds", "4096"), ("wrong", "512")]
