"""Reads the plays of a playbook: which hosts are audited, held against a workload, diagnosed, compared or changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netaudit.baseline.form import Form, entries, items_of
from netaudit.baseline.node import Node, plain
from netaudit.errors import RuleError
from netaudit.model.result import Severity
from netaudit.units import parse_duration_s

PLAY_KEYS = ("name", "hosts", "baseline", "vars", "fail_on", "capacity", "diagnose", "outliers", "fix")
CAPACITY_KEYS = ("workload", "scale", "what_if")
DIAGNOSE_KEYS = ("for", "every", "trace", "timeline", "log", "match", "pcap_headers", "trace_probes")
OUTLIERS_KEYS = ("by", "against")
FIX_KEYS = (
    "only", "serial", "max_fail", "confirm_within", "soak", "gate", "allow", "persist", "rollback_all_on_failure",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CapacityPlay:
    """What ``netaudit capacity`` would be given. ``workload`` is a path beside the playbook."""

    workload: str
    scale: float
    what_if: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DiagnosePlay:
    """What ``netaudit diagnose`` would be given; times in seconds. What is no log, pattern or probe is its to say."""

    for_s: float
    every_s: float | None
    trace: bool = False
    timeline: bool = False
    log: str | None = None
    match: str | None = None
    pcap_headers: int = 0
    trace_probes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutliersPlay:
    """What ``netaudit outliers`` would be given."""

    by: str
    against: str | None


@dataclass(frozen=True, slots=True)
class FixPlay:
    """What ``netaudit fix`` would be given; None or empty: its own default. The approval is the command line's."""

    only: tuple[str, ...] = ()
    serial: str | None = None
    max_fail: str | None = None
    confirm_within_s: float | None = None
    soak_s: float | None = None
    gate: str | None = None
    allow: tuple[str, ...] = ()
    persist: bool = True
    rollback_all_on_failure: bool = False


@dataclass(frozen=True, slots=True)
class Play:
    """One play over some hosts: an audit, or what one of the other fields says.

    ``baseline`` None: the default one; ``fail_on`` None: the command line's.
    """

    name: str
    hosts: str
    baseline: str | None
    variables: Mapping[str, object]
    fail_on: Severity | None
    capacity: CapacityPlay | None = None
    diagnose: DiagnosePlay | None = None
    outliers: OutliersPlay | None = None
    fix: FixPlay | None = None


def plays_of(document: Node) -> tuple[Play, ...]:
    """The plays of a document. Raises RuleError with the place of the first fault."""
    listed = items_of(document, "a playbook")
    if not listed:
        raise document.error("a playbook needs at least one play")
    return tuple(_play(node, place) for place, node in enumerate(listed, 1))


def _play(node: Node, place: int) -> Play:
    form = Form(node, "a play", PLAY_KEYS)
    said = form.get("vars")
    return Play(
        name=form.text("name", f"play {place}"),
        hosts=form.text("hosts"),
        baseline=form.text("baseline", "") or None,
        variables={} if said is None else {name: plain(value) for name, value in entries(said, "'vars'").items()},
        fail_on=form.word("fail_on", Severity) if "fail_on" in form else None,
        capacity=_capacity(form),
        diagnose=_diagnose(form),
        outliers=_outliers(form),
        fix=_fix(form),
    )


def _capacity(play: Form) -> CapacityPlay | None:
    node = play.get("capacity")
    if node is None:
        return None
    _refuse_beside(play, "capacity", ("baseline", "vars"))
    form = Form(node, "'capacity'", CAPACITY_KEYS)
    scale, tried = form.get("scale"), form.get("what_if")
    if scale is not None and (isinstance(scale.value, bool) or not isinstance(scale.value, int | float)):
        raise scale.error("'scale' must be a number")
    if scale is not None and not float(str(scale.value)) > 0:
        raise scale.error("'scale' must be more than zero")
    return CapacityPlay(
        workload=form.text("workload"),
        scale=1.0 if scale is None else float(str(scale.value)),
        what_if={} if tried is None else {name: _tried(value) for name, value in entries(tried, "'what_if'").items()},
    )


def _diagnose(play: Form) -> DiagnosePlay | None:
    node = play.get("diagnose")
    if node is None:
        return None
    _refuse_beside(play, "diagnose", ("baseline", "vars", "capacity"))
    form = Form(node, "'diagnose'", DIAGNOSE_KEYS)
    return DiagnosePlay(
        _seconds(form, "for") or 10.0,
        _seconds(form, "every"),
        trace=_flag(form, "trace", default=False),
        timeline=_flag(form, "timeline", default=False),
        log=form.text("log", "") or None,
        match=form.text("match", "") or None,
        pcap_headers=_whole(form, "pcap_headers"),
        trace_probes=form.texts("trace_probes"),
    )


def _outliers(play: Form) -> OutliersPlay | None:
    node = play.get("outliers")
    if node is None:
        return None
    _refuse_beside(play, "outliers", ("vars", "capacity", "diagnose", "fix"))
    form = Form(node, "'outliers'", OUTLIERS_KEYS)
    return OutliersPlay(form.text("by", "group"), form.text("against", "") or None)


def _fix(play: Form) -> FixPlay | None:
    node = play.get("fix")
    if node is None:
        return None
    _refuse_beside(play, "fix", ("capacity", "diagnose", "outliers", "fail_on"))
    form = Form(node, "'fix'", FIX_KEYS)
    serial = form.get("serial")
    return FixPlay(
        only=form.texts("only"),
        serial=None if serial is None else ",".join(_sizes(serial)),
        max_fail=_number_or_text(form.need("max_fail")) if "max_fail" in form else None,
        confirm_within_s=_seconds(form, "confirm_within"),
        soak_s=_seconds(form, "soak", none_at_all=True),
        gate=form.text("gate", "") or None,
        allow=form.texts("allow"),
        persist=_flag(form, "persist", default=True),
        rollback_all_on_failure=_flag(form, "rollback_all_on_failure", default=False),
    )


def _sizes(node: Node) -> tuple[str, ...]:
    """``serial`` as Ansible takes it: one size, or a list of sizes."""
    items = node.value if isinstance(node.value, tuple) else (node,)
    return tuple(_number_or_text(item) for item in items)


def _number_or_text(node: Node) -> str:
    if isinstance(node.value, bool) or not isinstance(node.value, int | str):
        raise node.error("a number of hosts or a percentage is wanted here", "2, or 10%")
    return str(node.value)


def _whole(form: Form, key: str) -> int:
    """A number from 0 on; 0 when the key is missing."""
    node = form.get(key)
    if node is None:
        return 0
    if isinstance(node.value, bool) or not isinstance(node.value, int) or node.value < 0:
        raise node.error(f"{key!r} must be a whole number from 0 on")
    return node.value


def _flag(form: Form, key: str, *, default: bool) -> bool:
    node = form.get(key)
    if node is None:
        return default
    if not isinstance(node.value, bool):
        raise node.error(f"{key!r} is true or false")
    return node.value


def _refuse_beside(play: Form, kind: str, keys: Sequence[str]) -> None:
    for key in keys:
        if key in play:
            raise RuleError(f"a play with {kind!r} has no {key!r}", play.node.where_key(key), "make it two plays")


def _seconds(form: Form, key: str, *, none_at_all: bool = False) -> float | None:
    node = form.get(key)
    if node is None:
        return None
    if isinstance(node.value, bool) or not isinstance(node.value, int | float | str):
        raise node.error(f"{key!r} must be a time, such as 10s")
    try:
        seconds = parse_duration_s(str(node.value))
    except ValueError as error:
        raise node.error(str(error)) from None
    if seconds <= 0 and not none_at_all:
        raise node.error(f"{key!r} must be more than zero")
    return seconds


def _tried(node: Node) -> str:
    if isinstance(node.value, bool) or not isinstance(node.value, int | str):
        raise node.error("a setting's value is wanted here: a number, or several in a text")
    return str(node.value)
