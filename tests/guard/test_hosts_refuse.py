"""What a host does when it cannot, must not, or only half can: each story with the line that the operator reads."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from netaudit.remedy.work import FileState

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("guard"), pytest.mark.timeout(300)]

DROPIN = "/etc/sysctl.d/99-zz-netaudit.conf"
CORE = "net.core.somaxconn"
FIN = "net.ipv4.tcp_fin_timeout"


@dataclass
class Story:
    """One host, what is wrong with it, and how its change must end."""

    name: str
    outcome: str
    reason: str  # matches what the operator reads
    setup: str = ""  # on the host, before
    steps: Callable | None = None
    work: dict = field(default_factory=dict)
    job: dict = field(default_factory=dict)
    after: str = ""  # on the host, afterwards
    is_new: bool = False
    left: int = 0  # directories of changes that stay


def at(state: str, action: str, script: str) -> dict:
    """Something that happens to the host when this entry has been written."""
    return {"at": [state, action, ""], "fault": "cut", "cut": script}


FILL_RUN = "dd if=/dev/zero of=/run/filler bs=64k 2>/dev/null || true"
KILL = "set -- $(cat /run/netaudit/t.*/pid); kill -9 $1"
SESSIONS = "mkdir -p /run/systemd/sessions; : >/run/systemd/sessions/c1"
OTHER_BOOT = "echo 00000000-0000-4000-8000-000000000000 >/run/boot_id"
STORIES = [
    Story("it works", "persisted", "", is_new=True),
    Story("another shell: busybox", "persisted", "", is_new=True,
          setup="mount --bind /usr/bin/busybox /usr/bin/dash", after="umount /usr/bin/dash"),
    Story("another shell: bash", "persisted", "", is_new=True,
          setup="mount --bind /bin/bash /usr/bin/dash", after="umount /usr/bin/dash"),
    Story("another shell undoes: busybox", "rolled-back", "the gate", job={"abandon": "the gate said no"},
          setup="mount --bind /usr/bin/busybox /usr/bin/dash", after="umount /usr/bin/dash"),
    Story("another shell expires: bash", "rolled-back", "over", job={"gate_s": 9},
          setup="mount --bind /bin/bash /usr/bin/dash", after="umount /usr/bin/dash"),
    Story("by sudo", "persisted", "", is_new=True, job={"user": "auditor", "become": "sudo"},
          setup="echo 'auditor ALL=(ALL) NOPASSWD: ALL' >/run/sudoers; chmod 440 /run/sudoers; "
          "mount --bind /run/sudoers /etc/sudoers; "
          "printf '%s required pam_permit.so\\n' auth account session >/run/pam; "
          "mount --bind /run/pam /etc/pam.d/sudo",
          after="umount /etc/sudoers /etc/pam.d/sudo; rm -r /run/sudoers /run/pam; rm -rf /run/sudo"),
    Story("no flock", "persisted", "", is_new=True,
          setup="mount --bind /dev/null /usr/bin/flock", after="umount /usr/bin/flock"),
    Story("systemd", "persisted", "", is_new=True,
          setup="mkdir -p /run/systemd/system; printf '#!/bin/sh\\nwhile [ \"$1\" != /bin/sh ]; do shift; done\\n"
          "setsid \"$@\" &\\n' >/run/systemd-run; chmod 755 /run/systemd-run; "
          "mount --bind /run/systemd-run /usr/bin/systemd-run",
          after="umount /usr/bin/systemd-run; rm -r /run/systemd-run /run/systemd"),
    Story("stale", "refused", "net.core.somaxconn is not what the plan saw: it is '4096', not '128'",
          steps=lambda step: (step(CORE, "128", "5000"),)),
    Story("unreadable", "refused", "net.core.nothing cannot be read",
          steps=lambda step: (step("net.core.nothing", "1", "2", read="exec cat /proc/sys/net/core/nothing"),)),
    Story("no timer", "refused", "no timer can be armed there",
          setup="mount --bind /dev/null /usr/bin/setsid", after="umount /usr/bin/setsid"),
    Story("no root", "refused", "it needs root there", job={"user": "auditor"}),
    Story("read-only /etc", "refused", "could not be written: /etc/sysctl.d/99-zz-netaudit.conf: Read-only file system",
          setup="mount --bind /etc/sysctl.d /etc/sysctl.d; mount -o remount,ro,bind /etc/sysctl.d",
          after="umount /etc/sysctl.d"),
    Story("full /etc", "refused", "No space left on device",
          setup="mount -t tmpfs -o size=16k tmpfs /etc/sysctl.d; dd if=/dev/zero of=/etc/sysctl.d/x bs=1k || true",
          after="umount /etc/sysctl.d"),
    Story("full /run", "refused", "there is no room for the guard", setup=FILL_RUN, after="rm /run/filler"),
    Story("a foreign directory", "refused", "/run/netaudit is not a directory of root alone",
          setup="mkdir -m 777 /run/netaudit", after="rmdir /run/netaudit"),
    Story("a planted link", "refused", "/run/netaudit is not a directory of root alone",
          setup="mkdir /run/victim; ln -s /run/victim /run/netaudit", after="rm -r /run/netaudit /run/victim"),
    Story("a link for a drop-in", "refused", "is not a regular file",
          setup=f"echo safe >/run/victim; ln -s /run/victim {DROPIN}", after=f"rm {DROPIN} /run/victim"),
    Story("booted before", "refused", "has booted since the plan", work={"boot_id": "0" * 8 + "-0000"}),
    Story("booted in between", "rolled-back", "",
          job=at("applied", "verify", "set -- $(cat /run/netaudit/t.*/pid); kill -9 $1; rm -r /run/netaudit; "
                 "echo 4096 >/proc/sys/net/core/somaxconn; echo 60 >/proc/sys/net/ipv4/tcp_fin_timeout; "
                 f"{OTHER_BOOT}; mount --bind /run/boot_id /proc/sys/kernel/random/boot_id; sleep 1"),
          after="umount /proc/sys/kernel/random/boot_id; rm /run/boot_id"),
    Story("a hanging apply", "rolled-back", "net.ipv4.tcp_fin_timeout took too long to change",
          steps=lambda step: (step(CORE, "4096", "5000"),
                              step(FIN, "60", "30", apply="echo 31 >/proc/sys/net/ipv4/tcp_fin_timeout; sleep 987",
                                   timeout_s=1))),
    Story("an apply that hangs over the deadline", "rolled-back", "still being made|its time was over",
          steps=lambda step: (step(FIN, "60", "30", apply="echo 31 >/proc/sys/net/ipv4/tcp_fin_timeout; sleep 986",
                                   timeout_s=60),)),
    Story("clamped", "rolled-back", "net.core.somaxconn did not become what was asked: it is '4999'",
          steps=lambda step: (step(CORE, "4096", "5000", apply="echo 4999 >/proc/sys/net/core/somaxconn"),)),
    Story("rounded as allowed", "persisted", "", is_new=True,
          steps=lambda step: (step(CORE, "4096", "5001", apply="echo 5000 >/proc/sys/net/core/somaxconn",
                                   accepts=("5001", "5000")), step(FIN, "60", "30"))),
    Story("failing half-way", "rolled-back", "net.ipv4.tcp_fin_timeout could not be changed: no such luck",
          steps=lambda step: (step(CORE, "4096", "5000"),
                              step(FIN, "60", "30", apply="echo 'no such luck' >&2; exit 1"))),
    Story("a value that another step spoils", "rolled-back", "net.core.somaxconn did not become what was asked",
          steps=lambda step: (step(CORE, "4096", "5000"),
                              step(FIN, "60", "30", apply="echo 30 >/proc/sys/net/ipv4/tcp_fin_timeout; "
                                   "echo 77 >/proc/sys/net/core/somaxconn"))),
    Story("persist by a command that fails", "rolled-back", "could not be made to last",
          steps=lambda step: (step(CORE, "4096", "5000", persist="echo >/run/lasting; exit 1",
                                   unpersist="rm /run/lasting"),)),
    Story("/etc read-only after the apply", "rolled-back", "could not be made to last: /etc/sysctl.d/99-zz",
          job=at("verified", "confirm", "mount --bind /etc/sysctl.d /etc/sysctl.d; "
                 "mount -o remount,ro,bind /etc/sysctl.d"),
          after="umount /etc/sysctl.d"),
    Story("a directory that is made", "persisted", "", after="rm -r /run/made",
          work={"files": (FileState("/run/made/99-zz-netaudit.conf", b"%s 100% \\ 'x'\n\0\xff"),)}),
    Story("a judge objects", "rolled-back", "checks say no", job={"objections": ["the checks say no"]}),
    Story("a route that goes", "rolled-back", "no default route any more",
          steps=lambda step: (step(CORE, "4096", "5000", apply="echo 5000 >/proc/sys/net/core/somaxconn; "
                              "ip -4 route show default >/run/route; ip route del default",
                              undo="echo 4096 >/proc/sys/net/core/somaxconn; [ ! -e /run/route ] || "
                              "ip route add $(cat /run/route); rm -f /run/route"),),
          job={"watched": True}),
    Story("nothing unlike before", "persisted", "", is_new=True, job={"watched": True}),
    Story("it cuts itself off", "rolled-back", "",
          steps=lambda step: (step(CORE, "4096", "5000", apply="echo 5000 >/proc/sys/net/core/somaxconn; "
                              "ip -4 route show default >/run/route; ip link set eth0 down",
                              undo="echo 4096 >/proc/sys/net/core/somaxconn; ip link set eth0 up; "
                              "[ ! -e /run/route ] || ip route replace $(cat /run/route); rm -f /run/route"),)),
    Story("its watcher is killed", "rolled-back", "",
          job=at("applied", "verify", KILL)),
    Story("its watcher is told to end", "rolled-back", "told to end",
          job=at("applied", "verify", "set -- $(cat /run/netaudit/t.*/pid); kill -TERM $1; sleep 1")),
    Story("its watcher is killed at once", "refused", "the timer was ended before anything was changed",
          job=at("armed", "go", KILL)),
    Story("its watcher goes with the session", "refused", "did not outlive the session",
          setup=SESSIONS, job=at("claimed", "check", KILL)),
    Story("its watcher goes where sessions are kept", "refused", "did not outlive the session",
          setup="mkdir -p /run/systemd/system", job=at("claimed", "check", KILL)),
    Story("sessions are kept", "persisted", "", setup=SESSIONS, is_new=True),
    Story("an undo that fails", "lost", "could not be put back",
          steps=lambda step: (step(CORE, "4096", "5000", undo="exit 1"),), job={"abandon": "no"}, left=1,
          after="echo 4096 >/proc/sys/net/core/somaxconn; rm -r /run/netaudit"),
    Story("a gate that takes too long", "rolled-back", "time was over", job={"gate_s": 9}),
    Story("a longer time is kept as well", "rolled-back", "time was over", work={"confirm_within_s": 13},
          job={"gate_s": 14}),
]  # fmt: skip


@pytest.fixture(scope="module")
def told(guard_lab, step):
    """Every story on a host of its own, all at once: the host, how it was, what its controller said, how it is now."""
    cases = {}
    for story, host in zip(STORIES, guard_lab.hosts, strict=False):
        pristine = host.snapshot()
        host.inside(story.setup)
        steps = story.steps(step) if story.steps else ()
        job = guard_lab.job(host, host.work(*steps, **story.work), **story.job)
        cases[story.name] = (story, host, pristine, host.snapshot(), job)
    assert len(STORIES) == len(cases)
    said = guard_lab.run(*(job for *_, job in cases.values()))
    ended = {}
    for (name, (story, host, pristine, before, _)), own in zip(cases.items(), said, strict=True):
        seen = (host.snapshot(), host.left(), host.is_new())
        host.inside(story.after)
        host.make_old()
        ended[name] = (before, own, *seen, pristine == host.snapshot())
    return ended


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name.replace(" ", "-").replace("/", ""))
def test_each_story_ends_as_it_must(told, story):
    """The outcome, the line, and a host that is exactly as before unless it was to be changed."""
    before, own, after, left, is_new, is_pristine = told[story.name]
    assert (story.outcome, True) == (own["outcome"], re.search(story.reason, own["reason"]) is not None), own
    assert story.is_new == is_new
    if story.outcome in {"refused", "rolled-back"} and story.name != "booted in between":
        assert before == after
    assert story.left == len(left.split())
    assert is_pristine, "something else is left on the host"


def test_a_made_file_holds_every_byte(told, guard_lab):
    """Percent signs, backslashes, quotes and bytes that are no text arrive as they are."""
    own = told["a directory that is made"][1]
    assert own["outcome"] == "persisted"


def test_the_way_of_detaching_is_told(told):
    """Where there is no systemd-run, its limits are said."""
    assert any("systemd-run" in note for note in told["it works"][1]["notes"])
    assert told["systemd"][1]["notes"] == []


def test_two_controllers_and_one_host(guard_lab):
    """While one holds a host, the other is refused and told who it is; nothing of the first one is seen by others."""
    host = guard_lab.hosts[-1]
    work = host.work(confirm_within_s=60)  # whoever comes second must find the first one, on a busy machine as well
    first, second, third = (guard_lab.job(host, work, gate_s=gate) for gate in (6, 0, 0))
    program = guard_lab.start([first])
    deadline = time.monotonic() + 20
    while "applied" not in host.inside("cat /run/netaudit/t.*/state 2>/dev/null") and time.monotonic() < deadline:
        time.sleep(0.05)
    token = host.inside("cat /run/netaudit/t.*/token").strip()
    seen = host.inside("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'")
    open_to_others = host.inside("find /run/netaudit -perm /077")
    (late,) = guard_lab.run(second)
    assert 0 == program.wait(60)
    kept = guard_lab.result(first)
    host.make_old()
    (free,) = guard_lab.run(third)
    host.make_old()
    assert ["persisted", "refused", "persisted"] == [kept["outcome"], late["outcome"], free["outcome"]]
    assert f"run {first['run']} of " in late["reason"]
    assert "for " in late["reason"]
    assert 32 == len(token)
    assert token not in seen
    assert "" == open_to_others


@pytest.mark.parametrize("flock", ["with flock", "without flock"])
def test_many_controllers_at_once(guard_lab, flock):
    """Of four that come together exactly one has the host, with either kind of lock."""
    host = guard_lab.hosts[-2]
    if flock == "without flock":
        host.inside("mount --bind /dev/null /usr/bin/flock")
    try:
        work = host.work(confirm_within_s=60)
        said = guard_lab.run(*(guard_lab.job(host, work, gate_s=4, apart_s=0.0) for _ in range(4)))
    finally:
        host.inside("umount /usr/bin/flock 2>/dev/null || true")
        host.make_old()
    assert ["persisted", "refused", "refused", "refused"] == sorted(own["outcome"] for own in said), said
