"""Plans look as they were last looked at: on a narrow and on a wide terminal, in ASCII, with everything."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from netaudit.model.plan import HostPlan, NotRemedied, Plan, Step, StepClass
from netaudit.remedy.batches import batches_of
from netaudit.remedy.plan_file import sealed
from netaudit.report.plan_page import plan_page
from netaudit.report.signs import ASCII, UNICODE
from netaudit.report.terminal import print_text, render_page
from netaudit.report.words import Options

FILES = Path(__file__).parent / "plan"
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
DROP_IN = "/etc/sysctl.d/99-zz-netaudit-20261120T150000Z"


def sysctl(key: str, before: str, after: str, check: str, **changes: object) -> Step:
    """A setting that is changed."""
    step_class = changes.pop("step_class", StepClass.NEW_SOCKETS)
    file = changes.pop("file", f"{DROP_IN}-{step_class}.conf")
    return Step(
        "sysctl", key, {"key": key}, before, after, step_class, (check,), "r", "0" * 64,  # type: ignore[arg-type]
        file=file, undo=f"write {before} to {key}", **changes,  # type: ignore[arg-type]
    )  # fmt: skip


SOMAXCONN = sysctl(
    "net.core.somaxconn", "128", "4096", "tcp.accept_queue.somaxconn", boot_before="128",
    notes=("wins over /etc/sysctl.d/60-site.conf:1",
           "listeners keep their old backlog until they are restarted: nginx (pid 812, nginx.service), sshd (pid 600)"),
)  # fmt: skip
RMEM = sysctl(
    "net.ipv4.tcp_rmem",
    "4096 131072 6291456",
    "4096 131072 16777216",
    "tcp.rmem.max",
    boot_before="4096 131072 6291456",
)
COOKIES = sysctl(
    "net.ipv4.tcp_syncookies", "0", "1", "tcp.syn_queue.syncookies", step_class=StepClass.LIVE, boot_before="0"
)
LOST = sysctl(
    "net.core.somaxconn", "4096", "4096", "host.sysctl.lost_at_boot", step_class=StepClass.LIVE, boot_before="128"
)
INSIDE = sysctl(
    "net.core.somaxconn", "128", "4096", "tcp.accept_queue.somaxconn", namespace="blue", file=None,
    notes=("lasts as long as the network namespace blue; what makes it starts from the defaults",),
)  # fmt: skip
RING = Step(
    "ring", "eth0 rx ring", {"device": "eth0", "which": "rx"}, "512", "4096", StepClass.LINK_FLAP,
    ("nic.ring.rx_size",), "nic.ring_rx", "0" * 64, file="/etc/systemd/network/00-netaudit-eth0.link",
    undo="ethtool -G eth0 rx 512",
    notes=("the link of eth0 may go down for seconds",),
)  # fmt: skip
LEFT = (
    NotRemedied(
        "tcp.accept_queue.stale_backlog", "0.0.0.0:443", "the listener belongs to no service that could be named"
    ),
    NotRemedied("ip.rp_filter", "eth1", "waived until 2027-01-31 by j.doe"),
    NotRemedied(
        "ct.active", "host", "for information only: named with --only it is remedied", "Nothing has to be done."
    ),
)
TUNED = NotRemedied(
    "tcp.accept_queue.somaxconn", "host", "net.core.somaxconn: tuned writes it on this host (profile throughput)",
    "net.core.somaxconn: set it in the section [sysctl] of a profile of your own (tuned.conf(5))",
)  # fmt: skip


def host(name: str, *steps: Step, left: tuple[NotRemedied, ...] = ()) -> HostPlan:
    """One host."""
    return HostPlan(name, "192.0.2.1", "boot", "0" * 64, steps, left)


def plan(*hosts: HostPlan) -> Plan:
    """The plan of some hosts."""
    notes = ("1 host gave no answer and would not be touched",) if len(hosts) > 1 else ()
    made = Plan("", NOW, NOW + timedelta(hours=1), "1.0", "web-edge", "0" * 64, hosts,
                batches_of(hosts, ("1", "10%", "50%")), notes)  # fmt: skip
    return sealed(made)


OTHER = replace(SOMAXCONN, notes=(SOMAXCONN.notes[0], SOMAXCONN.notes[1].replace("812", "4711")))
WEB = [host(f"web{number:02d}", SOMAXCONN if number < 9 else OTHER, RMEM, left=LEFT) for number in range(1, 11)]
FLEET = plan(
    *WEB, host("db01", COOKIES, LOST, left=LEFT[2:]), host("db02", INSIDE), host("lb1", RING), host("lb2"),
    host("mq1", left=(TUNED,)),
    host("db9", left=(NotRemedied("", "host", "connect-timeout: no answer from 192.0.2.9", "is it up?"),)),
)  # fmt: skip
PLANS = {"fleet": FLEET, "one-host": plan(host("web1", SOMAXCONN, COOKIES)), "nothing": plan(host("web1", left=LEFT))}


def _matches(name: str, text: str) -> None:
    path = FILES / name
    if os.environ.get("NETAUDIT_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def _page(made: Plan, options: Options, *, color: bool = False) -> str:
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=options.columns,
        force_terminal=color,
        color_system="standard" if color else None,
        _environ={},
    )
    print_text(console, render_page(plan_page(made, options), options))
    return stream.getvalue()


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", PLANS)
def test_plans(name: str, columns: int) -> None:
    """No line is wider than the terminal, and nothing ends in blanks."""
    text = _page(PLANS[name], Options(columns=columns))
    assert all(len(line) <= columns and line == line.rstrip() for line in text.splitlines())
    _matches(f"{name}-{columns}-columns.txt", text)


def test_in_ascii_with_everything() -> None:
    """For a terminal that knows no more; with every undo."""
    text = _page(FLEET, Options(columns=100, signs=ASCII, verbose=True))
    assert text.isascii()
    _matches("fleet-ascii-verbose.txt", text)


def test_in_colour() -> None:
    """The escapes of a terminal, so that a change of colour is seen."""
    _matches("fleet-colour.txt", _page(FLEET, Options(columns=80, signs=UNICODE), color=True))
