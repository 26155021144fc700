"""Equal findings of many hosts become one."""

from __future__ import annotations

import random
import tracemalloc
from dataclasses import replace
from types import ModuleType

import pytest

from netaudit.errors import ErrorKind, Phase
from netaudit.fleet.fold import Fold, Folded
from netaudit.fleet.lines import MAX_LINES
from netaudit.fleet.spread import MAX_TEXT_CHARS, MAX_VALUES, Counter, plain
from netaudit.model.probe import HostError
from netaudit.model.result import HostReport, HostStatus, Item, Result, Severity, Verdict


def _host(name: str, *results: Result, notes: tuple[str, ...] = ()) -> HostReport:
    return HostReport(name, "198.18.0.1", HostStatus.OK, None, 0.1, results, notes)


def _fold(*reports: HostReport, groups: dict[str, tuple[str, ...]] | None = None) -> Folded:
    fold = Fold(groups)
    for report in reports:
        fold.add(report)
    return fold.folded()


def _item(subject: str, observed: object, expected: str = ">= 4096") -> Item:
    return Item(subject, Verdict.FAIL, Severity.HIGH, observed, expected, f"evidence of {subject}")


def _with_items(result: Result, *items: Item) -> Result:
    return replace(result, items=items)


def test_equal_findings_are_one_line(made_up: ModuleType) -> None:
    """37 hosts with the same short queue are one line that names them all."""
    folded = _fold(*(_host(f"web{number}", made_up.somaxconn(128)) for number in range(1, 38)))
    (finding,) = folded.findings
    (line,) = finding.lines
    assert line.hosts == tuple(f"web{number}" for number in range(1, 38))
    assert line.observed.values == ((128, 37),)
    assert line.expected.values == ((">= 4096", 37),)
    assert line.example.evidence == "/proc/sys/net/core/somaxconn = 128"
    assert finding.severity is Severity.CRITICAL
    assert folded.summary.findings[Severity.CRITICAL] == 37


def test_numbers_that_differ_are_a_spread(made_up: ModuleType) -> None:
    """128 on 36 hosts and 100 on one are one line with both."""
    hosts = [_host(f"web{number}", made_up.somaxconn(128)) for number in range(36)]
    folded = _fold(*hosts, _host("web99", made_up.somaxconn(100)))
    (line,) = folded.findings[0].lines
    assert line.observed.values == ((128, 36), (100, 1))
    assert (line.observed.low, line.observed.high) == (100, 128)


def test_expectations_that_differ_are_lines_of_one_finding(made_up: ModuleType) -> None:
    """What a group overrides stands apart from what the others should have."""
    folded = _fold(
        _host("db1", made_up.somaxconn(128, 16384)),
        _host("web1", made_up.somaxconn(128)),
        _host("web2", made_up.somaxconn(128)),
    )
    (finding,) = folded.findings
    assert [(line.hosts, line.expected.values[0][0]) for line in finding.lines] == [
        (("web1", "web2"), ">= 4096"),
        (("db1",), ">= 16384"),
    ]
    assert finding.hosts == ("db1", "web1", "web2")


def test_too_many_expectations_are_one_line(made_up: ModuleType) -> None:
    """A formula over memory gives a number of its own for every host; that is still one line."""
    folded = _fold(*(_host(f"web{number}", made_up.somaxconn(128, 4096 + number)) for number in range(100)))
    (line,) = folded.findings[0].lines
    assert len(line.hosts) == 100
    assert line.expected.total == 100


def test_items_are_folded_by_subject(made_up: ModuleType) -> None:
    """The same two interfaces on all hosts are two lines, each with all hosts."""
    hosts = [_host(f"web{n}", _with_items(made_up.ring(256), _item("eth0", 256), _item("eth1", 512))) for n in range(5)]
    (finding,) = _fold(*hosts).findings
    assert [(line.subjects.values, len(line.hosts)) for line in finding.lines] == [
        ((("eth0", 5),), 5),
        ((("eth1", 5),), 5),
    ]
    assert finding.severity is Severity.HIGH  # that of the items


def test_a_line_tells_the_reason_and_the_fix_of_its_own_subject(made_up: ModuleType) -> None:
    """A milder subject is not told what to do about the worst one of its result."""
    worst = replace(_item("eth0", 1), severity=Severity.CRITICAL, fix="mend eth0", reason="dead")
    mild = replace(_item("eth1", 2), fix="mend eth1", reason="slow")
    found = _fold(_host("web1", replace(_with_items(made_up.ring(256), worst, mild), fix="mend eth0"))).findings
    assert [(each.severity, each.lines[0].example.fix, each.lines[0].example.reason) for each in found] == [
        (Severity.CRITICAL, "mend eth0", "dead"),
        (Severity.HIGH, "mend eth1", "slow"),
    ]


def test_too_many_subjects_are_joined_by_expectation(made_up: ModuleType) -> None:
    """Every host listens on its own address: one line, with the subjects as a spread."""
    hosts = [
        _host(f"web{n}", _with_items(made_up.ring(256), _item(f"10.0.0.{n}:443", 128), _item("eth1", 512, ">= 1")))
        for n in range(50)
    ]
    (finding,) = _fold(*hosts).findings
    assert [(line.expected.values[0][0], len(line.hosts), line.subjects.total) for line in finding.lines] == [
        (">= 4096", 50, 50),
        (">= 1", 50, 50),
    ]


def test_no_finding_has_many_lines(made_up: ModuleType) -> None:
    """Whatever hosts send, a summary stays one."""
    hosts = [
        _host(f"web{n}", _with_items(made_up.ring(256), *(_item(f"if{n}.{i}", i, f">= {i * n}") for i in range(20))))
        for n in range(50)
    ]
    (finding,) = _fold(*hosts).findings
    assert len(finding.lines) <= MAX_LINES
    assert sum(line.observed.total for line in finding.lines) == 1000


def test_a_result_whose_items_passed_counts_by_itself(made_up: ModuleType) -> None:
    """Items that did not fail are not findings."""
    unknown = replace(_item("eth0", 1), verdict=Verdict.UNKNOWN)
    (finding,) = _fold(_host("web1", _with_items(made_up.ring(256), unknown))).findings
    assert finding.severity is Severity.MEDIUM
    assert not finding.lines[0].subjects


def test_findings_are_ordered_by_severity_then_hosts(made_up: ModuleType) -> None:
    """What is worst comes first, and of equals what is widest."""
    folded = _fold(
        _host("a1", made_up.rmem(1), made_up.ring(256)),
        _host("a2", made_up.lost_at_boot("net.core.somaxconn"), made_up.somaxconn(128)),
        _host("a3", made_up.lost_at_boot("net.core.somaxconn"), made_up.somaxconn(511)),
    )
    assert [(finding.severity.value, finding.check) for finding in folded.findings] == [
        ("critical", "tcp.accept_queue.somaxconn"),
        ("high", "tcp.accept_queue.somaxconn"),
        ("medium", "sysctl.persisted"),
        ("medium", "nic.ring.rx"),
        ("low", "tcp.rmem.max"),
    ]


def test_a_line_names_the_group_that_holds_its_hosts(made_up: ModuleType) -> None:
    """The smallest one, and not those that hold everybody."""
    groups = {f"web{n}": ("all", "prod", "web") for n in range(10)} | {"db1": ("all", "prod")}
    folded = _fold(*(_host(f"web{n}", made_up.somaxconn(128)) for n in range(7)), groups=groups)
    line = folded.findings[0].lines[0]
    assert (line.group, line.group_hosts) == ("web", 10)
    mixed = _fold(*(_host(name, made_up.somaxconn(128)) for name in ("web1", "db1")), groups=groups)
    assert (mixed.findings[0].lines[0].group, mixed.findings[0].lines[0].group_hosts) == ("prod", 11)
    alone = _fold(_host("web1", made_up.somaxconn(128)), groups=groups)
    assert alone.findings[0].lines[0].group is None
    strangers = _fold(*(_host(name, made_up.somaxconn(128)) for name in ("web1", "other")), groups=groups)
    assert strangers.findings[0].lines[0].group is None


def test_the_order_of_hosts_does_not_matter(made_up: ModuleType) -> None:
    """Hosts end in any order; what is shown is the same."""
    reports = list(made_up.fleet_of(120, checks=3))
    shuffled = reports[:]
    random.Random(7).shuffle(shuffled)
    assert _fold(*reports) == _fold(*shuffled)


def test_hosts_without_verdict_share_what_they_say(made_up: ModuleType) -> None:
    """Messages that differ only in names, addresses, numbers and fingerprints are one."""
    troubles = _fold(*(made_up.silent(f"db{n}", n) for n in range(1, 31))).troubles
    assert [(bin_.kind.error, len(bin_.hosts), bin_.uniform) for bin_ in troubles] == [
        ("become-failed", 10, True),
        ("host-key-mismatch", 10, False),
        ("refused", 10, False),
    ]
    assert troubles[2].text.startswith("198.18.0.1 port 22")
    assert troubles[2].detail == "is sshd running, and does it listen on this port?"


def test_messages_without_likeness_are_bounded() -> None:
    """A fleet on which every host says something else does not fill memory or the screen."""
    words = [f"{a}{b}" for a in "abcdefghij" for b in "abcdefghijklmnopqrst"]
    reports = [
        HostReport(
            f"h{n}", "", HostStatus.ERROR, HostError(ErrorKind.BAD_ANSWER, word, Phase.ANSWER), 0.1, notes=(word,)
        )
        for n, word in enumerate(words)
    ]
    folded = _fold(*reports)
    assert len(folded.troubles) == len(folded.notes) == 41
    assert sum(len(each.hosts) for each in folded.troubles) == len(words)


def test_unknown_and_waived_are_counted(made_up: ModuleType) -> None:
    """By reason, over checks and hosts; neither is a pass and neither is a failure."""
    folded = _fold(
        _host("web1", made_up.unknown(1), made_up.unknown(2), made_up.waived()),
        _host("web2", made_up.unknown(1), made_up.skipped(), made_up.passed(1, "ip"), notes=("noise of 12 bytes",)),
        _host("web3", made_up.waived(), notes=("noise of 9 bytes",)),
    )
    (unknown,) = folded.unknown
    assert (unknown.text, unknown.count, unknown.hosts, unknown.sources) == (
        made_up.NO_ROOT,
        3,
        ("web1", "web2"),
        ("conntrack.entry_1", "conntrack.entry_2"),
    )
    (waived,) = folded.waived
    assert (waived.kind.check, waived.kind.waived, waived.hosts) == ("ip.rp_filter", made_up.WAIVER, ("web1", "web3"))
    assert (folded.summary.unknown, folded.summary.waived) == (3, 2)
    assert (folded.passed, folded.skipped, folded.clean_hosts) == (1, 1, 3)
    (note,) = folded.notes
    assert (note.text, note.uniform, len(note.hosts)) == ("noise of 12 bytes", False, 2)


def test_the_only_host_is_kept(made_up: ModuleType) -> None:
    """A run over one host shows that host; with more, no report is kept."""
    report = made_up.host("web1", 1, 3)
    assert _fold(report).only == report
    assert _fold(report, made_up.host("web2", 2, 3)).only is None


def test_findings_of_the_fleet_count_in_the_totals(made_up: ModuleType) -> None:
    """They have a severity like any other."""
    fold = Fold()
    fold.add(_host("web1", made_up.somaxconn(128)))
    assert fold.folded([made_up.mtu_finding(40)]).summary.findings[Severity.HIGH] == 1
    assert fold.summary().findings[Severity.HIGH] == 0


def test_memory_is_names_and_small_keys(made_up: ModuleType) -> None:
    """A thousand hosts with long texts cost less than their names and a pointer per finding would suggest."""
    fold = Fold()
    long_text = "x" * 10_000
    tracemalloc.start()
    for number in range(1000):
        result = replace(made_up.somaxconn(128), observed=long_text + str(number), evidence=long_text + "é" * number)
        fold.add(_host(f"web{number}", result, made_up.unknown(1), made_up.waived()))
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept_bytes < 600_000


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        (float("nan"), "nan"),
        ([1, [2]], (1, (2,))),
        ({"b": 1, "a": None}, '{"a": null, "b": 1}'),
        (10**100, f"a number of {(10**100).bit_length()} bits"),
        (b"\xff", "b'\\xff'"),
        ("x" * 500, "x" * MAX_TEXT_CHARS + "…"),
    ],
)
def test_values_are_kept_small(value: object, kept: object) -> None:
    """Whatever a check observed can be counted."""
    assert plain(value) == kept


def test_a_counter_keeps_few_values_apart() -> None:
    """What is beyond them is counted together, and numbers still have their bounds."""
    counter = Counter()
    for number in range(1000):
        counter.add(number)
    spread = counter.spread()
    assert (len(spread.values), spread.others, spread.low, spread.high) == (MAX_VALUES, 1000 - MAX_VALUES, 0, 999)


def test_true_is_not_one() -> None:
    """Values of different types are different values; text has no bounds."""
    counter = Counter()
    for value in (True, 1, "1", 1.0, None):
        counter.add(value)
    spread = counter.spread()
    assert len(spread.values) == 5
    assert spread.low is None
