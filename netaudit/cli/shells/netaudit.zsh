#compdef netaudit
# zsh completion for netaudit; it asks the netaudit that is being typed.
_netaudit() {
    emulate -L zsh
    local program=${(Q)words[1]/#\~/$HOME} line text rest
    local -a lines texts shown open open_shown before
    (( CURRENT > 2 )) && before=("${(@Q)words[2,CURRENT-1]}")
    lines=("${(@f)$("$program" __complete zsh "${before[@]}" "${(Q)PREFIX}" 2>/dev/null)}")
    for line in "${lines[@]}"; do
        [[ -n $line ]] || continue
        text=${line%%$'\t'*}
        rest=${line#*$'\t'}
        case $text in
            (:files|:dirs)
                [[ -n ${rest##*$'\t'} ]] && compset -P '*='
                [[ $text == :dirs ]] && _files -/ || _files
                ;;
            (*[=,/])
                open+=("$text")
                open_shown+=("$text${rest:+  -- $rest}")
                ;;
            (*)
                texts+=("$text")
                shown+=("$text${rest:+  -- $rest}")
                ;;
        esac
    done
    (( $#texts )) && compadd -l -V values -d shown -a texts
    (( $#open )) && compadd -l -V values -S '' -d open_shown -a open
    return 0
}
if [[ $funcstack[1] == _netaudit ]]; then
    _netaudit "$@"
else
    compdef _netaudit netaudit
fi
