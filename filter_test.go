package main

// The filter: every configuration's program, for both architectures, interpreted on the bytes that are installed and
// compared with a naive reference; and the interpreter compared with the kernel.

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

const (
	retAllow        = unix.SECCOMP_RET_ALLOW
	retKill         = unix.SECCOMP_RET_KILL_PROCESS
	retEPERM        = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	retAbsent       = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	retNoProtocol   = unix.SECCOMP_RET_ERRNO | uint32(unix.EPROTONOSUPPORT)
	retNotSupported = unix.SECCOMP_RET_ERRNO | uint32(unix.EOPNOTSUPP)
)

// seccompData is struct seccomp_data (linux/seccomp.h).
type seccompData struct {
	nr, arch uint32
	ip       uint64
	args     [6]uint64
}

var _ = [1]struct{}{}[unsafe.Sizeof(seccompData{})-64]

func (d *seccompData) String() string {
	return fmt.Sprintf("nr %#x arch %#x args %#x", d.nr, d.arch, d.args)
}

// filterBytes is the array of struct sock_filter that installFilter hands to the kernel.
func filterBytes(code []bpf.RawInstruction) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(code))), len(code)*unix.SizeofSockFilter)
}

// decode reads struct sock_filter: u16 code, u8 jt, u8 jf, u32 k (linux/filter.h).
func decode(filter []byte, pc int) (op uint16, jt, jf int, k uint32) {
	i := filter[pc*unix.SizeofSockFilter:][:unix.SizeofSockFilter]
	return binary.NativeEndian.Uint16(i), int(i[2]), int(i[3]), binary.NativeEndian.Uint32(i[4:])
}

const (
	opLoad    = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	opAnd     = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	opEqual   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	opAtLeast = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	opReturn  = unix.BPF_RET | unix.BPF_K
)

// verify refuses what the kernel refuses (bpf_check_classic in net/core/filter.c, seccomp_check_filter in
// kernel/seccomp.c), and every instruction that interpret does not know; those that it knows, the kernel allows.
func verify(filter []byte) error {
	n := len(filter) / unix.SizeofSockFilter
	if n == 0 || n > unix.BPF_MAXINSNS {
		return fmt.Errorf("%d instructions", n)
	}
	for pc := range n {
		op, jt, jf, k := decode(filter, pc)
		switch op {
		case opReturn, opAnd:
		case opLoad:
			if k%4 != 0 || k >= uint32(unsafe.Sizeof(seccompData{})) {
				return fmt.Errorf("instruction %d loads from %d", pc, k)
			}
		case opEqual, opAtLeast:
			if pc+1+max(jt, jf) >= n {
				return fmt.Errorf("instruction %d jumps over the end", pc)
			}
		default:
			return fmt.Errorf("instruction %d has opcode %#x", pc, op)
		}
	}
	if op, _, _, _ := decode(filter, n-1); op != opReturn {
		return fmt.Errorf("instruction %d falls off the end", n-1)
	}
	return nil
}

// runFilter runs a verified filter from its first instruction. load answers its loads, or ends the run without an answer; each is
// called for every instruction that runs.
func runFilter(filter []byte, load func(offset uint32) (value uint32, known bool), each func(pc int)) (action uint32, known bool) {
	var a uint32
	for pc := 0; ; pc++ {
		each(pc)
		op, jt, jf, k := decode(filter, pc)
		taken := false
		switch op {
		case opReturn:
			return k, true
		case opLoad:
			if a, known = load(k); !known {
				return 0, false
			}
			continue
		case opAnd:
			a &= k
			continue
		case opEqual:
			taken = a == k
		case opAtLeast:
			taken = a >= k
		}
		if taken {
			pc += jt
		} else {
			pc += jf
		}
	}
}

// interpret runs a verified filter in the machine's own byte order. It marks the instructions that ran.
func interpret(filter []byte, d *seccompData, ran []bool) (action uint32, steps int) {
	data := (*[unsafe.Sizeof(*d)]byte)(unsafe.Pointer(d))
	action, _ = runFilter(filter,
		func(offset uint32) (uint32, bool) { return binary.NativeEndian.Uint32(data[offset:]), true },
		func(pc int) {
			ran[pc] = true
			steps++
		})
	return action, steps
}

// archNumbers are the numbers of calls that not every architecture has, and that x/sys therefore does not name everywhere
// (asm/unistd_64.h).
var archNumbers = map[string]map[string]uint32{
	"amd64": {"open": 2, "creat": 85, "mknod": 133, "chmod": 90},
	"arm64": {},
}[runtime.GOARCH]

// numbers are the calls that the reference knows.
var numbers = sync.OnceValue(func() map[string]uint32 {
	n := map[string]uint32{
		"socket": unix.SYS_SOCKET, "socketpair": unix.SYS_SOCKETPAIR, "connect": unix.SYS_CONNECT, "bind": unix.SYS_BIND,
		"listen": unix.SYS_LISTEN, "accept": unix.SYS_ACCEPT, "accept4": unix.SYS_ACCEPT4, "sendto": unix.SYS_SENDTO,
		"recvfrom": unix.SYS_RECVFROM, "sendmsg": unix.SYS_SENDMSG, "recvmsg": unix.SYS_RECVMSG, "sendmmsg": unix.SYS_SENDMMSG,
		"recvmmsg": unix.SYS_RECVMMSG, "getsockopt": unix.SYS_GETSOCKOPT, "setsockopt": unix.SYS_SETSOCKOPT,
		"getsockname": unix.SYS_GETSOCKNAME, "getpeername": unix.SYS_GETPEERNAME, "shutdown": unix.SYS_SHUTDOWN,
		"ptrace": unix.SYS_PTRACE, "process_vm_readv": unix.SYS_PROCESS_VM_READV, "process_vm_writev": unix.SYS_PROCESS_VM_WRITEV,
		"pidfd_getfd": unix.SYS_PIDFD_GETFD, "prlimit64": unix.SYS_PRLIMIT64, "fcntl": unix.SYS_FCNTL, "setns": unix.SYS_SETNS,
		"io_uring_setup": unix.SYS_IO_URING_SETUP, "io_uring_enter": unix.SYS_IO_URING_ENTER, "io_uring_register": unix.SYS_IO_URING_REGISTER,
		"ioctl": unix.SYS_IOCTL, "add_key": unix.SYS_ADD_KEY, "request_key": unix.SYS_REQUEST_KEY, "keyctl": unix.SYS_KEYCTL,
		"bpf": unix.SYS_BPF, "perf_event_open": unix.SYS_PERF_EVENT_OPEN,
		"mount": unix.SYS_MOUNT, "open_tree": unix.SYS_OPEN_TREE, "move_mount": unix.SYS_MOVE_MOUNT, "fsopen": unix.SYS_FSOPEN,
		"fsconfig": unix.SYS_FSCONFIG, "fsmount": unix.SYS_FSMOUNT, "fspick": unix.SYS_FSPICK, "mount_setattr": unix.SYS_MOUNT_SETATTR,
		"open_tree_attr": unix.SYS_OPEN_TREE_ATTR, "open_by_handle_at": unix.SYS_OPEN_BY_HANDLE_AT,
		"mq_open": unix.SYS_MQ_OPEN, "mq_unlink": unix.SYS_MQ_UNLINK,
		"setxattr": unix.SYS_SETXATTR, "lsetxattr": unix.SYS_LSETXATTR, "fsetxattr": unix.SYS_FSETXATTR, "setxattrat": unix.SYS_SETXATTRAT,
		"removexattr": unix.SYS_REMOVEXATTR, "lremovexattr": unix.SYS_LREMOVEXATTR, "fremovexattr": unix.SYS_FREMOVEXATTR,
		"removexattrat": unix.SYS_REMOVEXATTRAT, "file_setattr": unix.SYS_FILE_SETATTR,
		"fchmod": unix.SYS_FCHMOD, "fchmodat": unix.SYS_FCHMODAT, "fchmodat2": unix.SYS_FCHMODAT2,
		"mknodat": unix.SYS_MKNODAT, "clone": unix.SYS_CLONE, "clone3": unix.SYS_CLONE3, "unshare": unix.SYS_UNSHARE,
		"mq_timedsend": unix.SYS_MQ_TIMEDSEND, "mq_timedreceive": unix.SYS_MQ_TIMEDRECEIVE, "mq_notify": unix.SYS_MQ_NOTIFY,
		"truncate": unix.SYS_TRUNCATE, "openat": unix.SYS_OPENAT, "openat2": unix.SYS_OPENAT2,
	}
	for name, nr := range archNumbers {
		n[name] = nr
	}
	return n
})

// names is numbers the other way round.
var names = sync.OnceValue(func() map[uint32]string {
	n := map[uint32]string{}
	for name, nr := range numbers() {
		n[nr] = name
	}
	return n
})

// situation is what the reference knows of a policy and a kernel.
type situation struct {
	network  network
	limited  bool // the network is on by snib's own options: internet, netlink and AF_UNIX sockets, or TCP to some ports
	confined bool // Landlock, not the filter, keeps AF_UNIX clients inside: its ABI 9 handles resolve_unix for us; or --unix / lets them out
	domain   bool // Landlock has any right to handle, and so keeps the command from the memory of processes outside
	own      bool // snib's own options, without --signals
	open     bool // with --signals
	writes   bool // writes are restricted
	truncate bool // ... and before Landlock's ABI 3 truncation is not a write
}

func situationOf(p *policy, abi int) situation {
	limited := p.network == networkPorts || p.network == networkOn && p.grammar == snibOptions
	return situation{
		network:  p.network,
		limited:  limited,
		confined: (p.network == networkLocal || limited) && (p.unixAll || p.restrictWrites && abi >= 9),
		domain:   abi >= 4 && p.network != networkOn || abi >= 1 && p.restrictWrites,
		own:      p.grammar == snibOptions && !p.signals,
		open:     p.signals,
		writes:   p.restrictWrites,
		truncate: p.restrictWrites && abi < 3,
	}
}

func (s situation) String() string {
	name := map[network]string{networkOn: "on", networkStrict: "strict", networkLocal: "local", networkPorts: "ports"}[s.network]
	for _, c := range []struct {
		is   bool
		name string
	}{{s.limited, "limited"}, {s.confined, "confined"}, {s.domain, "domain"}, {s.own, "own"}, {s.open, "signals"}, {s.writes, "writes"}, {s.truncate, "truncate"}} {
		if c.is {
			name += "+" + c.name
		}
	}
	return name
}

// want is what a filter must answer, and whether that depends on an argument.
func (s situation) want(d *seccompData) (action uint32, byArgument bool) {
	switch {
	case d.arch != ownArch:
		return retKill, false
	case runtime.GOARCH == "amd64" && d.nr >= 0x40000000 && int32(d.nr) != -1: // x32, and what is no number at all
		return retKill, false
	}
	denyIf := func(denied bool) uint32 {
		if denied {
			return retEPERM
		}
		return retAllow
	}
	low := func(i int) uint32 { return uint32(d.args[i]) }
	offline := s.network != networkOn
	unconfined := s.network == networkLocal && !s.confined
	untraceable := s.network == networkStrict || s.network == networkLocal && !s.domain
	connectOnly := s.network == networkPorts
	fastOpen := func(flags uint32) (uint32, bool) { return denyIf(flags&0x20000000 != 0), true } // it connects past Landlock

	switch names()[d.nr] {
	case "socket", "socketpair":
		domain, kind, protocol := low(0), low(1)&0xf, low(2)
		paired := kind == unix.SOCK_STREAM || kind == unix.SOCK_SEQPACKET
		switch {
		case s.limited && names()[d.nr] == "socketpair":
			return denyIf(domain != unix.AF_UNIX || !s.confined && !paired), true
		case s.limited && (domain == unix.AF_INET || domain == unix.AF_INET6):
			if connectOnly && kind == unix.SOCK_STREAM && protocol != 0 && protocol != unix.IPPROTO_TCP {
				return retNoProtocol, true
			}
			return denyIf(connectOnly && kind != unix.SOCK_STREAM), true
		case s.limited && domain == unix.AF_UNIX:
			return denyIf(!s.confined), true
		case s.limited:
			return denyIf(connectOnly || domain != unix.AF_NETLINK || protocol == unix.NETLINK_USERSOCK), true
		case !offline:
			return retAllow, false
		case unconfined:
			return denyIf(domain != unix.AF_UNIX || !paired), true
		}
		return denyIf(domain != unix.AF_UNIX), true
	case "connect":
		return denyIf(s.network == networkStrict || unconfined), false
	case "bind", "listen", "accept", "accept4":
		return denyIf(s.network == networkStrict || unconfined || connectOnly), false
	case "sendto":
		switch {
		case s.network == networkStrict || unconfined:
			return denyIf(d.args[4] != 0), true
		case connectOnly:
			return fastOpen(low(3))
		}
	case "sendmsg", "sendmmsg":
		if connectOnly {
			return fastOpen(low(map[string]int{"sendmsg": 2, "sendmmsg": 3}[names()[d.nr]]))
		}
		return denyIf(s.network == networkStrict), false
	case "setsockopt":
		if connectOnly {
			const solTCP, ulp = 6, 31 // linux/tcp.h
			return denyIf(low(1) == solTCP && low(2) == ulp), true
		}
		return denyIf(s.network == networkStrict), false
	case "recvmsg", "recvmmsg", "getsockopt", "getsockname", "getpeername", "shutdown":
		return denyIf(s.network == networkStrict), false
	case "ptrace":
		switch {
		case untraceable:
			return retEPERM, false
		case s.own || offline && !s.open:
			return denyIf(low(0) == unix.PTRACE_TRACEME), true
		}
	case "process_vm_readv", "process_vm_writev", "pidfd_getfd":
		return denyIf(untraceable), false
	case "fcntl":
		if s.own {
			const setSignal = 10 // F_SETSIG
			return denyIf(low(1) == unix.F_SETOWN && int32(low(2)) < 0 || low(1) == unix.F_SETOWN_EX || low(1) == setSignal), true
		}
	case "prlimit64":
		if s.own {
			return denyIf(low(0) != 0 && d.args[2] != 0), true
		}
	case "mount":
		return denyIf(offline), false
	case "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick":
		return retEPERM, false // every filter is for one or the other
	case "mount_setattr", "open_tree_attr", "open_by_handle_at", "mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify":
		return denyIf(s.writes), false
	case "setxattr", "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr", "removexattrat", "file_setattr":
		if s.writes {
			return retNotSupported, false
		}
	case "chmod", "fchmod", "creat", "mknod":
		if s.writes {
			return denyIf(low(1)&0o4000 != 0), true
		}
	case "fchmodat", "fchmodat2", "mknodat":
		if s.writes {
			return denyIf(low(2)&0o4000 != 0), true
		}
	case "ioctl":
		request := low(1)
		files := slices.Contains([]uint32{0x94, 'f', 'X', 0xf5, 0xbc}, request>>8&0xff) && !slices.Contains(readingRequests, request) ||
			slices.Contains(changingRequests, request)
		return denyIf(request == unix.TIOCSTI || request == unix.TIOCLINUX || offline && request == 0x400454ca || s.own && (request == 0x8901 || request == 0x8902 || request == 0x40045436) ||
			s.writes && files), true
	case "io_uring_setup", "io_uring_enter", "io_uring_register", "setns", "add_key", "request_key", "keyctl", "bpf", "perf_event_open":
		return retEPERM, false
	case "truncate":
		return denyIf(s.truncate), false
	case "openat2":
		if s.writes {
			return retAbsent, false
		}
	case "clone3":
		return retAbsent, false
	case "unshare":
		if s.writes {
			return denyIf(low(0)&0x100000 != 0), true
		}
	case "clone":
		if untraceable || s.own || offline && !s.open {
			return denyIf(low(0)&unix.CLONE_PARENT != 0), true
		}
	case "open", "openat":
		if !s.writes {
			return retAllow, false
		}
		flags, mode := low(2), low(3)
		if names()[d.nr] == "open" {
			flags, mode = low(1), low(2)
		}
		access := flags & 3
		truncates := s.truncate && flags&unix.O_TRUNC != 0 && access != unix.O_WRONLY && access != unix.O_RDWR
		return denyIf(truncates || flags&(0o100|0x400000) != 0 && mode&0o4000 != 0), true
	}
	return retAllow, false
}

// Requests of ioctl(2), as the headers in linux/ and fs/ have them.
var (
	readingRequests = []uint32{
		0x40049409, 0x4020940d, 0xc0189436, 0x80086601, 0x801c581f, 0xc020660b, 0x81009431, 0x8008662c, 0x400c6615, 0xc0096616, 0x8010661b, 0xc0046686,
		0xc0606610, 0xc0686611,
	}
	changingRequests = []uint32{0x40087602, 0x40047211, 0x40046f01, 0x40186f02, 0x40186f03, 0x40186f04, 0x40406f06, 0x40289702, 0x40289705, 0xcf04, 0x40088302}
)

var ownArch = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]

// auditArches are all that x/sys knows, in their order there.
var auditArches = []uint32{
	unix.AUDIT_ARCH_AARCH64, unix.AUDIT_ARCH_ALPHA, unix.AUDIT_ARCH_ARCOMPACT, unix.AUDIT_ARCH_ARCOMPACTBE,
	unix.AUDIT_ARCH_ARCV2, unix.AUDIT_ARCH_ARCV2BE, unix.AUDIT_ARCH_ARM, unix.AUDIT_ARCH_ARMEB, unix.AUDIT_ARCH_C6X,
	unix.AUDIT_ARCH_C6XBE, unix.AUDIT_ARCH_CRIS, unix.AUDIT_ARCH_CSKY, unix.AUDIT_ARCH_FRV, unix.AUDIT_ARCH_H8300,
	unix.AUDIT_ARCH_HEXAGON, unix.AUDIT_ARCH_I386, unix.AUDIT_ARCH_IA64, unix.AUDIT_ARCH_LOONGARCH32,
	unix.AUDIT_ARCH_LOONGARCH64, unix.AUDIT_ARCH_M32R, unix.AUDIT_ARCH_M68K, unix.AUDIT_ARCH_MICROBLAZE,
	unix.AUDIT_ARCH_MIPS, unix.AUDIT_ARCH_MIPS64, unix.AUDIT_ARCH_MIPS64N32, unix.AUDIT_ARCH_MIPSEL,
	unix.AUDIT_ARCH_MIPSEL64, unix.AUDIT_ARCH_MIPSEL64N32, unix.AUDIT_ARCH_NDS32, unix.AUDIT_ARCH_NDS32BE,
	unix.AUDIT_ARCH_NIOS2, unix.AUDIT_ARCH_OPENRISC, unix.AUDIT_ARCH_PARISC, unix.AUDIT_ARCH_PARISC64,
	unix.AUDIT_ARCH_PPC, unix.AUDIT_ARCH_PPC64, unix.AUDIT_ARCH_PPC64LE, unix.AUDIT_ARCH_RISCV32,
	unix.AUDIT_ARCH_RISCV64, unix.AUDIT_ARCH_S390, unix.AUDIT_ARCH_S390X, unix.AUDIT_ARCH_SH, unix.AUDIT_ARCH_SH64,
	unix.AUDIT_ARCH_SHEL, unix.AUDIT_ARCH_SHEL64, unix.AUDIT_ARCH_SPARC, unix.AUDIT_ARCH_SPARC64,
	unix.AUDIT_ARCH_TILEGX, unix.AUDIT_ARCH_TILEGX32, unix.AUDIT_ARCH_TILEPRO, unix.AUDIT_ARCH_UNICORE,
	unix.AUDIT_ARCH_X86_64, unix.AUDIT_ARCH_XTENSA,
}

// inputs are the calls that a filter is asked about. The one yielded is overwritten by the next.
func inputs() iter.Seq[*seccompData] {
	return func(yield func(*seccompData) bool) {
		d := seccompData{arch: ownArch, ip: 1<<64 - 1}
		more := true
		ask := func() { more = more && yield(&d) }

		var all []uint32
		for nr := range uint32(1024) {
			all = append(all, nr, 0x40000000|nr)
		}
		all = append(all, 1024, 0x3fffffff, 0x7fffffff, 0x80000000, 0x80000001, 0xbfffffff, 0xc0000000, 0xfffffffe, 0xffffffff)

		// Each number, with each value that some check compares with in each argument.
		values := []uint64{0, 1, 5, 0x200, 0x203, 0x800, 0x5412, 0x541c, 0x6601, 1 << 32, 1<<64 - 1}
		for _, d.nr = range all {
			for i := range d.args {
				for _, d.args[i] = range values {
					ask()
				}
				d.args[i] = 0
			}
		}

		// Each architecture and each wrong bit of the filter's own, with each number.
		foreign := append([]uint32{0, 1<<32 - 1}, auditArches...)
		for bit := range 32 {
			foreign = append(foreign, ownArch^1<<bit)
		}
		for _, d.arch = range foreign {
			for _, d.nr = range all {
				ask()
			}
		}
		d.arch = ownArch

		// try sets the low halves of the arguments from first on; the rest of all of them is clear, then set.
		try := func(name string, first int, values ...uint32) {
			nr, is := numbers()[name]
			if !is {
				return
			}
			d.nr = nr
			for _, rest := range []uint64{0, 1<<64 - 1} {
				for i := range d.args {
					d.args[i] = rest
				}
				for i, v := range values {
					d.args[first+i] = rest>>32<<32 | uint64(v)
				}
				ask()
			}
		}
		for _, name := range []string{"socket", "socketpair"} {
			for domain := range uint32(64) {
				for kind := range uint32(16) {
					for _, flags := range []uint32{0, unix.SOCK_CLOEXEC, unix.SOCK_NONBLOCK, unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK} {
						try(name, 0, domain, kind|flags)
					}
				}
			}
			for bit := range 32 {
				try(name, 0, unix.AF_UNIX^1<<bit, unix.SOCK_STREAM)
				try(name, 0, unix.AF_UNIX, unix.SOCK_STREAM^1<<bit)
				try(name, 0, unix.AF_UNIX, unix.SOCK_SEQPACKET^1<<bit)
			}
			for _, domain := range []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK, unix.AF_VSOCK} {
				for kind := range uint32(16) {
					for bit := range 32 {
						for _, protocol := range []uint32{0, unix.IPPROTO_TCP, 256, 262} {
							try(name, 0, domain, kind, protocol)
							try(name, 0, domain, kind, protocol^1<<bit)
						}
						try(name, 0, domain^1<<bit, kind, unix.IPPROTO_TCP)
					}
				}
			}
		}
		for bit := range 32 {
			try("sendto", 3, 1<<bit)
			try("sendmsg", 2, 1<<bit)
			try("sendmmsg", 3, 1<<bit)
			try("setsockopt", 1, 6^1<<bit, 31)
			try("setsockopt", 1, 6, 31^1<<bit)
		}
		for level := range uint32(300) {
			for option := range uint32(64) {
				try("setsockopt", 1, level, option)
			}
		}
		requests := slices.Concat(readingRequests, changingRequests, []uint32{unix.TIOCSTI, unix.TIOCLINUX, 0x400454ca, 0x8901, 0x8902, 0x40045436, 0x5000940e, 0xc038586b, 0x40806685})
		for _, request := range requests {
			try("ioctl", 1, request)
			for bit := range 32 {
				try("ioctl", 1, request^1<<bit)
			}
		}
		for request := range uint32(0x10000) {
			try("ioctl", 1, request)
		}
		for bit := range 32 {
			try("ptrace", 0, 1<<bit)
			try("clone", 0, 1<<bit)
			try("unshare", 0, 1<<bit)
			for _, name := range []string{"chmod", "fchmod", "creat", "mknod"} {
				try(name, 1, 1<<bit)
			}
			for _, flags := range []uint32{0, unix.O_CREAT, unix.O_TMPFILE, unix.O_DIRECTORY} {
				try("open", 1, flags, 1<<bit)
				try("openat", 2, flags, 1<<bit)
			}
			for _, name := range []string{"fchmodat", "fchmodat2", "mknodat"} {
				try(name, 2, 1<<bit)
			}
			try("prlimit64", 0, 1<<bit)
			for command := range uint32(20) {
				try("fcntl", 1, command, 1<<bit)
				try("fcntl", 1, command^1<<bit, 1<<31)
			}
			try("prlimit64", 0, 0, 0, 1<<bit)
			try("prlimit64", 0, 1, 0, 1<<bit)
		}
		others := []uint32{0, unix.O_CREAT | unix.O_EXCL, 1<<32 - 1}
		for bit := range 32 {
			others = append(others, 1<<bit)
		}
		for mode := range uint32(4) {
			for _, trunc := range []uint32{0, unix.O_TRUNC} {
				for _, other := range others {
					flags := mode | trunc | other&^(3|unix.O_TRUNC)
					try("open", 1, flags)
					try("openat", 2, flags)
				}
			}
		}
		addresses := []uint64{0, 1<<32 - 1, (1<<32 - 1) << 32, 1<<64 - 1}
		for bit := range 64 {
			addresses = append(addresses, 1<<bit)
		}
		for _, call := range []struct {
			name string
			arg  int
		}{{"sendto", 4}, {"prlimit64", 2}} {
			d.nr = numbers()[call.name]
			for _, rest := range []uint64{0, 1<<64 - 1} {
				for i := range d.args {
					d.args[i] = rest
				}
				for _, d.args[call.arg] = range addresses {
					ask()
				}
			}
		}
	}
}

// installation is one filter, and what it is for.
type installation struct {
	config    config
	situation situation
}

// installations are the different ones among all policies and kernels. A kernel newer than we know is the newest known.
func installations() (all []installation) {
	seen := map[installation]bool{}
	for _, start := range []policy{
		{grammar: snibOptions}, {grammar: snibOptions, signals: true}, {grammar: codexFlags},
		{grammar: snibOptions, unix: true}, {grammar: snibOptions, unix: true, unixAll: true}, {grammar: snibOptions, unix: true, unixAll: true, signals: true},
	} {
		for _, network := range []network{networkOn, networkStrict, networkLocal, networkPorts} {
			for _, restrictWrites := range []bool{false, true} {
				for abi := range 13 {
					p := start
					p.network, p.restrictWrites = network, restrictWrites
					switch {
					case !p.restricts(), restrictWrites && abi == 0, p.unix && !p.unixAll && abi < confinesUnix, network == networkPorts && abi < firstPorts:
						continue // nothing is installed, or nothing runs
					case p.grammar == snibOptions && !restrictWrites, p.grammar != snibOptions && network == networkPorts, p.unix && network == networkStrict:
						continue // there is no such policy
					}
					rules := newRuleset(&p, abi)
					i := installation{filterConfig(&p, abi, !rules.empty()), situationOf(&p, abi)}
					if !seen[i] {
						seen[i] = true
						all = append(all, i)
					}
				}
			}
		}
	}
	return all
}

func TestFilter(t *testing.T) {
	t.Parallel()
	needOneGuest(t)
	configs := map[config]bool{}
	for n, i := range installations() {
		configs[i.config] = true
		if emulated() && n%6 != 0 {
			continue // outside all are built, for arm64 by an emulator
		}
		t.Run(i.situation.String(), func(t *testing.T) {
			code := buildFilter(new([maxInstructions]bpf.RawInstruction), i.config)
			filter := filterBytes(code)
			if err := verify(filter); err != nil {
				t.Fatal(err)
			}
			typed, known := bpf.Disassemble(code)
			if !known {
				t.Error("there are instructions that x/net/bpf does not know")
			}
			if len(code) > 230 {
				t.Errorf("%d instructions, more than 230", len(code))
			}

			ran := make([]bool, len(code))
			asked, most := 0, 0
			wrong := map[uint32]bool{}
			for d := range inputs() {
				asked++
				got, steps := interpret(filter, d, ran)
				want, byArgument := i.situation.want(d)
				if got != want && !wrong[d.nr] {
					wrong[d.nr] = true
					t.Errorf("%v (%s): the filter returns %#x, the reference %#x", d, names()[d.nr], got, want)
				}
				if want == retAllow && !byArgument {
					most = max(most, steps)
				}
				if want == retAllow && !byArgument && !cached(filter, d.nr) && !wrong[d.nr] {
					wrong[d.nr] = true
					t.Errorf("%v (%s): the kernel would not remember that it is allowed", d, names()[d.nr])
				}
			}
			for pc := range ran {
				if !ran[pc] {
					t.Errorf("instruction %d never ran: %v", pc, typed[pc])
				}
			}
			if most > 32 {
				t.Errorf("%d instructions run for an allowed call without a check, more than 32", most)
			}
			t.Logf("%d instructions, at most %d for an allowed call without a check; %d calls asked", len(code), most, asked)
		})
	}
	t.Logf("%d configurations", len(configs))
}

// cached tells whether the kernel can tell from the number alone that a call is allowed, as seccomp_is_const_allow in its
// kernel/seccomp.c does since 5.11: without loading anything but the number and the architecture.
func cached(filter []byte, nr uint32) bool {
	action, known := runFilter(filter, func(offset uint32) (uint32, bool) {
		switch offset {
		case 0:
			return nr, true
		case 4:
			return ownArch, true
		}
		return 0, false
	}, func(int) {})
	return known && action == retAllow
}

// TestRules: the rules of a call stand together, and calls with checks before those without any.
func TestRules(t *testing.T) {
	for name, table := range map[string][]rule{"rules": rules[:], "archRules": archRules} {
		last, withChecks := map[uint32]int{}, map[uint32]bool{}
		for _, r := range table {
			withChecks[r.nr] = withChecks[r.nr] || r.checks[0].is != unchecked
		}
		unconditional := false
		for i, r := range table {
			if before, is := last[r.nr]; is && before != i-1 {
				t.Errorf("%s: the rules for %s stand apart", name, r.name)
			}
			last[r.nr] = i
			if r.nr >= endOfNumbers {
				t.Errorf("%s: %s is %d, beyond the last segment", name, r.name, r.nr)
			}
			if r.when == 0 {
				t.Errorf("%s: %s never holds", name, r.name)
			}
			if r.checks[0].is == unchecked && r.checks[1].is != unchecked {
				t.Errorf("%s: %s has its second check only", name, r.name)
			}
			if withChecks[r.nr] && unconditional {
				t.Errorf("%s: %s has checks, and stands behind a call without", name, r.name)
			}
			unconditional = unconditional || !withChecks[r.nr]
			if nr, is := numbers()[r.name]; !is || nr != r.nr {
				t.Errorf("%s: %s is %d, and %d in the reference", name, r.name, r.nr, nr)
			}
		}
	}
}

// TestFilterNumbers compares the architectures of the reference, and the numbers that it has of its own, with x/sys.
func TestFilterNumbers(t *testing.T) {
	needGo(t)
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys").Output()
	if err != nil {
		t.Fatal(err)
	}
	constants := func(file, pattern string) [][][]byte {
		source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "unix", file))
		if err != nil {
			t.Fatal(err)
		}
		return regexp.MustCompile(pattern).FindAllSubmatch(source, -1)
	}
	known := map[string]uint32{}
	for _, m := range constants("zsysnum_linux_"+runtime.GOARCH+".go", `\bSYS_(\w+) += (\d+)\n`) {
		nr, _ := strconv.ParseUint(string(m[2]), 10, 32)
		known[strings.ToLower(string(m[1]))] = uint32(nr)
	}
	for _, name := range []string{"open", "creat", "mknod", "chmod"} {
		nr, is := known[name]
		if own, has := archNumbers[name]; is != has || nr != own {
			t.Errorf("%s is %d here, and %d in x/sys", name, own, nr)
		}
	}
	arches := constants("zerrors_linux.go", `\bAUDIT_ARCH_(\w+) += (0x[0-9a-f]+)\n`)
	if len(arches) != len(auditArches) {
		t.Fatalf("x/sys has %d architectures, the reference %d", len(arches), len(auditArches))
	}
	for i, m := range arches {
		if want, _ := strconv.ParseUint(string(m[2]), 0, 32); auditArches[i] != uint32(want) {
			t.Errorf("AUDIT_ARCH_%s is %#x, want %#x", m[1], auditArches[i], want)
		}
	}
}

// TestFilterRefused breaks a filter; the interpreter's verifier and the kernel must both refuse it.
func TestFilterRefused(t *testing.T) {
	last := func(code []bpf.RawInstruction) *bpf.RawInstruction { return &code[len(code)-1] }
	for _, test := range []struct {
		name     string
		breaking func(code []bpf.RawInstruction)
	}{
		{"", func([]bpf.RawInstruction) {}},
		{"load half a word", func(code []bpf.RawInstruction) { code[0].Op = unix.BPF_LD | unix.BPF_H | unix.BPF_ABS }},
		{"modulo", func(code []bpf.RawInstruction) {
			*last(code) = bpf.RawInstruction{Op: unix.BPF_ALU | unix.BPF_MOD, K: 1}
		}},
		{"load across words", func(code []bpf.RawInstruction) { code[0].K = 2 }},
		{"load beyond the data", func(code []bpf.RawInstruction) { code[0].K = 64 }},
		{"jump over the end, if so", func(code []bpf.RawInstruction) { code[1].Jt = uint8(len(code) - 2) }},
		{"jump over the end, if not", func(code []bpf.RawInstruction) { code[1].Jf = 255 }},
		{"fall off the end", func(code []bpf.RawInstruction) { *last(code) = code[0] }},
	} {
		code := buildFilter(new([maxInstructions]bpf.RawInstruction), restricted)
		test.breaking(code)
		err := verify(filterBytes(code))
		r := runFiltered(t, code, nil)
		if test.name == "" {
			if err != nil || r.code != 0 || r.stdout != "" {
				t.Errorf("unbroken: the verifier says %v, the kernel %q", err, r.stdout)
			}
		} else if err == nil || r.stdout != "EINVAL\n" {
			t.Errorf("%s: the verifier says %v, the kernel %q", test.name, err, r.stdout)
		}
	}
}

// kernelCall is a call that has no effect whatever the kernel decides, and that fails, in a kernel without our filter,
// with another error than the filter's.
type kernelCall struct {
	name       string
	args       [6]uint64
	nr         uint32 // if it is not in numbers
	capability int    // without it the kernel may answer EPERM before it looks at the arguments; 0: it does not
}

// io_uring_setup is not among them: the administrator can forbid it everyone (/proc/sys/kernel/io_uring_disabled).
var kernelCalls = []kernelCall{
	{name: "socket", args: [6]uint64{unix.AF_UNIX, unix.SOCK_STREAM, 99}},
	{name: "socket", args: [6]uint64{1<<32 | unix.AF_UNIX, 1<<32 | unix.SOCK_SEQPACKET | unix.SOCK_CLOEXEC, 99}},
	{name: "socket", args: [6]uint64{unix.AF_UNIX, unix.SOCK_DGRAM, 99}},
	{name: "socket", args: [6]uint64{unix.AF_UNIX, 15}},
	{name: "socket", args: [6]uint64{unix.AF_INET, 15}},
	{name: "socket", args: [6]uint64{unix.AF_NETLINK, 15}},
	{name: "socket", args: [6]uint64{63, unix.SOCK_STREAM}},
	{name: "socket", args: [6]uint64{unix.AF_INET, unix.SOCK_STREAM, 1000}},
	{name: "socket", args: [6]uint64{unix.AF_INET6, unix.SOCK_DGRAM, 1000}},
	{name: "socket", args: [6]uint64{unix.AF_NETLINK, unix.SOCK_RAW, 1000}},
	{name: "socketpair", args: [6]uint64{unix.AF_UNIX, unix.SOCK_STREAM}},
	{name: "socketpair", args: [6]uint64{unix.AF_UNIX, unix.SOCK_RAW}},
	{name: "socketpair", args: [6]uint64{unix.AF_INET, unix.SOCK_STREAM}},
	{name: "connect", args: badFD}, {name: "bind", args: badFD}, {name: "listen", args: badFD},
	{name: "accept", args: badFD}, {name: "accept4", args: badFD},
	{name: "sendto", args: badFD},
	{name: "sendto", args: [6]uint64{noFD, 0, 0, 0, 1}},
	{name: "sendto", args: [6]uint64{noFD, 0, 0, 0, 1 << 32}},
	{name: "sendto", args: [6]uint64{noFD, 0, 0, unix.MSG_FASTOPEN}},
	{name: "sendto", args: [6]uint64{noFD, 0, 0, unix.MSG_NOSIGNAL}},
	{name: "sendmsg", args: [6]uint64{noFD, 0, 1<<32 | unix.MSG_FASTOPEN | unix.MSG_NOSIGNAL}},
	{name: "sendmmsg", args: [6]uint64{noFD, 0, 0, unix.MSG_FASTOPEN}},
	{name: "setsockopt", args: [6]uint64{noFD, unix.SOL_TCP, unix.TCP_ULP}},
	{name: "setsockopt", args: [6]uint64{noFD, unix.SOL_TCP, unix.TCP_FASTOPEN_CONNECT}},
	{name: "recvfrom", args: badFD},
	{name: "sendmsg", args: badFD}, {name: "recvmsg", args: badFD},
	{name: "sendmmsg", args: badFD}, {name: "recvmmsg", args: badFD},
	{name: "getsockopt", args: badFD}, {name: "setsockopt", args: badFD},
	{name: "getsockname", args: badFD}, {name: "getpeername", args: badFD}, {name: "shutdown", args: badFD},
	{name: "ptrace", args: [6]uint64{unix.PTRACE_PEEKTEXT, 1<<32 - 1}},
	{name: "ptrace", args: [6]uint64{1 << 32, 1<<32 - 1}},
	{name: "process_vm_readv", args: [6]uint64{5: 1}},
	{name: "process_vm_writev", args: [6]uint64{5: 1}},
	{name: "pidfd_getfd", args: [6]uint64{noFD, noFD, 1}},
	{name: "io_uring_enter", args: badFD},
	{name: "io_uring_register", args: badFD},
	{name: "fcntl", args: [6]uint64{noFD, unix.F_SETOWN, 1}}, {name: "fcntl", args: [6]uint64{noFD, unix.F_SETOWN, 1<<32 - 1}},
	{name: "fcntl", args: [6]uint64{noFD, 1<<32 | unix.F_SETOWN_EX}}, {name: "fcntl", args: [6]uint64{noFD, 10}}, // F_SETSIG
	{name: "ioctl", args: [6]uint64{noFD, 0x8901}}, {name: "ioctl", args: [6]uint64{noFD, 0x8902}}, {name: "ioctl", args: [6]uint64{noFD, 0x40045436}}, // FIOSETOWN, SIOCSPGRP, TIOCSIG
	{name: "ioctl", args: [6]uint64{noFD, unix.TIOCSTI}},
	{name: "ioctl", args: [6]uint64{noFD, 1<<32 | unix.TIOCLINUX}},
	{name: "ioctl", args: [6]uint64{noFD, unix.TIOCGWINSZ}},
	{name: "ioctl", args: [6]uint64{noFD, 0x400454ca}},                                                     // TUNSETIFF
	{name: "ioctl", args: [6]uint64{noFD, 0x50009417}},                                                     // BTRFS_IOC_SNAP_CREATE_V2
	{name: "ioctl", args: [6]uint64{noFD, 0x80086601}}, {name: "ioctl", args: [6]uint64{noFD, 0x40086602}}, // FS_IOC_GETFLAGS, SETFLAGS
	{name: "ioctl", args: [6]uint64{noFD, 0x40087602}}, {name: "ioctl", args: [6]uint64{noFD, 0x40047211}},
	{name: "ioctl", args: [6]uint64{noFD, 1<<32 | 0xc038586b}},
	{name: "ioctl", args: [6]uint64{noFD, 0x40186f04}},
	{name: "ioctl", args: [6]uint64{noFD, unix.FICLONE}},
	{name: "mount"},
	{name: "open_tree", args: [6]uint64{noFD, 0, 1<<32 - 1}},
	{name: "move_mount", args: [6]uint64{noFD, 0, noFD, 0, 1<<32 - 1}, capability: unix.CAP_SYS_ADMIN},
	{name: "fsopen", args: [6]uint64{0, 1<<32 - 1}, capability: unix.CAP_SYS_ADMIN},
	{name: "fsconfig", args: badFD},
	{name: "fsmount", args: [6]uint64{noFD, 1<<32 - 1}, capability: unix.CAP_SYS_ADMIN},
	{name: "fspick", args: [6]uint64{noFD, 0, 1<<32 - 1}, capability: unix.CAP_SYS_ADMIN},
	{name: "keyctl", args: [6]uint64{1<<32 - 1}}, {name: "add_key"},
	{name: "bpf", args: [6]uint64{1<<32 - 1, 0, 1<<32 - 1}, capability: unix.CAP_SYS_ADMIN},
	{name: "perf_event_open", args: [6]uint64{4: 1<<64 - 1}},
	{name: "setns", args: badFD},
	{name: "prlimit64", args: [6]uint64{1<<32 - 1, 99, 1}},
	{name: "prlimit64", args: [6]uint64{1<<32 - 1, 99, 1 << 32}},
	{name: "prlimit64", args: [6]uint64{1<<32 - 1, 99}},
	{name: "prlimit64", args: [6]uint64{0, 99, 1}},
	{name: "mq_open", args: [6]uint64{0, unix.O_CREAT}}, {name: "mq_unlink"},
	{name: "setxattr"}, {name: "lsetxattr"}, {name: "fsetxattr", args: badFD}, {name: "setxattrat", args: [6]uint64{noFD, 0, 0, 0, 0, 1}},
	{name: "removexattr"}, {name: "lremovexattr"}, {name: "fremovexattr", args: badFD}, {name: "removexattrat", args: badFD},
	{name: "file_setattr", args: badFD},
	{name: "chmod", args: [6]uint64{0, 0o4755}}, {name: "chmod", args: [6]uint64{0, 0o2755}},
	{name: "fchmod", args: [6]uint64{noFD, 0o4000}}, {name: "fchmod", args: [6]uint64{noFD, 0o3777}},
	{name: "fchmodat", args: [6]uint64{noFD, 0, 0o4000}}, {name: "fchmodat", args: [6]uint64{noFD, 0, 1<<32 | 0o755}},
	{name: "openat", args: [6]uint64{noFD, 0, unix.O_CREAT, 0o4755}}, {name: "openat", args: [6]uint64{noFD, 0, 0, 0o4755}},
	{name: "open", args: [6]uint64{0, unix.O_TMPFILE, 0o4755}}, {name: "creat", args: [6]uint64{0, 0o4755}},
	{name: "mknod", args: [6]uint64{0, 0o4755}}, {name: "mknodat", args: [6]uint64{noFD, 0, 0o4755}}, {name: "mknodat", args: [6]uint64{noFD, 0, 0o755}},
	{name: "mq_timedsend", args: badFD}, {name: "mq_timedreceive", args: badFD}, {name: "mq_notify", args: badFD},
	{name: "clone", args: [6]uint64{unix.CLONE_PARENT | unix.CLONE_FS | unix.CLONE_NEWNS}}, {name: "clone3", args: [6]uint64{0, 1}},
	{name: "unshare", args: [6]uint64{1<<31 | 1<<20}}, {name: "unshare", args: [6]uint64{1 << 31}},
	{name: "fchmodat2", args: [6]uint64{noFD, 0, 0o4000}}, {name: "fchmodat2", args: [6]uint64{noFD, 0, 0o755}},
	{name: "request_key"}, {name: "mount_setattr", args: [6]uint64{noFD, 0, 1<<32 - 1}}, {name: "open_tree_attr", args: [6]uint64{noFD, 0, 1<<32 - 1}},
	{name: "truncate", args: [6]uint64{0, 1<<64 - 1}},
	{name: "open", args: [6]uint64{0, unix.O_TRUNC | unix.O_RDONLY}},
	{name: "open", args: [6]uint64{0, unix.O_TRUNC | unix.O_WRONLY}},
	{name: "openat", args: [6]uint64{noFD, 0, unix.O_TRUNC | unix.O_RDONLY}},
	{name: "openat", args: [6]uint64{noFD, 0, unix.O_TRUNC | unix.O_ACCMODE}},
	{name: "openat", args: [6]uint64{noFD, 0, unix.O_TRUNC | unix.O_RDWR}},
	{name: "openat", args: [6]uint64{noFD, 0, unix.O_RDONLY}},
	{name: "open_by_handle_at", args: [6]uint64{noFD, 0, unix.O_TRUNC}, capability: unix.CAP_DAC_READ_SEARCH},
	{name: "openat2", args: badFD},
	{name: "read", args: badFD, nr: unix.SYS_READ},
	{name: "no such call", nr: 1023},
	{name: "x32 getpid", nr: 0x40000000 | 39},
	{name: "0x7fffffff", nr: 0x7fffffff},
	{name: "0x80000000", nr: 0x80000000},
	{name: "-2", nr: 1<<32 - 2},
	{name: "-1", nr: 1<<32 - 1},
}

const noFD = 1<<32 - 1

var badFD = [6]uint64{noFD}

// number is the call's on this machine, and whether it has one.
func (c *kernelCall) number() (nr uint32, is bool) {
	if nr, is := numbers()[c.name]; is {
		return nr, true
	}
	return c.nr, c.nr != 0
}

func runFiltered(t testing.TB, code []bpf.RawInstruction, calls []int) run {
	t.Helper()
	argv := []string{"filtered", hex.EncodeToString(filterBytes(code))}
	for _, i := range calls {
		argv = append(argv, strconv.Itoa(i))
	}
	return start(t, probePath, argv, nil)
}

// errnos makes calls under a filter, nil for none, and returns the errno of each.
func errnos(t testing.TB, code []bpf.RawInstruction, calls []int) map[int]syscall.Errno {
	t.Helper()
	r := runFiltered(t, code, calls)
	lines := strings.Fields(r.stdout)
	if r.code != 0 || r.stderr != "" || len(lines) != len(calls) {
		t.Fatalf("exit %d after %d of %d calls, stdout %q, stderr %q", r.code, len(lines), len(calls), r.stdout, r.stderr)
	}
	got := map[int]syscall.Errno{}
	for at, i := range calls {
		errno, err := strconv.ParseUint(lines[at], 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		got[i] = syscall.Errno(errno)
	}
	return got
}

// TestFilterInKernel compares what the interpreter says with what the kernel does, for every filter of this machine.
func TestFilterInKernel(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	var calls []int
	for i := range kernelCalls {
		if _, is := kernelCalls[i].number(); is {
			calls = append(calls, i)
		}
	}
	control := errnos(t, nil, calls)

	var data [2]unix.CapUserData
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &data[0]); err != nil {
		t.Fatal(err)
	}
	capabilities := uint64(data[1].Effective)<<32 | uint64(data[0].Effective)
	mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	outerFilter := mode != 0

	for n, i := range installations() {
		t.Run(i.situation.String(), func(t *testing.T) {
			code := buildFilter(new([maxInstructions]bpf.RawInstruction), i.config)
			filter := filterBytes(code)
			ran := make([]bool, len(code))

			var survived []int
			want := map[int]syscall.Errno{}
			denied, proven, killed := 0, 0, 0
			for _, at := range calls {
				c := &kernelCalls[at]
				nr, _ := c.number()
				action, _ := interpret(filter, &seccompData{nr: nr, arch: ownArch, args: c.args}, ran)
				switch action {
				case retKill:
					killed++
					if emulated() && n%6 != 0 {
						continue // a child each; outside all are killed
					}
					if r := runFiltered(t, code, []int{at}); r.code != -int(unix.SIGSYS) || r.stdout != "" {
						t.Errorf("%s: exit %d, stdout %q, want death by SIGSYS", c.name, r.code, r.stdout)
					}
					continue
				case retAllow:
					want[at] = control[at]
				default:
					denied++
					want[at] = syscall.Errno(action & unix.SECCOMP_RET_DATA)
					if control[at] != want[at] {
						proven++
					} else if !outerFilter && (c.capability == 0 || capabilities>>c.capability&1 != 0) {
						t.Errorf("%s%#x: the kernel answers %s without the filter, too", c.name, c.args, unix.ErrnoName(want[at]))
					}
				}
				survived = append(survived, at)
			}
			for at, got := range errnos(t, code, survived) {
				if got != want[at] {
					t.Errorf("%s%#x: %s, want %s", kernelCalls[at].name, kernelCalls[at].args,
						unix.ErrnoName(got), unix.ErrnoName(want[at]))
				}
			}
			if proven == 0 {
				t.Error("nothing is denied that would not be without the filter")
			}
			t.Logf("%d calls allowed, %d of %d denied otherwise than without the filter, %d killed",
				len(survived)-denied, proven, denied, killed)
		})
	}
}
