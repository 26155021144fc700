"""``netaudit probe list|show|run``: the probes, their text, and one of them on hosts."""

from __future__ import annotations

import argparse
import sys

from netaudit.cli.asking import options
from netaudit.errors import UsageError
from netaudit.model.probe import Probe


def parser() -> argparse.ArgumentParser:
    """The options of ``netaudit probe``."""
    top = options.Parser(
        "The probes: what each reads and costs, its text, and what one of them says on hosts.", prog="netaudit probe"
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="list|show|run")
    listed = verbs.add_parser("list", help="all probes, with what they cost", description="All probes.")
    options.add_console(listed)
    shown = verbs.add_parser("show", help="the text of one", description="The text of one probe.")
    shown.add_argument("name", metavar="NAME")
    options.add_console(shown)
    ran = verbs.add_parser(
        "run", help="one of them on hosts", description="What one probe prints on hosts, as received."
    )
    ran.add_argument("name", metavar="NAME")
    options.add_inventory(ran)
    options.add_source(ran)
    options.add_connection(ran)
    options.add_console(ran)
    return top


def run(args: argparse.Namespace) -> int:
    """Do the verb."""
    from netaudit.assets.locate import locate
    from netaudit.assets.probes import load_trace_probes
    from netaudit.cli.asking.rules import shipped_probes

    probes = {probe.id: probe for probe in shipped_probes()}
    if args.verb == "list":
        return _list(args, probes)
    beside = {probe.id: probe for probe in load_trace_probes(locate())}
    known = probes | beside
    if args.name not in known:
        from netaudit.baseline.nearest import did_you_mean

        hint = did_you_mean(args.name, known) or "netaudit probe list shows them"
        raise UsageError(f"there is no probe {args.name!r}", hint=hint)
    if args.verb == "show":
        sys.stdout.write(known[args.name].text)
        return 0
    if args.name in beside and not args.from_dir:
        hint = "--trace, --log, --pcap-headers and --trace-probe of `netaudit diagnose` send such"
        raise UsageError(f"the probe {args.name!r} runs beside the samples of a diagnosis", hint=hint)
    return _run(args, known[args.name])


def _list(args: argparse.Namespace, probes: dict[str, Probe]) -> int:
    from netaudit.cli.telling.pages import Pages
    from netaudit.report.lists import probe_table

    pages = Pages(args)
    pages.print_table(probe_table(probes.values(), pages.options))
    return 0


def _run(args: argparse.Namespace, probe: Probe) -> int:
    from netaudit.app.rules import SAMPLE, Question, probe_params
    from netaudit.cli.asking.rules import ruleset_of
    from netaudit.cli.reading.collecting import Kept, collect

    args.baseline = "linux-server"
    params = {SAMPLE: "1", **probe_params(ruleset_of(args, lambda _line: None).rules.variables)} if probe.params else {}
    if set(probe.params) - params.keys() and not args.from_dir:
        raise UsageError(f"the probe {probe.id!r} needs {', '.join(probe.params)}", hint="-e '{peers: [192.0.2.1]}'")
    kept = Kept()
    question = None if args.from_dir else lambda _asked: Question((probe,), params)
    code = collect(args, "probe run", kept, choose=question)
    for capture in sorted(kept.captures, key=lambda each: each.host):
        if capture.error is not None:
            print(f"{_name(capture.host)} | {capture.error.kind}: {_name(capture.error.message)}")
        answered = [section for section in capture.sections if section.probe_id == probe.id]
        if not answered and capture.error is None:
            print(f"{_name(capture.host)} | this probe was not sent")
        for section in answered:
            print(
                f"{_name(capture.host)} | {section.status}, exit code {section.exit_code}, {section.elapsed_ms} ms >>"
            )
            _print_lines(section.stdout)
            if section.stderr:
                print("stderr >>")
                _print_lines(section.stderr)
    return code


def _print_lines(data: bytes) -> None:
    for line in data.decode("utf-8", "replace").splitlines():
        print(_name(line))


def _name(text: str) -> str:
    """Text of a host, printable and whole."""
    from netaudit.report.sanitise import printable

    return printable(text, len(text) + 1)
