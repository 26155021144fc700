"""``netaudit vet FILE…``: pin reviewed remediations, so that a plan may use them; without a file, list the pins."""

from __future__ import annotations

import argparse

from netaudit.cli.asking import options


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit vet``."""
    made = options.Parser(
        "Pin files of remediations that you have reviewed, by the sha256 of their bytes, with who and when. A plan "
        "refuses files that are not pinned or were altered since. Without a FILE the pins are listed."
    )
    made.add_argument("files", nargs="*", metavar="FILE", help="files of remediations; each is shown with what changed")
    made.add_argument("--who", metavar="NAME", help="the reviewer (default: the user who runs this)")
    made.add_argument("--check", action="store_true", help="change nothing; exit 2 when one is not pinned as it is")
    made.add_argument("--remove", action="store_true", help="take the pins of these files away")
    options.add_baseline(made)
    made.add_argument("-e", "--extra-vars", action="append", metavar="VARS", default=[],
                      help="variables of the baseline")  # fmt: skip
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Do what the options say."""
    from netaudit.cli.changing.vetting import check_files, list_pins, pin_files, unpin_files

    if not args.files:
        return list_pins(args)
    if args.check:
        return check_files(args)
    return unpin_files(args) if args.remove else pin_files(args)
