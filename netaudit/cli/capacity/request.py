"""What ``netaudit capacity`` is asked: the workload, its scale, and settings that are tried out."""

from __future__ import annotations

import argparse
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from netaudit.assets.catalogue import name_lists
from netaudit.assets.locate import locate
from netaudit.assets.named import workload_file
from netaudit.assets.textfile import read_bytes
from netaudit.assets.yamlfile import parse_yaml
from netaudit.baseline.nearest import nearest
from netaudit.baseline.workload import workload_of
from netaudit.capacity.host import WORDS
from netaudit.errors import UsageError
from netaudit.model.capacity import WorkloadRef
from netaudit.model.context import LoadContext
from netaudit.model.workload import Workload


@dataclass(frozen=True, slots=True)
class Request:
    """The load of a run."""

    workload: Workload
    scale: float = 1.0
    what_if: Mapping[str, str] = field(default_factory=dict)
    text: str = ""  # of the workload's file

    @property
    def ref(self) -> WorkloadRef:
        """How reports call it."""
        load = self.workload
        return WorkloadRef(
            load.name, load.title, load.file, load.sha256, self.scale, load.present.value, load.assumes, self.what_if
        )

    @property
    def patterns(self) -> frozenset[str]:
        """Every pattern of hosts in it."""
        load = self.workload
        return frozenset([each.hosts for each in load.loads] + [each.hosts for each in load.machines])

    def context(self, matches: Callable[[str], frozenset[str]]) -> LoadContext:
        """What has to be kept of it to weigh the same hosts again. ``matches`` gives the hosts of a pattern."""
        members = {pattern: matches(pattern) for pattern in sorted(self.patterns)}
        return LoadContext(self.workload.file, self.text, self.scale, dict(self.what_if), members)


def _workload(data: bytes, file: str) -> Workload:
    """The workload of a file. Raises RuleError with the place of the first fault."""
    return workload_of(parse_yaml(data, file), hashlib.sha256(data).hexdigest())


def request_of(args: argparse.Namespace) -> Request:
    """The request of the command line. Raises OperatorError."""
    path = workload_file(args.workload)
    data = read_bytes(path)
    return Request(_workload(data, str(path)), args.scale, what_if_of(args.what_if), data.decode("utf-8", "replace"))


def request_again(load: LoadContext) -> Request:
    """The request of a past run. Raises RuleError where it cannot be understood any more."""
    return Request(_workload(load.text.encode(), load.file), load.scale, load.what_if, load.text)


def scale(text: str) -> float:
    """A factor above zero, for ``--scale``."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not (0 < value < math.inf):
        raise argparse.ArgumentTypeError("must be more than zero")
    return value


def what_if_of(words: Sequence[str]) -> Mapping[str, str]:
    """The settings of ``--what-if NAME=VALUE``. Raises UsageError when one is not known or has no numbers."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = (part.strip() for part in word.partition("="))
        name = name if name in WORDS else name.replace("/", ".")
        if not equals or not value:
            raise UsageError(f"--what-if {word}: the value is missing", hint="--what-if net.core.somaxconn=65535")
        _refuse_unknown(name, word)
        if name != "net.ipv4.ip_local_reserved_ports" and not all(part.isdigit() for part in value.split()):
            raise UsageError(f"--what-if {word}: {value!r} is not a number", hint="whole numbers, several with blanks")
        found[name] = " ".join(value.split())
    return found


def _refuse_unknown(name: str, word: str) -> None:
    if name in WORDS:
        return
    known = name_lists(locate()).sysctls
    if not known.knows(name):
        near = nearest(name, WORDS) or known.nearest(name)
        hint = f"did you mean {near!r}?" if near else f"a sysctl, or one of {', '.join(WORDS)}"
        raise UsageError(f"--what-if {word}: there is no setting {name!r}", hint=hint)
