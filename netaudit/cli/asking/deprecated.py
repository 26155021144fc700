"""Options that have a newer name: they still do what they did, are in no help, and say what to write instead."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from netaudit.cli.guard import say


class Deprecated(argparse.Action):
    """The older name of an option: ``add_argument("--format", action=Deprecated, dest="output", instead="-o")``."""

    def __init__(
        self, option_strings: Sequence[str], dest: str, *, instead: str, choices: Sequence[str] | None = None
    ) -> None:
        super().__init__(option_strings, dest, choices=choices, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        self._instead = instead

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Take the value and say the newer name, on standard error."""
        say(f"warning: {option_string} is deprecated and will be gone in 1.0: write {self._instead} {values}")
        setattr(namespace, self.dest, values)
