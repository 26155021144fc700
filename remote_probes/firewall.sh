#!/bin/sh
# id: firewall
# summary: The rules of nftables and iptables that bear on connection tracking, ICMP and segment sizes.
# reads: nft, iptables-save, ip6tables-save, iptables-legacy-save, ip6tables-legacy-save, /proc/net/ip_tables_names,
#   /proc/net/ip6_tables_names, /proc/modules, /lib/modules/RELEASE/modules.builtin
# needs: root
# timeout_s: 20
# max_bytes: 512KiB
# format: "nft" (nft -t list ruleset) and "iptables NAME" (iptables-save), each of them whole or, when it is long, only
#   its skeleton and the lines that checks ask about, with "counts" telling how many rules there were; or "none"
# cost_cpu_ms: 2.2
# cost_processes: 1

raw_bytes=65536 # up to which a ruleset is sent whole
cd "${ROOT:-}/" || exit 11
[ -r proc/1/environ ] || exit 12
has() { command -v "$1" >/dev/null 2>&1; }

# Asking nft would load the module, and an audit must not: only where it is there already, or built in.
nf_tables_is_here() {
    [ -d sys/module/nf_tables ] && return 0
    [ -e proc/modules ] || return 0 # a kernel that cannot load any
    read -r _ _ release _ <proc/version || return 0
    grep -qs '/nf_tables\.ko' "lib/modules/$release/modules.builtin"
}

# shellcheck disable=SC2016  # an awk program
shorten_nft='
$1 == "table" { print; chain = 0; table = $2 " " $3; next }
$1 == "chain" { chain = 1; base = 0; head = $0; next }
/^\t[^\t}]/ { chain = 0; next }
!chain || NF == 0 || $1 == "}" { next }
/ hook / && $1 == "type" { base = 1; print head; head = ""; print; next }
{ rules[table]++; wanted = 0 }
/notrack|icmp|maxseg|related|invalid|ct state/ { if (++near <= 1000) wanted = 1; else cut = 1 }
!wanted && /[^a-z]ct |masquerade|snat|dnat|redirect/ { if (++far <= 20) wanted = 1 }
!wanted && base && (/jump|goto|accept$/ || /^[ \t]*(counter[a-z0-9 ]* |log .*)?(drop|reject)/) { if (++steps <= 200) wanted = 1 }
wanted { if (head != "") { print head; head = "" } print }
END { print "#@ counts"; for (table in rules) print "nft", table, rules[table], cut + 0 }'

# shellcheck disable=SC2016  # an awk program
shorten_iptables='
/^\*/ || /^:[^ ]+ [A-Z]/ { print; next }
!/^-A/ { next }
{ rules++; wanted = 0 }
/NOTRACK|--notrack|icmp|TCPMSS|RELATED|INVALID|state/ { if (++near <= 1000) wanted = 1; else cut = 1 }
!wanted && /MASQUERADE|SNAT|DNAT|REDIRECT|conn/ { if (++far <= 20) wanted = 1 }
!wanted && /^-A (INPUT|FORWARD|OUTPUT) / { if (++steps <= 200) wanted = 1 }
wanted { print }
END { print "#@ counts"; print name, rules + 0, cut + 0 }'

send() {
    printf '#@ %s\n' "$1"
    if [ ${#rules} -le "$raw_bytes" ]; then
        printf '%s\n' "$rules"
    elif has awk; then
        printf '%s\n' "$rules" | awk -v name="${1#* }" "$2"
    else
        printf '%s\n' "$rules" | head -c "$raw_bytes"
        printf '\n#@ counts\n%s ? 1\n' "${1#* }"
    fi
}

# The first of the named programs that is installed, asked for its rules.
save() {
    label=$1
    shift
    for program; do
        has "$program" || continue
        rules=$("$program" 2>/dev/null) || break
        send "iptables $label" "$shorten_iptables"
        return
    done
    printf '#! iptables %s: not present: no iptables-save that can read them\n' "$label"
}

xt4=
xt6=
said=
if nf_tables_is_here; then
    said=1
    if has nft; then
        rules=$(nft -t list ruleset 2>/dev/null) || rules=$(nft list ruleset) || exit 12
        # What iptables-nft wrote and nft has no words for.
        case $rules in
            *' xt match '* | *' xt target '*)
                case $rules in *'table ip '*) xt4=1 ;; esac
                case $rules in *'table ip6 '*) xt6=1 ;; esac
                ;;
        esac
        send nft "$shorten_nft"
    else
        echo '#! nft: not present: nft is not installed'
        has iptables-nft-save && xt4=1
        has ip6tables-nft-save && xt6=1
    fi
fi
[ -z "$xt4" ] || save nft4 iptables-nft-save iptables-save
[ -z "$xt6" ] || save nft6 ip6tables-nft-save ip6tables-save

# The tables of iptables-legacy have names here once they are used.
table=
[ -r proc/net/ip_tables_names ] && read -r table <proc/net/ip_tables_names
[ -z "$table" ] || said=1
[ -z "$table" ] || save legacy4 iptables-legacy-save iptables-save
table=
[ -r proc/net/ip6_tables_names ] && read -r table <proc/net/ip6_tables_names
[ -z "$table" ] || said=1
[ -z "$table" ] || save legacy6 ip6tables-legacy-save ip6tables-save
[ -n "$said" ] || echo '#@ none'
exit 0
