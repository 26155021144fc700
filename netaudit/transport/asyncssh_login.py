"""A refused login, told so that the person on call knows what was tried."""

from __future__ import annotations

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.transport.asyncssh_client import HandshakeClient
from netaudit.transport.asyncssh_keys import Identities
from netaudit.transport.hosttext import one_line
from netaudit.transport.resolved import Resolved

_NAMED_KEYS = 4


def login_refused(
    refusal: WorldError, resolved: Resolved, client: HandshakeClient, identities: Identities
) -> WorldError:
    """The error of a login that failed; a key that somebody named and that could not be read is the likelier reason."""
    if identities.unreadable:
        return identities.unreadable[0]
    tried = _tried(client, identities)
    if not tried:
        return WorldError(
            ErrorKind.AUTH_FAILED,
            f"there is no key and no password to log in as {one_line(resolved.user, 40)} with",
            phase=Phase.AUTH,
            hint="name a key with --private-key, load one into an agent, or set ansible_password",
        )
    why = "the password has expired and must be changed first" if client.change_asked else refusal.message
    return WorldError(
        ErrorKind.AUTH_FAILED,
        f"login as {one_line(resolved.user, 40)} failed: {why}; tried {tried}",
        phase=Phase.AUTH,
        hint=refusal.hint or _hint(client, identities),
    )


def _tried(client: HandshakeClient, identities: Identities) -> str:
    names = identities.names[:_NAMED_KEYS]
    more = len(identities.names) - len(names)
    keys = ", ".join(names) + (f" and {more} more" if more else "")
    methods = [f"publickey ({keys})"] if names else []
    return ", ".join(methods + (["password"] if client.password_sent else []))


def _hint(client: HandshakeClient, identities: Identities) -> str:
    if client.password_sent and not identities.pairs:
        return "is the password right, and the user (-u, ansible_user)?"
    return "is the key in the user's authorized_keys there, and the user right (-u, ansible_user)?"
