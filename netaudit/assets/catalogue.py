"""Loads rules: the shipped checks and a baseline, shipped or a user's own, into one ruleset.

What reads YAML and judges expressions is imported when the cache has no answer: that takes longer than all the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from netaudit.assets import cache
from netaudit.assets.locate import Assets, locate
from netaudit.assets.named import file_named, names_in
from netaudit.assets.textfile import read_bytes
from netaudit.baseline.name_list import Lists, NameList, names_of
from netaudit.baseline.nearest import did_you_mean
from netaudit.baseline.pack import digest
from netaudit.baseline.schema import Rules
from netaudit.baseline.select import Ruleset
from netaudit.errors import RuleError

if TYPE_CHECKING:
    from netaudit.baseline.load import Draft, Problems
    from netaudit.baseline.node import Node

DEFAULT_BASELINE = "linux-server"


def load_ruleset(
    baseline: str | Path | None = None,
    extra: Mapping[str, object] | None = None,
    assets: Assets | None = None,
    cache_folder: Path | None = None,
) -> Ruleset:
    """A baseline ready for use, by its shipped name or its file; from the cache when nothing has changed.

    ``extra`` are the variables of the command line. Raises RuleError: the first of the errors, and how many there are.
    """
    reading = _Reading(assets or locate())
    entry = reading.entry(baseline or DEFAULT_BASELINE)
    name = cache.key({**reading.shared(), f"entry {entry} {entry.absolute()}": reading.text(entry)})
    found = cache.load(cache_folder, name)
    if found is None:
        rules, problems = reading.rules(entry)
        if rules is None:
            raise _first(problems.found)
        found = rules, digest(rules)
        cache.save(cache_folder, name, *found, reading.digests())
    rules, sha256 = _told(found, extra) if extra else found
    return Ruleset(rules, sha256, reading.lists, frozenset(extra or {}))


def _told(found: tuple[Rules, str], extra: Mapping[str, object]) -> tuple[Rules, str]:
    """The rules with the variables of the command line, and the digest of that."""
    from netaudit.baseline.resolve import with_extra

    told = with_extra(found[0], extra)
    return (told, digest(told)) if told is not found[0] else found


def load_rules(
    baseline: str | Path | None = None, extra: Mapping[str, object] | None = None, assets: Assets | None = None
) -> Rules:
    """The resolved rules of a baseline, read anew. Raises RuleError as ``load_ruleset`` does."""
    return load_ruleset(baseline, extra, assets).rules


def lint(
    baseline: str | Path | None = None, assets: Assets | None = None
) -> tuple[Rules | None, tuple[RuleError, ...]]:
    """The rules of a baseline, or everything that is wrong with it and with the checks it chooses."""
    reading = _Reading(assets or locate())
    try:
        entry = reading.entry(baseline or DEFAULT_BASELINE)
    except RuleError as error:
        return None, (error,)
    rules, problems = reading.rules(entry)
    return rules, tuple(problems.found)


def baseline_names(assets: Assets) -> tuple[str, ...]:
    """The names of the shipped baselines."""
    return names_in(assets.baselines)


def name_lists(assets: Assets) -> Lists:
    """The names that sysctls and counters can have."""
    return _Reading(assets).lists()


def check_ids(assets: Assets) -> frozenset[str]:
    """The ids of all shipped checks, whichever of them a baseline chooses."""
    from netaudit.baseline.load import Problems

    return frozenset(draft.id for draft in _Reading(assets).library(Problems([])))


def _first(errors: list[RuleError]) -> RuleError:
    more = len(errors) - 1
    count = f" (and {more} more error{'s' if more > 1 else ''})" if more else ""
    return RuleError(errors[0].message + count, errors[0].where, errors[0].hint)


class _Reading:
    """One loading: every file is read once."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self._texts: dict[Path, bytes] = {}

    def text(self, path: Path) -> bytes:
        """The bytes of a file. Raises RuleError."""
        if path not in self._texts:
            self._texts[path] = read_bytes(path)
        return self._texts[path]

    def shared(self) -> dict[str, bytes]:
        """The files that every baseline is made of: checks and lists of names."""
        paths = [
            *self._check_files(),
            *(self._assets.schema / name for name in ("sysctl-names.txt", "counter-names.txt")),
        ]
        return {str(path): self.text(path) for path in paths if path.is_file()}

    def digests(self) -> dict[str, str]:
        """The sha256 of every file that was read, by its absolute path."""
        return {str(path.absolute()): cache.sha256_of(data) for path, data in self._texts.items()}

    def entry(self, baseline: str | Path) -> Path:
        """The file of a baseline. Raises RuleError when there is none of that name."""
        if isinstance(baseline, Path):
            return baseline
        return file_named(baseline, self._assets.baselines, "baseline")

    def rules(self, entry: Path) -> tuple[Rules | None, Problems]:
        """The rules of a baseline's file, and everything that is wrong with them."""
        from netaudit.baseline.load import Problems
        from netaudit.baseline.resolve import Material, resolve

        problems = Problems([])
        library = self.library(problems)
        node = problems.attempt(lambda: self._node(entry))
        if node is None:
            return None, problems
        return resolve(node, Material(library, self._parent, self.lists()), problems), problems

    def lists(self) -> Lists:
        """The names that sysctls and counters can have."""
        return Lists(self._names("sysctl-names.txt"), self._names("counter-names.txt"))

    def _names(self, name: str) -> NameList:
        path = self._assets.schema / name
        return names_of(self.text(path).decode("utf-8", "replace")) if path.is_file() else NameList()

    def _node(self, path: Path) -> Node:
        from netaudit.assets.yamlfile import parse_yaml  # importing YAML takes longer than reading the cache

        return parse_yaml(self.text(path), str(path))

    def _check_files(self) -> list[Path]:
        return sorted(self._assets.checks.rglob("*.yaml"))

    def library(self, problems: Problems) -> tuple[Draft, ...]:
        """Every check that is shipped, unread, in the order of the files' names."""
        found: dict[str, Draft] = {}
        for path in self._check_files():
            for draft in self._drafts(path, problems):
                if draft.id in found:
                    other = found[draft.id].node.where
                    problems.found.append(draft.node.error(f"there is a check {draft.id!r} already", f"at {other}"))
                found.setdefault(draft.id, draft)
        return tuple(found.values())

    def _drafts(self, path: Path, problems: Problems) -> tuple[Draft, ...]:
        from netaudit.baseline.load import drafts

        return problems.attempt(lambda: drafts(self._node(path))) or ()

    def _parent(self, name: str, node: Node) -> Node:
        """A parent by its shipped name, or by its path beside the file that names it."""
        if name.endswith((".yaml", ".yml")):
            return self._node(Path(node.source.file).parent / name)
        path = self._assets.baselines / f"{name}.yaml"
        if not path.is_file():
            raise node.error(f"there is no baseline {name!r}", did_you_mean(name, baseline_names(self._assets)))
        return self._node(path)
