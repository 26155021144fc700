"""Findings: what the rules said of the facts, a host at a time and for the fleet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from netaudit.model.probe import HostError


class Severity(StrEnum):
    """How bad a failure is; compare with ``rank``."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """4 for critical down to 0 for info."""
        return _RANKS[self]


_RANKS = {severity: 4 - place for place, severity in enumerate(Severity)}


class Verdict(StrEnum):
    """What became of one check on one host. ``unknown`` is never counted as ``pass``."""

    PASS = "pass"
    FAIL = "fail"
    WAIVED = "waived"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Item:
    """One subject of a check that looks at several: a listener, an interface, a namespace, a sysctl."""

    subject: str
    verdict: Verdict
    severity: Severity
    observed: object
    expected: str
    evidence: str
    reason: str | None = None
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class Waived:
    """Who allowed a finding to stand, why, and until when."""

    reason: str
    approver: str
    ticket: str
    until: datetime  # UTC


@dataclass(frozen=True, slots=True)
class Result:
    """One check on one host. Values are JSON-able; text may hold what a host sent and is escaped by the reporters.

    Of a check over several subjects, ``observed``, ``expected`` and ``evidence`` are those of the worst one, and
    ``items`` holds every one that did not pass.
    """

    check: str
    title: str
    layer: str
    verdict: Verdict
    severity: Severity
    observed: object = None
    expected: str | None = None
    unit: str | None = None
    evidence: str | None = None
    reason: str | None = None
    remediation: str | None = None
    fix: str | None = None  # one line for a person: what would put it right
    waived: Waived | None = None
    items: tuple[Item, ...] = ()
    passed_items: int = 0


class HostStatus(StrEnum):
    """A host's ``status`` in a report."""

    OK = "ok"
    UNREACHABLE = "unreachable"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class HostReport:
    """Everything a run says of one host."""

    name: str
    address: str
    status: HostStatus
    error: HostError | None
    duration_s: float
    results: tuple[Result, ...] = ()
    notes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()  # of the inventory


@dataclass(frozen=True, slots=True)
class FleetFinding:
    """A finding that only several hosts together show."""

    check: str
    title: str
    verdict: Verdict
    severity: Severity
    hosts: tuple[str, ...]
    evidence: str
    expected: str | None = None
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class BaselineRef:
    """Which rules a run was held against."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One run, as reports and the store know it. ``id`` sorts by time."""

    id: str
    command: str  # "audit", "collect", …
    started_at: datetime  # UTC
    version: str
    baseline: BaselineRef | None = None
    duration_s: float = 0.0
    host_key_checking: str = "strict"
    probes_digest: str = ""
    bundle_digest: str = ""
    interrupted: bool = False
    pattern: str = "all"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals of a run. ``findings`` counts failures by severity over all hosts and the fleet."""

    hosts: int = 0
    ok: int = 0
    unreachable: int = 0
    error: int = 0
    findings: Mapping[Severity, int] = field(default_factory=dict)
    waived: int = 0
    unknown: int = 0
