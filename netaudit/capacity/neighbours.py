"""The neighbour table (ARP, NDISC): one for all namespaces of the host, so pods count as well."""

from __future__ import annotations

from collections.abc import Iterator

from netaudit.capacity.figures import Inquiry
from netaudit.capacity.host import Host
from netaudit.capacity.rows import Limit, Need, Resource, ceil_pow2, row
from netaudit.capacity.words import number
from netaudit.model.capacity import Assessment, SettingChange, Uncertainty
from netaudit.model.reading import Absent, Maybe

_TREE = "net.ipv4.neigh.default."
THRESH2, THRESH3 = f"{_TREE}gc_thresh2", f"{_TREE}gc_thresh3"
RESOURCE = Resource(
    id="neighbours",
    title="Neighbour table",
    layer="ip",
    unit="entries",
    headroom=1.25,
    uncertainty=Uncertainty(1.0, 1.25, "scans of the segment fill it as well"),
    consequence="new neighbours are refused (table_fulls), and packets to them fail with ENOBUFS",
    sources=(
        "man: arp(7) (gc_thresh3)",
        "kernel source: net/core/neighbour.c (neigh_alloc)",
        "measured on Linux 6.18: of 1,300 destinations 1,022 got an entry under the default of 1,024",
    ),
)


def assess(host: Host) -> Iterator[Assessment]:
    """One row; the number of neighbours does not grow with the load."""
    if not host.load.loads:
        return
    inquiry = Inquiry(host.load)
    peers = inquiry.machine("neighbours")
    middle, last = host.number(THRESH2), host.number(THRESH3)
    comfort = None
    if not isinstance(middle, Absent) and not isinstance(last, Absent):
        comfort = min(float(last), middle * RESOURCE.headroom)
    wanted = ceil_pow2(peers * RESOURCE.headroom)
    changes = [
        SettingChange(f"{_TREE}gc_thresh{place}", str(wanted // share), _text(host.number(f"{_TREE}gc_thresh{place}")))
        for place, share in ((1, 4), (2, 1), (3, 1))
    ]
    changes[2] = SettingChange(THRESH3, str(wanted * 2), _text(last))
    yield row(
        RESOURCE, host, inquiry, host.load.loads, Need(0.0, f"{number(peers)} neighbours as declared", peers),
        Limit(last, f"{THRESH2} = {_text(middle)}, {THRESH3} = {_text(last)}", comfort),
        in_use=_in_use(host), is_stock=False, changes=changes,
    )  # fmt: skip


def _text(value: Maybe[int]) -> str:
    return str(value)


def _in_use(host: Host) -> Maybe[float] | None:
    tables = host.facts.neighbours
    return tables if isinstance(tables, Absent) else tables.ipv4_entries
