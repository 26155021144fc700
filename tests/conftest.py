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
WITH_A_LIVE_KERNEL = ("guard", "integration", "probes", "wire")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs against a live kernel, real servers and their processes is tried twice; nothing else is.

    Reruns are listed at the end of a run, and each is a thing to look into: docs/decisions/0018-tried-twice.md.
    """
    for item in items:
        if item.path.relative_to(TESTS).parts[0] in WITH_A_LIVE_KERNEL:
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in full why a test was tried twice; that it passed then is no reason to forget it."""
    for report in terminalreporter.stats.get("rerun", ()):
        terminalreporter.section(f"tried twice: {report.nodeid}", sep="_")
        terminalreporter.write_line(report.longreprtext)


@pytest.fixture(scope="session")
def made_up() -> ModuleType:
    """The module that makes the made-up fleet: the tests are no packages to import it from."""
    spec = importlib.util.spec_from_file_location("synthetic_fleet", TESTS / "golden" / "synthetic.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
