"""What makes a change last is understood by the programs that read it.

These are both loaders of sysctl.d, udev, netplan, ifupdown, networkd and nmcli. Each is the real program, and the test
is skipped where it is not installed.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from netaudit.model.plan import Step, StepClass
from netaudit.remedy.changes import Choices
from netaudit.remedy.operations import operation_of, scripts_of
from netaudit.remedy.persistence import file_of

pytestmark = pytest.mark.lab

STAMP = "20261120T150000Z-live"
MAC = "02:00:00:00:07:01"
LINK_FILE = "/etc/systemd/network/00-netaudit-lan0.link"
PAIR = f"ip link add lan0 address {MAC} type veth peer name lan1; ip link set lan1 up; ip link set lan0 up"


def step(operation: str, before: str, after: str, **arguments: str) -> Step:
    """A step on the pair's first end."""
    named = {"device": "lan0", **arguments}
    return Step(operation, "it", named, before, after, StepClass.LIVE, ("check",), "r", "0" * 64)


def written(machine, path: str, *steps: Step) -> None:
    """Put the file of some steps on the machine, as the guard would."""
    steps = tuple(replace(each, file=path) for each in steps)
    file = file_of(path, [(each, tuple(operation_of(each).lines(each))) for each in steps])
    machine.write(file.path, file.content, file.mode)


def needs(program: str) -> None:
    """Skip where a program is not installed."""
    if shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin:/lib/systemd") is None:
        pytest.skip(f"needs {program}")


@pytest.mark.parametrize("loader", ["/lib/systemd/systemd-sysctl", "sysctl --system"])
@pytest.mark.parametrize(
    "others",
    [
        {},
        {"/etc/sysctl.d/60-site.conf": "128", "/etc/sysctl.d/99-sysctl.conf": "200"},
        {"/etc/sysctl.d/99-zz-site.conf": "128", "/etc/sysctl.d/zz-last.conf": "256"},
        {"/etc/sysctl.d/zzz-netaudit-zzz.conf": "300", "/run/sysctl.d/99-zz-netaudit-zzz.conf": "400"},
    ],
    ids=["alone", "among-numbers", "among-letters", "among-names-like-its-own"],
)
def test_the_drop_in_wins_under_both_loaders(machine, rules_with, plan_on, loader: str, others: dict[str, str]) -> None:
    """Whatever else sets the key: systemd at boot and ``sysctl --system`` at any time bring the new value."""
    needs(loader.partition(" ")[0].rpartition("/")[2])
    machine.sh("rm -rf /usr/lib/sysctl.d")  # what this machine's own would set is the whole machine's
    for path, value in others.items():
        machine.write(path, f"net.core.somaxconn = {value}\n")
    machine.sh("echo 128 >/proc/sys/net/core/somaxconn")
    plan, _ = plan_on(machine, rules_with({}), Choices(only=("tcp.accept_queue.somaxconn",)))
    (file,) = scripts_of(plan).files
    machine.write(file.path, file.content, file.mode)
    machine.sh(loader)
    assert machine.sh("cat /proc/sys/net/core/somaxconn").strip() == "4096"


def test_udev_knows_every_key_of_a_link_file(machine) -> None:
    """Its parser takes all of them, and sets what the device has."""
    needs("udevadm")
    machine.sh(PAIR + "; ethtool -K lan0 gro off; ethtool -K lan0 tso off")
    settings = [
        step("ring", "512", "4096", which="rx"), step("ring", "512", "4096", which="tx"),
        step("channels", "1", "4", which="combined"), step("channels", "1", "4", which="rx"),
        step("coalescing", "off", "on", which="adaptive-rx"), step("coalescing", "0", "50", which="rx-usecs"),
        step("coalescing", "0", "50", which="rx-frames"),
        *(step("offload", "off", "on", which=which) for which in ("gro", "gso", "tso", "lro")),
        step("mtu", "1500", "1400"), step("txqueuelen", "1000", "5000"),
    ]  # fmt: skip
    written(machine, LINK_FILE, *(replace(each, arguments={**each.arguments, "mac": MAC}) for each in settings))
    said = machine.sh("SYSTEMD_LOG_LEVEL=debug udevadm test-builtin net_setup_link /sys/class/net/lan0 2>&1")
    assert f"Config file {LINK_FILE} is applied" in said
    assert [line for line in said.splitlines() if LINK_FILE in line and ("nknown" in line or "ailed" in line)] == []
    link, features = machine.sh("ip link show lan0"), machine.sh("ethtool -k lan0")
    assert ("mtu 1400" in link, "qlen 5000" in link) == (True, True)
    assert "generic-receive-offload: on" in features
    assert "tcp-segmentation-offload: on" in features


def test_udev_takes_the_rules(machine) -> None:
    """One writes an attribute, the other runs a program when the interface appears."""
    needs("udevadm")
    machine.sh(PAIR)
    path = f"/etc/udev/rules.d/99-zz-netaudit-{STAMP}.rules"
    written(machine, path, step("cpu_mask", "0", "1", which="rps", queue="0"), step("rss", "equal 1", "equal 4"))
    said = machine.sh("udevadm test --action=add /sys/class/net/lan0 2>&1")
    complaints = [line for line in said.splitlines() if path in line and "Reading" not in line and "RUN" not in line]
    assert [line for line in complaints if "ATTR" not in line] == []
    assert "exec ethtool -X lan0 equal 4" in said
    assert machine.sh("cat /sys/class/net/lan0/queues/rx-0/rps_cpus").strip().replace(",", "").lstrip("0") == "1"


def test_netplan_merges_the_file(machine) -> None:
    """The MTU is in what it makes for networkd, beside what the site has written."""
    needs("netplan")
    site = "network:\n  version: 2\n  renderer: networkd\n  ethernets:\n    lan0:\n      addresses: [198.18.7.2/24]\n"
    machine.sh("rm -rf /etc/netplan; mkdir /etc/netplan")
    machine.write("/etc/netplan/10-site.yaml", site, 0o600)
    written(machine, f"/etc/netplan/99-zz-netaudit-{STAMP}.yaml", step("mtu", "1500", "1400"))
    machine.sh("netplan generate")
    made = machine.sh("cat /run/systemd/network/*lan0.network")
    assert ("MTUBytes=1400" in made, "198.18.7.2/24" in made) == (True, True)


def test_ifupdown_runs_the_script(machine) -> None:
    """When the interface is brought up; for another one nothing is changed."""
    needs("ifup")
    machine.sh(PAIR + "; ip link set lan0 down; mkdir -p /run/network /etc/network/if-pre-up.d")
    stanzas = "iface lan0 inet static\n address 198.18.7.2/24\niface lan1 inet static\n address 198.18.7.3/24\n"
    machine.write("/etc/network/interfaces", stanzas)
    written(machine, f"/etc/network/if-up.d/zz-netaudit-{STAMP}", step("mtu", "1500", "1400"))
    machine.sh("ifup lan1 2>&1")
    assert "mtu 1500" in machine.sh("ip link show lan0")
    machine.sh("ifup lan0 2>&1")
    assert ("mtu 1400" in machine.sh("ip link show lan0"), "mtu 1500" in machine.sh("ip link show lan1")) == (
        True,
        True,
    )


def test_networkd_reads_the_drop_in(machine) -> None:
    """The .network file is the site's, the MTU is ours."""
    needs("systemd-networkd")
    if not Path("/usr/bin/setpriv").exists():
        pytest.skip("needs setpriv")
    machine.sh(PAIR + "; ip link set lan0 down; mount -o remount,ro /sys")  # so udev is not waited for
    machine.write("/etc/systemd/network/20-lan.network", "[Match]\nName=lan0\n[Network]\nAddress=198.18.7.2/24\n")
    written(machine, f"/etc/systemd/network/20-lan.network.d/zz-netaudit-{STAMP}.conf", step("mtu", "1500", "1400"))
    machine.sh(
        "mkdir -p /run/systemd/netif && chown systemd-network:systemd-network /run/systemd/netif && "
        "setpriv --reuid systemd-network --regid systemd-network --clear-groups --inh-caps +net_admin "
        "--ambient-caps +net_admin /lib/systemd/systemd-networkd >/run/networkd 2>&1 & "
        "for _ in $(seq 200); do ip link show lan0 | grep -q 'mtu 1400' && exit 0; sleep 0.05; done; "
        "cat /run/networkd; exit 1"
    )


def test_nmcli_takes_every_setting_that_is_asked_of_it(machine) -> None:
    """Each is written into the connection's file, and taken back to what was there."""
    needs("NetworkManager")
    needs("dbus-daemon")
    file, uuid = "/etc/NetworkManager/system-connections/lan.nmconnection", "0f3c5bd4-6d5e-4d16-9f0e-0d4f9ad1b001"
    machine.sh("mount -t tmpfs none /var/lib/NetworkManager; mkdir -p /run/dbus; rm -rf /etc/NetworkManager")
    machine.write(
        "/etc/NetworkManager/NetworkManager.conf", "[main]\nplugins=keyfile\n[keyfile]\nunmanaged-devices=*\n"
    )
    before = {
        "ring-rx": ("512", step("ring", "512", "4096", which="rx")),
        "coalesce-rx-usecs": ("10", step("coalescing", "10", "50", which="rx-usecs")),
        "coalesce-adaptive-rx": ("0", step("coalescing", "off", "on", which="adaptive-rx")),
        "feature-gro": ("false", step("offload", "off", "on", which="gro")),
        "feature-lro": ("true", step("offload", "on", "off", which="lro")),
    }
    head = f"[connection]\nid=lan\nuuid={uuid}\ntype=ethernet\ninterface-name=lan0\n\n[ethtool]\n"
    machine.write(file, head + "".join(f"{key}={value}\n" for key, (value, _) in before.items()), 0o600)
    machine.sh(
        "dbus-daemon --system --fork; NetworkManager --no-daemon >/run/manager 2>&1 & "
        "for _ in $(seq 200); do nmcli -t general status >/dev/null 2>&1 && exit 0; sleep 0.05; done; "
        "cat /run/manager; exit 1"
    )
    changes = [(f"ethtool.{key}", value, each) for key, (value, each) in before.items()]
    changes.append(("802-3-ethernet.mtu", "", step("mtu", "1500", "1400")))
    for key, value, each in changes:
        named = {**each.arguments, "nm_uuid": uuid, "nm_key": key, "nm_before": value}
        script = operation_of(each).script(replace(each, arguments=named))
        old = machine.sh(f"cat {file}")
        machine.sh(script.persist)
        assert machine.sh(f"cat {file}") != old, key
        machine.sh(script.unpersist)
        shown = machine.sh(f"sed -n 's/^{key.partition('.')[2]}=//p' {file}").strip()
        assert shown == value, key
