"""A host with 200,000 sockets: what is looked at, what is sent and what it takes stay bounded, and the rest is said."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from netaudit.facts.sockets import parse_sockets
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent

PROBES = Path(__file__).parents[2] / "remote_probes"
SOCKETS = 200_000
MOST_CPU_S = 6.0  # ten times what it takes here: a slow machine is no failure, a square of the number is one
MOST_MEMORY_KIB = 160 * 1024
# What a command took is asked of the kernel by a process of its own, of which it is the only child.
MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
sys.stderr.write(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss]))
sys.stdout.buffer.write(done.stdout)
sys.exit(done.returncode)
"""
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree that stands for such a host: one listener, and connections from 60,000 addresses."""
    top = tmp_path_factory.mktemp("root")
    net = top / "proc" / "net"
    net.mkdir(parents=True)
    rows = [f"{HEAD}   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1 0\n"]
    for i in range(1, SOCKETS + 1):
        peer = f"{i % 60_000 + 0x0A000000:08X}:{30_000 + i % 30_000:04X}"
        state = "08" if i % 50 == 0 else "01"
        rows.append(f"{i:4}: 0100007F:1F90 {peer} {state} 00000000:00000000 00:00000000 00000000 0 0 {i + 1} 1 0\n")
    (net / "tcp").write_text("".join(rows))
    for name in ("tcp6", "udp", "udp6"):
        (net / name).write_text(HEAD)
    (net / "sockstat").write_text("TCP: inuse 200001 orphan 0 tw 0 alloc 200002 mem 400000\n")
    (net / "snmp").write_text("Tcp: CurrEstab\nTcp: 196000\n")
    return top


def _measured(probe: str, root: Path, path: str) -> tuple[bytes, float, int]:
    """What a probe prints, the CPU seconds of it and all it started, and the most memory one of them had."""
    command = [sys.executable, "-c", MEASURE, "sh", str(PROBES / f"{probe}.sh")]
    env = {"PATH": path, "LC_ALL": "C", "ROOT": str(root)}
    done = subprocess.run(command, env=env, capture_output=True, timeout=120, check=False)
    cpu_s, memory_kib = (float(word) for word in done.stderr.decode().rpartition("[")[2].rstrip("]").split(","))
    return done.stdout, cpu_s, int(memory_kib)


def _path_without(folder: Path, *programs: str) -> str:
    """A folder of links to all programs of this machine but some."""
    folder.mkdir()
    for place in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"):
        for entry in os.scandir(place):
            if entry.name not in programs:
                target = folder / entry.name
                if not target.is_symlink():
                    target.symlink_to(entry.path)
    return str(folder)


def test_without_ss_200_000_sockets_are_bounded_in_time_memory_and_bytes(root: Path, tmp_path: Path) -> None:
    """50,000 rows are looked at; that there were more is told, and that without ss the backlog is not known."""
    out, cpu_s, memory_kib = _measured("sockets", root, _path_without(tmp_path / "bin", "ss"))
    assert len(out) < 256 * 1024
    assert cpu_s < MOST_CPU_S
    assert memory_kib < MOST_MEMORY_KIB
    sockets = parse_sockets(Section("sockets", SectionStatus.COMPLETE, 0, out, b"", 1))
    assert not isinstance(sockets, Absent)
    assert sockets.truncated
    assert 0 < sockets.tcp_states["ESTAB"] <= SOCKETS


@pytest.mark.skipif(shutil.which("ss") is None, reason="ss is not installed")
def test_with_ss_200_000_sockets_are_bounded_too(root: Path, tmp_path: Path) -> None:
    """An ss that tells so many: the same bounds for what is made of it."""
    folder = tmp_path / "bin"
    path = _path_without(folder, "ss")
    rows = "".join(
        f"tcp   ESTAB  0      0      127.0.0.1:8080 10.0.{i // 250 % 250}.{i % 250}:{30_000 + i % 30_000}\n"
        for i in range(SOCKETS)
    )
    (tmp_path / "rows").write_text(rows)
    fake = folder / "ss"
    fake.write_text(f"#!/bin/sh\ncase $* in *established*) exec cat {tmp_path}/rows ;; esac\n")
    fake.chmod(0o755)
    out, cpu_s, memory_kib = _measured("sockets", root, path)
    assert len(out) < 256 * 1024
    assert cpu_s < MOST_CPU_S
    assert memory_kib < MOST_MEMORY_KIB
    sockets = parse_sockets(Section("sockets", SectionStatus.COMPLETE, 0, out, b"", 1))
    assert not isinstance(sockets, Absent)
    assert sockets.truncated
