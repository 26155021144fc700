#!/bin/sh
# id: qdisc
# summary: Queueing disciplines of every interface, with what they sent, dropped and hold back.
# reads: tc
# needs: user
# timeout_s: 10
# max_bytes: 512KiB
# format: tc -s qdisc show
# cost_cpu_ms: 1.9
# cost_processes: 1

command -v tc >/dev/null 2>&1 || exit 11
exec tc -s qdisc show
