"""Completion as shells have it: real bash, zsh and fish, with the inventory, the checks and the runs at hand."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netaudit.cli.catalogue import COMMANDS
from netaudit.cli.main import main
from netaudit.cli.prompt.completing import candidates
from netaudit.cli.prompt.completing_words import split_line

NETAUDIT = Path(sys.executable).with_name("netaudit")
BREAKS = " \t\n\"'@><=;|&(:"
INVENTORY = "[web]\nweb01\nweb02\n[prod]\nweb01\ndb01\n[prod:vars]\nx=1\n"


@pytest.fixture
def here(home, monkeypatch):
    """A directory with an inventory, in which netaudit is on the path."""
    (home / "hosts.ini").write_text(INVENTORY)
    (home / "launch.yaml").write_text("")
    (home / "captures").mkdir()
    monkeypatch.setenv("PATH", f"{NETAUDIT.parent}:/usr/bin:/bin")
    return home


@pytest.fixture
def offered(here):
    """The candidates of a line: ``offered("audit -b ")``."""

    def ask(line: str) -> list[str]:
        words, current = split_line(f"netaudit {line}", BREAKS)
        return [each.text for each in candidates(words, current.text) if each.text.startswith(current.text)]

    return ask


def test_every_command_is_offered(offered):
    """The first word is a command, and ``help`` takes one too."""
    assert {*COMMANDS, "help"} == set(offered(""))
    assert ["capacity", "check"] == sorted(name for name in offered("help c") if name in {"capacity", "check"})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("inventory gr", ["graph"]),
        ("inventory graph -i hosts.ini pr", ["prod"]),
        ("audit -i hosts.ini web0", ["web01", "web02"]),
        ("audit -i hosts.ini 'web:&pr", ["web:&prod"]),
        ("audit -i hosts.ini web01,!d", ["web01,!db01"]),
        ("audit --inventory=hosts.ini --limit=d", ["--limit=db01"]),
        ("audit -ihosts.ini -l web02:w", ["web02:web", "web02:web01", "web02:web02"]),
        ("audit --transport p", ["paramiko"]),
        ("audit --host-key-checking=s", ["--host-key-checking=strict"]),
        ("audit --fail-on h", ["high"]),
        ("audit -b web", ["web-edge"]),
        ("audit --becom", ["--become", "--become-method"]),
        ("check show nic.ring.rx_s", ["nic.ring.rx_size"]),
        ("plan --only ct.ma", ["ct.max"]),
        ("probe show softn", ["softnet"]),
        ("capacity --what-if net.core.somax", ["net.core.somaxconn="]),
        ("outliers --by ker", ["kernel"]),
        ("lab break web01 accept-queue-f", ["accept-queue-full"]),
        ("plan -o ans", ["ansible="]),
        ("diff -o h", ["html", "html="]),
        ("report last -o b", ["baseline", "baseline="]),
        ("capacity -o rem", ["remediations", "remediations="]),
        ("audit -o b", []),
        ("show la", ["last"]),
        ("diff last la", ["last"]),
        ("completion z", ["zsh"]),
        ("config sh", ["show"]),
        ("nonsense x", []),
        ("audit web01 web02", []),
        ("audit -- -", []),
        ("audit --timeout 1", []),
    ],
)
def test_values_are_those_of_the_place(offered, line, expected):
    """What may stand there, and nothing else."""
    assert expected == [text for text in offered(line) if not text.startswith(":")]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("audit -i ", ":files"),
        ("audit --from ", ":dirs"),
        ("vet ", ":files"),
        ("vet a.yaml ", ":files"),
        ("run ", ":files"),
        ("capacity --workload ", ":files"),
    ],
)
def test_paths_are_left_to_the_shell(here, line, kind):
    """Files where files are meant, directories where directories are."""
    words, current = split_line(f"netaudit {line}", BREAKS)
    assert [kind] == [each.text for each in candidates(words, current.text)]


def test_what_has_a_name_is_completed_everywhere(here):
    """Wherever a command takes files, checks, runs and their like, there are some to choose from."""
    named = {"FILE", "DIR", "SOURCE", "CHECK", "ID", "RUN", "RUN1", "RUN2", "FORMAT[=PATH]", "NAME=VALUE", "CAUSE",
             "WHAT", "PLAYBOOK"}  # fmt: skip
    silent = []
    for name in COMMANDS:
        for option in offered_options(name):
            if option.metavar in named and not list(candidates((name, option.option_strings[-1]), "")):
                silent.append((name, option.option_strings))
    assert [] == silent


def offered_options(name):
    """The options of a command, those of its verbs left out."""
    import importlib

    parser = importlib.import_module(f"netaudit.cli.commands.{COMMANDS[name][0]}").parser()
    return [action for action in parser._actions if action.option_strings]


def test_names_are_read_anew_when_a_file_changes(offered, here):
    """What is remembered of an inventory is forgotten with its next change."""
    assert ["db01"] == offered("audit -i hosts.ini db")
    (here / "hosts.ini").write_text(INVENTORY + "db02\n")
    assert ["db01"] == offered("audit -i hosts.ini db")  # db02 stands below [prod:vars]: no host
    (here / "hosts.ini").write_text("db07\n" + INVENTORY)
    assert ["db01", "db07"] == sorted(offered("audit -i hosts.ini db"))


def test_no_program_is_started_by_a_key(offered, here):
    """An executable inventory, even in the default place, is left alone."""
    (here / "inventory").mkdir()
    script = here / "inventory" / "dynamic.sh"
    script.write_text(f"#!/bin/sh\ntouch {here}/was-run\necho '{{}}'\n")
    script.chmod(0o755)
    assert [] == offered("audit web")
    assert [] == offered(f"audit -i {script} web")
    assert not (here / "was-run").exists()


def test_names_that_a_shell_would_run_are_never_offered(here, capsys):
    """A hostile name is no candidate."""
    (here / "hosts.yaml").write_text('all:\n  hosts:\n    "web$(touch owned)": {}\n    "web;x": {}\n    web9: {}\n')
    assert 0 == main(["__complete", "bash", "netaudit audit -i hosts.yaml we", BREAKS])
    assert "web9\thost\n" == capsys.readouterr().out


def test_the_inventory_of_the_settings_counts(offered, here):
    """Without ``-i``, the inventory of netaudit.toml is completed."""
    (here / "netaudit.toml").write_text('[defaults]\ninventory = ["hosts.ini"]\n')
    assert ["db01"] == offered("audit db")


@pytest.mark.parametrize(
    "words",
    [[], ["bash"], ["bash", "x"], ["tcsh", "a"], ["bash", "netaudit audit -i missing.ini w", BREAKS],
     ["zsh", "audit", "-i"], ["fish", "check", "show", "--host"], ["bash", "netaudit audit 'x", BREAKS],
     ["bash", "netaudit audit --from=\udcff", BREAKS], ["fish", "check", "show", "-b", "/dev/null", "x"]],
)  # fmt: skip
def test_it_never_fails(here, words, capsys):
    """Whatever is typed: exit code 0, and nothing on standard error."""
    assert 0 == main(["__complete", *words])
    assert "" == capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "words", "text", "kept", "quote"),
    [
        ("netaudit audit we", ("audit",), "we", "", ""),
        ("netaudit audit --limit=we", ("audit",), "--limit=we", "--limit=", ""),
        ("netaudit audit web:db", ("audit",), "web:db", "web:", ""),
        ("netaudit audit 'web:db", ("audit",), "web:db", "", "'"),
        ('netaudit audit -l "a b" x', ("audit", "-l", "a b"), "x", "", ""),
        ("netaudit audit web:\\&d", ("audit",), "web:&d", "web:", ""),
        ("cd /tmp; netaudit diff ", ("diff",), "", "", ""),
    ],
)
def test_unfinished_lines_are_split_as_bash_does(line, words, text, kept, quote):
    """Quotes, backslashes, word breaks, and only the last command of the line."""
    found, current = split_line(line, BREAKS)
    assert (words, text, kept, quote) == (tuple(found), current.text, current.kept, current.quote)


def typed(shell: list[str], setup: list[str], line: str, where: Path) -> str:
    """The line after TAB has been pressed at its end, in a shell at a terminal of its own."""
    leader, follower = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "PS1": "> ", "HISTFILE": ""}
    child = subprocess.Popen(shell, stdin=follower, stdout=follower, stderr=follower, cwd=where, env=env,
                             start_new_session=True)  # fmt: skip
    os.close(follower)
    said = ""
    try:
        for command in setup:
            os.write(leader, f"{command}; echo re''ady\n".encode())
            said = _until(leader, r"ready\r?\n", "")
        os.write(leader, f"{line}\t".encode())
        _until(leader, re.escape(line.rsplit(maxsplit=1)[-1]) + r"[\s\S]+", "", patient_s=1.5)
        os.write(leader, b"\x01echo 'TYPED<'\x05'>'\n")
        said = _until(leader, r"TYPED<[^\n]*>\r?\n", "")
    finally:
        os.close(leader)
        child.kill()
        child.wait()
    return re.findall(r"TYPED<\s*([^\n]*?)\s*>\r?\n", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]", "", said))[-1]


def _until(leader: int, pattern: str, said: str, patient_s: float = 30.0) -> str:
    """Everything that was printed until the pattern is there, or for so long."""
    deadline = time.monotonic() + patient_s
    while not re.search(pattern, said) and time.monotonic() < deadline:
        if select.select([leader], [], [], 0.1)[0]:
            said += os.read(leader, 65536).decode(errors="replace")
    return said


def asked_of_bash(line: str, where: Path) -> list[str]:
    """What bash itself would offer, through its own completion of the line."""
    script = (
        "source <(netaudit completion bash); compopt() { :; }; COMP_LINE=$1; COMP_POINT=${#1}; "
        '_netaudit netaudit; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "-", line], cwd=where, capture_output=True, text=True, timeout=60
    )
    assert ("", 0) == (done.stderr, done.returncode)
    return done.stdout.split()


def test_bash_completes(here):
    """Commands, values after ``=`` and ``:`` in bash's own cut, and files."""
    assert ["inventory"] == asked_of_bash("netaudit inv", here)
    assert ["high"] == asked_of_bash("netaudit audit --fail-on=h", here)
    assert ["db01"] == asked_of_bash("netaudit audit -i hosts.ini web01:d", here)
    assert ["hosts.ini"] == asked_of_bash("netaudit audit -i ho", here)
    assert ["captures"] == asked_of_bash("netaudit audit --from c", here)


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_completes(here):
    """fish's own completion of a line names what netaudit offers, with what it means."""
    script = "netaudit completion fish | source; complete -C $argv[1]"

    def ask(line: str) -> list[str]:
        done = subprocess.run(["fish", "--no-config", "-c", script, "--", line], cwd=here, capture_output=True,
                              text=True, timeout=60)  # fmt: skip
        assert ("", 0) == (done.stderr, done.returncode)
        return done.stdout.splitlines()

    assert ["graph\tthe tree of groups and hosts"] == ask("netaudit inventory gr")
    assert ["web:&prod\tgroup"] == ask("netaudit audit -i hosts.ini 'web:&pr")
    assert ["hosts.ini"] == [row.split("\t")[0] for row in ask("netaudit audit -i hos")]
    assert ["captures/"] == [row.split("\t")[0] for row in ask("netaudit audit --from cap")]


@pytest.mark.parametrize(
    ("shell", "setup"),
    [
        (["bash", "--norc", "-i"], ["source <(netaudit completion bash)"]),
        (["zsh", "-f", "-i"], ["autoload -U compinit && compinit -u -D", "source <(netaudit completion zsh)"]),
    ],
    ids=["bash", "zsh"],
)
@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("netaudit inventory gr", "netaudit inventory graph"),
        ("netaudit audit -i hosts.ini --limit=d", "netaudit audit -i hosts.ini --limit=db01"),
        ("netaudit check show nic.ring.rx_s", "netaudit check show nic.ring.rx_size"),
        ("netaudit audit -i hos", "netaudit audit -i hosts.ini"),
    ],
)
def test_the_tab_key_completes(here, shell, setup, line, completed):
    """At a terminal, in the shell as people use it."""
    if not shutil.which(shell[0]):
        pytest.skip(f"{shell[0]} is not installed")
    assert completed == typed(shell, setup, line, here)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_what_their_shell_can_read(here, shell):
    """No script has a fault of syntax."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    file = here / "script"
    file.write_bytes(subprocess.run([NETAUDIT, "completion", shell], capture_output=True, check=True).stdout)
    done = subprocess.run([shell, "-n", str(file)], capture_output=True, text=True)
    assert ("", 0) == (done.stderr, done.returncode)
