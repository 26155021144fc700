"""What a remediation would change: steps, a host's plan, the plan of a run, and what became of each host.

Values only. A plan is made by ``remedy`` from facts, shown, written to a file, and applied under the host's own guard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class StepClass(StrEnum):
    """What a change disturbs. Only the first two run without ``--allow CLASS``; classes never share a batch."""

    LIVE = "live"  # takes effect at once and disturbs nothing
    NEW_SOCKETS = "new-sockets"  # sockets that exist keep what they have
    LINK_FLAP = "link-flap"  # the link may go down for seconds
    RESTART = "restart"  # a service is restarted
    REBOOT = "reboot"  # only a boot makes it true


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one thing on one host, with all that is needed to make it, check it and take it back.

    ``before`` is what was read and is what an undo restores; ``after`` what will be read when the change holds. Both
    are normalised text, as the operation's reader prints it. ``arguments`` are the operation's own.
    """

    operation: str  # a name of the closed vocabulary, ``remedy.operations``
    subject: str  # for people: ``net.core.somaxconn``, ``eth0 rx ring``
    arguments: Mapping[str, str]
    before: str
    after: str
    step_class: StepClass
    checks: tuple[str, ...]  # the findings that it answers
    remediation: str  # id of the file that proposed it
    remediation_sha256: str
    namespace: str = ""  # name of a network namespace on the host; empty: the one of sshd
    boot_before: str | None = None  # what the next boot would set; None: nothing sets it
    file: str | None = None  # where it is made to last; None: it is not
    undo: str = ""  # one line for people
    notes: tuple[str, ...] = ()  # what the operator should know, such as listeners that keep their old backlog
    verify: tuple[str, ...] = ()  # further checks that must pass afterwards, besides those that it answers


@dataclass(frozen=True, slots=True)
class NotRemedied:
    """A finding that the plan leaves alone, and why."""

    check: str
    subject: str
    reason: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class HostPlan:
    """What would change on one host, in the order in which it is made; undone in reverse."""

    host: str
    address: str
    boot_id: str
    facts_sha256: str
    steps: tuple[Step, ...]
    not_remedied: tuple[NotRemedied, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Hosts that go together. Of each only the steps of this class are taken; the others have batches of theirs."""

    step_class: StepClass
    hosts: tuple[str, ...]  # in inventory order


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan. ``digest`` is of its content without itself: what was approved is what runs."""

    digest: str
    created_at: datetime  # UTC
    expires_at: datetime  # UTC
    version: str  # of netaudit
    baseline: str
    baseline_sha256: str
    hosts: tuple[HostPlan, ...]  # in inventory order; those with nothing to do included
    batches: tuple[Batch, ...] = ()  # as resolved from ``serial``, the mildest class first
    notes: tuple[str, ...] = ()


class Outcome(StrEnum):
    """How a remediation of one host ended. All but ``lost`` mean that the host's state is known."""

    PERSISTED = "persisted"  # verified, confirmed, and written for the next boot
    CONFIRMED = "confirmed"  # the same, with ``--no-persist``
    ROLLED_BACK = "rolled-back"  # exactly as before; the reason says by whom
    REFUSED = "refused"  # nothing was changed
    UNREACHED = "unreached"  # the run stopped before its turn, or the host did not answer before anything was sent
    NOTHING = "nothing-to-do"
    LOST = "lost"  # not known: ``resume``


@dataclass(frozen=True, slots=True)
class HostOutcome:
    """What became of one host of a remediation."""

    host: str
    address: str
    outcome: Outcome
    reason: str = ""  # one line: which value, who holds the lock, which gate
    hint: str = ""
    steps: tuple[Step, ...] = ()
    read_back: Mapping[str, str] = field(default_factory=dict)  # subject -> value after all was done
    duration_s: float = 0.0
    notes: tuple[str, ...] = ()
