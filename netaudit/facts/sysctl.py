"""Running kernel settings: the domain ``sysctl``.

This is the largest section of an answer (some thousand lines), so the text is cut in bulk, without a loop of Python
for each line; and since many hosts of a fleet have the same settings, their names are made once for all of them.
"""

from __future__ import annotations

from functools import lru_cache

from netaudit.facts.parts import unreadable
from netaudit.model.facts import Sysctls
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, AbsentReason

_SWAP = str.maketrans("/.", "./")
_NO_SEPARATOR = bytes(byte for byte in range(256) if byte not in b":\n")
_PARTIAL = "#! net/ipv4/conf: not finished: "


def name_of(path: str) -> str:
    """The name of a setting as sysctl(8) writes it, of a path below /proc/sys.

    Slashes become dots; a dot inside a segment, as in the name of a VLAN interface, becomes a slash.
    """
    return path.translate(_SWAP)


def path_of(name: str) -> str:
    """The path below /proc/sys of a setting. The way back of ``name_of``."""
    return name.translate(_SWAP)


def parse_sysctl(section: Section) -> Sysctls:
    """The running settings, and those that exist and could not be read.

    Of a setting that prints several lines the value is these lines, joined by newlines.
    """
    text = section.stdout.decode("utf-8", "replace")
    absent = {
        name_of(path): reason
        for path, reason in unreadable(section.stderr).items()
        if reason.reason is not AbsentReason.NOT_PRESENT
    }
    if text.startswith(_PARTIAL):
        mark, _, text = text.partition("\n")
        absent["net.ipv4.conf"] = Absent(AbsentReason.NOT_FINISHED, mark.removeprefix(_PARTIAL))
    return Sysctls(settings_of(text), absent)


def settings_of(text: str) -> dict[str, str]:
    """The settings of lines ``path:value``, as ``grep -r`` prints files below /proc/sys."""
    text = text.replace("\t", " ")
    while "  " in text:
        text = text.replace("  ", " ")
    if " \n" in text:
        text = text.replace(" \n", "\n")
    names, values = _columns(text)
    settings = dict(zip(names, values, strict=True))
    return settings if len(settings) == len(names) else _joined(names, values)


def _columns(text: str) -> tuple[tuple[str, ...], list[str]]:
    """Names and values of lines ``path:value``, in order. Raises ValueError for a line without a colon."""
    separators = text.encode().translate(None, delete=_NO_SEPARATOR)
    if separators == b":\n" * (len(separators) // 2):
        cells = text.replace(":", "\n").split("\n")
        cells.pop()
        return _names("\n".join(cells[0::2])), cells[1::2]
    paths, values = [], []
    for line in text.split("\n")[:-1]:  # some value holds a colon
        path, colon, value = line.partition(":")
        if not colon:
            raise ValueError(line[:100])
        paths.append(path)
        values.append(value)
    return _names("\n".join(paths)), values


@lru_cache(maxsize=64)
def _names(paths: str) -> tuple[str, ...]:
    return tuple(name_of(paths).split("\n")) if paths else ()


def _joined(names: tuple[str, ...], values: list[str]) -> dict[str, str]:
    """The settings when a name comes more than once: in consecutive lines, its value has several lines.

    A file that the probe read twice comes a second time further down and says the same.
    """
    settings: dict[str, str] = {}
    last = ""
    for name, value in zip(names, values, strict=True):
        if name == last:
            settings[name] += "\n" + value
        else:
            settings.setdefault(name, value)
        last = name
    return settings
