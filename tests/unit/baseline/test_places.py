"""Places tell hosts apart by all that a footprint names, and by nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import pytest

from netaudit.baseline import places
from netaudit.baseline.cuts import in_full
from netaudit.baseline.footprint import Footprint
from netaudit.baseline.places import Look, places_of, whole_places_of
from netaudit.baseline.scope import RunningSysctls
from netaudit.baseline.sight import Reader, Seen, Sight
from netaudit.model.facts import Facts, Limits, Listener, Memory, Nic, ProcessLimits, Rings
from netaudit.model.reading import Absent, AbsentReason

DOMAINS = tuple(each.name for each in dataclasses.fields(Facts) if each.name != "sysctl")
LISTENER = Listener("tcp", "0.0.0.0", 80, 3, 511, "", "nginx", 41, 7, "nginx.service", (41, 42))

NOWHERE = Absent(AbsentReason.NOT_PRESENT)
NIC = Nic(
    name="eth0", ifindex=2, kind="", driver="virtio_net", mtu=1500, operstate="up", carrier=True, carrier_changes=1,
    speed_mbps=NOWHERE, duplex=NOWHERE, master="", lower="", txqueuelen=1000, numa_node=NOWHERE, rx_queues=1,
    tx_queues=1, rps_cpus=("0",), rings=NOWHERE, channels=NOWHERE, coalesce=NOWHERE, offloads=NOWHERE,
    offloads_fixed=NOWHERE, counters={}, driver_counters=NOWHERE, addresses=(), bond=NOWHERE,
)  # fmt: skip


def _footprint(*domains: str, names: str = "", keys: str = "", entire: str = "") -> Footprint:
    inside = set(entire.split())
    looks = {domain: Look(set(names.split()), set(keys.split()), inside, domain in inside) for domain in domains}
    return Footprint(domains=looks)


def _key(footprint: Footprint, facts: Facts, seen: tuple[Seen, ...] | None = None) -> tuple[object, ...]:
    sysctls = RunningSysctls(facts, lambda name: Absent(AbsentReason.NOT_PRESENT, name))
    return Reader(footprint, seen)(Sight(facts, sysctls, tuple))


def test_all_places_together_are_all_that_is_known(facts: Callable[..., Facts]) -> None:
    """Hosts that differ anywhere differ in the key of everything; equal ones, made anew, have the same."""
    everything = _footprint(*DOMAINS, entire=" ".join(DOMAINS))
    host = facts(listeners=(LISTENER,), limits=_limits(12), own={"raid": {"ok": True, "disks": 4}})
    for number, (name, value) in enumerate(_variants()):
        other = dataclasses.replace(host, **{name: value})
        again = dataclasses.replace(host, **{name: dataclasses.replace(value) if name == "memory" else value})
        assert (_key(everything, other) == _key(everything, host)) == (in_full(other) == in_full(host)), number
        assert _key(everything, again) == _key(everything, other)


def _variants() -> list[tuple[str, object]]:
    record = dataclasses.replace
    changes: list[Mapping[str, object]] = [
        {"port": 81}, {"pid": 9}, {"pids": (41,)}, {"backlog": Absent(AbsentReason.NOT_PERMITTED)}, {"queue": 4}, {},
    ]  # fmt: skip
    listeners = [("listeners", (record(LISTENER, **change),)) for change in changes]  # type: ignore[arg-type]  # by name
    return [
        *listeners,
        ("listeners", ()),
        ("listeners", (LISTENER, LISTENER)),
        ("listeners", Absent(AbsentReason.NOT_PERMITTED, "the probe sockets needs root")),
        ("limits", _limits(13)),
        ("limits", record(_limits(12), processes=Absent(AbsentReason.NOT_PERMITTED))),
        ("memory", Memory(1 << 30, 1 << 29, 4096, 1 << 20)),
        ("own", {"raid": {"ok": 1, "disks": 4}}),
        ("own", {"raid": Absent(AbsentReason.NOT_FINISHED)}),
    ]


def _limits(open_files: int) -> Limits:
    processes = (ProcessLimits(41, "nginx", "nginx.service", "www", 1024, 4096, open_files, 1.5),)
    return Limits(100, 1000, 1024, processes, ())


def test_only_what_is_named_counts(facts: Callable[..., Facts]) -> None:
    """A footprint of two attributes of a list does not see the others, nor hosts' order of reading them."""
    footprint = _footprint("listeners", "limits", names="port processes free_files")
    host = facts(listeners=(LISTENER,), limits=_limits(12))
    unseen = dataclasses.replace(LISTENER, pid=1, inode=2, address="::")
    assert _key(footprint, host) == _key(footprint, facts(listeners=(unseen,), limits=_limits(12)))
    assert _key(footprint, host) != _key(footprint, facts(listeners=(unseen,), limits=_limits(13)))


def test_entries_that_are_named_count_and_how_many_there_are(facts: Callable[..., Facts]) -> None:
    """Of a mapping, the keys that are written out, and its length, which can be asked for."""
    footprint = _footprint("snmp", keys="a b")
    keys = [_key(footprint, facts(snmp=of)) for of in ({"a": 1, "c": 5}, {"a": 1, "c": 6}, {"a": 1}, {"a": 2, "c": 5})]
    assert [key == keys[0] for key in keys] == [True, True, False, False]


@pytest.mark.parametrize("entire", ["ok", ""])
def test_one_is_not_true(facts: Callable[..., Facts], entire: str) -> None:
    """Where values of several kinds can stand, their kind counts, also where no more is asked than if one is there."""
    footprint = _footprint("own", keys="raid ok", entire=entire)
    found = [_key(footprint, facts(own={"raid": {"ok": value}})) for value in (True, 1, 1.0, "1", True)]
    assert [key == found[0] for key in found] == [True, False, False, False, True]


@pytest.mark.parametrize("places_from", [places_of, whole_places_of])
def test_an_absence_is_told_from_the_same_one_further_down(
    facts: Callable[..., Facts], places_from: Callable[[Mapping[str, Look]], tuple[Seen, ...]]
) -> None:
    """A host without limits is not one whose limits are there without processes, whatever the reason for both."""
    nothing = Absent(AbsentReason.NOT_PERMITTED)
    rings = (nothing, Rings(nothing, nothing, nothing, nothing), Rings(nothing, 4, nothing, nothing))
    hosts = [
        facts(limits=nothing),
        facts(limits=dataclasses.replace(_limits(1), processes=nothing)),
        facts(limits=_limits(1)),
        *[facts(limits=nothing, nics=(dataclasses.replace(NIC, rings=each),)) for each in rings],
    ]
    footprint = _footprint("limits", "nics", names="processes rings rx_slots")
    keys = [_key(footprint, host, places_from(footprint.domains)) for host in hosts]
    assert len(set(keys[:5])) == 5
    assert keys[5] == keys[4]


def test_footprints_share_places() -> None:
    """One attribute is one place, for whichever check looks there."""
    few, more = (
        set(places_of(_footprint("nics", names=names).domains)) for names in ("mtu name", "mtu name rings rx_slots")
    )
    assert few < more


def test_what_the_kernel_numbers_is_not_shared() -> None:
    """Process ids and inodes are told from what hosts may have in common."""
    found = places_of(_footprint("listeners", entire="listeners").domains)
    assert len(found) == len(dataclasses.fields(Listener))
    assert sum(not place.is_shared for place in found) == 3


def test_tokens_do_not_grow_without_bound(facts: Callable[..., Facts], monkeypatch: pytest.MonkeyPatch) -> None:
    """A place where every host has something else starts over, and never takes one host for another."""
    monkeypatch.setattr(places, "_KEPT", 3)
    footprint = _footprint("listeners", names="port")
    (place,) = places_of(footprint.domains)
    place._tokens.clear()  # other tests look there too
    keys = [_key(footprint, facts(listeners=(dataclasses.replace(LISTENER, port=port),))) for port in range(10)]
    assert len(set(keys)) == 10
    assert len(place._tokens) == 1


def test_no_record_is_mistaken_for_an_absence() -> None:
    """No attribute on a way is called like one of Absent's own, which would then be read instead of the absence."""
    everything = places_of(_footprint(*DOMAINS, entire=" ".join(DOMAINS)).domains)
    assert not {"reason", "detail"} & {name for place in everything for name in place.way}
