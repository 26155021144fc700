"""The domain ``firewall``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from netaudit.facts.firewall import MAX_RULES, MAX_TEXT, parse_firewall
from netaudit.model.facts import Firewall
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

CASES = Path(__file__).parents[2] / "cases" / "firewall"


def parse(stdout: bytes) -> Firewall:
    """What the parser makes of some output, which must be known."""
    found = parse_firewall(Section("firewall", SectionStatus.COMPLETE, 0, stdout, b"", 1))
    assert isinstance(found, Firewall)
    return found


def case(name: str) -> Firewall:
    """What the parser makes of one recorded case."""
    return parse(CASES.joinpath(name, "stdout").read_bytes())


@pytest.mark.parametrize("name", ["nftables", "iptables-nft"])
def test_shortened_ruleset_says_the_same(name: str) -> None:
    """What the probe sends of a long ruleset gives the facts that the whole of it gives."""
    assert case(f"{name}-shortened") == case(name)


def test_iptables_rules_are_read_without_nft() -> None:
    """Rules of iptables-nft are the same rules whichever program lists them."""
    assert case("iptables-nft-alone") == case("iptables-nft")


def test_chains_and_hooks() -> None:
    """Every rule knows its chain, and a base chain its hook; a chain that is jumped to has none."""
    found = case("nftables")
    assert [(rule.chain, rule.hook) for rule in found.notrack] == [("filter pre", "prerouting")]
    assert ("filter extra", "") in [(rule.chain, rule.hook) for rule in found.icmp_drops]


def test_policy_that_drops_icmp_errors() -> None:
    """A chain whose policy drops and that accepts neither related packets nor ICMP drops what discovery needs."""
    texts = [rule.text for rule in case("iptables-nft").icmp_drops]
    assert "policy drop, and no rule accepts ICMP errors" in texts
    assert "policy drop, and no rule accepts ICMP errors" not in [rule.text for rule in case("nftables").icmp_drops]


def test_policy_drop_of_a_stateful_chain() -> None:
    """A policy that drops is a stateful drop where the chain looks at states."""
    rules = case("iptables-legacy").stateful_drops
    assert [(rule.hook, rule.text) for rule in rules] == [("forward", "policy drop")]


def test_comment_about_icmp_is_no_rule_about_icmp() -> None:
    """The words of a comment are kept in the text and not taken for the rule."""
    found = parse(
        b"#@ nft\ntable inet f {\n\tchain i {\n\t\ttype filter hook input priority filter; policy accept;\n"
        b'\t\ttcp dport 25 drop comment "like icmp"\n\t\tip protocol icmp drop comment "all"\n\t}\n}\n'
    )
    assert [rule.text for rule in found.icmp_drops] == ['ip protocol icmp drop comment "all"']
    assert found.rules == 2


def test_elements_of_a_set_are_no_rules() -> None:
    """What stands in a set, a map or a comment of a chain is not counted."""
    found = parse(
        b"#@ nft\ntable ip f {\n\tset s {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t}\n"
        b'\tchain i {\n\t\tcomment "mine"\n\t\ttype filter hook input priority 0; policy accept;\n\t\taccept\n\t}\n}\n'
    )
    assert found.rules == 1


def test_no_filter_at_all() -> None:
    """A host without any rules has a firewall of no rules; that is known."""
    assert case("empty") == Firewall(0, False, (), (), (), ())
    assert parse(b"#@ none\n") == Firewall(0, False, (), (), (), ())


def test_answer_that_tells_of_no_filter_is_none() -> None:
    """An answer in which no filter is named, not even that there is none, is not taken for a host without rules."""
    with pytest.raises(ValueError, match="neither"):
        parse(b"")


def base_chain(*rules: str, policy: str = "accept", hook: str = "input") -> Firewall:
    """The facts of one base chain with these rules."""
    head = f"\t\ttype filter hook {hook} priority filter; policy {policy};\n"
    body = "".join(f"\t\t{rule}\n" for rule in rules)
    return parse(f"#@ nft\ntable inet f {{\n\tchain c {{\n{head}{body}\t}}\n}}\n".encode())


@pytest.mark.parametrize(
    "last",
    [
        "drop",
        "reject",
        "counter packets 7 bytes 420 drop",
        'log prefix "in: " level warn counter packets 0 bytes 0 drop',
        "counter packets 0 bytes 0 reject with icmpx port-unreachable",
        "reject with icmp type admin-prohibited",
    ],
)
def test_last_rule_that_drops_the_rest(last: str) -> None:
    """A last rule without a match drops what a policy would: all of ICMP, unless a rule before it accepts it."""
    (rule,) = base_chain("ct state established accept", "tcp dport 22 accept", last).icmp_drops
    assert (rule.text, rule.is_blanket, rule.reached) == (
        f"{last}, and no rule before it accepts ICMP errors",
        True,
        "yes",
    )
    assert base_chain("ct state established,related accept", "tcp dport 22 accept", last).icmp_drops == ()
    assert [rule.text for rule in base_chain("ct state new tcp dport 22 accept", last).stateful_drops] == [last]


def test_only_what_has_no_match_drops_the_rest() -> None:
    """A drop of something, of a rate, or of TCP alone leaves ICMP to the rules behind it."""
    rules = ("ip saddr 198.18.0.1 drop", "limit rate over 5/second drop", "meta l4proto tcp reject with tcp reset")
    assert base_chain(*rules, "tcp dport 25 drop").icmp_drops == ()


def test_last_rule_of_iptables() -> None:
    """The usual end of a chain of iptables is known as such; its policy is then never asked."""
    text = b"#@ iptables legacy4\n*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n-A INPUT -p tcp -j ACCEPT\n"
    end = b"-A INPUT -j REJECT --reject-with icmp-host-prohibited\n-A FORWARD -s 10.0.0.0/8 -j DROP\nCOMMIT\n"
    (rule,) = parse(text + end).icmp_drops
    assert rule.text.startswith("-A INPUT -j REJECT --reject-with icmp-host-prohibited, and no rule")


@pytest.mark.parametrize(
    ("before", "reached"),
    [
        ("tcp dport 22 accept", "yes"),
        ("icmp type echo-request accept", "yes"),
        ('iifname "eth0" ct state related accept', "yes"),
        ("ct state established,related accept", "no"),
        ("ct state vmap { established : accept, related : accept, invalid : drop }", "no"),
        ("accept", "no"),
        ("jump other", "perhaps"),
    ],
)
def test_rule_behind_one_that_accepts(before: str, reached: str) -> None:
    """A drop of ICMP is marked by whether the messages still come to it, past the rules before it in its chain."""
    assert [rule.reached for rule in base_chain(before, "ip protocol icmp drop").icmp_drops] == [reached]


def test_rules_that_no_program_can_list() -> None:
    """Legacy rules without their program make the domain absent: half a ruleset would mislead."""
    stdout = CASES.joinpath("iptables-legacy-unreadable", "stdout").read_bytes()
    found = parse_firewall(Section("firewall", SectionStatus.COMPLETE, 0, stdout, b"", 1))
    assert isinstance(found, Absent)
    assert found.reason is AbsentReason.NOT_PRESENT


def test_module_without_a_program() -> None:
    """Where nf_tables is loaded and neither nft nor iptables can list it, nothing is known."""
    section = Section("firewall", SectionStatus.COMPLETE, 0, b"#! nft: not present: nft is not installed\n", b"", 1)
    assert isinstance(parse_firewall(section), Absent)


def test_what_was_left_out_is_said() -> None:
    """A ruleset of which the probe sent only some of the rules that count is marked, with the number of all."""
    found = parse(b"#@ nft\ntable ip f {\n\tchain i {\n\t\ticmp type 3 drop\n#@ counts\nnft ip f 60000 1\n")
    assert (found.rules, found.truncated) == (60000, True)


def test_rules_nobody_counted() -> None:
    """A ruleset cut without awk has no count of its own, and is marked."""
    found = parse(b"#@ iptables legacy4\n*filter\n-A INPUT -j DROP\n#@ counts\nlegacy4 ? 1\n")
    assert found.truncated


def test_bounds() -> None:
    """No host makes the lists or a text longer than their bounds."""
    rule = b"\t\tip protocol icmp counter " + b"x" * 5000 + b" drop\n"
    found = parse(b"#@ nft\ntable ip f {\n\tchain i {\n" + rule * (MAX_RULES + 5) + b"\t}\n}\n")
    assert len(found.icmp_drops) == MAX_RULES
    assert all(len(one.text) <= MAX_TEXT for one in found.icmp_drops)
    assert replace(found, icmp_drops=()) == Firewall(MAX_RULES + 5, False, (), (), (), ())
