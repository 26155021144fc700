"""``-o FORMAT[=PATH]``: which reports go where. Standard output has room for one."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from netaudit.errors import UsageError
from netaudit.report.formats import READ_BY_OTHERS


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
    if path and Path(path).is_dir():
        raise UsageError(f"-o {word}: {path} is a directory", hint=f"-o {name}=FILE")
    return Output(name, Path(path) if path else None)


class ReportFile(io.TextIOWrapper):
    """Text on its way to a file, which is its owner's only and has its name once it is ``kept`` as a whole.

    A format that a program of another user reads may be read by all, as far as the umask lets them.
    A device or a pipe, such as ``/dev/stderr`` or a shell's ``>(…)``, is written to as it is. What goes wrong with the
    file is a UsageError that names the option.
    """

    def __init__(self, output: Output, path: Path) -> None:
        self._output = output
        self._path = path
        self._written = path if _is_special(path) else path.with_name(f".{path.name}.{os.getpid()}")
        flags = os.O_WRONLY | os.O_CLOEXEC | (0 if self._written == path else os.O_CREAT | os.O_EXCL)
        mode = 0o644 if output.format in READ_BY_OTHERS else 0o600
        with _told(output):
            file = io.FileIO(os.open(self._written, flags, mode), "w")
            super().__init__(file, "utf-8", "backslashreplace", newline="")

    def write(self, text: str) -> int:
        """Take text. Raises UsageError."""
        with _told(self._output):
            return super().write(text)

    def flush(self) -> None:
        """Hand on what has been taken. Raises UsageError."""
        with _told(self._output):
            super().flush()

    def keep(self) -> None:
        """Give the file its name. Raises UsageError."""
        self.close()
        if self._written != self._path:
            with _told(self._output):
                self._written.replace(self._path)

    def discard(self) -> None:
        """Leave no trace of a file that was not kept. Never raises; safe to call twice."""
        with contextlib.suppress(UsageError):
            self.close()
        if self._written != self._path:
            with contextlib.suppress(OSError):
                self._written.unlink()


@contextlib.contextmanager
def opened(output: Output) -> Iterator[TextIO]:
    """A text stream for an output, kept when the body ends well. Raises UsageError."""
    if output.path is None:
        yield standard_output()
        return
    file = ReportFile(output, output.path)
    try:
        yield file
        file.keep()
    finally:
        file.discard()


def standard_output() -> TextIO:
    """Standard output, for text that no locale is ready for."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a TextIOWrapper, or a test's
    return sys.stdout


def _is_special(path: Path) -> bool:
    """Whether a path must not be replaced by a file: it is no regular one, or leads to what is open already."""
    absolute = path.absolute()
    if absolute.is_relative_to("/dev") or absolute.is_relative_to("/proc"):
        return True
    return path.exists() and not path.is_file()


@contextlib.contextmanager
def _told(output: Output) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"-o {output.format}={output.path}: {error.strerror or error}") from error
