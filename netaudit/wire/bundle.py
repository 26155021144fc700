r"""One payload for one exec channel: what ``/bin/sh -s`` reads from its standard input on a host.

The rules it is built by, each against something that was seen to go wrong:

*Cut half-way, nothing runs.* A shell runs what it has read, even half a line at end of file. Here everything stands
inside one pair of braces, which a shell must have read to the last one before it starts.

*A probe cannot eat the rest.* Commands read ``/dev/null``; the channel is kept as descriptor 3, in one process only.

*A probe cannot take the others along.* Each is a function that runs in its own subshell, so it may ``exit``, ``exec``
or die. One fork a section is the price.

*The controller dies.* Without a terminal nothing on the host is told. A guard therefore reads descriptor 3, which
the controller keeps open: end of file means that nobody is listening, and the whole process group is ended.

*The network dies.* End of file may then never come. A second helper ticks once a second by ``SIGALRM`` and ends the
group when the payload is older than its deadline, or when the main shell has died. The same ticks count the time of
each section: the main shell sits in ``wait``, which a trapped signal interrupts, and so needs neither timeout(1) nor
a process a section. A section that is late is stopped, its descendants are looked up in ``/proc``, stopped and killed;
killing its shell alone would leave them behind, and there is no job control without a terminal. A process that even
``SIGKILL`` does not end (a driver that hangs) is left to its fate one second later, and the next section starts.

*Something stays behind.* The helpers are ended and waited for before ``done`` is printed, so when the controller has
the whole answer there is nothing left but the shell that is about to exit. Nothing is written to disk.

*Each packet costs.* What is written at once travels as one packet. So the end of a section is told together with the
beginning of the next one, which follows at once.

*Output without end.* It is not cut here: that would take a process a section. The decoder counts, drops what is too
much of one section, and gives up on a host that sends too much in all; the channel closes and the guard ends it.

The framing costs three forks (guard, ticker, its ``sleep``) and one for each section; no other program is started.
Where every section is known to end by itself in time, ``is_timed=False`` saves the ticker.
bash reads a script from a pipe byte by byte, a quarter of a microsecond each: comments of probes stay here, and so
does indentation. Handing it the rest through head(1) and ``eval`` would be cheaper, and bash 5.2 dies of it at the
first duplicated descriptor.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from netaudit.errors import RuleError
from netaudit.model.probe import Bundle, Probe
from netaudit.wire.marker import NONCE
from netaudit.wire.scan import HereDocument, condensed

PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
MAX_DEADLINE_S = 3600

_BLANK_NONCE = "0" * 32
_PARAM_VALUE = re.compile(r"[A-Za-z0-9 _.:,;@%/=\[\]+-]{0,16384}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

_SETTING = f"""\
PATH={PATH}
LC_ALL=C
export PATH LC_ALL
unset IFS ROOT nonce out_end err_end newline
umask 077
cd /
"""

# $tree becomes the processes that descend from $1, each stopped before its children are looked up.
STOPPING = """\
stop_tree() {
  kill -STOP "$1"
  tree="$tree $1"
  children=
  if [ -r "/proc/$1/task/$1/children" ]; then
    read -r children <"/proc/$1/task/$1/children"
  else
    for stat in /proc/[0-9]*/stat; do
      read -r line <"$stat" || continue
      case ${line##*) } in
      ?" $1 "*) stat=${stat#/proc/}; children="$children ${stat%/stat}" ;;
      esac
    done
  fi
  for each in $children; do
    stop_tree "$each"
  done
}
"""

_RUNNING = r"""
section() {
  printf '%s\n@netaudit %s out begin %s %s\n' "$out_end" "$nonce" "$1" "$uptime"
  printf '%s\n@netaudit %s err begin %s %s\n' "$err_end" "$nonce" "$1" "$uptime" >&2
  end_tick=$((tick + $2 + 1)) late=
  (unset nonce out_end err_end newline; "probe_$1") 3<&- &
  shell=$!
  while
    seen=$tick
    wait "$shell"
    code=$?
    [ "$code" -eq 142 ] && [ "$seen" -ne "$tick" ]
  do
    [ -z "$late" ] || break
    if [ "$tick" -ge "$end_tick" ]; then
      late=1 tree=
      { stop_tree "$shell"; kill -KILL $tree; } 2>/dev/null
    fi
  done
  [ -z "$late" ] || code=timeout
  read -r uptime rest 2>/dev/null </proc/uptime
  out_end="$newline@netaudit $nonce out end $1 $code $uptime$newline"
  err_end="$newline@netaudit $nonce err end $1 $code $uptime$newline"
}
"""

_ENDING = """\
end_all() {
  trap '' TERM
  kill -TERM 0
  sleep 1
  kill -KILL 0
}
"""

_MAIN_HEAD = """\
main() {{
  nonce={nonce}
  tick=0 uptime= out_end= err_end= newline='
'
  exec 3<&0 </dev/null
  trap 'tick=$((tick + 1))' ALRM
  (while read -r line <&3; do :; done; end_all) >/dev/null 2>&1 &
  guard=$! ticker=
{ticker}  read -r uptime rest 2>/dev/null </proc/uptime
"""

_TICKER = """\
  (
    trap 'kill "$!"; wait "$!"; exit' TERM
    left={deadline_s}
    while [ "$left" -gt 0 ]; do
      sleep 1 &
      wait "$!" || exit
      kill -ALRM $$ || break
      left=$((left - 1))
    done
    end_all
  ) 3<&- >/dev/null 2>&1 &
  ticker=$!
"""

_MAIN_TAIL = r"""  trap '' ALRM
  {{ kill "$guard" $ticker; wait "$guard" $ticker; }} 2>/dev/null
  printf '%s\n@netaudit %s out done %s\n' "$out_end" "$nonce" {count}
  printf '%s\n@netaudit %s err done %s\n' "$err_end" "$nonce" {count} >&2
}}
main
exit 0
"""


@lru_cache(maxsize=128)  # bundles that hold something of one host alone hold most that they have for all
def _probe_function(probe: Probe) -> str:
    if _CONTROL.search(probe.text):
        raise RuleError(f"the probe {probe.id!r} holds a control character")
    try:
        body = condensed(probe.text)
    except HereDocument as error:
        raise RuleError(
            f"the probe {probe.id!r} has a here-document in line {error.line}",
            hint="its body could be taken for code; use printf",
        ) from error
    return f"probe_{probe.id}() {{\n{body}\n}}\n"


def _param_lines(probe: Probe, params: Mapping[str, str]) -> str:
    """Assignments that stand in front of a call; each value is a literal in single quotes."""
    words = []
    for name in probe.params:
        if name not in params:
            raise RuleError(f"the probe {probe.id!r} needs {name}, which is not given")
        if not _PARAM_VALUE.fullmatch(params[name]):
            raise RuleError(
                f"{name} holds a character that must not reach a shell: {params[name][:80]!r}",
                hint="letters, digits, blanks and _ . : , ; @ % / = [ ] + -",
            )
        words.append(f"  {name}='{params[name]}'\n")
    return "".join(words)


@lru_cache(maxsize=32)
def _split_payload(
    probes: tuple[Probe, ...], deadline_s: int, params: tuple[tuple[str, str], ...], *, is_timed: bool
) -> tuple[bytes, bytes, str]:
    """What stands before the nonce, what stands after it, and the digest: equal for all hosts of a run."""
    if not 1 <= deadline_s <= MAX_DEADLINE_S:
        raise ValueError(f"a deadline of {deadline_s} s is not between 1 and {MAX_DEADLINE_S} s")
    if not probes or len({probe.id for probe in probes}) != len(probes):
        raise ValueError("a bundle is made of one or more different probes")
    given = dict(params)
    calls = "".join(f"{_param_lines(probe, given)}  section {probe.id} {probe.timeout_s}\n" for probe in probes)
    ticker = _TICKER.format(deadline_s=deadline_s) if is_timed else ""
    head, tail = _MAIN_HEAD.format(nonce="\0", ticker=ticker).split("\0")
    functions = "".join(_probe_function(probe) for probe in probes)
    before = f"{{\n{_SETTING}{functions}{STOPPING}{_RUNNING.lstrip()}{_ENDING}{head}".encode()
    after = f"{tail}{calls}{_MAIN_TAIL.format(count=len(probes))}}}\n".encode()
    return before, after, hashlib.sha256(before + _BLANK_NONCE.encode() + after).hexdigest()


def build(
    probes: Sequence[Probe], *, nonce: str, deadline_s: int, params: Mapping[str, str], is_timed: bool = True
) -> Bundle:
    """The bundle that runs the probes in this order. Raises RuleError for a probe or parameter that must not travel.

    ``nonce`` is 32 lower-case hex digits, fresh for each host; ``deadline_s`` the seconds after which the payload
    ends itself. ``params`` may hold more than these probes declare. Without ``is_timed`` the payload counts no time:
    for probes that do so themselves and start nothing that could hang.
    """
    if not NONCE.fullmatch(nonce):
        raise ValueError("a nonce is 32 lower-case hex digits")
    chosen = tuple(probes)
    wanted = {name for probe in chosen for name in probe.params}
    given = tuple(sorted((name, value) for name, value in params.items() if name in wanted))
    before, after, digest = _split_payload(chosen, deadline_s, given, is_timed=is_timed)
    return Bundle(nonce, before + nonce.encode("ascii") + after, digest, chosen, deadline_s)
