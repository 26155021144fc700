"""A run as JUnit's XML, which GitLab, Jenkins and most others show: a suite a host, or a suite a check.

A failing check is a ``failure``. A host that gave no verdict is an ``error``. What is waived, does not apply or could
not be decided is ``skipped`` and says why: none of it counts as passed. A finding of severity *info* is a remark and
no fault: it passes, and the remark is in its output. ``file`` and ``line`` lead to where the inventory names the host.

XML 1.0 cannot say most control characters, not even escaped: they are written as ``\\x1b`` (see ``sanitise``).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from netaudit.errors import Where
from netaudit.fleet.jsonable import time_text
from netaudit.model.context import NO_CONTEXT, RunContext
from netaudit.model.result import FleetFinding, HostReport, Result, RunInfo, Severity, Summary, Verdict
from netaudit.report.cells import change_cell, failed_items, text_cell, trouble_cell
from netaudit.report.decided import Decided
from netaudit.report.junit_text import element, escaped, properties, skipped, tag

ANSWER = "answer"  # the test that every host takes: to be reached and to give a whole answer
FLEET = "fleet"
_NAME_CHARS = 300
_ITEMS = 50
_WINDOW_BITS, _MEMORY_LEVEL = 12, 5  # of the parts that wait compressed: some 32 KiB a check


@dataclass(frozen=True, slots=True)
class _Case:
    """One test. ``outcome`` is an element, or empty when it passed; ``kind`` is counted."""

    kind: str  # "", "failures", "errors", "skipped"
    outcome: str


def junit_by_host(
    run: RunInfo,
    summary: Summary,
    hosts: Iterable[HostReport],
    fleet: Sequence[FleetFinding],
    context: RunContext = NO_CONTEXT,
) -> Iterator[str]:
    """A suite for each host with a test for each check, and one for what only several hosts together show."""
    yield _head(run, summary)
    decided = Decided(context)
    for report in hosts:
        cases = [(ANSWER, _answer(report))]
        cases += [(text_cell(result.check, _NAME_CHARS), _judged(result)) for result in report.results]
        name = text_cell(report.name, _NAME_CHARS)
        places = [decided.place(report.name), *(decided.place(report.name, each.check) for each in report.results)]
        texts = [
            _case_text(name, check, case, _place(where)) for (check, case), where in zip(cases, places, strict=True)
        ]
        about = {"address": text_cell(report.address), "status": report.status.value}
        about |= {"groups": text_cell(" ".join(report.groups))} if report.groups else {}
        about |= _trust(run)
        yield _suite_head(run, name, [case for _, case in cases], report.duration_s)
        yield properties(about)
        yield from texts
        if report.notes:
            yield f"  <system-out>{escaped(chr(10).join(map(text_cell, report.notes)))}</system-out>\n"
        yield " </testsuite>\n"
    yield from _fleet_suite(run, fleet)
    yield "</testsuites>\n"


def junit_by_check(
    run: RunInfo,
    summary: Summary,
    hosts: Iterable[HostReport],
    fleet: Sequence[FleetFinding],
    context: RunContext = NO_CONTEXT,
) -> Iterator[str]:
    """A suite for each check with a test for each host; the first suite says which hosts answered."""
    suites: dict[str, _Waiting] = {ANSWER: _Waiting("every host answers")}
    decided = Decided(context)
    for report in hosts:
        name, place = text_cell(report.name, _NAME_CHARS), _place(decided.place(report.name))
        suites[ANSWER].add(_case_text(ANSWER, name, _answer(report), place), _answer(report))
        for result in report.results:
            check = text_cell(result.check, _NAME_CHARS)
            if check not in suites:
                suites[check] = _Waiting(text_cell(result.title))
            case = _judged(result)
            place = _place(decided.place(report.name, result.check))
            suites[check].add(_case_text(check, name, case, place), case)
    yield _head(run, summary)
    for check, waiting in suites.items():
        yield _suite_head(run, check, waiting.counts, 0.0)
        yield properties({"title": waiting.title} | _trust(run))
        yield from waiting.texts()
        yield " </testsuite>\n"
    yield from _fleet_suite(run, fleet)
    yield "</testsuites>\n"


class _Waiting:
    """The tests of one check, compressed until all hosts have taken them: they are nearly the same."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
        self._compressor = zlib.compressobj(6, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
        self._parts: list[bytes] = []

    def add(self, text: str, case: _Case) -> None:
        """Take in one test."""
        self.counts["tests"] += 1
        if case.kind:
            self.counts[case.kind] += 1
        if part := self._compressor.compress(text.encode("utf-8", "backslashreplace")):
            self._parts.append(part)

    def texts(self) -> Iterator[str]:
        """The tests again, in pieces."""
        import codecs

        self._parts.append(self._compressor.flush())
        expander = zlib.decompressobj(_WINDOW_BITS)
        decoder = codecs.getincrementaldecoder("utf-8")()
        for part in self._parts:
            yield decoder.decode(expander.decompress(part))


def _head(run: RunInfo, summary: Summary) -> str:
    failures = sum(summary.findings.get(severity, 0) for severity in Severity if severity is not Severity.INFO)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tag(
        "testsuites",
        {
            "name": f"netaudit {run.command} {run.id}",
            "failures": str(failures),
            "errors": str(summary.unreachable + summary.error),
            "time": f"{run.duration_s:.3f}",
        },
    )


def _suite_head(run: RunInfo, name: str, counted: Sequence[_Case] | Mapping[str, int], time_s: float) -> str:
    if isinstance(counted, Mapping):
        counts = {key: str(number) for key, number in counted.items()}
    else:
        counts = {"tests": str(len(counted))}
        counts |= {kind: str(sum(case.kind == kind for case in counted)) for kind in ("failures", "errors", "skipped")}
    started = time_text(run.started_at).removesuffix("Z")  # the schemas of JUnit know no zone
    return " " + tag("testsuite", {"name": name, **counts, "time": f"{time_s:.3f}", "timestamp": started})


def _trust(run: RunInfo) -> dict[str, str]:
    """What must be known when these may be the answers of other machines."""
    return {"host_key_checking": "off"} if run.host_key_checking == "off" else {}


def _fleet_suite(run: RunInfo, fleet: Sequence[FleetFinding]) -> Iterator[str]:
    if not fleet:
        return
    cases = [_across(finding) for finding in fleet]
    yield _suite_head(run, FLEET, cases, 0.0)
    for number, (finding, case) in enumerate(zip(fleet, cases, strict=True), 1):
        name = f"{text_cell(finding.check, _NAME_CHARS)} {number}" if len(fleet) > 1 else text_cell(finding.check)
        yield _case_text(FLEET, name, case, {})
    yield " </testsuite>\n"


def _case_text(suite: str, name: str, case: _Case, place: Mapping[str, str]) -> str:
    attributes = {"classname": suite, "name": name, "time": "0", **place}
    if not case.outcome:
        return "  " + tag("testcase", attributes, closed=True)
    return f"  {tag('testcase', attributes)}   {case.outcome}\n  </testcase>\n"


def _place(where: Where | None) -> dict[str, str]:
    if where is None:
        return {}
    return {"file": text_cell(where.file), "line": str(where.line)}


def _answer(report: HostReport) -> _Case:
    if report.error is None:
        return _Case("", "")
    message = text_cell(report.error.message)
    return _Case("errors", element("error", message, str(report.error.kind), trouble_cell(report)))


def _judged(result: Result) -> _Case:
    match result.verdict:
        case Verdict.PASS:
            return _Case("", "")
        case Verdict.FAIL if result.severity is Severity.INFO:
            return _Case("", f"<system-out>{escaped(_story(result))}</system-out>")
        case Verdict.FAIL:
            message = f"{text_cell(result.title)}: {change_cell(result, result.unit)}"
            return _Case("failures", element("failure", message, result.severity.value, _story(result)))
        case Verdict.WAIVED:
            by = f" ({result.waived.ticket}, {result.waived.approver})" if result.waived else ""
            return _Case("skipped", skipped(f"waived: {text_cell(result.reason)}{text_cell(by)}"))
        case Verdict.SKIPPED:
            return _Case("skipped", skipped(f"does not apply: {text_cell(result.reason)}"))
        case Verdict.UNKNOWN:
            return _Case("skipped", skipped(f"unknown: {text_cell(result.reason)}"))


def _across(finding: FleetFinding) -> _Case:
    if finding.verdict is not Verdict.FAIL:
        return _Case("", "")
    message = f"{text_cell(finding.title)}: {text_cell(finding.evidence)}"
    story = "\n".join(filter(None, (text_cell(" ".join(finding.hosts)), text_cell(finding.fix))))
    return _Case("failures", element("failure", message, finding.severity.value, story))


def _story(result: Result) -> str:
    """Everything there is to say of a failure, a line each."""
    items = failed_items(result)
    lines = [f"{result.severity.value.upper()}  {text_cell(result.title)}"]
    lines += [f"{text_cell(item.subject)}: {change_cell(item, result.unit)}" for item in items[:_ITEMS]]
    if len(items) > _ITEMS:
        lines.append(f"and {len(items) - _ITEMS:,} more")
    if not items:
        lines.append(change_cell(result, result.unit))
    for label, text in (("why", result.reason), ("read", result.evidence), ("fix", result.fix)):
        if text:
            lines.append(f"{label}: {text_cell(text)}")
    return "\n".join(lines)
