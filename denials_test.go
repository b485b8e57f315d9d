package main

// --why: each kind of denial is told, with what it takes to allow it; what the same user could not have done anyway is not; and the command
// runs as it would without.

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// whyDenial is a denial as --why=json has it.
type whyDenial struct {
	Action, Call, Errno, Program string
	Count                        int
	Path, Second, Kind, Address  string
	Port, Family, Type, Protocol int
	PID                          int
	Request                      uint32
	Protected, Hidden, Handled   bool
	Options                      []string
	Reason                       string
}

// whyReport is the report of --why=json.
type whyReport struct {
	Schema    string
	Exit      int
	Denials   []whyDenial
	Dropped   int
	Notes     []string
	Suggested []string
}

// whyOf runs a command line under --why=json and returns what the command printed and what was told.
func whyOf(t testing.TB, path string, argv []string, prepare func(*exec.Cmd)) (run, whyReport) {
	t.Helper()
	r := start(t, path, slices.Insert(slices.Clone(argv), 1, "--why=json"), prepare)
	var report whyReport
	if err := json.Unmarshal([]byte(r.stderr), &report); err != nil {
		t.Fatalf("%.999q: no report: %v: %+v", argv, err, r)
	}
	return r, report
}

// whyProbe runs the probe, and returns its outcome.
func whyProbe(t testing.TB, launcher []string, op ...string) (string, whyReport) {
	t.Helper()
	r, report := whyOf(t, release.path, slices.Concat(launcher, []string{probePath}, op), nil)
	if r.code != 0 || report.Exit != 0 {
		t.Fatalf("%.999q: exit %d: %+v", op, report.Exit, r)
	}
	return strings.TrimSuffix(r.stdout, "\n"), report
}

// whyCase is one kind of denial.
type whyCase struct {
	name    string
	options []string
	op      []string
	outcome string    // inside
	want    whyDenial // what is told; its zero fields are not compared
	allow   []string  // the options that allow it; nil: there are none
	allowed string    // the outcome with them, and of the control without a sandbox; empty: ok
	needs   func(t testing.TB)
	control string // the outcome without a sandbox, where it differs from that with the options
}

// tells whether a denial is the one that is wanted.
func (d *whyDenial) is(want *whyDenial) bool {
	return d.Action == want.Action && d.Path == want.Path && d.Second == want.Second && (want.Errno == "" || d.Errno == want.Errno) &&
		(want.Call == "" || d.Call == want.Call) && (want.Address == "" || d.Address == want.Address) && d.Port == want.Port &&
		d.PID == want.PID && (want.Family == 0 || d.Family == want.Family) && (want.Request == 0 || d.Request == want.Request) &&
		d.Protected == want.Protected && d.Hidden == want.Hidden
}

// fileCases are denials on files. dir is outside of the sandbox's writable path, in is inside.
func fileCases(t testing.TB, dir, in string) []whyCase {
	w := []string{"-w", in}
	write := []string{"-w", in, "-w", dir}
	truncation, errno := write, "EACCES"
	if kernelABI() < 3 {
		truncation, errno = nil, "EPERM" // by the filter, wherever it is
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	reads := []string{"-r", self, "-w", in}
	return []whyCase{
		{name: "write", options: w, op: []string{"write", dir + "/file"}, outcome: "EACCES", want: whyDenial{Action: "write", Path: dir + "/file", Kind: "file"}, allow: write},
		{name: "write by a link", options: w, op: []string{"write", in + "/link/file"}, outcome: "EACCES", want: whyDenial{Action: "write", Path: dir + "/file"}, allow: write},
		{name: "write upwards", options: w, op: []string{"write", in + "/../" + filepath.Base(dir) + "/./sub/..//file"}, outcome: "EACCES", want: whyDenial{Action: "write", Path: dir + "/file"}, allow: write},
		{name: "write by a magic link", options: w, op: []string{"write", "/proc/self/root" + dir + "/file"}, outcome: "EACCES", want: whyDenial{Action: "write", Path: dir + "/file"}, allow: write},
		{name: "create", options: w, op: []string{"create", dir + "/new"}, outcome: "EACCES", want: whyDenial{Action: "create", Path: dir + "/new", Kind: "missing"}, allow: write},
		{name: "truncate", options: w, op: []string{"truncate", dir + "/file"}, outcome: errno, want: whyDenial{Action: "truncate", Path: dir + "/file"}, allow: truncation},
		{name: "open to truncate", options: w, op: []string{"openTruncate", dir + "/file"}, outcome: errno, want: whyDenial{Action: "truncate", Path: dir + "/file"}, allow: truncation},
		{name: "unlink", options: w, op: []string{"unlink", dir + "/file"}, outcome: "EACCES", want: whyDenial{Action: "remove", Path: dir + "/file"}, allow: write},
		{name: "rmdir", options: w, op: []string{"rmdir", dir + "/empty"}, outcome: "EACCES", want: whyDenial{Action: "remove", Path: dir + "/empty"}, allow: write},
		{name: "mkdir", options: w, op: []string{"mkdir", dir + "/new"}, outcome: "EACCES", want: whyDenial{Action: "create", Path: dir + "/new"}, allow: write},
		{name: "symlink", options: w, op: []string{"symlink", "text", dir + "/new"}, outcome: "EACCES", want: whyDenial{Action: "create", Path: dir + "/new"}, allow: write},
		{name: "mkfifo", options: w, op: []string{"mkfifo", dir + "/new"}, outcome: "EACCES", want: whyDenial{Action: "create", Path: dir + "/new"}, allow: write},
		{name: "mksock", options: w, op: []string{"mksock", dir + "/new"}, outcome: "EACCES", want: whyDenial{Action: "create", Path: dir + "/new"}, allow: write},
		{name: "rename", options: w, op: []string{"rename", dir + "/file", dir + "/new"}, outcome: "EACCES", want: whyDenial{Action: "rename", Path: dir + "/file", Second: dir + "/new"}, allow: write},
		{name: "rename out", options: w, op: []string{"rename", in + "/inside", dir + "/sub/new"}, outcome: "EACCES", want: whyDenial{Action: "rename", Path: in + "/inside", Second: dir + "/sub/new"}, allow: write,
			needs: func(t testing.TB) { needABI(t, 2) }},
		{name: "link in", options: w, op: []string{"link", dir + "/file", in + "/new"}, outcome: "EXDEV", want: whyDenial{Action: "link", Path: dir + "/file", Second: in + "/new"}, allow: write,
			needs: func(t testing.TB) { needABI(t, 2) }},
		{name: "read", options: reads, op: []string{"read", dir + "/file"}, outcome: "EACCES", want: whyDenial{Action: "read", Path: dir + "/file"}, allow: append(slices.Clone(reads), "-r", dir)},
		{name: "list", options: reads, op: []string{"list", dir}, outcome: "EACCES", want: whyDenial{Action: "read", Path: dir, Kind: "directory"}, allow: append(slices.Clone(reads), "-r", dir)},
		{name: "hidden", options: []string{"--hide", dir + "/sub"}, op: []string{"read", dir + "/sub/secret"}, outcome: "EACCES", want: whyDenial{Action: "read", Path: dir + "/sub/secret", Hidden: true}, allow: []string{"-w", in}},
		{name: "execute", options: reads, op: []string{"become", dir + "/program"}, outcome: "EACCES", want: whyDenial{Action: "execute", Path: dir + "/program"}, control: "exit"},
		{name: "execute a script", options: append(slices.Clone(reads), "-r", dir+"/script"), op: []string{"become", dir + "/script"}, outcome: "EACCES", want: whyDenial{Action: "execute", Path: dir + "/program"}, control: "exit"},
		{name: "device", options: w, op: []string{"ioctlOn", "/dev/zero"}, outcome: "EACCES", want: whyDenial{Action: "ioctl", Path: "/dev/zero", Kind: "device", Request: unix.TIOCGPGRP},
			allow: []string{"-w", in, "-w", "/dev/zero"}, allowed: "ENOTTY", needs: func(t testing.TB) { needABI(t, 5) }},
		{name: "set-uid", options: w, op: []string{"fchmodat", in + "/inside", "04755"}, outcome: "EPERM", want: whyDenial{Action: "set-uid", Path: in + "/inside"}},
		{name: "inode flags", options: w, op: []string{"request", "0x40086602", in + "/inside"}, outcome: "EPERM", want: whyDenial{Action: "ioctl", Path: in + "/inside", Request: 0x40086602}, control: "any"},
		{name: "attribute", options: w, op: []string{"setxattr", in + "/inside"}, outcome: "ENOTSUP", want: whyDenial{Action: "attribute", Path: in + "/inside"}, control: "any"},
		{name: "openat2", options: w, op: []string{"openat2Truncate", in + "/inside"}, outcome: "ENOSYS", want: whyDenial{Action: "call", Call: "openat2"}, control: "any"},
	}
}

// otherCases are denials of what is no file.
func otherCases(t *testing.T, dir string) []whyCase {
	abi := kernelABI()
	byPath, byName, tcp := listen(t, "unix", dir+"/socket"), listen(t, "unix", "@"+filepath.Base(filepath.Dir(dir))+"-why"), listen(t, "tcp4", "127.0.0.1:0")
	datagram := listen(t, "unixgram", dir+"/datagram")
	port := atoi(tcp.addr[strings.LastIndexByte(tcp.addr, ':')+1:])
	errno, socketCall, openPath := "EPERM", whyDenial{Action: "socket", Family: unix.AF_UNIX}, []string{"--unix", "/"}
	if abi >= confinesUnix {
		errno, socketCall, openPath = "EACCES", whyDenial{Action: "send", Path: dir + "/datagram", Kind: "socket"}, []string{"--unix", dir}
	}
	protected, r := protectable(t)
	other := outside(t)
	intruder := other.process.args()
	pid := fmt.Sprint(other.pid)
	may := "any" // as Yama and containers have it
	return []whyCase{
		{name: "socket", op: []string{"socket", "2", "1"}, outcome: "EPERM", want: whyDenial{Action: "socket", Call: "socket", Family: unix.AF_INET}, allow: []string{"--network"}},
		{name: "signal", op: []string{"signal kill", pid}, outcome: "EPERM", want: whyDenial{Action: "signal", PID: other.pid}, needs: func(t testing.TB) { needABI(t, 6) }, control: "none"},
		{name: "signal by descriptor", op: []string{"signal pidfd", pid}, outcome: "EPERM", want: whyDenial{Action: "signal", PID: other.pid}, needs: func(t testing.TB) { needABI(t, 6) }, control: "none"},
		{name: "limit", op: []string{"lowerLimit", pid}, outcome: "EPERM", want: whyDenial{Action: "limit", PID: other.pid}, allow: []string{"--signals"}},
		{name: "attach", op: slices.Concat([]string{"attach"}, intruder), outcome: "EPERM", want: whyDenial{Action: "trace", Call: "ptrace", PID: other.pid}, control: may},
		{name: "memory", op: slices.Concat([]string{"readVM"}, intruder), outcome: "EPERM", want: whyDenial{Action: "trace", Call: "process_vm_readv", PID: other.pid}, control: may},
		{name: "descriptor", op: slices.Concat([]string{"getFD"}, intruder), outcome: "EPERM", want: whyDenial{Action: "trace", Call: "pidfd_getfd", PID: other.pid}, control: may},
		{name: "trace me", op: []string{"traceMe"}, outcome: "EPERM", want: whyDenial{Action: "trace", Call: "ptrace"}, control: "none"},
		{name: "rings", op: []string{"ioUring"}, outcome: "EPERM", want: whyDenial{Action: "call", Call: "io_uring_setup"}, control: may},
		{name: "queue", op: []string{"mqUnlink", "snib-why"}, outcome: "EPERM", want: whyDenial{Action: "call", Call: "mq_unlink"}, control: may},
		{name: "socket's file", op: []string{"connect", "stream", byPath.addr, "x"}, outcome: errno, want: whyDenial{Action: "connect", Path: byPath.addr, Kind: "socket"}, allow: openPath},
		{name: "socket's file, datagram", op: []string{"sendto", "datagram", datagram.addr, "x"}, outcome: errno, want: socketCall, allow: openPath},
		{name: "abstract socket", op: []string{"connect", "stream", byName.addr, "x"}, outcome: "EPERM", want: whyDenial{Action: "connect", Address: byName.addr, Family: unix.AF_UNIX}, allow: []string{"--unix", "/"}},
		{name: "own socket elsewhere", op: []string{"serve", dir + "/new"}, outcome: "EACCES", want: whyDenial{Action: "listen", Path: dir + "/new"}, allow: []string{"-w", dir}, needs: func(t testing.TB) { needABI(t, confinesUnix) }},
		{name: "port", options: []string{"--connect", "1"}, op: []string{"connect", "stream", tcp.addr, "x"}, outcome: "EACCES",
			want: whyDenial{Action: "connect", Address: tcp.addr, Port: port, Family: unix.AF_INET}, allow: []string{"--connect", fmt.Sprint(port)}, needs: func(t testing.TB) { needABI(t, firstPorts) }},
		{name: "server outside of loopback", options: []string{"--loopback"}, op: []string{"connect", "stream", tcp.addr, "x"}, outcome: "ECONNREFUSED",
			want: whyDenial{Action: "connect", Address: tcp.addr, Port: port, Family: unix.AF_INET}, allow: []string{"--network"}, needs: needNamespaces},
		{name: "protected", options: []string{"-w", r, "--protect", protected}, op: []string{"write", protected + "/config"}, outcome: "EROFS",
			want: whyDenial{Action: "write", Path: protected + "/config", Protected: true}, allow: []string{"-w", r}, needs: needNamespaces},
		{name: "protected, new", options: []string{"-w", r, "--protect", protected}, op: []string{"mkdir", protected + "/new"}, outcome: "EROFS",
			want: whyDenial{Action: "create", Path: protected + "/new", Protected: true}, allow: []string{"-w", r}, needs: needNamespaces},
		{name: "protected, mode", options: []string{"-w", r, "--protect", protected}, op: []string{"fchmodat", protected + "/config", "0600"}, outcome: "EROFS",
			want: whyDenial{Action: "attribute", Path: protected + "/config", Protected: true}, allow: []string{"-w", r}, needs: needNamespaces},
		{name: "protected, moved", options: []string{"-w", r, "--protect", protected}, op: []string{"rename", protected + "/config", r + "/new"}, outcome: "EXDEV",
			want: whyDenial{Action: "rename", Path: protected + "/config", Second: r + "/new", Protected: true}, allow: []string{"-w", r}, needs: needNamespaces},
		{name: "protected, directory above", options: []string{"-w", r, "--protect", protected}, op: []string{"rename", r + "/a", r + "/away"}, outcome: "EBUSY",
			want: whyDenial{Action: "rename", Path: r + "/a", Second: r + "/away", Protected: true}, allow: []string{"-w", r}, needs: needNamespaces},
		{name: "host name", op: []string{"hostName", "snib"}, outcome: "EPERM", want: whyDenial{Action: "call", Call: "sethostname"}, control: "none", needs: needRoot},
		{name: "mount", op: []string{"mountNowhere"}, outcome: "EPERM", want: whyDenial{Action: "mount", Call: "fsopen"}, control: "none", needs: needRoot},
		{name: "unmount", op: []string{"unmount", dir}, outcome: "EPERM", want: whyDenial{Action: "mount", Call: "umount2"}, control: "none", needs: needRoot},
		{name: "clock", op: []string{"setClock"}, outcome: "EPERM", want: whyDenial{Action: "call", Call: "clock_settime"}, control: "none", needs: needRoot},
		{name: "own abstract socket", op: []string{"serve", "@" + filepath.Base(dir)}, outcome: map[bool]string{true: "EPERM", false: "ok"}[abi < confinesUnix],
			want: whyDenial{Action: "listen", Call: "bind", Address: "@" + filepath.Base(dir)}, allow: []string{"--unix", "/"}},
	}
}

// whyTree makes the directories that the cases are about.
func whyTree(t testing.TB) (dir, in string) {
	t.Helper()
	base := scratch(t)
	dir, in = base+"/outside", base+"/inside"
	for _, d := range []string{dir + "/sub", dir + "/empty", in} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{dir + "/file", dir + "/sub/secret", in + "/inside"} {
		if err := os.WriteFile(file, []byte("original"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tinyProgram(t, dir+"/program")
	writeProgram(t, dir+"/script", []byte("#!"+dir+"/program\n"))
	if err := os.Symlink(dir, in+"/link"); err != nil {
		t.Fatal(err)
	}
	return dir, in
}

// needNewDenials skips, in the guests, what is decided on this ABI as on the one before: it has no right or scope that another kind of call
// needs.
func needNewDenials(t *testing.T) {
	t.Helper()
	if abi := kernelABI(); emulated() && (abi == 7 || abi == 8 || abi == 10) {
		t.Skip("needs another guest: this ABI has no new kind of denial")
	}
}

// whyTried is what became of a case.
type whyTried struct {
	outcome string
	report  whyReport
}

// tryTogether tries what needs no particular kernel, and has options of the same kinds, in one process: what has options has paths of its
// own.
func tryTogether(t *testing.T, cases []whyCase, options func(whyCase) []string) map[string]whyTried {
	t.Helper()
	groups := map[string][]whyCase{}
	for _, c := range cases {
		if c.needs == nil {
			kinds := slices.DeleteFunc(slices.Clone(options(c)), func(word string) bool { return word[0] != '-' })
			groups[strings.Join(kinds, " ")] = append(groups[strings.Join(kinds, " ")], c)
		}
	}
	tried := map[string]whyTried{}
	for _, group := range groups {
		launcher, op := []string{"snib"}, []string{"each"}
		for _, c := range group {
			launcher, op = append(launcher, options(c)...), append(append(op, c.op...), ",")
		}
		got, report := whyProbe(t, append(launcher, "--"), op...)
		outcomes := strings.Fields(got)
		if len(outcomes) != len(group) {
			t.Fatalf("%d outcomes of %d: %s", len(outcomes), len(group), got)
		}
		for i, c := range group {
			tried[c.name] = whyTried{outcomes[i], report}
		}
	}
	return tried
}

// TestWhy: each kind of denial is told. The same without a sandbox, and with the options that allow it, is no denial; where the report
// suggests a command line, that is run, too.
func TestWhy(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	needNewDenials(t)
	needABI(t, 1)
	dir, in := whyTree(t)
	cases := fileCases(t, dir, in)
	for i := range cases {
		dir, in := whyTree(t)
		cases[i] = fileCases(t, dir, in)[i]
	}
	others := otherCases(t, dir)
	inside := tryTogether(t, slices.Concat(cases, others), func(c whyCase) []string { return c.options })
	allowable := slices.DeleteFunc(slices.Clone(cases), func(c whyCase) bool { return c.allow == nil })
	allowed := tryTogether(t, allowable, func(c whyCase) []string { return c.allow })
	for _, c := range slices.Concat(cases, others) {
		t.Run(c.name, func(t *testing.T) {
			if c.needs != nil {
				c.needs(t)
			}
			try := func(before map[string]whyTried, options []string) (string, whyReport) {
				t.Helper()
				if tried, is := before[c.name]; is {
					return tried.outcome, tried.report
				}
				return whyProbe(t, slices.Concat([]string{"snib"}, options, []string{"--"}), c.op...)
			}
			got, report := try(inside, c.options)
			if got != c.outcome {
				t.Fatalf("the sandbox: %s, want %s", got, c.outcome)
			}
			if got != "ok" && !slices.ContainsFunc(report.Denials, func(d whyDenial) bool { return d.is(&c.want) }) {
				t.Errorf("want %+v in %+v", c.want, report.Denials)
			}
			if c.allowed == "" {
				c.allowed = "ok"
			}
			if c.allow != nil {
				got, report := try(allowed, c.allow)
				if got != c.allowed {
					t.Errorf("%q: %s, want %s", c.allow, got, c.allowed)
				}
				for _, d := range report.Denials {
					if d.Action == c.want.Action && d.Call != "openat2" {
						t.Errorf("%q: %+v", c.allow, d)
					}
				}
			}
			if c.control == "" {
				if c.allow != nil {
					// The command line with the options has done it.
					return
				}
				if got := release.outcome(t, nil, c.op...); got != c.allowed {
					t.Errorf("without a sandbox: %s, want %s", got, c.allowed)
				}
			}
		})
	}
}

// TestWhyNotOurs: what the same user could not have done without the sandbox is not told, and neither is what nobody could. One process
// tries it all.
func TestWhyNotOurs(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	needNewDenials(t)
	needABI(t, 1)
	base := closedPlaces(t)
	prefix := []string{probePath}
	if os.Geteuid() == 0 {
		// Root overrides permissions: the command becomes a user.
		prefix = []string{rolePath("holding"), "65534", "0", "0", forUsers(t) + "/probe", "probe"}
	}
	listen(t, "unix", base+"/socket")
	if err := os.Chmod(base+"/socket", 0o444); err != nil {
		t.Fatal(err)
	}
	mounted, fixed := "", false
	if os.Geteuid() == 0 {
		mounted = readOnlyMount(t)
		fixed = makeImmutable(t, base+"/fixed/file")
	}
	var ops, want, of []string
	for _, c := range []struct {
		name string
		root bool // it takes files that root has prepared
		op   []string
		got  string
	}{
		{"missing", false, []string{"write", base + "/none/x"}, "ENOENT"},
		{"missing to read", false, []string{"read", base + "/none"}, "ENOENT"},
		{"not a directory", false, []string{"read", base + "/file/x"}, "ENOTDIR"},
		{"file without permission", false, []string{"write", base + "/readonly"}, "EACCES"},
		{"file without permission to read", false, []string{"read", base + "/unreadable"}, "EACCES"},
		{"directory without permission", false, []string{"create", base + "/closed/new"}, "EACCES"},
		{"mkdir without permission", false, []string{"mkdir", base + "/closed/new"}, "EACCES"},
		{"unlink without permission", false, []string{"unlink", base + "/closed/file"}, "EACCES"},
		{"rename without permission", false, []string{"rename", base + "/closed/file", base + "/closed/new"}, "EACCES"},
		{"unsearchable", false, []string{"write", base + "/unsearchable/file"}, "EACCES"},
		{"not executable", false, []string{"become", base + "/readonly"}, "EACCES"},
		{"there already", false, []string{"mkdir", base + "/closed"}, "EEXIST"},
		{"sticky", true, []string{"unlink", base + "/sticky/file"}, "EACCES"},
		{"sticky rename", true, []string{"rename", base + "/sticky/file", base + "/sticky/new"}, "EACCES"},
		{"device", false, []string{"mkchar", base + "/writable/new"}, "EACCES"},
		{"signal to root's", true, []string{"signal kill", "1"}, "EPERM"},
		{"socket that is not there", false, []string{"connect", "stream", base + "/none", "x"}, map[bool]string{true: "ENOENT", false: "EPERM"}[kernelABI() >= confinesUnix]},
		{"name that is not there", false, []string{"connect", "stream", "@snib-none", "x"}, map[bool]string{true: "ECONNREFUSED", false: "EPERM"}[kernelABI() >= confinesUnix]},
		{"socket without permission", false, []string{"connect", "stream", base + "/socket", "x"}, map[bool]string{true: "EACCES", false: "EPERM"}[kernelABI() >= confinesUnix]},
		{"read-only mount", true, []string{"write", mounted + "/file"}, "EROFS"},
		{"immutable", true, []string{"unlink", base + "/fixed/file"}, "EACCES"},
		{"raw socket", false, []string{"socket", "2", "3"}, "EPERM"},
		{"packet socket", false, []string{"socket", "17", "3"}, "EPERM"},
		{"host name", false, []string{"hostName", "snib"}, "EPERM"},
		{"unmount", false, []string{"unmount", "/proc"}, "EPERM"},
	} {
		if c.root && os.Geteuid() != 0 || c.name == "immutable" && !fixed { // the file system has no such attribute
			continue
		}
		ops, want, of = append(append(ops, c.op...), ","), append(want, c.got), append(of, c.name)
	}
	control := start(t, prefix[0], slices.Concat(prefix, []string{"each"}, ops), nil)
	if outcomes := strings.Fields(control.stdout); len(outcomes) != len(want) || slices.Contains(outcomes, "ok") {
		t.Fatalf("without a sandbox: %+v", control)
	}
	r, report := whyOf(t, release.path, slices.Concat([]string{"snib", "--"}, prefix, []string{"each"}, ops), nil)
	got := strings.Fields(r.stdout)
	if len(got) != len(want) {
		t.Fatalf("%d outcomes, want %d: %+v", len(got), len(want), r)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: %s, want %s", of[i], got[i], want[i])
		}
	}
	for _, d := range report.Denials {
		if d.Call != "clone3" { // of the C library's, on which it falls back
			t.Errorf("told: %+v", d)
		}
	}
}

// closedPlaces is a directory that a user may not change, in several ways.
func closedPlaces(t testing.TB) string {
	t.Helper()
	base := scratch(t)
	for name, mode := range map[string]os.FileMode{"closed": 0o555, "unsearchable": 0o644, "sticky": 0o777 | os.ModeSticky, "writable": 0o777, "fixed": 0o777} {
		if err := os.Mkdir(base+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(base+"/"+name+"/file", nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(base+"/"+name, mode); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(base+"/"+name, 0o755) })
	}
	for name, mode := range map[string]os.FileMode{"file": 0o644, "readonly": 0o444, "unreadable": 0o200} {
		if err := os.WriteFile(base+"/"+name, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	return base
}

// readOnlyMount is a mount that is read-only, with a file that everybody could write.
func readOnlyMount(t testing.TB) string {
	t.Helper()
	dir := scratch(t)
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0777"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	err := os.WriteFile(dir+"/file", nil, 0o666)
	if err == nil {
		err = os.Chmod(dir+"/file", 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	return dir
}

// makeImmutable gives a file the attribute that keeps everybody from changing it, where its file system knows that.
func makeImmutable(t testing.TB, path string) bool {
	t.Helper()
	const immutable = 0x10 // FS_IMMUTABLE_FL
	if alterFlags(path, func(flags uint32) uint32 { return flags | immutable }) != nil {
		return false
	}
	t.Cleanup(func() { alterFlags(path, func(flags uint32) uint32 { return flags &^ immutable }) })
	return true
}
