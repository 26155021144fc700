"""Every format of ``-o``: written by an audit, written again from the history, and read by others' programs."""

from __future__ import annotations

import csv
import gzip
import io
import json
import stat
import xml.etree.ElementTree as ET

import pytest
from junitparser import JUnitXml
from prometheus_client.parser import text_string_to_metric_families
from sarif_pydantic import Sarif

from netaudit.errors import ErrorKind, Phase
from netaudit.model.probe import HostError
from netaudit.report.formats import MANY_IN_A_STREAM, NAMES

REFUSED = HostError(ErrorKind.REFUSED, "nothing listens on that port", Phase.CONNECT, "is sshd running?")
INVENTORY = "[web]\nweb1\nweb2\n\n[db]\ndb9\n"


@pytest.fixture
def fleet(host, stored, edit):
    """Two hosts that answered, one of them with a short accept queue, and one that did not answer."""
    short = edit((b"net/core/somaxconn <==\n4096", b"net/core/somaxconn <==\n128"))
    captures = (host("web1", {"sysctl": short}), host("web2"), host("db9", error=REFUSED))
    return stored(*captures, groups={"web1": ("web",), "web2": ("web",), "db9": ("db",)})


@pytest.fixture
def inventory(netaudit):
    """An inventory whose lines can be pointed to, in the directory that the command runs in."""
    path = netaudit.home / "inventory" / "hosts.ini"
    path.parent.mkdir()
    path.write_text(INVENTORY)
    return path


def _files(netaudit, names=NAMES):
    return [word for name in names for word in ("-o", f"{name}=out.{name}")]


def test_all_formats_at_once(netaudit, fleet):
    """One run, a file a format, each its owner's only but for the one that node_exporter reads; none is left half."""
    netaudit(
        "audit", "--from", fleet, "-q", *_files(netaudit), code=3, before=["sh", "-c", 'umask 022; exec "$@"', "sh"]
    )
    for name in NAMES:
        path = netaudit.home / f"out.{name}"
        assert path.stat().st_size > 0, name
        assert stat.S_IMODE(path.stat().st_mode) == (0o644 if name == "prometheus" else 0o600), name
    assert not [path for path in netaudit.home.iterdir() if path.name.startswith(".out")]


@pytest.mark.parametrize("name", NAMES)
def test_a_past_run_is_reported_as_it_was(netaudit, fleet, inventory, name):
    """Byte for byte what the audit itself wrote, rules, groups and lines of the inventory included."""
    words = ("-i", inventory, "-q", "-o", f"{name}=then")
    netaudit("audit", "--from", fleet, *words, code=3)
    netaudit("report", "last", "-o", f"{name}=now")
    then, now = ((netaudit.home / each).read_text() for each in ("then", "now"))
    if name == "jsonl":
        assert sorted(then.splitlines()) == sorted(now.splitlines())
    else:
        assert then == now


@pytest.mark.parametrize("name", [name for name in NAMES if name != "html"])
def test_a_format_alone_has_standard_output(netaudit, fleet, name):
    """Nothing else is there; what is said to people goes to standard error."""
    done = netaudit("audit", "--from", fleet, "-o", name, code=3)
    assert "web1" in done.out
    assert "hosts" in done.err
    again = netaudit("report", "last", "-o", name)
    assert again.err == ""
    assert sorted(again.out.splitlines()) == sorted(done.out.splitlines())


def test_annotations_point_to_the_line_of_the_inventory(netaudit, fleet, inventory):
    """Relative to where the command runs, which is the top of a checkout in a pipeline."""
    netaudit(
        "audit", "--from", fleet, "-i", "inventory/hosts.ini", "-q", "-o", "sarif=a.sarif", "-o", "junit=a.xml", code=3
    )
    log = json.loads((netaudit.home / "a.sarif").read_text())
    assert Sarif.model_validate(log).runs[0].results
    run = log["runs"][0]
    found = [each for each in run["results"] if each["ruleId"] == "tcp.accept_queue.somaxconn"]
    (place,) = [location["physicalLocation"] for each in found for location in each["locations"]]
    assert place["artifactLocation"] == {"uri": "inventory/hosts.ini", "uriBaseId": "%SRCROOT%"}
    assert INVENTORY.splitlines()[place["region"]["startLine"] - 1] == "web1"
    (rule,) = [rule for rule in run["tool"]["driver"]["rules"] if rule["id"] == "tcp.accept_queue.somaxconn"]
    assert "Why:" in rule["help"]["text"]
    assert "Source:" in rule["help"]["text"]
    (silent,) = run["invocations"][0]["toolExecutionNotifications"]
    assert silent["descriptor"] == {"id": "refused"}
    assert silent["locations"][0]["physicalLocation"]["region"]["startLine"] == 6
    case = ET.fromstring((netaudit.home / "a.xml").read_text()).find("testsuite[@name='web1']/testcase")
    assert (case.get("file"), case.get("line")) == ("inventory/hosts.ini", "2")


def test_a_rule_of_ones_own_is_pointed_to(netaudit, fleet):
    """A baseline in the project is where its rule can be changed."""
    (netaudit.home / "ours.yaml").write_text(
        "baseline: ours\ntitle: Ours\nextends: [linux-server]\ndefine:\n  - id: our.somaxconn\n    title: Our queue\n"
        "    layer: listener\n    kind: setting\n    severity: high\n    why: Because we say so.\n"
        "    value: sysctl['net.core.somaxconn']\n    expect: {at_least: 8192}\n"
    )
    done = netaudit("audit", "--from", fleet, "-b", "ours.yaml", "-q", "-o", "sarif=a.sarif", code=None)
    assert done.code == 3, done.err
    results = json.loads((netaudit.home / "a.sarif").read_text())["runs"][0]["results"]
    ours = [each for each in results if each["ruleId"] == "our.somaxconn"]
    (place,) = {json.dumps(each["relatedLocations"][0]["physicalLocation"], sort_keys=True) for each in ours}
    assert json.loads(place)["artifactLocation"]["uri"] == "ours.yaml"
    assert json.loads(place)["region"]["startLine"] == 5


OURS = """\
baseline: ours
title: Ours
extends: [linux-server]
vars: {queue: 8192}
define:
  - id: our.somaxconn
    title: Our queue
    layer: listener
    kind: setting
    severity: high
    why: Because we say so.
    value: sysctl['net.core.somaxconn']
    expect: {at_least: "{{ vars.queue }}"}
overrides:
  - {check: our.*, hosts: web1, severity: critical}
  - {check: our.somaxconn, hosts: web1, expect: {at_least: 16384}}
"""


def test_what_is_expected_of_a_host_is_pointed_to(netaudit, fleet):
    """The override, else the variable of the inventory that the check reads, else the line that names the host."""
    (netaudit.home / "ours.yaml").write_text(OURS)
    (netaudit.home / "hosts.ini").write_text("[web]\nweb1\nweb2\n[db]\ndb1\n")
    words = ("audit", "--from", fleet, "-i", "hosts.ini", "-b", "ours.yaml", "-q", "-o", "sarif=a.sarif")

    def places():
        netaudit(*words, code=None)
        log = json.loads((netaudit.home / "a.sarif").read_text())
        assert Sarif.model_validate(log)
        assert log == netaudit("report", "last", "-o", "sarif").json()
        found = [each for each in log["runs"][0]["results"] if each["ruleId"] == "our.somaxconn"]
        return {
            each["properties"]["host"]: [place_of(at["physicalLocation"]) for at in places_of(each)] for each in found
        }

    def places_of(result):
        return [*result["locations"], *result["relatedLocations"]]

    def place_of(physical):
        return f"{physical['artifactLocation']['uri']}:{physical['region']['startLine']}"

    assert places()["web1"] == ["ours.yaml:16", "ours.yaml:6", "hosts.ini:2"]
    assert places()["web2"] == ["hosts.ini:3", "ours.yaml:6"]
    (netaudit.home / "host_vars").mkdir()
    (netaudit.home / "host_vars" / "web2.yml").write_text("somebody: else\nnetaudit_vars: {queue: 9000}\n")
    (netaudit.home / "host_vars" / "web1.yml").write_text("netaudit_checks: {our.*: {expect: {at_least: 20000}}}\n")
    assert places()["web2"] == ["host_vars/web2.yml:2", "ours.yaml:6", "hosts.ini:3"]
    assert places()["web1"] == ["host_vars/web1.yml:1", "ours.yaml:6", "hosts.ini:2"]
    suites = ET.fromstring(netaudit("report", "last", "-o", "junit").out)
    (case,) = suites.findall("testsuite[@name='web2']/testcase[@name='our.somaxconn']")
    assert (case.get("file"), case.get("line")) == ("host_vars/web2.yml", "2")
    netaudit("history", "export", "last", "a.run", "--anonymous")
    assert b"host_vars" not in gzip.decompress((netaudit.home / "a.run").read_bytes())


def test_what_other_programs_read(netaudit, fleet):
    """The same numbers in JUnit, in the table, in the metrics and in the summary."""
    netaudit(
        "audit", "--from", fleet, "-q", *_files(netaudit, ("json", "junit", "csv", "prometheus", "markdown")), code=3
    )
    text = {
        name: (netaudit.home / f"out.{name}").read_bytes().decode()
        for name in ("json", "junit", "csv", "prometheus", "markdown")
    }
    audit = json.loads(text["json"])
    failed = [result for each in audit["hosts"] for result in each["results"] if result["status"] == "fail"]
    suites = JUnitXml.fromstring(text["junit"].encode())
    assert sum(suite.failures for suite in suites) == sum(result["severity"] != "info" for result in failed)
    assert sum(suite.errors for suite in suites) == 1
    rows = list(csv.DictReader(io.StringIO(text["csv"], newline="")))
    assert sum(row["status"] == "fail" for row in rows) == len(failed)
    metrics = {family.name: family.samples for family in text_string_to_metric_families(text["prometheus"])}
    assert {each.labels["severity"]: each.value for each in metrics["netaudit_findings"]} == audit["summary"][
        "findings"
    ]
    assert "1 host without verdict" in text["markdown"]


def test_plays_write_numbered_files(netaudit, fleet, inventory):
    """One file a play and format; standard output has room for none but lines."""
    (netaudit.home / "two.yaml").write_text("- name: one\n  hosts: web1\n- name: two\n  hosts: web2\n")
    words = ("run", "two.yaml", "--from", fleet, "-i", inventory, "-q")
    netaudit(*words, "-o", "junit=out.xml", "-o", "sarif=out.sarif", "-o", "prometheus=out.prom", code=1)
    for suffix in ("xml", "sarif", "prom"):
        assert [(netaudit.home / f"out-{number}.{suffix}").stat().st_size > 0 for number in (1, 2)] == [True, True]
    for name in NAMES:
        if name not in MANY_IN_A_STREAM:
            assert f"-o {name}: standard output has room for one" in netaudit(*words, "-o", name, code=2).err


@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk_ends_one_report_and_not_the_others(netaudit, fleet, name):
    """It is told in a line, the exit code says so, and the other report is whole."""
    other = "csv" if name != "csv" else "junit"
    done = netaudit("audit", "--from", fleet, "-q", "-o", f"{name}=/dev/full", "-o", f"{other}=whole", code=2)
    assert f"-o {name}=/dev/full: No space left on device" in done.err
    assert "web2" in (netaudit.home / "whole").read_text()


def test_a_report_needs_a_format(netaudit, fleet):
    """And a run."""
    assert "no run has been stored yet" in netaudit("report", "-o", "csv", code=2).err
    netaudit("audit", "--from", fleet, "-q", "-o", "jsonl=x", code=3)
    assert "no format is asked for" in netaudit("report", "last", code=2).err
    assert "there is no format 'pdf'" in netaudit("report", "last", "-o", "pdf=x", code=2).err
    assert "there is no run 'nonsense'" in netaudit("report", "nonsense", "-o", "csv", code=2).err
