"""How settings of devices and modules are made to last: by who manages the interface on that host.

Where no safe way is known the change is refused with advice; an attempt that a reboot undoes would be worse.
"""

from __future__ import annotations

from netaudit.model.facts import Facts
from netaudit.remedy.keeping import Kept
from netaudit.remedy.proposals import Target
from netaudit.remedy.refused import Refused

_MODULES = frozenset({"load_module", "module_param", "conntrack_hash"})


def device_kept(target: Target, after: str, facts: Facts, arguments: tuple[tuple[str, str], ...]) -> Kept:
    """How a change of a device or module is kept. Raises Refused where no safe way is known."""
    if target.operation in _MODULES:
        return Kept(needs_file=True, boot_before=None, arguments=arguments)
    raise Refused("no safe way is known to make it last on this host", "--no-persist changes it until the next boot")
