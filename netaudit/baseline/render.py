"""Rules for a reader: the list of checks, one check explained, a baseline as it is resolved.

Gives plain rows and texts; how they look is the command's business. Text of hosts is passed through as it is and must
be made harmless where it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from netaudit.baseline.closures import Tree, closure
from netaudit.baseline.evaluate import evaluate
from netaudit.baseline.evidence import counted, source_of, sysctl_path
from netaudit.baseline.plain import claim_in_words, plain_rules
from netaudit.baseline.reads import all_reads
from netaudit.baseline.schema import Check, Extent, Rules
from netaudit.baseline.scope import RunningSysctls, Scope
from netaudit.baseline.select import HostCheck, HostRules
from netaudit.baseline.unknown import Unknown
from netaudit.baseline.values import as_text
from netaudit.baseline.wording import in_words
from netaudit.baseline.yaml_text import yaml_text
from netaudit.facts.absence import why_absent
from netaudit.model.facts import Facts
from netaudit.model.result import Result, Verdict

_LAYERS = {
    "application": "the application", "listener": "listening sockets", "transport": "TCP and UDP",
    "conntrack": "connection tracking", "ip": "IP", "qdisc": "queueing disciplines", "nic": "network interfaces",
    "link": "links", "path": "the path to other hosts", "host": "the host", "tracing": "tracing",
}  # fmt: skip
_KINDS = {
    "setting": "a setting", "headroom": "how much room is left", "state": "a state at this moment",
    "topology": "how things fit together",
}  # fmt: skip
_RISKS = {
    "safe": "safe: nothing notices while it is done",
    "disruptive": "disruptive: connections or a service are interrupted",
    "can-cut-connectivity": "can cut connectivity: the host may not be reachable afterwards",
}
_MOST_ITEMS = 20
_OWN: Tree = ["attr", ["facts"], "own"]


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check in a list."""

    id: str
    severity: str
    layer: str
    kind: str
    scope: str
    title: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of an explanation: a heading and what stands under it, a line an item."""

    heading: str
    lines: tuple[str, ...]


def check_rows(rules: Rules) -> tuple[CheckRow, ...]:
    """The checks of a baseline, in their order."""
    return tuple(
        CheckRow(made.id, str(made.severity), str(made.layer), str(made.kind), str(made.extent), made.title)
        for made in rules.checks
    )


def show_baseline(rules: Rules, host: HostRules | None = None) -> str:
    """A resolved baseline as YAML; with a host's rules, as it is for that host, variables and overrides applied."""
    return yaml_text(baseline_as_plain(rules, host))


def baseline_as_plain(rules: Rules, host: HostRules | None = None) -> dict[str, object]:
    """The same as plain values, for JSON."""
    if host is None:
        return plain_rules(rules)
    found = plain_rules(rules, [made.compiled.check for made in host.checks if made.skip is None])
    found["vars"] = dict(host.variables)
    skipped = {made.compiled.check.id: made.skip for made in host.checks if made.skip is not None}
    found.pop("overrides", None)
    return {**found, "skipped": skipped} if skipped else found


def explain(check: Check, rules: Rules) -> tuple[Passage, ...]:
    """Everything that a check says, for someone who has never heard of it."""
    passages = (
        Passage(f"{check.id}: {check.title}", (_nature(check),)),
        Passage("Why it matters", (check.why,)),
        Passage("What is looked at", tuple(_looked_at(check))),
        Passage("What must hold", tuple(_claims(check))),
        Passage("How the expected value comes about", tuple(_derivation(check, rules))),
        Passage(
            "Where it does not apply",
            tuple(f"{in_words(each.otherwise.text)} (unless {each.when.text})" for each in check.applies_to),
        ),
        Passage("Kernel versions", tuple(_kernel(check))),
        Passage("What to do", tuple(_remedy(check))),
        Passage("What it does not say", check.caveats),
        Passage("Sources", check.sources),
        Passage("Defined in", (str(check.where),) if check.where is not None else ()),
    )
    return tuple(each for each in passages if any(each.lines))


def explain_on(rules: HostRules, check_id: str, facts: Facts, now: datetime) -> tuple[Passage, ...]:
    """What a check comes to on one host: its numbers and its result. Empty when the host has no such check."""
    check = next((each for each in rules.checks if each.compiled.check.id == check_id), None)
    if check is None:
        return ()
    alone = HostRules((check,), rules.variables, rules.domains, rules.judges)
    result = evaluate(alone, facts, now)[0]
    return (
        Passage(f"The numbers of {facts.host}", tuple(numbers(check, facts))),
        Passage(f"The result on {facts.host}", tuple(_result(result))),
    )


def _nature(check: Check) -> str:
    where = "in every network namespace" if check.extent is Extent.NAMESPACE else "once a host"
    return f"{_KINDS[check.kind].capitalize()} of {_LAYERS[check.layer]}; severity {check.severity}; looked at {where}"


def _looked_at(check: Check) -> Iterator[str]:
    if check.for_each is not None:
        where = f" where {check.for_each.where.text}" if check.for_each.where is not None else ""
        yield f"each {check.for_each.name} of {check.for_each.listed.text}{where}"
    if check.value is not None:
        unit = f", in {check.unit}" if check.unit else ""
        yield f"{check.value.text}{unit}"
    for name in all_reads(check):
        if name.startswith("sysctl:"):
            yield f"read from {sysctl_path(name.removeprefix('sysctl:'))}"
        elif name.startswith("facts.") and source_of(name) != name:
            yield f"read from {source_of(name)}"


def _claims(check: Check) -> Iterator[str]:
    for level in check.levels:
        note = f": {in_words(level.note.text)}" if level.note is not None else ""
        yield f"{in_words(claim_in_words(level.claim))}; otherwise {level.severity}{note}"
    if check.expected is not None:
        yield f"in words: {in_words(check.expected.text)}"


def _derivation(check: Check, rules: Rules) -> Iterator[str]:
    if check.derive:
        yield check.derive
    for name, made in check.definitions:
        yield f"{name} = {made.text}"
    for name in all_reads(check):
        if name.startswith("vars."):
            value = rules.variables.get(name.removeprefix("vars."))
            yield f"{name} is {'not set' if value is None else as_text(value) or 'empty'} in {rules.name}"


def _kernel(check: Check) -> Iterator[str]:
    if check.kernel:
        yield check.kernel
    if check.kernel_default is not None:
        yield f"the kernel's default: {check.kernel_default.text}"


def _remedy(check: Check) -> Iterator[str]:
    if check.fix is not None:
        yield in_words(check.fix.text)
    for name, value in check.desired:
        yield f"{in_words(name.text)} = {in_words(value.text)}"
    if check.remediation is not None:
        yield f"remediation: {check.remediation}"
    if check.risk is not None:
        yield _RISKS[check.risk]


def numbers(check: HostCheck, facts: Facts) -> Iterator[str]:
    """What a check reads of a host and works out from it, a line each; what is absent with its reason."""
    scope = Scope(facts, RunningSysctls(facts, lambda name: why_absent(name, facts)), check.variables)
    scope.definitions = check.compiled.definitions
    made = check.compiled.check
    for name in all_reads(made):
        yield f"{_shown_name(name)} = {_number(name, check, scope)}"
    if made.for_each is None:
        for name, _ in made.definitions:
            yield f"{name} = {_worked_out(name, scope)}"


def _shown_name(name: str) -> str:
    return f"sysctl {name.removeprefix('sysctl:')}" if name.startswith("sysctl:") else name


def _number(name: str, check: HostCheck, scope: Scope) -> str:
    if name.startswith("vars."):
        value = check.variables.get(name.removeprefix("vars."))
        return "not set" if value is None else as_text(value) or "empty"
    if name.startswith("sysctl:"):
        key = name.removeprefix("sysctl:")
        if "*" in key:
            return "one for each subject"
        tree: Tree = ["sysctl", ["c", key]]
    else:
        tree = _fact(name)
    try:
        return _brief(closure(tree)(scope))
    except Unknown as unknown:
        return f"({unknown.absent})"


def _fact(name: str) -> Tree:
    """The tree of a fact by its name; a user's own probes are entries of a mapping."""
    tree: Tree = ["facts"]
    for part in name.split(".")[1:]:
        tree = ["key", tree, ["c", part]] if tree == _OWN else ["attr", tree, part]
    return tree


def _brief(value: object) -> str:
    if isinstance(value, str | int | float):
        return as_text(value)
    if isinstance(value, list | tuple):
        plain = all(isinstance(item, str | int | float) for item in value) and len(value) <= 12
        return as_text(value) if plain else counted(value)
    return counted(value) if isinstance(value, dict) else "read"


def _worked_out(name: str, scope: Scope) -> str:
    try:
        return _brief(scope.names[name] if name in scope.names else scope.define(name))
    except Unknown as unknown:
        return f"({unknown.reason})"


def _result(result: Result) -> Iterator[str]:
    yield f"{result.verdict}, {result.severity}" if result.verdict is Verdict.FAIL else str(result.verdict)
    for word, text in (("observed", result.observed), ("expected", result.expected), ("evidence", result.evidence)):
        if text is not None:
            yield f"{word}: {as_text(text)}"
    for word, text in (("reason", result.reason), ("fix", result.fix)):
        if text is not None:
            yield f"{word}: {text}"
    for item in result.items[:_MOST_ITEMS]:
        yield f"{item.subject}: {item.verdict}, {as_text(item.observed)}; {item.evidence}"
    if len(result.items) > _MOST_ITEMS:
        yield f"and {len(result.items) - _MOST_ITEMS} more"
    if result.passed_items:
        yield f"{result.passed_items} passed"
