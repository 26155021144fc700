"""What commands that contact or change hosts print, as it was last looked at, on terminals of 80 and 120 columns.

``NETAUDIT_UPDATE_GOLDEN=1 pytest tests/integration/cli/test_terminal.py`` writes the files anew; read the difference
before it is committed. The other commands are in tests/golden/test_commands.py. What is different each time, such as
times, run ids, fingerprints and addresses, is masked by something that is as long.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]

FILES = Path(__file__).resolve().parents[2] / "golden" / "commands"
ONLY = "-b web-edge --only tcp.slow_start_after_idle --yes --soak 0s --confirm-within 30s --no-progress"
# What is printed -> the command line. They are typed in this order; each begins where the one before has ended.
CAPTURES = {
    "lab-up": "lab up --hosts 2 --healthy --dir {lab}",
    "lab-status": "lab status --dir {lab}",
    "trust": "trust {hosts} --yes",
    "collect": "collect {hosts} -o captures",
    "watch": "watch {hosts} --count 1 --every 5s -e kernel_log_window_s=0",  # others write to the log of the machine
    "lab-break": "lab break web01 port-closed --for 1s --dir {lab}",
    "fix": f"fix {{hosts}} {ONLY}",
    "resume": "resume last {hosts}",
    "show-fix": "show last",
    "rollback": "rollback last {hosts} --no-progress",
    "lab-down": "lab down --dir {lab}",
}
MASKS = (
    (r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}", "20260601-120000-3f2a"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}Z", "2026-06-01 12:00:00Z"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} UTC", "2026-06-01 12:00 UTC"),
    (r"[0-9]{8}T[0-9]{6}Z", "20260601T120000Z"),
    (r"SHA256:[A-Za-z0-9+/]{43}", f"SHA256:{'x' * 43}"),
    (r"198\.18\.[0-9]+\.", "198.18.0."),
    (r"digest\s+[0-9a-f]{12}", f"digest {'5f' * 6}"),
    (r"[0-9.]+ ms a host", "x ms a host"),
    (r"([0-9]+ [dhm] )*[0-9.]+ m?s\b", "1.2 s"),
    (r"[0-9.]+/s", "1.2/s"),
    (r"pid [0-9]+", "pid 123"),
)


def masked(text: str, folder: Path) -> str:
    """The text without what is different each time."""
    text = text.replace(str(folder), "/tmp/lab")
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text)
    return text


@pytest.mark.parametrize("columns", [80, 120])
def test_live_commands_look_as_they_did(netaudit, needs_root, patient, tmp_path, columns):
    """All of one lab from its beginning to its end; progress is left out, since it is gone when a command ends."""
    lab = tmp_path / "lab"
    words = {"lab": lab, "hosts": f"-i {lab}/inventory.yaml {' '.join(patient)}"}
    differing = []
    try:
        for name, line in CAPTURES.items():
            if name == "trust":
                (lab / "known_hosts").write_text("")
            done = netaudit(*line.format(**words).split(), env={"COLUMNS": str(columns)}, code=None)
            told = [row for row in done.err.splitlines() if not re.search(r"[0-9]+/[0-9]+ hosts", row)]
            text = masked("\n".join([*done.out.splitlines(), *(["", "[standard error]", *told] if told else [])]), lab)
            path = FILES / f"{name}-{columns}.txt"
            if os.environ.get("NETAUDIT_UPDATE_GOLDEN"):
                path.write_text(f"{text}\n")
            if path.read_text() != f"{text}\n":
                differing.append(f"{path.name}:\n{text}\n{done.code}")
    finally:
        netaudit("lab", "down", "--dir", lab, code=None)
    assert "" == "\n".join(differing)
