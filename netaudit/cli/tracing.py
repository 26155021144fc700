"""What a diagnosis takes besides samples, out of the options of the command line."""

from __future__ import annotations

import argparse
import secrets

from netaudit.app.sampling import Beside
from netaudit.app.tracing import Companions, companions
from netaudit.assets.locate import locate
from netaudit.assets.probes import load_trace_probes


def beside_of(args: argparse.Namespace) -> tuple[Beside, ...]:
    """The payloads that run beside the samples; none unless an option asks for one. A play knows no such option."""
    asked = Companions(secrets.token_hex(4), trace=getattr(args, "trace", False))
    if not asked.trace:
        return ()
    return companions(asked, load_trace_probes(locate()), args.for_s)
