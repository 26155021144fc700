"""Puts a baseline together: its parents, the checks it chooses, its own, its variables, overrides and waivers.

What can be wrong in one place is noted there and the rest is still read, so that a person sees every error at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from netaudit.baseline.canonical import canonical
from netaudit.baseline.changes import by_id, chosen, normal, overrides_of, variable_value, waiver_of
from netaudit.baseline.claims import claim
from netaudit.baseline.form import Form, entries, items_of, text_of
from netaudit.baseline.kinds import ANY, clash, kind_of_value
from netaudit.baseline.load import Draft, Problems, check, drafts_of
from netaudit.baseline.name_list import Lists
from netaudit.baseline.nearest import did_you_mean, nearest
from netaudit.baseline.node import Node, Source, of_plain, plain
from netaudit.baseline.reads import all_reads
from netaudit.baseline.schema import (
    Check,
    CheckKind,
    Claim,
    Expression,
    Extent,
    Layer,
    Level,
    Op,
    Rules,
    Template,
)
from netaudit.baseline.scope import parsed_sysctl
from netaudit.baseline.spelling import constant_of
from netaudit.baseline.static import Names
from netaudit.baseline.values import as_text
from netaudit.baseline.written import constant, operand
from netaudit.errors import RuleError, Where
from netaudit.model.result import Severity

BASELINE_KEYS = (
    "baseline", "title", "extends", "vars", "checks", "define", "sysctl", "sysctl_names", "overrides", "waivers",
)  # fmt: skip
CHOICE_KEYS = ("include", "exclude")
SETTING_KEYS = ("severity", "reason", "scope")  # of the short form, beside the claim

# By the beginning of its name, the layer that a setting of the short form belongs to.
_TO = {Op.EQUALS: "to", Op.AT_LEAST: "to at least", Op.AT_MOST: "to at most"}
_LAYERS = (
    ("net.core.somaxconn", Layer.LISTENER),
    ("net.core.default_qdisc", Layer.QDISC),
    ("net.core.", Layer.NIC),
    ("net.netfilter.", Layer.CONNTRACK),
    ("net.nf_conntrack", Layer.CONNTRACK),
    ("net.ipv4.tcp_", Layer.TRANSPORT),
    ("net.ipv4.udp_", Layer.TRANSPORT),
    ("net.ipv4.ip_local_", Layer.TRANSPORT),
    ("net.", Layer.IP),
)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Material:
    """What a baseline is put together from: all checks there are, and how a parent is found by its name."""

    library: tuple[Draft, ...]
    find: Callable[[str, Node], Node]
    lists: Lists


def resolve(entry: Node, material: Material, problems: Problems) -> Rules | None:
    """The rules of a baseline; None when ``problems`` has errors."""
    forms = problems.attempt(lambda: _chain(entry, material.find, ()))
    if forms is None:
        return None
    made = _Resolving(forms, material, problems).rules()
    return None if problems.found else made


def _chain(node: Node, find: Callable[[str, Node], Node], above: tuple[str, ...]) -> tuple[Form, ...]:
    """The baseline and its parents, each once, parents first."""
    form = Form(node, "a baseline", BASELINE_KEYS)
    name = form.text("baseline")
    if name in above:
        raise form.need("baseline").error(f"baselines extend one another in a circle: {' > '.join((*above, name))}")
    found: dict[str, Form] = {}
    extends = form.get("extends")
    for parent in items_of(extends, "'extends'") if extends is not None else ():
        for each in _chain(find(text_of(parent, "each of 'extends'"), parent), find, (*above, name)):
            found.setdefault(each.text("baseline"), each)
    found.setdefault(name, form)
    return tuple(found.values())


class _Resolving:
    """One baseline on its way."""

    def __init__(self, forms: tuple[Form, ...], material: Material, problems: Problems) -> None:
        self._forms = forms
        self._material = material
        self._problems = problems
        self._try = problems.attempt
        self._warnings: list[str] = []

    def rules(self) -> Rules:
        """The whole, as far as it could be read."""
        last = self._forms[-1]
        variables = self._variables()
        kinds = {name: kind_of_value(value) for name, value in variables.items()}
        own_names = tuple(
            name for form in self._forms for name in (self._try(partial(form.texts, "sysctl_names")) or ())
        )
        names = Names(kinds, self._material.lists.sysctls.and_also(own_names), self._material.lists.counters)
        checks = (*self._chosen(names), *self._settings(names))
        self._warn_unused(checks)
        known = by_id(checks)
        overrides = self._each("overrides", lambda item: overrides_of(item, known, names))
        waivers = self._each("waivers", lambda item: (waiver_of(item, known),))
        title = self._try(lambda: last.text("title", ""))
        return Rules(
            name=last.text("baseline"),
            title=title or last.text("baseline"),
            chain=tuple(form.text("baseline") for form in self._forms),
            variables=variables,
            checks=checks,
            overrides=tuple(made for part in overrides for made in part),
            waivers=tuple(made for part in waivers for made in part),
            sysctl_names=own_names,
            warnings=tuple(self._warnings),
        )

    def _each(self, key: str, read: Callable[[Node], T]) -> list[T]:
        """What ``read`` makes of each item of a list, over all baselines of the chain."""
        found = []
        for form in self._forms:
            node = form.get(key)
            for item in (self._try(partial(items_of, node, f"{key!r}")) or ()) if node is not None else ():
                made = self._try(partial(read, item))
                if made is not None:
                    found.append(made)
        return found

    def _entries(self, form: Form, key: str) -> Mapping[str, Node]:
        """The entries of a mapping; none when there is no such key, or no mapping, which is noted."""
        node = form.get(key)
        return (self._try(partial(entries, node, f"{key!r}")) or {}) if node is not None else {}

    # variables

    def _variables(self) -> dict[str, object]:
        found: dict[str, object] = {}
        places: dict[str, Where] = {}
        for form in self._forms:
            for name, inner in self._entries(form, "vars").items():
                value = normal(plain(inner))
                problem = self._variable_problem(form.need("vars"), name, found.get(name), value, places)
                if problem is not None:
                    self._problems.found.append(problem)
                    continue
                found[name] = value
                places[name] = inner.where
        return found

    def _variable_problem(
        self, node: Node, name: str, before: object, value: object, places: Mapping[str, Where]
    ) -> RuleError | None:
        if not name.isidentifier() or name.startswith("_"):
            return RuleError(f"{name!r} cannot be the name of a variable", node.where_key(name), "letters, digits, _")
        if before is not None and value is not None and clash(kind_of_value(before), kind_of_value(value)):
            message = f"vars.{name} is {kind_of_value(before)}, and this is {kind_of_value(value)}"
            return RuleError(message, node.where_key(name), f"declared at {places[name]}")
        return None

    def _warn_unused(self, checks: tuple[Check, ...]) -> None:
        node = self._forms[-1].get("vars")
        if node is None or len(self._forms) == 1:
            return
        used = {name.removeprefix("vars.") for made in checks for name in all_reads(made) if name.startswith("vars.")}
        for name in entries(node, "'vars'"):
            if name not in used:
                hint = did_you_mean(name, used)
                advice = f" ({hint})" if hint else ""
                self._warnings.append(f"{node.where_key(name)}: no check uses vars.{name}{advice}")

    # checks

    def _chosen(self, names: Names) -> tuple[Check, ...]:
        """The checks of the library that the chain chooses, in the library's order, then those it defines."""
        library = {draft.id: draft for draft in self._material.library}
        chosen_ids: set[str] = set()
        for form in self._forms:
            self._try(partial(_choose, form, tuple(library), chosen_ids))
        picked = [draft for name, draft in library.items() if name in chosen_ids]
        for form in self._forms:
            node = form.get("define")
            for draft in (self._try(partial(drafts_of, node)) or ()) if node is not None else ():
                if any(draft.id == other.id for other in (*library.values(), *picked)):
                    hint = "to change a check, write an override"
                    self._problems.found.append(draft.node.error(f"there is a check {draft.id!r} already", hint))
                else:
                    picked.append(draft)
        return tuple(made for draft in picked if (made := check(draft, names, self._problems)) is not None)

    def _settings(self, names: Names) -> tuple[Check, ...]:
        """The checks of the short form; a later baseline replaces what an earlier one says of a key."""
        found: dict[str, Check] = {}
        for form in self._forms:
            for name, inner in self._entries(form, "sysctl").items():
                made = self._try(partial(_setting, name, inner, form.need("sysctl"), form.text("baseline"), names))
                if made is not None:
                    found[name] = made
        return tuple(found.values())


def with_extra(rules: Rules, extra: Mapping[str, object]) -> Rules:
    """The rules with variables of the command line, as far as a baseline declares them; the others may be meant for
    the inventory, and are warned of when they look like one that is declared. Raises RuleError."""
    kinds = {name: kind_of_value(value) for name, value in rules.variables.items()}
    source = Source("-e")
    found, warnings = {}, []
    for name, value in extra.items():
        if name in kinds:
            found[name] = variable_value(of_plain(value, source), kinds[name], name, from_text=True)
        elif (near := nearest(name, kinds)) is not None:
            warnings.append(f"-e {name}: no baseline declares this variable (did you mean {near!r}?)")
    if not found and not warnings:
        return rules
    return replace(rules, variables={**rules.variables, **found}, warnings=(*rules.warnings, *warnings))


def _choose(form: Form, ids: tuple[str, ...], chosen_ids: set[str]) -> None:
    node = form.get("checks")
    if node is None:
        return
    choice = Form(node, "'checks'", CHOICE_KEYS)
    for key in CHOICE_KEYS:
        listed = choice.get(key)
        for item in items_of(listed, f"{key!r}") if listed is not None else ():
            found = chosen(text_of(item, f"each of {key!r}"), item, ids)
            if key == "include":
                chosen_ids.update(found)
            else:
                chosen_ids.difference_update(found)


def _setting(name: str, inner: Node, node: Node, baseline: str, names: Names) -> Check:
    """One line of the short form: a check of its own."""
    if not names.sysctls.knows(name):
        near = names.sysctls.nearest(name)
        hint = f"did you mean {near!r}?" if near else "declare it: sysctl_names: [NAME]"
        raise RuleError(f"no kernel is known to have the sysctl {name!r}", node.where_key(name), hint)
    claimed, severity, reason, extent = _wanted(inner, names)
    claimed = _as_printed(name, claimed)
    shown = claimed.operand if claimed.op is Op.EQUALS else None
    return Check(
        id=f"sysctl.{name}",
        title=name,
        layer=next((layer for prefix, layer in _LAYERS if name.startswith(prefix)), Layer.HOST),
        kind=CheckKind.SETTING,
        severity=severity,
        why=reason or f"The baseline {baseline} says what {name} must be.",
        levels=(Level(severity, claimed, is_expect=True),),
        extent=extent,
        value=Expression(f"sysctl[{name!r}]", ["sysctl", ["c", name]], "any", (f"sysctl:{name}",)),
        desired=((Template((name,)), shown),) if shown is not None else (),
        remediation="sysctl",
        fix=Template(
            (f"Set {name} {_TO.get(claimed.op, 'so that')} ", Expression("expected", ["name", "expected"]), ".")
        ),
        where=node.where_key(name),
    )


def _as_printed(name: str, claimed: Claim) -> Claim:
    """A claim of equality in the form in which the kernel prints the value: decimal, ranges joined, rounded."""
    if claimed.op is not Op.EQUALS or claimed.operand is None:
        return claimed
    is_constant, value = constant_of(claimed.operand.tree)
    if not is_constant or isinstance(value, bool):
        return claimed
    return Claim(Op.EQUALS, constant(parsed_sysctl(canonical(name, as_text(value)))))


def _wanted(inner: Node, names: Names) -> tuple[Claim, Severity, str, Extent]:
    if not isinstance(inner.value, dict):
        if inner.value is None:
            raise inner.error("a value is missing here")
        return Claim(Op.EQUALS, operand(inner, names)), Severity.MEDIUM, "", Extent.HOST
    form = Form(inner, "a setting", (*SETTING_KEYS, *Op))
    claims = {key: value for key, value in inner.value.items() if key not in SETTING_KEYS}
    claimed = claim(Node(claims, inner.source, inner.line, inner.column, inner.keys), names, ANY)
    severity = form.word("severity", Severity, Severity.MEDIUM)
    return claimed, severity, form.text("reason", ""), form.word("scope", Extent, Extent.HOST)
