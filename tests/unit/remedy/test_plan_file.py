"""A plan that was written is read back the same, or refused with the reason."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.errors import PlanError
from netaudit.model.plan import Batch, HostPlan, NotRemedied, Plan, Step, StepClass
from netaudit.remedy.plan_file import dump_plan, load_plan, sealed

NOW = datetime(2026, 11, 20, 22, tzinfo=UTC)
STEP = Step(
    "sysctl", "net.core.somaxconn", {"key": "net.core.somaxconn"}, "128", "4096", StepClass.NEW_SOCKETS,
    ("tcp.accept_queue.somaxconn",), "listener.somaxconn", "0" * 64, "", "128",
    "/etc/sysctl.d/99-zz-netaudit-20261120T220000Z-new-sockets.conf", "write 128 to net.core.somaxconn", ("note",),
)  # fmt: skip
HOST = HostPlan("web1", "192.0.2.1", "boot", "1" * 64, (STEP,), (NotRemedied("c", "host", "why", "instead"),))
PLAN = sealed(
    Plan(
        "", NOW, NOW + timedelta(hours=1), "1.0", "linux-server", "2" * 64, (HOST,),
        (Batch(StepClass.NEW_SOCKETS, ("web1",)),), ("a note",),
    )
)  # fmt: skip


def read(text: str, now: datetime = NOW, version: str = "1.0") -> Plan:
    """Read a plan's text."""
    return load_plan(text, "plan.json", now, version)


def test_it_is_read_back_the_same() -> None:
    """Every field survives."""
    assert read(dump_plan(PLAN)) == PLAN
    assert len(PLAN.digest) == 64


def test_an_altered_plan_is_refused() -> None:
    """One value changed, the digest does not fit."""
    with pytest.raises(PlanError, match=r"plan.json: was altered after it was made"):
        read(dump_plan(PLAN).replace('"after": "4096"', '"after": "8192"'))


def test_a_digest_is_no_seal_for_what_may_not_stand_in_a_script() -> None:
    """Whoever can write the file can write a digest: names and values are looked at all the same."""
    for changes in (
        {"arguments": {"key": "kernel.core_pattern"}},
        {"after": "1; reboot"},
        {"operation": "shell"},
        {"namespace": "../x"},
    ):
        crafted = sealed(replace(PLAN, hosts=(replace(HOST, steps=(replace(STEP, **changes),)),)))
        with pytest.raises(PlanError):
            read(dump_plan(crafted))


def test_it_expires() -> None:
    """A plan of this morning is not what was looked at."""
    with pytest.raises(PlanError, match="has expired on 2026-11-20T23:00:00Z"):
        read(dump_plan(PLAN), NOW + timedelta(hours=1))


def test_a_plan_of_another_version_is_refused() -> None:
    """It may mean something else by the same words."""
    with pytest.raises(PlanError, match=r"was made by netaudit 1.0, and this is 2.0"):
        read(dump_plan(PLAN), version="2.0")


@pytest.mark.parametrize("text", ["", "{}", "[]", "nonsense", '{"schema": "netaudit.plan/2"}', "[" * 100_000])
def test_what_is_no_plan(text: str) -> None:
    """One clear line, whatever it is."""
    with pytest.raises(PlanError, match="is no plan"):
        read(text)


@given(st.data())
def test_any_change_of_any_value_is_seen(data: st.DataObject) -> None:
    """Whichever value of the file is changed, the plan is refused or the same."""
    plain = json.loads(dump_plan(PLAN))
    place: object = plain
    while isinstance(place, dict | list) and place:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner:
            place[key] = data.draw(st.text(max_size=5) | st.none() | st.integers())
            break
        place = inner
    with contextlib.suppress(PlanError):
        assert read(json.dumps(plain)) == PLAN
