"""``netaudit check list|show``: the checks of a baseline, and one of them explained."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from netaudit.cli.asking import options
from netaudit.errors import UsageError

if TYPE_CHECKING:
    from netaudit.baseline.render import Passage
    from netaudit.baseline.select import Ruleset


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit check``."""
    top = options.Parser("The checks of a baseline: a list, or one of them explained.", prog="netaudit check")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="list|show")
    listed = verbs.add_parser("list", help="all checks of a baseline", description="All checks of a baseline.")
    options.add_baseline(listed)
    _add_vars(listed)
    options.add_console(listed)
    shown = verbs.add_parser("show", help="explain one", description=(
        "One check explained: why, how the expected value is derived, sources, caveats, the fix and its risk. "
        "With --host also the numbers of that host."))  # fmt: skip
    shown.add_argument("check", metavar="ID")
    shown.add_argument("--host", metavar="HOST", help="also with the numbers of this host of the inventory")
    options.add_baseline(shown)
    options.add_inventory(shown, pattern=False)
    options.add_source(shown)
    options.add_connection(shown)
    options.add_console(shown)
    return top


def _add_vars(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-e", "--extra-vars", action="append", metavar="VARS", default=[], help="variables of the baseline"
    )


def run(args: argparse.Namespace) -> int:
    """Do the verb."""
    from netaudit.cli.asking.rules import ruleset_of
    from netaudit.cli.reading.auditing import warner

    ruleset = ruleset_of(args, warner(args))
    return _list(args, ruleset) if args.verb == "list" else _show(args, ruleset)


def _list(args: argparse.Namespace, ruleset: Ruleset) -> int:
    from netaudit.cli.telling.pages import Pages
    from netaudit.report.lists import CheckRow, check_table

    pages = Pages(args)
    rows = [CheckRow(each.id, each.title, str(each.layer), each.severity) for each in ruleset.rules.checks]
    pages.print_table(check_table(rows, pages.options))
    return 0


def _show(args: argparse.Namespace, ruleset: Ruleset) -> int:
    from netaudit.baseline.nearest import did_you_mean
    from netaudit.baseline.render import explain
    from netaudit.cli.telling.pages import Pages

    found = {check.id: check for check in ruleset.rules.checks}
    if args.check not in found:
        raise UsageError(
            f"the baseline {ruleset.name} has no check {args.check!r}", hint=did_you_mean(args.check, tuple(found))
        )
    passages = explain(found[args.check], ruleset.rules)
    code = 0
    if args.host:
        code, numbers = _on_host(args, ruleset)
        passages += numbers
    Pages(args).print_passages((passage.heading, passage.lines) for passage in passages)
    return code


def _on_host(args: argparse.Namespace, ruleset: Ruleset) -> tuple[int, tuple[Passage, ...]]:
    """The numbers of the host, of now or of a stored capture; none, with exit code 3, when it gives no answer."""
    from datetime import UTC, datetime

    from netaudit.baseline.render import explain_on
    from netaudit.cli.asking.run_request import Fleet
    from netaudit.cli.guard import say
    from netaudit.cli.reading.collecting import Kept, collect
    from netaudit.facts.snapshot import facts_of

    args.pattern = args.host
    kept = Kept()
    fleets: list[Fleet] = []

    def keep(fleet: Fleet) -> Kept:
        fleets.append(fleet)
        return kept

    code = collect(args, "check show", keep, most_hosts=1)
    for capture in kept.captures:
        if capture.error is not None:
            say(f"{capture.host}: {capture.error.kind}: {capture.error.message}")
            continue
        fleet = fleets[0]
        rules = ruleset.for_host(capture.host, fleet.variables(capture.host), fleet.matches, fleet.origin)
        return code, explain_on(rules, args.check, facts_of(capture, rules.domains), datetime.now(UTC))
    return code, ()
