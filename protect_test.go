package main

// Protecting: what --protect names is changed in no way, and what is around it as before.

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// needNamespaces skips a test where a process of this user cannot have them.
func needNamespaces(t testing.TB) {
	t.Helper()
	needABI(t, 1)
	if err := haveNamespaces(); err != nil {
		t.Skip("needs namespaces")
	}
}

// haveNamespaces tells why this user cannot make those that the options take.
func haveNamespaces() error {
	cmd := exec.Command(probePath, "true")
	flags := uintptr(unix.CLONE_NEWNS | unix.CLONE_NEWNET)
	if os.Geteuid() != 0 {
		flags |= unix.CLONE_NEWUSER
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	return cmd.Run()
}

// protectable makes a writable path r with a directory p to protect, two directories beneath it.
func protectable(t testing.TB) (p, r string) {
	t.Helper()
	r = scratch(t) + "/r"
	p = r + "/a/b/.git"
	for _, dir := range []string{p + "/hooks", p + "/empty", r + "/z", r + "/other"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{p + "/config", p + "/hooks/sample", r + "/f", r + "/a/f"} {
		if err := os.WriteFile(file, []byte("original"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return p, r
}

// contents describes everything at and beneath a path, and which directories lead to it from the top.
func contents(t testing.TB, p, top string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(p, func(path string, entry fs.DirEntry, err error) error {
		var s unix.Stat_t
		if err == nil {
			err = unix.Lstat(path, &s)
		}
		content := []byte{}
		if err == nil && entry.Type().IsRegular() {
			content, err = os.ReadFile(path)
		}
		fmt.Fprintf(&out, "%s %d %o %d:%d %d %v %v %q\n", path, s.Ino, s.Mode, s.Uid, s.Gid, s.Nlink, s.Mtim, s.Ctim, content)
		return err
	})
	if err != nil {
		fmt.Fprintln(&out, err)
	}
	for at := filepath.Dir(p); at != top; at = filepath.Dir(at) {
		var s unix.Stat_t
		fmt.Fprintln(&out, at, unix.Lstat(at, &s), s.Ino)
	}
	return out.String()
}

// Each attack changes the path, unless that is protected, in the command's own namespaces and in more of its own.
func TestProtect(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	for _, name := range slices.Sorted(maps.Keys(attacks)) {
		a := attacks[name]
		if _, err := os.Stat(of(1, scratchBase)); a.root && (os.Geteuid() != 0 || err != nil && name == "root of init") {
			continue // it cannot be seen without a sandbox either
		}
		if name == "setxattr" && unix.Setxattr(scratch(t), attribute, attributeValue, 0) != nil {
			continue // tmpfs has no attributes of users before Linux 6.6
		}
		for _, op := range []string{"attack", "attackNested"} {
			attack := func(launcher func(p, r string) []string) bool {
				p, r := protectable(t)
				before := contents(t, p, r)
				path, argv := release.path, append(launcher(p, r), probePath, op, name, p, r)
				if argv[0] == probePath {
					path = probePath
				}
				result := start(t, path, argv, func(cmd *exec.Cmd) { cmd.Dir = p })
				if result.code != 0 {
					t.Errorf("%s %s: %+v", op, name, result)
				}
				return contents(t, p, r) != before
			}
			if emulated() && !a.mount && op == "attackNested" {
				continue // outside all are made
			}
			if op == "attack" && (a.mount || !emulated()) && !attack(func(p, r string) []string {
				if a.bare {
					return nil
				}
				return sandbox("-w", r, "--protect", r+"/other")
			}) {
				t.Errorf("%s: control: nothing was changed", name)
			}
			if attack(func(p, r string) []string { return sandbox("-w", r, "--protect", p, "--protect", r+"/other") }) {
				t.Errorf("%s %s: it was changed", op, name)
			}
		}
	}
}

// What is around a protected path is changed as before, but for the directories that lead to it.
func TestProtectRest(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	for _, c := range []struct {
		op       []string
		want     string
		unmoored string // without --protect; empty: the same
	}{
		{[]string{"write", "R/f"}, "ok", ""},
		{[]string{"create", "R/new"}, "ok", ""},
		{[]string{"create", "R/a/new"}, "ok", ""},
		{[]string{"create", "R/a/b/new"}, "ok", ""},
		{[]string{"rename", "R/f", "R/g"}, "ok", ""},
		{[]string{"rename", "R/f", "R/z/g"}, "ok", ""},
		{[]string{"rename", "R/z", "R/other/y"}, "ok", ""},
		{[]string{"rename", "R/a/f", "R/a/g"}, "ok", ""},
		{[]string{"link", "R/f", "R/z/g"}, "ok", ""},
		{[]string{"unlink", "R/a/f"}, "ok", ""},
		{[]string{"read", "P/config"}, "ok", ""},
		{[]string{"write", "P/config"}, "EROFS", "ok"},
		{[]string{"rename", "P", "R/a/b/x"}, "EBUSY", "ok"},
		{[]string{"rename", "P", "R/x"}, "EXDEV", "ok"},
		{[]string{"rename", "R/a", "R/x"}, "EBUSY", "ok"},
		{[]string{"rename", "R/a/f", "R/g"}, "EXDEV", "ok"},
		{[]string{"link", "R/f", "R/a/g"}, "EXDEV", "ok"},
		{[]string{"write", "O/f"}, "EACCES", ""}, // beside the writable path
	} {
		for _, protects := range []bool{false, true} {
			if emulated() && !protects {
				continue
			}
			p, r := protectable(t)
			outside := scratch(t)
			if err := os.WriteFile(outside+"/f", nil, 0o644); err != nil {
				t.Fatal(err)
			}
			launcher, want := []string{"snib", "-w", r, "--"}, c.want
			if protects {
				launcher = []string{"snib", "-w", r, "--protect", p, "--"}
			} else if c.unmoored != "" {
				want = c.unmoored
			}
			op := slices.Clone(c.op)
			for i := range op {
				op[i] = strings.NewReplacer("P", p, "R", r, "O", outside).Replace(op[i])
			}
			if got := release.outcome(t, launcher, op...); got != want {
				t.Errorf("%q, protected %v: %s, want %s", c.op, protects, got, want)
			}
		}
	}
}

// Which paths can be protected: the command line, and what is refused; empty: the command runs, and p/config stays.
func TestProtectPaths(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	const link = `it is, or is reached by, a symbolic link`
	for name, c := range map[string]struct{ setup, options, refusal string }{
		"directory":                        {"", "-w R --protect P", ""},
		"attached":                         {"", "--write=R --protect=P", ""},
		"file":                             {"", "-w R --protect P/config", ""},
		"slashes":                          {"", "-w R// --protect P//", ""},
		"twice":                            {"", "-w R --protect P --protect P", ""},
		"with what is beneath it":          {"", "-w R --protect P/hooks --protect P --protect P/config", ""},
		"with its parent":                  {"", "-w R --protect P --protect R/a", ""},
		"relative":                         {"", "-w . --protect a/b/.git", ""},
		"relative to a relative path":      {"", "-w ./ --protect ./a/b/../b/.git", ""},
		"beneath two writable paths":       {"", "-w R/a/b -w R --protect P", ""},
		"beside another writable path":     {"", "-w R/z -w R/a --protect P", ""},
		"by another name":                  {"", "-w . --protect P", ""},
		"writable path by a link":          {"ln R L", "-w L --protect L/a/b/.git", ""},
		"writable path by a link in it":    {"ln R/a R/link", "-w R -w R/link --protect R/link/b/.git", "protect \"R/link/b/.git\": " + link},
		"by a link in another":             {"ln a R/link", "-w R/z -w R -w R/link --protect R/link/b/.git", "protect \"R/link/b/.git\": " + link},
		"missing writable path":            {"", "-w R -w R/none --protect P", `writable path "R/none": no such file or directory`},
		"option":                           {"", "-w R --protect --dev", `path "--dev" of --protect: no such file or directory`},
		"missing":                          {"", "-w R --protect R/a/none", `protect "R/a/none": no such file or directory`},
		"empty":                            {"", "-w R --protect=", `the path of option "--protect=" is empty`},
		"below a file":                     {"", "-w R --protect P/config/x", `protect "P/config/x": not a directory`},
		"symbolic link":                    {"ln a/b/.git R/link", "-w R --protect R/link", "protect \"R/link\": " + link},
		"by a symbolic link":               {"ln b R/a/link", "-w R --protect R/a/link/.git", "protect \"R/a/link/.git\": " + link},
		"dangling":                         {"ln none R/link", "-w R --protect R/link", "protect \"R/link\": " + link},
		"by a link above, by another name": {"ln R L", "-w R --protect L/a/b/.git", "protect \"L/a/b/.git\": " + link},
		"not writable":                     {"", "-w R/z --protect P", `protect "P": it is not beneath a writable path`},
		"nothing is writable":              {"", "--protect P", `protect "P": it is not beneath a writable path`},
		"the writable path":                {"", "-w R --protect R", `"R" cannot be protected: the writable path "R" is at or beneath it`},
		"the writable path in another":     {"", "-w R -w P --protect P", `"P" cannot be protected: the writable path "P" is at or beneath it`},
		"above a writable path":            {"", "-w R -w P/hooks --protect P", `"P" cannot be protected: the writable path "P/hooks" is at or beneath it`},
		"above a writable file":            {"", "-w R -w P/hooks/sample --protect P", `"P" cannot be protected: the writable path "P/hooks/sample" is at or beneath it`},
		"above a temporary directory":      {"", "-w R --dev --protect P", `"P" cannot be protected: the writable path "P/hooks" is at or beneath it`},
		"root":                             {"", "-w R --protect /", `"/" cannot be protected: the writable path "R" is at or beneath it`},
		"dangling temporary directory":     {"ln other/none L", "-w R --dev --protect P/config", ""},
		"temporary directory the root":     {"ln / L", "-w R/z --dev --protect /proc", `protect "/proc": it is not beneath a writable path`},
	} {
		t.Run(name, func(t *testing.T) {
			p, r := protectable(t)
			expand := strings.NewReplacer("P", p, "R", r, "L", r+".link")
			if words := strings.Fields(c.setup); len(words) > 0 {
				if err := os.Symlink(expand.Replace(words[1]), expand.Replace(words[2])); err != nil {
					t.Fatal(err)
				}
			}
			before := contents(t, p, r)
			argv := []string{"snib"}
			for _, word := range strings.Fields(c.options) {
				argv = append(argv, expand.Replace(word))
			}
			run := start(t, release.path, append(argv, probePath, "each", "write", p+"/config", ",", "create", r+"/ran"), func(cmd *exec.Cmd) {
				cmd.Dir, cmd.Env = r, []string{"TMPDIR=" + p + "/hooks"}
				if strings.HasPrefix(c.setup, "ln ") && strings.Contains(c.options, "--dev") {
					cmd.Env[0] = "TMPDIR=" + r + ".link"
				}
			})
			_, err := os.Lstat(r + "/ran")
			if contents(t, p, r) != before {
				t.Errorf("%+v: it was changed", run)
			}
			first, _, _ := strings.Cut(run.stderr, "\n")
			if c.refusal == "" {
				outcome := "EROFS ok\n"
				if name == "beside another writable path" {
					outcome = "EROFS EACCES\n"
				}
				if run.code != 0 || run.stdout != outcome || run.stderr != "" {
					t.Errorf("%+v", run)
				}
			} else if run.code != exitFailed || run.stdout != "" || err == nil || first != "snib: error: "+expand.Replace(c.refusal) {
				t.Errorf("%+v, want %s", run, expand.Replace(c.refusal))
			}
		})
	}
}

// A path is protected from wherever it is named: what is mounted on the way may lie over the working directory.
func TestProtectFromBelow(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	for _, c := range []struct{ cwd, options, protected string }{
		{"R/a/b", "-w ../.. --protect .git", "P/config"},
		{"R/a/b", "-w ../.. --protect ../b/.git", "P/config"},
		{"R/a/b", "-w R --protect .git/config", "P/config"},
		{"R/a", "-w .. --protect b/.git", "P/config"},
		{"R/a", "-w .. --protect b/.git --protect f", "P/config R/a/f"},
		{"R/a", "-w .. --protect ../other --protect b/.git/hooks", "P/hooks/sample"},
		{"R/a/b", "-w ../.. --protect .git/hooks --protect ../../a/b/.git --protect ../f", "P/config P/hooks/sample R/a/f"},
		{"R/a/b", "-w ../.. -w .. --protect .git", "P/config"},
		{"P", "-w R --protect .", "P/config"},
		{"P", "-w R --protect config", "P/config"},
		{"P/hooks", "-w R --protect ..", "P/config P/hooks/sample"},
		{"P/hooks", "-w R --protect ../../.git", "P/config"},
		{"R/z", "-w .. --protect ../a/b/.git", "P/config"},
		{"R/link", "-w R --protect ../b/.git", "P/config"},
		{"R", "-w . --protect f --protect second", "R/f R/second"}, // names of one file
		{"R/a/b", "--dev --protect .git", "P/config"},
		{"R/a/b", "--dev -w . --protect .git", "P/config"},
		{"R/a/b", "--dev -w ../.. --protect .git --protect ../../f", "P/config R/f"},
	} {
		p, r := protectable(t)
		if err := os.Symlink("a/b", r+"/link"); err != nil {
			t.Fatal(err)
		}
		if err := os.Link(r+"/f", r+"/second"); err != nil {
			t.Fatal(err)
		}
		expand := strings.NewReplacer("P", p, "R", r)
		options := strings.Fields(expand.Replace(c.options))
		files := strings.Fields(expand.Replace(c.protected))
		op := []string{"each"}
		for _, file := range files {
			op = append(op, "write", file, ",")
			if name, below := strings.CutPrefix(file, expand.Replace(c.cwd)+"/"); below {
				op = append(op, "write", name, ",")
			}
		}
		writes := len(op) / 3
		op = append(op, "create", r+"/z/new")
		for _, options := range [][]string{options[:slices.Index(options, "--protect")], options} {
			want := strings.Repeat("ok ", writes)
			if slices.Contains(options, "--protect") {
				want = strings.Repeat("EROFS ", writes)
			}
			got := start(t, release.path, slices.Concat([]string{"snib"}, options, []string{"--", probePath}, op), func(cmd *exec.Cmd) { cmd.Dir = expand.Replace(c.cwd) })
			if got != (run{stdout: want + "ok\n"}) {
				t.Errorf("%q in %s: %+v, want %s", options, c.cwd, got, want)
			}
			if err := os.Remove(r + "/z/new"); err != nil {
				t.Error(err)
			}
		}
	}
}

// What takes the place of a path, or of a directory above it, once that was judged, is not mounted.
func TestProtectReplaced(t *testing.T) {
	needNamespaces(t)
	for _, replaced := range []string{"", "P", "R/a"} {
		p, r := protectable(t)
		argv, envp := arguments(t, "snib", "-w", r, "--protect", p, "--", "true"), arguments(t, "PATH=")
		var policy policy
		f := policy.parse(argv)
		rehearsing = &rehearsal{abi: 7, opened: map[int]int{}, kernel: systemCall}
		withKernel(rehearsed, func() {
			if f.reason == noReason {
				f = policy.judgeProtected(argv, envp)
			}
			if f.reason == noReason && replaced != "" {
				name := strings.NewReplacer("P", p, "R", r).Replace(replaced)
				if err := os.Rename(name, r+"/old"); err != nil {
					t.Fatal(err)
				}
				if err := os.MkdirAll(p, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if f.reason == noReason {
				f = policy.mountProtected()
			}
		})
		want, opened := failure{}, slices.Contains(rehearsing.calls, "open_tree")
		if replaced != "" {
			want = failure{reason: mountFailed, errno: unix.ESTALE, arg: 4}
		}
		if f != want || opened != (replaced != "R/a") {
			t.Errorf("%s replaced: %+v, %q", replaced, f, rehearsing.calls)
		}
	}
}

// A descriptor that stays open must not lead to what is beneath the mount.
func TestProtectKept(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	p, r := protectable(t)
	if err := os.Link(p+"/config", r+"/link"); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(p+"/fifo", 0o644); err != nil {
		t.Fatal(err)
	}
	gone, err := os.Create(p + "/gone")
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	if err := os.Remove(p + "/gone"); err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	memory, err := unix.MemfdCreate("snib", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	open := func(path string, flags int) *os.File {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		file := os.NewFile(uintptr(fd), path)
		t.Cleanup(func() { file.Close() })
		return file
	}
	for _, c := range []struct {
		file    *os.File
		refused bool
	}{
		{open(p+"/config", unix.O_RDONLY), true},
		{open(p+"/config", unix.O_WRONLY), true},
		{open(p+"/config", unix.O_PATH), true},
		{open(p+"/hooks/sample", unix.O_RDONLY), true},
		{open(p+"/fifo", unix.O_RDWR), true},
		{open(r+"/link", unix.O_RDONLY), false}, // but where its other name itself is protected
		{open(p, unix.O_RDONLY), true},
		{open(p, unix.O_PATH), true},
		{open(r, unix.O_RDONLY), true},
		{open("/", unix.O_PATH), true},
		{open(r+"/f", unix.O_RDWR), false},
		{open(r+"/a/f", unix.O_WRONLY), false},
		{open(os.DevNull, unix.O_RDWR), false},
		{gone, false},
		{read, false},
		{write, false},
		{os.NewFile(uintptr(memory), "memfd"), false},
	} {
		for _, way := range []struct {
			options []string
			pass    func(cmd *exec.Cmd)
			fd      int
		}{
			{nil, func(cmd *exec.Cmd) { cmd.Stdin = c.file }, 0},
			{[]string{"--keep-fd", "4"}, func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{nil, c.file} }, 4},
		} {
			if emulated() && way.fd != 0 {
				continue
			}
			for _, protects := range []string{p, p + "/config", r + "/other"} {
				inside := protects == p && c.refused || protects == p+"/config" && (c.file.Name() == p+"/config" || c.file.Name() == r+"/link")
				kind, err := c.file.Stat()
				if err != nil {
					t.Fatal(err)
				}
				want := run{stdout: "ok\n"}
				if kind.IsDir() || inside {
					want = run{code: exitFailed, stderr: fmt.Sprintf("snib: error: descriptor %d leads around --protect: it is a directory, or may be a protected file\n"+
						"snib: hint: close it, or redirect it: %d<>/dev/null\n", way.fd, way.fd)}
				}
				argv := slices.Concat([]string{"snib", "-w", r, "--protect", protects}, way.options, []string{"--", probePath, "open", fmt.Sprint(way.fd)})
				if got := start(t, release.path, argv, way.pass); got != want {
					t.Errorf("%q, %s: %+v, want %+v", argv[:len(argv)-3], c.file.Name(), got, want)
				}
			}
		}
	}
	// Control: without --protect a descriptor that is open for reading leads there.
	got := start(t, release.path, []string{"snib", "-w", r, "--", probePath, "write", "/proc/self/fd/0"}, func(cmd *exec.Cmd) { cmd.Stdin = open(p+"/config", unix.O_RDONLY) })
	if got.stdout != "ok\n" {
		t.Errorf("control: %+v", got)
	}
}

func init() {
	roles["mounts"] = mounts
	probes["mountCount"] = func([]string) error {
		content, err := os.ReadFile("/proc/self/mountinfo")
		if err == nil {
			err = fmt.Errorf("%d", strings.Count(string(content), "\n"))
		}
		return err
	}
	probes["mounted"] = func(a []string) error {
		fmt.Println("started")
		var line string
		fmt.Scanln(&line)
		return fmt.Errorf("%s", attempt([]string{"each", "write", a[0] + "/.git/sub/f", ",", "create", a[0] + "/.git/late/new", ",",
			"create", a[0] + "/.git/new", ",", "create", a[0] + "/new", ",", "read", a[0] + "/.git/sub/f"}))
	}
}

// mounts launches a command beneath a shared mount, with another mount in what may be protected, and makes one more there while the
// command runs. It prints whether the mounts that it sees were the same before, during and after; and what the command found.
func mounts(args []string) int {
	snib, dir := args[0], args[1]
	r := dir + "/r"
	fail := func(err error) {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	table := func() string {
		content, err := os.ReadFile("/proc/self/mountinfo")
		fail(err)
		return string(content)
	}
	fail(unix.Mount("tmpfs", dir, "tmpfs", 0, ""))
	fail(unix.Mount("", dir, "", unix.MS_SHARED, ""))
	fail(os.MkdirAll(r+"/.git/sub", 0o755))
	fail(os.MkdirAll(r+"/.git/late", 0o755))
	fail(unix.Mount("tmpfs", r+"/.git/sub", "tmpfs", 0, ""))
	fail(os.WriteFile(r+"/.git/sub/f", nil, 0o644))
	fail(os.MkdirAll(dir+"/alias", 0o755))
	fail(unix.Mount(r, dir+"/alias", "", unix.MS_BIND, ""))
	// Another mount of the writable path, or of the working directory, is no way to one that is protected.
	for _, argv := range [][]string{{"-w", dir + "/alias", "--protect", r + "/.git"}, {"-w", r, "--protect", dir + "/alias/.git"}, {"-w", ".", "--protect", r + "/.git"}} {
		cmd := &exec.Cmd{Path: snib, Args: slices.Concat([]string{"snib"}, argv, []string{"--", args[2], "true"}), Dir: dir + "/alias"}
		if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != exitFailed || !strings.Contains(string(out), "another mount") {
			fmt.Printf("%q: %s", argv, out)
		}
	}
	fail(unix.Unmount(dir+"/alias", 0))
	// One directory by two mounts is protected at both.
	fail(os.MkdirAll(r+"/twin", 0o755))
	fail(unix.Mount(r+"/.git", r+"/twin", "", unix.MS_BIND, ""))
	twins := &exec.Cmd{Path: snib, Args: []string{"snib", "-w", r, "--protect", r + "/.git", "--protect", r + "/twin", "--",
		args[2], "each", "create", r + "/.git/new", ",", "create", r + "/twin/new", ",", "create", r + "/new", ",", "unlink", r + "/new"}}
	if out, err := twins.CombinedOutput(); err != nil || string(out) != "EROFS EROFS ok ok\n" {
		fmt.Printf("%v: %s", err, out)
	}
	fail(unix.Unmount(r+"/twin", 0))
	// So is a working directory over which something is mounted.
	fail(os.MkdirAll(r+"/over/beneath", 0o755))
	fail(os.Chdir(r + "/over"))
	fail(unix.Mount("tmpfs", r+"/over", "tmpfs", 0, ""))
	fail(os.Mkdir(r+"/over/beneath", 0o755))
	for protect, said := range map[string]string{r + "/.git": "working directory", "beneath": "its absolute path cannot be told"} {
		over := &exec.Cmd{Path: snib, Args: []string{"snib", "-w", r, "--protect", protect, "--", args[2], "true"}}
		if out, _ := over.CombinedOutput(); over.ProcessState.ExitCode() != exitFailed || !strings.Contains(string(out), said) {
			fmt.Printf("mounted over: %s", out)
		}
	}
	fail(unix.Unmount(r+"/over", 0))
	before := table()
	cmd := &exec.Cmd{Path: snib, Args: slices.Concat([]string{"snib", "-w", r}, args[3:], []string{"--", args[2], "mounted", r}), Stderr: os.Stdout}
	in, err := cmd.StdinPipe()
	fail(err)
	out, err := cmd.StdoutPipe()
	fail(err)
	fail(cmd.Start())
	var started, outcome string
	fmt.Fscanln(out, &started)
	during := table()
	fail(unix.Mount("tmpfs", r+"/.git/late", "tmpfs", 0, ""))
	fmt.Fprintln(in, "go")
	rest := make([]byte, 256)
	n, _ := out.Read(rest)
	outcome = strings.TrimSpace(string(rest[:n]))
	fail(cmd.Wait())
	fail(unix.Unmount(r+"/.git/late", 0))
	fmt.Println(started, during == before, table() == before, outcome)
	return 0
}

// The mounts of the caller stay as they are where they are shared; what is mounted beneath a protected path is protected, and
// what is mounted there later is not seen.
func TestProtectMounts(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	for _, c := range []struct{ protect, want string }{
		{"", "started true true ok ok ok ok ok\n"},
		{"R/.git", "started true true EROFS EROFS EROFS ok ok\n"},
		{"R/.git/late", "started true true ok EROFS ok ok ok\n"},
	} {
		dir := scratch(t)
		argv := []string{"mounts", release.path, dir, probePath}
		if c.protect != "" {
			argv = append(argv, "--protect", strings.Replace(c.protect, "R", dir+"/r", 1))
		}
		got := start(t, rolePath("mounts"), argv, func(cmd *exec.Cmd) {
			cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
			if os.Geteuid() != 0 {
				cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
					UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}}
			}
		})
		if got != (run{stdout: c.want}) {
			t.Errorf("%q: %+v, want %s", c.protect, got, c.want)
		}
	}
}

// One mount a directory: not more for those that are deeper.
func TestProtectDeep(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	r := scratch(t)
	p := r + strings.Repeat("/d", 40)
	if err := os.MkdirAll(p+"/e", 0o755); err != nil {
		t.Fatal(err)
	}
	count := func(launcher ...string) int { return atoi(release.outcome(t, launcher, "mountCount")) }
	before := count("snib", "-w", r, "--")
	for _, c := range []struct {
		options []string
		mounts  int
	}{
		{[]string{"--protect", p}, 40},
		{[]string{"--protect", p, "--protect", p + "/e"}, 41},
		{[]string{"--protect", p + "/e", "--protect", p}, 41},
	} {
		if got := count(slices.Concat([]string{"snib", "-w", r}, c.options, []string{"--"})...); got != before+c.mounts {
			t.Errorf("%q: %d mounts, %d without", c.options, got, before)
		}
	}
	many := []string{"snib", "-w", r}
	for range 2 {
		many = append(many, "--protect", p)
	}
	for i := range 70 {
		dir := fmt.Sprintf("%s/%d", r, i)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		many = append(many, "--protect", dir)
	}
	got := start(t, release.path, append(many, probePath, "true"), nil)
	if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "too many paths are protected, or too deep\n") {
		t.Errorf("70 paths: %+v", got)
	}
}
