"""``netaudit doctor``: can this controller do its work."""

from __future__ import annotations

import argparse

from netaudit.cli import options


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit doctor``."""
    made = options.Parser("Can this controller do its work: open-file limit, keys, agent, known_hosts, versions.")
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Print a row a question; exit 2 when something has to be put right."""
    from netaudit.cli.examination import Health, examine
    from netaudit.cli.exit_codes import ExitCode
    from netaudit.cli.tables import print_answers

    answers = list(examine())
    print_answers(answers, args)
    return ExitCode.USAGE if any(answer.health is Health.BAD for answer in answers) else ExitCode.DONE
