"""``netaudit facts HOST``: everything that is known of one host, as JSON."""

from __future__ import annotations

import argparse
import json
import sys

from netaudit.cli.asking import options
from netaudit.cli.asking.probe_dirs import add_probe_dir


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit facts``."""
    made = options.Parser("The collected facts of one host as JSON. docs/facts.md says what each of them is.")
    made.add_argument("pattern", metavar="HOST", help="one host, as Ansible names it")
    options.add_inventory(made, pattern=False)
    add_probe_dir(made)
    options.add_source(made)
    options.add_connection(made)
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Collect from the host and print its facts; exit 3 when it gives none."""
    from netaudit.cli.guard import say
    from netaudit.cli.reading.collecting import Kept, collect
    from netaudit.facts.snapshot import facts_of
    from netaudit.facts.view import as_json
    from netaudit.fleet.jsonable import dumps

    kept = Kept()
    code = collect(args, "facts", kept, most_hosts=1)
    for capture in kept.captures:
        if capture.error is not None:
            hint = f" ({capture.error.hint})" if capture.error.hint else ""
            say(f"{capture.host}: {capture.error.kind}: {capture.error.message}{hint}")
        else:
            clean = json.loads(dumps(as_json(facts_of(capture))))
            sys.stdout.write(json.dumps(clean, indent=2) + "\n")
    return code
