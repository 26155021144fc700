"""What of a host a check can tell apart: two hosts that agree on its footprint get the same result.

A check over listeners that names their port and their queue cannot see that they have other inodes. So results are
remembered by the footprint (``memo``), and a fleet whose hosts differ in counters, addresses and process ids all the
time is still judged from memory wherever a check does not look at those.

The footprint is worked out from the trees of a check alone. Where a tree does something with a value that is not
plainly a look at one of its parts, the value counts in full: too much in a footprint costs time, too little would be
a wrong verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from netaudit.baseline.closures import Tree
from netaudit.baseline.evidence import DESCRIBED
from netaudit.baseline.functions import FUNCTIONS
from netaudit.baseline.places import Look, SettingsOf
from netaudit.baseline.reads import expressions_in, expressions_of, texts_of
from netaudit.baseline.schema import Check, Expression

_CONSTANT = frozenset({"c", "var", "namespace"})  # for one set of rules, in the namespace that is audited
_IN_FULL = {"cmp": 2, "math": 2, "not": 1, "and": 1, "or": 1, "neg": 1, "concat": 1}  # where their operands begin
_COUNTING = frozenset({"length", "len", "count"})
_PASSING = frozenset({"first", "last"})  # give an element on as it is


class _Boundless(Exception):  # a way out of the walk, no error
    """A tree reads what only its evaluation tells."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Settings, what is looked at in some ``domains`` of the facts, and settings that subjects name (``woven``)."""

    sysctls: tuple[str, ...] = ()
    domains: Mapping[str, Look] = field(default_factory=dict)
    woven: tuple[SettingsOf, ...] = ()
    has_drift: bool = False


NOTHING = Footprint()


def joined(some: Iterable[Footprint]) -> Footprint:
    """All that some footprints have."""
    sysctls: dict[str, None] = {}
    domains: dict[str, Look] = {}
    woven: dict[SettingsOf, None] = {}
    has_drift = False
    for each in some:
        sysctls.update(dict.fromkeys(each.sysctls))
        woven.update(dict.fromkeys(each.woven))
        has_drift |= each.has_drift
        for domain, look in each.domains.items():
            domains[domain] = domains[domain] | look if domain in domains else look
    return Footprint(tuple(sysctls), domains, tuple(woven), has_drift)


def footprint_of_conditions(check: Check) -> Footprint | None:
    """What decides whether a check applies, and is said where it does not; None where it cannot be told beforehand."""
    trees = [made.when.tree for made in check.applies_to]
    trees += [made.tree for made in expressions_in(made.otherwise for made in check.applies_to)]
    return _walked(check, lambda walk: walk.visit_all(trees, entire=True))


def footprint_of_verdict(check: Check) -> Footprint | None:
    """What decides whether a check applies, and how it ends where it does."""

    def visit(walk: _Walk) -> None:
        walk.visit_all([made.when.tree for made in check.applies_to], entire=True)
        walk.visit_verdicts(check, _deciding(check))

    return _walked(check, visit)


def footprint_of_subjects(check: Check) -> Footprint | None:
    """What decides whether there are subjects, and is said where there are none."""
    made = check.for_each
    if made is None:
        return NOTHING

    def visit(walk: _Walk) -> None:
        walk.visit(made.listed.tree, entire=False)
        trees = [made.where.tree] if made.where is not None else []
        trees += [each.tree for each in expressions_in([made.empty] if made.empty is not None else [])]
        walk.visit_all(trees, entire=True)

    return _walked(check, visit)


def footprint_of_default(check: Check) -> Footprint | None:
    """What the kernel's default is made of that a check says."""
    made = check.kernel_default
    return _walked(check, lambda walk: walk.visit(made.tree, entire=True)) if made is not None else NOTHING


def footprint_of_tree(check: Check, tree: Tree) -> Footprint | None:
    """What the value of one expression of a check is made of."""
    return _walked(check, lambda walk: walk.visit(tree, entire=True))


def footprint_of_result(check: Check) -> Footprint | None:
    """What the result of a check that applies is made of; None where it cannot be told beforehand."""
    deciding = _deciding(check)

    def visit(walk: _Walk) -> None:
        walk.visit_verdicts(check, deciding)
        walk.visit_all([made.tree for made in texts_of(check)], entire=True)
        if check.evidence is None:  # then it is made of all that the deciding expressions look at
            walk.is_shown = True
            where = check.for_each.where if check.for_each is not None else None
            walk.visit_all([made.tree for made in deciding if made is not where], entire=True)
            walk.visit_rows()

    return _walked(check, visit)


def footprint_of_verdicts(check: Check) -> Footprint | None:
    """What decides which subjects of a check fail, and by which level, whatever is said of them."""
    return _walked(check, lambda walk: walk.visit_verdicts(check, _deciding(check)))


def _deciding(check: Check) -> list[Expression]:
    """The expressions that no other one reaches by a name."""
    listed = check.for_each.listed if check.for_each is not None else None
    reached_by_name = {id(made) for _, made in check.definitions} | {id(listed)}
    return [made for made in expressions_of(check) if id(made) not in reached_by_name]


def _walked(check: Check, visit: Callable[[_Walk], None]) -> Footprint | None:
    walk = _Walk(check)
    try:
        visit(walk)
    except _Boundless:
        return None
    return Footprint(tuple(walk.sysctls), walk.domains, tuple(walk.woven), walk.has_drift)


class _Walk:
    """Follows what a value is made of. ``entire`` is whether it counts in full, or only the parts that are named.

    While ``is_shown``, all that is named counts in full, up to the subject of the check.
    """

    def __init__(self, check: Check) -> None:
        self._named: dict[str, Tree] = {name: made.tree for name, made in check.definitions}
        self._subject = ""
        if check.value is not None:
            self._named["value"] = check.value.tree
        if check.for_each is not None:
            self._subject = check.for_each.name
            self._named[check.for_each.name] = check.for_each.listed.tree
        self._seen: set[tuple[str, bool, bool]] = set()
        self.is_shown = False
        self.sysctls: dict[str, None] = {}
        self.domains: dict[str, Look] = {}
        self.woven: dict[SettingsOf, None] = {}
        self.has_drift = False

    def visit(self, tree: Tree, *, entire: bool) -> None:
        """Note what a tree looks at."""
        parts = cast("Sequence[Tree]", tree)
        op = cast("str", parts[0])
        handler = _HANDLERS.get(op)
        if handler is not None:
            handler(self, parts, entire=entire)
        elif op in _IN_FULL:
            self.visit_all(parts[_IN_FULL[op] :], entire=True)
        elif op not in _CONSTANT:
            raise _Boundless

    def visit_all(self, trees: Iterable[Tree], *, entire: bool) -> None:
        """Note what some trees look at."""
        for tree in trees:
            self.visit(tree, entire=entire)

    def visit_verdicts(self, check: Check, deciding: Iterable[Expression]) -> None:
        """Note what decides about the subjects of a check."""
        if check.for_each is not None:
            self.visit(check.for_each.listed.tree, entire=False)
        self.visit_all([made.tree for made in deciding], entire=True)

    def visit_rows(self) -> None:
        """Note what the rows of subjects are made of."""
        for name in DESCRIBED if self._subject else ():
            self._note(name, self._named[self._subject], entire=True)

    def _note(self, name: str, base: Tree, *, entire: bool) -> None:
        """Note an attribute of what a tree gives, or of its elements."""
        for domain in self._origins(base):
            self._look(domain).attribute(name, entire=entire or self.is_shown)

    def _key(self, key: str, base: Tree, *, entire: bool) -> None:
        for domain in self._origins(base):
            self._look(domain).key(key, entire=entire or self.is_shown)

    def _look(self, domain: str) -> Look:
        look = self.domains.get(domain)
        if look is None:
            look = self.domains[domain] = Look()
        return look

    def _origins(self, tree: Tree) -> set[str]:
        """The domains of the facts that the value of a tree can be a part of: all that are named in it."""
        if not isinstance(tree, list | tuple) or not tree:
            return set()
        match tree:
            case ["attr", ["facts"], str(domain)]:
                return {domain}
            case ["name", str(name)]:
                named = self._named.get(name)
                return self._origins(named) if named is not None else set()
            case ["call", str(function), *_]:
                looked_up = {read.split(".")[1] for read in FUNCTIONS[function].reads if read.startswith("facts.")}
                return looked_up.union(*map(self._origins, tree[2:]))
        return set().union(*map(self._origins, tree[1:]))

    def name(self, parts: Sequence[Tree], *, entire: bool) -> None:
        """A definition, the subject, the value; ``expected`` is made of operands, which are visited themselves."""
        name = str(parts[1])
        tree = self._named.get(name)
        key = (name, entire, self.is_shown)
        if tree is None or key in self._seen:
            return
        self._seen.add(key)
        shown, self.is_shown = self.is_shown, self.is_shown and name != self._subject
        self.visit(tree, entire=entire)
        self.is_shown = shown

    def drift(self, _: Sequence[Tree], *, entire: bool) -> None:
        """The drift of the settings, which counts as one."""
        self.has_drift = True

    def attribute(self, parts: Sequence[Tree], *, entire: bool) -> None:
        """An attribute of a record, or a domain of the facts."""
        base, name = parts[1], str(parts[2])
        if cast("Sequence[Tree]", base)[0] == "facts":
            self._look(name).is_entire |= entire or self.is_shown
        else:
            self._note(name, base, entire=entire)
            self.visit(base, entire=False)

    def item(self, parts: Sequence[Tree], *, entire: bool) -> None:
        """A key that is written out is one part of a mapping; of a list, every element may be meant."""
        _, base, key = parts
        op, *rest = cast("Sequence[Tree]", key)
        if op == "c" and isinstance(rest[0], str):
            self._key(rest[0], base, entire=entire)
            self.visit(base, entire=False)
        elif op == "c":
            self.visit(base, entire=entire)
        else:
            self.visit_all((base, key), entire=True)

    def membership(self, parts: Sequence[Tree], *, entire: bool) -> None:
        """A key that is written out, or anything in anything; lists and texts of plain values count in full anyway."""
        key = _constant(parts[1])
        if key is not None:
            self._key(key, parts[2], entire=False)
        self.visit_all(parts[1:], entire=key is None)

    def setting(self, parts: Sequence[Tree], *, entire: bool) -> None:
        """Settings by the names that are written out, or can be put together from what is, or from subjects' own."""
        woven = self._woven(parts[1])
        if woven is not None:
            self.woven[woven] = None
            self.visit(parts[1], entire=True)
        else:
            self.sysctls.update(dict.fromkeys(self._texts_of(parts[1])))

    def _woven(self, tree: Tree) -> SettingsOf | None:
        """The settings of a name that is put together of texts and one attribute of the subject, a record of a list."""
        listed = cast("Sequence[Tree]", self._named.get(self._subject) or ["none"])
        if listed[0] != "attr" or cast("Sequence[Tree]", listed[1])[0] != "facts":
            return None
        parts = cast("Sequence[Tree]", tree)
        pieces = list(parts[1:]) if parts[0] == "concat" else [tree]
        own = [at for at, piece in enumerate(pieces) if _constant(piece) is None]
        if len(own) != 1:
            return None
        before, after = ("".join(map(str, map(_constant, some))) for some in (pieces[: own[0]], pieces[own[0] + 1 :]))
        name, is_segment = pieces[own[0]], False
        match name:
            case ["call", "sysctl_segment", inner]:
                name, is_segment = inner, True
        match name:
            case ["attr", ["name", self._subject], str(attribute)]:
                return SettingsOf(str(listed[2]), attribute, before, after, is_segment)
        return None

    def pick(self, parts: Sequence[Tree], *, entire: bool) -> None:
        """The elements of a list that pass a test: what the test compares counts in full."""
        self._path(parts[2], parts[1], entire=True)
        self.visit(parts[1], entire=entire or not parts[2])
        if parts[4] is not None:
            self.visit(parts[4], entire=True)

    def mapped(self, parts: Sequence[Tree], *, entire: bool) -> None:
        """One attribute of every element of a list."""
        self._path(parts[2], parts[1], entire=entire)
        self.visit(parts[1], entire=entire and not parts[2])

    def _path(self, path: Tree, base: Tree, *, entire: bool) -> None:
        steps = cast("Sequence[Sequence[str]]", path)
        for place, (how, name) in enumerate(steps, 1):
            note = self._note if how == "a" else self._key
            note(name, base, entire=entire and place == len(steps))

    def presence(self, parts: Sequence[Tree], *, entire: bool) -> None:
        """Whether something is there."""
        self.visit(parts[1], entire=False)

    def matched(self, parts: Sequence[Tree], *, entire: bool) -> None:
        """A text and its pattern."""
        self.visit(parts[2], entire=True)

    def choice(self, parts: Sequence[Tree], *, entire: bool) -> None:
        """One of two values."""
        self.visit(parts[1], entire=True)
        self.visit_all(parts[2:], entire=entire)

    def listed(self, parts: Sequence[Tree], *, entire: bool) -> None:
        """A list that is written out."""
        self.visit_all(parts[1:], entire=entire)

    def cut(self, parts: Sequence[Tree], *, entire: bool) -> None:
        """A part of a list."""
        self.visit(parts[1], entire=entire)
        self.visit_all([end for end in parts[2:4] if end is not None], entire=True)

    def call(self, parts: Sequence[Tree], *, entire: bool) -> None:
        """A function, with the facts that it looks up itself."""
        name, arguments = str(parts[1]), parts[2:]
        for read in FUNCTIONS[name].reads:
            self._read(read)
        if name == "get" and (key := _constant(arguments[1])) is not None:
            self._key(key, arguments[0], entire=entire)
            self.visit(arguments[0], entire=False)
            self.visit(arguments[2], entire=entire)
        else:
            self.visit_all(arguments, entire=entire if name in _PASSING else name not in _COUNTING)

    def _read(self, read: str) -> None:
        if read.startswith("sysctl:"):
            self.sysctls[read.removeprefix("sysctl:")] = None
            return
        _, domain, *names = read.split(".")
        look = self._look(domain)
        for place, name in enumerate(names, 1):
            look.attribute(name, entire=place == len(names))
        look.is_entire |= not names

    def _texts_of(self, tree: Tree) -> list[str]:
        """Every text that the name of a sysctl can come to: written out, or made of subjects that are."""
        parts = cast("Sequence[Tree]", tree)
        if (written := _constant(tree)) is not None:
            return [written]
        if parts[0] == "concat":
            found = [""]
            for part in parts[1:]:
                found = [head + tail for head in found for tail in self._texts_of(part)]
            return found
        if parts[0] == "list":
            return [text for part in parts[1:] for text in self._texts_of(part)]
        if parts[0] == "name" and parts[1] == self._subject:
            listed = cast("Sequence[Tree]", self._named[self._subject])
            if listed[0] == "list":
                return self._texts_of(listed)
        raise _Boundless


_HANDLERS: dict[str, Callable[..., None]] = {
    "name": _Walk.name, "drift": _Walk.drift, "attr": _Walk.attribute, "key": _Walk.item, "at": _Walk.item,
    "in": _Walk.membership, "sysctl": _Walk.setting, "pick": _Walk.pick, "map": _Walk.mapped,
    "present": _Walk.presence, "match": _Walk.matched, "if": _Walk.choice, "list": _Walk.listed, "slice": _Walk.cut,
    "call": _Walk.call,
}  # fmt: skip


def _constant(tree: Tree) -> str | None:
    op, *rest = cast("Sequence[Tree]", tree)
    return rest[0] if op == "c" and isinstance(rest[0], str) else None
