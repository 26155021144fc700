"""What a host can carry, resource by resource: values for reports, for the store, and as input to a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from netaudit.model.probe import HostError
from netaudit.model.result import HostStatus, Severity


class CapacityVerdict(StrEnum):
    """Whether one resource carries the declared load, the worst first. Only the first two are findings."""

    BREAKS = "breaks"  # the load needs more than there is
    TIGHT = "tight"  # enough, without the headroom that is asked for
    NEEDS_FIGURE = "needs-figure"  # the workload does not say what has to be known
    UNKNOWN = "unknown"  # the host does not tell its limit
    FITS = "fits"
    NOT_CONCERNED = "not-concerned"  # nothing of the load touches it

    @property
    def severity(self) -> Severity | None:
        """How bad it is, if it is a finding."""
        return {CapacityVerdict.BREAKS: Severity.HIGH, CapacityVerdict.TIGHT: Severity.MEDIUM}.get(self)

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(CapacityVerdict).index(self)


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """The true need lies between these multiples of the computed one, as far as is known, and why."""

    low: float
    high: float
    why: str


@dataclass(frozen=True, slots=True)
class FigureNeed:
    """A figure that the workload lacks: its key there, for which load, and what it means."""

    figure: str
    load: str  # name of the load; empty: of the machine
    meaning: str
    usual: str = ""  # what people take who do not know better


@dataclass(frozen=True, slots=True)
class SettingChange:
    """What would make the resource fit. ``setting`` is a sysctl, or a word of a few for what is none.

    Those words are ``listen_backlog``, ``nofile`` and ``rx_ring``; their subject is the process or interface.
    """

    setting: str
    value: str
    now: str = ""
    subject: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Assessment:
    """One resource of one host against the load. Numbers are in ``unit``; None means that there is no such number."""

    resource: str  # id: "accept-queue"
    title: str
    layer: str
    subject: str  # which of several: a listener, a destination, an interface; may be empty
    unit: str
    verdict: CapacityVerdict
    required: float | None = None  # at the declared load
    provision: float | None = None  # with headroom: what is asked for
    limit: float | None = None
    in_use: float | None = None
    breaks_at: float | None = None  # multiple of the declared load at which the limit is reached; None: at no load
    formula: str = ""
    uncertainty: Uncertainty | None = None
    reason: str = ""  # what happens beyond the limit, or why there is no verdict
    evidence: str = ""  # where limit and use were read
    sources: tuple[str, ...] = ()
    loads: tuple[str, ...] = ()
    needs: tuple[FigureNeed, ...] = ()
    assumed: tuple[str, ...] = ()  # figures that usual values stood for, or that were taken as zero
    changes: tuple[SettingChange, ...] = ()
    is_soft: bool = False  # beyond the limit nothing is lost

    @property
    def headroom(self) -> float | None:
        """The share of the limit that is left at the declared load; below 0 where it breaks."""
        if self.required is None or not self.limit:
            return None
        return 1 - self.required / self.limit


@dataclass(frozen=True, slots=True)
class HostCapacity:
    """Everything that is said of one host, the first to break first."""

    name: str
    address: str
    status: HostStatus
    error: HostError | None
    duration_s: float
    assessments: tuple[Assessment, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def first(self) -> Assessment | None:
        """What breaks first as the load grows, or has broken already; resources that lose nothing do not count."""
        breaking = [each for each in self.assessments if each.breaks_at is not None and not each.is_soft]
        return min(breaking, key=lambda each: (each.breaks_at or 0.0, each.resource, each.subject), default=None)


@dataclass(frozen=True, slots=True)
class CapacityLine:
    """One resource over all hosts that need the same of it and fare alike. ``weakest`` is the example."""

    hosts: tuple[str, ...]
    weakest_host: str
    weakest: Assessment
    limits: tuple[float, float] | None  # least and most
    in_use: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class FleetCapacity:
    """A whole run. ``lines`` are the worst first."""

    hosts: int
    verdicts: Mapping[CapacityVerdict, int]  # over all hosts and resources
    lines: tuple[CapacityLine, ...]
    first: CapacityLine | None  # what breaks first in the fleet
    needs: tuple[tuple[FigureNeed, tuple[str, ...]], ...]  # each with the resources that need it


@dataclass(frozen=True, slots=True)
class WorkloadRef:
    """Which load a run was held against."""

    name: str
    title: str
    file: str
    sha256: str
    scale: float = 1.0
    present: str = "included"
    assumes: bool = False
    what_if: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
