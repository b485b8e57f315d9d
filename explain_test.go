package main

// The reports: what they claim is what the launch does and what the command then can and cannot do.

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew")

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
		"sockets":      {"--network", "--unix", "/", "-w", "/tmp"},
		"ports":        {"--connect", "443", "--connect=8080"},
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
				r := start(t, path, slices.Concat(argv, []string{"--explain", "--abi", abi}, args, []string{"--", "/bin/sh", "all tests"}), nil)
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
	Schema    string
	Arch      string
	ABI       int `json:"landlock_abi"`
	Command   []string
	Rewritten []string
	Left      []string
	Grammar   string
	Writes    bool `json:"restricts_writes"`
	Network   string
	Paths     []struct {
		Path, Resolved    string
		Exists, Directory bool
		Access            []string
	}
	Hidden     []string
	Protected  []string
	Namespaces []string
	Beside     []struct {
		Directory string
		Rules     int
		Access    []string
	} `json:"beside_hidden"`
	Landlock []string
	Closed   []string
	Missing  []string
	Calls    []string
	Runs     string
	Failure  string
	Filter   [][4]uint32
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
	if e.Schema != "snib-explain-2" || e.Snib != version {
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
	t.Parallel()
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
	if haveNamespaces() == nil {
		if err := os.MkdirAll(dir+"/a/b/c", 0o755); err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, launchKind{name: "protect", argv: []string{"snib", "-w", dir, "--protect", dir + "/a/b/c", "--protect", dir + "/a/b", "--protect", file}})
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
	t.Parallel()
	needOneGuest(t)
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
	t.Parallel()
	needOneGuest(t)
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
		{args: []string{"--strict"}},
		{args: []string{"--strict", "--log"}},
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
	t.Parallel()
	needOneGuest(t)
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

// A report runs nothing, whatever is wrong with it; what is wrong with its command line is in messages_test.go.
func TestReportsRunNothing(t *testing.T) {
	t.Parallel()
	checkRefused(t, []string{"snib", "--abi", "0", "--bpf", "-", "X"}, 125, "snib: error: landlock is not available: function not implemented\n"+
		"snib: hint: this kernel has no Landlock: use Linux 5.13 or later, built with CONFIG_SECURITY_LANDLOCK\n")
	if kernelABI() > 0 {
		checkRefused(t, []string{"snib", "--bpf", "/nonexistent/\x1b[1m\n", "--network", "-w", "/", "X"}, 125,
			`snib: error: open "/nonexistent/\x1b[1m\n": no such file or directory`+"\n")
		checkRefused(t, []string{"snib", "--bpf", "-", "-w", "/nonexistent", "X"}, 125,
			"snib: error: writable path \"/nonexistent\": no such file or directory\nsnib: hint: create it first, or leave it out\n")
	}
	file := scratch(t) + "/ran"
	eachBuild(t, func(t *testing.T, b *build) {
		for _, report := range [][]string{{"--explain"}, {"--explain=json"}, {"--bpf", "-"}, {"--abi", "7", "--bpf", "-"}, {"--help"}, {"--version"}} {
			argv := slices.Concat(report, []string{"--network", "-w", "/", "--", probePath, "create", file})
			if kernelABI() == 0 && argv[0] == "--bpf" {
				continue
			}
			form := ""
			if report[0] == "--version" {
				form = b.saysItsForm()
			}
			if r := b.snib(t, argv...); r.code != 0 || r.stderr != form || r.stdout == "" {
				t.Errorf("%q: %+v", argv, r)
			}
			if _, err := os.Lstat(file); err == nil {
				t.Fatalf("%q: the command ran", argv)
			}
		}
	})
	if kernelABI() > 0 {
		if got := release.outcome(t, []string{"snib", "--network", "-w", "/", "--"}, "create", file); got != "ok" {
			t.Errorf("control: %s", got)
		}
	}
}

// The time that --explain takes grows as its command line does: an argument ten times as long may take at most twenty times as long.
func TestExplainedLength(t *testing.T) {
	needOneGuest(t)
	for _, explain := range []string{"--explain", "--explain=json"} {
		for name, arguments := range map[string]func(length int) []string{
			"in one word":   func(n int) []string { return []string{strings.Repeat("x", n)} },
			"escaped":       func(n int) []string { return []string{strings.Repeat("\x01", n)} },
			"with spaces":   func(n int) []string { return []string{strings.Repeat("x ", n/2)} },
			"of many words": func(n int) []string { return slices.Repeat([]string{"x"}, n/2) },
		} {
			fastest := func(length int) time.Duration {
				argv := append([]string{"snib", explain, "x"}, arguments(length)...)
				best := time.Hour
				for range 3 {
					before := time.Now()
					if r := start(t, release.path, argv, nil); r.code != 0 || len(r.stdout) < length {
						t.Fatalf("exit %d, %q, %d bytes", r.code, r.stderr, len(r.stdout))
					}
					best = min(best, time.Since(before))
				}
				return best
			}
			if short, long := fastest(12_000), fastest(120_000); long > 20*short {
				t.Errorf("%s of a command line %s: %v for 120 kB, %v for 12 kB", explain, name, long, short)
			}
		}
	}
}
