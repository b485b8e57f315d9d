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
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// launchKind is one kind of policy, and what it takes of the kernel.
type launchKind struct {
	name  string
	argv  []string // before the command; @ for the writable directory
	asks  string   // what it restricts
	calls []string // of the launch, from after its own execve to the command's
}

// ruleCalls are what one path costs.
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
	kinds := []launchKind{
		{"own options", []string{"snib", "-w", "@"}, "writes network",
			slices.Concat(closing, probing, asking, creating, always, ruleCalls("@"), locking)},
		{"network on", []string{"snib", "--network", "-w", "@"}, "writes",
			slices.Concat(closing, probing, asking, creating, always, ruleCalls("@"), locking)},
		{"sockets open", []string{"snib", "--unix", "/", "--network", "-w", "@"}, "writes",
			slices.Concat(closing, probing, asking, creating, always, ruleCalls("@"), locking)},
		{"descriptor kept", []string{"snib", "--keep-fd", "0"}, "writes network",
			slices.Concat([]string{"fcntl"}, closing, probing, asking, creating, always, locking)},
		{"helper, options", []string{"codex-linux-sandbox", "-s", "disk-write-folder=@"}, "writes network",
			slices.Concat(closing, probing, creating, always, ruleCalls("@"), locking)},
		{"helper, positional", []string{"codex-linux-sandbox", "@", `{"mode":"workspace-write"}`}, "writes network",
			slices.Concat(closing, probing, creating, always, ruleCalls("@"), ruleCalls("/tmp"), locking)},
		{"helper, flags", []string{"codex-linux-sandbox", "--sandbox-policy-cwd", "/nonexistent", "--sandbox-policy", flags}, "writes network",
			slices.Concat(closing, probing, asking, creating, always, ruleCalls("@"), []string{`openat "/nonexistent"`}, locking)},
		{"helper, network only", []string{"codex-linux-sandbox", "-s", "disk-full-write-access"}, "network",
			slices.Concat(closing, networkOnly)},
		{"helper, nothing restricted", []string{"codex-linux-sandbox", "/", `{"mode":"danger-full-access"}`}, "", []string{"execve"}},
	}
	if kernelABI() >= firstPorts {
		ports := []string{"landlock_add_rule", "landlock_add_rule"}
		kinds = append(kinds, launchKind{"ports", []string{"snib", "--connect", "80", "-w", "@", "--connect=443"}, "writes",
			slices.Concat(closing, probing, asking, creating, always, ruleCalls("@"), ports, locking)})
	}
	if kernelABI() >= confinesUnix {
		kinds = append(kinds, launchKind{"sockets beneath a path", []string{"snib", "--unix", "@", "-w", "/tmp"}, "writes network",
			slices.Concat(closing, probing, asking, creating, always, ruleCalls("/tmp"), ruleCalls("@"), locking)})
	}
	return kinds
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

// calls lists the calls in a trace after the first execve, with the path of an openat or openat2, and checks that there is only one
// thread.
func calls(t testing.TB, trace string) (list []string) {
	t.Helper()
	lines := traceLine().FindAllStringSubmatch(trace, -1)
	for _, line := range lines[1:] {
		if line[1] != lines[0][1] {
			t.Errorf("a second thread: %s", line[0])
		}
		name := line[2]
		if name == "openat" || name == "openat2" {
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
	t.Parallel()
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

// docs/internals.md shows an auditor the calls of one launch: they are those that strace shows.
func TestDocumentedCalls(t *testing.T) {
	page, err := os.ReadFile("docs/internals.md")
	if err != nil {
		t.Skip("needs the source")
	}
	_, section, is := strings.Cut(string(page), "\n## How it starts\n")
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
	p := policy{restrictWrites: true, network: networkLocal}
	rules := newRuleset(&p, 7)
	code := buildFilter(new([maxInstructions]bpf.RawInstruction), filterConfig(&p, 7, !rules.empty()))
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

// straceFaults are what becomes of each call of a launch, one at a time; a leading "=" is a success value that it should not
// have. They show that the failing kernel of faults_test.go, which tries far more, is like the real one.
func straceFaults() map[string][]string {
	return map[string][]string{
		"close_range":             {"ENOSYS"},
		"getsockopt":              {"EPERM"},
		"landlock_create_ruleset": {"ENOSYS", "EOPNOTSUPP", "=0", "=999"},
		"openat":                  {"ENOENT", "EMFILE"},
		"landlock_add_rule":       {"EINVAL", "=1"},
		"close":                   {"EIO"},
		"capget":                  {"EPERM"},
		"capset":                  {"EPERM", "=0"},
		"prctl":                   {"EPERM", "=1"},
		"landlock_restrict_self":  {"E2BIG", "=1"},
		"seccomp":                 {"EINVAL", "=4321"},
		"execve":                  {"ENOENT", "EPERM"},
	}
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
	switch name {
	case "close_range":
		return 125, "close_range"
	case "getsockopt", "close":
		return 0, "" // local IPC is not trusted; the descriptor is closed
	case "landlock_create_ruleset":
		switch {
		case f.first && f.value == "=999":
			return 125, "landlock_create_ruleset: invalid argument"
		case f.first:
			return 125, "landlock is not available"
		case f.value[0] == '=':
			return 125, `landlock_add_rule for "/"`
		}
		return 125, "landlock_create_ruleset"
	case "openat":
		switch {
		case path == `"/"`, f.value == "EMFILE":
			return 125, "open " + path
		case path == `"@"`:
			return 125, "writable path"
		}
		return 0, "" // the path is not granted
	case "landlock_add_rule":
		if f.value == "EINVAL" && f.nth > 2 {
			return 0, "" // the path is granted as a file
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

// TestStraceFaults makes calls of the launch fail: the command does not run and the message names the step, or it runs with
// nothing less than the policy's restrictions. The same fault in process ends in the same words.
func TestStraceFaults(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	needLong(t)
	if kernelABI() > 9 {
		t.Skip("needs a kernel to which ABI 999 is a lie")
	}
	kind := launchKinds()[0]
	injected, ran := 0, 0
	seen := map[string]int{}
	for _, call := range kind.calls {
		name, _, _ := strings.Cut(call, " ")
		seen[name]++
		for _, value := range straceFaults()[name] {
			f := fault{kind: kind, call: call, nth: seen[name], first: name == "landlock_create_ruleset" && seen[name] == 1, value: value}
			injected++
			if f.inject(t) {
				ran++
			}
		}
	}
	t.Logf("%d faults, of which %d let the command run, restricted", injected, ran)
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
	if said := f.inProcess(t, argv); said != r.stderr {
		t.Errorf("%s: in process %q, under strace %q", label, said, r.stderr)
	}
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
	case code != 0 && (r.stdout != "" || !strings.Contains(r.stderr, message)):
		t.Errorf("%s: stdout %q, stderr %q, want %q", label, r.stdout, r.stderr, message)
	}
	return r.stdout != ""
}

// capable tells whether a launch has capabilities to drop.
func capable() bool {
	var data [2]unix.CapUserData
	if unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &data[0]) != nil {
		return false
	}
	held := uint64(data[1].Permitted|data[1].Inheritable)<<32 | uint64(data[0].Permitted|data[0].Inheritable)
	return held&^keptCapabilities != 0
}
