"""How ``--help`` looks: a usage of one line, long names beside short ones, as wide as the terminal (to 100 columns)."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from collections.abc import Iterable

NARROWEST, WIDEST = 60, 100
_INDENT = 30


def columns() -> int:
    """The width of help texts: that of the terminal, 80 where there is none."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((80, 24)).columns))


class HelpFormatter(argparse.HelpFormatter):
    """argparse's formatter, the same under every version of Python."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=_INDENT, width=columns())

    def _split_lines(self, text: str, width: int) -> list[str]:
        """Lines that break between words only: ``linux-server`` and ``--from`` stay whole."""
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """The description, broken in the same way."""
        return textwrap.fill(
            " ".join(text.split()), width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        )

    def _format_usage(
        self, usage: str | None, actions: Iterable[argparse.Action], groups: Iterable[object], prefix: str | None
    ) -> str:
        """``usage: netaudit audit [OPTIONS] [PATTERN]``: the options are listed below, each with what it does."""
        if usage is not None or prefix == "":  # the second is how argparse asks for the name of a sub-command
            return super()._format_usage(usage, actions, groups, prefix)  # type: ignore[arg-type]  # as received
        listed = list(actions)
        needed = [each for each in listed if each.option_strings and each.required]
        words = [f"{each.option_strings[-1]} {each.metavar}" for each in needed]
        words += [_positional(each) for each in listed if not each.option_strings]
        return " ".join(["usage:", self._prog, "[OPTIONS]", *words]) + "\n\n"

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """``-i, --inventory SOURCE``, rather than the argument once for each name."""
        if not action.option_strings:
            return super()._format_action_invocation(action)
        argument = "" if action.nargs == 0 else f" {self._format_args(action, self._argument(action))}"
        return ", ".join(action.option_strings) + argument

    def _argument(self, action: argparse.Action) -> str:
        if action.metavar is None and action.choices is not None:
            return "|".join(map(str, action.choices))
        return action.dest.upper()


def _positional(action: argparse.Action) -> str:
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.nargs == argparse.PARSER:
        return f"{name} …"
    return {"?": f"[{name}]", "*": f"[{name} …]", "+": f"{name} …"}.get(str(action.nargs), name)
