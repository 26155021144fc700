"""Why a setting is not there: the difference between a finding and a question that makes no sense on this host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from netaudit.facts import lifetimes
from netaudit.facts.lifetimes import Version
from netaudit.model.facts import Facts, Kernel, Sysctls
from netaudit.model.reading import Absent, AbsentReason, Maybe

INTERFACE_TREES = ("net.ipv4.conf.", "net.ipv4.neigh.", "net.ipv6.conf.", "net.ipv6.neigh.")


def why_absent(name: str, facts: Facts) -> Absent:
    """The reason why a setting has no running value on this host. The name is written as sysctl(8) does."""
    sysctls = facts.sysctl
    if isinstance(sysctls, Absent):
        return sysctls
    if name in sysctls.absent:
        return sysctls.absent[name]
    if _matches(name, lifetimes.SECRETS):
        return Absent(AbsentReason.NOT_ASKED, "a secret of the host, which is never read")
    kernel = facts.kernel if not isinstance(facts.kernel, Absent) else None
    return _by_interface(name, sysctls) or _by_ipv6(name, sysctls, kernel) or _by_kernel(name, kernel)


def _by_kernel(name: str, kernel: Kernel | None) -> Absent:
    if kernel is None:
        return _of_kernel(name, None, None, ())
    return _of_kernel(name, kernel.is_initial_namespace, kernel.version[:2], kernel.modules)


@lru_cache(maxsize=1024)  # a fleet has few kernels; looking through all patterns takes 20 µs for each setting
def _of_kernel(
    name: str,
    is_initial: bool | None,  # noqa: FBT001  # a fact
    version: Version | None,
    modules: Maybe[tuple[str, ...]],
) -> Absent:
    """The reason that lies in the kernel. Without a version nothing is known of it."""
    return (
        _by_namespace(name, is_initial)
        or _by_version(name, version)
        or _by_module(name, modules)
        or Absent(AbsentReason.NOT_PRESENT, f"this kernel has no {name}")
    )


def _by_interface(name: str, sysctls: Sysctls) -> Absent | None:
    """A setting of an interface that is not there, or was left out among very many."""
    tree = next((prefix for prefix in INTERFACE_TREES if name.startswith(prefix)), None)
    if tree is None:
        return None
    interface = name.removeprefix(tree).partition(".")[0]
    left_out = sysctls.absent.get("net.ipv4.conf")
    if left_out is not None:
        return left_out
    if interface in {"all", "default"}:
        return None
    known = {setting.removeprefix(tree).partition(".")[0] for setting in sysctls.values if setting.startswith(tree)}
    if not known or interface in known:
        return None
    return Absent(AbsentReason.NOT_PRESENT, f"no interface {interface.replace('/', '.')}")


def _by_ipv6(name: str, sysctls: Sysctls, kernel: Kernel | None) -> Absent | None:
    """A setting of IPv6 on a host that has none."""
    if not name.startswith("net.ipv6.") or any(setting.startswith("net.ipv6.") for setting in sysctls.values):
        return None
    if kernel is not None and "ipv6.disable=1" in kernel.command_line.split():
        return Absent(AbsentReason.NOT_APPLICABLE, "IPv6 is off: booted with ipv6.disable=1")
    return Absent(AbsentReason.NOT_APPLICABLE, "IPv6 is not in this kernel, or its module is not loaded")


def _by_namespace(name: str, is_initial: object) -> Absent | None:
    """A setting of the whole host, asked for in a network namespace of its own."""
    if is_initial is not False or not _matches(name, lifetimes.HOST_WIDE):
        return None
    return Absent(AbsentReason.NOT_APPLICABLE, "set for the whole host; not seen in this network namespace")


def _by_version(name: str, version: Version | None) -> Absent | None:
    """A setting that this kernel does not have yet, or no longer."""
    if version is None:
        return None
    since = _found(name, lifetimes.SINCE)
    if since is not None and version < since:
        return Absent(AbsentReason.NOT_PRESENT, f"since Linux {_text(since)}; this is {_text(version)}")
    removed = _found(name, lifetimes.REMOVED_IN)
    if removed is not None and version >= removed:
        return Absent(AbsentReason.NOT_PRESENT, f"gone since Linux {_text(removed)}; this is {_text(version)}")
    return None


def _by_module(name: str, modules: Maybe[tuple[str, ...]]) -> Absent | None:
    """A setting of a module that is not loaded, or was not built into a kernel that loads none."""
    module = next((module for pattern, module in lifetimes.MODULES.items() if _fits(name, pattern)), None)
    if module is None:
        return None
    if isinstance(modules, Absent):
        return Absent(AbsentReason.NOT_PRESENT, f"{module} is not in this kernel, which loads no modules")
    if module in modules:
        return Absent(AbsentReason.NOT_PRESENT, f"module {module} is loaded and has no {name}")
    return Absent(AbsentReason.NOT_PRESENT, f"module {module} is not loaded")


def _fits(name: str, pattern: str) -> bool:
    """Whether a name fits a pattern with one star at most, which stands for anything."""
    head, star, tail = pattern.partition("*")
    return name.startswith(head) and name.endswith(tail) if star else name == pattern


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(_fits(name, pattern) for pattern in patterns)


def _found(name: str, table: Mapping[str, Version]) -> Version | None:
    return next((version for pattern, version in table.items() if _fits(name, pattern)), None)


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
