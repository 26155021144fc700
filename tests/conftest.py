"""What holds for all tests: a property is about values, never about how busy the machine is; one fleet is made up."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

settings.register_profile("netaudit", deadline=None)
settings.load_profile("netaudit")

TESTS = Path(__file__).parent


@pytest.fixture(scope="session")
def made_up() -> ModuleType:
    """The module that makes the made-up fleet: the tests are no packages to import it from."""
    spec = importlib.util.spec_from_file_location("synthetic_fleet", TESTS / "golden" / "synthetic.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
