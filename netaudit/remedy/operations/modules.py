"""Loads kernel modules and sets their parameters: what stands behind settings that are absent or fixed at load time.

Loading is a change like any other: it is never a side effect of an audit, and an undo unloads what was not loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from netaudit.baseline.canonical import canonical
from netaudit.model.facts import Facts
from netaudit.model.plan import Step
from netaudit.model.reading import Absent, Maybe
from netaudit.remedy import literals
from netaudit.remedy.operations.operation import Arguments, alone, no_such
from netaudit.remedy.scripts import StepScript

LOADED, NOT_LOADED = "loaded", "not-loaded"
_BUCKETS = "net.netfilter.nf_conntrack_buckets"


@dataclass(frozen=True, slots=True)
class LoadModule:
    """``arguments``: ``module``. Its values are the words loaded and not-loaded."""

    name: str = "load_module"

    def subject(self, arguments: Arguments) -> str:
        """Such as ``module tcp_bbr``."""
        return f"module {arguments['module']}"

    def observed(self, arguments: Arguments, namespace: str, facts: Facts) -> Maybe[str]:
        """Whether it is loaded."""
        if isinstance(facts.kernel, Absent):
            return facts.kernel
        modules = facts.kernel.modules
        if isinstance(modules, Absent):
            return modules
        return LOADED if arguments["module"].replace("-", "_") in modules else NOT_LOADED

    def foreseen(self, arguments: Arguments, namespace: str, value: str, facts: Facts) -> Facts:
        """With the module in the list."""
        if isinstance(facts.kernel, Absent) or isinstance(facts.kernel.modules, Absent):
            return facts
        module = arguments["module"].replace("-", "_")
        return replace(facts, kernel=replace(facts.kernel, modules=(*facts.kernel.modules, module)))

    def undone(self, step: Step) -> str:
        """The call that takes it back."""
        return f"modprobe -r {step.arguments['module']}" if step.before == NOT_LOADED else "nothing"

    def script(self, step: Step) -> StepScript:
        """Calls of modprobe."""
        module = literals.word(step.arguments["module"])
        file = literals.quoted(f"/sys/module/{module.replace('-', '_')}")
        return StepScript(
            read=alone(f"if test -d {file}; then echo {LOADED}; else echo {NOT_LOADED}; fi"),
            apply=alone(f"modprobe {module}"),
            undo=alone(f"modprobe -r {module}" if step.before == NOT_LOADED else ":"),
            accepts=(LOADED,),
            timeout_s=30,
        )

    def lines(self, step: Step) -> Sequence[str]:
        """Its name, as modules-load.d(5) has it."""
        return (literals.word(step.arguments["module"]),)


@dataclass(frozen=True, slots=True)
class SetParameter:
    """``arguments``: ``module`` and ``parameter``, which must be writable while the module is loaded."""

    name: str = "module_param"

    def subject(self, arguments: Arguments) -> str:
        """Such as ``nf_conntrack hashsize``."""
        module, parameter = _named(arguments)
        return f"{module} {parameter}"

    def observed(self, arguments: Arguments, namespace: str, facts: Facts) -> Maybe[str]:
        """The running value; of the size of conntrack's hash table alone is one known."""
        if _named(arguments) != ("nf_conntrack", "hashsize"):
            return no_such(f"fact for {self.subject(arguments)}")
        if isinstance(facts.conntrack, Absent):
            return facts.conntrack
        found = facts.conntrack.buckets
        return found if isinstance(found, Absent) else str(found)

    def foreseen(self, arguments: Arguments, namespace: str, value: str, facts: Facts) -> Facts:
        """With a hash table of another size."""
        if isinstance(facts.conntrack, Absent):
            return facts
        buckets = int(canonical(_BUCKETS, value))
        return replace(facts, conntrack=replace(facts.conntrack, buckets=buckets, hashsize=buckets))

    def undone(self, step: Step) -> str:
        """The write that takes it back."""
        return f"write {step.before} to the parameter {self.subject(step.arguments)}"

    def script(self, step: Step) -> StepScript:
        """Reads and writes below /sys/module."""
        module, parameter = (literals.word(each) for each in _named(step.arguments))
        file = literals.quoted(f"/sys/module/{module}/parameters/{parameter}")
        return StepScript(
            read=alone(f"test -e {file} || exit 3", f"value=$(cat {file}) || exit 1", 'echo "$value"'),
            apply=alone(f"printf '%s\\n' {literals.value(step.after)} >{file}"),
            undo=alone(f"printf '%s\\n' {literals.value(step.before)} >{file}"),
            accepts=tuple(dict.fromkeys((step.after, canonical(_BUCKETS, step.after)))),
            timeout_s=30,
        )

    def lines(self, step: Step) -> Sequence[str]:
        """Its options, as modprobe.d(5) has them."""
        module, parameter = (literals.word(each) for each in _named(step.arguments))
        literals.value(step.after)
        return (f"options {module} {parameter}={step.after}",)


@dataclass(frozen=True, slots=True)
class SetHashSize(SetParameter):
    """Sets the size of connection tracking's hash table; it has no arguments."""

    name: str = "conntrack_hash"


def _named(arguments: Arguments) -> tuple[str, str]:
    return arguments.get("module", "nf_conntrack"), arguments.get("parameter", "hashsize")
