"""What files will set again: the domain ``persisted``. The order of loading is ``precedence``'s to know."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from netaudit.facts import precedence
from netaudit.facts.numbers import natural
from netaudit.facts.parts import Parts, split_parts, unreadable
from netaudit.facts.precedence import SYSCTL_CONF, Assignment, Line
from netaudit.facts.sysctl import name_of
from netaudit.model.facts import Persisted, PersistedFile, PersistedValue
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, AbsentReason, Maybe

_PROCPS_3_3_17 = (8, 0, 3)  # the version of its libprocps.so
_GLOB = "glob "


@dataclass(frozen=True, slots=True)
class _Tree:
    """The files as the probe found them."""

    entries: Mapping[str, str]  # path -> kind
    targets: Mapping[str, str]  # link -> target
    lines: Mapping[str, Sequence[Line]]
    matches: Mapping[str, Sequence[str]]  # pattern -> paths below /proc/sys
    has_systemd_sysctl: bool
    runs_systemd: bool
    old_procps: bool


def parse_persisted(section: Section) -> Maybe[Persisted]:
    """The values that win under both loaders, with their file and line.

    A file that could not be read makes the domain absent: whatever it says might win.
    """
    hidden = [
        (path, why) for path, why in unreadable(section.stderr).items() if why.reason is AbsentReason.NOT_PERMITTED
    ]
    if hidden:
        return Absent(AbsentReason.NOT_PERMITTED, f"/{hidden[0][0]}")
    tree = _tree(split_parts(section))
    system = _system(tree)
    return Persisted(
        boot=_boot(tree) if tree.has_systemd_sysctl else system,
        system=system,
        files=_files(tree),
        problems=_problems(tree),
        modules_load=_modules_load(tree),
        module_options=_module_options(tree),
        systemd=tree.has_systemd_sysctl and tree.runs_systemd,
    )


def _tree(parts: Parts) -> _Tree:
    loaders = parts["loaders"].split("\n")
    entries: dict[str, str] = {}
    for line in parts["entries"].split("\n"):
        kind, _, path = line.partition(" ")
        if path:
            entries[path] = kind
    matches = {
        label.removeprefix(_GLOB): list(dict.fromkeys(text.split("\n")[:-1]))
        for label, text in parts.texts.items()
        if label.startswith(_GLOB)
    }
    installed = any(line.startswith("systemd-sysctl /") for line in loaders)
    return _Tree(
        entries=entries,
        targets=_targets(parts.texts.get("links", ""), entries),
        lines=_lines(parts.texts.get("lines", ""), entries),
        matches=matches,
        has_systemd_sysctl=installed and "systemd-sysctl masked" not in loaders,
        runs_systemd="systemd runs" in loaders,
        old_procps=_has_old_procps(loaders),
    )


def _targets(listing: str, entries: Mapping[str, str]) -> dict[str, str]:
    """Targets of links, of ``ls -l``; two common ones are told by the kind of the entry."""
    fixed = {"null": "/dev/null", "conf": SYSCTL_CONF, "modules": "/etc/modules"}
    targets = {path: fixed[kind] for path, kind in entries.items() if kind in fixed}
    for line in listing.split("\n"):
        left, arrow, target = line.partition(" -> ")
        if arrow:
            targets["/" + left.rpartition(" ")[2]] = target
    return targets


def _lines(text: str, entries: Mapping[str, str]) -> dict[str, list[Line]]:
    """Lines ``path:number:text`` by file. Where a path holds colons, it is the longest one that is an entry."""
    found: dict[str, list[Line]] = {}
    for raw in text.split("\n"):
        path, _, rest = raw.partition(":")
        while "/" + path not in entries and ":" in rest:
            more, _, rest = rest.partition(":")
            path += ":" + more
        number, colon, content = rest.partition(":")
        if colon and number.isdigit():
            found.setdefault("/" + path, []).append(Line("/" + path, natural(number), content))
    return found


def _has_old_procps(loaders: Iterable[str]) -> bool:
    """Whether the library that is there is that of procps before 3.3.17 and no newer one."""
    libraries = [line.removeprefix("procps ") for line in loaders if line.startswith("procps ")]
    if not libraries or any(name.startswith("libproc2") for name in libraries):
        return False
    versions = [name.removeprefix("libprocps.so.").split(".") for name in libraries]
    newest = max((tuple(natural(word) for word in words) for words in versions), default=_PROCPS_3_3_17)
    return newest < _PROCPS_3_3_17


def _assignments(files: Iterable[str], tree: _Tree, *, systemd: bool) -> list[Assignment]:
    """What the files say, in order, as one of the two loaders reads it."""
    read = precedence.read_systemd if systemd else precedence.read_procps
    return [said for file in files for line in tree.lines.get(file, ()) for said in read(line) or ()]


def _boot(tree: _Tree) -> dict[str, PersistedValue]:
    files = precedence.files_in_order(tree.entries, precedence.DIRECTORIES, dotfiles=False)
    return _named(precedence.systemd_values(_assignments(files, tree, systemd=True), tree.matches))


def _system(tree: _Tree) -> dict[str, PersistedValue]:
    directories = precedence.OLD_PROCPS_DIRECTORIES if tree.old_procps else precedence.DIRECTORIES
    files = precedence.files_in_order(tree.entries, directories, dotfiles=True)
    if tree.entries.get(SYSCTL_CONF, "directory") != "directory":
        files += (SYSCTL_CONF,)
    said = _assignments(files, tree, systemd=False)
    if tree.old_procps:
        said = [assignment for assignment in said if not assignment.is_pattern]
    return _named(precedence.procps_values(said, tree.matches))


def _named(winners: Mapping[str, PersistedValue]) -> dict[str, PersistedValue]:
    return {name_of(path): value for path, value in winners.items()}


def _problems(tree: _Tree) -> tuple[str, ...]:
    """Lines that are no assignment, in the files that a loader reads."""
    files = precedence.files_in_order(tree.entries, precedence.DIRECTORIES, dotfiles=True)
    return tuple(
        f"{line.file}:{line.number}: not an assignment: {line.text.strip()[:80]}"
        for file in [*files, SYSCTL_CONF]
        for line in tree.lines.get(file, ())
        if precedence.read_procps(line) is None
    )


def _files(tree: _Tree) -> tuple[PersistedFile, ...]:
    """Every file of settings that was found, also the replaced ones, by path."""
    used = set(precedence.files_in_order(tree.entries, precedence.DIRECTORIES, dotfiles=True))
    return tuple(
        PersistedFile(
            path=path,
            digest=_digest(tree.lines.get(path, ())),
            masked=path not in used and path != SYSCTL_CONF,
            target=tree.targets.get(path, ""),
        )
        for path in sorted(tree.entries)
        if path.rpartition("/")[0] in precedence.DIRECTORIES or path == SYSCTL_CONF
    )


def _digest(lines: Iterable[Line]) -> str:
    return hashlib.sha256("\n".join(line.text.strip() for line in lines).encode()).hexdigest()


def _modules_load(tree: _Tree) -> tuple[str, ...]:
    """Modules that are loaded at boot: modules-load.d(5), and /etc/modules of Debian."""
    names: dict[str, None] = {}
    for file, lines in tree.lines.items():
        if "/modules-load.d/" in file or file == "/etc/modules":
            names |= dict.fromkeys(line.text.split()[0].replace("-", "_") for line in lines if line.text.strip())
    return tuple(names)


def _module_options(tree: _Tree) -> dict[str, str]:
    """Options of modprobe.d(5) by module; several lines for one module are joined."""
    options: dict[str, str] = {}
    for file, lines in tree.lines.items():
        if "/modprobe.d/" not in file:
            continue
        for line in lines:
            words = line.text.split()
            if len(words) > 2 and words[0] == "options":
                module = words[1].replace("-", "_")
                options[module] = " ".join([*filter(None, [options.get(module)]), *words[2:]])
    return options
