"""The error tree.

    NetauditError
      OperatorError          what the person at the keyboard can put right; exit code 2, before any host is contacted
        UsageError           an option or an argument
        InventoryError       an inventory source or a host pattern
        RuleError            a baseline, a check, a probe, a waiver
        AssetsMissing        the data folders that netaudit ships cannot be found
        StoreError           the database of past runs cannot be read
        PlanError            a plan or a remediation that may not be applied as it is
        LabError             the lab cannot be set up here
      WorldError             what one host, or the way to it, did; a value in the result, it never ends a run

An operator's error names its place as ``file:line:column`` where there is one.
A world's error carries one kind of a fixed list, the phase it happened in, and a hint for the person on call.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a file; line and column count from 1, and 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        if not self.column:
            return f"{self.file}:{self.line}"
        return f"{self.file}:{self.line}:{self.column}"


class NetauditError(Exception):
    """The root: everything netaudit raises on purpose."""


class OperatorError(NetauditError):
    """Something the operator can put right. ``where`` names the place, ``hint`` what would be right."""

    def __init__(self, message: str, where: Where | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.message}{advice}"


class UsageError(OperatorError):
    """An option or argument that cannot be meant."""


class InventoryError(OperatorError):
    """An inventory source that cannot be read whole, or a pattern that cannot be understood."""


class RuleError(OperatorError):
    """A baseline, check, waiver or probe head that is not valid."""


class AssetsMissing(OperatorError):
    """The probes or playbooks that netaudit ships are not where they should be."""


class StoreError(OperatorError):
    """The database of past runs cannot be opened, read or written."""


class PlanError(OperatorError):
    """A plan or a remediation that may not be applied: altered, expired, unpinned, or outside of the vocabulary."""


class LabError(OperatorError):
    """The lab fleet cannot be set up or taken down on this machine."""


class ErrorKind(StrEnum):
    """Why a host gave no verdict. The list is part of the contract: ``error.kind`` of every report."""

    DNS = "dns"
    REFUSED = "refused"
    CONNECT_TIMEOUT = "connect-timeout"
    HOST_KEY_UNKNOWN = "host-key-unknown"
    HOST_KEY_MISMATCH = "host-key-mismatch"
    AUTH_FAILED = "auth-failed"
    KEY_UNREADABLE = "key-unreadable"
    PROTOCOL = "protocol"
    DISCONNECTED = "disconnected"
    TIMEOUT = "timeout"
    BECOME_FAILED = "become-failed"
    NO_SHELL = "no-shell"
    OUTPUT_TOO_LARGE = "output-too-large"
    BAD_ANSWER = "bad-answer"
    CANCELLED = "cancelled"


class Phase(StrEnum):
    """How far a host had come: before ``SESSION`` it is *unreachable*, from there on it is in *error*."""

    CONNECT = "connect"
    KEY_EXCHANGE = "key exchange"
    AUTH = "authentication"
    SESSION = "session"
    ANSWER = "answer"


class WorldError(NetauditError):
    """What one host, or the way to it, did. Caught by the fan-out and kept as a value."""

    def __init__(self, kind: ErrorKind, message: str, *, phase: Phase, hint: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.phase = phase
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"
