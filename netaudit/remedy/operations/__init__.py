"""The closed vocabulary: everything that a remediation can do to a host, one module an operation.

``scripts_of`` turns a host's plan into the shell text that the guard runs there. Nothing else makes such text.
"""

from __future__ import annotations

from collections.abc import Mapping

from netaudit.baseline.nearest import did_you_mean
from netaudit.errors import PlanError
from netaudit.model.plan import HostPlan, Step
from netaudit.remedy.operations.cpu_mask import SetMask
from netaudit.remedy.operations.ethtool import CHANNELS, COALESCING, OFFLOAD, RING
from netaudit.remedy.operations.link import MTU, TXQUEUELEN
from netaudit.remedy.operations.modules import LoadModule, SetHashSize, SetParameter
from netaudit.remedy.operations.operation import Operation
from netaudit.remedy.operations.restart import Restart
from netaudit.remedy.operations.rss import SetTable
from netaudit.remedy.operations.sysctl import SetSysctl
from netaudit.remedy.persistence import file_of
from netaudit.remedy.scripts import FileWrite, HostScripts

_ALL: tuple[Operation, ...] = (
    SetSysctl(), RING, CHANNELS, COALESCING, OFFLOAD, MTU, TXQUEUELEN, SetHashSize(), SetParameter(), LoadModule(),
    SetMask(), SetTable(), Restart(),
)  # fmt: skip
OPERATIONS: Mapping[str, Operation] = {operation.name: operation for operation in _ALL}


def operation_of(step: Step) -> Operation:
    """The operation of a step. Raises PlanError when there is none of that name."""
    found = OPERATIONS.get(step.operation)
    if found is None:
        hint = did_you_mean(step.operation, OPERATIONS)
        raise PlanError(f"there is no operation {step.operation[:80]!r}", hint=hint)
    return found


def scripts_of(plan: HostPlan) -> HostScripts:
    """The shell text of a host's plan, a script for each step in its order, and the files that make the steps last.

    Raises PlanError for a step with an operation, a name or a value that is not on the lists.
    """
    return HostScripts(tuple(operation_of(step).script(step) for step in plan.steps), _files(plan))


def _files(plan: HostPlan) -> tuple[FileWrite, ...]:
    """Each file once, with the lines of all steps that are kept in it, in the order of the steps."""
    steps: dict[str, list[Step]] = {}
    for step in plan.steps:
        if step.file is not None:
            steps.setdefault(step.file, []).append(step)
    return tuple(
        file_of(path, [(step, tuple(operation_of(step).lines(step))) for step in listed])
        for path, listed in steps.items()
    )
