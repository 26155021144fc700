"""The gate asks hosts that are held, compares, and asks the user's command last."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netaudit.app.gate import Gate, Known, within
from netaudit.app.rules import Question
from netaudit.assets.catalogue import load_ruleset
from netaudit.facts.snapshot import facts_of
from netaudit.model.probe import Capture, Section, SectionStatus
from netaudit.model.result import Severity
from netaudit.remedy import proof
from netaudit.remedy.gates import GATE_DOMAINS, GateVerdict, sample_of

CASES = Path(__file__).parents[2] / "cases"
RULES = load_ruleset("linux-server").for_host("web1", {}, lambda _: frozenset())
NOW = datetime(2026, 11, 20, tzinfo=UTC)
PROBES = ("counters", "softnet", "conntrack", "nics", "system", "sysctl")
DEV = """\
dev:Inter-|   Receive                                                |  Transmit
dev: face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier
dev:  eth0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0
"""


def capture(*, uptime_s=0.0, overflows=0, somaxconn=None) -> Capture:
    """A recorded host, some seconds later and with more overflows than it had."""
    sections = []
    for probe in PROBES:
        text = (CASES / probe / "debian-root" / "stdout").read_bytes()
        if probe == "counters":
            text = counters = _counted(text, overflows)
        if probe == "system":
            text = system = _later(text, uptime_s)
        if probe == "sysctl" and somaxconn:
            text = text.replace(b"net/core/somaxconn <==\n4096", f"net/core/somaxconn <==\n{somaxconn}".encode())
        sections.append(Section(probe, SectionStatus.COMPLETE, 0, text, b"", 1))
    loss = b"".join((_labelled(system), b"namespace:initial\n", counters, DEV.encode()))
    sections.append(Section("loss", SectionStatus.COMPLETE, 0, loss, b"", 1))
    return Capture("web1", "198.18.0.2", "0" * 64, NOW, 0.1, tuple(sections))


def _labelled(system: bytes) -> bytes:
    """Boot and uptime as the small look has them."""
    boot, uptime = (system.split(mark)[1].split()[0] for mark in (b"/boot_id\n", b"/proc/uptime\n"))
    return b"boot:%s\nuptime:%s\n" % (boot, uptime)


def _counted(text: bytes, more: int) -> bytes:
    """The counters with more listen overflows."""
    lines = text.split(b"\n")
    names = next(place for place, line in enumerate(lines) if b"ListenOverflows" in line)
    place = lines[names].split().index(b"ListenOverflows")
    values = lines[names + 1].split()
    values[place] = str(int(values[place]) + more).encode()
    lines[names + 1] = b" ".join(values)
    return b"\n".join(lines)


def _later(text: bytes, seconds: float) -> bytes:
    """The host's clock some seconds later."""
    head, mark, rest = text.partition(b"/proc/uptime\n")
    assert mark
    first, _, tail = rest.partition(b" ")
    return head + mark + f"{float(first) + seconds:.2f} ".encode() + tail


@dataclass
class Held:
    """A host that is held, with what it said at each moment."""

    armed_with: Capture | None
    verified_with: Capture | None
    now: Capture | None = None
    looked: list = field(default_factory=list)

    async def look(self, probes, within_s):
        """What it says when it is asked again."""
        self.looked.append(within_s)
        return self.now


def gate(command=None) -> Gate:
    """The gate of one host that was audited a while ago."""
    facts = facts_of(capture(), RULES.domains | GATE_DOMAINS)
    failing = proof.failing(RULES, facts, NOW)
    known = Known(Question((), domains=RULES.domains, rules=RULES), RULES, sample_of(facts), failing, failing)
    return Gate({"web1": known}, command=command, now=lambda: NOW)


def judged(made: Gate, held: Held, *, soaked=False) -> GateVerdict:
    """The verdict on one host."""
    return asyncio.run(made.judge({"web1": held}, soaked=soaked))


def test_a_host_that_is_as_it_was_passes():
    """Its counters are compared, and the check is asked of what had verified it: no further contact."""
    held = Held(capture(uptime_s=10), capture(uptime_s=20))
    verdict = judged(gate(), held)
    assert verdict.passed, verdict.reasons
    assert {"TcpExt.ListenOverflows", "interface drops"} <= {row.counter for row in verdict.rows}
    assert [] == held.looked


def test_one_look_is_judged_once_and_another_one_anew():
    """What the proof of the change found holds for its gate; a later look is judged for itself."""
    made = gate()
    (known,) = made.known.values()
    first, second = capture(uptime_s=20), capture(uptime_s=21, somaxconn=16)
    found = known.failing_in(first, NOW)
    assert found is known.failing_in(first, NOW)
    assert set(known.failing_in(second, NOW)) > set(found)
    judged(made, Held(capture(uptime_s=10), second))
    assert known.latest.capture is None


def test_after_a_soak_the_host_is_asked_again():
    """What was true before the soak proves nothing of the time since."""
    held = Held(capture(uptime_s=10), capture(uptime_s=11), now=capture(uptime_s=40, overflows=300))
    verdict = judged(gate(), held, soaked=True)
    assert 1 == len(held.looked)
    assert "web1: TcpExt.ListenOverflows 10.0/s, at most 1.0/s granted" in verdict.reasons


def test_a_finding_that_is_new_stops():
    """It was not there when the host was audited, and the plan did not foresee it."""
    held = Held(capture(uptime_s=10), capture(uptime_s=20, somaxconn=16))
    (reason,) = [line for line in judged(gate(), held).reasons if "somaxconn" in line]
    assert "fails now and did not before" in reason


def test_a_finding_that_was_foreseen_does_not():
    """The plan has said that it would come."""
    made = gate()
    facts = facts_of(capture(somaxconn=16), RULES.domains)
    foreseen = {**made.known["web1"].allowed, **proof.failing(RULES, facts, NOW)}
    made = replace(made, known={"web1": replace(made.known["web1"], allowed=foreseen)})
    assert judged(made, Held(capture(uptime_s=10), capture(uptime_s=20, somaxconn=16))).passed


@pytest.mark.parametrize("held", [Held(None, capture()), Held(capture(), capture(), now=None)])
def test_a_host_that_does_not_answer_stops(held):
    """No numbers are no proof."""
    assert not judged(gate(), held, soaked=held.armed_with is not None).passed


@pytest.mark.parametrize(("complaint", "passed"), [(None, True), ("the gate command ended with status 1", False)])
def test_the_command_has_the_last_word(complaint, passed):
    """It is told the hosts; its complaint is the reason."""
    asked = []

    async def command(hosts):
        asked.append(hosts)
        return complaint

    verdict = judged(gate(command), Held(capture(uptime_s=10), capture(uptime_s=20)))
    assert ([["web1"]], passed) == (asked, verdict.passed)
    assert verdict.reasons == ((complaint,) if complaint else ())


def test_the_command_is_not_asked_when_the_kernel_has_spoken():
    """A batch that is undone anyway needs no second opinion."""

    async def command(hosts):
        raise AssertionError("it was asked")

    held = Held(capture(uptime_s=10), capture(uptime_s=20, overflows=500))
    assert not judged(gate(command), held).passed


def test_a_gate_that_takes_too_long_is_against():
    """The hosts' own deadline does not wait."""

    async def never():
        await asyncio.sleep(3600)

    verdict = asyncio.run(within(never(), 0.01))
    assert "before the hosts' own deadline" in verdict.reason
    assert not verdict.passed


def test_severities_below_medium_do_not_stop():
    """A gate is no place for remarks."""
    assert Severity.MEDIUM is proof.WORTH_STOPPING
