"""Probes, the bundle that carries them, and what comes back: sections and captures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from netaudit.errors import ErrorKind, Phase

OWN_PREFIX = "own_"  # of the ids of a user's own probes, so that none is taken for a shipped one


class Stream(StrEnum):
    """The two byte streams of an exec channel."""

    OUT = "stdout"
    ERR = "stderr"


class Needs(StrEnum):
    """What a probe must run as to answer in full; with less it answers in part and says so."""

    USER = "user"
    ROOT = "root"


@dataclass(frozen=True, slots=True)
class Probe:
    """One file of ``remote_probes/``: its text, and what its comment head declares."""

    id: str
    text: str
    digest: str  # sha256 hex of the text
    summary: str  # one sentence
    reads: tuple[str, ...]  # paths and tools
    needs: Needs
    timeout_s: int
    max_bytes: int
    format: str  # one line on the shape of the output
    params: tuple[str, ...] = ()  # shell variables that the bundle sets for it, such as PEERS
    cost_cpu_ms: float = 0.0  # CPU on an idle 2-core machine, as measured by the benchmark
    cost_processes: int = 0  # programs started, the shell's own subshells included


@dataclass(frozen=True, slots=True)
class Bundle:
    """One payload for one exec channel. The nonce is fresh for every host and every run."""

    nonce: str  # 32 lower-case hex digits
    payload: bytes
    digest: str  # sha256 hex of the payload with the nonce blanked: equal for all hosts of a run
    probes: tuple[Probe, ...]
    deadline_s: int  # after which the payload ends itself on the host


class SectionStatus(StrEnum):
    """How one probe ended on one host."""

    COMPLETE = "complete"  # exit code 0
    NOT_APPLICABLE = "not applicable"  # 10
    NOT_PRESENT = "not present"  # 11
    NOT_PERMITTED = "not permitted"  # 12
    FAILED = "failed"  # any other exit code
    TIMED_OUT = "timed out"  # ended by its own time limit on the host
    CUT = "cut"  # no END marker: the channel closed, or the cap was reached


@dataclass(frozen=True, slots=True)
class Section:
    """What one probe printed on one host, as received."""

    probe_id: str
    status: SectionStatus
    exit_code: int | None
    stdout: bytes
    stderr: bytes
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class HostError:
    """Why a host gave no verdict: the ``error`` of a report."""

    kind: ErrorKind
    message: str
    phase: Phase
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Capture:
    """Everything one host answered to one bundle; sections in the order they were sent."""

    host: str
    address: str
    bundle_digest: str
    started_at: datetime  # UTC
    elapsed_s: float
    sections: tuple[Section, ...]
    error: HostError | None = None  # None: the answer is whole, up to and including DONE
    notes: tuple[str, ...] = ()  # what was odd and did no harm, such as output of a login profile
