"""Private key files as OpenSSH keeps them: the key, the public half and the certificates beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import asyncssh

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.transport.hosttext import one_line

_MAX_KEY_BYTES = 2**16


@dataclass(frozen=True, slots=True)
class KeyFile:
    """One private key file as it was found; without ``key`` it cannot be used, and ``error`` says why."""

    path: Path
    key: asyncssh.SSHKey | None = None
    certificates: tuple[asyncssh.SSHCertificate, ...] = ()
    public: bytes = b""  # what ``.pub`` beside it says, for a key that only the agent can use
    encrypted: bool = False  # and no passphrase was given
    error: WorldError | None = None


def read_key_file(path: Path, passphrase: str | None) -> KeyFile:
    """The key of one file, with the certificates beside it. Never raises: what is wrong is in ``error``."""
    try:
        status = path.stat()
        if status.st_uid == os.getuid() and status.st_mode & 0o077:
            return _unusable(
                path, f"its mode is {status.st_mode & 0o777:04o}, too open for a private key", f"chmod 600 {path}"
            )
        with path.open("rb") as file:
            data = file.read(_MAX_KEY_BYTES)
        key = asyncssh.import_private_key(data, passphrase)
    except OSError as error:
        return _unusable(path, error.strerror or "it cannot be read", "--private-key and IdentityFile name key files")
    except (ValueError, asyncssh.Error) as error:
        return _not_decrypted(path, error, passphrase)
    certificates = read_certificates(path.with_name(path.name + "-cert.pub"))
    return KeyFile(path, key, tuple(certificates))


def _not_decrypted(path: Path, error: Exception, passphrase: str | None) -> KeyFile:
    if isinstance(error, asyncssh.KeyEncryptionError) and passphrase is not None:
        return _unusable(path, "the passphrase is wrong", "it is asked for once a run")
    if isinstance(error, asyncssh.KeyEncryptionError) or "passphrase" in str(error).lower():
        if passphrase is not None:
            return _unusable(path, "the passphrase is wrong", "it is asked for once a run")
        hint = "load it into an agent with ssh-add, or run where the passphrase can be asked for"
        return replace(_unusable(path, "it is encrypted and there is no passphrase for it", hint), encrypted=True)
    return _unusable(path, f"it is no private key ({one_line(str(error), 80)})", "a public key or a damaged file?")


def _unusable(path: Path, why: str, hint: str) -> KeyFile:
    error = WorldError(ErrorKind.KEY_UNREADABLE, f"cannot use the key {path}: {why}", phase=Phase.AUTH, hint=hint)
    return KeyFile(path, public=_read_public(path), error=error)


def _read_public(path: Path) -> bytes:
    try:
        return asyncssh.read_public_key(path.with_name(path.name + ".pub")).public_data
    except (OSError, ValueError):
        return b""


def read_certificates(path: Path) -> list[asyncssh.SSHCertificate]:
    """The certificates of one file; none when there is no such file or nothing in it can be read."""
    try:
        return list(asyncssh.load_certificates([path]))
    except (OSError, ValueError):
        return []
