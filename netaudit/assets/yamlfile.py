"""Reads one YAML document strictly into nodes that know their place.

Refused, each with its place: tags other than the core ones, anchors, aliases and merge keys, duplicate keys, keys that
are not text, a second document, words and numbers that YAML 1.1 and people read differently (``yes``, ``0644``,
``12:30``), and anything over the bounds. Dates stay text. libyaml reads the events where PyYAML was built with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from netaudit.assets.textfile import MAX_BYTES, read_bytes
from netaudit.baseline.node import Node, Scalar, Source
from netaudit.errors import RuleError, Where

MAX_NODES = 200_000
MAX_DEPTH = 40

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}
_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,18})\Z", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,18})\.[0-9]{1,19}(?:[eE][+-]?[0-9]{1,3})?\Z", re.ASCII)
_NUMBER_LIKE = re.compile(
    r"[+-]?(?:[0-9][0-9_]*|0[xob][0-9a-fA-F_]+|[0-9_]*\.[0-9_]+(?:[eE][+-]?[0-9]+)?|[0-9_]+\.|[0-9.]+[eE][+-]?[0-9]+"
    r"|\.(?:inf|Inf|INF)|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)\Z|\.(?:nan|NaN|NAN)\Z",
    re.ASCII,
)
_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NOTHINGS = {"", "~", "null", "Null", "NULL"}
_WORDS_OF_TRUTH = {"yes", "no", "on", "off"}
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def read_yaml(path: Path, shown_as: str | None = None) -> Node:
    """The document of a file. Raises RuleError when it cannot be read or is not plain YAML."""
    return parse_yaml(read_bytes(path), shown_as or str(path))


def parse_yaml(data: bytes, file: str) -> Node:
    """The document of some bytes; ``file`` is what errors call it. Raises RuleError."""
    if len(data) > MAX_BYTES:
        raise RuleError(f"is larger than {MAX_BYTES // 2**20} MiB", Where(file))
    source = Source(file, _decoded(data, file))
    try:
        return _Composer(source).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Where(file, mark.line + 1, mark.column + 1) if mark else Where(file)
        raise RuleError(f"is not YAML: {error.problem or error.context}", where) from error
    except yaml.reader.ReaderError as error:
        raise RuleError(f"is not YAML: {error.reason}", _place_of(source, error.position)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RuleError(f"is not YAML: {str(error).splitlines()[0]}", Where(file)) from error


def _decoded(data: bytes, file: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        line, column = Source(file, before).place(len(before))
        raise RuleError(
            f"is not UTF-8: byte 0x{data[error.start]:02x}", Where(file, line, column), "save it as UTF-8"
        ) from error
    found = _CONTROL.search(text.replace("\r\n", "\n"))
    if found is not None and found.group() != "\x85":
        line, column = Source(file, text).place(text.index(found.group()))
        raise RuleError(f"holds the control character U+{ord(found.group()):04X}", Where(file, line, column))
    return text


def _place_of(source: Source, position: object) -> Where:
    if not isinstance(position, int):
        return Where(source.file)
    return Where(source.file, *source.place(position))


class _Composer:
    """Turns events into nodes, within bounds."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._events: Iterator[yaml.Event] = yaml.parse(source.text, Loader=_LOADER)
        self._nodes = 0

    def document(self) -> Node:
        """The one document of the stream; an empty stream is an empty mapping."""
        next(self._events)  # the start of the stream
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            return Node({}, self._source, 1, 1, {})
        root = self._node(next(self._events), 0)
        next(self._events)  # the end of the document
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise self._error(event, "a second document begins here", "one file holds one document")
        return root

    def _node(self, event: yaml.Event, depth: int) -> Node:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._error(event, f"has more than {MAX_NODES} values")
        if depth > MAX_DEPTH:
            raise self._error(event, f"is nested deeper than {MAX_DEPTH}")
        if isinstance(event, yaml.AliasEvent):
            raise self._error(event, f"alias *{event.anchor}", "aliases are not allowed: write the value out")
        self._check_plain(event)
        if isinstance(event, yaml.ScalarEvent):
            return Node(self._scalar(event), self._source, *_place(event))
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(event, depth)
        return self._mapping(event, depth)

    def _check_plain(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise self._error(event, f"anchor &{event.anchor}", "anchors are not allowed: write the value out")
        if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            return
        if event.tag is not None and event.tag not in _CORE_TAGS:
            raise self._error(event, f"tag {event.tag}", "tags are not allowed")

    def _sequence(self, event: yaml.Event, depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(item, depth + 1))
        return Node(tuple(items), self._source, *_place(event))

    def _mapping(self, event: yaml.Event, depth: int) -> Node:
        items: dict[str, Node] = {}
        keys: dict[str, tuple[int, int]] = {}
        while not isinstance(key_event := next(self._events), yaml.MappingEndEvent):
            key = self._key(key_event)
            if key in items:
                raise self._error(key_event, f"key {key!r} stands here twice", f"first in line {keys[key][0]}")
            keys[key] = _place(key_event)
            items[key] = self._node(next(self._events), depth + 1)
        return Node(items, self._source, *_place(event), keys)

    def _key(self, event: yaml.Event) -> str:
        if isinstance(event, yaml.AliasEvent):
            raise self._error(event, f"alias *{event.anchor}", "aliases are not allowed: write the value out")
        self._check_plain(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise self._error(event, "a key must be a text")
        if event.value == "<<" and not event.style:
            raise self._error(event, "merge key <<", "merging is not allowed: write the values out")
        if event.value == "" and not event.style:
            raise self._error(event, "an empty key")
        return str(event.value)

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        text = str(event.value)
        if event.style or event.tag == "tag:yaml.org,2002:str":
            found = _CONTROL.search(text)
            if found is not None:
                raise self._error(event, f"holds the control character U+{ord(found.group()):04X}")
            return text
        return self._plain_scalar(event, text)

    def _plain_scalar(self, event: yaml.ScalarEvent, text: str) -> Scalar:
        if text in _NOTHINGS:
            return None
        if text in _TRUTHS:
            return _TRUTHS[text]
        first = text[0]
        if first.isdigit() or first in "+-.":
            if _INTEGER.match(text):
                return int(text)
            if _DECIMAL.match(text):
                return float(text)
            if _NUMBER_LIKE.match(text):
                hint = "write a plain decimal number, or quote it when a text is meant"
                raise self._error(event, f"{text[:40]!r} is read differently by different programs", hint)
        elif text.lower() in _WORDS_OF_TRUTH:
            hint = "write true or false, or quote it when the word is meant"
            raise self._error(event, f"{text!r} is read differently by different programs", hint)
        return text

    def _error(self, event: yaml.Event, message: str, hint: str = "") -> RuleError:
        return RuleError(message, Where(self._source.file, *_place(event)), hint)


def _place(event: yaml.Event) -> tuple[int, int]:
    """Line and column of an event, from 1."""
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
