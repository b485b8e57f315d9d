package main

// Where a path of a traced process leads, what the launch's rules grant there, and whether its user could have had it otherwise. Files are
// opened with O_PATH alone, which opens no device and waits for no writer; a program is read only if it is a regular file.

import (
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// place is where a path leads.
type place struct {
	object int    // descriptor of what is there; -1: nothing
	parent int    // of the directory that holds it; -1: there is none, or it is not known
	name   string // in that directory; empty: the path ends in one, or in ".."
	stat   unix.Stat_t
}

func (p *place) close() {
	for _, fd := range []int{p.object, p.parent} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// missing tells whether nothing is there, in a directory that is.
func (p *place) missing() bool { return p.object < 0 && p.parent >= 0 }

func (p *place) format() uint32 { return p.stat.Mode & unix.S_IFMT }

func (p *place) kind() pathKind {
	if p.object < 0 {
		return pathMissing
	}
	switch p.format() {
	case unix.S_IFREG:
		return pathFile
	case unix.S_IFDIR:
		return pathDirectory
	case unix.S_IFCHR, unix.S_IFBLK:
		return pathDevice
	case unix.S_IFSOCK:
		return pathSocket
	}
	return pathOther
}

// path is the name of the place, without symbolic links; empty: it has none.
func (p *place) path() string {
	if p.object >= 0 {
		return nameOf(p.object)
	}
	parent := nameOf(p.parent)
	if parent == "" || p.name == "" {
		return ""
	}
	return strings.TrimSuffix(parent, "/") + "/" + p.name
}

// nameOf is the path of a descriptor; empty: it has none.
func nameOf(fd int) string {
	name, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil || !strings.HasPrefix(name, "/") {
		return ""
	}
	return name
}

const openPath = unix.O_PATH | unix.O_CLOEXEC

// proc is the magic number of its file system.
const proc = unix.PROC_SUPER_MAGIC

// fileView is how a thread sees files. The descriptors are opened before anything is looked at as its user.
type fileView struct {
	pid, process int
	root, start  int // -1: cannot be opened
	text         string
}

// viewOf opens what a path of a thread is relative to: a descriptor or, as AT_FDCWD says, its working directory.
func viewOf(pid, process int, dir int32, path string) (v fileView) {
	v = fileView{pid: pid, process: process, text: path, start: -1}
	own := "/proc/" + strconv.Itoa(pid)
	v.root, _ = unix.Open(own+"/root", openPath, 0)
	from := own + "/cwd"
	switch {
	case strings.HasPrefix(path, "/"):
		from = own + "/root"
	case dir != unix.AT_FDCWD:
		from = descriptorPath(pid, dir)
	}
	v.start, _ = unix.Open(from, openPath, 0)
	return v
}

func (v *fileView) close() {
	for _, fd := range []int{v.root, v.start} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// resolve follows the path, as the kernel does for its thread, and the last symbolic link only if that is asked for. An error is one that
// has nothing to do with the sandbox.
func (v *fileView) resolve(follow bool) (p place, errno syscall.Errno) {
	p = place{object: -1, parent: -1}
	if v.start < 0 || v.root < 0 {
		return p, unix.ESRCH
	}
	here, err := unix.FcntlInt(uintptr(v.start), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return p, unix.EMFILE
	}
	p.object = here
	_ = unix.Fstat(here, &p.stat)
	const manyLinks = 40 // MAXSYMLINKS in linux/namei.h
	links, rest, slash := 0, v.text, false
	defer func() {
		if errno != 0 {
			p.close()
		}
	}()
	for {
		slash = strings.HasPrefix(rest, "/")
		rest = strings.TrimLeft(rest, "/")
		if rest == "" {
			if slash && p.object >= 0 && p.format() != unix.S_IFDIR {
				return p, unix.ENOTDIR
			}
			return p, 0
		}
		var name string
		name, rest = rest, ""
		if i := strings.IndexByte(name, '/'); i >= 0 {
			name, rest = name[:i], name[i:]
		}
		if p.object < 0 {
			return p, unix.ENOENT
		}
		if p.format() != unix.S_IFDIR {
			return p, unix.ENOTDIR
		}
		if name == "." {
			continue
		}
		if name == ".." {
			if sameFile(p.object, v.root) {
				continue
			}
			up, err := unix.Openat(p.object, "..", openPath|unix.O_DIRECTORY, 0)
			if err != nil {
				return p, err.(syscall.Errno)
			}
			p.close()
			p = place{object: up, parent: -1}
			_ = unix.Fstat(up, &p.stat)
			continue
		}
		next, err := unix.Openat(p.object, name, openPath|unix.O_NOFOLLOW, 0)
		if err != nil && err != unix.ENOENT {
			return p, err.(syscall.Errno)
		}
		if p.parent >= 0 {
			unix.Close(p.parent)
		}
		p.parent, p.object, p.name = p.object, -1, name
		if err != nil {
			continue // which ends in ENOENT where more follows
		}
		p.object = next
		_ = unix.Fstat(next, &p.stat)
		if p.format() != unix.S_IFLNK || rest == "" && !follow {
			continue
		}
		if links++; links > manyLinks {
			return p, unix.ELOOP
		}
		target, magic, errno := v.link(&p)
		switch {
		case errno != 0:
			return p, errno
		case magic >= 0:
			p.close()
			p = v.found(magic)
			continue
		case len(target)+len(rest) > 2*unix.PathMax:
			return p, unix.ENAMETOOLONG
		}
		// What the link says comes in its place.
		from := p.parent
		unix.Close(p.object)
		if strings.HasPrefix(target, "/") {
			unix.Close(from)
			if from, err = unix.FcntlInt(uintptr(v.root), unix.F_DUPFD_CLOEXEC, 3); err != nil {
				p.object, p.parent = -1, -1
				return p, unix.EMFILE
			}
		}
		p = place{object: from, parent: -1}
		_ = unix.Fstat(from, &p.stat)
		rest = target + rest
	}
}

// link reads the symbolic link at a place. Some in /proc are more than their text: then magic is what they lead to. What leads to the
// reader itself is meant for the traced process.
func (v *fileView) link(p *place) (target string, magic int, errno syscall.Errno) {
	var buf [unix.PathMax]byte
	n, err := unix.Readlinkat(p.object, "", buf[:])
	if err != nil {
		return "", -1, err.(syscall.Errno)
	}
	target = string(buf[:n])
	var system unix.Statfs_t
	if unix.Fstatfs(p.object, &system) != nil || system.Type != proc {
		return target, -1, 0
	}
	switch {
	case p.name == "self":
		return strconv.Itoa(v.process), -1, 0
	case p.name == "thread-self":
		return strconv.Itoa(v.process) + "/task/" + strconv.Itoa(v.pid), -1, 0
	case target == "self/"+p.name:
		return target, -1, 0
	}
	magic, err = unix.Openat(p.parent, p.name, openPath, 0)
	if err != nil {
		return "", -1, err.(syscall.Errno)
	}
	return "", magic, 0
}

// found is the place of a descriptor: its directory is looked for by its name.
func (v *fileView) found(fd int) place {
	p := place{object: fd, parent: -1}
	_ = unix.Fstat(fd, &p.stat)
	name := nameOf(fd)
	if name == "" || name == "/" || p.format() == unix.S_IFDIR {
		return p
	}
	p.name = baseName(name)
	parent, err := unix.Open(strings.TrimSuffix(name, p.name), openPath|unix.O_DIRECTORY, 0)
	if err != nil {
		return p
	}
	if again, err := unix.Openat(parent, p.name, openPath|unix.O_NOFOLLOW, 0); err == nil {
		if sameFile(again, fd) {
			p.parent = parent
		}
		unix.Close(again)
	}
	if p.parent < 0 {
		unix.Close(parent)
	}
	return p
}

func sameFile(a, b int) bool {
	var one, other unix.Stat_t
	return unix.Fstat(a, &one) == nil && unix.Fstat(b, &other) == nil && one.Dev == other.Dev && one.Ino == other.Ino
}

// granted is what rules grant at a place, or, of what holds it, beneath its directory: as Landlock does, from there up to the root of all
// files. Where the way up is not known, everything counts as granted: then nothing is said.
func (r *rehearsal) granted(p *place, inParent bool) (access uint64) {
	at := p.object
	switch {
	case inParent || at < 0:
		at = p.parent
	case p.format() != unix.S_IFDIR:
		access = r.rules[fileIDOf(&p.stat)]
		at = p.parent
	}
	if at < 0 {
		return ^uint64(0)
	}
	at, err := unix.FcntlInt(uintptr(at), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return ^uint64(0)
	}
	defer func() { unix.Close(at) }()
	for range unix.PathMax {
		var stat unix.Stat_t
		if unix.Fstat(at, &stat) != nil {
			return ^uint64(0)
		}
		access |= r.rules[fileIDOf(&stat)]
		up, err := unix.Openat(at, "..", openPath|unix.O_DIRECTORY, 0)
		if err != nil {
			return ^uint64(0)
		}
		top := sameFile(up, at)
		unix.Close(at)
		if at = up; top {
			return access
		}
	}
	return ^uint64(0)
}

// permitted tells whether this thread's user has those permissions for a descriptor. The kernel says so, and knows read-only mounts,
// those without programs, and files that never change.
func permitted(fd int, mode uint32) bool {
	return unix.Faccessat2(fd, "", mode, unix.AT_EMPTY_PATH|unix.AT_EACCESS) == nil
}

// mayChange tells whether this thread's user may make or remove entries of the directory at a place.
func (p *place) mayChange() bool { return p.parent >= 0 && permitted(p.parent, unix.W_OK|unix.X_OK) }

// mayDelete tells whether this thread's user may remove or rename what is at a place.
func (p *place) mayDelete(who *identifiers) bool {
	var dir unix.Stat_t
	if !p.mayChange() || unix.Fstat(p.parent, &dir) != nil {
		return false
	}
	owner := who.effective&(1<<unix.CAP_FOWNER) != 0 && !who.ownUsers
	if dir.Mode&unix.S_ISVTX != 0 && !owner && who.uids[3] != int(dir.Uid) && who.uids[3] != int(p.stat.Uid) {
		return false
	}
	return !fixed(p.parent, unix.STATX_ATTR_APPEND) && !fixed(p.object, unix.STATX_ATTR_APPEND|unix.STATX_ATTR_IMMUTABLE)
}

// fixed tells whether a file has attributes that keep it as it is.
func fixed(fd int, attributes uint64) bool {
	var stat unix.Statx_t
	err := unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, 0, &stat)
	return err == nil && stat.Attributes&attributes != 0
}

// mountOf is a number of the mount that a descriptor is in.
func mountOf(fd int) uint64 {
	var stat unix.Statx_t
	_ = unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, unix.STATX_MNT_ID, &stat)
	return stat.Mnt_id
}

// setting is a number in /proc/sys; 0: it is not there.
func setting(name string) int {
	content, _ := os.ReadFile("/proc/sys/" + name)
	n, _ := strconv.Atoi(strings.TrimSpace(string(content)))
	return n
}
