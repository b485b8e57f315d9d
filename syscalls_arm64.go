package main

// native is this architecture's column of the tables in seccomp_linux.go. Both columns are in every binary: snib
// explains the filter of either. The numbers of the calls that the launch itself makes are those of x/sys/unix.
const native = arm64
