"""Descriptors and memory: of a process, of the host, of all buffers, and of one connection."""

from __future__ import annotations

import math

import pytest

from netaudit.capacity.udp import truesize
from netaudit.model.capacity import CapacityVerdict as V
from netaudit.model.facts import Limits, ProcessLimits
from netaudit.model.reading import Absent, AbsentReason
from netaudit.model.workload import Present, Ways


def limits_of(*processes, allocated=3000):
    """The limits of a host with these processes."""
    return Limits(allocated, 2466170, 1048576, processes, ())


def process(pid=812, name="nginx", soft=131072, open_files=30, unit="nginx.service"):
    """One process that listens."""
    return ProcessLimits(pid, name, unit, "root", soft, soft, open_files, 1e4)


def test_descriptors_of_a_process(kit):
    """A descriptor a connection, those that are open beside them, and a quarter more."""
    row = kit.row("process-descriptors", kit.W1)
    assert (100_030, 1024, V.BREAKS, "nginx") == (row.required, row.limit, row.verdict, row.subject)
    assert 1.25 * 100_030 == row.provision
    (change,) = row.changes
    assert ("nofile", "131072") == (change.setting, change.value)
    assert "LimitNOFILE=131072 in a drop-in of nginx.service" in change.note


def test_limits_conf_is_not_offered_as_the_cure(kit):
    """It is read when somebody logs in, and never for services."""
    facts = kit.facts(limits=limits_of(process(soft=1024, unit="")))
    (change,) = kit.row("process-descriptors", kit.W1, facts=facts).changes
    assert "limits.conf is for logins only" in change.note


def test_a_proxy_takes_two(kit):
    """It has two loads of one process."""
    row = kit.row("process-descriptors", kit.W1, kit.OUT)
    assert 100_000 + 200 + 30 == row.required


def test_workers_share(kit):
    """As declared; several of a name and no word of it is a missing figure."""
    facts = kit.facts(limits=limits_of(process(1), process(2), process(3), process(4)))
    assert ["processes"] == [need.figure for need in kit.row("process-descriptors", kit.W1, facts=facts).needs]
    row = kit.row("process-descriptors", kit.replace(kit.W1, processes=4), facts=facts)
    assert 25_100 == row.required


def test_the_ceiling_of_limits_is_raised_first(kit):
    """No limit can be set above fs.nr_open."""
    load = kit.replace(kit.W1, concurrent=2_000_000)
    assert ["fs.nr_open", "nofile"] == [change.setting for change in kit.row("process-descriptors", load).changes]


def test_a_process_that_does_not_run(kit):
    """Its limit is not known, and what does run is named."""
    row = kit.row("process-descriptors", kit.replace(kit.W1, process="haproxy"))
    assert (V.UNKNOWN, 100_100) == (row.verdict, row.required)
    assert "nginx" in row.reason
    tried = kit.row("process-descriptors", kit.replace(kit.W1, process="haproxy"), what_if={"nofile": "200000"})
    assert (V.FITS, 200_000) == (tried.verdict, tried.limit), "as it would be started"


def test_a_limit_that_needs_root(kit):
    """Then there is no verdict."""
    hidden = process(soft=Absent(AbsentReason.NOT_PERMITTED, "needs root"))
    row = kit.row("process-descriptors", kit.W1, facts=kit.facts(limits=limits_of(hidden)))
    assert V.UNKNOWN is row.verdict


def test_open_files_on_top(kit):
    """What the process has open now comes on top, if the workload says so."""
    facts = kit.facts(limits=limits_of(process(open_files=5000)))
    assert 105_000 == kit.row("process-descriptors", kit.W1, facts=facts, present=Present.ADDITIONAL).required
    assert 100_100 == kit.row("process-descriptors", kit.W1, facts=facts).required, "at most 100 are no connections"


def test_files_of_the_host(kit):
    """What others have open stays open, and does not grow with the load."""
    row = kit.row("system-descriptors", kit.W1)
    assert 100_000 + 3000 - 30 == row.required
    assert (2466170 - 2970) / 100_000 == pytest.approx(row.breaks_at)


@pytest.mark.parametrize("tried", [False, True])
def test_the_largest_number_of_files_is_no_limit(kit, tried):
    """It is what systemd sets at boot, to have none, running or tried out."""
    most = 2**63 - 1
    limits = kit.replace(kit.facts().limits, files_max=1 if tried else most)
    what_if = {"fs.file-max": str(most)} if tried else {}
    row = kit.row("system-descriptors", kit.W1, facts=kit.facts(limits=limits), what_if=what_if)
    assert (V.FITS, None, None) == (row.verdict, row.limit, row.breaks_at)
    assert f"fs.file-max = {most}" == row.evidence
    limits = kit.replace(limits, files_max=most - 1)
    assert most - 1 == kit.row("system-descriptors", kit.W1, facts=kit.facts(limits=limits)).limit


def test_pages_and_not_bytes(kit):
    """2,000 pages to be read and 35,000 to be sent; the limit is 575,796 pages, 2.2 GiB."""
    row = kit.row("tcp-memory", kit.W1)
    assert (37_000, 575_796, V.FITS, "pages") == (row.required, row.limit, row.verdict, row.unit)
    assert "144.5 MiB" in row.formula


def test_a_page_of_64_kib(kit):
    """The same number of pages is sixteen times as many bytes, and one holds a whole response."""
    memory = kit.replace(kit.facts().memory, page_bytes=65536)
    assert 2000 + 5000 == kit.row("tcp-memory", kit.W1, facts=kit.facts(memory=memory)).required


def test_pressure_comes_before_loss(kit):
    """Above the second value windows shrink: tight, and not yet broken."""
    facts = kit.facts({"net.ipv4.tcp_mem": "20000 30000 60000"})
    assert V.TIGHT is kit.row("tcp-memory", kit.W1, facts=facts).verdict


def test_slow_clients_are_the_worst_case(kit):
    """If every connection held its response it would be 700,000 pages."""
    facts = kit.facts({"net.ipv4.tcp_mem": "20000 30000 30000"})
    row = kit.row("tcp-memory", kit.W1, facts=facts)
    assert V.BREAKS is row.verdict
    assert "700,000 pages, 2.7 GiB" in row.reason


def test_memory_in_all(kit):
    """Sockets 381 MiB, TIME-WAIT 66 MiB, buffers 145 MiB."""
    row = kit.row("memory", kit.W1)
    expected = 100_000 * 3994 + 270_000 * 256 + 37_000 * 4096
    assert expected == row.required
    assert 381 == round(100_000 * 3994 / 2**20)
    assert 20 * 2**30 == row.limit


def test_the_side_that_connects_pays_twice_for_time_wait(kit):
    """A port of its own takes two buckets more."""
    load = kit.replace(kit.OUT, concurrent=0)
    assert 48_000 * 512 == kit.row("memory", load).required


def test_the_applications_memory(kit):
    """It counts where it is declared; else it is said that it does not."""
    load = kit.replace(kit.W1, memory_per_connection_bytes=20 * 1024)
    assert 100_000 * 20 * 1024 == kit.row("memory", load).required - kit.row("memory", kit.W1).required
    unsaid = kit.row("memory", kit.replace(kit.W1, memory_per_connection_bytes=None))
    assert any("memory_per_connection" in text for text in unsaid.assumed)


@pytest.mark.parametrize(
    ("payload", "charged", "held"),
    [(1, 832, 256), (100, 832, 256), (197, 832, 256), (198, 1280, 166), (645, 1280, 166), (646, 2304, 92),
     (1472, 2304, 92), (1684, 2304, 92), (1685, 3584, 59), (4000, 6912, 30), (8000, 12800, 16)],
)  # fmt: skip
def test_what_a_datagram_is_charged(payload, charged, held):
    """So many fitted into the default buffer of 212,992 bytes."""
    assert charged == truesize(payload)
    assert held == 212_992 // charged


def test_the_default_buffer_lasts_five_milliseconds(kit):
    """50,000/s for 20 ms are 832,000 bytes; the default holds 256 datagrams."""
    row = kit.row("udp-receive-buffer", kit.UDP)
    assert (832_000, 212_992, V.BREAKS) == (row.required, row.limit, row.verdict)
    assert ["416000"] == [change.value for change in row.changes]


def test_the_kernel_doubles_what_is_asked_for(kit):
    """As far as rmem_max allows."""
    asks = kit.replace(kit.UDP, receive_buffer_bytes=416_000)
    assert 2 * 212_992 == kit.row("udp-receive-buffer", asks).limit
    row = kit.row("udp-receive-buffer", asks, what_if={"net.core.rmem_max": "4194304"})
    assert (832_000, V.FITS) == (row.limit, row.verdict)


def test_the_buffer_of_a_socket_that_is_open(kit):
    """It is what counts, whatever the defaults are."""
    socket = kit.UdpSocket("0.0.0.0", 514, 4096, 1_000_000, 0, 1)
    facts = kit.facts(sockets=kit.replace(kit.SOCKETS, udp=(socket,)))
    row = kit.row("udp-receive-buffer", kit.UDP, facts=facts)
    assert (1_000_000, 4096) == (row.limit, row.in_use)


def test_readers_share(kit):
    """Sockets of one port each get a part."""
    assert 208_000 == kit.row("udp-receive-buffer", kit.replace(kit.UDP, sockets=4)).required


@pytest.mark.parametrize(("resource", "way"), [("receive-buffer", "incoming"), ("send-buffer", "outgoing")])
def test_buffers_of_one_connection(kit, resource, way):
    """1 Gbit/s over 40 ms are 5 MB in flight; 16 MiB are asked for, whatever the share of overhead."""
    load = kit.replace(kit.W1, flow_bps=Ways(**{way: 1e9}))
    row = kit.row(resource, load)
    assert V.BREAKS is row.verdict
    assert 10e6 == pytest.approx(row.provision)
    assert row.changes[0].value.endswith(" 16777216")
    assert 3 == len(row.changes[0].value.split()), "all three values are written"


def test_a_window_does_not_grow_with_the_load(kit):
    """More connections of the same sort need no larger buffers."""
    load = kit.replace(kit.W1, flow_bps=Ways(1e9, None))
    assert kit.row("receive-buffer", load).required == kit.row("receive-buffer", load.times(3)).required
    assert 0 == kit.row("receive-buffer", load).breaks_at


def test_what_a_connection_reaches_instead(kit):
    """256 KiB over 40 ms carried 31.7 Mbit/s."""
    facts = kit.facts({"net.ipv4.tcp_rmem": "4096 65536 262144"})
    row = kit.row("receive-buffer", kit.replace(kit.W1, flow_bps=Ways(1e9, None)), facts=facts)
    assert "it gets about 31.5 Mbit/s" in row.reason
    assert math.isclose(31.7e6, 1e9 * row.limit / row.required, rel_tol=0.25)


@pytest.mark.parametrize("resource", ["memory", "tcp-memory"])
def test_a_host_that_does_not_tell_its_memory(kit, resource):
    """Each resource says for itself that it is not known."""
    found = kit.row(resource, kit.W1, facts=kit.facts(memory=Absent(AbsentReason.NOT_PERMITTED, "x")))
    assert (found.verdict, found.reason) == ("unknown", "the memory of the host is not known: not permitted: x")
