"""Writes resolved expressions as text again, with the numbers of a host where they are known."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import cast

from netaudit.baseline.closures import Tree, closure, path_text
from netaudit.baseline.scope import Scope
from netaudit.baseline.unknown import Unknown
from netaudit.baseline.values import as_text

Speller = Callable[[Scope], str]
_SYSCTL = re.compile(r"sysctl\['([^']+)'\]")
_CONNECTIVES = frozenset({"and", "or"})


def spelled(tree: Tree) -> str:
    """An expression as a person would write it."""
    parts = cast("Sequence[Tree]", tree)
    op = cast("str", parts[0])
    match op:
        case "c":
            return repr(parts[1]) if isinstance(parts[1], str) else as_text(parts[1])
        case "facts" | "drift" | "namespace" | "name" | "var":
            return path_text(tree)
        case "attr":
            return f"{spelled(parts[1])}.{parts[2]}"
        case "key" | "at":
            return f"{spelled(parts[1])}[{spelled(parts[2])}]"
        case "sysctl":
            return f"sysctl[{spelled(parts[1])}]"
        case "not":
            return f"not {_inner(parts[1])}"
        case "neg":
            return f"-{_inner(parts[1])}"
        case "and" | "or":
            return f"{_inner(parts[1])} {op} {_inner(parts[2])}"
        case "in":
            return f"{_inner(parts[1])} in {_inner(parts[2])}"
        case "cmp" | "math":
            return f"{_inner(parts[2])} {parts[1]} {_inner(parts[3])}"
        case _:
            return _spelled_rarer(op, parts)


def _spelled_rarer(op: str, parts: Sequence[Tree]) -> str:
    match op:
        case "if":
            return f"{_inner(parts[2])} if {_inner(parts[1])} else {_inner(parts[3])}"
        case "concat":
            return " ~ ".join(_inner(part) for part in parts[1:])
        case "list":
            return f"[{', '.join(spelled(part) for part in parts[1:])}]"
        case "call":
            return f"{parts[1]}({', '.join(spelled(part) for part in parts[2:])})"
        case "present":
            return f"{_inner(parts[1])} is present"
        case "match":
            return f"{_inner(parts[2])} is {'search' if parts[3] else 'match'}({parts[1]!r})"
        case "map":
            return f"{_inner(parts[1])} | map(attribute={_path(parts[2])!r})"
        case "pick":
            return _picked(parts)
        case _:
            ends = (spelled(end) if end is not None else "" for end in parts[2:4])
            return f"{spelled(parts[1])}[{':'.join(ends)}]"


def _picked(parts: Sequence[Tree]) -> str:
    path = _path(parts[2])
    name = ("select" if parts[5] else "reject") + ("attr" if path else "")
    words = [repr(path)] if path else []
    if parts[3] != "true" or parts[4] is not None:
        words.append(repr(parts[3]))
    if parts[4] is not None:
        words.append(spelled(parts[4]))
    return f"{_inner(parts[1])} | {name}({', '.join(words)})"


def _path(path: Tree) -> str:
    return ".".join(cast("Sequence[str]", step)[1] for step in cast("Sequence[Tree]", path))


def _inner(tree: Tree) -> str:
    """In parentheses where the parts of an operation are operations themselves."""
    op = cast("Sequence[Tree]", tree)[0]
    text = spelled(tree)
    return f"({text})" if op in {"and", "or", "if", "cmp", "math", "in", "concat", "not", "map", "pick"} else text


def constant_of(tree: Tree) -> tuple[bool, object]:
    """Whether a tree is a constant or a list of them, and its value."""
    parts = cast("Sequence[Tree]", tree)
    if parts[0] == "c":
        return True, parts[1]
    if parts[0] != "list":
        return False, None
    found = [constant_of(part) for part in parts[1:]]
    return all(fixed for fixed, _ in found), [value for _, value in found]


def explained(tree: Tree) -> Speller:
    """Writes a condition with what its right sides come to: ``listener.backlog >= 4096``."""
    parts = cast("Sequence[Tree]", tree)
    op = cast("str", parts[0])
    if op in _CONNECTIVES:
        left, right = explained(parts[1]), explained(parts[2])
        return lambda scope: f"{left(scope)} {op} {right(scope)}"
    if op == "cmp" and cast("Sequence[Tree]", parts[3])[0] != "c":
        text, sign, run, fallback = _short(_inner(parts[2])), parts[1], closure(parts[3]), _short(_inner(parts[3]))

        def with_number(scope: Scope) -> str:
            try:
                return f"{text} {sign} {as_text(run(scope))}"
            except Unknown:
                return f"{text} {sign} {fallback}"

        return with_number
    plain = _short(spelled(tree))
    return lambda _: plain


def _short(text: str) -> str:
    """A text in which a fixed sysctl stands by its name alone."""
    return _SYSCTL.sub(r"\1", text)
