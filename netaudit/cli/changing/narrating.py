"""Tells on standard error how a remediation goes, a line an event: what a person watches while it runs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from netaudit.model.plan import Batch, HostOutcome, Outcome
from netaudit.remedy.gates import GateVerdict
from netaudit.report import terminal
from netaudit.report.page import Role, Row, Span
from netaudit.report.remediation import LABELS, gate_lines
from netaudit.report.words import Words, count


class Narrator:
    """Fits ``app.rollout.RolloutObserver``. Silent with ``-q`` and ``--no-progress``."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._console = terminal.console_for(sys.stderr, args.color, os.environ)
        self._options = terminal.options_for(self._console, os.environ, verbose=args.verbose > 0)
        self._is_silent = args.quiet or args.no_progress

    def batch_started(self, number: int, batch: Batch) -> None:
        """Which hosts are changed now."""
        hosts = Words(self._options).hosts(batch.hosts)
        said = f"{count(len(batch.hosts), 'host')}, {batch.step_class}: "
        self._line(f"batch {number}", Span(said), Span(hosts, Role.HOSTS), role=Role.TITLE)

    def gate_waits(self, number: int, hosts: Sequence[str], soak_s: float) -> None:
        """That the change is made and verified, and for how long it soaks."""
        soaks = f", soaking for {soak_s:g} s" if soak_s else ""
        self._line("verified", Span(f"{count(len(hosts), 'host')} held{soaks}"))

    def gate_said(self, number: int, verdict: GateVerdict) -> None:
        """The verdict, with the counters that are against it."""
        if not self._is_silent:
            lines = tuple(gate_lines(verdict, self._options, all_rows=self._options.verbose))
            terminal.print_text(self._console, terminal.render_page([lines], self._options))

    def host_ended(self, number: int, outcome: HostOutcome) -> None:
        """How one host ended; those whose turn never came are told together, at the end."""
        if outcome.outcome is Outcome.UNREACHED and not outcome.duration_s:
            return
        words = Words(self._options)
        label, role = LABELS[outcome.outcome]
        reason = f": {words.say(outcome.reason)}" if outcome.reason else ""
        self._line(label, Span(words.say(outcome.host), Role.HOSTS), Span(reason), role=role)

    def stopped(self, number: int, reason: str) -> None:
        """Why no batch follows."""
        self._line("STOPPED", Span(Words(self._options).say(reason)), role=Role.BAD)

    def _line(self, label: str, *body: Span, role: Role = Role.FAINT) -> None:
        if self._is_silent:
            return
        row = Row(Span(label, role), body)
        terminal.print_text(self._console, terminal.render_page([(row,)], self._options))
