"""Rules written in a test, facts with only what a test needs, and the one held against the other."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from netaudit.assets.yamlfile import parse_yaml
from netaudit.baseline.evaluate import evaluate
from netaudit.baseline.load import Problems
from netaudit.baseline.name_list import Lists, NameList
from netaudit.baseline.node import Node
from netaudit.baseline.pack import digest
from netaudit.baseline.resolve import Material, resolve
from netaudit.baseline.schema import Rules
from netaudit.baseline.select import Ruleset
from netaudit.errors import RuleError
from netaudit.model.facts import Facts, Kernel, Sysctls
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.result import Result

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
NOT_ASKED = Absent(AbsentReason.NOT_ASKED)
KERNEL = Kernel(
    release="6.18.0", version=(6, 18, 0), machine="x86_64", command_line="", uptime_s=1e5, boot_id="b",
    distribution="debian 12", init="systemd", virtualization="kvm", hostname="web1", modules=(),
    is_initial_namespace=True, clock_s=1.8e9,
)  # fmt: skip
LISTS = Lists(
    NameList(["net.core.somaxconn", "net.ipv4.tcp_rmem", "net.ipv4.conf.*.rp_filter", "net.ipv4.tcp_tw_reuse"]),
    NameList(["TcpExt.ListenOverflows", "TcpExt.ListenDrops"]),
)
CHECK = """\
- id: t.one
  title: One
  layer: host
  kind: setting
  severity: high
  why: because
"""


def facts_with(sysctl: Mapping[str, str] | Sysctls | Absent | None = None, **domains: Any) -> Facts:
    """The facts of a host: the kernel, some sysctls, and the named domains; the others were not asked for."""
    values: dict[str, Any] = dict.fromkeys(Facts.__dataclass_fields__, NOT_ASKED)
    values.update(host="web1", address="198.18.0.1", taken_at=NOW, kernel=KERNEL)
    if sysctl is not None:
        values["sysctl"] = sysctl if isinstance(sysctl, Absent | Sysctls) else Sysctls(sysctl, {})
    return Facts(**{**values, **domains})


def node_of(text: str, file: str = "rules.yaml") -> Node:
    """The document of some YAML, indentation of the test taken off."""
    return parse_yaml(textwrap.dedent(text).encode(), file)


def resolved(
    text: str, parents: Mapping[str, str] | None = None, lists: Lists = LISTS
) -> tuple[Rules | None, list[RuleError]]:
    """The rules of a baseline, and everything that is wrong with it."""
    problems = Problems([])

    def find(name: str, node: Node) -> Node:
        if name not in (parents or {}):
            raise node.error(f"there is no baseline {name!r}")
        return node_of((parents or {})[name], f"{name}.yaml")

    rules = resolve(node_of(text), Material((), find, lists), problems)
    return rules, problems.found


def ruleset_of(text: str, parents: Mapping[str, str] | None = None, lists: Lists = LISTS) -> Ruleset:
    """The ruleset of a baseline that has no errors."""
    rules, errors = resolved(text, parents, lists)
    assert rules is not None, [str(error) for error in errors]
    return Ruleset(rules, digest(rules), lambda: lists)


def text_of_one(body: str, head: str = "") -> str:
    """A baseline whose only check has this body; ``head`` are further keys of the baseline."""
    check = CHECK + textwrap.indent(textwrap.dedent(body), "  ")
    return f"baseline: test\n{textwrap.dedent(head)}define:\n{textwrap.indent(check, '  ')}"


@pytest.fixture
def one_check() -> Callable[..., str]:
    """Makes the text of a baseline whose only check has a body."""
    return text_of_one


@pytest.fixture
def facts() -> Callable[..., Facts]:
    """Makes facts."""
    return facts_with


@pytest.fixture
def node() -> Callable[..., Node]:
    """Reads YAML into a node."""
    return node_of


@pytest.fixture
def ruleset() -> Callable[..., Ruleset]:
    """Makes a ruleset out of the text of a baseline."""
    return ruleset_of


@pytest.fixture
def errors_of() -> Callable[..., list[str]]:
    """The errors of a baseline's text, as a person sees them."""
    return lambda text, **more: [str(error) for error in resolved(text, **more)[1]]


@pytest.fixture
def check_errors() -> Callable[..., list[str]]:
    """The errors of a baseline whose only check has this body."""
    return lambda body, head="": [str(error) for error in resolved(text_of_one(body, head))[1]]


@pytest.fixture
def audit() -> Callable[..., dict[str, Result]]:
    """The results of a baseline's text on some facts, by the id of the check."""

    def run(
        text: str, facts: Facts, now: datetime = NOW, variables: Mapping[str, object] | None = None
    ) -> dict[str, Result]:
        rules = ruleset_of(text).for_host(facts.host, variables or {}, lambda _: frozenset({facts.host}))
        return {result.check: result for result in evaluate(rules, facts, now)}

    return run


@pytest.fixture
def judge(audit: Callable[..., dict[str, Result]]) -> Callable[..., Result]:
    """The result of a check with this body on some facts."""

    def run(
        body: str, facts: Facts, head: str = "", now: datetime = NOW, variables: Mapping[str, object] | None = None
    ) -> Result:
        return audit(text_of_one(body, head), facts, now, variables)["t.one"]

    return run
