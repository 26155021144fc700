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
        _drop_output()
        return ExitCode.DONE
    except KeyboardInterrupt:
        say("interrupted")
        return ExitCode.INTERRUPTED
    except OSError as error:
        _drop_output()
        if _wants_traceback(arguments):
            raise
        say(f"{error.filename or 'standard output'}: {error.strerror or error}")
        return ExitCode.USAGE
    except Exception as error:
        if _wants_traceback(arguments):
            raise
        say(f"internal error: {type(error).__name__}: {error} (-vv shows where; please report it)")
        return ExitCode.USAGE
    return code


def _drop_output() -> None:
    """What waits for standard output goes nowhere: it could not be written, and is not tried again at the end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def say(line: str) -> None:
    """One line on standard error, control characters neutralised."""
    from netaudit.report.sanitise import printable

    print(f"netaudit: {printable(line)}", file=sys.stderr)  # the one place that talks to stderr directly


def _wants_traceback(arguments: Sequence[str]) -> bool:
    return sum(word.count("v") for word in arguments if word.startswith("-v") and set(word) <= {"-", "v"}) >= 2
