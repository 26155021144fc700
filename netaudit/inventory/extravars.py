"""Extra variables of the command line: ``-e key=value``, ``-e '{"key": …}'``, ``-e @file``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from netaudit.errors import UsageError
from netaudit.inventory.values import Value, plain
from netaudit.inventory.yamltext import parse_yaml

_HINT = "key=value, a YAML or JSON mapping, or @FILE"
MAX_FILE_BYTES = 5 * 2**20


def parse_extra_vars(words: Sequence[str]) -> dict[str, Value]:
    """All variables, a later word beating an earlier one. Values of ``key=value`` are text, as with Ansible."""
    variables: dict[str, Value] = {}
    for word in words:
        variables.update(_parse(word.strip()))
    return variables


def _parse(word: str) -> Mapping[str, Value]:
    if word.startswith("@"):
        return _mapping(_read(Path(word[1:])), word[1:])
    if word.startswith(("{", "[")):
        return _mapping(word, "--extra-vars")
    return _pairs(word)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UsageError(f"-e @{path}: the file is larger than {MAX_FILE_BYTES >> 20} MiB")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"-e @{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"-e @{path}: the file is not UTF-8") from None


def _mapping(text: str, file: str) -> Mapping[str, Value]:
    tree = parse_yaml(text, file, lambda message, where: None)  # noqa: ARG005  # duplicate keys: the last one wins
    value = plain(tree.value(tree.root)) if tree is not None else {}
    if not isinstance(value, dict):
        raise UsageError(f"-e {file}: not a mapping", hint=_HINT)
    return value


def _pairs(word: str) -> Mapping[str, Value]:
    try:
        parts = shlex.split(word)
    except ValueError as error:
        raise UsageError(f"-e {word}: {error}", hint=_HINT) from None
    pairs: dict[str, Value] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(f"-e {word}: {part!r} is not key=value", hint=_HINT)
        pairs[key] = value
    return pairs
