"""Reads checks: from nodes with places to typed checks whose every expression is resolved."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from netaudit.baseline.claims import claim
from netaudit.baseline.form import Form, entries, items_of, text_of
from netaudit.baseline.kinds import ANY, LIST, TRUTH, Kind, spelled, unspelled
from netaudit.baseline.node import Node
from netaudit.baseline.reads import reads_inside
from netaudit.baseline.schema import (
    Check,
    CheckKind,
    Claim,
    Condition,
    Expression,
    Extent,
    ForEach,
    Layer,
    Level,
    Op,
    Risk,
    Template,
    ranked,
)
from netaudit.baseline.static import Names
from netaudit.baseline.written import bare, bare_and_kind, operand, template
from netaudit.errors import RuleError
from netaudit.model.result import Severity

CHECK_KEYS = (
    "id", "title", "layer", "kind", "severity", "scope", "why", "derive", "applies_to", "for_each", "let", "value",
    "unit", "expect", "expected", "levels", "default", "evidence", "remediation", "set", "fix", "risk", "caveats",
    "kernel", "sources",
)  # fmt: skip
FOR_EACH_KEYS = ("name", "in", "where", "subject", "else")
LEVEL_KEYS = ("severity", "expect", "note")
CONDITION_KEYS = ("when", "else")

_ID = re.compile(r"[a-z0-9_]+(?:[.][a-z0-9_]+)*\Z", re.ASCII)
_REMEDIATION = re.compile(r"[a-z0-9_]+(?:[.-][a-z0-9_]+)*\Z", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z", re.ASCII)
_RESERVED = frozenset({"facts", "vars", "sysctl", "value", "expected", "namespace", "drift", "true", "false", "none"})

# Read in the audited namespace only; `applies_to` may name them all the same.
_OF_ONE_NAMESPACE = frozenset({
    "netstat", "snmp", "snmp6", "sockstat", "sockets", "nics", "qdiscs", "routing", "neighbours", "conntrack",
    "firewall", "paths",
})  # fmt: skip

T = TypeVar("T")


@dataclass(slots=True)
class Problems:
    """Collects errors, so that a person sees all of a file at once."""

    found: list[RuleError]

    def attempt(self, read: Callable[[], T]) -> T | None:
        """What ``read`` gives, or None after noting its error."""
        try:
            return read()
        except RuleError as error:
            if str(error) not in {str(other) for other in self.found}:
                self.found.append(error)
            return None


@dataclass(frozen=True, slots=True)
class Draft:
    """A check as it stands in a file: its id is known, the rest is not read yet."""

    id: str
    node: Node


def drafts(document: Node) -> tuple[Draft, ...]:
    """The checks of a file of checks, unread."""
    form = Form(document, "a file of checks", ("checks",))
    return drafts_of(form.need("checks"))


def drafts_of(listed: Node) -> tuple[Draft, ...]:
    """The checks of a list, unread."""
    return tuple(Draft(_id(item), item) for item in items_of(listed, "'checks'"))


def _id(node: Node) -> str:
    found = entries(node, "a check")
    if "id" not in found:
        raise node.error("a check needs the key 'id'")
    name = text_of(found["id"], "'id'")
    if not _ID.match(name):
        raise found["id"].error(f"{name!r} is no id", "lower case, digits and underscores, with dots between")
    return name


def check(draft: Draft, names: Names, problems: Problems) -> Check | None:
    """The check of a draft; None when something in it is wrong, which ``problems`` then has."""
    before = len(problems.found)
    form = problems.attempt(lambda: Form(draft.node, f"check {draft.id}", CHECK_KEYS))
    if form is None:
        return None
    reading = _CheckReader(draft, form, names, problems)
    made = reading.read()
    return made if len(problems.found) == before else None


class _CheckReader:
    """Reads one check, noting every error in it."""

    def __init__(self, draft: Draft, form: Form, names: Names, problems: Problems) -> None:
        self._draft = draft
        self._form = form
        self._names = names
        self._problems = problems
        self._try = problems.attempt

    def read(self) -> Check | None:
        """The check, as far as it can be read."""
        form, attempt = self._form, self._try
        plain = self._names
        applies = self._conditions(plain)
        for_each, inside = self._for_each(plain)
        definitions, inside = self._definitions(inside)
        value, kind = self._value(inside)
        inside = inside.plus(value=kind) if kind is not None else inside
        levels = self._levels(inside, kind)
        said = inside.plus(expected=ANY)
        title = attempt(lambda: form.text("title"))
        layer = attempt(lambda: form.word("layer", Layer))
        sort = attempt(lambda: form.word("kind", CheckKind))
        why = attempt(lambda: form.text("why"))
        severity = attempt(lambda: form.word("severity", Severity))
        check = Check(
            id=self._draft.id,
            title=title or "",
            layer=layer or Layer.HOST,
            kind=sort or CheckKind.SETTING,
            severity=severity or Severity.INFO,
            why=why or "",
            levels=levels,
            extent=attempt(lambda: form.word("scope", Extent, Extent.HOST)) or Extent.HOST,
            derive=attempt(lambda: form.text("derive", "")) or "",
            applies_to=applies,
            for_each=for_each,
            definitions=definitions,
            value=value,
            unit=attempt(lambda: form.text("unit", "")) or None,
            expected=attempt(lambda: self._template("expected", inside)),
            kernel_default=attempt(lambda: self._optional("default", plain)),
            evidence=attempt(lambda: self._template("evidence", said)),
            remediation=attempt(lambda: form.text("remediation", "")) or None,
            desired=self._desired(inside),
            fix=attempt(lambda: self._template("fix", said)),
            risk=attempt(lambda: form.word("risk", Risk) if "risk" in form else None),
            caveats=attempt(lambda: form.texts("caveats")) or (),
            kernel=attempt(lambda: form.text("kernel", "")) or "",
            sources=attempt(lambda: form.texts("sources")) or (),
            where=form.node.where_key("id"),
        )
        attempt(lambda: self._check_whole(check))
        return check

    def _check_whole(self, check: Check) -> None:
        form = self._form
        if check.extent is Extent.NAMESPACE:
            self._check_namespace(check)
        if "expect" not in form and "levels" not in form:
            raise form.node.error(f"{form.what} claims nothing", "add `expect:` or `levels:`")
        if check.value is None and "value" not in form and any(_uses_value(level.claim) for level in check.levels):
            raise form.node.error(f"{form.what} has claims about a value and no `value`")
        if check.remediation is not None and not _REMEDIATION.match(check.remediation):
            raise form.need("remediation").error(f"{check.remediation!r} is no id of a remediation")

    def _check_namespace(self, check: Check) -> None:
        """Refuses what is read in the audited namespace only, in a check that is evaluated in the others as well."""
        for name in reads_inside(check):
            domain = name.removeprefix("facts.").partition(".")[0]
            if name.startswith("facts.") and domain in _OF_ONE_NAMESPACE:
                hint = "use scope: host; there, sysctl['…'] and facts.listeners are read, and what is of the whole host"
                raise self._form.need("scope").error(f"facts.{domain} is not read inside other namespaces", hint)

    def _value(self, names: Names) -> tuple[Expression | None, Kind | None]:
        """The value and its kind: None when the check has none, any kind when it cannot be read."""
        node = self._form.get("value")
        if node is None:
            return None, None
        made = self._try(lambda: bare_and_kind(node, names, ANY, "'value'"))
        if made is None:
            return None, ANY
        kind = made[1]
        if kind.record is not None or (kind.element is not None and kind.element.record is not None):
            self._problems.found.append(node.error(f"this gives {kind}, which is no value", "name one of its fields"))
            return made[0], ANY
        return made

    def _optional(self, key: str, names: Names) -> Expression | None:
        node = self._form.get(key)
        return bare(node, names, ANY, f"{key!r}") if node is not None else None

    def _template(self, key: str, names: Names) -> Template | None:
        node = self._form.get(key)
        return template(node, names) if node is not None else None

    def _conditions(self, names: Names) -> tuple[Condition, ...]:
        node = self._form.get("applies_to")
        if node is None:
            return ()
        return self._each(node, "'applies_to'", lambda item: _condition(item, names))

    def _each(self, node: Node, what: str, read: Callable[[Node], T]) -> tuple[T, ...]:
        """What ``read`` gives for each item of a list, those left out in which it found an error."""
        items = self._try(lambda: items_of(node, what)) or ()
        found = [self._try(partial(read, item)) for item in items]
        return tuple(made for made in found if made is not None)

    def _for_each(self, names: Names) -> tuple[ForEach | None, Names]:
        node = self._form.get("for_each")
        if node is None:
            return None, names
        made = self._try(lambda: _for_each(node, names))
        if made is None:
            return None, _lenient(node, names)
        return made

    def _definitions(self, names: Names) -> tuple[tuple[tuple[str, Expression], ...], Names]:
        """The expressions of ``let`` in order, and the names with them."""
        node = self._form.get("let")
        found: list[tuple[str, Expression]] = []
        for name, inner in (self._try(lambda: entries(node, "'let'")) or {}).items() if node is not None else ():
            made = self._try(partial(_definition, name, node, inner, names))
            if made is not None:
                found.append((name, made[0]))
            names = names.plus(**{name: made[1] if made is not None else ANY})
        return tuple(found), names

    def _desired(self, names: Names) -> tuple[tuple[Template, Expression], ...]:
        node = self._form.get("set")
        if node is None:
            return ()
        found = [
            self._try(partial(_setting, name, node, inner, names))
            for name, inner in (self._try(lambda: entries(node, "'set'")) or {}).items()
        ]
        return tuple(made for made in found if made is not None)

    def _levels(self, names: Names, value: Kind | None) -> tuple[Level, ...]:
        severity = self._try(lambda: self._form.word("severity", Severity)) or Severity.INFO
        node, expect = self._form.get("levels"), self._form.get("expect")
        found = self._each(node, "'levels'", lambda item: level(item, names, value)) if node is not None else ()
        if expect is not None:
            last = self._try(lambda: claim(expect, names, value))
            found = (*found, Level(severity, last, is_expect=True)) if last else found
        return ranked(found)


def names_inside(check: Check, names: Names) -> tuple[Names, Kind | None]:
    """What an expression inside a check may name, and the kind of the check's value."""
    local = {name: unspelled(made.kind) for name, made in check.definitions}
    if check.for_each is not None:
        local[check.for_each.name] = unspelled(check.for_each.kind)
    if check.value is None:
        return names.plus(**local), None
    value = unspelled(check.value.kind)
    return names.plus(**local, value=value), value


def level(node: Node, names: Names, value: Kind | None) -> Level:
    """One item of ``levels``. Raises RuleError."""
    form = Form(node, "a level", LEVEL_KEYS)
    said = names.plus(expected=ANY)
    note = form.get("note")
    return Level(
        form.word("severity", Severity),
        claim(form.need("expect"), names, value),
        template(note, said) if note is not None else None,
    )


def _condition(node: Node, names: Names) -> Condition:
    form = Form(node, "a condition", CONDITION_KEYS)
    return Condition(bare(form.need("when"), names, TRUTH, "'when'"), template(form.need("else"), names))


def _for_each(node: Node, names: Names) -> tuple[ForEach, Names]:
    form = Form(node, "'for_each'", FOR_EACH_KEYS)
    name = form.text("name")
    if not _NAME.match(name) or name in _RESERVED:
        raise form.need("name").error(f"{name!r} cannot name a subject", "a lower-case name that is not taken")
    listed, kind = bare_and_kind(form.need("in"), names, LIST, "'in'")
    inside = names.plus(**{name: kind.element or ANY})
    where, empty = form.get("where"), form.get("else")
    made = ForEach(
        name,
        listed,
        bare(where, inside, TRUTH, "'where'") if where is not None else None,
        template(form.need("subject"), inside),
        template(empty, names) if empty is not None else None,
        spelled(kind.element or ANY),
    )
    return made, inside


def _definition(name: str, node: Node | None, inner: Node, names: Names) -> tuple[Expression, Kind]:
    if not _NAME.match(name) or name in _RESERVED or name in names.local:
        where = node.where_key(name) if node is not None else inner.where
        raise RuleError(f"{name!r} cannot be the name of a `let`", where, "a lower-case name that is not taken")
    return bare_and_kind(inner, names, ANY, f"{name!r}")


def _setting(name: str, node: Node, inner: Node, names: Names) -> tuple[Template, Expression]:
    line, column = (node.keys or {}).get(name, (node.line, node.column))
    key = template(Node(name, node.source, line, column), names)
    pattern = "".join(part if isinstance(part, str) else "*" for part in key.parts)
    if not names.sysctls.knows(pattern):
        near = names.sysctls.nearest(pattern)
        raise RuleError(
            f"no kernel is known to have the sysctl {pattern!r}",
            node.where_key(name),
            f"did you mean {near!r}?" if near else "",
        )
    return key, operand(inner, names)


def _lenient(node: Node, names: Names) -> Names:
    """Names under which the rest of a check with a broken ``for_each`` can still be read."""
    name = node.value.get("name") if isinstance(node.value, dict) else None
    if name is not None and isinstance(name.value, str) and _NAME.match(name.value):
        return names.plus(**{name.value: ANY})
    return names


def _uses_value(claim: Claim) -> bool:
    if claim.op in {Op.ALL_OF, Op.ANY_OF, Op.NOT}:
        return any(_uses_value(inner) for inner in claim.claims)
    return claim.op is not Op.HOLDS
