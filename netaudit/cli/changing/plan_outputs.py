"""``-o`` of a plan: the console, the plan file, and the forms for people who apply it by other means."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from netaudit.cli.changing.planning import Made
from netaudit.cli.telling.outputs import Output, opened, parse_outputs
from netaudit.errors import UsageError
from netaudit.remedy.export_ansible import ansible_playbook
from netaudit.remedy.export_files import shell_files, sysctl_files
from netaudit.remedy.plan_file import dump_plan
from netaudit.report import terminal
from netaudit.report.plan_page import plan_page

_STREAMS = ("console", "json", "ansible")
_FOLDERS = {"sysctl": sysctl_files, "shell": shell_files}


def plan_outputs(words: Sequence[str]) -> tuple[Output, ...]:
    """The outputs of a plan. ``-o plan.json`` is the plan file beside the console. Raises UsageError."""
    streams, folders = [], []
    for word in words:
        name, equals, path = word.partition("=")
        if name in _FOLDERS:
            folders.append(_folder(word, name, path))
        elif not equals and (name.endswith(".json") or "/" in name):
            streams.append(f"json={name}")
        else:
            streams.append(word)
    if not any(word.partition("=")[2] == "" for word in streams):
        streams.append("console")
    return (*parse_outputs(streams, _STREAMS), *folders)


def _folder(word: str, name: str, path: str) -> Output:
    if not path:
        raise UsageError(f"-o {word}: the directory is missing", hint=f"-o {name}=DIR")
    if Path(path).exists() and not Path(path).is_dir():
        raise UsageError(f"-o {word}: {path} is not a directory")
    if not Path(path).absolute().parent.is_dir():
        raise UsageError(f"-o {word}: there is no directory {Path(path).absolute().parent}")
    return Output(name, Path(path))


def write_plan(args: argparse.Namespace, made: Made, output: Output) -> None:
    """Write a plan in one form. Raises UsageError."""
    if output.format in _FOLDERS and output.path is not None:
        _write_folder(output, output.path, _FOLDERS[output.format](made.plan))
        return
    with opened(output) as stream:
        if output.format == "json":
            stream.write(dump_plan(made.plan))
        elif output.format == "ansible":
            stream.write(ansible_playbook(made.plan, made.serial))
        else:
            console = terminal.console_for(stream, args.color, os.environ)
            page = terminal.options_for(console, os.environ, verbose=args.verbose > 0)
            terminal.print_text(console, terminal.render_page(plan_page(made.plan, page), page))


def _write_folder(output: Output, folder: Path, files: Iterable[tuple[str, str]]) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UsageError(f"-o {output.format}={folder}: {error.strerror}") from error
    for name, text in files:
        with opened(Output(output.format, folder / name)) as stream:
            stream.write(text)
