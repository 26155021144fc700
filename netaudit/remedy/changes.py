"""Decides what becomes of one thing that remediations want changed: the change in full, or why it is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from netaudit.baseline.canonical import same
from netaudit.baseline.scope import parsed_sysctl
from netaudit.model.facts import Facts
from netaudit.model.plan import Step, StepClass
from netaudit.model.reading import Absent
from netaudit.remedy import literals
from netaudit.remedy.allowed import Combine, combined
from netaudit.remedy.holders import carries_logins
from netaudit.remedy.keeping import Kept, boot_value, sysctl_kept
from netaudit.remedy.keys import is_of_the_whole_host, lost_by, may_cut_later
from netaudit.remedy.managed import bond_of, device_kept
from netaudit.remedy.operations import OPERATIONS
from netaudit.remedy.operations.cpu_mask import cpus_of
from netaudit.remedy.operations.link import LEAST_IPV6_MTU, routes_with_mtu
from netaudit.remedy.operations.operation import nic_of
from netaudit.remedy.operations.rss import queues_of
from netaudit.remedy.owners import how_to_set, writer_of
from netaudit.remedy.persistence import stamp_of
from netaudit.remedy.proposals import Proposal, Target, class_of
from netaudit.remedy.refused import Refused

_CONGESTION = "net.ipv4.tcp_congestion_control"
_ALLOWED_CONGESTION = "net.ipv4.tcp_allowed_congestion_control"
_HARMLESS = frozenset({StepClass.LIVE, StepClass.NEW_SOCKETS})


@dataclass(frozen=True, slots=True)
class Choices:
    """What the operator allows and wants. ``only`` are globs over checks; none means all but those of severity info."""

    only: tuple[str, ...] = ()
    allow: frozenset[StepClass] = frozenset()  # besides live and new-sockets
    persists: bool = True
    restarts_listeners: bool = False

    def allows(self, step_class: StepClass, operation: str = "") -> bool:
        """Whether a change may disturb that much; a restart that was asked for may."""
        if operation == "restart" and step_class is StepClass.RESTART and self.restarts_listeners:
            return True
        return step_class in _HARMLESS or step_class in self.allow


@dataclass(slots=True)
class Change:
    """One change that is made: from what was read to what is wanted, and how it lasts."""

    target: Target
    proposals: Sequence[Proposal]
    before: str
    after: str
    step_class: StepClass
    kept: Kept
    notes: list[str] = field(default_factory=list)
    file: str | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether all is so already, now and after a boot."""
        if self.target.operation == "restart":
            return False
        return not self.kept.needs_file and is_same(self.target, self.before, self.after)

    def step(self) -> Step:
        """As it stands in a plan."""
        first = self.proposals[0]
        made = Step(
            operation=self.target.operation,
            subject=OPERATIONS[self.target.operation].subject(self.target.named),
            arguments={**self.target.named, **dict(self.kept.arguments)},
            before=self.before,
            after=self.after,
            step_class=self.step_class,
            checks=tuple(dict.fromkeys(each.finding.id for each in self.proposals)),
            remediation=first.remediation.id,
            remediation_sha256=first.remediation.sha256,
            namespace=self.target.namespace,
            boot_before=self.kept.boot_before,
            file=self.file,
            notes=tuple(dict.fromkeys((*self.kept.notes, *self.notes))),
            verify=tuple(dict.fromkeys(check for each in self.proposals for check in each.remediation.verify)),
        )
        return with_undo(made)


def with_undo(step: Step) -> Step:
    """A step with the line that says how it is taken back."""
    return replace(step, undo=OPERATIONS[step.operation].undone(step))


def present(target: Target, facts: Facts) -> str | Absent:
    """The value that a target has now, or why it is not known."""
    return OPERATIONS[target.operation].observed(target.named, target.namespace, facts)


def is_same(target: Target, one: str, other: str) -> bool:
    """Whether two values of a target are the same to the kernel."""
    return one == other or (target.operation == "sysctl" and same(target.named["key"], one, other))


def decide(target: Target, proposals: Sequence[Proposal], facts: Facts, choices: Choices, now: datetime) -> Change:
    """The change of a target. ``now`` names a run's files. Raises Refused with the reason why there is none."""
    _demand_name(target)
    _demand_place(target, facts)
    before = _before(target, facts)
    after = _after(proposals)
    if not is_same(target, before, after):
        _demand_safe(target, before, after, facts)
    for each in proposals:
        _demand_allowed(each, before, after, persists=choices.persists)
    if target.operation == "restart" and carries_logins(target.named["unit"], facts):
        raise Refused("logins go by this service; it is restarted by hand, with a session open beside it")
    step_class = class_of(proposals)
    if not choices.allows(step_class, target.operation):
        raise Refused(f"its class is {step_class}, which is not allowed", f"--allow {step_class}")
    if target.operation == "sysctl" and (writer := writer_of(target.named["key"], facts)) is not None:
        raise Refused(
            f"{writer.name} writes it on this host ({writer.detail})", how_to_set(target.named["key"], writer)
        )
    return Change(
        target,
        proposals,
        before,
        after,
        step_class,
        _kept(target, before, after, facts, choices, stamp_of(now, step_class)),
    )


def bond_members(changes: Sequence[Change], facts: Facts) -> list[tuple[Target, Refused]]:
    """The changes that may take the link of a second member of a bond down: one member goes at a time."""
    taken: dict[str, str] = {}
    refused = []
    for change in changes:
        device = change.target.named.get("device", "")
        bond = bond_of(device, facts) if change.step_class is StepClass.LINK_FLAP else ""
        if bond and taken.setdefault(bond, device) != device:
            why = f"{device} and {taken[bond]} belong to {bond}, and one of them has to keep its link"
            refused.append((change.target, Refused(why, "plan again when this one is done")))
    return refused


def _demand_name(target: Target) -> None:
    """Raises Refused for what may not stand in a script."""
    named = target.named
    if "key" in named and not literals.is_changeable(named["key"]):
        raise Refused("no setting that netaudit changes: only those of net.*, fs.file-max and fs.nr_open are")
    if "device" in named and not literals.is_device(named["device"]):
        raise Refused("the interface has a name that is not used in scripts")
    if target.namespace and not literals.is_namespace(target.namespace):
        raise Refused("the network namespace has a name that is not used in scripts")


def _demand_place(target: Target, facts: Facts) -> None:
    """Raises Refused where it cannot be set in the network namespace that it is about."""
    if target.namespace:
        _demand_named_namespace(target.namespace, facts)
        if target.operation != "sysctl":
            raise Refused("only settings are changed inside other network namespaces")
    if target.operation != "sysctl":
        return
    key = target.named["key"]
    alone = not isinstance(facts.kernel, Absent) and facts.kernel.is_initial_namespace is False
    if (target.namespace or alone) and is_of_the_whole_host(key):
        raise Refused("it is set for the whole host, not inside a network namespace", f"set {key} on the host itself")


def _demand_named_namespace(name: str, facts: Facts) -> None:
    listed = () if isinstance(facts.namespaces, Absent) else facts.namespaces
    found = next((each for each in listed if each.name == name), None)
    if found is None or not found.is_named or name.startswith("cni-"):
        advice = "set it where the container is started: --sysctl, or securityContext.sysctls of a pod"
        raise Refused(f"the network namespace {name} belongs to a container or a process", advice)


def _before(target: Target, facts: Facts) -> str:
    found = present(target, facts)
    if isinstance(found, Absent):
        raise Refused(f"its present value is not known ({found}), and what cannot be put back is not changed")
    if target.operation == "sysctl" and not literals.is_value(found):
        raise Refused("its present value is of a kind that could not be put back exactly")
    return found


def _after(proposals: Sequence[Proposal]) -> str:
    ways = {each.rule.combine for each in proposals}
    how = next(iter(ways)) if len(ways) == 1 else Combine.ALIKE
    found = combined([each.value for each in proposals], how)
    if found is None:
        wanted = ", ".join(dict.fromkeys(f"{each.finding.id} wants {each.value}" for each in proposals))
        raise Refused(f"checks want different values: {wanted}")
    return found


def _demand_allowed(proposal: Proposal, before: str, after: str, *, persists: bool) -> None:
    """Raises Refused for a value outside of what the remediation allows, or where a precondition does not hold."""
    if proposal.rule.keeps_running:
        if not persists:
            raise Refused("the running value is right already, and with --no-persist it is not written down")
        if before != after:
            raise Refused(f"the running value is {before}, and {after} is to be kept")
        return
    if is_same(proposal.target, before, after):
        return
    refusal = proposal.rule.allowed.refusal(_numbers(proposal.target.operation, after))
    if refusal is not None:
        raise Refused(f"out of range: {refusal}, and {proposal.remediation.id} allows {proposal.rule.allowed.text}")
    if proposal.target.operation == "sysctl" and not literals.is_value(after):
        raise Refused(f"{after!r} is no value that netaudit writes")
    proposal.finding.demand(proposal.rule.require, new=parsed_sysctl(after))


def _numbers(operation: str, value: str) -> str:
    """A value as the numbers that a range is about."""
    match operation:
        case "cpu_mask":
            return cpus_of(value)
        case "rss":
            return queues_of(value)
        case _:
            return value


def _demand_safe(target: Target, before: str, after: str, facts: Facts) -> None:
    """Raises Refused for a change that an undo would not take back whole."""
    key = target.named.get("key", "")
    lost = lost_by(key)
    if lost is not None:
        raise Refused(
            f"it cannot be taken back by setting it back: {lost}", f"set {key} = {after} by hand, with a console"
        )
    if may_cut_later(key):
        raise Refused("it can close the way to the host after every test has passed", f"set {key} = {after} by hand")
    if key == _CONGESTION:
        _demand_allowed_word(target, before, after, facts)
    if target.operation == "mtu":
        _demand_mtu(target.named["device"], int(before), int(after), facts)


def _demand_allowed_word(target: Target, before: str, after: str, facts: Facts) -> None:
    """Inside a network namespace only some algorithms may be written: the old one must be among them too."""
    alone = not isinstance(facts.kernel, Absent) and facts.kernel.is_initial_namespace is False
    if not target.namespace and not alone:
        return
    allowed = present(Target("sysctl", target.namespace, (("key", _ALLOWED_CONGESTION),)), facts)
    words = () if isinstance(allowed, Absent) else allowed.split()
    for word in (before, after):
        if word not in words:
            raise Refused(f"inside a network namespace {word} may not be written", "set it on the host itself")


def _demand_mtu(device: str, before: int, after: int, facts: Facts) -> None:
    nic = nic_of(device, facts)
    if isinstance(nic, Absent):
        raise Refused(f"the interface is not known ({nic})")
    has_ipv6 = any(address.family == "inet6" for address in nic.addresses)
    if min(before, after) < LEAST_IPV6_MTU and has_ipv6:
        raise Refused(
            "below an MTU of 1280 the kernel drops IPv6 addresses and settings of an interface, and raising it again "
            "does not restore them",
            f"change it by hand: ip link set dev {device} mtu {after}",
        )
    if nic.kind == "physical" and nic.master and after > before:
        raise Refused(f"{device} belongs to {nic.master}: the whole segment is changed together", "change it by hand")


def _kept(target: Target, before: str, after: str, facts: Facts, choices: Choices, stamp: str) -> Kept:
    """How it lasts. Raises Refused where there is no safe way to make it last."""
    routes: tuple[tuple[str, str], ...] = ()
    if target.operation == "mtu":
        try:
            found = routes_with_mtu(target.named["device"], facts)
        except ValueError as error:
            raise Refused(str(error), "change it by hand") from error
        routes = (("routes", found),) if found else ()
    if target.namespace:
        note = f"lasts as long as the network namespace {target.namespace}; what makes it starts from the defaults"
        return Kept(needs_file=False, boot_before=None, notes=(note,))
    if target.operation == "sysctl":
        key = target.named["key"]
        if choices.persists:
            return sysctl_kept(key, before, after, facts)
        return Kept(needs_file=False, boot_before=boot_value(key, before, facts), notes=("until the next boot",))
    if target.operation == "restart":
        return Kept(needs_file=False, boot_before=None)
    if not choices.persists:
        return Kept(needs_file=False, boot_before=None, notes=("until the next boot",), arguments=routes)
    return device_kept(target, after, facts, stamp, routes)
