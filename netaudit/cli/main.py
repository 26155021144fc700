"""The entry point: finds the command, imports only what it needs, and turns every outcome into an exit code."""

from __future__ import annotations

import gc
import os
import sys

from netaudit import __version__
from netaudit.cli.catalogue import COMMANDS, PURPOSES

TYPE_CHECKING = False  # as type checkers know it; importing typing would take as long as all the rest of --version
if TYPE_CHECKING:
    from collections.abc import Sequence


def _usage() -> str:
    width = max(map(len, COMMANDS))
    grouped = {name for names in PURPOSES.values() for name in names}
    others = {"others": tuple(name for name in COMMANDS if name not in grouped)}
    lines = []
    for purpose, names in {**PURPOSES, **others}.items():
        rows = [f"  {name:<{width}}  {COMMANDS[name][1]}" for name in names if name in COMMANDS]
        lines += [f"{purpose}:", *rows, ""] if rows else []
    return "\n".join(
        (
            "usage: netaudit COMMAND [OPTIONS]",
            "",
            "Fleet-wide audit and guarded remediation of Linux network tuning, over SSH.",
            "",
            *lines,
            "netaudit help COMMAND says more, with examples. netaudit --version prints the",
            "version. man netaudit is the whole of it.",
        )
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is that of the contract. No traceback reaches a user, but for ``-vv``."""
    _open_standard_streams()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["help"] and arguments[1:] and not arguments[1].startswith("-"):
        arguments = [*arguments[1:], "--help"]
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        return max(_print(_usage()), 0 if arguments else 2)
    if arguments[0] == "__complete":
        from netaudit.cli.prompt.completing import answer

        return answer(arguments[1:])
    if arguments[0] in {"--version", "-V"}:
        return _print(f"netaudit {__version__}")
    if arguments[0] not in COMMANDS:
        return _unknown(arguments[0])
    return _run(arguments[0], arguments[1:])


def collect_seldom() -> None:
    """Look for garbage cycles some times less often than Python does by itself.

    Nearly all that a run makes is freed by counting references. At the usual 700 objects the collector walks through
    the modules and rules again and again: 5 % of an audit's CPU, and of the start of every command. Exceptions that are
    kept make cycles with what they were raised over; at 70,000 objects memory grew with the number of hosts.
    """
    gc.set_threshold(5_000, 10, 10)


def _run(name: str, arguments: Sequence[str]) -> int:
    import importlib

    from netaudit.cli.guard import guarded
    from netaudit.cli.settings.configuring import configured

    collect_seldom()
    _end_as_by_control_c()

    def work() -> int:
        command = importlib.import_module(f"netaudit.cli.commands.{COMMANDS[name][0]}")
        parser = command.parser()
        parser.prog = f"netaudit {name}"
        if name != "completion" and not {"-h", "--help"} & set(arguments):  # these help also where a file is wrong
            configured(parser, name)
        code: int = command.run(parser.parse_args(arguments))
        return code

    return guarded(work, arguments)


def _end_as_by_control_c() -> None:
    """SIGTERM says its line and ends with 130 from here on, also before a run listens for it and after it has ended."""
    import signal

    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def _unknown(word: str) -> int:
    import difflib

    near = difflib.get_close_matches(word, COMMANDS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "; see netaudit --help"
    print(f"netaudit: there is no command {word!r}{hint}", file=sys.stderr)  # before any console exists
    return 2


def _print(text: str) -> int:
    try:
        print(text, flush=True)
    except OSError as error:
        gone = isinstance(error, BrokenPipeError)  # as `| head` ends: there is nobody left to tell
        if not gone:
            print(f"netaudit: standard output: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(0 if gone else 2)  # else the interpreter tries to write it once more
    return 0


def _open_standard_streams() -> None:
    """Where the caller has closed one (``>&-``) nothing is read or written, and no other file gets its number."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, open(number, mode, encoding="utf-8"))  # noqa: PTH123, SIM115  # for good
