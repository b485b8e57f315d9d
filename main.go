// Snib runs a command that is not trusted under Landlock, a seccomp filter and no_new_privs: it restricts itself, then
// becomes the command.
//
// This file is the side of the program that has the Go runtime: help, messages and exit codes. What is restricted is
// decided and done in launch, which has usually run before main starts.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"unicode/utf8"
	_ "unsafe" // for go:linkname

	"golang.org/x/sys/unix"
)

const version = "0.1.0"

// Exit codes that are snib's own; any other is the command's.
const (
	exitUsage      = 2
	exitSandbox    = 125 // the sandbox could not be applied
	exitCannotExec = 126
	exitNotFound   = 127
)

// The launch stays on the thread that the process started with.
func init() { runtime.LockOSThread() }

func main() {
	if outcome.reason == ok {
		outcome = launchFromRuntime()
	}
	os.Exit(report(outcome, os.Args))
}

// launchFromRuntime calls launch in a plain go build, where the runtime has started first, and takes back what that
// changed and can be taken back. Two things cannot: the runtime has opened /dev/null on closed standard descriptors, and
// has replaced ignored signals other than SIGHUP and SIGINT by handlers of its own.
func launchFromRuntime() failure {
	// Package syscall raises the soft RLIMIT_NOFILE, and puts it back in Exec, of which this is all that succeeds.
	_ = syscall.Exec("", nil, nil)
	argv, err := syscall.SlicePtrFromStrings(os.Args)
	if err != nil {
		panic(err)
	}
	envp, err := syscall.SlicePtrFromStrings(runtimeEnvs())
	if err != nil {
		panic(err)
	}
	return launch(argv, envp)
}

// runtimeEnvs returns the environment as the kernel gave it. os.Environ drops repeated names.
//
//go:linkname runtimeEnvs syscall.runtime_envs
func runtimeEnvs() []string

// report says why the command did not run, and returns the exit code.
func report(f failure, args []string) int {
	name, helper := "snib", false
	if len(args) > 0 && isHelper(base(args[0])) {
		name, helper = base(args[0]), true
	}
	switch f.reason {
	case wantHelp:
		fmt.Print(help(name, helper))
		return 0
	case wantVersion:
		fmt.Println("snib", version)
		return 0
	}
	message, hint := explain(f, args)
	text := fmt.Sprintf("%s: error: %s\n", name, message)
	if hint == "" && f.reason < wantObject {
		hint = fmt.Sprintf("%q prints the usage", name+" --help")
	}
	if hint != "" {
		text += fmt.Sprintf("%s: hint: %s\n", name, hint)
	}
	os.Stderr.WriteString(text)
	switch {
	case f.reason < noLandlock:
		return exitUsage
	case f.reason != execFailed:
		return exitSandbox
	case f.errno == unix.ENOENT && located(args[f.arg]) == "" || f.errno == unix.ENOTDIR:
		return exitNotFound
	}
	return exitCannotExec
}

// explain returns the message for a failure and, where the next action is known, a hint.
func explain(f failure, args []string) (message, hint string) {
	word := ""
	if f.arg < len(args) {
		word = args[f.arg]
	}
	failed := string(path[:max(0, strings.IndexByte(string(path[:]), 0))])
	switch f.reason {
	case noCommand:
		return "no command to run", ""
	case unknownOption:
		return fmt.Sprintf("unknown option %q", word), ""
	case missingValue:
		return fmt.Sprintf("option %q needs a value", word), ""
	case unwantedValue:
		return fmt.Sprintf("option %q takes no value", word), ""
	case repeatedOption:
		return fmt.Sprintf("option %q stands twice", word), ""
	case mixedGrammars:
		return fmt.Sprintf("option %q does not go with --sandbox-policy", word), ""
	case emptyPath:
		return fmt.Sprintf("option %q needs a path that is not empty", word), ""
	case missingPath:
		return fmt.Sprintf("writable path %q: %v", failed, f.errno), "create it first, or leave it out"
	case badDescriptor:
		return fmt.Sprintf("%q is not the number of a descriptor", word), ""
	case closedDescriptor:
		return fmt.Sprintf("descriptor %q is to be kept and is not open", word), ""
	case badPermission:
		return fmt.Sprintf("unknown permission %q", word), "the permissions are " + permissions
	case emptyCWD:
		return "the policy's working directory is empty", ""
	case noPolicyCWD:
		return `option "--sandbox-policy-cwd" is missing`, ""
	case noPolicy:
		return `option "--sandbox-policy" is missing`, ""
	case needsMounts:
		return fmt.Sprintf("option %q asks for protected paths inside a writable root, which this launcher cannot give: "+
				"Landlock takes nothing back beneath a directory that it grants", word),
			"leave the option out to run under Landlock and seccomp, or run the bubblewrap of the original"
	case needsNetworkNamespace:
		return fmt.Sprintf("option %q asks for a network namespace, which this launcher cannot give: "+
				"it turns the network on or off for the whole command", word),
			"leave the option out, with a policy that has network access or has none"

	case noLandlock:
		return fmt.Sprintf("landlock is not available: %v", f.errno), landlockHints[f.errno]
	case rulesetFailed:
		return fmt.Sprintf("landlock_create_ruleset: %v", f.errno), resourceHints[f.errno]
	case openFailed:
		return fmt.Sprintf("open %q: %v", failed, f.errno), resourceHints[f.errno]
	case ruleFailed:
		return fmt.Sprintf("landlock_add_rule for %q: %v", failed, f.errno), ""
	case noNewPrivsFailed:
		return fmt.Sprintf("prctl PR_SET_NO_NEW_PRIVS: %v", f.errno), ""
	case restrictFailed:
		if f.errno == unix.E2BIG {
			hint = "the kernel stacks at most 16 Landlock domains: nest fewer sandboxes"
		}
		return fmt.Sprintf("landlock_restrict_self: %v", f.errno), hint
	case filterFailed:
		return fmt.Sprintf("seccomp SECCOMP_SET_MODE_FILTER: %v", f.errno), filterHints[f.errno]
	case execFailed:
		return explainExec(f.errno, word)
	}
	return explainPolicy(f, word), ""
}

const permissions = "disk-full-read-access, disk-write-cwd, disk-write-folder=PATH, disk-write-platform-user-temp-folder, " +
	"disk-write-platform-global-temp-folder, disk-full-write-access and network-full-access"

var landlockHints = map[syscall.Errno]string{
	unix.ENOSYS:     "this kernel has no Landlock: it takes Linux 5.13 or later, built with CONFIG_SECURITY_LANDLOCK",
	unix.EOPNOTSUPP: `Landlock was disabled at boot: add "landlock" to the kernel's lsm= parameter`,
	unix.EPERM:      "an outer seccomp filter blocks Landlock: let it allow the system calls 444, 445 and 446",
}

var filterHints = map[syscall.Errno]string{
	unix.ENOSYS: "this kernel is built without CONFIG_SECCOMP_FILTER",
	unix.EINVAL: "this kernel is built without CONFIG_SECCOMP_FILTER",
	unix.EPERM:  "an outer seccomp filter blocks seccomp(2): let it allow that",
	unix.ENOMEM: "the filters of nested sandboxes may be too long together: nest fewer",
}

var resourceHints = map[syscall.Errno]string{
	unix.EMFILE: "the launch needs two descriptors: raise the limit (ulimit -n), or close some of 0, 1 and 2",
	unix.ENFILE: "the system is out of file descriptors: raise fs.file-max",
	unix.EPERM:  landlockHints[unix.EPERM],
}

func explainExec(errno syscall.Errno, command string) (message, hint string) {
	switch errno {
	case unix.ENOENT:
		if file := located(command); file != "" {
			return fmt.Sprintf("cannot execute %q: its interpreter does not exist", file),
				"look at its first line (#!), or for the dynamic loader that it was linked for"
		}
		if strings.Contains(command, "/") {
			return fmt.Sprintf("command %q does not exist", command), ""
		}
		return fmt.Sprintf("command %q not found in PATH", command), ""
	case unix.ENOEXEC:
		return fmt.Sprintf("cannot execute %q: %v", command, errno),
			"it is neither a program for this machine nor a script whose first line is #!: run it with its shell"
	case unix.E2BIG:
		return fmt.Sprintf("cannot execute %q: %v", command, errno), "shorten the arguments or the environment"
	}
	return fmt.Sprintf("cannot execute %q: %v", command, errno), ""
}

// located returns the file that a command's name refers to, executable or not, or "".
func located(command string) string {
	if command == "" {
		return ""
	}
	dirs := []string{""}
	if !strings.Contains(command, "/") {
		dirs = filepath.SplitList(os.Getenv("PATH"))
	}
	for _, dir := range dirs {
		file := filepath.Join(dir, command)
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return ""
}

// explainPolicy says what is wrong with a policy, at which byte, and what was expected.
func explainPolicy(f failure, text string) string {
	token := jsonToken(text[min(f.offset, len(text)):])
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
		expected = fmt.Sprintf("at most %d levels of nesting", maxDepth)
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
	case nulInPath:
		found, expected = "NUL in the path "+token, "a path"
	case relativeRoot:
		found, expected = "relative path "+token, "an absolute path"
	}
	return fmt.Sprintf("policy: %s at byte %d, expected %s", found, f.offset, expected)
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
	end := 1
	switch {
	case s[0] == '"':
		for end < len(s) && s[end] != '"' {
			if s[end] == '\\' {
				end++
			}
			end++
		}
		end++
	case inWord(rune(s[0])):
		end = len(s) - len(strings.TrimLeftFunc(s, inWord))
	default:
		_, end = utf8.DecodeRuneInString(s)
	}
	if s = s[:min(end, len(s))]; len(s) > longest {
		return fmt.Sprintf("%q...", s[:longest])
	}
	if s[0] == '"' && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return s
	}
	return fmt.Sprintf("%q", s)
}

func inWord(r rune) bool {
	return 'a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune("+-._", r)
}

func help(name string, helper bool) string {
	usage := []string{"[OPTION]... [--] COMMAND [ARG]..."}
	about := `Run COMMAND with reads allowed everywhere, writes only beneath the given paths
and to /dev/null, and without a network.
`
	options := ownOptions[:]
	if helper {
		usage = []string{
			"[-s PERM]... [--] COMMAND [ARG]...",
			"CWD POLICY_JSON [--] COMMAND [ARG]...",
			"OPTION... [--] COMMAND [ARG]...",
		}
		about = `Run COMMAND under a policy.

PERM is one of:
  disk-full-read-access, disk-write-cwd, disk-write-folder=PATH,
  disk-write-platform-user-temp-folder, disk-write-platform-global-temp-folder,
  disk-full-write-access, network-full-access
POLICY_JSON has a field "type" (in the second form "mode"), one of:
  read-only, workspace-write, danger-full-access, external-sandbox ("type" only)
`
		options = helperOptions[:]
	}
	var b strings.Builder
	for i, line := range usage {
		fmt.Fprintf(&b, "%-6s %s %s\n", []string{"usage:", "", ""}[i], name, line)
	}
	b.WriteString("\n" + about + "\n")
	for _, o := range options {
		if o.help == "" {
			continue
		}
		short, long := "   ", o.long
		if o.short != 0 {
			short = fmt.Sprintf("-%c,", o.short)
		}
		if o.value != "" {
			long += " " + o.value
		}
		fmt.Fprintf(&b, "  %s %-28s %s\n", short, long, o.help)
	}
	fmt.Fprintf(&b, "\nExit status: %d usage or policy, %d the sandbox could not be applied,\n"+
		"%d COMMAND cannot be executed, %d COMMAND not found; otherwise COMMAND's own.\n", exitUsage, exitSandbox, exitCannotExec, exitNotFound)
	return b.String()
}
