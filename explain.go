package main

// --explain and --bpf: the launch, rehearsed and rendered. carryOut runs with rehearsed in the place of systemCall, so what is
// printed is what would happen, up to execve and but for what the kernel would refuse.

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// rehearsal is what a launch did up to now, and what the rehearsing kernel remembers of it.
type rehearsal struct {
	abi          int           // of the rehearsing kernel
	errno        syscall.Errno // why it has no Landlock
	calls        []string      // in their order; with the path, where one is opened
	paths        []rehearsedPath
	beside       []besideHidden
	quiet        int      // a descriptor of such an entry: the calls for it are not listed; 0: none
	ports        []string // that may be connected to
	hidden       []string // what the policy hides, as it was written
	guarded      []string // what it protects
	spaces       []string // the namespaces that it takes
	ruled        bool     // there is a ruleset: a path that is opened from here on gets a rule
	filter       []bpf.RawInstruction
	runs         string // the file that would be executed; empty: none
	failure      failure
	why          string // the failure's message; empty: there is none, or no command
	rules        fileRules
	opened       map[int]int          // real descriptors that the launch has opened, to indices in paths
	invented     int                  // how many descriptors were invented
	capabilities *[2]unix.CapUserData // what capget answers; nil: what the kernel does
	kernel       func(nr, a1, a2, a3, a4, a5 uintptr) uintptr
}

// rehearsing is the rehearsal that rehearsed takes part in. It is a variable because systemCall must be a top-level function: the
// garbage collector does not see the symbol that assembly defines, and would free a closure.
var rehearsing *rehearsal

var kernelLock sync.Mutex

// withKernel calls f with another systemCall, which must be a top-level function. It refuses to do so twice at a time.
func withKernel(kernel func(nr, a1, a2, a3, a4, a5 uintptr) uintptr, f func()) {
	if !kernelLock.TryLock() {
		panic("the kernel is replaced already")
	}
	defer kernelLock.Unlock()
	before := systemCall
	defer func() { systemCall = before }()
	systemCall = kernel
	f()
}

// rehearse carries out a policy for this kernel, or for one of that Landlock ABI (0: without Landlock) if it is not negative.
// It changes p as carryOut does.
func rehearse(p *policy, argv, envp []*byte, abi int) *rehearsal {
	r := &rehearsal{abi: abi, errno: unix.ENOSYS, opened: map[int]int{}, kernel: systemCall}
	if abi < 0 {
		r.abi, r.errno = landlockABI()
	}
	if r.abi > 0 {
		r.errno = 0
	}
	rehearsing = r
	withKernel(rehearsed, func() { r.failure = p.run(argv, envp) })
	if r.runs != "" {
		r.failure = failure{}
	}
	if !r.ruled {
		r.paths = nil
	}
	if p.rewritten {
		rewriteAgain(argv, envp)
	}
	argv = p.options(argv)
	r.hidden, r.guarded = p.values(argv, optHide), p.values(argv, optProtect)
	if p.hides {
		// Paths that were opened to find what is hidden are none of those that get a rule.
		r.paths = slices.DeleteFunc(r.paths, func(path rehearsedPath) bool {
			return path.access == 0 && !path.outside && (path.errno == 0 || slices.Contains(r.hidden, path.name) || strings.HasSuffix(path.name, "/"))
		})
	}
	return r
}

// rehearsed stands in for systemCall. It makes the calls that change nothing, and answers the others as a kernel on which they
// succeed.
func rehearsed(nr, a1, a2, a3, a4, a5 uintptr) uintptr {
	r := rehearsing
	name := launchCalls[nr]
	if r.openEntry(nr, a1, a3) {
		return r.answer(nr, a1, a2, a3, a4, a5)
	}
	if nr == unix.SYS_OPENAT || nr == unix.SYS_OPENAT2 {
		name += " " + strconv.Quote(text((*byte)(memory(a2))))
	}
	r.calls = append(r.calls, name)
	return r.answer(nr, a1, a2, a3, a4, a5)
}

// openEntry tells whether a call is one of those for an entry beside something hidden. They are listed once a directory.
func (r *rehearsal) openEntry(nr, a1, a3 uintptr) bool {
	if nr == unix.SYS_OPENAT && int32(a1) >= 0 && a3&unix.O_NOFOLLOW != 0 && r.quiet == 0 && hiding.entries {
		if n := len(r.beside); n == 0 || r.beside[n-1].fd != int(a1) {
			dir, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(a1)))
			if err != nil {
				dir = "?"
			}
			r.beside = append(r.beside, besideHidden{dir: dir, fd: int(a1)})
			r.calls = append(r.calls, "openat, statx, landlock_add_rule, close for entries of "+strconv.Quote(dir))
		}
		return true
	}
	return r.quiet > 0
}

// invent returns a descriptor that is none.
func (r *rehearsal) invent() uintptr {
	r.invented++
	return firstInvented + uintptr(r.invented) - 1
}

// memory is the memory that an argument points to: a package variable, or argv or envp.
func memory(a uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&a)) }

// failed is the answer that stands for an errno.
func failed(errno syscall.Errno) uintptr { return -uintptr(errno) }

// firstInvented is the first descriptor that the rehearsing kernel invents.
const firstInvented = 1000000

func (r *rehearsal) answer(nr, a1, a2, a3, a4, a5 uintptr) uintptr {
	switch nr {
	case unix.SYS_OPENAT:
		if a3&unix.O_ACCMODE == unix.O_WRONLY {
			return r.invent()
		}
		fd := r.kernel(nr, a1, a2, a3, a4, a5)
		if int32(a1) >= 0 {
			if n, errno := result(fd); errno == 0 {
				r.opened[n] = -1
				if hiding.entries && a3&unix.O_NOFOLLOW != 0 {
					r.quiet = n
				}
			}
			return fd
		}
		r.paths = append(r.paths, newRehearsedPath(strings.Clone(text((*byte)(memory(a2)))), fd))
		if n, errno := result(fd); errno == 0 {
			r.opened[n] = len(r.paths) - 1
		}
		return fd
	case unix.SYS_CLOSE:
		if _, is := r.opened[int(a1)]; is {
			delete(r.opened, int(a1))
			if r.quiet == int(a1) {
				r.quiet = 0
			}
			return r.kernel(nr, a1, a2, a3, a4, a5)
		}
	case unix.SYS_OPENAT2:
		fd := r.kernel(nr, a1, a2, a3, a4, a5)
		if n, errno := result(fd); errno == 0 {
			r.opened[n] = -1
		}
		return fd
	case unix.SYS_SOCKET, unix.SYS_OPEN_TREE:
		return r.invent()
	case unix.SYS_UNSHARE:
		if a1&unix.CLONE_NEWUSER != 0 { // its maker has them all there
			every := unix.CapUserData{Effective: ^uint32(0), Permitted: ^uint32(0)}
			r.capabilities = &[2]unix.CapUserData{every, every}
		}
		for _, space := range namespaceNames {
			if a1&space.flag != 0 {
				r.spaces = append(r.spaces, space.name)
			}
		}
	case unix.SYS_READ, unix.SYS_GETSOCKOPT, unix.SYS_STATX, unix.SYS_READLINKAT, unix.SYS_GETDENTS64, unix.SYS_GETCWD:
		return r.kernel(nr, a1, a2, a3, a4, a5)
	case unix.SYS_FCNTL:
		if a2 == unix.F_GETFD || a2 == unix.F_GETFL {
			return r.kernel(nr, a1, a2, a3, a4, a5)
		}
	case unix.SYS_CAPGET:
		if r.capabilities != nil {
			*(*[2]unix.CapUserData)(memory(a2)) = *r.capabilities
			return 0
		}
		return r.kernel(nr, a1, a2, a3, a4, a5)
	case unix.SYS_CAPSET:
		dropped := *(*[2]unix.CapUserData)(memory(a2))
		r.capabilities = &dropped
	case unix.SYS_LANDLOCK_CREATE_RULESET:
		switch {
		case a1 != 0:
			r.paths, r.ruled = nil, true
			return r.invent()
		case r.errno != 0:
			return failed(r.errno)
		}
		return uintptr(r.abi)
	case unix.SYS_LANDLOCK_ADD_RULE:
		if a2 == ruleNetPort {
			r.ports = append(r.ports, strconv.FormatUint((*netPortAttr)(memory(a3)).port, 10))
			return 0
		}
		attr := (*unix.LandlockPathBeneathAttr)(memory(a3))
		at, is := r.opened[int(attr.Parent_fd)]
		if !is {
			return failed(unix.EBADF)
		}
		if at < 0 {
			r.rules.add(int(attr.Parent_fd), attr.Allowed_access)
			dir := &r.beside[len(r.beside)-1]
			dir.rules++
			dir.access |= attr.Allowed_access
			return 0
		}
		path := &r.paths[at]
		switch {
		case path.outside:
			return failed(unix.EBADFD)
		case path.file && attr.Allowed_access&^fileAccess() != 0:
			return failed(unix.EINVAL)
		}
		path.access |= attr.Allowed_access
		r.rules.add(int(attr.Parent_fd), attr.Allowed_access)
	case unix.SYS_SECCOMP:
		code := unsafe.Slice((*bpf.RawInstruction)(memory(shared().sockFprog.code)), shared().sockFprog.length)
		r.filter = append([]bpf.RawInstruction{}, code...)
	case unix.SYS_WRITE:
		return a3
	case unix.SYS_EXECVE:
		file := strings.Clone(text((*byte)(memory(a1))))
		if errno := executable(file); errno != 0 {
			return failed(errno)
		}
		// Nothing comes after an execve that succeeds: the launch ends in an errno that has it look no further.
		r.runs = file
		return failed(unix.ECANCELED)
	}
	return 0
}

// networkMeaning says what may be done with sockets.
func (r *rehearsal) networkMeaning(p *policy) string {
	c := r.config(p)
	sockets := "AF_UNIX among the command's own processes"
	switch {
	case p.unixAll:
		sockets = "AF_UNIX everywhere"
	case p.unix:
		sockets += ", and beneath the paths of --unix"
	case c&strict != 0:
		sockets = "AF_UNIX sockets with read, write, send and recv only"
	case c&(local|pairs) != 0:
		sockets = "AF_UNIX stream and seqpacket pairs only"
	}
	switch {
	case p.network == networkLoopback:
		return "the command's own, with nothing but a loopback interface; " + sockets
	case c&ip != 0:
		return "internet and netlink on; " + sockets
	case c&ports != 0:
		to := "the ports of --connect" // of a launch that failed before its rules
		if len(r.ports) > 0 {
			to = strings.Join(r.ports, ", ")
		}
		return "off, except TCP connections to " + to + "; " + sockets
	case c&offline != 0:
		return "off; " + sockets
	}
	return "on"
}

func (r *rehearsal) config(p *policy) config {
	rules := newRuleset(p, r.abi)
	return filterConfig(p, r.abi, !rules.empty())
}

var grammarNames = [...]string{
	snibOptions: "snib's options", codexOptions: "helper, -s PERM",
	codexPositional: "helper, CWD POLICY_JSON", codexFlags: "helper, --sandbox-policy", codexProfile: "newer client's, which cannot be rewritten",
}

// text renders the rehearsal for people.
func (r *rehearsal) text(p *policy, command []string, abiFrom string) string {
	var out strings.Builder
	heading := func(s string) { out.WriteString("\n" + s + "\n") }
	out.WriteString("for Landlock ABI " + strconv.Itoa(r.abi) + " (" + abiFrom + "), " + runtime.GOARCH + "\n")

	heading("policy: " + grammarNames[p.grammar])
	writes := "everywhere"
	if p.restrictWrites {
		writes = "beneath the paths below"
	}
	reads := "everywhere"
	if p.hides {
		reads += ", except hidden paths"
	}
	if p.restrictReads {
		reads = strings.Replace(reads, "everywhere", "beneath the paths below", 1)
	}
	out.WriteString("  reads    " + reads + "\n  writes   " + writes + "\n" + field("network", strings.Split(r.networkMeaning(p), " ")))
	if p.hides {
		out.WriteString(field("hidden ", quoteAll(r.hidden)))
	}
	if p.protects {
		out.WriteString(field("protect", quoteAll(r.guarded)))
	}
	if p.namespaceAt != 0 {
		out.WriteString(field("takes  ", strings.Split("namespaces: "+strings.Join(orNothing(r.spaces), ", ")+"; assumed to be available; snib --status tells", " ")))
	}
	if len(command) > 0 {
		out.WriteString(field("command", quoteAll(command)))
	}

	if p.rewritten {
		heading("rewritten into these options")
		out.WriteString("  " + shellLine(append(rewrittenWords()[:rewriting.count-1], command...)) + "\n")
		for _, note := range rewritingNotes() {
			out.WriteString(wrap("  ", strings.Split(note, " ")))
		}
	}
	if p.restricts() {
		if len(r.paths) > 0 {
			heading("paths, and the rights granted on or beneath them")
		}
		for _, path := range r.paths {
			out.WriteString("  " + quote(path.name))
			if path.resolved != path.name && path.resolved != "" {
				out.WriteString(" = " + quote(path.resolved))
			}
			out.WriteString("\n")
			switch {
			case path.errno != 0:
				out.WriteString("    " + path.errno.Error() + ": nothing is granted\n")
			case path.outside:
				out.WriteString("    Landlock does not restrict it\n")
			case path.access == 0:
				out.WriteString("    it is the root directory: nothing is granted\n")
			default:
				out.WriteString(wrap("    ", accessNames(path.access)))
			}
		}
		if len(r.beside) > 0 {
			heading("directories that lead to hidden paths, and the rights on or beneath their other entries")
		}
		for _, dir := range r.beside {
			out.WriteString("  " + quote(dir.dir) + ": " + strconv.Itoa(dir.rules) + " rules\n" + wrap("    ", orNothing(accessNames(dir.access))))
		}
		rights := protections(p, r.abi)
		heading("denied by Landlock wherever no rule grants it")
		out.WriteString(wrap("  ", orNothing(rights.landlock)))
		heading("not a Landlock right on this ABI; denied by the filter or the kernel")
		out.WriteString(wrap("  ", orNothing(rights.closed)))
		heading("asked for, and left open by this kernel")
		out.WriteString(wrap("  ", orNothing(rights.lost)))
	} else {
		heading("nothing is restricted, and no_new_privs stays as it is")
	}

	heading("system calls of the launch")
	for _, call := range r.calls {
		out.WriteString("  " + call + "\n")
	}
	if r.runs != "" {
		heading("it executes " + quote(r.runs))
	} else if len(command) > 0 {
		heading("it fails, and runs nothing")
		out.WriteString(wrap("  ", strings.Split(r.why, " ")))
	}
	if len(r.filter) > 0 {
		heading("filter: " + strconv.Itoa(len(r.filter)) + " instructions; the first line that holds counts")
		for _, line := range listing(r.config(p)) {
			out.WriteString(strings.Replace(wrap("      ", strings.Split(line, " ")), "    ", "", 1))
		}
	}
	return out.String()
}

// json renders the rehearsal for programs.
func (r *rehearsal) json(p *policy, command []string) string {
	var o jsonWriter
	o.string("schema", "snib-explain-2")
	o.string("snib", version)
	o.string("arch", runtime.GOARCH)
	o.number("landlock_abi", r.abi)
	o.list("command", command)
	o.list("rewritten", rewrittenOptions(p))
	o.list("left", rewritingNotes())
	o.string("grammar", [...]string{"snib", "options", "positional", "flags", "profile"}[p.grammar])
	o.bool("restricts_writes", p.restrictWrites)
	o.string("network", [...]string{networkOn: "on", networkStrict: "strict", networkLocal: "local", networkPorts: "ports", networkLoopback: "loopback"}[p.network])
	o.raw("paths", jsonList(r.paths, func(path rehearsedPath) string {
		var o jsonWriter
		o.string("path", path.name)
		o.bool("exists", path.errno == 0)
		o.string("resolved", path.resolved)
		o.bool("directory", path.errno == 0 && !path.file)
		o.list("access", accessNames(path.access))
		return o.String()
	}))
	o.list("hidden", r.hidden)
	o.list("protected", r.guarded)
	o.list("namespaces", r.spaces)
	o.raw("beside_hidden", jsonList(r.beside, func(dir besideHidden) string {
		var o jsonWriter
		o.string("directory", dir.dir)
		o.number("rules", dir.rules)
		o.list("access", accessNames(dir.access))
		return o.String()
	}))
	rights := protections(p, r.abi)
	o.list("landlock", rights.landlock)
	o.list("closed", rights.closed)
	o.list("missing", rights.lost)
	o.list("calls", r.calls)
	o.string("runs", r.runs)
	o.string("failure", r.why)
	o.raw("filter", jsonList(r.filter, func(in bpf.RawInstruction) string {
		return jsonList([]uint64{uint64(in.Op), uint64(in.Jt), uint64(in.Jf), uint64(in.K)}, func(n uint64) string { return strconv.FormatUint(n, 10) })
	}))
	return o.String() + "\n"
}

// writeFilter writes the filter as an array of struct sock_filter (linux/filter.h) to a file, or for "-" to stdout.
func (r *rehearsal) writeFilter(file string) error {
	raw := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(r.filter))), len(r.filter)*unix.SizeofSockFilter)
	if file == "-" {
		_, err := os.Stdout.Write(raw)
		return err
	}
	return os.WriteFile(file, raw, 0o644)
}
