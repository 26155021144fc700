"""Checks are read strictly: each mistake is one line with file, line, column and what would be right."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netaudit.baseline.schema import CheckKind, Extent, Layer, Op, Risk
from netaudit.baseline.select import Ruleset
from netaudit.model.result import Severity

GOOD = "value: sysctl['net.core.somaxconn']\nexpect: {at_least: 5}\n"


def test_a_whole_check_is_read(ruleset: Callable[..., Ruleset]) -> None:
    """Every key of a check finds its place."""
    rules = ruleset(
        """\
        baseline: test
        vars: {rate: 5000}
        define:
          - id: site.queue
            title: A queue
            layer: listener
            kind: headroom
            severity: high
            scope: namespace
            why: Because.
            derive: Somehow.
            applies_to:
              - {when: "facts.kernel.version >= [3, 0, 0]", else: "older"}
            for_each:
              name: listener
              in: facts.listeners
              where: listener.protocol == 'tcp'
              subject: "{{ listener.address }}:{{ listener.port }}"
              else: nothing listens
            let:
              need: "ceil(vars.rate * 0.5)"
              twice: need * 2
            value: listener.backlog
            unit: connections
            levels:
              - {severity: critical, expect: {at_least: 1}, note: "none of {{ need }}"}
            expect: {at_least: "{{ twice }}"}
            expected: at least {{ twice }}
            default: 128
            evidence: Send-Q {{ value }}
            remediation: service
            set: {net.core.somaxconn: "{{ need }}"}
            fix: Raise it to {{ expected }}.
            risk: disruptive
            caveats: [a, b]
            kernel: all
            sources: ["man: listen(2)"]
        """
    )
    (check,) = rules.rules.checks
    assert (check.layer, check.kind, check.extent) == (Layer.LISTENER, CheckKind.HEADROOM, Extent.NAMESPACE)
    assert (check.severity, check.risk, check.remediation) == (Severity.HIGH, Risk.DISRUPTIVE, "service")
    assert [level.severity for level in check.levels] == [Severity.CRITICAL, Severity.HIGH]
    assert [level.is_expect for level in check.levels] == [False, True]
    assert check.levels[1].claim.op is Op.AT_LEAST
    assert check.for_each is not None
    assert check.for_each.kind == "record:Listener"
    assert [name for name, _ in check.definitions] == ["need", "twice"]
    assert check.desired[0][0].text == "net.core.somaxconn"
    assert check.caveats == ("a", "b")
    assert str(check.where) == "rules.yaml:4:5"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("valeu: 1\nexpect: {equals: 1}", "rules.yaml:9:5: check t.one has no key 'valeu' (did you mean 'value'?)"),
        ("value: 1", "rules.yaml:3:5: check t.one claims nothing (add `expect:` or `levels:`)"),
        ("expect: {equals: 1}", "rules.yaml:9:14: 'equals' needs a `value` to look at (add `value:` to the check)"),
        ("value: facts.memory.total_byte\nexpect: {equals: 1}",
         "rules.yaml:9:25: a Memory record has no 'total_byte' (did you mean 'total_bytes'?)"),
        ("value: sysctl['net.core.somaxcon']\nexpect: {equals: 1}",
         "rules.yaml:9:20: no kernel is known to have the sysctl 'net.core.somaxcon' (did you mean 'net.core.somaxconn'?)"),  # noqa: E501  # one case, one line
        ("value: 1\nexpect:\n  holds: >-\n    facts.cpu.count > 1 and\n    facts.cpu.cuont < 9",
         "rules.yaml:13:19: a Cpu record has no 'cuont' (did you mean 'count'?)"),
        ("value: 1\nexpect: {at_least: \"{{ vars.need }}\"}",
         "rules.yaml:10:33: no baseline declares 'vars.need' (declare it under `vars:` of the baseline)"),
        ("value: 1\nexpect: {atleast: 1}", "rules.yaml:10:14: there is no claim 'atleast' (did you mean 'at_least'?)"),
        ("value: 1\nexpect: 1", "rules.yaml:10:13: a claim is a mapping (write {equals: 1})"),
        ("value: 1\nexpect: [1]", "rules.yaml:10:13: a claim must be a mapping, and this is a list"),
        ("value: 1\nexpect: {}", ("rules.yaml:10:13: a claim is missing here (one of equals, at_least, at_most, above, below,"  # noqa: E501  # one case, one line
         " between, one_of, contains, contains_all, matches, ordered, fields, holds, all_of, any_of, not)")),
        ("value: 1\nexpect: {at_least: many}",
         ("rules.yaml:10:24: this is a text, and a number is wanted (a unit is written as in 64KiB, 30s, 10Gbit/s;"
         " an expression in {{ … }})")),
        ("value: 1\nexpect: {at_least: '5 {{ 1 }}'}",
         "rules.yaml:10:24: text and {{ … }} are mixed (one whole expression is meant here)"),
        ("value: \"'x'\"\nexpect: {at_least: 5}", "rules.yaml:10:24: 'at_least' is for a number, and the value is a text"),  # noqa: E501  # one case, one line
        ("value: \"'x'\"\nexpect: {equals: 5}", "rules.yaml:10:22: this is a number, and a text is wanted"),
        ("value: 5\nexpect: {matches: x}", "rules.yaml:10:23: 'matches' is for a text, and the value is a number"),
        ("value: 5\nexpect: {fields: {0: {equals: 1}}}",
         "rules.yaml:10:22: 'fields' is for a list, and the value is a number"),
        ("value: facts.kernel.version\nexpect: {at_least: 5}",
         "rules.yaml:10:24: 'at_least' is for a number, and the value is a list of numbers (name its elements with `fields`)"),  # noqa: E501  # one case, one line
        ("value: sysctl['net.core.somaxconn']\nexpect: {fields: {first: {equals: 1}}}",
         "rules.yaml:10:23: 'first' is no field: they count from 0"),
        ("value: 1\nexpect: {between: [5, 1]}", "rules.yaml:10:23: 5 is above 1: nothing lies between (the lower one comes first)"),  # noqa: E501  # one case, one line
        ("value: 1\nexpect: {between: [5]}", "rules.yaml:10:23: 'between' takes two numbers, and here are 1 (between: [low, high])"),  # noqa: E501  # one case, one line
        ("value: 1\nexpect: {one_of: []}", "rules.yaml:10:22: 'one_of' of nothing never holds"),
        ("value: 1\nexpect: {one_of: [1, x]}", ("rules.yaml:10:26: this is a text, and a number is wanted (a unit is written as in"  # noqa: E501  # one case, one line
         " 64KiB, 30s, 10Gbit/s; an expression in {{ … }})")),
        ("value: sysctl['net.core.somaxconn']\nexpect: {ordered: down}",
         "rules.yaml:10:23: 'ordered' is followed by ascending (ordered: ascending)"),
        ("value: sysctl['net.core.somaxconn']\nexpect: {matches: '('}",
         "rules.yaml:10:23: '(' is not a pattern: missing ), unterminated subpattern at position 0"),
        ("value: 1\nexpect: {all_of: []}", "rules.yaml:10:22: 'all_of' of nothing says nothing"),
        ("value: 1\nexpect: {not: 1}", "rules.yaml:10:19: 'not' takes one claim, and this is a number"),
        ("value: 1\nexpect: {holds: 5 + 5}", "rules.yaml:10:21: this gives a number, and true or false is wanted"),
        ("value: facts.memory\nexpect: {equals: 1}",
         "rules.yaml:9:12: this gives a Memory record, which is no value (name one of its fields)"),
        ("value: facts.nics\nexpect: {equals: 1}",
         "rules.yaml:9:12: this gives a list of records, which is no value (name one of its fields)"),
        ("value: [1]\nexpect: {equals: 1}", "rules.yaml:9:12: 'value' must be an expression, and this is a list"),
        (GOOD + "risk: dangerous", "rules.yaml:11:11: 'dangerous' is no risk (known: can-cut-connectivity, disruptive, safe)"),  # noqa: E501  # one case, one line
        (GOOD + "scope: netns", "rules.yaml:11:12: 'netns' is no scope (known: host, namespace)"),
        (GOOD + "caveats: text", "rules.yaml:11:14: 'caveats' must be a list, and this is a text"),
        (GOOD + "kernel: 5.4", "rules.yaml:11:13: 'kernel' must be a text, and this is a number (quote it)"),
        (GOOD + "unit: ''", "rules.yaml:11:11: 'unit' must be a text, and this is a text"),
        (GOOD + "fix: 'set {{ valeu }}'", "rules.yaml:11:18: nothing is called 'valeu' here (did you mean 'value'?)"),
        (GOOD + "fix: 'set {{ value '", "rules.yaml:11:15: '{{' has no '}}'"),
        (GOOD + "fix: '{% if x %}'", "rules.yaml:11:11: '{%' is not allowed here (only {{ expressions }} are)"),
        (GOOD + "remediation: Do It", "rules.yaml:11:18: 'Do It' is no id of a remediation"),
        (GOOD + "applies_to: [{when: facts.cpu.count, else: x}]",
         "rules.yaml:11:25: this gives a number, and true or false is wanted"),
        (GOOD + "applies_to: [{when: 'true'}]", "rules.yaml:11:18: a condition needs the key 'else'"),
        (GOOD + "levels: [{expect: {equals: 1}}]", "rules.yaml:11:14: a level needs the key 'severity'"),
        (GOOD + "levels: [{severity: bad, expect: {equals: 1}}]", ("rules.yaml:11:25: 'bad' is no severity (known: critical, high,"  # noqa: E501  # one case, one line
         " info, low, medium)")),
        (GOOD + "let: {value: 1}", "rules.yaml:11:11: 'value' cannot be the name of a `let` (a lower-case name that is not taken)"),  # noqa: E501  # one case, one line
        (GOOD + "let: {a: b, b: 1}", "rules.yaml:11:14: nothing is called 'b' here (known: drift, facts, namespace, sysctl, vars)"),  # noqa: E501  # one case, one line
        (GOOD + "set: {net.core.somaxcon: 1}", ("rules.yaml:11:11: no kernel is known to have the sysctl 'net.core.somaxcon'"  # noqa: E501  # one case, one line
         " (did you mean 'net.core.somaxconn'?)")),
        (GOOD + "for_each: {name: x, in: facts.cpu.count, subject: a}",
         "rules.yaml:11:29: this gives a number, and a list is wanted"),
        (GOOD + "for_each: {name: facts, in: facts.nics, subject: a}",
         "rules.yaml:11:22: 'facts' cannot name a subject (a lower-case name that is not taken)"),
        (GOOD + "for_each: {name: nic, in: facts.nics, subject: '{{ nic.nam }}'}",
         "rules.yaml:11:60: a Nic record has no 'nam' (did you mean 'name'?)"),
        ("scope: namespace\nvalue: facts.sockets.persist_timers\nexpect: {equals: 0}",
         ("rules.yaml:9:12: facts.sockets is not read inside other namespaces (use scope: host; there, sysctl['…'] and"
         " facts.listeners are read, and what is of the whole host)")),
    ],
)  # fmt: skip
def test_mistakes_in_a_check(check_errors: Callable[..., list[str]], body: str, message: str) -> None:
    """Each mistake is said once, where it stands, with the nearest right name."""
    assert check_errors(body) == [message]


def test_applies_to_may_ask_what_a_namespace_does_not_show(check_errors: Callable[..., list[str]]) -> None:
    """Whether a check makes sense at all may depend on the host."""
    body = GOOD + "scope: namespace\napplies_to: [{when: facts.conntrack is present, else: no conntrack}]"
    assert check_errors(body) == []


def test_all_mistakes_of_a_file_are_found_at_once(errors_of: Callable[..., list[str]]) -> None:
    """A person mends a file in one go."""
    found = errors_of(
        """\
        baseline: test
        define:
          - id: a.one
            title: One
            layer: hosts
            kind: setting
            severity: high
            why: x
            value: facts.cpu.cont
            expect: {atleast: 1}
          - id: a.two
            title: 5
            layer: host
            kind: seting
            severity: high
            why: x
            expect: {holds: facts.nic}
        """
    )
    assert found == [
        "rules.yaml:9:22: a Cpu record has no 'cont' (did you mean 'count'?)",
        "rules.yaml:10:14: there is no claim 'atleast' (did you mean 'at_least'?)",
        "rules.yaml:5:12: 'hosts' is no layer (did you mean 'host'?)",
        "rules.yaml:17:27: there is no fact 'facts.nic' (did you mean 'nics'?)",
        "rules.yaml:12:12: 'title' must be a text, and this is a number (quote it)",
        "rules.yaml:14:11: 'seting' is no kind (did you mean 'setting'?)",
    ]


@pytest.mark.parametrize("name", ["Upper.case", "a..b", "a b", "a-b", ".a"])
def test_ids_are_dotted_lower_case(errors_of: Callable[..., list[str]], name: str) -> None:
    """An id can stand in a URL, a file name and a shell without quoting."""
    (error,) = errors_of(f"baseline: test\ndefine: [{{id: '{name}'}}]\n")
    assert error.startswith(f"rules.yaml:2:15: {name!r} is no id")


def test_missing_keys_are_named(errors_of: Callable[..., list[str]]) -> None:
    """What a check cannot do without is asked for."""
    found = errors_of("baseline: test\ndefine:\n  - {id: a.b, expect: {holds: 'true'}}\n")
    assert found == [
        f"rules.yaml:3:5: check a.b needs the key {key!r}" for key in ("severity", "title", "layer", "kind", "why")
    ]
