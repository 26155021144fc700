"""What a run asks of a host: the checks of a baseline, or captures alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from netaudit.baseline.evaluate import evaluate
from netaudit.baseline.nearest import did_you_mean
from netaudit.baseline.select import HostRules
from netaudit.errors import RuleError
from netaudit.model.facts import Facts
from netaudit.model.probe import OWN_PREFIX, Probe
from netaudit.model.result import Result
from netaudit.wire.bundle import build

PEERS = "PEERS"
SAMPLE = "SAMPLE"  # given where two moments are compared: the number of the sample
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Question:
    """The probes that are sent to a host, and how its facts are judged; no rules means that nothing is judged."""

    probes: tuple[Probe, ...]
    params: Mapping[str, str] = field(default_factory=lambda: _NONE)
    domains: frozenset[str] = frozenset()
    rules: HostRules | None = None

    def bundle_digest(self, deadline_s: int) -> str:
        """The digest of the payload that carries it: equal for all hosts, whatever their nonce."""
        return build(self.probes, nonce="0" * 32, deadline_s=deadline_s, params=self.params).digest

    def judge(self, facts: Facts, now: datetime) -> tuple[Result, ...]:
        """The result of every check."""
        return evaluate(self.rules, facts, now) if self.rules is not None else ()


@dataclass(slots=True)
class Questions:
    """Makes the questions of a run. Hosts with the same rules share one."""

    probes: Sequence[Probe]
    is_replay: bool = False  # what was asked then is not asked again
    _made: dict[int, tuple[HostRules, Question]] = field(default_factory=dict)

    def of_rules(self, rules: HostRules) -> Question:
        """The question whose answer the rules need: only the probes whose facts some check mentions."""
        kept = self._made.get(id(rules))
        if kept is None:
            self._refuse_unknown(rules)
            params = probe_params(rules.variables)
            probes = tuple(
                probe for probe in self.probes if probe.id in rules.probes and set(probe.params) <= params.keys()
            )
            kept = self._made[id(rules)] = (rules, Question(probes, params, rules.domains, rules))
        return kept[1]

    def _refuse_unknown(self, rules: HostRules) -> None:
        """Raise RuleError where a check reads what none of the user's own probes answers for."""
        known = {probe.id.removeprefix(OWN_PREFIX) for probe in self.probes if probe.id.startswith(OWN_PREFIX)}
        for name in sorted(rules.own - known):
            if not self.is_replay:
                near = did_you_mean(name, known) if known else ""
                hint = near or f"put {name}.sh into a folder and name that with --probe-dir; docs/own-probes.md"
                raise RuleError(f"a check reads facts.own.{name}, and no probe of yours is called so", None, hint)

    def of_everything(self, variables: Mapping[str, object]) -> Question:
        """Every probe that can be sent, nothing judged."""
        params = probe_params(variables)
        return Question(tuple(probe for probe in self.probes if set(probe.params) <= params.keys()), params)


def probe_params(variables: Mapping[str, object]) -> Mapping[str, str]:
    """The shell variables that probes declare, as the variables of a baseline give them."""
    peers = variables.get("peers")
    if not isinstance(peers, list | tuple) or not peers:
        return _NONE
    return {PEERS: " ".join(map(str, peers))}
