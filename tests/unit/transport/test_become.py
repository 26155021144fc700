"""The conversation with sudo, doas and su, without any of them."""

from __future__ import annotations

import shlex
import subprocess
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudit.errors import ErrorKind, WorldError
from netaudit.model.probe import Stream
from netaudit.model.target import Become, BecomeMethod
from netaudit.transport.become import (
    MAX_PREAMBLE_BYTES,
    PLAIN_COMMAND,
    Escalation,
    PlainShell,
    TerminalNeeded,
    conversation,
)

NONCE = "00112233aabbccdd"
START, READY = f"netaudit-start-{NONCE}\n".encode(), f"netaudit-ready-{NONCE}\n".encode()
PROMPT = f"[netaudit {NONCE}] password: ".encode()
SUDO, DOAS, SU = (Become(method) for method in BecomeMethod)


def talk(become: Become = SUDO, password: str | None = "pass word", *, terminal: bool = False) -> Escalation:
    """A conversation whose random words are known."""
    return Escalation(become, password, terminal, nonce=NONCE)


def say(conversing: Escalation, *parts: tuple[Stream, bytes]) -> bytes:
    """What is sent in answer to some bytes."""
    return b"".join(conversing.receive(stream, data).send for stream, data in parts)


def test_without_escalation_all_is_answer():
    """A plain shell is ready at once and passes everything on."""
    plain = conversation(None, "unused")
    assert isinstance(plain, PlainShell)
    assert (plain.command, plain.ready, plain.wants_terminal) == (PLAIN_COMMAND, True, False)
    assert plain.receive(Stream.ERR, b"x").answer == ((Stream.ERR, b"x"),)


class TestPasswords:
    """When a password is sent, and when it is not."""

    def test_it_is_sent_after_the_prompt(self):
        """Once, with a line feed, and the shell is ready only afterwards."""
        sudo = talk()
        assert say(sudo, (Stream.OUT, START), (Stream.ERR, START)) == b""
        assert say(sudo, (Stream.ERR, PROMPT)) == b"pass word\n"
        assert not sudo.ready
        reply = sudo.receive(Stream.OUT, READY + b"first bytes")
        assert sudo.ready
        assert reply.answer == ((Stream.OUT, b"first bytes"),)

    @pytest.mark.parametrize("noise", [PROMPT, b"Password: ", b"[sudo] password for oper: "])
    def test_a_prompt_before_our_start_word_is_noise(self, noise):
        """A profile that prints a prompt gets nothing."""
        for become in (SUDO, SU, DOAS):
            assert say(talk(become), (Stream.ERR, noise), (Stream.OUT, noise)) == b""

    def test_sudo_gets_it_only_after_the_random_prompt(self):
        """Any other question for a password is not ours."""
        assert say(talk(), (Stream.ERR, START), (Stream.ERR, b"Password: ")) == b""

    @pytest.mark.parametrize("prompt", [b"Password: ", b"\rdoas (oper@web) password: ", b"root's Password:"])
    def test_su_and_doas_prompt_in_their_own_words(self, prompt):
        """An unfinished line that asks for a password is a prompt."""
        assert say(talk(SU), (Stream.ERR, START), (Stream.ERR, prompt)) == b"pass word\n"

    def test_a_finished_line_is_no_prompt(self):
        """Talk about passwords that goes on is not a question."""
        assert say(talk(SU), (Stream.ERR, START), (Stream.ERR, b"Your password: expires soon\n")) == b""

    def test_a_second_prompt_is_a_wrong_password(self):
        """It is never sent twice."""
        sudo = talk()
        say(sudo, (Stream.ERR, START), (Stream.ERR, PROMPT))
        with pytest.raises(WorldError, match="did not take the password"):
            sudo.receive(Stream.ERR, b"\nSorry, try again.\n" + PROMPT)

    def test_a_prompt_without_a_password_to_give(self):
        """That is said at once."""
        with pytest.raises(WorldError, match="asks for a password"):
            say(talk(SU, None), (Stream.ERR, START), (Stream.ERR, b"Password: "))

    def test_it_is_in_no_repr_and_no_message(self):
        """Not in the conversation, not in an error that quotes an echo of it."""
        sudo = talk()
        say(sudo, (Stream.ERR, START), (Stream.ERR, PROMPT))
        say(sudo, (Stream.ERR, b"what do you mean, pass word?\n"))
        assert "pass word" not in repr(sudo)
        assert "pass word" not in sudo.ended().message
        assert "********" in sudo.ended().message

    def test_it_is_in_no_command(self):
        """Whatever the method."""
        for become in (SUDO, DOAS, SU):
            assert "pass word" not in talk(become).command

    @pytest.mark.parametrize("password", ["two\nlines", "nul\0", "return\r"])
    def test_it_is_one_line(self, password):
        """A prompt takes one line; the rest would be the script's."""
        with pytest.raises(WorldError, match="line break"):
            talk(SUDO, password)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data cut at some places."""
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[begin:end] for begin, end in pairwise(places)]


@given(st.lists(st.integers(0, 200), max_size=8), st.lists(st.integers(0, 100), max_size=8))
def test_any_split_of_the_bytes_gives_the_same(first_cuts, second_cuts):
    """What is sent and what is answer does not depend on how the bytes arrive."""
    sudo, answer = talk(), b""
    question = b"noise netaudit-start\n" + START + b"lecture\n" + PROMPT
    sent = b"".join(sudo.receive(Stream.OUT, part).send for part in pieces(question, first_cuts))
    for part in pieces(b"\nmotd\n" + READY + b"the answer", second_cuts):
        answer += b"".join(data for _, data in sudo.receive(Stream.OUT, part).answer)
    assert (sent, answer, sudo.ready) == (b"pass word\n", b"the answer", True)


def test_without_a_password_the_shell_is_asked_whether_it_is_there():
    """The privileged command is constant then, and the question goes to its standard input, once."""
    sudo = talk(SUDO, None)
    assert sudo.command.endswith('sudo -n -u "root" -- /bin/sh -s\'')
    question = say(sudo, (Stream.OUT, START), (Stream.ERR, START))
    assert question == b"echo " + READY
    assert sudo.receive(Stream.OUT, READY).answer == ()
    assert sudo.ready


def test_noise_around_the_ready_word_is_dropped():
    """Whatever a tool prints before its shell is ready is no answer."""
    su = talk(SU, "x")
    say(su, (Stream.ERR, START + b"Password: "), (Stream.OUT, START))
    assert su.receive(Stream.ERR, b"\nLast login: today\n").answer == ()
    assert su.receive(Stream.OUT, b"motd\n" + READY).answer == ()
    assert su.ready


def test_noise_without_end_is_bounded():
    """A profile that never stops is given up, and little of it is kept."""
    sudo = talk()
    for _ in range(MAX_PREAMBLE_BYTES // 4096):
        sudo.receive(Stream.OUT, b"y" * 4096)
    with pytest.raises(WorldError) as caught:
        sudo.receive(Stream.OUT, b"y")
    assert caught.value.kind is ErrorKind.OUTPUT_TOO_LARGE
    assert sum(len(kept) for kept in sudo._kept.values()) < 2**16


class TestTerminals:
    """When a terminal is asked for, and what passes through it."""

    def test_who_needs_one(self):
        """doas with a password always; the others only when told to."""
        assert talk(DOAS).wants_terminal
        assert not talk(DOAS, None).wants_terminal
        assert not talk(SUDO).wants_terminal
        assert talk(SUDO, terminal=True).wants_terminal

    def test_it_echoes_nothing(self):
        """A terminal would send the payload back among the answer, and the password with it."""
        for become, password, terminal in ((DOAS, "x", False), (SUDO, "x", True), (SU, None, True), (SU, "x", False)):
            conversing = talk(become, password, terminal=terminal)
            assert ("'stty raw -echo; " in conversing.command) is conversing.wants_terminal

    def test_the_streams_are_told_apart(self):
        """Tagged lines are standard error, everything else is standard output."""
        doas = talk(DOAS)
        say(doas, (Stream.OUT, START + b"doas (a@b) password: "))
        assert doas.receive(Stream.OUT, b"\r\n" + READY).answer == ()
        tag = f"E{NONCE}:".encode()
        reply = doas.receive(Stream.OUT, b"out" + tag + b"err\nmore" + tag[:4])
        assert reply.answer == ((Stream.OUT, b"out"), (Stream.ERR, b"err\n"), (Stream.OUT, b"more"))

    @pytest.mark.parametrize(
        "words", ["sudo: sorry, you must have a tty to run sudo", "su: must be run from a terminal"]
    )
    def test_one_who_insists_gets_one(self, words):
        """The error asks for another try, as long as no password has been sent."""
        sudo = talk()
        say(sudo, (Stream.ERR, START + words.encode() + b"\n"))
        assert isinstance(sudo.ended(), TerminalNeeded)
        sudo._password_sent = True
        assert not isinstance(sudo.ended(), TerminalNeeded)

    def test_there_is_no_third_try(self):
        """With a terminal the same words are the end."""
        sudo = talk(terminal=True)
        say(sudo, (Stream.OUT, START + b"sudo: sorry, you must have a tty to run sudo\n"))
        assert not isinstance(sudo.ended(), TerminalNeeded)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("sudo: a password is required", "asks for a password"),
        ("doas: Authentication required", "asks for a password"),
        ("Sorry, try again.\nsudo: 1 incorrect password attempt", "did not take the password"),
        ("su: Authentication failure", "did not take the password"),
        ("doas: Authentication failed", "did not take the password"),
        ("oper is not in the sudoers file.", "does not let this user become root"),
        ("Sorry, user oper is not allowed to execute '/bin/sh' as root on web.", "does not let this user"),
        ("doas: Operation not permitted", "does not let this user"),
        ("su: Permission denied", "does not let this user"),
        ("doas: doas is not enabled, /etc/doas.conf: No such file or directory", "not set up"),
        ("sudo: unknown user: root", "no user root"),
        ("su: user root does not exist or the user entry does not contain all the required fields", "no user root"),
        ("env: 'sudo': No such file or directory", "not installed"),
        ("env: can't execute 'doas': No such file or directory", "not installed"),
        ("sudo: effective uid is not 0, is it owned by root?", "cannot raise privileges"),
        ('sudo: The "no new privileges" flag is set, which prevents sudo from running as root.', "cannot raise"),
        ("sudo: unable to resolve host web1: Name or service not known", "waits for a name lookup"),
        (
            "sudo: unable to resolve host web1: Name or service not known\nsudo: a password is required",
            "asks for a pass",
        ),
        ("something else altogether", "gave no shell: something else altogether"),
        ("", "no reason"),
    ],
)
def test_what_a_tool_says_is_understood(said, expected):
    """Each refusal has its own words and is an escalation that failed."""
    sudo = talk(SUDO, None)
    say(sudo, (Stream.ERR, START + said.encode() + b"\n"))
    error = sudo.ended()
    assert error.kind is ErrorKind.BECOME_FAILED
    assert expected in error.message


def test_no_start_word_is_no_shell():
    """When not even our own wrapper ran, the login shell is to blame."""
    assert talk().ended().kind is ErrorKind.NO_SHELL


def test_a_question_nobody_knows_is_quoted_at_the_limit():
    """A second factor, for instance."""
    sudo = talk()
    say(sudo, (Stream.ERR, START + b"\x1b[1mVerification code: "))
    error = sudo.overdue(20)
    assert "Verification code:" in error.message
    assert error.message.isprintable()


@pytest.mark.parametrize("cut", range(len(START) + 8))
def test_a_start_word_that_comes_late_on_standard_error_is_no_answer(cut):
    """The shell may be ready on standard output first: then noise and start word of standard error are dropped."""
    su = talk(SU, None)
    say(su, (Stream.OUT, START + READY))
    assert su.ready
    late = b"noise \n" + START + b"aside\n"
    fed = [*su.receive(Stream.ERR, late[:cut]).answer, *su.receive(Stream.ERR, late[cut:]).answer]
    fed += su.receive(Stream.ERR, b"more").answer
    assert b"".join(data for _, data in fed) == b"aside\nmore"


@pytest.mark.parametrize("said", [b"", b"sudo: unable to resolve host web1: Temporary failure in name resolution\n"])
def test_a_slow_name_lookup_is_told_at_the_limit(said):
    """sudo looks up the host's own name before it says anything: a silence is not called an unknown question."""
    sudo = talk(SUDO, None)
    say(sudo, (Stream.ERR, START + said))
    error = sudo.overdue(20)
    assert error.kind is ErrorKind.BECOME_FAILED
    assert error.message.startswith("sudo waits for a name lookup on the host: ")
    assert "/etc/hosts" in error.hint


def test_silence_after_the_password_is_no_name_lookup():
    """Then the look-ups are over, and something else is asked."""
    sudo = talk()
    assert say(sudo, (Stream.ERR, START + PROMPT)) == b"pass word\n"
    error = sudo.overdue(20)
    assert "gave no shell within 20 s" in error.message
    assert "second factor" in error.hint


def test_silence_before_our_start_word_is_the_login_shell():
    """As long as not even our own wrapper ran, the escalation has no part in it."""
    assert "login shell" in talk().overdue(20).message


@pytest.mark.parametrize(
    "become",
    [
        Become(user="root; id"),
        Become(user="-u"),
        Become(user="$(id)"),
        Become(executable="sudo 'x'"),
        Become(flags=("-H", "`id`")),
        Become(flags=('"',)),
        Become(flags=("a!b",)),
    ],
)
def test_what_cannot_be_put_safely_is_refused(become):
    """No word of the inventory reaches a shell unquoted."""
    with pytest.raises(WorldError) as caught:
        talk(become)
    assert caught.value.kind is ErrorKind.BECOME_FAILED


@pytest.mark.parametrize("become", [SUDO, DOAS, SU])
@pytest.mark.parametrize("password", [None, "x"])
@pytest.mark.parametrize("terminal", [False, True])
def test_the_command_parses(become, password, terminal):
    """Every form of the command is one ``exec`` of /bin/sh with one script, and the shell finds no fault with it."""
    words = shlex.split(talk(become, password, terminal=terminal).command)
    assert words[:3] == ["exec", "/bin/sh", "-c"]
    assert f"exec env LC_ALL=C {become.method} " in words[3]  # we read what the tool says
    assert len(words) == 4
    subprocess.run(["/bin/sh", "-n", "-c", words[3]], check=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("become", "password", "command"),
    [
        (Become(BecomeMethod.SUDO, flags=("-H", "-n", "-S")), "x", f'sudo -H -S -p "{PROMPT.decode()}" -u "root" --'),
        (
            Become(BecomeMethod.SUDO, flags=("-n",), executable="/opt/sudo"),
            None,
            '/opt/sudo -n -u "root" -- /bin/sh -s',
        ),
        (Become(BecomeMethod.DOAS, "op"), None, 'doas -n -u "op" -- /bin/sh -s'),
        (Become(BecomeMethod.DOAS, flags=("-n",)), "x", 'doas -u "root" --'),
        (Become(BecomeMethod.SU, "op"), None, 'su "op" -s /bin/sh -c '),
    ],
)
def test_whether_a_tool_may_ask_is_ours_to_say(become, password, command):
    """Without a password it is told not to ask, with one it is let ask, whatever the flags of the inventory say."""
    assert f"env LC_ALL=C {command}" in talk(become, password).command


def test_a_ready_word_before_the_start_word_is_noise():
    """A profile that prints the line it was called with has no shell of another user to offer."""
    for become in (SUDO, DOAS, SU):
        conversing = talk(become, None)
        assert say(conversing, (Stream.OUT, READY), (Stream.ERR, READY)) == b""
        assert not conversing.ready


@pytest.mark.parametrize("name", [b"netaudit-ready-", b"netaudit-start-"])
def test_a_random_word_of_another_conversation_counts_for_nothing(name):
    """Replayed words of an earlier run are noise."""
    sudo = talk()
    assert say(sudo, (Stream.OUT, name + b"f" * 16 + b"\n")) == b""
    assert not sudo.ready


def test_random_words_differ():
    """Two conversations share no word."""
    assert Escalation(SUDO, "x").command != Escalation(SUDO, "x").command
