"""``netaudit history``: past runs, how long findings have stood, and what to do with the record."""

from __future__ import annotations

import argparse

from netaudit.cli.asking import moments, options
from netaudit.cli.asking.deprecated import Deprecated


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit history``."""
    made = options.Parser(
        "Past runs, the latest first. With --host, --group or --check the totals are those of that part, and runs that "
        "know nothing of it are left out; with --check it is also told since when the finding stands on which host. "
        "`netaudit show RUN` prints a run again, `netaudit diff RUN1 RUN2` compares two.",
        prog="netaudit history",
    )
    made.add_argument("-n", "--limit", type=options.positive, default=20, metavar="N", help="how many (default 20)")
    group = made.add_argument_group("which runs")
    group.add_argument("--host", metavar="GLOB", help="runs over this host, such as web17 or 'web*'")
    group.add_argument("--group", metavar="GROUP", help="runs over hosts of this group of the inventory")
    group.add_argument("--check", metavar="GLOB", help="runs that judged this check, such as 'nic.*'")
    group.add_argument("--command", metavar="NAME", help="runs of this command: audit, collect, run, …")
    group.add_argument("--since", type=moments.moment, metavar="TIME", help="not older than 7d, 2026-11-01 (UTC)")
    group.add_argument("--until", type=moments.moment, metavar="TIME", help="older than this")
    made.add_argument("-o", "--output", choices=("console", "json"), default="console",
                      help="console (default), or json: one object, runs and the findings of --check")  # fmt: skip
    made.add_argument("--format", action=Deprecated, dest="output", instead="-o", choices=("console", "json"))
    options.add_console(made)
    _add_verbs(made)
    return made


_PRUNE = (
    "Forget the runs that began longer ago than --keep says, with their captures and the journal of what they have "
    "changed, so that they can be rolled back no more. The newest run stays, and so does one of whose changes it is "
    "not known how all of them ended: `netaudit resume` finds out. Since when the findings of hosts that are still "
    "audited have stood is not forgotten."
)
_EXPORT = (
    "Write one run to a file that `netaudit history import` reads. What looks like a secret is taken out; with "
    "--anonymous so are names and addresses of hosts, each replaced by the same pseudonym everywhere, also in later "
    "exports of this history."
)
_IMPORT = (
    "Take in a run that `netaudit history export` wrote. It can be shown, reported and compared like any other; since "
    "when findings stand on your own hosts is not touched by it."
)


def _add_verbs(made: options.Parser) -> None:
    verbs = made.add_subparsers(dest="verb", metavar="prune|export|import")
    pruned = verbs.add_parser("prune", help="forget old runs", description=_PRUNE)
    pruned.add_argument("--keep", type=moments.age, metavar="AGE", required=True, help="such as 90d or 12w")
    pruned.add_argument("--dry-run", action="store_true", help="only say what would be forgotten")
    options.add_console(pruned)
    exported = verbs.add_parser("export", help="one run as a file to hand on", description=_EXPORT)
    exported.add_argument("run", metavar="RUN", help="an id, the beginning or the end of one, or `last`")
    exported.add_argument("file", metavar="FILE", help="a new file; gzip, with a JSON value a line")
    exported.add_argument("--captures", action="store_true", help="also the raw captures, as far as they are kept")
    exported.add_argument("--anonymous", action="store_true", help="without names and addresses of hosts")
    options.add_console(exported)
    imported = verbs.add_parser("import", help="a run that somebody exported", description=_IMPORT)
    imported.add_argument("file", metavar="FILE")
    options.add_console(imported)


def run(args: argparse.Namespace) -> int:
    """Print the runs, or do what the verb says."""
    from netaudit.cli.past import remembering

    verbs = {"prune": remembering.prune, "export": remembering.export_run, "import": remembering.import_run}
    return verbs.get(args.verb, remembering.list_runs)(args)
