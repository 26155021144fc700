#!/bin/sh
# shellcheck disable=SC2016,SC2317  # programs of awk and bpftrace in single quotes; a function that a trap calls
# id: trace_events
# summary: Why and where the kernel drops packets, which TCP connections repeat and reset, and what passes driver and stack, for some seconds.
# reads: /sys/kernel/tracing/events/skb/kfree_skb, /sys/kernel/tracing/events/tcp, /sys/kernel/tracing/events/sock/inet_sock_set_state, /sys/kernel/tracing/events/net, /sys/kernel/tracing/instances, /sys/kernel/security/lockdown, /sys/kernel/btf/vmlinux, /proc/self/ns/net, /proc/self/ns/pid, /proc/meminfo, /proc/uptime, /proc/kallsyms, /proc/net/dev, bpftrace
# needs: root
# timeout_s: 60
# max_bytes: 2MiB
# format: parts; what was used, then counts by event, second and place
# params: TRACE_ID, TRACE_S
# cost_cpu_ms: 60
# cost_processes: 40

# By hand: TRACE_S=5 sh trace_events.sh
# The only thing it makes are instances of tracefs of its own. They go with a trap, by a watcher in a session of its own
# should this shell be killed, and when the next run finds them; one in use cannot be removed, the kernel sees to that.
seconds=${TRACE_S:-5}
# Hosts of one kernel, such as containers, may have this process id each: its namespace tells them apart.
space=$(readlink /proc/self/ns/pid)
space=${space##*[}
name=netaudit-${TRACE_ID:-hand}-${space%]}-$$
tracing=
watcher=

if [ "$(id -u)" != 0 ]; then
    echo 'tracing needs root' >&2
    exit 12
fi
lockdown=
{ read -r lockdown <"${ROOT:-}/sys/kernel/security/lockdown"; } 2>/dev/null
case $lockdown in
    *'[confidentiality]'*)
        echo 'the kernel is locked down (confidentiality), which forbids tracing also to root' >&2
        exit 12
        ;;
esac

# In words, what watches: $1 the shell that made the instances, $2 their name, $3 where they are, $4 whether to mount.
watch='
if [ -n "$4" ]; then mount -t tracefs nodev /sys/kernel/tracing || exit 1; fi
cd "$3" || exit 1
clean() { rmdir "$1"-*; }
trap "clean \"$2\"; exit 0" TERM
echo $$
exec >/dev/null 2>&1
left=90
while [ -e "/proc/$1/exe" ] && [ $left -gt 0 ]; do
    sleep 1 &
    wait $!
    left=$((left - 1))
done
left=30
while ! clean "$2" && [ $left -gt 0 ]; do
    for found in "$2"-*; do
        [ -d "$found" ] || exit 0
    done
    sleep 1
    left=$((left - 1))
done
'
session=
! command -v setsid >/dev/null || session=setsid

for path in "${ROOT:-}/sys/kernel/tracing" "${ROOT:-}/sys/kernel/debug/tracing"; do
    if [ -d "$path/instances" ]; then
        tracing=$path
        break
    fi
done
if [ -n "$tracing" ]; then
    watcher=$($session sh -c "$watch" watch $$ "$name" "$tracing/instances" '' 2>/dev/null &)
    printf '#@ tracefs\nmounted %s\n' "$tracing"
elif [ -n "${ROOT:-}" ] || [ ! -d /sys/kernel/tracing ]; then
    printf '#! tracefs: not present: this kernel has none\n'
elif ! command -v unshare >/dev/null; then
    printf '#! tracefs: not present: it is not mounted, and there is no unshare(1) to mount it for a moment where nobody sees it\n'
else
    # Not mounted: the watcher mounts it in a mount namespace of its own, through which it is reached.
    watcher=$($session unshare -m sh -c "$watch" watch $$ "$name" /sys/kernel/tracing/instances mount 2>/dev/null &)
    # $watcher is a process id; its root is the tree that it sees.
    seen=/proc/$watcher/root
    if [ -n "$watcher" ] && [ -d "$seen/sys/kernel/tracing/instances" ]; then
        tracing=$seen/sys/kernel/tracing
        printf '#@ tracefs\nprivate\n'
    else
        printf '#! tracefs: not permitted: it is not mounted, and could not be mounted in a namespace of our own\n'
    fi
fi

instances=$tracing/instances
remove() {
    exec 6<&- 7<&- 8<&- 9<&-
    for made in drops tcp state path; do
        [ ! -d "$instances/$name-$made" ] || rmdir "$instances/$name-$made" || return # the watcher tries again
    done
    [ -z "$watcher" ] || kill -TERM -- "-$watcher" 2>/dev/null || kill -TERM "$watcher"
} 2>/dev/null
trap 'remove' EXIT
trap 'exit 143' TERM INT HUP PIPE

# What an earlier run was killed too hard to remove. Those of this one are of another host of this kernel.
if [ -n "$tracing" ]; then
    for path in "$instances"/netaudit-*; do
        case $path in
            "$instances/netaudit-${TRACE_ID:-hand}-"*) continue ;;
        esac
        [ ! -d "$path" ] || ! rmdir "$path" 2>/dev/null || printf 'removed %s\n' "${path##*/}"
    done
fi

printf '#@ host\n'
read -r uptime rest </proc/uptime
printf 'uptime %s\nclock %s\n' "$uptime" "$(date +%s)"
namespace=$(readlink /proc/self/ns/net)
namespace=${namespace##*[}
namespace=${namespace%]}
printf 'namespace %s\n' "$namespace"

# --- drops, with bpftrace: counted in the kernel, told by namespace where the kernel describes its types
format=$tracing/events/skb/kfree_skb/format
reason=
if [ -r "$format" ]; then
    printf '#@ reasons\n'
    grep -E 'field:.* reason;|^print fmt' "$format"
    ! grep -q 'field:.* reason;' "$format" || reason=yes
else
    printf '#! reasons: not present: this kernel has no tracepoint skb:kfree_skb\n'
fi
main_s=$seconds
[ "$seconds" -lt 6 ] || main_s=$((seconds - 2))
bpftrace_s=$main_s
[ "$main_s" -lt 4 ] || bpftrace_s=$((main_s - 2)) # it takes its time to start

# $1: "btf" where namespaces can be told, and then only our own is told in full.
drops_program() {
    printf '%s' "BEGIN { printf(\"attached\\n\"); } tracepoint:skb:kfree_skb"
    [ -z "$reason" ] || printf ' /args->reason > 1/'
    printf ' { '
    if [ "$1" = btf ]; then
        printf '%s' '$skb = (struct sk_buff *)args->skbaddr; $net = $skb->dev->nd_net.net->ns.inum; '
        printf '%s' 'if ($net == 0) { $net = $skb->sk->__sk_common.skc_net.net->ns.inum; } '
    else
        printf '%s' '$net = 0; '
    fi
    key=0
    [ -z "$reason" ] || key='args->reason'
    if [ "$1" = btf ] && [ -n "$namespace" ]; then
        printf 'if ($net == %s || $net == 0) ' "$namespace"
        printf '{ @drops[%s, args->protocol, ksym(args->location), $net] = count(); } ' "$key"
        printf 'else { @elsewhere[%s] = count(); } }' "$key"
    else
        printf '@drops[%s, args->protocol, ksym(args->location), $net] = count(); }' "$key"
    fi
    printf '%s' ' interval:s:1 { time("%s"); print(@drops, 60); }'
    printf ' interval:s:%s { exit(); }' "$bpftrace_s"
}

# $1 as above. bpftrace looks for tracefs in its usual places only.
run_bpftrace() {
    if [ -d /sys/kernel/tracing/events ] || [ -d /sys/kernel/debug/tracing/events ]; then
        bpftrace -f json -e "$(drops_program "$1")" 2>&1
    else
        unshare -m sh -c 'mount -t tracefs nodev /sys/kernel/tracing && exec bpftrace -f json -e "$1"' trace "$(drops_program "$1")" 2>&1
    fi | head -c 1000000
}

with_bpftrace() {
    for how in btf plain; do
        [ $how = plain ] || [ -e /sys/kernel/btf/vmlinux ] || continue
        told=$(run_bpftrace $how)
        case $told in
            *'attached\n'*)
                printf '#@ bpftrace\n%s\n' "$told"
                return 0
                ;;
        esac
    done
    printf '#@ bpftrace failed\n%s\n' "$told" | head -n 6 | cut -c 1-300
    return 1
}

# --- through tracefs alone
# $1 is a directory that $2, a descriptor, protects from now on. Another trace that begins between the two takes it for
# one that was left over and removes it: then it is made again.
claim_instance() {
    tries=5
    while [ $tries -gt 0 ]; do
        if ! why=$(mkdir "$1" 2>&1); then
            tries=0
        elif eval "command exec $2<\"\$1/tracing_on\"" 2>/dev/null; then # of a bare exec that fails, the shell would end
            return 0
        else
            why='others that trace remove it'
            tries=$((tries - 1))
        fi
    done
    printf '#! instance: not permitted: %s\n' "${why##*: }"
    return 1
}

# $1 instance, $2 the descriptor that protects it, $3 KiB for all CPUs together, then events.
make_instance() {
    made=$instances/$name-$1
    claim_instance "$made" "$2" || return
    kib=$(($3 / cpus))
    shift 3
    [ $kib -ge 8 ] || kib=8
    echo $kib >"$made/buffer_size_kb"
    { echo boot >"$made/trace_clock" || echo uptime >"$made/trace_clock"; } 2>/dev/null
    ! [ -e "$made/options/hash-ptr" ] || grep -q 'location=%pS' "$format" || echo 0 >"$made/options/hash-ptr"
    for event in "$@"; do
        if [ ! -d "$made/events/$event" ]; then
            printf '#! %s: not present\n' "$event"
        elif ! why=$( (echo 1 >"$made/events/$event/enable") 2>&1); then
            printf '#! %s: not permitted: %s\n' "$event" "${why##*: }"
        fi
    done
}

# What has been written to each instance since the last time; nothing is read where nothing is new.
read_so_far=
listing() {
    for kind in drops tcp state; do
        file=$instances/$name-$kind/trace
        [ -r "$file" ] || continue
        { read -r line; read -r line; read -r line; } <"$file"
        case $read_so_far in
            *"$kind $line;"*) continue ;;
        esac
        read_so_far="$read_so_far$kind $line;"
        read -r cut rest </proc/uptime
        [ -z "$1" ] || cut=99999999999
        printf '@cut %s %s\n' "$kind" "$cut"
        head -n 20000 "$file"
    done
}

watch_instances() {
    exec 6<&- 7<&- 8<&- 9<&- # only the shell that made them protects them
    left=$main_s
    while [ "$left" -gt 0 ] && [ -e "/proc/$$/exe" ]; do
        sleep 1
        listing ''
        left=$((left - 1))
    done
    for kind in drops tcp state; do
        [ ! -d "$instances/$name-$kind" ] || echo 0 >"$instances/$name-$kind/tracing_on"
    done
    listing last
}

counting='
function value(key,    at) {
    at = index(rest, " " key "=")
    if (!at) return ""
    at = substr(rest, at + length(key) + 2)
    sub(/ .*/, "", at)
    return at
}
function bare(address) { sub(/^::ffff:/, "", address); return address }
function low(a, b) { return (a + 0 && (a + 0 < b + 0 || !(b + 0))) ? a : b }
function port_of(endpoint) { sub(/.*:/, "", endpoint); return endpoint }
function host_of(endpoint) { sub(/:[0-9]+$/, "", endpoint); gsub(/[][]/, "", endpoint); return bare(endpoint) }
function peers(    from, to) {
    from = value("saddrv6"); to = value("daddrv6")
    if (from == "" || from == "::") { from = value("saddr"); to = value("daddr") }
    return "local=" bare(from) " peer=" bare(to) " port=" low(value("sport"), value("dport"))
}
$1 == "@cut" { kind = $2; after[kind] = cut[kind] + 0; cut[kind] = $3 + 0; next }
/^# entries-in-buffer/ { split($0, part, "/"); sub(/ .*/, "", part[3]); written[kind] = part[3] + 0; next }
/^#/ { next }
!match($0, /\[[0-9]+\] +[^ ]+ +[0-9]+\.[0-9]+: [a-z0-9_]+: /) { next }
{
    head = substr($0, RSTART, RLENGTH); rest = " " substr($0, RSTART + RLENGTH)
    count = split(head, word, " ")
    at = word[count - 1] + 0; event = word[count]; sub(/:$/, "", event)
    if (at <= after[kind] || at > cut[kind]) next
    seen[kind]++
    tag = ""
    if (event == "kfree_skb") {
        tag = value("reason:")
        at_reason = index(rest, " reason: ")
        tag = at_reason ? substr(rest, at_reason + 9) : "-"
        place = value("location"); sub(/\+0x.*/, "", place)
        detail = "reason=" tag " protocol=" value("protocol") " place=" place
    } else if (event == "tcp_send_reset" && value("src") != "") {
        tag = value("reason")
        detail = "reason=" tag " state=" value("state") " local=" host_of(value("src")) " peer=" host_of(value("dest")) \
            " port=" low(port_of(value("src")), port_of(value("dest")))
    } else if (event == "inet_sock_set_state") {
        tag = value("oldstate") ">" value("newstate")
        detail = "protocol=" value("protocol") " old=" value("oldstate") " new=" value("newstate") " port=" low(value("sport"), value("dport"))
    } else {
        tag = value("state") ""
        detail = "state=" tag " " peers()
    }
    if (!((event, detail) in total) && keys++ >= 1000) detail = "other"
    total[event, detail]++
    if (!((int(at), event, tag) in second) && bins++ >= 4000) next
    second[int(at), event, tag]++
}
END {
    for (kind in written) printf "written %s %d %d\n", kind, written[kind], seen[kind]
    for (each in total) {
        split(each, part, SUBSEP)
        at = index(part[2], "place=")
        if (at && substr(part[2], at + 6) ~ /^(0x)?[0-9a-f]+$/) { place = substr(part[2], at + 6); sub(/^0x/, "", place); raw[place] = "" }
    }
    for (place in raw) places++
    if (places) {
        while ((getline line < "/proc/kallsyms") > 0) {
            split(line, part, " ")
            if (part[2] !~ /^[tTwW]$/) continue
            for (place in raw) if (part[1] <= place && part[1] >= best[place]) { best[place] = part[1]; raw[place] = part[3] }
        }
        for (place in raw) printf "symbol %s %s\n", place, raw[place]
    }
    for (each in total) { split(each, part, SUBSEP); printf "total %d %s %s\n", total[each], part[1], part[2] }
    for (each in second) { split(each, part, SUBSEP); printf "second %d %d %s %s\n", part[1], second[each], part[2], part[3] }
}'

# What the driver counted and what the stack was handed, for a second each way.
counting_devices='
/^# entries-in-buffer/ { split($0, part, "/"); sub(/ .*/, "", part[3]); print "written " part[3]; next }
match($0, / dev=[^ ]+ /) {
    device = substr($0, RSTART + 5, RLENGTH - 6); sub(/.* len=/, ""); packets[device]++; bytes[device] += $1
}
END { for (device in packets) printf "device %s %d %d\n", device, packets[device], bytes[device] }'
split_path() {
    made=$instances/$name-path
    for event in netif_receive_skb net_dev_queue; do
        [ -d "$made/events/net/$event" ] || continue
        echo >"$made/trace"
        printf '#@ %s before\n' $event
        cat /proc/net/dev
        echo 1 >"$made/events/net/$event/enable"
        sleep 1
        echo 0 >"$made/events/net/$event/enable"
        printf '#@ %s after\n' $event
        cat /proc/net/dev
        printf '#@ %s\n' $event
        head -n 20000 "$made/trace" | awk "$counting_devices"
    done
}

drops=skb/kfree_skb
if command -v bpftrace >/dev/null && [ -r "$format" ]; then
    bpftrace=yes
else
    bpftrace=
    printf '#! bpftrace: not present: not installed\n'
fi

cpus=0
if [ -n "$tracing" ]; then
    set -- "$tracing"/per_cpu/cpu*
    cpus=$#
    # An instance begins with 1.4 MiB a CPU before it is told to be small.
    while read -r key value rest; do
        [ "$key" != MemAvailable: ] || break
    done </proc/meminfo
    if [ "${value:-0}" -lt $((cpus * 10000)) ]; then
        printf '#! instance: not permitted: %s KiB of memory are available, too little for trace buffers of %s CPUs\n' "$value" $cpus
        tracing=
    elif ! command -v awk >/dev/null; then
        printf '#! instance: not present: no awk to count events with\n'
        tracing=
    fi
fi
if [ -n "$tracing" ]; then
    # Changes of state are many more than the others and would push them out.
    if make_instance tcp 7 512 tcp/tcp_retransmit_skb tcp/tcp_send_reset tcp/tcp_receive_reset; then
        make_instance state 6 512 sock/inet_sock_set_state
    else
        tracing=
    fi
fi
printf '#@ seconds\n%s\n' "$main_s"
if [ -n "$bpftrace" ] && with_bpftrace; then
    main_s=0
    drops=
fi
if [ -n "$tracing" ]; then
    if [ -n "$drops" ] && [ -r "$format" ] && make_instance drops 8 256; then
        made=$instances/$name-drops/events/skb/kfree_skb
        # Sockets of one machine among themselves are no packets.
        unix=$(sed -n 's/.*{ \([0-9]*\), "UNIX_DISCONNECT" }.*/\1/p' "$format")
        if [ -n "$reason" ]; then
            echo "reason > 1${unix:+ && reason != $unix}" >"$made/filter" || echo 'reason > 1' >"$made/filter"
        fi
        echo 1 >"$made/enable" || printf '#! %s: not permitted\n' $drops
    fi
    printf '#@ counts\n'
    watch_instances | awk "$counting" 6<&- 7<&- 8<&- 9<&- &
    wait $! # which a signal interrupts, so that the trap need not wait for the time to be up
    if [ "$seconds" -ge 6 ] && make_instance path 9 256; then
        split_path
    fi
fi
exit 0
