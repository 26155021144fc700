"""``netaudit baseline lint|show|from-sysctl``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from netaudit.cli.asking import options
from netaudit.errors import UsageError

MAX_SYSCTL_CONF_BYTES = 2**20


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit baseline``."""
    top = options.Parser(
        "Baselines: validate one, print it resolved, or make one out of an existing sysctl.conf.",
        prog="netaudit baseline",
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="lint|show|from-sysctl")
    lint = verbs.add_parser("lint", help="say everything that is wrong with it", description="Validate a baseline.")
    lint.add_argument("baseline", metavar="FILE", nargs="?", default="linux-server")
    show = verbs.add_parser("show", help="print it with extends and overrides applied", description=(
        "A baseline as it is held against hosts: parents merged, checks written out. With --host as it is for one."
    ))  # fmt: skip
    show.add_argument("baseline", metavar="FILE", nargs="?", default="linux-server")
    show.add_argument("--host", metavar="HOST", help="as it is for this host of the inventory")
    show.add_argument("-o", "--output", choices=("yaml", "json"), default="yaml", help="default yaml")
    options.add_inventory(show, pattern=False)
    made = verbs.add_parser("from-sysctl", help="make one out of a sysctl.conf", description=(
        "A baseline that asks for what a sysctl.conf(5) sets, on standard output; comments become reasons."
    ))  # fmt: skip
    made.add_argument("file", metavar="FILE")
    made.add_argument("--name", metavar="NAME", help="what to call it (default: the file's name)")
    for verb in (lint, show, made):
        options.add_console(verb)
    return top


def run(args: argparse.Namespace) -> int:
    """Do the verb."""
    return {"lint": _lint, "show": _show, "from-sysctl": _from_sysctl}[args.verb](args)


def _lint(args: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from netaudit.assets.catalogue import lint
    from netaudit.baseline.waivers import notes
    from netaudit.cli.exit_codes import ExitCode
    from netaudit.cli.guard import say

    rules, errors = lint(args.baseline)
    for error in errors:
        say(str(error))
    if errors or rules is None:
        return ExitCode.USAGE
    for warning in (*rules.warnings, *notes(rules.waivers, datetime.now(UTC))):
        say(f"warning: {warning}")
    if not args.quiet:
        counts = f"{len(rules.checks)} checks, {len(rules.overrides)} overrides, {len(rules.waivers)} waivers"
        print(f"{rules.name}: {counts}, {len(rules.variables)} variables; nothing is wrong with it")
    return ExitCode.DONE


def _show(args: argparse.Namespace) -> int:
    from netaudit.baseline.render import baseline_as_plain, show_baseline
    from netaudit.cli.asking.rules import ruleset_of
    from netaudit.cli.asking.sources import load_inventory
    from netaudit.cli.reading.auditing import warner
    from netaudit.fleet.jsonable import dumps

    warn = warner(args)
    ruleset = ruleset_of(args, warn)
    host = None
    if args.host:
        inventory = load_inventory(args, warn)
        names = inventory.select(args.host)
        if len(names) != 1:
            raise UsageError(f"{args.host!r} is {len(names)} hosts", hint="name exactly one")
        host = ruleset.for_host(names[0], inventory.hostvars(names[0]), inventory.matcher, inventory.origin)
    if args.output == "json":
        sys.stdout.write(dumps(baseline_as_plain(ruleset.rules, host)) + "\n")
    else:
        sys.stdout.write(show_baseline(ruleset.rules, host))
    return 0


def _from_sysctl(args: argparse.Namespace) -> int:
    from netaudit.assets.catalogue import name_lists
    from netaudit.assets.locate import locate
    from netaudit.baseline.from_sysctl import from_sysctl
    from netaudit.cli.guard import say

    path = Path(args.file)
    try:
        if path.stat().st_size > MAX_SYSCTL_CONF_BYTES:
            raise UsageError(f"{path} is larger than 1 MiB")
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    name = args.name or "".join(c if c.isalnum() else "-" for c in path.stem.lower()).strip("-") or "site"
    made = from_sysctl(text, str(path), name, name_lists(locate()).sysctls)
    for problem in made.problems:
        say(f"warning: {problem}")
    if not made.settings:
        raise UsageError(f"{path} sets nothing")
    sys.stdout.write(made.text)
    return 0
