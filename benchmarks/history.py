"""The history of a fleet: its size on disk, and how long questions to it take.

The database is built from made-up reports of which a tenth changes from run to run. It is smaller than the thousand
runs of a thousand hosts that the bounds are about: the size is in proportion to hosts times runs, and is told for all
of them. A question reads either one or two whole runs, whose hosts are a thousand here as well, or a few index rows of
each run: for those there is a second database of as many runs over few hosts.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType

from figures import Figure

from netaudit.fleet.drift import Comparison
from netaudit.fleet.tally import Tally
from netaudit.model.context import RunContext
from netaudit.model.result import HostReport, Result
from netaudit.store import Retention, Store, open_store, run_id
from netaudit.store.choosing import Choice

HOSTS = 1_000
RUNS = 1_000
_BOUND_BYTES = 2 * 10**9
_BOUND_S = 1.0


def figures(scratch: Path, *, quick: bool) -> list[Figure]:
    """Build, measure, and say what a thousand runs of a thousand hosts take."""
    made_up = _made_up()
    wide, many = (200, 5) if quick else (HOSTS, 12)
    runs, few = (100, 10) if quick else (RUNS, 20)
    cpu_s, size_bytes = _build(scratch / "wide.db", made_up, wide, many)
    per_host = size_bytes / wide / many
    _build(scratch / "long.db", made_up, few, runs)
    with _opened(scratch / "wide.db") as whole, _opened(scratch / "long.db") as long:
        found = [
            Figure(
                "history of 1,000 runs of 1,000 hosts, on disk", per_host * HOSTS * RUNS / 1e9, "GB", _BOUND_BYTES / 1e9
            ),
            Figure("  to record a host, CPU", cpu_s / wide / many * 1e3, "ms"),
        ]
        found += [_question(name, question, long) for name, question in _LONG.items()]
        found += [_question(name, question, whole) for name, question in _WIDE.items()]
    return found


def _opened(path: Path) -> Store:
    return open_store(path, retention=Retention(runs=10 * RUNS))


def _question(name: str, question: Callable[[Store], object], store: Store) -> Figure:
    clock = time.perf_counter()
    question(store)
    return Figure(f"  {name}", time.perf_counter() - clock, "s", _BOUND_S)


def _diff(store: Store) -> object:
    newest, oldest = store.ids()[0], store.ids()[-1]
    comparison = Comparison()
    for report in store.reports(oldest):
        comparison.add_before(report)
    for report in store.reports(newest):
        comparison.add_after(report)
    return comparison.drift()


_LONG: dict[str, Callable[[Store], object]] = {
    "the last runs, of 1,000": lambda store: store.runs(20),
    "all runs with one host, of 1,000": lambda store: list(store.chosen(Choice(host="web7", limit=RUNS))),
    "runs of a group with one check, of 1,000": lambda store: list(
        store.chosen(Choice(group="web", check="nic.ring.rx", limit=RUNS))
    ),
    "runs with a host that there never was, of 1,000": lambda store: list(store.chosen(Choice(host="nobody*"))),
}
_WIDE: dict[str, Callable[[Store], object]] = {
    "runs of a group, of 1,000 hosts": lambda store: list(store.chosen(Choice(group="web"))),
    "since when one check fails on 1,000 hosts": lambda store: list(store.spells(check="tcp.rmem.max")),
    "since when all of a run fails on 1,000 hosts": lambda store: list(store.spells_of_run(store.ids()[0])),
    "what differs between two runs of 1,000 hosts": _diff,
}


def _build(path: Path, made_up: ModuleType, hosts: int, runs: int) -> tuple[float, int]:
    """CPU seconds of recording and the size of the file, which is then whole."""
    recorded_s = 0.0
    names = [f"web{number}" for number in range(hosts)]
    context = RunContext(groups=dict.fromkeys(names, ("web",)))
    with _opened(path) as store:
        for number in range(runs):
            at = made_up.STARTED + timedelta(hours=number)
            run = replace(made_up.RUN, id=run_id(at, f"{number:04x}"), started_at=at)
            reports = [_report(made_up, name, place, number) for place, name in enumerate(names)]
            clock = time.process_time()
            store.begin(run, names, context)
            tally = Tally()
            for place, report in enumerate(reports):
                store.add_host(run.id, place, report, None)
                tally.add(report)
            store.finish(run, tally.summary(), ())
            recorded_s += time.process_time() - clock
    return recorded_s, path.stat().st_size


def _report(made_up: ModuleType, name: str, place: int, run: int) -> HostReport:
    """A host of which every tenth value differs from host to host and from run to run, as counters and pids do."""
    kind = place + (run if place % 50 == 0 else 0)  # and here and there a finding comes or goes
    report: HostReport = made_up.host(name, kind)
    results = [_varied(result, 7919 * place + 104729 * run + number) for number, result in enumerate(report.results)]
    return replace(report, results=tuple(results))


def _varied(result: Result, noise: int) -> Result:
    if noise % 10 or not isinstance(result.observed, int):
        return result
    return replace(result, observed=noise, evidence=f"{result.evidence} {noise}")


def _made_up() -> ModuleType:
    path = Path(__file__).parents[1] / "tests" / "golden" / "synthetic.py"
    spec = importlib.util.spec_from_file_location("synthetic_fleet", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
