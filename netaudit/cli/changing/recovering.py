"""What the commands ``resume`` and ``rollback`` share: the journal, the hosts it names, and how their ends are told."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from netaudit.app.guarded_host import Inspection, Ways
from netaudit.app.journalling import Journalling
from netaudit.app.recovery import Recovery
from netaudit.cli import exit_codes
from netaudit.cli.asking.run_request import Fleet, fleet_of, prepared
from netaudit.cli.changing.recording import recorded_run
from netaudit.cli.exit_codes import ExitCode
from netaudit.cli.guard import say
from netaudit.cli.interrupt import Interrupt
from netaudit.cli.reading.auditing import new_run, warner
from netaudit.cli.telling.pages import Pages
from netaudit.fleet.jsonable import dumps
from netaudit.model.plan import HostOutcome, Outcome
from netaudit.remedy.record import ChangeRecord, to_be_undone
from netaudit.remedy.rolled import GOOD, UNDONE, Rolled
from netaudit.remedy.unchanged import PROBES
from netaudit.report.remediation import remediation_page, told
from netaudit.report.remediation_json import host_outcome_row
from netaudit.store.journal import Journal, open_journal
from netaudit.store.location import default_path

T = TypeVar("T")


def resume(args: argparse.Namespace) -> int:
    """Find out what every host of a run has, and finish or undo. Raises OperatorError before any host is contacted."""
    with open_journal(default_path(os.environ), must_exist=True) as journal:
        run_id = journal.run_id(args.run)
        records = journal.changes(run_id)
        fleet = fleet_of(args, warner(args))

        async def work(recovery: Recovery) -> tuple[HostOutcome, ...]:
            return await recovery.resume(records, lambda outcome: _tell(args, outcome))

        outcomes, interrupted = _perform(fleet, journal, run_id, work)
    _report(args, outcomes, records, run_id)
    good = UNDONE if all(record.undoes for record in records) else GOOD
    return _code(outcomes, good, interrupted=interrupted)


def rollback(args: argparse.Namespace) -> int:
    """Undo the confirmed changes of a run on all or some of its hosts. Raises OperatorError as above."""
    with open_journal(default_path(os.environ), must_exist=True) as journal:
        fleet = fleet_of(args, warner(args))
        chosen = {target.name for target in fleet.targets}
        wanted = journal.run_id(args.run, is_to_be_undone=True)
        records = to_be_undone([record for record in journal.changes(wanted) if record.host in chosen])
        run = new_run("rollback", args)
        run_id = run.id

        async def work(recovery: Recovery) -> tuple[HostOutcome, ...]:
            def tell(outcome: HostOutcome) -> None:
                _tell(args, outcome)

            force = chosen if args.force else frozenset[str]()
            outcomes, foreign = await recovery.roll_back(run_id, records, tell, force=force)
            refused = [each for each in outcomes if each.host in foreign and each.outcome is Outcome.REFUSED]
            agreed = {outcome.host for outcome in refused if _agrees(args, outcome)}
            if not agreed:
                return outcomes
            done = journal.undone(wanted)
            again = [record for record in records if record.host in agreed and record.id not in done]
            second, _ = await recovery.roll_back(run_id, again, tell, force=agreed)
            kept = (each for each in outcomes if each.host not in agreed or each.outcome is Outcome.ROLLED_BACK)
            return (*kept, *second)

        if not records:
            say(f"the run has changed none of {args.pattern}")
            return ExitCode.DONE
        with recorded_run(run, list(dict.fromkeys(record.host for record in records))) as recorded:
            outcomes, interrupted = _perform(fleet, journal, run_id, work)
            recorded.ended(outcomes, UNDONE, interrupted=interrupted)
    _report(args, outcomes, records, run_id)
    return _code(outcomes, UNDONE, interrupted=interrupted)


def _agrees(args: argparse.Namespace, outcome: HostOutcome) -> bool:
    """Whether the operator wants it undone although somebody else has changed it since."""
    if args.force or not sys.stdin.isatty():
        return False
    say(f"{outcome.host}: {outcome.reason}")
    print("put back what was there before all the same? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _perform(fleet: Fleet, journal: Journal, run_id: str, work: Callable[[Recovery], Awaitable[T]]) -> tuple[T, bool]:
    """Contact the hosts. The first Ctrl-C changes nothing: what has been begun is brought to its end."""
    from netaudit.cli.asking.rules import shipped_probes

    targets = {target.name: target for target in fleet.targets}
    watched = tuple(probe for probe in shipped_probes() if probe.id in PROBES)
    interrupt = Interrupt()

    async def all_of_it() -> T:
        await prepared(fleet.transport, fleet.targets)
        ways = Ways(fleet.transport, Journalling(journal, run_id), fleet.limits.host_s)
        try:
            return await work(Recovery(ways, targets.get, Inspection(watched=watched), fleet.width))
        finally:
            await fleet.transport.close()

    return interrupt.run(all_of_it()), interrupt.heard


def _tell(args: argparse.Namespace, outcome: HostOutcome) -> None:
    if not args.quiet and args.output == "console" and sys.stderr.isatty():
        say(f"{outcome.host}: {outcome.outcome}")


def _report(
    args: argparse.Namespace, outcomes: Sequence[HostOutcome], records: Sequence[ChangeRecord], run_id: str
) -> None:
    duration_s = max((outcome.duration_s for outcome in outcomes), default=0.0)
    run = replace(new_run(args.command_name, args), id=run_id, duration_s=duration_s)
    rolled = Rolled(tuple((1, outcome) for outcome in outcomes), {})
    account = told(run, (), list(dict.fromkeys(outcome.host for outcome in outcomes)), rolled)
    if args.output == "json":
        rows = [host_outcome_row(host, rolled.parts(host.host)) for host in account.hosts]
        sys.stdout.write(dumps({"run": run_id, "of": records[0].run if records else None, "hosts": rows}) + "\n")
        return
    pages = Pages(args)
    pages.print_blocks(remediation_page(account, pages.options))


def _code(outcomes: Sequence[HostOutcome], good: frozenset[Outcome], *, interrupted: bool) -> int:
    codes = [ExitCode.INTERRUPTED] if interrupted else []
    if any(outcome.outcome is Outcome.LOST for outcome in outcomes):
        codes.append(ExitCode.STATE_UNKNOWN)
    if any(outcome.outcome not in good for outcome in outcomes):
        codes.append(ExitCode.REMEDIATION_FAILED)
    return exit_codes.worst(codes)
