"""The other network namespaces of a host: the domain ``namespaces``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from netaudit.facts.numbers import natural
from netaudit.facts.parts import Parts, split_parts
from netaudit.facts.socket_rows import Owner, hidden_owner, inode_of, is_number, read_ss, split_local, unit_of
from netaudit.facts.sysctl import settings_of
from netaudit.model.facts import Listener, Namespace
from netaudit.model.facts.sysctl import LinkEnd
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, Maybe

_HEAD = "namespace "
_CONTAINER = re.compile(r"(?:\A|[-/:])([0-9a-f]{12})[0-9a-f]{52}(?:\.scope|\Z|/)", re.ASCII)
_LINK = re.compile(
    r"^([0-9]{1,10}): ([^\s:@]{1,15})(?:@(?:if([0-9]{1,10})|[^\s:]+))?: .*?\bmtu ([0-9]{1,10})\b",
    re.ASCII | re.MULTILINE,
)
_HOST = "host"
_Place = tuple[int, int]  # of one end of a pair: its own index, and that of the other end in the other's namespace


def parse_namespaces(section: Section) -> tuple[Namespace, ...]:
    """The namespaces in the order they were found in: one without a name is called by its container or process."""
    parts = split_parts(section)
    owners = _owners(parts)
    found = {
        label.removeprefix(_HEAD): _namespace(label.removeprefix(_HEAD), text, parts, owners)
        for label, text in parts.texts.items()
        if label.startswith(_HEAD)
    }
    ends = _ends(parts, {inode: namespace.name for inode, namespace in found.items()})
    return tuple(replace(one, link_peers=_peers(inode, parts, ends)) for inode, one in found.items())


def _owners(parts: Parts) -> dict[int, Owner]:
    """Who holds each listening socket, by inode: named after the oldest process of those that share it."""
    holders: dict[int, dict[int, str]] = {}
    for line in parts.texts.get("owners", "").split("\n"):
        words = line.split(" ", 2)
        if len(words) == 3 and is_number(words[0]) and is_number(words[1]):
            holders.setdefault(natural(words[0]), {})[natural(words[1])] = words[2]
    return {inode: Owner(names[min(names)], min(names), tuple(sorted(names))) for inode, names in holders.items()}


def _ends(parts: Parts, names: Mapping[str, str]) -> dict[_Place, list[tuple[str, LinkEnd]]]:
    """The ends of all pairs that lead out of their namespace, the host's own among them, with where each is."""
    found: dict[_Place, list[tuple[str, LinkEnd]]] = {}
    for where, name in {_HOST: "", **names}.items():
        for index, link, peer, mtu in _LINK.findall(parts.texts.get(f"links {where}", "")):
            if peer:
                found.setdefault((int(index), int(peer)), []).append((where, LinkEnd(name, link, natural(mtu))))
    return found


def _peers(inode: str, parts: Parts, ends: Mapping[_Place, list[tuple[str, LinkEnd]]]) -> dict[str, LinkEnd]:
    """The other end of each link that has one elsewhere on this host.

    Two links are ends of one pair when each names the other's index. Indexes repeat from namespace to namespace, so
    that more than one may fit: then nothing is said.
    """
    found = {}
    for index, link, peer, _mtu in _LINK.findall(parts.texts.get(f"links {inode}", "")):
        fitting = ends.get((int(peer), int(index)), []) if peer else []
        others = [end for where, end in fitting if where != inode]
        if len(others) == 1:
            found[link] = others[0]
    return found


def _namespace(inode: str, text: str, parts: Parts, owners: Mapping[int, Owner]) -> Namespace:
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
        listeners=listeners if isinstance(listeners, Absent) else _listeners(listeners, parts, owners),
        link_mtus=links if isinstance(links, Absent) else _mtus(links),
        is_named=bool(said.get("name", [""])[0]),
    )


def _mtus(links: str) -> dict[str, int]:
    return {name: natural(mtu) for _index, name, _peer, mtu in _LINK.findall(links)}


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


def _listeners(text: str, parts: Parts, owners: Mapping[int, Owner]) -> tuple[Listener, ...]:
    """The listeners of ``ss -ltne``, each with its owner, who is looked up among the processes of the whole host."""
    found = []
    for row in read_ss("".join(f"tcp {line}\n" for line in text.split("\n"))):
        address, device, port = split_local(row.local)
        inode = inode_of(row)
        owner = owners.get(inode) or hidden_owner(parts)
        found.append(
            Listener(
                row.protocol, address, port, row.received, row.sent, device, owner.process, owner.pid, inode,
                unit_of(row), owner.pids,
            )
        )  # fmt: skip
    return tuple(found)
