"""The probes of tracing on this machine's own kernel: they say something, and leave tracing as they found it.

tracefs is mounted where only the test sees it; its instances are of the whole machine all the same.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from netaudit.app.tracing import encoded
from netaudit.facts.pcap import parse_headers
from netaudit.facts.trace import parse_trace
from netaudit.facts.trace_log import parse_log_lines
from netaudit.facts.trace_probe import parse_seen
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.timeline import LogLines
from netaudit.model.trace import Means
from netaudit.wire.bundle import build
from netaudit.wire.head import parse_probe

FOLDER = Path(__file__).parents[2] / "remote_probes" / "trace"
FILES = tuple(sorted(FOLDER.glob("*.sh")))
SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "ash"]}
# Where it is mounted anyway, as on many machines.
UNMOUNTED = (
    "while umount /sys/kernel/tracing || umount /sys/kernel/debug; do :; done 2>/dev/null\n"  # as many machines have it
)
MOUNTED = "mount -t tracefs nodev /sys/kernel/tracing || exit 99\n"
HIDDEN = "mount --bind /dev/null {path}\n"
INSTANCES = "/sys/kernel/tracing/instances"
ENDS_WITHIN_S = 30

pytestmark = pytest.mark.xdist_group("lab")


def _has_tracefs() -> str:
    """Why tracefs cannot be used here; empty when it can."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return "needs root and unshare(1)"
    script = f"{UNMOUNTED}{MOUNTED}mkdir {INSTANCES}/netaudit-test-$$ && rmdir {INSTANCES}/netaudit-test-$$"
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"this kernel refuses tracefs: {done.stderr.strip()[:100]}"


WHY_NOT = _has_tracefs()
traced = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "can be traced")


def _script(before: str, run: str) -> list[str]:
    return ["unshare", "-m", "sh", "-c", f"{UNMOUNTED}{before}\n{run}"]


def _left() -> list[str]:
    """The instances that are still there after a generous time: the kernel keeps one that is in use a moment longer."""
    deadline = time.monotonic() + 20
    while (found := _instances()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _instances() -> list[str]:
    """netaudit's instances on this machine, but for those of traces that others take at this moment."""
    script = f"{UNMOUNTED}{MOUNTED}ls {INSTANCES}"
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split() if name.startswith("netaudit-unit")]


def _run(before: str, *, seconds: int = 2, shell: str = "dash", name: str = "trace_events") -> tuple[int, str, str]:
    command = " ".join(SHELLS[shell])
    run = f"TRACE_ID=unit TRACE_S={seconds} exec {command} {FOLDER / name}.sh"
    done = subprocess.run(_script(before, run), capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


def _without(program: str) -> str:
    path = shutil.which(program)
    return HIDDEN.format(path=path) if path else ""


@contextlib.contextmanager
def _sending() -> Iterator[None]:
    """Datagrams to a port of this machine where nobody listens: each is dropped with a reason."""
    script = (
        "import socket,time\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
        "while True:\n  s.sendto(b'x',('127.0.0.1',9));time.sleep(0.02)\n"
    )
    process = subprocess.Popen(["python3", "-c", script])
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_probe_has_a_head_and_can_travel(path: Path) -> None:
    """It is built into a payload like any other, with values for what it takes."""
    probe = parse_probe(path.read_text(), str(path))
    build([probe], nonce="0" * 32, deadline_s=60, params=dict.fromkeys(probe.params, "1"))


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_shellcheck_has_nothing_to_say(path: Path) -> None:
    """Not even a remark."""
    done = subprocess.run(["shellcheck", "-s", "sh", str(path)], capture_output=True, text=True, check=False)
    assert done.stdout == ""


@traced
@pytest.mark.parametrize("shell", [name for name, words in SHELLS.items() if shutil.which(words[0])])
def test_tracefs_alone_tells_reason_and_place(shell: str) -> None:
    """Without bpftrace the kernel's own text is counted on the host; nothing is left behind."""
    with _sending():
        code, out, err = _run(MOUNTED + _without("bpftrace"), shell=shell)
    assert (code, err) == (0, "")
    trace = parse_trace(Section("trace_events", SectionStatus.COMPLETE, 0, out.encode(), b"", 1))
    assert trace.means is Means.TRACEFS
    assert any(drop.reason == "NO_SOCKET" and drop.place.startswith(("udp", "__udp")) for drop in trace.drops)
    assert any("bpftrace is not installed" in note for note in trace.notes)
    assert any(event == "kfree_skb" for _, event, _ in trace.series)
    assert _left() == []


@traced
@pytest.mark.skipif(shutil.which("bpftrace") is None, reason="bpftrace is not installed")
def test_bpftrace_tells_whose_drops_they_are() -> None:
    """Where it works it is used, although tracefs is not mounted and it complains of locked memory."""
    with _sending():
        code, out, _ = _run("", seconds=4)
    trace = parse_trace(Section("trace_events", SectionStatus.COMPLETE, 0, out.encode(), b"", 1))
    assert code == 0
    assert trace.means is Means.BPFTRACE
    assert any(drop.reason == "NO_SOCKET" and drop.scope.value == "namespace" for drop in trace.drops)
    assert _left() == []


@traced
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo 'ERROR: Could not create map: Operation not permitted' >&2; exit 1", "Operation not permitted"),
        ("echo 'bpftrace: unrecognized option: -f' >&2; exit 1", "unrecognized option"),
        ("exit 0", "bpftrace did not work"),
    ],
)
def test_a_bpftrace_that_does_not_work_is_said_and_done_without(tmp_path: Path, text: str, said: str) -> None:
    """Too old, refused, or silent: tracefs takes its place for the same time."""
    fake = tmp_path / "bpftrace"
    fake.write_text(f"#!/bin/sh\n{text}\n")
    fake.chmod(0o755)
    with _sending():
        code, out, err = _run(MOUNTED + f"PATH={tmp_path}:$PATH\n")
    trace = parse_trace(Section("trace_events", SectionStatus.COMPLETE, 0, out.encode(), b"", 1))
    assert (code, trace.means) == (0, Means.TRACEFS), err
    assert any(said in note for note in trace.notes), trace.notes
    assert trace.drops


@traced
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_trace_that_is_killed_leaves_nothing(how: signal.Signals) -> None:
    """The shell's trap, or whoever watches it from a session of its own, removes the instances."""
    run = f"TRACE_ID=unit TRACE_S=20 exec dash {FOLDER / 'trace_events.sh'}"
    process = subprocess.Popen(
        _script(MOUNTED + _without("bpftrace"), run), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        _until(lambda: len(_instances()) == 3)
        os.kill(process.pid, how)
        _until(lambda: _instances() == [])
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@traced
def test_what_an_earlier_run_left_is_removed_and_what_is_used_is_not() -> None:
    """The kernel refuses to remove an instance somebody holds open; one of this run is of another host."""
    before = (
        f"{MOUNTED}{_without('bpftrace')}mkdir {INSTANCES}/netaudit-earlier-1-tcp {INSTANCES}/netaudit-earlier-2-tcp\n"
        f"mkdir {INSTANCES}/netaudit-unit-1-tcp; exec 9<{INSTANCES}/netaudit-earlier-2-tcp/tracing_on\n"
    )
    try:
        _, out, _ = _run(before + "set +e\n")
        assert re.findall("^removed (netaudit-(?:earlier|unit).*)$", out, re.MULTILINE) == ["netaudit-earlier-1-tcp"]
    finally:
        made = f"{INSTANCES}/netaudit-unit-1-tcp {INSTANCES}/netaudit-earlier-2-tcp"
        script = f"{UNMOUNTED}{MOUNTED}for each in {made}; do [ ! -d $each ] || rmdir $each || exit 1; done"
        _until(lambda: subprocess.run(["unshare", "-m", "sh", "-c", script], check=False).returncode == 0)


@traced
@pytest.mark.parametrize(
    ("times", "means", "note"),
    [(2, Means.TRACEFS, "bpftrace is not installed"), (99, Means.NONE, "others that trace remove it")],
)
def test_an_instance_that_goes_before_it_is_held_is_made_again(
    tmp_path: Path, times: int, means: Means, note: str
) -> None:
    """Another trace that begins at that moment takes it for one that was left; the shell must not end of it."""
    gone = tmp_path / "gone"
    mkdir = tmp_path / "mkdir"
    mkdir.write_text(
        f'#!/bin/sh\n{shutil.which("mkdir")} "$@" || exit\n'
        f'[ "$(wc -c <{gone})" -ge {times} ] || {{ printf x >>{gone}; rmdir "$@"; }}\n'
    )
    mkdir.chmod(0o755)
    gone.touch()
    with _sending():
        code, out, err = _run(MOUNTED + _without("bpftrace") + f"PATH={tmp_path}:$PATH\n")
    trace = parse_trace(Section("trace_events", SectionStatus.COMPLETE, 0, out.encode(), b"", 1))
    assert (code, trace.means, err) == (0, means, "")
    assert any(note in each for each in trace.notes), trace.notes
    assert _left() == []


@traced
def test_hosts_of_one_kernel_trace_beside_each_other() -> None:
    """Containers have the same process ids and the same run: each has instances of its own."""
    run = (
        "for host in 1 2 3; do unshare --pid --fork --mount-proc sh -c 'TRACE_ID=unit TRACE_S=3 exec dash "
        f'"$1"\' sh {FOLDER / "trace_events.sh"} & done; wait'
    )
    done = subprocess.run(_script(MOUNTED, run), capture_output=True, text=True, check=False, timeout=60)
    assert "File exists" not in done.stdout
    assert "removed netaudit-unit" not in done.stdout
    assert "bpftrace failed" not in done.stdout
    assert done.stdout.count("#@ counts") == 3
    assert _left() == []


@traced
def test_another_tracers_buffer_is_left_alone() -> None:
    """Who traces in the buffer of the machine, or in an instance of theirs, finds it as it was."""
    check = (
        f"mkdir {INSTANCES}/unit-other || exit 98\n"
        f"echo 1 >{INSTANCES}/unit-other/events/skb/kfree_skb/enable\n"
        f"state() {{ cat {INSTANCES}/unit-other/events/skb/kfree_skb/enable {INSTANCES}/unit-other/tracing_on "
        "/sys/kernel/tracing/events/skb/kfree_skb/enable /sys/kernel/tracing/tracing_on "
        "/sys/kernel/tracing/buffer_size_kb /sys/kernel/tracing/trace_clock; }\n"
        "before=$(state)\n"
    )
    run = (
        f"TRACE_ID=unit TRACE_S=2 dash {FOLDER / 'trace_events.sh'} >/dev/null; code=$?\n"
        f'[ "$before" = "$(state)" ] || code=97\nrmdir {INSTANCES}/unit-other; exit $code'
    )
    done = subprocess.run(
        _script(MOUNTED + _without("bpftrace") + check, run), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0


@traced
def test_without_a_way_to_mount_it_the_line_says_so(tmp_path: Path) -> None:
    """tracefs not mounted, no unshare(1): what is missing is named, and the probe ends well."""
    before = _without("bpftrace") + "mount -t tmpfs none /sys/kernel/tracing 2>/dev/null\n" + _without("unshare")
    code, out, _ = _run(before)
    trace = parse_trace(Section("trace_events", SectionStatus.COMPLETE, 0, out.encode(), b"", 1))
    assert code == 0
    assert trace.means is Means.NONE
    assert any("it is not mounted, and there is no unshare" in note for note in trace.notes), trace.notes


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be another user")
def test_another_user_is_told_that_it_needs_root() -> None:
    """Exit code 12, at once."""
    command = ["setpriv", "--reuid=65534", "--clear-groups", "dash", "-s"]
    done = subprocess.run(command, input=(FOLDER / "trace_events.sh").read_bytes(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (12, b"tracing needs root\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount")
def test_a_kernel_that_is_locked_down_is_told_apart() -> None:
    """Confidentiality forbids tracing also to root."""
    before = (
        "mount -t tmpfs none /sys/kernel/security || exit 99\n"
        "echo 'none integrity [confidentiality]' >/sys/kernel/security/lockdown\n"
    )
    code, _, err = _run(before)
    assert code == 12
    assert "locked down" in err


def _lines(tmp_path: Path, script: str, match: str, *, seconds: int = 3) -> tuple[LogLines | object, int, str]:
    """What the probe tells of a log while a script writes to it."""
    log = tmp_path / "app's log"
    log.write_text("old timeout\n")
    env = {**os.environ, "TRACE_S": str(seconds), "LOG_FILE": encoded(str(log)), "LOG_MATCH": encoded(match)}
    writer = subprocess.Popen(["sh", "-c", script, "sh", str(log)])
    done = subprocess.run(["dash", str(FOLDER / "log_lines.sh")], env=env, capture_output=True, check=False, timeout=60)
    writer.wait()
    section = Section("log_lines", SectionStatus.COMPLETE, 0, done.stdout, done.stderr, 1)
    found = parse_log_lines(section) if done.stdout else None
    return found, done.returncode, done.stderr.decode()


def test_new_lines_that_match_are_told_with_their_moment(tmp_path: Path) -> None:
    """Quotes, dollars and blanks mean nothing to the shell; what was there before is not told."""
    script = (
        """sleep 0.5; printf '%s\\n' "it's \\$HOME timeout" 'nothing' >>"$1"; sleep 1; echo 'a time(out) b' >>"$1" """
    )
    found, code, _ = _lines(tmp_path, script, r"it's \$HOME time|time\(out\)")
    assert code == 0
    assert isinstance(found, LogLines)
    assert [line.text for line in found.lines] == ["it's $HOME timeout", "a time(out) b"]
    assert found.lines[0].uptime_s < found.lines[1].uptime_s


def test_a_log_that_is_turned_over_or_runs_wild_is_bounded(tmp_path: Path) -> None:
    """A new file under the name is read from its beginning; of a flood the end is looked at, 20 lines a second."""
    script = """sleep 0.5; mv "$1" "$1.1"; yes 'timeout timeout timeout' | head -c 300000 >"$1" """
    found, _, _ = _lines(tmp_path, script, "timeout")
    assert isinstance(found, LogLines)
    assert len(found.lines) <= 20 * 3
    assert len(found.turned_at_s) == 1
    assert found.skipped_bytes > 200_000
    assert found.more_at_s


@pytest.mark.parametrize(
    ("prepare", "match", "code", "said"),
    [
        ("rm -f '{log}'", "x", 11, "no such file"),
        ("rm -f '{log}'; mkfifo '{log}'", "x", 10, "not a regular file"),
    ],
)
def test_a_log_that_cannot_be_read_says_why(tmp_path: Path, prepare: str, match: str, code: int, said: str) -> None:
    """A pipe or a device would block."""
    log = tmp_path / "log"
    subprocess.run(["sh", "-c", prepare.format(log=log)], check=True)
    env = {**os.environ, "TRACE_S": "1", "LOG_FILE": encoded(str(log)), "LOG_MATCH": encoded(match)}
    done = subprocess.run(["dash", str(FOLDER / "log_lines.sh")], env=env, capture_output=True, check=False, timeout=20)
    assert done.returncode == code
    assert said in done.stderr.decode()


def test_a_pattern_that_grep_does_not_take_is_said(tmp_path: Path) -> None:
    """The host's grep judges it."""
    found, code, _ = _lines(tmp_path, "true", "(", seconds=1)
    assert code == 0
    assert "not understood" in str(found)


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("tcpdump") is None, reason="needs root and tcpdump")
def test_headers_are_taken_up_to_the_number_that_was_asked_for() -> None:
    """Connections that are refused on loopback are a SYN and a reset each; nothing is left running."""
    script = (
        "ip link set lo up\n(sleep 1; python3 -c \"import socket\nfor f,a in ((2,'127.0.0.1'),(10,'::1'))*4:\n"
        '  s=socket.socket(f)\n  s.connect_ex((a,9))") &\n'
        f"TRACE_S=6 PCAP_4=4 PCAP_6=2 exec dash {FOLDER / 'pcap_headers.sh'}"
    )
    done = subprocess.run(["unshare", "-n", "sh", "-c", script], capture_output=True, timeout=60, check=False)
    headers = parse_headers(Section("pcap_headers", SectionStatus.COMPLETE, 0, done.stdout, b"", 1))
    assert sorted({one.flags for one in headers}) == ["RST-ACK", "SYN"]
    assert len([one for one in headers if ":" not in one.source]) == 4
    assert len([one for one in headers if ":" in one.source]) == 2


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("tcpdump") is None, reason="needs root and tcpdump")
def test_without_tcpdump_it_is_said() -> None:
    """Exit code 11 with the reason."""
    run = f"TRACE_S=1 PCAP_4=1 PCAP_6=0 exec dash {FOLDER / 'pcap_headers.sh'}"
    done = subprocess.run(_script(_without("tcpdump"), run), capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (11, "tcpdump is not installed\n")


def _until(true: object) -> None:
    """Wait until something is so."""
    end = time.monotonic() + ENDS_WITHIN_S
    while not true():  # type: ignore[operator]  # a callable
        assert time.monotonic() < end
        time.sleep(0.1)


rooted = pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root and unshare(1)")
ON_DEMAND = ("tcp_receive", "netfilter_verdicts", "application_calls", "drop_stacks")
FUNCTIONS = {"tcp_receive": "tcp_v4_do_rcv", "netfilter_verdicts": "nf_hook_slow"}


def _asked(name: str, tmp_path: Path, tools: dict[str, str], *, seconds: int = 1, **env: str) -> tuple[int, str, str]:
    """A probe on demand with these programs before all others; of no text is one that is not there."""
    programs = tmp_path / "bin"
    programs.mkdir()
    known = ("sh", "id", "grep", "sed", "head", "tail", "cut", "printf", "mount", "unshare", "sort", "awk", "sleep")
    for tool in known:
        (programs / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
    for tool, text in tools.items():
        (programs / tool).write_text(f"#!/bin/sh\n{text}\n")
        (programs / tool).chmod(0o755)
    words = {"PATH": str(programs), "TRACE_S": str(seconds), "ROOT": str(tmp_path), **env}
    command = [shutil.which("dash") or "sh", str(FOLDER / f"{name}.sh")]
    done = subprocess.run(command, env=words, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


def _kernel(tmp_path: Path, sign: str, *functions: str) -> None:
    """The files by which a kernel tells of kprobes and of its functions."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "kallsyms").write_text("".join(f"ffffffff81000000 T {name}\n" for name in functions))
    if sign:
        (tmp_path / sign).mkdir(parents=True)


@rooted
@pytest.mark.parametrize("name", ON_DEMAND)
def test_a_probe_without_its_tool_names_it(name: str, tmp_path: Path) -> None:
    """One line, and the exit code for what is not there."""
    code, out, err = _asked(name, tmp_path, {}, CALL_PROGRAM="/bin/sh", CALL_FUNCTION="main")
    assert (code, out) == (11, "")
    assert err.strip() == f"{'perf' if name == 'drop_stacks' else 'bpftrace'} is not installed"


@rooted
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(
    ("sign", "functions", "said"),
    [
        ("", "all", "no kprobes, so"),
        ("sys/bus/event_source/devices/kprobe", "none", "no function"),
        ("sys/kernel/tracing/kprobe_events", "none", "no function"),
        ("proc/sys/debug/kprobes-optimization", "none", "no function"),
    ],
)
def test_what_this_kernel_lacks_is_looked_for_first(
    name: str, sign: str, functions: str, said: str, tmp_path: Path
) -> None:
    """Nothing is loaded: the tool would say that it ran."""
    _kernel(tmp_path, sign, *((FUNCTIONS[name],) if functions == "all" else (f"{FUNCTIONS[name]}_other",)))
    code, out, err = _asked(name, tmp_path, {"bpftrace": "echo attached"})
    assert (code, out) == (11, "")
    assert said in err
    assert FUNCTIONS[name] in err


@rooted
@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_of_a_function_are_counted(name: str, tmp_path: Path) -> None:
    """What bpftrace prints of a kernel with kprobes, refusals among it."""
    _kernel(tmp_path, "sys/bus/event_source/devices/kprobe", FUNCTIONS[name])
    told = "Attaching 3 probes...\nattached\n\n@results[-1]: 4\n@results[1]: 20\n"
    code, out, _ = _asked(name, tmp_path, {"bpftrace": f"cat <<'END'\n{told}\nEND", "cat": 'exec /bin/cat "$@"'})
    assert code == 0
    section = Section(name, SectionStatus.COMPLETE, 0, out.encode(), b"", 1)
    assert parse_seen(section).counts == (
        (f"{FUNCTIONS[name]} returned 1", 20),
        (f"{FUNCTIONS[name]} returned -1", 4),
    )


@rooted
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_tool_that_does_not_attach_is_quoted(name: str, tmp_path: Path) -> None:
    """Its last line, and not its complaint of locked memory."""
    _kernel(tmp_path, "sys/bus/event_source/devices/kprobe", FUNCTIONS[name])
    said = "echo 'ERROR: Could not attach: Operation not permitted'; echo 'WARNING: RLIMIT_MEMLOCK'; exit 1"
    code, out, err = _asked(name, tmp_path, {"bpftrace": said})
    assert (code, out) == (1, "")
    assert err.strip() == "ERROR: Could not attach: Operation not permitted"


needs_uprobes = pytest.mark.skipif(
    bool(WHY_NOT) or not Path("/sys/bus/event_source/devices/uprobe").exists() or shutil.which("bpftrace") is None,
    reason="needs bpftrace, and a kernel with uprobes",
)


@needs_uprobes
def test_a_function_that_a_program_does_not_have_is_said() -> None:
    """Not that it was called no times."""
    code, out, err = _run("export CALL_PROGRAM=/bin/bash CALL_FUNCTION=nofunction", name="application_calls", seconds=1)
    assert (code, out) == (11, "")
    assert "has no function nofunction" in err


@needs_uprobes
def test_calls_of_a_program_are_told_with_their_moment() -> None:
    """By the second, and the first ones with clock and process."""
    with subprocess.Popen(["bash", "-c", "while sleep 0.05; do :; done"]) as caller:
        try:
            before = "export CALL_PROGRAM=/bin/bash CALL_FUNCTION=execute_command_internal"
            code, out, _ = _run(before, name="application_calls", seconds=3)
        finally:
            caller.kill()
    assert code == 0
    seen = parse_seen(Section("application_calls", SectionStatus.COMPLETE, 0, out.encode(), b"", 1))
    assert sum(seen.seconds.values()) > 0
    assert 0 < len(seen.moments_s) <= 200
