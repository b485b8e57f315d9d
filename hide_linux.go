package main

// Hiding: Landlock can only grant, so a policy that hides paths grants reading not beneath a directory that leads to one, but
// beneath every entry of every directory on the way down, other than what is hidden and what leads on to it. A rule is about an
// inode: files are told apart by what the kernel says they are, never by their names. Another name of what is hidden, by a hard link
// or another mount elsewhere, stays readable. This file runs in the restricted context described at the head of launch_linux.go.

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// identity is which file a descriptor refers to, and in which mount.
type identity struct{ dev, ino, mount uint64 }

// is tells whether two are one inode, in whatever mounts.
func (f *identity) is(other *identity) bool { return f.dev == other.dev && f.ino == other.ino }

// node is something hidden, or a directory above it.
type node struct {
	identity
	fd      int // held open, so that the inode keeps its number
	up      int // index of the directory above; -1: there is none
	arg     int // index of the word that hides it, or something beneath it
	hidden  bool
	implied bool // nobody asked for it
	met     bool // it was among the entries of the directory above
}

// hiding is what the policy hides. Memory that the kernel writes to is in it, too.
var hiding struct {
	nodes   [256]node
	count   int
	entries bool // those of a directory are being granted
	stat    unix.Statx_t
	listing [8192]byte
}

// openIn opens a name in a directory; the caller owns the descriptor.
func openIn(dir int, name *byte, flags uintptr) (fd int, errno syscall.Errno) {
	return result(systemCall(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(name)), flags|unix.O_CLOEXEC, 0, 0))
}

// identify asks nothing of the server of a file system, which may never answer.
func identify(fd int) (id identity, kind uint16, errno syscall.Errno) {
	const flags = unix.AT_EMPTY_PATH | unix.AT_NO_AUTOMOUNT | unix.AT_STATX_DONT_SYNC
	const mask = unix.STATX_TYPE | unix.STATX_INO | unix.STATX_MNT_ID
	s := &hiding.stat
	s.Mask = 0
	errno = exactlyZero(systemCall(unix.SYS_STATX, uintptr(fd), uintptr(unsafe.Pointer(unsafe.StringData("\x00"))), flags, mask,
		uintptr(unsafe.Pointer(s))))
	if errno == 0 && s.Mask&mask != mask {
		errno = unix.EPROTO
	}
	return identity{uint64(s.Dev_major)<<32 | uint64(s.Dev_minor), s.Ino, s.Mnt_id}, s.Mode & unix.S_IFMT, errno
}

// find returns a descriptor of what a path leads to. Where that is no directory, dir is the one that it is in, after symbolic links;
// otherwise -1. Where there is nothing, fd is -1 and dir is the deepest directory that exists. The caller owns both.
func find(name string) (fd, dir int, errno syscall.Errno) {
	fd, errno = result(openAt(unsafe.StringData(name), unix.O_PATH))
	var id identity
	switch {
	case errno == 0:
		kind := uint16(0)
		if id, kind, errno = identify(fd); errno == 0 && kind == unix.S_IFDIR {
			return fd, -1, 0
		}
	case errno == unix.ENOENT:
		errno = 0
	}
	if errno == 0 {
		dir, errno = findAbove(name, fd >= 0, id)
	}
	if errno != 0 {
		if fd >= 0 {
			closeFD(fd)
		}
		return -1, -1, errno
	}
	return fd, dir, 0
}

// findAbove follows the symbolic links at the end of a path, and returns the directory that the file id is in; or, if nothing
// exists there, the deepest directory that does. The text of a link in /proc need not lead to where the link does: ESTALE.
func findAbove(name string, exists bool, id identity) (dir int, errno syscall.Errno) {
	path := shared.path[:]
	if len(name) >= len(path) {
		return -1, unix.ENAMETOOLONG
	}
	end := copy(path, name)
	dir = unix.AT_FDCWD
	for range 41 { // as many links as the kernel follows, and what the last leads to
		above, start, errno := cut(dir, end, exists)
		if errno != 0 {
			return -1, errno
		}
		if dir >= 0 {
			closeFD(dir)
		}
		dir = above
		fd, errno := openIn(dir, &path[start], unix.O_PATH|unix.O_NOFOLLOW)
		if errno == unix.ENOENT && !exists {
			return dir, 0
		}
		if errno != 0 {
			return -1, errno
		}
		found, kind, errno := identify(fd)
		if errno == 0 && kind == unix.S_IFLNK {
			end, errno = result(systemCall(unix.SYS_READLINKAT, uintptr(fd), uintptr(unsafe.Pointer(unsafe.StringData("\x00"))),
				uintptr(unsafe.Pointer(&path[0])), uintptr(len(path)-1), 0))
			if errno == 0 && uint(end) >= uint(len(path)-1) {
				errno = unix.ENAMETOOLONG
			}
		} else if errno == 0 && exists && found == id {
			closeFD(fd)
			return dir, 0
		} else if errno == 0 {
			errno = unix.ESTALE
		}
		closeFD(fd)
		if errno != 0 {
			return -1, errno
		}
		path[end] = 0
	}
	return -1, unix.ELOOP
}

// cut opens the directory of a path's last name, or, if nothing exists, of the first name that does not. That starts at start.
func cut(dir, end int, exists bool) (above, start int, errno syscall.Errno) {
	path := shared.path[:]
	for {
		for end > 0 && path[end-1] == '/' {
			end--
		}
		for start = end; start > 0 && path[start-1] != '/'; start-- {
		}
		path[end] = 0
		last := text(&path[start])
		if last == ".." || last == "" {
			return -1, 0, unix.ENOENT // it is not known where that would lead
		}
		if last != "." {
			name, first := &path[0], path[start]
			if path[start] = 0; start == 0 {
				name = unsafe.StringData(".\x00")
			}
			above, errno = openIn(dir, name, unix.O_PATH|unix.O_DIRECTORY)
			path[start] = first
			if errno != unix.ENOENT || exists {
				return above, start, errno
			}
		}
		end = start
	}
}

// enter takes a descriptor of something hidden, or of what leads to it, and returns its node, which may be known already.
func enter(fd int, n node) (at int, known bool, errno syscall.Errno) {
	if n.identity, _, errno = identify(fd); errno != 0 {
		return 0, false, errno
	}
	for i := range hiding.nodes[:hiding.count] {
		if old := &hiding.nodes[i]; old.identity == n.identity {
			closeFD(fd)
			old.hidden = old.hidden || n.hidden
			return i, true, 0
		}
	}
	if at = hiding.count; at >= len(hiding.nodes) {
		return 0, false, unix.E2BIG
	}
	n.fd, n.up = fd, -1
	hiding.nodes[at] = n
	hiding.count++
	return at, false, 0
}

// conceal enters what a path leads to, and every directory above it.
func conceal(name string, n node) failure {
	fd, dir, errno := find(name)
	if errno != 0 {
		return failure{reason: hideFailed, errno: errno, arg: n.arg}
	}
	at, known := -1, false
	if fd >= 0 {
		n.hidden = true
		if at, known, errno = enter(fd, n); errno != 0 {
			return failure{reason: hideFailed, errno: errno, arg: n.arg}
		}
	}
	if known && dir >= 0 {
		closeFD(dir)
	}
	hidden := at
	n.hidden = false
	for up := dir; !known; up = -1 {
		if up < 0 {
			if up, errno = openIn(hiding.nodes[at].fd, unsafe.StringData("..\x00"), unix.O_PATH|unix.O_DIRECTORY); errno != 0 {
				return failure{reason: hideFailed, errno: errno, arg: n.arg}
			}
		}
		above := 0
		if above, known, errno = enter(up, n); errno != 0 {
			return failure{reason: hideFailed, errno: errno, arg: n.arg}
		}
		if above == at {
			break // the root is above itself
		}
		if at >= 0 {
			hiding.nodes[at].up = above
		}
		at = above
	}
	if hidden >= 0 && hiding.nodes[hidden].up < 0 {
		return failure{reason: hidesRoot, arg: n.arg}
	}
	return failure{}
}

// findHidden finds what the policy hides. For root /dev is part of it, and the devices of baseSystem stand in its place: what is on
// a disk can be read from the disk.
func (p *policy) findHidden(argv []*byte) failure {
	hiding.count, hiding.entries = 0, false
	for value, next := p.nextOwn(argv, optHide, 0); next != 0; value, next = p.nextOwn(argv, optHide, next) {
		if f := conceal(value, node{arg: next - 1}); f.reason != noReason {
			setPath(value)
			return f
		}
	}
	uid, errno := result(systemCall(unix.SYS_GETEUID, 0, 0, 0, 0, 0))
	if errno != 0 || uid == 0 {
		if f := conceal("/dev\x00"[:len("/dev")], node{implied: true}); f.reason != noReason {
			setPath("/dev")
			return f
		}
		p.devices = !p.restrictReads
	}
	return failure{}
}

// forgetHidden closes what findHidden has left open.
func forgetHidden() {
	for i := range hiding.nodes[:hiding.count] {
		closeFD(hiding.nodes[i].fd)
	}
	hiding.count = 0
}

// aroundHidden decides what the rule on a path of the policy may allow: access, where the path has nothing to do with what is hidden;
// 0, where it is hidden; and listing, where it leads to something hidden. Then it grants reading of what is beside that.
func (p *policy) aroundHidden(ruleset int, r *ruleset, name *byte, fd int, use pathUse, access uint64) (uint64, failure) {
	if use == unixPath {
		return access, failure{}
	}
	id, _, errno := identify(fd)
	if errno != 0 {
		setPath(text(name))
		return 0, failure{reason: openFailed, errno: errno}
	}
	reads := use == readSystem || use == namedRead || use == namedList
	if reads {
		at, errno := hiddenAbove(text(name))
		switch {
		case errno != 0:
			setPath(text(name))
			return 0, failure{reason: openFailed, errno: errno}
		case at >= 0 && use == readSystem:
			return 0, failure{}
		case at >= 0:
			setPath(text(name))
			return 0, failure{reason: readsHidden, arg: hiding.nodes[at].arg}
		}
	}
	leads := -1
	for i := range hiding.nodes[:hiding.count] {
		if n := &hiding.nodes[i]; !n.implied && n.is(&id) {
			leads = i
		}
	}
	switch {
	case leads < 0 || use == namedList:
		return access, failure{}
	case !reads && use != readEverything:
		setPath(text(name))
		return 0, failure{reason: hidesWritable, arg: hiding.nodes[leads].arg}
	}
	for i := range hiding.nodes[:hiding.count] {
		if hiding.nodes[i].opensFrom(&id) {
			if f := grantBeside(ruleset, r, i); f.reason != noReason {
				return 0, f
			}
		}
	}
	return r.list, failure{}
}

// hiddenAbove returns the node of something hidden that a path leads to, or beneath; -1: there is none.
func hiddenAbove(name string) (at int, errno syscall.Errno) {
	fd, dir, errno := find(name)
	if errno != 0 {
		return -1, errno
	}
	at = -1
	if dir >= 0 && fd >= 0 {
		id := identity{}
		if id, _, errno = identify(fd); errno == 0 {
			at = hiddenAs(&id)
		}
	}
	if dir >= 0 {
		if fd >= 0 {
			closeFD(fd)
		}
		fd = dir
	}
	for last := (identity{}); at < 0 && errno == 0; {
		id := identity{}
		if id, _, errno = identify(fd); errno != 0 || id == last {
			break
		}
		at, last = hiddenAs(&id), id
		up := -1
		if up, errno = openIn(fd, unsafe.StringData("..\x00"), unix.O_PATH|unix.O_DIRECTORY); errno == 0 {
			closeFD(fd)
			fd = up
		}
	}
	closeFD(fd)
	return at, errno
}

// hiddenAs returns the node of something hidden, other than by implication, that is that file; -1: there is none.
func hiddenAs(id *identity) int {
	for i := range hiding.nodes[:hiding.count] {
		if n := &hiding.nodes[i]; n.hidden && !n.implied && n.is(id) {
			return i
		}
	}
	return -1
}

// opensFrom tells whether the entries of a directory are to be readable if the directory top is: nothing on the way is hidden.
func (n *node) opensFrom(top *identity) bool {
	for {
		for i := range hiding.nodes[:hiding.count] {
			if other := &hiding.nodes[i]; other.hidden && other.is(&n.identity) {
				return false
			}
		}
		if n.is(top) {
			return true
		}
		if n.up < 0 {
			return false
		}
		n = &hiding.nodes[n.up]
	}
}

// grantBeside adds a rule for each entry of a directory that is no node. What is in a directory that cannot be listed is granted to
// nobody. A node that is not met among the entries cannot be told from them: ESTALE.
func grantBeside(ruleset int, r *ruleset, at int) failure {
	dir := hiding.nodes[at].fd
	fd, errno := openIn(dir, unsafe.StringData(".\x00"), unix.O_RDONLY|unix.O_DIRECTORY)
	switch {
	case errno == unix.EACCES:
		return failure{}
	case errno != 0:
		setPath(".")
		return failure{reason: openFailed, errno: errno}
	}
	buf := &hiding.listing
	hiding.entries = true
	for {
		n := 0
		n, errno = result(systemCall(unix.SYS_GETDENTS64, uintptr(fd), uintptr(unsafe.Pointer(buf)), uintptr(len(buf)), 0, 0))
		if errno != 0 || n == 0 {
			break
		}
		for i, size := 0, 0; errno == 0 && i < n; i += size {
			if i+20 > len(buf) {
				errno = unix.EPROTO
				break
			}
			if size = int(buf[i+16]) | int(buf[i+17])<<8; size < 20 || i+size > min(n, len(buf)) {
				errno = unix.EPROTO
				break
			}
			name := &buf[i+19] // of struct linux_dirent64
			if s := text(name); buf[i+18] != unix.DT_LNK && s != "." && s != ".." {
				if errno = grantEntry(ruleset, r, dir, name); errno != 0 {
					setPath(s)
				}
			}
		}
		if errno != 0 {
			closeFD(fd)
			return failure{reason: ruleFailed, errno: errno}
		}
	}
	hiding.entries = false
	closeFD(fd)
	for i := range hiding.nodes[:hiding.count] {
		if n := &hiding.nodes[i]; errno == 0 && n.up == at && !n.met {
			errno = unix.ESTALE
		}
	}
	if errno != 0 {
		return failure{reason: listingFailed, errno: errno, arg: hiding.nodes[at].arg}
	}
	return failure{}
}

// grantEntry grants reading of an entry that is no node. One that is gone, or of which nothing can be told, gets no rule.
func grantEntry(ruleset int, r *ruleset, dir int, name *byte) syscall.Errno {
	fd, errno := openIn(dir, name, unix.O_PATH|unix.O_NOFOLLOW)
	if errno != 0 {
		if exhausted(errno) {
			return errno
		}
		return 0
	}
	id, kind, errno := identify(fd)
	leave := errno != 0 || kind == unix.S_IFLNK
	for i := range hiding.nodes[:hiding.count] {
		if n := &hiding.nodes[i]; errno == 0 && n.is(&id) {
			n.met, leave = true, true
		}
	}
	if !exhausted(errno) {
		errno = 0
	}
	if !leave {
		access := r.read
		if kind != unix.S_IFDIR {
			access &^= r.list
		}
		if errno = exactlyZero(addRule(ruleset, fd, access)); errno == unix.EBADFD {
			errno = 0 // Landlock restricts it nowhere
		}
	}
	closeFD(fd)
	return errno
}
