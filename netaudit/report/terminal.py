"""Pages on a terminal, by rich. Only Text objects are handed to it, so that nothing is ever read as markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from netaudit.fleet.fold import Folded
from netaudit.model.result import FleetFinding, RunInfo
from netaudit.report.page import Block, Role, Spans
from netaudit.report.setting import page_lines
from netaudit.report.signs import ASCII, Signs, signs_for
from netaudit.report.tables import Table, table_lines
from netaudit.report.text import summary_page
from netaudit.report.words import Options

PLAIN_COLUMNS = 80  # where no terminal says how wide it is
WIDEST_COLUMNS = 120  # longer lines are hard to read

STYLES: Mapping[Role, str] = {
    Role.CRITICAL: "bold red",
    Role.HIGH: "red",
    Role.MEDIUM: "yellow",
    Role.LOW: "cyan",
    Role.INFO: "blue",
    Role.TITLE: "bold",
    Role.VALUE: "",
    Role.HOSTS: "",
    Role.TEXT: "",
    Role.FAINT: "dim",
    Role.GOOD: "green",
    Role.WARN: "yellow",
    Role.BAD: "bold red",
}


def console_for(stream: TextIO, color: str, environment: Mapping[str, str]) -> Console:
    """The console of a stream. ``color`` is ``auto``, ``always`` or ``never``; a plain one writes no escapes at all."""
    terminal = stream.isatty() and environment.get("TERM", "dumb") != "dumb"
    colored = color == "always" or (color == "auto" and terminal and not environment.get("NO_COLOR"))
    columns = environment.get("COLUMNS", "")
    stated = int(columns) if columns.isascii() and columns.isdigit() and int(columns) >= 20 else None
    return Console(
        file=stream,
        color_system=("auto" if terminal else "standard") if colored else None,
        force_terminal=terminal or color == "always",
        force_jupyter=False,
        force_interactive=terminal,
        width=stated if terminal or stated else PLAIN_COLUMNS,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        no_color=False,  # NO_COLOR is decided here: --color always beats it
    )


def signs_of(console: Console, environment: Mapping[str, str]) -> Signs:
    """The signs that its stream can carry; ASCII as well when the locale asks for it by ``LC_ALL=C``."""
    if environment.get("LC_ALL") in {"C", "POSIX"}:
        return ASCII
    return signs_for(console.encoding)


def options_for(
    console: Console, environment: Mapping[str, str], *, verbose: bool = False, why: Mapping[str, str] | None = None
) -> Options:
    """How a summary is set on this console."""
    columns = min(console.width, WIDEST_COLUMNS)
    return Options(columns=columns, signs=signs_of(console, environment), verbose=verbose, why=why or {})


def render_summary(run: RunInfo, folded: Folded, fleet: Sequence[FleetFinding], options: Options) -> Text:
    """The summary of a run, to print on a console."""
    return render_page(summary_page(run, folded, fleet, options), options)


def print_summary(
    console: Console, run: RunInfo, folded: Folded, fleet: Sequence[FleetFinding], options: Options
) -> None:
    """Print the summary of a run."""
    print_text(console, render_summary(run, folded, fleet, options))


def print_text(console: Console, text: Text) -> None:
    """Print text whose lines are already broken: nothing is wrapped, padded or cut."""
    console.print(text, soft_wrap=True)


def render_page(blocks: Sequence[Block], options: Options) -> Text:
    """The page as rich's text, already broken into lines."""
    return Text("\n").join(text_of(line) for line in page_lines(blocks, options))


def render_table(table: Table, options: Options) -> Text:
    """The table as rich's text, already broken into lines."""
    return Text("\n").join(text_of(line) for line in table_lines(table, options.columns))


def text_of(spans: Spans) -> Text:
    """The spans as rich's text, each in the style of its role."""
    text = Text(no_wrap=True, overflow="ignore")
    for span in spans:
        text.append(span.text, STYLES[span.role])
    return text
