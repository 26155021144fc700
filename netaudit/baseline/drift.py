"""The three values of a sysctl: running, at the next boot, and after ``sysctl --system``.

A value that is right now and not what its file says is lost at the next reboot; one that systemd-sysctl sets right
and ``sysctl --system`` sets wrong is clobbered by the next package script that calls it. What is *right* is what the
host's own checks say: they are evaluated again with the settings of the files in place of the running ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from netaudit.baseline.canonical import applied, same
from netaudit.baseline.drift_memo import Answer
from netaudit.baseline.schema import CheckKind
from netaudit.baseline.scope import RunningSysctls, Scope
from netaudit.baseline.unknown import Unknown
from netaudit.baseline.values import as_text
from netaudit.facts.defaults import default_of, grounds_of
from netaudit.model.facts import Facts, Persisted, PersistedValue, Sysctls, Writer
from netaudit.model.reading import Absent, AbsentReason, Maybe
from netaudit.model.result import Verdict

if TYPE_CHECKING:
    from netaudit.baseline.select import HostCheck, HostRules
    from netaudit.baseline.sight import Key, Sight

VerdictWith = Callable[["HostCheck", Facts], Verdict]

_UNSET = Absent(AbsentReason.NOT_PRESENT, "no file sets it, and the kernel's default is not known")


@dataclass(frozen=True, slots=True)
class Drift:
    """One sysctl that the baseline judges. Values are as the kernel prints them; places are ``file:line`` or empty.

    ``boot`` and ``system`` are what the key becomes, with the kernel's default where no file sets it.
    """

    name: str
    checks: str  # the ids of the checks that judge it
    running: str
    boot: Maybe[str]
    boot_place: str
    system: Maybe[str]
    system_place: str
    is_persisted: bool  # a file sets it at boot
    differs_at_boot: bool
    differs_after_system: bool
    lost_at_boot: Maybe[bool]  # right now, wrong after the next boot
    cured_at_boot: Maybe[bool]  # wrong now, right after the next boot: the file was put right and not loaded
    clobbered_by_system: Maybe[bool]  # right after boot, wrong once somebody calls `sysctl --system`
    writers: tuple[str, ...]  # other programs on this host, running now, that write it

    @property
    def is_volatile(self) -> bool:
        """Whether the file that sets it at boot lies below /run, which a reboot empties."""
        return self.boot_place.startswith("/run/")

    @property
    def is_overwritten(self) -> bool:
        """Whether another program on this host writes it."""
        return bool(self.writers)


def _turns(first: Maybe[bool], second: Maybe[bool]) -> Maybe[bool]:
    """Whether what is right first is wrong then. Not known both times is no change."""
    if first is False or second is True or (isinstance(first, Absent) and isinstance(second, Absent)):
        return False
    if isinstance(first, Absent):
        return first
    return second if isinstance(second, Absent) else True


def drifting(rules: HostRules, sight: Sight, verdict_with: VerdictWith) -> tuple[Drift, ...]:
    """Every sysctl that a check of the host judges by name, and what becomes of it.

    Raises Unknown when the running or the persisted settings are absent.
    """
    sysctl, persisted = sight.facts.sysctl, sight.facts.persisted
    if isinstance(sysctl, Absent):
        raise Unknown(sysctl, "facts.sysctl")
    if isinstance(persisted, Absent):
        raise Unknown(persisted, "facts.persisted")
    return _Drifting(rules, sight, sysctl, persisted, verdict_with).all()


class _Drifting:
    """One host. Checks are evaluated again only where a file says something else than what runs."""

    def __init__(
        self, rules: HostRules, sight: Sight, sysctl: Sysctls, persisted: Persisted, verdict_with: VerdictWith
    ) -> None:
        facts = sight.facts
        self._rules = rules
        self._sight = sight
        self._facts = facts
        self._running = sysctl.values
        self._judges: Mapping[str, list[HostCheck]] = {}
        self._verdict_with = verdict_with
        self._persisted = persisted
        self._scope: Scope | None = None
        self._memo = rules.drifts
        self._defaults: dict[str, str] = {}
        self._boot: Mapping[str, str] = {}
        self._system: Mapping[str, str] = {}
        self._moments: dict[str, Facts] = {"now": facts}
        self._verdicts: dict[tuple[int, str], tuple[HostCheck, str, Maybe[bool]]] = {}

    def all(self) -> tuple[Drift, ...]:
        """The judged keys that this host has, in the order of the checks.

        Hosts with the same files and the same settings have the same answer, as long as the checks that are asked
        again, which may look at anything, say the same: where they look at the same, that need not be asked.
        """
        key = self._key()
        known = self._memo.answer(key)
        if known is None:
            return self._anew(key, {})
        grounds = known.grounds_of(self._sight)
        if grounds is not None and (found := known.on.get(grounds)) is not None:
            return found
        self._boot, self._system = known.boot, known.system
        if any(self._passes(check, moment) != verdict for check, moment, verdict in known.verdicts):
            return self._anew(key, known.on)
        known.hold(grounds)
        return known.drifts

    def _anew(self, key: tuple[object, ...], on: dict[tuple[Key, ...], tuple[Drift, ...]]) -> tuple[Drift, ...]:
        persisted = self._persisted
        self._verdicts.clear()
        self._moments = {"now": self._facts}
        self._judges = _named(self._rules.judges, self._running, {**persisted.boot, **persisted.system})
        self._defaults = {name: value for name in self._judges if (value := self._default(name)) is not None}
        self._boot = self._changed(persisted.boot)
        self._system = self._changed({**persisted.boot, **persisted.system}) if persisted.system else self._boot
        drifts = self._memo.one_list(self._made())
        files, verdicts = (persisted, self._facts.writers), tuple(self._verdicts.values())
        answer = Answer(files, drifts, self._boot, self._system, verdicts, on)
        answer.hold(answer.grounds_of(self._sight))
        self._memo.keep(key, answer)
        return drifts

    def _key(self) -> tuple[object, ...]:
        """Files by identity (hosts that answer alike share them), running values, and what defaults are made of."""
        persisted, facts = self._persisted, self._facts
        return (
            id(persisted),
            id(facts.writers),
            *map(self._running.get, self._memo.names(self._rules.judges, persisted)),
            *grounds_of(facts),
            *self._memo.defaults(self._rules.judges)(self._sight),
            *map(self._said_default, self._memo.reckoned),
        )

    def _made(self) -> tuple[Drift, ...]:
        writers = () if isinstance(self._facts.writers, Absent) else self._facts.writers
        return tuple([self._kept_or_made(name, writers) for name in self._judges if name in self._running])

    def _kept_or_made(self, name: str, writers: tuple[Writer, ...]) -> Drift:
        """The answer for one key; where nothing changes it is made of a few values, and most hosts have the same."""
        if name in self._boot or self._boot.get(name) != self._system.get(name):
            return self._memo.alike(self._one(name, writers))
        boot, system = self._persisted.boot.get(name), self._persisted.system.get(name)
        key = (name, self._running[name], name in self._defaults, boot, system, writers)
        return self._memo.setting(key, lambda: self._one(name, writers))

    def _default(self, name: str) -> str | None:
        """The kernel's default of a key: what one of its checks says, else what is known of it."""
        for check in self._memo.default_from(name, self._judges[name]):
            said = self._said_default(check)
            if said is not None:
                return said
        return default_of(name, self._facts)

    def _said_default(self, check: HostCheck) -> str | None:
        """The default that a check says, if it can be told."""
        default = check.compiled.kernel_default
        if default is None:
            return None
        if self._scope is None:
            self._scope = Scope(self._facts, RunningSysctls(self._facts, lambda _: _UNSET), {})
        self._scope.variables = check.variables
        try:
            return as_text(default(self._scope))
        except Unknown:
            return None

    def _changed(self, written: Mapping[str, PersistedValue]) -> dict[str, str]:
        """The keys whose value differs from the running one once some files are loaded, with that value."""
        found = {}
        for name in {**self._defaults, **written}:
            running = self._running.get(name)
            if running is None:
                continue
            entry = written.get(name)
            then = applied(name, running, entry.value) if entry is not None else self._defaults[name]
            if not same(name, running, then):
                found[name] = then
        return found

    def _one(self, name: str, writers: Sequence[Writer]) -> Drift:
        running = self._running[name]
        boot, system = self._persisted.boot.get(name), self._persisted.system.get(name)
        known = boot is not None or name in self._defaults
        known_after = system is not None or known
        lost, differs = name in self._boot, self._boot.get(name) != self._system.get(name)
        return Drift(
            name=name,
            checks=", ".join([check.compiled.check.id for check in self._judges[name]]),
            running=running,
            boot=self._boot.get(name, running) if known else _UNSET,
            boot_place=_place(boot),
            system=self._system.get(name, running) if known_after else _UNSET,
            system_place=_place(system),
            is_persisted=boot is not None,
            differs_at_boot=lost,
            differs_after_system=name in self._system,
            lost_at_boot=self._turning(name, "now", "boot") if lost else False,
            cured_at_boot=self._turning(name, "boot", "now") if lost else False,
            clobbered_by_system=self._turning(name, "boot", "system") if differs else False,
            writers=tuple([each.name for each in writers if each.active and _writes(each, name)]) if writers else (),
        )

    def _turning(self, name: str, first: str, second: str) -> Maybe[bool]:
        """Whether a check of a key passes at one moment and fails at another."""
        turns = [_turns(self._passes(check, first), self._passes(check, second)) for check in self._judges[name]]
        if True in turns:
            return True
        return next((each for each in turns if isinstance(each, Absent)), False)

    def _passes(self, check: HostCheck, moment: str) -> Maybe[bool]:
        key = (id(check), moment)
        if key not in self._verdicts:
            verdict = self._verdict_with(check, self._at(moment))
            unknown = Absent(AbsentReason.NOT_UNDERSTOOD, f"{check.compiled.check.id} is unknown")
            passes = unknown if verdict is Verdict.UNKNOWN else verdict is not Verdict.FAIL
            self._verdicts[key] = (check, moment, passes)
        return self._verdicts[key][2]

    def _at(self, moment: str) -> Facts:
        """The facts as they would be with the settings of another moment."""
        facts = self._moments.get(moment)
        if facts is None:
            changed = self._boot if moment == "boot" else self._system
            absent = {} if isinstance(self._facts.sysctl, Absent) else self._facts.sysctl.absent
            facts = replace(self._facts, sysctl=Sysctls({**self._running, **changed}, absent))
            self._moments[moment] = facts
        return facts


def judges(checks: Iterable[HostCheck]) -> dict[str, list[HostCheck]]:
    """The sysctls that checks of settings judge, each with its checks; a star stands for the names of subjects."""
    found: dict[str, list[HostCheck]] = {}
    for check in checks:
        if check.skip is not None or check.compiled.check.kind is not CheckKind.SETTING:
            continue
        for name in check.compiled.judged:
            found.setdefault(name, []).append(check)
    return found


def _named(
    judged: Mapping[str, list[HostCheck]], running: Mapping[str, str], written: Iterable[str]
) -> Mapping[str, list[HostCheck]]:
    """The judged keys by name: those with a star are looked up among the keys that files set."""
    patterns = [name for name in judged if "*" in name]
    if not patterns:
        return judged
    found = {name: checks for name, checks in judged.items() if "*" not in name}
    for key in written:
        fitting = [check for pattern in patterns if fnmatchcase(key, pattern) for check in judged[pattern]]
        if fitting and key in running:
            found[key] = [*found.get(key, ()), *(check for check in fitting if check not in found.get(key, ()))]
    return found


def _place(entry: PersistedValue | None) -> str:
    return f"{entry.file}:{entry.line}" if entry is not None else ""


def _writes(writer: Writer, name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in writer.keys)
