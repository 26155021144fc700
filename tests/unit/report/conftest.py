"""The made-up fleet."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SYNTHETIC = Path(__file__).parents[2] / "golden" / "synthetic.py"


@pytest.fixture(scope="session")
def made_up() -> ModuleType:
    """The module that makes the made-up fleet."""
    spec = importlib.util.spec_from_file_location("synthetic_fleet", SYNTHETIC)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
