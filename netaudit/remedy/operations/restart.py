"""Restarts a service so that it calls listen() anew. Never done by itself: only where the operator asks for it.

What it does to connections cannot be taken back. An undo restarts the service once more, with the settings as they
are then; the value that is compared is whether the service is active.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netaudit.model.facts import Facts
from netaudit.model.plan import Step
from netaudit.model.reading import Absent, AbsentReason, Maybe
from netaudit.remedy import literals
from netaudit.remedy.operations.operation import Arguments, alone
from netaudit.remedy.scripts import StepScript

ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Restart:
    """``arguments``: ``unit``, of systemd."""

    name: str = "restart"

    def subject(self, arguments: Arguments) -> str:
        """The unit."""
        return arguments["unit"]

    def observed(self, arguments: Arguments, namespace: str, facts: Facts) -> Maybe[str]:
        """Active, where something of the unit listens."""
        if isinstance(facts.listeners, Absent):
            return facts.listeners
        if any(listener.unit == arguments["unit"] for listener in facts.listeners):
            return ACTIVE
        return Absent(AbsentReason.NOT_PRESENT, f"nothing of {arguments['unit']} listens")

    def foreseen(self, arguments: Arguments, namespace: str, value: str, facts: Facts) -> Facts:
        """The same: what a service asks for when it listens again is its own affair."""
        return facts

    def undone(self, step: Step) -> str:
        """The call of the undo."""
        return f"systemctl restart {step.arguments['unit']} once more"

    def script(self, step: Step) -> StepScript:
        """Calls of systemctl."""
        unit = literals.unit(step.arguments["unit"])
        restart = alone(f"systemctl restart {unit}")
        return StepScript(
            read=alone("command -v systemctl >/dev/null || exit 3", f"systemctl is-active {unit} || :"),
            apply=restart,
            undo=restart,
            accepts=(ACTIVE,),
            timeout_s=90,
        )

    def lines(self, step: Step) -> Sequence[str]:
        """None: nothing is kept."""
        return ()
