#!/bin/sh
# id: softnet
# summary: Where packets are received: backlog counters, interrupts of network devices and softirq time per CPU.
# reads: /proc/net/softnet_stat, /proc/interrupts, /proc/softirqs, /proc/stat, /proc/irq/N/smp_affinity_list,
#   /sys/class/net/*/device/msi_irqs
# needs: user
# timeout_s: 10
# max_bytes: 1MiB
# format: "irqs" (interface, then its interrupt numbers), "files" (grep -H of the lines of those files that count)
# cost_cpu_ms: 1.6
# cost_processes: 1

lines_at_most=256 # interrupt lines of all devices together

cd "${ROOT:-}/" || exit 11
[ -r proc/net/softnet_stat ] || exit 11

# The interrupts of a device by number, where sysfs has them; virtio keeps them with the PCI device above.
numbers_of() {
    numbers=
    for entry in "$1"/msi_irqs/*; do
        [ -e "$entry" ] && numbers="$numbers ${entry##*/}"
    done
    [ -z "$numbers" ] || return 0
    if [ -e "$1/irq" ]; then
        read -r entry <"$1/irq" && [ "$entry" -gt 0 ] && numbers=" $entry"
        return 0
    fi
    for entry in "$1"/../msi_irqs/*; do
        [ -e "$entry" ] && numbers="$numbers ${entry##*/}"
    done
}

echo '#@ irqs'
wanted='^cpu|^ +NET_RX:|^[0-9a-f]{8} |^ +CPU|^[0-9,-]+$'
total=0
set -- proc/net/softnet_stat proc/interrupts proc/softirqs proc/stat
for device in sys/class/net/*/device; do
    [ -e "$device" ] || continue
    numbers_of "$device"
    name=${device#sys/class/net/}
    name=${name%/device}
    printf '%s%s\n' "$name" "$numbers"
    for number in $numbers; do
        total=$((total + 1))
        [ "$total" -le "$lines_at_most" ] || break
        wanted="$wanted|^ *$number:"
        set -- "$@" "proc/irq/$number/smp_affinity_list"
    done
    # Some drivers of platform devices have no such folder, and name their lines after the interface.
    case $name in
        *[!0-9A-Za-z_-]*) ;;
        *) [ -n "$numbers" ] || wanted="$wanted| $name\$| $name-" ;;
    esac
done
echo '#@ files'
grep -sHE -e "$wanted" -- "$@"
exit 0
