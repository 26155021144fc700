"""Since when the findings of one run stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from netaudit.model.result import RunInfo
from netaudit.model.spell import Spell


@dataclass(frozen=True, slots=True)
class Since:
    """What is to be said of one finding on some hosts: those on which it is new, and the spells of the others."""

    new: tuple[str, ...]
    older: tuple[Spell, ...]  # in the order in which they began
    flapping: tuple[Spell, ...]


class Standing:
    """The spells that a run has seen, by check and host, and those that it saw gone."""

    __slots__ = ("_spells", "fixed", "run")

    def __init__(self, run: RunInfo, spells: Iterable[Spell], fixed: Iterable[Spell] = ()) -> None:
        self.run = run
        self.fixed = tuple(fixed)
        self._spells: dict[tuple[str, str], Spell] = {}
        for spell in spells:
            self._spells[spell.check, spell.host] = spell

    @property
    def has_past(self) -> bool:
        """Whether anything is known from before the run: of a first run all findings would be new."""
        return bool(self.fixed) or any(spell.since_run != self.run.id for spell in self._spells.values())

    def of(self, check: str, host: str) -> Spell | None:
        """The spell of one finding; None when it was not followed."""
        return self._spells.get((check, host))

    def since(self, check: str, hosts: Sequence[str]) -> Since:
        """What is known of one finding on these hosts."""
        found = [spell for host in hosts if (spell := self.of(check, host)) is not None]
        older = [spell for spell in found if spell.since_run != self.run.id]
        return Since(
            new=tuple(spell.host for spell in found if spell.since_run == self.run.id),
            older=tuple(sorted(older, key=lambda spell: (spell.since_at, spell.since_run))),
            flapping=tuple(spell for spell in found if spell.is_flapping),
        )
