"""What tracing could use on a host, and who traces or captures there: the domain ``tracing``."""

from __future__ import annotations

from netaudit.facts.limits import name_and_age
from netaudit.facts.numbers import decimal, natural
from netaudit.facts.parts import Parts, split_parts
from netaudit.model.facts import Tracing, TracingProcess
from netaudit.model.probe import Section
from netaudit.model.reading import Absent

_PROCESS = "process "
_ARGUMENT_LENGTH = 200


def parse_tracing(section: Section) -> Tracing:
    """Tracing means and the tracers that run, by process id."""
    parts = split_parts(section)
    tools = parts["tools"].split("\n")
    bpftrace = next((line for line in tools if line.startswith("bpftrace ")), "")
    tracefs = parts.text("tracefs")
    return Tracing(
        kfree_skb_reason=tracefs if isinstance(tracefs, Absent) else "reason" in tracefs.split("\n"),
        kprobes="kprobes" in tools or (tracefs if isinstance(tracefs, Absent) else False),
        btf="btf" in tools,
        bpftrace=bpftrace.removeprefix("bpftrace "),
        processes=_processes(parts),
    )


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
