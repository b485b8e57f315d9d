package main

// Which failed calls on files were denied by Landlock's rights, or by the mounts of --protect.

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// request is a call on files, understood: what there is at its paths, and what it takes.
type request struct {
	call   *pathCall
	who    identifiers
	first  place
	second place // of link, rename and symlink
	flags  uint64
	mode   uint64
}

func (q *request) close() {
	q.first.close()
	q.second.close()
}

// understand resolves the paths of a call as its process would. It has failed where they lead nowhere: then the call has failed for that.
func (j *judge) understand(e *tracee, c *pathCall) (q request, ok bool) {
	q = request{call: c, first: place{object: -1, parent: -1}, second: place{object: -1, parent: -1}}
	var read bool
	if q.who, read = j.who(e.pid); !read {
		return q, false
	}
	argument := func(n int) uint64 {
		if n == 0 {
			return 0
		}
		return e.args[n-1]
	}
	q.flags, q.mode = argument(c.flags), argument(c.flag2)
	if c.kind == callCreat {
		q.flags, q.mode = unix.O_CREAT|unix.O_WRONLY|unix.O_TRUNC, argument(c.flag2)
	}
	one := func(dir, path int, follow bool, into *place) bool {
		at, text := int32(unix.AT_FDCWD), ""
		if dir != 0 {
			at = int32(e.args[dir-1])
		}
		if path != 0 && e.args[path-1] != 0 {
			if text, read = peekString(e.pid, e.args[path-1]); !read {
				return false
			}
		}
		v := viewOf(e.pid, q.who.process, at, text)
		defer v.close()
		if text == "" && at != unix.AT_FDCWD {
			if v.start < 0 {
				return false
			}
			*into = v.found(v.start)
			v.start = -1
			return true
		}
		errno := syscall.Errno(unix.EPERM)
		done := q.who.as(&j.own, func() { *into, errno = v.resolve(follow) })
		return done && errno == 0
	}
	if c.kind == callSymlink {
		return q, one(c.toDir, c.to, false, &q.first) // what the link says is text
	}
	ok = one(c.dir, c.path, q.follows(), &q.first)
	if ok && c.to != 0 {
		ok = one(c.toDir, c.to, false, &q.second)
	}
	return q, ok
}

// follows tells whether the last symbolic link of the first path is followed.
func (q *request) follows() bool {
	switch q.call.kind {
	case callOpen, callCreat:
		return q.flags&unix.O_NOFOLLOW == 0 && q.flags&(unix.O_CREAT|unix.O_EXCL) != unix.O_CREAT|unix.O_EXCL
	case callTruncate:
		return true
	case callExec:
		return q.flags&unix.AT_SYMLINK_NOFOLLOW == 0
	case callLink:
		return q.flags&unix.AT_SYMLINK_FOLLOW != 0
	case callAttribute:
		return q.flags&unix.AT_SYMLINK_NOFOLLOW == 0 && !strings.HasPrefix(q.call.name, "l")
	}
	return false
}

// needs is what a call takes: rights on what is there or beneath its directory, and beneath that of the second path; what it is called; and
// whether its user could have had it otherwise.
type needs struct {
	action       action
	object       uint64 // on the file at the first path, or beneath the directory there
	parent       uint64 // beneath the directory of the first path
	secondParent uint64
	secondRefer  bool
	otherwise    func() bool // called as the user
}

// making is the right to make a file of a format.
func making(format uint32) uint64 {
	switch format {
	case unix.S_IFDIR:
		return unix.LANDLOCK_ACCESS_FS_MAKE_DIR
	case unix.S_IFCHR:
		return unix.LANDLOCK_ACCESS_FS_MAKE_CHAR
	case unix.S_IFBLK:
		return unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK
	case unix.S_IFSOCK:
		return unix.LANDLOCK_ACCESS_FS_MAKE_SOCK
	case unix.S_IFIFO:
		return unix.LANDLOCK_ACCESS_FS_MAKE_FIFO
	case unix.S_IFLNK:
		return unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	}
	return unix.LANDLOCK_ACCESS_FS_MAKE_REG
}

// removing is the right to remove one.
func removing(format uint32) uint64 {
	if format == unix.S_IFDIR {
		return unix.LANDLOCK_ACCESS_FS_REMOVE_DIR
	}
	return unix.LANDLOCK_ACCESS_FS_REMOVE_FILE
}

// needs finds out what a request takes. none: it takes nothing that Landlock has a right for, or it would have failed anyway.
func (q *request) needs() (n needs, none bool) {
	first, second := &q.first, &q.second
	switch q.call.kind {
	case callOpen, callCreat:
		return q.openNeeds()
	case callMkdir:
		n = needs{action: actCreate, parent: unix.LANDLOCK_ACCESS_FS_MAKE_DIR, otherwise: first.mayChange}
		return n, !first.missing()
	case callMknod:
		format := uint32(q.mode) & unix.S_IFMT
		n = needs{action: actCreate, parent: making(format), otherwise: func() bool {
			device := format == unix.S_IFCHR || format == unix.S_IFBLK
			return first.mayChange() && !(device && q.who.uids[3] != 0)
		}}
		return n, !first.missing()
	case callSymlink:
		return needs{action: actCreate, parent: unix.LANDLOCK_ACCESS_FS_MAKE_SYM, otherwise: first.mayChange}, !first.missing()
	case callUnlink, callRmdir:
		n = needs{action: actRemove, parent: removing(first.format()), otherwise: func() bool { return first.mayDelete(&q.who) }}
		directory := q.call.kind == callRmdir || q.flags&unix.AT_REMOVEDIR != 0
		return n, first.object < 0 || first.parent < 0 || directory != (first.format() == unix.S_IFDIR)
	case callTruncate:
		n = needs{action: actTruncate, object: unix.LANDLOCK_ACCESS_FS_TRUNCATE, otherwise: func() bool { return permitted(first.object, unix.W_OK) }}
		return n, first.object < 0
	case callLink:
		n = needs{action: actLink, secondParent: making(first.format()), secondRefer: true, otherwise: func() bool { return second.mayChange() && q.mayLink() }}
		return n, first.object < 0 || first.parent < 0 || !second.missing() || first.format() == unix.S_IFDIR
	case callRename:
		return q.renameNeeds()
	}
	return n, true
}

func (q *request) openNeeds() (n needs, none bool) {
	p := &q.first
	var mode uint32
	access := q.flags & unix.O_ACCMODE
	if access == unix.O_RDONLY || access == unix.O_RDWR {
		n.object |= unix.LANDLOCK_ACCESS_FS_READ_FILE
		mode |= unix.R_OK
	}
	if access == unix.O_WRONLY || access == unix.O_RDWR {
		n.object |= unix.LANDLOCK_ACCESS_FS_WRITE_FILE
		mode |= unix.W_OK
	}
	if access == unix.O_ACCMODE {
		mode |= unix.R_OK | unix.W_OK
	}
	switch {
	case q.flags&unix.O_PATH != 0:
		return n, true
	case q.flags&unix.O_TMPFILE == unix.O_TMPFILE:
		n.action = actCreate
		n.otherwise = func() bool { return permitted(p.object, unix.W_OK|unix.X_OK) }
		return n, p.object < 0
	case p.missing():
		n.action, n.parent, n.otherwise = actCreate, n.object|unix.LANDLOCK_ACCESS_FS_MAKE_REG, p.mayChange
		n.object = 0
		return n, q.flags&unix.O_CREAT == 0
	case p.object < 0:
		return n, true
	case p.format() == unix.S_IFDIR:
		n.object = unix.LANDLOCK_ACCESS_FS_READ_DIR
	}
	n.action = actRead
	switch {
	case access == unix.O_WRONLY || access == unix.O_RDWR:
		n.action = actWrite
	case q.flags&unix.O_TRUNC != 0:
		n.action = actTruncate
	}
	if q.flags&unix.O_TRUNC != 0 {
		n.object |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
		mode |= unix.W_OK
	}
	n.otherwise = func() bool { return permitted(p.object, mode) && !p.withoutDevices() && !q.othersInSticky() }
	// A socket cannot be opened, and neither can the terminal of a process that has none.
	return n, p.format() == unix.S_IFSOCK || p.format() == unix.S_IFCHR && p.stat.Rdev == unix.Mkdev(5, 0) && !q.who.terminal
}

// withoutDevices tells whether a device is on a mount that opens none.
func (p *place) withoutDevices() bool {
	var system unix.Statfs_t
	return p.kind() == pathDevice && unix.Fstatfs(p.object, &system) == nil && system.Flags&unix.ST_NODEV != 0
}

// othersInSticky tells whether O_CREAT opens another user's file in a directory where the kernel forbids that: fs.protected_regular and
// protected_fifos (Documentation/admin-guide/sysctl/fs.rst).
func (q *request) othersInSticky() bool {
	var dir unix.Stat_t
	p := &q.first
	if q.flags&unix.O_CREAT == 0 || p.parent < 0 || unix.Fstat(p.parent, &dir) != nil || dir.Mode&unix.S_ISVTX == 0 {
		return false
	}
	level := 0
	switch p.format() {
	case unix.S_IFREG:
		level = setting("fs/protected_regular")
	case unix.S_IFIFO:
		level = setting("fs/protected_fifos")
	}
	return level > 0 && p.stat.Uid != dir.Uid && int(p.stat.Uid) != q.who.uids[3] && (dir.Mode&0o002 != 0 || level > 1 && dir.Mode&0o020 != 0)
}

// mayLink tells whether the user may link to a file: fs.protected_hardlinks.
func (q *request) mayLink() bool {
	p := &q.first
	if fixed(p.object, unix.STATX_ATTR_APPEND|unix.STATX_ATTR_IMMUTABLE) {
		return false
	}
	owner := q.who.uids[3] == int(p.stat.Uid) || q.who.effective&(1<<unix.CAP_FOWNER) != 0 && !q.who.ownUsers
	if setting("fs/protected_hardlinks") == 0 || owner {
		return true
	}
	grouped := p.stat.Mode&(unix.S_ISGID|0o010) == unix.S_ISGID|0o010
	return p.format() == unix.S_IFREG && p.stat.Mode&unix.S_ISUID == 0 && !grouped && permitted(p.object, unix.R_OK|unix.W_OK)
}

func (q *request) renameNeeds() (n needs, none bool) {
	const noReplace, exchange = 1, 2 // RENAME_* in linux/fs.h
	first, second := &q.first, &q.second
	n = needs{action: actRename, parent: removing(first.format()), secondParent: making(first.format()), secondRefer: true}
	if second.object >= 0 {
		n.secondParent |= removing(second.format())
	}
	if q.flags&exchange != 0 {
		n.parent |= making(second.format())
	}
	n.otherwise = func() bool {
		moved := sameFile(first.parent, second.parent)
		return first.mayDelete(&q.who) && (second.missing() && second.mayChange() || second.object >= 0 && second.mayDelete(&q.who)) &&
			(moved || first.format() != unix.S_IFDIR || permitted(first.object, unix.W_OK))
	}
	none = first.object < 0 || first.parent < 0 || second.parent < 0 || q.flags&noReplace != 0 && second.object >= 0 || q.flags&exchange != 0 && second.object < 0
	return n, none
}

// byRights tells whether Landlock denied a call for want of a right. It answers EACCES, and EXDEV where only the right to move something between
// directories is missing.
func (j *judge) byRights(e *tracee, c *pathCall, d *denial) bool {
	handled := j.handled.Handled_access_fs
	if handled == 0 || c.kind == callAttribute {
		return false
	}
	q, understood := j.understand(e, c)
	defer q.close()
	if !understood {
		return false
	}
	n, none := q.needs()
	if none {
		return false
	}
	lackingFirst := n.object&handled&^j.grantedOr(&q.first, false, n.object) | n.parent&handled&^j.grantedOr(&q.first, true, n.parent)
	lackingSecond := n.secondParent & handled &^ j.grantedOr(&q.second, true, n.secondParent)
	if d.errno == unix.EXDEV {
		if !n.secondRefer || sameFile(q.first.parent, q.second.parent) || mountOf(q.first.parent) != mountOf(q.second.parent) {
			return false
		}
		const refer = unix.LANDLOCK_ACCESS_FS_REFER
		lackingFirst |= refer &^ j.rehearsal.granted(&q.first, true)
		lackingSecond |= refer &^ j.rehearsal.granted(&q.second, true)
		if handled&refer == 0 {
			lackingFirst = refer // before ABI 2 always
		}
	}
	if lackingFirst|lackingSecond == 0 {
		return false
	}
	allowed := false
	if !q.who.as(&j.own, func() { allowed = n.otherwise() }) || !allowed {
		return false
	}
	d.action, d.path, d.kind = n.action, q.first.path(), q.first.kind()
	if n.secondRefer {
		d.second = q.second.path()
		d.pathLacks, d.secondLacks = lackingFirst != 0, lackingSecond != 0
	}
	return true
}

// grantedOr is granted, where anything is needed at all.
func (j *judge) grantedOr(p *place, inParent bool, needed uint64) uint64 {
	if needed == 0 {
		return 0
	}
	return j.rehearsal.granted(p, inParent)
}

// byProtection tells whether a mount of --protect denied a call: the path is read-only, and the directories above it stay where they are.
func (j *judge) byProtection(e *tracee, d *denial) bool {
	c := pathCallOf(e.nr)
	if c == nil || c.kind == callExec {
		return false
	}
	q, understood := j.understand(e, c)
	defer q.close()
	if !understood {
		return false
	}
	d.path, d.kind = q.first.path(), q.first.kind()
	if c.to != 0 && c.kind != callSymlink {
		d.second = q.second.path()
	}
	n, none := q.needs()
	if d.action = n.action; c.kind == callAttribute {
		d.action = actAttribute
	} else if none && d.errno == unix.EROFS {
		return false
	}
	for _, top := range j.guardedAt {
		for _, path := range []string{d.path, d.second} {
			switch {
			case path == "":
			case d.errno == unix.EROFS && isBeneath(path, top), d.errno != unix.EROFS && (isBeneath(path, top) || isBeneath(top, path)),
				d.errno == unix.EXDEV && mountOf(q.first.parent) != mountOf(q.second.parent) && isBeneath(top, path[:max(strings.LastIndexByte(path, '/'), 1)]):
				d.protected = j.writableOutside(path, &q.who)
			}
		}
	}
	return d.protected
}

// writableOutside tells whether a path, or its directory, is on a mount that is not read-only: where the sandbox has its own mounts,
// those outside tell what the user could do.
func (j *judge) writableOutside(path string, who *identifiers) (writable bool) {
	v := viewOf(unix.Getpid(), unix.Getpid(), unix.AT_FDCWD, path)
	defer v.close()
	who.as(&j.own, func() {
		p, errno := v.resolve(false)
		if errno == 0 {
			at := p.object
			if at < 0 || p.format() == unix.S_IFLNK {
				at = p.parent
			}
			var system unix.Statfs_t
			writable = unix.Fstatfs(at, &system) == nil && system.Flags&unix.ST_RDONLY == 0
			p.close()
		}
	})
	return writable
}
