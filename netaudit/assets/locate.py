"""Where the probes and playbooks are, whether netaudit is installed or runs from a checkout.

Looked for in this order: the folder that was named, the copy inside the package, the checkout around it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from netaudit.errors import AssetsMissing

_PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Assets:
    """The two data folders, as found."""

    probes: Path
    playbooks: Path

    @property
    def checks(self) -> Path:
        """The folder of shipped checks."""
        return self.playbooks / "checks"

    @property
    def baselines(self) -> Path:
        """The folder of shipped baselines."""
        return self.playbooks / "baselines"

    @property
    def schema(self) -> Path:
        """The folder of name lists and of schemas for editors."""
        return self.playbooks / "schema"

    def digest(self) -> str:
        """The sha256 of every file in both folders, by name and content: what a run was made with."""
        whole = hashlib.sha256()
        for folder in (self.probes, self.playbooks):
            for path in sorted(each for each in folder.rglob("*") if each.is_file()):
                data = path.read_bytes()
                whole.update(f"{path.relative_to(folder.parent)}\0{len(data)}\0".encode())
                whole.update(data)
        return whole.hexdigest()


def locate(explicit: Path | None = None) -> Assets:
    """The data folders. Raises AssetsMissing when they are not where they should be, and says where was looked."""
    roots = [explicit] if explicit is not None else [_PACKAGE / "_data", _PACKAGE.parent]
    for root in roots:
        found = Assets(root / "remote_probes", root / "playbooks")
        if found.probes.is_dir() and found.playbooks.is_dir():
            return found
    looked = ", ".join(str(root) for root in roots)
    raise AssetsMissing(
        f"the folders remote_probes and playbooks are not in {looked}",
        hint="install netaudit again, or name the folder that holds them",
    )
