"""A controller of its own for each job, forked: drives one lab host, and dies or loses its network where the job says.

Reads a list of jobs as JSON from standard input, starts one child after the other, and ends when all have. A child
writes how its change ended to the file that its job names; one that is killed writes nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from netaudit.app.guarded_host import GuardedHost, Inspection, Ways, change_of
from netaudit.app.journalling import Journalling
from netaudit.assets.locate import locate
from netaudit.assets.probes import load_probes
from netaudit.model.contact import Limits
from netaudit.model.target import Become, BecomeMethod, SshSettings, Target
from netaudit.remedy.flow import Entry
from netaudit.remedy.unchanged import PROBES
from netaudit.store.database import Database
from netaudit.store.journal import Journal
from netaudit.store.journal_rows import work_from
from netaudit.transport.asyncssh_transport import AsyncsshTransport
from netaudit.transport.options import openssh_defaults


class Faulty(Journal):
    """A journal at whose entries things go wrong: the only hook there is."""

    def __init__(self, path: Path, job: dict) -> None:
        super().__init__(Database(path, durable=True))
        self._job = job
        self._timer: threading.Timer | None = None

    def write(self, entries: Sequence[tuple[str, Entry]]) -> None:
        """Write, with the fault of the job before or after the entry that it names."""
        (identity, entry) = entries[0]
        assert 1 == len(entries)
        here = self._job.get("at") == [str(entry.state), str(entry.action or ""), str(entry.event or "")]
        if here and self._job["fault"] == "killed before":
            os.kill(os.getpid(), signal.SIGKILL)
        super().write([(identity, entry)])
        if here and self._job["fault"] == "killed after":
            os.kill(os.getpid(), signal.SIGKILL)
        if here and "cut" in self._job and self._timer is None:
            inside(self._job, self._job["cut"])
            self._timer = threading.Timer(self._job["lift_after_s"], self._lift)
            if self._job["lift"]:
                self._timer.start()

    def await_lift(self) -> None:
        """Return once a cut is lifted: a controller that gave up early leaves no host cut off for the next test."""
        if self._timer is not None and self._job["lift"]:
            self._timer.join()

    def _lift(self) -> None:
        Path(self._job["result"] + ".during").write_text(inside(self._job, self._job["snapshot"]))
        inside(self._job, self._job["lift"])


def inside(job: dict, script: str) -> str:
    """What a script prints inside of the host, or outside of it when it begins so."""
    command = ["sh", "-c", script] if script.startswith("#outside") else [
        "nsenter", "-t", str(job["init"]), "-m", "-n", "-u", "-p", "sh", "-c", script]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout


def target_of(job: dict) -> Target:
    """The host, as an inventory would give it."""
    options = {"userknownhostsfile": (job["known_hosts"],)}
    ssh = SshSettings(
        user=job.get("user", "root"), identity_files=(job["identity"],), identities_only=True, options=options
    )
    become = Become(BecomeMethod(job["become"])) if "become" in job else None
    return Target(job["host"], job["address"], ssh=ssh, become=become)


def transport(limits: Limits | None = None) -> AsyncsshTransport:
    """The transport of every test."""
    from dataclasses import replace

    return AsyncsshTransport(replace(openssh_defaults(), limits=limits or Limits(), use_ssh_config=False))


async def drive(job: dict) -> dict:
    """One change from end to end."""
    journal = Faulty(Path(job["db"]), job)
    work = work_from(job["work"])
    way = transport()
    watched = tuple(probe for probe in load_probes(locate()) if probe.id in PROBES)
    objections = tuple(job.get("objections", ()))
    host = GuardedHost(
        target_of(job),
        change_of(work, job["run"]),
        Ways(way, Journalling(journal, job["run"])),
        Inspection(watched=watched if job.get("watched") else (), judge=lambda _: objections),
    )
    ended = await host.apply()
    if ended is None:
        await asyncio.sleep(job.get("gate_s", 0))
        ended = await (host.abandon(job["abandon"]) if job.get("abandon") else host.confirm())
    await way.close()
    journal.await_lift()
    entries = [(entry.state, entry.action or "", entry.event or "") for entry in journal.changes(job["run"])[0].entries]
    return {"outcome": ended.outcome, "reason": ended.reason, "hint": ended.hint, "read_back": dict(ended.read_back),
            "notes": list(ended.notes), "entries": entries}  # fmt: skip


def child(job: dict) -> None:
    """Never returns."""
    code = 1
    try:
        result = asyncio.run(drive(job))
        Path(job["result"]).write_text(json.dumps(result))
        code = 0
    except BaseException:
        import traceback

        Path(job["result"] + ".error").write_text(traceback.format_exc())
    finally:
        os._exit(code)


def main() -> None:
    """Start the jobs with a little time between them: the machine is small, and their windows are short."""
    jobs = json.load(sys.stdin)
    left = {}
    for job in jobs:
        pid = os.fork()
        if pid == 0:
            child(job)
        left[pid] = job
        time.sleep(job.get("apart_s", 0.3))
    while left:
        pid, _ = os.wait()
        left.pop(pid, None)


if __name__ == "__main__":
    main()
