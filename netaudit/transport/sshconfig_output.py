"""What ``ssh -G`` prints, taken as the settings of one connection.

OpenSSH prints every keyword, defaults included. What differs from the print for no configuration at all has been said
by somebody; only that counts. Tokens are expanded where OpenSSH leaves them to be: ssh_config(5), "TOKENS".
"""

from __future__ import annotations

import os
import pwd
import re
import shlex
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from netaudit.errors import ErrorKind, OperatorError, Phase, WorldError
from netaudit.transport.resolved import Resolved, local_user

Printed = Mapping[str, tuple[str, ...]]

_ALGORITHMS = ("ciphers", "macs", "kexalgorithms")
_AUTH_SWITCHES = {
    "pubkeyauthentication": "publickey",
    "passwordauthentication": "password",
    "kbdinteractiveauthentication": "keyboard-interactive",
}
_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
# Keywords that would change whom we trust or how we get there, and that netaudit does not speak.
UNSUPPORTED = ("knownhostscommand", "revokedhostkeys", "bindinterface", "pkcs11provider")
_PLAIN = re.compile(r"\A[A-Za-z0-9_.:%@+,/=-]+\Z", re.ASCII)


def parse_printed(text: str) -> dict[str, tuple[str, ...]]:
    """The values of each keyword, in lower case, in the order in which they were printed."""
    values: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        keyword, _, value = line.partition(" ")
        values[keyword.lower()] = (*values.get(keyword.lower(), ()), value)
    return values


def apply_printed(start: Resolved, printed: Printed, defaults: Printed, notice: Callable[[str], None]) -> Resolved:
    """The connection as OpenSSH would make it. ``defaults`` is the print without any configuration."""
    said = {key: values for key, values in printed.items() if values != defaults.get(key)}
    for keyword in UNSUPPORTED:
        if keyword in said and said[keyword] != ("none",):
            notice(f"{start.label}: ssh_config sets {keyword}, which netaudit does not support; it does not count")
    if "yes" in said.get("proxyusefdpass", ()):
        raise OperatorError(
            f"{start.label}: ProxyUseFdpass is not supported", hint="use ProxyJump, or a plain ProxyCommand"
        )
    host = printed["hostname"][0]
    named = replace(start, host=host, port=int(printed["port"][0]), user=printed["user"][0],
                    host_key_alias=_one(said, "hostkeyalias"), jumps=_list(said, "proxyjump"))  # fmt: skip
    expand = Tokens(named)
    return replace(
        named,
        identity_files=tuple(expand.path(value) for value in said.get("identityfile", ())),
        identities_only=_one(said, "identitiesonly") == "yes",
        certificate_files=tuple(expand.path(value) for value in said.get("certificatefile", ())),
        identity_agent=_agent(_one(said, "identityagent"), expand),
        proxy_command=_one(said, "proxycommand") or None,
        connect_timeout_s=_seconds(_one(said, "connecttimeout")),
        user_known_hosts=_files(said, "userknownhostsfile", expand),
        global_known_hosts=_files(said, "globalknownhostsfile", expand),
        hash_names=_one(printed, "hashknownhosts") == "yes",
        host_key_algorithms=_list(said, "hostkeyalgorithms"),
        preferred_auth=_list(said, "preferredauthentications"),
        refused_auth=frozenset(name for key, name in _AUTH_SWITCHES.items() if _one(said, key) in ("no", "false")),
        algorithms=tuple((key, _list(said, key)) for key in _ALGORITHMS if key in said),
        family=_FAMILIES.get(_one(said, "addressfamily"), socket.AF_UNSPEC),
        bind_address=_one(said, "bindaddress"),
    )


class Tokens:
    """The percent tokens of one connection."""

    def __init__(self, resolved: Resolved) -> None:
        home = pwd_home()
        self._home = home
        self._values = {
            "%": "%",
            "d": str(home),
            "h": resolved.host,
            "i": str(os.getuid()),
            "j": ",".join(resolved.jumps),
            "k": resolved.host_key_alias or resolved.host,
            "L": socket.gethostname().split(".")[0],
            "l": socket.gethostname(),
            "n": resolved.original,
            "p": str(resolved.port),
            "r": resolved.user,
            "u": local_user(),
        }

    def text(self, text: str, allowed: str = "%dhijkLlnpru") -> str:
        """The text with its tokens expanded. Raises OperatorError for one that is not known there."""

        def value(match: re.Match[str]) -> str:
            if not match[1] or match[1] not in allowed:
                raise OperatorError(f"ssh_config: the token {match[0]} in {text!r} is not supported")
            return self._values[match[1]]

        return re.sub(r"%(.?)", value, text, flags=re.DOTALL)

    def path(self, text: str) -> str:
        """A path with tokens, ``~`` and ``${NAME}`` expanded. Raises OperatorError for a variable that is not set."""

        def variable(match: re.Match[str]) -> str:
            if match[1] not in os.environ:
                raise OperatorError(f"ssh_config: the environment has no variable {match[1]}, named in {text!r}")
            return os.environ[match[1]]

        expanded = re.sub(r"\$\{([^}]*)\}", variable, self.text(text.strip('"')))
        return str(self._home) + expanded[1:] if expanded == "~" or expanded.startswith("~/") else expanded

    def command(self, text: str) -> str:
        """A ProxyCommand with its tokens expanded. Raises WorldError when a value would not be one plain word."""
        for token in ("h", "n", "r", "k"):
            if f"%{token}" in text and not _PLAIN.match(self._values[token]):
                raise WorldError(
                    ErrorKind.PROTOCOL,
                    f"the value of %{token} cannot be put into ProxyCommand safely",
                    phase=Phase.CONNECT,
                    hint="host and user names there are letters, digits and . _ : % @ + -",
                )
        return self.text(text, "%hnprk")


def pwd_home() -> Path:
    """The home folder that ssh(1) goes by: the one of the password database, whatever HOME says."""
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path(os.environ.get("HOME", "/"))


def _one(values: Printed, keyword: str) -> str:
    value = values.get(keyword, ("",))[0]
    return "" if value.lower() == "none" and keyword != "identityagent" else value


def _list(values: Printed, keyword: str) -> tuple[str, ...]:
    return tuple(part for part in _one(values, keyword).split(",") if part)


def _files(said: Printed, keyword: str, expand: Tokens) -> tuple[Path, ...] | None:
    """Files of known hosts, several on a line; ``none`` and /dev/null mean that there are none."""
    if keyword not in said:
        return None
    words = shlex.split(said[keyword][0])
    return tuple(Path(expand.path(word)) for word in words if word.lower() != "none")


def _agent(value: str, expand: Tokens) -> str | None:
    if not value or value == "SSH_AUTH_SOCK":
        return None
    if value.lower() == "none":
        return "none"
    return os.environ.get(value[1:], "none") if value.startswith("$") and value[1:2] != "{" else expand.path(value)


def _seconds(value: str) -> float | None:
    return float(value) if value.isdigit() and int(value) else None
