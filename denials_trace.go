package main

// The tracer of --why: it follows the command and all that comes from it, from one of their system calls to the next. It changes nothing
// but for one thing: of a signal that came twice, once to this process and once to the command, the command gets one.
//
// All of it runs on one thread, which ends with it: then the kernel lets go whatever is still traced.

import (
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tracer is one traced run.
type tracer struct {
	*judge
	pid      int // of the command
	tid      int // of the tracing thread
	tracees  map[int]*tracee
	executed int  // how often the command's process has executed something: this program, then the command
	launched bool // the command runs
	stopped  bool // the command is stopped by job control
	terminal bool // this process had a controlling terminal when the command last stopped
	blind    bool // the kernel does not tell what is called
	status   unix.WaitStatus
	signals  [65]doubled
}

// syscallInfo is struct ptrace_syscall_info (linux/ptrace.h). At an entry the values are the number and the arguments, at an exit the result
// and, in one byte, whether it is an error.
type syscallInfo struct {
	op     uint8
	_      [3]uint8
	arch   uint32
	ip, sp uint64
	values [8]uint64
}

var _ = [1]struct{}{}[unsafe.Offsetof(syscallInfo{}.values)-24]

const (
	followOptions = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEEXEC

	// A tracer that is killed takes the command along, as killing it would, had it not been traced. What the command has left
	// behind lives on.
	dieOption = unix.PTRACE_O_EXITKILL
)

func newTracer(run *whyRun) *tracer {
	return &tracer{judge: newJudge(run), tracees: map[int]*tracee{}, tid: unix.Gettid()}
}

// trace runs the command to its end. A failure means that nothing has run.
func (t *tracer) trace(program *byte, argv, envp []*byte) failure {
	t.tid = unix.Gettid()
	var pipe [2]int32
	if _, _, errno := syscall.RawSyscall(unix.SYS_PIPE2, uintptr(unsafe.Pointer(&pipe)), unix.O_CLOEXEC, 0); errno != 0 {
		return failure{reason: whyFailed, errno: errno}
	}
	begin := [1]byte{}
	_ = syscall.Exec("", nil, nil) // puts back the soft RLIMIT_NOFILE, as in main.go
	pid, errno := forkWaiting(program, &argv[0], &envp[0], pipe, &begin[0])
	unix.Close(int(pipe[0]))
	defer unix.Close(int(pipe[1]))
	if errno != 0 {
		return failure{reason: whyFailed, errno: errno}
	}
	if errno := ptrace(unix.PTRACE_SEIZE, pid, 0, followOptions|dieOption); errno != 0 {
		unix.Close(int(pipe[1]))
		_, _ = unix.Wait4(pid, nil, unix.WALL, nil)
		return failure{reason: whyUntraceable, errno: errno}
	}
	t.pid = pid
	t.tracees[pid] = &tracee{pid: pid, seen: true}
	passSignals(pid)
	t.judge.begin()
	_, err := unix.Write(int(pipe[1]), begin[:])
	if err != nil {
		return failure{reason: whyFailed, errno: err.(syscall.Errno)}
	}
	leaveDescriptors()
	t.follow()
	t.letGo()
	t.finish()
	return failure{}
}

// follow handles one stop after another, until the command has ended.
func (t *tracer) follow() {
	for {
		options := unix.WALL
		if t.stopped && t.mayStop() {
			options |= unix.WNOHANG // first what else there is
		}
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, options, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			t.status = exitFailed << 8 // ECHILD, which cannot be
			return
		case pid == 0:
			// The command is stopped, and so is this process, for the shell to see. Whoever lets it go on lets both.
			t.stopped = false
			_ = unix.Kill(unix.Getpid(), unix.SIGSTOP)
		case status.Exited() || status.Signaled():
			t.ended(pid, status)
			if pid == t.pid {
				t.status = status
				return
			}
		case status.Stopped():
			t.stop(pid, status)
		}
	}
}

// mayStop tells whether this process may stop as the command did. Without a terminal nobody may be there to let it go on but the command's
// own processes, which wait for their tracer. Of one that has let it go on the end may be seen before that.
func (t *tracer) mayStop() bool {
	if !t.terminal {
		for _, e := range t.tracees {
			if !e.stopped {
				return false
			}
		}
	}
	for _, field := range []string{"SigPnd", "ShdPnd"} {
		pending, _ := strconv.ParseUint(statusField(t.pid, field), 16, 64)
		if pending>>(unix.SIGCONT-1)&1 != 0 {
			return false
		}
	}
	return true
}

// ended forgets a thread. Of a process that the filter has killed, the last call of one of its threads is what was denied.
func (t *tracer) ended(pid int, status unix.WaitStatus) {
	if e := t.tracees[pid]; e != nil {
		if status.Signaled() && status.Signal() == unix.SIGSYS {
			t.killed(e)
		}
		delete(t.tracees, pid)
		t.judge.ended(pid, status)
	}
}

// stop handles a stop, and has the thread go on.
func (t *tracer) stop(pid int, status unix.WaitStatus) {
	e := t.tracees[pid]
	if e == nil {
		e = &tracee{pid: pid}
		t.tracees[pid] = e
	}
	e.stopped = false
	number, event := int(status>>8&0xff), int(status>>16)
	if event != 0 {
		number = 0
	}
	request := unix.PTRACE_SYSCALL
	switch {
	case event == unix.PTRACE_EVENT_STOP:
		if !e.seen {
			e.seen = true
			ptrace(unix.PTRACE_SETOPTIONS, pid, 0, followOptions)
		}
		switch status.StopSignal() {
		case unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
			request, e.stopped = unix.PTRACE_LISTEN, true
			if pid == t.pid {
				t.stopped, t.terminal = true, hasTerminal("self")
			}
		default:
			if pid == t.pid {
				t.stopped = false
			}
		}
	case event == unix.PTRACE_EVENT_FORK || event == unix.PTRACE_EVENT_VFORK || event == unix.PTRACE_EVENT_CLONE:
		if child := t.message(pid); child != 0 && t.tracees[child] == nil {
			t.tracees[child] = &tracee{pid: child}
		}
	case event == unix.PTRACE_EVENT_EXEC:
		if former := t.message(pid); former != pid {
			delete(t.tracees, former)
		}
		e.inside = false
		if pid == t.pid {
			// It may have been another thread that executed.
			ptrace(unix.PTRACE_SETOPTIONS, pid, 0, followOptions|dieOption)
			if t.executed++; t.executed == 2 {
				t.launched = true
				t.started(pid)
			}
		}
	case event != 0:
	case number == int(unix.SIGTRAP|0x80):
		number = 0
		t.call(e)
	default:
		if t.once(pid, number) {
			number = 0
		}
	}
	if !t.launched && request == unix.PTRACE_SYSCALL {
		request = unix.PTRACE_CONT
	}
	ptrace(request, pid, 0, uintptr(number))
}

// message is what the kernel says besides of an event; 0: the thread is gone.
func (t *tracer) message(pid int) int {
	var message uintptr
	if ptrace(unix.PTRACE_GETEVENTMSG, pid, 0, uintptr(unsafe.Pointer(&message))) != 0 {
		return 0
	}
	return int(message)
}

// call handles the entry to a system call, and its end.
func (t *tracer) call(e *tracee) {
	var info syscallInfo
	if errno := ptrace(unix.PTRACE_GET_SYSCALL_INFO, e.pid, unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info))); errno != 0 {
		if errno != unix.ESRCH && !t.blind {
			t.note("this kernel does not tell a tracer which system calls are made: nothing can be told")
			t.blind = true
		}
		e.inside = false
		return
	}
	switch info.op {
	case unix.PTRACE_SYSCALL_INFO_ENTRY:
		e.inside, e.arch, e.nr = true, info.arch, info.values[0]
		copy(e.args[:], info.values[1:])
	case unix.PTRACE_SYSCALL_INFO_EXIT:
		if e.inside && info.values[1]&0xff != 0 && e.arch == auditArch {
			t.judge.failed(e, syscall.Errno(-int64(info.values[0])))
		}
		e.inside = false
	default:
		e.inside = false
	}
}

// doubled is a signal that arrived at the command, from this process or from elsewhere, and has not arrived from the other side.
type doubled struct {
	passedOn bool
	at       int64 // milliseconds; 0: there is none
}

// once tells whether a signal arrives at the command for the second time: the terminal, and kill(2) with a process group, send it to this
// process as well, which passes it on.
func (t *tracer) once(pid, number int) bool {
	if number >= len(t.signals) {
		return false
	}
	var info struct {
		number, errno, code, _ int32
		pid, uid               int32
		_                      [104]byte
	}
	if ptrace(unix.PTRACE_GETSIGINFO, pid, 0, uintptr(unsafe.Pointer(&info))) != 0 {
		return false
	}
	const (
		fromKernel = 0x80 // SI_KERNEL in asm-generic/siginfo.h
		together   = 1000 // milliseconds
	)
	switch syscall.Signal(number) {
	case unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGCONT, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGWINCH:
		// The kernel sends them to the terminal's group.
	default:
		if info.code == fromKernel {
			return false // a timer of its own
		}
	}
	if info.code > 0 && info.code != fromKernel || info.code <= 0 && t.tracees[int(info.pid)] != nil {
		return false // a fault of its own, a child's end, or a signal among the command's processes
	}
	if pid != t.pid && t.processOf(pid) != t.pid {
		return false
	}
	before := &t.signals[number]
	passedOn, now := info.code == 0 && int(info.pid) == unix.Getpid(), milliseconds()
	if before.at != 0 && before.passedOn != passedOn && now-before.at < together {
		before.at = 0
		return true
	}
	*before = doubled{passedOn, now}
	return false
}

// milliseconds is a clock that begins somewhere.
func milliseconds() int64 {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return now.Sec*1000 + now.Nsec/1e6 + 1
}

// letGo sees to it that nothing dies with this thread: what was born last may have inherited from the command that it does so. It stops
// once when it begins.
func (t *tracer) letGo() {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err == nil && t.tracees[pid] == nil && statusField(pid, "TracerPid") == strconv.Itoa(t.tid) {
			t.tracees[pid] = &tracee{pid: pid}
		}
	}
	for pid, e := range t.tracees {
		for !e.seen && t.tracees[pid] != nil {
			var status unix.WaitStatus
			_, err := unix.Wait4(pid, &status, unix.WALL, nil)
			switch {
			case err == unix.EINTR:
			case err != nil || status.Exited() || status.Signaled():
				delete(t.tracees, pid)
			default:
				t.stop(pid, status)
			}
		}
	}
}

// processOf is the process that a thread belongs to.
func (t *tracer) processOf(pid int) int {
	process, _ := strconv.Atoi(statusField(pid, "Tgid"))
	return process
}
