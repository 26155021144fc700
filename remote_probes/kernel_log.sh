#!/bin/sh
# id: kernel_log
# summary: Lines of the kernel log that speak of loss, full tables, floods and links; the last twenty of each topic.
# reads: dmesg, /proc/sys/kernel/dmesg_restrict
# needs: root
# timeout_s: 10
# max_bytes: 256KiB
# format: topic, a tab, how often it came up, a tab, the line of dmesg
# cost_cpu_ms: 4.5
# cost_processes: 2
#
# awk keeps the last lines of each topic, so that a flood of one message cannot push the others out. dmesg reads through
# syslog(2) where it can choose (-S): record by record from /dev/kmsg costs twice as much. The last 32 KiB are read.

command -v dmesg >/dev/null 2>&1 || exit 11
if [ -r "${ROOT:-}/proc/sys/kernel/dmesg_restrict" ]; then
    read -r restricted <"${ROOT:-}/proc/sys/kernel/dmesg_restrict"
    # shellcheck disable=SC3013  # -O: dash, bash and busybox have it
    [ "$restricted" = 0 ] || [ -O "${ROOT:-}/proc/1" ] || exit 12
fi

# shellcheck disable=SC2016  # an awk program
sort_by_topic='
function keep(topic) {
    count[topic]++
    last[topic, count[topic] % 20] = substr($0, 1, 300)
}
# One pass over all words first: most lines are about something else.
!/nf_conntrack|able overflow|SYN flooding|orphaned|ut of memory|WATCHDOG|timed out|[Tt]ime ?out|Tx Unit|page alloc|martian|[Ll]ink|carrier|cache|csum|UDP:|stall|lockup|NOHZ|oom-/ { next }
/nf_conntrack: .*expectation/                             { keep("conntrack-expect"); next }
/nf_conntrack: .*table full/                              { keep("conntrack-full"); next }
/[Nn]eighbou?r table overflow/                            { keep("neighbour-overflow"); next }
/[Pp]ossible SYN flooding/                                { keep("syn-flood"); next }
/too many orphaned sockets/                               { keep("orphans"); next }
/TCP: out of memory|tcp: out of memory/                   { keep("tcp-memory"); next }
/TCP: time wait bucket table overflow/                    { keep("time-wait-overflow"); next }
/NETDEV WATCHDOG|transmit queue [0-9]+ timed out|[Tt]x [Tt]imeout|Detected Tx Unit Hang/ { keep("tx-timeout"); next }
/page allocation (failure|stalls)/                        { keep("page-allocation"); next }
/martian (source|destination)/                            { keep("martian"); next }
/([Ll]ink is|NIC [Ll]ink is|carrier) ([Dd]own|lost)|[Ll]ink (is )?[Dd]own/ { keep("link-down"); next }
/([Ll]ink is|NIC [Ll]ink is|carrier) ([Uu]p|acquired)|[Ll]ink (is )?[Uu]p|link becomes ready/ { keep("link-up"); next }
/dst cache overflow|Route cache is full|dst_alloc/        { keep("route-cache"); next }
/UDP: (bad|short packet)|hw csum failure/                 { keep("checksum"); next }
/rcu.*(stall|self-detected)|soft lockup|NOHZ tick-stop error/ { keep("stall"); next }
/Out of memory: Kill|oom-kill:|invoked oom-killer/        { keep("out-of-memory"); next }
END {
    if (!NR) exit 1
    for (topic in count) {
        first = count[topic] > 20 ? count[topic] - 19 : 1
        for (place = first; place <= count[topic]; place++)
            printf "%s\t%d\t%s\n", topic, count[topic], last[topic, place % 20]
    }
}'

export LC_ALL=C
dmesg -S -s 32768 2>/dev/null | awk "$sort_by_topic" ||
    dmesg -s 32768 2>/dev/null | awk "$sort_by_topic" ||
    dmesg >/dev/null 2>&1 || # a log that was cleared
    printf '#! dmesg: not permitted\n'
