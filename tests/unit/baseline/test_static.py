"""Names and kinds are judged when a rule is loaded, before any host is asked."""

from __future__ import annotations

import pytest

from netaudit.baseline.expr import NotAnExpression
from netaudit.baseline.kinds import ANY, NUMBER, TEXT, TRUTH, fields_of, kind_of_value, list_of, map_of, record_of
from netaudit.baseline.name_list import NameList
from netaudit.baseline.static import Names, judge
from netaudit.model.facts import Facts, Listener, Nic, Route

NAMES = Names(
    {"need": NUMBER, "role": TEXT, "quiet_ports": list_of(NUMBER), "backlogs": map_of(NUMBER), "unset": ANY},
    NameList(["net.core.somaxconn", "net.ipv4.conf.*.rp_filter", "net.netfilter.nf_conntrack_tcp_timeout_close"]),
    NameList(["TcpExt.ListenOverflows", "Icmp6OutType*"]),
    {"listener": record_of(Listener), "nic": record_of(Nic)},
)


def test_kinds_come_from_the_type_hints_of_the_facts() -> None:
    """Absence and None are no part of a kind; properties are fields."""
    nic, route = fields_of(Nic), fields_of(Route)
    assert nic["speed_mbps"] == NUMBER
    assert nic["is_physical"] == TRUTH
    assert nic["offloads"] == map_of(TRUTH)
    assert nic["rps_cpus"] == list_of(TEXT)
    assert nic["rings"].record is not None
    assert route["mtu"] == NUMBER
    assert fields_of(Facts)["listeners"] == list_of(record_of(Listener))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1 + 2.5", NUMBER),
        ("facts.memory.total_bytes // 4", NUMBER),
        ("facts.nics | map(attribute='rings.rx_slots') | max", NUMBER),
        ("facts.nics | selectattr('is_up') | first", record_of(Nic)),
        ("facts.listeners | rejectattr('port', 'in', vars.quiet_ports) | length", NUMBER),
        ("facts.netstat['TcpExt.ListenOverflows']", NUMBER),
        ("facts.snmp6['Icmp6OutType135']", NUMBER),
        ("sysctl['net.core.somaxconn']", ANY),
        ("sysctl['net.ipv4.conf.' ~ nic.name ~ '.rp_filter']", ANY),
        ("process_of(listener.pid).unit", TEXT),
        ("facts.kernel.version >= [5, 4, 0]", TRUTH),
        ("1 if listener.is_loopback else 'x'", ANY),
        ("vars.backlogs[listener.process]", NUMBER),
        ("vars['need']", NUMBER),
        ("'x' ~ 1 ~ vars.role", TEXT),
        ("facts.conntrack is present and not (facts.nics is absent)", TRUTH),
        ("vars.backlogs | items | map(attribute='name')", list_of(TEXT)),
        ("drift | map(attribute='lost_at_boot') | any", TRUTH),
        ("listener.port is even", TRUTH),
        ("listener.process is match('ng.*')", TRUTH),
        ("facts.kernel.version[:2]", list_of(NUMBER)),
        ("-vars.need", NUMBER),
    ],
)
def test_kinds_of_expressions(text: str, kind: object) -> None:
    """What an expression gives is known before it is evaluated."""
    assert judge(text, NAMES).kind == kind


def test_reads_name_facts_sysctls_and_variables() -> None:
    """What an expression reads chooses the probes that are sent."""
    judged = judge(
        "max(sysctl['net.ipv4.conf.' ~ nic.name ~ '.rp_filter'], facts.memory.total_bytes, vars.need)", NAMES
    )
    assert judged.reads == ("sysctl:net.ipv4.conf.*.rp_filter", "facts.memory.total_bytes", "vars.need")
    assert judge("usable_ports()", NAMES).reads == (
        "sysctl:net.ipv4.ip_local_port_range",
        "sysctl:net.ipv4.ip_local_reserved_ports",
    )
    assert judge("drift | length", NAMES).reads == ("facts.sysctl", "facts.persisted", "facts.writers")


@pytest.mark.parametrize(
    ("text", "message", "at", "hint"),
    [
        ("facts.memery.total_bytes", "there is no fact 'facts.memery'", 6, "did you mean 'memory'?"),
        ("facts.memory.total_byte", "a Memory record has no 'total_byte'", 13, "did you mean 'total_bytes'?"),
        ("not facts.firewal.disabled", "there is no fact 'facts.firewal'", 10, "did you mean 'firewall'?"),
        ("listener.prt > 1", "a Listener record has no 'prt'", 9, "did you mean 'port'?"),
        ("lisener.port", "nothing is called 'lisener' here", 0, "did you mean 'listener'?"),
        ("need > 1", "nothing is called 'need' here", 0, "did you mean 'vars.need'?"),
        ("memory.total_bytes", "nothing is called 'memory' here", 0, "did you mean 'facts.memory'?"),
        ("vars.ned", "no baseline declares 'vars.ned'", 5, "did you mean 'need'?"),
        ("vars.zzzzzz", "no baseline declares 'vars.zzzzzz'", 5, "declare it under `vars:` of the baseline"),
        ("sysctl['net.core.somaxcon']", "no kernel is known to have the sysctl 'net.core.somaxcon'", 8,
         "did you mean 'net.core.somaxconn'?"),
        ("sysctl['net.ipv4.conf.' ~ nic.name ~ '.rp_filtr']", ("no kernel is known to have the sysctl "
         "'net.ipv4.conf.*.rp_filtr'"), 7, "did you mean 'net.ipv4.conf.*.rp_filter'?"),
        ("sysctl.net", "a sysctl is named as an item", 6, "write sysctl['…net…']"),
        ("facts.sysctl.values", "running sysctls are not read by facts.sysctl", 6, "write sysctl['NAME']"),
        ("facts.netstat['TcpExt.ListenOverflow']", "no kernel is known to have the counter 'TcpExt.ListenOverflow'", 15,
         "did you mean 'TcpExt.ListenOverflows'?"),
        ("facts.nics | selectatr('is_up')", "there is no filter 'selectatr'", 13, "did you mean 'selectattr'?"),
        ("facts.nics | selectattr('is_upp')", "a Nic record has no 'is_upp'", 25, "did you mean 'is_up'?"),
        ("facts.nics | map(attribute='rings.rx_slot')", "a Rings record has no 'rx_slot'", 34, "did you mean 'rx_slots'?"),  # noqa: E501  # one case, one line
        ("facts.nics | map('name')", "`map` takes one attribute", 13, "write map(attribute='name')"),
        ("facts.nics | selectattr('mtu', '>>', 1)", "there is no such test", 31, ""),
        ("facts.nics | selectattr('mtu')", "`selectattr` without a test needs true or false, and this is a number", 13, ""),  # noqa: E501  # one case, one line
        ("facts.nics | selectattr('mtu', '==', '1500')", "a number cannot be compared with a text", 37,
         "a text is never compared as a number: use `x | int` where it holds digits"),
        ("vars.need | default(1)", "there is no filter 'default'", 12,
         "variables are declared in a baseline; ask `x if x is present else y` of a fact"),
        ("vars.need is defined", "there is no test 'defined'", 10,
         "a name that is not known is an error when the file is loaded; of a fact ask `is present`"),
        ("vars.need is presnt", "there is no test 'presnt'", 10, "did you mean 'present'?"),
        ("maximum(1, 2)", "there is no function 'maximum'", 0, ""),
        ("max()", "'max' takes at least 1 values, and here are 0", 0, ""),
        ("round(1, 2, 3)", "'round' takes 1 to 2 values, and here are 3", 0, ""),
        ("ceil(vars.role)", "'ceil' takes a number, and this is a text", 5, ""),
        ("ceil(x=1)", "'ceil' takes no argument by name", 7, ""),
        ("listener.port == '80'", "a number cannot be compared with a text", 0,
         "a text is never compared as a number: use `x | int` where it holds digits"),
        ("listener.is_loopback == 1", "true or false cannot be compared with a number", 0,
         "true and 1 are not the same here"),
        ("listener == listener", "a Listener record cannot be compared", 0, "name one of its fields"),
        ("facts.taken_at > 1", "a time cannot be compared with a number", 0, ""),
        ("true < false", "true or false has no order", 0, ""),
        ("'a' * 1000", "`*` takes a number, and this gives a text", 0, ""),
        ("[0] * 9", "`*` takes a number, and this gives a list of numbers", 0, ""),
        ("vars.role + 'x'", "`+` takes a number, and this gives a text", 0, ""),
        ("facts.nics and true", "`and` takes true or false, and this is a list of records", 0, "ask `x | length > 0`"),
        ("not listener.port", "`not` takes true or false, and this is a number", 4, "ask `x != 0`"),
        ("1 if vars.role else 2", "`if` takes true or false, and this is a text", 5, "ask `x != ''`"),
        ("80 in vars.role", "a number cannot be in a text", 0,
         "a text is never compared as a number: use `x | int` where it holds digits"),
        ("1 in listener", "`in` looks into a list, a mapping or a text, not into a Listener record", 5, ""),
        ("facts.nics['eth0']", "an element of a list is named by its number, and this is a text", 11,
         "for all elements write `x | map(attribute='…')`"),
        ("facts.nics.mtu", "a list of records has no 'mtu'", 11,
         "for one of its elements write x[0], or `x | map(attribute='…')` for all"),
        ("listener['port']", "a Listener record is read by name", 8, "write x.name"),
        ("facts.netstat[1]", "the key of a mapping is a text, and this is a number", 14, ""),
        ("listener.port[0]", "a number has no elements", 13, ""),
        ("listener.port[0:1]", "a number has no parts", 13, ""),
        ("'a' ~ listener", "a Listener record is no text", 6, "name one of its fields"),
        ("listener.process is match(vars.role)", "`is match` takes one pattern, written out", 17, ""),
        ("listener.process is match('(')", "'(' is not a pattern", 26, ""),
        ("facts", "'facts' is no value by itself", 0, "write facts.memory.total_bytes"),
        ("max + 1", "'max' is a function", 0, "write max(…)"),
        ("vars.unset is present(1)", "`is present` takes no argument", 11, ""),
        ("facts.nics | selectattr('name', 'match', vars.role)", "a pattern is a text, written out", 41, ""),
        ("facts.nics | selectattr('mtu', 'match', '1.*')", "a pattern is for a text, and this is a number", 40, ""),
        ("facts.nics | selectattr('name', 'match', '(')", "'(' is not a pattern", 41, ""),
        ("facts.cpu.count | map(attribute='x')", "`map` takes a list, and this is a number", 0, ""),
        ("facts.nics | map(attribute=5)", "an attribute is a name in quotes", 27, ""),
        ("facts.nics | map(attribute='mtu.x')", "a number has no 'x'", 32, ""),
        ("facts.nics | selectattr(attribute='mtu')", "`selectattr` takes no argument by name", 13, ""),
        ("facts.nics | selectattr", "`selectattr` takes an attribute", 13, ""),
        ("facts.nics | selectattr('mtu', '==')", "'==' takes one value", 31, ""),
        ("facts.nics | selectattr('is_up', 'true', 1)", "'true' takes no value", 33, ""),
        ("facts.nics | selectattr('mtu', 'in', ['a'])", "a number cannot be in a list of texts", 37, ""),
        ("listener.process is match('" + "a" * 201 + "')", "a pattern is at most 200 characters long", 26, ""),
        ("vars.backlogs.nginx + vars.unset.x.y + vars.role", "`+` takes a number, and this gives a text", 39, ""),
        ("lambda", "nothing is called 'lambda' here", 0, ""),
    ],
)  # fmt: skip
def test_errors_point_at_the_place_and_the_nearest_name(text: str, message: str, at: int, hint: str) -> None:
    """What is wrong is said where it stands, with what would be right."""
    with pytest.raises(NotAnExpression) as caught:
        judge(text, NAMES)
    assert caught.value.message.startswith(message)
    assert caught.value.at == at
    if hint:
        assert caught.value.hint == hint


def test_wanted_kind_is_checked() -> None:
    """Where a truth is wanted a number is an error."""
    with pytest.raises(NotAnExpression, match="this gives a number, and true or false is wanted"):
        judge("listener.port", NAMES, TRUTH)


def test_undeclared_variables_pass_while_no_baseline_is_known() -> None:
    """Without a baseline every variable may be declared later."""
    assert judge("vars.whatever", Names()).kind == ANY


def test_kinds_of_plain_values() -> None:
    """Declared variables have the kind of their value; nothing may become anything."""
    assert kind_of_value([1, 2]) == list_of(NUMBER)
    assert kind_of_value([1, "x"]) == list_of(ANY)
    assert kind_of_value({"a": 1}) == map_of(NUMBER)
    assert kind_of_value(None) == ANY
