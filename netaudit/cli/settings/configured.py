"""Prints the settings of a command with their places."""

from __future__ import annotations

import argparse
import importlib
import os
from dataclasses import dataclass
from pathlib import Path

from netaudit.cli.here import here
from netaudit.cli.settings import configuring
from netaudit.cli.settings.configuring import Said
from netaudit.errors import UsageError

BUILT_IN = "built-in"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of one command."""

    name: str
    value: object
    place: str


def show(args: argparse.Namespace) -> int:
    """Print every setting that the command has."""
    from netaudit.fleet.jsonable import dumps

    command = args.command or "audit"
    rows = settings(command)
    if args.output == "json":
        print(dumps([{"setting": row.name, "value": row.value, "from": row.place} for row in rows]))
        return 0
    from netaudit.cli.telling.pages import Pages
    from netaudit.report.page import Role, Span
    from netaudit.report.tables import Column, Table

    lines = tuple((Span(row.name, Role.HOSTS), Span(_text(row.value)), Span(row.place)) for row in rows)
    Pages(args).print_table(Table((Column("SETTING"), Column("VALUE", grows=True), Column("FROM")), lines))
    return 0


def settings(command: str) -> tuple[Setting, ...]:
    """The settings of a command. Raises UsageError for a command that there is not, and for what is said wrong."""
    from netaudit.cli.catalogue import COMMANDS

    if command not in COMMANDS:
        from netaudit.baseline.nearest import did_you_mean

        raise UsageError(f"there is no command {command!r}", hint=did_you_mean(command, tuple(COMMANDS)))
    parser: argparse.ArgumentParser = importlib.import_module(f"netaudit.cli.commands.{COMMANDS[command][0]}").parser()
    said = configuring.configured(parser, command)
    found = []
    for name in configuring.SETTINGS:
        action = configuring.option_anywhere(parser, name)
        if action is not None:
            found.append(_setting(name, action, said.get(name)))
    return tuple(found)


def _setting(name: str, action: argparse.Action, said: Said | None) -> Setting:
    if said is None:
        return Setting(name, action.default, BUILT_IN)
    return Setting(name, configuring.converted(action, said), _place(said))


def _place(said: Said) -> str:
    path = Path(said.where.file)
    root = here()
    near = str(path.relative_to(root)) if path.is_absolute() and path.is_relative_to(root) else str(path)
    home = os.environ.get("HOME", "")
    if home.startswith("/") and near.startswith(home + "/"):
        near = "~" + near.removeprefix(home)
    table = f" [{said.table}]" if said.table != configuring.DEFAULTS else ""
    return (f"{near}:{said.where.line}" if said.where.line else near) + table


def _text(value: object) -> str:
    """A value as it is written on a command line; nothing at all is a dash."""
    if value is None or value == [] or value == "":
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}s"
    return str(value)
