"""The domain ``nics``: what several sources say of one interface, joined."""

from __future__ import annotations

from pathlib import Path

import pytest

from netaudit.facts.nics import parse_nics
from netaudit.model.facts import Bond, Channels, Nic
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

CASES = Path(__file__).parents[2] / "cases" / "nics"


def parse(stdout: bytes) -> dict[str, Nic]:
    """The interfaces of some output by name."""
    return {nic.name: nic for nic in parse_nics(Section("nics", SectionStatus.COMPLETE, 0, stdout, b"", 1))}


def nics(case: str) -> dict[str, Nic]:
    """The interfaces of one recorded case by name."""
    return parse(CASES.joinpath(case, "stdout").read_bytes())


@pytest.mark.parametrize(
    "case", ["busybox", "busybox-ifconfig", "foreign-sysfs", "many-interfaces", "nothing-installed"]
)
def test_every_way_of_reading_finds_the_same_links(case: str) -> None:
    """Name, MTU, state, bridge, underlay and the other end's MTU are the same with any set of tools."""
    expected = nics("namespace-root")
    found = nics(case)
    for name, nic in expected.items():
        other = found[name]
        assert (other.ifindex, other.mtu, other.operstate, other.master, other.lower, other.carrier) == (
            nic.ifindex, nic.mtu, nic.operstate, nic.master, nic.lower, nic.carrier,
        )  # fmt: skip
        if name not in {"eth0", "tun0"}:  # of a peer elsewhere, and of a tunnel, the kind or address needs netlink
            assert (other.kind, other.peer_mtu, len(other.addresses)) == (nic.kind, nic.peer_mtu, len(nic.addresses))


def test_ends_of_a_pair_know_each_others_mtu() -> None:
    """The two ends of a veth in one namespace see that their MTUs differ."""
    found = nics("namespace-root")
    assert (found["va"].mtu, found["va"].peer_mtu) == (9000, 1500)
    assert (found["vb"].mtu, found["vb"].peer_mtu) == (1500, 9000)
    assert found["eth0"].peer_mtu == 0


def test_pair_must_name_each_other() -> None:
    """The ip of busybox shows a peer in another namespace by the name that its index has here: that is no pair."""
    heads = "".join(
        f"{index}: {name}: <UP> mtu {mtu} qdisc noqueue state UP\n    veth \n"
        for index, name, mtu in ((2, "eth0@vb", 1500), (3, "vb@va", 1400), (4, "va@vb", 9000))
    )
    found = parse(f"#@ sysfs\n#@ ip\n{heads}".encode())
    assert {name: nic.peer_mtu for name, nic in found.items()} == {"eth0": 0, "vb": 9000, "va": 1400}


def test_sysfs_of_another_namespace_is_not_believed() -> None:
    """Files of an interface that bears the same name elsewhere are not taken for those of this one."""
    stdout = (
        b"#@ sysfs\neth0/tx_queues:4\neth0/ifindex:4\neth0/speed:25000\neth0/duplex:full\n"
        b"eth0/queues/rx-0/rps_cpus:0\neth0/device/uevent:DRIVER=virtio_net\n"
        b"#@ ip\n2: eth0@if9: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP qlen 1000\n"
        b"    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff promiscuity 0\n    veth numtxqueues 1 numrxqueues 1\n"
    )
    eth0 = parse(stdout)["eth0"]
    assert eth0.kind == "veth"
    assert isinstance(eth0.speed_mbps, Absent)
    assert isinstance(eth0.driver, Absent)
    assert isinstance(
        parse(stdout.replace(b"ifindex:4", b"ifindex:2").replace(b"    veth", b"    "))["eth0"].speed_mbps, int
    )


def test_device_with_one_queue_has_one_channel() -> None:
    """The probe does not ask for channels where there can be one only; that is then known."""
    channels = nics("debian-root")["eth0"].channels
    assert isinstance(channels, Channels)
    assert (channels.combined, channels.combined_max) == (1, 1)


def test_link_that_is_down_has_no_speed() -> None:
    """A speed of -1, or none at all, is absent and never a number."""
    found = nics("mlx5-and-usb")
    assert found["ens1np0"].speed_mbps == 100000
    assert isinstance(found["usb0"].speed_mbps, Absent)
    assert found["usb0"].carrier is False


def test_bond_and_its_members() -> None:
    """A bond knows its members, these know their bond, and a VLAN the device below."""
    found = nics("ixgbe-bond")
    assert found["bond0"].bond == Bond("802.3ad", "layer2", 2, 1, 5)
    assert (found["eno1"].master, found["eno1"].kind, found["vlan100"].lower) == ("bond0", "physical", "bond0")
    assert isinstance(found["eno1"].bond, Absent)


def test_user_sees_what_root_sees() -> None:
    """Nothing of this domain needs root."""
    for name, nic in nics("debian-user").items():
        assert nic.kind == nics("debian-root")[name].kind
        assert nic.rings == nics("debian-root")[name].rings


def test_missing_ethtool_is_not_an_unsupporting_driver() -> None:
    """A device that could be asked and a tool that is missing have different reasons."""
    stdout = CASES.joinpath("debian-root", "stdout").read_bytes().partition(b"#@ ethtool")[0]
    rings = parse(stdout + b"#! ethtool: not present: ethtool is not installed\n")["eth0"].rings
    assert isinstance(rings, Absent)
    assert (rings.reason, rings.detail) == (AbsentReason.NOT_PRESENT, "ethtool is not installed")


def test_nothing_but_an_error_is_not_understood() -> None:
    """Output without the part that every host gives raises."""
    with pytest.raises(KeyError):
        parse(b"sh: 1: cd: can't cd to /sys/class/net\n")
