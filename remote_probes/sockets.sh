#!/bin/sh
# id: sockets
# summary: Listening sockets with backlog and owner, TCP by state and destination, UDP drops; limits of those that listen.
# reads: ss, /proc/net/sockstat, /proc/net/sockstat6, /proc/net/tcp, /proc/net/tcp6, /proc/net/udp, /proc/net/udp6,
#   /proc/net/snmp, /proc/PID/fd, /proc/PID/comm, /proc/PID/limits, /proc/PID/stat, /proc/PID/status, /proc/PID/cgroup,
#   /proc/sys/fs/file-nr, /proc/sys/fs/nr_open, /proc/uptime, /etc/security/limits.conf, /etc/security/limits.d,
#   /etc/passwd (names of the users of these processes)
# needs: root
# timeout_s: 20
# max_bytes: 1536KiB
# format: "ss" (rows of ss -atunpemo), "groups" (counts made on the host, when there are many sockets), "listening"
#   (rows of /proc/net/tcp and udp) with "owners" (inode, pid, name) where ss is missing; then "/proc/uptime", "open files"
#   (pid, count), "left out" (pids of which nothing is read), "users" (pid, uid) and "files" (path:line:text)
# cost_cpu_ms: 7
# cost_processes: 2
#
# Whose sockets they are is asked once: that walks through the descriptors of all processes. So the limits of those that
# listen are read here too. Without root, processes of other users cannot be told from their sockets.
#
# shellcheck disable=SC3013  # -O: dash, bash and busybox have it

# Few sockets are sent as ss prints them. Many are counted here by one awk: a busy proxy holds a million of them.
few=150           # sockets up to which ss's own rows are sent
raw_bytes=100000  # and how long these may be, for a SYN flood does not show in sockstat
processes_at_most=200 # that listen and whose limits are read; the others are named
rows=50000       # rows that awk looks at, at most; beyond them the counts are lower bounds
net=${ROOT:-}/proc/net
newline='
'

[ -r "${ROOT:-}/proc/1/environ" ] || echo '#! owners: not permitted'

sockets=0
count_sockets() {
    while read -r protocol _ inuse _ _ _ time_wait _; do
        case $protocol in
            TCP:) sockets=$((sockets + inuse + time_wait)) ;;
            TCP6: | UDP: | UDP6:) sockets=$((sockets + inuse)) ;;
        esac
    done <"$1"
}
[ -r "$net/sockstat" ] && count_sockets "$net/sockstat"
[ -r "$net/sockstat6" ] && count_sockets "$net/sockstat6"

# Rows of ss in, listeners and UDP sockets out as they are (with the line of details below them), the rest counted.
# shellcheck disable=SC2016  # an awk program
count_ss_rows='
/^[ \t]/ { if (keep) print; next }
$1 == "udp" && $2 != "UNCONN" { keep = 0; next }
$1 == "udp" || $2 == "LISTEN" {
    keep = ++kept <= 1000
    if (keep) print; else cut = 1
    port = $5; sub(/.*:/, "", port)
    if ($1 == "tcp") listens[port] = 1
    next
}
$1 != "tcp" { keep = 0; next }
{
    keep = 0
    if (++seen > limit) { cut = 1; exit }
    states[$2]++
    port = $5; sub(/.*:/, "", port)
    if ($2 == "CLOSE-WAIT") close_wait[port]++
    else if ($2 == "SYN-RECV") syn_recv[port]++
    else if ($2 == "ESTAB") {
        if ($3 > 0) { unread++; if ($3 + 0 > largest) largest = $3 + 0 }
        if (index($0, "timer:(persist")) persist++
    }
    if (!(port in listens)) to[substr($5, 1, length($5) - length(port) - 1) " " $6]++
}'

# Rows of /proc/net/tcp, tcp6, udp and udp6 in; then those of ls -l /proc/PID/fd on standard input.
# shellcheck disable=SC2016  # an awk program
count_proc_rows='
FILENAME == "-" || FILENAME == "" || FILENAME == "/dev/stdin" {
    if ($1 ~ /\/fd:$/) { pid = $1; sub(/\/fd:$/, "", pid); sub(/.*\//, "", pid); next }
    inode = $NF
    if (inode !~ /^socket:/) next
    gsub(/[^0-9]/, "", inode)
    if (!(inode in wanted) || (inode in owner)) next
    name = "?"; file = root "/proc/" pid "/comm"
    if ((getline name < file) < 1) name = "?"
    close(file)
    owner[inode] = pid " " name
    next
}
$1 == "sl" { table = FILENAME; sub(/.*\//, "", table); next }
table ~ /^udp/ {
    if ($4 != "07" && $NF + 0 == 0) next
    if (++kept > 1000) { cut = 1; next }
    wanted[$10] = 1; listening = listening table " " $0 "\n"
    next
}
$4 == "0A" {
    port = $2; sub(/.*:/, "", port); listens[port] = 1
    if (++kept > 1000) { cut = 1; next }
    wanted[$10] = 1; listening = listening table " " $0 "\n"
    next
}
{
    if (++seen > limit) { cut = 1; next }
    states[$4]++
    port = $2; sub(/.*:/, "", port)
    if ($4 == "08") close_wait[port]++
    else if ($4 == "03" || $4 == "0C") syn_recv[port]++
    else if ($4 == "01") {
        split($5, queues, ":")
        if (queues[2] != "00000000") { unread++; if (queues[2] > largest) largest = queues[2] }
        if ($6 ~ /^04/) persist++
    }
    if (!(port in listens)) to[substr($2, 1, length($2) - length(port) - 1) " " $3]++
}
END {
    print "#@ listening"; printf "%s", listening
    print "#@ owners"; for (inode in owner) print inode, owner[inode]
}'

# The groups, the fifty largest of each kind: a histogram of the counts tells which those are without sorting.
print_groups='
function print_largest(word, counts,    key, edge, left, sizes) {
    for (key in counts) { sizes[counts[key]]++; if (counts[key] > edge) edge = counts[key] }
    for (left = 50; edge > 1 && left - sizes[edge] >= 0; edge--) left -= sizes[edge]
    for (key in counts)
        if (counts[key] > edge || (counts[key] == edge && left-- > 0)) print word, key, counts[key]
}
END {
    print "#@ groups"
    for (state in states) print "state", state, states[state]
    print_largest("to", to)
    print_largest("close-wait", close_wait)
    print_largest("syn-recv", syn_recv)
    print "unread", unread + 0
    print "largest", largest ? largest : 0
    print "persist", persist + 0
    if (cut) print "cut", 1
}'

groups_of_ss() {
    rows_of_ss=$({
        ss -ltunpem 2>/dev/null
        ss -tuno state syn-recv state syn-sent state fin-wait-1 state fin-wait-2 state close-wait state last-ack \
            state closing
        ss -tuno state established state time-wait
    } | awk -v limit="$rows" "$count_ss_rows$print_groups")
    printf '#@ ss\n%s\n#@ totals\n' "$rows_of_ss"
    while read -r line; do
        case $line in TCP:* | Tcp:*) printf '%s\n' "$line" ;; esac
    done <"$net/sockstat"
    while read -r line; do
        case $line in Tcp:*) printf '%s\n' "$line" ;; esac
    done <"$net/snmp"
}

# Without ss: the backlog in force is then not to be had.
groups_of_proc() {
    set --
    for table in tcp tcp6 udp udp6; do
        [ -r "$net/$table" ] && set -- "$@" "$net/$table"
    done
    # shellcheck disable=SC2012  # links of /proc have no odd names, and busybox find has no -lname
    rows_of_proc=$(ls -l "${ROOT:-}"/proc/[0-9]*/fd 2>/dev/null |
        awk -v limit="$rows" -v root="${ROOT:-}" "$count_proc_rows$print_groups" "$@" -)
    printf '%s\n' "$rows_of_proc"
}

has() { command -v "$1" >/dev/null 2>&1; }

ask_ss() {
    if [ "$sockets" -le "$few" ]; then
        rows_of_ss=$(ss -atunpemo 2>/dev/null) || return 1
        if [ ${#rows_of_ss} -le "$raw_bytes" ]; then
            printf '#@ ss\n%s\n' "$rows_of_ss"
            return 0
        fi
        rows_of_ss=
    fi
    if has awk; then
        groups_of_ss
    else
        rows_of_ss=$(ss -ltunpem 2>/dev/null)
        printf '#! groups: not present: awk is not installed\n#@ ss\n%s\n' "$rows_of_ss"
    fi
}

rows_of_ss=
rows_of_proc=
if has ss && ask_ss; then
    :
elif [ ! -r "$net/tcp" ]; then
    exit 11
else
    echo '#! ss: not present: ss is not installed'
    if has awk; then
        groups_of_proc
    else
        echo '#! owners: not present: neither ss nor awk is installed'
        echo '#! groups: not present: neither ss nor awk is installed'
        echo '#! processes: not present: neither ss nor awk is installed'
        echo '#@ listening'
        for table in tcp tcp6 udp udp6; do
            [ -r "$net/$table" ] && sed -n "/^ *[0-9]*: [^ ]* [^ ]* 0[7A] /s/^/$table/p" "$net/$table"
        done
    fi
fi

# From here on: the processes that listen and, of the first of them, their limits.
cd "${ROOT:-/}" || exit 1
if [ ! -r proc/sys/fs/file-nr ]; then
    echo '#! files: not present: /proc/sys/fs/file-nr'
    exit 0
fi
pids=' '
left_out=' '
count=0
hidden=0
remember() { # PID
    case $1 in
        '' | *[!0-9]*) return ;;
    esac
    case $pids$left_out in
        *" $1 "*) return ;;
    esac
    count=$((count + 1))
    if [ $count -le $processes_at_most ]; then
        pids="$pids$1 "
    else
        left_out="$left_out$1 "
    fi
}

# Of rows of ss: those that listen, each with its pid=N once or more.
remember_of_ss() {
    case $1$2 in
        tcpLISTEN | udpUNCONN) ;;
        *) return ;;
    esac
    case $line in
        *pid=*) ;;
        *)
            hidden=$((hidden + 1))
            return
            ;;
    esac
    IFS=,
    for word in $line; do
        case $word in
            pid=*) remember "${word#pid=}" ;;
        esac
    done
}

# Of rows of /proc/net below "#@ listening": their inodes; and below "#@ owners": whose they are.
part=
inodes=' '
remember_of_proc() {
    case $1 in
        '#@') part=$2 ;;
        tcp* | udp*)
            case $part$5 in
                listening07 | listening0A)
                    inodes="$inodes${11} "
                    hidden=$((hidden + 1))
                    ;;
            esac
            ;;
        *)
            case $part$inodes in
                owners*" $1 "*)
                    hidden=$((hidden - 1))
                    remember "$2"
                    ;;
            esac
            ;;
    esac
}

set -f
IFS=$newline
for line in $rows_of_ss; do
    unset IFS
    # shellcheck disable=SC2086  # words
    remember_of_ss $line
    IFS=$newline
done
for line in $rows_of_proc; do
    unset IFS
    # shellcheck disable=SC2086  # words
    remember_of_proc $line
    IFS=$newline
done
unset IFS
[ $count -gt $processes_at_most ] && printf '#@ left out\n%s\n' "$left_out"
if [ $hidden -gt 0 ] && [ ! -O proc/1 ]; then
    printf '#! processes: not permitted: the owners of %s sockets are seen by root only\n' "$hidden"
fi

read -r line <proc/uptime
printf '#@ /proc/uptime\n%s\n#@ open files\n' "$line"

# FDSize bounds the number of open files. Small tables are counted here, which costs no program; of large ones the
# size of the directory is the count since Linux 6.2, and before that they are listed, five at most.
files=
large=
users=
owners=
for pid in $pids; do
    size=
    { while read -r key value rest; do
        case $key in
            Uid:)
                owners="$owners$pid $value$newline"
                case " $users " in
                    *" $value "*) ;;
                    *) users="$users $value" ;;
                esac
                ;;
            FDSize:)
                size=$value
                break
                ;;
        esac
    done <"proc/$pid/status"; } 2>/dev/null
    [ -n "$size" ] || continue
    files="$files proc/$pid/limits proc/$pid/stat proc/$pid/cgroup"
    if [ "$size" -gt 256 ]; then
        large="$large proc/$pid/fd"
    elif [ -r "proc/$pid/fd" ]; then
        set +f
        set -- "proc/$pid/fd"/*
        set -f
        printf '%s %s\n' "$pid" $#
    fi
done
if [ -n "$large" ]; then
    lists=0
    # shellcheck disable=SC2086  # a list of paths without blanks
    large=$(LC_ALL=C ls -ldn $large 2>/dev/null)
    IFS=$newline
    for line in $large; do
        unset IFS
        # shellcheck disable=SC2086
        set -- $line
        pid=${9#proc/}
        pid=${pid%/fd}
        size=${5:-0}
        if [ "$size" = 0 ] && [ $lists -lt 5 ]; then
            lists=$((lists + 1))
            # shellcheck disable=SC2012  # names of descriptors are numbers
            size=$(ls "proc/$pid/fd" 2>/dev/null | wc -l)
        fi
        [ "$size" = 0 ] || printf '%s %s\n' "$pid" "$size"
        IFS=$newline
    done
    unset IFS
fi

set +f
for line in etc/security/limits.conf etc/security/limits.d/*.conf; do
    case $line in
        *[[:space:]]*) ;;
        *) [ -r "$line" ] && files="$files $line" ;;
    esac
done
if [ -n "$users" ] && [ -r etc/passwd ]; then
    files="$files etc/passwd"
fi
# shellcheck disable=SC2086
set -- $users
user=$1
[ $# -gt 0 ] && shift
for line in "$@"; do
    user="$user|$line"
done
printf '#@ users\n%s#@ files\n' "$owners"
# Of /etc/passwd only name and number are printed.
# shellcheck disable=SC2086
grep -HnoE "^Max open files.*|^[0-9]+ \\(.*|^0::/.*|^[0-9]+:name=systemd:/.*|^[[:blank:]]*[^#]*[[:blank:]]nofile[[:blank:]].*|^[^:]+:[x*!]?:(${user:-none}):|^[0-9]+([[:blank:]]+[0-9]+)*\$" \
    proc/sys/fs/file-nr proc/sys/fs/nr_open $files
[ $? -le 2 ]
