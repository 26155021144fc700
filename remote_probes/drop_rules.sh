#!/bin/sh
# id: drop_rules
# summary: The rules and policies of nftables and iptables that drop or reject, with how many packets each has taken.
# reads: nft, iptables-save, ip6tables-save, iptables-legacy-save, ip6tables-legacy-save, /proc/net/ip_tables_names,
#   /proc/net/ip6_tables_names, /proc/modules, /lib/modules/RELEASE/modules.builtin
# needs: root
# timeout_s: 20
# max_bytes: 256KiB
# format: fields between tabs: "nft" or the name of a table of iptables, chain, hook, the rule as its tool prints it
# params: SAMPLE
# cost_cpu_ms: 2.5
# cost_processes: 2

# Sent when two moments are compared. Elements of sets are not listed, and no module is loaded.
rules_at_most=500
cd "${ROOT:-}/" || exit 11
[ -r proc/1/environ ] || exit 12
has() { command -v "$1" >/dev/null 2>&1; }

nf_tables_is_here() {
    [ -d sys/module/nf_tables ] && return 0
    [ -e proc/modules ] || return 0 # a kernel that cannot load any
    read -r _ _ release _ <proc/version || return 0
    grep -qs '/nf_tables\.ko' "lib/modules/$release/modules.builtin"
}

# Words between quotes are an operator's and no verdicts.
# shellcheck disable=SC2016  # an awk program
of_nft='
$1 == "table" { table = $2 " " $3; next }
$1 == "chain" { chain = table " " $2; hook = ""; next }
$1 == "type" && / hook / {
    for (place = 1; place < NF; place++) if ($place == "hook") hook = $(place + 1)
    if (/policy drop/) print "nft\t" chain "\t" hook "\tpolicy drop"
    next
}
{
    bare = $0
    gsub(/"[^"]*"/, "", bare)
    if (bare !~ /(^|[ \t:])(drop|reject)/ || ++rules > limit) next
    sub(/^[ \t]+/, "")
    gsub(/\t/, " ")
    print "nft\t" chain "\t" hook "\t" substr($0, 1, 400)
}'
# shellcheck disable=SC2016  # an awk program
of_iptables='
/^\*/ { table = substr($0, 2); next }
/^:[^ ]+ DROP/ { print name "\t" table " " substr($1, 2) "\t" tolower(substr($1, 2)) "\tpolicy drop " $3; next }
/ -j (DROP|REJECT)/ && ++rules <= limit {
    gsub(/\t/, " ")
    hook = $3 ~ /^(INPUT|OUTPUT|FORWARD|PREROUTING|POSTROUTING)$/ ? tolower($3) : ""
    print name "\t" table " " $3 "\t" hook "\t" substr($0, 1, 400)
}'

if ! has awk; then
    printf '#! rules: not present: awk is not installed\n'
    exit 0
fi

# The first of the named programs that is installed, asked for its rules.
save() {
    name=$1
    shift
    for program; do
        has "$program" || continue
        "$program" -c 2>/dev/null | awk -v name="$name" -v limit="$rules_at_most" "$of_iptables"
        return
    done
    printf '#! %s: not present: no iptables-save that can read them\n' "$name"
}

if nf_tables_is_here; then
    if has nft; then
        nft -t list ruleset 2>/dev/null | awk -v limit="$rules_at_most" "$of_nft"
    elif has iptables-nft-save; then
        save nft4 iptables-nft-save
        save nft6 ip6tables-nft-save
    else
        printf '#! nft: not present: nft is not installed\n'
    fi
fi
# The tables of iptables-legacy have names here once they are used.
table=
[ -r proc/net/ip_tables_names ] && read -r table <proc/net/ip_tables_names
[ -z "$table" ] || save legacy4 iptables-legacy-save iptables-save
table=
[ -r proc/net/ip6_tables_names ] && read -r table <proc/net/ip6_tables_names
[ -z "$table" ] || save legacy6 ip6tables-legacy-save ip6tables-save
exit 0
