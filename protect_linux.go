package main

// What --protect names: found, with the directories above it that are to be mounted too, and judged. This file runs in the
// restricted context described at the head of launch_linux.go.

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mountPoint is a file or directory that is mounted onto itself: what --protect names, read-only, and every directory between that
// and the highest writable path above it, which could otherwise be renamed and made anew. A mount point cannot.
type mountPoint struct {
	identity
	fd       int // on a way alone
	readOnly bool
}

// protecting is what is to be mounted, and then what is. Memory that the kernel reads or writes is in it, too.
var protecting struct {
	mounts [64]mountPoint
	count  int
	way    [256]mountPoint // what a path leads to, and the directories above it
	how    unix.OpenHow
	link   [32]byte
}

// judgeProtected judges the paths of --protect, and the descriptors that stay open. Where those lead, only the namespace tells
// that they come from.
func (p *policy) judgeProtected(argv, envp []*byte) failure {
	protecting.count = 0
	if errno := findRoot(); errno != 0 {
		return failure{reason: protectFailed, errno: errno, arg: p.namespaceAt}
	}
	for value, next := p.nextOwn(argv, optProtect, 0); next != 0; value, next = p.nextOwn(argv, optProtect, next) {
		top, f := p.findProtected(value, next-1, argv, envp)
		if f.reason != noReason {
			return f
		}
		forgetWay(top)
		if errno := enterMount(&protecting.way[0], true); errno != 0 {
			setPath(value)
			return failure{reason: protectFailed, errno: errno, arg: next - 1}
		}
	}
	return p.keptInside(argv)
}

// forgetWay closes the descriptors of a way, as far as they are open.
func forgetWay(top int) {
	for i := range protecting.way[:top] {
		closeFD(protecting.way[i].fd)
	}
}

// findProtected finds what a path leads to and the directories above it, in protecting.way, and returns the index of the highest
// that is a writable path. The caller owns the descriptors of those before that.
func (p *policy) findProtected(name string, arg int, argv, envp []*byte) (top int, f failure) {
	way, length := &protecting.way, 0
	fd, up, errno := p.resolve(name, argv, envp)
	for way[0].fd = fd; errno == 0; {
		m := &way[length]
		if m.identity, _, errno = identify(m.fd); errno != 0 {
			break
		}
		if length > 0 && m.identity == way[length-1].identity {
			if m.identity != finding.root {
				errno = unix.ESTALE // as in enterWay
			}
			closeFD(m.fd) // the root is above itself
			break
		}
		if length++; length == len(way) {
			errno = unix.E2BIG
		} else if length == 1 {
			way[1].fd = up
		} else {
			way[length].fd, errno = result(openat(m.fd, unsafe.StringData("..\x00"), unix.O_PATH|unix.O_DIRECTORY))
		}
	}
	if errno == 0 {
		top, f = p.writableAbove(way[:length], argv, envp)
	}
	if errno != 0 || f.reason == protectFailed || f.reason == protectUnwritable {
		setPath(name)
	}
	if errno != 0 {
		return 0, failure{reason: protectFailed, errno: errno, arg: arg}
	}
	f.arg = arg
	if f.reason == noReason {
		for i := top; i < length; i++ {
			closeFD(way[i].fd)
		}
	}
	return top, f
}

// resolve returns descriptors of what a path leads to, and of the directory that this is in. The caller owns both. ELOOP: it has a
// symbolic link, which the command could make lead elsewhere. Those in the name of the only writable path, where that is what the path
// begins with, are followed.
func (p *policy) resolve(name string, argv, envp []*byte) (fd, up int, errno syscall.Errno) {
	rest, count := name, 0
	var base *byte
	for c := (pathCursor{}); ; {
		top, use := p.nextPath(&c, argv, envp, shared.path[:])
		if top == nil {
			break
		}
		if !use.writable() {
			continue
		}
		count++
		if after := beneath(name, text(top)); after != "" && use == namedRoot {
			base, rest = top, after
		}
	}
	dir := unix.AT_FDCWD
	if count == 1 && base != nil {
		if dir, errno = result(openat(unix.AT_FDCWD, base, unix.O_PATH)); errno != 0 {
			return -1, -1, errno
		}
	} else {
		rest = name
	}
	up = -1
	kind := uint16(0)
	if fd, errno = openat2(dir, unsafe.StringData(rest)); errno == 0 {
		_, kind, errno = identify(fd)
	}
	switch {
	case errno != 0:
	case kind == unix.S_IFDIR:
		up, errno = result(openat(fd, unsafe.StringData("..\x00"), unix.O_PATH|unix.O_DIRECTORY))
	default:
		setPath(rest)
		end := len(rest) - len(baseName(rest))
		shared.path[end] = 0
		above := &shared.path[0]
		if end == 0 {
			above = unsafe.StringData(".\x00")
		}
		up, errno = openat2(dir, above)
	}
	if dir >= 0 {
		closeFD(dir)
	}
	return fd, up, errno
}

// openat2 opens a path without symbolic links, for nothing but its descriptor. A path of PATH_MAX or more is ENAMETOOLONG.
func openat2(dir int, name *byte) (fd int, errno syscall.Errno) {
	how := &protecting.how
	*how = unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	return result(systemCall(unix.SYS_OPENAT2, uintptr(dir), uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(how)), unsafe.Sizeof(*how), 0))
}

// beneath returns what follows a directory in the text of a path, from a name on; "": it does not begin with that directory.
func beneath(name, dir string) string {
	n := len(dir)
	if dir == "." {
		n = 0
	}
	switch {
	case dir == "" || len(name) < n || name[:n] != dir[:n]:
		return ""
	case n == 0 && name[0] == '/', n > 0 && dir[n-1] != '/' && (len(name) == n || name[n] != '/'):
		return ""
	}
	for n < len(name) && name[n] == '/' {
		n++
	}
	return name[n:]
}

// writableAbove returns the index of the highest directory on a way that is a writable path. Nothing at or beneath the way's start
// may be writable: protectWritable.
func (p *policy) writableAbove(way []mountPoint, argv, envp []*byte) (top int, f failure) {
	for c := (pathCursor{}); ; {
		name, use := p.nextPath(&c, argv, envp, shared.path[:])
		switch {
		case name == nil && top == 0:
			return 0, failure{reason: protectUnwritable}
		case name == nil:
			return top, failure{}
		case !use.writable():
			continue
		}
		at, inside, errno := meets(way, text(name))
		if errno != 0 {
			opened, why := result(openat(unix.AT_FDCWD, name, unix.O_PATH))
			if opened >= 0 {
				closeFD(opened)
			}
			if why != 0 && use == devPath && !exhausted(why) {
				continue // nothing is granted there
			}
			if errno == unix.EXDEV {
				return 0, failure{reason: protectFailed, errno: errno}
			}
			setPath(text(name))
			if why != 0 {
				return 0, failure{reason: missingPath, errno: why}
			}
			return 0, failure{reason: openFailed, errno: errno}
		}
		if inside {
			setPath(text(name))
			return 0, failure{reason: protectWritable}
		}
		top = max(top, at)
	}
}

// meets returns the index of a directory on a way, above its start, that a path leads to; 0: there is none; or that
// the path leads to the start of the way, or beneath it. ENOENT: it leads nowhere; EXDEV: to another mount of such a directory.
func meets(way []mountPoint, name string) (at int, inside bool, errno syscall.Errno) {
	fd, dir, errno := find(name)
	if errno == 0 && fd < 0 {
		errno = unix.ENOENT
	}
	for first, last := true, (identity{}); errno == 0 && fd >= 0; first = false {
		id, up := identity{}, -1
		id, _, errno = identify(fd)
		for i := range way {
			if errno == 0 && first && way[i].is(&id) {
				if at = i; way[i].identity != id {
					errno = unix.EXDEV
				}
			}
		}
		inside = inside || errno == 0 && way[0].is(&id)
		if errno == 0 && at == 0 && !inside && id != last {
			up = dir
			dir, errno = result(openat(up, unsafe.StringData("..\x00"), unix.O_PATH|unix.O_DIRECTORY))
		} else if errno == 0 && id == last && id != finding.root {
			errno = unix.ESTALE // as in enterWay
		}
		closeFD(fd)
		fd, last = up, id
	}
	if dir >= 0 {
		closeFD(dir)
	}
	return at, inside, errno
}

// enterMount enters a mount point, which may be known already.
func enterMount(m *mountPoint, readOnly bool) syscall.Errno {
	if isMounted(&m.identity, readOnly) {
		return 0
	}
	if protecting.count == len(protecting.mounts) {
		return unix.E2BIG
	}
	protecting.mounts[protecting.count] = mountPoint{identity: m.identity, readOnly: readOnly}
	protecting.count++
	return 0
}

// isMounted tells whether a file is a mount point that was entered, in whatever mount; or one that is read-only.
func isMounted(id *identity, readOnly bool) bool {
	for i := range protecting.mounts[:protecting.count] {
		if m := &protecting.mounts[i]; m.is(id) && (m.readOnly || !readOnly) {
			return true
		}
	}
	return false
}

// keptInside fails if a descriptor that stays open is a directory, or a file at or beneath a path of --protect: it leads to
// what is beneath the mount.
func (p *policy) keptInside(argv []*byte) failure {
	for fd := range 3 {
		if leadsInside(fd) {
			return failure{reason: keptInside, arg: fd}
		}
	}
	for fd, _ := p.nextKept(argv, 3); fd >= 0; fd, _ = p.nextKept(argv, fd+1) {
		if fd != p.statusFD && leadsInside(fd) {
			return failure{reason: keptInside, arg: fd}
		}
	}
	return failure{}
}

// leadsInside tells whether a descriptor is a directory, or a file at or beneath a path of --protect, by where it says that it is. A
// regular file of which that cannot be told counts as one.
func leadsInside(fd int) bool {
	id, kind, errno := identify(fd)
	switch {
	case errno == unix.EBADF:
		return false
	case errno != 0 || kind == unix.S_IFDIR || isMounted(&id, true):
		return true
	case kind == unix.S_IFCHR || kind == unix.S_IFBLK || finding.stat.Nlink == 0:
		return false // writing to it changes no directory
	}
	link, path := protecting.link[:], shared.path[:]
	n := copy(link, "/proc/self/fd/")
	n += decimal(link[n:], fd)
	link[n] = 0
	cwd := unix.AT_FDCWD
	end, errno := result(systemCall(unix.SYS_READLINKAT, uintptr(cwd), uintptr(unsafe.Pointer(&link[0])), uintptr(unsafe.Pointer(&path[0])), uintptr(len(path)-1), 0))
	doubtful := kind == unix.S_IFREG // what else there is has no contents there
	if errno != 0 || uint(end) >= uint(len(path)-1) {
		return doubtful
	}
	if path[0] != '/' {
		return false // it is in no file system that is mounted
	}
	for at := end; at > 0; {
		path[at] = 0
		found, errno := identityOf(&path[0])
		switch {
		case errno == 0 && isMounted(&found, true):
			return true
		case errno == 0 && at == end && !found.is(&id), errno != 0 && errno != unix.EACCES:
			return doubtful
		}
		for at--; at > 0 && path[at] != '/'; at-- {
		}
	}
	return false
}

// decimal writes a number that is not negative into buf, and returns its length.
func decimal(buf []byte, number int) int {
	var digits [20]byte
	first := len(digits)
	for {
		first--
		digits[first] = '0' + byte(number%10)
		if number /= 10; number == 0 || first == 0 {
			return copy(buf, digits[first:])
		}
	}
}
