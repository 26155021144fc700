"""A run as SARIF 2.1.0 (OASIS), which code review sites show as annotations on lines of files.

Each failing check is a rule with its explanation, each failure on a host a result. A result points to the line that
says for this host what is expected, an override of the baseline or a variable of the inventory; where there is none, to
that which names the host; and beside it to the line of the rule. A host that no file names is a logical location.
Waived findings are suppressed results with their reason; remarks of severity *info* are no faults and are left out.
Hosts without verdict are notifications of the invocation: they are no findings, and make it unsuccessful.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import quote

from netaudit.errors import Where
from netaudit.fleet.jsonable import dumps, time_text
from netaudit.model.context import NO_CONTEXT, CheckContext, RunContext
from netaudit.model.result import FleetFinding, HostReport, Result, RunInfo, Severity, Summary, Verdict
from netaudit.report.cells import change_cell, failed_items, text_cell, trouble_cell
from netaudit.report.decided import Decided
from netaudit.report.markdown_text import prose

VERSION = "2.1.0"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"  # what relative files are relative to: the directory of the run, as code review sites know it
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "none",
}
_MOST_NOTIFICATIONS = 1_000
_MOST_HOSTS = 100  # locations of one finding across hosts
_ITEMS = 10

_Object: TypeAlias = dict[str, object]


def sarif(
    run: RunInfo,
    summary: Summary,
    hosts: Iterable[HostReport],
    fleet: Sequence[FleetFinding],
    context: RunContext = NO_CONTEXT,
) -> Iterator[str]:
    """The log of one run, result after result; the rules come last, when all that are needed are known."""
    rules = _Rules(context)
    notifications: list[_Object] = []
    yield f'{{"$schema": "{SCHEMA}",\n "version": "{VERSION}",\n "runs": [{{"results": ['
    separator = "\n  "
    for report in hosts:
        _notify(notifications, report, context)
        for result in report.results:
            if result.verdict in {Verdict.FAIL, Verdict.WAIVED} and result.severity is not Severity.INFO:
                yield separator + dumps(_result(report, result, rules, context))
                separator = ",\n  "
    for finding in fleet:
        if finding.verdict is Verdict.FAIL and finding.severity is not Severity.INFO:
            yield separator + dumps(_across(finding, rules, context))
            separator = ",\n  "
    driver = {"name": "netaudit", "version": run.version, "rules": rules.objects()}
    yield f'],\n "tool": {{"driver": {dumps(driver)}}},\n'
    yield f' "invocations": [{dumps(_invocation(run, summary, notifications))}],\n'
    against = text_cell(run.baseline.name if run.baseline else run.command, 100)
    details = {"id": f"netaudit/{quote(against, safe='')}/{run.id}"}
    yield f' "automationDetails": {dumps(details)},\n "columnKind": "unicodeCodePoints"}}]}}\n'


class _Rules:
    """The checks that results refer to, in the order of their first result."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._numbers: dict[str, int] = {}
        self._objects: list[_Object] = []
        self.decided = Decided(context)

    def number(self, check: str, title: str, severity: Severity, layer: str) -> int:
        """The place of a check among the rules."""
        if check not in self._numbers:
            self._numbers[check] = len(self._objects)
            known = self._context.checks.get(check, CheckContext(title, layer, severity.value))
            self._objects.append(_rule(check, known, severity))
        return self._numbers[check]

    def objects(self) -> list[_Object]:
        """All of them."""
        return self._objects


def _rule(check: str, context: CheckContext, seen: Severity) -> _Object:
    severity = Severity(context.severity) if context.severity in set(Severity) else seen
    title = text_cell(context.title) or text_cell(check)
    rule: _Object = {
        "id": text_cell(check),
        "shortDescription": {"text": title},
        "fullDescription": {"text": text_cell(context.why) or title},
        "help": _help(title, context),
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": {"tags": ["network", text_cell(context.layer) or "host"], "severity": severity.value},
    }
    links = [source for source in context.sources if source.startswith("https://") and source.isascii()]
    if links:
        rule["helpUri"] = quote(links[0].split()[0], safe=":/?#[]@!$&'()*+,;=%~")
    return rule


def _help(title: str, context: CheckContext) -> _Object:
    parts = [
        ("Why", context.why),
        ("Expected", context.derived),
        ("Fix", context.fix),
        ("Risk", context.risk),
        *(("Caveat", caveat) for caveat in context.caveats),
        *(("Source", source) for source in context.sources),
    ]
    said = [(label, text_cell(text, 4_000)) for label, text in parts if text]
    return {
        "text": "\n".join([title, *(f"{label}: {text}" for label, text in said)]),
        "markdown": "\n\n".join(
            [f"**{prose(title)}**", *(f"**{label}**: {prose(text, 4_000)}" for label, text in said)]
        ),
    }


def _result(report: HostReport, result: Result, rules: _Rules, context: RunContext) -> _Object:
    name = text_cell(report.name, 255)
    decided = rules.decided.of(report.name, result.check)
    row: _Object = {
        "ruleId": text_cell(result.check),
        "ruleIndex": rules.number(result.check, result.title, result.severity, result.layer),
        "kind": "fail",
        "level": _LEVELS[result.severity],
        "message": _message(name, result),
        "locations": [_location(report.name, context, decided)],
        "partialFingerprints": {"hostAndCheck/v1": _fingerprint(report.name, result.check)},
        "properties": {"severity": result.severity.value, "host": name},
    }
    if related := _related(result.check, context, context.places.get(report.name) if decided else None):
        row["relatedLocations"] = related
    if result.verdict is Verdict.WAIVED:
        row["suppressions"] = [_suppression(result)]
    return row


def _message(name: str, result: Result) -> _Object:
    items = failed_items(result)
    changes = [f"{text_cell(item.subject)}: {change_cell(item, result.unit)}" for item in items[:_ITEMS]]
    if len(items) > _ITEMS:
        changes.append(f"and {len(items) - _ITEMS:,} more")
    said = "; ".join(changes) or change_cell(result, result.unit)
    texts = [f"{name}: {text_cell(result.title)}: {said}."]
    texts += [
        f"{label} {text_cell(text)}" for label, text in (("Read:", result.evidence), ("Fix:", result.fix)) if text
    ]
    return {"text": _literal("\n".join(texts))}


def _literal(text: str) -> str:
    """Text in which SARIF reads neither a placeholder, such as ``{0}``, nor a link, such as ``[here](there)``."""
    text = text.replace("{", "{{").replace("}", "}}")
    return text.replace("[", "\\[").replace("]", "\\]") if "](" in text else text


def _across(finding: FleetFinding, rules: _Rules, context: RunContext) -> _Object:
    row: _Object = {
        "ruleId": text_cell(finding.check),
        "ruleIndex": rules.number(finding.check, finding.title, finding.severity, "path"),
        "kind": "fail",
        "level": _LEVELS[finding.severity],
        "message": {
            "text": _literal(f"{text_cell(finding.title)}: {text_cell(finding.evidence)}.\n{text_cell(finding.fix)}")
        },
        "locations": [_location(host, context) for host in finding.hosts[:_MOST_HOSTS]],
        "partialFingerprints": {
            "hostAndCheck/v1": _fingerprint(" ".join(sorted(finding.hosts)), finding.check),
        },
        "properties": {"severity": finding.severity.value, "hosts": [text_cell(host) for host in finding.hosts]},
    }
    if related := _related(finding.check, context):
        row["relatedLocations"] = related
    return row


def _suppression(result: Result) -> _Object:
    waived = result.waived
    by = f" ({waived.ticket}, {waived.approver}, until {time_text(waived.until)})" if waived else ""
    return {"kind": "external", "status": "accepted", "justification": text_cell(f"{result.reason or ''}{by}")}


def _location(host: str, context: RunContext, decided: Where | None = None) -> _Object:
    """Where it is said what is expected of the host, else where the inventory names it; and the host itself."""
    name = text_cell(host, 255)
    location: _Object = {"logicalLocations": [{"name": name, "fullyQualifiedName": f"host/{name}", "kind": "resource"}]}
    place = decided or context.places.get(host)
    if place is not None and place.line:
        location["physicalLocation"] = _physical(place)
    return location


def _related(check: str, context: RunContext, host: Where | None = None) -> list[_Object]:
    """Where the rule is written, and where the inventory names the host if something else is pointed at."""
    known = context.checks.get(check)
    places = [("the rule", known.where if known else None), ("the host", host)]
    return [
        {"id": number, "message": {"text": text}, "physicalLocation": _physical(place)}
        for number, (text, place) in enumerate(((text, place) for text, place in places if place and place.line), 1)
    ]


def _physical(place: Where) -> _Object:
    file = quote(place.file.encode("utf-8", "surrogateescape"), safe="/")
    region = {"startLine": place.line}
    if place.column:
        region["startColumn"] = place.column
    if file.startswith("/"):
        return {"artifactLocation": {"uri": f"file://{file}"}, "region": region}
    return {"artifactLocation": {"uri": file.removeprefix("./"), "uriBaseId": ROOT}, "region": region}


def _fingerprint(host: str, check: str) -> str:
    """The same for one finding in every run."""
    return hashlib.sha256(f"{host}\0{check}".encode("utf-8", "backslashreplace")).hexdigest()


def _notify(notifications: list[_Object], report: HostReport, context: RunContext) -> None:
    if report.error is None or len(notifications) >= _MOST_NOTIFICATIONS:
        return
    notifications.append(
        {
            "descriptor": {"id": str(report.error.kind)},
            "level": "error",
            "message": {"text": _literal(f"{text_cell(report.name, 255)}: {trouble_cell(report)}")},
            "locations": [_location(report.name, context)],
        }
    )


def _invocation(run: RunInfo, summary: Summary, notifications: Sequence[Mapping[str, object]]) -> _Object:
    invocation: _Object = {
        "executionSuccessful": not (run.interrupted or summary.unreachable or summary.error),
        "startTimeUtc": time_text(run.started_at),
        "toolExecutionNotifications": list(notifications),
        "properties": {"hosts": summary.hosts, "ok": summary.ok, "waived": summary.waived, "unknown": summary.unknown},
    }
    if run.notes:
        invocation["toolConfigurationNotifications"] = [
            {"level": "warning", "message": {"text": _literal(text_cell(note))}} for note in run.notes
        ]
    return invocation
