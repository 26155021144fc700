#!/bin/sh
# id: path
# summary: Whether declared peers answer small packets and packets of full size that must not be fragmented.
# reads: ping, ip
# needs: user
# timeout_s: 30
# max_bytes: 64KiB
# format: per peer "route PEER" (ip route get, with the MTU of the interface), "small PEER" and "full PEER SIZE" (ping)
# params: PEERS
# cost_cpu_ms: 15
# cost_processes: 4

# PEERS: addresses separated by blanks. Sends six packets to each and nothing else; eight peers at a time.
# The kernel may keep, for ten minutes, an MTU that it learns by this.
peers_at_most=32
set -f # words are split here, and never taken for patterns
[ -n "${PEERS:-}" ] || exit 10
has() { command -v "$1" >/dev/null 2>&1; }
has ping || exit 11

# The MTU towards a peer: that of the route if an operator set one there, else that of the interface. What the kernel
# has learnt by itself (cache expires) does not count: whether it can learn is the question.
mtu_towards() {
    mtu=
    device=
    learnt=
    route=$(ip route get "$1" 2>/dev/null) || return 1
    # shellcheck disable=SC2086  # words
    set -- $route
    while [ $# -gt 1 ]; do
        case $1 in
            dev) device=$2 ;;
            cache | expires) learnt=1 ;;
            mtu) [ -n "$learnt" ] || if [ "$2" = lock ]; then mtu=$3; else mtu=$2; fi ;;
        esac
        shift
    done
    [ -z "$mtu" ] || return 0
    # shellcheck disable=SC2046  # words
    set -- $(ip link show dev "$device")
    while [ $# -gt 1 ] && [ "$1" != mtu ]; do
        shift
    done
    mtu=${2:-}
    [ -n "$mtu" ]
}

# One write for each answer, so that those of others do not come between.
ask() {
    label=$1
    shift
    answer=$(ping -n -c 3 -i 0.2 -W 2 "$@" 2>&1)
    printf '#@ %s\n%s\n' "$label" "$answer"
}

probe_peer() {
    ask "small $1" -s 56 "$1" &
    if has ip && mtu_towards "$1"; then
        printf '#@ route %s\n%s\nmtu %s\n' "$1" "$route" "$mtu"
        case $1 in
            *:*) headers=48 ;;
            *) headers=28 ;;
        esac
        size=$((mtu - headers))
        [ "$size" -le 65507 ] || size=65507
        ask "full $1 $((size + headers))" -M "do" -s "$size" "$1" &
    else
        printf '#! route %s: not present: no route, or no ip to ask\n' "$1"
    fi
}

count=0
# shellcheck disable=SC2086  # words
set -- $PEERS
for peer; do
    case $peer in
        -* | *[!0-9A-Za-z.:%_-]*) continue ;;
    esac
    count=$((count + 1))
    [ "$count" -le "$peers_at_most" ] || break
    probe_peer "$peer"
    [ $((count % 8)) -ne 0 ] || wait
done
wait
exit 0
