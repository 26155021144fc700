"""Samples that were kept, in the place of hosts: ``diagnose --from DIR``.

One directory that ``diagnose --keep`` wrote holds all samples of each host. Of directories that ``collect`` wrote two
or more are named; whichever order they are named in, samples are compared in the order in which they were taken.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from netaudit.app.audit import Outcome
from netaudit.app.diagnose import Diagnosing
from netaudit.cli.asking.run_request import fleet_of
from netaudit.diagnosis.samples import is_joined, separated
from netaudit.errors import ErrorKind, Phase, UsageError, WorldError
from netaudit.model.probe import Capture, HostError
from netaudit.model.result import RunInfo
from netaudit.model.target import Target
from netaudit.transport.capture_dir import CaptureDir, read_capture_dir


@dataclass(frozen=True, slots=True)
class Stored:
    """Hosts whose samples are read from disk, one host at a time."""

    targets: tuple[Target, ...]
    folders: tuple[CaptureDir, ...]

    def perform(self, diagnosing: Diagnosing, run: RunInfo) -> Outcome:
        """Diagnose every host by what was kept."""
        diagnosing.observer.started(run, [target.name for target in self.targets])
        for place, target in enumerate(self.targets):
            diagnosing.take(place, self._samples(target))
        return diagnosing.finish(run)

    def _samples(self, target: Target) -> tuple[Capture, ...]:
        found: list[Capture] = []
        for folder in self.folders:
            try:
                capture = folder.capture(target.name)
                found += separated(capture) if is_joined(capture) else (capture,)
            except WorldError as error:
                found.append(_missing(target, folder, error.kind, error.message, error.hint))
            except ValueError as error:
                found.append(_missing(target, folder, ErrorKind.BAD_ANSWER, str(error), "sample it again"))
        return tuple(sorted(found, key=lambda capture: capture.started_at))


def stored_samples(args: argparse.Namespace, warn: Callable[[str], None]) -> Stored:
    """What ``--from`` names. Raises OperatorError when it is not to be compared."""
    folders = tuple(read_capture_dir(Path(path)) for path in args.from_dirs)
    args.from_dir = args.from_dirs[0]
    targets = fleet_of(args, warn).targets
    if len(folders) == 1 and not _holds_samples(folders[0], targets):
        raise UsageError(
            f"{args.from_dirs[0]} holds one sample of each host, and growth needs two",
            hint="name a second directory with --from, or use one of `netaudit diagnose --keep DIR`",
        )
    return Stored(targets, folders)


def _holds_samples(folder: CaptureDir, targets: Sequence[Target]) -> bool:
    """Whether the first capture that can be read is of several samples."""
    for target in targets:
        try:
            return is_joined(folder.capture(target.name))
        except WorldError:
            continue
    return True


def _missing(target: Target, folder: CaptureDir, kind: ErrorKind, message: str, hint: str) -> Capture:
    error = HostError(kind, message, Phase.CONNECT, hint)
    return Capture(target.name, target.address, "", folder.run.started_at, 0.0, (), error=error)
