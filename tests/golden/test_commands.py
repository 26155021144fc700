"""What every command prints, as it was last looked at, on a terminal of 80 and one of 120 columns.

``NETAUDIT_UPDATE_GOLDEN=1 pytest tests/golden/test_commands.py`` writes the files anew; read the difference before it
is committed. Commands that contact hosts are taken in the lab, by tests/integration/cli/test_terminal.py; of the
others hosts are recorded answers. What is different each time is masked by something that is as long.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import itertools
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from netaudit.app import audit, diagnose
from netaudit.cli.catalogue import COMMANDS
from netaudit.cli.changing import planning
from netaudit.cli.main import main
from netaudit.cli.past import remembering
from netaudit.cli.reading import auditing, examination
from netaudit.errors import ErrorKind, Phase
from netaudit.model.probe import HostError
from netaudit.model.result import HostReport, HostStatus, RunInfo, Summary
from netaudit.model.target import Target
from netaudit.report.lists import DoctorRow, Health
from netaudit.transport.capture_dir import CaptureDirWriter

HERE = Path(__file__).parent
FILES = HERE / "commands"
CLI_TESTS = HERE.parent / "integration" / "cli"
STARTED = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOSTS = """\
all:
  children:
    web:
      hosts:
        web01: {ansible_host: 192.0.2.1, netaudit_vars: {queue: 8192}}
        web02: {}
        web03: {}
        web04: {}
        web05: {}
    prod:
      hosts: {web01: {}}
"""
BASELINE = """\
baseline: site
title: What we expect of our hosts
vars: {queue: 4096}
checks: {include: []}
define:
  - id: site.keepalive
    title: Idle connections are probed before our firewall forgets them
    layer: transport
    kind: setting
    severity: medium
    why: Our firewall forgets a connection after 15 minutes without a packet, and tells nobody.
    derive: Half of the firewall's time, so that one lost probe does no harm.
    value: sysctl['net.ipv4.tcp_keepalive_time']
    unit: seconds
    expect: {at_most: 450}
    fix: Set net.ipv4.tcp_keepalive_time to at most 450.
    sources: ["kernel: Documentation/networking/ip-sysctl.rst"]
  - id: site.accept_queue
    title: The kernel's cap on every accept queue
    layer: listener
    kind: setting
    severity: high
    why: A burst of clients meets a full queue, and handshakes are dropped.
    value: sysctl['net.core.somaxconn']
    unit: connections
    expect: {at_least: "{{ vars.queue }}"}
    fix: Set net.core.somaxconn to at least {{ vars.queue }}, then reload the services that listen.
  - id: site.receive_buffer
    title: Datagrams wait for a reader that is busy
    layer: transport
    kind: setting
    severity: low
    why: What does not fit is dropped.
    value: sysctl['net.core.rmem_max']
    unit: bytes
    expect: {at_least: 1MiB}
    fix: Set net.core.rmem_max to at least 1 MiB.
waivers:
  - check: site.receive_buffer
    hosts: web03
    reason: it sends and receives nothing by UDP
    approver: A. Person
    ticket: NET-17
    expires: 2099-12-31
    value: 212992
"""
WORKLOAD = """\
workload: launch
title: The front end on the day of the launch
loads:
  - name: https
    hosts: web
    kind: inbound
    port: 80
    new_connections: {mean: 3000/s, burst: 5000/s, burst_for: 30s}
    concurrent_connections: 100000
    accept_pause: 500ms
    rtt: {median: 40ms, p99: 200ms}
    closes_first: 100%
    request: 2kB
    response: 20kB
    keep_alive: false
    tls: false
"""
PLAYBOOK = """\
- name: Front ends
  hosts: web01
  baseline: site.yaml
- name: Nobody here
  hosts: cache
- name: Everybody
  hosts: all
  baseline: site.yaml
"""
SETTINGS = '[defaults]\ninventory = ["/srv/fleet/hosts.yaml"]\nforks = 64\ntimeout = "90s"\n\n[fix]\nsoak = "1m"\n'
FROM = "--from captures -i hosts.yaml --no-progress --no-history"
# What is printed -> the command line. In a file of the first 60 lines stands what is no page: JSON and shell text.
CAPTURES = {
    "audit": f"audit {FROM} -b site.yaml",
    "audit-verbose": f"audit {FROM} -b site.yaml -v",
    "capacity": f"capacity web {FROM} --workload launch.yaml",
    "diagnose": "diagnose --from captures --from later -i hosts.yaml --no-progress --no-history",
    "outliers": "outliers --from captures -i hosts.yaml --no-progress",
    "plan": "plan --from captures --no-progress --only tcp.accept_queue.somaxconn",
    "vet": "vet",
    "facts": f"facts web01 {FROM.removesuffix(' --no-history')}",
    "bundle": "bundle",
    "bundle-show": "bundle --show",
    "probe-list": "probe list",
    "probe-show": "probe show softnet",
    "probe-run": "probe run softnet --from captures --no-progress",
    "check-list": "check list -b site.yaml",
    "check-show": "check show site.keepalive -b site.yaml",
    "check-show-of-a-host": "check show site.accept_queue -b site.yaml --host web01 --from captures --no-progress",
    "baseline-lint": "baseline lint site.yaml",
    "baseline-show": "baseline show site.yaml",
    "baseline-from-sysctl": "baseline from-sysctl 60-site.conf",
    "lab-causes": "lab causes --dir lab",
    "inventory-list": "inventory list -i hosts.yaml",
    "inventory-graph": "inventory graph -i hosts.yaml",
    "inventory-hosts": "inventory hosts web:!web02 -i hosts.yaml",
    "inventory-host": "inventory host web01 -i hosts.yaml",
    "run": f"run plays.yaml {FROM}",
    "history": "history",
    "history-of-a-check": "history --check site.*",
    "history-prune": "history prune --keep 90d --dry-run",
    "history-export": "history export last handed-on.run",
    "history-import": "history import received.run",
    "show": "show last",
    "show-capacity": "show {capacity}",
    "diff": "diff {before} {after}",
    "report": "report last -o markdown",
    "doctor": "doctor -i hosts.yaml",
    "completion": "completion bash",
    "completion-fish": "completion fish",
    "completion-zsh": "completion zsh",
}
NO_PAGES = {"facts", "bundle-show", "probe-show", "probe-run", "completion", "completion-fish", "completion-zsh"}
LINES = 12  # of what is no page: JSON, shell text, what a host printed
MASKS = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "5f" * 32),
    (re.compile(r"(?<=  )[0-9a-f]{16}(?=  )"), "5f" * 8),
    (re.compile(r"^[0-9.]+ KiB, ", re.MULTILINE), "45.6 KiB, "),
    (re.compile(r"\b[0-9.,]+ MB\b"), "0.1 MB"),
    (re.compile(r"^as pinned  [0-9-]{10}", re.MULTILINE), "as pinned  2026-06-01"),
    (re.compile(r"digest +[0-9a-f]{12}"), lambda found: found[0][:-12] + "5f" * 6),
    (re.compile(r"netaudit[ /](\d+\.\d+\.\d+)"), lambda found: found[0].replace(found[1], "1.2.3")),
)
EXAMINED = (
    DoctorRow("netaudit", Health.GOOD, "1.2.3 on Python 3.11.7, Linux"),
    DoctorRow("open files", Health.GOOD, "1048576 of 1048576: 1048512 hosts at a time, 349504 through a ProxyCommand"),
    DoctorRow("agent", Health.WARN, "none: SSH_AUTH_SOCK is not set"),
    DoctorRow("known_hosts", Health.BAD, "214 keys in /home/me/.ssh/known_hosts; /home/me/.ssh/known_hosts:7: the key "
              "is not valid base64 of a public key; the line is skipped"),
)  # fmt: skip


def module_at(path: Path) -> ModuleType:
    """A module of the tests, which are no packages to import from."""
    spec = importlib.util.spec_from_file_location(f"{path.stem}_for_captures", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for it
    spec.loader.exec_module(module)
    return module


def _later(seconds: int, text: bytes) -> bytes:
    """What the kernel says of the time since boot, so many seconds later."""
    return re.sub(rb"(?<=#@ /proc/uptime\n)([0-9]+)", lambda found: b"%d" % (int(found[0]) + seconds), text)


def _overflowing(text: bytes) -> bytes:
    """The same counters after 446 handshakes were dropped at a full accept queue."""
    names, values = list(re.finditer(rb"^netstat:TcpExt: (.*)$", text, re.MULTILINE))[:2]
    numbers = values[1].split()
    for place, name in enumerate(names[1].split()):
        if name in {b"ListenOverflows", b"ListenDrops"}:
            numbers[place] = b"%d" % (int(numbers[place]) + 446)
    return text[: values.start(1)] + b" ".join(numbers) + text[values.end(1) :]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    """Two collections of the same hosts, ten seconds apart. The queue of web01 is short, overflows, and is mended."""
    kit = module_at(CLI_TESTS / "conftest.py")
    folder = tmp_path_factory.mktemp("recorded")
    short = kit.substituting((b"net/core/somaxconn <==\n4096", b"net/core/somaxconn <==\n128"))
    for name, seconds, edits in (
        ("captures", 0, {"web01": {"sysctl": short}, "web05": {}}),
        ("later", 10, {"web01": {"counters": _overflowing}, "web04": {"sysctl": short}, "web05": None}),
    ):
        at = STARTED + timedelta(seconds=seconds)
        captures = []
        for number in range(1, 6):
            host = f"web0{number}"
            changed = edits.get(host, {})
            error = HostError(ErrorKind.REFUSED, "nothing listens on that port", Phase.CONNECT, "is sshd running?")
            made = {"system": partial(_later, seconds), **(changed or {})}
            captures.append(kit.recorded(host, made, error=error if changed is None else None))
        targets = [Target(capture.host, capture.address) for capture in captures]
        run = RunInfo("20260601-120000-0000", "collect", at, "0")
        writer = CaptureDirWriter(folder / name, targets)
        writer.started(run, [target.name for target in targets])
        for position, capture in enumerate(captures):
            writer.host_done(
                position,
                HostReport(capture.host, "", HostStatus.ERROR if capture.error else HostStatus.OK, capture.error, 0.1),
                replace(capture, started_at=at),
            )
        writer.finished(run, Summary(), ())
    return folder


class Frozen(datetime):
    """The time of day, an hour later each time that it is asked for."""

    asked = 0

    @classmethod
    def now(cls, tz=None):
        """See ``datetime.now``."""
        cls.asked += 1
        return STARTED + timedelta(hours=cls.asked)


RUNS = (
    "audit --from captures -i hosts.yaml -b site.yaml -q",
    "audit --from later -i hosts.yaml -b site.yaml -q",
    "capacity web --from captures -i hosts.yaml --workload launch.yaml -q",
    "diagnose --from captures --from later -i hosts.yaml -q",
    "audit --from later -i hosts.yaml -b site.yaml -q",
)
NAMES = {
    "before": "20260601-130000-0003",
    "after": "20260601-140000-0003",
    "capacity": "20260601-150000-0003",
    "diagnosis": "20260601-160000-0003",
}  # of the runs, by what they are for


@contextlib.contextmanager
def at_a_known_time(hours: int = 0) -> Iterator[None]:
    """Runs begin an hour apart, take 0.4 s, and have names that are known beforehand."""
    steps = itertools.count()
    with pytest.MonkeyPatch.context() as patch:
        Frozen.asked = hours
        for module in (auditing, remembering, planning):
            patch.setattr(module, "datetime", Frozen)
        patch.setattr(auditing, "secrets", SimpleNamespace(token_hex=lambda _size: "3f2a"))
        for module in (audit, diagnose):
            patch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(steps) * 0.4))
        patch.setattr(examination, "examine", lambda: iter(EXAMINED))
        yield


def lay_out(patch: pytest.MonkeyPatch, folder: Path, recorded: Path, home: Path) -> None:
    """Make a folder a project, the current directory, and the only place that anything is read from."""
    for name in [name for name in os.environ if name.startswith("NETAUDIT_") and name != "NETAUDIT_UPDATE_GOLDEN"]:
        patch.delenv(name)
    for name in ("XDG_CONFIG_HOME", "NO_COLOR", "ANSIBLE_INVENTORY", "SSH_AUTH_SOCK"):
        patch.delenv(name, raising=False)
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        patch.setenv(name, str(home))
    patch.chdir(folder)
    for name in ("captures", "later"):
        (folder / name).symlink_to(recorded / name)
    texts = {"hosts.yaml": HOSTS, "site.yaml": BASELINE, "launch.yaml": WORKLOAD, "plays.yaml": PLAYBOOK}
    texts["60-site.conf"] = "# a busy front end\nnet.core.somaxconn = 4096\n-net.ipv4.tcp_sack=1\n"
    for name, text in texts.items():
        (folder / name).write_text(text)


@pytest.fixture(scope="module")
def recorded_runs(recorded, tmp_path_factory) -> Path:
    """A home whose history has two audits, a capacity check, a diagnosis and an audit; one of them exported."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch, at_a_known_time():
        lay_out(patch, folder, recorded, home)
        for line in RUNS:
            assert main(line.split()) in {0, 1, 3}
        assert 0 == main(["history", "export", "last", "received.run", "--captures", "-q"])
    shutil.copy(folder / "received.run", home)
    return home


@pytest.fixture
def project(recorded, recorded_runs, tmp_path, monkeypatch) -> Iterator[Path]:
    """A directory with an inventory, rules and recorded answers, and a home that knows of past runs."""
    home, folder = tmp_path / "home", tmp_path / "project"
    shutil.copytree(recorded_runs, home)
    folder.mkdir()
    lay_out(monkeypatch, folder, recorded, home)
    with at_a_known_time(hours=len(RUNS)):
        yield folder


def compare(name: str, columns: int, text: str) -> None:
    """The text is what was last looked at."""
    path = FILES / f"{name}-{columns}.txt"
    if os.environ.get("NETAUDIT_UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text


def shown(name: str, out: str, err: str) -> str:
    """What stands on a terminal in the end, without what is different each time."""
    lines = out.splitlines()
    if name in NO_PAGES and len(lines) > LINES:
        lines = [*(line[:200] for line in lines[:LINES]), f"… and {'many' if len(lines) > 99 else 'some'} lines more"]
    if err:
        lines += ["", "[standard error]", *err.splitlines()]
    text = "\n".join(lines) + "\n"
    for pattern, mask in MASKS:
        text = pattern.sub(mask, text)
    return text


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", CAPTURES)
def test_commands_look_as_they_did(project, monkeypatch, capsys, name, columns):
    """Everything that they print; what is a page is not wider than the terminal."""
    if name == "history-import":  # somewhere else, where the run is not known
        (project.parent / "home" / "netaudit").rename(project.parent / "home" / "elsewhere")
    if name == "history-prune":
        Frozen.asked += 24 * 90 - 3
    shutil.copy(project.parent / "home" / "received.run", project)
    capsys.readouterr()
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(CAPTURES[name].format(**NAMES).split()) in {0, 1, 3, 2 if name == "doctor" else 0}
    said = capsys.readouterr()
    text = shown(name, said.out, said.err)
    compare(name, columns, text)
    page = said.out.splitlines() if name not in NO_PAGES | {"report", "baseline-show"} else []
    assert max(map(len, page), default=0) <= columns


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", ["audit", "fix"])
def test_settings_look_as_they_did(project, monkeypatch, capsys, command, columns):
    """The table of settings, with what comes from the environment and from a file."""
    (project / "netaudit.toml").write_text(SETTINGS)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NETAUDIT_FORKS", "8")
    assert 0 == main(["config", "show", command])
    compare(f"config-show-{command}", columns, capsys.readouterr().out)


@pytest.mark.parametrize("columns", [80, 120])
def test_an_empty_history_looks_as_it_did(project, monkeypatch, capsys, columns):
    """Before there is any run."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("XDG_STATE_HOME", str(project / "nowhere"))
    assert 0 == main(["history"])
    table, said = capsys.readouterr()
    compare("history-empty", columns, table)
    assert said == "netaudit: no run has been stored yet; netaudit audit makes one\n"
    assert 0 == main(["history", "--host", "web99"])
    assert "netaudit: no run matches\n" == capsys.readouterr().err
    assert 0 == main(["history", "--quiet"])
    assert "" == capsys.readouterr().err


def leaves() -> Iterator[str]:
    """Every command and verb that does something by itself, as files are named after it."""
    for name, (module, _) in COMMANDS.items():
        parser = importlib.import_module(f"netaudit.cli.commands.{module}").parser()
        verbs = [action for action in parser._actions if action.choices and hasattr(action, "_choices_actions")]
        if not any(action.required for action in verbs):
            yield name
        yield from (f"{name}-{verb}" for action in verbs for verb in action.choices)


def test_every_command_is_a_golden_file_at_both_widths():
    """Here, or in the lab; and no file is of anything that is not taken any more."""
    live = module_at(CLI_TESTS / "test_terminal.py").CAPTURES
    taken = {*CAPTURES, *live, "config-show-audit", "config-show-fix", "history-empty"}
    assert set(leaves()) - {"config-show"} <= taken
    assert {f"{name}-{columns}.txt" for name in taken for columns in (80, 120)} == {
        each.name for each in FILES.iterdir()
    }
