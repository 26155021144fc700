"""Help: of every command and verb, in 80 columns and in 120, with examples that can be typed as they stand.

``NETAUDIT_UPDATE_GOLDEN=1 pytest tests/unit/cli/test_help.py`` writes the files anew; read the difference before it is
committed.
"""

from __future__ import annotations

import importlib
import os
import shlex
from pathlib import Path

import pytest

from netaudit.cli.asking.examples import EXAMPLES
from netaudit.cli.catalogue import COMMANDS, PURPOSES

FILES = Path(__file__).resolve().parents[2] / "golden" / "help"


def _verbs():
    for name, (module, _) in COMMANDS.items():
        yield name
        parser = importlib.import_module(f"netaudit.cli.commands.{module}").parser()
        for action in parser._actions:
            if action.choices and hasattr(action, "_choices_actions"):
                yield from (f"{name} {verb}" for verb in action.choices)


EVERY = tuple(_verbs())


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", ["", *EVERY])
def test_help_is_as_it_was_last_read(call, monkeypatch, name, columns):
    """The whole text, in the width of the terminal."""
    monkeypatch.setenv("COLUMNS", str(columns))
    said = call(*name.split(), "--help")
    assert (0, "") == (said.code, said.err)
    assert max(map(len, said.out.splitlines())) <= columns
    path = FILES / f"{name.replace(' ', '-') or 'netaudit'}-{columns}.txt"
    if os.environ.get("NETAUDIT_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(said.out)
    assert path.read_text() == said.out


def test_no_help_is_kept_of_a_command_that_is_gone():
    """Every file is of a command that there is."""
    wanted = {f"{name.replace(' ', '-') or 'netaudit'}-{width}.txt" for name in ("", *EVERY) for width in (80, 120)}
    assert wanted == {path.name for path in FILES.iterdir()}


@pytest.mark.parametrize("name", EVERY)
def test_every_command_has_examples(name):
    """One to four, each beginning with what the command is called."""
    lines = [line for line, _ in EXAMPLES[name]]
    assert 1 <= len(lines) <= 4
    assert all(f"netaudit {name.split()[0]}" in line for line in lines)


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line, _ in lines])
def test_examples_can_be_typed(home, line):
    """The parser of the command takes every example."""
    words = [word for word in shlex.split(line.partition(" > ")[0]) if not word.startswith("NETAUDIT_")]
    if words[1] not in COMMANDS:
        pytest.skip(f"{words[1]} is not there")
    parser = importlib.import_module(f"netaudit.cli.commands.{COMMANDS[words[1]][0]}").parser()
    parser.parse_args(words[2:])


def test_help_takes_a_command(call):
    """``netaudit help check show`` is ``netaudit check show --help``."""
    assert call("check", "show", "--help") == call("help", "check", "show")
    assert call("--help") == call("help")
    assert "there is no command 'adit'; did you mean 'audit'?" in call("help", "adit").err


def test_every_command_has_a_purpose(call):
    """No command is lost between the groups of the usage, and none is in two."""
    placed = [name for names in PURPOSES.values() for name in names]
    assert len(placed) == len(set(placed))
    assert set(COMMANDS) <= set(placed)
    listed = [row.split()[0] for row in call("--help").out.splitlines() if row.startswith("  ")]
    assert sorted(COMMANDS) == sorted(listed)
