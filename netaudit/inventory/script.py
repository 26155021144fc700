"""Executable inventory sources: programs that print an inventory as JSON.

Called with ``--list``, a program prints groups, and under ``_meta`` the variables of all hosts; one without ``_meta``
is called again with ``--host NAME`` for each. Whatever is wrong with an answer refuses the source as a whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

from netaudit.errors import InventoryError, Where
from netaudit.inventory.graph import Graph
from netaudit.inventory.programs import Answer, ProgramError, first_line, run
from netaudit.inventory.values import Value, Vars, decode_wrappers, kind_of

LIST_TIMEOUT_S = 120.0
HOST_TIMEOUT_S = 30.0
_HOSTS_AT_ONCE = 8
_MAX_NOTED_LINES = 5
_PROFILES = ("inventory_legacy",)
_KEYS = ("hosts", "vars", "children")


def read_script(graph: Graph, path: str) -> None:
    """The graph holds what the program says. Raises InventoryError, and NotExecutable for a file without a format."""
    where = Where(path)
    answer = _run(graph, path, ("--list",), LIST_TIMEOUT_S)
    groups = _object(answer.stdout, where, "--list")
    hostvars = _hostvars(groups.pop("_meta"), where) if "_meta" in groups else None
    reader = _Reader(graph, where)
    for name, body in groups.items():
        reader.group(name, body)
    names = list(reader.hosts)
    if hostvars is None:
        graph.warn("has no _meta.hostvars, so it was called with --host for each host", where)
        found = _ask_each(graph, path, names)
    else:
        found = [_vars(hostvars.get(name, {}), name, where) for name in names]
    for name, variables in zip(names, found, strict=True):
        graph.set_host_vars([name], variables, where)


def _run(graph: Graph, path: str, arguments: Sequence[str], timeout_s: float) -> Answer:
    where = Where(path)
    try:
        answer = run([os.path.abspath(path), *arguments], timeout_s)  # noqa: PTH100 - resolves no links
    except ProgramError as error:
        if type(error) is not ProgramError:
            raise
        raise InventoryError(f"inventory script {error}", where) from error
    called = " ".join(arguments)
    if answer.status != 0:
        said = first_line(answer.stderr)
        ended = f"with exit status {answer.status}" if answer.status > 0 else f"by signal {-answer.status}"
        raise InventoryError(
            f"inventory script ended {ended} when called with {called}" + (said and f": {said}"), where
        )
    for line in answer.stderr.splitlines()[:_MAX_NOTED_LINES]:
        if said := first_line(line):
            graph.warn(f"inventory script says: {said}", where)
    return answer


def _object(data: bytes, where: Where, called: str) -> dict[str, Value]:
    try:
        parsed = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InventoryError(f"inventory script printed text that is not UTF-8 ({called})", where) from error
    except (ValueError, RecursionError) as error:
        problem = f"inventory script did not print JSON when called with {called}: {error}"
        raise InventoryError(problem, where, "standard output must hold one JSON object and nothing else") from error
    if not isinstance(parsed, dict):
        raise InventoryError(f"inventory script printed {kind_of(parsed)} instead of a JSON object ({called})", where)
    return parsed


def _hostvars(meta: Value, where: Where) -> Mapping[str, Value]:
    """The variables of all hosts, as they stand under ``_meta``."""
    if not isinstance(meta, dict):
        raise InventoryError(f"_meta must be an object, not {kind_of(meta)}", where)
    if meta.get("profile", _PROFILES[0]) not in _PROFILES:
        raise InventoryError(f"_meta.profile is {meta['profile']!r:.60}", where, f"known: {', '.join(_PROFILES)}")
    hostvars = meta.get("hostvars")
    if not isinstance(hostvars, dict):
        raise InventoryError(f"_meta.hostvars must be an object, not {kind_of(hostvars)}", where)
    return hostvars


def _vars(value: Value, host: str, where: Where) -> Vars:
    if not isinstance(value, dict):
        raise InventoryError(f"the variables of host {host!r} must be an object, not {kind_of(value)}", where)
    return {key: decode_wrappers(item, where) for key, item in value.items()}


def _ask_each(graph: Graph, path: str, names: Sequence[str]) -> list[Vars]:
    """The variables of each host, asked for a few hosts at a time."""
    from concurrent.futures import ThreadPoolExecutor

    where = Where(path)

    def ask(name: str) -> Vars:
        answer = _run(graph, path, ("--host", name), HOST_TIMEOUT_S)
        return _vars(_object(answer.stdout, where, f"--host {name}"), name, where) if answer.stdout.strip() else {}

    with ThreadPoolExecutor(_HOSTS_AT_ONCE) as pool:
        futures = [pool.submit(ask, name) for name in names]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Reader:
    """Takes the groups of an answer one by one."""

    def __init__(self, graph: Graph, where: Where) -> None:
        self._graph = graph
        self._where = where
        self.hosts: dict[str, None] = {}

    def group(self, name: str, body: Value) -> None:
        self._graph.add_group(name, self._where)
        if not isinstance(body, dict):
            self._graph.warn(f"group {name!r} is {kind_of(body)}; it is taken as the list of its hosts", self._where)
            body = {"hosts": body}
        elif not any(key in body for key in _KEYS):
            self._graph.warn(f"{name!r} has no hosts, vars or children; it is taken as a host", self._where)
            body = {"hosts": [name], "vars": body}
        for host in self._list(name, "hosts", body.get("hosts", [])):
            self._graph.add_host(host, name, self._where)
            self.hosts[host] = None
        variables = body.get("vars", {})
        if not isinstance(variables, dict):
            raise self._wrong(name, "vars", "an object", variables)
        for key, value in variables.items():
            self._graph.set_group_var(name, key, decode_wrappers(value, self._where), self._where)
        for child in self._list(name, "children", body.get("children", [])):
            self._graph.add_child(name, self._graph.add_group(child, self._where), self._where)

    def _list(self, group: str, key: str, value: Value) -> list[str]:
        if isinstance(value, dict) and key == "children":
            return list(value)
        if not isinstance(value, list):
            raise self._wrong(group, key, "a list", value)
        for item in value:
            if not isinstance(item, str):
                raise self._wrong(group, key, "a list of texts", item)
        return value

    def _wrong(self, group: str, key: str, wanted: str, value: Value) -> InventoryError:
        return InventoryError(f"{key!r} of group {group!r} must be {wanted}, not {kind_of(value)}", self._where)
