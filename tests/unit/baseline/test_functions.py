"""The functions of the language: what they give, and that they give nothing for what does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from netaudit.baseline.closures import closure
from netaudit.baseline.functions import FUNCTIONS, Pair
from netaudit.baseline.kinds import ANY, LIST
from netaudit.baseline.scope import RunningSysctls, Scope
from netaudit.baseline.static import Names, judge
from netaudit.baseline.unknown import Unknown
from netaudit.model.facts import Facts, Limits, Listener, ProcessLimits, Route, Routing
from netaudit.model.reading import Absent, AbsentReason

SETTINGS = {
    "net.core.somaxconn": "4096",
    "net.ipv4.ip_local_port_range": "32768 32777",
    "net.ipv4.ip_local_reserved_ports": "80,32770-32771,40000",
    "net.ipv4.tcp_rmem": "4096 131072 6291456",
    "net.ipv4.tcp_congestion_control": "cubic",
    "net.ipv4.conf.eth0/1.rp_filter": "2",
}
PROCESS = ProcessLimits(812, "nginx", "nginx.service", "root", 1024, 4096, Absent(AbsentReason.NOT_PERMITTED), 60.0)
LISTENERS = (
    Listener("tcp", "0.0.0.0", 80, 0, 128, "", "nginx", 812),
    Listener("tcp", "::1", 81, 0, 511, "", Absent(AbsentReason.NOT_PERMITTED, "needs root"), 813),
    Listener("udp", "0.0.0.0", 53, 0, 0),
)

ROUTE = Route("inet", "main", "unicast", "default", "", "eth0", "", None, None, None, None, None)
LOCAL = {
    "m": {"a": {"b": 5}, "l": [{"x": 1}, {}], "none": None},
    "a_absent": Absent(AbsentReason.NOT_PERMITTED, "needs root"),
}


@pytest.fixture
def value(facts: Callable[..., Facts]) -> Callable[..., object]:
    """What an expression gives on a small host."""
    host = facts(
        SETTINGS,
        listeners=LISTENERS,
        limits=Limits(10, 100, 1000, (PROCESS,), ()),
        netstat={"TcpExt.A": 5},
        routing=Routing((ROUTE,), 0),
    )

    def run(text: str, **names: object) -> object:
        scope = Scope(
            host, RunningSysctls(host, lambda key: Absent(AbsentReason.NOT_PRESENT, key)), {"n": 3, "unset": None}
        )
        scope.names = {**LOCAL, **names}
        return closure(judge(text, Names(local=dict.fromkeys(scope.names, ANY))).tree)(scope)

    return run


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("min(3, 1, 2) + max([4, 5])", 6),
        ("sum([1, 2.5]) + sum([])", 3.5),
        ("median([3, 1, 2])", 2),
        ("median([1, 2, 3, 10])", 2.5),
        ("abs(-3)", 3),
        ("round(2.567, 1)", 2.6),
        ("round(2.567)", 3),
        ("ceil(2.1) * floor(2.9)", 6),
        ("[ceil_pow2(0), ceil_pow2(1), ceil_pow2(3), ceil_pow2(4096), ceil_pow2(4097)]", [1, 1, 4, 4096, 8192]),
        ("int('12') + int(2.9) + int('-3')", 11),
        ("float('1.5')", 1.5),
        ("[1, 2, 3] | length", 3),
        ("len('abc') + count([1])", 4),
        ("any([false, true])", True),
        ("all([])", True),
        ("[3, 1, 2] | sort | first", 1),
        ("[3, 1, 2] | last", 2),
        ("[1, 2, 1, 'a', 'a'] | unique", [1, 2, "a"]),
        ("[1, 'a'] | join('-')", "1-a"),
        ("[1, 2] | join", "1, 2"),
        ("'Ab' | lower ~ 'Ab' | upper", "abAB"),
        ("'reno cubic' | words | last", "cubic"),
        ("6291456 | bytes", "6 MiB"),
        ("7200 | duration", "2 h"),
        ("sysctl['net.ipv4.conf.' ~ 'eth0.1' | sysctl_segment ~ '.rp_filter']", 2),
        ("'0-3,8' | ranges", [0, 1, 2, 3, 8]),
        ("'8080-8081 9000' | ports", [8080, 8081, 9000]),
        ("8080 | ports", [8080]),
        ("'' | ports", []),
        ("mask_bits('ff,00000001') + mask_bits('') + mask_bits(3)", 11),
        ("facts.netstat | keys", ["TcpExt.A"]),
        ("facts.netstat | values | sum", 5),
        ("facts.netstat | items", [Pair("TcpExt.A", 5)]),
        ("get(facts.netstat, 'TcpExt.A', 0) + get(facts.netstat, 'TcpExt.B', 7)", 12),
        ("version('5.10.0-21-amd64') >= [5, 4]", True),
        ("process_of(812).unit", "nginx.service"),
        ("usable_ports()", 8),
        ("sysctl['net.ipv4.tcp_rmem'][1:]", [131072, 6291456]),
        ("'abcdef'[1:3]", "bc"),
        ("sysctl['net.ipv4.tcp_rmem'][-1]", 6291456),
        ("facts.listeners | selectattr('protocol', '==', 'tcp') | map(attribute='port')", [80, 81]),
        ("facts.listeners | rejectattr('is_loopback') | map(attribute='port')", [80, 53]),
        ("facts.listeners | selectattr('port', 'in', [53, 81]) | length", 2),
        ("facts.listeners | selectattr('address', 'match', '0[.].*') | length", 2),
        ("facts.listeners | selectattr('device', 'absent') | length", 0),
        ("[1, 5, 9] | select('>', 4)", [5, 9]),
        ("[1, 5, 9] | reject('in', [5])", [1, 9]),
        ("'auto' in [0, 'auto'] and 5 not in [0, 'auto'] and 1.0 in [1] and 1 not in []", True),
        ("[1, 2] in [[1, 2], [3]]", True),
        ("m.a.b + m.l[0].x", 6),
        ("m.l | selectattr('x', 'present') | length", 1),
        ("m.l | rejectattr('x', 'present') | length", 1),
        ("m.l | map(attribute='x') | first", 1),
        ("[[1, 2], [3]] | select('contains', 2) | length", 1),
        ("facts.listeners | selectattr('is_loopback', 'false') | length", 2),
        ("m | keys", ["a", "l", "none"]),
        ("true == true and true != false", True),
        ("[true, 1.5, 'x', [1, 2]] | last | join", "1, 2"),
        ("'' ~ m.a", "b=5"),
        ("[true, false] | select", [True]),
        ("'cubic' in (sysctl['net.ipv4.tcp_congestion_control'] | words)", True),
        ("'ub' in 'cubic' and 'TcpExt.A' in facts.netstat", True),
        ("facts.kernel.version >= [6, 18, 0] and facts.kernel.version < [7]", True),
        ("vars.n % 2 == 1 and vars.n is odd and not (vars.n is even)", True),
        ("7 // 2 + 7 / 2", 6.5),
        ("vars.unset is present", False),
        ("'a' if vars.n > 2 else 'b'", "a"),
        ("1 < 2 < 3", True),
        ("[1, [2, 3]] == [1, [2, 3]]", True),
        ("'nginx' is match('ng.*') and 'nginx' is search('in')", True),
        ("'nginx' is match('ng')", False),
        ("2 is in([1, 2])", True),
        ("-vars.n + 1", -2),
        ("namespace == ''", True),
        ("1.0 ~ ' ' ~ 0.25 ~ ' ' ~ true", "1 0.25 true"),
    ],
)  # fmt: skip
def test_values(value: Callable[..., object], text: str, expected: object) -> None:
    """What the functions, filters and operators give."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 / 0", "not understood: division by zero"),
        ("5 % (vars.n - 3)", "not understood: division by zero"),
        ("9999999999999999999 * 9999999999999999999 * 9999999999999999999 * 9999999999999999999",
         "not understood: a number is too large"),
        ("1.5e300 * 1.5e300", "not understood: a number is too large"),
        ("max([])", "not present: the list is empty"),
        ("[] | first", "not present: the list is empty"),
        ("int('12a')", "not understood: '12a' is not an integer"),
        ("int('٣')", "not understood: '٣' is not an integer"),
        ("int('1_0')", "not understood: '1_0' is not an integer"),
        ("float('nan')", "not understood: 'nan' is not a number"),
        ("float('x')", "not understood: 'x' is not a number"),
        ("'0-99999999' | ranges", "not understood: '0-99999999' is too long a list"),
        ("mask_bits('xyz')", "not understood: 'xyz' is not a mask"),
        ("version('abc')", "not understood: 'abc' is not a version"),
        ("process_of(99)", "not present: no process 99 among those that listen"),
        ("process_of(812).open_files", "not permitted (….open_files)"),
        ("facts.listeners[1].process", "not permitted: needs root (facts.listeners[1].process)"),
        ("facts.listeners | map(attribute='process') | join", "not permitted: needs root"),
        ("facts.listeners | selectattr('process', '==', 'nginx') | length", "not permitted: needs root"),
        ("facts.listeners | selectattr('process', 'present') | length", "not permitted: needs root"),
        ("facts.listeners[7].port", "not present: facts.listeners has 3 elements and none at 7"),
        ("facts.netstat['TcpExt.B']", "not present: there is no 'TcpExt.B' in facts.netstat"),
        ("sysctl['net.ipv4.tcp_rmem'] > 5", "not understood: [4096, 131072, 6291456] cannot be compared with 5"),
        ("sysctl['net.ipv4.tcp_congestion_control'] >= 5", "not understood: 'cubic' cannot be compared with 5"),
        ("sysctl['net.ipv4.tcp_congestion_control'] == 1", "not understood: 'cubic' cannot be compared with 1"),
        ("sysctl['net.core.somaxconn'] == '4096'", "not understood: 4096 cannot be compared with '4096'"),
        ("sysctl['net.core.somaxconn'] == true", "not understood: 4096 cannot be compared with true"),
        ("sysctl['net.core.somaxconn'][0]", "not understood: 4096 has no element 0 (…)"),
        ("sysctl['net.ipv4.tcp_congestion_control'] + 1", "not understood: 'cubic' is not a number"),
        ("[sysctl['net.core.somaxconn'], 'a'] | sort", "not understood: [4096, 'a'] has no order"),
        ("sysctl['net.none']", "not present: net.none (net.none)"),
        ("vars.unset + 1", "not present: vars.unset is not set"),
        ("sum([1, sysctl['net.none']])", "not present: net.none"),
        ("m.a.b in ['a', 'b']", "not understood: 5 cannot be compared with 'a'"),
        ("m.l | map(attribute='x') | last", "not present: there is no x"),
        ("m.zzz", "not present: there is no 'zzz' in m"),
        ("m.none.x", "not present: there is no 'none' in m"),
        ("m.a.b.c", "not understood: 5 has no element 'c' (m['a']['b'])"),
        ("m < m", "not understood: a mapping has no order"),
        ("m.a.b in m.a.b", "not understood: whether 5 has 5"),
        ("m.a.b in m.a", "not understood: whether a mapping has 5"),
        ("m.a.b in facts.kernel.release ~ ''", "not understood: whether '6.18.0' has 5"),
        ("sum(m)", "not understood: a mapping is not a list"),
        ("any(m.l)", "not understood: a mapping is not true or false"),
        ("all(m.a.b)", "not understood: 5 is not a list"),
        ("m.a.b | first", "not understood: 5 is not a list"),
        ("m.a.b | length", "not understood: 5 has no length"),
        ("m.a.b | upper", "not understood: 5 is not a text"),
        ("m.a.b | keys", "not understood: 5 is not a mapping"),
        ("m.a.b | items", "not understood: 5 is not a mapping"),
        ("get(m.a.b, 'x', 1)", "not understood: 5 is not a mapping"),
        ("float(m)", "not understood: a mapping is not a number"),
        ("m.a.b[0:1]", "not understood: 5 has no parts"),
        ("m.a.b | map(attribute='x')", "not understood: 5 is not a list"),
        ("not m.a.b", "not understood: 5 is neither true nor false"),
        ("m.l | selectattr('x') | length", "not understood: 1 is neither true nor false"),
        ("m.l | selectattr('x', '>', 0) | length", "not present: there is no x"),
        ("a_absent > 1", "not permitted: needs root (a_absent)"),
        ("(facts.listeners | selectattr('process', '==', 'x') | first).port", "not permitted: needs root"),
        ("facts.routing.routes[0].mtu > 1", "not present: mtu is not said (facts.routing.routes[0].mtu)"),
        ("unknown('the peer is silent') == 1", "the peer is silent"),
        ("facts.nics | length", "not asked (facts.nics)"),
        ("('a' if sysctl['net.none'] == 1 else 'a') == 'a'", "not present: net.none (net.none)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_unknown(value: Callable[..., object], text: str, reason: str) -> None:
    """Nothing is guessed, cut or turned into something else."""
    with pytest.raises(Unknown) as caught:
        value(text)
    assert caught.value.reason == reason


def test_a_known_element_decides_beside_an_absent_one(value: Callable[..., object]) -> None:
    """``in``, ``any`` and ``all`` need not know every element."""
    assert value("'nginx' in (facts.listeners | map(attribute='process'))") is True
    assert value("any([sysctl['net.none'] == 1, true])") is True
    assert value("all([sysctl['net.none'] == 1, false])") is False


def test_texts_do_not_grow_without_bound(value: Callable[..., object]) -> None:
    """Concatenation ends where no message would be."""
    with pytest.raises(Unknown) as caught:
        value("x ~ x ~ x", x="y" * 5000)
    assert caught.value.reason == "not understood: a text is too long"


def test_an_empty_list_is_a_list(value: Callable[..., object]) -> None:
    """Nothing listed is not absence."""
    assert value("x | length", x=[]) == 0
    assert judge("facts.nics | length", Names()).kind != LIST


def test_every_function_is_documented() -> None:
    """The table of docs/rules.md names every function, and each has a sentence of its own."""
    text = (Path(__file__).parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_0-9]+)(?:\([^`]*)?`", text))
    assert set(FUNCTIONS) - named == set()
    assert all(function.summary for function in FUNCTIONS.values())
