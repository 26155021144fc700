#!/bin/sh
# id: namespaces
# summary: The other network namespaces of the host, named or of containers: settings, TCP listeners with owners, links.
# reads: /proc/PID/ns/net, /run/netns, /proc/PID/comm, /proc/PID/cgroup, /proc/PID/fd, /proc/sys/net of each namespace,
#   /proc/net/sockstat and sockstat6 and /proc/net/dev of each namespace, /proc/uptime, nsenter, ss, ip
# needs: root
# timeout_s: 20
# max_bytes: 4MiB
# format: parts; "namespace INODE", then its settings as head prints them, rows of ip link and of ss; "links host";
#   "owners" (inode, pid, name) of what listens in them
# cost_cpu_ms: 0.4
# cost_processes: 0
#
# A host without other namespaces is recognised by the shell alone. Each one found costs one process, a second if it
# has more links than loopback and a third if it has TCP sockets, 3 to 7 ms of CPU in all. 300 are looked into, as far
# as time and room go; the others are named. Whose sockets they are is asked once for all: ss would walk through the
# descriptors of all processes in each namespace.
#
# shellcheck disable=SC3013  # -O and -ef: dash, bash and busybox have them

namespaces_at_most=300
bytes_at_most=3500000
seconds_at_most=10
cd "${ROOT:-/}" || exit 11
[ -e proc/self/ns/net ] || exit 11
[ -O proc/1 ] || exit 12

others=
for path in run/netns/* proc/[0-9]*; do
    case $path in
        proc/*) path=$path/ns/net ;;
    esac
    [ "$path" -ef proc/self/ns/net ] || others="$others $path"
done
printf '#@ namespaces\n'
case $others in
    '' | ' run/netns/*') exit 0 ;;
esac

# Inode and path of each, processes first; one that has ended meanwhile is passed over.
# shellcheck disable=SC2086  # a list of paths without blanks
set -- $others
list=$(LC_ALL=C ls -1iL "$@" 2>/dev/null)

# shellcheck disable=SC2016  # run by the shell inside the namespace
inside='
cd /proc/sys || exit
printf "#@ settings %s\n" "$1"
head -n 99 net/core/somaxconn net/core/optmem_max net/core/[rw]mem_* \
    net/ipv4/ip_* net/ipv4/ipfrag_* net/ipv4/icmp_* net/ipv4/tcp_[!f]* net/ipv4/tcp_f[!a]* net/ipv4/udp_[!m]* \
    net/ipv4/conf/*/rp_filter net/ipv4/conf/*/arp_ignore net/ipv4/conf/*/arp_announce \
    net/ipv4/conf/*/accept_redirects net/ipv4/conf/*/forwarding net/ipv6/conf/all/forwarding \
    net/ipv6/conf/all/disable_ipv6 net/netfilter/nf_conntrack_* 2>/dev/null
links=
while read -r name _; do
    case $name in
        lo:* | Inter* | face*) ;;
        *:*) links=1 ;;
    esac
done <../net/dev
if [ -z "$links" ] || command -v ip >/dev/null 2>&1; then
    printf "#@ links %s\n" "$1"
    [ -z "$links" ] || ip -o link 2>/dev/null
else
    printf "#! links %s: not present: ip\n" "$1"
fi
sockets=0
for file in ../net/sockstat ../net/sockstat6; do
    [ -r $file ] && while read -r protocol _ inuse _; do
        case $protocol in TCP*) sockets=$((sockets + inuse)) ;; esac
    done <$file
done
if [ $sockets = 0 ] || command -v ss >/dev/null 2>&1; then
    printf "#@ listeners %s\n" "$1"
    [ $sockets = 0 ] || exec ss -ltne 2>/dev/null
    exit 0
fi
printf "#! listeners %s: not present: ss\n" "$1"
'

# A namespace is entered by the first path that leads to it; its name and its first process are said as they come.
seen=' '
count=0
bytes=0
inodes=
holders=
read -r started _ <proc/uptime
started=${started%.*}
late=
looked_into=0
newline='
'
set -f
IFS=$newline
for line in $list; do
    unset IFS
    # shellcheck disable=SC2086
    set -- $line
    IFS=$newline
    inode=$1
    path=$2
    case $path in
        proc/*) kind=process ;;
        *) kind=name ;;
    esac
    # Namespaces have the highest inodes there are (from 0xeffffff8 on); a file that a crash left behind has not.
    [ "$inode" -ge 4026531832 ] || continue
    entered=1
    seen_before=$seen
    case $seen in
        *" $inode:$kind "*) continue ;;
        *" $inode:"*) ;;
        *)
            entered=
            count=$((count + 1))
            ;;
    esac
    seen="$seen$inode:$kind "
    [ $count -le 1000 ] || break
    told="#@ namespace $inode"
    if [ $kind = name ]; then
        told="$told${newline}name ${path##*/}"
    else
        pid=${path#proc/}
        pid=${pid%/ns/net}
        value=
        { IFS= read -r value <"proc/$pid/comm"; } 2>/dev/null
        told="$told${newline}pid $pid${newline}process $value"
        { while IFS= read -r value; do
            case $value in
                *:/) ;;
                *)
                    told="$told${newline}cgroup $value"
                    break
                    ;;
            esac
        done <"proc/$pid/cgroup"; } 2>/dev/null
    fi
    if [ -n "$entered" ]; then
        printf '%s\n' "$told"
        continue
    fi
    IFS=' ' read -r now _ <proc/uptime
    if [ $((${now%.*} - started)) -ge $seconds_at_most ] || [ $bytes -ge $bytes_at_most ] ||
        [ $count -gt $namespaces_at_most ]; then
        late=1
    fi
    if [ -n "$late" ]; then
        printf '%s\n#! settings %s: not finished: %s namespaces are looked into\n' "$told" "$inode" "$looked_into"
        continue
    fi
    if command -v nsenter >/dev/null 2>&1; then
        if ! answer=$(nsenter --net="$path" sh -c "$inside" sh "$inode" 2>/dev/null); then
            told="$told$newline#! settings $inode: not permitted"
            case $(LC_ALL=C ls -1iL "$path" 2>/dev/null) in
                *"$inode $path") ;;
                *)
                    # It has ended since it was listed, or only this path to it has: then another one is tried.
                    seen=$seen_before
                    count=$((count - 1))
                    continue
                    ;;
            esac
        fi
        printf '%s\n' "$told" "$answer"
        looked_into=$count
        bytes=$((bytes + ${#answer}))
        for row in ${answer##*#@ listeners "$inode"}; do
            case $row in
                LISTEN*' ino:'*)
                    row=${row#* ino:}
                    inodes="$inodes ${row%% *}"
                    ;;
            esac
        done
    else
        printf '%s\n#! settings %s: not present: nsenter\n' "$told" "$inode"
    fi
done
unset IFS

command -v ip >/dev/null 2>&1 && printf '#@ links host\n' && ip -o link 2>/dev/null
[ -n "$inodes" ] || exit 0
if ! command -v awk >/dev/null 2>&1; then
    printf '#! owners: not present: awk is not installed\n'
    exit 0
fi
for path in $others; do
    case $path in
        proc/*) holders="$holders ${path%/ns/net}/fd" ;;
    esac
done
printf '#@ owners\n'
# The first folder is there so that ls heads each: it does not head a single one. The first process is the oldest, as a
# rule, and the one whose name is told.
# shellcheck disable=SC2016  # an awk program
# shellcheck disable=SC2012,SC2086  # links of /proc have no odd names; a list of paths without blanks
LC_ALL=C ls -l proc/1/fd $holders 2>/dev/null | awk -v inodes="$inodes" -v root="${ROOT:-}" '
BEGIN { count = split(inodes, list, " "); for (place = 1; place <= count; place++) wanted[list[place]] = 1 }
$1 ~ /\/fd:$/ { pid = $1; sub(/^proc\//, "", pid); sub(/\/fd:$/, "", pid); next }
{
    inode = $NF
    if (inode !~ /^socket:/) next
    gsub(/[^0-9]/, "", inode)
    if (!(inode in wanted) || (inode, pid) in told) next
    told[inode, pid] = 1
    name = "?"; file = root "/proc/" pid "/comm"
    if ((getline name < file) < 1) name = "?"
    close(file)
    print inode, pid, name
}'
exit 0
