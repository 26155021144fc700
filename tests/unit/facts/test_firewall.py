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
