#!/bin/sh
# id: routes
# summary: Routes with their MTU and windows, IPv4 policy rules, and how full the neighbour tables are.
# reads: ip, /proc/net/route, /proc/net/ipv6_route, /proc/net/arp, /proc/net/rt6_stats, /proc/net/fib_triestat,
#   /proc/net/stat/arp_cache, /proc/net/stat/ndisc_cache
# needs: user
# timeout_s: 15
# max_bytes: 512KiB
# format: "ip" (rules, neighbours and routes as ip prints them), "ip6" (routes of an ip that lists each family by
#   itself), "neighbours" (family, state, count) where they are many, "stat" (path:line of the neighbour statistics);
#   without ip the files of /proc/net under their own names
# cost_cpu_ms: 2.5
# cost_processes: 1

many=200           # routes or neighbours from which on awk or head stands between ip and the wire,
raw_bytes=32768    # or bytes that ip prints
routes_at_most=501 # one more than is kept: it tells that there are more
net=${ROOT:-}/proc/net
newline='
'

has() { command -v "$1" >/dev/null 2>&1; }

# Neighbours over all namespaces; only the initial namespace has these files, of one row for each CPU.
stat=
neighbours=-1
for file in "$net/stat/arp_cache" "$net/stat/ndisc_cache"; do
    [ -r "$file" ] || continue
    row=0
    while [ "$row" -lt 18 ] && read -r line; do
        stat="$stat$newline${file##*/}:$line"
        if [ "$row" -eq 1 ]; then
            entries=$((0x${line%% *}))
            [ "$entries" -gt "$neighbours" ] && neighbours=$entries
        fi
        row=$((row + 1))
    done <"$file"
    [ "$row" -lt 18 ] || stat=many
    [ "$stat" != many ] || break
done
if [ "$stat" = many ]; then
    echo '#@ stat'
    (cd "$net/stat" && grep -H '' arp_cache ndisc_cache)
elif [ -n "$stat" ]; then
    printf '#@ stat%s\n' "$stat"
fi

# How many routes there are, without listing them: prefixes of the IPv4 tries, entries of the IPv6 table.
routes=0
if [ -r "$net/fib_triestat" ]; then
    row=0
    while read -r word number _; do
        [ "$word" = Prefixes: ] && routes=$((routes + number))
        row=$((row + 1))
        [ "$row" -lt 60 ] || routes=$((many + 1))
        [ "$routes" -le "$many" ] || break
    done <"$net/fib_triestat"
fi
if [ -r "$net/rt6_stats" ]; then
    read -r _ _ _ entries _ <"$net/rt6_stats" && routes=$((routes + 0x$entries))
fi

questions='rule show
neigh show nud all
route show table all type unicast
route show table all type blackhole
route show table all type unreachable
route show table all type prohibit
'

# shellcheck disable=SC2016  # an awk program
count_neighbours='
/^[0-9]+:\t/ { print; next }
$NF ~ /^(INCOMPLETE|REACHABLE|STALE|DELAY|PROBE|FAILED|NOARP|PERMANENT|NONE)$/ {
    states[($1 ~ /:/ ? "inet6 " : "inet ") $NF]++
    next
}
++routes <= limit { print; next }
{ exit }
END { print "#@ neighbours"; for (state in states) print state, states[state] }'

ask_ip() { printf '%s' "$questions" | ip -force -batch - 2>/dev/null; }

shorten() {
    if has awk; then
        awk -v limit="$routes_at_most" "$count_neighbours"
    else
        head -n 2000
    fi
}

# Neighbours are bounded by the kernel, and how many there are is not known before; routes are not bounded.
few_rows() {
    rows_of_ip=$(ask_ip)
    [ -n "$rows_of_ip" ] || return 1
    if [ ${#rows_of_ip} -le "$raw_bytes" ]; then
        printf '%s\n' "$rows_of_ip"
    else
        printf '%s\n' "$rows_of_ip" | shorten
    fi
}

many_rows() {
    case $(ip -V 2>&1) in
        *iproute2*) ask_ip | shorten ;;
        *) return 1 ;;
    esac
}

# The ip of busybox knows neither -batch nor the words above.
one_by_one() {
    {
        ip rule
        ip neigh
        ip route
        echo '#@ ip6'
        ip -f inet6 route
    } | head -n 2000
}

without_ip() {
    echo '#! ip: not present: ip is not installed'
    for file in route ipv6_route arp; do
        [ -r "$net/$file" ] || continue
        echo "#@ $file"
        head -n 502 "$net/$file"
    done
}

if has ip; then
    echo '#@ ip'
    if [ "$routes" -le "$many" ] && [ "$neighbours" -le "$many" ]; then
        few_rows || one_by_one
    else
        many_rows || one_by_one
    fi
elif [ -r "$net/route" ]; then
    without_ip
else
    exit 11
fi
exit 0
