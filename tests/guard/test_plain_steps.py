"""Steps whose text is known line by line, forked off the watcher: what is late, is killed or has changed meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from netaudit.model.plan import HostPlan, Step, StepClass
from netaudit.remedy.guard import Action
from netaudit.remedy.host_side import Change, payload
from netaudit.remedy.operations import scripts_of
from netaudit.remedy.scripts import StepScript
from netaudit.remedy.work import WorkStep

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("guard"), pytest.mark.timeout(300)]

CORE = "net.core.somaxconn"
FIN = "net.ipv4.tcp_fin_timeout"
FIFO = "/run/nobody-reads-it"  # whoever opens it hangs
CORE_FILE = "/proc/sys/net/core/somaxconn"


def shipped(key: str, before: str, after: str, **changes: object) -> WorkStep:
    """A setting of the kernel, with the very text that a fix sends."""
    made = Step("sysctl", key, {"key": key}, before, after, StepClass.LIVE, ("c",), "r", "0" * 64)
    (script,) = scripts_of(HostPlan("h", "a", "b", "0" * 64, (made,))).steps
    given = {name: getattr(script, name) for name in ("read", "apply", "undo", "accepts", "timeout_s")}
    return WorkStep(key, before, StepScript(**{**given, **changes}))


def writes(value: str, path: str) -> str:
    """The text of a write."""
    return f"(\nprintf '%s\\n' {value} >{path}\n)"


def both(**changes: object) -> tuple[WorkStep, ...]:
    """The two steps of ``GuardHost.work``; the second one with another script."""
    return shipped(CORE, "4096", "5000"), shipped(FIN, "60", "30", **changes)


def as_it_starts(script: str) -> dict:
    """Something that happens between the claim and the start."""
    return {"at": ["armed", "go", ""], "fault": "cut", "cut": script}


def while_it_hangs(script: str) -> dict:
    """Something that happens once the second step hangs in its write."""
    waiting = "until read -r at <at && [ $at = 2 ]; do sleep 0.1; done; sleep 0.3"
    return as_it_starts(f"setsid sh -c 'cd /run/netaudit/t.*; {waiting}; {script}' </dev/null >/dev/null 2>&1 &")


@dataclass
class Story:
    """One host, what happens to it, and how its change must end."""

    name: str
    outcome: str
    reason: str
    steps: tuple[WorkStep, ...] = field(default_factory=both)
    setup: str = ""
    after: str = ""
    job: dict = field(default_factory=dict)
    lift: str = ""  # takes away what was done to it meanwhile, before it is looked at


def in_shell(name: str, program: str) -> Story:
    """It works in that shell."""
    return Story(f"it works: {name}", "persisted", "", setup=f"mount --bind {program} /usr/bin/dash",
                 after="umount /usr/bin/dash")  # fmt: skip


HANGS = {"setup": f"mkfifo {FIFO}", "after": f"rm {FIFO}"}
STORIES = [
    Story("it works", "persisted", ""),
    in_shell("busybox", "/usr/bin/busybox"),
    in_shell("bash", "/bin/bash"),
    Story("no flock", "persisted", "", setup="mount --bind /dev/null /usr/bin/flock", after="umount /usr/bin/flock"),
    Story("changed since the claim", "refused", f"{CORE} is not what the plan saw: it is '4000', not '4096'",
          job=as_it_starts(f"echo 4000 >{CORE_FILE}"), lift=f"grep -qx 4000 {CORE_FILE} && echo 4096 >{CORE_FILE}"),
    Story("gone since the claim", "refused", f"{CORE} is not what the plan saw: it is ''", setup="mkdir /run/empty",
          job=as_it_starts("mount --bind /run/empty /proc/sys/net/core"), lift="umount /proc/sys/net/core",
          after="rmdir /run/empty"),
    Story("a late read", "refused", f"{CORE} cannot be read", (shipped(CORE, "4096", "5000", timeout_s=1),), **HANGS,
          job=as_it_starts(f"mount --bind {FIFO} {CORE_FILE}"), lift=f"umount {CORE_FILE}"),
    Story("a late write", "rolled-back", f"{FIN} took too long to change", both(apply=writes("30", FIFO), timeout_s=1),
          **HANGS),
    Story("a write that hangs over the deadline", "rolled-back", "",
          both(apply=writes("30", FIFO), timeout_s=60), **HANGS),
    Story("a write that fails", "rolled-back", f"{FIN} could not be changed",
          both(apply=writes("30", "/proc/nothing/x"))),
    Story("clamped", "rolled-back", f"{FIN} did not become what was asked: it is '31'",
          both(apply=writes("31", "/proc/sys/net/ipv4/tcp_fin_timeout"))),
    Story("a step that is killed", "rolled-back", f"{FIN} could not be changed: status 137",
          both(apply=writes("30", FIFO), timeout_s=60), **HANGS,
          job=while_it_hangs("read -r pid began <child; kill -9 $pid $(cat /proc/$pid/task/$pid/children)")),
    Story("a watcher that is killed", "rolled-back", "", both(apply=writes("30", FIFO), timeout_s=60),
          job=while_it_hangs("read -r pid began <pid; kill -9 $pid"), **HANGS),
    Story("a watcher that is told to end", "rolled-back", "", both(apply=writes("30", FIFO), timeout_s=60),
          job=while_it_hangs("read -r pid began <pid; kill $pid"), **HANGS),
]  # fmt: skip


@pytest.fixture(scope="module")
def told(guard_lab):
    """Every story on a host of its own, all at once: the host, how it was, what its controller said, how it is now."""
    cases = {}
    for story, host in zip(STORIES, guard_lab.hosts, strict=False):
        pristine = host.snapshot()
        host.inside(story.setup)
        work = host.work(*story.steps)
        sent = payload(Action.ARM, Change(work, "0" * 32), nonce="0" * 32, deadline_s=30).payload.decode()
        assert len(work.steps) == sent.count(" kind=plain ;;")
        job = guard_lab.job(host, work, **story.job)
        cases[story.name] = (story, host, pristine, host.snapshot(), job)
    assert len(STORIES) == len(cases)
    said = guard_lab.run(*(job for *_, job in cases.values()))
    ended = {}
    for (name, (story, host, pristine, before, _)), own in zip(cases.items(), said, strict=True):
        host.inside(story.lift)
        seen = (host.snapshot(), host.left(), host.is_new())
        host.inside(story.after)
        host.make_old()
        ended[name] = (before, own, *seen, pristine == host.snapshot())
    return ended


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name.replace(" ", "-").replace(":", ""))
def test_each_story_ends_as_it_must(told, story):
    """The outcome, the line, and a host that is exactly as before, processes among it, unless it was to be changed."""
    before, own, after, left, is_new, is_pristine = told[story.name]
    assert (story.outcome, True) == (own["outcome"], story.reason in own["reason"]), own
    assert is_new == (story.outcome == "persisted")
    assert is_new or before == after
    assert "" == left
    assert is_pristine, "something else is left on the host"
