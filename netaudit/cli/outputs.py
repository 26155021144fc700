"""``-o FORMAT[=PATH]``: which reports go where. Standard output has room for one."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from netaudit.errors import UsageError


@dataclass(frozen=True, slots=True)
class Output:
    """One report that was asked for; no path is standard output."""

    format: str
    path: Path | None


def parse_outputs(words: Sequence[str], formats: Sequence[str]) -> tuple[Output, ...]:
    """The outputs of the command line; ``console`` alone when none is asked for. Raises UsageError."""
    outputs = tuple(_parse(word, formats) for word in words) or (Output(formats[0], None),)
    to_stdout = [output.format for output in outputs if output.path is None]
    if len(to_stdout) > 1:
        raise UsageError(
            f"-o {' and -o '.join(to_stdout)} both want standard output",
            hint=f"give one a path: -o {to_stdout[-1]}=FILE",
        )
    paths = [output.path for output in outputs if output.path]
    if len(set(paths)) < len(paths):
        raise UsageError("two outputs want the same file")
    return outputs


def _parse(word: str, formats: Sequence[str]) -> Output:
    name, equals, path = word.partition("=")
    if name not in formats:
        raise UsageError(f"-o {word}: there is no format {name!r}", hint=f"one of {', '.join(formats)}")
    if equals and not path:
        raise UsageError(f"-o {word}: the path is missing", hint=f"-o {name}=FILE")
    if path and not Path(path).absolute().parent.is_dir():
        raise UsageError(f"-o {word}: there is no directory {Path(path).absolute().parent}")
    return Output(name, Path(path) if path else None)


@contextlib.contextmanager
def opened(output: Output) -> Iterator[TextIO]:
    """A text stream for an output. A file is its owner's only, and has its name once it is whole."""
    if output.path is None:
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a TextIOWrapper, or a test's
        yield sys.stdout
        return
    temporary = output.path.with_name(f".{output.path.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:  # noqa: PTH123  # a descriptor
            yield stream
        temporary.replace(output.path)
    except OSError as error:
        raise UsageError(f"-o {output.format}={output.path}: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
