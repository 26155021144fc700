"""The one table of exit codes. Where several hold, the first of 130, 2, 5, 4, 3, 1 wins."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from netaudit.model.result import Severity, Summary


class ExitCode(IntEnum):
    """What the command's caller is told."""

    DONE = 0  # nothing at or above --fail-on
    FINDINGS = 1  # findings at or above --fail-on
    USAGE = 2  # usage or configuration error; no host was contacted
    NO_VERDICT = 3  # one or more hosts gave no verdict
    REMEDIATION_FAILED = 4
    STATE_UNKNOWN = 5
    INTERRUPTED = 130


def of_summary(summary: Summary, fail_on: Severity, *, interrupted: bool = False) -> ExitCode:
    """The exit code of an audit."""
    if interrupted:
        return ExitCode.INTERRUPTED
    if summary.unreachable or summary.error:
        return ExitCode.NO_VERDICT
    if any(count for severity, count in summary.findings.items() if severity.rank >= fail_on.rank):
        return ExitCode.FINDINGS
    return ExitCode.DONE


_ORDER = (
    ExitCode.INTERRUPTED, ExitCode.USAGE, ExitCode.STATE_UNKNOWN, ExitCode.REMEDIATION_FAILED, ExitCode.NO_VERDICT,
    ExitCode.FINDINGS, ExitCode.DONE,
)  # fmt: skip


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The code that counts where several hold."""
    return min(codes, key=_ORDER.index, default=ExitCode.DONE)
