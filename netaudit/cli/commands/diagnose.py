"""``netaudit diagnose``: two samples of the counters, and the causes of loss they implicate."""

from __future__ import annotations

import argparse

from netaudit.cli.asking import options
from netaudit.cli.diagnosis.tracing import add_tracing


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit diagnose``."""
    made = options.Parser(
        "Sample the counters of every host twice, or again and again, at the same moments, and say which causes of "
        "loss and of failing connections they implicate: with the evidence, what was ruled out, the fix, who talks and "
        "what is stuck. Reads only; over one connection a host."
    )
    options.add_inventory(made)
    group = made.add_argument_group("samples")
    group.add_argument("--for", dest="for_s", type=options.duration, metavar="TIME", default=10.0,
                       help="from the first sample to the last (default 10s)")  # fmt: skip
    group.add_argument("--every", dest="every_s", type=options.duration, metavar="TIME", default=None,
                       help="samples in between, for what comes and goes (default: none)")  # fmt: skip
    group.add_argument("--keep", metavar="DIR", help="keep the samples as received, in a new directory for --from")
    group.add_argument("--from", dest="from_dirs", action="append", metavar="DIR", default=[],
                       help="contact no host: read what --keep DIR wrote, or captures of `netaudit collect`, of which "
                            "two or more are named in turn")  # fmt: skip
    add_tracing(made.add_argument_group("beside the samples"))
    options.add_connection(made)
    options.add_output(made, "console", "json", "jsonl", "and the other formats of an audit")
    made.add_argument("--no-history", action="store_true", help="do not keep this run")
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Diagnose."""
    from netaudit.cli.diagnosis.diagnosing import diagnose

    return diagnose(args)
