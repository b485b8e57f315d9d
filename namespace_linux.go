package main

// Namespaces: a network that holds only a loopback interface, and paths that stay read-only by a mount. The process enters them
// itself: a user namespace takes a single thread (unshare(2)), and whoever may administer the system needs none. This file runs in
// the restricted context described at the head of launch_linux.go.

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// interfaceFlags is what SIOCSIFFLAGS takes of struct ifreq (netdevice(7)).
type interfaceFlags struct {
	name  [unix.IFNAMSIZ]byte
	flags uint16
	_     [22]byte
}

var _ = [1]struct{}{}[unsafe.Sizeof(interfaceFlags{})-40]

// namespaces is memory that the kernel reads.
var namespaces struct {
	attr     unix.MountAttr
	loopback interfaceFlags
	text     [64]byte
}

// enterNamespaces makes those that the policy asks for.
func (p *policy) enterNamespaces(argv, envp []*byte) failure {
	if p.protects {
		if f := p.judgeProtected(argv, envp); f.reason != noReason {
			return f
		}
	}
	uid, errno := result(systemCall(unix.SYS_GETEUID, 0, 0, 0, 0, 0))
	if errno != 0 {
		return failure{reason: mapFailed, errno: errno, arg: p.namespaceAt}
	}
	gid, errno := result(systemCall(unix.SYS_GETEGID, 0, 0, 0, 0, 0))
	if errno != 0 {
		return failure{reason: mapFailed, errno: errno, arg: p.namespaceAt}
	}
	if errno := capabilityCall(unix.SYS_CAPGET, &shared().capabilities); errno != 0 {
		return failure{reason: capabilitiesFailed, errno: errno}
	}
	flags, needed := uintptr(0), uint32(1<<unix.CAP_SYS_ADMIN)
	if p.protects {
		flags |= unix.CLONE_NEWNS
	}
	if p.network == networkLoopback {
		flags |= unix.CLONE_NEWNET
		needed |= 1 << unix.CAP_NET_ADMIN
	}
	if shared().capabilities[0].Effective&needed != needed {
		flags |= unix.CLONE_NEWUSER
	}
	if errno := exactlyZero(systemCall(unix.SYS_UNSHARE, flags, 0, 0, 0, 0)); errno != 0 {
		return failure{reason: namespaceFailed, errno: errno, arg: p.namespaceAt}
	}
	if flags&unix.CLONE_NEWUSER != 0 {
		if errno := mapUser(uid, gid); errno != 0 {
			return failure{reason: mapFailed, errno: errno, arg: p.namespaceAt}
		}
	}
	if p.protects {
		if f := p.mountProtected(); f.reason != noReason {
			return f
		}
	}
	if p.network == networkLoopback {
		if errno := raiseLoopback(); errno != 0 {
			return failure{reason: loopbackFailed, errno: errno, arg: p.namespaceAt}
		}
	}
	return failure{}
}

// mapUser keeps the caller's IDs in a new user namespace, and no others: a caller without privileges may map no more, once
// it has given up setting groups (user_namespaces(7)).
func mapUser(uid, gid int) syscall.Errno {
	errno := writeFile("/proc/self/setgroups\x00", copy(namespaces.text[:], "deny"))
	if errno == 0 {
		errno = writeFile("/proc/self/uid_map\x00", identityMap(uid))
	}
	if errno == 0 {
		errno = writeFile("/proc/self/gid_map\x00", identityMap(gid))
	}
	return errno
}

// identityMap puts "ID ID 1" into namespaces.text, and returns its length.
func identityMap(id int) int {
	text := namespaces.text[:]
	n := decimal(text, id)
	n += copy(text[n:], " ")
	n += decimal(text[n:], id)
	return n + copy(text[n:], " 1")
}

// writeFile writes n bytes of namespaces.text to a file.
func writeFile(name string, n int) syscall.Errno {
	fd, errno := result(openat(unix.AT_FDCWD, unsafe.StringData(name), unix.O_WRONLY))
	if errno != 0 {
		return errno
	}
	written, errno := result(systemCall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&namespaces.text)), uintptr(n), 0, 0))
	if errno == 0 && written != n {
		errno = unix.EIO
	}
	closeFD(fd)
	return errno
}

// raiseLoopback turns on the only interface of a new network namespace.
func raiseLoopback() syscall.Errno {
	fd, errno := result(systemCall(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0, 0, 0))
	if errno != 0 {
		return errno
	}
	namespaces.loopback = interfaceFlags{name: [unix.IFNAMSIZ]byte{'l', 'o'}, flags: unix.IFF_UP}
	errno = exactlyZero(systemCall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&namespaces.loopback)), 0, 0))
	closeFD(fd)
	return errno
}

// mountProtected makes the paths of --protect read-only. What is mounted is found by its absolute path, and so lies over what that
// leads to from then on.
func (p *policy) mountProtected() failure {
	before, errno := identityOf(unsafe.StringData(".\x00"))
	if errno != 0 {
		return failure{reason: cwdFailed, errno: errno, arg: p.namespaceAt}
	}
	// What is mounted here must not be mounted outside, where the root is shared.
	namespaces.attr = unix.MountAttr{Propagation: unix.MS_SLAVE}
	if errno := setMount(unix.AT_FDCWD, "/\x00", unix.AT_RECURSIVE); errno != 0 {
		return failure{reason: slaveFailed, errno: errno, arg: p.namespaceAt}
	}
	for i := range protecting.mounts[:protecting.count] {
		m := &protecting.mounts[i]
		fd, errno := m.open()
		if errno == 0 {
			errno = mountOnItself(fd, m.readOnly)
		}
		if errno != 0 {
			return failure{reason: mountFailed, errno: errno, arg: m.arg}
		}
		closeFD(fd)
	}
	return p.enterDirectory(&before)
}

// enterDirectory enters the working directory anew: the process is still in the one of before, which may be beneath a mount now.
func (p *policy) enterDirectory(before *identity) failure {
	path := uintptr(unsafe.Pointer(&shared().path))
	_, errno := result(systemCall(unix.SYS_GETCWD, path, unsafe.Sizeof(shared().path), 0, 0, 0))
	if errno == 0 && shared().path[0] != '/' {
		errno = unix.ENOENT // "(unreachable)" (getcwd(3))
	}
	if errno == 0 {
		errno = exactlyZero(systemCall(unix.SYS_CHDIR, path, 0, 0, 0, 0))
	}
	after := identity{}
	if errno == 0 {
		after, errno = identityOf(unsafe.StringData(".\x00"))
	}
	if errno == 0 && !after.is(before) {
		errno = unix.ESTALE // something is mounted over it
	}
	if errno != 0 {
		return failure{reason: cwdFailed, errno: errno, arg: p.namespaceAt}
	}
	return failure{}
}

// mountOnItself mounts a clone of a file or directory, with what is mounted beneath it, onto it.
func mountOnItself(fd int, readOnly bool) syscall.Errno {
	empty := uintptr(unsafe.Pointer(unsafe.StringData("\x00")))
	const clone = unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | unix.AT_RECURSIVE | unix.AT_EMPTY_PATH
	tree, errno := result(systemCall(unix.SYS_OPEN_TREE, uintptr(fd), empty, clone, 0, 0))
	if errno != 0 {
		return errno
	}
	if readOnly {
		// Private: what is mounted outside later, beneath it, would be writable here.
		namespaces.attr = unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY, Propagation: unix.MS_PRIVATE}
		errno = setMount(tree, "\x00", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE)
	}
	if errno == 0 {
		errno = exactlyZero(systemCall(unix.SYS_MOVE_MOUNT, uintptr(tree), empty, uintptr(fd), empty,
			unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH))
	}
	closeFD(tree)
	return errno
}

// setMount gives a mount, or with AT_RECURSIVE also what is mounted beneath it, the attributes in namespaces.attr.
func setMount(dir int, name string, flags uintptr) syscall.Errno {
	return exactlyZero(systemCall(unix.SYS_MOUNT_SETATTR, uintptr(dir), uintptr(unsafe.Pointer(unsafe.StringData(name))), flags,
		uintptr(unsafe.Pointer(&namespaces.attr)), unsafe.Sizeof(namespaces.attr)))
}
