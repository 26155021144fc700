# bash completion for netaudit; it asks the netaudit that is being typed.
_netaudit() {
    local program=${1/#\~/$HOME} text meaning stem files=''
    COMPREPLY=()
    type -P -- "$program" >/dev/null || return 0
    while IFS=$'\t' read -r text meaning stem; do
        case $text in
            :files) files=file ;;
            :dirs) files=directory ;;
            *) COMPREPLY+=("$text"); continue ;;
        esac
        local path
        while IFS= read -r path; do
            COMPREPLY+=("$path")
        done < <(compgen -A "$files" -- "$meaning")
    done < <("$program" __complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
    if [[ $files ]]; then
        compopt -o filenames 2>/dev/null
    elif [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/,:] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o nosort -F _netaudit netaudit
