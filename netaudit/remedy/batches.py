"""Which hosts go together: Ansible's ``serial``, with the steps of each class of change by themselves.

Integers are hosts, percentages are of all hosts that have something to do (at least one), and the last one repeats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from netaudit.errors import UsageError
from netaudit.model.plan import Batch, HostPlan, StepClass

DEFAULT_SERIAL = "1,10%,50%"
_WORD = re.compile(r"([0-9]{1,6})(%?)\Z", re.ASCII)


def parse_serial(text: str) -> tuple[str, ...]:
    """The sizes of ``1,10%,50%``. Raises UsageError."""
    words = tuple(word.strip() for word in text.split(","))
    for word in words:
        match = _WORD.match(word)
        if match is None or int(match[1]) == 0 or (match[2] and int(match[1]) > 100):
            raise UsageError(f"--serial {text}: {word!r} is no size of a batch", hint="hosts or percentages: 1,10%,50%")
    return words


def sizes(serial: Sequence[str], hosts: int) -> Iterator[int]:
    """The size of each batch until ``hosts`` are used up; a percentage is of all of them, and at least one host."""
    left, place = hosts, 0
    while left > 0:
        word = serial[min(place, len(serial) - 1)]
        size = max(1, hosts * int(word[:-1]) // 100) if word.endswith("%") else int(word)
        yield min(size, left)
        left -= size
        place += 1


def batches_of(plans: Sequence[HostPlan], serial: Sequence[str]) -> tuple[Batch, ...]:
    """The hosts that have something to do, in batches, in inventory order, the mildest class first.

    A host with steps of two classes is in a batch of each. Every class begins with the first size again, so that each
    has its canary.
    """
    found: list[Batch] = []
    for step_class in StepClass:
        names = [plan.host for plan in plans if any(step.step_class is step_class for step in plan.steps)]
        start = 0
        for size in sizes(serial, len(names)):
            found.append(Batch(step_class, tuple(names[start : start + size])))
            start += size
    return tuple(found)


def part_of(plan: HostPlan, step_class: StepClass) -> HostPlan:
    """The plan of a host with the steps of one class alone: what it has to do in a batch of that class."""
    return replace(plan, steps=tuple(step for step in plan.steps if step.step_class is step_class))
