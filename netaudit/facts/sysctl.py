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
_HEAD, _HEAD_END = "\n==> ", " <==\n"  # around the path that head(1) prints above each of several files
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
    settings = settings_of(text)
    for name in absent:
        settings.pop(name, None)  # of a file that opens and cannot be read, head prints the heading
    return Sysctls(settings, absent)


def settings_of(text: str) -> dict[str, str]:
    """The settings in what ``head`` printed of files below /proc/sys: ``==> PATH <==``, the value, an empty line.

    A file that was read twice says the same both times. Raises ValueError for text of another form.
    """
    before, *cells = ("\n" + text).replace(_HEAD_END, _HEAD).split(_HEAD)
    paths = "\n".join(cells[0::2])
    if before.strip() or len(cells) % 2 or paths.count("\n") + 1 > max(1, len(cells) // 2):
        raise ValueError(f"headings do not alternate with values: {text[:80]!r}")
    values = "\0".join(cells[1::2]).removesuffix("\n").replace("\n\0", "\0").replace("\t", " ")
    while "  " in values:
        values = values.replace("  ", " ")
    if " \0" in values or values.endswith(" "):
        values = values.replace(" \0", "\0").rstrip(" ")
    return dict(zip(_names(paths), values.split("\0"), strict=True)) if cells else {}


@lru_cache(maxsize=64)
def _names(paths: str) -> tuple[str, ...]:
    return tuple(name_of(paths).split("\n")) if paths else ()
