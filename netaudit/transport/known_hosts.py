"""One known_hosts file, read once and indexed: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".

Questions are asked by key first. A server shows one key, so only the lines that hold that very key need their host
field compared; a hashed host field costs an HMAC, and this way a file of 10,000 hashed lines costs a connection one
HMAC rather than 10,000. Only to say what is stored for a host that showed some other key are all lines gone through.
Keys stay the bytes they travel as: whoever speaks SSH compares them and nobody has to understand them here.
"""

from __future__ import annotations

import binascii
import hmac
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from pathlib import Path

from netaudit.errors import Where
from netaudit.transport.wildcard import matches_list

_MAX_FILE_BYTES = 64 * 2**20


class Marker(Enum):
    """What a line says of its key."""

    HOST_KEY = ""
    AUTHORITY = "@cert-authority"
    REVOKED = "@revoked"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. ``hosts`` is the host field, or empty when it is hashed."""

    where: Where
    marker: Marker
    key: bytes
    hosts: str
    salt: bytes = b""
    digest: bytes = b""

    @property
    def key_type(self) -> str:
        """The name of the key's algorithm, such as ``ssh-ed25519``."""
        return blob_type(self.key)

    def covers(self, name: str) -> bool:
        """Whether the line speaks of a host, ``name`` or ``[name]:port``, in lower case."""
        if self.digest:
            return hmac.digest(self.salt, name.encode(), "sha1") == self.digest
        return matches_list(name, self.hosts)


def blob_type(key: bytes) -> str:
    """The algorithm that a public key in wire format names first (RFC 4253, 6.6). Raises ValueError."""
    size = int.from_bytes(key[:4], "big")
    if not 0 < size <= min(64, len(key) - 4):
        raise ValueError("not a public key")
    return key[4 : 4 + size].decode("ascii")


def parse_line(line: bytes, where: Where) -> Entry | None:
    """The entry of one line; None for a blank one or a comment. Raises ValueError with what is wrong."""
    words = line.split(None, 4)
    if not words or words[0].startswith(b"#"):
        return None
    marker = Marker.HOST_KEY
    if words[0].startswith(b"@"):
        marker = _marker(words.pop(0))
    if len(words) < 3:
        raise ValueError("a host, a key type and a key were expected")
    if words[1].isdigit():
        raise ValueError("a key of SSH protocol 1")
    try:
        key = binascii.a2b_base64(words[2], strict_mode=True)
        found = blob_type(key)
    except ValueError:  # binascii.Error and UnicodeDecodeError are both
        raise ValueError("the key is not valid base64 of a public key") from None
    if found.encode() != words[1]:
        raise ValueError(f"the key is of type {found} and not {words[1].decode('ascii', 'replace')}")
    hosts = words[0].decode("utf-8")
    if hosts.startswith("|"):
        return Entry(where, marker, key, "", *_hashed(hosts))
    return Entry(where, marker, key, hosts.lower())


def _marker(word: bytes) -> Marker:
    try:
        return Marker(word.decode("ascii"))
    except ValueError:
        raise ValueError("the marker is neither @cert-authority nor @revoked") from None


def _hashed(field_text: str) -> tuple[bytes, bytes]:
    parts = field_text.split("|")
    if len(parts) != 4 or parts[1] != "1":
        raise ValueError("the hashed host is not of the form |1|salt|hash")
    try:
        return binascii.a2b_base64(parts[2], strict_mode=True), binascii.a2b_base64(parts[3], strict_mode=True)
    except binascii.Error:
        raise ValueError("the hashed host is not valid base64") from None


@dataclass(slots=True)
class KnownHostsFile:
    """The entries of one file, indexed by name and by key."""

    path: Path
    stamp: tuple[int, int] | None = None  # inode and size of what was read, to see whether others have written since
    lines: int = 0
    entries: list[Entry] = field(default_factory=list)
    _named: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    _patterns: list[Entry] = field(default_factory=list)
    _hashed: list[Entry] = field(default_factory=list)
    _by_key: dict[bytes, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    _marked: dict[Marker, list[Entry]] = field(default_factory=lambda: defaultdict(list))

    def add(self, entry: Entry) -> None:
        """Take one more entry."""
        self.entries.append(entry)
        if entry.marker is not Marker.HOST_KEY:
            self._marked[entry.marker].append(entry)
        elif entry.digest:
            self._hashed.append(entry)
            self._by_key[entry.key].append(entry)
        elif any(sign in entry.hosts for sign in "*?!"):
            self._patterns.append(entry)
            self._by_key[entry.key].append(entry)
        else:
            for name in entry.hosts.split(","):
                self._named[name].append(entry)

    @property
    def hashed_count(self) -> int:
        """How many lines have a hashed host: what a full look-up costs, at about 1.5 µs each."""
        return len(self._hashed)

    def holds(self, name: str, key: bytes) -> bool:
        """Whether this very key is stored for the host."""
        named = self._named.get(name, ())
        return any(entry.key == key for entry in named) or any(
            entry.covers(name) for entry in self._by_key.get(key, ())
        )

    def stored(self, name: str, *, hashed: bool = True) -> list[Entry]:
        """The lines that hold a key of the host, without the hashed ones unless asked."""
        found = [*self._named.get(name, ()), *(entry for entry in self._patterns if entry.covers(name))]
        return found + [entry for entry in self._hashed if entry.covers(name)] if hashed else found

    def marked(self, name: str, marker: Marker) -> Iterator[Entry]:
        """The marked lines that cover the host."""
        return (entry for entry in self._marked.get(marker, ()) if entry.covers(name))


def read_known_hosts(path: Path, notice: Callable[[str], None]) -> KnownHostsFile:
    """The file as it is now; empty when there is none. What cannot be read is told to ``notice`` and skipped."""
    known = KnownHostsFile(path)
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
            known.stamp = (os.fstat(file.fileno()).st_ino, len(data))
    except (FileNotFoundError, NotADirectoryError):
        return known
    except OSError as error:
        notice(f"{path}: {error.strerror}; the host keys in it do not count")
        return known
    if len(data) > _MAX_FILE_BYTES:
        notice(f"{path}: larger than {_MAX_FILE_BYTES} bytes; what follows does not count")
    for number, line in enumerate(data[:_MAX_FILE_BYTES].splitlines(), 1):
        known.lines = number
        where = Where(str(path), number)
        try:
            entry = parse_line(line, where)
        except ValueError as error:
            reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            notice(f"{where}: {reason}; the line is skipped")
            continue
        if entry is not None:
            known.add(entry)
    return known


@lru_cache(maxsize=1024)
def host_name(host: str, port: int) -> str:
    """How a host stands in known_hosts: ``host``, or ``[host]:port`` for a port other than 22."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"
