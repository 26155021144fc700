"""Reads what changes checks for some hosts: overrides, waivers, and the variables of the inventory.

All of it can stand in a baseline; overrides and variables also in an inventory, as ``netaudit_checks`` and
``netaudit_vars``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from netaudit.baseline.claims import claim
from netaudit.baseline.form import Form, entries, items_of, text_of
from netaudit.baseline.kinds import Kind, clash, kind_of_value
from netaudit.baseline.load import level, names_inside
from netaudit.baseline.moments import first_moment, last_moment
from netaudit.baseline.nearest import did_you_mean
from netaudit.baseline.node import Node, plain
from netaudit.baseline.schema import Check, Override, Waiver, ranked
from netaudit.baseline.static import Names
from netaudit.baseline.written import plain_value
from netaudit.errors import RuleError
from netaudit.model.result import Severity

OVERRIDE_KEYS = ("check", "hosts", "severity", "expect", "levels", "vars", "skip", "reason")
CHANGE_KEYS = ("severity", "expect", "levels", "vars", "skip", "reason")
WAIVER_KEYS = ("check", "hosts", "subject", "reason", "approver", "ticket", "starts", "expires", "value")


def chosen(glob: str, node: Node, ids: Sequence[str]) -> tuple[str, ...]:
    """The ids that a glob chooses. Raises RuleError when there is none."""
    found = tuple(name for name in ids if name == glob or fnmatchcase(name, glob))
    if not found:
        raise node.error(f"no check is called {glob!r}", did_you_mean(glob, ids))
    return found


def overrides_of(node: Node, checks: Mapping[str, Check], names: Names) -> tuple[Override, ...]:
    """One item of ``overrides``: one change for each check it names. Raises RuleError."""
    form = Form(node, "an override", OVERRIDE_KEYS)
    hosts = form.text("hosts", "") or None
    ids = chosen(form.text("check"), form.need("check"), tuple(checks))
    return tuple(_change(form, checks[name], names, hosts) for name in ids)


def host_changes(node: Node, checks: Mapping[str, Check], names: Names) -> tuple[Override, ...]:
    """The changes of ``netaudit_checks``: a mapping from id or glob to a change. Raises RuleError."""
    found: list[Override] = []
    for glob, inner in entries(node, "netaudit_checks").items():
        form = Form(inner, f"netaudit_checks of {glob}", CHANGE_KEYS)
        ids = chosen(glob, Node(glob, node.source, *(node.keys or {}).get(glob, (0, 0))), tuple(checks))
        found += [_change(form, checks[name], names, None) for name in ids]
    return tuple(found)


def _change(form: Form, check: Check, names: Names, hosts: str | None) -> Override:
    if not any(key in form for key in ("severity", "expect", "levels", "vars", "skip")):
        raise form.node.error(f"{form.what} changes nothing", "severity, expect, levels, vars or skip")
    inside, value = names_inside(check, names)
    expect, levels, variables = form.get("expect"), form.get("levels"), form.get("vars")
    return Override(
        check.id,
        hosts,
        form.word("severity", Severity) if "severity" in form else None,
        claim(expect, inside, value) if expect is not None else None,
        ranked(tuple(level(item, inside, value) for item in items_of(levels, "'levels'")))
        if levels is not None
        else None,
        set_variables(variables, names.variables or {}) if variables is not None else {},
        form.text("skip") if "skip" in form else None,
        form.text("reason", ""),
        form.node.where,
    )


def set_variables(node: Node, declared: Mapping[str, Kind]) -> dict[str, object]:
    """Values for variables that are declared. Raises RuleError for an undeclared name or another kind of value."""
    found: dict[str, object] = {}
    for name, inner in entries(node, "'vars'").items():
        if name not in declared:
            raise RuleError(
                f"no baseline declares the variable {name!r}", node.where_key(name), did_you_mean(name, declared)
            )
        found[name] = variable_value(inner, declared[name], name)
    return found


def variable_value(node: Node, wanted: Kind, name: str, *, from_text: bool = False) -> object:
    """A variable's value, of the kind it was declared with. ``from_text``: ``-e x=5`` gives a text that is a number."""
    value = normal(plain(node))
    if value is None:
        return None
    if from_text and isinstance(node.value, str):
        value = _from_text(node.value, wanted)
    if clash(kind_of_value(value), wanted):
        raise node.error(f"vars.{name} is {wanted}, and this is {kind_of_value(value)}")
    return value


def _from_text(text: str, wanted: Kind) -> object:
    if wanted.name == "truth" and text.lower() in {"true", "false", "yes", "no"}:
        return text.lower() in {"true", "yes"}
    if wanted.name in {"number", "any"}:
        try:
            return int(text) if text.strip().lstrip("-").isdigit() else float(text)
        except ValueError:
            return plain_value(text)
    return plain_value(text, wanted)


def normal(value: object) -> object:
    """A plain value in which every quantity with a unit (``64KiB``, ``30s``) is a number."""
    match value:
        case str():
            quantity = plain_value(value)
            return value if isinstance(quantity, list) else quantity
        case list():
            return [normal(item) for item in value]
        case Mapping():
            return {name: normal(item) for name, item in value.items()}
        case _:
            return value


def waiver_of(node: Node, checks: Mapping[str, Check]) -> Waiver:
    """One item of ``waivers``. Raises RuleError."""
    form = Form(node, "a waiver", WAIVER_KEYS)
    ids = chosen(form.text("check"), form.need("check"), tuple(checks))
    if "value" not in form and any(checks[name].value is not None for name in ids):
        hint = "a waiver names the value it was granted for, and ends when that changes"
        raise node.error("a waiver needs the key 'value'", hint)
    starts, expires = form.get("starts"), last_moment(form.need("expires"), "'expires'")
    begins = first_moment(starts, "'starts'") if starts is not None else None
    if begins is not None and begins > expires:
        raise form.need("expires").error("the waiver ends before it starts")
    value = form.get("value")
    return Waiver(
        check=form.text("check"),
        hosts=form.text("hosts", "") or None,
        subject=form.text("subject", "") or None,
        reason=form.text("reason"),
        approver=form.text("approver"),
        ticket=_ticket(form),
        starts=begins,
        expires=expires,
        value=normal(plain(value)) if value is not None else None,
        any_value=value is None,
        where=node.where,
    )


def _ticket(form: Form) -> str:
    node = form.get("ticket")
    if node is not None and isinstance(node.value, int) and not isinstance(node.value, bool):
        return str(node.value)
    return form.text("ticket", "") if node is None else text_of(node, "'ticket'")


def by_id(checks: Iterable[Check]) -> dict[str, Check]:
    """The checks by their id."""
    return {check.id: check for check in checks}
