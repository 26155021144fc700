"""A file of the operator, or one that is shipped: a path means the first, a bare word the second."""

from __future__ import annotations

from pathlib import Path

from netaudit.assets.locate import Assets, locate
from netaudit.baseline.nearest import did_you_mean
from netaudit.errors import RuleError


def is_path(word: str) -> bool:
    """Whether a word is a path: it has a slash, or ends as YAML does."""
    return "/" in word or Path(word).suffix in {".yaml", ".yml"}


def file_named(word: str, folder: Path, noun: str) -> Path:
    """The file that a word means: a path as it is, a bare word the file of that name in ``folder``.

    Raises RuleError with the nearest name.
    """
    if is_path(word):
        return Path(word)
    shipped = folder / f"{word}.yaml"
    if not shipped.is_file():
        raise RuleError(f"there is no {noun} {word!r}", None, did_you_mean(word, names_in(folder)))
    return shipped


def names_in(folder: Path) -> tuple[str, ...]:
    """The words that ``file_named`` knows for a folder."""
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def playbook_file(word: str, assets: Assets | None = None) -> Path:
    """The playbook of a word: a file that is there, or a shipped one. Raises RuleError."""
    return _own_or_shipped(word, (assets or locate()).playbooks, "playbook")


def workload_file(word: str, assets: Assets | None = None) -> Path:
    """The workload of a word: a file that is there, or a shipped one. Raises RuleError."""
    return _own_or_shipped(word, (assets or locate()).playbooks / "workloads", "workload")


def _own_or_shipped(word: str, folder: Path, noun: str) -> Path:
    return Path(word) if Path(word).is_file() else file_named(word, folder, noun)
