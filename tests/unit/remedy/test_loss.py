"""The small look at a host's loss counters tells what the audit's probes tell."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netaudit.assets.locate import locate
from netaudit.assets.probes import load_probes
from netaudit.facts.snapshot import facts_of
from netaudit.model.probe import Capture, Section, SectionStatus
from netaudit.remedy.gates import COUNTERS, GATE_DOMAINS, Sample, sample_of
from netaudit.remedy.loss import LOSS, sample_in

AUDITED = [
    probe for probe in load_probes(locate()) if probe.id in {"counters", "softnet", "conntrack", "nics", "system"}
]
BOOT = "9b2d3a0a-97b3-4f6e-a1a6-0b1c1d1e1f20"
FILES = {
    "proc/sys/kernel/random/boot_id": f"{BOOT}\n",
    "proc/uptime": "5012.25 9000.00\n",
    "proc/sys/net/core/netdev_max_backlog": "1000\n",
    "proc/net/netstat": "TcpExt: EmbryonicRsts ListenOverflows ListenDrops\nTcpExt: 1 22 23\nIpExt: InPkts\nIpExt: 4\n",
    "proc/net/snmp": "Ip: Forwarding\nIp: 1\nTcp: MaxConn OutSegs RetransSegs\nTcp: -1 5000 31\n",
    "proc/net/softnet_stat": "00000064 00000002 00000000 0 0\n000000c8 0000000a 00000000 0 0\n",
    "proc/net/stat/nf_conntrack": "entries insert_failed drop\n"
    "00000011 0000000a 00000002\n"
    "00000011 00000001 00000000\n",
    "proc/net/dev": "Inter-| Receive | Transmit\n face |bytes packets errs drop fifo\n"
    "    lo: 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9\n"
    "  eth0: 100 10 0 3 4 0 0 0 100 10 0 5 0 0 0 0\n"
    "eth0.7: 100 10 0 1 0 0 0 0 100 10 0 0 0 0 0 0\n",
}
WHOLE = {
    "TcpExt.ListenOverflows": 22, "TcpExt.ListenDrops": 23, "Tcp.RetransSegs": 31, "softnet dropped": 12,
    "conntrack insert_failed": 11, "conntrack drop": 2, "interface drops": 13,
}  # fmt: skip


def said(probe, root: Path | None = None, within: int = 0) -> Section:
    """What a probe prints here, of the files below a directory, or in the network namespace of a process."""
    environment = {**os.environ, "ROOT": str(root)} if root else None
    shell = ["nsenter", "-t", str(within), "-n", "sh", "-s"] if within else ["sh", "-s"]
    done = subprocess.run(shell, input=probe.text.encode(), capture_output=True, timeout=60, env=environment)
    status = {0: SectionStatus.COMPLETE, 11: SectionStatus.NOT_PRESENT}[done.returncode]
    return Section(probe.id, status, done.returncode, done.stdout, done.stderr, 1)


def capture(*sections: Section) -> Capture:
    """One look."""
    return Capture("web1", "192.0.2.1", "", datetime(2026, 6, 1, tzinfo=UTC), 0.0, sections)


def looked(root: Path, **changes: str | None) -> Sample | None:
    """The sample of a host with these files; None stands for a file that is not there."""
    for path, text in {**FILES, **{path.replace("__", "/"): text for path, text in changes.items()}}.items():
        if text is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
    return sample_in(capture(said(LOSS, root)))


def test_every_counter_of_the_gate_is_read(tmp_path):
    """Sums over processors and interfaces, without the loopback; and what ratios are taken of."""
    sample = looked(tmp_path)
    assert (BOOT, 5012.25, WHOLE) == (sample.boot_id, sample.uptime_s, dict(sample.values))
    assert {"Tcp.RetransSegs": 5000} == dict(sample.totals)
    assert {counter.name for counter in COUNTERS} == set(sample.values)


@pytest.mark.parametrize(
    ("file", "without"),
    [
        ("proc__net__netstat", {"TcpExt.ListenOverflows", "TcpExt.ListenDrops"}),
        ("proc__net__snmp", {"Tcp.RetransSegs"}),
        ("proc__net__softnet_stat", {"softnet dropped"}),
        ("proc__net__stat__nf_conntrack", {"conntrack insert_failed", "conntrack drop"}),
        ("proc__net__dev", {"interface drops"}),
    ],
)
@pytest.mark.parametrize("text", [None, "what nobody\nunderstands: x\n1 2\n3\n"])
def test_what_is_not_there_or_not_understood_is_left_out(tmp_path, file, without, text):
    """It is not observable, and no zero; the others count."""
    sample = looked(tmp_path, **{file: text})
    assert WHOLE.keys() - without == sample.values.keys()


def test_what_belongs_to_the_whole_machine_is_none_of_a_container(tmp_path):
    """There the directory of settings has fewer of them."""
    sample = looked(tmp_path, proc__sys__net__core__netdev_max_backlog=None, proc__sys__net__core__somaxconn="1\n")
    assert WHOLE.keys() - {"softnet dropped"} == sample.values.keys()


@pytest.mark.parametrize("file", ["proc__uptime", "proc__sys__kernel__random__boot_id"])
def test_without_a_clock_or_a_boot_there_is_no_sample(tmp_path, file):
    """Nothing could be said of it."""
    assert looked(tmp_path, **{file: None}) is None


def test_without_an_answer_there_is_no_sample(tmp_path):
    """As of a host without /proc, or one that was not asked."""
    assert sample_in(capture(said(LOSS, tmp_path))) is None
    assert sample_in(capture()) is None


LOSSY = r"""
ip link add v0 type veth peer name v1 && ip link set lo up && ip link set v0 up && ip link set v1 up
python3 -c '
import socket
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("v0", 0))
for _ in range(7):
    link.send(b"\xff" * 6 + b"\x02" * 6 + b"\x88\xb5" + bytes(50))'
echo ready
read -r line
"""


@pytest.fixture
def lossy():
    """A process in a network namespace of its own, where an interface has dropped seven frames of no protocol."""
    if os.geteuid() != 0:
        pytest.skip("needs root: makes a network namespace")
    with subprocess.Popen(["unshare", "-n", "sh", "-c", LOSSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdout.readline() == b"ready\n"
        yield shell.pid
        shell.stdin.close()


def test_both_ways_of_reading_tell_the_same(lossy):
    """Taken between two looks of the audit's kind, every counter lies between theirs."""

    def audited() -> Sample:
        return sample_of(facts_of(capture(*(said(probe, within=lossy) for probe in AUDITED)), GATE_DOMAINS))

    before, small, after = audited(), sample_in(capture(said(LOSS, within=lossy))), audited()
    assert before.boot_id == small.boot_id
    assert before.uptime_s <= small.uptime_s <= after.uptime_s
    assert before.values.keys() == small.values.keys()
    assert small.values["interface drops"] >= 7
    for name, value in small.values.items():
        assert before.values[name] <= value <= after.values[name], name
    assert before.totals["Tcp.RetransSegs"] <= small.totals["Tcp.RetransSegs"] <= after.totals["Tcp.RetransSegs"]
