"""What a user's own probe said: lines ``key=value``, or JSON objects one a line, as names and plain values.

A probe of a user is trusted to run, and what it prints is not: names are plain, values are bounded, nothing nests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from netaudit.model.facts import OwnValue
from netaudit.model.probe import Section

MOST_NAMES = 200
LONGEST_VALUE = 1000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,15}", re.ASCII)
_TRUTH = {"true": True, "false": False}


def parse_own(section: Section) -> Mapping[str, OwnValue]:
    """The names of a section with their values; a later line beats an earlier one. Raises ValueError with the line.

    Digits are a number, ``true`` and ``false`` are what they say, everything else is a text.
    """
    found: dict[str, OwnValue] = {}
    for number, line in enumerate(section.stdout.decode("utf-8", "replace").splitlines(), 1):
        text = line.strip()
        if not text:
            continue
        said = _of_json(text, number) if text.startswith("{") else _of_line(text, number)
        found.update(said)
        if len(found) > MOST_NAMES:
            raise ValueError(f"line {number}: more than {MOST_NAMES} names")
    return found


def _of_line(text: str, number: int) -> dict[str, OwnValue]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"line {number}: {text[:60]!r} is neither key=value nor a JSON object")
    return {_name(name.strip(), number): _value(value.strip(), number)}


def _of_json(text: str, number: int) -> dict[str, OwnValue]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"line {number}: no JSON: {error}") from error
    if not isinstance(said, dict):
        raise ValueError(f"line {number}: no JSON object")  # noqa: TRY004 - what a host said, not a programmer
    return {_name(name, number): _plain(name, value, number) for name, value in said.items()}


def _name(text: str, number: int) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"line {number}: {text[:60]!r} is no name: a small letter, then small letters, digits and _")
    return text


def _plain(name: str, value: object, number: int) -> OwnValue:
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return _value(str(value), number)
    if isinstance(value, str):
        return _text(value, number)
    raise ValueError(f"line {number}: {name} is neither a text, a number, true nor false")


def _value(text: str, number: int) -> OwnValue:
    if text in _TRUTH:
        return _TRUTH[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return _text(text, number)


def _text(text: str, number: int) -> str:
    if len(text) > LONGEST_VALUE:
        raise ValueError(f"line {number}: a value is at most {LONGEST_VALUE} characters long")
    return text
