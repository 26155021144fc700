"""What settings are when no file sets them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netaudit.facts.defaults import default_of
from netaudit.facts.snapshot import facts_of
from netaudit.model.facts import Facts, Kernel, Memory
from netaudit.model.probe import Capture
from netaudit.model.reading import Absent, AbsentReason

GIB = 1024**3
NOTHING = facts_of(Capture("web1", "", "", datetime(2026, 1, 1, tzinfo=UTC), 0.1, ()))
DENIED = Absent(AbsentReason.NOT_PERMITTED, "x")


def host(*version: int, memory: int = 16 * GIB, initial: bool = True) -> Facts:
    """A host of which kernel and memory are known."""
    kernel = Kernel(".".join(map(str, version)), version, "x86_64", "", 1.0, "b", "debian 12", "systemd", "none", "web1",  # type: ignore[arg-type]  # three numbers  # noqa: E501
                    (), initial, 1.0)  # fmt: skip
    return replace(NOTHING, kernel=kernel, memory=Memory(memory, memory, 4096, 0))


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        ("net.core.somaxconn", (5, 4, 0), "4096"),
        ("net.core.somaxconn", (5, 3, 18), "128"),
        ("net.ipv4.tcp_tw_reuse", (4, 18, 0), "0"),
        ("net.ipv4.tcp_tw_reuse", (4, 19, 0), "2"),
        ("net.ipv4.ip_local_port_range", (6, 1, 0), "32768 60999"),
        ("net.ipv4.tcp_rmem", (6, 1, 0), "4096 131072 6291456"),
        ("net.ipv4.tcp_rmem", (4, 4, 0), "4096 87380 6291456"),
        ("net.ipv4.tcp_rmem", (6, 18, 0), "4096 131072 33554432"),
        ("net.ipv4.tcp_wmem", (6, 18, 0), "4096 16384 4194304"),
        ("net.ipv4.tcp_sack", (3, 10, 0), "1"),
        ("net.core.rmem_max", (6, 1, 0), None),
        ("fs.nr_open", (6, 1, 0), None),
    ],
)
def test_default(name: str, version: tuple[int, ...], expected: str | None) -> None:
    """Constants are known everywhere, some by version, and what distributions and systemd change is not."""
    assert default_of(name, host(*version)) == expected


def test_buffers_of_small_and_of_unknown_memory() -> None:
    """Buffers are at most 1/128 of the memory; of another namespace, or without its memory, nothing is said."""
    assert default_of("net.ipv4.tcp_rmem", host(6, 1, 0, memory=256 * 1024**2)) == "4096 131072 2097152"
    assert default_of("net.ipv4.tcp_rmem", host(6, 1, 0, initial=False)) is None
    assert default_of("net.ipv4.tcp_rmem", replace(NOTHING, kernel=DENIED, memory=DENIED)) is None
    assert default_of("net.ipv4.tcp_sack", NOTHING) == "1"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a network namespace")
def test_defaults_are_those_of_this_kernel() -> None:
    """What a network namespace starts with is what is said of this kernel's version, where the setting is its own."""
    version = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:3])
    keys = ("tcp_dsack", "tcp_keepalive_intvl", "tcp_keepalive_time", "tcp_synack_retries", "tcp_fin_timeout",
            "tcp_mtu_probing", "tcp_syncookies", "tcp_tw_reuse", "tcp_slow_start_after_idle", "ip_local_port_range",
            "ip_forward", "ip_local_reserved_ports", "tcp_retries2", "tcp_syn_retries")  # fmt: skip
    command = ["unshare", "-n", "grep", "-H", "", *(f"/proc/sys/net/ipv4/{key}" for key in keys)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = (line.partition(":") for line in done.stdout.splitlines())
    said = {f"net.ipv4.{Path(path).name}": " ".join(value.split()) for path, _, value in rows}
    assert said == {name: default_of(name, host(*version)) for name in said}
    assert len(said) == len(keys)
