"""``netaudit bundle``: exactly the text that would run on a host, and its digest."""

from __future__ import annotations

import argparse
import secrets
import sys

from netaudit.cli.asking import options
from netaudit.cli.asking.probe_dirs import add_probe_dir


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit bundle``."""
    made = options.Parser(
        "The one payload that an audit runs on a host, and its digest. The digest is of the text with the nonce "
        "blanked (32 zeros): it is the same for all hosts of a run, and stands in the record of the run. "
        "By hand it is run at a terminal, `sh FILE`: when its input ends, it ends itself and its process group."
    )
    options.add_baseline(made)
    made.add_argument(
        "-e", "--extra-vars", action="append", metavar="VARS", default=[], help="variables of the baseline"
    )
    add_probe_dir(made)
    made.add_argument("--all-probes", action="store_true", help="every probe, as `netaudit collect` sends them")
    made.add_argument("--show", action="store_true", help="print the text; the digest goes to standard error")
    made.add_argument("--timeout", type=options.duration, default=options.HOST_TIMEOUT_S, help=argparse.SUPPRESS)
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Print the payload or what it is made of."""
    from netaudit.app.collect import deadline_s
    from netaudit.cli.asking.rules import questions, ruleset_of
    from netaudit.cli.reading.auditing import warner
    from netaudit.cli.telling.pages import Pages
    from netaudit.report.lists import bundle_table
    from netaudit.units import format_bytes
    from netaudit.wire.bundle import build

    ruleset = ruleset_of(args, warner(args))
    asked = questions(args)
    if args.all_probes:
        question = asked.of_everything(ruleset.rules.variables)
    else:
        question = asked.of_rules(ruleset.for_host("", {}, lambda _pattern: frozenset()))
    nonce = secrets.token_hex(16)
    bundle = build(question.probes, nonce=nonce, deadline_s=deadline_s(args.timeout), params=question.params)
    summary = f"sha256 {bundle.digest}\n{format_bytes(len(bundle.payload))}, {len(bundle.probes)} probes"
    if args.show:
        sys.stdout.buffer.write(bundle.payload)
        print(summary, file=sys.stderr)
        return 0
    print(f"{summary}\n", flush=True)
    pages = Pages(args)
    pages.print_table(bundle_table(bundle.probes, pages.options))
    return 0
