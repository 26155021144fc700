#!/bin/sh
# shellcheck disable=SC2016  # programs in single quotes
# id: tcp_receive
# summary: What TCP over IPv4 returns for segments that it is handed; on new kernels 0 also for those that it refuses.
# reads: /proc/kallsyms, /sys/bus/event_source/devices/kprobe, /proc/sys/debug/kprobes-optimization, /sys/kernel/tracing/kprobe_events, bpftrace
# needs: root
# timeout_s: 60
# max_bytes: 64KiB
# format: parts; "count N WHAT"
# params: TRACE_S
# cost_cpu_ms: 300
# cost_processes: 10

# By hand: bpftrace -e 'kretprobe:tcp_v4_do_rcv { @results[retval] = count(); } interval:s:10 { exit(); }'
# 0, or an error. Since drops carry reasons (Linux 5.17) it returns 0 for what it refuses too: those are told by --trace.
function=tcp_v4_do_rcv
if [ "$(id -u)" != 0 ]; then
    echo 'tracing needs root' >&2
    exit 12
elif ! command -v bpftrace >/dev/null; then
    echo 'bpftrace is not installed' >&2
    exit 11
fi
# Each of these is there with kprobes, on some kernels: the first since 4.17, the second where they can be optimized.
kprobes=
for sign in sys/bus/event_source/devices/kprobe proc/sys/debug/kprobes-optimization sys/kernel/tracing/kprobe_events \
    sys/kernel/debug/tracing/kprobe_events; do
    [ ! -e "${ROOT:-}/$sign" ] || kprobes=yes
done
if [ -z "$kprobes" ]; then
    echo "this kernel has no kprobes, so $function cannot be looked at: it was built without CONFIG_KPROBES" >&2
    exit 11
elif ! grep -q " [tT] $function\$" "${ROOT:-}/proc/kallsyms"; then
    echo "this kernel has no function $function to look at" >&2
    exit 11
fi
tracing=
[ -d /sys/kernel/tracing/events ] || [ -d /sys/kernel/debug/tracing/events ] || tracing='mount -t tracefs nodev /sys/kernel/tracing && '
told=$(unshare -m sh -c "${tracing}exec bpftrace -e \"\$1\"" trace "BEGIN { printf(\"attached\\n\"); }
kretprobe:$function { @results[(int32)retval] = count(); } interval:s:${TRACE_S:-5} { exit(); }" 2>&1 | head -c 60000)
case $told in
    *attached*) ;;
    *)
        printf '%s\n' "$told" | grep -v RLIMIT | tail -n 1 | cut -c 1-200 >&2
        exit 1
        ;;
esac
printf '#@ counts\n'
printf '%s\n' "$told" | sed -n 's/^@results\[\(-*[0-9]*\)\]: \([0-9]*\)$/count \2 '"$function"' returned \1/p'
exit 0
