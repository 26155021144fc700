"""Reads the probes that netaudit ships."""

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
