#!/bin/sh
# shellcheck disable=SC2016  # programs in single quotes
# id: application_calls
# summary: When a function of an application is called, by a uprobe.
# reads: the program that was named, /proc/uptime, bpftrace
# needs: root
# timeout_s: 60
# max_bytes: 64KiB
# format: parts; "second CLOCK N", and "at UPTIME PID" of the first 200
# params: TRACE_S, CALL_PROGRAM, CALL_FUNCTION
# cost_cpu_ms: 300
# cost_processes: 12

# By hand: bpftrace -e 'uprobe:/usr/bin/app:handle_request { printf("%llu %d\n", nsecs, pid); } interval:s:10 { exit(); }'
# CALL_PROGRAM has %ooo (three octal digits) for every byte that is no letter, digit or one of _ - . /
program=$(printf '%b.' "$(printf '%s\n' "$CALL_PROGRAM" | sed 's/%\([0-7][0-7][0-7]\)/\\0\1/g')")
program=${program%.}
if [ "$(id -u)" != 0 ]; then
    echo 'tracing needs root' >&2
    exit 12
elif ! command -v bpftrace >/dev/null; then
    echo 'bpftrace is not installed' >&2
    exit 11
elif [ ! -f "$program" ]; then
    echo 'there is no such program' >&2
    exit 11
fi
tracing=
[ -d /sys/kernel/tracing/events ] || [ -d /sys/kernel/debug/tracing/events ] || tracing='mount -t tracefs nodev /sys/kernel/tracing && '
told=$(unshare -m sh -c "${tracing}exec bpftrace -e \"\$1\"" trace "BEGIN { printf(\"attached\\n\"); }
uprobe:\"$program\":$CALL_FUNCTION { @calls = count(); @n++; if (@n <= 200) { printf(\"at %llu %d\\n\", nsecs, pid); } }
interval:s:1 { time(\"second %s \"); print(@calls); clear(@calls); } interval:s:${TRACE_S:-5} { exit(); }" 2>&1 | head -c 60000)
case $told in
    # Three are BEGIN and the intervals: bpftrace of 2023 leaves out a function that is not there, and says nothing.
    *[Cc]'ould not resolve'* | *'No probes to attach'* | *'No matches for'* | *'ttaching 3 probes'* | *'ttached 3 probes'*)
        echo "the program has no function $CALL_FUNCTION: a stripped or static one, perhaps" >&2
        exit 11
        ;;
    *attached*) ;;
    *)
        printf '%s\n' "$told" | grep -v RLIMIT | tail -n 1 | cut -c 1-200 >&2
        exit 1
        ;;
esac
printf '#@ counts\n'
printf '%s\n' "$told" | sed -n 's/^second \([0-9]*\) @calls: \([0-9]*\)$/second \1 \2/p; s/^at \([0-9]*\)\([0-9]\{9\}\) \([0-9]*\)$/at \1.\2 \3/p'
exit 0
