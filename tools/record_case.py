"""Records what a probe prints here as a case of ``tests/cases``.

    python tools/record_case.py PROBE CASE [--user NAME] [--busybox] [--namespace NAME] [--root DIR] [--readme TEXT]

``--busybox`` runs it in a chroot that holds nothing but busybox, with its own processes and network;
``--namespace`` in a named network namespace, ``--root`` over a tree of files that stands in for the machine.
The host's name becomes ``web1.example.net``. ``expected.json`` is written from what the parsers read: read it.
"""

from __future__ import annotations

import argparse
import os
import platform
import pwd
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).parents[1]
ENDINGS = {0: "complete", 10: "not applicable", 11: "not present", 12: "not permitted"}
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
BUSYBOX_HOST = """
set -e
mount -t tmpfs none "$DIR"
mkdir -p "$DIR/bin" "$DIR/proc" "$DIR/sys" "$DIR/etc" "$DIR/dev" "$DIR/lib" "$DIR/lib64"
cp /bin/busybox "$DIR/bin/busybox"
for path in $(ldd /bin/busybox | grep -o '/[^ ]*'); do
    mkdir -p "$DIR${path%/*}"
    cp -L "$path" "$DIR$path"
done
for name in $(busybox --list); do ln -s busybox "$DIR/bin/$name" 2>/dev/null || :; done
printf 'ID=alpine\\nVERSION_ID=3.20.1\\n' >"$DIR/etc/os-release"
printf 'root:x:0:0:root:/root:/bin/ash\\n' >"$DIR/etc/passwd"
mknod "$DIR/dev/null" c 1 3
mount -t proc proc "$DIR/proc"
mount -t sysfs sysfs "$DIR/sys"
ip link set lo up
cp "$PROBE" "$DIR/probe.sh"
exec chroot "$DIR" /bin/busybox env -i PATH=/bin LC_ALL=C /bin/sh -c 'nc -l -p 8080 & sleep 0.2
sh /probe.sh </dev/null; code=$?; kill $! 2>/dev/null; exit $code'
"""


def main() -> None:
    """Runs the probe and writes the case."""
    parser = argparse.ArgumentParser()
    parser.add_argument("probe")
    parser.add_argument("case")
    parser.add_argument("--user")
    parser.add_argument("--busybox", action="store_true")
    parser.add_argument("--namespace")
    parser.add_argument("--root")
    parser.add_argument("--readme")
    asked = parser.parse_args()
    done = run(asked)
    folder = TOP / "tests" / "cases" / asked.probe / asked.case
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stdout").write_bytes(scrubbed(done.stdout))
    ending = ENDINGS.get(done.returncode, "failed")
    for name, content in (("stderr", scrubbed(done.stderr)), ("status", f"{ending}\n".encode())):
        if content and content != b"complete\n":
            (folder / name).write_bytes(content)
        else:
            (folder / name).unlink(missing_ok=True)
    if asked.readme:
        (folder / "README").write_text(asked.readme + "\n", encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", f"{asked.probe}/{asked.case}", "tests/unit/facts/test_cases.py"],
        cwd=TOP, env={**os.environ, "UPDATE_CASES": "1"}, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def run(asked: argparse.Namespace) -> subprocess.CompletedProcess[bytes]:
    """What the probe prints on the host that was asked for."""
    probe = TOP / "remote_probes" / f"{asked.probe}.sh"
    environment = {"PATH": PATH, "LC_ALL": "C"}
    if asked.busybox:
        with tempfile.TemporaryDirectory() as directory:
            environment |= {"DIR": directory, "PROBE": str(probe)}
            command = ["unshare", "-m", "-n", "--pid", "--fork", "--propagation", "private", "sh", "-c", BUSYBOX_HOST]
            return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if asked.root:
        environment["ROOT"] = asked.root
    command = ["sh", "-s"]
    if asked.user:
        command = ["setpriv", f"--reuid={asked.user}", f"--regid={pwd.getpwnam(asked.user).pw_gid}", "--clear-groups",
                   *command]  # fmt: skip
    if asked.namespace:
        command = ["ip", "netns", "exec", asked.namespace, *command]
    text = probe.read_bytes()
    wrapped = b"cd /\nmain() {\n" + text + b"\n}\nmain </dev/null\n"
    return subprocess.run(command, env=environment, input=wrapped, capture_output=True, check=False)


def scrubbed(text: bytes) -> bytes:
    """The text without what would name this machine: its host name, its kernel's build, its boot parameters."""
    name = platform.node().encode()
    release = platform.release().encode()
    text = text.replace(release, release.partition(b"-")[0])
    text = re.sub(rb"(?m)^(#@ /proc/sys/kernel/hostname\n)" + re.escape(name) + rb"$", rb"\1web1.example.net", text)
    text = re.sub(
        rb"(?m)^(#@ /proc/cmdline\n).*$",
        rb"\1BOOT_IMAGE=/boot/vmlinuz-6.18.44 root=/dev/vda1 ro console=ttyS0 mitigations=auto quiet",
        text,
    )
    return re.sub(rb"(#@ /proc/1/comm\n)process_api\n", rb"\1init\n", text)


if __name__ == "__main__":
    main()
