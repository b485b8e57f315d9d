package main

// --connect PORT, seen from outside: servers that count who connected are the judges. Each way to another port, another protocol or
// another program is a row: without a sandbox it gets there, under snib it does not, and with the option that opens it it does again.

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	protoSMC  = 256 // IPPROTO_SMC (linux/smc.h)
	familySMC = 43  // AF_SMC
	smc6      = 1   // SMCPROTO_SMC6: AF_SMC over IPv6; 0 is over IPv4
)

func init() {
	roles["fetch"] = fetch
	for name, op := range map[string]func(args []string) error{
		"dial":       dial,
		"dialAgain":  dialAgain,
		"dialKept":   func(a []string) error { return dialSocket(atoi(a[0]), a[1:]) },
		"dialPassed": dialPassed,
		"writeKept":  func(a []string) error { _, err := unix.Write(atoi(a[0]), []byte(a[1])); return err },
		"acceptKept": func(a []string) error { return acceptKept(atoi(a[0]), a[1]) },
		"socketOf":   socketOf,
		"askNetlink": func([]string) error { return askNetlink() },
		"netlinkTo":  netlinkTo,
		"listenKept": func(a []string) error { return listenFor(a[0], a[1]) },
		"pairOf":     func(a []string) error { return socketpairWorks(atoi(a[0])) },
		"true":       func([]string) error { return nil },
	} {
		probes[name] = op
	}
}

// rawAddress is a struct sockaddr of the internet.
func rawAddress(addr netip.AddrPort) []byte {
	port := binary.BigEndian.AppendUint16(nil, addr.Port())
	if addr.Addr().Is4() {
		a := addr.Addr().As4()
		return slices.Concat(binary.NativeEndian.AppendUint16(nil, unix.AF_INET), port, a[:], make([]byte, 8))
	}
	a := addr.Addr().As16()
	return slices.Concat(binary.NativeEndian.AppendUint16(nil, unix.AF_INET6), port, make([]byte, 4), a[:], make([]byte, 4))
}

// noAddress is one of AF_UNSPEC: to connect to it is to disconnect.
var noAddress = make([]byte, 16)

func connectRaw(fd int, to []byte) error {
	return rawErrno(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&to[0])), uintptr(len(to)), 0)
}

// dial makes a socket and reaches the address a[1] the way that a[0] names.
func dial(a []string) error {
	to := netip.MustParseAddrPort(a[1])
	domain, kind, protocol := unix.AF_INET, unix.SOCK_STREAM, 0
	if to.Addr().Is6() {
		domain = unix.AF_INET6
	}
	switch strings.Fields(a[0])[0] {
	case "tcp":
		protocol = unix.IPPROTO_TCP
	case "mptcp":
		protocol = unix.IPPROTO_MPTCP
	case "smc":
		protocol = protoSMC
	case "smcFamily":
		if domain == unix.AF_INET6 {
			protocol = smc6
		}
		domain = familySMC
	case "udp":
		kind = unix.SOCK_DGRAM
	case "udplite":
		kind, protocol = unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE
	case "raw":
		kind, protocol = unix.SOCK_RAW, unix.IPPROTO_UDP
	}
	fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return err
	}
	return dialSocket(fd, a)
}

// dialSocket is dial with a socket that is there already.
func dialSocket(fd int, a []string) error {
	to := netip.MustParseAddrPort(a[1])
	address := rawAddress(to)
	message := []byte("message")
	_, how, _ := strings.Cut(a[0], " ")
	flags := 0
	if strings.HasPrefix(how, "fastopen") {
		flags = unix.MSG_FASTOPEN
	}
	switch how {
	case "", "connect":
		return connectRaw(fd, address)
	case "send":
		if err := connectRaw(fd, address); err != nil {
			return err
		}
		_, err := unix.Write(fd, message)
		return err
	case "ulp":
		if err := unix.SetsockoptString(fd, unix.SOL_TCP, unix.TCP_ULP, "smc"); err != nil {
			return err
		}
		return connectRaw(fd, address)
	case "option":
		if err := unix.SetsockoptInt(fd, unix.SOL_TCP, unix.TCP_FASTOPEN_CONNECT, 1); err != nil {
			return err
		}
		if err := connectRaw(fd, address); err != nil {
			return err
		}
		_, err := unix.Write(fd, message)
		return err
	case "sendto", "fastopen sendto":
		return rawErrno6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&message[0])), uintptr(len(message)), uintptr(flags),
			uintptr(unsafe.Pointer(&address[0])), uintptr(len(address)))
	case "packet":
		// A header of UDP: from port 9, no checksum.
		packet := binary.BigEndian.AppendUint16(nil, 9)
		packet = binary.BigEndian.AppendUint16(packet, to.Port())
		packet = binary.BigEndian.AppendUint16(packet, uint16(8+len(message)))
		packet = append(append(packet, 0, 0), message...)
		return rawErrno6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&packet[0])), uintptr(len(packet)), 0,
			uintptr(unsafe.Pointer(&address[0])), uintptr(len(address)))
	}
	part := unix.Iovec{Base: &message[0]}
	part.SetLen(len(message))
	header := unix.Msghdr{Name: &address[0], Namelen: uint32(len(address)), Iov: &part}
	header.SetIovlen(1)
	switch how {
	case "sendmsg", "fastopen sendmsg":
		return rawErrno(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&header)), uintptr(flags), 0)
	case "sendmmsg", "fastopen sendmmsg":
		headers := struct { // struct mmsghdr (recvmmsg(2))
			header unix.Msghdr
			sent   uint32
		}{header: header}
		return rawErrno(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&headers)), 1, uintptr(flags))
	}
	return fmt.Errorf("%q is no way to dial", how)
}

// dialAgain connects to a[1], which is allowed, and then the same socket to a[2]. As "addrform" it is one of IPv6 that becomes one of
// IPv4 in between; as "deferred" the first connection waits for what is sent, with the address of the second.
func dialAgain(a []string) error {
	first, second := netip.MustParseAddrPort(a[1]), netip.MustParseAddrPort(a[2])
	domain := unix.AF_INET
	if first.Addr().Is6() {
		domain = unix.AF_INET6
	}
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if a[0] == "deferred" {
		if err := unix.SetsockoptInt(fd, unix.SOL_TCP, unix.TCP_FASTOPEN_CONNECT, 1); err != nil {
			return err
		}
	}
	if err := connectRaw(fd, rawAddress(first)); err != nil {
		return fmt.Errorf("the first: %w", err)
	}
	switch a[0] {
	case "deferred":
		return dialSocket(fd, []string{"tcp sendto", a[2]})
	case "addrform":
		if err := unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_ADDRFORM, unix.AF_INET); err != nil {
			return fmt.Errorf("IPV6_ADDRFORM: %w", err)
		}
	}
	if err := connectRaw(fd, noAddress); err != nil {
		return fmt.Errorf("AF_UNSPEC: %w", err)
	}
	return connectRaw(fd, rawAddress(second))
}

// dialPassed is dialSocket with a socket that comes over the AF_UNIX stream a[0].
func dialPassed(a []string) error {
	fd, err := receiveDescriptor(atoi(a[0]))
	if err != nil {
		return err
	}
	return dialSocket(fd, a[1:])
}

func acceptKept(fd int, how string) error {
	if how == "accept" {
		return rawErrno(unix.SYS_ACCEPT, uintptr(fd), 0, 0, 0)
	}
	return rawErrno(unix.SYS_ACCEPT4, uintptr(fd), 0, 0, unix.SOCK_CLOEXEC)
}

// socketOf makes a socket of a family, a type and a protocol.
func socketOf(a []string) error {
	fd, err := unix.Socket(atoi(a[0]), atoi(a[1])|unix.SOCK_CLOEXEC, atoi(a[2]))
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// askNetlink has the kernel list the network interfaces.
func askNetlink() error {
	_, err := syscall.NetlinkRIB(unix.RTM_GETLINK, unix.AF_UNSPEC)
	return err
}

// socketpairWorks passes a byte over a pair.
func socketpairWorks(kind int) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if _, err := unix.Write(pair[0], []byte("x")); err != nil {
		return err
	}
	_, err = unix.Read(pair[1], make([]byte, 1))
	return err
}

// listenFor listens the way that how names, says in a line what came of it and at which port, and lives until stdin ends, so that the
// outside can try to connect.
func listenFor(how, fdOrAddr string) error {
	fd, err := 0, error(nil)
	if how == "kept" {
		fd = atoi(fdOrAddr)
	} else {
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	}
	if err == nil && how == "bind" {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err == nil {
		err = unix.Listen(fd, 1)
	}
	port := 0
	if name, nameErr := unix.Getsockname(fd); nameErr == nil {
		port = name.(*unix.SockaddrInet4).Port
	}
	fmt.Println(errnoName(err), port)
	io.Copy(io.Discard, os.Stdin)
	return nil
}

// counter is a server outside that counts who reached it.
type counter struct {
	network, addr string
	port          string
	came          chan string // who came, in the order of their coming
}

// count starts a counter: network is "tcp", "udp", "unix" or "unixgram".
func count(t *testing.T, network, addr string) *counter {
	t.Helper()
	c := &counter{network: network, came: make(chan string, 1024)}
	var local net.Addr
	if network == "udp" || network == "unixgram" {
		server, err := net.ListenPacket(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { server.Close() })
		local = server.LocalAddr()
		go func() {
			for buf := make([]byte, 64); ; {
				n, _, err := server.ReadFrom(buf)
				if err != nil {
					return
				}
				c.came <- string(buf[:n])
			}
		}()
	} else {
		server, err := net.Listen(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { server.Close() })
		local = server.Addr()
		go func() {
			for {
				conn, err := server.Accept()
				if err != nil {
					return
				}
				t.Cleanup(func() { conn.Close() })
				c.came <- conn.RemoteAddr().String()
			}
		}()
	}
	c.addr = local.String()
	if network == "tcp" || network == "udp" {
		_, c.port, _ = net.SplitHostPort(c.addr)
	}
	if strings.HasPrefix(c.addr, "/") {
		if err := os.Chmod(c.addr, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

var markers int

// count returns how many came since it was last asked: those before a marker of its own, for a queue keeps its order.
func (c *counter) count(t *testing.T) (n int) {
	t.Helper()
	markers++
	marker := fmt.Sprintf("@snib-%d-%d", os.Getpid(), markers)
	var conn net.Conn
	var err error
	switch c.network {
	case "unix":
		conn, err = net.DialUnix("unix", &net.UnixAddr{Name: marker, Net: "unix"}, &net.UnixAddr{Name: c.addr, Net: "unix"})
	case "tcp":
		if conn, err = net.Dial(c.network, c.addr); err == nil {
			marker = conn.LocalAddr().String()
		}
	default:
		if conn, err = net.Dial(c.network, c.addr); err == nil {
			_, err = conn.Write([]byte(marker))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for {
		select {
		case who := <-c.came:
			if who == marker {
				return n
			}
			n++
		case <-time.After(launchTime):
			t.Fatal("the counter does not count")
		}
	}
}

// loopback6 is the loopback address of IPv6.
func loopback6(t *testing.T) string {
	t.Helper()
	server, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("needs IPv6")
	}
	server.Close()
	return "[::1]:0"
}

// way is a row: a way to reach a counter, which under --connect of another port ends in an errno.
type way struct {
	name    string
	network string
	addr    string   // where the counter is; "path", "abstract"
	op      []string // the probe; ADDR, MAPPED (the same as IPv6) and FIRST, FIRST6 (of the allowed port) are replaced
	want    string
	open    string // what opens it: "port", the counter's own with --connect, or other options
	lacks   string // the errnos by which a kernel says that it has no such thing, and
	reason  string // what it then needs
}

func waysAround() []way {
	port, on, local := "port", "--network", "--network --unix /"
	unixErrno, abstractErrno := "EPERM", "EPERM"
	if kernelABI() >= confinesUnix {
		unixErrno = "EACCES"
	}
	const v4, v6 = "127.0.0.1:0", "::1"
	ways := []way{
		{name: "mapped", network: "tcp", addr: v4, op: []string{"dial", "tcp", "MAPPED"}, want: "EACCES", open: port, lacks: "EAFNOSUPPORT ENETUNREACH EADDRNOTAVAIL", reason: "IPv6"},
		{name: "unspec", network: "tcp", addr: v4, op: []string{"dialAgain", "unspec", "FIRST", "ADDR"}, want: "EACCES", open: port},
		{name: "addrform", network: "tcp", addr: v4, op: []string{"dialAgain", "addrform", "FIRST6", "ADDR"}, want: "EACCES", open: port, lacks: "EAFNOSUPPORT", reason: "IPv6"},
		{name: "udplite", network: "", op: []string{"socketOf", "2", "2", "136"}, want: "EPERM", open: on, lacks: "EPROTONOSUPPORT", reason: "UDP-Lite"},
		{name: "sctp", network: "", op: []string{"socketOf", "2", "1", "132"}, want: "EPROTONOSUPPORT", open: on, lacks: "EPROTONOSUPPORT", reason: "SCTP"},
		{name: "raw", network: "udp", addr: v4, op: []string{"dial", "raw packet", "ADDR"}, want: "EPERM", open: "raw", lacks: "EPERM", reason: "root"},
		{name: "packet", network: "", op: []string{"socketOf", fmt.Sprint(unix.AF_PACKET), "2", "0"}, want: "EPERM", open: "closed", lacks: "EPERM", reason: "root"},
		{name: "old packet", network: "", op: []string{"socketOf", "2", "10", "768"}, want: "EPERM", open: "closed", lacks: "EPERM", reason: "root"},
		{name: "netlink", network: "", op: []string{"askNetlink"}, want: "EPERM", open: on},
		{name: "vsock", network: "", op: []string{"socketOf", fmt.Sprint(unix.AF_VSOCK), "1", "0"}, want: "EPERM", open: "closed", lacks: "EAFNOSUPPORT EPERM", reason: "AF_VSOCK"},
		{name: "alg", network: "", op: []string{"socketOf", fmt.Sprint(unix.AF_ALG), "5", "0"}, want: "EPERM", open: "closed", lacks: "EAFNOSUPPORT EPERM", reason: "AF_ALG"},
		{name: "io_uring", network: "", op: []string{"ioUring"}, want: "EPERM", open: "closed", lacks: "ENOSYS EPERM", reason: "io_uring"},
	}
	for _, at := range []string{v4, v6} {
		name := map[string]string{v4: "4", v6: "6"}[at]
		for _, w := range []way{
			{name: "tcp", op: []string{"tcp"}, want: "EACCES", open: port},
			{name: "stream", op: []string{"stream send"}, want: "EACCES", open: port},
			{name: "mptcp", op: []string{"mptcp"}, want: "EPROTONOSUPPORT", open: on, lacks: "EPROTONOSUPPORT ENOPROTOOPT", reason: "MPTCP"},
			{name: "smc", op: []string{"smc"}, want: "EPROTONOSUPPORT", open: on, lacks: "EPROTONOSUPPORT", reason: "SMC"},
			{name: "AF_SMC", op: []string{"smcFamily"}, want: "EPERM", open: "closed", lacks: "EAFNOSUPPORT EPERM", reason: "SMC"},
			{name: "ulp smc", op: []string{"tcp ulp"}, want: "EPERM", open: on, lacks: "ENOENT ENOPROTOOPT", reason: "SMC by TCP_ULP"},
			{name: "fast open option", op: []string{"tcp option"}, want: "EACCES", open: port, lacks: "EOPNOTSUPP ENOTSUP", reason: "TCP fast open"},
			{name: "udp connect", network: "udp", op: []string{"udp send"}, want: "EPERM", open: on},
			{name: "udp sendto", network: "udp", op: []string{"udp sendto"}, want: "EPERM", open: on},
			{name: "udp sendmsg", network: "udp", op: []string{"udp sendmsg"}, want: "EPERM", open: on},
			{name: "udp sendmmsg", network: "udp", op: []string{"udp sendmmsg"}, want: "EPERM", open: on},
		} {
			if w.network == "" {
				w.network = "tcp"
			}
			w.name, w.addr, w.op = w.name+" "+name, at, []string{"dial", w.op[0], "ADDR"}
			ways = append(ways, w)
		}
		for _, call := range []string{"sendto", "sendmsg", "sendmmsg"} {
			ways = append(ways, way{name: "fast open " + call + " " + name, network: "tcp", addr: at, op: []string{"dial", "tcp fastopen " + call, "ADDR"},
				want: "EPERM", open: on, lacks: "EOPNOTSUPP ENOTSUP", reason: "TCP fast open"})
		}
	}
	for _, c := range []struct{ network, op, socket string }{
		{"unix", "connect", "stream"},
		{"unixgram", "connect", "datagram"},
		{"unixgram", "sendto", "datagram"},
		{"unixgram", "sendmsg", "datagram"},
		{"unixgram", "sendmsg", "raw"},
		{"unixgram", "sendto", "pair"},
		{"unixgram", "sendmsg", "pair"},
	} {
		ways = append(ways,
			way{name: "path " + c.op + " " + c.socket, network: c.network, addr: "path", op: []string{c.op, c.socket, "ADDR", "message"}, want: unixErrno, open: local},
			way{name: "abstract " + c.op + " " + c.socket, network: c.network, addr: "abstract", op: []string{c.op, c.socket, "ADDR", "message"}, want: abstractErrno, open: local})
	}
	return ways
}

func TestConnect(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	needABI(t, firstPorts)
	dir := scratch(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, w := range waysAround() {
		t.Run(w.name, func(t *testing.T) {
			first := count(t, "tcp", "127.0.0.1:0")
			op := w.op
			var judge *counter
			if w.network != "" {
				addr := w.addr
				switch addr {
				case "::1":
					addr = loopback6(t)
				case "path":
					addr = filepath.Join(dir, fmt.Sprint(i))
				case "abstract":
					addr = fmt.Sprintf("@%s-%d", filepath.Base(dir), i)
				}
				judge = count(t, w.network, addr)
				op = slices.Clone(w.op)
				for i, word := range op {
					switch word {
					case "ADDR":
						op[i] = judge.addr
					case "MAPPED":
						op[i] = "[::ffff:127.0.0.1]:" + judge.port
					case "FIRST":
						op[i] = first.addr
					case "FIRST6":
						op[i] = "[::ffff:127.0.0.1]:" + first.port
					}
				}
			}
			counted := func() int {
				if judge == nil {
					return 0
				}
				return judge.count(t)
			}
			one := 1
			if judge == nil {
				one = 0
			}

			control := release.outcome(t, nil, op...)
			if slices.Contains(strings.Fields(w.lacks), control) {
				// The errno that the filter gives does not wait for the kernel to have it.
				for _, b := range builds {
					if got := b.outcome(t, []string{"snib", "--connect", first.port}, op...); got != w.want {
						t.Errorf("%s: %s, want %s", b.name, got, w.want)
					}
				}
				t.Skip("needs " + w.reason)
			}
			if n := counted(); control != "ok" || n != one {
				t.Fatalf("control: %s, counted %d", control, n)
			}
			for _, b := range builds {
				if got, n := b.outcome(t, []string{"snib", "--connect", first.port}, op...), counted(); got != w.want || n != 0 {
					t.Errorf("%s: %s, want %s; counted %d", b.name, got, w.want, n)
				}
				var open []string
				switch w.open {
				case "closed":
					continue // for snib's own options it always is
				case "raw":
					continue // what it takes is a capability that root has lost
				case "port":
					open = []string{"snib", "--connect", first.port, "--connect=" + judge.port}
				default:
					open = append([]string{"snib"}, strings.Fields(w.open)...)
				}
				if got, n := b.outcome(t, open, op...), counted(); got != "ok" || n != one {
					t.Errorf("%s: %q: %s, counted %d", b.name, open, got, n)
				}
			}
		})
	}
}

// A port is open on every host, however often and however it is written; and several are.
func TestConnectPorts(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	needABI(t, firstPorts)
	servers := []*counter{count(t, "tcp", "127.0.0.1:0"), count(t, "tcp", "127.0.0.1:0"), count(t, "tcp", "127.0.0.1:0")}
	here, there := servers[0], count(t, "tcp", "127.0.0.2:"+servers[0].port)
	eachBuild(t, func(t *testing.T, b *build) {
		for _, s := range append(servers, there) {
			if got, n := release.outcome(t, nil, "dial", "tcp", s.addr), s.count(t); got != "ok" || n != 1 {
				t.Fatalf("control: %s, counted %d", got, n)
			}
		}
		for _, c := range []struct {
			options []string
			open    [3]bool
		}{
			{[]string{"--connect", here.port}, [3]bool{true, false, false}},
			{[]string{"--connect=" + here.port, "--connect", here.port}, [3]bool{true, false, false}},
			{[]string{"--connect", "0" + here.port}, [3]bool{true, false, false}},
			{[]string{"--connect", here.port, "--connect", servers[2].port}, [3]bool{true, false, true}},
			{[]string{"--connect", "1", "--connect", "65535"}, [3]bool{}},
			{nil, [3]bool{}},
		} {
			launcher := append([]string{"snib"}, c.options...)
			for i, s := range servers {
				want := "EACCES"
				if c.open[i] {
					want = "ok"
				} else if c.options == nil {
					want = "EPERM"
				}
				if got, n := b.outcome(t, launcher, "dial", "tcp", s.addr), s.count(t); got != want || (n == 1) != c.open[i] || n > 1 {
					t.Errorf("%q: %d: %s, want %s; counted %d", launcher, i, got, want, n)
				}
			}
			want := "ok"
			if !c.open[0] {
				want = "EACCES"
				if c.options == nil {
					want = "EPERM"
				}
			}
			if got, n := b.outcome(t, launcher, "dial", "tcp", there.addr), there.count(t); got != want || (n == 1) != c.open[0] {
				t.Errorf("%q: another host: %s, counted %d", launcher, got, n)
			}
		}
	})
}

// deferredVariable is set in the network namespace that TestConnectDeferred makes for itself.
const deferredVariable = "SNIB_TEST_DEFERRED"

// With TCP_FASTOPEN_CONNECT and a cookie, or none needed, connect is only noted, and made when something is sent. What was noted is what
// Landlock judged: neither the option nor an address with the message leads elsewhere. It takes a setting, and so a namespace of its own.
func TestConnectDeferred(t *testing.T) {
	t.Parallel()
	needABI(t, firstPorts)
	needRoot(t)
	if os.Getenv(deferredVariable) == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range builds {
			r := start(t, self, []string{self, "-test.run=^TestConnectDeferred$", "-test.v"}, func(cmd *exec.Cmd) {
				cmd.Env = append(os.Environ(), deferredVariable+"="+b.path, aloneVariable+"="+filepath.Dir(release.path))
				cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
			})
			if r.code != 0 || !strings.Contains(r.stdout, "--- PASS: TestConnectDeferred") {
				t.Errorf("%s: exit %d\n%s%s", b.name, r.code, r.stdout, r.stderr)
			}
		}
		return
	}
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	lo.SetUint16(unix.IFF_UP)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
	}
	if err == nil {
		const client, withoutCookie = 1, 4 // TFO_CLIENT_ENABLE, TFO_CLIENT_NO_COOKIE (net/tcp.h)
		err = os.WriteFile("/proc/sys/net/ipv4/tcp_fastopen", []byte(strconv.Itoa(client|withoutCookie)), 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	b := &build{name: "inside", path: os.Getenv(deferredVariable)}
	first, other := count(t, "tcp", "127.0.0.1:0"), count(t, "tcp", "127.0.0.1:0")
	launcher := []string{"snib", "--connect", first.port}
	check := func(name string, launcher []string, want string, atFirst, atOther int, op ...string) {
		t.Helper()
		if got, n, m := b.outcome(t, launcher, op...), first.count(t), other.count(t); got != want || n != atFirst || m != atOther {
			t.Errorf("%s: %s, want %s; counted %d and %d", name, got, want, n, m)
		}
	}
	check("control: option", nil, "ok", 0, 1, "dial", "tcp option", other.addr)
	check("option", launcher, "EACCES", 0, 0, "dial", "tcp option", other.addr)
	check("option, allowed", launcher, "ok", 1, 0, "dial", "tcp option", first.addr)
	deferred := b.outcome(t, nil, "dialAgain", "deferred", first.addr, other.addr)
	first.count(t)
	if n := other.count(t); n != 0 {
		t.Logf("control: deferred: %s, counted %d elsewhere", deferred, n)
	}
	check("deferred", launcher, deferred, 1, 0, "dialAgain", "deferred", first.addr, other.addr)
	for _, call := range []string{"sendto", "sendmsg", "sendmmsg"} {
		check("control: "+call, nil, "ok", 0, 1, "dial", "tcp fastopen "+call, other.addr)
		check(call, launcher, "EPERM", 0, 0, "dial", "tcp fastopen "+call, other.addr)
		check(call+", allowed port", launcher, "EPERM", 0, 0, "dial", "tcp fastopen "+call, first.addr)
	}
}

// Nobody connects in: neither to a port that listen picks, nor to one that is bound, by the command or before it.
func TestConnectListens(t *testing.T) {
	t.Parallel()
	needABI(t, firstPorts)
	// reached tells what the probe says of listening, and whether the outside then got a connection.
	reached := func(t *testing.T, path string, launcher []string, how string, kept *os.File) (said string, reached bool) {
		t.Helper()
		cmd := &exec.Cmd{Path: path, Args: append(slices.Clone(launcher), probePath, "listenKept", how, "3")}
		if kept != nil {
			cmd.ExtraFiles = []*os.File{kept}
		}
		cmd.Stderr = os.Stderr
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(launchTime, func() { cmd.Process.Kill() })
		defer timer.Stop()
		line, err := bufio.NewReader(stdout).ReadString('\n')
		said, port, is := strings.Cut(strings.TrimSpace(line), " ")
		if err != nil || !is {
			t.Fatalf("%q: %q, %v", cmd.Args, line, err)
		}
		if port != "0" {
			conn, err := net.Dial("tcp", "127.0.0.1:"+port)
			if reached = err == nil; reached {
				conn.Close()
			}
		}
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		return said, reached
	}
	bound := func(t *testing.T) *os.File {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
		}
		if err != nil {
			t.Fatal(err)
		}
		file := os.NewFile(uintptr(fd), "bound")
		t.Cleanup(func() { file.Close() })
		return file
	}
	for _, how := range []string{"unbound", "bind", "kept"} {
		t.Run(how, func(t *testing.T) {
			keep, file := []string{}, func() *os.File { return nil }
			if how == "kept" {
				keep, file = []string{"--keep-fd", "3"}, func() *os.File { return bound(t) }
			}
			if said, is := reached(t, probePath, nil, how, file()); said != "ok" || !is {
				t.Fatalf("control: %s, reached: %t", said, is)
			}
			eachBuild(t, func(t *testing.T, b *build) {
				if said, is := reached(t, b.path, append([]string{"snib", "--connect", "9"}, keep...), how, file()); said != "EPERM" || is {
					t.Errorf("%s, reached: %t", said, is)
				}
				if said, is := reached(t, b.path, append([]string{"snib", "--network"}, keep...), how, file()); said != "ok" || !is {
					t.Errorf("--network: %s, reached: %t", said, is)
				}
			})
		})
	}
	for _, how := range []string{"accept", "accept4"} {
		t.Run(how, func(t *testing.T) {
			accept := func(path string, launcher ...string) string {
				var config net.ListenConfig
				config.SetMultipathTCP(false) // a kept socket of MPTCP is a failure
				server, err := config.Listen(context.Background(), "tcp4", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer server.Close()
				conn, err := net.Dial("tcp", server.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				kept := fileOf(t, server.(*net.TCPListener))
				r := start(t, path, append(launcher, probePath, "acceptKept", "3", how), func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{kept} })
				return strings.TrimSpace(r.stdout + r.stderr)
			}
			if got := accept(probePath); got != "ok" {
				t.Fatalf("control: %s", got)
			}
			eachBuild(t, func(t *testing.T, b *build) {
				if got := accept(b.path, "snib", "--connect", "9", "--keep-fd", "3"); got != "EPERM" {
					t.Error(got)
				}
				if got := accept(b.path, "snib", "--network", "--keep-fd", "3"); got != "ok" {
					t.Errorf("--network: %s", got)
				}
			})
		})
	}
}

// fileOf returns a copy of the descriptor of a connection or a listener, which blocks.
func fileOf(t *testing.T, c interface{ File() (*os.File, error) }) *os.File {
	t.Helper()
	file, err := c.File()
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(int(file.Fd()), false); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// newSocket returns a socket that is neither bound nor connected.
func newSocket(t *testing.T, domain, kind, protocol int) *os.File {
	t.Helper()
	fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, protocol)
	if err == unix.EPROTONOSUPPORT || err == unix.ENOPROTOOPT {
		t.Skip("needs MPTCP")
	}
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "socket")
	t.Cleanup(func() { file.Close() })
	return file
}

// inherit runs the probe with a file on stdin (fd 0) or beside the standard descriptors (fd 3).
func inherit(t *testing.T, path string, launcher []string, fd int, file *os.File, op ...string) run {
	t.Helper()
	argv := slices.Clone(launcher)
	if fd == 3 && len(launcher) > 0 {
		argv = append(argv, "--keep-fd", "3")
	}
	return start(t, path, append(append(argv, probePath), op...), func(cmd *exec.Cmd) {
		if fd == 0 {
			cmd.Stdin = file
		} else {
			cmd.ExtraFiles = []*os.File{file}
		}
	})
}

// A socket of TCP that was left open may connect to the ports that a new one may, and a connection stays.
func TestConnectKeptTCP(t *testing.T) {
	t.Parallel()
	needABI(t, firstPorts)
	first, other := count(t, "tcp", "127.0.0.1:0"), count(t, "tcp", "127.0.0.1:0")
	heard := listen(t, "tcp", "127.0.0.1:0")
	for _, fd := range []int{0, 3} {
		name := fmt.Sprint(fd)
		unconnected := func(path string, launcher []string, to *counter) (string, int) {
			r := inherit(t, path, launcher, fd, newSocket(t, unix.AF_INET, unix.SOCK_STREAM, 0), "dialKept", name, "tcp", to.addr)
			return strings.TrimSpace(r.stdout + r.stderr), to.count(t)
		}
		connected := func(path string, launcher []string) string {
			conn, err := net.Dial("tcp", heard.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			r := inherit(t, path, launcher, fd, fileOf(t, conn.(*net.TCPConn)), "writeKept", name, "kept")
			return strings.TrimSpace(r.stdout + r.stderr)
		}
		if got, n := unconnected(probePath, nil, other); got != "ok" || n != 1 {
			t.Fatalf("control: %s, counted %d", got, n)
		}
		if got := connected(probePath, nil); got != "ok" || heard.next(t) != "kept" {
			t.Fatalf("control: connected: %s", got)
		}
		eachBuild(t, func(t *testing.T, b *build) {
			launcher := []string{"snib", "--connect", first.port}
			if got, n := unconnected(b.path, launcher, other); got != "EACCES" || n != 0 {
				t.Errorf("descriptor %d: %s, counted %d", fd, got, n)
			}
			if got, n := unconnected(b.path, launcher, first); got != "ok" || n != 1 {
				t.Errorf("descriptor %d: the port: %s, counted %d", fd, got, n)
			}
			if got := connected(b.path, launcher); got != "ok" || heard.next(t) != "kept" {
				t.Errorf("descriptor %d: connected: %s", fd, got)
			}
		})
	}
}

// Any other socket that was left open, by which the command could get out or callers in, is a failure.
func TestConnectKeptOthers(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	needABI(t, firstPorts)
	pair := func(kind int) func(t *testing.T) *os.File {
		return func(t *testing.T) *os.File {
			fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			files := []*os.File{os.NewFile(uintptr(fds[0]), "pair"), os.NewFile(uintptr(fds[1]), "pair")}
			t.Cleanup(func() { files[0].Close(); files[1].Close() })
			return files[0]
		}
	}
	made := func(domain, kind, protocol int) func(t *testing.T) *os.File {
		return func(t *testing.T) *os.File { return newSocket(t, domain, kind, protocol) }
	}
	for name, c := range map[string]struct {
		socket func(t *testing.T) *os.File
		kept   bool
	}{
		"udp":               {made(unix.AF_INET, unix.SOCK_DGRAM, 0), false},
		"mptcp":             {made(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP), false},
		"netlink":           {made(unix.AF_NETLINK, unix.SOCK_RAW, 0), false},
		"unix datagram":     {made(unix.AF_UNIX, unix.SOCK_DGRAM, 0), false},
		"unix stream":       {made(unix.AF_UNIX, unix.SOCK_STREAM, 0), false},
		"unix seqpacket":    {made(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0), false},
		"pair of datagrams": {pair(unix.SOCK_DGRAM), false},
		"pair":              {pair(unix.SOCK_STREAM), true},
		"pair, seqpacket":   {pair(unix.SOCK_SEQPACKET), true},
		"listener": {func(t *testing.T) *os.File {
			file := os.NewFile(uintptr(rawListener(t, unix.SOCK_STREAM, scratch(t)+"/socket")), "listener")
			t.Cleanup(func() { file.Close() })
			return file
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, fd := range []int{0, 3} {
				for _, b := range builds {
					r := inherit(t, b.path, []string{"snib", "--connect", "9"}, fd, c.socket(t), "true")
					want := run{stdout: "ok\n"}
					if !c.kept {
						want = run{code: exitFailed, stderr: fmt.Sprintf("snib: error: descriptor %d is a socket that leads out of what the options allow\n"+
							"snib: hint: close it, or redirect it: %d<>/dev/null\n", fd, fd)}
					}
					if r != want {
						t.Errorf("%s: descriptor %d: %+v", b.name, fd, r)
					}
					// Not kept, or for a policy that it does not weaken, it is no matter.
					if r := inherit(t, b.path, []string{"snib"}, fd, c.socket(t), "true"); r != (run{stdout: "ok\n"}) {
						t.Errorf("%s: descriptor %d, no network: %+v", b.name, fd, r)
					}
					if fd == 3 {
						r := start(t, b.path, []string{"snib", "--connect", "9", probePath, "true"}, func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{c.socket(t)} })
						if r != (run{stdout: "ok\n"}) {
							t.Errorf("%s: not kept: %+v", b.name, r)
						}
					}
				}
			}
		})
	}
}

// An AF_UNIX socket that was left open and is not connected yet would reach other programs below ABI 9, where nothing but the filter keeps
// it inside, which has to allow connect for TCP's sake.
func TestConnectKeptUnix(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	dir := scratch(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	server := count(t, "unix", dir+"/socket")
	try := func(path string, launcher []string, fd int) (run, int) {
		r := inherit(t, path, launcher, fd, newSocket(t, unix.AF_UNIX, unix.SOCK_STREAM, 0), "connect", fmt.Sprint("fd", fd), server.addr, "message")
		return r, server.count(t)
	}
	for _, fd := range []int{0, 3} {
		if r, n := try(probePath, nil, fd); r.stdout != "ok\n" || n != 1 {
			t.Fatalf("control: %+v, counted %d", r, n)
		}
		eachBuild(t, func(t *testing.T, b *build) {
			for _, options := range [][]string{{"--network"}, {"--connect", "9"}, {"--network", "-w", dir}, {}} {
				if slices.Contains(options, "--connect") && kernelABI() < firstPorts {
					continue
				}
				if r, n := try(b.path, append([]string{"snib"}, options...), fd); n != 0 || r.stdout != "" && r.stdout != "EACCES\n" && r.stdout != "EPERM\n" {
					t.Errorf("%q: descriptor %d: %+v, counted %d", options, fd, r, n)
				}
			}
			if r, n := try(b.path, []string{"snib", "--network", "--unix", "/"}, fd); n != 0 || r.code != exitFailed {
				t.Errorf("--unix /: descriptor %d: %+v, counted %d", fd, r, n)
			}
		})
	}
}

// A peer of an AF_UNIX connection that was left open can pass any socket in. The hooks judge one of TCP, and from ABI 10 on one of UDP; the
// rest is as open as the peer makes it, which the documentation says.
func TestConnectPassed(t *testing.T) {
	t.Parallel()
	needABI(t, firstPorts)
	first, other, udp := count(t, "tcp", "127.0.0.1:0"), count(t, "tcp", "127.0.0.1:0"), count(t, "udp", "127.0.0.1:0")
	udpErrno := "ok"
	if kernelABI() >= 10 {
		udpErrno = "EACCES"
	}
	for _, c := range []struct {
		name           string
		kind, protocol int
		op             string
		to             *counter
		want           string
	}{
		{"tcp", unix.SOCK_STREAM, 0, "tcp", other, "EACCES"},
		{"tcp, the port", unix.SOCK_STREAM, 0, "tcp", first, "ok"},
		{"udp", unix.SOCK_DGRAM, 0, "udp sendto", udp, udpErrno},
		{"mptcp", unix.SOCK_STREAM, unix.IPPROTO_MPTCP, "mptcp", other, "ok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			passed := func(path string, launcher ...string) (string, int) {
				fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
				if err != nil {
					t.Fatal(err)
				}
				kept := os.NewFile(uintptr(fds[0]), "pair")
				defer kept.Close()
				defer unix.Close(fds[1])
				socket := newSocket(t, unix.AF_INET, c.kind, c.protocol)
				if err := unix.Sendmsg(fds[1], []byte("x"), unix.UnixRights(int(socket.Fd())), nil, 0); err != nil {
					t.Fatal(err)
				}
				r := inherit(t, path, launcher, 3, kept, "dialPassed", "3", c.op, c.to.addr)
				return strings.TrimSpace(r.stdout + r.stderr), c.to.count(t)
			}
			if got, n := passed(probePath); got != "ok" || n != 1 {
				t.Fatalf("control: %s, counted %d", got, n)
			}
			eachBuild(t, func(t *testing.T, b *build) {
				if got, n := passed(b.path, "snib", "--connect", first.port); got != c.want || (n == 1) != (c.want == "ok") {
					t.Errorf("%s, want %s; counted %d", got, c.want, n)
				}
			})
		})
	}
}

// What AF_UNIX is left for the command's own processes: pairs, and below ABI 9 nothing else. Nobody listens on any.
func TestConnectLocal(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	needABI(t, firstPorts)
	dir := scratch(t)
	datagrams := "EPERM"
	if kernelABI() >= confinesUnix {
		datagrams = "ok"
	}
	eachBuild(t, func(t *testing.T, b *build) {
		for _, c := range []struct {
			op   []string
			want string
		}{
			{[]string{"pairOf", fmt.Sprint(unix.SOCK_STREAM)}, "ok"},
			{[]string{"pairOf", fmt.Sprint(unix.SOCK_SEQPACKET)}, "ok"},
			{[]string{"pairOf", fmt.Sprint(unix.SOCK_DGRAM)}, datagrams},
			{[]string{"passFD"}, "ok"},
			{[]string{"serve", dir + "/socket"}, "EPERM"},
			{[]string{"serve", "@" + filepath.Base(dir)}, "EPERM"},
		} {
			if got := b.outcome(t, nil, c.op...); got != "ok" {
				t.Errorf("%q: control: %s", c.op, got)
			}
			os.Remove(dir + "/socket")
			if got := b.outcome(t, []string{"snib", "-w", dir, "--connect", "9"}, c.op...); got != c.want {
				t.Errorf("%q: %s, want %s", c.op, got, c.want)
			}
			os.Remove(dir + "/socket")
		}
	})
}

func TestConnectUsage(t *testing.T) {
	t.Parallel()
	eachBuild(t, func(t *testing.T, b *build) {
		const portHint = "snib: hint: a port is a number from 1 to 65535, of any host: --connect 80 --connect 443\n"
		const bothHint = "snib: hint: leave one of them out\n"
		bad := func(port string) string {
			return fmt.Sprintf("snib: error: %q is not a port number\n", port) + portHint
		}
		both := func(option string) string {
			return fmt.Sprintf("snib: error: option %q cannot be used: --network, --connect and --loopback exclude each other\n", option) + bothHint
		}
		for _, c := range []struct {
			args   []string
			stderr string
		}{
			{[]string{"--connect", "0"}, bad("0")},
			{[]string{"--connect=000"}, bad("--connect=000")},
			{[]string{"--connect", "65536"}, bad("65536")},
			{[]string{"--connect", "65616"}, bad("65616")},
			{[]string{"--connect", "4294967376"}, bad("4294967376")},
			{[]string{"--connect", "18446744073709551696"}, bad("18446744073709551696")},
			{[]string{"--connect", "-1"}, bad("-1")},
			{[]string{"--connect", "+80"}, bad("+80")},
			{[]string{"--connect", "0x50"}, bad("0x50")},
			{[]string{"--connect", "80 "}, bad("80 ")},
			{[]string{"--connect", "80,443"}, bad("80,443")},
			{[]string{"--connect", "http"}, bad("http")},
			{[]string{"--connect", ""}, bad("")},
			{[]string{"--connect="}, bad("--connect=")},
			{[]string{"--connect", "80", "--connect", "x"}, bad("x")},
			{[]string{"--network", "--connect", "80"}, both("--connect")},
			{[]string{"--connect", "80", "--network"}, both("--network")},
			{[]string{"--loopback", "--network"}, both("--network")},
			{[]string{"--network", "--loopback"}, both("--loopback")},
			{[]string{"--loopback", "--connect", "80"}, both("--connect")},
			{[]string{"--connect", "80", "--loopback"}, both("--loopback")},
			{[]string{"--connect", "80", "--as", "codex-linux-sandbox"}, "snib: error: option \"--connect\" cannot be used with --as\n" +
				"snib: hint: grant access with the helper's own options\n"},
		} {
			file := scratch(t) + "/file"
			argv := append(append([]string{"-w", filepath.Dir(file)}, c.args...), "--", probePath, "true")
			if c.args[len(c.args)-1] == "codex-linux-sandbox" {
				argv = argv[2:]
			}
			if r := b.snib(t, argv...); r.code != exitFailed || r.stdout != "" || r.stderr != c.stderr {
				t.Errorf("%q: %+v, want %q", c.args, r, c.stderr)
			}
		}
		if r := b.snib(t, "--connect"); r.code != exitFailed || !strings.Contains(r.stderr, "--connect") {
			t.Errorf("no value: %+v", r)
		}
		if abi := kernelABI(); abi > 0 && abi < firstPorts {
			want := run{code: exitFailed, stderr: fmt.Sprintf("snib: error: --connect needs Landlock ABI 4, which Linux has since 6.7; this kernel has ABI %d\nsnib: hint: --network opens all ports\n", abi)}
			if r := b.snib(t, "--connect", "80", "--", probePath, "true"); r != want {
				t.Errorf("%+v", r)
			}
		} else if abi == 0 {
			if r := b.snib(t, "--connect", "80", "--", probePath, "true"); r.code != exitFailed || r.stdout != "" {
				t.Errorf("%+v", r)
			}
		} else if r := b.snib(t, "--connect", "80", "--", probePath, "true"); r != (run{stdout: "ok\n"}) {
			t.Errorf("%+v", r)
		}
	})
}

// On a kernel whose Landlock knows no ports nothing is launched; from its first one on the rule is there.
func TestConnectABI(t *testing.T) {
	for abi := range 12 {
		argv := arguments(t, "snib", "--connect", "80", "--connect", "443", "--", probePath)
		var p policy
		if f := p.parse(argv); f.reason != noReason {
			t.Fatal(f)
		}
		r := rehearse(&p, argv, arguments(t), abi)
		want := failure{}
		switch {
		case abi == 0:
			want = failure{reason: noLandlock, errno: unix.ENOSYS}
		case abi < firstPorts:
			want = failure{reason: noPorts, arg: abi}
		}
		if r.failure != want {
			t.Errorf("ABI %d: %+v, want %+v", abi, r.failure, want)
		}
	}
}

// Programs that a caller lets out through a proxy alone: they reach an origin through it, by a name that only the proxy knows, and not
// by themselves.
func TestConnectPrograms(t *testing.T) {
	t.Parallel()
	needABI(t, firstPorts)
	asked := make(chan string, 64)
	repository := scratch(t)
	origin := serveWeb(t, func(target, via string) (int, string) {
		asked <- via
		if target == "/hello" {
			return 200, "hello\n"
		}
		path, _, _ := strings.Cut(target, "?")
		if file, is := strings.CutPrefix(path, "/repository/"); is {
			if content, err := os.ReadFile(repository + "/.git/" + file); err == nil {
				return 200, string(content)
			}
		}
		return 404, ""
	})
	proxy := serveWeb(t, func(target, _ string) (int, string) {
		if path, is := strings.CutPrefix(target, "http://origin.test"); is {
			if status, body, err := get(origin, path, "proxy"); err == nil {
				return status, body
			}
		}
		return 502, ""
	})
	_, port, err := net.SplitHostPort(proxy)
	if err != nil {
		t.Fatal(err)
	}
	dir := scratch(t)
	script := func(name, source string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}

	for name, c := range map[string]struct {
		tool string
		argv func(t *testing.T, tool, origin string) []string
		env  []string
		want string
	}{
		"curl": {tool: "curl", want: "hello\n", argv: func(t *testing.T, tool, origin string) []string {
			return []string{tool, "-sS", "-f", origin + "/hello"}
		}},
		"python": {tool: "python3", want: "hello\n", argv: func(t *testing.T, tool, origin string) []string {
			return []string{tool, "-c", "import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1]).read().decode())", origin + "/hello"}
		}},
		"node": {tool: "node", want: "hello\n", argv: func(t *testing.T, tool, origin string) []string {
			return []string{tool, script("get.js", `
const http = require("http"), url = new URL(process.argv[2]), proxy = process.env.http_proxy && new URL(process.env.http_proxy)
http.get(proxy ? { host: proxy.hostname, port: proxy.port, path: url.href, headers: { host: url.host } } : url, response => {
  if (response.statusCode != 200) process.exit(1)
  response.pipe(process.stdout)
}).on("error", error => { console.error(error.message); process.exit(1) })
`), origin + "/hello"}
		}},
		"git": {tool: "git", want: "committed\n", argv: func(t *testing.T, tool, origin string) []string {
			return []string{need(t, "sh"), "-c", `git clone -q "$1/repository" "$2" && cat "$2/file" && rm -r "$2"`, "sh", origin, dir + "/clone"}
		}},
		"Go": {want: "hello\n", argv: func(t *testing.T, tool, origin string) []string {
			return []string{rolePath("fetch"), origin + "/hello"}
		}},
		"Go that asks for MPTCP": {want: "hello\n", env: []string{"GODEBUG=multipathtcp=1"}, argv: func(t *testing.T, tool, origin string) []string {
			return []string{rolePath("fetch"), origin + "/hello"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			tool := ""
			if c.tool != "" {
				tool = need(t, c.tool)
			}
			if c.tool == "git" {
				commitFile(t, tool, repository)
			}
			fetch := func(launcher []string, proxied bool) (run, []string) {
				t.Helper()
				from := "http://origin.test"
				if !proxied {
					from = "http://" + origin
				}
				argv := append(slices.Clone(launcher), c.argv(t, tool, from)...)
				r := start(t, need(t, argv[0]), argv, func(cmd *exec.Cmd) {
					cmd.Dir = dir
					cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C"}, c.env...)
					if proxied {
						cmd.Env = append(cmd.Env, "http_proxy=http://"+proxy)
					}
				})
				var ways []string
				for len(asked) > 0 {
					ways = append(ways, <-asked)
				}
				return r, slices.Compact(ways)
			}
			if r, ways := fetch(nil, false); r.code != 0 || r.stdout != c.want || !slices.Equal(ways, []string{""}) {
				t.Fatalf("control: %+v, asked %q", r, ways)
			}
			if r, ways := fetch(nil, true); r.code != 0 || r.stdout != c.want || !slices.Equal(ways, []string{"proxy"}) {
				t.Fatalf("control, by the proxy: %+v, asked %q", r, ways)
			}
			for _, b := range builds {
				launcher := []string{b.path, "-w", dir, "--connect", port, "--"}
				if r, ways := fetch(launcher, false); r.code == 0 || r.stdout != "" || len(ways) != 0 {
					t.Errorf("%s: directly: %+v, asked %q", b.name, r, ways)
				}
				if r, ways := fetch(launcher, true); r.code != 0 || r.stdout != c.want || !slices.Equal(ways, []string{"proxy"}) {
					t.Errorf("%s: by the proxy: %+v, asked %q", b.name, r, ways)
				}
				other := []string{b.path, "-w", dir, "--connect", "9", "--"}
				if r, ways := fetch(other, true); r.code == 0 || r.stdout != "" || len(ways) != 0 {
					t.Errorf("%s: another port: %+v, asked %q", b.name, r, ways)
				}
			}
		})
	}
}

// commitFile makes a repository that git can clone from a server that only serves files.
func commitFile(t *testing.T, git, dir string) {
	t.Helper()
	if err := os.WriteFile(dir+"/file", []byte("committed\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"init", "-q"},
		{"add", "file"},
		{"-c", "user.name=A", "-c", "user.email=a@test", "commit", "-q", "-m", "A file"},
		{"update-server-info"},
	} {
		cmd := exec.Command(git, append([]string{"-C", dir}, args...)...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
}
