"""Facts as JSON: the shape that ``netaudit facts`` prints. Knows field names, no meaning."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache

from netaudit.model.facts import Facts, Persisted, Sysctls
from netaudit.model.reading import Absent

_AS_IT_IS = frozenset({str, int, float, bool, type(None)})  # most values by far: told by their type alone


def as_json(facts: Facts) -> dict[str, object]:
    """One object: host, address, time, then a key for every domain. What is absent says why.

    ``persisted`` has the two values of each name; the files and what else they say is ``persistence``.
    """
    shown: dict[str, object] = {}
    for field in fields(facts):
        shown[field.name] = domain_json(getattr(facts, field.name))
    if isinstance(facts.persisted, Persisted):
        names = ("files", "problems", "modules_load", "module_options", "systemd")
        shown["persistence"] = {name: plain(getattr(facts.persisted, name)) for name in names}
    return shown


def domain_json(value: object) -> object:
    """The JSON of one domain: settings and persisted settings by name, everything else field by field."""
    if isinstance(value, Sysctls):
        return _sysctls(value)
    if isinstance(value, Persisted):
        return _persisted(value)
    return plain(value)


def text_at(facts: Facts, path: str) -> str | None:
    """One fact as text, by its path in this JSON such as ``kernel.machine`` or ``sysctl.net.core.somaxconn``.

    None where the host does not tell it, and where there is nothing of that name.
    """
    domain, _, rest = path.partition(".")
    found = _at(domain_json(getattr(facts, domain, None)), rest)
    if found is None or (isinstance(found, Mapping) and "absent" in found):
        return None
    return found if isinstance(found, str) else json.dumps(found)


def _at(shown: object, path: str) -> object:
    """What stands at a path; names of settings have dots themselves."""
    if not path:
        return shown
    if not isinstance(shown, Mapping):
        return None
    if path in shown:
        return shown[path]
    word, _, rest = path.partition(".")
    return _at(shown.get(word), rest)


def plain(value: object) -> object:
    """A value of the model as JSON: records become objects, tuples lists, times ISO 8601 in UTC."""
    if value.__class__ in _AS_IT_IS:
        return value
    if isinstance(value, Absent):
        return {"absent": str(value.reason), "detail": value.detail}
    if isinstance(value, dict | Mapping):
        return {str(key): item if item.__class__ in _AS_IT_IS else plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [item if item.__class__ in _AS_IT_IS else plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    kind: type = value.__class__
    names = _names_in(kind)
    return {name: plain(getattr(value, name)) for name in names} if names is not None else value


@cache
def _names_in(kind: type) -> tuple[str, ...] | None:
    """The names of the fields of a record; None of what is no record."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None


def _sysctls(sysctls: Sysctls) -> dict[str, object]:
    shown: dict[str, object] = dict(sysctls.values)
    shown |= {name: plain(absent) for name, absent in sysctls.absent.items()}
    return dict(sorted(shown.items()))


def _persisted(persisted: Persisted) -> dict[str, object]:
    """Each persisted name with its two values; None where one of the loaders sets nothing."""
    shown: dict[str, object] = {}
    for name in sorted({*persisted.boot, *persisted.system}):
        boot, system = persisted.boot.get(name), persisted.system.get(name)
        shown[name] = {
            "boot": plain(boot) if boot is not None else None,
            "system": plain(system) if system is not None else None,
        }
    return shown
