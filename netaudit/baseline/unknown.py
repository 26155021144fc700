"""The third value: what happens when an expression meets a fact that is not there.

``Unknown`` is raised where a value is needed and there is none. It travels up to the nearest place that can still
decide (``and``, ``or``, ``any``, ``all``, ``is present``, a claim), else it becomes the verdict *unknown*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from netaudit.model.reading import Absent, AbsentReason


class Unknown(Exception):  # it is a value of the logic more than an error
    """No value, because of an absent fact; ``what`` names it.

    ``in_words`` says the reason in a rule's own words, where a rule itself refuses to draw a conclusion.
    """

    __slots__ = ("absent", "in_words", "what")

    def __init__(self, absent: Absent, what: str = "", *, in_words: bool = False) -> None:
        super().__init__()
        self.absent = absent
        self.what = what
        self.in_words = in_words

    def again(self) -> Unknown:
        """A new one with the same reason; raising one twice would make its traceback grow."""
        return Unknown(self.absent, self.what, in_words=self.in_words)

    @property
    def reason(self) -> str:
        """One line for a person: ``needs root … (facts.conntrack.entry_bytes)``."""
        if self.in_words:
            return self.absent.detail
        return f"{self.absent} ({self.what})" if self.what else str(self.absent)


def not_understood(detail: str, what: str = "") -> Unknown:
    """What is raised when values are there and do not fit together."""
    return Unknown(Absent(AbsentReason.NOT_UNDERSTOOD, detail), what)


def not_present(detail: str, what: str = "") -> Unknown:
    """What is raised when a thing is known not to be there."""
    return Unknown(Absent(AbsentReason.NOT_PRESENT, detail), what)


IS_MISSING = frozenset({AbsentReason.NOT_PRESENT, AbsentReason.NOT_APPLICABLE})


def decide(answers: Iterable[Callable[[], bool]], *, deciding: bool) -> bool:
    """Three-valued ``or`` (``deciding`` true) or ``and`` (false) over answers that are asked for in order.

    One deciding answer decides, whatever is unknown beside it. Raises the first Unknown when nothing decides and
    something is unknown.
    """
    unknown: Unknown | None = None
    for answer in answers:
        try:
            if answer() is deciding:
                return deciding
        except Unknown as reason:
            unknown = unknown or reason
    if unknown is not None:
        raise unknown
    return not deciding
