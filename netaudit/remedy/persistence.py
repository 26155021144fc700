"""The files of netaudit's own that make changes last: their names, and what stands in them.

Each run writes files of its own, named by the moment of its plan, and changes none that it finds. So later runs win
over earlier ones by their name, and the undo of any run is to remove its files, whatever other runs have done. Of
.link files only one counts for a device: that file has one name, and a later run repeats what an earlier one wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from netaudit.errors import PlanError
from netaudit.model.plan import Step, StepClass
from netaudit.remedy import literals
from netaudit.remedy.scripts import FileWrite

SYSCTL_DIRECTORY = "/etc/sysctl.d"
MODULES_DIRECTORY = "/etc/modules-load.d"
MODPROBE_DIRECTORY = "/etc/modprobe.d"
RULES_DIRECTORY = "/etc/udev/rules.d"
IF_UP_DIRECTORY = "/etc/network/if-up.d"
NETPLAN_DIRECTORY = "/etc/netplan"
NETWORK_DIRECTORY = "/etc/systemd/network"

_STAMP = "%Y%m%dT%H%M%SZ"
_PREFIXES = ("99-zz-netaudit", "zz-netaudit", "zzz-netaudit", "zzzz-netaudit")
_HEAD = "# Written by netaudit. `netaudit rollback` takes it away again; so does removing this file."
_NAME = r"(?:[0-9z-]*-)?netaudit-[0-9TZ]{16}(?:-[a-z-]{1,20})?"
_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}\Z", re.ASCII)
_LINK_LINE = re.compile(r"[A-Za-z]{1,40}=[A-Za-z0-9]{1,20}\Z", re.ASCII)
# What systemd's own 99-default.link says: a file in its place has to say it too.
_DEFAULT_LINK = (
    "NamePolicy=keep kernel database onboard slot path",
    "AlternativeNamesPolicy=database onboard slot path",
    "MACAddressPolicy=persistent",
)

Lines = Sequence[tuple[Step, Sequence[str]]]


def stamp_of(moment: datetime, step_class: StepClass) -> str:
    """What the names of a plan's files end in: ``20261120T213600Z-live``.

    Changes of different classes are made at different times and kept or taken back by themselves: so are their files.
    """
    return f"{moment.strftime(_STAMP)}-{step_class}"


def sysctl_drop_in(stamp: str, others: Sequence[str]) -> str | None:
    """The path of a drop-in that sorts after all ``others`` (paths of drop-ins that set the same keys).

    None when there is one that no name of ours comes after.
    """
    last = max((path.rpartition("/")[2].encode() for path in others), default=b"")
    for prefix in _PREFIXES:
        name = f"{prefix}-{stamp}.conf"
        if name.encode() > last:
            return f"{SYSCTL_DIRECTORY}/{name}"
    return None


def own_file(directory: str, stamp: str) -> str:
    """The path of a run's file in a directory where order matters little."""
    return f"{directory}/zz-netaudit-{stamp}.conf"


def link_file(device: str) -> str:
    """The path of the .link file of a device: in front of all others, as the first that matches counts."""
    literals.device(device)
    return f"{NETWORK_DIRECTORY}/00-netaudit-{device}.link"


def file_of(path: str, steps: Lines) -> FileWrite:
    """The file of some steps, with the reason for each. Raises PlanError for a path that is not netaudit's own."""
    for pattern, mode, write in _KINDS:
        if pattern.match(path) and ".." not in path:
            return FileWrite(path, "\n".join((*write(steps), "")), mode)
    raise PlanError(f"{path[:120]!r} is no file of netaudit's own")


def _plain(steps: Lines) -> list[str]:
    """For each step a comment and its lines; of lines that come twice the first."""
    text, said = [_HEAD], set[str]()
    for step, lines in steps:
        new = [line for line in lines if line not in said]
        if new:
            text += [f"# {_why(step)}", *new]
            said.update(new)
    return text


def _link(steps: Lines) -> list[str]:
    """A .link file: what it matches, what systemd's own says, what earlier runs wrote, and what is new."""
    first = steps[0][0]
    mac = first.arguments.get("mac", "")
    if not _MAC.match(mac):
        raise PlanError(f"{mac[:40]!r} is no address by which a .link file could know a device")
    new = [line for _, lines in steps for line in lines]
    keys = {line.partition("=")[0] for line in new}
    earlier = [line for line in first.arguments.get("link_also", "").split(";") if line]
    if not all(map(_LINK_LINE.match, earlier)):
        raise PlanError("an earlier .link file holds lines that netaudit does not write")
    also = [line for line in earlier if line.partition("=")[0] not in keys]
    comments = [f"# {_why(step)}" for step, _ in steps]
    return [_HEAD, "[Match]", f"MACAddress={mac}", "Type=ether", "", "[Link]", *_DEFAULT_LINK, *also, *comments, *new]


def _script(steps: Lines) -> list[str]:
    """A script for ifupdown, which runs it with the name of the interface in IFACE."""
    text = ["#!/bin/sh", _HEAD]
    for step, lines in steps:
        device = literals.device(step.arguments["device"])
        text += [f"# {_why(step)}", f'if [ "${{IFACE-}}" = {device} ]; then', *lines, "fi"]
    return [*text, "exit 0"]


def _netplan(steps: Lines) -> list[str]:
    text = [_HEAD, "network:", "  version: 2", "  ethernets:"]
    for step, lines in steps:
        literals.device(step.arguments["device"])
        text += [f"    # {_why(step)}", f"    {step.arguments['device']}:", *(f"      {line}" for line in lines)]
    return text


def _network(steps: Lines) -> list[str]:
    return [*_plain(()), "[Link]", *_plain(steps)[1:]]


_KINDS: tuple[tuple[re.Pattern[str], int, Callable[[Lines], list[str]]], ...] = (
    (re.compile(rf"/etc/(?:sysctl|modules-load|modprobe)\.d/{_NAME}\.conf\Z", re.ASCII), 0o644, _plain),
    (re.compile(rf"/etc/udev/rules\.d/{_NAME}\.rules\Z", re.ASCII), 0o644, _plain),
    (re.compile(r"/etc/systemd/network/00-netaudit-[A-Za-z0-9_.@-]{1,15}\.link\Z", re.ASCII), 0o644, _link),
    (re.compile(rf"/etc/systemd/network/[A-Za-z0-9_.@-]+\.network\.d/{_NAME}\.conf\Z", re.ASCII), 0o644, _network),
    (re.compile(rf"/etc/network/if-up\.d/{_NAME}\Z", re.ASCII), 0o755, _script),
    (re.compile(rf"/etc/netplan/{_NAME}\.yaml\Z", re.ASCII), 0o600, _netplan),
)


def _why(step: Step) -> str:
    """One line of comment, of plain characters only."""
    line = f"{', '.join(step.checks)}: was {step.before}"
    return re.sub(r"[^ -~]", "?", line)[:200]
