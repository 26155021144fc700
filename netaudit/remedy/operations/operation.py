"""What every operation of the closed vocabulary can do.

An operation turns a step into shell text: how the value is read, changed, put back and made to last. It knows nothing
of hosts, checks or plans as a whole, and takes nothing on trust: names and values go through ``literals``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from netaudit.model.plan import Step
from netaudit.remedy.scripts import StepScript


class Operation(Protocol):
    """One kind of change."""

    @property
    def name(self) -> str:
        """Its name in remediations and plans."""
        ...

    def script(self, step: Step) -> StepScript:
        """The shell text of a step. Raises PlanError for arguments that are not on its lists."""
        ...

    def lines(self, step: Step) -> Sequence[str]:
        """The lines that the step adds to its ``file``; none for a step that has no file."""
        ...


def alone(*lines: str) -> str:
    """Shell text that runs in a subshell: it may exit, and leaves no variable or option behind."""
    return "\n".join(("(", *lines, ")"))


def within(step: Step, literal_namespace: str) -> str:
    """The words in front of a program that make it run in the network namespace of a step."""
    return f"nsenter --net=/run/netns/{literal_namespace} " if step.namespace else ""
