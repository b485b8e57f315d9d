package main

// What Landlock has no right for, or sees too late: extended attributes, inode flags, the set-uid bit and message queues,
// seen from outside.

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// writesFree are policies that leave writes alone.
var writesFree = [][]string{
	{"codex-linux-sandbox", "-s", "disk-full-write-access", "--"},
	{"codex-linux-sandbox", "--sandbox-policy-cwd", "/nonexistent", "--sandbox-policy", `{"type":"external-sandbox"}`, "--"},
}

const attribute = "user.snib"

// setters give a file an attribute, and removers take it away, each by another call.
var (
	setters  = []string{"setxattr", "lsetxattr", "fsetxattr", "setxattrat"}
	removers = []string{"removexattr", "lremovexattr", "fremovexattr", "removexattrat"}
)

// join makes one operation of several on one file.
func join(ops []string, args ...string) []string {
	list := []string{"each"}
	for _, op := range ops {
		list = slices.Concat(list, []string{op}, args, []string{","})
	}
	return list
}

// times is an outcome, as often as there are operations.
func times(n int, outcome string) string { return strings.TrimSpace(strings.Repeat(outcome+" ", n)) }

// eopnotsupp is EOPNOTSUPP by the name that unix.ErrnoName has for its number.
var eopnotsupp = unix.ErrnoName(unix.EOPNOTSUPP)

// Extended attributes are not there to be changed, within a root or outside, and programs do without.
func TestAttributeCalls(t *testing.T) {
	t.Parallel()
	all := strings.Join(slices.Concat(setters, removers, []string{"file_setattr"}), " ")
	eachBuild(t, func(t *testing.T, b *build) {
		if got := b.outcome(t, nil, "unsupported"); got != "" {
			t.Errorf("control: %s", got)
		}
		for _, sandbox := range writesFree {
			if got := b.outcome(t, sandbox, "unsupported"); got != "" {
				t.Errorf("%q: %s", sandbox, got)
			}
		}
	})
	needABI(t, 1)
	eachLauncher(t, func(t *testing.T, b *build, launcher func(t testing.TB, roots ...string) []string) {
		for _, sandbox := range [][]string{launcher(t), launcher(t, "/")} {
			if got := b.outcome(t, sandbox, "unsupported"); got != all {
				t.Errorf("%q: %s, want %s", sandbox, got, all)
			}
		}
	})
}

// attributed makes a file with an attribute, where the file system has any.
func attributed(t testing.TB, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("original"), 0o644); err != nil {
		t.Fatal(err)
	}
	switch err := unix.Setxattr(path, attribute, []byte("original"), 0); {
	case errors.Is(err, unix.EOPNOTSUPP):
		t.Skip("needs a file system with attributes of users")
	case err != nil:
		t.Fatal(err)
	}
}

// attributeOf is what a file's attribute holds.
func attributeOf(t testing.TB, path string) string {
	t.Helper()
	got := make([]byte, 64)
	n, err := unix.Getxattr(path, attribute, got)
	if err != nil {
		return errnoName(err)
	}
	return string(got[:n])
}

func TestExtendedAttributes(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	probeDir := scratch(t)
	attributed(t, probeDir+"/file")
	eachLauncher(t, func(t *testing.T, b *build, launcher func(t testing.TB, roots ...string) []string) {
		dir := scratch(t)
		for _, place := range []string{"root", "outside"} {
			file := filepath.Join(dir, place, "file")
			if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			attributed(t, file)
			sandbox := launcher(t, dir+"/root")
			ops := slices.Concat(setters, removers)
			if got := b.outcome(t, sandbox, join(ops, file)...); got != times(len(ops), eopnotsupp) {
				t.Errorf("%s: %s", place, got)
			}
			if got := attributeOf(t, file); got != "original" {
				t.Errorf("%s: the attribute is now %s", place, got)
			}
			if got := b.outcome(t, sandbox, join([]string{"getxattr", "listxattr"}, file)...); got != "original ok" {
				t.Errorf("%s: reading: %s", place, got)
			}
		}
	})
	eachBuild(t, func(t *testing.T, b *build) {
		file := scratch(t) + "/file"
		for _, sandbox := range append([][]string{nil}, writesFree...) {
			for _, op := range slices.Concat(setters, removers) {
				attributed(t, file)
				want, left := "ok", "changed"
				if slices.Contains(removers, op) {
					left = "ENODATA"
				}
				if strings.HasSuffix(op, "at") && absentCall(unix.SYS_SETXATTRAT) {
					want, left = "ENOSYS", "original"
				}
				if got := b.outcome(t, sandbox, op, file); got != want {
					t.Errorf("%q: %s: %s, want %s", sandbox, op, got, want)
				}
				if got := attributeOf(t, file); got != left {
					t.Errorf("%q: %s left %s, want %s", sandbox, op, got, left)
				}
			}
		}
	})
}

// absentCall tells whether this kernel, or a filter of somebody else's, has not got a system call.
func absentCall(nr uintptr) bool {
	nowhere := ^uintptr(0)
	err := rawErrno6(nr, nowhere, nowhere, nowhere, nowhere, nowhere, nowhere)
	return errors.Is(err, unix.ENOSYS)
}

func TestInodeFlags(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	flagsOf := func(t *testing.T, path string) (flags uint32) {
		t.Helper()
		err := withFile(path, func(fd int) (err error) { flags, err = unix.IoctlGetUint32(fd, getFlags); return err })
		if err != nil {
			t.Fatal(err)
		}
		return flags & noDump
	}
	plainFile := func(t *testing.T, dir string) string {
		t.Helper()
		tree(t, dir)
		return dir + "/file"
	}
	ops := []string{"setFlags", "file_setattr"}
	if absentCall(fileGetter) {
		ops = ops[:1]
	}
	for _, op := range ops {
		if got := release.outcome(t, nil, op, plainFile(t, scratch(t))); got != "ok" {
			t.Skip("needs a file system with inode flags")
		}
	}
	denied := map[string]string{"setFlags": "EPERM", "file_setattr": eopnotsupp}
	eachLauncher(t, func(t *testing.T, b *build, launcher func(t testing.TB, roots ...string) []string) {
		dir := scratch(t)
		for _, op := range ops {
			for _, place := range []string{"root", "outside"} {
				file := plainFile(t, filepath.Join(dir, place))
				if got := b.outcome(t, launcher(t, dir+"/root"), op, file); got != denied[op] {
					t.Errorf("%s, %s: %s, want %s", op, place, got, denied[op])
				}
				if flagsOf(t, file) != 0 {
					t.Errorf("%s, %s: the flags changed", op, place)
				}
			}
		}
	})
	eachBuild(t, func(t *testing.T, b *build) {
		for _, sandbox := range append([][]string{nil}, writesFree...) {
			for _, op := range ops {
				file := plainFile(t, scratch(t))
				if got := b.outcome(t, sandbox, op, file); got != "ok" || flagsOf(t, file) == 0 {
					t.Errorf("%q: %s: %s, flags %#x", sandbox, op, got, flagsOf(t, file))
				}
			}
		}
	})
}

// modeOf is a file's mode, as chmod takes it.
func modeOf(t testing.TB, path string) uint32 {
	t.Helper()
	var stat unix.Stat_t
	if err := unix.Lstat(path, &stat); err != nil {
		t.Fatal(err)
	}
	return stat.Mode & 0o7777
}

// A file is not made to run with the rights of its owner; every other mode is the command's to set.
func TestSetUID(t *testing.T) {
	t.Parallel()
	ops := []string{"chmod", "fchmod", "fchmodat", "fchmodat2"}
	absent := absentCall(unix.SYS_FCHMODAT2)
	// try sets a mode by each of the calls, of a fresh file each.
	try := func(t *testing.T, b *build, sandbox []string, dir string, mode uint32, denied bool) {
		t.Helper()
		all, wants := []string{"each"}, []string{}
		for _, op := range ops {
			file := filepath.Join(dir, op)
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, 0o644); err != nil {
				t.Fatal(err)
			}
			all = append(all, op, file, fmt.Sprintf("%#o", mode), ",")
			switch {
			case denied:
				wants = append(wants, "EPERM")
			case op == "fchmodat2" && absent:
				wants = append(wants, "ENOSYS")
			default:
				wants = append(wants, "ok")
			}
		}
		if got := b.outcome(t, sandbox, all...); got != strings.Join(wants, " ") {
			t.Errorf("%q: %q %#o: %s, want %s", sandbox, ops, mode, got, wants)
		}
		for i, op := range ops {
			left := uint32(0o644)
			if wants[i] == "ok" {
				left = mode
			}
			if now := modeOf(t, filepath.Join(dir, op)); now != left {
				t.Errorf("%q: %s %#o left %#o", sandbox, op, mode, now)
			}
		}
	}
	eachBuild(t, func(t *testing.T, b *build) {
		dir := scratch(t)
		for _, sandbox := range append([][]string{nil}, writesFree...) {
			try(t, b, sandbox, dir, 0o4755, false)
		}
	})
	needABI(t, 1)
	eachLauncher(t, func(t *testing.T, b *build, launcher func(t testing.TB, roots ...string) []string) {
		dir := scratch(t)
		for _, place := range []string{"root", "outside"} {
			if err := os.Mkdir(filepath.Join(dir, place), 0o755); err != nil {
				t.Fatal(err)
			}
			for mode, denied := range map[uint32]bool{0o4755: true, 0o6711: true, 0o2755: false, 0o1700: false} {
				try(t, b, launcher(t, dir+"/root"), filepath.Join(dir, place), mode, denied)
			}
		}
	})
}

// A file that is made with the set-uid bit would keep it until somebody without the capability to writes: root outside may fill
// it, and a mapping changes it. openat2 has its mode where the filter cannot see it.
func TestSetUIDByCreation(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	ways := map[string]string{"openat": "EPERM", "unnamed": "EPERM", "mknodat": "EPERM", "openat2": "ENOSYS"}
	if runtime.GOARCH == "amd64" {
		ways["open"], ways["creat"], ways["mknod"] = "EPERM", "EPERM", "EPERM"
	}
	eachLauncher(t, func(t *testing.T, b *build, launcher func(t testing.TB, roots ...string) []string) {
		dir := scratch(t)
		for how, want := range ways {
			file := filepath.Join(dir, how)
			if got := b.outcome(t, launcher(t, dir), "make", how, file, "04755"); got != want {
				t.Errorf("%s: %s, want %s", how, got, want)
			}
			if _, err := os.Lstat(file); err == nil {
				t.Errorf("%s: there is a file", how)
			}
			if got := b.outcome(t, nil, "make", how, file, "04755"); got != "4755" {
				t.Errorf("%s: control: %s", how, got)
			}
			os.Remove(file)
			want := map[bool]string{true: "ENOSYS", false: "755"}[how == "openat2"]
			if got := b.outcome(t, launcher(t, dir), "make", how, file, "0755"); got != want {
				t.Errorf("%s without the bit: %s, want %s", how, got, want)
			}
			os.Remove(file)
		}
	})
}

// Message queues are files of a file system that is mounted nowhere: under Landlock alone mq_open makes one although it
// answers EACCES.
func TestMessageQueues(t *testing.T) {
	t.Parallel()
	name := filepath.Base(scratch(t))
	switch err := openQueue(name, unix.O_RDONLY); {
	case errors.Is(err, unix.ENOSYS):
		t.Skip("needs message queues")
	case !errors.Is(err, unix.ENOENT):
		t.Fatal(err)
	}
	t.Cleanup(func() { unlinkQueue(name) })
	exists := func() bool { return openQueue(name, unix.O_RDONLY) == nil }
	eachBuild(t, func(t *testing.T, b *build) {
		for _, sandbox := range append([][]string{nil}, writesFree...) {
			if got := b.outcome(t, sandbox, "mqCreate", name); got != "ok" || !exists() {
				t.Errorf("%q: mq_open: %s", sandbox, got)
			}
			if got := b.outcome(t, sandbox, "mqUnlink", name); got != "ok" || exists() {
				t.Errorf("%q: mq_unlink: %s", sandbox, got)
			}
		}
	})
	needABI(t, 1)
	eachLauncher(t, func(t *testing.T, b *build, launcher func(t testing.TB, roots ...string) []string) {
		for _, sandbox := range [][]string{launcher(t), launcher(t, "/")} {
			if got := b.outcome(t, sandbox, "mqCreate", name); got != "EPERM" || exists() {
				t.Errorf("%q: mq_open: %s, exists: %v", sandbox, got, exists())
				unlinkQueue(name)
			}
			if err := openQueue(name, unix.O_RDWR|unix.O_CREAT); err != nil {
				t.Fatal(err)
			}
			if got := b.outcome(t, sandbox, "mqUnlink", name); got != "EPERM" || !exists() {
				t.Errorf("%q: mq_unlink: %s, exists: %v", sandbox, got, exists())
			}
			unlinkQueue(name)
		}
	})
}

// Messages outside are not taken by a descriptor of their queue, which is there for reading where /dev/mqueue is mounted; here it
// is kept.
func TestMessagesOutside(t *testing.T) {
	needABI(t, 1)
	name := filepath.Base(scratch(t))
	if err := openQueue(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL); errors.Is(err, unix.ENOSYS) {
		t.Skip("needs message queues")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unlinkQueue(name) })
	queue, err := queueFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	const argument = "x"
	send := func() error { return queueCall(unix.SYS_MQ_TIMEDSEND, int(queue.Fd()), argument) }
	receive := func(launcher []string) string {
		path := release.path
		if launcher == nil {
			path = probePath
		}
		r := start(t, path, append(slices.Clone(launcher), probePath, "mqReceive", "3"), func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{queue} })
		return strings.TrimSpace(r.stdout + r.stderr)
	}
	for _, c := range []struct {
		launcher []string
		want     string
	}{
		{[]string{"snib", "--keep-fd", "3", "--"}, "EPERM"},
		{[]string{"snib", "--network", "-w", "/", "--keep-fd", "3", "--"}, "EPERM"},
		{nil, "ok"},
	} {
		if err := send(); err != nil && !errors.Is(err, unix.EAGAIN) {
			t.Fatal(err)
		}
		if got := receive(c.launcher); got != c.want {
			t.Errorf("%q: %s, want %s", c.launcher, got, c.want)
		}
		// A second message fits if the first was taken.
		if taken := send() == nil; taken != (c.want == "ok") {
			t.Errorf("%q: the message was taken: %v", c.launcher, taken)
		}
	}
}
