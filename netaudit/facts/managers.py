"""Who manages each interface: the domain ``managers``. Joins what udev, networkd, NetworkManager and ifupdown left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netaudit.facts.numbers import natural
from netaudit.facts.parts import split_parts
from netaudit.model.facts.managers import ManagedLink, Managers
from netaudit.model.probe import Section

_PERMANENT = "0"  # NET_ADDR_PERM of addr_assign_type
_MTU = "802-3-ethernet.mtu"
_DEVICE_KEYS = ("ring-", "channels-", "coalesce-", "feature-")


def parse_managers(section: Section) -> Managers:
    """The managers of a host and the interfaces that they manage."""
    parts = split_parts(section)
    words = parts["services"].split("\n")
    files = _lines(parts.texts.get("lines", ""))
    version = next(
        (word.partition(" ")[2] for word in words if word.startswith("systemd ") and word[8:].isdigit()), "0"
    )
    connections = _connections(files)
    stanzas = _stanzas(files)
    return Managers(
        has_udev="udev runs" in words,
        systemd_version=natural(version),
        has_netplan="netplan" in words,
        has_if_up="ifupdown installed" in words and "if-up.d" in words,
        links=tuple(_link(line, files, connections, stanzas) for line in parts["devices"].split("\n") if line),
        link_files={path: _settings(lines) for path, lines in files.items() if path.endswith(".link")},
    )


def _lines(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.split("\n"):
        path, _, rest = line.partition(":")
        number, colon, content = rest.partition(":")
        if colon and number.isdigit():
            found.setdefault("/" + path, []).append(content)
    return found


def _settings(lines: Sequence[str]) -> tuple[str, ...]:
    """The assignments of the section [Link]."""
    found, inside = [], False
    for line in lines:
        if line.startswith("["):
            inside = line.strip() == "[Link]"
        elif inside and "=" in line:
            key, _, value = line.partition("=")
            found.append(f"{key.strip()}={value.strip()}")
    return tuple(found)


def _connections(files: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, dict[str, str]]]:
    """NetworkManager's connections by uuid: the file, and the settings of devices in it."""
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for path, lines in files.items():
        if not path.endswith(".nmconnection"):
            continue
        section, uuid, settings = "", "", dict[str, str]()
        for line in lines:
            key, equals, value = line.partition("=")
            if line.startswith("["):
                section = line.strip("[] \t")
            elif equals and key == "uuid":
                uuid = value.strip()
            elif equals and section == "ethtool" and key.startswith(_DEVICE_KEYS):
                settings[f"ethtool.{key}"] = value.strip()
            elif equals and section == "ethernet" and key == "mtu":
                settings[_MTU] = value.strip()
        if uuid:
            found[uuid] = (path, settings)
    return found


def _stanzas(files: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The interfaces that interfaces(5) has a stanza for."""
    found = set()
    for path, lines in files.items():
        if path.startswith("/etc/network/interfaces"):
            found |= {words[1] for line in lines if (words := line.split())[:1] == ["iface"] and len(words) > 1}
    return frozenset(found)


def _link(
    line: str,
    files: Mapping[str, Sequence[str]],
    connections: Mapping[str, tuple[str, dict[str, str]]],
    stanzas: frozenset[str],
) -> ManagedLink:
    index, address, assigned, name = line.split(" ", 3)
    udev = _values(files.get(f"/run/udev/data/n{index}", ()))
    networkd = _values(files.get(f"/run/systemd/netif/links/{index}", ()))
    manager = _values(files.get(f"/run/NetworkManager/devices/{index}", ()))
    uuid = manager.get("connection-uuid", "")
    file, settings = connections.get(uuid, ("", {}))
    return ManagedLink(
        name=name,
        address="" if address == "-" else address,
        has_own_address=assigned == _PERMANENT,
        manager=_manager(manager, networkd, name in stanzas),
        link_file=udev.get("E:ID_NET_LINK_FILE", ""),
        network_file=networkd.get("NETWORK_FILE", ""),
        connection=uuid,
        connection_file=file,
        connection_settings=settings,
    )


def _values(lines: Sequence[str]) -> dict[str, str]:
    return {key: value.strip() for key, equals, value in (line.partition("=") for line in lines) if equals}


def _manager(network_manager: Mapping[str, str], networkd: Mapping[str, str], *words: bool) -> str:
    if network_manager.get("managed", "") in {"1", "true", "full"} or network_manager.get("connection-uuid"):
        return "NetworkManager"
    if networkd.get("ADMIN_STATE", "unmanaged") != "unmanaged":
        return "systemd-networkd"
    return "ifupdown" if any(words) else ""
