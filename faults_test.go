package main

// Faults in process: the launch runs against a kernel in which one call, or two, fail or answer what they never should. Then either
// nothing is executed and the failure names the step, or everything that the policy asks for was in force before.
//
// What the launch must make of an answer stands in madeCall.end, naively; what must be in force in scene.unenforced. The answers of
// the calls that do not fail are those of the rehearsing kernel, whose Landlock ABI is invented, so this needs nothing of the real one.

import (
	"cmp"
	"fmt"
	"maps"
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
	asks bool // it is there for what the launch asks before it makes a ruleset; what comes after fails in the other scenes

	// What follows from it.
	words     []string
	argvp     []*byte
	envp      []*byte
	policy    policy
	kept      []int // descriptors above 2 that are not to be closed, in their order
	roots     []string
	paths     []wantedPath // that snib's own options have rules for, in their order
	ports     []wantedPort
	memory    []span
	interned  map[string]string
	held      map[heldPath]heldFile
	programs  map[string]uintptr // what execve answered for a file
	unfaulted [lastABI + 1]*reference
	expected  [lastABI + 1]map[network]*reference // with what becomes of the network for the sockets that there are said to be
}

// descriptor is what the process has open under a number.
type descriptor struct {
	flags                           uintptr // as F_GETFL answers
	domain, kind, protocol, listens int32   // domain 0: it is no socket
	peer                            peer
}

// peer is whom a socket is connected to.
type peer int

const (
	noPeer peer = iota
	unnamedPeer
	namedPeer
)

// wantedPath is a path and the option that it stands for: "all", "system", "null" and "dev" are those without a value.
type wantedPath struct{ name, use string }

// wantedPort is a port of --connect, and the index of the word that names it.
type wantedPort struct{ port, word int }

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
	use     string               // wantedPath's, of an openat and of a rule
	access  uint64               // of a rule
	port    uint64               // of a rule for one
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
	handled   unix.LandlockRulesetAttr
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
	switch {
	case !injected:
		c.answer = kernelAnswer(nr, a1, a2, a3, a4, a5)
	case nr == unix.SYS_GETSOCKOPT:
		kernelAnswer(nr, a1, a2, a3, a4, a5) // what a call leaves in memory that failed is not to be believed, however likely
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
		k.ruleset, k.handled = k.rehearsal.answer(nr, a1, a2, a3, a4, a5), attr
		return k.ruleset
	case unix.SYS_LANDLOCK_ADD_RULE:
		if a2 == landlockPort {
			rule := *(*[2]uint64)(memory(a3))
			switch {
			case k.ruleset == 0 || uint32(a1) != uint32(k.ruleset):
				return failed(notRuleset(a1))
			case rule[0] == 0:
				return failed(unix.ENOMSG)
			case abi < 4 || a4 != 0 || rule[0]&^k.handled.Handled_access_net != 0 || rule[1] > math.MaxUint16:
				return failed(unix.EINVAL)
			}
			break
		}
		rule := *(*unix.LandlockPathBeneathAttr)(memory(a3))
		switch {
		case k.ruleset == 0 || uint32(a1) != uint32(k.ruleset):
			return failed(notRuleset(a1))
		case rule.Allowed_access == 0:
			return failed(unix.ENOMSG)
		case a2 != unix.LANDLOCK_RULE_PATH_BENEATH || a4 != 0 || rule.Allowed_access&^k.handled.Handled_access_fs != 0:
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

// landlockPort is the type of Landlock's rules for ports, LANDLOCK_RULE_NET_PORT.
const landlockPort = 2

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
		case a2 != unix.SOL_SOCKET || *(*uint32)(memory(a5)) != 4:
			return failed(unix.EINVAL)
		case a3 == unix.SO_PEERNAME:
			// An address without a name is two bytes: shorter than what is asked for.
			return map[peer]uintptr{noPeer: failed(unix.ENOTCONN), unnamedPeer: failed(unix.EINVAL), namedPeer: 0}[d.peer]
		}
		value, is := map[uintptr]int32{unix.SO_DOMAIN: d.domain, unix.SO_TYPE: d.kind, unix.SO_PROTOCOL: d.protocol, unix.SO_ACCEPTCONN: d.listens}[a3]
		if !is {
			return failed(unix.ENOPROTOOPT)
		}
		*(*int32)(memory(a4)) = value
		return 0
	case unix.SYS_CAPGET:
		*(*[2]unix.CapUserData)(memory(a2)) = s.caps
		return 0
	case unix.SYS_OPENAT, unix.SYS_STATX:
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
	case unix.SYS_STATX:
		return []int{1, 4}
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
		c.use = k.scene.useOf(c)
	case unix.SYS_EXECVE:
		c.text = k.scene.intern(text((*byte)(memory(c.args[0]))))
	case unix.SYS_WRITE:
		c.text = k.scene.intern(unsafe.String((*byte)(memory(c.args[1])), int(c.args[2])))
	case unix.SYS_LANDLOCK_CREATE_RULESET:
		if c.args[0] != 0 {
			c.attr = *(*unix.LandlockRulesetAttr)(memory(c.args[0]))
		}
	case unix.SYS_LANDLOCK_ADD_RULE:
		if c.args[1] == landlockPort {
			rule := *(*[2]uint64)(memory(c.args[2]))
			c.access, c.port = rule[0], rule[1]
			break
		}
		rule := *(*unix.LandlockPathBeneathAttr)(memory(c.args[2]))
		c.access, c.again = rule.Allowed_access, k.log[len(k.log)-1].nr == c.nr
		for i := len(k.log) - 1; c.text == "" && i >= 0; i-- {
			if o := &k.log[i]; o.nr == unix.SYS_OPENAT && int32(o.answer) == rule.Parent_fd {
				c.text, c.use = o.text, o.use
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
	case unix.SYS_LANDLOCK_ADD_RULE:
		if c.args[1] == landlockPort {
			return fmt.Sprint(name, " port ", c.port)
		}
	}
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
	s.wanted()
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

// values calls f for each value of one of snib's own options, with the index of its word.
func (s *scene) values(option string, f func(value string, word int)) {
	if s.policy.grammar != snibOptions {
		return
	}
	for i := 1; i < s.policy.commandAt; i++ {
		if value, is := strings.CutPrefix(s.words[i], option+"="); is {
			f(value, i)
		} else if s.words[i] == option {
			f(s.words[i+1], i+1)
		}
	}
}

// own tells whether the scene is of snib's own options.
func (s *scene) own() bool { return s.policy.grammar == snibOptions }

// has tells whether one of snib's own options is given, with or without a value.
func (s *scene) has(option string) (is bool) {
	s.values(option, func(string, int) { is = true })
	return is
}

// unixEverywhere tells whether --unix / is given.
func (s *scene) unixEverywhere() (is bool) {
	s.values("--unix", func(value string, _ int) { is = is || value == "/" })
	return is
}

// wanted lists the paths and ports that snib's own options have rules for.
func (s *scene) wanted() {
	s.paths, s.ports = nil, nil
	if !s.own() {
		return
	}
	add := func(use string) func(string, int) {
		return func(value string, _ int) { s.paths = append(s.paths, wantedPath{value, use}) }
	}
	switch {
	case !s.has("--read"):
		add("all")("/", 0)
	case !s.has("--bare"):
		for _, path := range baseSystem {
			add("system")(strings.TrimSuffix(path, "\x00"), 0)
		}
	}
	s.values("--read", add("--read"))
	s.values("--list", add("--list"))
	add("null")("/dev/null", 0)
	s.values("-w", add("-w"))
	if s.has("--dev") {
		variable := func(name string) string {
			for _, entry := range s.env {
				if value, is := strings.CutPrefix(entry, name+"="); is && filepath.IsAbs(value) && value != "/" {
					return value
				}
			}
			return ""
		}
		paths := []string{"/tmp", "/var/tmp", variable("TMPDIR"), variable("XDG_CACHE_HOME")}
		if home := variable("HOME"); paths[3] == "" && home != "" {
			paths[3] = home + "/.cache"
		}
		for _, path := range append(paths, "/dev/shm", "/dev/ptmx", "/dev/pts", "/dev/tty") {
			if path != "" {
				add("dev")(path, 0)
			}
		}
	}
	if !s.unixEverywhere() {
		s.values("--unix", add("--unix"))
	}
	s.values("--connect", func(value string, word int) { s.ports = append(s.ports, wantedPort{atoi(value), word}) })
}

// useOf is what the next path to be opened is for.
func (s *scene) useOf(c *madeCall) string {
	if !s.own() {
		return map[string]string{"/": "all", "/dev/null": "null"}[c.text]
	}
	n := 0
	for i := range faulty.log {
		if faulty.log[i].nr == c.nr {
			n++
		}
	}
	if n >= len(s.paths) || s.paths[n].name != c.text {
		faulty.wrong = fmt.Sprintf("%q is opened as path %d of %q", c.text, n, s.paths)
		return ""
	}
	if directory := c.args[2]&unix.O_DIRECTORY != 0; directory != (s.paths[n].use == "--list") {
		faulty.wrong = fmt.Sprintf("%q is opened with flags %#x", c.text, c.args[2])
	}
	return s.paths[n].use
}

// Landlock's rights, as the kernel's manual has them (landlock(7)).
const (
	readingRights = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	fileRights    = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	neverGranted = unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_RESOLVE_UNIX
)

// grants is what a rule of snib's own options allows, on a directory and on a file; equal where it is asked for once.
func grants(use string, abi int) (directory, file uint64) {
	all := landlockMasks[abi].fs &^ neverGranted
	switch use {
	case "all":
		return readingRights, readingRights
	case "system", "--read":
		return readingRights, readingRights & fileRights
	case "--list":
		return unix.LANDLOCK_ACCESS_FS_READ_DIR, unix.LANDLOCK_ACCESS_FS_READ_DIR
	case "null":
		return all & fileRights, all & fileRights
	case "-w", "dev":
		return all, all & fileRights
	case "--unix":
		return unix.LANDLOCK_ACCESS_FS_RESOLVE_UNIX, unix.LANDLOCK_ACCESS_FS_RESOLVE_UNIX
	}
	return 0, 0
}

// rootAgain is a name of the root that is not "/".
const rootAgain = "/proc/.."

// ungranted tells what is wrong with the rules of snib's own options, each of which is there, or was not to be had; empty: nothing.
func (s *scene) ungranted(log []madeCall, abi int) string {
	opened, ports := 0, []wantedPort{}
	for i := range log {
		c := &log[i]
		switch {
		case c.nr == unix.SYS_OPENAT:
			opened++
			if _, errno := c.split(); errno != 0 {
				continue
			}
			next := i + 1
			if c.use == "dev" && next < len(log) && log[next].nr == unix.SYS_STATX {
				if log[next].notZero() != 0 || c.text == rootAgain {
					continue // it may be the root
				}
				next++
			}
			if next >= len(log) || log[next].nr != unix.SYS_LANDLOCK_ADD_RULE {
				return fmt.Sprintf("%q has no rule", c.text)
			}
		case c.nr != unix.SYS_LANDLOCK_ADD_RULE:
		case c.args[1] == landlockPort:
			if c.access != unix.LANDLOCK_ACCESS_NET_CONNECT_TCP || c.answer != 0 {
				return fmt.Sprintf("%v, of %#x", c, c.access)
			}
			ports = append(ports, wantedPort{port: int(c.port)})
		default:
			want, file := grants(c.use, abi)
			if c.again {
				want = file
			}
			if c.access != want || want == 0 {
				return fmt.Sprintf("a rule for %q, for %s, grants %#x, want %#x", c.text, c.use, c.access, want)
			}
			last := log[i+1].nr != unix.SYS_LANDLOCK_ADD_RULE
			if last && c.answer != 0 && c.answer != failed(unix.EBADFD) {
				return fmt.Sprintf("%v, and no more", c)
			}
		}
	}
	if opened != len(s.paths) {
		return fmt.Sprintf("%d paths are opened of %q", opened, s.paths)
	}
	same := func(a, b wantedPort) bool { return a.port == b.port }
	if !slices.EqualFunc(ports, s.ports, same) {
		return fmt.Sprintf("rules for the ports %v, want %v", ports, s.ports)
	}
	return ""
}

// launch runs carryOut in a process that is like new, on a kernel of that ABI with those faults.
func (s *scene) launch(abi int, network network, faults ...wrongAnswer) failure {
	k := &faulty
	k.scene, k.faults, k.log, k.sites, k.wrong = s, faults, k.log[:0], k.sites[:0], ""
	k.ruleset, k.handled, k.noNewPrivs, k.restricted, k.filtered = 0, unix.LandlockRulesetAttr{}, false, false, false
	k.rehearsal = &rehearsal{abi: abi, opened: map[int]int{}, kernel: kernelBeneath}
	if abi == 0 {
		k.rehearsal.errno = unix.ENOSYS
	}
	k.real = systemCall
	statusFD, shared().sockFprog, shared().socketValue = 0, sockFprog{}, 0
	shared().capabilities, shared().capabilitiesAfter = [2]unix.CapUserData{}, [2]unix.CapUserData{}

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
			case c.nr == unix.SYS_LANDLOCK_ADD_RULE && c.answer == 0 && c.args[1] != landlockPort:
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
func (c *madeCall) end(s *scene) (why failure) {
	value, errno := c.split()
	switch c.nr {
	case unix.SYS_FCNTL:
		switch c.args[1] {
		case unix.F_GETFD:
			// A descriptor that is close-on-exec is not the caller's.
			if errno != 0 || value&1 != 0 {
				return failure{reason: closedDescriptor}
			}
		case unix.F_GETFL:
			if errno != 0 || value&3 == 0 || value&unix.O_PATH != 0 {
				return failure{reason: statusNotWritable}
			}
		case unix.F_SETFD:
			if errno = c.notZero(); errno != 0 {
				return failure{reason: statusFailed, errno: errno}
			}
		}
	case unix.SYS_CLOSE_RANGE:
		if errno = c.notZero(); errno != 0 {
			return failure{reason: closingFailed, errno: errno}
		}
	case unix.SYS_LANDLOCK_CREATE_RULESET:
		switch {
		case c.args[0] != 0:
			if errno != 0 {
				return failure{reason: rulesetFailed, errno: errno}
			}
		case !s.policy.restrictWrites: // the filter does without
		case errno != 0:
			return failure{reason: noLandlock, errno: errno}
		case value <= 0:
			return failure{reason: noLandlock, errno: unix.EPROTO}
		case len(s.ports) > 0 && value < 4:
			return failure{reason: noPorts, arg: value}
		case s.has("--unix") && !s.unixEverywhere() && value < 9:
			return failure{reason: noUnixPaths, arg: value}
		}
	case unix.SYS_OPENAT:
		switch {
		case errno == 0:
		case c.use == "all" || errno == unix.EMFILE || errno == unix.ENFILE || errno == unix.ENOMEM:
			return failure{reason: openFailed, errno: errno}
		case c.use == "--list" && errno == unix.ENOTDIR:
			return failure{reason: listNoDirectory, errno: errno}
		case c.use == "--read" || c.use == "--list" || c.use == "--unix":
			return failure{reason: missingPath, errno: errno}
		case slices.Contains(s.roots, c.text) && (c.use == "-w" || !s.own()):
			return failure{reason: missingPath, errno: errno}
		}
	case unix.SYS_STATX:
		errno = c.notZero()
		if errno != 0 && (int32(c.args[0]) == unix.AT_FDCWD || errno == unix.EMFILE || errno == unix.ENFILE || errno == unix.ENOMEM) {
			return failure{reason: openFailed, errno: errno}
		}
	case unix.SYS_LANDLOCK_ADD_RULE:
		errno = c.notZero()
		directoryAndFile := c.access&fileRights != 0 && c.access&^fileRights != 0
		switch {
		case errno == 0:
		case c.args[1] == landlockPort:
			for _, p := range s.ports {
				if p.port == int(c.port) {
					return failure{reason: portFailed, errno: errno, arg: p.word}
				}
			}
			return failure{reason: portFailed, errno: errno}
		case errno == unix.EBADFD && c.use != "all": // Landlock restricts it nowhere
		case errno == unix.EINVAL && c.use != "all" && directoryAndFile && !c.again: // it is granted as a file
		default:
			return failure{reason: ruleFailed, errno: errno}
		}
	case unix.SYS_CAPGET, unix.SYS_CAPSET:
		errno = c.notZero()
		if errno == 0 && c.differs {
			errno = unix.EPROTO
		}
		if errno != 0 {
			return failure{reason: capabilitiesFailed, errno: errno}
		}
	case unix.SYS_PRCTL:
		if errno = c.notZero(); errno != 0 {
			return failure{reason: noNewPrivsFailed, errno: errno}
		}
	case unix.SYS_LANDLOCK_RESTRICT_SELF:
		if errno = c.notZero(); errno != 0 {
			return failure{reason: restrictFailed, errno: errno}
		}
	case unix.SYS_SECCOMP:
		if errno = c.notZero(); errno != 0 {
			return failure{reason: filterFailed, errno: errno}
		}
	case unix.SYS_RT_SIGPROCMASK:
		if errno = c.notZero(); errno != 0 {
			return failure{reason: statusFailed, errno: errno}
		}
	case unix.SYS_WRITE:
		if errno == 0 && value != int(c.args[2]) {
			errno = unix.EIO
		}
		if errno != 0 {
			return failure{reason: statusFailed, errno: errno}
		}
	case unix.SYS_EXECVE:
		searched := !strings.Contains(s.words[s.policy.commandAt], "/")
		if !c.ran && !(searched && slices.Contains(goesOn, errno)) {
			return failure{reason: execFailed, errno: errno}
		}
	}
	return failure{} // close and getsockopt, of which judge knows, among them
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
		want := c.end(s)
		if c.nr == unix.SYS_LANDLOCK_CREATE_RULESET && c.args[0] == 0 || c.nr == unix.SYS_GETSOCKOPT {
			want = cmp.Or(want, s.socketsEnd(k.log[:i+1], k.log[i+1:]))
		}
		why := want.reason
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
		case why != noReason && (f.reason != why || f.errno != want.errno || want.arg != 0 && f.arg != want.arg):
			return fmt.Sprintf("%v leads to %+v, want %+v", c, f, want)
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

// socketsEnd tells how a launch must end after the calls of log, the last of which asked for the ABI or what a descriptor is: with a
// descriptor that the kernel has not said to lead nowhere, if there was no other question about it, and after the last question for
// want of what --strict insists on.
func (s *scene) socketsEnd(log, later []madeCall) failure {
	c := &log[len(log)-1]
	more := len(later) > 0 && later[0].nr == unix.SYS_GETSOCKOPT
	asksOn := more && later[0].args[0] == c.args[0]
	local := s.policy.network == networkLocal && !s.has("--unix")
	if c.nr == unix.SYS_GETSOCKOPT && !asksOn && !local && !s.saidInside(int(c.args[0]), log) {
		return failure{reason: keptSocket, arg: int(c.args[0])}
	}
	if abi := saidABI(log); !more && s.says("--strict") && s.policy.restrictWrites && (abi < 5 || abi < 6 && s.own() && !s.says("--signals")) {
		lacks := "signal"
		if abi < 5 {
			lacks = "ioctl_dev"
		}
		return failure{reason: notEnforced, arg: slices.IndexFunc(rights[:], func(r right) bool { return r.name == lacks })}
	}
	return failure{}
}

// saidABI is the Landlock ABI, as far as the kernel told.
func saidABI(log []madeCall) int {
	for i := range log {
		if c := &log[i]; c.nr == unix.SYS_LANDLOCK_CREATE_RULESET && c.args[0] == 0 {
			if abi, errno := c.split(); errno == 0 && abi > 0 {
				return min(abi, lastABI)
			}
			return 0
		}
	}
	return 0
}

// step is the place of a call in the order of the launch.
func (c *madeCall) step() int {
	order := [...][]uintptr{
		{unix.SYS_FCNTL}, {unix.SYS_CLOSE_RANGE}, {}, {unix.SYS_GETSOCKOPT}, {unix.SYS_LANDLOCK_CREATE_RULESET},
		{unix.SYS_OPENAT, unix.SYS_STATX, unix.SYS_LANDLOCK_ADD_RULE, unix.SYS_CLOSE}, {unix.SYS_CAPGET, unix.SYS_CAPSET}, {unix.SYS_PRCTL},
		{unix.SYS_LANDLOCK_RESTRICT_SELF}, {unix.SYS_SECCOMP}, {unix.SYS_RT_SIGPROCMASK, unix.SYS_WRITE}, {unix.SYS_EXECVE},
	}
	if c.nr == unix.SYS_LANDLOCK_CREATE_RULESET && c.args[0] == 0 {
		return 2 // the ABI
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
	abi := saidABI(log)
	network := p.network
	if s.asksOfSockets() {
		for _, fd := range append([]int{0, 1, 2}, s.kept...) {
			switch {
			case fd == p.statusFD || s.saidInside(fd, log):
			case p.network == networkLocal && !s.has("--unix"):
				network = networkStrict
			default:
				return fmt.Sprintf("descriptor %d may lead out", fd)
			}
		}
	}
	if len(s.ports) > 0 && abi < 4 || s.has("--unix") && !s.unixEverywhere() && abi < 9 {
		return fmt.Sprintf("ABI %d has no such rules", abi)
	}
	expected := s.expected[abi][network]

	// The ruleset and its rules.
	var want unix.LandlockRulesetAttr
	closesUnix := p.network != networkOn
	if s.own() {
		closesUnix = !s.unixEverywhere()
		if !s.says("--signals") {
			want.Scoped |= landlockMasks[abi].scope & unix.LANDLOCK_SCOPE_SIGNAL
		}
	}
	if p.restrictWrites {
		want.Handled_access_fs = landlockMasks[abi].fs
		if !closesUnix {
			want.Handled_access_fs &^= unix.LANDLOCK_ACCESS_FS_RESOLVE_UNIX
		}
	}
	if closesUnix {
		want.Scoped |= landlockMasks[abi].scope & unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
	}
	if p.network != networkOn {
		want.Handled_access_net = landlockMasks[abi].net
	}
	if s.own() {
		if wrong := s.ungranted(log, abi); wrong != "" {
			return wrong
		}
	}
	rules := map[string]uint64{}
	for _, c := range made[unix.SYS_LANDLOCK_ADD_RULE] {
		if c.answer == 0 && c.args[1] != landlockPort {
			rules[c.text] |= c.access
		}
	}
	if _, is := rules["/"]; is && s.has("--read") {
		return "everything can be read"
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
		if *faulty.rehearsal.capabilities != held {
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

// asksOfSockets tells whether an inherited socket could be more than the policy allows.
func (s *scene) asksOfSockets() bool {
	return s.own() || s.policy.network == networkLocal
}

// saidInside tells whether the kernel has said of a descriptor that it is no socket, or one that leads nowhere that the policy does not.
func (s *scene) saidInside(fd int, log []madeCall) bool {
	said := map[uintptr]*madeCall{}
	for i := range log {
		if c := &log[i]; c.nr == unix.SYS_GETSOCKOPT && c.args[0] == uintptr(fd) {
			said[c.args[2]] = c
		}
	}
	is := func(option uintptr, values ...int32) bool {
		c := said[option]
		return c != nil && c.answer == 0 && slices.Contains(values, c.option)
	}
	domain := said[unix.SO_DOMAIN]
	if domain == nil {
		return false
	}
	if domain.answer != 0 {
		return domain.answer == failed(unix.ENOTSOCK) || domain.answer == failed(unix.EBADF)
	}
	if domain.option != unix.AF_UNIX {
		tcp := is(unix.SO_DOMAIN, unix.AF_INET, unix.AF_INET6) && is(unix.SO_TYPE, unix.SOCK_STREAM) && is(unix.SO_PROTOCOL, unix.IPPROTO_TCP)
		ip := is(unix.SO_DOMAIN, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK)
		return s.policy.network == networkOn && ip || len(s.ports) > 0 && tcp
	}
	switch {
	case !is(unix.SO_ACCEPTCONN, 0):
		return false
	case s.policy.network == networkOn && !s.has("--unix") && saidABI(log) >= 9:
		return true // Landlock keeps its messages inside
	case !is(unix.SO_TYPE, unix.SOCK_STREAM, unix.SOCK_SEQPACKET):
		return false
	case s.policy.network == networkLocal && !s.has("--unix"):
		return true // it cannot be connected elsewhere
	}
	named := said[unix.SO_PEERNAME]
	return named != nil && (named.answer == 0 || named.answer == failed(unix.EINVAL))
}

// plausible are the errnos with which a call can fail, by its manual page and by what outer filters answer.
func plausible() map[uintptr][]syscall.Errno {
	return map[uintptr][]syscall.Errno{
		unix.SYS_FCNTL:       {unix.EBADF, unix.EINVAL, unix.EACCES},
		unix.SYS_CLOSE_RANGE: {unix.EINVAL, unix.EMFILE, unix.ENOMEM},
		unix.SYS_GETSOCKOPT:  {unix.ENOTSOCK, unix.EBADF, unix.EACCES, unix.ENOPROTOOPT, unix.EINVAL, unix.EFAULT, unix.EOPNOTSUPP, unix.ENOTCONN},
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
}

// everywhere are the errnos of outer filters and of security modules, and the last that is one (MAX_ERRNO).
var everywhere = []syscall.Errno{unix.EPERM, unix.ENOSYS, 4095}

// wrongAnswers are those that are tried in the place of the right one: errnos, and values that are no errno and not right either. 0 is
// among them only where it is not what success looks like, or where what it claims is read back.
func (c *madeCall) wrongAnswers() (all []uintptr) {
	for _, errno := range slices.Concat(plausible()[c.nr], everywhere) {
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
		unix.SYS_GETSOCKOPT:              {failed(unix.EPERM), failed(unix.ENOTSOCK), failed(unix.EINVAL), 1},
		unix.SYS_LANDLOCK_CREATE_RULESET: {failed(unix.ENOSYS), 1, 4, 6, 9, 999},
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
	stream := descriptor{flags: unix.O_RDWR, domain: unix.AF_UNIX, kind: unix.SOCK_STREAM, peer: unnamedPeer}
	listening := descriptor{flags: unix.O_RDWR, domain: unix.AF_UNIX, kind: unix.SOCK_SEQPACKET, listens: 1}
	datagram := descriptor{flags: unix.O_RDWR, domain: unix.AF_UNIX, kind: unix.SOCK_DGRAM}
	tcp := descriptor{flags: unix.O_RDWR, domain: unix.AF_INET, kind: unix.SOCK_STREAM, protocol: unix.IPPROTO_TCP}
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
		&scene{name: "listening socket", argv: []string{"snib"}, open: map[int]descriptor{0: listening}},
		&scene{name: "datagram socket", argv: []string{"snib"}, open: map[int]descriptor{1: datagram}},
		&scene{name: "internet socket", argv: []string{"snib"}, open: map[int]descriptor{2: tcp}},

		// The options that open something.
		&scene{name: "signals", argv: []string{"snib", "--signals", "-w", "@/root"}},
		&scene{name: "signals, strict", argv: []string{"snib", "--strict", "--signals"}},
		&scene{name: "a socket, strict", argv: []string{"snib", "--strict"}, open: map[int]descriptor{1: datagram}},
		&scene{name: "a socket and the network, strict", argv: []string{"snib", "--strict", "--network"}, open: map[int]descriptor{1: datagram}},
		&scene{name: "dev", argv: []string{"snib", "--dev", "-w", "@/root"}, env: []string{"HOME=@/root", "TMPDIR=@/second", "XDG_CACHE_HOME=@/none"}},
		&scene{name: "dev, a cache at home", argv: []string{"snib", "-w", "@/file", "--dev", "--network"}, env: []string{"XDG_CACHE_HOME=none", "HOME=@", "TMPDIR=" + rootAgain}},
		&scene{name: "read", argv: []string{"snib", "--read", "@/root", "-w", "@/second", "--read=@/file", "--list", "@/first", "--read", pipe}},
		&scene{name: "read, bare", argv: []string{"snib", "--bare", "--list", "@", "--list", "@/none", "--read", "@/first", "-w", "@/root"}},
		&scene{name: "read, missing", argv: []string{"snib", "--bare", "--read", "@/missing", "-w", "@/root"}},
		&scene{name: "list, missing", argv: []string{"snib", "--bare", "--read", "@/root", "--list", "@/missing"}},
		&scene{name: "list, a file", argv: []string{"snib", "--bare", "--read", "@/root", "--list", "@/file"}},
		&scene{name: "unix", argv: []string{"snib", "--unix", "@/first", "-w", "@/root", "--unix=@/file", "--unix", pipe}},
		&scene{name: "unix, missing", argv: []string{"snib", "-w", "@/root", "--unix", "@/missing", "--unix", "@/none"}},
		&scene{name: "unix, and the network", argv: []string{"snib", "--network", "--unix", "@/first"}},
		&scene{name: "unix everywhere", argv: []string{"snib", "--unix", "/", "-w", "@/root"}},
		&scene{name: "unix everywhere, and a path", argv: []string{"snib", "--unix", "@/none", "--unix", "/", "--network"}},
		&scene{name: "connect", argv: []string{"snib", "--connect", "80", "-w", "@/root", "--connect=65535", "--connect", "1"}},
		&scene{name: "connect, log, strict", argv: []string{"snib", "--log", "--strict", "--connect", "443"}},
		&scene{name: "all together", argv: []string{"snib", "--status-fd", "7", "--dev", "--signals", "--unix", "@/first", "--connect", "80", "--bare",
			"--read", "@/first", "--list", "@/none", "-w", "@/root", "--keep-fd", "4"}, open: map[int]descriptor{4: stream, 7: file}},
	)
	// What each of them makes of each kind of socket.
	for name, socket := range map[string]descriptor{
		"TCP": tcp, "TCP on IPv6": {flags: unix.O_RDWR, domain: unix.AF_INET6, kind: unix.SOCK_STREAM, protocol: unix.IPPROTO_TCP},
		"UDP":     {flags: unix.O_RDWR, domain: unix.AF_INET, kind: unix.SOCK_DGRAM, protocol: unix.IPPROTO_UDP},
		"MPTCP":   {flags: unix.O_RDWR, domain: unix.AF_INET, kind: unix.SOCK_STREAM, protocol: unix.IPPROTO_MPTCP},
		"netlink": {flags: unix.O_RDWR, domain: unix.AF_NETLINK, kind: unix.SOCK_RAW}, "vsock": {flags: unix.O_RDWR, domain: unix.AF_VSOCK, kind: unix.SOCK_STREAM},
		"SMC":    {flags: unix.O_RDWR, domain: unix.AF_SMC, kind: unix.SOCK_STREAM},
		"stream": stream, "datagram": datagram, "listening": listening,
		"unconnected":        {flags: unix.O_RDWR, domain: unix.AF_UNIX, kind: unix.SOCK_STREAM},
		"named peer":         {flags: unix.O_RDWR, domain: unix.AF_UNIX, kind: unix.SOCK_SEQPACKET, peer: namedPeer},
		"connected datagram": {flags: unix.O_RDWR, domain: unix.AF_UNIX, kind: unix.SOCK_DGRAM, peer: unnamedPeer},
	} {
		for _, options := range [][]string{
			{}, {"--network"}, {"--connect", "80"}, {"--unix", "@/first"}, {"--unix", "/"}, {"--network", "--unix", "@/first"},
			{"--network", "--unix", "/"}, {"--connect", "80", "--unix", "/"},
		} {
			all = append(all, &scene{name: fmt.Sprint(name, " ", options), argv: slices.Concat([]string{"snib"}, options, []string{"--keep-fd", "6"}),
				open: map[int]descriptor{6: socket}, asks: true})
		}
	}
	static := staticMemory(t)
	here := &scene{memory: static}
	if local := new(int); here.holds(uintptr(unsafe.Pointer(local))) || !here.holds(uintptr(unsafe.Pointer(&shared().path))) ||
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

// skips tells whether a call need not fail in this scene.
func (s *scene) skips(c *madeCall) bool {
	return s.asks && c.nr != unix.SYS_GETSOCKOPT && c.nr != unix.SYS_LANDLOCK_CREATE_RULESET
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
	ruleFailed: "landlock_add_rule for ", capabilitiesFailed: "capabilities", noNewPrivsFailed: "PR_SET_NO_NEW_PRIVS",
	restrictFailed: "landlock_restrict_self", filterFailed: "SECCOMP_SET_MODE_FILTER", statusFailed: "status descriptor", execFailed: `tiny"`,
	keptSocket: "is a socket that leads out", noPorts: "--connect needs Landlock ABI 4", noUnixPaths: "--unix PATH needs Landlock ABI 9",
	missingPath: "path ", listNoDirectory: "of --list is not a directory", portFailed: "landlock_add_rule for port ",
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

// needOneGuest skips a test of which the kernel is no part, in the guests but as a user in one of arm64: outside, all of these run on
// amd64, also as root.
func needOneGuest(t testing.TB) {
	t.Helper()
	if emulated() && (kernelABI() != 2 || runtime.GOARCH != "arm64" || os.Geteuid() == 0) {
		t.Skip("needs another guest: the kernel is no part of it")
	}
}

// needUserInGuests skips, as root, a test to which root makes no difference, in the guests but those of the latest ABI, which both
// architectures have.
func needUserInGuests(t testing.TB) {
	t.Helper()
	if emulated() && os.Geteuid() == 0 && kernelABI() != 11 {
		t.Skip("needs a user or another guest: root makes no difference to it")
	}
}

// emulated tells whether this is a guest, whose processor is emulated and slow. A rehearsed launch asks nothing of the guest's
// kernel, so a part of them is enough there; outside all are made.
func emulated() bool { return os.Getenv(guestVariable) != "" }

// TestFaults makes each call of each launch fail in each way, on a kernel of each Landlock ABI and on one without. Those that hide
// something are in TestHideFaults, those that take namespaces in TestNamespaceFaults, and those that rewrite a policy in TestRewriteFaults.
func TestFaults(t *testing.T) {
	needOneGuest(t)
	if !alone(t) {
		return
	}
	possible, failing, numbers, launches := map[string]bool{}, map[string]bool{}, map[uintptr]bool{}, 0
	for _, s := range faultScenes(t) {
		s.refer()
		for abi, unfaulted := range s.unfaulted {
			if emulated() && abi != kernelABI() && (abi != lastABI || kernelABI() >= firstPorts) {
				continue
			}
			s.attempt(t, abi)
			for i := range unfaulted.log {
				if s.skips(&unfaulted.log[i]) {
					continue
				}
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
		if !numbers[nr] && !slices.Contains(hideCalls, nr) && !slices.Contains(namespaceCalls, nr) && nr != unix.SYS_READ {
			t.Errorf("never failed: %s", name)
		}
	}
	t.Logf("%d launches, with faults at %d places", launches, len(failing))
}

// TestFaultPairs makes a second call fail after the first, also where the launch would not have made it without the first fault.
func TestFaultPairs(t *testing.T) {
	needOneGuest(t)
	if !alone(t) {
		return
	}
	launches := 0
	for _, s := range faultScenes(t) {
		s.refer()
		for _, abi := range []int{0, 1, 4, 7, 9} {
			if emulated() && abi != 9 {
				continue
			}
			for i := range s.unfaulted[abi].log {
				if s.skips(&s.unfaulted[abi].log[i]) {
					continue
				}
				for _, answer := range s.unfaulted[abi].log[i].fewAnswers() {
					first := wrongAnswer{i, answer}
					s.attempt(t, abi, first)
					after := slices.Clone(faulty.log)
					for j := i + 1; j < len(after); j++ {
						if s.skips(&after[j]) {
							continue
						}
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
	lines := hideSites(t)
	maps.Copy(lines, namespaceSites(t))
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
