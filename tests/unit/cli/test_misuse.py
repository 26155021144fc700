"""What a person may type or write wrongly: one clear line on standard error, exit code 2, and no output."""

from __future__ import annotations

import re

import pytest

from netaudit.cli.catalogue import COMMANDS


def _name(value):
    """A case is called by its words."""
    return " ".join(value)[:50] if isinstance(value, list) else ""


OPTIONS = [
    (["audt"], "there is no command 'audt'; did you mean 'audit'?"),
    (["--frobnicate"], "there is no command '--frobnicate'; see netaudit --help"),
    (["audit", "--frobnicate"], "unrecognized arguments: --frobnicate; see netaudit audit --help"),
    (["audit", "--from"], "argument --from: expected one argument"),
    (["audit", "web", "db", "-i", "a,"], "unrecognized arguments: db"),
    (["audit", "--inv", "a,"], "unrecognized arguments: --inv"),
    (["audit", "-f", "0"], "argument -f/--forks: '0' is not a whole number above zero"),
    (["audit", "-f", "1e3"], "argument -f/--forks: '1e3' is not a whole number above zero"),
    (["audit", "-f", "٣"], "argument -f/--forks: '٣' is not a whole number above zero"),
    (["audit", "--timeout", "5parsecs"], "argument --timeout: '5parsecs' is not a duration"),
    (["audit", "--timeout", "-3"], "argument --timeout: '-3' is not a duration"),
    (["audit", "--timeout", "nan"], "argument --timeout: 'nan' is not a duration"),
    (["audit", "--connect-timeout", "0"], "argument --connect-timeout: must be more than zero"),
    (["audit", "--fail-on", "bad"], "argument --fail-on: invalid choice: 'bad'"),
    (["audit", "--transport", "telnet"], "argument --transport: invalid choice: 'telnet'"),
    (["audit", "--become-method", "runas"], "argument --become-method: invalid choice: 'runas'"),
    (["audit", "--host-key-checking", "maybe"], "argument --host-key-checking: invalid choice: 'maybe'"),
    (["audit", "--color", "blue"], "argument --color: invalid choice: 'blue'"),
    (["audit", "-o", "yaml"], "-o yaml: there is no format 'yaml' (one of console, json, jsonl, "),
    (["audit", "-o", "json="], "-o json=: the path is missing (-o json=FILE)"),
    (["audit", "-o", "json=/no/where/x"], "-o json=/no/where/x: there is no directory /no/where"),
    (["audit", "-o", "json=/"], "-o json=/: / is a directory (-o json=FILE)"),
    (["audit", "-o", "json", "-o", "jsonl"], "-o json and -o jsonl both want standard output (give one a path"),
    (["audit", "-o", "json=x", "-o", "jsonl=x"], "two outputs want the same file"),
    (["facts"], "the following arguments are required: HOST"),
    (["collect", "-i", "a,"], "the following arguments are required: -o/--output"),
    (["run"], "the following arguments are required: PLAYBOOK"),
    (["inventory"], "the following arguments are required: list|graph|hosts|host"),
    (["inventory", "lst"], "invalid choice: 'lst'"),
    (["probe", "show"], "the following arguments are required: NAME"),
    (["history", "-n", "0"], "'0' is not a whole number above zero"),
    (["lab", "up", "--hosts", "none"], "'none' is not a whole number above zero"),
]

NAMES = [
    (["audit", "-i", "a,", "-b", "linux-servr"], "there is no baseline 'linux-servr' (did you mean 'linux-server'?)"),
    (["audit", "-i", "a,", "-b", "./none.yaml"], "none.yaml: there is no such file"),
    (["audit", "-i", "a,", "-b", "."], "there is no baseline '.' (known: database, "),
    (["audit", "-i", "a,", "-b", "/etc"], "/etc: is a folder, and a file is wanted"),
    (["audit", "-i", "a,", "-b", "/dev/zero"], "/dev/zero: is not a file"),
    (
        ["check", "show", "tcp.acept_queue.somaxconn"],
        "has no check 'tcp.acept_queue.somaxconn' (did you mean 'tcp.accept_queue.somaxconn'?)",
    ),
    (["probe", "show", "sysctll"], "there is no probe 'sysctll' (did you mean 'sysctl'?)"),
    (["probe", "show", "nix"], "there is no probe 'nix' (netaudit probe list shows them)"),
    (["probe", "run", "sysctll", "-i", "a,"], "there is no probe 'sysctll' (did you mean 'sysctl'?)"),
    (["probe", "run", "path", "-i", "a,"], "the probe 'path' needs PEERS"),
    (["audit"], "no inventory (name one with -i FILE, -i host1,host2, or $ANSIBLE_INVENTORY; without any, "),
    (["audit", "-i", "/no/where"], "/no/where: no such inventory file or directory"),
    (["audit", "-i", "a,b", "nosuch"], "the pattern 'nosuch' matches no host (netaudit inventory graph"),
    (["audit", "-i", "a,b", "-l", "c"], "the pattern 'all' limited to 'c' matches no host"),
    (["audit", "-i", "a,b", "-l", "@/no/where"], "/no/where"),
    (["audit", "--from", "/no/where"], "/no/where holds no captures: there is no manifest.json in it"),
    (["facts", "all", "-i", "a,b"], "'all' is 2 hosts (name exactly one)"),
    (["inventory", "host", "nosuch", "-i", "a,"], "'nosuch' is 0 hosts (name exactly one)"),
    (["inventory", "graph", "nosuch", "-i", "a,"], "there is no group 'nosuch' in the inventory"),
    (["show", "nosuch"], "netaudit: "),
    (["run", "/no/where.yaml", "-i", "a,"], "/no/where.yaml: there is no such file"),
    (["baseline", "from-sysctl", "/no/where"], "/no/where: No such file or directory"),
    (["audit", "-i", "a,", "-e", "@/no/where"], "/no/where: cannot be read: No such file or directory"),
    (["audit", "-i", "a,", "-e", "x"], "-e x: 'x' is not key=value"),
    (["audit", "-i", "a,", "-e", "{a: ["], "--extra-vars:2:1: is not YAML"),
    (["audit", "-i", "a,", "-e", "new_conn_per_s=many"], "vars.new_conn_per_s is a number, and this is a text"),
    (["audit", "-i", "a,", "-K"], "-K asks for a password, and there is no terminal"),
    (["audit", "-i", "a,", "-k"], "-k asks for a password, and there is no terminal"),
    (["audit", "-i", "a,", "--jump=-oProxyCommand=id"], "-oProxyCommand=id"),
    (["audit", "-i", "$(id),"], "$(id)"),
    (["audit", "--inventory=-oProxyCommand=id,"], "-oProxyCommand=id"),
]

CHECK = "  - {id: a.b, title: t, layer: host, kind: setting, severity: low, why: w, expect: {at_least: 1}, value: %s}\n"
BASELINES = {
    "key": ("baseline: x\nchekcs: {}\n", "2:1: a baseline has no key 'chekcs' (did you mean 'checks'?)"),
    "type": ("baseline: x\nextends: linux-server\n", "2:10: 'extends' must be a list, and this is a text"),
    "duplicate": ("baseline: x\ntitle: t\ntitle: u\n", "3:1: key 'title' stands here twice (first in line 2)"),
    "tag": ('baseline: !!python/object/apply:os.system ["touch owned"]\n', "1:11: tag tag:yaml.org,2002:python/"),
    "bomb": ("a: &a [x, x]\nb: &b [*a, *a]\n", "1:4: anchor &a (anchors are not allowed"),
    "merge": ("a: {x: 1}\nb:\n  <<: *a\n", "3:"),
    "deep": ("a: " + "[" * 3000 + "]" * 3000, "is nested deeper than 40"),
    "big": ("#" * (5 * 2**20 + 1), ": is larger than 5 MiB"),
    "latin-1": (b"baseline: caf\xe9\n", "1:14: is not UTF-8: byte 0xe9"),
    "syntax": ("baseline: [x\n", "2:1: is not YAML"),
    "empty": ("", "1:1: a baseline needs the key 'baseline'"),
    "list": ("- a\n", "1:1: a baseline must be a mapping, and this is a list"),
    "two documents": ("baseline: x\n---\nbaseline: y\n", "2:"),
    "bool": ("baseline: x\nextends: [linux-server]\nvars: {is_proxy: yes}\n", "3:18: "),
    "octal": ("baseline: x\nextends: [linux-server]\nvars: {new_conn_per_s: 0644}\n", "3:24: "),
    "kind": (
        "baseline: x\nextends: [linux-server]\nvars: {new_conn_per_s: a}\n",
        "3:8: vars.new_conn_per_s is a number",
    ),
    "parent": (
        "baseline: x\nextends: [web-egde]\n",
        "2:11: there is no baseline 'web-egde' (did you mean 'web-edge'?)",
    ),
    "itself": ("baseline: x\nextends: [./site.yaml]\n", "site.yaml"),
    "fact": (
        "baseline: x\ndefine:\n" + CHECK % "facts.memry.total_bytes",
        ": there is no fact 'facts.memry' (did you mean 'memory'?)",
    ),
    "call": ("baseline: x\ndefine:\n" + CHECK % "\"''.__class__\"", "3:"),
    "sysctl": (
        "baseline: x\nsysctl:\n  net.core.somaxcon: 1\n",
        "3:3: no kernel is known to have the sysctl 'net.core.somaxcon' (did you mean 'net.core.somaxconn'?)",
    ),
    "waiver": (
        "baseline: x\nwaivers:\n  - {check: no.such, reason: r, approver: a, ticket: t, expires: 2026-02-01}\n",
        "no check is called 'no.such'",
    ),
    "override": (
        "baseline: x\nextends: [linux-server]\noverrides:\n  - {check: tcp.keepalive, severity: hihg, reason: r}\n",
        "4:38: ",
    ),
}

INVENTORIES = {
    "section": ("[web\nweb1\n", "1: '[web' is no host range"),
    "kind of section": ("web1\n[web:childrn]\nx\n", "2: section [web:childrn] is of an unknown kind"),
    "range": ("web[1:a]\n", "1: the range [1:a] is neither of numbers nor of letters"),
    "loop": ("[a:children]\nb\n[b:children]\na\n", "4: group 'a' is both above and below group 'b'"),
    "port": ("web1 ansible_port=ssh\n", "1: host 'web1': ansible_port: 'ssh' is not a port"),
    "connection": ("web1 ansible_connection=docker\n", "ansible_connection: is 'docker'"),
    "ssh option": (
        'web1 ansible_ssh_common_args="-o NoSuch=1"\n',
        "1: host 'web1': ansible_ssh_common_args: '-o NoSuch=1' cannot be honoured",
    ),
    "address": ('web1 ansible_host="-oProxyCommand=id"\n', "'-oProxyCommand=id' is not a host name or an address"),
    "yaml tag": ("all:\n  hosts:\n    a: {x: !!python/name:os.system }\n", "3:12: tag "),
    "plugin": ("plugin: amazon.aws.aws_ec2\n", "1:1: uses the inventory plugin 'amazon.aws.aws_ec2'"),
}


def _is_misuse(said, expected):
    assert 2 == said.code
    assert "" == said.out
    assert expected in said.err
    lines = [line for line in said.err.splitlines() if not line.startswith("netaudit: warning: ")]
    assert 1 == len(lines), said.err
    assert re.match(r"netaudit[ a-z]*: ", lines[0])


@pytest.mark.parametrize(("words", "expected"), OPTIONS, ids=_name)
def test_an_option_that_cannot_be_meant(call, words, expected):
    """The line names the option and what is wrong with it."""
    _is_misuse(call(*words), expected)


@pytest.mark.parametrize("verb", ["probe show", "check show", "baseline from-sysctl", "inventory host", "lab up"])
def test_misuse_of_a_verb_names_the_whole_command(call, verb):
    """With where its help is."""
    said = call(*verb.split(), "--frobnicate")
    assert (2, "") == (said.code, said.out)
    assert re.match(f"netaudit ({verb}|{verb.split()[0]}): .*; see netaudit \\1 --help\n$", said.err)
    assert call(*verb.split(), "--help").out.startswith(f"usage: netaudit {verb} ")


@pytest.mark.parametrize(("words", "expected"), NAMES, ids=_name)
def test_a_name_of_nothing(call, words, expected):
    """What was named and is not there; the nearest name where there is one."""
    _is_misuse(call(*words), expected)


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_that_is_wrong(call, home, name):
    """File, line, column, key; the same for a run and for the linter; nothing that it says is done."""
    text, expected = BASELINES[name]
    file = home / "site.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    _is_misuse(call("audit", "-i", "a,", "-b", "site.yaml"), expected)
    linted = call("baseline", "lint", "site.yaml")
    assert 2 == linted.code
    assert expected in linted.err
    assert "site.yaml" in linted.err
    assert not (home / "owned").exists()


@pytest.mark.parametrize("name", INVENTORIES)
def test_an_inventory_that_is_wrong(call, home, name):
    """File and line; a half-read inventory is never audited as if it were whole."""
    text, expected = INVENTORIES[name]
    file = home / ("hosts.yaml" if "yaml" in name or name == "plugin" else "hosts.ini")
    file.write_text(text)
    said = call("audit", "-i", str(file))
    _is_misuse(said, expected)
    assert file.name in said.err


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("exit 3", "inventory script ended with exit status 3"),
        ("echo no json", "inventory script did not print JSON"),
        ("echo '[1]'", "sh: "),
    ],
)
def test_an_inventory_script_that_fails(call, home, script, expected):
    """A program that gives no inventory is said to."""
    file = home / "inventory.sh"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    _is_misuse(call("audit", "-i", "inventory.sh"), expected)


@pytest.mark.parametrize("words", [["audit"], ["plan"], ["fix", "--check"], ["watch", "--count", "1"]], ids=" ".join)
def test_a_variable_of_a_host_that_no_baseline_knows(call, home, words):
    """Every command that holds a host against a baseline says where it was set."""
    (home / "hosts.yaml").write_text("all:\n  hosts:\n    web1:\n      netaudit_vars: {nonsense: 3}\n")
    said = call(*words, "-i", "hosts.yaml")
    _is_misuse(said, "hosts.yaml:3:5: netaudit_vars of web1: no baseline declares the variable 'nonsense'")


def test_host_key_checking_is_never_off_by_inventory(call, home):
    """A variable cannot switch it off: it is said, and the run stays strict."""
    (home / "hosts.ini").write_text("web1 ansible_host=127.0.0.1 ansible_port=1 ansible_host_key_checking=false\n")
    said = call("audit", "-i", "hosts.ini", "-q", "-o", "json", "--no-history")
    assert '"host_key_checking":"strict"' in said.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps(call, command):
    """--help of each prints its usage and ends with 0."""
    said = call(command, "--help")
    assert (0, "") == (said.code, said.err)
    assert said.out.startswith(f"usage: netaudit {command} ")


def test_help_names_every_command(call):
    """`netaudit --help` lists them all; without any word it is misuse."""
    said = call("--help")
    assert 0 == said.code
    assert all(f"  {command} " in said.out for command in COMMANDS)
    assert (2, said.out) == call()[:2]
