"""Becoming root over SSH by the real sudo, doas and su, with and without passwords."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace

import pytest

from netaudit.errors import ErrorKind, Phase
from netaudit.model.target import Become, BecomeMethod

SUDO, DOAS, SU = (Become(method) for method in BecomeMethod)
PAYLOAD = "echo hello; echo aside >&2; id -u"


@pytest.fixture
def host(sshd, accounts, client, kit):
    """Asks a host with rules of its own: ``host(SUDO, "secret", sudoers="…")``."""

    def ask(become: Become, password: str | None = None, *, sudoers="", doas="", text=PAYLOAD, lines=()):
        if not become.executable and shutil.which(str(become.method)) is None:
            pytest.skip(f"{become.method} is not installed")
        accounts.write("sudoers", f"Defaults !lecture\nroot ALL=(ALL) ALL\n{sudoers}\n", 0o440)
        accounts.write("doas.conf", f"{doas}\n", 0o400)
        server = sshd("UsePAM yes", *lines)
        client.to(server, user="oper").secrets(become_password=password).becoming(become)
        outcome = client.ask(kit.hello(text))
        assert kit.eventually(lambda: not server.sessions()), "something was left behind on the host"
        return outcome

    return ask


def good(outcome) -> bool:
    """Whether the answer is whole, from root, with both streams apart."""
    return outcome.kind is None and outcome.out.splitlines() == ["hello", "0"] and outcome.err == "aside\n"


def refused(outcome, *words: str) -> bool:
    """Whether the escalation failed, was told in the session, and names what matters."""
    error = outcome.error
    told = error is not None and error.kind is ErrorKind.BECOME_FAILED and error.phase is Phase.SESSION
    return told and all(word in f"{error.message} {error.hint}" for word in words)


class TestSudo:
    """``--become-method sudo``."""

    def test_without_a_password(self, host):
        """NOPASSWD for everything."""
        assert good(host(SUDO, sudoers="oper ALL=(ALL) NOPASSWD: ALL"))

    def test_the_exact_command_can_be_allowed(self, host):
        """Without a password the privileged command is constant, so sudoers need not allow everything."""
        assert good(host(SUDO, sudoers="oper ALL=(root) NOPASSWD: /bin/sh -s"))

    def test_with_a_password(self, host):
        """The prompt is answered, and the script is not eaten by it."""
        assert good(host(SUDO, "oper secret", sudoers="oper ALL=(ALL) ALL"))

    def test_a_password_that_is_not_asked_for_is_not_sent(self, host):
        """With NOPASSWD the password stays here: the shell would run it as a command."""
        outcome = host(SUDO, "oper secret", sudoers="oper ALL=(ALL) NOPASSWD: ALL", text="cat; echo hello; id -u")
        assert outcome.kind is None
        assert outcome.out.splitlines() == ["hello", "0"]

    def test_a_password_that_is_missing(self, host):
        """sudo -n never waits for one."""
        assert refused(host(SUDO, sudoers="oper ALL=(ALL) ALL"), "asks for a password", "-K")

    def test_a_wrong_password(self, host):
        """It is sent once, and appears nowhere."""
        outcome = host(SUDO, "wrong secret", sudoers="oper ALL=(ALL) ALL")
        assert refused(outcome, "did not take the password")
        assert "wrong secret" not in repr(outcome)

    def test_a_user_without_rights(self, host):
        """Not in the sudoers file."""
        assert refused(host(SUDO, "oper secret"), "does not let this user become root")

    def test_requiretty(self, host):
        """Where sudo insists on a terminal it gets one, and the streams still stay apart."""
        rules = "Defaults requiretty\noper ALL=(ALL)"
        assert good(host(SUDO, sudoers=f"{rules} NOPASSWD: ALL"))
        assert good(host(SUDO, "oper secret", sudoers=f"{rules} ALL"))

    def test_requiretty_without_a_terminal_to_be_had(self, host):
        """The server gives none: the reason is told."""
        outcome = host(SUDO, sudoers="Defaults requiretty\noper ALL=(ALL) NOPASSWD: ALL", lines=["PermitTTY no"])
        assert outcome.kind in (ErrorKind.BECOME_FAILED, ErrorKind.NO_SHELL)

    def test_use_pty(self, host):
        """A sudo that runs its commands on a terminal of its own."""
        assert good(host(SUDO, "oper secret", sudoers="Defaults use_pty\noper ALL=(ALL) ALL"))

    def test_another_user(self, host):
        """One that exists, and one that does not."""
        outcome = host(replace(SUDO, user="nobody"), sudoers="oper ALL=(ALL) NOPASSWD: ALL", text="id -un")
        assert outcome.out == "nobody\n"
        assert refused(host(replace(SUDO, user="ananas"), sudoers="oper ALL=(ALL) NOPASSWD: ALL"), "no user ananas")

    def test_flags_are_passed(self, host):
        """Flags of the inventory go along; -n and -S stay ours."""
        become = replace(SUDO, flags=("-H", "-S", "-n"))
        assert good(host(become, "oper secret", sudoers="oper ALL=(ALL) ALL"))

    def test_a_tool_that_is_not_there(self, host):
        """A path that does not exist is told as such."""
        assert refused(host(Become(BecomeMethod.SUDO, executable="/opt/none/sudo")), "not installed")

    def test_the_password_is_in_no_argument_list(self, host):
        """What the host shows of our processes holds no secret."""
        text = "tr '\\0' ' ' </proc/$PPID/cmdline; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '; echo; id -u"
        outcome = host(SUDO, "oper secret", sudoers="oper ALL=(ALL) ALL", text=text)
        assert outcome.kind is None
        assert "oper secret" not in outcome.out


class TestDoas:
    """``--become-method doas``."""

    def test_without_a_password(self, host):
        """nopass."""
        assert good(host(DOAS, doas="permit nopass oper"))

    def test_with_a_password(self, host):
        """doas reads its password from a terminal only, so one is asked for; the streams stay apart all the same."""
        assert good(host(DOAS, "oper secret", doas="permit oper"))

    def test_a_password_that_is_not_asked_for_is_not_sent(self, host):
        """nopass and a password configured."""
        assert good(host(DOAS, "oper secret", doas="permit nopass oper"))

    def test_a_password_that_is_missing(self, host):
        """doas -n never waits for one."""
        assert refused(host(DOAS, doas="permit oper"), "asks for a password")

    def test_a_wrong_password(self, host):
        """Sent once, told, and nowhere to be seen."""
        outcome = host(DOAS, "wrong secret", doas="permit oper")
        assert refused(outcome, "did not take the password")
        assert "wrong secret" not in repr(outcome)

    def test_a_user_without_rights(self, host):
        """No rule fits."""
        assert refused(host(DOAS, doas="permit nopass root"), "does not let this user become root")

    def test_binary_text_passes_a_terminal(self, host):
        """Bytes that mean something to a terminal arrive as they were sent."""
        outcome = host(DOAS, "oper secret", doas="permit oper", text="printf 'a\\r\\003\\004\\033[2J\\377b\\n'")
        assert outcome.out == "a\r\x03\x04\x1b[2J\ufffdb\n"

    def test_a_large_payload_passes_a_terminal(self, host):
        """More than a terminal holds, and lines longer than it takes: raw, nothing of that matters."""
        text = f"printf %s {'x' * 6000} | wc -c\n" * 25
        outcome = host(DOAS, "oper secret", doas="permit oper", text=text)
        assert outcome.out == "6000\n" * 25

    def test_a_shell_that_dies_behind_a_terminal_is_noticed(self, host):
        """What stands between it and the terminal goes with it: nobody waits for the limit of the host."""
        outcome = host(DOAS, "oper secret", doas="permit oper", text="echo hello; kill -KILL $$")
        assert outcome.kind in (ErrorKind.BAD_ANSWER, ErrorKind.DISCONNECTED)


class TestSu:
    """``--become-method su``."""

    def test_with_a_password(self, host):
        """The prompt of PAM is answered."""
        assert good(host(SU, "root secret"))

    def test_a_password_that_is_missing(self, host):
        """su asks although nobody can answer: that is told at once, not at the limit."""
        assert refused(host(SU), "asks for a password")

    def test_a_wrong_password(self, host):
        """Sent once, told, and nowhere to be seen."""
        outcome = host(SU, "wrong secret")
        assert refused(outcome, "did not take the password")
        assert "wrong secret" not in repr(outcome)

    def test_as_root_none_is_needed(self, sshd, client, kit, accounts):
        """root may become anybody."""
        server = sshd()
        outcome = client.to(server).becoming(replace(SU, user="nobody")).ask(kit.hello("id -un"))
        assert outcome.out == "nobody\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "tcsh", "busybox ash"])
def test_every_login_shell_passes_the_command_on(host, login_shell, shell):
    """The quoting of the command means the same to all of them, with a terminal and without."""
    if shutil.which(shell.split(maxsplit=1)[0]) is None:
        pytest.skip(f"{shell} is not installed")
    noisy = login_shell(shell, before="echo 'Password: '; echo noise >&2")
    assert good(host(SUDO, "oper secret", sudoers="oper ALL=(ALL) ALL", lines=[noisy]))
    assert good(host(SU, "root secret", lines=[noisy]))
    assert good(host(DOAS, "oper secret", doas="permit oper", lines=[noisy]))


@pytest.mark.parametrize("program", ["busybox", "bash"])
def test_every_sh_of_a_host(host, accounts, kit, program):
    """Whatever /bin/sh is there: none takes a terminal for a person, or prints a prompt."""
    accounts.shell(kit.program(program))
    rules = "Defaults requiretty\noper ALL=(ALL)"
    text = f"case $- in *i*) echo interactive;; esac; {PAYLOAD}"
    assert good(host(SUDO, sudoers="oper ALL=(ALL) NOPASSWD: ALL", text=text))
    assert good(host(SUDO, sudoers=f"{rules} NOPASSWD: ALL", text=text))
    assert good(host(SUDO, "oper secret", sudoers=f"{rules} ALL", text=text))
    assert good(host(SU, "root secret", text=text))
    assert good(host(DOAS, "oper secret", doas="permit oper", text=text))


@pytest.mark.parametrize("become", [SUDO, DOAS, SU], ids=["sudo", "doas", "su"])
def test_nothing_stays_after_a_cancelled_run(sshd, client, accounts, kit, become):
    """What runs as root is out of the login user's reach: it notices by itself that nobody listens."""
    if shutil.which(str(become.method)) is None:
        pytest.skip(f"{become.method} is not installed")
    accounts.write("sudoers", "root ALL=(ALL) ALL\noper ALL=(ALL) ALL\n", 0o440)
    accounts.write("doas.conf", "permit oper\n", 0o400)
    server = sshd("UsePAM yes")
    password = "root secret" if become is SU else "oper secret"
    client.to(server, user="oper").secrets(become_password=password).becoming(become)

    async def cancelled():
        transport = client.make(client.options)
        task = asyncio.create_task(kit.contact(transport, client.target, kit.hello("sleep 300")))
        while not any(b"sleep\x00300" in kit.arguments(pid) for pid in server.sessions()):
            assert not task.done(), task.result()
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await transport.close()

    asyncio.run(cancelled())
    assert kit.eventually(lambda: not server.sessions())
