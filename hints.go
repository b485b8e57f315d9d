package main

// What messages look at: words that people really type (options that are almost right or belong to other launchers, shell lines),
// the file that a command leads to, and what stands at a byte of a policy; and how they quote it.

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
	_ "unsafe" // for go:linkname
)

// isShellLine tells whether a command that does not exist is something that a shell understands.
func isShellLine(command string) bool {
	name, _, assigns := strings.Cut(command, "=")
	assigns = assigns && name != "" && !strings.ContainsFunc(name, func(r rune) bool { return !inWord(r) && r != '_' })
	builtins := strings.Fields(": alias bg break cd continue declare eval exec exit export fg hash jobs let local popd pushd " +
		"read readonly return set shift shopt source time trap type ulimit umask unalias unset wait if for while case until function [[ { !")
	return assigns || strings.ContainsAny(command, " \t\n;|<>&") || slices.Contains(builtins, command)
}

const (
	onlyReading = "to read only PATH and the system: --read PATH; without it everything can be read"
	onlyHidden  = "to make PATH unreadable: --hide PATH"
	alreadyOff  = "the network is off without --network: leave it out"
	onlyPort    = "to open TCP connections to PORT: --connect PORT"
)

// elsewhere are options of other launchers, with what serves here.
var elsewhere = map[string]string{
	"--rw": "to write beneath PATH: -w PATH", "--rwx": "to write beneath PATH: -w PATH", "--bind": "to write beneath PATH: -w PATH",
	"--allow-write": "to write beneath PATH: -w PATH", "--fs-rw": "to write beneath PATH: -w PATH",
	"--ro": onlyReading, "--rox": onlyReading, "--ro-bind": onlyReading, "--allow-read": onlyReading, "--fs-ro": onlyReading,
	"--read-only": onlyReading, "--connect-tcp": onlyPort, "--port": onlyPort, "-p": onlyPort, "--allow-connect": onlyPort,
	"--net": "to leave the network on: --network", "--share-net": "to leave the network on: --network", "--allow-net": "to leave the network on: --network",
	"--unrestricted-network": "to leave the network on: --network", "--unshare-net": alreadyOff, "--no-network": alreadyOff, "--no-net": alreadyOff,
	"--deny": onlyHidden, "--mask": onlyHidden, "--blacklist": onlyHidden, "--tmpfs": onlyHidden, "--deny-read": onlyHidden,
	"-v": "to print the version: --version", "-V": "to print the version: --version", "--dry-run": "to print what would be done: --explain",
	"-n": "to print what would be done: --explain", "--verbose": "to print what would be done: --explain",
	"--require": "to refuse what the kernel leaves open: --strict", "--best-effort": "it is the default, without --strict: leave it out",
}

// nearOption is a hint for an option that there is not: what serves in its place, or the one that is spelt almost so; or "".
func nearOption(word string, helper bool) string {
	name, _, _ := strings.Cut(word, "=")
	tables := [][]option{helperOptions[:]}
	if !helper {
		if hint, is := elsewhere[name]; is {
			return hint
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

// distance is the number of letters to insert, remove or change to make one word of another, with two that are swapped as one.
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

// jsonToken quotes what stands at the start of s: a string, a word, or one character.
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
