package main

// --dev: where development tools write, and nowhere else.

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestDev(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	// Beneath scratchBase, /var/tmp, everything is writable with --dev: variables that lead there show nothing.
	home, err := os.MkdirTemp("/dev", "snib-")
	if own := os.Getenv("HOME"); err != nil && own != "/tmp" {
		home, err = os.MkdirTemp(own, "snib-")
	}
	if err != nil {
		t.Skip("needs a directory outside of /tmp and /var/tmp")
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	for _, name := range []string{"tmp", "cache", ".cache", "other"} {
		if err := os.Mkdir(filepath.Join(home, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(home+"/rooted", 0o777); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"root": "/", "rooted/.cache": "/", "link": "tmp", "dangling": "other/none"} {
		if err := os.Symlink(to, filepath.Join(home, name)); err != nil {
			t.Fatal(err)
		}
	}
	set := []string{"TMPDIR=" + home + "/tmp", "XDG_CACHE_HOME=" + home + "/cache", "HOME=" + home}
	for _, c := range []struct {
		env  []string
		want string // which of home's directories are writable
	}{
		{set, "tmp cache"},
		{[]string{set[0], set[2]}, "tmp .cache"},
		{[]string{"TMPDIR=tmp", "XDG_CACHE_HOME=cache", "HOME=" + home}, ".cache"},
		{[]string{"TMPDIR=/", "XDG_CACHE_HOME=/", "HOME=/"}, ""},
		{[]string{"TMPDIR=//", "XDG_CACHE_HOME=/./..", "HOME=/"}, ""},
		{[]string{"TMPDIR=", "HOME="}, ""},
		// The root, by other names.
		{[]string{"TMPDIR=/dev/..", "XDG_CACHE_HOME=" + home + "/root", "HOME=/"}, ""},
		{[]string{"TMPDIR=/proc/self/root", "XDG_CACHE_HOME=" + home + "/root/.", "HOME=" + home}, ""},
		{[]string{"TMPDIR=" + home + "/root/proc/self/root/", "HOME=" + home + "/rooted"}, ""},
		{[]string{"TMPDIR=" + home + "/dangling", "HOME=" + home + "/rooted"}, ""},
		{[]string{"TMPDIR=" + home + "/link", "HOME=" + home}, "tmp .cache"},
		{nil, ""},
	} {
		tries := []string{"/tmp", "/var/tmp", "/dev/shm", home + "/tmp", home + "/cache", home + "/.cache", home + "/other", home}
		run := func(launcher ...string) (can []string) {
			op := []string{"each"}
			for _, place := range tries {
				file := place + "/" + filepath.Base(home) + "-new"
				op = append(op, "create", file, ",", "unlink", file, ",")
			}
			path := release.path
			if len(launcher) == 0 {
				path = probePath
			}
			r := start(t, path, slices.Concat(launcher, []string{probePath}, op[:len(op)-1]), func(cmd *exec.Cmd) { cmd.Env, cmd.Dir = c.env, home })
			outcomes := strings.Fields(r.stdout)
			if r.code != 0 || len(outcomes) != 2*len(tries) {
				t.Fatalf("%q: %+v", launcher, r)
			}
			for i, place := range tries {
				if outcomes[2*i] == "ok" {
					can = append(can, place)
				}
			}
			return can
		}
		want := []string{"/tmp", "/var/tmp", "/dev/shm"}
		for _, name := range strings.Fields(c.want) {
			want = append(want, home+"/"+name)
		}
		if _, err := os.Stat("/dev/shm"); err != nil {
			want = slices.DeleteFunc(want, func(s string) bool { return s == "/dev/shm" })
		}
		if got := run("snib", "--dev"); !slices.Equal(got, want) {
			t.Errorf("%q: can write to %q, want %q", c.env, got, want)
		}
		if got := run("snib"); len(got) != 0 {
			t.Errorf("%q: without --dev: can write to %q", c.env, got)
		}
		if got := run(); len(got) < len(tries)-1 {
			t.Errorf("%q: control: can write to %q only", c.env, got)
		}
	}
}

// Opening a terminal is a part of what tools do.
func TestDevTerminals(t *testing.T) {
	needABI(t, 1)
	if _, err := os.Stat("/dev/ptmx"); err != nil {
		t.Skip("needs /dev/ptmx: ", err)
	}
	for _, c := range []struct {
		launcher []string
		want     string
	}{{nil, "ok"}, {[]string{"snib"}, "EACCES"}, {[]string{"snib", "--dev"}, "ok"}} {
		if got := release.outcome(t, c.launcher, "openBoth", "/dev/ptmx"); got != c.want {
			t.Errorf("%q: %s, want %s", c.launcher, got, c.want)
		}
	}
}
