"""JUnit, SARIF, CSV, Prometheus: each is read by a program that others use, and hostile values stay values."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import jsonschema
import pytest
from junitparser import Error, Failure, JUnitXml, Skipped
from prometheus_client.parser import text_string_to_metric_families
from sarif_pydantic import Sarif

from netaudit.errors import Where
from netaudit.fleet.tally import Tally
from netaudit.model.context import NO_CONTEXT, CheckContext, RunContext
from netaudit.model.result import FleetFinding, HostReport, HostStatus, RunInfo, Severity, Verdict
from netaudit.report.csv import COLUMNS, safe
from netaudit.report.formats import renderer
from netaudit.report.prometheus import LABEL_CHARS, MOST_HOSTS

WRITTEN = json.loads(Path(__file__).with_name("sarif-written.json").read_text())
HOSTILE = (
    "\x1b[31mred\x1b[0m \x07\x08\x00",
    "]]></failure><script>alert(1)</script>&amp;<!--",
    '"\'`\\"}\n{evil="1"} 9\n# TYPE netaudit_hosts counter\n',
    "=cmd|' /C calc'!A0",
    "\u202eevil\u2066 \ufeff\ud800 \udcff \ufffe\uffff",
    "{0} {foo} [here](https://evil.example) ${jndi:ldap://x}",
    "a,b;c\td\r\ne\u2028f\x85g",
    "x" * 5000,
)


def _summary(hosts: Iterable[HostReport], fleet: Iterable[FleetFinding] = ()):
    tally = Tally()
    for report in hosts:
        tally.add(report)
    return tally.summary(fleet)


def _text(name: str, run: RunInfo, hosts: list[HostReport], fleet=(), context: RunContext = NO_CONTEXT) -> str:
    return "".join(renderer(name)(run, _summary(hosts, fleet), hosts, fleet, context))


@pytest.fixture
def fleet(made_up: ModuleType) -> list[HostReport]:
    """Thirty hosts with every verdict, some without an answer, and a remark that is no fault."""
    hosts = list(made_up.fleet_of(30, checks=5))
    remark = replace(made_up.ring(512), check="nic.remark", severity=Severity.INFO)
    hosts[0] = replace(hosts[0], results=(*hosts[0].results, remark))
    return hosts


@pytest.fixture
def hostile(made_up: ModuleType) -> list[HostReport]:
    """Hosts of which every text tries something."""
    hosts = []
    for number, evil in enumerate(HOSTILE):
        found = replace(
            made_up.ring(512), title=evil, observed=evil, expected=evil, evidence=evil, reason=evil, fix=evil, unit=evil
        )
        items = made_up.backlog((evil, 128))
        waived = replace(made_up.waived(), reason=evil, waived=replace(made_up.WAIVER, approver=evil, ticket=evil))
        unknown = replace(made_up.unknown(1), reason=evil)
        vector = replace(made_up.rmem(1), observed=[evil, {evil: [evil]}, float("nan"), 10**400, None])
        error = made_up.silent("db", 1).error
        hosts.append(
            HostReport(
                f"{evil}{number}",
                evil,
                HostStatus.OK,
                None,
                0.1,
                (found, items, waived, unknown, vector),
                (evil,),
                (evil,),
            )
        )
        hosts.append(HostReport(f"silent{evil}", evil, HostStatus.ERROR, replace(error, message=evil, hint=evil), 0.1))
    return hosts


@pytest.fixture
def run(made_up: ModuleType) -> RunInfo:
    """The run of all of them."""
    return made_up.RUN


def _context(hosts: Iterable[HostReport]) -> RunContext:
    checks = {
        "tcp.accept_queue.somaxconn": CheckContext(
            "The kernel's cap", "listener", "high", "Because.", "From the load.", "Raise it.", "safe", ("Careful.",),
            ("https://docs.kernel.org/admin-guide/sysctl/net.html (somaxconn)", "man: listen(2)"),
            Where("my rules/a#b.yaml", 7, 3),
        )
    }  # fmt: skip
    places = {report.name: Where("inventory/hosts.ini", 4 + place) for place, report in enumerate(hosts)}
    return RunContext(checks, places)


# --- JUnit


@pytest.mark.parametrize("name", ["junit", "junit-by-check"])
def test_junit_tells_failures_errors_and_skips_apart(run: RunInfo, fleet: list[HostReport], made_up, name: str) -> None:
    """A fault is a failure, a host without answer an error; what is unknown, waived or does not apply is no pass."""
    across = (made_up.mtu_finding(30),)
    suites = JUnitXml.fromstring(_text(name, run, fleet, across, _context(fleet)).encode())
    cases = [case for suite in suites for case in suite]
    by_kind = {
        kind: sum(any(isinstance(each, kind) for each in case.result) for case in cases)
        for kind in (Failure, Error, Skipped)
    }
    results = [result for report in fleet for result in report.results]
    faults = sum(result.verdict is Verdict.FAIL and result.severity is not Severity.INFO for result in results)
    skipped = sum(result.verdict in {Verdict.WAIVED, Verdict.UNKNOWN, Verdict.SKIPPED} for result in results)
    silent = sum(report.error is not None for report in fleet)
    assert by_kind == {Failure: faults + 1, Error: silent, Skipped: skipped}
    assert len(cases) == len(results) + len(fleet) + 1
    for suite in suites:  # what the head of a suite says is so
        told = (suite.tests, suite.failures, suite.errors, suite.skipped)
        own = list(suite)
        counted = [
            sum(any(isinstance(e, kind) for e in case.result) for case in own) for kind in (Failure, Error, Skipped)
        ]
        assert told == (len(own), *counted), suite.name


def test_junit_has_a_suite_for_each_host_or_check(run: RunInfo, fleet: list[HostReport]) -> None:
    """The two forms hold the same tests, the other way round."""
    by_host = JUnitXml.fromstring(_text("junit", run, fleet).encode())
    by_check = JUnitXml.fromstring(_text("junit-by-check", run, fleet).encode())
    assert [suite.name for suite in by_host] == [report.name for report in fleet]
    assert next(iter(by_check)).name == "answer"
    turned = {(case.name, suite.name) for suite in by_check for case in suite}
    assert {(suite.name, case.name) for suite in by_host for case in suite} == turned


def test_junit_leads_to_the_inventory(run: RunInfo, fleet: list[HostReport]) -> None:
    """GitLab and pytest's readers know file and line of a test."""
    root = ET.fromstring(_text("junit", run, fleet, (), _context(fleet)))
    case = root.find("testsuite/testcase")
    assert case is not None
    assert (case.get("file"), case.get("line")) == ("inventory/hosts.ini", "4")


@pytest.mark.parametrize("name", ["junit", "junit-by-check"])
def test_hostile_junit_is_xml(run: RunInfo, hostile: list[HostReport], name: str) -> None:
    """No value ends an element, and no character is in it that XML cannot say."""
    text = _text(name, run, hostile)
    root = ET.fromstring(text.encode("utf-8"))
    assert not root.findall(".//script")
    assert "\x1b" not in text
    assert {each.tag for each in root.iter()} == {
        "testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "skipped",
    } | ({"system-out"} if name == "junit" else set())  # fmt: skip


# --- SARIF


def _validated(text: str) -> dict:
    log = json.loads(text)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(WRITTEN, format_checker=checker).validate(log)
    assert Sarif.model_validate(log).runs[0].tool.driver.name == "netaudit"
    return log["runs"][0]


def test_sarif_is_valid_and_refers_to_its_rules(run: RunInfo, fleet: list[HostReport], made_up) -> None:
    """Every result has a rule with help, a fingerprint of its own, and a place."""
    found = _validated(_text("sarif", run, fleet, (made_up.mtu_finding(30),), _context(fleet)))
    rules = found["tool"]["driver"]["rules"]
    assert found["results"]
    for result in found["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert "nic.remark" not in {result["ruleId"] for result in found["results"]}  # no fault
    prints = [tuple(result["partialFingerprints"].values()) for result in found["results"]]
    assert len(set(prints)) == len(prints)
    silent = [report.name for report in fleet if report.error]
    assert len(found["invocations"][0]["toolExecutionNotifications"]) == len(silent)
    assert found["invocations"][0]["executionSuccessful"] is False


def test_sarif_points_to_the_line_of_the_host_and_to_that_of_the_rule(run: RunInfo, fleet: list[HostReport]) -> None:
    """So a merge request shows the annotation where something can be changed."""
    found = _validated(_text("sarif", run, fleet, (), _context(fleet)))
    result = next(each for each in found["results"] if each["ruleId"] == "tcp.accept_queue.somaxconn")
    place = result["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "inventory/hosts.ini", "uriBaseId": "%SRCROOT%"}, "region": {"startLine": 4}
    }  # fmt: skip
    rule = result["relatedLocations"][0]["physicalLocation"]
    assert rule["artifactLocation"]["uri"] == "my%20rules/a%23b.yaml"
    assert rule["region"] == {"startLine": 7, "startColumn": 3}
    told = found["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert told["helpUri"] == "https://docs.kernel.org/admin-guide/sysctl/net.html"
    for text in ("Because.", "From the load.", "Raise it.", "Careful.", "man: listen(2)"):
        assert text in told["help"]["text"]


def test_a_waived_finding_is_suppressed_in_sarif(run: RunInfo, fleet: list[HostReport]) -> None:
    """Code review sites hide it, and know why."""
    found = _validated(_text("sarif", run, fleet))
    waived = [each for each in found["results"] if "suppressions" in each]
    assert {each["ruleId"] for each in waived} == {"ip.rp_filter"}
    assert "NET-1234" in waived[0]["suppressions"][0]["justification"]


def test_hostile_sarif_is_valid(run: RunInfo, hostile: list[HostReport]) -> None:
    """No placeholder and no link can be smuggled into a message."""
    found = _validated(_text("sarif", run, hostile))
    for result in found["results"]:
        assert "{0}" not in result["message"]["text"].replace("{{0}}", "")
        assert "[here](" not in result["message"]["text"]


def test_sarif_of_nothing_is_valid(run: RunInfo, made_up) -> None:
    """A fleet in order has no results and no rules."""
    host = replace(made_up.host("web1", 1, 5), results=(made_up.passed(1, "ip"),))
    found = _validated(_text("sarif", run, [host]))
    assert found["results"] == found["tool"]["driver"]["rules"] == []
    assert found["invocations"][0]["executionSuccessful"] is True


# --- CSV


def _table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_csv_has_a_row_for_each_result(run: RunInfo, fleet: list[HostReport], made_up) -> None:
    """And one for each host without verdict; every row has every column, and lines end as RFC 4180 says."""
    text = _text("csv", run, fleet, (made_up.mtu_finding(30),))
    rows = _table(text)
    silent = sum(report.error is not None for report in fleet)
    assert len(rows) == sum(len(report.results) for report in fleet) + silent + 1
    assert all(tuple(row) == COLUMNS and None not in row.values() for row in rows)
    assert text.count("\r\n") == len(rows) + 1
    assert "\n" not in text.replace("\r\n", "")
    failed = next(row for row in rows if row["check"] == "tcp.rmem.max")
    assert (failed["observed"], failed["status"], failed["unit"]) == ("4096 131072 6291456", "fail", "bytes")


def test_no_cell_is_a_formula(run: RunInfo, hostile: list[HostReport]) -> None:
    """A spreadsheet shows what a host sent and does not calculate it."""
    for row in _table(_text("csv", run, hostile)):
        for cell in row.values():
            assert not cell.lstrip().startswith(("=", "+", "@", "\t", "\r"))
            assert not cell.startswith("-") or cell.lstrip("-").replace(".", "", 1).isdigit()


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-2+3", "'-2+3"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"),
        ("  =1", "'  =1"), ("\uff1d1", "'\uff1d1"), ("-5", "-5"), ("-5.25", "-5.25"), ("4096", "4096"), ("", ""),
        (">= 4096", ">= 4096"), ("a=b", "a=b"), ("-", "'-"), ("-5\n=1", "'-5\n=1"),
    ],
)  # fmt: skip
def test_what_a_spreadsheet_takes_for_a_formula(cell: str, shown: str) -> None:
    """Signs that begin one, also behind blanks and in full width; numbers stay numbers."""
    assert safe(cell) == shown


# --- Prometheus


def _metrics(text: str) -> dict[str, list]:
    return {family.name: family.samples for family in text_string_to_metric_families(text)}


def test_metrics_are_what_the_run_was(run: RunInfo, fleet: list[HostReport], made_up) -> None:
    """Findings by severity, hosts by status, the time of the run, a series for each host and check."""
    across = (made_up.mtu_finding(30),)
    summary = _summary(fleet, across)
    found = _metrics(_text("prometheus", run, fleet, across))
    by_severity = {each.labels["severity"]: each.value for each in found["netaudit_findings"]}
    assert by_severity == {severity.value: summary.findings[severity] for severity in Severity}
    by_status = {each.labels["status"]: each.value for each in found["netaudit_hosts"]}
    assert by_status == {"ok": summary.ok, "unreachable": summary.unreachable, "error": summary.error}
    assert found["netaudit_run_timestamp_seconds"][0].value == run.started_at.timestamp()
    assert {each.labels["host"]: each.value for each in found["netaudit_host_ok"]} == {
        report.name: float(report.error is None) for report in fleet
    }
    failed = {
        (each.labels["check"], each.labels["severity"]): each.value for each in found["netaudit_check_failed_hosts"]
    }
    assert failed["tcp.rmem.max", "low"] == sum(
        result.check == "tcp.rmem.max" for report in fleet for result in report.results
    )
    assert [each.labels["check"] for each in found["netaudit_fleet_findings"]] == ["path.mtu.segment"]


def test_hostile_labels_are_labels(run: RunInfo, hostile: list[HostReport]) -> None:
    """No host makes up a metric, and no label is longer than its bound."""
    text = _text("prometheus", run, hostile)
    found = _metrics(text)
    assert all(name.startswith("netaudit_") for name in found)
    assert text.count("# TYPE netaudit_hosts gauge") == 1
    assert len(found["netaudit_hosts"]) == 3
    labels = [label for samples in found.values() for each in samples for label in each.labels.values()]
    assert max(map(len, labels)) <= LABEL_CHARS + 40


def test_the_number_of_series_is_bounded(run: RunInfo, made_up) -> None:
    """Beyond the bound hosts count in the totals only, and it is told how many."""
    hosts = [replace(made_up.host("x", 1, 0), name=f"web{number}") for number in range(MOST_HOSTS + 7)]
    found = _metrics(_text("prometheus", run, hosts))
    assert len(found["netaudit_host_ok"]) == MOST_HOSTS
    assert found["netaudit_hosts_left_out"][0].value == 7
    assert found["netaudit_hosts"][0].value == MOST_HOSTS + 7


def test_headroom_of_a_capacity_run(run: RunInfo, made_up) -> None:
    """By host and resource what there is divided by what is needed; below 1 it is not enough."""
    short = replace(made_up.somaxconn(128, 512), check="capacity.accept_queue")
    ample = replace(short, check="capacity.ports", observed=30_000, expected=">= 10000", verdict=Verdict.PASS)
    unknown = replace(short, check="capacity.memory", observed=None, verdict=Verdict.UNKNOWN)
    odd = replace(short, check="capacity.odd", observed="much")
    other = replace(short, check="tcp.x")
    host = replace(made_up.host("web1", 1, 1), results=(short, ample, unknown, odd, other))
    samples = _metrics(_text("prometheus", run, [host]))["netaudit_headroom_ratio"]
    found = {each.labels["resource"]: each.value for each in samples}
    assert found == {"accept_queue": 0.25, "ports": 3.0}


# --- All of them


@pytest.mark.parametrize("name", ["json", "html", "junit", "junit-by-check", "sarif", "markdown", "csv", "prometheus"])
def test_every_report_says_that_host_keys_were_not_checked(run: RunInfo, made_up, name: str) -> None:
    """They may be the answers of other machines; those of a run that did check say nothing of the kind."""
    note = "host keys were not checked: what is said of a host may be said by another"
    text = _text(name, replace(run, host_key_checking="off", notes=(note,)), [made_up.host("web1", 1, 1)])
    said = ("host keys were not checked", "Host-key checking was off", 'host_key_checking="off"', '"off"\r\n',
            'name="host_key_checking" value="off"', '"host_key_checking":"off"')  # fmt: skip
    assert any(each in text for each in said)
    assert not any(each in _text(name, run, [made_up.host("web1", 1, 1)]) for each in said)


@pytest.mark.parametrize("name", ["junit", "sarif", "csv"])
def test_memory_does_not_grow_with_the_fleet(run: RunInfo, made_up: ModuleType, name: str) -> None:
    """2,000 hosts are written in the memory of a few, one after the other."""

    few = [made_up.host("web", place, 10) for place in range(20)]

    def hosts(number: int) -> Iterator[HostReport]:
        return (replace(few[place % 20], name=f"web{place}") for place in range(number))

    peaks = {}
    for number in (100, 2000):
        summary = _summary([])
        tracemalloc.start()
        for _ in renderer(name)(run, summary, hosts(number), (), NO_CONTEXT):
            pass
        peaks[number] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peaks[2000] < 2 * peaks[100] + 200_000


def test_junit_by_check_waits_in_little(run: RunInfo, made_up: ModuleType) -> None:
    """What has to wait for the last host takes a few bytes a test."""
    few = [made_up.host("web", place, 10) for place in range(20)]
    hosts = (replace(few[place % 20], name=f"web{place}") for place in range(2000))
    tracemalloc.start()
    for _ in renderer("junit-by-check")(run, _summary([]), hosts, (), NO_CONTEXT):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000
