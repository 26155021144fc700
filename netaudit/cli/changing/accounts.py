"""What became of a remediation, on its way out: its exit code, and its reports."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator

from netaudit.cli.exit_codes import ExitCode
from netaudit.cli.telling.outputs import Output, opened
from netaudit.errors import UsageError
from netaudit.model.plan import Outcome
from netaudit.report import terminal
from netaudit.report.formats import OF_REMEDIATIONS
from netaudit.report.remediation import Told, remediation_page
from netaudit.report.remediation_json import remediation_json


def of_outcomes(account: Told) -> ExitCode:
    """The exit code of a remediation."""
    if account.rolled.interrupted:
        return ExitCode.INTERRUPTED
    outcomes = {part.outcome for part in account.parts}
    if Outcome.LOST in outcomes:
        return ExitCode.STATE_UNKNOWN
    return ExitCode.DONE if outcomes <= account.good else ExitCode.REMEDIATION_FAILED


def _renderer(name: str) -> Callable[[Told], Iterator[str]]:
    """What makes a form of it; each is imported when it is asked for. Raises UsageError for one that there is not."""
    match name:
        case "json":
            return remediation_json
        case "html":
            from netaudit.report.html.remediation import remediation_html

            return remediation_html
        case "markdown":
            from netaudit.report.remediation_markdown import remediation_markdown

            return remediation_markdown
        case "csv":
            from netaudit.report.remediation_csv import remediation_csv

            return remediation_csv
        case "junit":
            from netaudit.report.remediation_junit import remediation_junit

            return remediation_junit
    raise UsageError(f"-o {name}: a remediation has no such report", hint=", ".join(OF_REMEDIATIONS))


def write_account(args: argparse.Namespace, output: Output, account: Told) -> None:
    """Write it in one form. Raises UsageError for one that remediations do not have."""
    with opened(output) as stream:
        if output.format != "console":
            stream.writelines(_renderer(output.format)(account))
            return
        console = terminal.console_for(stream, args.color, os.environ)
        how = terminal.options_for(console, os.environ, verbose=args.verbose > 0)
        terminal.print_text(console, terminal.render_page(remediation_page(account, how), how))
