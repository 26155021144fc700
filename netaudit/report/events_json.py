"""The events of a watch as JSON, an object a line: ``schema/watch-1.json`` describes it."""

from __future__ import annotations

from netaudit.fleet.events import Event
from netaudit.fleet.jsonable import dumps, time_text
from netaudit.fleet.rows import summary_row

SCHEMA = "netaudit.watch/1"


def event_json(event: Event) -> str:
    """The object of one event on one line of ASCII, without the newline."""
    return dumps(event_row(event))


def event_row(event: Event) -> dict[str, object]:
    """The object of one event: what does not apply is left out, but for before and after."""
    row: dict[str, object] = {
        "schema": SCHEMA,
        "event": str(event.kind),
        "at": time_text(event.at),
        "round": event.round,
        "host": event.host or None,
    }
    if event.told_as is not None:
        row["of"] = str(event.told_as)
    if event.name:
        row |= {"name": event.name, "before": event.before, "after": event.after}
    if event.severity is not None:
        row |= {"severity": str(event.severity), "expected": event.expected, "unit": event.unit}
    optional = {"subject": event.subject, "detail": event.detail, "count": event.count}
    row |= {name: value for name, value in optional.items() if value}
    if event.since is not None:
        row["since"] = time_text(event.since)
    if event.duration_s is not None:
        row["duration_s"] = round(event.duration_s, 3)
    if event.summary is not None:
        row["summary"] = summary_row(event.summary)
    return row
