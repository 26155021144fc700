"""Reads claims: what a value must be like for a check to pass.

A mapping with one key is that claim; with several keys all of them must hold. What a claim is held against must fit
the kind of the value, as far as that is known before a host is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from netaudit.baseline.form import entries, items_of, text_of
from netaudit.baseline.kinds import ANY, LIST, NUMBER, TEXT, TRUTH, Kind, clash, unspelled
from netaudit.baseline.nearest import did_you_mean
from netaudit.baseline.node import Node, kind_name
from netaudit.baseline.schema import Claim, Expression, Op
from netaudit.baseline.static import Names, pattern_problem
from netaudit.baseline.written import bare, operand
from netaudit.errors import RuleError

_SIDES = (Op.AT_LEAST, Op.AT_MOST, Op.ABOVE, Op.BELOW)
_PLACE = re.compile(r"[0-9]{1,2}\Z", re.ASCII)


def claim(node: Node, names: Names, value: Kind | None) -> Claim:
    """The claim of a node. ``value`` is the kind of the check's value, None when the check has none."""
    if isinstance(node.value, str | int | float):
        raise node.error("a claim is a mapping", f"write {{equals: {node.value}}}" if node.value != "" else "")
    found = entries(node, "a claim")
    if not found:
        raise node.error("a claim is missing here", f"one of {', '.join(Op)}")
    parts = []
    for key, inner in found.items():
        if key not in set(Op):
            raise RuleError(f"there is no claim {key!r}", node.where_key(key), did_you_mean(key, list(Op)))
        op = Op(key)
        if value is None and op not in {Op.HOLDS, Op.ALL_OF, Op.ANY_OF, Op.NOT}:
            raise RuleError(f"{key!r} needs a `value` to look at", node.where_key(key), "add `value:` to the check")
        parts.append(_READERS[op](op, inner, names, value or ANY))
    return parts[0] if len(parts) == 1 else Claim(Op.ALL_OF, claims=tuple(parts))


def _fits(node: Node, op: Op, value: Kind, wanted: Kind) -> None:
    if clash(value, wanted):
        hint = "name its elements with `fields`" if value.name == "list" else ""
        raise node.error(f"{op.value!r} is for {wanted}, and the value is {value}", hint)


def _side(op: Op, node: Node, names: Names, value: Kind) -> Claim:
    _fits(node, op, value, NUMBER)
    return Claim(op, operand(node, names, NUMBER))


def _equals(op: Op, node: Node, names: Names, value: Kind) -> Claim:
    found = operand(node, names, ANY if value.name in {"list", "any"} else value)
    if clash(unspelled(found.kind), value):
        raise node.error(f"the value is {value}, and this is {unspelled(found.kind)}")
    return Claim(op, found)


def _between(op: Op, node: Node, names: Names, value: Kind) -> Claim:
    _fits(node, op, value, NUMBER)
    ends = items_of(node, "'between'")
    if len(ends) != 2:
        raise node.error(f"'between' takes two numbers, and here are {len(ends)}", "between: [low, high]")
    found = operand(node, names, Kind("list", NUMBER))
    _check_order(node, found)
    return Claim(op, found)


def _check_order(node: Node, found: Expression) -> None:
    match found.tree:
        case ["list", ["c", int() | float() as low], ["c", int() | float() as high]] if low > high:
            raise node.error(f"{low} is above {high}: nothing lies between", "the lower one comes first")


def _one_of(op: Op, node: Node, names: Names, value: Kind) -> Claim:
    found = operand(node, names, LIST)
    if isinstance(node.value, tuple):
        if not node.value:
            raise node.error("'one_of' of nothing never holds")
        for item in node.value:
            _equals(Op.EQUALS, item, names, value)
    return Claim(op, found)


def _contains(op: Op, node: Node, names: Names, value: Kind) -> Claim:
    if value.name not in {"list", "text", "any", "map"}:
        raise node.error(f"{op.value!r} is for a list or a text of words, and the value is {value}")
    wanted = LIST if op is Op.CONTAINS_ALL else value.element or (TEXT if value.name == "text" else ANY)
    return Claim(op, operand(node, names, wanted))


def _matches(op: Op, node: Node, _: Names, value: Kind) -> Claim:
    _fits(node, op, value, TEXT)
    pattern = text_of(node, "'matches'")
    problem = pattern_problem(pattern)
    if problem:
        raise node.error(problem)
    return Claim(op, Expression(pattern, ["c", pattern], "text"))


def _ordered(op: Op, node: Node, _: Names, value: Kind) -> Claim:
    _fits(node, op, value, LIST)
    if node.value != "ascending":
        raise node.error("'ordered' is followed by ascending", "ordered: ascending")
    return Claim(op)


def _fields(op: Op, node: Node, names: Names, value: Kind) -> Claim:
    _fits(node, op, value, LIST)
    found = entries(node, "'fields'")
    if not found:
        raise node.error("'fields' names no field", "fields: {0: {at_least: 4096}}")
    for key in found:
        if not _PLACE.match(key):
            raise RuleError(f"{key!r} is no field: they count from 0", node.where_key(key))
    inner = tuple(claim(item, names, value.element or ANY) for item in found.values())
    return Claim(op, None, inner, tuple(int(key) for key in found))


def _holds(op: Op, node: Node, names: Names, _: Kind) -> Claim:
    return Claim(op, bare(node, names, TRUTH, "'holds'"))


def _several(op: Op, node: Node, names: Names, value: Kind) -> Claim:
    items = items_of(node, f"{op.value!r}")
    if not items:
        raise node.error(f"{op.value!r} of nothing says nothing")
    return Claim(op, claims=tuple(claim(item, names, value) for item in items))


def _negation(op: Op, node: Node, names: Names, value: Kind) -> Claim:
    if not isinstance(node.value, dict):
        raise node.error(f"'not' takes one claim, and this is {kind_name(node)}")
    return Claim(op, claims=(claim(node, names, value),))


_READERS: dict[Op, Callable[[Op, Node, Names, Kind], Claim]] = {
    Op.EQUALS: _equals, **dict.fromkeys(_SIDES, _side), Op.BETWEEN: _between, Op.ONE_OF: _one_of,
    Op.CONTAINS: _contains, Op.CONTAINS_ALL: _contains, Op.MATCHES: _matches, Op.ORDERED: _ordered,
    Op.FIELDS: _fields, Op.HOLDS: _holds, Op.ALL_OF: _several, Op.ANY_OF: _several, Op.NOT: _negation,
}  # fmt: skip
