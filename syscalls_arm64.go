package main

// What the filter knows of arm64 alone. This file runs in the restricted context described at the head of launch_linux.go.

import "golang.org/x/sys/unix"

// auditArch is seccomp_data.arch (linux/audit.h).
const auditArch = unix.AUDIT_ARCH_AARCH64

// x32 is 0: 64-bit ARM has one set of numbers. The 32-bit one (EABI) has another seccomp_data.arch.
const x32 = 0

// archRules are none: open(2), creat(2), mknod(2) and chmod(2) are older than this architecture, whose table (asm-generic/unistd.h)
// has openat, mknodat and fchmodat alone.
var archRules []rule
