"""What a capacity check would have changed, as the two files that a plan takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from netaudit.assets.yamlfile import read_yaml
from netaudit.baseline.node import plain
from netaudit.capacity.catalogue import SETTINGS
from netaudit.capacity.fleet import CapacityFold
from netaudit.model.capacity import HostCapacity, SettingChange, WorkloadRef
from netaudit.model.result import HostStatus
from netaudit.report.capacity_plan import capacity_baseline, capacity_remediations

LAUNCH = WorkloadRef("launch: day 1", "t", "launch.yaml", "ab" * 32, 1.5, "included", False, {})


@pytest.fixture
def written(run, kit, tmp_path):
    """The two files of these hosts, read again: ``written({"web1": rows})``."""

    def write(hosts):
        fold = CapacityFold()
        for name, rows in hosts.items():
            fold.add(HostCapacity(name, "192.0.2.1", HostStatus.OK, None, 0.1, tuple(rows)))
        files = []
        for writer in (capacity_baseline, capacity_remediations):
            path = tmp_path / f"{writer.__name__}.yaml"
            path.write_text("".join(writer(run, LAUNCH, fold.folded())))
            files.append(plain(read_yaml(path)))
        return files

    return write


def test_what_breaks_is_asked_for_on_the_hosts_that_need_it(written, kit):
    """The value that the row says, and the hosts that have enough are left alone."""
    short, enough = kit.rows(kit.W1), kit.rows(kit.W1, facts=kit.facts({"net.ipv4.tcp_max_tw_buckets": "1000000"}))
    baseline, remediations = written({"web2": short, "web1": short, "web3": enough})
    assert baseline["sysctl"]["net.ipv4.tcp_max_tw_buckets"]["at_least"] == 524288
    assert baseline["sysctl"]["net.ipv4.tcp_max_tw_buckets"]["severity"] == "high"
    (skipped,) = [one for one in baseline["overrides"] if one["check"] == "sysctl.net.ipv4.tcp_max_tw_buckets"]
    assert skipped["hosts"] == "all:!web1:!web2"
    (made,) = [one for one in remediations["remediations"] if one["id"].endswith(".tcp_max_tw_buckets")]
    assert made["checks"] == ["sysctl.net.ipv4.tcp_max_tw_buckets"]
    assert made["steps"] == [
        {"operation": "sysctl", "key": "net.ipv4.tcp_max_tw_buckets", "value": 524288, "range": [524288, 524288]}
    ]


def test_the_most_that_anybody_asks_for_counts(written, kit):
    """One value for all of them."""
    double = replace(kit.W1, new_connections=replace(kit.W1.new_connections, mean=20_000, burst=20_000))
    baseline, _ = written({"web1": kit.rows(kit.W1), "web2": kit.rows(double)})
    (wanted,) = [row for row in kit.rows(double) if row.resource == "time-wait"]
    assert baseline["sysctl"]["net.ipv4.tcp_max_tw_buckets"]["at_least"] == int(wanted.changes[0].value) > 524288


def test_vectors_and_tables_are_told_in_their_own_way(written, kit):
    """The range of ports widens at both ends; hash buckets have an operation of their own."""
    baseline, remediations = written({"web1": kit.rows(kit.W1, kit.OUT)})
    by_key = {one["id"].partition(".")[2]: one for one in remediations["remediations"]}
    assert baseline["sysctl"]["net.ipv4.ip_local_port_range"]["fields"] == {
        "0": {"at_most": 10240},
        "1": {"at_least": 65535},
    }
    assert by_key["ip_local_port_range"]["steps"][0]["range"] == [[10240, 10240], [65535, 65535]]
    assert baseline["sysctl"]["net.ipv4.tcp_tw_reuse"]["equals"] == 1
    assert by_key["nf_conntrack_buckets"]["steps"][0]["operation"] == "conntrack_hash"


def _asking(kit, setting, value):
    """A row of something that breaks, for want of this setting alone."""
    row = next(row for row in kit.rows(kit.W1) if row.verdict == "breaks")
    return [replace(row, changes=(SettingChange(setting, value, "0"),))]


def test_a_range_widens_to_what_all_hosts_need(written, kit):
    """The lower of the lower ends, and the higher of the higher ones."""
    name = "net.ipv4.ip_local_port_range"
    hosts = {"web1": _asking(kit, name, "10240 50000"), "web2": _asking(kit, name, "20000 60000")}
    for order in (hosts, dict(reversed(hosts.items()))):
        baseline, remediations = written(order)
        assert baseline["sysctl"][name]["fields"] == {"0": {"at_most": 10240}, "1": {"at_least": 60000}}
        assert remediations["remediations"][0]["steps"][0]["value"] == [10240, 60000]


SHIPPED = sorted({
    (step["key"], one["class"])
    for file in (Path(__file__).parents[3] / "playbooks" / "remediations").glob("*.yaml")
    for one in plain(read_yaml(file))["remediations"]
    for step in one["steps"]
    if step.get("key") in SETTINGS and step["key"] != "net.ipv4.tcp_timestamps"  # in two of them, for other reasons
})  # fmt: skip


@pytest.mark.parametrize(("setting", "step_class"), SHIPPED)
def test_a_setting_is_of_the_class_that_our_remediations_give_it(written, kit, setting, step_class):
    """What is felt by new sockets only is never told to be live, and the other way round."""
    _, remediations = written({"web1": _asking(kit, setting, "1 2")})
    (made,) = remediations["remediations"]
    assert made["class"] == step_class


def test_what_is_no_sysctl_is_a_comment(run, kit):
    """For whoever does it; and what a host calls its processes cannot become a line of the file."""
    fold = CapacityFold()
    rows = [
        replace(row, changes=tuple(replace(each, subject="x\nsysctl: {}") for each in row.changes))
        for row in kit.rows(kit.W1)
    ]
    fold.add(HostCapacity("web1", "192.0.2.1", HostStatus.OK, None, 0.1, tuple(rows)))
    text = "".join(capacity_baseline(run, LAUNCH, fold.folded()))
    (line,) = [line for line in text.splitlines() if '"nofile"' in line]
    assert line.startswith("# by hand")
    assert [line for line in text.splitlines() if line.startswith("sysctl:")] == ["sysctl:"]


def test_a_fleet_that_carries_it_needs_nothing(written, kit):
    """Both files are whole, and ask for nothing."""
    idle = replace(kit.W1, new_connections=replace(kit.W1.new_connections, mean=1, burst=1), concurrent=1)
    baseline, remediations = written({"web1": [row for row in kit.rows(idle) if row.verdict == "fits"]})
    assert baseline == {"baseline": "launch__day_1", "title": "What launch: day 1 asks for"}
    assert remediations == {"remediations": []}
