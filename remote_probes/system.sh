#!/bin/sh
# id: system
# summary: Memory, processors, kernel, boot parameters, distribution, virtualization and the host's clock.
# reads: /proc/sys/kernel, /proc/cmdline, /proc/uptime, /proc/cpuinfo, /proc/1/comm, /proc/meminfo, /proc/modules, /proc/stat, /proc/self/smaps, /sys/devices/system, /sys/class/dmi/id, /sys/hypervisor, /etc/os-release, /usr/lib/os-release, uname, getconf
# needs: user
# timeout_s: 5
# max_bytes: 256KiB
# format: parts, each the text of one file; then path:line of the files that are read in bulk
# cost_cpu_ms: 1.9
# cost_processes: 1
#
# Short texts are read by the shell itself. It must not read numbers below /proc/sys that way: see sysctl.sh.
# The clock is btime of /proc/stat plus the uptime, and so needs no program of its own.

cd "${ROOT:-/}" || exit 11
[ -r proc/meminfo ] || exit 11
clocks=sys/devices/system/clocksource/clocksource0/available_clocksource

say() { # PATH: the first line of a file under its label, or why there is none
    if [ -r "$1" ]; then
        line=
        IFS= read -r line <"$1"
        printf '#@ /%s\n%s\n' "$1" "$line"
    elif [ -e "$1" ]; then
        printf '#! /%s: not permitted\n' "$1"
    else
        printf '#! /%s: not present\n' "$1"
    fi
}

for path in proc/sys/kernel/osrelease proc/sys/kernel/arch proc/sys/kernel/hostname proc/sys/kernel/random/boot_id \
    proc/cmdline proc/uptime proc/1/comm sys/devices/system/cpu/online sys/devices/system/node/online \
    sys/class/dmi/id/sys_vendor sys/class/dmi/id/product_name sys/hypervisor/type; do
    say "$path"
done
[ -e proc/sys/kernel/arch ] || printf '#@ uname -m\n%s\n' "$(uname -m)"

# The first processor's lines stand for all of them; its long list of flags is looked at only where neither firmware
# tells who made the machine nor the clock that a guest of KVM, Xen or Hyper-V has.
printf '#@ /proc/cpuinfo\n'
count=0
[ -e sys/class/dmi/id/product_name ] && firmware=1 || firmware=
line=
[ -n "$firmware" ] || [ ! -r $clocks ] || IFS= read -r line <$clocks
case " $line " in
    *' kvm-clock '* | *' xen '* | *' hyperv_clocksource'*)
        printf 'flags : hypervisor\n'
        firmware=1
        ;;
esac
while [ $count -lt 40 ] && IFS= read -r line; do
    count=$((count + 1))
    case $line in
        model\ name* | Model* | cpu\ model* | uarch* | vendor_id* | CPU\ implementer* | CPU\ part*)
            printf '%s\n' "$line"
            case $firmware$line in
                1model\ name*) break ;;
            esac
            ;;
        flags*\ hypervisor*)
            printf 'flags : hypervisor\n'
            break
            ;;
        flags* | '') break ;;
    esac
done <proc/cpuinfo

# Page size: some architectures have but one, else the first mapping of this very shell says it.
page=
machine=
[ -r proc/sys/kernel/arch ] && read -r machine <proc/sys/kernel/arch
case $machine in
    x86_64 | i[3-6]86 | s390x) ;;
    *)
        while IFS= read -r line; do
            case $line in
                KernelPageSize:*)
                    page=$line
                    break
                    ;;
                VmFlags:*) break ;;
            esac
        done 2>/dev/null <proc/self/smaps
        machine=
        ;;
esac
if [ -n "$machine" ]; then
    printf '#@ page size\n4096\n'
elif [ -n "$page" ]; then
    printf '#@ /proc/self/smaps\n%s\n' "$page"
elif command -v getconf >/dev/null 2>&1; then
    printf '#@ getconf PAGESIZE\n%s\n' "$(getconf PAGESIZE)"
fi

# Whose process 1 is decides whether this login could change anything, whatever it is called.
[ -O proc/1 ] && printf '#@ login\nroot\n' || printf '#@ login\nuser\n'

# What only the kernel's first network namespace has.
[ -d proc/sys/net/core ] && printf '#@ /proc/sys/net/core\n'
[ -e proc/sys/net/core/netdev_max_backlog ] && printf 'netdev_max_backlog\n'

printf '#@ containers\n'
for path in .dockerenv run/.containerenv run/systemd/container proc/vz proc/bc dev/lxd dev/incus; do
    [ -e "$path" ] && printf '/%s\n' "$path"
done

set --
release=etc/os-release
[ -r $release ] || release=usr/lib/os-release
for path in proc/meminfo proc/stat proc/modules $release; do
    if [ -r "$path" ]; then
        set -- "$@" "$path"
    else
        printf '#! /%s: not present\n' "$path"
    fi
done
printf '#@ files\n'
exec grep -HE '^(MemTotal|MemAvailable|MemFree|SUnreclaim|Hugepagesize):|^btime |^(ID|VERSION_ID)=| 0x[0-9a-f]+' "$@"
