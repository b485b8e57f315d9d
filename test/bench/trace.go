package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call is a system call as it was entered, with the memory that its arguments refer to.
type call struct {
	nr   uint64
	args [6]uint64 // a pointer to memory that is compared, or is written to by the kernel, is 0
	data []byte
}

func (c call) equal(d call) bool {
	return c.nr == d.nr && c.args == d.args && bytes.Equal(c.data, d.data)
}

// finds tells whether a call may be one of those by which --protect finds its path.
func (c call) finds() bool {
	switch c.nr {
	case unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_STATX, unix.SYS_READLINKAT, unix.SYS_CLOSE:
		return true
	}
	return false
}

// syscallInfo is struct ptrace_syscall_info of linux/ptrace.h, at the entry of a call.
type syscallInfo struct {
	op     uint8
	arch   uint32
	ip, sp uint64
	nr     uint64
	args   [6]uint64
}

const syscallEntry = 1 // PTRACE_SYSCALL_INFO_ENTRY

// trace starts a launcher and returns the calls that it makes before execve. The command does not run. The calling
// goroutine must be locked to its thread, which becomes the tracer.
func trace(argv []string) ([]call, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	pid := cmd.Process.Pid
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil || !status.Stopped() {
		return nil, fmt.Errorf("%q: wait status %#x: %v", argv, status, err)
	}
	if err := syscall.PtraceSetOptions(pid, unix.PTRACE_O_TRACESYSGOOD); err != nil {
		return nil, err
	}
	var calls []call
	for {
		if err := syscall.PtraceSyscall(pid, 0); err != nil {
			return nil, err
		}
		if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil || !status.Stopped() {
			return nil, fmt.Errorf("%q ended before execve: wait status %#x: %v", argv, status, err)
		}
		var info syscallInfo
		if _, _, errno := syscall.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(pid),
			unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0); errno != 0 {
			return nil, errno
		}
		if info.op != syscallEntry {
			continue
		}
		if info.nr == unix.SYS_EXECVE {
			return calls, nil
		}
		c, err := read(pid, info)
		if err != nil {
			return nil, err
		}
		calls = append(calls, c)
	}
}

// read takes a call's arguments, without those that the call has not got: registers hold what was left in them.
func read(pid int, info syscallInfo) (call, error) {
	c := call{nr: info.nr}
	used := 0
	pointer, size := -1, uint64(0) // an argument that points to memory
	switch info.nr {
	case unix.SYS_GETEUID, unix.SYS_GETEGID, unix.SYS_GETCWD, unix.SYS_READ, unix.SYS_OPENAT2, unix.SYS_STATX, unix.SYS_READLINKAT:
	case unix.SYS_CLOSE, unix.SYS_UNSHARE:
		used = 1
	case unix.SYS_CLOSE_RANGE, unix.SYS_GETSOCKOPT:
		used = 3 // of getsockopt, the rest is where the answer goes
	case unix.SYS_PRCTL:
		used = 5
	case unix.SYS_LANDLOCK_RESTRICT_SELF:
		used = 2
	case unix.SYS_CAPGET:
		pointer, size = 0, uint64(unsafe.Sizeof(unix.CapUserHeader{}))
	case unix.SYS_CAPSET:
		pointer, size = 1, uint64(unsafe.Sizeof([2]unix.CapUserData{})) // with another header it would fail
	case unix.SYS_OPENAT:
		used, pointer = 3, 1
	case unix.SYS_CHDIR:
		pointer = 0
	case unix.SYS_SOCKET:
		used = 3
	case unix.SYS_WRITE:
		used, pointer, size = 3, 1, info.args[2]
	case unix.SYS_IOCTL:
		used, pointer, size = 3, 2, 40 // struct ifreq
	// The descriptors of these depend on how many found the path.
	case unix.SYS_OPEN_TREE:
		c.args[2] = info.args[2]
	case unix.SYS_MOVE_MOUNT:
		c.args[4] = info.args[4]
	case unix.SYS_MOUNT_SETATTR:
		c.args[2] = info.args[2]
		pointer, size = 3, info.args[4]
	case unix.SYS_LANDLOCK_CREATE_RULESET:
		used, pointer, size = 3, 0, info.args[1]
	case unix.SYS_LANDLOCK_ADD_RULE:
		used, pointer, size = 4, 2, 12 // struct landlock_path_beneath_attr, packed
	case unix.SYS_SECCOMP:
		used, pointer, size = 3, 2, uint64(unsafe.Sizeof(unix.SockFprog{}))
	default:
		return c, fmt.Errorf("unexpected system call %d", info.nr)
	}
	copy(c.args[:used], info.args[:used])
	if pointer < 0 {
		return c, nil
	}
	address := uintptr(info.args[pointer])
	c.args[pointer] = 0
	path := info.nr == unix.SYS_OPENAT || info.nr == unix.SYS_CHDIR
	if path {
		size = unix.PathMax
	}
	c.data = make([]byte, size)
	n, err := syscall.PtracePeekData(pid, address, c.data)
	if path {
		c.data, _, _ = bytes.Cut(c.data[:n], []byte{0})
		return c, nil
	}
	if err == nil && info.nr == unix.SYS_SECCOMP {
		length := binary.NativeEndian.Uint16(c.data)
		address = uintptr(binary.NativeEndian.Uint64(c.data[unsafe.Offsetof(unix.SockFprog{}.Filter):]))
		c.data = make([]byte, int(length)*unix.SizeofSockFilter)
		_, err = syscall.PtracePeekData(pid, address, c.data)
	}
	return c, err
}

// policyHeader writes what a launch with one root passed to the kernel as constants of C. There are no capabilities where
// it had none to drop, and no maps where it made no user namespace.
func policyHeader(calls []call) []byte {
	var b bytes.Buffer
	unshared := uint64(0)
	fmt.Fprintf(&b, "static const struct { char file[32], text[32]; long size; } maps[] = {")
	for i, c := range calls {
		switch c.nr {
		case unix.SYS_UNSHARE:
			unshared = c.args[0]
		case unix.SYS_WRITE: // after openat
			fmt.Fprintf(&b, "{%q,%q,%d},", calls[i-1].data, c.data, len(c.data))
		}
	}
	fmt.Fprintf(&b, "};\nstatic const unsigned long unshared = %#x;\n", unshared)
	fmt.Fprintf(&b, "static const uint32_t capabilities[] = {")
	for _, c := range calls {
		for i := 0; c.nr == unix.SYS_CAPSET && i < len(c.data); i += 4 {
			fmt.Fprintf(&b, "%#x,", binary.NativeEndian.Uint32(c.data[i:]))
		}
	}
	fmt.Fprintf(&b, "};\n")
	names := []string{"access_slash", "access_null", "access_root"}
	for _, c := range calls {
		switch {
		case c.nr == unix.SYS_LANDLOCK_CREATE_RULESET && len(c.data) > 0:
			fmt.Fprintf(&b, "static const uint64_t handled[] = {")
			for i := 0; i < len(c.data); i += 8 {
				fmt.Fprintf(&b, "%#x,", binary.NativeEndian.Uint64(c.data[i:]))
			}
			fmt.Fprintf(&b, "};\n")
		case c.nr == unix.SYS_LANDLOCK_ADD_RULE && len(names) > 0:
			fmt.Fprintf(&b, "static const uint64_t %s = %#x;\n", names[0], binary.NativeEndian.Uint64(c.data))
			names = names[1:]
		case c.nr == unix.SYS_SECCOMP:
			fmt.Fprintf(&b, "static const struct sock_filter filter[] = {")
			for i := 0; i < len(c.data); i += unix.SizeofSockFilter {
				f := c.data[i:]
				fmt.Fprintf(&b, "{%#x,%d,%d,%#x},", binary.NativeEndian.Uint16(f), f[2], f[3], binary.NativeEndian.Uint32(f[4:]))
			}
			fmt.Fprintf(&b, "};\n")
		}
	}
	return b.Bytes()
}
