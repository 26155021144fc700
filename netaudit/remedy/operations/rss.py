"""Sets the indirection table of receive side scaling: which queues the flows of a device are spread over.

Its values are the words of ``ethtool -X``: queues in turn (``equal 8``) or in blocks of entries (``weight 64 32 32``).
A table that these words do not make could not be put back, so it has no value here, and a plan leaves it alone. The
key of the hash is neither read nor written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from netaudit.facts.rss import rss_of, table_of
from netaudit.model.facts import Facts, Nic
from netaudit.model.plan import Step
from netaudit.model.reading import Absent, Maybe
from netaudit.remedy import literals
from netaudit.remedy.operations.operation import Arguments, alone, is_script, nic_of, udev_rule, with_nic
from netaudit.remedy.scripts import StepScript

_EQUAL = "equal "
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# The same as words_of() makes of the facts: the table of the default context in the words that set it.
_READ = r"""table=$(printf '%s\n' "$answer" | sed -n -e '/^RSS /q' -e 's/^ *[0-9][0-9]*: *//p')
[ -n "$table" ] || exit 3
unset IFS; set -f; set -- $table
turn=0
for queue; do
    [ "$turn" -gt 0 ] && [ "$queue" -eq "$1" ] && break
    turn=$((turn + 1))
done
place=0 in_turn=yes
for queue; do
    [ "$queue" -eq $(($1 + place % turn)) ] || { in_turn=; break; }
    place=$((place + 1))
done
if [ -n "$in_turn" ]; then
    if [ "$1" -gt 0 ]; then echo "equal $turn start $1"; else echo "equal $turn"; fi
    exit 0
fi
at=0 count=0 weights=
for queue; do
    [ "$queue" -ge "$at" ] || { echo 'a table that has no words'; exit 0; }
    while [ "$at" -lt "$queue" ]; do
        weights="$weights $count" count=0 at=$((at + 1))
    done
    count=$((count + 1))
done
echo "weight$weights $count"
"""


def equal(queues: str) -> str:
    """The words for a number of queues in turn. Raises ValueError for what is no such number."""
    return f"{_EQUAL}{int(queues)}"


def queues_of(words: str) -> str:
    """The number of queues in turn of some words; other words as they are."""
    return words.removeprefix(_EQUAL)


@dataclass(frozen=True, slots=True)
class SetTable:
    """``arguments``: ``device``."""

    name: str = "rss"

    def subject(self, arguments: Arguments) -> str:
        """Such as ``eth0 rss table``."""
        return f"{arguments['device']} rss table"

    def observed(self, arguments: Arguments, namespace: str, facts: Facts) -> Maybe[str]:
        """The words that make the table in force."""
        nic = nic_of(arguments["device"], facts)
        if isinstance(nic, Absent):
            return nic
        return nic.rss if isinstance(nic.rss, Absent) else nic.rss.words

    def foreseen(self, arguments: Arguments, namespace: str, value: str, facts: Facts) -> Facts:
        """With another table."""

        def change(nic: Nic) -> Nic:
            if isinstance(nic.rss, Absent):
                return nic
            return replace(nic, rss=rss_of(table_of(value, nic.rss.entries), nic.rss.rings))

        return with_nic(arguments["device"], change, facts)

    def undone(self, step: Step) -> str:
        """The call that takes it back."""
        return f"ethtool -X {step.arguments['device']} {step.before}"

    def script(self, step: Step) -> StepScript:
        """Calls of ethtool."""
        device = literals.device(step.arguments["device"])
        return StepScript(
            read=alone(f"answer=$(ethtool -x {device} 2>/dev/null) || exit 3", _READ.rstrip()),
            apply=alone(_set(device, step.after)),
            undo=alone(_set(device, step.before)),
            accepts=(step.after,),
            timeout_s=30,
        )

    def lines(self, step: Step) -> Sequence[str]:
        """The call in a script of ifupdown; else a rule of udev(7) that makes it whenever the interface appears."""
        device = step.arguments["device"]
        call = _set(literals.device(device), step.after)
        if is_script(step):
            return (call,)
        return (udev_rule(device, f"RUN+=\"/bin/sh -c 'PATH={_PATH} exec {call}'\""),)


def _set(device: str, words: str) -> str:
    return f"ethtool -X {device} {literals.table(words)}"
