"""Resolved rules, kept in the user's cache directory, so that a run need not read YAML and parse expressions again.

An entry is found by the sha256 of everything that it was made of: the text of the rules, the version and the code of
netaudit. It names the further files it was made of, such as parents beside a user's baseline, and counts only while
they are unchanged. A cache that cannot be read or written is no cache; it is never an error.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from netaudit import __version__
from netaudit.baseline.pack import packed, unpacked
from netaudit.baseline.schema import Rules

_FORMAT = 1
_PART = "rules"  # the folder of the entries, inside that of netaudit
_MAX_BYTES = 32 * 2**20
_KEPT = 16  # entries; older ones go when a new one comes
# Folders and a module: changing them changes what the same text means, down to what 64KiB is.
_CODE = ("baseline", "assets", "model", "model/facts", "units.py")
_PACKAGE = Path(__file__).resolve().parent.parent


def key(texts: Mapping[str, bytes]) -> str:
    """The name of an entry made of these files, by this version and code of netaudit."""
    whole = hashlib.sha256(f"{_FORMAT}\0{__version__}\0{_code_stamp()}\0".encode())
    for name in sorted(texts):
        whole.update(f"{name}\0{len(texts[name])}\0".encode())
        whole.update(texts[name])
    return whole.hexdigest()


def _code_stamp() -> str:
    """Sizes and times of the modules that decide: in a checkout they change without a new version."""
    found = []
    for part in _CODE:
        for module in _modules(_PACKAGE / part):
            status = module.stat()
            found.append(f"{part}/{module.name} {status.st_size} {status.st_mtime_ns}")
    return "\n".join(found)


def _modules(part: Path) -> Sequence[Path | os.DirEntry[str]]:
    """A module alone, or those of a folder, in the order of their names."""
    if part.suffix:
        return (part,)
    return sorted((entry for entry in os.scandir(part) if entry.name.endswith(".py")), key=lambda each: each.name)


def load(folder: Path | None, name: str) -> tuple[Rules, str] | None:
    """The rules of an entry and their digest; None when there is no such entry, or not a whole one.

    ``folder`` is netaudit's own in the user's cache directory; None means that nothing is kept.
    """
    if folder is None:
        return None
    try:
        with (folder / _PART / f"{name}.json").open("rb") as stream:
            entry = json.loads(stream.read(_MAX_BYTES))
        if not all(_sha256(Path(path)) == sha256 for path, sha256 in entry["files"].items()):
            return None
        return unpacked(entry["rules"]), str(entry["sha256"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def save(folder: Path | None, name: str, rules: Rules, sha256: str, files: Mapping[str, str]) -> None:
    """Keep an entry, whole or not at all. ``files`` are further files it was made of, with their sha256."""
    if folder is None:
        return
    folder = folder / _PART
    import tempfile  # only where something is written: it brings in a good deal

    text = json.dumps({"files": files, "sha256": sha256, "rules": packed(rules)}, separators=(",", ":"))
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".new-", dir=folder)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(temporary).replace(folder / f"{name}.json")
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
        _forget_old(folder)


def _forget_old(folder: Path) -> None:
    entries = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in entries[_KEPT:]:
        path.unlink(missing_ok=True)


def sha256_of(data: bytes) -> str:
    """The sha256 of some bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def _sha256(path: Path) -> str:
    return sha256_of(path.read_bytes())
