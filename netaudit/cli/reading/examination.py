"""What ``netaudit doctor`` looks at: whether this controller can do its work, a row a question."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import socket
from collections.abc import Iterator

from netaudit import __version__
from netaudit.cli.asking.cache_place import cache_folder
from netaudit.cli.asking.openfiles import FILES_A_PROXY_COMMAND, raise_limit
from netaudit.cli.asking.options import FORKS
from netaudit.cli.asking.rules import shipped_probes
from netaudit.errors import NetauditError
from netaudit.report.lists import DoctorRow, Health
from netaudit.transport.known_hosts import read_known_hosts
from netaudit.transport.options import TransportOptions, openssh_defaults

_PACKAGES = ("asyncssh", "paramiko", "PyYAML", "Jinja2", "rich", "prometheus-client")


def examine() -> Iterator[DoctorRow]:
    """Every row, in the order of a run: this program, files, trust, keys, rules, history."""
    options = openssh_defaults()
    yield DoctorRow(
        "netaudit", Health.GOOD, f"{__version__} on Python {platform.python_version()}, {platform.system()}"
    )
    yield DoctorRow("packages", Health.GOOD, ", ".join(f"{name} {_version(name)}" for name in _PACKAGES))
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


def _open_files() -> DoctorRow:
    limit = raise_limit()
    text = (
        f"{limit.soft} of {limit.hard}: {limit.hosts()} hosts at a time, "
        f"{limit.hosts(FILES_A_PROXY_COMMAND)} through a ProxyCommand"
    )
    if limit.hosts() < FORKS:
        return DoctorRow("open files", Health.WARN, f"{text}; --forks {FORKS} will be lowered, raise it with ulimit -n")
    return DoctorRow("open files", Health.GOOD, text)


def _programs() -> Iterator[DoctorRow]:
    ssh = shutil.which("ssh")
    said = ssh or "not installed: ssh_config files are not read"
    yield DoctorRow("ssh", Health.GOOD if ssh else Health.WARN, said)
    ansible = shutil.which("ansible-inventory")
    said = ansible or "not installed: needed only for inventory plugins and vaulted values"
    yield DoctorRow("ansible-inventory", Health.GOOD if ansible else Health.WARN, said)


def _known_hosts(options: TransportOptions) -> DoctorRow:
    files = [path for path in (*options.user_known_hosts, *options.global_known_hosts) if path.exists()]
    if not files:
        return DoctorRow("known_hosts", Health.WARN, "none: every host key is unknown; netaudit trust records them")
    bad: list[str] = []
    lines = sum(len(read_known_hosts(path, bad.append).entries) for path in files)
    text = f"{lines} keys in {', '.join(map(str, files))}"
    return DoctorRow("known_hosts", Health.BAD if bad else Health.GOOD, "; ".join([text, *bad]))


def _agent(options: TransportOptions) -> DoctorRow:
    if options.agent_socket is None:
        return DoctorRow("agent", Health.WARN, "none: SSH_AUTH_SOCK is not set")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        try:
            client.connect(str(options.agent_socket))
            client.sendall(b"\0\0\0\1\x0b")  # SSH_AGENTC_REQUEST_IDENTITIES, draft-ietf-sshm-ssh-agent
            answer = client.recv(9)
        except OSError as error:
            return DoctorRow("agent", Health.BAD, f"{options.agent_socket} does not answer: {error}")
    if len(answer) < 9 or answer[4] != 12:  # SSH_AGENT_IDENTITIES_ANSWER
        return DoctorRow("agent", Health.BAD, f"{options.agent_socket} refuses to list its keys")
    keys = int.from_bytes(answer[5:9], "big")
    return DoctorRow("agent", Health.GOOD if keys else Health.WARN, f"{keys} keys at {options.agent_socket}")


def _keys(options: TransportOptions) -> DoctorRow:
    found = [path for path in options.default_identities if path.exists()]
    if not found:
        return DoctorRow(
            "keys", Health.WARN, "no default identity in ~/.ssh: name one in the inventory or with --private-key"
        )
    unreadable = [str(path) for path in found if not os.access(path, os.R_OK)]
    if unreadable:
        return DoctorRow("keys", Health.BAD, f"cannot be read: {', '.join(unreadable)}")
    return DoctorRow("keys", Health.GOOD, ", ".join(map(str, found)))


def _data() -> DoctorRow:
    from netaudit.assets.catalogue import baseline_names
    from netaudit.assets.locate import locate

    try:
        found = locate()
        probes, baselines = shipped_probes(), baseline_names(found)
    except NetauditError as error:
        return DoctorRow("probes and baselines", Health.BAD, str(error))
    return DoctorRow(
        "probes and baselines", Health.GOOD, f"{len(probes)} and {len(baselines)} in {found.playbooks.parent}"
    )


def _history() -> DoctorRow:
    from netaudit.store.location import default_path
    from netaudit.store.runs import open_store

    try:
        with open_store(default_path(os.environ)) as store:
            return DoctorRow("history", Health.GOOD, f"{len(store.runs(1_000_000))} runs in {store.path}")
    except NetauditError as error:
        return DoctorRow("history", Health.BAD, str(error))


def _cache() -> DoctorRow:
    folder = cache_folder()
    if folder is None:
        return DoctorRow(
            "cache", Health.WARN, "none: neither XDG_CACHE_HOME nor HOME is set; rules are read anew each time"
        )
    parent = next(path for path in (folder, *folder.parents) if path.exists())
    writable = os.access(parent, os.W_OK)
    return DoctorRow(
        "cache", Health.GOOD if writable else Health.WARN, str(folder) if writable else f"{folder} is read-only"
    )
