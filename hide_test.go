package main

// Hiding: what is hidden is read in no way, and everything else as before.

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func init() {
	// The file is made by the test once this runs.
	probes["read once made"] = func(a []string) error {
		for range 1000 {
			if _, err := os.Lstat(a[0]); err == nil {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		return openAndClose(a[0], unix.O_RDONLY)
	}
}

func TestHiddenSecrets(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	root, secret := vault(t)
	for _, hidden := range []string{secret, filepath.Dir(secret)} {
		for name := range readProbes {
			if os.Geteuid() != 0 && (name == "after chroot" || name == "by a handle") {
				continue // root's
			}
			op := []string{"read " + name, secret, root}
			if control := release.outcome(t, nil, op...); control != "ok" {
				t.Errorf("%s: control: %s", name, control)
			}
			want := []string{"EACCES", "EPERM", "EXDEV"}
			if name == "listed" {
				want = []string{"ok"} // names stay
			}
			if got := release.outcome(t, []string{"snib", "-w", root, "--hide", hidden, "--"}, op...); !slices.Contains(want, got) {
				t.Errorf("%s: %s", name, got)
			}
			if content, err := os.ReadFile(secret); err != nil || string(content) != secretText {
				t.Errorf("%s: the secret is now %q, %v", name, content, err)
			}
			if slices.Contains([]string{"by a hard link", "moved here", "by a handle", "open for writing too"}, name) {
				continue // ways of writing, and root's, which stay closed
			}
			other := filepath.Dir(root) + "/other"
			if got := release.outcome(t, []string{"snib", "-w", root, "--hide", other, "--"}, op...); got != "ok" {
				t.Errorf("%s: with another path hidden: %s", name, got)
			}
		}
	}
}

// home makes a directory with secrets and files of every kind.
func home(t testing.TB) string {
	t.Helper()
	dir := scratch(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{".ssh", ".aws", "sub/deep", "sub/next"} {
		if err := os.MkdirAll(dir+"/"+d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{".ssh/id", ".ssh/config", ".aws/key", "f", "sub/f", "sub/deep/f", "sub/next/f"} {
		if err := os.WriteFile(dir+"/"+file, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"link": ".ssh", "sub/filelink": "../link/id", "absolute": dir + "/.ssh/id", "dangling": dir + "/gone/x", "loop": "loop"} {
		if err := os.Symlink(to, dir+"/"+name); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(dir+"/fifo", 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// readable lists those of the files that can be read behind a launcher.
func readable(t *testing.T, launcher []string, dir string, files ...string) (yes []string) {
	t.Helper()
	op := []string{"each"}
	for _, f := range files {
		if !filepath.IsAbs(f) {
			f = dir + "/" + f
		}
		op = append(op, "read", f, ",")
	}
	for i, outcome := range strings.Fields(release.outcome(t, launcher, op[:len(op)-1]...)) {
		switch outcome {
		case "ok":
			yes = append(yes, files[i])
		case "EACCES":
		default:
			t.Errorf("%q: %s: %s", launcher, files[i], outcome)
		}
	}
	return yes
}

func TestHide(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	dir := home(t)
	files := []string{".ssh/id", ".ssh/config", ".aws/key", "f", "sub/f", "sub/deep/f", "sub/next/f", "/dev/null"}
	if got := readable(t, nil, dir, files...); !slices.Equal(got, files) {
		t.Fatalf("control: %q", got)
	}
	self, err := filepath.EvalSymlinks(probePath)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ options, hidden string }{
		{"--hide H/.ssh", ".ssh/id .ssh/config"},
		{"--hide=H/.ssh/", ".ssh/id .ssh/config"},
		{"--hide H/link", ".ssh/id .ssh/config"},
		{"--hide H/link/id", ".ssh/id"},
		{"--hide H/absolute", ".ssh/id"},
		{"--hide H/sub/filelink", ".ssh/id"},
		{"--hide H/sub/../link/../.aws", ".aws/key"},
		{"--hide H/sub/.//../.ssh/./id", ".ssh/id"},
		{"--hide H/.ssh --hide H/.aws", ".ssh/id .ssh/config .aws/key"},
		{"--hide H/.ssh --hide H/.ssh --hide H/link", ".ssh/id .ssh/config"},
		{"--hide H/.ssh/id --hide H/sub/deep", ".ssh/id sub/deep/f"},
		{"--hide H/sub --hide H/sub/deep", "sub/f sub/deep/f sub/next/f"},
		{"--hide H/sub/deep/f --hide H/sub", "sub/f sub/deep/f sub/next/f"},
		{"--hide H/fifo", ""},
		{"--hide H/nothing", ""},
		{"--hide H/nothing/at/all/", ""},
		{"--hide H/dangling", ""},
		{"--hide H/sub -w H/sub/deep", "sub/f sub/next/f"},
		{"--hide H/link -w H/sub", ".ssh/id .ssh/config"},
		{"--hide H/sub/filelink -w H/sub/deep", ".ssh/id"},
		// With reading restricted.
		{"--hide H/.ssh -r H -r SELF", ".ssh/id .ssh/config"},
		{"--hide H/.ssh/id -r H/.ssh -r SELF", ".ssh/id .aws/key f sub/f sub/deep/f sub/next/f"},
		{"--hide H/.ssh -r H/sub -r SELF", ".ssh/id .ssh/config .aws/key f"},
		{"--hide H/sub/deep -r H/sub -r SELF -r H/f", ".ssh/id .ssh/config .aws/key sub/deep/f"},
		{"--hide H/sub -w H/sub/deep -r SELF", ".ssh/id .ssh/config .aws/key f sub/f sub/next/f"},
	} {
		options := strings.Fields(strings.NewReplacer("H/", dir+"/", "H ", dir+" ", "SELF", self).Replace(c.options))
		launcher := slices.Concat([]string{"snib"}, options, []string{"--"})
		hidden := strings.Fields(c.hidden)
		want := slices.DeleteFunc(slices.Clone(files), func(f string) bool { return slices.Contains(hidden, f) })
		if got := readable(t, launcher, dir, files...); !slices.Equal(got, want) {
			t.Errorf("%s: %q is readable, want %q", c.options, got, want)
		}
	}
}

// What is made later where nothing was, or in a directory above what is hidden, is unreadable; beneath another directory it is not.
func TestHideNothing(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	for _, c := range []struct{ hide, made, want string }{
		{"", "later", "ok"},
		{"later", "later", "EACCES"},
		{"later/a/b", "later", "EACCES"},
		{"dangling", "gone", "EACCES"},
		{".ssh", "later", "EACCES"},
		{".ssh", "sub/later", "ok"},
	} {
		dir := home(t)
		launcher := []string{"snib", "--hide", dir + "/" + c.hide, "--"}
		if c.hide == "" {
			launcher = nil
		}
		made := make(chan error)
		go func() {
			time.Sleep(300 * time.Millisecond)
			made <- os.WriteFile(dir+"/"+c.made, []byte("x"), 0o644)
		}()
		got := release.outcome(t, launcher, "read once made", dir+"/"+c.made)
		if err := <-made; err != nil || got != c.want {
			t.Errorf("%+v: %s, %v", c, got, err)
		}
	}
}

func TestHideRefused(t *testing.T) {
	t.Parallel()
	needOneGuest(t)
	needABI(t, 1)
	dir := home(t)
	writable := func(hide, root string) string {
		return fmt.Sprintf("snib: error: %q cannot be hidden: it is at or beneath the writable path %q\n"+
			"snib: hint: writable paths are readable: make less writable\n", hide, root)
	}
	for name, to := range map[string]string{"sub/up": "..", "inner": "sub/filelink"} {
		if err := os.Symlink(to, dir+"/"+name); err != nil {
			t.Fatal(err)
		}
	}
	linked := func(hide, root string) string {
		return fmt.Sprintf("snib: error: %q cannot be hidden: a symbolic link that leads to it is beneath the writable path %q\n"+
			"snib: hint: the command could make the link lead elsewhere: write the path that it leads to\n", hide, root)
	}
	root := func(word string) string {
		return fmt.Sprintf("snib: error: %q is the root directory, which cannot be hidden\nsnib: hint: hide a path beneath it, or restrict reading: --read PATH\n", word)
	}
	reads := func(path, word string) string {
		return fmt.Sprintf("snib: error: path %q is at or beneath %q, which is hidden\nsnib: hint: leave one of them out\n", path, word)
	}
	for _, c := range []struct{ options, want string }{
		{"--hide H/sub -w H", writable("H/sub", "H")},
		{"-w H/sub --hide H/sub", writable("H/sub", "H/sub")},
		{"-w H/sub --hide H/sub/deep/f", writable("H/sub/deep/f", "H/sub")},
		{"-w H/link --hide H/.ssh/id", writable("H/.ssh/id", "H/link")},
		{"-w H/.ssh/id --hide H/absolute", writable("H/absolute", "H/.ssh/id")},
		{"-w H/sub --hide H/sub/nothing", writable("H/sub/nothing", "H/sub")},
		{"-w / --hide H/sub", writable("H/sub", "/")},
		{"--dev --hide /tmp/nothing-there", writable("/tmp/nothing-there", "/tmp")},
		{"--hide /dev/null", writable("/dev/null", "/dev/null")},
		{"-w H/sub --hide H/sub/filelink", linked("H/sub/filelink", "H/sub")},
		{"-w H/sub --hide H/sub/deep/../filelink", linked("H/sub/deep/../filelink", "H/sub")},
		{"-w H/sub --hide H/sub/up/.aws", linked("H/sub/up/.aws", "H/sub")},
		{"-w H/sub --hide H/sub/up/none", linked("H/sub/up/none", "H/sub")},
		{"-w H/sub/next -w H/sub --hide H/inner", linked("H/inner", "H/sub")},
		{"--hide /", root("/")},
		{"--hide=/..", root("--hide=/..")},
		{"--hide H/sub -r H/sub", reads("H/sub", "H/sub")},
		{"--hide H/sub -r H/sub/deep/f", reads("H/sub/deep/f", "H/sub")},
		{"--hide H/link -r H/absolute", reads("H/absolute", "H/link")},
		{"--hide H/sub -r / --list H/sub/deep", reads("H/sub/deep", "H/sub")},
		{"--hide=~/.ssh", "snib: error: path \"~/.ssh\" of --hide: no such file or directory\nsnib: hint: the shell did not expand \"~\": write --hide ~/PATH, or \"$HOME/PATH\"\n"},
		{"--hide -- H/f", "snib: error: path \"--\" of --hide: no such file or directory\nsnib: hint: --hide took \"--\" as its path: write one after --hide\n"},
		{"--hide H/.ssh:H/.aws", "snib: error: path \"H/.ssh:H/.aws\" of --hide: no such file or directory\nsnib: hint: --hide takes one path: write --hide PATH_ --hide PATH_\n"},
		{"--hide H/f/x", "snib: error: hide \"H/f/x\": not a directory\n"},
		{"--hide H/loop", "snib: error: hide \"H/loop\": too many levels of symbolic links\n"},
		{"--hide H/nothing/../f", "snib: error: hide \"H/nothing/../f\": no such file or directory\n"},
	} {
		replace := strings.NewReplacer("PATH_", "PATH", "H/", dir+"/", "H ", dir+" ", "\"H\"", "\""+dir+"\"")
		argv := append([]string{"snib"}, strings.Fields(replace.Replace(c.options+" true"))...)
		checkRefused(t, argv, 125, replace.Replace(c.want))
	}
}

// The entries of a directory that cannot be listed are readable to nobody; those beneath a directory in it that leads on are.
func TestHideUnlistable(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	dir := home(t)
	if err := os.Chmod(dir+"/sub", 0o311); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir+"/sub", 0o755) })
	programs := ""
	if os.Geteuid() == 0 {
		programs = forUsers(t)
	}
	try := func(launcher []string, want, file string) {
		t.Helper()
		if os.Geteuid() == 0 {
			path, argv := programs+"/probe", []string{"probe", "read", dir + "/" + file}
			if launcher != nil {
				path, argv = programs+"/snib", slices.Concat(launcher, []string{programs + "/probe", "read", dir + "/" + file})
			}
			r := start(t, path, argv, func(cmd *exec.Cmd) {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			})
			if r != (run{stdout: want + "\n"}) {
				t.Errorf("%q: %+v, want %s", argv, r, want)
			}
		} else if got := release.outcome(t, launcher, "read", dir+"/"+file); got != want {
			t.Errorf("%q %s: %s, want %s", launcher, file, got, want)
		}
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(dir+"/sub", 12345, 12345); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(dir+"/sub/deep/g", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	hide := []string{"snib", "--hide", dir + "/sub/deep/f", "--"}
	for file, want := range map[string]string{"sub/deep/f": "EACCES", "sub/deep/g": "ok", "sub/f": "EACCES", "sub/next/f": "EACCES", "f": "ok"} {
		try(nil, "ok", file)
		try(hide, want, file)
	}
}

func TestHideAmongMany(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	dir := home(t)
	many := 10000
	if emulated() {
		many = 2000
	}
	for i := range many {
		if err := os.WriteFile(dir+"/"+fmt.Sprintf("file-%05d", i), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	name := func(i int) string { return fmt.Sprintf("file-%05d", i) }
	files := []string{name(0), name(many/2 - 1), name(many / 2), name(many/2 + 1), name(many - 1), ".ssh/id"}
	launcher := []string{"snib", "--hide", dir + "/" + name(many/2), "--hide", dir + "/.ssh", "--"}
	want := []string{name(0), name(many/2 - 1), name(many/2 + 1), name(many - 1)}
	if got := readable(t, launcher, dir, files...); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := readable(t, nil, dir, files...); !slices.Equal(got, files) {
		t.Errorf("control: %q", got)
	}
	// The report counts, and does not list.
	r := release.snib(t, "--explain", "--hide", dir+"/.ssh", "--", "true")
	line := fmt.Sprintf("  %q: %d rules\n", dir, many+4) // .aws, sub, f, fifo
	if r.code != 0 || !strings.Contains(r.stdout, line) || strings.Count(r.stdout, "\n") > 600 {
		t.Errorf("--explain: exit %d, no %q in %d lines: %s", r.code, line, strings.Count(r.stdout, "\n"), r.stderr)
	}
}

// The report names the directories above, and what is in the launch's own way is not taken for one of the policy's paths.
func TestHideExplained(t *testing.T) {
	needABI(t, 1)
	dir := home(t)
	hidden := []string{dir + "/link/id", dir + "/missing"}
	e := decodeExplained(t, release.snib(t, "--explain=json", "--hide", hidden[0], "--hide", hidden[1], "--", probePath, "list", dir))
	if !slices.Equal(e.Hidden, hidden) {
		t.Errorf("hidden: %q", e.Hidden)
	}
	var above []string
	for _, b := range e.Beside {
		above = append(above, b.Directory)
	}
	want := []string{dir + "/.ssh"}
	for at := dir; at != "/"; at = filepath.Dir(at) {
		want = append(want, at)
	}
	if want = append(want, "/", "/dev"); !slices.Equal(above, want) {
		t.Errorf("directories %q, want %q", above, want)
	}
	if len(e.Beside) > 0 && e.Beside[0].Rules != 1 { // config
		t.Errorf("%d rules in %s, want 1", e.Beside[0].Rules, e.Beside[0].Directory)
	}
	if e.Runs == "" || e.Failure != "" || len(e.Paths) == 0 || e.Paths[0].Path != "/" || !slices.Equal(e.Paths[0].Access, []string{"read_dir"}) {
		t.Errorf("%+v", e)
	}
	for _, path := range e.Paths {
		if strings.HasPrefix(path.Path, dir) {
			t.Errorf("%q is no path of the policy", path.Path)
		}
	}
}

// Entries that come and go meanwhile are no failure.
func TestHideAmongVanishing(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	dir := home(t)
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			name := fmt.Sprintf("%s/file-%d", dir, i%50)
			if os.Remove(name) != nil {
				os.WriteFile(name, nil, 0o644)
			}
		}
	}()
	rounds := 50
	if emulated() {
		rounds = 10
	}
	for range rounds {
		if got := readable(t, []string{"snib", "--hide", dir + "/.ssh", "--"}, dir, ".ssh/id", "f"); !slices.Equal(got, []string{"f"}) {
			t.Errorf("%q", got)
		}
	}
	close(stop)
	<-stopped
}

// Mount points on the way, and other mounts of what is hidden among the entries beside it.
func TestHideMounts(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	enter := ownMounts(t)
	bind := func(t *testing.T, from, to string) {
		t.Helper()
		info, err := os.Stat(from)
		if err == nil && info.IsDir() {
			err = os.MkdirAll(to, 0o755)
		} else if err == nil {
			err = os.WriteFile(to, nil, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Unmount(to, unix.MNT_DETACH) })
	}
	check := func(t *testing.T, dir, hide string, want string, files ...string) {
		t.Helper()
		if got := readable(t, nil, dir, files...); !slices.Equal(got, files) {
			t.Errorf("control: %q", got)
		}
		if got := readable(t, []string{"snib", "--hide", filepath.Join(dir, hide), "--"}, dir, files...); strings.Join(got, " ") != want {
			t.Errorf("--hide %s: %q, want %q", hide, got, want)
		}
	}
	t.Run("hidden is a mount point", func(t *testing.T) {
		enter(t)
		dir, elsewhere := home(t), home(t)
		bind(t, elsewhere+"/.ssh", dir+"/vault")
		check(t, dir, "vault", ".ssh/id f", "vault/id", ".ssh/id", "f")
		check(t, dir, "vault/id", "vault/config f", "vault/id", "vault/config", "f")
	})
	t.Run("hidden is mounted beside", func(t *testing.T) {
		enter(t)
		dir := home(t)
		bind(t, dir+"/.ssh", dir+"/other")
		check(t, dir, ".ssh", "f", ".ssh/id", "other/id", "f")
		check(t, dir, "other", "f", ".ssh/id", "other/id", "f")
	})
	t.Run("the way is mounted beside", func(t *testing.T) {
		enter(t)
		dir := home(t)
		bind(t, dir+"/sub", dir+"/other")
		check(t, dir, "sub/deep", "sub/f other/f sub/next/f", "sub/deep/f", "other/deep/f", "sub/f", "other/f", "sub/next/f")
	})
	t.Run("what is beneath is mounted beside", func(t *testing.T) {
		enter(t)
		dir := home(t)
		bind(t, dir+"/sub/deep", dir+"/other")
		bind(t, dir+"/.ssh/id", dir+"/file")
		check(t, dir, "sub", "f", "sub/deep/f", "other/f", "f")
		check(t, dir, ".ssh", "sub/f f", ".ssh/id", "file", "sub/f", "f")
	})
	t.Run("file system on the way", func(t *testing.T) {
		enter(t)
		dir := home(t)
		if err := os.Mkdir(dir+"/mnt", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("tmpfs", dir+"/mnt", "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Unmount(dir+"/mnt", unix.MNT_DETACH) })
		for _, name := range []string{"secret", "f"} {
			if err := os.WriteFile(dir+"/mnt/"+name, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		check(t, dir, "mnt/secret", "mnt/f f", "mnt/secret", "mnt/f", "f")
		check(t, dir, "mnt", "f", "mnt/secret", "mnt/f", "f")
	})
	t.Run("links in one directory, by two mounts", func(t *testing.T) {
		enter(t)
		dir := home(t)
		if err := errors.Join(os.MkdirAll(dir+"/tool/bin", 0o755), os.Symlink(dir+"/.ssh/id", dir+"/sub/two")); err != nil {
			t.Fatal(err)
		}
		bind(t, dir+"/sub", dir+"/beside")
		bind(t, dir+"/sub", dir+"/tool/bin/links")
		hide := func(links ...string) run {
			argv := []string{"snib", "-w", dir + "/tool"}
			for _, link := range links {
				argv = append(argv, "--hide", dir+link)
			}
			return start(t, release.path, append(argv, probePath, "read", dir+"/f"), nil)
		}
		if r := hide("/beside/two"); r.code != 0 || r.stdout != "ok\n" {
			t.Errorf("control: exit %d, stdout %q, stderr %q", r.code, r.stdout, r.stderr)
		}
		want := fmt.Sprintf("snib: error: %q cannot be hidden: a symbolic link that leads to it is beneath the writable path %q\n", dir+"/tool/bin/links/two", dir+"/tool")
		for _, links := range [][]string{{"/tool/bin/links/two"}, {"/beside/two", "/tool/bin/links/two"}} {
			if r := hide(links...); r.code != 125 || !strings.HasPrefix(r.stderr, want) {
				t.Errorf("--hide %q: exit %d, stderr %q", links, r.code, r.stderr)
			}
		}
	})
	// overlay mounts layers, and a file system of its own for what is written, at dir/merged.
	overlay := func(t *testing.T, dir string, layers ...string) {
		t.Helper()
		base := dir + "/base"
		for _, d := range []string{dir + "/merged", base} {
			if err := os.Mkdir(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := unix.Mount("tmpfs", base, "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Unmount(base, unix.MNT_DETACH) })
		for _, d := range []string{"/upper", "/work"} {
			if err := os.Mkdir(base+d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		options := "lowerdir=" + strings.Join(layers, ":") + ",upperdir=" + base + "/upper,workdir=" + base + "/work"
		if err := unix.Mount("overlay", dir+"/merged", "overlay", 0, options); err != nil {
			t.Skip("needs overlayfs")
		}
		t.Cleanup(func() { unix.Unmount(dir+"/merged", unix.MNT_DETACH) })
	}
	t.Run("overlayfs", func(t *testing.T) {
		enter(t)
		dir := home(t)
		overlay(t, dir, home(t))
		if err := os.WriteFile(dir+"/merged/.ssh/new", nil, 0o644); err != nil {
			t.Fatal(err)
		}
		files := []string{"merged/.ssh/id", "merged/.ssh/new", "merged/.aws/key", "merged/f", "f"}
		check(t, dir, "merged/.ssh", "merged/.aws/key merged/f f", files...)
		check(t, dir, "merged/.ssh/new", "merged/.ssh/id merged/.aws/key merged/f f", files...)
		check(t, dir, "merged/.ssh/id", "merged/.ssh/new merged/.aws/key merged/f f", files...)
	})
	t.Run("overlayfs of several file systems", func(t *testing.T) {
		enter(t)
		dir, layer := home(t), home(t)
		for from, to := range map[string]string{".ssh/id": "beside", ".ssh/config": "sub/below"} {
			if err := os.Link(layer+"/"+from, layer+"/"+to); err != nil {
				t.Fatal(err)
			}
		}
		overlay(t, dir, layer)
		for _, name := range []string{".ssh/new", "made"} {
			if err := os.WriteFile(dir+"/merged/"+name, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Link(dir+"/merged/.ssh/new", dir+"/merged/linked"); err != nil {
			t.Fatal(err)
		}
		files := []string{"merged/.ssh/id", "merged/beside", "merged/.ssh/new", "merged/linked", "merged/made", "merged/f", "merged/sub/below"}
		check(t, dir, "merged/.ssh", "merged/made merged/f merged/sub/below", files...)
		check(t, dir, "merged/.aws", "merged/.ssh/id merged/.ssh/new merged/made merged/f merged/sub/below", files...)
		check(t, dir, "merged/.ssh/id", "merged/.ssh/new merged/linked merged/made merged/f merged/sub/below", files...)
	})
}

// A disk holds the secret, too: of /dev only devices that hold nothing are readable.
func TestHideDevices(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	dir := home(t)
	self, err := filepath.EvalSymlinks(probePath)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("/dev/shm/snib-test", nil, 0o644); err != nil {
		t.Skip("needs /dev/shm")
	}
	t.Cleanup(func() { os.Remove("/dev/shm/snib-test") })
	for _, c := range []struct {
		options []string
		path    string
		want    string
	}{
		{[]string{"--hide", dir + "/.ssh"}, "/dev/shm/snib-test", "EACCES"},
		{[]string{"--hide", dir + "/.ssh", "-w", "/dev/shm"}, "/dev/shm/snib-test", "ok"},
		{[]string{"--hide", dir + "/.ssh", "-r", "/", "-r", "/dev/shm"}, "/dev/shm/snib-test", "ok"},
		{[]string{"--hide", dir + "/.ssh", "-r", "/dev", "-r", roleDir, "-r", self}, "/dev/shm/snib-test", "ok"},
		{[]string{"--hide", dir + "/.ssh"}, "/dev/zero", "ok"},
		{[]string{"--hide", dir + "/.ssh", "--bare", "-r", "/"}, "/dev/zero", "ok"},
		{[]string{"--hide", dir + "/.ssh"}, "/dev/urandom", "ok"},
		{[]string{"--hide", dir + "/.ssh"}, "/proc/self/status", "ok"},
		{[]string{"--hide", "/dev/nothing"}, "/dev/urandom", "ok"},
		{[]string{"--hide", "/dev/zero"}, "/dev/urandom", "ok"},
		{[]string{"--hide", "/dev/zero"}, "/dev/zero", "EACCES"},
		{[]string{"--hide", "/dev/zero", "-r", "/"}, "/dev/zero", "EACCES"},
		{[]string{"--hide", "/dev/zero", "-r", "/dev", "-r", roleDir, "-r", self}, "/dev/zero", "EACCES"},
		{[]string{"--hide", "/dev/zero", "-r", "/dev", "-r", roleDir, "-r", self}, "/dev/shm/snib-test", "ok"},
		{[]string{"--hide", "/dev/shm", "-r", "/dev", "-r", roleDir, "-r", self}, "/dev/shm/snib-test", "EACCES"},
		{[]string{"--hide", "/dev"}, "/dev/zero", "EACCES"},
	} {
		if got := release.outcome(t, slices.Concat([]string{"snib"}, c.options, []string{"--"}), "read", c.path); got != c.want {
			t.Errorf("%q %s: %s, want %s", c.options, c.path, got, c.want)
		}
		if got := release.outcome(t, nil, "read", c.path); got != "ok" {
			t.Errorf("control: %s: %s", c.path, got)
		}
	}
}

// A file with two names is hidden by both of them, whichever comes first.
func TestHideHardLinks(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	dir := home(t)
	self, err := filepath.EvalSymlinks(probePath)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Link(dir+"/.ssh/id", dir+"/sub/link"); err != nil {
		t.Fatal(err)
	}
	one, other := dir+"/.ssh/id", dir+"/sub/link"
	files := []string{".ssh/id", "sub/link", ".ssh/config", "sub/f"}
	for _, c := range []struct {
		options []string
		want    string
	}{
		{nil, ".ssh/id sub/link .ssh/config sub/f"},
		{[]string{"snib", "--hide", one, "--"}, "sub/link .ssh/config sub/f"},
		{[]string{"snib", "--hide", other, "--"}, ".ssh/id .ssh/config sub/f"},
		{[]string{"snib", "--hide", filepath.Dir(one), "--"}, "sub/link sub/f"},
		{[]string{"snib", "--hide", filepath.Dir(one), "--hide", dir + "/sub/deep", "--"}, "sub/f"},
		{[]string{"snib", "--hide", one, "--hide", other, "--"}, ".ssh/config sub/f"},
		{[]string{"snib", "--hide", other, "--hide", one, "--"}, ".ssh/config sub/f"},
		{[]string{"snib", "--hide", other, "--hide", one, "-r", dir, "-r", roleDir, "-r", self, "--"}, ".ssh/config sub/f"},
	} {
		if got := readable(t, c.options, dir, files...); strings.Join(got, " ") != c.want {
			t.Errorf("%q: %q is readable, want %q", c.options, got, c.want)
		}
	}
	for _, first := range []string{one, other} {
		second := one + other
		second = strings.Replace(second, first, "", 1)
		refused := fmt.Sprintf("snib: error: %q cannot be hidden: it is at or beneath the writable path %q\n"+
			"snib: hint: writable paths are readable: make less writable\n", other, dir+"/sub")
		checkRefused(t, []string{"snib", "--hide", first, "--hide", second, "-w", dir + "/sub", "true"}, 125, refused)
	}
}

// What cannot be searched can be hidden all the same, and what is in no directory be read.
func TestHideOdd(t *testing.T) {
	needABI(t, 1)
	dir := home(t)
	if err := os.Mkdir(dir+"/locked", 0); err != nil {
		t.Fatal(err)
	}
	for _, options := range [][]string{
		{"--hide", dir + "/locked"}, {"--hide", dir + "/locked/"}, {"--hide", dir + "/.ssh", "-r", "/", "-r", dir + "/locked"},
	} {
		if got := readable(t, slices.Concat([]string{"snib"}, options, []string{"--"}), dir, "f"); len(got) != 1 {
			t.Errorf("%q: f is not readable", options)
		}
	}
	for _, options := range [][]string{{}, {"--hide", dir + "/.ssh"}} {
		r := start(t, release.path, slices.Concat([]string{"snib", "-r", "/proc/self/fd/0", "-r", "/"}, options, []string{"--", probePath, "read", dir + "/f"}),
			func(cmd *exec.Cmd) { cmd.Stdin = strings.NewReader("x") })
		if r != (run{stdout: "ok\n"}) {
			t.Errorf("%q: %+v", options, r)
		}
	}
}

// A file system whose server answers nothing is passed by: nothing is asked of it.
func TestHideBesideHung(t *testing.T) {
	needABI(t, 1)
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	enter := ownMounts(t)
	enter(t)
	dir := home(t)
	if err := os.Mkdir(dir+"/hung", 0o755); err != nil {
		t.Fatal(err)
	}
	server, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skip("needs /dev/fuse")
	}
	defer server.Close() // whoever waits for an answer has an error then
	if err := unix.Mount("snib", dir+"/hung", "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40755,user_id=0,group_id=0", server.Fd())); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir+"/hung", unix.MNT_DETACH)

	control := exec.Command(probePath, "list", dir+"/hung")
	if err := control.Start(); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() { waited <- control.Wait() }()
	select {
	case err := <-waited:
		t.Errorf("control: the file system is not hung: %v", err)
	case <-time.After(time.Second):
		control.Process.Kill()
		<-waited
	}
	files := []string{".ssh/id", "f", "sub/f"}
	if got := readable(t, []string{"snib", "--hide", dir + "/.ssh", "--"}, dir, files...); !slices.Equal(got, files[1:]) {
		t.Errorf("%q is readable, want %q", got, files[1:])
	}
}

// hideScene is a policy that hides something, and what no rule may then let anybody read.
type hideScene struct {
	options   []string
	forbidden []string
	refused   bool
	lists     bool // every directory that is listed leads to something
}

// hideScenes are launches that together make every call of hide_linux.go.
func hideScenes(t testing.TB) []hideScene {
	dir := home(t)
	if err := os.MkdirAll(dir+"/none/deep", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(dir+"/.ssh/id", dir+"/sub/deep/link"); err != nil {
		t.Fatal(err)
	}
	hideFault.names = map[string]bool{".": true, "..": true, "dev": true} // hidden besides, as what holds the disks
	for _, name := range strings.Split(dir, "/") {
		hideFault.names[name] = true
	}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		hideFault.names[filepath.Base(path)] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	above := func(paths ...string) []string {
		for at := dir; at != "/"; at = filepath.Dir(at) {
			paths = append(paths, at)
		}
		return append(paths, "/")
	}
	return []hideScene{
		{[]string{"--hide", dir + "/absolute", "--hide", dir + "/link/id"}, above(dir+"/.ssh/id", dir+"/.ssh"), false, true},
		{[]string{"--hide", dir + "/.ssh/id", "--hide", dir + "/sub/deep/link"}, above(dir+"/.ssh/id", dir+"/.ssh", dir+"/sub/deep", dir+"/sub"), false, true},
		{[]string{"--hide", dir + "/none/./deep/at/all/"}, above(dir+"/none/deep", dir+"/none"), false, false},
		{[]string{"--hide", dir + "/sub", "--hide", dir + "/sub/deep/f", "--hide", dir + "/sub/deep", "-r", dir, "-r", dir + "/.ssh/id", "--list", dir},
			above(dir+"/sub/deep/f", dir+"/sub/deep", dir+"/sub"), false, false},
		{[]string{"--hide", dir + "/.ssh/id", "--read", dir + "/link", "--bare"}, []string{dir + "/.ssh/id", dir + "/.ssh"}, false, false},
		{[]string{"--hide", dir + "/sub/deep", "-w", dir + "/.ssh", "--unix", dir}, above(dir+"/sub/deep", dir+"/sub"), false, false},
		{[]string{"--hide", dir + "/sub/filelink", "-w", dir + "/sub"}, []string{dir + "/.ssh/id"}, true, false},
		{[]string{"--hide", dir + "/sub", "--bare", "--read", dir + "/sub/deep/f"}, above(dir + "/sub"), true, false},
		{[]string{"--hide", dir + "/sub/deep", "-w", dir + "/sub"}, above(dir+"/sub/deep", dir+"/sub"), true, false},
		{[]string{"--hide", dir + "/loop"}, nil, true, false},
		{[]string{"--hide", "/"}, nil, true, false},
	}
}

// hideCalls are made only where something is hidden.
var hideCalls = []uintptr{unix.SYS_STATX, unix.SYS_READLINKAT, unix.SYS_GETDENTS64}

// hideFault is one wrong answer of the kernel, and what a launch with it granted.
var hideFault hideFaults

type hideFaults struct {
	names     map[string]bool // in the scenes' directory, and of it and those above
	at, calls int
	answer    uintptr
	nr        uintptr
	forbidden []identity
	granted   bool
	sites     map[string]bool // lines of calls; nil: not wanted
	log       []uintptr       // the calls
	last      unix.Statx_t
}

// sameAgain is an answer of statx: 0, with what the call before it left.
const sameAgain = 1 << 62

func hideFaultyKernel(nr, a1, a2, a3, a4, a5 uintptr) uintptr {
	k := &hideFault
	at := k.calls
	k.calls++
	k.log = append(k.log, nr)
	if k.sites != nil {
		for _, line := range strings.Fields(callSite()) {
			k.sites[line] = true
		}
	}
	if nr == unix.SYS_LANDLOCK_ADD_RULE && (*unix.LandlockPathBeneathAttr)(memory(a3)).Allowed_access&unix.LANDLOCK_ACCESS_FS_READ_FILE != 0 {
		var s unix.Statx_t
		if unix.Statx(int((*unix.LandlockPathBeneathAttr)(memory(a3)).Parent_fd), "", unix.AT_EMPTY_PATH, unix.STATX_INO, &s) == nil {
			id := identity{dev: uint64(s.Dev_major)<<32 | uint64(s.Dev_minor), ino: s.Ino}
			k.granted = k.granted || slices.ContainsFunc(k.forbidden, func(f identity) bool { return f.is(&id) })
		}
	}
	if at == k.at {
		k.nr = nr
		if nr == unix.SYS_CLOSE {
			rehearsed(nr, a1, a2, a3, a4, a5)
		}
		if nr == unix.SYS_STATX && k.answer == sameAgain {
			*(*unix.Statx_t)(memory(a5)) = k.last
			return 0
		}
		return k.answer
	}
	answer := rehearsed(nr, a1, a2, a3, a4, a5)
	if nr == unix.SYS_STATX {
		k.last = *(*unix.Statx_t)(memory(a5))
	}
	if n, errno := result(answer); nr == unix.SYS_GETDENTS64 && errno == 0 {
		return k.fewEntries(unsafe.Slice((*byte)(memory(a2)), n))
	}
	return answer
}

// fewEntries leaves, in what getdents64 wrote, the names that a scene is about and two others of each type. The directories above may
// have many entries, each of which would take the same calls, and each of those calls every fault.
func (k *hideFaults) fewEntries(listing []byte) uintptr {
	kept, others := 0, map[byte]int{}
	for at := 0; at < len(listing); {
		entry := listing[at:][:binary.NativeEndian.Uint16(listing[at+16:])]
		at += len(entry)
		kind, name := entry[18], unix.ByteSliceToString(entry[19:])
		if !k.names[name] {
			if others[kind]++; others[kind] > 2 {
				continue
			}
		}
		kept += copy(listing[kept:], entry)
	}
	return uintptr(kept)
}

// launch runs a scene against a kernel that gives one wrong answer.
func (s *hideScene) launch(t testing.TB, at int, answer uintptr) (f failure, ran bool) {
	t.Helper()
	argv, envp := arguments(t, slices.Concat([]string{"snib"}, s.options, []string{"--", probePath})...), arguments(t, "PATH=")
	k := &hideFault
	k.at, k.calls, k.answer, k.granted, k.nr, k.log = at, 0, answer, false, 0, nil
	var p policy
	f = p.parse(argv)
	rehearsing = &rehearsal{abi: 11, opened: map[int]int{}, kernel: systemCall}
	if f.reason == noReason {
		withKernel(hideFaultyKernel, func() { f = p.carryOut(argv, envp) })
	}
	for fd := range rehearsing.opened {
		unix.Close(fd)
	}
	return f, rehearsing.runs != ""
}

// hideSites are the lines that the scenes get to, and those to which only a failure leads.
func hideSites(t testing.TB) map[string]bool {
	hideFault.sites = map[string]bool{}
	defer func() { hideFault.sites = nil }()
	scenes := hideScenes(t)
	for _, s := range slices.Backward(scenes) {
		s.launch(t, -1, 0)
	}
	for at, end := 0, hideFault.calls; at < end; at++ {
		scenes[0].launch(t, at, failed(unix.EMFILE))
	}
	return hideFault.sites
}

// Whatever one call answers, nothing is granted that leads to what is hidden; and what is no property of an entry ends the launch.
func TestHideFaults(t *testing.T) {
	needOneGuest(t)
	if !alone(t) {
		return
	}
	scenes := hideScenes(t)
	hides := []uintptr{unix.SYS_OPENAT, unix.SYS_STATX, unix.SYS_READLINKAT, unix.SYS_GETDENTS64, unix.SYS_LANDLOCK_ADD_RULE}
	answers := []uintptr{failed(unix.EMFILE), failed(unix.EACCES), failed(unix.ENOENT)}
	if !emulated() {
		answers = append(answers, failed(unix.ESTALE), failed(unix.EBADFD), 1, 8192, 1<<31, 1<<63, sameAgain)
	}
	k, seen, launches := &hideFault, map[uintptr]bool{}, 0
	for _, s := range scenes {
		k.forbidden = nil
		for _, path := range s.forbidden {
			var stat unix.Statx_t
			if err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO, &stat); err != nil {
				t.Fatal(err)
			}
			k.forbidden = append(k.forbidden, identity{dev: uint64(stat.Dev_major)<<32 | uint64(stat.Dev_minor), ino: stat.Ino})
		}
		if f, ran := s.launch(t, -1, 0); ran == s.refused || k.granted {
			t.Fatalf("%q without a fault: %+v, ran %v, granted %v", s.options, f, ran, k.granted)
		}
		log := k.log
		for at := range log {
			for _, answer := range answers {
				if answer == sameAgain && (s.refused || slices.Contains(s.options, "--bare")) {
					continue // one lie about what a path of the policy is cannot be noticed
				}
				f, ran := s.launch(t, at, answer)
				launches++
				seen[k.nr] = true
				if k.granted && (ran || answer != sameAgain) {
					t.Errorf("%q: call %d (%s): %#x: what leads to the secret is readable", s.options, at, launchCalls[k.nr], answer)
				}
				if ran && (s.refused || answer == failed(unix.EMFILE) && slices.Contains(hides, k.nr)) {
					t.Errorf("%q: call %d (%s): %#x: %+v, and it ran", s.options, at, launchCalls[k.nr], answer, f)
				}
			}
			if k.nr == unix.SYS_STATX || k.nr == unix.SYS_READLINKAT || k.nr == unix.SYS_GETDENTS64 {
				_, ran := s.launch(t, at, 0)                                                                   // nothing was written
				empty := at < len(k.log) && k.log[at] == unix.SYS_GETDENTS64 && k.log[at-1] == unix.SYS_OPENAT // others may have made entries meanwhile
				if k.granted {
					t.Errorf("%q: call %d (%s): 0: what leads to the secret is readable", s.options, at, launchCalls[k.nr])
				}
				if ran && empty && s.lists {
					t.Errorf("%q: call %d: a directory that does not list what leads to the secret, and it ran", s.options, at)
				}
			}
		}
	}
	for _, nr := range append(hides, hideCalls...) {
		if !seen[nr] {
			t.Errorf("no fault in %s", launchCalls[nr])
		}
	}
	t.Logf("%d launches", launches)
}
