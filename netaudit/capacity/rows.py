"""From a need and a limit to a verdict: one row of the answer, whatever the resource."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from netaudit.capacity.figures import Inquiry, names_of
from netaudit.capacity.host import Host
from netaudit.capacity.words import amount, number
from netaudit.model.capacity import Assessment, CapacityVerdict, SettingChange, Uncertainty
from netaudit.model.reading import Absent, Maybe
from netaudit.model.workload import Load

_EXACT = 1e-9  # relative: what floating point may add


@dataclass(frozen=True, slots=True)
class Resource:
    """What is the same for a resource on every host.

    ``headroom`` is what the need is multiplied by to ask for. ``consequence`` is what happens beyond the limit; where
    it ``is_soft`` nothing is lost, and the worst verdict is *tight*.
    """

    id: str
    title: str
    layer: str
    unit: str
    headroom: float
    uncertainty: Uncertainty
    consequence: str
    sources: tuple[str, ...]
    is_soft: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """What the load needs: a part that grows with it and a part that does not, with the arithmetic in words."""

    variable: float
    formula: str
    fixed: float = 0.0

    @property
    def total(self) -> float:
        """At the declared load."""
        return self.variable + self.fixed


@dataclass(frozen=True, slots=True)
class Limit:
    """What there is. ``comfort`` is how much of it may be used with headroom; None: all. No limit is infinity."""

    value: Maybe[float]
    evidence: str = ""
    comfort: float | None = None


def row(
    resource: Resource,
    host: Host,
    inquiry: Inquiry,
    loads: Sequence[Load],
    need: Need,
    limit: Limit,
    *,
    subject: str = "",
    in_use: Maybe[float] | None = None,
    is_stock: bool = True,
    changes: Sequence[SettingChange] = (),
    remark: str = "",
) -> Assessment:
    """The verdict on one resource. ``in_use`` of a stock counts on top where the load is additional."""
    used = in_use if isinstance(in_use, int | float) else None
    need, unread = _with_present(need, host, in_use, is_stock=is_stock)
    verdict, reason = CapacityVerdict.FITS, remark
    numbers: tuple[float | None, float | None, float | None] = (None, None, None)
    if inquiry.missing:
        verdict, reason = CapacityVerdict.NEEDS_FIGURE, "the workload lacks " + _listed(inquiry)
    elif isinstance(limit.value, Absent) or unread is not None:
        absent = limit.value if isinstance(limit.value, Absent) else unread
        what = "the limit" if isinstance(limit.value, Absent) else "what is in use"
        verdict, reason = CapacityVerdict.UNKNOWN, f"{what} is not known: {absent}"
        numbers = (need.total, need.total * resource.headroom, None)
    else:
        verdict = _verdict(resource, need, limit.value, limit.value if limit.comfort is None else limit.comfort)
        numbers = (need.total, need.total * resource.headroom, breaks_at(need, limit.value))
        if verdict in {CapacityVerdict.BREAKS, CapacityVerdict.TIGHT}:
            reason = "; ".join(filter(None, (resource.consequence, remark)))
    known = limit.value if isinstance(limit.value, int | float) and math.isfinite(limit.value) else None
    return Assessment(
        resource=resource.id,
        title=resource.title,
        layer=resource.layer,
        subject=subject,
        unit=resource.unit,
        verdict=verdict,
        required=numbers[0],
        provision=numbers[1],
        limit=known,
        in_use=used,
        breaks_at=numbers[2],
        formula="" if inquiry.missing else need.formula,
        uncertainty=resource.uncertainty,
        reason=reason,
        evidence=limit.evidence,
        sources=resource.sources,
        is_soft=resource.is_soft,
        loads=names_of(loads),
        needs=tuple(inquiry.missing),
        assumed=tuple(inquiry.assumed),
        changes=tuple(changes) if verdict in {CapacityVerdict.BREAKS, CapacityVerdict.TIGHT} else (),
    )


def _with_present(need: Need, host: Host, in_use: Maybe[float] | None, *, is_stock: bool) -> tuple[Need, Absent | None]:
    """The need with what is in use now, where that comes on top; or why that is not known."""
    if not (host.adds_present and is_stock) or in_use is None:
        return need, None
    if isinstance(in_use, Absent):
        return need, in_use
    if not in_use:
        return need, None
    formula = f"{need.formula}; + {number(in_use)} in use now = {number(math.ceil(need.total + in_use))}"
    return Need(need.variable, formula, need.fixed + in_use), None


def _verdict(resource: Resource, need: Need, limit: float, comfort: float) -> CapacityVerdict:
    if need.total > limit * (1 + _EXACT):
        return CapacityVerdict.TIGHT if resource.is_soft else CapacityVerdict.BREAKS
    if need.total * resource.headroom > comfort * (1 + _EXACT):
        return CapacityVerdict.TIGHT
    return CapacityVerdict.FITS


def breaks_at(need: Need, limit: float) -> float | None:
    """The multiple of the load at which the need reaches the limit; None if it never does."""
    if need.variable <= 0:
        return 0.0 if need.fixed > limit * (1 + _EXACT) else None
    if math.isinf(limit):
        return None
    return max(0.0, (limit - need.fixed) / need.variable)


def _listed(inquiry: Inquiry) -> str:
    return ", ".join(f"{need.figure} ({need.load})" if need.load else need.figure for need in inquiry.missing)


def not_concerned(resource: Resource, reason: str, subject: str = "", loads: Sequence[Load] = ()) -> Assessment:
    """The row of a resource that nothing of the load touches."""
    return Assessment(
        resource.id, resource.title, resource.layer, subject, resource.unit, CapacityVerdict.NOT_CONCERNED,
        reason=reason, loads=names_of(loads), sources=resource.sources,
    )  # fmt: skip


def unknown(resource: Resource, reason: str, subject: str = "", loads: Sequence[Load] = ()) -> Assessment:
    """The row of a resource of which the host does not tell enough to compute anything."""
    return Assessment(
        resource.id, resource.title, resource.layer, subject, resource.unit, CapacityVerdict.UNKNOWN,
        reason=reason, loads=names_of(loads), sources=resource.sources,
    )  # fmt: skip


def ceil_pow2(value: float) -> int:
    """The smallest power of two that is at least the value."""
    whole = math.ceil(value - _EXACT)
    return 1 if whole <= 1 else 1 << (whole - 1).bit_length()


def summed(parts: Sequence[tuple[str, float]], unit: str) -> str:
    """A sum in words: ``a: 2 × 3 = 6; b: 4; together 10 entries``."""
    total = sum(value for _, value in parts)
    said = "; ".join(text for text, value in parts if value)
    return f"{said or 'nothing'}; together {amount(math.ceil(total), unit)}" if len(parts) != 1 else said
