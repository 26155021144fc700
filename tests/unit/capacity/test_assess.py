"""One host and many: which loads are for it, what breaks first, and what is said of hosts that fare alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netaudit.capacity.assess import DOMAINS, assess, load_of
from netaudit.capacity.catalogue import RESOURCES
from netaudit.capacity.fleet import CapacityFold
from netaudit.capacity.results import breaking_text, check_id, need_text, results_of
from netaudit.model.capacity import CapacityVerdict as V
from netaudit.model.capacity import HostCapacity
from netaudit.model.facts import Facts
from netaudit.model.result import HostStatus, Severity, Verdict
from netaudit.model.workload import HostLoad, Machine, Workload

GROUPS = {"web": frozenset({"web1", "web2"}), "db": frozenset({"db1"}), "all": frozenset({"web1", "web2", "db1"})}


def host_of(name, rows):
    """One host that answered."""
    return HostCapacity(name, "192.0.2.1", HostStatus.OK, None, 0.1, tuple(rows))


@pytest.fixture
def workload(kit):
    """Two loads and what is known of the machines."""
    machines = (Machine("all", link_bps=1e9, neighbours=10), Machine("db", link_bps=1e10))
    return Workload("w", "w", (kit.W1, kit.replace(kit.OUT, hosts="all", is_total=True)), machines)


def test_loads_are_for_groups_of_hosts(workload):
    """Each host gets those whose pattern names it."""
    names = {host: [load.name for load in load_of(workload, host, GROUPS.get).loads] for host in GROUPS["all"]}
    assert {"web1": ["https", "backend"], "web2": ["https", "backend"], "db1": ["backend"]} == names


def test_a_load_of_all_hosts_together_is_shared(workload):
    """Three hosts carry a third each."""
    backend = load_of(workload, "db1", GROUPS.get).loads[0]
    assert 800 / 3 == pytest.approx(backend.new_connections.burst)


def test_scale_multiplies_the_load(workload):
    """Rates and numbers, and nothing else."""
    (https, _) = load_of(workload, "web1", GROUPS.get, scale=1.5).loads
    assert (7500, 150_000, 0.2) == (https.new_connections.burst, https.concurrent, https.rtt_p99_s)


def test_the_last_word_on_a_machine_counts(workload):
    """Entries are laid over each other, figure by figure."""
    machine = load_of(workload, "db1", GROUPS.get).machine
    assert (1e10, 10) == (machine.link_bps, machine.neighbours)


def test_a_host_without_a_load_has_no_rows(kit):
    """Nothing is asked of it."""
    assert () == assess(kit.facts(), HostLoad(()))


def test_a_host_that_told_nothing(kit):
    """Every row says why it has no verdict, and none raises."""
    nothing = dict.fromkeys(DOMAINS, kit.NOT_ASKED)
    rows = kit.rows(kit.W1, kit.OUT, kit.UDP, facts=kit.replace(kit.facts(), **nothing))
    assert rows
    assert {V.UNKNOWN, V.NEEDS_FIGURE, V.NOT_CONCERNED, V.FITS} >= {row.verdict for row in rows}
    assert all(row.reason for row in rows if row.verdict is V.UNKNOWN)


@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_any_one_thing_may_be_missing(kit, domain):
    """The other rows stay what they are."""
    rows = kit.rows(kit.W1, kit.OUT, kit.UDP, facts=kit.replace(kit.facts(), **{domain: kit.NOT_ASKED}))
    assert any(row.required is not None for row in rows)


def test_only_facts_that_exist_are_asked_for():
    """The names are those of the facts."""
    assert set(Facts.__dataclass_fields__) >= DOMAINS


def test_what_breaks_first(kit):
    """The descriptors of nginx, at a hundredth of the load."""
    host = host_of("web1", kit.rows(kit.W1, kit.OUT))
    assert ("process-descriptors", "nginx") == (host.first.resource, host.first.subject)
    assert 0.00992 == pytest.approx(host.first.breaks_at, rel=0.01)


def test_what_loses_nothing_does_not_break_first(kit):
    """Half-open connections beyond the backlog get cookies."""
    rows = [row for row in kit.rows(kit.W1) if row.is_soft]
    assert rows
    host = host_of("web1", rows)
    assert host.first is None
    fold = CapacityFold()
    fold.add(host)
    assert fold.folded().first is None


def test_hosts_that_fare_alike_are_one_line(kit):
    """The weakest is named, and what differs is a span."""
    fold = CapacityFold()
    for name, files in (("web1", 65536), ("web2", 2466170), ("web10", 2466170)):
        limits = kit.replace(kit.facts().limits, files_max=files)
        fold.add(host_of(name, [kit.row("system-descriptors", kit.W1, facts=kit.facts(limits=limits))]))
    fleet = fold.folded()
    assert [("web1",), ("web2", "web10")] == [line.hosts for line in fleet.lines]
    assert ("web1", V.BREAKS) == (fleet.first.weakest_host, fleet.first.weakest.verdict)
    assert {V.BREAKS: 1, V.FITS: 2} == {verdict: count for verdict, count in fleet.verdicts.items() if count}


def test_lines_are_the_worst_first(kit):
    """What breaks comes before what is tight, and that before what fits."""
    fold = CapacityFold()
    fold.add(host_of("web1", kit.rows(kit.W1, kit.OUT, kit.UDP)))
    ranks = [line.weakest.verdict.rank for line in fold.folded().lines]
    assert sorted(ranks) == ranks


def test_the_order_in_which_hosts_answer_shows_nowhere(kit):
    """Hosts that are equally weak are told by name, and equally bad lines in the order of a host's rows."""
    hosts = [host_of(name, kit.rows(kit.W1, kit.OUT, kit.UDP)) for name in ("web10", "web2", "db1")]
    hosts.append(host_of("api1", kit.rows(kit.OUT)))
    told = []
    for order in (hosts, hosts[::-1], hosts[1:] + hosts[:1]):
        fold = CapacityFold()
        for host in order:
            fold.add(host)
        told.append((fold.folded().lines, fold.folded().first))
    assert told[0] == told[1] == told[2]
    assert {("db1", "web2", "web10"), ("api1", "db1", "web2", "web10")} >= {line.hosts for line in told[0][0]} - {
        ("api1",)
    }


def test_equally_bad_lines_have_one_order(kit):
    """That of a host's rows; of two hosts that have it differently, the earlier place, and then the name."""
    row = replace(kit.rows(kit.W1)[0], verdict=V.UNKNOWN, breaks_at=None)
    later, earlier = replace(row, resource="a"), replace(row, resource="z")
    both, one = host_of("web1", [earlier, later]), host_of("web2", [later])
    for hosts, told in (([both], ["z", "a"]), ([both, one], ["a", "z"]), ([one, both], ["a", "z"])):
        fold = CapacityFold()
        for host in hosts:
            fold.add(host)
        assert [line.weakest.resource for line in fold.folded().lines] == told


def test_figures_that_several_resources_need_are_named_once(kit):
    """With the resources that wait for them."""
    fold = CapacityFold()
    for name in ("web1", "web2"):
        fold.add(host_of(name, kit.rows(kit.replace(kit.W1, closes_first_ratio=None))))
    ((need, titles),) = fold.folded().needs
    assert ("closes_first", ("TIME-WAIT sockets", "Memory in all")) == (need.figure, titles)


def test_nothing_breaks_in_an_empty_fleet():
    """There is nothing to say, and nothing is said."""
    fleet = CapacityFold().folded()
    assert (None, (), ()) == (fleet.first, fleet.lines, fleet.needs)


def test_results_for_the_history(kit):
    """Breaks are high, tight is medium, figures that are missing are unknown; subjects are items."""
    results = {result.check: result for result in results_of(kit.rows(kit.W1, kit.OUT, kit.UDP))}
    ports = results["capacity.ephemeral_ports"]
    assert (Verdict.FAIL, Severity.HIGH, 28_232, ">= 72300") == (
        ports.verdict, ports.severity, ports.observed, ports.expected,
    )  # fmt: skip
    assert ["10.0.0.5:8080"] == [item.subject for item in ports.items]
    assert "net.ipv4.tcp_tw_reuse from 2 to 1 (needs" in ports.fix
    assert (Verdict.FAIL, Severity.MEDIUM) == (
        results["capacity.syn_queue"].verdict,
        results["capacity.syn_queue"].severity,
    )
    assert Verdict.PASS is results["capacity.orphans"].verdict
    lacking = results_of(kit.rows(kit.replace(kit.W1, closes_first_ratio=None)))
    assert Verdict.UNKNOWN is next(each.verdict for each in lacking if each.check == "capacity.time_wait")


def test_every_row_belongs_to_a_resource_that_is_explained(kit):
    """Its title, layer and sources are in the catalogue."""
    for row in kit.rows(kit.W1, kit.OUT, kit.UDP):
        assert RESOURCES[row.resource].title == row.title
        assert row.sources
        assert check_id(row.resource).replace("_", "").replace(".", "").isalpha()


def test_every_number_has_its_formula_and_its_uncertainty(kit):
    """A number alone would have to be believed."""
    for row in kit.rows(kit.W1, kit.OUT, kit.UDP):
        if row.required is not None:
            assert row.formula
            assert row.uncertainty is not None
            assert row.uncertainty.low <= 1 <= row.uncertainty.high


@pytest.mark.parametrize(
    ("at", "text"),
    [(0.0, "breaks at any load"), (0.4964, "breaks at 0.496 × the load"), (1.0, "breaks at 1 × the load"),
     (4000.0, "breaks at more than 100 × the load"), (None, "does not grow with the load")],
)  # fmt: skip
def test_breaking_points_in_words(kit, at, text):
    """Three digits that count."""
    assert text == breaking_text(kit.replace(kit.row("orphans", kit.W1), breaks_at=at))


def test_needs_in_words(kit):
    """Required, with headroom, and what there is."""
    assert "needs 48,200 ports, with headroom 72,300; has 28,232" == need_text(kit.row("ephemeral-ports", kit.OUT))
    assert "needs 812.5 KiB; has 208 KiB" == need_text(kit.row("udp-receive-buffer", kit.UDP))


def test_headroom_is_the_share_that_is_left(kit):
    """Below zero where it breaks."""
    assert 1 - 48_200 / 28_232 == pytest.approx(kit.row("ephemeral-ports", kit.OUT).headroom)
    assert kit.row("neighbours", kit.W1, machine=Machine()).headroom is None
