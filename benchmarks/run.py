"""What `make bench` runs: ratios against a reference of the same run, and figures beside their bound.

Absolute times depend on the machine; the ratios do not. Needs root for the lab fleet; without root those are left out.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

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


def main() -> int:
    """Measure, print, and say whether every bound holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(_PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work: to see that it runs")
    args = parser.parse_args()
    if unknown := set(args.parts) - set(_PARTS):
        parser.error(f"there is no part {', '.join(unknown)}")
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="netaudit-bench-") as scratch:
        os.environ["XDG_STATE_HOME"] = os.environ["XDG_CACHE_HOME"] = scratch
        for name in args.parts or _PARTS:
            if name in {"fleet", "fix", "probes", "capacity", "diagnosis"} and os.geteuid() != 0:
                print(f"{name}: left out, needs root", file=sys.stderr)
                continue
            print(f"{name} …", file=sys.stderr, flush=True)
            figures += _PARTS[name](Path(scratch), quick=args.quick)
    table = Table("figure", "measured", "bound", "", title="netaudit, measured in one run on this machine")
    for figure in figures:
        table.add_row(figure.name, figure.text, figure.bound_text, "" if figure.bound is None else _mark(figure))
    Console().print(table)
    return 0 if all(figure.holds for figure in figures) else 1


def _mark(figure: Figure) -> str:
    return "holds" if figure.holds else "PASSED OVER"


if __name__ == "__main__":
    raise SystemExit(main())
