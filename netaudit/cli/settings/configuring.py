"""Defaults of the operator: ``netaudit.toml`` of the project, ``config.toml`` of the user, ``NETAUDIT_*`` variables.

The command line beats the environment, that the project's file, that the user's, that what is built in. Whatever is
said wrong is an error with its place, whichever command runs. What approves, forces, or loosens the check of host
keys can be said on the command line only. This module knows nothing of what the settings do.

A project's file is the nearest ``netaudit.toml`` from the working directory upwards. One that another user could have
put there, or could change, does not count.
"""

from __future__ import annotations

import argparse
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from netaudit.cli.here import here
from netaudit.errors import UsageError, Where

PROJECT_FILE = "netaudit.toml"
USER_FILE = "netaudit/config.toml"  # below $XDG_CONFIG_HOME
PREFIX = "NETAUDIT_"
NO_FILES = "NETAUDIT_NO_CONFIG"  # any value but an empty one: no file is read
MAX_FILE_BYTES = 2**20
DEFAULTS = "defaults"
SETTINGS = (
    "inventory", "extra-vars", "baseline", "forks", "transport", "user", "private-key", "jump", "become",
    "become-method", "ask-pass", "ask-become-pass", "connect-timeout", "timeout", "host-key-checking",
    "no-ssh-config", "output", "fail-on", "no-history", "no-progress", "quiet", "verbose", "color", "serial",
    "max-fail", "confirm-within", "soak", "no-persist", "remediations", "workload",
)  # fmt: skip
ON_COMMAND_LINE_ONLY = ("yes", "force", "replace", "allow", "gate", "plan", "check", "limit", "from", "only")
_PATHS = frozenset({"inventory", "private-key", "baseline", "remediations", "workload"})
_LISTS = frozenset({"inventory", "extra-vars", "output", "remediations"})
_NUMBERS = frozenset({"forks", "max-fail"})
_OWN_VARIABLES = frozenset({NO_FILES, "NETAUDIT_HOSTS", "NETAUDIT_RUN"})  # the others are set for the gate of `fix`
_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off", ""})


@dataclass(frozen=True, slots=True)
class Said:
    """One setting as a file or the environment says it; ``table`` is ``defaults`` or the name of a command."""

    name: str
    value: object
    where: Where
    table: str = DEFAULTS
    folder: Path | None = None  # what relative paths are relative to


class Default(list[str]):
    """The default of a repeatable option: what the command line says takes its place instead of being added to it."""

    def __copy__(self) -> list[str]:
        """An empty list: argparse copies the default before it appends to it."""
        return []


class Count(int):
    """The default of an option that is counted: what the command line says takes its place."""

    def __add__(self, other: int) -> int:
        return other


def configured(parser: argparse.ArgumentParser, command: str) -> Mapping[str, Said]:
    """The parser has the operator's defaults; what was said, by setting. Raises UsageError with the place."""
    found = tuple(all_said(os.environ, here()))
    return apply(parser, command, found) if found else {}


def apply(parser: argparse.ArgumentParser, command: str, found: Sequence[Said]) -> Mapping[str, Said]:
    """Set the defaults of one command out of everything that was said, the strongest last."""
    used: dict[str, Said] = {}
    _refuse_strange_tables(found)
    for said in found:
        checked(said)
        if said.table in {DEFAULTS, command}:
            used[said.name] = said
    for name, said in used.items():
        for each in (parser, *_below(parser)):
            action = _option(each, name)
            if action is not None:
                each.set_defaults(**{action.dest: converted(action, said)})
                action.required = False
    return used


def all_said(environment: Mapping[str, str], here: Path) -> Iterator[Said]:
    """Everything that is said, the weakest first: in each file its ``[defaults]``, then the tables of commands."""
    if not environment.get(NO_FILES):
        for path in files(environment, here):
            said = read(path)
            yield from (each for each in said if each.table == DEFAULTS)
            yield from (each for each in said if each.table != DEFAULTS)
    for variable, text in environment.items():
        if variable.startswith(PREFIX) and variable not in _OWN_VARIABLES:
            name = variable.removeprefix(PREFIX).lower().replace("_", "-")
            if name in SETTINGS:
                yield Said(name, text, Where(f"${variable}"))
            elif name in ON_COMMAND_LINE_ONLY:
                _refuse(name, Where(f"${variable}"))
            else:
                _tell_of_a_slip(variable, name)


def _tell_of_a_slip(variable: str, name: str) -> None:
    """Warn of a variable that is nearly a setting. Others are left alone: a service called so has some of its own."""
    import difflib

    from netaudit.cli.guard import say

    near = difflib.get_close_matches(name, SETTINGS, n=1, cutoff=0.8)
    if near:
        meant = PREFIX + near[0].upper().replace("-", "_")
        say(f"warning: ${variable} is no setting and does not count (did you mean ${meant}?)")


def files(environment: Mapping[str, str], here: Path) -> Iterator[Path]:
    """The user's file and the project's, as far as they are there."""
    stated = environment.get("XDG_CONFIG_HOME", "")
    home = environment.get("HOME", "")
    folder = Path(stated) if stated.startswith("/") else Path(home, ".config") if home.startswith("/") else None
    if folder is not None and (folder / USER_FILE).is_file():
        yield folder / USER_FILE
    for above in (here, *here.parents):
        path = above / PROJECT_FILE
        if path.is_file():
            if _is_ours(path):
                yield path
            return


def _is_ours(path: Path) -> bool:
    """Whether nobody but its owner can have written it, and that is we or root. Else this is said, and it is left."""
    from netaudit.cli.guard import say

    for each in (path, path.parent):
        state = each.stat()
        is_shared = state.st_mode & stat.S_IWOTH and not (each == path.parent and state.st_mode & stat.S_ISVTX)
        if is_shared or state.st_uid not in {0, os.geteuid()}:
            say(f"warning: {path} is not read: others than you can write it or its directory")
            return False
    return True


def read(path: Path) -> tuple[Said, ...]:
    """What one file says, in its order. Raises UsageError."""
    import tomllib

    from netaudit.cli.settings.places import places

    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UsageError("larger than 1 MiB", Where(str(path)))
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read: {error}", Where(str(path))) from None
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"is not TOML: {error}", Where(str(path))) from None
    lines = places(text)
    found = []
    for table, body in tables.items():
        where = Where(str(path), lines.get((table, ""), lines.get(("", table), 0)))
        if not isinstance(body, dict):
            raise UsageError(f"{table} stands outside of a table", where, hint=f"put it below [{DEFAULTS}]")
        for key, value in body.items():
            place = Where(str(path), lines.get((table, key), where.line))
            found.append(Said(key.replace("_", "-"), value, place, table, path.parent))
        if not body:
            found.append(Said("", None, where, table))
    return tuple(found)


def checked(said: Said) -> None:
    """Raises UsageError for a setting that there is not, or that does not belong where it is said."""
    if not said.name:
        return
    if said.name in ON_COMMAND_LINE_ONLY:
        _refuse(said.name, said.where)
    if said.name not in SETTINGS:
        from netaudit.baseline.nearest import did_you_mean

        raise UsageError(f"there is no setting {said.name!r}", said.where, hint=did_you_mean(said.name, SETTINGS))
    if said.name == "host-key-checking" and said.value == "off":
        raise UsageError(
            "host keys are left unchecked only by the command line", said.where, hint="strict, or accept-new"
        )
    action = _option(_prototype(), said.name)
    if action is not None:
        converted(action, said)


def converted(action: argparse.Action, said: Said) -> object:
    """The value as the option has it. Raises UsageError when it is of another type or not to be chosen."""
    if action.nargs == 0:
        return _count(said) if isinstance(action, argparse._CountAction) else _flag(said)  # noqa: SLF001 - no other way to tell
    words = tuple(_from_here(said, word) for word in _words(said))
    values = [_one(action, said, word) for word in words]
    if isinstance(action, argparse._AppendAction):  # noqa: SLF001 - as above
        return Default(values)  # type: ignore[arg-type]  # of the types that the option has
    return values[0]


def sources_of(said: Said) -> tuple[str, ...]:
    """The inventory sources of this setting, paths made absolute."""
    return tuple(_from_here(said, word) for word in _words(said))


def _words(said: Said) -> tuple[str, ...]:
    value = said.value
    if isinstance(value, str):
        return tuple(value.split(os.pathsep if said.name == "inventory" else "\n")) if _is_variable(said) else (value,)
    if isinstance(value, list) and said.name in _LISTS and all(isinstance(each, str) for each in value):
        return tuple(value)
    if isinstance(value, int) and not isinstance(value, bool) and said.name in _NUMBERS:
        return (str(value),)
    wanted = "a text or a list of texts" if said.name in _LISTS else "a text"
    raise UsageError(
        f"{said.name} is {_kind(value)}", said.where, hint="a whole number" if said.name in _NUMBERS else wanted
    )


def _one(action: argparse.Action, said: Said, word: str) -> object:
    if action.choices is not None and word not in action.choices:
        raise UsageError(f"{said.name} cannot be {word!r}", said.where, hint=f"one of {', '.join(action.choices)}")
    if action.type is None:
        return word
    try:
        return action.type(word)  # type: ignore[operator]  # netaudit registers no types by name
    except (argparse.ArgumentTypeError, ValueError) as error:
        raise UsageError(f"{said.name}: {error}", said.where) from None


def _flag(said: Said) -> bool:
    if isinstance(said.value, bool):
        return said.value
    text = str(said.value).lower()
    if _is_variable(said) and text in _TRUE | _FALSE:
        return text in _TRUE
    raise UsageError(f"{said.name} is {_kind(said.value)}", said.where, hint="true or false")


def _count(said: Said) -> Count:
    value = said.value
    if isinstance(value, str) and value.isdigit() and value.isascii() and _is_variable(said):
        return Count(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 9:
        return Count(value)
    raise UsageError(f"{said.name} is {_kind(value)}", said.where, hint="a whole number from 0 to 9")


def _from_here(said: Said, word: str) -> str:
    """A path of a file is meant from where that file lies, whatever the working directory is. Raises UsageError."""
    if said.name == "output" and said.folder is not None:
        return _report_from_here(said, said.folder, word)
    if said.name not in _PATHS or said.folder is None or "," in word:
        return word
    path = Path(os.path.expanduser(word))  # noqa: PTH111 - Path.expanduser raises for an unknown user
    is_name = said.name == "baseline" and "/" not in word and not (said.folder / path).is_file()
    return word if is_name or (path.is_absolute() and word == str(path)) else str(said.folder / path)


def _report_from_here(said: Said, folder: Path, word: str) -> str:
    """A project's file has reports written below its own folder only: it may have come with somebody's repository."""
    name, equals, path = word.partition("=")
    if not equals or not path:
        return word
    whole = Path(os.path.normpath(folder / os.path.expanduser(path)))  # noqa: PTH111 - as above
    if said.where.file.endswith(PROJECT_FILE) and not whole.is_relative_to(folder):
        raise UsageError(f"output: {path} is not below {folder}", said.where, hint="say it on the command line")
    return f"{name}={whole}"


def _is_variable(said: Said) -> bool:
    return said.where.file.startswith("$")


def _kind(value: object) -> str:
    if isinstance(value, str):
        return repr(value)
    names = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or a time")


def _refuse(name: str, where: Where) -> None:
    raise UsageError(f"{name} is said on the command line only", where, hint=f"--{name}")


def _refuse_strange_tables(found: Sequence[Said]) -> None:
    from netaudit.cli.catalogue import COMMANDS

    for said in found:
        if said.table != DEFAULTS and said.table not in COMMANDS:
            from netaudit.baseline.nearest import did_you_mean

            hint = did_you_mean(said.table, (DEFAULTS, *COMMANDS))
            raise UsageError(f"there is no table [{said.table}]", said.where, hint=hint)


def _option(parser: argparse.ArgumentParser, name: str) -> argparse.Action | None:
    """The option of a setting: by its long name, and of its usual kind (``collect -o DIR`` is another ``--output``)."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to its options
        if f"--{name}" in action.option_strings:
            return None if name == "output" and action.metavar != "FORMAT[=PATH]" else action
    return None


def option_anywhere(parser: argparse.ArgumentParser, name: str) -> argparse.Action | None:
    """The option of a setting in the command itself, or in the first of its verbs that has it."""
    found = (_option(each, name) for each in (parser, *_below(parser)))
    return next((action for action in found if action is not None), None)


def _below(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:  # noqa: SLF001 - as above
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            yield from action.choices.values()


def _prototype() -> argparse.ArgumentParser:
    """The shared options: so that a wrong value is found by whatever command runs next."""
    from netaudit.cli.asking import options

    global _shared  # noqa: PLW0603 - made once, when a setting is said at all
    if _shared is None:
        _shared = options.Parser()
        options.add_inventory(_shared)
        options.add_baseline(_shared)
        options.add_connection(_shared)
        options.add_output(_shared)
        options.add_console(_shared)
        _shared.add_argument("--confirm-within", type=options.duration)
        _shared.add_argument("--soak", type=options.span)
        for name in ("--no-history", "--no-persist"):
            _shared.add_argument(name, action="store_true")
        for name in ("--serial", "--max-fail", "--workload"):
            _shared.add_argument(name)
        _shared.add_argument("--remediations", action="append")
    return _shared


_shared: argparse.ArgumentParser | None = None
