#!/bin/sh
# id: nics
# summary: Interfaces with driver, speed, MTU, queues, addresses and counters; rings, channels, offloads of real devices.
# reads: /sys/class/net/*, /proc/net/dev, /proc/net/bonding/*, ip, ethtool; without ip ifconfig, /proc/net/if_inet6,
#   /proc/net/route, /proc/net/fib_trie
# needs: user
# timeout_s: 20
# max_bytes: 1MiB
# format: "sysfs" (grep -H in /sys/class/net; /proc/net/dev by its path from there), "ip" (ip -d address),
#   or what stands for it, "ethtool -x NAME" for each interface with a device behind it
# cost_cpu_ms: 9
# cost_processes: 6

read_at_most=256     # interfaces that are read at all
crowd=16             # with more interfaces than that, ip alone tells of the virtual ones
ethtool_at_most=32   # devices that ethtool is asked about
newline='
'

cd "${ROOT:-}/sys/class/net" 2>/dev/null || exit 11
proc=../../../proc/net
has() { command -v "$1" >/dev/null 2>&1; }

# Addresses, and what only netlink tells of a link: its kind and where its other end is.
set -- */
[ $# -le "$crowd" ]
crowded=$?
links=
if has ip; then
    if [ "$crowded" -ne 0 ] || [ -e kube-ipvs0 ]; then
        links=$(ip -d address | head -n 4000)
    else
        # busybox knows no -d
        links=$(ip -d address 2>/dev/null) || links=$(ip address 2>/dev/null)
    fi
fi
devices=
if [ -z "$links" ]; then
    while read -r name _; do
        devices="$devices${name%%:*}: "
    done <"$proc/dev"
fi

# Whether this network namespace has that interface: a /sys that was mounted in another one shows others.
is_ours() {
    if [ -z "$links" ]; then
        case ": $devices" in *": $1: "*) return 0 ;; esac
        return 1
    fi
    index=
    read -r index <"$1/ifindex" || return 1
    case $newline$links in
        *"$newline$index: $1: "* | *"$newline$index: $1@"*) return 0 ;;
    esac
    return 1
}

# Few files are read by the shell, many by one grep; both print path:line.
show() {
    if [ "$crowded" -ne 0 ] || [ $# -gt 150 ]; then
        grep -sH -e '' -- "$@"
        return
    fi
    shown=
    for file; do
        while IFS= read -r line; do
            shown="$shown$file:$line$newline"
        done <"$file"
    done 2>/dev/null # a link that is down has no speed: Invalid argument
    printf '%s' "$shown"
}

queues=
asked=
count=0
asked_count=0
checked=0
set --
for name in */; do
    name=${name%/}
    if [ "$checked" -lt 8 ]; then # so many right ones in a row are proof enough
        is_ours "$name" || { checked=-"$read_at_most" && continue; }
        checked=$((checked + 1))
    fi
    count=$((count + 1))
    [ "$count" -le "$read_at_most" ] || continue
    if [ "$crowded" -ne 0 ] && [ -n "$links" ] && ! [ -e "$name/device" ] && ! [ -e "$name/bonding" ]; then
        continue
    fi
    set -- "$@" "$name/ifindex" "$name/iflink" "$name/type" "$name/mtu" "$name/tx_queue_len" "$name/operstate" \
        "$name/carrier" "$name/carrier_changes" "$name/speed" "$name/duplex" "$name/uevent"
    for file in "$name/tun_flags" "$name"/master/ifindex "$name"/lower_*/ifindex "$name"/queues/rx-*/rps_cpus; do
        [ -e "$file" ] && set -- "$@" "$file"
    done
    tx_queues=0
    for file in "$name"/queues/tx-*; do
        [ -e "$file" ] && tx_queues=$((tx_queues + 1))
    done
    queues="$queues$newline$name/tx_queues:$tx_queues"
    if [ -e "$name/device" ]; then
        set -- "$@" "$name/device/uevent" "$name"/statistics/*
        for file in "$name/device/numa_node" "$name/device/../numa_node"; do
            [ -e "$file" ] && set -- "$@" "$file" && break
        done
        asked_count=$((asked_count + 1))
        [ "$asked_count" -le "$ethtool_at_most" ] && asked="$asked$name$newline"
    fi
done
for file in "$proc/dev" "$proc"/bonding/*; do
    [ -e "$file" ] && set -- "$@" "$file"
done
[ "$count" -le "$read_at_most" ] || printf '#! interfaces: not finished: %s of %s read\n' "$read_at_most" "$count"
printf '#@ sysfs%s\n' "$queues"
show "$@"

if [ -n "$links" ]; then
    printf '#@ ip\n%s\n' "$links"
else
    echo '#! ip: not present: ip is not installed'
    if has ifconfig; then
        echo '#@ ifconfig'
        ifconfig -a
    else
        echo '#@ if_inet6'
        head -n 500 "$proc/if_inet6" 2>/dev/null
        echo '#@ route'
        head -n 500 "$proc/route" 2>/dev/null
        echo '#@ fib_trie'
        grep -B 1 'host LOCAL' "$proc/fib_trie" 2>/dev/null | head -n 500
    fi
fi

if ! has ethtool; then
    echo '#! ethtool: not present: ethtool is not installed'
    exit 0
fi
[ "$asked_count" -le "$ethtool_at_most" ] ||
    printf '#! ethtool: not finished: asked about %s of %s devices\n' "$ethtool_at_most" "$asked_count"

# The statistics of a device with many queues repeat every name for each of them: only what tells of loss is kept.
# shellcheck disable=SC2016  # an awk program
without_queues='
!/^ *(\[[0-9]+\]|[rt]x[-_]?[0-9]+[._]|[rt]x_queue_[0-9]+_|queue_[0-9]+_|ch[0-9]+_|rvec_[0-9]+_|[^:]*\[[0-9]+\]:)/ ||
/drop|miss|discard|err|buf|alloc|timeout|exceed|fail|full/'

statistics() {
    if [ -e "$1/queues/rx-8" ] && has awk; then
        ethtool -S "$1" 2>&1 | awk "$without_queues"
    else
        ethtool -S "$1" 2>&1
    fi
}

IFS=$newline
set -f
# shellcheck disable=SC2086  # one name a line
set -- $asked
unset IFS
for name; do
    case $name in -*) continue ;; esac # would be an option
    for question in g l c k; do
        printf '#@ ethtool -%s %s\n' "$question" "$name"
        ethtool "-$question" "$name" 2>&1
    done
    printf '#@ ethtool -S %s\n' "$name"
    statistics "$name"
done
exit 0
