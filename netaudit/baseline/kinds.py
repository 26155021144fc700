"""The static kinds of expressions: what a fact, a variable or an expression can be, known before any host is asked.

Derived from the type hints of ``netaudit.model.facts``. Whether a value may be absent is no part of its kind: every
fact may be.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import TypeAlias, Union, get_args, get_origin, get_type_hints

from netaudit.model import facts
from netaudit.model.reading import Absent


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind by name. Lists and mappings have an element, records a class."""

    name: str
    element: Kind | None = None
    record: type | None = None

    def __str__(self) -> str:
        if self.record is not None:
            return f"a {self.record.__name__} record"
        if self.name == "list" and self.element is not None and self.element is not ANY:
            return f"a list of {_PLURALS.get(self.element.name, str(self.element))}"
        return _WORDS[self.name]


_WORDS = {
    "any": "a value of any kind", "number": "a number", "text": "a text", "truth": "true or false", "time": "a time",
    "list": "a list", "map": "a mapping", "record": "a record",
}  # fmt: skip
_PLURALS = {"number": "numbers", "text": "texts", "truth": "truth values", "record": "records", "list": "lists"}

ANY = Kind("any")
NUMBER = Kind("number")
TEXT = Kind("text")
TRUTH = Kind("truth")
TIME = Kind("time")


def list_of(element: Kind) -> Kind:
    """The kind of a list of that element."""
    return Kind("list", element)


def map_of(element: Kind) -> Kind:
    """The kind of a mapping from text to that element."""
    return Kind("map", element)


LIST = list_of(ANY)
MAP = map_of(ANY)

_Alias: TypeAlias = "type | object"


@cache
def record_of(record: type) -> Kind:
    """The kind of a dataclass of the facts."""
    return Kind("record", None, record)


@cache
def fields_of(record: type) -> dict[str, Kind]:
    """The kinds of a record's fields and properties, by name; private ones are left out."""
    kinds = {name: _kind(hint) for name, hint in get_type_hints(record).items() if not name.startswith("_")}
    for name, member in vars(record).items():
        if isinstance(member, property) and member.fget is not None and not name.startswith("_"):
            kinds[name] = _kind(get_type_hints(member.fget)["return"])
    return kinds


def _kind(hint: _Alias) -> Kind:
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        options = {_kind(option) for option in get_args(hint) if option not in {Absent, type(None)}}
        return options.pop() if len(options) == 1 else ANY
    if origin is tuple:
        elements = {_kind(element) for element in get_args(hint) if element is not Ellipsis}
        return list_of(elements.pop() if len(elements) == 1 else ANY)
    if origin in {Mapping, dict}:
        return map_of(_kind(get_args(hint)[1]))
    if not isinstance(hint, type):
        return ANY
    return _class_kind(hint)


def _class_kind(hint: type) -> Kind:
    if issubclass(hint, bool):
        return TRUTH
    if issubclass(hint, int | float):
        return NUMBER
    if issubclass(hint, str | Enum):
        return TEXT
    if issubclass(hint, datetime):
        return TIME
    if is_dataclass(hint):
        return record_of(hint)
    return ANY


def kind_of_value(value: object) -> Kind:
    """The kind of a plain value: a constant, or the declared value of a variable. Nothing may become anything."""
    match value:
        case bool():
            return TRUTH
        case int() | float():
            return NUMBER
        case str():
            return TEXT
        case list() | tuple():
            elements = {kind_of_value(item) for item in value}
            return list_of(elements.pop() if len(elements) == 1 else ANY)
        case Mapping():
            elements = {kind_of_value(item) for item in value.values()}
            return map_of(elements.pop() if len(elements) == 1 else ANY)
        case _:
            return ANY


def clash(left: Kind, right: Kind) -> bool:
    """Whether two kinds can never be compared with one another."""
    if ANY in {left, right}:
        return False
    if left.name != right.name:
        return True
    if left.element is not None and right.element is not None:
        return clash(left.element, right.element)
    return left.record is not right.record


def spelled(kind: Kind) -> str:
    """A kind as one short word, to be stored: ``number``, ``list:text``, ``record:Listener``, ``any``."""
    if kind.record is not None:
        return f"record:{kind.record.__name__}"
    if kind.name == "time":
        return "any"
    return kind.name if kind.element is None else f"{kind.name}:{spelled(kind.element)}"


def unspelled(text: str) -> Kind:
    """The kind that ``spelled`` wrote."""
    name, _, rest = text.partition(":")
    if name == "record":
        return record_of(_RECORDS[rest])
    return Kind(name, unspelled(rest) if rest else None)


_RECORDS: dict[str, type] = {name: getattr(facts, name) for name in facts.__all__}


def register(record: type) -> Kind:
    """The kind of a record that is none of the facts: an entry of a mapping, a drifting setting."""
    _RECORDS[record.__name__] = record
    return record_of(record)
