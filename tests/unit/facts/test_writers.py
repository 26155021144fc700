"""Other writers of settings; whole hosts are among the cases."""

from __future__ import annotations

import pytest

from netaudit.facts.writers import parse_writers
from netaudit.model.facts import Writer
from netaudit.model.probe import Section, SectionStatus


def writers(services: str, lines: str = "") -> dict[str, Writer]:
    """The writers of an answer by name."""
    text = f"#@ services\n{services}" + (f"#@ lines\n{lines}" if lines else "")
    found = parse_writers(Section("writers", SectionStatus.COMPLETE, 0, text.encode(), b"", 1))
    return {writer.name: writer for writer in found}


def test_host_without_writers_has_none() -> None:
    """A host on which nothing is installed has no writers, which is an answer."""
    assert writers("") == {}


def test_tuned_keys_come_from_the_profile_and_what_it_includes() -> None:
    """Only the [sysctl] sections of the active profiles and of their parents count, one's own before the vendor's."""
    found = writers(
        "has tuned /usr/sbin/tuned\nruns tuned\nprofile mine extra\n",
        "etc/tuned/mine/tuned.conf:1:include=base\n"
        "etc/tuned/mine/tuned.conf:2:[sysctl]\n"
        "etc/tuned/mine/tuned.conf:3:net.a.b=1\n"
        "etc/tuned/mine/tuned.conf:4:# net.no=1\n"
        "usr/lib/tuned/mine/tuned.conf:1:[sysctl]\n"
        "usr/lib/tuned/mine/tuned.conf:2:net.vendor=1\n"
        "usr/lib/tuned/base/tuned.conf:1:include=mine\n"
        "usr/lib/tuned/base/tuned.conf:2:[sysfs]\n"
        "usr/lib/tuned/base/tuned.conf:3:/sys/x/y=1\n"
        "usr/lib/tuned/base/tuned.conf:4:[sysctl]\n"
        "usr/lib/tuned/base/tuned.conf:5:net.c=1\n"
        "usr/lib/tuned/other/tuned.conf:1:[sysctl]\n"
        "usr/lib/tuned/other/tuned.conf:2:net.other=1\n"
        "usr/lib/tuned/profiles/extra/tuned.conf:1:[sysctl]\n"
        "usr/lib/tuned/profiles/extra/tuned.conf:2:net.d = 1\n",
    )["tuned"]
    assert (found.active, found.detail) == (True, "profile mine extra")
    assert sorted(found.keys) == ["net.a.b", "net.c", "net.d"]


def test_installed_is_not_active() -> None:
    """A writer that is installed and does not run is listed as inactive."""
    assert not writers("has tuned /usr/sbin/tuned\nprofile\n")["tuned"].active


def test_running_without_systemd_is_told_by_command_names() -> None:
    """Where there are no control groups of services, a process of the name shows that the service runs."""
    assert writers("has docker /usr/bin/dockerd\n", "proc/9/comm:1:dockerd\n")["docker"].active
    assert writers("has systemd-networkd /x\n", "proc/9/comm:1:systemd-network\n")["systemd-networkd"].active


@pytest.mark.parametrize("protects", [True, False])
def test_kubelet_writes_unless_it_protects_the_defaults(protects: bool) -> None:
    """With protectKernelDefaults the kubelet refuses to start instead of writing."""
    line = f"var/lib/kubelet/config.yaml:3:protectKernelDefaults: {'true' if protects else 'false'}\n"
    found = writers("has kubelet /usr/bin/kubelet\nruns kubelet\n", line)["kubelet"]
    assert ("vm.overcommit_memory" in found.keys) is not protects


def test_kube_proxy_writes_conntrack() -> None:
    """Where kube-proxy runs, connection tracking is its to set; in IPVS mode ARP as well."""
    found = writers("has kubelet /x\n", "proc/5/comm:1:kube-proxy\n")["kubelet"]
    assert "net.netfilter.nf_conntrack_max" in found.keys
    assert "net.ipv4.conf.all.arp_ignore" not in found.keys
    ipvs = writers("has kubelet /x\n", 'var/lib/kube-proxy/config.conf:1:mode: "ipvs"\n')["kubelet"]
    assert "net.ipv4.conf.all.arp_ignore" in ipvs.keys


def test_tuning_plugin_writes_in_containers_only() -> None:
    """What the CNI plugin tuning sets is said, and not among the keys of the host."""
    found = writers(
        "has cni /etc/cni/net.d/1.conflist\n",
        'etc/cni/net.d/1.conflist:1:{"type": "bridge"}, {"type": "tuning", "sysctl": {\n'
        'etc/cni/net.d/1.conflist:2:  "net.core.somaxconn": "500" }}\n',
    )["cni"]
    assert found.detail == "bridge tuning, in containers net.core.somaxconn"
    assert "net.core.somaxconn" not in found.keys
    assert "net.ipv4.ip_forward" in found.keys


def test_agents_without_configuration_are_found_running() -> None:
    """A cluster's network agent that runs as a container is a writer although no file of it was seen."""
    assert writers("", "proc/7/comm:1:cilium-agent\n")["cni"].detail == "cilium-agent"


def test_docker_leaves_forwarding_alone_if_told() -> None:
    """Docker turns forwarding on unless its configuration forbids it."""
    assert "net.ipv4.ip_forward" in writers("has docker /x\n")["docker"].keys
    told = 'etc/docker/daemon.json:2:  "ip-forward": false,\n'
    assert "net.ipv4.ip_forward" not in writers("has docker /x\n", told)["docker"].keys


def test_networkd_options_name_their_settings() -> None:
    """An option of a .network file is quoted with its file, and stands for the settings it writes."""
    found = writers(
        "has systemd-networkd /x\nruns systemd-networkd\n",
        "etc/systemd/network/1.network:4:IPv4ReversePathFilter=no\netc/systemd/network/1.network:5:DHCP=yes\n",
    )["systemd-networkd"]
    assert found.detail == "/etc/systemd/network/1.network: IPv4ReversePathFilter=no"
    assert "net.ipv4.conf.*.rp_filter" in found.keys


@pytest.mark.parametrize(
    ("enabled", "file", "active", "keys"),
    [
        ("yes", "/etc/ufw/sysctl.conf", True, ("net.ipv4.conf.all.rp_filter",)),
        ("no", "/etc/ufw/sysctl.conf", False, ("net.ipv4.conf.all.rp_filter",)),
        ("yes", "", False, ()),
    ],
)
def test_ufw_writes_what_its_file_says(enabled: str, file: str, active: bool, keys: tuple[str, ...]) -> None:
    """ufw writes its own sysctl file when it is enabled and IPT_SYSCTL names it."""
    found = writers(
        "has ufw /usr/sbin/ufw\n",
        f"etc/ufw/ufw.conf:1:ENABLED={enabled}\netc/default/ufw:1:IPT_SYSCTL={file}\n"
        "etc/ufw/sysctl.conf:2:net/ipv4/conf/all/rp_filter=1\n",
    )["ufw"]
    assert (found.active, found.keys) == (active, keys)


def test_saptune_applies_its_notes() -> None:
    """Only the notes that are applied name keys; without any saptune writes nothing."""
    lines = (
        'etc/sysconfig/saptune:1:TUNE_FOR_NOTES="{}"\n'
        "usr/share/saptune/notes/2382421:1:[sysctl]\nusr/share/saptune/notes/2382421:2:net.a = 1\n"
        "usr/share/saptune/notes/1:1:[sysctl]\nusr/share/saptune/notes/1:2:net.b = 1\n"
    )
    applied = writers("has saptune /x\nruns saptune\n", lines.format("2382421"))["saptune"]
    assert (applied.active, applied.keys) == (True, ("net.a",))
    assert not writers("has saptune /x\nruns saptune\n", lines.format(""))["saptune"].active


def test_cloud_init_names_what_its_commands_set() -> None:
    """A command of cloud-init's configuration that calls sysctl is quoted, and its keys are taken."""
    found = writers(
        "has cloud-init /x\nruns cloud-init\n", "etc/cloud/cloud.cfg:9:  - sysctl -w net.core.somaxconn=1\n"
    )
    assert found["cloud-init"].keys == ("net.core.somaxconn",)
