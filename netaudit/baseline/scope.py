"""What an expression sees while it is evaluated: facts, running sysctls, variables, and the names of the moment.

A name may stand for an ``Unknown``, which is raised again, as a new one, wherever the name is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from netaudit.baseline.unknown import Unknown, not_present
from netaudit.model.facts import Facts
from netaudit.model.reading import Absent

_INTEGER = re.compile(r"-?[0-9]{1,19}\Z", re.ASCII)

WhyAbsent = Callable[[str], Absent]


def parsed_sysctl(text: str) -> object:
    """The value of a sysctl: an integer when one is printed, a list of integers when several are, else the text."""
    if _INTEGER.match(text):
        return int(text)
    parts = text.split()
    if len(parts) > 1 and all(_INTEGER.match(part) for part in parts):
        return [int(part) for part in parts]
    return text


class RunningSysctls:
    """The running values of one namespace, parsed once each; ``parsed`` are those that were asked for.

    ``texts`` are all that there are, as the kernel prints them.
    """

    __slots__ = ("_lost", "_source", "_why", "parsed", "texts")

    def __init__(self, facts: Facts, why: WhyAbsent) -> None:
        self._source = facts.sysctl
        self.texts: Mapping[str, str] = {} if isinstance(facts.sysctl, Absent) else facts.sysctl.values
        self._why = why
        self._lost: dict[str, Absent] = {}
        self.parsed: dict[str, object] = {}

    def text(self, name: str) -> str | Absent:
        """What the kernel prints for a key, or the reason why there is nothing."""
        text = self.texts.get(name)
        if text is not None:
            return text
        lost = self._lost.get(name)
        if lost is None:
            lost = self._lost[name] = self._missing(name)
        return lost

    def lost(self, name: str) -> bool:
        """Whether it was asked for a key in vain."""
        return name in self._lost

    def _missing(self, name: str) -> Absent:
        if isinstance(self._source, Absent):
            return self._source
        return self._source.absent.get(name) or self._why(name)

    def get(self, name: str) -> object:
        """The value of a key. Raises Unknown with the reason why there is none."""
        value = self.parsed.get(name)
        if value is not None:
            return value
        text = self.text(name)
        if isinstance(text, Absent):
            raise Unknown(text, name)
        value = self.parsed[name] = parsed_sysctl(text)
        return value


class Scope:
    """One evaluation. ``names`` holds what ``for_each`` and the claims add; it changes from subject to subject.

    ``lasting`` has a key for each definition that no subject changes, with its value once it is known.
    ``kept`` holds what expressions over these facts alone have come to, for all checks that ask the same.
    """

    __slots__ = ("definitions", "drift", "facts", "kept", "lasting", "names", "namespace", "sysctls", "variables")

    def __init__(
        self,
        facts: Facts,
        sysctls: RunningSysctls,
        variables: Mapping[str, object],
        *,
        namespace: str = "",
        drift: Callable[[], Sequence[object]] = tuple,
        kept: dict[str, object] | None = None,
    ) -> None:
        self.facts = facts
        self.sysctls = sysctls
        self.variables = variables
        self.namespace = namespace
        self.drift = drift
        self.kept = kept if kept is not None else {}
        self.names: dict[str, object] = {}
        self.lasting: dict[str, object] = {}
        self.definitions: Mapping[str, Callable[[Scope], object]] = {}

    def define(self, name: str) -> object:
        """The value of a ``let``, worked out when it is first asked for. Raises Unknown when it has none."""
        definition = self.definitions.get(name)
        if definition is None:
            raise not_present(f"there is no {name} here")
        value: object
        try:
            value = definition(self)
        except Unknown as unknown:
            value = unknown
        self.names[name] = value
        if name in self.lasting:
            self.lasting[name] = value
        if isinstance(value, Unknown):
            raise value
        return value

    def begin(self, name: str, subject: object) -> dict[str, object]:
        """The names for another subject; definitions in ``lasting`` are the same for all of them and stay."""
        self.names = {**self.lasting, name: subject}
        return self.names
