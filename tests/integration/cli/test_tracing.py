"""``diagnose --trace``, ``--timeline`` and ``--pcap-headers`` as a user starts them, on a lab host that is broken."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time

import pytest

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]
MOUNTED = "[ -d /sys/kernel/tracing/instances ] || mount -t tracefs nodev /sys/kernel/tracing || exit"
INSTANCES = f"{MOUNTED}\nls /sys/kernel/tracing/instances"


def _left() -> list[str] | None:
    """The instances of tracefs on this machine; None where it cannot be mounted."""
    done = subprocess.run(["unshare", "-m", "sh", "-c", INSTANCES], capture_output=True, text=True, check=False)
    return done.stdout.split() if done.returncode == 0 else None


traced = pytest.mark.skipif(_left() is None, reason="this kernel refuses tracefs")


@pytest.fixture
def closed_port(netaudit, lab_fleet):
    """web03 while clients try a port at which nobody listens."""
    lab, _ = lab_fleet
    process = netaudit.start("lab", "break", "web03", "port-closed", "--for", "60s", "--dir", lab.directory)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and b"diagnose it" not in (line := process.stdout.readline()):
        assert line, process.stderr.read()
    yield lab
    process.send_signal(signal.SIGINT)
    process.wait(timeout=30)


@traced
def test_a_trace_says_why_and_where_and_makes_the_cause_surer(netaudit, closed_port, published, patient):
    """Drops, resets, driver against stack, in JSON that the schema knows; tracing is left as found."""
    done = netaudit("diagnose", "web03", "-i", closed_port.inventory, "--for", "6s", "--trace", "-o", "json",
                    *patient, code=None)  # fmt: skip
    said = done.json()
    published("diagnosis-1", said)
    (host,) = said["hosts"]
    drops = {one["reason"]: one for one in host["trace"]["drops"]}
    assert drops["NO_SOCKET"]["places"][0]["function"] == "tcp_v4_rcv"
    assert "port-closed" in drops["NO_SOCKET"]["causes"]
    assert any(one["event"] == "reset sent" for one in host["trace"]["tcp"])
    assert host["trace"]["delivery"]["by_protocol"]["tcp"] > 0
    (cause,) = [one for one in host["causes"] if one["id"] == "port-closed"]
    assert any("packets freed for NO_SOCKET" in line for line in cause["evidence"])
    if host["trace"]["means"] == "bpftrace":
        assert cause["confidence"] == "certain"
    _until(lambda: _left() == [])


def test_drops_and_lines_of_a_log_stand_beside_each_other(netaudit, closed_port, published, tmp_path, patient):
    """Second by second, with the time of the host; kept samples tell the same again."""
    log, folder = tmp_path / "app.log", tmp_path / "kept"
    log.write_text("")
    log.chmod(0o644)
    for path in (tmp_path, *tmp_path.parents[:3]):
        path.chmod(path.stat().st_mode | 0o055)
    writer = subprocess.Popen(
        ["sh", "-c", 'i=0; while [ $i -lt 80 ]; do echo "timeout $i" >>"$1"; sleep 0.25; i=$((i+1)); done', "sh", log]
    )
    try:
        done = netaudit("diagnose", "web03", "-i", closed_port.inventory, "--for", "4s", "--timeline", "--log", log,
                        "--match", "time(out|r)", "--keep", folder, "-o", "json", *patient, code=None)  # fmt: skip
    finally:
        writer.kill()
        writer.wait()
    published("diagnosis-1", done.json())
    rows = done.json()["hosts"][0]["timeline"]["rows"]
    assert len(rows) == 4
    both = [row for row in rows if row["lines"] and row["counters"].get("Tcp.OutRsts")]
    assert both, rows
    again = netaudit("diagnose", "--from", folder, "--timeline", "-o", "json", code=None)
    assert again.json()["hosts"][0]["timeline"]["rows"] == rows
    page = netaudit("diagnose", "--from", folder, "--timeline", "--color", "never", code=None).out
    assert "TIMELINE" in page
    assert "timeout " in page


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")
def test_headers_are_taken_and_summed_up(netaudit, closed_port, published, patient):
    """At most as many as were asked for, and what became of the SYNs."""
    words = ("--for", "3s", "--pcap-headers", "8", "-o", "json", *patient)
    done = netaudit("diagnose", "web03", "-i", closed_port.inventory, *words, code=None)
    published("diagnosis-1", done.json())
    found = done.json()["hosts"][0]["headers"]
    assert 0 < len(found["headers"]) <= 8
    assert any("refused by a reset" in text for text in found["findings"])


@traced
def test_a_controller_that_is_killed_leaves_no_trace(netaudit, lab_fleet, patient):
    """SIGKILL in the middle: the host notices that nobody listens and takes everything away."""
    lab, _ = lab_fleet
    process = netaudit.start("diagnose", "web03", "-i", lab.inventory, "--for", "40s", "--trace", *patient)
    _until(lambda: bool(_left()))
    process.send_signal(signal.SIGKILL)
    process.wait()
    _until(lambda: _left() == [])


@traced
def test_a_play_asks_for_all_of_it(netaudit, closed_port, published, tmp_path, patient):
    """Trace, timeline, lines of a log, and a probe on demand; each as the command has it."""
    (tmp_path / "play.yaml").write_text(
        "- {hosts: web03, diagnose: {for: 6s, trace: true, timeline: true, log: /proc/uptime, match: '[0-9]',"
        " trace_probes: [drop_stacks]}}"
    )
    done = netaudit("run", tmp_path / "play.yaml", "-i", closed_port.inventory, "-o", "json", *patient, code=None)
    said = done.json()
    published("diagnosis-1", said)
    (host,) = said["hosts"]
    assert {"trace", "timeline", "probes"} <= host.keys()
    assert any(one["event"] == "reset sent" for one in host["trace"]["tcp"])
    assert len(host["timeline"]["rows"]) == 6
    assert [one["probe"] for one in host["probes"]] == ["drop_stacks"]


def test_a_play_that_cannot_be_meant_is_refused_before_any_host(netaudit, tmp_path):
    """As on the command line, and before the play before it has run."""
    (tmp_path / "play.yaml").write_text("- {hosts: all, diagnose: {log: app.log, match: x}}")
    done = netaudit("run", tmp_path / "play.yaml", "-i", "nowhere,", code=2)
    assert "the absolute path of a file" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--log", "/var/log/app.log"), "--log FILE and --match REGEX go together"),
        (("--log", "app.log", "--match", "x"), "the absolute path of a file"),
        (("--log", "/a", "--match", r"(a)\1"), "references back"),
        (("--log", "/a", "--match", "a" * 201), "one to 200"),
        (("--pcap-headers", "100000"), "at most 10,000"),
        (("--trace-probe", "tcp_recieve"), "did you mean 'tcp_receive'"),
        (("--trace-probe", "application_calls:/bin/sh"), "application_calls:/PROGRAM:FUNCTION"),
        (("--trace-probe", 'application_calls:/bin/"x:f'), "application_calls:/PROGRAM:FUNCTION"),
        (("--trace-probe", "drop_stacks", "--trace-probe", "drop_stacks"), "stands twice"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_host(netaudit, words, said):
    """Exit code 2 and one line."""
    done = netaudit("diagnose", "nowhere", "-i", "nowhere,", "--for", "2s", *words, code=2)
    assert said in done.err


def _until(true):
    """Wait until something is so."""
    end = time.monotonic() + 40
    while not true():
        assert time.monotonic() < end
        time.sleep(0.2)
