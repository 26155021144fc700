"""Probes, parsers, facts and cases match by name."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from netaudit.facts.domains import DOMAINS, domains_of, probes_for
from netaudit.model.facts import Facts

TOP = Path(__file__).parents[3]


def test_every_field_of_facts_has_its_parser() -> None:
    """The domains are the fields of Facts but for those of own probes, each read by the function of its name."""
    names = [field.name for field in fields(Facts) if field.name not in {"host", "address", "taken_at", "own"}]
    assert list(DOMAINS) != []
    assert sorted(DOMAINS) == sorted(names)
    assert all(domain.parse.__name__ == f"parse_{name}" for name, domain in DOMAINS.items())


def test_every_probe_answers_for_a_domain_and_has_cases() -> None:
    """The files of remote_probes, the probes of the domains, and the folders of cases are the same set."""
    probes = {domain.probe for domain in DOMAINS.values()}
    assert {path.stem for path in (TOP / "remote_probes").glob("*.sh")} == probes
    assert {path.parent.parent.name for path in (TOP / "tests/cases").glob("*/*/stdout")} == probes


def test_needed_probes_follow_from_the_domains() -> None:
    """Asked for some domains, only their probes are named; a name that is no domain is an error."""
    assert probes_for(["memory", "cpu", "netstat"]) == {"system", "counters"}
    assert probes_for([]) == frozenset()
    with pytest.raises(KeyError):
        probes_for(["memroy"])


def test_domains_of_a_probe() -> None:
    """One probe may answer for several domains; one that does not exist answers for none."""
    assert domains_of("system") == ("memory", "cpu", "kernel")
    assert domains_of("no such probe") == ()
