"""Turns what an audit found on a host into what would be changed there, and what is left alone and why.

Pure: facts and findings go in, a plan comes out. A finding is answered whole or not at all; changes that several
findings want are combined to the strictest; and what the changes would come to is evaluated by the same checks before
anything is proposed to a person.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import cast

from netaudit.baseline.evaluate import failures
from netaudit.baseline.schema import CheckKind
from netaudit.baseline.select import HostRules
from netaudit.baseline.sight import Same
from netaudit.facts.view import as_json
from netaudit.model.facts import Facts, Persisted, PersistedValue
from netaudit.model.plan import HostPlan, NotRemedied, Step, StepClass
from netaudit.model.reading import Absent
from netaudit.model.result import Item, Result, Severity, Verdict
from netaudit.remedy.changes import Change, Choices, bond_members, decide, present, with_undo
from netaudit.remedy.holders import carries_logins, tcp_listeners
from netaudit.remedy.keeping import Kept, drop_in
from netaudit.remedy.keys import module_of, place_of
from netaudit.remedy.operations import OPERATIONS
from netaudit.remedy.operations.modules import LOADED
from netaudit.remedy.persistence import MODPROBE_DIRECTORY, MODULES_DIRECTORY, own_file, stamp_of
from netaudit.remedy.proposals import UNANSWERED, Answer, Finding, Proposal, Target, answer, fix_of
from netaudit.remedy.refused import Refused
from netaudit.remedy.remediation import Remediations

# The domains of the facts that a plan rests on besides those that checks read.
DOMAINS = frozenset({
    "sysctl", "kernel", "persisted", "writers", "namespaces", "listeners", "nics", "routing", "conntrack", "limits",
    "memory", "cpu", "managers",
})  # fmt: skip
FOR_INFORMATION = "for information only: named with --only it is remedied"
PUT_RIGHT = "what is changed here puts it right as well"
_FILES = {"load_module": MODULES_DIRECTORY, "module_param": MODPROBE_DIRECTORY, "conntrack_hash": MODPROBE_DIRECTORY}
_REMEMBERED = 64  # files of hosts that are alike, with a change
_CLASSES = {step_class: place for place, step_class in enumerate(StepClass)}


@dataclass(frozen=True, slots=True)
class Material:
    """All that the plan of a host is made of."""

    rules: HostRules
    facts: Facts
    results: Sequence[Result]
    remediations: Remediations
    choices: Choices
    now: datetime  # UTC: of the plan as a whole, and part of the names of its files


def host_plan(material: Material) -> HostPlan:
    """The plan of one host that was audited."""
    return _Planning(material).plan()


def facts_digest(facts: Facts) -> str:
    """The sha256 of everything that is known of a host but the time."""
    shown = {name: value for name, value in as_json(facts).items() if name != "taken_at"}
    return hashlib.sha256(json.dumps(shown, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class _Planning:
    """One host's plan on its way. Answers that cannot be made leave it one by one, each with its reason."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._facts = material.facts
        self._choices = material.choices
        self._left: list[NotRemedied] = []
        self._answers: list[Answer] = []
        self._failing = {
            (check.compiled.check.id, subject): (check, outcome)
            for check, subject, outcome in failures(_failed(material), material.facts, material.now)
        }

    def plan(self) -> HostPlan:
        """The plan."""
        facts = self._facts
        self._leave_results()
        self._answer_findings()
        boot_id = facts.kernel.boot_id if not isinstance(facts.kernel, Absent) else ""
        if not boot_id:
            self._leave_all("which boot this is could not be read, so that a reboot in between would not be seen")
        changes = self._settled()
        self._leave_idle(changes)
        self._say_put_right(changes)
        return HostPlan(
            host=facts.host,
            address=facts.address,
            boot_id=boot_id,
            facts_sha256=facts_digest(facts),
            steps=self._steps(changes),
            not_remedied=tuple(dict.fromkeys(self._left)),
        )

    # what is left alone

    def _is_meant(self, check: str) -> bool:
        only = self._choices.only
        return not only or any(fnmatchcase(check, pattern) for pattern in only)

    def _leave(self, check: str, subject: str, reason: str, advice: str = "") -> None:
        self._left.append(NotRemedied(check, subject, reason, advice))

    def _leave_all(self, reason: str) -> None:
        for each in self._answers:
            self._leave(each.finding.id, each.finding.subject, reason)
        self._answers = []

    def _leave_idle(self, changes: Sequence[Change]) -> None:
        """Findings whose changes have all turned out to be none: nothing of the list is silently missing."""
        made = {change.target for change in changes}
        for each in self._answers:
            if not any(proposal.target in made for proposal in each.proposals):
                self._leave(each.finding.id, each.finding.subject, "all is set as it should be", fix_of(each.finding))

    def _say_put_right(self, changes: Sequence[Change]) -> None:
        """Of findings that nothing answers say which of them the changes put right that are made for others."""
        open_ones = {(each.check, each.subject) for each in self._left if each.reason == UNANSWERED}
        if not changes or not open_ones:
            return
        after = foreseen(self._facts, changes)
        rules = _only(self._material.rules, {check for check, _ in open_ones})
        found = failures(rules, after, self._material.now)
        right = open_ones - {(check.compiled.check.id, subject) for check, subject, _ in found}
        self._left = [
            NotRemedied(each.check, each.subject, PUT_RIGHT, "") if (each.check, each.subject) in right else each
            for each in self._left
        ]

    def _leave_results(self) -> None:
        """What is waived or unknown, of whole checks and of single subjects."""
        for result in self._material.results:
            if not self._is_meant(result.check) or result.verdict in {Verdict.PASS, Verdict.SKIPPED}:
                continue
            for item in result.items or (_whole(result),):
                self._leave_item(result, item)

    def _leave_item(self, result: Result, item: Item) -> None:
        if item.verdict is Verdict.WAIVED:
            until = f" until {result.waived.until:%Y-%m-%d}" if result.waived is not None else ""
            who = f" by {result.waived.approver}" if result.waived is not None else ""
            self._leave(result.check, item.subject, f"waived{until}{who}")
        elif item.verdict is Verdict.UNKNOWN:
            self._leave(result.check, item.subject, f"unknown: {item.reason or 'no reason was given'}")

    # answers

    def _answer_findings(self) -> None:
        for (check, subject), (host_check, outcome) in self._failing.items():
            if not self._is_meant(check):
                continue
            finding = Finding(host_check, subject, outcome)
            if outcome.severity is Severity.INFO and not self._choices.only:
                self._leave(check, subject, FOR_INFORMATION, fix_of(finding))
                continue
            try:
                self._keep(answer(finding, self._material.remediations, self._facts, self._present))
            except Refused as refused:
                self._leave(check, subject, refused.reason, refused.advice)

    def _keep(self, made: Answer) -> None:
        """Keep an answer that changes something; one that only advises is for the list of what is left."""
        finding = made.finding
        if made.proposals:
            self._answers.append(made)
            for line in made.advice:
                made.notes.append(line)
            return
        reason = "there is no safe way to change it from here"
        self._leave(finding.id, finding.subject, reason, "; ".join(made.advice) or fix_of(finding))

    def _present(self, target: Target) -> str | Absent:
        return present(target, self._facts)

    # changes

    def _settled(self) -> list[Change]:
        """The changes of all answers that can be made. Each round drops what cannot, until all that is left can."""
        while True:
            changes, refused = self._decided()
            if not refused:
                refused = (
                    bond_members(changes, self._facts)
                    or self._refused_files(changes)
                    or self._refused_by_checks(changes)
                )
            if not refused:
                return [change for change in changes if not change.is_nothing]
            self._drop(refused)

    def _decided(self) -> tuple[list[Change], list[tuple[Target, Refused]]]:
        wanted: dict[Target, list[Proposal]] = {}
        for made in self._answers:
            for proposal in made.proposals:
                wanted.setdefault(proposal.target, []).append(proposal)
        changes, refused = [], []
        for target, proposals in wanted.items():
            try:
                changes.append(decide(target, proposals, self._facts, self._choices, self._material.now))
            except Refused as why:
                refused.append((target, why))
        return changes, refused

    def _drop(self, refused: Iterable[tuple[Target, Refused]]) -> None:
        """Take away what wants a refused change: the whole answer, unless that change is an optional part of it."""
        reasons = dict(refused)
        kept = []
        for made in self._answers:
            hit = [each for each in made.proposals if each.target in reasons]
            needed = next((each for each in hit if not each.rule.is_optional), None)
            made.proposals = [each for each in made.proposals if each not in hit]
            if needed is None and made.proposals:
                made.notes += [f"left out: {_said(each, reasons[each.target])}" for each in hit]
                kept.append(made)
                continue
            why = reasons[(needed or hit[0]).target] if hit else None
            if why is None:
                kept.append(made)
                continue
            self._leave(made.finding.id, made.finding.subject, _said(needed or hit[0], why), why.advice)
        self._answers = kept

    def _refused_files(self, changes: Sequence[Change]) -> list[tuple[Target, Refused]]:
        """Give every change its class and its file. What cannot have one is refused."""
        self._join_classes(changes)
        for step_class in StepClass:
            mine = [change for change in changes if change.step_class is step_class and change.kept.needs_file]
            settings = [change for change in mine if change.target.operation == "sysctl"]
            stamp = stamp_of(self._material.now, step_class)
            try:
                path = drop_in(stamp, [each.kept for each in settings])
            except Refused as why:
                worst = max(settings, key=lambda each: max(map(_name, each.kept.others), default=""))
                return [(worst.target, why)]
            for change in mine:
                directory = _FILES.get(change.target.operation)
                change.file = path if change in settings else change.kept.file
                if directory is not None:
                    change.file = own_file(directory, stamp)
        _join_link_files(changes)
        return []

    def _join_classes(self, changes: Sequence[Change]) -> None:
        """Changes that answer one finding go together: in the most disruptive of their classes."""
        by_target = {change.target: change for change in changes}
        groups = [
            [by_target[each.target] for each in made.proposals if each.target in by_target] for made in self._answers
        ]
        for _ in groups:
            for group in groups:
                worst = max((change.step_class for change in group), key=_CLASSES.__getitem__, default=StepClass.LIVE)
                for change in group:
                    change.step_class = worst

    # what the checks would say

    def _refused_by_checks(self, changes: Sequence[Change]) -> list[tuple[Target, Refused]]:
        """Changes after which the check would fail as before, or another check of the same setting would fail."""
        if not changes:
            return []
        after = foreseen(self._facts, changes)
        failing = {
            (check.compiled.check.id, subject): outcome
            for check, subject, outcome in failures(self._material.rules, after, self._material.now)
        }
        refused: list[tuple[Target, Refused]] = []
        for made in self._answers:
            outcome = failing.get((made.finding.id, made.finding.subject))
            if outcome is None or outcome.severity.rank < made.finding.outcome.severity.rank:
                continue
            if all(each.target.operation == "restart" for each in made.proposals):
                continue  # what a service does is seen afterwards
            why = Refused("the check would fail with the new value too", fix_of(made.finding))
            refused += [(each.target, why) for each in made.proposals if not each.rule.is_optional]
        return refused or self._new_failures(failing, changes)

    def _new_failures(
        self, failing: Mapping[tuple[str, str], object], changes: Sequence[Change]
    ) -> list[tuple[Target, Refused]]:
        refused: list[tuple[Target, Refused]] = []
        rules = {check.compiled.check.id: check.compiled for check in self._material.rules.checks}
        for check, subject in failing.keys() - self._failing.keys():
            made = rules[check].check
            mine = [change for change in changes if _judges(rules[check].judged, change.target)]
            if made.kind is CheckKind.SETTING and mine:
                why = Refused(f"{check} would fail then ({subject})")
                refused += [(change.target, why) for change in mine]
            else:
                for change in changes:
                    change.notes.append(f"afterwards {check} fails: {made.title[:1].lower()}{made.title[1:]}")
        return refused

    # steps

    def _steps(self, changes: Sequence[Change]) -> tuple[Step, ...]:
        for change in changes:
            change.notes += [
                note for made in self._answers for note in made.notes if made.finding.id in _checks_of(change)
            ]
        steps = [change.step() for change in sorted(changes, key=_place)]
        loads = self._loads(changes)
        return (*loads, *steps, *self._restarts(changes))

    def _loads(self, changes: Sequence[Change]) -> tuple[Step, ...]:
        """Modules that boot must load before it reads the drop-in, or the settings in it would be lost."""
        persisted, kernel = self._facts.persisted, self._facts.kernel
        if isinstance(persisted, Absent) or isinstance(kernel, Absent) or kernel.is_initial_namespace is False:
            return ()
        found: dict[str, Change] = {}
        for change in changes:
            if change.target.operation == "sysctl" and change.file is not None:
                module = module_of(change.target.named["key"])
                loaded = kernel.modules if not isinstance(kernel.modules, Absent) else ()
                if module and module in loaded and module not in persisted.modules_load:
                    found.setdefault(module, change)
        return tuple(self._load(module, change) for module, change in found.items())

    def _load(self, module: str, change: Change) -> Step:
        target = Target("load_module", "", (("module", module),))
        file = own_file(MODULES_DIRECTORY, stamp_of(self._material.now, change.step_class))
        note = f"loaded at boot before {change.file} is read, which else would find no such setting"
        kept = Kept(needs_file=True, boot_before=None, notes=(note,))
        made = Change(target, change.proposals, LOADED, LOADED, change.step_class, kept)
        made.file = file
        return made.step()

    def _restarts(self, changes: Sequence[Change]) -> tuple[Step, ...]:
        """Restarts of the services that keep an old backlog, where the operator asks for them."""
        raised = next((each for each in changes if each.target.named.get("key") == "net.core.somaxconn"), None)
        if raised is None or raised.target.namespace or not self._choices.restarts_listeners:
            return ()
        listening = tcp_listeners("", self._facts)
        answered = {each.target.named["unit"] for each in changes if each.target.operation == "restart"}
        units = [each.unit for each in listening if str(each.backlog) == raised.before]
        found = []
        for unit in dict.fromkeys(units):
            if not unit or unit in answered or carries_logins(unit, self._facts):
                continue
            target = Target("restart", "", (("unit", unit),))
            kept = Kept(needs_file=False, boot_before=None, notes=("its connections are cut",))
            made = Change(target, raised.proposals, "active", "active", StepClass.RESTART, kept)
            found.append(with_undo(made.step()))
        return tuple(found)


def _join_link_files(changes: Sequence[Change]) -> None:
    """Changes that are kept in one .link file go together: in the most disruptive of their classes."""
    for file in {change.file for change in changes if change.file is not None and change.file.endswith(".link")}:
        together = [change for change in changes if change.file == file]
        worst = max((change.step_class for change in together), key=_CLASSES.__getitem__)
        for change in together:
            change.step_class = worst


def _failed(material: Material) -> HostRules:
    """The rules with those checks alone that failed: the subjects of the others need no second look."""
    return _only(material.rules, {result.check for result in material.results if result.verdict is Verdict.FAIL})


def _only(rules: HostRules, ids: AbstractSet[str]) -> HostRules:
    return replace(rules, checks=tuple(check for check in rules.checks if check.compiled.check.id in ids))


def foreseen(facts: Facts, changes: Iterable[Change]) -> Facts:
    """The facts as they would be with some changes made and kept."""
    for change in changes:
        operation = OPERATIONS[change.target.operation]
        facts = operation.foreseen(change.target.named, change.target.namespace, change.after, facts)
        if change.target.operation == "sysctl" and change.file is not None:
            facts = _with_persisted(facts, change.target.named["key"], change.after, change.file)
    return facts


def _with_persisted(facts: Facts, key: str, value: str, file: str) -> Facts:
    persisted = facts.persisted
    if not isinstance(persisted, Persisted):
        return facts
    return replace(facts, persisted=_with_entry(Same(persisted), key, PersistedValue(value, file, 1)))


@lru_cache(maxsize=_REMEMBERED)
def _with_entry(files: Same, key: str, entry: PersistedValue) -> Persisted:
    """Files with one more setting: hosts that share theirs share these too, and what checks make of them."""
    persisted = cast("Persisted", files.value)
    return replace(persisted, boot={**persisted.boot, key: entry}, system={**persisted.system, key: entry})


def _judges(judged: Sequence[str], target: Target) -> bool:
    key = target.named.get("key", "")
    return any(fnmatchcase(key, name) for name in judged)


def _checks_of(change: Change) -> set[str]:
    return {each.finding.id for each in change.proposals}


def _place(change: Change) -> tuple[int, int]:
    key = change.target.named.get("key", "")
    first = 0 if change.target.operation == "load_module" else 1
    return _CLASSES[change.step_class] * 2 + first, place_of(key)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _whole(result: Result) -> Item:
    return Item("host", result.verdict, result.severity, result.observed, "", "", result.reason)


def _said(proposal: Proposal, why: Refused) -> str:
    """The reason with the thing that it is about."""
    subject = OPERATIONS[proposal.target.operation].subject(proposal.target.named)
    return why.reason if subject in why.reason else f"{subject}: {why.reason}"
