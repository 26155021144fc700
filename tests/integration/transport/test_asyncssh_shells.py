"""Login shells of all sorts, quiet and noisy, behind OpenSSH; and that nothing stays behind on the host."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace

import pytest

from netaudit.errors import ErrorKind, Phase
from netaudit.model.target import Become, BecomeMethod
from netaudit.transport.resolved import local_user

SHELLS = ("bash", "dash", "busybox", "zsh", "fish", "tcsh", "mksh")


@pytest.fixture(params=SHELLS)
def shell(request):
    """One login shell after the other."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return "busybox ash" if request.param == "busybox" else request.param


@pytest.mark.parametrize(
    ("before", "after"),
    [("", ""), ("echo before; echo noise >&2", ""), ("printf 'no newline'", "echo after"), ("umask 777; IFS=x", "")],
    ids=["quiet", "noisy", "around", "odd"],
)
def test_a_login_shell(sshd, client, login_shell, shell, before, after):
    """The answer is whole whatever the login shell is and whatever it prints around it."""
    outcome = client.to(sshd(login_shell(shell, before=before, after=after))).ask()
    assert outcome.kind is None
    assert outcome.out.splitlines() == ["hello", local_user()]


def test_a_profile_in_the_background_prints_in_between(sshd, client, login_shell, kit):
    """A child of the profile that goes on printing does no harm to the frames around it."""
    noise = "(while printf 'x\\n'; do sleep 0.01; done) &"
    outcome = client.to(sshd(login_shell("bash", before=noise))).ask(kit.hello("sleep 0.1; echo hello"))
    assert outcome.kind is None
    assert "hello" in outcome.out


@pytest.mark.parametrize(
    "after_login", ["exit 0", "exec /bin/false", "exec /nonexistent/shell", "cat >/dev/null; exit 0"]
)
def test_a_login_shell_that_runs_nothing(sshd, client, tmp_path, after_login):
    """A profile that exits, nologin and a missing shell are told alike: no shell."""
    script = tmp_path / "force"
    script.write_text(after_login + "\n")
    client.to(sshd(f"ForceCommand /bin/sh {script}"))
    client.using(limits=replace(client.options.limits, first_byte_s=1.0))
    assert client.ask().kind in (ErrorKind.NO_SHELL, ErrorKind.TIMEOUT)


def test_a_profile_that_hangs(sshd, client, login_shell):
    """Not a byte comes: the limit for the first byte ends it, in the session and not before."""
    client.to(sshd(login_shell("bash", before="sleep 600")))
    outcome = client.using(limits=replace(client.options.limits, first_byte_s=0.5)).ask()
    assert outcome.kind is ErrorKind.TIMEOUT
    assert outcome.error.phase is Phase.SESSION


def test_a_login_shell_killed_half_way(sshd, client, kit):
    """The shell is killed by a signal while a probe runs."""
    outcome = client.to(sshd()).ask(kit.hello("echo part; kill -KILL $$"))
    assert outcome.kind in (ErrorKind.BAD_ANSWER, ErrorKind.DISCONNECTED)
    assert outcome.exit.signal == "KILL"


def test_a_server_process_killed_half_way(sshd, client, kit):
    """The session's sshd dies: the connection is lost, and never is half an answer taken for a whole."""
    server = sshd()
    outcome = client.to(server).ask(kit.hello('echo part; kill -KILL "$PPID"; sleep 9'))
    assert outcome.kind is ErrorKind.DISCONNECTED
    assert outcome.error.phase is Phase.ANSWER


class TestNothingStays:
    """After an answer, a close or a cancellation no process is left on the host."""

    @pytest.mark.parametrize("shell", ["bash", "dash", "zsh", "fish", "tcsh"])
    def test_after_an_answer(self, sshd, client, login_shell, kit, shell):
        """A child in the background that holds the streams open neither delays the answer nor survives it for long."""
        if shutil.which(shell) is None:
            pytest.skip(f"{shell} is not installed")
        server = sshd(login_shell(shell))
        outcome = client.to(server).ask()
        assert outcome.kind is None
        assert kit.eventually(lambda: not server.sessions())

    def test_after_a_cancelled_run(self, sshd, client, kit):
        """The task is cancelled while a probe sleeps: within moments its sleep is gone."""
        server = sshd()
        client.to(server)

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

    def test_after_the_limit_of_the_host(self, sshd, client, kit):
        """A probe that hangs is ended with the whole host's limit."""
        server = sshd()
        client.to(server)

        async def limited():
            transport = client.make(client.options)
            with pytest.raises(TimeoutError):
                await kit.contact(transport, client.target, kit.hello("sleep 300"), host_s=0.7)
            await transport.close()

        asyncio.run(limited())
        assert kit.eventually(lambda: not server.sessions())


def test_a_stranger_as_become_tool(sshd, client, tmp_path, kit):
    """A become tool that swallows everything and prints no shell ends at the limit, and leaves nothing."""
    tool = tmp_path / "sudo"
    tool.write_text("#!/bin/sh\nexec cat >/dev/null\n")
    tool.chmod(0o755)
    server = sshd()
    client.to(server).becoming(Become(BecomeMethod.SUDO, executable=str(tool)))
    outcome = client.using(limits=replace(client.options.limits, first_byte_s=0.7)).ask()
    assert outcome.kind is ErrorKind.BECOME_FAILED
    assert kit.eventually(lambda: not server.sessions())
