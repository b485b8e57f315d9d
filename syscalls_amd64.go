package main

// What the filter knows of amd64 alone. This file runs in the restricted context described at the head of launch_linux.go.

import "golang.org/x/sys/unix"

// auditArch is seccomp_data.arch (linux/audit.h).
const auditArch = unix.AUDIT_ARCH_X86_64

// x32 is the bit that marks a call of the x32 ABI (__X32_SYSCALL_BIT in asm/unistd.h), which has the same
// seccomp_data.arch and numbers of its own. Every number from there on is killed: nothing has those with the sign bit, but
// for -1.
const x32 = 0x40000000

// archRules are rules for calls that other architectures have not got: there the C library uses openat,
// mknodat and fchmodat.
var archRules = []rule{
	{name: "open", nr: unix.SYS_OPEN, when: truncation, checks: [2]check{{arg: 1, is: oneOf, mask: truncationMask, values: truncations}}},
	{name: "open", nr: unix.SYS_OPEN, when: writes, checks: [2]check{{arg: 1, is: noneOf, mask: creationMask, values: zero}, {arg: 2, is: oneOf, mask: unix.S_ISUID, values: setUID}}},
	{name: "creat", nr: unix.SYS_CREAT, when: writes, checks: [2]check{{arg: 1, is: oneOf, mask: unix.S_ISUID, values: setUID}}},
	{name: "mknod", nr: unix.SYS_MKNOD, when: writes, checks: [2]check{{arg: 1, is: oneOf, mask: unix.S_ISUID, values: setUID}}},
	{name: "chmod", nr: unix.SYS_CHMOD, when: writes, checks: [2]check{{arg: 1, is: oneOf, mask: unix.S_ISUID, values: setUID}}},
}
