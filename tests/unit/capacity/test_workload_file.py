"""Workload files: what they say is read with its units, and every fault has its place and the nearest right word."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from netaudit.assets.yamlfile import parse_yaml, read_yaml
from netaudit.baseline import workload as reader
from netaudit.baseline.node import plain
from netaudit.capacity.figures import FIGURES
from netaudit.errors import RuleError
from netaudit.model.workload import LoadKind, Present, Rate, Ways, Workload

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"
SCHEMA = json.loads((PLAYBOOKS / "schema" / "workload.schema.json").read_text(encoding="utf-8"))
EXAMPLES = sorted((PLAYBOOKS / "workloads").glob("*.yaml"))


def read(text: str) -> Workload:
    """The workload of some YAML."""
    return reader.workload_of(parse_yaml(textwrap.dedent(text).encode(), "w.yaml"))


def load(figures: str, kind: str = "inbound") -> Any:
    """The only load of a workload, with one line of figures."""
    return read(f"workload: w\nloads:\n  - name: x\n    hosts: all\n    kind: {kind}\n    {figures}\n").loads[0]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_can_be_read_and_satisfy_the_schema(path):
    """What is shipped is right, for netaudit and for editors."""
    document = read_yaml(path)
    assert reader.workload_of(document).loads
    assert [] == [error.message for error in Draft202012Validator(SCHEMA).iter_errors(plain(document))]


@pytest.mark.parametrize(
    ("said", "field", "value"),
    [
        ("concurrent_connections: 100000", "concurrent", 100_000),
        ("connection_lifetime: 2min", "lifetime_s", 120),
        ("new_connections: 5000/s", "new_connections", Rate(5000, 5000)),
        ("new_connections: 300/min", "new_connections", Rate(5, 5)),
        ("new_connections: 7200/h", "new_connections", Rate(2, 2)),
        ("new_connections: '12,000/s'", "new_connections", Rate(12_000, 12_000)),
        ("new_connections: 42", "new_connections", Rate(42, 42)),
        ("new_connections: {mean: 10/s}", "new_connections", Rate(10, None)),
        ("new_connections: {mean: 10/s, burst: 90/s, burst_for: 30s}", "new_connections", Rate(10, 90, 30)),
        ("rtt: 40ms", "rtt_median_s", 0.04),
        ("rtt: 40ms", "rtt_p99_s", None),
        ("rtt: {median: 500us, p99: 2ms}", "rtt_p99_s", 0.002),
        ("loss: 2%", "loss_ratio", 0.02),
        ("loss: 0.02", "loss_ratio", 0.02),
        ("closes_first: 1", "closes_first_ratio", 1),
        ("request: 2kB", "request_bytes", 2000),
        ("response: 20KiB", "response_bytes", 20_480),
        ("response: 1448", "response_bytes", 1448),
        ("keep_alive: false", "requests_per_connection", 1),
        ("keep_alive: 20", "requests_per_connection", 20),
        ("tls: true", "full_handshakes_ratio", 1),
        ("tls: false", "full_handshakes_ratio", 0),
        ("tls: {full_handshakes: 30%}", "full_handshakes_ratio", 0.3),
        ("flow_bandwidth: 1Gbit/s", "flow_bps", Ways(1e9, 1e9)),
        ("flow_bandwidth: {out: 1Gbit/s}", "flow_bps", Ways(None, 1e9)),
        ("packets: 300/s", "packets_per_s", Ways(300, None)),
        ("packets: {in: 1/s, out: 2/s}", "packets_per_s", Ways(1, 2)),
        ("port: 443", "ports", (443,)),
        ("port: [80, 443, 80]", "ports", (80, 443)),
        ("accept_pause: 0", "accept_pause_s", 0),
        ("tracked: false", "is_tracked", False),
        ("figures: total", "is_total", True),
        ("figures: per-host", "is_total", False),
    ],
)  # fmt: skip
def test_figures_with_their_units(said, field, value):
    """Bytes, seconds, shares and rates are what they say."""
    assert value == getattr(load(said), field)


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        ("concurent_connections: 5", "inbound",
         "w.yaml:6:5: a load has no key 'concurent_connections' (did you mean 'concurrent_connections'?)"),
        ("accept_pause: 500", "inbound", "w.yaml:6:19: 500 is no duration: its unit is missing (500ms, 500s, …)"),
        ("accept_pause: 5 parsecs", "inbound", "w.yaml:6:19: '5 parsecs' is not a duration"),
        ("new_connections: many", "inbound", "w.yaml:6:22: 'many' is not a rate"),
        ("new_connections: 5/fortnight", "inbound", "is not a rate: a number followed by one of /s, /min, /h"),
        ("new_connections: -1", "inbound", "cannot be below zero"),
        ("new_connections: nan/s", "inbound", "cannot be below zero"),
        ("new_connections: {mean: 9/s, burst: 1/s}", "inbound", "w.yaml:6:34: the burst is below the mean"),
        ("new_connections: {burst_for: 1s}", "inbound", "needs 'mean' or 'burst'"),
        ("new_connections: {men: 1}", "inbound", "a rate has no key 'men' (did you mean 'mean'?)"),
        ("rtt: {median: 2s, p99: 1s}", "inbound", "the 99th percentile is below the median"),
        ("loss: 2", "inbound", "w.yaml:6:11: 2 is no share (from 0 to 1, or a percentage such as 2%)"),
        ("loss: 200%", "inbound", "200% is no share"),
        ("loss: two%", "inbound", "'two%' is not a percentage"),
        ("port: 70000", "inbound", "70000 is no port (from 1 to 65535)"),
        ("port: [80, http]", "inbound", "a number is wanted here, and this is a text"),
        ("keep_alive: true", "inbound", "how many requests a connection carries is wanted here"),
        ("tls: {full_handshake: 1}", "inbound", "(did you mean 'full_handshakes'?)"),
        ("tracked: maybe", "inbound", "true or false is wanted here, and this is a text"),
        ("figures: each", "inbound", "'figures' are 'per-host' or 'total'"),
        ("concurrent_connections: '5'", "inbound", "a number is wanted here, and this is a text"),
        ("concurrent_connections: true", "inbound", "a number is wanted here, and this is a truth value"),
        ("listen_backlog: 0", "inbound", "must be more than zero"),
        ("bandwidth: 10G", "inbound", "'10G' is not a rate"),
        ("accept_pause: 1s", "outbound", "w.yaml:6:5: a load of kind outbound has no key 'accept_pause'"),
        ("destination: x", "udp", "a load of kind udp has no key 'destination'"),
        ("process: x", "forwarded", "a load of kind forwarded has no key 'process'"),
        ("port: 1", "inbond", "w.yaml:5:11: 'inbond' is no kind (did you mean 'inbound'?)"),
    ],
)  # fmt: skip
def test_faults_have_their_place(said, kind, told):
    """File, line and column, the key, and what would be right."""
    with pytest.raises(RuleError) as caught:
        load(said, kind)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("loads: []\nworkload: w\n", "w.yaml:1:8: a workload needs at least one load"),
        ("workload: w\n", "a workload needs the key 'loads'"),
        ("workload: w\nloads: all\n", "'loads' must be a list, and this is a text"),
        ("workload: w\nassume: everything\nloads: []\n", "w.yaml:2:9: 'assume' can only be 'usual'"),
        ("workload: w\npresent: soon\nloads: []\n", "a workload needs at least one load"),
        ("workload: w\nmachine: []\nloads: []\n", "a workload has no key 'machine' (did you mean 'machines'?)"),
        ("workload: w\nloads: [{name: a, kind: udp}]\n", "needs the key 'hosts'"),
        ("workload: w\nloads: [{hosts: a, kind: udp}]\n", "needs the key 'name'"),
        ("workload: w\nloads: [{hosts: a, name: b}]\n", "a load needs the key 'kind'"),
        ("workload: w\nloads: [{name: a, hosts: a, kind: udp}, {name: a, hosts: b, kind: udp}]\n",
         "w.yaml:2:41: there is a load 'a' already"),
        ("workload: w\nloads: [{name: a, hosts: a, kind: udp}]\nmachines: [{hosts: a, lnik: 1Gbit/s}]\n",
         "(did you mean 'link'?)"),
        (("workload: w\nloads:\n- {name: a, hosts: a, kind: inbound, concurrent_connections: 1,\n"
         "   connection_lifetime: 1s}\n"), "w.yaml:4:4: says both 'concurrent_connections' and 'connection_lifetime'"),
        ("workload: w\nworkload: x\n", "key 'workload' stands here twice"),
        ("[]", "a workload must be a mapping, and this is a list"),
    ],
)  # fmt: skip
def test_whole_files_that_are_wrong(text, told):
    """The first fault is told."""
    with pytest.raises(RuleError) as caught:
        read(text)
    assert told in str(caught.value)


def test_what_stands_around_the_loads():
    """Name, title, what is done with the present, and the machines."""
    found = read(
        """
        workload: launch
        present: additional
        assume: usual
        loads: [{name: a, hosts: web, kind: udp}]
        machines: [{hosts: all, link: 10Gbit/s, softirq_pause: 2ms, packets_per_cpu: 500000/s, neighbours: 0}]
        """
    )
    assert ("launch", "launch", Present.ADDITIONAL, True) == (found.name, found.title, found.present, found.assumes)
    (machine,) = found.machines
    assert (1e10, 0.002, 5e5, 0, None) == (
        machine.link_bps, machine.softirq_pause_s, machine.packets_per_cpu, machine.neighbours, machine.queue_skew,
    )  # fmt: skip


def test_the_schema_knows_the_same_keys():
    """Of loads, of each kind of them, of machines, and at the top."""
    one = SCHEMA["$defs"]["load"]
    every = {*reader.COMMON_KEYS, *(key for keys in reader.KIND_KEYS.values() for key in keys)}
    assert every == set(one["properties"])
    for branch in one["allOf"]:
        kind = LoadKind(branch["if"]["properties"]["kind"]["const"])
        allowed = set(branch["then"]["propertyNames"]["enum"])
        assert {*reader.COMMON_KEYS, *reader.KIND_KEYS[kind]} == allowed
    assert set(reader.MACHINE_KEYS) == set(SCHEMA["properties"]["machines"]["items"]["properties"])
    assert set(reader.WORKLOAD_KEYS) == set(SCHEMA["properties"])
    assert {str(kind) for kind in LoadKind} == set(one["properties"]["kind"]["enum"])


def test_every_figure_that_is_asked_for_can_be_given():
    """Its key is one of the file's."""
    keys = set(SCHEMA["$defs"]["load"]["properties"]) | set(reader.MACHINE_KEYS)
    assert {figure.key.partition(".")[0] for figure in FIGURES.values()} <= keys


KEYS = st.sampled_from(["name", "hosts", "kind", "loads", "workload", "rtt", "tls", "port"])
NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(KEYS, each, max_size=4),
    max_leaves=8,
)


@given(NONSENSE)
def test_nothing_but_errors_with_a_place_comes_of_nonsense(value):
    """Whatever stands in a file."""
    with pytest.raises(RuleError) as caught:
        reader.workload_of(parse_yaml(json.dumps(value).encode(), "w.yaml"))
    assert caught.value.where is not None
