"""The JSON schemas for editors say what the loader says."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from netaudit.assets.yamlfile import read_yaml
from netaudit.baseline import changes, load, plays, resolve, schema
from netaudit.baseline.node import plain
from netaudit.model.result import Severity

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"
SCHEMAS: dict[str, Any] = {
    path.name: json.loads(path.read_text(encoding="utf-8")) for path in (PLAYBOOKS / "schema").glob("*.schema.json")
}
REGISTRY: Registry[Any] = Registry().with_resources(
    (name, Resource.from_contents(text)) for name, text in SCHEMAS.items()
)
CHECKS, BASELINE = SCHEMAS["checks.schema.json"], SCHEMAS["baseline.schema.json"]
CHECK = CHECKS["$defs"]["check"]["properties"]
PLAY = SCHEMAS["playbook.schema.json"]["$defs"]["play"]["properties"]


def errors(document: object, of: str) -> list[str]:
    """What a schema finds wrong with a document."""
    return [error.message for error in Draft202012Validator(SCHEMAS[of], registry=REGISTRY).iter_errors(document)]


@pytest.mark.parametrize("path", sorted(PLAYBOOKS.glob("checks/**/*.yaml")), ids=lambda path: path.stem)
def test_shipped_checks_satisfy_their_schema(path: Path) -> None:
    """An editor shows no error in what is shipped."""
    assert errors(plain(read_yaml(path)), "checks.schema.json") == []


@pytest.mark.parametrize("path", sorted(PLAYBOOKS.glob("baselines/*.yaml")), ids=lambda path: path.stem)
def test_shipped_baselines_satisfy_their_schema(path: Path) -> None:
    """The same for baselines."""
    assert errors(plain(read_yaml(path)), "baseline.schema.json") == []


@pytest.mark.parametrize("path", sorted(PLAYBOOKS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_playbooks_satisfy_their_schema(path: Path) -> None:
    """The same for playbooks."""
    assert errors(plain(read_yaml(path)), "playbook.schema.json") == []


@pytest.mark.parametrize(
    ("keys", "properties"),
    [
        (load.CHECK_KEYS, CHECK),
        (load.FOR_EACH_KEYS, CHECK["for_each"]["properties"]),
        (load.CONDITION_KEYS, CHECK["applies_to"]["items"]["properties"]),
        (load.LEVEL_KEYS, CHECKS["$defs"]["level"]["properties"]),
        (tuple(schema.Op), CHECKS["$defs"]["claim"]["properties"]),
        (resolve.BASELINE_KEYS, BASELINE["properties"]),
        (resolve.CHOICE_KEYS, BASELINE["properties"]["checks"]["properties"]),
        (changes.OVERRIDE_KEYS, BASELINE["properties"]["overrides"]["items"]["properties"]),
        (changes.WAIVER_KEYS, BASELINE["properties"]["waivers"]["items"]["properties"]),
        (plays.PLAY_KEYS, PLAY),
        (plays.CAPACITY_KEYS, PLAY["capacity"]["properties"]),
        (plays.DIAGNOSE_KEYS, PLAY["diagnose"]["properties"]),
        (plays.OUTLIERS_KEYS, PLAY["outliers"]["properties"]),
        (plays.FIX_KEYS, PLAY["fix"]["properties"]),
        (
            (*resolve.SETTING_KEYS, *schema.Op),
            BASELINE["properties"]["sysctl"]["additionalProperties"]["anyOf"][1]["properties"],
        ),
    ],
)
def test_schemas_know_the_keys_of_the_loader(keys: tuple[str, ...], properties: dict[str, Any]) -> None:
    """No key is allowed by one and refused by the other."""
    assert set(keys) == set(properties)


@pytest.mark.parametrize(
    ("words", "of"),
    [
        (CHECK["layer"], schema.Layer),
        (CHECK["kind"], schema.CheckKind),
        (CHECK["scope"], schema.Extent),
        (CHECK["risk"], schema.Risk),
        (CHECKS["$defs"]["severity"], Severity),
        (PLAY["fail_on"], Severity),
    ],
)
def test_schemas_know_the_words_of_the_loader(words: dict[str, Any], of: type[StrEnum]) -> None:
    """Closed sets are the same on both sides."""
    assert words["enum"] == [*of]


def test_schemas_notice_mistakes() -> None:
    """A schema that finds nothing wrong with anything would be of no use."""
    wrong = {
        "checks": [
            {
                "id": "a",
                "title": "T",
                "layer": "host",
                "kind": "setting",
                "severity": "bad",
                "why": "w",
                "expect": {"x": 1},
            }
        ]
    }
    assert len(errors(wrong, "checks.schema.json")) == 2
    assert errors({"baseline": "x", "waivers": [{}]}, "baseline.schema.json")
    assert errors([{"hosts": "web", "diagnose": {"log": "/var/log/app"}}], "playbook.schema.json")
