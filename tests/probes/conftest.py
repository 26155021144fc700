"""Running probes as a payload runs them: in a function, in each shell, on a host of their own where that is possible.

As root a probe gets process, mount and network namespaces to itself, so that what else happens on this machine does
not show; as another user it runs where the tests run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PROBES = Path(__file__).parents[2] / "remote_probes"
PROBE_FILES = tuple(sorted(PROBES.glob("*.sh")))
SHELLS: Mapping[str, tuple[str, ...]] = {
    "dash": ("dash",),
    "bash": ("bash", "--posix"),
    "busybox": ("busybox", "ash"),
}
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
LIMIT_S = 60
# A host of one's own: loopback, a pair of interfaces with addresses, no names of other namespaces, a few processes.
HOST = """
mount -t proc proc /proc && mount -t tmpfs none /run || exit 99
ip link set lo up
ip link add eth0 type veth peer name eth1 && ip link set eth0 up && ip link set eth1 up
ip addr add 198.18.5.1/24 dev eth0
exec "$@"
"""
UNSHARE = ("unshare", "-m", "-n", "--pid", "--fork", "--kill-child", "--propagation", "private")


def can_have_a_host() -> bool:
    """Whether namespaces of one's own can be had here."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    command = [*UNSHARE, "sh", "-c", HOST, "sh", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@dataclass(frozen=True)
class Host:
    """Where probes are run."""

    apart: bool  # in namespaces of its own
    path: str = PATH
    wrapper: tuple[str, ...] = ()  # what the shell is run under, such as strace
    user: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(
        self, probe: Path, shell: str = "dash", *, after: str = "", stdin: str = ""
    ) -> subprocess.CompletedProcess[bytes]:
        """The answer of a probe. It reads ``stdin``, which it must not; ``after`` is run in the same shell after it."""
        program, *options = SHELLS[shell]
        script = (
            f"PATH='{self.path}' LC_ALL=C\nexport PATH LC_ALL\numask 077\ncd /\nprobe() {{\n"
            + probe.read_text(encoding="utf-8")
            + "\n}\n(probe)\ncode=$?\n"
            + after
        )
        command = [shutil.which(program) or program, *options, "-c", script + "\nexit $code\n"]
        if self.user:
            command = ["setpriv", f"--reuid={self.user}", "--regid=65534", "--clear-groups", *command]
        command = [*self.wrapper, *command]
        if self.apart:
            command = [*UNSHARE, "sh", "-c", HOST, "sh", *command]
        return subprocess.run(
            command,
            env={"PATH": PATH, "LC_ALL": "C", **self.variables},
            input=stdin.encode(),
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )


@pytest.fixture(scope="session")
def host() -> Host:
    """This machine, or a host of its own on it."""
    return Host(apart=can_have_a_host())


@pytest.fixture(scope="session")
def busybox_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with the applets of busybox and nothing else, as search path."""
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("no busybox")
    folder = tmp_path_factory.mktemp("busybox")
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for applet in applets:
        if applet != "busybox":
            (folder / applet).symlink_to(busybox)
    return str(folder)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that asks for ``probe`` or ``shell`` runs for each file and each shell that is installed."""
    if "probe" in metafunc.fixturenames:
        metafunc.parametrize("probe", PROBE_FILES, ids=[path.stem for path in PROBE_FILES])
    if "every_shell" in metafunc.fixturenames:
        marks = {name: pytest.mark.skipif(shutil.which(name) is None, reason=f"no {name}") for name in SHELLS}
        metafunc.parametrize("every_shell", [pytest.param(name, marks=marks[name]) for name in SHELLS])
