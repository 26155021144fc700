"""Hosts compared with each other, from stored captures and on the lab."""

from __future__ import annotations

import pytest

GROUPS = {"web1": ("web",), "web2": ("web",), "web3": ("web",), "web4": ("web",), "db1": ("db",)}
SOMAXCONN = (b"==> net/core/somaxconn <==\n4096", b"==> net/core/somaxconn <==\n128")


def odd_of(said: dict, group: str) -> dict:
    """What is odd in one group: name -> value -> hosts."""
    (found,) = [each for each in said["groups"] if each["group"] == group]
    return {odd["name"]: {value["value"]: value["hosts"] for value in odd["values"]} for odd in found["odd"]}


@pytest.fixture
def captures(stored, host, edit):
    """Five recorded hosts, one of them with a smaller accept queue."""
    hosts = [host(name, {"sysctl": edit(SOMAXCONN)} if name == "web3" else None) for name in GROUPS]
    return stored(*hosts, groups=GROUPS)


def test_the_odd_one_is_named(netaudit, captures, published):
    """By the groups of the inventory; a group of one host is said to be too small."""
    said = netaudit("outliers", "--from", captures, "-o", "json").json()
    published("outliers-1", said)
    assert {"net.core.somaxconn": {"128": ["web3"]}} == odd_of(said, "web")
    assert [{"group": "db", "hosts": ["db1"]}] == said["too_small"]


def test_what_could_not_be_read_is_not_none(netaudit, stored, host, edit, published):
    """A host that does not let its login read the size of a table has no part in the vote on it, and is listed."""
    path = b"sys/module/nf_conntrack/parameters/hashsize"
    other, hidden = edit((path + b":", path + b":9")), edit((path + b":", b"#! " + path + b": not permitted\n#"))
    edits = {"web1": hidden, "web4": other}
    folder = stored(*(host(name, {"conntrack": edits.get(name, bytes)}) for name in GROUPS))
    said = netaudit("outliers", "--from", folder, "--by", "all", "-o", "json").json()
    published("outliers-1", said)
    (odd,) = said["groups"][0]["odd"]
    assert ("conntrack hashsize", 3, ["web4"]) == (odd["name"], odd["usual_hosts"], odd["values"][0]["hosts"])
    reason = f"not permitted: {path.decode()}"
    assert [{"name": "conntrack hashsize", "reason": reason, "hosts": ["web1"]}] == said["not_known"]
    said = netaudit("outliers", "--from", folder, "--by", "all").out
    assert f"web1: conntrack hashsize: {reason}" in " ".join(said.split())
    for reference, differing in (("web1", []), ("web2", [["web4"]])):
        said = netaudit("outliers", "--from", folder, "--against", reference, "-o", "json").json()
        assert differing == [value["hosts"] for each in said["differences"] for value in each["values"]]


def test_by_something_else(netaudit, captures, published):
    """All hosts as one group, or those of one kernel, which is the same here."""
    for by in ("all", "kernel", "driver", "size", "distribution", "virtualization"):
        said = netaudit("outliers", "--from", captures, "--by", by, "-o", "json").json()
        (group,) = said["groups"]
        assert {"net.core.somaxconn": {"128": ["web3"]}} == odd_of(said, group["group"])
        assert 5 == group["hosts"]


def test_by_any_fact(netaudit, captures):
    """By its path: those of one value are compared, also of one setting. What nobody tells is one group."""
    said = netaudit("outliers", "--from", captures, "--by", "facts.kernel.machine", "-o", "json").json()
    assert [("x86_64", 5)] == [(group["group"], group["hosts"]) for group in said["groups"]]
    said = netaudit("outliers", "--from", captures, "--by", "facts.sysctl.net.core.somaxconn", "-o", "json").json()
    assert [("4096", 4)] == [(group["group"], group["hosts"]) for group in said["groups"]]
    assert [{"group": "128", "hosts": ["web3"]}] == said["too_small"]
    said = netaudit("outliers", "--from", captures, "--by", "facts.cpu.nothing", "-o", "json").json()
    assert [("not known", 5)] == [(group["group"], group["hosts"]) for group in said["groups"]]


def test_by_a_variable_of_the_inventory(netaudit, captures, tmp_path):
    """Hosts that lack the variable are a group of their own."""
    inventory = tmp_path / "hosts.ini"
    inventory.write_text("web1 rack=a\nweb2 rack=a\nweb3 rack=a\nweb4 rack=b\ndb1\n")
    said = netaudit("outliers", "--from", captures, "-i", inventory, "--by", "rack", "-o", "json").json()
    assert ["a"] == [group["group"] for group in said["groups"]]
    assert ["b", "without it"] == [group["group"] for group in said["too_small"]]


def test_against_one_host(netaudit, captures, published):
    """Without a majority: how the others differ from it."""
    said = netaudit("outliers", "--from", captures, "--against", "web3", "-o", "json").json()
    published("outliers-1", said)
    (difference,) = said["differences"]
    assert ("net.core.somaxconn", "128") == (difference["name"], difference["reference"])
    assert [{"value": "4096", "hosts": ["db1", "web1", "web2", "web4"]}] == difference["values"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--by", "rakc"), "--by rakc: no host has such a variable"),
        (("--by", "facts.kernle.machine"), "did you mean 'kernel'?"),
        (("--by", "facts.kernel"), "--by facts.kernel: facts.DOMAIN.NAME"),
        (("--against", "nobody"), "--against nobody: not one of the hosts"),
        (("-o", "xml"), "xml"),
    ],
)
def test_misuse_is_one_line(netaudit, captures, words, said):
    """Exit 2, before anything is read."""
    done = netaudit("outliers", "--from", captures, *words, code=2)
    assert said in done.err
    assert "" == done.out


def test_a_host_to_compare_with_must_have_answered(netaudit, stored, host):
    """Its error is nothing to hold others against."""
    from netaudit.errors import ErrorKind, Phase
    from netaudit.model.probe import HostError

    gone = host("web1", error=HostError(ErrorKind.TIMEOUT, "no whole answer", Phase.SESSION))
    done = netaudit("outliers", "--from", stored(gone, host("web2")), "--against", "web1", code=2)
    assert "it gave no answer" in done.err


def test_deviations_can_fail_a_run(netaudit, captures):
    """They are of severity low: the default does not mind them."""
    netaudit("outliers", "--from", captures, code=0)
    netaudit("outliers", "--from", captures, "--fail-on", "low", code=1)


@pytest.mark.xdist_group("lab")
def test_on_a_real_fleet(netaudit, lab_fleet, patient, published):
    """The faults of the lab are found without any baseline, and the host that cannot be reached is listed."""
    lab, _ = lab_fleet
    said = netaudit("outliers", "-i", lab.inventory, "--by", "all", "-o", "json", *patient, code=3).json()
    published("outliers-1", said)
    odd = odd_of(said, "all")
    assert "9000" in odd["eth0 mtu"] or "1400" in odd["eth0 mtu"]
    assert "128" in odd["net.core.somaxconn"]
    assert "128" in odd["next boot net.core.somaxconn"]
    assert [] != said["silent"]
