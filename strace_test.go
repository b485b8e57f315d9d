package main

// What the launch asks of the kernel, by strace: exactly the calls that the README lists, and what becomes of the
// command when one of them fails.

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

func init() {
	probes["escape"] = func(a []string) error { return fmt.Errorf("escaped:%s", strings.Join(escape(a[0], a[1]), ",")) }
}

// escape tries what a sandbox forbids, and returns what succeeded. asked is what the policy restricts.
func escape(asked, outside string) (done []string) {
	try := func(what string, escaped bool) {
		if escaped {
			done = append(done, what)
		}
	}
	noNewPrivs, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	try("privileges", noNewPrivs != 1 || err != nil)
	mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	try("no filter", mode != unix.SECCOMP_MODE_FILTER || err != nil)
	if strings.Contains(asked, "writes") {
		try("write", writeTo(outside, unix.O_WRONLY) == nil)
		try("create", writeTo(outside+"-new", unix.O_WRONLY|unix.O_CREAT) == nil)
		try("truncate", unix.Truncate(outside, 0) == nil)
		try("open truncating", openAndClose(outside, unix.O_RDONLY|unix.O_TRUNC) == nil)
		try("unlink", unix.Unlink(outside) == nil)
	}
	if strings.Contains(asked, "network") {
		for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM} {
			fd, err := unix.Socket(unix.AF_INET, kind, 0)
			try("socket", err == nil)
			unix.Close(fd)
		}
	}
	return done
}

// launchKind is one kind of policy, and what it takes of the kernel.
type launchKind struct {
	name  string
	argv  []string // before the command; @ for the writable directory
	asks  string   // what it restricts
	calls []string // of the launch, from after its own execve to the command's
}

// rule is what one writable path costs.
func ruleCalls(path string) []string {
	return []string{fmt.Sprintf("openat %q", path), "landlock_add_rule", "close"}
}

func launchKinds() []launchKind {
	var (
		closing  = []string{"close_range"}
		asking   = []string{"getsockopt", "getsockopt", "getsockopt"}
		probing  = []string{"landlock_create_ruleset"}
		creating = []string{"landlock_create_ruleset"}
		always   = slices.Concat(ruleCalls("/"), ruleCalls("/dev/null"))
		dropping = []string{"capget"}
		locking  = []string{"prctl", "landlock_restrict_self", "seccomp", "execve"}
	)
	if capable() {
		dropping = append(dropping, "capset", "capget")
	}
	locking = slices.Concat(dropping, locking)
	if kernelABI() < 4 {
		creating = nil // for a policy that leaves writes alone
	}
	networkOnly := slices.Concat(probing, creating, locking)
	if creating == nil {
		networkOnly = slices.Concat(probing, dropping, []string{"prctl", "seccomp", "execve"})
	}
	creating = []string{"landlock_create_ruleset"}
	const flags = `{"type":"workspace-write","writable_roots":["@"],"exclude_slash_tmp":true,"exclude_tmpdir_env_var":true}`
	return []launchKind{
		{"own options", []string{"snib", "-w", "@"}, "writes network",
			slices.Concat(closing, asking, probing, creating, always, ruleCalls("@"), locking)},
		{"network on", []string{"snib", "--network", "-w", "@"}, "writes",
			slices.Concat(closing, probing, creating, always, ruleCalls("@"), locking)},
		{"descriptor kept", []string{"snib", "--keep-fd", "0"}, "writes network",
			slices.Concat([]string{"fcntl"}, closing, asking, probing, creating, always, locking)},
		{"helper, options", []string{"codex-linux-sandbox", "-s", "disk-write-folder=@"}, "writes network",
			slices.Concat(closing, probing, creating, always, ruleCalls("@"), locking)},
		{"helper, positional", []string{"codex-linux-sandbox", "@", `{"mode":"workspace-write"}`}, "writes network",
			slices.Concat(closing, probing, creating, always, ruleCalls("@"), ruleCalls("/tmp"), locking)},
		{"helper, flags", []string{"codex-linux-sandbox", "--sandbox-policy-cwd", "/nonexistent", "--sandbox-policy", flags}, "writes network",
			slices.Concat(closing, asking, probing, creating, always, ruleCalls("@"), []string{`openat "/nonexistent"`}, locking)},
		{"helper, network only", []string{"codex-linux-sandbox", "-s", "disk-full-write-access"}, "network",
			slices.Concat(closing, networkOnly)},
		{"helper, nothing restricted", []string{"codex-linux-sandbox", "/", `{"mode":"danger-full-access"}`}, "", []string{"execve"}},
	}
}

// straced runs the release build under strace, and returns the run and its trace.
func straced(t testing.TB, argv []string, options ...string) (run, string) {
	t.Helper()
	return stracedWith(t, func(cmd *exec.Cmd) { cmd.Env = []string{"PATH=/nonexistent"} }, argv, options...)
}

// stracedWith is straced with a change of the command before it starts.
func stracedWith(t testing.TB, prepare func(*exec.Cmd), argv []string, options ...string) (run, string) {
	t.Helper()
	strace := need(t, "strace")
	dir := scratch(t)
	// strace executes a path as it is named.
	name := filepath.Join(dir, argv[0])
	if err := os.Symlink(release.path, name); err != nil {
		t.Fatal(err)
	}
	trace := filepath.Join(dir, "trace")
	full := append(append([]string{"strace", "-f", "-o", trace}, options...), append([]string{name}, argv[1:]...)...)
	r := start(t, strace, full, prepare)
	content, err := os.ReadFile(trace)
	if err != nil {
		t.Fatalf("%v, %+v", err, r)
	}
	return r, string(content)
}

var traceLine = lazy(`(?m)^(\d+) +(\w+)\((.*)$`)

// calls lists the calls in a trace after the first execve, with the path of an openat, and checks that there is only one
// thread.
func calls(t testing.TB, trace string) (list []string) {
	t.Helper()
	lines := traceLine().FindAllStringSubmatch(trace, -1)
	for _, line := range lines[1:] {
		if line[1] != lines[0][1] {
			t.Errorf("a second thread: %s", line[0])
		}
		name := line[2]
		if name == "openat" {
			name += " " + line[3][strings.Index(line[3], `"`):][:strings.Index(line[3][strings.Index(line[3], `"`)+1:], `"`)+2]
		}
		list = append(list, name)
	}
	return list
}

func substitute(words []string, dir string) (out []string) {
	for _, word := range words {
		out = append(out, strings.ReplaceAll(word, "@", dir))
	}
	return out
}

// TestSystemCalls shows that the launch makes the calls that it is documented to make, in their order, and no other.
func TestSystemCalls(t *testing.T) {
	needABI(t, 1)
	dir := scratch(t)
	tiny := tinyProgram(t, dir+"/tiny")
	for _, kind := range launchKinds() {
		t.Run(kind.name, func(t *testing.T) {
			r, trace := straced(t, append(substitute(kind.argv, dir), tiny))
			if r.code != tinyCode {
				t.Fatalf("%+v", r)
			}
			want := append(substitute(kind.calls, dir), "exit_group")
			if got := calls(t, trace); !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if strings.Contains(trace, "SIG") {
				t.Errorf("a signal:\n%s", trace)
			}
		})
	}
}

// The README shows an auditor the calls of one launch: they are those that strace shows.
func TestDocumentedCalls(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Skip("needs the source")
	}
	_, section, is := strings.Cut(string(readme), "\n## How it starts\n")
	_, block, isToo := strings.Cut(section, "$ strace ")
	block, _, _ = strings.Cut(block, "\n\n")
	if !is || !isToo {
		t.Fatal("no such section")
	}
	var documented []string
	for _, line := range strings.Split(block, "\n")[2:] {
		if name, _, is := strings.Cut(line, "("); is {
			documented = append(documented, strings.TrimSpace(name))
		}
	}
	// On a kernel of another ABI the filter has another length.
	var program program
	p := policy{restrictWrites: true, network: networkLocal}
	rules := newRuleset(&p, 7)
	code := program.build(filterConfig(&p, 7, &rules))
	if length := fmt.Sprintf("{len=%d,", len(code)); !strings.Contains(block, length) {
		t.Errorf("not documented: %s", length)
	}
	var want []string
	for _, call := range launchKinds()[0].calls {
		name, _, _ := strings.Cut(call, " ")
		if name == "capset" || name == "capget" && slices.Contains(want, "capget") {
			continue // root's two more
		}
		want = append(want, name)
	}
	if !slices.Equal(documented, want) {
		t.Errorf("documented\n%s\nwant\n%s", strings.Join(documented, "\n"), strings.Join(want, "\n"))
	}
}

// faultErrnos are the errors that each call of the launch may plausibly end in; a leading "=" is a success value that it
// should not have.
//
// A kernel that answers 0 to prctl, landlock_restrict_self or seccomp and does nothing is not among them: a launcher that
// does not believe the kernel has nothing else to believe.
var faultErrnos = map[string][]string{
	"fcntl":                   {"EBADF", "EPERM"},
	"close_range":             {"ENOSYS", "EPERM", "EINVAL"},
	"getsockopt":              {"EPERM", "ENOSYS", "EINVAL", "=0"},
	"landlock_create_ruleset": {"ENOSYS", "EOPNOTSUPP", "EPERM", "EINVAL", "ENOMEM", "E2BIG", "EMFILE", "ENFILE", "ENOMSG", "EFAULT", "=0", "=1", "=999"},
	"openat":                  {"ENOENT", "EACCES", "ENOTDIR", "ELOOP", "EPERM", "EIO", "ENOMEM", "EMFILE", "ENFILE", "ENOSYS", "=999"},
	"landlock_add_rule":       {"EINVAL", "ENOMSG", "EBADF", "EBADFD", "EPERM", "ENOMEM", "E2BIG", "ENOSYS", "EOPNOTSUPP", "=1"},
	"close":                   {"EBADF", "EIO", "EINTR"},
	"capget":                  {"EPERM", "ENOSYS", "EINVAL", "=1"},
	"capset":                  {"EPERM", "ENOSYS", "EINVAL", "=0", "=1"},
	"prctl":                   {"EINVAL", "EPERM", "ENOSYS", "=1"},
	"landlock_restrict_self":  {"EPERM", "EBADF", "EBADFD", "EINVAL", "E2BIG", "ENOMEM", "ENOSYS", "EOPNOTSUPP", "=1"},
	"seccomp":                 {"EACCES", "EFAULT", "EINVAL", "ENOMEM", "EPERM", "ENOSYS", "EOPNOTSUPP", "=1", "=4321"},
	"execve":                  {"ENOENT", "EACCES", "ENOEXEC", "E2BIG", "ENOMEM", "ELOOP", "EPERM", "EIO", "ETXTBSY", "EINVAL"},
}

// fault is one fault and what it must lead to.
type fault struct {
	kind  launchKind
	call  string // as in launchKind.calls
	nth   int    // which of the calls of that name
	first bool   // the first landlock_create_ruleset, which asks for the ABI
	value string
}

// expected returns the exit code and a part of the message; code 0 means that the command runs, with no less than what
// the policy restricts.
func (f fault) expected() (code int, message string) {
	name, path, _ := strings.Cut(f.call, " ")
	exhausted := slices.Contains([]string{"EMFILE", "ENFILE", "ENOMEM"}, f.value)
	switch name {
	case "fcntl":
		return 2, `"0" names a descriptor that is not open`
	case "close_range", "getsockopt", "close":
		return 0, "" // /proc/self/fd is read; local IPC is not trusted; the descriptor is closed
	case "landlock_create_ruleset":
		switch {
		case f.first && f.kind.asks == "network" && f.value[0] != '=':
			return 0, "" // the filter does without
		case f.first && f.value == "=1", f.first && f.value == "=0" && f.kind.asks == "network":
			return 0, "" // an older kernel, as far as can be told
		case f.first && f.value == "=0":
			return 125, "landlock is not available"
		case f.first && f.value == "=999" && f.kind.asks == "writes" && kernelABI() >= 5:
			return 0, "" // the later rights are all of the network's
		case f.first && f.value == "=999":
			return 125, "landlock_create_ruleset: invalid argument"
		case f.first:
			return 125, "landlock is not available"
		case f.value[0] == '=' && f.kind.asks == "network":
			return 125, "landlock_restrict_self"
		case f.value[0] == '=':
			return 125, `landlock_add_rule for "/"`
		}
		return 125, "landlock_create_ruleset"
	case "openat":
		switch {
		case f.value[0] == '=':
			return 125, "landlock_add_rule for " + path
		case path == `"/"`, exhausted:
			return 125, "open " + path
		case path == `"@"` && f.kind.argv[0] == "snib":
			return 2, "writable path"
		}
		return 0, "" // the path is not granted
	case "landlock_add_rule":
		if f.value == "EINVAL" && f.nth > 2 {
			return 0, "" // the path is granted as a file
		}
		if f.value == "EBADFD" && f.nth > 1 {
			return 0, "" // the path is not granted: Landlock does not restrict it
		}
		return 125, "landlock_add_rule"
	case "capget", "capset":
		return 125, "reduce the capabilities"
	case "prctl":
		return 125, "prctl PR_SET_NO_NEW_PRIVS"
	case "landlock_restrict_self":
		return 125, "landlock_restrict_self"
	case "seccomp":
		return 125, "seccomp SECCOMP_SET_MODE_FILTER"
	}
	return 126, "cannot execute"
}

// TestFaults makes every call of the launch fail, one at a time: the command does not run and the message names the step,
// or it runs with nothing less than the policy's restrictions.
func TestFaults(t *testing.T) {
	needABI(t, 1)
	if kernelABI() > 9 {
		t.Skip("needs a kernel to which ABI 999 is a lie")
	}
	var injected, ran atomic.Int32
	t.Run("each", func(t *testing.T) { // which ends when they all have
		for _, kind := range launchKinds() {
			if kind.asks == "" {
				continue
			}
			t.Run(kind.name, func(t *testing.T) {
				t.Parallel()
				seen := map[string]int{}
				for _, call := range kind.calls {
					name, _, _ := strings.Cut(call, " ")
					seen[name]++
					for _, value := range faultErrnos[name] {
						f := fault{kind: kind, call: call, nth: seen[name], first: name == "landlock_create_ruleset" && seen[name] == 1, value: value}
						injected.Add(1)
						if f.inject(t) {
							ran.Add(1)
						}
					}
				}
			})
		}
	})
	t.Logf("%d faults, of which %d let the command run, restricted", injected.Load(), ran.Load())
}

// inject runs the launch with the fault, and returns whether the command ran.
func (f fault) inject(t *testing.T) (ran bool) {
	t.Helper()
	dir := scratch(t)
	root, outside := dir+"/root", dir+"/outside"
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(outside, []byte("original"), 0o644); err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(f.call, " ")
	how, value := "error", f.value
	if value[0] == '=' {
		how, value = "retval", value[1:]
	}
	argv := append(substitute(f.kind.argv, root), probePath, "escape", f.kind.asks, outside)
	r, _ := straced(t, argv, "-e", fmt.Sprintf("inject=%s:%s=%s:when=%d", name, how, value, f.nth))
	label := fmt.Sprintf("%s %s %d %s", f.kind.name, f.call, f.nth, f.value)
	code, message := f.expected()
	message = strings.ReplaceAll(message, "@", root)
	if name == "execve" && f.value == "ENOENT" {
		message = "its interpreter does not exist"
	}
	switch {
	case r.code != code:
		t.Errorf("%s: exit %d, want %d: %s%s", label, r.code, code, r.stdout, r.stderr)
	case code == 0 && r.stdout != "escaped:\n":
		t.Errorf("%s: %s", label, r.stdout)
	case code != 0 && (r.stdout != "" || !strings.Contains(r.stderr, ": error: "+message) && !strings.Contains(r.stderr, message)):
		t.Errorf("%s: stdout %q, stderr %q, want %q", label, r.stdout, r.stderr, message)
	}
	return r.stdout != ""
}

// Without close_range(2) inherited descriptors are found in /proc/self/fd; if that fails too, nothing runs.
func TestDescriptorsWithoutCloseRange(t *testing.T) {
	needABI(t, 1)
	strace := need(t, "strace")
	dir, err := os.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	inject := func(fd int, faults ...string) run {
		trace := scratch(t) + "/trace"
		argv := []string{"strace", "-o", trace}
		for _, f := range append([]string{"close_range:error=ENOSYS"}, faults...) {
			argv = append(argv, "-e", "inject="+f)
		}
		p := preparation{
			Path: strace, Argv: append(argv, release.path, "--keep-fd", "21", probePath, "open", fmt.Sprint(fd)),
			Env: []string{"PATH=/nonexistent"}, Duplicate: map[int]int{20: 3, 21: 3, 22: 3, 500: 3},
		}
		r := p.start(t, func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{dir} })
		content, _ := os.ReadFile(trace)
		if got := strings.Count(string(content), "(INJECTED)"); got < 1+len(faults) {
			t.Fatalf("%q: %d faults:\n%.2000s", faults, got, content)
		}
		return r
	}
	for fd, want := range map[int]string{20: "EBADF", 21: "ok", 22: "EBADF", 500: "EBADF"} {
		if r := inject(fd); r != (run{stdout: want + "\n"}) {
			t.Errorf("descriptor %d: %+v", fd, r)
		}
	}
	const hint = "snib: hint: close_range(2) is blocked or missing, and /proc cannot be read: allow either\n"
	for fault, why := range map[string]string{
		"openat:error=ENOENT:when=1":    "no such file or directory",
		"getdents64:error=EPERM:when=1": "operation not permitted",
		"getdents64:error=EIO:when=2":   "input/output error",
		"getdents64:retval=0:when=1":    "file descriptor in bad state", // an empty directory
		"close:error=EPERM:when=1":      "file descriptor in bad state",
	} {
		if r := inject(20, fault); r != (run{code: 125, stderr: "snib: error: close inherited descriptors: " + why + "\n" + hint}) {
			t.Errorf("%s: %+v", fault, r)
		}
	}
}
