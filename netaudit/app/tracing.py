"""What runs on hosts beside the samples of a diagnosis: traces and watchers, each in a channel of its own.

All are the same for every host of a run, so that their payloads have one digest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netaudit.app.sampling import Beside
from netaudit.model.probe import Probe

TRACE, LOG, HEADERS = "trace_events", "log_lines", "pcap_headers"
LONGEST_TRACE_S = 50  # a probe ends after a minute
SHORTEST_TRACE_S = 2
_STARTING_S = 15.0  # bpftrace compiles its program first
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./")


@dataclass(frozen=True, slots=True)
class Companions:
    """What was asked for besides samples. ``run_id`` is a few hex digits that tell this run's traces from others'."""

    run_id: str
    trace: bool = False
    log_file: str = ""
    log_match: str = ""
    headers: int = 0
    probes: tuple[str, ...] = ()  # opt-in probes by name
    call_program: str = ""  # for application_calls
    call_function: str = ""


def companions(asked: Companions, probes: Sequence[Probe], for_s: float) -> tuple[Beside, ...]:
    """The payloads that run beside the samples of ``for_s`` seconds."""
    by_id = {probe.id: probe for probe in probes}
    seconds = max(SHORTEST_TRACE_S, min(LONGEST_TRACE_S, int(for_s)))
    found: list[Beside] = []
    if asked.trace:
        found.append(_beside(by_id[TRACE], seconds, {"TRACE_ID": asked.run_id}))
    if asked.log_file:
        params = {"LOG_FILE": encoded(asked.log_file), "LOG_MATCH": encoded(asked.log_match)}
        found.append(_beside(by_id[LOG], seconds, params))
    if asked.headers:
        of_ipv6 = asked.headers // 4
        params = {"PCAP_4": str(asked.headers - of_ipv6), "PCAP_6": str(of_ipv6)}
        found.append(_beside(by_id[HEADERS], seconds, params))
    called = {"CALL_PROGRAM": encoded(asked.call_program), "CALL_FUNCTION": asked.call_function}
    found += [_beside(by_id[name], seconds, called if by_id[name].params[1:] else {}) for name in asked.probes]
    return tuple(found)


def encoded(text: str) -> str:
    """The text with ``%ooo`` for every byte that could mean something to a shell; a probe turns it back."""
    return "".join(chr(byte) if chr(byte) in _PLAIN else f"%{byte:03o}" for byte in text.encode())


def _beside(probe: Probe, seconds: int, params: Mapping[str, str]) -> Beside:
    return Beside(probe, {"TRACE_S": str(seconds), **params}, seconds + _STARTING_S)
