// Snib runs an untrusted command under Landlock, a seccomp filter and no_new_privs: it restricts itself, then becomes the
// command.
//
// This file is the side of the program that has the Go runtime: help, messages and exit codes. What is restricted is
// decided and done in launch, which has usually run before main starts.
package main

import (
	"os"
	"runtime"
	"strings"
	"syscall"
	_ "unsafe" // for go:linkname
)

const version = "0.1.0"

// Exit codes that are snib's own; any other is the command's.
const (
	exitUsage      = 2
	exitSandbox    = 125 // the sandbox could not be applied
	exitCannotExec = 126
	exitNotFound   = 127

	exitUnwritten = 1 // what was asked for instead of a launch could not be written
)

// The launch stays on the thread that the process started with.
func init() { runtime.LockOSThread() }

func main() {
	if outcome.reason == noReason {
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
	f := launch(argv, envp)
	runtime.KeepAlive(argv)
	runtime.KeepAlive(envp)
	return f
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
	caller := name
	if as := helperNamed(args); as != "" {
		caller, helper = name+" --as "+as, true
	}
	switch f.reason {
	case wantHelp:
		return printReport(name, help(caller, helper))
	case wantVersion:
		return printReport(name, "snib "+version+"\n")
	case wantRequested:
		return answer(name, args)
	}
	message, hint := explainFailure(f, args)
	if hint == "" && f.reason < wantObject {
		hint = quote(caller+" --help") + " prints the usage"
	}
	printError(name, message, hint)
	return exitCode(f, args)
}

// helperNamed returns the helper that --as names, or "".
func helperNamed(args []string) string {
	argv, err := syscall.SlicePtrFromStrings(args)
	if err != nil {
		panic(err)
	}
	var p policy
	p.parse(argv)
	if p.start == 0 {
		return ""
	}
	return strings.TrimPrefix(args[p.start], "--as=")
}

func printError(name, message, hint string) {
	message = name + ": error: " + message + "\n"
	if hint != "" {
		message += name + ": hint: " + hint + "\n"
	}
	os.Stderr.WriteString(message)
}

// printReport writes to stdout, and returns the exit code.
func printReport(name, text string) int {
	_, err := os.Stdout.WriteString(text)
	return reported(name, err)
}

// reported returns the exit code for a report whose writing ended in err.
func reported(name string, err error) int {
	if err == nil {
		return 0
	}
	message := err.Error()
	if e, is := err.(*os.PathError); is {
		message = e.Op + " " + quote(e.Path) + ": " + e.Err.Error()
	}
	printError(name, message, "")
	return exitUnwritten
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
	out := ""
	for i, line := range usage {
		out += []string{"usage: ", "       ", "       "}[i] + name + " " + line + "\n"
	}
	out += "\n" + about + "\n"
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
		out += line + strings.Repeat(" ", max(1, 35-len(line))) + o.help + "\n"
	}
	return out + `
Exit status: 2 usage or policy, 125 the sandbox could not be applied,
126 COMMAND cannot be executed, 127 COMMAND not found; otherwise COMMAND's own.
`
}
