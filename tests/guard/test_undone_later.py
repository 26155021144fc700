"""``netaudit rollback`` and ``netaudit resume`` as a user starts them, on hosts that were changed or left half-way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("guard"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def changed(guard_lab):
    """Six hosts: their jobs, how they were, and whether their change was kept or its controller killed."""
    hosts = guard_lab.hosts[-9:-3]
    before = [host.snapshot() for host in hosts]
    killed = {"at": ["applied", "verify", ""], "fault": "killed after"}
    more = [{}, {}, {}, killed, killed, {}]
    jobs = [guard_lab.job(host, **each) for host, each in zip(hosts, more, strict=True)]
    said = guard_lab.run(*jobs)
    assert ["persisted"] * 3 == [own["outcome"] for own in said[:3]]
    assert [None, None] == said[3:5]
    yield list(zip(hosts, jobs, before, strict=True))
    for host in hosts:
        host.make_old()


@pytest.fixture
def netaudit(guard_lab):
    """The command with the journal of one job: exit code, standard output, standard error."""

    def run(job: dict, *words: str, answer: str | None = None) -> tuple[int, str, str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(Path(job["db"]).parents[2]),
            "XDG_STATE_HOME": str(Path(job["db"]).parents[1]),
        }
        done = subprocess.run(
            [sys.executable, "-m", "netaudit", words[0], job["run"], *words[1:], "-i", str(guard_lab.lab.inventory)],
            env=environment, cwd=environment["HOME"], input=answer, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr

    return run


def test_a_kept_change_is_undone_to_the_byte(changed, netaudit):
    """Values and files are as before; once more there is nothing to do."""
    host, job, before = changed[0]
    assert host.is_new()
    code, out, err = netaudit(job, "rollback", "all", "-o", "json")
    assert (0, "rolled-back") == (code, json.loads(out)["hosts"][0]["outcome"]), err
    assert before == host.snapshot()
    assert "" == host.left()
    code, out, _ = netaudit(job, "rollback", "all", "-o", "json")
    assert (0, "nothing-to-do") == (code, json.loads(out)["hosts"][0]["outcome"])


def test_what_a_third_party_has_changed_is_left_alone(changed, netaudit):
    """It is said, the exit code tells, and --force undoes it all the same."""
    host, job, before = changed[1]
    host.inside("echo 6000 >/proc/sys/net/core/somaxconn")
    code, out, _ = netaudit(job, "rollback", "all")
    assert 4 == code
    assert "it is '6000', not '5000'" in " ".join(out.split())
    assert host.inside("cat /proc/sys/net/core/somaxconn") == "6000\n"
    code, out, err = netaudit(job, "rollback", "all", "--force", "-o", "json")
    assert 0 == code, out + err
    assert before == host.snapshot()


def test_a_file_that_a_third_party_has_changed_is_left_alone(changed, netaudit):
    """The same for what was written: nothing of it is lost unseen."""
    host, job, before = changed[2]
    host.inside("echo '# mine' >>/etc/sysctl.d/99-zz-netaudit.conf")
    code, out, _ = netaudit(job, "rollback", "all", "-o", "json")
    (row,) = json.loads(out)["hosts"]
    assert (4, "refused") == (code, row["outcome"])
    assert "/etc/sysctl.d/99-zz-netaudit.conf is not as it was left" in row["reason"]
    assert "# mine" in host.inside("cat /etc/sysctl.d/99-zz-netaudit.conf")
    assert "" == host.left()
    code, *_ = netaudit(job, "rollback", "all", "--force")
    assert 0 == code
    assert before == host.snapshot()


def test_resume_tells_what_became_of_a_host(changed, netaudit):
    """The controller died before it confirmed: the host has undone it, and resume says so, twice alike."""
    host, job, before = changed[3]
    for _ in range(2):
        code, out, err = netaudit(job, "resume", "-o", "json")
        (row,) = json.loads(out)["hosts"]
        assert (4, "rolled-back") == (code, row["outcome"]), err
        assert before == host.snapshot()
        assert "" == host.left()


def test_resume_never_guesses(changed, netaudit, guard_lab):
    """A host that does not answer is lost: exit code 5, its name, and what to do; later it can be resumed."""
    host, job, before = changed[4]
    veth = host.namespace.removeprefix("netaudit-")[:15]
    subprocess.run(["ip", "link", "set", veth, "down"], check=True)
    try:
        code, out, _ = netaudit(job, "resume", "--connect-timeout", "1s")
    finally:
        subprocess.run(["ip", "link", "set", veth, "up"], check=True)
    assert 5 == code
    assert host.name in out
    assert "resume again when" in " ".join(out.split())
    code, out, err = netaudit(job, "resume", "-o", "json")
    assert (4, "rolled-back") == (code, json.loads(out)["hosts"][0]["outcome"]), err
    assert before == host.snapshot()


def test_resume_of_a_finished_run_asks_nobody(changed, netaudit):
    """All of it is kept: exit code 0."""
    _, job, _ = changed[5]
    code, out, _ = netaudit(job, "resume", "-o", "json")
    assert (0, "persisted") == (code, json.loads(out)["hosts"][0]["outcome"])
