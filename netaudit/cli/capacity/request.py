"""What ``netaudit capacity`` is asked: the workload, its scale, and settings that are tried out."""

from __future__ import annotations

import argparse
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

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
from netaudit.model.workload import Workload


@dataclass(frozen=True, slots=True)
class Request:
    """The load of a run."""

    workload: Workload
    scale: float = 1.0
    what_if: Mapping[str, str] = field(default_factory=dict)

    @property
    def ref(self) -> WorkloadRef:
        """How reports call it."""
        load = self.workload
        return WorkloadRef(
            load.name, load.title, load.file, load.sha256, self.scale, load.present.value, load.assumes, self.what_if
        )


def read_workload(path: Path) -> Workload:
    """The workload of a file. Raises RuleError with the place of the first fault."""
    data = read_bytes(path)
    return workload_of(parse_yaml(data, str(path)), hashlib.sha256(data).hexdigest())


def request_of(args: argparse.Namespace) -> Request:
    """The request of the command line. Raises OperatorError."""
    return Request(read_workload(workload_file(args.workload)), args.scale, what_if_of(args.what_if))


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
