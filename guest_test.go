package main

// The test binary as the only program of a guest: the kernel starts it as /init (test/kernels builds the initramfs). It
// makes the file systems that a program may expect, says what the kernel is, runs the suite as root and as an
// unprivileged user, and powers off. Its own lines on the console, which test/kernels reads, begin with "guest: ".

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// guestVariable is set where the machine is a guest's, and a test may change it.
const guestVariable = "SNIB_TEST_GUEST"

// guest is PID 1. Should it return or panic, the kernel panics too, which ends the guest as well.
func guest([]string) int {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "guest: not PID 1")
		return 1
	}
	if err := furnish(); err != nil {
		fmt.Println("guest: set up:", err)
	} else {
		describe()
		for _, u := range []struct {
			name string
			id   uint32
		}{{"root", 0}, {"user", 1000}} {
			fmt.Println("guest: begin", u.name)
			fmt.Println("guest: end", u.name, suite(u.id))
		}
	}
	fmt.Println("guest: power off", unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF))
	return 1
}

// furnish mounts, and brings loopback up.
func furnish() error {
	for _, m := range []struct{ kind, dir, options string }{
		{"devtmpfs", "/dev", ""},
		{"devpts", "/dev/pts", "ptmxmode=666"},
		{"tmpfs", "/dev/shm", "mode=1777"},
		{"proc", "/proc", ""},
		{"tmpfs", "/tmp", "mode=1777"},
		{"tmpfs", "/var/tmp", "mode=1777"},
	} {
		if err := os.MkdirAll(m.dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.dir, m.kind, 0, m.options); err != nil {
			return fmt.Errorf("mount %s: %w", m.dir, err)
		}
	}

	// From 6.2 on Debian's kernels refuse TIOCSTI by themselves; the suite wants to see it refused by the filter.
	err := os.WriteFile("/proc/sys/dev/tty/legacy_tiocsti", []byte("1"), 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}

	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// describe prints the kernel's release, its Landlock ABI, or the errno that stands for none, and its errata.
func describe() {
	var uts unix.Utsname
	unix.Uname(&uts)
	n, errno := landlockABI()
	abi := fmt.Sprint(n)
	switch errno {
	case 0:
	case unix.EOPNOTSUPP: // ErrnoName has this number as ENOTSUP
		abi = "EOPNOTSUPP"
	default:
		abi = errnoName(errno)
	}
	mask, _, errno := syscall.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_ERRATA)
	errata := fmt.Sprintf("%#x", mask)
	if errno != 0 {
		errata = "-"
	}
	fmt.Println("guest: kernel", unix.ByteSliceToString(uts.Release[:]), abi, errata)
}

// suite runs the tests as a user, in a session of their own and with a pipe for output as under "go test", and returns
// how they ended. It leaves no process behind. The flags are what follows "--" on the kernel's command line; 5.10 and 6.1
// do not give them to /init as arguments.
func suite(id uint32) string {
	self, err := os.Executable()
	if err != nil {
		return err.Error()
	}
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return err.Error()
	}
	_, flags, _ := strings.Cut(string(line), " -- ")
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err.Error()
	}
	defer null.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	// A Go program's runtime wakes up every 20 microseconds at first, which is dear under emulation: what sleeps may sleep longer here. Children
	// inherit the slack of the thread that starts them (PR_SET_TIMERSLACK(2const)).
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const slack = 10 * time.Millisecond
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack), 0, 0, 0); err != nil {
		return err.Error()
	}
	p, err := os.StartProcess(self, append([]string{self}, strings.Fields(flags)...), &os.ProcAttr{
		Dir:   filepath.Dir(self),
		Env:   []string{"PATH=/usr/bin:/bin", "HOME=/tmp", guestVariable + "=1"},
		Files: []*os.File{null, w, w},
		Sys:   &syscall.SysProcAttr{Setsid: true, Credential: &syscall.Credential{Uid: id, Gid: id}},
	})
	w.Close()
	if err != nil {
		return err.Error()
	}
	copied := make(chan struct{})
	go func() {
		io.Copy(os.Stdout, r)
		close(copied)
	}()

	end := ""
	for {
		// Orphans are PID 1's to reap, whose they were before: a test may wait for one to be gone.
		var status syscall.WaitStatus
		switch pid, err := syscall.Wait4(-1, &status, 0, nil); {
		case err == syscall.EINTR:
		case err != nil: // ECHILD
			<-copied
			return end
		case pid == p.Pid && status.Signaled():
			end = "signal " + status.Signal().String()
			syscall.Kill(-1, syscall.SIGKILL)
		case pid == p.Pid:
			end = fmt.Sprint("exit ", status.ExitStatus())
			syscall.Kill(-1, syscall.SIGKILL)
		}
	}
}
