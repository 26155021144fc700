"""Writes plain values as YAML that the strict reader of ``assets.yamlfile`` reads back as the same values."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./,()' -]*\Z", re.ASCII)
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./*-]*\Z", re.ASCII)
_WIDTH = 110
_SHORT = 72  # a list or mapping of scalars up to this length stands on one line


def yaml_text(value: Mapping[str, object]) -> str:
    """A document of that mapping, with a newline at its end."""
    return "\n".join(_mapping(value, "")) + "\n"


def _mapping(value: Mapping[str, object], indent: str) -> Iterator[str]:
    for key, inner in value.items():
        yield from _after(f"{indent}{_key(key)}:", inner, indent + "  ")


def _after(start: str, value: object, indent: str) -> Iterator[str]:
    """A value behind a key or a dash: on the same line when it is short, else below."""
    flow = _flow(value)
    if flow is not None and len(flow) <= _SHORT:
        yield f"{start} {flow}"
    elif isinstance(value, Mapping):
        yield start
        yield from _mapping(value, indent)
    elif isinstance(value, list | tuple):
        yield start
        for item in value:
            yield from _item(item, indent)
    else:
        yield from _long(start, str(value), indent)


def _item(value: object, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        lines = list(_mapping(value, indent + "  "))
        yield f"{indent}- {lines[0].lstrip()}"
        yield from lines[1:]
    else:
        yield from _after(f"{indent}-", value, indent + "  ")


def _flow(value: object) -> str | None:
    """A value on one line; None for a mapping or list that is better written below its key."""
    if isinstance(value, Mapping):
        if any(isinstance(inner, Mapping) and inner for inner in value.values()) and len(value) > 1:
            return None
        found = {_key(str(key)): _flow(inner) for key, inner in value.items()}
        return (
            None if None in found.values() else "{" + ", ".join(f"{key}: {text}" for key, text in found.items()) + "}"
        )
    if isinstance(value, list | tuple):
        if any(isinstance(item, Mapping) for item in value):
            return None
        texts = [_flow(item) for item in value]
        return None if None in texts else "[" + ", ".join(text or "" for text in texts) + "]"
    return _scalar(value)


def _key(key: str) -> str:
    return key if _KEY.match(key) and key.lower() not in _WORDS else json.dumps(key, ensure_ascii=False)


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    text = str(value)
    plain = _PLAIN.match(text) and text.lower() not in _WORDS and ", " not in text and not text.endswith(" ")
    return text if plain and "," not in text else json.dumps(text, ensure_ascii=False)


def _number(value: float) -> str:
    """A number without an exponent: the reader takes plain decimals only."""
    if isinstance(value, int):
        return str(value)
    text = repr(value)
    if "e" in text or "n" in text:
        text = f"{value:.19f}".rstrip("0")
        text = f"{text}0" if text.endswith(".") else text
    return text


def _long(start: str, text: str, indent: str) -> Iterator[str]:
    """A long text, folded where folding gives the same text back, else in quotes on its line."""
    folds = "\n" not in text and "  " not in text and text == text.strip() and text.isprintable() and text
    lines = textwrap.wrap(text, _WIDTH - len(indent), break_long_words=False, break_on_hyphens=False) if folds else []
    if lines and " ".join(lines) == text and not any(line.startswith("#") for line in lines[:1]):
        yield f"{start} >-"
        yield from (f"{indent}{line}" for line in lines)
    else:
        yield f"{start} {json.dumps(text, ensure_ascii=False)}"
