package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// What a failure is called: its message and, where the next action is known, a hint.

func exitCode(f failure, args []string) int {
	switch {
	case f.reason < closingFailed:
		return exitUsage
	case f.reason != execFailed:
		return exitSandbox
	case f.errno == unix.ENOENT && located(args[f.arg]) == "" || f.errno == unix.ENOTDIR:
		return exitNotFound
	}
	return exitCannotExec
}

// explainFailure returns the message for a failure and, where the next action is known, a hint.
func explainFailure(f failure, args []string) (message, hint string) {
	word := ""
	if f.arg < len(args) {
		word = args[f.arg]
	}
	option := "option " + quote(word)
	failed := quote(text(&path[0]))
	errno := ": " + f.errno.Error()
	switch f.reason {
	case noCommand:
		return "no command to run", ""
	case needsDashes:
		return "no option and no policy before " + quote(word), `a command alone goes after "--", or could be read as a policy's directory`
	case unknownOption:
		return "unknown " + option, ""
	case missingValue:
		return option + " needs a value", ""
	case unwantedValue:
		return option + " takes no value", ""
	case repeatedOption:
		return option + " is given twice", ""
	case mixedGrammars:
		return option + " does not go with --sandbox-policy or --no-proc", ""
	case emptyPath:
		return option + " needs a path that is not empty", ""
	case missingPath:
		if f.errno == unix.ENOENT {
			hint = "create it first, or leave it out"
		}
		return "writable path " + failed + errno, hint
	case badDescriptor:
		return quote(word) + " is not the number of a descriptor", ""
	case closedDescriptor:
		return quote(word) + " names a descriptor that is not open", ""
	case badStatusFD:
		return quote(word) + " is not the number of a descriptor above 2", ""
	case keptStatusFD:
		return "the status descriptor is closed before the command runs, and cannot be kept", ""
	case ownWithAs:
		return option + " does not go with --as: it is the helper's options that grant", ""
	case unknownProtection:
		return "unknown protection in " + quote(word), "the protections are all, " + protectionList()
	case notAsked:
		return "a protection in " + quote(word) + " is not one that the other options ask for", ""
	case badABI:
		return quote(word) + " is not the number of a Landlock ABI", ""
	case badFormat:
		return option + ` has a format that is not "json"`, ""
	case badName:
		return quote(word) + " is not the name of a helper", `the names are codex-linux-sandbox, codex-linux-sandbox-x64 and codex-linux-sandbox-arm64`
	case secondRequest:
		return option + " does not go with another report", ""
	case noPlan:
		return option + " goes with --explain or --bpf", ""
	case badPermission:
		return "unknown permission " + quote(word), "the permissions are " + permissions
	case emptyCWD:
		return "the policy's working directory is empty", ""
	case noPolicyCWD:
		return `option "--sandbox-policy-cwd" is missing`, ""
	case noPolicy:
		return `option "--sandbox-policy" is missing`, ""
	case needsMounts:
		return option + " asks for protected paths inside a writable root, which this launcher cannot give: " +
				"Landlock takes nothing back beneath a directory that it grants",
			"leave the option out to run under Landlock and seccomp, or run the bubblewrap of the original"
	case needsNetworkNamespace:
		return option + " asks for a network namespace, which this launcher cannot give: " +
				"it turns the network on or off for the whole command",
			"leave the option out, with a policy that has network access or has none"

	case closingFailed:
		return "close inherited descriptors" + errno, "close_range(2) is blocked or missing, and /proc cannot be read: allow either"
	case noLandlock:
		return "landlock is not available" + errno, landlockHint(f.errno)
	case notEnforced:
		return "this kernel cannot enforce " + protectionName(f.arg), quote("snib --status") + " prints what it can"
	case rulesetFailed:
		return "landlock_create_ruleset" + errno, resourceHint(f.errno)
	case openFailed:
		return "open " + failed + errno, resourceHint(f.errno)
	case ruleFailed:
		return "landlock_add_rule for " + failed + errno, ""
	case capabilitiesFailed:
		return "reduce the capabilities" + errno, ""
	case noNewPrivsFailed:
		return "prctl PR_SET_NO_NEW_PRIVS" + errno, ""
	case restrictFailed:
		if f.errno == unix.E2BIG {
			hint = "the kernel stacks at most 16 Landlock domains: nest fewer sandboxes"
		}
		return "landlock_restrict_self" + errno, hint
	case filterFailed:
		return "seccomp SECCOMP_SET_MODE_FILTER" + errno, filterHint(f.errno)
	case statusFailed:
		return "write to the status descriptor" + errno, ""
	case execFailed:
		return explainExec(f.errno, word)
	}
	return explainPolicy(f, word), ""
}

const permissions = "disk-full-read-access, disk-write-cwd, disk-write-folder=PATH, disk-write-platform-user-temp-folder, " +
	"disk-write-platform-global-temp-folder, disk-full-write-access and network-full-access"

func landlockHint(errno syscall.Errno) string {
	switch errno {
	case unix.ENOSYS:
		return "this kernel has no Landlock: it takes Linux 5.13 or later, built with CONFIG_SECURITY_LANDLOCK"
	case unix.EOPNOTSUPP:
		return `Landlock was disabled at boot: add "landlock" to the kernel's lsm= parameter`
	case unix.EPERM:
		return "an outer seccomp filter blocks Landlock: let it allow the system calls 444, 445 and 446"
	}
	return ""
}

func filterHint(errno syscall.Errno) string {
	switch errno {
	case unix.ENOSYS, unix.EINVAL:
		return "this kernel is built without CONFIG_SECCOMP_FILTER"
	case unix.EPERM:
		return "an outer seccomp filter blocks seccomp(2): let it allow that"
	case unix.ENOMEM:
		return "the filters of nested sandboxes may be too long together: nest fewer"
	}
	return ""
}

func resourceHint(errno syscall.Errno) string {
	switch errno {
	case unix.EMFILE:
		return "the launch needs two descriptors: raise the limit (ulimit -n), or close some of 0, 1 and 2"
	case unix.ENFILE:
		return "the system is out of file descriptors: raise fs.file-max"
	case unix.EPERM:
		return landlockHint(errno)
	}
	return ""
}

func explainExec(errno syscall.Errno, command string) (message, hint string) {
	switch errno {
	case unix.ENOENT:
		if file := located(command); file != "" {
			return "cannot execute " + quote(file) + ": its interpreter does not exist",
				"look at its first line (#!), or for the dynamic loader that it was linked for"
		}
		if strings.Contains(command, "/") {
			return "command " + quote(command) + " does not exist", ""
		}
		return "command " + quote(command) + " not found in PATH", ""
	case unix.ENOTDIR:
		return "command " + quote(command) + " does not exist: " + errno.Error(), ""
	case unix.ENOEXEC:
		return "cannot execute " + quote(command) + ": " + errno.Error(),
			"it is neither a program for this machine nor a script whose first line is #!: run it with its shell"
	case unix.E2BIG:
		return "cannot execute " + quote(command) + ": " + errno.Error(), "shorten the arguments or the environment"
	}
	return "cannot execute " + quote(command) + ": " + errno.Error(), ""
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

// explainPolicy says what is wrong with the policy in a word, at which byte of it, and what was expected.
func explainPolicy(f failure, word string) string {
	policy, at := word, f.offset
	const attached = "--sandbox-policy="
	if at >= len(attached) && strings.HasPrefix(word, attached) {
		policy, at = word[len(attached):], at-len(attached)
	}
	token := jsonToken(policy[min(at, len(policy)):])
	found := "found " + token
	expected := ""
	switch f.reason {
	case wantObject:
		expected = `an object, "{"`
	case wantName:
		expected = "a name in quotes"
	case wantColon:
		expected = `":"`
	case wantCommaOrBrace:
		expected = `"," or "}"`
	case wantCommaOrBracket:
		expected = `"," or "]"`
	case wantValue:
		expected = "a JSON value"
	case wantDigit:
		expected = "a digit"
	case wantQuote:
		expected = "the string's closing quote"
	case wantEscape:
		expected = `an escape of JSON (\" \\ \/ \b \f \n \r \t \u)`
	case wantEscapedControl:
		expected = "control characters in strings to be escaped"
	case wantHex:
		expected = "four hexadecimal digits"
	case wantSurrogatePair:
		expected = "a surrogate pair"
	case wantUTF8:
		expected = "UTF-8"
	case wantEnd:
		expected = "nothing after the object"
	case tooDeep:
		expected = "at most " + strconv.Itoa(maxDepth) + " levels of nesting"
	case repeatedMember:
		found, expected = "repeated field "+token, "each field once"
	case noMode:
		found, expected = `no field "mode"`, "one, with "+modes
	case noType:
		found, expected = `no field "type"`, "one, with "+types
	case unknownMode:
		found, expected = "unknown mode "+token, modes
	case unknownType:
		found, expected = "unknown type "+token, types
	case tagNotString:
		expected = "a string"
	case wantArray:
		expected = "an array of strings"
	case wantString:
		expected = "a string"
	case wantBool:
		expected = "true or false"
	case wantAccess:
		expected = `"restricted" or "enabled"`
	case wantFullAccess:
		expected = "full access: this launcher cannot restrict reading"
	case nulInPath:
		found, expected = "NUL in the path "+token, "a path"
	case relativeRoot:
		found, expected = "relative path "+token, "an absolute path"
	}
	return "policy: " + found + " at byte " + strconv.Itoa(at) + ", expected " + expected
}

const (
	modes = `"read-only", "workspace-write" or "danger-full-access"`
	types = `"read-only", "workspace-write", "danger-full-access" or "external-sandbox"`
)

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
