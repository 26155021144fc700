"""Changes of devices are kept by who manages the interface, and refused where no safe way is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from netaudit.model.plan import HostPlan, StepClass
from netaudit.model.reading import Absent, AbsentReason
from netaudit.remedy.changes import Choices
from netaudit.remedy.operations import scripts_of

STAMP = "20260601T120000Z-link-flap"
FLAPS = Choices(only=("nic.ring.rx_size", "path.mtu.consistency"), allow=frozenset({StepClass.LINK_FLAP}))
UUID = "0f3c5bd4-6d5e-4d16-9f0e-0d4f9ad1b001"
KEYFILE = "/etc/NetworkManager/system-connections/lan.nmconnection"


@pytest.fixture
def small_ring(web1: Any) -> Any:
    """A fast device whose ring was never enlarged."""
    return web1.link(web1.fast_nic(rings=web1.Rings(512, 8192, 512, 8192)))


@pytest.fixture
def small_mtu(web1: Any) -> Any:
    """A member of a bridge with a smaller MTU than the bridge."""
    return web1.link(web1.nic(mtu=1400, master="br0"), web1.virtual("br0", "bridge", mtu=1500))


def managers(managed: Any, **changes: Any) -> Any:
    """The managers, with changes to eth0's link by ``link``."""
    link = replace(managed.links[0], **changes.pop("link", {}))
    return replace(managed, links=(link,), **changes)


def only(plan: HostPlan) -> Any:
    """The one step of a plan."""
    assert len(plan.steps) == 1, plan.not_remedied
    return plan.steps[0]


def why(plan: HostPlan) -> str:
    """Why nothing is planned."""
    assert plan.steps == ()
    return "; ".join(f"{each.reason} | {each.advice}" for each in plan.not_remedied)


def test_a_link_file_of_the_hosts_own(small_ring, planned, managed) -> None:
    """Only one .link file counts: another one is named, and the line to write there."""
    small_ring.have(managers=managers(managed, link={"link_file": "/etc/systemd/network/10-lan.link"}))
    said = why(planned(small_ring, FLAPS))
    assert "/etc/systemd/network/10-lan.link is the .link file of eth0" in said
    assert "RxBufferSize=1024" in said


def test_an_earlier_link_file_of_ours(small_ring, planned, managed) -> None:
    """It is written anew, with what it said."""
    ours = "/etc/systemd/network/00-netaudit-eth0.link"
    small_ring.have(
        managers=managers(
            managed, link={"link_file": ours}, link_files={ours: ("RxBufferSize=512", "GenericReceiveOffload=yes")}
        )
    )
    plan = planned(small_ring, FLAPS)
    assert only(plan).file == ours
    assert "GenericReceiveOffload=yes" in scripts_of(plan).files[0].content


def test_an_old_systemd(small_ring, planned, managed) -> None:
    """A key that it does not know would be ignored in silence."""
    small_ring.have(managers=managers(managed, systemd_version=241))
    assert "systemd 241 does not know RxBufferSize" in why(planned(small_ring, FLAPS))


def test_network_manager_with_a_ring_of_its_own(small_ring, planned, managed) -> None:
    """Then its connection is changed by nmcli, and changed back to what it was."""
    link = {
        "manager": "NetworkManager", "connection": UUID, "connection_file": KEYFILE,
        "connection_settings": {"ethtool.ring-rx": "512"},
    }  # fmt: skip
    small_ring.have(managers=managers(managed, link=link))
    plan = planned(small_ring, FLAPS)
    assert only(plan).file is None
    script = scripts_of(plan).steps[0]
    assert f"nmcli connection modify {UUID} ethtool.ring-rx 1024" in script.persist
    assert f"nmcli connection modify {UUID} ethtool.ring-rx 512" in script.unpersist


def test_ifupdown_without_udev(small_ring, planned, managed) -> None:
    """A script that ifupdown runs for this interface alone."""
    small_ring.have(managers=managers(managed, has_udev=False, has_if_up=True, link={"manager": "ifupdown"}))
    plan = planned(small_ring, FLAPS)
    assert only(plan).file == f"/etc/network/if-up.d/zz-netaudit-{STAMP}"
    (file,) = scripts_of(plan).files
    assert file.mode == 0o755
    assert '[ "${IFACE-}" = eth0 ]' in file.content
    assert "ethtool -G eth0 rx 1024" in file.content


def test_a_table_of_queues(web1, planned, managed) -> None:
    """A rule of udev sets it; without udev a script of ifupdown does."""
    web1.link(web1.fast_nic(rss=web1.Rss(4, 128, (64, 64), "equal 2")))
    choices = Choices(only=("nic.rss",))
    web1.have(managers=managed)
    plan = planned(web1, choices)
    assert (only(plan).before, only(plan).after) == ("equal 2", "equal 4")
    assert only(plan).file == "/etc/udev/rules.d/99-zz-netaudit-20260601T120000Z-live.rules"
    assert 'KERNEL=="eth0", RUN+=' in scripts_of(plan).files[0].content
    web1.have(managers=managers(managed, has_udev=False, has_if_up=True, link={"manager": "ifupdown"}))
    plan = planned(web1, choices)
    assert only(plan).file == "/etc/network/if-up.d/zz-netaudit-20260601T120000Z-live"
    web1.have(managers=managers(managed, has_udev=False))
    assert "no safe way is known" in why(planned(web1, choices))


def test_a_table_that_could_not_be_put_back(web1, planned, managed) -> None:
    """There are tables that no call of ethtool makes: such a one is left alone."""
    mixed = Absent(AbsentReason.NOT_APPLICABLE, "ethtool -X has no words that make this table")
    web1.link(web1.fast_nic(rss=web1.Rss(4, 128, (64, 64), mixed)))
    said = why(planned(web1, Choices(only=("nic.rss",))))
    assert "no words that make this table" in said
    assert "what cannot be put back is not changed" in said


def test_nobody(small_ring, planned, managed) -> None:
    """No safe way is known: advice, not an attempt; --no-persist changes it until the next boot."""
    small_ring.have(managers=managers(managed, has_udev=False))
    assert "no safe way is known" in why(planned(small_ring, FLAPS))
    assert only(planned(small_ring, replace(FLAPS, persists=False))).file is None


def test_managers_that_cannot_be_read(small_ring, planned) -> None:
    """Who is not known cannot be asked to keep it."""
    small_ring.have(managers=Absent(AbsentReason.NOT_PERMITTED, "/etc/netplan"))
    assert "could not be read" in why(planned(small_ring, FLAPS))


def test_a_member_of_a_bond(web1, planned) -> None:
    """It bears the address of its bond, by which a .link file would not find it."""
    slow = {"rings": web1.Rings(512, 8192, 512, 8192), "master": "bond0"}
    web1.link(web1.fast_nic(**slow), web1.virtual("bond0", "bond"))
    assert "has the address of bond0" in why(planned(web1, FLAPS))


def test_one_member_of_a_bond_at_a_time(web1, planned, managed) -> None:
    """The other one has to keep its link."""
    slow = {"rings": web1.Rings(512, 8192, 512, 8192), "master": "bond0"}
    web1.link(web1.fast_nic(**slow), web1.fast_nic("eth1", ifindex=3, **slow), web1.virtual("bond0", "bond"))
    second = replace(managed.links[0], name="eth1", address="52:54:00:12:34:57")
    web1.have(managers=replace(managed, links=(managed.links[0], second)))
    plan = planned(web1, replace(FLAPS, persists=False))
    assert only(plan).subject == "eth0 rx ring"
    assert any("one of them has to keep its link" in each.reason for each in plan.not_remedied)


def test_an_mtu_of_networkd(small_mtu, planned, managed) -> None:
    """A drop-in of the .network file, if it is the interface's own."""
    link = {"manager": "systemd-networkd", "network_file": "/etc/systemd/network/20-eth0.network"}
    small_mtu.have(managers=managers(managed, link=link))
    choices = replace(FLAPS, only=("path.mtu.consistency",))
    plan = planned(small_mtu, choices)
    if not plan.steps:  # a physical member of a bridge is changed with its whole segment
        assert "the whole segment" in why(plan)
        return
    assert only(plan).file == f"/etc/systemd/network/20-eth0.network.d/zz-netaudit-{STAMP}.conf"


@pytest.mark.parametrize(
    ("link", "changes", "file"),
    [
        (
            {"manager": "systemd-networkd", "network_file": "/etc/systemd/network/20-eth0.network"}, {},
            f"/etc/systemd/network/20-eth0.network.d/zz-netaudit-{STAMP}.conf",
        ),
        ({"manager": "systemd-networkd"}, {"has_netplan": True}, f"/etc/netplan/99-zz-netaudit-{STAMP}.yaml"),
        ({"manager": "ifupdown"}, {"has_if_up": True}, f"/etc/network/if-up.d/zz-netaudit-{STAMP}"),
        ({}, {}, "/etc/systemd/network/00-netaudit-eth0.link"),
    ],
)  # fmt: skip
def test_where_an_mtu_is_kept(web1, planned, managed, link: dict, changes: dict, file: str) -> None:
    """By the means of whoever manages the interface: here a VLAN's device is lowered to fit what is below."""
    web1.link(web1.nic(mtu=9000, lower="eth9"), web1.virtual("eth9", "bridge", mtu=1500))
    web1.have(managers=managers(managed, link=link, **changes))
    plan = planned(web1, replace(FLAPS, only=("path.mtu.consistency",)))
    assert only(plan).file == file
    assert "1500" in scripts_of(plan).files[0].content


def test_a_network_file_of_several_interfaces(web1, planned, managed) -> None:
    """A drop-in would change them all."""
    web1.link(web1.nic(mtu=9000, lower="eth9"), web1.virtual("eth9", "bridge", mtu=1500))
    shared = replace(managed.links[0], manager="systemd-networkd", network_file="/etc/systemd/network/10-all.network")
    web1.have(managers=replace(managed, links=(shared, replace(shared, name="eth7"))))
    assert "is not the file of eth0 alone" in why(planned(web1, replace(FLAPS, only=("path.mtu.consistency",))))


def test_masks_without_udev(web1, planned, managed) -> None:
    """Only a rule of udev keeps them."""
    web1.link(web1.nic(rps_cpus=("00",))).change("cpu", count=8)
    web1.have(managers=managers(managed, has_udev=False))
    assert "udev does not run" in why(planned(web1, Choices(only=("nic.rps",))))
    web1.have(managers=managed)
    step = only(planned(web1, Choices(only=("nic.rps",))))
    assert (step.after, step.file) == ("fe", "/etc/udev/rules.d/99-zz-netaudit-20260601T120000Z-live.rules")
