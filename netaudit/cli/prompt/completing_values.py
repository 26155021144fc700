"""The values that command lines name: hosts, groups, checks, baselines, probes, past runs. Nothing is run.

Of inventories only names are read, and remembered as long as no file of theirs changes. Programs are left out: pressing
a key in a directory must not start what lies there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from netaudit.cli.here import here

_CHECK = re.compile(r"^\s*- id: ([\w.-]+)\s*\n\s*title: (.*)$", re.MULTILINE)
_VARIABLE = re.compile(r"^  ([a-z]\w*):", re.MULTILINE)
_LAST_TERM = re.compile(r"(?:.*[:,])?[&!]?", re.DOTALL)
_REMEMBERED = 16  # inventories
_MOST_FILES = 4000  # of one inventory
_FORMATS = {
    "plan": ("console", "json", "ansible=", "sysctl=", "shell="),
    "diff": ("console", "html", "json"),
    "outliers": ("console", "json"),
}
_WORDS = {"WHAT": ("group", "all", "kernel", "driver", "distribution", "virtualization", "size")}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate and what it means; ``:files`` and ``:dirs`` with what has been typed of the path instead."""

    text: str
    meaning: str = ""
    stem: str = ""  # what stands in front of a path: `--output=html=`

    def after(self, front: str) -> Candidate:
        """The same behind what has been typed already."""
        if self.text.startswith(":"):
            return Candidate(self.text, self.meaning, front + self.stem)
        return Candidate(front + self.text, self.meaning)


def formats(command: str, part: str) -> Iterator[Candidate]:
    """The formats of ``-o``, or files after its ``=``."""
    name, equals, path = part.partition("=")
    if equals:
        yield Candidate(":dirs" if name in {"sysctl", "shell"} else ":files", path, f"{name}=")
        return
    from netaudit.report.formats import FOR_PLANS, NAMES, OF_REMEDIATIONS

    further = FOR_PLANS if command in {"capacity", "report"} else ()
    known = OF_REMEDIATIONS if command == "fix" else _FORMATS.get(command, ("console", *NAMES, *further))
    for each in known:
        yield Candidate(each)
        if command != "plan" and each != "console":
            yield Candidate(f"{each}=", f"{each} into a file")


def baselines() -> Iterator[Candidate]:
    """The shipped baselines."""
    from netaudit.assets.locate import locate

    yield from (Candidate(path.stem, "baseline") for path in sorted(locate().baselines.glob("*.yaml")))


def checks(named: Sequence[str]) -> Iterator[Candidate]:
    """The shipped checks, and those of a baseline file that was named."""
    from netaudit.assets.locate import locate

    for path in [*sorted(locate().checks.rglob("*.yaml")), *map(Path, named[-1:])]:
        if path.is_file():
            for found in _CHECK.finditer(path.read_text(encoding="utf-8", errors="replace")):
                yield Candidate(found[1], found[2].strip("\"'"))


def probes() -> Iterator[Candidate]:
    """The probes."""
    from netaudit.assets.locate import locate

    for path in sorted(locate().probes.glob("*.sh")):
        with path.open(encoding="utf-8", errors="replace") as lines:
            head = [line for line, _ in zip(lines, range(8), strict=False)]
        summary = next((line[len("# summary:") :].strip() for line in head if line.startswith("# summary:")), "")
        yield Candidate(path.stem, summary)


def runs() -> Iterator[Candidate]:
    """``last`` and the ids of past runs, the latest first."""
    from netaudit.store.location import default_path
    from netaudit.store.runs import open_store

    yield Candidate("last", "the latest run")
    path = default_path(os.environ)
    if path.exists():
        with open_store(path, must_exist=True) as store:
            for run in store.runs(50):
                yield Candidate(run.info.id, f"{run.info.command} {run.info.started_at:%Y-%m-%d %H:%M}")


def settings() -> Iterator[Candidate]:
    """What ``--what-if`` may try out."""
    from netaudit.assets.locate import locate

    names = ["listen_backlog", "nofile", "rx_ring"]
    text = (locate().schema / "sysctl-names.txt").read_text(encoding="utf-8")
    names += [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    yield from (Candidate(f"{name}=") for name in names if "<" not in name and "*" not in name)


def words(command: str, kind: str) -> Iterator[Candidate]:
    """What else has a name of its own: probes, runs, causes, commands."""
    if command.startswith("probe") and kind == "NAME":
        yield from probes()
    elif kind in {"RUN", "RUN1", "RUN2"}:
        yield from runs()
    elif kind == "NAME=VALUE":
        yield from settings()
    elif kind == "CAUSE":
        from netaudit.lab.causes import CAUSES

        yield from (Candidate(each.name, each.summary) for each in CAUSES)
    elif kind == "WHAT":
        yield from map(Candidate, _WORDS[kind])
    elif kind == "COMMAND" or (command == "history" and kind == "NAME"):
        from netaudit.cli.catalogue import COMMANDS

        yield from (Candidate(name, summary) for name, (_, summary) in COMMANDS.items())


def variables(named: Sequence[str]) -> Iterator[Candidate]:
    """The variables of the baseline, for ``-e NAME=VALUE``."""
    from netaudit.assets.locate import locate

    folder = locate().baselines
    named_file = Path(named[-1]) if named else folder / "linux-server.yaml"
    for path in {folder / "linux-server.yaml", folder / f"{named_file.name}.yaml", named_file}:
        if path.is_file():
            _, _, below = path.read_text(encoding="utf-8", errors="replace").partition("\nvars:\n")
            block = re.split(r"^\S", below, maxsplit=1, flags=re.MULTILINE)[0]
            yield from (Candidate(f"{found[1]}=") for found in _VARIABLE.finditer(block))


def groups(sources: Sequence[str]) -> Iterator[Candidate]:
    """The groups of the inventory."""
    yield from (Candidate(name, "group") for name in _names(sources).get("groups", ()))


def hosts(sources: Sequence[str], part: str, lab: Sequence[str] | None = None) -> Iterator[Candidate]:
    """Hosts and groups of the inventory, for the last term of a pattern: ``web:&pr`` is completed as ``pr`` is."""
    if lab is not None:
        from netaudit.cli.commands.lab import default_directory

        sources = (str(Path(lab[-1] if lab else default_directory()) / "inventory.yaml"),)
    found = _names(sources)
    match = _LAST_TERM.match(part)
    front = match[0] if match else ""
    yield from (Candidate(front + name, "group") for name in found.get("groups", ()) if lab is None)
    yield from (Candidate(front + name, "host") for name in found.get("hosts", ()))


def _names(sources: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The names of an inventory: of those that ``-i`` names, else of the settings, else where commands look too."""
    import json

    from netaudit.cli.asking.cache_place import cache_folder

    chosen = [_expanded(source) for source in tuple(sources) or _default_sources()]
    key = _key(chosen)
    folder = cache_folder()
    kept = folder / "completion.json" if folder else None
    known: dict[str, Mapping[str, Sequence[str]]] = {}
    if kept is not None and kept.is_file():
        known = json.loads(kept.read_text(encoding="utf-8"))
        if key in known:
            return known[key]
    known[key] = names = _read(chosen)
    if kept is not None:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = kept.with_name(f".{kept.name}.{os.getpid()}")
        fresh.write_text(json.dumps(dict(list(known.items())[-_REMEMBERED:])), encoding="utf-8")
        fresh.replace(kept)
    return names


def _default_sources() -> Sequence[str]:
    from netaudit.cli.settings import configuring
    from netaudit.inventory import default_sources

    said = [each for each in configuring.all_said(os.environ, here()) if each.name == "inventory"]
    return configuring.sources_of(said[-1]) if said else default_sources(os.environ)


def _key(sources: Sequence[str]) -> str:
    """The names, sizes and times of all files: another key when any of them has changed."""
    import hashlib

    whole = hashlib.sha256()
    for source in sources:
        path = Path(source)
        for each in [path, *sorted(path.rglob("*"))[:_MOST_FILES]] if path.is_dir() else [path]:
            state = each.stat() if each.exists() else None
            told = f"{state.st_mtime_ns} {state.st_size} {state.st_mode}" if state else ""
            whole.update(f"{each.absolute()}\0{told}\0".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def _read(sources: Sequence[str]) -> dict[str, Sequence[str]]:
    from netaudit.errors import OperatorError
    from netaudit.inventory.graph import Graph
    from netaudit.inventory.sources import NeedsAnsible, is_host_list, read_source

    graph = Graph()
    for source in sources:
        path = Path(source)
        if not is_host_list(source) and any(map(_is_program, path.rglob("*") if path.is_dir() else [path])):
            continue
        try:
            read_source(graph, source)
        except (OperatorError, NeedsAnsible):
            continue
    return {"groups": list(graph.groups), "hosts": list(graph.hosts)}


def _expanded(source: str) -> str:
    """As commands expand it, without what it takes to import them."""
    return source if "," in source else os.path.expanduser(os.path.expandvars(source))  # noqa: PTH111 - as they do


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
