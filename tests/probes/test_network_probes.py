"""The probes of the network side on made-up machines: trees of files, and programs that stand for the real ones.

Here stands what a recorded answer cannot show: that a probe ends on a host with a million of something, that it does
not call what it must not call, and that every shell makes the same of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

PROBES = Path(__file__).parents[2] / "remote_probes"
SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "ash"]}
TOOLS = ("awk", "head", "grep", "sed", "ls", "cat", "yes", "sh")

each_shell = pytest.mark.parametrize(
    "shell",
    [pytest.param(name, marks=pytest.mark.skipif(not shutil.which(name), reason=f"no {name}")) for name in SHELLS],
)


class Machine:
    """A tree of files and a folder of programs that a probe sees instead of this machine's."""

    def __init__(self, place: Path) -> None:
        self.root = place / "root"
        self.programs = place / "programs"
        self.calls = place / "calls"
        self.root.mkdir()
        self.programs.mkdir()
        for tool in TOOLS:
            self.programs.joinpath(tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
        self.write("proc/1/environ", "")

    def write(self, path: str, text: str) -> None:
        """Put a file into the tree."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def install(self, name: str, body: str) -> None:
        """Put a program into the folder; it notes every call with its arguments."""
        target = self.programs / name
        target.unlink(missing_ok=True)
        target.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.calls}\n{body}\n')
        target.chmod(0o755)

    def called(self) -> list[str]:
        """The calls so far, with their arguments."""
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def run(
        self, probe: str, shell: str = "dash", *, text: str | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a probe here."""
        command = [shutil.which(SHELLS[shell][0]) or "sh", *SHELLS[shell][1:]]
        return subprocess.run(
            command,
            input=text or PROBES.joinpath(f"{probe}.sh").read_text(),
            capture_output=True,
            text=True,
            timeout=30,
            env={"PATH": str(self.programs), "ROOT": str(self.root), "LC_ALL": "C", **(env or {})},
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with a few tools and no network."""
    return Machine(tmp_path)


def add_device(machine: Machine, name: str, index: int, *, queues: int = 1) -> None:
    """Give the machine an interface with a device behind it."""
    place = f"sys/class/net/{name}"
    for file, text in {"ifindex": f"{index}\n", "speed": "1000\n", "duplex": "full\n"}.items():
        machine.write(f"{place}/{file}", text)
    for queue in range(queues):
        machine.write(f"{place}/queues/rx-{queue}/rps_cpus", "0\n")
        machine.write(f"{place}/queues/tx-{queue}/tx_timeout", "0\n")
    machine.write(f"{place}/device/uevent", "DRIVER=e1000\nPCI_ID=8086:100E\n")


def ip_lines(*names: str) -> str:
    """What ip prints of interfaces with these names, numbered from 2."""
    return "".join(
        f"{place}: {name}: <UP> mtu 1500 qdisc mq state UP qlen 1000\n    link/ether 02::1 promiscuity 0\n"
        for place, name in enumerate(names, start=2)
    )


@each_shell
@pytest.mark.parametrize("processors", ["0", "0-1", "0-127"])
def test_interrupts_of_every_kind_of_device(machine: Machine, shell: str, processors: str) -> None:
    """PCI devices have message interrupts or one line, virtio those of the device above, others none in sysfs.

    The shell that reads for one or two processors and the program that reads for many say the same.
    """
    pci = "sys/devices/pci0"
    machine.write("sys/devices/system/cpu/online", f"{processors}\n")
    machine.write("proc/softirqs", "  CPU0\n HI: 1\n NET_RX: 7\n RCU: 2\n")
    machine.write("proc/stat", "cpu  2 0 0 0 0 0 1 0 0 0\ncpu0 2 0 0 0 0 0 1 0 0 0\ncpu1 1 1 1 1\nintr 5 6\n")
    machine.write(f"{pci}/msi_irqs/9", "")  # of the bridge: never those of a device below
    for number in (24, 25):
        machine.write(f"{pci}/dev1/msi_irqs/{number}", "")
    machine.write(f"{pci}/dev1/irq", "24\n")
    machine.write(f"{pci}/dev2/irq", "11\n")
    machine.write(f"{pci}/dev3/msi_irqs/30", "")
    machine.write(f"{pci}/dev3/virtio0/status", "7\n")
    machine.write("sys/devices/platform/mac/of_node", "")
    for name, device in {"a": "pci0/dev1", "b": "pci0/dev2", "c": "pci0/dev3/virtio0", "d": "platform/mac"}.items():
        place = machine.root / f"sys/class/net/{name}"
        place.mkdir(parents=True)
        place.joinpath("device").symlink_to(machine.root / "sys/devices" / device)
    machine.write("proc/net/softnet_stat", "00000001 00000000 00000000\n")
    machine.write("proc/interrupts", "  CPU0\n  9: 1 bridge\n 11: 2 b\n 24: 3 a-rx\n 30: 4 virtio0-input.0\n 99: 5 d\n")
    machine.write("proc/irq/24/smp_affinity_list", "0-3\n")
    result = machine.run("softnet", shell)
    assert result.returncode == 0
    assert "#@ irqs\na 24 25\nb 11\nc 30\nd\n#@ files\n" in result.stdout
    numbers = [
        line.split(":")[1].strip() for line in result.stdout.splitlines() if line.startswith("proc/interrupts: ")
    ]
    assert numbers[1:] == ["11", "24", "30", "99"]
    assert "proc/irq/24/smp_affinity_list:0-3" in result.stdout
    assert "proc/softirqs: NET_RX: 7\n" in result.stdout
    assert "proc/net/softnet_stat:00000001 00000000 00000000\n" in result.stdout
    assert "proc/stat:cpu  2 0 0 0 0 0 1 0 0 0\nproc/stat:cpu0 2" in result.stdout
    assert "intr" not in result.stdout


@each_shell
def test_few_files_and_many_print_alike(machine: Machine, shell: str) -> None:
    """What the shell reads itself looks like what grep prints."""
    add_device(machine, "eth0", 2, queues=4)
    machine.install("ip", f"cat <<'X'\n{ip_lines('eth0')}X")
    text = PROBES.joinpath("nics.sh").read_text()
    by_grep = text.replace("[ $# -gt 60 ]", "[ $# -gt 0 ]")
    assert by_grep != text
    assert machine.run("nics", shell).stdout == machine.run("nics", shell, text=by_grep).stdout


@each_shell
def test_ethtool_is_asked_about_a_bounded_number(machine: Machine, shell: str) -> None:
    """Of forty devices thirty-two are asked about, and the answer says so."""
    names = [f"eth{number}" for number in range(40)]
    for index, name in enumerate(names, start=2):
        add_device(machine, name, index)
    machine.install("ip", f"cat <<'X'\n{ip_lines(*names)}X")
    machine.install("ethtool", "echo no")
    result = machine.run("nics", shell)
    assert "#! ethtool: not finished: asked about 32 of 40 devices" in result.stdout
    assert len({call.split()[-1] for call in machine.called() if call.startswith("ethtool")}) == 32


@each_shell
def test_interfaces_of_another_namespace_are_left_alone(machine: Machine, shell: str) -> None:
    """A device that only /sys shows is neither read nor asked about."""
    add_device(machine, "eth0", 7)
    machine.install("ip", f"cat <<'X'\n{ip_lines('eth0')}X")
    machine.install("ethtool", "echo no")
    result = machine.run("nics", shell)
    assert "eth0/speed" not in result.stdout
    assert not any(call.startswith("ethtool") for call in machine.called())


@each_shell
def test_interface_named_like_an_option(machine: Machine, shell: str) -> None:
    """An interface may be called -h: its files are read, and ethtool never gets it for an option."""
    add_device(machine, "-h", 2)
    machine.install("ip", f"cat <<'X'\n{ip_lines('-h')}X")
    machine.install("ethtool", "echo no")
    result = machine.run("nics", shell)
    assert "-h/speed:1000" in result.stdout
    assert not any(call.startswith("ethtool") for call in machine.called())


@each_shell
def test_device_with_one_queue_is_not_asked_for_channels(machine: Machine, shell: str) -> None:
    """Only a device that was set up with several queues is asked how many it uses."""
    add_device(machine, "eth0", 2)
    add_device(machine, "eth1", 3)
    text = ip_lines("eth0", "eth1").replace("promiscuity 0\n3", "promiscuity 0 numtxqueues 1 numrxqueues 1 x\n3")
    machine.install("ip", f"cat <<'X'\n{text}X")
    machine.install("ethtool", "echo no")
    machine.run("nics", shell)
    assert "ethtool -l eth1" in machine.called()
    assert "ethtool -l eth0" not in machine.called()
    assert "ethtool -g eth0" in machine.called()


@each_shell
def test_the_key_of_the_hash_stays_on_the_host(machine: Machine, shell: str) -> None:
    """Of receive side scaling the table is sent, of devices with several queues, and nothing below it."""
    add_device(machine, "eth0", 2)
    add_device(machine, "eth1", 3, queues=2)
    machine.install("ip", f"cat <<'X'\n{ip_lines('eth0', 'eth1')}X")
    table = "RX flow hash indirection table for eth1 with 2 RX ring(s):\n    0:      0     1\n"
    secret = "RSS hash key:\n6d:5a:56:da:25:5b:0e:c2\nRSS hash function:\n    toeplitz: on\n"
    machine.install("ethtool", f"[ \"$1\" = -x ] && cat <<'X'\n{table}{secret}X\n")
    sent = machine.run("nics", shell).stdout
    assert f"#@ ethtool -x eth1\n{table}#@ ethtool -S eth1\n" in sent
    assert ("#@ ethtool -x eth0" in sent, "hash key" in sent, "6d:5a" in sent) == (False, False, False)


def test_statistics_of_many_queues_are_thinned_out(machine: Machine) -> None:
    """Of a device with many queues the names that repeat are dropped, but for those that tell of loss."""
    add_device(machine, "eth0", 2, queues=9)
    machine.install("ip", f"cat <<'X'\n{ip_lines('eth0')}X")
    names = "rx_packets rx7_packets tx-3.bytes rx_queue_4_drops ch0_events queue_1_rx_cnt rx_missed_errors"
    machine.install("ethtool", f'[ "$1" = -S ] && for name in {names}; do echo "     $name: 1"; done')
    statistics = machine.run("nics").stdout.partition("#@ ethtool -S eth0\n")[2]
    assert [line.split(":")[0].strip() for line in statistics.splitlines()] == [
        "rx_packets", "rx_queue_4_drops", "rx_missed_errors",
    ]  # fmt: skip


@each_shell
def test_million_sockets_end(machine: Machine, shell: str) -> None:
    """On a host with endless sockets a bounded number is looked at, and the answer is small and says so."""
    machine.write("proc/net/sockstat", "sockets: used 1\nTCP: inuse 900000 orphan 0 tw 5000 alloc 1 mem 1\n")
    machine.write("proc/net/snmp", "Tcp: CurrEstab\nTcp: 800000\n")
    row = "tcp ESTAB 0 0 10.0.0.1:40000 10.0.0.2:443 timer:(keepalive,1sec,0)"
    machine.install("ss", f'case $* in *established*) exec yes "{row}" ;; esac')
    result = machine.run("sockets", shell)
    assert result.returncode == 0
    assert "to 10.0.0.1 10.0.0.2:443 50000\n" in result.stdout
    assert "cut 1\n" in result.stdout
    assert len(result.stdout) < 2000


def test_flood_of_half_open_connections_is_counted(machine: Machine) -> None:
    """Half-open connections stand in no total: when ss turns out to print too much, its rows are counted after all."""
    machine.write("proc/net/sockstat", "TCP: inuse 2 orphan 0 tw 0 alloc 1 mem 1\n")
    machine.write("proc/net/snmp", "Tcp: CurrEstab\nTcp: 1\n")
    rows = "i=0; while [ $i -lt 3000 ]; do echo tcp SYN-RECV 0 0 10.0.0.1:80 10.9.0.2:$i x; i=$((i + 1)); done"
    machine.install(
        "ss",
        f"listener='tcp LISTEN 0 128 0.0.0.0:80 0.0.0.0:* ino:1'\n"
        f'case $* in *syn-recv*) {rows} ;; *established*) ;; -ltunpem) echo "$listener" ;;\n'
        f'*) echo "$listener"; {rows} ;; esac',
    )
    result = machine.run("sockets")
    assert "syn-recv 80 3000\n" in result.stdout
    assert "tcp LISTEN 0 128" in result.stdout
    assert len(result.stdout) < 2000


def proc_row(number: int, local: str, peer: str, state: str) -> str:
    """One row of /proc/net/tcp."""
    rest = f"00000000:00000000 00:00000000 00000000 0 0 {9000 + number} 1 0 20 4 30 10 -1"
    return f"{number:4}: {local} {peer} {state} {rest}\n"


@each_shell
def test_sockets_of_proc_are_counted_alike_by_every_awk(machine: Machine, shell: str) -> None:
    """Without ss, every awk that is installed counts the same groups."""
    rows = [proc_row(0, "00000000:0050", "00000000:0000", "0A")]
    rows += [proc_row(n, f"0100000A:{40000 + n:04X}", "0200000A:01BB", "01") for n in range(1, 40)]
    rows += [proc_row(n, f"0100000A:{40000 + n:04X}", f"{n:02X}00000A:01BB", "06") for n in range(40, 140)]
    machine.write("proc/net/tcp", "  sl  local_address rem_address st\n" + "".join(rows))
    answers = set()
    for awk in ("mawk", "gawk", "original-awk", "busybox"):
        found = shutil.which(awk)
        if found is None:
            continue
        machine.programs.joinpath("awk").unlink()
        machine.programs.joinpath("awk").symlink_to(found)
        lines = machine.run("sockets", shell).stdout.splitlines()
        assert "to 0100000A 0200000A:01BB 39" in lines
        assert sum(line.startswith("to ") for line in lines) == 50
        answers.add(frozenset(line for line in lines if not line.startswith("to ")))
    assert len(answers) == 1


@each_shell
def test_full_routing_table_ends(machine: Machine, shell: str) -> None:
    """On a router with endless routes ip is stopped, and the answer is bounded."""
    machine.write("proc/net/fib_triestat", "Main:\n\tPrefixes:       900000\n")
    machine.install("ip", 'case $1 in -V) echo iproute2-6 ;; *) exec yes "10.0.0.0/8 via 10.0.0.1 dev eth0" ;; esac')
    result = machine.run("routes", shell)
    assert result.returncode == 0
    assert result.stdout.count("10.0.0.0/8") == 501


@each_shell
def test_many_neighbours_are_counted(machine: Machine, shell: str) -> None:
    """Thousands of neighbours come as numbers by state, and the routes behind them are still sent."""
    machine.install(
        "ip",
        "i=0; while [ $i -lt 2000 ]; do echo 10.0.0.$i dev eth0 lladdr 02:00:00:00:00:01 STALE; i=$((i + 1)); done\n"
        "echo fd00::1 dev eth0 FAILED; echo default via 10.0.0.1 dev eth0",
    )
    result = machine.run("routes", shell)
    assert "inet STALE 2000\n" in result.stdout
    assert "inet6 FAILED 1\n" in result.stdout
    assert "default via 10.0.0.1 dev eth0\n" in result.stdout
    assert len(result.stdout) < 500


@each_shell
def test_nft_is_not_asked_when_that_would_load_the_module(machine: Machine, shell: str) -> None:
    """Where nf_tables is neither loaded nor built in, nft is not called: calling it would load the module."""
    machine.write("proc/modules", "ext4 1 0 - Live 0x0\n")
    machine.write("proc/version", "Linux version 6.1.0-test (x)\n")
    machine.write("lib/modules/6.1.0-test/modules.builtin", "kernel/fs/ext4/ext4.ko\n")
    machine.install("nft", "echo table ip x")
    result = machine.run("firewall", shell)
    assert (result.returncode, result.stdout, machine.called()) == (0, "#@ none\n", [])
    machine.write("lib/modules/6.1.0-test/modules.builtin", "kernel/net/netfilter/nf_tables.ko\n")
    assert machine.run("firewall", shell).stdout == "#@ nft\ntable ip x\n"


@each_shell
def test_firewall_needs_root(machine: Machine, shell: str) -> None:
    """Who may not look into process 1 is told so, and nothing is called."""
    machine.root.joinpath("proc/1/environ").unlink()
    machine.install("nft", "echo no")
    assert machine.run("firewall", shell).returncode == 12
    assert machine.called() == []


def test_long_ruleset_is_shortened(machine: Machine) -> None:
    """Of fifty thousand rules those that count are sent with their chains, and the number of all."""
    chain = "\\tchain c%s {\\n\\t\\tip daddr 10.0.0.1 counter dnat to 10.1.0.%s\\n\\t}\\n"
    head = "\\t\\ttype filter hook input priority filter; policy drop;\\n"
    last = "\\t\\tip daddr 10.0.0.1 drop\\n\\t\\tcounter packets 0 bytes 0 drop\\n"
    base = f"\\tchain in {{\\n{head}\\t\\tip protocol icmp drop\\n{last}\\t}}\\n"
    machine.install(
        "nft",
        "echo 'table ip k {'\n"
        f"i=0; while [ $i -lt 3000 ]; do printf '{chain}' $i $i; i=$((i + 1)); done\n"
        f"printf '{base}'; echo '}}'",
    )
    stdout = machine.run("firewall").stdout
    assert len(stdout) < 4000
    assert "nft ip k 3003 0" in stdout
    kept = "\t\tip protocol icmp drop\n\t\tcounter packets 0 bytes 0 drop\n"
    assert f"\tchain in {{\n\t\ttype filter hook input priority filter; policy drop;\n{kept}" in stdout


@each_shell
def test_conntrack_that_is_not_loaded(machine: Machine, shell: str) -> None:
    """Without the module the probe says not present and starts nothing."""
    machine.write("proc/slabinfo", "nf_conntrack 0 0 256\n")
    assert machine.run("conntrack", shell).returncode == 11


@each_shell
def test_entry_size_of_slabinfo(machine: Machine, shell: str) -> None:
    """Where sysfs has no slabs, the row of slabinfo is sent and no other row of it."""
    machine.write("proc/sys/net/netfilter/nf_conntrack_count", "5\n")
    machine.write(
        "proc/slabinfo", "slabinfo - version: 2.1\nkmalloc-8 1 1 8\nnf_conntrack 5 9 320 25\nabcdef12 1 1 8\n"
    )
    lines = machine.run("conntrack", shell).stdout.splitlines()
    assert "proc/slabinfo:nf_conntrack 5 9 320 25" in lines
    assert not any("kmalloc" in line or "version" in line for line in lines)


@each_shell
def test_no_peers(machine: Machine, shell: str) -> None:
    """Without declared peers the path probe does not apply and sends nothing."""
    machine.install("ping", "echo sent")
    assert machine.run("path", shell).returncode == 10
    assert machine.called() == []


@each_shell
def test_peers_are_addresses(machine: Machine, shell: str) -> None:
    """Only what can be an address reaches ping; options, commands and patterns do not."""
    machine.install("ping", "echo answer")
    machine.install(
        "ip", 'case $1 in route) echo "$3 dev eth0 src 10.0.0.1" ;; *) echo "2: eth0: mtu 1500 qdisc mq" ;; esac'
    )
    peers = "10.0.0.2 -f $(id) 10.0.0.3;reboot * fe80::1%eth0"
    result = machine.run("path", shell, env={"PEERS": peers})
    assert {call.split()[-1] for call in machine.called() if call.startswith("ping")} == {"10.0.0.2", "fe80::1%eth0"}
    sizes = [call for call in machine.called() if "-M do" in call]
    assert any("-s 1472 10.0.0.2" in call for call in sizes)
    assert any("-s 1452 fe80::1%eth0" in call for call in sizes)
    assert "#@ full 10.0.0.2 1500\nanswer\n" in result.stdout


def test_learnt_mtu_is_not_taken_for_the_size(machine: Machine) -> None:
    """An MTU that an operator set on a route is the size to try; one that the kernel has learnt is not."""
    machine.install("ping", "echo answer")
    for said, size in {"mtu 1400": 1400, "mtu lock 1300": 1300, "cache expires 500sec mtu 1280": 1500}.items():
        machine.install(
            "ip",
            f'case $1 in route) echo "$3 dev eth0 src 10.0.0.1 {said}" ;; *) echo "2: eth0: mtu 1500 qdisc" ;; esac',
        )
        assert f"#@ full 10.0.0.2 {size}\n" in machine.run("path", env={"PEERS": "10.0.0.2"}).stdout


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ss"), reason="needs root for a network namespace, and ss")
def test_real_sockets_are_counted_alike() -> None:
    """Several hundred real connections give the same groups by ss and by the files of /proc."""
    script = (
        "import socket, subprocess, sys\n"
        "subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)\n"
        "server = socket.create_server(('127.0.0.1', 7000), backlog=512)\n"
        "kept = [socket.create_connection(('127.0.0.1', 7000)) for _ in range(300)]\n"
        "kept += [server.accept()[0] for _ in range(300)]\n"
        "kept[-1].send(b'unread')\n"
        "for text in sys.argv[1:]:\n"
        "    print(subprocess.run(['sh', '-c', text], capture_output=True, text=True).stdout, flush=True)\n"
        "    print('=====', flush=True)\n"
    )
    probe = PROBES.joinpath("sockets.sh").read_text()
    without_ss = probe.replace("has ss && ask_ss", "false")
    assert without_ss != probe
    result = subprocess.run(
        ["unshare", "-n", "python3", "-c", script, probe, without_ss], capture_output=True, text=True, timeout=60
    )
    by_ss, by_proc, _ = result.stdout.split("=====")
    assert "state ESTAB 600\n" in by_ss
    assert "to 127.0.0.1 127.0.0.1:7000 300\n" in by_ss
    assert by_ss.count("\nto ") == by_proc.count("\nto ") == 1  # what came in is no destination
    assert "state 01 600\n" in by_proc
    assert "to 0100007F 0100007F:1B58 300\n" in by_proc
    assert "unread 1\n" in by_ss
    assert "unread 1\n" in by_proc
