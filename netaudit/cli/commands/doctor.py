"""``netaudit doctor``: can this controller do its work."""

from __future__ import annotations

import argparse

from netaudit.cli.asking import options


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit doctor``."""
    made = options.Parser(
        "Can this controller do its work: open-file limit, keys, agent, known_hosts, versions. With an inventory also "
        "whether it can reach those hosts: are their keys in known_hosts, and is there anything to log in with. No "
        "host is contacted."
    )
    options.add_inventory(made)
    options.add_connection(made)
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Print a row a question; exit 2 when something has to be put right."""
    from netaudit.cli.exit_codes import ExitCode
    from netaudit.cli.reading.examination import examine
    from netaudit.cli.reading.fleet_examination import examine_fleet, is_asked_for
    from netaudit.cli.telling.pages import Pages
    from netaudit.report.lists import Health, doctor_table

    rows = [*examine(), *(examine_fleet(args) if is_asked_for(args) else ())]
    pages = Pages(args)
    pages.print_table(doctor_table(rows, pages.options))
    return ExitCode.USAGE if any(row.health is Health.BAD for row in rows) else ExitCode.DONE
