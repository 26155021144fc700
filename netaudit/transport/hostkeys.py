"""Whether a host is the one it claims to be: the known_hosts files of a run, and what follows from them.

The rules are those of ssh(1) with StrictHostKeyChecking: a revoked key never passes; a certificate passes when a
``@cert-authority`` line covers the host; a plain key passes when it is stored for the host; a host with some other key
stored has *changed*, one with none is *unknown*. A host on another port than 22 may also be stored without the port.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.transport.hostkeys_record import append_keys
from netaudit.transport.known_hosts import (
    Entry,
    KnownHostsFile,
    Marker,
    blob_type,
    host_name,
    read_known_hosts,
)
from netaudit.transport.options import HostKeyChecking, TransportOptions

# Up to so many hashed lines the types stored for a host are looked up before it is contacted (about 0.4 ms).
_HASHED_LINES_SCANNED = 256
_TYPE_LABELS = {
    "ssh-ed25519": "ED25519",
    "ssh-rsa": "RSA",
    "ssh-dss": "DSA",
    "sk-ssh-ed25519@openssh.com": "ED25519-SK",
    "sk-ecdsa-sha2-nistp256@openssh.com": "ECDSA-SK",
}


def fingerprint(key: bytes) -> str:
    """The key's type and SHA256 fingerprint as ssh-keygen prints them: ``ED25519 SHA256:…``."""
    try:
        kind = blob_type(key)
    except ValueError:
        kind = "unreadable"
    label = _TYPE_LABELS.get(kind) or ("ECDSA" if kind.startswith("ecdsa-") else kind)
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
    return f"{label} SHA256:{digest}"


@dataclass(frozen=True, slots=True)
class HostPlace:
    """A host as known_hosts speaks of it. ``label`` is what messages call it, its name in the inventory."""

    label: str
    host: str
    port: int = 22
    alias: str = ""  # HostKeyAlias of ssh_config(5): stands instead of host and port

    @property
    def name(self) -> str:
        """The name that is looked up first, and recorded."""
        return self.alias.lower() if self.alias else host_name(self.host, self.port)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that are looked up, in order."""
        if self.alias or self.port == 22:
            return (self.name,)
        return (self.name, self.host.lower())


class KnownHosts:
    """Some files together, in the order in which they count."""

    def __init__(self, files: Iterable[KnownHostsFile]) -> None:
        self.files = tuple(files)

    def holds(self, place: HostPlace, key: bytes) -> bool:
        """Whether this very key is stored for the host."""
        return any(file.holds(name, key) for name in place.names for file in self.files)

    def stored(self, place: HostPlace) -> tuple[Entry, ...]:
        """The lines with a key of the host under its first name: those that make another key a *changed* one."""
        return tuple(entry for file in self.files for entry in file.stored(place.name))

    def revoked(self, place: HostPlace) -> tuple[Entry, ...]:
        """The lines that revoke a key for the host."""
        return self._marked(place, Marker.REVOKED)

    def authorities(self, place: HostPlace) -> tuple[Entry, ...]:
        """The lines that name a certificate authority for the host."""
        return self._marked(place, Marker.AUTHORITY)

    def key_types(self, place: HostPlace) -> tuple[str, ...]:
        """The types of keys stored for the host, to be asked for first; hashed lines count while they are few."""
        scan = sum(file.hashed_count for file in self.files) <= _HASHED_LINES_SCANNED
        found = (entry for name in place.names for file in self.files for entry in file.stored(name, hashed=scan))
        return tuple(dict.fromkeys(entry.key_type for entry in found))

    def _marked(self, place: HostPlace, marker: Marker) -> tuple[Entry, ...]:
        return tuple(entry for name in place.names for file in self.files for entry in file.marked(name, marker))


@dataclass(slots=True)
class HostKeys:
    """The judge of host keys of one run. Files are read at most once; one judge serves all connections."""

    checking: HostKeyChecking
    notice: Callable[[str], None]
    user_files: tuple[Path, ...]
    global_files: tuple[Path, ...]
    _read: dict[Path, KnownHostsFile] = field(default_factory=dict)
    _sets: dict[tuple[Path, ...], KnownHosts] = field(default_factory=dict)

    @classmethod
    def of(cls, options: TransportOptions) -> HostKeys:
        """The judge that some options ask for; it has read its files, before descriptors can run short."""
        judge = cls(options.host_key_checking, options.notice, options.user_known_hosts, options.global_known_hosts)
        if judge.checking is HostKeyChecking.OFF:
            judge.notice("host keys are not checked: anybody on the way can read and answer in a host's name")
        judge.known()
        return judge

    def known(self, user: tuple[Path, ...] | None = None, system: tuple[Path, ...] | None = None) -> KnownHosts:
        """The files of one host: the run's, unless its ssh_config names others."""
        paths = (self.user_files if user is None else user) + (self.global_files if system is None else system)
        if paths not in self._sets:
            self._sets[paths] = KnownHosts(self._file(path) for path in dict.fromkeys(paths))
        return self._sets[paths]

    def check(self, place: HostPlace, key: bytes, user: tuple[Path, ...] | None = None,
              system: tuple[Path, ...] | None = None, *, hash_names: bool = False) -> None:  # fmt: skip
        """Return when the host's plain key is to be trusted. Raises WorldError, unknown or mismatch, when not."""
        known = self.known(user, system)
        if self.checking is HostKeyChecking.OFF:
            return
        self.refuse_revoked(place, key, known)
        if known.holds(place, key):
            return
        if stored := known.stored(place):
            raise changed_key(place, key, stored)
        if self.checking is not HostKeyChecking.ACCEPT_NEW:
            raise unknown_key(place, key, known)
        self._record(place, key, (self.user_files if user is None else user), hash_names=hash_names)

    def trusts_authority(self, place: HostPlace, key: bytes, known: KnownHosts) -> bool:
        """Whether a certificate authority's key may vouch for the host. Raises WorldError when it is revoked."""
        if self.checking is HostKeyChecking.OFF:
            return True
        self.refuse_revoked(place, key, known)
        return any(entry.key == key for entry in known.authorities(place))

    def refuse_revoked(self, place: HostPlace, key: bytes, known: KnownHosts) -> None:
        """Raise WorldError when a line of some file revokes the key."""
        for entry in known.revoked(place):
            if entry.key == key:
                raise WorldError(
                    ErrorKind.HOST_KEY_MISMATCH,
                    f"the key of {place.label}, {fingerprint(key)}, is revoked in {entry.where}",
                    phase=Phase.KEY_EXCHANGE,
                    hint="a revoked key is never accepted; give the host a new one",
                )

    def _file(self, path: Path) -> KnownHostsFile:
        if path not in self._read:
            self._read[path] = read_known_hosts(path, self.notice)
        return self._read[path]

    def _record(self, place: HostPlace, key: bytes, user: tuple[Path, ...], *, hash_names: bool) -> None:
        """Store a new key; what another run has stored meanwhile counts first."""
        if not user:
            return
        try:
            before = self._file(user[0])
            after = append_keys(user[0], place.name, (key,), known=before, hash_names=hash_names or None)
        except OSError as error:
            self.notice(f"{user[0]}: {error.strerror}; the new key of {place.label} is not recorded")
            return
        if after is not before:
            self._read[user[0]] = after
            self._sets.clear()
        if not after.holds(place.name, key):
            raise changed_key(place, key, tuple(after.stored(place.name)))
        self.notice(f"{user[0]}: recorded the new key of {place.label}, {fingerprint(key)}")


def unknown_key(place: HostPlace, key: bytes, known: KnownHosts) -> WorldError:
    """The error of a host that has no key stored."""
    where = ", ".join(str(file.path) for file in known.files[:2]) or "any file"
    return WorldError(
        ErrorKind.HOST_KEY_UNKNOWN,
        f"no key of {place.label} is known: it shows {fingerprint(key)}, and {where} has none for {place.name}",
        phase=Phase.KEY_EXCHANGE,
        hint=f"compare the fingerprint with the host's own, then: netaudit trust {place.label}",
    )


def unknown_authority(place: HostPlace, key: bytes) -> WorldError:
    """The error of a host that shows a certificate of an authority which no line names."""
    return WorldError(
        ErrorKind.HOST_KEY_UNKNOWN,
        f"{place.label} shows a certificate signed by {fingerprint(key)}, which no @cert-authority line names",
        phase=Phase.KEY_EXCHANGE,
        hint=f"add the authority's key for {place.name} to known_hosts",
    )


def changed_key(place: HostPlace, key: bytes, stored: tuple[Entry, ...]) -> WorldError:
    """The error of a host that shows another key than the ones stored; names one of the same type if there is."""
    kind = blob_type(key)
    entry = next((entry for entry in stored if entry.key_type == kind), stored[0])
    return WorldError(
        ErrorKind.HOST_KEY_MISMATCH,
        f"the key of {place.label} is not the one known: it shows {fingerprint(key)}, "
        f"but {entry.where} has {fingerprint(entry.key)}",
        phase=Phase.KEY_EXCHANGE,
        hint=f"if the host was reinstalled: ssh-keygen -f {entry.where.file} -R '{place.name}', "
        f"then netaudit trust {place.label}; if not, somebody may sit in between",
    )
