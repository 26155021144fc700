"""The shell that runs one text of a step on a host, and that writes what is to last.

As in ``host_watch``: texts only, POSIX sh. Each runs for a limited time. The writing of files starts a few tools of the
base system and waits for each: it is forked off the watcher and has its functions.
"""

from __future__ import annotations

from netaudit.wire.bundle import PATH

# One text of a step in a session of its own: ``setsid sh run.sh FILE``.
RUNNER = f"""
PATH={PATH}
LC_ALL=C
export PATH LC_ALL
unset IFS
umask 022
cd /
set -u
dir=${{1%/*}}
trap 'echo "$?" >"$dir/rc"' EXIT
step() {{
    . "$1"
}}
step "$1"
"""

_FILES_HEAD = r"""
refuse() {
    printf '%s\n' "$1"
    exit 1
}
sync_path() {
    sync "$1" 2>/dev/null || sync
}
# Only what is not there yet is written, and only what was written here is taken away again.
write_aside() {
    said=$(
        exec 2>&1
        set -C
        command : >"$aside" || exit 3
        exec dd if="$dir/f.$number" of="$aside" conv=fsync,notrunc
    ) || {
        [ $? -eq 3 ] || rm -f "$aside"
        refuse "$path: ${said##*: }"
    }
}
"""

# Could each file be written? Tried with its very content, beside its place, and taken away again.
TRY = (
    _FILES_HEAD
    + r"""
number=1
while [ "$number" -le "$files" ]; do
    file_of "$number"
    aside=$path.netaudit-$id
    parent=${path%/*}
    if [ -h "$path" ] || { [ -e "$path" ] && [ ! -f "$path" ]; }; then
        refuse "$path is not a regular file"
    fi
    if [ -d "$parent" ]; then
        write_aside
        rm -f "$aside"
    else
        said=$(mkdir "$parent" 2>&1) || refuse "$parent: ${said##*: }"
        rmdir "$parent"
    fi
    number=$((number + 1))
done
"""
)

# Each file is written beside its place, with a name that no loader reads, brought to disk and renamed.
PERSIST = (
    _FILES_HEAD
    + r"""
# What the shell makes has the mode 644 by its mask, unless the directory says otherwise by a default ACL.
has_mode() {
    [ "$mode" = 644 ] || chmod "$mode" "$aside"
}
is_written() {
    if [ -n "$lines" ]; then
        has_same_lines 7<"$path" 8<"$dir/f.$number"
        return
    fi
    sums=$(cksum "$path" "$dir/f.$number") || return
    set -- $sums
    [ $# -eq 6 ] && [ "$1 $2" = "$4 $5" ]
}
# A short text of plain lines the shell compares by itself.
has_same_lines() {
    while :; do
        one= other= one_ends= other_ends=
        IFS= read -r one <&7 || one_ends=1
        IFS= read -r other <&8 || other_ends=1
        [ "$one_ends $one" = "$other_ends $other" ] || return 1
        [ -z "$one_ends" ] || return 0
    done
}
is_owned() {
    { [ "$owner_ids" = 0:0 ] && [ -O "$aside" ] && [ -G "$aside" ]; } || chown "$owner_ids" "$aside"
}
number=1
while [ "$number" -le "$files" ]; do
    file_of "$number"
    aside=$path.netaudit-$id
    parent=${path%/*}
    if [ -h "$path" ] || { [ -e "$path" ] && [ ! -f "$path" ]; }; then
        refuse "$path is not a regular file"
    fi
    if [ -e "$path" ]; then
        cp -p "$path" "$dir/kept.$number" || refuse "$path cannot be kept: no room below /run"
    else
        : >"$dir/none.$number" || refuse "no room below /run"
    fi
    if [ ! -d "$parent" ]; then
        said=$(mkdir "$parent" 2>&1) || refuse "$parent: ${said##*: }"
        : >"$dir/made.$number"
    fi
    if [ -n "$gone" ]; then
        said=$(rm -f "$path" 2>&1) || refuse "$path: ${said##*: }"
    else
        write_aside
        { has_mode && is_owned && said=$(mv -f "$aside" "$path" 2>&1); } || {
            rm -f "$aside"
            refuse "$path: ${said##*: }"
        }
        is_written || refuse "$path does not hold what was written"
    fi
    sync_path "$parent"
    number=$((number + 1))
done
"""
)

# What stood there before is put back in the same way.
UNPERSIST = (
    _FILES_HEAD
    + r"""
failed=
number=$files
while [ "$number" -ge 1 ]; do
    file_of "$number"
    aside=$path.netaudit-$id
    parent=${path%/*}
    rm -f "$aside"
    if [ -e "$dir/kept.$number" ]; then
        { cp -p "$dir/kept.$number" "$aside" && sync_path "$aside" && mv -f "$aside" "$path"; } ||
            failed="$failed $path"
    elif [ -e "$dir/none.$number" ]; then
        rm -f "$path" || failed="$failed $path"
    fi
    [ ! -e "$dir/made.$number" ] || rmdir "$parent"
    [ ! -d "$parent" ] || sync_path "$parent"
    number=$((number - 1))
done
[ -z "$failed" ] || refuse "could not be put back:$failed"
"""
)
