#!/bin/sh
# id: sysctl
# summary: Running kernel settings: all of net.* and what bears on it.
# reads: /proc/sys/net, /proc/sys/fs, /proc/sys/kernel, /proc/sys/vm, /proc/sys/user, /sys/class/net
# needs: user
# timeout_s: 10
# max_bytes: 1MiB
# format: what head prints of many files: "==> PATH <==" with the path below /proc/sys, then the value
# cost_cpu_ms: 4.4
# cost_processes: 1
#
# One head reads everything. grep takes twice its time for as many files, tail gives up at the first that cannot be
# read, and the shell's own read takes a byte a call, to which the kernel answers with the first digit of a number.
# Three settings are secrets and are never opened; the patterns below cannot match them: net/ipv4/tcp_fastopen_key,
# net/ipv6/conf/*/stable_secret, net/core/netdev_rss_key. Nor do they match directories, where names are known.
# With more than twelve interfaces, only those with a device behind them, lo, all and default are read in full, and
# of the others what decides how packets are routed and filtered.

cd "${ROOT:-}/proc/sys" 2>/dev/null || exit 11
[ -d net ] || exit 11

# Patterns are gathered as text and expanded once, in the last command: names below net hold no blanks.
paths=
for path in net/*; do
    case $path in
        net/core) paths="$paths net/core/[!n]*" ;;
        net/ipv4) paths="$paths net/ipv4/[!cnrtv]* net/ipv4/tcp_[!f]* net/ipv4/tcp_f[!a]*" ;;
        net/ipv6) paths="$paths net/ipv6/[!cinr]*" ;;
        net/netfilter) paths="$paths net/netfilter/nf_[!l]*" ;;
        *) [ -f "$path" ] && paths="$paths $path" || paths="$paths $path/*" ;;
    esac
done
# What none of these matches, name by name. To list such a folder costs the kernel more than all these comparisons.
for path in net/core/n* net/ipv4/* net/ipv6/[cinr]* net/netfilter/*; do
    case $path in
        net/ipv4/[!cnrtv]* | net/ipv4/tcp_[!f]* | net/ipv4/tcp_f[!a]* | net/netfilter/nf_[!l]*) ;;
        */tcp_fastopen_key | */netdev_rss_key | */conf | */neigh) ;;
        */route | */vs | */icmp | */nf_log) paths="$paths $path/*" ;;
        *) [ -f "$path" ] && paths="$paths $path" ;;
    esac
done
for path in fs/file-max fs/file-nr fs/nr_open fs/aio-max-nr fs/epoll/max_user_watches fs/inotify/max_user_instances \
    fs/inotify/max_user_watches kernel/pid_max kernel/threads-max kernel/dmesg_restrict kernel/perf_event_paranoid \
    kernel/unprivileged_bpf_disabled kernel/timer_migration kernel/numa_balancing vm/min_free_kbytes \
    vm/max_map_count vm/overcommit_memory vm/swappiness vm/zone_reclaim_mode user/max_net_namespaces; do
    [ -e "$path" ] && paths="$paths $path"
done

# The settings of an IPv6 interface whose names start with the letter of the secret one.
with_s=
for path in net/ipv6/conf/default/s*; do
    case $path in
        */stable_secret) ;;
        *) [ -f "$path" ] && with_s="$with_s ${path##*/}" ;;
    esac
done
add_ipv6() { # FOLDER, which may be a pattern
    paths="$paths $1/[!s]*"
    for setting in $with_s; do
        paths="$paths $1/$setting"
    done
}

set -- net/ipv4/conf/*
interfaces=$(($# - 2))
if [ "$interfaces" -le 12 ]; then
    for path in net/ipv4/conf net/ipv4/neigh net/ipv6/neigh; do
        [ -d "$path" ] && paths="$paths $path/*/*"
    done
    [ -d net/ipv6/conf ] && add_ipv6 'net/ipv6/conf/*'
else
    printf '#! net/ipv4/conf: not finished: of %s interfaces the virtual ones are read in part\n' "$interfaces"
    for path in all default lo "${ROOT:-}"/sys/class/net/*/device; do
        path=${path%/device}
        path=${path##*/}
        for family in net/ipv4/conf net/ipv4/neigh net/ipv6/neigh; do
            [ -d "$family/$path" ] && paths="$paths $family/$path/*"
        done
        [ -d "net/ipv6/conf/$path" ] && add_ipv6 "net/ipv6/conf/$path"
    done
    # Some of these stand among the ones above: they are read twice, and the parser takes one.
    paths="$paths net/ipv4/conf/*/rp_filter net/ipv4/conf/*/forwarding"
    [ -d net/ipv6/conf ] && paths="$paths net/ipv6/conf/*/forwarding net/ipv6/conf/*/disable_ipv6"
fi

# 1 only says that a file could not be read; standard error names it.
# shellcheck disable=SC2086  # the patterns are meant to be split and expanded here
head -n 99 $paths
[ $? -le 1 ]
