"""Sets which CPUs take the packets of a queue (RPS), or send by it (XPS): masks below /sys/class/net.

Values are masks as the kernel prints them. Where a remediation names CPUs as a list (``1-3``), ``mask_of`` makes the
mask, as wide as the one that is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from netaudit.errors import PlanError
from netaudit.model.facts import Facts
from netaudit.model.plan import Step
from netaudit.model.reading import Absent, Maybe
from netaudit.remedy import literals
from netaudit.remedy.operations.operation import Arguments, alone, nic_of, no_such, udev_rule, with_nic
from netaudit.remedy.scripts import StepScript

_QUEUES = {"rps": ("rx", "rps_cpus"), "xps": ("tx", "xps_cpus")}
_MOST_CPUS = 8192  # NR_CPUS of the largest kernels


def mask_of(cpus: str, present: str) -> str:
    """The mask of a list of CPUs, in the form of the present mask. Raises ValueError for what is no such list."""
    bits = 0
    for part in cpus.split(","):
        low, _, high = part.partition("-")
        first, last = int(low), int(high or low)
        if not 0 <= first <= last < _MOST_CPUS:
            raise ValueError(f"{part!r} is no range of CPUs")
        bits |= (1 << (last + 1)) - (1 << first)
    digits = len(present.replace(",", ""))
    text = f"{bits:0{digits}x}"
    if len(text) > digits:
        raise ValueError(f"{cpus!r} names CPUs that this host does not have")
    head = len(text) % 8
    return ",".join(filter(None, (text[:head], *(text[place : place + 8] for place in range(head, len(text), 8)))))


def cpus_of(mask: str) -> str:
    """The first and the last CPU of a mask, as two numbers; empty for a mask without any."""
    bits = int(mask.replace(",", ""), 16)
    return f"{(bits & -bits).bit_length() - 1} {bits.bit_length() - 1}" if bits else ""


@dataclass(frozen=True, slots=True)
class SetMask:
    """``arguments``: ``device``, ``which`` (rps or xps) and ``queue``, counted from 0."""

    name: str = "cpu_mask"

    def subject(self, arguments: Arguments) -> str:
        """Such as ``eth0 rps_cpus of queue 0``."""
        return f"{arguments['device']} {_file(arguments)[1]} of queue {arguments['queue']}"

    def observed(self, arguments: Arguments, namespace: str, facts: Facts) -> Maybe[str]:
        """The mask in force; those of transmit queues are not among the facts."""
        nic = nic_of(arguments["device"], facts)
        if isinstance(nic, Absent):
            return nic
        place = int(literals.number(arguments["queue"]))
        if arguments["which"] != "rps" or place >= len(nic.rps_cpus):
            return no_such(f"fact for {self.subject(arguments)}")
        return nic.rps_cpus[place]

    def foreseen(self, arguments: Arguments, namespace: str, value: str, facts: Facts) -> Facts:
        """With the mask changed."""
        place = int(arguments["queue"])
        return with_nic(
            arguments["device"],
            lambda nic: replace(
                nic, rps_cpus=tuple(value if at == place else mask for at, mask in enumerate(nic.rps_cpus))
            ),
            facts,
        )

    def undone(self, step: Step) -> str:
        """The write that takes it back."""
        return f"write {step.before} to {self.subject(step.arguments)}"

    def script(self, step: Step) -> StepScript:
        """Reads and writes below /sys/class/net."""
        path = literals.quoted(_path(step.arguments))
        return StepScript(
            read=alone(f"test -e {path} || exit 3", f"value=$(cat {path}) || exit 1", 'echo "$value"'),
            apply=alone(f"printf '%s\\n' {literals.mask(step.after)} >{path}"),
            undo=alone(f"printf '%s\\n' {literals.mask(step.before)} >{path}"),
            accepts=(step.after,),
        )

    def lines(self, step: Step) -> Sequence[str]:
        """A rule of udev(7) that writes it whenever the interface appears."""
        literals.mask(step.after)
        direction, file = _file(step.arguments)
        attribute = f"queues/{direction}-{literals.number(step.arguments['queue'])}/{file}"
        return (udev_rule(step.arguments["device"], f'ATTR{{{attribute}}}="{step.after}"'),)


def _file(arguments: Arguments) -> tuple[str, str]:
    found = _QUEUES.get(arguments["which"])
    if found is None:
        raise PlanError(f"there is no mask {arguments['which'][:40]!r}", hint=f"one of {', '.join(_QUEUES)}")
    return found


def _path(arguments: Arguments) -> str:
    literals.device(arguments["device"])
    direction, file = _file(arguments)
    return f"/sys/class/net/{arguments['device']}/queues/{direction}-{literals.number(arguments['queue'])}/{file}"
