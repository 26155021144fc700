"""Where systemd is the first process: armed by a unit of it, kept by its sysctl.d, undone by a reboot."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

KEY = "net.ipv4.tcp_slow_start_after_idle"
VALUE = f"cat /proc/sys/{KEY.replace('.', '/')}"
FILES = "find /etc/sysctl.d /run/netaudit -mindepth 1 2>/dev/null || :"
UNITS = "systemctl list-units --all --plain --no-legend 'netaudit-*'"
ONLY = ("-b", "web-edge", "--only", "tcp.slow_start_after_idle", "--no-progress")
QUEUES = ("--only", "tcp.accept_queue.somaxconn", "--no-progress")
QUICK = ("--soak", "0s", "--yes")
SOON = ("--yes", "--soak", "9s", "--confirm-within", "16s")  # long enough to be caught in between


def until(is_so: Callable[[], bool], seconds: float = 40) -> None:
    """Wait for something that the host does by itself."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def backlog(host: Any) -> int:
    """The accept queue of the one service that asks for a long one; 0 when it does not listen."""
    rows = [line.split() for line in host.sh("ss -Hltn sport = 8080").splitlines()]
    return int(rows[0][2]) if rows else 0


def outcome(said: Any) -> str:
    """What became of the one host."""
    (row,) = said["hosts"]
    return str(row["outcome"])


@pytest.fixture
def changed(systemd_host, netaudit) -> Any:
    """A fix whose controller is stopped as soon as the host is changed, so that nobody confirms; and its run."""
    inventory = systemd_host.inventory()
    before = set(runs(netaudit))
    process = netaudit("fix", "-i", str(inventory), *ONLY, *SOON, started=True)
    try:
        until(lambda: systemd_host.sh(VALUE).strip() == "0" or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGSTOP)
        yield process, next(iter(set(runs(netaudit)) - before))
    finally:
        process.kill()
        process.communicate()


def runs(netaudit: Callable[..., Any]) -> list[str]:
    """The ids of the runs in the store."""
    return [each["run"]["id"] for each in netaudit("history", code=None)["runs"]]


def test_kept_over_a_boot(systemd_host, netaudit) -> None:
    """What was verified and kept is what systemd-sysctl sets at the next boot; a rollback is kept like it."""
    inventory = str(systemd_host.inventory())
    fixed = netaudit("fix", "-i", inventory, *ONLY, *QUICK)
    assert outcome(fixed) == "persisted"
    systemd_host.reboot()
    assert systemd_host.sh(VALUE).strip() == "0"
    assert systemd_host.sh(UNITS) == ""
    back = netaudit("rollback", fixed["run"]["id"], "-i", inventory)
    assert outcome(back) == "rolled-back"
    assert (systemd_host.sh(VALUE).strip(), systemd_host.sh(FILES)) == ("1", "")
    systemd_host.reboot()
    assert systemd_host.sh(VALUE).strip() == "1"


def test_armed_by_a_unit_that_the_controller_cannot_take_along(systemd_host, netaudit, changed) -> None:
    """The timer is a service of systemd, outside of every login; with the controller killed it undoes the change."""
    process, run = changed
    name, load, active, running, *_ = systemd_host.sh(UNITS).split()
    assert (load, active, running) == ("loaded", "active", "running"), systemd_host.sh(UNITS)
    assert f"/system.slice/{name}" in systemd_host.sh(f"systemctl show -p ControlGroup {name}")
    process.kill()
    until(lambda: systemd_host.sh(VALUE).strip() == "1")
    until(lambda: systemd_host.sh(UNITS) == "")
    assert systemd_host.sh("ls /etc/sysctl.d") == ""
    assert outcome(netaudit("resume", run, "-i", str(systemd_host.inventory()), code=4)) == "rolled-back"
    assert systemd_host.sh(FILES) == ""


@pytest.mark.parametrize("how", ["power_cut", "reboot"])
def test_a_boot_in_between_ends_in_the_old_state(systemd_host, netaudit, changed, how: str) -> None:
    """A cut of power, and a reboot that ends all services in good order: the old value, and no trace of the change."""
    process, run = changed
    process.kill()
    if how == "reboot":
        systemd_host.reboot()
    else:
        systemd_host.power_cut()
        systemd_host.boot()
    assert (systemd_host.sh(VALUE).strip(), systemd_host.sh(FILES), systemd_host.sh(UNITS)) == ("1", "", "")
    said = netaudit("resume", run, "-i", str(systemd_host.inventory()), code=4)
    assert outcome(said) == "rolled-back"
    assert said["hosts"][0]["reason"].startswith("the host has booted since")
    again = netaudit("resume", run, "-i", str(systemd_host.inventory()), code=4)
    assert outcome(again) == "rolled-back"


def test_a_plan_of_another_boot_is_refused(systemd_host, netaudit, tmp_path: Path) -> None:
    """The host has booted since it was planned: its values may be those of the plan, and it is refused."""
    inventory, plan = str(systemd_host.inventory()), str(tmp_path / "plan.json")
    netaudit("plan", "-i", inventory, *ONLY, "-o", plan, as_json=False, code=None)
    systemd_host.reboot()
    said = netaudit("fix", "-i", inventory, *ONLY[:2], "--plan", plan, *QUICK, "--no-progress", code=4)
    assert outcome(said) == "refused"
    assert "boot" in json.dumps(said["hosts"])
    assert (systemd_host.sh(VALUE).strip(), systemd_host.sh(FILES)) == ("1", "")


def test_listeners_are_restarted_where_that_is_asked_for(systemd_host, netaudit) -> None:
    """The service that kept the backlog of its start is named; ``--restart-listeners`` restarts it after the change."""
    inventory = str(systemd_host.inventory())
    systemd_host.sh("echo 128 >/proc/sys/net/core/somaxconn; systemctl start web.service")
    until(lambda: backlog(systemd_host) == 128)
    before = systemd_host.sh("systemctl show -p MainPID --value web.service")
    plan = netaudit("plan", "-i", inventory, *QUEUES, as_json=False, code=None)
    assert "until they are restarted" in plan
    assert "web.service)" in plan
    fixed = netaudit("fix", "-i", inventory, *QUEUES, *QUICK, "--restart-listeners")
    classes = [batch["class"] for batch in fixed["batches"]]
    assert ["new-sockets", "restart"] == classes
    assert all(gate["passed"] for batch in fixed["batches"] for gate in batch["gates"])
    assert [step["subject"] for step in fixed["hosts"][0]["steps"]] == ["net.core.somaxconn", "web.service"]
    assert backlog(systemd_host) == 4096
    assert systemd_host.sh("systemctl show -p MainPID --value web.service") != before
    back = netaudit("rollback", fixed["run"]["id"], "-i", inventory)
    assert outcome(back) == "rolled-back"
    assert (backlog(systemd_host), systemd_host.sh("cat /proc/sys/net/core/somaxconn").strip()) == (128, "128")


def test_a_listener_with_the_backlog_of_its_start(systemd_host, netaudit) -> None:
    """The cap was raised by hand and the service not restarted: the check fails, is fixed by a restart, and passes."""
    inventory = str(systemd_host.inventory())
    systemd_host.sh("systemctl stop ssh.service; echo 128 >/proc/sys/net/core/somaxconn; systemctl start web.service")
    until(lambda: backlog(systemd_host) == 128)
    systemd_host.sh("echo 4096 >/proc/sys/net/core/somaxconn; systemctl start ssh.service")
    until(lambda: ":22 " in systemd_host.sh("ss -ltn"))
    stale = "tcp.accept_queue.stale_backlog"

    def says() -> str:
        report = netaudit("audit", "-i", inventory, "--no-progress", code=None)
        return next(each["status"] for each in report["hosts"][0]["results"] if each["check"] == stale)

    assert says() == "fail"
    refused = netaudit("fix", "-i", inventory, "--only", stale, *QUICK, "--no-progress", as_json=False, code=None)
    assert "--allow restart" in refused
    fixed = netaudit("fix", "-i", inventory, "--only", stale, *QUICK, "--no-progress", "--restart-listeners")
    assert [step["outcome"] for step in fixed["hosts"][0]["steps"]] == ["confirmed"]
    assert says() == "pass"
    assert backlog(systemd_host) == 4096
