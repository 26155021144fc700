"""Text that a host or a server sent, made fit for one line of a message.

Every word of a stranger that ends in a message passes here once: bounded, on one line, nothing left in it that a
terminal would obey or that would make letters read in another order.
"""

from __future__ import annotations

import re

MESSAGE_CHARS = 200
# C0 and C1 controls, DEL, separators of lines, bidirectional controls, lone surrogates, marks of no width.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]")


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def one_line(text: str | bytes, limit: int = MESSAGE_CHARS) -> str:
    """The text on one printable line of at most ``limit`` characters; what was cut is marked by an ellipsis."""
    if isinstance(text, bytes):
        text = text[: limit * 8].decode("utf-8", "replace")
    text = " ".join(text[: limit * 8].split())
    text = _UNFIT.sub(_escaped, text)
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
