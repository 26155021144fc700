#!/bin/sh
# id: persisted
# summary: Settings that files will set again: sysctl.d and sysctl.conf for both loaders, modules-load.d, modprobe.d.
# reads: /etc/sysctl.conf, sysctl.d modules-load.d and modprobe.d below /etc /run /usr/local/lib /usr/lib /lib, /etc/modules, systemd-sysctl, libproc2, libprocps
# needs: user
# timeout_s: 5
# max_bytes: 512KiB
# format: parts; entries as KIND PATH, the files' lines without comments as path:line:text, the keys each glob matches
# cost_cpu_ms: 1.7
# cost_processes: 1
#
# shellcheck disable=SC3013  # -ef is not in POSIX; dash, bash and busybox have it, and it saves a readlink each

cd "${ROOT:-/}" || exit 11

printf '#@ loaders\n'
[ -d run/systemd/system ] && printf 'systemd runs\n'
for path in usr/lib/systemd/systemd-sysctl lib/systemd/systemd-sysctl; do
    [ -x "$path" ] && printf 'systemd-sysctl /%s\n' "$path" && break
done
for path in etc run; do
    [ $path/systemd/system/systemd-sysctl.service -ef "${ROOT:-}/dev/null" ] && printf 'systemd-sysctl masked\n'
done
# Which library sysctl(8) uses. Reading a large folder costs more than all the rest here: first the name it has now.
procps=
for path in usr/lib64/libproc2.so.0 usr/lib/libproc2.so.0 usr/lib/*-linux-*/libproc2.so.0; do
    [ -f "$path" ] && procps=$path && break
done
if [ -n "$procps" ]; then
    printf 'procps %s\n' "${procps##*/}"
else
    for path in usr/lib64/libproc[2p]*.so.* usr/lib/libproc[2p]*.so.* usr/lib/*-linux-*/libproc[2p]*.so.* \
        lib/*-linux-*/libproc[2p]*.so.*; do
        [ -f "$path" ] && printf 'procps %s\n' "${path##*/}"
    done
fi

links=
kind_of() { # PATH: sets kind; of links whose target is not told by the kind, the path goes to $links
    if [ ! -L "$1" ]; then
        kind="file"
        [ -d "$1" ] && kind=directory
    elif [ ! -e "$1" ]; then
        kind=dangling
        links="$links $1"
    elif [ "$1" -ef "${ROOT:-}/dev/null" ]; then
        kind=null
    elif [ "$1" -ef etc/sysctl.conf ]; then
        kind=conf
    elif [ "$1" -ef etc/modules ]; then
        kind=modules
    else
        kind="link"
        links="$links $1"
    fi
}

printf '#@ entries\n'
set --
for directory in etc run usr/local/lib usr/lib lib; do
    [ $directory = lib ] && [ lib -ef usr/lib ] && continue
    for path in "$directory"/sysctl.d/*.conf "$directory"/sysctl.d/.*.conf "$directory"/modules-load.d/*.conf \
        "$directory"/modprobe.d/*.conf; do
        [ -e "$path" ] || [ -L "$path" ] || continue
        kind_of "$path"
        case $kind in
            file | conf | link) set -- "$@" "$path" ;;
        esac
        printf '%s /%s\n' "$kind" "$path"
    done
done
for path in etc/sysctl.conf etc/modules; do
    [ -e "$path" ] || [ -L "$path" ] || continue
    kind_of "$path"
    [ $kind = conf ] || [ $kind = modules ] && kind="file"
    [ -f "$path" ] && set -- "$@" "$path"
    printf '%s /%s\n' "$kind" "$path"
done

set -f
if [ -n "$links" ]; then
    printf '#@ links\n'
    # shellcheck disable=SC2086  # a list of paths
    LC_ALL=C ls -ld $links 2>/dev/null
fi

printf '#@ lines\n'
[ $# -gt 0 ] || exit 0
lines=$(LC_ALL=C grep -Hn -m 5000 '^[[:blank:]]*[^#;[:blank:]]' "$@")
[ $? -le 2 ] || exit 1
printf '%s\n' "$lines"

# A key with wildcards: print what it matches now. Dots and slashes change places as in sysctl.d(5).
case $lines in
    *[*?[]*) ;;
    *) exit 0 ;;
esac
newline='
'
IFS=$newline
for line in $lines; do
    case $line in
        */sysctl.d/*:*:*[*?[]* | etc/sysctl.conf:*:*[*?[]*) ;;
        *) continue ;;
    esac
    key=${line#*.conf:}
    key=${key#*:}
    key=${key%%=*}
    key=${key#-}
    case $key in
        *..* | *[[:space:]]*[![:space:]]*[[:space:]]*[![:space:]]*) continue ;;
        *[*?[]*) ;;
        *) continue ;;
    esac
    unset IFS
    # shellcheck disable=SC2086
    set -- $key
    [ "$1" = - ] && shift
    key=${1#-}
    head=${key%%[./]*}
    case ${key#"$head"} in
        .*)
            rest=$key
            key=
            while head=${rest%%[./]*} && [ "$head" != "$rest" ]; do
                rest=${rest#"$head"}
                case $rest in
                    .*) key=$key$head/ ;;
                    *) key=$key$head. ;;
                esac
                rest=${rest#?}
            done
            key=$key$rest
            ;;
    esac
    key=${key#/}
    printf '#@ glob %s\n' "$key"
    set +f
    for path in proc/sys/$key; do
        [ -e "$path" ] && printf '%s\n' "${path#proc/sys/}"
    done
    set -f
    IFS=$newline
done
exit 0
