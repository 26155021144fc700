"""The command as a user starts it, each time in a home of its own, and recorded answers of hosts that tests change."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from netaudit.lab import HostPlan, network
from netaudit.model.probe import Capture, HostError, Section, SectionStatus
from netaudit.model.result import HostReport, HostStatus, RunInfo, Summary
from netaudit.model.target import Target
from netaudit.transport.capture_dir import CaptureDirWriter

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests" / "cases"
SCHEMAS = ROOT / "netaudit" / "report" / "schema"
GENEROUS_S = 150  # no command takes nearly as long, but for one that hangs


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    def json(self) -> dict:
        """Standard output, all of it, as one JSON value."""
        return json.loads(self.out)

    def lines(self) -> list[dict]:
        """Standard output as a JSON value a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Netaudit:
    """Runs the command; what it has started is gone after the test, whatever happens."""

    home: Path
    cache: Path
    environment: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen] = field(default_factory=list)

    @property
    def state(self) -> Path:
        """Where past runs are kept."""
        return self.home / "state"

    def env(self, changes: Mapping[str, str | None]) -> dict[str, str]:
        """The environment of a command; None takes a variable out."""
        plain = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.state),
            "XDG_CACHE_HOME": str(self.cache),
            "LC_ALL": "C.UTF-8",
        }
        for name, value in changes.items():
            plain.pop(name, None)
            if value is not None:
                plain[name] = value
        return plain

    def start(self, *words: object, env: Mapping[str, str | None] | None = None, before=(), **options):
        """Start the command in a session of its own."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        command = [*map(str, before), sys.executable, "-m", "netaudit", *map(str, words)]
        process = subprocess.Popen(
            command, env=self.env(env or {}), cwd=options.pop("cwd", self.home), start_new_session=True, **options
        )
        self.started.append(process)
        return process

    def __call__(self, *words: object, code: int | None = 0, answer: str | None = None, **options) -> Done:
        """Run the command to its end. No traceback is ever seen; ``code`` is the exit code that is expected."""
        if answer is not None:
            options["stdin"] = subprocess.PIPE
        process = self.start(*words, **options)
        out, err = process.communicate(answer.encode() if answer is not None else None, timeout=GENEROUS_S)
        done = Done(process.returncode, (out or b"").decode(), (err or b"").decode())
        assert "Traceback" not in done.out + done.err
        assert code in (None, done.code), f"exit code {done.code}\n{done.err[-2000:]}\n{done.out[-2000:]}"
        return done

    def at_a_terminal(self, words: Sequence[object], question: bytes, answer: str) -> tuple[int, str]:
        """Run it at a pseudo-terminal and answer each question; the exit code and all that was seen."""
        leader, follower = pty.openpty()
        process = self.start(*words, stdin=follower, stdout=follower, stderr=follower)
        os.close(follower)
        seen, asked = b"", 0
        with suppress(OSError):  # the end of a terminal
            while piece := os.read(leader, 65536):
                seen += piece
                if seen.count(question) > asked:
                    asked += 1
                    os.write(leader, f"{answer}\n".encode())
        os.close(leader)
        return process.wait(timeout=GENEROUS_S), seen.decode()

    def stop_all(self) -> None:
        """End every command that still runs, with what it has started."""
        for process in self.started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory):
    """The cache of compiled rules: one for all tests, as for all runs of a user."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def netaudit(tmp_path, cache_folder):
    """The command, in a home that is empty."""
    home = tmp_path / "home"
    home.mkdir()
    command = Netaudit(home, cache_folder)
    yield command
    command.stop_all()


@pytest.fixture(scope="session")
def session_netaudit(tmp_path_factory, cache_folder):
    """The command for fixtures that many tests share."""
    command = Netaudit(tmp_path_factory.mktemp("home"), cache_folder)
    yield command
    command.stop_all()


@pytest.fixture(scope="session")
def published():
    """Validates against the JSON Schemas that netaudit publishes: ``published("audit-1", value)``."""
    texts = {path.stem: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
    registry = Registry().with_resources((text["$id"], Resource.from_contents(text)) for text in texts.values())

    def validate(name: str, value: object) -> None:
        Draft202012Validator(texts[name], registry=registry).validate(value)

    return validate


# What the recorded host was: one that is in order, but for what is said below.
RECORDED = {
    "sysctl": "debian-root",
    "counters": "debian-root",
    "sockets": "debian-root",
    "nics": "debian-root",
    "softnet": "debian-root",
    "qdisc": "debian-root",
    "routes": "debian-root",
    "conntrack": "debian-root",
    "firewall": "empty",
    "system": "debian-root",
    "persisted": "debian-root",
    "writers": "debian-root",
    "namespaces": "none",
    "kernel_log": "quiet",
    "tracing": "debian-root",
}

Edit = Callable[[bytes], bytes]


def recorded(name: str, edits: Mapping[str, Edit] | None = None, *, error: HostError | None = None) -> Capture:
    """The answer of a host as it was recorded, with the output of some probes edited."""
    sections = []
    for probe, case in RECORDED.items():
        stdout = (CASES / probe / case / "stdout").read_bytes()
        stdout = (edits or {}).get(probe, bytes)(stdout)
        sections.append(Section(probe, SectionStatus.COMPLETE, 0, stdout, b"", 1))
    started = datetime(2026, 6, 1, 12, tzinfo=UTC)
    answered = () if error else tuple(sections)
    return Capture(name, "192.0.2.1", "0" * 64, started, 0.1, answered, error)


def substituting(*pairs: tuple[bytes, bytes]) -> Edit:
    """An edit that puts one text in the place of another, each of which must be there."""

    def edit(text: bytes) -> bytes:
        for old, new in pairs:
            assert old in text, f"{old!r} was not recorded"
            text = text.replace(old, new)
        return text

    return edit


@pytest.fixture
def stored(tmp_path):
    """Writes captures as ``netaudit collect`` does: ``stored(recorded("web1"), …, groups={"web1": ("web",)})``."""
    written = iter(range(100))

    def write(*captures: Capture, groups: Mapping[str, tuple[str, ...]] | None = None) -> Path:
        folder = tmp_path / f"captures{next(written)}"
        targets = [
            replace(Target(capture.host, capture.address), groups=(groups or {}).get(capture.host, ()))
            for capture in captures
        ]
        run = RunInfo("20260601-120000-0000", "collect", datetime(2026, 6, 1, 12, tzinfo=UTC), "0")
        writer = CaptureDirWriter(folder, targets)
        writer.started(run, [target.name for target in targets])
        for position, capture in enumerate(captures):
            status = HostStatus.OK if capture.error is None else HostStatus.ERROR
            report = HostReport(capture.host, capture.address, status, capture.error, 0.1)
            writer.host_done(position, report, capture)
        writer.finished(run, Summary(), ())
        return folder

    return write


@pytest.fixture(scope="session")
def host():
    """Recorded answers: ``host("web1", {"sysctl": substituting((b"…", b"…"))})``."""
    return recorded


@pytest.fixture(scope="session")
def edit():
    """An edit of what a probe printed: ``edit((b"old", b"new"), …)``."""
    return substituting


def eventually(check: Callable[[], object], within_s: float = 30.0) -> bool:
    """Whether something comes true within a generous time; it is looked at every few milliseconds."""
    deadline = time.monotonic() + within_s
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@dataclass(frozen=True)
class LabHost:
    """One running host of the lab, seen from this machine."""

    plan: HostPlan
    namespace: str

    def processes(self) -> dict[int, str]:
        """Command lines of everything that runs there, by process id on this machine."""
        found = {}
        for pid in network.pids_in([self.namespace]):
            with suppress(OSError):
                found[pid] = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
        return found

    @property
    def init(self) -> int:
        """Its first process."""
        for pid in network.pids_in([self.namespace]):
            with suppress(OSError):
                words = re.search(r"^NSpid:(.*)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
                if words and words[1].split()[1:] == ["1"]:
                    return pid
        raise LookupError(f"{self.plan.name} does not run")

    def inside(self, script: str, *words: object) -> str:
        """What a shell in all its namespaces prints."""
        command = ["nsenter", "-t", str(self.init), "-m", "-n", "-u", "-p", "sh", "-euc", script, "sh"]
        done = subprocess.run([*command, *map(str, words)], capture_output=True, text=True, timeout=60)
        assert 0 == done.returncode, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def lab_hosts(lab_fleet):
    """The running hosts of the lab by name."""
    lab, plans = lab_fleet
    return {
        name: LabHost(plan, f"{lab.prefix}{place:03d}") for place, (name, plan) in enumerate(plans.items()) if plan.runs
    }


@pytest.fixture
def slow_host(lab_hosts):
    """A host of the lab on which one program never ends, so that whoever asks it is in the middle of its answer."""
    host = lab_hosts["web03"]
    host.inside(
        "printf '#!/bin/sh\\nexec sleep 4321\\n' >/run/slow; chmod 755 /run/slow; "
        'mount --bind /run/slow "$(command -v ss)"'
    )
    yield host
    host.inside('umount "$(command -v ss)"; rm /run/slow')


@pytest.fixture(scope="session")
def kit():
    """The functions of this file that tests call themselves: test folders are no packages to import from."""
    return SimpleNamespace(eventually=eventually, root=ROOT, LabHost=LabHost)


@pytest.fixture(scope="session")
def patient():
    """Options for a busy machine, where a host may take long to answer and is not at fault for it."""
    return ("--connect-timeout", "60s", "--timeout", "140s")
