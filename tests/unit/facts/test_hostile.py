"""Whatever a host sends, it becomes facts or the reason why not; it never becomes an exception."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import pytest

from netaudit.facts.domains import DOMAINS, domains_of
from netaudit.facts.snapshot import value_of
from netaudit.facts.view import plain
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

CASES = Path(__file__).parents[2] / "cases"
FOLDERS = sorted(path.parent for path in CASES.glob("*/*/stdout"))
POISON = [
    b"", b"\n", b"\n\n\n", b":", b" ", b"\t", b"-1", b"-", b"0x10", b"1_000", "٣".encode(), b"9" * 25, b"9" * 5000,
    b"NaN", b"1e3", b"inf", b"\x00", b"\xff\xfe", b"\x1b]0;x\x07", b"#@ files\n", b"#! x: not permitted\n", b"#@ \n",
    b"#! : \n", b"(", b")", b"[", b"{", b'"', b"%s", b"$(id)", b"../../", b"999999999999999999999.5",
    b"A" * 3000, b"\r\n", b"\xe2\x80\xa8", b"\x85", b"=", b"/", b"*",
]  # fmt: skip


def damaged(chance: random.Random, text: bytes) -> bytes:
    """The text with a few pieces taken out, doubled, swapped or replaced by something nasty."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randint(0, len(text))
        end = min(len(text), start + chance.choice([0, 1, 2, 5, 40, 400]))
        kind = chance.random()
        if kind < 0.6:
            text = text[:start] + chance.choice(POISON) + text[end:]
        elif kind < 0.75:
            text = text[:start] + text[end:]
        elif kind < 0.9:
            text = text[:end] + text[start:]
        else:
            lines = text.split(b"\n")
            chance.shuffle(lines)
            text = b"\n".join(lines)
    return text


@pytest.mark.parametrize("folder", FOLDERS, ids=[f"{path.parent.name}/{path.name}" for path in FOLDERS])
def test_damaged_answer_never_raises(folder: Path) -> None:
    """Answers that were cut, doubled, shuffled or poisoned give values or reasons, and JSON in either case."""
    chance = random.Random(zlib.crc32(str(folder.relative_to(CASES)).encode()))
    text = (folder / "stdout").read_bytes()
    for _ in range(12):
        section = Section(folder.parent.name, SectionStatus.COMPLETE, 0, damaged(chance, text), b"", 1)
        for name in domains_of(folder.parent.name):
            plain(value_of(section, DOMAINS[name].parse))


@pytest.mark.parametrize("probe", sorted({domain.probe for domain in DOMAINS.values()}))
@pytest.mark.parametrize("text", [b"", b"\n", b"\x00\xff", b"#@ files\n", b"x" * 10_000], ids=repr)
def test_answer_of_another_kind_never_raises(probe: str, text: bytes) -> None:
    """An answer that has nothing to do with the probe gives values or reasons."""
    section = Section(probe, SectionStatus.COMPLETE, 0, text[:40] if len(text) > 40 else text, text, 1)
    for name in domains_of(probe):
        plain(value_of(section, DOMAINS[name].parse))


def test_what_could_not_be_understood_says_what_and_is_short() -> None:
    """The reason of a reading that was not understood names the trouble in one short line."""
    section = Section("system", SectionStatus.COMPLETE, 0, b"#@ files\nproc/meminfo:MemTotal: x" + b"y" * 9000, b"", 1)
    value = value_of(section, DOMAINS["memory"].parse)
    assert isinstance(value, Absent)
    assert value.reason is AbsentReason.NOT_UNDERSTOOD
    assert len(value.detail) <= 200
