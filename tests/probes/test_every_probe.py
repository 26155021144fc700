"""What holds for every probe: it is portable, it reads and nothing else, and it keeps its hands off secrets."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from netaudit.facts.domains import DOMAINS, domains_of
from netaudit.facts.snapshot import value_of
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason
from netaudit.wire.head import parse_probe

ENDINGS = {
    0: SectionStatus.COMPLETE,
    10: SectionStatus.NOT_APPLICABLE,
    11: SectionStatus.NOT_PRESENT,
    12: SectionStatus.NOT_PERMITTED,
}
SECRETS = re.compile(
    r"shadow|/\.ssh|ssh_host_|authorized_keys|/environ$|fastopen_key|stable_secret|rss_key|private|\.pem$|/sudoers"
)
# Asked for by a library or a shell itself, or written by a kernel that only counts.
HARMLESS_WRITES = re.compile(r'"/dev/(null|tty)"|/proc/self/task/[0-9]+/attr|"pipe:')
WRITING = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND)|creat\(")
FORBIDDEN_CALLS = (
    "unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir", "link", "linkat", "symlink",
    "symlinkat", "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "truncate", "ftruncate",
    "mount", "umount2", "mknod", "mknodat", "sethostname", "settimeofday", "clock_settime", "init_module",
    "finit_module", "delete_module", "reboot", "swapon", "setxattr", "utimensat", "kill", "tkill", "tgkill",
)  # fmt: skip
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def section_of(probe: Path, done: subprocess.CompletedProcess[bytes]) -> Section:
    """What a payload would have brought of this run."""
    return Section(probe.stem, ENDINGS[done.returncode], done.returncode, done.stdout, done.stderr, 1)


def labels(text: bytes) -> set[str]:
    """The labels and reasons of an answer, without the numbers of processes and namespaces in them."""
    lines = text.decode("utf-8", "replace").split("\n")
    return {re.sub(r"[0-9]+", "N", line) for line in lines if line.startswith(("#@ ", "#! "))}


def test_head_is_complete(probe):
    """The head names the file, says in a sentence what it is for, and declares its bounds and its cost."""
    head = parse_probe(probe.read_text(encoding="utf-8"), probe.name)
    assert head.id == probe.stem
    assert head.summary.endswith(".")
    assert head.reads
    assert 0 < head.timeout_s <= 30
    assert 0 < head.max_bytes <= 4 * 2**20
    assert head.cost_cpu_ms > 0


def test_syntax_is_known_to_every_shell(probe, every_shell, host):
    """The file parses in dash, bash and busybox ash."""
    command = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "ash"]}[every_shell]
    done = subprocess.run([*command, "-n", str(probe)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_has_nothing_to_say(probe):
    """No warning is left that is not silenced with a reason."""
    done = subprocess.run(["shellcheck", "-s", "sh", str(probe)], capture_output=True, text=True)
    assert done.stdout == ""


def test_answer_is_understood(probe, every_shell, host):
    """In every shell the probe ends in one of its words and within its size, and the parsers understand it."""
    done = host.run(probe, every_shell)
    head = parse_probe(probe.read_text(encoding="utf-8"), probe.name)
    assert done.returncode in ENDINGS, done.stderr.decode()
    assert len(done.stdout) <= head.max_bytes
    assert b"not found" not in done.stderr
    for name in domains_of(probe.stem):
        value = value_of(section_of(probe, done), DOMAINS[name].parse)
        assert not (isinstance(value, Absent) and value.reason is AbsentReason.NOT_UNDERSTOOD), value


def test_answer_of_busybox_is_understood(probe, host, busybox_path):
    """With nothing but busybox the probe says what it can, and what is not there."""
    done = replace(host, path=busybox_path).run(probe, "busybox")
    assert done.returncode in ENDINGS, done.stderr.decode()
    assert b"unrecognized option" not in done.stderr
    assert b"invalid option" not in done.stderr
    for name in domains_of(probe.stem):
        value = value_of(section_of(probe, done), DOMAINS[name].parse)
        assert not (isinstance(value, Absent) and value.reason is AbsentReason.NOT_UNDERSTOOD), value


def test_other_users_are_answered(probe, host):
    """Without root the probe ends in one of its words too, and says what it was refused."""
    if not host.apart:
        pytest.skip("needs root to become another user")
    done = replace(host, user="65534").run(probe)
    assert done.returncode in ENDINGS, done.stderr.decode()
    for name in domains_of(probe.stem):
        value = value_of(section_of(probe, done), DOMAINS[name].parse)
        assert not (isinstance(value, Absent) and value.reason is AbsentReason.NOT_UNDERSTOOD), value


def test_shells_agree_on_the_labels(probe, host):
    """Every shell prints the same parts, and gives the same reasons."""
    installed = [name for name in ("dash", "bash", "busybox") if shutil.which(name)]
    answers = {name: labels(host.run(probe, name).stdout) for name in installed}
    assert all(answer == answers[installed[0]] for answer in answers.values()), answers


def test_standard_input_is_left_alone(probe, every_shell, host):
    """The probe reads nothing of what stands on standard input, which could be the rest of a payload."""
    done = host.run(probe, every_shell, after='IFS= read -r line; printf "\\n%s" "$line"', stdin="the rest\nand more\n")
    assert done.stdout.endswith(b"\nthe rest")


def test_nothing_of_this_machine_shows_in_another_tree(probe, tmp_path, host):
    """With ROOT at an empty tree, and no tools that ask the kernel, there is nothing to tell but that it is missing."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for tool in ("grep", "cat", "awk", "ls", "head", "tr", "sed", "cut", "sort", "uname"):
        (programs / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
    root = tmp_path / "root"
    root.mkdir()
    done = replace(host, path=str(programs), variables={"ROOT": str(root)}).run(probe)
    assert done.returncode in ENDINGS, done.stderr.decode()
    told = [line for line in done.stdout.decode().split("\n") if line and not line.startswith(("#@ ", "#! "))]
    assert not told


@needs_strace
def test_it_only_reads(probe, tmp_path, host):
    """No file is opened for writing, created, renamed or removed; nothing is mounted, loaded, signalled or set."""
    trace = tmp_path / "trace"
    calls = ",".join(("open", "openat", "creat", *FORBIDDEN_CALLS))
    wrapper = ("strace", "-f", "-qq", "-o", str(trace), "-e", f"trace=?{calls.replace(',', ',?')}", "-s", "300")
    replace(host, wrapper=wrapper).run(probe)
    done = trace.read_text(errors="replace").split("\n")
    assert any("openat(" in line for line in done)
    called = re.compile(rf" ({'|'.join(FORBIDDEN_CALLS)})\(")
    writes = [line for line in done if WRITING.search(line) and not HARMLESS_WRITES.search(line)]
    writes += [line for line in done if called.search(line) and "exited with" not in line]
    assert writes == []
    opened = re.findall(r'open(?:at)?\((?:AT_FDCWD, )?"([^"]*)"', "\n".join(done))
    assert [path for path in opened if SECRETS.search(path)] == []


@needs_strace
def test_programs_are_as_few_as_the_head_says(probe, tmp_path, host):
    """A host with little to tell starts no more programs than the head declares."""
    if not host.apart:
        pytest.skip("needs a host of its own to count on")
    trace = tmp_path / "trace"
    wrapper = ("strace", "-f", "-qq", "-o", str(trace), "-e", "trace=execve")
    replace(host, wrapper=wrapper).run(probe)
    started = [
        line for line in trace.read_text().split("\n") if re.search(r"execve\(.* = 0$|execve resumed.* = 0$", line)
    ]
    head = parse_probe(probe.read_text(encoding="utf-8"), probe.name)
    assert len(started) - 1 <= head.cost_processes


def test_text_speaks_of_no_secret(probe):
    """No probe names a file of keys or passwords, or prints the environment, outside its comments."""
    code = [line for line in probe.read_text(encoding="utf-8").split("\n") if not line.lstrip().startswith("#")]
    for line in code:
        assert not re.search(r"/etc/g?shadow|\.ssh/|ssh_host_|sudoers|printenv|\benv\b|<[^ ]*environ", line), line
