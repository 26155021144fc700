"""Plans for the healthy host of the catalogue's tests, of which a test changes one thing."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from netaudit.assets.remediations import load_remediations
from netaudit.baseline.evaluate import evaluate
from netaudit.model.facts import ManagedLink, Managers
from netaudit.model.plan import HostPlan
from netaudit.remedy.changes import Choices
from netaudit.remedy.planner import Material, host_plan
from netaudit.remedy.remediation import Remediations

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LINK = ManagedLink(
    "eth0", "52:54:00:12:34:56", True, "", "/usr/lib/systemd/network/99-default.link", "", "", "", {}
)  # fmt: skip
DEFAULT = Choices()
MANAGERS = Managers(True, 252, False, False, (LINK,), {})


@cache
def catalogue() -> ModuleType:
    """The module that makes the healthy host."""
    path = Path(__file__).parents[1] / "catalogue" / "conftest.py"
    spec = importlib.util.spec_from_file_location("healthy_host", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["healthy_host"] = module
    spec.loader.exec_module(module)
    return module


@cache
def shipped(baseline: str = "linux-server") -> Remediations:
    """The shipped remediations under a baseline."""
    return load_remediations(catalogue().ruleset(baseline))


def plan_of(host: Any, choices: Choices = DEFAULT, remediations: Remediations | None = None) -> HostPlan:
    """The plan of a host."""
    rules = catalogue().host_rules("linux-server", host.variables)
    results = evaluate(rules, host.facts, NOW)
    return host_plan(Material(rules, host.facts, results, remediations or shipped(), choices, NOW))


@pytest.fixture
def web1() -> Any:
    """A healthy host to change."""
    return catalogue().Host().have(managers=MANAGERS)


@pytest.fixture
def planned() -> Callable[..., HostPlan]:
    """Plans for a host."""
    return plan_of


@pytest.fixture(scope="session")
def shipped_remediations() -> Remediations:
    """All that is shipped."""
    return shipped()


@pytest.fixture(scope="session")
def managed() -> Any:
    """What manages eth0, to be replaced in part."""
    return MANAGERS
