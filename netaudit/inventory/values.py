"""What a variable may be besides plain data: text that is never a template, and text that is still encrypted.

Knows nothing of files or hosts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from netaudit.errors import Where

# A variable: None, bool, int, float, str, a list or a mapping of such, UnsafeText or Vaulted.
Value: TypeAlias = object
Vars: TypeAlias = dict[str, Value]


class UnsafeText(str):
    """Text tagged ``!unsafe``: it is shown as it is and never evaluated as a template."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Vaulted:
    """A value that ``ansible-vault`` encrypted, not yet decrypted."""

    ciphertext: str
    where: Where


def kind_of(value: object) -> str:
    """The word by which an error calls the type of a value."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple | set):
        return "a list"
    return f"a {type(value).__name__}"


def decode_wrappers(value: Value, where: Where) -> Value:
    """The value with the JSON forms of unsafe and vaulted text replaced by their types.

    ``{"__ansible_unsafe": text}`` and ``{"__ansible_vault": text}`` are how inventory scripts and
    ``ansible-inventory`` write them.
    """
    if isinstance(value, dict):
        if len(value) == 1:
            (key, text), *_ = value.items()
            if key == "__ansible_unsafe" and isinstance(text, str):
                return UnsafeText(text)
            if key == "__ansible_vault" and isinstance(text, str):
                return Vaulted(text, where)
        return {key: decode_wrappers(item, where) for key, item in value.items()}
    if isinstance(value, list):
        return [decode_wrappers(item, where) for item in value]
    return value


def plain(value: Value) -> Value:
    """The value as JSON writes it: text keys, lists for sets, and the wrappers of unsafe and vaulted text."""
    if isinstance(value, UnsafeText):
        return {"__ansible_unsafe": str(value)}
    if isinstance(value, Vaulted):
        return {"__ansible_vault": value.ciphertext}
    if isinstance(value, dict):
        return {key_text(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    return value


def key_text(key: object) -> str:
    """The key of a mapping as JSON writes it: ``1``, ``true``, ``null``."""
    if isinstance(key, str):
        return str(key)
    if key is None:
        return "null"
    if isinstance(key, bool):
        return "true" if key else "false"
    return repr(key) if isinstance(key, int | float) else str(key)
