"""Private key files as OpenSSH keeps them: the key, the public half and the certificates beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import asyncssh

from netaudit.errors import WorldError
from netaudit.transport.hosttext import one_line
from netaudit.transport.keyfiles import key_data, no_key, not_decrypted, public_beside


@dataclass(frozen=True, slots=True)
class KeyFile:
    """One private key file as it was found; without ``key`` it cannot be used, and ``error`` says why."""

    path: Path
    key: asyncssh.SSHKey | None = None
    certificates: tuple[asyncssh.SSHCertificate, ...] = ()
    public: bytes = b""  # in wire format; from ``.pub`` beside it where only an agent can use the key
    encrypted: bool = False  # and no passphrase was given
    error: WorldError | None = None


def read_key_file(path: Path, passphrase: str | None) -> KeyFile:
    """The key of one file, with the certificates beside it. Never raises: what is wrong is in ``error``."""
    try:
        key = asyncssh.import_private_key(key_data(path), passphrase)
    except WorldError as error:
        return KeyFile(path, public=public_beside(path), error=error)
    except (ValueError, asyncssh.Error) as error:
        encrypted = isinstance(error, asyncssh.KeyEncryptionError) or "passphrase" in str(error).lower()
        said = (
            not_decrypted(path, tried=passphrase is not None) if encrypted else no_key(path, one_line(str(error), 80))
        )
        return KeyFile(path, public=public_beside(path), encrypted=encrypted and passphrase is None, error=said)
    certificates = read_certificates(path.with_name(path.name + "-cert.pub"))
    return KeyFile(path, key, tuple(certificates), key.public_data)


def read_certificates(path: Path) -> list[asyncssh.SSHCertificate]:
    """The certificates of one file; none when there is no such file or nothing in it can be read."""
    try:
        return list(asyncssh.load_certificates([path]))
    except (OSError, ValueError):
        return []
