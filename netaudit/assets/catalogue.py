"""Loads rules: the shipped checks and a baseline, shipped or a user's own, into one set of rules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from netaudit.assets.locate import Assets, locate
from netaudit.assets.yamlfile import read_yaml
from netaudit.baseline.load import Draft, Problems, drafts
from netaudit.baseline.name_list import NameList, names_of
from netaudit.baseline.nearest import did_you_mean
from netaudit.baseline.node import Node
from netaudit.baseline.resolve import Lists, Material, resolve
from netaudit.baseline.schema import Rules
from netaudit.errors import RuleError

DEFAULT_BASELINE = "linux-server"


def load_rules(
    baseline: str | Path | None = None, extra: Mapping[str, object] | None = None, assets: Assets | None = None
) -> Rules:
    """The rules of a baseline, by its name or its file. Raises RuleError: the first of the errors, and how many."""
    rules, errors = lint(baseline, extra, assets)
    if rules is None or errors:
        first = errors[0]
        more = f" (and {len(errors) - 1} more errors)" if len(errors) > 1 else ""
        raise RuleError(first.message + more, first.where, first.hint)
    return rules


def lint(
    baseline: str | Path | None = None, extra: Mapping[str, object] | None = None, assets: Assets | None = None
) -> tuple[Rules | None, tuple[RuleError, ...]]:
    """The rules, or everything that is wrong with them."""
    found = assets or locate()
    problems = Problems([])
    entry = problems.attempt(lambda: _entry(baseline or DEFAULT_BASELINE, found))
    library = _library(found, problems)
    if entry is None:
        return None, tuple(problems.found)
    material = Material(library, lambda name, node: _parent(name, node, found), name_lists(found))
    rules = resolve(entry, material, extra or {}, problems)
    return rules, tuple(problems.found)


def _library(assets: Assets, problems: Problems) -> tuple[Draft, ...]:
    """Every check that is shipped, unread, in the order of the files' names."""
    found: dict[str, Draft] = {}
    for path in sorted(assets.checks.rglob("*.yaml")):
        for draft in problems.attempt(lambda path=path: drafts(read_yaml(path))) or ():  # type: ignore[misc]  # binds the path
            if draft.id in found:
                other = found[draft.id].node.where
                problems.found.append(draft.node.error(f"there is a check {draft.id!r} already", f"at {other}"))
            found.setdefault(draft.id, draft)
    return tuple(found.values())


def baseline_names(assets: Assets) -> tuple[str, ...]:
    """The names of the shipped baselines."""
    return tuple(sorted(path.stem for path in assets.baselines.glob("*.yaml")))


def _entry(baseline: str | Path, assets: Assets) -> Node:
    path = Path(baseline)
    if isinstance(baseline, Path) or path.suffix in {".yaml", ".yml"} or "/" in baseline:
        return read_yaml(path)
    shipped = assets.baselines / f"{baseline}.yaml"
    if shipped.is_file():
        return read_yaml(shipped)
    raise RuleError(
        f"there is no baseline {str(baseline)!r}", None, did_you_mean(str(baseline), baseline_names(assets))
    )


def _parent(name: str, node: Node, assets: Assets) -> Node:
    """A parent by its shipped name, or by its path beside the file that names it."""
    if name.endswith((".yaml", ".yml")):
        return read_yaml(Path(node.source.file).parent / name)
    path = assets.baselines / f"{name}.yaml"
    if not path.is_file():
        raise node.error(f"there is no baseline {name!r}", did_you_mean(name, baseline_names(assets)))
    return read_yaml(path)


def name_lists(assets: Assets) -> Lists:
    """The names that sysctls and counters can have."""

    def read(name: str) -> NameList:
        path = assets.playbooks / "schema" / name
        return names_of(path.read_text(encoding="utf-8")) if path.is_file() else NameList()

    return Lists(read("sysctl-names.txt"), read("counter-names.txt"))
