"""Hosts become targets: connection variables, command line, passwords, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netaudit.errors import InventoryError
from netaudit.inventory import Overrides, Resolution, load
from netaudit.model.target import Become, BecomeMethod, Connection, Credentials, Target


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test reads from an empty current directory, with a home that has nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")


def resolve(hosts: str, names: str = "all", overrides: Overrides | None = None, **extra: Any) -> Resolution:
    """The targets of an INI inventory."""
    Path("hosts").write_text(hosts, "utf-8")
    inventory = load(["hosts"], extra_vars=extra)
    return inventory.targets(inventory.select(names), overrides)


def target(variables: str, overrides: Overrides | None = None, **extra: Any) -> Target:
    """The target of one host with these variables."""
    return resolve(f"h {variables}\n", "h", overrides, **extra).targets[0]


def test_host_without_variables_is_reached_by_its_name() -> None:
    """Nothing said means the name as address, and everything else left to ssh_config and the defaults."""
    assert resolve("web1.example.net\n").targets == (
        Target(name="web1.example.net", address="web1.example.net", groups=("ungrouped",)),
    )


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ("ansible_host=192.0.2.1", "192.0.2.1"),
        ("ansible_ssh_host=192.0.2.2", "192.0.2.2"),
        ("ansible_host=192.0.2.1 ansible_ssh_host=192.0.2.2", "192.0.2.2"),
        ("ansible_host=2001:db8::1", "2001:db8::1"),
        ("ansible_ssh_common_args='-o HostName=192.0.2.3' ansible_host=192.0.2.1", "192.0.2.3"),
        ("ansible_host='{{ inventory_hostname }}.example.net'", "h.example.net"),
    ],
)
def test_address(variables: str, address: str) -> None:
    """The address is what the variables name, the ssh option first."""
    assert target(variables).address == address


@pytest.mark.parametrize(
    ("variables", "port"),
    [("ansible_port=2222", 2222), ("ansible_ssh_port=2223 ansible_port=1", 2223), ("ansible_port='\"22\"'", 22),
     ("ansible_ssh_args='-p 10' ansible_port=11 ansible_ssh_common_args='-p 12'", 10),
     ("ansible_port=11 ansible_ssh_common_args='-p 12'", 11), ("ansible_ssh_extra_args='-p 13'", 13), ("", None),
     ("ansible_ssh_extra_args='-p 13' ansible_ssh_common_args='-p 12'", 12)],
)  # fmt: skip
def test_port_of_the_first_word(variables: str, port: int | None) -> None:
    """The order is that of ssh's command line: ssh_args, the variables, common and extra arguments."""
    assert target(variables).ssh.port == port


def test_user_of_the_first_word() -> None:
    """The same for the user, who may be named in the arguments as well."""
    assert target("ansible_ssh_args='-l a' ansible_user=b ansible_ssh_common_args='-l c'").ssh.user == "a"
    assert target("ansible_user=b ansible_ssh_common_args='-l c'").ssh.user == "b"
    assert target("ansible_ssh_common_args='-o User=c'", Overrides(user="cli")).ssh.user == "cli"


def test_command_line_is_the_weakest_word() -> None:
    """As with Ansible, ``-u`` and ``--private-key`` count where the inventory says nothing; ``-e`` beats both."""
    overrides = Overrides(user="cli", private_key="/k/cli", port=99)
    bare, said = (target(variables, overrides) for variables in ("", "ansible_user=inv ansible_port=1"))
    assert (bare.ssh.user, bare.ssh.port, bare.ssh.identity_files) == ("cli", 99, ("/k/cli",))
    assert (said.ssh.user, said.ssh.port) == ("inv", 1)
    assert target("ansible_user=inv", overrides, ansible_user="extra").ssh.user == "extra"
    assert target("ansible_private_key_file=~/k", overrides).ssh.identity_files == ("/home/me/k",)
    assert target("ansible_private_key_file=~nobody-here/k").ssh.identity_files == ("~nobody-here/k",)


def test_jump_of_the_command_line_replaces_every_way() -> None:
    """``-J`` is netaudit's own: it replaces jumps and ProxyCommand of all hosts."""
    arguments = "ansible_ssh_common_args='-o ProxyCommand=\"nc -X connect %h %p\" -J inner'"
    ssh = target(arguments, Overrides(jumps=("outer",))).ssh
    assert (ssh.jumps, ssh.proxy_command) == (("outer",), None)


@pytest.mark.parametrize(
    ("arguments", "jumps", "command"),
    [
        ("-J a,b", ("a", "b"), None),
        ("-o ProxyJump=a -o ProxyCommand=x", ("a",), None),
        ("-o 'ProxyCommand=nc %h %p' -J a", (), "nc %h %p"),
        ("-o 'ProxyCommand=ssh -q -W %h:%p me@a -p 2222'", ("me@a:2222",), None),
        ("-o 'ProxyCommand=ssh -i ~/.ssh/k -W %h:%p a'", (), "ssh -i ~/.ssh/k -W %h:%p a"),
    ],
)
def test_way_through_other_hosts(arguments: str, jumps: tuple[str, ...], command: str | None) -> None:
    """The first of ProxyJump and ProxyCommand counts, and a command that is a jump becomes one."""
    ssh = target(f'ansible_ssh_common_args="{arguments}"').ssh
    assert (ssh.jumps, ssh.proxy_command) == (jumps, command)


def test_no_jump_is_said_to_ssh_config() -> None:
    """``ProxyJump=none`` takes away what an ssh_config may say."""
    assert target("ansible_ssh_common_args='-J none'").ssh.options == {"proxyjump": ("none",)}


def test_options_are_passed_on_by_their_name() -> None:
    """Options that the transport honours go there; those without effect on an audit go nowhere."""
    said = (
        "-o HostKeyAlias=alias -o Ciphers=aes256-ctr -4 -C -o ControlMaster=auto -o ControlPersist=60s -tt"
        " -o ConnectTimeout=7 -o IdentitiesOnly=yes -i ~/a -o IdentityFile=/b -o ServerAliveInterval=5"
    )
    ssh = target(f"ansible_ssh_common_args='{said}'").ssh
    assert ssh.options == {"hostkeyalias": ("alias",), "ciphers": ("aes256-ctr",), "addressfamily": ("inet",)}
    assert (ssh.connect_timeout_s, ssh.identities_only, ssh.identity_files) == (7.0, True, ("/home/me/a", "/b"))


@pytest.mark.parametrize(
    ("said", "warning"),
    [
        ("-o StrictHostKeyChecking=no", "-o StrictHostKeyChecking=no does not count: --host-key-checking decides"),
        ("-o StrictHostKeyChecking=accept-new", "does not count: --host-key-checking decides"),
        ("-o UserKnownHostsFile=/dev/null", "does not count: host keys are always checked against known_hosts"),
        ("-o VerifyHostKeyDNS=yes", "does not count: --host-key-checking decides"),
        ("-A", "-A does not count: netaudit forwards nothing"),
        ("-L 8080:localhost:80", "does not count: netaudit forwards nothing"),
        ("-o 'ProxyCommand=ssh -o StrictHostKeyChecking=no -W %h:%p b'", "does not count: --host-key-checking decides"),
        (
            "-o 'ProxyCommand=ssh -i k -o UserKnownHostsFile=/dev/null -W %h:%p b'",
            "does not count: host keys are always checked against known_hosts",
        ),
    ],
)
def test_looser_checks_do_not_count_and_are_said(said: str, warning: str) -> None:
    """An inventory loosens no host key check and forwards nothing: a line names the hosts that ask for it."""
    found = resolve(f"a\nb\nc\nd\n[all:vars]\nansible_ssh_common_args={said}\n")
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("a, b, c and 1 more: ")
    assert found.warnings[0].endswith(warning)
    shown = repr(found.targets[0].ssh).lower()
    assert "stricthostkeychecking" not in shown
    assert "/dev/null" not in shown


def test_strict_checking_needs_no_warning() -> None:
    """Options that only say what holds anyway are silent."""
    said = "-o StrictHostKeyChecking=yes -o ForwardAgent=no -o VerifyHostKeyDNS=no"
    assert resolve(f"a ansible_ssh_common_args='{said}'\n").warnings == ()


def test_rest_of_a_proxy_command_stays_as_it_is() -> None:
    """Taken out of a ProxyCommand is what loosens the check, and nothing else."""
    said = "ssh -i ~/.ssh/k -o StrictHostKeyChecking=no -o ConnectTimeout=3 -q -W %h:%p me@b"
    found = target(f"ansible_ssh_common_args=\"-o 'ProxyCommand={said}'\"").ssh.proxy_command
    assert found == "ssh -i '~/.ssh/k' -o ConnectTimeout=3 -W %h:%p me@b"


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ("ansible_port=0", "ansible_port: '0' is not a port"),
        ("ansible_port=70000", "ansible_port: '70000' is not a port"),
        ("ansible_port=ssh", "ansible_port: 'ssh' is not a port"),
        ("ansible_port=True", "ansible_port: must be a text, not a boolean"),
        ("ansible_host='a b'", "ansible_host: 'a b' is not a host name or an address"),
        ("ansible_host=-oProxyCommand=id", "ansible_host: '-oProxyCommand=id' is not a host name or an address"),
        ("ansible_host='[1, 2]'", "ansible_host: must be a text, not a list"),
        ("ansible_user='a;id'", "ansible_user: 'a;id' is not a user name"),
        ("ansible_user=-x", "ansible_user: '-x' is not a user name"),
        ("ansible_connection=winrm", "ansible_connection: is 'winrm', which netaudit does not speak"),
        ("ansible_connection=docker", "ansible_connection: is 'docker', which netaudit does not speak"),
        ("ansible_shell_type=powershell", "ansible_shell_type: is 'powershell'"),
        ("ansible_become=maybe", "ansible_become: must be true or false, not 'maybe'"),
        ("ansible_become=True ansible_become_method=runas", "ansible_become_method: is 'runas'; netaudit knows sudo"),
        ("ansible_become=True ansible_become_exe='su;id'", "ansible_become_exe: 'su;id' is not the path of a program"),
        ("ansible_become=True ansible_become_user='a b'", "ansible_become_user: 'a b' is not a user name"),
        ("ansible_become=True ansible_become_flags=\"-n 'x\"", "ansible_become_flags: cannot be split into words"),
        ("ansible_become=True ansible_become_flags='-n\t-H'", "ansible_become_flags: holds a control character"),
        ("ansible_private_key=xyz", "ansible_private_key: cannot be honoured by netaudit"),
        ("ansible_ssh_pkcs11_provider=/lib/x.so", "ansible_ssh_pkcs11_provider: cannot be honoured by netaudit"),
        ("ansible_password='[1]'", "ansible_password: must be a text, not a list"),
        ("ansible_ssh_timeout=soon", "ansible_ssh_timeout: 'soon' is not a number of seconds"),
        ("ansible_ssh_common_args='-o ProxyJmp=a'", "cannot be honoured by netaudit; did you mean proxyjump?"),
        ("ansible_ssh_common_args='-o PKCS11Provider=x'", "'-o PKCS11Provider=x' cannot be honoured by netaudit"),
        ("ansible_ssh_common_args='-W a:1'", "ansible_ssh_common_args: '-W a:1' cannot be honoured by netaudit"),
        ("ansible_ssh_common_args='-N'", "ansible_ssh_common_args: '-N' cannot be honoured by netaudit"),
        ("ansible_ssh_extra_args='-o'", "ansible_ssh_extra_args: -o needs a value"),
        ("ansible_ssh_args='-J a;b'", "ansible_ssh_args: 'a;b' is not [user@]host[:port]"),
        (
            "ansible_ssh_args=\"-o 'ProxyCommand=sh -c \\\"ssh -o StrictHostKeyChecking=no x\\\"'\"",
            "says how host keys are checked",
        ),
        ("ansible_host='{{ nosuch }}'", "ansible_host: is a template that cannot be evaluated: 'nosuch' is undefined"),
        ("ansible_host=\"{{ lookup('env', 'X') }}\"", "ansible_host: is a template that calls lookup()"),
    ],
)  # fmt: skip
def test_variable_without_sense_names_host_and_place(variables: str, problem: str) -> None:
    """A value that cannot be meant is an error with file, line, host and variable, when the host is selected."""
    with pytest.raises(InventoryError) as caught:
        resolve(f"good\nh {variables}\n", "h")
    assert str(caught.value).startswith("hosts:2: host 'h': ")
    assert problem in str(caught.value)
    assert len(resolve(f"good\nh {variables}\n", "good").targets) == 1


def test_origin_is_the_strongest_place() -> None:
    """An error names the file that set the value which counts."""
    Path("group_vars").mkdir()
    Path("group_vars/all.yml").write_text("x: 1\n\nansible_port: none\n", "utf-8")
    with pytest.raises(InventoryError, match=r"^group_vars/all\.yml:3:1: host 'h': ansible_port"):
        resolve("h\n[all:vars]\nansible_port=22\n")
    with pytest.raises(InventoryError, match=r"^--extra-vars: host 'h': ansible_port"):
        resolve("h\n", ansible_port="x")


@pytest.mark.parametrize("name", ["a;id", "$(id)", "-oProxyCommand=id", "a/b", "x" * 300])
def test_name_that_no_host_has_is_refused(name: str) -> None:
    """A host's name goes into commands, file names and reports, so it is held to the same rule as an address."""
    with pytest.raises(InventoryError, match="its name: has characters that no host name has"):
        load([f"{name},"]).targets([name])


@pytest.mark.parametrize(
    ("variables", "overrides", "become"),
    [
        ("", Overrides(), None),
        ("", Overrides(become=True), Become()),
        ("ansible_become=False", Overrides(become=True), None),
        ("ansible_become=yes", Overrides(), Become()),
        ("ansible_become='{{ true }}'", Overrides(), Become()),
        ("", Overrides(become=True, become_method=BecomeMethod.DOAS), Become(BecomeMethod.DOAS)),
        (
            "ansible_become_method=su ansible_become_user=op",
            Overrides(become=True, become_method=BecomeMethod.DOAS),
            Become(BecomeMethod.SU, "op"),
        ),
        ("ansible_become=1 ansible_become_method=community.general.doas", Overrides(), Become(BecomeMethod.DOAS)),
        (
            "ansible_become=1 ansible_become_exe=/opt/sudo ansible_become_flags='-H -n'",
            Overrides(),
            Become(executable="/opt/sudo", flags=("-H", "-n")),
        ),
        ("ansible_become=1 ansible_sudo_user=op ansible_su_user=x", Overrides(), Become(user="op")),
        ("", Overrides(become=True, become_user="op"), Become(user="op")),
        ("ansible_sudo_user=inv", Overrides(become=True, become_user="op"), Become(user="inv")),
        ("ansible_become=1 ansible_sudo_exe=/x ansible_doas_exe=/y", Overrides(), Become(executable="/x")),
        ("ansible_become=1 ansible_sudo_flags=-H ansible_su_flags=-l", Overrides(), Become(flags=("-H",))),
        ("ansible_become=1 ansible_become_user=' ' ansible_become_exe=''", Overrides(), Become()),
    ],
)
def test_way_to_root(variables: str, overrides: Overrides, become: Become | None) -> None:
    """Escalation is as the inventory says, else as the command line says, else none."""
    assert target(variables, overrides).become == become


def test_passwords_are_apart_from_targets() -> None:
    """Passwords are given by the secret source alone; no target, repr or warning shows them."""
    found = resolve(
        "a ansible_password=first ansible_ssh_pass=hunter2 ansible_become_pass=hunter3\n"
        "b ansible_ssh_private_key_passphrase=hunter4 ansible_sudo_pass=12345\nc\n"
    )
    a, b, c = found.targets
    assert found.secrets.for_target(a) == Credentials(password="hunter2", become_password="hunter3")
    assert found.secrets.for_target(b) == Credentials(become_password="12345", key_passphrase="hunter4")
    assert found.secrets.for_target(c) == Credentials()
    shown = repr(found) + repr([found.secrets.for_target(one) for one in found.targets])
    for word in ("hunter2", "hunter3", "hunter4", "12345", "first"):
        assert word not in shown


def test_password_may_be_a_template() -> None:
    """A password that refers to another variable is evaluated, and neither name is kept when it is a secret."""
    found = resolve("a ansible_become_password='{{ ansible_password }}' ansible_password=hunter2\n")
    assert found.secrets.for_target(found.targets[0]).become_password == "hunter2"


def test_variables_of_a_target() -> None:
    """A target keeps its variables as written, but those for netaudit evaluated, and no secret or vaulted one."""
    Path("hosts.yml").write_text(
        """
web:
  hosts: {h: {tmpl: "{{ x }}", x: 5, ansible_ssh_pass: p, ansible_token: t, deep: {v: !vault "31"}}}
  vars:
    netaudit_vars: {rate: "{{ x }}", name: "{{ inventory_hostname }}-{{ x }}", plain: 1}
    netaudit_raw: !unsafe "{{ x }}"
""",
        "utf-8",
    )
    found = load(["hosts.yml"]).targets(["h"]).targets[0]
    assert dict(found.vars) == {
        "tmpl": "{{ x }}",
        "x": 5,
        "netaudit_vars": {"rate": 5, "name": "h-5", "plain": 1},
        "netaudit_raw": "{{ x }}",
    }
    assert found.groups == ("web",)


@pytest.mark.parametrize("word", ["local", "ansible.builtin.local"])
def test_local_connection(word: str) -> None:
    """A local host has no ssh settings."""
    found = target(f"ansible_connection={word} ansible_user=me")
    assert (found.connection, found.ssh.user) == (Connection.LOCAL, None)


def test_implicit_localhost_is_local() -> None:
    """This machine, when no source names it, is reached without ssh; group_vars/all applies to it."""
    Path("group_vars").mkdir()
    Path("group_vars/all").write_text("site: here\n", "utf-8")
    Path("hosts").write_text("a\n", "utf-8")
    inventory = load(["hosts"])
    found = inventory.targets(inventory.select("localhost")).targets[0]
    assert (found.name, found.connection, found.vars["site"], found.groups) == (
        "localhost",
        Connection.LOCAL,
        "here",
        (),
    )


def test_connection_of_the_command_line() -> None:
    """``--transport local`` counts for hosts whose inventory names no connection."""
    overrides = Overrides(connection=Connection.LOCAL)
    assert target("", overrides).connection is Connection.LOCAL
    assert target("ansible_connection=ssh", overrides).connection is Connection.SSH


def test_one_run_reads_one_ssh_config() -> None:
    """``-F`` is carried to the run when all hosts agree on it, and refused when they differ."""
    assert resolve("a\nb\n[all:vars]\nansible_ssh_common_args=-F ~/cfg\n").ssh_config_file == "/home/me/cfg"
    assert resolve("a\n").ssh_config_file is None
    with pytest.raises(InventoryError, match="a run reads one ssh_config"):
        resolve("a ansible_ssh_common_args='-F x'\nb\n")


def test_unknown_host_is_an_error() -> None:
    """A name that is not in the inventory becomes no target."""
    with pytest.raises(InventoryError, match="there is no host 'nosuch' in the inventory"):
        load(["a,"]).targets(["nosuch"])
