"""The options that commands share, in groups. Short options mean what they mean to Ansible, where it has them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from netaudit.cli.asking.help_format import HelpFormatter, columns
from netaudit.model.result import Severity
from netaudit.units import parse_duration_s

FORKS = 32  # docs/decisions/0004-forks.md says how it was measured
CONNECT_TIMEOUT_S = 10.0
HOST_TIMEOUT_S = 60.0


class Parser(argparse.ArgumentParser):
    """argparse with netaudit's manners: no abbreviations, one line on misuse, examples at the end of the help."""

    def __init__(self, description: str = "", *, prog: str | None = None) -> None:
        self._intermixing = False
        super().__init__(
            prog=prog, description=description, allow_abbrev=False, formatter_class=HelpFormatter, add_help=False
        )
        self._positionals.title = "arguments"
        self._optionals.title = "options"
        self.add_argument("-h", "--help", action="help", help="show this and exit")

    def format_help(self) -> str:
        """The help text, with the examples of the command."""
        from netaudit.cli.asking.examples import epilog

        examples = epilog(self.prog.removeprefix("netaudit "), columns())
        return super().format_help() + (f"\n{examples}" if examples else "")

    def parse_known_args(  # type: ignore[override]  # of the overloads only this form is used
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse does, but options may stand between positional words: ``probe run NAME -i SOURCE PATTERN``."""
        if self._intermixing or any(action.nargs == argparse.PARSER for action in self._actions):
            return super().parse_known_args(args, namespace)
        self._intermixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._intermixing = False

    def error(self, message: str) -> None:  # type: ignore[override]  # ends the program, as the original does
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def duration(text: str) -> float:
    """Seconds of an option such as ``--timeout 90s``."""
    try:
        seconds = parse_duration_s(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if seconds <= 0:
        raise argparse.ArgumentTypeError("must be more than zero")
    return seconds


def span(text: str) -> float:
    """Seconds of an option that may also be none at all, such as ``--soak 0s``."""
    return 0.0 if text in {"0", "0s"} else duration(text)


def positive(text: str) -> int:
    """A whole number above zero."""
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above zero")
    return int(text)


def add_inventory(parser: argparse.ArgumentParser, *, pattern: bool = True) -> None:
    """Which hosts: ``[PATTERN] -i -l -e``."""
    if pattern:
        parser.add_argument("pattern", nargs="?", default="all", metavar="PATTERN", help="hosts, as Ansible names them")
    group = parser.add_argument_group("hosts")
    group.add_argument("-i", "--inventory", action="append", metavar="SOURCE", default=[],
                       help="file, directory, executable, or host1,host2, (repeatable; default: inventory/, "
                            "then $ANSIBLE_INVENTORY)")  # fmt: skip
    group.add_argument("-l", "--limit", metavar="PATTERN", help="further limit the hosts; @FILE reads it from a file")
    group.add_argument("-e", "--extra-vars", action="append", metavar="VARS", default=[],
                       help="key=value, YAML/JSON, or @FILE; beats every other variable")  # fmt: skip


def add_connection(parser: argparse.ArgumentParser) -> None:
    """How hosts are reached and how root is had there."""
    group = parser.add_argument_group("connection")
    group.add_argument("-f", "--forks", type=positive, metavar="N", default=FORKS,
                       help=f"hosts at a time (default {FORKS})")  # fmt: skip
    group.add_argument("--transport", choices=("asyncssh", "paramiko", "local"), default="asyncssh",
                       help="default asyncssh")  # fmt: skip
    group.add_argument("-u", "--user", metavar="NAME", help="log in as, where the inventory does not say")
    group.add_argument("--private-key", metavar="FILE", help="identity file, where the inventory does not say")
    group.add_argument("-k", "--ask-pass", action="store_true", help="ask for the login password")
    group.add_argument("-J", "--jump", metavar="HOST[,HOST]", help="reach all hosts through these, in order")
    group.add_argument("--become", action="store_true", help="read as root: sudo, doas or su on the host")
    group.add_argument("--become-method", choices=("sudo", "doas", "su"), help="default sudo")
    group.add_argument("-K", "--ask-become-pass", action="store_true", help="ask for the password that become needs")
    group.add_argument("--connect-timeout", type=duration, metavar="TIME", default=CONNECT_TIMEOUT_S,
                       help=f"name, TCP and key exchange (default {CONNECT_TIMEOUT_S:g}s)")  # fmt: skip
    group.add_argument("--timeout", type=duration, metavar="TIME", default=HOST_TIMEOUT_S,
                       help=f"the whole of one host (default {HOST_TIMEOUT_S:g}s)")  # fmt: skip
    group.add_argument("--host-key-checking", choices=("strict", "accept-new", "off"), default="strict",
                       help="default strict; every report of a run with `off` says so")  # fmt: skip
    group.add_argument("--no-ssh-config", action="store_true", help="do not read ssh_config")


def add_source(parser: argparse.ArgumentParser) -> None:
    """``--from``: stored captures in place of hosts."""
    parser.add_argument("--from", dest="from_dir", metavar="DIR",
                        help="read captures that `netaudit collect -o DIR` wrote; contact no host")  # fmt: skip


def add_baseline(parser: argparse.ArgumentParser) -> None:
    """Which rules."""
    parser.add_argument("-b", "--baseline", metavar="FILE", default="linux-server",
                        help="a shipped baseline by name, or a file (default linux-server)")  # fmt: skip


def add_output(parser: argparse.ArgumentParser, *formats: str, fail_on: Severity = Severity.MEDIUM) -> None:
    """``-o`` for these formats, and ``--fail-on`` with its default."""
    group = parser.add_argument_group("output")
    group.add_argument("-o", "--output", action="append", metavar="FORMAT[=PATH]", default=[],
                       help=f"{', '.join(formats)} (repeatable; without a path to standard output)")  # fmt: skip
    severities = tuple(str(severity) for severity in Severity)
    meaning = f"exit 1 from this severity up: critical high medium low info (default {fail_on})"
    group.add_argument("--fail-on", choices=severities, default=str(fail_on), metavar="SEVERITY", help=meaning)


def add_console(parser: argparse.ArgumentParser) -> None:
    """Colour, verbosity, progress: every command has them."""
    group = parser.add_argument_group("console")
    group.add_argument("--no-progress", action="store_true", help="no progress on standard error")
    group.add_argument("-q", "--quiet", action="store_true", help="only what was asked for and errors")
    group.add_argument("-v", "--verbose", action="count", default=0, help="say more (repeatable)")
    group.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="default auto; see NO_COLOR"
    )
