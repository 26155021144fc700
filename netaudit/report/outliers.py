"""Hosts that are not like the others, as a page and as JSON: the majority's value first, then the odd ones by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netaudit.facts.settings import Kind
from netaudit.fleet.jsonable import dumps
from netaudit.fleet.outliers import Difference, GroupOutliers, NotKnown, Odd, Value
from netaudit.fleet.rows import run_row
from netaudit.model.natural import natural_key
from netaudit.model.result import HostReport, RunInfo
from netaudit.report.page import Block, Line, Pair, Role, Row, Span, Spans
from netaudit.report.words import NO_BREAK, NO_LABEL, Options, Words, count, hosts_label, text_row
from netaudit.units import format_duration

SCHEMA = "netaudit.outliers/1"
_SHOWN = 20  # names of a group
_VALUES_SHOWN = 4  # of a name
_VALUE_CHARS = 60
_ODDEST = 5


@dataclass(frozen=True, slots=True)
class Compared:
    """All that a report of one comparison is made of."""

    run: RunInfo
    hosts: int  # that answered
    by: str  # what the groups are
    groups: tuple[GroupOutliers, ...] = ()
    too_small: tuple[tuple[str, tuple[str, ...]], ...] = ()
    reference: str | None = None  # the host that the others are held against
    differences: tuple[Difference, ...] = ()
    silent: tuple[HostReport, ...] = ()  # hosts that gave no answer
    not_known: tuple[NotKnown, ...] = ()  # what could not be read of hosts that answered

    @property
    def oddest(self) -> tuple[tuple[str, int], ...]:
        """Hosts by the number of names on which they are odd, in any group; settings and sizes alone."""
        names: dict[str, set[str]] = {}
        for group in self.groups:
            for odd in group.odd:
                if odd.kind is not Kind.MACHINE:
                    for host in odd.hosts:
                        names.setdefault(host, set()).add(odd.name)
        counted = Counter({host: len(found) for host, found in names.items()})
        return tuple(sorted(counted.items(), key=lambda pair: (-pair[1], natural_key(pair[0]))))


def outliers_page(compared: Compared, options: Options) -> tuple[Block, ...]:
    """The whole page: the heading, a block a group or the differences from one host, and the oddest hosts last."""
    blocks = [
        _heading(compared, options),
        *(_group_block(group, options) for group in compared.groups),
        _against_block(compared, options) if compared.reference is not None else (),
        _small_block(compared, options),
        _unread_block(compared, options),
        _silent_block(compared, options),
        _totals(compared, options),
    ]
    return tuple(block for block in blocks if block)


def _heading(compared: Compared, options: Options) -> Block:
    words = Words(options)
    dot = f" {options.signs.dot} "
    took = format_duration(compared.run.duration_s).replace(" ", NO_BREAK)
    if compared.reference is not None:
        what = f"{count(compared.hosts - 1, 'host')} held against {compared.reference}"
    else:
        by = "" if compared.by == "group" else f" by {compared.by}"
        what = f"{count(compared.hosts, 'host')} in {count(len(compared.groups), 'group')}{by}"
    body = Span(words.say(what), Role.TITLE), Span(dot.join(("", took, words.say(compared.run.id))), Role.FAINT)
    return (Row(Span("outliers", Role.TITLE), body),)


def _group_block(group: GroupOutliers, options: Options) -> Block:
    words = Words(options)
    title = Span(words.say(f"{group.group}: {count(len(group.hosts), 'host')}"), Role.TITLE)
    alike = Span(f", {count(group.agreed, 'value')} alike on all", Role.FAINT)
    lines: list[Line] = [Row(Span("GROUP", Role.FAINT), (title, alike))]
    shown = group.odd if options.verbose else group.odd[:_SHOWN]
    lines.extend(Pair(NO_LABEL, (_name(odd, words),), _odd_values(odd, options)) for odd in shown)
    if not group.odd:
        lines.append(Row(NO_LABEL, (Span("nobody is odd", Role.GOOD),)))
    if len(group.odd) > len(shown):
        lines.append(_more(len(group.odd) - len(shown)))
    if group.varying:
        verb = "differs" if len(group.varying) == 1 else "differ"
        said = f"{count(len(group.varying), 'value')} {verb} without a majority"
        named = ": " + ", ".join(group.varying) if options.verbose else "; -v names them"
        lines.append(Row(NO_LABEL, (Span(words.say(said + named, 100_000), Role.FAINT),)))
    return tuple(lines)


def _name(odd: Odd, words: Words) -> Span:
    size = f" ({odd.size})" if odd.size else ""
    return Span(words.say(odd.name + size), Role.FAINT if odd.kind is Kind.MACHINE else Role.TEXT)


def _odd_values(odd: Odd, options: Options) -> Spans:
    """``36 hosts: 1500 · web17: 9000``."""
    words = Words(options)
    hosts = count(len(odd.usual.hosts), "host").replace(" ", NO_BREAK)
    spans = [Span(f"{hosts}: ", Role.FAINT), Span(words.say(value_text(odd.usual.text)))]
    for value in odd.others[:_VALUES_SHOWN]:
        spans.append(Span(f" {options.signs.dot} ", Role.FAINT))
        spans.extend(_value_spans(value, options))
    if len(odd.others) > _VALUES_SHOWN:
        spans.append(Span(f" {options.signs.dot} and {len(odd.others) - _VALUES_SHOWN} other values", Role.FAINT))
    return tuple(spans)


def _value_spans(value: Value, options: Options) -> Iterator[Span]:
    words = Words(options)
    yield Span(f"{words.hosts(value.hosts)}: ", Role.HOSTS)
    yield Span(words.say(value_text(value.text)), Role.WARN)


def value_text(text: str | None) -> str:
    """A value in a table; ``none`` where a host has no such thing."""
    if text is None:
        return "none"
    return text if len(text) <= _VALUE_CHARS else f"{text[: _VALUE_CHARS - 1]}…"


def _against_block(compared: Compared, options: Options) -> Block:
    words = Words(options)
    shown = compared.differences if options.verbose else compared.differences[: 2 * _SHOWN]
    lines: list[Line] = []
    for each in shown:
        spans = [Span(words.say(value_text(each.reference)))]
        for value in each.values[:_VALUES_SHOWN]:
            spans.append(Span(f" {options.signs.dot} ", Role.FAINT))
            spans.extend(_value_spans(value, options))
        lines.append(Pair(NO_LABEL, (Span(words.say(each.name)),), tuple(spans)))
    if len(compared.differences) > len(shown):
        lines.append(_more(len(compared.differences) - len(shown)))
    return tuple(lines) or (Row(NO_LABEL, (Span("all are alike", Role.GOOD),)),)


def _more(number: int) -> Row:
    return Row(NO_LABEL, (Span(f"and {number:,} more; -v shows them", Role.FAINT),))


def _small_block(compared: Compared, options: Options) -> Block:
    if not compared.too_small:
        return ()
    words = Words(options)
    named = ", ".join(group for group, _ in compared.too_small)
    return (Row(Span("NOTE", Role.WARN), (Span(words.say(f"too few hosts for a majority: {named}", 1_000)),)),)


def _unread_block(compared: Compared, options: Options) -> Block:
    """``conntrack`` and ``web4: not permitted: the probe conntrack needs root``; what goes together on one line."""
    words = Words(options)
    together: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for each in compared.not_known:
        together.setdefault((each.hosts, each.reason), []).append(each.name)
    lines: list[Line] = []
    for (hosts, reason), names in list(together.items())[: None if options.verbose else _SHOWN]:
        named = ", ".join(names if options.verbose else names[:_VALUES_SHOWN])
        more = "" if options.verbose or len(names) <= _VALUES_SHOWN else f" and {len(names) - _VALUES_SHOWN} more"
        whose = Span(f"{words.hosts(hosts)}: ", Role.HOSTS)
        label = NO_LABEL if lines else Span("NOT KNOWN", Role.WARN)
        lines.append(Row(label, (whose, Span(words.say(f"{named}{more}: {reason}", 1_000), Role.FAINT))))
    if len(together) > len(lines):
        lines.append(_more(len(together) - len(lines)))
    return tuple(lines)


def _silent_block(compared: Compared, options: Options) -> Block:
    if not compared.silent:
        return ()
    words = Words(options)
    lines: list[Line] = [Row(Span("NO ANSWER", Role.BAD), (Span(count(len(compared.silent), "host"), Role.TITLE),))]
    for report in compared.silent:
        said = f"{report.error.kind}: {report.error.message}" if report.error else str(report.status)
        lines.append(text_row("", words.say(f"{report.name}: {said}")))
    return tuple(lines)


def _totals(compared: Compared, options: Options) -> Block:
    if compared.reference is not None:
        return (Row(NO_LABEL, (Span(f"{count(len(compared.differences), 'value')} not alike", Role.TITLE),)),)
    words = Words(options)
    oddest = compared.oddest
    if not oddest:
        return ()
    said = f"{count(len(oddest), 'host')} {'is' if len(oddest) == 1 else 'are'} odd"
    lines: list[Line] = [Row(Span("ODDEST", Role.TITLE), (Span(said, Role.TITLE),))]
    shown = oddest if options.verbose else oddest[:_ODDEST]
    lines.extend(
        Pair(hosts_label(1), (Span(words.say(host), Role.HOSTS),), (Span(f"in {count(number, 'value')}"),))
        for host, number in shown
    )
    if len(oddest) > len(shown):
        lines.append(_more(len(oddest) - len(shown)))
    return tuple(lines)


def outliers_json(compared: Compared) -> Iterator[str]:
    """The object of a comparison, as ``schema/outliers-1.json`` describes it."""
    row = {
        "schema": SCHEMA,
        "run": run_row(compared.run),
        "by": compared.by,
        "hosts": compared.hosts,
        "groups": [_group_row(group) for group in compared.groups],
        "too_small": [{"group": group, "hosts": list(hosts)} for group, hosts in compared.too_small],
        "against": compared.reference,
        "differences": [
            {
                "name": each.name,
                "kind": each.kind.value,
                "reference": each.reference,
                "values": _value_rows(each.values),
            }
            for each in compared.differences
        ],
        "not_known": [
            {"name": each.name, "reason": each.reason, "hosts": list(each.hosts)} for each in compared.not_known
        ],
        "oddest": [{"host": host, "values": number} for host, number in compared.oddest],
        "silent": [
            {
                "name": report.name,
                "status": report.status.value,
                "error": report.error.message if report.error else None,
            }
            for report in compared.silent
        ],
    }
    yield dumps(row) + "\n"


def _group_row(group: GroupOutliers) -> dict[str, object]:
    return {
        "group": group.group,
        "hosts": len(group.hosts),
        "agreed": group.agreed,
        "varying": list(group.varying),
        "odd": [
            {
                "name": odd.name,
                "kind": odd.kind.value,
                "size": odd.size or None,
                "score": round(odd.score, 3),
                "usual": odd.usual.text,
                "usual_hosts": len(odd.usual.hosts),
                "values": _value_rows(odd.others),
            }
            for odd in group.odd
        ],
    }


def _value_rows(values: Sequence[Value]) -> list[dict[str, object]]:
    return [{"value": value.text, "hosts": list(value.hosts)} for value in values]
