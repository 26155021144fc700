"""What `make bench` runs: ratios against a reference of the same run, and figures beside their bound.

Absolute times depend on the machine; the ratios do not. Needs root for the lab fleet; without root those are left out.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))

import capacity
import decoding
import diagnosis
import evaluation
import fix
import fleet
import history
import html_page
import outliers
import probes
import startup
import watch
from figures import Figure

_PARTS = {
    "startup": startup.figures,
    "decoding": decoding.figures,
    "evaluation": evaluation.figures,
    "outliers": outliers.figures,
    "probes": probes.figures,
    "fleet": fleet.figures,
    "fix": fix.figures,
    "diagnosis": diagnosis.figures,
    "history": history.figures,
    "html": html_page.figures,
    "capacity": capacity.figures,
    "watch": watch.figures,
}
_NEEDS_ROOT = {"fleet", "fix", "probes", "capacity", "diagnosis"}


def main() -> int:
    """Measure, print, and say whether every bound holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(_PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work: to see that it runs")
    args = parser.parse_args()
    if unknown := set(args.parts) - set(_PARTS):
        parser.error(f"there is no part {', '.join(unknown)}")
    console = Console()
    console.print("netaudit, measured in one run on this machine")
    holds = True
    with tempfile.TemporaryDirectory(prefix="netaudit-bench-") as scratch:
        os.environ["XDG_STATE_HOME"] = os.environ["XDG_CACHE_HOME"] = scratch
        for name in args.parts or _PARTS:
            if name in _NEEDS_ROOT and os.geteuid() != 0:
                print(f"{name}: left out, needs root", file=sys.stderr)
                continue
            figures = _PARTS[name](Path(scratch), quick=args.quick)
            console.print(_table(name, figures))
            holds = holds and all(figure.holds for figure in figures)
    return 0 if holds else 1


def _table(name: str, figures: Sequence[Figure]) -> Table:
    """One part's figures, told when they are known: the next part may take minutes."""
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, title=name, title_justify="left", title_style="bold", expand=True
    )
    table.add_column("figure", ratio=1)
    table.add_column("measured", min_width=12, justify="right", no_wrap=True)
    table.add_column("bound", min_width=15, no_wrap=True)
    table.add_column("", min_width=6, no_wrap=True)
    for figure in figures:
        table.add_row(figure.name, figure.text, figure.bound_text, "" if figure.bound is None else _mark(figure))
    return table


def _mark(figure: Figure) -> str:
    return "holds" if figure.holds else "MISSED"


if __name__ == "__main__":
    raise SystemExit(main())
