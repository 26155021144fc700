"""Host names folded for people: ``web[1-37], db[01-04].fra, 10.0.0.[5-9]``, and unfolded again.

A family of names differs in one run of digits. Of several such runs the one that gives the fewest pieces is folded,
the last one when that is open; of an IPv4 address always the last octet. Steps are not merged, zero padding is kept,
and an IPv6 address is never folded because its digits are not decimal. A name that holds a bracket, comma, quote,
backslash or white space is quoted as in JSON, so that unfolding is exact for every list of names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from netaudit.model.natural import natural_key

_NUMBER = re.compile(r"(?<![0-9])([0-9]{1,15})(?![0-9])", re.ASCII)  # longer runs of digits are text
_IPV4 = re.compile(r"\A[0-9]{1,3}(?:\.[0-9]{1,3}){3}\Z", re.ASCII)
_IPV6 = re.compile(r"\A[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%.*)?\Z", re.ASCII)
_AMBIGUOUS = re.compile(r'\A\Z|[\[\],"\\\s]')
_RANGE = re.compile(r"\A([0-9]+)(?:-([0-9]+))?\Z", re.ASCII)
_SEPARATOR = ", "
_FAMILIES_SHOWN = 3  # of a list that is cut, at least in part
_LEAST_CHARS = 12  # that a family is given then

_Numbers: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive numbers as they stand between brackets: ``7`` or ``01-20``."""

    text: str
    names: int


@dataclass(frozen=True, slots=True)
class Piece:
    """One name, or one family of names: prefix, runs of the number that varies, suffix."""

    first: str
    prefix: str
    runs: tuple[Run, ...]
    suffix: str

    @property
    def names(self) -> int:
        """How many names it stands for."""
        return sum(run.names for run in self.runs) or 1

    def __str__(self) -> str:
        if not self.runs:
            return self.prefix
        return f"{self.prefix}[{','.join(run.text for run in self.runs)}]{self.suffix}"


def fold(names: Iterable[str]) -> str:
    """The names on one line, each once, in natural order."""
    return _SEPARATOR.join(map(str, pieces(names)))


def fold_within(names: Iterable[str], limit_chars: int) -> str:
    """As ``fold``, cut so that about ``limit_chars`` remain: ``db[1-3,7,…], web[2,5,…], … 412 more``.

    The first families share the room, so that a long one does not hide the others.
    """
    found = pieces(names)
    whole = _SEPARATOR.join(map(str, found))
    if len(whole) <= limit_chars:
        return whole
    taken: list[str] = []
    room = limit_chars
    left = 0
    for place, piece in enumerate(found):
        is_first = place < _FAMILIES_SHOWN
        share = max(room // max(1, min(_FAMILIES_SHOWN, len(found)) - place), _LEAST_CHARS if is_first else 0)
        text, omitted = (str(piece), 0) if len(str(piece)) <= share else _shortened(piece, share)
        if taken and len(text) > share:
            left += piece.names
            continue
        taken.append(text)
        left += omitted
        room = max(0, room - len(text) - len(_SEPARATOR))
    return _SEPARATOR.join([*taken, f"… {left} more"] if left else taken)


def _shortened(piece: Piece, room: int) -> tuple[str, int]:
    """A piece with as many of its runs as fit, one at least, and how many names were left out."""
    kept: list[Run] = []
    room -= len(piece.prefix) + len(piece.suffix) + 4
    for run in piece.runs:
        if kept and room < len(run.text):
            break
        kept.append(run)
        room -= len(run.text) + 1
    if len(kept) == len(piece.runs):
        return str(piece), 0
    text = f"{piece.prefix}[{','.join(run.text for run in kept)},…]{piece.suffix}"
    return text, piece.names - sum(run.names for run in kept)


def pieces(names: Iterable[str]) -> tuple[Piece, ...]:
    """The families of the names in natural order of their first members; doubles count once."""
    families: dict[tuple[str, ...], list[_Numbers]] = {}
    found: list[Piece] = []
    for name in dict.fromkeys(names):
        if _AMBIGUOUS.search(name):
            found.append(Piece(name, json.dumps(name), (), ""))
            continue
        parts = _NUMBER.split(name)
        if len(parts) == 1 or _IPV6.match(name):
            found.append(Piece(name, name, (), ""))
        else:
            families.setdefault(tuple(parts[::2]), []).append(tuple(parts[1::2]))
    for words, members in families.items():
        found.extend(_fold_family(words, members))
    return tuple(sorted(found, key=lambda piece: natural_key(piece.first)))


def _fold_family(words: tuple[str, ...], members: list[_Numbers]) -> Iterator[Piece]:
    place = _place_to_fold(words, members)
    groups: dict[_Numbers, list[str]] = {}
    for numbers in members:
        groups.setdefault(numbers[:place] + numbers[place + 1 :], []).append(numbers[place])
    for rest, tokens in groups.items():
        numbers = (*rest[:place], "", *rest[place:])
        prefix = _joined(words[: place + 1], numbers[:place])
        suffix = _joined(words[place + 1 :], numbers[place + 1 :])
        runs = _runs(tokens)
        first = f"{prefix}{min(tokens, key=_by_length)}{suffix}"
        if len(tokens) == 1:
            yield Piece(first, first, (), "")
        else:
            yield Piece(first, prefix, runs, suffix)


def _place_to_fold(words: tuple[str, ...], members: list[_Numbers]) -> int:
    """The place of the number whose folding gives the fewest pieces, the last one of equals."""
    count = len(members[0])
    varying = [place for place in range(count) if any(m[place] != members[0][place] for m in members)]
    if not varying or _IPV4.match(_joined(words, members[0])):
        return count - 1
    if len(varying) == 1:
        return varying[0]
    return min(reversed(varying), key=lambda place: len({m[:place] + m[place + 1 :] for m in members}))


def _joined(words: tuple[str, ...], numbers: tuple[str, ...]) -> str:
    """Words and numbers in turn, beginning with a word; there may be a number less than words, or as many."""
    mixed: list[str] = []
    for place, word in enumerate(words):
        mixed.append(word)
        mixed.extend(numbers[place : place + 1])
    return "".join(mixed)


def _by_length(token: str) -> tuple[int, str]:
    return len(token), token


def _runs(tokens: Collection[str]) -> tuple[Run, ...]:
    """Consecutive numbers joined; ``9`` and ``10`` follow each other, ``9`` and ``010`` do not."""
    spans: list[list[str]] = []
    for token in sorted(tokens, key=_by_length):
        last = spans[-1][-1] if spans else ""
        if last and int(token) == int(last) + 1 and (len(token) == len(last) or token[0] != "0"):
            spans[-1].append(token)
        else:
            spans.append([token])
    return tuple(Run(_span_text(span), len(span)) for span in spans)


def _span_text(span: list[str]) -> str:
    return span[0] if len(span) == 1 else f"{span[0]}-{span[-1]}"


def unfold(text: str) -> tuple[str, ...]:
    """The names that ``fold`` made the text of. Raises ValueError on anything else."""
    names: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == '"':
            name, at = json.JSONDecoder().raw_decode(text, at)
            names.append(str(name))
        else:
            found, at = _unfold_piece(text, at)
            names.extend(found)
        if at < len(text) and not text.startswith(_SEPARATOR, at):
            raise ValueError(f"not a folded list of names at character {at + 1}: {text!r}")
        at += len(_SEPARATOR)
    return tuple(names)


def _unfold_piece(text: str, at: int) -> tuple[list[str], int]:
    end = text.find(_SEPARATOR, at)
    end = len(text) if end < 0 else end
    opened = text.find("[", at, end)
    if opened < 0:
        return [text[at:end]], end
    closed = text.index("]", opened)
    prefix, suffix = text[at:opened], text[closed + 1 : end]
    numbers = (number for item in text[opened + 1 : closed].split(",") for number in _unfold_range(item))
    return [f"{prefix}{number}{suffix}" for number in numbers], end


def _unfold_range(item: str) -> list[str]:
    match = _RANGE.match(item)
    if match is None:
        raise ValueError(f"{item!r} is not a range of numbers")
    low, high = match[1], match[2] or match[1]
    width = len(low) if low[0] == "0" else 1
    return [str(number).zfill(width) for number in range(int(low), int(high) + 1)]
