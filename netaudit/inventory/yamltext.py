"""YAML as Ansible reads it: YAML 1.1 types, ``!unsafe``, ``!vault``, merge keys, the last of two equal keys.

libyaml composes the nodes where PyYAML was built with it. Values are made from nodes here rather than by PyYAML's
constructors, to keep the place of every key, and to refuse in bounded time what those expand without bound: alias
bombs, merge-key bombs and documents that hold themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Protocol

import yaml
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from netaudit.errors import InventoryError, Where
from netaudit.inventory.tree import Branch
from netaudit.inventory.values import UnsafeText, Value, Vaulted, kind_of

MAX_VALUES = 2_000_000  # aliases counted as often as they are used
MAX_DEPTH = 100

_CORE = "tag:yaml.org,2002:"
_STR, _MERGE = _CORE + "str", _CORE + "merge"
_VAULT_TAGS = ("!vault", "!vault-encrypted")
_PAIR_TAGS = (_CORE + "omap", _CORE + "pairs")
_SAFE = SafeConstructor()
_SCALARS: dict[str, Callable[[ScalarNode], object]] = {
    _CORE + "null": _SAFE.construct_yaml_null,
    _CORE + "bool": _SAFE.construct_yaml_bool,
    _CORE + "int": _SAFE.construct_yaml_int,
    _CORE + "float": _SAFE.construct_yaml_float,
    _CORE + "binary": _SAFE.construct_yaml_binary,
    _CORE + "timestamp": _SAFE.construct_yaml_timestamp,
}


class _Mark(Protocol):
    """A place in a text, counted from 0; libyaml and PyYAML have a class each."""

    line: int
    column: int


_BASE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):  # type: ignore[misc, valid-type]  # chosen when PyYAML is imported
    """Composes nodes; remembers how plain words resolve, since an inventory repeats them."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._known: dict[str, str] = {}

    def resolve(self, kind: type[Node], value: str | None, implicit: tuple[bool, bool]) -> str:
        if kind is not ScalarNode or not implicit[0] or value is None:
            return str(super().resolve(kind, value, implicit))
        tag = self._known.get(value)
        if tag is None:
            tag = self._known[value] = str(super().resolve(kind, value, implicit))
        return tag


def parse_yaml(text: str, file: str, warn: Callable[[str, Where], None]) -> YamlTree | None:
    """The one document of a text, or None when it is empty. Raises InventoryError with the place of a fault."""
    try:
        _check_depth(text, file)
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InventoryError(f"is not YAML: {_problem(error)}", _place(file, mark)) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 0
        raise InventoryError(f"is not YAML: {error.reason}", Where(file, line)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InventoryError(f"is not YAML: {(str(error).splitlines() or [''])[0]}", Where(file)) from error
    return None if root is None else YamlTree(root, file, warn)


def _check_depth(text: str, file: str) -> None:
    """Raises InventoryError for a text nested so deep that libyaml's composer, which recurses in C, would crash."""
    loader = _BASE(text)
    depth = 0
    try:
        while not isinstance(event := loader.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise InventoryError(f"is nested deeper than {MAX_DEPTH}", _place(file, event.start_mark))
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    finally:
        loader.dispose()


def _place(file: str, mark: _Mark | None) -> Where:
    return Where(file, mark.line + 1, mark.column + 1) if mark else Where(file)


def _problem(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or error.context or "nobody knows why"
    if problem.startswith("but "):  # the second half of a sentence
        return f"{error.context} {problem}"
    if "cannot start any token" in problem:
        return f"{problem} (a tab? YAML is indented with blanks)"
    return problem


def resolved_tag(node: Node) -> str:
    """The tag that the node would have if it were written without one, and without quotes."""
    tag = yaml.resolver.Resolver().resolve(type(node), node.value, (True, False))  # type: ignore[no-untyped-call]  # PyYAML's stubs leave it out
    return str(tag)


class YamlTree:
    """A composed document. Values are made when they are asked for, and counted."""

    def __init__(self, root: Node, file: str, warn: Callable[[str, Where], None]) -> None:
        self.file = file
        self.root: Branch = root
        self._warn = warn
        self._count = 0
        self._depth = 0
        self._unsafe = False
        self._scalars: dict[tuple[str, str], Value] = {}
        self._built: dict[tuple[int, bool], tuple[Value, int]] = {}
        self._open: set[int] = set()
        self._merging: set[int] = set()
        self._pairs: dict[int, list[tuple[Node, Node]]] = {}

    def is_mapping(self, branch: Branch) -> bool:
        return isinstance(branch, MappingNode) and branch.tag == _CORE + "map"

    def where(self, branch: Branch) -> Where:
        if not isinstance(branch, Node):
            return Where(self.file)
        return _place(self.file, branch.start_mark)

    def entries(self, branch: Branch) -> Iterator[tuple[Value, Where, Branch]]:
        if not isinstance(branch, MappingNode):
            return
        found: dict[Value, tuple[Node, Node]] = {}
        for key_node, item in self._flat(branch):
            key = self._key(key_node)
            if key in found:
                self.value(found[key][1])  # it does not count, and must be valid all the same
            found[key] = (key_node, item)
        if len(found) < len(branch.value):
            self._warn_of_duplicates(branch)
        for key, (key_node, item) in found.items():
            yield key, self.where(key_node), item

    def value(self, branch: Branch) -> Value:
        if isinstance(branch, ScalarNode):
            return self._scalar(branch)
        if not isinstance(branch, Node):
            raise TypeError("a branch of another tree")
        return self._collection(branch)

    def _counted(self, node: Node, more: int = 1) -> None:
        self._count += more
        if self._count > MAX_VALUES:
            hint = "are there aliases of aliases?"
            raise InventoryError(f"holds more than {MAX_VALUES} values", self.where(node), hint)

    def _scalar(self, node: ScalarNode) -> Value:
        self._counted(node)
        tag = node.tag
        if tag == _STR:
            return UnsafeText(node.value) if self._unsafe else node.value
        if tag in _VAULT_TAGS:
            return Vaulted(node.value, self.where(node))
        if tag == "!unsafe":
            return self._unsafely(node)
        place = (tag, node.value)
        if place not in self._scalars:
            self._scalars[place] = self._typed(node)
        return self._scalars[place]

    def _typed(self, node: ScalarNode) -> Value:
        construct = _SCALARS.get(node.tag)
        if construct is None:
            raise self._unknown_tag(node)
        try:
            value = construct(node)
        except (ValueError, KeyError, OverflowError, TypeError, AttributeError, yaml.YAMLError) as error:
            kind = node.tag.removeprefix(_CORE)
            hint = "quote it when a text is meant"
            raise InventoryError(f"{node.value[:40]!r} is not a valid {kind}", self.where(node), hint) from error
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        return value.isoformat() if isinstance(value, date) else value

    def _unknown_tag(self, node: Node) -> InventoryError:
        return InventoryError(f"tag {node.tag} is not allowed", self.where(node))

    def _unsafely(self, node: Node) -> Value:
        """The value with its texts marked; its type is found as if it had been written without tag and quotes."""
        tag, before = node.tag, self._unsafe
        node.tag, self._unsafe = resolved_tag(node), True
        try:
            return self.value(node)
        finally:
            node.tag, self._unsafe = tag, before

    def _collection(self, node: Node) -> Value:
        if node.tag == "!unsafe":
            return self._unsafely(node)
        place = (id(node), self._unsafe)
        if place in self._built:
            value, weight = self._built[place]
            self._counted(node, weight)
            return value
        if id(node) in self._open:
            raise InventoryError("an alias holds itself", self.where(node))
        if self._depth >= MAX_DEPTH:
            raise InventoryError(f"is nested deeper than {MAX_DEPTH}", self.where(node))
        before = self._count
        self._counted(node)
        self._open.add(id(node))
        self._depth += 1
        value = self._items(node)
        self._depth -= 1
        self._open.discard(id(node))
        self._built[place] = (value, self._count - before)
        return value

    def _items(self, node: Node) -> Value:
        kind = node.tag.removeprefix(_CORE)
        if isinstance(node, SequenceNode):
            if kind == "seq":
                return [self.value(item) for item in node.value]
            if node.tag in _PAIR_TAGS:
                return [self._pair(item) for item in node.value]
        elif isinstance(node, MappingNode):
            if kind == "map":
                return {key: self.value(item) for key, _, item in self.entries(node)}
            if kind == "set":
                return [key for key, _, _ in self.entries(node)]
        raise self._unknown_tag(node)

    def _pair(self, node: Node) -> Value:
        if not isinstance(node, MappingNode) or len(node.value) != 1:
            raise InventoryError("every item must be one key with its value", self.where(node))
        key, item = node.value[0]
        return [self.value(key), self.value(item)]

    def _key(self, node: Node) -> Value:
        if node.tag == _CORE + "value":  # a plain =
            return str(node.value)
        value = self.value(node)
        if isinstance(value, list | dict):
            raise InventoryError(f"a key must be a text, not {kind_of(value)}", self.where(node))
        return value

    def _flat(self, node: MappingNode) -> list[tuple[Node, Node]]:
        """The entries of a mapping behind those that its merge keys bring in."""
        if not any(key.tag == _MERGE for key, _ in node.value):
            return list(node.value)
        if id(node) in self._pairs:
            pairs = self._pairs[id(node)]
            self._counted(node, len(pairs))
            return pairs
        if id(node) in self._merging:
            raise InventoryError("a merge key brings in the mapping itself", self.where(node))
        self._merging.add(id(node))
        merged: list[tuple[Node, Node]] = []
        own: list[tuple[Node, Node]] = []
        for key, item in node.value:
            if key.tag == _MERGE:
                merged.extend(self._merged(item))
            else:
                own.append((key, item))
        self._merging.discard(id(node))
        self._counted(node, len(merged))
        self._pairs[id(node)] = merged + own
        return merged + own

    def _merged(self, node: Node) -> list[tuple[Node, Node]]:
        if isinstance(node, MappingNode):
            return self._flat(node)
        if isinstance(node, SequenceNode) and all(isinstance(item, MappingNode) for item in node.value):
            return [pair for item in reversed(node.value) for pair in self._flat(item)]
        raise InventoryError("a merge key needs a mapping or a list of mappings", self.where(node))

    def _warn_of_duplicates(self, node: MappingNode) -> None:
        seen: set[Value] = set()
        for key_node, _ in node.value:
            if key_node.tag == _MERGE:
                continue
            key = self._key(key_node)
            if key in seen:
                self._warn(f"key {key!r} stands here twice; the last one counts", self.where(key_node))
            seen.add(key)
