#!/bin/sh
# id: counters
# summary: Protocol counters since boot, and how many sockets and how much memory the protocols use.
# reads: /proc/net/netstat, /proc/net/snmp, /proc/net/snmp6, /proc/net/sockstat, /proc/net/sockstat6
# needs: user
# timeout_s: 5
# max_bytes: 256KiB
# format: file below /proc/net, a colon, its line
# cost_cpu_ms: 1.4
# cost_processes: 1

cd "${ROOT:-}/proc/net" 2>/dev/null || exit 11
set --
for file in netstat snmp snmp6 sockstat sockstat6; do
    if [ -r "$file" ]; then
        set -- "$@" "$file"
    elif [ -e "$file" ]; then
        printf '#! %s: not permitted\n' "$file"
    else
        printf '#! %s: not present\n' "$file"
    fi
done
[ $# -gt 0 ] || exit 11
exec grep -H '' "$@"
