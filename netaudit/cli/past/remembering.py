"""What ``netaudit history`` does: lists past runs, forgets old ones, hands one on and takes one in."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from netaudit.cli.guard import say
from netaudit.cli.telling.pages import Pages
from netaudit.fleet.jsonable import dumps
from netaudit.fleet.rows import run_row, summary_row
from netaudit.model.spell import Spell
from netaudit.report.history import spell_row, spells_page
from netaudit.report.lists import history_table
from netaudit.report.words import count
from netaudit.store.choosing import Choice, ChosenRun
from netaudit.store.location import default_path
from netaudit.store.runs import Store, open_store

SCHEMA = "netaudit.history/1"
_INVENTORIES = 20  # of the latest runs, that are looked into for the hosts of a group


def list_runs(args: argparse.Namespace) -> int:
    """Print the runs of the choice, and with ``--check`` how long the finding has stood."""
    choice = Choice(args.host, args.group, args.check, args.command, args.since, args.until, args.limit)
    with open_store(default_path(os.environ)) as store:
        chosen = tuple(store.chosen(choice))
        spells = tuple(store.spells(host=args.host, check=args.check)) if args.check else ()
        if args.group is not None and spells:
            members = _members(store, chosen[:_INVENTORIES], args.group)
            spells = tuple(spell for spell in spells if spell.host in members)
    if args.output == "json":
        rows = [_row(each) for each in chosen]
        whole = {"schema": SCHEMA, "runs": rows, "findings": [spell_row(each) for each in spells]}
        sys.stdout.write(dumps(whole) + "\n")
        return 0
    _print(args, chosen, spells)
    return 0


def _members(store: Store, chosen: Sequence[ChosenRun], group: str) -> frozenset[str]:
    """The hosts of a group, in the inventories of these runs."""
    contexts = (store.context(each.stored.info.id) for each in chosen)
    return frozenset(host for context in contexts for host, groups in context.groups.items() if group in groups)


def _row(each: ChosenRun) -> dict[str, object]:
    row: dict[str, object] = {"run": run_row(each.stored.info), "summary": summary_row(each.summary)}
    row["command"] = each.stored.info.command
    row["pattern"] = each.stored.info.pattern
    row["finished"] = each.stored.finished
    row["imported"] = each.stored.is_imported
    return row


def _print(args: argparse.Namespace, chosen: tuple[ChosenRun, ...], spells: tuple[Spell, ...]) -> None:
    pages = Pages(args)
    rows = [(each.stored.info, each.summary, each.stored.finished) for each in chosen]
    imported = {each.stored.info.id for each in chosen if each.stored.is_imported}
    pages.print_table(history_table(rows, pages.options, imported))
    if not rows and not args.quiet:
        say("no run matches" if _is_narrowed(args) else "no run has been stored yet; netaudit audit makes one")
    if spells:
        sys.stdout.write("\n")
        pages.print_blocks(spells_page(spells, pages.options))


def _is_narrowed(args: argparse.Namespace) -> bool:
    return any((args.host, args.group, args.check, args.command, args.since, args.until))


def prune(args: argparse.Namespace) -> int:
    """Forget the runs that are older than ``--keep``."""
    before = datetime.now(UTC) - args.keep
    with open_store(default_path(os.environ), must_exist=True) as store:
        doomed = store.older(before) if args.dry_run else store.prune(before)
        size = store.path.stat().st_size
    verb = "would be forgotten" if args.dry_run else "forgotten"
    for identity in doomed if args.verbose or args.dry_run else ():
        sys.stdout.write(f"{identity}\n")
    if not args.quiet:
        say(f"{count(len(doomed), 'run')} {verb}; the history takes {size / 1e6:,.1f} MB")
    return 0


def export_run(args: argparse.Namespace) -> int:
    """Write one run to a file."""
    from netaudit.store.export import export_run as export

    with open_store(default_path(os.environ), must_exist=True) as store:
        written = export(store, store.run(args.run), Path(args.file), captures=args.captures, anonymous=args.anonymous)
    if not args.quiet:
        taken = f", {count(written.secrets, 'secret')} taken out" if written.secrets else ""
        say(f"{args.file}: {count(written.hosts, 'host')}, {written.size_bytes / 1e6:,.2f} MB{taken}")
    return 0


def import_run(args: argparse.Namespace) -> int:
    """Take in one run from a file."""
    from netaudit.store.importing import import_run as take_in

    with open_store(default_path(os.environ)) as store:
        taken = take_in(store, Path(args.file))
    if not args.quiet:
        say(f"run {taken.id} of {count(taken.hosts, 'host')} taken in; netaudit show {taken.id} prints it")
    return 0
