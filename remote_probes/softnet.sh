#!/bin/sh
# id: softnet
# summary: Where packets are received: backlog counters, interrupts of network devices and softirq time per CPU.
# reads: /proc/net/softnet_stat, /proc/interrupts, /proc/softirqs, /proc/stat, /proc/irq/N/smp_affinity_list,
#   /sys/class/net/*/device/msi_irqs
# needs: user
# timeout_s: 10
# max_bytes: 1MiB
# format: "irqs" (interface, then its interrupt numbers), "files" (grep -H of the lines of those files that count)
# cost_cpu_ms: 0.8
# cost_processes: 0

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
irqs=
unnumbered=
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
        irqs="$irqs $number"
    done
    # Some drivers of platform devices have no such folder, and name their lines after the interface.
    case $name in
        *[!0-9A-Za-z_-]*) ;;
        *)
            if [ -z "$numbers" ]; then
                wanted="$wanted| $name\$| $name-"
                unnumbered="$unnumbered $name"
            fi
            ;;
    esac
done
echo '#@ files'

# With one or two processors all of this is short: the shell reads it at less than what a program costs to start.
processors=
[ ! -r sys/devices/system/cpu/online ] || read -r processors <sys/devices/system/cpu/online
case $processors in
    0) processors=1 ;;
    0-1) processors=2 ;;
    *) processors= ;;
esac

show_numbers() {
    while IFS= read -r line; do
        number=${line%%:*}
        number=${number##* }
        case " $irqs " in
            *" $number "*) printf 'proc/interrupts:%s\n' "$line" ;;
            *)
                case $line in
                    *' CPU'*) printf 'proc/interrupts:%s\n' "$line" ;;
                    *)
                        for name in $unnumbered; do
                            case $line in
                                *" $name" | *" $name-"*) printf 'proc/interrupts:%s\n' "$line" ;;
                            esac
                        done
                        ;;
                esac
                ;;
        esac
    done <proc/interrupts
}

show_small_files() {
    while IFS= read -r line; do
        printf 'proc/net/softnet_stat:%s\n' "$line"
    done <proc/net/softnet_stat
    [ -z "$irqs$unnumbered" ] || show_numbers
    while IFS= read -r line; do
        case $line in
            *NET_RX:*)
                printf 'proc/softirqs:%s\n' "$line"
                break
                ;;
        esac
    done <proc/softirqs
    # One line for all processors and one for each; the next one, of interrupts, may be very long.
    while [ "$processors" -ge 0 ] && IFS= read -r line; do
        printf 'proc/stat:%s\n' "$line"
        processors=$((processors - 1))
    done <proc/stat
    for number in $irqs; do
        { IFS= read -r line <"proc/irq/$number/smp_affinity_list"; } 2>/dev/null &&
            printf 'proc/irq/%s/smp_affinity_list:%s\n' "$number" "$line"
    done
}

if [ -n "$processors" ] && [ "$total" -le 32 ] && [ -r proc/interrupts ] && [ -r proc/softirqs ] && [ -r proc/stat ]; then
    show_small_files
    exit 0
fi
grep -sHE -e "$wanted" -- "$@"
exit 0
