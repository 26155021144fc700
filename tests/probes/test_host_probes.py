"""The probes of the host side on machines made up for the purpose, and against what the kernel itself says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from netaudit.facts.domains import DOMAINS
from netaudit.facts.snapshot import value_of
from netaudit.model.facts import KernelLog, Limits, Persisted, Sysctls, Tracing
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

PROBES = Path(__file__).parents[2] / "remote_probes"
ENDINGS = {0: SectionStatus.COMPLETE, 11: SectionStatus.NOT_PRESENT, 12: SectionStatus.NOT_PERMITTED}
INNER = """
set -e
mount -t tmpfs none /run
mkdir -p /run/netns
number=0
while [ $number -lt 66 ]; do
    ip netns add ns$number
    number=$((number + 1))
done
exec sh "$1" </dev/null
"""


def read(done: subprocess.CompletedProcess[bytes], domain: str) -> object:
    """What the parser of a domain makes of an answer."""
    status = ENDINGS.get(done.returncode, SectionStatus.FAILED)
    section = Section(DOMAINS[domain].probe, status, done.returncode, done.stdout, done.stderr, 1)
    return value_of(section, DOMAINS[domain].parse)


class Tree:
    """Files that stand in for a machine, and programs that stand before its own."""

    def __init__(self, place: Path) -> None:
        self.root = place / "root"
        self.programs = place / "programs"
        self.root.mkdir()
        self.programs.mkdir()

    def write(self, path: str, text: str) -> None:
        """Put a file into the tree."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def install(self, name: str, body: str) -> None:
        """Put a program before the others."""
        target = self.programs / name
        target.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        target.chmod(0o755)

    def open(self) -> None:
        """Let other users look into the tree."""
        for place in (self.root, *self.root.parents):
            if place.owner() == "root" and str(place).startswith("/tmp/"):
                place.chmod(place.stat().st_mode | 0o055)

    def host(self, host):
        """The host on which probes see this tree and these programs."""
        return replace(host, path=f"{self.programs}:{host.path}", variables={"ROOT": str(self.root)})


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """An empty tree."""
    return Tree(tmp_path)


def settings(tree: Tree, interfaces: list[str]) -> None:
    """Give a tree settings of some interfaces, among them every secret there is."""
    for name in ("all", "default", *interfaces):
        for key in ("rp_filter", "forwarding", "arp_ignore"):
            tree.write(f"proc/sys/net/ipv4/conf/{name}/{key}", "1\n")
        for key in ("forwarding", "disable_ipv6", "seg6_enabled", "suppress_frag_ndisc"):
            tree.write(f"proc/sys/net/ipv6/conf/{name}/{key}", "0\n")
        tree.write(f"proc/sys/net/ipv6/conf/{name}/stable_secret", "SECRET\n")
        tree.write(f"proc/sys/net/ipv4/neigh/{name}/gc_stale_time", "60\n")
    tree.write("proc/sys/net/ipv4/tcp_fastopen_key", "SECRET\n")
    tree.write("proc/sys/net/core/netdev_rss_key", "SECRET\n")
    for path in ("core/netdev_budget", "core/somaxconn", "ipv4/tcp_fastopen", "ipv4/tcp_fack", "ipv4/cipso_x",
                 "ipv4/tcp_fin_timeout", "ipv4/nexthop_compat_mode", "ipv4/tcp_fastopen_blackhole_timeout_sec",
                 "ipv6/calipso_x", "ipv6/bindv6only", "unix/max_dgram_qlen", "nf_conntrack_max"):  # fmt: skip
        tree.write(f"proc/sys/net/{path}", "4096\n")


def test_settings_are_what_the_kernel_says(every_shell, host):
    """Every value is read whole, in every shell: the kernel gives one digit to a reader that asks for one byte."""
    found = read(host.run(PROBES / "sysctl.sh", every_shell), "sysctl")
    assert isinstance(found, Sysctls)
    for name in ("net.core.somaxconn", "net.ipv4.tcp_rmem", "net.ipv4.ip_local_port_range", "fs.nr_open"):
        said = Path("/proc/sys", name.replace(".", "/")).read_text().split()
        assert len(found.values[name].split()) == len(said)
        assert all(len(word) > 1 for word in found.values[name].split())
    assert found.values["fs.nr_open"] == Path("/proc/sys/fs/nr_open").read_text().strip()


def test_settings_are_complete_but_for_the_secrets(tree, every_shell, host):
    """Every file below net is read once, except the three secrets, which are not opened; no directory is."""
    settings(tree, ["lo", "eth0", "eth0.100", "s", "st", "*"])
    done = tree.host(host).run(PROBES / "sysctl.sh", every_shell)
    found = read(done, "sysctl")
    assert isinstance(found, Sysctls)
    base = tree.root / "proc/sys"
    expected = {str(path.relative_to(base)) for path in base.rglob("*") if path.is_file()}
    paths = re.findall(r"^==> (.*) <==$", done.stdout.decode(), re.MULTILINE)
    assert sorted(paths) == sorted(path for path in expected if not re.search("secret|fastopen_key|rss_key", path))
    assert b"SECRET" not in done.stdout + done.stderr


def test_settings_of_many_interfaces_are_bounded(tree, every_shell, host):
    """Of two hundred virtual interfaces only what decides on packets is read; those with a device are read whole."""
    settings(tree, ["lo", "eth0", *(f"veth{number}" for number in range(200))])
    (tree.root / "sys/class/net/eth0/device").mkdir(parents=True)
    (tree.root / "sys/class/net/veth0").mkdir()
    done = tree.host(host).run(PROBES / "sysctl.sh", every_shell)
    found = read(done, "sysctl")
    assert isinstance(found, Sysctls)
    assert found.values["net.ipv4.conf.eth0.arp_ignore"] == "1"
    assert found.values["net.ipv4.conf.veth199.rp_filter"] == "1"
    assert found.values["net.ipv6.conf.veth199.disable_ipv6"] == "0"
    assert "net.ipv4.conf.veth199.arp_ignore" not in found.values
    assert "net.ipv4.conf" in found.absent
    assert b"SECRET" not in done.stdout + done.stderr


def kernel_log_of(tree: Tree, host, shell: str, lines: str) -> KernelLog:
    """What is read of a kernel log of these lines."""
    (tree.root.parent / "log").write_text(lines, encoding="utf-8")
    tree.install("dmesg", f"exec cat {tree.root.parent}/log")
    tree.write("proc/sys/kernel/dmesg_restrict", "0\n")
    found = read(tree.host(host).run(PROBES / "kernel_log.sh", shell), "kernel_log")
    assert isinstance(found, KernelLog)
    return found


def test_flood_of_one_message_leaves_the_others(tree, every_shell, host):
    """Ten thousand lines of one topic push out neither another topic nor the last lines of their own."""
    flood = "".join(f"[ {at}.0] nf_conntrack: nf_conntrack: table full, dropping packet\n" for at in range(1, 10001))
    found = kernel_log_of(tree, host, every_shell, "[ 0.5] TCP: too many orphaned sockets\n" + flood)
    assert found.counts == {"conntrack-full": 10000, "orphans": 1}
    assert [line.at_s for line in found.lines if line.topic == "conntrack-full"] == [
        float(at) for at in range(9981, 10001)
    ]


def test_log_lines_are_cut_and_cannot_be_labels(tree, host):
    """A line of the log is cut to a readable length, and one that looks like a mark of ours is none."""
    found = kernel_log_of(tree, host, "dash", "#@ fake\n[ 1.0] eth0: Link is Down " + "x" * 5000 + "\n")
    (line,) = found.lines
    assert line.topic == "link-down"
    assert len(line.text) < 320


def test_log_that_root_alone_may_read(tree, host):
    """With dmesg_restrict another user is not permitted to read the log, and is told so."""
    if not host.apart:
        pytest.skip("needs root to become another user")
    tree.write("proc/sys/kernel/dmesg_restrict", "1\n")
    tree.write("proc/1/comm", "init\n")
    (tree.root / "proc/1").chmod(0o555)
    tree.open()
    done = replace(tree.host(host), user="65534").run(PROBES / "kernel_log.sh")
    assert done.returncode == 12


def test_open_files_are_counted_whatever_their_number(every_shell):
    """Few files are counted by the shell, many by the kernel; both counts are right, and bounded are the processes."""
    if os.geteuid() != 0:
        pytest.skip("needs root to see sockets of a process")
    server = (
        "import os, socket, sys\n"
        "held = [os.open('/dev/null', os.O_RDONLY) for _ in range(int(sys.argv[1]))]\n"
        "listener = socket.socket(); listener.bind(('127.0.0.1', 0)); listener.listen()\n"
        "print(len(os.listdir('/proc/self/fd')) - 1, flush=True)\n"
        "sys.stdin.read()\n"
    )
    program, *options = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "ash"]}[every_shell]
    servers = [
        subprocess.Popen([sys.executable, "-c", server, str(files)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for files in (3, 900)
    ]
    try:
        expected = {one.pid: int(one.stdout.readline()) for one in servers}
        command = [shutil.which(program), *options]
        done = subprocess.run([*command, str(PROBES / "sockets.sh")], stdin=subprocess.DEVNULL, capture_output=True)
        text = (PROBES / "sockets.sh").read_text(encoding="utf-8")
        assert text.count("processes_at_most=200") == 1
        text = text.replace("processes_at_most=200", "processes_at_most=1")
        fewer = subprocess.run([*command, "-c", text], stdin=subprocess.DEVNULL, capture_output=True)
    finally:
        for one in servers:
            one.communicate()
    found = read(done, "limits")
    assert isinstance(found, Limits)
    assert isinstance(found.processes, tuple)
    counts = {process.pid: process.open_files for process in found.processes}
    assert {pid: counts[pid] for pid in expected} == expected
    others = read(fewer, "limits").processes
    assert expected.keys() <= {process.pid for process in others}
    unknown = [process for process in others if isinstance(process.open_files, Absent)]
    assert len(unknown) == len(others) - 1
    assert all(process.open_files.reason is AbsentReason.NOT_FINISHED and process.process for process in unknown)


def test_wildcards_are_resolved_on_the_host(tree, every_shell, host):
    """A pattern of a file is resolved to the settings there are, however it is written and whatever stands around."""
    for name in ("all", "eth0", "eth0.100", "lo"):
        tree.write(f"proc/sys/net/ipv4/conf/{name}/rp_filter", "0\n")
    tree.write("etc/sysctl.d/a:b c.conf", "  -net.ipv4.conf.eth*.rp_filter\t=\t1\n")
    tree.write("etc/sysctl.d/b.conf", "kernel.core_pattern = |/x/*?[ %p\n-net/ipv4/conf/lo/rp_filter\n")
    tree.write("usr/lib/sysctl.d/0.conf", "net/ipv4/conf/*/rp_filter=2\n../../*=1\n*=1\n[=1\n$(id).*=1\n`id`*=1\n")
    found = read(tree.host(host).run(PROBES / "persisted.sh", every_shell), "persisted")
    assert isinstance(found, Persisted)
    values = {name: value.value for name, value in found.boot.items() if name.startswith("net.")}
    assert values["net.ipv4.conf.all.rp_filter"] == "2"
    assert values["net.ipv4.conf.eth0/100.rp_filter"] == "1"
    assert "net.ipv4.conf.lo.rp_filter" not in values


def test_tracers_show_their_arguments_and_debuggers_do_not(tree, every_shell, host):
    """Of a capture the arguments are told, in one line; of a debugger, whose may hold anything, they are not."""
    stat = "S 1 7 7 0 -1 4194560 1417 0 4 0 1 0 0 0 20 0 1 0 1200 15826944 1152"
    tree.write("proc/uptime", "100.00 1.00\n")
    for pid, name, arguments in (
        (7, "tcpdump", "tcpdump\0-i\0eth0\0port 80\n#@ tools\0"),
        (8, "strace", "strace\0app\0--password=SECRET\0"),
        (9, "perf", "perf\0record\0--\0app\0--password=SECRET\0"),
        (10, "tcpdumper", "tcpdumper\0"),
    ):
        tree.write(f"proc/{pid}/comm", f"{name}\n")
        tree.write(f"proc/{pid}/stat", f"{pid} ({name}) {stat}\n")
        tree.write(f"proc/{pid}/cmdline", arguments)
    done = tree.host(host).run(PROBES / "tracing.sh", every_shell)
    found = read(done, "tracing")
    assert isinstance(found, Tracing)
    assert [(process.pid, process.program) for process in found.processes] == [
        (7, "tcpdump"),
        (8, "strace"),
        (9, "perf"),
    ]
    assert found.processes[0].arguments == ("tcpdump", "-i", "eth0", "port 80 #@ tools")
    assert b"SECRET" not in done.stdout


def test_tracing_file_system_that_root_alone_may_enter(tree, host):
    """A tracing file system that another user may not enter is not permitted, and not missing."""
    if not host.apart:
        pytest.skip("needs root to become another user")
    tree.write("sys/kernel/tracing/events/skb/kfree_skb/format", "field:enum skb_drop_reason reason;\n")
    tree.write("sys/kernel/debug/sleep_time", "")
    tree.open()
    (tree.root / "sys/kernel/tracing").chmod(0o700)
    found = read(replace(tree.host(host), user="65534").run(PROBES / "tracing.sh"), "tracing")
    assert isinstance(found, Tracing)
    assert found.kfree_skb_reason == Absent(AbsentReason.NOT_PERMITTED, "tracefs")


@pytest.mark.parametrize(
    ("bound", "smaller", "looked_into"),
    [
        ("namespaces_at_most=300", "namespaces_at_most=64", 64),
        ("bytes_at_most=3500000", "bytes_at_most=1", 1),
        ("seconds_at_most=10", "seconds_at_most=0", 0),
    ],
)
def test_more_namespaces_than_are_looked_into(bound, smaller, looked_into, tmp_path):
    """Of sixty-six namespaces as many are looked into as number, size and time allow; the others say so."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root for namespaces")
    command = ["unshare", "-m", "-n", "--pid", "--fork", "--mount-proc", "--kill-child", "--propagation", "private"]
    text = (PROBES / "namespaces.sh").read_text(encoding="utf-8")
    assert bound in text
    probe = tmp_path / "namespaces.sh"
    probe.write_text(text.replace(bound, smaller), encoding="utf-8")
    done = subprocess.run([*command, "sh", "-c", INNER, "sh", str(probe)], capture_output=True, timeout=60)
    found = read(done, "namespaces")
    assert isinstance(found, tuple), (found, done.stderr)
    assert len(found) == 66
    absent = [namespace.sysctl for namespace in found if isinstance(namespace.sysctl, Absent)]
    assert len(absent) == 66 - looked_into
    assert all(reason.detail == f"{looked_into} namespaces are looked into" for reason in absent)


# At the first look into a namespace those that were listed end, but for one that is left alone and one that keeps its
# name.
VANISHING = """
set -e
mount -t tmpfs none /run
mkdir -p /run/netns /run/bin
for name in ended kept left; do
    ip netns add $name
done
ip netns exec left sleep 60 &
unshare -n sleep 60 &
while [ "$(readlink /proc/[0-9]*/ns/net | sort -u | wc -l)" -lt 3 ]; do sleep 0.05; done
cat >/run/bin/nsenter <<END
#!/bin/sh
if ip netns del ended 2>/dev/null; then
    kill -9 $(jobs -p | tr '\\n' ' ')
    while [ "\\$(readlink /proc/[0-9]*/ns/net | sort -u | wc -l)" -gt 1 ]; do sleep 0.05; done
fi
exec $(command -v nsenter) "\\$@"
END
chmod +x /run/bin/nsenter
PATH=/run/bin:$PATH
exec sh "$1" </dev/null
"""


def test_namespaces_that_end_while_they_are_listed():
    """A namespace that has ended is passed over; one that has lost its processes alone is entered by its name."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root for namespaces")
    command = ["unshare", "-m", "-n", "--pid", "--fork", "--mount-proc", "--kill-child", "--propagation", "private"]
    words = ["bash", "-c", VANISHING, "bash", str(PROBES / "namespaces.sh")]
    done = subprocess.run([*command, *words], capture_output=True, timeout=60)
    found = read(done, "namespaces")
    assert isinstance(found, tuple), (found, done.stderr)
    assert [namespace.name for namespace in found] == ["kept", "left"], done.stdout
    assert all("net.core.somaxconn" in namespace.sysctl for namespace in found)


LISTENER = "import os, socket, time; s = socket.create_server(('0.0.0.0', 8080)); print(flush=True); time.sleep(60)"
PAIRED = """
mount -t tmpfs none /run
unshare -n "$2" -c "$3" >/run/ready &
other=$!
while [ ! -s /run/ready ]; do sleep 0.05; done
ip link add pair0 mtu 9000 type veth peer name eth0 netns "$other"
sh "$1"
code=$?
kill "$other"
exit "$code"
"""


def test_listeners_of_other_namespaces_have_processes_and_links_their_other_end():
    """A listener in another namespace is told with process and id, a pair of unequal sizes with both ends."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ss") is None:
        pytest.skip("needs root for namespaces, and ss")
    command = ["unshare", "-m", "-n", "--pid", "--fork", "--mount-proc", "--kill-child", "--propagation", "private"]
    words = ["sh", "-c", PAIRED, "sh", str(PROBES / "namespaces.sh"), sys.executable, LISTENER]
    done = subprocess.run([*command, *words], capture_output=True, timeout=60)
    (found,) = read(done, "namespaces")
    (listener,) = found.listeners
    assert (listener.port, listener.pid, listener.pids) == (8080, found.pid, (found.pid,))
    assert listener.process.startswith("python")
    assert found.link_peers["eth0"].name == "pair0"
    assert found.unequal_links == ("eth0 has 1500 and its other end, pair0 of the host, 9000",)
