"""What the text of a value in an INI inventory means: a Python literal where it is one, else the text itself.

So ``True`` is a boolean and ``true`` a text, ``0x1f`` is 31, ``007`` a text, ``[1, 2]`` a list, and a comment
after a literal belongs to Python. Knows nothing of files.
"""

from __future__ import annotations

import ast
import re
import warnings
from functools import lru_cache

from netaudit.inventory.values import UnsafeText, Value

_NEVER_LITERAL = re.compile(r"[A-Za-z_/~][\w./:@~+-]*[\w/]\Z", re.ASCII)
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,17})\Z", re.ASCII)
_CONSTANTS = {"True", "False", "None"}


def parse_literal(text: str) -> Value:
    """The value that a text stands for. Raises ValueError for the few texts that Ansible cannot take."""
    if _DECIMAL.match(text):
        return int(text)
    if _NEVER_LITERAL.match(text) and text not in _CONSTANTS:
        return text
    return _evaluate(text)


@lru_cache(maxsize=4096)
def _evaluate(text: str) -> Value:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    except (TypeError, RecursionError, MemoryError) as error:
        raise ValueError(
            f"the value {text[:60]!r} looks like a Python literal and is none; put it into two pairs of quotes"
        ) from error
    return _as_data(value)


def _as_data(value: object) -> Value:
    """Lists for tuples and sets, text for complex numbers and for bytes, which are no template."""
    if isinstance(value, list | tuple | set):
        return [_as_data(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_data(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return _decoded(value)
    if value is ...:
        return "..."
    if isinstance(value, complex):
        return str(value)
    return value


def _decoded(value: bytes) -> str:
    try:
        return UnsafeText(value.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("the value holds bytes that are not UTF-8") from None
