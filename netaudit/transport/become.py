"""How the shell that reads the payload is had: as the login user, or through sudo, doas or su. Does no I/O.

One conversation for every transport. It names the command of the exec request, is fed what comes back, says what is to
be sent, and is ready once the right shell listens. Only then may the payload go out: sent earlier, a prompt would
swallow its first lines, and a shell where a prompt was expected would run the password as a command.

The rules that keep a password safe: it goes to standard input and nowhere else, at most once, only after a prompt that
came after our own start word; for sudo the prompt itself is random. Nothing said before the shell is ready is passed
on, and what is quoted from it in a message has the password masked.

Terminals: doas reads passwords from its controlling terminal only, a few su and sudo set-ups insist on one. The payload
then runs behind a pipe that tags each line of standard error, so both streams stay apart on the one that a terminal
has, and with the terminal set raw, so nothing in the payload is a control character to anybody.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.probe import Stream
from netaudit.model.target import Become, BecomeMethod
from netaudit.transport.become_faults import NEEDS_PASSWORD, SLOW_LOOKUP, WRONG_PASSWORD, Fault, fault_in
from netaudit.transport.hosttext import one_line
from netaudit.transport.untag import Untagger

PLAIN_COMMAND = "exec /bin/sh -s"
MAX_PREAMBLE_BYTES = 2**20  # of login noise and prompts, both streams together
_KEPT_BYTES = 2**14  # of each stream, for the prompt and for the message
_TAGGED_CHARS = 900  # of a line of standard error behind a terminal: one write(2) of any shell's printf

_USER = re.compile(r"\A(?:[A-Za-z_][A-Za-z0-9_.@-]{0,63}\$?|#[0-9]{1,10})\Z", re.ASCII)
_WORD = re.compile(r"\A[A-Za-z0-9_=,.:/@+%-]{1,255}\Z", re.ASCII)
_PROMPT = re.compile(rb"(?i)pass(?:word|phrase|code)[^\r\n]*:[ \t]*\Z")
_NON_INTERACTIVE = frozenset({"-n", "--non-interactive", "-S", "--stdin"})  # ours to say


class TerminalNeeded(WorldError):
    """The escalation tool wants a terminal. No password has been sent; another try with one may work."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What follows from some bytes: what to send to the host, and what of them belongs to the answer."""

    send: bytes = b""
    answer: tuple[tuple[Stream, bytes], ...] = ()


class PlainShell:
    """The payload's shell as the login user: ready from the start, everything that comes is answer."""

    command = PLAIN_COMMAND
    wants_terminal = False
    ready = True

    def receive(self, stream: Stream, data: bytes) -> Reply:
        """All of it is answer."""
        return Reply(answer=((stream, data),))

    def ended(self) -> WorldError:
        """Never has a reason to be asked: a plain shell is always ready."""
        return _failed("the shell ended before it was ready")

    def overdue(self, seconds: float) -> WorldError:
        """As above."""
        return _failed(f"the shell was not ready after {seconds:g} s")


@dataclass(slots=True)
class Escalation:
    """The way to a shell of another user. ``terminal`` asks for one; ``nonce`` is given by tests only."""

    become: Become
    password: str | None = field(repr=False)
    terminal: bool = False
    nonce: str = field(default_factory=lambda: secrets.token_hex(8), repr=False)
    ready: bool = field(default=False, init=False)
    _started: bool = field(default=False, init=False)
    _begun: set[Stream] = field(default_factory=set, init=False)  # the streams on which the start word has come
    _password_sent: bool = field(default=False, init=False)
    _preamble_bytes: int = field(default=0, init=False)
    _kept: dict[Stream, bytearray] = field(init=False, repr=False)
    _untag: Untagger = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _check(self.become, self.password)
        self._kept = {Stream.OUT: bytearray(), Stream.ERR: bytearray()}
        self._untag = Untagger(f"E{self.nonce}:".encode())

    @property
    def wants_terminal(self) -> bool:
        """Whether the exec request needs a pseudo-terminal."""
        return self.terminal or (self.become.method is BecomeMethod.DOAS and self.password is not None)

    @property
    def command(self) -> str:
        """The exec request. It reads the same in bash, dash, ash, zsh, fish and tcsh; it holds no secret."""
        raw = "stty raw -echo; " if self.wants_terminal else ""
        start = f"echo {self._start_word}; echo {self._start_word} >&2; "
        path = "PATH=$PATH:/usr/local/bin:/usr/bin:/bin; "
        return f"exec /bin/sh -c '{raw}{path}{start}exec env LC_ALL=C {self._tool()} {self._shell()}'"

    def receive(self, stream: Stream, data: bytes) -> Reply:
        """Take bytes of the host. Raises WorldError when the escalation has visibly failed."""
        if self.ready:
            return Reply(answer=self._split(stream, self._after_start(stream, data)))
        self._preamble_bytes += len(data)
        if self._preamble_bytes > MAX_PREAMBLE_BYTES:
            raise WorldError(
                ErrorKind.OUTPUT_TOO_LARGE,
                f"more than {MAX_PREAMBLE_BYTES} bytes before {self.become.method} gave a shell",
                phase=Phase.SESSION,
                hint="the login profile of the user prints without end",
            )
        kept = self._kept[stream]
        kept += data
        greeting = self._see_start(stream, kept)
        if rest := self._see_ready(kept):
            return Reply(answer=self._split(stream, rest[0]))
        send = greeting + self._see_prompt(kept)
        del kept[:-_KEPT_BYTES]
        return Reply(send=send)

    def ended(self) -> WorldError:
        """Why there is no shell, once the channel has closed without one."""
        if not self._started:
            return WorldError(
                ErrorKind.NO_SHELL,
                "the login shell does not run commands",
                phase=Phase.SESSION,
                hint="its profile may exit early, or the user's shell is nologin or missing",
            )
        return self._diagnosis()

    def overdue(self, seconds: float) -> WorldError:
        """Why there is no shell after a while: a name lookup, or the last line that was said is an unknown question."""
        said = self._said()
        if not self._started:
            return _failed(
                f"the login shell ran nothing within {seconds:g} s",
                "its profile may wait for something, such as a network file system or a question of its own",
            )
        if SLOW_LOOKUP.pattern.search(said) or (not said and not self._password_sent):
            return self._error(SLOW_LOOKUP, said or f"it said nothing within {seconds:g} s")
        what = f"; it said: {said}" if said else ""
        return _failed(
            f"{self.become.method} gave no shell within {seconds:g} s{what}",
            "it may ask something netaudit does not answer, such as a second factor",
        )

    @property
    def _start_word(self) -> str:
        return f"netaudit-start-{self.nonce}"

    @property
    def _ready_word(self) -> str:
        return f"netaudit-ready-{self.nonce}"

    @property
    def _prompt_word(self) -> str:
        return f"[netaudit {self.nonce}] password: "

    def _tool(self) -> str:
        become, user = self.become, self.become.user
        flags = " ".join(flag for flag in become.flags if flag not in _NON_INTERACTIVE)
        program = " ".join(filter(None, (become.executable or str(become.method), flags)))
        match become.method:
            case BecomeMethod.SUDO if self.password is None:
                return f'{program} -n -u "{user}" --'
            case BecomeMethod.SUDO:
                return f'{program} -S -p "{self._prompt_word}" -u "{user}" --'
            case BecomeMethod.DOAS:
                return f'{program} {"-n " if self.password is None else ""}-u "{user}" --'
            case BecomeMethod.SU:
                return f'{program} "{user}" -s /bin/sh'

    def _shell(self) -> str:
        """The privileged command. Without password and terminal it is constant, so sudoers can name it exactly."""
        constant = self.password is None and not self.wants_terminal
        if constant and self.become.method is not BecomeMethod.SU:
            return "/bin/sh -s"
        text = f"echo {self._ready_word}; {self._tagging() if self.wants_terminal else 'exec /bin/sh -s'}"
        prefix = "-c" if self.become.method is BecomeMethod.SU else "/bin/sh -c"
        return f"{prefix} {_double_quoted(text)}"

    def _tagging(self) -> str:
        """A shell whose standard error comes tagged. It writes to pipes only: with both a terminal's input and a
        terminal's output, or errors, one shell or another takes itself for a person's.
        """
        tag = f'while IFS= read -r l; do printf "E{self.nonce}:%.{_TAGGED_CHARS}s\\n" "$l"; done'
        return f"{{ {{ /bin/sh -s 2>&1 >&3 3>&- 4>&- | {tag} >&4; }} 3>&1 | cat; }} 4>&1"

    def _asks_shell_itself(self) -> bool:
        return "echo" not in self._shell()

    def _see_start(self, stream: Stream, kept: bytearray) -> bytes:
        """Drop the noise before the start word; the first one seen may have to be answered by a question."""
        word = self._start_word.encode()
        at = kept.find(word)
        if at < 0:
            return b""
        del kept[: at + len(word)]
        self._begun.add(stream)
        first, self._started = not self._started, True
        return f"echo {self._ready_word}\n".encode() if first and self._asks_shell_itself() else b""

    def _after_start(self, stream: Stream, data: bytes) -> bytes:
        """What of these bytes belongs to the answer.

        The shell may be seen to be ready on one stream before the start word has come on the other: what stands before
        that word, the word itself and the end of its line are of no answer. On a terminal the streams come as one.
        """
        if stream in self._begun or self.wants_terminal:
            return data
        kept = self._kept[stream]
        kept += data
        at = kept.find(self._start_word.encode())
        end = kept.find(b"\n", at) if at >= 0 else -1
        if end < 0 and len(kept) < _KEPT_BYTES:
            return b""
        self._begun.add(stream)
        rest = bytes(kept[end + 1 :])
        kept.clear()
        return rest

    def _see_ready(self, kept: bytearray) -> tuple[bytes] | None:
        """What follows the ready line, once the line is whole."""
        word = self._ready_word.encode()
        at = kept.find(word)
        end = kept.find(b"\n", at + len(word)) if at >= 0 and self._started else -1
        if end < 0:
            return None
        self.ready = True
        rest = bytes(kept[end + 1 :])
        kept.clear()
        return (rest,)

    def _see_prompt(self, kept: bytearray) -> bytes:
        if not self._started or not self._ends_in_prompt(kept):
            return b""
        if self.password is None:
            raise self._error(NEEDS_PASSWORD)
        if self._password_sent:
            raise self._error(WRONG_PASSWORD)
        self._password_sent = True
        kept.clear()
        return self.password.encode() + b"\n"

    def _ends_in_prompt(self, kept: bytearray) -> bool:
        if self.become.method is BecomeMethod.SUDO:
            return self._prompt_word.encode() in kept
        return _PROMPT.search(kept[-256:]) is not None

    def _split(self, stream: Stream, data: bytes) -> tuple[tuple[Stream, bytes], ...]:
        if not data:
            return ()
        return self._untag.feed(data) if self.wants_terminal else ((stream, data),)

    def _said(self) -> str:
        """The last words of the tool, on one line, with the password masked."""
        text = b"\n".join(bytes(kept) for kept in self._kept.values()).decode("utf-8", "replace")
        if self.password:
            text = text.replace(self.password, "********")
        text = text.replace(self._prompt_word, "").replace(self._start_word, "")
        lines = [line for line in (line.strip() for line in text.splitlines()) if line]
        return one_line(" | ".join(lines[-3:]))

    def _diagnosis(self) -> WorldError:
        said = self._said()
        if fault := fault_in(said):
            return self._error(fault, said)
        if self._password_sent and not said:
            return self._error(WRONG_PASSWORD)
        return _failed(f"{self.become.method} gave no shell" + (f": {said}" if said else " and no reason"))

    def _error(self, fault: Fault, said: str = "") -> WorldError:
        message = fault.message.format(tool=self.become.method, user=self.become.user)
        retry = fault.needs_terminal and not self.wants_terminal and not self._password_sent
        error = TerminalNeeded if retry else WorldError
        message += f": {said}" if said else ""
        return error(ErrorKind.BECOME_FAILED, message, phase=Phase.SESSION, hint=fault.hint)


Conversation = PlainShell | Escalation


def conversation(become: Become | None, password: str | None, *, terminal: bool = False) -> Conversation:
    """The conversation that leads to the payload's shell. Raises WorldError when ``become`` cannot be put safely."""
    return PlainShell() if become is None else Escalation(become, password, terminal)


def _failed(message: str, hint: str = "") -> WorldError:
    return WorldError(ErrorKind.BECOME_FAILED, message, phase=Phase.SESSION, hint=hint)


def _check(become: Become, password: str | None) -> None:
    """Raise WorldError for what cannot be put into a command of every login shell without quoting."""
    if not _USER.match(become.user):
        raise _failed(f"cannot become {one_line(become.user, 40)!r}", "user names are letters, digits and . _ @ -")
    for word in (become.executable, *become.flags):
        if word and not _WORD.match(word):
            raise _failed(f"cannot pass {one_line(word, 60)!r} to {become.method}", "plain words only, no quotes")
    if password is not None and re.search(r"[\r\n\x00]", password):
        raise _failed("the become password holds a line break", "a prompt takes one line")


def _double_quoted(text: str) -> str:
    """The text as one word of sh within double quotes; it never holds a single quote."""
    return '"' + re.sub(r'(["$`])', r"\\\1", text) + '"'
