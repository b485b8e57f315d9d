package main

// Reading, where it is restricted: a secret outside is read in no way, and ordinary programs run.

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// readProbes read the file args[0], each in a way of its own; args[1] is a directory that is readable and writable.
var readProbes = map[string]func(secret, root string) error{
	"open":                 func(secret, _ string) error { return readAll(unix.Open(secret, unix.O_RDONLY, 0)) },
	"open for writing too": func(secret, _ string) error { return readAll(unix.Open(secret, unix.O_RDWR, 0)) },
	"through O_PATH": func(secret, _ string) error {
		fd, err := unix.Open(secret, unix.O_PATH, 0)
		if err != nil {
			return err
		}
		return readAll(unix.Open(fmt.Sprintf("/proc/self/fd/%d", fd), unix.O_RDONLY, 0))
	},
	"from an O_PATH directory": func(secret, _ string) error {
		dir, err := unix.Open(filepath.Dir(secret), unix.O_PATH|unix.O_DIRECTORY, 0)
		if err != nil {
			return err
		}
		return readAll(unix.Openat(dir, filepath.Base(secret), unix.O_RDONLY, 0))
	},
	"by /proc/self/root": func(secret, _ string) error { return readAll(unix.Open("/proc/self/root"+secret, unix.O_RDONLY, 0)) },
	"by /proc/self/cwd": func(secret, _ string) error {
		if err := os.Chdir(filepath.Dir(secret)); err != nil {
			return err
		}
		return readAll(unix.Open("/proc/self/cwd/"+filepath.Base(secret), unix.O_RDONLY, 0))
	},
	"by a symbolic link": func(secret, root string) error {
		link := root + "/symlink"
		if err := os.Symlink(secret, link); err != nil {
			return err
		}
		defer os.Remove(link)
		return readAll(unix.Open(link, unix.O_RDONLY, 0))
	},
	"by a hard link": func(secret, root string) error {
		link := root + "/link"
		if err := unix.Link(secret, link); err != nil {
			return err
		}
		defer os.Remove(link)
		return readAll(unix.Open(link, unix.O_RDONLY, 0))
	},
	"moved here": func(secret, root string) error {
		moved := root + "/moved"
		if err := unix.Rename(secret, moved); err != nil {
			return err
		}
		defer os.Rename(moved, secret)
		return readAll(unix.Open(moved, unix.O_RDONLY, 0))
	},
	"after chroot": func(secret, _ string) error {
		if err := unix.Chroot(filepath.Dir(secret)); err != nil {
			return err
		}
		return readAll(unix.Open("/"+filepath.Base(secret), unix.O_RDONLY, 0))
	},
	// It is no program: the kernel says so when it has read it.
	"executed": func(secret, _ string) error {
		if err := unix.Exec(secret, []string{secret}, nil); err != unix.ENOEXEC {
			return err
		}
		return nil
	},
	"copied by the kernel": func(secret, root string) error {
		from, err := unix.Open(secret, unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		to, err := unix.Open(root+"/copy", unix.O_RDWR|unix.O_CREAT, 0o600)
		if err != nil {
			return err
		}
		_, err = unix.CopyFileRange(from, nil, to, nil, 100, 0)
		return err
	},
	"by a handle": func(secret, root string) error {
		mount, err := unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			return err
		}
		fd, err := openByHandle(mount, secret, unix.O_RDONLY)
		return readAll(fd, err)
	},
	"listed": func(secret, _ string) error { _, err := os.ReadDir(filepath.Dir(secret)); return err },
}

// secretText is what must not be read.
const secretText = "a secret\n"

func readAll(fd int, err error) error {
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	buf := make([]byte, len(secretText))
	if n, err := unix.Read(fd, buf); err != nil || string(buf[:n]) != secretText {
		return fmt.Errorf("read %q, %v", buf[:n], err)
	}
	return nil
}

func init() {
	for name, read := range readProbes {
		probes["read "+name] = func(a []string) error { return read(a[0], a[1]) }
	}
}

// vault makes a readable root, and a secret beside it that only the permissions of files would let everybody read.
func vault(t testing.TB) (root, secret string) {
	t.Helper()
	dir := scratch(t)
	root, secret = dir+"/root", dir+"/vault/secret"
	for _, d := range []string{root, dir + "/vault"} {
		if err := os.Mkdir(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(secret, []byte(secretText), 0o777); err != nil {
		t.Fatal(err)
	}
	return root, secret
}

// readOnlyHere is the launcher with restricted reading and a writable root; the test binary must be readable to be a command.
func readOnlyHere(root string, more ...string) []string {
	self, err := filepath.EvalSymlinks(probePath)
	if err != nil {
		panic(err)
	}
	return slices.Concat([]string{"snib", "-w", root, "--read", roleDir, "-r" + self}, more, []string{"--"})
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	root, secret := vault(t)
	for name := range readProbes {
		if os.Geteuid() != 0 && (name == "after chroot" || name == "by a handle") {
			continue // root's
		}
		op := []string{"read " + name, secret, root}
		control := release.outcome(t, nil, op...)
		if control != "ok" {
			t.Errorf("%s: control: %s", name, control)
		}
		got := release.outcome(t, readOnlyHere(root), op...)
		if !slices.Contains([]string{"EACCES", "EPERM", "EXDEV"}, got) {
			t.Errorf("%s: %s", name, got)
		}
		if content, err := os.ReadFile(secret); err != nil || string(content) != secretText {
			t.Errorf("%s: the secret is now %q, %v", name, content, err)
		}
		if name == "by a hard link" || name == "moved here" || name == "by a handle" {
			continue // writing or root's ways, which reading beneath does not open
		}
		if got := release.outcome(t, readOnlyHere(root, "-r", filepath.Dir(secret)), op...); name != "open for writing too" && name != "after chroot" && got != "ok" {
			t.Errorf("%s: with --read: %s", name, got)
		}
	}
}

// What --read, --list and --bare open, each against its neighbour.
func TestReadOptions(t *testing.T) {
	t.Parallel()
	needOneGuest(t)
	needABI(t, 1)
	root, secret := vault(t)
	// What a test binary that is linked with the C library is run by.
	bare := []string{"--bare"}
	for _, dir := range []string{"/lib", "/lib64", "/usr/lib"} {
		if _, err := os.Stat(dir); err == nil {
			bare = append(bare, "-r", dir)
		}
	}
	for _, c := range []struct {
		more []string
		op   []string
		want string
	}{
		{nil, []string{"read", secret}, "EACCES"},
		{[]string{"-r", secret}, []string{"read", secret}, "ok"},
		{[]string{"-r", secret}, []string{"list", filepath.Dir(secret)}, "EACCES"},
		{[]string{"--list", filepath.Dir(secret)}, []string{"list", filepath.Dir(secret)}, "ok"},
		{[]string{"--list", filepath.Dir(secret)}, []string{"read", secret}, "EACCES"},
		{[]string{"-r", filepath.Dir(secret)}, []string{"list", filepath.Dir(secret)}, "ok"},
		{[]string{"-r", filepath.Dir(secret)}, []string{"create", filepath.Dir(secret) + "/new"}, "EACCES"},
		{nil, []string{"create", root + "/new"}, "ok"},
		{nil, []string{"read", root + "/new"}, "ok"},
		{nil, []string{"read", "/dev/zero"}, "ok"},
		{nil, []string{"list", "/proc"}, "ok"},
		{bare, []string{"list", "/proc"}, "EACCES"},
		{bare, []string{"read", "/dev/zero"}, "EACCES"},
		{bare, []string{"write", "/dev/null"}, "ok"},
		{nil, []string{"list", "/"}, "EACCES"},
		{[]string{"--list", "/"}, []string{"list", "/"}, "ok"},
		{[]string{"-r", "/"}, []string{"read", secret}, "ok"},
	} {
		if got := release.outcome(t, readOnlyHere(root, c.more...), c.op...); got != c.want {
			t.Errorf("%q %q: %s, want %s", c.more, c.op, got, c.want)
		}
	}
	for _, c := range []struct {
		argv []string
		want string
	}{
		{[]string{"--bare"}, "snib: error: option \"--bare\" needs --read: without it everything can be read\nsnib: hint: name the paths that may be read: --read PATH\n"},
		{[]string{"--list=/"}, "snib: error: option \"--list=/\" needs --read: without it everything can be read\nsnib: hint: name the paths that may be read: --read PATH\n"},
		{[]string{"-r", "/nonexistent"}, "snib: error: path \"/nonexistent\" of --read: no such file or directory\nsnib: hint: create it first, or leave it out\n"},
		{[]string{"-r", "/", "--list", "/nonexistent"}, "snib: error: path \"/nonexistent\" of --list: no such file or directory\nsnib: hint: create it first, or leave it out\n"},
		{[]string{"-r", "/", "--list", secret}, fmt.Sprintf("snib: error: path %q of --list is not a directory\nsnib: hint: to read a file: --read PATH\n", secret)},
		{[]string{"-r", ""}, "snib: error: the path of option \"-r\" is empty\nsnib: hint: write a path; if it came from a variable, that is empty or not set\n"},
	} {
		checkRefused(t, slices.Concat([]string{"snib"}, c.argv, []string{"X"}), 125, c.want)
	}
}

// Programs that do something real with reading restricted to the current directory and the base system.
func TestReadingPrograms(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	for tool, c := range map[string]struct{ script, want string }{
		"sh":      {`echo hello | tr a-z A-Z`, "HELLO\n"},
		"python3": {`python3 -c 'import ssl, json, ctypes; print(json.dumps(ssl.create_default_context().check_hostname))'`, "true\n"},
		"perl":    {`perl -MPOSIX -e 'print POSIX::floor(3.7), "\n"'`, "3\n"},
		"git":     {`git init -q r && cd r && git -c user.name=a -c user.email=b commit -q --allow-empty -m x && git log --format=%s`, "x\n"},
		"gcc":     {`printf 'int main(void){return 7;}' > a.c && gcc a.c && ./a.out; echo $?`, "7\n"},
		"tar":     {`echo x > f && tar cf - f | tar tf -`, "f\n"},
		"ssh":     {`ssh -V 2>&1 | cut -c1-7`, "OpenSSH\n"},
		"curl":    {`echo x >f; curl -sS "file://$PWD/f"`, "x\n"},
		"go": {`mkdir m && cd m; printf 'module m\ngo 1.20\n' >go.mod; printf 'package main\nimport "strings"\nfunc main() { println(strings.ToUpper("hello")) }\n' >m.go
CGO_ENABLED=0 GOTOOLCHAIN=local go build -o m . && ./m 2>&1`, "HELLO\n"},
		"node": {`node -e 'console.log(require("crypto").createHash("sha256").update("").digest("hex").slice(0, 6), require("os").cpus().length > 0)'`, "e3b0c4 true\n"},
		"npm": {`mkdir dep && echo '{"name":"dep","version":"1.0.0"}' >dep/package.json
echo '{"name":"m","version":"1.0.0","dependencies":{"dep":"file:dep"},"scripts":{"test":"echo tested"}}' >package.json
npm install --silent --offline && test -e node_modules/dep/package.json && npm test --silent`, "tested\n"},
	} {
		t.Run(tool, func(t *testing.T) {
			path, cache, options := "/usr/bin:/bin", "", []string{"snib", "-r", ".", "-w", "."}
			if tool == "go" {
				known, err := exec.Command(need(t, "go"), "env", "GOROOT", "GOCACHE").Output()
				if err != nil {
					t.Fatal(err)
				}
				goroot, rest, _ := strings.Cut(string(known), "\n")
				if cache = strings.TrimSpace(rest); unix.Access(cache, unix.W_OK) != nil {
					cache = scratch(t)
				}
				path, options = goroot+"/bin:"+path, append(options, "-r", goroot, "-r", cache, "-w", cache)
			} else if _, err := os.Stat("/usr/bin/" + tool); err != nil {
				t.Skipf("needs %s", tool)
			}
			for _, launcher := range [][]string{nil, append(options, "--")} {
				dir := scratch(t)
				program, argv := release.path, slices.Concat(launcher, []string{"sh", "-c", c.script})
				if launcher == nil {
					program = "/bin/sh"
				}
				r := start(t, program, argv, func(cmd *exec.Cmd) {
					cmd.Dir = dir
					cmd.Env = []string{"PATH=" + path, "HOME=" + dir, "TMPDIR=" + dir, "LC_ALL=C", "GOCACHE=" + cache}
				})
				if r.code != 0 || r.stdout != c.want {
					t.Errorf("%q: %+v, want %q", launcher, r, c.want)
				}
			}
		})
	}
}
