package main

// What --why keeps of a run, and what it reads of a traced process: its memory, its descriptors, and who it is. Nothing is written, and
// nothing is opened but what the kernel itself shows of the process in /proc.

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tracee is a thread that is traced.
type tracee struct {
	pid     int // the kernel's name of a thread
	seen    bool
	stopped bool // by job control
	inside  bool // a system call
	arch    uint32
	nr      uint64
	args    [6]uint64
}

func ptrace(request, pid int, addr, data uintptr) syscall.Errno {
	_, _, errno := syscall.RawSyscall6(unix.SYS_PTRACE, uintptr(request), uintptr(pid), addr, data, 0, 0)
	return errno
}

// statusField is a line of /proc/PID/status, without its name.
func statusField(pid int, name string) string {
	content, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return ""
	}
	_, after, _ := strings.Cut("\n"+string(content), "\n"+name+":")
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(line)
}

// judge collects what was denied.
type judge struct {
	*whyRun
	handled    unix.LandlockRulesetAttr
	own        identifiers // of the tracing thread, which are those of the command without the sandbox
	tid        int
	users      string // the namespace of users in which the command started
	index      map[denialKey]int
	beyond     map[denialKey]bool
	denied     map[int][]int // what processes that live were denied, by indices
	unhandled  []bool        // by index: a process that it happened to did not exit with 0
	hiddenAt   []string      // the paths of --hide, and of --protect, without symbolic links
	guardedAt  []string
	traceNoted bool
	procNoted  bool
}

// denialKey tells denials apart.
type denialKey struct {
	action                                  action
	call, path, second, address, program    string
	errno                                   syscall.Errno
	family, socketType, protocol, port, pid int
	request                                 uint32
}

// who is the thread that made a call.
func (j *judge) who(pid int) (who identifiers, read bool) {
	who, read = identifiersOf(pid)
	users, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/user")
	who.ownUsers = err == nil && j.users != "" && users != j.users
	pids, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/pid")
	ours, _ := os.Readlink("/proc/self/ns/pid")
	who.otherPIDs = err == nil && pids != ours
	who.terminal = hasTerminal(strconv.Itoa(pid))
	return who, read
}

// hasTerminal tells whether a process has a controlling terminal.
func hasTerminal(process string) bool {
	stat, _ := os.ReadFile("/proc/" + process + "/stat")
	const terminal = 7 - 3 // tty_nr in proc(5), from what follows the name on
	_, after, _ := strings.Cut(string(stat[max(bytes.LastIndexByte(stat, ')'), 0):]), ") ")
	words := strings.Fields(after)
	return len(words) > terminal && words[terminal] != "0"
}

func (j *judge) note(text string) { j.notes = append(j.notes, text) }

// callKind is what a call does with its paths.
type callKind uint8

const (
	callOpen callKind = iota
	callCreat
	callMkdir
	callMknod
	callSymlink
	callLink
	callRename
	callUnlink
	callRmdir
	callTruncate
	callExec
	callAttribute // of what is there already
)

// pathCall is a call that takes a path. The numbers are those of arguments, from 1 on; 0: it has none. Without a path it is about a
// descriptor.
type pathCall struct {
	nr           uint64
	name         string
	kind         callKind
	dir, path    int
	toDir, to    int // of rename, link and symlink
	flags, flag2 int // AT_* flags, or those of open; the mode of open and mknod
}

// privilegedCall is a call that takes a capability, and the errno without it.
type privilegedCall struct {
	nr         uint64
	name       string
	capability uint
	action     action
	flags      uint64 // of the first argument, of which one must be there; 0: it does not matter
}

// peek reads memory of a thread, as far as it can be read.
func peek(pid int, address uint64, size int) []byte {
	const wordSize = 8
	out := make([]byte, 0, size)
	for len(out) < size {
		aligned := address &^ (wordSize - 1)
		var word [wordSize]byte
		if ptrace(unix.PTRACE_PEEKDATA, pid, uintptr(aligned), uintptr(unsafe.Pointer(&word))) != 0 {
			break
		}
		out = append(out, word[address-aligned:]...)
		address = aligned + wordSize
	}
	return out[:min(len(out), size)]
}

// peekString reads a string that a NUL ends. It is no longer than any path that the kernel takes.
func peekString(pid int, address uint64) (s string, read bool) {
	var out []byte
	for address != 0 && len(out) < unix.PathMax {
		// As far as the next page, which may not be there.
		chunk := peek(pid, address, 64-int(address%64))
		for i, c := range chunk {
			if c == 0 {
				return string(append(out, chunk[:i]...)), true
			}
		}
		if len(chunk) == 0 {
			break
		}
		out = append(out, chunk...)
		address += uint64(len(chunk))
	}
	return "", false
}

// identifiers are who a thread is, where that matters for what it may do.
type identifiers struct {
	process    int
	uids, gids [4]int // real, effective, saved, of the file system
	groups     []uint32
	effective  uint64 // capabilities
	terminal   bool   // it has a controlling one
	otherPIDs  bool   // the numbers that it has for processes are not ours
	ownUsers   bool   // it is in another namespace of users
}

// identifiersOf reads them.
func identifiersOf(pid int) (who identifiers, read bool) {
	content, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return who, false
	}
	for line := range strings.Lines(string(content)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		words := strings.Fields(value)
		switch name {
		case "Tgid":
			who.process, _ = strconv.Atoi(words[0])
		case "Uid", "Gid":
			for i := range min(len(words), 4) {
				n, _ := strconv.Atoi(words[i])
				if name == "Uid" {
					who.uids[i] = n
				} else {
					who.gids[i] = n
				}
			}
		case "Groups":
			for _, word := range words {
				n, _ := strconv.ParseUint(word, 10, 32)
				who.groups = append(who.groups, uint32(n))
			}
		case "CapEff":
			who.effective, _ = strconv.ParseUint(words[0], 16, 64)
		}
	}
	return who, true
}

// fileCapabilities are those that override the permissions of files.
const fileCapabilities = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH | 1<<unix.CAP_FOWNER | 1<<unix.CAP_FSETID

// as has f called on this thread as if it were a traced one: with its user, its groups, and no capability over files that it has not got
// either. It tells whether that could be had. The identifiers of a thread are its own.
func (who *identifiers) as(own *identifiers, f func()) bool {
	theirs := who.effective
	if who.ownUsers {
		theirs = 0 // they count in a namespace of users that holds few files
	}
	same := who.uids[3] == own.uids[3] && who.gids[3] == own.gids[3] && equalGroups(who.groups, own.groups)
	if same && own.effective&fileCapabilities&^theirs == 0 {
		f()
		return true
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var before, during [2]unix.CapUserData
	if unix.Capget(&header, &before[0]) != nil {
		return false
	}
	restore := func() {
		_ = unix.Capset(&header, &before[0])
		if !same {
			_, _, _ = syscall.RawSyscall(unix.SYS_SETFSUID, uintptr(own.uids[3]), 0, 0)
			_, _, _ = syscall.RawSyscall(unix.SYS_SETFSGID, uintptr(own.gids[3]), 0, 0)
			setGroups(own.groups)
			_ = unix.Capset(&header, &before[0])
		}
	}
	if !same {
		if setGroups(who.groups) != 0 {
			return false
		}
		_, _, _ = syscall.RawSyscall(unix.SYS_SETFSGID, uintptr(who.gids[3]), 0, 0)
		_, _, _ = syscall.RawSyscall(unix.SYS_SETFSUID, uintptr(who.uids[3]), 0, 0)
		// Both answer with what was before, whether or not it was changed.
		uid, _, _ := syscall.RawSyscall(unix.SYS_SETFSUID, ^uintptr(0), 0, 0)
		gid, _, _ := syscall.RawSyscall(unix.SYS_SETFSGID, ^uintptr(0), 0, 0)
		if int(int32(uid)) != who.uids[3] || int(int32(gid)) != who.gids[3] {
			restore()
			return false
		}
	}
	during = before
	for i := range during {
		files := uint32(fileCapabilities >> (32 * i) & (1<<32 - 1))
		during[i].Effective = during[i].Effective&^files | uint32(theirs>>(32*i))&files&during[i].Permitted
	}
	done := unix.Capset(&header, &during[0]) == nil
	if done {
		f()
	}
	restore()
	return done
}

func equalGroups(a, b []uint32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// setGroups sets the groups of this thread; package syscall would set those of all.
func setGroups(groups []uint32) syscall.Errno {
	_, _, errno := syscall.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(unsafe.SliceData(groups))), 0)
	runtime.KeepAlive(groups)
	return errno
}

// stringsOf are the words or the environment that a program was started with, if they are not excessively long.
func stringsOf(pid int, file string) []string {
	const most = 256 << 10
	opened, err := os.Open("/proc/" + strconv.Itoa(pid) + "/" + file)
	if err != nil {
		return nil
	}
	defer opened.Close()
	content := make([]byte, most)
	n := 0
	for n < most {
		more, err := opened.Read(content[n:])
		if n += more; err != nil || more == 0 {
			break
		}
	}
	return strings.Split(string(content[:n]), "\x00")
}

// executedName is the auxiliary vector's entry of the path that was executed: AT_EXECFN in linux/auxvec.h.
const executedName = 31

// programOf is the base name of the file that a process has executed last: of a script, the script's.
func programOf(pid int) string {
	name := ""
	content, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/auxv")
	for i := 0; i+16 <= len(content); i += 16 {
		if littleEndian(content[i:i+8]) == executedName {
			name, _ = peekString(pid, littleEndian(content[i+8:i+16]))
		}
	}
	name = baseName(name)
	if name == "" || strings.HasPrefix(name, "memfd:") {
		comm, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
		name = strings.TrimSuffix(string(comm), "\n")
	}
	const longest = 64
	return name[:min(len(name), longest)]
}

// littleEndian reads a number of all its bytes.
func littleEndian(b []byte) (n uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		n = n<<8 | uint64(b[i])
	}
	return n
}

// descriptorPath is where the kernel shows a descriptor of a process.
func descriptorPath(pid int, fd int32) string {
	return "/proc/" + strconv.Itoa(pid) + "/fd/" + strconv.Itoa(int(fd))
}
