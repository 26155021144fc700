"""A directory of captures, as ``netaudit collect -o DIR`` writes it and ``--from DIR`` reads it.

    manifest.json            the run, and its hosts in inventory order with the groups they were in
    0000-web1.capture        one file a host, in the format of ``wire.codec``; the number is its place in that order

The manifest is written before any host is contacted, each capture as a whole when its host is done. So a directory
whose run was interrupted is still a good one: hosts without a file were not finished.

A host's name is only ever a hint in a file's name. Files are made anew, readable by their owner alone.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from netaudit.errors import ErrorKind, OperatorError, Phase, UsageError, Where, WorldError
from netaudit.model.probe import Capture
from netaudit.model.result import FleetFinding, HostReport, RunInfo, Summary
from netaudit.model.target import Target
from netaudit.wire.codec import MAX_DUMP_BYTES, dump_capture, load_capture

MANIFEST = "manifest.json"
SCHEMA = "netaudit.captures/1"
_MAX_MANIFEST_BYTES = 256 * 2**20
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_FILE = re.compile(r"[0-9]{4,9}-[A-Za-z0-9._-]{1,64}\.capture", re.ASCII)
_OUR_VARS = "netaudit_"  # other variables of an inventory may be secrets and are not needed to evaluate


@dataclass(frozen=True, slots=True)
class HostEntry:
    """One host of a directory."""

    name: str
    address: str
    file: str
    groups: tuple[str, ...] = ()
    vars: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def target(self) -> Target:
        """The host as a target of a replay."""
        return Target(self.name, self.address, groups=self.groups, vars=self.vars)


def file_name(position: int, name: str) -> str:
    """The name of a host's file: harmless whatever the host is called, and unlike that of any other."""
    safe = _UNSAFE.sub("_", name).strip(".")[:64] or "host"
    return f"{position:04}-{safe}.capture"


class CaptureDirWriter:
    """Writes a directory while a run goes on. Fits ``app.ports.Observer``; may raise OperatorError."""

    def __init__(self, path: Path, targets: Sequence[Target]) -> None:
        self._path = path
        self._hosts = tuple(
            HostEntry(target.name, target.address, file_name(position, target.name), target.groups, _our_vars(target))
            for position, target in enumerate(targets)
        )

    def started(self, run: RunInfo, hosts: Sequence[str]) -> None:
        """Make the directory, which must be new or empty, and say in it who will be asked."""
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            taken = next(self._path.iterdir(), None)
        except OSError as error:
            raise self._cannot(error) from error
        if taken is not None:
            raise UsageError(f"{self._path} is not empty", hint="captures are written into a directory of their own")
        self._write_manifest(run)

    def host_started(self, name: str) -> None:
        """Nothing is written yet."""

    def host_done(self, position: int, report: HostReport, capture: Capture | None) -> None:
        """Write one capture."""
        if capture is not None:
            self._write(self._hosts[position].file, dump_capture(capture))

    def finished(self, run: RunInfo, summary: Summary, fleet: Sequence[FleetFinding]) -> None:
        """Say how the run ended."""
        self._write_manifest(run)

    def _write_manifest(self, run: RunInfo) -> None:
        manifest = {"schema": SCHEMA, "run": _run_fields(run), "hosts": [_host_fields(host) for host in self._hosts]}
        text = json.dumps(manifest, indent=1, ensure_ascii=True)
        self._write(MANIFEST, text.encode("ascii") + b"\n")

    def _write(self, name: str, data: bytes) -> None:
        """Put a file in its place as a whole. A link that somebody has put there is replaced, never followed."""
        fresh = self._path / f".{name}.new"
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                fresh.replace(self._path / name)
            except OSError:
                fresh.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise self._cannot(error) from error

    def _cannot(self, error: OSError) -> OperatorError:
        return OperatorError(f"cannot write captures: {error.strerror}", Where(str(error.filename or self._path)))


@dataclass(frozen=True, slots=True)
class CaptureDir:
    """A directory that was read: the run it is of, and its hosts in inventory order. Captures are read on demand."""

    path: Path
    run: RunInfo
    hosts: tuple[HostEntry, ...]
    _by_name: Mapping[str, HostEntry]

    def capture(self, host: str) -> Capture:
        """The capture of one host. Raises WorldError when there is none, or none that can be read."""
        entry = self._by_name.get(host)
        if entry is None:
            raise _unreadable(f"{self.path} has no host {host!r}")
        try:
            capture = load_capture(_read(f"{self.path}/{entry.file}"))
        except FileNotFoundError:
            raise _unreadable("the run that was stored here ended before this host was finished") from None
        except (OSError, ValueError) as error:
            raise _unreadable(f"{entry.file}: {error}") from error
        if capture.host != host:
            raise _unreadable(f"{entry.file} holds the capture of another host")
        return capture

    def targets(self) -> tuple[Target, ...]:
        """All hosts, as targets of a replay."""
        return tuple(entry.target() for entry in self.hosts)

    def __iter__(self) -> Iterator[Capture]:
        """Every capture in inventory order, one at a time; one that cannot be read has that as its error."""
        for entry in self.hosts:
            yield self.capture(entry.name)


def read_capture_dir(path: Path) -> CaptureDir:
    """The directory as its manifest has it. Raises OperatorError when it is none."""
    file = path / MANIFEST
    try:
        if file.stat().st_size > _MAX_MANIFEST_BYTES:
            raise OperatorError("the manifest is larger than netaudit writes any", Where(str(file)))
        manifest = json.loads(file.read_bytes())
        if manifest["schema"] != SCHEMA:
            raise OperatorError(f"captures of another version: {manifest['schema']!r:.60}", Where(str(file)))
        hosts = tuple(_host(fields) for fields in manifest["hosts"])
        run = _run(manifest["run"])
    except FileNotFoundError:
        raise UsageError(
            f"{path} holds no captures: there is no {MANIFEST} in it", hint="netaudit collect -o DIR writes one"
        ) from None
    except OSError as error:
        raise OperatorError(f"cannot read captures: {error.strerror}", Where(str(file))) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise OperatorError(f"the manifest is damaged: {type(error).__name__}: {error}", Where(str(file))) from error
    by_name = {host.name: host for host in hosts}
    if len(by_name) != len(hosts):
        raise OperatorError("the manifest is damaged: a host stands in it twice", Where(str(file)))
    return CaptureDir(path, run, hosts, by_name)


def _read(path: str) -> bytes:
    """A file, or as much of it as shows that it is too large. A file object would double the time of reading."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # a read makes room for all it is asked for: 64 MiB a host would cost as much as parsing half of it
        left = min(os.fstat(descriptor).st_size, MAX_DUMP_BYTES) + 1
        data = os.read(descriptor, left)
        while len(data) < left and (more := os.read(descriptor, left - len(data))):
            data += more
        return data
    finally:
        os.close(descriptor)


def _unreadable(message: str) -> WorldError:
    return WorldError(ErrorKind.BAD_ANSWER, message, phase=Phase.ANSWER, hint="collect it again")


def _our_vars(target: Target) -> dict[str, object]:
    return {name: value for name, value in target.vars.items() if name.startswith(_OUR_VARS)}


def _host_fields(host: HostEntry) -> dict[str, object]:
    fields: dict[str, object] = {"name": host.name, "address": host.address, "file": host.file}
    if host.groups:
        fields["groups"] = list(host.groups)
    if host.vars:
        fields["vars"] = dict(host.vars)
    return fields


def _host(fields: dict[str, Any]) -> HostEntry:
    name, address, file = (_string(fields[key]) for key in ("name", "address", "file"))
    if not _FILE.fullmatch(file):
        raise ValueError(f"{file[:80]!r} is no name of a capture")
    groups = tuple(_string(group) for group in fields.get("groups", ()))
    return HostEntry(name, address, file, groups, MappingProxyType(dict(fields.get("vars", {}))))


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is not text")
    return value


def _run_fields(run: RunInfo) -> dict[str, object]:
    return {
        "id": run.id,
        "command": run.command,
        "started": run.started_at.isoformat(),
        "version": run.version,
        "duration_s": run.duration_s,
        "host_key_checking": run.host_key_checking,
        "probes_digest": run.probes_digest,
        "bundle_digest": run.bundle_digest,
        "interrupted": run.interrupted,
        "pattern": run.pattern,
        "notes": list(run.notes),
    }


def _run(fields: dict[str, Any]) -> RunInfo:
    started_at = datetime.fromisoformat(fields["started"])
    if started_at.tzinfo is None:
        raise ValueError("a time without zone")
    run = RunInfo(_string(fields["id"]), _string(fields["command"]), started_at, _string(fields["version"]))
    return replace(
        run,
        duration_s=float(fields["duration_s"]),
        host_key_checking=_string(fields["host_key_checking"]),
        probes_digest=_string(fields["probes_digest"]),
        bundle_digest=_string(fields["bundle_digest"]),
        interrupted=bool(fields["interrupted"]),
        pattern=_string(fields["pattern"]),
        notes=tuple(_string(note) for note in fields["notes"]),
    )
