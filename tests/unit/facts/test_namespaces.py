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
