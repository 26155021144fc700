"""Arguments of ssh(1), as they stand in ``ansible_ssh_common_args`` and its like, read as directives of ssh_config(5).

``-p 22``, ``-oPort=22`` and ``-o "Port 22"`` are the same directive. Which ones count is not decided here.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_HOST = re.compile(r"[A-Za-z0-9._:%][A-Za-z0-9._:%-]{0,252}\Z", re.ASCII)
_USER = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@+-]{0,63}\Z", re.ASCII)
_HOP = re.compile(r"(?:ssh://)?(?:(?P<user>[^@]*(?:@[^@]*)*)@)?(?P<host>\[[^\]]*\]|[^:\[\]]+)(?::(?P<port>[0-9]+))?\Z")
# Flags of ssh(1) with a value, and the keyword that says the same; "" where none does.
_WITH_VALUE = {
    "B": "bindinterface", "b": "bindaddress", "c": "ciphers", "D": "dynamicforward", "E": "", "e": "escapechar",
    "F": "-F", "I": "pkcs11provider", "i": "identityfile", "J": "proxyjump", "L": "localforward", "l": "user",
    "m": "macs", "O": "-O", "P": "tag", "p": "port", "Q": "-Q", "R": "remoteforward", "S": "controlpath", "W": "-W",
    "w": "tunneldevice",
}  # fmt: skip
_WITHOUT = {
    "4": ("addressfamily", "inet"), "6": ("addressfamily", "inet6"), "A": ("forwardagent", "yes"),
    "C": ("compression", "yes"), "f": ("forkafterauthentication", "yes"), "G": ("-G", ""),
    "K": ("gssapiauthentication", "yes"), "M": ("controlmaster", "yes"), "N": ("sessiontype", "none"),
    "s": ("sessiontype", "subsystem"), "V": ("-V", ""), "X": ("forwardx11", "yes"), "Y": ("forwardx11", "yes"),
}  # fmt: skip
_QUIET_FLAGS = frozenset("agknqTtvxy")  # off by default here, or about terminals and logging
_RAW = frozenset({"proxycommand", "remotecommand", "localcommand", "knownhostscommand"})  # the rest of the line


@dataclass(frozen=True, slots=True)
class Directive:
    """One setting: the keyword of ssh_config(5) in lower case, or the flag where there is none."""

    keyword: str
    value: str
    written: str  # as the user wrote it, for errors


def is_host(text: str) -> bool:
    """Whether a text may stand where a host name or address is expected: nothing that reads as an option or a shell."""
    return bool(_HOST.match(text))


def is_user(text: str) -> bool:
    """Whether a text may stand where a user name is expected."""
    return bool(_USER.match(text))


@lru_cache(maxsize=1024)
def parse_arguments(text: str) -> tuple[Directive, ...]:
    """The directives of a string of arguments. Raises ValueError with what is wrong."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"cannot be split into words: {error}") from None
    directives, rest = parse_words(words)
    if rest:
        raise ValueError(f"{rest[0]!r} is no option of ssh")
    return directives


def parse_words(words: Sequence[str]) -> tuple[tuple[Directive, ...], Sequence[str]]:
    """The directives at the head of some words, and the words from the first one that is no option."""
    directives: list[Directive] = []
    place = 0
    while place < len(words) and words[place].startswith("-") and len(words[place]) > 1:
        word = words[place]
        place += 1
        if word == "--":
            break
        found, taken = _flags(word[1:], words[place : place + 1])
        directives.extend(found)
        place += taken
    return tuple(directives), words[place:]


def _flags(letters: str, following: Sequence[str]) -> tuple[list[Directive], int]:
    """The directives of one word such as ``qAp22`` or ``o``, and how many of the following words it takes."""
    found: list[Directive] = []
    for place, letter in enumerate(letters):
        if letter in _QUIET_FLAGS:
            continue
        if letter in _WITHOUT:
            found.append(Directive(*_WITHOUT[letter], f"-{letter}"))
            continue
        if letter != "o" and letter not in _WITH_VALUE:
            raise ValueError(f"-{letter} is no option of ssh")
        attached = letters[place + 1 :]
        if not attached and not following:
            raise ValueError(f"-{letter} needs a value")
        value = attached or following[0]
        found.extend(_valued(letter, value))
        return found, 0 if attached else 1
    return found, 0


def _valued(letter: str, value: str) -> list[Directive]:
    if letter == "o":
        return [parse_option(value)]
    keyword = _WITH_VALUE[letter]
    return [Directive(keyword, value, f"-{letter} {value}")] if keyword else []


def parse_option(text: str) -> Directive:
    """The directive of ``-o``: ``Keyword=value`` or ``Keyword value``. Raises ValueError."""
    found = re.match(r"\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*)\Z", text, re.DOTALL)
    if found is None:
        raise ValueError(f"-o {text!r} is not Keyword=value")
    keyword, value = found[1].lower(), found[2].strip()
    if keyword not in _RAW and len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    return Directive(keyword, value, f"-o {found[1]}={value}")


def parse_jumps(text: str) -> tuple[str, ...]:
    """The hops of a ProxyJump as ``[user@]host[:port]``, none for ``none``. Raises ValueError with what is wrong."""
    if text.strip().lower() == "none":
        return ()
    return tuple(_hop(part.strip()) for part in text.split(","))


def _hop(text: str) -> str:
    found = _HOP.match(text.removesuffix("/") if text.startswith("ssh://") else text)
    if found is None or not is_host(found["host"].strip("[]")):
        raise ValueError(f"{text!r} is not [user@]host[:port]")
    if found["user"] is not None and not is_user(found["user"]):
        raise ValueError(f"{found['user']!r} is not a user name")
    if found["port"] is not None and not 0 < int(found["port"][:9]) < 65536:
        raise ValueError(f"{found['port']!r} is not a port")
    return text.removeprefix("ssh://").removesuffix("/")


def jumps_of(command: str) -> tuple[tuple[str, ...], tuple[Directive, ...]] | None:
    """The hops of a ProxyCommand that is nothing but a jump: ``ssh -W %h:%p [-q] [-p 22] [-l me] bastion``.

    With them come the directives that were said of the jump host itself. None when the command is anything else.
    """
    try:
        words = shlex.split(command)
        directives, rest = parse_words(words[1:]) if words[:1] in (["ssh"], ["/usr/bin/ssh"]) else ((), ())
        if len(rest) > 1:  # ssh takes options behind the host as well
            after, behind = parse_words(rest[1:])
            directives, rest = (*directives, *after), (rest[0], *behind)
    except ValueError:
        return None
    said: dict[str, str] = {}
    others: list[Directive] = []
    for directive in directives:
        if directive.keyword in {"-W", "port", "user", "proxyjump"}:
            said.setdefault(directive.keyword, directive.value)
        else:
            others.append(directive)
    if len(rest) != 1 or said.get("-W", "") not in {"%h:%p", "[%h]:%p"}:
        return None
    try:
        return (*parse_jumps(said.get("proxyjump", "none")), _hop(_with_said(rest[0], said))), tuple(others)
    except ValueError:
        return None


def _with_said(host: str, said: dict[str, str]) -> str:
    """The hop with the user and the port that ``-l`` and ``-p`` give it where it has none itself."""
    user = f"{said['user']}@" if "user" in said and "@" not in host else ""
    if "port" not in said:
        return user + host
    bare = host.rpartition("@")[2]
    if ":" in bare and not bare.startswith("[") and bare.count(":") > 1:
        host = host.removesuffix(bare) + f"[{bare}]"
        return f"{user}{host}:{said['port']}"
    return user + host if re.search(r":[0-9]+\Z", bare) else f"{user}{host}:{said['port']}"
