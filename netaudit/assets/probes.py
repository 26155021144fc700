"""Reads the probes that netaudit ships: those of every audit, and those of tracing, which are sent on demand only."""

from __future__ import annotations

from netaudit.assets.locate import Assets
from netaudit.errors import AssetsMissing
from netaudit.model.probe import Probe
from netaudit.wire.head import parse_probe


def load_probes(assets: Assets) -> tuple[Probe, ...]:
    """All probes, by name. Raises RuleError for a head that is not valid, AssetsMissing when there are none."""
    paths = sorted(assets.probes.glob("*.sh"))
    if not paths:
        raise AssetsMissing(f"there are no probes in {assets.probes}", hint="install netaudit again")
    return tuple(parse_probe(path.read_text(encoding="utf-8"), str(path)) for path in paths)


def load_trace_probes(assets: Assets) -> tuple[Probe, ...]:
    """The probes of ``remote_probes/trace/``, by name. Raises RuleError for a head that is not valid."""
    paths = sorted((assets.probes / "trace").glob("*.sh"))
    return tuple(parse_probe(path.read_text(encoding="utf-8"), str(path)) for path in paths)
