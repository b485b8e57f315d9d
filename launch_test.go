package main

// The launch itself: which file is executed, which descriptors it has, and that the command cannot tell how it was
// launched.

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// tinyCode is the exit code of every tinyProgram.
const tinyCode = 42

// tinyPrograms exit with tinyCode, by exit_group.
var tinyPrograms = map[string]struct {
	class   elf.Class
	machine elf.Machine
	flags   uint32
	code    []byte
}{
	// mov edi, 42; mov eax, 231; syscall
	"amd64": {elf.ELFCLASS64, elf.EM_X86_64, 0, []byte{0xbf, tinyCode, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05}},
	// mov ebx, 42; mov eax, 252; int 0x80
	"386": {elf.ELFCLASS32, elf.EM_386, 0, []byte{0xbb, tinyCode, 0, 0, 0, 0xb8, 252, 0, 0, 0, 0xcd, 0x80}},
	// mov x0, #42; mov x8, #94; svc #0
	"arm64": {elf.ELFCLASS64, elf.EM_AARCH64, 0, []byte{0x40, 0x05, 0x80, 0xd2, 0xc8, 0x0b, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4}},
	// mov r0, #42; mov r7, #248; svc #0. The flags name the version of the EABI, which the kernel asks for.
	"arm": {elf.ELFCLASS32, elf.EM_ARM, 5 << 24, []byte{tinyCode, 0x00, 0xa0, 0xe3, 248, 0x70, 0xa0, 0xe3, 0x00, 0x00, 0x00, 0xef}},
}

// tinyProgram writes a static program of one page without a libc that exits with tinyCode: it runs where a runtime
// would not.
func tinyProgram(t testing.TB, file string) string {
	t.Helper()
	return tinyProgramOf(t, runtime.GOARCH, file)
}

// tinyProgramOf writes the one of an architecture that need not be this machine's.
func tinyProgramOf(t testing.TB, goarch, file string) string {
	t.Helper()
	const base, align = 0x400000, 4096
	p := tinyPrograms[goarch]
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(p.class), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)}
	var head []any
	switch p.class {
	case elf.ELFCLASS64:
		const header, program = 64, 56
		size := header + program + uint64(len(p.code))
		head = []any{
			elf.Header64{Ident: ident, Type: uint16(elf.ET_EXEC), Machine: uint16(p.machine), Version: 1, Entry: base + header + program,
				Phoff: header, Flags: p.flags, Ehsize: header, Phentsize: program, Phnum: 1},
			elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: base, Filesz: size, Memsz: size, Align: align},
		}
	case elf.ELFCLASS32:
		const header, program = 52, 32
		size := header + program + uint32(len(p.code))
		head = []any{
			elf.Header32{Ident: ident, Type: uint16(elf.ET_EXEC), Machine: uint16(p.machine), Version: 1, Entry: base + header + program,
				Phoff: header, Flags: p.flags, Ehsize: header, Phentsize: program, Phnum: 1},
			elf.Prog32{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: base, Filesz: size, Memsz: size, Align: align},
		}
	}
	var b bytes.Buffer
	for _, part := range append(head, p.code) {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	writeProgram(t, file, b.Bytes())
	return file
}

// argv is the command line of the child "prepared". The preparation is in a file: it may be too long for an argument.
func (p preparation) argv(t testing.TB) []string {
	t.Helper()
	content, err := json.Marshal(p.changed(func(s string) string { return hex.EncodeToString([]byte(s)) }))
	if err != nil {
		t.Fatal(err)
	}
	file := scratch(t) + "/preparation"
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return []string{"prepared", file}
}

// start runs the child "prepared".
func (p preparation) start(t testing.TB, change func(*exec.Cmd)) run {
	t.Helper()
	return start(t, rolePath("prepared"), p.argv(t), change)
}

func TestExecute(t *testing.T) {
	t.Parallel()
	needOneGuest(t)
	needABI(t, 1)
	dir := scratch(t)
	for _, name := range []string{"a", "b", "empty", "denied", "text", "orphan", "through"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	self, err := filepath.EvalSymlinks(probePath)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		if err := os.Symlink(self, filepath.Join(dir, name, "probe")); err != nil {
			t.Fatal(err)
		}
	}
	for name, file := range map[string]struct {
		content string
		mode    os.FileMode
	}{
		"denied/probe": {"", 0o644},
		"text/probe":   {"not a program", 0o755},
		"orphan/probe": {"#!/nonexistent/interpreter\n", 0o755},
		// An interpreter whose path has a file for a directory.
		"through/probe": {"#!" + dir + "/file/x\n", 0o755},
		"file":          {"", 0o755},
	} {
		writeProgram(t, filepath.Join(dir, name), []byte(file.content))
		if err := os.Chmod(filepath.Join(dir, name), file.mode); err != nil {
			t.Fatal(err)
		}
	}
	const (
		noExecHint = "snib: hint: it is not a program for this machine: if it is a script without a first line of #!, run it as sh \"@/text/probe\"\n"
		orphanHint = "snib: hint: check the #! line of a script, or which dynamic loader a program needs (readelf -l)\n"
	)
	long := "/" + strings.Repeat("x", unix.PathMax)
	for _, c := range []struct {
		path    string // PATH, with @ for dir; "unset" if it is not set
		command string
		cwd     string
		want    string // the file that is executed
		code    int
		stderr  string // with @ for dir
	}{
		{path: "@/a:@/b", command: "probe", want: "@/a/probe"},
		{path: "@/empty:@/b:@/a", command: "probe", want: "@/b/probe"},
		{path: "@/denied:@/b", command: "probe", want: "@/b/probe"},
		{path: "@/file:/nonexistent:@/b", command: "probe", want: "@/b/probe"},
		{path: "@/orphan:@/b", command: "probe", want: "@/b/probe"},
		{path: long + ":@/b", command: "probe", want: "@/b/probe"},
		{path: "@/b/", command: "probe", want: "@/b//probe"},
		{path: "@/empty::@/b", command: "probe", cwd: "a", want: "probe"},
		{path: ":@/b", command: "probe", cwd: "a", want: "probe"},
		{path: "@/empty:", command: "probe", cwd: "a", want: "probe"},
		{path: "", command: "probe", cwd: "a", want: "probe"},
		{path: "@/a", command: "./probe", cwd: "b", want: "./probe"},
		{path: "@/a", command: "@/b/probe", want: "@/b/probe"},
		{path: "unset", command: "@/b/probe", want: "@/b/probe"},

		{path: "@/empty:@/file", command: "probe", code: 127, stderr: `command "probe" not found in PATH`},
		{path: "unset", command: "probe", cwd: "a", code: 127, stderr: `command "probe" not found in PATH`},
		{path: "@/a", command: "", code: 127, stderr: `command "" not found in PATH`},
		{path: "@/a", command: "./probe", cwd: "empty", code: 127, stderr: `command "./probe" does not exist`},
		{path: "@/a", command: "@/file/probe", code: 127, stderr: `command "@/file/probe" does not exist: not a directory`},
		{path: "@/missing/../b", command: "probe", code: 127, stderr: `command "probe" not found in PATH`},
		{path: "@/a", command: "@/missing/../b/probe", code: 127, stderr: `command "@/missing/../b/probe" does not exist`},
		{path: "@/empty:@/denied:@/empty", command: "probe", code: 126, stderr: `cannot execute "probe": permission denied` + "\nsnib: hint: it is not marked as executable: chmod +x \"@/denied/probe\"\n"},
		{path: "@/a", command: "@/a", code: 126, stderr: `"@/a" is a directory`},
		{path: "@/a", command: "@/through/probe", code: 126, stderr: `cannot execute "@/through/probe": its interpreter does not exist` + "\n" + orphanHint},
		{path: "@/through", command: "probe", code: 126, stderr: `cannot execute "@/through/probe": its interpreter does not exist` + "\n" + orphanHint},
		{path: "@/text:@/b", command: "probe", code: 126, stderr: `cannot execute "probe": exec format error` + "\n" + noExecHint},
		{path: "@/a", command: "@/text/probe", code: 126, stderr: `cannot execute "@/text/probe": exec format error` + "\n" + noExecHint},
		{path: "@/a", command: "@/orphan/probe", code: 126, stderr: `cannot execute "@/orphan/probe": its interpreter does not exist` + "\n" + orphanHint},
		{path: "", command: "probe", cwd: "orphan", code: 126, stderr: `cannot execute "probe": its interpreter does not exist` + "\n" + orphanHint},
		{path: "@/empty:@/orphan", command: "probe", code: 126, stderr: `cannot execute "@/orphan/probe": its interpreter does not exist` + "\n" + orphanHint},
	} {
		t.Run(fmt.Sprintf("%.60s %s", c.path, c.command), func(t *testing.T) {
			eachBuild(t, func(t *testing.T, b *build) {
				at := func(s string) string { return strings.ReplaceAll(s, "@", dir) }
				r := start(t, b.path, []string{"snib", "--", at(c.command), "executed"}, func(cmd *exec.Cmd) {
					cmd.Dir = filepath.Join(dir, c.cwd)
					cmd.Env = []string{"PATH=" + at(c.path)}
					if c.path == "unset" {
						cmd.Env = []string{"XPATH=" + dir + "/a"}
					}
				})
				want := run{stdout: at(c.want) + "\n"}
				if c.want == "" {
					want = run{code: c.code, stderr: "snib: error: " + at(c.stderr)}
					if !strings.HasSuffix(c.stderr, "\n") {
						want.stderr += "\n"
					}
				}
				if r != want {
					t.Errorf("got %+v\nwant %+v", r, want)
				}
			})
		})
	}
}

// The default search path, for a command that every system has there.
func TestDefaultPath(t *testing.T) {
	needABI(t, 1)
	if _, err := os.Stat("/bin/true"); err != nil {
		t.Skip("needs /bin/true")
	}
	eachBuild(t, func(t *testing.T, b *build) {
		r := start(t, b.path, []string{"snib", "true"}, func(cmd *exec.Cmd) { cmd.Env = []string{"A=B"} })
		if r != (run{}) {
			t.Errorf("%+v", r)
		}
	})
}

// The command's own exit code and signal are the launcher's.
func TestExitStatus(t *testing.T) {
	needABI(t, 1)
	tiny := tinyProgram(t, scratch(t)+"/tiny")
	eachBuild(t, func(t *testing.T, b *build) {
		if r := b.snib(t, tiny); r != (run{code: tinyCode}) {
			t.Errorf("%+v", r)
		}
		if r := start(t, tiny, []string{"tiny"}, nil); r != (run{code: tinyCode}) {
			t.Errorf("control: %+v", r)
		}
	})
}

func TestDescriptors(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	needABI(t, 1)
	dir, err := os.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	// Numbers that the runtime of the probe does not come to use itself.
	duplicate := map[int]int{20: 3, 21: 3, 22: 3, 500: 3}
	fullAccess := []string{"codex-linux-sandbox", "/", `{"mode":"danger-full-access"}`}
	eachBuild(t, func(t *testing.T, b *build) {
		for _, c := range []struct {
			launcher []string
			open     map[int]bool
		}{
			{[]string{"snib"}, nil},
			{[]string{"snib", "--network"}, nil},
			{[]string{"codex-linux-sandbox", "-s", "disk-full-write-access"}, nil},
			{[]string{"snib", "--keep-fd", "21"}, map[int]bool{21: true}},
			{[]string{"snib", "--keep-fd=500", "--keep-fd", "20", "--keep-fd", "1", "--keep-fd", "20"}, map[int]bool{20: true, 500: true}},
			{[]string{"snib", "--keep-fd", "20", "--keep-fd", "21", "--keep-fd=22", "--keep-fd", "500"}, map[int]bool{20: true, 21: true, 22: true, 500: true}},
			{fullAccess, map[int]bool{20: true, 21: true, 22: true, 500: true}},
		} {
			for fd := range duplicate {
				p := preparation{Path: b.path, Argv: append(append([]string{}, c.launcher...), probePath, "open", fmt.Sprint(fd)), Duplicate: duplicate}
				r := p.start(t, func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{dir} })
				want := run{stdout: "EBADF\n"}
				if c.open[fd] {
					want.stdout = "ok\n"
				}
				if r != want {
					t.Errorf("%q, descriptor %d: %+v", c.launcher, fd, r)
				}
			}
		}
	})
}

// snapshot reads, from outside, what a process was given by whoever executed it. It is stopped before its first
// instruction, so nothing of its own shows.
func snapshot(t *testing.T, pid int) map[string]string {
	t.Helper()
	shot := map[string]string{}
	read := func(name string) string {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	for _, name := range []string{"cmdline", "environ", "limits", "oom_score_adj", "personality", "timerslack_ns"} {
		if name == "timerslack_ns" && os.Geteuid() != 0 {
			continue
		}
		shot[name] = read(name)
	}
	for _, line := range strings.Split(read("status"), "\n") {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "Umask", "PPid", "Uid", "Gid", "Groups", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt",
			"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "Cpus_allowed", "Mems_allowed", "Threads", "CoreDumping", "THP_enabled":
			shot[name] = value
		}
	}
	stat := read("stat")
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	for name, n := range map[string]int{"ppid": 4, "tty": 7, "priority": 18, "nice": 19, "policy": 41} {
		shot[name] = fields[n-3]
	}
	// Both are set to the process itself, and so as good as equal only relative to it.
	shot["own group and session"] = fmt.Sprint(fields[5-3] == fmt.Sprint(pid), fields[6-3] == fmt.Sprint(pid))
	for _, link := range []string{"cwd", "root"} {
		shot[link], _ = os.Readlink(fmt.Sprintf("/proc/%d/%s", pid, link))
	}
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		shot["fd "+entry.Name()], _ = os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, entry.Name()))
		shot["fdinfo "+entry.Name()] = read("fdinfo/" + entry.Name())
	}
	return shot
}

// traced runs a preparation to its last execve, the given number of them away, and takes a snapshot there.
func (p preparation) traced(t *testing.T, execs int, stdio *os.File, cwd string) map[string]string {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// Without asynchronous preemption the child's runtime sends itself no signals, which might be pending.
	cmd := &exec.Cmd{Path: rolePath("prepared"), Args: p.argv(t), Env: append(os.Environ(), "GODEBUG=asyncpreemptoff=1"), Dir: cwd,
		Stdin: stdio, Stdout: stdio, Stderr: stdio, SysProcAttr: &syscall.SysProcAttr{Ptrace: true, Setsid: true}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	defer func() {
		cmd.Process.Kill()
		cmd.Process.Wait()
	}()
	for first := true; ; first = false {
		var status unix.WaitStatus
		if _, err := unix.Wait4(pid, &status, unix.WALL, nil); err != nil {
			t.Fatal(err)
		}
		pass := 0
		switch {
		case !status.Stopped():
			output, _ := os.ReadFile(stdio.Name())
			t.Fatalf("%q: %v, %s", p.Argv, status, output)
		case first:
			if err := unix.PtraceSetOptions(pid, unix.PTRACE_O_TRACEEXEC); err != nil {
				t.Fatal(err)
			}
		case status.StopSignal() != unix.SIGTRAP:
			pass = int(status.StopSignal())
		case status.TrapCause() == unix.PTRACE_EVENT_EXEC:
			if execs--; execs == 0 {
				return snapshot(t, pid)
			}
		}
		if err := unix.PtraceCont(pid, pass); err != nil {
			t.Fatal(err)
		}
	}
}

// The command cannot tell that it was launched through snib: all that a process inherits is as it would be without.
//
// In a plain build the Go runtime has started first, and has unblocked and caught signals that the caller had blocked or
// ignored; so there it is only the rest.
func TestTransparent(t *testing.T) {
	needABI(t, 1)
	dir := scratch(t)
	tiny := tinyProgram(t, dir+"/tiny")
	stdio, err := os.Create(dir + "/stdio")
	if err != nil {
		t.Fatal(err)
	}
	defer stdio.Close()
	base := preparation{
		Path: tiny, Argv: []string{tiny, "", "a b", "\xff\xfe", "--", "-w", "\n"},
		Env:    []string{"A=1", "B=2", "A=3", "novalue", "=x", "\xff=\xfe", "", "PATH=/nonexistent", "LONG=" + strings.Repeat("x", 100<<10)},
		Umask:  0o137,
		Nice:   5,
		Block:  []syscall.Signal{unix.SIGUSR1, 64},
		Ignore: []syscall.Signal{unix.SIGHUP, unix.SIGINT},
		Limits: map[int]uint64{unix.RLIMIT_NOFILE: 333, unix.RLIMIT_CORE: 0, unix.RLIMIT_STACK: 1 << 20},
	}
	eachBuild(t, func(t *testing.T, b *build) {
		p := base
		if b == &release {
			p.Block = append(p.Block, unix.SIGTERM, unix.SIGCHLD, 34, unix.SIGSEGV, unix.SIGBUS, unix.SIGPROF)
			p.Ignore = append(p.Ignore, unix.SIGTERM, unix.SIGPIPE, unix.SIGQUIT, unix.SIGCHLD, unix.SIGTSTP, unix.SIGUSR2)
		}
		want := p.traced(t, 1, stdio, dir)
		if !strings.Contains(want["limits"], "333") || want["nice"] != "5" || !strings.HasSuffix(want["Umask"], "0137") {
			t.Fatalf("the preparation shows no effect: %q", want)
		}
		launchers := [][]string{
			{"snib", "-w", dir, "--"},
			{"snib", "--network"},
			{"codex-linux-sandbox", "--"},
			{"codex-linux-sandbox", "/", `{"mode":"danger-full-access"}`},
		}
		if haveNamespaces() == nil && (b == &release || os.Geteuid() == 0) {
			launchers = append(launchers, []string{"snib", "--loopback", "--"}, []string{"snib", "-w", filepath.Dir(tiny), "--protect", tiny})
		}
		for _, launcher := range launchers {
			q := p
			q.Path, q.Argv = b.path, append(append([]string{}, launcher...), p.Argv...)
			got := q.traced(t, 2, stdio, dir)
			for name := range want {
				if strings.HasPrefix(name, "Cap") && !strings.Contains(launcher[len(launcher)-1], "danger") {
					continue // which root does not keep: capabilities_test.go
				}
				if got[name] != want[name] {
					t.Errorf("%q: %s: %.300q, directly %.300q", launcher, name, got[name], want[name])
				}
			}
			for name := range got {
				if _, is := want[name]; !is {
					t.Errorf("%q: %s: %q, directly none", launcher, name, got[name])
				}
			}
		}
	})
}

// The edges of what execve can hand over.
func TestEdges(t *testing.T) {
	t.Parallel()
	needOneGuest(t)
	needABI(t, 1)
	dir := scratch(t)
	tiny := tinyProgram(t, dir+"/tiny")
	var large []string
	for i := range 17 {
		large = append(large, fmt.Sprintf("V%d=%s", i, strings.Repeat("x", 110<<10)))
	}
	ran := run{code: tinyCode}
	usage := run{code: 125, stderr: "snib: error: no command to run\nsnib: hint: \"snib --help\" prints the usage\n"}
	full := run{code: 125, stderr: "snib: error: landlock_create_ruleset: too many open files\n" +
		"snib: hint: the launch needs two descriptors: raise the limit (ulimit -n), or close some of 0, 1 and 2\n"}
	for name, c := range map[string]struct {
		change  func(p *preparation)
		want    run
		root    bool
		release bool // what the Go runtime needs to start is missing, or it would change it
	}{
		"argc 0":             {change: func(p *preparation) { p.Argv = nil }, want: usage},
		"argc 1":             {change: func(p *preparation) { p.Argv = p.Argv[:1] }, want: usage},
		"no environment":     {change: func(p *preparation) { p.Env = nil }, want: ran},
		"no PATH":            {change: func(p *preparation) { p.Env = []string{"PATHS=/"} }, want: ran},
		"longest argument":   {change: func(p *preparation) { p.Argv = append(p.Argv, strings.Repeat("x", 128<<10-1)) }, want: ran},
		"2 MB environment":   {change: func(p *preparation) { p.Env = large }, want: ran},
		"stack of 128 KiB":   {change: func(p *preparation) { p.Limits = map[int]uint64{unix.RLIMIT_STACK: 128 << 10} }, want: ran},
		"4 MiB of memory":    {change: func(p *preparation) { p.Limits = map[int]uint64{unix.RLIMIT_AS: 4 << 20} }, want: ran, release: true},
		"3 descriptors":      {change: func(p *preparation) { p.Limits = map[int]uint64{unix.RLIMIT_NOFILE: 3} }, want: full},
		"5 descriptors":      {change: func(p *preparation) { p.Limits = map[int]uint64{unix.RLIMIT_NOFILE: 5} }, want: ran},
		"closed stdin":       {change: func(p *preparation) { p.Close = []int{0} }, want: ran},
		"closed stdout":      {change: func(p *preparation) { p.Close = []int{1} }, want: ran},
		"closed stderr":      {change: func(p *preparation) { p.Close = []int{2} }, want: ran},
		"closed stdio":       {change: func(p *preparation) { p.Close = []int{0, 1, 2} }, want: ran},
		"unheard":            {change: func(p *preparation) { p.Close = []int{0, 1, 2}; p.Argv[3] += "x" }, want: run{code: 127}},
		"directory is gone":  {change: func(p *preparation) { p.Gone = true }, want: ran},
		"root is this, gone": {change: func(p *preparation) { p.Gone, p.Argv = true, []string{"snib", "-w.", tiny} }, want: ran},
		"no /proc":           {change: func(p *preparation) { p.HideProc = true }, want: ran, root: true},
	} {
		t.Run(name, func(t *testing.T) {
			if c.root {
				needRoot(t)
			}
			eachBuild(t, func(t *testing.T, b *build) {
				if c.release && b != &release {
					return
				}
				p := preparation{Path: b.path, Argv: []string{"snib", "-w", dir, tiny}, Env: []string{"PATH=/"}}
				c.change(&p)
				if r := p.start(t, nil); r != c.want {
					t.Errorf("%+v, want %+v", r, c.want)
				}
			})
		})
	}
}
