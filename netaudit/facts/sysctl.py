"""Running kernel settings: the domain ``sysctl``.

This is the largest section of an answer (some thousand lines), so the text is cut in bulk, without a loop of Python
for each line; and since hosts of a fleet have most settings in common, what is equal is read once for all of them.
"""

from __future__ import annotations

from functools import lru_cache

from netaudit.facts.parts import unreadable
from netaudit.model.facts import Sysctls
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, AbsentReason

_SWAP = str.maketrans("/.", "./")
_HEAD, _HEAD_END = "\n==> ", " <==\n"  # around the path that head(1) prints above each of several files
# Where the text is cut: in front of settings that are tuned on some hosts, and around those that are really counters,
# which come behind them, in this order.
_TCP = _HEAD + "net/ipv4/tcp_"
_COUNTED = tuple(_HEAD + path + _HEAD_END for path in ("net/netfilter/nf_conntrack_count", "fs/file-nr"))
_LONG = 4096
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
    first, *tuned = ("\n" + text).split(_TCP)
    pieces = [first, _TCP + tuned.pop()] if tuned else [first]
    for heading in _COUNTED:
        pieces[-1:] = _apart(pieces[-1], heading)
    before, *behind = [(_settings_of if len(piece) < _LONG else _settings_of_many)(piece) for piece in pieces]
    settings = dict(before)
    for piece in tuned:
        settings.update(_tuned(piece) if len(piece) < _LONG else _settings_of_many(_TCP + piece))
    for read in behind:
        settings.update(read)
    return settings


def _apart(text: str, heading: str) -> tuple[str, ...]:
    """A text with one setting cut out of it."""
    start = text.find(heading)
    if start < 0:
        return (text,)
    end = text.find(_HEAD, start + len(_HEAD))
    return (text[:start], text[start:end], text[end:]) if end >= 0 else (text[:start], text[start:])


def _read(text: str) -> dict[str, str]:
    """The settings of one piece."""
    before, *cells = text.replace(_HEAD_END, _HEAD).split(_HEAD)
    paths = "\n".join(cells[0::2])
    if before.strip() or len(cells) % 2 or paths.count("\n") + 1 > max(1, len(cells) // 2):
        raise ValueError(f"headings do not alternate with values: {text[:80]!r}")
    values = "\0".join(cells[1::2]).removesuffix("\n").replace("\n\0", "\0").replace("\t", " ")
    while "  " in values:
        values = values.replace("  ", " ")
    if " \0" in values or values.endswith(" "):
        values = values.replace(" \0", "\0").rstrip(" ")
    return dict(zip(name_of(paths).split("\n"), values.split("\0"), strict=True)) if cells else {}


# A piece that was read of another host is not read again: between the settings that hosts differ in lie long stretches
# of equal ones, and the whole takes 40 % of the time. Of long pieces few are kept, because each may hold thousands.
_settings_of = lru_cache(maxsize=2048)(_read)
_settings_of_many = lru_cache(maxsize=32)(_read)


@lru_cache(maxsize=2048)
def _tuned(piece: str) -> dict[str, str]:
    """The settings of a piece behind the beginning of the path of a setting of TCP."""
    return _read(_TCP + piece)
