#!/bin/sh
# id: nics
# summary: Interfaces with driver, speed, MTU, queues, addresses, counters; of real devices rings, channels, RSS, offloads.
# reads: /sys/class/net/*, /proc/net/dev, /proc/net/bonding/*, ip, ethtool; without ip ifconfig, /proc/net/if_inet6,
#   /proc/net/route, /proc/net/fib_trie
# needs: user
# timeout_s: 20
# max_bytes: 1MiB
# format: "sysfs" (grep -H in /sys/class/net; files of /proc by their path from there), "ip" (ip -s -s -d address) or what
#   stands for it, "ethtool -OPTION NAME" for each interface with a device behind it
# cost_cpu_ms: 7
# cost_processes: 5

read_at_most=256     # interfaces of which sysfs is read
ethtool_at_most=32   # devices that ethtool is asked about
lines_at_most=8000   # of ip, on a host with very many interfaces or addresses
newline='
'

cd "${ROOT:-}/sys/class/net" 2>/dev/null || exit 11
proc=../../../proc/net
has() { command -v "$1" >/dev/null 2>&1; }

# Everything that netlink tells, in one go: kinds, ends, queues, addresses, counters. The ip of busybox tells less.
set -- */
links=
detailed=
if has ip; then
    if [ $# -gt "$read_at_most" ] || [ -e kube-ipvs0 ]; then
        links=$(ip -s -s -d address 2>/dev/null | head -n "$lines_at_most")
    else
        links=$(ip -s -s -d address 2>/dev/null)
    fi
    if [ -n "$links" ]; then
        detailed=1
    else
        links=$(ip address 2>/dev/null)
    fi
fi
here=
if [ -z "$links" ]; then
    while read -r name _; do
        here="$here${name%%:*}: "
    done <"$proc/dev"
fi

# Whether this network namespace has that interface: a /sys that was mounted in another one shows others.
is_ours() {
    if [ -z "$links" ]; then
        case ": $here" in *": $1: "*) return 0 ;; esac
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
    if [ $# -gt 60 ]; then
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
set --
for name in */; do
    name=${name%/}
    # What sysfs alone tells is of interest where a device is, or bonded devices are.
    [ -z "$detailed" ] || [ -e "$name/device" ] || [ -e "$name/bonding" ] || continue
    is_ours "$name" || continue
    count=$((count + 1))
    [ "$count" -le "$read_at_most" ] || continue
    set -- "$@" "$name/ifindex" "$name/speed" "$name/duplex"
    if [ -z "$detailed" ]; then
        set -- "$@" "$name/iflink" "$name/type" "$name/mtu" "$name/tx_queue_len" "$name/operstate" "$name/carrier" \
            "$name/carrier_changes" "$name/uevent"
        for file in "$name/tun_flags" "$name"/master/ifindex "$name"/lower_*/ifindex; do
            [ -e "$file" ] && set -- "$@" "$file"
        done
    fi
    tx_queues=0
    for file in "$name"/queues/tx-*; do
        [ -e "$file" ] && tx_queues=$((tx_queues + 1))
    done
    queues="$queues$newline$name/tx_queues:$tx_queues"
    for file in "$name"/queues/rx-*/rps_cpus; do
        [ -e "$file" ] && set -- "$@" "$file"
    done
    [ -e "$name/device" ] || continue
    set -- "$@" "$name/device/uevent"
    for file in "$name/device/numa_node" "$name/device/../numa_node"; do
        [ -e "$file" ] && set -- "$@" "$file" && break
    done
    [ -n "$detailed" ] || set -- "$@" "$name"/statistics/*
    asked_count=$((asked_count + 1))
    [ "$asked_count" -le "$ethtool_at_most" ] && asked="$asked$name$newline"
done
for file in "$proc"/bonding/*; do
    [ -e "$file" ] && set -- "$@" "$file"
done
[ -n "$detailed" ] || set -- "$@" "$proc/dev"
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

# Who knows the key of the hash can choose the queue of a flow: it stays on the host.
without_key() {
    answer=$(ethtool -x "$1" 2>&1)
    printf '%s\n' "${answer%%"$newline"RSS hash key:*}"
}

IFS=$newline
set -f
# A device that was set up with one queue has no channels to ask about.
one_queue=:
for line in $links; do
    case $line in
        [0-9]*) name=${line%%: <*} ;;
        *' numtxqueues 1 numrxqueues 1 '*) one_queue="$one_queue${name#*: }:" ;;
    esac
done
# shellcheck disable=SC2086  # one name a line
set -- $asked
unset IFS
set +f
for name; do
    case $name in -*) continue ;; esac # would be an option
    for question in g l c k; do
        case $question$one_queue in l*":$name:"*) continue ;; esac
        printf '#@ ethtool -%s %s\n' "$question" "$name"
        ethtool "-$question" "$name" 2>&1
    done
    if [ -e "$name/queues/rx-1" ]; then
        printf '#@ ethtool -x %s\n' "$name"
        without_key "$name"
    fi
    printf '#@ ethtool -S %s\n' "$name"
    statistics "$name"
done
exit 0
