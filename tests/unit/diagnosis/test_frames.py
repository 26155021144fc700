"""Frames that one end of a pair lost: too long for the other, or dropped where the backlog of a CPU was full."""

from __future__ import annotations

import pytest

from netaudit.diagnosis.state import sent_into_backlogs


def _pair(make, *, sent: int = 0, dropped: int = 0, **changes: object):
    """One sample in a namespace: one end of a pair, and what the machine's backlogs dropped for whomever."""
    counted = make.nic(kind="veth", tx_packets=500 + sent, tx_dropped=sent)
    return {"nics": (counted,), "softnet": make.softnet(0, dropped), **changes}


def _judged(make, first, *later, seconds: float = 5.0):
    samples = []
    for place, domains in enumerate((first, *later)):
        at_s = 100.0 + place * seconds
        samples.append(make.sample(make.facts(at_s, kernel=make.kernel(at_s, initial=False), **domains)))
    return make.judged(samples)


@pytest.mark.parametrize(
    ("sent", "dropped", "names"),
    [
        pytest.param(9, 0, ["frame-too-long"], id="no CPU dropped anything"),
        pytest.param(9, 9, [], id="as many as the backlogs dropped"),
        pytest.param(9, 5000, [], id="fewer"),
        pytest.param(11, 9, [], id="two more"),
        pytest.param(12, 9, ["frame-too-long"], id="three more"),
    ],
)
def test_frames_that_a_full_backlog_can_have_taken_are_not_too_long(make, sent, dropped, names):
    """The other end of a pair may be on a CPU that another host keeps busy: both count what is lost there."""
    judged = _judged(make, _pair(make), _pair(make, sent=sent, dropped=dropped))
    assert judged.names == names
    assert sent_into_backlogs(judged.window, judged.window.last.nics[0]) == min(sent, dropped)
    if names:
        assert f"dropped {sent - dropped} frames" in judged.first.summary


def test_frames_lost_while_no_cpu_dropped_any_are_too_long(make):
    """The backlog was full in one interval, and the frames were lost in another."""
    apart = _judged(make, _pair(make), _pair(make, dropped=50), _pair(make, sent=9, dropped=50))
    assert apart.names == ["frame-too-long"]
    together = _judged(make, _pair(make), _pair(make), _pair(make, sent=9, dropped=50))
    assert together.names == []


def test_what_a_device_drops_while_sending_is_no_backlog(make):
    """A NIC hands its frames to a wire: no CPU of this machine receives them."""
    judged = _judged(make, _pair(make), _pair(make, dropped=50, nics=(make.nic(tx_dropped=9),)))
    assert sent_into_backlogs(judged.window, judged.window.last.nics[0]) == 0
