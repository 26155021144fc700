"""Batches are Ansible's, and no batch mixes classes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.errors import UsageError
from netaudit.model.plan import HostPlan, Step, StepClass
from netaudit.remedy.batches import batches_of, parse_serial, part_of, sizes


def plan(name: str, *classes: StepClass) -> HostPlan:
    """A host with a step of each class."""
    steps = tuple(
        Step("sysctl", f"key{place}", {}, "0", "1", each, ("c",), "r", "0" * 64) for place, each in enumerate(classes)
    )
    return HostPlan(name, "192.0.2.1", "boot", "0" * 64, steps)


@pytest.mark.parametrize(
    ("serial", "hosts", "expected"),
    [
        ("1,10%,50%", 100, [1, 10, 50, 39]),
        ("1,10%,50%", 8, [1, 1, 4, 2]),
        ("5", 12, [5, 5, 2]),
        ("30%", 10, [3, 3, 3, 1]),
        ("1%", 3, [1, 1, 1]),
        ("100%", 7, [7]),
        ("1, 2", 6, [1, 2, 2, 1]),
        ("1", 0, []),
    ],
)
def test_sizes(serial: str, hosts: int, expected: list[int]) -> None:
    """The last size repeats, a percentage is of all hosts and never less than one."""
    assert list(sizes(parse_serial(serial), hosts)) == expected


@pytest.mark.parametrize("text", ["", "0", "-1", "1,,2", "0%", "101%", "ten", "1.5", "1;2", "٣"])
def test_bad_serial(text: str) -> None:
    """Anything else is refused with what would be right."""
    with pytest.raises(UsageError, match="no size of a batch"):
        parse_serial(text)


def test_a_class_has_batches_of_its_own() -> None:
    """A host with steps of two classes is in a batch of each, the mildest class first, each with a canary."""
    live, link = StepClass.LIVE, StepClass.LINK_FLAP
    plans = [plan("a", link, live), plan("b"), plan("c", live), plan("d", link)]
    found = batches_of(plans, ("1", "50%"))
    assert [(batch.step_class, batch.hosts) for batch in found] == [
        (live, ("a",)), (live, ("c",)), (link, ("a",)), (link, ("d",)),
    ]  # fmt: skip
    assert [step.step_class for step in part_of(plans[0], link).steps] == [link]


@given(
    st.lists(st.lists(st.sampled_from(StepClass), max_size=4), max_size=30),
    st.lists(st.sampled_from(["1", "3", "10%", "50%", "100%"]), min_size=1, max_size=4),
)
def test_every_step_is_in_exactly_one_batch(classes: list[list[StepClass]], serial: list[str]) -> None:
    """Nothing is forgotten, nothing comes twice, and inventory order holds within a class."""
    plans = [plan(f"h{place:03d}", *each) for place, each in enumerate(classes)]
    found = batches_of(plans, serial)
    assert all(batch.hosts for batch in found)
    for step_class in StepClass:
        names = [name for batch in found if batch.step_class is step_class for name in batch.hosts]
        assert names == [each.host for each in plans if part_of(each, step_class).steps]
