"""The endpoint of a watch: where it listens, what it answers, and what it does not."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from netaudit.app.watch import Round
from netaudit.cli.watching.listen import Endpoint, parse_address
from netaudit.cli.watching.watching import Known
from netaudit.errors import UsageError
from netaudit.model.result import HostReport, HostStatus, RunInfo, Summary

AT = datetime(2026, 11, 20, 14, tzinfo=UTC)
RUN = RunInfo("20261120-140000-0000", "watch", AT, "0")


class Clock:
    """A clock that the test sets."""

    def __init__(self):
        self.seconds = 1000.0

    def now(self):
        return self.seconds

    def wall(self):
        return AT


def _over(ended_s, **more):
    report = HostReport('we"b\n1', "", HostStatus.OK, None, 0.1)
    values = {"number": 7, "changes": 3, "opened": 2, "asked": 1, "late": 0, "waiting": 0, "changed": True}
    return Round(
        started_at=AT, ended_s=ended_s, duration_s=1.5, summary=Summary(1, 1), reports=(report,), fleet=(),
        **(values | more),
    )  # fmt: skip


@pytest.fixture
def port():
    """A port of the loopback that is free."""
    with socket.create_server(("127.0.0.1", 0)) as probing:
        return probing.getsockname()[1]


@pytest.fixture
def served(port):
    """An endpoint, what it knows, and how to ask it."""
    clock = Clock()
    known = Known(lambda: RUN, 60.0, clock)
    endpoint = Endpoint(str(port), known)

    def ask(path, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    yield known, clock, ask
    endpoint.close()


def test_metrics_are_read_by_the_official_parser(served):
    """Those of an audit and those of the watch, whatever a host is called."""
    known, clock, ask = served
    known.round_done(_over(clock.seconds))
    clock.seconds += 12.0
    status, text = ask("/metrics?x=1")
    found = {sample.name: sample for family in text_string_to_metric_families(text) for sample in family.samples}
    assert 200 == status
    assert 12.0 == found["netaudit_watch_round_age_seconds"].value
    assert (7.0, 3.0, 2.0) == tuple(
        found[f"netaudit_watch_{name}_total"].value for name in ("rounds", "changes", "connections")
    )
    assert 1.0 == found["netaudit_watch_hosts_up"].value
    assert 1.5 == found["netaudit_watch_round_duration_seconds"].value
    assert r"we\"b\x0a1" == found["netaudit_host_ok"].labels["host"].replace('"', r"\"")


def test_health_follows_the_age_of_the_last_round(served):
    """Well before the first round and up to three intervals after one, and then not."""
    known, clock, ask = served
    assert 200 == ask("/healthz")[0]
    clock.seconds += 180.1
    assert 503 == ask("/healthz")[0], "no round has ended at all"
    known.round_done(_over(clock.seconds))
    assert (200, "ok: the last round ended 0 ms ago (at most 3 m)\n") == ask("/healthz")
    clock.seconds += 180.1
    assert 503 == ask("/healthz")[0]


def test_other_paths_and_methods_are_turned_away(served):
    """Nothing is served but that."""
    _, _, ask = served
    assert 404 == ask("/etc/passwd")[0]
    assert 501 == ask("/metrics", "POST")[0]
    assert (200, "") == ask("/metrics", "HEAD")


def test_readers_that_say_nothing_hold_up_nobody_for_long(served, port):
    """Beyond a few at once they are hung up on; those who come when they have gone are answered."""
    _, _, ask = served
    silent = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(12)]
    hung_up = silent[-1].recv(1)
    for each in silent:
        each.close()
    assert b"" == hung_up
    answers = []
    for _ in range(200):
        try:
            answers.append(ask("/healthz")[0])
            break
        except (urllib.error.URLError, ConnectionError):
            threading.Event().wait(0.05)
    assert [200] == answers


def test_an_address_that_is_taken_is_said(served, port):
    """In words, before any host is contacted."""
    known, _, _ = served
    with pytest.raises(UsageError, match="something else listens there already"):
        Endpoint(f"127.0.0.1:{port}", known)


@pytest.mark.parametrize(("text", "meant"), [
    ("9116", ("127.0.0.1", 9116)),
    ("0.0.0.0:9116", ("0.0.0.0", 9116)),
    ("[::1]:9116", ("::1", 9116)),
])  # fmt: skip
def test_addresses(text, meant):
    """A port alone is the loopback's."""
    assert meant == parse_address(text)


@pytest.mark.parametrize("text", ["", "x", ":9116", "127.0.0.1:", "127.0.0.1:70000", "::1:9116", "0", "127.0.0.1:٣"])
def test_addresses_that_are_none(text):
    """Each is refused in one line."""
    with pytest.raises(UsageError):
        parse_address(text)


@pytest.mark.parametrize("text", ["nosuch.invalid:9116", "198.51.100.1:9116"])
def test_addresses_that_this_machine_does_not_have(text):
    """No name is looked up, and what cannot be bound is said."""
    with pytest.raises(UsageError, match="address"):
        Endpoint(text, Known(lambda: RUN, 60.0, Clock()))
