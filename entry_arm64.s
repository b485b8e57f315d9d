#include "textflag.h"

// Where runtime.g (runtime/runtime2.go) has what compiled code and the runtime read of it. The stack check compares SP with
// stackguard0. A failed check, of the stack or of a bound, goes on in the runtime, which makes no system call before it reads
// or writes a field of m. m is 0, so that is a SIGSEGV.
#define g_stackguard0	16
#define g_m	48

// What the stack check lets launch use. The test of the machine code shows that it needs less.
#define stackSize	65536

// func entry()
//
// The ELF entry point of the release build: calls prelaunch before the Go runtime exists and, if that returns, starts
// the runtime as if nothing had happened. prelaunch is called through its function value, which is ABIInternal, the
// convention of compiled Go, as on amd64.
//
// register | from the kernel | ABIInternal
// RSP      | argc            | stack
// R0       |                 | first argument
// R26      |                 | closure
// R28      |                 | current g
TEXT ·entry(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVD	RSP, R0
	SUB	$stackSize, R0, R1
	// From SP on: the link register, a word where prelaunch may spill its argument, the saved SP, and g up to its m.
	SUB	$96, RSP
	MOVD	R0, 16(RSP)
	ADD	$32, RSP, g
	MOVD	R1, g_stackguard0(g)
	MOVD	ZR, g_m(g)
	MOVD	·entryFunc(SB), R26
	MOVD	(R26), R1
	CALL	(R1)
	MOVD	16(RSP), R0
	MOVD	R0, RSP
	JMP	_rt0_arm64_linux(SB)

// The function value systemCall. A function that Go declares and assembly defines is called by way of a wrapper; by way of
// this it is called as compiled Go is.
DATA ·systemCall(SB)/8, $systemCallWord<>(SB)
GLOBL ·systemCall(SB), NOPTR, $8
DATA systemCallWord<>(SB)/8, $systemCallCode<>(SB)
GLOBL systemCallWord<>(SB), NOPTR, $8

// How it returns is told at systemCall in kernel_linux.go.
//
// register | ABIInternal | system call
// R0       | nr, result  | a1, result
// R1       | a1          | a2
// R2       | a2          | a3
// R3       | a3          | a4
// R4       | a4          | a5
// R5       | a5          |
// R8       |             | nr
TEXT systemCallCode<>(SB), NOSPLIT|NOFRAME, $0
	MOVD	R0, R8
	MOVD	R1, R0
	MOVD	R2, R1
	MOVD	R3, R2
	MOVD	R4, R3
	MOVD	R5, R4
	SVC
	JMP	(LR)
