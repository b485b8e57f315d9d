package main

// What a policy does to other processes, seen from outside: a process that the test started kept its memory, its
// descriptors, its limits and its keys, or it did not.

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A restriction is one kind of policy, by what it means for other processes.
type restriction struct {
	name     string
	launcher []string
	network  string // "strict", "local" or "on"
	writes   bool   // writes are restricted
	own      bool   // by snib's own options
}

// restrictions lists those that this kernel can enforce: writes take Landlock.
func restrictions() []restriction {
	flags := func(policy string) []string {
		return []string{"codex-linux-sandbox", "--sandbox-policy-cwd", "/nonexistent", "--sandbox-policy", policy, "--"}
	}
	all := []restriction{
		{"own options", []string{"snib", "--"}, "local", true, true},
		{"own options, network on", []string{"snib", "--network", "--"}, "on", true, true},
		{"own options, everything writable", []string{"snib", "-w", "/", "--"}, "local", true, true},
		{"options", []string{"codex-linux-sandbox", "--"}, "strict", true, false},
		{"options, network on", []string{"codex-linux-sandbox", "-s", "network-full-access", "--"}, "on", true, false},
		{"options, writes free", []string{"codex-linux-sandbox", "-s", "disk-full-write-access", "--"}, "strict", false, false},
		{"positional", []string{"codex-linux-sandbox", "/nonexistent", `{"mode":"read-only"}`, "--"}, "strict", true, false},
		{"flags", flags(`{"type":"read-only"}`), "local", true, false},
		{"flags, network on", flags(`{"type":"workspace-write","network_access":true}`), "on", true, false},
		{"flags, writes free", flags(`{"type":"external-sandbox"}`), "local", false, false},
	}
	return slices.DeleteFunc(all, func(r restriction) bool { return r.writes && kernelABI() == 0 })
}

func eachRestriction(t *testing.T, test func(t *testing.T, b *build, r restriction)) {
	eachBuild(t, func(t *testing.T, b *build) {
		for _, r := range restrictions() {
			t.Run(r.name, func(t *testing.T) { test(t, b, r) })
		}
	})
}

// domain tells whether the command is in a Landlock domain, which keeps it from tracing processes outside.
func (r *restriction) domain() bool { return r.writes || r.network != "on" && kernelABI() >= 4 }

// tracing tells whether the command may trace its own processes.
func (r *restriction) tracing() bool { return r.network != "strict" && r.domain() }

func init() {
	roles["waiting"] = waiting
	roles["caller"] = caller
	roles["keyholder"] = keyholder
	for name, op := range map[string]func(p process) error{
		"readVM": func(p process) error {
			got := make([]byte, len(waitingMemory))
			local := []unix.Iovec{{Base: &got[0], Len: uint64(len(got))}}
			if _, err := unix.ProcessVMReadv(p.pid, local, []unix.RemoteIovec{{Base: p.memory, Len: len(got)}}, 0); err != nil {
				return err
			}
			return errors.New(string(got))
		},
		"writeVM": func(p process) error {
			value := []byte("written.")
			local := []unix.Iovec{{Base: &value[0], Len: uint64(len(value))}}
			_, err := unix.ProcessVMWritev(p.pid, local, []unix.RemoteIovec{{Base: p.memory, Len: len(value)}}, 0)
			return err
		},
		"attach": func(p process) error {
			if err := unix.PtraceAttach(p.pid); err != nil {
				return err
			}
			return p.poke("attached")
		},
		"seize": func(p process) error {
			if err := unix.PtraceSeize(p.pid); err != nil {
				return err
			}
			if err := unix.PtraceInterrupt(p.pid); err != nil {
				return err
			}
			return p.poke("seized..")
		},
		"getFD": func(p process) error {
			pidfd, err := unix.PidfdOpen(p.pid, 0)
			if err != nil {
				return err
			}
			fd, err := unix.PidfdGetfd(pidfd, p.fd, 0)
			if err != nil {
				return err
			}
			_, err = unix.Pwrite(fd, []byte("taken..."), 0)
			return err
		},
	} {
		probes[name] = func(a []string) error {
			runtime.LockOSThread() // a tracer is a thread
			return op(process{atoi(a[0]), uintptr(atoi(a[1])), atoi(a[2])})
		}
	}
	probes["onOwn"] = onOwn
	probes["traceMe"] = beTraced
	for name, op := range map[string]func(pid int) error{
		"readLimit": func(pid int) error {
			var limit unix.Rlimit
			if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit); err != nil {
				return err
			}
			return fmt.Errorf("%d", limit.Cur)
		},
		"lowerLimit": func(pid int) error {
			return lowerLimit(pid, func(limit *unix.Rlimit) error { return unix.Prlimit(pid, unix.RLIMIT_NOFILE, limit, nil) })
		},
		// The kernel takes 32 bits of a pid.
		"lowerLimitWide": func(pid int) error {
			return lowerLimit(pid, func(limit *unix.Rlimit) error {
				return rawErrno(unix.SYS_PRLIMIT64, 1<<32|uintptr(pid), unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(limit)), 0)
			})
		},
		// A pointer that is not null has a low half that may be zero.
		"lowerLimitFar": func(pid int) error {
			far, err := unix.MmapPtr(-1, 0, unsafe.Add(unsafe.Pointer(nil), 1<<32), uintptr(os.Getpagesize()),
				unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED_NOREPLACE)
			if err != nil {
				return fmt.Errorf("mmap: %v", err)
			}
			if uint32(uintptr(far)) != 0 {
				return fmt.Errorf("mmap: %p", far)
			}
			return lowerLimit(pid, func(limit *unix.Rlimit) error {
				*(*unix.Rlimit)(far) = *limit
				return unix.Prlimit(pid, unix.RLIMIT_NOFILE, (*unix.Rlimit)(far), nil)
			})
		},
	} {
		probes[name] = func(a []string) error { return op(atoi(a[0])) }
	}
	probes["ownLimits"] = lowerOwn
	probes["bpf"] = func([]string) error { return rawErrno(unix.SYS_BPF, ^uintptr(0), 0, 0, 0) }
	probes["perf"] = func([]string) error { return rawErrno(unix.SYS_PERF_EVENT_OPEN, 0, 0, 0, 0) }
	probes["setns"] = func([]string) error {
		fd, err := unix.Open("/proc/self/ns/uts", unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		return unix.Setns(fd, unix.CLONE_NEWUTS)
	}
	probes["setHostname"] = func([]string) error { return unix.Sethostname([]byte("inside")) }
	probes["inNamespaces"] = inNamespaces
	for name, op := range map[string]func(id int, name string) error{
		"readKey": func(id int, _ string) error {
			payload, err := readKey(id)
			if err != nil {
				return err
			}
			return errors.New(payload)
		},
		"findKey": func(_ int, name string) error { _, err := unix.RequestKey("user", name, "", 0); return err },
		"updateKey": func(id int, _ string) error {
			_, err := unix.KeyctlBuffer(unix.KEYCTL_UPDATE, id, []byte("updated"), 0)
			return err
		},
		"addKey": func(_ int, name string) error {
			_, err := unix.AddKey("user", name, []byte("added"), unix.KEY_SPEC_SESSION_KEYRING)
			return err
		},
		"unlinkKey": func(id int, _ string) error {
			_, err := unix.KeyctlInt(unix.KEYCTL_UNLINK, id, unix.KEY_SPEC_SESSION_KEYRING, 0, 0)
			return err
		},
	} {
		probes[name] = func(a []string) error { return op(atoi(a[0]), a[1]) }
	}
}

// process is another process: what there is of it to get at.
type process struct {
	pid    int
	memory uintptr // of waitingMemory
	fd     int     // of a file in memory
}

func (p process) args() []string {
	return []string{fmt.Sprint(p.pid), fmt.Sprintf("%#x", p.memory), fmt.Sprint(p.fd)}
}

// poke waits for a traced process to stop, changes its memory and lets it go.
func (p process) poke(value string) error {
	if _, err := unix.Wait4(p.pid, nil, unix.WALL, nil); err != nil {
		return fmt.Errorf("wait: %v", err)
	}
	if _, err := unix.PtracePokeData(p.pid, p.memory, []byte(value)); err != nil {
		return fmt.Errorf("poke: %v", err)
	}
	return unix.PtraceDetach(p.pid)
}

var waitingMemory = [8]byte([]byte("original"))

// waiting is another process: it lets anybody trace it, says that it is there and what there is to get at, answers each
// line with the contents of its memory and its file, and ends with its stdin.
func waiting([]string) int {
	// Where Yama is not there, nobody needs to be let.
	_ = unix.Prctl(unix.PR_SET_PTRACER, ^uintptr(0), 0, 0, 0)
	fd, err := unix.MemfdCreate("waiting", unix.MFD_CLOEXEC)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if _, err := unix.Write(fd, waitingMemory[:]); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Printf("waiting %p %d\n", &waitingMemory, fd)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		content := make([]byte, len(waitingMemory))
		if _, err := unix.Pread(fd, content, 0); err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Printf("%s %s\n", waitingMemory[:], content)
	}
	return 0
}

// another is a process of the role "waiting".
type another struct {
	process
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Reader
}

func startWaiting(path string) (*another, error) {
	a := &another{cmd: exec.Command(path)}
	a.cmd.Env = []string{"SECRET=1"}
	var err error
	if a.stdin, err = a.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := a.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	a.pid, a.lines = a.cmd.Process.Pid, bufio.NewReader(stdout)
	if _, err := fmt.Fscanf(a.lines, "waiting 0x%x %d\n", &a.memory, &a.fd); err != nil {
		a.end()
		return nil, err
	}
	return a, nil
}

// state is what its memory and its file hold.
func (a *another) state() (string, error) {
	if _, err := io.WriteString(a.stdin, "\n"); err != nil {
		return "", err
	}
	line, err := a.lines.ReadString('\n')
	return strings.TrimSpace(line), err
}

func (a *another) end() {
	a.stdin.Close()
	a.cmd.Wait()
}

// outside starts a process that is outside of every sandbox, and ends with the test.
func outside(t testing.TB) *another {
	t.Helper()
	a, err := startWaiting(rolePath("waiting"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.end)
	return a
}

func (a *another) mustState(t testing.TB) string {
	t.Helper()
	s, err := a.state()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// intrusions are the ways into another process.
var intrusions = []string{"readVM", "attach", "seize", "writeVM", "getFD"}

const (
	untouched = "original original"
	intruded  = "original ok ok ok ok" // the outcomes
	touched   = "written. taken..."
)

func intrude(p process) []string {
	op := []string{"each"}
	for _, name := range intrusions {
		op = slices.Concat(op, []string{name}, p.args(), []string{","})
	}
	return op
}

// onOwn intrudes into a process that the command started itself, and returns the outcomes and the state it leaves.
func onOwn(args []string) error {
	child, err := startWaiting(args[0])
	if err != nil {
		return fmt.Errorf("start: %v", err)
	}
	defer child.end()
	outcomes := each(intrude(child.process)[1:])
	state, err := child.state()
	if err != nil {
		return fmt.Errorf("%v: %v", outcomes, err)
	}
	return fmt.Errorf("%v: %s", outcomes, state)
}

// The memory and the descriptors of processes outside stay out of reach; in local mode, and with a network, debuggers and
// tracers work on the command's own.
func TestTracing(t *testing.T) {
	own := release.outcome(t, nil, "onOwn", rolePath("waiting"))
	outcomes, _, _ := strings.Cut(own, ":")
	if own != intruded+": "+touched {
		ways := strings.Fields(intruded)
		for i, got := range strings.Fields(outcomes) {
			if got != ways[i] && (got != "EPERM" || !filteredAlready()) {
				t.Fatalf("control, own process: %s", own)
			}
		}
		t.Logf("a filter of somebody else's leaves: %s", own)
	}
	eachBuild(t, func(t *testing.T, b *build) {
		other := outside(t)
		for _, r := range restrictions() {
			if got := b.outcome(t, r.launcher, intrude(other.process)...); got != strings.TrimSpace(strings.Repeat("EPERM ", len(intrusions))) {
				t.Errorf("%s: a process outside: %s", r.name, got)
			}
			if got := other.mustState(t); got != untouched {
				t.Errorf("%s: a process outside was left with %s", r.name, got)
			}
			want := own
			if !r.tracing() {
				want = "EPERM EPERM EPERM EPERM EPERM: " + untouched
			}
			if got := b.outcome(t, r.launcher, "onOwn", rolePath("waiting")); got != want {
				t.Errorf("%s: its own process: %s, want %s", r.name, got, want)
			}
		}
		if got := b.outcome(t, nil, intrude(other.process)...); got != outcomes {
			t.Errorf("control: %s, want %s", got, outcomes)
		}
		if got := other.mustState(t); (got == touched) != (outcomes == intruded) {
			t.Errorf("control: left with %s", got)
		}
	})
}

// Landlock keeps what /proc has of the memory and the environment of processes outside from the command, root's too.
func TestProcessOutside(t *testing.T) {
	needABI(t, 1)
	proc := fmt.Sprintf("/proc/%d/", outside(t).pid)
	ops := []string{"each", "openBoth", proc + "mem", ",", "read", proc + "environ", ",", "read", proc + "maps", ",", "read", proc + "auxv"}
	eachBuild(t, func(t *testing.T, b *build) {
		if got := b.outcome(t, nil, ops...); got != "ok ok ok ok" {
			t.Errorf("control: %s", got)
		}
		for _, sandbox := range [][]string{{"snib", "-w", "/"}, {"snib", "--network"}, {"codex-linux-sandbox", "--"}} {
			if got := b.outcome(t, sandbox, ops...); got != "EACCES EACCES EACCES EACCES" {
				t.Errorf("%q: %s", sandbox, got)
			}
		}
	})
}

// beTraced makes the process's parent its tracer, and has itself signalled, at which a traced process stops.
func beTraced([]string) error {
	runtime.LockOSThread()
	if err := rawErrno(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0, 0); err != nil {
		return err
	}
	return unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGWINCH)
}

// caller starts a command, as a shell would, and waits for it. It prints the command's line, and whether it found itself
// the tracer of a stopped child.
func caller(args []string) int {
	runtime.LockOSThread() // it is the thread that becomes the tracer
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		fmt.Println(err)
		return 1
	}
	pid, err := syscall.ForkExec(args[0], args[1:], &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, uintptr(pipe[1]), 2}})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	unix.Close(pipe[1])
	found := "untraced"
	for {
		var status unix.WaitStatus
		_, err := unix.Wait4(pid, &status, unix.WALL, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			fmt.Println(err)
			return 1
		case status.Stopped():
			found = "traced"
			if err := unix.PtraceCont(pid, int(status.StopSignal())); err != nil {
				fmt.Println(err)
				return 1
			}
		default:
			line, err := io.ReadAll(os.NewFile(uintptr(pipe[0]), "pipe"))
			if err != nil {
				fmt.Println(err)
			}
			fmt.Printf("%s %s\n", strings.TrimSpace(string(line)), found)
			return status.ExitStatus()
		}
	}
}

// The command does not make its caller its tracer. The original's grammars leave that alone while the network is on.
func TestTraceMe(t *testing.T) {
	run := func(t *testing.T, path string, launcher []string) string {
		t.Helper()
		argv := slices.Concat([]string{"caller", path}, launcher, []string{probePath, "traceMe"})
		r := start(t, rolePath("caller"), argv, nil)
		if r.code != 0 || r.stderr != "" {
			t.Fatalf("%q: %+v", argv, r)
		}
		return strings.TrimSpace(r.stdout)
	}
	if got := run(t, probePath, nil); got != "ok traced" {
		t.Fatalf("control: %s", got)
	}
	eachRestriction(t, func(t *testing.T, b *build, r restriction) {
		want := "EPERM untraced"
		if !r.own && r.network == "on" {
			want = "ok traced"
		}
		if got := run(t, b.path, r.launcher); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// strace and LeakSanitizer attach to what they look at. Neither works in strict mode, which shows that it is the tracing
// that they need.
func TestTracers(t *testing.T) {
	needABI(t, 1)
	strict := []string{"codex-linux-sandbox", "-s", "disk-full-write-access", "--"}
	t.Run("strace", func(t *testing.T) {
		strace, command := need(t, "strace"), need(t, "true")
		dir := scratch(t)
		trace := func(path string, launcher []string) (run, string) {
			file := dir + "/trace"
			r := start(t, path, slices.Concat(launcher, []string{strace, "-o", file, command}), nil)
			content, _ := os.ReadFile(file)
			os.Remove(file)
			return r, string(content)
		}
		works := func(r run, trace string) bool {
			return r.code == 0 && strings.Contains(trace, "execve(") && strings.Contains(trace, "exited with 0")
		}
		if r, got := trace(strace, nil); !works(r, got) {
			t.Errorf("control: %+v: %s", r, got)
		}
		eachBuild(t, func(t *testing.T, b *build) {
			for _, sandbox := range [][]string{{"snib", "-w", dir, "--"}, {"snib", "--network", "-w", dir, "--"}, workspace(t, dir)} {
				if r, got := trace(b.path, sandbox); !works(r, got) {
					t.Errorf("%q: %+v: %s", sandbox, r, got)
				}
			}
			if r, got := trace(b.path, strict); works(r, got) {
				t.Errorf("%q: %+v: %s", strict, r, got)
			}
		})
	})
	t.Run("LeakSanitizer", func(t *testing.T) {
		gcc := need(t, "gcc")
		dir := scratch(t)
		source, leaking := dir+"/leaking.c", dir+"/leaking"
		const program = "#include <stdlib.h>\nvoid *volatile kept;\nint main(void) { kept = malloc(7); kept = 0; return 0; }\n"
		if err := os.WriteFile(source, []byte(program), 0o644); err != nil {
			t.Fatal(err)
		}
		if r := start(t, gcc, []string{gcc, "-fsanitize=leak", "-o", leaking, source}, nil); r.code != 0 {
			t.Skip("needs gcc with LeakSanitizer")
		}
		const finding = "detected memory leaks"
		if r := start(t, leaking, []string{leaking}, nil); !strings.Contains(r.stderr, finding) {
			t.Fatalf("control: %+v", r)
		}
		eachBuild(t, func(t *testing.T, b *build) {
			for _, sandbox := range [][]string{{"snib", "--"}, {"snib", "--network", "--"}, workspace(t)} {
				if r := start(t, b.path, append(slices.Clone(sandbox), leaking), nil); !strings.Contains(r.stderr, finding) {
					t.Errorf("%q: %+v", sandbox, r)
				}
			}
			if r := start(t, b.path, append(slices.Clone(strict), leaking), nil); strings.Contains(r.stderr, finding) {
				t.Errorf("%q: %+v", strict, r)
			}
		})
	})
}

// lowerLimit lowers the soft limit of a process's descriptors by one.
func lowerLimit(pid int, set func(limit *unix.Rlimit) error) error {
	var limit unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit); err != nil {
		return fmt.Errorf("reading: %v", err)
	}
	limit.Cur--
	return set(&limit)
}

// lowerOwn lowers its own limit by each of the calls that are there for it, and reads it by each.
func lowerOwn([]string) error {
	for _, set := range []func(limit *unix.Rlimit) error{
		func(limit *unix.Rlimit) error { return unix.Prlimit(0, unix.RLIMIT_NOFILE, limit, nil) },
		func(limit *unix.Rlimit) error {
			return rawErrno(unix.SYS_PRLIMIT64, 1<<32, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(limit)), 0)
		},
		func(limit *unix.Rlimit) error {
			return rawErrno(unix.SYS_SETRLIMIT, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(limit)), 0, 0)
		},
	} {
		var before, after unix.Rlimit
		if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &before); err != nil {
			return err
		}
		if err := lowerLimit(os.Getpid(), set); err != nil {
			return err
		}
		if err := unix.Prlimit(os.Getpid(), unix.RLIMIT_NOFILE, nil, &after); err != nil {
			return err
		}
		if after.Cur != before.Cur-1 {
			return fmt.Errorf("%d after %d", after.Cur, before.Cur)
		}
	}
	return nil
}

// The limits of processes outside are the command's to read only. The original's grammars leave them alone.
func TestLimits(t *testing.T) {
	eachBuild(t, func(t *testing.T, b *build) {
		other := outside(t)
		limit := func() uint64 {
			t.Helper()
			var limit unix.Rlimit
			if err := unix.Prlimit(other.pid, unix.RLIMIT_NOFILE, nil, &limit); err != nil {
				t.Fatal(err)
			}
			return limit.Cur
		}
		pid := fmt.Sprint(other.pid)
		lower := func(launcher []string) string {
			return b.outcome(t, launcher, "each", "lowerLimit", pid, ",", "lowerLimitWide", pid, ",", "lowerLimitFar", pid)
		}
		for _, r := range restrictions() {
			before := limit()
			want, left := "EPERM EPERM EPERM", before
			if !r.own {
				want, left = "ok ok ok", before-3
			}
			if got := lower(r.launcher); got != want {
				t.Errorf("%s: %s, want %s", r.name, got, want)
			}
			if after := limit(); after != left {
				t.Errorf("%s: the limit of a process outside went from %d to %d", r.name, before, after)
			}
			want = fmt.Sprintf("%d ok", left)
			if got := b.outcome(t, r.launcher, "each", "readLimit", pid, ",", "ownLimits"); got != want {
				t.Errorf("%s: reading, and the command's own: %s, want %s", r.name, got, want)
			}
		}
		before := limit()
		if got := lower(nil); got != "ok ok ok" || limit() != before-3 {
			t.Errorf("control: %s, from %d to %d", got, before, limit())
		}
	})
}

// inNamespaces does an operation as root of a user namespace of its own.
func inNamespaces(args []string) error {
	cmd := exec.Command(os.Args[0], args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWUTS,
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN},
	}
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	return errors.New(strings.TrimSpace(string(out)))
}

// A namespace is not entered by its file, even one that the command made and has every right to.
func TestSetns(t *testing.T) {
	ops := []string{"inNamespaces", "each", "setns", ",", "setHostname"}
	if got := release.outcome(t, nil, ops...); got != "ok ok" {
		if filteredAlready() || slices.Contains([]string{"EPERM", "EACCES", "ENOSPC", "EUSERS"}, got) {
			t.Skip("needs user namespaces")
		}
		t.Fatalf("control: %s", got)
	}
	eachRestriction(t, func(t *testing.T, b *build, r restriction) {
		if got := b.outcome(t, r.launcher, ops...); got != "EPERM ok" {
			t.Errorf("setns, sethostname: %s", got)
		}
	})
}

func readKey(id int) (string, error) {
	payload := make([]byte, 64)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, payload, 0)
	if err != nil {
		return "", err
	}
	return string(payload[:n]), nil
}

// keyholder puts a key into a session keyring of its own, and starts a command, whose last words have the key's id and
// name for "ID" and "NAME". It prints the command's line, and what became of the key.
func keyholder(args []string) int {
	runtime.LockOSThread() // a session keyring is a thread's
	const name = "snib-test"
	_, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0)
	var id int
	if err == nil {
		id, err = unix.AddKey("user", name, []byte("original"), unix.KEY_SPEC_SESSION_KEYRING)
	}
	if err != nil {
		fmt.Println("no key:", errnoName(err))
		return 0
	}
	for i := range args {
		switch args[i] {
		case "ID":
			args[i] = fmt.Sprint(id)
		case "NAME":
			args[i] = name
		}
	}
	cmd := &exec.Cmd{Path: args[0], Args: args[1:], Stderr: os.Stderr}
	out, err := cmd.Output()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	payload, err := readKey(id)
	if err != nil {
		payload = errnoName(err)
	}
	fmt.Printf("%s: %s\n", strings.TrimSpace(string(out)), payload)
	return 0
}

// Keys are the user's, not the command's: it neither reads nor changes one that it inherits.
func TestKeyrings(t *testing.T) {
	keys := func(t *testing.T, path string, launcher []string, ops ...string) string {
		t.Helper()
		argv := slices.Concat([]string{"keyholder", path}, launcher, []string{probePath, "each"})
		for _, op := range ops {
			argv = append(argv, op, "ID", "NAME", ",")
		}
		r := start(t, rolePath("keyholder"), argv, nil)
		if r.code != 0 || r.stderr != "" {
			t.Fatalf("%q: %+v", argv, r)
		}
		return strings.TrimSpace(r.stdout)
	}
	for _, c := range []struct{ ops, want string }{
		{"readKey findKey", "original ok: original"},
		{"updateKey", "ok: updated"},
		{"addKey", "ok: added"},
	} {
		got := keys(t, probePath, nil, strings.Fields(c.ops)...)
		if got == "no key: ENOSYS" || got == "no key: EPERM" && filteredAlready() {
			t.Skip("needs keyrings")
		}
		if got != c.want {
			t.Errorf("control: %s: %s, want %s", c.ops, got, c.want)
		}
	}
	if got := keys(t, probePath, nil, "unlinkKey"); !strings.HasPrefix(got, "ok: ") || strings.HasSuffix(got, "original") {
		t.Errorf("control: unlinkKey: %s", got)
	}
	eachRestriction(t, func(t *testing.T, b *build, r restriction) {
		got := keys(t, b.path, r.launcher, "readKey", "findKey", "updateKey", "addKey", "unlinkKey")
		if got != "EPERM EPERM EPERM EPERM EPERM: original" {
			t.Error(got)
		}
	})
}

// What looks into the kernel, and so into every process, is not reached: its arguments are ones that the kernel refuses
// for another reason. Where it asks for a capability first, only root can tell.
func TestKernelCalls(t *testing.T) {
	for _, op := range []string{"bpf", "perf"} {
		if got := release.outcome(t, nil, op); got == "EPERM" {
			if os.Geteuid() == 0 && !filteredAlready() {
				t.Errorf("%s: control: %s", op, got)
			}
			continue
		}
		eachRestriction(t, func(t *testing.T, b *build, r restriction) {
			if got := b.outcome(t, r.launcher, op); got != "EPERM" {
				t.Errorf("%s: %s", op, got)
			}
		})
	}
}
