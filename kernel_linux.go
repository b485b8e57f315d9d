package main

// The kernel: systemCall, what it answers, and the wrappers that belong to no other room. This file runs in the restricted
// context described at the head of launch_linux.go.
//
// Memory whose address goes to the kernel is that of shared, finding, linking, hiding, protecting, namespaces, a constant, a path of
// policy.go, or the kernel's own argv or envp, never on the stack. So a Go function can stand in for systemCall: no stack that moves
// holds what an address points to.

import (
	"syscall"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// systemCall makes the system call nr. It returns the kernel's raw answer; result and exactlyZero split it into value and
// errno. It is assembly (entry_amd64.s, entry_arm64.s) and leaves by a jump: the processor predicts a return instruction by
// the calls before it, and may have lost those in the kernel. For the same reason the wrappers that are used for every path
// are small enough to be inlined.
//
// --explain and tests replace it by way of withKernel.
var systemCall func(nr, a1, a2, a3, a4, a5 uintptr) uintptr

// result splits an answer of systemCall: an errno is from 1 to 4095 (MAX_ERRNO in linux/err.h).
func result(r uintptr) (value int, errno syscall.Errno) {
	if r > ^uintptr(4095) {
		return -1, syscall.Errno(-r)
	}
	return int(r), 0
}

// exactlyZero makes any answer but the documented 0 a failure: what is in force then is not known.
func exactlyZero(r uintptr) syscall.Errno {
	value, errno := result(r)
	if errno == 0 && value != 0 {
		return unix.EPROTO
	}
	return errno
}

// sharedMemory is what system calls read and write, in one place: the first use of a page costs as much as some ten of these calls.
type sharedMemory struct {
	socketValue       int32
	socketValueSize   uint32
	capabilityHeader  unix.CapUserHeader
	capabilities      [2]unix.CapUserData // to be had, and set
	capabilitiesAfter [2]unix.CapUserData
	ruleset           unix.LandlockRulesetAttr
	rule              unix.LandlockPathBeneathAttr
	port              netPortAttr
	sockFprog         sockFprog
	sigpipe           unix.Sigset_t
	signalsBefore     unix.Sigset_t
	filter            [maxInstructions]bpf.RawInstruction

	// path is being opened or executed, NUL-terminated. After a failure whose message names a path, that path.
	path [unix.PathMax]byte
}

const pageSize = 4096 // the smallest that a kernel has

// sharedPages has room for sharedMemory at the start of a page, so that what stands before path is on one page wherever the linker puts
// this: Go itself aligns no variable to more than 32 bytes.
var sharedPages [unsafe.Sizeof(sharedMemory{}) + pageSize]byte

var _ = [1]struct{}{}[unsafe.Offsetof(sharedMemory{}.path)/pageSize]

func shared() *sharedMemory {
	return (*sharedMemory)(unsafe.Pointer((uintptr(unsafe.Pointer(&sharedPages)) + pageSize - 1) &^ (pageSize - 1)))
}

// maxInstructions bounds every filter. A conditional jump reaches 255 instructions, so any two can be joined. The longest has 213.
const maxInstructions = 232

// netPortAttr is struct landlock_net_port_attr (linux/landlock.h).
type netPortAttr struct{ access, port uint64 }

// sockFprog is struct sock_fprog (linux/filter.h), with an address for a pointer: storing a pointer would compile to a write
// barrier.
type sockFprog struct {
	length uint16
	code   uintptr
}

var _ = [1]struct{}{}[unsafe.Offsetof(sockFprog{}.code)-unsafe.Offsetof(unix.SockFprog{}.Filter)]

// openat returns a descriptor that the caller owns and that is close-on-exec, for result to split: so it is inlined.
func openat(dir int, name *byte, flags uintptr) uintptr {
	return systemCall(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(name)), flags|unix.O_CLOEXEC, 0, 0)
}

// exhausted tells whether an open failed for want of something that is no property of the path.
func exhausted(errno syscall.Errno) bool {
	return errno == unix.EMFILE || errno == unix.ENFILE || errno == unix.ENOMEM
}

// setPath keeps a path for a message, as far as it fits.
func setPath(name string) {
	n := copy(shared().path[:len(shared().path)-1], name)
	shared().path[n] = 0
}

// closeFD ignores failure: Linux has freed the descriptor even then (close(2)).
func closeFD(fd int) { systemCall(unix.SYS_CLOSE, uintptr(fd), 0, 0, 0, 0) }

// closeRange closes the descriptors from first to last; those that are not open are no failure. Linux has it since 5.9.
func closeRange(first, last int) syscall.Errno {
	return exactlyZero(systemCall(unix.SYS_CLOSE_RANGE, uintptr(first), uintptr(last), 0, 0, 0))
}

// fcntl makes the commands of fcntl(2) that take a number.
func fcntl(fd int, command, arg uintptr) (value int, errno syscall.Errno) {
	return result(systemCall(unix.SYS_FCNTL, uintptr(fd), command, arg, 0, 0))
}

// socketOption returns an option of SOL_SOCKET that is an int. ENOTSOCK: the descriptor is no socket.
func socketOption(fd, option int) (value int, errno syscall.Errno) {
	shared().socketValueSize = uint32(unsafe.Sizeof(shared().socketValue))
	errno = exactlyZero(systemCall(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, uintptr(option),
		uintptr(unsafe.Pointer(&shared().socketValue)), uintptr(unsafe.Pointer(&shared().socketValueSize))))
	return int(shared().socketValue), errno
}

// capabilityCall makes capget(2) or capset(2) for the calling thread.
func capabilityCall(nr uintptr, data *[2]unix.CapUserData) syscall.Errno {
	shared().capabilityHeader.Version = unix.LINUX_CAPABILITY_VERSION_3
	return exactlyZero(systemCall(nr, uintptr(unsafe.Pointer(&shared().capabilityHeader)), uintptr(unsafe.Pointer(data)), 0, 0, 0))
}

// keptCapabilities are those that root keeps: what overrides the permissions of files and lets it become another user. Each
// of the others changes the machine, or leads around Landlock or the filter.
const keptCapabilities = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FOWNER | 1<<unix.CAP_KILL | 1<<unix.CAP_SETGID |
	1<<unix.CAP_SETUID | 1<<unix.CAP_SETPCAP | 1<<unix.CAP_NET_BIND_SERVICE | 1<<unix.CAP_SYS_CHROOT

// reduceCapabilities leaves the calling thread none but those of keptCapabilities. With no_new_privs execve(2) gives none
// back (capabilities(7)).
func reduceCapabilities() syscall.Errno {
	held, after := &shared().capabilities, &shared().capabilitiesAfter
	if errno := capabilityCall(unix.SYS_CAPGET, held); errno != 0 {
		return errno
	}
	reduced := uint32(0)
	for i := range held {
		c, kept := &held[i], uint32(uint64(keptCapabilities)>>(32*uint(i)))
		reduced |= (c.Permitted | c.Inheritable) &^ kept
		c.Effective &= kept
		c.Permitted &= kept
		c.Inheritable &= kept
	}
	if reduced == 0 {
		return 0
	}
	if errno := capabilityCall(unix.SYS_CAPSET, held); errno != 0 {
		return errno
	}
	if errno := capabilityCall(unix.SYS_CAPGET, after); errno != 0 {
		return errno
	}
	for i := range held {
		is, want := &after[i], &held[i]
		if is.Effective != want.Effective || is.Permitted != want.Permitted || is.Inheritable != want.Inheritable {
			return unix.EPROTO
		}
	}
	return 0
}

func setNoNewPrivs() syscall.Errno {
	return exactlyZero(systemCall(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
}

// blockSIGPIPE blocks the signal, and unblockSIGPIPE puts the mask back as it was.
func blockSIGPIPE() syscall.Errno {
	shared().sigpipe.Val[0] = 1 << (unix.SIGPIPE - 1)
	return exactlyZero(systemCall(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, uintptr(unsafe.Pointer(&shared().sigpipe)),
		uintptr(unsafe.Pointer(&shared().signalsBefore)), unsafe.Sizeof(shared().sigpipe.Val[0]), 0))
}

func unblockSIGPIPE() syscall.Errno {
	return exactlyZero(systemCall(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&shared().signalsBefore)),
		0, unsafe.Sizeof(shared().sigpipe.Val[0]), 0))
}

// write writes a constant. A part of it is a failure.
func write(fd int, s string) syscall.Errno {
	n, errno := result(systemCall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.StringData(s))), uintptr(len(s)), 0, 0))
	if errno == 0 && n != len(s) {
		errno = unix.EIO
	}
	return errno
}

// execve returns only on failure.
func execve(name *byte, argv, envp **byte) syscall.Errno {
	_, errno := result(systemCall(unix.SYS_EXECVE,
		uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(argv)), uintptr(unsafe.Pointer(envp)), 0, 0))
	return errno
}
