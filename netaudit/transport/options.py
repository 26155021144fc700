"""What all transports of one run are told: trust, keys, limits, and where secrets come from.

A value that is read once and shared by every connection. It knows no host: what one host wants stands in its
``Target``; what the user's ssh_config adds is resolved by ``sshconfig``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from netaudit.model.contact import Limits, SecretSource
from netaudit.model.target import Credentials, SshSettings, Target

# The order in which OpenSSH tries them, see IdentityFile in ssh_config(5). Hardware-bound keys need an agent.
DEFAULT_IDENTITIES = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk")


class HostKeyChecking(StrEnum):
    """What becomes of a host key that no known_hosts file has: ``--host-key-checking``."""

    STRICT = "strict"  # refused
    ACCEPT_NEW = "accept-new"  # recorded in the user's file; a changed key is still refused
    OFF = "off"  # accepted, unknown and changed alike; every report of such a run says so


class NoSecrets:
    """A SecretSource that has none."""

    def for_target(self, target: Target) -> Credentials:
        """Empty credentials, whatever the target."""
        return Credentials()


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """Settings of one run.

    ``command_line`` is what ``-u``, ``--private-key``, ``-J`` and ``--connect-timeout`` say of all hosts: a host's
    own inventory variables beat it, as with Ansible, and both beat the user's ssh_config.
    ``ask_passphrase`` is called at most once a key file; None means that nobody can be asked.
    ``notice`` takes one line a time on what is odd and does no harm, such as a bad line of known_hosts.
    """

    host_key_checking: HostKeyChecking = HostKeyChecking.STRICT
    user_known_hosts: tuple[Path, ...] = ()
    global_known_hosts: tuple[Path, ...] = ()
    default_identities: tuple[Path, ...] = ()
    agent_socket: Path | None = None
    limits: Limits = field(default_factory=Limits)
    secrets: SecretSource = field(default_factory=NoSecrets)
    command_line: SshSettings = field(default_factory=SshSettings)
    use_ssh_config: bool = True
    ssh_config_file: Path | None = None  # ``-F``: read instead of the user's and the system's
    ask_passphrase: Callable[[Path], str | None] | None = None
    notice: Callable[[str], None] = _to_stderr


def openssh_defaults(environ: Mapping[str, str] | None = None) -> TransportOptions:
    """The files and the agent that ``ssh`` would use for the person at the keyboard, everything else as default."""
    env = os.environ if environ is None else environ
    dot_ssh = Path(env.get("HOME") or Path.home()) / ".ssh"
    agent = env.get("SSH_AUTH_SOCK")
    return TransportOptions(
        user_known_hosts=(dot_ssh / "known_hosts", dot_ssh / "known_hosts2"),
        global_known_hosts=(Path("/etc/ssh/ssh_known_hosts"), Path("/etc/ssh/ssh_known_hosts2")),
        default_identities=tuple(dot_ssh / name for name in DEFAULT_IDENTITIES),
        agent_socket=Path(agent) if agent else None,
    )
