#!/bin/sh
# id: tracing
# summary: What tracing could use here (drop reasons, kprobes, BTF, bpftrace), and the tracers and captures that run.
# reads: /sys/kernel/tracing/events/skb/kfree_skb/format, /sys/kernel/tracing/kprobe_events, /sys/kernel/btf/vmlinux, /proc/PID/comm, /proc/PID/cmdline, /proc/PID/stat, /proc/uptime
# needs: root
# timeout_s: 5
# max_bytes: 256KiB
# format: parts; means as words, then stat and arguments of each tracer that runs
# cost_cpu_ms: 0.5
# cost_processes: 0

cd "${ROOT:-/}" || exit 11

printf '#@ tools\n'
for path in usr/bin/bpftrace usr/sbin/bpftrace usr/local/bin/bpftrace; do
    [ -x "$path" ] && printf 'bpftrace /%s\n' "$path" && break
done
[ -e sys/kernel/btf/vmlinux ] && printf 'btf\n'

tracing=sys/kernel/tracing
[ -d $tracing/events ] || [ ! -d sys/kernel/debug/tracing/events ] || tracing=sys/kernel/debug/tracing
if [ -e $tracing/kprobe_events ] || [ -e proc/sys/debug/kprobes-optimization ]; then
    printf 'kprobes\n'
fi
if [ -r $tracing/events/skb/kfree_skb/format ]; then
    printf '#@ tracefs\n'
    while IFS= read -r line; do
        case $line in
            *field:*" reason;"*)
                printf 'reason\n'
                break
                ;;
            'print fmt'*) break ;;
        esac
    done <$tracing/events/skb/kfree_skb/format
elif { [ -d $tracing ] && [ ! -x $tracing ]; } || { [ -d sys/kernel/debug ] && [ ! -x sys/kernel/debug ]; }; then
    printf '#! tracefs: not permitted\n'
elif [ -d $tracing/events ]; then
    printf '#! tracefs: not present: skb:kfree_skb\n'
else
    printf '#! tracefs: not present: not mounted\n'
fi

# Few names are read by the shell itself, which saves a program.
set -- proc/[0-9]*/comm
names='tcpdump|tshark|dumpcap|wireshark|ngrep|bpftrace|perf|trace-cmd|stap|stapio|dropwatch|pwru|retis|sysdig|falco'
names="$names|tcpflow|netsniff-ng|strace|ltrace|gdb|nethogs|iftop"
found=
newline='
'
if [ $# -gt 400 ]; then
    found=$(LC_ALL=C grep -sHxE "$names" "$@")
else
    for path in "$@"; do
        IFS= read -r line <"$path"
        case "|$names|" in
            *"|$line|"*) found="$found$path:$line$newline" ;;
        esac
    done 2>/dev/null
fi

# Arguments are sent of captures and of tracers that take programs, whose arguments say what they cost. Those of
# debuggers and of perf may hold a whole command line of something else and stay here.
IFS=$newline
set -f
count=0
for line in $found; do
    unset IFS
    case $line in
        proc/*/comm:*) ;;
        *) continue ;;
    esac
    count=$((count + 1))
    [ $count -le 20 ] || break
    command=${line#*:}
    pid=${line#proc/}
    pid=${pid%%/*}
    if [ $count = 1 ]; then
        IFS= read -r line <proc/uptime
        printf '#@ /proc/uptime\n%s\n' "$line"
    fi
    line=
    { IFS= read -r line <"proc/$pid/stat"; } 2>/dev/null
    [ -n "$line" ] || continue
    printf '#@ process %s\nstat %s\n' "$pid" "$line"
    case $command in
        tcpdump | dumpcap | tshark | ngrep | bpftrace | dropwatch | pwru | retis | netsniff-ng)
            printf 'arguments '
            { head -c 2000 "proc/$pid/cmdline" | tr '\000\n' '\037 '; } 2>/dev/null
            printf '\n'
            ;;
    esac
done
exit 0
