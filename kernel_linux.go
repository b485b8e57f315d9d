package main

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel: systemCall, what it answers, and the wrappers that belong to no other room. It runs in the restricted context described at the head of
// launch_linux.go.

// systemCall makes the system call nr. It returns what the kernel does: the result, or a negated errno, for result or
// exactlyZero to tell apart. It is assembly, in entry_amd64.s and entry_arm64.s, and jumps back: a processor predicts
// where a return instruction leads by the calls before it, and may have lost these in the kernel. For the same reason the
// wrappers that are used for every root are small enough to be inlined.
//
// The compiler does not know that an argument is a pointer. In a plain build a stack moves only where a compiled function
// is called, so not between the conversion to uintptr and the system call; what is on the heap, the caller must keep.
var systemCall func(nr, a1, a2, a3, a4, a5 uintptr) uintptr

// result takes apart what systemCall returned: an errno is from 1 to 4095 (MAX_ERRNO in linux/err.h).
func result(r uintptr) (value int, errno syscall.Errno) {
	if r > ^uintptr(4095) {
		return -1, syscall.Errno(-r)
	}
	return int(r), 0
}

// exactlyZero makes any result but the documented 0 a failure: what is in force then is not known.
func exactlyZero(r uintptr) syscall.Errno {
	value, errno := result(r)
	if errno == 0 && value != 0 {
		return unix.EPROTO
	}
	return errno
}

// openAt returns, for result to take apart, a close-on-exec descriptor that the caller owns.
func openAt(name *byte, flags uintptr) uintptr {
	cwd := unix.AT_FDCWD
	return systemCall(unix.SYS_OPENAT, uintptr(cwd), uintptr(unsafe.Pointer(name)), flags|unix.O_CLOEXEC, 0, 0)
}

// readDirectory fills buf with entries of a directory, and returns how many bytes of it; 0 at the end.
func readDirectory(fd int, buf []byte) (n int, errno syscall.Errno) {
	return result(systemCall(unix.SYS_GETDENTS64, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0))
}

// closeFD ignores failure: Linux has freed the descriptor even then (close(2)).
func closeFD(fd int) { systemCall(unix.SYS_CLOSE, uintptr(fd), 0, 0, 0, 0) }

func isOpen(fd int) bool {
	_, errno := result(systemCall(unix.SYS_FCNTL, uintptr(fd), unix.F_GETFD, 0, 0, 0))
	return errno == 0
}

func socketOption(fd, option int) (value int32, errno syscall.Errno) {
	size := uint32(unsafe.Sizeof(value))
	_, errno = result(systemCall(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, uintptr(option),
		uintptr(unsafe.Pointer(&value)), uintptr(unsafe.Pointer(&size))))
	return value, errno
}

func setNoNewPrivs() syscall.Errno {
	return exactlyZero(systemCall(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
}

func signalMask(how int, set, before *unix.Sigset_t) syscall.Errno {
	_, errno := result(systemCall(unix.SYS_RT_SIGPROCMASK, uintptr(how), uintptr(unsafe.Pointer(set)),
		uintptr(unsafe.Pointer(before)), unsafe.Sizeof(set.Val[0]), 0))
	return errno
}

// execve returns only on failure.
func execve(name *byte, argv, envp **byte) syscall.Errno {
	_, errno := result(systemCall(unix.SYS_EXECVE,
		uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(argv)), uintptr(unsafe.Pointer(envp)), 0, 0))
	return errno
}
