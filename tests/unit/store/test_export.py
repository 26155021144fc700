"""A run goes to a colleague and comes back the same, without secrets, and a file of strangers is whole or refused."""

from __future__ import annotations

import base64
import gzip
import json
import re
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from netaudit.errors import UsageError, Where
from netaudit.fleet.rows import host_row
from netaudit.fleet.tally import Tally
from netaudit.model.context import CheckContext, Decision, LoadContext, RunContext
from netaudit.model.probe import Capture
from netaudit.model.result import RunInfo
from netaudit.store import Store, importing, open_store
from netaudit.store.export import export_run
from netaudit.store.importing import import_run
from netaudit.wire.codec import load_capture

CONTEXT = RunContext(
    {"tcp.accept_queue.somaxconn": CheckContext("t", "listener", "high", "why", where=Where("rules/acme.yaml", 3, 1))},
    {"web1.acme.example": Where("inventory/acme.ini", 4)},
    {"web1.acme.example": ("acme_web",), "10.20.30.40": ("acme_web",)},
    decisions=(
        Decision(Where("rules/acme.yaml", 9, 5), frozenset({"a", "b"}), frozenset({"web1.acme.example"})),
        Decision(Where("host_vars/db1.yml", 1), frozenset({"a", "b"}), frozenset({"db1"})),
        Decision(Where("rules/acme.yaml", 3, 1), frozenset({"c"}), frozenset({"db1", "10.20.30.40"})),
    ),
)
SECRET = "correct-horse"


@pytest.fixture
def run(made_up: ModuleType) -> RunInfo:
    """The run that is handed on."""
    return replace(made_up.RUN, pattern="acme_web", notes=("seen from /home/jdoe/fleet by jdoe@bastion.acme.example",))


@pytest.fixture
def filled(store: Store, made_up: ModuleType, capture: Capture, run: RunInfo) -> Store:
    """Three hosts with names, addresses, a waiver and a secret in what they say."""
    names = ("web1.acme.example", "10.20.30.40", "db1")
    evidence = f"web1 talks to 10.20.30.40 and 2001:db8::7 from 127.0.0.1; psk={SECRET} kernel 6.18.0"
    reports = []
    for place, name in enumerate(names):
        found = replace(made_up.host(name, 9 + place, 3), address=f"10.20.30.{40 + place}")
        first = replace(found.results[0], evidence=evidence, observed={name: ["10.20.30.40", 4096]})
        waived = made_up.waived()
        reports.append(replace(found, results=(first, waived, *found.results[1:]), notes=(f"note of {name}",)))
    reports[2] = replace(made_up.silent("db1", 3), address="10.20.30.42")
    tally = Tally()
    store.begin(run, names, CONTEXT)
    dirty = replace(
        capture, sections=(replace(capture.sections[0], stdout=f"token = {SECRET}\n\xff".encode("latin-1")),)
    )
    for place, report in enumerate(reports):
        tally.add(report)
        store.add_host(run.id, place, report, replace(dirty, host=report.name) if place == 0 else None)
    fleet = (replace(made_up.mtu_finding(3), hosts=("web1.acme.example",), evidence="10.20.30.0/24: web1 eth0 9000"),)
    store.finish(run, tally.summary(fleet), fleet)
    return store


@pytest.fixture
def elsewhere(tmp_path: Path):
    """The history of somebody else."""
    with open_store(tmp_path / "other" / "netaudit.db") as opened:
        yield opened


_PSEUDONYM = re.compile(r"-[0-9a-f]{8}(?![0-9a-f])")


def _export(store: Store, path: Path, *, captures: bool = False, anonymous: bool = False) -> str:
    export_run(store, store.run("last"), path, captures=captures, anonymous=anonymous)
    return gzip.decompress(path.read_bytes()).decode()


def test_a_run_comes_back_as_it_was(filled: Store, elsewhere: Store, run: RunInfo, tmp_path: Path) -> None:
    """Hosts, totals, context, findings across hosts; only the secrets are missing."""
    text = _export(filled, tmp_path / "a.run")
    assert SECRET not in text
    taken = import_run(elsewhere, tmp_path / "a.run")
    assert (taken.id, taken.hosts) == (run.id, 3)
    stored, original = elsewhere.run("last"), filled.run("last")
    assert stored.is_imported
    assert stored.info == original.info
    assert stored.summary == original.summary
    assert elsewhere.context(run.id) == filled.context(run.id)
    assert elsewhere.fleet(run.id) == filled.fleet(run.id)
    ours = [json.loads(json.dumps(host_row(report)).replace(SECRET, "[removed]")) for report in filled.reports(run.id)]
    assert [json.loads(json.dumps(host_row(report))) for report in elsewhere.reports(run.id)] == ours
    assert list(elsewhere.spells()) == []  # it is not of our fleet


def test_the_file_is_its_owners_and_never_overwritten(filled: Store, tmp_path: Path) -> None:
    """A run tells much of a fleet."""
    path = tmp_path / "a.run"
    _export(filled, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="File exists"):
        _export(filled, path)
    with pytest.raises(UsageError, match="No such file or directory"):
        _export(filled, tmp_path / "none" / "a.run")


def test_captures_go_along_when_asked(filled: Store, elsewhere: Store, run: RunInfo, tmp_path: Path) -> None:
    """Without secrets as well; everything else of them byte for byte."""
    text = _export(filled, tmp_path / "a.run", captures=True)
    (dump,) = [base64.b64decode(json.loads(line)["capture"]) for line in text.splitlines() if '"capture"' in line]
    assert load_capture(dump).sections[0].stdout == b"token = [removed]\n\xff"
    import_run(elsewhere, tmp_path / "a.run")
    assert [each.sections[0].stdout for each in elsewhere.captures(run.id)] == [b"token = [removed]\n\xff"]
    with pytest.raises(UsageError, match="--captures or --anonymous"):
        _export(filled, tmp_path / "b.run", captures=True, anonymous=True)


def test_the_load_goes_along_with_the_answers(
    store: Store, elsewhere: Store, run: RunInfo, capture: Capture, made_up: ModuleType, tmp_path: Path
) -> None:
    """A capacity check can be weighed again elsewhere; without raw answers there is nothing to weigh."""
    text = f"workload: launch  # psk={SECRET}\n"
    load = LoadContext("w.yaml", text, 2.0, {"rx_ring": "512"}, {"web": frozenset({"web1", "web2"})})
    store.begin(run, ["web1"], replace(CONTEXT, load=load))
    store.add_host(run.id, 0, made_up.host("web1", 3, 3), replace(capture, host="web1"))
    store.finish(run, Tally().summary(()), ())
    assert store.context(run.id).load == load
    assert '"load"' not in _export(store, tmp_path / "without.run")
    assert SECRET not in _export(store, tmp_path / "with.run", captures=True)
    import_run(elsewhere, tmp_path / "with.run")
    taken = elsewhere.context(run.id).load
    assert taken is not None
    assert replace(taken, text=text) == load


def test_an_anonymous_run_names_nobody(filled: Store, elsewhere: Store, run: RunInfo, tmp_path: Path) -> None:
    """Names, addresses, groups, paths, people: all replaced, each by one pseudonym; the findings are all there."""
    text = _export(filled, tmp_path / "a.run", anonymous=True)
    for known in ("acme", "web1", "db1", "10.20.30.", "2001:db8", "jdoe", "j.doe", "NET-1234", "bastion", "rules/"):
        assert known not in _PSEUDONYM.sub("-", text), known  # whose digits may be those of any short name
    assert "127.0.0.1" in text
    assert "6.18.0" in text
    import_run(elsewhere, tmp_path / "a.run")
    reports = list(elsewhere.reports(run.id))
    first = reports[0]
    assert first.results[0].evidence is not None
    assert first.results[0].evidence.startswith(f"{first.name} talks to {reports[1].name} and ipv6-")
    assert first.results[0].observed == {first.name: [reports[1].name, 4096]}
    assert elsewhere.fleet(run.id)[0].hosts == (first.name,)
    assert elsewhere.context(run.id).groups[first.name] == first.groups
    assert elsewhere.run("last").summary == filled.run("last").summary
    assert [result.check for result in first.results] == [
        result.check for result in next(iter(filled.reports(run.id))).results
    ]


def test_two_anonymous_exports_of_a_history_fit_together(filled: Store, tmp_path: Path, elsewhere: Store) -> None:
    """The key stays with the history; another history has another one."""
    first, second = _export(filled, tmp_path / "a", anonymous=True), _export(filled, tmp_path / "b", anonymous=True)
    assert first == second
    assert filled.key("pseudonyms") == filled.key("pseudonyms") != elsewhere.key("pseudonyms")


def test_a_run_is_taken_in_once(filled: Store, elsewhere: Store, run: RunInfo, tmp_path: Path) -> None:
    """Its own history has it already."""
    _export(filled, tmp_path / "a.run")
    with pytest.raises(UsageError, match="is in the history already"):
        import_run(filled, tmp_path / "a.run")
    import_run(elsewhere, tmp_path / "a.run")
    with pytest.raises(UsageError, match="is in the history already"):
        import_run(elsewhere, tmp_path / "a.run")


def test_a_run_that_has_not_finished_stays(store: Store, run: RunInfo, tmp_path: Path) -> None:
    """There is nothing whole to hand on."""
    store.begin(run, ["web1"])
    with pytest.raises(UsageError, match="has not finished"):
        _export(store, tmp_path / "a.run")
    assert not (tmp_path / "a.run").exists()


Line = dict[str, Any]


def _set(place: int, *keys: str | int, to: object) -> Callable[[list[Line]], None]:
    """A change of one value of one line."""

    def change(lines: list[Line]) -> None:
        at: Any = lines[place]
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = to

    return change


HOSTILE: dict[str, tuple[Callable[[list[Line]], object], str]] = {
    "of a later version": (_set(0, "schema", to="netaudit.run/2"), "reads netaudit.run/1"),
    "of something else": (_set(0, "schema", to="x"), "the first line"),
    "an id that leads elsewhere": (_set(0, "run", "id", to="../../x"), "not what netaudit writes"),
    "an id that is no text": (_set(0, "run", "id", to=["x"]), "not a run"),
    "a command with an escape": (_set(0, "run", "command", to="\x1b[2J"), "not what netaudit writes"),
    "a time without zone": (_set(0, "run", "started", to="2026-11-20T15:00:00"), "without zone"),
    "too many notes": (_set(0, "run", "notes", to=["x"] * 1000), "more notes"),
    "a note that is too long": (_set(0, "run", "notes", to=["x" * 10**6]), "not so long"),
    "totals that are text": (_set(0, "summary", "hosts", to="3"), "whole number"),
    "names that are numbers": (_set(1, "names", to=[1, 2, 3]), "text is wanted"),
    "other names": (_set(1, "names", 0, to="web9"), "not the one that was announced"),
    "too few names": (_set(1, "names", to=["web1.acme.example"]), "not the one that was announced"),
    "a rule that is a list": (_set(1, "rules", to={"a": []}), "not a run"),
    "a place that is text": (_set(1, "inventory", "places", to={"web1": "x"}), "a file, a line"),
    "a verdict of its own": (_set(2, "host", "results", 0, "status", to="great"), "not a valid Verdict"),
    "results that are none": (_set(2, "host", "results", to=5), "a list is wanted"),
    "a capture that is none": (_set(2, "capture", to="!!!!"), "not a run"),
    "a capture that grows": (
        _set(2, "capture", to=base64.b64encode(b"NACAP1\n" + gzip.zlib.compress(b"\0" * 10**6)).decode()),
        "damaged",
    ),
    "a number of hosts that lies": (_set(-1, "hosts", to=99), "the end does not fit"),
    "no end": (lambda lines: lines.pop(), "cut"),
    "something behind the end": (lambda lines: lines.append({"host": 1}), "the end does not fit"),
    "only a beginning": (lambda lines: lines.__delitem__(slice(1, None)), "cut"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_and_leaves_nothing(
    name: str, filled: Store, elsewhere: Store, tmp_path: Path
) -> None:
    """One line says why, and the history is as it was."""
    change, said = HOSTILE[name]
    lines = [json.loads(line) for line in _export(filled, tmp_path / "a.run").splitlines()]
    change(lines)
    bad = tmp_path / "bad.run"
    bad.write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode()))
    with pytest.raises(UsageError, match=said) as caught:
        import_run(elsewhere, bad)
    assert "\n" not in str(caught.value)
    assert elsewhere.runs() == ()
    for table in ("hosts", "checks", "results", "contexts", "spells"):
        assert list(elsewhere._database.rows(f"SELECT count(*) FROM {table}")) == [(0,)], table


NO_RUNS = {
    "nothing": b"",
    "not gzip": b"not gzip",
    "nothing in gzip": gzip.compress(b""),
    "a list": gzip.compress(b"[1]\n"),
    "nested beyond reason": gzip.compress(b"{" * 100_000),
    "not a number": gzip.compress(b"NaN\n"),
    "a number beyond reason": gzip.compress(b'{"schema": ' + b"9" * 5000 + b"}\n"),
    "not text": gzip.compress(b"\xff\xfe\n"),
    "cut off": gzip.compress(b"{}\n")[:-4],
}


@pytest.mark.parametrize("data", NO_RUNS.values(), ids=NO_RUNS)
def test_what_is_no_run_is_refused(data: bytes, elsewhere: Store, tmp_path: Path) -> None:
    """Whatever it is."""
    path = tmp_path / "bad.run"
    path.write_bytes(data)
    with pytest.raises(UsageError):
        import_run(elsewhere, path)
    assert elsewhere.runs() == ()


def test_sizes_are_bounded(filled: Store, elsewhere: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the file, of a line, and of all that comes out of it: little that is packed may be much."""
    path = tmp_path / "a.run"
    _export(filled, path)
    said = "larger than netaudit writes any"
    for bound, why in (
        ("FILE_BYTES", "larger than"),
        ("LINE_BYTES", said),
        ("TOTAL_BYTES", said),
        ("HOSTS", "at most 2"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(importing, f"MAX_{bound}", 2)
            with pytest.raises(UsageError, match=why):
                import_run(elsewhere, path)
    with pytest.raises(UsageError, match="not a file"):
        import_run(elsewhere, tmp_path)
    assert elsewhere.runs() == ()
