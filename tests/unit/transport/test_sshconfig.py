"""The user's ssh_config, resolved by the real ``ssh -G``."""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from netaudit.errors import ErrorKind, OperatorError, WorldError
from netaudit.model.target import SshSettings, Target
from netaudit.transport.options import TransportOptions
from netaudit.transport.resolved import local_user
from netaudit.transport.sshconfig import SshConfig, option_arguments, parse_hop

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed")


@pytest.fixture
def resolve(tmp_path):
    """What becomes of a host under some ssh_config: ``resolve("Host *\\n Port 7", "web1", user="x")``."""
    notices: list[str] = []

    def run(text: str, address: str = "web1", command_line: SshSettings | None = None, **settings):
        config = tmp_path / "config"
        config.write_text(text)
        options = TransportOptions(
            ssh_config_file=config, notice=notices.append, command_line=command_line or SshSettings()
        )

        async def one():
            resolver = SshConfig(options)
            try:
                return await resolver.resolve(Target("label", address, ssh=SshSettings(**settings)))
            finally:
                await resolver.close()

        return asyncio.run(one())

    run.notices = notices
    return run


@pytest.fixture
def forbidden(monkeypatch):
    """No program may be started."""

    async def refuse(*arguments, **_options):
        pytest.fail(f"started {arguments}")

    monkeypatch.setattr("asyncio.create_subprocess_exec", refuse)


@pytest.mark.parametrize("text", ["", "# Port 7\n\n", "Host *\n  SendEnv LANG LC_*\n  GSSAPIAuthentication yes\n"])
def test_nothing_is_started_where_nothing_matters(resolve, forbidden, text):
    """An empty file, and the one that Debian installs."""
    assert resolve(text, port=2222, user="oper").port == 2222


def test_hash_known_hosts_is_noticed_without_ssh(resolve, forbidden):
    """It only concerns how we write."""
    assert resolve("Host *\n  HashKnownHosts yes\n").hash_names
    assert not resolve("Host *\n  HashKnownHosts no\n").hash_names


def test_what_a_file_says_counts(resolve):
    """The first value wins, tokens are expanded, a comment may end a line."""
    found = resolve(
        "Host web*\n  Hostname %h.example.com\n  Port 2200 # not 22\n  User deploy\n  IdentityFile ~/keys/%r@%h\n"
        "  CertificateFile /c/%n\n  IdentitiesOnly yes\n  HostKeyAlias Farm\n  ConnectTimeout 7\n"
        "  UserKnownHostsFile /k/%k /k/two\n  GlobalKnownHostsFile none\n  PreferredAuthentications password\n"
        "  PubkeyAuthentication no\n  HostKeyAlgorithms ssh-ed25519\n  Ciphers aes256-ctr\n  IdentityAgent none\n"
        "  AddressFamily inet\n  BindAddress 127.0.0.2\n  HashKnownHosts yes\nHost *\n  Port 1\n"
    )
    assert (found.label, found.original, found.host, found.port) == ("label", "web1", "web1.example.com", 2200)
    assert found.user == "deploy"
    assert found.identity_files[0].endswith("/keys/deploy@web1.example.com")
    assert not found.identity_files[0].startswith("~")
    assert found.certificate_files == ("/c/web1",)
    assert found.identities_only
    assert found.place.name == "farm"
    assert found.connect_timeout_s == 7
    assert found.user_known_hosts == (Path("/k/farm"), Path("/k/two"))
    assert found.global_known_hosts == ()
    assert found.preferred_auth == ("password",)
    assert found.refused_auth == {"publickey"}
    assert found.host_key_algorithms == ("ssh-ed25519",)
    assert found.algorithms == (("ciphers", ("aes256-ctr",)),)
    assert (found.identity_agent, found.bind_address, found.hash_names) == ("none", "127.0.0.2", True)


def test_what_nobody_said_stays_open(resolve):
    """Defaults of OpenSSH are not taken for somebody's wish."""
    found = resolve("Host web*\n  Port 2200\n")
    assert found.identity_files == ()
    assert found.user_known_hosts is None
    assert found.host_key_algorithms == ()
    assert found.algorithms == ()
    assert found.user == local_user()
    assert found.identity_agent is None


def test_inventory_and_command_line_win_as_options_do(resolve):
    """Single values are theirs; key files add up, theirs first."""
    found = resolve(
        "Host *\n  Port 1\n  User conf\n  IdentityFile /conf\n",
        port=2, identity_files=("/my keys/a",), command_line=SshSettings(user="cli", port=3),
    )  # fmt: skip
    assert (found.port, found.user, found.identity_files) == (2, "cli", ("/my keys/a", "/conf"))


def test_match_blocks_see_what_was_said(resolve):
    """``Match user`` and ``Match host`` depend on inventory and Hostname."""
    text = "Host web1\n  Hostname real\nMatch host real user oper\n  Port 77\n"
    assert resolve(text, user="oper").port == 77
    assert resolve(text, user="other").port == 22


def test_included_files_count_in_order(resolve, tmp_path):
    """Sorted by name."""
    for name, port in (("b.conf", 2), ("a.conf", 1)):
        (tmp_path / name).write_text(f"Host *\n  Port {port}\n")
    assert resolve(f"Include {tmp_path}/*.conf\n").port == 1


@pytest.mark.parametrize(
    ("text", "settings", "jumps", "command"),
    [
        ("Host *\n  ProxyJump u@a:22,b\n", {}, ("u@a:22", "b"), None),
        ("Host *\n  ProxyCommand nc %h %p | tee /x\n", {}, (), "nc %h %p | tee /x"),
        ("Host *\n  ProxyJump a\n", {"jumps": ("c",)}, ("c",), None),
        ("Host *\n  ProxyJump a\n", {"proxy_command": "mine %h"}, (), "mine %h"),
        ("Host *\n  ProxyJump a\n", {"proxy_command": "none"}, (), None),
        ("Host *\n  ProxyJump none\nHost *\n  ProxyJump a\n", {}, (), None),
    ],
)
def test_ways(resolve, text, settings, jumps, command):
    """Jump hosts and commands, said and unsaid."""
    found = resolve(text, **settings)
    assert (found.jumps, found.proxy_command) == (jumps, command)


def test_options_of_the_inventory_are_resolved_without_any_file(resolve):
    """``-o`` options go through OpenSSH too."""
    found = resolve("", options={"port": ("99",), "userknownhostsfile": ("/k",), "controlmaster": ("auto",)})
    assert (found.port, found.user_known_hosts) == (99, (Path("/k"),))


class TestRefusals:
    """Files that cannot be meant."""

    def test_a_syntax_error_is_the_operators(self, resolve, tmp_path):
        """In OpenSSH's words, with file and line, even in another host's block."""
        with pytest.raises(OperatorError) as caught:
            resolve("Host other\n  Port 1\n  Bogus 1\n")
        assert (caught.value.where.file, caught.value.where.line) == (str(tmp_path / "config"), 3)
        assert "bogus" in caught.value.message

    def test_a_bad_option_of_the_inventory(self, resolve):
        """Told by ssh too."""
        with pytest.raises(OperatorError, match="bogus"):
            resolve("", options={"bogus": ("1",)})

    @pytest.mark.parametrize("line", ["IdentityFile /k/%C", "IdentityFile ${NETAUDIT_NO_SUCH_VARIABLE}/k"])
    def test_what_cannot_be_expanded(self, resolve, line):
        """A token or a variable that is not there is an error, never an empty word."""
        with pytest.raises(OperatorError):
            resolve(f"Host *\n  {line}\n")

    def test_what_is_not_supported_is_noticed(self, resolve):
        """A source of trust that does not count is named."""
        resolve("Host *\n  KnownHostsCommand /bin/true\n")
        assert any("knownhostscommand" in notice for notice in resolve.notices)

    def test_looseness_does_not_count(self, resolve):
        """Neither in a file nor in the inventory, and it is said once."""
        resolve("Host *\n  StrictHostKeyChecking no\n  Port 1\n")
        resolve("", options={"stricthostkeychecking": ("accept-new",)})
        assert sum("StrictHostKeyChecking" in notice for notice in resolve.notices) == 2

    def test_a_hanging_file_has_a_limit(self, resolve, monkeypatch):
        """A Match exec that never ends costs one host its turn, and leaves no process."""
        monkeypatch.setattr("netaudit.transport.sshconfig._WITHIN_S", 0.3)
        with pytest.raises(WorldError) as caught:
            resolve('Match exec "sleep 303"\n  Port 1\n')
        assert caught.value.kind is ErrorKind.CONNECT_TIMEOUT
        commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
        assert not any(b"sleep\x00303" in command for command in commands)

    def test_without_ssh_a_file_cannot_count(self, resolve, monkeypatch):
        """That is an error, not silence."""
        monkeypatch.setattr("shutil.which", lambda _name: None)
        with pytest.raises(OperatorError, match="no ssh program"):
            resolve("Host *\n  Port 1\n")


@pytest.fixture
def started(monkeypatch):
    """The commands of all programs that were started."""
    commands = []
    real = asyncio.create_subprocess_exec

    async def counting(*arguments, **options):
        commands.append(arguments)
        return await real(*arguments, **options)

    monkeypatch.setattr("asyncio.create_subprocess_exec", counting)
    return commands


def resolve_all(addresses, **settings):
    """Several hosts with the same settings, at once, where no file matters."""

    async def every():
        resolver = SshConfig(TransportOptions(use_ssh_config=False))
        said = SshSettings(**settings)
        asked = (resolver.resolve(Target(address, address, ssh=said)) for address in addresses)
        found = await asyncio.gather(*asked)
        await resolver.close()
        return found

    return asyncio.run(every())


def test_hosts_share_what_no_host_can_change(started):
    """Where no file matters and the options have no tokens, one program answers for the whole fleet."""
    fleet = ["10.0.0.1", "web2.example.net", "fd00::3"]
    found = resolve_all(fleet, user="oper", port=2200, options={"userknownhostsfile": ("/k /l",)})
    assert [each.host for each in found] == fleet
    assert [each.original for each in found] == fleet
    assert {(each.user, each.port, each.user_known_hosts) for each in found} == {
        ("oper", 2200, (Path("/k"), Path("/l")))
    }
    assert len(started) == 2


def test_shared_settings_are_those_of_a_host_asked_alone(started):
    """A host whose name keeps it from sharing gets the same, its name apart."""
    said = {"userknownhostsfile": ("/k",), "ciphers": ("aes256-ctr",), "connecttimeout": ("7",)}
    shared, alone = resolve_all(["web1", "WEB1"], options=said, identity_files=("/i",))
    assert len(started) == 3
    assert replace(shared, original="WEB1", label="WEB1") == alone


@pytest.mark.parametrize("said", [{"userknownhostsfile": ("/k/%h",)}, {"hostname": ("%h.example.net",)}])
def test_what_a_host_can_change_is_asked_for_each(started, said):
    """A token, or a keyword that concerns the name, makes every host a question of its own."""
    found = resolve_all(["web1", "web2"], options=said)
    assert len({(each.host, each.user_known_hosts) for each in found}) == 2
    assert len(started) == 3


def test_a_host_is_resolved_once(tmp_path, started):
    """Asked for ten times at once, it costs one program, beside the one for the defaults."""
    config = tmp_path / "config"
    config.write_text("Host *\n  Port 7\n")

    async def many():
        resolver = SshConfig(TransportOptions(ssh_config_file=config, notice=pytest.fail))
        found = await asyncio.gather(*(resolver.resolve(Target("web1", "web1")) for _ in range(10)))
        await resolver.close()
        return found

    assert {resolved.port for resolved in asyncio.run(many())} == {7}
    assert len(started) == 2


def test_a_file_that_is_named_has_to_be_there(tmp_path):
    """``-F`` with nothing behind it is the operator's, ``-F none`` is meant."""
    gone = SshConfig(TransportOptions(ssh_config_file=tmp_path / "gone"))
    with pytest.raises(OperatorError, match="cannot be read"):
        asyncio.run(gone.check([Target("web1", "web1")]))
    none = SshConfig(TransportOptions(ssh_config_file=Path("none")))
    assert len(asyncio.run(none.check([Target("web1", "web1"), Target("web2", "web2")]))) == 1


def test_a_way_said_to_be_none_starts_nothing(resolve, forbidden):
    """Where no file could say another."""
    assert resolve("", options={"proxyjump": ("none",), "controlmaster": ("auto",)}).jumps == ()


def test_a_file_can_be_left_out(tmp_path):
    """``use_ssh_config`` false."""
    config = tmp_path / "config"
    config.write_text("Host *\n  Port 7\n")
    options = TransportOptions(ssh_config_file=config, use_ssh_config=False)
    assert asyncio.run(SshConfig(options).resolve(Target("web1", "web1"))).port == 22


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("bastion", (None, "bastion", None)),
        ("u@bastion:2222", ("u", "bastion", 2222)),
        ("ssh://u@bastion:2222", ("u", "bastion", 2222)),
        ("[::1]:22", (None, "::1", 22)),
        ("dom\\u@b", ("dom\\u", "b", None)),
    ],
)
def test_hops(spec, expected):
    """The forms of ProxyJump."""
    assert parse_hop(spec) == expected


@pytest.mark.parametrize("spec", ["", "a b:c", "a:b:c", "u@", "a:port", "http://x/y"])
def test_hops_that_cannot_be_meant(spec):
    """Each is told."""
    with pytest.raises(WorldError):
        parse_hop(spec)


def test_quotes_in_values_stay_within_their_option():
    """A file name cannot add another setting."""
    arguments = option_arguments(SshSettings(identity_files=('a" ProxyCommand="x',)))
    assert arguments == ["-o", 'IdentityFile="a\\" ProxyCommand=\\"x"']
