package main

// The seccomp-BPF filter: one table of the system calls that are not simply allowed, a pure step from configuration and
// architecture to instructions, and its installation. It runs in the restricted context described at the head of
// launch_linux.go.

import (
	"syscall"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// config is the set of conditions that hold for one filter.
type config uint8

const (
	restricted config = 1 << iota // always: there is no filter otherwise
	offline                       // the network is off, and exactly one of the next three holds
	strict                        // ... AF_UNIX sockets can be made and used with read, write, recv and send, no more
	local                         // ... local IPC, where nothing but the filter keeps it inside
	confined                      // ... local IPC that Landlock keeps inside (confinesUnix)
	writes                        // writes are restricted
	truncation                    // ... and truncation is not a Landlock right yet (before ABI 3)
)

// filterConfig decides which conditions hold for a policy on a kernel of that Landlock ABI; 0: there is no Landlock.
func filterConfig(p *policy, abi int) config {
	c := restricted
	switch {
	case p.network == networkStrict:
		c |= offline | strict
	case p.network == networkLocal && p.restrictWrites && abi >= confinesUnix:
		c |= offline | confined
	case p.network == networkLocal:
		c |= offline | local
	}
	if p.restrictWrites {
		c |= writes
		if abi < 3 {
			c |= truncation
		}
	}
	return c
}

// verdict is what becomes of a call: a return, or a check of its arguments that leads to one.
type verdict uint8

const (
	allow verdict = iota
	kill
	deny           // EPERM
	hide           // ENOSYS, so that the caller falls back to a call that can be checked
	unixOnly       // arg 0, the domain: AF_UNIX
	unixStream     // and arg 1, the type: SOCK_STREAM or SOCK_SEQPACKET; a datagram socket can name a receiver in sendmsg
	noAddress      // arg 4, the address, is null: sendto is then send
	noTyping       // arg 1, the request, does not type into a terminal
	noTrees        // and makes or opens no file in a way that Landlock does not see
	ownKeyring     // arg 0, the operation, does not replace the parent's session keyring
	noTruncateArg1 // arg 1, the flags, do not truncate without opening for writing
	noTruncateArg2 // arg 2, the flags, likewise
	verdicts
)

// arch is an architecture's column of the table, and what else differs.
type arch uint8

const (
	amd64 arch = iota
	arm64
	arches
)

// archNamed returns the architecture of that name, as Go calls it.
func archNamed(name string) (a arch, is bool) {
	switch name {
	case "amd64":
		return amd64, true
	case "arm64":
		return arm64, true
	}
	return 0, false
}

// auditArch is seccomp_data.arch (linux/audit.h).
var auditArch = [arches]uint32{amd64: unix.AUDIT_ARCH_X86_64, arm64: unix.AUDIT_ARCH_AARCH64}

// x32 is the bit that marks a call of amd64's x32 ABI (__X32_SYSCALL_BIT in asm/unistd.h), which has the same
// seccomp_data.arch and numbers of its own.
const x32 = 0x40000000

// tracerSkip is the number -1, with which a tracer has a call skipped (ptrace(2), seccomp(2)).
const tracerSkip = 1<<32 - 1

// none stands for the number of a call that the architecture does not have.
const none = 1<<32 - 2

// A rule gives a call its verdict where one of the conditions in when holds. Of two such, the later counts.
type rule struct {
	name    string
	nr      [arches]uint32 // asm/unistd_64.h, asm-generic/unistd.h
	when    config
	verdict verdict
}

var rules = [...]rule{
	{"socket", [arches]uint32{41, 198}, strict | confined, unixOnly},
	{"socketpair", [arches]uint32{53, 199}, strict | confined, unixOnly},
	{"socket", [arches]uint32{41, 198}, local, unixStream},
	{"socketpair", [arches]uint32{53, 199}, local, unixStream},
	{"sendto", [arches]uint32{44, 206}, strict | local, noAddress},
	{"connect", [arches]uint32{42, 203}, strict | local, deny},
	{"bind", [arches]uint32{49, 200}, strict | local, deny},
	{"listen", [arches]uint32{50, 201}, strict | local, deny},
	{"accept", [arches]uint32{43, 202}, strict | local, deny},
	{"accept4", [arches]uint32{288, 242}, strict | local, deny},
	{"sendmsg", [arches]uint32{46, 211}, strict, deny},
	{"sendmmsg", [arches]uint32{307, 269}, strict, deny},
	{"recvmsg", [arches]uint32{47, 212}, strict, deny},
	{"recvmmsg", [arches]uint32{299, 243}, strict, deny},
	{"getsockname", [arches]uint32{51, 204}, strict, deny},
	{"getpeername", [arches]uint32{52, 205}, strict, deny},
	{"getsockopt", [arches]uint32{55, 209}, strict, deny},
	{"setsockopt", [arches]uint32{54, 208}, strict, deny},
	{"shutdown", [arches]uint32{48, 210}, strict, deny},

	// Another process's sockets, sockets without socket(2), and requests that somebody else sends.
	{"ptrace", [arches]uint32{101, 117}, offline, deny},
	{"process_vm_readv", [arches]uint32{310, 270}, offline, deny},
	{"process_vm_writev", [arches]uint32{311, 271}, offline, deny},
	{"pidfd_getfd", [arches]uint32{438, 438}, offline, deny},
	{"request_key", [arches]uint32{249, 218}, offline, deny}, // has the kernel start a program outside, for DNS
	{"io_uring_setup", [arches]uint32{425, 425}, offline | truncation, deny},
	{"io_uring_enter", [arches]uint32{426, 426}, offline | truncation, deny},
	{"io_uring_register", [arches]uint32{427, 427}, offline | truncation, deny},

	// Truncation without opening for writing, which Landlock does not see before ABI 3. io_uring, above, opens files
	// too; openat2 has its flags in memory, where a filter cannot look.
	{"truncate", [arches]uint32{76, 45}, truncation, deny},
	{"open", [arches]uint32{2, none}, truncation, noTruncateArg1},
	{"openat", [arches]uint32{257, 56}, truncation, noTruncateArg2},
	{"openat2", [arches]uint32{437, 437}, truncation, hide},

	// Mounts are the machine's, and of the calls that change them Landlock denies but a part. A mount that is attached nowhere
	// is a way around it: overlayfs writes to its layers, NFS connects. Without the network, mount is one for NFS alone.
	{"mount", [arches]uint32{165, 40}, offline, deny},
	{"open_tree", [arches]uint32{428, 428}, offline | writes, deny},
	{"move_mount", [arches]uint32{429, 429}, offline | writes, deny},
	{"fsopen", [arches]uint32{430, 430}, offline | writes, deny},
	{"fsconfig", [arches]uint32{431, 431}, offline | writes, deny},
	{"fsmount", [arches]uint32{432, 432}, offline | writes, deny},
	{"fspick", [arches]uint32{433, 433}, offline | writes, deny},
	{"mount_setattr", [arches]uint32{442, 442}, writes, deny},
	{"open_tree_attr", [arches]uint32{467, 467}, writes, deny},

	// Files without a path. Landlock judges what a handle leads to by the root of its mount, which may be a writable root.
	{"open_by_handle_at", [arches]uint32{304, 265}, writes, deny},

	// Typing into the caller's terminal, and calls by which root changes the whole machine.
	{"ioctl", [arches]uint32{16, 29}, restricted, noTyping},
	{"ioctl", [arches]uint32{16, 29}, writes, noTrees},
	{"keyctl", [arches]uint32{250, 219}, restricted, ownKeyring},
	{"init_module", [arches]uint32{175, 105}, restricted, deny},
	{"finit_module", [arches]uint32{313, 273}, restricted, deny},
	{"delete_module", [arches]uint32{176, 106}, restricted, deny},
	{"kexec_load", [arches]uint32{246, 104}, restricted, deny},
	{"kexec_file_load", [arches]uint32{320, 294}, restricted, deny},
	{"bpf", [arches]uint32{321, 280}, restricted, deny},
	{"perf_event_open", [arches]uint32{298, 241}, restricted, deny},
	{"iopl", [arches]uint32{172, none}, restricted, deny},
	{"ioperm", [arches]uint32{173, none}, restricted, deny},
	{"reboot", [arches]uint32{169, 142}, restricted, deny},
	{"swapon", [arches]uint32{167, 224}, restricted, deny},
	{"swapoff", [arches]uint32{168, 225}, restricted, deny},
	{"acct", [arches]uint32{163, 89}, restricted, deny},
	{"sethostname", [arches]uint32{170, 161}, restricted, deny},
	{"setdomainname", [arches]uint32{171, 162}, restricted, deny},
	{"settimeofday", [arches]uint32{164, 170}, restricted, deny},
	{"clock_settime", [arches]uint32{227, 112}, restricted, deny},
	{"clock_adjtime", [arches]uint32{305, 266}, restricted, deny},
	{"adjtimex", [arches]uint32{159, 171}, restricted, deny},
}

// Offsets in struct seccomp_data (linux/seccomp.h). Both architectures are little-endian.
const (
	dataNr   = 0
	dataArch = 4
	dataArgs = 16
)

func argLow(n uint32) uint32  { return dataArgs + 8*n }
func argHigh(n uint32) uint32 { return argLow(n) + 4 }

// Requests of ioctl(2) that make or open files where Landlock does not see it.
const (
	// The size and the type of all that take a struct btrfs_ioctl_vol_args or _v2 (linux/btrfs.h), and their mask: make,
	// copy and remove trees, on a directory that need only be readable.
	btrfsVolArgs     = 0x50009400
	btrfsVolArgsMask = 0xffffff00

	xfsOpenByHandle = 0xc038586b // XFS_IOC_OPEN_BY_HANDLE in fs/xfs/libxfs/xfs_fs.h
	ocfs2Reflink    = 0x40186f04 // OCFS2_IOC_REFLINK in fs/ocfs2/ocfs2_ioctl.h

	// Those of terminals, with most others, are below: they have no size (asm-generic/ioctls.h).
	sizedRequests = 0x10000
)

const (
	sockTypeMask = 0xf // SOCK_TYPE_MASK in linux/net.h; the rest is SOCK_CLOEXEC and SOCK_NONBLOCK
	accessMode   = unix.O_ACCMODE
)

// maxInstructions bounds every filter. A conditional jump reaches 255 instructions, so any two can be joined.
const maxInstructions = 128

// program is built from its end to its start: what an instruction leads to exists before it, so no jump goes backwards
// or nowhere, and because the first to be emitted are returns, no path falls off the end.
type program struct {
	code   [maxInstructions]bpf.RawInstruction
	start  int
	labels [verdicts]label // where each verdict begins; 0: it is not needed
}

// label is an instruction's index in program.code.
type label = int

func (g *program) emit(op uint16, k uint32, yes, no label) label {
	g.start--
	i := g.start
	g.code[i] = bpf.RawInstruction{Op: op, K: k}
	if op&7 == unix.BPF_JMP {
		g.code[i].Jt, g.code[i].Jf = uint8(yes-i-1), uint8(no-i-1)
	}
	return i
}

func (g *program) ret(action uint32) label {
	return g.emit(unix.BPF_RET|unix.BPF_K, action, 0, 0)
}

func (g *program) jumpIfEqual(k uint32, yes, no label) label {
	return g.emit(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, k, yes, no)
}

func (g *program) jumpIfAtLeast(k uint32, yes, no label) label {
	return g.emit(unix.BPF_JMP|unix.BPF_JGE|unix.BPF_K, k, yes, no)
}

// and masks the accumulator, and goes on to what was emitted last.
func (g *program) and(k uint32) label {
	return g.emit(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, k, 0, 0)
}

// load loads 32 bits of seccomp_data, and goes on to what was emitted last.
func (g *program) load(offset uint32) label {
	return g.emit(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offset, 0, 0)
}

// check emits what a verdict other than allow, deny and kill does. The kernel truncates integer arguments to 32 bits, and so
// do the checks.
func (g *program) check(v verdict, allow, deny label) label {
	switch v {
	case hide:
		return g.ret(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS))
	case unixOnly:
		g.jumpIfEqual(unix.AF_UNIX, allow, deny)
		return g.load(argLow(0))
	case unixStream:
		g.jumpIfEqual(unix.SOCK_STREAM, allow, g.jumpIfEqual(unix.SOCK_SEQPACKET, allow, deny))
		g.and(sockTypeMask)
		g.jumpIfEqual(unix.AF_UNIX, g.load(argLow(1)), deny)
		return g.load(argLow(0))
	case noAddress:
		g.jumpIfEqual(0, allow, deny)
		g.jumpIfEqual(0, g.load(argHigh(4)), deny)
		return g.load(argLow(4))
	case noTyping:
		g.jumpIfEqual(unix.TIOCSTI, deny, g.jumpIfEqual(unix.TIOCLINUX, deny, allow))
		return g.load(argLow(1))
	case noTrees:
		terminal := g.jumpIfEqual(unix.TIOCSTI, deny, g.jumpIfEqual(unix.TIOCLINUX, deny, allow))
		g.jumpIfEqual(btrfsVolArgs, deny, allow)
		sized := g.jumpIfEqual(ocfs2Reflink, deny, g.and(btrfsVolArgsMask))
		sized = g.jumpIfEqual(xfsOpenByHandle, deny, sized)
		g.jumpIfAtLeast(sizedRequests, sized, terminal)
		return g.load(argLow(1))
	case ownKeyring:
		g.jumpIfEqual(unix.KEYCTL_SESSION_TO_PARENT, deny, allow)
		return g.load(argLow(0))
	case noTruncateArg1:
		return g.checkTruncate(1, allow, deny)
	}
	return g.checkTruncate(2, allow, deny) // noTruncateArg2
}

// checkTruncate denies O_TRUNC with an access mode that does not write. Mode 3 is one: it opens for ioctl(2) only
// (open(2)), which Landlock takes for neither reading nor writing.
func (g *program) checkTruncate(flags uint32, allow, deny label) label {
	g.jumpIfEqual(unix.O_TRUNC, deny, g.jumpIfEqual(unix.O_TRUNC|accessMode, deny, allow))
	g.and(unix.O_TRUNC | accessMode)
	return g.load(argLow(flags))
}

// span is a run of call numbers with one verdict: from start to the next span's.
type span struct {
	start   uint32
	verdict verdict
}

// maxSpans: the first, two for each rule, which is followed by another, and four for x32.
const maxSpans = 2*len(rules) + 5

// tableSize exceeds every number in the table by two at least, so that an allowed one follows.
const tableSize = 512

// spans cuts the call numbers into runs of one verdict.
func spans(c config, a arch, s *[maxSpans]span) (n int) {
	var table [tableSize]verdict
	for i := range rules {
		if r := &rules[i]; r.when&c != 0 && r.nr[a] != none {
			table[r.nr[a]] = r.verdict
		}
	}

	last := table[0]
	s[0], n = span{0, last}, 1
	for nr := range len(table) {
		if v := table[nr]; v != last {
			s[n] = span{uint32(nr), v}
			n++
			last = v
		}
	}
	if a == amd64 {
		// The numbers with the bit set, among them those with the sign bit too.
		for _, next := range [...]span{{x32, kill}, {2 * x32, allow}, {3 * x32, kill}, {tracerSkip, allow}} {
			s[n] = next
			n++
		}
	}
	return n
}

// search emits a binary search of the accumulator in spans, and returns where it starts.
func (g *program) search(spans []span) label {
	if len(spans) == 1 {
		return g.labels[spans[0].verdict]
	}
	half := len(spans) / 2
	upper := g.search(spans[half:])
	lower := g.search(spans[:half])
	return g.jumpIfAtLeast(spans[half].start, upper, lower)
}

// build assembles the filter, and returns its instructions.
func (g *program) build(c config, a arch) []bpf.RawInstruction {
	var s [maxSpans]span
	n := spans(c, a, &s)

	g.start = len(g.code)
	labels := &g.labels
	labels[kill] = g.ret(unix.SECCOMP_RET_KILL_PROCESS)
	labels[deny] = g.ret(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM))
	labels[allow] = g.ret(unix.SECCOMP_RET_ALLOW)
	for i := range n {
		if v := s[i].verdict; labels[v] == 0 {
			labels[v] = g.check(v, labels[allow], labels[deny])
		}
	}
	g.search(s[:n])
	nr := g.load(dataNr)
	g.jumpIfEqual(auditArch[a], nr, labels[kill])
	g.load(dataArch)
	return g.code[g.start:]
}

var (
	_ = [1]struct{}{}[unsafe.Sizeof(bpf.RawInstruction{})-unix.SizeofSockFilter]
	_ = [1]struct{}{}[unsafe.Offsetof(bpf.RawInstruction{}.Jt)-unsafe.Offsetof(unix.SockFilter{}.Jt)]
	_ = [1]struct{}{}[unsafe.Offsetof(bpf.RawInstruction{}.Jf)-unsafe.Offsetof(unix.SockFilter{}.Jf)]
	_ = [1]struct{}{}[unsafe.Offsetof(bpf.RawInstruction{}.K)-unsafe.Offsetof(unix.SockFilter{}.K)]
)

// installFilter installs the filter on the calling thread. ENOSYS or EINVAL: the kernel is built without it.
func installFilter(code []bpf.RawInstruction, flags uintptr) syscall.Errno {
	prog := unix.SockFprog{Len: uint16(len(code)), Filter: (*unix.SockFilter)(unsafe.Pointer(&code[0]))}
	return exactlyZero(systemCall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)), 0, 0))
}
