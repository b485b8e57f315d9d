package main

// What --why knows of the calls that amd64 alone has.

import "golang.org/x/sys/unix"

var archPathCalls = []pathCall{
	{nr: unix.SYS_OPEN, name: "open", kind: callOpen, path: 1, flags: 2, flag2: 3},
	{nr: unix.SYS_CREAT, name: "creat", kind: callCreat, path: 1, flag2: 2},
	{nr: unix.SYS_MKDIR, name: "mkdir", kind: callMkdir, path: 1},
	{nr: unix.SYS_MKNOD, name: "mknod", kind: callMknod, path: 1, flag2: 2},
	{nr: unix.SYS_SYMLINK, name: "symlink", kind: callSymlink, to: 2},
	{nr: unix.SYS_LINK, name: "link", kind: callLink, path: 1, to: 2},
	{nr: unix.SYS_RENAME, name: "rename", kind: callRename, path: 1, to: 2},
	{nr: unix.SYS_UNLINK, name: "unlink", kind: callUnlink, path: 1},
	{nr: unix.SYS_RMDIR, name: "rmdir", kind: callRmdir, path: 1},
	{nr: unix.SYS_CHMOD, name: "chmod", kind: callAttribute, path: 1},
	{nr: unix.SYS_CHOWN, name: "chown", kind: callAttribute, path: 1},
	{nr: unix.SYS_LCHOWN, name: "lchown", kind: callAttribute, path: 1},
	{nr: unix.SYS_UTIME, name: "utime", kind: callAttribute, path: 1},
	{nr: unix.SYS_UTIMES, name: "utimes", kind: callAttribute, path: 1},
	{nr: unix.SYS_FUTIMESAT, name: "futimesat", kind: callAttribute, dir: 1, path: 2},
}

var archPrivilegedCalls = []privilegedCall{
	{unix.SYS_IOPL, "iopl", unix.CAP_SYS_RAWIO, actOther, 0},
	{unix.SYS_IOPERM, "ioperm", unix.CAP_SYS_RAWIO, actOther, 0},
}
