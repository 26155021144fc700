"""What listing commands print, as it was last looked at, on a narrow and on a wide terminal.

``NETAUDIT_UPDATE_GOLDEN=1 pytest tests/golden/test_commands.py`` writes the files anew; read the difference before it
is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from netaudit.cli.main import main

FILES = Path(__file__).parent / "commands"
HOSTS = """\
all:
  children:
    web:
      hosts:
        web01: {ansible_host: 192.0.2.1, netaudit_vars: {new_conn_per_s: 5000}}
        web02: {}
    prod:
      hosts: {web01: {}}
"""
BASELINE = """\
baseline: site
title: What we expect of our hosts
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
"""
SETTINGS = '[defaults]\ninventory = ["/srv/fleet/hosts.yaml"]\nforks = 64\ntimeout = "90s"\n\n[fix]\nsoak = "1m"\n'
COMMANDS = {
    "inventory-graph": "inventory graph -i hosts.yaml",
    "inventory-list": "inventory list -i hosts.yaml",
    "inventory-hosts": "inventory hosts web:!web02 -i hosts.yaml",
    "inventory-host": "inventory host web01 -i hosts.yaml",
    "baseline-lint": "baseline lint site.yaml",
    "baseline-from-sysctl": "baseline from-sysctl 60-site.conf",
    "check-list": "check list -b site.yaml",
    "check-show": "check show site.keepalive -b site.yaml",
    "lab-causes": "lab causes --dir lab",
    "history-empty": "history",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A directory with an inventory, a baseline and a sysctl.conf, and a home without settings."""
    for name in [name for name in os.environ if name.startswith("NETAUDIT_") and name != "NETAUDIT_UPDATE_GOLDEN"]:
        monkeypatch.delenv(name)
    for name in ("XDG_CONFIG_HOME", "NO_COLOR", "ANSIBLE_INVENTORY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts.yaml").write_text(HOSTS)
    (tmp_path / "site.yaml").write_text(BASELINE)
    (tmp_path / "60-site.conf").write_text("# a busy front end\nnet.core.somaxconn = 4096\n-net.ipv4.tcp_sack=1\n")
    return tmp_path


def _compare(name: str, text: str) -> None:
    path = FILES / f"{name}.txt"
    if os.environ.get("NETAUDIT_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", COMMANDS)
def test_listing_commands_look_as_they_did(project, monkeypatch, capsys, name, columns):
    """Standard output as a whole; nothing is wider than the terminal, but for JSON and YAML, which are no pages."""
    monkeypatch.setenv("COLUMNS", str(columns))
    assert 0 == main(COMMANDS[name].split())
    said = capsys.readouterr()
    assert "" == said.err
    _compare(f"{name}-{columns}", said.out)
    assert max(map(len, said.out.splitlines()), default=0) <= columns


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", ["audit", "fix"])
def test_settings_look_as_they_did(project, monkeypatch, capsys, command, columns):
    """The table of settings, with what comes from the environment and from a file."""
    (project / "netaudit.toml").write_text(SETTINGS)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NETAUDIT_FORKS", "8")
    assert 0 == main(["config", "show", command])
    _compare(f"config-show-{command}-{columns}", capsys.readouterr().out)
