"""The lines of a watch are as they were last read, in Unicode and in ASCII; so is the JSON.

``NETAUDIT_UPDATE_GOLDEN=1`` writes the files anew; read the difference before it is committed.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from netaudit.fleet.events import Event, EventKind
from netaudit.model.result import Severity, Summary
from netaudit.report.events import line_text
from netaudit.report.events_json import event_json
from netaudit.report.signs import ASCII, UNICODE

FOLDER = Path(__file__).parent / "watch"
SCHEMAS = Path(__file__).parents[2] / "netaudit" / "report" / "schema"
AT = datetime(2026, 11, 20, 14, 3, 5, tzinfo=UTC)
SINCE = AT - timedelta(minutes=2)
SUMMARY = Summary(24, 23, 1, 0, {Severity.HIGH: 4, Severity.MEDIUM: 12})
SETTING = Event(EventKind.SETTING, AT, 4, "web17", "net.core.somaxconn", before="4096", after="128", since=AT, count=1)
FINDING = Event(
    EventKind.NEW, AT, 4, "web17", "tcp.accept_queue.somaxconn", after=128, since=AT, severity=Severity.HIGH,
    expected=">= 4096", unit="connections", detail="The accept queue is short",
)  # fmt: skip
EVENTS = (
    Event(EventKind.STARTED, AT, 1, summary=SUMMARY, duration_s=1.91),
    SETTING,
    replace(SETTING, before=None, after="1", since=SINCE),
    replace(SETTING, before="1", after=None, since=AT - timedelta(days=1)),
    replace(SETTING, name="interface eth1", before="present", after=None, count=97),
    replace(SETTING, name="interface eth1", before=None, after="present", count=97),
    replace(SETTING, name="and more settings", before=None, after=None, count=1260, since=AT),
    replace(SETTING, name="kernel command line", before="quiet", after="quiet mitigations=off"),
    replace(SETTING, before="", after="\x1b[31mred\u202e\nline two"),
    FINDING,
    replace(FINDING, subject="0.0.0.0:443", unit="bytes", after=131072, expected=">= 212992"),
    replace(FINDING, kind=EventKind.CHANGED, before=128, after=256),
    replace(FINDING, kind=EventKind.FIXED, before=256, after=None),
    replace(FINDING, kind=EventKind.WAIVED, before=256, after=None),
    replace(FINDING, host="", name="path.mtu.segment", subject="web1, web2 and 3 more", after=None, expected=""),
    replace(FINDING, kind=EventKind.CHANGED, host="", name="path.mtu.segment", subject="web1, web2", after=None,
            expected="mtu 1500"),
    Event(EventKind.LOST, AT, 5, "db3", detail="connect-timeout: no answer from 192.0.2.9 within 10 s", since=AT),
    Event(EventKind.BACK, AT, 6, "db3", duration_s=181.0, since=AT),
    Event(EventKind.SEEN, AT, 6, "db4", duration_s=181.0, since=AT, detail="1 high, 2 medium"),
    Event(EventKind.REBOOTED, AT, 6, "db3", duration_s=48.0, since=AT),
    Event(EventKind.JOINED, AT, 7, "web18"),
    Event(EventKind.LEFT, AT, 7, "web17"),
    replace(SETTING, kind=EventKind.FLAPPING, told_as=EventKind.SETTING, count=4),
    replace(SETTING, kind=EventKind.SETTLED, told_as=EventKind.SETTING, count=31, since=SINCE),
    replace(FINDING, kind=EventKind.FLAPPING, told_as=EventKind.FIXED, count=4),
    replace(FINDING, kind=EventKind.SETTLED, told_as=EventKind.FIXED, before=128, after=None, count=9),
    replace(FINDING, kind=EventKind.SETTLED, told_as=EventKind.CHANGED, before=128, after=256, count=9),
    Event(EventKind.FLAPPING, AT, 9, "db3", told_as=EventKind.LOST, count=4, since=AT),
    Event(EventKind.SETTLED, AT, 30, "db3", told_as=EventKind.BACK, count=12, since=SINCE),
    Event(EventKind.SLEPT, AT, 8, duration_s=10_921.0),
    Event(EventKind.ENDED, AT, 90, summary=SUMMARY, duration_s=5400.0, count=90, detail="31 changes told"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "signs"), [("lines.txt", UNICODE), ("lines-ascii.txt", ASCII)])
def test_lines_are_as_they_were_last_read(name, signs):
    """One line each, printable whatever a host sent."""
    lines = [line_text(event, signs) for event in EVENTS]
    assert all(line.isprintable() for line in lines)
    _held(FOLDER / name, "\n".join(lines) + "\n")


def test_the_json_is_as_it_was_last_read_and_fits_its_schema():
    """An object a line, each valid."""
    lines = [event_json(event) for event in EVENTS]
    texts = [json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")]
    registry = Registry().with_resources((text["$id"], Resource.from_contents(text)) for text in texts)
    (schema,) = (text for text in texts if text["title"] == "netaudit.watch/1")
    for line in lines:
        Draft202012Validator(schema, registry=registry).validate(json.loads(line))
    assert {str(kind) for kind in EventKind} == {json.loads(line)["event"] for line in lines}
    _held(FOLDER / "lines.jsonl", "\n".join(lines) + "\n")


def _held(path, text):
    if os.environ.get("NETAUDIT_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text
