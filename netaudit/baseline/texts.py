"""What a check says, ready to be written for any host: words with expressions in them.

What a text rests on may be known to be the same on other hosts. ``settled`` writes those parts of it and leaves the
rest open, so that hosts with other process ids share all of a text but those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from netaudit.baseline.closures import Tree, closure
from netaudit.baseline.schema import Expression, Template
from netaudit.baseline.scope import Scope
from netaudit.baseline.unknown import Unknown
from netaudit.baseline.values import as_text

Rests: TypeAlias = Callable[[Tree], bool]  # whether the value of a tree is known to be the same


class Speech(Protocol):
    """Something to be said of a subject; None where there is nothing to say."""

    def __call__(self, scope: Scope, /) -> str | None:
        """The words."""

    def settled(self, scope: Scope, rests: Rests, /) -> Words:
        """The words as far as they rest on what is known to be the same; meant for the host's own namespace."""


Words: TypeAlias = "Speech | str | None"  # what is settled, and what is open still


class Spoken:
    """One expression of a text; where it has no value, the reason stands in parentheses."""

    __slots__ = ("_run", "tree")

    def __init__(self, expression: Expression) -> None:
        self.tree = expression.tree
        self._run = closure(expression.tree)

    def __call__(self, scope: Scope) -> str:
        try:
            return as_text(self._run(scope))
        except Unknown as unknown:
            return f"({unknown.absent.reason})"


class Text:
    """Words and expressions, as they follow one another."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Sequence[str | Spoken]) -> None:
        self._parts = parts

    def __call__(self, scope: Scope) -> str:
        return "".join([part if isinstance(part, str) else part(scope) for part in self._parts])

    def settled(self, scope: Scope, rests: Rests) -> Text | str:
        """See ``Speech``."""
        joined: list[str | Spoken] = [""]
        for part in self._parts:
            is_open = isinstance(part, Spoken) and not rests(part.tree)
            words = part if is_open or isinstance(part, str) else part(scope)
            if isinstance(words, str) and isinstance(joined[-1], str):
                joined[-1] += words
            else:
                joined.append(words)
        return joined[0] if len(joined) == 1 and isinstance(joined[0], str) else Text(joined)


class PlacedText(Text):
    """A text that says in which network namespace, if that is not the host's own."""

    __slots__ = ("_after", "_before")

    def __init__(self, parts: Sequence[str | Spoken], before: str = "", after: str = "") -> None:
        super().__init__(parts)
        self._before = before
        self._after = after

    def __call__(self, scope: Scope) -> str:
        words = super().__call__(scope)
        if not scope.namespace:
            return words
        return self._before.format(scope.namespace) + words + self._after.format(scope.namespace)


def parts_of(template: Template) -> list[str | Spoken]:
    """The parts of a template, its expressions ready to run."""
    return [part if isinstance(part, str) else Spoken(part) for part in template.parts]


def text_of(template: Template) -> Text:
    """A template, ready to be written."""
    return Text(parts_of(template))
