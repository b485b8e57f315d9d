package main

// Faults in process: the launch runs against a kernel in which one call, or two, fail or answer what they never should. Then either
// nothing is executed and the failure names the step, or everything that the policy asks for was in force before.
//
// What the launch must make of an answer stands in madeCall.end, naively; what must be in force in scene.unenforced. The answers of
// the calls that do not fail are those of the rehearsing kernel, whose Landlock ABI is invented, so this needs nothing of the real one.

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// lastABI is the last row of landlockMasks.
const lastABI = 12

// scene is a command line, and the process in which it is launched.
type scene struct {
	name string
	argv []string // before the command; @ for the writable directory
	env  []string
	open map[int]descriptor // inherited descriptors, besides 0 to 2, which are files
	caps [2]unix.CapUserData

	// What follows from it.
	words     []string
	argvp     []*byte
	envp      []*byte
	policy    policy
	kept      []int // descriptors above 2 that are not to be closed, in their order
	roots     []string
	memory    []span
	interned  map[string]string
	held      map[heldPath]heldFile
	programs  map[string]uintptr // what execve answered for a file
	unfaulted [lastABI + 1]*reference
	expected  [lastABI + 1]map[network]*reference // with what becomes of the network for the sockets that there are said to be
}

// descriptor is what the process has open under a number.
type descriptor struct {
	flags                 uintptr // as F_GETFL answers
	domain, kind, listens int32   // domain 0: it is no socket
}

type span struct{ start, end uintptr }

// heldPath is a path that was opened, and heldFile what was found there. It stays open for the next launch.
type heldPath struct {
	name  string
	flags uintptr
}

type heldFile struct {
	fd   uintptr
	path rehearsedPath
}

// reference is what a launch does on a kernel of some ABI on which nothing fails.
type reference struct {
	log     []madeCall
	sites   []string
	failure failure
	filter  []bpf.RawInstruction
	rules   map[string]uint64
}

// madeCall is a call that the launch made.
type madeCall struct {
	nr      uintptr
	args    [5]uintptr
	answer  uintptr
	ran     bool   // execve: a program would run now
	text    string // the path of openat and execve, what write was given, and the path that a rule is for
	attr    unix.LandlockRulesetAttr
	access  uint64               // of a rule
	caps    [2]unix.CapUserData  // what capset was given, or capget left
	option  int32                // what getsockopt left
	filter  []bpf.RawInstruction // what seccomp was given
	again   bool                 // add_rule: for the path of the call before; capget: after capset
	differs bool                 // capget: from what capset was given
}

// wrongAnswer is one fault: the answer to the call at a place in the log.
type wrongAnswer struct {
	at     int
	answer uintptr
}

// faulty is the state of faultyKernel, which must be a top-level function.
var faulty struct {
	scene     *scene
	rehearsal *rehearsal
	real      func(nr, a1, a2, a3, a4, a5 uintptr) uintptr
	faults    []wrongAnswer
	log       []madeCall
	sites     []string // of the calls in log, if wanted
	wantSites bool
	noSockets bool    // whatever the scene has
	ruleset   uintptr // 0: none was made
	handled   uint64
	noNewPrivs,
	restricted,
	filtered bool
	wrong string // what no launch may do
}

// faultyKernel stands in for systemCall.
func faultyKernel(nr, a1, a2, a3, a4, a5 uintptr) uintptr {
	k := &faulty
	at := len(k.log)
	if at > 500 {
		panic("the launch does not come to an end")
	}
	c := madeCall{nr: nr, args: [5]uintptr{a1, a2, a3, a4, a5}}
	if launchCalls[nr] == "" {
		k.wrong = fmt.Sprintf("launchCalls has no call %d", nr)
	}
	for _, i := range pointerArguments(nr, a2) {
		if a := c.args[i]; a != 0 && !k.scene.holds(a) {
			k.wrong = fmt.Sprintf("%s: argument %d is at %#x, in no package variable, constant, argv or envp", launchCalls[nr], i+1, a)
		}
	}
	c.read()
	if k.wantSites {
		k.sites = append(k.sites, callSite()+" "+c.kind())
	}
	injected := false
	for _, f := range k.faults {
		if f.at == at {
			c.answer, injected = f.answer, true
		}
	}
	if !injected {
		c.answer = kernelAnswer(nr, a1, a2, a3, a4, a5)
	}
	c.readAnswer()
	c.ran = k.rehearsal.runs != ""
	k.log = append(k.log, c)
	return c.answer
}

// kernelAnswer is the rehearsing kernel's, but for what a real one refuses and that one does not.
func kernelAnswer(nr, a1, a2, a3, a4, a5 uintptr) uintptr {
	k := &faulty
	abi := k.rehearsal.abi
	switch nr {
	case unix.SYS_OPENAT:
		// What the rehearsing kernel has answered once, it would answer again.
		at := heldPath{k.scene.intern(text((*byte)(memory(a2)))), a3}
		file, is := k.scene.held[at]
		if !is {
			file.fd = k.rehearsal.answer(nr, a1, a2, a3, a4, a5)
			file.path = k.rehearsal.paths[len(k.rehearsal.paths)-1]
			k.scene.held[at] = file
		}
		if fd, errno := result(file.fd); errno == 0 {
			k.rehearsal.opened[fd] = len(k.rehearsal.paths)
			k.rehearsal.paths = append(k.rehearsal.paths, file.path)
		}
		return file.fd
	case unix.SYS_EXECVE:
		file := k.scene.intern(text((*byte)(memory(a1))))
		answer, is := k.scene.programs[file]
		if !is {
			answer = k.rehearsal.answer(nr, a1, a2, a3, a4, a5)
			k.scene.programs[file] = answer
		}
		if answer == failed(unix.ECANCELED) {
			k.rehearsal.runs = file
		}
		return answer
	case unix.SYS_LANDLOCK_CREATE_RULESET:
		if a1 == 0 {
			break
		}
		attr, masks := *(*unix.LandlockRulesetAttr)(memory(a1)), landlockMasks[abi]
		switch {
		case abi == 0:
			return failed(unix.ENOSYS)
		case a2 != 24 || a3 != 0 || attr.Handled_access_fs&^masks.fs|attr.Handled_access_net&^masks.net|attr.Scoped&^masks.scope != 0:
			return failed(unix.EINVAL)
		case attr == unix.LandlockRulesetAttr{}:
			return failed(unix.ENOMSG)
		}
		k.ruleset, k.handled = k.rehearsal.answer(nr, a1, a2, a3, a4, a5), attr.Handled_access_fs
		return k.ruleset
	case unix.SYS_LANDLOCK_ADD_RULE:
		rule := *(*unix.LandlockPathBeneathAttr)(memory(a3))
		switch {
		case k.ruleset == 0 || uint32(a1) != uint32(k.ruleset):
			return failed(notRuleset(a1))
		case rule.Allowed_access == 0:
			return failed(unix.ENOMSG)
		case a2 != unix.LANDLOCK_RULE_PATH_BENEATH || a4 != 0 || rule.Allowed_access&^k.handled != 0:
			return failed(unix.EINVAL)
		}
	case unix.SYS_CAPGET, unix.SYS_CAPSET:
		if header := *(*unix.CapUserHeader)(memory(a1)); header.Version != unix.LINUX_CAPABILITY_VERSION_3 || header.Pid != 0 {
			return failed(unix.EINVAL)
		}
	case unix.SYS_PRCTL:
		if a1 != unix.PR_SET_NO_NEW_PRIVS || a2 != 1 || a3|a4|a5 != 0 {
			return failed(unix.EINVAL)
		}
		k.noNewPrivs = true
	case unix.SYS_LANDLOCK_RESTRICT_SELF:
		switch {
		case !k.noNewPrivs:
			return failed(unix.EPERM)
		case a2 != 0 && (abi < 7 || a2 != unix.LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON):
			return failed(unix.EINVAL)
		case k.ruleset == 0 || uint32(a1) != uint32(k.ruleset):
			return failed(notRuleset(a1))
		}
		k.restricted = true
	case unix.SYS_SECCOMP:
		if !k.noNewPrivs {
			return failed(unix.EACCES)
		}
		k.filtered = true
	}
	return k.rehearsal.answer(nr, a1, a2, a3, a4, a5)
}

// notRuleset is what Landlock says of a descriptor that is no ruleset's: the low 32 bits count.
func notRuleset(fd uintptr) syscall.Errno {
	if _, is := faulty.scene.descriptor(int(int32(fd))); is {
		return unix.EBADFD
	}
	return unix.EBADF
}

// kernelBeneath is the rehearsing kernel's own. It invents the process, and opens each path once.
func kernelBeneath(nr, a1, a2, a3, a4, a5 uintptr) uintptr {
	s := faulty.scene
	switch nr {
	case unix.SYS_FCNTL:
		d, is := s.descriptor(int(a1))
		switch {
		case !is:
			return failed(unix.EBADF)
		case a2 == unix.F_GETFL:
			return d.flags
		}
		return 0
	case unix.SYS_GETSOCKOPT:
		d, is := s.descriptor(int(a1))
		switch {
		case !is:
			return failed(unix.EBADF)
		case d.domain == 0 || faulty.noSockets:
			return failed(unix.ENOTSOCK)
		}
		*(*int32)(memory(a4)) = map[uintptr]int32{unix.SO_DOMAIN: d.domain, unix.SO_TYPE: d.kind, unix.SO_ACCEPTCONN: d.listens}[a3]
		return 0
	case unix.SYS_CAPGET:
		*(*[2]unix.CapUserData)(memory(a2)) = s.caps
		return 0
	case unix.SYS_OPENAT:
		return faulty.real(nr, a1, a2, a3, a4, a5)
	}
	return 0 // close
}

func (s *scene) descriptor(fd int) (descriptor, bool) {
	d, is := s.open[fd]
	if !is && fd >= 0 && fd <= 2 {
		return descriptor{flags: unix.O_RDWR}, true
	}
	return d, is
}

// pointerArguments are the indices of the arguments that point to memory.
func pointerArguments(nr, a2 uintptr) []int {
	switch nr {
	case unix.SYS_FCNTL, unix.SYS_CLOSE_RANGE, unix.SYS_CLOSE, unix.SYS_PRCTL, unix.SYS_LANDLOCK_RESTRICT_SELF:
		return nil
	case unix.SYS_LANDLOCK_CREATE_RULESET:
		return []int{0}
	case unix.SYS_OPENAT, unix.SYS_WRITE:
		return []int{1}
	case unix.SYS_LANDLOCK_ADD_RULE, unix.SYS_SECCOMP:
		return []int{2}
	case unix.SYS_CAPGET, unix.SYS_CAPSET:
		return []int{0, 1}
	case unix.SYS_RT_SIGPROCMASK:
		return []int{1, 2}
	case unix.SYS_GETSOCKOPT:
		return []int{3, 4}
	}
	return []int{0, 1, 2} // execve; of another call it is not known
}

// read takes what the call is given in memory.
func (c *madeCall) read() {
	k := &faulty
	switch c.nr {
	case unix.SYS_OPENAT:
		c.text = k.scene.intern(text((*byte)(memory(c.args[1]))))
	case unix.SYS_EXECVE:
		c.text = k.scene.intern(text((*byte)(memory(c.args[0]))))
	case unix.SYS_WRITE:
		c.text = k.scene.intern(unsafe.String((*byte)(memory(c.args[1])), int(c.args[2])))
	case unix.SYS_LANDLOCK_CREATE_RULESET:
		if c.args[0] != 0 {
			c.attr = *(*unix.LandlockRulesetAttr)(memory(c.args[0]))
		}
	case unix.SYS_LANDLOCK_ADD_RULE:
		rule := *(*unix.LandlockPathBeneathAttr)(memory(c.args[2]))
		c.access, c.again = rule.Allowed_access, k.log[len(k.log)-1].nr == c.nr
		for i := len(k.log) - 1; c.text == "" && i >= 0; i-- {
			if o := &k.log[i]; o.nr == unix.SYS_OPENAT && int32(o.answer) == rule.Parent_fd {
				c.text = o.text
			}
		}
	case unix.SYS_CAPSET:
		c.caps = *(*[2]unix.CapUserData)(memory(c.args[1]))
	case unix.SYS_SECCOMP:
		program := (*unix.SockFprog)(memory(c.args[2]))
		code := uintptr(unsafe.Pointer(program.Filter))
		if end := code + uintptr(program.Len)*unix.SizeofSockFilter - 1; !k.scene.holds(code) || !k.scene.holds(end) {
			k.wrong = fmt.Sprintf("the filter is at %#x, in no package variable", code)
			return
		}
		c.filter = slices.Clone(unsafe.Slice((*bpf.RawInstruction)(unsafe.Pointer(program.Filter)), program.Len))
	}
}

// readAnswer takes what the kernel left in memory.
func (c *madeCall) readAnswer() {
	switch c.nr {
	case unix.SYS_CAPGET:
		c.caps = *(*[2]unix.CapUserData)(memory(c.args[1]))
		if last := &faulty.log[len(faulty.log)-1]; last.nr == unix.SYS_CAPSET {
			c.again, c.differs = true, c.caps != last.caps
		}
	case unix.SYS_GETSOCKOPT:
		c.option = *(*int32)(memory(c.args[3]))
	}
}

// split is what an answer says.
func (c *madeCall) split() (value int, errno syscall.Errno) {
	if value = int(c.answer); value < 0 && value > -4096 {
		return 0, syscall.Errno(-value)
	}
	return value, 0
}

// notZero is the errno of an answer that should be 0; EPROTO: it is no errno.
func (c *madeCall) notZero() syscall.Errno {
	value, errno := c.split()
	if value != 0 {
		return unix.EPROTO
	}
	return errno
}

// kind is the call and what of its arguments tells it from others of its name.
func (c *madeCall) kind() string {
	name := launchCalls[c.nr]
	switch c.nr {
	case unix.SYS_FCNTL:
		return fmt.Sprint(name, " ", c.args[1])
	case unix.SYS_GETSOCKOPT:
		return fmt.Sprint(name, " ", c.args[0], " ", c.args[2])
	case unix.SYS_LANDLOCK_CREATE_RULESET:
		return fmt.Sprint(name, " ", c.args[2])
	case unix.SYS_RT_SIGPROCMASK:
		return fmt.Sprint(name, " ", c.args[0])
	case unix.SYS_OPENAT, unix.SYS_LANDLOCK_ADD_RULE, unix.SYS_EXECVE:
		return name + " " + filepath.Base(c.text)
	}
	return name
}

func (c *madeCall) String() string {
	value, errno := c.split()
	if errno != 0 {
		return c.kind() + " = " + errno.Error()
	}
	return fmt.Sprint(c.kind(), " = ", value)
}

// callSite is where the launch makes the call: the lines from systemCall to carryOut.
func callSite() string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	var site strings.Builder
	for {
		frame, more := frames.Next()
		site.WriteString(filepath.Base(frame.File) + ":" + strconv.Itoa(frame.Line) + " ")
		if !more || strings.HasSuffix(frame.Function, ".carryOut") {
			return site.String()
		}
	}
}

func (s *scene) intern(text string) string {
	known, is := s.interned[text]
	if !is {
		known = strings.Clone(text)
		s.interned[known] = known
	}
	return known
}

// holds tells whether an address is a package variable's or a constant's, or in argv or envp.
func (s *scene) holds(a uintptr) bool {
	for i := range s.memory {
		if m := &s.memory[i]; m.start <= a && a < m.end {
			return true
		}
	}
	return false
}

// staticMemory are the parts of this process's memory that hold the binary's constants and variables.
func staticMemory(t testing.TB) (all []span) {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(maps), "\n") {
		var m span
		var mode, offset, device, inode, file string
		fmt.Sscanf(line, "%x-%x %s %s %s %s %s", &m.start, &m.end, &mode, &offset, &device, &inode, &file)
		// What has no name and follows on the variables is those that are zero at first.
		if file == self && mode != "r-xp" || file == "" && len(all) > 0 && all[len(all)-1].end == m.start {
			all = append(all, m)
		}
	}
	return all
}

// prepare derives the rest of a scene.
func (s *scene) prepare(t testing.TB, dir string, static []span, command ...string) {
	t.Helper()
	s.words = append(substitute(s.argv, dir), command...)
	s.env = substitute(s.env, dir)
	s.argvp, s.envp = pointers(s.words), pointers(s.env)
	s.memory = slices.Clone(static)
	for _, array := range [][]*byte{s.argvp, s.envp} {
		start := uintptr(unsafe.Pointer(&array[0]))
		s.memory = append(s.memory, span{start, start + uintptr(len(array))*unsafe.Sizeof(start)})
		for _, p := range array[:len(array)-1] {
			start := uintptr(unsafe.Pointer(p))
			s.memory = append(s.memory, span{start, start + uintptr(len(text(p))) + 1})
		}
	}
	if f := s.policy.parse(s.argvp); f.reason != noReason {
		t.Fatalf("%q: %+v", s.words, f)
	}
	for i, word := range s.words {
		switch word {
		case "--keep-fd", "--status-fd":
			if fd := atoi(s.words[i+1]); fd > 2 {
				s.kept = append(s.kept, fd)
			}
		case "-w":
			s.roots = append(s.roots, s.words[i+1])
		}
	}
	slices.Sort(s.kept)
	s.interned, s.held = map[string]string{}, map[heldPath]heldFile{}
	s.programs = map[string]uintptr{}
	t.Cleanup(func() {
		for _, file := range s.held {
			if fd, errno := result(file.fd); errno == 0 {
				unix.Close(fd)
			}
		}
	})
}

func (s *scene) says(option string) bool { return slices.Contains(s.words, option) }

// launch runs carryOut in a process that is like new, on a kernel of that ABI with those faults.
func (s *scene) launch(abi int, network network, faults ...wrongAnswer) failure {
	k := &faulty
	k.scene, k.faults, k.log, k.sites, k.wrong = s, faults, k.log[:0], k.sites[:0], ""
	k.ruleset, k.handled, k.noNewPrivs, k.restricted, k.filtered = 0, 0, false, false, false
	k.rehearsal = &rehearsal{abi: abi, opened: map[int]int{}, kernel: kernelBeneath}
	if abi == 0 {
		k.rehearsal.errno = unix.ENOSYS
	}
	k.real = systemCall
	statusFD, shared.sockFprog, shared.socketValue = 0, sockFprog{}, 0
	shared.capabilities, shared.capabilitiesAfter = [2]unix.CapUserData{}, [2]unix.CapUserData{}

	p := s.policy
	p.network = network
	var f failure
	withKernel(faultyKernel, func() { f = p.carryOut(s.argvp, s.envp) })
	statusFD = 0
	return f
}

// refer records the launches without a fault.
func (s *scene) refer() {
	k := &faulty
	record := func(abi int, network network) *reference {
		failure := s.launch(abi, network)
		r := &reference{log: slices.Clone(k.log), sites: slices.Clone(k.sites), failure: failure, rules: map[string]uint64{}}
		for i := range r.log {
			switch c := &r.log[i]; {
			case c.nr == unix.SYS_SECCOMP:
				r.filter = c.filter
			case c.nr == unix.SYS_LANDLOCK_ADD_RULE && c.answer == 0:
				r.rules[c.text] |= c.access
			}
		}
		return r
	}
	for abi := range s.unfaulted {
		k.wantSites = true
		s.unfaulted[abi] = record(abi, s.policy.network)
		k.wantSites, k.noSockets = false, true
		s.expected[abi] = map[network]*reference{s.policy.network: record(abi, s.policy.network), networkStrict: record(abi, networkStrict)}
		k.noSockets = false
	}
}

// goesOn are the errnos of execve with which a search of PATH goes on (execvp(3)).
var goesOn = []syscall.Errno{unix.EACCES, unix.ENOENT, unix.ENOTDIR, unix.ESTALE, unix.ENODEV, unix.ETIMEDOUT}

// end tells how a launch must end that has been given that answer; noReason: it may go on.
func (c *madeCall) end(s *scene) (reason, syscall.Errno) {
	value, errno := c.split()
	switch c.nr {
	case unix.SYS_FCNTL:
		switch c.args[1] {
		case unix.F_GETFD:
			// A descriptor that is close-on-exec is not the caller's.
			if errno != 0 || value&1 != 0 {
				return closedDescriptor, 0
			}
		case unix.F_GETFL:
			if errno != 0 || value&3 == 0 || value&unix.O_PATH != 0 {
				return statusNotWritable, 0
			}
		case unix.F_SETFD:
			if errno = c.notZero(); errno != 0 {
				return statusFailed, errno
			}
		}
	case unix.SYS_CLOSE_RANGE:
		if errno = c.notZero(); errno != 0 {
			return closingFailed, errno
		}
	case unix.SYS_LANDLOCK_CREATE_RULESET:
		switch {
		case c.args[0] != 0:
			if errno != 0 {
				return rulesetFailed, errno
			}
		case !s.policy.restrictWrites: // the filter does without
		case errno != 0:
			return noLandlock, errno
		case value <= 0:
			return noLandlock, unix.EPROTO
		case value < 5 && s.says("--strict"):
			return notEnforced, 0
		}
	case unix.SYS_OPENAT:
		switch {
		case errno == 0:
		case c.text == "/" || errno == unix.EMFILE || errno == unix.ENFILE || errno == unix.ENOMEM:
			return openFailed, errno
		case slices.Contains(s.roots, c.text):
			return missingPath, errno
		}
	case unix.SYS_LANDLOCK_ADD_RULE:
		errno = c.notZero()
		switch {
		case errno == 0:
		case errno == unix.EBADFD && c.text != "/": // Landlock restricts it nowhere
		case errno == unix.EINVAL && c.text != "/" && c.text != "/dev/null" && !c.again: // it is granted as a file
		default:
			return ruleFailed, errno
		}
	case unix.SYS_CAPGET, unix.SYS_CAPSET:
		errno = c.notZero()
		if errno == 0 && c.differs {
			errno = unix.EPROTO
		}
		if errno != 0 {
			return capabilitiesFailed, errno
		}
	case unix.SYS_PRCTL:
		if errno = c.notZero(); errno != 0 {
			return noNewPrivsFailed, errno
		}
	case unix.SYS_LANDLOCK_RESTRICT_SELF:
		if errno = c.notZero(); errno != 0 {
			return restrictFailed, errno
		}
	case unix.SYS_SECCOMP:
		if errno = c.notZero(); errno != 0 {
			return filterFailed, errno
		}
	case unix.SYS_RT_SIGPROCMASK:
		if errno = c.notZero(); errno != 0 {
			return statusFailed, errno
		}
	case unix.SYS_WRITE:
		if errno == 0 && value != int(c.args[2]) {
			errno = unix.EIO
		}
		if errno != 0 {
			return statusFailed, errno
		}
	case unix.SYS_EXECVE:
		searched := !strings.Contains(s.words[s.policy.commandAt], "/")
		if !c.ran && !(searched && slices.Contains(goesOn, errno)) {
			return execFailed, errno
		}
	}
	return noReason, 0 // close and getsockopt among them
}

// judge finds what is wrong with a launch that has ended; empty: nothing.
func (s *scene) judge(f failure) string {
	k := &faulty
	if k.wrong != "" {
		return k.wrong
	}
	rank := -1
	for i := range k.log {
		c := &k.log[i]
		before := rank
		if rank = c.step(); rank < before {
			return c.String() + " comes too late"
		}
		why, errno := c.end(s)
		if c.ran || why != noReason {
			for _, later := range k.log[i+1:] {
				if later.nr != unix.SYS_CLOSE || c.ran {
					return later.String() + " follows on " + c.String()
				}
			}
		}
		switch {
		case c.ran:
			return s.unenforced(k.log[:i], c)
		case why != noReason && (f.reason != why || f.errno != errno):
			return fmt.Sprintf("%v leads to %+v, want reason %d, %v", c, f, why, errno)
		}
		if why != noReason {
			return ""
		}
	}
	// Every file of PATH was tried.
	want, errno := []string{}, unix.ENOENT
	for _, entry := range s.env {
		if list, is := strings.CutPrefix(entry, "PATH="); is {
			for _, dir := range strings.Split(list, ":") {
				want = append(want, filepath.Join(dir, s.words[s.policy.commandAt]))
			}
		}
	}
	tried := []string{}
	for _, c := range k.log {
		if c.nr == unix.SYS_EXECVE {
			tried = append(tried, c.text)
			if _, why := c.split(); why == unix.EACCES {
				errno = unix.EACCES
			}
		}
	}
	if f.reason != execFailed || f.errno != errno || !slices.Equal(tried, want) {
		return fmt.Sprintf("ends in %+v, having tried %q", f, tried)
	}
	return ""
}

// step is the place of a call in the order of the launch.
func (c *madeCall) step() int {
	order := [...][]uintptr{
		{unix.SYS_FCNTL}, {unix.SYS_CLOSE_RANGE}, {unix.SYS_GETSOCKOPT}, {unix.SYS_LANDLOCK_CREATE_RULESET},
		{unix.SYS_OPENAT, unix.SYS_LANDLOCK_ADD_RULE, unix.SYS_CLOSE}, {unix.SYS_CAPGET, unix.SYS_CAPSET}, {unix.SYS_PRCTL},
		{unix.SYS_LANDLOCK_RESTRICT_SELF}, {unix.SYS_SECCOMP}, {unix.SYS_RT_SIGPROCMASK, unix.SYS_WRITE}, {unix.SYS_EXECVE},
	}
	for i, numbers := range order {
		if slices.Contains(numbers, c.nr) {
			return i
		}
	}
	return len(order)
}

// unenforced tells what of the policy was not in force when a program was executed after the calls of log; empty: nothing.
func (s *scene) unenforced(log []madeCall, exec *madeCall) string {
	made := map[uintptr][]*madeCall{}
	for i := range log {
		c := &log[i]
		made[c.nr] = append(made[c.nr], c)
	}
	for nr, times := range map[uintptr]int{unix.SYS_PRCTL: 1, unix.SYS_SECCOMP: 1, unix.SYS_LANDLOCK_RESTRICT_SELF: 1, unix.SYS_LANDLOCK_CREATE_RULESET: 2} {
		if len(made[nr]) > times {
			return launchCalls[nr] + " is called too often"
		}
	}
	if exec.args[1] != uintptr(unsafe.Pointer(&s.argvp[s.policy.commandAt])) || exec.args[2] != uintptr(unsafe.Pointer(&s.envp[0])) {
		return "execve gets another argv or envp"
	}
	if wrong := s.unsaid(made); wrong != "" {
		return wrong
	}
	p := &s.policy
	if !p.restrictWrites && p.network == networkOn {
		return ""
	}

	// Every descriptor but the kept ones is closed.
	low := 3
	for _, c := range made[unix.SYS_CLOSE_RANGE] {
		for slices.Contains(s.kept, low) {
			low++
		}
		if int(c.args[0]) != low || c.args[2] != 0 || c.answer != 0 {
			return fmt.Sprintf("%d is not closed, and %v", low, c)
		}
		low = int(c.args[1]) + 1
	}
	for slices.Contains(s.kept, low) {
		low++
	}
	if low != math.MaxInt32+1 {
		return fmt.Sprintf("%d is not closed", low)
	}
	for _, fd := range s.kept {
		for _, c := range made[unix.SYS_CLOSE_RANGE] {
			if int(c.args[0]) <= fd && fd <= int(c.args[1]) {
				return fmt.Sprintf("%d is closed", fd)
			}
		}
	}

	// The Landlock ABI, as far as the kernel told.
	abi, errno := made[unix.SYS_LANDLOCK_CREATE_RULESET][0].split()
	if abi = min(abi, lastABI); errno != 0 || abi < 0 {
		abi = 0
	}
	network := p.network
	if network == networkLocal && !s.saidLocal(made[unix.SYS_GETSOCKOPT]) {
		network = networkStrict
	}
	expected := s.expected[abi][network]

	// The ruleset and its rules.
	var want unix.LandlockRulesetAttr
	if p.restrictWrites {
		want.Handled_access_fs = landlockMasks[abi].fs
		if p.network == networkOn {
			want.Handled_access_fs &^= unix.LANDLOCK_ACCESS_FS_RESOLVE_UNIX
		}
	}
	if p.network != networkOn {
		want.Handled_access_net, want.Scoped = landlockMasks[abi].net, landlockMasks[abi].scope
	}
	rules := map[string]uint64{}
	for _, c := range made[unix.SYS_LANDLOCK_ADD_RULE] {
		if c.answer == 0 {
			rules[c.text] |= c.access
		}
	}
	for path, access := range rules {
		if access&^expected.rules[path] != 0 {
			return fmt.Sprintf("a rule for %q grants %#x", path, access)
		}
	}
	if p.restrictWrites && rules["/"] != expected.rules["/"] {
		return "reading is not granted"
	}
	for _, root := range s.roots {
		given := func(c *madeCall) bool { return c.text == root && (c.answer == 0 || c.answer == failed(unix.EBADFD)) }
		if !slices.ContainsFunc(made[unix.SYS_LANDLOCK_ADD_RULE], given) {
			return fmt.Sprintf("%q is not granted", root)
		}
	}
	rulesets, enforced := made[unix.SYS_LANDLOCK_CREATE_RULESET][1:], made[unix.SYS_LANDLOCK_RESTRICT_SELF]
	if want == (unix.LandlockRulesetAttr{}) {
		if len(rulesets)+len(enforced)+len(rules) != 0 || p.restrictWrites {
			return "a ruleset for nothing"
		}
	} else {
		flags := uintptr(0)
		if s.says("--log") && abi >= 7 {
			flags = unix.LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON
		}
		switch {
		case len(rulesets) != 1 || rulesets[0].attr != want || rulesets[0].args[1] != 24 || rulesets[0].args[2] != 0:
			return fmt.Sprintf("the ruleset is %+v, want %+v", rulesets, want)
		case len(enforced) != 1 || !faulty.restricted || enforced[0].answer != 0 || enforced[0].args[0] != rulesets[0].answer || enforced[0].args[1] != flags:
			return "the ruleset is not enforced"
		}
	}

	// What was opened for the rules is left to nobody.
	for _, c := range made[unix.SYS_OPENAT] {
		if c.args[2]&unix.O_CLOEXEC == 0 || c.args[2]&unix.O_PATH == 0 {
			return fmt.Sprintf("%v, with flags %#x", c, c.args[2])
		}
		closes := func(d *madeCall) bool { return d.args[0] == c.answer }
		if _, errno := c.split(); errno == 0 && !slices.ContainsFunc(made[unix.SYS_CLOSE], closes) {
			return fmt.Sprintf("%v is not closed", c)
		}
	}

	// Capabilities, no_new_privs and the filter.
	held := s.caps
	for _, c := range made[unix.SYS_CAPSET] {
		held = c.caps
		if *faulty.rehearsal.dropped != held {
			return "the capabilities are other ones"
		}
	}
	for i, kept := range [2]uint32{1<<0 | 1<<1 | 1<<3 | 1<<5 | 1<<6 | 1<<7 | 1<<8 | 1<<10 | 1<<18, 0} {
		if (held[i].Permitted|held[i].Inheritable)&^kept != 0 || held[i].Effective&^held[i].Permitted != 0 {
			return fmt.Sprintf("the capabilities are %+v", held)
		}
	}
	if reads := made[unix.SYS_CAPGET]; len(reads) == 0 || len(reads) != 1+len(made[unix.SYS_CAPSET]) || reads[len(reads)-1].caps != held {
		return "the capabilities are not looked at"
	}
	if set := made[unix.SYS_PRCTL]; len(set) != 1 || set[0].answer != 0 || !faulty.noNewPrivs {
		return "no_new_privs is not set"
	}
	flags := uintptr(0)
	if s.says("--log") {
		flags = unix.SECCOMP_FILTER_FLAG_LOG
	}
	if set := made[unix.SYS_SECCOMP]; len(set) != 1 || set[0].answer != 0 || !faulty.filtered || set[0].args[0] != unix.SECCOMP_SET_MODE_FILTER ||
		set[0].args[1] != flags || len(expected.filter) == 0 || !slices.Equal(set[0].filter, expected.filter) {
		return "the filter is not in force, or another one"
	}
	return ""
}

// unsaid tells what is wrong with how the status was written before the first execve; empty: nothing.
func (s *scene) unsaid(made map[uintptr][]*madeCall) string {
	p := &s.policy
	masks, writes := made[unix.SYS_RT_SIGPROCMASK], made[unix.SYS_WRITE]
	if !s.says("--status-fd") {
		if len(masks)+len(writes) != 0 {
			return "something is written"
		}
		return ""
	}
	said, want := "", sandboxedLine
	if !p.restrictWrites && p.network == networkOn {
		want = unrestrictedLine
	}
	for _, c := range writes {
		if int(c.args[0]) != s.policy.statusFD || int(c.answer) > len(c.text) {
			return "written elsewhere"
		}
		said += c.text[:c.answer]
	}
	closes := func(c *madeCall) bool {
		return c.args[0] == uintptr(p.statusFD) && c.args[1] == unix.F_SETFD && c.args[2] == unix.FD_CLOEXEC && c.answer == 0
	}
	switch {
	case said != want:
		return fmt.Sprintf("the status is %q", said)
	case !slices.ContainsFunc(made[unix.SYS_FCNTL], closes):
		return "the status descriptor is left to the command"
	case len(masks) != 2 || masks[0].args[0] != unix.SIG_BLOCK || masks[1].args[0] != unix.SIG_SETMASK || masks[1].args[1] != masks[0].args[2]:
		return "SIGPIPE is not blocked, or stays so"
	}
	return ""
}

// saidLocal tells whether the kernel said of every descriptor that the command gets that it is no socket, or a connected one of AF_UNIX.
func (s *scene) saidLocal(asked []*madeCall) bool {
	type question struct{ fd, option uintptr }
	said := map[question]*madeCall{}
	for _, c := range asked {
		said[question{c.args[0], c.args[2]}] = c
	}
	is := func(fd int, option uintptr, values ...int32) bool {
		c := said[question{uintptr(fd), option}]
		return c != nil && c.answer == 0 && slices.Contains(values, c.option)
	}
	for _, fd := range append([]int{0, 1, 2}, s.kept...) {
		domain := said[question{uintptr(fd), unix.SO_DOMAIN}]
		switch {
		case fd == s.policy.statusFD:
		case domain != nil && (domain.answer == failed(unix.ENOTSOCK) || domain.answer == failed(unix.EBADF)):
		case is(fd, unix.SO_DOMAIN, unix.AF_UNIX) && is(fd, unix.SO_TYPE, unix.SOCK_STREAM, unix.SOCK_SEQPACKET) && is(fd, unix.SO_ACCEPTCONN, 0):
		default:
			return false
		}
	}
	return true
}

// plausible are the errnos with which a call can fail, by its manual page and by what outer filters answer.
var plausible = map[uintptr][]syscall.Errno{
	unix.SYS_FCNTL:       {unix.EBADF, unix.EINVAL, unix.EACCES},
	unix.SYS_CLOSE_RANGE: {unix.EINVAL, unix.EMFILE, unix.ENOMEM},
	unix.SYS_GETSOCKOPT:  {unix.ENOTSOCK, unix.EBADF, unix.EACCES, unix.ENOPROTOOPT, unix.EINVAL, unix.EFAULT, unix.EOPNOTSUPP},
	unix.SYS_LANDLOCK_CREATE_RULESET: {unix.EOPNOTSUPP, unix.EINVAL, unix.E2BIG, unix.EFAULT, unix.ENOMSG, unix.EMFILE, unix.ENFILE,
		unix.ENOMEM},
	unix.SYS_OPENAT: {unix.ENOENT, unix.ENOTDIR, unix.EACCES, unix.ELOOP, unix.ENAMETOOLONG, unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.ENXIO,
		unix.ENODEV, unix.ESTALE, unix.EINTR, unix.EIO, unix.EINVAL, unix.EBADF, unix.EOVERFLOW},
	unix.SYS_LANDLOCK_ADD_RULE:      {unix.EINVAL, unix.EBADFD, unix.EBADF, unix.ENOMSG, unix.EFAULT, unix.ENOMEM, unix.EOPNOTSUPP, unix.E2BIG},
	unix.SYS_CLOSE:                  {unix.EBADF, unix.EIO, unix.EINTR, unix.ENOSPC, unix.EDQUOT},
	unix.SYS_CAPGET:                 {unix.EINVAL, unix.EFAULT, unix.ESRCH},
	unix.SYS_CAPSET:                 {unix.EINVAL, unix.EFAULT, unix.ESRCH},
	unix.SYS_PRCTL:                  {unix.EINVAL, unix.EFAULT, unix.EACCES},
	unix.SYS_LANDLOCK_RESTRICT_SELF: {unix.E2BIG, unix.EBADF, unix.EBADFD, unix.EINVAL, unix.EOPNOTSUPP, unix.ENOMEM},
	unix.SYS_SECCOMP:                {unix.EACCES, unix.EBUSY, unix.ECANCELED, unix.EFAULT, unix.EINVAL, unix.ENOMEM, unix.EOPNOTSUPP, unix.ESRCH},
	unix.SYS_RT_SIGPROCMASK:         {unix.EFAULT, unix.EINVAL},
	unix.SYS_WRITE: {unix.EAGAIN, unix.EBADF, unix.EPIPE, unix.ENOSPC, unix.EIO, unix.EINTR, unix.EFBIG, unix.EDQUOT, unix.EINVAL, unix.EFAULT,
		unix.EDESTADDRREQ},
	unix.SYS_EXECVE: append([]syscall.Errno{unix.E2BIG, unix.ENOEXEC, unix.ENOMEM, unix.ETXTBSY, unix.EIO, unix.EINVAL, unix.EISDIR, unix.ELOOP,
		unix.EMFILE, unix.ENFILE, unix.ELIBBAD, unix.ENAMETOOLONG, unix.EFAULT, unix.EAGAIN}, goesOn...),
}

// everywhere are the errnos of outer filters and of security modules, and the last that is one (MAX_ERRNO).
var everywhere = []syscall.Errno{unix.EPERM, unix.ENOSYS, 4095}

// wrongAnswers are those that are tried in the place of the right one: errnos, and values that are no errno and not right either. 0 is
// among them only where it is not what success looks like, or where what it claims is read back.
func (c *madeCall) wrongAnswers() (all []uintptr) {
	for _, errno := range slices.Concat(plausible[c.nr], everywhere) {
		all = append(all, failed(errno))
	}
	for _, value := range []int{1, 2, 3, 1 << 31, 1 << 32, 1 << 40, math.MaxInt64, math.MinInt64, -4096} {
		all = append(all, uintptr(value))
	}
	switch c.nr {
	case unix.SYS_OPENAT, unix.SYS_LANDLOCK_CREATE_RULESET, unix.SYS_CAPSET, unix.SYS_EXECVE:
		all = append(all, 0)
	case unix.SYS_CAPGET:
		if c.again {
			all = append(all, 0)
		}
	case unix.SYS_FCNTL:
		if c.args[1] == unix.F_GETFL {
			all = append(all, 0)
		}
	case unix.SYS_WRITE:
		all = append(all, 0, c.args[2]-1, c.args[2]+1)
	}
	return all
}

// fewAnswers are those of wrongAnswers that lead to each different end.
func (c *madeCall) fewAnswers() []uintptr {
	few := map[uintptr][]uintptr{
		unix.SYS_FCNTL:                   {failed(unix.EBADF), 1, 2},
		unix.SYS_GETSOCKOPT:              {failed(unix.EPERM), failed(unix.ENOTSOCK)},
		unix.SYS_LANDLOCK_CREATE_RULESET: {failed(unix.ENOSYS), 1, 6, 999},
		unix.SYS_OPENAT:                  {failed(unix.ENOENT), failed(unix.EMFILE)},
		unix.SYS_LANDLOCK_ADD_RULE:       {failed(unix.EINVAL), failed(unix.EBADFD), 1},
		unix.SYS_WRITE:                   {failed(unix.EPIPE), 1},
		unix.SYS_EXECVE:                  {failed(unix.EACCES), failed(unix.ENOENT), failed(unix.E2BIG)},
		unix.SYS_CAPSET:                  {failed(unix.EPERM), 0},
	}[c.nr]
	if few == nil {
		few = []uintptr{failed(unix.EIO), 1}
	}
	return few
}

// faultScenes are the policies of launchKinds, and those that make the launch do what these do not.
func faultScenes(t testing.TB) (all []*scene) {
	t.Helper()
	dir := scratch(t)
	for _, sub := range []string{"/root", "/none", "/marked", "/first", "/second"} {
		if err := os.Mkdir(dir+sub, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for file, mode := range map[string]os.FileMode{"/file": 0o644, "/marked/tiny": 0o644} {
		if err := os.WriteFile(dir+file, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"/first/tiny", "/second/tiny"} {
		tinyProgram(t, dir+file)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { r.Close() })
	pipe := fmt.Sprint("/proc/self/fd/", r.Fd())

	var (
		root    = capabilityData(unix.CapUserData{Effective: 1<<32 - 1, Permitted: 1<<32 - 1}, unix.CapUserData{Effective: 1<<9 - 1, Permitted: 1<<9 - 1})
		user    = capabilityData(unix.CapUserData{}, unix.CapUserData{})
		passing = capabilityData(unix.CapUserData{Inheritable: 1 << unix.CAP_NET_RAW}, unix.CapUserData{Inheritable: 1 << (unix.CAP_BPF - 32)})
		kept    = capabilityData(unix.CapUserData{Permitted: 1 << unix.CAP_CHOWN}, unix.CapUserData{})
	)
	file := descriptor{flags: unix.O_RDWR}
	stream := descriptor{unix.O_RDWR, unix.AF_UNIX, unix.SOCK_STREAM, 0}
	full := `{"mode":"danger-full-access"}`
	workspace := `{"mode":"workspace-write","writable_roots":["@/file","@/missing","` + pipe + `","@/first"]}`
	for _, kind := range launchKinds() {
		all = append(all, &scene{name: kind.name, argv: kind.argv})
	}
	all = append(all,
		&scene{name: "a user", argv: []string{"snib", "-w", "@/root"}, caps: user},
		&scene{name: "inheritable capabilities", argv: []string{"snib", "-w", "@/root"}, caps: passing},
		&scene{name: "a capability to keep", argv: []string{"snib", "-w", "@/root"}, caps: kept},
		&scene{name: "status", argv: []string{"snib", "--status-fd", "7", "-w", "@/root"}, open: map[int]descriptor{7: {flags: unix.O_WRONLY}}},
		&scene{name: "status, nothing restricted", argv: []string{"snib", "--status-fd", "3", "--as", "codex-linux-sandbox", "/", full},
			open: map[int]descriptor{3: {flags: unix.O_RDWR | unix.O_APPEND}}},
		&scene{name: "descriptors kept", argv: []string{"snib", "--keep-fd", "9", "--keep-fd", "3", "--keep-fd", "0", "--status-fd", "5",
			"--keep-fd", "4", "--keep-fd", "9", "--keep-fd", "2147483647"}, open: map[int]descriptor{3: file, 4: stream, 5: file, 9: stream, 1<<31 - 1: file}},
		&scene{name: "log", argv: []string{"snib", "--log", "-w", "@/root"}},
		&scene{name: "strict", argv: []string{"snib", "--strict", "-w", "@/root"}},
		&scene{name: "several paths", argv: []string{"snib", "-w", "@/file", "-w", pipe, "-w", "@/root", "-w", "@/missing", "-w", "@/first"}},
		&scene{name: "several paths that exist", argv: []string{"snib", "--network", "-w", "@/file", "-w", pipe, "-w", "@/root"}},
		&scene{name: "helper, several paths", argv: []string{"codex-linux-sandbox", "@/root", workspace}, env: []string{"A=B", "TMPDIR=@/second"}},
		&scene{name: "helper, missing paths", argv: []string{"codex-linux-sandbox", "-s", "disk-write-folder=@/missing", "-s", "disk-write-cwd",
			"-s", "disk-write-folder=" + pipe, "-s", "disk-write-platform-global-temp-folder", "-s", "disk-write-folder=@/file"}},
		&scene{name: "helper, network local only", argv: []string{"codex-linux-sandbox", "--sandbox-policy-cwd", "/", "--sandbox-policy",
			`{"type":"external-sandbox"}`}},
		&scene{name: "search", argv: []string{"snib", "--status-fd", "7", "--"}, open: map[int]descriptor{7: file},
			env: []string{"PATH=@/none:@/marked:@/first:@/second:@/file"}},
		&scene{name: "search in vain", argv: []string{"snib", "--"}, env: []string{"PATH=@/none:@/marked:@/file"}},
		&scene{name: "stream socket", argv: []string{"snib", "-w", "@/root"}, open: map[int]descriptor{0: stream}},
		&scene{name: "listening socket", argv: []string{"snib"}, open: map[int]descriptor{0: {unix.O_RDWR, unix.AF_UNIX, unix.SOCK_SEQPACKET, 1}}},
		&scene{name: "datagram socket", argv: []string{"snib"}, open: map[int]descriptor{1: {unix.O_RDWR, unix.AF_UNIX, unix.SOCK_DGRAM, 0}}},
		&scene{name: "internet socket", argv: []string{"snib"}, open: map[int]descriptor{2: {unix.O_RDWR, unix.AF_INET, unix.SOCK_STREAM, 0}}},
	)
	static := staticMemory(t)
	here := &scene{memory: static}
	if local := new(int); here.holds(uintptr(unsafe.Pointer(local))) || !here.holds(uintptr(unsafe.Pointer(&shared.path))) ||
		!here.holds(uintptr(unsafe.Pointer(unsafe.StringData("a constant")))) {
		t.Fatalf("these are not the constants and variables: %x", static)
	}
	for _, s := range all {
		if s.caps == [2]unix.CapUserData{} && s.name != "a user" {
			s.caps = root
		}
		command := dir + "/first/tiny"
		if strings.HasPrefix(s.name, "search") {
			command = "tiny"
		}
		s.prepare(t, dir, static, command)
	}
	return all
}

func capabilityData(low, high unix.CapUserData) [2]unix.CapUserData {
	return [2]unix.CapUserData{low, high}
}

// attempt launches with faults, and reports what is wrong then, once for each kind of fault.
func (s *scene) attempt(t *testing.T, abi int, faults ...wrongAnswer) {
	t.Helper()
	f := s.launch(abi, s.policy.network, faults...)
	wrong := s.judge(f)
	if said := (saying{s, f}); faulty.rehearsal.runs == "" && !heard[said] {
		heard[said] = true
		if m := f.message(s.words); !strings.Contains(m.text, stepNames[f.reason]) || m.row.code < 125 || m.row.code > 127 {
			wrong = fmt.Sprintf("%s; says %q and exits with %d", wrong, m.text, m.row.code)
		}
	}
	if wrong == "" {
		return
	}
	names := described(faults)
	if key := fmt.Sprint(t.Name(), names); !reported[key] {
		reported[key] = true
		t.Errorf("%s, ABI %d, %v: %s", s.name, abi, names, wrong)
	}
}

// reported are the faults that were, and heard the failures whose messages were read.
var (
	reported = map[string]bool{}
	heard    = map[saying]bool{}
)

type saying struct {
	scene   *scene
	failure failure
}

// stepNames are the words by which a failure's message names the step.
var stepNames = map[reason]string{
	closedDescriptor: "a descriptor that is not open", statusNotWritable: "a descriptor that is not open for writing", closingFailed: "close_range",
	noLandlock: "landlock is not available", notEnforced: "cannot enforce", rulesetFailed: "landlock_create_ruleset", openFailed: "open ",
	missingPath: "writable path ", ruleFailed: "landlock_add_rule for ", capabilitiesFailed: "capabilities", noNewPrivsFailed: "PR_SET_NO_NEW_PRIVS",
	restrictFailed: "landlock_restrict_self", filterFailed: "SECCOMP_SET_MODE_FILTER", statusFailed: "status descriptor", execFailed: `tiny"`,
}

// described names the calls of faulty.log that had faults.
func described(faults []wrongAnswer) (names []string) {
	for _, f := range faults {
		if f.at < len(faulty.log) {
			names = append(names, faulty.log[f.at].String())
		}
	}
	return names
}

// emulated tells whether this is a guest, whose processor is emulated and slow. A rehearsed launch asks nothing of the guest's
// kernel, so a part of them is enough there; outside all are made.
func emulated() bool { return os.Getenv(guestVariable) != "" }

// TestFaults makes each call of each launch fail in each way, on a kernel of each Landlock ABI and on one without.
func TestFaults(t *testing.T) {
	possible, failing, numbers, launches := map[string]bool{}, map[string]bool{}, map[uintptr]bool{}, 0
	for _, s := range faultScenes(t) {
		s.refer()
		for abi, unfaulted := range s.unfaulted {
			if emulated() && abi != 0 && abi != kernelABI() && abi != lastABI {
				continue
			}
			s.attempt(t, abi)
			for i := range unfaulted.log {
				possible[unfaulted.sites[i]] = true
				answers := unfaulted.log[i].wrongAnswers()
				if abi == lastABI && !emulated() {
					for errno := syscall.Errno(1); errno < 134; errno++ {
						answers = append(answers, failed(errno))
					}
				}
				for _, answer := range answers {
					s.attempt(t, abi, wrongAnswer{i, answer})
					launches++
					if i < len(faulty.log) && faulty.log[i].answer == answer {
						failing[unfaulted.sites[i]], numbers[faulty.log[i].nr] = true, true
					}
				}
			}
		}
	}
	for site := range possible {
		if !failing[site] {
			t.Errorf("never failed: %s", site)
		}
	}
	for nr, name := range launchCalls {
		if !numbers[nr] {
			t.Errorf("never failed: %s", name)
		}
	}
	t.Logf("%d launches, with faults at %d places", launches, len(failing))
}

// TestFaultPairs makes a second call fail after the first, also where the launch would not have made it without the first fault.
func TestFaultPairs(t *testing.T) {
	launches := 0
	for _, s := range faultScenes(t) {
		s.refer()
		for _, abi := range []int{0, 1, 4, 7, 9} {
			if emulated() && abi != 9 {
				continue
			}
			for i := range s.unfaulted[abi].log {
				for _, answer := range s.unfaulted[abi].log[i].fewAnswers() {
					first := wrongAnswer{i, answer}
					s.attempt(t, abi, first)
					after := slices.Clone(faulty.log)
					for j := i + 1; j < len(after); j++ {
						for _, answer := range after[j].fewAnswers() {
							s.attempt(t, abi, first, wrongAnswer{j, answer})
							launches++
						}
					}
				}
			}
		}
	}
	t.Logf("%d launches", launches)
}

// TestFaultPlaces shows that the launches of the other tests make every call that carryOut can make, by the source.
func TestFaultPlaces(t *testing.T) {
	files := parseSources(t)
	lines := map[string]bool{}
	for _, s := range faultScenes(t) {
		s.refer()
		for _, r := range s.unfaulted {
			for _, site := range r.sites {
				for _, line := range strings.Fields(site) {
					lines[line] = true
				}
			}
		}
	}
	places := files.systemCallsOf("carryOut")
	for _, place := range places {
		if !lines[place] {
			t.Errorf("no launch gets to %s", place)
		}
	}
	if len(places) < 30 {
		t.Errorf("too few places were found: %q", places)
	}
}

// inProcess runs a fault of TestStraceFaults here, and returns what snib would say; nothing: the command runs.
func (f fault) inProcess(t testing.TB, argv []string) (said string) {
	t.Helper()
	s := &scene{argv: argv, env: []string{"PATH=/nonexistent"}}
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &s.caps[0]); err != nil {
		t.Fatal(err)
	}
	s.prepare(t, "", staticMemory(t))
	s.launch(kernelABI(), s.policy.network)
	name, _, _ := strings.Cut(f.call, " ")
	injected := wrongAnswer{at: -1}
	for i, nth := 0, f.nth; i < len(faulty.log); i++ {
		if launchCalls[faulty.log[i].nr] == name {
			if nth--; nth == 0 {
				injected.at = i
			}
		}
	}
	if injected.at < 0 {
		t.Fatalf("%s is not called %d times", name, f.nth)
	}
	if value, is := strings.CutPrefix(f.value, "="); is {
		injected.answer = uintptr(atoi(value))
	} else {
		injected.answer = failed(errnoNamed(f.value))
	}
	failure := s.launch(kernelABI(), s.policy.network, injected)
	if faulty.rehearsal.runs != "" {
		return ""
	}
	m := failure.message(s.words)
	said = ownName(argv) + ": error: " + m.text + "\n"
	if m.hint != "" {
		said += ownName(argv) + ": hint: " + m.hint + "\n"
	}
	return said
}

// errnoNamed is the errno of that name.
func errnoNamed(name string) syscall.Errno {
	if name == "EOPNOTSUPP" {
		return unix.EOPNOTSUPP // ErrnoName has this number as ENOTSUP
	}
	for errno := syscall.Errno(1); errno < 134; errno++ {
		if unix.ErrnoName(errno) == name {
			return errno
		}
	}
	panic(name)
}
