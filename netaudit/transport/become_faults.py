"""What sudo, doas and su say when they refuse, and what that means to the person on call.

Phrases of sudo 1.8 to 1.9, OpenDoas 6, and the su of util-linux, shadow and busybox, all in the C locale.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What a tool says when it refuses, and what that means."""

    pattern: re.Pattern[str]
    message: str
    hint: str
    needs_terminal: bool = False


def _fault(pattern: str, message: str, hint: str, *, needs_terminal: bool = False) -> Fault:
    return Fault(re.compile(pattern, re.IGNORECASE), message, hint, needs_terminal)


NEEDS_PASSWORD = _fault(
    r"a password is required|authentication required|a terminal is required to read the password",
    "{tool} asks for a password and none was given",
    "give one with -K or ansible_become_password, or allow this user without one (NOPASSWD, nopass)",
)
WRONG_PASSWORD = _fault(
    r"incorrect password|sorry, try again|incorrect (?:authentication|password) attempt|authentication fail",
    "{tool} did not take the password",
    "check the one given with -K or ansible_become_password; it was sent once and is not tried again",
)
# Before it asks for anything, sudo looks up the name of its own host and what groups its user has.
SLOW_LOOKUP = _fault(
    r"unable to resolve host|name resolution|name or service not known",
    "{tool} waits for a name lookup on the host",
    "the host must find its own name: list it in /etc/hosts there, or mend its resolv.conf, nsswitch.conf or the "
    "service that knows its users (sssd, LDAP); `time sudo -n true` on the host shows the wait",
)
FAULTS = (
    _fault(
        r"must have a tty|a tty is required|must be run from a terminal|no tty present",
        "{tool} insists on a terminal",
        "give the password with -K, or lift requiretty for this user in sudoers",
        needs_terminal=True,
    ),
    NEEDS_PASSWORD,
    WRONG_PASSWORD,
    _fault(
        r"not in the sudoers|not allowed to|may not run|operation not permitted|permission denied|must be a member",
        "{tool} does not let this user become {user}",
        "its rules on the host decide: sudoers, doas.conf, or the wheel group for su",
    ),
    _fault(
        r"doas is not enabled|doas\.conf",
        "doas is not set up on this host",
        "write a rule into /etc/doas.conf, or choose another --become-method",
    ),
    _fault(
        r"unknown user|does not exist|no passwd entry|invalid user",
        "there is no user {user} on this host",
        "ansible_become_user names the user to become",
    ),
    _fault(
        r"setuid|no new privileges|effective uid is not 0",
        "{tool} cannot raise privileges on this host",
        "its file has lost the setuid bit, or a container forbids new privileges",
    ),
    _fault(
        r"no such file|not found",
        "{tool} is not installed on this host",
        "choose another --become-method, or name its path with ansible_become_exe",
    ),
    SLOW_LOOKUP,  # the last: sudo mentions it and goes on, so that any other reason says more
)


def fault_in(said: str) -> Fault | None:
    """The fault that some words of a tool speak of; None when they speak of none that is known."""
    return next((fault for fault in FAULTS if fault.pattern.search(said)), None)
