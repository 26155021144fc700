"""One self-contained page: templates, the style and the script inside it, and the policy that allows nothing else.

The policy is ``default-src 'none'`` with the hashes of this page's own style and scripts: whatever a host sent cannot
load, run or style anything, even if it should get past the escaping. Trusted Types take the script itself every way
of turning text into markup. Templates come from this package; nothing else is read and nothing is opened.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from netaudit.fleet.names import fold_within
from netaudit.report.sanitise import printable

MAX_CHARS = 20_000  # of one text; what a host sent is shorter
HOSTS_CHARS = 1_200  # of the folded names of hosts in one place
STYLE = "page.css"
SCRIPT = "page.js"


@dataclass(frozen=True, slots=True)
class Inline:
    """The text of a style or a script that stands in the page, and its hash as the policy wants it."""

    text: Markup
    source: str


@cache
def environment() -> Environment:
    """The templates. Every text that they print is made printable first, and escaped."""
    made = Environment(
        loader=PackageLoader("netaudit.report.html", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["hosts"] = lambda names, chars=HOSTS_CHARS: fold_within(names, chars)
    made.filters["thousands"] = lambda number: f"{number:,}"
    made.filters["plural"] = lambda number, noun: f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
    made.filters["slug"] = slug
    made.filters["oneline"] = lambda text: " ".join(text.split())
    return made


def _finalize(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Markup):
        return printable(value, MAX_CHARS)
    return value


def slug(text: str) -> str:
    """The text as part of an ``id``: letters, digits, dots, dashes and underscores."""
    return "".join([sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "_" for sign in text])[:200]


@cache
def inline(name: str) -> Inline:
    """A style or script of this package."""
    text = environment().get_template(name).render()
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return Inline(Markup(text), f"'sha256-{digest}'")  # noqa: S704  # a file of this package, not of anywhere else


def pieces(template: str, context: Mapping[str, object], *, scripts: tuple[str, ...] = ()) -> Iterator[str]:
    """The page in pieces to write one after the other."""
    style = inline(STYLE)
    code = [inline(name) for name in (SCRIPT, *scripts)]
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src {style.source}",
            f"script-src {' '.join(each.source for each in code)}",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )
    shell = {"policy": policy, "style": style.text, "scripts": [each.text for each in code]}
    yield from environment().get_template(template).generate(**shell, **context)
