"""The border between what a host sent and a terminal: nothing that passes can move the cursor or turn text round."""

from __future__ import annotations

MAX_CHARS = 400

# Signs that Python calls printable and that nobody sees: fillers, joiners of graphemes, variation selectors.
_INVISIBLE = frozenset(
    (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x3164, *range(0xFE00, 0xFE10), 0xFFA0)
) | frozenset(range(0xE0100, 0xE01F0))


def printable(text: str, limit: int = MAX_CHARS) -> str:
    """The text on one line, with every sign that a terminal might obey written as ``\\x1b`` or ``\\u202e``.

    That is all but letters, marks, numbers, punctuation, symbols and the blank: C0, DEL and C1 controls, bidirectional
    and other format characters, line separators, and surrogates that stand alone. What is longer than ``limit``
    characters is cut, and says by how much.
    """
    cut = ""
    if len(text) > limit:
        text, cut = text[:limit], f"… ({len(text) - limit:,} more characters)"
    if text.isascii() and text.isprintable():
        return text + cut
    return "".join([sign if _is_harmless(sign) else _escaped(sign) for sign in text]) + cut


def ascii_only(text: str) -> str:
    """The text for a terminal that knows ASCII only."""
    return text.replace("…", "...").encode("ascii", "backslashreplace").decode("ascii")


def _is_harmless(sign: str) -> bool:
    return sign.isprintable() and ord(sign) not in _INVISIBLE


def _escaped(sign: str) -> str:
    code = ord(sign)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no UTF-8: PEP 383
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
