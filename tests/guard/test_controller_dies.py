"""The controller is killed at every entry of its journal, and the network is cut at every state.

Whatever happens, each host ends with exactly what it had, or with all of the new; and who resumes is told which.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from netaudit.model.plan import Outcome
from netaudit.remedy.guard import FINAL, STRAIGHT, State

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("guard"), pytest.mark.timeout(600)]

# What a controller notes on the straight way, where the host keeps sessions and may end what they leave behind.
FORTH_BOUND = (
    ("planned", "arm", ""), ("claimed", "", "claimed"), ("claimed", "check", ""), ("armed", "", "seen armed"),
    ("armed", "go", ""), ("applied", "", "applied"), ("applied", "verify", ""), ("verified", "", "verified"),
    ("verified", "confirm", ""), ("confirmed", "", "confirmed"), ("confirmed", "keep", ""),
    ("persisted", "", "kept"), ("persisted", "tidy", ""),
)  # fmt: skip
# And where it does not, and on the way back.
FORTH = tuple(entry for entry in FORTH_BOUND if entry[1] != "check")
BACK = (
    ("rolling_back", "", "abandoned"), ("rolling_back", "abort", ""), ("rolled_back", "", "reverted"),
    ("rolled_back", "tidy", ""),
)  # fmt: skip
ENTRIES = (*FORTH, *BACK)
DEATHS = ("killed before", "killed after")
CUTS = {
    "link down": ("#outside\nip link set {veth} down", "#outside\nip link set {veth} up"),
    "firewall drop": (
        "echo 'table inet cut {{ chain i {{ type filter hook input priority 0; iifname eth0 drop; }}; }}' | nft -f -",
        "nft delete table inet cut",
    ),
    "wrong mtu": ("ip link set eth0 mtu 100", "ip link set eth0 mtu 1500"),
    "wrong route": ("ip route add blackhole {gateway}/32", "ip route del blackhole {gateway}/32"),
}
CUT_AT = (
    ("planned", "arm", ""), ("claimed", "", "claimed"), ("armed", "go", ""), ("applied", "verify", ""),
    ("verified", "", "verified"), ("confirmed", "", "confirmed"), ("rolling_back", "", "abandoned"),
)  # fmt: skip
# Where the other connection makes a difference: from the one that arms to the one that verifies.
BOUND_AT = FORTH_BOUND[1:6]
BOUND_CUT_AT = (("claimed", "check", ""), ("armed", "go", ""))
FAULTS = (*DEATHS, *CUTS)
CONFIRMED_AT = FORTH_BOUND.index(("confirmed", "", "confirmed"))  # before it is written, the host has confirmed
LIFT_AFTER_S = 10  # the host's own time is over by then


@dataclass
class Cell:
    """One entry with one fault, and what came of it."""

    entry: tuple[str, str, str]
    fault: str
    job: dict
    host: object
    before: str
    is_bound: bool
    own: dict | None = None  # what the controller said of itself, if it lived
    after: str = ""  # the host when its own time was over
    resumed: object = None
    last: str = ""
    left: str = ""
    is_new: bool = False

    @property
    def has_confirmed(self) -> bool:
        """Whether the host was told to keep it."""
        return self.entry in FORTH_BOUND and FORTH_BOUND.index(self.entry) >= CONFIRMED_AT

    def settled(self) -> str:
        """The host at the end, once sessions that a cut had held up have come and gone."""
        deadline = time.monotonic() + 15
        while (found := self.host.snapshot()) != self.before and not self.host.is_new() and time.monotonic() < deadline:
            time.sleep(0.5)
        return found

    @property
    def ended(self) -> str:
        """Old or new, or neither."""
        return "old" if self.last == self.before else "new" if self.is_new else "NEITHER"


def plan_cells(lab) -> list[Cell]:
    """Every entry with each kind of death, every state with each kind of cut; a host each."""
    tried = [(entry, death, False) for entry in ENTRIES for death in DEATHS]
    tried += [(entry, cut, False) for cut in CUTS for entry in CUT_AT]
    tried += [(entry, death, True) for entry in BOUND_AT for death in DEATHS]
    tried += [(entry, cut, True) for cut in CUTS for entry in BOUND_CUT_AT]
    cells = []
    for (entry, fault, is_bound), host in zip(tried, lab.hosts, strict=False):
        if is_bound:
            host.keep_sessions()
        abandon = "the gate failed" if entry in BACK else ""
        job = lab.job(host, at=list(entry), fault=fault, abandon=abandon)
        if fault in CUTS:
            words = {"veth": host.namespace.removeprefix("netaudit-")[:15], "gateway": lab.gateway}
            cut, lift = (text.format(**words) for text in CUTS[fault])
            job |= {"cut": cut, "lift": lift, "lift_after_s": LIFT_AFTER_S, "snapshot": lab.snapshot_script}
        cells.append(Cell(entry, fault, job, host, host.snapshot(), is_bound))
    assert len(tried) == len(cells)
    return cells


@pytest.fixture(scope="module")
def cells(guard_lab):
    """All of it at once, on a host each: the faults, the deadline, and a second controller that resumes."""
    made = plan_cells(guard_lab)
    guard_lab.run(*(cell.job for cell in made))
    time.sleep(LIFT_AFTER_S)  # of those that were killed last
    for cell in made:
        cell.own = guard_lab.result(cell.job)
        during = Path(cell.job["result"] + ".during")
        cell.after = during.read_text() if during.exists() else cell.host.snapshot()
    for cell, outcome in zip(made, guard_lab.resume(*(cell.job for cell in made)), strict=True):
        cell.resumed = outcome
        cell.last, cell.left, cell.is_new = cell.settled(), cell.host.left(), cell.host.is_new()
    yield {(cell.entry, cell.fault, cell.is_bound): cell for cell in made}
    for cell in made:
        cell.host.make_old()


def without_the_cut(snapshot: str) -> list[str]:
    """A look at a host whose network is cut, without what the cut itself has done to it."""
    lines = re.sub(r" addrgenmode \w+", "", re.sub(r"\bmtu 100\b", "mtu 1500", snapshot)).splitlines()
    return [line for line in lines if not re.search(r"blackhole|/ipv6/(conf|neigh)/eth0/|nf_|nft|inet6", line)]


def test_every_state_is_tried():
    """What is killed and cut are the states of the table, each of them but those that have no entry of their own."""
    assert set(STRAIGHT) <= {State(entry[0]) for entry in ENTRIES}
    assert set(State) - {State(entry[0]) for entry in ENTRIES} == {State.REFUSED, State.LOST}
    assert {State(entry[0]) for entry in CUT_AT} >= set(STRAIGHT) - FINAL


def test_the_entries_are_those_that_a_controller_writes(guard_lab):
    """No entry is written that is not tried: the lists above are what a change notes on both ways."""
    forth, back, bound = guard_lab.hosts[-1], guard_lab.hosts[-2], guard_lab.hosts[-3]
    bound.keep_sessions()
    jobs = [guard_lab.job(forth), guard_lab.job(back, abandon="no"), guard_lab.job(bound)]
    kept, undone, kept_bound = guard_lab.run(*jobs)
    forth.make_old()
    bound.make_old()
    assert [tuple(entry) for entry in kept["entries"]] == list(FORTH)
    assert [tuple(entry) for entry in kept_bound["entries"]] == list(FORTH_BOUND)
    shared = FORTH[: FORTH.index(("verified", "confirm", ""))]
    assert [tuple(entry) for entry in undone["entries"]] == [*shared, *BACK]


def _name(entry: object) -> str | None:
    return "-".join(filter(None, entry)).replace(" ", "-") if isinstance(entry, tuple) else None


KILLED = [(entry, False) for entry in ENTRIES] + [(entry, True) for entry in BOUND_AT]
CUT = [(entry, False) for entry in CUT_AT] + [(entry, True) for entry in BOUND_CUT_AT]


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize(("entry", "is_bound"), KILLED, ids=_name)
def test_a_killed_controller_leaves_old_or_new(cells, entry, is_bound, death):
    """Killed at this entry, the host has all of the old after its own time, or all of the new once confirmed."""
    cell = cells[entry, death, is_bound]
    assert cell.own is None, "the controller was not killed"
    confirmed = cell.has_confirmed
    assert cell.ended == ("new" if confirmed else "old")
    if not confirmed:
        assert cell.after == cell.before, "not yet as before when the host's own time was over"
    wanted = Outcome.PERSISTED if confirmed else Outcome.ROLLED_BACK
    if (entry, death) == (ENTRIES[0], DEATHS[0]):
        wanted = Outcome.UNREACHED
    assert cell.resumed.outcome is wanted
    assert cell.left == ""


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(("entry", "is_bound"), CUT, ids=_name)
def test_a_cut_network_leaves_old_or_new(cells, entry, is_bound, cut):
    """Cut here, the host puts itself right while it cannot be reached, and the controller says how it ended."""
    cell = cells[entry, cut, is_bound]
    assert cell.own is not None
    if cell.has_confirmed or (cell.entry == FORTH[0] and cell.own["outcome"] == "persisted"):
        assert cell.ended == "new"  # confirmed before the cut, or begun only when it was over
        assert cell.own["outcome"] == "persisted"
    else:
        assert cell.ended == "old"
        assert without_the_cut(cell.after) == without_the_cut(cell.before)
        assert cell.own["outcome"] in {"rolled-back", "refused", "unreached"}
    assert cell.resumed.outcome is not Outcome.LOST
    assert cell.left == ""


def test_the_table_of_states_and_faults(cells, capsys):
    """It is printed for whoever runs the tests: what each fault at each state has ended in."""
    lines = [f"{'state and entry':<28}" + "".join(f"{fault:<16}" for fault in FAULTS)]
    for entry, is_bound in KILLED:
        if entry == BOUND_AT[0] and is_bound:
            lines.append("where the host keeps sessions:")
        row = [cells.get((entry, fault, is_bound)) for fault in FAULTS]
        words = [f"{cell.ended}, {cell.resumed.outcome}" if cell else "" for cell in row]
        lines.append(f"{entry[0] + ' ' + (entry[1] or '= ' + entry[2]):<28}" + "".join(f"{word:<18}" for word in words))
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert not any("NEITHER" in line for line in lines)
