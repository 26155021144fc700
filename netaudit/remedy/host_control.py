"""The shell that a session of the controller runs on a host: it lays out a change, asks for it, and clears it away.

As in ``host_watch``: texts only, POSIX sh. Nothing here changes a value; it drops small files and wakes the watcher.
"""

from __future__ import annotations

# What a session does: functions over the directory of the change. ID, TOKEN, FORCE, WAIT_S come with the payload.
CONTROL = r"""
# The directory goes once its watcher has, and with the last one all that netaudit has on this host.
clear_away() {
    now
    clear_end=$((now_cs + 300))
    while runs "$dir/pid" && now && [ "$now_cs" -lt "$clear_end" ]; do
        nap
    done
    rm -rf "$dir"
    rmdir "$base" 2>/dev/null
}

# Where an answer takes long, the machine is busy: who asks ever again only adds to that.
nap() {
    case ${naps:-0} in
        0 | 1) nap_s=0.03 ;;
        2 | 3) nap_s=0.06 ;;
        4 | 5) nap_s=0.12 ;;
        *) nap_s=0.25 ;;
    esac
    sleep "$nap_s" 2>/dev/null || sleep 1
}

wake() {
    runs "$dir/pid" && kill -ALRM "$pid"
} 2>/dev/null

refuse() {
    printf 'state refused %s\n' "$1"
    exit 0
}

check_token() {
    kept=
    { read -r kept <"$dir/token"; } 2>/dev/null
    [ "$kept" = "$TOKEN" ] || refuse token
}

# Waits while the state is one of $1 and somebody works on it, $WAIT_S seconds at most.
await() {
    now
    await_end=$((now_cs + WAIT_S * 100))
    naps=0
    while :; do
        read_state "$dir"
        case " $1 " in
            *" $word "*) ;;
            *) return ;;
        esac
        [ ! -e "$dir/pid" ] || runs "$dir/pid" || return
        now
        [ "$now_cs" -lt "$await_end" ] || return
        naps=$((naps + 1))
        nap
    done
}

# Whether the watcher could be ended together with its session: by logind or elogind, which keep a list of sessions, and
# never where it is a unit of its own.
is_bound() {
    [ "$method" != systemd ] || return 1
    [ ! -d /run/systemd/system ] || return 0
    set -- /run/systemd/sessions/*
    [ -e "$1" ]
}

report() {
    is_this_boot
    read_state "$dir"
    printf 'boot %s\nmade %s\nstate %s\n' "$boot" "$made" "$state"
    runs "$dir/pid" && echo 'watcher alive'
    method= end=
    { read -r method <"$dir/method"; read -r end <"$dir/deadline"; } 2>/dev/null
    printf 'method %s\n' "$method"
    is_bound || echo 'watcher_of nobody'
    if [ -n "$end" ]; then
        now
        printf 'left %s\n' "$((end - now_cs))"
    fi
    for found in "$dir"/now.*; do
        { IFS= read -r line <"$found" && printf '%s\n' "$line"; } 2>/dev/null
    done
    [ "$method" != setsid ] || echo 'note without systemd-run: the timer is a process without a unit'
}

say_owner() {
    end= who=
    { IFS=' ' read -r end who <"$base/owner"; } 2>/dev/null
    now
    [ -z "$end" ] || printf 'owner %s, for %s s more at most\n' "$who" "$(((end - now_cs) / 100))"
}
"""

# Leads to the directory of the change $ID, with all functions read in; says so and ends where there is none.
FIND = r"""
# A change of an earlier boot is over: its values went with that boot.
find_change() {
    for base in /run/netaudit /var/run/netaudit; do
        dir=$base/t.$ID
        if [ -d "$dir" ] && [ ! -h "$dir" ] && [ -O "$dir" ]; then
            . "$dir/lib.sh"
            . "$dir/change.sh"
            . "$dir/control.sh"
            is_this_boot && return
            rm -rf "$dir"
        fi
    done
    boot=
    read -r boot </proc/sys/kernel/random/boot_id
    printf 'boot %s\nstate none\n' "$boot"
    exit 0
}
find_change
"""

# The directory of a new change, and the texts that are the same for all. $ID comes with the payload.
PLACE = r"""
refuse() {
    printf 'state refused %s\n' "$1"
    exit 1
}
[ -O /proc/1 ] || refuse no-root
base=
for place in /run /var/run; do
    if [ -d "$place" ] && [ -w "$place" ]; then
        base=$place/netaudit
        break
    fi
done
[ -n "$base" ] || refuse 'no-run neither /run nor /var/run can be written'
for tool in ln mv rm mkdir ls cat sleep dd cp cksum chmod chown sync; do
    command -v "$tool" >/dev/null || refuse "tool $tool"
done
dir=$base/t.$ID
# Where nothing is there yet both are made at once; who has come in between is looked at like who was there before.
made=
if [ ! -e "$base" ]; then
    if mkdir -m 700 "$base" "$dir" 2>/dev/null; then
        made=1
    else
        rmdir "$dir" 2>/dev/null
    fi
fi
if [ -z "$made" ]; then
    if ! mkdir -m 700 "$base" 2>/dev/null; then
        { [ -d "$base" ] && [ ! -h "$base" ] && [ -O "$base" ]; } || refuse "not-ours $base"
        case $(ls -ld "$base") in
            drwx------*) ;;
            *) refuse "not-ours $base" ;;
        esac
    fi
    said=$(mkdir -m 700 "$dir" 2>&1) || refuse "full ${said##*: }"
fi
put() {
    { printf '%s\n' "$2" >"$dir/$1"; } 2>/dev/null && return
    rm -rf "$dir"
    refuse "full $base"
}
put lib.sh "$LIBRARY"
put watch.sh "$WATCHER"
put run.sh "$RUNNER"
put try.sh "$TRY"
put persist.sh "$PERSIST"
put unpersist.sh "$UNPERSIST"
put control.sh "$CONTROL"
put v.confirmed confirmed
put v.reverted reverted
put v.keep keep
put v.undo undo
put state starting
"""

# Starts what PLACE and the texts of the steps have laid out.
ARM = r"""
. "$dir/lib.sh"
. "$dir/control.sh"
read -r boot </proc/sys/kernel/random/boot_id
printf '%s\n' "$boot" >"$dir/boot"
command -v setsid >/dev/null || set -- no
# It is waited for without looking again and again: until nobody holds the other end of this any more.
if [ "$1" = no ] || ! whether=$(start_watcher guard); then
    rm -rf "$dir"
    rmdir "$base" 2>/dev/null
    refuse 'no-timer neither systemd-run nor setsid'
fi
await starting
report
case $word in
    starting) refuse start ;;
    refused)
        say_owner
        clear_away
        ;;
esac
"""

CHECK = "report\n"

GO = r"""
check_token
if [ "$word" = armed ] && runs "$dir/pid"; then
    : >"$dir/go"
    wake
    await 'armed applying reverting'
fi
report
"""

CONFIRM = r"""
check_token
if [ "$word" = applied ] && runs "$dir/pid"; then
    ln "$dir/v.confirmed" "$dir/verdict" 2>/dev/null
    wake
    await 'applied persisting reverting'
fi
report
"""

KEEP = r"""
if [ "$word" = confirmed ]; then
    if runs "$dir/pid"; then
        ln "$dir/v.keep" "$dir/finish" 2>/dev/null
        wake
    else
        start_watcher recover >/dev/null
    fi
    await 'confirmed reverting'
fi
report
if [ "$word" = kept ]; then
    clear_away
    echo 'gone'
fi
"""

ABORT = r"""
busy='starting armed applying applied persisting reverting'
case $word in
    confirmed)
        if [ "$FORCE" = 1 ]; then
            ln "$dir/v.undo" "$dir/finish" 2>/dev/null
            runs "$dir/pid" || start_watcher undo >/dev/null
            busy="$busy confirmed"
        elif ! runs "$dir/pid"; then
            start_watcher recover >/dev/null
            busy="$busy confirmed"
        fi
        ;;
    kept)
        if [ "$FORCE" = 1 ]; then
            start_watcher undo >/dev/null
            busy="$busy kept"
        fi
        ;;
    stuck) ;;
    *)
        has_ended "$word" || ln "$dir/v.reverted" "$dir/verdict" 2>/dev/null
        has_ended "$word" || runs "$dir/pid" || start_watcher recover >/dev/null
        ;;
esac
wake
await "$busy"
report
"""

TIDY = r"""
if has_ended "$word"; then
    report
    clear_away
else
    report
fi
"""
