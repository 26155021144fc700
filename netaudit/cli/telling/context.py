"""What reports may say besides results: the rules that a run was held against, and where its hosts are named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from netaudit.baseline.schema import Check
from netaudit.baseline.select import Ruleset
from netaudit.cli.asking.run_request import Fleet
from netaudit.cli.here import here
from netaudit.cli.telling.decisions import decisions_of
from netaudit.errors import Where
from netaudit.model.context import CheckContext, RunContext


def context_of(ruleset: Ruleset, fleet: Fleet, below: Path | None = None) -> RunContext:
    """The context of a run of these rules over these hosts; files below ``below`` are named relative to it."""
    root = below or here()
    places = {}
    for target in fleet.targets:
        place = fleet.place(target.name) if fleet.place else None
        if place is not None and place.file:
            places[target.name] = _near(place, root)
    return RunContext(
        checks={check.id: _check(check, root) for check in ruleset.rules.checks},
        places=places,
        groups={target.name: target.groups for target in fleet.targets if target.groups},
        decisions=decisions_of(ruleset, fleet, lambda where: _near(where, root)),
    )


def _check(check: Check, root: Path) -> CheckContext:
    return CheckContext(
        title=check.title,
        layer=str(check.layer),
        severity=str(check.severity),
        why=check.why,
        derived=check.derive,
        fix=check.fix.text if check.fix else "",
        risk=str(check.risk) if check.risk else "",
        caveats=check.caveats,
        sources=check.sources,
        where=_near(check.where, root) if check.where else None,
    )


def _near(place: Where, root: Path) -> Where:
    """The place, its file relative to the root if it lies below it."""
    path = Path(place.file)
    if path.is_absolute() and path.is_relative_to(root):
        return replace(place, file=str(path.relative_to(root)))
    return place
