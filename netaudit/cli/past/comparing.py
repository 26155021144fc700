"""Compares two stored runs: their findings, their hosts, and the settings in the captures that are still kept."""

from __future__ import annotations

import argparse
import os
import sys

from netaudit.cli.exit_codes import ExitCode
from netaudit.cli.telling.outputs import opened, parse_outputs
from netaudit.errors import UsageError
from netaudit.facts.snapshot import facts_of
from netaudit.fleet.drift import Comparison, Drift
from netaudit.fleet.drift_settings import SettingChange, changes, differing
from netaudit.fleet.jsonable import dumps
from netaudit.fleet.standing import Standing
from netaudit.model.probe import Capture
from netaudit.model.result import Severity
from netaudit.report import terminal
from netaudit.report.diff import Past, Settings, diff_page, diff_rows
from netaudit.store.location import default_path
from netaudit.store.reading import StoredRun
from netaudit.store.runs import Store, open_store


def compare(args: argparse.Namespace) -> int:
    """Print what changed; the exit code is 1 when something new is at or above ``--fail-on``."""
    outputs = parse_outputs(args.output, ("console", "html", "json"))
    with open_store(default_path(os.environ), must_exist=True) as store:
        before, after = store.run(args.before), store.run(args.after)
        if before.info.id == after.info.id:
            raise UsageError(f"{args.before} and {args.after} are the same run {after.info.id}")
        drift = _drift(store, before, after)
        past = Past(*(Standing(run.info, store.spells_of_run(run.info.id)) for run in (before, after)))
        settings = None if args.no_settings else settings_between(store, before.info.id, after.info.id)
    for output in outputs:
        with opened(output) as stream:
            if output.format == "json":
                stream.write(dumps(diff_rows(before.info, after.info, drift, settings, past)) + "\n")
                continue
            if output.format == "html":
                from netaudit.report.html.drift import drift_html

                stream.writelines(drift_html(before.info, after.info, drift, settings))
                continue
            console = terminal.console_for(stream, args.color, os.environ)
            options = terminal.options_for(console, os.environ, verbose=args.verbose > 0)
            page = diff_page(before.info, after.info, drift, settings, options, past)
            terminal.print_text(console, terminal.render_page(page, options))
    sys.stdout.flush()
    worst = drift.worst_new
    return ExitCode.FINDINGS if worst and worst.rank >= Severity(args.fail_on).rank else ExitCode.DONE


def _drift(store: Store, before: StoredRun, after: StoredRun) -> Drift:
    comparison = Comparison()
    for report in store.reports(before.info.id):
        comparison.add_before(report)
    for report in store.reports(after.info.id):
        comparison.add_after(report)
    return comparison.drift(store.fleet(before.info.id), store.fleet(after.info.id))


def settings_between(store: Store, before: str, after: str) -> Settings:
    """What is set otherwise, as far as both runs still have the captures of a host."""
    first, second = store.captured(before), store.captured(after)
    both = [host for host in second if host in first]
    found = [
        change
        for host in both
        for change in _of_host(host, store.capture(before, first[host]), store.capture(after, second[host]))
    ]
    asked = store.hosts(before) & store.hosts(after)
    return Settings(tuple(found), len(both), len(asked.difference(both)))


def _of_host(host: str, before: Capture | None, after: Capture | None) -> tuple[SettingChange, ...]:
    if before is None or after is None or before.error or after.error:
        return ()
    domains = differing(before, after)
    return changes(host, facts_of(before, domains), facts_of(after, domains)) if domains else ()
