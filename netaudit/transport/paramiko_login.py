"""The login over a connection whose host key is trusted: the methods in order, each with what there is for it.

A password goes to the server once a connection, to the method ``password`` or to one hidden question that asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

import paramiko

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.transport.hosttext import one_line
from netaudit.transport.paramiko_client import Client
from netaudit.transport.paramiko_errors import hung_up, world_error
from netaudit.transport.paramiko_keys import Identities
from netaudit.transport.resolved import Resolved

_METHODS = ("publickey", "keyboard-interactive", "password")
_ASKS_PASSWORD = re.compile(r"pass(?:word|code|phrase)", re.IGNORECASE)
_NAMED_KEYS = 4


@dataclass(slots=True)
class Login:
    """One login. Blocks; ends soon when the connection is closed meanwhile."""

    client: Client
    resolved: Resolved
    identities: Identities
    password: str | None = field(repr=False)
    _password_sent: bool = False
    _allowed: Collection[str] | None = None  # what the server has said that it takes

    def run(self) -> None:
        """Return when the server has let us in. Raises WorldError."""
        for method in self._methods():
            if self._allowed is not None and method not in self._allowed:
                continue
            try:
                if self._try(method):
                    return
            except paramiko.BadAuthenticationType as refusal:
                self._allowed = refusal.allowed_types
            except Exception as error:
                raise self._told(error) from error
        raise self._refused("the server refused the login")

    def _methods(self) -> list[str]:
        able = {
            "publickey": bool(self.identities.keys),
            "keyboard-interactive": self.password is not None,
            "password": self.password is not None,
        }
        order = self.resolved.preferred_auth or _METHODS
        return [name for name in order if able.get(name) and name not in self.resolved.refused_auth]

    def _try(self, method: str) -> bool:
        """Whether one method was enough. What is asked for beyond it is noted."""
        user = self.resolved.user
        if method == "publickey":
            return self._try_keys()
        if self._password_sent:
            return False
        if method == "keyboard-interactive":
            return self._passes(partial(self.client.auth_interactive, user, self._answer))
        self._password_sent = True
        return self._passes(partial(self.client.auth_password, user, self.password or "", fallback=False))

    def _try_keys(self) -> bool:
        for key in self.identities.keys:
            if self._passes(partial(self.client.auth_publickey, self.resolved.user, key)):
                return True
            if self._allowed is not None:
                return False  # the key was right, and something else is asked for as well
        return False

    def _passes(self, ask: Callable[[], Collection[str]]) -> bool:
        try:
            more = ask()
        except paramiko.BadAuthenticationType:
            raise
        except paramiko.AuthenticationException:
            if not self.client.is_active():
                raise
            return False
        if more:
            self._allowed = more
            return False
        return True

    def _answer(self, _title: str, _instructions: str, questions: Sequence[tuple[str, bool]]) -> list[str]:
        """The password to one hidden question for it, once; nothing to any other question."""
        if len(questions) == 1 and not self._password_sent:
            (question, echoes) = questions[0]
            if not echoes and _ASKS_PASSWORD.search(question):
                self._password_sent = True
                return [self.password or ""]
        return [""] * len(questions)

    def _told(self, error: BaseException) -> WorldError:
        if self.client.farewell:
            told = hung_up(self.client.farewell, Phase.AUTH)
        elif "Illegal info request" in str(error) and self._password_sent:
            return self._refused("the password has expired and must be changed first")
        else:
            told = world_error(error, Phase.AUTH)
        return self._refused(told.message, told.hint) if told.kind is ErrorKind.AUTH_FAILED else told

    def _refused(self, why: str, hint: str = "") -> WorldError:
        """The error of a login that failed; a key that was named and could not be read is the likelier reason."""
        if self.identities.unreadable:
            return self.identities.unreadable[0]
        user = one_line(self.resolved.user, 40)
        if not self.identities.keys and not self._password_sent:
            message = f"there is no key and no password to log in as {user} with"
            hint = "name a key with --private-key, load one into an agent, or set ansible_password"
            return WorldError(ErrorKind.AUTH_FAILED, message, phase=Phase.AUTH, hint=hint)
        message = f"login as {user} failed: {why}; tried {self._tried()}"
        return WorldError(ErrorKind.AUTH_FAILED, message, phase=Phase.AUTH, hint=hint or self._hint())

    def _tried(self) -> str:
        names = self.identities.names[:_NAMED_KEYS]
        more = len(self.identities.names) - len(names)
        keys = ", ".join(names) + (f" and {more} more" if more else "")
        methods = [f"publickey ({keys})"] if names else []
        return ", ".join(methods + (["password"] if self._password_sent else []))

    def _hint(self) -> str:
        if self._password_sent and not self.identities.keys:
            return "is the password right, and the user (-u, ansible_user)?"
        return "is the key in the user's authorized_keys there, and the user right (-u, ansible_user)?"
