"""The shell text of operations: valid for every shell, nothing in it that was not allowed, and an undo that undoes."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.errors import PlanError
from netaudit.model.plan import HostPlan, Step, StepClass
from netaudit.remedy.operations import OPERATIONS, operation_of, scripts_of

SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "ash"]]
STAMP = "20261120T150000Z-live"
UUID = "0f3c5bd4-6d5e-4d16-9f0e-0d4f9ad1b001"


def step(operation: str, arguments: dict[str, str], before: str, after: str, **changes: object) -> Step:
    """A step of an operation."""
    made = Step(operation, "it", arguments, before, after, StepClass.LIVE, ("c",), "r", "0" * 64)
    return replace(made, **changes)  # type: ignore[arg-type]


def drop_in(directory: str, suffix: str = ".conf") -> dict[str, object]:
    """A file of netaudit's own."""
    return {"file": f"/etc/{directory}/zz-netaudit-{STAMP}{suffix}"}


LINK = {"file": "/etc/systemd/network/00-netaudit-eth0.link"}
MAC = {"mac": "52:54:00:12:34:56"}
STEPS = {
    "sysctl": step("sysctl", {"key": "net.core.somaxconn"}, "128", "4096", **drop_in("sysctl.d")),
    "vector": step("sysctl", {"key": "net.ipv4.tcp_rmem"}, "4096 131072 6291456", "4096 131072 16777216"),
    "word": step("sysctl", {"key": "net.ipv4.tcp_congestion_control"}, "cubic", "bbr"),
    "vlan": step("sysctl", {"key": "net.ipv4.conf.eth0/100.rp_filter"}, "1", "2", **drop_in("sysctl.d")),
    "ranges": step("sysctl", {"key": "net.ipv4.ip_local_reserved_ports"}, "", "8080-8082,9090"),
    "namespace": step("sysctl", {"key": "net.core.somaxconn"}, "128", "4096", namespace="blue"),
    "ring": step("ring", {"device": "eth0", "which": "rx", **MAC}, "512", "4096", **LINK),
    "ring-ifup": step("ring", {"device": "eth0", "which": "rx"}, "512", "4096", **drop_in("network/if-up.d", "")),
    "ring-nm": step("ring", {"device": "eth0", "which": "rx", "nm_uuid": UUID, "nm_key": "ethtool.ring-rx",
                             "nm_before": "512"}, "512", "4096"),
    "channels": step("channels", {"device": "eth0", "which": "combined", **MAC}, "1", "4", **LINK),
    "coalescing": step("coalescing", {"device": "eth0", "which": "adaptive-rx", **MAC}, "off", "on", **LINK),
    "usecs": step("coalescing", {"device": "eth0", "which": "rx-usecs", **MAC}, "0", "50", **LINK),
    "offload": step("offload", {"device": "eth0", "which": "gro", **MAC}, "off", "on", **LINK),
    "mtu": step("mtu", {"device": "eth0.100", "routes": "-6 route change 2001:db8::/64 dev eth0 metric 256 mtu 1400"},
                "1500", "9000", file=f"/etc/systemd/network/20-eth0.network.d/zz-netaudit-{STAMP}.conf"),
    "mtu-netplan": step("mtu", {"device": "eth0"}, "1500", "9000", file=f"/etc/netplan/99-zz-netaudit-{STAMP}.yaml"),
    "txqueuelen": step("txqueuelen", {"device": "eth0", **MAC}, "1000", "5000", **LINK),
    "conntrack_hash": step("conntrack_hash", {}, "65536", "131072", **drop_in("modprobe.d")),
    "module_param": step("module_param", {"module": "nf_conntrack", "parameter": "hashsize"}, "1", "2"),
    "load_module": step("load_module", {"module": "tcp_bbr"}, "not-loaded", "loaded", **drop_in("modules-load.d")),
    "cpu_mask": step("cpu_mask", {"device": "eth0", "which": "rps", "queue": "0"}, "00", "fe",
                     **drop_in("udev/rules.d", ".rules")),
    "rss": step("rss", {"device": "eth0"}, "weight 64 32 32", "equal 4", **drop_in("udev/rules.d", ".rules")),
    "rss-ifup": step("rss", {"device": "eth0"}, "equal 2 start 1", "equal 4", **drop_in("network/if-up.d", "")),
    "restart": step("restart", {"unit": "nginx@1.service"}, "active", "active"),
}  # fmt: skip


def texts(made: Step) -> list[str]:
    """All shell text of a step."""
    script = operation_of(made).script(made)
    return [script.read, script.apply, script.undo, script.persist or ":", script.unpersist or ":"]


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[-1])
@pytest.mark.parametrize("name", STEPS)
def test_every_shell_can_read_it(name: str, shell: list[str]) -> None:
    """dash, bash as sh, and busybox ash."""
    if shutil.which(shell[0]) is None:
        pytest.skip(f"needs {shell[0]}")
    for text in texts(STEPS[name]):
        done = subprocess.run([*shell, "-n"], input=text, text=True, capture_output=True)
        assert (done.returncode, done.stderr) == (0, ""), text


@pytest.mark.parametrize("name", STEPS)
def test_text_stays_in_its_subshell(name: str) -> None:
    """It may exit, and sets nothing outside."""
    assert all(text == ":" or text.startswith("(\n") for text in texts(STEPS[name]))


@pytest.mark.parametrize("name", STEPS)
def test_the_files_of_steps(name: str) -> None:
    """Each file says who wrote it and why, and holds the new value."""
    made = STEPS[name]
    files = scripts_of(HostPlan("h", "a", "b", "0" * 64, (made,))).files
    assert [file.path for file in files] == ([made.file] if made.file else [])
    for file in files:
        assert "Written by netaudit" in file.content
        assert "c: was" in file.content
        assert {"on": "yes"}.get(made.after, made.after) in file.content or made.operation == "load_module"
        assert file.content.endswith("\n")
        assert file.mode == (0o755 if "if-up.d" in file.path else 0o600 if "netplan" in file.path else 0o644)


def test_settings_of_one_file_stand_together() -> None:
    """One drop-in for all settings of a host, in the order in which they are made; nothing twice."""
    other = replace(STEPS["vlan"], file=STEPS["sysctl"].file)
    (file,) = scripts_of(HostPlan("h", "a", "b", "0" * 64, (STEPS["sysctl"], other, STEPS["sysctl"]))).files
    lines = [line for line in file.content.splitlines() if not line.startswith("#")]
    assert lines == ["net.core.somaxconn = 4096", "net.ipv4.conf.eth0/100.rp_filter = 2"]


def test_a_link_file_repeats_what_an_earlier_run_wrote() -> None:
    """Only one .link file counts, so nothing of the earlier one may be lost, and what changes stands once."""
    also = {**STEPS["ring"].arguments, "link_also": "RxBufferSize=512;GenericReceiveOffload=yes"}
    made = replace(STEPS["ring"], arguments=also)
    (file,) = scripts_of(HostPlan("h", "a", "b", "0" * 64, (made,))).files
    assert "GenericReceiveOffload=yes" in file.content
    assert file.content.count("RxBufferSize=") == 1
    assert "RxBufferSize=4096" in file.content


def test_what_nmcli_takes_for_moderation_is_a_number() -> None:
    """It refuses "on" for coalesce-adaptive-rx, and takes words for offloads."""
    kept = {"nm_uuid": UUID, "nm_before": "0"}
    moderation = {"device": "eth0", "which": "adaptive-rx", "nm_key": "ethtool.coalesce-adaptive-rx", **kept}
    script = operation_of(made := step("coalescing", moderation, "off", "on")).script(made)
    assert f"nmcli connection modify {UUID} ethtool.coalesce-adaptive-rx 1" in script.persist
    assert f"nmcli connection modify {UUID} ethtool.coalesce-adaptive-rx 0" in script.unpersist
    offload = {"device": "eth0", "which": "gro", "nm_key": "ethtool.feature-gro", **kept, "nm_before": "false"}
    script = operation_of(made := step("offload", offload, "off", "on")).script(made)
    assert "ethtool.feature-gro on" in script.persist
    assert "ethtool.feature-gro false" in script.unpersist


def test_routes_are_put_back_with_the_mtu() -> None:
    """The kernel changes the MTU of a device's routes along with it; the undo restores them."""
    undo = texts(STEPS["mtu"])[2]
    assert undo.index("mtu 1500") < undo.index("ip -6 route change 2001:db8::/64 dev eth0 metric 256 mtu 1400")


FIELDS = ["key", "device", "which", "module", "parameter", "queue", "unit", "routes", "mac", "link_also", "nm_uuid",
          "nm_key", "nm_before"]  # fmt: skip
HOSTILE = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["$(id)", "`id`", "a;b", "a b", "'", "\"", "\n", "-h", "*", "../x", "/etc/passwd", "eth0\nreboot",
                     "net.core.somaxconn;reboot", "kernel.core_pattern", "net.ipv4.tcp_fastopen_key", "", "\\", "\0"]),
)  # fmt: skip


@given(st.sampled_from(sorted(STEPS)), st.sampled_from([*FIELDS, "before", "after", "namespace", "file"]), HOSTILE)
def test_whatever_stands_in_a_plan_only_allowed_words_reach_a_shell(name: str, place: str, text: str) -> None:
    """A hostile name or value is refused, or stands in the text as one quoted word and nothing else changes."""
    made = STEPS[name]
    if place in FIELDS:
        if place not in made.arguments:
            return
        made = replace(made, arguments={**made.arguments, place: text})
    else:
        made = replace(made, **{place: text})
    try:
        scripts_of(HostPlan("h", "a", "b", "0" * 64, (made,)))
        written = "\n".join(texts(made))
    except PlanError:
        return
    for word in ("$(id)", "`id`", ";reboot", "\nreboot", "/passwd", "kernel/core_pattern", "ipv4/tcp_fastopen_key"):
        assert word not in written
    assert "\0" not in written
    shlex.split(written.replace("$(", "(").replace("<", " ").replace(">", " "), comments=False)


@given(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
def test_undo_of_apply_is_identity_for_a_model_host(old: int, new: int) -> None:
    """Scripts that write to a file: after apply and undo it reads as before."""
    made = replace(STEPS["sysctl"], before=str(old), after=str(new))
    state = {"value": str(old)}
    script = operation_of(made).script(made)
    for text in (script.apply, script.undo):
        words = shlex.split(text.replace(">", " > "))
        state["value"] = words[words.index(">") - 1]
        if text is script.apply:
            assert state["value"] in script.accepts
    assert state["value"] == str(old)


def test_the_operations_are_those_that_are_named() -> None:
    """Each answers to its own name."""
    assert all(name == operation.name for name, operation in OPERATIONS.items())
