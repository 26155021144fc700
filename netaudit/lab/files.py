"""The texts a lab is made of: inventory, sshd_config, the init script of a host, the baseline with its waiver."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from netaudit.lab.network import known_neighbour
from netaudit.lab.plan import Fault, HostPlan

SSH_PORT = 22
ROOT_HOME = "/run/root"  # on the host's own tmpfs
AUTHORIZED_KEYS = "/run/sshd/authorized_keys"  # on the host's own tmpfs: sshd reads it as the user who logs in


def inventory_text(hosts: Sequence[HostPlan], directory: Path) -> str:
    """An Ansible inventory of the lab, in YAML, with key and known_hosts by absolute path."""
    lines = [
        "# The lab fleet of netaudit: written by `netaudit lab up`, gone with `netaudit lab down`.",
        "all:",
        "  vars:",
        f"    ansible_ssh_private_key_file: {directory / 'id_ed25519'}",
        f"    ansible_ssh_common_args: -o UserKnownHostsFile={directory / 'known_hosts'}",
        "    ansible_user: root",
        "  children:",
    ]
    for group in dict.fromkeys(host.group for host in hosts):
        lines += [f"    {group}:", "      hosts:"]
        for host in hosts:
            if host.group != group:
                continue
            lines += [f"        {host.name}:", f"          ansible_host: {host.address}"]
            if host.user != "root":
                lines.append(f"          ansible_user: {host.user}")
    return "\n".join(lines) + "\n"


def baseline_text(hosts: Sequence[HostPlan]) -> str:
    """The lab's own baseline: the default one, and a waiver for the hosts that have one."""
    lines = [
        "baseline: lab",
        "title: The lab fleet",
        "extends: [linux-server]",
        "vars:",
        "  # What the services of this site pass to listen(), so that one with less is known to need a restart.",
        "  listen_backlogs: {sshd: 128, shop-web: 4096, shop-api: 4096, shop-db: 4096}",
    ]
    waived = [host.name for host in hosts if host.fault is Fault.SHORT_FIN_TIMEOUT]
    if waived:
        lines += [
            "waivers:",
            "  - check: tcp.tw.fin_timeout",
            f"    hosts: {','.join(waived)}",
            "    reason: the load test of the payment gateway needs it until the pool is resized",
            "    approver: j.doe",
            "    ticket: NET-1234",
            "    starts: 2026-01-01",
            "    expires: 2036-12-31",
            "    value: 5",
        ]
    return "\n".join(lines) + "\n"


def hosts_text(hosts: Sequence[HostPlan]) -> str:
    """Lines of hosts(5): a host finds its own name, as sudo(8) wants to, and those of the others without a server."""
    return "127.0.0.1 localhost\n::1 localhost\n" + "".join(f"{host.address} {host.name}\n" for host in hosts)


def sshd_config_text(host_directory: Path) -> str:
    """A minimal sshd_config(5): keys only, one host key, no subsystem."""
    return "\n".join(
        (
            f"Port {SSH_PORT}",
            f"HostKey {host_directory / 'ssh_host_ed25519_key'}",
            f"AuthorizedKeysFile {AUTHORIZED_KEYS}",
            "PidFile none",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password",
            "StrictModes no",
            "UsePAM no",
            "PrintMotd no",
            "PrintLastLog no",
            "MaxStartups 200",
            "UseDNS no",
            "LogLevel ERROR",
            "",
        )
    )


def passwd_text(of_this_machine: str) -> str:
    """The passwd(5) of lab hosts: the users of this machine, root with a home of the host's own, and an auditor.

    The home of this machine's root may hold a login profile that is slow or prints; a lab host is not to run it.
    """
    others = [line for line in of_this_machine.splitlines() if not line.startswith("root:")]
    root = f"root:x:0:0:root:{ROOT_HOME}:/bin/sh"
    return "\n".join((root, *others, "auditor:x:62001:62001:netaudit lab:/:/bin/sh", ""))


def sysctl_text(values: Mapping[str, str]) -> str:
    """Lines of sysctl.d(5)."""
    return "".join(f"{name} = {value}\n" for name, value in values.items())


def _set_sysctls(values: Mapping[str, str]) -> Iterable[str]:
    for name, value in values.items():
        path = "/proc/sys/" + name.replace(".", "/")
        yield f"echo {shlex.quote(value)} > {shlex.quote(path)}"


def init_text(host: HostPlan, directory: Path, *, gateway: str, prefix_length: int, python: str) -> str:
    """The first process of a host: sets the host up inside its namespaces, starts its services, reaps, never returns.

    Runs in fresh network, mount, pid and uts namespaces, so that nothing it mounts or sets is seen outside.
    """
    own = directory / "hosts" / host.name
    listener = Path(__file__).with_name("listener.py")
    lines = [
        "set -eu",
        "mount -t tmpfs -o mode=755,size=4m tmpfs /run",
        f"mkdir -p /run/sshd /run/sysctl.d {ROOT_HOME}",
        "mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null || true",
        f"cp {shlex.quote(str(directory / 'id_ed25519.pub'))} {AUTHORIZED_KEYS}",
        f"mount --bind {shlex.quote(str(own / 'sysctl.d'))} /etc/sysctl.d",
        f"mount --bind {shlex.quote(str(own / 'sysctl.conf'))} /etc/sysctl.conf",
        f"mount --bind {shlex.quote(str(own / 'hostname'))} /etc/hostname",
        f"mount --bind {shlex.quote(str(directory / 'passwd'))} /etc/passwd",
        f"mount --bind {shlex.quote(str(directory / 'hosts.txt'))} /etc/hosts",
        f"hostname {host.name}",
        # No router is on this wire. A solicitation goes to every port of the bridge, and hosts that come up together
        # send theirs together: of a hundred hosts that overruns the backlog of the machine.
        # The default is what an interface begins with anew after its MTU was too small for IPv6.
        "for place in default eth0; do echo 0 >/proc/sys/net/ipv6/conf/$place/router_solicitations || true; done",
        "ip -batch - <<'END'",
        "link set lo up",
        f"addr add {host.address}/{prefix_length} dev eth0",
        f"link set eth0 mtu {host.mtu} up",
        f"route add default via {gateway}",
        known_neighbour(gateway, "eth0"),
        "END",
        *_set_sysctls(host.sysctl),
    ]
    for service in host.listeners:
        ports = " ".join(map(str, service.ports))
        ready = f"/run/{service.process}.ready"
        command = (
            f"{shlex.quote(python)} -I -S {shlex.quote(str(listener))} {service.process} {service.backlog} {ports}"
        )
        lines += [
            f"mkfifo {ready}",
            f"{command} </dev/null >{ready} 2>/dev/null &",
            f"read -r _ <{ready}",
            f"rm {ready}",
        ]
    lines += [
        *_set_sysctls(host.sysctl_after),
        f"/usr/sbin/sshd -D -f {shlex.quote(str(own / 'sshd_config'))} -E {shlex.quote(str(own / 'sshd.log'))} &",
        # wait(1) of process 1 also reaps what sshd sessions leave to it.
        "while :; do wait; sleep 1000 & done",
        "",
    ]
    return "\n".join(lines)
