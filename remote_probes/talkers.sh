#!/bin/sh
# id: talkers
# summary: TCP connections with their process, bytes, retransmissions, queues and timers; of very many the groups.
# reads: ss
# needs: root
# timeout_s: 20
# max_bytes: 768KiB
# format: fields between tabs: "c", state, Recv-Q, Send-Q, local, peer, inode, timer, backoff, sent, acked, received,
#   retransmitted, unacked, MSS, path MTU, milliseconds limited by the peer's window, pid, process; or "g", process,
#   peer address, service port, connections, sent, received, retransmitted; "cut" when there were more
# params: SAMPLE
# cost_cpu_ms: 6
# cost_processes: 2

# Sent when two moments are compared. Up to rows_at_most connections are told one by one, and always those with
# something amiss; of more the sums by process, peer and service. awk keeps sums alone, so memory is bounded.
rows_at_most=600
groups_at_most=300
read_at_most=50000

for program in ss awk; do
    command -v $program >/dev/null 2>&1 && continue
    echo "$program is not installed" >&2
    exit 11
done
[ -r "${ROOT:-}/proc/net/tcp" ] || exit 11
[ -r "${ROOT:-}/proc/1/environ" ] || echo '#! owners: not permitted'

# shellcheck disable=SC2016  # an awk program
compact='
function after(key,    at, rest) {
    at = index(details, key)
    if (!at) return ""
    rest = substr(details, at + length(key))
    sub(/[ \t,()].*/, "", rest)
    return rest
}
function finish(    port, group, odd, pid, name, retrans, service, address) {
    if (!held) return
    held = 0
    total++
    pid = after("pid=")
    name = ""
    if (match(details, /users:\(\("[^"]*"/)) name = substr(details, RSTART + 9, RLENGTH - 10)
    gsub(/[^ -~]/, "?", name)
    retrans = after(" retrans:")
    sub(/.*\//, "", retrans)
    timer = after("timer:(")
    odd = state != "ESTAB" && state != "TIME-WAIT" || recvq > 0 || retrans > 0 || timer == "persist"
    if (total <= limit || (odd && ++odds <= limit)) {
        printf "c\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", state, recvq, sendq,
            locals, peer, after(" ino:"), timer, after(" backoff:"), after(" bytes_sent:"), after(" bytes_acked:"),
            after(" bytes_received:"), retrans, after(" unacked:"), after(" mss:"), after(" pmtu:"),
            after(" rwnd_limited:"), pid, name
    }
    port = locals; sub(/.*:/, "", port)
    address = peer; sub(/:[^:]*$/, "", address)
    service = peer; sub(/.*:/, "", service)
    if (port + 0 < service + 0) service = port
    group = name "\t" address "\t" service
    if (!(group in counts) && ++groups > 20000) { cut = 1; return }
    counts[group]++
    sent[group] += after(" bytes_sent:")
    received[group] += after(" bytes_received:")
    again[group] += retrans
}
$1 == "State" { next }
/^[ \t]/ { if (held) details = details " " $0; next }
{
    finish()
    if (++seen > most) { cut = 1; exit }
    held = 1; state = $1; recvq = $2; sendq = $3; locals = $4; peer = $5; details = " " $0
}
END {
    finish()
    if (total > limit) {
        edge = 0
        for (group in counts) { size = sent[group] + received[group]; if (size > edge) edge = size }
        for (; edge >= 1 && told < top; edge /= 4)
            for (group in counts)
                if (sent[group] + received[group] > edge / 4 && told++ < top) {
                    printf "g\t%s\t%d\t%.0f\t%.0f\t%d\n", group, counts[group], sent[group], received[group], again[group]
                    delete counts[group]; sent[group] = 0; received[group] = 0
                }
        cut = 1
    }
    if (cut) print "cut"
}'
ss -tinpeo 2>/dev/null | awk -v limit="$rows_at_most" -v top="$groups_at_most" -v most="$read_at_most" "$compact"
