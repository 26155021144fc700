"""Reads the plays of a playbook: which hosts are held against which baseline, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netaudit.baseline.form import Form, entries, items_of
from netaudit.baseline.node import Node, plain
from netaudit.model.result import Severity

PLAY_KEYS = ("name", "hosts", "baseline", "vars", "fail_on")


@dataclass(frozen=True, slots=True)
class Play:
    """One play: an audit of some hosts. ``baseline`` None: the default one; ``fail_on`` None: the command line's."""

    name: str
    hosts: str
    baseline: str | None
    variables: Mapping[str, object]
    fail_on: Severity | None


def plays_of(document: Node) -> tuple[Play, ...]:
    """The plays of a document. Raises RuleError with the place of the first fault."""
    listed = items_of(document, "a playbook")
    if not listed:
        raise document.error("a playbook needs at least one play")
    return tuple(_play(node, place) for place, node in enumerate(listed, 1))


def _play(node: Node, place: int) -> Play:
    form = Form(node, "a play", PLAY_KEYS)
    said = form.get("vars")
    return Play(
        name=form.text("name", f"play {place}"),
        hosts=form.text("hosts"),
        baseline=form.text("baseline", "") or None,
        variables={} if said is None else {name: plain(value) for name, value in entries(said, "'vars'").items()},
        fail_on=form.word("fail_on", Severity) if "fail_on" in form else None,
    )
