"""One check, ready to run: its expressions as closures, made once and used for every host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from netaudit.baseline.closures import Closure, Tree, closure, truth
from netaudit.baseline.evidence import PLACE, Piece, Rows, pieces
from netaudit.baseline.matchers import Matcher, matcher, said
from netaudit.baseline.reads import expressions_of, texts_of
from netaudit.baseline.schema import Check, Expression, Template
from netaudit.baseline.scope import Scope
from netaudit.baseline.texts import PlacedText, Speech, Text, parts_of, text_of
from netaudit.baseline.unknown import Unknown
from netaudit.model.result import Severity


def _texts(template: Template | None) -> Text | None:
    return text_of(template) if template is not None else None


def _lasting(check: Check) -> tuple[str, ...]:
    """The definitions that are the same for every subject."""
    changing = {"value", check.for_each.name if check.for_each is not None else "value"}
    found = []
    for name, made in check.definitions:
        if changing & set(_names_in(made.tree)):
            changing.add(name)
        else:
            found.append(name)
    return tuple(found)


def _sysctls(expressions: Iterable[Expression]) -> tuple[str, ...]:
    """The sysctls that some expressions name: in full, or with a star for the name of a subject."""
    reads = (name for each in expressions for name in each.reads)
    names = (name.removeprefix("sysctl:") for name in reads if name.startswith("sysctl:"))
    return tuple(dict.fromkeys(name for name in names if name.count(".") > name.count("*")))


def _names_in(tree: Tree) -> Iterator[str]:
    if isinstance(tree, list | tuple) and tree:
        if tree[0] == "name":
            yield str(tree[1])
        for part in tree[1:] if isinstance(tree[0], str) else tree:
            yield from _names_in(part)


@dataclass(frozen=True, slots=True)
class Step:
    """One level: a claim, its severity, and what is said when it does not hold."""

    severity: Severity
    matcher: Matcher
    note: Text | None


@dataclass(frozen=True, slots=True)
class Subjects:
    """How the subjects of a check are found and called."""

    name: str
    listed: Closure
    where: Callable[[Scope], bool] | None
    subject: Text
    empty: Text | None


class Compiled:
    """A check whose parts can be called. Texts are compiled when they are first needed."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self.conditions = [(truth(made.when.tree), text_of(made.otherwise)) for made in check.applies_to]
        self.definitions: dict[str, Closure] = {name: closure(made.tree) for name, made in check.definitions}
        self.lasting = _lasting(check)
        self.kernel_default = closure(check.kernel_default.tree) if check.kernel_default is not None else None
        self.value = closure(check.value.tree) if check.value is not None else None
        self.steps = [Step(made.severity, matcher(made.claim), _texts(made.note)) for made in check.levels]
        self.expected = _texts(check.expected)
        self.subjects = self._subjects()

    def _subjects(self) -> Subjects | None:
        made = self.check.for_each
        if made is None:
            return None
        where = truth(made.where.tree) if made.where is not None else None
        return Subjects(made.name, closure(made.listed.tree), where, text_of(made.subject), _texts(made.empty))

    @cached_property
    def judged(self) -> tuple[str, ...]:
        """The sysctls that the verdict of a check rests on; a star stands for the name of a subject."""
        return _sysctls(expressions_of(self.check))

    @property
    def defaulted(self) -> str | None:
        """The sysctl whose default the check says: the only one that its value reads."""
        made = self.check
        looked_at = [made.value] if made.value is not None else []
        named = _sysctls(looked_at) or _sysctls(definition for _, definition in made.definitions)
        return named[0] if len(named) == 1 and "*" not in named[0] else None

    @cached_property
    def evidence(self) -> Speech:
        """Where the numbers were read, in the check's own words or by what its expressions read."""
        own = self.check.evidence
        return PlacedText(parts_of(own), after=PLACE) if own is not None else Rows(self._pieces())

    def _pieces(self) -> tuple[Piece, ...]:
        check = self.check
        definitions: dict[str, Tree] = {name: made.tree for name, made in check.definitions}
        looked_at = [check.value.tree] if check.value is not None else []
        skipped = {id(made) for _, made in check.definitions}
        if check.for_each is not None:
            skipped |= {id(check.for_each.listed), id(check.for_each.where)}
        trees = [made.tree for made in expressions_of(check) if id(made) not in skipped and made is not check.value]
        return pieces([*looked_at, *trees], definitions)

    @cached_property
    def fix(self) -> Speech | None:
        """What would put it right, in one line."""
        made = self.check.fix
        return PlacedText(parts_of(made), before="In network namespace {}: ") if made is not None else None

    @cached_property
    def names_expected(self) -> bool:
        """Whether a text names what is expected."""
        return any(name == "expected" for made in texts_of(self.check) for name in _names_in(made.tree))

    def wanted(self, scope: Scope, failed: Step | None) -> tuple[str | None, object]:
        """What is expected, in words and as texts name it: by the mildest claim, unless only a worse one fails.

        A value that satisfied the claim that failed and not the mildest one would fail again. What is not known is an
        Unknown, to be raised where it is used.
        """
        step = self.steps[-1]
        if failed is not None and failed is not step and self._holds(step, scope):
            step = failed
        if self.expected is not None:
            return self.expected(scope), said(step.matcher, scope, None) if self.names_expected else None
        words = said(step.matcher, scope, self.check.unit)
        if not self.names_expected:
            return words, None
        try:
            return words, step.matcher.wanted(scope)
        except Unknown as unknown:
            return words, unknown

    def _holds(self, step: Step, scope: Scope) -> bool:
        try:
            return step.matcher.holds(scope, scope.names.get("value"))
        except Unknown:
            return False
