"""What is set otherwise on one host at a later time: sysctls, interfaces, queues, the next boot, other writers.

Which values are settings is said in ``facts.settings``, once for all comparisons. Where a setting stands in a file is
told here as well: between two moments of one host it is news when another file wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netaudit.facts.domains import DOMAINS as _DOMAINS
from netaudit.facts.settings import BOOT, DOMAINS, by_domain, differences
from netaudit.facts.unread import keys_of, without_value
from netaudit.model.facts import Facts, Persisted, Writer
from netaudit.model.probe import Capture
from netaudit.model.reading import is_known

MOST_CHANGES = 20_000  # of one host
VALUE_CHARS = 400


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One setting of one host at two times; None: it was not there, or could not be read."""

    host: str
    name: str
    before: str | None
    after: str | None


def differing(before: Capture, after: Capture) -> frozenset[str]:
    """The domains in which two captures can differ at all: of the others the answers are the same bytes."""
    first = {section.probe_id: section.stdout for section in before.sections}
    second = {section.probe_id: section.stdout for section in after.sections}
    return frozenset(name for name in DOMAINS if first.get(probe := _DOMAINS[name].probe) != second.get(probe))


def changes(host: str, before: Facts, after: Facts) -> tuple[SettingChange, ...]:
    """What is set otherwise at the later time. What only one of the two could read, or none was asked, is no change."""
    first, second = _settings(before), _settings(after)
    unread = without_value(before) | without_value(after)
    found = (
        SettingChange(host, name, _short(was), _short(now))
        for domain, values in first.items()
        for name, was, now in differences(values, second.get(domain, values))
        if unread.isdisjoint(keys_of(name))
    )
    return tuple(change for change, _ in zip(found, range(MOST_CHANGES), strict=False))


def _short(value: str | None) -> str | None:
    return value if value is None else value[:VALUE_CHARS]


def _settings(facts: Facts) -> dict[str, dict[str, str]]:
    """The settings by domain, those of the next boot with their place, the writers one by one."""
    found = by_domain(facts)
    if isinstance(facts.persisted, Persisted):
        found["persisted"].update(_places(facts.persisted))
    if is_known(facts.writers):
        found["writers"] = dict(_writers(facts.writers))
    return found


def _places(persisted: Persisted) -> Mapping[str, str]:
    return {BOOT + name: f"{boot.value} ({boot.file}:{boot.line})" for name, boot in persisted.boot.items()}


def _writers(writers: Iterable[Writer]) -> Iterable[tuple[str, str]]:
    for writer in writers:
        words = (writer.detail, "" if writer.active else "(not running)")
        yield f"writer {writer.name}", " ".join(filter(None, words)) or "present"
