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
	start, length int // of its absolute path in protecting.text
	arg           int // index of the word that names it, or something beneath it
	readOnly      bool
}

// step is what a path leads to, or a directory above that.
type step struct {
	identity
	fd, length int
}

// protecting is what is to be mounted, a directory before what lies beneath it. Memory that the kernel reads or writes is in it, too.
var protecting struct {
	mounts      [64]mountPoint
	count, used int // how much there is of mounts and text
	way         [256]step
	name        [unix.PathMax]byte // a writable path: find uses shared().path
	text        [64 << 10]byte
}

// judgeProtected judges the paths of --protect, and the descriptors that stay open, and enters what is to be mounted. It does so
// before anything is: from then on a relative path, and a descriptor, lead to what lies beneath the mounts.
func (p *policy) judgeProtected(argv, envp []*byte) failure {
	protecting.count, protecting.used = 0, 0
	if errno := findRoot(); errno != 0 {
		return failure{reason: protectFailed, errno: errno, arg: p.namespaceAt}
	}
	for value, next := p.nextOwn(argv, optProtect, 0); next != 0; value, next = p.nextOwn(argv, optProtect, next) {
		if f := p.findProtected(value, next-1, argv, envp); f.reason != noReason {
			return f
		}
	}
	return p.keptInside(argv)
}

// findProtected finds what a path leads to and the directories above it, in protecting.way, and enters those that are to be mounted.
func (p *policy) findProtected(name string, arg int, argv, envp []*byte) (f failure) {
	way, length, top := &protecting.way, 0, 0
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
	why := protectFailed
	if errno == 0 && f.reason == noReason {
		errno, why = enterMounts(way[:top], arg)
		for i := range way[:length] {
			closeFD(way[i].fd)
		}
	}
	if errno != 0 || f.reason == protectFailed || f.reason == protectUnwritable {
		setPath(name)
	}
	if errno != 0 {
		return failure{reason: why, errno: errno, arg: arg}
	}
	f.arg = arg
	return f
}

// enterMounts enters the mount points on a way by their absolute paths, the highest first. That of the way's start, without its last
// names, is that of the directories above it.
func enterMounts(way []step, arg int) (errno syscall.Errno, why reason) {
	start := protecting.used
	path := protecting.text[start:]
	if len(path) < unix.PathMax {
		return unix.E2BIG, protectFailed
	}
	n, errno := pathOf(way[0].fd, path[:unix.PathMax])
	if errno != 0 {
		return errno, protectUnplaced
	}
	id, errno := identityOf(&path[0])
	if errno == 0 && id != way[0].identity {
		errno = unix.ESTALE // something is mounted over it, or it was removed
	}
	after, count := start+n+1, protecting.count
	for i := range way {
		way[i].length = n
		for n > 0 && path[n-1] != '/' {
			n--
		}
		if n--; n <= 0 && i+1 < len(way) && errno == 0 {
			errno = unix.ESTALE
		}
	}
	if errno != 0 {
		return errno, protectUnplaced
	}
	for i := len(way) - 1; i >= 0; i-- {
		if errno = enterMount(mountPoint{way[i].identity, start, way[i].length, arg, i == 0}); errno != 0 {
			return errno, protectFailed
		}
	}
	if protecting.count > count {
		protecting.used = after
	}
	return 0, noReason
}

// resolve returns descriptors of what a path leads to, and of the directory that this is in. The caller owns both. ELOOP: it has a
// symbolic link, which the command could make lead elsewhere. Those in the name of the only writable path, where that is what the path
// begins with, are followed.
func (p *policy) resolve(name string, argv, envp []*byte) (fd, up int, errno syscall.Errno) {
	rest, count := name, 0
	var base *byte
	for c := (pathCursor{}); ; {
		top, use := p.nextPath(&c, argv, envp, protecting.name[:])
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
		shared().path[end] = 0
		above := &shared().path[0]
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
func (p *policy) writableAbove(way []step, argv, envp []*byte) (top int, f failure) {
	for c := (pathCursor{}); ; {
		name, use := p.nextPath(&c, argv, envp, protecting.name[:])
		switch {
		case name == nil && top == 0:
			return 0, failure{reason: protectUnwritable}
		case name == nil:
			return top, failure{}
		case !use.writable():
			continue
		}
		opened, why := result(openat(unix.AT_FDCWD, name, unix.O_PATH))
		if why == 0 && use == devPath {
			why = exceptRoot(opened)
		}
		if why != 0 && use == devPath && !exhausted(why) {
			continue // nothing is granted there
		}
		at, inside, errno := 0, false, why
		if why == 0 {
			closeFD(opened)
			at, inside, errno = meets(way, text(name))
		}
		switch {
		case errno == unix.EXDEV:
			return 0, failure{reason: protectFailed, errno: errno}
		case errno != 0:
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
func meets(way []step, name string) (at int, inside bool, errno syscall.Errno) {
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

// path is the absolute path of a mount point.
func (m *mountPoint) path() string { return unsafe.String(&protecting.text[m.start], m.length) }

// enterMount enters a mount point, which may be known already. It is told by its path: one file has several by hard links or mounts.
func enterMount(m mountPoint) syscall.Errno {
	for i := range protecting.mounts[:protecting.count] {
		if known := &protecting.mounts[i]; known.path() == m.path() {
			known.readOnly = known.readOnly || m.readOnly
			return 0
		}
	}
	if protecting.count == len(protecting.mounts) {
		return unix.E2BIG
	}
	protecting.mounts[protecting.count] = m
	protecting.count++
	return 0
}

// open opens a mount point by its path, which leads through the mounts above it. ESTALE: something else is there.
func (m *mountPoint) open() (fd int, errno syscall.Errno) {
	path := protecting.text[m.start : m.start+m.length+1]
	after := path[m.length]
	path[m.length] = 0
	fd, errno = openat2(unix.AT_FDCWD, &path[0])
	path[m.length] = after
	id := identity{}
	if errno == 0 {
		id, _, errno = identify(fd)
	}
	if errno == 0 && !id.is(&m.identity) {
		errno = unix.ESTALE
	}
	return fd, errno
}

// isProtected tells whether a file is one of --protect, in whatever mount.
func isProtected(id *identity) bool {
	for i := range protecting.mounts[:protecting.count] {
		if m := &protecting.mounts[i]; m.readOnly && m.is(id) {
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
	case errno != 0 || kind == unix.S_IFDIR || isProtected(&id):
		return true
	case kind == unix.S_IFCHR || kind == unix.S_IFBLK || finding.stat.Nlink == 0:
		return false // writing to it changes no directory
	}
	path := shared().path[:]
	end, errno := pathOf(fd, path)
	doubtful := kind == unix.S_IFREG // what else there is has no contents there
	if errno != 0 {
		return doubtful
	}
	if path[0] != '/' {
		return false // it is in no file system that is mounted
	}
	for at := end; at > 0; {
		path[at] = 0
		found, errno := identityOf(&path[0])
		switch {
		case errno == 0 && isProtected(&found):
			return true
		case errno == 0 && at == end && !found.is(&id), errno != 0 && errno != unix.EACCES:
			return doubtful
		}
		for at--; at > 0 && path[at] != '/'; at-- {
		}
	}
	return false
}
