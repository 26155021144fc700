"""Ansible's inventory files, patterns and connection variables, read as Ansible reads them.

``load`` gives an ``Inventory``: what a pattern selects, the variables of each host, and the targets that a run
contacts. The room knows nothing of how hosts are reached or what is asked of them. YAML and Jinja2 are imported when
a file needs them.
"""

from netaudit.inventory.credentials import InventorySecrets
from netaudit.inventory.graph import LOCAL_NAMES
from netaudit.inventory.inventory import GroupEntry, Inventory, load
from netaudit.inventory.patterns import Selection
from netaudit.inventory.sources import default_sources
from netaudit.inventory.sshargs import parse_jumps
from netaudit.inventory.targets import Overrides, Resolution

__all__ = [
    "LOCAL_NAMES",
    "GroupEntry",
    "Inventory",
    "InventorySecrets",
    "Overrides",
    "Resolution",
    "Selection",
    "default_sources",
    "load",
    "parse_jumps",
]
