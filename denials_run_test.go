package main

// --why runs its command as it would run without: what it inherits, its signals, its end, what it leaves behind; and follows whatever it starts.

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// TestWhyEnds: the exit code is the command's, whatever ended it; where nothing ran, the launch says why, and nothing is told.
func TestWhyEnds(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	needOneGuest(t)
	dir := scratch(t)
	writeProgram(t, dir+"/text", []byte("text\n"))
	eachBuild(t, func(t *testing.T, b *build) {
		for _, c := range []struct {
			argv  []string
			code  int
			empty bool
		}{
			{[]string{"--", probePath, "exit", "0"}, 0, true},
			{[]string{"--", probePath, "exit", "7"}, 7, true},
			{[]string{"--", probePath, "exit", "125"}, 125, true},
			{[]string{"--", probePath, "die", "9"}, -9, true},
			{[]string{"--", probePath, "die", "15"}, -15, true},
			{[]string{"--", probePath, "die", "11"}, -11, true},
			{[]string{"--", probePath, "die", "1"}, -1, true},
			{[]string{"--", probePath, "die", "3"}, -3, true},
			{[]string{"--", dir + "/missing"}, 127, false},
			{[]string{"--", dir + "/text"}, 126, false},
			{[]string{"-w", dir + "/missing", probePath, "exit", "0"}, 125, false},
			{[]string{"--keep-fd", "77", probePath, "exit", "0"}, 125, false},
			{[]string{"--bad", probePath, "exit", "0"}, 125, false},
			{[]string{}, 125, false},
		} {
			plain := b.snib(t, c.argv...)
			r := b.snib(t, slices.Insert(slices.Clone(c.argv), 0, "--why")...)
			if r.code != c.code || plain.code != c.code || r.stdout != "" {
				t.Errorf("%q: %+v, want code %d; without --why %+v", c.argv, r, c.code, plain)
			}
			if c.empty && r.stderr != "snib: note: the sandbox denied nothing\n" || !c.empty && r.stderr != plain.stderr {
				t.Errorf("%q: %q, without --why %q", c.argv, r.stderr, plain.stderr)
			}
		}
	})
}

// TestWhyFollows: a denial is told whoever it happens to.
func TestWhyFollows(t *testing.T) {
	t.Parallel()
	needOneGuest(t)
	needABI(t, 1)
	dir, in := whyTree(t)
	file := dir + "/file"
	for _, c := range []struct {
		op    []string
		got   string
		count int
	}{
		{[]string{"write", file}, "EACCES", 1},
		{[]string{"forked", file}, "EACCES", 1},
		{[]string{"vforked", file}, "EACCES", 1},
		{[]string{"threads", file, "20"}, "EACCES", 20},
		{[]string{"each", "forked", file, ",", "vforked", file, ",", "threads", file, "3", ",", "write", file}, "EACCES EACCES EACCES EACCES", 6},
		{[]string{"become", probePath, "write", file}, "EACCES", 1},
		{[]string{"becomeByThread", probePath, "write", file}, "EACCES", 1},
		{[]string{"spawn", probePath, "spawn", probePath, "becomeByThread", probePath, "forked", file}, "EACCES", 1},
	} {
		got, report := whyProbe(t, []string{"snib", "-w", in, "--"}, c.op...)
		count := 0
		for _, d := range report.Denials {
			if d.Path == file && d.Action == "write" {
				count += d.Count
				if d.Program != "probe" {
					t.Errorf("%q: %+v", c.op, d)
				}
			}
		}
		if got != c.got || count != c.count {
			t.Errorf("%q: %s, %d times, want %s, %d: %+v", c.op, got, count, c.got, c.count, report.Denials)
		}
	}
}

// TestWhyHandled: a denial is marked where whoever it happened to exited with 0.
func TestWhyHandled(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	needOneGuest(t)
	dir, in := whyTree(t)
	for _, c := range []struct {
		op      []string
		handled bool
	}{
		{[]string{"write", dir + "/file"}, true},
		{[]string{"each", "write", dir + "/file", ",", "exit", "3"}, false},
		{[]string{"each", "write", dir + "/file", ",", "die", "9"}, false},
	} {
		_, report := whyOf(t, release.path, slices.Concat([]string{"snib", "-w", in, "--", probePath}, c.op), nil)
		at := slices.IndexFunc(report.Denials, func(d whyDenial) bool { return d.Path == dir+"/file" })
		if at < 0 || report.Denials[at].Handled != c.handled {
			t.Errorf("%q: %+v, want handled %v", c.op, report.Denials, c.handled)
		}
	}
}

// TestWhyBounds: there is an end to what is kept.
func TestWhyBounds(t *testing.T) {
	needABI(t, 1)
	needOneGuest(t)
	dir, in := whyTree(t)
	got, report := whyProbe(t, []string{"snib", "-w", in, "--"}, "manyDenied", fmt.Sprint(mostDenials+200), dir)
	if got != "ok" || len(report.Denials) != mostDenials || report.Dropped < 200 {
		t.Errorf("%s, %d told, %d left out", got, len(report.Denials), report.Dropped)
	}
}

// TestWhyTransparent: what the command inherits is what it would inherit without --why, but for its parent.
func TestWhyTransparent(t *testing.T) {
	needABI(t, 1)
	needOneGuest(t)
	dir := scratch(t)
	extra, err := os.Create(dir + "/extra")
	if err != nil {
		t.Fatal(err)
	}
	defer extra.Close()
	shot := func(options ...string) map[string]string {
		p := preparation{
			Path: release.path, Argv: slices.Concat([]string{"snib"}, options, []string{"-w", dir, "--keep-fd", "20", "--", rolePath("waiting"), "", "a b", "\xff"}),
			Env:   []string{"A=1", "B=2", "A=3", "novalue", "=x", "", "GODEBUG=asyncpreemptoff=1"},
			Umask: 0o137, Nice: 5, Block: []syscall.Signal{unix.SIGUSR1, unix.SIGTERM, unix.SIGCHLD, unix.SIGTRAP, unix.SIGCONT, 40},
			Ignore:    []syscall.Signal{unix.SIGHUP, unix.SIGINT},
			Limits:    map[int]uint64{unix.RLIMIT_CORE: 333},
			Duplicate: map[int]int{20: 3}, // where no runtime has one of its own
		}
		cmd := &exec.Cmd{Path: rolePath("prepared"), Args: p.argv(t), Dir: dir, ExtraFiles: []*os.File{extra}, SysProcAttr: &syscall.SysProcAttr{Setsid: true}}
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Wait()
		defer stdin.Close()
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		if !strings.HasPrefix(line, "waiting") {
			err := cmd.Wait()
			t.Fatalf("%v: %q, %v: %s", options, line, err, stderr.String())
		}
		pid := cmd.Process.Pid
		if len(options) > 0 {
			pid = childOf(t, pid)
		}
		s := snapshot(t, pid)
		for name := range s {
			if strings.HasPrefix(s[name], "pipe:") || strings.HasPrefix(name, "fdinfo") || strings.HasPrefix(name, "fd ") && strings.Contains(s[name], "anon_inode") {
				s[name] = "a pipe, or the like" // with a number of its own
			}
		}
		return s
	}
	without, with := shot(), shot("--why")
	if !strings.Contains(without["limits"], "333") || without["fd 20"] != extra.Name() {
		t.Fatalf("the preparation shows no effect: %q", without)
	}
	for name := range without {
		// The group and the session are those of the caller, whom the command is not any more.
		if name != "PPid" && name != "ppid" && name != "own group and session" && name != "Threads" && with[name] != without[name] {
			t.Errorf("%s: %.300q, without --why %.300q", name, with[name], without[name])
		}
	}
	for name := range with {
		if _, is := without[name]; !is {
			t.Errorf("%s: %q, without --why none", name, with[name])
		}
	}
}

// childOf waits for a child of a process, and for its second execve: it has the name that is waited for.
func childOf(t testing.TB, parent int) (pid int) {
	t.Helper()
	for end := time.Now().Add(launchTime); time.Now().Before(end); time.Sleep(time.Millisecond) {
		entries, err := os.ReadDir("/proc")
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if n, err := strconv.Atoi(entry.Name()); err == nil && statusField(n, "PPid") == fmt.Sprint(parent) {
				return n
			}
		}
	}
	t.Fatal("no child")
	return 0
}

// supervised is a command under --why that talks.
type supervised struct {
	cmd   *exec.Cmd
	lines *bufio.Reader
	err   *strings.Builder
}

// supervise starts the probe under --why, in a process group of its own.
func supervise(t testing.TB, options []string, op ...string) *supervised {
	t.Helper()
	s := &supervised{err: &strings.Builder{}}
	s.cmd = &exec.Cmd{Path: release.path, Args: slices.Concat([]string{"snib", "--why"}, options, []string{"--", probePath}, op), Stderr: s.err, SysProcAttr: &syscall.SysProcAttr{Setpgid: true}}
	stdout, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(launchTime, func() { s.cmd.Process.Kill() })
	t.Cleanup(func() {
		timer.Stop()
		s.cmd.Process.Kill()
		s.cmd.Wait()
	})
	s.lines = bufio.NewReader(stdout)
	return s
}

func (s *supervised) line(t testing.TB, want string) {
	t.Helper()
	if line, err := s.lines.ReadString('\n'); line != want+"\n" {
		t.Fatalf("%q, %v, want %q; %s", line, err, want, s.err)
	}
}

// TestWhySignals: a signal arrives once, whether it was sent to the process group, to the command, or to the process that traces it.
func TestWhySignals(t *testing.T) {
	needOneGuest(t)
	needABI(t, 1)
	for _, c := range []struct {
		name string
		send func(snib, command int, sig syscall.Signal) error
	}{
		{"to snib", func(snib, _ int, sig syscall.Signal) error { return unix.Kill(snib, sig) }},
		{"to the command", func(_, command int, sig syscall.Signal) error { return unix.Kill(command, sig) }},
		{"to the group", func(snib, _ int, sig syscall.Signal) error { return unix.Kill(-snib, sig) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := supervise(t, nil, "count")
			s.line(t, "ready")
			snib := s.cmd.Process.Pid
			command := childOf(t, snib)
			sent := map[os.Signal]int{}
			for _, sig := range []syscall.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGWINCH, unix.SIGCONT, unix.SIGALRM, unix.SIGIO} {
				if err := c.send(snib, command, sig); err != nil {
					t.Fatal(err)
				}
				sent[sig] = 1
			}
			for range sent {
				if _, err := s.lines.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(100 * time.Millisecond) // for what must not come
			if err := unix.Kill(command, unix.SIGUSR2); err != nil {
				t.Fatal(err)
			}
			s.line(t, fmt.Sprint(sent))
			if err := s.cmd.Wait(); err != nil {
				t.Errorf("%v: %s", err, s.err)
			}
		})
	}
}

// TestWhyDies: a signal that ends the command ends snib likewise, after the report.
func TestWhyDies(t *testing.T) {
	needABI(t, 1)
	needOneGuest(t)
	for _, sig := range []syscall.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGKILL} {
		if signal.Ignored(sig) {
			continue // as nohup(1) has it
		}
		s := supervise(t, nil, "ready")
		s.line(t, "ready")
		pid := s.cmd.Process.Pid
		if sig == unix.SIGKILL {
			pid = childOf(t, pid)
		}
		if err := unix.Kill(pid, sig); err != nil {
			t.Fatal(err)
		}
		s.cmd.Wait()
		if status := s.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != sig {
			t.Errorf("%v: %v", sig, s.cmd.ProcessState)
		}
	}
}

// TestWhyKilled: who kills the tracer kills the command, which would be the same process without --why.
func TestWhyKilled(t *testing.T) {
	needABI(t, 1)
	s := supervise(t, nil, "ready")
	s.line(t, "ready")
	command := childOf(t, s.cmd.Process.Pid)
	fd, err := unix.PidfdOpen(command, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	n, err := 0, error(unix.EINTR)
	for err == unix.EINTR {
		n, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(launchTime.Milliseconds()))
	}
	if n != 1 || err != nil {
		t.Errorf("the command lives on: %v", err)
	}
}

// TestWhyStops: a command that stops stops snib, as a shell would see it, and continues with it.
func TestWhyStops(t *testing.T) {
	needOneGuest(t)
	needABI(t, 1)
	for _, sig := range []syscall.Signal{unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN} {
		for _, group := range []bool{false, true} {
			t.Run(fmt.Sprint(sig, group), func(t *testing.T) {
				s := supervise(t, nil, "stop", fmt.Sprint(int(sig)))
				s.line(t, "stopping")
				snib := s.cmd.Process.Pid
				var status unix.WaitStatus
				if _, err := unix.Wait4(snib, &status, unix.WUNTRACED, nil); err != nil || !status.Stopped() {
					t.Fatalf("%v, %v: %s", status, err, s.err)
				}
				if group {
					snib = -snib
				}
				if err := unix.Kill(snib, unix.SIGCONT); err != nil {
					t.Fatal(err)
				}
				s.line(t, "continued")
				if err := s.cmd.Wait(); err != nil {
					t.Errorf("%v: %s", err, s.err)
				}
			})
		}
	}
}

// TestWhyContinues: a command that a process of its own lets go on goes on, though it has stopped and no terminal is there.
func TestWhyContinues(t *testing.T) {
	needOneGuest(t)
	needABI(t, 1)
	for range 3 {
		r := start(t, release.path, []string{"snib", "--why", "--", probePath, "stopContinued", probePath}, func(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} })
		if r.code != 0 || r.stdout != "continued\n" {
			t.Errorf("%+v", r)
		}
	}
}

// TestWhyLeavesBehind: what the command leaves behind lives on, untraced.
func TestWhyLeavesBehind(t *testing.T) {
	needABI(t, 1)
	for _, c := range []struct {
		op  []string
		say string
	}{
		{[]string{"leave", rolePath("waiting")}, "waiting "},
		{[]string{"leave", probePath, "leave", rolePath("waiting")}, "waiting "},
		{[]string{"leaveVforking"}, ""},
	} {
		in, stdin, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		out, stdout, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r := start(t, release.path, slices.Concat([]string{"snib", "--why", "--", probePath}, c.op), func(cmd *exec.Cmd) { cmd.Stdin, cmd.Stdout, cmd.Stderr = in, stdout, stdout })
		in.Close()
		stdout.Close()
		if r.code != 0 {
			t.Errorf("%q: %+v", c.op, r)
		}
		answer := make(chan string)
		go func() {
			all, _ := io.ReadAll(out)
			answer <- string(all)
		}()
		time.Sleep(50 * time.Millisecond) // what is killed is so by then
		stdin.WriteString("\n")
		stdin.Close()
		select {
		case got := <-answer:
			want := "v\n"
			if c.say != "" {
				want = "original original\n"
			}
			if !strings.HasSuffix(got, want) {
				t.Errorf("%q: %q, want %q", c.op, got, want)
			}
		case <-time.After(launchTime):
			t.Errorf("%q: no end", c.op)
		}
		out.Close()
	}
}

// TestWhyDescriptors: --keep-fd and --status-fd are as without --why, and snib keeps none of them open itself.
func TestWhyDescriptors(t *testing.T) {
	needABI(t, 1)
	needOneGuest(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	s := &exec.Cmd{Path: release.path, Args: []string{"snib", "--why", "--status-fd", "3", "--", probePath, "ready"}, ExtraFiles: []*os.File{write}}
	stdin, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	timer := time.AfterFunc(launchTime, func() { s.Process.Kill() })
	defer timer.Stop()
	// The end of the file comes while the command runs.
	said, err := io.ReadAll(read)
	if err != nil || string(said) != "{\"schema\":\"snib-status-2\",\"status\":\"sandboxed\"}\n" {
		t.Errorf("%q, %v", said, err)
	}
	if err := s.Process.Signal(unix.Signal(0)); err != nil {
		t.Errorf("it has ended: %v", err)
	}
	stdin.Close()
	s.Process.Kill()
	s.Wait()

	for _, c := range []struct {
		options []string
		want    string
	}{{[]string{"--keep-fd", "20"}, "ok EBADF"}, {nil, "EBADF EBADF"}} {
		r := start(t, release.path, slices.Concat([]string{"snib", "--why"}, c.options, []string{"--", probePath, "each", "open", "20", ",", "open", "21"}), func(cmd *exec.Cmd) {
			cmd.ExtraFiles = slices.Repeat([]*os.File{read}, 21-2)
		})
		if got := strings.TrimSpace(r.stdout); got != c.want {
			t.Errorf("%q: %s, want %s: %+v", c.options, got, c.want, r)
		}
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	r := start(t, release.path, []string{"snib", "--why", "--status-fd", "3", "--", filepath.Join(scratch(t), "missing")}, func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{null} })
	if r.code != 127 {
		t.Errorf("%+v", r)
	}
}

// forbidding has a filter answer one system call with EPERM, and executes a command.
func forbidding(args []string) int {
	runtime.LockOSThread()
	code := []bpf.RawInstruction{
		{Op: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: dataNr},
		{Op: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(atoi(args[0])), Jf: 1},
		{Op: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Op: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	errno := setNoNewPrivs()
	if errno == 0 {
		errno = installFilter(code, 0)
	}
	runtime.KeepAlive(code)
	if errno == 0 {
		fmt.Println(unix.Exec(args[1], args[2:], os.Environ()))
	}
	fmt.Println(errno)
	return 1
}

// TestWhyUntraceable: where the command cannot be traced, nothing runs.
func TestWhyUntraceable(t *testing.T) {
	needABI(t, 1)
	eachBuild(t, func(t *testing.T, b *build) {
		argv := []string{"forbidding", fmt.Sprint(unix.SYS_PTRACE), b.path, "snib", "--why", "--", probePath, "read", "/"}
		r := start(t, rolePath("forbidding"), argv, nil)
		if r.code != 125 || r.stdout != "" || !strings.HasPrefix(r.stderr, "snib: error: --why cannot trace the command: operation not permitted\nsnib: hint: ") {
			t.Errorf("%+v", r)
		}
		argv[4] = "--network" // the control
		if r := start(t, rolePath("forbidding"), argv, nil); r.code != 0 || r.stdout != "ok\n" {
			t.Errorf("without --why: %+v", r)
		}
	})
}

// TestWhyTracer: a command that traces cannot, and that is said once.
func TestWhyTracer(t *testing.T) {
	needABI(t, 6)
	if got := release.outcome(t, []string{"snib", "--"}, "onOwn", rolePath("waiting")); !strings.Contains(got, "ok") {
		t.Skip("needs a kernel and a user that may trace")
	}
	_, report := whyProbe(t, []string{"snib", "--"}, "onOwn", rolePath("waiting"))
	if len(report.Notes) != 1 || !strings.Contains(report.Notes[0], "cannot trace") {
		t.Errorf("%q", report.Notes)
	}
	for _, d := range report.Denials {
		if d.Action == "trace" {
			t.Errorf("told: %+v", d)
		}
	}
}

// TestWhyFilterKills: a process that the filter kills is told, with the call.
func TestWhyFilterKills(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	if runtime.GOARCH != "amd64" {
		t.Skip("needs another guest: the kernel is no part of it")
	}
	const x32 = 0x40000000
	r, report := whyOf(t, release.path, []string{"snib", "--", probePath, "rawCall", fmt.Sprint(x32 | unix.SYS_GETPPID)}, nil)
	if r.code != -int(unix.SIGSYS) || report.Exit != 128+int(unix.SIGSYS) || len(report.Denials) == 0 || !slices.ContainsFunc(report.Denials, func(d whyDenial) bool { return d.Call == "a call of x32" }) {
		t.Errorf("%+v", r)
	}
}
