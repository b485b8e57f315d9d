package main

// What a caller can learn: whether the command ran (--status-fd), whether all of the policy is enforced (--strict), what the
// kernel can enforce (--status), and what it denied (--log).

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// statusLines launches with --status-fd 20 and returns what was written there, whole, and the run.
func statusLines(t testing.TB, b *build, before []string, after ...string) (string, run) {
	t.Helper()
	file, err := os.Create(scratch(t) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p := preparation{Path: b.path, Argv: slices.Concat([]string{"snib"}, before, []string{"--status-fd", "20"}, after),
		Duplicate: map[int]int{20: 3}, Env: []string{"PATH=/nonexistent"}}
	r := p.start(t, func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{file} })
	content, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(content), r
}

const (
	sandboxedLine    = `{"schema":"snib-status-2","status":"sandboxed"}` + "\n"
	unrestrictedLine = `{"schema":"snib-status-2","status":"unrestricted"}` + "\n"
)

// failedLine is the line of a failure.
func failedLine(code int, message, hint string) string {
	o, err := json.Marshal(struct {
		Schema string `json:"schema"`
		Status string `json:"status"`
		Exit   int    `json:"exit"`
		Error  string `json:"error"`
		Hint   string `json:"hint"`
	}{"snib-status-2", "failed", code, message, hint})
	if err != nil {
		panic(err)
	}
	return string(o) + "\n"
}

// TestStatusFD: a first line and then the end of the file is a command that was executed, a line of a failure one that was not.
func TestStatusFD(t *testing.T) {
	t.Parallel()
	needOneGuest(t)
	needABI(t, 1)
	eachBuild(t, func(t *testing.T, b *build) {
		for _, kind := range launchKinds() {
			t.Run(kind.name, func(t *testing.T) {
				dir := scratch(t)
				root, outside := dir+"/root", dir+"/outside"
				if err := os.Mkdir(root, 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(outside, nil, 0o644); err != nil {
					t.Fatal(err)
				}
				want, escaped := sandboxedLine, "escaped:\n"
				if kind.asks == "" {
					want, escaped = unrestrictedLine, ""
				}
				argv := ownArgv(substitute(kind.argv, root))
				got, r := statusLines(t, b, nil, append(argv, probePath, "escape", kind.asks, outside)...)
				if got != want || r.code != 0 || escaped != "" && r.stdout != escaped {
					t.Errorf("%q, %+v", got, r)
				}
				// The command has not got the descriptor.
				if got, r := statusLines(t, b, nil, append(argv, probePath, "open", "20")...); got != want || r.stdout != "EBADF\n" {
					t.Errorf("the descriptor is left open: %q, %+v", got, r)
				}
				got, r = statusLines(t, b, nil, append(argv, "missing")...)
				if want += failedLine(127, `command "missing" not found in PATH`, ""); got != want || r.code != 127 {
					t.Errorf("a command that does not exist: %q, want %q; %+v", got, want, r)
				}
			})
		}

		// What fails earlier is one line, if it comes after the option.
		usage := `"snib --help" prints the usage`
		for _, c := range []struct {
			before, after []string
			want          string
		}{
			{nil, nil, failedLine(125, "no command to run", usage)},
			{nil, []string{"--bad", "x"}, failedLine(125, `unknown option "--bad"`, usage)},
			{nil, []string{"-w", "/nonexistent", "x"}, failedLine(125, `writable path "/nonexistent": no such file or directory`, "create it first, or leave it out")},
			{nil, []string{"--keep-fd", "77", "x"}, failedLine(125, `"77" names a descriptor that is not open`, "open it where snib is started, or leave the option out")},
			{nil, []string{"--as", "codex-linux-sandbox", "/", `{"mode":1}`, "x"}, failedLine(125, `policy: found "1" at byte 8, expected a string`, "")},
			{[]string{"--bad"}, []string{"x"}, ""},
		} {
			got, r := statusLines(t, b, c.before, c.after...)
			if got != c.want || r.code != 125 || r.stdout != "" {
				t.Errorf("%q: %q, want %q; %+v", c.after, got, c.want, r)
			}
		}
	})
}

// A status that cannot be written is a failure, and nothing runs: a full device, a pipe that nobody reads, and descriptors that
// are not open for writing.
func TestStatusUnwritten(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	open := func(flags int) *os.File {
		file, err := os.OpenFile("/dev/full", flags, 0)
		if err != nil {
			t.Skip("needs /dev/full")
		}
		t.Cleanup(func() { file.Close() })
		return file
	}
	reader, broken, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	defer broken.Close()
	const unwritable = `"20" names a descriptor that is not open for writing` + "\nsnib: hint: open it for writing: --status-fd N N>FILE"
	eachBuild(t, func(t *testing.T, b *build) {
		for _, c := range []struct {
			file *os.File
			want string
		}{
			{open(os.O_WRONLY), `write to the status descriptor "20": no space left on device`}, {broken, `write to the status descriptor "20": broken pipe`},
			{open(os.O_RDONLY), unwritable}, {open(unix.O_PATH), unwritable},
		} {
			for _, argv := range [][]string{{}, {"--as", "codex-linux-sandbox", "/", `{"mode":"danger-full-access"}`}} {
				new := scratch(t) + "/new"
				p := preparation{Path: b.path, Argv: slices.Concat([]string{"snib", "--status-fd", "20"}, argv, []string{probePath, "create", new}), Duplicate: map[int]int{20: 3}}
				r := p.start(t, func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{c.file} })
				if r != (run{code: 125, stderr: "snib: error: " + c.want + "\n"}) {
					t.Errorf("%q: %+v, want %q", argv, r, c.want)
				}
				if _, err := os.Lstat(new); err == nil {
					t.Error("the command ran")
				}
			}
		}
	})
	checkRefused(t, []string{"snib", "--status-fd", "77", "X"}, 125, "snib: error: \"77\" names a descriptor that is not open\nsnib: hint: open it where snib is started, or leave the option out\n")
}

// The readers that the manual shows, for commands that run, of which one ends by itself with 127, for launches that fail, and
// for no launch at all.
func TestStatusReaders(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	needLong(t)
	page, err := os.ReadFile("docs/status.md")
	if err != nil {
		t.Skip("needs the source")
	}
	for language, argv := range map[string][]string{"sh": {"sh"}, "python3": {"python3"}, "go": {"go", "run"}} {
		_, source, is := strings.Cut(string(page), "```"+language+"\n")
		source, _, isToo := strings.Cut(source, "```")
		if !is || !isToo {
			t.Fatalf("no reader for %s", language)
		}
		t.Run(language, func(t *testing.T) {
			interpreter := need(t, argv[0])
			bin := scratch(t)
			if err := os.Symlink(release.path, bin+"/snib"); err != nil {
				t.Fatal(err)
			}
			file := scratch(t) + "/reader.go"
			if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				command []string
				want    string
			}{
				{[]string{"sh", "-c", "exit 127"}, "ran: 127"},
				{[]string{"missing"}, `did not run: command "missing" not found in PATH`},
				{[]string{"-w", "/nonexistent", "true"}, `did not run: writable path "/nonexistent": no such file or directory`},
				{[]string{"--as", "codex-linux-sandbox", "/", `{"mode":"danger-full-access"}`, "sh", "-c", "exit 7"}, "ran: 7"},
				{[]string{"--status"}, `did not run: --status cannot be used with "--status-fd"`},
				{[]string{"--bpf", "/dev/null"}, "did not run: no status"},
			} {
				r := start(t, interpreter, slices.Concat(argv, []string{file}, c.command), func(cmd *exec.Cmd) {
					cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
				})
				if strings.TrimSpace(r.stdout) != c.want {
					t.Errorf("%q: %+v, want %q", c.command, r, c.want)
				}
			}
		})
	}
}

// The status leaves the signal mask as it was; only around the write SIGPIPE is blocked.
func TestStatusSignalMask(t *testing.T) {
	needABI(t, 1)
	dir := scratch(t)
	stdio, err := os.Create(dir + "/stdio")
	if err != nil {
		t.Fatal(err)
	}
	defer stdio.Close()
	tiny := tinyProgram(t, dir+"/tiny")
	p := preparation{Path: tiny, Argv: []string{tiny}, Block: nil, Duplicate: map[int]int{20: 1}}
	want := p.traced(t, 1, stdio, dir)
	p.Path, p.Argv = release.path, []string{"snib", "--status-fd", "20", tiny}
	if got := p.traced(t, 2, stdio, dir); got["SigBlk"] != want["SigBlk"] || got["SigIgn"] != want["SigIgn"] {
		t.Errorf("blocked %s, directly %s", got["SigBlk"], want["SigBlk"])
	}
}

// TestStrict: what this kernel leaves open stops the launch, if it is asked for.
func TestStrict(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	unrestricted := []string{"--as", "codex-linux-sandbox", "/", `{"mode":"danger-full-access"}`}
	eachBuild(t, func(t *testing.T, b *build) {
		for _, args := range [][]string{{}, {"--network"}, {"--as", "codex-linux-sandbox", "--"}} {
			if got := b.outcome(t, slices.Concat([]string{"snib"}, args), "read", "/"); got != "ok" {
				t.Errorf("not strict, %q: %s", args, got)
			}
			argv := slices.Concat([]string{"snib", "--strict"}, args)
			if kernelABI() >= 5 {
				if got := b.outcome(t, argv, "read", "/"); got != "ok" {
					t.Errorf("%q: %s", argv, got)
				}
				continue
			}
			checkRefused(t, append(argv, "X"), 125, "snib: error: this kernel cannot enforce ioctl_dev\nsnib: hint: \"snib --status\" prints what it can enforce; to run the command with that, leave --strict out\n")
		}
		if got := b.outcome(t, append([]string{"snib", "--strict"}, unrestricted...), "read", "/"); got != "ok" {
			t.Errorf("nothing restricted: %s", got)
		}
	})
}

// TestLost: what a kernel of each ABI leaves open of the policies that there are.
func TestLost(t *testing.T) {
	for _, c := range []struct {
		policy policy
		want   map[int]string
	}{
		{policy{restrictWrites: true, network: networkLocal}, map[int]string{1: "ioctl_dev signal", 4: "ioctl_dev signal", 5: "signal", 6: "", 11: ""}},
		{policy{restrictWrites: true, signals: true}, map[int]string{1: "ioctl_dev", 5: ""}},
		{policy{grammar: codexFlags, restrictWrites: true}, map[int]string{1: "ioctl_dev", 5: ""}},
		{policy{grammar: codexOptions, network: networkStrict}, map[int]string{0: "", 1: "", 11: ""}},
		{policy{grammar: codexFlags}, map[int]string{0: "", 11: ""}},
	} {
		for abi, want := range c.want {
			got := ""
			if i := lost(&c.policy, abi); i >= 0 {
				got = rights[i].name
			}
			if first, _, _ := strings.Cut(want, " "); got != first {
				t.Errorf("%+v, ABI %d: %q, want %q", c.policy, abi, got, first)
			}
			if all := fmt.Sprint(protections(&c.policy, abi).lost); all != "["+want+"]" && abi > 0 {
				t.Errorf("%+v, ABI %d: explained as %s, want %q", c.policy, abi, all, want)
			}
		}
	}
}

// --log asks the kernel to log; strace sees how.
func TestLogFlags(t *testing.T) {
	needABI(t, 1)
	tiny := tinyProgram(t, scratch(t)+"/tiny")
	for _, log := range []bool{false, true} {
		argv := []string{"snib", "--", tiny}
		want := []string{"landlock_restrict_self(3, 0)", "seccomp(0x1, 0, "}
		if log {
			argv = []string{"snib", "--log", "--", tiny}
			want[1] = "seccomp(0x1, 0x2, "
			if kernelABI() >= logsExec {
				want[0] = "landlock_restrict_self(3, 0x2)"
			}
		}
		_, trace := straced(t, argv, "-X", "raw")
		for _, call := range want {
			if !strings.Contains(trace, call) {
				t.Errorf("log %v: no %s in\n%s", log, call, trace)
			}
		}
	}
}

// The exit code follows from the ABI and from what was seen, here of kernels that this one may not be.
func TestStatusExit(t *testing.T) {
	for _, c := range []struct {
		name string
		abi  int
		trial
		want int
	}{
		{"all holds", 9, trial{holds: true, possible: true, abi: 1, essential: true}, 0},
		{"no Landlock", 0, trial{possible: true, abi: 1, essential: true}, 125},
		{"no filter", 9, trial{possible: true, essential: true}, 125},
		{"inside a filter already", 9, trial{essential: true}, 0},
		{"not denied", 9, trial{possible: true, abi: 4}, 1},
		{"not denied before its ABI", 9, trial{possible: true, abi: 10}, 0},
		{"a right left open", 4, trial{holds: true, possible: true, abi: 1, essential: true}, 1},
	} {
		s := &kernelStatus{abi: c.abi, tried: []trial{c.trial}}
		if got := s.exitCode(); got != c.want {
			t.Errorf("%s: exit %d, want %d", c.name, got, c.want)
		}
	}
}

// --status finds out by trying what the other tests find out on this kernel.
func TestStatus(t *testing.T) {
	want := 0
	switch abi := kernelABI(); {
	case abi == 0:
		want = 125
	case abi < 5:
		want = 1 // nothing denies ioctls on devices
	}
	eachBuild(t, func(t *testing.T, b *build) {
		text, document := b.snib(t, "--status"), b.snib(t, "--status=json")
		if text.code != want || document.code != want || text.stderr != b.saysItsForm() || document.stderr != text.stderr {
			t.Fatalf("want exit %d: %+v\n%+v", want, text, document)
		}
		verdict := map[int]string{
			0:   "snib works here, and this kernel enforces everything that it promises",
			1:   "snib works here, but this kernel leaves open: ioctl_dev signal",
			125: "snib cannot restrict writing here: Landlock is not available",
		}[want]
		if !strings.HasSuffix(text.stdout, "\n\n"+verdict+"\n") {
			t.Errorf("ends without %q: %q", verdict, text.stdout)
		}
		var s struct {
			Schema       string
			ABI          int `json:"landlock_abi"`
			Exit         int
			Missing      []string
			NoNewPrivs   bool `json:"no_new_privs"`
			InsideFilter bool `json:"inside_filter"`
			Tried        []struct {
				Name            string
				Holds, Possible bool
				ABI             int
			}
			Namespaces []struct {
				Option, Error string
				Available     bool
			}
		}
		if err := json.Unmarshal([]byte(document.stdout), &s); err != nil {
			t.Fatal(err)
		}
		if s.Schema != "snib-kernel-2" || s.ABI != kernelABI() || s.Exit != want || (len(s.Missing) > 0) != (kernelABI() < 5) || s.InsideFilter != filteredAlready() {
			t.Errorf("%+v", s)
		}
		from := map[string]int{"files": 1, "device ioctls": 5, "filter": 0, "tcp": 4, "udp": 10, "abstract sockets": 6, "signals": 6, "log": logsExec}
		for _, trial := range s.Tried {
			if abi, is := from[trial.Name]; !is || !trial.Possible || trial.ABI != abi || trial.Holds != (kernelABI() >= abi) {
				t.Errorf("%+v on ABI %d", trial, kernelABI())
			}
			delete(from, trial.Name)
		}
		if len(from) > 0 {
			t.Errorf("not tried: %v", from)
		}
		had := kernelABI() > 0 && haveNamespaces() == nil && (b != &plain || os.Geteuid() == 0)
		for i, option := range []string{"--loopback", "--protect"} {
			if available := strings.Contains(text.stdout, fmt.Sprintf("\n%-18savailable\n", option)); available != had {
				t.Errorf("%s available: %v, want %v: %q", option, available, had, text.stdout)
			}
			if n := s.Namespaces[i]; len(s.Namespaces) != 2 || n.Option != option || n.Available != had || (n.Error == "") != had {
				t.Errorf("namespaces %+v, want %v", s.Namespaces, had)
			}
		}
		// What it tried is gone with its threads, and what it is asked inside a sandbox is what holds there.
		if kernelABI() > 0 {
			inside := b.snib(t, "--", b.path, "--status=json")
			if err := json.Unmarshal([]byte(inside.stdout), &s); err != nil || !s.InsideFilter || !s.NoNewPrivs || inside.code != want {
				t.Errorf("inside: %v, %+v", err, inside)
			}
			if len(s.Namespaces) != 2 || s.Namespaces[0].Available || s.Namespaces[1].Available {
				t.Errorf("inside, where no namespace can be had: %+v", s.Namespaces)
			}
			for _, trial := range s.Tried {
				if trial.Name == "filter" && (trial.Possible || trial.Holds) {
					t.Errorf("inside, where no internet socket can be made anyway: %+v", trial)
				}
			}
		}
	})
}

// Where there is no /dev at all, --status finds out the same.
func TestStatusWithoutDev(t *testing.T) {
	needRoot(t)
	needABI(t, 1)
	ownMounts(t)(t)
	dir := scratch(t)
	program, err := os.ReadFile(release.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(dir+"/snib", program, 0o755), os.Mkdir(dir+"/proc", 0o755), unix.Mount("/proc", dir+"/proc", "", unix.MS_BIND, "")); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir+"/proc", unix.MNT_DETACH)
	r := start(t, "/snib", []string{"snib", "--status"}, func(cmd *exec.Cmd) {
		cmd.Stdin = strings.NewReader("") // for nil os/exec opens /dev/null
		cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Chroot: dir}
	})
	if want := release.snib(t, "--status").code; r.code != want || r.stderr != "" ||
		!strings.Contains(r.stdout, "\nfiles             denied: opening /proc/thread-self/comm for writing\n") {
		t.Errorf("exit %d, want %d: %+v", r.code, want, r)
	}
}
