"""One run as a file to hand to a colleague: gzip, inside a JSON value a line.

    {"schema": "netaudit.run/1", …}     the run, its totals, and how many hosts follow
    {"names": […], "rules": …, …}       its hosts in inventory order, and its context; with captures also its load
    {"host": …, "capture": …}           each host that has ended; the capture in base64, if it was asked for
    {"fleet": […], "hosts": N}          the end: a file without it is cut

What looks like a secret is taken out of every text. An anonymous file has pseudonyms in place of names and addresses;
captures are then left out, since raw answers are full of both.
"""

from __future__ import annotations

import base64
import gzip
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from netaudit.errors import UsageError, Where
from netaudit.fleet.jsonable import clean, dumps
from netaudit.fleet.pseudonyms import Pseudonyms
from netaudit.fleet.redaction import Redactor
from netaudit.fleet.rows import fleet_row, host_row, run_row, summary_row
from netaudit.model.probe import Capture
from netaudit.store.contexts import inventory_row, load_row, rules_row
from netaudit.store.reading import StoredRun
from netaudit.wire.codec import dump_capture

if TYPE_CHECKING:
    from netaudit.store.runs import Store

SCHEMA = "netaudit.run/1"
HIDDEN = "(left out)"
_OURS = frozenset({"check", "title", "layer", "status", "severity", "unit", "remediation", "kind", "phase", "until"})


@dataclass(frozen=True, slots=True)
class Exported:
    """What went into a file."""

    hosts: int
    secrets: int
    size_bytes: int


def export_run(store: Store, stored: StoredRun, path: Path, *, captures: bool, anonymous: bool) -> Exported:
    """Write a finished run to a new file that only its owner can read. Raises UsageError."""
    if not stored.finished:
        raise UsageError(
            f"the run {stored.info.id} has not finished", hint="one that was killed is shown, not handed on"
        )
    if captures and anonymous:
        raise UsageError("raw captures are full of names and addresses", hint="give --captures or --anonymous")
    redactor = Redactor()
    pseudonyms = _pseudonyms(store, stored) if anonymous else None
    with _new_file(path) as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as zipped:
        for line in _lines(store, stored, redactor, pseudonyms, captures=captures):
            zipped.write(dumps(line).encode("ascii") + b"\n")
    return Exported(stored.summary.hosts, redactor.removed, path.stat().st_size)


def _pseudonyms(store: Store, stored: StoredRun) -> Pseudonyms:
    groups = {group for groups in store.context(stored.info.id).groups.values() for group in groups}
    return Pseudonyms(store.key("pseudonyms"), store.hosts(stored.info.id), groups)


def new_key() -> bytes:
    """A key nobody can guess."""
    return secrets.token_bytes(32)


def _lines(
    store: Store, stored: StoredRun, redactor: Redactor, pseudonyms: Pseudonyms | None, *, captures: bool
) -> Iterator[object]:
    run = stored.info
    hide = _Hiding(redactor, pseudonyms)
    pattern = run.pattern if pseudonyms is None or run.pattern == "all" else HIDDEN
    run = replace(run, pattern=hide.text(pattern), notes=tuple(hide.text(note) for note in run.notes))
    about = {**run_row(run), "command": run.command, "pattern": run.pattern, "started": run.started_at.isoformat()}
    about |= {"probes_digest": run.probes_digest, "bundle_digest": run.bundle_digest}
    yield {
        "schema": SCHEMA,
        "anonymous": pseudonyms is not None,
        "run": about,
        "summary": summary_row(stored.summary),
    }
    context = store.context(stored.info.id)
    rules, inventory = rules_row(context), inventory_row(context)
    reports = list(store.names(stored.info.id))
    about_it = {
        "names": [hide.text(name) for name in reports],
        "rules": hide.rules(rules),
        "inventory": hide.inventory(inventory),
    }
    if captures and context.load:  # without raw answers nothing can be weighed again
        about_it["load"] = hide.load(load_row(context))
    yield about_it
    kept = store.captured(stored.info.id) if captures else {}
    count = 0
    for report in store.reports(stored.info.id):
        line: dict[str, object] = {"host": hide.host(host_row(report))}
        capture = store.capture(stored.info.id, kept[report.name]) if report.name in kept else None
        if capture is not None:
            line["capture"] = base64.b64encode(dump_capture(hide.capture(capture))).decode("ascii")
        count += 1
        yield line
    yield {"fleet": [hide.values(fleet_row(finding)) for finding in store.fleet(stored.info.id)], "hosts": count}


class _Hiding:
    """Takes secrets, and names if so asked, out of the rows of a run."""

    def __init__(self, redactor: Redactor, pseudonyms: Pseudonyms | None) -> None:
        self._redactor = redactor
        self._pseudonyms = pseudonyms

    def text(self, text: str) -> str:
        """Text of a host or an operator."""
        said = self._redactor.text(str(clean(text)))
        return self._pseudonyms.text(said) if self._pseudonyms else said

    def values(self, value: object, *, free: bool = False) -> object:
        """Everything in a row but its keys and the words of rules; of ``free`` values, made by hosts, also the keys."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            if free:
                return {self.text(str(key)): self.values(each, free=True) for key, each in value.items()}
            return {
                key: each if key in _OURS else self.values(each, free=key == "observed") for key, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.values(each, free=free) for each in value]
        return value

    def host(self, row: dict[str, object]) -> object:
        """The row of a host: groups and approvers have pseudonyms of their own."""
        names = self._pseudonyms
        groups = row.pop("groups", [])
        if names is not None:
            _hide_approvers(row, names)
        changed = self.values(row)
        if isinstance(changed, dict) and isinstance(groups, list) and groups:
            changed["groups"] = [names.group(str(group)) for group in groups] if names else groups
        return changed

    def rules(self, row: dict[str, object]) -> object:
        """The rules: those of anonymous runs without the files they stand in."""
        return {name: self._rule(rule) for name, rule in row.items() if isinstance(rule, dict)}

    def _rule(self, rule: dict[str, object]) -> dict[str, object]:
        texts = {key: self._said(value) for key, value in rule.items() if key != "where"}
        if "where" in rule and self._pseudonyms is None:
            texts["where"] = rule["where"]
        return texts

    def _said(self, value: object) -> object:
        if isinstance(value, str):
            return self._redactor.text(value)
        return [self._redactor.text(str(each)) for each in value] if isinstance(value, list) else value

    def inventory(self, row: dict[str, object]) -> object:
        """Where hosts are named, and in which groups."""
        names = self._pseudonyms
        if names is None:
            return row
        groups = row.get("groups")
        members = groups if isinstance(groups, dict) else {}
        return {
            "places": {},
            "groups": {names.group(group): [names.text(host) for host in hosts] for group, hosts in members.items()},
        }

    def load(self, row: dict[str, object]) -> object:
        """The load, the comments in its file among it."""
        return {**row, "text": self.text(str(row["text"]))}

    def capture(self, capture: Capture) -> Capture:
        """A raw answer without secrets."""
        return replace(
            capture,
            sections=tuple(
                replace(each, stdout=self._bytes(each.stdout), stderr=self._bytes(each.stderr))
                for each in capture.sections
            ),
            notes=tuple(map(self._redactor.text, capture.notes)),
        )

    def _bytes(self, data: bytes) -> bytes:
        return self._redactor.text(data.decode("latin-1")).encode("latin-1")


def _hide_approvers(row: dict[str, object], names: Pseudonyms) -> None:
    results = row.get("results")
    for result in results if isinstance(results, list) else ():
        waived = result.get("waived")
        if isinstance(waived, dict):
            for key in ("approver", "ticket"):
                waived[key] = names.person(str(waived.get(key, "")))


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """A new file of its owner's only, which is gone again when the body fails. Raises UsageError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UsageError(f"the run cannot be written: {error.strerror}", Where(str(path))) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise UsageError(f"the run cannot be written: {error.strerror}", Where(str(path))) from error
        raise
