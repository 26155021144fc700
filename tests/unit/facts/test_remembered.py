"""What is remembered of one answer never shows in what is read of another."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from netaudit.facts.domains import DOMAINS, domains_of
from netaudit.facts.likeness import Likeness
from netaudit.facts.snapshot import reader_of, value_of
from netaudit.model.probe import Section, SectionStatus

CASES = Path(__file__).parents[2] / "cases"
PROBES = sorted({domain.probe for domain in DOMAINS.values()})
FLEET = 40
NUMBER = re.compile(rb"[0-9]+")


def forgetting() -> list[Callable[[], None]]:
    """What makes the whole room forget, one thing after the other."""
    found: list[Callable[[], None]] = []
    for name, module in sys.modules.items():
        if name.startswith("netaudit.facts."):
            for thing in vars(module).values():
                if isinstance(thing, Likeness):
                    found.append(thing.forget)
                elif hasattr(thing, "cache_clear"):
                    found.append(thing.cache_clear)
    return found


def fleet(probe: str) -> list[Section]:
    """Answers of hosts that have much in common: recorded ones, and such with other lines and numbers in places."""
    chance = random.Random(probe)
    recorded = [path.read_bytes() for path in sorted((CASES / probe).glob("*/stdout"))]
    texts = recorded + [changed(chance.choice(recorded), recorded, chance) for _ in range(FLEET)]
    chance.shuffle(texts)
    return [Section(probe, SectionStatus.COMPLETE, 0, text, b"", 1) for text in texts]


def changed(text: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """A text in which some lines are another host's, some are missing, and some numbers are others."""
    lines = text.split(b"\n")
    for _ in range(chance.randrange(6)):
        place = chance.randrange(len(lines))
        match chance.randrange(4):
            case 0:
                lines[place : place + 2] = chance.choice(others).split(b"\n")[place : place + 2]
            case 1:
                del lines[place]
                lines = lines or [b""]
            case _:
                lines[place] = NUMBER.sub(lambda old: b"%d" % chance.randrange(10 ** len(old[0])), lines[place])
    return b"\n".join(lines)


@pytest.mark.parametrize("probe", PROBES)
def test_memory_changes_no_fact(probe: str) -> None:
    """Every answer of a fleet is read as it would be if it were the first one ever."""
    readers = {name: reader_of(DOMAINS[name]) for name in domains_of(probe)}
    sections = fleet(probe)
    remembered = [{name: repr(value_of(each, read)) for name, read in readers.items()} for each in sections]
    for section, found in zip(sections, remembered, strict=True):
        for forget in forgetting():
            forget()
        assert found == {name: repr(value_of(section, read)) for name, read in readers.items()}


def test_there_is_something_to_forget() -> None:
    """The memories of the room are found, those of whole answers and those of lines."""
    assert len(forgetting()) > 20
