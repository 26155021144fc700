"""Which other program writes a setting, and how it is set there: what such a program writes does not stay changed."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from netaudit.model.facts import Facts, Writer
from netaudit.model.reading import Absent

_HOW: Mapping[str, str] = {
    "tuned": "set it in the section [sysctl] of a profile of your own that includes the active one (tuned.conf(5))",
    "kubelet": "set it on the node by what the cluster's installer offers, or with kube-proxy's --conntrack-* flags",
    "cni": "set it in the configuration of the container network (/etc/cni/net.d)",
    "docker": "set it in /etc/docker/daemon.json, or with --sysctl of the container",
    "NetworkManager": "set it in the connection: nmcli connection modify (ipv4.*, ipv6.*)",
    "systemd-networkd": "set it in the interface's .network file (systemd.network(5))",
    "ufw": "set it in /etc/ufw/sysctl.conf, which ufw loads after sysctl.d",
    "cloud-init": "set it where cloud-init writes it, in the user data or /etc/cloud/cloud.cfg.d",
    "saptune": "set it in an override of the note: /etc/saptune/override",
}


def writer_of(key: str, facts: Facts) -> Writer | None:
    """A program that is active on the host and writes a setting."""
    if isinstance(facts.writers, Absent):
        return None
    return next(
        (each for each in facts.writers if each.active and any(fnmatchcase(key, pattern) for pattern in each.keys)),
        None,
    )


def how_to_set(key: str, writer: Writer) -> str:
    """How a setting is changed where another program writes it."""
    how = _HOW.get(writer.name, f"set it in the configuration of {writer.name}")
    return f"{key}: {how}"
