"""What may stand at the cursor of a command line: the other side of the completion scripts of the shells.

``netaudit __complete bash LINE BREAKS`` gets the line up to the cursor and ``$COMP_WORDBREAKS``; ``netaudit __complete
zsh|fish WORD… CURRENT`` gets words. The answer is a line a candidate, with a tab before what it means; a line that
begins with a colon asks the shell to offer files or directories. Nothing is run, no host is contacted, and what
goes wrong is silence: nobody wants an error message in the middle of a command line.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from netaudit.cli.prompt import completing_values as values
from netaudit.cli.prompt.completing_values import Candidate
from netaudit.cli.prompt.completing_words import Current, split_line

_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:@%+,/=~^-!&")
_MOST = 2000  # candidates; nobody reads more
_CHECKS = {"CHECK", "ID", "GLOB"}
_HOSTS = {"PATTERN", "HOST", "HOST[,HOST]", "GLOB"}
_FILES = {"FILE", "SOURCE", "PLAYBOOK"}


@dataclass(slots=True)
class Slot:
    """What the cursor stands in: a value of an option, a positional word, or a place for options."""

    parser: argparse.ArgumentParser
    command: str
    action: argparse.Action | None = None
    given: dict[str, list[str]] = field(default_factory=dict)  # values of options so far, by the option's destination
    only_words: bool = False  # after --


def answer(arguments: Sequence[str]) -> int:
    """Print the candidates. Always ends with 0."""
    with contextlib.suppress(Exception, SystemExit):
        shell, *rest = arguments
        if shell == "bash":
            line, breaks = rest
            words, current = split_line(line, breaks)
        else:
            words, current = tuple(rest[:-1]), Current(rest[-1] if rest else "", "")
        lines = list(_lines(words, current, shell))
        with open(os.devnull, "w", encoding="utf-8") if not lines else contextlib.nullcontext(sys.stdout) as out:  # noqa: PTH123 - no path
            out.write("".join(f"{line}\n" for line in lines))
            out.flush()
    return 0


def _lines(words: Sequence[str], current: Current, shell: str) -> Iterator[str]:
    shown = 0
    for found in candidates(words, current.text):
        if found.text.startswith(":"):
            yield f"{found.text}\t{found.meaning}\t{found.stem}"
            continue
        quotable = shell != "bash" or not current.quote
        if not found.text.startswith(current.text) or not set(found.text) <= _SAFE or shown >= _MOST:
            continue  # nothing that a shell would take for more than a word is ever offered
        shown += 1
        text = found.text[len(current.kept) :] if quotable else found.text
        meaning = "".join(sign if sign.isprintable() else " " for sign in found.meaning)
        yield f"{text}\t{meaning}"


def candidates(words: Sequence[str], current: str) -> Iterator[Candidate]:
    """What may stand after these words (the program left out) in the place of an unfinished one."""
    from netaudit.cli.catalogue import COMMANDS

    if words[:1] == ["help"] or tuple(words[:1]) == ("help",):
        words = words[1:]
    if not words:
        yield from (Candidate(name, summary) for name, (_, summary) in COMMANDS.items())
        yield from (Candidate("help", "what a command does"),)
        yield from (Candidate(name) for name in ("--help", "--version") if current.startswith("-"))
        return
    if words[0] not in COMMANDS:
        return
    parser = importlib.import_module(f"netaudit.cli.commands.{COMMANDS[words[0]][0]}").parser()
    slot = _walk(parser, words)
    if slot.action is not None:
        yield from _of_value(slot, current)
    elif current.startswith("--") and "=" in current and not slot.only_words:
        name, _, part = current.partition("=")
        slot.action = _named(slot.parser, name)
        for found in _of_value(slot, part):
            yield found.after(f"{name}=")
    elif current.startswith("-") and not slot.only_words:
        yield from _options(slot)
    else:
        slot.action = _positional(slot)
        yield from _of_value(slot, current)


def _walk(parser: argparse.ArgumentParser, words: Sequence[str]) -> Slot:
    """Where the words lead; an option whose value is still to come is the slot's action."""
    slot = Slot(parser, words[0])
    for word in words[1:]:
        if slot.action is not None:
            slot.given.setdefault(slot.action.dest, []).append(word)
            slot.action = None
        elif word == "--":
            slot.only_words = True
        elif word.startswith("-") and len(word) > 1 and not slot.only_words:
            _take_option(slot, word)
        else:
            verbs = next((a for a in slot.parser._actions if isinstance(a, argparse._SubParsersAction)), None)  # noqa: SLF001 - argparse tells nobody else
            if verbs is not None and word in verbs.choices:
                slot.parser = verbs.choices[word]
                slot.command = f"{slot.command} {word}"
            else:
                slot.given.setdefault("", []).append(word)
    return slot


def _take_option(slot: Slot, word: str) -> None:
    name, equals, value = word.partition("=")
    action = _named(slot.parser, name if word.startswith("--") else word[:2])
    if action is None or action.nargs == 0:
        return
    if word.startswith("--") and equals:
        slot.given.setdefault(action.dest, []).append(value)
    elif not word.startswith("--") and len(word) > 2:
        slot.given.setdefault(action.dest, []).append(word[2:])
    else:
        slot.action = action


def _named(parser: argparse.ArgumentParser, name: str) -> argparse.Action | None:
    return next((action for action in parser._actions if name in action.option_strings), None)  # noqa: SLF001 - as above


def _options(slot: Slot) -> Iterator[Candidate]:
    for action in slot.parser._actions:  # noqa: SLF001 - as above
        if action.option_strings and action.help is not argparse.SUPPRESS:
            for name in action.option_strings:
                yield Candidate(name, action.help or "")


def _positional(slot: Slot) -> argparse.Action | None:
    """The positional argument that comes next; the last one again where it takes several."""
    taken = len(slot.given.get("", ()))
    places = [action for action in slot.parser._actions if not action.option_strings]  # noqa: SLF001 - as above
    for place, action in enumerate(places):
        if place == taken or action.nargs in {"*", "+"}:
            return action
    return None


def _of_value(slot: Slot, part: str) -> Iterator[Candidate]:
    action = slot.action
    if action is None:
        return
    if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
        helps = {each.dest: each.help or "" for each in action._choices_actions}  # noqa: SLF001 - as above
        yield from (Candidate(name, helps.get(name, "")) for name in action.choices)
        return
    if action.choices is not None:
        yield from (Candidate(str(each)) for each in action.choices)
        return
    yield from _by_kind(slot, action, part)


def _by_kind(slot: Slot, action: argparse.Action, part: str) -> Iterator[Candidate]:
    """By the metavar: they are few, and mean the same in every command."""
    kind = action.metavar if isinstance(action.metavar, str) else ""
    baseline, sources = slot.given.get("baseline", ()), slot.given.get("inventory", ())
    if kind == "FORMAT[=PATH]":
        yield from values.formats(slot.command, part)
    elif kind == "DIR":
        yield Candidate(":dirs", part)
    elif kind in _FILES:
        yield from values.baselines() if action.dest == "baseline" else ()
        yield Candidate(":files", part)
    elif kind in _HOSTS and action.dest != "check":
        lab = slot.given.get("dir", ()) if slot.command.startswith("lab") else None
        yield from values.hosts(sources, part, lab)
    elif kind in _CHECKS:
        yield from values.checks(baseline)
    elif kind == "VARS":
        yield from values.variables(baseline)
    elif kind == "GROUP":
        yield from values.groups(sources)
    else:
        yield from values.words(slot.command, kind)
