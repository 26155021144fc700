"""Works and entries of the journal as JSON, and back. What is read back is checked: a damaged row is a ValueError."""

from __future__ import annotations

import base64
import json
from typing import Any, TypeAlias

from netaudit.remedy.flow import Entry
from netaudit.remedy.guard import Action, Event, State
from netaudit.remedy.scripts import StepScript
from netaudit.remedy.work import FileState, Work, WorkStep

_Json: TypeAlias = Any  # what json.loads gives: each use below says what it expects


def work_text(work: Work) -> str:
    """The row of a work."""
    return json.dumps(
        {
            "host": work.host,
            "boot_id": work.boot_id,
            "confirm_within_s": work.confirm_within_s,
            "steps": [_step_row(step) for step in work.steps],
            "files": [_file_row(file) for file in work.files],
            "expected_files": [_file_row(file) for file in work.expected_files],
        },
        ensure_ascii=True,
    )


def work_from(text: str) -> Work:
    """The work of a row."""
    row: _Json = json.loads(text)
    return Work(
        host=row["host"],
        boot_id=row["boot_id"],
        steps=tuple(_step_from(step) for step in row["steps"]),
        files=tuple(_file_from(file) for file in row["files"]),
        expected_files=tuple(_file_from(file) for file in row["expected_files"]),
        confirm_within_s=row["confirm_within_s"],
    )


def body_text(entry: Entry) -> str:
    """Values and files of an entry."""
    values = {str(number): value for number, value in entry.values.items()}
    row = {"values": values, "files": [_file_row(file) for file in entry.files], "boot_id": entry.boot_id}
    return json.dumps(row, ensure_ascii=True)


def entry_from(state: str, action: str | None, event: str | None, detail: str, body: str) -> Entry:
    """The entry of a row."""
    row: _Json = json.loads(body)
    return Entry(
        state=State(state),
        action=Action(action) if action is not None else None,
        event=Event(event) if event is not None else None,
        detail=detail,
        values={int(number): value for number, value in row["values"].items()},
        files=tuple(_file_from(file) for file in row["files"]),
        boot_id=row["boot_id"],
    )


def _step_row(step: WorkStep) -> _Json:
    script = step.script
    return {
        "subject": step.subject,
        "before": step.before,
        "namespace": step.namespace,
        "read": script.read,
        "apply": script.apply,
        "undo": script.undo,
        "accepts": list(script.accepts),
        "persist": script.persist,
        "unpersist": script.unpersist,
        "timeout_s": script.timeout_s,
    }


def _step_from(row: _Json) -> WorkStep:
    script = StepScript(
        read=row["read"],
        apply=row["apply"],
        undo=row["undo"],
        accepts=tuple(row["accepts"]),
        persist=row["persist"],
        unpersist=row["unpersist"],
        timeout_s=row["timeout_s"],
    )
    return WorkStep(row["subject"], row["before"], script, row["namespace"])


def _file_row(file: FileState) -> _Json:
    content = None if file.content is None else base64.b64encode(file.content).decode("ascii")
    return {"path": file.path, "content": content, "mode": file.mode, "uid": file.uid, "gid": file.gid}


def _file_from(row: _Json) -> FileState:
    content = None if row["content"] is None else base64.b64decode(row["content"], validate=True)
    return FileState(row["path"], content, row["mode"], row["uid"], row["gid"])
