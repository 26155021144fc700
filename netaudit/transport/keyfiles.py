"""What holds of private keys whichever library uses them: where they are, when a file counts, and the order to try.

The order is that of ssh(1) but for one thing: keys that somebody named come before the agent's others, because a server
lets only some keys be tried (MaxAuthTries, 6 by default) and an agent may hold many.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.transport.options import TransportOptions
from netaudit.transport.resolved import Resolved

AGENT_WITHIN_S = 5.0
_MAX_KEY_BYTES = 2**16


class _Public(Protocol):
    @property
    def public(self) -> bytes: ...


FileT = TypeVar("FileT", bound=_Public)
AgentT = TypeVar("AgentT")


def agent_socket(resolved: Resolved, options: TransportOptions) -> str:
    """The socket of the agent meant for the host (IdentityAgent of ssh_config(5)); empty when there is none."""
    if resolved.identity_agent is None:
        return str(options.agent_socket or "")
    return "" if resolved.identity_agent == "none" else resolved.identity_agent


def in_order(files: Sequence[FileT], held: Mapping[bytes, AgentT], *, named: bool, only: bool) -> list[FileT | AgentT]:
    """Files and the agent's keys, as they are tried. A file whose key the agent holds is left to the agent.

    ``held`` is by public key, in wire format. ``named``: somebody named the files. ``only``: then no others
    (IdentitiesOnly of ssh_config(5)).
    """
    others = dict(held)
    chosen: list[FileT | AgentT] = [others.pop(file.public, file) for file in files]
    if not (only and named):
        place = len(chosen) if named else 0  # before the default files, as ssh(1) has it
        chosen[place:place] = others.values()
    return chosen


def key_data(path: Path) -> bytes:
    """What a private key file holds. Raises WorldError (key-unreadable) where it cannot be read, or others can too."""
    try:
        status = path.stat()
        if status.st_uid == os.getuid() and status.st_mode & 0o077:
            raise unusable(
                path, f"its mode is {status.st_mode & 0o777:04o}, too open for a private key", f"chmod 600 {path}"
            )
        with path.open("rb") as file:
            return file.read(_MAX_KEY_BYTES)
    except OSError as error:
        hint = "--private-key and IdentityFile name key files"
        raise unusable(path, error.strerror or "it cannot be read", hint) from None


def public_beside(path: Path) -> bytes:
    """The public key that ``.pub`` beside a file says, in wire format: of a key that only an agent can use."""
    try:
        return base64.b64decode(path.with_name(path.name + ".pub").read_bytes().split()[1])
    except (OSError, ValueError, IndexError, binascii.Error):
        return b""


def unusable(path: Path, why: str, hint: str) -> WorldError:
    """The error of a key file that cannot be used."""
    return WorldError(ErrorKind.KEY_UNREADABLE, f"cannot use the key {path}: {why}", phase=Phase.AUTH, hint=hint)


def not_decrypted(path: Path, *, tried: bool) -> WorldError:
    """The error of an encrypted key: the passphrase that was ``tried`` is not its own, or there was none."""
    if tried:
        return unusable(path, "the passphrase is wrong", "it is asked for once a run")
    hint = "load it into an agent with ssh-add, or run where the passphrase can be asked for"
    return unusable(path, "it is encrypted and there is no passphrase for it", hint)


def no_key(path: Path, why: str) -> WorldError:
    """The error of a file in which no private key was found."""
    return unusable(path, f"it is no private key ({why})", "a public key or a damaged file?")
