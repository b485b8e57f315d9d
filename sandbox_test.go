package main

// The guided tour: what snib promises, in the order of the README's "What it restricts". Each denial stands beside what is
// allowed, and beside the same operation without a sandbox (nil), which shows that it was the sandbox that denied it.
//
// The operations are in probes_test.go and probes_*_test.go. Every other file asks one question, which its head states.

import (
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
)

// A command writes beneath the paths that it was given, and nowhere else.
func TestTourWrites(t *testing.T) {
	given, other := scratch(t)+"/", scratch(t)+"/"
	try(t, sandbox("-w", given), "ok", "create", given+"file")
	try(t, sandbox("-w", given), "EACCES", "create", other+"file")
	try(t, sandbox("-w", other), "ok", "create", other+"file")
	try(t, sandbox("-w", given), "EACCES", "write", other+"file")
	try(t, sandbox("-w", given), "ok", "read", other+"file")
	try(t, nil, "ok", "write", other+"file")
}

// It has no network without --network. The listener tells what it heard first.
func TestTourNetwork(t *testing.T) {
	server := listen(t, "tcp", "127.0.0.1:0")
	try(t, sandbox(), "EPERM", "connect", "stream", server.addr, "from inside")
	try(t, sandbox("--network"), "ok", "connect", "stream", server.addr, "with a network")
	hear(t, server, "with a network")
	try(t, nil, "ok", "connect", "stream", server.addr, "without a sandbox")
	hear(t, server, "without a sandbox")
}

// A set-uid program gains nothing: root owns it, and still it cannot read what only root may.
func TestTourSetUID(t *testing.T) {
	needRoot(t)
	dir, secret := forUsers(t), secretOf(t, 0)
	tryAsUser(t, dir, nil, "ok", "read", secret)
	tryAsUser(t, dir, sandbox(), "EACCES", "read", secret)
	tryAsUser(t, dir, sandbox(), "ok", "read", dir+"/setuid")
}

// Inherited descriptors are closed, except those that --keep-fd names.
func TestTourDescriptors(t *testing.T) {
	try(t, nil, "ok", "open", "20")
	try(t, sandbox(), "EBADF", "open", "20")
	try(t, sandbox("--keep-fd", "20"), "ok", "open", "20")
}

// Root may still override the permissions of files, but has no power over the machine: here, its kernel log.
func TestTourRoot(t *testing.T) {
	needRoot(t)
	secret := secretOf(t, 65534)
	try(t, sandbox(), "ok", "read", secret)
	try(t, sandbox(), "EPERM", "unreadLog")
	try(t, []string{"codex-linux-sandbox", "/", `{"mode":"danger-full-access"}`}, "ok", "unreadLog")
	try(t, nil, "ok", "unreadLog")
}

// The exit code is the command's own.
func TestTourExitCode(t *testing.T) {
	for _, launcher := range [][]string{nil, sandbox(), sandbox("--network")} {
		if r := tour(t, launcher, "exit", "7"); r.code != 7 {
			t.Errorf("%q: %+v", launcher, r)
		}
	}
}

// With a wrong option nothing runs, and snib says so with 125.
func TestTourWrongOption(t *testing.T) {
	dir := scratch(t)
	if r := tour(t, sandbox("-w", dir, "--netwrok"), "create", dir+"/file"); r.code != 125 || r.stdout != "" {
		t.Errorf("%+v", r)
	}
	try(t, sandbox("-w", dir), "ok", "create", dir+"/file") // so it was not there
	try(t, nil, "EEXIST", "create", dir+"/file")
}

// sandbox is the start of a command line of snib; nil stands for no sandbox.
func sandbox(options ...string) []string {
	return slices.Concat([]string{"snib"}, options, []string{"--"})
}

// tour runs the probe through a launcher, with a descriptor 20 to inherit.
func tour(t *testing.T, launcher []string, op ...string) run {
	t.Helper()
	path := probePath
	if launcher != nil {
		needABI(t, 1)
		path = release.path
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	return start(t, path, slices.Concat(launcher, []string{probePath}, op), func(cmd *exec.Cmd) {
		cmd.ExtraFiles = slices.Repeat([]*os.File{null}, 20-2)
	})
}

// try expects an outcome of the probe.
func try(t *testing.T, launcher []string, want string, op ...string) {
	t.Helper()
	if r := tour(t, launcher, op...); r != (run{stdout: want + "\n"}) {
		t.Errorf("%q, %q: %+v, want %s", launcher, op, r, want)
	}
}

// tryAsUser expects an outcome of the set-uid program in forUsers' directory, started by a user.
func tryAsUser(t *testing.T, dir string, launcher []string, want string, op ...string) {
	t.Helper()
	path, argv := dir+"/setuid", append([]string{"probe"}, op...)
	if launcher != nil {
		needABI(t, 1)
		path, argv = dir+"/snib", slices.Concat(launcher, []string{dir + "/probe", "become", path}, op)
	}
	r := start(t, path, argv, func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	})
	if r != (run{stdout: want + "\n"}) {
		t.Errorf("%q, %q: %+v, want %s", launcher, op, r, want)
	}
}

// hear expects what a listener hears next.
func hear(t *testing.T, l listener, want string) {
	t.Helper()
	if got := l.next(t); got != want {
		t.Errorf("heard %q, want %q", got, want)
	}
}

// secretOf makes a file that only its owner, and root, may read.
func secretOf(t *testing.T, uid int) string {
	t.Helper()
	dir := scratch(t)
	file := dir + "/secret"
	err := os.Chmod(dir, 0o755)
	if err == nil {
		err = os.WriteFile(file, nil, 0o600)
	}
	if err == nil {
		err = os.Chown(file, uid, uid)
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}
