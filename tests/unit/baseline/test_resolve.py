"""Baselines are put together from their parents, their choices and their own settings."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netaudit.assets.yamlfile import parse_yaml
from netaudit.baseline.load import Draft, Problems, drafts
from netaudit.baseline.name_list import Lists
from netaudit.baseline.node import Node
from netaudit.baseline.pack import digest
from netaudit.baseline.resolve import Material, resolve, with_extra
from netaudit.baseline.schema import Extent, Layer, Op, Rules
from netaudit.baseline.select import Ruleset
from netaudit.errors import RuleError
from netaudit.model.result import Severity

LIBRARY = """\
checks:
  - {id: tcp.a, title: A, layer: transport, kind: setting, severity: low, why: w, value: vars.x, expect: {equals: 1}}
  - {id: tcp.b, title: B, layer: transport, kind: setting, severity: low, why: w, value: vars.y, expect: {equals: 1}}
  - {id: ct.a, title: C, layer: conntrack, kind: setting, severity: low, why: w, value: vars.x, expect: {equals: 1}}
"""


def library() -> tuple[Draft, ...]:
    """Three checks over two variables."""
    return drafts(parse_yaml(LIBRARY.encode(), "library.yaml"))


def put_together(**texts: str) -> tuple[Rules | None, list[str]]:
    """The baseline ``entry`` with the others as its parents, over the library."""
    problems = Problems([])

    def find(name: str, node: Node) -> Node:
        if name not in texts:
            raise node.error(f"there is no baseline {name!r}")
        return parse_yaml(texts[name].encode(), f"{name}.yaml")

    rules = resolve(parse_yaml(texts["entry"].encode(), "entry.yaml"), Material(library(), find, Lists()), problems)
    return rules, [str(error) for error in problems.found]


def test_children_add_to_the_choice_of_their_parents() -> None:
    """Includes and excludes apply in the order of the chain; the library's order stays."""
    rules, errors = put_together(
        base="baseline: base\nvars: {x: 1, y: 1}\nchecks: {include: ['tcp.*', 'ct.*'], exclude: [tcp.b]}\n",
        mid="baseline: mid\nextends: [base]\nvars: {x: 5}\nchecks: {exclude: [ct.a]}\n",
        entry="baseline: entry\nextends: [mid, base]\ntitle: The whole\nchecks: {include: [tcp.b]}\n",
    )
    assert errors == []
    assert rules is not None
    assert rules.chain == ("base", "mid", "entry")
    assert [check.id for check in rules.checks] == ["tcp.a", "tcp.b"]
    assert rules.variables == {"x": 5, "y": 1}
    assert rules.title == "The whole"


def test_only_chosen_checks_need_their_variables() -> None:
    """A baseline declares what its own checks name, no more."""
    rules, errors = put_together(entry="baseline: entry\nvars: {x: 1}\nchecks: {include: ['*.a']}\n")
    assert errors == []
    assert rules is not None


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"entry": "baseline: entry\nextends: [nowhere]\n"}, "entry.yaml:2:11: there is no baseline 'nowhere'"),
        ({"entry": "baseline: entry\nextends: [a]\n", "a": "baseline: a\nextends: [entry]\n"},
         "entry.yaml:1:11: baselines extend one another in a circle: entry > a > entry"),
        ({"entry": "title: x\n"}, "entry.yaml:1:1: a baseline needs the key 'baseline'"),
        ({"entry": "baseline: entry\nvar: {}\n"}, "entry.yaml:2:1: a baseline has no key 'var' (did you mean 'vars'?)"),
        ({"entry": "- a\n"}, "entry.yaml:1:1: a baseline must be a mapping, and this is a list"),
        ({"entry": "baseline: entry\nchecks: {include: [tpc.a]}\n"},
         "entry.yaml:2:20: no check is called 'tpc.a' (did you mean 'tcp.a'?)"),
        ({"entry": "baseline: entry\nchecks: {includes: [a]}\n"},
         "entry.yaml:2:10: 'checks' has no key 'includes' (did you mean 'include'?)"),
        ({"entry": "baseline: entry\nchecks: {include: [tcp.a]}\n"},
         "library.yaml:2:95: no baseline declares 'vars.x' (declare it under `vars:` of the baseline)"),
        ({"entry": "baseline: entry\nextends: [p]\nvars: {x: text}\n", "p": "baseline: p\nvars: {x: 1}\n"},
         "entry.yaml:3:8: vars.x is a number, and this is a text (declared at p.yaml:2:11)"),
        ({"entry": "baseline: entry\nvars: {a-b: 1}\n"},
         "entry.yaml:2:8: 'a-b' cannot be the name of a variable (letters, digits, _)"),
        ({"entry": "baseline: entry\nvars: [a]\n"}, "entry.yaml:2:7: 'vars' must be a mapping, and this is a list"),
        ({"entry": "baseline: entry\ndefine: [{id: tcp.a}]\n"},
         "entry.yaml:2:10: there is a check 'tcp.a' already (to change a check, write an override)"),
        ({"entry": "baseline: entry\nvars: {x: 1}\nchecks: {include: [ct.a]}\noverrides: [{check: tcp.a, skip: no}]\n"},
         ("entry.yaml:4:34: 'no' is read differently by different programs (write true or false, or quote it when the word"  # noqa: E501  # one case, one line
         " is meant)")),
        ({"entry": "baseline: entry\nvars: {x: 1}\nchecks: {include: [ct.a]}\noverrides: [{check: tcp.a, skip: never}]\n"},  # noqa: E501  # one case, one line
         "entry.yaml:4:21: no check is called 'tcp.a' (did you mean 'ct.a'?)"),
        ({"entry": "baseline: entry\nvars: {x: 1}\nchecks: {include: [ct.a]}\noverrides: [{check: ct.a, reason: why}]\n"},  # noqa: E501  # one case, one line
         "entry.yaml:4:13: an override changes nothing (severity, expect, levels, vars or skip)"),
        ({"entry": "baseline: entry\nvars: {x: 1}\nchecks: {include: [ct.a]}\noverrides: [{check: ct.a, vars: {z: 1}}]\n"},  # noqa: E501  # one case, one line
         "entry.yaml:4:34: no baseline declares the variable 'z' (known: x)"),
        ({"entry": "baseline: entry\nvars: {x: 1}\nchecks: {include: [ct.a]}\noverrides: [{check: ct.a, vars: {x: a}}]\n"},  # noqa: E501  # one case, one line
         "entry.yaml:4:37: vars.x is a number, and this is a text"),
        ({"entry": "baseline: entry\nvars: {x: 1}\nchecks: {include: [ct.a]}\noverrides: [{check: ct.a, expect: {equals: a}}]\n"},  # noqa: E501  # one case, one line
         ("entry.yaml:4:44: this is a text, and a number is wanted (a unit is written as in 64KiB, 30s, 10Gbit/s; an"
         " expression in {{ … }})")),
    ],
)  # fmt: skip
def test_mistakes_in_a_baseline(texts: dict[str, str], message: str) -> None:
    """Each mistake is said where it stands, in whichever file of the chain."""
    try:
        rules, errors = put_together(**texts)
    except RuleError as error:
        rules, errors = None, [str(error)]
    assert errors == [message]
    assert rules is None


def test_short_form_makes_a_check_each(ruleset: Callable[..., Ruleset]) -> None:
    """A key and its value are enough for a check; a later baseline replaces what an earlier one said."""
    rules = ruleset(
        """\
        baseline: test
        extends: [parent]
        sysctl:
          net.ipv4.tcp_tw_reuse: 2
          net.core.somaxconn: {at_least: 4096, severity: high, reason: bursts, scope: namespace}
          net.ipv4.tcp_rmem: 4096 131072 6291456
        """,
        {"parent": "baseline: parent\nsysctl: {net.ipv4.tcp_tw_reuse: 1}\n"},
    )
    reuse, queue, rmem = rules.rules.checks
    assert (reuse.id, reuse.layer, reuse.severity) == ("sysctl.net.ipv4.tcp_tw_reuse", Layer.TRANSPORT, Severity.MEDIUM)
    assert reuse.levels[0].claim.operand is not None
    assert reuse.levels[0].claim.operand.tree == ["c", 2]
    assert (queue.layer, queue.severity, queue.why, queue.extent) == ("listener", "high", "bursts", Extent.NAMESPACE)
    assert queue.levels[0].claim.op is Op.AT_LEAST
    assert rmem.levels[0].claim.operand is not None
    assert rmem.levels[0].claim.operand.tree == ["list", ["c", 4096], ["c", 131072], ["c", 6291456]]
    assert str(reuse.where) == "rules.yaml:4:3"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("net.core.somaxcon: 1", ("rules.yaml:2:10: no kernel is known to have the sysctl 'net.core.somaxcon'"
         " (did you mean 'net.core.somaxconn'?)")),
        ("net.core.somaxconn: ~", "rules.yaml:2:30: a value is missing here"),
        ("net.core.somaxconn: {at_leest: 1}", "rules.yaml:2:31: a setting has no key 'at_leest' (did you mean 'at_least'?)"),  # noqa: E501  # one case, one line
        ("net.core.somaxconn: {severity: high}", "rules.yaml:2:30: a claim is missing here (one of"),
    ],
)  # fmt: skip
def test_mistakes_in_the_short_form(errors_of: Callable[..., list[str]], line: str, message: str) -> None:
    """The short form is as strict as the long one."""
    (error,) = errors_of(f"baseline: test\nsysctl: {{{line}}}\n")
    assert error.startswith(message)


def test_a_baseline_declares_keys_of_its_own(ruleset: Callable[..., Ruleset]) -> None:
    """A key that no list knows may be named once the baseline says that it exists."""
    rules = ruleset("baseline: test\nsysctl_names: [net.site.special]\nsysctl: {net.site.special: 1}\n")
    assert [check.id for check in rules.rules.checks] == ["sysctl.net.site.special"]


def test_quantities_are_numbers_in_variables(ruleset: Callable[..., Ruleset]) -> None:
    """A unit makes a number of a text, at any depth; a single letter that is read in two ways does not."""
    rules = ruleset(
        "baseline: test\nvars: {a: 64KiB, b: 500ms, c: 10Gbit/s, d: [1MB, 2h], e: {f: 30s}, g: 5M, h: 1.5 GiB}\n"
    )
    assert rules.rules.variables == {
        "a": 65536, "b": 0.5, "c": 10**10, "d": [10**6, 7200], "e": {"f": 30}, "g": "5M", "h": 1610612736,
    }  # fmt: skip


def test_settings_are_held_as_the_kernel_prints_them(ruleset: Callable[..., Ruleset]) -> None:
    """A value that the kernel would print otherwise is compared in that form."""
    rules = ruleset("baseline: test\nsysctl: {net.ipv4.ip_local_reserved_ports: '8081,8080'}\n", lists=Lists())
    operand = rules.rules.checks[0].levels[0].claim.operand
    assert operand is not None
    assert operand.tree == ["c", "8080-8081"]


def test_unused_variables_are_warned_of(ruleset: Callable[..., Ruleset]) -> None:
    """A variable that a child sets and no check uses is most likely misspelt."""
    rules = ruleset(
        "baseline: test\nextends: [p]\nvars: {need: 1, ned: 2}\n",
        {"p": "baseline: p\nvars: {need: 1}\nsysctl: {net.core.somaxconn: '{{ vars.need }}'}\n"},
    )
    assert rules.rules.warnings == ("rules.yaml:3:17: no check uses vars.ned (did you mean 'need'?)",)


def test_variables_of_the_command_line_keep_the_declared_kind() -> None:
    """``-e`` gives texts: they become what the baseline declared; others are left to the inventory."""
    rules, _ = put_together(
        entry="baseline: entry\nvars: {x: 1, rate: 0.5, flag: false, name: a, size: 1KiB, unset: null}\n"
    )
    assert rules is not None
    extra = {
        "x": "8000",
        "rate": "2",
        "flag": "yes",
        "name": "5",
        "size": "64KiB",
        "unset": "7",
        "rat": "1",
        "ansible_port": 1,
    }
    told = with_extra(rules, extra)
    assert told.variables == {"x": 8000, "rate": 2, "flag": True, "name": "5", "size": 65536, "unset": 7}
    assert told.warnings == ("-e rat: no baseline declares this variable (did you mean 'rate'?)",)
    with pytest.raises(RuleError, match=r"-e: vars\.x is a number, and this is a text"):
        with_extra(rules, {"x": "many"})
    assert with_extra(rules, {"ansible_port": 1}) is rules


def test_digest_is_of_what_the_rules_say() -> None:
    """Comments and layout do not change it; a number does."""
    one, _ = put_together(entry="baseline: entry\nvars: {x: 1}\nchecks: {include: [ct.a]}\n")
    other, _ = put_together(entry="# comment\nbaseline: entry\nvars:\n  x: 1\nchecks:\n  include: ['ct.*']\n")
    third, _ = put_together(entry="baseline: entry\nvars: {x: 2}\nchecks: {include: [ct.a]}\n")
    assert one is not None
    assert other is not None
    assert third is not None
    assert digest(one) == digest(other) != digest(third)
