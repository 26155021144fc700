"""The answer as JSON, and the answer as a page, whatever hosts put into it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

import netaudit.report
from netaudit.capacity.fleet import CapacityFold
from netaudit.errors import ErrorKind, Phase
from netaudit.fleet.fold import Fold
from netaudit.model.capacity import HostCapacity, Uncertainty, WorkloadRef
from netaudit.model.probe import HostError
from netaudit.model.result import HostReport, HostStatus, Summary
from netaudit.model.workload import Machine
from netaudit.report.capacity_json import capacity_json, host_line, rounded
from netaudit.report.capacity_text import capacity_page, uncertainty_text
from netaudit.report.html.capacity import capacity_html
from netaudit.report.setting import page_lines
from netaudit.report.words import Options

SCHEMAS = Path(netaudit.report.__file__).parent / "schema"
WORKLOAD = WorkloadRef(
    "launch", "The launch", "launch.yaml", "ab" * 32, 1.5, "included", False, {"net.core.somaxconn": "9"}
)
HOSTILE = "\x1b[31m\u202e</script>\udcff\n"


def _closed(schema: Any) -> Any:
    """The schema with every object closed, so that a field that it does not describe is noticed."""
    if isinstance(schema, dict):
        closed = {key: _closed(value) for key, value in schema.items()}
        if schema.get("type") == "object" and "properties" in schema:
            closed["additionalProperties"] = False
        return closed
    return [_closed(value) for value in schema] if isinstance(schema, list) else schema


@pytest.fixture(scope="module")
def validate():
    """Validates strictly: ``validate("capacity-1", value)``."""
    texts = {path.stem: _closed(json.loads(path.read_text())) for path in SCHEMAS.glob("*.json")}
    registry = Registry().with_resources((text["$id"], Resource.from_contents(text)) for text in texts.values())
    for text in texts.values():
        Draft202012Validator.check_schema(text)

    def against(name: str, value: object) -> None:
        Draft202012Validator(texts[name], registry=registry).validate(value)

    return against


@pytest.fixture
def hosts(kit):
    """One host with rows of every verdict, one that is hostile, one that did not answer."""
    rows = kit.rows(kit.W1, kit.OUT, kit.UDP, machine=Machine(neighbours=9))
    error = HostError(ErrorKind.REFUSED, HOSTILE, Phase.CONNECT, "is it up?")
    evil = kit.facts(listeners=(kit.replace(kit.NGINX, process=HOSTILE, address=HOSTILE),))
    return [
        HostCapacity("web1", "192.0.2.1", HostStatus.OK, None, 0.25, tuple(rows)),
        HostCapacity("web2", "192.0.2.2", HostStatus.OK, None, 0.5, tuple(kit.rows(kit.W1, facts=evil)), (HOSTILE,)),
        HostCapacity("web3", "192.0.2.3", HostStatus.UNREACHABLE, error, 0.1),
    ]


def folded(hosts):
    """The fleet of these hosts."""
    fold = CapacityFold()
    for host in hosts:
        fold.add(host)
    return fold.folded()


def whole(run, hosts):
    """The object of a run over these hosts."""
    summary = Summary(hosts=3, ok=2, unreachable=1)
    return json.loads("".join(capacity_json(run, WORKLOAD, summary, map(host_line, hosts), folded(hosts))))


def test_the_object_of_a_run(run, hosts, validate):
    """It is what its schema says, and every host is in it once."""
    found = whole(run, hosts)
    validate("capacity-1", found)
    assert ["web1", "web2", "web3"] == [host["name"] for host in found["hosts"]]
    assert "process-descriptors" == found["first"]["resource"]
    assert "web1" in found["first"]["hosts"]
    assert {"net.core.somaxconn": "9"} == found["workload"]["what_if"]


def test_a_line_a_host(hosts, validate):
    """Each is an object of its own, in ASCII."""
    for host in hosts:
        line = host_line(host)
        assert line.isascii()
        assert "\n" not in line
        validate("capacity-host-1", json.loads(line))


def test_an_empty_run(run, validate):
    """There may be no host at all."""
    found = json.loads("".join(capacity_json(run, WORKLOAD, Summary(), (), folded([]))))
    validate("capacity-1", found)
    assert found["first"] is None


def test_numbers_can_be_followed(run, hosts):
    """Required, limit and breaking point of a row agree."""
    rows = {(row["resource"], row["subject"]): row for row in whole(run, hosts)["hosts"][0]["resources"]}
    ports = rows["ephemeral-ports", "10.0.0.5:8080"]
    assert (48_200, 28_232, "high") == (ports["required"], ports["limit"], ports["severity"])
    assert ports["limit"] == pytest.approx(ports["required"] * ports["breaks_at"], rel=1e-3)
    assert 1 - 48_200 / 28_232 == pytest.approx(ports["headroom"], rel=1e-3)


@pytest.mark.parametrize(
    ("value", "written"), [(None, None), (3.0, 3), (0.4963919, 0.496392), (1e300, 1e300), (-0.707, -0.707)]
)
def test_digits_that_count(value, written):
    """Six of them, and whole numbers as they are."""
    assert written == rounded(value)


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("columns", [40, 80, 120])
def test_nothing_from_a_host_reaches_the_terminal_as_it_is(run, hosts, verbose, columns):
    """Escapes are written out; no line is wider than the page or ends in a blank."""
    fold = Fold()
    for host in hosts:
        fold.add(HostReport(host.name, host.address, host.status, host.error, host.duration_s))
    options = Options(columns=columns, verbose=verbose)
    lines = page_lines(capacity_page(run, WORKLOAD, folded(hosts), fold.folded(), options), options)
    text = ["".join(span.text for span in line) for line in lines]
    assert not any(sign in line for line in text for sign in "\x1b\u202e\udcff")
    assert all(len(line) <= columns and line == line.rstrip() for line in text)
    assert "launch, 1.5" in text[0]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.5, 1.5, "±50 %: x"),
        (0.8, 1.2, "±20 %: x"),
        (0.33, 3.0, "0.33 to 3 times as much: x"),
        (0.8, 1.25, "±25 %: x"),
    ],
)
def test_uncertainty_in_words(low, high, said):
    """Even spans are a percentage."""
    assert said == uncertainty_text(Uncertainty(low, high, "x"))


def test_what_has_no_limit_is_told_as_such(run, kit):
    """On the console and on the page, whatever number the kernel has for it; of what is not known neither is."""
    limits, options = kit.replace(kit.facts().limits, files_max=2**63 - 1), Options(columns=100)
    for known, times in ((limits, 1), (kit.NOT_ASKED, 0)):
        row = kit.row("system-descriptors", kit.W1, facts=kit.facts(limits=known))
        hosts = [HostCapacity("web1", "192.0.2.1", HostStatus.OK, None, 0.25, (row,))]
        lines = page_lines(capacity_page(run, WORKLOAD, folded(hosts), Fold().folded(), options), options)
        page = "".join(capacity_html(run, WORKLOAD, Summary(hosts=1, ok=1), hosts))
        console = "".join(span.text for line in lines for span in line)
        assert (times, 2 * times) == (console.count("no limit"), page.count(">no limit<"))
