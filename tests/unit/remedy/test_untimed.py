"""Which contacts of a change count their own time on the host."""

from __future__ import annotations

import pytest

from netaudit.assets.locate import locate
from netaudit.assets.probes import load_probes
from netaudit.remedy.guard import Action
from netaudit.remedy.host_side import Change, payload
from netaudit.remedy.scripts import StepScript
from netaudit.remedy.work import Work, WorkStep

WORK = Work("web1", "", (WorkStep("net.core.somaxconn", "1", StepScript("r", "a", "u", ("2",))),))
COUNTERS = tuple(probe for probe in load_probes(locate()) if probe.id == "counters")


@pytest.mark.parametrize("action", Action)
def test_what_could_hang_is_timed(action: Action) -> None:
    """What reads a step's value or a file, and whatever carries a probe; asking the watcher is not."""
    change = Change(WORK, "0" * 32, "me")

    def is_timed(*probes: object) -> bool:
        made = payload(action, change, nonce="0" * 32, deadline_s=60, probes=probes)
        return b"sleep 1 &\n      wait" in made.payload

    assert is_timed() == (action in {Action.ARM, Action.ABORT})
    assert is_timed(*COUNTERS)
