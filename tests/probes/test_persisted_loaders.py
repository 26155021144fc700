"""The order in which settings are loaded, compared with the programs that load them.

Random trees of settings are laid over /etc/sysctl.d and its like in a mount namespace; the probe reads them there;
then systemd-sysctl and ``sysctl --system`` load them, each in a fresh network namespace. What the kernel has
afterwards must be what was foretold. Only settings of the namespace are written, and nothing of the machine.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from netaudit.facts.persisted import parse_persisted
from netaudit.facts.sysctl import name_of, path_of
from netaudit.model.facts import Persisted, PersistedValue
from netaudit.model.probe import Section, SectionStatus

SYSTEMD_SYSCTL = Path("/lib/systemd/systemd-sysctl")
PROBE = Path(__file__).parents[2] / "remote_probes" / "persisted.sh"
TREES = int(os.environ.get("LOADER_TREES", "24"))
DIRECTORIES = ("etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d", "usr/lib/sysctl.d")
INTERFACES = ("eth0", "eth1", "eth0.100")
PATHS = [
    "net/ipv4/tcp_keepalive_time",
    "net/ipv4/tcp_keepalive_intvl",
    "net/ipv4/tcp_fin_timeout",
    *(f"net/ipv4/conf/{name}/tag" for name in ("all", "lo", *INTERFACES)),
]
# No pattern matches conf/default: a write there is copied by the kernel to interfaces that nothing was written to.
PATTERNS = [
    "net.ipv4.conf.[!d]*.tag",
    "net/ipv4/conf/[aelo]*/tag",
    "net.ipv4.conf.e*.tag",
    "net.ipv4.conf.eth?.tag",
    "net.ipv4.conf.[el]*.tag",
    "net.ipv4.tcp_keepalive_*",
    "net.ipv4.conf.x*.tag",
]
NAMES = [
    "10-a.conf", "20-b.conf", "99-sysctl.conf", "99-z.conf", "Z.conf", "a b.conf", "a:b.conf", ".hidden.conf",
    "60-a.conf~", "70.txt", "80-ü.conf",
]  # fmt: skip
RUN = """
set -e
mount -t tmpfs none /run
mount -t tmpfs none /usr/local/lib
mkdir /run/sysctl.d /usr/local/lib/sysctl.d
for path in etc/sysctl.d run/sysctl.d usr/local/lib/sysctl.d usr/lib/sysctl.d; do
    mount --bind "$TREE/$path" "/$path"
done
mount --bind "$TREE/etc/sysctl.conf" /etc/sysctl.conf
links='ip link add eth0 type veth peer name eth1; ip link add eth0.100 type veth peer name other'
dump='cd /proc/sys; grep -H "" $PATHS'
sh -c "$links"
sh "$PROBE" </dev/null
echo '=== before'; sh -c "$dump"
echo '=== boot'; /lib/systemd/systemd-sysctl >/dev/null 2>&1 || :; sh -c "$dump"
echo '=== system'; unshare -n sh -c "$links; sysctl --system >/dev/null 2>&1 || :; $dump"
"""

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for its own mount and network namespaces"),
    pytest.mark.skipif(not SYSTEMD_SYSCTL.exists(), reason="systemd-sysctl is not installed"),
    pytest.mark.skipif(shutil.which("sysctl") is None, reason="sysctl of procps is not installed"),
]


def random_line(chance: random.Random, value: int) -> str:
    """One line of a file of settings: mostly an assignment, in one of the many ways to write it."""
    kind = chance.random()
    path = chance.choice(PATHS)
    key = chance.choice([path, name_of(path), name_of(path)])
    if kind < 0.25:
        key = chance.choice(PATTERNS)
    if kind > 0.97:
        return chance.choice(["# a comment = 1", "; another", "", "  ", "no assignment", "=", "-", "\ufeffnet.x = 1"])
    if kind > 0.87:
        return f"-{key}" + chance.choice(["", " ", "\r"])
    form = chance.choice(
        ["{} = {}", "{}={}", "  {} =  {}  ", "-{} = {}", "\t{}\t=\t{}", "{} = {}\r", "- {} = {}", "  -{} ={}"]
    )
    return form.format(key, value)


def random_tree(chance: random.Random, root: Path) -> None:
    """Fill the directories with files, links, masks and things that are no files."""
    for directory in DIRECTORIES:
        (root / directory).mkdir(parents=True)
    values = iter(chance.sample(range(10, 30000), 400))
    text = ""
    for _ in range(chance.randint(0, 4)):
        text += random_line(chance, next(values)) + "\n"
    (root / "etc/sysctl.conf").write_text(text, encoding="utf-8")
    for _ in range(chance.randint(2, 9)):
        path = root / chance.choice(DIRECTORIES) / chance.choice(NAMES)
        if path.exists() or path.is_symlink():
            continue
        kind = chance.random()
        if kind < 0.08:
            path.symlink_to("/dev/null")
        elif kind < 0.16:
            path.symlink_to("/etc/sysctl.conf")
        elif kind < 0.2:
            path.symlink_to("/nowhere")
        elif kind < 0.24:
            path.mkdir()
        else:
            lines = [random_line(chance, next(values)) for _ in range(chance.randint(0, 8))]
            same = [*lines, *chance.sample(lines, min(len(lines), chance.randint(0, 2)))]
            path.write_text("\n".join(same) + chance.choice(["", "\n"]), encoding="utf-8")


def load(root: Path) -> tuple[Persisted, dict[str, dict[str, str]]]:
    """What the probe foretells of a tree, and what the kernel had before and has after each loader."""
    environment = {**os.environ, "TREE": str(root), "PROBE": str(PROBE), "PATHS": " ".join(PATHS), "LC_ALL": "C"}
    done = subprocess.run(
        ["unshare", "-m", "-n", "--propagation", "private", "sh", "-c", RUN],
        env=environment, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    answer, *dumps = done.stdout.decode().split("=== ")
    section = Section("persisted", SectionStatus.COMPLETE, 0, answer.encode(), done.stderr, 1)
    seen = {}
    for dump in dumps:
        name, *lines = dump.splitlines()
        seen[name] = dict(line.split(":", 1) for line in lines)
    persisted = parse_persisted(section)
    assert isinstance(persisted, Persisted), persisted
    return persisted, seen


def after(before: dict[str, str], foretold: dict[str, PersistedValue]) -> dict[str, str]:
    """What the kernel must have once the foretold values are written over what it had."""
    changed = dict(before)
    for name, value in foretold.items():
        path = path_of(name)
        if path in changed and value.value.isdigit():
            changed[path] = value.value
    return changed


@pytest.mark.parametrize("seed", range(TREES))
def test_foretold_values_are_those_that_the_loaders_set(seed: int, tmp_path: Path) -> None:
    """Whatever stands in the directories, both loaders end with the values that were foretold for them."""
    random_tree(random.Random(seed), tmp_path)
    persisted, seen = load(tmp_path)
    assert seen["boot"] == after(seen["before"], dict(persisted.boot))
    assert seen["system"] == after(seen["before"], dict(persisted.system))


def test_foretold_lines_hold_the_foretold_value(tmp_path: Path) -> None:
    """The file and line that are named as the winner really hold that value."""
    random_tree(random.Random(5), tmp_path)
    persisted, _ = load(tmp_path)
    winners = [*persisted.boot.values(), *persisted.system.values()]
    assert winners
    for winner in winners:
        lines = (tmp_path / winner.file.lstrip("/")).read_text(encoding="utf-8").split("\n")
        assert winner.value in lines[winner.line - 1]
