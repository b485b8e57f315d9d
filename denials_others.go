package main

// Which other failed calls the sandbox has denied: those that the filter denies, those on processes, and those that take a capability.

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// byFilter fills in a denial by the filter. It tells false where the caller would have had no more without.
func (j *judge) byFilter(e *tracee, d *denial) bool {
	who, read := j.who(e.pid)
	if !read {
		d.action = actOther
		return true
	}
	switch e.nr {
	case unix.SYS_SOCKET, unix.SYS_SOCKETPAIR:
		d.action, d.family, d.socketType, d.protocol = actSocket, int(int32(e.args[0])), int(e.args[1]&sockTypeMask), int(int32(e.args[2]))
		raw := d.socketType == unix.SOCK_RAW && d.family != unix.AF_NETLINK && d.family != unix.AF_UNIX || d.family == unix.AF_PACKET
		return !raw || j.had(&who, unix.CAP_NET_RAW)
	case unix.SYS_CONNECT:
		d.action = actConnect
		return j.address(e, &who, d)
	case unix.SYS_BIND:
		d.action = actListen
		j.address(e, &who, d)
		return true
	case unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4:
		d.action = actListen
		return true
	case unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_SENDMMSG:
		d.action = actSend
		return j.address(e, &who, d)
	case unix.SYS_IOCTL:
		d.action, d.request = actIoctl, uint32(e.args[1])
		j.descriptor(e, int32(e.args[0]), d)
		return d.request != unix.TIOCSTI || j.had(&who, unix.CAP_SYS_ADMIN) || setting("dev/tty/legacy_tiocsti") != 0 || unix.Access("/proc/sys/dev/tty/legacy_tiocsti", unix.F_OK) != nil
	case unix.SYS_FCNTL:
		d.action, d.pid = actSignal, int(int32(e.args[2]))
		return true
	case unix.SYS_PRLIMIT64:
		d.action, d.pid = actLimit, int(int32(e.args[0]))
		if who.otherPIDs {
			return true
		}
		target, read := identifiersOf(d.pid)
		return read && (who.uids[0] == target.uids[0] && who.uids[0] == target.uids[1] && who.uids[0] == target.uids[2] || j.had(&who, unix.CAP_SYS_RESOURCE))
	case unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD:
		d.action, d.pid = actTrace, tracedBy(e)
		return d.pid == 0 || who.otherPIDs || j.mayTrace(&who, d.pid)
	case unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER:
		d.action = actOther
		return setting("kernel/io_uring_disabled") != 2
	case unix.SYS_BPF:
		d.action = actOther
		return setting("kernel/unprivileged_bpf_disabled") == 0 || j.had(&who, unix.CAP_SYS_ADMIN) || j.had(&who, unix.CAP_BPF)
	case unix.SYS_PERF_EVENT_OPEN:
		d.action = actOther
		return setting("kernel/perf_event_paranoid") < 3 || j.had(&who, unix.CAP_SYS_ADMIN) || j.had(&who, unix.CAP_PERFMON)
	}
	if c := pathCallOf(e.nr); c != nil {
		return j.fileByFilter(e, c, d)
	}
	d.action = actOther
	if c := privilegedCallOf(e.nr); c != nil && (c.flags == 0 || e.args[0]&c.flags != 0) {
		d.action = c.action
		return j.had(&who, c.capability)
	}
	if e.nr == unix.SYS_OPEN_TREE {
		d.action = actMount
		return j.had(&who, unix.CAP_SYS_ADMIN) || e.args[2]&unix.OPEN_TREE_CLONE == 0
	}
	return true
}

// fileByFilter fills in a call on files that the filter has denied.
func (j *judge) fileByFilter(e *tracee, c *pathCall, d *denial) bool {
	d.action = actAttribute
	switch {
	case c.kind == callTruncate || c.kind == callOpen && j.truncates(e, c):
		d.action = actTruncate
	case d.errno == unix.EPERM:
		d.action = actSetUID
	}
	q, understood := j.understand(e, c)
	defer q.close()
	if !understood {
		return false
	}
	d.path, d.kind = q.first.path(), q.first.kind()
	allowed := false
	done := q.who.as(&j.own, func() {
		owner := q.who.uids[3] == int(q.first.stat.Uid) || q.who.effective&(1<<unix.CAP_FOWNER) != 0 && !q.who.ownUsers
		switch {
		case q.first.object < 0:
			allowed = q.first.mayChange()
		case d.action == actSetUID:
			allowed = owner
		default:
			allowed = owner || permitted(q.first.object, unix.W_OK)
		}
	})
	return done && allowed
}

// truncates tells whether an open truncates a file that it does not write.
func (j *judge) truncates(e *tracee, c *pathCall) bool {
	flags := e.args[c.flags-1] & truncationMask
	return j.abi < 3 && (flags == unix.O_TRUNC|unix.O_RDONLY || flags == unix.O_TRUNC|unix.O_ACCMODE)
}

// had tells whether a thread would have a capability, had the sandbox not taken it from root: in a namespace of its own it has them all.
func (j *judge) had(who *identifiers, capability uint) bool {
	return j.own.effective>>capability&1 != 0 && who.uids[1] == j.own.uids[1] && !who.ownUsers || who.ownUsers
}

// tracedBy is the process that a call is to trace, or to take memory or a descriptor of; 0: its caller.
func tracedBy(e *tracee) int {
	switch e.nr {
	case unix.SYS_PTRACE:
		if e.args[0]&(1<<32-1) == unix.PTRACE_TRACEME {
			return 0
		}
		return int(int32(e.args[1]))
	case unix.SYS_PIDFD_GETFD:
		return pidOf(e.pid, int32(e.args[0]))
	}
	return int(int32(e.args[0]))
}

// pidOf is the process that a pidfd of a thread refers to; -1: none.
func pidOf(pid int, fd int32) int {
	content, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/fdinfo/" + strconv.Itoa(int(fd)))
	_, after, is := strings.Cut(string(content), "\nPid:\t")
	line, _, _ := strings.Cut(after, "\n")
	if n, err := strconv.Atoi(line); is && err == nil {
		return n
	}
	return -1
}

// mayTrace tells whether the user of a thread may trace a process. Its memory is opened, and not read.
func (j *judge) mayTrace(who *identifiers, pid int) (may bool) {
	who.as(&j.own, func() {
		fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/mem", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if may = err == nil; may {
			unix.Close(fd)
		}
	})
	return may
}

// byScope tells whether EPERM is Landlock's: for signals, abstract sockets and tracing, or comes of a capability that is gone.
func (j *judge) byScope(e *tracee, d *denial) bool {
	who, read := j.who(e.pid)
	if !read {
		return false
	}
	domain := j.handled != unix.LandlockRulesetAttr{} && !who.otherPIDs
	switch e.nr {
	case unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_TGKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO, unix.SYS_PIDFD_SEND_SIGNAL:
		d.action, d.pid = actSignal, int(int32(e.args[0]))
		if e.nr == unix.SYS_PIDFD_SEND_SIGNAL {
			d.pid = pidOf(e.pid, int32(e.args[0]))
		}
		target, read := identifiersOf(max(d.pid, -d.pid)) // of a group, its leader
		return read && domain && j.handled.Scoped&unix.LANDLOCK_SCOPE_SIGNAL != 0 && who.maySignal(&target)
	case unix.SYS_CONNECT, unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_SENDMMSG:
		d.action = socketActions[e.nr]
		return j.address(e, &who, d) && d.family == unix.AF_UNIX && strings.HasPrefix(d.address, "@") && j.handled.Scoped&unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET != 0
	case unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD:
		d.action, d.pid = actTrace, tracedBy(e)
		if e.nr == unix.SYS_PTRACE && (d.pid == 0 || statusField(d.pid, "TracerPid") == strconv.Itoa(j.tid)) {
			if !j.traceNoted {
				j.note("under --why the command cannot trace: whatever it starts is traced already")
				j.traceNoted = true
			}
			return false
		}
		return domain && d.pid > 0 && statusField(d.pid, "TracerPid") != strconv.Itoa(j.tid) && j.mayTrace(&who, d.pid)
	}
	return j.byCapability(e, &who, d)
}

// maySignal tells whether a thread's user may send signals to a process (kill(2)).
func (who *identifiers) maySignal(target *identifiers) bool {
	for _, own := range who.uids[:2] {
		if own == target.uids[0] || own == target.uids[2] {
			return true
		}
	}
	return who.effective&(1<<unix.CAP_KILL) != 0 && !who.ownUsers
}

// byCapability tells whether a call failed for want of a capability that root has lost, or of a mount that Landlock forbids.
func (j *judge) byCapability(e *tracee, who *identifiers, d *denial) bool {
	c := privilegedCallOf(e.nr)
	if c == nil || c.flags != 0 && (e.args[0]&c.flags == 0 || e.args[0]&unix.CLONE_NEWUSER != 0) {
		return false
	}
	d.action = c.action
	if c.action == actSocket {
		d.family, d.socketType, d.protocol = int(int32(e.args[0])), int(e.args[1]&sockTypeMask), int(int32(e.args[2]))
	}
	if who.ownUsers {
		return c.action == actMount && j.handled.Handled_access_fs != 0
	}
	return j.had(who, c.capability) && who.effective>>c.capability&1 == 0
}

// otherRights tells whether Landlock denied a call for want of a right to a device, a socket's file, or a port.
func (j *judge) otherRights(e *tracee, d *denial) bool {
	who, read := j.who(e.pid)
	if !read {
		return false
	}
	switch e.nr {
	case unix.SYS_IOCTL:
		return j.deviceRequest(e, d)
	case unix.SYS_CONNECT, unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_SENDMMSG, unix.SYS_BIND:
		d.action = socketActions[e.nr]
		return j.address(e, &who, d) && j.lacksAddress(e, &who, d)
	case unix.SYS_SETPRIORITY:
		return j.byCapability(e, &who, d)
	}
	return false
}

// deviceRequest tells whether Landlock denied an ioctl on a device.
func (j *judge) deviceRequest(e *tracee, d *denial) bool {
	fd, err := unix.Open(descriptorPath(e.pid, int32(e.args[0])), openPath, 0)
	if err != nil {
		return false
	}
	v := fileView{pid: e.pid, root: -1, start: -1}
	p := v.found(fd)
	defer p.close()
	d.action, d.request, d.path, d.kind = actIoctl, uint32(e.args[1]), p.path(), p.kind()
	return d.kind == pathDevice && unix.LANDLOCK_ACCESS_FS_IOCTL_DEV&j.handled.Handled_access_fs&^j.rehearsal.granted(&p, false) != 0
}

// descriptor fills in the path of a descriptor.
func (j *judge) descriptor(e *tracee, fd int32, d *denial) {
	if object, err := unix.Open(descriptorPath(e.pid, fd), openPath, 0); err == nil {
		p := place{object: object, parent: -1}
		_ = unix.Fstat(object, &p.stat)
		d.path, d.kind = p.path(), p.kind()
		p.close()
	}
}
