"""Comments go, everything that the shell would see stays."""

from __future__ import annotations

import pytest

from netaudit.wire.scan import HereDocument, condensed, scan_lines


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("# a\n\necho 1\n  # b\necho 2\n", "echo 1\necho 2"),
        ("echo 'a\n# inside\n\nb'\n# outside", "echo 'a\n# inside\n\nb'"),
        ('echo "a\n# inside"\n# outside', 'echo "a\n# inside"'),
        ("echo a \\\n# joined\n# outside", "echo a \\\n# joined"),
        ('echo "don\'t"\n# outside', 'echo "don\'t"'),
        ("echo \\'\n# outside", "echo \\'"),
        ('echo \\"\n# outside', 'echo \\"'),
        ("echo ${#x} $# # it's trailing\n# outside", "echo ${#x} $# # it's trailing"),
        ('echo "$(echo "a\n# inside")"\n# outside', 'echo "$(echo "a\n# inside")"'),
        ("echo $(echo 'x'\n)\n# outside", "echo $(echo 'x'\n)"),
        ("x=$((1 + (2 << 3)))\n# outside", "x=$((1 + (2 << 3)))"),
        ("case $x in\na) echo ;;\n# inside case\nesac\n# outside", "case $x in\na) echo ;;\nesac"),
        ("f() (\n  # inside\n  echo\n)\n# outside", "f() (\necho\n)"),
        ('a="${b%"}"}"\n# outside', 'a="${b%"}"}"'),
        ("if a; then\n\tb \\\n    c\n  d '\n    e'\nfi", "if a; then\nb \\\n    c\nd '\n    e'\nfi"),
        ("  \n \u3000x", "\u3000x"),
    ],
)
def test_only_comments_indentation_and_empty_lines_go(text, kept):
    """What the shell would not take for a comment or for a blank between words is kept."""
    assert condensed(text) == kept


@pytest.mark.parametrize("text", ["cat <<EOF\nx\nEOF\n", "cat <<-EOF", "echo $(cat <<X\n)", "cat<<'X'"])
def test_a_here_document_is_found(text):
    """Its line is named."""
    with pytest.raises(HereDocument) as caught:
        scan_lines("echo\n" + text)
    assert caught.value.line == 2


@pytest.mark.parametrize("text", ["echo '<<'", 'echo "<<"', "echo $((1 << 2))", "# <<", "echo \\<\\<", "x # <<"])
def test_what_only_looks_like_a_here_document_is_none(text):
    """Quotes, shifts and comments may hold the two signs."""
    assert scan_lines(text)
