"""What ``netaudit doctor`` looks at: whether this controller can do its work, a row a question."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from netaudit import __version__
from netaudit.cli.openfiles import FILES_A_PROXY_COMMAND, raise_limit
from netaudit.cli.options import FORKS
from netaudit.cli.rules import cache_folder, shipped_probes
from netaudit.errors import NetauditError
from netaudit.transport.known_hosts import read_known_hosts
from netaudit.transport.options import TransportOptions, openssh_defaults

_PACKAGES = ("asyncssh", "paramiko", "PyYAML", "Jinja2", "rich")


class Health(StrEnum):
    """The answer to a question."""

    GOOD = "ok"
    REMARK = "note"  # works, and one should know
    BAD = "problem"


@dataclass(frozen=True, slots=True)
class Answer:
    """One row."""

    subject: str
    health: Health
    text: str


def examine() -> Iterator[Answer]:
    """Every row, in the order of a run: this program, files, trust, keys, rules, history."""
    options = openssh_defaults()
    yield Answer("netaudit", Health.GOOD, f"{__version__} on Python {platform.python_version()}, {platform.system()}")
    yield Answer("packages", Health.GOOD, ", ".join(f"{name} {_version(name)}" for name in _PACKAGES))
    yield _open_files()
    yield from _programs()
    yield _known_hosts(options)
    yield _agent(options)
    yield _keys(options)
    yield _data()
    yield _history()
    yield _cache()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _open_files() -> Answer:
    limit = raise_limit()
    text = (
        f"{limit.soft} of {limit.hard}: {limit.hosts()} hosts at a time, "
        f"{limit.hosts(FILES_A_PROXY_COMMAND)} through a ProxyCommand"
    )
    if limit.hosts() < FORKS:
        return Answer("open files", Health.REMARK, f"{text}; --forks {FORKS} will be lowered, raise it with ulimit -n")
    return Answer("open files", Health.GOOD, text)


def _programs() -> Iterator[Answer]:
    ssh = shutil.which("ssh")
    said = ssh or "not installed: ssh_config files are not read"
    yield Answer("ssh", Health.GOOD if ssh else Health.REMARK, said)
    ansible = shutil.which("ansible-inventory")
    said = ansible or "not installed: needed only for inventory plugins and vaulted values"
    yield Answer("ansible-inventory", Health.GOOD if ansible else Health.REMARK, said)


def _known_hosts(options: TransportOptions) -> Answer:
    files = [path for path in (*options.user_known_hosts, *options.global_known_hosts) if path.exists()]
    if not files:
        return Answer("known_hosts", Health.REMARK, "none: every host key is unknown; netaudit trust records them")
    bad: list[str] = []
    lines = sum(len(read_known_hosts(path, bad.append).entries) for path in files)
    text = f"{lines} keys in {', '.join(map(str, files))}"
    return Answer("known_hosts", Health.BAD if bad else Health.GOOD, "; ".join([text, *bad]))


def _agent(options: TransportOptions) -> Answer:
    if options.agent_socket is None:
        return Answer("agent", Health.REMARK, "none: SSH_AUTH_SOCK is not set")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        try:
            client.connect(str(options.agent_socket))
            client.sendall(b"\0\0\0\1\x0b")  # SSH_AGENTC_REQUEST_IDENTITIES, draft-ietf-sshm-ssh-agent
            answer = client.recv(9)
        except OSError as error:
            return Answer("agent", Health.BAD, f"{options.agent_socket} does not answer: {error}")
    if len(answer) < 9 or answer[4] != 12:  # noqa: PLR2004  # SSH_AGENT_IDENTITIES_ANSWER
        return Answer("agent", Health.BAD, f"{options.agent_socket} refuses to list its keys")
    keys = int.from_bytes(answer[5:9], "big")
    return Answer("agent", Health.GOOD if keys else Health.REMARK, f"{keys} keys at {options.agent_socket}")


def _keys(options: TransportOptions) -> Answer:
    found = [path for path in options.default_identities if path.exists()]
    if not found:
        return Answer("keys", Health.REMARK, "no default identity in ~/.ssh: name one in the inventory or with --private-key")
    unreadable = [str(path) for path in found if not os.access(path, os.R_OK)]
    if unreadable:
        return Answer("keys", Health.BAD, f"cannot be read: {', '.join(unreadable)}")
    return Answer("keys", Health.GOOD, ", ".join(map(str, found)))


def _data() -> Answer:
    from netaudit.assets.catalogue import baseline_names
    from netaudit.assets.locate import locate

    try:
        found = locate()
        probes, baselines = shipped_probes(), baseline_names(found)
    except NetauditError as error:
        return Answer("probes and baselines", Health.BAD, str(error))
    return Answer("probes and baselines", Health.GOOD, f"{len(probes)} and {len(baselines)} in {found.playbooks.parent}")


def _history() -> Answer:
    from netaudit.store.location import default_path
    from netaudit.store.runs import open_store

    try:
        with open_store(default_path(os.environ)) as store:
            return Answer("history", Health.GOOD, f"{len(store.runs(1_000_000))} runs in {store.path}")
    except NetauditError as error:
        return Answer("history", Health.BAD, str(error))


def _cache() -> Answer:
    folder = cache_folder()
    if folder is None:
        return Answer("cache", Health.REMARK, "none: neither XDG_CACHE_HOME nor HOME is set; rules are read anew each time")
    parent = next(path for path in (folder, *folder.parents) if path.exists())
    writable = os.access(parent, os.W_OK)
    return Answer("cache", Health.GOOD if writable else Health.REMARK, str(folder) if writable else f"{folder} is read-only")
