"""The pieces of JUnit's XML: tags, and what stands inside a test. Texts come free of control characters."""

from __future__ import annotations

import html
from collections.abc import Mapping


def properties(values: Mapping[str, str]) -> str:
    """What is said of a whole suite."""
    lines = "".join(f'   <property name="{name}" value="{escaped(value)}"/>\n' for name, value in values.items())
    return f"  <properties>\n{lines}  </properties>\n"


def skipped(message: str) -> str:
    """That a test was not held, and why."""
    return tag("skipped", {"message": message}, closed=True).rstrip()


def element(name: str, message: str, kind: str, text: str) -> str:
    """A failure or an error: a line for lists, a word for the kind, and the whole story."""
    return tag(name, {"message": message, "type": kind}).rstrip() + f"{escaped(text)}</{name}>"


def tag(name: str, attributes: Mapping[str, str], *, closed: bool = False) -> str:
    """The beginning of an element, or all of one that holds nothing."""
    written = "".join(f' {key}="{escaped(value)}"' for key, value in attributes.items())
    return f"<{name}{written}{'/' if closed else ''}>\n"


def escaped(text: str) -> str:
    """The text for an attribute or an element; printable as it is, it holds nothing that XML cannot say."""
    return html.escape(text)
