"""Writes playbooks/remediations/pins.json: what a release ships as reviewed. With --check it only compares.

A file that is as it was keeps the moment of its pin.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WHO = "the maintainers of netaudit"


def current() -> bool:
    """Whether every shipped file is pinned as it is, and no other one."""
    from netaudit.assets.locate import locate
    from netaudit.assets.remediations import SHIPPED_PINS, read_pins, shipped_files
    from netaudit.remedy.pins import sha256_of

    assets = locate(ROOT)
    pins = read_pins(assets.playbooks / "remediations" / SHIPPED_PINS)
    digests = {path.name: sha256_of(path.read_bytes()) for path in shipped_files(assets)}
    return digests == {name: pin.sha256 for name, pin in pins.items()}


def main(arguments: list[str]) -> int:
    """Write the pins, or say whether they are current."""
    if "--check" in arguments:
        return 0 if current() else 1
    from netaudit.assets.locate import locate
    from netaudit.assets.remediations import SHIPPED_PINS, read_pins, shipped_files, write_pins
    from netaudit.remedy.pins import pin_of, sha256_of

    assets = locate(ROOT)
    path = assets.playbooks / "remediations" / SHIPPED_PINS
    before, now = read_pins(path), datetime.now(UTC)
    pins = []
    for file in shipped_files(assets):
        data = file.read_bytes()
        old = before.get(file.name)
        pins.append(old if old and old.sha256 == sha256_of(data) else pin_of(file.name, data, WHO, now))
    write_pins(path, pins)
    path.chmod(0o644)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
