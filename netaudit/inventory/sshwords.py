"""Puts together what the inventory says of one SSH connection; of each setting the first word counts, as in OpenSSH.

Every directive of ssh_config(5) has one of four fates here: it becomes a field, it is passed on to the transport, it
does not matter to a connection that opens one channel, or it does not count and a warning says so. Any other is an
error, since a connection without it would not be the one that was asked for.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from netaudit.inventory.sshargs import Directive, is_host, is_user, jumps_of, parse_jumps, parse_words
from netaudit.model.target import SshSettings

# Passed on by their name; the transport has ``ssh -G`` judge their values.
PASSED_ON = frozenset(
    """
    addressfamily bindaddress canonicaldomains canonicalizefallbacklocal canonicalizehostname canonicalizemaxdots
    canonicalizepermittedcnames certificatefile challengeresponseauthentication ciphers globalknownhostsfile
    hostkeyalgorithms hostkeyalias identityagent kbdinteractiveauthentication kexalgorithms macs
    passwordauthentication preferredauthentications pubkeyauthentication userknownhostsfile
    """.split()  # noqa: SIM905 - as a list it would be thirty lines
)
# Terminals, logging, connection sharing, keep-alive, forwarding that is off anyway: no effect on an audit.
WITHOUT_EFFECT = frozenset(
    """
    addkeystoagent batchmode channeltimeout checkhostip clearallforwardings compression connectionattempts
    controlmaster controlpath controlpersist enableescapecommandline enablesshkeysign escapechar exitonforwardfailure
    fingerprinthash forwardx11timeout forwardx11trusted gatewayports gssapidelegatecredentials hashknownhosts
    hostbasedauthentication ignoreunknown ipqos loglevel logverbose numberofpasswordprompts obscurekeystroketiming
    permitlocalcommand permitremoteopen rekeylimit requesttty sendenv serveralivecountmax serveraliveinterval setenv
    stdinnull streamlocalbindmask streamlocalbindunlink syslogfacility tag tcpkeepalive updatehostkeys
    visualhostkey xauthlocation
    """.split()  # noqa: SIM905 - as above
)
_FORWARDINGS = frozenset(
    {"dynamicforward", "forwardagent", "forwardx11", "localforward", "remoteforward", "tunnel", "tunneldevice"}
)
_CHECKS = frozenset({"nohostauthenticationforlocalhost", "stricthostkeychecking", "verifyhostkeydns"})
_KNOWN_HOSTS = frozenset({"globalknownhostsfile", "userknownhostsfile"})
# Known, and refused: what they ask for netaudit does not do.
_REFUSED = frozenset(
    """
    bindinterface casignaturealgorithms forkafterauthentication gssapiauthentication knownhostscommand localcommand
    pkcs11provider proxyusefdpass pubkeyacceptedalgorithms pubkeyacceptedkeytypes remotecommand requiredrsasize
    revokedhostkeys securitykeyprovider sessiontype
    """.split()  # noqa: SIM905 - as above
)
_FIELDS = frozenset(
    {"connecttimeout", "hostname", "identitiesonly", "identityfile", "port", "proxycommand", "proxyjump", "user", "-F"}
)
_NO = frozenset({"no", "false", "none", "off"})
_SHELL_SIGNS = frozenset("|&;<>()$`\\\n*?[]{}!")


@dataclass(slots=True)
class SshWords:
    """The settings of one connection while they are gathered. ``warn`` takes what does not count."""

    warn: Callable[[str], None]
    address: str = ""  # HostName, when it was said
    config_file: str = ""  # -F
    user: str | None = None
    port: int | None = None
    identity_files: list[str] = field(default_factory=list)
    identities_only: bool | None = None
    jumps: tuple[str, ...] | None = None  # empty: said to be none
    proxy_command: str | None = None
    connect_timeout_s: float | None = None
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def settings(self) -> SshSettings:
        """What was gathered, as the model has it."""
        if self.jumps == () and self.proxy_command is None:  # said to be none: it must beat the ssh_config
            self.options.setdefault("proxyjump", ("none",))
        return SshSettings(
            user=self.user,
            port=self.port,
            identity_files=tuple(dict.fromkeys(self.identity_files)),
            identities_only=bool(self.identities_only),
            jumps=self.jumps or (),
            proxy_command=self.proxy_command,
            connect_timeout_s=self.connect_timeout_s,
            options=dict(self.options),
        )

    def take(self, directive: Directive) -> None:
        """The directive counts, unless an earlier one said the same. Raises ValueError with what is wrong."""
        keyword, value = directive.keyword, directive.value
        if any(not char.isprintable() for char in value):
            raise ValueError(f"{directive.written!r} holds a control character")
        if keyword in _FIELDS:
            self._field(keyword, value)
        elif keyword in _CHECKS:
            if value.lower() not in _checked_values(keyword):
                self.warn(f"{directive.written} does not count: --host-key-checking decides")
        elif keyword in _FORWARDINGS:
            if value.lower() not in _NO:
                self.warn(f"{directive.written} does not count: netaudit forwards nothing")
        elif keyword in _KNOWN_HOSTS and value in {"/dev/null", "none"}:
            self.warn(f"{directive.written} does not count: host keys are always checked against known_hosts")
        elif keyword in PASSED_ON:
            self.options.setdefault(keyword, (value,))
        elif keyword not in WITHOUT_EFFECT and not (keyword == "gssapiauthentication" and value.lower() in _NO):
            raise ValueError(f"{directive.written!r} cannot be honoured by netaudit{_nearest(keyword)}")

    def _field(self, keyword: str, value: str) -> None:
        if keyword == "identityfile":
            self.identity_files.append(key_path(value))
        elif keyword == "proxyjump":
            self._way(parse_jumps(value), None)
        elif keyword == "proxycommand":
            self._command(value)
        elif keyword == "hostname":
            self.address = self.address or _host(value)
        elif keyword == "user":
            self.user = self.user or user_name(value)
        elif keyword == "port":
            self.port = self.port or port_number(value)
        elif keyword == "connecttimeout":
            self.connect_timeout_s = self.connect_timeout_s or _seconds(value)
        elif keyword == "identitiesonly":
            self.identities_only = value.lower() not in _NO if self.identities_only is None else self.identities_only
        else:
            self.config_file = self.config_file or key_path(value)

    def _way(self, jumps: tuple[str, ...] | None, command: str | None) -> None:
        """How the host is reached; who has a way already keeps it."""
        if self.jumps is None and self.proxy_command is None:
            self.jumps, self.proxy_command = jumps, command

    def _command(self, command: str) -> None:
        """A command that is just a jump becomes one; it may not loosen the checks of the jump host's key."""
        if command.strip().lower() == "none":
            self._way((), None)
            return
        found = jumps_of(command)
        if found is not None and all(_matters_not(directive) for directive in found[1]):
            for directive in found[1]:
                self.take(directive)
            self._way(found[0], None)
            return
        self._way(None, self._strict(command))

    def _strict(self, command: str) -> str:
        """The command without options that turn host key checking off. Raises ValueError when it cannot be told."""
        lowered = command.lower()
        if not any(keyword in lowered for keyword in (*_CHECKS, *_KNOWN_HOSTS)):
            return command
        try:
            words = shlex.split(command)
            directives, rest = parse_words(words[1:])
        except ValueError:
            words, directives, rest = [], (), ()
        if not words or Path(words[0]).name != "ssh" or _SHELL_SIGNS & set(command.replace("[%h]", "")):
            hint = "use ProxyJump, or take the option out"
            raise ValueError(f"ProxyCommand {command!r:.120} says how host keys are checked; {hint}")
        kept = [word for directive in directives for word in self._kept(directive)]
        return shlex.join([words[0], *kept, *rest])

    def _kept(self, directive: Directive) -> list[str]:
        if directive.keyword in _CHECKS or (directive.keyword in _KNOWN_HOSTS and directive.value == "/dev/null"):
            self.take(directive)
            return []
        if directive.written.startswith("-o "):
            return ["-o", directive.written[3:]]
        flag, _, value = directive.written.partition(" ")
        return [flag, value] if value else [flag]


def _checked_values(keyword: str) -> frozenset[str]:
    """The values that leave host keys checked."""
    return frozenset({"yes", "ask", "true"}) if keyword == "stricthostkeychecking" else _NO


def _matters_not(directive: Directive) -> bool:
    """Whether a directive said of a jump host can be left out: it has no effect, or a warning says so."""
    known = directive.keyword in _KNOWN_HOSTS and directive.value == "/dev/null"
    return known or directive.keyword in WITHOUT_EFFECT | _FORWARDINGS | _CHECKS


def _nearest(keyword: str) -> str:
    from difflib import get_close_matches

    known = PASSED_ON | WITHOUT_EFFECT | _FORWARDINGS | _CHECKS | _REFUSED | _FIELDS
    found = [] if keyword in known else get_close_matches(keyword, known, 1, 0.8)
    return f"; did you mean {found[0]}?" if found else ""


def _host(value: str) -> str:
    if not is_host(value):
        raise ValueError(f"{value!r:.80} is not a host name or an address")
    return value


def user_name(value: str) -> str:
    """The user name. Raises ValueError when a shell, ssh or a log could take it for something else."""
    if not is_user(value):
        raise ValueError(f"{value!r:.80} is not a user name")
    return value


def port_number(value: object) -> int:
    """The port, from 1 to 65535, of a number or of its text. Raises ValueError."""
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and 0 < int(text[:9]) < 65536):
        raise ValueError(f"{value!r:.40} is not a port")
    return int(text)


def key_path(value: str) -> str:
    """The path with ``~`` and ``~user`` replaced; a user who is not known leaves it as it is."""
    return os.path.expanduser(value)  # noqa: PTH111 - Path.expanduser raises for an unknown user


def _seconds(value: str) -> float | None:
    if value.lower() == "none":
        return None
    if not (value.isascii() and value.isdigit() and int(value[:9]) > 0):
        raise ValueError(f"{value!r:.40} is not a number of seconds")
    return float(value[:9])
