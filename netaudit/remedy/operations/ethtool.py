"""Changes what ethtool(8) sets of a device: rings, channels, interrupt moderation, offloads.

Drivers round, clamp, answer success and change nothing, or hang: only what is read back counts, and every call has a
time limit. Most of them reset the link for a new ring size or number of channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from netaudit.errors import PlanError
from netaudit.facts.rss import MAX_QUEUES, rss_of, table_of
from netaudit.model.facts import Facts, Nic, Rss
from netaudit.model.plan import Step
from netaudit.model.reading import Absent, Maybe
from netaudit.remedy import literals
from netaudit.remedy.operations.operation import Arguments, alone, by_connection, is_script, nic_of, no_such, with_nic
from netaudit.remedy.scripts import StepScript

_TIMEOUT_S = 30
_NOW = "/^Current hardware settings/,$"  # of -g and -l, what is in force stands below this line
FEATURES: Mapping[str, str] = {
    "gro": "generic-receive-offload",
    "gso": "generic-segmentation-offload",
    "tso": "tcp-segmentation-offload",
    "lro": "large-receive-offload",
    "sg": "scatter-gather",
    "rx": "rx-checksumming",
    "tx": "tx-checksumming",
}


@dataclass(frozen=True, slots=True)
class Word:
    """One thing that a question of ethtool tells: how its answer names it, and how systemd.link(5) does."""

    printed: str  # the words in front of the colon
    link_key: str  # in the section [Link]; empty: systemd.link has none
    keyfile: str  # of NetworkManager's connection: ethtool.NAME; empty: there is none
    read: Callable[[Nic], Maybe[int | bool]]
    change: Callable[[Nic, str], Nic]


def _of(part: str, name: str) -> tuple[Callable[[Nic], Maybe[int | bool]], Callable[[Nic, str], Nic]]:
    """Read and change a field of a part of an interface's facts."""

    def read(nic: Nic) -> Maybe[int | bool]:
        held = getattr(nic, part)
        if isinstance(held, Absent):
            return held
        found: Maybe[int | bool] = getattr(held, name)
        return found

    def change(nic: Nic, value: str) -> Nic:
        held = getattr(nic, part)
        if isinstance(held, Absent):
            return nic
        new = value == "on" if value in {"on", "off"} else int(value)
        return replace(nic, **{part: replace(held, **{name: new})})

    return read, change


def _feature(name: str) -> tuple[Callable[[Nic], Maybe[int | bool]], Callable[[Nic, str], Nic]]:
    def read(nic: Nic) -> Maybe[int | bool]:
        if isinstance(nic.offloads, Absent):
            return nic.offloads
        if name not in nic.offloads:
            return no_such(f"feature {name}")
        if not isinstance(nic.offloads_fixed, Absent) and name in nic.offloads_fixed:
            return no_such(f"switch for {name}: the driver has it fixed")
        return nic.offloads[name]

    def change(nic: Nic, value: str) -> Nic:
        if isinstance(nic.offloads, Absent):
            return nic
        return replace(nic, offloads={**nic.offloads, name: value == "on"})

    return read, change


def _queues(name: str) -> tuple[Callable[[Nic], Maybe[int | bool]], Callable[[Nic, str], Nic]]:
    read, change = _of("channels", name)

    def changed(nic: Nic, value: str) -> Nic:
        return replace(change(nic, value), rx_queues=int(value), rss=_spread(nic.rss, int(value)))

    return read, changed


def _spread(rss: Maybe[Rss], queues: int) -> Maybe[Rss]:
    """The table with another number of queues: one that named all of them is made anew, one that was set stays."""
    if isinstance(rss, Absent) or not 0 < queues < MAX_QUEUES:
        return rss
    if rss.words == f"equal {min(rss.rings, rss.entries)}":
        return rss_of(table_of(f"equal {queues}", rss.entries), queues)
    return replace(rss, rings=queues)


_RINGS = {
    "rx": Word("RX", "RxBufferSize", "ring-rx", *_of("rings", "rx_slots")),
    "tx": Word("TX", "TxBufferSize", "ring-tx", *_of("rings", "tx_slots")),
}
_CHANNELS = {
    "combined": Word("Combined", "CombinedChannels", "channels-combined", *_queues("combined")),
    "rx": Word("RX", "RxChannels", "channels-rx", *_queues("rx")),
}
_COALESCING = {
    "rx-usecs": Word("rx-usecs", "RxCoalesceSec", "coalesce-rx-usecs", *_of("coalesce", "rx_usecs")),
    "rx-frames": Word("rx-frames", "RxMaxCoalescedFrames", "coalesce-rx-frames", *_of("coalesce", "rx_frames")),
    "adaptive-rx": Word(
        "Adaptive RX", "UseAdaptiveRxCoalesce", "coalesce-adaptive-rx", *_of("coalesce", "adaptive_rx")
    ),
}
_OFFLOADS = {
    short: Word(
        long,
        {
            "gro": "GenericReceiveOffload", "gso": "GenericSegmentationOffload", "tso": "TCPSegmentationOffload",
            "lro": "LargeReceiveOffload",
        }.get(short, ""),
        f"feature-{short}",
        *_feature(long),
    )
    for short, long in FEATURES.items()
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ethtool:
    """``arguments``: ``device``, and ``which`` of the words. Values are numbers, or ``on`` and ``off``."""

    name: str
    question: str  # the option that prints
    setter: str  # the option that sets
    words: Mapping[str, Word]
    what: str  # for people

    def subject(self, arguments: Arguments) -> str:
        """Such as ``eth0 rx ring``."""
        return f"{arguments['device']} {arguments['which']} {self.what}".rstrip()

    def word(self, arguments: Arguments) -> Word:
        """The word that is set. Raises PlanError."""
        found = self.words.get(arguments["which"])
        if found is None:
            raise PlanError(f"{self.name} has no {arguments['which'][:40]!r}", hint=f"one of {', '.join(self.words)}")
        return found

    def observed(self, arguments: Arguments, namespace: str, facts: Facts) -> Maybe[str]:
        """The setting in force."""
        nic = nic_of(arguments["device"], facts)
        if isinstance(nic, Absent):
            return nic
        found = self.word(arguments).read(nic)
        if isinstance(found, Absent):
            return found
        return ("on" if found else "off") if isinstance(found, bool) else str(found)

    def foreseen(self, arguments: Arguments, namespace: str, value: str, facts: Facts) -> Facts:
        """With the device changed."""
        change = self.word(arguments).change
        return with_nic(arguments["device"], lambda nic: change(nic, value), facts)

    def undone(self, step: Step) -> str:
        """The call that takes it back."""
        return f"ethtool {self.setter} {step.arguments['device']} {step.arguments['which']} {step.before}"

    def script(self, step: Step) -> StepScript:
        """Calls of ethtool."""
        device, word = literals.device(step.arguments["device"]), self.word(step.arguments)
        return StepScript(
            read=self._read(device, word),
            apply=self._set(device, step.arguments["which"], step.after),
            undo=self._set(device, step.arguments["which"], step.before),
            accepts=(step.after,),
            timeout_s=_TIMEOUT_S,
            **by_connection(step),
        )

    def _read(self, device: str, word: Word) -> str:
        start = _NOW if self.question in {"-g", "-l"} else "1,$"
        wanted = rf"{start}s/^{word.printed}:[[:space:]]*\([^[:space:]]*\).*/\1/p"
        return alone(
            f"answer=$(ethtool {self.question} {device} 2>/dev/null) || exit 3",
            f"value=$(printf '%s\\n' \"$answer\" | sed -n {literals.quoted(wanted)})",
            'case $value in ""|n/a) exit 3 ;; esac',
            'echo "$value"',
        )

    def _set(self, device: str, which: str, value: str) -> str:
        text = value if value in {"on", "off"} else literals.number(value)
        call = f"ethtool {self.setter} {device} {which} {text}"
        return alone(f"{call} || [ $? -eq 80 ]")  # 80: it is so already

    def lines(self, step: Step) -> Sequence[str]:
        """What a .link file says of it, or the call in a script of ifupdown."""
        key = self.word(step.arguments).link_key
        device = literals.device(step.arguments["device"])
        if is_script(step):
            return (self._set(device, step.arguments["which"], step.after),)
        if not key:
            raise PlanError(f"systemd.link has no key for {self.subject(step.arguments)}")
        after = step.after if step.after in {"on", "off"} else literals.number(step.after)
        return (f"{key}={after}us" if key.endswith("Sec") else f"{key}={_truth(after)}",)


def _truth(text: str) -> str:
    return {"on": "yes", "off": "no"}.get(text, text)


RING = Ethtool("ring", "-g", "-G", _RINGS, "ring")
CHANNELS = Ethtool("channels", "-l", "-L", _CHANNELS, "channels")
COALESCING = Ethtool("coalescing", "-c", "-C", _COALESCING, "")
OFFLOAD = Ethtool("offload", "-k", "-K", _OFFLOADS, "offload")
