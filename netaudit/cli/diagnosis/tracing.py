"""What a diagnosis takes besides samples, out of the options of the command line."""

from __future__ import annotations

import argparse
import re
import secrets
from collections.abc import Sequence
from pathlib import PurePosixPath

from netaudit.app.sampling import Beside
from netaudit.app.tracing import Companions, companions
from netaudit.assets.locate import locate
from netaudit.assets.probes import load_trace_probes
from netaudit.baseline.nearest import did_you_mean
from netaudit.diagnosis.trace_probes import PROBES
from netaudit.errors import UsageError

_LONGEST_PATTERN = 200
_LONGEST_PATH = 1000
MOST_HEADERS = 10_000
_BACK_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]")
_CALLS = "application_calls"
_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,199}", re.ASCII)
_PROGRAM = re.compile(r"/[A-Za-z0-9_./+-]{1,500}", re.ASCII)  # it stands in a program of bpftrace
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f]")


def add_tracing(group: argparse._ArgumentGroup) -> None:
    """The options for what runs beside the samples."""
    group.add_argument("--trace", action="store_true",
                       help="ask the kernel meanwhile why and where it drops packets, and which connections repeat or "
                            "reset (needs root; 50 s at most)")  # fmt: skip
    group.add_argument(
        "--timeline",
        action="store_true",
        help="show what grew from second to second; --every is 1s then, unless it says otherwise",
    )
    group.add_argument(
        "--log",
        metavar="FILE",
        default=None,
        help="beside it, lines that are added to this log of the hosts and match --match",
    )
    group.add_argument(
        "--match", metavar="REGEX", default=None, help="an extended regular expression, for grep -E on the hosts"
    )
    group.add_argument("--pcap-headers", metavar="N", type=int, default=0,
                       help="take at most N headers, without payload, of packets with SYN, FIN or RST (needs root and "
                            "tcpdump there)")  # fmt: skip

    group.add_argument("--trace-probe", dest="trace_probes", action="append", metavar="NAME", default=[],
                       help="tcp_receive, netfilter_verdicts, drop_stacks, or application_calls:/PROGRAM:FUNCTION; all "
                            "but the third need bpftrace there (repeatable; needs root)")  # fmt: skip


def wants_timeline(args: argparse.Namespace) -> bool:
    """Whether a timeline is to be shown."""
    return bool(args.timeline or args.log)


def beside_of(args: argparse.Namespace) -> tuple[Beside, ...]:
    """The payloads that run beside the samples; none unless an option asks for one. Raises UsageError."""
    asked = _asked(args)
    if not (asked.trace or asked.log_file or asked.headers or asked.probes):
        return ()
    if args.from_dirs:
        raise UsageError("--trace, --trace-probe, --log and --pcap-headers ask hosts, and --from contacts none")
    return companions(asked, load_trace_probes(locate()), args.for_s)


def _asked(args: argparse.Namespace) -> Companions:
    log, match, headers = args.log, args.match, args.pcap_headers
    if (log is None) != (match is None):
        raise UsageError("--log FILE and --match REGEX go together")
    if not 0 <= headers <= MOST_HEADERS:
        raise UsageError(f"--pcap-headers {headers}: at most {MOST_HEADERS:,}")
    probes, program, function = _probes(args.trace_probes)
    return Companions(
        secrets.token_hex(4),
        trace=args.trace,
        log_file=_path(log) if log is not None else "",
        log_match=_pattern(match) if match is not None else "",
        headers=headers,
        probes=probes,
        call_program=program,
        call_function=function,
    )


def _probes(words: Sequence[str]) -> tuple[tuple[str, ...], str, str]:
    """The names of opt-in probes, and the program and function whose calls are looked at."""
    names: list[str] = []
    program = function = ""
    for word in words:
        name, _, rest = word.partition(":")
        if name not in PROBES:
            hint = did_you_mean(name, PROBES)
            raise UsageError(f"--trace-probe {word!r}: there is no such probe", hint=hint)
        if name == _CALLS:
            program, _, function = rest.rpartition(":")
            if not _FUNCTION.fullmatch(function) or not _PROGRAM.fullmatch(program):
                raise UsageError(f"--trace-probe {word!r}: {_CALLS}:/PROGRAM:FUNCTION, both in plain letters")
        elif rest:
            raise UsageError(f"--trace-probe {word!r}: {name} takes nothing behind its name")
        if name in names:
            raise UsageError(f"--trace-probe {name} stands twice")
        names.append(name)
    return tuple(names), program, function


def _path(text: str) -> str:
    if not PurePosixPath(text).is_absolute() or len(text.encode()) > _LONGEST_PATH or _NO_TEXT.search(text):
        raise UsageError(f"--log {text!r}: the absolute path of a file on the hosts", hint="as /var/log/app/error.log")
    return text


def _pattern(text: str) -> str:
    """The pattern, when it can be matched in time that grows with the text alone. Hosts say what else is wrong."""
    if not text or len(text) > _LONGEST_PATTERN or _NO_TEXT.search(text):
        raise UsageError(f"--match: one to {_LONGEST_PATTERN} printable characters")
    if _BACK_REFERENCE.search(text):
        raise UsageError("--match: references back to a group may take for ever", hint="write it without \\1")
    return text
