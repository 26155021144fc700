"""Turns hosts of an inventory into targets: where each is, how it is reached, and how root is had there.

Reads the connection variables that Ansible names, with Ansible's precedence: extra vars, then the inventory, then the
command line. What a value cannot mean, or what netaudit cannot honour, is an error that names host and variable, for
the hosts that were selected and no others.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from netaudit.errors import InventoryError
from netaudit.inventory import credentials as secret
from netaudit.inventory.credentials import InventorySecrets
from netaudit.inventory.sshargs import is_host, parse_arguments
from netaudit.inventory.sshwords import SshWords, key_path, port_number, user_name
from netaudit.inventory.values import Value, Vaulted, kind_of
from netaudit.model.target import Become, BecomeMethod, Connection, Credentials, SshSettings, Target

if TYPE_CHECKING:
    from netaudit.inventory.inventory import Inventory
    from netaudit.inventory.templates import Evaluator

T = TypeVar("T")
_CONNECTIONS = {
    "ssh": Connection.SSH,
    "smart": Connection.SSH,
    "paramiko": Connection.SSH,
    "paramiko_ssh": Connection.SSH,
    "local": Connection.LOCAL,
}
_TRUE, _FALSE = frozenset({"true", "yes", "on", "y", "t", "1"}), frozenset({"false", "no", "off", "n", "f", "0", ""})
_PROGRAM = re.compile(r"[A-Za-z0-9_./+-]{1,255}\Z", re.ASCII)
_WINDOWS_SHELLS = frozenset({"powershell", "cmd"})
_SHOWN_HOSTS = 3
_LEAVE_OUT = "Linux hosts are audited over ssh, or as local; leave others out with a pattern such as 'all:!windows'"


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says of all hosts.

    As with Ansible, it is the weakest word: a host whose inventory names a user, key, port or way to root keeps it.
    ``jumps`` (``-J``) is netaudit's own, and the other way round: it replaces the jumps and the ProxyCommand of all.
    """

    user: str | None = None
    port: int | None = None
    private_key: str | None = None
    jumps: tuple[str, ...] = ()
    become: bool = False
    become_method: BecomeMethod | None = None
    become_user: str | None = None
    connection: Connection | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """The targets of a run, in the order asked for; their passwords apart; and what of the inventory does not count."""

    targets: tuple[Target, ...]
    secrets: InventorySecrets
    warnings: tuple[str, ...] = ()
    ssh_config_file: str | None = None  # what ``-F`` says of all of them


def resolve(inventory: Inventory, names: Iterable[str], overrides: Overrides) -> Resolution:
    """The targets of these hosts. Raises InventoryError for the first host that cannot be one."""
    evaluator = _evaluator_of(inventory)
    notes: dict[str, list[str]] = {}
    targets: list[Target] = []
    known: dict[str, Credentials] = {}
    config_files: dict[str, str] = {}
    for name in names:
        host = _Host(inventory, evaluator, name, notes)
        words = host.ssh_words(overrides)
        targets.append(host.target(words, overrides))
        if (found := host.credentials()) != Credentials():
            known[name] = found
        config_files.setdefault(words.config_file, name)
    return Resolution(tuple(targets), InventorySecrets(known), _lines(notes), _one_config(config_files))


def _evaluator_of(inventory: Inventory) -> Callable[[], Evaluator]:
    """Makes the evaluator of templates when the first one is met; most inventories have none in what is read here."""

    @cache
    def evaluator() -> Evaluator:
        from netaudit.inventory.handover import decrypt
        from netaudit.inventory.templates import Evaluator

        return Evaluator(inventory.hosts, inventory.hostvars, inventory.all_members, inventory.groups_of, decrypt)

    return evaluator


def _lines(notes: Mapping[str, list[str]]) -> tuple[str, ...]:
    """A line for each note, with the hosts that it is about."""
    return tuple(f"{_some(list(dict.fromkeys(hosts)))}: {note}" for note, hosts in notes.items())


def _some(hosts: list[str]) -> str:
    more = len(hosts) - _SHOWN_HOSTS
    return ", ".join(hosts[:_SHOWN_HOSTS]) + (f" and {more} more" if more > 0 else "")


def _one_config(files: Mapping[str, str]) -> str | None:
    """The ssh_config that all hosts name; a run reads one."""
    if len(files) > 1:
        (first, one), (second, other), *_ = files.items()
        raise InventoryError(
            f"host {one!r} is to be reached with the ssh_config {first or 'of the user'!r} and host {other!r} with"
            f" {second or 'that of the user'!r}",
            None,
            "a run reads one ssh_config: select these hosts apart with --limit",
        )
    return next(iter(files), "") or None


class _Host:
    """One host while it becomes a target."""

    def __init__(
        self, inventory: Inventory, evaluator: Callable[[], Evaluator], name: str, notes: dict[str, list[str]]
    ) -> None:
        self._inventory = inventory
        self._evaluator = evaluator
        self._notes = notes
        self._vars = inventory.hostvars(name)
        self.name = name

    def target(self, words: SshWords, overrides: Overrides) -> Target:
        """The target. Raises InventoryError."""
        if not is_host(self.name):
            raise self._error("its name", "has characters that no host name has", "rename it, and use ansible_host")
        connection = self._connection(overrides)
        return Target(
            name=self.name,
            address=words.address or self._address(),
            connection=connection,
            ssh=words.settings() if connection is Connection.SSH else SshSettings(),
            become=self._become(overrides),
            groups=self._inventory.groups_of(self.name),
            vars=self._public_vars(),
        )

    def credentials(self) -> Credentials:
        """The passwords that the host's variables hold. Raises InventoryError."""
        return Credentials(
            password=self._secret(secret.PASSWORD),
            become_password=self._secret((*secret.BECOME_PASSWORD, *secret.BECOME_PASSWORD_OF_METHOD)),
            key_passphrase=self._secret(secret.PASSPHRASE),
        )

    def ssh_words(self, overrides: Overrides) -> SshWords:
        """What is said of the SSH connection, in the order in which Ansible hands it to ssh(1)."""
        words = SshWords(self._note)
        if overrides.jumps:
            words.jumps = overrides.jumps
        self._refuse_unknown_means()
        self._take_arguments(words, "ansible_ssh_args")
        self._take_fields(words, overrides)
        self._take_arguments(words, "ansible_ssh_common_args")
        self._take_arguments(words, "ansible_ssh_extra_args")
        return words

    def _note(self, line: str) -> None:
        self._notes.setdefault(line, []).append(self.name)

    def _take_arguments(self, words: SshWords, variable: str) -> None:
        found = self._text(variable)
        if found is None:
            return
        try:
            for directive in parse_arguments(found[1]):
                words.take(directive)
        except ValueError as error:
            raise self._error(variable, str(error)) from None

    def _take_fields(self, words: SshWords, overrides: Overrides) -> None:
        user = self._converted(user_name, "ansible_user", "ansible_ssh_user")
        words.user = words.user or user or overrides.user
        port = self._converted(port_number, "ansible_port", "ansible_ssh_port")
        words.port = words.port or port or overrides.port
        key = self._converted(key_path, "ansible_private_key_file", "ansible_ssh_private_key_file")
        if file := key or overrides.private_key:
            words.identity_files.append(file)
        words.connect_timeout_s = words.connect_timeout_s or self._converted(_seconds, "ansible_ssh_timeout")
        if not self._truth("ansible_host_key_checking", "ansible_ssh_host_key_checking", default=True):
            self._note("ansible_host_key_checking does not count: --host-key-checking decides")

    def _refuse_unknown_means(self) -> None:
        """Raises InventoryError for a way to connect that netaudit does not have."""
        for variable in (*secret.PRIVATE_KEY, "ansible_ssh_pkcs11_provider"):
            if self._vars.get(variable):
                raise self._error(
                    variable, "cannot be honoured by netaudit", "name a file with ansible_private_key_file"
                )
        shell = self._text("ansible_shell_type")
        if shell is not None and shell[1] in _WINDOWS_SHELLS:
            raise self._error("ansible_shell_type", f"is {shell[1]!r}", _LEAVE_OUT)

    def _connection(self, overrides: Overrides) -> Connection:
        found = self._text("ansible_connection")
        if found is None:
            return overrides.connection or Connection.SSH
        connection = _CONNECTIONS.get(found[1].removeprefix("ansible.builtin."))
        if connection is None:
            raise self._error(found[0], f"is {found[1]!r:.60}, which netaudit does not speak", _LEAVE_OUT)
        return connection

    def _address(self) -> str:
        variable, address = self._text("ansible_host", "ansible_ssh_host") or ("its name", self.name)
        if not is_host(address):
            raise self._error(variable, f"{address!r:.80} is not a host name or an address")
        return address

    def _become(self, overrides: Overrides) -> Become | None:
        if not self._truth("ansible_become", default=overrides.become):
            return None
        method = self._converted(_become_method, "ansible_become_method") or overrides.become_method
        method = method or BecomeMethod.SUDO
        own = f"ansible_{method}_"
        user = self._converted(user_name, "ansible_become_user", own + "user") or overrides.become_user
        return Become(
            method=method,
            user=user or "root",
            executable=self._converted(_program, "ansible_become_exe", own + "exe") or "",
            flags=self._converted(_flags, "ansible_become_flags", own + "flags") or (),
        )

    def _public_vars(self) -> Mapping[str, Value]:
        """All variables but the secret ones; those for netaudit are evaluated."""
        public: dict[str, Value] = {}
        for name, value in self._vars.items():
            if name.startswith("netaudit_"):
                public[name] = self._evaluated(name, value)
            elif not secret.is_secret(name) and not _holds_vaulted(value):
                public[name] = value
        return MappingProxyType(public)

    def _secret(self, variables: Iterable[str]) -> str | None:
        found = self._last(variables)
        if found is None:
            return None
        variable, value = found
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self._error(variable, f"must be a text, not {kind_of(value)}", "put it in quotes")
        return str(value)

    def _last(self, variables: Iterable[str]) -> tuple[str, Value] | None:
        """The last of these variables that is set, with its value evaluated."""
        for name in reversed(tuple(variables)):
            value = self._vars.get(name)
            if value is not None:
                return name, self._evaluated(name, value)
        return None

    def _evaluated(self, variable: str, value: Value) -> Value:
        if value is None or isinstance(value, bool | int | float) or (type(value) is str and "{" not in value):
            return value
        from netaudit.inventory.templates import TemplateProblem

        try:
            return self._evaluator().evaluate(self.name, value)
        except TemplateProblem as problem:
            raise self._error(variable, str(problem)) from None

    def _text(self, *variables: str) -> tuple[str, str] | None:
        found = self._last(variables)
        if found is None:
            return None
        variable, value = found
        if isinstance(value, bool | dict | list):
            raise self._error(variable, f"must be a text, not {kind_of(value)}")
        return (variable, str(value)) if str(value).strip() else None

    def _converted(self, convert: Callable[[str], T], *variables: str) -> T | None:
        found = self._text(*variables)
        if found is None:
            return None
        try:
            return convert(found[1])
        except ValueError as error:
            raise self._error(found[0], str(error)) from None

    def _truth(self, *variables: str, default: bool) -> bool:
        found = self._last(variables)
        if found is None:
            return default
        word = str(found[1]).strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise self._error(found[0], f"must be true or false, not {found[1]!r:.40}")

    def _error(self, variable: str, problem: str, hint: str = "") -> InventoryError:
        where = self._inventory.origin(self.name, variable) or self._inventory.source_of(self.name)
        return InventoryError(f"host {self.name!r}: {variable}: {problem}", where if where.file else None, hint)


def _become_method(text: str) -> BecomeMethod:
    try:
        return BecomeMethod(text.rpartition(".")[2])
    except ValueError:
        raise ValueError(f"is {text!r:.40}; netaudit knows {', '.join(BecomeMethod)}") from None


def _program(text: str) -> str:
    if not _PROGRAM.match(text) or text.startswith("-"):
        raise ValueError(f"{text!r:.80} is not the path of a program")
    return text


def _flags(text: str) -> tuple[str, ...]:
    if any(not char.isprintable() for char in text):
        raise ValueError("holds a control character")
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ValueError(f"cannot be split into words: {error}") from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 86400:
        raise ValueError(f"{text!r:.40} is not a number of seconds")
    return seconds


def _holds_vaulted(value: Value) -> bool:
    if isinstance(value, dict):
        return any(_holds_vaulted(item) for item in value.values())
    if isinstance(value, list):
        return any(_holds_vaulted(item) for item in value)
    return isinstance(value, Vaulted)
