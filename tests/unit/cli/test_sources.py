"""Which inventory a command means when none is named."""

from __future__ import annotations

import argparse

import pytest

from netaudit.cli.asking.sources import load_inventory, select_hosts
from netaudit.errors import UsageError
from netaudit.model.target import Connection


def _asked(pattern, inventory=()):
    return argparse.Namespace(pattern=pattern, inventory=list(inventory), limit=None, extra_vars=[])


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_a_name_of_this_machine_needs_no_inventory(home, name):
    """The first run of somebody who has no inventory yet looks at this machine, without SSH."""
    asked = _asked(name)
    inventory = load_inventory(asked, pytest.fail)
    (target,) = inventory.targets(select_hosts(inventory, asked, pytest.fail)).targets
    assert (target.name, target.connection) == (name, Connection.LOCAL)


@pytest.mark.parametrize("pattern", ["all", "web", "localhost,web", "local*"])
def test_any_other_pattern_needs_one(home, pattern):
    """Nothing but a name of this machine is taken for it."""
    with pytest.raises(UsageError, match="no inventory"):
        load_inventory(_asked(pattern), pytest.fail)


def test_an_inventory_that_is_there_is_read(home):
    """A host of that name in the default inventory keeps its own address and connection."""
    (home / "inventory").mkdir()
    (home / "inventory" / "hosts").write_text("localhost ansible_host=198.18.0.9\n")
    asked = _asked("localhost")
    inventory = load_inventory(asked, pytest.fail)
    (target,) = inventory.targets(select_hosts(inventory, asked, pytest.fail)).targets
    assert (target.address, target.connection) == ("198.18.0.9", Connection.SSH)
