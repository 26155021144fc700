"""Writing to a known_hosts file: whole lines, under a lock, so that two runs at once never tear one.

A line is appended by one write to a file opened for appending, while an advisory lock keeps other writers of ours out;
``ssh`` itself appends the same way. The file is made with mode 0600, its folder with 0700.
"""

from __future__ import annotations

import base64
import fcntl
import hmac
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from netaudit.errors import Where
from netaudit.transport.known_hosts import KnownHostsFile, Marker, blob_type, parse_line, read_known_hosts

_SALT_BYTES = 20  # the size of a SHA-1 digest, as OpenSSH makes them


def append_keys(
    path: Path,
    name: str,
    keys: Iterable[bytes],
    *,
    known: KnownHostsFile | None = None,
    hash_names: bool | None = None,
    replace: bool = False,
) -> KnownHostsFile:
    """The file as it stands after keys of a host were added that it did not have.

    Unless ``replace``, nothing is added for a host that already has another key of the same type: what is stored first
    counts, and the caller sees it in the answer. ``known`` spares reading the file again while nobody else has written
    to it. ``hash_names`` None means as the file has it: hashed when it holds hashed lines. Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(path) as file:
        if known is None or known.stamp != _stamp(file):
            known = read_known_hosts(path, _quiet)
        taken = set() if replace else {entry.key_type for entry in known.stored(name)}
        new = [key for key in keys if not known.holds(name, key) and blob_type(key) not in taken]
        hashed = known.hashed_count > 0 if hash_names is None else hash_names
        lines = [known_hosts_line(_hashed_name(name) if hashed else name, key) for key in new]
        if lines:
            _append(file, b"" if _ends_a_line(file) else b"\n", lines)
            _take(known, lines, _stamp(file))
    return known


def _take(known: KnownHostsFile, lines: list[bytes], stamp: tuple[int, int]) -> None:
    """Let the index have the lines that were just written."""
    for line in lines:
        known.lines += 1
        if entry := parse_line(line, Where(str(known.path), known.lines)):
            known.add(entry)
    known.stamp = stamp


def remove_host(path: Path, name: str) -> int:
    """The number of host keys of one host that were taken out of the file, as ``ssh-keygen -R`` does. Raises OSError.

    The rest of the file stays byte by byte; it is replaced as a whole, so no reader ever sees half of it.
    """
    with _locked(path):
        known = read_known_hosts(path, _quiet)
        doomed = {
            entry.where.line
            for entry in known.entries
            if entry.marker is Marker.HOST_KEY and (entry.digest or entry.hosts == name) and entry.covers(name)
        }
        if doomed:
            lines = path.read_bytes().splitlines(keepends=True)
            kept = b"".join(line for number, line in enumerate(lines, 1) if number not in doomed)
            _replace(path, kept)
    return len(doomed)


def known_hosts_line(host: str, key: bytes) -> bytes:
    """One line for a host field and a key in wire format."""
    return f"{host} {blob_type(key)} {base64.b64encode(key).decode()}\n".encode()


def _hashed_name(name: str) -> str:
    """The host field of HashKnownHosts in ssh_config(5)."""
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The open file under an exclusive lock, opened anew should another writer have replaced it meanwhile."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(file), os.stat(path)):  # noqa: PTH116 - beside fstat
                yield file
                return
        except FileNotFoundError:
            continue
        finally:
            os.close(file)


def _ends_a_line(file: int) -> bool:
    size = os.fstat(file).st_size
    return size == 0 or os.pread(file, 1, size - 1) == b"\n"


def _stamp(file: int) -> tuple[int, int]:
    status = os.fstat(file)
    return status.st_ino, status.st_size


def _append(file: int, before: bytes, lines: list[bytes]) -> None:
    data = before + b"".join(lines)
    written = os.write(file, data)
    if written != len(data):
        os.ftruncate(file, os.fstat(file).st_size - written)
        raise OSError(28, "No space left on device")


def _replace(path: Path, data: bytes) -> None:
    target = path.resolve()
    mode = target.stat().st_mode & 0o777
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(file, "wb") as out:
            out.write(data)
        fresh.chmod(mode)
        fresh.replace(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _quiet(_line: str) -> None:
    """Say nothing: whoever read the file first has said what is odd about it."""
