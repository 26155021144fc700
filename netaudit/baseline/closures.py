"""Turns checked expressions into Python closures: the part that runs for every host.

The input is the plain tree that ``static`` made, in which every name has been resolved and every attribute is a field
of a known record; so nothing here can reach what the facts do not offer. A closure takes the scope and gives a value
or raises Unknown.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from netaudit.baseline.functions import FUNCTIONS, number, text
from netaudit.baseline.scope import Scope
from netaudit.baseline.unknown import IS_MISSING, Unknown, not_present, not_understood
from netaudit.baseline.values import NUMBERS, OPERATORS, as_text, comparer, is_in, shown
from netaudit.model.reading import Absent

# A tree of lists and constants, as JSON holds it: the operation first, then its parts.
Tree: TypeAlias = "Sequence[Tree] | str | int | float | bool | None"
Closure: TypeAlias = Callable[[Scope], object]

_MAX_TEXT = 10_000
_LARGEST = 10**60  # beyond every quantity, and small enough to reckon with


def closure(tree: Tree) -> Closure:
    """The closure of a tree.

    What only depends on variables is worked out once for each set of them; a list that is made of facts alone, once
    for a host, whichever checks and subjects ask for it.
    """
    parts = cast("Sequence[Tree]", tree)
    op = cast("str", parts[0])
    made = _COMPILERS[op](parts)
    if op in _CHEAP:
        return made
    if op in _COSTLY and not _names_any(parts, _CHANGING):
        return _once_a_host(made, repr(parts))
    return made if _names_any(parts, _MOMENTARY) else _once(made)


def _names_any(tree: Tree, ops: frozenset[str]) -> bool:
    """Whether one of the operations is in a tree; a function that looks facts up itself counts as ``facts``."""
    if not isinstance(tree, list | tuple) or not tree:
        return False
    op = tree[0]
    if not isinstance(op, str):
        return any(_names_any(part, ops) for part in tree)
    if op in ops or ("facts" in ops and op == "call" and FUNCTIONS[cast("str", tree[1])].scoped):
        return True
    return op != "c" and any(_names_any(part, ops) for part in tree[1:])


def _once_a_host(run: Closure, key: str) -> Closure:
    """Keeps the value in the scope, beside those of other expressions over the same facts."""

    def remembered(scope: Scope) -> object:
        kept = scope.kept.get(key)
        if kept is None:
            try:
                kept = run(scope)
            except Unknown as unknown:
                kept = unknown
            scope.kept[key] = kept
        if isinstance(kept, Unknown):
            raise kept.again()
        return kept

    return remembered


def _once(run: Closure) -> Closure:
    """Keeps the last value for as long as the variables are the same object.

    Both are kept in one tuple, so that threads never see the value of one beside the variables of another.
    """
    last: tuple[object, object] = (None, None)

    def remembered(scope: Scope) -> object:
        nonlocal last
        variables, kept = last
        if scope.variables is not variables:
            try:
                kept = run(scope)
            except Unknown as unknown:
                kept = unknown
            last = (scope.variables, kept)
        if isinstance(kept, Unknown):
            raise kept.again()
        return kept

    return remembered


def truth(tree: Tree) -> Callable[[Scope], bool]:
    """The closure of a tree that must give true or false; anything else raises Unknown."""
    run = closure(tree)
    if cast("Sequence[Tree]", tree)[0] in _DECIDED:
        return cast("Callable[[Scope], bool]", run)

    def decided(scope: Scope) -> bool:
        value = run(scope)
        if value is True or value is False:
            return value
        raise not_understood(f"{shown(value)} is neither true nor false")

    return decided


def _constant(parts: Sequence[Tree]) -> Closure:
    value = parts[1]
    return lambda _: value


def _facts(_: Sequence[Tree]) -> Closure:
    return lambda scope: scope.facts


def _drift(_: Sequence[Tree]) -> Closure:
    return lambda scope: scope.drift()


def _namespace(_: Sequence[Tree]) -> Closure:
    return lambda scope: scope.namespace


def _name(parts: Sequence[Tree]) -> Closure:
    name = cast("str", parts[1])

    def run(scope: Scope) -> object:
        value = scope.names.get(name)
        if value.__class__ in _NO_VALUES:
            return _without_value(scope, name, value)
        return value

    return run


_NO_VALUES = frozenset({type(None), Unknown, Absent})


def _without_value(scope: Scope, name: str, value: object) -> object:
    """What a name gives that stands for no value yet, or for none."""
    if isinstance(value, Unknown):
        raise value.again()
    if isinstance(value, Absent):
        raise Unknown(value, name)
    return scope.define(name)


def _variable(parts: Sequence[Tree]) -> Closure:
    name = cast("str", parts[1])

    def run(scope: Scope) -> object:
        value = scope.variables.get(name)
        if value is None:
            raise not_present(f"vars.{name} is not set")
        return value

    return run


def path_text(tree: Tree) -> str:
    """A path as it was written, for messages: ``facts.memory.total_bytes``."""
    parts = cast("Sequence[Tree]", tree)
    match parts[0]:
        case "attr":
            return f"{path_text(parts[1])}.{parts[2]}"
        case "key" | "at":
            inner = cast("Sequence[Tree]", parts[2])
            return f"{path_text(parts[1])}[{inner[1]!r}]" if inner[0] == "c" else f"{path_text(parts[1])}[…]"
        case "name" | "var":
            return str(parts[1]) if parts[0] == "name" else f"vars.{parts[1]}"
        case "facts" | "drift" | "namespace":
            return str(parts[0])
        case _:
            return "…"


def _attribute(parts: Sequence[Tree]) -> Closure:
    base, read = closure(parts[1]), operator.attrgetter(cast("str", parts[2]))
    path = path_text(parts)
    inner = cast("Sequence[Tree]", parts[1])
    if inner[0] == "name":
        return _attribute_of_name(cast("str", inner[1]), read, base, path)

    def run(scope: Scope) -> object:
        value: object = read(base(scope))
        if value.__class__ in _NO_VALUES:
            raise _nothing(value, path)
        return value

    return _attribute_of_facts(path.removeprefix("facts."), run) if _is_of_facts(inner) else run


def _is_of_facts(tree: Sequence[Tree]) -> bool:
    """Whether a path goes down from the facts by attributes alone."""
    return tree[0] == "facts" or (tree[0] == "attr" and _is_of_facts(cast("Sequence[Tree]", tree[1])))


def _attribute_of_facts(path: str, slowly: Closure) -> Closure:
    """The same where nothing is in between: the whole way in one step, and step by step where something is absent."""
    read = operator.attrgetter(path)

    def run(scope: Scope) -> object:
        try:
            value: object = read(scope.facts)
        except AttributeError:
            return slowly(scope)
        return value if value.__class__ not in _NO_VALUES else slowly(scope)

    return run


def _attribute_of_name(name: str, read: Callable[[object], object], base: Closure, path: str) -> Closure:
    """The same for a subject: nearly everything that is evaluated many times is one of its attributes."""

    def run(scope: Scope) -> object:
        subject = scope.names.get(name)
        value = read(base(scope) if subject.__class__ in _NO_VALUES else subject)
        if value.__class__ in _NO_VALUES:
            raise _nothing(value, path)
        return value

    return run


def _nothing(value: object, path: str) -> Unknown:
    if isinstance(value, Absent):
        return Unknown(value, path)
    return not_present(f"{path.rpartition('.')[2]} is not said", path)


def _key(parts: Sequence[Tree]) -> Closure:
    base, key = closure(parts[1]), closure(parts[2])
    path = path_text(parts[1])

    def run(scope: Scope) -> object:
        holder, name = base(scope), key(scope)
        if not isinstance(holder, Mapping):
            raise not_understood(f"{shown(holder)} is not a mapping", path)
        value = holder.get(name)
        if value is None:
            raise not_present(f"there is no {shown(name)} in {path}")
        if isinstance(value, Absent):
            raise Unknown(value, f"{path}[{shown(name)}]")
        return value

    return run


def _item(parts: Sequence[Tree]) -> Closure:
    """An element of a list by number, or of a mapping by key, as the value turns out."""
    base, index = closure(parts[1]), closure(parts[2])
    path = path_text(parts[1])

    def run(scope: Scope) -> object:
        holder, place = base(scope), index(scope)
        if isinstance(holder, Mapping):
            value = holder.get(place)
            if value is None:
                raise not_present(f"there is no {shown(place)} in {path}")
        elif isinstance(holder, list | tuple) and type(place) is int:
            if not -len(holder) <= place < len(holder):
                raise not_present(f"{path} has {len(holder)} elements and none at {place}")
            value = holder[place]
        else:
            raise not_understood(f"{shown(holder)} has no element {shown(place)}", path)
        if isinstance(value, Absent):
            raise Unknown(value, path)
        return value

    return run


def _slice(parts: Sequence[Tree]) -> Closure:
    base = closure(parts[1])
    ends = [closure(end) if end is not None else None for end in parts[2:4]]

    def run(scope: Scope) -> object:
        holder = base(scope)
        start, stop = (int(number(end(scope))) if end is not None else None for end in ends)
        if not isinstance(holder, list | tuple | str):
            raise not_understood(f"{shown(holder)} has no parts")
        return holder[start:stop]

    return run


def _sysctl(parts: Sequence[Tree]) -> Closure:
    key = cast("Sequence[Tree]", parts[1])
    if key[0] == "c":
        fixed = cast("str", key[1])

        def run(scope: Scope) -> object:
            value = scope.sysctls.parsed.get(fixed)
            return value if value is not None else scope.sysctls.get(fixed)

        return run
    name = closure(key)
    return lambda scope: scope.sysctls.get(text(name(scope)))


def _not(parts: Sequence[Tree]) -> Closure:
    inner = truth(parts[1])
    return lambda scope: not inner(scope)


def _negative(parts: Sequence[Tree]) -> Closure:
    inner = closure(parts[1])
    return lambda scope: -number(inner(scope))


def _connective(parts: Sequence[Tree]) -> Closure:
    left, right = truth(parts[1]), truth(parts[2])
    deciding = parts[0] == "or"

    def run(scope: Scope) -> object:
        lost: Unknown | None = None
        try:
            if left(scope) is deciding:
                return deciding
        except Unknown as unknown:
            lost = unknown
        if lost is None:
            return right(scope)
        if right(scope) is deciding:
            return deciding
        raise lost

    return run


def _condition(parts: Sequence[Tree]) -> Closure:
    question, yes, no = truth(parts[1]), closure(parts[2]), closure(parts[3])
    return lambda scope: yes(scope) if question(scope) else no(scope)


def _comparison(parts: Sequence[Tree]) -> Closure:
    sign, left, right = cast("str", parts[1]), closure(parts[2]), closure(parts[3])
    slowly, quickly = comparer(sign), OPERATORS[sign]

    def run(scope: Scope) -> object:
        one, other = left(scope), right(scope)
        if one.__class__ in NUMBERS and other.__class__ in NUMBERS:
            return quickly(one, other)
        return slowly(one, other)

    return run


def _membership(parts: Sequence[Tree]) -> Closure:
    wanted, holder = closure(parts[1]), closure(parts[2])
    return lambda scope: is_in(wanted(scope), holder(scope))


# Called with numbers only, which is seen to before.
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod,
}  # fmt: skip


def _arithmetic(parts: Sequence[Tree]) -> Closure:
    sign = cast("str", parts[1])
    compute, left, right = _ARITHMETIC[sign], closure(parts[2]), closure(parts[3])

    def run(scope: Scope) -> object:
        one, other = left(scope), right(scope)
        if one.__class__ not in NUMBERS or other.__class__ not in NUMBERS:
            one, other = number(one), number(other)
        try:
            value = compute(one, other)
        except ZeroDivisionError:
            raise not_understood("division by zero") from None
        except OverflowError:
            raise not_understood("a number is too large") from None
        if -_LARGEST < value < _LARGEST:
            return value
        raise not_understood("a number is too large")

    return run


def _concatenation(parts: Sequence[Tree]) -> Closure:
    pieces = [closure(part) for part in parts[1:]]

    def run(scope: Scope) -> object:
        whole = "".join([as_text(piece(scope)) for piece in pieces])
        if len(whole) > _MAX_TEXT:
            raise not_understood("a text is too long")
        return whole

    return run


def _list(parts: Sequence[Tree]) -> Closure:
    """A list whose elements may be absent, so that ``any`` and ``all`` can still decide."""
    elements = [closure(part) for part in parts[1:]]

    def element(run: Closure, scope: Scope) -> object:
        try:
            return run(scope)
        except Unknown as unknown:
            return unknown.absent

    return lambda scope: [element(run, scope) for run in elements]


def _call(parts: Sequence[Tree]) -> Closure:
    function = FUNCTIONS[cast("str", parts[1])]
    arguments = [closure(part) for part in parts[2:]]
    run = function.run
    if function.scoped:
        return lambda scope: run(scope, *[argument(scope) for argument in arguments])
    if len(arguments) == 1:
        only = arguments[0]
        return lambda scope: run(only(scope))
    if len(arguments) == 2:
        first, second = arguments
        return lambda scope: run(first(scope), second(scope))
    return lambda scope: run(*[argument(scope) for argument in arguments])


def _presence(parts: Sequence[Tree]) -> Closure:
    base = closure(parts[1])

    def run(scope: Scope) -> object:
        try:
            base(scope)
        except Unknown as unknown:
            if unknown.absent.reason in IS_MISSING:
                return False
            raise
        return True

    return run


def _match(parts: Sequence[Tree]) -> Closure:
    """Whether a text matches a pattern: all of it, or with ``search`` some of it."""
    pattern = re.compile(cast("str", parts[1]))
    find = pattern.search if parts[3] else pattern.fullmatch
    base = closure(parts[2])
    return lambda scope: find(text(base(scope))[:_MAX_TEXT]) is not None


def _member(path: Sequence[Tree]) -> Callable[[object], object]:
    """Follows attributes (``a``) and keys (``k``) down from an element; an absent one is returned as such."""
    steps = [(cast("Sequence[str]", step)[0], cast("Sequence[str]", step)[1]) for step in path]
    if len(steps) == 1 and steps[0][0] == "a":
        return _only_member(steps[0][1])

    def run(element: object) -> object:
        for how, name in steps:
            if element.__class__ is Absent:
                return element
            if how == "a":
                element = getattr(element, name)
            else:
                element = element.get(name) if isinstance(element, Mapping) else None
            if element is None:
                return not_present(f"there is no {name}").absent
        return element

    return run


def _only_member(name: str) -> Callable[[object], object]:
    read = operator.attrgetter(name)

    def run(element: object) -> object:
        value: object = read(element)
        return value if value is not None else not_present(f"there is no {name}").absent

    return run


def _elements(value: object) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        raise not_understood(f"{shown(value)} is not a list")
    return value


def _map(parts: Sequence[Tree]) -> Closure:
    base, member = closure(parts[1]), _member(cast("Sequence[Tree]", parts[2]))
    return lambda scope: [member(element) for element in _elements(base(scope))]


_SIMPLE = frozenset({int, str})


def _pick(parts: Sequence[Tree]) -> Closure:
    """``selectattr`` and ``rejectattr``, ``select`` and ``reject``: the elements that pass a test, or that do not."""
    path = cast("Sequence[Sequence[str]]", parts[2])
    base, member = closure(parts[1]), _member(path)
    sign = cast("str", parts[3])
    test, quickly = _test(sign), OPERATORS.get(sign)
    if len(path) == 1 and path[0][0] == "a":
        member = operator.attrgetter(path[0][1])  # None is of no class that is compared quickly
    argument = closure(parts[4]) if parts[4] is not None else None
    keep = bool(parts[5])

    def run(scope: Scope) -> object:
        elements = _elements(base(scope))
        against = argument(scope) if argument is not None else None
        found: list[object] = []
        of_class = against.__class__ if quickly is not None and against.__class__ in _SIMPLE else None
        for element in elements:
            try:
                value = member(element)
                if value.__class__ is of_class and quickly is not None:
                    if quickly(value, against) is keep:
                        found.append(element)
                elif test(value, against) is keep:
                    found.append(element)
            except Unknown as unknown:  # whether it belongs cannot be told: it stands for that
                found.append(unknown.absent)
        return found

    return run


def _test(sign: str) -> Callable[[object, object], bool]:
    if sign in {"present", "absent"}:
        return lambda value, _: _is_there(value) is (sign == "present")
    if sign == "in":
        return lambda value, holder: is_in(_there(value), holder)
    if sign == "contains":
        return lambda value, part: is_in(part, _there(value))
    if sign == "match":
        return lambda value, pattern: re.fullmatch(text(pattern), text(_there(value))[:_MAX_TEXT]) is not None
    if sign in {"true", "false"}:
        return lambda value, _: _decided(_there(value)) is (sign == "true")
    compare = comparer(sign)
    return lambda value, other: compare(_there(value), other)


def _decided(value: object) -> bool:
    if not isinstance(value, bool):
        raise not_understood(f"{shown(value)} is neither true nor false")
    return value


def _there(value: object) -> object:
    if isinstance(value, Absent):
        raise Unknown(value)
    if value is None:
        raise not_present("it is not said")
    return value


def _is_there(value: object) -> bool:
    if value is None:
        return False
    if not isinstance(value, Absent):
        return True
    if value.reason in IS_MISSING:
        return False
    raise Unknown(value)


_CHANGING = frozenset({"drift", "namespace", "name", "var"})
_MOMENTARY = frozenset({"facts", "drift", "namespace", "name", "sysctl"})
_CHEAP = frozenset({"c", "var", "facts", "drift", "namespace", "name", "attr", "key", "at", "sysctl"})
_COSTLY = frozenset({"pick", "map", "call"})
_DECIDED = frozenset({"not", "and", "or", "cmp", "in", "present", "match"})
_COMPILERS: dict[str, Callable[[Sequence[Tree]], Closure]] = {
    "c": _constant, "facts": _facts, "drift": _drift, "namespace": _namespace, "name": _name, "var": _variable,
    "attr": _attribute, "key": _key, "at": _item, "slice": _slice, "sysctl": _sysctl, "not": _not, "neg": _negative,
    "and": _connective, "or": _connective, "if": _condition, "cmp": _comparison, "in": _membership,
    "math": _arithmetic, "concat": _concatenation, "list": _list, "call": _call, "present": _presence,
    "match": _match, "map": _map, "pick": _pick,
}  # fmt: skip
