"""The events of a watch as lines of text: when, where, what became of what. One line each, whatever it holds."""

from __future__ import annotations

from datetime import UTC, datetime

from netaudit.fleet.events import FINDINGS, Event, EventKind, severities_text
from netaudit.fleet.spread import Plain
from netaudit.model.result import Severity, Summary
from netaudit.report.page import Role, Span, Spans
from netaudit.report.sanitise import ascii_only, printable
from netaudit.report.signs import UNICODE, Signs
from netaudit.report.values import expected_text, value_text
from netaudit.report.words import count
from netaudit.units import format_duration

_NAME_CHARS = 100
_VALUE_CHARS = 100
_DETAIL_CHARS = 200
_ABSENT = "absent"


def event_line(event: Event, signs: Signs = UNICODE) -> Spans:
    """``2026-11-20 14:03:05Z web17 net.core.somaxconn 4096 → 128, since 14:03``; times are UTC."""
    words = _Line(event, signs)
    stamp = event.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ ")
    where = f"{words.said(event.host, _NAME_CHARS)} " if event.host else ""
    return (Span(stamp, Role.FAINT), Span(where, Role.HOSTS), *words.body())


def line_text(event: Event, signs: Signs = UNICODE) -> str:
    """The line without its looks."""
    return "".join(span.text for span in event_line(event, signs))


class _Line:
    """The words of one event."""

    def __init__(self, event: Event, signs: Signs) -> None:
        self._event = event
        self._signs = signs

    def said(self, text: str, limit: int) -> str:
        """Text of a host, printable."""
        shown = printable(text, limit)
        return ascii_only(shown) if self._signs.plain else shown

    def body(self) -> Spans:
        """What follows the host."""
        match self._event.kind:
            case EventKind.STARTED | EventKind.ENDED | EventKind.SLEPT:
                return self._of_the_watch()
            case EventKind.SETTING:
                return self._setting()
            case EventKind.FLAPPING | EventKind.SETTLED:
                return self._damped()
            case kind if kind in FINDINGS:
                return self._finding()
            case _:
                return self._of_a_host()

    def _of_the_watch(self) -> Spans:
        event = self._event
        took = format_duration(event.duration_s or 0.0)
        if event.kind is EventKind.SLEPT:
            return (Span(f"this machine was asleep for {took}; every connection is made anew", Role.WARN),)
        summary = event.summary or Summary()
        if event.kind is EventKind.STARTED:
            return (Span(f"watching {count(summary.hosts, 'host')}: {_state(summary)}; first round in {took}"),)
        rounds = f"{count(event.count, 'round')} in {took}"
        return (Span(f"ended: {rounds}, {event.detail}; {_state(summary)}"),)

    def _setting(self) -> Spans:
        event = self._event
        name = self.said(event.name, _NAME_CHARS)
        if event.before is None and event.after is None:
            return (Span(f"{event.count:,} {name.removeprefix('and ')} became otherwise"),)
        if event.count > 1:
            verb = "are there" if event.before is None else "are gone"
            return (Span(f"{name} ", Role.TITLE), Span(f"{event.count:,} settings {verb}{self._since()}"))
        return (Span(f"{name} ", Role.TITLE), Span(f"{self._moved()}{self._since()}"))

    def _finding(self) -> Spans:
        event = self._event
        severity = event.severity or Severity.INFO
        name = Span(self._named(), Role.TITLE)
        expected = expected_text(event.expected, self._signs)
        wanted = f", expected {expected}" if expected else ""
        match event.kind:
            case EventKind.NEW:
                seen = self._value(event.after)
                tail = f"{' ' if seen else ''}{seen}{wanted}{self._since()}"
                return Span(f"new {severity} ", Role(severity.value)), name, Span(tail)
            case EventKind.CHANGED:
                between = event.before is None and event.after is None  # hosts, which the name tells of
                moved = "" if between else f" {self._moved()}"
                return Span(f"still {severity} ", Role(severity.value)), name, Span(f"{moved}{wanted}{self._since()}")
            case EventKind.WAIVED:
                return Span("waived ", Role.FAINT), name, Span(self._since())
            case _:
                was = self._value(event.before)
                return Span("fixed ", Role.GOOD), name, Span(f"{' was ' if was else ''}{was}{self._since()}")

    def _of_a_host(self) -> Spans:
        event = self._event
        after = f" after {format_duration(event.duration_s)}" if event.duration_s is not None else ""
        detail = self.said(event.detail, _DETAIL_CHARS)
        match event.kind:
            case EventKind.LOST:
                return Span("lost ", Role.BAD), Span(detail)
            case EventKind.BACK:
                return (Span("back", Role.GOOD), Span(after))
            case EventKind.SEEN:
                return Span("answers", Role.GOOD), Span(f" for the first time: {detail}")
            case EventKind.REBOOTED:
                up = f", up {format_duration(event.duration_s)}" if event.duration_s is not None else ""
                return Span("rebooted", Role.WARN), Span(up)
            case EventKind.JOINED:
                return (Span("is in the inventory now"),)
            case _:
                return (Span("is not in the inventory any more"),)

    def _damped(self) -> Spans:
        event = self._event
        changes = f"{count(event.count, 'change')}"
        if event.kind is EventKind.FLAPPING:
            what = f"{self._named()} keeps changing" if event.name else "is lost and back again and again"
            tail = f": {changes} so far, told again when it rests"
            return Span("flapping ", Role.WARN), Span(what, Role.TITLE), Span(tail)
        if not event.name:
            state = "back" if event.told_as is EventKind.BACK else "lost"
            return Span("settled ", Role.GOOD), Span(f"{state} after {changes}{self._since()}")
        state = self._value(event.after) if event.told_as is not EventKind.FIXED else "in order"
        if event.told_as is EventKind.WAIVED:
            state = "waived"
        name = Span(self._named(), Role.TITLE)
        return Span("settled ", Role.GOOD), name, Span(f" {state} after {changes}{self._since()}")

    def _named(self) -> str:
        subject = self.said(self._event.subject, _NAME_CHARS)
        return self.said(self._event.name, _NAME_CHARS) + (f" {subject}" if subject else "")

    def _moved(self) -> str:
        return f"{self._value(self._event.before)} {self._signs.arrow} {self._value(self._event.after)}"

    def _value(self, value: Plain) -> str:
        if value is None:
            return _ABSENT if self._event.kind is EventKind.SETTING else ""
        unit = self._event.unit
        shown = self.said(value, _VALUE_CHARS) if isinstance(value, str) else value_text(value, unit)
        return ascii_only(shown) if self._signs.plain else shown or '""'

    def _since(self) -> str:
        since = self._event.since
        return f", since {_moment(since, self._event.at)}" if since is not None else ""


def _moment(moment: datetime, told_at: datetime) -> str:
    """The time of day; with the date where that is another one."""
    moment, told_at = moment.astimezone(UTC), told_at.astimezone(UTC)
    return moment.strftime("%H:%M" if moment.date() == told_at.date() else "%Y-%m-%d %H:%M")


def _state(summary: Summary) -> str:
    silent = summary.unreachable + summary.error
    up = f"{summary.ok:,} up" + (f", {silent:,} without verdict" if silent else "")
    return f"{up}; {severities_text(summary.findings)}"
