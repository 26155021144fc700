#!/bin/sh
# id: namespaces
# summary: The other network namespaces of the host, named or of containers: settings, TCP listeners, MTUs of each.
# reads: /proc/PID/ns/net, /run/netns, /proc/PID/comm, /proc/PID/cgroup, /proc/sys/net of each namespace, nsenter, ss, ip
# needs: root
# timeout_s: 20
# max_bytes: 2MiB
# format: parts; "namespace INODE", then its settings as head prints them, rows of ss and of ip link
# cost_cpu_ms: 0.5
# cost_processes: 0
#
# A host without other namespaces is recognised by the shell alone. Each one found costs three processes and about
# 6 ms of CPU; 64 are looked into, the others are named.
#
# shellcheck disable=SC3013  # -O and -ef: dash, bash and busybox have them

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

# Inode and path of each, those with a name first; one of a process that has ended meanwhile is passed over.
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
if command -v ip >/dev/null 2>&1; then
    printf "#@ links %s\n" "$1"
    ip -o link 2>/dev/null
else
    printf "#! links %s: not present: ip\n" "$1"
fi
if command -v ss >/dev/null 2>&1; then
    printf "#@ listeners %s\n" "$1"
    exec ss -ltn 2>/dev/null
fi
printf "#! listeners %s: not present: ss\n" "$1"
'

# A namespace is entered by the first path that leads to it; its name and its first process are said as they come.
seen=' '
count=0
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
    printf '#@ namespace %s\n' "$inode"
    if [ $kind = name ]; then
        printf 'name %s\n' "${path##*/}"
    else
        pid=${path#proc/}
        pid=${pid%/ns/net}
        value=
        { IFS= read -r value <"proc/$pid/comm"; } 2>/dev/null
        printf 'pid %s\nprocess %s\n' "$pid" "$value"
        { while IFS= read -r value; do
            case $value in
                *:/) ;;
                *)
                    printf 'cgroup %s\n' "$value"
                    break
                    ;;
            esac
        done <"proc/$pid/cgroup"; } 2>/dev/null
    fi
    [ -z "$entered" ] || continue
    if [ $count -gt 64 ]; then
        printf '#! settings %s: not finished: 64 namespaces are looked into\n' "$inode"
    elif command -v nsenter >/dev/null 2>&1; then
        nsenter --net="$path" sh -c "$inside" sh "$inode" 2>/dev/null ||
            printf '#! settings %s: not permitted\n' "$inode"
    else
        printf '#! settings %s: not present: nsenter\n' "$inode"
    fi
done
exit 0
