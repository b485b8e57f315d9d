package main

// Probes of sockets, of passing descriptors, of io_uring and of typing into a terminal.

import (
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

var networkProbes = map[string]func(args []string) error{
	"socket": func(a []string) error {
		fd, err := unix.Socket(atoi(a[0]), atoi(a[1]), 0)
		if err == nil {
			unix.Close(fd)
		}
		return err
	},
	"socketpair": func(a []string) error {
		_, err := unix.Socketpair(atoi(a[0]), atoi(a[1]), 0)
		return err
	},
	"connect": func(a []string) error {
		return reach(a, func(fd int, to unix.Sockaddr) error {
			if err := unix.Connect(fd, to); err != nil {
				return err
			}
			_, err := unix.Write(fd, []byte(a[2]))
			return err
		})
	},
	"sendto": func(a []string) error {
		return reach(a, func(fd int, to unix.Sockaddr) error { return unix.Sendto(fd, []byte(a[2]), 0, to) })
	},
	"sendmsg": func(a []string) error {
		return reach(a, func(fd int, to unix.Sockaddr) error { return unix.Sendmsg(fd, []byte(a[2]), nil, to, 0) })
	},
	"serve":          serve,
	"pair":           func([]string) error { return exchange() },
	"passFD":         func([]string) error { return passDescriptor() },
	"takeDescriptor": func(a []string) error { return takeDescriptor(atoi(a[0])) },
	"ioUring":        func([]string) error { return setUpRing() },
	"typing":         func(a []string) error { return typeInto(a[0]) },
	"openBoth":       func(a []string) error { return openAndClose(a[0], unix.O_RDWR) },
}

// reach makes a socket the way that args[0] names, and gives it to send with the address of args[1]: a path, an abstract
// name after "@", or host:port.
func reach(args []string, send func(fd int, to unix.Sockaddr) error) error {
	to := unix.Sockaddr(&unix.SockaddrUnix{Name: args[1]})
	domain := unix.AF_UNIX
	if addr, err := netip.ParseAddrPort(args[1]); err == nil {
		to, domain = &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}, unix.AF_INET
	}
	var fd int
	var err error
	switch args[0] {
	case "stream":
		fd, err = unix.Socket(domain, unix.SOCK_STREAM, 0)
	case "datagram":
		fd, err = unix.Socket(domain, unix.SOCK_DGRAM, 0)
	case "raw":
		fd, err = unix.Socket(domain, unix.SOCK_RAW, 0)
	case "seqpacket":
		fd, err = unix.Socket(domain, unix.SOCK_SEQPACKET, 0)
	case "pair":
		var pair [2]int
		pair, err = unix.Socketpair(domain, unix.SOCK_DGRAM, 0)
		fd = pair[0]
	default:
		_, err = fmt.Sscanf(args[0], "fd%d", &fd)
	}
	if err != nil {
		return err
	}
	return send(fd, to)
}

// serve listens at an address and is its own client.
func serve(a []string) error {
	server, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	addr := &unix.SockaddrUnix{Name: a[0]}
	if err := unix.Bind(server, addr); err != nil {
		return err
	}
	if err := unix.Listen(server, 1); err != nil {
		return err
	}
	client, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	if err := unix.Connect(client, addr); err != nil {
		return err
	}
	_, _, err = unix.Accept(server)
	return err
}

// exchange uses a socket pair by the calls that every mode allows.
func exchange() error {
	for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_SEQPACKET | unix.SOCK_CLOEXEC} {
		pair, err := unix.Socketpair(unix.AF_UNIX, kind, 0)
		if err != nil {
			return err
		}
		if _, err := unix.Write(pair[0], []byte("a")); err != nil {
			return err
		}
		if _, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(pair[0]), uintptr(unsafe.Pointer(unsafe.StringData("b"))), 1, 0, 0, 0); errno != 0 {
			return errno
		}
		got := make([]byte, 2)
		n, err := unix.Read(pair[1], got)
		if err != nil {
			return err
		}
		if n == 1 {
			if _, _, err := unix.Recvfrom(pair[1], got[1:], 0); err != nil {
				return err
			}
		}
		if string(got) != "ab" {
			return fmt.Errorf("read %q", got)
		}
	}
	return nil
}

// passDescriptor passes one over a socket pair (SCM_RIGHTS) and uses it.
func passDescriptor() error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	var pipe [2]int
	if err := unix.Pipe(pipe[:]); err != nil {
		return err
	}
	if err := unix.Sendmsg(pair[0], []byte("x"), unix.UnixRights(pipe[1]), nil, 0); err != nil {
		return err
	}
	fd, err := receiveDescriptor(pair[1])
	if err != nil {
		return err
	}
	if _, err := unix.Write(fd, []byte("y")); err != nil {
		return err
	}
	_, err = unix.Read(pipe[0], make([]byte, 1))
	return err
}

// receiveDescriptor returns the one that comes over a socket.
func receiveDescriptor(socket int) (fd int, err error) {
	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(socket, make([]byte, 1), control, 0)
	if err != nil {
		return -1, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		return -1, fmt.Errorf("%d control messages, %v", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return -1, err
	}
	return fds[0], nil
}

// takeDescriptor accepts a caller, and writes to the file that the caller passes.
func takeDescriptor(listener int) error {
	fd, _, err := unix.Accept(listener)
	if err != nil {
		return err
	}
	file, err := receiveDescriptor(fd)
	if err != nil {
		return err
	}
	_, err = unix.Write(file, []byte("changed"))
	return err
}

// setUpRing makes a ring of io_uring.
func setUpRing() error {
	var params [120]byte // struct io_uring_params (linux/io_uring.h)
	fd, _, errno := unix.RawSyscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)), 0)
	if errno != 0 {
		return errno
	}
	return unix.Close(int(fd))
}

// typeInto does one of the two ioctls that type into a terminal, on stdin. The kernel takes 32 bits of the request.
func typeInto(request string) error {
	return rawErrno(unix.SYS_IOCTL, 0, uintptr(atoi(request)), uintptr(unsafe.Pointer(unsafe.StringData("x"))), 0)
}
