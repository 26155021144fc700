"""What may stand in the shell text of an operation: names of closed alphabets, and values as quoted literals.

A plan can come out of a file, so everything is looked at again here, whatever the planner has made sure of. The
lists are narrow on purpose: an interface may bear nearly any name, and one that is odd is left alone.
"""

from __future__ import annotations

import re
import shlex

from netaudit.errors import PlanError
from netaudit.facts.sysctl import path_of

_SEGMENT = r"[A-Za-z0-9_@:][A-Za-z0-9_@:/-]*"
_KEY = re.compile(rf"net(?:\.{_SEGMENT}){{2,6}}\Z", re.ASCII)
_OTHER_KEYS = frozenset({"fs.file-max", "fs.nr_open"})  # of the trees outside of net.*, these alone
_SECRET = re.compile(r"tcp_fastopen_key|stable_secret|netdev_rss_key|(?:^|\.)route\.flush\Z", re.ASCII)
_DEVICE = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_.@-]{0,14}\Z", re.ASCII)
_NAMESPACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,63}\Z", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\Z", re.ASCII)
_UNIT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@\\-]{0,127}\.(?:service|socket)\Z", re.ASCII)
_VALUE = re.compile(r"-?[0-9]{1,19}(?: -?[0-9]{1,19}){0,15}\Z|[a-z][a-z0-9_-]{0,31}\Z|[0-9]{1,5}(?:[-,][0-9]{1,5})*\Z")
_MASK = re.compile(r"[0-9a-f]{1,8}(?:,[0-9a-f]{8}){0,255}\Z", re.ASCII)
_TABLE = re.compile(r"equal [0-9]{1,4}(?: start [0-9]{1,4})?\Z|weight(?: [0-9]{1,5}){1,256}\Z", re.ASCII)
_DIRECTORY = "/proc/sys/"


def _checked(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.match(text) or ".." in text:
        raise PlanError(f"{text[:80]!r} is no {what} that netaudit changes")
    return text


def quoted(text: str) -> str:
    """A text as one literal word of the shell."""
    return shlex.quote(text)


def is_changeable(key: str) -> bool:
    """Whether a sysctl is one that an operation may write: of ``net.*``, no secret, no wildcard."""
    if key in _OTHER_KEYS:
        return True
    return bool(_KEY.match(key)) and not _SECRET.search(key) and "//" not in key


def sysctl_file(key: str) -> str:
    """The file of a sysctl as a literal. Raises PlanError for a key that is not on the list."""
    if not is_changeable(key):
        raise PlanError(f"{key[:80]!r} is no setting that netaudit changes")
    return quoted(_DIRECTORY + path_of(key))


def is_device(name: str) -> bool:
    """Whether an interface has a name that may stand in a script."""
    return bool(_DEVICE.match(name)) and ".." not in name


def device(name: str) -> str:
    """The name of an interface as a literal. Raises PlanError."""
    return quoted(_checked(_DEVICE, name, "interface"))


def namespace(name: str) -> str:
    """The name of a network namespace as a literal. Raises PlanError."""
    return quoted(_checked(_NAMESPACE, name, "network namespace"))


def is_namespace(name: str) -> bool:
    """Whether a namespace has a name that may stand in a script."""
    return bool(_NAMESPACE.match(name)) and ".." not in name


def word(text: str) -> str:
    """The name of a module or of one of its parameters. Raises PlanError."""
    return _checked(_WORD, text, "name of a module")


def unit(text: str) -> str:
    """The name of a service of systemd as a literal. Raises PlanError."""
    return quoted(_checked(_UNIT, text, "service"))


def is_value(text: str) -> bool:
    """Whether a value is one that may be written: integers, one word, or ranges of numbers."""
    return bool(_VALUE.match(text)) or text == ""


def value(text: str) -> str:
    """A value as a literal. Raises PlanError."""
    if not is_value(text):
        raise PlanError(f"{text[:80]!r} is no value that netaudit writes")
    return quoted(text)


def number(text: str) -> str:
    """A whole number. Raises PlanError."""
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise PlanError(f"{text[:80]!r} is no number that netaudit writes")
    return text


def mask(text: str) -> str:
    """A mask of CPUs as the kernel prints it, as a literal. Raises PlanError."""
    return quoted(_checked(_MASK, text, "mask of CPUs"))


def table(text: str) -> str:
    """An indirection table in the words of ``ethtool -X``. Raises PlanError."""
    return _checked(_TABLE, text, "table of queues")
