"""What became of a remediation as JUnit's XML: a suite a host with a test for each change, and one for the gates.

A change that was undone or refused is a ``failure``, a host whose state is not known an ``error``, and so is one that
gave no answer. A change whose turn never came, because an earlier batch stopped the rollout, is ``skipped``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netaudit.fleet.jsonable import time_text
from netaudit.model.plan import HostOutcome, Outcome, Step
from netaudit.remedy.gates import GateVerdict
from netaudit.report.cells import text_cell
from netaudit.report.junit_text import element, escaped, properties, skipped, tag
from netaudit.report.remediation import Told, figure

GATES = "gates"
_KINDS = ("failures", "errors", "skipped")
_Case = tuple[str, str, str]  # the name of a test, what is counted of it (empty: passed), and its element


def remediation_junit(account: Told) -> Iterator[str]:
    """The suites of all hosts in inventory order, then the gates."""
    suites = [(host, _cases(account, host)) for host in account.hosts]
    gates = _gates(account)
    every = [case for _, cases in suites for case in cases] + gates
    attributes = {"name": text_cell(f"netaudit {account.run.command} {account.run.id}")}
    attributes |= {kind: str(_count(every, kind)) for kind in ("failures", "errors")}
    attributes["time"] = f"{account.run.duration_s:.3f}"
    yield '<?xml version="1.0" encoding="UTF-8"?>\n' + tag("testsuites", attributes)
    for host, cases in suites:
        about = {"address": text_cell(host.address), "outcome": host.outcome.value}
        if account.run.host_key_checking == "off":
            about["host_key_checking"] = "off"
        yield _suite(account, host.host, cases, host.duration_s, properties(about), host.notes)
    if gates:
        yield _suite(account, GATES, gates, 0.0, "", ())
    yield "</testsuites>\n"


def _suite(account: Told, name: str, cases: Sequence[_Case], time_s: float, about: str, notes: Sequence[str]) -> str:
    counts = {"tests": str(len(cases)), **{kind: str(_count(cases, kind)) for kind in _KINDS}}
    started = time_text(account.run.started_at).removesuffix("Z")  # the schemas of JUnit know no zone
    attributes = {"name": text_cell(name), **counts, "time": f"{time_s:.3f}", "timestamp": started}
    parts = [" ", tag("testsuite", attributes), about]
    for test, _, outcome in cases:
        said = {"classname": text_cell(name), "name": test, "time": "0"}
        parts.append(f"  {tag('testcase', said, closed=not outcome)}")
        parts.append(f"   {outcome}\n  </testcase>\n" if outcome else "")
    if notes:
        parts.append(f"  <system-out>{escaped(chr(10).join(map(text_cell, notes)))}</system-out>\n")
    return "".join([*parts, " </testsuite>\n"])


def _count(cases: Sequence[_Case], kind: str) -> int:
    return sum(1 for _, counted, _ in cases if counted == kind)


def _cases(account: Told, host: HostOutcome) -> list[_Case]:
    """A test for each change in each batch; one for the host itself where no change is known."""
    parts = account.rolled.parts(host.host)
    cases = [(_name(step), *_judged(account, part, _change(step))) for part in parts for step in part.steps]
    return cases or [("change", *_judged(account, host, ""))]


def _name(step: Step) -> str:
    return text_cell(f"{step.subject} in {step.namespace}" if step.namespace else step.subject)


def _change(step: Step) -> str:
    return text_cell(f"{step.before} -> {step.after}")


def _judged(account: Told, part: HostOutcome, change: str) -> tuple[str, str]:
    """What is counted, and the element."""
    if part.outcome in account.good:
        return "", ""
    label, means = account.label(part.outcome)[0], account.means(part.outcome)
    message = text_cell(part.reason) or means
    if part.outcome is Outcome.UNREACHED and part.reason in {account.rolled.reason, "its turn never came"}:
        return "skipped", skipped(message)
    story = "\n".join(filter(None, (f"{label}: {means}", change, text_cell(part.reason), text_cell(part.hint))))
    if part.outcome in {Outcome.LOST, Outcome.UNREACHED}:
        return "errors", element("error", message, part.outcome.value, story)
    return "failures", element("failure", message, part.outcome.value, story)


def _gates(account: Told) -> list[_Case]:
    cases = []
    for number, verdicts in sorted(account.rolled.verdicts.items()):
        for place, verdict in enumerate(verdicts, 1):
            name = f"batch {number}" + (f", part {place}" if len(verdicts) > 1 else "")
            cases.append((name, *_gate(verdict)))
    return cases


def _gate(verdict: GateVerdict) -> tuple[str, str]:
    if verdict.passed:
        return "", ""
    lines = [text_cell(reason) for reason in verdict.reasons]
    lines += [
        text_cell(
            f"{row.host} {row.counter}: {row.note or f'{_rate(row.before, row.unit)} -> {_rate(row.now, row.unit)}'}"
        )
        for row in verdict.rows
        if not row.passed
    ]
    return "failures", element("failure", text_cell(verdict.reason), "gate", "\n".join(lines))


def _rate(value: float | None, unit: str) -> str:
    return "not known" if value is None else figure(value, unit)
