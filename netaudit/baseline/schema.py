"""What checks and baselines are, once read: typed, frozen, with every expression resolved.

Expressions are kept as text, for people, and as the plain tree that ``closures`` compiles. All of it can be written
down as plain lists and read back (``pack``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from netaudit.baseline.closures import Tree
from netaudit.errors import Where
from netaudit.model.result import Severity


class Layer(StrEnum):
    """Where in the stack a check looks."""

    APPLICATION = "application"
    LISTENER = "listener"
    TRANSPORT = "transport"
    CONNTRACK = "conntrack"
    IP = "ip"
    QDISC = "qdisc"
    NIC = "nic"
    LINK = "link"
    PATH = "path"
    HOST = "host"
    TRACING = "tracing"


class CheckKind(StrEnum):
    """What sort of thing a check judges."""

    SETTING = "setting"
    HEADROOM = "headroom"
    STATE = "state"
    TOPOLOGY = "topology"


class Extent(StrEnum):
    """Where a check is evaluated: ``scope``."""

    HOST = "host"
    NAMESPACE = "namespace"


class Risk(StrEnum):
    """What putting it right may do."""

    SAFE = "safe"
    DISRUPTIVE = "disruptive"
    CAN_CUT_CONNECTIVITY = "can-cut-connectivity"


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression. ``reads`` are ``facts.…``, ``sysctl:NAME``, ``vars.NAME``; ``kind`` is spelt as in ``kinds``."""

    text: str
    tree: Tree
    kind: str = "any"
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """Text with expressions in it."""

    parts: tuple[str | Expression, ...]

    @property
    def text(self) -> str:
        """As it was written."""
        return "".join(part if isinstance(part, str) else f"{{{{ {part.text} }}}}" for part in self.parts)


class Op(StrEnum):
    """The claims of the language."""

    EQUALS = "equals"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    ABOVE = "above"
    BELOW = "below"
    BETWEEN = "between"
    ONE_OF = "one_of"
    CONTAINS = "contains"
    CONTAINS_ALL = "contains_all"
    MATCHES = "matches"
    ORDERED = "ordered"
    FIELDS = "fields"
    HOLDS = "holds"
    ALL_OF = "all_of"
    ANY_OF = "any_of"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim. ``operand`` is what the value is held against, ``claims`` those inside it, ``places`` their fields."""

    op: Op
    operand: Expression | None = None
    claims: tuple[Claim, ...] = ()
    places: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Level:
    """A claim and how bad it is when it does not hold."""

    severity: Severity
    claim: Claim
    note: Template | None = None
    is_expect: bool = False


def ranked(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """Levels from the worst severity down, equal ones in the order they were written."""
    return tuple(sorted(levels, key=lambda made: -made.severity.rank))


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of ``applies_to``."""

    when: Expression
    otherwise: Template


@dataclass(frozen=True, slots=True)
class ForEach:
    """The subjects of a check that looks at several."""

    name: str
    listed: Expression
    where: Expression | None
    subject: Template
    empty: Template | None = None  # what it means that there is nothing to look at
    kind: str = "any"  # of one subject, spelt as in ``kinds``


@dataclass(frozen=True, slots=True)
class Check:
    """One check, ready to be evaluated. ``expect`` is the last of ``levels``, with the severity of the check."""

    id: str
    title: str
    layer: Layer
    kind: CheckKind
    severity: Severity
    why: str
    levels: tuple[Level, ...]
    extent: Extent = Extent.HOST
    derive: str = ""
    applies_to: tuple[Condition, ...] = ()
    for_each: ForEach | None = None
    definitions: tuple[tuple[str, Expression], ...] = ()  # `let`: each sees those before it
    value: Expression | None = None
    unit: str | None = None
    expected: Template | None = None
    kernel_default: Expression | None = None
    evidence: Template | None = None
    remediation: str | None = None
    desired: tuple[tuple[Template, Expression], ...] = ()  # `set`: the name of a sysctl and the value wanted
    fix: Template | None = None
    risk: Risk | None = None
    caveats: tuple[str, ...] = ()
    kernel: str = ""
    sources: tuple[str, ...] = ()
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """A change to one check, for the hosts of a pattern. ``severity`` is that of every failure of it."""

    check: str  # id
    hosts: str | None = None  # None: all
    severity: Severity | None = None
    expect: Claim | None = None  # replaces `expect`
    levels: tuple[Level, ...] | None = None  # replaces the levels in front of it
    variables: Mapping[str, object] = field(default_factory=dict)
    skip: str | None = None
    reason: str = ""
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Waiver:
    """Leave to let a finding stand, as data. It ends by itself."""

    check: str  # id or glob
    hosts: str | None
    subject: str | None  # glob over subjects
    reason: str
    approver: str
    ticket: str
    starts: datetime | None  # UTC, the first moment
    expires: datetime  # UTC, the last moment
    value: object = None
    any_value: bool = False
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """A baseline with its parents, resolved: what ``baseline show`` prints and a run is held against."""

    name: str
    title: str
    chain: tuple[str, ...]  # parents first, the baseline itself last
    variables: Mapping[str, object]
    checks: tuple[Check, ...]
    overrides: tuple[Override, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    sysctl_names: tuple[str, ...] = ()  # declared by the baselines
    warnings: tuple[str, ...] = ()
