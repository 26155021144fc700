"""The command inside this process: for what needs no signals, streams or sessions of its own."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from netaudit.cli.main import main


class Said(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory):
    """The cache of compiled rules that all tests share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def home(tmp_path, monkeypatch, cache_folder):
    """An empty home that is the working directory as well."""
    for name in (
        "SSH_AUTH_SOCK",
        "ANSIBLE_INVENTORY",
        "ANSIBLE_CONFIG",
        "NO_COLOR",
        "COLUMNS",
        "LC_ALL",
        "XDG_CONFIG_HOME",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_folder))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(home, capsys):
    """Runs a command line: ``call("audit", "-i", "web1,")``."""

    def run(*words: str) -> Said:
        try:
            code = main(words)
        except SystemExit as ended:
            code = ended.code
        return Said(code, *capsys.readouterr())

    return run
