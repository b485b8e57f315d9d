package main

// The text of a failure: its row of messages, filled in from the command line, and from the policy that became this command line.

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// message is a row, filled in.
type message struct {
	row        messageRow
	text, hint string
}

// message says why the command of a command line did not run.
func (f failure) message(args []string) message {
	original := args
	if f.rewritten {
		path := strings.Clone(text(&shared().path[0]))
		rewriteAgain(pointers(args), pointers(runtimeEnvs())) // which reads .git files into shared().path
		setPath(path)
		args = rewrittenWords()
	}
	word := ""
	if f.arg < len(args) && f.reason != notEnforced && f.reason != keptSocket && f.reason != keptInside && f.reason != noPorts && f.reason != noUnixPaths {
		word = args[f.arg]
	}
	file := ""
	if f.reason == execFailed {
		file = located(word)
	}
	option, long, which := "-w", "--write", "writable path "+quote(text(&shared().path[0]))
	if o := f.pathOption(args); o != nil {
		if option, long = o.long, o.long; o.short != 0 {
			option = "-" + string(o.short)
		}
		if o.id != optWrite {
			which = "path " + quote(text(&shared().path[0])) + " of " + long
		}
	}
	near := ""
	f.reason, near = f.behind(args, word, file)

	row := messages[slices.IndexFunc(messages[:], func(m messageRow) bool { return m.reason == f.reason && (m.errno == 0 || m.errno == f.errno) })]
	token, offset := "", 0
	if strings.Contains(row.text, "{byte}") {
		policy := word
		if _, value, attached := strings.Cut(word, "="); attached && strings.HasPrefix(word, "--") {
			policy = value
		}
		if offset = f.offset - (len(word) - len(policy)); offset < 0 {
			policy, offset = word, f.offset
		}
		token = jsonToken(policy[min(offset, len(policy)):])
	}
	right := ""
	if f.reason == notEnforced {
		right = rights[f.arg].name
	}
	values := map[string]string{"word": quote(word), "path": quote(text(&shared().path[0])), "file": quote(file), "errno": f.errno.Error(),
		"token": token, "byte": strconv.Itoa(offset), "depth": strconv.Itoa(maxDepth), "right": right, "number": strconv.Itoa(f.arg), "near": near,
		"option": option, "long": long, "which": which,
		"report": reportError, "caller": callerName(original), "field": quote(fieldNames[rewriting.field]), "choices": fieldChoices[rewriting.field],
		"first": namedPath(0), "second": namedPath(1), "helper": helperName(original)}
	m := message{row, fill(row.text, values), fill(row.hint, values)}
	if f.rewritten {
		m = f.inPolicy(m, word, long, values)
	}
	return m
}

// fieldChoices are the words that a field of the newer client's policy may have.
var fieldChoices = [...]string{
	fieldProfileType: `"managed", "disabled" or "external"`,
	fieldFilesType:   `"restricted" or "unrestricted"`, fieldFilesKind: `"restricted" or "unrestricted"`,
	fieldPathType:    `"path", "glob_pattern" or "special"`,
	fieldSpecialKind: `"root", "slash_tmp", "tmpdir", "minimal", "project_roots", "current_working_directory" or "unknown"`,
	fieldNetwork:     `"restricted" or "enabled"`, fieldAccess: `"read", "write" or "deny", and "read" alone for "minimal"`, fieldMissing: `"skip"`, fieldSubpath: `a relative path`,
}

// namedPath is a path that a failure of the newer client's policy names.
func namedPath(i int) string {
	if e := &rewriting.named[i]; e.length > 0 {
		return quote(e.path())
	}
	return ""
}

// rewriteAgain rewrites the policy of a command line once more, and keeps the notes that only reports need.
func rewriteAgain(argv, envp []*byte) {
	rewriting.noting = true
	defer func() { rewriting.noting = false }()
	var p policy
	if f := p.parse(argv); f.reason == noReason && p.grammar == codexProfile {
		p.rewrite(argv, envp)
	}
}

// rewrittenWords are the words of the command line that a policy became.
func rewrittenWords() (words []string) {
	if rewriting.count == 0 {
		return nil
	}
	for _, p := range rewritten()[:rewriting.count] {
		words = append(words, strings.Clone(text(p)))
	}
	return words
}

// inPolicy names the entry of the newer client's policy that the word of a message comes from, and the way out if a path cannot stay
// read-only.
func (f failure) inPolicy(m message, word, long string, values map[string]string) message {
	at := 0
	if strings.Contains(m.row.text, "{word}") {
		at = f.arg
	}
	if strings.Contains(m.row.text, "{which}") || strings.Contains(m.row.text, "{path}") {
		for i, w := range rewrittenWords() {
			if _, value, attached := strings.Cut(w, "="); attached && value == text(&shared().path[0]) {
				at = i
			}
		}
	}
	if at > 0 && at < rewriting.count && rewriting.from[at] >= 0 {
		if !strings.Contains(m.text, quote(rewrittenWords()[at])) {
			m.text += ", as " + quote(rewrittenWords()[at])
		}
		m.text += ", from byte " + strconv.Itoa(rewriting.from[at]) + " of the policy"
	}
	if protectFailed <= f.reason && f.reason <= cwdFailed && f.reason != keptInside && !exhausted(f.errno) {
		m.hint = fill(wrapperHint, values)
	}
	return m
}

// helperName is the helper that a command line calls.
func helperName(args []string) string {
	if as := helperNamed(args); as != "" {
		return as
	}
	return ownName(args)
}

// fill replaces {placeholders} by their values. The text of a value is never a placeholder.
func fill(template string, values map[string]string) string {
	out := ""
	for {
		before, after, _ := strings.Cut(template, "{")
		out += before
		if len(before) == len(template) {
			return out
		}
		name, rest, closed := strings.Cut(after, "}")
		value, is := values[name]
		if !closed || !is {
			value, rest = "{", after
		}
		out, template = out+value, rest
	}
}

// asked is the policy of a command line, as far as that is valid.
func asked(args []string) *policy {
	p := &policy{}
	p.parse(pointers(args))
	return p
}

// hidesSomething tells whether reading is restricted.
func hidesSomething(args []string) bool {
	p := asked(args)
	if p.grammar == codexProfile {
		rewriteAgain(pointers(args), pointers(runtimeEnvs()))
		p = asked(rewrittenWords())
	}
	return p.restrictReads || p.hides
}

// pathOption returns the option whose path failed. If the command failed, it returns the option whose path stands in front of it: a second
// path may have been meant. Nil: there is none.
func (f failure) pathOption(args []string) *option {
	argv := pointers(args)
	p := asked(args)
	for i := 1; i < p.ownEnd; {
		id, value, next, _ := nextOption(ownOptions[:], argv, i)
		named := id == optWrite || id == optRead || id == optList || id == optUnix || id == optHide || id == optProtect
		if f.reason == execFailed {
			named = named && next == f.arg
		} else {
			named = named && value == text(&shared().path[0])
		}
		if named {
			return &ownOptions[slices.IndexFunc(ownOptions[:], func(o option) bool { return o.id == id })]
		}
		i = next
	}
	return nil
}

// callerName is the command whose --help prints the usage.
func callerName(args []string) string {
	name, as := ownName(args), helperNamed(args)
	if as != "" {
		return name + " --as " + as
	}
	return name
}

// version is the only place that holds it: test/release, --version and the reports read it here.
const version = "0.9.0"

// ownName is the name under which snib speaks.
func ownName(args []string) string {
	if len(args) > 0 && isHelper(baseName(args[0])) {
		return baseName(args[0])
	}
	return "snib"
}

// helperNamed returns the helper that --as names, or "".
func helperNamed(args []string) string {
	var p policy
	p.parse(pointers(args))
	if p.helperAt == 0 {
		return ""
	}
	return strings.TrimPrefix(args[p.helperAt], "--as=")
}

// reportError is why a report could not be written.
var reportError string

// pointers makes an array as the kernel hands it over, which ends in nil. The words came from the kernel: none holds a NUL.
func pointers(words []string) []*byte {
	all, err := syscall.SlicePtrFromStrings(words)
	if err != nil {
		panic(err)
	}
	return all
}

// behind finds a finer reason, by what people type and by the file in PATH that the command means.
func (f failure) behind(args []string, word, file string) (why reason, near string) {
	switch {
	case f.reason == unknownOption:
		if near = nearOption(word, isHelper(ownName(args)) || helperNamed(args) != ""); near != "" {
			return unknownNear, near
		}
	case f.reason == unwantedValue && !isHelper(ownName(args)) && helperNamed(args) == "":
		if near = elsewhere[word]; near != "" {
			return unwantedNear, near
		}
	case (f.reason == missingPath || f.reason == protectFailed) && f.errno == unix.ENOENT:
		switch path := text(&shared().path[0]); {
		case strings.HasPrefix(path, "-"):
			return pathIsOption, ""
		case strings.HasPrefix(path, "="):
			return pathHasEquals, ""
		case strings.HasPrefix(path, "~"):
			return pathHasTilde, ""
		case strings.ContainsAny(path, ",:"):
			return pathIsList, ""
		}
	case f.reason != execFailed:
	case file != "" && (f.errno == unix.ENOENT || f.errno == unix.ENOTDIR):
		return interpreterMissing, ""
	case f.errno == unix.ENOENT || f.errno == unix.ENOTDIR:
		switch {
		case isShellLine(word):
			return commandIsShell, ""
		case strings.Contains(word, "/"):
			return commandMissing, ""
		case f.pathOption(args) != nil && isDirectory(word):
			return commandIsPath, ""
		}
		return commandNotFound, ""
	case f.errno == unix.EACCES && file != "":
		info, err := os.Stat(file)
		switch {
		case err != nil:
		case info.IsDir() && f.pathOption(args) != nil:
			return commandIsPath, ""
		case info.IsDir():
			return commandIsDirectory, ""
		case info.Mode()&0o111 == 0:
			return commandNotMarked, ""
		case hidesSomething(args):
			return commandUnread, ""
		}
	}
	return f.reason, ""
}
