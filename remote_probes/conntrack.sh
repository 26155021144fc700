#!/bin/sh
# id: conntrack
# summary: Connection tracking: entries, limits, hash buckets, entry size and the table's counters.
# reads: /proc/sys/net/netfilter/nf_conntrack_count, /proc/sys/net/netfilter/nf_conntrack_max,
#   /proc/sys/net/netfilter/nf_conntrack_buckets, /sys/module/nf_conntrack/parameters/hashsize,
#   /sys/kernel/slab/nf_conntrack/slab_size, /proc/slabinfo, /proc/net/stat/nf_conntrack
# needs: root
# timeout_s: 5
# max_bytes: 256KiB
# format: path:line, as grep -H prints it, paths without the first slash; of /proc/slabinfo the rows of conntrack, where
#   sysfs has no slab_size
# cost_cpu_ms: 1.6
# cost_processes: 1

# Never reads /proc/net/nf_conntrack: that walks the whole table. Never loads the module.
cd "${ROOT:-}/" || exit 11
[ -e proc/sys/net/netfilter/nf_conntrack_count ] || exit 11

set --
for file in proc/sys/net/netfilter/nf_conntrack_count proc/sys/net/netfilter/nf_conntrack_max \
    proc/sys/net/netfilter/nf_conntrack_buckets sys/module/nf_conntrack/parameters/hashsize \
    proc/net/stat/nf_conntrack sys/kernel/slab/nf_conntrack/slab_size; do
    if [ -r "$file" ]; then
        set -- "$@" "$file"
    elif [ -e "$file" ]; then
        printf '#! %s: not permitted\n' "$file"
    fi
done
rows=
if [ ! -e "$file" ] && [ -r proc/slabinfo ]; then
    set -- "$@" proc/slabinfo
    # Of slabinfo the rows of conntrack, of the others every line: a number, or the table of counters.
    rows='^([0-9]+$|entries|[0-9a-f]{8} |nf_conntrack)'
elif [ ! -e "$file" ] && [ -e proc/slabinfo ]; then
    printf '#! %s: not permitted\n' "$file"
fi
exec grep -HE "$rows" "$@"
