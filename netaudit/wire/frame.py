"""Bytes to sections, as they come: the decoder of an answer, and the encoder that replays one.

The decoder is a pure feeder. It looks for markers that carry this run's nonce and takes everything between them as
content, whatever it is: any split of the bytes into chunks gives the same sections, a marker with another nonce is
content, and a section is complete only when its own ``end`` has come. What stands outside of sections (a login
profile that prints) is noise, counted and kept in part. An answer is whole when stdout has ended with ``done`` and
every section was there, in order, once.

It must not be trusted further than that: the host knows the nonce and may print what it likes. Hence the bounds: of
one section, above which the section is cut and the others go on, and of all that is received, above which it raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from netaudit.errors import ErrorKind, Phase, WorldError
from netaudit.model.probe import HostError, Section, SectionStatus, Stream
from netaudit.units import format_bytes
from netaudit.wire.marker import MAX_LINE_BYTES, Begin, Done, End, Word, opening, parse_marker, render_marker

MAX_STDERR_BYTES = 64 * 1024  # of one section; stderr is for people, no fact is read from it
_EXCERPT_BYTES = 200
_WORD_STATUS = {Word.TIMEOUT: SectionStatus.TIMED_OUT, Word.CUT: SectionStatus.CUT}
_CODE_STATUS = {
    0: SectionStatus.COMPLETE,
    10: SectionStatus.NOT_APPLICABLE,
    11: SectionStatus.NOT_PRESENT,
    12: SectionStatus.NOT_PERMITTED,
}
_STATUS_CODE: dict[SectionStatus, int | Word] = {
    **{status: code for code, status in _CODE_STATUS.items()},
    **{status: word for word, status in _WORD_STATUS.items()},
    SectionStatus.FAILED: 1,
}


@dataclass(slots=True)
class _Part:
    """What one stream had to say in one section, up to a bound."""

    max_bytes: int
    chunks: list[bytes] = field(default_factory=list)
    size: int = 0
    dropped: int = 0
    is_ended: bool = False
    ends_cr: bool = False  # the stream came through a terminal, which prints CR LF

    def add(self, data: bytes) -> None:
        room = self.max_bytes - self.size
        if len(data) > room:
            self.dropped += len(data) - room
            data = data[:room]
        if data:
            self.chunks.append(data)
            self.size += len(data)

    def drop_cr(self) -> None:
        """Take back the carriage return that a terminal has put in front of a marker's own newline."""
        if self.dropped:
            self.dropped -= 1
        elif self.chunks and self.chunks[-1].endswith(b"\r"):
            self.chunks[-1] = self.chunks[-1][:-1]
            self.size -= 1

    def content(self) -> bytes:
        data = b"".join(self.chunks)
        return data.replace(b"\r\n", b"\n") if self.ends_cr else data


@dataclass(slots=True)
class _Record:
    """One section in the making."""

    probe_id: str
    out: _Part
    err: _Part
    code: int | Word | None = None
    begin_ms: int | None = None
    end_ms: int | None = None
    ready: Section | None = None  # made once both streams have ended

    @property
    def is_ended(self) -> bool:
        return self.out.is_ended and self.err.is_ended

    def section(self) -> Section:
        if self.ready is not None:
            return self.ready
        made = self._made()
        if self.is_ended:
            self.ready = made
        return made

    def _made(self) -> Section:
        status, exit_code = SectionStatus.CUT, None
        if self.out.is_ended and not self.out.dropped:
            if isinstance(self.code, Word):
                status = _WORD_STATUS[self.code]
            elif self.code is not None:
                status, exit_code = _CODE_STATUS.get(self.code, SectionStatus.FAILED), self.code
        elapsed_ms = 0
        if self.begin_ms is not None and self.end_ms is not None:
            elapsed_ms = max(0, self.end_ms - self.begin_ms)
        return Section(self.probe_id, status, exit_code, self.out.content(), self.err.content(), elapsed_ms)


@dataclass(slots=True)
class _Noise:
    """Bytes outside of any section: how many, and how they start."""

    total_bytes: int = 0
    start: bytes = b""

    @property
    def is_worth_a_word(self) -> bool:
        return bool(self.start.strip()) or self.total_bytes > _EXCERPT_BYTES

    def add(self, data: bytes) -> None:
        self.total_bytes += len(data)
        if len(self.start) < _EXCERPT_BYTES:
            self.start += data[: _EXCERPT_BYTES - len(self.start)]


class _Lane:
    """One of the two streams: what is held back of it, and how far its frames have come."""

    def __init__(self) -> None:
        self.held = b""
        self.place = 0  # the section that is open or comes next
        self.part: _Part | None = None  # of the open section
        self.is_done = False
        self.noise = {"before": _Noise(), "within": _Noise(), "after": _Noise()}

    def add(self, data: bytes) -> None:
        """Take bytes that are no marker."""
        if self.part is not None:
            self.part.add(data)
        else:
            where = "after" if self.is_done else "within" if self.place else "before"
            self.noise[where].add(data)


class Decoder:
    """Makes sections of the bytes of one answer. Fits ``app.ports.Sink``."""

    def __init__(
        self,
        nonce: str,
        probe_ids: Sequence[str],
        max_section_bytes: Mapping[str, int],
        max_capture_bytes: int,
    ) -> None:
        self._opening = opening(nonce)
        self._records = [
            _Record(probe_id, _Part(max_section_bytes[probe_id]), _Part(MAX_STDERR_BYTES)) for probe_id in probe_ids
        ]
        self._max_bytes = max_capture_bytes
        self._received_bytes = 0
        self._marker_count = 0
        self._out, self._err = _Lane(), _Lane()
        self._is_whole = False
        self._error: WorldError | None = None

    @property
    def is_whole(self) -> bool:
        """Whether everything has come, on both streams."""
        return self._is_whole

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections that have ended so far, in the order they were sent."""
        return tuple(record.section() for record in self._sent() if record.is_ended)

    def feed(self, stream: Stream, data: bytes) -> bool:
        """Take bytes; true once the answer is whole. Raises WorldError when a bound is passed or a frame is broken."""
        if self._error is not None:
            raise self._error
        self._received_bytes += len(data)
        if self._received_bytes > self._max_bytes:
            raise self._fail(
                ErrorKind.OUTPUT_TOO_LARGE,
                f"the host sent more than {format_bytes(self._max_bytes)}",
                hint="look at the output of its login profile, and of each probe with `netaudit probe run`",
            )
        self._scan(stream, data)
        return self._is_whole

    def _lane(self, stream: Stream) -> _Lane:
        """Asked for each of some sixty chunks a host: a dictionary by an enum would call its hash in Python."""
        return self._out if stream is Stream.OUT else self._err

    def _fail(self, kind: ErrorKind, message: str, hint: str = "") -> WorldError:
        self._error = WorldError(kind, message, phase=Phase.ANSWER, hint=hint)
        return self._error

    def _broken(self, what: str) -> WorldError:
        return self._fail(
            ErrorKind.BAD_ANSWER,
            f"the answer is not framed as it was asked: {what}",
            hint="something between netaudit and the shell of this host changes its output",
        )

    def _scan(self, stream: Stream, data: bytes) -> None:
        """Cut the bytes at markers; hold back an end that may be the start of one."""
        lane, mark = self._lane(stream), self._opening
        if lane.held:
            data = lane.held + data
            lane.held = b""
        start = 0
        while (at := data.find(mark, start)) >= 0:
            rest = at + len(mark)
            line_end = data.find(b"\n", rest, rest + MAX_LINE_BYTES)
            if line_end < 0:
                if len(data) >= rest + MAX_LINE_BYTES:
                    raise self._broken("a marker without end")
                lane.add(data[start:at])
                lane.held = data[at:]
                return
            lane.add(data[start:at])
            self._take_marker(stream, data[rest:line_end])
            start = line_end + 1
        tail = data.rfind(b"\n", max(start, len(data) - len(mark) + 1))
        if tail >= 0 and mark.startswith(data[tail:]):
            lane.held = data[tail:]
            lane.add(data[start:tail])
        else:
            lane.add(data[start:] if start else data)

    def _take_marker(self, seen_on: Stream, rest: bytes) -> None:
        has_cr = rest.endswith(b"\r")
        try:
            marker = parse_marker(rest.removesuffix(b"\r"))
        except ValueError:
            raise self._broken("a marker that says nothing") from None
        if seen_on is Stream.ERR and marker.stream is Stream.OUT:
            raise self._broken("standard output came as standard error")
        self._marker_count += 1
        if has_cr and (part := self._lane(seen_on).part) is not None:
            part.drop_cr()
        lane = self._lane(marker.stream)
        if lane.is_done:
            raise self._broken("a frame after the end")
        match marker:
            case Begin():
                self._begin(lane, marker, ends_cr=has_cr)
            case End():
                self._end(lane, marker)
            case Done():
                self._done(lane, marker)

    def _begin(self, lane: _Lane, marker: Begin, *, ends_cr: bool) -> None:
        if lane.part is not None or lane.place == len(self._records):
            raise self._broken(f"a section begins out of turn: {marker.probe_id[:40]!r}")
        record = self._records[lane.place]
        if record.probe_id != marker.probe_id:
            raise self._broken(f"{marker.probe_id[:40]!r} came where {record.probe_id!r} was due")
        lane.part = record.out if marker.stream is Stream.OUT else record.err
        lane.part.ends_cr = ends_cr
        if marker.stream is Stream.OUT:
            record.begin_ms = marker.uptime_ms

    def _end(self, lane: _Lane, marker: End) -> None:
        record = self._records[lane.place] if lane.part is not None else None
        if record is None or lane.part is None or record.probe_id != marker.probe_id:
            raise self._broken(f"a section ends that did not begin: {marker.probe_id[:40]!r}")
        lane.part.is_ended = True
        lane.part = None
        lane.place += 1
        if marker.stream is Stream.OUT:
            record.code, record.end_ms = marker.code, marker.uptime_ms

    def _done(self, lane: _Lane, marker: Done) -> None:
        if lane.part is not None or lane.place != len(self._records) or marker.count != lane.place:
            raise self._broken(f"the end came after {lane.place} of {len(self._records)} sections")
        lane.is_done = True
        self._is_whole = self._out.is_done and self._err.is_done

    def _sent(self) -> list[_Record]:
        return [record for record in self._records if record.code is not Word.UNSENT]

    def finish(self) -> tuple[Section, ...]:
        """All sections that were asked for, in order; one that did not end is cut. Nothing can be fed afterwards."""
        for lane in (self._out, self._err):
            lane.add(lane.held)
            lane.held = b""
        return tuple(record.section() for record in self._sent())

    def problem(self) -> HostError | None:
        """Why the answer is not whole, or None. To be asked when nothing more will come."""
        if self._error is not None:
            return HostError(self._error.kind, self._error.message, self._error.phase, self._error.hint)
        if self._out.is_done:
            return None
        if not self._marker_count:
            return self._no_shell()
        ended = sum(record.out.is_ended for record in self._records)
        return HostError(
            ErrorKind.DISCONNECTED,
            f"the answer ends after {ended} of {len(self._records)} sections",
            Phase.ANSWER,
            "the shell was killed, or the connection was lost",
        )

    def _no_shell(self) -> HostError:
        printed = b" ".join(
            noise.start for lane in (self._out, self._err) for noise in lane.noise.values() if noise.is_worth_a_word
        )
        said = f"it printed: {excerpt(printed)}" if printed else "it printed nothing"
        return HostError(
            ErrorKind.NO_SHELL,
            f"the login shell did not run /bin/sh; {said}",
            Phase.SESSION,
            "the account needs a login shell that runs commands, and a profile that neither exits nor reads its input",
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What was odd and did no harm: a line each, of bounded length, safe to print."""
        notes = [
            f"{noise.total_bytes} bytes on {stream} {where} the answer: {excerpt(noise.start)}"
            for stream, lane in ((Stream.OUT, self._out), (Stream.ERR, self._err))
            for where, noise in lane.noise.items()
            if noise.is_worth_a_word
        ]
        for record in self._records:
            if record.out.dropped:
                notes.append(f"{record.probe_id}: cut at {format_bytes(record.out.max_bytes)}")
            if record.err.dropped:
                notes.append(f"{record.probe_id}: standard error cut at {format_bytes(record.err.max_bytes)}")
        if self._out.is_done and not self._err.is_done:
            notes.append("standard error did not arrive whole")
        return tuple(notes)


def excerpt(data: bytes) -> str:
    """The start of what a host sent as one line of printable text, at most some 200 characters."""
    text = data[:_EXCERPT_BYTES].decode("utf-8", "replace")
    shown = "".join(char if char.isprintable() else " " if char in "\r\n\t" else f"\\x{ord(char):02x}" for char in text)
    return " ".join(shown.split())[:_EXCERPT_BYTES]


def encode(
    sections: Sequence[Section], nonce: str, *, probe_ids: Sequence[str] | None = None, whole: bool = True
) -> tuple[bytes, bytes]:
    """The bytes of stdout and stderr of an answer that decodes to these sections.

    ``probe_ids`` are the sections that the decoder expects, in order: those of the list by default. One that is not
    among ``sections`` is marked as never sent, and the decoder gives none for it. Unless ``whole``, nothing says that
    this was all.
    """
    streams: dict[Stream, list[bytes]] = {Stream.OUT: [], Stream.ERR: []}
    by_id = {section.probe_id: section for section in sections}
    expected = list(by_id) if probe_ids is None else probe_ids
    uptime_ms = 0
    for probe_id in expected:
        section = by_id.get(probe_id)
        code = Word.UNSENT if section is None else _code_of(section)
        later_ms = uptime_ms + (section.elapsed_ms if section else 0)
        contents = {Stream.OUT: section.stdout, Stream.ERR: section.stderr} if section else {}
        for stream, parts in streams.items():
            parts += [
                render_marker(nonce, Begin(stream, probe_id, uptime_ms)),
                contents.get(stream, b""),
                render_marker(nonce, End(stream, probe_id, code, later_ms)),
            ]
        uptime_ms = later_ms
    for stream, parts in streams.items() if whole else ():
        parts.append(render_marker(nonce, Done(stream, len(expected))))
    return b"".join(streams[Stream.OUT]), b"".join(streams[Stream.ERR])


def _code_of(section: Section) -> int | Word:
    code = _STATUS_CODE[section.status]
    return code if isinstance(code, Word) or section.exit_code is None else section.exit_code
