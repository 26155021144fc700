"""Hosts that say the same thing: texts that differ only in numbers, names or fingerprints share a bin."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from netaudit.model.natural import NaturalKey, natural_key

MAX_BINS = 40  # of one kind; what comes later shares one more

_FINGERPRINT = re.compile(r"\b(?:SHA256:[A-Za-z0-9+/=]+|[0-9a-f]{2}(?::[0-9a-f]{2}){15})")
_DIGITS = re.compile(r"[0-9]+")

KindT = TypeVar("KindT", bound=Hashable)


def shape(text: str, host: str = "", address: str = "") -> str:
    """The text with what differs from host to host taken out."""
    for own in (host, address):
        if own:
            text = text.replace(own, "<host>")
    return _DIGITS.sub("#", _FINGERPRINT.sub("<fingerprint>", text))


@dataclass(frozen=True, slots=True)
class Bin(Generic[KindT]):
    """Hosts of one kind whose texts have one shape; ``text`` is that of the first host in natural order.

    ``uniform`` says that all of them said exactly this. ``count`` is how often it was said, which may be more than
    once a host, and ``detail`` goes with the text.
    """

    kind: KindT
    text: str
    detail: str
    hosts: tuple[str, ...]
    count: int
    uniform: bool
    sources: tuple[str, ...] = ()


class _Open:
    """A bin that is being filled."""

    __slots__ = ("count", "detail", "first", "hosts", "sources", "text", "uniform")

    def __init__(self, first: NaturalKey, text: str, detail: str) -> None:
        self.first, self.text, self.detail = first, text, detail
        self.hosts: list[str] = []
        self.sources: set[str] = set()
        self.count = 0
        self.uniform = True

    def add(self, host: str, text: str, detail: str, source: str) -> None:
        self.uniform = self.uniform and text == self.text
        if not self.hosts or self.hosts[-1] != host:
            self.hosts.append(host)
            first = natural_key(host)
            if first < self.first:
                self.first, self.text, self.detail = first, text, detail
        self.count += 1
        if source:
            self.sources.add(source)


class Bins(Generic[KindT]):
    """Fills bins, one text of one host at a time; hosts come one after the other."""

    __slots__ = ("_bins", "_per_kind")

    def __init__(self) -> None:
        self._bins: dict[tuple[KindT, str | None], _Open] = {}
        self._per_kind: dict[KindT, int] = {}

    def add(self, kind: KindT, host: str, text: str, *, address: str = "", detail: str = "", source: str = "") -> None:
        """Put one text of one host into its bin; ``source`` is what said it, such as a check."""
        key: tuple[KindT, str | None] = (kind, shape(text, host, address))
        found = self._bins.get(key)
        if found is None and self._per_kind.get(kind, 0) >= MAX_BINS:
            key = (kind, None)
            found = self._bins.get(key)
        if found is None:
            found = self._bins[key] = _Open(natural_key(host), text, detail)
            self._per_kind[kind] = self._per_kind.get(kind, 0) + 1
        found.add(host, text, detail, source)

    def closed(self) -> tuple[Bin[KindT], ...]:
        """What was filled, the largest first."""
        bins = [
            Bin(
                kind=kind,
                text=one.text,
                detail=one.detail,
                hosts=tuple(sorted(one.hosts, key=natural_key)),
                count=one.count,
                uniform=one.uniform,
                sources=tuple(sorted(one.sources)),
            )
            for (kind, _), one in self._bins.items()
        ]
        return tuple(sorted(bins, key=lambda each: (-len(each.hosts), str(each.kind), each.text)))
