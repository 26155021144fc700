"""What a reader has to know first: how many hosts, how bad, and what to do before anything else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from netaudit.fleet.fold import Folded
from netaudit.model.result import Severity
from netaudit.report.html.charts import Part, strip
from netaudit.report.html.sections import Section
from netaudit.report.words import count

FIRST_THINGS = 4
_STATES = (
    ("c", "critical", "critical"),
    ("h", "high", "high"),
    ("m", "medium", "medium"),
    ("l", "low", "low"),
    ("p", "in order", "pass"),
    ("n", "no verdict", "silent"),
)
ATTENTION = "chm"  # states of a host that make a reader act: what fails a run by default


@dataclass(frozen=True, slots=True)
class FirstThing:
    """One thing to do, and where the page says more."""

    what: str
    title: str
    severity: Severity
    hosts: tuple[str, ...]
    section: str


@dataclass(frozen=True, slots=True)
class Headline:
    """The top of the page. ``parts`` are the hosts by their worst finding."""

    title: str
    lead: str
    parts: tuple[Part, ...]
    first: tuple[FirstThing, ...]


def headline_of(worst: Iterable[str], folded: Folded, sections: Sequence[Section]) -> Headline:
    """The headline; ``worst`` has the worst state of each host. What is only worth knowing is no fault."""
    by_state = dict.fromkeys([state for state, _, _ in _STATES], 0)
    for state in worst:
        by_state["p" if state == "i" else state] += 1
    parts = strip([(label, by_state[state], tone) for state, label, tone in _STATES])
    first = [_first(section) for section in sections if section.severity is not Severity.INFO][:FIRST_THINGS]
    return Headline(_title(by_state), _lead(folded, sections), parts, tuple(first))


def _title(by_state: dict[str, int]) -> str:
    total = sum(by_state.values())
    bad = sum(by_state[state] for state in ATTENTION)
    silent = by_state["n"]
    if not total:
        return "No host was audited"
    if total == silent:
        return f"None of {count(total, 'host')} gave a verdict" if total > 1 else "The host gave no verdict"
    if total == 1:
        return "This host needs attention" if bad else "This host is in order"
    if bad:
        return f"{bad:,} of {total:,} hosts need attention" if bad > 1 else f"1 of {total:,} hosts needs attention"
    if silent:
        return f"{total - silent:,} of {total:,} hosts are in order, {silent:,} gave no verdict"
    return f"All {total:,} hosts are in order"


def _lead(folded: Folded, sections: Sequence[Section]) -> str:
    """How bad, in a sentence or two."""
    summary = folded.summary
    counts = {severity: sum(section.severity is severity for section in sections) for severity in Severity}
    remarks = counts.pop(Severity.INFO)
    named = [f"{number:,} {severity.value}" for severity, number in counts.items() if number]
    kinds = sum(counts.values())
    checks = "check fails" if kinds == 1 else "checks fail"
    where = "" if summary.hosts == 1 else " somewhere"
    said = [f"{kinds:,} {checks}{where}: {', '.join(named)}." if named else "Nothing failed."]
    if remarks:
        said.append(f"{count(remarks, 'remark')} worth knowing, and no fault.")
    silent = summary.unreachable + summary.error
    if silent:
        said.append(f"{count(silent, 'host')} gave no verdict.")
    if summary.unknown:
        said.append(f"{count(summary.unknown, 'result')} could not be decided, and none of them counts as a pass.")
    return " ".join(said)


def _first(section: Section) -> FirstThing:
    what = section.fixes[0] if section.fixes else section.title
    return FirstThing(what, section.title, section.severity, section.hosts, section.id)
