"""Pins of reviewed remediations: kept in ``$XDG_CONFIG_HOME/netaudit/pins.json``, beside the shipped ones."""

from __future__ import annotations

import argparse
import getpass
import os
from datetime import UTC, datetime
from pathlib import Path

from netaudit.assets.locate import locate
from netaudit.assets.remediations import known_names, parsed, read_pins, shipped_files, shipped_pins, write_pins
from netaudit.assets.textfile import read_bytes
from netaudit.baseline.load import Problems
from netaudit.cli.asking.rules import ruleset_of
from netaudit.cli.changing.planning import pins_path
from netaudit.cli.guard import say
from netaudit.cli.reading.auditing import warner
from netaudit.cli.telling.pages import Pages
from netaudit.errors import PlanError
from netaudit.remedy.pins import Pin, demand_pinned, difference, pin_of
from netaudit.report.page import Span
from netaudit.report.tables import Column, Table
from netaudit.report.words import Words

_PATH_CHARS = 4_096


def list_pins(args: argparse.Namespace) -> int:
    """Print every pin, the shipped ones first, and whether its file is as it was reviewed."""
    pins = {**shipped_pins(locate()), **read_pins(pins_path(os.environ))}
    pages = Pages(args)
    words = Words(pages.options)
    root = locate().playbooks
    rows = tuple(
        tuple(
            Span(words.say(cell, _PATH_CHARS))
            for cell in (_state(path, pin), f"{pin.when:%Y-%m-%d}", pin.who, _below(path, root))
        )
        for path, pin in pins.items()
    )
    columns = Column("STATE"), Column("PINNED"), Column("BY", grows=True), Column("FILE", grows=True)
    pages.print_table(Table(columns, rows))
    return 0


def _below(path: str, root: Path) -> str:
    """A shipped file by its place among what netaudit ships; `netaudit doctor` says where that is."""
    return str(Path(path).relative_to(root)) if Path(path).is_relative_to(root) else path


def _state(path: str, pin: Pin) -> str:
    try:
        demand_pinned(path, Path(path).read_bytes(), {path: pin})
    except PlanError:
        return "altered"
    except OSError:
        return "gone"
    return "as pinned"


def pin_files(args: argparse.Namespace) -> int:
    """Pin each file after showing what changed since its last pin. Raises RuleError for one that is not valid."""
    path = pins_path(os.environ)
    pins = read_pins(path)
    known = known_names(ruleset_of(args, warner(args)), locate())
    now = datetime.now(UTC)
    for name in args.files:
        data = read_bytes(Path(name))
        problems = Problems([])
        found = parsed(data, name, known, problems)
        if problems.found:
            for error in problems.found[:-1]:
                say(str(error))
            raise problems.found[-1]
        full = str(Path(name).absolute())
        before = pins.get(full)
        pin = pin_of(full, data, args.who or _user(), now)
        if before is not None and before.sha256 == pin.sha256:
            say(f"{name}: is pinned as it is, by {before.who} on {before.when:%Y-%m-%d}")
            continue
        for line in difference(before, data) if before is not None else ():
            say(line)
        pins[full] = pin
        ids = ", ".join(each.id for each in found)
        say(f"{name}: pinned by {pin.who}, sha256 {pin.sha256[:16]}…: {ids or 'no remediation'}")
    write_pins(path, pins.values())
    return 0


def check_files(args: argparse.Namespace) -> int:
    """Raises PlanError for the first file that is not pinned as it is; a shipped one may be named as well."""
    assets = locate()
    pins = {**shipped_pins(assets), **read_pins(pins_path(os.environ))}
    for name in args.files:
        demand_pinned(str(Path(name).absolute()), read_bytes(Path(name)), pins)
    return 0


def unpin_files(args: argparse.Namespace) -> int:
    """Take the pins of some files away. Raises PlanError for one that is not pinned, or is shipped."""
    path = pins_path(os.environ)
    pins = read_pins(path)
    shipped = {str(file.absolute()) for file in shipped_files(locate())}
    for name in args.files:
        full = str(Path(name).absolute())
        if full in shipped:
            raise PlanError(f"{name} is shipped with netaudit, and comes pinned")
        if pins.pop(full, None) is None:
            raise PlanError(f"{name} is not pinned")
    write_pins(path, pins.values())
    return 0


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
