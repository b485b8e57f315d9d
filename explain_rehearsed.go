package main

// What a rehearsal needs to know: the names of calls and namespaces, values of options, and what the kernel tells of the files that are
// opened, and of the one that would be executed.

import (
	"bytes"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// launchCalls are the names of the system calls that the launch can make.
var launchCalls = map[uintptr]string{
	unix.SYS_FCNTL: "fcntl", unix.SYS_CLOSE_RANGE: "close_range", unix.SYS_GETSOCKOPT: "getsockopt", unix.SYS_OPENAT: "openat",
	unix.SYS_CLOSE: "close", unix.SYS_CAPGET: "capget", unix.SYS_CAPSET: "capset", unix.SYS_PRCTL: "prctl", unix.SYS_SECCOMP: "seccomp",
	unix.SYS_LANDLOCK_CREATE_RULESET: "landlock_create_ruleset", unix.SYS_LANDLOCK_ADD_RULE: "landlock_add_rule",
	unix.SYS_LANDLOCK_RESTRICT_SELF: "landlock_restrict_self", unix.SYS_RT_SIGPROCMASK: "rt_sigprocmask", unix.SYS_WRITE: "write",
	unix.SYS_EXECVE: "execve", unix.SYS_STATX: "statx", unix.SYS_READLINKAT: "readlinkat", unix.SYS_GETDENTS64: "getdents64",
	unix.SYS_GETEUID: "geteuid", unix.SYS_GETEGID: "getegid", unix.SYS_UNSHARE: "unshare", unix.SYS_SOCKET: "socket", unix.SYS_IOCTL: "ioctl",
	unix.SYS_OPEN_TREE: "open_tree", unix.SYS_MOUNT_SETATTR: "mount_setattr", unix.SYS_MOVE_MOUNT: "move_mount", unix.SYS_GETCWD: "getcwd",
	unix.SYS_CHDIR: "chdir", unix.SYS_OPENAT2: "openat2", unix.SYS_READ: "read",
}

// values returns those of one of snib's own options.
func (p *policy) values(argv []*byte, kind optionID) (values []string) {
	for value, next := p.nextOwn(argv, kind, 0); next != 0; value, next = p.nextOwn(argv, kind, next) {
		values = append(values, value)
	}
	return values
}

// namespaceNames are the namespaces that the launch can take, by their flags of unshare(2).
var namespaceNames = [...]struct {
	flag uintptr
	name string
}{{unix.CLONE_NEWUSER, "user"}, {unix.CLONE_NEWNS, "mount"}, {unix.CLONE_NEWNET, "network"}}

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

// ownProgram leads to this program.
const ownProgram = "/proc/self/exe"

// fileID tells files apart.
type fileID struct{ device, inode uint64 }

func fileIDOf(stat *unix.Stat_t) fileID { return fileID{stat.Dev, stat.Ino} }

// fileRules are what the rules for paths grant.
type fileRules map[fileID]uint64

// add notes a rule. The kernel, too, knows it by its file, not by a path.
func (rules *fileRules) add(fd int, access uint64) {
	var stat unix.Stat_t
	if *rules == nil {
		*rules = fileRules{}
	}
	if unix.Fstat(fd, &stat) == nil {
		(*rules)[fileIDOf(&stat)] |= access
	}
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

// rewrittenOptions are the words, up to the command, that a policy became; none, where it was not rewritten.
func rewrittenOptions(p *policy) []string {
	if !p.rewritten {
		return nil
	}
	return rewrittenWords()[:rewriting.count-1]
}

// rewritingNotes tell what a policy wants read-only in a writable path, and is not.
func rewritingNotes() (notes []string) {
	for i := range rewriting.notes[:rewriting.noted] {
		n := &rewriting.notes[i]
		notes = append(notes, [...]string{
			noteMissing:     "does not exist, and can be created: ",
			noteTemporary:   "stays writable in a temporary directory: ",
			noteUnprotected: "stays writable by --unprotected: ",
		}[n.why]+quote(n.entry.path()))
	}
	return notes
}
