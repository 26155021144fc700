"""Runs the plays of a playbook, one after the other: audits, capacity checks, diagnoses, comparisons, remediations."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from netaudit.assets.catalogue import DEFAULT_BASELINE
from netaudit.assets.named import is_path, playbook_file
from netaudit.assets.yamlfile import read_yaml
from netaudit.baseline.plays import FixPlay, Play, plays_of
from netaudit.cli.asking.rules import ruleset_of
from netaudit.cli.asking.sources import NoHosts
from netaudit.cli.exit_codes import ExitCode, worst
from netaudit.cli.guard import say
from netaudit.cli.reading.auditing import FORMATS, audit
from netaudit.cli.telling.outputs import Output, parse_outputs
from netaudit.errors import UsageError
from netaudit.model.result import Severity
from netaudit.report.formats import MANY_IN_A_STREAM, NAMES


def play_all(args: argparse.Namespace) -> int:
    """Every play in order; the worst exit code. All plays are read and checked before the first host is contacted.

    A play without hosts is skipped, as Ansible does, unless no play has any: then UsageError is raised. With several
    plays a report's path gets the number of the play before its suffix: ``report-2.json``.
    """
    plays = plays_of(read_yaml(playbook_file(args.playbook)))
    _refuse_two_objects(plays, parse_outputs(args.output, FORMATS))
    audits = [_arguments(args, play, number, len(plays)) for number, play in enumerate(plays, 1)]
    for play, one in zip(plays, audits, strict=True):
        _check(play, one)
    codes: list[ExitCode] = []
    for play, one in zip(plays, audits, strict=True):
        if not args.quiet:
            say(f"play: {play.name} ({play.hosts})")
        try:
            codes.append(ExitCode(_perform(play, one)))
        except NoHosts as error:
            say(f"skipped: {error.message}")
            continue
        if codes[-1] is ExitCode.INTERRUPTED:
            break
    if not codes:
        raise NoHosts(f"no play of {args.playbook} has a host in this inventory")
    return worst(codes)


def _check(play: Play, args: argparse.Namespace) -> None:
    """Read what the play names. Raises OperatorError."""
    if play.capacity is not None:
        from netaudit.cli.capacity.request import request_of

        request_of(args)
    elif play.diagnose is not None:
        from netaudit.cli.diagnosis.diagnosing import check_times
        from netaudit.cli.diagnosis.tracing import beside_of

        check_times(play.diagnose.for_s, play.diagnose.every_s)
        beside_of(args)
    else:
        if play.fix is not None:
            from netaudit.cli.changing.fixing import check_terms

            check_terms(args)
        ruleset_of(args, lambda _warning: None)  # said again, and once, when the play runs


def _perform(play: Play, args: argparse.Namespace) -> int:
    """The exit code of the play."""
    if play.capacity is not None:
        from netaudit.cli.capacity.checking import capacity

        return capacity(args, command="run")
    if play.diagnose is not None:
        from netaudit.cli.diagnosis.diagnosing import diagnose

        return diagnose(args, command="run")
    if play.outliers is not None:
        from netaudit.cli.commands import outliers
        from netaudit.cli.reading.outlying import find_outliers

        return find_outliers(args, outliers.FORMATS, command="run")
    if play.fix is not None:
        from netaudit.cli.changing import fixing
        from netaudit.cli.commands import fix

        return fixing.fix(args, fix.FORMATS, command="run")
    return audit(args, command="run")


def _refuse_two_objects(plays: Sequence[Play], outputs: Sequence[Output]) -> None:
    for output in outputs:
        if len(plays) > 1 and output.path is None and output.format in NAMES and output.format not in MANY_IN_A_STREAM:
            what = "JSON object" if output.format == "json" else f"report in {output.format}"
            raise UsageError(
                f"-o {output.format}: standard output has room for one {what}, and there are {len(plays)} plays",
                hint=f"-o {output.format}=FILE writes one file a play, -o jsonl a line a host",
            )


def _beside(folder: Path, word: str) -> str:
    """A path of a playbook counts from the playbook's folder; the name of what is shipped stays as it is."""
    return str(folder / word) if is_path(word) else word


def _arguments(args: argparse.Namespace, play: Play, number: int, count: int) -> argparse.Namespace:
    """The options of one play: its own words over those of the command line."""
    folder = playbook_file(args.playbook).parent
    changed: dict[str, object] = {
        "pattern": play.hosts,
        "baseline": _beside(folder, play.baseline or DEFAULT_BASELINE),
        "play_variables": play.variables,
        "fail_on": str(play.fail_on or args.fail_on or (Severity.HIGH if play.capacity else Severity.MEDIUM)),
        "output": args.output if count == 1 else _numbered(args.output, number),
    }
    if play.capacity is not None:
        changed["workload"] = _beside(folder, play.capacity.workload)
        changed["scale"] = play.capacity.scale
        changed["what_if"] = [f"{name}={value}" for name, value in play.capacity.what_if.items()]
    if play.diagnose is not None:
        changed |= asdict(play.diagnose) | {"keep": None, "from_dirs": [args.from_dir] if args.from_dir else []}
    if play.outliers is not None:
        changed |= {"by": play.outliers.by, "against": play.outliers.against}
    if play.fix is not None:
        changed |= _fix_arguments(play.fix)
    return argparse.Namespace(**{**vars(args), **changed})


def _fix_arguments(fix: FixPlay) -> dict[str, object]:
    """The options of a remediation: those of the play, and for the rest the defaults of ``netaudit fix``."""
    from netaudit.cli.commands.fix import parser

    usual = vars(parser().parse_args([]))
    said: dict[str, object | None] = {
        "serial": fix.serial,
        "max_fail": fix.max_fail,
        "confirm_within": fix.confirm_within_s,
        "soak": fix.soak_s,
        "gate": fix.gate,
    }
    names = ("remediations", "restart_listeners", "plan", *said)
    return {
        **{name: usual[name] for name in names},
        **{name: value for name, value in said.items() if value is not None},
        "only": list(fix.only),
        "allow": list(fix.allow),
        "no_persist": not fix.persist,
        "rollback_all_on_failure": fix.rollback_all_on_failure,
    }


def _numbered(outputs: Sequence[str], number: int) -> list[str]:
    numbered = []
    for word in outputs:
        name, equals, path = word.partition("=")
        file = Path(path)
        numbered.append(f"{name}={file.with_name(f'{file.stem}-{number}{file.suffix}')}" if equals else word)
    return numbered
