"""Resolved rules as plain lists that JSON can hold, and back; and the digest that names them.

A value of ``schema`` is a list whose first item is its class's name with a tilde. Trees of expressions are plain
already and are passed through untouched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast

from netaudit.baseline import schema
from netaudit.baseline.closures import Tree
from netaudit.baseline.schema import Expression, Rules
from netaudit.errors import Where
from netaudit.model.result import Severity

_PLACES = frozenset({"where"})


def packed(rules: Rules) -> object:
    """Rules as plain lists, texts and numbers."""
    return _packed(rules, frozenset())


def unpacked(plain: object) -> Rules:
    """The rules that were packed. Raises ValueError when the value was not made by ``packed``."""
    try:
        match _unpacked(plain):
            case Rules() as rules:
                return rules
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError("these are not packed rules") from error
    raise ValueError("these are not packed rules")


def digest(rules: Rules) -> str:
    """The sha256 of what the rules say: not of where it stands, nor of comments and layout."""
    text = json.dumps(_packed(rules, _PLACES | {"warnings"}), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _packed(value: object, left_out: frozenset[str]) -> object:
    match value:
        case StrEnum():
            return [f"~{type(value).__name__}", str(value)]
        case None | bool() | int() | float() | str():
            return value
        case Expression():
            return ["~Expression", value.text, value.tree, value.kind, list(value.reads)]
        case datetime():
            return ["~datetime", value.isoformat()]
        case tuple():
            found = [_packed(item, left_out) for item in value]
            return ["~tuple", *found] if found and isinstance(value[0], str) and value[0].startswith("~") else found
        case list():
            return ["~list", *(_packed(item, left_out) for item in value)]
        case Mapping():
            return ["~map", {str(name): _packed(item, left_out) for name, item in value.items()}]
        case _ if is_dataclass(value):
            named = (None if each.name in left_out else getattr(value, each.name) for each in fields(value))
            return [f"~{type(value).__name__}", *(_packed(item, left_out) for item in named)]
        case _:
            raise TypeError(f"{type(value).__name__} cannot be packed")


def _unpacked(plain: object) -> object:
    if not isinstance(plain, list):
        return plain
    if plain:
        first = plain[0]
        if isinstance(first, str) and first.startswith("~"):
            return _MAKERS[first](plain)
    return tuple([_unpacked(item) if isinstance(item, list) else item for item in plain])


def _expression(plain: list[object]) -> Expression:
    _, text, tree, kind, reads = plain
    return Expression(cast("str", text), cast("Tree", tree), cast("str", kind), tuple(cast("list[str]", reads)))


def _made_by(made: Callable[..., object]) -> Callable[[list[object]], object]:
    return lambda plain: made(*[_unpacked(item) if isinstance(item, list) else item for item in plain[1:]])


_CLASSES: tuple[Callable[..., object], ...] = (
    schema.Layer, schema.CheckKind, schema.Extent, schema.Risk, schema.Op, Severity, Where, schema.Template,
    schema.Claim, schema.Level, schema.Condition, schema.ForEach, schema.Check, schema.Override, schema.Waiver, Rules,
)  # fmt: skip
_MAKERS: dict[str, Callable[[list[object]], object]] = {
    **{f"~{made.__name__}": _made_by(made) for made in _CLASSES},
    "~Expression": _expression,
    "~datetime": lambda plain: datetime.fromisoformat(cast("str", plain[1])),
    "~tuple": lambda plain: tuple([_unpacked(item) for item in plain[1:]]),
    "~list": lambda plain: [_unpacked(item) for item in plain[1:]],
    "~map": lambda plain: {name: _unpacked(item) for name, item in cast("dict[str, object]", plain[1]).items()},
}
