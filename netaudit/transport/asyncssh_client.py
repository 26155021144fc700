"""What a server is answered while a connection is made: whether its key is trusted, and what it gets to hear.

One object a connection. asyncssh asks it; it keeps the reason of a refusal, since asyncssh tells an unknown and a
changed key alike, and notes how far the server has come, which says what a silence means.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence

import asyncssh

from netaudit.errors import Phase, WorldError
from netaudit.transport.hostkeys import HostKeys, unknown_authority
from netaudit.transport.hosttext import one_line
from netaudit.transport.resolved import Resolved

_FIRST_BYTES = 512
_ASKS_PASSWORD = re.compile(r"pass(?:word|code|phrase)", re.IGNORECASE)
_IDENTIFICATION = re.compile(rb"(?:\A|\n)SSH-")


class HandshakeClient(asyncssh.SSHClient):
    """Answers one server. ``reached`` is called once when the server's key has been accepted and the login begins."""

    def __init__(self, resolved: Resolved, judge: HostKeys, password: str | None, reached: Callable[[], None]) -> None:
        self._resolved = resolved
        self._judge = judge
        self._known = judge.known(resolved.user_known_hosts, resolved.global_known_hosts)
        self._password = password
        self._reached = reached
        self._heard = bytearray()
        self.phase = Phase.CONNECT
        self.failure: WorldError | None = None
        self.password_sent = False
        self.change_asked = False

    @property
    def heard(self) -> str:
        """What the server said before it named itself, on one line; empty when it spoke SSH from the start."""
        return "" if _IDENTIFICATION.search(self._heard) else one_line(bytes(self._heard), 80)

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Listen to what the server says first."""
        listen(conn, self._hear)

    def _hear(self, data: bytes) -> bool:
        self._heard += data[: _FIRST_BYTES - len(self._heard)]
        if _IDENTIFICATION.search(self._heard) and self.phase is Phase.CONNECT:
            self.phase = Phase.KEY_EXCHANGE
        return self.phase is Phase.CONNECT and len(self._heard) < _FIRST_BYTES

    def validate_host_public_key(self, _host: str, _addr: str, _port: int, key: asyncssh.SSHKey) -> bool:
        """Whether the server's plain key is the host's."""
        return self._judged(lambda: self._check(key.public_data))

    def validate_host_ca_key(self, _host: str, _addr: str, _port: int, key: asyncssh.SSHKey) -> bool:
        """Whether an authority may vouch for the host; asyncssh then looks at name and time of the certificate."""
        return self._judged(lambda: self._check_authority(key.public_data))

    def revoked_keys(self, _host: str, _addr: str, _port: int | None) -> Sequence[Sequence[asyncssh.SSHKey]]:
        """Of trusted keys none, since we are asked; of revoked ones all: a certificate's key is sought there."""
        revoked: list[asyncssh.SSHKey] = []
        for entry in self._known.revoked(self._resolved.place):
            try:
                revoked.append(asyncssh.import_public_key(_as_line(entry.key_type, entry.key)))
            except ValueError:
                continue  # of a type that asyncssh does not speak, so no server can show it
        return [], [], revoked

    def password_auth_requested(self) -> str | None:
        """The password, the first time it is asked for."""
        if self._password is None or self.password_sent:
            return None
        self.password_sent = True
        return self._password

    def password_change_requested(self, _prompt: str, _lang: str) -> object:  # type: ignore[override]  # NotImplemented is an answer
        """Never: netaudit changes no password."""
        self.change_asked = True
        return NotImplemented

    def kbdint_auth_requested(self) -> str | None:
        """Only where there is a password to answer with."""
        return None if self._password is None or self.password_sent else ""

    def kbdint_challenge_received(
        self, _name: str, _instructions: str, _lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        """The password to one hidden question for it, once; nothing to any other question."""
        if not prompts:
            return []
        (question, echoes), *others = prompts
        if others or echoes or not _ASKS_PASSWORD.search(question):
            return None
        password = self.password_auth_requested()
        return None if password is None else [password]

    def _judged(self, check: Callable[[], None]) -> bool:
        try:
            check()
        except WorldError as refusal:
            self.failure = refusal
            return False
        if self.phase is not Phase.AUTH:
            self.phase = Phase.AUTH
            self._reached()
        return True

    def _check(self, key: bytes) -> None:
        resolved = self._resolved
        self._judge.check(
            resolved.place, key, resolved.user_known_hosts, resolved.global_known_hosts, hash_names=resolved.hash_names
        )

    def _check_authority(self, key: bytes) -> None:
        if not self._judge.trusts_authority(self._resolved.place, key, self._known):
            raise unknown_authority(self._resolved.place, key)


def listen(conn: asyncssh.SSHClientConnection, hear: Callable[[bytes], bool]) -> None:
    """Show bytes of the server to ``hear`` on their way to asyncssh, until it wants no more of them.

    asyncssh drops what comes before the identification, and tells nobody what a server offers.
    """
    inner = conn.data_received

    def tap(data: bytes, datatype: int | None = None) -> None:
        if not hear(data):
            conn.data_received = inner  # type: ignore[method-assign]  # undone here
        inner(data, datatype)

    conn.data_received = tap  # type: ignore[method-assign]  # the one way to see them


def _as_line(kind: str, key: bytes) -> bytes:
    return kind.encode() + b" " + base64.b64encode(key)
