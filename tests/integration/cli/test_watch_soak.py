"""A watch does not grow: hours of rounds over stored captures, with the time between them skipped."""

from __future__ import annotations

import subprocess
import sys

SOAK = """
import sys
sys.path.insert(0, "benchmarks")
import watch
warm_bytes, end_bytes, _, told = watch.soak(3, 240, 80)
print(end_bytes / warm_bytes, told)
"""


def test_memory_is_flat(kit):
    """After four hours it is what it was after the first, within a twentieth; there were changes all the time."""
    done = subprocess.run([sys.executable, "-c", SOAK], cwd=kit.root, capture_output=True, text=True, timeout=300)
    assert 0 == done.returncode, done.stderr
    ratio, told = done.stdout.split()
    assert float(ratio) <= 1.05
    assert int(told) > 100
