"""A capture becomes facts: every domain known, or absent with its reason. Never raises on what a host sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from netaudit.facts.domains import DOMAINS, Domain, Parser
from netaudit.facts.own import parse_own
from netaudit.model.facts import Facts
from netaudit.model.probe import OWN_PREFIX, Capture, Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason, Maybe

_FIELDS = tuple(name for name in Facts.__dataclass_fields__ if name not in {"host", "address", "taken_at"})
_ENDINGS = {
    SectionStatus.NOT_APPLICABLE: AbsentReason.NOT_APPLICABLE,
    SectionStatus.NOT_PRESENT: AbsentReason.NOT_PRESENT,
    SectionStatus.NOT_PERMITTED: AbsentReason.NOT_PERMITTED,
    SectionStatus.FAILED: AbsentReason.NOT_FINISHED,
    SectionStatus.TIMED_OUT: AbsentReason.NOT_FINISHED,
    SectionStatus.CUT: AbsentReason.NOT_FINISHED,
}
_NOT_ASKED = Absent(AbsentReason.NOT_ASKED)
OWN = "own"  # the domain that a user's own probes answer for
_DETAIL_LENGTH = 200
_REMEMBERED = 64  # answers that hosts may have in common
_LONGEST_REMEMBERED_BYTES = 64 * 1024


def facts_of(capture: Capture, domains: Collection[str] | None = None) -> Facts:
    """The facts of one capture. Only the named domains are parsed (default: all); others are *not asked*.

    Who asks for more of the same capture at once, as a plan does of what was just audited, has the rest parsed.
    """
    values: dict[str, Any] = dict.fromkeys(_FIELDS, _NOT_ASKED)  # Any: one type a field
    parsed = _LATEST.of(capture)
    for name, (probe, read) in _READERS.items():
        if domains is None or name in domains:
            if name not in parsed.values:
                parsed.values[name] = value_of(parsed.sections.get(probe), read)
            values[name] = parsed.values[name]
    if domains is None or OWN in domains:
        values[OWN] = _own(capture.sections)
    return Facts(host=capture.host, address=capture.address, taken_at=capture.started_at, **values)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """What is known already of one capture, by domain."""

    capture: Capture
    sections: Mapping[str, Section]
    values: dict[str, object]


class _Latest:
    """Remembers the capture that was asked for last, and no other."""

    def __init__(self) -> None:
        self._parsed: _Parsed | None = None

    def of(self, capture: Capture) -> _Parsed:
        """What is known of this one; of threads that ask at once each has its own."""
        parsed = self._parsed
        if parsed is None or parsed.capture is not capture:
            sections = {section.probe_id: section for section in capture.sections}
            parsed = self._parsed = _Parsed(capture, sections, {})
        return parsed


_LATEST = _Latest()


def _own(sections: Sequence[Section]) -> Maybe[Mapping[str, object]]:
    """What each of a user's own probes said, by its name."""
    found = {
        section.probe_id.removeprefix(OWN_PREFIX): value_of(section, parse_own)
        for section in sections
        if section.probe_id.startswith(OWN_PREFIX)
    }
    return found or _NOT_ASKED


def reader_of(domain: Domain) -> Parser:
    """The parser of a domain; of answers that hosts have in common it gives the same value again."""
    parse = domain.parse

    def read(section: Section) -> object:
        if len(section.stdout) > _LONGEST_REMEMBERED_BYTES:
            return parse(section)
        return _once_for_all(parse, section.probe_id, section.stdout, section.stderr)

    return read if domain.is_alike else parse


@lru_cache(maxsize=_REMEMBERED)
def _once_for_all(parse: Parser, probe_id: str, stdout: bytes, stderr: bytes) -> object:
    return parse(Section(probe_id, SectionStatus.COMPLETE, 0, stdout, stderr, 0))


_READERS = {name: (domain.probe, reader_of(domain)) for name, domain in DOMAINS.items()}


def value_of(section: Section | None, parse: Parser) -> object:
    """What a parser makes of a section, or the reason why there is nothing to parse or to understand."""
    if section is None:
        return _NOT_ASKED
    if section.status is not SectionStatus.COMPLETE:
        return Absent(_ENDINGS[section.status], _why(section))
    try:
        return parse(section)
    except (ValueError, KeyError, IndexError) as error:
        return Absent(AbsentReason.NOT_UNDERSTOOD, f"{type(error).__name__}: {error}"[:_DETAIL_LENGTH])


def _why(section: Section) -> str:
    """One line for a person: the probe, how it ended, and the first line of its standard error."""
    first = section.stderr[:_DETAIL_LENGTH].decode("utf-8", "replace").partition("\n")[0].strip()
    ending = f"probe {section.probe_id} {section.status}"
    if section.status is SectionStatus.NOT_PERMITTED:
        ending = f"the probe {section.probe_id} needs root"
    if section.status is SectionStatus.FAILED:
        ending += f" with exit code {section.exit_code}"
    return f"{ending}: {first}" if first else ending
