"""Reads remediations and pins: the shipped ones, and those that a person wrote and reviewed.

A file is read once: the bytes whose digest is held against its pin are the bytes that are parsed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from netaudit.assets.catalogue import check_ids
from netaudit.assets.locate import Assets, locate
from netaudit.assets.textfile import read_bytes
from netaudit.baseline.kinds import kind_of_value
from netaudit.baseline.load import Problems
from netaudit.baseline.select import Ruleset
from netaudit.baseline.static import Names
from netaudit.errors import PlanError, RuleError, Where
from netaudit.remedy.pins import Pin, demand_pinned, dump_pins, load_pins, sha256_of
from netaudit.remedy.remediation import Known, Remediation, Remediations, remediations_of

SHIPPED_PINS = "pins.json"  # beside the shipped remediations


def shipped_files(assets: Assets) -> tuple[Path, ...]:
    """The files of remediations that netaudit ships, by name."""
    return tuple(sorted((assets.playbooks / "remediations").glob("*.yaml")))


def shipped_pins(assets: Assets) -> dict[str, Pin]:
    """The pins of the shipped files, by their absolute path. Raises PlanError."""
    folder = assets.playbooks / "remediations"
    found = read_pins(folder / SHIPPED_PINS)
    return {str((folder / name).absolute()): pin for name, pin in found.items()}


def read_pins(path: Path) -> dict[str, Pin]:
    """The pins of a file; none when there is no such file. Raises PlanError."""
    if not path.exists():
        return {}
    try:
        return load_pins(read_bytes(path).decode("utf-8", "replace"), str(path))
    except RuleError as error:
        raise PlanError(error.message, error.where, error.hint) from error


def write_pins(path: Path, pins: Iterable[Pin]) -> None:
    """Put pins in place of those of a file, whole or not at all, for its owner's eyes only. Raises PlanError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".pins-", dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(dump_pins(pins))
        Path(temporary).replace(path)
    except OSError as error:
        raise PlanError(f"pins cannot be kept: {error.strerror}", Where(str(path))) from error


def load_remediations(
    ruleset: Ruleset, own: Sequence[Path] = (), pins: Mapping[str, Pin] | None = None, assets: Assets | None = None
) -> Remediations:
    """The remediations that a plan may use, a person's own in front of the shipped ones.

    ``pins`` are those of the person's own files. Raises PlanError for a file that is not pinned or was altered,
    RuleError for one that is not valid: the first of the errors, and how many there are.
    """
    found_assets = assets or locate()
    known = known_names(ruleset, found_assets)
    shipped = shipped_pins(found_assets)
    found: list[Remediation] = []
    problems = Problems([])
    for paths, pinned in ((own, pins or {}), (shipped_files(found_assets), shipped)):
        for path in paths:
            data = read_bytes(path)
            demand_pinned(str(path.absolute()), data, pinned)
            found += parsed(data, str(path), known, problems)
    if problems.found:
        first = problems.found[0]
        more = len(problems.found) - 1
        count = f" (and {more} more error{'s' if more > 1 else ''})" if more else ""
        raise RuleError(first.message + count, first.where, first.hint)
    return Remediations(tuple(found))


def parsed(data: bytes, file: str, known: Known, problems: Problems) -> tuple[Remediation, ...]:
    """The remediations of a file's bytes; what is wrong with them is noted."""
    from netaudit.assets.yamlfile import parse_yaml

    document = problems.attempt(lambda: parse_yaml(data, file))
    return remediations_of(document, sha256_of(data), known, problems) if document is not None else ()


def known_names(ruleset: Ruleset, assets: Assets) -> Known:
    """What remediations are judged against under a baseline."""
    rules, lists = ruleset.rules, ruleset.lists()
    kinds = {name: kind_of_value(value) for name, value in rules.variables.items()}
    names = Names(kinds, lists.sysctls.and_also(rules.sysctl_names), lists.counters)
    return Known({check.id: check for check in rules.checks}, _once(lambda: check_ids(assets)), names)


def _once(read: Callable[[], frozenset[str]]) -> Callable[[], frozenset[str]]:
    kept: list[frozenset[str]] = []

    def remembered() -> frozenset[str]:
        if not kept:
            kept.append(read())
        return kept[0]

    return remembered
