"""A value in full is told apart from every other one."""

from __future__ import annotations

import dataclasses

from netaudit.baseline.cuts import in_full
from netaudit.model.facts import Listener

LISTENER = Listener("tcp", "0.0.0.0", 80, 3, 511, "", "nginx", 41, 7, "nginx.service", (41, 42))


def test_in_full_tells_records_apart() -> None:
    """Values that differ anywhere differ in full."""
    assert in_full(LISTENER) == in_full(dataclasses.replace(LISTENER))
    assert in_full(LISTENER) != in_full(dataclasses.replace(LISTENER, pids=(41,)))
    assert in_full({"a": [1, 2]}) != in_full({"a": [1, 3]})
    hash(in_full({"a": [LISTENER]}))
