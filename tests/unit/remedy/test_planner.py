"""A plan changes what findings ask for, within bounds, in order, and says of all else why it is left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netaudit.model.facts import Listener, Namespace, Persisted, PersistedValue, Writer
from netaudit.model.plan import HostPlan, StepClass
from netaudit.model.reading import Absent, AbsentReason
from netaudit.remedy.changes import Change, Choices
from netaudit.remedy.keeping import Kept
from netaudit.remedy.operations import scripts_of
from netaudit.remedy.planner import foreseen
from netaudit.remedy.proposals import Target
from netaudit.remedy.remediation import Remediations

STAMP = "20260601T120000Z"
ALL = frozenset(StepClass)


def keys(plan: HostPlan) -> list[tuple[str, str, str]]:
    """What the steps change, shortly."""
    return [(step.subject, step.before, step.after) for step in plan.steps]


def reason(plan: HostPlan, check: str) -> str:
    """Why a finding is left alone, with the advice."""
    found = [each for each in plan.not_remedied if each.check == check]
    assert found, f"{check} is not among {[each.check for each in plan.not_remedied]}"
    return f"{found[0].reason} | {found[0].advice}"


def test_a_healthy_host_is_left_as_it_is(web1, planned) -> None:
    """No finding, no step."""
    assert planned(web1).steps == ()


def test_a_step_says_all_that_is_needed(web1, planned) -> None:
    """Key, running and new value, boot value, file, class, undo, check, and who keeps the old backlog."""
    web1.sysctl("net.core.somaxconn", 128)
    web1.change("persisted", boot={"net.core.somaxconn": PersistedValue("128", "/etc/sysctl.d/60-x.conf", 3)})
    plan = planned(web1)
    (step,) = plan.steps
    assert (step.subject, step.before, step.after) == ("net.core.somaxconn", "128", "4096")
    assert step.boot_before == "128"
    assert step.file == f"/etc/sysctl.d/99-zz-netaudit-{STAMP}-new-sockets.conf"
    assert step.step_class is StepClass.NEW_SOCKETS
    assert step.checks == ("tcp.accept_queue.somaxconn",)
    assert step.undo == "write 128 to net.core.somaxconn"
    assert len(step.remediation_sha256) == 64
    assert any("nginx (pid 700)" in note for note in step.notes)
    assert "wins over /etc/sysctl.d/60-x.conf:3" in step.notes
    assert plan.boot_id == web1.facts.kernel.boot_id
    (file,) = scripts_of(plan).files
    assert file.path == step.file
    assert "net.core.somaxconn = 4096\n" in file.content


def test_several_findings_on_one_key_combine_to_the_strictest(web1, planned) -> None:
    """Two checks that want the table larger get the larger of what they want."""
    web1.change("conntrack", max=65536, count=64000).sysctl("net.netfilter.nf_conntrack_max", 65536)
    web1.given(tracked_conns=400000)
    plan = planned(web1)
    step = next(step for step in plan.steps if step.subject == "net.netfilter.nf_conntrack_max")
    assert set(step.checks) == {"ct.max", "ct.headroom"}
    assert int(step.after) == 1048576


def test_vectors_are_written_whole(web1, planned) -> None:
    """Only the third field is meant, and all three are written."""
    web1.sysctl("net.ipv4.tcp_rmem", "4096 131072 262144").given(flow_bandwidth_bps=1e9, rtt_s=0.1)
    step = next(step for step in planned(web1).steps if step.subject == "net.ipv4.tcp_rmem")
    assert step.after.split()[:2] == ["4096", "131072"]
    assert int(step.after.split()[2]) >= 25_000_000


def test_what_is_needed_comes_first(web1, planned) -> None:
    """Thresholds are raised from the top, so that they are in order at every moment."""
    web1.given(expected_onlink_peers=4000)
    subjects = [step.subject for step in planned(web1).steps if "ipv4.neigh" in step.subject]
    assert [subject[-1] for subject in subjects] == ["3", "2", "1"]


def test_timestamps_are_raised_with_what_needs_them(web1, planned) -> None:
    """tcp_tw_reuse works with timestamps only, so they are switched on in front of it."""
    web1.sysctl("net.ipv4.tcp_timestamps", 0).given(outbound_conn_per_s_per_dst=1000, closes_first=True)
    subjects = [step.subject for step in planned(web1, Choices(only=("tcp.tw.reuse",))).steps]
    assert subjects == ["net.ipv4.tcp_timestamps", "net.ipv4.tcp_tw_reuse"]


def test_out_of_range(web1, planned) -> None:
    """A value outside of what the remediation allows is never planned, whatever was declared."""
    web1.given(new_conn_per_s=10_000_000, accept_stall_s=1)
    plan = planned(web1)
    assert "net.core.somaxconn" not in [step.subject for step in plan.steps]
    assert "out of range" in reason(plan, "tcp.accept_queue.somaxconn")
    assert "128 to 1048576" in reason(plan, "tcp.accept_queue.somaxconn")


def test_memory_headroom_before_conntrack(web1, planned) -> None:
    """A table that the memory cannot hold is refused in the remediation's own words."""
    web1.change("conntrack", max=65536, count=64000).change("memory", total_bytes=2**27, available_bytes=2**26)
    assert "an eighth of the memory" in reason(planned(web1), "ct.headroom")


def test_another_writer(web1, planned) -> None:
    """What tuned writes is left to tuned: it is named, with how to set it there."""
    web1.sysctl("net.core.somaxconn", 128)
    web1.have(writers=(Writer("tuned", "profile throughput-performance", True, ("net.core.somaxconn",)),))
    said = reason(planned(web1), "tcp.accept_queue.somaxconn")
    assert "tuned writes it" in said
    assert "profile" in said.partition("|")[2]


@pytest.mark.parametrize("name", ["tuned", "NetworkManager", "systemd-networkd", "ufw", "docker", "saptune", "agent"])
def test_every_writer_is_named_with_its_own_way(web1, planned, name: str) -> None:
    """Each has a place where it is told what to write, and one that nobody knows has a configuration of its own."""
    web1.sysctl("net.core.somaxconn", 128)
    web1.have(writers=(Writer(name, "why it is known", True, ("net.core.*",)),))
    why, _, how = reason(planned(web1), "tcp.accept_queue.somaxconn").partition(" | ")
    assert why == f"net.core.somaxconn: {name} writes it on this host (why it is known)"
    assert how.startswith("net.core.somaxconn: set it in ")
    assert planned(web1).steps == ()


def test_an_idle_writer_is_no_obstacle(web1, planned) -> None:
    """A program that does not run writes nothing."""
    web1.sysctl("net.core.somaxconn", 128)
    web1.have(writers=(Writer("tuned", "no profile", False, ("net.core.*",)),))
    assert keys(planned(web1)) == [("net.core.somaxconn", "128", "4096")]


def test_a_key_of_the_whole_host_inside_a_namespace(web1, planned) -> None:
    """What is set for the whole host cannot be set from inside."""
    web1.change("kernel", is_initial_namespace=False).change("conntrack", max=65536, count=64000)
    assert "set for the whole host" in reason(planned(web1), "ct.headroom")


def test_an_old_value_that_cannot_be_read_is_never_written(web1, planned) -> None:
    """Without the old value there is no undo, hence no step."""
    web1.change("conntrack", max=65536, count=64000).sysctls({"net.netfilter.nf_conntrack_max": None})
    plan = planned(web1)
    assert "net.netfilter.nf_conntrack_max" not in [step.subject for step in plan.steps]
    assert "present value is not known" in reason(plan, "ct.headroom")


def test_forwarding_is_advice(web1, planned) -> None:
    """What an undo would not take back whole is said and not done."""
    web1.given(role="router")
    assert "by hand" in reason(planned(web1), "ip.forwarding_role")


def test_a_class_that_is_not_allowed(web1, planned) -> None:
    """A link that may flap needs --allow; with it the ring is changed and kept in a .link file."""
    fast = web1.fast_nic(rings=web1.Rings(512, 8192, 512, 8192))
    web1.link(fast)
    assert "--allow link-flap" in reason(planned(web1), "nic.ring.rx_size")
    plan = planned(web1, Choices(allow=frozenset({StepClass.LINK_FLAP})))
    (step,) = plan.steps
    assert (step.subject, step.before, step.after) == ("eth0 rx ring", "512", "1024")
    assert step.file == "/etc/systemd/network/00-netaudit-eth0.link"
    (file,) = scripts_of(plan).files
    assert "MACAddress=52:54:00:12:34:56" in file.content
    assert "RxBufferSize=1024" in file.content
    assert "NamePolicy=" in file.content


def test_waived_and_unknown_findings_are_said(web1, planned) -> None:
    """Nothing of the list is silently missing."""
    web1.have(sysctl=Absent(AbsentReason.NOT_FINISHED, "cut"))
    assert "unknown" in reason(planned(web1), "tcp.accept_queue.somaxconn")


def test_only(web1, planned) -> None:
    """Globs choose the checks, and what is for information only is remedied when it is named."""
    web1.sysctls({"net.core.somaxconn": 128, "net.ipv4.tcp_syncookies": 0})
    assert keys(planned(web1, Choices(only=("tcp.syn*",)))) == [("net.ipv4.tcp_syncookies", "0", "1")]
    named = planned(web1, Choices(only=("tcp.keepalive",)))
    assert "net.ipv4.tcp_keepalive_time" in [step.subject for step in named.steps]
    assert "--only" in reason(planned(web1), "tcp.keepalive")


def test_no_persist(web1, planned) -> None:
    """Without files nothing is written, and a file that would win is no obstacle."""
    web1.sysctl("net.core.somaxconn", 128)
    conf = PersistedValue("128", "/etc/sysctl.conf", 2)
    web1.change("persisted", system={"net.core.somaxconn": conf})
    assert "/etc/sysctl.conf:2" in reason(planned(web1), "tcp.accept_queue.somaxconn")
    (step,) = planned(web1, Choices(persists=False)).steps
    assert step.file is None
    assert "until the next boot" in step.notes


def test_a_file_that_sorts_later_is_beaten_by_name(web1, planned) -> None:
    """Our name is chosen so that it comes last under both loaders."""
    web1.sysctl("net.core.somaxconn", 128)
    entry = PersistedValue("128", "/etc/sysctl.d/zz-local.conf", 1)
    web1.change("persisted", boot={"net.core.somaxconn": entry}, system={"net.core.somaxconn": entry})
    (step,) = planned(web1).steps
    assert step.file == f"/etc/sysctl.d/zz-netaudit-{STAMP}-new-sockets.conf"


def test_a_name_that_nothing_beats_is_refused(web1, planned) -> None:
    """Where no name of ours sorts later that is said, with the file."""
    web1.sysctl("net.core.somaxconn", 128)
    entry = PersistedValue("128", "/etc/sysctl.d/zzzzz.conf", 1)
    web1.change("persisted", boot={"net.core.somaxconn": entry}, system={"net.core.somaxconn": entry})
    assert "/etc/sysctl.d/zzzzz.conf sorts after" in reason(planned(web1), "tcp.accept_queue.somaxconn")


def test_what_files_say_already_needs_no_file(web1, planned) -> None:
    """The running value alone is wrong: both loaders will set it right."""
    web1.sysctl("net.core.somaxconn", 128)
    entry = PersistedValue("4096", "/etc/sysctl.d/60-x.conf", 1)
    web1.change("persisted", boot={"net.core.somaxconn": entry}, system={"net.core.somaxconn": entry})
    (step,) = planned(web1).steps
    assert step.file is None
    assert step.boot_before == "4096"


def test_lost_at_boot_is_only_written_down(web1, planned) -> None:
    """The running value is right and stays; the file is what changes."""
    entry = PersistedValue("128", "/etc/sysctl.d/60-x.conf", 1)
    web1.change("persisted", boot={"net.core.somaxconn": entry}, system={"net.core.somaxconn": entry})
    (step,) = planned(web1, Choices(only=("host.sysctl.*",))).steps
    assert (step.before, step.after, step.boot_before) == ("4096", "4096", "128")
    assert step.file is not None


def test_what_another_change_puts_right_is_said(web1, planned) -> None:
    """The drift of a setting has no remediation of its own, and goes with the line that is written for the boot."""
    entry = PersistedValue("128", "/etc/sysctl.d/60-site.conf", 3)
    lines = {"net.core.somaxconn": entry}
    web1.sysctl("net.core.somaxconn", 4096).change("persisted", boot=lines, system=lines)
    plan = planned(web1)
    assert [step.checks for step in plan.steps] == [("host.sysctl.lost_at_boot",)]
    assert reason(plan, "host.sysctl_drift") == "what is changed here puts it right as well | "
    alone = planned(web1, Choices(only=("host.sysctl_drift",)))
    assert "no remediation answers it" in reason(alone, "host.sysctl_drift")


def test_a_namespace_with_a_name(web1, planned) -> None:
    """A setting of a named namespace is set inside it and is not kept; that of a container is left to its engine."""
    inside = Namespace(4026533000, "blue", 4711, "sh", {"net.core.somaxconn": "128"}, (), {}, True)
    web1.have(namespaces=(inside,))
    plan = planned(web1, Choices(only=("tcp.accept_queue.somaxconn",)))
    (step,) = plan.steps
    assert (step.namespace, step.file) == ("blue", None)
    script = scripts_of(plan).steps[0]
    assert "nsenter --net=/run/netns/blue" in script.apply
    web1.have(namespaces=(replace(inside, is_named=False),))
    plan = planned(web1, Choices(only=("tcp.accept_queue.somaxconn",)))
    assert "belongs to a container" in reason(plan, "tcp.accept_queue.somaxconn")


def test_a_module_that_boot_loads_too_late(web1, planned) -> None:
    """Settings of conntrack need the module before the drop-in is read: it is named in modules-load.d."""
    web1.change("conntrack", max=65536, count=64000).sysctl("net.netfilter.nf_conntrack_max", 65536)
    plan = planned(web1, Choices(only=("ct.headroom",)))
    load = plan.steps[0]
    assert (load.operation, load.file) == ("load_module", f"/etc/modules-load.d/zz-netaudit-{STAMP}-live.conf")
    files = {file.path: file.content for file in scripts_of(plan).files}
    assert "nf_conntrack\n" in files[load.file]


def test_conntrack_buckets_are_kept_in_modprobe_d(web1, planned) -> None:
    """The hash size is an option of the module."""
    web1.change("conntrack", max=2097152, buckets=65536).sysctl("net.netfilter.nf_conntrack_max", 2097152)
    step = next(each for each in planned(web1).steps if each.operation == "conntrack_hash")
    assert (step.before, step.after) == ("65536", "1048576")
    assert step.file == f"/etc/modprobe.d/zz-netaudit-{STAMP}-live.conf"


def test_listeners_are_restarted_only_when_asked(web1, planned) -> None:
    """The offer names the unit, has a class of its own, and is never made by itself."""
    web1.sysctl("net.core.somaxconn", 128)
    web1.have(listeners=(web1.listener(443, backlog=128, unit="nginx.service"),))
    assert [step.operation for step in planned(web1).steps] == ["sysctl"]
    restart = planned(web1, Choices(restarts_listeners=True)).steps[-1]
    assert (restart.operation, restart.arguments["unit"]) == ("restart", "nginx.service")
    assert restart.step_class is StepClass.RESTART


def test_the_service_that_carries_logins_is_never_restarted(web1, planned) -> None:
    """Neither with the others when the cap is raised, nor for the old backlog of its own."""
    ssh = web1.listener(22, backlog=1000, process="sshd", unit="ssh.service")
    web1.sysctl("net.core.somaxconn", 1000)
    web1.have(listeners=(ssh, web1.listener(443, backlog=1000, process="mine", unit="mine.service")))
    plan = planned(web1, Choices(restarts_listeners=True, allow=ALL))
    assert [step.subject for step in plan.steps if step.operation == "restart"] == ["mine.service"]
    web1.sysctl("net.core.somaxconn", 65536)
    web1.have(listeners=(web1.listener(2222, backlog=4096, process="dropbear", unit="dropbear.service"),))
    plan = planned(web1, Choices(restarts_listeners=True, allow=ALL))
    assert plan.steps == ()
    assert "logins go by this service" in reason(plan, "tcp.accept_queue.stale_backlog")


@pytest.mark.parametrize(
    ("process", "unit"), [("systemd", "ssh.socket"), ("proxy", "bastion.service"), ("inetd", "sshd@12.service")]
)
def test_logins_are_told_by_the_service_as_a_whole(web1, planned, process, unit) -> None:
    """By its name where another process listens for it, and by any of its listeners."""
    beside = web1.listener(2222, backlog=65536, process="sshd", unit="bastion.service")
    for cap, backlog in ((1000, 1000), (65536, 4096)):  # to be raised; an old one of its own
        web1.sysctl("net.core.somaxconn", cap)
        web1.have(listeners=(beside, web1.listener(443, backlog=backlog, process=process, unit=unit)))
        plan = planned(web1, Choices(restarts_listeners=True, allow=ALL))
        assert [step.subject for step in plan.steps if step.operation == "restart"] == []
    assert "logins go by this service" in reason(plan, "tcp.accept_queue.stale_backlog")


def test_a_service_is_restarted_once(web1, planned) -> None:
    """One that has a listener with the old cap and another with an even older one."""
    web1.sysctl("net.core.somaxconn", 1000)
    web1.have(listeners=(web1.listener(443, backlog=1000, process="mine", unit="mine.service"),
                         web1.listener(80, backlog=128, process="mine", unit="mine.service")))  # fmt: skip
    steps = planned(web1, Choices(restarts_listeners=True)).steps
    assert [step.subject for step in steps if step.operation == "restart"] == ["mine.service"]


def test_asking_for_restarts_allows_no_other_change_of_that_class(web1, planned, shipped_remediations) -> None:
    """A setting whose remediation says `restart` needs the class itself."""
    web1.sysctl("net.ipv4.tcp_sack", 0)
    made = [
        replace(each, step_class=StepClass.RESTART)
        for each in shipped_remediations.all
        if each.id == "transport.options"
    ]
    only = ("tcp.options_enabled",)
    plan = planned(web1, Choices(only, restarts_listeners=True), Remediations(tuple(made)))
    assert "--allow restart" in reason(plan, only[0])
    allowed = Choices(only, frozenset({StepClass.RESTART}))
    assert planned(web1, allowed, Remediations(tuple(made))).steps


def test_a_stale_listener_is_restarted_when_asked(web1, planned) -> None:
    """Its unit is named; without the option the class is not allowed."""
    web1.sysctl("net.core.somaxconn", 65536)
    web1.have(listeners=(web1.listener(443, backlog=4096, process="mine", unit="mine.service"),))
    stale = ("tcp.accept_queue.stale_backlog",)
    assert "--allow restart" in reason(planned(web1, Choices(only=stale)), stale[0])
    plan = planned(web1, Choices(stale, restarts_listeners=True))
    assert plan.steps, plan.not_remedied
    (step,) = plan.steps
    assert (step.operation, step.subject, step.step_class) == ("restart", "mine.service", StepClass.RESTART)
    assert "restarting mine.service cuts its connections" in step.notes


def test_a_listener_without_a_unit_is_advice(web1, planned) -> None:
    """What cannot be named is not restarted."""
    web1.sysctl("net.core.somaxconn", 65536)
    web1.have(listeners=(Listener("tcp", "0.0.0.0", 443, 0, 4096, "", "mine", 700, 5, "", (700,)),))
    plan = planned(web1, Choices(restarts_listeners=True, allow=ALL))
    assert "no service that could be named" in reason(plan, "tcp.accept_queue.stale_backlog")


def test_without_a_boot_id_nothing_is_planned(web1, planned) -> None:
    """A reboot between plan and change could not be seen."""
    web1.sysctl("net.core.somaxconn", 128).change("kernel", boot_id="")
    plan = planned(web1)
    assert plan.steps == ()
    assert "which boot" in reason(plan, "tcp.accept_queue.somaxconn")


@pytest.mark.parametrize("name", ["net.ipv4.conf.$(id).rp_filter", "net.ipv4.conf.a;b.rp_filter"])
def test_odd_interface_names_are_data(web1, planned, name: str) -> None:
    """An interface may be called nearly anything; what could be read as more than a name is left alone."""
    odd = name.removeprefix("net.ipv4.conf.").removesuffix(".rp_filter")
    web1.link(web1.nic(), web1.nic(odd)).sysctls({name: 1, "net.ipv4.conf.all.rp_filter": 1})
    web1.change("routing", routes=(web1.route(), web1.route(odd, metric=100)))
    plan = planned(web1)
    assert all(odd not in step.subject for step in plan.steps)
    assert "no setting that netaudit changes" in reason(plan, "ip.rp_filter")


def test_mtu_below_1280_is_refused(web1, planned) -> None:
    """Raising it again would not bring the IPv6 addresses back."""
    inet6 = replace(web1.nic().addresses[0], family="inet6", address="2001:db8::1", network="2001:db8::/64")
    low = web1.virtual("v0", "veth", mtu=1500, peer_mtu=1200, addresses=(inet6,))
    web1.link(web1.nic(), low)
    plan = planned(web1, Choices(allow=ALL, persists=False))
    assert "out of range" in reason(plan, "path.mtu.consistency") or "1280" in reason(plan, "path.mtu.consistency")


def test_files_that_hosts_share_are_foreseen_for_each_with_its_own_change(web1) -> None:
    """And shared again by those of them that get the same."""
    key = "net.core.somaxconn"
    others = replace(web1.facts.persisted, boot={}, system={})
    found = []
    for files, value, name in [
        (web1.facts.persisted, "4096", "a"), (web1.facts.persisted, "4096", "b"), (web1.facts.persisted, "8192", "a"),
        (others, "4096", "a"), (web1.facts.persisted, "4096", "a"),
    ]:  # fmt: skip
        change = Change(Target("sysctl", "", (("key", key),)), (), "128", value, StepClass.LIVE, Kept(True, None))
        change.file = f"/etc/sysctl.d/99-zz-netaudit-{name}.conf"
        made = foreseen(replace(web1.facts, persisted=files), [change]).persisted
        entry = PersistedValue(value, change.file, 1)
        assert made == replace(files, boot={**files.boot, key: entry}, system={**files.system, key: entry})
        found.append(made)
    assert found[0] is found[-1]


def test_persisted_files_that_cannot_be_read(web1, planned) -> None:
    """Then nobody knows which file wins."""
    web1.sysctl("net.core.somaxconn", 128).have(persisted=Absent(AbsentReason.NOT_PERMITTED, "/etc/sysctl.d/x.conf"))
    assert "could not be read" in reason(planned(web1), "tcp.accept_queue.somaxconn")


def test_two_runs_compose(web1, planned) -> None:
    """A later plan leaves the file of an earlier one alone and wins over it by its name."""
    web1.sysctl("net.core.somaxconn", 128)
    first = planned(web1)
    entry = PersistedValue("4096", "/etc/sysctl.d/99-zz-netaudit-20260501T120000Z-live.conf", 2)
    persisted = {"net.core.somaxconn": replace(entry, value="128")}
    second = planned(web1.change("persisted", boot=persisted, system=persisted))
    assert first.steps[0].file == second.steps[0].file
    assert second.steps[0].file > entry.file
    assert isinstance(web1.facts.persisted, Persisted)
