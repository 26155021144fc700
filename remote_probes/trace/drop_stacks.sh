#!/bin/sh
# id: drop_stacks
# summary: The ways by which packets came to where the kernel drops them, by perf.
# reads: skb:kfree_skb, perf
# needs: root
# timeout_s: 60
# max_bytes: 64KiB
# format: parts; "count N STACK", callers to the right
# params: TRACE_S
# cost_cpu_ms: 500
# cost_processes: 10

# By hand: perf record -a -g -e skb:kfree_skb -- sleep 10; perf report
# Nothing is written: perf sends what it records through a pipe. At most 20,000 lines of it are looked at.
if [ "$(id -u)" != 0 ]; then
    echo 'tracing needs root' >&2
    exit 12
elif ! command -v perf >/dev/null; then
    echo 'perf is not installed' >&2
    exit 11
fi
tracing=
[ -d /sys/kernel/tracing/events ] || [ -d /sys/kernel/debug/tracing/events ] || tracing='mount -t tracefs nodev /sys/kernel/tracing && '
exec 4>&2
# shellcheck disable=SC2016  # a program of awk
stacks='
/^[^\t ]/ || /^$/ { if (depth) count[stack]++; depth = 0; stack = ""; next }
{ depth++; if (depth > 1 && depth < 8) stack = stack (stack == "" ? "" : " < ") $NF }
END { if (depth) count[stack]++; for (each in count) print "count " count[each] " " each }'
told=$(unshare -m sh -c "${tracing}exec perf record -q -a -g -m 64 -e skb:kfree_skb -o - -- sleep ${TRACE_S:-5}" 2>&4 |
    perf script -i - -F event,sym 2>&4 | head -n 20000 | awk "$stacks" | sort -k 2 -n -r | head -n 30)
printf '#@ counts\n%s\n' "$told"
exit 0
