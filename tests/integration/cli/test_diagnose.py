"""``netaudit diagnose`` as a user starts it: live, from kept samples, on bad days."""

from __future__ import annotations

import json
import re
import signal

import pytest

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]
TWO = "web03,web04"


def test_hosts_in_order_have_no_cause(netaudit, lab_fleet, published, patient):
    """Exit code 0, one object that the schema knows, every host once."""
    lab, _ = lab_fleet
    done = netaudit("diagnose", TWO, "-i", lab.inventory, "--for", "1s", "-o", "json", *patient)
    said = done.json()
    published("diagnosis-1", said)
    assert [host["name"] for host in said["hosts"]] == ["web03", "web04"]
    for host in said["hosts"]:
        assert host["samples"] == 2
        assert host["window_s"] >= 0.9
        assert host["causes"] == []
        assert host["interfaces"]


def test_the_history_keeps_it(netaudit, lab_fleet, patient):
    """A diagnosis is a run like any other: listed, shown again, its captures kept."""
    lab, _ = lab_fleet
    words = ("-o", "json=live.json", "-o", "html=live.html", "-o", "console=live.txt")
    netaudit("diagnose", "web03", "-i", lab.inventory, "--for", "1s", *words, "-q", *patient)
    assert "diagnose" in netaudit("history").out
    rows = netaudit("report", "last", "-o", "csv").out
    assert re.search(r"\"web03\".*diagnosis\.accept-queue-full.*pass", rows, re.MULTILINE)
    netaudit("report", "last", *(word.replace("live", "kept") for word in words))
    for kind in ("json", "html", "txt"):
        live, kept = (netaudit.home / f"{when}.{kind}" for when in ("live", "kept"))
        assert live.read_text() == kept.read_text(), kind
    refused = netaudit("report", "last", "-o", "json=again.json", "-o", "baseline=b.yaml", code=2)
    assert "is no capacity check with all its answers" in refused.err
    assert not (netaudit.home / "again.json").exists(), "refused half-way"
    assert netaudit("show", "last").out == (netaudit.home / "live.txt").read_text()
    assert netaudit("show", "last", "-o", "jsonl").lines() == netaudit("show", "last", "-o", "json").json()["hosts"]


def test_kept_samples_give_the_same(netaudit, lab_fleet, tmp_path, patient):
    """What --keep wrote is diagnosed again without any host, to the same causes."""
    lab, _ = lab_fleet
    folder = tmp_path / "samples"
    live = netaudit("diagnose", TWO, "-i", lab.inventory, "--for", "2s", "--every", "1s", "--keep", folder,
                    "-o", "json", *patient).json()  # fmt: skip
    again = netaudit("diagnose", "--from", folder, "-o", "json").json()
    for one, other in zip(live["hosts"], again["hosts"], strict=True):
        assert one["samples"] == 3
        assert {**one, "duration_s": 0} == {**other, "duration_s": 0}


def test_two_collections_are_samples_too(netaudit, lab_fleet, tmp_path, patient):
    """Captures of `collect`, named in either order."""
    lab, _ = lab_fleet
    for name in ("a", "b"):
        netaudit("collect", "web03", "-i", lab.inventory, "-o", tmp_path / name, "-q", *patient)
    said = netaudit("diagnose", "--from", tmp_path / "b", "--from", tmp_path / "a", "-o", "json").json()
    assert said["hosts"][0]["samples"] == 2
    assert said["hosts"][0]["window_s"] > 0
    told = netaudit("diagnose", "--from", tmp_path / "a", code=2)
    assert "growth needs two" in told.err


@pytest.mark.parametrize("transport", ["paramiko", "local"])
def test_every_transport_takes_two_samples(netaudit, lab_fleet, transport, patient):
    """Over one connection of the other library, and on this machine itself."""
    lab, _ = lab_fleet
    said = netaudit("diagnose", "web03", "-i", lab.inventory, "--for", "1s", "--transport", transport, "-o", "json",
                    "--fail-on", "critical", *patient, code=None).json()  # fmt: skip
    assert said["hosts"][0]["samples"] == 2


def test_other_users_are_told_what_they_miss(netaudit, lab_fleet, patient):
    """Without root processes and filters are not observable, and everything else is."""
    lab, plans = lab_fleet
    name = next(name for name, plan in plans.items() if plan.user != "root")
    host = netaudit("diagnose", name, "-i", lab.inventory, "--for", "1s", "-o", "json", *patient).json()["hosts"][0]
    assert host["samples"] == 2
    assert any("--become" in note for note in host["notes"])


def test_a_host_that_cannot_be_reached(netaudit, lab_fleet, patient):
    """It is listed with its reason, holds nobody up, and makes the exit code 3."""
    lab, plans = lab_fleet
    name = next(name for name, plan in plans.items() if not plan.runs)
    done = netaudit("diagnose", f"web03,{name}", "-i", lab.inventory, "--for", "1s", "-o", "json",
                    "--connect-timeout", "5s", code=3)  # fmt: skip
    hosts = {host["name"]: host for host in done.json()["hosts"]}
    assert hosts[name]["status"] == "unreachable"
    assert hosts[name]["error"]["kind"]
    assert hosts["web03"]["samples"] == 2


def test_an_interruption_tells_what_is_known(netaudit, lab_fleet, kit, patient):
    """After the first sample states are judged; the exit code is that of an interruption."""
    lab, _ = lab_fleet
    process = netaudit.start("diagnose", "web03", "-i", lab.inventory, "--for", "60s", "-o", "json", *patient)
    line = process.stderr.readline()
    assert b"netaudit" in line or line == b""
    import time

    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    host = json.loads(out)["hosts"][0]
    assert host["samples"] in {0, 1}
    if host["samples"]:
        assert any("one sample only" in note for note in host["notes"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--for", "0.2s"), "--for"), (("--for", "2h"), "--for"), (("--every", "0.1s"), "--every"),
        (("--for", "3000s", "--every", "1s"), "600 samples"), (("--keep", "x", "--from", "y"), "kept already"),
        (("--from", "nowhere"), "holds no captures"), (("-o", "xml"), "format"),
    ],
)  # fmt: skip
def test_misuse_is_said_before_any_host_is_contacted(netaudit, lab_fleet, options, said):
    """One line and exit code 2."""
    lab, _ = lab_fleet
    done = netaudit("diagnose", "-i", lab.inventory, *options, code=2)
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1
