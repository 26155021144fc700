"""Passwords: from the inventory, or asked for once at the terminal. They are held here and nowhere else."""

from __future__ import annotations

import getpass
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from netaudit.errors import UsageError
from netaudit.model.contact import SecretSource
from netaudit.model.target import Credentials, Target


@dataclass(frozen=True, slots=True)
class AskedSecrets:
    """The inventory's secrets, and for hosts that have none there what was asked for."""

    inventory: SecretSource
    asked: Credentials

    def for_target(self, target: Target) -> Credentials:
        """The secrets of one target."""
        own = self.inventory.for_target(target)
        return replace(
            own,
            password=own.password if own.password is not None else self.asked.password,
            become_password=own.become_password if own.become_password is not None else self.asked.become_password,
        )


def ask(*, password: bool, become_password: bool) -> Credentials:
    """What ``-k`` and ``-K`` ask for, before any host is contacted. Raises UsageError without a terminal."""
    login = _ask("SSH password: ", "-k") if password else None
    become = None
    if become_password:
        default = " [defaults to the SSH password]" if password else ""
        become = _ask(f"become password{default}: ", "-K") or login
    return Credentials(login, become)


def ask_passphrase(key_file: Path) -> str | None:
    """The passphrase of a key file, or None where nobody can be asked."""
    if not sys.stdin.isatty():
        return None
    return getpass.getpass(f"passphrase of {key_file}: ") or None


def _ask(prompt: str, option: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError(f"{option} asks for a password, and there is no terminal", hint="set it as a vaulted variable")
    return getpass.getpass(prompt)
