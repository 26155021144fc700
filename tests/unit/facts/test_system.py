"""Memory, processors, kernel."""

from __future__ import annotations

import pytest

from netaudit.facts.system import parse_cpu, parse_kernel, parse_memory
from netaudit.model.probe import Section, SectionStatus
from netaudit.model.reading import Absent, AbsentReason

KERNEL = {
    "/proc/sys/kernel/osrelease": "6.1.0-18-amd64",
    "/proc/sys/kernel/hostname": "web1.example.net",
    "/proc/sys/kernel/random/boot_id": "b0",
    "/proc/cmdline": "ro quiet",
    "/proc/uptime": "100.50 300.00",
    "/proc/1/comm": "systemd",
    "uname -m": "x86_64",
    "/proc/sys/net/core": "netdev_max_backlog",
    "files": "proc/stat:btime 1700000000\nproc/modules:tcp_bbr 20480 1 - Live 0x0\netc/os-release:ID=debian",
}


def section_of(parts: dict[str, str], before: str = "") -> Section:
    """A complete answer of the probe with these parts."""
    text = before + "".join(f"#@ {label}\n{body}\n" for label, body in parts.items())
    return Section("system", SectionStatus.COMPLETE, 0, text.encode(), b"", 1)


def test_memory_is_in_bytes() -> None:
    """Sizes of meminfo are KiB; the page size comes from the shell's own mapping."""
    memory = parse_memory(
        section_of(
            {
                "/proc/self/smaps": "KernelPageSize:       64 kB",
                "files": "proc/meminfo:MemTotal:  2 kB\nproc/meminfo:MemAvailable: 1 kB\nproc/meminfo:HugePages: 5",
            }
        )
    )
    assert (memory.total_bytes, memory.available_bytes, memory.page_bytes) == (2048, 1024, 65536)


def test_page_size_of_an_architecture_that_has_one() -> None:
    """Where pages have but one size, the probe says it without asking."""
    memory = parse_memory(section_of({"page size": "4096", "files": "proc/meminfo:MemTotal: 2 kB"}))
    assert memory.page_bytes == 4096


def test_old_kernels_say_no_available_memory() -> None:
    """Without MemAvailable the reading is absent and the others are there; getconf may tell the page size."""
    memory = parse_memory(section_of({"getconf PAGESIZE": "4096", "files": "proc/meminfo:MemTotal: 2 kB"}))
    assert isinstance(memory.available_bytes, Absent)
    assert memory.page_bytes == 4096


@pytest.mark.parametrize(
    ("online", "count"), [("0", 1), ("0-3", 4), ("0-3,8", 5), ("0,2,4", 3), ("0-127,256-383", 256)]
)
def test_processors_are_counted(online: str, count: int) -> None:
    """The list of processors that are online is counted, gaps and all; no NUMA is one node."""
    cpu = parse_cpu(section_of({"/sys/devices/system/cpu/online": online}))
    assert (cpu.count, cpu.numa_nodes, cpu.model) == (count, 1, "")


@pytest.mark.parametrize(("login", "is_root"), [("root", True), ("user", False)])
def test_who_has_read_is_known(login: str, is_root: bool) -> None:
    """Whether it was root; what was collected before that was asked does not say it."""
    assert parse_kernel(section_of(KERNEL | {"login": login})).is_root is is_root
    assert isinstance(parse_kernel(section_of(KERNEL)).is_root, Absent)


def test_kernel_is_read_whole() -> None:
    """Release and version, boot time plus uptime as clock, modules by name."""
    kernel = parse_kernel(section_of(KERNEL))
    assert kernel.version == (6, 1, 0)
    assert kernel.clock_s == 1700000100.5
    assert kernel.modules == ("tcp_bbr",)
    assert kernel.distribution == "debian"
    assert kernel.machine == "x86_64"
    assert kernel.is_initial_namespace is True
    assert kernel.virtualization == "none"


@pytest.mark.parametrize(
    ("release", "version"),
    [
        ("5.15.0-1051-aws", (5, 15, 0)),
        ("4.18.0-513.el8.x86_64", (4, 18, 0)),
        ("6.7-rc1", (6, 7, 0)),
        ("6.18", (6, 18, 0)),
    ],
)
def test_version_is_the_number_of_the_release(release: str, version: tuple[int, int, int]) -> None:
    """Whatever a distribution writes behind them, the first numbers are the version."""
    assert parse_kernel(section_of(KERNEL | {"/proc/sys/kernel/osrelease": release})).version == version


def test_release_without_a_version_is_not_understood() -> None:
    """A kernel that tells no version is not understood, rather than of version zero."""
    with pytest.raises(ValueError, match="not a kernel release"):
        parse_kernel(section_of(KERNEL | {"/proc/sys/kernel/osrelease": "custom"}))


def test_child_namespace_is_known_by_what_it_lacks() -> None:
    """A network namespace without the host-wide settings is not the first; without any settings nothing is known."""
    assert parse_kernel(section_of(KERNEL | {"/proc/sys/net/core": ""})).is_initial_namespace is False
    parts = {label: text for label, text in KERNEL.items() if label != "/proc/sys/net/core"}
    assert isinstance(parse_kernel(section_of(parts)).is_initial_namespace, Absent)


def test_kernel_without_modules_says_so() -> None:
    """A kernel that loads no modules has none, which is another thing than an empty list."""
    kernel = parse_kernel(section_of(KERNEL, before="#! /proc/modules: not present\n"))
    assert isinstance(kernel.modules, Absent)
    assert kernel.modules.reason is AbsentReason.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({"containers": "/.dockerenv"}, "docker"),
        ({"containers": "/run/.containerenv"}, "podman"),
        ({"containers": "/proc/vz"}, "openvz"),
        ({"containers": "/proc/vz\n/proc/bc"}, "none"),
        ({"/sys/hypervisor/type": "xen"}, "xen"),
        ({"/sys/class/dmi/id/sys_vendor": "QEMU", "/sys/class/dmi/id/product_name": "Standard PC"}, "kvm"),
        ({"/sys/class/dmi/id/sys_vendor": "VMware, Inc.", "/sys/class/dmi/id/product_name": "VMware7,1"}, "vmware"),
        ({"/sys/class/dmi/id/sys_vendor": "Microsoft Corporation", "/sys/class/dmi/id/product_name": "Virtual Machine"},
         "microsoft"),
        ({"/sys/class/dmi/id/sys_vendor": "Amazon EC2", "/sys/class/dmi/id/product_name": "m5.large"}, "amazon"),
        ({"/proc/cpuinfo": "model name : x\nflags : hypervisor"}, "virtual machine"),
        ({"/sys/class/dmi/id/sys_vendor": "Dell Inc.", "/sys/class/dmi/id/product_name": "PowerEdge R640"}, "none"),
    ],
)  # fmt: skip
def test_virtualization_is_told_by_its_marks(parts: dict[str, str], name: str) -> None:
    """Container marks come first, then the hypervisor's own file, then firmware, then the processor's flag."""
    assert parse_kernel(section_of(KERNEL | parts)).virtualization == name
