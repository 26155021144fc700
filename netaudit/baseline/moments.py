"""Times as waivers write them: a day or a moment, in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from netaudit.baseline.form import text_of
from netaudit.baseline.node import Node

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)


def first_moment(node: Node, what: str) -> datetime:
    """The moment that is written, or the first of the day that is."""
    return _moment(node, what)[0]


def last_moment(node: Node, what: str) -> datetime:
    """The moment that is written, or the last second of the day that is."""
    moment, is_day = _moment(node, what)
    return moment + timedelta(days=1, seconds=-1) if is_day else moment


def _moment(node: Node, what: str) -> tuple[datetime, bool]:
    text = text_of(node, what)
    is_day = _DAY.match(text) is not None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise node.error(f"{what}: {text!r} is no date", "2027-01-31, or 2027-01-31T12:00:00Z") from error
    if is_day:
        moment = datetime.combine(moment.date(), time())
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)), is_day
