"""One host in detail: every failure with its subjects, then what was found of each layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netaudit.fleet.lines import Texts
from netaudit.fleet.spread import plain
from netaudit.model.result import HostReport, Item, Result, Severity, Verdict
from netaudit.report.findings import EXPLAINED, change_spans, heading, remarks_block, text_rows, why_rows
from netaudit.report.history import since_rows
from netaudit.report.page import Block, Line, Pair, Role, Row, Span, Spans
from netaudit.report.values import change_texts, one
from netaudit.report.words import ADVICE_CHARS, NO_LABEL, Options, Words

LAYERS = ("application", "listener", "transport", "conntrack", "ip", "qdisc", "nic", "link", "path", "host", "tracing")
_ITEMS_SHOWN = 12
_COUNTED = (
    (Verdict.FAIL, "failed", Role.BAD),
    (Verdict.PASS, "passed", Role.TEXT),
    (Verdict.UNKNOWN, "unknown", Role.WARN),
    (Verdict.WAIVED, "waived", Role.TEXT),
    (Verdict.SKIPPED, "skipped", Role.FAINT),
)


def host_blocks(report: HostReport, options: Options) -> Iterator[Block]:
    """The failures of a host, worst first, and its layers."""
    failures = [result for result in report.results if result.verdict is Verdict.FAIL]
    failures.sort(key=lambda result: (-result.severity.rank, _layer_place(result.layer), result.check))
    for place, result in enumerate(failures):
        if result.severity is not Severity.INFO or options.verbose:
            yield failure_block(result, options, explain=place < EXPLAINED, host=report.name)
    if not options.verbose:
        remarks = [result for result in failures if result.severity is Severity.INFO]
        yield remarks_block([(NO_LABEL, result.title, result.check) for result in remarks], options)
    yield layers_block(report, options)


def failure_block(result: Result, options: Options, *, explain: bool, host: str = "") -> Block:
    """One failing check with the subjects that failed."""
    lines: list[Line] = list(heading(result.severity, result.title, result.check, options))
    items = [item for item in result.items if item.verdict is Verdict.FAIL]
    shown = items if options.verbose else items[:_ITEMS_SHOWN]
    lines.extend(_item_line(item, result.unit, options) for item in shown)
    if len(items) > len(shown):
        lines.append(Row(NO_LABEL, (Span(f"and {len(items) - len(shown):,} more", Role.FAINT),)))
    if not items:
        lines.append(
            Row(NO_LABEL, _change(result.observed, result.expected or "", result.unit, result.severity, options))
        )
    lines.extend(since_rows(result.check, (host,), options))
    told: Sequence[Texts] = items or (result,)
    lines.extend(text_rows("what", (each.reason for each in told), options))
    lines.extend(why_rows(result.check, options, explain=explain))
    lines.extend(text_rows("read", (each.evidence for each in told), options))
    lines.extend(text_rows("fix", (each.fix for each in told), options, ADVICE_CHARS))
    return tuple(lines)


def _item_line(item: Item, unit: str | None, options: Options) -> Line:
    subject = Span(Words(options).say(item.subject), Role.HOSTS)
    return Pair(NO_LABEL, (subject,), _change(item.observed, item.expected, unit, item.severity, options))


def _change(observed: object, expected: str, unit: str | None, severity: Severity, options: Options) -> Spans:
    return change_spans(one(plain(observed)), one(plain(expected)), unit, severity, options, single=True)


def layers_block(report: HostReport, options: Options) -> Block:
    """How many checks of each layer ended how; each of them when asked."""
    words = Words(options)
    by_layer: dict[str, list[Result]] = {}
    for result in report.results:
        by_layer.setdefault(result.layer, []).append(result)
    name = f"{report.name} ({report.address})" if report.address not in {"", report.name} else report.name
    lines: list[Line] = [Row(Span("LAYERS", Role.TITLE), (Span(f"of {words.say(name)}", Role.TITLE),))]
    for layer in sorted(by_layer, key=lambda each: (_layer_place(each), each)):
        results = by_layer[layer]
        lines.append(Row(Span(words.say(layer), Role.FAINT), _counts(results)))
        if options.verbose:
            lines.extend(_result_line(result, options) for result in results)
    return tuple(lines)


def _layer_place(layer: str) -> int:
    return LAYERS.index(layer) if layer in LAYERS else len(LAYERS)


def _counts(results: list[Result]) -> Spans:
    spans: list[Span] = []
    for verdict, word, role in _COUNTED:
        number = sum(result.verdict is verdict for result in results)
        if number:
            spans.extend([Span(", ", Role.FAINT)] if spans else [])
            spans.append(Span(f"{number} {word}", role))
    return tuple(spans)


def _result_line(result: Result, options: Options) -> Line:
    words = Words(options)
    signs = {Verdict.PASS: (options.signs.passed, Role.GOOD), Verdict.FAIL: (options.signs.failed, Role.BAD)}
    sign, role = signs.get(result.verdict, (options.signs.dash, Role.FAINT))
    check = Span(words.say(result.check))
    if result.verdict is Verdict.FAIL:
        said = _change(result.observed, result.expected or "", result.unit, result.severity, options)
    elif result.verdict is Verdict.PASS:
        seen, wanted = change_texts(
            one(plain(result.observed)), one(plain(result.expected or "")), result.unit, options.signs
        )
        said = Span(seen), Span(f"  {wanted}", Role.FAINT)
    else:
        said = (Span(f"{result.verdict}: {words.say(result.reason or '')}", Role.FAINT),)
    return Pair(NO_LABEL, (Span(f"{sign} ", role), check), said)
