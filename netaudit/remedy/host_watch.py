r"""The shell that the guard runs on a host: POSIX sh for dash, busybox ash and bash. Texts only; nothing runs here.

What stands on the host while a change is pending is one directory of root's, ``/run/netaudit/t.ID``: on a tmpfs, so
that a boot takes it away together with the values that were changed.

*One process decides.* ``watch.sh`` is detached from every session before anything is changed, holds the lock for its
whole life, and is the only one that changes values or files. A session only drops a small file, wakes it with ``ALRM``
and reads its ``state``; losing the session is harmless.

*One object is raced for.* Confirmation, abort and deadline each try to make ``verdict`` by link(2), which exactly one
of them can. Whoever comes late reads who has won. The same holds for ``finish`` after the files have been written.

*Time* is ``/proc/uptime``: no step of the clock moves it. A ticker wakes the watcher once a second; ``wait`` returns
when a trapped signal comes, so it needs no program that knows timeouts. A change that is only held, far from its
deadline, is looked at every three seconds: whoever decides wakes the watcher.

*What runs for a step* can be killed with all that it started. What may start any program does so in a session of its
own, which is killed as one and reaches nobody else. Texts of which every line is known, which read and write files and
start nothing but a handful of tools, are forked off the watcher: a session costs two more programs, and most of what a
change costs a host is programs. Of such a one its descendants are stopped and killed; it leaves none behind that would
not descend from it.

*The secret* of a change is a token that comes on standard input and stays in a file that only root reads; names of
directories and units, which stand in argument lists, are derived from it and do not give it away.

Known limits: a process of the session may be killed when its user logs out (KillUserProcesses of logind), which is why
another connection looks for it before anything is changed; and a process that even SIGKILL does not end, as in a driver
that hangs, is left to its fate.
"""

from __future__ import annotations

from netaudit.wire.bundle import PATH, STOPPING

# What the watcher and the sessions have in common. $dir and $base are set by who reads it in.
_LIBRARY = r"""
now() {
    read -r up idle </proc/uptime
    now_cs=${up%.*}${up#*.}
}

# $start becomes when process $1 began; fails when it does not run.
start_of() {
    start=
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    stat=${stat##*) }
    set -- $stat
    [ "$1" != Z ] || return 1
    start=${20}
}

# Whether the process runs that file $1 names; its id in $pid.
runs() {
    pid= began=
    { read -r pid began <"$1"; } 2>/dev/null || return 1
    [ -n "$began" ] && start_of "$pid" && [ "$start" = "$began" ]
}

is_this_boot() {
    boot= made=
    read -r boot </proc/sys/kernel/random/boot_id
    { read -r made <"$dir/boot"; } 2>/dev/null
    [ "$boot" = "$made" ]
}

# One write of one line: who reads meanwhile sees the last whole one, and so does who comes after a crash.
note_state() {
    { printf '%s\n' "$*" >>"$dir/state"; } 2>/dev/null
}

read_state() {
    state=none
    { while IFS= read -r line; do state=$line; done <"$1/state"; } 2>/dev/null
    word=${state%% *}
}

has_ended() {
    case $1 in
        none | refused | expired | kept | reverted | stuck) return 0 ;;
    esac
    return 1
}

# A text of a step; it may return.
step() {
    . "$1"
}

# Ends process $1 with all that it has started: a session of its own as one, else what descends from it.
end_all_of() {
    stat=
    read -r stat <"/proc/$1/stat"
    set -- "$1" ${stat##*) }
    [ "${4-}" != "$1" ] || ! kill -KILL -"$1" || return 0
    tree=
    stop_tree "$1"
    kill -KILL $tree
} 2>/dev/null

is_same_place() {
    [ -e "/proc/self/ns/$1" ] && [ "/proc/self/ns/$1" -ef "/proc/1/ns/$1" ]
}

# A process that outlives this session, best way first. A unit of systemd would run in the namespaces of process 1.
# Where it is a child, it holds standard output until it is armed, or will not be.
start_watcher() {
    [ ! -e "$dir/pid" ] || rm -f "$dir/pid"
    if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null && is_same_place net && is_same_place mnt &&
        systemd-run --quiet --collect --unit="netaudit-$id-$1" --description="netaudit: undoes change $id" \
            --property=OOMScoreAdjust=-900 --property=StandardOutput=null --property=StandardError=null \
            /bin/sh "$dir/watch.sh" "$1" </dev/null >/dev/null 2>>"$dir/log"; then
        echo systemd >"$dir/method"
    elif command -v setsid >/dev/null; then
        echo setsid >"$dir/method"
        setsid /bin/sh "$dir/watch.sh" "$1" </dev/null 2>/dev/null &
    else
        return 1
    fi
}
"""

LIBRARY = STOPPING + _LIBRARY

# The detached process: ``sh watch.sh guard|recover|undo``.
_SETTING = f"""
PATH={PATH}
LC_ALL=C
export PATH LC_ALL
unset IFS
umask 077
cd /
"""
_WATCHER = r"""
dir=${0%/*}
base=${dir%/*}
. "$dir/lib.sh"
. "$dir/change.sh"
exec </dev/null 2>>"$dir/log"
trap '' HUP PIPE INT
tick=0 ended= deadline= heeds= why= bad= pace=1
trap 'tick=$((tick + 1))' ALRM
trap 'tick=$((tick + 1)) ended=1' TERM

start_ticker() {
    (
        trap - ALRM
        trap 'kill "$!"; exit' TERM
        while :; do
            seconds=
            [ ! -e "$dir/pace" ] || read -r seconds <"$dir/pace"
            sleep "${seconds:-1}" &
            wait "$!"
            kill -ALRM "$$" || exit
        done
    ) 9>&- >/dev/null 2>&1 &
    ticker=$!
}

# From its next tick on the ticker waits $1 seconds each time.
tick_every() {
    [ "$pace" = "$1" ] || { pace=$1 && printf '%s\n' "$1" >"$dir/pace"; } 2>/dev/null
}

pause() {
    wait "$ticker"
    kill -0 "$ticker" || start_ticker
} 2>/dev/null

# Lock and ticker are given back; what was said last stands.
stop() {
    { kill "$ticker"; wait "$ticker"; } 2>/dev/null
    [ -z "$locked" ] || exec rm -f "$base/owner" "$base/lock"
    exit 0
}

# With flock(1) the kernel gives the lock back when its holder dies. The file may have been removed by the last holder
# while it was waited for: then it is opened anew.
take_lock() {
    locked=
    command -v flock >/dev/null || { take_ticket; return; }
    for try in 1 2 3 4 5 6 7 8 9; do
        { : >>"$base/lock"; } 2>/dev/null || return 1
        exec 9>>"$base/lock"
        flock -n 9 || return 1
        if [ "$base/lock" -ef "/proc/$$/fd/9" ]; then
            locked=1
            return 0
        fi
        exec 9>&-
    done
    return 1
}

# Without it, a ticket is linked into place, which one can. That of a dead holder may be taken over by who makes the
# directory named after it; it stays until the next boot, so that nobody can do so twice.
take_ticket() {
    start_of "$$"
    printf '%s %s %s\n' "$$" "$start" "$boot" >"$dir/own"
    if ln "$dir/own" "$base/lock" 2>/dev/null; then
        locked=1
        return 0
    fi
    holder= began= holder_boot=
    { read -r holder began holder_boot <"$base/lock"; } 2>/dev/null
    [ -n "$holder_boot" ] || return 1
    if [ "$holder_boot" = "$boot" ] && start_of "$holder" && [ "$start" = "$began" ]; then
        return 1
    fi
    mkdir "$base/took.$holder.$began" 2>/dev/null || return 1
    mv -f "$dir/own" "$base/lock" && locked=1
}

# File $1 is run as a step of its own for at most $2 seconds, in a session unless it is $3=plain. $rc becomes its
# status, 124 when it was late.
perform() {
    rc=125
    { : >"$dir/out" && : >"$dir/err" && : >"$dir/rc"; } 2>/dev/null || return 1
    now
    late_cs=$((now_cs + $2 * 100))
    if [ -n "$deadline" ] && [ "$deadline" -lt "$late_cs" ]; then
        late_cs=$deadline
    fi
    if [ "$3" = plain ]; then
        (
            trap 'echo "$?" >"$dir/rc"' EXIT
            umask 022
            set -u
            step "$dir/$1"
        ) </dev/null >"$dir/out" 2>"$dir/err" 9>&- &
    else
        setsid /bin/sh "$dir/run.sh" "$dir/$1" </dev/null >"$dir/out" 2>"$dir/err" 9>&- &
    fi
    child=$!
    start_of "$child"
    printf '%s %s\n' "$child" "$start" >"$dir/child"
    while :; do
        seen=$tick
        wait "$child"
        rc=$?
        # A trapped signal interrupts wait, also at the very moment of the child's end. So the child's own word counts;
        # where it has none, as one that became another program, the next wait tells.
        told=
        { read -r told <"$dir/rc"; } 2>/dev/null
        if [ -n "$told" ]; then
            rc=$told
            break
        fi
        [ "$tick" -ne "$seen" ] || { [ "$rc" -gt 128 ] && kill -0 "$child"; } || break
        now
        if [ "$now_cs" -ge "$late_cs" ] || { [ -n "$heeds" ] && is_over; }; then
            end_all_of "$child"
            rc=124
            break
        fi
    done 2>/dev/null
    said=
    { IFS= read -r said <"$dir/err"; } 2>/dev/null
    [ "$rc" -eq 0 ]
}

# The present value of step $1 in $value; fails when it cannot be read. Status 3 without a word: there is none.
read_step() {
    limit_of "$1"
    perform "s$1.read" "$limit" "$kind"
    value=
    { IFS= read -r value <"$dir/out"; } 2>/dev/null
    if [ "$rc" -eq 0 ] || { [ "$rc" -eq 3 ] && [ -z "$value" ]; }; then
        printf 'value %s %s\n' "$1" "$value" >"$dir/now.$1"
        return 0
    fi
    printf 'unread %s\n' "$1" >"$dir/now.$1"
    return 1
}

# Whether every value is what it was before; $bad says which is the first that is not.
is_as_before() {
    bad=
    number=1
    while [ "$number" -le "$steps" ]; do
        want_of "$number"
        if ! read_step "$number"; then
            bad=${bad:-"unreadable $number $said"}
        elif [ "$value" != "$want" ]; then
            bad=${bad:-"stale $number it is '$value', not '$want'"}
        fi
        number=$((number + 1))
    done
    [ -z "$bad" ]
}

# Whether it is decided already how this ends. Who finds the deadline passed decides it.
is_over() {
    [ ! -e "$dir/verdict" ] || return 0
    if [ -n "$ended" ]; then
        decide ended
        return 0
    fi
    now
    [ "$now_cs" -ge "$deadline" ] || return 1
    decide deadline
}

decide() {
    why=$1
    ln "$dir/v.reverted" "$dir/verdict" 2>/dev/null
    return 0
}

# Who holds the lock finds no other change under way, but one whose watcher has died in the middle. One that is only
# about to start will find the lock taken.
look_for_unfinished() {
    others=0
    for other in "$base"/t.*; do
        [ "$other" != "$dir" ] && [ -d "$other" ] || continue
        others=$((others + 1))
        read_state "$other"
        case $word in
            starting | armed) continue ;;
        esac
        has_ended "$word" && continue
        made=
        { read -r made <"$other/boot"; } 2>/dev/null
        if [ -n "$made" ] && [ "$made" != "$boot" ]; then
            rm -rf "$other"
            continue
        fi
        who=
        { IFS= read -r who <"$other/owner"; } 2>/dev/null
        bad="unfinished $who"
        return 1
    done
    [ "$others" -lt 6 ] || ls -1dt "$base"/t.* | {
        kept=0
        while read -r other; do
            kept=$((kept + 1))
            read_state "$other"
            [ "$kept" -le 6 ] || ! has_ended "$word" || rm -rf "$other"
        done
    }
}

# Before anything is changed: is it allowed, is it as the plan saw it, is there room for what is to last?
claim() {
    is_this_boot
    if [ -n "$plan_boot" ] && [ "$boot" != "$plan_boot" ]; then
        bad=rebooted
        return 1
    fi
    if ! take_lock; then
        bad=locked
        return 1
    fi
    now
    printf '%s %s\n' "$((now_cs + arm_cs + window_cs))" "$owner" >"$base/owner"
    look_for_unfinished && is_as_before || return 1
    if [ "$files" -gt 0 ] && ! perform try.sh 30 plain; then
        { IFS= read -r said <"$dir/out"; } 2>/dev/null
        bad="no-write $said"
        return 1
    fi
}

await_start() {
    now
    arm_end=$((now_cs + arm_cs))
    while [ ! -e "$dir/go" ]; do
        now
        if [ -e "$dir/verdict" ]; then
            note_state expired abandoned
            stop
        fi
        if [ -n "$ended" ]; then
            note_state expired ended
            stop
        fi
        if [ "$now_cs" -ge "$arm_end" ]; then
            note_state expired
            stop
        fi
        pause
    done
}

apply_all() {
    number=1
    while [ "$number" -le "$steps" ]; do
        printf '%s\n' "$number" >"$dir/at" || { decide "full"; return; }
        limit_of "$number"
        perform "s$number.apply" "$limit" "$kind"
        is_over && return
        case $rc in
            0) ;;
            124) decide "late $number"; return ;;
            *) decide "apply $number ${said:-status $rc}"; return ;;
        esac
        is_accepted || return
        number=$((number + 1))
    done
    number=1
    while [ "$steps" -gt 1 ] && [ "$number" -le "$steps" ]; do
        is_accepted || return
        number=$((number + 1))
    done
}

is_accepted() {
    if read_step "$number" && accepts "$number" "$value"; then
        return 0
    fi
    is_over || decide "clamped $number it is '$value'"
    return 1
}

persist_all() {
    if [ "$files" -gt 0 ] && ! perform persist.sh 60 plain; then
        { IFS= read -r said <"$dir/out"; } 2>/dev/null
        return 1
    fi
    number=1
    while [ "$number" -le "$steps" ]; do
        printf '%s\n' "$number" >"$dir/lasts"
        limit_of "$number"
        [ ! -e "$dir/s$number.persist" ] || perform "s$number.persist" "$limit" "$kind" || return 1
        number=$((number + 1))
    done
}

unpersist_all() {
    number=0
    { read -r number <"$dir/lasts"; } 2>/dev/null
    while [ "$number" -ge 1 ]; do
        limit_of "$number"
        [ ! -e "$dir/s$number.unpersist" ] || perform "s$number.unpersist" "$limit" "$kind" ||
            unlasting="$unlasting what lasts of step $number: ${said:-status $rc};"
        number=$((number - 1))
    done
    if [ "$files" -gt 0 ] && ! perform unpersist.sh 60 plain; then
        { IFS= read -r said <"$dir/out"; } 2>/dev/null
        unlasting="$unlasting $said;"
    fi
}

# Each step that was begun is put back, the last one first, whatever became of the others; then all is read again.
revert() {
    deadline= heeds=
    note_state reverting "$why"
    begun=0
    { read -r begun <"$dir/at"; } 2>/dev/null
    for try in 1 2; do
        number=$begun
        while [ "$number" -ge 1 ]; do
            limit_of "$number"
            perform "s$number.undo" "$limit" "$kind"
            number=$((number - 1))
        done
        is_as_before && break
    done
    if [ -n "$bad$unlasting" ]; then
        note_state stuck "${why%% *}" "${bad#* } $unlasting"
    else
        note_state reverted "$why"
    fi
}

settle() {
    while ! is_over; do
        if [ $((deadline - now_cs)) -gt 700 ]; then
            tick_every 3
        else
            tick_every 1
        fi
        pause
    done
    tick_every 1
    read -r verdict <"$dir/verdict"
    deadline= heeds=
    if [ "$verdict" = confirmed ]; then
        note_state persisting
        if persist_all; then
            note_state confirmed
            linger
            return
        fi
        why="persist $said"
        unpersist_all
    fi
    revert
}

# Confirmed and written. Who has confirmed may read it again, and undo it; without another word it stays.
linger() {
    now
    linger_end=$((now_cs + linger_cs))
    while [ ! -e "$dir/finish" ]; do
        now
        if [ "$now_cs" -ge "$linger_end" ]; then
            ln "$dir/v.keep" "$dir/finish" 2>/dev/null
        else
            pause
        fi
    done
    read -r verdict <"$dir/finish"
    if [ "$verdict" = undo ]; then
        why=abandoned
        unpersist_all
        revert
    else
        note_state kept
    fi
}

guard() {
    if ! claim; then
        note_state refused "$bad"
        stop
    fi
    note_state armed
    exec >/dev/null
    await_start
    now
    deadline=$((now_cs + window_cs)) why=abandoned heeds=1
    printf '%s\n' "$deadline" >"$dir/deadline"
    if ! is_as_before; then
        note_state refused "$bad"
        stop
    fi
    if ! note_state applying; then
        decide full
        note_state refused full
        stop
    fi
    apply_all
    heeds=
    [ -e "$dir/verdict" ] || note_state applied
    settle
}

# The watcher has died. What it had begun is put back; what was confirmed stays, if all of it had been written.
recover() {
    take_lock || { locked=; stop; }
    if runs "$dir/child"; then
        end_all_of "$pid"
    fi
    read_state "$dir"
    why=recovered
    ln "$dir/v.reverted" "$dir/verdict" 2>/dev/null
    case $word in
        starting | armed) note_state expired abandoned ;;
        applying | applied | reverting) unpersist_all; revert ;;
        persisting) unpersist_all; revert ;;
        stuck) unpersist_all; revert ;;
        confirmed | kept)
            if [ "$1" = undo ]; then
                why=abandoned
                unpersist_all
                revert
            else
                note_state kept
            fi
            ;;
    esac
}

locked= unlasting=
start_of "$$"
printf '%s %s\n' "$$" "$start" >"$dir/pid" || exit 1
is_this_boot
start_ticker
case $1 in
    guard) guard ;;
    *) recover "$1" ;;
esac
stop
"""
WATCHER = _SETTING + _WATCHER
