#!/bin/sh
# id: limits
# summary: Open files: the host's own limits, and the limit and use of every process that listens.
# reads: /proc/sys/fs/file-nr, /proc/sys/fs/nr_open, /proc/PID/limits, /proc/PID/stat, /proc/PID/status, /proc/PID/cgroup, /proc/PID/fd, /proc/uptime, /etc/security/limits.conf, /etc/security/limits.d, /proc/net/tcp, /proc/net/udp,
#   /etc/passwd (names of the users of these processes), ss
# needs: root
# timeout_s: 10
# max_bytes: 512KiB
# format: parts; uptime, open files a process, then path:line:text
# cost_cpu_ms: 6
# cost_processes: 2
#
# Without root, processes of other users cannot be told from their sockets; the number of those sockets is said.
#
# shellcheck disable=SC3013  # -O and -ef: dash, bash and busybox have them

cd "${ROOT:-/}" || exit 11
[ -r proc/sys/fs/file-nr ] || exit 11

if command -v ss >/dev/null 2>&1; then
    sockets=$(ss -ltnup 2>/dev/null)
else
    # Without ss: inodes of the listening sockets, and the descriptors that lead to them. Owners print as pid=N.
    set -- proc/net/tcp proc/net/tcp6 proc/net/udp proc/net/udp6
    for path in "$@"; do
        shift
        [ -r "$path" ] && set -- "$@" "$path"
    done
    # shellcheck disable=SC2012  # names of descriptors are numbers
    sockets=$(LC_ALL=C ls -l proc/[0-9]*/fd 2>/dev/null | LC_ALL=C awk '
        FILENAME != "-" { if (($4 == "0A" && FILENAME ~ /tcp/) || ($4 == "07" && FILENAME ~ /udp/)) left[$10] = 1; next }
        /^proc\// { split($1, path, "/"); pid = path[2]; next }
        $NF ~ /^socket:/ {
            inode = substr($NF, 9, length($NF) - 9)
            if (inode in left) { owned[inode] = 1; if (!seen[pid]++) print "pid=" pid }
        }
        END { for (inode in left) if (!(inode in owned)) print "tcp without an owner" }' "$@" -)
fi

# Process ids, at most 200.
set -f
newline='
'
pids=' '
count=0
hidden=0
remember() {
    case $1 in
        '' | *[!0-9]*) return ;;
    esac
    case $pids in
        *" $1 "*) return ;;
    esac
    count=$((count + 1))
    [ $count -le 200 ] && pids="$pids$1 "
}
IFS=$newline
for line in $sockets; do
    case $line in
        *pid=*)
            IFS=,
            for word in $line; do
                case $word in
                    pid=*) remember "${word#pid=}" ;;
                esac
            done
            IFS=$newline
            ;;
        tcp* | udp*) hidden=$((hidden + 1)) ;;
    esac
done
unset IFS
[ $count -gt 200 ] && printf '#! more processes: not finished: %s listen, 200 are looked at\n' "$count"
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
