"""The other network namespaces of a host: the domain ``namespaces``."""

from __future__ import annotations

import re

from netaudit.facts.numbers import natural
from netaudit.facts.parts import Parts, split_parts
from netaudit.facts.socket_rows import read_ss, split_local
from netaudit.facts.sysctl import settings_of
from netaudit.model.facts import Listener, Namespace
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, Maybe

_HEAD = "namespace "
_CONTAINER = re.compile(r"(?:\A|[-/:])([0-9a-f]{12})[0-9a-f]{52}(?:\.scope|\Z|/)", re.ASCII)
_LINK = re.compile(r"^[0-9]{1,10}: ([^\s:@]{1,15})(?:@[^\s:]+)?: .*?\bmtu ([0-9]{1,10})\b", re.ASCII | re.MULTILINE)


def parse_namespaces(section: Section) -> tuple[Namespace, ...]:
    """The namespaces in the order they were found in: one without a name is called by its container or process."""
    parts = split_parts(section)
    return tuple(
        _namespace(label.removeprefix(_HEAD), text, parts)
        for label, text in parts.texts.items()
        if label.startswith(_HEAD)
    )


def _namespace(inode: str, text: str, parts: Parts) -> Namespace:
    said: dict[str, list[str]] = {}
    for line in text.split("\n"):
        word, _, rest = line.partition(" ")
        said.setdefault(word, []).append(rest)
    pid = said.get("pid", [""])[0]
    process = said.get("process", [""])[0]
    name = said.get("name", [""])[0] or _container(said.get("cgroup", [])) or process
    settings = parts.text(f"settings {inode}")
    listeners = _or(settings, parts.text(f"listeners {inode}"))
    links = _or(settings, parts.text(f"links {inode}"))
    return Namespace(
        inode=natural(inode),
        name=name,
        pid=natural(pid) if pid else None,
        process=process,
        sysctl=settings if isinstance(settings, Absent) else settings_of(settings),
        listeners=listeners if isinstance(listeners, Absent) else _listeners(listeners),
        link_mtus=links if isinstance(links, Absent) else {name: natural(mtu) for name, mtu in _LINK.findall(links)},
        is_named=bool(said.get("name", [""])[0]),
    )


def _or(settings: Maybe[str], text: Maybe[str]) -> Maybe[str]:
    """A text, or, where the namespace could not be entered at all, the reason for that."""
    return settings if isinstance(settings, Absent) and isinstance(text, Absent) else text


def _container(cgroups: list[str]) -> str:
    """The short id of the container that a control group path names, as container engines show it."""
    for line in cgroups:
        match = _CONTAINER.search(line)
        if match is not None:
            return match[1]
    return ""


def _listeners(text: str) -> tuple[Listener, ...]:
    """The listeners of ``ss -ltn``. Their processes are not told: ss sees those of its own process space only."""
    found = []
    for row in read_ss("".join(f"tcp {line}\n" for line in text.split("\n"))):
        address, device, port = split_local(row.local)
        found.append(Listener(row.protocol, address, port, row.received, row.sent, device))
    return tuple(found)
