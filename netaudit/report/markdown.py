"""A run as a comment on a ticket or a merge request: GitHub's Markdown, which GitLab renders as well.

Equal findings of many hosts are one section, folded away but for its first line, worst first. A comment has a bound
(65,536 characters on GitHub): what does not fit is left out from the end, and the comment says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from netaudit.fleet.bins import Bin
from netaudit.fleet.fold import Fold, Folded, FoldedFinding, TroubleKey
from netaudit.fleet.jsonable import time_text
from netaudit.fleet.lines import FoldedLine
from netaudit.fleet.names import fold_within
from netaudit.model.context import NO_CONTEXT, RunContext
from netaudit.model.result import FleetFinding, HostReport, RunInfo, Severity, Summary, Verdict
from netaudit.report.markdown_text import code, details, in_html, prose, table
from netaudit.report.signs import UNICODE
from netaudit.report.values import change_texts, subjects_text
from netaudit.report.words import count
from netaudit.units import format_duration

MOST_CHARS = 60_000  # of the 65,536 that GitHub takes: the rest is room for what a pipeline puts around it
_FOOTER_CHARS = 400
_HOSTS_CHARS = 400
_OPEN = 3  # findings that are not folded away


def markdown(
    run: RunInfo,
    summary: Summary,
    hosts: Iterable[HostReport],
    fleet: Sequence[FleetFinding],
    context: RunContext = NO_CONTEXT,
) -> Iterator[str]:
    """The comment, in one piece."""
    fold = Fold(context.groups)
    for report in hosts:
        fold.add(report)
    folded = fold.folded(fleet)
    head = _head(run, summary)
    sections = list(_sections(folded, fleet, context))
    yield within(head, sections, f"`netaudit show {run.id}` shows everything.", MOST_CHARS)


def within(head: str, sections: Sequence[str], advice: str, most_chars: int) -> str:
    """Head and as many sections as there is room for, the first ones; what is left out is counted at the end."""
    kept = [head]
    room = most_chars - len(head) - _FOOTER_CHARS
    left = 0
    for section in sections:
        if left or len(section) > room:
            left += 1
            continue
        kept.append(section)
        room -= len(section)
    if left:
        kept.append(f"\n**{left:,} more sections are left out: a comment has room for no more.** {advice}\n")
    return "".join(kept)


def _head(run: RunInfo, summary: Summary) -> str:
    against = f" against {prose(run.baseline.name)}" if run.baseline else ""
    lines = [
        f"## netaudit {prose(run.command)}: {count(summary.hosts, 'host')}{against}",
        "",
        f"| hosts | ok | no verdict | {' | '.join(severity.value for severity in Severity)} | waived | unknown |",
        f"|{'---:|' * (5 + len(Severity))}",
        f"| {summary.hosts:,} | {summary.ok:,} | {summary.unreachable + summary.error:,} | "
        + " | ".join(_number(summary.findings.get(severity, 0)) for severity in Severity)
        + f" | {summary.waived:,} | {summary.unknown:,} |",
        "",
        f"Run {code(run.id)}, {time_text(run.started_at)}, {format_duration(run.duration_s)}.",
        "",
    ]
    if run.host_key_checking == "off":
        lines += ["**Host-key checking was off: these may be the answers of other machines.**", ""]
    if run.interrupted:
        lines += ["**The run was interrupted: hosts that were not finished are listed as cancelled.**", ""]
    for note in run.notes[:10]:
        lines += [f"> {prose(note)}", ""]
    if not any(summary.findings.values()) and summary.ok:
        lines += ["Nothing failed.", ""]
    return "\n".join(lines) + "\n"


def _number(number: int) -> str:
    return f"**{number:,}**" if number else "0"


def _sections(folded: Folded, fleet: Sequence[FleetFinding], context: RunContext) -> Iterator[str]:
    if folded.troubles:
        yield _troubles(folded.troubles)
    place = 0
    for severity in Severity:
        for finding in fleet:
            if finding.severity is severity and finding.verdict is Verdict.FAIL:
                yield _across(finding, place < _OPEN)
                place += 1
        for each in folded.findings:
            if each.severity is severity:
                yield _finding(each, context, place < _OPEN and severity is not Severity.INFO)
                place += 1
    if folded.waived:
        rows = [(code(each.kind.check), _hosts(each.hosts), prose(each.text)) for each in folded.waived]
        yield details(f"{count(folded.summary.waived, 'finding')} waived", table(("check", "hosts", "why"), rows))
    if folded.unknown:
        rows = [(prose(each.text), _hosts(each.hosts), code(", ".join(each.sources))) for each in folded.unknown]
        title = f"{count(folded.summary.unknown, 'result')} unknown, and none of them is a pass"
        yield details(title, table(("reason", "hosts", "checks"), rows))


def _troubles(troubles: Sequence[Bin[TroubleKey]]) -> str:
    rows = [
        (_hosts(each.hosts), code(f"{each.kind.status}: {each.kind.error}"), prose(each.text), prose(each.detail))
        for each in troubles
    ]
    silent = sum(len(each.hosts) for each in troubles)
    return f"### {count(silent, 'host')} without verdict\n\n" + table(("hosts", "kind", "such as", "hint"), rows)


def _finding(finding: FoldedFinding, context: RunContext, is_open: bool) -> str:  # noqa: FBT001  # private
    example = finding.lines[0].example
    rows = [_line(line, finding) for line in finding.lines]
    parts = [code(finding.check) + "\n\n", table(("hosts", "observed", "expected"), rows)]
    why = context.checks[finding.check].why if finding.check in context.checks else ""
    parts += [f"{prose(text)}\n\n" for text in (why, example.reason) if text]
    if example.evidence:
        parts.append(f"Read{_on(example.host, finding)}: {code(example.evidence)}\n\n")
    if example.fix:
        parts.append(f"Fix: {prose(example.fix)}\n\n")
    title = _title(finding.severity, finding.title, len(finding.hosts))
    return details(title, "".join(parts), is_open=is_open)


def _on(host: str, finding: FoldedFinding) -> str:
    return f" on {code(host, 100)}" if len(finding.hosts) > 1 else ""


def _line(line: FoldedLine, finding: FoldedFinding) -> tuple[str, str, str]:
    observed, expected = change_texts(line.observed, line.expected, finding.unit, UNICODE)
    subjects = f"{code(subjects_text(line.subjects, UNICODE))}: " if line.subjects else ""
    return _hosts(line.hosts), subjects + code(observed), code(expected)


def _across(finding: FleetFinding, is_open: bool) -> str:  # noqa: FBT001  # private
    parts = [f"{code(finding.check)} on {_hosts(finding.hosts)}\n\n", f"Read: {code(finding.evidence)}\n\n"]
    if finding.fix:
        parts.append(f"Fix: {prose(finding.fix)}\n\n")
    return details(_title(finding.severity, finding.title, len(finding.hosts)), "".join(parts), is_open=is_open)


def _title(severity: Severity, title: str, hosts: int) -> str:
    return f"<b>{severity.value.upper()}</b> {in_html(title, 300)} ({count(hosts, 'host')})"


def _hosts(names: Sequence[str]) -> str:
    return code(fold_within([name[:100] for name in names], _HOSTS_CHARS), 2 * _HOSTS_CHARS)
