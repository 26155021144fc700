"""The findings of a run as sections of the page: one a check, worst first, with everything that is known of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from netaudit.fleet.bins import Bin
from netaudit.fleet.fold import Folded, FoldedFinding, WaiverKey
from netaudit.fleet.lines import FoldedLine
from netaudit.model.context import CheckContext
from netaudit.model.natural import natural_key
from netaudit.model.result import FleetFinding, Severity, Verdict
from netaudit.report.html.columns import FLEET_LAYER
from netaudit.report.html.distributions import Distribution
from netaudit.report.html.page import slug
from netaudit.report.signs import UNICODE
from netaudit.report.values import change_texts, subjects_text

NOTHING_SAID = CheckContext("")


@dataclass(frozen=True, slots=True)
class ValueLine:
    """Hosts that share subject and expectation."""

    severity: Severity
    hosts: tuple[str, ...]
    group: str  # "all 12 of web", "of 40 in web", or nothing
    subjects: str
    observed: str
    expected: str


@dataclass(frozen=True, slots=True)
class Said:
    """One text, and the host that it is from."""

    host: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """One check that fails somewhere."""

    id: str  # of the element
    check: str
    title: str
    layer: str
    severity: Severity
    hosts: tuple[str, ...]
    lines: tuple[ValueLine, ...]
    reasons: tuple[str, ...]
    evidence: tuple[Said, ...]
    fixes: tuple[str, ...]
    remediation: str
    explanation: CheckContext
    waivers: tuple[Bin[WaiverKey], ...]
    distribution: Distribution | None
    is_across: bool = False  # only several hosts together show it

    @property
    def severities(self) -> tuple[Severity, ...]:
        """All severities of it, the worst first."""
        return tuple(dict.fromkeys(line.severity for line in self.lines))


def sections_of(
    folded: Folded,
    fleet: Sequence[FleetFinding],
    checks: Mapping[str, CheckContext],
    distributions: Mapping[str, Distribution],
) -> tuple[Section, ...]:
    """A section for each failing check, worst severity first, then those with most hosts."""
    by_check: dict[str, list[FoldedFinding]] = {}
    for finding in folded.findings:
        by_check.setdefault(finding.check, []).append(finding)
    sections = [
        _section(findings, checks.get(check, NOTHING_SAID), _waivers(check, folded), distributions.get(check))
        for check, findings in by_check.items()
    ]
    across = [finding for finding in fleet if finding.verdict is Verdict.FAIL]
    sections += [
        _across(place, finding, checks.get(finding.check, NOTHING_SAID)) for place, finding in enumerate(across)
    ]
    return tuple(
        sorted(sections, key=lambda each: (-each.severity.rank, not each.is_across, -len(each.hosts), each.id))
    )


def _waivers(check: str, folded: Folded) -> tuple[Bin[WaiverKey], ...]:
    return tuple(each for each in folded.waived if each.kind.check == check)


def _section(
    findings: Sequence[FoldedFinding],
    explanation: CheckContext,
    waivers: tuple[Bin[WaiverKey], ...],
    distribution: Distribution | None,
) -> Section:
    worst = findings[0]  # they come worst first
    pairs = [(finding, line) for finding in findings for line in finding.lines]
    hosts = {host for finding in findings for host in finding.hosts}
    return Section(
        id=f"check-{slug(worst.check)}",
        check=worst.check,
        title=worst.title,
        layer=worst.layer,
        severity=worst.severity,
        hosts=tuple(sorted(hosts, key=natural_key)),
        lines=tuple(_value_line(finding, line) for finding, line in pairs),
        reasons=_different(line.example.reason for _, line in pairs),
        evidence=tuple(Said(line.example.host, line.example.evidence) for _, line in pairs if line.example.evidence),
        fixes=_different(line.example.fix for _, line in pairs),
        remediation=worst.remediation or "",
        explanation=explanation,
        waivers=waivers,
        distribution=distribution,
    )


def _value_line(finding: FoldedFinding, line: FoldedLine) -> ValueLine:
    seen, wanted = change_texts(line.observed, line.expected, finding.unit, UNICODE)
    share = ""
    if line.group:
        is_all = line.group_hosts == len(line.hosts)
        share = f"all of {line.group}" if is_all else f"of {line.group_hosts:,} in {line.group}"
    subjects = subjects_text(line.subjects, UNICODE) if line.subjects else ""
    return ValueLine(finding.severity, line.hosts, share, subjects, seen, wanted)


def _across(place: int, finding: FleetFinding, explanation: CheckContext) -> Section:
    return Section(
        id=f"fleet-{place}-{slug(finding.check)}",
        check=finding.check,
        title=finding.title,
        layer=FLEET_LAYER,
        severity=finding.severity,
        hosts=finding.hosts,
        lines=(ValueLine(finding.severity, finding.hosts, "", "", "", finding.expected or ""),),
        reasons=(),
        evidence=(Said("", finding.evidence),),
        fixes=(finding.fix,) if finding.fix else (),
        remediation="",
        explanation=explanation,
        waivers=(),
        distribution=None,
        is_across=True,
    )


def _different(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))
