"""The border between exceptions and the person at the keyboard: one clear line and an exit code, never a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from netaudit.cli.exit_codes import ExitCode
from netaudit.errors import NetauditError


def guarded(work: Callable[[], int], arguments: Sequence[str]) -> int:
    """What ``work`` returns, or the exit code of what it raised, said in one line on standard error."""
    try:
        code = work()
        sys.stdout.flush()
    except NetauditError as error:
        say(str(error))
        return ExitCode.USAGE
    except BrokenPipeError:
        # The reader of a pipe has gone, such as `| head`: there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except KeyboardInterrupt:
        say("interrupted")
        return ExitCode.INTERRUPTED
    except Exception as error:
        if _wants_traceback(arguments):
            raise
        say(f"internal error: {type(error).__name__}: {error} (-vv shows where; please report it)")
        return ExitCode.USAGE
    return code


def say(line: str) -> None:
    """One line on standard error, control characters neutralised."""
    from netaudit.report.sanitise import printable

    print(f"netaudit: {printable(line)}", file=sys.stderr)  # the one place that talks to stderr directly


def _wants_traceback(arguments: Sequence[str]) -> bool:
    return sum(word.count("v") for word in arguments if word.startswith("-v") and set(word) <= {"-", "v"}) >= 2
