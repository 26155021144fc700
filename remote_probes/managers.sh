#!/bin/sh
# id: managers
# summary: Who manages each interface, and which files keep its settings: udev, networkd, NetworkManager, ifupdown, netplan.
# reads: /sys/class/net, /run/udev/data, /run/systemd/netif/links, /run/NetworkManager/devices, /etc/NetworkManager/system-connections, /etc/network/interfaces, /etc/netplan, /etc/systemd/network
# needs: root
# timeout_s: 5
# max_bytes: 256KiB
# format: parts; "INDEX ADDRESS ASSIGNED NAME" a device, services as words, then path:line:text of lines that name settings
# cost_cpu_ms: 1
# cost_processes: 1
#
# Only a plan of changes asks for this. Of connection files only the lines that name an interface's settings are
# printed: they hold keys of wireless networks too.

cd "${ROOT:-/}" || exit 11
[ -d sys/class/net ] || exit 11

printf '#@ services\n'
[ -e run/udev/control ] && printf 'udev runs\n'
[ -d run/systemd/system ] && printf 'systemd runs\n'
for path in usr/lib/systemd/libsystemd-shared-[0-9]*.so lib/systemd/libsystemd-shared-[0-9]*.so \
    usr/lib64/systemd/libsystemd-shared-[0-9]*.so; do
    [ -e "$path" ] || continue
    path=${path##*-shared-}
    printf 'systemd %s\n' "${path%%[!0-9]*}"
    break
done
[ -x sbin/ifup ] || [ -x usr/sbin/ifup ] && printf 'ifupdown installed\n'
[ -d etc/network/if-up.d ] && printf 'if-up.d\n'
for path in etc/netplan/*.yaml; do
    [ -e "$path" ] && printf 'netplan\n' && break
done

files=
add() { # files that are there and may be read; those that may not are named
    for path in "$@"; do
        [ -f "$path" ] || continue
        if [ -r "$path" ]; then
            files="$files$path
"
        else
            printf '#! /%s: not permitted\n' "$path"
        fi
    done
}

printf '#@ devices\n'
count=0
for path in sys/class/net/*/ifindex; do
    [ -e "$path" ] || continue
    count=$((count + 1))
    [ "$count" -le 128 ] || break
    path=${path%/ifindex}
    index='' address='' assigned=''
    { read -r index <"$path/ifindex" && read -r address <"$path/address" && read -r assigned <"$path/addr_assign_type"; } 2>/dev/null
    printf '%s %s %s %s\n' "$index" "${address:--}" "${assigned:--}" "${path##*/}"
    add "run/udev/data/n$index" "run/systemd/netif/links/$index" "run/NetworkManager/devices/$index"
done
add etc/NetworkManager/system-connections/*.nmconnection etc/network/interfaces etc/network/interfaces.d/* \
    etc/systemd/network/*.link run/systemd/network/*.link

newline='
'
IFS=$newline
set -f
# shellcheck disable=SC2086  # a list of paths, one a line
set -- $files
set +f
unset IFS
[ $# -gt 0 ] || exit 0
printf '#@ lines\n'
LC_ALL=C grep -Hn -m 200 -E '^E:ID_NET_LINK_FILE=
^(NETWORK_FILE|ADMIN_STATE|managed|connection-uuid|uuid|mtu|ring-[rt]x|channels-[a-z]+|coalesce-[a-z-]+|feature-[a-z0-9-]+)=
^\[
^[[:blank:]]*(iface|auto|allow-hotplug|source|source-directory)[[:blank:]]
^[[:blank:]]*[A-Za-z]*(BufferSize|Channels|Coalesce[A-Za-z]*|CoalescedFrames|Offload|QueueLength|MTUBytes)[[:blank:]]*=' "$@"
[ $? -le 2 ]
