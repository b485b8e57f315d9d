// Snib runs an untrusted command under Landlock, a seccomp filter and no_new_privs: it restricts itself, then becomes the
// command.
//
// This file is the side of the program that has the Go runtime: reports, help, and one funnel for output. launch decides and applies
// the restrictions; in a release build it has run before main starts.
package main

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// The launch stays on the thread that the process started with.
func init() { runtime.LockOSThread() }

// plainBuild tells that the launch did not run before the runtime.
var plainBuild bool

func main() {
	if outcome.reason == noReason {
		plainBuild = true
		outcome = launchFromRuntime()
	}
	os.Exit(answer(outcome, os.Args))
}

// launchFromRuntime calls launch in a plain go build, where the runtime has started first. It takes back what it can of the runtime's
// changes. Two stay: the runtime has opened /dev/null on closed standard descriptors, and has replaced ignored signals other than SIGHUP
// and SIGINT by handlers of its own.
func launchFromRuntime() failure {
	// Package syscall raises the soft RLIMIT_NOFILE, and puts it back in Exec, of which this is all that succeeds.
	_ = syscall.Exec("", nil, nil)
	argv, envp := pointers(os.Args), pointers(runtimeEnvs())
	f := launch(argv, envp)
	runtime.KeepAlive(argv)
	runtime.KeepAlive(envp)
	return f
}

// answer gives the report that a command line asks for, or says why its command did not run. It returns the exit code.
func answer(f failure, args []string) int {
	rest, report, wrong := takeReport(args)
	switch {
	case wrong.reason != noReason:
		return complain(wrong, args)
	case report.kind != 0:
		return report.give(rest)
	}
	if f.reason == unknownOption && f.arg < len(args) && (args[f.arg] == "-h" || args[f.arg] == "--help") {
		report.kind = optHelp // the helper's
		return report.give(args)
	}
	return complain(f, args)
}

// complain says on stderr, and to the status descriptor if there is one, why the command did not run.
func complain(f failure, args []string) int {
	m := f.message(args)
	printError(ownName(args), m)
	if fd := statusDescriptor(f, args); fd != 0 {
		var o jsonWriter
		o.string("schema", "snib-status-2")
		o.string("status", "failed")
		o.number("exit", m.row.code)
		o.string("error", m.text)
		o.string("hint", m.hint)
		// A caller who has gone does not miss it.
		_, _ = os.NewFile(uintptr(fd), "status").WriteString(o.String() + "\n")
	}
	return m.row.code
}

// statusDescriptor returns the descriptor for the status; 0: there is none, or it is not the caller's.
func statusDescriptor(f failure, args []string) int {
	if statusFD != 0 || closedDescriptor <= f.reason && f.reason <= execFailed {
		return statusFD
	}
	// The command line is wrong, and nothing has looked at the descriptor yet.
	argv := pointers(args)
	var p policy
	p.parse(argv)
	p.checkDescriptors(argv)
	return statusFD
}

func printError(name string, m message) {
	out := ""
	if m.text != "" {
		out = name + ": error: " + m.text + "\n"
	}
	if m.hint != "" {
		out += name + ": hint: " + m.hint + "\n"
	}
	os.Stderr.WriteString(out)
}

// written returns the exit code of a report whose writing ended in err.
func written(err error, args []string) int {
	if err == nil && stdoutClosed {
		err = &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EBADF}
	}
	if err == nil {
		return 0
	}
	reportError = quotedError(err)
	return complain(failure{reason: reportUnwritten}, args)
}

// quotedError is what an error says, with its path quoted.
func quotedError(err error) string {
	if e, is := err.(*os.PathError); is {
		return e.Op + " " + quote(e.Path) + ": " + e.Err.Error()
	}
	return err.Error()
}

// print writes a report to stdout.
func print(text string, args []string) int {
	_, err := os.Stdout.WriteString(text)
	return written(err, args)
}

// printOwn prints a report about this program, and says on stderr which build it is, where that is the plain one.
func printOwn(text string, args []string) int {
	code := print(text, args)
	if code == 0 && plainBuild {
		printError(ownName(args), failure{reason: developmentBuild}.message(args))
	}
	return code
}

// buildLine is what --version prints.
func buildLine() string {
	form := "release"
	if plainBuild {
		form = "plain"
	}
	return "snib " + version + ", " + form + ", " + runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + "\n"
}

// report is the report that a command line asks for.
type report struct {
	kind optionID // optExplain, optBPF, optWhy, optStatus, optHelp or optVersion; 0: nothing
	json bool
	abi  int    // for another kernel; negative: for this one
	file string // for --bpf
}

// takeReport splits a command line of snib's own into the report that it asks for and the rest, in which the launch's parser finds
// what is wrong besides. f names a word of args.
func takeReport(args []string) (rest []string, r report, f failure) {
	r.abi = -1
	if len(args) == 0 || isHelper(baseName(args[0])) {
		return args, r, f
	}
	argv := pointers(args)
	abiAt := 0
	rest = append(rest, args[0])
	i := 1
	for isOption(word(argv, i)) {
		id, value, next, why := nextOption(reportOptions[:], argv, i)
		if why == unknownOption {
			if id, _, next, why = nextOption(ownOptions[:], argv, i); why != noReason {
				break
			}
			rest = append(rest, args[i:next]...)
			if i = next; id == optAs {
				break
			}
			continue
		}
		before := r.kind
		switch id {
		case optHelp, optVersion:
			r.kind = id
			return rest, r, failure{}
		case optExplain, optStatus, optWhy, optBPF:
			r.kind, r.json = id, value == "json"
			if id == optBPF {
				r.file, r.json = strings.Clone(value), false
			}
		case optABI:
			n, valid := number(value)
			if r.abi, abiAt = n, i; !valid {
				return nil, r, failure{reason: badABI, arg: next - 1}
			}
		}
		switch {
		case why != noReason:
			return nil, r, failure{reason: why, arg: i}
		case id == optBPF && value == "":
			return nil, r, failure{reason: emptyPath, arg: i}
		case (id == optExplain || id == optStatus || id == optWhy) && value != "json" && (value != "" || strings.Contains(args[i], "=")):
			return nil, r, failure{reason: badFormat, arg: i}
		case before != 0 && id != optABI:
			return nil, r, failure{reason: secondReport, arg: i}
		}
		i = next
	}
	switch {
	case abiAt != 0 && r.kind != optExplain && r.kind != optBPF:
		return nil, r, failure{reason: abiWithoutReport, arg: abiAt}
	case r.kind == optStatus && len(rest)+len(args[i:]) > 1:
		other := slices.IndexFunc(args[1:], func(s string) bool { return s != "--status" && s != "--status=json" })
		return nil, r, failure{reason: reportWithCommand, arg: other + 1}
	}
	return append(rest, args[i:]...), r, failure{}
}

// give prints the report for the rest of the command line, and returns the exit code.
func (r *report) give(args []string) int {
	switch r.kind {
	case optHelp:
		return print(help(args), args)
	case optVersion:
		return printOwn(buildLine(), args)
	case optStatus:
		status := newKernelStatus()
		return max(printOwn(status.text(r.json), args), status.exitCode())
	case optWhy:
		code, f := giveWhy(args, r.json)
		if f.reason != noReason {
			return complain(f, args)
		}
		return code
	}
	argv, envp := pointers(args), pointers(runtimeEnvs())
	var p policy
	if f := p.parse(argv); f.reason != noReason && f.reason != noCommand {
		return complain(f, args)
	}
	done := rehearse(&p, argv, envp, r.abi)
	if done.failure.reason != noReason && p.commandAt < len(args) {
		done.why = done.failure.message(args).text
	}
	switch {
	case r.kind == optBPF && done.failure.reason != noReason && done.failure.reason != execFailed:
		return complain(done.failure, args) // there is no filter
	case r.kind == optBPF:
		return written(done.writeFilter(r.file), args)
	case r.json:
		return print(done.json(&p, args[min(p.commandAt, len(args)):]), args)
	}
	from := "this kernel"
	if r.abi >= 0 {
		from = "--abi"
	}
	return print(done.text(&p, args[min(p.commandAt, len(args)):], from), args)
}

func help(args []string) string {
	usage := []string{"[OPTION]... [--] COMMAND [ARG]..."}
	about := `Run COMMAND with reads allowed everywhere, writes only beneath the given paths
and to /dev/null, and without a network.
`
	options := append(ownOptions[:len(ownOptions):len(ownOptions)], reportOptions[:]...)
	if isHelper(ownName(args)) || helperNamed(args) != "" {
		usage = []string{
			"[-s PERM]... -- COMMAND [ARG]...",
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
		options = append(helperOptions[:len(helperOptions):len(helperOptions)], option{optHelp, 'h', "--help", "", "print this help"})
	}
	var out strings.Builder
	for i, line := range usage {
		out.WriteString([]string{"usage: ", "       ", "       "}[i] + callerName(args) + " " + line + "\n")
	}
	out.WriteString("\n" + about + "\n")
	for _, o := range options {
		if o.help == "" {
			continue
		}
		line := "      "
		if o.short != 0 {
			line = "  -" + string(o.short) + ", "
		}
		line += o.long
		switch {
		case o.value == "":
		case o.value[0] == '[':
			line += "[=" + o.value[1:]
		default:
			line += " " + o.value
		}
		out.WriteString(line + strings.Repeat(" ", max(1, 35-len(line))) + o.help + "\n")
	}
	out.WriteString(`
Exit status: 125 snib failed and ran nothing, 126 cannot execute, 127 not found.
`)
	return out.String()
}
