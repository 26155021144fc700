"""Running kernel settings: the domain ``sysctl``.

This is the largest section of an answer (some thousand lines), and hosts of a fleet agree on nearly all of it: what was
read of one is not read again of another.
"""

from __future__ import annotations

from netaudit.facts.likeness import Likeness
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
    text = "\n" + text
    if not text.startswith(_HEAD):
        before = text.partition(_HEAD)[0]
        if before.strip():
            raise _garbled(before)
        text = text[len(before) :]
    return _SETTINGS.values(text)


def _setting(entry: str) -> tuple[str, str]:
    """Name and value of what stands between two heads."""
    path, end, text = entry.partition(_HEAD_END)
    if not end or "\n" in path or _HEAD_END in text or "\0" in text:
        raise _garbled(entry)
    value = text.removesuffix("\n").replace("\t", " ")
    while "  " in value:
        value = value.replace("  ", " ")
    return name_of(path), value.removesuffix(" ")


def _garbled(text: str) -> ValueError:
    return ValueError(f"headings do not alternate with values: {text[:80]!r}")


_SETTINGS = Likeness(_HEAD, _HEAD_END, _setting)
