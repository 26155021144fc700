"""asyncssh against real dropbear servers, as found on small systems."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace

import pytest

from netaudit.errors import ErrorKind
from netaudit.model.target import Become, BecomeMethod


@pytest.fixture
def box(dropbear, accounts, client):
    """A dropbear whose users have an /etc of their own; ``box(shell)`` gives the client for it."""

    def start(shell: str = "/bin/sh", *options: str):
        entry = f"oper:x:4242:4242::{accounts.home}:{shell}\n"
        passwd = accounts.folder / "etc" / "passwd"
        lines = [line for line in passwd.read_text().splitlines(keepends=True) if not line.startswith("oper:")]
        accounts.write("passwd", "".join(lines) + entry)
        accounts.write("shells", f"/bin/sh\n/bin/bash\n{shell}\n")
        server = dropbear(*options, before=accounts.before)
        return client.to(server, user="oper"), server

    return start


@pytest.mark.parametrize("shell", ["bash", "dash", "zsh", "fish", "tcsh"])
def test_an_answer_is_whole(box, kit, shell):
    """Keys, host key and every login shell; nothing is left behind."""
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")
    client, server = box(path)
    outcome = client.ask()
    assert outcome.kind is None
    assert outcome.user == "oper"
    assert kit.eventually(lambda: not server.sessions())


def test_busybox_ash_is_the_login_shell(box, accounts, open_folder, kit):
    """A shell that is one of many names of one program."""
    busybox = kit.program("busybox")
    ash = open_folder / "ash"
    ash.symlink_to(busybox)
    client, _ = box(str(ash))
    assert client.ask().kind is None


def test_a_password_logs_in(box, client):
    """dropbear has the method password only."""
    box()
    assert client.secrets(password="oper secret").to(client.target.ssh.port, identity_files=()).ask().kind is None
    outcome = client.secrets(password="wrong secret").ask()
    assert outcome.kind in (ErrorKind.AUTH_FAILED, ErrorKind.DISCONNECTED)
    assert "wrong secret" not in repr(outcome)


def test_a_refused_key(box, client, keys):
    """The wrong key."""
    box()
    assert client.to(client.target.ssh.port, identity_files=(str(keys.other),)).ask().kind is ErrorKind.AUTH_FAILED


def test_many_at_once_from_one_address(box, client):
    """dropbear takes five connections without a login from one address: all hosts are done nevertheless."""
    box()
    targets = [replace(client.target, name=f"box{number}") for number in range(12)]
    assert [outcome.kind for outcome in client.ask_all(targets)] == [None] * 12


def test_su_and_sudo(box, client, accounts):
    """Escalation works as it does behind OpenSSH."""
    accounts.write("sudoers", "root ALL=(ALL) ALL\noper ALL=(ALL) ALL\n", 0o440)
    box()
    client.secrets(become_password="oper secret").becoming(Become(BecomeMethod.SUDO))
    assert client.ask().user == "root"
    client.secrets(become_password="root secret").becoming(Become(BecomeMethod.SU))
    assert client.ask().user == "root"


def test_nothing_stays_after_a_cancelled_run(box, client, kit):
    """The server tells a process without terminal nothing; the guard notices by itself."""
    _, server = box()

    async def cancelled():
        transport = client.make(client.options)
        task = asyncio.create_task(kit.contact(transport, client.target, kit.hello("sleep 300")))
        while len(server.sessions()) < 4:
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await transport.close()

    asyncio.run(cancelled())
    assert kit.eventually(lambda: not server.sessions())
