"""The user's own word at a gate: ``--gate CMD``, run on the controller by ``/bin/sh -c``."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence

from netaudit.report.sanitise import printable

_LAST_BYTES = 4096


async def ask(command: str, run_id: str, hosts: Sequence[str]) -> str | None:
    """None when the command ends with status 0, else one line on how it ended.

    It finds the hosts in ``$NETAUDIT_HOSTS``, separated by commas, and the run in ``$NETAUDIT_RUN``. Its output is not
    shown but for the last line of a refusal. When the gate is given up it is ended with everything it started.
    """
    environment = {**os.environ, "NETAUDIT_HOSTS": ",".join(hosts), "NETAUDIT_RUN": run_id}
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    )
    try:
        process = await asyncio.shield(starting)
        said = await _last_of(process)
        status = await process.wait()
    except asyncio.CancelledError:
        process = await starting  # it may be running before asyncio knows of it
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise
    if status == 0:
        return None
    how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    return f"the gate command {how}" + (f": {said}" if said else "")


async def _last_of(process: asyncio.subprocess.Process) -> str:
    """The last line that it printed, made printable; no more than a few KiB are ever kept."""
    assert process.stdout is not None  # noqa: S101  # a pipe, as asked for above
    kept = b""
    while piece := await process.stdout.read(_LAST_BYTES):
        kept = (kept + piece)[-_LAST_BYTES:]
    lines = kept.decode("utf-8", "replace").strip().splitlines()
    return printable(lines[-1], 200) if lines else ""
