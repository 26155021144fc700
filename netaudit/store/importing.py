"""Takes in a run that somebody exported. Nothing of the file is trusted: it is bounded, typed, and whole or refused.

What it holds is text of strangers like any answer of a host, and is made harmless where it is shown.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, TypeAlias, cast

from netaudit.errors import UsageError, Where
from netaudit.fleet.from_rows import fleet_from_row, host_from_row, summary_from_row
from netaudit.model.context import RunContext
from netaudit.model.probe import Capture
from netaudit.model.result import BaselineRef, FleetFinding, HostReport, RunInfo, Summary
from netaudit.store.contexts import context_from_rows
from netaudit.store.export import SCHEMA
from netaudit.wire.codec import load_capture

if TYPE_CHECKING:
    from netaudit.store.runs import Store

MAX_FILE_BYTES = 1 * 2**30
MAX_TOTAL_BYTES = 4 * 2**30
MAX_LINE_BYTES = 128 * 2**20
MAX_HOSTS = 200_000
MAX_NAME_CHARS = 1_000
MAX_NOTES = 100
_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}\Z", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f,]{0,2000}\Z", re.ASCII)
_COMMAND = re.compile(r"[a-z][a-z -]{0,30}\Z", re.ASCII)

_Line: TypeAlias = dict[str, Any]  # what JSON holds


@dataclass(frozen=True, slots=True)
class Imported:
    """What was taken in."""

    id: str
    hosts: int


def import_run(store: Store, path: Path) -> Imported:
    """Take in the run of a file. Raises UsageError when it is no such file, or cut, or kept already."""
    with _opened(path) as file, _explained(path):
        lines = _lines(file)
        first = next(lines)
        _refuse_other(first, path)
        run, summary = _run(first["run"]), summary_from_row(first["summary"])
        second = next(lines)
        names = _names(second["names"])
        if any(run.id == known for known in store.ids()):
            raise UsageError(f"the run {run.id} is in the history already", Where(str(path)))
        context = context_from_rows(second["rules"], second["inventory"], second.get("load"))
        _take_in(store, lines, run, summary, names, context)
    return Imported(run.id, len(names))


def _take_in(
    store: Store, lines: Iterator[_Line], run: RunInfo, summary: Summary, names: list[str], context: RunContext
) -> None:
    """The run is in the store, whole, or nothing of it is."""
    store.begin_import(run, names, context)
    try:
        fleet = _fleet(_hosts(store, lines, run, names), lines, len(names))
        store.finish(run, summary, fleet)
    except BaseException:
        store.abandon(run.id)
        raise


def _fleet(end: _Line, lines: Iterator[_Line], hosts: int) -> tuple[FleetFinding, ...]:
    """What the last line holds, if it is the last one and fits the hosts."""
    if end["hosts"] != hosts or next(lines, None) is not None:
        raise ValueError("the end does not fit the hosts")
    return tuple(fleet_from_row(row) for row in end["fleet"])


def _hosts(store: Store, lines: Iterator[_Line], run: RunInfo, names: list[str]) -> _Line:
    """Every host is in the store; the line behind the last one."""
    for position, line in enumerate(lines):
        if "host" not in line:
            return line
        report = host_from_row(line["host"])
        if position >= len(names) or report.name != names[position]:
            raise ValueError(f"host {position + 1} is not the one that was announced")
        store.add_host(run.id, position, report, _capture(line, report))
    raise ValueError("the file is cut")


def _capture(line: _Line, report: HostReport) -> Capture | None:
    if "capture" not in line:
        return None
    capture = load_capture(base64.b64decode(cast(str, line["capture"]), validate=True))
    if capture.host != report.name:
        raise ValueError(f"the capture of {report.name} is of another host")
    return capture


def _run(row: _Line) -> RunInfo:
    started = datetime.fromisoformat(_text(row["started"]))
    if started.tzinfo is None:
        raise ValueError("a time without zone")
    baseline = row["baseline"]
    notes = row["notes"]
    if not isinstance(notes, list) or len(notes) > MAX_NOTES:
        raise ValueError("more notes than netaudit writes")
    return RunInfo(
        id=_matching(_ID, row["id"]),
        command=_matching(_COMMAND, row["command"]),
        started_at=started.astimezone(UTC),
        version=_text(row["version"]),
        baseline=_baseline(baseline) if baseline is not None else None,
        duration_s=float(row["duration_s"]),
        host_key_checking=_text(row["host_key_checking"]),
        probes_digest=_matching(_DIGEST, row["probes_digest"]),
        bundle_digest=_matching(_DIGEST, row["bundle_digest"]),
        interrupted=row["interrupted"] is True,
        pattern=_text(row["pattern"]),
        notes=tuple(map(_text, notes)),
    )


def _baseline(row: _Line) -> BaselineRef:
    return BaselineRef(_text(row["name"]), _matching(_DIGEST, row["sha256"]))


def _names(value: object) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_HOSTS:
        raise ValueError(f"not a list of at most {MAX_HOSTS:,} hosts")
    return [_text(name) for name in value]


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_NAME_CHARS:
        raise TypeError("text is wanted, and not so long")
    return value


def _matching(pattern: re.Pattern[str], value: object) -> str:
    text = _text(value)
    if not pattern.match(text):
        raise ValueError(f"{text[:40]!r} is not what netaudit writes")
    return text


def _refuse_other(first: _Line, path: Path) -> None:
    """Say which version is meant when it is not this one."""
    schema = first.get("schema")
    if schema == SCHEMA:
        return
    if isinstance(schema, str) and schema.startswith("netaudit.run/"):
        raise UsageError(f"the file is a {schema[:40]}, and this netaudit reads {SCHEMA}", Where(str(path)))
    raise ValueError("the first line is not that of a run")


def _lines(file: BinaryIO) -> Iterator[_Line]:
    """The JSON objects of the file, each of bounded size."""
    total = 0
    with gzip.GzipFile(fileobj=file) as zipped:
        while line := zipped.readline(MAX_LINE_BYTES + 1):
            total += len(line)
            if len(line) > MAX_LINE_BYTES or total > MAX_TOTAL_BYTES:
                raise ValueError("larger than netaudit writes any")
            value = json.loads(line, parse_constant=_refuse_constant)
            if not isinstance(value, dict):
                raise TypeError("a line is not an object")
            yield value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        if not path.is_file():
            raise UsageError("not a file", Where(str(path)))
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UsageError(f"larger than {MAX_FILE_BYTES >> 20} MiB", Where(str(path)))
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise UsageError(f"the file cannot be read: {error.strerror or error}", Where(str(path))) from error


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Whatever the file holds instead of a run is told in one line."""
    try:
        yield
    except StopIteration:
        raise UsageError("the file is cut", Where(str(path)), "export the run again") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError("not a run that netaudit exported, or cut", Where(str(path)), str(error)[:200]) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError, binascii.Error) as error:
        said = f"{type(error).__name__} {error}"[:200]
        raise UsageError(f"not a run that netaudit exported: {said}", Where(str(path))) from error
