"""Makes the pictures of docs/ out of what commands print: picture.py TITLE <COLOURED-TEXT >docs/audit.svg

docs/audit.svg is what `make demo` prints; docs/fix.svg a `netaudit fix` in a lab of 24 hosts, whose gate says no.
"""

from __future__ import annotations

import io
import sys

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

COLUMNS = 100
_SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: arial; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""


def main() -> None:
    """Read the coloured text, write the picture."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(sys.stdin.read()), soft_wrap=False)
    title = sys.argv[1] if len(sys.argv) > 1 else "make demo"
    sys.stdout.write(console.export_svg(title=title, theme=MONOKAI, code_format=_SVG, unique_id="netaudit"))


if __name__ == "__main__":
    main()
