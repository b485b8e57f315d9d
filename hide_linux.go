package main

// Hiding: Landlock can only grant, so a policy that hides paths grants reading beneath every entry of every directory on the way down,
// other than what is hidden and what leads on to it. A rule is about an inode: files are told apart by what the kernel says they are,
// never by their names. Another name of what is hidden, by a hard link or another mount, stays readable where it lies deeper than such
// an entry; so does a file of an overlayfs of several file systems that is mounted by itself, for its device tells nothing of that.
// This file runs in the restricted context described at the head of launch_linux.go.

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// node is something hidden, or a directory above it.
type node struct {
	identity
	fd      int // held open, so that the inode keeps its number
	up      int // index of the directory above; -1: there is none
	arg     int // index of the word that hides it, or something beneath it
	hidden  bool
	tree    bool // it is a directory
	implied bool // it is /dev: what is on a disk can be read from the disk
	leads   bool // it is what a word hides, or a directory above that
	met     bool // it was among the entries of the directory above
	sure    bool // what looks mistyped is not
}

// hiding is what the policy hides. Memory that the kernel writes to is in it, too.
var hiding struct {
	nodes   [256]node
	count   int
	entries bool // those of a directory are being granted
	listing [8192]byte
}

// enter takes a descriptor of something hidden, or of what leads to it, and returns its node, which may be known already. One file
// in two directories has two.
func enter(fd int, n node) (at int, known bool, errno syscall.Errno) {
	kind := uint16(0)
	if n.identity, kind, errno = identify(fd); errno != 0 {
		return 0, false, errno
	}
	n.tree = kind == unix.S_IFDIR
	for i := range hiding.nodes[:hiding.count] {
		if old := &hiding.nodes[i]; old.identity == n.identity && (n.up < 0 || n.up == old.up || n.up == i) {
			closeFD(fd)
			old.hidden, old.implied = old.hidden || n.hidden, old.implied || n.implied
			return i, true, 0
		}
	}
	if at = hiding.count; at >= len(hiding.nodes) {
		return 0, false, unix.E2BIG
	}
	n.fd = fd
	hiding.nodes[at] = n
	hiding.count++
	return at, false, 0
}

// enterWay enters a directory and every one above it, and returns the node of the first. ESTALE: the way does not end at "/", as where
// a file system gives a directory and the one above it the same number.
func enterWay(fd int, n node) (first int, errno syscall.Errno) {
	n.up, n.hidden, n.implied = -1, false, false
	first, known, errno := enter(fd, n)
	for at := first; errno == 0 && !known; {
		if fd, errno = result(openat(hiding.nodes[at].fd, unsafe.StringData("..\x00"), unix.O_PATH|unix.O_DIRECTORY)); errno != 0 {
			break
		}
		above := 0
		if above, known, errno = enter(fd, n); errno == 0 && above == at && hiding.nodes[at].identity != finding.root {
			errno = unix.ESTALE
		}
		if errno != 0 || above == at {
			break // the root is above itself
		}
		hiding.nodes[at].up = above
		at = above
	}
	return first, errno
}

// mistyped tells whether a path that does not exist looks like what no shell has expanded, another option, or several paths.
func mistyped(name string) bool {
	mistaken := name[0] == '-' || name[0] == '~' || name[0] == '='
	for i := range len(name) {
		mistaken = mistaken || name[i] == ',' || name[i] == ':'
	}
	return mistaken
}

// conceal enters what a path leads to, and every directory above it.
func conceal(name string, n node) failure {
	fd, dir, errno := find(name)
	if errno == 0 && fd < 0 && !n.sure && mistyped(name) {
		return failure{reason: missingPath, errno: unix.ENOENT}
	}
	if errno == 0 {
		n.up, errno = enterWay(dir, n)
	}
	at := -1
	if errno == 0 && fd >= 0 {
		at, _, errno = enter(fd, n)
	}
	if errno == 0 && n.leads {
		var end *identity
		if at >= 0 {
			end = &hiding.nodes[at].identity
		}
		errno = enterLinks(name, n.arg, end)
	}
	switch {
	case errno != 0:
		return failure{reason: hideFailed, errno: errno, arg: n.arg}
	case at == n.up:
		return failure{reason: hidesRoot, arg: n.arg}
	}
	return failure{}
}

// findHidden finds what the policy hides.
func (p *policy) findHidden(argv []*byte) failure {
	hiding.count, linking.count, hiding.entries = 0, 0, false
	if errno := findRoot(); errno != 0 {
		setPath("/")
		return failure{reason: hideFailed, errno: errno}
	}
	for value, next := p.nextOwn(argv, optHide, 0); next != 0; value, next = p.nextOwn(argv, optHide, next) {
		if f := conceal(value, node{arg: next - 1, hidden: true, leads: true, sure: p.rewritten}); f.reason != noReason {
			setPath(value)
			return f
		}
	}
	f := conceal("/dev\x00"[:len("/dev")], node{implied: true})
	if f.reason != noReason {
		setPath("/dev")
	}
	return f
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
	reads := use == readSystem || use == namedRead || use == namedList
	id, kind, errno := identify(fd)
	at := -1
	if reads && errno == 0 {
		nowhere := kind == unix.S_IFIFO || kind == unix.S_IFSOCK || finding.stat.Nlink == 0
		if at, errno = hiddenAbove(text(name)); errno == unix.ENOENT && nowhere {
			errno = 0 // it is in no directory
		}
	}
	setPath(text(name)) // for the failures below
	leads := seek(&id, false)
	switch {
	case errno != 0:
		return 0, failure{reason: openFailed, errno: errno}
	case at >= 0 && use == readSystem:
		return 0, failure{}
	case at >= 0:
		return 0, failure{reason: readsHidden, arg: hiding.nodes[at].arg}
	case leads < 0 && !reads && use > nullDevice && seekLink(&id) >= 0:
		return 0, failure{reason: hidesByLink, arg: seekLink(&id)}
	case leads < 0 && use != readEverything || use == namedList:
		return access, failure{}
	case !reads && use != readEverything:
		return 0, failure{reason: hidesWritable, arg: hiding.nodes[leads].arg}
	}
	for i := range hiding.nodes[:hiding.count] {
		if hiding.nodes[i].opensFrom(&id) {
			if f := grantBeside(ruleset, r, i, &id); f.reason != noReason {
				return 0, f
			}
		}
	}
	return r.list, failure{}
}

// hiddenAbove returns the node of something hidden that a path leads to, or beneath; -1: there is none.
func hiddenAbove(name string) (at int, errno syscall.Errno) {
	fd, dir, errno := find(name)
	at = -1
	for last := (identity{}); errno == 0 && fd >= 0; {
		id, up := identity{}, -1
		if id, _, errno = identify(fd); errno == 0 && id != last {
			if at = seek(&id, true); at < 0 {
				up = dir
				dir, errno = result(openat(up, unsafe.StringData("..\x00"), unix.O_PATH|unix.O_DIRECTORY))
			}
		} else if errno == 0 && id != finding.root {
			errno = unix.ESTALE // as in enterWay
		}
		closeFD(fd)
		fd, last = up, id
	}
	if dir >= 0 {
		closeFD(dir)
	}
	return at, errno
}

// seek returns a node that is that file and that a word leads to, or that it hides; -1: there is none.
func seek(id *identity, hidden bool) int {
	for i := range hiding.nodes[:hiding.count] {
		if n := &hiding.nodes[i]; n.leads && (n.hidden || !hidden) && n.is(id) {
			return i
		}
	}
	return -1
}

// opensFrom tells whether the entries of a directory are to be readable if the directory top is: nothing on the way is hidden.
func (n *node) opensFrom(top *identity) bool {
	for start := n; ; n = &hiding.nodes[n.up] {
		switch {
		case seek(&n.identity, true) >= 0:
			return false
		case n.is(top):
			return true
		case n.up < 0 || n.implied && n != start:
			return false
		}
	}
}

// grantBeside adds a rule for each entry of a directory that is no node, or of /dev, where only something above that is to be
// readable, for the devices of baseSystem. What is in a directory that cannot be listed is granted to nobody. A node that is not met
// among the entries cannot be told from them: ESTALE.
func grantBeside(ruleset int, r *ruleset, at int, top *identity) failure {
	dir := &hiding.nodes[at]
	hiding.entries = true
	errno, why := syscall.Errno(0), listingFailed
	if dir.implied && !dir.is(top) {
		for i := firstDevice; errno == 0 && i < len(baseSystem); i++ {
			errno = grantEntry(ruleset, r, at, unsafe.StringData(baseSystem[i][len("/dev/"):]))
		}
	} else {
		errno, why = grantEntries(ruleset, r, at)
	}
	hiding.entries = false
	if errno != 0 {
		return failure{reason: why, errno: errno, arg: dir.arg}
	}
	return failure{}
}

func grantEntries(ruleset int, r *ruleset, at int) (errno syscall.Errno, why reason) {
	fd, errno := result(openat(hiding.nodes[at].fd, unsafe.StringData(".\x00"), unix.O_RDONLY|unix.O_DIRECTORY))
	if errno == unix.EACCES {
		return 0, noReason
	}
	buf := &hiding.listing
	for n := 1; errno == 0 && n > 0; {
		n, errno = result(systemCall(unix.SYS_GETDENTS64, uintptr(fd), uintptr(unsafe.Pointer(buf)), uintptr(len(buf)), 0, 0))
		for i, size := 0, 0; errno == 0 && i < n; i += size {
			if i+20 > len(buf) {
				return unix.EPROTO, listingFailed
			}
			if size = int(buf[i+16]) | int(buf[i+17])<<8; size < 20 || i+size > min(n, len(buf)) {
				return unix.EPROTO, listingFailed
			}
			name := &buf[i+19] // of struct linux_dirent64
			if s := text(name); buf[i+18] != unix.DT_LNK && s != "." && s != ".." {
				if errno = grantEntry(ruleset, r, at, name); errno != 0 && !exhausted(errno) {
					setPath(s)
					return errno, ruleFailed
				}
			}
		}
	}
	if fd >= 0 {
		closeFD(fd)
	}
	for i := range hiding.nodes[:hiding.count] {
		if n := &hiding.nodes[i]; errno == 0 && n.up == at && !n.met {
			errno = unix.ESTALE
		}
	}
	return errno, listingFailed
}

// grantEntry grants reading of an entry that is no node. One that is gone, or of which nothing can be told, gets no rule; and none that
// may be something beneath a hidden directory: another mount, or another link, of the same file system.
func grantEntry(ruleset int, r *ruleset, at int, name *byte) syscall.Errno {
	fd, errno := result(openat(hiding.nodes[at].fd, name, unix.O_PATH|unix.O_NOFOLLOW))
	if errno != 0 {
		if exhausted(errno) {
			return errno
		}
		return 0
	}
	id, kind, errno := identify(fd)
	leave := errno != 0 || kind == unix.S_IFLNK
	dev, alias := id.dev, id.mount != hiding.nodes[at].mount
	if !alias {
		dev = hiding.nodes[at].dev // overlayfs gives a file one of its own, by its layer
		alias = kind != unix.S_IFDIR && finding.stat.Nlink > 1
	}
	for i := range hiding.nodes[:hiding.count] {
		n := &hiding.nodes[i]
		if errno == 0 && n.is(&id) {
			n.met, leave = n.met || n.up == at, true
		}
		leave = leave || alias && n.hidden && n.tree && n.dev == dev
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
