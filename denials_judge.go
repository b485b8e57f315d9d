package main

// Which failed calls of a traced command the sandbox has denied. Nothing is tried again. A call is the filter's if the very filter of this launch
// says so for its arguments; Landlock's if it takes a right that no rule of this launch grants, and its user could have had it
// otherwise (denials_files.go, denials_sockets.go).

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// What is kept of a run whose command is denied ever new things.
const (
	mostDenials = 1000
	mostBeyond  = 2000
)

func newJudge(run *whyRun) *judge {
	rules := newRuleset(run.policy, run.abi)
	j := &judge{whyRun: run, handled: rules.handled, index: map[denialKey]int{}, beyond: map[denialKey]bool{}, denied: map[int][]int{}}
	for _, path := range run.rehearsal.hidden {
		j.hiddenAt = append(j.hiddenAt, whereIs(path))
	}
	for _, path := range run.rehearsal.guarded {
		j.guardedAt = append(j.guardedAt, whereIs(path))
	}
	return j
}

// whereIs is a path without symbolic links, as far as it exists.
func whereIs(path string) string {
	v := viewOf(unix.Getpid(), unix.Getpid(), unix.AT_FDCWD, path)
	defer v.close()
	p, errno := v.resolve(true)
	if errno != 0 {
		return path
	}
	defer p.close()
	return p.path()
}

// begin is called on the tracing thread before anything runs.
func (j *judge) begin() {
	j.tid = unix.Gettid()
	var read bool
	if j.own, read = identifiersOf(j.tid); !read {
		j.note("without /proc only what the filter denies can be told")
		j.procNoted = true
	}
}

// started is called when the command runs, in its sandbox.
func (j *judge) started(pid int) { j.users, _ = os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/user") }

// failed judges a call that ended in an error.
func (j *judge) failed(e *tracee, errno syscall.Errno) {
	switch errno {
	case unix.EPERM, unix.EACCES, unix.EROFS, unix.EBUSY, unix.EXDEV, unix.ENETUNREACH, unix.ECONNREFUSED, unix.ENOSYS, unix.EPROTONOSUPPORT, unix.EOPNOTSUPP:
	default:
		return
	}
	d := denial{call: callName(e.nr), errno: errno, family: -1, socketType: -1, protocol: -1}
	if j.verdict(e) == unix.SECCOMP_RET_ERRNO|uint32(errno) {
		if j.byFilter(e, &d) {
			j.record(e, d)
		}
		return
	}
	denied := false
	switch errno {
	case unix.EACCES, unix.EXDEV:
		switch c := pathCallOf(e.nr); {
		case c == nil:
			denied = j.otherRights(e, &d)
		case c.kind == callExec:
			denied = j.execution(e, c, &d)
		default:
			denied = j.byRights(e, c, &d)
		}
	case unix.EPERM:
		denied = j.byScope(e, &d)
	case unix.ENETUNREACH, unix.ECONNREFUSED:
		denied = j.byLoopback(e, &d)
	}
	if !denied && len(j.guardedAt) > 0 && (errno == unix.EROFS || errno == unix.EBUSY || errno == unix.EXDEV) {
		denied = j.byProtection(e, &d)
	}
	if denied {
		j.record(e, d)
	}
}

// killed judges the call in which the filter killed its process.
func (j *judge) killed(e *tracee) {
	if j.verdict(e) == unix.SECCOMP_RET_KILL_PROCESS {
		d := denial{action: actOther, call: "a call of another architecture", family: -1, socketType: -1, protocol: -1}
		if e.arch == auditArch {
			d.call = "a call of x32"
		}
		j.record(e, d)
	}
}

// verdict is what the filter of this launch returns for a call: seccomp's return value.
func (j *judge) verdict(e *tracee) uint32 {
	return verdictOf(j.rehearsal.filter, uint32(e.nr), e.arch, &e.args)
}

// verdictOf runs a filter made of the instructions that program emits.
func verdictOf(code []bpf.RawInstruction, nr, arch uint32, args *[6]uint64) uint32 {
	a := uint32(0)
	for i := 0; i < len(code); i++ {
		in := &code[i]
		taken := false
		switch in.Op {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			switch {
			case in.K == dataNr:
				a = nr
			case in.K == dataArch:
				a = arch
			case in.K >= dataArgs:
				at := in.K - dataArgs
				a = uint32(args[at/8] >> (at % 8 * 8))
			}
			continue
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			a &= in.K
			continue
		case unix.BPF_RET | unix.BPF_K:
			return in.K
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			taken = a == in.K
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			taken = a >= in.K
		}
		if taken {
			i += int(in.Jt)
		} else {
			i += int(in.Jf)
		}
	}
	return unix.SECCOMP_RET_ALLOW
}

// record counts a denial.
func (j *judge) record(e *tracee, d denial) {
	d.program = programOf(e.pid)
	for _, top := range j.hiddenAt {
		d.hidden = d.hidden || d.path != "" && isBeneath(d.path, top)
	}
	key := denialKey{d.action, d.call, d.path, d.second, d.address, d.program, d.errno, d.family, d.socketType, d.protocol, d.port, d.pid, d.request}
	at, is := j.index[key]
	if !is {
		if len(j.denials) >= mostDenials {
			if len(j.beyond) < mostBeyond && !j.beyond[key] {
				j.beyond[key] = true
				j.dropped++
			}
			return
		}
		if d.action == actSocket && (d.family == unix.AF_INET || d.family == unix.AF_INET6) {
			d.named = namedAddresses(stringsOf(e.pid, "cmdline"), stringsOf(e.pid, "environ"))
		}
		at = len(j.denials)
		j.index[key] = at
		j.denials, j.unhandled = append(j.denials, d), append(j.unhandled, false)
	}
	j.denials[at].count++
	process, _ := strconv.Atoi(statusField(e.pid, "Tgid"))
	for _, known := range j.denied[process] {
		if known == at {
			return
		}
	}
	j.denied[process] = append(j.denied[process], at)
}

// ended notes how a process ended.
func (j *judge) ended(pid int, status unix.WaitStatus) {
	if !status.Exited() || status.ExitStatus() != 0 {
		for _, at := range j.denied[pid] {
			j.unhandled[at] = true
		}
	}
	delete(j.denied, pid)
}

// finish says of each denial whether the programs went on to exit with 0. Of one that still lives nobody knows.
func (j *judge) finish() {
	for _, all := range j.denied {
		for _, at := range all {
			j.unhandled[at] = true
		}
	}
	for i := range j.denials {
		j.denials[i].handled = !j.unhandled[i]
	}
}
