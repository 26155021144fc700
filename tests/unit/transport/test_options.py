"""The options of one run."""

from __future__ import annotations

from pathlib import Path

from netaudit.model.target import Credentials, Target
from netaudit.transport.options import HostKeyChecking, TransportOptions, openssh_defaults


def test_nothing_is_trusted_by_default():
    """Strict, no agent, no files."""
    options = TransportOptions()
    assert options.host_key_checking is HostKeyChecking.STRICT
    assert options.agent_socket is None
    assert options.secrets.for_target(Target("a", "a")) == Credentials()


def test_the_files_of_openssh():
    """Below HOME, and the agent of the environment."""
    options = openssh_defaults({"HOME": "/home/oper", "SSH_AUTH_SOCK": "/run/agent"})
    assert options.user_known_hosts[0] == Path("/home/oper/.ssh/known_hosts")
    assert Path("/etc/ssh/ssh_known_hosts") in options.global_known_hosts
    assert Path("/home/oper/.ssh/id_ed25519") in options.default_identities
    assert options.agent_socket == Path("/run/agent")
    assert openssh_defaults({"HOME": "/home/oper"}).agent_socket is None
