"""Prints a run out of the store."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace

from netaudit import __version__
from netaudit.app.recovery import accounted
from netaudit.cli import exit_codes
from netaudit.cli.changing.accounts import of_outcomes, write_account
from netaudit.cli.guard import say
from netaudit.cli.reading.auditing import FORMATS
from netaudit.cli.telling.outputs import Output, opened, parse_outputs
from netaudit.diagnosis.results import PREFIX
from netaudit.errors import UsageError
from netaudit.fleet.fold import Fold
from netaudit.fleet.standing import Standing
from netaudit.fleet.tally import Tally
from netaudit.model.context import RunContext
from netaudit.model.plan import HostOutcome, Outcome
from netaudit.model.result import Severity
from netaudit.remedy.rolled import Rolled, retold
from netaudit.report import terminal
from netaudit.report.formats import FOR_PLANS, NAMES, renderer
from netaudit.report.remediation import Told, told
from netaudit.report.words import count
from netaudit.store.journal import open_journal
from netaudit.store.location import default_path
from netaudit.store.reading import StoredRun
from netaudit.store.rollouts import open_rollouts
from netaudit.store.runs import Store, open_store

OWN = frozenset({"console", "html", "json", "jsonl"})  # forms that capacity checks and diagnoses have their own of


def show(args: argparse.Namespace) -> int:
    """Print one run in every format that is asked for. Raises StoreError when there is none of that name."""
    outputs = parse_outputs(args.output, (*FORMATS, *FOR_PLANS))
    with open_store(default_path(os.environ), must_exist=True) as store:
        stored = _counted(store, store.run(args.run))
        account = _remediation(stored, store.names(stored.info.id))
        if account is not None:
            for output in outputs:
                write_account(args, output, account)
            return of_outcomes(account)
        context = store.context(stored.info.id)
        own = _of_its_own(store, stored, context, outputs)
        for output in outputs:
            if output.format in FOR_PLANS and output not in own:
                raise UsageError(f"-o {output.format}: {stored.info.id} is no capacity check with all its answers",
                                 hint="netaudit capacity writes it")  # fmt: skip
        if own:
            _write_again(args, store, stored, context, own)
        for output in outputs:
            if output not in own:
                _write(args, store, stored, output)
    run = stored.info
    return exit_codes.of_summary(stored.summary, Severity(args.fail_on), interrupted=run.interrupted)


def _remediation(stored: StoredRun, names: Sequence[str]) -> Told | None:
    """What a run has changed, out of the journal; None for a run that changed nothing. ``names`` were to be changed."""
    with open_journal(default_path(os.environ), must_exist=True) as journal:
        records = journal.changes(stored.info.id)
        undone = journal.undone(stored.info.id)
    with open_rollouts(default_path(os.environ)) as rollouts:
        kept = rollouts.kept(stored.info.id)
    outcomes = [accounted(record, undone.get(record.id, "")) for record in records]
    if kept is not None:
        rolled = retold(kept, outcomes, interrupted=stored.info.interrupted)
        return told(stored.info, kept.plan.batches, [each.host for each in kept.plan.hosts if each.steps], rolled)
    if not records:
        return None
    begun = {record.host for record in records}
    hosts = list(dict.fromkeys((*names, *(record.host for record in records))))
    never = (host for host in hosts if host not in begun)
    outcomes += [HostOutcome(host, "", Outcome.UNREACHED, "its turn never came") for host in never]
    return told(stored.info, (), hosts, Rolled(tuple((1, outcome) for outcome in outcomes), {}))


def _counted(store: Store, stored: StoredRun) -> StoredRun:
    """The run with its totals; those of one that never ended are counted anew, its lost hosts among them."""
    if stored.finished:
        return stored
    tally = Tally()
    for report in store.reports(stored.info.id):
        tally.add(report)
    return replace(stored, summary=tally.summary(store.fleet(stored.info.id)))


def _of_its_own(store: Store, stored: StoredRun, context: RunContext, outputs: Sequence[Output]) -> list[Output]:
    """The outputs that a capacity check or a diagnosis has a form of its own for.

    Both are made again from raw answers. Where some of those are not kept any more, results are all there is.
    """
    is_diagnosis = bool(context.checks) and all(check.startswith(PREFIX) for check in context.checks)
    has_own = OWN.union(FOR_PLANS) if context.load else OWN
    own = [each for each in outputs if each.format in has_own]
    if not own or not (context.load or is_diagnosis):
        return []
    kept = store.captured(stored.info.id)
    lacking = [each.name for each in store.reports(stored.info.id) if each.error is None and each.name not in kept]
    if lacking:
        say(f"warning: the answers of {count(len(lacking), 'host')} are not kept: what follows is the results alone")
        return []
    return own


def _write_again(
    args: argparse.Namespace, store: Store, stored: StoredRun, context: RunContext, own: Sequence[Output]
) -> None:
    if stored.info.version != __version__:
        note = f"made by netaudit {stored.info.version}, and judged again by {__version__}"
        stored = replace(stored, info=replace(stored.info, notes=(*stored.info.notes, note)))
    if context.load:
        from netaudit.cli.capacity.again import write_again as weigh_again

        weigh_again(args, store, stored, context.load, own)
    else:
        from netaudit.cli.diagnosis.again import write_again as diagnose_again

        diagnose_again(args, store, stored, own)


def _write(args: argparse.Namespace, store: Store, stored: StoredRun, output: Output) -> None:
    run, fleet = stored.info, store.fleet(stored.info.id)
    with opened(output) as stream:
        if output.format in NAMES:
            context = store.context(run.id)
            for piece in renderer(output.format)(run, stored.summary, store.reports(run.id), fleet, context):
                stream.write(piece)
            return
        fold = Fold()
        for report in store.reports(run.id):
            fold.add(report)
        console = terminal.console_for(stream, args.color, os.environ)
        page = terminal.options_for(console, os.environ, verbose=args.verbose > 0, why=store.context(run.id).why)
        page = replace(page, standing=Standing(run, store.spells_of_run(run.id), store.fixed_by(run.id)))
        terminal.print_summary(console, run, fold.folded(fleet), fleet, page)
