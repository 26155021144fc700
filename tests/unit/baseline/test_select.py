"""What is held against a host: overrides in order, then its inventory, then the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from netaudit.baseline.select import HostRules, Ruleset
from netaudit.errors import RuleError, Where
from netaudit.model.result import Severity

TEXT = """\
baseline: test
vars: {need: 1, role: web}
sysctl:
  net.core.somaxconn: {at_least: "{{ vars.need }}"}
  net.ipv4.tcp_tw_reuse: 1
define:
  - id: t.listeners
    title: L
    layer: listener
    kind: headroom
    severity: low
    scope: namespace
    why: w
    for_each: {name: listener, in: facts.listeners, subject: "{{ process_of(listener.pid).unit }}"}
    value: listener.backlog
    levels: [{severity: high, expect: {at_least: 5}}]
    expect: {at_least: 10}
overrides:
  - {check: sysctl.net.core.*, hosts: web, severity: critical}
  - {check: sysctl.net.core.somaxconn, hosts: "web:&prod", expect: {at_least: 16384}, vars: {need: 9}, reason: agreed}
  - {check: t.*, hosts: prod, levels: [{severity: info, expect: {holds: listener.port > 0}}]}
  - {check: sysctl.net.ipv4.tcp_tw_reuse, hosts: lab, skip: not in the lab}
"""
GROUPS = {"web": {"web1", "web2"}, "web:&prod": {"web1"}, "prod": {"web1", "db1"}, "lab": {"lab1"}}


@pytest.fixture
def rules(ruleset: Callable[..., Ruleset]) -> Ruleset:
    """A baseline with overrides for some groups."""
    return ruleset(TEXT)


def of_host(rules: Ruleset, name: str, variables: Mapping[str, object] | None = None) -> HostRules:
    """The rules of one host of the groups."""
    return rules.for_host(name, variables or {}, lambda pattern: frozenset(GROUPS[pattern]))


def test_overrides_apply_in_order(rules: Ruleset) -> None:
    """Each override adds to those before it."""
    plain = of_host(rules, "mail1").checks[1].compiled.check
    web2 = of_host(rules, "web2").checks[1].compiled.check
    web1 = of_host(rules, "web1").checks[1]
    assert (plain.severity, web2.severity, web1.compiled.check.severity) == ("medium", "critical", "critical")
    assert web1.compiled.check.levels[0].claim.operand is not None
    assert web1.compiled.check.levels[0].claim.operand.tree == ["c", 16384]
    assert web1.compiled.check.levels[0].severity is Severity.CRITICAL
    assert (web1.variables["need"], of_host(rules, "web1").variables["need"]) == (9, 1)


def test_levels_of_an_override_replace_those_in_front(rules: Ruleset) -> None:
    """``expect`` stays, ``levels`` are the new ones, and know the names of the check."""
    check = of_host(rules, "db1").checks[0].compiled.check
    assert [(level.severity, level.is_expect) for level in check.levels] == [("low", True), ("info", False)]


def test_skipped_checks_keep_their_reason(rules: Ruleset) -> None:
    """A check that is skipped for a host is still listed."""
    assert [check.skip for check in of_host(rules, "lab1").checks] == [None, None, "not in the lab"]


def test_hosts_with_equal_changes_share_their_rules(rules: Ruleset) -> None:
    """Ten thousand hosts of a group cost as much as one; compiled checks are shared by all."""
    assert of_host(rules, "mail1") is of_host(rules, "mail2")
    assert of_host(rules, "mail1") is not of_host(rules, "web1")
    assert of_host(rules, "mail1").checks[2].compiled is of_host(rules, "web1").checks[2].compiled
    own = {"netaudit_vars": {"need": 5}, "other": object()}
    assert of_host(rules, "mail1", own) is of_host(rules, "mail2", {"netaudit_vars": {"need": 5}})


def test_patterns_are_resolved_once(rules: Ruleset) -> None:
    """A host pattern is asked for once a run, not once a host."""
    asked: list[str] = []

    def matches(pattern: str) -> frozenset[str]:
        asked.append(pattern)
        return frozenset()

    for number in range(5):
        rules.for_host(f"h{number}", {}, matches)
    assert asked == ["web", "web:&prod", "prod", "lab"]


def test_inventory_outranks_the_baseline(rules: Ruleset) -> None:
    """``netaudit_vars`` and ``netaudit_checks`` of a host come last."""
    own = {
        "netaudit_vars": {"need": "64KiB"},
        "netaudit_checks": {
            "sysctl.net.core.somaxconn": {"expect": {"at_least": "{{ vars.need * 2 }}"}, "severity": "low"},
            "t.*": {"skip": "no listeners of ours"},
        },
    }
    made = of_host(rules, "web1", own)
    assert made.variables["need"] == 65536
    assert made.checks[1].compiled.check.severity is Severity.LOW
    assert made.checks[0].skip == "no listeners of ours"


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"netaudit_vars": {"ned": 5}}, "netaudit_vars of web1: no baseline declares the variable 'ned' (did you mean 'need'?)"),  # noqa: E501  # one case, one line
        ({"netaudit_vars": {"need": "many"}}, "netaudit_vars of web1: vars.need is a number, and this is a text"),
        ({"netaudit_vars": [1]}, "netaudit_vars of web1: 'vars' must be a mapping, and this is a list"),
        ({"netaudit_checks": {"t.listener": {"skip": "x"}}},
         "netaudit_checks of web1: no check is called 't.listener' (did you mean 't.listeners'?)"),
        ({"netaudit_checks": {"t.listeners": {"skp": "x"}}},
         "netaudit_checks of web1: netaudit_checks of t.listeners has no key 'skp' (did you mean 'skip'?)"),
        ({"netaudit_checks": {"t.listeners": {"expect": {"holds": "listener.prt == 1"}}}},
         "netaudit_checks of web1: a Listener record has no 'prt' (did you mean 'port'?)"),
        ({"netaudit_checks": {"t.listeners": {"hosts": "all", "skip": "x"}}},
         "netaudit_checks of web1: netaudit_checks of t.listeners has no key 'hosts'"),
    ],
)  # fmt: skip
def test_mistakes_of_an_inventory_name_the_host(rules: Ruleset, own: Mapping[str, object], message: str) -> None:
    """What an inventory says is judged like a file, and the host is named."""
    with pytest.raises(RuleError) as caught:
        of_host(rules, "web1", own)
    assert str(caught.value).startswith(message)


def test_mistakes_of_an_inventory_name_the_place_that_is_known(rules: Ruleset) -> None:
    """Where the inventory knows which file and line set a variable, the error begins with it."""
    places = {("web1", "netaudit_vars"): Where("host_vars/web1.yml", 3, 1)}
    with pytest.raises(RuleError) as caught:
        rules.for_host("web1", {"netaudit_vars": {"ned": 5}}, lambda _: frozenset(), lambda *asked: places.get(asked))
    assert str(caught.value).startswith("host_vars/web1.yml:3:1: netaudit_vars of web1: no baseline declares")


def test_command_line_outranks_the_inventory(rules: Ruleset) -> None:
    """A variable given with ``-e`` is the same for every host."""
    told = Ruleset(rules.rules, "", rules.lists, frozenset({"need"}))
    own = {"netaudit_vars": {"need": 5, "role": "db"}}
    assert of_host(told, "web1", own).variables == {"need": 1, "role": "db"}
    assert of_host(told, "web1", own).checks[1].variables["need"] == 1


def test_domains_are_those_the_checks_read(rules: Ruleset) -> None:
    """Only what some check mentions is asked of a host; skipped checks ask for nothing."""
    assert of_host(rules, "mail1").domains == {"kernel", "sysctl", "listeners", "limits", "namespaces"}
    alone = of_host(rules, "mail1", {"netaudit_checks": {"t.*": {"skip": "x"}}})
    assert alone.domains == {"kernel", "sysctl"}
    assert alone.probes == {"system", "sysctl"}


def test_hosts_whose_variables_are_written_otherwise_have_rules_of_their_own(ruleset: Callable[..., Ruleset]) -> None:
    """Values that are equal and of other types are others, and so is an order that texts show; keys may be numbers."""
    rules = ruleset(TEXT.replace("role: web", "role: {a: 1, b: 2}"))
    roles: list[dict[object, object]] = [
        {"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1.0, "b": 2}, {1: 1, "b": 2}, {"a": 1, "b": 2},
    ]  # fmt: skip
    made = [of_host(rules, "mail1", {"netaudit_vars": {"role": role}}) for role in roles]
    assert [repr(each.variables["role"]) for each in made] == [
        repr({str(key): value for key, value in role.items()}) for role in roles
    ]
    assert [each is made[0] for each in made] == [True, False, False, False, True]
