package main

// What people really type: options that are almost right or belong to other launchers, and shell lines. Also the file that a command's
// name leads to, the token at a byte of a policy, and quoting.

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
	_ "unsafe" // for go:linkname
)

// isShellLine tells whether a missing command is something that a shell understands.
func isShellLine(command string) bool {
	name, _, assigns := strings.Cut(command, "=")
	assigns = assigns && name != "" && !strings.ContainsFunc(name, func(r rune) bool { return !inWord(r) && r != '_' })
	builtins := strings.Fields(": alias bg break cd continue declare eval exec exit export fg hash jobs let local popd pushd " +
		"read readonly return set shift shopt source time trap type ulimit umask unalias unset wait if for while case until function [[ { !")
	return assigns || strings.ContainsAny(command, " \t\n;|<>&") || slices.Contains(builtins, command)
}

const (
	toWrite     = "to write beneath PATH: -w PATH"
	onlyReading = "to read only PATH and the system: --read PATH; without it everything can be read"
	onlyHidden  = "to make PATH unreadable: --hide PATH"
	allNetwork  = "to leave the network on: --network"
	alreadyOff  = "the network is off without --network: leave it out"
	onlyPort    = "to open TCP connections to PORT: --connect PORT"
	ownServers  = "for servers and clients of the command's own: --loopback"
	canExecute  = "without --read everything can be executed: leave it out"
	startsHere  = "the command starts in snib's working directory: cd PATH first"
	environment = "the command gets snib's environment: env VAR=VALUE snib ..."
	noNamespace = "snib makes no such namespace: leave it out"
	toExplain   = "to print what would be done: --explain"
)

// elsewhere holds options of other launchers, and values that people give to an option that takes none, with what serves here.
var elsewhere = map[string]string{
	"--rw": toWrite, "--rwx": toWrite, "--bind": toWrite, "--bind-try": toWrite, "--dev-bind": toWrite, "--allow-write": toWrite, "--fs-rw": toWrite,
	"--read-write": toWrite, "--writable": toWrite, "--landlock-rule": toWrite,
	"--ro": onlyReading, "--rox": onlyReading, "--ro-bind": onlyReading, "--ro-bind-try": onlyReading, "--allow-read": onlyReading, "--fs-ro": onlyReading,
	"--read-only": onlyReading, "--landlock-access": onlyReading,
	"--deny": onlyHidden, "--mask": onlyHidden, "--blacklist": onlyHidden, "--deny-read": onlyHidden,
	"--tmpfs": "for temporary files: --dev; " + onlyHidden, "--tmp": "for temporary files: --dev", "--private-tmp": "for temporary files: --dev",
	"--remount-ro": "to keep PATH read-only inside a writable one: --protect PATH",
	"--net":        allNetwork, "--share-net": allNetwork, "--allow-net": allNetwork, "--unrestricted-network": allNetwork, "--network=host": allNetwork, "--network=on": allNetwork,
	"--unshare-net": alreadyOff, "--no-network": alreadyOff, "--no-net": alreadyOff, "--net=none": alreadyOff, "--net=off": alreadyOff,
	"--network=none": alreadyOff, "--network=off": alreadyOff,
	"--connect-tcp": onlyPort, "--port": onlyPort, "-p": onlyPort, "--allow-connect": onlyPort, "--proxy": onlyPort,
	"--bind-tcp": ownServers, "--localhost": ownServers, "--allow-localhost": ownServers,
	"--socket": "to open the socket at PATH: --unix PATH", "--allow-unix": "to open the socket at PATH: --unix PATH",
	"--add-exec": canExecute, "--ldd": canExecute, "--allow-exec": canExecute,
	"--chdir": startsHere, "--cwd": startsHere, "--workdir": startsHere, "--directory": startsHere, "-C": startsHere,
	"--env": environment, "--setenv": environment, "--unsetenv": environment, "--clearenv": environment, "-e": environment,
	"--unshare-all": noNamespace, "--unshare-user": noNamespace, "--unshare-pid": noNamespace, "--unshare-ipc": noNamespace, "--unshare-uts": noNamespace,
	"--unshare-cgroup": noNamespace, "--proc": "/proc stays as it is: leave it out",
	"--seccomp": "snib has a filter of its own: leave it out", "--seccomp-filter": "snib has a filter of its own: leave it out",
	"--new-session": "for a session of its own: setsid -w snib ...",
	"-v":            "to print the version: --version", "-V": "to print the version: --version",
	"--dry-run": toExplain, "-n": toExplain, "--verbose": toExplain,
	"--require": "to refuse what the kernel leaves open: --strict", "--best-effort": "it is the default, without --strict: leave it out",
}

// nearOption returns a hint for an unknown option: what serves in its place, or the option of almost that spelling; or "".
func nearOption(word string, helper bool) string {
	name, _, _ := strings.Cut(word, "=")
	tables := [][]option{helperOptions[:]}
	if !helper {
		for _, known := range []string{word, name} {
			if hint := elsewhere[known]; hint != "" {
				return hint
			}
		}
		tables = [][]option{ownOptions[:], reportOptions[:]}
	}
	for _, table := range tables {
		for _, o := range table {
			if o.help != "" && 3*distance(name, o.long) <= len(name) {
				return "did you mean " + quote(o.long) + "?"
			}
		}
	}
	return ""
}

// distance counts the letters to insert, remove or change to turn one word into the other. Two swapped letters count as one.
func distance(a, b string) int {
	last, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := last
		last, row = row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+change)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}

// located returns the file that a command's name refers to, executable or not, or "".
func located(command string) string {
	if command == "" {
		return ""
	}
	dirs := []string{""}
	if !strings.Contains(command, "/") {
		list, set := os.LookupEnv("PATH")
		if !set {
			list = defaultPath
		}
		dirs = strings.Split(list, ":")
	}
	for _, dir := range dirs {
		// As execute puts it together: the kernel follows "x/.." where filepath.Join would drop it.
		file := command
		if dir != "" {
			file = dir + "/" + command
		}
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return ""
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// jsonToken quotes the token at the start of s: a string, a word, or one character.
func jsonToken(s string) string {
	const longest = 40
	if s == "" {
		return "the end"
	}
	end, closed := 1, false
	switch {
	case s[0] == '"':
		for end < len(s) && s[end] != '"' {
			if s[end] == '\\' {
				end++
			}
			end++
		}
		closed = end < len(s)
		end++
	case inWord(rune(s[0])):
		end = len(s) - len(strings.TrimLeftFunc(s, inWord))
	default:
		_, end = utf8.DecodeRuneInString(s)
	}
	if s = s[:min(end, len(s))]; len(s) > longest {
		cut := longest
		for utf8.ValidString(s) && !utf8.RuneStart(s[cut]) {
			cut--
		}
		return quote(s[:cut]) + "..."
	}
	if closed && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return s // it has its quotes
	}
	return quote(s)
}

func inWord(r rune) bool {
	return 'a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune("+-._", r)
}

// quote makes anything that the user supplied safe to print.
func quote(s string) string { return strconv.Quote(s) }

func quoteAll(words []string) (quoted []string) {
	for _, word := range words {
		quoted = append(quoted, quote(word))
	}
	return quoted
}

// wrap breaks words into lines of at most 80 columns, each after indent.
func wrap(indent string, words []string) string {
	var out strings.Builder
	column := 0
	for _, word := range words {
		switch {
		case column == 0:
			out.WriteString(indent)
			column = len(indent)
		case column+1+len(word) > 80:
			out.WriteString("\n" + indent)
			column = len(indent)
		default:
			out.WriteString(" ")
			column++
		}
		out.WriteString(word)
		column += len(word)
	}
	out.WriteString("\n")
	return out.String()
}

// field is a named line of the policy, wrapped.
func field(name string, words []string) string {
	return strings.Replace(wrap("           ", words), "         ", "  "+name, 1)
}

// runtimeEnvs returns the environment as the kernel gave it. os.Environ drops repeated names.
//
//go:linkname runtimeEnvs syscall.runtime_envs
func runtimeEnvs() []string

// shellLine quotes words so that sh, dash, bash, zsh and fish, interactive ones too, read the same words again, whatever bytes they hold, and a
// terminal shows what is there.
func shellLine(words []string) string {
	quoted := make([]string, len(words))
	broken := false
	for i, word := range words {
		quoted[i] = shellWord(word, broken)
		broken = broken || strings.HasSuffix(word, "\n")
	}
	return strings.Join(quoted, " ")
}

// shellWord quotes a word. On the second line of a command, after a line break in quotes, some interactive shells expand "!" in quotes too.
func shellWord(word string, secondLine bool) string {
	outside := func(r rune) bool { return !inWord(r) && r != '_' && r != '/' && r != ':' && r != '@' && r != '=' }
	hidden := func(r rune) bool { return !strconv.IsPrint(r) }
	switch {
	case word == "":
		return "''"
	case !utf8.ValidString(word) || strings.ContainsFunc(word, hidden) || secondLine && strings.Contains(word, "!"):
		return shellPrintf(word)
	case !strings.ContainsFunc(word, outside) && (word[0] == '-' || !strings.Contains(word, "=")):
		return word // elsewhere "=" can make an assignment, or a search for a program
	}
	// Quotes and backslashes stand outside of the quotes: fish knows both as escapes inside, and zsh may take two quotes there for one.
	var out strings.Builder
	for word != "" {
		n := strings.IndexAny(word, "'\\")
		if n < 0 {
			n = len(word)
		}
		if n > 0 {
			out.WriteString("'" + word[:n] + "'")
		}
		if word = word[n:]; word != "" {
			out.WriteString("\\" + word[:1])
			word = word[1:]
		}
	}
	return out.String()
}

// shellPrintf has printf(1) make a word. What it prints last must not be a line break: the shell drops those.
func shellPrintf(word string) string {
	stays := strings.TrimRight(word, "\n")
	breaks := word[len(stays):]
	var out strings.Builder
	if stays != "" {
		out.WriteString("\"$(printf '")
		for i := range len(stays) {
			if c := stays[i]; i > 0 && (c == ' ' || c < utf8.RuneSelf && inWord(rune(c)) || strings.IndexByte("_/:=,;()[]<>|&~*?#", c) >= 0) {
				out.WriteByte(c)
			} else {
				out.WriteString("\\" + string('0'+c>>6) + string('0'+c>>3&7) + string('0'+c&7))
			}
		}
		out.WriteString("')\"")
	}
	if breaks != "" {
		out.WriteString("'" + breaks + "'")
	}
	return out.String()
}
