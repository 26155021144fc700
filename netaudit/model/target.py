"""Where a payload goes: one host of the inventory, resolved. No secret is ever in here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Connection(StrEnum):
    """How the host is reached: ``ansible_connection``."""

    SSH = "ssh"
    LOCAL = "local"


class BecomeMethod(StrEnum):
    """How root is had on the host: ``--become-method``."""

    SUDO = "sudo"
    DOAS = "doas"
    SU = "su"


@dataclass(frozen=True, slots=True)
class Become:
    """Escalation on the host. The password, if any, is with the credentials and not here."""

    method: BecomeMethod = BecomeMethod.SUDO
    user: str = "root"
    executable: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SshSettings:
    """What inventory, command line and ``ssh_config`` say of one connection; None or empty means not said.

    ``jumps`` are ``[user@]host[:port]`` in the order they are passed through, as in ``ProxyJump``.
    ``proxy_command`` is run by ``/bin/sh -c 'exec …'`` with the tokens of ssh_config(5) expanded.
    ``options`` holds what else was said with ``-o``, by its lower-case OpenSSH name.
    """

    user: str | None = None
    port: int | None = None
    identity_files: tuple[str, ...] = ()
    identities_only: bool = False
    jumps: tuple[str, ...] = ()
    proxy_command: str | None = None
    connect_timeout_s: float | None = None
    options: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Target:
    """One host of the inventory. ``name`` is its name there, ``address`` what is connected to."""

    name: str
    address: str
    connection: Connection = Connection.SSH
    ssh: SshSettings = SshSettings()
    become: Become | None = None
    groups: tuple[str, ...] = ()
    vars: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Credentials:
    """The secrets of one target. Never stored, never logged; its repr shows nothing."""

    password: str | None = field(default=None, repr=False)
    become_password: str | None = field(default=None, repr=False)
    key_passphrase: str | None = field(default=None, repr=False)
