"""The ways to a host: jump hosts and their chains, ProxyCommand, passwords, names."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import sys
from dataclasses import replace

import pytest

from netaudit.errors import ErrorKind, OperatorError, Phase
from netaudit.model.target import SshSettings
from netaudit.transport.options import HostKeyChecking
from netaudit.transport.resolved import local_user


def hop(server) -> str:
    """A server as ProxyJump names it."""
    return f"{local_user()}@127.0.0.1:{server.port}"


class TestJumpHosts:
    """``-J`` and ProxyJump."""

    def test_a_host_behind_a_jump_host(self, sshd, client):
        """Both host keys are known; the answer comes through the jump host."""
        jump, server = sshd(), sshd()
        client.to(jump).to(server, jumps=(hop(jump),))
        assert client.ask().kind is None
        assert "Accepted publickey" in jump.log.read_text()

    def test_a_chain(self, sshd, client):
        """Two jump hosts, one behind the other."""
        first, second, server = sshd(), sshd(), sshd()
        client.to(first).to(second).to(server, jumps=(hop(first), hop(second)))
        assert client.ask().kind is None

    def test_one_connection_serves_all_hosts(self, sshd, client):
        """Ten hosts behind a jump host make one login there."""
        jump, server = sshd(), sshd()
        client.to(jump).to(server, jumps=(hop(jump),))
        targets = [replace(client.target, name=f"web{number}") for number in range(10)]
        assert [outcome.kind for outcome in client.ask_all(targets)] == [None] * 10
        assert jump.log.read_text().count("Accepted publickey") == 1

    def test_a_jump_host_is_checked_too(self, sshd, client, keys):
        """Its unknown key stops everything behind it, and the message says whose key it was."""
        jump, server = sshd(host_keys=[keys.host_rsa]), sshd()
        outcome = client.to(server, jumps=(hop(jump),)).ask()
        assert outcome.kind is ErrorKind.HOST_KEY_UNKNOWN
        assert f"jump host {hop(jump)}" in outcome.error.message

    def test_the_host_behind_is_checked_too(self, sshd, client, keys):
        """Trusting the jump host is not trusting what it leads to."""
        jump, server = sshd(), sshd(host_keys=[keys.host_rsa])
        client.to(jump).to(server, trust=False, jumps=(hop(jump),))
        assert client.ask().kind is ErrorKind.HOST_KEY_UNKNOWN

    def test_stuck_hosts_behind_do_not_hold_up_others(self, sshd, client, kit, monkeypatch):
        """A place among the handshakes through a jump host is given back by who is stuck."""
        monkeypatch.setattr("netaudit.transport.handshake._PATIENCE_S", 0.1)
        jump, server = sshd(), sshd()
        client.to(jump).to(server, jumps=(hop(jump),)).using(limits=replace(client.options.limits, connect_s=60.0))

        async def behind(tarpit: int):
            transport = client.make(client.options)
            dead = replace(client.target, ssh=replace(client.target.ssh, port=tarpit))
            stuck = [asyncio.create_task(kit.contact(transport, dead, host_s=60)) for _ in range(12)]
            await asyncio.sleep(0)
            good = await kit.contact(transport, client.target)
            waiting = sum(not task.done() for task in stuck)
            for task in stuck:
                task.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)
            await transport.close()
            return good, waiting

        with socket.create_server(("127.0.0.1", 0)) as tarpit:
            good, waiting = asyncio.run(behind(tarpit.getsockname()[1]))
        assert (good.kind, waiting) == (None, 12)

    def test_a_dead_jump_host(self, client, kit):
        """Nothing listens at the first hop: all hosts are told, with its name."""
        client.to(9, jumps=(f"127.0.0.1:{kit.free_port()}",))
        outcomes = client.ask_all([replace(client.target, name=f"web{number}") for number in range(3)])
        assert {outcome.kind for outcome in outcomes} == {ErrorKind.REFUSED}
        assert "jump host" in outcomes[0].error.message

    def test_nothing_listens_behind(self, sshd, client, kit):
        """The jump host says that the port is closed."""
        jump = sshd()
        outcome = client.to(jump).to(kit.free_port(), jumps=(hop(jump),)).ask()
        assert outcome.kind is ErrorKind.REFUSED
        assert outcome.error.phase is Phase.CONNECT

    def test_a_name_unknown_behind(self, sshd, client):
        """Names behind a jump host are looked up there, not here."""
        jump = sshd()
        client.to(jump, jumps=(hop(jump),))
        client.target = replace(client.target, address="no-such-host.invalid")
        assert client.ask().kind in (ErrorKind.DNS, ErrorKind.REFUSED)

    def test_a_jump_host_that_forbids_forwarding(self, sshd, client):
        """AllowTcpForwarding no is named in the hint."""
        jump, server = sshd("AllowTcpForwarding no"), sshd()
        outcome = client.to(jump).to(server, jumps=(hop(jump),)).ask()
        assert outcome.kind is ErrorKind.REFUSED
        assert "AllowTcpForwarding" in outcome.error.hint

    def test_a_jump_host_with_blocks_of_its_own(self, sshd, client, tmp_path):
        """ssh_config says how the jump host is reached, over a further one, as for ssh(1)."""
        first, second, server = sshd(), sshd(), sshd()
        key = client.target.ssh.identity_files[0]
        config = tmp_path / "config"
        config.write_text(
            f"Host outer\n  Hostname 127.0.0.1\n  Port {first.port}\n  IdentityFile {key}\n"
            f"Host inner\n  Hostname 127.0.0.1\n  Port {second.port}\n  IdentityFile {key}\n  ProxyJump outer\n"
            f"Host web\n  Hostname 127.0.0.1\n  Port {server.port}\n  IdentityFile {key}\n  ProxyJump inner\n"
        )
        client.to(first).to(second).to(server).using(use_ssh_config=True, ssh_config_file=config)
        client.target = replace(client.target, address="web", ssh=SshSettings())
        assert client.ask().kind is None
        for jump in (first, second):
            assert jump.log.read_text().count("Accepted publickey") == 1

    @pytest.mark.parametrize(
        "text",
        ["Host *\n  ProxyJump bastion\n", "Host b\n  ProxyJump a\nHost *\n  ProxyJump b\n"],
        ids=["to itself", "in a circle"],
    )
    def test_a_loop_is_told(self, client, tmp_path, text):
        """A ProxyJump that holds for the jump hosts themselves ends, and is told."""
        config = tmp_path / "config"
        config.write_text(text)
        outcome = client.to(22).using(use_ssh_config=True, ssh_config_file=config).ask()
        assert outcome.kind is ErrorKind.PROTOCOL
        assert "loop" in outcome.error.message

    def test_nonsense_is_told(self, client):
        """A jump host that cannot be meant."""
        assert client.to(22, jumps=("-oProxyCommand=touch /tmp/x@",)).ask().kind is ErrorKind.DNS

    def test_a_jump_host_that_dies_takes_its_hosts_along(self, sshd, client, kit):
        """The connection through it is lost; the next host gets a new one."""
        jump, server = sshd(), sshd()
        client.to(jump).to(server, jumps=(hop(jump),))

        async def cut():
            transport = client.make(client.options)
            session = await transport.open(client.target)
            for pid in jump.sessions():
                os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.2)
            again = await kit.contact(transport, client.target)
            await session.close()
            await transport.close()
            return again

        assert asyncio.run(cut()).kind is None


class TestProxyCommand:
    """``ProxyCommand``."""

    @pytest.fixture
    def pipe(self, tmp_path):
        """A program that connects its standard streams to a port, as nc does."""
        program = tmp_path / "pipe.py"
        program.write_text(
            "import socket, sys, threading, os\n"
            "sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
            "def back():\n"
            "    while data := sock.recv(65536):\n"
            "        os.write(1, data)\n"
            "    os._exit(0)\n"
            "threading.Thread(target=back, daemon=True).start()\n"
            "while data := os.read(0, 65536):\n"
            "    sock.sendall(data)\n"
        )
        return f"{sys.executable} -S {program}"

    def test_a_program_carries_the_bytes(self, sshd, client, pipe, kit):
        """Tokens are expanded; the program is gone when the session is closed."""
        outcome = client.to(sshd(), proxy_command=f"{pipe} %h %p # 100%% of it").ask()
        assert outcome.kind is None
        assert not kit.running("pipe.py")

    def test_a_program_that_fails_is_quoted(self, client):
        """What it said is in the message."""
        outcome = client.to(22, proxy_command="echo no way through >&2; exit 3").ask()
        assert outcome.kind is ErrorKind.DISCONNECTED
        assert "no way through" in outcome.error.message

    def test_a_program_that_does_not_exist(self, client):
        """The shell's words are in the message."""
        outcome = client.to(22, proxy_command="/no/such/program %h").ask()
        assert "/no/such/program" in outcome.error.message

    def test_a_program_that_hangs_is_killed(self, client, kit):
        """The limit of the connection ends it, with what it has started."""
        client.using(limits=replace(client.options.limits, connect_s=0.5))
        outcome = client.to(22, proxy_command="sleep 301 & sleep 302; exit").ask()
        assert outcome.kind is ErrorKind.CONNECT_TIMEOUT
        assert kit.eventually(lambda: not kit.running("sleep 30"))

    def test_a_host_name_cannot_become_a_command(self, client, tmp_path):
        """What would be more than a word to the shell is refused before any shell sees it."""
        trap = tmp_path / "trap"
        for address in (f"x;touch {trap}", f"$(touch {trap})", "-oProxyCommand=x", "a b"):
            client.target = replace(client.target, address=address)
            assert client.to(22, proxy_command="echo %h").ask().kind is ErrorKind.DNS
        assert not trap.exists()


class TestPasswords:
    """Logins by password."""

    @pytest.fixture
    def server(self, sshd, accounts, client):
        """A server with PAM and passwords, and a client without keys."""

        def start(*lines: str):
            server = sshd("UsePAM yes", *lines)
            client.to(server, user="oper", identity_files=())
            return server

        return start

    @pytest.mark.parametrize("method", ["PasswordAuthentication", "KbdInteractiveAuthentication"])
    def test_each_method(self, server, client, method):
        """The method ``password``, and a question for it."""
        server(f"{method} yes")
        assert client.secrets(password="oper secret").ask().user == "oper"

    def test_a_wrong_password_is_sent_once(self, server, client):
        """Two methods are offered, one password is spent."""
        running = server("PasswordAuthentication yes", "KbdInteractiveAuthentication yes")
        outcome = client.secrets(password="wrong secret").ask()
        assert outcome.kind is ErrorKind.AUTH_FAILED
        assert "password" in outcome.error.message
        assert "wrong secret" not in repr(outcome)
        assert (
            running.log.read_text().count("PAM: Authentication failure")
            + running.log.read_text().count("Failed password")
            == 1
        )

    def test_no_password_is_sent_unasked(self, server, client):
        """Without one configured for the host nothing is answered."""
        server("PasswordAuthentication yes")
        assert client.ask().kind is ErrorKind.AUTH_FAILED

    def test_a_key_comes_before_the_password(self, server, client, keys):
        """With a key that fits the password stays here."""
        running = server("PasswordAuthentication yes")
        client.to(client.target.ssh.port, identity_files=(str(keys.user),)).secrets(password="oper secret")
        assert client.ask().kind is None
        assert "Accepted publickey" in running.log.read_text()


def test_a_name_without_address(client):
    """DNS has none."""
    client.target = replace(client.target, address="no-such-host.invalid")
    outcome = client.to(22).ask()
    assert outcome.kind is ErrorKind.DNS
    assert outcome.error.phase is Phase.CONNECT


def test_nothing_listens(client, kit):
    """The port is closed; nobody tries again."""
    assert client.to(kit.free_port()).ask().kind is ErrorKind.REFUSED


def test_the_command_line_gives_what_the_inventory_does_not(sshd, client):
    """``-u`` and ``--private-key`` hold for hosts that say nothing themselves."""
    settings = client.target.ssh
    client.to(sshd()).using(command_line=SshSettings(user=settings.user, identity_files=settings.identity_files))
    client.target = replace(client.target, ssh=SshSettings(port=client.target.ssh.port))
    assert client.ask().kind is None


def test_a_broken_ssh_config_stops_the_run_before_it_starts(client, tmp_path):
    """``prepare`` names file and line in the words of OpenSSH; a host asked all the same gets it as its error."""
    config = tmp_path / "config"
    config.write_text("Host web\n  Port 22\nHost *\n  Bogus 1\n")
    client.to(22).using(use_ssh_config=True, ssh_config_file=config)

    async def prepare():
        transport = client.make(client.options)
        try:
            await transport.prepare([client.target])
        finally:
            await transport.close()

    with pytest.raises(OperatorError, match=r"config:4: Bad configuration option: bogus"):
        asyncio.run(prepare())
    assert client.ask().kind is ErrorKind.PROTOCOL


def test_ipv6(sshd, client):
    """A literal IPv6 address, in known_hosts with its port."""
    with socket.socket(socket.AF_INET6) as sock:
        if sock.connect_ex(("::1", 9)) == errno.EADDRNOTAVAIL:
            pytest.skip("no IPv6 loopback")
    server = sshd(address="::1")
    client.target = replace(client.target, address="::1")
    client.to(server, trust=False).using(host_key_checking=HostKeyChecking.ACCEPT_NEW)
    assert client.ask().kind is None
    assert client.options.user_known_hosts[0].read_text().startswith(f"[::1]:{server.port} ")
    assert client.using(host_key_checking=HostKeyChecking.STRICT).ask().kind is None
