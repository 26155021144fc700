"""The machine: the domains ``memory``, ``cpu`` and ``kernel``.

Sources: proc(5), os-release(5), the kernel's ABI documentation of /sys/devices/system.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from netaudit.facts.numbers import decimal, natural
from netaudit.facts.parts import Parts, grep_lines, split_parts
from netaudit.model.facts import Cpu, Kernel, Memory
from netaudit.model.probe import Section
from netaudit.model.reading import Absent, AbsentReason, Maybe

_RELEASE = re.compile(r"\A([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,6}))?", re.ASCII)
_CONTAINERS = {
    "/.dockerenv": "docker",
    "/run/.containerenv": "podman",
    "/run/systemd/container": "container",
    "/dev/lxd": "lxc",
    "/dev/incus": "lxc",
}
_HYPERVISORS = (
    ("kvm", "kvm"), ("qemu", "kvm"), ("openstack", "kvm"), ("google", "kvm"), ("amazon ec2", "amazon"),
    ("vmware", "vmware"), ("virtualbox", "oracle"), ("innotek", "oracle"), ("xen", "xen"), ("bochs", "bochs"),
    ("parallels", "parallels"), ("bhyve", "bhyve"), ("microsoft corporation virtual machine", "microsoft"),
    ("digitalocean", "kvm"), ("alibaba cloud ecs", "kvm"), ("hetzner vserver", "kvm"), ("nutanix", "kvm"),
    ("apple virtualization", "apple"),
)  # fmt: skip


def parse_memory(section: Section) -> Memory:
    """Memory of the machine, in bytes. MemAvailable exists since Linux 3.14."""
    parts = split_parts(section)
    sizes: dict[str, int] = {}
    for line in grep_lines(parts["files"])["proc/meminfo"]:
        name, _, rest = line.partition(":")
        amount, _, unit = rest.strip().partition(" ")
        if unit == "kB":
            sizes[name] = natural(amount) * 1024
    return Memory(
        total_bytes=sizes["MemTotal"],
        available_bytes=sizes.get("MemAvailable", _gone("MemAvailable: since Linux 3.14")),
        page_bytes=_page_bytes(parts),
        slab_unreclaimable_bytes=sizes.get("SUnreclaim", _gone("SUnreclaim")),
    )


def _page_bytes(parts: Parts) -> int:
    fixed = parts.texts.get("page size")  # of an architecture that has but one
    if fixed is not None:
        return natural(fixed.strip())
    smaps = parts.texts.get("/proc/self/smaps")
    if smaps is not None:
        return natural(smaps.split()[1]) * 1024
    return natural(parts["getconf PAGESIZE"].strip())


def parse_cpu(section: Section) -> Cpu:
    """Processors that are online, and the NUMA nodes they are in (one where the kernel knows none)."""
    parts = split_parts(section)
    nodes = parts.texts.get("/sys/devices/system/node/online", "").strip()
    return Cpu(
        count=_count(parts["/sys/devices/system/cpu/online"].strip()),
        model=_model(_colon_pairs(parts.texts.get("/proc/cpuinfo", ""))),
        numa_nodes=_count(nodes) if nodes else 1,
    )


def _model(info: dict[str, str]) -> str:
    """The name of the processor; what there is instead on architectures that give none."""
    for key in ("model name", "Model", "cpu model", "uarch"):
        if key in info:
            return info[key]
    if "CPU part" in info:
        return f"implementer {info.get('CPU implementer', '?')} part {info['CPU part']}"
    return info.get("vendor_id", "")


def _count(ranges: str) -> int:
    """How many numbers a list such as ``0-3,8`` names: the format of cpuset(7)."""
    total = 0
    for item in ranges.split(","):
        low, _, high = item.partition("-")
        total += natural(high or low) - natural(low) + 1
    return total


def _colon_pairs(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.split("\n"))
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}


def parse_kernel(section: Section) -> Kernel:
    """Kernel, boot and distribution. The host's time is its boot time plus its uptime, to within a second."""
    parts = split_parts(section)
    files = grep_lines(parts["files"])
    release = parts["/proc/sys/kernel/osrelease"].strip()
    uptime_s = decimal(parts["/proc/uptime"].split()[0])
    machine = parts.texts.get("/proc/sys/kernel/arch") or parts.texts.get("uname -m", "")
    return Kernel(
        release=release,
        version=_version(release),
        machine=machine.strip(),
        command_line=parts.texts.get("/proc/cmdline", "").strip(),
        uptime_s=uptime_s,
        boot_id=parts["/proc/sys/kernel/random/boot_id"].strip(),
        distribution=_distribution(files),
        init=parts.texts.get("/proc/1/comm", "").strip(),
        virtualization=_virtualization(parts),
        hostname=parts.texts.get("/proc/sys/kernel/hostname", "").strip(),
        modules=_modules(parts, files),
        is_initial_namespace=_is_initial(parts),
        clock_s=natural(files["proc/stat"][0].split()[1]) + uptime_s,
        is_root=_is_root(parts),
    )


def _version(release: str) -> tuple[int, int, int]:
    match = _RELEASE.match(release)
    if match is None:
        raise ValueError(f"{release[:40]!r} is not a kernel release")
    return int(match[1]), int(match[2]), int(match[3] or 0)


def _distribution(files: Mapping[str, list[str]]) -> str:
    words: dict[str, str] = {}
    for line in files.get("etc/os-release") or files.get("usr/lib/os-release") or ():
        name, _, value = line.partition("=")
        words[name] = value.strip().strip("\"'")
    return f"{words.get('ID', 'unknown')} {words.get('VERSION_ID', '')}".strip()


def _modules(parts: Parts, files: Mapping[str, list[str]]) -> Maybe[tuple[str, ...]]:
    reason = parts.missing.get("/proc/modules")
    if reason is not None:
        return Absent(AbsentReason.NOT_APPLICABLE, "this kernel loads no modules")
    return tuple(sorted(line.partition(" ")[0] for line in files.get("proc/modules", ())))


def _is_initial(parts: Parts) -> Maybe[bool]:
    """Whether the settings that only the kernel's first network namespace has are there.

    Unlike a comparison with the namespace of process 1 this needs no privilege, and holds in a container too.
    """
    text = parts.text("/proc/sys/net/core")
    return text if isinstance(text, Absent) else "netdev_max_backlog" in text


def _is_root(parts: Parts) -> Maybe[bool]:
    """Whether the one who read owns process 1; captures of earlier versions do not say it."""
    said = parts.texts.get("login")
    return _gone("the login's privilege") if said is None else said.strip() == "root"


def _virtualization(parts: Parts) -> str:
    """The container if there is one, else the hypervisor as far as firmware and processor tell, else ``none``."""
    marks = parts.texts.get("containers", "").split()
    for mark, name in _CONTAINERS.items():
        if mark in marks:
            return name
    if "/proc/vz" in marks and "/proc/bc" not in marks:
        return "openvz"
    hypervisor = parts.texts.get("/sys/hypervisor/type", "").strip()
    if hypervisor:
        return hypervisor
    firmware = (
        f"{parts.texts.get('/sys/class/dmi/id/sys_vendor', '').strip()} "
        f"{parts.texts.get('/sys/class/dmi/id/product_name', '').strip()}"
    ).lower()
    for words, name in _HYPERVISORS:
        if words in firmware:
            return name
    return "virtual machine" if "hypervisor" in parts.texts.get("/proc/cpuinfo", "") else "none"


def _gone(what: str) -> Absent:
    return Absent(AbsentReason.NOT_PRESENT, what)
