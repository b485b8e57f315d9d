package main

// What a policy does to the file system, seen from outside: each denied operation has the same one allowed beneath a
// root, and a control without a sandbox.

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// tree makes a directory with a file, "file", and an empty directory, "empty".
func tree(t testing.TB, dir string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("original"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// state describes everything beneath dir: names, kinds and contents.
func state(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		fmt.Fprintf(&b, "%s %v", name, entry.Type())
		if entry.Type().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %q", content)
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// workspace is a policy of the codexFlags grammar that makes roots writable, and nothing else.
func workspace(t testing.TB, roots ...string) []string {
	t.Helper()
	policy, err := json.Marshal(map[string]any{
		"type": "workspace-write", "writable_roots": append([]string{}, roots...), "exclude_tmpdir_env_var": true, "exclude_slash_tmp": true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return []string{"codex-linux-sandbox", "--sandbox-policy-cwd", "/nonexistent", "--sandbox-policy", string(policy), "--"}
}

// launchers are the ways to ask for writable roots.
var launchers = map[string]func(t testing.TB, roots ...string) []string{
	"snib": func(_ testing.TB, roots ...string) []string {
		argv := []string{"snib"}
		for _, root := range roots {
			argv = append(argv, "-w", root)
		}
		return append(argv, "--")
	},
	"options": func(_ testing.TB, roots ...string) []string {
		argv := []string{"codex-linux-sandbox"}
		for _, root := range roots {
			argv = append(argv, "-s", "disk-write-folder="+root)
		}
		return append(argv, "--")
	},
	"positional": func(t testing.TB, roots ...string) []string {
		argv := workspace(t, roots...)
		return []string{argv[0], argv[2], strings.Replace(argv[4], `"type"`, `"mode"`, 1), "--"}
	},
	"flags": workspace,
}

func eachLauncher(t *testing.T, test func(t *testing.T, b *build, launcher func(t testing.TB, roots ...string) []string)) {
	eachBuild(t, func(t *testing.T, b *build) {
		for name, launcher := range launchers {
			t.Run(name, func(t *testing.T) { test(t, b, launcher) })
		}
	})
}

func TestWritesByPlace(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	operations := []struct {
		name string
		op   func(dir string) []string
	}{
		{name: "write", op: func(d string) []string { return []string{"write", d + "/file"} }},
		{name: "create", op: func(d string) []string { return []string{"create", d + "/new"} }},
		{name: "truncate", op: func(d string) []string { return []string{"truncate", d + "/file"} }},
		{name: "open truncating", op: func(d string) []string { return []string{"openTruncate", d + "/file"} }},
		{name: "open truncating, mode 3", op: func(d string) []string { return []string{"openTruncateForIoctl", d + "/file"} }},
		{name: "unlink", op: func(d string) []string { return []string{"unlink", d + "/file"} }},
		{name: "mkdir", op: func(d string) []string { return []string{"mkdir", d + "/new"} }},
		{name: "rmdir", op: func(d string) []string { return []string{"rmdir", d + "/empty"} }},
		{name: "symlink", op: func(d string) []string { return []string{"symlink", "file", d + "/new"} }},
		{name: "link", op: func(d string) []string { return []string{"link", d + "/file", d + "/new"} }},
		{name: "rename", op: func(d string) []string { return []string{"rename", d + "/file", d + "/new"} }},
		{name: "mkfifo", op: func(d string) []string { return []string{"mkfifo", d + "/new"} }},
		{name: "mksock", op: func(d string) []string { return []string{"mksock", d + "/new"} }},
	}
	eachBuild(t, func(t *testing.T, b *build) {
		for n, o := range operations {
			t.Run(o.name, func(t *testing.T) {
				launcher := launchers[[]string{"snib", "flags", "options", "positional"}[n%len(launchers)]]
				dir := scratch(t)
				root, outside := dir+"/root", dir+"/outside"
				tree(t, root)
				tree(t, outside)
				sandbox := launcher(t, root)
				before := state(t, outside)

				if got := b.outcome(t, sandbox, o.op(outside)...); got != "EACCES" && got != "EPERM" {
					t.Errorf("outside: %s", got)
				}
				if after := state(t, outside); after != before {
					t.Errorf("outside changed from\n%sto\n%s", before, after)
				}
				closed := kernelABI() < 3 && strings.HasPrefix(o.name, "open truncating") || kernelABI() < 3 && o.name == "truncate"
				want := "ok"
				if closed {
					want = "EPERM" // the filter cannot tell a root from the rest
				}
				if got := b.outcome(t, sandbox, o.op(root)...); got != want {
					t.Errorf("beneath the root: %s, want %s", got, want)
				}
				if changed := state(t, root) != before; changed != (want == "ok") {
					t.Errorf("beneath the root: changed: %v", changed)
				}
				if got := b.outcome(t, nil, o.op(outside)...); got != "ok" {
					t.Errorf("control: %s", got)
				}
				if state(t, outside) == before {
					t.Error("control: nothing changed")
				}
			})
		}
	})
}

// Moving and linking across the border of a root, both ways, against the same between two roots.
func TestAcrossRoots(t *testing.T) {
	t.Parallel()
	needABI(t, 2)
	eachBuild(t, func(t *testing.T, b *build) {
		for n, op := range []string{"rename", "link"} {
			for _, to := range []string{"outside", "root", "second"} {
				t.Run(op+" to "+to, func(t *testing.T) {
					launcher := launchers[[]string{"snib", "flags"}[n]]
					dir := scratch(t)
					for _, name := range []string{"root", "second", "outside"} {
						tree(t, filepath.Join(dir, name))
					}
					from := "root"
					if to == "root" {
						from = "outside"
					}
					source, target := filepath.Join(dir, from, "file"), filepath.Join(dir, to, "new")
					before := state(t, dir)
					got := b.outcome(t, launcher(t, dir+"/root", dir+"/second"), op, source, target)
					changed := state(t, dir) != before
					switch {
					case to == "second":
						if got != "ok" || !changed {
							t.Errorf("between roots: %s, changed: %v", got, changed)
						}
						return
					case got != "EACCES" && got != "EXDEV", changed:
						t.Errorf("%s, changed: %v", got, changed)
					}
					if got := b.outcome(t, nil, op, source, target); got != "ok" || state(t, dir) == before {
						t.Errorf("control: %s", got)
					}
				})
			}
		}
	})
}

func TestSymlinkLeadsNowhere(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	eachLauncher(t, func(t *testing.T, b *build, launcher func(t testing.TB, roots ...string) []string) {
		dir := scratch(t)
		tree(t, dir+"/root")
		tree(t, dir+"/outside")
		if err := os.Symlink("../outside/file", dir+"/root/out"); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("file", dir+"/root/in"); err != nil {
			t.Fatal(err)
		}
		before := state(t, dir+"/outside")
		sandbox := launcher(t, dir+"/root")
		if got := b.outcome(t, sandbox, "write", dir+"/root/out"); got != "EACCES" || state(t, dir+"/outside") != before {
			t.Errorf("through a symlink to outside: %s", got)
		}
		if got := b.outcome(t, sandbox, "write", dir+"/root/in"); got != "ok" {
			t.Errorf("through a symlink inside: %s", got)
		}
		if got := b.outcome(t, nil, "write", dir+"/root/out"); got != "ok" {
			t.Errorf("control: %s", got)
		}
	})
}

// A device node in a root would give root the raw disk. mknod(2) of a device takes CAP_MKNOD, so only root can tell.
func TestNoDeviceNodes(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	needRoot(t)
	eachLauncher(t, func(t *testing.T, b *build, launcher func(t testing.TB, roots ...string) []string) {
		for _, op := range []string{"mkchar", "mkblock"} {
			dir := scratch(t)
			if got := b.outcome(t, launcher(t, dir), op, dir+"/node"); got != "EACCES" {
				t.Errorf("%s: %s", op, got)
			}
			if _, err := os.Lstat(dir + "/node"); err == nil {
				t.Errorf("%s: the node exists", op)
			}
			if got := b.outcome(t, nil, op, dir+"/node"); got != "ok" {
				t.Errorf("%s: control: %s", op, got)
			}
		}
	})
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// Reads are allowed everywhere, and so is writing to /dev/null.
func TestReadsEverywhere(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	eachLauncher(t, func(t *testing.T, b *build, launcher func(t testing.TB, roots ...string) []string) {
		dir := scratch(t)
		tree(t, dir)
		ops := [][]string{{"read", dir + "/file"}, {"list", dir}, {"write", "/dev/null"}}
		if kernelABI() >= 3 {
			ops = append(ops, []string{"truncate", "/dev/null"})
		}
		for _, op := range ops {
			if got, want := b.outcome(t, launcher(t), op...), b.outcome(t, nil, op...); got != want {
				t.Errorf("%q: %s, without a sandbox %s", op, got, want)
			}
		}
	})
}

func TestRoots(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	eachLauncher(t, func(t *testing.T, b *build, launcher func(t testing.TB, roots ...string) []string) {
		dir := scratch(t)
		// expect takes pairs of an operation and its outcome.
		expect := func(sandbox []string, pairs ...string) {
			t.Helper()
			op, want := []string{"each"}, []string{}
			for i := 0; i < len(pairs); i += 2 {
				op = append(op, strings.Fields(strings.ReplaceAll(pairs[i], "@", dir))...)
				op = append(op, ",")
				want = append(want, pairs[i+1])
			}
			if got := b.outcome(t, sandbox, op...); got != strings.Join(want, " ") {
				t.Errorf("%q: %s, want %s", op, got, want)
			}
		}
		tree(t, dir+"/a/b")
		tree(t, dir+"/real")
		if err := os.Symlink("real", dir+"/link"); err != nil {
			t.Fatal(err)
		}

		expect(launcher(t, dir+"/a/b/file"), "write @/a/b/file", "ok", "unlink @/a/b/file", "EACCES", "create @/a/b/sibling", "EACCES")
		expect(nil, "create @/a/b/sibling", "ok")

		for _, overlapping := range [][]string{launcher(t, dir+"/a", dir+"/a/b"), launcher(t, dir+"/a/b", dir+"/a")} {
			expect(overlapping, "create @/a/b/new", "ok", "rename @/a/b/new @/a/b/newer", "ok", "unlink @/a/b/newer", "ok",
				"create @/a/new", "ok", "unlink @/a/new", "ok", "create @/new", "EACCES")
		}

		expect(launcher(t, dir+"/link"), "create @/real/new", "ok", "create @/link/newer", "ok", "create @/new", "EACCES")
		expect(launcher(t, "/"), "create @/everywhere", "ok")
		expect(launcher(t), "create @/new", "EACCES")
		expect(nil, "create @/new", "ok")
	})
}

// A root that does not exist is an error under snib's own name, and skipped under the helper's.
func TestMissingRoot(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	eachBuild(t, func(t *testing.T, b *build) {
		dir := scratch(t)
		for name, launcher := range launchers {
			sandbox := launcher(t, dir+"/missing", dir)
			if name != "snib" {
				if got := b.outcome(t, sandbox, "create", dir+"/"+name); got != "ok" {
					t.Errorf("%s: %s", name, got)
				}
				continue
			}
			r := start(t, b.path, append(sandbox, probePath, "create", dir+"/"+name), nil)
			want := fmt.Sprintf("snib: error: writable path %q: no such file or directory\n"+
				"snib: hint: create it first, or leave it out\n", dir+"/missing")
			if r.code != 125 || r.stderr != want {
				t.Errorf("exit %d, stderr %q, want %q", r.code, r.stderr, want)
			}
			if _, err := os.Lstat(dir + "/" + name); err == nil {
				t.Error("the command ran")
			}
		}
	})
}

// Ways to files that do not lead over paths: by a mount that is attached nowhere and by a handle, which are root's, and by
// the ioctls of btrfs, which are any user's.
func TestAroundPaths(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	eachLauncher(t, func(t *testing.T, b *build, launcher func(t testing.TB, roots ...string) []string) {
		dir := scratch(t)
		tree(t, dir+"/root")
		tree(t, dir+"/outside")
		before := state(t, dir)
		ops := map[string][]string{"snapshot": {"snapshot", dir + "/outside"}}
		if os.Geteuid() == 0 {
			ops["handle, own mount"] = []string{"writeByHandle", dir + "/root", dir + "/outside/file"}
			ops["handle"] = []string{"openByHandle", dir + "/root", dir + "/root/file"}
			ops["mount"] = []string{"mountNowhere"}
		}
		for name, op := range ops {
			if got := b.outcome(t, launcher(t, dir+"/root"), op...); got != "EPERM" {
				t.Errorf("%s: %s", name, got)
			}
			if after := state(t, dir); after != before {
				t.Errorf("%s: before\n%safter\n%s", name, before, after)
			}
			if got := b.outcome(t, nil, op...); name == "snapshot" && got == "EPERM" || name != "snapshot" && got != "ok" {
				t.Errorf("%s: control: %s", name, got)
			}
			before = state(t, dir)
		}
		if got := b.outcome(t, launcher(t, dir+"/root"), "write", dir+"/root/file"); got != "ok" {
			t.Errorf("by its path, in the root: %s", got)
		}
	})
}

// A root that is a pipe needs no rule, and is no obstacle: Landlock does not restrict it, with or without.
func TestPipeRoot(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	dir := scratch(t)
	eachLauncher(t, func(t *testing.T, b *build, launcher func(t testing.TB, roots ...string) []string) {
		for _, c := range []struct {
			roots []string
			want  string
		}{
			{nil, "changedEACCES ok"}, {[]string{"/proc/self/fd/1"}, "changedEACCES ok"}, {[]string{"/proc/self/fd/1", dir}, "changedok ok"},
		} {
			if got := b.outcome(t, launcher(t, c.roots...), "each", "create", dir+"/new", ",", "write", "/proc/self/fd/1"); got != c.want {
				t.Errorf("%q: %s, want %s", c.roots, got, c.want)
			}
			os.Remove(dir + "/new")
		}
		if got := b.outcome(t, nil, "create", dir+"/new"); got != "ok" {
			t.Errorf("control: %s", got)
		}
		os.Remove(dir + "/new")
	})
}

// Names that a careless quoting or decoding would get wrong.
func TestRootNames(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	names := []string{"with space", `"quoted"`, `back\slash`, "new\nline", "tab\tbell\a", "\U0001F4A9 \U0010FFFD é", "-w", "--", "{", "$HOME"}
	eachLauncher(t, func(t *testing.T, b *build, launcher func(t testing.TB, roots ...string) []string) {
		dir := scratch(t)
		roots, op, want := []string{}, []string{"each"}, ""
		for _, name := range names {
			root := filepath.Join(dir, name)
			tree(t, root)
			roots = append(roots, root)
			op = append(op, "create", root+"/new", ",")
			want += "ok "
		}
		op = append(op, "create", dir+"/new")
		if got := b.outcome(t, launcher(t, roots...), op...); got != want+"EACCES" {
			t.Errorf("%s, want %sEACCES", got, want)
		}
		if got := b.outcome(t, nil, "create", dir+"/new"); got != "ok" {
			t.Errorf("control: %s", got)
		}
	})
}

// escaped writes every UTF-16 unit of s as an escape of JSON.
func escaped(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, unit := range utf16Units(s) {
		fmt.Fprintf(&b, `\u%04X`, unit)
	}
	b.WriteByte('"')
	return b.String()
}

func utf16Units(s string) (units []uint16) {
	for _, r := range s {
		if r < 0x10000 {
			units = append(units, uint16(r))
			continue
		}
		r -= 0x10000
		units = append(units, uint16(0xd800+r>>10), uint16(0xdc00+r&0x3ff))
	}
	return units
}

func TestEscapedRoot(t *testing.T) {
	needABI(t, 1)
	eachBuild(t, func(t *testing.T, b *build) {
		dir := scratch(t)
		root := filepath.Join(dir, "\U0001F4A9 \"\n")
		tree(t, root)
		argv := workspace(t)
		argv[4] = `{"writable\u005froots":[` + escaped(root) + `],"t\u0079pe":` + escaped("workspace-write") +
			`,"exclude_slash_tmp":true,"exclude_tmpdir_env_var":true}`
		if got := b.outcome(t, argv, "create", root+"/new"); got != "ok" {
			t.Error(got)
		}
		if got := b.outcome(t, argv, "create", dir+"/new"); got != "EACCES" {
			t.Error(got)
		}
		if got := b.outcome(t, nil, "create", dir+"/new"); got != "ok" {
			t.Errorf("control: %s", got)
		}
	})
}

// Every one of very many roots counts, the last as the first.
func TestManyRoots(t *testing.T) {
	t.Parallel()
	needOneGuest(t)
	needABI(t, 1)
	needLong(t)
	const count = 5000
	// One argument holds at most 128 KiB (MAX_ARG_STRLEN): the directory's name is a short one.
	dir, err := os.MkdirTemp("/tmp", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	var roots []string
	for i := range count {
		root := fmt.Sprintf("%s/%d", dir, i)
		if err := os.Mkdir(root, 0o755); err != nil {
			t.Fatal(err)
		}
		roots = append(roots, root)
	}
	eachLauncher(t, func(t *testing.T, b *build, launcher func(t testing.TB, roots ...string) []string) {
		sandbox := launcher(t, roots...)
		op := []string{"each"}
		for _, i := range []int{0, 1, count / 2, count - 1} {
			op = append(op, "create", roots[i]+"/new", ",", "unlink", roots[i]+"/new", ",")
		}
		op = append(op, "create", dir+"/new")
		if got, want := b.outcome(t, sandbox, op...), strings.Repeat("ok ", 8)+"EACCES"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if got := b.outcome(t, nil, "create", dir+"/new"); got != "ok" {
			t.Errorf("control: %s", got)
		}
		os.Remove(dir + "/new")
	})
}

// A policy near the size of the longest single argument (MAX_ARG_STRLEN, 128 KiB), most of it to be ignored, with a root
// too long to be a path.
func TestLongPolicy(t *testing.T) {
	needOneGuest(t)
	needABI(t, 1)
	eachBuild(t, func(t *testing.T, b *build) {
		dir := scratch(t)
		tree(t, dir+"/root")
		argv := workspace(t, "/"+strings.Repeat("x", unix.PathMax), dir+"/root")
		argv[4] = `{"ignored":["` + strings.Repeat(`\n[{`, 100<<10/4) + `"],` + argv[4][1:]
		if len(argv[4]) < 100<<10 {
			t.Fatalf("only %d bytes", len(argv[4]))
		}
		if got := b.outcome(t, argv, "create", dir+"/root/new"); got != "ok" {
			t.Error(got)
		}
		if got := b.outcome(t, argv, "create", dir+"/new"); got != "EACCES" {
			t.Error(got)
		}
		if got := b.outcome(t, nil, "create", dir+"/new"); got != "ok" {
			t.Errorf("control: %s", got)
		}
	})
}

// Below ABI 3 truncation is no Landlock right, and the filter closes it for every file, by every call that truncates.
func TestTruncationBeforeABI3(t *testing.T) {
	if abi := kernelABI(); abi == 0 || abi >= 3 {
		t.Skipf("needs Landlock ABI 1 or 2, this kernel has %d", abi)
	}
	eachBuild(t, func(t *testing.T, b *build) {
		file := scratch(t) + "/file"
		ops := []string{"truncate", "openTruncate", "openTruncateForIoctl", "openat2Truncate"}
		for _, sandbox := range [][]string{{"snib"}, {"snib", "--network"}} {
			for _, op := range ops {
				if err := os.WriteFile(file, []byte("original"), 0o666); err != nil {
					t.Fatal(err)
				}
				got := b.outcome(t, sandbox, op, file)
				content, _ := os.ReadFile(file)
				if !slices.Contains([]string{"EPERM", "ENOSYS"}, got) || string(content) != "original" {
					t.Errorf("%q %s: %s, content %q", sandbox, op, got, content)
				}
				if got := b.outcome(t, nil, op, file); got != "ok" {
					t.Errorf("%s: control: %s", op, got)
				}
			}
		}
		if got := b.outcome(t, []string{"snib"}, "read", file); got != "ok" {
			t.Errorf("read: %s", got)
		}
	})
}

// What each ABI enforces, on a kernel of a later one, for the ABIs that no kernel here has.
func TestLowerABI(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	needABI(t, 5)
	for _, abi := range []int{1, 3, 4, 5} {
		t.Run(fmt.Sprint(abi), func(t *testing.T) {
			dir := scratch(t)
			for _, name := range []string{"root", "second", "outside"} {
				tree(t, filepath.Join(dir, name))
			}
			launch := func(op ...string) string {
				t.Helper()
				argv := append([]string{"lowered", fmt.Sprint(abi), "-w", dir + "/root", "-w", dir + "/second", "--", probePath}, op...)
				r := start(t, rolePath("lowered"), argv, nil)
				if r.code != 0 {
					t.Fatalf("%q: %+v", argv, r)
				}
				return strings.TrimSpace(r.stdout)
			}
			truncated := map[bool]string{true: "EPERM", false: "EACCES"}[abi < 3]
			moved := map[bool]string{true: "EXDEV", false: "ok"}[abi < 2]
			inRoot := map[bool]string{true: "EPERM", false: "ok"}[abi < 3]
			for _, c := range []struct {
				want string
				op   []string
			}{
				{"EACCES", []string{"write", dir + "/outside/file"}},
				{"ok", []string{"write", dir + "/root/file"}},
				{"EACCES", []string{"create", dir + "/outside/new"}},
				{"ok", []string{"create", dir + "/root/new"}},
				{moved, []string{"rename", dir + "/root/new", dir + "/second/new"}},
				{truncated, []string{"truncate", dir + "/outside/file"}},
				{truncated, []string{"openTruncate", dir + "/outside/file"}},
				{truncated, []string{"openTruncateForIoctl", dir + "/outside/file"}},
				{inRoot, []string{"truncate", dir + "/root/file"}},
				{"EPERM", []string{"socket", fmt.Sprint(unix.AF_INET), fmt.Sprint(unix.SOCK_STREAM)}},
			} {
				if got := launch(c.op...); got != c.want {
					t.Errorf("%q: %s, want %s", c.op, got, c.want)
				}
			}
			if content, _ := os.ReadFile(dir + "/outside/file"); string(content) != "original" {
				t.Errorf("outside: %q", content)
			}
			// Device ioctls: on /dev/zero the kernel knows none, and says so where Landlock lets it.
			wantIoctl := map[bool]string{true: "ENOTTY", false: "EACCES"}[abi < 5]
			if got := launch("ioctlOn", "/dev/zero"); got != wantIoctl {
				t.Errorf("ioctl on a device: %s, want %s", got, wantIoctl)
			}
			if got := release.outcome(t, nil, "ioctlOn", "/dev/zero"); got != "ENOTTY" {
				t.Errorf("ioctl on a device: control: %s", got)
			}
			for _, op := range [][]string{{"write", dir + "/outside/file"}, {"create", dir + "/outside/new"}, {"truncate", dir + "/outside/file"},
				{"openTruncate", dir + "/outside/file"}, {"openTruncateForIoctl", dir + "/outside/file"}, {"truncate", dir + "/root/file"},
				{"socket", fmt.Sprint(unix.AF_INET), fmt.Sprint(unix.SOCK_STREAM)}} {
				if got := release.outcome(t, nil, op...); got != "ok" {
					t.Errorf("%q: control: %s", op, got)
				}
			}
		})
	}
}
