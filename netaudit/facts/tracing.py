"""What tracing could use on a host, and who traces or captures there: the domain ``tracing``."""

from __future__ import annotations

from netaudit.facts.limits import name_and_age
from netaudit.facts.numbers import decimal, natural
from netaudit.facts.parts import Parts, grep_lines, split_parts
from netaudit.model.facts import Tracing, TracingProcess
from netaudit.model.probe import Section
from netaudit.model.reading import Maybe

_PROCESS = "process "
_ARGUMENT_LENGTH = 200


def parse_tracing(section: Section) -> Tracing:
    """Tracing means and the tracers that run, by process id."""
    parts = split_parts(section)
    tools = parts["tools"].split("\n")
    files = grep_lines(parts["found"])
    bpftrace = next((line for line in tools if line.startswith("bpftrace ")), "")
    return Tracing(
        kfree_skb_reason=_kfree_skb_reason(parts, files),
        kprobes=_kprobes(parts, tools, files),
        btf="btf" in tools,
        bpftrace=bpftrace.removeprefix("bpftrace "),
        processes=_processes(parts),
    )


def _kfree_skb_reason(parts: Parts, files: dict[str, list[str]]) -> Maybe[bool]:
    """Whether the event says why a packet was dropped, where its format could be read."""
    if any(path.endswith("kfree_skb/format") for path in files):
        return True
    return parts.missing.get("tracefs", False)


def _kprobes(parts: Parts, tools: list[str], files: dict[str, list[str]]) -> Maybe[bool]:
    """Whether the kernel has kprobes, by their control files or by its configuration."""
    config = [line for path, lines in files.items() if path.startswith("boot/config-") for line in lines]
    if "kprobes" in tools or "CONFIG_KPROBES=y" in config:
        return True
    reason = parts.missing.get("tracefs")
    return False if config or reason is None else reason


def _processes(parts: Parts) -> tuple[TracingProcess, ...]:
    found: list[TracingProcess] = []
    for label, text in parts.texts.items():
        if not label.startswith(_PROCESS):
            continue
        said = dict(line.partition(" ")[::2] for line in text.split("\n"))
        uptime_s = decimal(parts["/proc/uptime"].split()[0])
        program, age_s = name_and_age([said.get("stat", "")], uptime_s)
        arguments = said.get("arguments", "").split("\x1f")
        found.append(
            TracingProcess(
                pid=natural(label.removeprefix(_PROCESS)),
                program=program,
                arguments=tuple(word[:_ARGUMENT_LENGTH] for word in arguments if word),
                age_s=age_s,
            )
        )
    return tuple(sorted(found, key=lambda process: process.pid))
