package main

// The start of a traced command: a fork of this process that waits until it is traced and then executes this program. Between the two
// it has nothing that the command would not have had.

import (
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ownFile is a path by which this program can be executed: without /proc, the one by which the kernel executed it.
func ownFile() *byte {
	name := ownProgram
	if unix.Access(name, unix.X_OK) != nil {
		all, err := unix.Auxv()
		if err != nil {
			return nil
		}
		name = ""
		for _, entry := range all {
			if entry[0] == executedName {
				name = text((*byte)(memory(entry[1])))
			}
		}
		if name == "" || unix.Access(name, unix.X_OK) != nil {
			return nil
		}
	}
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return nil
	}
	return path
}

// These are what package syscall does around a fork: it blocks signals, and in the child takes back the runtime's handlers and mask.

//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

//go:linkname afterForkInChild syscall.runtime_AfterForkInChild
func afterForkInChild()

// forkWaiting forks a child that waits for a byte from a pipe and then executes a program; at the pipe's end it exits. syscall.ForkExec has no
// place in which a child could be seized before its execve. As there, the child makes system calls alone: it must not grow its stack.
//
//go:noinline
//go:norace
//go:nocheckptr
func forkWaiting(program *byte, argv, envp **byte, pipe [2]int32, buf *byte) (pid int, errno syscall.Errno) {
	syscall.ForkLock.Lock()
	beforeFork()
	child, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 || child != 0 {
		afterFork()
		syscall.ForkLock.Unlock()
		return int(child), errno
	}
	afterForkInChild()
	syscall.RawSyscall(unix.SYS_CLOSE, uintptr(pipe[1]), 0, 0)
	n, _, _ := syscall.RawSyscall(unix.SYS_READ, uintptr(pipe[0]), uintptr(unsafe.Pointer(buf)), 1)
	if n == 1 {
		syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(program)), uintptr(unsafe.Pointer(argv)), uintptr(unsafe.Pointer(envp)))
	}
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, exitFailed, 0, 0)
	}
}

// leaveDescriptors closes what the command has inherited. A pipe whose other end somebody reads, or the descriptor for the status, must
// not stay open here when the command has closed it. Stderr stays, for the report.
func leaveDescriptors() {
	entries, err := os.ReadDir("/proc/self/fd")
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 && inherited(fd) {
			unix.Close(fd)
		}
	}
	if err != nil {
		for fd := 3; fd < 1024; fd++ {
			if inherited(fd) {
				unix.Close(fd)
			}
		}
	}
	// Not a directory, which the rehearsals of what is suggested would refuse beside --protect.
	var ends [2]int
	if unix.Pipe2(ends[:], unix.O_CLOEXEC) == nil {
		for i, fd := range ends {
			_ = unix.Dup3(fd, i, unix.O_CLOEXEC)
			if fd > 1 {
				unix.Close(fd)
			}
		}
	}
}

// passSignals has the signals that this process gets passed on to the command. Those of the terminal reach both by themselves: the tracer
// sees them arrive, and leaves one of the two out (once).
func passSignals(pid int) {
	signals := make(chan os.Signal, 64)
	for number := syscall.Signal(1); number < 65; number++ {
		if number != unix.SIGCHLD && number != unix.SIGURG { // ours, and the runtime's
			signal.Notify(signals, number)
		}
	}
	fd, err := unix.PidfdOpen(pid, 0) // a number could be another process's by then
	go func() {
		for s := range signals {
			if number := s.(syscall.Signal); err == nil {
				_ = unix.PidfdSendSignal(fd, number, nil, 0)
			} else {
				_ = unix.Kill(pid, number)
			}
		}
	}()
}
