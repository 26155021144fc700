"""What stands around a run and is the same for all of its hosts: what its checks are about, and where things are said.

Reports that explain, or that point to a line of a file, need it; results alone do not carry it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from netaudit.errors import Where

_NO_CHECKS: Mapping[str, CheckContext] = MappingProxyType({})
_NO_PLACES: Mapping[str, Where] = MappingProxyType({})
_NO_GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class CheckContext:
    """One check, for a reader who has never heard of it; texts that nothing was said of are empty."""

    title: str
    layer: str = ""
    severity: str = ""
    why: str = ""
    derived: str = ""  # how the expected value comes about
    fix: str = ""  # as it is written in the rule, expressions and all
    risk: str = ""
    caveats: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    where: Where | None = None  # its rule


@dataclass(frozen=True, slots=True)
class LoadContext:
    """The load that a run was held against: the text of its file, and the hosts that each of its patterns means."""

    file: str
    text: str
    scale: float
    what_if: Mapping[str, str]
    members: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Decision:
    """A place that says for some hosts what is expected of some checks: an override, or a variable of the inventory."""

    where: Where
    checks: frozenset[str]
    hosts: frozenset[str]


@dataclass(frozen=True, slots=True)
class RunContext:
    """Of one run: its checks by id; of each host where the inventory mentions it first, and its groups; its load.

    Files are named relative to the directory that the run was started in, where they lie below it.
    """

    checks: Mapping[str, CheckContext] = field(default_factory=lambda: _NO_CHECKS)
    places: Mapping[str, Where] = field(default_factory=lambda: _NO_PLACES)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NO_GROUPS)
    load: LoadContext | None = None  # of a capacity check
    decisions: tuple[Decision, ...] = ()  # the strongest first

    @property
    def why(self) -> Mapping[str, str]:
        """Why each check matters, by its id."""
        return {name: check.why for name, check in self.checks.items()}


NO_CONTEXT = RunContext()
