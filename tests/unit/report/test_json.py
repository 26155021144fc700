"""The JSON of a run is the contract's object, whatever hosts put into it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

import netaudit.report
from netaudit.fleet.tally import Tally
from netaudit.model.context import NO_CONTEXT
from netaudit.model.result import HostReport, HostStatus
from netaudit.report.formats import NAMES, renderer
from netaudit.report.json import audit_json, audit_json_of_lines, audit_jsonl, host_from_json, host_line

SCHEMAS = Path(netaudit.report.__file__).parent / "schema"


def _closed(schema: Any) -> Any:
    """The schema with every object closed, so that a field that it does not describe is noticed."""
    if isinstance(schema, dict):
        closed = {key: _closed(value) for key, value in schema.items()}
        if schema.get("type") == "object" and "properties" in schema:
            closed["additionalProperties"] = False
        return closed
    return [_closed(value) for value in schema] if isinstance(schema, list) else schema


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    """Validates a whole run, strictly."""
    schema = json.loads((SCHEMAS / "audit-1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(_closed(schema))


@pytest.fixture(scope="module")
def line_validator() -> jsonschema.Draft202012Validator:
    """Validates one line of jsonl."""
    schemas = [json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")]
    registry: Registry[Any] = Registry().with_resources((s["$id"], Resource.from_contents(s)) for s in schemas)
    (schema,) = (s for s in schemas if s["$id"].endswith("audit-host-1"))
    return jsonschema.Draft202012Validator(schema, registry=registry)


def _hostile(made_up: ModuleType) -> HostReport:
    result = replace(
        made_up.somaxconn(128),
        observed=(float("nan"), float("-inf"), "\ud800", "\x00\x1b[31m", 10**5000, b"\xff", {1: {2}}),
        evidence="</script>\u2028\udcff",
        reason="\u202e",
        title='"quoted" \\ \\ud800',
    )
    return HostReport("web\udcff", "198.18.0.1", HostStatus.OK, None, 0.1, (result,), ("\x9b note",))


def _reports(made_up: ModuleType, count: int = 30) -> list[HostReport]:
    return [*made_up.fleet_of(count, checks=3), _hostile(made_up)]


def _audit(made_up: ModuleType, reports: list[HostReport]) -> str:
    tally = Tally()
    for report in reports:
        tally.add(report)
    fleet = (made_up.mtu_finding(40),)
    return "".join(audit_json(made_up.RUN, tally.summary(fleet), reports, fleet))


def test_a_run_is_what_the_schema_says(made_up: ModuleType, validator: jsonschema.Draft202012Validator) -> None:
    """Field for field, and no field more."""
    text = _audit(made_up, _reports(made_up))
    validator.validate(json.loads(text))
    assert text.isascii()


def test_fields_stand_in_the_order_of_the_contract(made_up: ModuleType) -> None:
    """For people who read it."""
    audit = json.loads(_audit(made_up, [made_up.host("web3", 3, 1), made_up.silent("db9", 3)]))
    assert list(audit) == ["schema", "run", "summary", "hosts", "fleet"]
    assert list(audit["run"])[:5] == ["id", "started", "duration_s", "version", "baseline"]
    assert list(audit["summary"])[:5] == ["hosts", "ok", "unreachable", "error", "findings"]
    assert list(audit["summary"]["findings"]) == ["critical", "high", "medium", "low", "info"]
    assert list(audit["hosts"][0]) == ["name", "address", "status", "error", "duration_s", "results"]
    assert list(audit["hosts"][0]["results"][0]) == [
        *("check", "title", "layer", "status", "severity", "observed", "expected", "unit", "evidence", "reason"),
        "remediation",
    ]
    assert list(audit["hosts"][1]["error"])[:3] == ["kind", "message", "hint"]
    assert list(audit["fleet"][0])[:5] == ["check", "status", "severity", "hosts", "evidence"]


def test_the_example_of_the_contract(made_up: ModuleType) -> None:
    """Values are those of the example: times in whole seconds of UTC, numbers as numbers."""
    audit = json.loads(_audit(made_up, [made_up.host("web1", 1, 0), made_up.silent("db9", 3)]))
    assert audit["schema"] == "netaudit.audit/1"
    assert audit["run"]["started"] == "2026-11-20T15:00:00Z"
    assert audit["summary"] | {"findings": None, "unknown": 0, "waived": 0} == {
        "hosts": 2, "ok": 1, "unreachable": 1, "error": 0, "findings": None, "unknown": 0, "waived": 0,
    }  # fmt: skip
    assert audit["hosts"][0]["results"][0] == {
        "check": "tcp.accept_queue.somaxconn",
        "title": "The kernel's cap on every accept queue",
        "layer": "listener",
        "status": "fail",
        "severity": "critical",
        "observed": 128,
        "expected": ">= 4096",
        "unit": "connections",
        "evidence": "/proc/sys/net/core/somaxconn = 128",
        "reason": None,
        "remediation": "sysctl.net.core.somaxconn",
        "fix": "Set net.core.somaxconn to at least 4096, then restart the listeners.",
    }
    assert audit["hosts"][1]["status"] == "unreachable"
    assert audit["hosts"][1]["error"]["kind"] == "host-key-mismatch"
    assert audit["hosts"][1]["results"] == []


def test_hostile_values_are_text(made_up: ModuleType) -> None:
    """No NaN, no control sign as it is, no half of a pair; the rest unchanged."""
    text = host_line(_hostile(made_up))
    assert text.isprintable()
    row = json.loads(text)
    json.dumps(row, ensure_ascii=False).encode("utf-8")
    assert row["name"] == "web\\udcff"
    assert row["results"][0]["observed"][:4] == ["nan", "-inf", "\\ud800", "\x00\x1b[31m"]
    assert row["results"][0]["title"] == '"quoted" \\ \\ud800'


def test_jsonl_is_a_line_a_host(made_up: ModuleType, line_validator: jsonschema.Draft202012Validator) -> None:
    """Each line is one valid object, and there is no other line."""
    reports = _reports(made_up)
    text = "".join(audit_jsonl(made_up.RUN, Tally().summary(), reports, ()))
    lines = text.splitlines()
    assert text.endswith("\n")
    assert len(lines) == len(reports)
    for line in lines:
        line_validator.validate(json.loads(line))


def test_a_host_comes_back(made_up: ModuleType) -> None:
    """What a line tells can be read again, and says the same."""
    for report in _reports(made_up, 40):
        line = host_line(report)
        assert host_line(host_from_json(line)) == line


@pytest.mark.parametrize("text", ["", "[]", "3", '{"name": 1}', "{", '{"name": "x"}'])
def test_other_text_is_refused(text: str) -> None:
    """With one kind of error."""
    with pytest.raises(ValueError):
        host_from_json(text)


def test_hosts_are_streamed(made_up: ModuleType) -> None:
    """No more than one host is asked for before its text is given."""
    asked = 0

    def hosts() -> Iterator[HostReport]:
        nonlocal asked
        for report in made_up.fleet_of(10, checks=1):
            asked += 1
            yield report

    given = 0
    for piece in audit_json(made_up.RUN, Tally().summary(), hosts(), ()):
        given += '"name":' in piece and '"results":' in piece
        assert asked <= given + 1
    assert given == 10


def test_lines_that_are_made_already(made_up: ModuleType) -> None:
    """The object made of stored lines is the object made of reports."""
    reports = _reports(made_up)
    summary = Tally().summary()
    made = "".join(audit_json_of_lines(made_up.RUN, summary, map(host_line, reports), ()))
    assert made == "".join(audit_json(made_up.RUN, summary, reports, ()))


def test_an_empty_run_is_valid(made_up: ModuleType, validator: jsonschema.Draft202012Validator) -> None:
    """No host, no baseline, no finding."""
    text = "".join(audit_json(replace(made_up.RUN, baseline=None), Tally().summary(), [], ()))
    validator.validate(json.loads(text))


def test_the_schema_refuses_what_the_contract_excludes(
    made_up: ModuleType, validator: jsonschema.Draft202012Validator
) -> None:
    """A schema that allows everything would prove nothing."""
    good = json.loads(_audit(made_up, [made_up.host("web1", 1, 1), made_up.silent("db9", 3)]))
    changes: tuple[tuple[tuple[str | int, ...], Any], ...] = (
        (("schema",), "netaudit.audit/2"),
        (("hosts", 0, "status"), "fine"),
        (("hosts", 0, "error"), {"kind": "dns", "message": "", "hint": ""}),
        (("hosts", 1, "error"), None),
        (("hosts", 1, "error", "kind"), "unknown-kind"),
        (("hosts", 0, "results", 0, "status"), "failed"),
        (("hosts", 0, "results", 0, "severity"), "worst"),
        (("summary", "findings"), {}),
        (("run", "started"), "2026-11-20 15:00"),
        (("fleet", 0, "hosts"), "web7"),
    )
    validator.validate(good)
    for path, value in changes:
        bad = copy.deepcopy(good)
        place: Any = bad
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(bad)


def test_every_format_is_one_function_from_rows_to_text(made_up: ModuleType) -> None:
    """All formats take the same and give text."""
    for name in NAMES:
        pieces = renderer(name)(made_up.RUN, Tally().summary(), [made_up.host("web1", 1, 1)], (), NO_CONTEXT)
        assert "web1" in "".join(pieces), name
