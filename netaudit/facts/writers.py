"""What else on a host writes network settings: the domain ``writers``.

A writer's keys are those that its own files name here, else those that its documentation or source says it writes.
They are globs over names as sysctl(8) writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from netaudit.facts.parts import split_parts
from netaudit.facts.precedence import path_of_key
from netaudit.facts.sysctl import name_of
from netaudit.model.facts import Writer
from netaudit.model.probe import Section

# kubelet: pkg/kubelet/cm (setupKernelTunables); kube-proxy: cmd/kube-proxy (conntracker) and pkg/proxy.
_KUBELET = ("kernel.panic", "kernel.panic_on_oops", "vm.overcommit_memory")
_KUBE_PROXY = (
    "net.netfilter.nf_conntrack_max", "net.netfilter.nf_conntrack_buckets",
    "net.netfilter.nf_conntrack_tcp_timeout_established", "net.netfilter.nf_conntrack_tcp_timeout_close_wait",
    "net.ipv4.conf.all.route_localnet", "net.bridge.bridge-nf-call-iptables",
)  # fmt: skip
_IPVS = ("net.ipv4.vs.*", "net.ipv4.ip_forward", "net.ipv4.conf.all.arp_ignore", "net.ipv4.conf.all.arp_announce")
_CNI = {
    "calico": ("net.ipv4.ip_forward", "net.ipv4.conf.*.rp_filter", "net.ipv4.conf.*.proxy_arp", "net.ipv6.conf.*"),
    "cilium-cni": ("net.ipv4.ip_forward", "net.ipv4.conf.*.rp_filter", "net.ipv6.conf.all.forwarding"),
    "flannel": ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"),
    "aws-cni": ("net.ipv4.conf.eth0.rp_filter", "net.ipv4.conf.*.rp_filter"),
    "bridge": ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.bridge.*"),
    "ptp": ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"),
    "weave-net": ("net.ipv4.ip_forward", "net.ipv4.conf.*.arp_accept"),
}
_CNI_AGENTS = (
    "calico-node", "cilium-agent", "flanneld", "kube-router", "weaver", "antrea-agent", "ovnkube", "aws-k8s-agent",
)  # fmt: skip
_DOCKER = ("net.ipv4.ip_forward", "net.ipv4.conf.*.route_localnet", "net.bridge.bridge-nf-call-iptables")
_DOCKER_IPV6 = ("net.ipv6.conf.all.forwarding", "net.ipv6.conf.default.forwarding")
# NetworkManager sets these for each connection it activates; ip_forward only for shared ones.
_NETWORK_MANAGER = (
    "net.ipv6.conf.*.accept_ra*", "net.ipv6.conf.*.use_tempaddr", "net.ipv6.conf.*.disable_ipv6",
    "net.ipv6.conf.*.addr_gen_mode", "net.ipv6.conf.*.hop_limit", "net.ipv6.conf.*.mtu", "net.ipv4.conf.*.forwarding",
    "net.ipv4.conf.*.rp_filter",
)  # fmt: skip
# systemd.network(5): what networkd sets on every link it manages, and what it sets when an option says so.
_NETWORKD = ("net.ipv6.conf.*.accept_ra", "net.ipv6.conf.*.disable_ipv6", "net.ipv6.conf.*.mtu")
_NETWORKD_OPTIONS = {
    "IPForward": ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"),
    "IPMasquerade": ("net.ipv4.conf.*.forwarding", "net.ipv6.conf.*.forwarding"),
    "IPv4Forwarding": ("net.ipv4.ip_forward", "net.ipv4.conf.*.forwarding"),
    "IPv6Forwarding": ("net.ipv6.conf.all.forwarding", "net.ipv6.conf.*.forwarding"),
    "IPv4ReversePathFilter": ("net.ipv4.conf.*.rp_filter",),
    "IPv4AcceptLocal": ("net.ipv4.conf.*.accept_local",),
    "IPv4RouteLocalnet": ("net.ipv4.conf.*.route_localnet",),
    "IPv4ProxyARP": ("net.ipv4.conf.*.proxy_arp",),
    "IPv4ProxyARPPrivateVLAN": ("net.ipv4.conf.*.proxy_arp_pvlan",),
    "IPv6PrivacyExtensions": ("net.ipv6.conf.*.use_tempaddr",),
    "IPv6DuplicateAddressDetection": ("net.ipv6.conf.*.dad_transmits",),
    "IPv6HopLimit": ("net.ipv6.conf.*.hop_limit",),
    "IPv6RetransmissionTimeSec": ("net.ipv6.neigh.*.retrans_time_ms",),
    "IPv6ProxyNDP": ("net.ipv6.conf.*.proxy_ndp",),
    "IPv6MTUBytes": ("net.ipv6.conf.*.mtu",),
}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the probe found: where each writer is installed, which run, and lines by file."""

    installed: Mapping[str, str]
    running: frozenset[str]
    commands: frozenset[str]  # of running processes, if they were looked at
    profile: str  # of tuned
    files: Mapping[str, Sequence[str]]

    def lines(self, *prefixes: str) -> list[str]:
        """The lines of all files below some paths, comments excluded."""
        return [
            line.strip()
            for path, lines in self.files.items()
            if path.startswith(prefixes)
            for line in lines
            if not line.lstrip().startswith(("#", ";"))
        ]

    def runs(self, name: str, *commands: str) -> bool:
        """Whether a service runs, as its control group or a process of that command name tells."""
        return name in self.running or not self.commands.isdisjoint((name, *commands))


def parse_writers(section: Section) -> tuple[Writer, ...]:
    """The writers that are installed here, active or not, in the order of the probe."""
    seen = _seen(section)
    return tuple(
        Writer(name, detail, active, tuple(dict.fromkeys(keys)))
        for name, read in _READERS.items()
        if name in seen.installed
        for detail, active, keys in [read(seen)]
    ) + _cni_agents(seen)


def _seen(section: Section) -> _Seen:
    parts = split_parts(section)
    installed: dict[str, str] = {}
    running: set[str] = set()
    profile = ""
    for line in parts["services"].split("\n"):
        word, _, rest = line.partition(" ")
        if word == "has":
            name, _, path = rest.partition(" ")
            installed[name] = path
        elif word == "runs":
            running.add(rest)
        elif word == "profile":
            profile = rest.strip()
    files: dict[str, list[str]] = {}
    commands: set[str] = set()
    for line in parts.texts.get("lines", "").split("\n"):
        path, _, rest = line.partition(":")
        text = rest.partition(":")[2]
        if path.startswith("proc/"):
            commands.add(text)
        else:
            files.setdefault(path, []).append(text)
    return _Seen(installed, frozenset(running), frozenset(commands), profile, files)


_Report = tuple[str, bool, Sequence[str]]


def _tuned(seen: _Seen) -> _Report:
    profiles = {path.split("/")[-2]: lines for path, lines in seen.files.items() if path.endswith("/tuned.conf")} | {
        path.split("/")[-2]: lines for path, lines in seen.files.items() if path.startswith("etc/tuned/")
    }
    keys: list[str] = []
    waiting, read = seen.profile.split(), set[str]()
    while waiting:
        name = waiting.pop()
        if name in read or name not in profiles:
            continue
        read.add(name)
        keys += _keys(profiles[name], section="sysctl")
        for line in profiles[name]:
            word, equals, value = line.partition("=")
            if equals and word.strip() == "include":
                waiting += value.replace(",", " ").split()
    return f"profile {seen.profile}" if seen.profile else "no profile", seen.runs("tuned"), keys


def _keys(lines: Sequence[str], section: str | None = None) -> list[str]:
    """Names of the settings that lines ``key = value`` assign, of one section or of all."""
    found: list[str] = []
    inside = ""
    for raw in lines:
        line = raw.strip()
        if line.startswith("["):
            inside = line.strip("[] \t")
        elif (section is None or inside == section) and "=" in line and line[0] not in "#;":
            key = line.partition("=")[0].strip()
            if "." in key or "/" in key:
                found.append(name_of(path_of_key(key)))
    return found


def _kubelet(seen: _Seen) -> _Report:
    lines = seen.lines("var/lib/kubelet/", "etc/kubernetes/kubelet", "etc/rancher")
    protects = any(line.replace(" ", "") == "protectKernelDefaults:true" for line in lines)
    active = seen.runs("kubelet", "k3s-server", "k3s-agent", "rke2")
    keys = [] if protects else list(_KUBELET)
    details = ["protectKernelDefaults: true" if protects else "protectKernelDefaults is not set"]
    proxy = seen.lines("var/lib/kube-proxy/", "etc/kubernetes/kube-proxy")
    if proxy or seen.runs("kube-proxy", "k3s-server", "k3s-agent"):
        mode = next((line.partition(":")[2].strip(" \"'") for line in proxy if line.startswith("mode:")), "")
        details.append(f"kube-proxy {mode}".strip())
        keys += [*_KUBE_PROXY, *(_IPVS if mode == "ipvs" else ())]
    return ", ".join(details), active, keys


def _cni(seen: _Seen) -> _Report:
    """Plugins of the container network. What the plugin ``tuning`` sets, it sets in containers and not on the host."""
    kinds: list[str] = []
    inside: list[str] = []
    for line in seen.lines("etc/cni/", "var/lib/rancher/"):
        for piece in line.split(","):
            name, _, value = (word.strip(" \t\"'{}[]") for word in piece.partition(":"))
            if name == "type":
                kinds.append(value)
            elif name.startswith("net."):
                inside.append(name)
    detail = " ".join(dict.fromkeys(kinds))
    if inside:
        detail += f", in containers {' '.join(inside)}"
    keys = [key for kind in kinds for key in _CNI.get(kind, ())]
    return detail, seen.runs("kubelet", *_CNI_AGENTS), keys


def _docker(seen: _Seen) -> _Report:
    text = "".join(seen.lines("etc/docker/")).replace(" ", "").replace("\t", "")
    keys = [key for key in _DOCKER if not (key.endswith("ip_forward") and '"ip-forward":false' in text)]
    if '"ipv6":true' in text:
        keys += _DOCKER_IPV6
    return seen.installed["docker"], seen.runs("docker", "dockerd"), keys


def _network_manager(seen: _Seen) -> _Report:
    return seen.installed["NetworkManager"], seen.runs("NetworkManager"), _NETWORK_MANAGER


def _networkd(seen: _Seen) -> _Report:
    active = seen.runs("systemd-networkd", "systemd-network")
    keys = list(_NETWORKD)
    said: list[str] = []
    for path, lines in seen.files.items():
        if "systemd/network" not in path:
            continue
        for line in lines:
            option = line.partition("=")[0].strip()
            if option in _NETWORKD_OPTIONS:
                said.append(f"/{path}: {line.strip()}")
                keys += _NETWORKD_OPTIONS[option]
    return "; ".join(said[:5]) or seen.installed["systemd-networkd"], active, keys


def _ufw(seen: _Seen) -> _Report:
    settings = dict(line.split("=", 1) for line in seen.lines("etc/ufw/ufw.conf", "etc/default/ufw") if "=" in line)
    enabled = settings.get("ENABLED", "no").strip("\"' ").lower() == "yes"
    file = settings.get("IPT_SYSCTL", "").strip("\"' ")
    return f"IPT_SYSCTL={file}", enabled and bool(file), _keys(seen.lines("etc/ufw/sysctl.conf")) if file else ()


def _cloud_init(seen: _Seen) -> _Report:
    lines = seen.lines("etc/cloud/")
    keys = [word for line in lines for word in line.replace("=", " ").split() if word.startswith("net.")]
    said = next((line for line in lines if "sysctl" in line), "")
    return said or seen.installed["cloud-init"], "cloud-init" in seen.running, keys


def _saptune(seen: _Seen) -> _Report:
    settings = dict(line.split("=", 1) for line in seen.lines("etc/sysconfig/saptune") if "=" in line)
    words = {name: value.strip("\"' ") for name, value in settings.items()}
    notes = f"{words.get('TUNE_FOR_NOTES', '')} {words.get('NOTE_APPLY_ORDER', '')}".split()
    keys: list[str] = []
    for path, lines in seen.files.items():
        name = path.rpartition("/")[2].removesuffix(".conf")
        if name in notes and "sysconfig" not in path:
            keys += _keys(lines, section="sysctl")
    detail = " ".join(filter(None, (words.get("TUNE_FOR_SOLUTIONS", ""), *dict.fromkeys(notes))))
    return f"notes {detail}" if detail else "no notes", "saptune" in seen.running and bool(detail), keys


_READERS: Mapping[str, Callable[[_Seen], _Report]] = {
    "tuned": _tuned,
    "kubelet": _kubelet,
    "cni": _cni,
    "docker": _docker,
    "NetworkManager": _network_manager,
    "systemd-networkd": _networkd,
    "ufw": _ufw,
    "cloud-init": _cloud_init,
    "saptune": _saptune,
}


def _cni_agents(seen: _Seen) -> tuple[Writer, ...]:
    """Network agents of a cluster that run here without a configuration that the probe could see."""
    if "cni" in seen.installed:
        return ()
    return tuple(
        Writer("cni", command, active=True, keys=("net.ipv4.ip_forward", "net.ipv4.conf.*.rp_filter"))
        for command in _CNI_AGENTS
        if command in seen.commands
    )
