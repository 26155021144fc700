"""What is sent to a host for one contact of a guarded change, and what is read of its answer.

The payloads are bundles like those of an audit: the same frames, the same guard against a cut connection, the same ways
to root. What belongs to one host travels in them as literals; nothing of it ever stands in an argument list.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from netaudit.errors import RuleError
from netaudit.model.probe import Bundle, Needs, Probe, Section, SectionStatus
from netaudit.remedy import host_control, host_files, host_watch
from netaudit.remedy.answer import Answer, parse_answer
from netaudit.remedy.guard import Action
from netaudit.remedy.scripts import StepScript
from netaudit.remedy.work import MAX_FILE_BYTES, FileState, Work, WorkStep, transaction_id
from netaudit.wire.bundle import build
from netaudit.wire.scan import condensed

LINGER_S = 30  # how long the host waits, after it has written the files, for a second thought
_SLACK_S = 10  # of a section over what it waits for
_SAID_BYTES = 256 * 1024
_PATH = re.compile(r"(?:/[A-Za-z0-9_@:+=,-][A-Za-z0-9_.@:+=,-]*)+", re.ASCII)
_OWNER = re.compile(r"[^A-Za-z0-9 _.:@+-]", re.ASCII)
_LITERAL = r"(?:[A-Za-z0-9_@%+=:,./-]+|'[^'\n]*')"
_PLAIN_LINE = re.compile(
    r"[()]|unset IFS; set -f|set -- \$value; echo \"\$\*\"|echo \"\$value\""
    rf"|test -e {_LITERAL} \|\| exit 3|value=\$\(cat {_LITERAL}\) \|\| exit 1|printf '%s\\n' {_LITERAL} >{_LITERAL}",
    re.ASCII,
)
_PLAIN_FILE = re.compile(rb"(?!.{4097})(?:[ -~\t]*\n)+", re.DOTALL)
_NONE: Mapping[str, str] = MappingProxyType({})
_PARAMS = ("ID", "TOKEN", "FORCE", "WAIT_S")

_OF_ACTION = {
    Action.CHECK: host_control.CHECK,
    Action.STATUS: host_control.CHECK,
    Action.VERIFY: host_control.CHECK,
    Action.REREAD: host_control.CHECK,
    Action.GO: host_control.GO,
    Action.CONFIRM: host_control.CONFIRM,
    Action.KEEP: host_control.KEEP,
    Action.ABORT: host_control.ABORT,
    Action.TIDY: host_control.TIDY,
}


@dataclass(frozen=True, slots=True)
class Change:
    """A work under way: with the token that only its controller knows, and the words that name its owner."""

    work: Work
    token: str = field(repr=False)  # 32 lower-case hex digits; empty where a later controller takes over
    owner: str = ""
    id: str = ""
    undoes: str = ""  # the id of an earlier change that it takes back

    def __post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", transaction_id(self.token))


def payload(
    action: Action,
    change: Change,
    *,
    nonce: str,
    deadline_s: int,
    force: bool = False,
    probes: Sequence[Probe] = (),
    params: Mapping[str, str] = _NONE,
) -> Bundle:
    """The bundle of one contact; ``probes`` run after what is asked. Raises RuleError for what must not travel."""
    wait_s = _wait_s(action, change.work)
    if action is Action.ARM:
        own = [_place(), _arm(change, wait_s), *_files(change.work)]
    else:
        own = [_asked(action, wait_s)]
        if action is Action.ABORT:
            own += [_values(change.work), *_files(change.work)]
    own_params = {"ID": change.id, "TOKEN": change.token, "FORCE": "1" if force else "", "WAIT_S": str(wait_s)}
    chosen = [*own, *(probe for probe in probes if probe.id not in {each.id for each in own})]
    params = {**params, **own_params}
    # What only asks the watcher waits for a time of its own, and starts nothing that could hang.
    is_timed = bool(probes) or action in {Action.ARM, Action.ABORT}
    return build(chosen, nonce=nonce, deadline_s=deadline_s, params=params, is_timed=is_timed)


def _wait_s(action: Action, work: Work) -> int:
    """How long the host is to wait for its watcher before it says how far it is."""
    limits = sum(step.script.timeout_s for step in work.steps)
    match action:
        case Action.ARM:
            return min(60, 10 + limits)
        case Action.GO:
            return min(work.confirm_within_s, 5 + 2 * limits)
        case Action.CONFIRM | Action.KEEP:
            return 15
        case Action.ABORT:
            return 20
    return 0


def answer_of(sections: Sequence[Section]) -> Answer | None:
    """What the host said of the change, or None when it did not say it whole."""
    own = [section for section in sections if section.probe_id in {"guard_place", "guard_arm", "guard", "guard_values"}]
    if any(section.status in {SectionStatus.CUT, SectionStatus.TIMED_OUT} for section in own):
        return None
    return parse_answer(b"".join(section.stdout for section in own))


def files_of(sections: Sequence[Section], work: Work) -> tuple[FileState, ...]:
    """The files as they are before the change; one that could not be read whole is left out."""
    by_id = {section.probe_id: section for section in sections}
    found = []
    for number, file in enumerate(work.files, start=1):
        section = by_id.get(f"guard_file{number}")
        if section is None:
            continue
        if section.status is SectionStatus.NOT_PRESENT:
            found.append(FileState(file.path, None))
        elif section.status is SectionStatus.COMPLETE:
            mode, uid, gid = _attributes(section.stderr)
            found.append(FileState(file.path, section.stdout, mode, uid, gid))
    return tuple(found)


def _attributes(listed: bytes) -> tuple[int, int, int]:
    """Mode, owner and group of a line of ``ls -ldn``."""
    words = listed.decode("ascii", "replace").split()
    if len(words) < 4 or len(words[0]) < 10 or not (words[2] + words[3]).isdigit():
        return 0o644, 0, 0
    mode = 0
    for letter in words[0][1:10]:
        mode = mode << 1 | (letter not in "-ST")
    return mode, int(words[2]), int(words[3])


def quote(text: str) -> str:
    """The text as one word of sh."""
    return "'" + text.replace("'", "'\\''") + "'"


def printf_format(content: bytes) -> str:
    """The word after ``printf`` that prints exactly these bytes."""
    escaped = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b"\\%'" else "\\n" if byte == 0x0A else f"\\{byte:03o}"
        for byte in content
    )
    return quote(escaped.replace("\\045", "%%"))


def _probe(
    name: str, text: str, timeout_s: int, *, params: tuple[str, ...] = (), max_bytes: int = _SAID_BYTES
) -> Probe:
    return Probe(
        id=name,
        text=text,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        summary="A step of a guarded change.",
        reads=(),
        needs=Needs.ROOT,
        timeout_s=timeout_s,
        max_bytes=max_bytes,
        format="lines of a word and a value",
        params=params,
    )


@lru_cache(maxsize=1)
def _place() -> Probe:
    texts = {
        "LIBRARY": host_watch.LIBRARY,
        "WATCHER": host_watch.WATCHER,
        "RUNNER": host_files.RUNNER,
        "TRY": host_files.TRY,
        "PERSIST": host_files.PERSIST,
        "UNPERSIST": host_files.UNPERSIST,
        "CONTROL": host_control.CONTROL,
    }
    literals = "".join(f"{name}={quote(condensed(text))}\n" for name, text in texts.items())
    return _probe("guard_place", literals + host_control.PLACE, 15, params=("ID",))


@lru_cache(maxsize=32)
def _asked(action: Action, wait_s: int) -> Probe:
    text = host_control.FIND + 'read_state "$dir"\n' + _OF_ACTION[action]
    return _probe("guard", text, wait_s + _SLACK_S, params=_PARAMS)


def _arm(change: Change, wait_s: int) -> Probe:
    work = change.work
    lines = [
        "dir=/run/netaudit/t.$ID",
        '[ -d "$dir" ] || dir=/var$dir',
        '[ -e "$dir/state" ] || exit 0',
        "base=${dir%/*}",
        'full() { rm -rf "$dir"; rmdir "$base" 2>/dev/null; echo "state refused full $base"; exit 1; }',
        'put() { { printf \'%s\\n\' "$2" >"$dir/$1"; } 2>/dev/null || full; }',
        'put token "$TOKEN"',
        f"put owner {quote(_OWNER.sub('?', change.owner)[:200])}",
        f"put change.sh {quote(_change_text(change))}",
    ]
    for number, step in enumerate(work.steps, start=1):
        lines += [f"put s{number}.{kind} {quote(text)}" for kind, text in _texts(step)]
    for number, file in enumerate(work.files, start=1):
        content = printf_format(file.content or b"")
        lines.append(f'{{ printf {content} >"$dir/f.{number}"; }} 2>/dev/null || full')
    return _probe("guard_arm", "\n".join(lines) + host_control.ARM, wait_s + _SLACK_S, params=_PARAMS)


def _is_plain(script: StepScript) -> bool:
    """Whether a step only reads a file by cat(1) and writes to it: of such ones every line is known."""
    texts = (script.read, script.apply, script.undo)
    known = all(_PLAIN_LINE.fullmatch(line) for text in texts for line in text.split("\n"))
    return known and not script.persist and not script.unpersist


def _texts(step: WorkStep) -> list[tuple[str, str]]:
    script = step.script
    texts = [("read", script.read), ("apply", script.apply), ("undo", script.undo)]
    return texts + [(k, t) for k, t in (("persist", script.persist), ("unpersist", script.unpersist)) if t]


def _change_text(change: Change) -> str:
    """The numbers and names of one change, as assignments and functions of sh."""
    work = change.work
    limits, wants, accepted, files = [], [], [], []
    for number, step in enumerate(work.steps, start=1):
        kind = "plain" if _is_plain(step.script) else "alone"
        limits.append(f"{number}) limit={step.script.timeout_s} kind={kind} ;;")
        wants.append(f"{number}) want={quote(_line(step.before, step))} ;;")
        accepted += [f"{number}:{quote(_line(line, step))}) return 0 ;;" for line in step.script.accepts]
    for number, file in enumerate(work.files, start=1):
        if not _PATH.fullmatch(file.path):
            raise RuleError(
                f"a file of that name is not written: {file.path[:80]!r}", hint="an absolute path, plain letters"
            )
        gone = "1" if file.content is None else ""
        lines = "1" if _PLAIN_FILE.fullmatch(file.content or b"") else ""
        words = f"path={file.path} mode={file.mode:o} owner_ids={file.uid}:{file.gid} gone={gone} lines={lines}"
        files.append(f"{number}) {words} ;;")
    linger_cs = LINGER_S * 100 if work.lasts else 0
    return "\n".join(
        (
            f"id={change.id} steps={len(work.steps)} files={len(work.files)}",
            f"window_cs={work.confirm_within_s * 100} arm_cs={work.arm_within_s * 100} linger_cs={linger_cs}",
            f"plan_boot={quote(work.boot_id)} owner={quote(_OWNER.sub('?', change.owner)[:200])}",
            _case("limit_of", "$1", limits),
            _case("want_of", "$1", wants),
            _case("accepts", "$1:$2", accepted, "return 1"),
            _case("file_of", "$1", files),
        )
    )


def _line(text: str, step: WorkStep) -> str:
    if "\n" in text:
        raise RuleError(f"{step.subject}: a value is one line, not {text[:80]!r}")
    return text


def _case(name: str, word: str, branches: Sequence[str], last: str = "return 0") -> str:
    inner = "\n".join(branches)
    return f'{name}() {{\ncase "{word}" in\n{inner}\nesac\n{last}\n}}'


def _files(work: Work) -> list[Probe]:
    """A section for each file, so that its content comes as it is."""
    return [
        _probe(
            f"guard_file{number}",
            f"[ -e {quote(file.path)} ] || exit 11\n[ -f {quote(file.path)} ] || exit 10\n"
            f"ls -ldn {quote(file.path)} >&2\nexec cat {quote(file.path)}\n",
            _SLACK_S,
            max_bytes=MAX_FILE_BYTES,
        )
        for number, file in enumerate(work.files, start=1)
    ]


def _values(work: Work) -> Probe:
    """The present values, read by the session itself where the host knows of no change any more."""
    lines = ["[ ! -d /run/netaudit/t.$ID ] || exit 10", "newline='", "'"]
    for number, step in enumerate(work.steps, start=1):
        lines += [
            f"read_{number}() {{",
            step.script.read,
            "}",
            f"value=$(set -u; read_{number} 2>/dev/null)",
            "case $? in",
            f'0 | 3) printf \'value {number} %s\\n\' "${{value%%"$newline"*}}" ;;',
            f"*) printf 'unread {number}\\n' ;;",
            "esac",
        ]
    limit_s = sum(step.script.timeout_s for step in work.steps)
    return _probe("guard_values", "\n".join(lines) + "\n", limit_s + _SLACK_S, params=("ID",))
