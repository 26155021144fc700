"""The rules and probes of a command: what ``-b`` and ``-e`` say, read from the shipped data or the user's file."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from netaudit.app.rules import Questions
from netaudit.assets.catalogue import load_ruleset
from netaudit.assets.locate import locate
from netaudit.baseline.select import Ruleset
from netaudit.cli.asking.cache_place import cache_folder
from netaudit.model.probe import Probe


def shipped_probes() -> tuple[Probe, ...]:
    """The probes that netaudit ships, by name."""
    from netaudit.assets.probes import load_probes

    return load_probes(locate())


def ruleset_of(args: argparse.Namespace, warn: Callable[[str], None]) -> Ruleset:
    """The rules of ``-b``, with those of the ``-e`` variables that the baseline declares. Raises RuleError."""
    from netaudit.inventory.extravars import parse_extra_vars

    folder = cache_folder()
    rules = load_ruleset(args.baseline, cache_folder=folder)
    for warning in rules.rules.warnings:
        warn(warning)
    said = parse_extra_vars(args.extra_vars)
    declared = {name: value for name, value in said.items() if name in rules.rules.variables}
    declared = {**getattr(args, "play_variables", {}), **declared}
    for name in sorted(said.keys() - declared.keys()):
        if not name.startswith(("ansible_", "netaudit_")):
            warn(f"-e {name}: not a variable of the baseline {rules.name}; only the inventory sees it")
    return load_ruleset(args.baseline, declared, cache_folder=folder) if declared else rules


def questions(args: argparse.Namespace | None = None) -> Questions:
    """What can be asked of hosts: the shipped probes and the user's own. Raises RuleError."""
    return Questions((*shipped_probes(), *own_probes(args)), is_replay=bool(getattr(args, "from_dir", None)))


def own_probes(args: argparse.Namespace | None = None) -> tuple[Probe, ...]:
    """The probes of ``--probe-dir``, else those of ``$XDG_CONFIG_HOME/netaudit/probes`` if there are any."""
    stated = getattr(args, "probe_dirs", None)
    folders = [Path(each) for each in stated] if stated else _own_folder(os.environ)
    if not folders:
        return ()
    from netaudit.assets.own_probes import load_own_probes

    return load_own_probes(folders)


def _own_folder(env: Mapping[str, str]) -> list[Path]:
    home, stated = env.get("HOME", ""), env.get("XDG_CONFIG_HOME", "")
    base = Path(stated) if stated.startswith("/") else Path(home, ".config") if home.startswith("/") else None
    return [base / "netaudit" / "probes"] if base is not None and (base / "netaudit" / "probes").is_dir() else []


def probes_digest(probes: Sequence[Probe]) -> str:
    """One digest of all probes, whatever their order."""
    import hashlib

    return hashlib.sha256("".join(sorted(probe.digest for probe in probes)).encode()).hexdigest()
