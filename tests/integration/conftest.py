"""What the tests that need real hosts share: a lab that is gone afterwards, whatever happens."""

from __future__ import annotations

import os

import pytest

from netaudit.lab import Lab


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Whatever uses the lab runs in one worker: each worker of a session would bring up a lab of its own."""
    for item in items:
        if "lab_fleet" in item.fixturenames and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group("lab"))


@pytest.fixture(scope="session")
def needs_root():
    """Skip where network namespaces cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("needs root: makes network namespaces and starts sshd")


@pytest.fixture(scope="session")
def lab_fleet(needs_root, tmp_path_factory):
    """Twenty-four lab hosts, one of every fault, and their plan."""
    lab = Lab(tmp_path_factory.mktemp("lab") / "lab")
    hosts = lab.up(24)
    yield lab, {host.name: host for host in hosts}
    lab.down()
