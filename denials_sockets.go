package main

// Addresses of sockets: what a call names, whether anything is there, and whether Landlock or the network of --loopback denied it.

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// addressOf is the address that a call names, struct sockaddr. sendmsg has it in struct msghdr, which begins with the address and its length;
// of those of sendmmsg it is the first.
func addressOf(e *tracee) []byte {
	at, size := e.args[1], e.args[2]
	switch e.nr {
	case unix.SYS_SENDTO:
		at, size = e.args[4], e.args[5]
	case unix.SYS_SENDMSG, unix.SYS_SENDMMSG:
		header := peek(e.pid, e.args[1], 12)
		if len(header) < 12 {
			return nil
		}
		at, size = littleEndian(header[:8]), littleEndian(header[8:])
	}
	if at == 0 {
		return nil
	}
	const longest = 128 // sockaddr_storage
	return peek(e.pid, at, int(min(size&(1<<32-1), longest)))
}

// address fills in an address of a socket. It tells false where nothing is there that could answer: a socket's file, or its abstract name.
func (j *judge) address(e *tracee, who *identifiers, d *denial) bool {
	raw := addressOf(e)
	if len(raw) < 2 {
		return true
	}
	d.family = int(littleEndian(raw[:2]))
	port := func() int { return int(raw[2])<<8 | int(raw[3]) }
	switch {
	case d.family == unix.AF_UNIX:
		return j.unixAddress(e, who, d, raw[2:])
	case d.family == unix.AF_INET && len(raw) >= 8:
		d.port = port()
		d.loopback = raw[4] == 127
		for i, b := range raw[4:8] {
			if i > 0 {
				d.address += "."
			}
			d.address += strconv.Itoa(int(b))
		}
	case d.family == unix.AF_INET6 && len(raw) >= 24:
		d.port = port()
		a := raw[8:24]
		d.loopback = bytes.Equal(a, append(make([]byte, 15), 1)) || bytes.HasPrefix(a, append(make([]byte, 10), 0xff, 0xff, 127))
		d.address = "[" + longestZeros(a) + "]"
	default:
		return true
	}
	d.address += ":" + strconv.Itoa(d.port)
	d.served = d.loopback && isServed(strconv.Itoa(d.port))
	return true
}

// longestZeros writes an address of IPv6, with "::" for the longest run of zeros.
func longestZeros(a []byte) string {
	best, length := -1, 1
	for i := 0; i < 16; i += 2 {
		end := i
		for end < 16 && a[end] == 0 && a[end+1] == 0 {
			end += 2
		}
		if (end-i)/2 > length {
			best, length = i, (end-i)/2
		}
	}
	out := ""
	for i := 0; i < 16; i += 2 {
		if i == best {
			out += "::"
			i += 2*length - 2
			continue
		}
		if out != "" && !strings.HasSuffix(out, ":") {
			out += ":"
		}
		out += strconv.FormatUint(uint64(a[i])<<8|uint64(a[i+1]), 16)
	}
	return out
}

// unixAddress fills in an address of AF_UNIX.
func (j *judge) unixAddress(e *tracee, who *identifiers, d *denial, name []byte) bool {
	if len(name) == 0 {
		return true
	}
	if name[0] == 0 {
		d.address = "@" + string(bytes.TrimRight(name[1:], "\x00"))
		return d.action == actListen || hasAbstract(e.pid, d.address)
	}
	name, _, _ = bytes.Cut(name, []byte{0})
	v := viewOf(e.pid, who.process, unix.AT_FDCWD, string(name))
	defer v.close()
	there, allowed := false, false
	done := who.as(&j.own, func() {
		p, errno := v.resolve(d.action != actListen)
		if errno != 0 {
			return
		}
		there = true
		d.path, d.kind = p.path(), p.kind()
		if d.action == actListen {
			allowed = p.missing() && p.mayChange()
		} else {
			allowed = d.kind == pathSocket && permitted(p.object, unix.W_OK)
		}
		p.close()
	})
	return done && there && allowed
}

// hasAbstract tells whether a socket has an abstract name, as /proc shows it, with "@" for NUL. Some names it cannot show.
func hasAbstract(pid int, name string) bool {
	if strings.ContainsAny(name, " \n\x00") {
		return true
	}
	content, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/net/unix")
	return err != nil || bytes.Contains(content, []byte(" "+name+"\n"))
}

// socketActions are what calls with an address do.
var socketActions = map[uint64]action{
	unix.SYS_CONNECT: actConnect, unix.SYS_BIND: actListen, unix.SYS_SENDTO: actSend, unix.SYS_SENDMSG: actSend, unix.SYS_SENDMMSG: actSend,
}

// lacksAddress tells whether Landlock has denied an address: what d says of it is filled in.
func (j *judge) lacksAddress(e *tracee, who *identifiers, d *denial) bool {
	switch {
	case d.family == unix.AF_UNIX && d.path != "":
		name, _, _ := bytes.Cut(addressOf(e)[2:], []byte{0})
		v := viewOf(e.pid, who.process, unix.AT_FDCWD, string(name))
		defer v.close()
		p := place{object: -1, parent: -1}
		errno := syscall.Errno(unix.EPERM)
		who.as(&j.own, func() { p, errno = v.resolve(d.action != actListen) })
		if errno != 0 {
			return false
		}
		defer p.close()
		if d.action == actListen {
			return unix.LANDLOCK_ACCESS_FS_MAKE_SOCK&j.handled.Handled_access_fs&^j.rehearsal.granted(&p, true) != 0
		}
		return unix.LANDLOCK_ACCESS_FS_RESOLVE_UNIX&j.handled.Handled_access_fs&^j.rehearsal.granted(&p, false) != 0
	case d.family != unix.AF_INET && d.family != unix.AF_INET6 || j.handled.Handled_access_net == 0:
		return false
	}
	for _, port := range j.rehearsal.ports {
		if port == strconv.Itoa(d.port) && d.action != actListen {
			return false
		}
	}
	return true
}

// byLoopback tells whether there was no way to an address because --loopback is a network of its own.
func (j *judge) byLoopback(e *tracee, d *denial) bool {
	who, read := j.who(e.pid)
	if !read || j.policy.network != networkLoopback {
		return false
	}
	d.action = socketActions[e.nr]
	if d.action == 0 || !j.address(e, &who, d) {
		return false
	}
	if d.errno == unix.ECONNREFUSED {
		return d.served
	}
	return (d.family == unix.AF_INET || d.family == unix.AF_INET6) && !d.loopback && reachable(addressOf(e))
}

// reachable tells whether this machine knows a way to an address. Nothing is sent: to connect a socket of UDP is to choose a way.
func reachable(address []byte) bool {
	if len(address) < 16 {
		return false
	}
	fd, err := unix.Socket(int(littleEndian(address[:2])), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	_, _, errno := syscall.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&address[0])), uintptr(len(address)))
	return errno == 0
}
