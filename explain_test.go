package main

// The reports: what they claim is what the launch does and what the command then can and cannot do.

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write testdata/explain anew")

// TestExplainGolden compares the plans for kernels of other ABIs with those that were read and found right, each
// architecture's on itself: SNIB_TEST_EMULATOR is what runs a program where this test is not a native one (.ci/run).
func TestExplainGolden(t *testing.T) {
	if _, err := os.Stat("go.mod"); err != nil {
		t.Skip("needs the source")
	}
	unread, err := filepath.Glob("testdata/explain/*-" + runtime.GOARCH + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"read-only":    nil,
		"workspace":    {"--as", "codex-linux-sandbox", "--sandbox-policy-cwd", "/", "--sandbox-policy", `{"type":"workspace-write","writable_roots":["/nonexistent"],"exclude_tmpdir_env_var":true}`},
		"strict":       {"--as", "codex-linux-sandbox", "-s", "disk-write-folder=/nonexistent"},
		"network-on":   {"--network", "-w", "/tmp"},
		"network-only": {"--as", "codex-linux-sandbox", "--sandbox-policy-cwd", "/", "--sandbox-policy", `{"type":"external-sandbox"}`},
	} {
		for _, abi := range []string{"0", "2", "5", "7", "11"} {
			file := fmt.Sprintf("testdata/explain/%s-%s-%s.txt", name, abi, runtime.GOARCH)
			unread = slices.DeleteFunc(unread, func(s string) bool { return s == file })
			t.Run(filepath.Base(file), func(t *testing.T) {
				path, argv := release.path, []string{"snib"}
				if emulator := os.Getenv("SNIB_TEST_EMULATOR"); emulator != "" {
					path, argv = need(t, emulator), []string{emulator, "-0", "snib", release.path}
				}
				r := start(t, path, slices.Concat(argv, []string{"--explain", "--abi", abi}, args, []string{"--", "make", "all tests"}), nil)
				if r.code != 0 || r.stderr != "" {
					t.Fatalf("%+v", r)
				}
				for _, line := range strings.Split(r.stdout, "\n") {
					if len(line) > 80 {
						t.Errorf("%d columns: %s", len(line), line)
					}
				}
				// As for a user without capabilities: root has some to drop.
				got := strings.Replace(r.stdout, "  capget\n  capset\n  capget\n", "  capget\n", 1)
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("differs from %s:\n%s", file, got)
				}
			})
		}
	}
	for _, file := range unread {
		t.Errorf("%s is compared with nothing", file)
	}
}

// explained is the JSON of --explain.
type explained struct {
	Schema  string
	Arch    string
	ABI     int `json:"landlock_abi"`
	Command []string
	Grammar string
	Writes  bool `json:"restricts_writes"`
	Network string
	Paths   []struct {
		Path, Use, Resolved string
		Exists, Directory   bool
		Access              []string
	}
	Landlock []string
	Other    []string
	Closed   []string
	Missing  []string
	Calls    []string
	Failure  string
	Filter   [][4]uint32
}

func explainJSON(t testing.TB, args ...string) explained {
	t.Helper()
	return decodeExplained(t, start(t, release.path, append([]string{"snib", "--explain=json"}, args...), nil))
}

func decodeExplained(t testing.TB, r run) explained {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(r.stdout))
	d.DisallowUnknownFields()
	var e struct {
		explained
		Snib string
	}
	if err := d.Decode(&e); err != nil || r.code != 0 || r.stderr != "" || d.More() {
		t.Fatalf("%v, %+v", err, r)
	}
	if e.Schema != "snib-explain-1" || e.Snib != version {
		t.Errorf("schema %q, snib %q", e.Schema, e.Snib)
	}
	return e.explained
}

// ownArgv is a helper's command line as snib takes it.
func ownArgv(argv []string) []string {
	if argv[0] == "snib" {
		return argv[1:]
	}
	return append([]string{"--as"}, argv...)
}

// TestExplainedCalls: the calls that are announced are those that strace sees.
func TestExplainedCalls(t *testing.T) {
	needABI(t, 1)
	dir := scratch(t)
	file := dir + "/file"
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tiny := tinyProgram(t, dir+"/tiny")
	kinds := launchKinds()
	for _, argv := range [][]string{
		{"snib", "-w", file, "--keep-fd", "1", "--log"},
		{"codex-linux-sandbox", "-s", "disk-write-folder=/nonexistent", "-s", "disk-write-cwd"},
		{"codex-linux-sandbox", "--sandbox-policy-cwd", "/", "--sandbox-policy", `{"type":"external-sandbox"}`},
	} {
		kinds = append(kinds, launchKind{name: strings.Join(argv, " "), argv: argv})
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			argv := append(substitute(kind.argv, dir), tiny)
			r := start(t, release.path, append([]string{"snib", "--explain=json"}, ownArgv(argv)...), func(cmd *exec.Cmd) {
				cmd.Env = []string{"PATH=/nonexistent"} // as under strace
			})
			var announced explained
			if err := json.Unmarshal([]byte(r.stdout), &announced); err != nil {
				t.Fatalf("%v, %+v", err, r)
			}
			if kind.calls != nil && !slices.Equal(announced.Calls, substitute(kind.calls, dir)) {
				t.Errorf("announced\n%s\nwant\n%s", strings.Join(announced.Calls, "\n"), strings.Join(kind.calls, "\n"))
			}
			r, trace := straced(t, argv)
			if r.code != tinyCode {
				t.Fatalf("%+v", r)
			}
			if seen := calls(t, trace); !slices.Equal(append(announced.Calls, "exit_group"), seen) {
				t.Errorf("announced\n%s\nseen\n%s", strings.Join(announced.Calls, "\n"), strings.Join(seen, "\n"))
			}
			// --as is the same launch under snib's name.
			r, trace = straced(t, append([]string{"snib"}, ownArgv(argv)...))
			if seen := calls(t, trace); r.code != tinyCode || !slices.Equal(append(announced.Calls, "exit_group"), seen) {
				t.Errorf("under --as: %+v\n%s", r, strings.Join(seen, "\n"))
			}
		})
	}
}

// The calls that depend on what the caller's descriptors are, with those that are announced for the same ones.
func TestExplainedDescriptors(t *testing.T) {
	needABI(t, 1)
	tiny := tinyProgram(t, scratch(t)+"/tiny")
	unixSocket := func(kind int) *os.File {
		pair, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		file := os.NewFile(uintptr(pair[0]), "socket")
		t.Cleanup(func() { file.Close(); unix.Close(pair[1]) })
		return file
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for name, stdin := range map[string]*os.File{
		"null": null, "stream": unixSocket(unix.SOCK_STREAM), "datagram": unixSocket(unix.SOCK_DGRAM),
	} {
		for _, args := range [][]string{{}, {"--keep-fd", "3", "--keep-fd=4"}, {"--keep-fd=1", "--keep-fd=4"}, {"--status-fd", "4", "--keep-fd", "3"}} {
			t.Run(fmt.Sprint(name, args), func(t *testing.T) {
				prepare := func(cmd *exec.Cmd) {
					cmd.Stdin, cmd.ExtraFiles, cmd.Env = stdin, []*os.File{unixSocket(unix.SOCK_STREAM), unixSocket(unix.SOCK_STREAM)}, []string{"A=B"}
				}
				announced := decodeExplained(t, start(t, release.path, slices.Concat([]string{"snib", "--explain=json"}, args, []string{tiny}), prepare))
				r, trace := stracedWith(t, prepare, slices.Concat([]string{"snib"}, args, []string{tiny}))
				if seen := calls(t, trace); r.code != tinyCode || announced.Failure != "" || !slices.Equal(append(announced.Calls, "exit_group"), seen) {
					t.Errorf("%+v; announced\n%s\nseen\n%s", r, strings.Join(announced.Calls, "\n"), strings.Join(seen, "\n"))
				}
			})
		}
	}
}

// A launch that would fail is announced to, in the words that it then fails with; one that would not is not.
func TestExplainedFailures(t *testing.T) {
	dir := scratch(t)
	if err := os.WriteFile(dir+"/file", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	fullAccess := []string{"--as", "codex-linux-sandbox", "/", `{"mode":"danger-full-access"}`}
	for _, c := range []struct {
		args []string
		gone bool // the current directory is one that was removed
	}{
		{args: nil},
		{args: []string{"-w", dir + "/missing"}},
		{args: []string{"-w", dir + "/file/x"}},
		{args: []string{"--keep-fd", "77"}},
		{args: []string{"--keep-fd=77"}},
		{args: []string{"--status-fd", "77"}},
		{args: append([]string{"--status-fd", "77"}, fullAccess...)},
		{args: fullAccess},
		{args: []string{"--require", "all"}},
		{args: []string{"--require", "ioctl_dev,write_file"}},
		{args: []string{"--log", "--require=log"}},
		{args: []string{"--as", "codex-linux-sandbox", "-s", "disk-write-folder=" + dir + "/missing"}},
		{args: []string{"-w", "."}, gone: true},
		{args: []string{"-w", "/proc/self/fd/0"}},
	} {
		t.Run(fmt.Sprint(c.args), func(t *testing.T) {
			start := func(argv ...string) run {
				p := preparation{Path: release.path, Argv: slices.Concat([]string{"snib"}, argv, c.args, []string{probePath, "read", "/"}), Env: []string{"A=B"},
					Gone: c.gone, Duplicate: map[int]int{20: 0}}
				return p.start(t, func(cmd *exec.Cmd) {
					// A pipe at its end.
					stdin, w, err := os.Pipe()
					if err != nil {
						t.Fatal(err)
					}
					w.Close()
					t.Cleanup(func() { stdin.Close() })
					cmd.Stdin = stdin
				})
			}
			r := start()
			failure := decodeExplained(t, start("--explain=json")).Failure
			message, _, failed := strings.Cut(strings.TrimPrefix(r.stderr, "snib: error: "), "\n")
			switch {
			case r.code == 0 && !failed && r.stdout == "ok\n":
				if failure != "" {
					t.Errorf("announced %q, and runs", failure)
				}
			case r.stdout != "" || !failed || failure != message:
				t.Errorf("announced %q, and ends in %+v", failure, r)
			}
		})
	}
}

var tracedInstruction = lazy(`BPF_(STMT|JUMP)\(([^()]*)\)`)

// TestBPF: the bytes that --bpf writes are those that strace sees installed.
func TestBPF(t *testing.T) {
	needABI(t, 1)
	dir := scratch(t)
	tiny := tinyProgram(t, dir+"/tiny")
	for _, kind := range launchKinds() {
		t.Run(kind.name, func(t *testing.T) {
			argv := append(substitute(kind.argv, dir), tiny)
			toStdout := start(t, release.path, append([]string{"snib", "--bpf", "-"}, ownArgv(argv)...), nil)
			toFile := start(t, release.path, append([]string{"snib", "--bpf", dir + "/filter"}, ownArgv(argv)...), nil)
			written, err := os.ReadFile(dir + "/filter")
			if err != nil || toFile != (run{}) || string(written) != toStdout.stdout {
				t.Fatalf("%v, %+v, %d bytes, to stdout %d", err, toFile, len(written), len(toStdout.stdout))
			}
			_, trace := straced(t, argv, "-e", "trace=seccomp", "-v", "-X", "raw")
			var seen []byte
			for _, in := range tracedInstruction().FindAllStringSubmatch(trace, -1) {
				var fields [4]uint64
				order := map[string][]int{"STMT": {0, 3}, "JUMP": {0, 3, 1, 2}}[in[1]]
				for i, field := range strings.Split(in[2], ",") {
					for _, flag := range strings.Split(strings.TrimSpace(field), "|") {
						n, err := strconv.ParseUint(flag, 0, 32)
						if err != nil {
							t.Fatal(err)
						}
						fields[order[i]] |= n
					}
				}
				seen = append(seen, byte(fields[0]), byte(fields[0]>>8), byte(fields[1]), byte(fields[2]),
					byte(fields[3]), byte(fields[3]>>8), byte(fields[3]>>16), byte(fields[3]>>24))
			}
			if !bytes.Equal(seen, written) || (len(seen) == 0) != (kind.asks == "") {
				t.Errorf("seen\n%swritten\n%s", hex.Dump(seen), hex.Dump(written))
			}
		})
	}
}

// status is the JSON of --status-fd.
type status struct {
	Schema                           string
	ABI                              int `json:"landlock_abi"`
	Network                          string
	Landlock, Other, Closed, Missing []string
}

// statusOf launches with --status-fd, and returns what was written and the run.
func statusOf(t testing.TB, b *build, argv ...string) (status, run) {
	t.Helper()
	file, err := os.Create(scratch(t) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p := preparation{Path: b.path, Argv: append([]string{"snib", "--status-fd", "20"}, argv...), Duplicate: map[int]int{20: 3}, Env: []string{"PATH=/nonexistent"}}
	r := p.start(t, func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{file} })
	content, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	var s status
	if strings.Count(string(content), "\n") != 1 || json.Unmarshal(content, &s) != nil || s.Schema != "snib-status-1" {
		t.Fatalf("%q: %q, %+v", argv, content, r)
	}
	return s, r
}

// TestStatusFD: what the status claims is what the command can and cannot do, and what --explain announces.
func TestStatusFD(t *testing.T) {
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
				argv := append(ownArgv(substitute(kind.argv, root)), probePath)
				s, r := statusOf(t, b, append(argv, "escape", kind.asks, outside)...)
				if kind.asks != "" && r.stdout != "escaped:\n" {
					t.Errorf("%+v", r)
				}
				claims := func(name string) bool {
					return slices.Contains(slices.Concat(s.Landlock, s.Closed, s.Other), name)
				}
				for name, asked := range map[string]bool{
					"write_file": strings.Contains(kind.asks, "writes"), "make_reg": strings.Contains(kind.asks, "writes"),
					"truncate": strings.Contains(kind.asks, "writes"), "network": strings.Contains(kind.asks, "network"),
					"connect_tcp": strings.Contains(kind.asks, "network"), "no_new_privs": kind.asks != "", "filter": kind.asks != "", "descriptors": kind.asks != "",
				} {
					if claims(name) != asked {
						t.Errorf("%s: claimed %v, asked %v: %+v", name, claims(name), asked, s)
					}
				}
				if strings.Contains(kind.asks, "writes") {
					// The right that nothing replaces before ABI 5, seen by an ioctl that /dev/zero does not know.
					want := map[bool]string{true: "EACCES\n", false: "ENOTTY\n"}[slices.Contains(s.Landlock, "ioctl_dev")]
					if _, r := statusOf(t, b, append(argv, "ioctlOn", "/dev/zero")...); r.stdout != want {
						t.Errorf("ioctl: %+v, want %q", r, want)
					}
					if slices.Contains(s.Missing, "ioctl_dev") == slices.Contains(s.Landlock, "ioctl_dev") {
						t.Errorf("%+v", s)
					}
				}
				if _, r := statusOf(t, b, append(argv, "open", "20")...); r.stdout != "EBADF\n" {
					t.Errorf("the descriptor is left open: %+v", r)
				}
				e := explainJSON(t, argv...)
				if s.ABI != e.ABI || s.Network != e.Network || !slices.Equal(s.Landlock, e.Landlock) || !slices.Equal(s.Other, e.Other) ||
					!slices.Equal(s.Closed, e.Closed) || !slices.Equal(s.Missing, e.Missing) {
					t.Errorf("status %+v\nexplained %+v", s, e)
				}
			})
		}
	})
}

// A status that cannot be written is a failure to apply, and nothing runs: a full device, a pipe that nobody reads, and
// a descriptor that is not open.
func TestStatusUnwritten(t *testing.T) {
	needABI(t, 1)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("needs /dev/full")
	}
	defer full.Close()
	reader, broken, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	defer broken.Close()
	eachBuild(t, func(t *testing.T, b *build) {
		for want, file := range map[string]*os.File{"no space left on device": full, "broken pipe": broken} {
			for _, argv := range [][]string{{}, {"--as", "codex-linux-sandbox", "/", `{"mode":"danger-full-access"}`}} {
				new := scratch(t) + "/new"
				p := preparation{Path: b.path, Argv: slices.Concat([]string{"snib", "--status-fd=20"}, argv, []string{probePath, "create", new}), Duplicate: map[int]int{20: 3}}
				r := p.start(t, func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{file} })
				if r != (run{code: 125, stderr: "snib: error: write to the status descriptor: " + want + "\n"}) {
					t.Errorf("%q: %+v", argv, r)
				}
				if _, err := os.Lstat(new); err == nil {
					t.Error("the command ran")
				}
			}
		}
	})
	checkRefused(t, []string{"snib", "--status-fd", "77", "X"}, 2,
		"snib: error: \"77\" names a descriptor that is not open\nsnib: hint: \"snib --help\" prints the usage\n")
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

// TestRequire: what this kernel cannot enforce stops the launch, if it is required; all else does not.
func TestRequire(t *testing.T) {
	needABI(t, 1)
	lacking := map[string]bool{"ioctl_dev": kernelABI() < 5, "log": kernelABI() < logsExec}
	names := append(protectionNames(1<<protectionCount-1), "all")
	eachBuild(t, func(t *testing.T, b *build) {
		for _, name := range names {
			args := []string{"--log", "--require", name}
			missing := ""
			switch {
			case lacking[name]:
				missing = name
			case name == "all" && lacking["ioctl_dev"]:
				missing = "ioctl_dev"
			case name == "all" && lacking["log"]:
				missing = "log"
			}
			if missing == "" {
				if got := b.outcome(t, append(append([]string{"snib"}, args...), "--"), "read", "/"); got != "ok" {
					t.Errorf("%s: %s", name, got)
				}
				continue
			}
			checkRefused(t, slices.Concat([]string{"snib"}, args, []string{"X"}), 125, "snib: error: this kernel cannot enforce "+missing+
				"\nsnib: hint: \"snib --status\" prints what it can\n")
		}
		// Not required, it is done without.
		if got := b.outcome(t, []string{"snib", "--log"}, "read", "/"); got != "ok" {
			t.Error(got)
		}
	})
	hint := "\nsnib: hint: \"snib --help\" prints the usage\n"
	for _, args := range [][]string{{"--network", "--require", "write_file,network"}, {"--require", "log"}, {"--network", "--require=connect_tcp"}} {
		word := args[len(args)-1]
		checkRefused(t, slices.Concat([]string{"snib"}, args, []string{"X"}), 2,
			"snib: error: a protection in "+strconv.Quote(word)+" is not one that the other options ask for"+hint)
	}
	// What restricts nothing denies nothing that could be logged.
	checkRefused(t, []string{"snib", "--log", "--require", "log", "--as", "codex-linux-sandbox", "/", `{"mode":"danger-full-access"}`, "X"}, 2,
		"snib: error: a protection in \"log\" is not one that the other options ask for\nsnib: hint: \"snib --as codex-linux-sandbox --help\" prints the usage\n")
	for _, list := range []string{"", "writes", "write_file,", ",all", "ALL"} {
		checkRefused(t, []string{"snib", "--require", list, "X"}, 2, "snib: error: unknown protection in "+strconv.Quote(list)+
			"\nsnib: hint: the protections are all, "+protectionList()+"\n")
	}
}

// TestProtections: asked and missing, by ABI, for the policies that there are.
func TestProtections(t *testing.T) {
	offline := []string{"abstract_unix_socket", "bind_tcp", "bind_udp", "connect_send_udp", "connect_tcp", "network"}
	for _, c := range []struct {
		policy  policy
		asks    []string
		not     []string
		missing map[int]string
	}{
		{policy{restrictWrites: true, network: networkLocal}, append(offline, "write_file", "resolve_unix"), []string{"log"},
			map[int]string{1: "ioctl_dev", 4: "ioctl_dev", 5: "", 11: ""}},
		{policy{restrictWrites: true, network: networkOn, log: true}, []string{"write_file", "log", "filter"}, append(offline, "resolve_unix"),
			map[int]string{1: "ioctl_dev log", 4: "ioctl_dev log", 5: "log", 6: "log", 7: ""}},
		{policy{network: networkStrict}, offline, []string{"write_file", "resolve_unix", "log"}, map[int]string{0: "", 1: "", 11: ""}},
		{policy{network: networkOn}, nil, append(offline, "write_file", "filter", "descriptors", "no_new_privs"), map[int]string{0: "", 11: ""}},
	} {
		asked := protectionNames(c.policy.asked())
		for _, name := range c.asks {
			if !slices.Contains(asked, name) {
				t.Errorf("%+v: does not ask for %s", c.policy, name)
			}
		}
		for _, name := range c.not {
			if slices.Contains(asked, name) {
				t.Errorf("%+v: asks for %s", c.policy, name)
			}
		}
		for abi, want := range c.missing {
			if got := strings.Join(protectionNames(c.policy.missing(abi)), " "); got != want {
				t.Errorf("%+v, ABI %d: missing %q, want %q", c.policy, abi, got, want)
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

// --status finds out by trying what the other tests find out on this kernel.
func TestStatus(t *testing.T) {
	want := 1
	switch abi := kernelABI(); {
	case abi == 0:
		want = 125
	case abi >= newestABI():
		want = 0
	}
	eachBuild(t, func(t *testing.T, b *build) {
		text, document := b.snib(t, "--status"), b.snib(t, "--status=json")
		if text.code != want || document.code != want || text.stderr+document.stderr != "" {
			t.Fatalf("want exit %d: %+v\n%+v", want, text, document)
		}
		var s struct {
			Schema         string
			Kernel         string
			ABI            int `json:"landlock_abi"`
			Exit           int
			Missing        []string
			NoNewPrivs     bool  `json:"no_new_privs"`
			InsideFilter   bool  `json:"inside_filter"`
			InsideLandlock *bool `json:"inside_landlock"`
			Tried          []struct {
				Name            string
				Holds, Possible bool
			}
		}
		if err := json.Unmarshal([]byte(document.stdout), &s); err != nil {
			t.Fatal(err)
		}
		if s.Schema != "snib-kernel-1" || s.ABI != kernelABI() || s.Exit != want || s.InsideFilter != filteredAlready() {
			t.Errorf("%+v", s)
		}
		from := map[string]int{"files": 1, "device ioctls": 5, "filter": 0, "tcp": 4, "udp": 10, "abstract sockets": 6, "log": logsExec}
		for _, trial := range s.Tried {
			if abi, is := from[trial.Name]; !is || !trial.Possible || trial.Holds != (kernelABI() >= abi) {
				t.Errorf("%+v on ABI %d", trial, kernelABI())
			}
			delete(from, trial.Name)
		}
		if len(from) > 0 {
			t.Errorf("not tried: %v", from)
		}
		// What it tried is gone with its threads, and what it is asked inside a sandbox is what holds there.
		if kernelABI() > 0 {
			inside := b.snib(t, "--", b.path, "--status=json")
			if err := json.Unmarshal([]byte(inside.stdout), &s); err != nil || !s.InsideFilter || !s.NoNewPrivs || inside.code != 1 {
				t.Errorf("inside: %v, %+v", err, inside)
			}
			for _, trial := range s.Tried {
				if trial.Name == "filter" && (trial.Possible || trial.Holds) {
					t.Errorf("inside, where no internet socket can be made anyway: %+v", trial)
				}
			}
		}
	})
}

// Reports run nothing, restrict nothing and exclude each other.
func TestReportErrors(t *testing.T) {
	hint := "snib: hint: \"snib --help\" prints the usage\n"
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--explain", "--status", "X"}, `option "--status" does not go with another report`},
		{[]string{"--bpf", "-", "--explain=json", "X"}, `option "--explain=json" does not go with another report`},
		{[]string{"--bpf", "-", "--bpf", "-"}, `option "--bpf" does not go with another report`},
		{[]string{"--explain=xml", "X"}, `option "--explain=xml" has a format that is not "json"`},
		{[]string{"--status=yaml"}, `option "--status=yaml" has a format that is not "json"`},
		{[]string{"--abi", "7", "X"}, `option "--abi" goes with --explain or --bpf`},
		{[]string{"--explain", "--abi", "-1"}, `"-1" is not the number of a Landlock ABI`},
		{[]string{"--explain", "--arch", "amd64"}, `unknown option "--arch"`},
		{[]string{"--bpf"}, `option "--bpf" needs a value`},
		{[]string{"--explain", "--bad"}, `unknown option "--bad"`},
		{[]string{"--explain", "--as", "codex-linux-sandbox", "--bad"}, `unknown option "--bad"`},
		{[]string{"--status-fd", "2", "X"}, `"2" is not the number of a descriptor above 2`},
		{[]string{"--status-fd", "3", "--status-fd=4", "X"}, `option "--status-fd=4" is given twice`},
		{[]string{"--as", "codex-linux-sandbox"}, `no command to run`},
		{[]string{"--network", "--as", "codex-linux-sandbox", "X"}, `option "--network" does not go with --as: it is the helper's options that grant`},
		{[]string{"-w", "/", "--as", "codex-linux-sandbox", "X"}, `option "-w" does not go with --as: it is the helper's options that grant`},
		{[]string{"--status-fd=2147483647", "--keep-fd", "2147483647", "X"}, `the status descriptor is closed before the command runs, and cannot be kept`},
	} {
		hint := hint
		if slices.Contains(c.args, "--as") {
			hint = strings.Replace(hint, "--help", "--as codex-linux-sandbox --help", 1)
		}
		checkRefused(t, append([]string{"snib"}, c.args...), 2, "snib: error: "+c.want+"\n"+hint)
	}
	checkRefused(t, []string{"snib", "--as", "sh", "X"}, 2, "snib: error: \"sh\" is not the name of a helper\n"+
		"snib: hint: the names are codex-linux-sandbox, codex-linux-sandbox-x64 and codex-linux-sandbox-arm64\n")
	checkRefused(t, []string{"codex-linux-sandbox", "--explain", "X"}, 2, "codex-linux-sandbox: error: unknown option \"--explain\"\n"+
		"codex-linux-sandbox: hint: \"codex-linux-sandbox --help\" prints the usage\n")
	checkRefused(t, []string{"snib", "--bpf", "/nonexistent/\x1b[1m\n", "X"}, 1, `snib: error: open "/nonexistent/\x1b[1m\n": no such file or directory`+"\n")
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	eachBuild(t, func(t *testing.T, b *build) {
		for _, args := range [][]string{{"--help"}, {"--version"}, {"--explain", "--network", "x"}, {"--explain=json", "x"}, {"--bpf", "-"}} {
			cmd := exec.Command(b.path, args...)
			cmd.Stdout = full
			var stderr strings.Builder
			cmd.Stderr = &stderr
			cmd.Run()
			if code, want := cmd.ProcessState.ExitCode(), "snib: error: write \"/dev/stdout\": no space left on device\n"; code != 1 || stderr.String() != want {
				t.Errorf("%q: exit %d, %q", args, code, stderr.String())
			}
		}
	})

	file := scratch(t) + "/ran"
	eachBuild(t, func(t *testing.T, b *build) {
		for _, argv := range [][]string{{"--explain"}, {"--explain=json"}, {"--bpf", "-"}} {
			if r := b.snib(t, slices.Concat(argv, []string{"--network", "-w", "/", "--", probePath, "create", file})...); r.code != 0 || r.stderr != "" {
				t.Errorf("%q: %+v", argv, r)
			}
		}
	})
	if _, err := os.Lstat(file); err == nil {
		t.Error("the command ran")
	}
}

// Every option is in the help, the manual page and the completions of each shell.
func TestOptionsDocumented(t *testing.T) {
	if _, err := os.Stat("snib.1"); err != nil {
		t.Skip("needs the source")
	}
	files := map[string]func(o option) string{
		"snib.1":                func(o option) string { return "Fl \\-" + strings.TrimPrefix(o.long, "--") },
		"completions/snib.bash": func(o option) string { return o.long },
		"completions/_snib":     func(o option) string { return o.long },
		"completions/snib.fish": func(o option) string { return "-l " + strings.TrimPrefix(o.long, "--") },
	}
	word := func(text, s string) bool {
		return regexp.MustCompile(`(^|[^\w-])` + regexp.QuoteMeta(s) + `($|[^\w-])`).MatchString(text)
	}
	for file, form := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range ownOptions {
			if !word(string(content), form(o)) {
				t.Errorf("%s: no %s", file, o.long)
			}
		}
	}
	for _, o := range ownOptions {
		if o.help == "" || !word(help("snib", false), o.long) {
			t.Errorf("help: no %s", o.long)
		}
	}
}

// The manual page and the completions are what their readers take.
func TestDocumentsAreValid(t *testing.T) {
	if _, err := os.Stat("snib.1"); err != nil {
		t.Skip("needs the source")
	}
	for _, argv := range [][]string{
		{"mandoc", "-T", "lint", "-W", "style", "snib.1"},
		{"bash", "-n", "completions/snib.bash"},
		{"zsh", "-n", "completions/_snib"},
		{"fish", "--no-execute", "completions/snib.fish"},
	} {
		t.Run(argv[0], func(t *testing.T) {
			out, err := exec.Command(need(t, argv[0]), argv[1:]...).CombinedOutput()
			// Whether the machine has the pages that are referred to is not the page's fault.
			out = regexp.MustCompile(`(?m)^.*mandoc\.db.*\n`).ReplaceAll(out, nil)
			if err != nil || len(out) > 0 {
				t.Errorf("%q: %v\n%s", argv, err, out)
			}
		})
	}
	// Completed as the shells do. Bash splits words at "=".
	for words, want := range map[string]string{
		"snib --st":                   "--status-fd --status --status=json",
		"snib --explain =":            "json",
		"snib --status = j":           "json",
		"snib --abi = 7 --as codex-x": "",
		"snib --abi = 7 --log --":     strings.Join(strings.Fields("--write --network --keep-fd --require --status-fd --log --as --explain --explain=json --abi --bpf --status --status=json --help --version"), " "),
	} {
		script := `source completions/snib.bash
COMP_WORDS=($1); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _snib; echo "${COMPREPLY[@]}"`
		out, err := exec.Command(need(t, "bash"), "-c", script, "bash", words).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("bash: %q: %v, %q, want %q", words, err, got, want)
		}
	}
	for words, want := range map[string]string{"snib --net": "--network", "snib tru": "true", "snib -w / tru": "true"} {
		out, err := exec.Command(need(t, "fish"), "--no-config", "-c", "source completions/snib.fish; complete -C $argv[1]", words).CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), want) && !strings.Contains(string(out), "\n"+want) {
			t.Errorf("fish: %q: %v, %q, want %q", words, err, out, want)
		}
	}
}

// Colours are for terminals, and not for those who do not want them.
func TestColours(t *testing.T) {
	for _, c := range []struct {
		tty  bool
		env  []string
		want bool
	}{
		{false, nil, false}, {true, nil, true}, {true, []string{"NO_COLOR=1"}, false}, {true, []string{"NO_COLOR="}, true}, {true, []string{"TERM=dumb"}, false},
	} {
		stdout, err := os.Create(scratch(t) + "/out")
		if err != nil {
			t.Fatal(err)
		}
		in := stdout
		if c.tty {
			stdout.Close()
			in, stdout = pseudoTerminal(t)
		}
		cmd := &exec.Cmd{Path: release.path, Stdout: stdout, Env: append([]string{"TERM=xterm"}, c.env...),
			Args: []string{"snib", "--explain", "--abi", "0", "--as", "codex-linux-sandbox", "/", `{"mode":"danger-full-access"}`}}
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		out := ""
		if c.tty {
			stdout.Close()
			content, _ := io.ReadAll(in) // ends in EIO: nobody has the other end
			out = string(content)
		} else {
			content, err := os.ReadFile(stdout.Name())
			if err != nil {
				t.Fatal(err)
			}
			out = string(content)
		}
		in.Close()
		if strings.Contains(out, "\x1b[") != c.want || !strings.Contains(out, "policy") {
			t.Errorf("%+v: %q", c, out)
		}
	}
}
