#!/bin/sh
# id: pcap_headers
# summary: Headers of packets that open, end and reset TCP connections, without any payload, as tcpdump takes them.
# reads: tcpdump
# needs: root
# timeout_s: 60
# max_bytes: 1MiB
# format: parts; a capture file in base64
# params: TRACE_S, PCAP_4, PCAP_6
# cost_cpu_ms: 30
# cost_processes: 20

# A header of IPv4 is taken with 56 bytes: 16 of the link, 20 of IP, 20 of TCP; of IPv6 with 76. Options and payload
# stay on the host. PCAP_4 and PCAP_6 are how many of each at most.
seconds=${TRACE_S:-5}
if ! command -v tcpdump >/dev/null; then
    echo 'tcpdump is not installed' >&2
    exit 11
fi
if [ "$(id -u)" != 0 ]; then
    echo 'capturing needs root' >&2
    exit 12
fi
if command -v base64 >/dev/null; then
    encode='base64'
elif command -v openssl >/dev/null; then
    encode='openssl base64'
else
    echo 'neither base64 nor openssl is there to encode it with' >&2
    exit 11
fi

# $1 how many, $2 bytes of each, $3 which; ends when it has them all, or when the time is up.
capture() {
    tcpdump -i any -y LINUX_SLL -p -nn -U -c "$1" -s "$2" -w - "$3" 2>&4 &
    pid=$!
    trap 'kill "$pid" 2>/dev/null; exit 143' TERM INT HUP
    left=$seconds
    while [ "$left" -gt 0 ] && kill -0 "$pid" 2>/dev/null; do
        sleep 1
        left=$((left - 1))
    done
    kill -INT "$pid" 2>/dev/null
    wait "$pid"
}

# Both at once: the second one's is kept until the first one's is printed. What tcpdump says goes to standard error.
exec 4>&2
six() {
    [ "${PCAP_6:-0}" -eq 0 ] || capture "$PCAP_6" 76 'ip6[6] = 6 and ip6[53] & 7 != 0' | $encode
}
four() {
    capture "${PCAP_4:-20}" 56 'tcp[13] & 7 != 0' | $encode
}
{
    six | {
        kept=$(cat)
        printf '#@ pcap6\n%s\n' "$kept"
    } &
    kept=$(four)
    wait
    printf '#@ pcap4\n%s\n' "$kept"
}
exit 0
