"""The commands beside the audit: what they print, where, and how they end."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess

import pytest

LAB = [pytest.mark.lab, pytest.mark.xdist_group("lab")]


def _lab_words(lab, *more):
    return ("-i", lab.inventory, "--connect-timeout", "60s", "--timeout", "140s", *more)


@pytest.mark.lab
@pytest.mark.xdist_group("lab")
def test_facts_of_one_host(netaudit, lab_fleet, lab_hosts):
    """JSON on standard output with all that the contract names; 3 and a reason without an answer."""
    lab, plans = lab_fleet
    facts = netaudit("facts", "db01", *_lab_words(lab)).json()
    assert {
        "sysctl", "netstat", "snmp", "listeners", "nics", "conntrack", "softnet", "sockstat", "memory", "cpu", "kernel",
        "limits", "persisted", "writers", "namespaces",
    } <= facts.keys()  # fmt: skip
    assert ("db01", plans["db01"].address) == (facts["host"], facts["address"])
    assert "4096" == facts["sysctl"]["net.core.somaxconn"]
    assert re.fullmatch(r"[0-9]+ [0-9]+ [0-9]+", facts["sysctl"]["net.ipv4.tcp_rmem"]), "tabs are single spaces"
    assert isinstance(facts["netstat"]["TcpExt.ListenOverflows"], int)
    assert isinstance(facts["snmp"]["Tcp.RetransSegs"], int)
    (listener,) = [each for each in facts["listeners"] if each["port"] == 5432]
    assert ("0.0.0.0", 128, "shop-db", 0) == tuple(listener[key] for key in ("address", "backlog", "process", "queue"))
    assert listener["pid"] > 1
    (nic,) = [each for each in facts["nics"] if each["name"] == "eth0"]
    assert 1500 == nic["mtu"]
    assert {"driver", "speed_mbps", "rings", "counters"} <= nic.keys()
    assert "not applicable" == nic["driver"]["absent"], "there is no device behind a veth"
    assert "60-site.conf" in json.dumps(facts["persisted"])
    lost = netaudit("facts", "db02", *_lab_words(lab), code=3)
    assert "" == lost.out
    assert re.search(r"^netaudit: db02: connect-timeout: .+ \(.+\)$", lost.err, re.MULTILINE)


@pytest.mark.lab
@pytest.mark.xdist_group("lab")
def test_collect_and_evaluate_later(netaudit, lab_fleet, published):
    """What was collected is audited without any host; verdicts are those of the hosts; names and groups count."""
    lab, _ = lab_fleet
    done = netaudit("collect", "db*:web02", *_lab_words(lab), "-o", "captures", code=3)
    assert "" == done.out
    folder = netaudit.home / "captures"
    assert 0o700 == folder.stat().st_mode & 0o777
    assert {0o600} == {path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert sorted(path.name for path in folder.glob("*.capture")) == [
        f"{place:04}-{name}.capture" for place, name in enumerate(["db01", "db02", "db03", "db04", "web02"])
    ]
    again = netaudit("collect", "db01", *_lab_words(lab), "-o", "captures", code=2)
    assert "netaudit: captures is not empty (captures are written into a directory of their own)" in again.err
    stored = netaudit("audit", "--from", "captures", "-b", lab.baseline, "-q", "-o", "json", code=3).json()
    published("audit-1", stored)
    assert ["db01", "db02", "db03", "db04", "web02"] == [each["name"] for each in stored["hosts"]]
    assert ["connect-timeout"] == [each["error"]["kind"] for each in stored["hosts"] if each["error"]]
    live = netaudit("audit", "db01,web02", *_lab_words(lab, "-b", lab.baseline), "-q", "-o", "json", code=1).json()
    by_name = {each["name"]: each for each in stored["hosts"]}
    for host in live["hosts"]:
        assert [(each["check"], each["status"]) for each in host["results"]] == [
            (each["check"], each["status"]) for each in by_name[host["name"]]["results"]
        ]
    only = netaudit("audit", "web", "--from", "captures", "-q", "-o", "json", code=1).json()
    assert ["web02"] == [each["name"] for each in only["hosts"]], "groups are those of the inventory"
    assert "128" == netaudit("facts", "web02", "--from", "captures").json()["sysctl"]["net.core.somaxconn"]


@pytest.mark.lab
@pytest.mark.xdist_group("lab")
def test_one_probe_on_hosts(netaudit, lab_fleet):
    """What it printed, a heading a host; a host that gives nothing is told; 3."""
    lab, _ = lab_fleet
    done = netaudit("probe", "run", "softnet", "db01:db02", *_lab_words(lab), "-q", code=3)
    assert re.search(r"^db01 \| complete, exit code 0, [0-9]+ ms >>$", done.out, re.MULTILINE)
    assert re.search(r"^db02 \| connect-timeout: ", done.out, re.MULTILINE)
    shown = netaudit("probe", "show", "softnet").out
    ran = subprocess.run(["sh", "-c", shown], capture_output=True, text=True, timeout=60).stdout
    assert ran.splitlines()[0] in done.out, "the same text by hand prints the same"


@pytest.mark.lab
@pytest.mark.xdist_group("lab")
def test_a_check_with_the_numbers_of_a_host(netaudit, lab_fleet):
    """The explanation ends with what the host has and what becomes of it; without an answer only that is missing."""
    lab, _ = lab_fleet
    words = ("check", "show", "tcp.accept_queue.somaxconn")
    plain = netaudit(*words).out
    told = netaudit(*words, "--host", "web02", *_lab_words(lab), "-q").out
    assert told.startswith(plain.rstrip("\n"))
    assert "observed: 128" in told
    assert "expected: >= 4096" in told
    lost = netaudit(*words, "--host", "db02", *_lab_words(lab), "-q", code=3)
    assert plain.rstrip("\n") == lost.out.rstrip("\n")
    assert "netaudit: db02: connect-timeout: " in lost.err


@pytest.mark.lab
@pytest.mark.xdist_group("lab")
def test_the_lab_by_command(netaudit, lab_fleet):
    """up, status, a second up, down, down again: each says how it is; the audit line that it prints works."""
    lab = netaudit.home / "small"
    up = netaudit("lab", "up", "--hosts", "2", "--dir", lab)
    try:
        assert re.match(r"2 hosts in [0-9.]+ s \([0-9]+ ms a host\)\n", up.out)
        status = netaudit("lab", "status", "--dir", lab).out
        assert status.startswith("2 of 2 hosts run in 198.1")
        assert f"there is a lab in {lab}" in netaudit("lab", "up", "--dir", lab, code=2).err
        (line,) = re.findall(r"netaudit (audit .*)", up.out)
        done = netaudit(*line.split(), "--timeout", "140s", "-q", "-o", "json", code=1)
        assert 2 == done.json()["summary"]["ok"]
    finally:
        down = netaudit("lab", "down", "--dir", lab)
    assert "the lab is gone\n" == down.out
    assert not lab.exists()
    assert "there was no lab\n" == netaudit("lab", "down", "--dir", lab).out
    assert "there is no lab in" in netaudit("lab", "status", "--dir", lab, code=2).err


def test_the_bundle_is_what_runs(netaudit):
    """The digest is the same each time; the payload runs by hand; the digest can be recomputed."""
    listed = netaudit("bundle").out
    digest = re.match(r"sha256 ([0-9a-f]{64})\n[0-9.]+ [kMKi]*B, [0-9]+ probes\n", listed)[1]
    shown = netaudit("bundle", "--show")
    assert digest in shown.err
    nonce = re.search(r"[0-9a-f]{32}", shown.out)[0]
    assert digest == hashlib.sha256(shown.out.replace(nonce, "0" * 32).encode()).hexdigest()
    assert nonce not in netaudit("bundle", "--show").out, "a nonce is used once"
    payload = netaudit.home / "payload.sh"
    payload.write_text(shown.out)
    ran = subprocess.Popen(  # as at a terminal: its input stays open, and its process group is its own
        ["sh", payload],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with ran:
        assert f"\n@netaudit {nonce} out done ".encode() in ran.stdout.read()
    assert 0 == ran.returncode
    everything = netaudit("bundle", "--all-probes").out
    peers = netaudit("bundle", "--all-probes", "-e", '{"peers": ["192.0.2.1"]}').out
    assert "\npath " in peers
    assert "\npath " not in everything
    assert everything.split()[1] != peers.split()[1]


def test_the_probes(netaudit, kit):
    """list names each file with what it costs; show prints it byte for byte."""
    files = {path.stem: path for path in (kit.root / "remote_probes").glob("*.sh")}
    listed = netaudit("probe", "list").out
    assert files.keys() == set(re.findall(r"^([a-z_]+) ", listed, re.MULTILINE))
    assert re.search(r"CPU +PROCESSES", listed)
    assert files["sysctl"].read_text() == netaudit("probe", "show", "sysctl").out


def test_the_probes_of_a_diagnosis(netaudit, kit):
    """Whoever lets them run as root can read them first, byte for byte; to be sent they want samples beside them."""
    for path in (kit.root / "remote_probes" / "trace").glob("*.sh"):
        assert path.read_text() == netaudit("probe", "show", path.stem).out
    refused = netaudit("probe", "run", "tcp_receive", "-i", "web1,", code=2).err
    assert "'tcp_receive' runs beside the samples of a diagnosis" in refused
    assert "did you mean 'tcp_receive'?" in netaudit("probe", "show", "tcp_recieve", code=2).err


def test_the_checks(netaudit, kit):
    """list names every check of the baseline; show tells all there is to know of one."""
    listed = netaudit("check", "list").out
    texts = "\n".join(path.read_text() for path in (kit.root / "playbooks/checks").rglob("*.yaml"))
    ids = re.findall(r"^ *- id: (\S+)", texts, re.MULTILINE)
    assert len(ids) > 80
    assert [] == [check for check in ids if check not in listed]
    shown = netaudit("check", "show", "tcp.accept_queue.somaxconn").out
    headings = (
        "Why it matters", "What is looked at", "What must hold", "How the expected value comes about",
        "Kernel versions", "What to do", "What it does not say", "Sources", "Defined in",
    )  # fmt: skip
    assert [] == [heading for heading in headings if f"\n             {heading}\n" not in shown]
    assert max(map(len, shown.splitlines())) <= 80


def test_a_baseline_of_ones_own(netaudit, host, stored):
    """Made from a sysctl.conf, linted, shown resolved, and used: what it shows is what it does."""
    (netaudit.home / "99-site.conf").write_text(
        "# bursts after a failover\nnet.core.somaxconn = 8192\nnet.ipv4.tcp_rmem = 4096 131072 6291456\nkernel.x = 1\n"
    )
    made = netaudit("baseline", "from-sysctl", "99-site.conf", "--name", "site")
    (netaudit.home / "site.yaml").write_text(made.out)
    assert "bursts after a failover" in made.out
    assert "kernel.x" in made.err
    linted = netaudit("baseline", "lint", "site.yaml")
    assert re.match(r"site: [0-9]+ checks, .* nothing is wrong with it\n", linted.out)
    done = netaudit("audit", "--from", stored(host("web1")), "-b", "site.yaml", "-q", "-o", "json", code=1).json()
    results = {each["check"]: each for each in done["hosts"][0]["results"]}
    assert ("fail", 4096) == tuple(results["sysctl.net.core.somaxconn"][key] for key in ("status", "observed"))
    shown = netaudit("baseline", "show", "site.yaml").out
    assert "8192" in shown
    assert "resolved_from: [" in shown
    assert json.loads(netaudit("baseline", "show", "site.yaml", "-o", "json").out)
    assert "nothing is wrong with it" in netaudit("baseline", "lint", "web-edge").out


def test_a_baseline_for_one_host(netaudit):
    """Overrides and variables of the inventory are applied for the host that is named."""
    (netaudit.home / "hosts.yaml").write_text(
        "web:\n  hosts: {web1: , web2: }\n  vars:\n    netaudit_vars: {new_conn_per_s: 8000}\n"
        "    netaudit_checks: {tcp.tw.fin_timeout: {skip: set by the appliance}}\n"
    )
    shown = netaudit("baseline", "show", "--host", "web1", "-i", "hosts.yaml").out
    assert "new_conn_per_s: 8000" in shown
    assert "set by the appliance" in shown
    assert "set by the appliance" not in netaudit("baseline", "show", "-i", "hosts.yaml").out
    wrong = netaudit("baseline", "show", "--host", "web", "-i", "hosts.yaml", code=2)
    assert "'web' is 2 hosts (name exactly one)" in wrong.err


def test_the_inventory(netaudit):
    """list, graph, hosts and host, in Ansible's shapes and order; by default inventory/, then $ANSIBLE_INVENTORY."""
    folder = netaudit.home / "inventory"
    folder.mkdir()
    (folder / "hosts.ini").write_text("[web]\nweb[1:3] role=front\n[db]\ndb1\n[prod:children]\nweb\ndb\n")
    listed = netaudit("inventory", "list").json()
    assert ["web1", "web2", "web3"] == listed["web"]["hosts"]
    assert ["web", "db"] == listed["prod"]["children"]
    assert "front" == listed["_meta"]["hostvars"]["web2"]["role"]
    graph = netaudit("inventory", "graph").out
    assert "@all:\n" in graph
    assert "  |  |--@web:\n  |  |  |--web1\n" in graph
    assert "web1\nweb3\n" == netaudit("inventory", "hosts", "prod:!db:!web2").out
    assert "web2\n" == netaudit("inventory", "hosts", "web", "-l", "web2").out
    assert {"role": "front"} == netaudit("inventory", "host", "web1").json()
    none = netaudit("inventory", "hosts", "nosuch")
    assert ("", True) == (none.out, "matches no host" in none.err)
    folder.rename(netaudit.home / "elsewhere")
    assert "no inventory" in netaudit("inventory", "hosts", code=2).err
    assert 4 == len(netaudit("inventory", "hosts", env={"ANSIBLE_INVENTORY": "elsewhere"}).out.splitlines())


def test_past_runs(netaudit, host, stored):
    """The latest first; a run by its id, the beginning of one, or `last`, in every format, with its exit code."""
    assert "" == netaudit("history").out.strip() or "RUN" in netaudit("history").out
    assert [] == netaudit("history", "-o", "json").json()["runs"]
    assert "netaudit: " in netaudit("show", code=2).err
    first = netaudit("audit", "--from", stored(host("web1")), "-q", "-o", "json", code=1).json()
    second = netaudit("audit", "--from", stored(host("db1"), host("db2")), "-q", "-o", "json", code=1).json()
    kept = netaudit("history", "-o", "json").json()["runs"]
    assert [second["run"]["id"], first["run"]["id"]] == [each["run"]["id"] for each in kept]
    assert [second["run"]["id"]] == [
        each["run"]["id"] for each in netaudit("history", "-n", "1", "-o", "json").json()["runs"]
    ]
    table = netaudit("history").out
    assert table.index(second["run"]["id"]) < table.index(first["run"]["id"])
    assert second == netaudit("show", "-o", "json", code=1).json()
    assert first == netaudit("show", first["run"]["id"], "-o", "json", code=1).json()
    assert 0 == netaudit("show", first["run"]["id"], "-q", "--fail-on", "critical").code
    lines = netaudit("show", "last", "-o", "jsonl", code=1).lines()
    assert second["hosts"] == lines
    console = netaudit("show", "last", code=1).out
    assert "2 hosts: 2 ok" in console
    hidden = netaudit("audit", "--from", stored(host("web1")), "-q", "--no-history", code=1)
    assert hidden.out
    assert 2 == len(netaudit("history", "-o", "json").json()["runs"])


def test_doctor(netaudit):
    """A row a question; nothing has to be put right here, but for what is missing in an empty home."""
    done = netaudit("doctor")
    for word in ("netaudit", "packages", "open files", "ssh", "known_hosts", "agent", "keys", "probes", "history"):
        assert re.search(rf"^ *(ok|warning) +{word}", done.out, re.MULTILINE), word
    assert re.search(r"hosts at a\s+time", done.out)
    (netaudit.home / ".ssh").mkdir()
    (netaudit.home / ".ssh" / "known_hosts").write_text("web1 ssh-ed25519 not-a-key\n")
    bad = netaudit("doctor", code=2, env={"SSH_AUTH_SOCK": "/no/where"})
    assert "known_hosts:1" in "".join(bad.out.split())
    assert "/no/where" in bad.out


INVENTORY = """
all:
  vars: {ansible_ssh_common_args: "-o UserKnownHostsFile=known"}
  children:
    web:
      hosts:
        web1: {ansible_host: 192.0.2.1, ansible_ssh_private_key_file: key}
        web2: {ansible_host: 192.0.2.2, ansible_password: secret}
        web3: {ansible_host: 192.0.2.3, ansible_ssh_private_key_file: missing}
"""


def _found(done, health: str, what: str) -> list[str]:
    """The texts of the doctor's rows about one thing, each on one line."""
    text = re.sub(r"\n {10,}(?=\S)", " ", re.sub(r"^( +)hint +", "\\1 hint: ", done.out, flags=re.MULTILINE))
    return [" ".join(line.split()[1:]) for line in text.splitlines() if re.match(rf"{health} +{what}", line)]


def test_doctor_of_an_inventory(netaudit):
    """Which hosts have no stored key and which have nothing to log in with, without contacting any."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", netaudit.home / "key"], check=True)
    kind, key, _ = (netaudit.home / "key.pub").read_text().split()
    (netaudit.home / "known").write_text(f"192.0.2.1 {kind} {key}\n@cert-authority 192.0.2.2 {kind} {key}\n")
    (netaudit.home / "hosts.yaml").write_text(INVENTORY)
    well = netaudit("doctor", "web1:web2", "-i", "hosts.yaml")
    assert _found(well, "ok", "inventory") == ["inventory 2 hosts in 1 group"]
    assert _found(well, "ok", "host keys") == ["host keys known_hosts has keys of 2 hosts"]
    assert _found(well, "ok", "login") == ["login 2 hosts with a key or a password to try"]
    ill = netaudit("doctor", "-i", "hosts.yaml", "-J", "gate.example", code=2)
    (keys,) = _found(ill, "problem", "host keys")
    assert "no key of 2 hosts: gate.example, web3 hint: netaudit trust" in keys
    assert "web3: cannot use the key missing: No such file" in _found(ill, "problem", "login")[0]
    (bare,) = _found(netaudit("doctor", "-i", "bare,", code=2), "problem", "login")
    assert "there is no key and no password to log in with hint: ansible_ssh_private_key_file" in bare
    loose = netaudit("doctor", "web3", "-i", "hosts.yaml", "--host-key-checking", "accept-new", code=2)
    assert "accept-new takes any" in _found(loose, "warning", "host keys")[0]
    wrong = netaudit("doctor", "-i", "nowhere.yaml", code=2)
    assert "nowhere.yaml: no such inventory" in _found(wrong, "problem", "inventory")[0]


def test_an_older_name_of_an_option(netaudit):
    """It still works, says what to write instead, also with -q, and is in no help."""
    done = netaudit("history", "--format", "json", "-q")
    assert done.json() == netaudit("history", "-o", "json").json()
    assert done.err == "netaudit: warning: --format is deprecated and will be gone in 1.0: write -o json\n"
    assert "--format" not in netaudit("history", "--help").out


def test_captures_are_not_watched(netaudit):
    """They do not change; it is said what does with them what a watch cannot."""
    assert "netaudit audit --from judges them" in netaudit("watch", "--from", "captures", code=2).err


def test_a_probe_in_captures(netaudit, host, stored):
    """Its part alone, as it was received; one that was not sent says so."""
    folder = stored(host("web1"))
    done = netaudit("probe", "run", "softnet", "--from", folder, "-q")
    assert done.out.startswith("web1 | complete, exit code 0, 1 ms >>\n")
    assert 1 == done.out.count(" >>\n")
    assert netaudit("probe", "run", "path", "--from", folder, "-q").out == "web1 | this probe was not sent\n"


PLAYBOOK = """
- name: Front ends
  hosts: web
  baseline: web-edge
  vars: {new_conn_per_s: 9000}
  fail_on: critical
- name: Nobody here
  hosts: cache
- name: Databases
  hosts: db
  fail_on: info
"""


def test_a_playbook(netaudit, host, stored):
    """Plays in order, each with its hosts and rules; one without hosts is skipped; the worst exit code counts."""
    folder = stored(host("web1"), host("db1"), host("db2"), groups={"web1": ("web",), "db1": ("db",), "db2": ("db",)})
    (netaudit.home / "plays.yaml").write_text(PLAYBOOK)
    words = ("run", "plays.yaml", "--from", folder, "--no-progress")
    done = netaudit(*words, "-o", "json=report.json", "-o", "console", code=1)
    assert [
        "netaudit: play: Front ends (web)",
        "netaudit: play: Nobody here (cache)",
        "netaudit: skipped: the pattern 'cache' matches no host",
        "netaudit: play: Databases (db)",
    ] == done.err.splitlines()
    first, third = (json.loads((netaudit.home / f"report-{number}.json").read_text()) for number in (1, 3))
    assert (["web1"], "web-edge") == ([each["name"] for each in first["hosts"]], first["run"]["baseline"]["name"])
    assert ["db1", "db2"] == [each["name"] for each in third["hosts"]]
    assert not (netaudit.home / "report-2.json").exists()
    somaxconn = {each["check"]: each for each in first["hosts"][0]["results"]}["tcp.accept_queue.somaxconn"]
    assert "8192" in somaxconn["expected"], "the play's variable decides: 1.5 x 9000 x 0.5 s"
    assert 2 == len(netaudit("history", "-o", "json").json()["runs"])
    netaudit(*words, "-l", "web", "-q", code=0)
    one = netaudit(*words, "-o", "json", code=2)
    assert "standard output has room for one JSON object, and there are 3 plays" in one.err
    nobody = netaudit(*words, "-l", "nosuch", code=2)
    assert "no play of plays.yaml has a host in this inventory" in nobody.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- hosts: web\n  baselin: x\n", "plays.yaml:2:3: a play has no key 'baselin' (did you mean 'baseline'?)"),
        ("- name: x\n", "plays.yaml:1:3: a play needs the key 'hosts'"),
        ("[]\n", "plays.yaml:1:1: a playbook needs at least one play"),
        ("- hosts: web\n- hosts: db\n  baseline: linux-servr\n", "there is no baseline 'linux-servr'"),
        ("- hosts: web\n- hosts: db\n  vars: {new_conn_per_s: lots}\n", "new_conn_per_s is a number"),
        ("- hosts: web\n- hosts: db\n  fail_on: bad\n", "plays.yaml:3:12"),
    ],
)
def test_a_playbook_that_is_wrong_contacts_nobody(netaudit, host, stored, text, said):
    """All plays are read before the first one runs."""
    folder = stored(host("web1"), host("db1"), groups={"web1": ("web",), "db1": ("db",)})
    (netaudit.home / "plays.yaml").write_text(text)
    done = netaudit("run", "plays.yaml", "--from", folder, code=2)
    assert said in done.err
    assert "" == done.out
    assert [] == netaudit("history", "-o", "json").json()["runs"]


def test_no_secret_is_seen(netaudit, kit):
    """Passwords of an inventory are in no output, no log and no file of a run that fails over them."""
    (netaudit.home / "hosts.yaml").write_text(
        "all:\n  hosts:\n    web1: {ansible_host: 127.0.0.1, ansible_port: 1}\n  vars:\n"
        "    ansible_password: S3cr3t-login\n    ansible_become_password: S3cr3t-root\n    ansible_become: true\n"
    )
    done = netaudit("audit", "-i", "hosts.yaml", "-vv", "-o", "json", "-o", "console=seen.txt", code=3)
    collected = netaudit("collect", "-i", "hosts.yaml", "-o", "captures", code=3)
    for text in (done.out, done.err, collected.out, collected.err):
        assert "S3cr3t" not in text
    for path in netaudit.home.rglob("*"):
        if path.is_file() and path.name != "hosts.yaml":
            assert b"S3cr3t" not in path.read_bytes(), path
