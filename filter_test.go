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
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

func init() { roles["filtered"] = filtered }

const (
	retAllow = unix.SECCOMP_RET_ALLOW
	retKill  = unix.SECCOMP_RET_KILL_PROCESS
	retEPERM = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	retHide  = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
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

// interpret runs a verified filter in the machine's own byte order. It marks the instructions that ran.
func interpret(filter []byte, d *seccompData, ran []bool) (action uint32, steps int) {
	data := (*[unsafe.Sizeof(*d)]byte)(unsafe.Pointer(d))
	var a uint32
	for pc := 0; ; pc++ {
		ran[pc] = true
		steps++
		op, jt, jf, k := decode(filter, pc)
		taken := false
		switch op {
		case opReturn:
			return k, steps
		case opLoad:
			a = binary.NativeEndian.Uint32(data[k:])
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

// numbers are the reference's own, in the order of arch: asm/unistd_64.h and asm-generic/unistd.h. -1: there is none.
var numbers = map[string][arches]int{
	"socket": {41, 198}, "socketpair": {53, 199}, "connect": {42, 203}, "bind": {49, 200}, "listen": {50, 201},
	"accept": {43, 202}, "accept4": {288, 242}, "sendto": {44, 206}, "recvfrom": {45, 207}, "sendmsg": {46, 211},
	"recvmsg": {47, 212}, "sendmmsg": {307, 269}, "recvmmsg": {299, 243}, "getsockopt": {55, 209},
	"setsockopt": {54, 208}, "getsockname": {51, 204}, "getpeername": {52, 205}, "shutdown": {48, 210},
	"ptrace": {101, 117}, "process_vm_readv": {310, 270}, "process_vm_writev": {311, 271}, "pidfd_getfd": {438, 438},
	"io_uring_setup": {425, 425}, "io_uring_enter": {426, 426}, "io_uring_register": {427, 427},
	"ioctl": {16, 29}, "keyctl": {250, 219}, "init_module": {175, 105}, "finit_module": {313, 273},
	"delete_module": {176, 106}, "kexec_load": {246, 104}, "kexec_file_load": {320, 294}, "bpf": {321, 280},
	"perf_event_open": {298, 241}, "iopl": {172, -1}, "ioperm": {173, -1}, "reboot": {169, 142}, "swapon": {167, 224},
	"swapoff": {168, 225}, "acct": {163, 89}, "sethostname": {170, 161}, "setdomainname": {171, 162},
	"settimeofday": {164, 170}, "clock_settime": {227, 112}, "clock_adjtime": {305, 266}, "adjtimex": {159, 171},
	"request_key": {249, 218}, "mount_setattr": {442, 442}, "open_tree_attr": {467, 467}, "mount": {165, 40}, "open_tree": {428, 428},
	"move_mount": {429, 429}, "fsopen": {430, 430}, "fsconfig": {431, 431}, "fsmount": {432, 432}, "fspick": {433, 433},
	"truncate": {76, 45}, "open": {2, -1}, "openat": {257, 56}, "open_by_handle_at": {304, 265}, "openat2": {437, 437},
}

// names is numbers the other way round.
var names = sync.OnceValue(func() (n [arches]map[uint32]string) {
	for a := range n {
		n[a] = map[uint32]string{}
		for name, nr := range numbers {
			if nr[a] >= 0 {
				n[a][uint32(nr[a])] = name
			}
		}
	}
	return n
})

// situation is what the reference knows of a policy and a kernel.
type situation struct {
	network  network
	confined bool // Landlock, not the filter, keeps AF_UNIX clients inside: its ABI 9 handles resolve_unix for us
	writes   bool // writes are restricted
	truncate bool // ... and before Landlock's ABI 3 truncation is not a write
}

func situationOf(p *policy, abi int) situation {
	return situation{
		network:  p.network,
		confined: p.network == networkLocal && p.restrictWrites && abi >= 9,
		writes:   p.restrictWrites,
		truncate: p.restrictWrites && abi < 3,
	}
}

func (s situation) String() string {
	name := map[network]string{networkOn: "on", networkStrict: "strict", networkLocal: "local"}[s.network]
	if s.confined {
		name += "+confined"
	}
	if s.writes {
		name += "+writes"
	}
	if s.truncate {
		name += "+truncate"
	}
	return name
}

// want is what a filter must answer, and whether that depends on an argument.
func (s situation) want(a arch, d *seccompData) (action uint32, byArgument bool) {
	switch {
	case d.arch != ownArch[a]:
		return retKill, false
	case a == amd64 && d.nr&0x40000000 != 0 && int32(d.nr) != -1:
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

	switch names()[a][d.nr] {
	case "socket", "socketpair":
		domain, kind := low(0), low(1)&0xf
		switch {
		case !offline:
			return retAllow, false
		case unconfined:
			return denyIf(domain != unix.AF_UNIX || kind != unix.SOCK_STREAM && kind != unix.SOCK_SEQPACKET), true
		}
		return denyIf(domain != unix.AF_UNIX), true
	case "connect", "bind", "listen", "accept", "accept4":
		return denyIf(s.network == networkStrict || unconfined), false
	case "sendto":
		if s.network == networkStrict || unconfined {
			return denyIf(d.args[4] != 0), true
		}
	case "sendmsg", "recvmsg", "sendmmsg", "recvmmsg",
		"getsockopt", "getsockname", "getpeername", "shutdown", "setsockopt":
		return denyIf(s.network == networkStrict), false
	case "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "request_key":
		return denyIf(offline), false
	case "mount":
		return denyIf(offline), false
	case "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick":
		return retEPERM, false // every filter is for one or the other
	case "mount_setattr", "open_tree_attr", "open_by_handle_at":
		return denyIf(s.writes), false
	case "io_uring_setup", "io_uring_enter", "io_uring_register":
		return denyIf(offline || s.truncate), false // it makes sockets, and it opens files
	case "ioctl":
		trees := low(1)>>8 == 0x500094 || low(1) == 0xc038586b || low(1) == 0x40186f04
		return denyIf(low(1) == unix.TIOCSTI || low(1) == unix.TIOCLINUX || s.writes && trees), true
	case "keyctl":
		return denyIf(low(0) == unix.KEYCTL_SESSION_TO_PARENT), true
	case "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "bpf", "perf_event_open",
		"iopl", "ioperm", "reboot", "swapon", "swapoff", "acct", "sethostname", "setdomainname", "settimeofday",
		"clock_settime", "clock_adjtime", "adjtimex":
		return retEPERM, false
	case "truncate":
		return denyIf(s.truncate), false
	case "openat2":
		if s.truncate {
			return retHide, false
		}
	case "open", "openat":
		if !s.truncate {
			return retAllow, false
		}
		flags := low(2)
		if names()[a][d.nr] == "open" {
			flags = low(1)
		}
		mode := flags & 3
		return denyIf(flags&unix.O_TRUNC != 0 && mode != unix.O_WRONLY && mode != unix.O_RDWR), true
	}
	return retAllow, false
}

var ownArch = [arches]uint32{unix.AUDIT_ARCH_X86_64, unix.AUDIT_ARCH_AARCH64}

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

// inputs are the calls that a filter of the architecture is asked about. The one yielded is overwritten by the next.
func inputs(a arch) iter.Seq[*seccompData] {
	return func(yield func(*seccompData) bool) {
		d := seccompData{arch: ownArch[a], ip: 1<<64 - 1}
		more := true
		ask := func() { more = more && yield(&d) }

		var all []uint32
		for nr := range uint32(1024) {
			all = append(all, nr, 0x40000000|nr)
		}
		all = append(all, 1024, 0x3fffffff, 0x7fffffff, 0x80000000, 0x80000001, 0xbfffffff, 0xc0000000, 0xfffffffe, 0xffffffff)

		// Each number, with each value that some check compares with in each argument.
		values := []uint64{0, 1, 5, 18, 0x200, 0x203, 0x5412, 0x541c, 1 << 32, 1<<64 - 1}
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
			foreign = append(foreign, ownArch[a]^1<<bit)
		}
		for _, d.arch = range foreign {
			for _, d.nr = range all {
				ask()
			}
		}
		d.arch = ownArch[a]

		// try sets the low halves of the arguments from first on; the rest of all of them is clear, then set.
		try := func(name string, first int, values ...uint32) {
			if numbers[name][a] < 0 {
				return
			}
			d.nr = uint32(numbers[name][a])
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
		}
		for op := range uint32(41) {
			try("keyctl", 0, op)
		}
		for request := range uint32(0x100) {
			for _, kind := range []uint32{0x5400, 0x500094 << 8, 0xc0385800, 0x40186f00} {
				try("ioctl", 1, kind|request)
			}
		}
		for bit := range 32 {
			try("keyctl", 0, unix.KEYCTL_SESSION_TO_PARENT^1<<bit)
			try("ioctl", 1, unix.TIOCSTI^1<<bit)
			try("ioctl", 1, unix.TIOCLINUX^1<<bit)
			try("ioctl", 1, 0x5000940e^1<<bit)
			try("ioctl", 1, 0xc038586b^1<<bit)
			try("ioctl", 1, 0x40186f04^1<<bit)
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
		d.nr = uint32(numbers["sendto"][a])
		for _, rest := range []uint64{0, 1<<64 - 1} {
			for i := range d.args {
				d.args[i] = rest
			}
			for _, d.args[4] = range addresses {
				ask()
			}
		}
	}
}

// installation is one filter, and what it is for.
type installation struct {
	arch      arch
	config    config
	situation situation
}

// installations are the different ones among all policies and kernels. A kernel newer than we know is the newest known.
func installations() (all []installation) {
	seen := map[installation]bool{}
	for a := range arches {
		for _, network := range []network{networkOn, networkStrict, networkLocal} {
			for _, restrictWrites := range []bool{false, true} {
				for abi := range 13 {
					p := policy{network: network, restrictWrites: restrictWrites}
					if !p.restricts() {
						continue // and no filter is installed
					}
					i := installation{a, filterConfig(&p, abi), situationOf(&p, abi)}
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

func (i installation) String() string {
	return [arches]string{"amd64", "arm64"}[i.arch] + "/" + i.situation.String()
}

func TestFilter(t *testing.T) {
	all := installations()

	// A situation with two configurations, or the other way round, would make more.
	if want := 9 * int(arches); len(all) != want {
		t.Errorf("%d combinations of configuration and situation, want %d: %v", len(all), want, all)
	}
	for _, i := range all {
		t.Run(i.String(), func(t *testing.T) {
			var program program
			code := program.build(i.config, i.arch)
			filter := filterBytes(code)
			if err := verify(filter); err != nil {
				t.Fatal(err)
			}
			typed, known := bpf.Disassemble(code)
			if !known {
				t.Error("there are instructions that x/net/bpf does not know")
			}
			if len(code) > 128 {
				t.Errorf("%d instructions, more than 128", len(code))
			}

			ran := make([]bool, len(code))
			asked, most, mostPlain := 0, 0, 0
			wrong := map[uint32]bool{}
			for d := range inputs(i.arch) {
				asked++
				got, steps := interpret(filter, d, ran)
				want, byArgument := i.situation.want(i.arch, d)
				if got != want && !wrong[d.nr] {
					wrong[d.nr] = true
					t.Errorf("%v (%s): the filter returns %#x, the reference %#x", d, names()[i.arch][d.nr], got, want)
				}
				most = max(most, steps)
				if want == retAllow && !byArgument {
					mostPlain = max(mostPlain, steps)
				}
			}
			if mostPlain > 12 {
				t.Errorf("%d instructions run for an allowed call without an argument check, more than 12", mostPlain)
			}
			for pc := range ran {
				if !ran[pc] {
					t.Errorf("instruction %d never ran: %v", pc, typed[pc])
				}
			}
			t.Logf("%d instructions; at most %d run, %d for an allowed call without an argument check; %d calls asked",
				len(code), most, mostPlain, asked)
		})
	}
}

// TestFilterNumbers compares the numbers in the rules, and the reference's, with those of x/sys for both architectures.
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

	for a, file := range [arches]string{"zsysnum_linux_amd64.go", "zsysnum_linux_arm64.go"} {
		known := map[string]int{}
		for _, m := range constants(file, `\bSYS_(\w+) += (\d+)\n`) {
			known[strings.ToLower(string(m[1]))], _ = strconv.Atoi(string(m[2]))
		}
		compare := func(table, name string, nr int) {
			want, is := known[name]
			if !is {
				want = -1
			}
			if nr != want {
				t.Errorf("%s: %s is %d in %s, want %d", file, name, nr, table, want)
			}
		}
		for _, r := range rules {
			if r.nr[a] == none {
				compare("rules", r.name, -1)
			} else {
				compare("rules", r.name, int(r.nr[a]))
			}
		}
		for name, nr := range numbers {
			compare("the reference", name, nr[a])
		}
	}

	known := constants("zerrors_linux.go", `\bAUDIT_ARCH_(\w+) += (0x[0-9a-f]+)\n`)
	if len(known) != len(auditArches) {
		t.Fatalf("x/sys has %d architectures, the reference %d", len(known), len(auditArches))
	}
	for i, m := range known {
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
		var program program
		code := program.build(restricted, native)
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

// keyctl's KEYCTL_SESSION_TO_PARENT is not among them: it takes no argument that could keep it from taking effect.
// Nor is io_uring_setup, which the administrator can forbid everyone (/proc/sys/kernel/io_uring_disabled).
var kernelCalls = []kernelCall{
	{name: "socket", args: [6]uint64{unix.AF_UNIX, unix.SOCK_STREAM, 99}},
	{name: "socket", args: [6]uint64{1<<32 | unix.AF_UNIX, 1<<32 | unix.SOCK_SEQPACKET | unix.SOCK_CLOEXEC, 99}},
	{name: "socket", args: [6]uint64{unix.AF_UNIX, unix.SOCK_DGRAM, 99}},
	{name: "socket", args: [6]uint64{unix.AF_UNIX, 15}},
	{name: "socket", args: [6]uint64{unix.AF_INET, 15}},
	{name: "socket", args: [6]uint64{unix.AF_NETLINK, 15}},
	{name: "socket", args: [6]uint64{63, unix.SOCK_STREAM}},
	{name: "socketpair", args: [6]uint64{unix.AF_UNIX, unix.SOCK_STREAM}},
	{name: "socketpair", args: [6]uint64{unix.AF_UNIX, unix.SOCK_RAW}},
	{name: "socketpair", args: [6]uint64{unix.AF_INET, unix.SOCK_STREAM}},
	{name: "connect", args: badFD}, {name: "bind", args: badFD}, {name: "listen", args: badFD},
	{name: "accept", args: badFD}, {name: "accept4", args: badFD},
	{name: "sendto", args: badFD},
	{name: "sendto", args: [6]uint64{noFD, 0, 0, 0, 1}},
	{name: "sendto", args: [6]uint64{noFD, 0, 0, 0, 1 << 32}},
	{name: "recvfrom", args: badFD},
	{name: "sendmsg", args: badFD}, {name: "recvmsg", args: badFD},
	{name: "sendmmsg", args: badFD}, {name: "recvmmsg", args: badFD},
	{name: "getsockopt", args: badFD}, {name: "setsockopt", args: badFD},
	{name: "getsockname", args: badFD}, {name: "getpeername", args: badFD}, {name: "shutdown", args: badFD},
	{name: "ptrace", args: [6]uint64{unix.PTRACE_PEEKTEXT, 1<<32 - 1}},
	{name: "process_vm_readv", args: [6]uint64{5: 1}},
	{name: "process_vm_writev", args: [6]uint64{5: 1}},
	{name: "pidfd_getfd", args: [6]uint64{noFD, noFD, 1}},
	{name: "io_uring_enter", args: badFD},
	{name: "io_uring_register", args: badFD},
	{name: "ioctl", args: [6]uint64{noFD, unix.TIOCSTI}},
	{name: "ioctl", args: [6]uint64{noFD, 1<<32 | unix.TIOCLINUX}},
	{name: "ioctl", args: [6]uint64{noFD, unix.TIOCGWINSZ}},
	{name: "ioctl", args: [6]uint64{noFD, 0x50009417}}, // BTRFS_IOC_SNAP_CREATE_V2
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
	{name: "keyctl", args: [6]uint64{1<<32 - 1}},
	{name: "init_module", capability: unix.CAP_SYS_MODULE},
	{name: "finit_module", args: [6]uint64{noFD, 0, 1<<32 - 1}, capability: unix.CAP_SYS_MODULE},
	{name: "delete_module", capability: unix.CAP_SYS_MODULE},
	{name: "kexec_load", args: [6]uint64{0, 1<<32 - 1, 0, 1<<64 - 1}, capability: unix.CAP_SYS_BOOT},
	{name: "kexec_file_load", args: [6]uint64{noFD, noFD, 0, 0, 1<<64 - 1}, capability: unix.CAP_SYS_BOOT},
	{name: "bpf", args: [6]uint64{1<<32 - 1, 0, 1<<32 - 1}, capability: unix.CAP_SYS_ADMIN},
	{name: "perf_event_open", args: [6]uint64{4: 1<<64 - 1}},
	{name: "iopl", args: [6]uint64{1<<32 - 1}},
	{name: "ioperm", args: [6]uint64{1<<64 - 1, 1}},
	{name: "reboot", capability: unix.CAP_SYS_BOOT},
	{name: "swapon", args: [6]uint64{0, 1<<32 - 1}},
	{name: "swapoff", capability: unix.CAP_SYS_ADMIN},
	{name: "acct", args: [6]uint64{1}, capability: unix.CAP_SYS_PACCT},
	{name: "sethostname", args: [6]uint64{0, 1<<32 - 1}, capability: unix.CAP_SYS_ADMIN},
	{name: "setdomainname", args: [6]uint64{0, 1<<32 - 1}, capability: unix.CAP_SYS_ADMIN},
	{name: "settimeofday", args: [6]uint64{1}},
	{name: "clock_settime", args: [6]uint64{99}}, {name: "clock_adjtime", args: [6]uint64{99}}, {name: "adjtimex"},
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
	if own, is := numbers[c.name]; is {
		return uint32(own[native]), own[native] >= 0
	}
	return c.nr, true
}

// filtered is the child: it installs a filter, given in hexadecimal, empty for none, makes those of kernelCalls whose
// indices follow, and prints the errno of each; or it prints why the filter could not be installed.
func filtered(args []string) int {
	runtime.LockOSThread()
	filter, err := hex.DecodeString(args[0])
	if err != nil {
		fmt.Println(err)
		return 1
	}
	errno := setNoNewPrivs()
	if errno == 0 && len(filter) > 0 {
		code := make([]bpf.RawInstruction, len(filter)/unix.SizeofSockFilter)
		copy(filterBytes(code), filter)
		errno = installFilter(code, 0)
	}
	if errno != 0 {
		fmt.Println(unix.ErrnoName(errno))
		return 1
	}
	for _, arg := range args[1:] {
		i, err := strconv.Atoi(arg)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		c := &kernelCalls[i]
		nr, _ := c.number()
		_, _, errno := syscall.RawSyscall6(uintptr(nr), uintptr(c.args[0]), uintptr(c.args[1]),
			uintptr(c.args[2]), uintptr(c.args[3]), uintptr(c.args[4]), uintptr(c.args[5]))
		fmt.Println(uint(errno))
	}
	return 0
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

	for _, i := range installations() {
		if i.arch != native {
			continue
		}
		t.Run(i.situation.String(), func(t *testing.T) {
			var program program
			code := program.build(i.config, native)
			filter := filterBytes(code)
			ran := make([]bool, len(code))

			var survived []int
			want := map[int]syscall.Errno{}
			denied, proven, killed := 0, 0, 0
			for _, at := range calls {
				c := &kernelCalls[at]
				nr, _ := c.number()
				action, _ := interpret(filter, &seccompData{nr: nr, arch: ownArch[native], args: c.args}, ran)
				switch action {
				case retKill:
					killed++
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
