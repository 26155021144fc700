"""Comments go, everything that the shell would see stays."""

from __future__ import annotations

import pytest

from netaudit.wire.scan import HereDocument, scan_lines, without_comments


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
        ("f() (\n  # inside\n  echo\n)\n# outside", "f() (\n  echo\n)"),
        ('a="${b%"}"}"\n# outside', 'a="${b%"}"}"'),
    ],
)
def test_only_comments_and_empty_lines_go(text, kept):
    """A comment that the shell would not take for one is kept."""
    assert without_comments(text) == kept


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
