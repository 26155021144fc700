"""Both ends of one loss: what one host of a fleet sees from outside, and another one has the cause of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from netaudit.model.diagnosis import Cause, HostDiagnosis

# What is seen at one end, and which causes at the other explain it.
_SEEN_FROM_OUTSIDE = {
    "connect-unanswered": frozenset({
        "accept-queue-full", "accept-queue-ack", "syn-queue-full", "descriptors-exhausted", "conntrack-full",
        "firewall-drop", "reverse-path-filter", "stateful-asymmetry", "cpu-backlog", "ring-overflow",
    }),
    "connect-refused": frozenset({"port-closed", "listener-gone", "firewall-drop"}),
    "path-loss": frozenset({
        "receive-queue-pruned", "cpu-backlog", "ring-overflow", "conntrack-full", "firewall-drop", "link-errors",
        "checksum-errors", "frame-too-long", "provider-allowance",
    }),
    "peer-not-reading": frozenset({"app-not-reading"}),
    "resets-received": frozenset({"reset-on-close", "accept-queue-ack", "time-wait-overflow", "port-closed"}),
    "path-mtu-black-hole": frozenset({"packets-too-big", "frame-too-long"}),
}  # fmt: skip


def linked(known: Mapping[int, HostDiagnosis]) -> dict[int, HostDiagnosis]:
    """The diagnoses that change when the other hosts are known: the cause at the other end becomes evidence."""
    by_address = {one.address: one for one in known.values() if one.causes}
    found = {}
    for place, one in known.items():
        causes = tuple(_with_other_end(cause, one, by_address) for cause in one.causes)
        if causes != one.causes:
            found[place] = replace(one, causes=causes)
    return found


def _with_other_end(cause: Cause, host: HostDiagnosis, by_address: Mapping[str, HostDiagnosis]) -> Cause:
    wanted = _SEEN_FROM_OUTSIDE.get(cause.id)
    if not wanted:
        return cause
    said = []
    for peer in dict.fromkeys(_address(subject) for subject in cause.subjects):
        other = by_address.get(peer)
        if other is not None and other.name != host.name:
            said += [
                f"{other.name} at the other end: {each.title.lower()} ({each.confidence})"
                for each in other.causes
                if each.id in wanted
            ]
    return replace(cause, evidence=(*cause.evidence, *said)) if said else cause


def _address(endpoint: str) -> str:
    """The address of ``10.0.0.1:80`` and ``[2001:db8::1]:80``."""
    return endpoint.rpartition(":")[0].strip("[]")
