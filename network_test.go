package main

// What a policy does to the network and to local IPC, seen from outside: a listener heard the command, or it did not.

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var off = map[string][]string{
	"strict": {"codex-linux-sandbox", "--"},
	"local":  {"snib", "--"},
}

// on is the policy that differs from those of off by having a network, with the AF_UNIX sockets of other programs.
var on = map[string][]string{
	"strict": {"codex-linux-sandbox", "-s", "network-full-access", "--"},
	"local":  {"snib", "--network", "--unix", "/", "--"},
}

func eachMode(t *testing.T, test func(t *testing.T, b *build, mode string)) {
	needABI(t, 1)
	eachBuild(t, func(t *testing.T, b *build) {
		for mode := range off {
			t.Run(mode, func(t *testing.T) { test(t, b, mode) })
		}
	})
}

func TestSocketFamilies(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	families := map[string][2]int{
		"inet stream":    {unix.AF_INET, unix.SOCK_STREAM},
		"inet datagram":  {unix.AF_INET, unix.SOCK_DGRAM | unix.SOCK_CLOEXEC},
		"inet6 stream":   {unix.AF_INET6, unix.SOCK_STREAM | unix.SOCK_NONBLOCK},
		"inet6 datagram": {unix.AF_INET6, unix.SOCK_DGRAM},
		"netlink":        {unix.AF_NETLINK, unix.SOCK_RAW},
		"vsock":          {unix.AF_VSOCK, unix.SOCK_STREAM},
		"alg":            {unix.AF_ALG, unix.SOCK_SEQPACKET},
	}
	eachMode(t, func(t *testing.T, b *build, mode string) {
		names, all := slices.Collect(maps.Keys(families)), []string{"each"}
		for _, name := range names {
			for _, op := range []string{"socket", "socketpair"} {
				all = append(all, op, fmt.Sprint(families[name][0]), fmt.Sprint(families[name][1]), ",")
			}
		}
		controls, denied, opened := strings.Fields(b.outcome(t, nil, all...)), strings.Fields(b.outcome(t, off[mode], all...)), strings.Fields(b.outcome(t, on[mode], all...))
		for n, name := range names {
			f := families[name]
			for m, op := range []string{"socket", "socketpair"} {
				control := controls[2*n+m]
				if control == "EPERM" || op == "socket" && strings.HasPrefix(name, "inet ") && control != "ok" {
					t.Errorf("%s %s: control: %s", op, name, control)
				}
				if got := denied[2*n+m]; got != "EPERM" {
					t.Errorf("%s %s: %s", op, name, got)
				}
				// Snib's own options leave nothing on but the internet and netlink.
				want := control
				if mode == "local" && (op == "socketpair" || f[0] == unix.AF_VSOCK || f[0] == unix.AF_ALG) {
					want = "EPERM"
				}
				if got := opened[2*n+m]; got != want {
					t.Errorf("%s %s with a network: %s, want %s, without a sandbox %s", op, name, got, want, control)
				}
			}
		}
	})
}

func TestUnixTypes(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	eachMode(t, func(t *testing.T, b *build, mode string) {
		all, wants, oks := []string{"each"}, []string{}, []string{}
		for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_SEQPACKET | unix.SOCK_CLOEXEC, unix.SOCK_DGRAM, unix.SOCK_RAW | unix.SOCK_NONBLOCK} {
			want := "ok"
			if mode == "local" && kernelABI() < confinesUnix && (kind == unix.SOCK_DGRAM || kind == unix.SOCK_RAW|unix.SOCK_NONBLOCK) {
				want = "EPERM"
			}
			for _, op := range []string{"socket", "socketpair"} {
				all = append(all, op, fmt.Sprint(unix.AF_UNIX), fmt.Sprint(kind), ",")
				wants, oks = append(wants, want), append(oks, "ok")
			}
		}
		if got := b.outcome(t, off[mode], all...); got != strings.Join(wants, " ") {
			t.Errorf("%q: %s, want %s", all, got, wants)
		}
		if got := b.outcome(t, nil, all...); got != strings.Join(oks, " ") {
			t.Errorf("%q: control: %s", all, got)
		}
	})
}

// listener hears messages on a socket outside of the sandbox.
type listener struct {
	addr  string
	heard chan string
}

// listen starts a listener: network is "tcp", "udp", "unix", "unixpacket" or "unixgram".
func listen(t *testing.T, network, addr string) listener {
	t.Helper()
	l := listener{heard: make(chan string, 16)}
	read := func(c net.Conn) {
		buf := make([]byte, 64)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			l.heard <- string(buf[:n])
		}
	}
	if network == "udp" || network == "unixgram" {
		c, err := net.ListenPacket(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		l.addr = c.LocalAddr().String()
		go read(c.(net.Conn))
		return l
	}
	server, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	l.addr = server.Addr().String()
	go func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			go read(c)
		}
	}()
	return l
}

// next returns the next message. Messages of one sender arrive in order, so a message that should not have been sent
// would come before that of a later control.
func (l listener) next(t *testing.T) string {
	t.Helper()
	select {
	case s := <-l.heard:
		return s
	case <-time.After(launchTime):
		t.Fatal("nothing heard")
		return ""
	}
}

// Nothing outside is reached, by any kind of socket, address and call; with a network everything is.
func TestReach(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	eachMode(t, func(t *testing.T, b *build, mode string) {
		dir := scratch(t)
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		var names []string
		var listeners []listener
		tries := map[string][]string{"denied": {"each"}, "allowed": {"each"}, "control": {"each"}}
		for _, c := range []struct{ network, addr, op, socket string }{
			{"tcp", "127.0.0.1:0", "connect", "stream"},
			{"udp", "127.0.0.1:0", "connect", "datagram"},
			{"udp", "127.0.0.1:0", "sendto", "datagram"},
			{"udp", "127.0.0.1:0", "sendmsg", "datagram"},
			{"unix", "path", "connect", "stream"},
			{"unix", "abstract", "connect", "stream"},
			{"unixgram", "path", "connect", "datagram"},
			{"unixgram", "path", "sendto", "datagram"},
			{"unixgram", "path", "sendmsg", "datagram"},
			{"unixgram", "path", "sendmsg", "raw"},
			{"unixgram", "path", "sendto", "pair"},
			{"unixgram", "path", "sendmsg", "pair"},
			{"unixgram", "abstract", "connect", "datagram"},
			{"unixgram", "abstract", "sendto", "datagram"},
			{"unixgram", "abstract", "sendmsg", "datagram"},
			{"unixgram", "abstract", "sendmsg", "raw"},
			{"unixgram", "abstract", "sendto", "pair"},
			{"unixgram", "abstract", "sendmsg", "pair"},
		} {
			name := strings.Join([]string{c.network, c.addr, c.op, c.socket}, " ")
			addr := c.addr
			switch addr {
			case "path":
				addr = filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			case "abstract":
				addr = "@" + filepath.Base(dir) + name
			}
			l := listen(t, c.network, addr)
			if c.addr == "path" {
				if err := os.Chmod(addr, 0o777); err != nil {
					t.Fatal(err)
				}
			}
			names, listeners = append(names, name), append(listeners, l)
			for message := range tries {
				tries[message] = append(tries[message], c.op, c.socket, l.addr, message, ",")
			}
		}
		denied := strings.Fields(b.outcome(t, off[mode], tries["denied"]...))
		allowed := strings.Fields(b.outcome(t, on[mode], tries["allowed"]...))
		for i, name := range names {
			if denied[i] != "EPERM" && denied[i] != "EACCES" {
				t.Errorf("%s: %s", name, denied[i])
			}
			if allowed[i] != "ok" {
				t.Errorf("%s: with a network: %s", name, allowed[i])
			} else if heard := listeners[i].next(t); heard != "allowed" {
				t.Errorf("%s: heard %q first", name, heard)
			}
		}
		controls := strings.Fields(b.outcome(t, nil, tries["control"]...))
		for i, name := range names {
			if controls[i] != "ok" || listeners[i].next(t) != "control" {
				t.Errorf("%s: control: %s", name, controls[i])
			}
		}
	})
}

// A root does not bring the sockets in it along: /tmp is one, and other programs' sockets live there.
func TestSocketInRoot(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	eachBuild(t, func(t *testing.T, b *build) {
		dir := scratch(t)
		l := listen(t, "unix", dir+"/socket")
		for _, launcher := range [][]string{{"snib", "-w", dir}, {"snib", "-w", dir, "--network"}} {
			if got := b.outcome(t, launcher, "connect", "stream", l.addr, "denied"); got != "EPERM" && got != "EACCES" {
				t.Errorf("%q: %s", launcher, got)
			}
			launcher = append(launcher, "--unix", "/")
			if got := b.outcome(t, launcher, "connect", "stream", l.addr, "allowed"); got != "ok" || l.next(t) != "allowed" {
				t.Errorf("%q: %s", launcher, got)
			}
		}
		if got := b.outcome(t, nil, "connect", "stream", l.addr, "control"); got != "ok" || l.next(t) != "control" {
			t.Errorf("control: %s", got)
		}
	})
}

// TestSecondLock shows what Landlock alone denies, so that it is a lock of its own and not only handled.
func TestSecondLock(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	dir := scratch(t)
	for _, c := range []struct {
		network, addr, op, socket string
		abi                       int // from which Landlock denies it
	}{
		{"tcp", "127.0.0.1:0", "connect", "stream", 4},
		{"udp", "127.0.0.1:0", "connect", "datagram", 10},
		{"udp", "127.0.0.1:0", "sendto", "datagram", 10},
		{"unix", "@" + filepath.Base(dir), "connect", "stream", 6},
		{"unixgram", "@" + filepath.Base(dir) + "g", "sendto", "datagram", 6},
		{"unix", dir + "/stream", "connect", "stream", confinesUnix},
		{"unixgram", dir + "/datagram", "sendto", "datagram", confinesUnix},
	} {
		l := listen(t, c.network, c.addr)
		argv := []string{"landlocked", c.op, c.socket, l.addr, "message"}
		r := start(t, rolePath("landlocked"), argv, nil)
		got := strings.TrimSpace(r.stdout)
		if denied := got == "EACCES" || got == "EPERM"; denied != (kernelABI() >= c.abi) || !denied && got != "ok" {
			t.Errorf("%q: %+v", argv, r)
		}
		want := "control"
		if got == "ok" {
			want = "message"
		}
		if control := release.outcome(t, nil, c.op, c.socket, l.addr, "control"); control != "ok" || l.next(t) != want {
			t.Errorf("%q: control: %s", argv, control)
		}
	}
}

// What must work among the command's own processes.
func TestLocalIPC(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	eachMode(t, func(t *testing.T, b *build, mode string) {
		if got := b.outcome(t, off[mode], "pair"); got != "ok" {
			t.Errorf("socket pair: %s", got)
		}
		want := map[string]string{"strict": "EPERM", "local": "ok"}[mode]
		if got := b.outcome(t, off[mode], "passFD"); got != want {
			t.Errorf("passing a descriptor: %s, want %s", got, want)
		}
		if got := b.outcome(t, nil, "passFD"); got != "ok" {
			t.Errorf("passing a descriptor: control: %s", got)
		}
		dir := scratch(t)
		want = "EPERM"
		if mode == "local" && kernelABI() >= confinesUnix {
			want = "ok"
		}
		for name, addr := range map[string]string{"path": dir + "/socket", "abstract": "@" + filepath.Base(dir) + mode} {
			sandbox := launchers["snib"](t, dir)
			if mode == "strict" {
				sandbox = launchers["options"](t, dir)
			}
			if got := b.outcome(t, sandbox, "serve", addr); got != want {
				t.Errorf("serving %s: %s, want %s", name, got, want)
			}
			os.Remove(addr)
			if got := b.outcome(t, nil, "serve", addr); got != "ok" {
				t.Errorf("serving %s: control: %s", name, got)
			}
			os.Remove(addr)
		}
	})
}

// A socket that the caller left on stdin or on a kept descriptor must not become the way out: it was made before there
// was a filter.
func TestInheritedSocket(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	eachBuild(t, func(t *testing.T, b *build) {
		l := listen(t, "udp", "127.0.0.1:0")
		mine, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer mine.Close()
		socket, err := mine.(*net.UDPConn).File()
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close()
		for _, fd := range []string{"fd0", "fd3"} {
			send := func(launcher ...string) string {
				path := b.path
				if len(launcher) == 0 {
					path = probePath
				}
				r := start(t, path, append(launcher, probePath, "sendmsg", fd, l.addr, fd), func(cmd *exec.Cmd) {
					if fd == "fd0" {
						cmd.Stdin = socket
					} else {
						cmd.ExtraFiles = []*os.File{socket}
					}
				})
				return strings.TrimSpace(r.stdout + r.stderr)
			}
			keep := []string{"snib"}
			if fd == "fd3" {
				keep = []string{"snib", "--keep-fd", "3"}
				if got := send("snib", "--network"); got != "EBADF" && got != "ENOTSOCK" {
					t.Errorf("%s, not kept: %s", fd, got)
				}
			}
			if got := send(keep...); got != "EPERM" {
				t.Errorf("%s: %s", fd, got)
			}
			if got := send(append(keep, "--network")...); got != "ok" || l.next(t) != fd {
				t.Errorf("%s: with a network: %s", fd, got)
			}
			if fd == "fd0" {
				if got := send(); got != "ok" || l.next(t) != fd {
					t.Errorf("%s: control: %s", fd, got)
				}
			}
		}
	})
}

// A connected stream socket of AF_UNIX that is left open leaves local IPC as it is. A datagram one can name receivers, and
// to one that listens come callers from outside, who can pass descriptors in.
func TestInheritedUnixSocket(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	needABI(t, 1)
	dir := scratch(t)
	local := "ok EPERM"
	if kernelABI() >= confinesUnix {
		local = "ok ok"
	}
	connected := func(kind int) func(t *testing.T) int {
		return func(t *testing.T) int {
			pair, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { unix.Close(pair[1]) })
			return pair[0]
		}
	}
	listening := func(kind int) func(t *testing.T) int {
		return func(t *testing.T) int { return rawListener(t, kind, fmt.Sprintf("%s/%d", scratch(t), kind)) }
	}
	eachBuild(t, func(t *testing.T, b *build) {
		for name, c := range map[string]struct {
			socket func(t *testing.T) int
			want   string
		}{
			"stream":              {connected(unix.SOCK_STREAM), local},
			"seqpacket":           {connected(unix.SOCK_SEQPACKET), local},
			"datagram":            {connected(unix.SOCK_DGRAM), "EPERM EPERM"},
			"listening stream":    {listening(unix.SOCK_STREAM), "EPERM EPERM"},
			"listening seqpacket": {listening(unix.SOCK_SEQPACKET), "EPERM EPERM"},
		} {
			t.Run(name, func(t *testing.T) {
				socket := os.NewFile(uintptr(c.socket(t)), name)
				defer socket.Close()
				for _, l := range []struct {
					argv []string
					keep func(cmd *exec.Cmd)
				}{
					{[]string{"snib", "-w", dir, "--"}, func(cmd *exec.Cmd) { cmd.Stdin = socket }},
					{workspace(t, dir), func(cmd *exec.Cmd) { cmd.Stdin = socket }},
					{[]string{"snib", "-w", dir, "--keep-fd", "3", "--"}, func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{socket} }},
				} {
					served := dir + "/served"
					r := start(t, b.path, append(l.argv, probePath, "each", "passFD", ",", "serve", served), l.keep)
					os.Remove(served)
					if got := strings.TrimSpace(r.stdout + r.stderr); got != c.want {
						t.Errorf("%q: %s, want %s", l.argv, got, c.want)
					}
				}
			})
		}
	})
}

// rawListener makes an AF_UNIX socket that listens at a path.
func rawListener(t *testing.T, kind int, path string) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: path})
	}
	if err == nil {
		err = unix.Listen(fd, 8)
	}
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// Nobody outside passes a descriptor in by way of a listener that was left open.
func TestKeptListener(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	eachBuild(t, func(t *testing.T, b *build) {
		for _, c := range []struct {
			fd   string
			argv []string
			want string
		}{
			{"0", []string{"snib", "--"}, "EPERM"},
			{"0", workspace(t), "EPERM"},
			{"3", []string{"snib", "--keep-fd", "3", "--"}, "EPERM"},
			{"3", []string{"snib", "--keep-fd", "3", "--as", "codex-linux-sandbox", "-s", "network-full-access", "--"}, "ok"},
			{"3", nil, "ok"},
		} {
			dir := scratch(t)
			tree(t, dir)
			listener := os.NewFile(uintptr(rawListener(t, unix.SOCK_STREAM, dir+"/socket")), "listener")
			defer listener.Close()
			file, err := os.OpenFile(dir+"/file", os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			client, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(client)
			if err := unix.Connect(client, &unix.SockaddrUnix{Name: dir + "/socket"}); err != nil {
				t.Fatal(err)
			}
			if err := unix.Sendmsg(client, []byte("x"), unix.UnixRights(int(file.Fd())), nil, 0); err != nil {
				t.Fatal(err)
			}

			path := b.path
			if c.argv == nil {
				path = probePath
			}
			r := start(t, path, append(slices.Clone(c.argv), probePath, "takeDescriptor", c.fd), func(cmd *exec.Cmd) {
				if c.fd == "0" {
					cmd.Stdin = listener
				} else {
					cmd.ExtraFiles = []*os.File{listener}
				}
			})
			content, err := os.ReadFile(dir + "/file")
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(r.stdout + r.stderr); got != c.want || strings.HasPrefix(string(content), "changed") != (c.want == "ok") {
				t.Errorf("%q: %s, want %s; the file holds %q", c.argv, got, c.want, content)
			}
		}
	})
}

// io_uring makes sockets and opens files without system calls; it is there where nothing is restricted.
func TestIOUring(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	if control := release.outcome(t, nil, "ioUring"); control != "ok" {
		if filteredAlready() || control == "ENOSYS" || control == "EPERM" {
			t.Skip("needs io_uring")
		}
		t.Fatalf("control: %s", control)
	}
	eachRestriction(t, func(t *testing.T, b *build, r restriction) {
		if got := b.outcome(t, r.launcher, "ioUring"); got != "EPERM" {
			t.Error(got)
		}
	})
	eachBuild(t, func(t *testing.T, b *build) {
		unrestricted := []string{"codex-linux-sandbox", "/nonexistent", `{"mode":"danger-full-access"}`, "--"}
		if got := b.outcome(t, unrestricted, "ioUring"); got != "ok" {
			t.Errorf("nothing restricted: %s", got)
		}
	})
}

// filteredAlready tells whether the tests run under a seccomp filter of somebody else's.
func filteredAlready() bool {
	mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	return err != nil || mode != 0
}

// pseudoTerminal returns both ends of one, which the caller closes.
func pseudoTerminal(t testing.TB) (master, tty *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("needs /dev/ptmx: ", err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, master.Fd(), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY)
	if errno != 0 {
		t.Fatal(errno)
	}
	return master, os.NewFile(fd, "tty")
}

// Typing into the terminal that the command shares with its caller, here a pseudo-terminal of the test's.
func TestTyping(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	eachMode(t, func(t *testing.T, b *build, mode string) {
		master, tty := pseudoTerminal(t)
		defer master.Close()
		defer tty.Close()
		typing := func(launcher []string, request uint64) string {
			path := b.path
			if len(launcher) == 0 {
				path = probePath
			}
			r := start(t, path, append(slices.Clone(launcher), probePath, "typing", fmt.Sprint(request)), func(cmd *exec.Cmd) {
				cmd.Stdin = tty
				cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			})
			return strings.TrimSpace(r.stdout + r.stderr)
		}
		for _, request := range []uint64{unix.TIOCSTI, unix.TIOCLINUX, 1<<32 | unix.TIOCSTI} {
			if got := typing(nil, request); got == "EPERM" {
				t.Errorf("%#x: control: %s", request, got)
			}
			for _, sandbox := range [][]string{off[mode], on[mode]} {
				if got := typing(sandbox, request); got != "EPERM" {
					t.Errorf("%q %#x: %s", sandbox, request, got)
				}
			}
		}
		if got, want := typing(off[mode], unix.TIOCNXCL), typing(nil, unix.TIOCNXCL); got != want {
			t.Errorf("another ioctl: %s, without a sandbox %s", got, want)
		}
	})
}

// A program of another architecture makes its calls by other numbers, and is killed at the first.
func TestForeignArchitecture(t *testing.T) {
	foreign := map[string]string{"amd64": "386", "arm64": "arm"}[runtime.GOARCH]
	tiny := tinyProgramOf(t, foreign, scratch(t)+"/tiny")
	control, err := os.StartProcess(tiny, []string{"tiny"}, &os.ProcAttr{})
	if errors.Is(err, unix.ENOEXEC) {
		t.Skip("needs a kernel that runs programs of " + foreign)
	}
	if err != nil {
		t.Fatal(err)
	}
	if state, err := control.Wait(); err != nil || state.ExitCode() != tinyCode {
		t.Fatalf("control: %v, %v", state, err)
	}
	eachMode(t, func(t *testing.T, b *build, mode string) {
		for _, sandbox := range [][]string{off[mode], on[mode]} {
			if r := start(t, b.path, append(slices.Clone(sandbox), tiny), nil); r != (run{code: -int(unix.SIGSYS)}) {
				t.Errorf("%q: %+v", sandbox, r)
			}
		}
	})
}

// Programs whose own parts talk to each other, in local mode.
func TestPrograms(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	needLong(t)
	for name, c := range map[string]struct {
		tool, suffix, source string
		write                []string
	}{
		"asyncio": {tool: "python3", suffix: ".py", source: `
import asyncio
async def main():
    process = await asyncio.create_subprocess_exec("echo", "hello", stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    loop = asyncio.get_running_loop()
    print(out.decode().strip(), await loop.run_in_executor(None, lambda: 6 * 7))
asyncio.run(main())
`},
		"multiprocessing": {tool: "python3", suffix: ".py", write: []string{"-w", "/dev/shm"}, source: `
import multiprocessing
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        print("hello", sum(pool.map(abs, range(-6, 7))))
`},
		"fork": {tool: "node", suffix: ".js", source: `
const child = require("child_process")
if (process.send) { process.on("message", n => { process.send(n * 6); process.disconnect() }) }
else {
  const c = child.fork(__filename)
  c.on("message", n => console.log("hello", n))
  c.send(7)
}
`},
	} {
		t.Run(name, func(t *testing.T) {
			path := need(t, c.tool)
			file := scratch(t) + "/program" + c.suffix
			if err := os.WriteFile(file, []byte(c.source), 0o644); err != nil {
				t.Fatal(err)
			}
			eachBuild(t, func(t *testing.T, b *build) {
				r := b.snib(t, append(slices.Clone(c.write), "--", path, file)...)
				if r.code != 0 || r.stdout != "hello 42\n" {
					t.Errorf("exit %d, stdout %q, stderr %q", r.code, r.stdout, r.stderr)
				}
			})
		})
	}
}
