"""``netaudit trust``: record host keys after showing their fingerprints."""

from __future__ import annotations

import argparse

from netaudit.cli.asking import options


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit trust``."""
    made = options.Parser(
        "Ask hosts for their keys, show the fingerprints, and record those that are new in known_hosts once they are "
        "approved. Compare them with what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints on the host."
    )
    options.add_inventory(made)
    options.add_connection(made)
    made.add_argument("--yes", action="store_true", help="record without asking")
    made.add_argument("--replace", action="store_true", help="also replace keys that have changed")
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Show, ask, record."""
    from netaudit.cli.reading.trusting import trust

    return trust(args)
