# Completion of snib for bash.
_snib() {
	local options='-w --write --dev -r --read --list --bare --hide --protect --network --loopback --connect --unix --signals --keep-fd --strict --status-fd --log --unprotected --as --explain --explain=json --abi --bpf --why --why=json --status --status=json -h --help --version'
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} i
	# Bash makes the "=" before an attached value a word of its own.
	if [[ $current == = ]]; then
		current='' previous+='='
	elif [[ $previous == = ]]; then
		previous=${COMP_WORDS[COMP_CWORD - 2]}=
	fi
	case $previous in
	--explain= | --why= | --status=)
		mapfile -t COMPREPLY < <(compgen -W json -- "$current")
		return
		;;
	esac
	case ${previous%=} in
	-w | --write | -r | --read | --list | --hide | --protect | --unix | --bpf)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	--as)
		mapfile -t COMPREPLY < <(compgen -W 'codex-linux-sandbox codex-linux-sandbox-x64 codex-linux-sandbox-arm64' -- "$current")
		return
		;;
	--connect | --keep-fd | --status-fd | --abi)
		COMPREPLY=()
		return
		;;
	esac
	# The command starts at the first word that is neither an option nor its value.
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-w | --write | -r | --read | --list | --hide | --protect | --connect | --unix | --keep-fd | --status-fd | --as | --abi | --bpf)
			((i++))
			[[ ${COMP_WORDS[i]} != = ]] || ((i++))
			;;
		=) ((i++)) ;;
		--)
			((i++))
			break
			;;
		-?*) ;;
		*) break ;;
		esac
	done
	if ((i < COMP_CWORD)); then
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
	elif [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
	else
		mapfile -t COMPREPLY < <(compgen -c -- "$current")
	fi
}
complete -o filenames -F _snib snib
