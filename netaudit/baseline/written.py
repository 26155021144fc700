"""Expressions and templates as they are written in a file: ``{{ … }}`` whole, inside text, or bare.

Turns the errors of ``static`` into errors with file, line and column.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import cast

from netaudit.baseline.closures import Tree
from netaudit.baseline.expr import NotAnExpression
from netaudit.baseline.kinds import ANY, Kind, clash, kind_of_value, spelled
from netaudit.baseline.node import Node, Scalar, kind_name
from netaudit.baseline.schema import Expression, Template
from netaudit.baseline.static import Names, judge
from netaudit.baseline.values import as_text
from netaudit.errors import RuleError
from netaudit.units import parse_duration_s, parse_rate_bps, parse_size_bytes

_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\}\}", re.DOTALL)
_QUANTITY = re.compile(
    r"\s*[0-9]+(?:\.[0-9]+)?\s*(?:(?P<size>B|[kKMGT]B|[KMGT]iB)|(?P<time>us|ms|s|min|h|d)|(?P<rate>[kMGT]?bit/s))\s*\Z"
)
_VECTOR = re.compile(r"-?[0-9]{1,19}(?:[ \t]+-?[0-9]{1,19})+\Z")


def bare(node: Node, names: Names, wanted: Kind = ANY, what: str = "an expression") -> Expression:
    """An expression that stands by itself; ``{{ … }}`` around it is allowed. A number or truth is taken as it is."""
    return bare_and_kind(node, names, wanted, what)[0]


def bare_and_kind(node: Node, names: Names, wanted: Kind = ANY, what: str = "an expression") -> tuple[Expression, Kind]:
    """The same with its kind in full, records included."""
    if isinstance(node.value, bool | int | float):
        return _constant(node, node.value, wanted), kind_of_value(node.value)
    if not isinstance(node.value, str):
        raise node.error(f"{what} must be an expression, and this is {kind_name(node)}")
    text, start = _whole(node.value) or (node.value, 0)
    return _judged(node, text, start, names, wanted)


def operand(node: Node, names: Names, wanted: Kind = ANY) -> Expression:
    """What a value is held against: a plain value, a quantity such as ``64KiB``, or one whole ``{{ expression }}``."""
    value = node.value
    if isinstance(value, tuple):
        parts = [operand(item, names, wanted.element or ANY) for item in value]
        reads = tuple(dict.fromkeys(name for part in parts for name in part.reads))
        text = "[" + ", ".join(part.text for part in parts) + "]"
        return Expression(text, ["list", *(part.tree for part in parts)], "list:any", reads)
    if isinstance(value, str):
        inner = _whole(value)
        if inner:
            return _judged(node, inner[0], inner[1], names, wanted)[0]
        if "{{" in value:
            raise node.error("text and {{ … }} are mixed", "one whole expression is meant here")
        return _constant(node, plain_value(value, wanted), wanted)
    if isinstance(value, bool | int | float):
        return _constant(node, value, wanted)
    raise node.error(f"this is {kind_name(node)}, and a value or an expression is wanted")


def template(node: Node, names: Names) -> Template:
    """Text in which expressions may stand."""
    if isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return Template((str(node.value),))
    if not isinstance(node.value, str):
        raise node.error(f"this must be a text, and it is {kind_name(node)}")
    text = node.value.rstrip("\n")
    parts: list[str | Expression] = []
    at = 0
    while (start := text.find("{{", at)) >= 0:
        end = _end(text, start + 2)
        if end < 0:
            raise RuleError("'{{' has no '}}'", node.where_in(start))
        if start > at:
            parts.append(text[at:start])
        parts.append(_judged(node, text[start + 2 : end], start + 2, names, ANY)[0])
        at = end + 2
    for sign in ("{%", "{#"):
        if (found := text.find(sign)) >= 0:
            raise RuleError(f"{sign!r} is not allowed here", node.where_in(found), "only {{ expressions }} are")
    if at < len(text):
        parts.append(text[at:])
    return Template(tuple(parts))


def plain_value(text: str, wanted: Kind = ANY) -> object:
    """The value of a plain text: a quantity with its unit is a number, several integers are a vector.

    A single unit letter that people read in two ways (``M``, ``m``, ``K``) makes no quantity.
    """
    if wanted.name == "text":
        return text
    if _VECTOR.match(text.strip()):
        return [int(part) for part in text.split()]
    quantity = quantity_of(text)
    return text if quantity is None else quantity


def quantity_of(text: str) -> float | None:
    """Bytes, seconds or bits per second of ``64KiB``, ``30s``, ``10Gbit/s``; None of any other text."""
    match = _QUANTITY.match(text)
    if match is None:
        return None
    parse = parse_size_bytes if match["size"] else parse_duration_s if match["time"] else parse_rate_bps
    value = parse(text.strip())
    return int(value) if value == int(value) else value


def _constant(node: Node, value: object, wanted: Kind) -> Expression:
    kind = kind_of_value(value)
    if clash(kind, wanted):
        hint = "a unit is written as in 64KiB, 30s, 10Gbit/s; an expression in {{ … }}"
        raise node.error(f"this is {kind}, and {wanted} is wanted", hint if isinstance(value, str) else "")
    made = constant(value)
    return replace(made, text=node.value) if isinstance(node.value, str) else made


def constant(value: object) -> Expression:
    """The expression of a plain value or of a list of them."""
    tree: Tree = ["list", *(["c", item] for item in value)] if isinstance(value, list) else ["c", cast("Scalar", value)]
    return Expression(as_text(value), tree, spelled(kind_of_value(value)))


def _judged(node: Node, text: str, start: int, names: Names, wanted: Kind) -> tuple[Expression, Kind]:
    try:
        judged = judge(text, names, wanted)
    except NotAnExpression as error:
        raise RuleError(error.message, node.where_in(start + error.at), error.hint) from error
    found = Expression(text.replace("\n", " ").strip(), judged.tree, spelled(judged.kind), judged.reads)
    return found, judged.kind


def _end(text: str, start: int) -> int:
    """Where the ``}}`` of an expression stands; quotes are respected. -1 when there is none."""
    for found in _QUOTED.finditer(text, start):
        if found.group() == "}}":
            return found.start()
    return -1


def _whole(text: str) -> tuple[str, int] | None:
    """The inside of a text that is one ``{{ … }}``, and where it begins."""
    stripped = text.strip()
    if not stripped.startswith("{{"):
        return None
    start = text.index("{{") + 2
    end = _end(text, start)
    if end < 0 or text[end + 2 :].strip():
        return None
    return text[start:end], start
