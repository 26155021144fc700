"""The reports that are text: each is one function from rows to pieces of text, found here by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from netaudit.model.result import FleetFinding, HostReport, RunInfo, Summary
from netaudit.report.json import audit_json, audit_jsonl

Renderer: TypeAlias = Callable[[RunInfo, Summary, Iterable[HostReport], Sequence[FleetFinding]], Iterator[str]]

RENDERERS: Mapping[str, Renderer] = MappingProxyType({"json": audit_json, "jsonl": audit_jsonl})
