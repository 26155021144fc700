"""Extra variables of the command line: ``-e key=value``, ``-e '{"key": …}'``, ``-e @file``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from netaudit.errors import UsageError
from netaudit.inventory.sources import NeedsAnsible, check_not_encrypted, parse_document, read_bytes
from netaudit.inventory.values import Value, key_text, kind_of

_HINT = "key=value, a YAML or JSON mapping, or @FILE"


def parse_extra_vars(words: Sequence[str]) -> dict[str, Value]:
    """All variables, a later word beating an earlier one. Values of ``key=value`` are text, as with Ansible.

    Raises UsageError for a word without sense, and InventoryError with its place for a file or a text that is no YAML.
    """
    variables: dict[str, Value] = {}
    for word in words:
        variables.update(_parse(word.strip()))
    return variables


def _parse(word: str) -> Mapping[str, Value]:
    if word.startswith("@"):
        return _mapping(_read(word[1:]), word[1:])
    if word.startswith(("{", "[")):
        return _mapping(word.encode("utf-8", "surrogateescape"), "--extra-vars")
    if word.startswith(("/", ".")):
        raise UsageError(f"-e {word}: a file is given as @{word}", hint=_HINT)
    return _pairs(word)


def _read(path: str) -> bytes:
    data = read_bytes(path, regular=not path.startswith("/dev/"))
    try:
        check_not_encrypted(data, path)
    except NeedsAnsible as need:
        raise UsageError(f"-e @{path}: the file {need.problem}", hint="decrypt it, or put it into group_vars") from None
    return data


def _mapping(data: bytes, file: str) -> Mapping[str, Value]:
    tree = parse_document(data, file, lambda _message, _where: None)  # of equal keys the last one counts
    if tree is None:
        return {}
    if not tree.is_mapping(tree.root):
        raise UsageError(f"-e {file}: must be a mapping, not {kind_of(tree.value(tree.root))}", hint=_HINT)
    return {key_text(key): tree.value(branch) for key, _, branch in tree.entries(tree.root)}


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
