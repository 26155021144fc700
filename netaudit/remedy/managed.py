"""How settings of devices and modules are made to last: by who manages the interface on that host.

================================  ==========================================================================
settings of the device (ethtool,  NetworkManager's connection where that sets it already; a .link file of
txqueuelen)                       systemd-udevd; a script of ifupdown
MTU                               NetworkManager's connection; netplan; a drop-in of the .network file; a
                                  script of ifupdown; a .link file where nobody manages the interface
masks of CPUs                     a rule of udev
table of receive side scaling     a rule of udev; a script of ifupdown
parameters of modules, modules    modprobe.d, modules-load.d
================================  ==========================================================================

Where no safe way is known the change is refused with advice; an attempt that a boot undoes would be worse. Of the
.link files exactly one counts for a device: ours takes the place of the one that systemd ships, says what that one
says, and is refused where the host has one of its own.
"""

from __future__ import annotations

from netaudit.model.facts import Facts, ManagedLink, Managers
from netaudit.model.reading import Absent
from netaudit.remedy.keeping import Kept
from netaudit.remedy.operations import OPERATIONS
from netaudit.remedy.operations.ethtool import Ethtool
from netaudit.remedy.operations.link import SetLink
from netaudit.remedy.persistence import (
    IF_UP_DIRECTORY,
    NETPLAN_DIRECTORY,
    NETWORK_DIRECTORY,
    RULES_DIRECTORY,
    link_file,
)
from netaudit.remedy.proposals import Target
from netaudit.remedy.refused import Refused

_MODULES = frozenset({"load_module", "module_param", "conntrack_hash"})
_SHIPPED_LINK = "99-default.link"
_UNTIL_BOOT = "--no-persist changes it until the next boot"
_NM_MTU = "802-3-ethernet.mtu"
_SINCE = {  # first version of systemd whose .link files know a key
    "RxBufferSize": 244, "TxBufferSize": 244, "TransmitQueueLength": 248, "RxCoalesceSec": 250,
    "RxMaxCoalescedFrames": 250, "UseAdaptiveRxCoalesce": 250,
}  # fmt: skip

Pairs = tuple[tuple[str, str], ...]


def device_kept(target: Target, after: str, facts: Facts, stamp: str, arguments: Pairs) -> Kept:
    """How a change of a device or module is kept. Raises Refused where no safe way is known."""
    if target.operation in _MODULES:
        if not isinstance(facts.kernel, Absent) and facts.kernel.is_initial_namespace is False:
            raise Refused("kernel modules belong to the whole host, not to a network namespace")
        return Kept(needs_file=True, boot_before=None, arguments=arguments)
    if isinstance(facts.managers, Absent):
        raise Refused(f"who manages the interface could not be read ({facts.managers})", _UNTIL_BOOT)
    name = target.named["device"]
    link = next((each for each in facts.managers.links if each.name == name), None)
    if link is None:
        raise Refused(f"nothing is known of what manages {name}", _UNTIL_BOOT)
    if target.operation == "cpu_mask":
        return _by_rule(facts.managers, stamp, arguments)
    if target.operation == "rss":
        return _table(link, facts.managers, stamp, arguments)
    if target.operation == "mtu":
        return _mtu(target, after, link, facts, stamp, arguments)
    return _device(target, after, link, facts, stamp, arguments)


def _file(path: str, arguments: Pairs, *notes: str) -> Kept:
    return Kept(needs_file=True, boot_before=None, notes=notes, file=path, arguments=arguments)


def _by_rule(managers: Managers, stamp: str, arguments: Pairs) -> Kept:
    if not managers.has_udev:
        raise Refused("no safe way is known to make it last on this host: udev does not run", _UNTIL_BOOT)
    return _file(f"{RULES_DIRECTORY}/99-zz-netaudit-{stamp}.rules", arguments)


def _table(link: ManagedLink, managers: Managers, stamp: str, arguments: Pairs) -> Kept:
    if not managers.has_udev and link.manager == "ifupdown" and managers.has_if_up:
        return _file(f"{IF_UP_DIRECTORY}/zz-netaudit-{stamp}", arguments, "a script of ifupdown")
    return _by_rule(managers, stamp, arguments)


def _device(target: Target, after: str, link: ManagedLink, facts: Facts, stamp: str, arguments: Pairs) -> Kept:
    managers = facts.managers
    assert not isinstance(managers, Absent)  # noqa: S101  # looked at by the only caller
    keyfile = _keyfile(target)
    if link.manager == "NetworkManager" and keyfile in link.connection_settings:
        return _by_connection(keyfile, after, link, arguments)
    if managers.has_udev:
        return _by_link_file(target, after, link, facts, arguments)
    if link.manager == "ifupdown" and managers.has_if_up:
        return _file(f"{IF_UP_DIRECTORY}/zz-netaudit-{stamp}", arguments, "a script of ifupdown")
    raise Refused("no safe way is known to make it last on this host", _UNTIL_BOOT)


def _mtu(target: Target, after: str, link: ManagedLink, facts: Facts, stamp: str, arguments: Pairs) -> Kept:
    managers = facts.managers
    assert not isinstance(managers, Absent)  # noqa: S101  # looked at by the only caller
    if managers.has_netplan and link.manager:
        if not _is_physical(link.name, facts):
            raise Refused(
                f"netplan keeps {link.name}", f"set `mtu: {after}` for it in /etc/netplan, then `netplan try`"
            )
        return _file(f"{NETPLAN_DIRECTORY}/99-zz-netaudit-{stamp}.yaml", arguments, "netplan merges it at boot")
    if link.manager == "NetworkManager":
        return _by_connection(_NM_MTU, after, link, arguments)
    if link.manager == "systemd-networkd":
        return _by_drop_in(link, managers, after, stamp, arguments)
    if link.manager == "ifupdown" and managers.has_if_up:
        return _file(f"{IF_UP_DIRECTORY}/zz-netaudit-{stamp}", arguments, "a script of ifupdown")
    if not link.manager and managers.has_udev:
        return _by_link_file(target, after, link, facts, arguments)
    raise Refused("no safe way is known to make it last on this host", _UNTIL_BOOT)


def bond_of(name: str, facts: Facts) -> str:
    """The bond that an interface belongs to; empty when it belongs to none."""
    if isinstance(facts.nics, Absent):
        return ""
    master = next((nic.master for nic in facts.nics if nic.name == name), "")
    return next((nic.name for nic in facts.nics if nic.name == master and nic.kind in {"bond", "team"}), "")


def _is_physical(name: str, facts: Facts) -> bool:
    return not isinstance(facts.nics, Absent) and any(nic.name == name and nic.is_physical for nic in facts.nics)


def _keyfile(target: Target) -> str:
    """How NetworkManager names a setting of a device; empty where it has none."""
    operation = OPERATIONS[target.operation]
    return f"ethtool.{operation.word(target.named).keyfile}" if isinstance(operation, Ethtool) else ""


def _by_connection(keyfile: str, after: str, link: ManagedLink, arguments: Pairs) -> Kept:
    """By a call of nmcli, which is taken back by another one."""
    if not link.connection_file.startswith("/etc/"):
        advice = f"nmcli connection modify {link.connection or 'UUID'} {keyfile} {after}"
        raise Refused(f"the connection of {link.name} is in no file of /etc, where it could be kept", advice)
    before = link.connection_settings.get(keyfile, "")
    more = (("nm_uuid", link.connection), ("nm_key", keyfile), ("nm_before", before))
    note = f"kept in NetworkManager's connection {link.connection}"
    return Kept(needs_file=False, boot_before=before or None, notes=(note,), arguments=(*arguments, *more))


def _by_drop_in(link: ManagedLink, managers: Managers, after: str, stamp: str, arguments: Pairs) -> Kept:
    """By a drop-in of the .network file, if that is the interface's own."""
    name = link.network_file.rpartition("/")[2]
    shared = sum(1 for each in managers.links if each.network_file == link.network_file)
    if not name or shared != 1:
        advice = f"write MTUBytes={after} under [Link] in a .network file that matches {link.name} alone"
        raise Refused(f"{link.network_file or 'no file'} is not the file of {link.name} alone", advice)
    return _file(
        f"{NETWORK_DIRECTORY}/{name}.d/zz-netaudit-{stamp}.conf", arguments, f"a drop-in of {link.network_file}"
    )


def _by_link_file(target: Target, after: str, link: ManagedLink, facts: Facts, arguments: Pairs) -> Kept:
    """By a .link file of our own, with what an earlier run has put there."""
    managers = facts.managers
    assert not isinstance(managers, Absent)  # noqa: S101  # looked at by the callers
    key = _link_key(target)
    ours = link_file(link.name)
    said = f"write {key}={after} under [Link] in {link.link_file or 'its .link file'}"
    if not key:
        raise Refused("systemd.link has no key for it", _UNTIL_BOOT)
    if managers.systemd_version < _SINCE.get(key, 239):
        raise Refused(f"systemd {managers.systemd_version} does not know {key} in .link files", _UNTIL_BOOT)
    if link.link_file and link.link_file != ours and link.link_file.rpartition("/")[2] != _SHIPPED_LINK:
        raise Refused(f"{link.link_file} is the .link file of {link.name}, and only one counts", said)
    if bond := bond_of(link.name, facts):
        raise Refused(f"{link.name} has the address of {bond}, and a .link file could not know it", said)
    if not _is_physical(link.name, facts) or not link.has_own_address or not link.address:
        raise Refused(f"{link.name} has no address of its own by which a .link file could know it", _UNTIL_BOOT)
    earlier = [line for line in managers.link_files.get(ours, ()) if line.partition("=")[0] not in {"", key}]
    more = (("mac", link.address), ("link_also", ";".join(earlier)))
    return _file(ours, (*arguments, *more), f"in place of {_SHIPPED_LINK}, whose words it repeats")


def _link_key(target: Target) -> str:
    operation = OPERATIONS[target.operation]
    if isinstance(operation, Ethtool):
        return operation.word(target.named).link_key
    return operation.link_key if isinstance(operation, SetLink) else ""
