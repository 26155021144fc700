"""Names and addresses replaced by pseudonyms: the same one for the same name, wherever it stands.

A pseudonym is made from the name and a key that stays with the history, so that two exports of one history fit together
and nobody without the key can try names out. Addresses that tell nothing (loopback, unspecified, netmasks) stay.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from ipaddress import ip_address

_DIGITS = 8
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_IPV4 = re.compile(r"(?<![0-9A-Za-z.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9A-Za-z]|\.[0-9])")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])(?=[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:)[0-9A-Fa-f:.]{2,45}(?![0-9A-Za-z])")
_MAC = re.compile(r"(?<![0-9A-Za-z:])(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![0-9A-Za-z:])")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/=]{20,}")
_HOME = re.compile(r"(/home/|/Users/)[^/\s:]+")
_MAIL = re.compile(r"[A-Za-z0-9._%+-]+@(?=[A-Za-z0-9])")
_KEPT_GROUPS = frozenset({"all", "ungrouped"})


class Pseudonyms:
    """Replaces the names of these hosts and groups, and every address, in any text."""

    def __init__(self, key: bytes, hosts: Iterable[str], groups: Iterable[str] = ()) -> None:
        self._key = key
        self._names: dict[str, str] = {}
        self._odd: list[tuple[str, str]] = []  # names that are not one word
        self._domains: set[str] = set()
        for group in groups:
            if group not in _KEPT_GROUPS:
                self._add(group, f"group-{self._tag(group)}")
        for host in hosts:
            self._add_host(host)
        self._odd.sort(key=lambda pair: -len(pair[0]))

    def _add_host(self, host: str) -> None:
        if _is_address(host):
            return  # is replaced as an address
        short, dot, domain = host.partition(".")
        pseudonym = f"host-{self._tag(host)}"
        self._add(host, pseudonym)
        if dot and domain:
            self._domains.add(domain.lower())
            self._names.setdefault(short, pseudonym)

    def _add(self, name: str, pseudonym: str) -> None:
        if _WORD.fullmatch(name):
            self._names[name] = pseudonym
        elif name:
            self._odd.append((name, pseudonym))

    def group(self, name: str) -> str:
        """The pseudonym of a group."""
        return name if name in _KEPT_GROUPS else f"group-{self._tag(name)}"

    def person(self, name: str) -> str:
        """The pseudonym of whoever approved something, or of a ticket."""
        return f"name-{self._tag(name)}" if name else ""

    def text(self, text: str) -> str:
        """The text with pseudonyms."""
        for name, pseudonym in self._odd:
            text = text.replace(name, pseudonym)
        text = _FINGERPRINT.sub("SHA256:(left out)", text)
        text = _HOME.sub(r"\1user", text)
        text = _MAIL.sub("user@", text)
        text = _MAC.sub(lambda found: f"mac-{self._tag(found[0].lower())}", text)
        text = _IPV6.sub(lambda found: self._address(found[0]), text)
        text = _IPV4.sub(lambda found: self._address(found[0]), text)
        return _WORD.sub(lambda found: self._word(found[0]), text)

    def _word(self, word: str) -> str:
        bare = word.rstrip(".-")
        known = self._names.get(bare)
        if known is not None:
            return known + word[len(bare) :]
        _, dot, domain = bare.partition(".")
        if dot and domain.lower() in self._domains:
            return f"host-{self._tag(bare)}{word[len(bare) :]}"
        return word

    def _address(self, text: str) -> str:
        bare = text.rstrip(":.") if not text.endswith("::") else text
        try:
            address = ip_address(bare)
        except ValueError:
            return text
        if address.is_loopback or address.is_unspecified or address.is_multicast or bare.startswith("255."):
            return text
        return f"ipv{address.version}-{self._tag(address.compressed)}{text[len(bare) :]}"

    def _tag(self, name: str) -> str:
        return hmac.new(self._key, name.encode("utf-8", "backslashreplace"), hashlib.sha256).hexdigest()[:_DIGITS]


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
