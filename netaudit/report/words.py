"""How a summary is set, and the border at which text that came from anywhere is made printable for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from netaudit.fleet.names import fold_within
from netaudit.fleet.standing import Standing
from netaudit.report.page import Role, Row, Span
from netaudit.report.sanitise import ascii_only, printable
from netaudit.report.signs import UNICODE, Signs

MARGIN = 11  # columns of the labels
GAP = 2  # between columns
EVIDENCE_CHARS = 200
ADVICE_CHARS = 300
_NAME_CHARS = 100  # of one host
NO_LABEL = Span("")
NO_BREAK = "\xa0"  # between words that stay together


@dataclass(frozen=True, slots=True)
class Options:
    """How a summary is set. ``why`` gives the reason of each check by its id; ``standing`` since when it fails."""

    columns: int = 80
    signs: Signs = UNICODE
    verbose: bool = False
    why: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    standing: Standing | None = None

    @property
    def body_columns(self) -> int:
        """The columns beside the margin."""
        return max(20, self.columns - MARGIN - GAP)


class Words:
    """Makes text that came from anywhere printable on the terminal of these options."""

    __slots__ = ("_options",)

    def __init__(self, options: Options) -> None:
        self._options = options

    def say(self, text: str, limit: int = EVIDENCE_CHARS) -> str:
        """The text, printable and not longer than ``limit``."""
        said = printable(text, limit)
        return ascii_only(said) if self._options.signs.plain else said

    def hosts(self, names: Sequence[str]) -> str:
        """The names, folded; all of them only when asked."""
        names = [name if len(name) <= _NAME_CHARS else f"{name[:_NAME_CHARS]}…" for name in names]
        if self._options.verbose:
            folded = fold_within(names, 1_000_000)
        else:
            folded = fold_within(names, self._options.body_columns)
        shown, ellipsis, left = self.say(folded, 1_000_000).rpartition(f"{self._options.signs.ellipsis} ")
        return shown + ellipsis.replace(" ", NO_BREAK) + left.replace(" more", f"{NO_BREAK}more") if ellipsis else left


def count(number: int, noun: str) -> str:
    """``1 host``, ``2,000 hosts``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def hosts_label(number: int) -> Span:
    """``37 hosts``, in the margin."""
    return Span(f"{number} host" if number == 1 else f"{number} hosts", Role.FAINT)


def text_row(label: str, text: str, remark: str = "") -> Row:
    """Text under a faint label, with a faint remark behind it."""
    return Row(Span(label, Role.FAINT), (Span(text), Span(remark, Role.FAINT)) if remark else (Span(text),))
