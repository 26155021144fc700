"""One connection with everything decided: what inventory, command line and ssh_config say, put together."""

from __future__ import annotations

import getpass
import os
import pwd
import re
import socket
from dataclasses import dataclass, replace
from pathlib import Path

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.target import SshSettings, Target
from netaudit.transport.hostkeys import HostPlace
from netaudit.transport.hosttext import one_line

_HOST = re.compile(r"\A[A-Za-z0-9._:%][A-Za-z0-9._:%-]{0,252}\Z", re.ASCII)
_USER = re.compile(r"\A[^\s\x00-\x1f\x7f'\"`;&|<>(){}$-][^\s\x00-\x1f\x7f'\"`;&|<>(){}]{0,127}\Z")


@dataclass(frozen=True, slots=True)
class Resolved:
    """How one host is reached. None means: as the options of the run, or the library, have it."""

    label: str  # its name in the inventory
    original: str  # what was asked for, %n
    host: str
    port: int
    user: str
    identity_files: tuple[str, ...] = ()  # empty: the defaults
    identities_only: bool = False
    certificate_files: tuple[str, ...] = ()
    identity_agent: str | None = None  # "none", a path, or the default
    jumps: tuple[str, ...] = ()
    proxy_command: str | None = None
    connect_timeout_s: float | None = None
    host_key_alias: str = ""
    user_known_hosts: tuple[Path, ...] | None = None
    global_known_hosts: tuple[Path, ...] | None = None
    hash_names: bool = False
    host_key_algorithms: tuple[str, ...] = ()
    preferred_auth: tuple[str, ...] = ()
    refused_auth: frozenset[str] = frozenset()  # PubkeyAuthentication no and its like, by SSH name
    algorithms: tuple[tuple[str, tuple[str, ...]], ...] = ()  # ciphers, macs, kexalgorithms when they were said
    family: socket.AddressFamily = socket.AF_UNSPEC
    bind_address: str = ""

    @property
    def place(self) -> HostPlace:
        """The host as known_hosts speaks of it."""
        return HostPlace(self.label, self.host, self.port, self.host_key_alias)


def local_user() -> str:
    """The name of whoever runs this, as ssh(1) takes it when nobody says another."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        try:
            return getpass.getuser()
        except (KeyError, OSError):
            return "root" if os.getuid() == 0 else "nobody"


def merged(target: Target, command_line: SshSettings) -> SshSettings:
    """What inventory and command line say together: the inventory's word first, as with Ansible."""
    said = target.ssh
    no_way = not said.jumps and said.proxy_command is None
    return replace(
        said,
        user=said.user or command_line.user,
        port=said.port or command_line.port,
        identity_files=said.identity_files or command_line.identity_files,
        identities_only=said.identities_only or command_line.identities_only,
        jumps=command_line.jumps if no_way else said.jumps,
        proxy_command=command_line.proxy_command if no_way else said.proxy_command,
        connect_timeout_s=said.connect_timeout_s or command_line.connect_timeout_s,
        options={**command_line.options, **said.options},
    )


def from_settings(target: Target, said: SshSettings, *, hash_names: bool = False) -> Resolved:
    """The connection where no ssh_config has a say."""
    return Resolved(
        label=target.name,
        original=target.address,
        host=target.address,
        port=said.port or 22,
        user=said.user or local_user(),
        identity_files=said.identity_files,
        identities_only=said.identities_only,
        jumps=said.jumps,
        proxy_command=said.proxy_command,
        connect_timeout_s=said.connect_timeout_s,
        hash_names=hash_names,
    )


def checked(resolved: Resolved) -> Resolved:
    """The same connection. Raises WorldError when host, user or port cannot be meant, or would read as an option."""
    if not _HOST.match(resolved.host):
        raise WorldError(
            ErrorKind.DNS,
            f"{one_line(resolved.host, 60)!r} is not a host name or an address",
            phase=Phase.CONNECT,
            hint="ansible_host names the address of a host whose inventory name is not one",
        )
    if not _USER.match(resolved.user):
        raise WorldError(
            ErrorKind.AUTH_FAILED,
            f"{one_line(resolved.user, 60)!r} is not a user name",
            phase=Phase.AUTH,
            hint="ansible_user or -u names the user to log in as",
        )
    if not 0 < resolved.port < 65536:
        raise WorldError(ErrorKind.REFUSED, f"{resolved.port} is not a port", phase=Phase.CONNECT)
    return resolved
