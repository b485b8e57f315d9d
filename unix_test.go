package main

// Sockets of other programs, by snib's own options: they stay closed with --network and --connect, and --unix opens them. Seen from
// outside: a listener heard the command, or it did not.

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func init() {
	roles["kept"] = kept
	probes["http"] = func(a []string) error {
		c, err := net.Dial("tcp", a[0])
		if err != nil {
			return err
		}
		defer c.Close()
		fmt.Fprint(c, "GET / HTTP/1.0\r\n\r\n")
		answer, err := io.ReadAll(c)
		if err == nil && !strings.HasSuffix(string(answer), "hello") {
			err = fmt.Errorf("answer %q", answer)
		}
		return err
	}
	probes["interfaces"] = func([]string) error { // asks netlink
		all, err := net.Interfaces()
		if err == nil && !slices.ContainsFunc(all, func(i net.Interface) bool { return i.Flags&net.FlagLoopback != 0 }) {
			err = errors.New("no loopback interface")
		}
		return err
	}
	probes["listen on"] = func(a []string) error { return unix.Listen(atoi(a[0]), 1) }
}

// kept is a command that shows by its exit code alone, for its descriptors may be any socket, that descriptors can be passed over a socket
// pair: not in the strict mode.
func kept([]string) int {
	if passDescriptor() != nil {
		return 8
	}
	return 7
}

// unixWay is a way to reach a listener over AF_UNIX.
type unixWay struct{ network, op, socket string }

var unixWays = []unixWay{
	{"unix", "connect", "stream"},
	{"unixpacket", "connect", "seqpacket"},
	{"unixgram", "connect", "datagram"},
	{"unixgram", "sendto", "datagram"},
	{"unixgram", "sendmsg", "datagram"},
	{"unixgram", "sendmsg", "raw"},
	{"unixgram", "sendto", "pair"},
	{"unixgram", "sendmsg", "pair"},
}

// openDir makes a directory that everybody may use.
func openDir(t *testing.T, dir string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOtherProgramsSockets(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	needABI(t, 1)
	confined, ports := kernelABI() >= confinesUnix, kernelABI() >= firstPorts
	eachBuild(t, func(t *testing.T, b *build) {
		dir := openDir(t, scratch(t))
		places := map[string]string{
			"in":       openDir(t, dir+"/in"),
			"beneath":  openDir(t, dir+"/in/deep/er"),
			"beside":   openDir(t, dir+"/in-not"),
			"abstract": "@" + filepath.Base(dir),
		}
		order := []string{"in", "beneath", "beside", "abstract"}
		if err := os.Symlink(places["in"], dir+"/link"); err != nil {
			t.Fatal(err)
		}
		listeners := map[string][]listener{}
		for _, place := range order {
			for i, way := range unixWays {
				addr := fmt.Sprintf("%s/%d", places[place], i)
				l := listen(t, way.network, addr)
				if place != "abstract" {
					if err := os.Chmod(addr, 0o777); err != nil {
						t.Fatal(err)
					}
				}
				listeners[place] = append(listeners[place], l)
			}
		}

		const all = "in beneath beside abstract"
		for n, c := range []struct {
			argv []string
			open string // the places where listeners hear the command
			when bool
		}{
			{[]string{"snib"}, "", true},
			{[]string{"snib", "--network"}, "", true},
			{[]string{"snib", "--network", "-w", dir}, "", true},
			{[]string{"snib", "--network", "-w", "/", "--signals"}, "", true},
			{[]string{"snib", "--connect", "9"}, "", ports},
			{[]string{"snib", "--connect", "9", "-w", dir}, "", ports},
			{[]string{"snib", "--unix", "/"}, all, true},
			{[]string{"snib", "--unix", "/", "--unix", places["in"]}, all, true},
			{[]string{"snib", "--network", "--unix=/"}, all, true},
			{[]string{"snib", "--connect", "9", "--unix", "/"}, all, ports},
			{[]string{"snib", "--unix", places["in"]}, "in beneath", confined},
			{[]string{"snib", "--unix", places["in"], "-w", dir}, "in beneath", confined},
			{[]string{"snib", "--unix", dir + "/link"}, "in beneath", confined},
			{[]string{"snib", "--network", "--unix", places["in"]}, "in beneath", confined},
			{[]string{"snib", "--connect", "9", "--unix", places["in"]}, "in beneath", confined},
			{[]string{"snib", "--network", "--unix", places["beneath"], "--unix=" + places["beside"]}, "beneath beside", confined},
			{[]string{"codex-linux-sandbox", "-s", "network-full-access", "--"}, all, true},
			{[]string{"codex-linux-sandbox", "/nonexistent", `{"mode":"workspace-write","network_access":true}`, "--"}, all, true},
			{[]string{"codex-linux-sandbox", "--sandbox-policy-cwd", "/nonexistent", "--sandbox-policy",
				`{"type":"workspace-write","network_access":true}`, "--"}, all, true},
			{[]string{"codex-linux-sandbox", "--"}, "", true},
			{nil, all, true}, // the control, which each listener hears next after what it should hear
		} {
			if !c.when {
				continue
			}
			message := fmt.Sprint("message ", n)
			op := []string{"each"}
			for _, place := range order {
				for i, way := range unixWays {
					op = append(op, way.op, way.socket, listeners[place][i].addr, message, ",")
				}
			}
			outcomes := strings.Fields(b.outcome(t, c.argv, op[:len(op)-1]...))
			if len(outcomes) != len(order)*len(unixWays) {
				t.Fatalf("%q: %q", c.argv, outcomes)
			}
			for _, place := range order {
				for i, way := range unixWays {
					got := outcomes[0]
					outcomes = outcomes[1:]
					switch open := slices.Contains(strings.Fields(c.open), place); {
					case !open && got != "EPERM" && got != "EACCES", open && got != "ok":
						t.Errorf("%q: %s, %v: %s", c.argv, place, way, got)
					case open:
						if heard := listeners[place][i].next(t); heard != message {
							t.Errorf("%q: %s, %v: heard %q", c.argv, place, way, heard)
						}
					}
				}
			}
		}
	})
}

// A socket file can be a path of --unix itself.
func TestUnixFile(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	needABI(t, confinesUnix)
	eachBuild(t, func(t *testing.T, b *build) {
		dir := openDir(t, scratch(t))
		for _, way := range unixWays {
			name := strings.Join([]string{dir, "/", way.network, way.op, way.socket}, "")
			l, other := listen(t, way.network, name), listen(t, way.network, name+"-other")
			launcher := []string{"snib", "--network", "--unix", name}
			if got := b.outcome(t, launcher, way.op, way.socket, other.addr, "denied"); got != "EACCES" {
				t.Errorf("%v: its neighbour: %s", way, got)
			}
			if got := b.outcome(t, launcher, way.op, way.socket, l.addr, "allowed"); got != "ok" || l.next(t) != "allowed" {
				t.Errorf("%v: %s", way, got)
			}
			if got := b.outcome(t, nil, way.op, way.socket, other.addr, "control"); got != "ok" || other.next(t) != "control" {
				t.Errorf("%v: control: %s", way, got)
			}
		}
	})
}

// --unix PATH is refused where Landlock does not know such paths, and where there is none; --unix / is not.
func TestUnixPathRefused(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	dir := scratch(t)
	missing := dir + "/missing"
	for _, c := range []struct {
		args []string
		path string // that is missing
	}{
		{[]string{"--unix", dir}, ""},
		{[]string{"--unix", missing}, missing},
		{[]string{"--network", "--unix", "/", "--unix", missing}, "/"},
		{[]string{"--unix", dir, "--unix=" + missing, "--network"}, missing},
		{[]string{"--unix", "//"}, ""}, // not the "/" that opens everything
		{[]string{"--unix", "/"}, "/"},
	} {
		want := run{code: 7}
		switch {
		case c.path == "/":
		case kernelABI() < confinesUnix:
			want = run{code: 125, stderr: fmt.Sprintf("snib: error: --unix PATH needs Landlock ABI 9, which Linux has since 7.1; this kernel has ABI %d\n"+
				"snib: hint: --unix / opens all sockets of other programs\n", kernelABI())}
		case c.path != "":
			want = run{code: 125, stderr: fmt.Sprintf("snib: error: path %q of --unix: no such file or directory\n"+
				"snib: hint: create it first, or leave it out\n", c.path)}
		}
		eachBuild(t, func(t *testing.T, b *build) {
			if got := b.snib(t, append(slices.Clone(c.args), rolePath("kept"))...); got != want {
				t.Errorf("%q: %+v, want %+v", c.args, got, want)
			}
		})
	}
	for _, option := range []string{"--unix=", "--unix"} {
		args := []string{option, "X"}
		if option == "--unix" {
			args = []string{option, "", "X"}
		}
		checkRefused(t, append([]string{"snib"}, args...), 125, fmt.Sprintf("snib: error: the path of option %q is empty\n", option)+
			"snib: hint: write a path; if it came from a variable, that is empty or not set\n")
	}
}

// What the command's own processes may do among themselves.
func TestOwnSockets(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	needABI(t, 1)
	servers := "EPERM"
	if kernelABI() >= confinesUnix {
		servers = "ok"
	}
	eachBuild(t, func(t *testing.T, b *build) {
		dir := scratch(t)
		for _, c := range []struct {
			args    []string
			serves  string
			sockets string // datagrams, in a pair
			abi     int
		}{
			{[]string{"--network"}, servers, servers, 1},
			{[]string{"--unix", "/"}, "ok", "ok", 1},
			{[]string{"--network", "--unix", "/"}, "ok", "ok", 1},
			{[]string{"--unix", "/nonexistent/..", "--unix", "/"}, "ok", "ok", 1},
			{[]string{"--unix", "/tmp"}, servers, servers, confinesUnix},
			{[]string{"--network", "--unix", "/tmp"}, servers, servers, confinesUnix},
			{[]string{"--connect", "9"}, "EPERM", servers, firstPorts},
			{[]string{"--connect", "9", "--unix", "/"}, "EPERM", "ok", firstPorts},
		} {
			if kernelABI() < c.abi {
				continue
			}
			launcher := slices.Concat([]string{"snib", "-w", dir}, c.args)
			for _, addr := range []string{dir + "/socket", "@" + filepath.Base(dir)} {
				if got := b.outcome(t, launcher, "serve", addr); got != c.serves {
					t.Errorf("%q: serving %s: %s, want %s", launcher, addr, got, c.serves)
				}
				os.Remove(addr)
				if got := b.outcome(t, nil, "serve", addr); got != "ok" {
					t.Errorf("serving %s: control: %s", addr, got)
				}
				os.Remove(addr)
			}
			pair := []string{"socketpair", fmt.Sprint(unix.AF_UNIX), fmt.Sprint(unix.SOCK_DGRAM)}
			op := slices.Concat([]string{"each", "pair", ",", "passFD", ","}, pair)
			if got, want := b.outcome(t, launcher, op...), "ok ok "+c.sockets; got != want {
				t.Errorf("%q: pairs: %s, want %s", launcher, got, want)
			}
			if got := b.outcome(t, nil, op...); got != "ok ok ok" {
				t.Errorf("pairs: control: %s", got)
			}
		}
	})
}

// With the network on by snib's own options a socket is of the internet, of netlink or of AF_UNIX; the helper's grammars leave all alone.
func TestFamiliesWithNetwork(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	needABI(t, 1)
	unixSocket := "EPERM"
	if kernelABI() >= confinesUnix {
		unixSocket = "ok"
	}
	type family struct{ domain, kind int }
	families := []family{
		{unix.AF_UNIX, unix.SOCK_STREAM}, {unix.AF_UNIX, unix.SOCK_DGRAM | unix.SOCK_CLOEXEC}, {unix.AF_UNIX, unix.SOCK_SEQPACKET | unix.SOCK_NONBLOCK}, {unix.AF_UNIX, unix.SOCK_RAW},
		{unix.AF_INET, unix.SOCK_STREAM}, {unix.AF_INET, unix.SOCK_DGRAM}, {unix.AF_INET6, unix.SOCK_STREAM}, {unix.AF_INET6, unix.SOCK_DGRAM},
		{unix.AF_NETLINK, unix.SOCK_RAW}, {unix.AF_NETLINK, unix.SOCK_DGRAM},
		{unix.AF_UNSPEC, unix.SOCK_STREAM}, {unix.AF_VSOCK, unix.SOCK_STREAM}, {unix.AF_ALG, unix.SOCK_SEQPACKET}, {unix.AF_TIPC, unix.SOCK_STREAM},
		{unix.AF_CAN, unix.SOCK_RAW}, {unix.AF_BLUETOOTH, unix.SOCK_RAW}, {unix.AF_QIPCRTR, unix.SOCK_DGRAM}, {200, unix.SOCK_STREAM}, {1<<16 | unix.AF_INET, unix.SOCK_STREAM},
	}
	sockets := func(b *build, launcher []string) []string {
		op := []string{"each"}
		for _, f := range families {
			op = append(op, "socket", fmt.Sprint(f.domain), fmt.Sprint(f.kind), ",")
		}
		return strings.Fields(b.outcome(t, launcher, op[:len(op)-1]...))
	}
	eachBuild(t, func(t *testing.T, b *build) {
		control := sockets(b, nil)
		network, helper := sockets(b, []string{"snib", "--network"}), sockets(b, []string{"codex-linux-sandbox", "-s", "network-full-access", "--"})
		proven := 0
		for i, f := range families {
			want := "EPERM"
			switch f.domain {
			case unix.AF_UNIX:
				want = unixSocket
			case unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK:
				want = control[i]
			}
			if network[i] != want {
				t.Errorf("%+v: %s, want %s", f, network[i], want)
			}
			if helper[i] != control[i] {
				t.Errorf("%+v: by the helper's grammar %s, without a sandbox %s", f, helper[i], control[i])
			}
			if want == "EPERM" && control[i] != "EPERM" {
				proven++
			}
		}
		if control[0] != "ok" || control[4] != "ok" || proven < 5 {
			t.Errorf("control: %q", control)
		}
	})
}

// Programs of other users read from NETLINK_USERSOCK, and whoever knows the port can write to them.
func TestNetlinkToPrograms(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	for _, c := range []struct {
		launcher    []string
		sent, route string
	}{
		{nil, "ok", "ok"},
		{[]string{"snib", "--network"}, "EPERM", "ok"},
		{[]string{"snib"}, "EPERM", "EPERM"},
		{[]string{"codex-linux-sandbox", "-s", "network-full-access", "--"}, "ok", "ok"},
	} {
		reader, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_USERSOCK)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(reader)
		if err := unix.Bind(reader, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			t.Fatal(err)
		}
		address, err := unix.Getsockname(reader)
		if err != nil {
			t.Fatal(err)
		}
		port := address.(*unix.SockaddrNetlink).Pid
		got := release.outcome(t, c.launcher, "each", "netlinkTo", fmt.Sprint(port), ",", "askNetlink")
		if got != c.sent+" "+c.route {
			t.Errorf("%q: %s, want %s %s", c.launcher, got, c.sent, c.route)
		}
		n, _, err := unix.Recvfrom(reader, make([]byte, 100), 0)
		if heard := err == nil && n > 0; heard != (c.sent == "ok") {
			t.Errorf("%q: the reader outside heard %d bytes, %v", c.launcher, n, err)
		}
	}
}

// netlinkTo sends to a program that reads from NETLINK_USERSOCK.
func netlinkTo(a []string) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_USERSOCK)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Sendto(fd, []byte("message"), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: uint32(atoi(a[0]))})
}

// keptSockets are what a caller may leave open.
var keptSockets = []struct {
	name string
	kind string // how the options judge it
	make func(t *testing.T) int
}{
	{"a pipe", "no socket", func(t *testing.T) int {
		var pipe [2]int
		if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(pipe[0]) })
		return pipe[1]
	}},
	{"a connected stream", "connected", pairOf(unix.SOCK_STREAM, false)},
	{"a connected seqpacket", "connected", pairOf(unix.SOCK_SEQPACKET, false)},
	{"a stream whose peer has gone", "connected", pairOf(unix.SOCK_STREAM, true)},
	{"a stream to a server", "connected", func(t *testing.T) int {
		path := scratch(t) + "/socket"
		listener := rawListener(t, unix.SOCK_STREAM, path)
		t.Cleanup(func() { unix.Close(listener) })
		fd := aSocket(unix.AF_UNIX, unix.SOCK_STREAM, 0)(t)
		if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
			t.Fatal(err)
		}
		return fd
	}},
	{"a stream that is not connected", "unconnected", aSocket(unix.AF_UNIX, unix.SOCK_STREAM, 0)},
	{"a seqpacket that is not connected", "unconnected", aSocket(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)},
	{"a stream that is bound", "unconnected", func(t *testing.T) int { return boundSocket(t, scratch(t)+"/socket") }},
	{"a datagram pair", "datagram", pairOf(unix.SOCK_DGRAM, false)},
	{"a datagram", "datagram", aSocket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)},
	{"a listening stream", "listener", func(t *testing.T) int { return rawListener(t, unix.SOCK_STREAM, scratch(t)+"/socket") }},
	{"a listening seqpacket", "listener", func(t *testing.T) int { return rawListener(t, unix.SOCK_SEQPACKET, scratch(t)+"/socket") }},
	{"TCP", "tcp", aSocket(unix.AF_INET, unix.SOCK_STREAM, 0)},
	{"TCP of version 6", "tcp", aSocket(unix.AF_INET6, unix.SOCK_STREAM, unix.IPPROTO_TCP)},
	{"a TCP listener", "tcp", func(t *testing.T) int {
		fd := aSocket(unix.AF_INET, unix.SOCK_STREAM, 0)(t)
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			t.Fatal(err)
		}
		if err := unix.Listen(fd, 1); err != nil {
			t.Fatal(err)
		}
		return fd
	}},
	{"MPTCP", "inet", aSocket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)},
	{"UDP", "inet", aSocket(unix.AF_INET, unix.SOCK_DGRAM, 0)},
	{"UDP of version 6", "inet", aSocket(unix.AF_INET6, unix.SOCK_DGRAM, 0)},
	{"netlink", "inet", aSocket(unix.AF_NETLINK, unix.SOCK_RAW, 0)},
}

// aSocket makes a socket, or none where the kernel has no such.
func aSocket(domain, kind, protocol int) func(t *testing.T) int {
	return func(t *testing.T) int {
		t.Helper()
		fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, protocol)
		if err != nil && (protocol == unix.IPPROTO_MPTCP || domain == unix.AF_INET6) {
			return -1
		}
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
}

// pairOf makes a socket pair of AF_UNIX, and returns one end.
func pairOf(kind int, alone bool) func(t *testing.T) int {
	return func(t *testing.T) int {
		t.Helper()
		pair, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if alone {
			unix.Close(pair[1])
		} else {
			t.Cleanup(func() { unix.Close(pair[1]) })
		}
		return pair[0]
	}
}

// boundSocket makes a stream socket that has a path, and neither listens nor is connected.
func boundSocket(t *testing.T, path string) int {
	t.Helper()
	fd := aSocket(unix.AF_UNIX, unix.SOCK_STREAM, 0)(t)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// A kept socket by which the options could be left is a failure that names the descriptor, and never silently less: what runs has the
// local mode's calls.
func TestKeptSockets(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	needABI(t, 1)
	confined := kernelABI() >= confinesUnix
	eachBuild(t, func(t *testing.T, b *build) {
		for n, c := range []struct {
			args    []string
			allowed string // the kinds with which the command runs
			abi     int
		}{
			{[]string{"--network"}, "no-socket connected tcp inet" + map[bool]string{true: " unconnected datagram"}[confined], 1},
			{[]string{"--network", "--unix", "/"}, "no-socket connected tcp inet", 1},
			{[]string{"--network", "--unix", "/tmp"}, "no-socket connected tcp inet", confinesUnix},
			{[]string{"--connect", "9"}, "no-socket connected tcp", firstPorts},
			{[]string{"--connect", "9", "--unix", "/"}, "no-socket connected tcp", firstPorts},
			{[]string{"--connect", "9", "--unix", "/tmp"}, "no-socket connected tcp", confinesUnix},
			{[]string{"--unix", "/"}, "no-socket connected", 1},
			{[]string{"--unix", "/tmp"}, "no-socket connected", confinesUnix},
		} {
			if kernelABI() < c.abi {
				continue
			}
			for _, s := range keptSockets {
				for _, at := range []int{0, 1, 2, 3, 4} { // 4 is not kept
					// A build differs from the other in the descriptors that it starts with, not in what the options allow.
					if at != 3 && (emulated() || b == &plain && n > 0) {
						continue
					}
					fd := s.make(t)
					if fd < 0 {
						continue
					}
					socket := os.NewFile(uintptr(fd), s.name)
					args := append([]string{"snib"}, c.args...)
					if at == 3 {
						args = append(args, "--keep-fd=3")
					}
					got := start(t, b.path, append(args, rolePath("kept")), func(cmd *exec.Cmd) {
						switch at {
						case 0:
							cmd.Stdin = socket
						case 1:
							cmd.Stdout = socket
						case 2:
							cmd.Stderr = socket
						default:
							cmd.ExtraFiles = []*os.File{socket}
						}
					})
					socket.Close()
					if at == 2 && got.code == -int(unix.SIGPIPE) {
						got.code = 125 // it has no peer to which the message could go
					}
					want := run{code: 7}
					if at != 4 && !slices.Contains(strings.Fields(c.allowed), strings.ReplaceAll(s.kind, " ", "-")) {
						want = run{code: 125, stderr: fmt.Sprintf("snib: error: descriptor %d is a socket that leads out of what the options allow\n"+
							"snib: hint: close it, or redirect it: %[1]d<>/dev/null\n", at)}
						if at == 2 {
							want.stderr = "" // said into the socket
						}
					}
					if got != want {
						t.Errorf("%q, %s as descriptor %d: %+v, want %+v", args, s.name, at, got, want)
					}
				}
			}
		}
	})
}

// An AF_UNIX socket that is not connected yet could be connected to any program, and one that is bound could listen: from outside.
func TestKeptUnconnected(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	needABI(t, 1)
	eachBuild(t, func(t *testing.T, b *build) {
		dir := openDir(t, scratch(t))
		l := listen(t, "unix", dir+"/listener")
		for _, c := range []struct {
			argv   []string
			abi    int
			escape bool
		}{
			{[]string{"snib", "--network"}, 1, false},
			{[]string{"snib", "--connect", "9"}, firstPorts, false},
			{[]string{"snib"}, 1, false},
			{[]string{"codex-linux-sandbox", "-s", "network-full-access", "--"}, 1, true},
			{nil, 1, true},
		} {
			if kernelABI() < c.abi {
				continue
			}
			path := b.path
			if c.argv == nil {
				path = probePath
			}
			with := func(fd int, op ...string) run {
				socket := os.NewFile(uintptr(fd), "socket")
				defer socket.Close()
				return start(t, path, slices.Concat(c.argv, []string{probePath}, op), func(cmd *exec.Cmd) { cmd.Stdin = socket })
			}
			message := fmt.Sprintf("%q", c.argv)
			r := with(aSocket(unix.AF_UNIX, unix.SOCK_STREAM, 0)(t), "connect", "fd0", l.addr, message)
			if escaped := r.stdout == "ok\n"; escaped != c.escape {
				t.Errorf("%q: connecting: %+v", c.argv, r)
			}
			if c.escape {
				if heard := l.next(t); heard != message {
					t.Errorf("%q: heard %q", c.argv, heard)
				}
			}
			// From ABI 9 on a command has servers of its own.
			bound := dir + "/bound"
			r = with(boundSocket(t, bound), "listen on", "0")
			os.Remove(bound)
			if listens := r.stdout == "ok\n"; listens != c.escape && kernelABI() < confinesUnix {
				t.Errorf("%q: listening: %+v", c.argv, r)
			}
		}
	})
}

// webServer answers every request over HTTP with "hello", and returns its address.
func webServer(t *testing.T) string {
	t.Helper()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if n, err := c.Read(make([]byte, 4096)); err == nil && n > 0 {
					io.WriteString(c, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")
				}
			}()
		}
	}()
	return server.Addr().String()
}

// What asks the network and the name services works with --network, although they look for daemons on AF_UNIX sockets first.
func TestNetworkPrograms(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	addr := webServer(t)
	eachBuild(t, func(t *testing.T, b *build) {
		for _, op := range [][]string{{"http", addr}, {"interfaces"}} {
			for _, c := range []struct {
				launcher []string
				works    bool
			}{{nil, true}, {[]string{"snib", "--network"}, true}, {[]string{"snib"}, false}} {
				r := start(t, map[bool]string{true: probePath, false: b.path}[c.launcher == nil], slices.Concat(c.launcher, []string{probePath}, op), nil)
				if (r.stdout == "ok\n") != c.works {
					t.Errorf("%q under %q: %+v", op, c.launcher, r)
				}
			}
		}
	})
	for _, argv := range [][]string{
		{"curl", "-sS", "http://" + addr + "/"},
		{"python3", "-c", "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode(), end='')", "http://" + addr + "/"},
		{"node", "-e", "fetch(process.argv[1]).then(r => r.text()).then(t => process.stdout.write(t))", "http://" + addr + "/"},
		{"getent", "hosts", "localhost"},
		{"getent", "passwd", "root"},
		{"python3", "-c", "import socket; print(sorted(name for _, name in socket.if_nameindex()))"},
	} {
		t.Run(strings.Join(argv[:2], " "), func(t *testing.T) {
			control := start(t, need(t, argv[0]), argv, nil)
			if control.stdout == "" && control.stderr == "" {
				t.Fatalf("control: %+v", control)
			}
			if got := release.snib(t, slices.Concat([]string{"--network", "--"}, argv)...); got != control {
				t.Errorf("%+v, without a sandbox %+v", got, control)
			}
			if argv[0] == "getent" {
				return // what it asks for is in a file
			}
			if got := release.snib(t, append([]string{"--"}, argv...)...); got == control {
				t.Errorf("without a network: %+v", got)
			}
		})
	}
}

// Programs that serve themselves over AF_UNIX want Landlock's ABI 9, or --unix /.
func TestUnixPrograms(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	for name, c := range map[string]struct{ tool, suffix, source string }{
		"python's manager": {"python3", ".py", `
import multiprocessing, multiprocessing.managers
if __name__ == "__main__":
    with multiprocessing.Manager() as manager:
        shared = manager.list([6])
        process = multiprocessing.Process(target=shared.append, args=(7,))
        process.start()
        process.join()
        print("hello", shared[0] * shared[1])
`},
		"node's server": {"node", ".js", `
const net = require("net"), path = process.env.TMPDIR + "/node"
const server = net.createServer(c => { c.end("hello 42\n") })
server.on("error", e => { console.error(e.code); process.exit(1) })
server.listen(path, () => {
  net.connect(path).on("data", d => process.stdout.write(d)).on("end", () => server.close())
})
`},
		"gpg's agent": {"gpg-agent", ".sh", `
export GNUPGHOME="$TMPDIR/gnupg"
mkdir -m 700 "$GNUPGHOME"
gpg-agent --daemon sh -c 'pid=$(gpg-connect-agent --no-autostart "GETINFO pid" /bye) && echo hello 42; pid=${pid#D }; kill -KILL ${pid%OK}'
`},
		"tmux": {"tmux", ".sh", `
tmux -S "$TMPDIR/tmux" -f /dev/null new-session -d "echo hello 42 >'$TMPDIR/out'; tmux -S '$TMPDIR/tmux' wait-for -S done; exec sleep 20" &&
	tmux -S "$TMPDIR/tmux" wait-for done && cat "$TMPDIR/out"
tmux -S "$TMPDIR/tmux" kill-server
`},
	} {
		t.Run(name, func(t *testing.T) {
			need(t, c.tool)
			runner := map[string]string{".py": "python3", ".js": "node", ".sh": "sh"}[c.suffix]
			runner = need(t, runner)
			for _, l := range []struct {
				args  []string
				works bool
			}{
				{[]string{"--unix", "/"}, true},
				{[]string{"--network", "--unix", "/"}, true},
				{[]string{"--network"}, kernelABI() >= confinesUnix},
				{nil, kernelABI() >= confinesUnix},
			} {
				dir := scratch(t)
				file := dir + "/program" + c.suffix
				if err := os.WriteFile(file, []byte(c.source), 0o644); err != nil {
					t.Fatal(err)
				}
				launch := func(path string, argv ...string) run {
					return start(t, path, argv, func(cmd *exec.Cmd) {
						cmd.Env = append(os.Environ(), "TMPDIR="+dir, "TERM=xterm", "SHELL=/bin/sh")
						cmd.Dir = dir
					})
				}
				r := launch(release.path, slices.Concat([]string{"snib", "--dev", "-w", dir}, l.args, []string{"--", runner, file})...)
				if works := r.code == 0 && r.stdout == "hello 42\n"; works != l.works {
					t.Errorf("%q: %+v", l.args, r)
				}
			}
			dir := scratch(t)
			file := dir + "/program" + c.suffix
			if err := os.WriteFile(file, []byte(c.source), 0o644); err != nil {
				t.Fatal(err)
			}
			control := start(t, runner, []string{runner, file}, func(cmd *exec.Cmd) {
				cmd.Env = append(os.Environ(), "TMPDIR="+dir, "TERM=xterm", "SHELL=/bin/sh")
			})
			if control.code != 0 || control.stdout != "hello 42\n" {
				t.Errorf("control: %+v", control)
			}
		})
	}
}
