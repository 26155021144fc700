"""Settings: who wins, what is said when one is wrong, what no file may say, and where each value comes from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from netaudit.cli.settings.configuring import ON_COMMAND_LINE_ONLY, SETTINGS


@pytest.fixture
def project(home, monkeypatch):
    """Writes the project's file; the working directory is a folder below it."""
    folder = home / "project"
    (folder / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(folder / "deep" / "er")

    def write(text: str) -> Path:
        (folder / "netaudit.toml").write_text(text)
        return folder / "netaudit.toml"

    return write


@pytest.fixture
def user(home):
    """Writes the user's file."""

    def write(text: str) -> Path:
        path = home / ".config" / "netaudit" / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


@pytest.fixture
def shown(call):
    """What ``config show`` tells: ``shown("fix")["forks"]`` is a value and its place."""

    def ask(*words: str) -> dict[str, tuple[object, str]]:
        said = call("config", "show", *words, "-o", "json")
        assert (0, "") == (said.code, said.err)
        return {row["setting"]: (row["value"], row["from"]) for row in json.loads(said.out)}

    return ask


def test_without_settings_everything_is_built_in(shown):
    """Where nothing is said, the values are those of the command."""
    found = shown()
    assert (32, "built-in") == found["forks"]
    assert {"built-in"} == {place for _, place in found.values()}


def test_the_nearer_wins(shown, project, user, monkeypatch):
    """Environment over project over user over built-in, each value with its place."""
    user('[defaults]\nforks = 1\nuser = "u"\ntimeout = "5s"\n')
    project('# ours\n[defaults]\nforks = 2\nuser = "p"\n')
    monkeypatch.setenv("NETAUDIT_FORKS", "3")
    found = shown()
    assert (3, "$NETAUDIT_FORKS") == found["forks"]
    assert "p" == found["user"][0]
    assert found["user"][1].endswith("project/netaudit.toml:4")
    assert (5.0, "~/.config/netaudit/config.toml:4") == found["timeout"]
    assert ("linux-server", "built-in") == found["baseline"]


def test_the_command_line_wins(call, project):
    """Also over lists, which it replaces and does not add to, and over counts."""
    project('[defaults]\ninventory = ["a,b,"]\nverbose = 2\n')
    assert "a\nb\n" == call("inventory", "hosts").out
    assert "c\n" == call("inventory", "hosts", "-i", "c,").out
    assert "c\nd\n" == call("inventory", "hosts", "-i", "c,", "-i", "d,").out


def test_a_table_of_a_command_is_for_that_command(shown, project):
    """``[fix]`` beats ``[defaults]`` of the same file, for fix alone."""
    project('[fix]\nforks = 4\nsoak = "9s"\n[defaults]\nforks = 7\n')
    assert 4 == shown("fix")["forks"][0]
    assert shown("fix")["soak"][1].endswith(":3 [fix]")
    assert 7 == shown("audit")["forks"][0]


def test_paths_are_meant_from_the_file(call, project):
    """An inventory named in the project's file is found from below, a baseline's name stays a name."""
    path = project('[defaults]\ninventory = ["hosts.ini"]\nbaseline = "web-edge"\n')
    (path.parent / "hosts.ini").write_text("web1\n")
    assert "web1\n" == call("inventory", "hosts").out
    assert (0, "") == call("check", "list")[::2]


def test_reports_are_written_from_the_file(shown, project, user):
    """``output`` of a project's file stays below it; the user's own may go anywhere."""
    path = project('[audit]\noutput = ["console", "json=reports/last.json"]\n')
    assert ["console", f"json={path.parent}/reports/last.json"] == shown()["output"][0]
    path.unlink()
    user('[audit]\noutput = ["json=/srv/last.json"]\n')
    assert ["json=/srv/last.json"] == shown()["output"][0]


def test_a_required_option_may_be_a_setting(call, project):
    """``capacity`` needs a workload; the project can name it."""
    project('[capacity]\nworkload = "launch.yaml"\n[defaults]\ninventory = ["a,"]\n')
    said = call("capacity", "--no-history")
    assert 2 == said.code
    assert "project/launch.yaml" in said.err


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[defaults]\nfroks = 3\n", "netaudit.toml:2: there is no setting 'froks' (did you mean 'forks'?)"),
        ("[defualts]\nforks = 3\n", "netaudit.toml:2: there is no table [defualts] (did you mean 'defaults'?)"),
        ("\nforks = 3\n", "netaudit.toml:2: forks stands outside of a table (put it below [defaults])"),
        ('[defaults]\nforks = "many"\n', "netaudit.toml:2: forks: 'many' is not a whole number above zero"),
        ("[defaults]\nforks = true\n", "netaudit.toml:2: forks is true or false (a whole number)"),
        ("[defaults]\nforks = [1]\n", "netaudit.toml:2: forks is a list (a whole number)"),
        ("[defaults]\n\nuser = 3\n", "netaudit.toml:3: user is a number (a text)"),
        ('[defaults]\nbecome = "yes"\n', "netaudit.toml:2: become is 'yes' (true or false)"),
        ("[defaults]\nverbose = -1\n", "netaudit.toml:2: verbose is a number (a whole number from 0 to 9)"),
        ("[defaults]\ninventory = [1]\n", "netaudit.toml:2: inventory is a list (a text or a list of texts)"),
        ('[defaults]\ntransport = "telnet"\n', "netaudit.toml:2: transport cannot be 'telnet' (one of asyncssh, "),
        ('[defaults]\ntimeout = "soon"\n', "netaudit.toml:2: timeout: 'soon' is not a duration"),
        ("[defaults]\ntimeout = 2026-11-20\n", "netaudit.toml:2: timeout is a date or a time (a text)"),
        ("[defaults]\nforks = \n", "netaudit.toml: is not TOML: Invalid value (at line 2"),
        ('[defaults]\n"host-key-checking" = "off"\n', "netaudit.toml:2: host keys are left unchecked only by the com"),
        ("[defaults]\nhost_key_checking = 'off'\n", "netaudit.toml:2: host keys are left unchecked only by the com"),
        ("[fix]\nyes = true\n", "netaudit.toml:2: yes is said on the command line only (--yes)"),
        ('[audit]\noutput = ["json=/etc/x"]\n', "netaudit.toml:2: output: /etc/x is not below /"),
        ('[audit]\noutput = ["json=../x"]\n', "netaudit.toml:2: output: ../x is not below /"),
        ('[fix]\ngate = "rm -rf /"\n', "netaudit.toml:2: gate is said on the command line only (--gate)"),
        ('[fix]\nallow = ["reboot"]\n', "netaudit.toml:2: allow is said on the command line only (--allow)"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(call, project, text, complaint):
    """Whatever command runs next, and before it does anything."""
    project(text)
    for words in (("history",), ("audit", "-i", "a,")):
        said = call(*words)
        assert (2, "") == (said.code, said.out)
        assert complaint in said.err


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("NETAUDIT_HOST_KEY_CHECKING", "off", "$NETAUDIT_HOST_KEY_CHECKING: host keys are left unchecked only"),
        ("NETAUDIT_YES", "1", "$NETAUDIT_YES: yes is said on the command line only"),
        ("NETAUDIT_FORKS", "x", "$NETAUDIT_FORKS: forks: 'x' is not a whole number above zero"),
        ("NETAUDIT_BECOME", "maybe", "$NETAUDIT_BECOME: become is 'maybe' (true or false)"),
    ],
)
def test_a_wrong_variable_is_named(call, monkeypatch, name, value, complaint):
    """As a wrong line of a file is."""
    monkeypatch.setenv(name, value)
    said = call("history")
    assert 2 == said.code
    assert complaint in said.err


def test_a_variable_takes_a_flag_back(shown, project, monkeypatch):
    """``become = true`` of the project is undone by the environment."""
    project("[defaults]\nbecome = true\n")
    assert shown()["become"][0] is True
    monkeypatch.setenv("NETAUDIT_BECOME", "no")
    assert (False, "$NETAUDIT_BECOME") == shown()["become"]


def test_variables_of_others_are_left_alone(shown, monkeypatch):
    """What a service of the same name, or the gate of a remediation, puts there is no setting."""
    for name in ("NETAUDIT_PORT", "NETAUDIT_SERVICE_HOST", "NETAUDIT_HOSTS", "NETAUDIT_RUN"):
        monkeypatch.setenv(name, "tcp://192.0.2.1:80")
    assert {"built-in"} == {place for _, place in shown().values()}


def test_a_slip_in_a_variable_is_told(call, monkeypatch):
    """A variable that is nearly a setting does not pass in silence."""
    monkeypatch.setenv("NETAUDIT_FORK", "3")
    assert "$NETAUDIT_FORK is no setting and does not count (did you mean $NETAUDIT_FORKS?)" in call("history").err


def test_help_is_given_where_a_file_is_wrong(call, project):
    """Whoever has to put it right can read how."""
    project("[defaults]\nforks = nonsense\n")
    assert 2 == call("audit", "-i", "a,").code
    for words in (("audit", "--help"), ("help", "config"), ("completion", "bash")):
        assert (0, "") == (call(*words).code, call(*words).err)


def test_files_can_be_left_out(shown, project, monkeypatch):
    """``NETAUDIT_NO_CONFIG`` is for scripts that must not depend on where they run."""
    project("[defaults]\nforks = 2\n")
    monkeypatch.setenv("NETAUDIT_NO_CONFIG", "1")
    assert 32 == shown()["forks"][0]


@pytest.mark.skipif(os.geteuid() == 0 and not hasattr(os, "chown"), reason="needs chown")
def test_a_file_that_others_can_write_does_not_count(call, project):
    """Nobody else's defaults: as in a directory that all can write to."""
    path = project("[defaults]\nforks = 2\n")
    path.chmod(0o666)
    said = call("config", "show", "-o", "json")
    assert "is not read: others than you can write it" in said.err
    assert 32 == {row["setting"]: row["value"] for row in json.loads(said.out)}["forks"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_a_file_of_another_user_does_not_count(call, project):
    """Somebody else's netaudit.toml in /tmp changes nothing of ours."""
    path = project("[defaults]\nforks = 2\n")
    os.chown(path, 65534, 65534)
    said = call("config", "show", "-o", "json")
    assert "is not read" in said.err
    assert 32 == {row["setting"]: row["value"] for row in json.loads(said.out)}["forks"]


def test_every_setting_is_an_option_of_some_command(shown):
    """No setting is accepted that nobody reads; nothing that must be typed is among them."""
    from netaudit.cli.catalogue import COMMANDS

    found = set()
    for name in COMMANDS:
        found |= shown(name).keys()
    assert set(SETTINGS) == found
    assert not set(SETTINGS) & set(ON_COMMAND_LINE_ONLY)


def test_the_page_looks_as_people_read_it(call, project):
    """A row a setting, with its origin."""
    project('[defaults]\nforks = 2\ninventory = ["hosts.ini"]\n')
    rows = call("config", "show").out.splitlines()
    assert ["SETTING", "VALUE", "FROM"] == rows[0].split()
    assert ["forks", "2", "~/project/netaudit.toml:2"] == next(row.split() for row in rows if row.startswith("forks"))
    assert rows[1].endswith("~/project/netaudit.toml:3")
    assert "there is no command 'audt' (did you mean 'audit'?)" in call("config", "show", "audt").err


def test_the_version_reads_no_file(home):
    """``--version`` neither looks for settings nor imports what reads them, and fails over none."""
    (home / "netaudit.toml").write_text("nonsense")
    script = "import sys; from netaudit.cli.main import main; main(['--version']); print(sorted(sys.modules))"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=home, check=True)
    assert "tomllib" not in said.stdout
    assert "configuring" not in said.stdout
