"""What a host may answer that no kernel prints: nothing of it is obeyed, nothing passes for a value, nothing breaks."""

from __future__ import annotations

import re
import unicodedata

import pytest

EVIL = "\x1b]0;owned\x07\x1b[31m<script>alert(1)</script>\u202e\x9b2J[/bold]"

SITE = """
baseline: site
define:
  - id: site.overflows
    title: Counter
    layer: listener
    kind: state
    severity: high
    why: A test.
    value: facts.netstat['TcpExt.ListenOverflows']
    expect: {at_most: 1000000}
  - id: site.somaxconn
    title: Number
    layer: listener
    kind: setting
    severity: high
    why: A test.
    value: sysctl['net.core.somaxconn']
    expect: {at_least: 1}
  - id: site.congestion
    title: Text
    layer: transport
    kind: setting
    severity: high
    why: A test.
    value: sysctl['net.ipv4.tcp_congestion_control']
    expect: {one_of: [cubic, bbr]}
  - id: site.interfaces
    title: Names
    layer: nic
    kind: state
    severity: high
    why: A test.
    for_each: {name: nic, in: facts.nics, where: "nic.name != 'lo'", subject: "{{ nic.name }}"}
    value: nic.mtu
    expect: {equals: 1}
  - id: site.listeners
    title: Processes
    layer: listener
    kind: state
    severity: high
    why: A test.
    for_each: {name: one, in: facts.listeners, subject: "{{ one.process }}"}
    value: one.backlog
    expect: {at_least: 1000000}
"""


def setting(name: str, value: bytes):
    """An edit of what the probe ``sysctl`` printed for one setting."""
    path = name.replace(".", "/").encode()

    def edit(text: bytes) -> bytes:
        edited, count = re.subn(rb"(==> %s <==\n)[^\n]*" % path, lambda head: head[1] + value, text)
        assert 1 == count, f"{name} was not recorded"
        return edited

    return edit


def everywhere(edit):
    """The same edit of what every probe printed."""
    return dict.fromkeys(
        [
            "sysctl", "counters", "sockets", "nics", "softnet", "qdisc", "routes", "conntrack", "firewall", "system",
            "persisted", "writers", "namespaces", "kernel_log", "tracing",
        ],
        edit,
    )  # fmt: skip


QUIET = "host.dmesg_network_patterns"  # a kernel log without a word on the network is an empty answer
EVIL_BYTES = EVIL.encode().replace(b"\n", b"")
MANGLED = {
    "escapes": everywhere(lambda text: text.replace(b"python3", EVIL_BYTES).replace(b"eth0", b"e\x1b[31m<b>x")),
    "latin": everywhere(lambda text: text.replace(b"e", b"\xe9")),
    "no-text": everywhere(lambda text: bytes(byte ^ 0xA5 for byte in text)),
    "nul": everywhere(lambda text: text.replace(b" ", b"\0")),
    "half": everywhere(lambda text: text[: len(text) // 2]),
    "huge-numbers": everywhere(lambda text: re.sub(rb"[0-9]+", b"9" * 5000, text[:2000])),
    "negative": everywhere(lambda text: re.sub(rb"\b([0-9]+)", rb"-\1", text)),
    "not-ascii-digits": everywhere(lambda text: text.replace(b"1", "١".encode())),
    "carriage-returns": everywhere(lambda text: text.replace(b"\n", b"\r\n")),
    "one-line": everywhere(lambda text: text.replace(b"\n", b" ")),
    "doubled": everywhere(lambda text: text + text),
    "silent": everywhere(lambda text: b""),
}


def _obeyed(text: str) -> list[str]:
    """The signs of a text that a terminal might obey."""
    return [sign for sign in text if sign != "\n" and unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


@pytest.fixture
def site(netaudit):
    """A baseline whose checks show exactly what is edited here."""
    (netaudit.home / "site.yaml").write_text(SITE)
    return netaudit.home / "site.yaml"


def _results(done, published):
    """Results by host and check, of a report that is as published."""
    audit = done.json()
    published("audit-1", audit)
    return {each["name"]: {result["check"]: result for result in each["results"]} for each in audit["hosts"]}


def test_answers_that_no_kernel_gives(netaudit, host, stored, published):
    """Every host has a whole report, none of it a defect; a host that said nothing passes nothing."""
    folder = stored(host("good"), *(host(name, edits) for name, edits in MANGLED.items()))
    done = netaudit("audit", "--from", folder, "-o", "json", "-o", "console=seen.txt", code=1)
    results = _results(done, published)
    assert ["good", *MANGLED] == list(results)
    assert {"ok"} == {each["status"] for each in done.json()["hosts"]}
    assert "internal" not in done.err
    passed = {name: {check for check, each in of.items() if each["status"] == "pass"} for name, of in results.items()}
    assert len(passed["good"]) > 30
    assert {QUIET} == passed["silent"]
    assert passed["no-text"] <= {QUIET}
    assert "owned" in done.out, "it was looked at"
    assert [] == _obeyed(done.out)
    assert [] == _obeyed(done.err)
    assert [] == _obeyed((netaudit.home / "seen.txt").read_text())


def test_text_of_a_host_is_data(netaudit, host, stored, site, published):
    """Escapes and HTML in values, interface and process names are shown as text, here and out of the history."""
    folder = stored(
        host("web1", {
            "sysctl": setting("net.ipv4.tcp_congestion_control", EVIL_BYTES),
            "nics": lambda text: text.replace(b"eth0", EVIL_BYTES),
            "sockets": lambda text: text.replace(b"python3", EVIL_BYTES),
        })
    )  # fmt: skip
    done = netaudit("audit", "--from", folder, "-b", site, "-o", "json", "-o", "console=seen.txt", code=1)
    results = _results(done, published)["web1"]
    assert EVIL == results["site.congestion"]["observed"]
    assert EVIL in [item["subject"] for item in results["site.interfaces"]["items"]]
    assert any(EVIL in item["subject"] for item in results["site.listeners"]["items"])
    again = netaudit("show", "last", code=1)
    for text in ((netaudit.home / "seen.txt").read_text(), again.out, done.err, done.out):
        assert [] == _obeyed(text)
    assert r"\x1b]0;owned\x07\x1b[31m<script>alert(1)</script>\u202e\x9b2J[/bold]" in "".join(again.out.split())
    facts = netaudit("facts", "web1", "--from", folder)
    assert EVIL == facts.json()["sysctl"]["net.ipv4.tcp_congestion_control"]
    assert [] == _obeyed(facts.out)


@pytest.mark.parametrize(
    "value", [b"4096\t4096\t4096", b"", b"4k", b"0x1000", b"1_000", b"\xff\xfe4096", "٤٠٩٦".encode(), b"9" * 5000],
    ids=["vector", "empty", "unit", "hex", "underscore", "bytes", "arabic", "endless"],
)  # fmt: skip
def test_a_number_that_is_none(netaudit, host, stored, site, published, value):
    """A vector, a text, digits of another script: not understood, or told as wrong; never a pass."""
    folder = stored(host("good"), host("odd", {"sysctl": setting("net.core.somaxconn", value)}))
    done = netaudit("audit", "--from", folder, "-b", site, "-q", "-o", "json", code=1)
    results = _results(done, published)
    assert "pass" == results["good"]["site.somaxconn"]["status"]
    odd = results["odd"]["site.somaxconn"]
    assert ("unknown", True) == (odd["status"], bool(odd["reason"])), odd


def test_a_counter_that_this_kernel_does_not_have(netaudit, host, stored, site, edit, published):
    """A name that is not in /proc/net/netstat is not zero: the check is unknown and says which name."""
    folder = stored(host("good"), host("old", {"counters": edit((b"ListenOverflows", b"ListenOverflowz"))}))
    results = _results(netaudit("audit", "--from", folder, "-b", site, "-q", "-o", "json", code=1), published)
    assert "pass" == results["good"]["site.overflows"]["status"]
    old = results["old"]["site.overflows"]
    assert "unknown" == old["status"]
    assert "TcpExt.ListenOverflows" in old["reason"]


def test_a_clock_that_is_wrong(netaudit, host, stored):
    """A host may think it is 1970 or 2106: its findings and the time of its capture are those of any other."""

    def clock(value: bytes):
        return {"system": lambda text: re.sub(rb"btime [0-9]+", b"btime " + value, text)}

    names = ("now", "past", "future", "beyond")
    folder = stored(
        host("now"), host("past", clock(b"0")), host("future", clock(b"4294967295")), host("beyond", clock(b"9" * 18))
    )
    done = netaudit("audit", "--from", folder, "-q", "-o", "json", code=1)
    verdicts = {
        each["name"]: [(result["check"], result["status"]) for result in each["results"]]
        for each in done.json()["hosts"]
    }
    assert 1 == len(set(map(tuple, verdicts.values())))
    taken = {name: netaudit("facts", name, "--from", folder).json() for name in names[:2]}
    assert {"2026-06-01T12:00:00Z"} == {facts["taken_at"] for facts in taken.values()}
    assert taken["past"]["kernel"]["clock_s"] < 10**6 < taken["now"]["kernel"]["clock_s"]


def test_hosts_that_are_called_strangely(netaudit, host, stored):
    """A captured host's name is data as well: no escape of it reaches a terminal."""
    folder = stored(host("web1"))
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"name": "web1"', '"name": "\\u001b[31mweb1"'))
    done = netaudit("audit", "--from", folder, code=None)
    assert done.code in {2, 3}
    assert [] == _obeyed(done.out + done.err)
