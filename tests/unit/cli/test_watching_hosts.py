"""The hosts of a watch are read again when a file says something else, and stay when it cannot be read."""

from __future__ import annotations

import importlib

import pytest

from netaudit.cli.watching.hosts import WatchedHosts


@pytest.fixture
def watched(tmp_path):
    """The hosts of an inventory file, the file, and the warnings."""
    file, said = tmp_path / "hosts.ini", []
    file.write_text("web1 ansible_host=192.0.2.1\n")
    parser = importlib.import_module("netaudit.cli.commands.watch").parser()
    args = parser.parse_args(["all", "-i", str(file), "--no-ssh-config"])
    return WatchedHosts(args, said.append), file, said


def _names(jobs):
    return [job.target.name for job in jobs]


def test_nothing_is_read_twice_without_need(watched):
    """As long as no file has changed."""
    hosts, _, _ = watched
    assert ["web1"] == _names(hosts.jobs)
    assert hosts.again() is None


def test_a_changed_file_is_read(watched):
    """Once for each change, files of variables beside it included."""
    hosts, file, _ = watched
    file.write_text("web1 ansible_host=192.0.2.1\nweb2 ansible_host=192.0.2.2\n")
    assert ["web1", "web2"] == _names(hosts.again())
    assert hosts.again() is None
    (file.parent / "host_vars").mkdir()
    (file.parent / "host_vars" / "web2.yml").write_text("ansible_host: 192.0.2.99\n")
    assert ["192.0.2.1", "192.0.2.99"] == [job.target.address for job in hosts.again()]


@pytest.mark.parametrize("text", ["[web\n", ""])
def test_what_cannot_be_read_changes_nothing(watched, text):
    """It is said once, and the next version counts."""
    hosts, file, said = watched
    file.write_text(text)
    assert hosts.again() is None
    assert hosts.again() is None
    assert 1 == sum("the hosts stay as they were" in line for line in said)
    file.write_text("web3 ansible_host=192.0.2.3\n")
    assert ["web3"] == _names(hosts.again())


def test_on_demand_everything_is_read_anew(watched):
    """Also where no file has changed; connections are then made by a transport that has read nothing yet."""
    hosts, _, _ = watched
    before = hosts.transport.current
    hosts.must_read = True
    assert ["web1"] == _names(hosts.again())
    assert hosts.transport.current is not before
    assert hosts.again() is None


def test_settings_are_asked_for_beside_what_the_rules_need(watched):
    """Hosts with equal rules share one question."""
    hosts, file, _ = watched
    file.write_text("web[1:3]\n")
    jobs = hosts.again()
    assert 1 == len({id(job.question) for job in jobs})
    assert {"sysctl", "nics", "qdisc", "persisted", "writers"} <= {probe.id for probe in jobs[0].question.probes}
