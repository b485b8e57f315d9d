#include "textflag.h"

// Where runtime.g (runtime/runtime2.go) has what compiled code and the runtime read of it. The stack check compares SP with
// stackguard0. A failed check of a bound goes on in the runtime, which makes no system call before it reads or writes a field
// of m. m is 0, so that is a SIGSEGV. A failed stack check is one too: morestack looks for g in thread-local storage.
#define g_stackguard0	16
#define g_m	48

// What the stack check lets launch use. The test of the machine code shows that it needs less.
#define stackSize	65536

// func entry()
//
// The ELF entry point of the release build: calls prelaunch before the Go runtime exists and, if that returns, starts
// the runtime as if nothing had happened. prelaunch is called through its function value, which is ABIInternal, the
// convention of compiled Go: the convention of assembly would look for g in thread-local storage, and there is none yet.
//
// register | from the kernel | ABIInternal
// SP       | argc            | stack
// AX       |                 | first argument
// DX       |                 | closure
// R14      |                 | current g
// X15      |                 | zero
TEXT ·entry(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVQ	SP, AX
	LEAQ	-stackSize(SP), CX
	// From SP on: a word where prelaunch may spill its argument, the saved SP, and g up to its m.
	SUBQ	$80, SP
	MOVQ	AX, 8(SP)
	LEAQ	16(SP), R14
	MOVQ	CX, g_stackguard0(R14)
	MOVQ	$0, g_m(R14)
	XORPS	X15, X15
	MOVQ	·entryFunc(SB), DX
	CALL	(DX)
	MOVQ	8(SP), SP
	JMP	_rt0_amd64_linux(SB)

// The function value systemCall. A function that Go declares and assembly defines is called by way of a wrapper that
// looks for g in thread-local storage; by way of this it is called as compiled Go is.
DATA ·systemCall(SB)/8, $systemCallWord<>(SB)
GLOBL ·systemCall(SB), NOPTR, $8
DATA systemCallWord<>(SB)/8, $systemCallCode<>(SB)
GLOBL systemCallWord<>(SB), NOPTR, $8

// How it returns is told at systemCall in kernel_linux.go.
//
// register | ABIInternal | system call
// AX       | nr, result  | nr, result
// BX       | a1          |
// CX       | a2          | lost
// DI       | a3          | a1
// SI       | a4          | a2
// R8       | a5          | a5
// DX       |             | a3
// R10      |             | a4
// R11      |             | lost
TEXT systemCallCode<>(SB), NOSPLIT|NOFRAME, $0
	MOVQ	SI, R10
	MOVQ	DI, DX
	MOVQ	CX, SI
	MOVQ	BX, DI
	SYSCALL
	POPQ	R11
	JMP	R11
