"""Other network namespaces; whole answers are among the cases."""

from __future__ import annotations

import pytest

from netaudit.facts.namespaces import parse_namespaces
from netaudit.model.facts import Namespace
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason


def namespaces(text: str) -> tuple[Namespace, ...]:
    """The namespaces of an answer."""
    return parse_namespaces(Section("namespaces", SectionStatus.COMPLETE, 0, text.encode(), b"", 1))


def test_host_without_others_has_none() -> None:
    """No other namespace is an empty tuple."""
    assert namespaces("#@ namespaces\n") == ()


ID = "0b8fd9a8e3b1b7f8b7c1f9c1e5b0f3b8d7e6a5948372615049382716a5b4c3d2"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (f"name blue\npid 5\nprocess sh\ncgroup 0::/system.slice/docker-{ID}.scope", "blue"),
        (f"pid 5\nprocess sh\ncgroup 0::/system.slice/docker-{ID}.scope", "0b8fd9a8e3b1"),
        (f"pid 5\nprocess sh\ncgroup 0::/kubepods.slice/cri-containerd-{ID}.scope", "0b8fd9a8e3b1"),
        (f"pid 5\nprocess sh\ncgroup 4:cpu:/docker/{ID}", "0b8fd9a8e3b1"),
        ("pid 5\nprocess sh -c\ncgroup 0::/system.slice/x.service", "sh -c"),
        ("pid 5\nprocess ", ""),
    ],
)
def test_name_is_the_best_there_is(said: str, name: str) -> None:
    """A name of ip-netns goes before a container's id, and that before the process."""
    (found,) = namespaces(f"#@ namespaces\n#@ namespace 4026532000\n{said}\n")
    assert (found.name, found.pid, found.inode) == (name, 5, 4026532000)


def test_name_and_process_may_come_apart() -> None:
    """Name and first process are found on two ways, and belong to one namespace."""
    (found,) = namespaces(
        "#@ namespace 7\npid 3\nprocess nginx\n#@ settings 7\n==> net/a <==\n1\n#@ namespace 7\nname blue\n"
    )
    assert (found.name, found.pid, found.process, found.sysctl) == ("blue", 3, "nginx", {"net.a": "1"})


def test_settings_listeners_and_links_are_read() -> None:
    """Settings by name, TCP listeners with the backlog in force, MTUs by interface name without its peer."""
    (found,) = namespaces(
        "#@ namespace 7\nname blue\n#@ settings 7\n"
        "==> net/core/somaxconn <==\n128\n\n==> net/ipv4/tcp_rmem <==\n1\t2\t3\n"
        "#@ links 7\n1: lo: <UP> mtu 65536 qdisc noqueue\n5: eth0@if6: <UP> mtu 9000 qdisc mq\n"
        "#@ listeners 7\nState Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n"
        "LISTEN 2 128 [fd00::1%eth0]:80 [::]:*\n"
    )
    assert found.sysctl == {"net.core.somaxconn": "128", "net.ipv4.tcp_rmem": "1 2 3"}
    assert found.link_mtus == {"lo": 65536, "eth0": 9000}
    assert isinstance(found.listeners, tuple)
    (listener,) = found.listeners
    assert (listener.port, listener.queue, listener.backlog) == (80, 2, 128)


def test_namespace_that_was_not_entered_says_why_throughout() -> None:
    """One reason holds for settings, listeners and links of a namespace that could not be entered."""
    (found,) = namespaces("#@ namespace 7\nname blue\n#! settings 7: not finished: 64 namespaces are looked into\n")
    reason = Absent(AbsentReason.NOT_FINISHED, "64 namespaces are looked into")
    assert found.sysctl == found.listeners == found.link_mtus == reason


def test_missing_tools_leave_the_rest() -> None:
    """Without ss there are no listeners to tell, and the settings are there all the same."""
    (found,) = namespaces(
        "#@ namespace 7\n#@ settings 7\n==> net/a <==\n1\n#! listeners 7: not present: ss\n#@ links 7\n"
    )
    assert found.sysctl == {"net.a": "1"}
    assert found.listeners == Absent(AbsentReason.NOT_PRESENT, "ss")
    assert found.link_mtus == {}


LISTENING = (
    "#@ namespace 7\nname blue\n#@ settings 7\n==> net/core/somaxconn <==\n128\n#@ links 7\n#@ listeners 7\n"
    "State Recv-Q Send-Q Local Address:Port Peer Address:Port\n"
    "LISTEN 0 128 0.0.0.0:80 0.0.0.0:* ino:55 sk:1 cgroup:/system.slice/web.service <->\n"
)


def test_listeners_have_owner_and_unit() -> None:
    """Process, ids of all that share the socket, and unit are those of the whole host's processes."""
    (found,) = namespaces(LISTENING + "#@ owners\n55 31 nginx: worker\n55 30 nginx\n9 9 other\n")
    assert isinstance(found.listeners, tuple)
    (listener,) = found.listeners
    assert (listener.process, listener.pid, listener.pids) == ("nginx", 30, (30, 31))
    assert (listener.inode, listener.unit) == (55, "web.service")


def test_owner_that_could_not_be_looked_up() -> None:
    """Without awk nobody knows whose sockets they are, and the reading says so; it is not nobody's."""
    (found,) = namespaces(LISTENING + "#! owners: not present: awk is not installed\n")
    assert isinstance(found.listeners, tuple)
    assert isinstance(found.listeners[0].process, Absent)


BLUE = "#@ namespace 7\nname blue\n#@ settings 7\n#@ links 7\n5: eth0@if6: <UP> mtu 1500 qdisc noqueue\n"
GREEN = "#@ namespace 8\nname green\n#@ settings 8\n#@ links 8\n6: eth0@if5: <UP> mtu 1400 qdisc noqueue\n"


def test_other_end_on_the_host() -> None:
    """The end on the host is found by the indexes that the two name, and unequal sizes are said in words."""
    (found,) = namespaces(BLUE + "#@ links host\n6: veth0@if5: <UP> mtu 9000\n7: veth1@if5: <UP> mtu 1400\n")
    assert {link: (end.namespace, end.name, end.mtu) for link, end in found.link_peers.items()} == {
        "eth0": ("", "veth0", 9000)
    }
    assert found.unequal_links == ("eth0 has 1500 and its other end, veth0 of the host, 9000",)


def test_other_end_in_another_namespace() -> None:
    """Both ends may be in namespaces; each is told of the other."""
    blue, green = namespaces(BLUE + GREEN)
    assert blue.unequal_links == ("eth0 has 1500 and its other end, eth0 of netns green, 1400",)
    assert green.unequal_links == ("eth0 has 1400 and its other end, eth0 of netns blue, 1500",)


def test_ends_that_might_be_either_are_left_alone() -> None:
    """Indexes repeat: where two links fit, neither is taken."""
    blue, _ = namespaces(BLUE + GREEN + "#@ links host\n6: veth0@if5: <UP> mtu 9000\n")
    assert (blue.link_peers, blue.unequal_links) == ({}, ())
