"""The reports that are files or streams: each is one function from rows to pieces of text, found here by its name.

To add one, write ``netaudit/report/NAME.py`` with a function that fits ``Renderer`` and name it in ``_PLACES``: it is
then an ``-o`` format of audits, of plays and of past runs. It is imported when it is asked for. The hosts can be gone
through once, and are not to be kept: there may be thousands. Of values that come from hosts nothing may be trusted.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias, cast

from netaudit.model.context import RunContext
from netaudit.model.result import FleetFinding, HostReport, RunInfo, Summary

Renderer: TypeAlias = Callable[
    [RunInfo, Summary, Iterable[HostReport], Sequence[FleetFinding], RunContext], Iterator[str]
]

_PLACES: Mapping[str, str] = MappingProxyType(
    {
        "json": "json:audit_json",
        "jsonl": "json:audit_jsonl",
        "html": "html:audit_html",
        "junit": "junit:junit_by_host",
        "junit-by-check": "junit:junit_by_check",
        "sarif": "sarif:sarif",
        "markdown": "markdown:markdown",
        "csv": "csv:csv",
        "prometheus": "prometheus:prometheus",
    }
)
NAMES = tuple(_PLACES)
OF_REMEDIATIONS = ("console", "csv", "html", "json", "junit", "markdown")
FOR_PLANS = ("baseline", "remediations")  # of capacity checks alone: the two files that a plan takes
MANY_IN_A_STREAM = frozenset({"jsonl"})  # several of these, one after the other, are still one
READ_BY_OTHERS = frozenset({"prometheus"})  # files for a program of another user: node_exporter


def renderer(name: str) -> Renderer:
    """The function that writes this format. Raises KeyError when there is none."""
    module, _, function = _PLACES[name].partition(":")
    return cast(Renderer, getattr(importlib.import_module(f"netaudit.report.{module}"), function))
