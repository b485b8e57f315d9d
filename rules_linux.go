package main

// The rules of the filter: which system calls are not simply allowed, when, and what becomes of them. This file runs in the
// restricted context described at the head of launch_linux.go.

import "golang.org/x/sys/unix"

const (
	restricted config = 1 << iota // always: there is no filter otherwise
	offline                       // sockets are AF_UNIX only
	strict                        // they can be made and used with read, write, recv and send, no more
	local                         // local IPC that nothing but the filter keeps inside
	ip                            // snib's own --network: internet and netlink sockets
	ports                         // --connect: TCP sockets that connect to ports that Landlock knows
	pairs                         // with ip or ports: AF_UNIX only in connected pairs; nothing but the filter keeps it inside
	noTracing                     // nothing but the filter keeps the command from the memory of other processes
	noTraceMe                     // Landlock does, but the command's caller must not be made its tracer
	ownOnly                       // signals and resource limits of the command's own processes only
	writes                        // writes are restricted
	truncation                    // writes are restricted, and truncation is not a Landlock right yet (before ABI 3)
)

// filterConfig decides which conditions hold for a policy on a kernel of that Landlock ABI (0: there is no Landlock), in or
// without a Landlock domain.
func filterConfig(p *policy, abi int, domain bool) config {
	c := restricted
	inside := p.unixAll || p.restrictWrites && abi >= confinesUnix // AF_UNIX needs no keeping inside, or Landlock does it
	switch p.network {
	case networkStrict:
		c |= offline | strict | noTracing
	case networkLocal:
		c |= offline
		if !inside {
			c |= local
		}
		if !domain {
			c |= noTracing
		}
	default:
		if p.network == networkPorts {
			c |= ports
		} else if p.grammar == snibOptions {
			c |= ip
		}
		if c&(ip|ports) != 0 && !inside {
			c |= pairs
		}
	}
	if p.ownProcesses() {
		c |= ownOnly
	}
	if c&noTracing == 0 && (p.ownProcesses() || p.network == networkLocal && p.grammar != snibOptions) {
		c |= noTraceMe
	}
	if p.restrictWrites {
		c |= writes
		if abi < 3 {
			c |= truncation
		}
	}
	return c
}

// confinesUnix is the ABI from which Landlock keeps AF_UNIX clients inside the sandbox, by path and by abstract name.
const confinesUnix = 9

// config is the set of conditions that hold for one filter.
type config uint16

// verdict is what becomes of a call.
type verdict uint8

const (
	deny         verdict = iota // EPERM
	absent                      // ENOSYS: the caller falls back to a call that can be checked
	noProtocol                  // EPROTONOSUPPORT: the caller falls back to TCP
	notSupported                // EOPNOTSUPP: the caller does without
	kill
	allow
	verdictCount
)

// returns are the filter's return values (SECCOMP_RET_* in linux/seccomp.h).
var returns = [verdictCount]uint32{
	deny:         unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM),
	absent:       unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS),
	noProtocol:   unix.SECCOMP_RET_ERRNO | uint32(unix.EPROTONOSUPPORT),
	notSupported: unix.SECCOMP_RET_ERRNO | uint32(unix.EOPNOTSUPP),
	kill:         unix.SECCOMP_RET_KILL_PROCESS,
	allow:        unix.SECCOMP_RET_ALLOW,
}

// A rule gives a call its verdict (deny, where none is named) if one of the conditions in when holds and both checks of its
// arguments do. A check that is left out holds. Of the rules for one call, which stand together, the first that holds counts.
// Calls with checks stand first and are compared first, because the filter runs for them each time; since 5.11 the kernel does not run
// it for a call whose number alone is allowed.
type rule struct {
	name    string
	nr      uint32
	when    config
	verdict verdict
	checks  [2]check
}

// check is a condition on an argument: its low 32 bits, which are all that the kernel takes of an integer, under the mask;
// a mask of 0 masks nothing. A pointer (notNull) is compared in both halves.
type check struct {
	arg    uint32
	is     relation
	mask   uint32
	values []constant
}

type relation uint8

const (
	unchecked relation = iota
	oneOf
	noneOf
	notNull
)

type constant struct {
	value uint32
	name  string
}

var (
	unixDomain = []constant{{unix.AF_UNIX, "AF_UNIX"}}
	unixTypes  = []constant{{unix.SOCK_STREAM, "SOCK_STREAM"}, {unix.SOCK_SEQPACKET, "SOCK_SEQPACKET"}}
	inet       = []constant{{unix.AF_INET, "AF_INET"}, {unix.AF_INET6, "AF_INET6"}}
	inetUnix   = []constant{{unix.AF_INET, "AF_INET"}, {unix.AF_INET6, "AF_INET6"}, {unix.AF_UNIX, "AF_UNIX"}}
	ipAndUnix  = []constant{{unix.AF_INET, "AF_INET"}, {unix.AF_INET6, "AF_INET6"}, {unix.AF_NETLINK, "AF_NETLINK"}, {unix.AF_UNIX, "AF_UNIX"}}
	streamType = []constant{{unix.SOCK_STREAM, "SOCK_STREAM"}}
	tcp        = []constant{{0, "0"}, {unix.IPPROTO_TCP, "IPPROTO_TCP"}}
	fastOpen   = []constant{{unix.MSG_FASTOPEN, "MSG_FASTOPEN"}}
	tcpLevel   = []constant{{unix.SOL_TCP, "SOL_TCP"}}
	tcpULP     = []constant{{unix.TCP_ULP, "TCP_ULP"}}
	setUID     = []constant{{unix.S_ISUID, "S_ISUID"}}
	traceMe    = []constant{{unix.PTRACE_TRACEME, "PTRACE_TRACEME"}}
	zero       = []constant{{0, "0"}}
	userSock   = []constant{{unix.NETLINK_USERSOCK, "NETLINK_USERSOCK"}}
	netlink    = []constant{{unix.AF_NETLINK, "AF_NETLINK"}}
	setOwner   = []constant{{unix.F_SETOWN, "F_SETOWN"}}
	ownerOrSig = []constant{{unix.F_SETOWN_EX, "F_SETOWN_EX"}, {10, "F_SETSIG"}}                           // asm-generic/fcntl.h
	signalling = []constant{{0x8901, "FIOSETOWN"}, {unix.SIOCSPGRP, "SIOCSPGRP"}, {0x40045436, "TIOCSIG"}} // asm-generic/sockios.h, ioctls.h
	negative   = []constant{{1 << 31, "1<<31"}}
	ofCaller   = []constant{{unix.CLONE_PARENT, "CLONE_PARENT"}}
	emptyMount = []constant{{1 << 20, "UNSHARE_EMPTY_MNTNS"}} // linux/sched.h, since 7.1

	// O_TRUNC with an access mode that does not write. Mode 3 is one: it opens for ioctl(2) only (open(2)), which Landlock
	// takes for neither reading nor writing.
	truncations = []constant{{unix.O_TRUNC | unix.O_RDONLY, "O_TRUNC"}, {unix.O_TRUNC | unix.O_ACCMODE, "O_TRUNC|3"}}

	typing = []constant{{unix.TIOCSTI, "TIOCSTI"}, {unix.TIOCLINUX, "TIOCLINUX"}}
	tunnel = []constant{{unix.TUNSETIFF, "TUNSETIFF"}} // sends packets; the owner of a device needs no capability

	// The types (bits 8 to 15) of requests that change a file or a file system through a descriptor that is open for reading
	// only, and the requests of these types that leave contents alone, or want a descriptor that is open for writing.
	fileTypes   = []constant{{0x9400, "btrfs"}, {'f' << 8, "'f'"}, {'X' << 8, "'X'"}, {0xf500, "f2fs"}, {0xbc00, "bcachefs"}}
	fileReaders = []constant{
		{unix.FICLONE, "FICLONE"},
		{unix.FICLONERANGE, "FICLONERANGE"},
		{unix.FIDEDUPERANGE, "FIDEDUPERANGE"},
		{unix.FS_IOC_GETFLAGS, "FS_IOC_GETFLAGS"},
		{0x801c581f, "FS_IOC_FSGETXATTR"},  // linux/fs.h
		{0xc020660b, "FS_IOC_FIEMAP"},      // linux/fiemap.h
		{0x81009431, "FS_IOC_GETFSLABEL"},  // linux/fs.h
		{0x8008662c, "EXT4_IOC_GETFSUUID"}, // linux/ext4.h
		{unix.FS_IOC_GET_ENCRYPTION_POLICY, "FS_IOC_GET_ENCRYPTION_POLICY"},
		{unix.FS_IOC_GET_ENCRYPTION_POLICY_EX, "FS_IOC_GET_ENCRYPTION_POLICY_EX"},
		{unix.FS_IOC_GET_ENCRYPTION_NONCE, "FS_IOC_GET_ENCRYPTION_NONCE"},
		{unix.FS_IOC_MEASURE_VERITY, "FS_IOC_MEASURE_VERITY"},
		{0xc0606610, "PAGEMAP_SCAN"}, // linux/fs.h, for files of /proc, and so the next
		{0xc0686611, "PROCMAP_QUERY"},
	}

	// The same of other types, which devices share.
	fileRequests = []constant{
		{0x40087602, "FS_IOC_SETVERSION"},        // linux/fs.h
		{0x40047211, "FAT_IOCTL_SET_ATTRIBUTES"}, // linux/msdos_fs.h
		{0x40046f01, "OCFS2_IOC_GROUP_EXTEND"},   // fs/ocfs2/ocfs2_ioctl.h, and so the next
		{0x40186f02, "OCFS2_IOC_GROUP_ADD"},
		{0x40186f03, "OCFS2_IOC_GROUP_ADD64"},
		{0x40186f04, "OCFS2_IOC_REFLINK"},
		{0x40406f06, "OCFS2_IOC_MOVE_EXT"},
		{0x40289702, "CEPH_IOC_SET_LAYOUT"}, // fs/ceph/ioctl.h, and so the next
		{0x40289705, "CEPH_IOC_SET_LAYOUT_POLICY"},
		{0x0000cf04, "CIFS_IOC_SET_INTEGRITY"}, // fs/smb/client/cifs_ioctl.h
		{0x40088302, "ZFS_IOC_SETDOSFLAGS"},    // sys/fs/zfs.h of OpenZFS
	}
)

const (
	sockTypeMask    = 0xf    // SOCK_TYPE_MASK in linux/net.h; the rest is SOCK_CLOEXEC and SOCK_NONBLOCK
	requestTypeMask = 0xff00 // _IOC_TYPEMASK << _IOC_TYPESHIFT in asm-generic/ioctl.h
	truncationMask  = unix.O_TRUNC | unix.O_ACCMODE
	creationMask    = unix.O_CREAT | unix.O_TMPFILE&^unix.O_DIRECTORY // with none of these the mode means nothing (open(2))
)

// rules are what both architectures have; archRules (syscalls_*.go) go before them.
var rules = [...]rule{
	// Terminals, files and file systems by requests.
	{name: "ioctl", nr: unix.SYS_IOCTL, when: restricted, checks: [2]check{{arg: 1, is: oneOf, values: typing}}},
	{name: "ioctl", nr: unix.SYS_IOCTL, when: offline | ports, checks: [2]check{{arg: 1, is: oneOf, values: tunnel}}},
	{name: "ioctl", nr: unix.SYS_IOCTL, when: ownOnly, checks: [2]check{{arg: 1, is: oneOf, values: signalling}}},
	{name: "ioctl", nr: unix.SYS_IOCTL, when: writes, checks: [2]check{{arg: 1, is: oneOf, mask: requestTypeMask, values: fileTypes}, {arg: 1, is: noneOf, values: fileReaders}}},
	{name: "ioctl", nr: unix.SYS_IOCTL, when: writes, checks: [2]check{{arg: 1, is: oneOf, values: fileRequests}}},

	// Sockets. A datagram socket can name a receiver in sendmsg; sendto without an address is send. Of the internet's stream
	// protocols Landlock knows TCP alone; to send with MSG_FASTOPEN is to connect, and TCP_ULP can make SMC of a socket. Other programs
	// read from NETLINK_USERSOCK.
	{name: "socket", nr: unix.SYS_SOCKET, when: offline, checks: [2]check{{arg: 0, is: noneOf, values: unixDomain}}},
	{name: "socket", nr: unix.SYS_SOCKET, when: local, checks: [2]check{{arg: 1, is: noneOf, mask: sockTypeMask, values: unixTypes}}},
	{name: "socket", nr: unix.SYS_SOCKET, when: ip, checks: [2]check{{arg: 0, is: noneOf, values: ipAndUnix}}},
	{name: "socket", nr: unix.SYS_SOCKET, when: ip, checks: [2]check{{arg: 0, is: oneOf, values: netlink}, {arg: 2, is: oneOf, values: userSock}}},
	{name: "socket", nr: unix.SYS_SOCKET, when: ports, checks: [2]check{{arg: 0, is: noneOf, values: inetUnix}}},
	{name: "socket", nr: unix.SYS_SOCKET, when: pairs, checks: [2]check{{arg: 0, is: oneOf, values: unixDomain}}},
	{name: "socket", nr: unix.SYS_SOCKET, when: ports, checks: [2]check{{arg: 0, is: oneOf, values: inet}, {arg: 1, is: noneOf, mask: sockTypeMask, values: streamType}}},
	{name: "socket", nr: unix.SYS_SOCKET, when: ports, verdict: noProtocol, checks: [2]check{{arg: 0, is: oneOf, values: inet}, {arg: 2, is: noneOf, values: tcp}}},
	{name: "socketpair", nr: unix.SYS_SOCKETPAIR, when: offline | ip | ports, checks: [2]check{{arg: 0, is: noneOf, values: unixDomain}}},
	{name: "socketpair", nr: unix.SYS_SOCKETPAIR, when: local | pairs, checks: [2]check{{arg: 1, is: noneOf, mask: sockTypeMask, values: unixTypes}}},
	{name: "sendto", nr: unix.SYS_SENDTO, when: strict | local, checks: [2]check{{arg: 4, is: notNull}}},
	{name: "sendto", nr: unix.SYS_SENDTO, when: ports, checks: [2]check{{arg: 3, is: oneOf, mask: unix.MSG_FASTOPEN, values: fastOpen}}},
	{name: "sendmsg", nr: unix.SYS_SENDMSG, when: strict},
	{name: "sendmsg", nr: unix.SYS_SENDMSG, when: ports, checks: [2]check{{arg: 2, is: oneOf, mask: unix.MSG_FASTOPEN, values: fastOpen}}},
	{name: "sendmmsg", nr: unix.SYS_SENDMMSG, when: strict},
	{name: "sendmmsg", nr: unix.SYS_SENDMMSG, when: ports, checks: [2]check{{arg: 3, is: oneOf, mask: unix.MSG_FASTOPEN, values: fastOpen}}},
	{name: "setsockopt", nr: unix.SYS_SETSOCKOPT, when: strict},
	{name: "setsockopt", nr: unix.SYS_SETSOCKOPT, when: ports, checks: [2]check{{arg: 1, is: oneOf, values: tcpLevel}, {arg: 2, is: oneOf, values: tcpULP}}},

	// Truncation without opening for writing, which Landlock does not see before ABI 3.
	{name: "openat", nr: unix.SYS_OPENAT, when: truncation, checks: [2]check{{arg: 2, is: oneOf, mask: truncationMask, values: truncations}}},

	// A file's owner can have others run it with the owner's rights. openat2 and clone3 have what matters in memory, where a filter
	// cannot look.
	{name: "openat", nr: unix.SYS_OPENAT, when: writes, checks: [2]check{{arg: 2, is: noneOf, mask: creationMask, values: zero}, {arg: 3, is: oneOf, mask: unix.S_ISUID, values: setUID}}},
	{name: "mknodat", nr: unix.SYS_MKNODAT, when: writes, checks: [2]check{{arg: 2, is: oneOf, mask: unix.S_ISUID, values: setUID}}},
	{name: "fchmod", nr: unix.SYS_FCHMOD, when: writes, checks: [2]check{{arg: 1, is: oneOf, mask: unix.S_ISUID, values: setUID}}},
	{name: "fchmodat", nr: unix.SYS_FCHMODAT, when: writes, checks: [2]check{{arg: 2, is: oneOf, mask: unix.S_ISUID, values: setUID}}},
	{name: "fchmodat2", nr: unix.SYS_FCHMODAT2, when: writes, checks: [2]check{{arg: 2, is: oneOf, mask: unix.S_ISUID, values: setUID}}},

	// An empty mount namespace has no mount points: what --protect keeps by a mount could be renamed and removed there.
	{name: "unshare", nr: unix.SYS_UNSHARE, when: writes, checks: [2]check{{arg: 0, is: oneOf, mask: 1 << 20, values: emptyMount}}},

	// Other processes. On some kernels from Linux 6.15 to 7.0 the signal that a process group gets as the owner of a descriptor
	// passes Landlock's scope. A limit of 0 seconds of CPU time kills any process of the user; a child of the caller's is what its
	// wait(2) finds in the command's place; and clone3 can put a process into any cgroup whose directory can be opened.
	{name: "clone", nr: unix.SYS_CLONE, when: noTracing | noTraceMe, checks: [2]check{{arg: 0, is: oneOf, mask: unix.CLONE_PARENT, values: ofCaller}}},
	{name: "fcntl", nr: unix.SYS_FCNTL, when: ownOnly, checks: [2]check{{arg: 1, is: oneOf, values: setOwner}, {arg: 2, is: oneOf, mask: 1 << 31, values: negative}}},
	{name: "fcntl", nr: unix.SYS_FCNTL, when: ownOnly, checks: [2]check{{arg: 1, is: oneOf, values: ownerOrSig}}},
	{name: "prlimit64", nr: unix.SYS_PRLIMIT64, when: ownOnly, checks: [2]check{{arg: 0, is: noneOf, values: zero}, {arg: 2, is: notNull}}},
	{name: "ptrace", nr: unix.SYS_PTRACE, when: noTraceMe, checks: [2]check{{arg: 0, is: oneOf, values: traceMe}}},
	{name: "ptrace", nr: unix.SYS_PTRACE, when: noTracing},
	{name: "process_vm_readv", nr: unix.SYS_PROCESS_VM_READV, when: noTracing},
	{name: "process_vm_writev", nr: unix.SYS_PROCESS_VM_WRITEV, when: noTracing},
	{name: "pidfd_getfd", nr: unix.SYS_PIDFD_GETFD, when: noTracing},

	{name: "clone3", nr: unix.SYS_CLONE3, when: restricted, verdict: absent},

	{name: "connect", nr: unix.SYS_CONNECT, when: strict | local},
	{name: "bind", nr: unix.SYS_BIND, when: strict | local | ports},
	{name: "listen", nr: unix.SYS_LISTEN, when: strict | local | ports},
	{name: "accept", nr: unix.SYS_ACCEPT, when: strict | local | ports},
	{name: "accept4", nr: unix.SYS_ACCEPT4, when: strict | local | ports},
	{name: "recvmsg", nr: unix.SYS_RECVMSG, when: strict},
	{name: "recvmmsg", nr: unix.SYS_RECVMMSG, when: strict},
	{name: "getsockname", nr: unix.SYS_GETSOCKNAME, when: strict},
	{name: "getpeername", nr: unix.SYS_GETPEERNAME, when: strict},
	{name: "getsockopt", nr: unix.SYS_GETSOCKOPT, when: strict},
	{name: "shutdown", nr: unix.SYS_SHUTDOWN, when: strict},

	// It makes sockets and opens files without system calls, and sends commands to disks past Landlock's right to ioctls.
	{name: "io_uring_setup", nr: unix.SYS_IO_URING_SETUP, when: restricted},
	{name: "io_uring_enter", nr: unix.SYS_IO_URING_ENTER, when: restricted},
	{name: "io_uring_register", nr: unix.SYS_IO_URING_REGISTER, when: restricted},

	{name: "truncate", nr: unix.SYS_TRUNCATE, when: truncation},
	{name: "openat2", nr: unix.SYS_OPENAT2, when: writes, verdict: absent},

	// A mount that is attached nowhere is a way around Landlock's paths: overlayfs writes to its layers, NFS connects. A user
	// namespace gives the capability. With the network off, mount is one for NFS alone; Landlock denies it where it restricts
	// files.
	{name: "mount", nr: unix.SYS_MOUNT, when: offline | ports},
	{name: "open_tree", nr: unix.SYS_OPEN_TREE, when: offline | ports | writes},
	{name: "move_mount", nr: unix.SYS_MOVE_MOUNT, when: offline | ports | writes},
	{name: "fsopen", nr: unix.SYS_FSOPEN, when: offline | ports | writes},
	{name: "fsconfig", nr: unix.SYS_FSCONFIG, when: offline | ports | writes},
	{name: "fsmount", nr: unix.SYS_FSMOUNT, when: offline | ports | writes},
	{name: "fspick", nr: unix.SYS_FSPICK, when: offline | ports | writes},
	{name: "mount_setattr", nr: unix.SYS_MOUNT_SETATTR, when: writes},
	{name: "open_tree_attr", nr: unix.SYS_OPEN_TREE_ATTR, when: writes},

	// Files without a path. Landlock judges what a handle leads to by the root of its mount, which may be a writable root; a
	// message queue is made although mq_open answers EACCES, and messages are taken by a descriptor that is open for reading.
	{name: "open_by_handle_at", nr: unix.SYS_OPEN_BY_HANDLE_AT, when: writes},
	{name: "mq_open", nr: unix.SYS_MQ_OPEN, when: writes},
	{name: "mq_unlink", nr: unix.SYS_MQ_UNLINK, when: writes},
	{name: "mq_timedsend", nr: unix.SYS_MQ_TIMEDSEND, when: writes},
	{name: "mq_timedreceive", nr: unix.SYS_MQ_TIMEDRECEIVE, when: writes},
	{name: "mq_notify", nr: unix.SYS_MQ_NOTIFY, when: writes},

	// Extended attributes and inode flags, for which Landlock has no right.
	{name: "setxattr", nr: unix.SYS_SETXATTR, when: writes, verdict: notSupported},
	{name: "lsetxattr", nr: unix.SYS_LSETXATTR, when: writes, verdict: notSupported},
	{name: "fsetxattr", nr: unix.SYS_FSETXATTR, when: writes, verdict: notSupported},
	{name: "setxattrat", nr: unix.SYS_SETXATTRAT, when: writes, verdict: notSupported},
	{name: "removexattr", nr: unix.SYS_REMOVEXATTR, when: writes, verdict: notSupported},
	{name: "lremovexattr", nr: unix.SYS_LREMOVEXATTR, when: writes, verdict: notSupported},
	{name: "fremovexattr", nr: unix.SYS_FREMOVEXATTR, when: writes, verdict: notSupported},
	{name: "removexattrat", nr: unix.SYS_REMOVEXATTRAT, when: writes, verdict: notSupported},
	{name: "file_setattr", nr: unix.SYS_FILE_SETATTR, when: writes, verdict: notSupported},

	// A namespace that is found as a file leads out of one that was made for the command; keys are the user's, not the
	// command's; and bpf and perf_event_open look into the kernel.
	{name: "setns", nr: unix.SYS_SETNS, when: restricted},
	{name: "add_key", nr: unix.SYS_ADD_KEY, when: restricted},
	{name: "request_key", nr: unix.SYS_REQUEST_KEY, when: restricted},
	{name: "keyctl", nr: unix.SYS_KEYCTL, when: restricted},
	{name: "bpf", nr: unix.SYS_BPF, when: restricted},
	{name: "perf_event_open", nr: unix.SYS_PERF_EVENT_OPEN, when: restricted},
}
