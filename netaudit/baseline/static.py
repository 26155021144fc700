"""Judges an expression before any host is asked: every name, every attribute, every kind.

Takes the tree of ``expr`` and the names that are known where the expression stands; gives the resolved tree that
``closures`` compiles, its kind, and the facts, sysctls and variables it reads. What is wrong is said with its place
and the nearest right name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from netaudit.baseline.closures import Tree
from netaudit.baseline.drift import Drift
from netaudit.baseline.expr import NotAnExpression, Term, parse
from netaudit.baseline.functions import FUNCTIONS, Function
from netaudit.baseline.kinds import (
    ANY,
    NUMBER,
    TEXT,
    TRUTH,
    Kind,
    clash,
    fields_of,
    kind_of_value,
    list_of,
    register,
)
from netaudit.baseline.name_list import NameList
from netaudit.baseline.nearest import did_you_mean, nearest
from netaudit.model.facts import Facts

DRIFT = register(Drift)
_COUNTERS = frozenset({"netstat", "snmp", "snmp6", "sockstat"})
_HIDDEN = frozenset({"sysctl"})  # spelt sysctl['…'], where the namespace that is looked at counts
_SIGNS = {
    "==": "==", "eq": "==", "equalto": "==", "!=": "!=", "ne": "!=", "<": "<", "lt": "<", "lessthan": "<", "<=": "<=",
    "le": "<=", ">": ">", "gt": ">", "greaterthan": ">", ">=": ">=", "ge": ">=", "in": "in", "contains": "contains",
    "present": "present", "absent": "absent", "true": "true", "false": "false", "match": "match",
}  # fmt: skip
_BARE = frozenset({"present", "absent", "true", "false"})  # tests without an argument
_PICKERS = {"selectattr": (True, True), "rejectattr": (True, False), "select": (False, True), "reject": (False, False)}
_QUESTIONS = {
    "list": "ask `x | length > 0`",
    "number": "ask `x != 0`",
    "text": "ask `x != ''`",
    "record": "ask `x is present`",
}
_INSTEAD = {
    "default": "variables are declared in a baseline; ask `x if x is present else y` of a fact",
    "d": "variables are declared in a baseline; ask `x if x is present else y` of a fact",
    "defined": "a name that is not known is an error when the file is loaded; of a fact ask `is present`",
    "undefined": "a name that is not known is an error when the file is loaded; of a fact ask `is absent`",
    "none": "ask `is present` or `is absent`",
}


@dataclass(frozen=True, slots=True)
class Names:
    """What an expression may name where it stands. ``variables`` None: any name (the baseline is not known yet)."""

    variables: Mapping[str, Kind] | None = None
    sysctls: NameList = field(default_factory=NameList)
    counters: NameList = field(default_factory=NameList)
    local: Mapping[str, Kind] = field(default_factory=dict)

    def plus(self, **local: Kind) -> Names:
        """These names and some of the moment."""
        return Names(self.variables, self.sysctls, self.counters, {**self.local, **local})


@dataclass(frozen=True, slots=True)
class Judged:
    """An expression that can be evaluated. ``reads`` are ``facts.…``, ``sysctl:NAME``, ``vars.NAME``, in order."""

    tree: Tree
    kind: Kind
    reads: tuple[str, ...]


def judge(text: str, names: Names, wanted: Kind = ANY) -> Judged:
    """The resolved form of an expression. Raises NotAnExpression with the place of what is wrong."""
    judging = _Judging(names)
    tree, kind = judging.of(parse(text))
    if clash(kind, wanted):
        raise NotAnExpression(f"this gives {kind}, and {wanted} is wanted", 0)
    return Judged(tree, kind, tuple(dict.fromkeys(judging.reads)))


class _Judging:
    """One pass over one expression."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self.reads: list[str] = []

    def of(self, term: Term) -> tuple[list[Tree], Kind]:
        """The resolved tree of a term and its kind."""
        handler: Callable[[Term], tuple[list[Tree], Kind]] = getattr(self, f"_of_{term.op}")
        return handler(term)

    def _wanting(self, term: Term, wanted: Kind, why: str) -> list[Tree]:
        tree, kind = self.of(term)
        if clash(kind, wanted):
            raise NotAnExpression(f"{why} {wanted}, and this gives {kind}", term.start)
        return tree

    # names and paths

    def _of_constant(self, term: Term) -> tuple[list[Tree], Kind]:
        return ["c", term.constant], kind_of_value(term.constant)

    def _of_name(self, term: Term) -> tuple[list[Tree], Kind]:
        name = term.name
        if name in self._names.local:
            return ["name", name], self._names.local[name]
        if name == "namespace":
            return ["namespace"], TEXT
        if name == "drift":
            self.reads += ["facts.sysctl", "facts.persisted", "facts.writers"]
            return ["drift"], list_of(DRIFT)
        if name in {"facts", "vars", "sysctl"}:
            how = {"facts": "facts.memory.total_bytes", "vars": "vars.NAME", "sysctl": "sysctl['net.core.somaxconn']"}
            raise NotAnExpression(f"{name!r} is no value by itself", term.at, f"write {how[name]}")
        if name in FUNCTIONS:
            raise NotAnExpression(f"{name!r} is a function", term.at, f"write {name}(…)")
        known = {*self._names.local, "facts", "vars", "sysctl", "namespace", "drift"}
        hint = did_you_mean(name, known)
        if self._names.variables and name in self._names.variables:
            hint = f"did you mean 'vars.{name}'?"
        elif name in fields_of(Facts):
            hint = f"did you mean 'facts.{name}'?"
        raise NotAnExpression(f"nothing is called {name!r} here", term.at, hint)

    def _of_attribute(self, term: Term) -> tuple[list[Tree], Kind]:
        base = term.parts[0]
        if base.op == "name" and base.name not in self._names.local:
            if base.name == "vars":
                return self._variable(term, term.name)
            if base.name == "facts":
                return self._domain(term)
            if base.name == "sysctl":
                hint = f"write sysctl['…{term.name}…']"
                raise NotAnExpression("a sysctl is named as an item", term.at, hint)
        tree, kind = self.of(base)
        return self._member(tree, kind, term)

    def _domain(self, term: Term) -> tuple[list[Tree], Kind]:
        fields = fields_of(Facts)
        if term.name in _HIDDEN:
            raise NotAnExpression("running sysctls are not read by facts.sysctl", term.at + 1, "write sysctl['NAME']")
        if term.name not in fields:
            hint = did_you_mean(term.name, set(fields) - _HIDDEN)
            raise NotAnExpression(f"there is no fact 'facts.{term.name}'", term.at + 1, hint)
        self.reads.append(f"facts.{term.name}")
        return ["attr", ["facts"], term.name], fields[term.name]

    def _variable(self, term: Term, name: str) -> tuple[list[Tree], Kind]:
        self.reads.append(f"vars.{name}")
        declared = self._names.variables
        if declared is None:
            return ["var", name], ANY
        if name not in declared:
            near = nearest(name, declared)
            hint = f"did you mean {near!r}?" if near else "declare it under `vars:` of the baseline"
            raise NotAnExpression(f"no baseline declares 'vars.{name}'", term.at + 1, hint)
        return ["var", name], declared[name]

    def _member(self, tree: list[Tree], kind: Kind, term: Term) -> tuple[list[Tree], Kind]:
        if kind.record is not None:
            fields = fields_of(kind.record)
            if term.name not in fields:
                hint = did_you_mean(term.name, fields)
                raise NotAnExpression(f"{kind} has no {term.name!r}", term.at + 1, hint)
            found: list[Tree] = ["attr", tree, term.name]
            self._note_path(found)
            return found, fields[term.name]
        if kind.name == "map":
            self._note_own(tree, term.name)
            return ["key", tree, ["c", term.name]], kind.element or ANY
        if kind is ANY:
            return ["at", tree, ["c", term.name]], ANY
        hint = "for one of its elements write x[0], or `x | map(attribute='…')` for all" if kind.name == "list" else ""
        raise NotAnExpression(f"{kind} has no {term.name!r}", term.at + 1, hint)

    def _note_path(self, tree: Tree) -> None:
        """Keeps the longest form of a path: ``facts.memory.total_bytes`` after ``facts.memory``."""
        path = _fact_path(tree)
        if path and self.reads and path.startswith(f"{self.reads[-1]}."):
            self.reads[-1] = path
        elif path:
            self.reads.append(path)

    def _note_own(self, tree: Tree, name: str) -> None:
        """Keeps which of a user's own probes is read: it chooses what is sent."""
        if _fact_path(tree) == "facts.own":
            self.reads[-1] = f"facts.own.{name}"

    def _of_item(self, term: Term) -> tuple[list[Tree], Kind]:
        base, index = term.parts
        if base.op == "name" and base.name not in self._names.local:
            if base.name == "sysctl":
                return self._sysctl(index)
            if base.name in {"vars", "facts"} and index.op == "constant":
                return self._of_attribute(Term("attribute", index.at, str(index.constant), (base,)))
        tree, kind = self.of(base)
        key, key_kind = self.of(index)
        if kind.record is not None:
            raise NotAnExpression(f"{kind} is read by name", term.at, "write x.name")
        if kind.name == "map":
            if clash(key_kind, TEXT):
                raise NotAnExpression(f"the key of a mapping is a text, and this is {key_kind}", index.at)
            self._check_counter(tree, index)
            if index.op == "constant":
                self._note_own(tree, str(index.constant))
            return ["key", tree, key], kind.element or ANY
        if kind.name == "list" and clash(key_kind, NUMBER):
            hint = "for all elements write `x | map(attribute='…')`"
            raise NotAnExpression(
                f"an element of a list is named by its number, and this is {key_kind}", index.at, hint
            )
        if kind.name not in {"list", "any"}:
            raise NotAnExpression(f"{kind} has no elements", term.at)
        return ["at", tree, key], kind.element or ANY

    def _sysctl(self, index: Term) -> tuple[list[Tree], Kind]:
        tree = self._wanting(index, TEXT, "the name of a sysctl is")
        pattern = _name_pattern(index)
        if pattern != "*" and not self._names.sysctls.knows(pattern):
            near = self._names.sysctls.nearest(pattern)
            hint = f"did you mean {near!r}?" if near else "declare it in the baseline: sysctl_names: [NAME]"
            at = index.at + (1 if index.op == "constant" else 0)
            raise NotAnExpression(f"no kernel is known to have the sysctl {pattern!r}", at, hint)
        self.reads.append(f"sysctl:{pattern}")
        return ["sysctl", tree], ANY

    def _check_counter(self, tree: Tree, index: Term) -> None:
        if index.op != "constant" or _fact_path(tree).removeprefix("facts.") not in _COUNTERS:
            return
        name = str(index.constant)
        if not self._names.counters.knows(name):
            near = self._names.counters.nearest(name)
            hint = f"did you mean {near!r}?" if near else "counters are called Proto.Field"
            raise NotAnExpression(f"no kernel is known to have the counter {name!r}", index.at + 1, hint)

    def _of_slice(self, term: Term) -> tuple[list[Tree], Kind]:
        tree, kind = self.of(term.parts[0])
        if kind.name not in {"list", "text", "any"}:
            raise NotAnExpression(f"{kind} has no parts", term.at)
        ends = dict(term.keywords)
        start, stop = (
            self._wanting(ends[end], NUMBER, "the end of a slice is") if end in ends else None
            for end in ("start", "stop")
        )
        return ["slice", tree, start, stop], kind

    # logic

    def _of_not(self, term: Term) -> tuple[list[Tree], Kind]:
        return ["not", self._truth(term.parts[0], "`not`")], TRUTH

    def _of_and(self, term: Term) -> tuple[list[Tree], Kind]:
        left, right = term.parts
        return [term.op, self._truth(left, f"`{term.op}`"), self._truth(right, f"`{term.op}`")], TRUTH

    _of_or = _of_and

    def _truth(self, term: Term, what: str) -> list[Tree]:
        tree, kind = self.of(term)
        if clash(kind, TRUTH):
            raise NotAnExpression(
                f"{what} takes true or false, and this is {kind}", term.start, _QUESTIONS.get(kind.name, "")
            )
        return tree

    def _of_if(self, term: Term) -> tuple[list[Tree], Kind]:
        question, yes, no = term.parts
        condition = self._truth(question, "`if`")
        (one, one_kind), (other, other_kind) = self.of(yes), self.of(no)
        return ["if", condition, one, other], one_kind if one_kind == other_kind else ANY

    def _of_compare(self, term: Term) -> tuple[list[Tree], Kind]:
        (left, left_kind), (right, right_kind) = self.of(term.parts[0]), self.of(term.parts[1])
        if term.name in {"in", "not in"}:
            self._check_membership(term, left_kind, right_kind)
            tree: list[Tree] = ["in", left, right]
            return (tree if term.name == "in" else ["not", tree]), TRUTH
        if clash(left_kind, right_kind):
            hint = _text_hint(left_kind, right_kind)
            raise NotAnExpression(f"{left_kind} cannot be compared with {right_kind}", term.start, hint)
        for kind in (left_kind, right_kind):
            if kind.record is not None or kind.name == "time":
                raise NotAnExpression(f"{kind} cannot be compared", term.start, "name one of its fields")
            if term.name not in {"==", "!="} and kind.name in {"truth", "map"}:
                raise NotAnExpression(f"{kind} has no order", term.start)
        return ["cmp", term.name, left, right], TRUTH

    def _check_membership(self, term: Term, left: Kind, right: Kind) -> None:
        if right.name not in {"list", "map", "text", "any"}:
            raise NotAnExpression(f"`in` looks into a list, a mapping or a text, not into {right}", term.parts[1].start)
        wanted = TEXT if right.name in {"map", "text"} else right.element or ANY
        if clash(left, wanted):
            raise NotAnExpression(f"{left} cannot be in {right}", term.start, _text_hint(left, wanted))

    # arithmetic and text

    def _of_negative(self, term: Term) -> tuple[list[Tree], Kind]:
        inner = term.parts[0]
        if inner.op == "constant" and isinstance(inner.constant, int | float) and not isinstance(inner.constant, bool):
            return ["c", -inner.constant], NUMBER
        return ["neg", self._wanting(inner, NUMBER, "`-` takes")], NUMBER

    def _of_arithmetic(self, term: Term) -> tuple[list[Tree], Kind]:
        left, right = (self._wanting(part, NUMBER, f"`{term.name}` takes") for part in term.parts)
        return ["math", term.name, left, right], NUMBER

    def _of_concat(self, term: Term) -> tuple[list[Tree], Kind]:
        trees: list[Tree] = []
        for part in term.parts:
            tree, kind = self.of(part)
            if kind.record is not None:
                raise NotAnExpression(f"{kind} is no text", part.start, "name one of its fields")
            trees.append(tree)
        return ["concat", *trees], TEXT

    def _of_list(self, term: Term) -> tuple[list[Tree], Kind]:
        found = [self.of(part) for part in term.parts]
        element = {kind for _, kind in found}
        return ["list", *(tree for tree, _ in found)], list_of(element.pop() if len(element) == 1 else ANY)

    # functions, filters, tests

    def _of_call(self, term: Term) -> tuple[list[Tree], Kind]:
        return self._function(term, "function")

    def _of_filter(self, term: Term) -> tuple[list[Tree], Kind]:
        if term.name == "map":
            return self._map(term)
        if term.name in _PICKERS:
            return self._pick(term)
        return self._function(term, "filter")

    def _function(self, term: Term, what: str) -> tuple[list[Tree], Kind]:
        function = FUNCTIONS.get(term.name)
        if function is None:
            known = {*FUNCTIONS, *({"map", *_PICKERS} if what == "filter" else ())}
            hint = _INSTEAD.get(term.name) or did_you_mean(term.name, known)
            raise NotAnExpression(f"there is no {what} {term.name!r}", term.at, hint)
        if term.keywords:
            raise NotAnExpression(f"{term.name!r} takes no argument by name", term.keywords[0][1].at)
        self._check_count(term, function)
        trees, given = [], []
        for place, part in enumerate(term.parts):
            tree, kind = self.of(part)
            wanted = function.takes[min(place, len(function.takes) - 1)]
            if clash(kind, wanted):
                raise NotAnExpression(f"{term.name!r} takes {wanted}, and this is {kind}", part.start)
            trees.append(tree)
            given.append(kind)
        self.reads += function.reads
        gives = function.gives(given) if callable(function.gives) else function.gives
        return ["call", term.name, *trees], gives

    def _check_count(self, term: Term, function: Function) -> None:
        count, most = len(term.parts), len(function.takes)
        if count < function.least or (count > most and not function.many):
            takes = f"{function.least}" if function.least == most else f"{function.least} to {most}"
            takes = f"at least {function.least}" if function.many else takes
            raise NotAnExpression(f"{term.name!r} takes {takes} values, and here are {count}", term.at)

    def _of_test(self, term: Term) -> tuple[list[Tree], Kind]:
        if term.name in {"match", "search"}:
            return self._matching(term)
        if term.name in {"present", "absent"}:
            if len(term.parts) != 1 or term.keywords:
                raise NotAnExpression(f"`is {term.name}` takes no argument", term.at)
            tree, _ = self.of(term.parts[0])
            present: list[Tree] = ["present", tree]
            return (present if term.name == "present" else ["not", present]), TRUTH
        if term.name in {"even", "odd"}:
            rest = self._wanting(term.parts[0], NUMBER, f"`is {term.name}` takes")
            return ["cmp", "==", ["math", "%", rest, ["c", 2]], ["c", 0 if term.name == "even" else 1]], TRUTH
        if term.name == "in" and len(term.parts) == 2:
            return self._of_compare(Term("compare", term.at, "in", term.parts))
        hint = _INSTEAD.get(term.name) or did_you_mean(
            term.name, {"present", "absent", "even", "odd", "in", "match", "search"}
        )
        raise NotAnExpression(f"there is no test {term.name!r}", term.at, hint)

    def _matching(self, term: Term) -> tuple[list[Tree], Kind]:
        if len(term.parts) != 2 or term.parts[1].op != "constant" or not isinstance(term.parts[1].constant, str):
            raise NotAnExpression(f"`is {term.name}` takes one pattern, written out", term.at)
        pattern = term.parts[1].constant
        self._pattern(term.parts[1], TEXT)
        tree = self._wanting(term.parts[0], TEXT, f"`is {term.name}` takes")
        return ["match", pattern, tree, term.name == "search"], TRUTH

    def _pattern(self, term: Term, element: Kind) -> list[Tree]:
        if term.op != "constant" or not isinstance(term.constant, str):
            raise NotAnExpression("a pattern is a text, written out", term.start)
        problem = pattern_problem(term.constant)
        if problem:
            raise NotAnExpression(problem, term.at)
        if clash(element, TEXT):
            raise NotAnExpression(f"a pattern is for a text, and this is {element}", term.at)
        return ["c", term.constant]

    def _map(self, term: Term) -> tuple[list[Tree], Kind]:
        keywords = dict(term.keywords)
        if len(term.parts) != 1 or set(keywords) != {"attribute"}:
            raise NotAnExpression("`map` takes one attribute", term.at, "write map(attribute='name')")
        tree, kind = self._listed(term.parts[0], "map")
        path, element = self._path(keywords["attribute"], kind.element or ANY)
        return ["map", tree, path], list_of(element)

    def _listed(self, term: Term, what: str) -> tuple[list[Tree], Kind]:
        tree, kind = self.of(term)
        if kind.name not in {"list", "any"}:
            raise NotAnExpression(f"`{what}` takes a list, and this is {kind}", term.start)
        return tree, kind

    def _path(self, term: Term, element: Kind) -> tuple[list[Tree], Kind]:
        if term.op != "constant" or not isinstance(term.constant, str):
            raise NotAnExpression("an attribute is a name in quotes", term.at)
        path: list[Tree] = []
        at = term.at + 1
        names = term.constant.split(".")
        while names:
            name = names.pop(0)
            if element.record is not None:
                fields = fields_of(element.record)
                if name not in fields:
                    raise NotAnExpression(f"{element} has no {name!r}", at, did_you_mean(name, fields))
                path.append(["a", name])
                element = fields[name]
            elif element.name in {"map", "any"}:
                path.append(["k", ".".join([name, *names])])
                return path, element.element or ANY
            else:
                raise NotAnExpression(f"{element} has no {name!r}", at)
            at += len(name) + 1
        return path, element

    def _pick(self, term: Term) -> tuple[list[Tree], Kind]:
        by_attribute, keep = _PICKERS[term.name]
        if term.keywords:
            raise NotAnExpression(f"`{term.name}` takes no argument by name", term.at)
        tree, kind = self._listed(term.parts[0], term.name)
        arguments: Sequence[Term] = term.parts[1:]
        path: list[Tree] = []
        element = kind.element or ANY
        if by_attribute:
            if not arguments:
                raise NotAnExpression(f"`{term.name}` takes an attribute", term.at)
            path, element = self._path(arguments[0], element)
            arguments = arguments[1:]
        sign, against = self._pick_test(term, arguments, element)
        return ["pick", tree, path, sign, against, keep], kind

    def _pick_test(self, term: Term, arguments: Sequence[Term], element: Kind) -> tuple[str, list[Tree] | None]:
        if not arguments:
            if clash(element, TRUTH):
                message = f"`{term.name}` without a test needs true or false, and this is {element}"
                raise NotAnExpression(message, term.at)
            return "true", None
        first = arguments[0]
        sign = _SIGNS.get(str(first.constant)) if first.op == "constant" else None
        if sign is None:
            raise NotAnExpression("there is no such test", first.at, did_you_mean(str(first.constant), _SIGNS))
        if len(arguments) != (1 if sign in _BARE else 2):
            raise NotAnExpression(f"{first.constant!r} takes {'no' if sign in _BARE else 'one'} value", first.at)
        if sign in _BARE:
            return sign, None
        if sign == "match":
            return sign, self._pattern(arguments[1], element)
        tree, kind = self.of(arguments[1])
        if sign not in {"in", "contains"} and clash(element, kind):
            message = f"{element} cannot be compared with {kind}"
            raise NotAnExpression(message, arguments[1].at, _text_hint(element, kind))
        if sign == "in" and clash(kind, list_of(element)) and kind.name not in {"text", "map"}:
            raise NotAnExpression(f"{element} cannot be in {kind}", arguments[1].at)
        return sign, tree


def _text_hint(left: Kind, right: Kind) -> str:
    if {left, right} == {TEXT, NUMBER}:
        return "a text is never compared as a number: use `x | int` where it holds digits"
    if {left, right} == {TRUTH, NUMBER}:
        return "true and 1 are not the same here"
    return ""


def _name_pattern(term: Term) -> str:
    """A sysctl name with ``*`` for every part that is computed."""
    if term.op == "constant":
        return str(term.constant)
    if term.op == "concat":
        return re.sub(r"\*+", "*", "".join(_name_pattern(part) for part in term.parts))
    return "*"


def _fact_path(tree: Tree) -> str:
    if isinstance(tree, list) and tree[0] == "facts":
        return "facts"
    if isinstance(tree, list) and tree[0] == "attr":
        base = _fact_path(tree[1])
        return f"{base}.{tree[2]}" if base else ""
    return ""


def pattern_problem(pattern: str) -> str:
    """What is wrong with a regular expression, or nothing."""
    if len(pattern) > 200:
        return "a pattern is at most 200 characters long"
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return f"{pattern!r} is not a pattern: {error}"
    return ""
