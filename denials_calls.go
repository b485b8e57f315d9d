package main

// The system calls that --why knows: which of their arguments are paths, and which capability they take.

import "golang.org/x/sys/unix"

// pathCalls are those that both architectures have; archPathCalls (why_calls_*.go) are the others.
var pathCalls = []pathCall{
	{nr: unix.SYS_OPENAT, name: "openat", kind: callOpen, dir: 1, path: 2, flags: 3, flag2: 4},
	{nr: unix.SYS_MKDIRAT, name: "mkdirat", kind: callMkdir, dir: 1, path: 2},
	{nr: unix.SYS_MKNODAT, name: "mknodat", kind: callMknod, dir: 1, path: 2, flag2: 3},
	{nr: unix.SYS_SYMLINKAT, name: "symlinkat", kind: callSymlink, toDir: 2, to: 3},
	{nr: unix.SYS_LINKAT, name: "linkat", kind: callLink, dir: 1, path: 2, toDir: 3, to: 4, flags: 5},
	{nr: unix.SYS_RENAMEAT, name: "renameat", kind: callRename, dir: 1, path: 2, toDir: 3, to: 4},
	{nr: unix.SYS_RENAMEAT2, name: "renameat2", kind: callRename, dir: 1, path: 2, toDir: 3, to: 4, flags: 5},
	{nr: unix.SYS_UNLINKAT, name: "unlinkat", kind: callUnlink, dir: 1, path: 2, flags: 3},
	{nr: unix.SYS_TRUNCATE, name: "truncate", kind: callTruncate, path: 1},
	{nr: unix.SYS_EXECVE, name: "execve", kind: callExec, path: 1},
	{nr: unix.SYS_EXECVEAT, name: "execveat", kind: callExec, dir: 1, path: 2, flags: 5},
	{nr: unix.SYS_FCHMOD, name: "fchmod", kind: callAttribute, dir: 1},
	{nr: unix.SYS_FCHMODAT, name: "fchmodat", kind: callAttribute, dir: 1, path: 2},
	{nr: unix.SYS_FCHMODAT2, name: "fchmodat2", kind: callAttribute, dir: 1, path: 2, flags: 4},
	{nr: unix.SYS_FCHOWN, name: "fchown", kind: callAttribute, dir: 1},
	{nr: unix.SYS_FCHOWNAT, name: "fchownat", kind: callAttribute, dir: 1, path: 2, flags: 5},
	{nr: unix.SYS_UTIMENSAT, name: "utimensat", kind: callAttribute, dir: 1, path: 2, flags: 4},
	{nr: unix.SYS_SETXATTR, name: "setxattr", kind: callAttribute, path: 1},
	{nr: unix.SYS_LSETXATTR, name: "lsetxattr", kind: callAttribute, path: 1},
	{nr: unix.SYS_FSETXATTR, name: "fsetxattr", kind: callAttribute, dir: 1},
	{nr: unix.SYS_SETXATTRAT, name: "setxattrat", kind: callAttribute, dir: 1, path: 2, flags: 3},
	{nr: unix.SYS_REMOVEXATTR, name: "removexattr", kind: callAttribute, path: 1},
	{nr: unix.SYS_LREMOVEXATTR, name: "lremovexattr", kind: callAttribute, path: 1},
	{nr: unix.SYS_FREMOVEXATTR, name: "fremovexattr", kind: callAttribute, dir: 1},
	{nr: unix.SYS_REMOVEXATTRAT, name: "removexattrat", kind: callAttribute, dir: 1, path: 2, flags: 3},
	{nr: unix.SYS_FILE_SETATTR, name: "file_setattr", kind: callAttribute, dir: 1, path: 2, flags: 5},
}

func pathCallOf(nr uint64) *pathCall {
	for _, table := range [][]pathCall{archPathCalls, pathCalls} {
		for i := range table {
			if table[i].nr == nr {
				return &table[i]
			}
		}
	}
	return nil
}

// callName is the name of a call, of those that can be denied; another has its number.
func callName(nr uint64) string {
	if c := pathCallOf(nr); c != nil {
		return c.name
	}
	for _, table := range [][]rule{archRules, rules[:]} {
		for i := range table {
			if uint64(table[i].nr) == nr {
				return table[i].name
			}
		}
	}
	for _, table := range [][]privilegedCall{archPrivilegedCalls, privilegedCalls} {
		for i := range table {
			if table[i].nr == nr {
				return table[i].name
			}
		}
	}
	return otherCalls[nr]
}

// otherCalls are the names of those that no table has.
var otherCalls = map[uint64]string{
	unix.SYS_KILL: "kill", unix.SYS_TKILL: "tkill", unix.SYS_TGKILL: "tgkill", unix.SYS_RT_SIGQUEUEINFO: "rt_sigqueueinfo",
	unix.SYS_RT_TGSIGQUEUEINFO: "rt_tgsigqueueinfo", unix.SYS_PIDFD_SEND_SIGNAL: "pidfd_send_signal",
}

const namespaceFlags = unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWTIME

// privilegedCalls are those by which root notices that it has lost capabilities. Those of the filter stand here as well: whoever lacks the
// capability would have been denied anyway.
var privilegedCalls = []privilegedCall{
	{unix.SYS_MOUNT, "mount", unix.CAP_SYS_ADMIN, actMount, 0},
	{unix.SYS_UMOUNT2, "umount2", unix.CAP_SYS_ADMIN, actMount, 0},
	{unix.SYS_PIVOT_ROOT, "pivot_root", unix.CAP_SYS_ADMIN, actMount, 0},
	{unix.SYS_MOVE_MOUNT, "move_mount", unix.CAP_SYS_ADMIN, actMount, 0},
	{unix.SYS_FSOPEN, "fsopen", unix.CAP_SYS_ADMIN, actMount, 0},
	{unix.SYS_FSCONFIG, "fsconfig", unix.CAP_SYS_ADMIN, actMount, 0},
	{unix.SYS_FSMOUNT, "fsmount", unix.CAP_SYS_ADMIN, actMount, 0},
	{unix.SYS_FSPICK, "fspick", unix.CAP_SYS_ADMIN, actMount, 0},
	{unix.SYS_MOUNT_SETATTR, "mount_setattr", unix.CAP_SYS_ADMIN, actMount, 0},
	{unix.SYS_OPEN_TREE_ATTR, "open_tree_attr", unix.CAP_SYS_ADMIN, actMount, 0},
	{unix.SYS_OPEN_BY_HANDLE_AT, "open_by_handle_at", unix.CAP_DAC_READ_SEARCH, actOther, 0},
	{unix.SYS_SETNS, "setns", unix.CAP_SYS_ADMIN, actOther, 0},
	{unix.SYS_UNSHARE, "unshare", unix.CAP_SYS_ADMIN, actOther, namespaceFlags},
	{unix.SYS_CLONE, "clone", unix.CAP_SYS_ADMIN, actOther, namespaceFlags},
	{unix.SYS_SETHOSTNAME, "sethostname", unix.CAP_SYS_ADMIN, actOther, 0},
	{unix.SYS_SETDOMAINNAME, "setdomainname", unix.CAP_SYS_ADMIN, actOther, 0},
	{unix.SYS_SWAPON, "swapon", unix.CAP_SYS_ADMIN, actOther, 0},
	{unix.SYS_SWAPOFF, "swapoff", unix.CAP_SYS_ADMIN, actOther, 0},
	{unix.SYS_QUOTACTL, "quotactl", unix.CAP_SYS_ADMIN, actOther, 0},
	{unix.SYS_FANOTIFY_INIT, "fanotify_init", unix.CAP_SYS_ADMIN, actOther, 0},
	{unix.SYS_SETTIMEOFDAY, "settimeofday", unix.CAP_SYS_TIME, actOther, 0},
	{unix.SYS_CLOCK_SETTIME, "clock_settime", unix.CAP_SYS_TIME, actOther, 0},
	{unix.SYS_ADJTIMEX, "adjtimex", unix.CAP_SYS_TIME, actOther, 0},
	{unix.SYS_CLOCK_ADJTIME, "clock_adjtime", unix.CAP_SYS_TIME, actOther, 0},
	{unix.SYS_REBOOT, "reboot", unix.CAP_SYS_BOOT, actOther, 0},
	{unix.SYS_KEXEC_LOAD, "kexec_load", unix.CAP_SYS_BOOT, actOther, 0},
	{unix.SYS_KEXEC_FILE_LOAD, "kexec_file_load", unix.CAP_SYS_BOOT, actOther, 0},
	{unix.SYS_INIT_MODULE, "init_module", unix.CAP_SYS_MODULE, actOther, 0},
	{unix.SYS_FINIT_MODULE, "finit_module", unix.CAP_SYS_MODULE, actOther, 0},
	{unix.SYS_DELETE_MODULE, "delete_module", unix.CAP_SYS_MODULE, actOther, 0},
	{unix.SYS_SYSLOG, "syslog", unix.CAP_SYSLOG, actOther, 0},
	{unix.SYS_ACCT, "acct", unix.CAP_SYS_PACCT, actOther, 0},
	{unix.SYS_VHANGUP, "vhangup", unix.CAP_SYS_TTY_CONFIG, actOther, 0},
	{unix.SYS_SETPRIORITY, "setpriority", unix.CAP_SYS_NICE, actLimit, 0},
	{unix.SYS_SCHED_SETSCHEDULER, "sched_setscheduler", unix.CAP_SYS_NICE, actLimit, 0},
	{unix.SYS_SCHED_SETPARAM, "sched_setparam", unix.CAP_SYS_NICE, actLimit, 0},
	{unix.SYS_SCHED_SETATTR, "sched_setattr", unix.CAP_SYS_NICE, actLimit, 0},
	{unix.SYS_IOPRIO_SET, "ioprio_set", unix.CAP_SYS_NICE, actLimit, 0},
	{unix.SYS_SETRLIMIT, "setrlimit", unix.CAP_SYS_RESOURCE, actLimit, 0},
	{unix.SYS_PRLIMIT64, "prlimit64", unix.CAP_SYS_RESOURCE, actLimit, 0},
	{unix.SYS_MLOCK, "mlock", unix.CAP_IPC_LOCK, actLimit, 0},
	{unix.SYS_MLOCK2, "mlock2", unix.CAP_IPC_LOCK, actLimit, 0},
	{unix.SYS_MLOCKALL, "mlockall", unix.CAP_IPC_LOCK, actLimit, 0},
	{unix.SYS_SOCKET, "socket", unix.CAP_NET_RAW, actSocket, 0},
	{unix.SYS_SETSOCKOPT, "setsockopt", unix.CAP_NET_ADMIN, actOther, 0},
}

func privilegedCallOf(nr uint64) *privilegedCall {
	for _, table := range [][]privilegedCall{archPrivilegedCalls, privilegedCalls} {
		for i := range table {
			if table[i].nr == nr {
				return &table[i]
			}
		}
	}
	return nil
}
