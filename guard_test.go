package main

// The guard of the restricted context that launch_linux.go describes: it reads the machine code of the release binary, as
// go tool objdump prints it, and follows every call from the ELF entry point on. It finds
//
//   - calls out of package main, but to the few functions that need nothing of the runtime's
//   - calls through a register or memory, which it could not follow, but for those of systemCall
//   - variables that Go's initialisation refers to, and variables of other packages
//   - more stack than the entry gives, and recursion whose depth is not known
//   - instructions that it cannot read in this respect
//
// TestGuardBites puts each into the path.

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	// followed are the functions that the launch path may consist of, and the variables that it may refer to.
	followed = lazy(`^(main|unicode/utf8)\.`)

	// leaves are assembly that needs no more than its arguments and the stack.
	leaves = lazy(`^(runtime\.(memmove|memequal|memclrNoHeapPointers)(\.abi0)?|systemCallCode)$`)

	// failing is where a failed check of a bound, of unsafe.String or unsafe.Slice, or of the stack ends.
	failing = lazy(`^runtime\.(panicBounds|panicunsafe(string|slice)(len|nilptr)|morestack_noctxt)(\.abi0)?$`)

	// initialiser are the functions that set package variables before main.main runs.
	initialiser = lazy(`^(main|unicode/utf8)\.(map\.)?init(\.\d+)?$`)
)

// recursive bounds how many frames of a function can be on the stack at once.
var recursive = map[string]int{
	"main.(*jsonReader).value": maxDepth + 1,
}

var guardedArchs = []string{"amd64", "arm64"}

func TestGuard(t *testing.T) {
	t.Parallel()
	needGo(t)
	for _, goarch := range guardedArchs {
		t.Run(goarch, func(t *testing.T) {
			if goarch != runtime.GOARCH {
				needLong(t)
			}
			b := buildGuarded(t, ".", goarch)
			if goarch == runtime.GOARCH && !bytes.Equal(textSection(t, b.path), textSection(t, release.path)) {
				t.Errorf("the code of %s differs from what is built here with symbols", release.path)
			}
			for _, finding := range b.guard() {
				t.Error(finding)
			}
			d := b.deepest(b.entry)
			t.Logf("%d of %d bytes of stack: %s", d.bytes, b.stack, strings.Join(d.path, " -> "))
		})
	}
}

// breach is something that the launch must not do. "violate", "violated" and "setViolated" stand for names of its own.
type breach struct {
	name string
	call string // made in a function that launch calls first
	code string // of what it calls
	want string // in each finding about it; empty: there is none
}

const violating = "main.prelaunch -> main.launch -> main.violations -> main.violate"

var breaches = []breach{
	{"jump table", "violate(len(argv))", `func violate(n int) {
		switch n {
		case 0: shared().path[0] = 9
		case 1: shared().path[1] = 8
		case 2: shared().path[2] = 7
		case 3: shared().path[3] = 6
		case 4: shared().path[4] = 5
		case 5: shared().path[5] = 4
		case 6: shared().path[6] = 3
		case 7: shared().path[7] = 2
		}
	}`, ""},
	{"allocation", "violate(len(argv))", `func violate(n int) []byte { return make([]byte, n) }`,
		violating + " -> runtime.makeslice ("},
	{"string concatenation", "violate(word(argv, 0))", `func violate(s string) string { return s + "/" }`,
		violating + " -> runtime.concatstring2 ("},
	{"map lookup", "violate(word(argv, 0))", `var violated map[string]int
		func violate(s string) int { return violated[s] }`,
		violating + " -> runtime.mapaccess1_faststr ("},
	{"defer", "violate()", `func violate() { defer setNoNewPrivs() }`,
		violating + " -> runtime.deferreturn ("},
	{"syscall.Syscall", "violate()", `func violate() { syscall.Syscall(unix.SYS_GETPID, 0, 0, 0) }`,
		violating + " -> syscall.Syscall ("},
	{"write barrier", "violate(argv[0])", `var violated *byte
		func violate(p *byte) { violated = p }`,
		violating},
	{"allocation in unicode/utf8", "violate()", `func violate() []byte { return utf8.AppendRune(nil, 'ä') }`,
		violating + " -> unicode/utf8.appendRuneNonASCII -> runtime.growslice ("},
	{"indirect call", "violate(setNoNewPrivs)", `func violate(f func() syscall.Errno) { f() }`,
		violating + ": CALL "},
	{"a system call or another call", "violate(len(argv))", `func violated(nr, a1, a2, a3, a4, a5 uintptr) uintptr { return nr }
		func violate(n int) {
			f := systemCall
			if n == 0 {
				f = violated
			}
			f(0, 0, 0, 0, 0, 0)
		}`,
		violating + ": CALL "},
	{"systemCall as an argument", "violate()", `var violated = func(f func(nr, a1, a2, a3, a4, a5 uintptr) uintptr) {}
		func violate() {
			f := violated
			g := systemCall
			f(g)
		}`,
		violating + ": CALL "},
	{"call through another variable of the kind", "violate()", `var violated = func(nr, a1, a2, a3, a4, a5 uintptr) uintptr { return nr }
		func violate() { violated(0, 0, 0, 0, 0, 0) }`,
		violating + ": CALL "},
	{"method of an interface", "violate(unix.ENOENT)", `func violate(err error) string { return err.Error() }`,
		violating + ": CALL "},
	{"variable initialised at run time", "violate()", `var violated = syscall.Getpagesize()
		func violate() int { return violated }`,
		violating + ": main.violated is initialised by main.init"},
	{"variable set by init", "violate()", `var violated int
		func init() { setViolated() }
		//go:noinline
		func setViolated() { violated = syscall.Getpagesize() }
		func violate() int { return violated }`,
		violating + ": main.violated is initialised by main.init."},
	{"variable of another package", "violate()", `func violate() int { return syscall.Stdin }`,
		violating + ": syscall.Stdin belongs to another package"},
	{"large frame", "violate(len(argv))", `func violate(n int) byte {
		var b [66000]byte
		b[n] = 1
		return b[len(word(nil, n))]
	}`, " bytes of stack of "},
	{"recursion", "violate(len(argv))", `func violate(n int) int {
		if n == 0 {
			return 0
		}
		return n * violate(n-1)
	}`, violating + ": recursion"},
}

var standIn = lazy(`\b(setV|v)iolated?\b`)

// named returns a text with the breach's own names in it.
func (b *breach) named(text string) string {
	return standIn().ReplaceAllString(text, "${0}_"+strings.NewReplacer(" ", "_", ".", "_", "/", "_").Replace(b.name))
}

// TestGuardBites builds one program that commits every breach, and expects the guard to find each by its own path.
func TestGuardBites(t *testing.T) {
	t.Parallel()
	needGo(t)
	needLong(t)
	var calls, code strings.Builder
	for _, b := range breaches {
		fmt.Fprintln(&calls, b.named(b.call))
		fmt.Fprintln(&code, b.named(strings.Replace(b.code, "func violate(", "//go:noinline\nfunc violate(", 1)))
	}
	dir := violation(t, "violations(argv)", "//go:noinline\nfunc violations(argv []*byte) {\n"+calls.String()+"}\n"+code.String())
	for _, goarch := range guardedArchs {
		t.Run(goarch, func(t *testing.T) {
			t.Parallel()
			findings := buildGuarded(t, dir, goarch).guard()
			for _, b := range breaches {
				own := regexp.MustCompile(`\bmain\.` + b.named("violate") + `\b`)
				found := false
				findings = slices.DeleteFunc(findings, func(finding string) bool {
					if !own.MatchString(finding) {
						return false
					}
					if found = true; b.want == "" || !strings.Contains(finding, b.named(b.want)) {
						t.Errorf("%s: %s; want %q", b.name, finding, b.named(b.want))
					}
					return true
				})
				if !found && b.want != "" {
					t.Errorf("%s: not found", b.name)
				}
			}
			if len(findings) > 0 {
				t.Errorf("of no breach: %q", findings)
			}
		})
	}
}

// What the compiler makes of the cases above is not all that it may make.
func TestGuardSystemCall(t *testing.T) {
	const load, code, set, call = "MOVQ main.systemCall(SB), DX", "MOVQ 0(DX), R9", "XORL SI, SI", "CALL R9"
	for _, c := range []struct {
		name    string
		code    []string
		targets []uint64 // indices of instructions
		want    bool
	}{
		{"one", []string{"NOP", load, code, set, call}, nil, true},
		{"jumped to", []string{"NOP", load, code, set, call}, []uint64{1}, true},
		{"code load jumped to", []string{"NOP", load, code, set, call}, []uint64{2}, false},
		{"middle jumped to", []string{"NOP", load, code, set, call}, []uint64{3}, false},
		{"call jumped to", []string{"NOP", load, code, set, call}, []uint64{4}, false},
		{"call between", []string{"NOP", load, code, "CALL main.f(SB)", call}, nil, false},
		{"another register", []string{"NOP", load, code, set, "CALL R8"}, nil, false},
		{"register changed", []string{"NOP", load, code, "INCQ R9", call}, nil, false},
		{"another closure", []string{"NOP", load, "MOVQ main.f(SB), DX", code, call}, nil, false},
		{"through memory", []string{"NOP", load, code, set, "CALL 0(R9)"}, nil, false},
		{"no load", []string{"NOP", code, set, call}, nil, false},
	} {
		f := function{targets: c.targets}
		for i, text := range c.code {
			in := instruction{pc: uint64(i), text: text}
			in.op, in.args, _ = strings.Cut(text, " ")
			f.instructions = append(f.instructions, in)
			if text == load {
				f.loads = append(f.loads, in.pc)
			}
		}
		if got := f.callsSystem(len(c.code) - 1); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		if f.tables = true; f.callsSystem(len(c.code) - 1) {
			t.Errorf("%s: taken in a function with tables", c.name)
		}
	}
}

// violation returns a copy of the package with a statement put first in launch, and what it calls in a file of its own.
func violation(t *testing.T, statement, code string) string {
	t.Helper()
	dir := scratch(t)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const head = "\nfunc launch(argv, envp []*byte) failure {\n"
	heads := 0
	for _, pattern := range []string{"*.go", "*.s", "go.*"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			heads += bytes.Count(text, []byte(head))
			write(name, strings.Replace(string(text), head, head+statement+"\n", 1))
		}
	}
	if heads != 1 {
		t.Fatalf("%d times %q", heads, head)
	}
	imports := ""
	for name, path := range map[string]string{"syscall.": "syscall", "unix.": "golang.org/x/sys/unix", "utf8.": "unicode/utf8", "unsafe.": "unsafe"} {
		if strings.Contains(code, name) {
			imports += fmt.Sprintf("import %q\n", path)
		}
	}
	write("violation.go", "package main\n"+imports+strings.Replace(code, "func violate(", "//go:noinline\nfunc violate(", 1))
	return dir
}

func textSection(t *testing.T, path string) []byte {
	t.Helper()
	file, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, err := file.Section(".text").Data()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// guarded is a release binary as the guard reads it.
type guarded struct {
	path      string
	goarch    string
	file      *elf.File
	symbols   []elf.Symbol // by address
	functions map[string]*function
	entry     string
	stack     int // that the entry gives
}

// function is what the guard notes of a function that may be followed.
type function struct {
	name      string
	calls     []call
	variables []string
	frame     int
	unread    []string // instructions

	instructions []instruction
	loads        []uint64 // where systemCall is loaded into the closure register
	targets      []uint64 // of jumps
	tables       bool     // there are jumps through tables
}

// call is a call, or a jump to another function.
type call struct {
	to    string // "": not known
	text  string
	at    string
	index int // of the instruction
}

// buildGuarded builds the release binary from the sources in dir, but with symbols, and reads it.
func buildGuarded(t *testing.T, dir, goarch string) *guarded {
	t.Helper()
	b := &guarded{path: filepath.Join(scratch(t), "snib"), goarch: goarch, functions: map[string]*function{}}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-w -E main.entry", "-o", b.path)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+goarch)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	var err error
	if b.file, err = elf.Open(b.path); err != nil {
		t.Fatal(err)
	}
	defer b.file.Close()
	if b.symbols, err = b.file.Symbols(); err != nil {
		t.Fatal(err)
	}
	b.symbols = slices.DeleteFunc(b.symbols, func(s elf.Symbol) bool { return s.Size == 0 })
	slices.SortFunc(b.symbols, func(x, y elf.Symbol) int { return cmp.Compare(x.Value, y.Value) })
	b.entry = b.at(b.file.Entry)
	b.disassemble(t)

	// The entry makes one call, through a function value (the address of a word that holds the function's), and ends in
	// a jump to where the runtime starts.
	entry := b.functions[b.entry]
	if entry == nil || len(entry.calls) != 2 || entry.calls[0].to != "" || entry.calls[1].to != "_rt0_"+goarch+"_linux" {
		t.Fatalf("the entry is %q: %+v", b.entry, entry)
	}
	for _, s := range b.symbols {
		if s.Name == "main.entryFunc" {
			entry.calls = []call{{to: b.at(b.word(t, b.word(t, s.Value)))}}
		}
	}
	for _, s := range b.symbols {
		if s.Name == "main.systemCall" && b.at(b.word(t, b.word(t, s.Value))) != "systemCallCode" {
			t.Fatal("systemCall is not systemCallCode")
		}
	}
	entry.unread = nil // it saves and restores the stack pointer

	source, err := os.ReadFile(filepath.Join(dir, "entry_"+goarch+".s"))
	if err != nil {
		t.Fatal(err)
	}
	define := regexp.MustCompile(`(?m)^#define stackSize\s+(\d+)$`).FindSubmatch(source)
	if define == nil {
		t.Fatal("the entry does not define stackSize")
	}
	b.stack, _ = strconv.Atoi(string(define[1]))
	return b
}

// at returns the name of what is at an address.
func (b *guarded) at(addr uint64) string {
	i, _ := slices.BinarySearchFunc(b.symbols, addr, func(s elf.Symbol, addr uint64) int {
		if s.Value+s.Size <= addr {
			return -1
		}
		return 1
	})
	if i == len(b.symbols) || addr < b.symbols[i].Value {
		return ""
	}
	return b.symbols[i].Name
}

// word reads 8 bytes of initialised memory.
func (b *guarded) word(t *testing.T, addr uint64) uint64 {
	t.Helper()
	for _, s := range b.file.Sections {
		if s.Type == elf.SHT_PROGBITS && s.Addr <= addr && addr+8 <= s.Addr+s.Size {
			var w [8]byte
			if _, err := s.ReadAt(w[:], int64(addr-s.Addr)); err != nil {
				t.Fatal(err)
			}
			return binary.LittleEndian.Uint64(w[:])
		}
	}
	t.Fatalf("no initialised data at %#x", addr)
	return 0
}

// instruction is one line of objdump.
type instruction struct {
	at       string // file and line
	pc       uint64
	code     string // in hexadecimal
	text     string
	op, args string // of text
	last     string // text of the instruction before it
}

// disassemble reads the functions that may be followed.
func (b *guarded) disassemble(t *testing.T) {
	t.Helper()
	cmd := exec.Command("go", "tool", "objdump", "-s", followed().String(), b.path)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	read := map[string]func(*function, instruction){"amd64": b.readAMD64, "arm64": b.readARM64}[b.goarch]
	var f *function
	last := ""
	for line := range strings.Lines(string(out)) {
		if text, is := strings.CutPrefix(line, "TEXT "); is {
			f = &function{name: text[:strings.Index(text, "(SB) ")]}
			b.functions[f.name] = f
			continue
		}
		fields := strings.FieldsFunc(line, func(c rune) bool { return c == '\t' || c == '\n' })
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 4 {
			t.Fatalf("not an instruction: %q", line)
		}
		pc, err := strconv.ParseUint(fields[1], 0, 64)
		if err != nil {
			t.Fatalf("not an instruction: %q", line)
		}
		in := instruction{at: strings.TrimSpace(fields[0]), pc: pc, code: fields[2], text: fields[3], last: last}
		in.op, in.args, _ = strings.Cut(in.text, " ")
		read(f, in)
		last = in.text
		f.instructions = append(f.instructions, in)
	}
	for _, f := range b.functions {
		for i := range f.calls {
			if c := &f.calls[i]; c.to == "" && f.callsSystem(c.index) {
				c.to = "systemCallCode"
			}
		}
	}
}

// Go calls a function value by loading it into the closure register, then its code's address from there.
var (
	closureLoad = lazy(`^MOV[QD] .*, (DX|R26)$`)
	codeLoad    = lazy(`^MOV[QD] 0?\((?:DX|R26)\), (\w+)$`)
	viaRegister = lazy(`^CALL \(?(\w+)\)?$`)
)

// callsSystem tells whether a call is one of systemCall: it is through a register, which was last mentioned where its
// code's address was loaded, right after systemCall was, and since then nothing is called or jumped to.
func (f *function) callsSystem(i int) bool {
	via := viaRegister().FindStringSubmatch(f.instructions[i].text)
	if via == nil || f.tables {
		return false
	}
	register := regexp.MustCompile(`\b` + via[1] + `\b`)
	for ; i > 1 && !slices.Contains(f.targets, f.instructions[i].pc); i-- {
		in := f.instructions[i-1]
		if in.op == "CALL" {
			return false
		}
		if register.MatchString(in.args) {
			m := codeLoad().FindStringSubmatch(in.text)
			return m != nil && m[1] == via[1] && !slices.Contains(f.targets, in.pc) &&
				slices.Contains(f.loads, f.instructions[i-2].pc)
		}
	}
	return false
}

// The readers note what leaves a function, what it refers to and how its stack grows. The one indirect jump that they take
// for local is a switch's, through a table: its scaled index is the shape that the compiler gives to no other.
var (
	amd64Table  = lazy(`^0\(\w+\)\(\w+\*8\)$`)
	amd64Adjust = lazy(`^(SUBQ|ADDQ) \$(-?)(0x[0-9a-f]+), SP$`)
	amd64Memory = lazy(`([^ ]+?)(?:[+-]\d+)?\(SB\)|(-?0x[0-9a-f]+)\(IP\)`)
)

func (b *guarded) readAMD64(f *function, in instruction) {
	adjust := amd64Adjust().FindStringSubmatch(in.text)
	switch {
	case in.op == "CALL" || in.op[0] == 'J':
		to, known := strings.CutSuffix(in.args, "(SB)")
		if addr, err := strconv.ParseUint(in.args, 0, 64); err == nil {
			to, known = b.at(addr), true
			f.targets = append(f.targets, addr)
		}
		if in.op != "CALL" && amd64Table().MatchString(in.args) {
			f.tables = true
		} else {
			f.leave(in, to, known)
		}
		return
	case in.op == "PUSHQ":
		f.frame += 8
	case adjust != nil:
		if n, _ := strconv.ParseUint(adjust[3], 0, 32); (adjust[1] == "SUBQ") == (adjust[2] == "") {
			f.frame += int(n)
		}
	case in.op == "?", strings.HasSuffix(in.text, ", SP"), strings.Contains(in.text, "FS:"): // there is no g in FS yet
		f.fail(in)
	}
	for _, m := range amd64Memory().FindAllStringSubmatch(in.args, -1) {
		if m[2] != "" {
			offset, _ := strconv.ParseInt(m[2], 0, 64)
			b.refer(f, in, in.pc+uint64(len(in.code)/2)+uint64(offset))
		} else if i := slices.IndexFunc(b.symbols, func(s elf.Symbol) bool { return s.Name == m[1] }); i >= 0 {
			b.refer(f, in, b.symbols[i].Value)
		} else {
			f.fail(in)
		}
	}
}

var (
	arm64Near  = lazy(`^(-?\d+)\(PC\)$`)
	arm64Table = lazy(`^MOVD \(R\d+\)\(R\d+<<3\), R27$`)
	arm64Push  = lazy(`^\w+\.W .*, -(\d+)\(RSP\)$`)
	arm64Grow  = lazy(`^SUB (?:\$\(?(\d+)(<<12)?\)?|R27), (RSP|R20), (RSP|R20)$`)
	arm64Const = lazy(`^(?:MOVD|ORR) \$(\d+), (?:ZR, )?R27$`)
	arm64Page  = lazy(`^ADRP (-?\d+)\(PC\), (R\d+)$`)
	arm64Low   = lazy(`^ADD \$(\d+), (R\d+), R\d+$|[ ,](\d*)\((R\d+)\)`)
)

func (b *guarded) readARM64(f *function, in instruction) {
	operand := in.args[strings.LastIndex(in.args, " ")+1:]
	to, known := strings.CutSuffix(operand, "(SB)")
	if m := arm64Near().FindStringSubmatch(operand); m != nil {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		addr := in.pc + uint64(4*n)
		to, known = b.at(addr), true
		f.targets = append(f.targets, addr)
	}
	push := arm64Push().FindStringSubmatch(in.text)
	grow := arm64Grow().FindStringSubmatch(in.text)
	switch {
	case in.text == "JMP (R27)" && arm64Table().MatchString(in.last):
		f.tables = true
	case known || in.op == "CALL" || in.op == "JMP":
		f.leave(in, to, known)
	case push != nil:
		n, _ := strconv.Atoi(push[1])
		f.frame += n
	// A frame that no immediate holds is made in R20, in two steps or from a constant in R27.
	case grow != nil && (grow[3] == "RSP" || strings.HasSuffix(in.last, ", RSP, R20")):
		size := grow[1]
		if c := arm64Const().FindStringSubmatch(in.last); size == "" && c != nil {
			size = c[1]
		}
		n, err := strconv.Atoi(size)
		if err != nil {
			f.fail(in)
		}
		if grow[2] != "" {
			n <<= 12
		}
		f.frame += n
	case in.text == "MOVD R20, RSP", in.op == "ADD" && strings.HasSuffix(in.args, ", RSP, RSP"):
	case in.op == "CMP":
	case in.op == "?" && in.code != "00000000", in.op == "ADR",
		strings.HasSuffix(in.text, ", RSP"), strings.HasSuffix(in.text, ", RSP, R20"):
		f.fail(in)
	}
	page := arm64Page().FindStringSubmatch(in.last)
	if page == nil {
		return
	}
	low := arm64Low().FindStringSubmatch(in.text)
	if low == nil || low[2]+low[4] != page[2] {
		f.fail(in)
		return
	}
	n, _ := strconv.ParseInt(page[1], 10, 64)
	offset, _ := strconv.ParseUint("0"+low[1]+low[3], 10, 64)
	b.refer(f, in, (in.pc-4)&^0xfff+uint64(n)+offset)
}

// leave notes a call, or a jump that leaves the function.
func (f *function) leave(in instruction, to string, known bool) {
	if !known {
		to = ""
	}
	if in.op == "CALL" || to != f.name {
		f.calls = append(f.calls, call{to, in.text, in.at, len(f.instructions)})
	}
}

// fail notes an instruction that the guard cannot read.
func (f *function) fail(in instruction) {
	f.unread = append(f.unread, in.text+" ("+in.at+")")
}

// refer notes a reference to a variable. What cannot be written needs no initialisation.
func (b *guarded) refer(f *function, in instruction, addr uint64) {
	for _, s := range b.file.Sections {
		if s.Flags&elf.SHF_WRITE == 0 || addr < s.Addr || addr >= s.Addr+s.Size {
			continue
		}
		if name := b.at(addr); name != "" {
			f.variables = append(f.variables, name)
			if name == "main.systemCall" && closureLoad().MatchString(in.text) {
				f.loads = append(f.loads, in.pc)
			}
		} else {
			f.fail(in)
		}
	}
}

// reach returns the functions that the code of roots consists of, those nearest to them first, each after its caller.
func (b *guarded) reach(roots ...string) (order []string, chains map[string]string) {
	chains = map[string]string{}
	for _, root := range roots {
		chains[root] = root
	}
	order = slices.Clone(roots)
	for i := 0; i < len(order); i++ {
		for _, c := range b.functions[order[i]].calls {
			if _, seen := chains[c.to]; !seen && b.functions[c.to] != nil {
				chains[c.to] = chains[order[i]] + " -> " + c.to
				order = append(order, c.to)
			}
		}
	}
	return order, chains
}

// guard returns what is wrong with the launch path.
func (b *guarded) guard() (findings []string) {
	initialised := map[string]string{}
	names := slices.Sorted(maps.Keys(b.functions))
	order, chains := b.reach(slices.DeleteFunc(names, func(name string) bool { return !initialiser().MatchString(name) })...)
	for _, name := range order {
		for _, v := range b.functions[name].variables {
			initialised[v] = chains[name]
		}
	}

	order, chains = b.reach(b.entry)
	for _, name := range order {
		f := b.functions[name]
		for _, c := range f.calls {
			switch {
			case c.to == "":
				findings = append(findings, fmt.Sprintf("%s: %s (%s)", chains[name], c.text, c.at))
			case b.functions[c.to] == nil && !leaves().MatchString(c.to) && !failing().MatchString(c.to):
				findings = append(findings, fmt.Sprintf("%s -> %s (%s)", chains[name], c.to, c.at))
			}
		}
		slices.Sort(f.variables)
		for _, v := range slices.Compact(f.variables) {
			switch {
			case !followed().MatchString(v):
				findings = append(findings, fmt.Sprintf("%s: %s belongs to another package", chains[name], v))
			case initialised[v] != "":
				findings = append(findings, fmt.Sprintf("%s: %s is initialised by %s", chains[name], v, initialised[v]))
			}
		}
		for _, text := range f.unread {
			findings = append(findings, fmt.Sprintf("%s: cannot read %s", chains[name], text))
		}
		if cycle, turns := b.cycle(name); turns && recursive[name] == 0 {
			findings = append(findings, fmt.Sprintf("%s: recursion of unknown depth: %s", chains[name], strings.Join(cycle, ", ")))
		}
	}
	if d := b.deepest(b.entry); d.bytes > b.stack {
		findings = append(findings, fmt.Sprintf("%d bytes of stack of %d: %s", d.bytes, b.stack, strings.Join(d.path, " -> ")))
	}
	return findings
}

// cycle returns the functions that a function calls and is called by, itself included, and whether it is recursive.
func (b *guarded) cycle(name string) (cycle []string, turns bool) {
	order, _ := b.reach(name)
	for _, f := range order {
		if back, _ := b.reach(f); slices.Contains(back, name) {
			cycle = append(cycle, f)
		}
	}
	return cycle, len(cycle) > 1 ||
		slices.ContainsFunc(b.functions[name].calls, func(c call) bool { return c.to == name })
}

// depth is the most stack that a call can use, and the functions that use it.
type depth struct {
	bytes int
	path  []string
}

func (b *guarded) deepest(name string) (d depth) {
	cycle, _ := b.cycle(name)
	var below depth
	for _, f := range cycle {
		// The word is what a call pushes (amd64), or what a callee keeps below its frame (arm64).
		d.bytes += max(1, recursive[f]) * (b.functions[f].frame + 8)
		for _, c := range b.functions[f].calls {
			if b.functions[c.to] == nil || slices.Contains(cycle, c.to) {
				continue
			}
			if next := b.deepest(c.to); next.bytes > below.bytes {
				below = next
			}
		}
	}
	return depth{d.bytes + below.bytes, append(cycle, below.path...)}
}
