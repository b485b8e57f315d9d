package main

// The harness: the binaries under test, the children that they run, and what the tests of every area share.
//
// The test binary is also its own children: what it does is picked by the base name of its argv[0], as in snib itself,
// so one static file carries the whole suite to a guest, a container or another machine. It uses the binaries "snib"
// and "snib-plain" beside it, and builds those that are not there.

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// lazy compiles a regular expression when it is first used: the tests start this binary some thousand times.
func lazy(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// build is one way to build snib.
type build struct {
	name string
	path string
}

var (
	release = build{name: "snib"}
	plain   = build{name: "snib-plain"}
	builds  = []*build{&release, &plain}

	probePath string // rolePath("probe")
	roleDir   string
)

func TestMain(m *testing.M) {
	if role, is := roles[filepath.Base(os.Args[0])]; is {
		os.Exit(role(os.Args[1:]))
	}
	flag.Set("test.parallel", fmt.Sprint(2*runtime.NumCPU())) // most tests wait for children
	flag.Parse()
	os.Exit(func() int {
		if err := setUp(); err != nil {
			fmt.Fprintln(os.Stderr, "set up:", err)
			return 1
		}
		defer os.RemoveAll(roleDir)
		return m.Run()
	}())
}

// setUp finds or builds the binaries under test, and gives this one its name as a child.
func setUp() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if roleDir, err = os.MkdirTemp(scratchBase, "snib-test-"); err != nil {
		return err
	}
	if err := os.Chmod(roleDir, 0o755); err != nil {
		return err
	}
	for name := range roles {
		if err := os.Symlink(self, rolePath(name)); err != nil {
			return err
		}
	}
	probePath = rolePath("probe")
	flags := map[*build][]string{
		&release: {"-trimpath", "-ldflags", "-s -w -E main.entry"},
	}
	if testing.Short() {
		builds = []*build{&release}
	}
	_, noGo := exec.LookPath("go")
	builds = slices.DeleteFunc(builds, func(b *build) bool {
		b.path = filepath.Join(cmp.Or(os.Getenv(aloneVariable), filepath.Dir(self)), b.name)
		if _, missing := os.Stat(b.path); missing == nil || noGo != nil {
			return missing != nil && b == &plain // where nothing can be built, the release build alone will do
		}
		b.path = filepath.Join(roleDir, b.name)
		cmd := exec.Command("go", append([]string{"build", "-o", b.path}, flags[b]...)...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+runtime.GOARCH)
		if out, failed := cmd.CombinedOutput(); failed != nil {
			err = fmt.Errorf("%v: %v\n%s", cmd, failed, out)
		}
		return false
	})
	return err
}

// aloneVariable is, in a process that alone has made, the directory of the binaries under test.
const aloneVariable = "SNIB_TEST_ALONE"

// alone runs a test in a process of its own, in which it tells that this is so. A test that replaces systemCall needs one for itself, to
// run beside others.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(aloneVariable) != "" {
		return true
	}
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), aloneVariable+"="+filepath.Dir(release.path))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v: %s", err, out)
	}
	t.Logf("%s", out)
	return false
}

// rolePath is the name by which this binary is a child.
func rolePath(name string) string { return filepath.Join(roleDir, name) }

// scratchBase is where tests make their directories. It is not /tmp, which several policies make writable.
const scratchBase = "/var/tmp"

// scratch returns a fresh directory outside of /tmp.
func scratch(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(scratchBase, "snib-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// writeProgram writes a file that will be executed. No process may be forked while it is open: the child would hold it for writing, and
// to execute it fails with ETXTBSY.
func writeProgram(t testing.TB, path string, content []byte) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Fatal(err)
	}
}

// eachBuild runs a test against every build.
func eachBuild(t *testing.T, test func(t *testing.T, b *build)) {
	for _, b := range builds {
		t.Run(b.name, func(t *testing.T) { test(t, b) })
	}
}

// run is one run of a command to its end.
type run struct {
	stdout, stderr string
	code           int // exit code, or minus the signal
}

// launchTime bounds every child; it is reached only by a hang.
const launchTime = 60 * time.Second

// start runs a binary under the given argv. prepare, if not nil, changes the command before it starts.
func start(t testing.TB, path string, argv []string, prepare func(*exec.Cmd)) run {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := &exec.Cmd{Path: path, Args: argv, Stdout: &stdout, Stderr: &stderr}
	if prepare != nil {
		prepare(cmd)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%.999q: %v", argv, err)
	}
	timer := time.AfterFunc(launchTime, func() { cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%.999q: %v", argv, err)
	}
	r := run{stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		r.code = -int(status.Signal())
	}
	return r
}

// execWith runs a binary with exactly that environment, which os/exec would not: it drops repeated names.
func execWith(t testing.TB, path string, argv, env []string) run {
	t.Helper()
	var out [2]*os.File
	for i := range out {
		file, err := os.CreateTemp(scratch(t), "")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		out[i] = file
	}
	process, err := os.StartProcess(path, argv, &os.ProcAttr{Env: append([]string{}, env...), Files: []*os.File{nil, out[0], out[1]}})
	if err != nil {
		t.Fatal(err)
	}
	state, err := process.Wait()
	if err != nil {
		t.Fatal(err)
	}
	r := run{code: state.ExitCode()}
	for i, text := range []*string{&r.stdout, &r.stderr} {
		content, err := os.ReadFile(out[i].Name())
		if err != nil {
			t.Fatal(err)
		}
		*text = string(content)
	}
	return r
}

// snib runs a build under its own name.
func (b *build) snib(t testing.TB, args ...string) run {
	t.Helper()
	return start(t, b.path, append([]string{"snib"}, args...), nil)
}

// saysItsForm is what a build says on stderr beside --version and --status.
func (b *build) saysItsForm() string {
	if b != &plain {
		return ""
	}
	return "snib: hint: this is the plain build, for development: for use, build it as CGO_ENABLED=0 go build -trimpath -ldflags \"-s -w -E main.entry\"\n"
}

// outcome runs the probe through a launcher and returns its one line; launcher is the whole argv before the command,
// and empty for a control without a sandbox. Anything but one line and exit code 0 fails the test.
func (b *build) outcome(t testing.TB, launcher []string, op ...string) string {
	t.Helper()
	argv := append(append([]string{}, launcher...), append([]string{probePath}, op...)...)
	path := b.path
	if len(launcher) == 0 {
		path = probePath
	}
	r := start(t, path, argv, nil)
	line, is := strings.CutSuffix(r.stdout, "\n")
	if r.code != 0 || !is || strings.Contains(line, "\n") || r.stderr != "" {
		t.Fatalf("%.999q: no outcome: exit %d, stdout %q, stderr %q", argv, r.code, r.stdout, r.stderr)
	}
	return line
}

// kernelABI is the Landlock ABI of this kernel, 0 without Landlock.
func kernelABI() int {
	abi, errno := landlockABI()
	if errno != 0 {
		return 0
	}
	return abi
}

// needABI skips a test whose subject is a Landlock ABI that this kernel has not got.
func needABI(t testing.TB, abi int) {
	t.Helper()
	if have := kernelABI(); have < abi {
		t.Skipf("needs Landlock ABI %d, this kernel has %d", abi, have)
	}
}

// need returns the path of a tool that a test takes, and skips the test where it is not installed. Where it is promised
// (SNIB_TEST_TOOLS=required), its absence is a failure.
func need(t testing.TB, tool string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err == nil {
		return path
	}
	if os.Getenv("SNIB_TEST_TOOLS") == "required" {
		t.Fatalf("needs %s, which is promised", tool)
	}
	t.Skip("needs " + tool)
	return ""
}

// needGo is need for a test that builds the project.
func needGo(t testing.TB) {
	t.Helper()
	need(t, "go")
	if _, err := os.Stat("go.mod"); err != nil {
		t.Skip("needs the source")
	}
}

// needLong skips a test that takes long, where "go test -short" asks for the others.
func needLong(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a run without -short")
	}
}

// errnoName is the outcome that stands for an error: "ok", or the errno's name.
func errnoName(err error) string {
	var errno syscall.Errno
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	}
	return err.Error()
}
