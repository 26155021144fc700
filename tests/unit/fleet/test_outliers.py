"""Who is odd, who merely varies, and what is too few to tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.facts.settings import Kind
from netaudit.fleet.outliers import LEAST_HOSTS, MAJORITY, Census, NotKnown, against, not_known
from netaudit.model.reading import Absent, AbsentReason

MTU = "eth0 mtu"
SOMAXCONN = "net.core.somaxconn"
REFUSED = Absent(AbsentReason.NOT_PERMITTED, "needs root")


def census(values, *, group="web", size="2 CPUs, 8 GiB", matters=lambda _: False, unread=None):
    """A census of hosts by their values, and by what could not be read of some."""
    made = Census(matters)
    for host, settings in values.items():
        made.add(host, (group,), size, settings, (unread or {}).get(host, {}))
    return made


def fleet(count, **odd):
    """Hosts with one MTU, but for those that are named."""
    return {f"web{n}": {MTU: odd.get(f"web{n}", "1500"), SOMAXCONN: "4096"} for n in range(1, count + 1)}


def test_one_of_many_with_another_value_is_odd():
    """The majority's value comes first, with its hosts; then the odd one."""
    (group,) = census(fleet(37, web17="9000")).outliers()
    (odd,) = group.odd
    assert (MTU, "1500", 36) == (odd.name, odd.usual.text, len(odd.usual.hosts))
    assert [("9000", ("web17",))] == [(value.text, value.hosts) for value in odd.others]
    assert ("web17",) == odd.hosts
    assert 1 == group.agreed


def test_the_first_host_may_be_the_odd_one():
    """The order in which hosts are taken in decides nothing."""
    (group,) = census(fleet(5, web1="9000")).outliers()
    assert ("1500", ("web1",)) == (group.odd[0].usual.text, group.odd[0].hosts)


def test_a_value_that_is_missing_is_a_value():
    """A host without a setting that all others have is odd, and so is one with a setting that none has."""
    values = fleet(4)
    del values["web2"][SOMAXCONN]
    values["web3"]["net.ipv4.tcp_extra"] = "1"
    (group,) = census(values).outliers()
    found = {odd.name: (odd.usual.text, odd.others[0].text, odd.hosts) for odd in group.odd}
    assert {SOMAXCONN: ("4096", None, ("web2",)), "net.ipv4.tcp_extra": (None, "1", ("web3",))} == found


@pytest.mark.parametrize("key", [SOMAXCONN, "sysctl"])
@pytest.mark.parametrize("silent", [{"web1"}, {"web2"}, {"web1", "web5"}])
def test_what_could_not_be_read_is_no_value(key, silent):
    """Whether of the first host or a later one, of the setting alone or its whole domain: the others vote."""
    values = fleet(6, web6="9000")
    values["web4"][SOMAXCONN] = "128"
    for host in silent:
        del values[host][SOMAXCONN]
    (group,) = census(values, unread={host: {key: REFUSED} for host in silent}).outliers()
    (odd,) = (odd for odd in group.odd if odd.name == SOMAXCONN)
    assert ("4096", 5 - len(silent)) == (odd.usual.text, len(odd.usual.hosts))
    assert [("128", ("web4",))] == [(value.text, value.hosts) for value in odd.others]
    assert ("web6",) == next(odd.hosts for odd in group.odd if odd.name == MTU)


def test_what_is_not_known_of_one_is_not_alike_on_all():
    """Nor is it odd."""
    values = fleet(4)
    del values["web2"][SOMAXCONN]
    for order in (1, -1):
        (group,) = census(dict(list(values.items())[::order]), unread={"web2": {SOMAXCONN: REFUSED}}).outliers()
        assert ((), (), 1) == (group.odd, group.varying, group.agreed)


def test_fewer_than_three_that_are_known_have_no_majority():
    """Though their group is large enough."""
    values = {f"web{n}": {SOMAXCONN: str(n)} if n < 2 else {} for n in range(9)}
    (group,) = census(values, unread={f"web{n}": {SOMAXCONN: REFUSED} for n in range(2, 9)}).outliers()
    assert ((), (SOMAXCONN,)) == (group.odd, group.varying)


def test_what_is_not_known_is_listed_by_name_and_reason():
    """The same of several hosts is one."""
    cut = Absent(AbsentReason.NOT_FINISHED)
    unread = {"web10": {"sysctl": cut, SOMAXCONN: REFUSED}, "web9": {SOMAXCONN: REFUSED}, "db1": {SOMAXCONN: cut}}
    assert (
        NotKnown(SOMAXCONN, "not finished", ("db1",)),
        NotKnown(SOMAXCONN, "not permitted: needs root", ("web9", "web10")),
        NotKnown("sysctl", "not finished", ("web10",)),
    ) == not_known(unread)


def test_without_a_majority_nobody_is_odd():
    """What differs on every host is told apart."""
    values = {f"web{n}": {MTU: str(1000 + n), SOMAXCONN: "4096"} for n in range(5)}
    (group,) = census(values).outliers()
    assert ((), (MTU,)) == (group.odd, group.varying)


def test_two_hosts_are_no_majority():
    """A group that is too small is named, and judged not at all."""
    made = census(fleet(2, web2="9000"))
    assert () == made.outliers()
    assert (("web", ("web1", "web2")),) == made.too_small()


def test_what_the_kernel_sizes_is_compared_between_machines_of_one_size():
    """Ten large hosts and one small one: its tcp_mem is no oddity; that of one large host is."""
    made = Census()
    for n in range(10):
        made.add(f"web{n}", ("web",), "large", {"net.ipv4.tcp_mem": "9 9 9" if n == 3 else "1 2 3"})
    made.add("web10", ("web",), "small", {"net.ipv4.tcp_mem": "0 1 2"})
    (group,) = made.outliers()
    assert [("net.ipv4.tcp_mem", Kind.SIZED, "large", ("web3",))] == [
        (odd.name, odd.kind, odd.size, odd.hosts) for odd in group.odd
    ]


def test_the_most_telling_comes_first():
    """A rare value before a frequent one, what a check judges before what none does, settings before machines."""
    values = fleet(10, web1="9000")
    for n in range(1, 4):
        values[f"web{n}"][SOMAXCONN] = "128"
    values["web9"]["kernel release"] = "6.1"
    for host, settings in values.items():
        settings.setdefault("kernel release", "6.18" if host != "web9" else "6.1")
    assert [MTU, SOMAXCONN, "kernel release"] == [odd.name for odd in census(values).outliers()[0].odd]
    judged = census(values, matters=lambda name: name == SOMAXCONN)
    assert SOMAXCONN == judged.outliers()[0].odd[0].name


def test_a_host_in_two_groups_is_held_against_both():
    """It may be usual in one and odd in the other."""
    made = Census()
    for n in range(4):
        made.add(f"web{n}", ("web", "all") if n else ("web", "lone", "all"), "", {MTU: "9000"})
    for n in range(8):
        made.add(f"db{n}", ("db", "all"), "", {MTU: "1500"})
    assert {"all": ("web0", "web1", "web2", "web3")} == {
        group.group: group.odd[0].hosts for group in made.outliers() if group.odd
    }


def test_against_one_host():
    """What others have, where it has something else; what matters first."""
    reference = {MTU: "1500", SOMAXCONN: "4096", "a": "1"}
    others = {"web2": {MTU: "9000", SOMAXCONN: "4096", "a": "2"}, "web3": {MTU: "9000", SOMAXCONN: "128"}}
    found = against(reference, others, lambda name: name == SOMAXCONN)
    assert [SOMAXCONN, "a", MTU] == [each.name for each in found]
    assert [("2", ("web2",)), (None, ("web3",))] == sorted(
        ((value.text, value.hosts) for value in found[1].values), key=lambda pair: pair[0] or "~"
    )


def test_against_one_host_what_is_not_known_is_no_difference():
    """Neither where the others have a value nor where that one has."""
    reference, others = {MTU: "1500"}, {"web2": {SOMAXCONN: "128", MTU: "1500"}, "web3": {SOMAXCONN: "4096"}}

    def found(unread, of_reference):
        return {each.name for each in against(reference, others, lambda _: False, unread, of_reference)}

    assert {SOMAXCONN, MTU} == found({}, ())
    assert {MTU} == found({}, {"sysctl"})
    assert {SOMAXCONN} == found({"web3": {"eth0 mtu": REFUSED}}, ())


@given(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=12), st.randoms())
def test_the_census_is_that_of_counting(values, random):
    """Whatever the order of the hosts: the usual value is the most frequent one, and odd are all with another."""
    named = {f"h{place}": {"x": value} if value else {} for place, value in enumerate(values)}
    order = list(named)
    random.shuffle(order)
    found = census({host: named[host] for host in order}).outliers()
    top = max(values.count(value) for value in set(values))
    if len(values) < LEAST_HOSTS:
        assert () == found
    elif top / len(values) < MAJORITY:
        assert ("x",) == found[0].varying
    elif len(set(values)) == 1:
        assert () == found[0].odd
    else:
        usual = found[0].odd[0].usual
        assert top == len(usual.hosts)
        assert set(named) - set(usual.hosts) == set(found[0].odd[0].hosts)
        assert all(named[host].get("x") == usual.text for host in usual.hosts)
