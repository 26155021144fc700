#!/bin/sh
# id: writers
# summary: What else on this host writes network settings: tuned, kubelet, CNI, docker, NetworkManager and others.
# reads: /etc/tuned, /usr/lib/tuned, /var/lib/kubelet/config.yaml, /var/lib/kube-proxy, /etc/cni/net.d, /etc/docker/daemon.json, /etc/NetworkManager, systemd/network below /etc /run /usr/lib, /etc/systemd/networkd.conf, /etc/ufw, /etc/default/ufw, /etc/cloud, /etc/sysconfig/saptune, /etc/saptune, /usr/share/saptune/notes, /sys/fs/cgroup, /proc/PID/comm
# needs: user
# timeout_s: 5
# max_bytes: 512KiB
# format: parts; installed and running as words, then path:line:text of the lines that name settings
# cost_cpu_ms: 0.7
# cost_processes: 0
#
# Whether a service runs is told by its control group, which costs nothing; without systemd, or where containers may
# run the service, by the command names of all processes.

cd "${ROOT:-/}" || exit 11

printf '#@ services\n'
runs() { # NAME UNIT…: say that a writer runs, and succeed if it does
    name=$1
    shift
    for unit in "$@"; do
        for slice in sys/fs/cgroup/system.slice sys/fs/cgroup/systemd/system.slice sys/fs/cgroup/unified/system.slice; do
            if [ -d "$slice/$unit" ]; then
                printf 'runs %s\n' "$name"
                return 0
            fi
        done
    done
    return 1
}
has() { # NAME PATH…: say that a writer is installed, and where that was seen
    name=$1
    shift
    for path in "$@"; do
        if [ -e "$path" ]; then
            printf 'has %s /%s\n' "$name" "$path"
            return 0
        fi
    done
    return 1
}

# Commands of processes that are writers: few names are read by the shell itself, which saves a program.
agents='tuned|kubelet|kube-proxy|k3s-server|k3s-agent|rke2|cilium-agent|calico-node|flanneld|kube-router|weaver'
agents="$agents|antrea-agent|ovnkube|aws-k8s-agent|dockerd|NetworkManager|systemd-network"
newline='
'
scanned=
found=
look_at_processes() {
    [ -z "$scanned" ] || return 0
    scanned=1
    set -- proc/[0-9]*/comm
    if [ $# -gt 100 ]; then
        found=$(LC_ALL=C grep -sHnxE "$agents" "$@")
        return 0
    fi
    for path in "$@"; do
        IFS= read -r line <"$path"
        case "|$agents|" in
            *"|$line|"*) found="$found$path:1:$line$newline" ;;
        esac
    done 2>/dev/null
}
# Without systemd nothing else tells what runs.
[ -d run/systemd/system ] || look_at_processes

files=
add() { # files that may be read are added to the list
    for path in "$@"; do
        [ -f "$path" ] || continue
        if [ -r "$path" ]; then
            files="$files$path
"
        else
            printf '#! /%s: not permitted\n' "$path"
        fi
    done
}

if has tuned usr/sbin/tuned etc/tuned/active_profile; then
    runs tuned tuned.service
    profile=
    [ -r etc/tuned/active_profile ] && read -r profile <etc/tuned/active_profile
    printf 'profile %s\n' "$profile"
    add etc/tuned/*/tuned.conf etc/tuned/profiles/*/tuned.conf \
        usr/lib/tuned/*/tuned.conf usr/lib/tuned/profiles/*/tuned.conf
fi
if has kubelet usr/bin/kubelet usr/local/bin/kubelet opt/bin/kubelet var/lib/kubelet/config.yaml usr/local/bin/k3s; then
    runs kubelet kubelet.service k3s.service k3s-agent.service rke2-server.service rke2-agent.service
    add var/lib/kubelet/config.yaml etc/kubernetes/kubelet.conf.d/*.conf var/lib/kube-proxy/*.conf \
        var/lib/kube-proxy/*.yaml etc/kubernetes/kube-proxy.yaml
    look_at_processes
fi
if has cni etc/cni/net.d/*.conf etc/cni/net.d/*.conflist var/lib/rancher/k3s/agent/etc/cni/net.d/*.conflist; then
    add etc/cni/net.d/*.conf etc/cni/net.d/*.conflist var/lib/rancher/k3s/agent/etc/cni/net.d/*.conflist
    look_at_processes
fi
if has docker usr/bin/dockerd usr/sbin/dockerd usr/local/bin/dockerd; then
    runs docker docker.service snap.docker.dockerd.service
    add etc/docker/daemon.json
fi
if has NetworkManager usr/sbin/NetworkManager usr/bin/NetworkManager; then
    runs NetworkManager NetworkManager.service
fi
if has systemd-networkd usr/lib/systemd/systemd-networkd lib/systemd/systemd-networkd; then
    # It is installed nearly everywhere; its files mean nothing where it does not run.
    case $found in *:systemd-network*) networkd=1 ;; *) networkd= ;; esac
    { runs systemd-networkd systemd-networkd.service || [ -n "$networkd" ]; } &&
        add etc/systemd/networkd.conf etc/systemd/networkd.conf.d/*.conf etc/systemd/network/*.network \
        run/systemd/network/*.network usr/local/lib/systemd/network/*.network
fi
if has ufw usr/sbin/ufw etc/ufw/ufw.conf; then
    add etc/ufw/ufw.conf etc/default/ufw etc/ufw/sysctl.conf
fi
if has cloud-init usr/bin/cloud-init etc/cloud/cloud.cfg; then
    [ -e etc/cloud/cloud-init.disabled ] || printf 'runs cloud-init\n'
    add etc/cloud/cloud.cfg etc/cloud/cloud.cfg.d/*.cfg
fi
if has saptune usr/sbin/saptune etc/sysconfig/saptune; then
    [ -e etc/systemd/system/multi-user.target.wants/saptune.service ] && printf 'runs saptune\n'
    add etc/sysconfig/saptune usr/share/saptune/notes/* var/lib/saptune/working/notes/* etc/saptune/extra/*.conf \
        etc/saptune/override/*
fi

IFS=$newline
set -f
# shellcheck disable=SC2086  # a list of paths, one a line
set -- $files
set +f
unset IFS
[ $# -gt 0 ] || [ -n "$found" ] || exit 0

printf '#@ lines\n%s' "${found:+${found%"$newline"}$newline}"
[ $# -gt 0 ] || exit 0
LC_ALL=C grep -Hn -m 400 -E '^[[:blank:]]*\[
^[[:blank:]]*include[[:blank:]]*=
^[[:blank:]]*[a-z0-9_]+[./][^=]*=
^[[:blank:]]*(IP|IPv4|IPv6)[A-Za-z0-9]+[[:blank:]]*=
^[[:blank:]]*Name[[:blank:]]*=
^(ENABLED|IPT_SYSCTL|TUNE_FOR_SOLUTIONS|TUNE_FOR_NOTES|NOTE_APPLY_ORDER)=
"(type|ip-forward|iptables|ip6tables|ipv6|sysctl|net\.[^"]*)"[[:blank:]]*:
^[[:blank:]]*(protectKernelDefaults|conntrack|maxPerCore|min|tcpEstablishedTimeout|tcpCloseWaitTimeout|mode):
sysctl' "$@" 2>/dev/null
[ $? -le 2 ]
