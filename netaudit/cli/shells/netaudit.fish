# fish completion for netaudit; it asks the netaudit that is being typed.
function __netaudit_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct | string trim --left --chars="'\"")
    set -l program (string replace --regex '^~' $HOME -- $words[1])
    for line in ($program __complete fish $words[2..-1] "$current" 2>/dev/null)
        set -l parts (string split \t -- $line)
        switch $parts[1]
            case :files
                for path in (__fish_complete_path "$parts[2]")
                    echo -- "$parts[3]$path"
                end
            case :dirs
                for path in (__fish_complete_directories "$parts[2]")
                    echo -- "$parts[3]$path"
                end
            case '*'
                echo -- $line
        end
    end
end
complete --command netaudit --no-files --keep-order --arguments '(__netaudit_complete)'
