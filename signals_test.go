package main

// Signals: with snib's own options they reach the command's own processes only, from Landlock's ABI 6 on; --signals, and the helper's
// grammars, leave them alone.

import (
	"fmt"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func init() {
	for name, send := range map[string]func(pid int, sig unix.Signal) error{
		"kill":       unix.Kill,
		"tgkill":     func(pid int, sig unix.Signal) error { return unix.Tgkill(pid, pid, sig) },
		"pidfd":      signalByDescriptor,
		"queued":     queueSignal,
		"owner":      signalByOwner,
		"group":      func(pid int, sig unix.Signal) error { return signalByGroup(pid, sig, setOwnerGroup) },
		"groupEx":    func(pid int, sig unix.Signal) error { return signalByGroup(pid, sig, setOwnerEx) },
		"groupIoctl": func(pid int, sig unix.Signal) error { return signalByGroup(pid, sig, setOwnerIoctl) },
		"groupSocket": func(pid int, sig unix.Signal) error {
			return signalByGroup(pid, sig, func(fd, group int) error {
				return unix.IoctlSetPointerInt(fd, unix.SIOCSPGRP, -group)
			})
		},
		"own":        func(int, unix.Signal) error { return signalOwn() },
		"ownThreads": func(int, unix.Signal) error { return unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGURG) },
	} {
		probes["signal "+name] = func(a []string) error {
			if len(a) == 0 {
				return send(0, unix.SIGTERM)
			}
			return send(atoi(a[0]), unix.SIGTERM)
		}
	}
}

func signalByDescriptor(pid int, sig unix.Signal) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.PidfdSendSignal(fd, sig, nil, 0)
}

// queueSignal is sigqueue(3).
func queueSignal(pid int, sig unix.Signal) error {
	info := unix.Siginfo{Signo: int32(sig), Code: -1} // SI_QUEUE
	return rawErrno(unix.SYS_RT_SIGQUEUEINFO, uintptr(pid), uintptr(sig), uintptr(unsafe.Pointer(&info)), 0)
}

const setSignal = 10 // F_SETSIG

// signalByOwner makes the process the owner of a pipe, which the kernel then signals when something is written (fcntl(2), F_SETOWN).
func signalByOwner(pid int, sig unix.Signal) error {
	return signalOwner(sig, func(fd int) error {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_SETOWN, pid)
		return err
	})
}

// signalByGroup joins the group that the process leads, makes it the owner of a socket and survives the signal itself.
func signalByGroup(pid int, sig unix.Signal, setOwner func(fd, group int) error) error {
	signal.Ignore(sig)
	if err := unix.Setpgid(0, pid); err != nil {
		return err
	}
	return signalOwner(sig, func(fd int) error { return setOwner(fd, pid) })
}

func setOwnerGroup(fd, group int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETOWN, -group)
	return err
}

func setOwnerEx(fd, group int) error {
	owner := [2]int32{2, int32(group)} // F_OWNER_PGRP in struct f_owner_ex (fcntl(2))
	return rawErrno(unix.SYS_FCNTL, uintptr(fd), unix.F_SETOWN_EX, uintptr(unsafe.Pointer(&owner)), 0)
}

func setOwnerIoctl(fd, group int) error { return unix.IoctlSetPointerInt(fd, 0x8901, -group) } // FIOSETOWN

func signalOwner(sig unix.Signal, setOwner func(fd int) error) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	if err := setOwner(pair[0]); err != nil {
		return err
	}
	if _, err := unix.FcntlInt(uintptr(pair[0]), setSignal, int(sig)); err != nil {
		return err
	}
	if _, err := unix.FcntlInt(uintptr(pair[0]), unix.F_SETFL, unix.O_ASYNC); err != nil {
		return err
	}
	_, err = unix.Write(pair[1], []byte("x"))
	return err
}

// signalOwn ends a child by a signal.
func signalOwn() error {
	child := exec.Command("/proc/self/exe")
	child.Args = []string{"waiting"}
	stdin, err := child.StdinPipe()
	if err != nil {
		return err
	}
	defer stdin.Close()
	if err := child.Start(); err != nil {
		return err
	}
	if err := child.Process.Signal(unix.SIGTERM); err != nil {
		return err
	}
	child.Wait()
	if status := child.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != unix.SIGTERM {
		return fmt.Errorf("the child ended with %v", child.ProcessState)
	}
	return nil
}

// ended tells whether a process outside has ended by SIGTERM; one that has not is asked for its state, which it can only give alive.
func (a *another) ended(t testing.TB) bool {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := a.state()
		done <- err
	}()
	select {
	case err := <-done:
		return err != nil
	case <-time.After(launchTime):
		t.Fatal("neither ended nor alive")
		return false
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	confined := kernelABI() >= 6
	for _, c := range []struct {
		launcher []string
		closed   bool
	}{
		{[]string{"snib", "--"}, true},
		{[]string{"snib", "-w", "/", "--network", "--"}, true},
		{[]string{"snib", "--signals", "--"}, false},
		{[]string{"codex-linux-sandbox", "--"}, false},
		{[]string{"codex-linux-sandbox", "/nonexistent", `{"mode":"read-only"}`, "--"}, false},
		{workspace(t), false},
		{nil, false}, // the control
	} {
		t.Run(strings.Join(c.launcher, " "), func(t *testing.T) {
			for _, how := range []string{"kill", "tgkill", "pidfd", "queued", "owner", "group", "groupEx", "groupIoctl", "groupSocket"} {
				other := outside(t)
				filtered := slices.Contains([]string{"owner", "group", "groupEx", "groupIoctl", "groupSocket"}, how)
				got := release.outcome(t, c.launcher, "signal "+how, fmt.Sprint(other.pid))
				denied := c.closed && (confined || filtered)
				want := "ok"
				if denied {
					want = "EPERM"
				}
				if got != want {
					t.Errorf("%s: %s, want %s", how, got, want)
				}
				if ended := other.ended(t); ended == denied {
					t.Errorf("%s: a process outside ended: %v, want %v", how, ended, !denied)
				}
			}
			if got := release.outcome(t, c.launcher, "each", "signal own", ",", "signal ownThreads"); got != "ok ok" {
				t.Errorf("its own: %s", got)
			}
		})
	}
}

// --signals gives up what goes with it: limits, and making the caller a tracer.
func TestSignalsOpenLimits(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	for _, c := range []struct {
		argv          []string
		limit, tracer string
	}{
		{[]string{"snib", "--"}, "EPERM", "EPERM untraced"},
		{[]string{"snib", "--signals", "--"}, "ok", "ok traced"},
		{[]string{"snib", "--network", "--signals", "--"}, "ok", "ok traced"},
	} {
		other := outside(t)
		if got := release.outcome(t, c.argv, "lowerLimit", fmt.Sprint(other.pid)); got != c.limit {
			t.Errorf("%q: limits: %s, want %s", c.argv, got, c.limit)
		}
		r := start(t, rolePath("caller"), slices.Concat([]string{"caller", release.path}, c.argv, []string{probePath, "traceMe"}), nil)
		if strings.TrimSpace(r.stdout) != c.tracer {
			t.Errorf("%q: the caller as a tracer: %+v, want %s", c.argv, r, c.tracer)
		}
	}
}
