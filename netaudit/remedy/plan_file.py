"""A plan as a file: written with its digest, read back strictly, refused when it was altered, is too old, or foreign.

The digest is of the plan's content without itself, as JSON with sorted keys: what was approved is what runs. It tells
of changes by accident or in passing; whoever can write the file can also write a digest, so names and values are
looked at again when scripts are made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from netaudit.errors import PlanError, Where
from netaudit.model.plan import Batch, HostPlan, NotRemedied, Plan, Step, StepClass
from netaudit.remedy.operations import operation_of

SCHEMA = "netaudit.plan/1"
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"

T = TypeVar("T")
Plain = dict[str, object]


def sealed(plan: Plan) -> Plan:
    """The plan with its digest."""
    return replace(plan, digest=digest_of(plan))


def digest_of(plan: Plan) -> str:
    """The sha256 of a plan's content."""
    content = {name: value for name, value in plain_plan(plan).items() if name != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def dump_plan(plan: Plan) -> str:
    """The plan as JSON."""
    return json.dumps(plain_plan(plan), indent=2) + "\n"


def load_plan(text: str, file: str, now: datetime, version: str) -> Plan:
    """The plan of a file. Raises PlanError when it is none, was altered, has expired, or is of another version."""
    where = Where(file)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"is no plan: {error}", where, "netaudit plan -o plan.json writes one") from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        said = found.get("schema") if isinstance(found, dict) else None
        raise PlanError(f"is no plan of this kind: its schema is {said!r}", where, f"{SCHEMA} is wanted")
    if found.get("version") != version:
        hint = "make it anew: netaudit plan"
        raise PlanError(f"was made by netaudit {found.get('version')}, and this is {version}", where, hint)
    plan = plan_of(found, where)
    if digest_of(plan) != plan.digest or plain_plan(plan) != found:
        raise PlanError("was altered after it was made: its digest does not fit", where, "make it anew: netaudit plan")
    if now >= plan.expires_at:
        raise PlanError(f"has expired on {plan.expires_at:{_MOMENT}}", where, "make it anew: netaudit plan")
    return plan


def plain_plan(plan: Plan) -> Plain:
    """The plan as plain values, for JSON."""
    return {
        "schema": SCHEMA,
        "digest": plan.digest,
        "created_at": plan.created_at.strftime(_MOMENT),
        "expires_at": plan.expires_at.strftime(_MOMENT),
        "version": plan.version,
        "baseline": {"name": plan.baseline, "sha256": plan.baseline_sha256},
        "hosts": [_plain_host(host) for host in plan.hosts],
        "batches": [{"class": str(batch.step_class), "hosts": list(batch.hosts)} for batch in plan.batches],
        "notes": list(plan.notes),
    }


def _plain_host(host: HostPlan) -> Plain:
    return {
        "host": host.host,
        "address": host.address,
        "boot_id": host.boot_id,
        "facts_sha256": host.facts_sha256,
        "steps": [_plain_step(step) for step in host.steps],
        "not_remedied": [
            {"check": each.check, "subject": each.subject, "reason": each.reason, "advice": each.advice}
            for each in host.not_remedied
        ],
    }


def _plain_step(step: Step) -> Plain:
    return {
        "operation": step.operation,
        "subject": step.subject,
        "arguments": dict(step.arguments),
        "before": step.before,
        "after": step.after,
        "class": str(step.step_class),
        "checks": list(step.checks),
        "remediation": step.remediation,
        "remediation_sha256": step.remediation_sha256,
        "namespace": step.namespace,
        "boot_before": step.boot_before,
        "file": step.file,
        "undo": step.undo,
        "notes": list(step.notes),
        "verify": list(step.verify),
    }


def plan_of(found: Mapping[str, object], where: Where) -> Plan:
    """The plan of the values of ``plain_plan``. Raises PlanError where something of it is missing or is not allowed."""
    try:
        return _plan(found)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PlanError(f"is no whole plan: {error!r}"[:300], where, "make it anew: netaudit plan") from error


def _plan(found: Mapping[str, object]) -> Plan:
    baseline = _mapping(found["baseline"])
    return Plan(
        digest=_text(found["digest"]),
        created_at=_moment(found["created_at"]),
        expires_at=_moment(found["expires_at"]),
        version=_text(found["version"]),
        baseline=_text(baseline["name"]),
        baseline_sha256=_text(baseline["sha256"]),
        hosts=_each(found["hosts"], _host),
        batches=_each(found["batches"], _batch),
        notes=_each(found["notes"], _text),
    )


def _host(value: object) -> HostPlan:
    found = _mapping(value)
    return HostPlan(
        host=_text(found["host"]),
        address=_text(found["address"]),
        boot_id=_text(found["boot_id"]),
        facts_sha256=_text(found["facts_sha256"]),
        steps=_each(found["steps"], _step),
        not_remedied=_each(found["not_remedied"], _not_remedied),
    )


def _not_remedied(value: object) -> NotRemedied:
    found = _mapping(value)
    return NotRemedied(*(_text(found[name]) for name in ("check", "subject", "reason", "advice")))


def _batch(value: object) -> Batch:
    found = _mapping(value)
    return Batch(StepClass(_text(found["class"])), _each(found["hosts"], _text))


def _step(value: object) -> Step:
    found = _mapping(value)
    step = Step(
        operation=_text(found["operation"]),
        subject=_text(found["subject"]),
        arguments={name: _text(each) for name, each in _mapping(found["arguments"]).items()},
        before=_text(found["before"]),
        after=_text(found["after"]),
        step_class=StepClass(_text(found["class"])),
        checks=_each(found["checks"], _text),
        remediation=_text(found["remediation"]),
        remediation_sha256=_text(found["remediation_sha256"]),
        namespace=_text(found["namespace"]),
        boot_before=_perhaps(found["boot_before"]),
        file=_perhaps(found["file"]),
        undo=_text(found["undo"]),
        notes=_each(found["notes"], _text),
        verify=_each(found["verify"], _text),
    )
    operation_of(step).script(step)  # names and values are such as may stand in a script
    return step


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError("an object is wanted")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is wanted")
    return value


def _perhaps(value: object) -> str | None:
    return None if value is None else _text(value)


def _each(value: object, read: Callable[[object], T]) -> tuple[T, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise TypeError("a list is wanted")
    return tuple(read(item) for item in value)


def _moment(value: object) -> datetime:
    return datetime.strptime(_text(value), _MOMENT).replace(tzinfo=UTC)
