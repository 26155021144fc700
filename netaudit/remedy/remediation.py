"""What a remediation is, once read: which checks it answers, by which operations, within which bounds.

Expressions compute values, never commands. They may name what the check itself names, and are judged against each
check that the remediation answers, so that a misspelt name is an error of the file and not of a host.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from netaudit.baseline.form import Form, items_of, text_of
from netaudit.baseline.kinds import ANY, TEXT, TRUTH
from netaudit.baseline.load import Problems, names_inside
from netaudit.baseline.nearest import did_you_mean
from netaudit.baseline.node import Node
from netaudit.baseline.schema import Check, Condition, Expression, Template
from netaudit.baseline.static import Names
from netaudit.baseline.written import bare, operand, quantity_of, template
from netaudit.errors import RuleError, Where
from netaudit.model.plan import StepClass
from netaudit.remedy.allowed import Allowed, Combine

REMEDIATION_KEYS = ("id", "title", "checks", "class", "when", "steps", "verify", "tell")
CONDITION_KEYS = ("when", "else")
TELL_KEYS = ("when", "say")
COMMON_KEYS = ("operation", "value", "field", "range", "words", "combine", "require", "when", "optional", "keep")
ARGUMENTS: Mapping[str, tuple[str, ...]] = {  # of each operation, all needed
    "sysctl": ("key",),
    "ring": ("device", "which"),
    "channels": ("device", "which"),
    "coalescing": ("device", "which"),
    "offload": ("device", "which"),
    "mtu": ("device",),
    "txqueuelen": ("device",),
    "conntrack_hash": (),
    "module_param": ("module", "parameter"),
    "load_module": ("module",),
    "cpu_mask": ("device", "which", "queue"),
    "rss": ("device",),
    "restart": ("unit",),
    "advise": ("say",),
}
_WITHOUT_VALUE = frozenset({"load_module", "restart", "advise"})
_ID = re.compile(r"[a-z0-9_]+(?:[.-][a-z0-9_]+)*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class StepRule:
    """One operation of a remediation, for one check. No ``value``: what the check's own ``set`` says of the key."""

    operation: str
    arguments: tuple[tuple[str, Template], ...]
    value: Expression | None
    field: int | None  # the value is for this field of a vector, counted from 0; the others stay
    allowed: Allowed
    combine: Combine
    require: tuple[Condition, ...]  # of the new value, by the name `new`
    when: Expression | None  # the step is left out where this is false
    is_optional: bool  # refusing it does not refuse the rest
    keeps_running: bool  # the running value is right and is only made to last


@dataclass(frozen=True, slots=True)
class Tell:
    """What the operator should know of a change."""

    say: Template
    when: Expression | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A remediation as it answers one check."""

    conditions: tuple[Condition, ...]
    steps: tuple[StepRule, ...]
    tells: tuple[Tell, ...]


@dataclass(frozen=True, slots=True)
class Remediation:
    """One remediation. ``rules`` has an entry for each of its checks that the baseline holds."""

    id: str
    title: str
    step_class: StepClass
    checks: tuple[str, ...]
    verify: tuple[str, ...]  # further checks that must pass afterwards
    rules: Mapping[str, Rule]
    file: str
    sha256: str  # of the file's bytes: what a reviewer pins
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Remediations:
    """All that a plan may use, in the order of preference."""

    all: tuple[Remediation, ...] = ()
    _by_check: dict[str, tuple[Remediation, ...]] = field(default_factory=dict, compare=False, repr=False)

    def answering(self, check: str) -> tuple[Remediation, ...]:
        """Those that answer a check."""
        if check not in self._by_check:
            self._by_check[check] = tuple(made for made in self.all if check in made.rules)
        return self._by_check[check]


@dataclass(frozen=True, slots=True)
class Known:
    """What a file of remediations is judged against: the checks of the baseline, the ids of all others, and names."""

    checks: Mapping[str, Check]
    ids: Callable[[], frozenset[str]]
    names: Names


def remediations_of(document: Node, sha256: str, known: Known, problems: Problems) -> tuple[Remediation, ...]:
    """The remediations of a file. Everything that is wrong with it is noted in ``problems``."""
    form = problems.attempt(lambda: Form(document, "a file of remediations", ("remediations",)))
    if form is None:
        return ()
    items = problems.attempt(lambda: items_of(form.need("remediations"), "'remediations'")) or ()
    found: dict[str, Remediation] = {}
    for item in items:
        made = _Reading(item, sha256, known, problems).read()
        if made is None:
            continue
        if made.id in found:
            problems.found.append(
                item.error(f"there is a remediation {made.id!r} already", f"at {found[made.id].where}")
            )
        found.setdefault(made.id, made)
    return tuple(found.values())


class _Reading:
    """One remediation on its way."""

    def __init__(self, node: Node, sha256: str, known: Known, problems: Problems) -> None:
        self._node = node
        self._sha256 = sha256
        self._known = known
        self._problems = problems

    def read(self) -> Remediation | None:
        """The remediation, or None after noting what is wrong with it."""
        before = len(self._problems.found)
        attempt = self._problems.attempt
        form = attempt(lambda: Form(self._node, "a remediation", REMEDIATION_KEYS))
        if form is None:
            return None
        name = attempt(lambda: _id(form)) or ""
        title = attempt(lambda: form.text("title")) or ""
        step_class = attempt(lambda: form.word("class", StepClass)) or StepClass.REBOOT
        checks = attempt(lambda: self._checks(form, "checks")) or ()
        verify = attempt(lambda: self._checks(form, "verify")) or ()
        attempt(lambda: self._judged_once(form, checks))
        rules = {
            check: rule
            for check in checks
            if check in self._known.checks
            for rule in [attempt(lambda check=check: _rule(form, self._known.checks[check], self._known.names))]  # type: ignore[misc]  # mypy cannot infer a lambda's default
            if rule is not None
        }
        if len(self._problems.found) > before:
            return None
        return Remediation(
            name,
            title,
            step_class,
            checks,
            verify,
            rules,
            self._node.source.file,
            self._sha256,
            form.node.where_key("id"),
        )

    def _checks(self, form: Form, key: str) -> tuple[str, ...]:
        names = form.texts(key)
        if key == "checks" and not names:
            raise form.need("checks").error("a remediation answers at least one check")
        node = form.get(key)
        for place, name in enumerate(names):
            if name in self._known.checks or name in self._known.ids():
                continue
            item = items_of(node, f"{key!r}")[place] if node is not None else form.node
            known = {*self._known.checks, *self._known.ids()}
            raise item.error(f"there is no check {name!r}", did_you_mean(name, known))
        return names

    def _judged_once(self, form: Form, checks: Sequence[str]) -> None:
        """What can be wrong whatever the check: a file is judged in full also where a baseline has none of them."""
        if not any(check in self._known.checks for check in checks):
            for item in items_of(form.need("steps"), "'steps'"):
                _operation_form(item)


def _id(form: Form) -> str:
    name = form.text("id")
    if not _ID.match(name):
        raise form.need("id").error(f"{name!r} is no id", "lower case, digits and underscores, with dots between")
    return name


def _rule(form: Form, check: Check, names: Names) -> Rule:
    """The remediation as it answers one check. Raises RuleError."""
    inside, _ = names_inside(check, names)
    steps = tuple(_step(item, check, inside) for item in items_of(form.need("steps"), "'steps'"))
    if not steps:
        raise form.need("steps").error("a remediation without steps does nothing")
    return Rule(_conditions(form.get("when"), inside), steps, _tells(form.get("tell"), inside))


def _conditions(node: Node | None, names: Names) -> tuple[Condition, ...]:
    return tuple(_condition(item, names) for item in items_of(node, "the conditions")) if node is not None else ()


def _condition(node: Node, names: Names) -> Condition:
    form = Form(node, "a condition", CONDITION_KEYS)
    return Condition(bare(form.need("when"), names, TRUTH, "'when'"), template(form.need("else"), names))


def _tells(node: Node | None, names: Names) -> tuple[Tell, ...]:
    if node is None:
        return ()
    found = []
    for item in items_of(node, "'tell'"):
        if isinstance(item.value, str):
            found.append(Tell(template(item, names.plus(listeners=TEXT))))
            continue
        form = Form(item, "what is told", TELL_KEYS)
        when = form.get("when")
        asked = bare(when, names, TRUTH, "'when'") if when is not None else None
        found.append(Tell(template(form.need("say"), names.plus(listeners=TEXT)), asked))
    return tuple(found)


def _operation_form(node: Node) -> tuple[str, Form]:
    """The operation of a step and its form, with the keys that this operation has. Raises RuleError."""
    entries = node.value if isinstance(node.value, Mapping) else {}
    if "operation" not in entries:
        raise node.error("a step needs the key 'operation'", f"one of {', '.join(ARGUMENTS)}")
    name = text_of(entries["operation"], "'operation'")
    if name not in ARGUMENTS:
        raise entries["operation"].error(f"there is no operation {name!r}", did_you_mean(name, ARGUMENTS))
    form = Form(node, f"a step {name}", (*COMMON_KEYS, *ARGUMENTS[name]))
    for key in ARGUMENTS[name]:
        form.need(key)
    return name, form


def _step(node: Node, check: Check, names: Names) -> StepRule:
    name, form = _operation_form(node)
    arguments = tuple((key, template(form.need(key), names)) for key in ARGUMENTS[name])
    value = form.get("value")
    keeps = _flag(form, "keep")
    if name in _WITHOUT_VALUE and value is not None:
        raise value.error(f"{name} takes no value")
    if name not in _WITHOUT_VALUE and value is None and not keeps:
        _need_own_value(form, name, arguments, check)
    made = operand(value, names) if value is not None else None
    when = form.get("when")
    return StepRule(
        operation=name,
        arguments=arguments,
        value=made,
        field=_place(form),
        allowed=_allowed(form, name, keeps=keeps),
        combine=form.word("combine", Combine, Combine.ALIKE),
        require=_conditions(form.get("require"), names.plus(new=ANY)),
        when=bare(when, names, TRUTH, "'when'") if when is not None else None,
        is_optional=_flag(form, "optional"),
        keeps_running=keeps,
    )


def _need_own_value(form: Form, name: str, arguments: Sequence[tuple[str, Template]], check: Check) -> None:
    """A step without a value takes the check's own, so the check must have one for that key."""
    if name == "sysctl":
        key = arguments[0][1].text
        if key in {template_.text for template_, _ in check.desired}:
            return
        own = [template_.text for template_, _ in check.desired]
        raise form.node.error(f"the check {check.id} does not say what {key} should be", did_you_mean(key, own))
    raise form.node.error(f"a step {name} needs the key 'value'")


def _flag(form: Form, key: str) -> bool:
    node = form.get(key)
    if node is None:
        return False
    if not isinstance(node.value, bool):
        raise node.error(f"{key!r} is true or false")
    return node.value


def _place(form: Form) -> int | None:
    node = form.get("field")
    if node is None:
        return None
    if not isinstance(node.value, int) or isinstance(node.value, bool) or not 0 <= node.value <= 15:
        raise node.error("'field' is the place of a number in a vector, counted from 0")
    return node.value


def _allowed(form: Form, name: str, *, keeps: bool) -> Allowed:
    """The range of a step. Every step that sets something has one. Raises RuleError."""
    ranged, words = form.get("range"), form.texts("words")
    if ranged is None:
        if not words and not keeps and name not in _WITHOUT_VALUE:
            raise form.node.error(f"a step {name} needs the key 'range' or 'words'", "what may be set at all")
        return Allowed((), words)
    items = items_of(ranged, "'range'")
    spans = items if items and isinstance(items[0].value, tuple) else (ranged,)
    return Allowed(tuple(_span(item) for item in spans), words)


def _span(node: Node) -> tuple[int, int]:
    ends = items_of(node, "a range")
    if len(ends) != 2:
        raise node.error(f"a range has two ends, and here are {len(ends)}", "range: [low, high]")
    low, high = (_whole(end) for end in ends)
    if low > high:
        raise node.error(f"{low} is above {high}: nothing lies between", "the lower one comes first")
    return low, high


def _whole(node: Node) -> int:
    value = node.value
    if isinstance(value, str):
        value = quantity_of(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise node.error("an end of a range is a whole number or a quantity such as 64KiB")
    return int(value)


__all__ = [
    "ARGUMENTS", "COMMON_KEYS", "REMEDIATION_KEYS", "Known", "Remediation", "Remediations", "Rule", "RuleError",
    "StepRule", "Tell", "remediations_of",
]  # fmt: skip
