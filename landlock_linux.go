package main

// Landlock: which rights exist since which ABI, what a policy makes of them on a kernel of a given ABI, and the three
// system calls. This file runs in the restricted context described at the head of launch_linux.go.

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

type class uint8

const (
	classFS    class = iota // landlock_ruleset_attr.handled_access_fs
	classNet                // landlock_ruleset_attr.handled_access_net
	classScope              // landlock_ruleset_attr.scoped
)

// A right is one row of linux/landlock.h. It is handled, which denies it wherever no rule grants it, if the policy restricts
// what it stands for and the kernel's ABI is at least its own.
type right struct {
	value   uint64
	name    string
	abi     int
	class   class
	offline bool // it stands for a part of the network
	local   bool // it stands for AF_UNIX sockets of other programs
	outside bool // it stands for signals to processes outside; otherwise for a part of writing
	lost    bool // below its ABI nothing else denies it; the others the filter denies, or the kernel (refer)
	read    bool // granted beneath "/"
	write   bool // granted beneath writable roots
	file    bool // means something for a file that is not a directory; a rule on one may hold no other (landlock(7))
}

// No rule grants make_char and make_block: root could make a device node in a writable root and open the disk with it.
// None grants resolve_unix: sockets of other programs live in writable roots such as /tmp.
var rights = [...]right{
	{value: unix.LANDLOCK_ACCESS_FS_EXECUTE, name: "execute", abi: 1, read: true, write: true, file: true},
	{value: unix.LANDLOCK_ACCESS_FS_WRITE_FILE, name: "write_file", abi: 1, write: true, file: true},
	{value: unix.LANDLOCK_ACCESS_FS_READ_FILE, name: "read_file", abi: 1, read: true, write: true, file: true},
	{value: unix.LANDLOCK_ACCESS_FS_READ_DIR, name: "read_dir", abi: 1, read: true, write: true},
	{value: unix.LANDLOCK_ACCESS_FS_REMOVE_DIR, name: "remove_dir", abi: 1, write: true},
	{value: unix.LANDLOCK_ACCESS_FS_REMOVE_FILE, name: "remove_file", abi: 1, write: true},
	{value: unix.LANDLOCK_ACCESS_FS_MAKE_CHAR, name: "make_char", abi: 1},
	{value: unix.LANDLOCK_ACCESS_FS_MAKE_DIR, name: "make_dir", abi: 1, write: true},
	{value: unix.LANDLOCK_ACCESS_FS_MAKE_REG, name: "make_reg", abi: 1, write: true},
	{value: unix.LANDLOCK_ACCESS_FS_MAKE_SOCK, name: "make_sock", abi: 1, write: true},
	{value: unix.LANDLOCK_ACCESS_FS_MAKE_FIFO, name: "make_fifo", abi: 1, write: true},
	{value: unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK, name: "make_block", abi: 1},
	{value: unix.LANDLOCK_ACCESS_FS_MAKE_SYM, name: "make_sym", abi: 1, write: true},
	{value: unix.LANDLOCK_ACCESS_FS_REFER, name: "refer", abi: 2, write: true},
	{value: unix.LANDLOCK_ACCESS_FS_TRUNCATE, name: "truncate", abi: 3, write: true, file: true},
	{value: unix.LANDLOCK_ACCESS_FS_IOCTL_DEV, name: "ioctl_dev", abi: 5, lost: true, write: true, file: true},
	{value: unix.LANDLOCK_ACCESS_FS_RESOLVE_UNIX, name: "resolve_unix", abi: 9, local: true, file: true},
	{value: unix.LANDLOCK_ACCESS_NET_BIND_TCP, name: "bind_tcp", abi: 4, class: classNet, offline: true},
	{value: unix.LANDLOCK_ACCESS_NET_CONNECT_TCP, name: "connect_tcp", abi: 4, class: classNet, offline: true},
	{value: unix.LANDLOCK_ACCESS_NET_BIND_UDP, name: "bind_udp", abi: 10, class: classNet, offline: true},
	{value: unix.LANDLOCK_ACCESS_NET_CONNECT_SEND_UDP, name: "connect_send_udp", abi: 10, class: classNet, offline: true},
	{value: unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET, name: "abstract_unix_socket", abi: 6, class: classScope, local: true},
	{value: unix.LANDLOCK_SCOPE_SIGNAL, name: "signal", abi: 6, class: classScope, outside: true, lost: true},
}

// ruleset is what to handle, and what a rule allows beneath each kind of path.
type ruleset struct {
	handled   unix.LandlockRulesetAttr
	read      uint64 // beneath "/"
	write     uint64 // beneath a writable root that is a directory
	writeFile uint64 // on one that is not, and on /dev/null
	list      uint64 // beneath a path of --list
	unix      uint64 // beneath a path of --unix
}

// rulesetSize is that of landlock_ruleset_attr since ABI 6. Every kernel takes it: an older one whose structure is shorter
// checks that the rest is zero (copy_struct_from_user in the kernel's include/linux/uaccess.h), and it is, because a
// right of a later ABI is never handled.
const rulesetSize = 24

// ruleNetPort is LANDLOCK_RULE_NET_PORT (linux/landlock.h), since ABI 4.
const ruleNetPort = 2

// firstPorts is the ABI from which Landlock knows the ports of TCP.
const firstPorts = 4

var (
	_ = [1]struct{}{}[unsafe.Offsetof(unix.LandlockRulesetAttr{}.Handled_access_net)-8]
	_ = [1]struct{}{}[unsafe.Offsetof(unix.LandlockRulesetAttr{}.Scoped)-16]
	_ = [1]struct{}{}[unsafe.Offsetof(unix.LandlockPathBeneathAttr{}.Parent_fd)-8]
	_ = [1]struct{}{}[unsafe.Sizeof(unix.LandlockPathBeneathAttr{}.Parent_fd)-4]
)

// newRuleset decides what the policy needs of a kernel of that ABI. An ABI newer than the table is the newest in it.
//
// A policy that leaves writes alone handles no filesystem right, resolve_unix included: a domain that handles any also
// forbids mount(2) and linking across directories.
func newRuleset(p *policy, abi int) (r ruleset) {
	for i := range rights {
		t := &rights[i]
		if abi < t.abi || !t.asked(p) {
			continue
		}
		switch t.class {
		case classFS:
			r.handled.Handled_access_fs |= t.value
		case classNet:
			r.handled.Handled_access_net |= t.value
		case classScope:
			r.handled.Scoped |= t.value
		}
		if t.local && t.class == classFS {
			r.unix |= t.value
		}
		if t.read {
			r.read |= t.value
		}
		if t.write {
			r.write |= t.value
			if t.file {
				r.writeFile |= t.value
			}
		}
	}
	r.list = r.read & unix.LANDLOCK_ACCESS_FS_READ_DIR
	return r
}

// asked tells whether the policy restricts what the right stands for.
func (t *right) asked(p *policy) bool {
	switch {
	case t.outside:
		return p.ownProcesses()
	case t.local:
		return p.closesUnix() && (p.restrictWrites || t.class != classFS)
	}
	return (!p.opensIP() || !t.offline) && (p.restrictWrites || t.class != classFS)
}

// lost returns the index in rights of one that the policy asks for and that a kernel of that ABI leaves open; -1: there is none.
func lost(p *policy, abi int) int {
	for i := range rights {
		if t := &rights[i]; t.lost && abi < t.abi && t.asked(p) {
			return i
		}
	}
	return -1
}

// logsExec is the ABI from which Landlock can log the denials of a program that was executed after it was enforced.
const logsExec = 7

// restrictFlags are those of landlock_restrict_self(2) that the policy asks for.
func restrictFlags(p *policy, abi int) uintptr {
	if p.log && abi >= logsExec {
		return unix.LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON
	}
	return 0
}

// empty tells whether there is nothing to handle; the kernel refuses such a ruleset.
func (r *ruleset) empty() bool {
	return r.handled.Handled_access_fs|r.handled.Handled_access_net|r.handled.Scoped == 0
}

// landlockABI asks the kernel for its Landlock ABI. ENOSYS: it is built without; EOPNOTSUPP: it was disabled at boot.
func landlockABI() (abi int, errno syscall.Errno) {
	abi, errno = result(systemCall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION, 0, 0))
	if errno == 0 && abi <= 0 {
		errno = unix.EPROTO // the first ABI is 1
	}
	return max(abi, 0), errno
}

// createRuleset returns a close-on-exec descriptor that the caller owns.
func createRuleset(attr unix.LandlockRulesetAttr) (fd int, errno syscall.Errno) {
	shared().ruleset = attr
	return result(systemCall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&shared().ruleset)), rulesetSize, 0, 0, 0))
}

// addRule allows access beneath the file that the descriptor parent refers to. Its answer is for exactlyZero. EINVAL: access
// holds a right that does not apply to that file; EBADFD: the file is in no file system that Landlock restricts.
func addRule(ruleset, parent int, access uint64) uintptr {
	shared().rule = unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(parent)}
	return systemCall(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&shared().rule)), 0, 0)
}

// addPort allows TCP connections to a port.
func addPort(ruleset, port int) syscall.Errno {
	shared().port = netPortAttr{unix.LANDLOCK_ACCESS_NET_CONNECT_TCP, uint64(port)}
	return exactlyZero(systemCall(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), ruleNetPort,
		uintptr(unsafe.Pointer(&shared().port)), 0, 0))
}

// restrictSelf enforces the ruleset on the calling thread. E2BIG: 16 domains are stacked already.
func restrictSelf(ruleset int, flags uintptr) syscall.Errno {
	return exactlyZero(systemCall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(ruleset), flags, 0, 0, 0))
}
