"""What the tests of the wire share: probes out of thin air."""

from __future__ import annotations

import pytest

from netaudit.model.probe import Probe
from netaudit.wire.head import parse_probe


@pytest.fixture(scope="session")
def make_probe():
    """Make a probe whose body is given and whose head is in order."""

    def make(probe_id: str, body: str = "echo hello", *, timeout_s: int = 5, params: str = "") -> Probe:
        head = {
            "id": probe_id,
            "summary": "A probe of a test.",
            "reads": "/proc/uptime",
            "needs": "user",
            "timeout_s": str(timeout_s),
            "max_bytes": "64KiB",
            "format": "text",
        }
        if params:
            head["params"] = params
        lines = "".join(f"# {key}: {value}\n" for key, value in head.items())
        return parse_probe(f"#!/bin/sh\n{lines}\n{body}\n", f"{probe_id}.sh")

    return make
