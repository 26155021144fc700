"""What an operation foresees in the facts is taken back by foreseeing the old value: a model of apply and undo."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.model.facts import Facts
from netaudit.remedy.operations import OPERATIONS
from netaudit.remedy.operations.cpu_mask import cpus_of, mask_of


def healthy() -> Facts:
    """The healthy host of the catalogue's tests, with a device that has everything."""
    module: ModuleType | None = sys.modules.get("healthy_host")
    if module is None:
        path = Path(__file__).parents[2] / "catalogue" / "conftest.py"
        spec = importlib.util.spec_from_file_location("healthy_host", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["healthy_host"] = module
        spec.loader.exec_module(module)
    made: Any = module
    return made.Host().link(made.fast_nic()).facts


FACTS = healthy()
NUMBERS = st.integers(1, 2**20).map(str)
CASES: list[tuple[str, dict[str, str], Any]] = [
    ("sysctl", {"key": "net.core.somaxconn"}, NUMBERS),
    ("sysctl", {"key": "net.ipv4.tcp_rmem"}, st.tuples(NUMBERS, NUMBERS, NUMBERS).map(" ".join)),
    ("sysctl", {"key": "net.netfilter.nf_conntrack_max"}, NUMBERS),
    ("sysctl", {"key": "fs.nr_open"}, NUMBERS),
    ("ring", {"device": "eth0", "which": "rx"}, NUMBERS),
    ("channels", {"device": "eth0", "which": "combined"}, NUMBERS),
    ("offload", {"device": "eth0", "which": "gro"}, st.sampled_from(["on", "off"])),
    ("mtu", {"device": "eth0"}, NUMBERS),
    ("txqueuelen", {"device": "eth0"}, NUMBERS),
    ("rss", {"device": "eth0"}, st.sampled_from(["equal 3", "equal 2 start 2", "weight 64 32 31 1", "weight 96 0 32"])),
    ("cpu_mask", {"device": "eth0", "which": "rps", "queue": "0"}, st.sampled_from(["f", "0", "a"])),
]


@pytest.mark.parametrize(("operation", "arguments", "values"), CASES, ids=lambda value: str(value)[:40])
@given(data=st.data())
def test_undo_of_apply_is_identity(operation: str, arguments: dict[str, str], values: Any, data: st.DataObject) -> None:
    """Whatever is set, setting what was observed gives the facts that there were."""
    made = OPERATIONS[operation]
    before = made.observed(arguments, "", FACTS)
    assert isinstance(before, str)
    after = data.draw(values)
    changed = made.foreseen(arguments, "", after, FACTS)
    assert made.observed(arguments, "", changed) == after
    assert made.foreseen(arguments, "", before, changed) == FACTS


@given(st.sets(st.integers(0, 63), min_size=1))
def test_masks(cpus: set[int]) -> None:
    """A list of CPUs becomes a mask as wide as the present one, and its ends are those of the list."""
    mask = mask_of(",".join(map(str, sorted(cpus))), "00000000,00000000")
    assert len(mask) == 17
    assert int(mask.replace(",", ""), 16) == sum(1 << cpu for cpu in cpus)
    assert cpus_of(mask) == f"{min(cpus)} {max(cpus)}"


@pytest.mark.parametrize("cpus", ["0-8", "4-2", "x", "", "9999"])
def test_what_is_no_mask(cpus: str) -> None:
    """CPUs that are not there, and words that are none."""
    with pytest.raises(ValueError, match=r"."):
        mask_of(cpus, "ff")
