"""Takes what looks like a secret out of text that leaves this machine.

Probes never read files of secrets. What remains are words that somebody put where they do not belong: a password in a
kernel command line or a comment of sysctl.conf, a token in a URL. They are recognised by their shape.
"""

from __future__ import annotations

import re

REMOVED = "[removed]"

_NAMED = (
    r"(?i:pass(?:word|wd|phrase)?|pwd|secret|(?:auth|access|api|bearer)[_-]?token|token|api[_-]?key|access[_-]?key|"
    r"secret[_-]?key|private[_-]?key|psk|community)"
)
_PATTERNS = (
    re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?=-----END|\Z)", re.DOTALL),
    re.compile(rf"(?<![A-Za-z])({_NAMED}[\"']?\s*[=:]\s*[\"']?)(?!{re.escape(REMOVED)})[^\s\"',;&]+"),
    re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s/@:]*:[^\s/@]+(?=@)"),
    re.compile(r"((?i:authorization\s*[:=]\s*)?(?i:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{12,}"),
    re.compile(r"()\$(?:1|5|6|y|2[aby]|argon2\w*)\$[A-Za-z0-9./=,$_-]{8,}"),  # crypt(5)
    re.compile(r"()\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    re.compile(r"()\b(?:gh[opusr]_|github_pat_|glpat-|xox[abprs]-)[A-Za-z0-9_-]{16,}"),
    re.compile(r"()\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),  # JSON Web Token
)


def without_secrets(text: str) -> tuple[str, int]:
    """The text with every secret replaced, and how many there were."""
    removed = 0
    for pattern in _PATTERNS:
        text, times = pattern.subn(lambda found: found[1] + REMOVED, text)
        removed += times
    return text, removed


class Redactor:
    """Takes secrets out of nested values, and counts them."""

    def __init__(self) -> None:
        self.removed = 0

    def text(self, text: str) -> str:
        """The text without secrets."""
        clean, removed = without_secrets(text)
        self.removed += removed
        return clean
