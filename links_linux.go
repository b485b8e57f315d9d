package main

// The symbolic links by which a path to hide is reached. Who may write to the directory of one can make it lead elsewhere, and what a
// later launch hides is something else. This file runs in the restricted context described at the head of launch_linux.go.

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// linkDirectory is a directory that holds such a link, or one above that.
type linkDirectory struct {
	identity
	arg int // index of the word that is reached by the link
}

// linking is what was found. Memory that the kernel reads is in it, too.
var linking struct {
	dirs    [256]linkDirectory
	count   int
	dir     int // where the rest of the path starts; negative: not open
	at, end int // of the rest
	rest    [unix.PathMax]byte
}

// enterLinks follows a path name by name, and enters the directories of the symbolic links in it. It must come to the file that the path
// leads to; nil: the path leads to nothing.
func enterLinks(name string, arg int, end *identity) (errno syscall.Errno) {
	w := &linking
	if len(name) >= len(w.rest) {
		return unix.ENAMETOOLONG
	}
	w.at, w.end, w.dir = 0, copy(w.rest[:], name), -1
	for links := 0; errno == 0 && links <= 40; {
		isLink := false
		if isLink, errno = followName(arg); isLink {
			links++
		} else if w.at == w.end {
			break
		}
	}
	if errno == 0 && end != nil {
		id := identity{}
		if id, _, errno = identify(w.dir); errno == 0 && id != *end {
			errno = unix.ESTALE
		}
	} else if errno == unix.ENOENT && end == nil {
		errno = 0
	}
	if w.dir >= 0 {
		closeFD(w.dir)
	}
	return errno
}

// followName follows the next name of linking.rest, if there is one, or puts what a symbolic link leads to in its place.
func followName(arg int) (isLink bool, errno syscall.Errno) {
	w := &linking
	if w.dir < 0 {
		if w.dir, errno = openBase(w.rest[0] == '/'); errno != 0 {
			return false, errno
		}
	}
	for w.at < w.end && w.rest[w.at] == '/' {
		w.at++
	}
	stop := w.at
	for stop < w.end && w.rest[stop] != '/' {
		stop++
	}
	w.rest[stop] = 0
	if w.at == w.end {
		return false, 0
	}
	fd, isLink, errno := openName(w.dir, &w.rest[w.at])
	if errno == 0 && !isLink {
		fd, w.dir = w.dir, fd
		w.at = min(stop+1, w.end)
	} else if errno == 0 {
		if errno = enterLinkDirectory(w.dir, arg); errno == 0 {
			w.end, errno = replaceLink(fd, stop, w.end)
		}
		w.at = 0
	}
	if fd >= 0 {
		closeFD(fd)
	}
	if isLink && errno == 0 && w.rest[0] == '/' {
		closeFD(w.dir)
		w.dir = -1
	}
	return isLink, errno
}

// openBase opens the directory where a path starts.
func openBase(absolute bool) (dir int, errno syscall.Errno) {
	base := unsafe.StringData(".\x00")
	if absolute {
		base = unsafe.StringData("/\x00")
	}
	return result(openat(unix.AT_FDCWD, base, unix.O_PATH|unix.O_DIRECTORY))
}

// openName opens an entry of a directory.
func openName(dir int, name *byte) (fd int, isLink bool, errno syscall.Errno) {
	kind := uint16(0)
	if fd, errno = result(openat(dir, name, unix.O_PATH|unix.O_NOFOLLOW)); errno == 0 {
		_, kind, errno = identify(fd)
	}
	return fd, kind == unix.S_IFLNK, errno
}

// replaceLink puts the text of a symbolic link in the place of what linking.rest has up to stop.
func replaceLink(fd, stop, end int) (newEnd int, errno syscall.Errno) {
	rest, path := linking.rest[:], shared().path[:]
	n, errno := result(systemCall(unix.SYS_READLINKAT, uintptr(fd), uintptr(unsafe.Pointer(unsafe.StringData("\x00"))),
		uintptr(unsafe.Pointer(&path[0])), uintptr(len(path)-1), 0))
	after := min(stop+1, end)
	if errno == 0 && (uint(n) >= uint(len(path)-1) || n+1+end-after >= len(rest)) {
		errno = unix.ENAMETOOLONG
	}
	if errno != 0 {
		return 0, errno
	}
	newEnd = n + 1 + copy(rest[n+1:], rest[after:end])
	rest[copy(rest, path[:n])] = '/'
	return newEnd, 0
}

// enterLinkDirectory enters a directory and those above it.
func enterLinkDirectory(dir, arg int) syscall.Errno {
	fd, errno := result(openat(dir, unsafe.StringData(".\x00"), unix.O_PATH|unix.O_DIRECTORY))
	known := false
	for last := (identity{}); errno == 0 && !known; {
		id, up := identity{}, -1
		id, _, errno = identify(fd)
		switch {
		case errno != 0:
		case isLinkDirectory(&id):
			known = true
		case linking.count == len(linking.dirs):
			errno = unix.E2BIG
		default:
			linking.dirs[linking.count] = linkDirectory{id, arg}
			linking.count++
			up, errno = result(openat(fd, unsafe.StringData("..\x00"), unix.O_PATH|unix.O_DIRECTORY))
		}
		closeFD(fd)
		if fd = up; id == last && id != finding.root {
			errno = unix.ESTALE // as in enterWay
		}
		last = id
	}
	return errno
}

// isLinkDirectory tells whether a directory was entered, in the same mount: in another one there are other directories above it.
func isLinkDirectory(id *identity) bool {
	for i := range linking.dirs[:linking.count] {
		if linking.dirs[i].identity == *id {
			return true
		}
	}
	return false
}

// seekLink returns the word that leads to what it hides by a link in that directory, or beneath it; -1: none does.
func seekLink(id *identity) int {
	for i := range linking.dirs[:linking.count] {
		if l := &linking.dirs[i]; l.is(id) {
			return l.arg
		}
	}
	return -1
}
