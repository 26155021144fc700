"""``netaudit outliers``: which of these hosts is not like the others, without any baseline."""

from __future__ import annotations

import argparse

from netaudit.cli.asking import options

FORMATS = ("console", "json")


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit outliers``."""
    made = options.Parser(
        "Hosts that differ from the majority of their group, without any baseline: settings, the values of the next "
        "boot, interfaces, kernels. Rare values of what the checks judge come first. What differs on every host is "
        "told apart, and what the kernel sizes by memory is compared between machines of one size."
    )
    options.add_inventory(made)
    options.add_source(made)
    group = made.add_argument_group("comparison")
    group.add_argument("--by", metavar="WHAT", default="group",
                       help="group (default), all, kernel, driver, distribution, virtualization, size, any other "
                            "fact as facts.cpu.model, or a variable of the inventory")  # fmt: skip
    group.add_argument("--against", metavar="HOST", help="hold every host against this one instead")
    options.add_baseline(made)
    options.add_connection(made)
    options.add_output(made, *FORMATS)
    options.add_console(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Collect, compare, report. A deviation is a finding of severity *low*: see ``--fail-on``."""
    from netaudit.cli.reading.outlying import find_outliers

    return find_outliers(args, FORMATS)
