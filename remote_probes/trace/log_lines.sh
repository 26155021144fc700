#!/bin/sh
# shellcheck disable=SC2012,SC2046  # ls tells inode and size alike everywhere, stat does not; its words are wanted
# id: log_lines
# summary: Lines that an application adds to a log meanwhile and that match a pattern, with the second in which they came.
# reads: the file that was named, /proc/uptime
# needs: user
# timeout_s: 60
# max_bytes: 512KiB
# format: parts; "line UPTIME TEXT", and how many more there were
# params: TRACE_S, LOG_FILE, LOG_MATCH
# cost_cpu_ms: 40
# cost_processes: 60

# LOG_FILE and LOG_MATCH have %ooo (three octal digits) for every byte that is no letter, digit or one of _ - . /
# At most 64 KiB are looked at a second, 20 lines kept of each, and 300 bytes of each line.
decoded() {
    printf '%b.' "$(printf '%s\n' "$1" | sed 's/%\([0-7][0-7][0-7]\)/\\0\1/g')"
}
file=$(decoded "$LOG_FILE")
file=${ROOT:-}${file%.}
pattern=$(decoded "$LOG_MATCH")
pattern=${pattern%.}

if [ ! -e "$file" ]; then
    echo 'there is no such file' >&2
    exit 11
elif [ ! -f "$file" ]; then
    echo 'not a regular file' >&2
    exit 10
elif [ ! -r "$file" ]; then
    echo 'it may not be read by this user' >&2
    exit 12
fi
why=$(printf '' | grep -aE -e "$pattern" 2>&1)
if [ $? -gt 1 ]; then
    printf '#! log: not understood: %s\n' "${why##*grep: }" | head -n 1 | cut -c 1-200
    exit 0
fi

# Its length, and what tells this file from the one that takes its name when the log is turned over.
look() {
    set -- $(ls -Lin "$file" 2>/dev/null)
    inode=${1:-} size=${6:-0}
}
printf '#@ log\n'
look
was=$inode offset=$size left=${TRACE_S:-5}
while [ "$left" -gt 0 ]; do
    sleep 1
    left=$((left - 1))
    look
    read -r uptime rest </proc/uptime
    if [ "$inode" != "$was" ] || [ "$size" -lt "$offset" ]; then
        printf 'turned %s\n' "$uptime"
        was=$inode offset=0
    fi
    [ "$size" -gt "$offset" ] || continue
    bytes=$((size - offset))
    if [ $bytes -gt 65536 ]; then
        printf 'skipped %s %s\n' "$uptime" $((bytes - 65536))
        offset=$((size - 65536))
        bytes=65536
    fi
    tail -c +$((offset + 1)) "$file" | head -c $bytes | grep -aE -e "$pattern" | cut -c 1-300 |
        sed -n "s/^/line $uptime /; 1,20p; 21s/.*/more $uptime/p; 21q"
    offset=$size
done
exit 0
