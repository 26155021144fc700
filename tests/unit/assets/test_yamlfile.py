"""YAML of rules is read strictly: what is refused is refused with its place."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from netaudit.assets import yamlfile
from netaudit.assets.yamlfile import parse_yaml, read_yaml
from netaudit.baseline.node import plain
from netaudit.errors import RuleError


def error_of(data: bytes) -> str:
    """The error of a document."""
    with pytest.raises(RuleError) as caught:
        parse_yaml(data, "f.yaml")
    return str(caught.value)


def test_values_keep_their_kind() -> None:
    """Plain scalars become numbers, truth, nothing or text; everything quoted and every date stays text."""
    text = b"""\
n: 5
f: 0.5
t: true
e:
s: word
q: "5"
d: 2026-11-20
v: 1.2.3
p: 1.5.
size: 64KiB
list: [1, -2, +3]
yes: key
"""
    assert plain(parse_yaml(text, "f")) == {
        "n": 5, "f": 0.5, "t": True, "e": None, "s": "word", "q": "5", "d": "2026-11-20", "v": "1.2.3", "p": "1.5.",
        "size": "64KiB", "list": [1, -2, 3], "yes": "key",
    }  # fmt: skip


def test_every_value_and_key_knows_its_place() -> None:
    """Line and column count from 1, of values as of keys."""
    root = parse_yaml(b"a: 1\nb:\n  - x\n  - {c: y}\n", "f.yaml")
    assert isinstance(root.value, dict)
    listed = root.value["b"].value
    assert isinstance(listed, tuple)
    assert str(root.where_key("b")) == "f.yaml:2:1"
    assert str(listed[0].where) == "f.yaml:3:5"
    assert str(listed[1].where_key("c")) == "f.yaml:4:6"
    assert isinstance(listed[1].value, dict)
    assert str(listed[1].value["c"].where) == "f.yaml:4:9"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: 1\nb: 2\na: 3", "f.yaml:3:1: key 'a' stands here twice (first in line 1)"),
        (b"a: &x 1\nb: *x", "f.yaml:1:4: anchor &x (anchors are not allowed: write the value out)"),
        (b"a: *x", "f.yaml:1:4: alias *x (aliases are not allowed: write the value out)"),
        (b"*x : 1", "f.yaml:1:1: alias *x (aliases are not allowed: write the value out)"),
        (
            b"a: !!python/name:os.system x",
            "f.yaml:1:4: tag tag:yaml.org,2002:python/name:os.system (tags are not allowed)",
        ),
        (b"a: !vault x", "f.yaml:1:4: tag !vault (tags are not allowed)"),
        (b"a: !!binary x", "f.yaml:1:4: tag tag:yaml.org,2002:binary (tags are not allowed)"),
        (b"<<: {a: 1}", "f.yaml:1:1: merge key << (merging is not allowed: write the values out)"),
        (b"a: 1\n---\nb: 2", "f.yaml:2:1: a second document begins here (one file holds one document)"),
        (b"? [a]\n: b", "f.yaml:1:3: a key must be a text"),
        (b"a: {? {b: 1} : 2}", "f.yaml:1:7: a key must be a text"),
        (b"a: {? : 1}", "f.yaml:1:7: an empty key"),
        (b"a:\n  b: \xff\xfe", "f.yaml:2:6: is not UTF-8: byte 0xff (save it as UTF-8)"),
        (b"a: [1, 2\nb: 3", "f.yaml:2:2: is not YAML: did not find expected ',' or ']'"),
        (b"a: b: c", "f.yaml:1:5: is not YAML: mapping values are not allowed in this context"),
        (b"a: \x1b[31m", "f.yaml:1:4: holds the control character U+001B"),
        (b'a: "\\e[31m"', "f.yaml:1:4: holds the control character U+001B"),
        ("a: \u202eevil".encode(), "f.yaml:1:4: holds the control character U+202E"),
        (b"a: \x00", "f.yaml:1:4: holds the control character U+0000"),
    ],
)
def test_refusals_name_their_place(text: bytes, message: str) -> None:
    """Everything that rules do not need is refused, where it stands."""
    assert error_of(text) == message


@pytest.mark.parametrize("word", ["yes", "No", "ON", "off", "0644", "0x10", "0o17", "0b1", "1_000", "12:30", "1e3", ".5",  # noqa: E501  # one case, one line
                                  "5.", ".inf", "-.inf", ".nan", "+.5", "190:20:30", "9" * 30, "-0644"])  # fmt: skip
def test_words_that_programs_read_differently_are_refused(word: str) -> None:
    """What YAML 1.1, YAML 1.2 and people read as different things must be written otherwise or quoted."""
    assert error_of(f"a: {word}".encode()).startswith(f"f.yaml:1:4: '{word[:40]}' is read differently")
    assert plain(parse_yaml(f"a: '{word}'".encode(), "f")) == {"a": word}


def test_bounds_hold_against_bombs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Depth, number of values and size are bounded, and refused before they cost anything."""
    started = time.process_time()
    assert "nested deeper than 40" in error_of(b"[" * 100_000)
    assert "nested deeper than 40" in error_of(b"a: " + b"{b: " * 1000)
    assert error_of(b"#" * (yamlfile.MAX_BYTES + 1)) == "f.yaml: is larger than 5 MiB"
    assert time.process_time() - started < 5
    monkeypatch.setattr(yamlfile, "MAX_NODES", 100)
    assert error_of(b"[" + b"1, " * 200 + b"]") == "f.yaml:1:299: has more than 100 values"


def test_billion_laughs_is_refused_at_its_first_anchor() -> None:
    """An alias bomb never gets as far as being expanded."""
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 9))
    assert error_of(f"l0: &l0 [x]\n{levels}".encode()).startswith("f.yaml:1:5: anchor &l0")


def test_empty_file_is_an_empty_mapping() -> None:
    """A file of nothing but comments has no keys, and says so where keys are missed."""
    assert plain(parse_yaml(b"# nothing\n", "f")) == {}


def test_byte_order_mark_is_no_part_of_the_text() -> None:
    """A BOM in front of UTF-8 does not hide the first key."""
    assert plain(parse_yaml(b"\xef\xbb\xbfa: 1\n", "f")) == {"a": 1}


def test_slow_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without libyaml the pure Python parser gives the same nodes."""
    text = b"a: 1\nb: [x, {c: '2'}]\nd: >-\n  folded\n  text\n"
    quick = parse_yaml(text, "f")
    monkeypatch.setattr(yamlfile, "_LOADER", yaml.SafeLoader)
    assert parse_yaml(text, "f") == quick


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """A missing file, a folder, a device and a huge file each have their line."""

    def message(path: Path) -> str:
        with pytest.raises(RuleError) as caught:
            read_yaml(path)
        return str(caught.value).removeprefix(f"{path}: ")

    big = tmp_path / "big.yaml"
    with big.open("wb") as stream:
        stream.truncate(yamlfile.MAX_BYTES + 1)
    assert message(tmp_path / "none.yaml") == "there is no such file"
    assert message(tmp_path) == "is a folder, and a file is wanted"
    assert message(Path(os.devnull)) == "is not a file"
    assert message(big) == "is larger than 5 MiB"


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    """Whatever is in a file, reading it gives a node or one error."""
    try:
        parse_yaml(data, "f")
    except RuleError as error:
        assert "\n" not in str(error)  # noqa: PT017  # either outcome is right


@given(st.text(alphabet="[]{}:,-?&*!|>'\"%@`#\n ab01~<.", max_size=60))
def test_no_yaml_syntax_raises_anything_else(text: str) -> None:
    """The same for texts that look like YAML."""
    try:
        parse_yaml(text.encode(), "f")
    except RuleError as error:
        assert str(error).startswith("f")  # noqa: PT017  # either outcome is right
