package main

// The seccomp-BPF filter: a pure step from the rules to instructions, and its installation. This file runs in the restricted
// context described at the head of launch_linux.go.

import (
	"syscall"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data (linux/seccomp.h). Both architectures are little-endian.
const (
	dataNr   = 0
	dataArch = 4
	dataArgs = 16
)

func argLow(n uint32) uint32  { return dataArgs + 8*n }
func argHigh(n uint32) uint32 { return argLow(n) + 4 }

// tracerSkip is the number -1, with which a tracer has a call skipped (ptrace(2), seccomp(2)).
const tracerSkip = 1<<32 - 1

// program is built from its end to its start: what an instruction leads to exists before it, so no jump goes backwards
// or nowhere, and because the first to be emitted are returns, no path falls off the end.
type program struct {
	code   *[maxInstructions]bpf.RawInstruction
	start  int
	labels [verdictCount]label // of the returns; 0: not emitted yet
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

// ret returns where the filter returns that verdict.
func (g *program) ret(v verdict) label {
	if g.labels[v] == 0 {
		g.labels[v] = g.emit(unix.BPF_RET|unix.BPF_K, returns[v], 0, 0)
	}
	return g.labels[v]
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

// check emits the check of an argument: it goes on to yes where the check holds, and to no where it does not.
func (g *program) check(k *check, yes, no label) label {
	switch k.is {
	case unchecked:
		return yes
	case notNull:
		g.jumpIfEqual(0, no, yes)
		g.jumpIfEqual(0, g.load(argHigh(k.arg)), yes)
		return g.load(argLow(k.arg))
	case noneOf:
		yes, no = no, yes
	}
	next := no
	for i := len(k.values) - 1; i >= 0; i-- {
		next = g.jumpIfEqual(k.values[i].value, yes, next)
	}
	if k.mask != 0 {
		g.and(k.mask)
	}
	return g.load(argLow(k.arg))
}

// segment is how many numbers share a part of the filter. Since 5.11 the kernel runs a filter once for each number when it is
// installed, to remember those that are always allowed. It would add a fifth to a launch if each number had to pass the comparisons of all.
const (
	segment      = 64
	endOfNumbers = 512 // above the highest in the tables
)

// match emits a table of rules, of those for the numbers of a segment: for each call a comparison of its number, then its rules.
// A number without one goes on to next.
func (g *program) match(c config, rules []rule, first uint32, next label) label {
	call, body := uint32(0), label(0) // the call whose rules are being emitted, and where they begin; 0: there is none yet
	for i := len(rules) - 1; i >= 0; i-- {
		r := &rules[i]
		if r.when&c == 0 || r.nr-first >= segment {
			continue
		}
		otherwise := g.ret(allow)
		switch {
		case body != 0 && r.nr == call:
			otherwise = body
		case body != 0:
			next = g.jumpIfEqual(call, body, next)
		}
		call, body = r.nr, g.check(&r.checks[0], g.check(&r.checks[1], g.ret(r.verdict), otherwise), otherwise)
	}
	if body != 0 {
		next = g.jumpIfEqual(call, body, next)
	}
	return next
}

// segment emits what all tables say of the numbers from first on.
func (g *program) segment(c config, first uint32) label {
	return g.match(c, archRules, first, g.match(c, rules[:], first, g.ret(allow)))
}

// buildFilter assembles the filter in memory of the caller's, and returns the part of it that was needed.
func buildFilter(memory *[maxInstructions]bpf.RawInstruction, c config) []bpf.RawInstruction {
	g := program{code: memory, start: len(memory)}
	foreign := g.ret(kill)
	next := g.segment(c, 0)
	for first := uint32(segment); first < endOfNumbers; first += segment {
		next = g.jumpIfAtLeast(first, g.segment(c, first), next)
	}
	if x32 != 0 {
		g.jumpIfAtLeast(x32, g.jumpIfEqual(tracerSkip, g.ret(allow), foreign), next)
	}
	nr := g.load(dataNr)
	g.jumpIfEqual(auditArch, nr, foreign)
	g.load(dataArch)
	return g.code[g.start:]
}

var (
	_ = [1]struct{}{}[max(maxInstructions, 256)-256]
	_ = [1]struct{}{}[unsafe.Sizeof(bpf.RawInstruction{})-unix.SizeofSockFilter]
	_ = [1]struct{}{}[unsafe.Offsetof(bpf.RawInstruction{}.Jt)-unsafe.Offsetof(unix.SockFilter{}.Jt)]
	_ = [1]struct{}{}[unsafe.Offsetof(bpf.RawInstruction{}.Jf)-unsafe.Offsetof(unix.SockFilter{}.Jf)]
	_ = [1]struct{}{}[unsafe.Offsetof(bpf.RawInstruction{}.K)-unsafe.Offsetof(unix.SockFilter{}.K)]
)

// installFilter installs the filter, which must not be on the stack, on the calling thread. ENOSYS or EINVAL: the kernel is built
// without it.
func installFilter(code []bpf.RawInstruction, flags uintptr) syscall.Errno {
	shared().sockFprog = sockFprog{uint16(len(code)), uintptr(unsafe.Pointer(&code[0]))}
	return exactlyZero(systemCall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&shared().sockFprog)), 0, 0))
}

// filterFlags are those of seccomp(2) that the policy asks for.
func filterFlags(p *policy) uintptr {
	if p.log {
		return unix.SECCOMP_FILTER_FLAG_LOG
	}
	return 0
}
