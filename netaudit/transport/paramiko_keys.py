"""The private keys of a run, as paramiko has them: each file read and decrypted once, an agent asked if any.

Everything here blocks.
"""

from __future__ import annotations

import copy
import io
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
from paramiko.agent import AgentKey, AgentSSH
from paramiko.pkey import PublicBlob

from netaudit.errors import WorldError
from netaudit.model.target import Credentials
from netaudit.transport.hosttext import one_line
from netaudit.transport.keyfiles import (
    AGENT_WITHIN_S,
    agent_socket,
    in_order,
    key_data,
    no_key,
    not_decrypted,
    public_beside,
)
from netaudit.transport.options import TransportOptions
from netaudit.transport.resolved import Resolved

_KEY_CLASSES = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """One private key file as it was found; without ``key`` it cannot be used, and ``error`` says why."""

    path: Path
    key: paramiko.PKey | None = None
    public: bytes = b""  # in wire format; from ``.pub`` beside it where only an agent can use the key
    encrypted: bool = False  # and no passphrase was given
    error: WorldError | None = None


class Agent(AgentSSH):
    """The agent at one socket. One object serves one connection; whoever made it closes it."""

    def __init__(self, path: str, answer_s: float) -> None:
        super().__init__()
        agent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            agent.settimeout(AGENT_WITHIN_S)
            agent.connect(path)
            self._connect(agent)  # type: ignore[attr-defined]  # not in the stubs
            agent.settimeout(answer_s)  # a signature may have to be confirmed by a person
        except BaseException:
            agent.close()
            raise

    def close(self) -> None:
        """Hang up."""
        self._close()  # type: ignore[attr-defined]  # not in the stubs


@dataclass(slots=True)
class Identities:
    """What one connection may log in with. ``close`` once the login is over."""

    keys: list[paramiko.PKey] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # for messages, in the order in which they are tried
    unreadable: list[WorldError] = field(default_factory=list)  # of keys that somebody named
    agent: Agent | None = None

    def close(self) -> None:
        """Give back the connection to the agent, if one was needed."""
        if self.agent is not None:
            self.agent.close()


class KeyRing:
    """The keys of one run. May be used by several threads at once."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._files: dict[tuple[Path, str | None], KeyFile] = {}
        self._answers: dict[Path, str | None] = {}

    def identities(self, resolved: Resolved, credentials: Credentials) -> Identities:
        """What to log in with, in the order to try. Raises WorldError (key-unreadable) when nothing is left to try."""
        found = Identities()
        if "publickey" not in resolved.refused_auth:
            found.agent = self._agent(resolved)
            try:
                self._collect(found, resolved, credentials.key_passphrase)
            except BaseException:
                found.close()
                raise
        if not found.keys and credentials.password is None and found.unreadable:
            found.close()
            raise found.unreadable[0]
        return found

    def _collect(self, found: Identities, resolved: Resolved, passphrase: str | None) -> None:
        named = [Path(name).expanduser() for name in resolved.identity_files]
        files = [self._read(path, None) for path in named or self._present_defaults()]
        held = {key.asbytes(): key for key in found.agent.get_keys() if key.get_name()} if found.agent else {}
        chosen = in_order(files, held, named=bool(named), only=resolved.identities_only)
        usable = any(isinstance(key, AgentKey) or key.key is not None for key in chosen)
        named_certificates = _certificates(Path(name).expanduser() for name in resolved.certificate_files)
        for key in chosen:
            if isinstance(key, AgentKey):
                _add(found, key, f"agent:{one_line(key.comment, 40) or 'key'}", named_certificates)
                continue
            file = self._opened(key, passphrase, ask=bool(named) or not usable)
            if file.key is not None:
                beside = _certificates([file.path.with_name(file.path.name + "-cert.pub")])
                _add(found, file.key, str(file.path), [*beside, *named_certificates])
            elif file.error is not None:
                found.unreadable += [file.error] if named or file.encrypted else []

    def _opened(self, file: KeyFile, passphrase: str | None, *, ask: bool) -> KeyFile:
        """The file with its key decrypted: by the passphrase, or by one that is asked for at most once a run."""
        if not file.encrypted:
            return file
        if passphrase is None and ask and self._options.ask_passphrase is not None:
            with self._lock:
                if file.path not in self._answers:
                    self._answers[file.path] = self._options.ask_passphrase(file.path)
                passphrase = self._answers[file.path]
        return file if passphrase is None else self._read(file.path, passphrase)

    def _read(self, path: Path, passphrase: str | None) -> KeyFile:
        with self._lock:
            if (path, passphrase) not in self._files:
                self._files[path, passphrase] = read_key_file(path, passphrase)
            return self._files[path, passphrase]

    def _present_defaults(self) -> list[Path]:
        return [path for path in self._options.default_identities if path.exists()]

    def _agent(self, resolved: Resolved) -> Agent | None:
        """The agent meant for the host; None when there is none or it does not answer."""
        path = agent_socket(resolved, self._options)
        if not path:
            return None
        try:
            return Agent(path, self._options.limits.auth_s)
        except TimeoutError:
            self._options.notice(
                f"the agent at {path} did not answer within {AGENT_WITHIN_S:g} s; its keys are not used"
            )
        except (OSError, ValueError, paramiko.SSHException) as error:
            self._options.notice(f"the agent at {path} cannot be used: {one_line(str(error))}")
        return None


def read_key_file(path: Path, passphrase: str | None) -> KeyFile:
    """The key of one file. Never raises: what is wrong is in ``error``."""
    try:
        text = key_data(path).decode("ascii")
    except WorldError as error:
        return KeyFile(path, public=public_beside(path), error=error)
    except UnicodeDecodeError:
        return KeyFile(path, public=public_beside(path), error=no_key(path, "not a text"))
    return _understood(path, text, passphrase)


def _understood(path: Path, text: str, passphrase: str | None) -> KeyFile:
    """The key that a text holds. paramiko has a class for each type and none that would find it out."""
    reason = ""
    for kind in _KEY_CLASSES:
        try:
            key = kind.from_private_key(io.StringIO(text), passphrase)
        except paramiko.PasswordRequiredException:
            error = not_decrypted(path, tried=False)
            return KeyFile(path, public=public_beside(path), encrypted=True, error=error)
        except Exception as error:  # of key material of every shape
            reason = one_line(str(error), 80)
        else:
            return KeyFile(path, key, key.asbytes())
    said = no_key(path, reason) if passphrase is None else not_decrypted(path, tried=True)
    return KeyFile(path, public=public_beside(path), error=said)


def _certificates(paths: Iterable[Path]) -> list[PublicBlob]:
    """What there is of certificates; a file that is none counts for nothing."""
    found = []
    for path in paths:
        try:
            blob = PublicBlob.from_file(str(path))
        except (OSError, ValueError, IndexError):
            continue
        if "-cert-v01@" in blob.key_type:
            found.append(blob)
    return found


def _add(found: Identities, key: paramiko.PKey, name: str, certificates: Iterable[PublicBlob]) -> None:
    """Put a key to the others, with each certificate that is of it before the bare one."""
    for certificate in certificates:
        if _certifies(certificate.key_blob, key.asbytes()):
            certified = copy.copy(key)
            certified.public_blob = certificate
            found.keys.append(certified)
    found.keys.append(key)
    found.names.append(name)


def _certifies(certificate: bytes, public: bytes) -> bool:
    """Whether a certificate is of a key: after type and nonce it repeats the key's own fields (PROTOCOL.certkeys)."""
    message = paramiko.Message(certificate)
    message.get_binary()
    message.get_binary()
    fields = paramiko.Message(public)
    fields.get_binary()
    return message.get_remainder().startswith(fields.get_remainder())
