package main

// Which file a path leads to, and which directory that is in, by what the kernel says files are: for what is hidden or protected.
// This file runs in the restricted context described at the head of launch_linux.go.

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// identity is which file a descriptor refers to, and in which mount.
type identity struct{ dev, ino, mount uint64 }

// is tells whether two are one inode, in whatever mounts.
func (f *identity) is(other *identity) bool { return f.dev == other.dev && f.ino == other.ino }

// finding is what the kernel says of a file.
var finding struct {
	root identity // of "/", once findRoot has been called
	stat unix.Statx_t
	how  unix.OpenHow
	link [32]byte
}

func findRoot() (errno syscall.Errno) {
	finding.root, _, errno = ask(unix.AT_FDCWD, "/\x00", 0)
	return errno
}

// exceptRoot fails, and closes a descriptor, if it is of the root directory, in whatever mount: EISDIR. findRoot must have been called.
func exceptRoot(fd int) syscall.Errno {
	id, _, errno := identify(fd)
	if errno == 0 && id.is(&finding.root) {
		errno = unix.EISDIR
	}
	if errno != 0 {
		closeFD(fd)
	}
	return errno
}

func identify(fd int) (id identity, kind uint16, errno syscall.Errno) {
	return ask(fd, "\x00", unix.AT_EMPTY_PATH)
}

// ask asks nothing of the server of a file system, which may never answer.
func ask(dir int, name string, flags uintptr) (id identity, kind uint16, errno syscall.Errno) {
	flags |= unix.AT_NO_AUTOMOUNT | unix.AT_STATX_DONT_SYNC
	const mask = unix.STATX_TYPE | unix.STATX_INO | unix.STATX_NLINK | unix.STATX_MNT_ID
	s := &finding.stat
	s.Mask = 0
	errno = exactlyZero(systemCall(unix.SYS_STATX, uintptr(dir), uintptr(unsafe.Pointer(unsafe.StringData(name))), flags, mask,
		uintptr(unsafe.Pointer(s))))
	if errno == 0 && s.Mask&mask != mask {
		errno = unix.EPROTO
	}
	return identity{uint64(s.Dev_major)<<32 | uint64(s.Dev_minor), s.Ino, s.Mnt_id}, s.Mode & unix.S_IFMT, errno
}

func identityOf(name *byte) (id identity, errno syscall.Errno) {
	fd, errno := result(openat(unix.AT_FDCWD, name, unix.O_PATH|unix.O_NOFOLLOW))
	if errno == 0 {
		id, _, errno = identify(fd)
	}
	if fd >= 0 {
		closeFD(fd)
	}
	return id, errno
}

// openat2 opens a path without symbolic links, for nothing but its descriptor. A path of PATH_MAX or more is ENAMETOOLONG.
func openat2(dir int, name *byte) (fd int, errno syscall.Errno) {
	how := &finding.how
	*how = unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	return result(systemCall(unix.SYS_OPENAT2, uintptr(dir), uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(how)), unsafe.Sizeof(*how), 0))
}

// find returns descriptors of what a path leads to, and of the directory that this is in, after symbolic links. Where there is
// nothing, fd is -1 and dir is the deepest directory that exists. The caller owns both.
func find(name string) (fd, dir int, errno syscall.Errno) {
	fd, errno = result(openat(unix.AT_FDCWD, unsafe.StringData(name), unix.O_PATH))
	id, kind := identity{}, uint16(0)
	if errno == 0 {
		id, kind, errno = identify(fd)
	}
	dir = -1
	if errno == 0 && kind == unix.S_IFDIR {
		dir, errno = result(openat(fd, unsafe.StringData("..\x00"), unix.O_PATH|unix.O_DIRECTORY))
	}
	if dir < 0 && (errno == 0 || errno == unix.ENOENT && fd < 0 || errno == unix.EACCES && fd >= 0) {
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
	path := shared().path[:]
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
		fd, errno := result(openat(dir, &path[start], unix.O_PATH|unix.O_NOFOLLOW))
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
	path := shared().path[:]
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
			above, errno = result(openat(dir, name, unix.O_PATH|unix.O_DIRECTORY))
			path[start] = first
			if errno != unix.ENOENT || exists {
				return above, start, errno
			}
		}
		end = start
	}
}

// pathOf puts the path of a descriptor, as /proc tells it, into buf, and a NUL after it. The path may lead elsewhere: of what was
// removed, or over which something is mounted. What is in no file system that is mounted has none that begins with a slash.
func pathOf(fd int, buf []byte) (length int, errno syscall.Errno) {
	link, cwd := finding.link[:], unix.AT_FDCWD
	n := copy(link, "/proc/self/fd/")
	link[n+decimal(link[n:], fd)] = 0
	length, errno = result(systemCall(unix.SYS_READLINKAT, uintptr(cwd), uintptr(unsafe.Pointer(&link[0])), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)-1), 0))
	if errno == 0 && uint(length) >= uint(len(buf)-1) {
		errno = unix.ENAMETOOLONG
	}
	if errno != 0 {
		return 0, errno
	}
	buf[length] = 0
	return length, 0
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
