package main

// Probes of what --why has to follow: forks of each kind, threads, executions, signals, what a command leaves behind.

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

var whyProbes = map[string]func(args []string) error{
	// A write that is denied, by the process itself after clone(2) with those flags.
	"forked":  func(a []string) error { return writeForked(a[0], uintptr(unix.SIGCHLD)) },
	"vforked": func(a []string) error { return writeForked(a[0], uintptr(unix.SIGCHLD)|unix.CLONE_VFORK) },
	"threads": func(a []string) error { return writeByThreads(a[0], atoi(a[1])) },
	// execve by a thread that is not the first: the others end, and it goes on in the place of the first.
	"becomeByThread": func(a []string) error {
		done := make(chan error)
		go func() {
			runtime.LockOSThread()
			done <- unix.Exec(a[0], append([]string{"probe"}, a[1:]...), os.Environ())
		}()
		return <-done
	},
	"spawn": func(a []string) error {
		out, err := exec.Command(a[0], a[1:]...).Output()
		if err != nil {
			return err
		}
		return errors.New(strings.TrimSpace(string(out)))
	},
	"die": func(a []string) error {
		sig := syscall.Signal(atoi(a[0]))
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
		dieBy(sig)
		return errors.New("alive")
	},
	// Many denials, each different.
	"manyDenied": func(a []string) error {
		for i := range atoi(a[0]) {
			if err := writeTo(fmt.Sprintf("%s/%d", a[1], i), unix.O_WRONLY|unix.O_CREAT); err != unix.EACCES {
				return fmt.Errorf("%d: %v", i, err)
			}
		}
		return nil
	},
	// A process that lives on in a session of its own, and has stdin and stdout.
	"leave": func(a []string) error {
		cmd := exec.Command(a[0], a[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		return cmd.Start()
	},
	// The same, and its end is waited for by vfork(2).
	"leaveVforking": func([]string) error {
		runtime.LockOSThread()
		if child, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0); errno != 0 || child != 0 {
			time.Sleep(200 * time.Millisecond) // it does what follows meanwhile; it need not
			return nil
		}
		var b [2]byte
		if child, _, _ := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD)|unix.CLONE_VFORK, 0, 0, 0, 0, 0); child == 0 {
			_, _, _ = rawRead(0, &b[0])
			_, _, _ = syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
		b[0], b[1] = 'v', '\n'
		_, _, _ = syscall.RawSyscall(unix.SYS_WRITE, 1, addressOfByte(&b[0]), 2)
		_, _, _ = syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		return nil
	},
	// It says that it is ready, prints the signals that come, and at SIGUSR2 how often each did.
	"count": func([]string) error {
		signals := make(chan os.Signal, 100)
		signal.Notify(signals)
		fmt.Println("ready")
		counts := map[os.Signal]int{}
		for s := range signals {
			if s == unix.SIGUSR2 {
				break
			}
			if s != unix.SIGURG {
				counts[s]++
				fmt.Println(s)
			}
		}
		return fmt.Errorf("%v", counts)
	},
	// It stops itself.
	"stop": func(a []string) error {
		fmt.Println("stopping")
		if err := signalSelf(syscall.Signal(atoi(a[0]))); err != nil {
			return err
		}
		return errors.New("continued")
	},
	// It stops, and a child, which runs the program given, lets it go on.
	"stopContinued": func(a []string) error {
		if err := exec.Command(a[0], "continueParent").Start(); err != nil {
			return err
		}
		if err := signalSelf(unix.SIGSTOP); err != nil {
			return err
		}
		return errors.New("continued")
	},
	"continueParent": func([]string) error {
		// Less and less often: it is not known when the parent stops, and where tracing is slow it may get nothing done between two signals.
		wait := 10 * time.Millisecond
		for parent := os.Getppid(); os.Getppid() == parent; wait *= 2 {
			_ = unix.Kill(parent, unix.SIGCONT)
			time.Sleep(wait)
		}
		return nil
	},
	"rawCall": func(a []string) error { return rawErrno(uintptr(atoi(a[0])), 0, 0, 0, 0) },
	"ready": func([]string) error {
		fmt.Println("ready")
		for {
			_ = unix.Pause()
		}
	},
}

// writeForked writes to a path in a child that clone(2) makes, and returns its errno.
func writeForked(path string, flags uintptr) error {
	runtime.LockOSThread()
	name, err := unix.BytePtrFromString(path)
	if err != nil {
		return err
	}
	child, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, flags, 0, 0, 0, 0, 0)
	if errno == 0 && child == 0 {
		_, _, errno := rawOpen(name, unix.O_WRONLY)
		_, _, _ = syscall.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(errno), 0, 0)
	}
	if errno != 0 {
		return errno
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(int(child), &status, 0, nil); err != nil {
		return err
	}
	return syscall.Errno(status.ExitStatus())
}

// writeByThreads writes to a path by several threads at a time.
func writeByThreads(path string, n int) (err error) {
	errs := make(chan error)
	for range n {
		go func() {
			runtime.LockOSThread()
			errs <- writeTo(path, unix.O_WRONLY)
		}()
	}
	for range n {
		err = <-errs
	}
	return err
}

//go:nosplit
func rawOpen(name *byte, flags uintptr) (uintptr, uintptr, syscall.Errno) {
	return syscall.RawSyscall6(unix.SYS_OPENAT, atFDCWD, uintptr(unsafe.Pointer(name)), flags, 0, 0, 0)
}

//go:nosplit
func rawRead(fd uintptr, b *byte) (uintptr, uintptr, syscall.Errno) {
	return syscall.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(b)), 1)
}

//go:nosplit
func addressOfByte(b *byte) uintptr { return uintptr(unsafe.Pointer(b)) }

// signalSelf sends a signal to the calling thread, which has it before this returns. One to the process may reach another thread, and
// later.
func signalSelf(sig syscall.Signal) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return unix.Tgkill(unix.Getpid(), unix.Gettid(), sig)
}
