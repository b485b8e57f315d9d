package main

// What the rehearsing kernel finds out about files: those that are opened, and the one that would be executed.

import (
	"bytes"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

type rehearsedPath struct {
	name     string
	errno    syscall.Errno // why it cannot be opened
	resolved string        // empty: not known
	file     bool          // it is not a directory
	outside  bool          // it is in no file system that Landlock restricts
	access   uint64        // what a rule grants there
}

// besideHidden is a directory that leads to something hidden, whose other entries get rules.
type besideHidden struct {
	dir    string
	fd     int
	rules  int
	access uint64
}

func newRehearsedPath(name string, answer uintptr) rehearsedPath {
	fd, errno := result(answer)
	path := rehearsedPath{name: name, errno: errno}
	if errno != 0 {
		return path
	}
	var stat unix.Stat_t
	if unix.Fstat(fd, &stat) == nil {
		path.file = stat.Mode&unix.S_IFMT != unix.S_IFDIR
	}
	if resolved, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd)); err == nil {
		// What is in no file system that can be mounted has a name such as "pipe:[1]".
		path.outside = resolved[0] != '/'
		path.resolved = resolved
	}
	return path
}

// fileAccess is what Landlock takes in a rule on a file that is not a directory.
func fileAccess() (mask uint64) {
	for _, t := range rights {
		if t.class == classFS && t.file {
			mask |= t.value
		}
	}
	return mask
}

// executable tells why a file cannot be executed, as far as the file itself shows.
func executable(path string) syscall.Errno {
	var errno syscall.Errno
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		errno, _ = err.(syscall.Errno)
		return errno
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFREG || unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS) != nil {
		return unix.EACCES
	}
	file, err := os.Open(path)
	if err != nil {
		return 0 // what cannot be read may still be executed
	}
	defer file.Close()
	var head [256]byte
	n, _ := file.Read(head[:])
	if bytes.HasPrefix(head[:n], []byte("\x7fELF")) {
		return 0
	}
	line, is := bytes.CutPrefix(head[:n], []byte("#!"))
	line, _, _ = bytes.Cut(line, []byte("\n"))
	words := bytes.Fields(line)
	if !is || len(words) == 0 {
		return unix.ENOEXEC
	}
	return executable(string(words[0]))
}
