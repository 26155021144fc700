"""The wires of a lab: one bridge on this machine, a network namespace and a veth pair a host. ip(8) does the work."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from netaudit.errors import LabError

RANGE = ipaddress.IPv4Network("198.18.0.0/15")  # RFC 2544: for benchmarks of interconnected devices
BLOCK_PREFIX_LENGTH = 20
_CLAIM_WITHIN_S = 60.0
_NETNS_DIRECTORY = Path("/run/netns")


def run_ip(arguments: Sequence[str], *, batch: str | None = None) -> str:
    """What ip(8) printed. Raises LabError with its own words."""
    # If this process is killed, ip must not go on making what nobody will know of.
    command = ["setpriv", "--pdeathsig", "KILL", "ip", *arguments]
    done = subprocess.run(command, input=batch, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise LabError(f"ip {' '.join(arguments)}: {said[-1] if said else 'failed'}")
    return done.stdout


def free_block() -> ipaddress.IPv4Network:
    """The first block of the benchmark range that no interface or route of this machine uses."""
    taken = [
        ipaddress.IPv4Network(route["dst"], strict=False)
        for route in json.loads(run_ip(["-j", "-4", "route", "show", "table", "all"]) or "[]")
        if route["dst"] != "default"
    ]
    for block in RANGE.subnets(new_prefix=BLOCK_PREFIX_LENGTH):
        if not any(block.overlaps(used) for used in taken):
            return block
    raise LabError(f"no free block of addresses is left in {RANGE}", hint="take down other labs")


def claim_block(name: str) -> ipaddress.IPv4Network:
    """A block that is free, with the lab's bridge in it; of labs that are set up at once each gets one of its own."""
    with _one_at_a_time():
        block = free_block()
        make_bridge(name, block)
    return block


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Wait for other labs that look for a block. An abstract socket is the lock: it goes with the process (unix(7))."""
    deadline = time.monotonic() + _CLAIM_WITHIN_S
    with socket.socket(socket.AF_UNIX) as lock:
        while True:
            try:
                lock.bind("\0netaudit-lab")
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                if time.monotonic() > deadline:
                    raise LabError("another lab is being set up, and does not come to an end") from error
                time.sleep(0.02)
            else:
                break
        yield


def hardware_address(address: str) -> str:
    """The hardware address of whoever has this IPv4 address in a lab: locally administered, told by its last octets."""
    return "02:00:" + ipaddress.IPv4Address(address).packed.hex(":")


def known_neighbour(address: str, interface: str) -> str:
    """The ip(8) command after which nobody needs to ask for this address by ARP.

    All namespaces share the backlogs of this machine's CPUs (netdev_max_backlog). TCP gets over what is lost while one
    of them is overrun on purpose; ARP asks three times and then says that there is no route to the host.
    """
    return f"neigh replace {address} lladdr {hardware_address(address)} dev {interface} nud permanent"


def make_bridge(name: str, network: ipaddress.IPv4Network) -> None:
    """A bridge that holds the controller's address; every host's veth is plugged into it."""
    gateway = network.network_address + 1
    commands = [
        f"link add {name} address {hardware_address(str(gateway))} type bridge",
        f"addr add {gateway}/{network.prefixlen} dev {name}",
        f"link set {name} up",
    ]
    run_ip(["-batch", "-"], batch="\n".join(commands) + "\n")


def make_links(bridge: str, addresses: Mapping[str, str]) -> None:
    """A namespace and a veth pair for each name: ``eth0`` inside, the other end in the bridge. Addresses by name."""
    commands = []
    for namespace, address in addresses.items():
        veth = veth_name(namespace)
        inside = f"address {hardware_address(address)} netns {namespace}"
        commands += [
            f"netns add {namespace}",
            f"link add {veth} type veth peer name eth0 {inside}",
            f"link set {veth} master {bridge} up",
            known_neighbour(address, bridge),
        ]
    run_ip(["-batch", "-"], batch="\n".join(commands) + "\n")


def veth_name(namespace: str) -> str:
    """The name of a namespace's veth on this machine: 15 characters at most (IFNAMSIZ)."""
    return namespace.removeprefix("netaudit-")[:15]


def namespaces_of(prefix: str) -> list[str]:
    """The named network namespaces of this machine that a lab made."""
    if not _NETNS_DIRECTORY.is_dir():
        return []
    return sorted(entry.name for entry in _NETNS_DIRECTORY.iterdir() if entry.name.startswith(prefix))


def pids_in(namespaces: Sequence[str]) -> list[int]:
    """The processes of this machine whose network namespace is one of these named ones."""
    wanted = set()
    for name in namespaces:
        with contextlib.suppress(OSError):
            wanted.add((_NETNS_DIRECTORY / name).stat().st_ino)
    found = []
    for entry in Path("/proc").iterdir() if wanted else ():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "ns/net").stat().st_ino in wanted:
                found.append(int(entry.name))
    return found


def remove_namespaces(namespaces: Sequence[str]) -> None:
    """The namespaces and their veths are gone. Those that are not there are no error."""
    # A namespace's devices go some time after it; a veth that is deleted by name is gone at once.
    commands = [f"link del {veth_name(name)}" for name in namespaces if _link_exists(veth_name(name))]
    commands += [f"netns del {name}" for name in namespaces if (_NETNS_DIRECTORY / name).exists()]
    run_ip(["-force", "-batch", "-"], batch="\n".join(commands) + "\n")


def remove_link(name: str) -> None:
    """The link is gone; one that is not there is no error."""
    if _link_exists(name):
        run_ip(["link", "del", name])


def _link_exists(name: str) -> bool:
    return Path("/sys/class/net", name).exists()
