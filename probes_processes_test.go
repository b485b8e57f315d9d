package main

// Probes of other processes: their memory, descriptors, limits, keys and namespaces.

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

var processProbes = map[string]func(args []string) error{
	"readVM": intruder(func(p process) error {
		got := make([]byte, len(waitingMemory))
		local := []unix.Iovec{{Base: &got[0], Len: uint64(len(got))}}
		if _, err := unix.ProcessVMReadv(p.pid, local, []unix.RemoteIovec{{Base: p.memory, Len: len(got)}}, 0); err != nil {
			return err
		}
		return errors.New(string(got))
	}),
	"writeVM": intruder(func(p process) error {
		value := []byte("written.")
		local := []unix.Iovec{{Base: &value[0], Len: uint64(len(value))}}
		_, err := unix.ProcessVMWritev(p.pid, local, []unix.RemoteIovec{{Base: p.memory, Len: len(value)}}, 0)
		return err
	}),
	"attach": intruder(func(p process) error {
		if err := unix.PtraceAttach(p.pid); err != nil {
			return err
		}
		return p.poke("attached")
	}),
	"seize": intruder(func(p process) error {
		if err := unix.PtraceSeize(p.pid); err != nil {
			return err
		}
		if err := unix.PtraceInterrupt(p.pid); err != nil {
			return err
		}
		return p.poke("seized..")
	}),
	"getFD": intruder(func(p process) error {
		pidfd, err := unix.PidfdOpen(p.pid, 0)
		if err != nil {
			return err
		}
		fd, err := unix.PidfdGetfd(pidfd, p.fd, 0)
		if err != nil {
			return err
		}
		_, err = unix.Pwrite(fd, []byte("taken..."), 0)
		return err
	}),
	"onOwn":   onOwn,
	"traceMe": beTraced,
	"forkForCaller": func([]string) error {
		_, err := syscall.ForkExec("/proc/self/exe", []string{"probe", "read", "/"}, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_PARENT}})
		return err
	},
	"clone3": func([]string) error { return rawErrno(unix.SYS_CLONE3, 0, 0, 0, 0) },
	"readLimit": onPID(func(pid int) error {
		var limit unix.Rlimit
		if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit); err != nil {
			return err
		}
		return fmt.Errorf("%d", limit.Cur)
	}),
	"lowerLimit": onPID(func(pid int) error {
		return lowerLimit(pid, func(limit *unix.Rlimit) error { return unix.Prlimit(pid, unix.RLIMIT_NOFILE, limit, nil) })
	}),
	// The kernel takes 32 bits of a pid.
	"lowerLimitWide": onPID(func(pid int) error {
		return lowerLimit(pid, func(limit *unix.Rlimit) error {
			return rawErrno(unix.SYS_PRLIMIT64, 1<<32|uintptr(pid), unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(limit)), 0)
		})
	}),
	// A pointer that is not null has a low half that may be zero.
	"lowerLimitFar": onPID(func(pid int) error {
		far, err := unix.MmapPtr(-1, 0, unsafe.Add(unsafe.Pointer(nil), 1<<32), uintptr(os.Getpagesize()),
			unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED_NOREPLACE)
		if err != nil {
			return fmt.Errorf("mmap: %v", err)
		}
		if uint32(uintptr(far)) != 0 {
			return fmt.Errorf("mmap: %p", far)
		}
		return lowerLimit(pid, func(limit *unix.Rlimit) error {
			*(*unix.Rlimit)(far) = *limit
			return unix.Prlimit(pid, unix.RLIMIT_NOFILE, (*unix.Rlimit)(far), nil)
		})
	}),
	"ownLimits": lowerOwn,
	"bpf":       func([]string) error { return rawErrno(unix.SYS_BPF, ^uintptr(0), 0, 0, 0) },
	"perf":      func([]string) error { return rawErrno(unix.SYS_PERF_EVENT_OPEN, 0, 0, 0, 0) },
	"setns": func([]string) error {
		fd, err := unix.Open("/proc/self/ns/uts", unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		return unix.Setns(fd, unix.CLONE_NEWUTS)
	},
	"setHostname":  func([]string) error { return unix.Sethostname([]byte("inside")) },
	"inNamespaces": inNamespaces,
	"readKey": onKey(func(id int, _ string) error {
		payload, err := readKey(id)
		if err != nil {
			return err
		}
		return errors.New(payload)
	}),
	"findKey": onKey(func(_ int, name string) error { _, err := unix.RequestKey("user", name, "", 0); return err }),
	"updateKey": onKey(func(id int, _ string) error {
		_, err := unix.KeyctlBuffer(unix.KEYCTL_UPDATE, id, []byte("updated"), 0)
		return err
	}),
	"addKey": onKey(func(_ int, name string) error {
		_, err := unix.AddKey("user", name, []byte("added"), unix.KEY_SPEC_SESSION_KEYRING)
		return err
	}),
	"unlinkKey": onKey(func(id int, _ string) error {
		_, err := unix.KeyctlInt(unix.KEYCTL_UNLINK, id, unix.KEY_SPEC_SESSION_KEYRING, 0, 0)
		return err
	}),
}

// intruder makes a probe of something done to another process.
func intruder(op func(p process) error) func(args []string) error {
	return func(a []string) error {
		runtime.LockOSThread() // a tracer is a thread
		return op(process{atoi(a[0]), uintptr(atoi(a[1])), atoi(a[2])})
	}
}

func onPID(op func(pid int) error) func(args []string) error {
	return func(a []string) error { return op(atoi(a[0])) }
}

func onKey(op func(id int, name string) error) func(args []string) error {
	return func(a []string) error { return op(atoi(a[0]), a[1]) }
}

// process is another process: what there is of it to get at.
type process struct {
	pid    int
	memory uintptr // of waitingMemory
	fd     int     // of a file in memory
}

func (p process) args() []string {
	return []string{fmt.Sprint(p.pid), fmt.Sprintf("%#x", p.memory), fmt.Sprint(p.fd)}
}

// poke waits for a traced process to stop, changes its memory and lets it go.
func (p process) poke(value string) error {
	if _, err := unix.Wait4(p.pid, nil, unix.WALL, nil); err != nil {
		return fmt.Errorf("wait: %v", err)
	}
	if _, err := unix.PtracePokeData(p.pid, p.memory, []byte(value)); err != nil {
		return fmt.Errorf("poke: %v", err)
	}
	return unix.PtraceDetach(p.pid)
}

// onOwn intrudes into a process that the command started itself, and returns the outcomes and the state it leaves.
func onOwn(args []string) error {
	child, err := startWaiting(args[0])
	if err != nil {
		return fmt.Errorf("start: %v", err)
	}
	defer child.end()
	outcomes := attempt(intrude(child.process))
	state, err := child.state()
	if err != nil {
		return fmt.Errorf("%v: %v", outcomes, err)
	}
	return fmt.Errorf("%v: %s", outcomes, state)
}

// beTraced makes the process's parent its tracer, and has itself signalled, at which a traced process stops.
func beTraced([]string) error {
	runtime.LockOSThread()
	if err := rawErrno(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0, 0); err != nil {
		return err
	}
	return unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGWINCH)
}

// lowerLimit lowers the soft limit of a process's descriptors by one.
func lowerLimit(pid int, set func(limit *unix.Rlimit) error) error {
	var limit unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit); err != nil {
		return fmt.Errorf("reading: %v", err)
	}
	limit.Cur--
	return set(&limit)
}

// lowerOwn lowers its own limit by each of the calls that are there for it, and reads it by each.
func lowerOwn([]string) error {
	for _, set := range []func(limit *unix.Rlimit) error{
		func(limit *unix.Rlimit) error { return unix.Prlimit(0, unix.RLIMIT_NOFILE, limit, nil) },
		func(limit *unix.Rlimit) error {
			return rawErrno(unix.SYS_PRLIMIT64, 1<<32, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(limit)), 0)
		},
		func(limit *unix.Rlimit) error {
			return rawErrno(unix.SYS_SETRLIMIT, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(limit)), 0, 0)
		},
	} {
		var before, after unix.Rlimit
		if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &before); err != nil {
			return err
		}
		if err := lowerLimit(os.Getpid(), set); err != nil {
			return err
		}
		if err := unix.Prlimit(os.Getpid(), unix.RLIMIT_NOFILE, nil, &after); err != nil {
			return err
		}
		if after.Cur != before.Cur-1 {
			return fmt.Errorf("%d after %d", after.Cur, before.Cur)
		}
	}
	return nil
}

// inNamespaces does an operation as root of a user namespace of its own.
func inNamespaces(args []string) error {
	cmd := exec.Command(os.Args[0], args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWUTS,
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN},
	}
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	return errors.New(strings.TrimSpace(string(out)))
}

func readKey(id int) (string, error) {
	payload := make([]byte, 64)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, payload, 0)
	if err != nil {
		return "", err
	}
	return string(payload[:n]), nil
}
