"""Evaluates the templates that may stand in connection variables: ``ansible_host: "{{ inventory_hostname }}.example"``.

Jinja2's own parser reads a template, its tree is held against a list of what is allowed (names, constants, attributes,
items, comparisons, conditions, concatenation, a few filters and methods), and its immutable sandbox evaluates it.
Lookups, other calls, loops and macros are refused: such a value cannot be known without Ansible. Sizes are bounded at
every step. A name that is not defined is an error, never an empty text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from netaudit.inventory.values import UnsafeText, Value, Vaulted

MAX_TEMPLATE = 4096  # characters
MAX_RESULT = 16384
_MAX_DEPTH = 20

_NODES: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict,
    nodes.Pair, nodes.Keyword, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Filter, nodes.Test, nodes.CondExpr,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat, nodes.Add, nodes.Sub, nodes.Neg,
    nodes.If, nodes.Call,
)  # fmt: skip
_METHODS = {"endswith", "get", "lower", "lstrip", "replace", "rstrip", "split", "startswith", "strip", "upper"}
_KEPT_FILTERS = (
    "d", "default", "first", "float", "int", "join", "last", "length", "lower", "replace", "string", "trim", "upper",
)  # fmt: skip


class TemplateProblem(Exception):
    """A template that cannot be evaluated here; the text is one line."""


def is_template(value: Value) -> bool:
    """Whether Ansible would evaluate a value before it uses it."""
    return isinstance(value, str) and not isinstance(value, UnsafeText) and ("{{" in value or "{%" in value)


def _bounded(function: Callable[..., Value]) -> Callable[..., Value]:
    """The filter, refusing results that are too large."""

    @wraps(function)
    def bounded(*arguments: Any, **named: Any) -> Value:
        return _small(function(*arguments, **named))

    return bounded


def _small(result: Value) -> Value:
    if isinstance(result, str | list | tuple | dict) and len(result) > MAX_RESULT:
        raise TemplateProblem(f"gives more than {MAX_RESULT} characters")
    return result


def _split(text: str, separator: str | None = None, most: int = -1) -> list[str]:
    return str(text).split(separator, most)


def _regex_replace(text: str, pattern: str = "", replacement: str = "", *, ignorecase: bool = False) -> str:
    try:
        return re.sub(pattern, replacement, str(text), flags=re.IGNORECASE if ignorecase else 0)
    except re.error as error:
        raise TemplateProblem(f"regex_replace: {error}") from None


def _truth(value: Value) -> bool:
    return value.lower() in {"true", "yes", "on", "1"} if isinstance(value, str) else bool(value)


def _ternary(value: Value, if_true: Value, if_false: Value) -> Value:
    return if_true if _truth(value) else if_false


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox with the few filters that we know, and every call bounded."""

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False)
        builtin: Mapping[str, Callable[..., Value]] = self.filters
        filters = {name: builtin[name] for name in _KEPT_FILTERS}
        filters.update(split=_split, regex_replace=_regex_replace, bool=_truth, ternary=_ternary)
        self.filters = {name: _bounded(function) for name, function in filters.items()}
        self.globals.clear()

    def call(self, context: Any, called: Any, /, *arguments: Any, **named: Any) -> Any:
        return _small(super().call(context, called, *arguments, **named))


class _HostVars(Mapping[str, Value]):
    """``hostvars``: the variables of other hosts, evaluated when they are asked for."""

    def __init__(self, names: Sequence[str], variables_of: Callable[[str], Mapping[str, Value]]) -> None:
        self._names = dict.fromkeys(names)
        self._variables_of = variables_of

    def __getitem__(self, host: str) -> Mapping[str, Value]:
        if host not in self._names:
            raise KeyError(host)
        return self._variables_of(host)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _OneHost(Mapping[str, Value]):
    """The variables of one host as templates see them."""

    def __init__(self, evaluator: Evaluator, host: str) -> None:
        self._evaluator = evaluator
        self._host = host
        self._raw = evaluator.raw(host)

    def __getitem__(self, name: str) -> Value:
        return self._evaluator.evaluate(self._host, self._raw[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


class Evaluator:
    """Evaluates values for the hosts of one inventory.

    ``variables`` gives a host's variables as written, ``members`` the hosts of each group, ``groups_of`` the groups of
    a host, and ``decrypt`` the clear text of a vaulted value.
    """

    def __init__(
        self,
        hosts: Sequence[str],
        variables: Callable[[str], Mapping[str, Value]],
        members: Mapping[str, Sequence[str]],
        groups_of: Callable[[str], Sequence[str]],
        decrypt: Callable[[Vaulted], str],
    ) -> None:
        self._sandbox = _Sandbox()
        self._variables = variables
        self._groups = members
        self._groups_of = groups_of
        self._decrypt = decrypt
        self._hostvars = _HostVars(hosts, lambda host: _OneHost(self, host))
        self._depth = 0
        self._parsed: dict[str, tuple[nodes.Template, frozenset[str]]] = {}
        self._compiled: dict[str, Callable[..., Value]] = {}

    def raw(self, host: str) -> Mapping[str, Value]:
        """A host's variables as written, and the names that Ansible adds."""
        given = self._variables(host)
        return {
            "ansible_host": host,
            **given,
            "inventory_hostname": host,
            "inventory_hostname_short": host if re.fullmatch(r"[0-9.]+|.*:.*", host) else host.partition(".")[0],
            "group_names": list(self._groups_of(host)),
        }

    def evaluate(self, host: str, value: Value) -> Value:
        """The value with all templates in it evaluated. Raises TemplateProblem."""
        if isinstance(value, Vaulted):
            return self._decrypt(value)
        if isinstance(value, list):
            return [self.evaluate(host, item) for item in value]
        if isinstance(value, dict):
            return {key: self.evaluate(host, item) for key, item in value.items()}
        if not isinstance(value, str) or not is_template(value):
            return value
        if self._depth >= _MAX_DEPTH:
            raise TemplateProblem("is a template that refers to itself")
        self._depth += 1
        try:
            return self._rendered(host, value)
        finally:
            self._depth -= 1

    def _rendered(self, host: str, text: str) -> Value:
        try:
            names = self._parse(text)[1]
            raw = self.raw(host)
            context = {name: self.evaluate(host, raw[name]) for name in names if name in raw}
            if "hostvars" in names:
                context["hostvars"] = self._hostvars
            if "groups" in names:
                context["groups"] = self._groups
            result = self._compile(text)(**context)
            if isinstance(result, StrictUndefined):
                str(result)  # raises
        except (UndefinedError, SecurityError, TemplateError) as error:
            raise TemplateProblem(f"is a template that cannot be evaluated: {_line(error)}") from None
        except (TypeError, ValueError, KeyError, AttributeError, IndexError, RecursionError, OverflowError) as error:
            raise TemplateProblem(f"is a template that fails: {_line(error)}") from None
        return _small(result)

    def _parse(self, text: str) -> tuple[nodes.Template, frozenset[str]]:
        found = self._parsed.get(text)
        if found is None:
            if len(text) > MAX_TEMPLATE:
                raise TemplateProblem(f"is a template of more than {MAX_TEMPLATE} characters")
            tree = self._sandbox.parse(text)
            _check(tree)
            found = self._parsed[text] = (tree, frozenset(find_undeclared_variables(tree)))
        return found

    def _compile(self, text: str) -> Callable[..., Value]:
        """A function of the names: a lone expression keeps its type, everything else is text."""
        found = self._compiled.get(text)
        if found is None:
            body = self._parse(text)[0].body
            output = body[0] if len(body) == 1 else None
            lone = isinstance(output, nodes.Output) and len(output.nodes) == 1
            if lone and text.startswith("{{") and text.endswith("}}"):
                inner = text[2:-2].removeprefix("-").removesuffix("-")
                found = self._sandbox.compile_expression(inner, undefined_to_none=False)
            else:
                found = self._sandbox.from_string(text).render
            self._compiled[text] = found
        return found


def _check(tree: nodes.Template) -> None:
    """Raises TemplateProblem when the template uses anything that is not on the list."""
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _NODES):
            raise TemplateProblem(
                f"is a template with a {type(node).__name__.lower()}, which takes Ansible to evaluate"
            )
        if isinstance(node, nodes.Call):
            called = node.node
            if isinstance(called, nodes.Name):
                raise TemplateProblem(f"is a template that calls {called.name}(), which takes Ansible to evaluate")
            if not (isinstance(called, nodes.Getattr) and called.attr in _METHODS):
                raise TemplateProblem("is a template with a call that takes Ansible to evaluate")
        if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
            raise TemplateProblem(f"is a template that uses the attribute {node.attr}")


def _line(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return " ".join(text.split())[:200]
