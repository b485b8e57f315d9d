package main

// --why: the command, run as always and watched from outside. This program executes itself with the other words, so the launch, its policy
// and its order are the very same; the tracer (denials_trace.go) is another process, which is not in the sandbox and gives
// the command nothing.

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// giveWhy runs the command of a command line, from which --why is gone, and then says what it was denied. It returns the exit code, or a
// failure, after which nothing has run.
func giveWhy(args []string, asJSON bool) (code int, f failure) {
	argv, envp := pointers(args), pointers(runtimeEnvs())
	var p policy
	if f := p.parse(argv); f.reason != noReason {
		return 0, f
	}
	run := &whyRun{words: args, envp: runtimeEnvs(), uid: os.Geteuid()}
	run.cwd, _ = os.Getwd()
	if home := getenv(envp, "HOME="); home != nil {
		run.home = text(home)
	}
	run.rehearsal = rehearse(&p, argv, envp, -1)
	run.policy, run.abi = &p, run.rehearsal.abi
	statusFD = 0 // the launch says what becomes of it; only if there is none, this process does

	program := ownFile()
	if program == nil {
		return 0, failure{reason: whyNoProgram}
	}
	t := newTracer(run)
	onThread(func() { f = t.trace(program, argv, envp) })
	runtime.KeepAlive(argv)
	runtime.KeepAlive(envp)
	if f.reason != noReason {
		return 0, f
	}
	run.exit = t.status.ExitStatus()
	if t.status.Signaled() {
		run.exit = 128 + int(t.status.Signal())
	}
	if t.launched {
		run.loopbackFails = func() string { return tryLaunch("--loopback") }
		run.suggest()
		report := run.text()
		if asJSON {
			report = run.json()
		}
		// The exit code is the command's, whether or not anybody reads this.
		_, _ = os.Stderr.WriteString(report)
	}
	if t.status.Signaled() {
		dieBy(t.status.Signal())
	}
	return run.exit, failure{}
}

// dieBy ends this process as the command ended: by a signal, but without a core of its own.
func dieBy(number syscall.Signal) {
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	var action [4]uint64 // struct sigaction of the kernel, with SIG_DFL
	_, _, _ = syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(number), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	mask := uint64(1) << (number - 1)
	_, _, _ = syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_UNBLOCK, uintptr(unsafe.Pointer(&mask)), 0, 8, 0, 0)
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), number)
}
