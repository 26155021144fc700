"""The capacity check as a user runs it: of stored answers, of the lab, in a playbook; and what it says of itself."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys

import pytest

WORKLOAD = """\
workload: launch
loads:
  - name: https
    hosts: web
    kind: inbound
    port: 80
    process: python3
    new_connections: {rate}
    concurrent_connections: 50
    accept_pause: 500ms
    rtt: {{median: 40ms, p99: 200ms}}
    closes_first: 100%
    request: 2kB
    response: 20kB
    keep_alive: false
    tls: false
    unread: 2%
    sending: 5%
    slow_close: 10%
    drain: 2s
machines:
  - hosts: all
    link: 10Gbit/s
    packet_limit: 1000000/s
    softirq_pause: 2ms
    queue_skew: 2
    packets_per_cpu: 500000/s
    neighbours: 20
"""
GROUPS = {"web1": ("web",), "web2": ("web",), "db1": ("db",)}
INVENTORY = "[web]\nweb1\nweb2\n[db]\ndb1\n"


@pytest.fixture
def launch(netaudit, host, stored):
    """Three stored hosts, two of them in `web`, and a workload: ``launch("100/s", …)``."""
    folder = stored(host("web1"), host("web2"), host("db1"), groups=GROUPS)

    def run(rate, *words, pattern="web1,web2", code=0):
        (netaudit.home / "w.yaml").write_text(WORKLOAD.format(rate=rate))
        (netaudit.home / "hosts").write_text(INVENTORY)
        return netaudit(
            "capacity",
            pattern,
            "--from",
            folder,
            "-i",
            "hosts",
            "--workload",
            "w.yaml",
            "--no-progress",
            *words,
            code=code,
        )

    return run


def resources(done):
    """The rows of the first host, by resource."""
    return {row["resource"]: row for row in done.json()["hosts"][0]["resources"]}


def test_what_fits_is_no_finding(launch, published):
    """Exit code 0, and the object is what its schema says."""
    done = launch("10/s", "-o", "json")
    published("capacity-1", done.json())
    assert {"breaks": 0}.items() <= done.json()["summary"]["resources"].items()
    assert 5 == resources(done)["accept-queue"]["required"]


def test_what_breaks_is(launch):
    """Exit code 1, and the console says what breaks first and at which load."""
    done = launch("5000/s", code=1)
    assert "BREAKS  Accept queue" in done.out
    assert "FIRST" in done.out
    assert "5,000/s × 500 ms = 2,500 connections" in done.out
    assert "weakest host" in done.out


def test_what_is_tight_is_a_warning(launch):
    """It ends with 0, and with 1 where that is asked for."""
    rows = resources(launch("10/s", "-o", "json"))
    rate = f"{rows['accept-queue']['limit'] / 0.5 * 0.9:.0f}/s"
    tight = launch(rate, "-o", "json")
    assert "tight" == resources(tight)["accept-queue"]["verdict"]
    launch(rate, "--fail-on", "medium", code=1)


def test_scale(launch):
    """Twice the load is the same as a workload of twice the rate."""
    scaled, doubled = (
        resources(launch(*words)) for words in (("10/s", "--scale", "2", "-o", "json"), ("20/s", "-o", "json"))
    )
    assert scaled["accept-queue"]["required"] == doubled["accept-queue"]["required"]
    assert scaled["system-descriptors"]["required"] > doubled["system-descriptors"]["required"], "of connections too"


def test_what_if(launch):
    """A setting that is tried out is said, and counts."""
    done = launch("10/s", "--what-if", "net.ipv4.tcp_max_tw_buckets=100", "-o", "json", code=1)
    assert ("breaks", 100) == tuple(resources(done)["time-wait"][key] for key in ("verdict", "limit"))
    assert {"net.ipv4.tcp_max_tw_buckets": "100"} == done.json()["workload"]["what_if"]


def test_what_if_without_effect(launch):
    """A setting that no formula reads is said, and the answer is what it was."""
    done = launch("10/s", "--what-if", "net.ipv4.tcp_fin_timeout=3", "-o", "json")
    assert "--what-if net.ipv4.tcp_fin_timeout: no resource is computed from it" in done.err
    assert resources(done)["time-wait"]["required"] == resources(launch("10/s", "-o", "json"))["time-wait"]["required"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--what-if", "net.core.somaxcon=1"),
            "there is no setting 'net.core.somaxcon' (did you mean 'net.core.somaxconn'?)",
        ),
        (("--what-if", "net.core.somaxconn"), "the value is missing"),
        (("--what-if", "net.core.somaxconn=lots"), "'lots' is not a number"),
        (("--what-if", "rx_rign=1"), "did you mean 'rx_ring'?"),
        (("--scale", "0"), "must be more than zero"),
        (("--scale", "nan"), "must be more than zero"),
        (("--scale", "much"), "'much' is not a number"),
        (("-o", "xml"), "there is no format 'xml'"),
    ],
)
def test_misuse(launch, words, said):
    """One clear line, and no host is asked."""
    done = launch("10/s", *words, code=2)
    assert said in done.err
    assert "" == done.out


def test_a_workload_that_is_wrong(netaudit, launch):
    """File, line, column, and the nearest right key."""
    launch("10/s")
    (netaudit.home / "bad.yaml").write_text(WORKLOAD.format(rate="1/s").replace("accept_pause", "acept_pause"))
    done = netaudit("capacity", "--from", "x", "--workload", "bad.yaml", code=2)
    assert "bad.yaml:10:5: a load has no key 'acept_pause' (did you mean 'accept_pause'?)" in done.err
    missing = netaudit("capacity", "--from", "x", "--workload", "none.yaml", code=2)
    assert "none.yaml: there is no such file" in missing.err
    unsaid = netaudit("capacity", "--from", "x", code=2)
    assert "--workload" in unsaid.err


def test_hosts_that_carry_nothing(launch):
    """They are reported, and a load that is for none of the hosts is said."""
    done = launch("10/s", "-o", "json", pattern="db1")
    assert [[]] == [each["resources"] for each in done.json()["hosts"]]
    assert "the load 'https' is for 'web': none of these hosts" in done.err
    assert "no load of this workload is for these hosts" in launch("10/s", "-q", pattern="db1").out


def test_a_line_a_host(launch, published):
    """JSON Lines, beside a file with the whole."""
    done = launch("10/s", "-o", "jsonl", "-o", "json=whole.json", pattern="all")
    assert 3 == len(done.lines())
    for line in done.lines():
        published("capacity-host-1", line)


@pytest.mark.parametrize("name", ["junit", "sarif", "markdown", "csv", "prometheus", "html"])
def test_every_other_format(launch, name):
    """They tell of the same results as those of an audit."""
    done = launch("5000/s", "-o", name, code=1)
    told = {"prometheus": 'baseline="workload launch"', "html": "Accept queue"}
    assert told.get(name, "capacity.accept_queue") in done.out


def test_what_would_have_to_be_changed_can_be_planned(netaudit, host, stored):
    """The two files are valid, can be pinned, and a plan changes what the load needs on the hosts that need it."""
    folder = stored(host("web1"), host("web2"), host("db1"), groups=GROUPS)
    (netaudit.home / "w.yaml").write_text(WORKLOAD.format(rate="5000/s"))
    (netaudit.home / "hosts").write_text(INVENTORY)
    where = ("--from", folder, "-i", "hosts")
    files = ("-o", "baseline=settings.yaml", "-o", "remediations=changes.yaml")
    netaudit("capacity", "all", *where, "--workload", "w.yaml", "--no-progress", *files, code=1)
    netaudit("baseline", "lint", "settings.yaml")
    alone = netaudit("plan", "web1", *where, "-b", "settings.yaml", "--no-progress", code=None).out
    assert "Set net.ipv4.tcp_max_tw_buckets to at least 524288." in " ".join(alone.split())
    netaudit("vet", "-b", "settings.yaml", "changes.yaml")
    words = ("-b", "settings.yaml", "--remediations", "changes.yaml", "--no-progress", "-o", "json")
    plan = netaudit("plan", "all", *where, *words, code=None).json()
    steps = [(one["host"], step["subject"], step["after"]) for one in plan["hosts"] for step in one["steps"]]
    assert steps == [(name, "net.ipv4.tcp_max_tw_buckets", "524288") for name in ("web1", "web2")]


def test_it_is_kept_in_the_history(netaudit, launch):
    """With what it was held against; `show` and `report` weigh the kept answers against it again, to the same."""
    kinds = ("json", "html", "console", "baseline", "remediations")
    words = [word for kind in kinds for word in ("-o", f"{kind}=live.{kind}")]
    launch("5000/s", "--scale", "1.5", "--what-if", "net.core.somaxconn=8192", *words, code=1)
    newest = netaudit("history", "-o", "json").json()["runs"][0]["run"]
    assert "workload launch" == newest["baseline"]["name"]
    (netaudit.home / "w.yaml").unlink()
    netaudit("report", "last", *(word.replace("live", "kept") for word in words))
    for kind in kinds:
        live, kept = (netaudit.home / f"{when}.{kind}" for when in ("live", "kept"))
        assert live.read_text() == kept.read_text(), kind
    assert netaudit("show", "last", code=1).out == (netaudit.home / "live.console").read_text()
    assert "capacity.accept_queue" in netaudit("report", "last", "-o", "csv").out
    launch("5000/s", "--no-history", code=1)


def test_without_the_answers_the_results_are_left(netaudit, launch):
    """What is shown then is said to be less, and is no empty page."""
    launch("5000/s", code=1)
    with contextlib.closing(sqlite3.connect(netaudit.state / "netaudit" / "netaudit.db")) as database, database:
        database.execute("DELETE FROM captures WHERE position = 1")
    shown = netaudit("show", "last", code=1)
    assert "the answers of 1 host are not kept: what follows is the results alone" in shown.err
    assert "capacity.accept_queue" in shown.out
    refused = netaudit("report", "last", "-o", "csv=all.csv", "-o", "baseline=b.yaml", code=2)
    assert "is no capacity check with all its answers" in refused.err
    assert not (netaudit.home / "b.yaml").exists()
    assert not (netaudit.home / "all.csv").exists()


def test_a_play(netaudit, launch):
    """A playbook may hold hosts against a workload, with settings that are tried out."""
    folder = launch("10/s", "-o", "json=first.json") and netaudit.home
    play = (
        "- {name: launch, hosts: web, capacity: {workload: w.yaml, scale: 2, what_if: {net.core.somaxconn: 65535}}}\n"
    )
    (folder / "play.yaml").write_text(play)
    words = (
        "--from",
        next(path for path in folder.parent.iterdir() if path.name.startswith("captures")),
        "-i",
        "hosts",
    )
    done = netaudit("run", "play.yaml", *words, "-o", "json", "--no-progress")
    found = done.json()
    assert ("netaudit.capacity/1", 2) == (found["schema"], found["workload"]["scale"])
    assert 2 == len(found["hosts"])


@pytest.mark.parametrize(
    ("play", "said"),
    [
        ("capacity: {workload: w.yaml}, baseline: web-edge", "a play with 'capacity' has no 'baseline'"),
        ("capacity: {workload: gone.yaml}", "gone.yaml: there is no such file"),
        ("capacity: {scale: 2}", "'capacity' needs the key 'workload'"),
        ("capacity: {workload: w.yaml, scale: 0}", "'scale' must be more than zero"),
        ("capacity: {workload: w.yaml, scale: big}", "'scale' must be a number"),
        ("capacity: {workload: w.yaml, what_if: {net.core.somaxconn: true}}", "a setting's value is wanted here"),
        ("capacity: {workload: w.yaml, whatif: {}}", "(did you mean 'what_if'?)"),
    ],
)
def test_a_play_that_is_wrong(netaudit, launch, play, said):
    """All plays are read before the first one runs."""
    launch("10/s")
    (netaudit.home / "play.yaml").write_text(f"- {{hosts: web, {play}}}\n")
    done = netaudit("run", "play.yaml", "-i", "hosts", code=2)
    assert said in done.err
    assert "play:" not in done.err


def test_hosts_that_do_not_answer(netaudit, host, stored, cut):
    """Exit code 3: they have no verdict."""
    folder = stored(host("web1"), host("web2", error=cut), groups=GROUPS)
    (netaudit.home / "w.yaml").write_text(WORKLOAD.format(rate="10/s").replace("hosts: web", "hosts: all"))
    done = netaudit("capacity", "--from", folder, "--workload", "w.yaml", "-o", "json", "--no-progress", code=3)
    assert ["ok", "error"] == [each["status"] for each in done.json()["hosts"]]
    assert [] == done.json()["hosts"][1]["resources"]


@pytest.fixture
def cut():
    """Why a host gave no answer."""
    from netaudit.errors import ErrorKind, Phase
    from netaudit.model.probe import HostError

    return HostError(ErrorKind.TIMEOUT, "no whole answer within 60 s", Phase.ANSWER, "raise it with --timeout")


@pytest.mark.lab
@pytest.mark.xdist_group("lab")
def test_the_lab(netaudit, lab_fleet, patient):
    """The host whose backlog was never raised is the weakest; one that cannot be reached has no verdict."""
    lab, plans = lab_fleet
    text = (
        WORKLOAD.format(rate="400/s").replace("port: 80", "port: 8080").replace("process: python3", "process: shop-web")
    )
    (netaudit.home / "w.yaml").write_text(text)
    words = ("-i", lab.inventory, "--workload", "w.yaml", "-o", "json", "-o", "console=seen.txt", *patient)
    done = netaudit("capacity", "web", *words, code=None)
    found = {each["name"]: each for each in done.json()["hosts"]}
    small = next(name for name, plan in plans.items() if name in found and plan.listeners[0].backlog == 128)
    rows = {
        name: {row["resource"]: row for row in each["resources"]} for name, each in found.items() if each["resources"]
    }
    assert (129, "breaks") == tuple(rows[small]["accept-queue"][key] for key in ("limit", "verdict"))
    first = done.json()["first"]
    assert ("accept-queue", small) == (first["resource"], first["weakest"])
    assert 129 / 200 == pytest.approx(first["breaks_at"], rel=1e-3)
    healthy = [name for name in rows if rows[name]["accept-queue"]["limit"] == 4097]
    assert healthy
    assert all("breaks" != rows[name]["accept-queue"]["verdict"] for name in healthy)
    assert all(each["resources"] or each["status"] != "ok" for each in found.values())
    assert f"weakest host {small}" in (netaudit.home / "seen.txt").read_text()
    assert json.loads(done.out)


EXPERIMENTS = """
import json, sys
sys.path.insert(0, sys.argv[1])
from capacity import descriptors, ports, queues
from capacity.world import World

def run(experiment):
    with World() as world:
        found = experiment(world)
    return found.what, found.predicted, found.observed

def half_open(world):
    queues.prepare_syn_queue(world)
    return queues.syn_queue(world, cookies=0, backlog=512, maximum=64)

print(json.dumps([run(each) for each in (
    lambda world: queues.accept_queue(world, 40),
    half_open,
    lambda world: ports.ephemeral(world, count=120, reserved=20, closed=30),
    lambda world: ports.time_wait(world, limit=80),
    lambda world: descriptors.process(world, 96),
)]))
"""


@pytest.mark.lab
@pytest.mark.xdist_group("lab")
def test_the_kernel_agrees(needs_root, kit):
    """The load at which something is lost first is the one that was foretold, where the kernel is deterministic."""
    command = [sys.executable, "-c", EXPERIMENTS, kit.root / "benchmarks"]
    done = subprocess.run(command, cwd=kit.root, capture_output=True, text=True, timeout=120)
    assert 0 == done.returncode, done.stderr
    outcomes = json.loads(done.stdout)
    assert 5 == len(outcomes)
    for what, predicted, observed in outcomes:
        assert predicted == pytest.approx(observed, rel=0.1), what
